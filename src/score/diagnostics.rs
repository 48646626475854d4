//! What the scores are like as a whole: each indicator's values, how scores hang together, what each part really
//! weighs, and who would stand where without it. Changes no score.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::matrix::{Columns, Matrix};
use super::normalise::Fitted;
use super::sample::{Availability, Prepared, availability};
use super::shape::{Child, Shape, Visit};
use super::treat::{Treated, Treatment};
use super::weigh::{complete_pairs, components};
use super::{Model, Observation, Scores, Scoring};
use crate::declared::{SLACK, at_least, at_most};
use crate::statistics::{self, covariance, deviation, ends, kendall, mean_ranks, pearson, spearman};

/// All units of a run, as scores see them. Lists of columns have one list an indicator, one entry a unit.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// The score tree, with all its weights.
    pub model: &'a Model,
    /// `[score]`.
    pub scoring: &'a Scoring,
    /// What was measured, before anything was screened or imputed.
    pub measured: &'a [Vec<Observation>],
    /// What is scored.
    pub prepared: &'a Prepared,
    /// The scores, one entry a unit.
    pub scores: &'a [Scores],
    /// The period of each unit.
    pub periods: &'a [Option<i64>],
}

impl Basis<'_> {
    fn ranks(&self, scores: &[Option<f64>]) -> Vec<Option<u32>> {
        ranks(scores, self.periods, self.model.parameters.of_sums)
    }
}

/// Everything that is said of the scores as a whole.
#[derive(Debug, Default)]
pub struct Diagnostics {
    /// One an indicator.
    pub indicators: Vec<IndicatorFacts>,
    /// Pairs, by their first, then their second.
    pub correlations: Vec<Correlation>,
    /// Pairs that were left out, for there would be too many.
    pub uncorrelated: usize,
    /// By node, then component, then child.
    pub loadings: Vec<Loading>,
    /// One a dimension and what stands under it, as people read the tree.
    pub weights: Vec<EffectiveWeight>,
    /// By unit, then as `weights`.
    pub removal: Vec<Removal>,
    /// By unit, strengths before weaknesses.
    pub strengths: Vec<Strength>,
    /// One a unit.
    pub availability: Vec<Availability>,
}

/// What goes with every value and score: lists have one list an indicator or node, one entry a unit.
#[derive(Debug, Default)]
pub struct Standing {
    /// Values as they are normalised.
    pub treated: Vec<Vec<Option<f64>>>,
    /// Ranks by indicators, in the period.
    pub indicator_ranks: Vec<Vec<Option<u32>>>,
    /// Ranks by nodes, in the period.
    pub node_ranks: Vec<Vec<Option<u32>>>,
}

/// Treated values, and ranks.
pub fn standing(basis: &Basis<'_>) -> Standing {
    let scored = Scored::of(basis);
    let ranked = |columns: &Columns| columns.par_iter().map(|column| basis.ranks(&known(column))).collect();
    Standing { treated: treated(basis), indicator_ranks: ranked(&scored.leaves), node_ranks: ranked(&scored.nodes) }
}

/// The values of an indicator.
#[derive(Debug, Clone, PartialEq)]
pub struct IndicatorFacts {
    /// Units of the sample: those that are not screened.
    pub units: usize,
    /// Units with a value that is not imputed; all that follows is of these.
    pub available: usize,
    /// Values that are not 0.
    pub non_zero: usize,
    /// Values that differ.
    pub unique: usize,
    /// Units that have the most frequent value.
    pub same: usize,
    /// The least and the greatest value.
    pub ends: Option<(f64, f64)>,
    /// The mean.
    pub mean: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The standard deviation, over n - 1.
    pub deviation: Option<f64>,
    /// G1.
    pub skewness: Option<f64>,
    /// G2.
    pub kurtosis: Option<f64>,
    /// Values that are imputed.
    pub imputed: usize,
    /// What was done with outliers, of all values that are scored; `None` where nothing is to be done.
    pub treated: Option<Treated>,
    /// What is odd: `few_values`, `many_zeros`, `few_different`, `outliers`.
    pub flags: Vec<&'static str>,
}

/// How two stand in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Under one node.
    Siblings,
    /// The second right above the first.
    Parent,
    /// The second further up.
    Ancestor,
    /// Otherwise.
    Other,
}

impl Relation {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Siblings => "siblings",
            Self::Parent => "parent",
            Self::Ancestor => "ancestor",
            Self::Other => "other",
        }
    }
}

