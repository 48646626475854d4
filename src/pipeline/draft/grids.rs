//! The system of coordinates that a range of numbers may belong to.

use crate::validate::country::Countries;
use crate::validate::crs::Crs;

/// A national or European grid.
struct Grid {
    code: &'static str,
    name: &'static str,
    /// West, south, east, north, in its own units.
    range: [f64; 4],
    /// Countries that publish in it, as codes and names.
    countries: &'static [&'static str],
}

const GRIDS: [Grid; 16] = [
    Grid {
        code: "EPSG:27700",
        name: "British National Grid",
        range: [-100_000.0, -50_000.0, 700_000.0, 1_300_000.0],
        countries: &["GB", "UK", "United Kingdom", "England", "Scotland", "Wales"],
    },
    Grid {
        code: "EPSG:28992",
        name: "RD New",
        range: [7_000.0, 300_000.0, 285_000.0, 630_000.0],
        countries: &["NL", "Netherlands"],
    },
    Grid {
        code: "EPSG:2157",
        name: "Irish Transverse Mercator",
        range: [400_000.0, 500_000.0, 780_000.0, 970_000.0],
        countries: &["IE", "Ireland"],
    },
    Grid {
        code: "EPSG:31370",
        name: "Belgian Lambert 72",
        range: [10_000.0, 20_000.0, 300_000.0, 250_000.0],
        countries: &["BE", "Belgium"],
    },
    Grid {
        code: "EPSG:2154",
        name: "Lambert-93",
        range: [99_000.0, 6_000_000.0, 1_250_000.0, 7_200_000.0],
        countries: &["FR", "France"],
    },
    Grid {
        code: "EPSG:3067",
        name: "ETRS89 / TM35FIN",
        range: [40_000.0, 6_600_000.0, 770_000.0, 7_800_000.0],
        countries: &["FI", "Finland", "Suomi"],
    },
    Grid {
        code: "EPSG:3006",
        name: "SWEREF99 TM",
        range: [250_000.0, 6_090_000.0, 930_000.0, 7_700_000.0],
        countries: &["SE", "Sweden", "Sverige"],
    },
    Grid {
        code: "EPSG:25833",
        name: "ETRS89 / UTM zone 33N",
        range: [-110_000.0, 6_400_000.0, 1_130_000.0, 7_950_000.0],
        countries: &["NO", "Norway", "Norge"],
    },
    Grid {
        code: "EPSG:25832",
        name: "ETRS89 / UTM zone 32N",
        range: [430_000.0, 6_040_000.0, 900_000.0, 6_420_000.0],
        countries: &["DK", "Denmark", "Danmark"],
    },
    Grid {
        code: "EPSG:25832",
        name: "ETRS89 / UTM zone 32N",
        range: [260_000.0, 5_220_000.0, 930_000.0, 6_120_000.0],
        countries: &["DE", "Germany", "Deutschland"],
    },
    Grid {
        code: "EPSG:2180",
        name: "Poland CS92",
        range: [140_000.0, 120_000.0, 880_000.0, 910_000.0],
        countries: &["PL", "Poland", "Polska"],
    },
    Grid {
        code: "EPSG:5514",
        name: "S-JTSK / Krovak East North",
        range: [-910_000.0, -1_340_000.0, -160_000.0, -930_000.0],
        countries: &["CZ", "SK", "Czechia", "Slovakia"],
    },
    Grid {
        code: "EPSG:25830",
        name: "ETRS89 / UTM zone 30N",
        range: [-20_000.0, 3_970_000.0, 1_130_000.0, 4_870_000.0],
        countries: &["ES", "Spain", "España"],
    },
    Grid {
        code: "EPSG:2056",
        name: "CH1903+ / LV95",
        range: [2_480_000.0, 1_070_000.0, 2_840_000.0, 1_300_000.0],
        countries: &["CH", "Switzerland", "Schweiz"],
    },
    Grid {
        code: "EPSG:3035",
        name: "ETRS89 / LAEA Europe",
        range: [2_400_000.0, 1_300_000.0, 7_400_000.0, 5_500_000.0],
        countries: &["EU"],
    },
    Grid {
        code: "EPSG:3857",
        name: "Web Mercator",
        range: [-20_100_000.0, -20_100_000.0, 20_100_000.0, 20_100_000.0],
        countries: &[],
    },
];

