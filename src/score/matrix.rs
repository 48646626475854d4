//! The same scores for many units at once, column by column: what [`Scorer::score`] gives for each, to the last bit.

use rayon::prelude::*;

use super::normalise::{Fitted, Normalise, Range};
use super::outrank::Outranking;
use super::shape::Child;
use super::treat::Treatment;
use super::{Aggregate, Observation, Parameters, Scorer, is_enough};
use crate::indicator::rescale::Treat;

/// Positions of units that stand together.
type Units = std::ops::Range<usize>;

/// What is known of every indicator in every unit, laid out by indicator for scorers of one shape and of one set of scales.
#[derive(Debug, Clone)]
pub struct Matrix {
    /// Values as the rules read them, one list an indicator, one entry a unit; NaN where there is none.
    scaled: Vec<Vec<f64>>,
    /// The share of the unit on which each rests.
    coverage: Vec<Vec<f64>>,
    /// Whether every indicator rests on all of the units of each block.
    complete: Vec<bool>,
    /// The rules, fitted to all values.
    fitted: Vec<Fitted>,
    units: usize,
}

/// Units that are scored together: so few that what is made of them stays close at hand.
const BLOCK: usize = 1024;

impl Matrix {
    /// Lays out observations, one list an indicator, one entry a unit: treats them, and fits the rules that go by the
    /// sample.
    pub fn new(parameters: &Parameters, columns: &[Vec<Observation>]) -> Self {
        let units = columns.first().map_or(0, Vec::len);
        let rules = parameters.normalise.par_iter().zip(&parameters.treat).zip(columns);
        let prepared = |((rule, treat), column): ((&Normalise, &Option<Treat>), &Vec<Observation>)| {
            let mut values: Vec<f64> = column.iter().map(|seen| seen.value.unwrap_or(f64::NAN)).collect();
            let mut treatment = Treatment::NONE;
            if let Some(treat) = treat {
                let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
                treatment = Treatment::fit(&known, treat).treatment;
                values.iter_mut().for_each(|value| *value = treatment.apply(*value));
            }
            let fitted = rule.fit(treatment, &values, parameters.of_sums);
            values.iter_mut().for_each(|value| *value = rule.scaled(*value));
            (values, fitted)
        };
        let (scaled, fitted): (Vec<Vec<f64>>, Vec<Fitted>) = rules.map(prepared).unzip();
        // What is missing rests on nothing, and so does what has no score.
        let share = |seen: &Observation| seen.value.map_or(0.0, |_| seen.coverage);
        let shares = |(column, rule): (&Vec<Observation>, &Fitted)| match rule.without_scores() {
            Some(_) => vec![0.0; units],
            None => column.iter().map(share).collect::<Vec<f64>>(),
        };
        let coverage: Vec<Vec<f64>> = columns.iter().zip(&fitted).map(shares).collect();
        let is_complete = |block: Units| coverage.iter().all(|of| of[block.clone()].iter().all(|&of| of >= 1.0));
        let complete = blocks(units).map(is_complete).collect();
        Self { scaled, coverage, complete, fitted, units }
    }

