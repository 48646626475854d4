//! Scores, levels and types of all units under one draw.

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::factors::Chosen;
use super::scenario::{Measured, Scenario};
use crate::classify::{Level, Open, Typology};
use crate::declared::at_least;
use crate::score::matrix::{Bounds, Columns, Matrix};
use crate::score::shape::Child;
use crate::score::{Dimension, Score, Scorer, Thresholds};

/// A level or a type that is not there.
pub const NONE: u8 = u8::MAX;

/// Scores, levels and types of all units; nothing where a unit is none.
#[derive(Debug, Clone, PartialEq)]
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

    fn of(&self, levels: impl Iterator<Item = u8>) -> u8 {
        let mut number = 0;
        for (level, count) in levels.zip(&self.levels) {
            if level == NONE {
                return NONE;
            }
            number = number * count + level as usize;
        }
        self.types.get(number).copied().unwrap_or(NONE)
    }
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
        let scorer = chosen.parameters.fit(shape, &vec![Vec::new(); shape.indicators()]);
        let matrix = &self.measured.matrix;
        let (dimensions, units) = (shape.dimensions().len(), matrix.units());
        let thresholds: Vec<Thresholds> = chosen.thresholds.iter().map(|of| Thresholds(of.clone())).collect();
        let mut outcome = Outcome {
            scores: vec![Vec::with_capacity(units); dimensions],
            levels: vec![Vec::with_capacity(units); dimensions],
            types: Vec::with_capacity(units),
            completed: vec![false; units],
        };
        for (block, is_complete) in matrix.blocks() {
            let leaves = scorer.leaves(matrix, block.clone());
            let mut nodes = scorer.nodes(&leaves);
            let mut unknown = vec![Vec::new(); dimensions];
            if !is_complete {
                let bounds = scorer.bounds(&leaves, matrix, block.clone());
                unknown = self.unknown(&nodes, &bounds, &thresholds);
                if let Some(key) = chosen.missing {
                    let first = block.start;
                    self.complete(&scorer, (&leaves, first, key), &mut unknown, &mut nodes);
                    for at in 0..block.len() {
                        outcome.completed[first + at] = unknown.iter().any(|of| of[at] == Standing::Completed);
                    }
                }
            }
            for dimension in 0..dimensions {
                let scores = &nodes[dimension];
                let level = |score: f64| {
                    let passed = thresholds[dimension].0.iter().filter(|threshold| at_least(score, **threshold));
                    if score.is_nan() { NONE } else { passed.count() as u8 }
                };
                let levels = scores.iter().zip(block.clone()).enumerate().map(|(at, (&score, unit))| {
                    let is_unknown = unknown[dimension].get(at) == Some(&Standing::Unknown);
                    if is_unknown || !self.measured.exists[unit] { NONE } else { level(score) }
                });
                outcome.levels[dimension].extend(levels);
                let exists = |(&score, unit): (&f64, usize)| if self.measured.exists[unit] { score } else { f64::NAN };
                outcome.scores[dimension].extend(scores.iter().zip(block.clone()).map(exists));
            }
            let of = |unit: usize| self.types.of(outcome.levels.iter().map(|levels| levels[unit]));
            outcome.types.extend(block.map(of));
        }
        outcome
    }

    /// Where each dimension stands in each unit of a block.
    fn unknown(&self, nodes: &Columns, bounds: &Bounds, thresholds: &[Thresholds]) -> Vec<Vec<Standing>> {
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
            let of = |&at: &usize| {
                if unknown[of_dimension[indicator]][at] == Standing::Known {
                    return column[at];
                }
                let unit = first + at;
                let number = uniform(key, self.keys[unit], indicator);
                scorer.completed(column[at], matrix.coverage(indicator, unit), number)
            };
            units.iter().map(of).collect::<Vec<f64>>()
        };
        let filled: Columns = leaves.iter().enumerate().map(filled).collect();
        let completed = scorer.nodes(&filled);
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