impl Grid {
    /// Whether nearly all places lie in the first of its countries, if they are in this system.
    fn is_at_home(&self, places: &[(f64, f64)]) -> bool {
        /// Places that are looked at.
        const LOOKED_AT: usize = 1000;
        let Some(country) = self.countries.first().filter(|country| **country != "EU") else { return true };
        let (Ok(crs), Ok(country)) = (Crs::new(self.code, "crs"), Countries::new(&[(*country).to_owned()], "country"))
        else {
            return true;
        };
        let places = &places[..places.len().min(LOOKED_AT)];
        let is_home = |(x, y): &&(f64, f64)| crs.to_lon_lat(*x, *y).is_some_and(|(lon, lat)| country.hold(lon, lat));
        places.iter().filter(is_home).count() * 10 >= places.len() * 9
    }
}

/// What can be said of coordinates.
#[derive(Debug, PartialEq)]
pub enum Guess {
    /// One system: its code, and why.
    One(&'static str, String),
    /// Several, which the file does not tell apart: code and name.
    Several(Vec<(&'static str, &'static str)>),
    /// None that is known here.
    None,
}

/// The system whose range holds nearly all places, and in which they lie in the countries that publish in it; of several that of
/// the file's countries. `english`: the columns are called easting and northing, as in Great Britain and Ireland.
pub fn guess(x: &[f64], y: &[f64], countries: &[&str], english: bool) -> Guess {
    let places: Vec<(f64, f64)> =
        x.iter().copied().zip(y.iter().copied()).filter(|place| *place != (0.0, 0.0)).collect();
    let holds = |[west, south, east, north]: [f64; 4]| {
        let inside = places.iter().filter(|(x, y)| (west..=east).contains(x) && (south..=north).contains(y)).count();
        !places.is_empty() && inside * 10 >= places.len() * 9
    };
    if holds([-180.0, -90.0, 180.0, 90.0]) {
        return Guess::One("EPSG:4326", "degrees".into());
    }
    let is_of = |grid: &&Grid| {
        let named = |country: &&str| grid.countries.iter().any(|known| known.eq_ignore_ascii_case(country));
        !countries.is_empty() && countries.iter().any(named)
    };
    let fitting: Vec<&Grid> = GRIDS.iter().filter(|grid| holds(grid.range) && grid.is_at_home(&places)).collect();
    // What holds all the world's places holds these too: the last resort.
    let narrow: Vec<&Grid> = fitting.iter().copied().filter(|grid| !grid.countries.is_empty()).collect();
    let fitting = if narrow.is_empty() { fitting } else { narrow };
    let islands = fitting.iter().copied().find(|grid| english && matches!(grid.countries[..], ["GB" | "IE", ..]));
    match (fitting.iter().copied().find(is_of).or(islands), fitting.as_slice()) {
        (Some(grid), _) => Guess::One(grid.code, format!("{}, by range and country", grid.name)),
        (None, [only]) => Guess::One(only.code, format!("{}, by the range of the coordinates", only.name)),
        (None, []) => Guess::None,
        (None, several) => Guess::Several(several.iter().map(|grid| (grid.code, grid.name)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_decide_between_grids() {
        let (x, y) = ([252_198.0, 377_127.0], [6_934_785.0, 6_713_363.0]);
        assert!(matches!(guess(&x, &y, &["FI"], false), Guess::One("EPSG:3067", _)));
        assert!(matches!(guess(&x, &y, &[], false), Guess::Several(_)));
        // Great Britain's and Poland's grids hold the same numbers.
        assert!(matches!(guess(&[452_150.0], &[524_260.0], &[], false), Guess::Several(_)));
        assert!(matches!(guess(&[452_150.0], &[524_260.0], &["PL"], false), Guess::One("EPSG:2180", _)));
        assert!(matches!(guess(&[452_150.0], &[524_260.0], &[], true), Guess::One("EPSG:27700", _)));
        assert!(matches!(guess(&[10.0], &[50.0], &["GB"], false), Guess::One("EPSG:4326", _)));
        assert_eq!(guess(&[-5e8], &[0.0], &[], false), Guess::None);
    }
}
