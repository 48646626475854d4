//! Clusters and emissions by type: what the report opens with and `types.csv` holds.

use std::collections::BTreeSet;

use super::Results;
use crate::names::EMISSIONS;

/// One type in one period.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeSum {
    /// The period.
    pub period: Option<i64>,
    /// Position of the type; `None`: not known, or in no cluster.
    pub position: Option<usize>,
    /// Its number.
    pub number: Option<i64>,
    /// Its name; `not known`; `in no cluster`.
    pub name: String,
    /// Clusters; `None` of what is in none.
    pub clusters: Option<u64>,
    /// Their facilities; `None` where that is not known of one of them.
    pub facilities: Option<u64>,
    /// Their emissions, t; `None` where none are known.
    pub emissions_t: Option<f64>,
    /// Of the emissions of all facilities of the period, 0 to 1.
    pub share: Option<f64>,
}

/// By period: every type, those not known, and what is in no cluster.
pub fn sums(results: &Results<'_>) -> Vec<TypeSum> {
    let measured = results.measured;
    let (emissions, counts) = (measured.figure(EMISSIONS), measured.figure("facility_count"));
    let types = results.about.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    let splits = &results.details.splits;
    let mut sums = Vec::new();
    let periods = measured.units.iter().map(|unit| unit.period).chain(splits.iter().map(|split| split.period));
    for period in periods.collect::<BTreeSet<_>>() {
        let first = sums.len();
        for position in (0..types.len()).map(Some).chain([None]) {
            let of_type = |unit: &usize| results.rating.classes[*unit].known() == position;
            let units = (0..measured.units.len()).filter(|&unit| measured.units[unit].period == period);
            let units: Vec<usize> = units.filter(of_type).collect();
            sums.push(TypeSum {
                period,
                position,
                number: position.map(|at| types[at].number),
                name: position.map_or_else(|| "not known".into(), |at| types[at].name.clone()),
                clusters: Some(units.len() as u64),
                facilities: units.iter().map(|&unit| counts[unit].map(|count| count as u64)).sum(),
                emissions_t: total(units.iter().map(|&unit| emissions[unit])),
                share: None,
            });
        }
        if let Some(split) = splits.iter().find(|split| split.period == period) {
            sums.push(TypeSum {
                period,
                position: None,
                number: None,
                name: "in no cluster".into(),
                clusters: None,
                facilities: Some(split.dispersed.rows),
                emissions_t: split.dispersed.tonnes,
                share: None,
            });
        }
        let all = total(sums[first..].iter().map(|sum| sum.emissions_t)).filter(|all| *all > 0.0);
        for sum in &mut sums[first..] {
            sum.share = sum.emissions_t.zip(all).map(|(part, all)| part / all);
        }
    }
    sums
}

/// A sum of what is known; `None` of nothing.
fn total(parts: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    parts.flatten().fold(None, |sum, part| Some(sum.unwrap_or(0.0) + part))
}
