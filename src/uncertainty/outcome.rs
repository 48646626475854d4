//! Scores, levels and types of all units under one draw.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::factors::Chosen;
use super::scenario::{Measured, Scenario};
use crate::classify::{Level, Open, Typology};
use crate::declared::least;
use crate::score::matrix::{Bounds, Columns, Matrix};
use crate::score::shape::Child;
use crate::score::{Dimension, Score, Scorer, Thresholds};

/// A level or a type that is not there.
pub const NONE: u8 = u8::MAX;

/// Scores, levels and types of all units; nothing where a unit is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// One list a dimension, one entry a unit; NaN where there is no score.
    pub scores: Columns,
    /// Levels by their position among those of the dimension, likewise.
    pub levels: Vec<Vec<u8>>,
    /// Positions of types, one a unit.
    pub types: Vec<u8>,
    /// Whether a score rests on drawn values of what is missing, one a unit.
    pub completed: Vec<bool>,
}

/// The type of all levels together.
pub struct TypeTable {
    types: Vec<u8>,
    levels: Vec<usize>,
}

impl TypeTable {
    /// Works out the types of all levels that dimensions may have.
    pub fn new(typology: Option<&Typology>, dimensions: &[Dimension]) -> Self {
        let of: Vec<&[Level]> = dimensions.iter().map(|dimension| dimension.threshold.levels()).collect();
        let levels: Vec<usize> = of.iter().map(|levels| levels.len()).collect();
        let Some(typology) = typology else { return Self { types: Vec::new(), levels } };
        let type_of = |number: usize| {
            let mut rest = number;
            let mut own = vec![Level::Low; of.len()];
            for (at, levels) in of.iter().enumerate().rev() {
                own[at] = levels[rest % levels.len()];
                rest /= levels.len();
            }
            typology.type_of(dimensions, &own).map_or(NONE, |at| at as u8)
        };
        Self { types: (0..levels.iter().product()).map(type_of).collect(), levels }
    }

    /// The type of every unit.
    fn of_all(&self, levels: &[Vec<u8>], units: usize) -> Vec<u8> {
        let (mut numbers, mut known) = (vec![0_usize; units], vec![true; units]);
        for (levels, count) in levels.iter().zip(&self.levels) {
            for ((number, known), level) in numbers.iter_mut().zip(&mut known).zip(levels) {
                *number = *number * count + *level as usize;
                *known &= *level != NONE;
            }
        }
        let kind = |(number, known): (usize, bool)| self.types.get(number).copied().filter(|_| known).unwrap_or(NONE);
        numbers.into_iter().zip(known).map(kind).collect()
    }
}

/// How many thresholds each score reaches; [`NONE`] of no score.
fn levels_of(scores: &[f64], thresholds: &Thresholds, levels: &mut [u8]) {
    for limit in thresholds.0.iter().map(|threshold| least(*threshold)) {
        levels.iter_mut().zip(scores).for_each(|(level, score)| *level += u8::from(*score >= limit));
    }
    levels.iter_mut().zip(scores).filter(|(_, score)| score.is_nan()).for_each(|(level, _)| *level = NONE);
}

/// What one draw is worked out with.
pub struct Evaluation<'a> {
    /// The scenario.
    pub scenario: &'a Scenario<'a>,
    /// Its types.
    pub types: &'a TypeTable,
    /// What was measured.
    pub measured: &'a Measured,
    /// A number of each unit that no name decides.
    pub keys: &'a [u64],
}

