//! Values to scores: normalised, weighed and aggregated up the tree, with coverage and bounds beside every score; and the
//! way back from a score to a value. Plain numbers in, plain numbers out; no tables, no files.
//!
//! [`Model::weighed`] settles weights, [`Model::fit`] makes a [`Scorer`] of all values; [`Scorer::score_all`] scores
//! them, [`Scorer::score`] one unit, [`diagnostics`] says what all of them are like.

pub mod aggregate;
mod change;
pub mod diagnostics;
pub mod goalposts;
pub mod matrix;
mod needed;
pub mod normalise;
pub mod outrank;
pub mod pairs;
pub mod parameters;
pub mod sample;
pub mod settings;
pub mod shape;
pub mod treat;
pub mod weigh;

use rayon::prelude::*;

use crate::declared::at_least;
use crate::error::Problem;
pub use aggregate::Aggregate;
pub use goalposts::Goalposts;
use matrix::{Bounds, Matrix};
use normalise::{Fitted, Normalise, Range};
use outrank::Outranking;
pub use parameters::{Parameters, Tree};
pub use settings::{Component, Dimension, Scoring, Screen, Thresholds, Weighting};
use shape::Child;
pub use shape::Shape;

/// The score tree of a pipeline file: its shape and its numbers.
#[derive(Debug, Clone)]
pub struct Model {
    /// What stands under what.
    pub shape: Shape,
    /// Weights, floors, aggregates, normalisations.
    pub parameters: Parameters,
    /// The ends of the scale of each node: 0 and 100 of goalposts; `None` of one without ends.
    pub scales: Vec<Option<[f64; 2]>>,
}

/// What is known of an indicator in one unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Its value in the indicator's unit; `None` where it is missing.
    pub value: Option<f64>,
    /// The share of the unit on which it rests, 0 to 1.
    pub coverage: f64,
}

/// A score with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// On the scale of its normalisation, 0 to 100 by goalposts; `None` where nothing is known.
    pub score: Option<f64>,
    /// The share of the weight that rests on data.
    pub coverage: f64,
    /// The score if all that is unknown had the least score; minus infinity on a scale without one.
    pub low: f64,
    /// The score if all that is unknown had the greatest score; infinity on a scale without one.
    pub high: f64,
}

impl Score {
    /// The lower and the upper bound; `None` of a scale without ends.
    pub fn bounds(&self) -> [Option<f64>; 2] {
        [self.low, self.high].map(|bound| Some(bound).filter(|bound| bound.is_finite()))
    }
}

/// The scores of one cluster and period.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// One an indicator.
    pub indicators: Vec<Score>,
    /// One a node of the tree, in its order.
    pub nodes: Vec<Score>,
    /// Weight x score over the sum of the weights of the siblings with a score, one an indicator.
    pub contributions: Vec<Option<f64>>,
}

impl Scores {
    fn of(&self, child: Child) -> Option<f64> {
        match child {
            Child::Indicator(indicator) => self.indicators[indicator].score,
            Child::Node(node) => self.nodes[node].score,
        }
    }
}

impl Model {
    /// The score tree that a pipeline file gives.
    ///
    /// # Errors
    ///
    /// Every problem: what [`Shape::new`] and [`Parameters::new`] refuse, weights that are all zero, means over scores
    /// that they cannot read.
    pub fn new(tree: Tree<'_>) -> Result<Self, Vec<Problem>> {
        let parameters = Parameters::new(tree);
        let shape = Shape::new(tree.dimensions, tree.components, tree.indicators).and_then(|shape| {
            let weightless = parameters::weightless(&shape, tree);
            if weightless.is_empty() { Ok(shape) } else { Err(weightless) }
        });
        match (shape, parameters) {
            (Ok(shape), Ok(mut parameters)) => {
                let scales = parameters.settle_floors(tree, &shape)?;
                Ok(Self { shape, parameters, scales })
            }
            (shape, parameters) => Err(shape.err().into_iter().chain(parameters.err()).flatten().collect()),
        }
    }