/// How the scores of two hang together, over the units that have both.
#[derive(Debug, Clone, PartialEq)]
pub struct Correlation {
    /// One of them.
    pub first: Child,
    /// The other.
    pub second: Child,
    /// How they stand.
    pub relation: Relation,
    /// Units that have both.
    pub units: usize,
    /// Pearson's.
    pub pearson: Option<f64>,
    /// Spearman's.
    pub spearman: Option<f64>,
    /// Kendall's tau-b.
    pub kendall: Option<f64>,
    /// `collinear` or `negative`; of siblings and of a child with its parent.
    pub flag: Option<&'static str>,
}

/// What a child has in a principal component of its siblings.
#[derive(Debug, Clone, PartialEq)]
pub struct Loading {
    /// The node above.
    pub node: usize,
    /// Number of the component, from 1.
    pub component: usize,
    /// The child.
    pub child: Child,
    /// Its loading.
    pub loading: f64,
    /// Standard deviation of the component.
    pub deviation: f64,
    /// The component's share of all variance.
    pub share: f64,
    /// Units that have all children.
    pub units: usize,
}

/// What something really weighs in its dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveWeight {
    /// The dimension.
    pub dimension: usize,
    /// The dimension itself, a component or an indicator.
    pub child: Child,
    /// The node right above; `None` of the dimension.
    pub parent: Option<usize>,
    /// Its weight among its siblings; 1 of the dimension.
    pub weight: f64,
    /// Its share of the weight of its siblings.
    pub nominal_share: f64,
    /// Its share of the dimension: the product of the shares down the tree.
    pub effective_weight: f64,
    /// Pearson's correlation of its scores with those of the dimension.
    pub correlation: Option<f64>,
    /// How much of the variance of the dimension's scores goes with it, 0 to 1.
    pub correlation_ratio: Option<f64>,
    /// Its share of the correlation ratios of its siblings, to be held against `nominal_share`.
    pub ratio_share: Option<f64>,
    /// Cronbach's alpha of its children; `None` of an indicator, or of less than two.
    pub alpha: Option<f64>,
    /// How far ranks move in the mean if it is left out; `None` of the dimension, or where nothing else would be left.
    pub rank_change: Option<f64>,
}

/// Where a unit would stand without something.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// The unit.
    pub unit: usize,
    /// The dimension.
    pub dimension: usize,
    /// What is left out.
    pub removed: Child,
    /// The dimension's score without it.
    pub score: Option<f64>,
    /// The rank by that score, in the unit's period.
    pub rank: Option<u32>,
    /// That rank less the rank with it: above 0 it helps the unit.
    pub change: Option<i64>,
}

/// An indicator by which a unit stands out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strength {
    /// The unit.
    pub unit: usize,
    /// Whether it is one of its best, or of its worst.
    pub is_strength: bool,
    /// From 1, by rank.
    pub position: usize,
    /// The indicator.
    pub indicator: usize,
    /// The unit's rank by it, in its period.
    pub rank: u32,
    /// Units that have a rank.
    pub of: usize,
}

/// The rank of each unit in its period by scores: 1 the best, equal ones at the best of their ranks; `None` without a
/// score. `of_sums`: see [`super::Parameters::of_sums`].
pub fn ranks(scores: &[Option<f64>], periods: &[Option<i64>], of_sums: bool) -> Vec<Option<u32>> {
    let slack = if of_sums { SLACK } else { 0.0 };
    let mut by_period: BTreeMap<Option<i64>, Vec<f64>> = BTreeMap::new();
    for (score, period) in scores.iter().zip(periods) {
        by_period.entry(*period).or_default().extend(score);
    }
    by_period.values_mut().for_each(|scores| scores.sort_by(|a, b| b.total_cmp(a)));
    let rank = |(score, period): (&Option<f64>, &Option<i64>)| {
        let sorted = &by_period[period];
        score.map(|score| sorted.partition_point(|other| *other > score + slack * score.abs().max(1.0)) as u32 + 1)
    };
    scores.iter().zip(periods).map(rank).collect()
}

/// Shares below which an indicator has few values, few that are not 0, few that differ.
const FEW_VALUES: f64 = 0.65;
const MANY_ZEROS: f64 = 0.5;
const FEW_DIFFERENT: f64 = 0.5;
/// Limits of skewness and excess kurtosis past both of which there are outliers.
const OUTLIERS: (f64, f64) = (2.0, 3.5);
/// Values in pairs that are correlated at most; past it only those of one family are.
const MOST_VALUES: usize = 30_000_000;

