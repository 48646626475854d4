//! The same scores for many units at once, column by column: what [`Scorer::score`] gives for each, to the last bit.

use std::ops::Range;

use super::shape::Child;
use super::{Aggregate, Observation, Scorer};

/// What is known of every indicator in every unit, laid out by indicator for scorers of one shape and of one set of scales.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Values as the rules read them, one list an indicator, one entry a unit; NaN where there is none.
    scaled: Vec<Vec<f64>>,
    /// The share of the unit on which each rests.
    coverage: Vec<Vec<f64>>,
    /// Whether every indicator rests on all of the units of each block.
    complete: Vec<bool>,
    units: usize,
}

/// Units that are scored together: so few that what is made of them stays close at hand.
const BLOCK: usize = 1024;

impl Matrix {
    /// Lays out observations: one list an indicator, one entry a unit.
    pub fn new(scorer: &Scorer<'_>, columns: &[Vec<Observation>], units: usize) -> Self {
        let scaled = |(indicator, column): (usize, &Vec<Observation>)| {
            let rule = scorer.rule(indicator);
            column.iter().map(|seen| seen.value.map_or(f64::NAN, |value| rule.scaled(value))).collect()
        };
        // What is missing rests on nothing.
        let share = |seen: &Observation| seen.value.map_or(0.0, |_| seen.coverage);
        let coverage: Vec<Vec<f64>> = columns.iter().map(|column| column.iter().map(share).collect()).collect();
        let is_complete = |block: Range<usize>| coverage.iter().all(|of| of[block.clone()].iter().all(|&of| of >= 1.0));
        let complete = blocks(units).map(is_complete).collect();
        Self { scaled: columns.iter().enumerate().map(scaled).collect(), coverage, complete, units }
    }

    /// The number of units.
    pub fn units(&self) -> usize {
        self.units
    }

    /// The share of a unit on which an indicator rests.
    pub fn coverage(&self, indicator: usize, unit: usize) -> f64 {
        self.coverage[indicator][unit]
    }

    /// Units to be scored together, and whether every indicator rests on all of each of them.
    pub fn blocks(&self) -> impl Iterator<Item = (Range<usize>, bool)> {
        blocks(self.units).zip(self.complete.iter().copied())
    }
}

fn blocks(units: usize) -> impl Iterator<Item = Range<usize>> {
    (0..units).step_by(BLOCK).map(move |first| first..(first + BLOCK).min(units))
}

/// One list an indicator or a node, one entry a unit; NaN where there is no score.
pub type Columns = Vec<Vec<f64>>;

/// The least and the greatest that may be, and what of the weight rests on data; columns of nodes.
pub struct Bounds {
    /// See [`super::Score::coverage`].
    pub coverage: Columns,
    /// See [`super::Score::low`].
    pub low: Columns,
    /// See [`super::Score::high`].
    pub high: Columns,
}

impl Scorer<'_> {
    /// Scores of the indicators in some units.
    pub fn leaves(&self, matrix: &Matrix, units: Range<usize>) -> Columns {
        let of = |(indicator, column): (usize, &Vec<f64>)| self.rule(indicator).score_scaled(&column[units.clone()]);
        matrix.scaled.iter().enumerate().map(of).collect()
    }

    /// Scores of the nodes from scores of the indicators; `is_complete`: there is one of every indicator in every unit.
    pub fn nodes(&self, leaves: &Columns, is_complete: bool) -> Columns {
        self.combined(leaves, None, is_complete)
    }

    /// Coverage and bounds of the nodes in some units, of which `leaves` are the scores of the indicators.
    pub fn bounds(&self, leaves: &Columns, matrix: &Matrix, units: Range<usize>) -> Bounds {
        let shares: Columns = matrix.coverage.iter().map(|column| column[units.clone()].to_vec()).collect();
        let mut coverage = self.combined(&shares, Some(Aggregate::Arithmetic), true);
        let filled = |bound: f64| {
            let of = |(scores, shares): (&Vec<f64>, &Vec<f64>)| {
                scores.iter().zip(shares).map(|(score, share)| partly(*score, *share, bound)).collect()
            };
            leaves.iter().zip(&shares).map(of).collect::<Columns>()
        };
        let mut low = self.combined(&filled(self.range.least), None, true);
        let mut high = self.combined(&filled(self.range.greatest), None, true);
        for (columns, nothing) in [(&mut coverage, 0.0), (&mut low, self.range.least), (&mut high, self.range.greatest)]
        {
            columns.iter_mut().flatten().filter(|score| score.is_nan()).for_each(|score| *score = nothing);
        }
        Bounds { coverage, low, high }
    }

    /// The score on which an indicator would come out if what is unknown of it scored so much.
    pub fn completed(&self, score: f64, coverage: f64, unknown: f64) -> f64 {
        partly(score, coverage, self.range.least + unknown * (self.range.greatest - self.range.least))
    }

    /// Columns of nodes; `rule` in the place of each node's own.
    fn combined(&self, leaves: &Columns, rule: Option<Aggregate>, is_complete: bool) -> Columns {
        let units = leaves.first().map_or(0, Vec::len);
        let mut nodes: Columns = vec![Vec::new(); self.shape.nodes().len()];
        for &node in self.shape.upward() {
            let of = |child: &Child| match *child {
                Child::Indicator(at) => leaves[at].as_slice(),
                Child::Node(at) => nodes[at].as_slice(),
            };
            let children = self.shape.nodes()[node].children.iter();
            let weighed = children.map(|child| (of(child), self.parameters.weight(*child)));
            // What weighs nothing may have no score of its own.
            let children: Vec<(&[f64], f64)> = weighed.filter(|(_, weight)| *weight > 0.0).collect();
            let floor = if rule.is_some() { 0.0 } else { self.parameters.floors[node] };
            let combined = combine(
                rule.unwrap_or(self.parameters.aggregates[node]),
                floor,
                &Children { children: &children, units, is_complete },
            );
            nodes[node] = combined;
        }
        nodes
    }
}

