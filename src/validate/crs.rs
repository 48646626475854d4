//! Coordinates of a declared EPSG code to WGS 84 longitude and latitude, in degrees.

use proj4rs::Proj;
use proj4rs::transform::transform;

use crate::error::Problem;

/// A transformation from one coordinate reference system to WGS 84.
///
/// British National Grid goes by OSTN15, the Ordnance Survey's own grid of shifts (0.1 m against its definition, which
/// is ETRS89: taken as WGS 84, from which it has drifted by about 0.8 m), and beyond the reach of that grid by seven
/// parameters (about 2 m). All other datum shifts are the published parameters that PROJ takes without grid files: good to
/// 1 m (S-JTSK in Slovakia, for which PROJ has parameters of its own, within 3 m of them).
pub struct Crs {
    way: Way,
    code: u16,
    axes: Axes,
}

/// Which way the two coordinates count, as the country publishes them; the second word is the second coordinate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axes {
    EastNorth,
    /// Krovak's own: southing, then westing.
    SouthWest,
    /// Gauss conform of southern Africa: westing, then southing.
    WestSouth,
}

/// Codes of S-JTSK / Krovak with southing and westing; its other codes have easting and northing.
const SOUTH_WEST: [u16; 3] = [2065, 5513, 8352];
/// Eastings and northings of Krovak's projection in the Czech Republic and Slovakia with 50 km around them, m.
const KROVAK: [(f64, f64); 2] = [(-1_001_500.0, -109_300.0), (-1_403_300.0, -861_000.0)];
/// No place lies farther from the central meridian of a grid that counts westward, m.
const WIDEST_M: f64 = 400_000.0;

/// No grid reaches further from its origin, m: half of the equator, by which Web Mercator ends.
const FURTHEST_M: f64 = 20_037_508.35;

enum Way {
    /// Longitude and latitude as they are.
    Degrees,
    /// Through the projection of a system.
    Proj(Box<(Proj, Proj)>),
    /// OSTN15, else as above.
    Ostn15(Box<(Proj, Proj)>),
}

/// S-JTSK / Krovak, by easting and northing.
const KROVAK_DEFINITION: &str = "+proj=krovak +lat_0=49.5 +lon_0=24.8333333333333 +alpha=30.2881397527778 +k=0.9999 +x_0=0 +y_0=0 +ellps=bessel +towgs84=572.213,85.334,461.94,4.9732,1.529,5.2484,3.5378 +units=m";
/// Definitions that differ from those of the EPSG list: without a datum shift there, or by an older one.
///
/// Source: the operations that PROJ 9.5 chooses without grid files (`tests/oracles/geodesic/crs_notes.md`).
const DEFINITIONS: [(u16, &str); 8] = [
    (2065, KROVAK_DEFINITION),
    (5513, KROVAK_DEFINITION),
    (5514, KROVAK_DEFINITION),
    (
        27700,
        "+proj=tmerc +lat_0=49 +lon_0=-2 +k=0.9996012717 +x_0=400000 +y_0=-100000 +ellps=airy +towgs84=446.448,-125.157,542.06,0.15,0.247,0.842,-20.489 +units=m",
    ),
    (
        29903,
        "+proj=tmerc +lat_0=53.5 +lon_0=-8 +k=1.000035 +x_0=200000 +y_0=250000 +a=6377340.189 +rf=299.3249646 +towgs84=482.5,-130.6,564.6,-1.042,-0.214,-0.631,8.15 +units=m",
    ),
    (
        28992,
        "+proj=sterea +lat_0=52.1561605555556 +lon_0=5.38763888888889 +k=0.9999079 +x_0=155000 +y_0=463000 +ellps=bessel +towgs84=565.4171,50.3319,465.5524,-0.398957388243134,0.343987817378283,-1.87740163998045,4.0725 +units=m",
    ),
    (
        31370,
        "+proj=lcc +lat_0=90 +lon_0=4.36748666666667 +lat_1=51.1666672333333 +lat_2=49.8333339 +x_0=150000.013 +y_0=5400088.438 +ellps=intl +towgs84=-106.8686,52.2978,-103.7239,0.3366,-0.457,1.8422,-1.2747 +units=m",
    ),
    (4258, "+proj=longlat +ellps=GRS80 +no_defs"),
];