/// Everything that is said of the scores as a whole.
pub fn diagnostics(basis: &Basis<'_>) -> Diagnostics {
    let scored = Scored::of(basis);
    let (correlations, uncorrelated) = scored.correlations();
    let without = scored.without();
    Diagnostics {
        indicators: (0..basis.prepared.columns.len()).map(|at| facts(basis, at)).collect(),
        correlations,
        uncorrelated,
        loadings: scored.loadings(),
        weights: scored.weights(&without),
        removal: (0..basis.scores.len()).flat_map(|unit| without.iter().map(move |of| of.of_unit(unit))).collect(),
        strengths: scored.strengths(),
        availability: availability(basis.measured, basis.scores.len()),
    }
}

fn treated(basis: &Basis<'_>) -> Vec<Vec<Option<f64>>> {
    let matrix = Matrix::new(&basis.model.parameters, &basis.prepared.columns);
    let of = |(rule, column): (&Fitted, &Vec<Observation>)| {
        column.iter().map(|seen| seen.value.map(|value| rule.treatment.apply(value))).collect()
    };
    matrix.fitted().iter().zip(&basis.prepared.columns).map(of).collect()
}

fn facts(basis: &Basis<'_>, indicator: usize) -> IndicatorFacts {
    let (column, imputed) = (&basis.prepared.columns[indicator], &basis.prepared.imputed[indicator]);
    let units = basis.prepared.screened.iter().filter(|screened| !**screened).count();
    let own = column.iter().zip(imputed).filter(|(_, imputed)| !**imputed);
    let values: Vec<f64> = own.filter_map(|(seen, _)| seen.value).collect();
    let is_of_sums = basis.model.parameters.of_sums;
    let sorted = statistics::sorted(&if is_of_sums { statistics::snapped(&values) } else { values.clone() });
    let runs = || sorted.chunk_by(|a, b| a == b).map(<[f64]>::len);
    let (skewness, kurtosis) = (statistics::skewness(&values), statistics::kurtosis(&values));
    let non_zero = values.iter().filter(|value| **value != 0.0).count();
    let unique = runs().count();
    let share = |count: usize| count as f64 / units.max(1) as f64;
    let is_odd = |value: Option<f64>, limit: f64| value.is_some_and(|value| value > limit);
    let flags = [
        ("few_values", share(values.len()) < FEW_VALUES),
        ("many_zeros", share(non_zero) < MANY_ZEROS),
        ("few_different", share(unique) < FEW_DIFFERENT),
        ("outliers", is_odd(skewness.map(f64::abs), OUTLIERS.0) && is_odd(kurtosis, OUTLIERS.1)),
    ];
    let treat = basis.model.parameters.treat[indicator];
    let scored: Vec<f64> = column.iter().filter_map(|seen| seen.value).collect();
    IndicatorFacts {
        units,
        available: values.len(),
        non_zero,
        unique,
        same: runs().max().unwrap_or(0),
        ends: ends(&values),
        mean: statistics::mean(&values),
        median: statistics::median(&values),
        deviation: deviation(&values),
        skewness,
        kurtosis,
        imputed: imputed.iter().filter(|imputed| **imputed).count(),
        treated: treat.map(|treat| Treatment::fit(&scored, &treat)),
        flags: flags.into_iter().filter(|(_, is_so)| *is_so).map(|(flag, _)| flag).collect(),
    }
}

/// All units without one part of a dimension: lists have one entry a unit.
struct Without {
    dimension: usize,
    removed: Child,
    scores: Vec<Option<f64>>,
    ranks: Vec<Option<u32>>,
    /// Ranks less those with the part.
    changes: Vec<Option<i64>>,
}

impl Without {
    fn of_unit(&self, unit: usize) -> Removal {
        let (dimension, removed) = (self.dimension, self.removed);
        Removal {
            unit,
            dimension,
            removed,
            score: self.scores[unit],
            rank: self.ranks[unit],
            change: self.changes[unit],
        }
    }

    /// How far ranks move in the mean.
    fn mean_change(&self) -> Option<f64> {
        let sizes: Vec<f64> = self.changes.iter().flatten().map(|change| change.unsigned_abs() as f64).collect();
        statistics::mean(&sizes)
    }
}

/// Scores by column, and who stands under whom.
struct Scored<'a> {
    basis: &'a Basis<'a>,
    shape: &'a Shape,
    leaves: Columns,
    nodes: Columns,
    /// The node right above each node and each indicator.
    above: Above,
}

