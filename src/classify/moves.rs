//! What became of each cluster between two periods: its change of type and its name, each dimension's change split over
//! indicators, all changes counted, and clusters that near a threshold.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Class, Rules};
use crate::declared::{at_least, at_most};
use crate::error::Result;
use crate::measure::Unit;
use crate::score::Scores;

/// One cluster over two consecutive periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// The unit before.
    pub from: usize,
    /// The unit after.
    pub to: usize,
    /// Positions of the types before and after, where both are known.
    pub types: Option<(usize, usize)>,
    /// What the change of type is called.
    pub name: String,
    /// Change of each dimension, score points; `None` without a score in both periods.
    pub changes: Vec<Option<f64>>,
    /// Each indicator's part of its dimension's change; the parts add up to it.
    pub parts: Vec<Option<f64>>,
}

impl Move {
    /// The direction on the plane of two dimensions, degrees: 0 towards more of the first alone, 90 towards more of the
    /// second alone, from 0 up to 360; `None` without exactly two changes, or where both are 0.
    pub fn direction(&self) -> Option<f64> {
        match self.changes[..] {
            [Some(across), Some(up)] if across != 0.0 || up != 0.0 => {
                // A hair below 0 comes out as a full turn.
                Some(up.atan2(across).to_degrees().rem_euclid(360.0) % 360.0)
            }
            _ => None,
        }
    }
}

/// How many clusters went from one type to another between two periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Transition {
    /// The period before.
    pub from_period: Option<i64>,
    /// The period after.
    pub to_period: Option<i64>,
    /// Position of the type before.
    pub from: usize,
    /// Position of the type after.
    pub to: usize,
    /// Clusters.
    pub clusters: u64,
    /// Their emissions in the period before, t; `None` where none are known of any.
    pub from_emissions_t: Option<f64>,
    /// Their emissions in the period after, t.
    pub to_emissions_t: Option<f64>,
}

/// A dimension that moves towards a threshold and is close to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Warning {
    /// The unit.
    pub unit: usize,
    /// Position of the dimension.
    pub dimension: usize,
    /// The threshold.
    pub threshold: f64,
    /// How far the score is from it, points.
    pub points: f64,
    /// Change since the period before, points.
    pub change: f64,
    /// Years until it is reached if the change goes on at the same pace.
    pub years: Option<f64>,
}

/// The trajectories of a run.
#[derive(Debug, Default)]
pub struct Moves {
    /// Every cluster that is there in two consecutive periods, by cluster, then period.
    pub moves: Vec<Move>,
    /// The transition matrix of each two periods, rows and columns in the order of the typology.
    pub transitions: Vec<Transition>,
    /// Early warnings of the last period of each cluster.
    pub warnings: Vec<Warning>,
}

/// What trajectories rest on.
pub struct Course<'a> {
    /// What makes a type.
    pub rules: Rules<'a>,
    /// Cluster and period of each unit, ascending.
    pub units: &'a [Unit],
    /// Emissions of each unit, t.
    pub emissions_t: &'a [Option<f64>],
    /// Scores of each unit.
    pub scores: &'a [Scores],
    /// Class of each unit.
    pub classes: &'a [Class],
}