impl Evaluation<'_> {
    /// Works a draw out.
    pub fn outcome(&self, chosen: &Chosen) -> Outcome {
        let shape = &self.scenario.model.shape;
        let matrix = &self.measured.matrix;
        let scorer = chosen.parameters.fit(shape, matrix);
        let (dimensions, units) = (shape.dimensions().len(), matrix.units());
        let thresholds: Vec<Thresholds> = chosen.thresholds.iter().map(|of| Thresholds(of.clone())).collect();
        let mut outcome = Outcome {
            scores: vec![Vec::with_capacity(units); dimensions],
            levels: vec![vec![0; units]; dimensions],
            types: Vec::with_capacity(units),
            completed: vec![false; units],
        };
        for (block, is_complete) in matrix.blocks() {
            let leaves = scorer.leaves(matrix, block.clone());
            let mut nodes = scorer.nodes(&leaves, is_complete);
            let mut standing = Vec::new();
            if !is_complete {
                let bounds = scorer.bounds(&leaves, matrix, block.clone());
                standing = self.standing(&nodes, &bounds, &thresholds);
                if let Some(key) = chosen.missing {
                    self.complete(&scorer, (&leaves, block.start, key), &mut standing, &mut nodes);
                    for (at, unit) in block.clone().enumerate().filter(|(_, unit)| !self.measured.lacks(*unit)) {
                        outcome.completed[unit] = standing.iter().any(|of| of[at] == Standing::Completed);
                    }
                }
            }
            for (dimension, thresholds) in thresholds.iter().enumerate() {
                let (scores, levels) = (&mut nodes[dimension], &mut outcome.levels[dimension][block.clone()]);
                levels_of(scores, thresholds, levels);
                for (at, unit) in block.clone().enumerate() {
                    if self.measured.lacks(unit) {
                        (scores[at], levels[at]) = (f64::NAN, NONE);
                    }
                }
                let of = standing.get(dimension).map(Vec::as_slice).unwrap_or_default();
                let unknown = levels.iter_mut().zip(of).filter(|(_, of)| **of == Standing::Unknown);
                unknown.for_each(|(level, _)| *level = NONE);
                outcome.scores[dimension].extend_from_slice(scores);
            }
        }
        outcome.types = self.types.of_all(&outcome.levels, units);
        outcome
    }

    /// Where each dimension stands in each unit of a block.
    fn standing(&self, nodes: &Columns, bounds: &Bounds, thresholds: &[Thresholds]) -> Vec<Vec<Standing>> {
        let floor = self.scenario.classification.coverage_floor;
        let of = |(dimension, thresholds): (usize, &Thresholds)| {
            let standing = |at: usize| {
                let score = Score {
                    score: Some(nodes[dimension][at]).filter(|score| !score.is_nan()),
                    coverage: bounds.coverage[dimension][at],
                    low: bounds.low[dimension][at],
                    high: bounds.high[dimension][at],
                };
                let is_known = score.score.is_some() && Open::of(&score, thresholds, floor).known().is_some();
                if is_known { Standing::Known } else { Standing::Unknown }
            };
            (0..nodes[dimension].len()).map(standing).collect()
        };
        thresholds.iter().enumerate().map(of).collect()
    }

    /// Draws what is missing of unknown dimensions: every score as likely as the others, of an indicator that rests on a part
    /// of the unit the rest.
    fn complete(
        &self,
        scorer: &Scorer<'_>,
        (leaves, first, key): (&Columns, usize, u64),
        unknown: &mut [Vec<Standing>],
        nodes: &mut Columns,
    ) {
        let matrix: &Matrix = &self.measured.matrix;
        let of_dimension = scorer.shape.dimension_of();
        let units: Vec<usize> =
            (0..nodes[0].len()).filter(|&at| unknown.iter().any(|of| of[at] == Standing::Unknown)).collect();
        if units.is_empty() {
            return;
        }
        let filled = |(indicator, column): (usize, &Vec<f64>)| {
            let sample = scorer.open_sample(indicator, matrix);
            let of = |&at: &usize| {
                if unknown[of_dimension[indicator]][at] == Standing::Known {
                    return column[at];
                }
                let unit = first + at;
                let number = uniform(key, self.keys[unit], indicator);
                scorer.completed(indicator, (column[at], matrix.coverage(indicator, unit)), number, &sample)
            };
            units.iter().map(of).collect::<Vec<f64>>()
        };
        let filled: Columns = leaves.iter().enumerate().map(filled).collect();
        let completed = scorer.nodes(&filled, false);
        for dimension in scorer.shape.dimensions() {
            for (&at, score) in units.iter().zip(&completed[dimension]) {
                if unknown[dimension][at] == Standing::Unknown {
                    nodes[dimension][at] = *score;
                    unknown[dimension][at] = Standing::Completed;
                }
            }
        }
    }
}

/// Where a dimension of a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Known,
    Unknown,
    Completed,
}

/// A number between 0 and 1 of a unit and an indicator, the same whatever else is drawn.
fn uniform(key: u64, unit: u64, indicator: usize) -> f64 {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&unit.to_le_bytes());
    bytes[8..].copy_from_slice(&(indicator as u64).to_le_bytes());
    ((xxh3_64_with_seed(&bytes, key) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

/// Whether any indicator of any unit rests on less than all of it.
pub fn has_gaps(scenario: &Scenario<'_>) -> bool {
    scenario.observed.iter().flatten().any(|seen| seen.value.is_none() || seen.coverage < 1.0)
}

/// The child of a node as outputs call it.
pub fn child_name(scenario: &Scenario<'_>, child: Child) -> String {
    match child {
        Child::Indicator(at) => scenario.indicators[at].id.clone(),
        Child::Node(at) => scenario.model.shape.nodes()[at].id.clone(),
    }
}