struct Above {
    nodes: Vec<Option<usize>>,
    indicators: Vec<usize>,
}

impl<'a> Scored<'a> {
    fn of(basis: &'a Basis<'a>) -> Self {
        let shape = &basis.model.shape;
        let column = |pick: &dyn Fn(&Scores) -> Option<f64>| -> Vec<f64> {
            let scores: Vec<f64> = basis.scores.iter().map(|scores| pick(scores).unwrap_or(f64::NAN)).collect();
            if basis.model.parameters.of_sums { statistics::snapped(&scores) } else { scores }
        };
        let mut above = Above { nodes: vec![None; shape.nodes().len()], indicators: vec![0; shape.indicators()] };
        for (node, of) in shape.nodes().iter().enumerate() {
            for child in &of.children {
                match *child {
                    Child::Node(at) => above.nodes[at] = Some(node),
                    Child::Indicator(at) => above.indicators[at] = node,
                }
            }
        }
        let leaves = (0..shape.indicators()).map(|at| column(&|scores| scores.indicators[at].score)).collect();
        let nodes = (0..shape.nodes().len()).map(|at| column(&|scores| scores.nodes[at].score)).collect();
        Self { basis, shape, leaves, nodes, above }
    }

    fn column(&self, child: Child) -> &[f64] {
        match child {
            Child::Indicator(at) => &self.leaves[at],
            Child::Node(at) => &self.nodes[at],
        }
    }

    fn parent(&self, child: Child) -> Option<usize> {
        match child {
            Child::Indicator(at) => Some(self.above.indicators[at]),
            Child::Node(at) => self.above.nodes[at],
        }
    }

    fn relation(&self, first: Child, second: Child) -> Relation {
        if self.parent(first) == self.parent(second) {
            return Relation::Siblings;
        }
        let is_second = |node: usize| second == Child::Node(node);
        let mut above = self.parent(first);
        if above.is_some_and(is_second) {
            return Relation::Parent;
        }
        while let Some(node) = above {
            if is_second(node) {
                return Relation::Ancestor;
            }
            above = self.above.nodes[node];
        }
        Relation::Other
    }

    /// Pairs of indicators, of siblings, and of each with all above it.
    fn correlations(&self) -> (Vec<Correlation>, usize) {
        let walk = self.shape.walk();
        let order: Vec<Child> = walk.iter().map(|step| step.child).collect();
        let mut pairs = Vec::new();
        for (at, &second) in order.iter().enumerate() {
            for &first in &order[at + 1..] {
                let relation = self.relation(first, second);
                let both = matches!((first, second), (Child::Indicator(_), Child::Indicator(_)));
                // In a walk what is above comes first; among equals the file's order stands.
                let (first, second) =
                    if both || relation == Relation::Siblings { (second, first) } else { (first, second) };
                if both || relation != Relation::Other {
                    pairs.push((first, second, relation));
                }
            }
        }
        let all = pairs.len();
        if all * self.basis.scores.len() > MOST_VALUES {
            pairs.retain(|(_, _, relation)| *relation != Relation::Other);
        }
        let uncorrelated = all - pairs.len();
        let found = pairs.into_par_iter().map(|(first, second, relation)| self.correlation(first, second, relation));
        (found.collect(), uncorrelated)
    }

    fn correlation(&self, first: Child, second: Child, relation: Relation) -> Correlation {
        let (a, b) = complete_pairs(self.column(first), self.column(second));
        let pearson = pearson(&a, &b);
        let scoring = self.basis.scoring;
        let is_family = matches!(relation, Relation::Siblings | Relation::Parent);
        let flag = pearson.filter(|_| is_family).and_then(|value| match relation {
            _ if at_most(value, scoring.negative) => Some("negative"),
            Relation::Siblings if at_least(value, scoring.collinear) => Some("collinear"),
            _ => None,
        });
        let (spearman, kendall) = (spearman(&a, &b), kendall(&a, &b));
        Correlation { first, second, relation, units: a.len(), pearson, spearman, kendall, flag }
    }

    fn weighing(&self, node: usize) -> Vec<Child> {
        self.basis.model.parameters.weighing(self.shape, node)
    }

