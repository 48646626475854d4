//! Values to scores: normalised, weighed and aggregated up the tree, with coverage and bounds beside every score; and the
//! way back from a score to a value. Plain numbers in, plain numbers out; no tables, no files.
//!
//! [`Model::fit`] makes a [`Scorer`] of all values; [`Scorer::score_all`] scores them, [`Scorer::score`] one unit.

pub mod aggregate;
mod change;
pub mod goalposts;
pub mod matrix;
mod needed;
pub mod normalise;
pub mod pairs;
pub mod parameters;
pub mod settings;
pub mod shape;

use crate::error::Problem;
use crate::indicator::Indicator;
pub use aggregate::Aggregate;
pub use goalposts::Goalposts;
use normalise::{Fitted, Range};
pub use parameters::Parameters;
pub use settings::{Component, Dimension, Thresholds};
use shape::Child;
pub use shape::Shape;

/// The score tree of a pipeline file: its shape and its numbers.
#[derive(Debug, Clone)]
pub struct Model {
    /// What stands under what.
    pub shape: Shape,
    /// Weights, floors, aggregates, normalisations.
    pub parameters: Parameters,
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
    /// 0 to 100; `None` where nothing is known.
    pub score: Option<f64>,
    /// The share of the weight that rests on data.
    pub coverage: f64,
    /// The score if all that is unknown had the least score.
    pub low: f64,
    /// The score if all that is unknown had the greatest score.
    pub high: f64,
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
    /// Every problem: what [`Shape::new`] and [`Parameters::new`] refuse, and weights that are all zero.
    pub fn new(
        dimensions: &[Dimension],
        components: &[Component],
        indicators: &[Indicator],
    ) -> Result<Self, Vec<Problem>> {
        let parameters = Parameters::new(dimensions, components, indicators);
        let shape = Shape::new(dimensions, components, indicators).and_then(|shape| {
            let weightless = parameters::weightless(&shape, components, indicators);
            if weightless.is_empty() { Ok(shape) } else { Err(weightless) }
        });
        match (shape, parameters) {
            (Ok(shape), Ok(parameters)) => Ok(Self { shape, parameters }),
            (shape, parameters) => Err(shape.err().into_iter().chain(parameters.err()).flatten().collect()),
        }
    }

    /// Fits the normalisations to all values: one list an indicator, one entry a unit.
    pub fn fit(&self, columns: &[Vec<Observation>]) -> Scorer<'_> {
        self.parameters.fit(&self.shape, columns)
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
    /// The scores that there may be.
    range: Range,
}

impl Parameters {
    /// Fits the normalisations to all values: see [`Model::fit`].
    pub fn fit<'a>(&'a self, shape: &'a Shape, columns: &[Vec<Observation>]) -> Scorer<'a> {
        let values = |column: &Vec<Observation>| column.iter().map(|seen| seen.value).collect::<Vec<_>>();
        let rules = self.normalise.iter().zip(columns);
        let fitted: Vec<Fitted> = rules.map(|(rule, column)| rule.fit(&values(column))).collect();
        let range = Range::over(fitted.iter().map(Fitted::range));
        Scorer { shape, parameters: self, fitted, range }
    }
}