    /// Whether any score goes by the sample: it moves when other units come or go.
    pub fn is_relative(&self) -> bool {
        let Parameters { normalise, treat, aggregates, .. } = &self.parameters;
        normalise.iter().any(|rule| rule.goalposts().is_none())
            || treat.iter().any(Option::is_some)
            || aggregates.contains(&Aggregate::Copeland)
    }

    /// The numbers of the tree without one of its indicators or components.
    pub fn without(&self, child: Child) -> Parameters {
        let mut parameters = self.parameters.clone();
        parameters.leave_out(&self.shape, child);
        parameters
    }

    /// Fits the normalisations to all values, and scores them: [`Model::fit`] and [`Scorer::score_all`] at once.
    pub fn scored(&self, columns: &[Vec<Observation>]) -> (Scorer<'_>, Vec<Scores>) {
        let matrix = Matrix::new(&self.parameters, columns);
        let scorer = self.parameters.fit(&self.shape, &matrix);
        let scores = scorer.score_matrix(&matrix);
        (scorer, scores)
    }

    /// Fits the normalisations to all values: one list an indicator, one entry a unit.
    pub fn fit(&self, columns: &[Vec<Observation>]) -> Scorer<'_> {
        self.parameters.fit(&self.shape, &Matrix::new(&self.parameters, columns))
    }
}

/// A score tree that has seen all values.
#[derive(Debug, Clone)]
pub struct Scorer<'a> {
    /// What stands under what.
    pub shape: &'a Shape,
    parameters: &'a Parameters,
    /// One an indicator.
    fitted: Vec<Fitted>,
    /// The scores that each node may have.
    ranges: Vec<Range>,
    /// Of the nodes that combine by [`Aggregate::Copeland`].
    outrankings: Vec<Option<Outranking>>,
}

impl Parameters {
    /// Fits the normalisations to all values: see [`Model::fit`].
    pub fn fit<'a>(&'a self, shape: &'a Shape, matrix: &Matrix) -> Scorer<'a> {
        let fitted = |(rule, seen): (&Normalise, &Fitted)| match rule {
            // What a draw may have moved; all else was fitted to the same values before.
            Normalise::Goalposts(_) => rule.fit(seen.treatment, &[], self.of_sums),
            Normalise::Relative(_) => seen.clone(),
        };
        let fitted: Vec<Fitted> = self.normalise.iter().zip(matrix.fitted()).map(fitted).collect();
        let mut ranges = vec![Range::POINTS; shape.nodes().len()];
        for &node in shape.upward() {
            let of = |child: &Child| match *child {
                Child::Indicator(at) => fitted[at].range(),
                Child::Node(at) => ranges[at],
            };
            let children = shape.nodes()[node].children.iter();
            let is_open = self.aggregates[node] == Aggregate::Copeland;
            ranges[node] = if is_open { Range::OPEN } else { Range::over(children.map(of)) };
        }
        let outrankings = vec![None; shape.nodes().len()];
        let scorer = Scorer { shape, parameters: self, fitted, ranges, outrankings };
        if self.aggregates.contains(&Aggregate::Copeland) { scorer.outranked(matrix) } else { scorer }
    }
}