impl Crs {
    /// Reads `EPSG:nnnn`.
    ///
    /// # Errors
    ///
    /// A [`Problem`] at `place` for a code that is not known or cannot be transformed.
    pub fn new(code: &str, place: &str) -> Result<Self, Problem> {
        let refuse = |message: String| Problem::new(place, message, "write an EPSG code, as in \"EPSG:27700\"");
        let number = code.strip_prefix("EPSG:").and_then(|digits| digits.parse::<u16>().ok());
        let number = number.ok_or_else(|| refuse(format!("`{code}` is no EPSG code")))?;
        if number == 4326 {
            return Ok(Self { way: Way::Degrees, code: number, axes: Axes::EastNorth });
        }
        let own = DEFINITIONS.iter().find(|(known, _)| *known == number).map(|(_, text)| *text);
        let listed = crs_definitions::from_code(number).map(|definition| definition.proj4);
        let text = own.or(listed).ok_or_else(|| refuse(format!("`{code}` is not known")))?;
        if text.contains("+proj=geocent") {
            let message = format!("`{code}` counts x, y and z from the centre of the earth: two of them tell no place");
            return Err(Problem::new(place, message, "export longitude and latitude (EPSG:4326) or a grid"));
        }
        let axes = match text.split("+axis=").nth(1).map(|axes| &axes[..2]) {
            _ if SOUTH_WEST.contains(&number) => Axes::SouthWest,
            Some("ws") => Axes::WestSouth,
            None => Axes::EastNorth,
            Some(other) => return Err(refuse(format!("`{code}` has axes that are not read here ({other})"))),
        };
        // The axes are turned here, whatever the projection's library makes of them.
        let text: String = text.split(' ').filter(|part| !part.starts_with("+axis=")).collect::<Vec<_>>().join(" ");
        let project = |text: &str| Proj::from_proj_string(text).map_err(|error| refuse(format!("`{code}`: {error}")));
        let pair = Box::new((project(&text)?, project("+proj=longlat +datum=WGS84 +no_defs")?));
        Ok(Self { way: if number == 27700 { Way::Ostn15(pair) } else { Way::Proj(pair) }, code: number, axes })
    }

    /// The EPSG number.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Whether its coordinates are degrees.
    pub fn is_degrees(&self) -> bool {
        match &self.way {
            Way::Degrees => true,
            Way::Proj(pair) | Way::Ostn15(pair) => pair.0.is_latlong(),
        }
    }

