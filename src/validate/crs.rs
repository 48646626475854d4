//! Coordinates of a declared EPSG code to WGS 84 longitude and latitude, in degrees.

use proj4rs::Proj;
use proj4rs::transform::transform;

use crate::error::Problem;

/// A transformation from one coordinate reference system to WGS 84.
///
/// Datum shifts are the published seven-parameter ones: for the national grids of the covered countries good
/// to a few metres (British National Grid: about 5 m).
pub struct Crs {
    projected: Option<(Proj, Proj)>,
    code: u16,
}

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
            return Ok(Self { projected: None, code: number });
        }
        let definition = crs_definitions::from_code(number).ok_or_else(|| refuse(format!("`{code}` is not known")))?;
        let project = |text: &str| Proj::from_proj_string(text).map_err(|error| refuse(format!("`{code}`: {error}")));
        let wgs84 = "+proj=longlat +datum=WGS84 +no_defs";
        Ok(Self { projected: Some((project(definition.proj4)?, project(wgs84)?)), code: number })
    }

    /// The EPSG number.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Longitude and latitude in degrees, or `None` for coordinates outside of the system's reach or of the globe.
    pub fn to_lon_lat(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        let (lon, lat) = match &self.projected {
            None => (x, y),
            Some((from, to)) => {
                let angular = from.is_latlong();
                let mut point = if angular { (x.to_radians(), y.to_radians(), 0.0) } else { (x, y, 0.0) };
                transform(from, to, &mut point).ok()?;
                (point.0.to_degrees(), point.1.to_degrees())
            }
        };
        let on_globe = (-180.0..=180.0).contains(&lon) && (-90.0..=90.0).contains(&lat);
        on_globe.then_some((lon, lat))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tests/oracles/geodesic/crs.csv: PROJ 9.5 without grid files.
    #[test]
    fn national_grids_agree_with_proj_within_five_metres() {
        let mut reader = csv::Reader::from_path("tests/oracles/geodesic/crs.csv").unwrap();
        let mut compared = 0;
        for row in reader.records() {
            let row = row.unwrap();
            let number = |column: usize| row[column].parse::<f64>().unwrap();
            let (lon, lat) = Crs::new(&row[0], "").unwrap().to_lon_lat(number(1), number(2)).unwrap();
            let metres_lon = (lon - number(3)) * 111_320.0 * number(4).to_radians().cos();
            let metres = metres_lon.hypot((lat - number(4)) * 111_320.0);
            assert!(metres < 5.0, "{} {} {}: {metres} m", &row[0], &row[1], &row[2]);
            compared += 1;
        }
        assert_eq!(compared, 64);
    }
}