impl Scorer<'_> {
    /// Scores all units of some observations: one list an indicator, one entry a unit.
    pub fn score_all(&self, columns: &[Vec<Observation>]) -> Vec<Scores> {
        self.score_matrix(&Matrix::new(self.parameters, columns))
    }

    /// The same of observations that are laid out.
    fn score_matrix(&self, matrix: &Matrix) -> Vec<Scores> {
        let blocks: Vec<_> = matrix.blocks().collect();
        let of_block = |(units, is_complete): (std::ops::Range<usize>, bool)| {
            let leaves = self.leaves(matrix, units.clone());
            let nodes = self.nodes(&leaves, is_complete);
            let bounds = if is_complete {
                // Nothing is unknown: the score is its own bounds.
                let coverage = vec![vec![1.0; units.len()]; nodes.len()];
                Bounds { coverage, low: nodes.clone(), high: nodes.clone() }
            } else {
                self.bounds(&leaves, matrix, units.clone())
            };
            let scores = |at: usize| {
                let known = |column: &Vec<f64>| Some(column[at]).filter(|score| !score.is_nan());
                let indicators = self.fitted.iter().zip(&leaves).enumerate().map(|(indicator, (rule, column))| {
                    leaf(rule, known(column), matrix.coverage(indicator, units.start + at))
                });
                let nodes = nodes.iter().enumerate().map(|(node, column)| Score {
                    score: known(column),
                    coverage: bounds.coverage[node][at],
                    low: bounds.low[node][at],
                    high: bounds.high[node][at],
                });
                self.whole(indicators.collect(), nodes.collect())
            };
            (0..units.len()).map(scores).collect::<Vec<_>>()
        };
        blocks.into_par_iter().map(of_block).collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// Scores one unit: one observation an indicator, in the order of the pipeline file.
    pub fn score(&self, row: &[Observation]) -> Scores {
        let of = |(rule, seen): (&Fitted, &Observation)| {
            leaf(rule, seen.value.and_then(|value| rule.score(value)), seen.coverage)
        };
        let indicators: Vec<Score> = self.fitted.iter().zip(row).map(of).collect();
        let mut nodes: Vec<Score> = vec![NOTHING; self.shape.nodes().len()];
        for &node in self.shape.upward() {
            nodes[node] = self.node(node, &indicators, &nodes);
        }
        self.whole(indicators, nodes)
    }

    /// The scores of one unit with what each indicator contributes.
    fn whole(&self, indicators: Vec<Score>, nodes: Vec<Score>) -> Scores {
        let mut scores = Scores { contributions: vec![None; indicators.len()], indicators, nodes };
        for node in self.shape.nodes() {
            let known = node.children.iter().filter(|child| scores.of(**child).is_some());
            let known: f64 = known.map(|child| self.parameters.weight(*child)).sum();
            for child in &node.children {
                if let Child::Indicator(indicator) = child {
                    let score = scores.of(*child).filter(|_| known > 0.0);
                    scores.contributions[*indicator] =
                        score.map(|score| self.parameters.weight(*child) * score / known);
                }
            }
        }
        scores
    }

    fn node(&self, position: usize, indicators: &[Score], nodes: &[Score]) -> Score {
        let children = &self.shape.nodes()[position].children;
        let of = |child: &Child| match *child {
            Child::Indicator(indicator) => indicators[indicator],
            Child::Node(node) => nodes[node],
        };
        let scored: Vec<Score> = children.iter().map(of).collect();
        let combine = |pick: &dyn Fn(&Score) -> Option<f64>| {
            self.combine(position, &scored.iter().map(pick).collect::<Vec<Option<f64>>>())
        };
        let coverage: Vec<(f64, f64)> = scored
            .iter()
            .zip(children)
            .map(|(score, child)| (score.coverage, self.parameters.weight(*child)))
            .collect();
        let range = self.ranges[position];
        Score {
            score: combine(&|score| score.score),
            coverage: Aggregate::Arithmetic.of(&coverage, 0.0).unwrap_or(0.0),
            low: combine(&|score| Some(score.low)).unwrap_or(range.least),
            high: combine(&|score| Some(score.high)).unwrap_or(range.greatest),
        }
    }

    /// The score of a node of the scores of its children, in their order.
    fn combine(&self, node: usize, scores: &[Option<f64>]) -> Option<f64> {
        let children = self.shape.nodes()[node].children.iter().map(|child| self.parameters.weight(*child));
        let weighing = || scores.iter().zip(children.clone()).filter(|(_, weight)| *weight > 0.0);
        let known: Vec<(f64, f64)> = weighing().filter_map(|(score, weight)| Some(((*score)?, weight))).collect();
        if !is_enough(known.len(), weighing().count(), self.parameters.min_available[node]) {
            return None;
        }
        if let Some(outranking) = &self.outrankings[node] {
            return outranking.score(&weighing().map(|(score, _)| score.unwrap_or(f64::NAN)).collect::<Vec<f64>>());
        }
        self.parameters.aggregates[node].of(&known, self.parameters.floors[node])
    }

    /// The score of a node if some indicators (by position) scored otherwise; `None` where nothing is known.
    pub fn score_with(&self, scores: &Scores, node: usize, changed: &[(usize, f64)]) -> Option<f64> {
        let score = |child: &Child| match child {
            Child::Indicator(at) => {
                changed.iter().find(|(other, _)| other == at).map(|(_, score)| *score).or(scores.of(*child))
            }
            Child::Node(below) => self.score_with(scores, *below, changed),
        };
        self.combine(node, &self.shape.nodes()[node].children.iter().map(score).collect::<Vec<_>>())
    }

    /// The rule that makes scores of an indicator's values.
    pub fn rule(&self, indicator: usize) -> &Fitted {
        &self.fitted[indicator]
    }

    /// Weights, aggregates, normalisations.
    pub fn parameters(&self) -> &Parameters {
        self.parameters
    }

    /// Whether a node, or any under it, combines by what all units have: no score of a child leads back to one of it.
    fn is_outranked(&self, node: usize) -> bool {
        let below = self.shape.nodes()[node].children.iter().filter_map(|child| child.node());
        self.outrankings[node].is_some() || below.into_iter().any(|node| self.is_outranked(node))
    }
}

