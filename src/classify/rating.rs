//! What the numbers mean: scores, types, what would change them and what has.

use super::initiatives::Assignment;
use super::levers::{Basis, Levers, levers};
use super::moves::{Course, Moves};
use super::{Class, Rules, Typology};
use crate::error::Result;
use crate::measure::Measurements;
use crate::measure::indicators::{Measurement, Status};
use crate::names::EMISSIONS;
use crate::score::{Observation, Scores};

/// All that follows from the measured values. Lists have one entry a unit.
#[derive(Debug)]
pub struct Rating {
    /// Scores.
    pub scores: Vec<Scores>,
    /// Levels and types.
    pub classes: Vec<Class>,
    /// What would change each unit.
    pub levers: Vec<Levers>,
    /// What became of each cluster.
    pub moves: Moves,
    /// Place-based initiatives with their types and clusters: see [`super::initiatives::assign`].
    pub initiatives: Vec<Assignment>,
}

/// The measured values as scores see them: one list an indicator, one entry a unit.
pub fn observations(measurements: &Measurements) -> Vec<Vec<Observation>> {
    let columns = measurements.indicators.iter();
    let observation = |one: &Measurement| match one.status {
        Status::Screened => Observation { value: None, coverage: 0.0 },
        _ => Observation { value: one.value, coverage: one.coverage },
    };
    let seen = |column: &Vec<Measurement>| column.iter().map(observation).collect();
    columns.map(seen).collect()
}

/// Rates every unit by its scores.
///
/// # Errors
///
/// [`crate::Error::Defect`] if the parts of a change do not add up.
pub fn rate(rules: Rules<'_>, scores: Vec<Scores>, measurements: &Measurements) -> Result<Rating> {
    let classes: Vec<Class> = scores.iter().map(|scores| rules.classify(scores)).collect();
    let (measured, times) = (&measurements.indicators, &measurements.times);
    let levers = levers(Basis { rules, measured, times }, &scores, &classes);
    let (units, emissions_t) = (&measurements.units, &measurements.figure(EMISSIONS));
    let moves = Course { rules, units, emissions_t, scores: &scores, classes: &classes }.moves()?;
    Ok(Rating { scores, classes, levers, moves, initiatives: Vec::new() })
}

impl Rating {
    /// Units of each type by its number, then those of which it is `unknown`.
    pub fn counts(&self, typology: Option<&Typology>) -> Vec<(String, u64)> {
        let types = typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
        let count = |at: usize| self.classes.iter().filter(|class| class.known() == Some(at)).count() as u64;
        let mut counts: Vec<(String, u64)> =
            types.iter().enumerate().map(|(at, kind)| (kind.number.to_string(), count(at))).collect();
        let known: u64 = counts.iter().map(|(_, count)| count).sum();
        counts.push(("unknown".into(), self.classes.len() as u64 - known));
        counts
    }
}