    fn loadings(&self) -> Vec<Loading> {
        let mut found = Vec::new();
        for node in 0..self.shape.nodes().len() {
            let children = self.weighing(node);
            let columns: Vec<&[f64]> = children.iter().map(|child| self.column(*child)).collect();
            let Some(components) = components(&columns).ok().filter(|_| children.len() > 1) else { continue };
            let total: f64 = components.deviations.iter().map(|deviation| deviation * deviation).sum();
            for (at, (deviation, loadings)) in components.deviations.iter().zip(&components.loadings).enumerate() {
                found.extend(children.iter().zip(loadings).map(|(child, loading)| Loading {
                    node,
                    component: at + 1,
                    child: *child,
                    loading: *loading,
                    deviation: *deviation,
                    share: deviation * deviation / total,
                    units: components.units,
                }));
            }
        }
        found
    }

    fn weights(&self, without: &[Without]) -> Vec<EffectiveWeight> {
        let parameters = &self.basis.model.parameters;
        let (of_indicators, of_nodes) = parameters.all_shares(self.shape);
        let walk = self.shape.walk();
        let ratio = |step: &Visit| {
            let (x, y) = complete_pairs(self.column(step.child), &self.nodes[step.dimension]);
            correlation_ratio(&x, &y)
        };
        let ratios: Vec<Option<f64>> = walk.par_iter().map(ratio).collect();
        // What stands in the tree stands there once, under one dimension.
        let ratio_of = |child: Child| ratios[walk.iter().position(|step| step.child == child)?];
        let row = |step: &Visit| {
            let (child, dimension, parent) = (step.child, step.dimension, self.parent(step.child));
            let siblings = parent.map(|node| self.weighing(node)).unwrap_or_default();
            let weight = parent.map_or(1.0, |_| parameters.weight(child));
            let total: f64 = siblings.iter().map(|sibling| parameters.weight(*sibling)).sum();
            let own = ratio_of(child);
            let ratios: f64 = siblings.iter().filter_map(|sibling| ratio_of(*sibling)).sum();
            let (a, b) = complete_pairs(self.column(child), &self.nodes[dimension]);
            EffectiveWeight {
                dimension,
                child,
                parent,
                weight,
                nominal_share: if parent.is_some() { weight / total } else { 1.0 },
                effective_weight: match child {
                    Child::Indicator(at) => of_indicators[at],
                    Child::Node(at) => of_nodes[at],
                },
                correlation: pearson(&a, &b),
                correlation_ratio: own,
                ratio_share: own.filter(|_| ratios > 0.0).map(|own| own / ratios),
                alpha: child.node().and_then(|node| self.alpha(node)),
                rank_change: without
                    .iter()
                    .find(|of| (of.dimension, of.removed) == (dimension, child))
                    .and_then(Without::mean_change),
            }
        };
        walk.par_iter().map(row).collect()
    }

    /// Cronbach's alpha (1951) of the children of a node, from covariances over pairwise complete units.
    fn alpha(&self, node: usize) -> Option<f64> {
        let children = self.weighing(node);
        let count = children.len() as f64;
        let (mut own, mut all) = (0.0, 0.0);
        for (at, first) in children.iter().enumerate() {
            for (other, second) in children.iter().enumerate() {
                let (a, b) = complete_pairs(self.column(*first), self.column(*second));
                let covariance = covariance(&a, &b)?;
                all += covariance;
                own += if at == other { covariance } else { 0.0 };
            }
        }
        (children.len() > 1 && all != 0.0).then(|| count / (count - 1.0) * (1.0 - own / all))
    }

    /// All units without each part of each dimension.
    fn without(&self) -> Vec<Without> {
        let nominal = |dimension: usize| self.basis.ranks(&known(&self.nodes[dimension]));
        let nominal: Vec<Vec<Option<u32>>> = self.shape.dimensions().map(nominal).collect();
        let matrix = Matrix::new(&self.basis.model.parameters, &self.basis.prepared.columns);
        let of = |step: &Visit| {
            let parameters = self.basis.model.without(step.child);
            if step.depth == 0 || !parameters.weighs(self.shape, step.dimension) {
                return None;
            }
            let scorer = parameters.fit(self.shape, &matrix);
            let leaves = scorer.leaves(&matrix, 0..matrix.units());
            let scores = known(&scorer.nodes(&leaves, false).swap_remove(step.dimension));
            let ranks = self.basis.ranks(&scores);
            let change =
                |(rank, nominal): (&Option<u32>, &Option<u32>)| Some(i64::from((*rank)?) - i64::from((*nominal)?));
            let changes = ranks.iter().zip(&nominal[step.dimension]).map(change).collect();
            Some(Without { dimension: step.dimension, removed: step.child, scores, ranks, changes })
        };
        self.shape.walk().par_iter().filter_map(of).collect()
    }