/// Whether so many of a node's children are enough for it to have a score.
fn is_enough(known: usize, all: usize, least: f64) -> bool {
    least <= 0.0 || at_least(known as f64 / all.max(1) as f64, least)
}

/// A score before anything is known of it.
const NOTHING: Score = Score { score: None, coverage: 0.0, low: f64::NEG_INFINITY, high: f64::INFINITY };

/// The score of an indicator with its bounds: what was not observed may score anything.
fn leaf(rule: &Fitted, score: Option<f64>, coverage: f64) -> Score {
    let range = rule.range();
    let Some(score) = score else {
        return Score { score: None, coverage: 0.0, low: range.least, high: range.greatest };
    };
    let unknown = 1.0 - coverage;
    let with = |bound: f64| coverage * score + if unknown > 0.0 { bound * unknown } else { 0.0 };
    Score { score: Some(score), coverage, low: with(range.least), high: with(range.greatest).min(range.greatest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::Indicator;

    #[test]
    fn coverage_and_bounds_by_hand() {
        let (dimension, component) =
            (toml::from_str("id = 'd'").unwrap(), toml::from_str("id = 'c'\nparent = 'd'").unwrap());
        let indicator = |id: &str| -> Indicator {
            toml::from_str(&format!("id = '{id}'\nparent = 'c'\nexpr = 'x'\nworst = 0\nbest = 10")).unwrap()
        };
        let (dimensions, components, indicators) = ([dimension], [component], [indicator("a"), indicator("b")]);
        let (dimensions, components, indicators) = (&dimensions[..], &components[..], &indicators[..]);
        let model = Model::new(Tree { dimensions, components, indicators, scoring: &Scoring::default() }).unwrap();
        let seen = Observation { value: Some(8.0), coverage: 0.5 };
        let missing = Observation { value: None, coverage: 0.0 };
        let columns = [vec![seen], vec![missing]];
        let scores = model.fit(&columns).score_all(&columns).remove(0);
        // a: 80 on half of the cluster, so 40 to 90; b: 0 to 100.
        assert_eq!(scores.nodes[0], Score { score: Some(80.0), coverage: 0.25, low: 20.0, high: 95.0 });
        assert_eq!(scores.contributions, [Some(80.0), None]);
    }
}