impl Scorer<'_> {
    /// Scores so many units; one list an indicator, one entry a unit.
    pub fn score_all(&self, columns: &[Vec<Observation>], units: usize) -> Vec<Scores> {
        let row = |unit: usize| columns.iter().map(|column| column[unit]).collect::<Vec<_>>();
        (0..units).map(|unit| self.score(&row(unit))).collect()
    }

    /// Scores one unit: one observation an indicator, in the order of the pipeline file.
    pub fn score(&self, row: &[Observation]) -> Scores {
        let indicators: Vec<Score> =
            self.fitted.iter().zip(row).map(|(fitted, seen)| leaf(fitted, seen, self.range)).collect();
        let mut nodes: Vec<Option<Score>> = vec![None; self.shape.nodes().len()];
        for node in 0..nodes.len() {
            self.node(node, &indicators, &mut nodes);
        }
        let nodes: Vec<Score> = nodes.into_iter().flatten().collect();
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

    fn node(&self, position: usize, indicators: &[Score], done: &mut [Option<Score>]) -> Score {
        if let Some(score) = done[position] {
            return score;
        }
        let children = &self.shape.nodes()[position].children;
        let mut scored: Vec<(Score, f64)> = Vec::with_capacity(children.len());
        for &child in children {
            let score = match child {
                Child::Indicator(indicator) => indicators[indicator],
                Child::Node(node) => self.node(node, indicators, done),
            };
            scored.push((score, self.parameters.weight(child)));
        }
        let combine = |pick: &dyn Fn(&Score) -> Option<f64>| {
            let known = scored.iter().filter_map(|(score, weight)| Some((pick(score)?, *weight)));
            self.combine(position, &known.collect::<Vec<_>>())
        };
        let coverage: Vec<(f64, f64)> = scored.iter().map(|(score, weight)| (score.coverage, *weight)).collect();
        let score = Score {
            score: combine(&|score| score.score),
            coverage: Aggregate::Arithmetic.of(&coverage, 0.0).unwrap_or(0.0),
            low: combine(&|score| Some(score.low)).unwrap_or(self.range.least),
            high: combine(&|score| Some(score.high)).unwrap_or(self.range.greatest),
        };
        done[position] = Some(score);
        score
    }

    /// The score of a node of scores and weights of its children.
    fn combine(&self, node: usize, known: &[(f64, f64)]) -> Option<f64> {
        self.parameters.aggregates[node].of(known, self.parameters.floors[node])
    }

    /// The score of a node if some indicators (by position) scored otherwise; `None` where nothing is known.
    pub fn score_with(&self, scores: &Scores, node: usize, changed: &[(usize, f64)]) -> Option<f64> {
        let score = |child: &Child| match child {
            Child::Indicator(at) => {
                changed.iter().find(|(other, _)| other == at).map(|(_, score)| *score).or(scores.of(*child))
            }
            Child::Node(below) => self.score_with(scores, *below, changed),
        };
        let children = self.shape.nodes()[node].children.iter();
        let known = children.filter_map(|child| Some((score(child)?, self.parameters.weight(*child))));
        self.combine(node, &known.collect::<Vec<_>>())
    }

    /// The rule that makes scores of an indicator's values.
    pub fn rule(&self, indicator: usize) -> &Fitted {
        &self.fitted[indicator]
    }
}

/// The score of an indicator with its bounds: what was not observed may score anything.
fn leaf(rule: &Fitted, seen: &Observation, range: Range) -> Score {
    let coverage = seen.coverage;
    let Some(score) = seen.value.map(|value| rule.score(value)) else {
        return Score { score: None, coverage: 0.0, low: range.least, high: range.greatest };
    };
    let unknown = 1.0 - coverage;
    let with = |bound: f64| coverage * score + if unknown > 0.0 { bound * unknown } else { 0.0 };
    Score { score: Some(score), coverage, low: with(range.least), high: with(range.greatest).min(range.greatest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_and_bounds_by_hand() {
        let (dimension, component) =
            (toml::from_str("id = 'd'").unwrap(), toml::from_str("id = 'c'\nparent = 'd'").unwrap());
        let indicator = |id: &str| -> Indicator {
            toml::from_str(&format!("id = '{id}'\nparent = 'c'\nexpr = 'x'\nworst = 0\nbest = 10")).unwrap()
        };
        let model = Model::new(&[dimension], &[component], &[indicator("a"), indicator("b")]).unwrap();
        let seen = Observation { value: Some(8.0), coverage: 0.5 };
        let missing = Observation { value: None, coverage: 0.0 };
        let columns = [vec![seen], vec![missing]];
        let scores = model.fit(&columns).score_all(&columns, 1).remove(0);
        // a: 80 on half of the cluster, so 40 to 90; b: 0 to 100.
        assert_eq!(scores.nodes[0], Score { score: Some(80.0), coverage: 0.25, low: 20.0, high: 95.0 });
        assert_eq!(scores.contributions, [Some(80.0), None]);
    }
}