    /// The best and the worst ranks of each unit; where it has the worst of all by an indicator, that is no strength,
    /// and no news among weaknesses.
    fn strengths(&self) -> Vec<Strength> {
        let most = self.basis.scoring.strengths as usize;
        let by_indicator: Vec<Vec<Option<u32>>> =
            self.leaves.par_iter().map(|column| self.basis.ranks(&known(column))).collect();
        let mut worst: BTreeMap<Option<i64>, Vec<(u32, usize)>> = BTreeMap::new();
        for (unit, period) in self.basis.periods.iter().enumerate() {
            let of = worst.entry(*period).or_insert_with(|| vec![(0, 0); by_indicator.len()]);
            for (ranks, (worst, count)) in by_indicator.iter().zip(of) {
                *worst = (*worst).max(ranks[unit].unwrap_or(0));
                *count += usize::from(ranks[unit].is_some());
            }
        }
        let of_unit = |unit: usize| {
            let worst = &worst[&self.basis.periods[unit]];
            let own = by_indicator.iter().enumerate().filter_map(|(at, ranks)| Some((ranks[unit]?, at)));
            let mut own: Vec<(u32, usize)> = own.filter(|(rank, at)| *rank != worst[*at].0).collect();
            own.sort_unstable();
            let row = |is_strength: bool, (position, &(rank, indicator)): (usize, &(u32, usize))| Strength {
                unit,
                is_strength,
                position: position + 1,
                indicator,
                rank,
                of: worst[indicator].1,
            };
            let best: Vec<Strength> = own.iter().take(most).enumerate().map(|one| row(true, one)).collect();
            let rest = own[own.len().saturating_sub(most)..].iter().enumerate().map(|one| row(false, one));
            best.into_iter().chain(rest).collect::<Vec<Strength>>()
        };
        (0..self.basis.scores.len()).into_par_iter().flat_map_iter(of_unit).collect()
    }
}

fn known(column: &[f64]) -> Vec<Option<f64>> {
    column.iter().map(|score| Some(*score).filter(|score| !score.is_nan())).collect()
}

/// Groups at most into which values are put to see how much of the variance of another goes with them.
const GROUPS: f64 = 20.0;

/// How much of the variance of `y` goes with `x`, 0 to 1: the correlation ratio over groups of alike values of `x` of
/// about equal number (the root of the number of units, 20 at most), less what chance would give (epsilon squared);
/// `None` of few units or without variance.
///
/// # Source
///
/// Pearson (1905) with the correction of Kelley (1935), as a first-order effect: Paruolo, Saisana & Saltelli (2013).
pub fn correlation_ratio(x: &[f64], y: &[f64]) -> Option<f64> {
    let count = x.len() as f64;
    let groups = count.sqrt().floor().min(GROUPS);
    let all = statistics::mean(y)?;
    if groups < 2.0 || statistics::is_constant(y) || statistics::is_constant(x) {
        return None;
    }
    // By the mean rank, so that equal values stand together.
    let group = |rank: &f64| (((rank - 0.5) / count * groups).floor() as usize).min(groups as usize - 1);
    let mut members: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for (rank, y) in mean_ranks(x).iter().zip(y) {
        members.entry(group(rank)).or_default().push(*y);
    }
    let spread = |values: &[f64], mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    let total = spread(y, all);
    let within: f64 = members.values().map(|own| spread(own, statistics::mean(own).unwrap_or(0.0))).sum();
    let freedom = count - members.len() as f64;
    (freedom > 0.0).then(|| (1.0 - (within / freedom) / (total / (count - 1.0))).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_within_a_period() {
        let scores = [Some(3.0), Some(5.0), Some(5.0), None, Some(1.0)];
        let periods = [Some(1), Some(1), Some(1), Some(1), Some(2)];
        assert_eq!(ranks(&scores, &periods, false), [Some(3), Some(1), Some(1), None, Some(1)]);
    }

    /// Two groups of two, of means 1 and 5 about 3: within 4, in all 20. Kelley: 1 - (4 / 2) / (20 / 3).
    #[test]
    fn a_correlation_ratio_by_hand() {
        let found = correlation_ratio(&[1.0, 2.0, 3.0, 4.0], &[0.0, 2.0, 4.0, 6.0]).unwrap();
        assert!((found - (1.0 - 2.0 / (20.0 / 3.0))).abs() < 1e-12);
        assert_eq!(correlation_ratio(&[1.0, 1.0, 1.0, 1.0], &[0.0, 2.0, 4.0, 6.0]), None);
    }
}
