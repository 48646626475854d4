//! Where the register's facilities and tonnes went: in clusters, or in none.

use serde::{Deserialize, Serialize};

use super::Layout;
use crate::validate::Tally;

/// Facilities and tonnes of one period, in clusters and outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Split {
    /// The period.
    pub period: Option<i64>,
    /// Clusters that have a facility in it.
    pub clusters: u64,
    /// Facilities in clusters.
    pub clustered: Tally,
    /// Facilities in none: dispersed sites.
    pub dispersed: Tally,
    /// Of the dispersed sites those without coordinates.
    pub without_coordinates: Tally,
}

/// Where the register's facilities and tonnes went, period by period.
pub(super) fn splits(layout: &Layout<'_>) -> Vec<Split> {
    let Layout { facilities, clusters, units, .. } = *layout;
    // No emissions at all are unknown ones; in no cluster are 0 t of those that are known.
    let is_known = facilities.emissions_t.iter().any(|tonnes| tonnes.is_some());
    let empty = Tally { tonnes: is_known.then_some(0.0), ..Tally::default() };
    let mut splits: Vec<Split> = Vec::new();
    let mut periods: Vec<Option<i64>> = facilities.period.iter().collect();
    periods.sort_unstable();
    periods.dedup();
    for period in periods {
        let count = units.iter().filter(|unit| unit.period == period).count() as u64;
        let mut split =
            Split { period, clusters: count, clustered: empty, dispersed: empty, without_coordinates: empty };
        for row in (0..facilities.rows()).filter(|&row| facilities.period.get(row) == period) {
            let facility = facilities.facility[row];
            let inside = clusters.of_facility[facility].is_some();
            let side = if inside { &mut split.clustered } else { &mut split.dispersed };
            side.add(facilities.emissions_t.get(row));
            if facilities.places[facility].is_none() {
                split.without_coordinates.add(facilities.emissions_t.get(row));
            }
        }
        splits.push(split);
    }
    splits
}
