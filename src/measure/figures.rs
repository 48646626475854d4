//! The figures that the register alone gives: counts, emissions, geometry, concentration.

use std::collections::{BTreeSet, HashSet};

use polars::prelude::*;
use rayon::prelude::*;

use super::geometry::{self, Spread};
use super::{Layout, Needs, concentration};
use crate::names::EMISSIONS;
use crate::validate::Facilities;

/// The computed figures of a cluster that need facilities, before those of `[figures]` and of networks.
pub const FIGURES: [&str; 16] = [
    "facility_count",
    "operator_count",
    EMISSIONS,
    "lon",
    "lat",
    "area_km2",
    "mst_km",
    "nn_mean_km",
    "nn_median_km",
    "clark_evans",
    "standard_distance_km",
    "emissions_per_km2",
    "herfindahl",
    "largest_share",
    "sector_shannon",
    NEXT,
];

const NEXT: &str = "km_to_next_cluster";

fn places_of(facilities: &Facilities, rows: &[usize]) -> Vec<((f64, f64), Option<f64>)> {
    rows.iter()
        .filter_map(|&row| Some((facilities.places[facilities.facility[row]]?, facilities.weights.get(row))))
        .collect()
}

/// The figures that come of places.
const OF_PLACES: [&str; 9] = [
    "lon",
    "lat",
    "area_km2",
    "mst_km",
    "nn_mean_km",
    "nn_median_km",
    "clark_evans",
    "standard_distance_km",
    "emissions_per_km2",
];

pub(super) fn spreads(layout: &Layout<'_>, needs: &Needs<'_>) -> Vec<Spread> {
    if !OF_PLACES.iter().any(|name| needs.figure(name)) {
        return vec![Spread::default(); layout.rows.len()];
    }
    layout.rows.par_iter().map(|rows| geometry::spread(&places_of(layout.facilities, rows))).collect()
}

/// The figures that are needed, and emissions.
pub(super) fn own_figures(layout: &Layout<'_>, spreads: &[Spread], needs: &Needs<'_>) -> Vec<Column> {
    let Layout { facilities, units, rows, .. } = *layout;
    let mut next: Vec<Option<f64>> = vec![None; units.len()];
    let periods: BTreeSet<_> = units.iter().map(|unit| unit.period).filter(|_| needs.figure(NEXT)).collect();
    for period in periods {
        let current: Vec<usize> = (0..units.len()).filter(|&unit| units[unit].period == period).collect();
        let groups: Vec<Vec<(f64, f64)>> = current
            .iter()
            .map(|&unit| places_of(facilities, &rows[unit]).into_iter().map(|(place, _)| place).collect())
            .collect();
        for (unit, km) in current.into_iter().zip(geometry::next_group_km(&groups)) {
            next[unit] = km;
        }
    }
    let emissions = |unit: usize| rows[unit].iter().map(|&row| facilities.emissions_t.get(row)).collect::<Vec<_>>();
    let weights = |unit: usize| rows[unit].iter().map(|&row| facilities.weights.get(row)).collect::<Vec<_>>();
    let sectors = |unit: usize| rows[unit].iter().map(|&row| facilities.sector.get(row)).collect::<Vec<_>>();
    let operators = |unit: usize| {
        let named: HashSet<&str> = rows[unit].iter().filter_map(|&row| facilities.operator.get(row)).collect();
        facilities.declared.contains("operator").then_some(named.len() as f64)
    };
    let figure = |name: &str, unit: usize| -> Option<f64> {
        let spread = &spreads[unit];
        match name {
            "facility_count" => Some(rows[unit].len() as f64),
            "operator_count" => operators(unit),
            EMISSIONS => concentration::sum(emissions(unit)),
            "lon" => spread.centre.map(|centre| centre.0),
            "lat" => spread.centre.map(|centre| centre.1),
            "area_km2" => spread.area_km2,
            "mst_km" => spread.mst_km,
            "nn_mean_km" => spread.nn_mean_km,
            "nn_median_km" => spread.nn_median_km,
            "clark_evans" => spread.clark_evans,
            // One place, two, or a row of them have no area of their own: 1 km2 at least.
            "emissions_per_km2" => spread
                .centre
                .and(concentration::sum(emissions(unit)))
                .map(|sum| sum / spread.area_km2.unwrap_or(0.0).max(1.0)),
            "standard_distance_km" => spread.standard_distance_km,
            "herfindahl" => concentration::herfindahl(&weights(unit)),
            "largest_share" => concentration::largest_share(&weights(unit)),
            "sector_shannon" => concentration::sector_shannon(&weights(unit), &sectors(unit)),
            _ => next[unit],
        }
    };
    let column =
        |name: &str| Column::new(name.into(), (0..units.len()).map(|unit| figure(name, unit)).collect::<Vec<_>>());
    let needed: Vec<&str> = FIGURES.into_iter().filter(|name| *name == EMISSIONS || needs.figure(name)).collect();
    needed.into_par_iter().map(column).collect()
}
