//! All units together, before any has a score: which are scored at all, and what stands in the place of what is
//! missing.

use std::collections::BTreeMap;

use super::{Observation, Scoring};
use crate::declared::at_least;
use crate::given::WordOr;
use crate::indicator::Indicator;
use crate::indicator::rescale::{Filling, Imputation};
use crate::statistics::{mean, median};

/// The groups that units belong to, by the name of the column: one entry a unit.
pub type Groups = BTreeMap<String, Vec<Option<String>>>;

/// What was done to the observations of all units.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Prepared {
    /// One list an indicator, one entry a unit.
    pub columns: Vec<Vec<Observation>>,
    /// Whether each unit has too few values to be scored: all of its observations are taken away.
    pub screened: Vec<bool>,
    /// Whether each value is imputed: as `columns`. Such a value has a coverage of 0: it rests on no data.
    pub imputed: Vec<Vec<bool>>,
}

/// What of a unit is there, over all indicators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Availability {
    /// Indicators.
    pub indicators: usize,
    /// Those without a value.
    pub missing: usize,
    /// Those of value 0.
    pub zero: usize,
}

impl Availability {
    /// The share of the indicators that have a value.
    pub fn available(&self) -> f64 {
        1.0 - self.missing as f64 / self.indicators.max(1) as f64
    }

    /// The share of the values that are not 0; `None` without a value.
    pub fn non_zero(&self) -> Option<f64> {
        let known = self.indicators - self.missing;
        (known > 0).then(|| 1.0 - self.zero as f64 / known as f64)
    }
}

/// What of each unit is there.
pub fn availability(columns: &[Vec<Observation>], units: usize) -> Vec<Availability> {
    let of = |unit: usize| {
        let values = columns.iter().map(|column| column[unit].value);
        Availability {
            indicators: columns.len(),
            missing: values.clone().filter(Option::is_none).count(),
            zero: values.filter(|value| *value == Some(0.0)).count(),
        }
    };
    (0..units).map(of).collect()
}

/// Screens units, then imputes what is missing of the others.
pub fn prepare(
    indicators: &[Indicator],
    scoring: &Scoring,
    groups: &Groups,
    mut columns: Vec<Vec<Observation>>,
    units: usize,
) -> Prepared {
    let mut screened = vec![false; units];
    if let Some(screen) = scoring.screen {
        let is_out = |of: &Availability| {
            !at_least(of.available(), screen.min_available)
                || of.non_zero().is_some_and(|share| !at_least(share, screen.min_non_zero))
        };
        screened = availability(&columns, units).iter().map(is_out).collect();
        for column in &mut columns {
            let out = column.iter_mut().zip(&screened).filter(|(_, out)| **out);
            out.for_each(|(seen, _)| *seen = Observation { value: None, coverage: 0.0 });
        }
    }
    let mut imputed = vec![vec![false; units]; columns.len()];
    for (indicator, (column, imputed)) in indicators.iter().zip(columns.iter_mut().zip(&mut imputed)) {
        let group = match indicator.impute.as_ref().unwrap_or(&scoring.impute) {
            WordOr::Word(Filling::Nothing) => continue,
            WordOr::Word(filling) => (*filling, None),
            WordOr::Given(Imputation { with, by }) => (*with, groups.get(by)),
        };
        fill(column, &screened, group, imputed);
    }
    Prepared { columns, screened, imputed }
}

/// Fills what is missing with the mean or median of all, or of the unit's group; a unit of no group is in none.
fn fill(
    column: &mut [Observation],
    screened: &[bool],
    (filling, groups): (Filling, Option<&Vec<Option<String>>>),
    imputed: &mut [bool],
) {
    let group = |unit: usize| match groups {
        Some(groups) => groups[unit].as_deref().map(Some),
        None => Some(None),
    };
    let mut known: BTreeMap<Option<&str>, Vec<f64>> = BTreeMap::new();
    for (unit, seen) in column.iter().enumerate() {
        if let Some((group, value)) = group(unit).zip(seen.value) {
            known.entry(group).or_default().push(value);
        }
    }
    let middle = |values: &[f64]| match filling {
        Filling::Nothing => None,
        Filling::Mean => mean(values),
        Filling::Median => median(values),
    };
    let middles: BTreeMap<Option<&str>, f64> =
        known.iter().filter_map(|(group, values)| Some((*group, middle(values)?))).collect();
    for (unit, seen) in column.iter_mut().enumerate() {
        if seen.value.is_none()
            && !screened[unit]
            && let Some(value) = group(unit).and_then(|group| middles.get(&group))
        {
            *seen = Observation { value: Some(*value), coverage: 0.0 };
            imputed[unit] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: &[Option<f64>]) -> Vec<Observation> {
        values.iter().map(|value| Observation { value: *value, coverage: value.map_or(0.0, |_| 1.0) }).collect()
    }

    fn prepared(settings: &str, values: &[Option<f64>], groups: &[Option<&str>]) -> Prepared {
        let indicator: Indicator = toml::from_str("id = 'i'\nparent = 'd'\nexpr = 'x'").unwrap();
        let scoring: Scoring = toml::from_str(settings).unwrap();
        let groups = groups.iter().map(|group| group.map(str::to_owned)).collect();
        let groups = Groups::from([("region".to_owned(), groups)]);
        prepare(&[indicator], &scoring, &groups, vec![column(values)], values.len())
    }

    #[test]
    fn a_group_fills_its_own() {
        let values = [Some(1.0), None, Some(3.0), Some(10.0), None, None];
        let groups = [Some("a"), Some("a"), Some("a"), Some("b"), Some("c"), None];
        let found = prepared("impute = { with = 'mean', by = 'region' }", &values, &groups);
        let filled: Vec<Option<f64>> = found.columns[0].iter().map(|seen| seen.value).collect();
        assert_eq!(filled, [Some(1.0), Some(2.0), Some(3.0), Some(10.0), None, None]);
        assert_eq!(found.imputed[0], [false, true, false, false, false, false]);
        assert_eq!(found.columns[0][1].coverage, 0.0);
        let found = prepared("impute = 'median'", &values, &groups);
        assert_eq!(found.columns[0][5].value, Some(3.0));
    }

    #[test]
    fn a_screened_unit_is_no_part_of_the_sample() {
        let found = prepared("impute = 'mean'\nscreen = { min_available = 0.5 }", &[Some(4.0), None], &[None, None]);
        assert_eq!((found.screened, found.columns[0][1].value), (vec![false, true], None));
        let found = prepared("screen = { min_non_zero = 0.5 }", &[Some(0.0), Some(1.0)], &[None, None]);
        assert_eq!(found.screened, [true, false]);
    }
}