/// As the bounds of an indicator: its score on what is covered, another on the rest.
fn partly(score: f64, coverage: f64, bound: f64) -> f64 {
    if score.is_nan() {
        return bound;
    }
    let unknown = 1.0 - coverage;
    // Past the greatest only by rounding.
    (coverage * score + if unknown > 0.0 { bound * unknown } else { 0.0 }).min(bound.max(score))
}

/// Scores and weights, all above 0, of the children of a node.
struct Children<'a> {
    children: &'a [(&'a [f64], f64)],
    units: usize,
    /// Whether every score is there.
    is_complete: bool,
}

/// [`Aggregate::of`], unit by unit.
fn combine(aggregate: Aggregate, floor: f64, of: &Children<'_>) -> Vec<f64> {
    let no_floor = f64::NEG_INFINITY;
    if of.children.is_empty() {
        return vec![f64::NAN; of.units];
    }
    match aggregate {
        Aggregate::Arithmetic => of.mean(no_floor, |score| score, |mean| mean),
        Aggregate::Geometric | Aggregate::Power(0.0) => of.mean(floor, f64::ln, f64::exp),
        Aggregate::Harmonic => of.mean(floor, |score| 1.0 / score, |mean| 1.0 / mean),
        Aggregate::Power(power) => {
            let floor = if power < 0.0 { floor } else { no_floor };
            of.mean(floor, |score| score.powf(power), |mean| mean.powf(1.0 / power))
        }
        Aggregate::Minimum => of.mean(no_floor, |_| 0.0, |_| f64::NEG_INFINITY),
        Aggregate::Median => (0..of.units)
            .map(|unit| {
                let known = of.children.iter().map(|(scores, weight)| (scores[unit], *weight));
                let known: Vec<(f64, f64)> = known.filter(|(score, _)| !score.is_nan()).collect();
                aggregate.of(&known, floor).unwrap_or(f64::NAN)
            })
            .collect(),
    }
}

impl Children<'_> {
    /// A generalised mean, cut to the least and greatest of what it is a mean of: one that lies below all is the minimum.
    fn mean(&self, floor: f64, there: impl Fn(f64) -> f64, back: impl Fn(f64) -> f64) -> Vec<f64> {
        if self.is_complete { self.mean_of_all(floor, there, back) } else { self.mean_of_known(floor, there, back) }
    }

    /// The same where every score is there: nothing to ask, and one weight for all.
    fn mean_of_all(&self, floor: f64, there: impl Fn(f64) -> f64, back: impl Fn(f64) -> f64) -> Vec<f64> {
        let weight: f64 = self.children.iter().map(|(_, weight)| weight).sum();
        let mut sum = vec![0.0; self.units];
        let (mut least, mut greatest) = (vec![f64::INFINITY; self.units], vec![f64::NEG_INFINITY; self.units]);
        for &(scores, weight) in self.children {
            let ends = least.iter_mut().zip(&mut greatest);
            for ((sum, (least, greatest)), &score) in sum.iter_mut().zip(ends).zip(scores) {
                let read = if score < floor { floor } else { score };
                *sum += weight * there(read);
                *least = if read < *least { read } else { *least };
                *greatest = if read > *greatest { read } else { *greatest };
            }
        }
        for (sum, (least, greatest)) in sum.iter_mut().zip(least.iter().zip(&greatest)) {
            *sum = within(back(*sum / weight), *least, *greatest);
        }
        sum
    }

    fn mean_of_known(&self, floor: f64, there: impl Fn(f64) -> f64, back: impl Fn(f64) -> f64) -> Vec<f64> {
        let (mut sum, mut weights) = (vec![0.0; self.units], vec![0.0; self.units]);
        let (mut least, mut greatest) = (vec![f64::INFINITY; self.units], vec![f64::NEG_INFINITY; self.units]);
        for &(scores, weight) in self.children {
            let to = sum.iter_mut().zip(&mut weights).zip(least.iter_mut().zip(&mut greatest));
            for (((sum, weights), (least, greatest)), &score) in to.zip(scores) {
                if !score.is_nan() {
                    let read = score.max(floor);
                    *sum += weight * there(read);
                    *weights += weight;
                    (*least, *greatest) = (least.min(read), greatest.max(read));
                }
            }
        }
        let ends = sum.iter_mut().zip(&weights).zip(least.iter().zip(&greatest));
        for ((sum, weight), (least, greatest)) in ends {
            *sum = if *weight > 0.0 { within(back(*sum / weight), *least, *greatest) } else { f64::NAN };
        }
        sum
    }
}

fn within(mean: f64, least: f64, greatest: f64) -> f64 {
    let mean = if mean < least { least } else { mean };
    (if mean > greatest { greatest } else { mean }) + 0.0
}
