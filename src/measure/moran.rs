//! Spatial autocorrelation of emissions: do large emitters stand beside large ones?

use rayon::prelude::*;

use crate::globe::geodesy::Degrees;
use crate::globe::tree::Tree;
use crate::globe::{Vector, unit_vector};

/// Neighbours of a facility: the nearest by great circle.
const NEIGHBOURS: usize = 8;

/// Moran's I, Geary's C and each facility's part in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Autocorrelation {
    /// Moran's I: near 0 without a pattern, up to 1 where like stands by like.
    pub moran_i: f64,
    /// Geary's C: 1 without a pattern, towards 0 where like stands by like.
    pub geary_c: f64,
    /// Local Moran's I and its quadrant (1 high among high, 2 low among high, 3 low among low, 4 high among low).
    pub local: Vec<(f64, i64)>,
}

/// Autocorrelation over the 8 nearest facilities (fewer where there are no more), row-standardised; `None` for fewer than 2 facilities or
/// where all emit alike.
///
/// # Source
///
/// Moran (1950); Geary (1954); Anselin (1995), "Local indicators of spatial association".
pub fn autocorrelation(places: &[Degrees], emissions_t: &[f64]) -> Option<Autocorrelation> {
    let count = places.len();
    let mean = emissions_t.iter().sum::<f64>() / count as f64;
    let from_mean: Vec<f64> = emissions_t.iter().map(|value| value - mean).collect();
    let squares: f64 = from_mean.iter().map(|value| value * value).sum();
    if count < 2 || squares <= 0.0 {
        return None;
    }
    let tree = Tree::new(&places.iter().map(|&place| unit_vector(place)).collect::<Vec<Vector>>());
    // The mean of the neighbours, and their mean squared difference.
    let look = |(point, own): (&Vector, &u32)| {
        let near = tree.nearest_many(point, NEIGHBOURS + 1);
        let near: Vec<usize> = near.iter().map(|near| near.1 as usize).filter(|near| *near != *own as usize).collect();
        let near = &near[..near.len().min(NEIGHBOURS)];
        let mean = |sum: f64| sum / near.len() as f64;
        let lag = mean(near.iter().map(|&near| from_mean[near]).sum());
        let apart = mean(near.iter().map(|&near| (emissions_t[*own as usize] - emissions_t[near]).powi(2)).sum());
        (lag, apart)
    };
    let looked: Vec<(f64, f64)> = tree.points().par_iter().zip(tree.numbers()).map(look).collect();
    let mut lag = vec![(0.0, 0.0); count];
    tree.numbers().iter().zip(looked).for_each(|(&own, looked)| lag[own as usize] = looked);
    let degrees_of_freedom = (count - 1) as f64;
    let products = from_mean.iter().zip(&lag).map(|(own, (lag, _))| own * lag);
    let quadrant = |own: f64, lag: f64| match (own > 0.0, lag > 0.0) {
        (true, true) => 1,
        (false, true) => 2,
        (false, false) => 3,
        (true, false) => 4,
    };
    let local = from_mean.iter().zip(&lag);
    Some(Autocorrelation {
        moran_i: products.sum::<f64>() / squares,
        geary_c: degrees_of_freedom * lag.iter().map(|(_, apart)| apart).sum::<f64>() / (2.0 * count as f64 * squares),
        local: local.map(|(own, (lag, _))| (degrees_of_freedom * own * lag / squares, quadrant(*own, *lag))).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tests/oracles/concentration: esda.
    #[test]
    fn agrees_with_esda() {
        let folder = "tests/oracles/concentration";
        let rows = |file: &str| -> Vec<csv::StringRecord> {
            let reader = csv::Reader::from_path(format!("{folder}/{file}")).unwrap();
            reader.into_records().map(|row| row.unwrap()).collect()
        };
        let facilities = rows("facilities.csv");
        let number = |row: &csv::StringRecord, column: usize| row[column].parse::<f64>().unwrap();
        let places: Vec<Degrees> = facilities.iter().map(|row| (number(row, 1), number(row, 2))).collect();
        let emissions: Vec<f64> = facilities.iter().map(|row| number(row, 4)).collect();
        let found = autocorrelation(&places, &emissions).unwrap();
        let text = std::fs::read_to_string(format!("{folder}/moran.json")).unwrap();
        let wanted: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!((found.moran_i - wanted["I"].as_f64().unwrap()).abs() < 1e-9, "{} {wanted}", found.moran_i);
        assert!((found.geary_c - wanted["geary_C"].as_f64().unwrap()).abs() < 1e-9, "{} {wanted}", found.geary_c);
        for ((value, quadrant), row) in found.local.iter().zip(rows("local_moran.csv")) {
            assert!((value - number(&row, 1)).abs() < 1e-9 * (1.0 + value.abs()), "{row:?} {value}");
            assert_eq!(quadrant.to_string(), row[2], "{row:?}");
        }
    }

    #[test]
    fn nothing_to_compare() {
        assert_eq!(autocorrelation(&[], &[]), None);
        assert_eq!(autocorrelation(&[(1.0, 2.0)], &[3.0]), None);
        assert_eq!(autocorrelation(&[(1.0, 2.0), (1.0, 2.0)], &[3.0, 3.0]), None);
        let pair = autocorrelation(&[(1.0, 2.0), (1.0, 2.0)], &[1.0, 3.0]).unwrap();
        assert_eq!(pair.moran_i, -1.0);
    }
}