    /// The rules, fitted to all values; one an indicator.
    pub fn fitted(&self) -> &[Fitted] {
        &self.fitted
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
    pub fn blocks(&self) -> impl Iterator<Item = (Units, bool)> {
        blocks(self.units).zip(self.complete.iter().copied())
    }
}

fn blocks(units: usize) -> impl Iterator<Item = Units> {
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
    pub fn leaves(&self, matrix: &Matrix, units: Units) -> Columns {
        let of = |(indicator, column): (usize, &Vec<f64>)| self.rule(indicator).score_scaled(&column[units.clone()]);
        matrix.scaled.iter().enumerate().map(of).collect()
    }

    /// Scores of the nodes from scores of the indicators; `is_complete`: there is one of every indicator in every unit.
    pub fn nodes(&self, leaves: &Columns, is_complete: bool) -> Columns {
        self.combined(leaves, None, is_complete)
    }

    /// Coverage and bounds of the nodes in some units, of which `leaves` are the scores of the indicators.
    pub fn bounds(&self, leaves: &Columns, matrix: &Matrix, units: Units) -> Bounds {
        let shares: Columns = matrix.coverage.iter().map(|column| column[units.clone()].to_vec()).collect();
        let mut coverage = self.combined(&shares, Some(Aggregate::Arithmetic), true);
        let filled = |bound: fn(Range) -> f64| {
            let of = |(indicator, (scores, shares)): (usize, (&Vec<f64>, &Vec<f64>))| {
                let bound = bound(self.fitted[indicator].range());
                scores.iter().zip(shares).map(|(score, share)| partly(*score, *share, bound)).collect()
            };
            leaves.iter().zip(&shares).enumerate().map(of).collect::<Columns>()
        };
        let mut low = self.combined(&filled(|range| range.least), None, true);
        let mut high = self.combined(&filled(|range| range.greatest), None, true);
        let fill = |column: &mut Vec<f64>, nothing: f64| {
            column.iter_mut().filter(|score| score.is_nan()).for_each(|score| *score = nothing);
        };
        coverage.iter_mut().for_each(|column| fill(column, 0.0));
        for (node, range) in self.ranges.iter().enumerate() {
            fill(&mut low[node], range.least);
            fill(&mut high[node], range.greatest);
        }
        Bounds { coverage, low, high }
    }

    /// The score on which an indicator would come out if what is unknown of it scored so much, as a share of its scale;
    /// of a scale without ends the score of the sample (ascending) at that share.
    pub fn completed(&self, indicator: usize, (score, coverage): (f64, f64), share: f64, sample: &[f64]) -> f64 {
        let Range { least, greatest } = self.fitted[indicator].range();
        let unknown = if (greatest - least).is_finite() {
            least + share * (greatest - least)
        } else {
            let at = (share * sample.len() as f64) as usize;
            sample.get(at).copied().unwrap_or(f64::NAN)
        };
        partly(score, coverage, unknown)
    }

    /// The scores of an indicator whose scale has no ends, over all units, ascending; nothing of any other.
    pub fn open_sample(&self, indicator: usize, matrix: &Matrix) -> Vec<f64> {
        let Range { least, greatest } = self.fitted[indicator].range();
        if (greatest - least).is_finite() {
            return Vec::new();
        }
        let scores = self.fitted[indicator].score_scaled(&matrix.scaled[indicator]);
        let mut known: Vec<f64> = scores.into_iter().filter(|score| !score.is_nan()).collect();
        known.sort_by(f64::total_cmp);
        known
    }

    /// The same scorer with the scores of all units that its outranking nodes compare with.
    pub(super) fn outranked(mut self, matrix: &Matrix) -> Self {
        let leaves = self.leaves(matrix, 0..matrix.units);
        let mut nodes: Columns = vec![Vec::new(); self.shape.nodes().len()];
        for &node in self.shape.upward() {
            if self.parameters.aggregates[node] == Aggregate::Copeland {
                self.outrankings[node] =
                    Some(Outranking::new(&self.weighing(node, &leaves, &nodes), self.parameters.of_sums));
            }
            nodes[node] = self.column(node, (&leaves, &nodes), None, false);
        }
        self
    }

    /// Scores and weights of the children of a node that weigh something: what weighs nothing may have no score of its
    /// own.
    fn weighing<'c>(&self, node: usize, leaves: &'c Columns, nodes: &'c Columns) -> Vec<(&'c [f64], f64)> {
        let of = |child: &Child| match *child {
            Child::Indicator(at) => leaves[at].as_slice(),
            Child::Node(at) => nodes[at].as_slice(),
        };
        let children = self.shape.nodes()[node].children.iter();
        let weighed = children.map(|child| (of(child), self.parameters.weight(*child)));
        weighed.filter(|(_, weight)| *weight > 0.0).collect()
    }

    /// The column of a node; `rule` in the place of its own.
    pub(super) fn column(
        &self,
        node: usize,
        (leaves, nodes): (&Columns, &Columns),
        rule: Option<Aggregate>,
        is_complete: bool,
    ) -> Vec<f64> {
        let children = self.weighing(node, leaves, nodes);
        if let (Some(outranking), None) = (&self.outrankings[node], rule) {
            let scores: Vec<&[f64]> = children.iter().map(|(scores, _)| *scores).collect();
            let mut column = outranking.column(&scores);
            if !is_complete {
                let of = Children { children: &children, units: column.len(), is_complete };
                of.take_out_scarce(&mut column, self.parameters.min_available[node]);
            }
            return column;
        }
        let floor = if rule.is_some() { 0.0 } else { self.parameters.floors[node] };
        let units = leaves.first().map_or(0, Vec::len);
        let of = Children { children: &children, units, is_complete };
        let mut column = combine(rule.unwrap_or(self.parameters.aggregates[node]), floor, &of);
        if !is_complete {
            of.take_out_scarce(&mut column, self.parameters.min_available[node]);
        }
        column
    }

    /// Columns of nodes; `rule` in the place of each node's own.
    fn combined(&self, leaves: &Columns, rule: Option<Aggregate>, is_complete: bool) -> Columns {
        let mut nodes: Columns = vec![Vec::new(); self.shape.nodes().len()];
        for &node in self.shape.upward() {
            nodes[node] = self.column(node, (leaves, &nodes), rule, is_complete);
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
        // What it compares with is not here: see `Scorer::column`.
        Aggregate::Copeland => vec![f64::NAN; of.units],
    }
}

impl Children<'_> {
    /// Takes the scores away that rest on too few children.
    fn take_out_scarce(&self, scores: &mut [f64], min_available: f64) {
        if min_available <= 0.0 {
            return;
        }
        for (unit, score) in scores.iter_mut().enumerate() {
            let known = self.children.iter().filter(|(column, _)| !column[unit].is_nan()).count();
            if !is_enough(known, self.children.len(), min_available) {
                *score = f64::NAN;
            }
        }
    }

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
