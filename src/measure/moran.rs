//! Spatial autocorrelation of emissions: do large emitters stand beside large ones?

use rayon::prelude::*;

use crate::globe::geodesy::{Degrees, by_lon_lat};
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
/// Of several at one distance those of smaller coordinates (longitude, then latitude) are the nearer ones, of several at
/// one place those that emit more: names and the order of rows decide nothing.
///
/// # Source
///
/// Moran (1950); Geary (1954); Anselin (1995), "Local indicators of spatial association".
pub fn autocorrelation(places: &[Degrees], emissions_t: &[f64]) -> Option<Autocorrelation> {
    let count = places.len();
    let alike = emissions_t.iter().all(|value| *value == emissions_t[0]);
    if count < 2 || alike {
        return None;
    }
    let order = by_place(places, emissions_t);
    let mean = order.iter().map(|&at| emissions_t[at]).sum::<f64>() / count as f64;
    let from_mean: Vec<f64> = emissions_t.iter().map(|value| value - mean).collect();
    let squares: f64 = order.iter().map(|&at| from_mean[at] * from_mean[at]).sum();
    let mut lag = vec![(0.0, 0.0); count];
    for (own, near) in neighbours(places, &order) {
        // The mean of the neighbours, and their mean squared difference.
        let mean = |sum: f64| sum / near.len() as f64;
        let apart = near.iter().map(|&near| (emissions_t[own] - emissions_t[near]).powi(2)).sum();
        lag[own] = (mean(near.iter().map(|&near| from_mean[near]).sum()), mean(apart));
    }
    let degrees_of_freedom = (count - 1) as f64;
    let products = order.iter().map(|&at| from_mean[at] * lag[at].0);
    let apart: f64 = order.iter().map(|&at| lag[at].1).sum();
    let quadrant = |own: f64, lag: f64| match (own > 0.0, lag > 0.0) {
        (true, true) => 1,
        (false, true) => 2,
        (false, false) => 3,
        (true, false) => 4,
    };
    let local = from_mean.iter().zip(&lag);
    Some(Autocorrelation {
        moran_i: products.sum::<f64>() / squares,
        geary_c: degrees_of_freedom * apart / (2.0 * count as f64 * squares),
        local: local.map(|(own, (lag, _))| (degrees_of_freedom * own * lag / squares, quadrant(*own, *lag))).collect(),
    })
}

/// Facilities by their coordinates, then falling emissions; alike in both, as they come.
fn by_place(places: &[Degrees], emissions_t: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.par_sort_by(|&a, &b| by_lon_lat(places[a], places[b]).then(emissions_t[b].total_cmp(&emissions_t[a])));
    order
}

/// Every facility with its nearest others. Facilities of one place are searched for once, so that many of them at one place
/// take no longer than as many apart.
fn neighbours(places: &[Degrees], order: &[usize]) -> Vec<(usize, Vec<usize>)> {
    let sites: Vec<&[usize]> = order.chunk_by(|&a, &b| places[a] == places[b]).collect();
    let vectors: Vec<Vector> = sites.iter().map(|site| unit_vector(places[site[0]])).collect();
    let tree = Tree::new(&vectors);
    let around = |(point, site): (&Vector, &u32)| {
        let near: Vec<usize> = tree
            .nearest_many(point, NEIGHBOURS + 1)
            .into_iter()
            .flat_map(|(_, near)| sites[near as usize].iter().copied().take(NEIGHBOURS + 1))
            .collect();
        let of_one = |&own: &usize| (own, near.iter().copied().filter(|near| *near != own).take(NEIGHBOURS).collect());
        sites[*site as usize].iter().map(of_one).collect::<Vec<_>>()
    };
    let found: Vec<_> = tree.points().par_iter().zip(tree.numbers()).map(around).collect();
    found.into_iter().flatten().collect()
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
        assert_eq!(autocorrelation(&[(0.0, 1.0), (0.0, 2.0), (0.0, 3.0)], &[0.1; 3]), None);
    }

    /// The definition, as slow as it reads: all pairs by distance, coordinates, falling emissions.
    #[test]
    fn ties_go_by_coordinates_then_emissions() {
        let grid: Vec<Degrees> =
            (0..120).map(|at| (f64::from(at * 7 % 5) / 4.0, 51.0 + f64::from(at * 11 % 4) / 4.0)).collect();
        let emissions: Vec<f64> = (0..120).map(|at| f64::from(at * 37 % 23)).collect();
        let vectors: Vec<Vector> = grid.iter().map(|&place| unit_vector(place)).collect();
        let found = autocorrelation(&grid, &emissions).unwrap();
        let mean = emissions.iter().sum::<f64>() / 120.0;
        let squares: f64 = emissions.iter().map(|value| (value - mean).powi(2)).sum();
        for own in 0..120 {
            let mut others: Vec<usize> = (0..120).filter(|&other| other != own).collect();
            others.sort_by(|&a, &b| {
                let km = |at: usize| crate::globe::squared(&vectors[own], &vectors[at]);
                let place = |at: usize| grid[at];
                km(a)
                    .total_cmp(&km(b))
                    .then(place(a).0.total_cmp(&place(b).0))
                    .then(place(a).1.total_cmp(&place(b).1))
                    .then(emissions[b].total_cmp(&emissions[a]))
            });
            let lag = others[..8].iter().map(|&near| emissions[near] - mean).sum::<f64>() / 8.0;
            let local = 119.0 * (emissions[own] - mean) * lag / squares;
            assert!((found.local[own].0 - local).abs() < 1e-9, "{own}: {} instead of {local}", found.local[own].0);
        }
    }
}