    /// Longitude and latitude in degrees, or `None` for coordinates outside of the system's reach or of the globe.
    pub fn to_lon_lat(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let (x, y) = self.east_north(x, y)?;
        let (lon, lat) = match &self.way {
            Way::Degrees => (x, y),
            Way::Proj(pair) => project(pair, x, y)?,
            Way::Ostn15(pair) => match ostn15(x, y) {
                Some(degrees) => degrees,
                None => project(pair, x, y)?,
            },
        };
        let on_globe = (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
        on_globe.then_some((lon, lat))
    }

    /// Easting and northing of the two coordinates; `None` where they cannot be those of the system.
    fn east_north(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let (east, north) = match self.axes {
            Axes::EastNorth => (x, y),
            Axes::SouthWest => (-y, -x),
            Axes::WestSouth => (-x, -y),
        };
        let within = |value: f64, (low, high): (f64, f64)| (low..=high).contains(&value);
        let fits = match &self.way {
            Way::Proj(pair) if pair.0.projname() == "krovak" => within(east, KROVAK[0]) && within(north, KROVAK[1]),
            _ => self.axes != Axes::WestSouth || east.abs() <= WIDEST_M,
        };
        fits.then_some((east, north))
    }

    /// Whether a place lies beyond the grid by which this system is transformed best.
    pub fn is_beyond_grid(&self, x: f64, y: f64) -> bool {
        matches!(self.way, Way::Ostn15(_)) && ostn15(x, y).is_none()
    }
}

fn ostn15(x: f64, y: f64) -> Option<(f64, f64)> {
    let inside = (0.0..=700_000.0).contains(&x) && (0.0..=1_250_000.0).contains(&y);
    if inside { lonlat_bng::convert_osgb36_to_ll(x, y).ok() } else { None }
}

fn project((from, to): &(Proj, Proj), x: f64, y: f64) -> Option<(f64, f64)> {
    if !from.is_latlong() && x.abs().max(y.abs()) > FURTHEST_M {
        return None;
    }
    let mut point = if from.is_latlong() { (x.to_radians(), y.to_radians(), 0.0) } else { (x, y, 0.0) };
    transform(from, to, &mut point).ok()?;
    Some((point.0.to_degrees(), point.1.to_degrees()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tests/oracles/geodesic/crs.csv and crs_more.csv: PROJ 9.5 without grid files.
    #[test]
    fn national_grids_agree_with_proj_within_five_metres() {
        let mut compared = 0;
        let mut furthest = std::collections::BTreeMap::new();
        for file in ["crs", "crs_more"] {
            let mut reader = csv::Reader::from_path(format!("tests/oracles/geodesic/{file}.csv")).unwrap();
            for row in reader.records() {
                let row = row.unwrap();
                let number = |column: usize| row[column].parse::<f64>().unwrap();
                let found = Crs::new(&row[0], "").unwrap().to_lon_lat(number(1), number(2));
                let (lon, lat) = found.unwrap_or_else(|| panic!("{} {} {}", &row[0], &row[1], &row[2]));
                let metres_lon = (lon - number(3)) * 111_320.0 * number(4).to_radians().cos();
                let metres = metres_lon.hypot((lat - number(4)) * 111_320.0);
                let most = furthest.entry(row[0].to_owned()).or_insert(0.0f64);
                *most = most.max(metres);
                compared += 1;
            }
        }
        assert_eq!((compared, furthest.len()), (64 + 228, 19));
        assert!(furthest.values().all(|metres| *metres < 5.0), "{furthest:?}");
    }

    /// Published coordinates: Prague by its southing and westing (pyproj), Johannesburg's Lo29.
    #[test]
    fn axes_are_those_of_the_country() {
        for (code, x, y, lon, lat) in [
            ("EPSG:5513", 1_043_000.0, 743_000.0, 14.418_59, 50.087_35),
            ("EPSG:2065", 1_043_000.0, 743_000.0, 14.418_59, 50.087_35),
            ("EPSG:8352", 1_043_000.0, 743_000.0, 14.418_59, 50.087_35),
            ("EPSG:5514", -743_000.0, -1_043_000.0, 14.418_59, 50.087_35),
            ("EPSG:2053", 95_000.0, 2_900_000.0, 28.049_48, -26.205_95),
        ] {
            let found = Crs::new(code, "").unwrap().to_lon_lat(x, y).unwrap();
            assert!((found.0 - lon).abs() < 0.001 && (found.1 - lat).abs() < 0.001, "{code}: {found:?}");
        }
        for (code, x, y) in [
            ("EPSG:5514", 1_043_000.0, 743_000.0),
            ("EPSG:5513", 743_000.0, 1_043_000.0),
            ("EPSG:5513", -743_000.0, -1_043_000.0),
            ("EPSG:2053", 2_900_000.0, 95_000.0),
        ] {
            assert_eq!(Crs::new(code, "").unwrap().to_lon_lat(x, y), None, "{code} {x} {y}");
        }
        for code in ["EPSG:4978", "EPSG:3822"] {
            assert!(Crs::new(code, "").err().unwrap().message.contains("centre of the earth"), "{code}");
        }
    }

    /// Ordnance Survey, "OSTN15 and OSGM15 developer pack": test point TP01 (St Marys, Scilly).
    #[test]
    fn british_grid_goes_by_ostn15() {
        let crs = Crs::new("EPSG:27700", "").unwrap();
        let (lon, lat) = crs.to_lon_lat(91_492.146, 11_318.804).unwrap();
        assert!((lon + 6.299_777_520_14).abs() < 1e-8 && (lat - 49.922_263_937_30).abs() < 1e-8, "{lon} {lat}");
        assert!(crs.is_beyond_grid(-50_000.0, 10_000.0));
    }
}