impl Course<'_> {
    /// The trajectories.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Defect`] if the parts of a change do not add up.
    pub fn moves(&self) -> Result<Moves> {
        let mut periods: Vec<Option<i64>> = self.units.iter().map(|unit| unit.period).collect();
        periods.sort_unstable();
        periods.dedup();
        let follows = |a: &Unit, b: &Unit| {
            let next = periods.iter().position(|period| *period == a.period).and_then(|at| periods.get(at + 1));
            a.cluster == b.cluster && next == Some(&b.period)
        };
        let pairs = (1..self.units.len()).into_par_iter();
        let pairs = pairs.filter(|&to| follows(&self.units[to - 1], &self.units[to]));
        let moves: Vec<Move> = pairs.map(|to| self.between(to - 1, to)).collect::<Result<_>>()?;
        let warnings = moves.iter().filter(|one| self.is_last(one.to)).flat_map(|one| self.warnings(one)).collect();
        Ok(Moves { transitions: self.transitions(&moves), warnings, moves })
    }

    fn is_last(&self, unit: usize) -> bool {
        self.units.get(unit + 1).is_none_or(|next| next.cluster != self.units[unit].cluster)
    }

    fn between(&self, from: usize, to: usize) -> Result<Move> {
        let (before, after) = (&self.scores[from], &self.scores[to]);
        let types = self.classes[from].known().zip(self.classes[to].known());
        let name = types.zip(self.rules.typology).map(|((from, to), typology)| typology.move_name(from, to));
        let change = |at: usize| Some(after.nodes[at].score? - before.nodes[at].score?);
        let mut parts = vec![None; before.indicators.len()];
        for dimension in 0..self.rules.dimensions.len() {
            let own = self.rules.scorer.split_change(dimension, before, after)?;
            parts.iter_mut().zip(own).for_each(|(part, own): (&mut Option<f64>, _)| *part = part.or(own));
        }
        let changes = (0..self.rules.dimensions.len()).map(change).collect();
        Ok(Move { from, to, types, name: name.unwrap_or_default(), changes, parts })
    }

    /// The matrix of each two periods over all pairs of types, those that nobody went between as well.
    fn transitions(&self, moves: &[Move]) -> Vec<Transition> {
        let Some(typology) = self.rules.typology else { return Vec::new() };
        let mut matrices: BTreeMap<(Option<i64>, Option<i64>), Vec<Transition>> = BTreeMap::new();
        let count = typology.types.len();
        for one in moves {
            let (from_period, to_period) = (self.units[one.from].period, self.units[one.to].period);
            let cell = |at: usize| Transition {
                from_period,
                to_period,
                from: at / count,
                to: at % count,
                clusters: 0,
                from_emissions_t: None,
                to_emissions_t: None,
            };
            let matrix =
                matrices.entry((from_period, to_period)).or_insert_with(|| (0..count * count).map(cell).collect());
            let Some((from, to)) = one.types else { continue };
            let cell = &mut matrix[from * count + to];
            cell.clusters += 1;
            for (sum, unit) in [(&mut cell.from_emissions_t, one.from), (&mut cell.to_emissions_t, one.to)] {
                if let Some(tonnes) = self.emissions_t[unit] {
                    *sum.get_or_insert(0.0) += tonnes;
                }
            }
        }
        matrices.into_values().flatten().collect()
    }

    /// The nearest threshold of each dimension that a move leads towards, if it is near.
    fn warnings(&self, one: &Move) -> Vec<Warning> {
        let years = self.units[one.from].period.zip(self.units[one.to].period).map(|(from, to)| (to - from) as f64);
        let mut warnings = Vec::new();
        for (dimension, change) in one.changes.iter().enumerate() {
            let (Some(change), Some(score)) = (*change, self.scores[one.to].nodes[dimension].score) else { continue };
            let ahead = |threshold: &&f64| {
                let reached = at_least(score, **threshold);
                if change > 0.0 { !reached } else { change < 0.0 && reached }
            };
            let distance = |threshold: &f64| (threshold - score).abs();
            let thresholds = self.rules.dimensions[dimension].threshold.0.iter().filter(ahead);
            let Some(threshold) = thresholds.min_by(|a, b| distance(a).total_cmp(&distance(b))) else { continue };
            let points = distance(threshold);
            let known = self.classes[one.to].levels[dimension].known().is_some();
            if known && at_most(points, self.rules.settings.warning_points) {
                let years = years.map(|years| years * points / change.abs());
                warnings.push(Warning { unit: one.to, dimension, threshold: *threshold, points, change, years });
            }
        }
        warnings
    }
}
