//! What would have to change: the value of one indicator alone that takes its dimension to another level, the cheapest
//! two, and how far each other type is.

use rayon::prelude::*;

use super::{Class, Level, Rules};
use crate::declared::{SLACK, at_least};
use crate::measure::indicators::{Measurement, Status};
use crate::score::Scores;
use crate::score::pairs::Pair;

/// What one indicator of one cluster and period would have to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lever {
    /// The value at which its dimension stands on the threshold: a lower dimension reaches its new level there, a higher
    /// one just past it; in the indicator's unit.
    pub flip_value: f64,
    /// The same as a score, 0 to 100.
    pub flip_score: f64,
    /// The change that it takes, in the things that the pipeline names (`lever.times`); whole ones up to the first that is
    /// enough.
    pub count: Option<f64>,
    /// Where the dimension would be.
    pub to: Level,
    /// The type that the cluster would have, by position; `None` where other dimensions are unknown or without a typology.
    pub to_type: Option<usize>,
}

/// The cheapest two indicators of one dimension, or one that is as cheap alone.
#[derive(Debug, Clone, PartialEq)]
pub struct LeverPair {
    /// Position of the dimension.
    pub dimension: usize,
    /// Whether only indicators that people can change were tried.
    pub changeable: bool,
    /// The indicators and the values that they need.
    pub ends: Vec<(usize, f64)>,
    /// Score points that they change by.
    pub points: f64,
    /// Where the dimension would be.
    pub to: Level,
    /// The type that the cluster would have.
    pub to_type: Option<usize>,
}

/// What would change one cluster and period.
#[derive(Debug, Clone, PartialEq)]
pub struct Levers {
    /// One an indicator; `None` where it alone cannot flip its dimension, is missing, or the level is unknown or rests on
    /// bounds alone.
    pub single: Vec<Option<Lever>>,
    /// The cheapest pairs: of each dimension among all indicators, then among those that people can change.
    pub pairs: Vec<LeverPair>,
    /// Score points to each type, summed over the dimensions; empty where a dimension is unknown.
    pub distances: Vec<f64>,
}

/// What levers rest on.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// What makes a type.
    pub rules: Rules<'a>,
    /// The indicators' values: one list an indicator, one entry a unit.
    pub measured: &'a [Vec<Measurement>],
    /// What one unit of each stands for, where the pipeline says so; as `measured`.
    pub times: &'a [Vec<Option<f64>>],
}

/// The levers of all units.
pub fn levers(basis: Basis<'_>, scores: &[Scores], classes: &[Class]) -> Vec<Levers> {
    let case = |unit: usize| Case { basis, unit, scores: &scores[unit], class: &classes[unit] };
    (0..scores.len()).into_par_iter().map(|unit| case(unit).levers()).collect()
}

/// Of two pairs of one dimension, to either side, the cheaper one stands.
fn keep_cheaper(pairs: &mut Vec<LeverPair>, pair: LeverPair) {
    let same = |other: &&mut LeverPair| (other.dimension, other.changeable) == (pair.dimension, pair.changeable);
    match pairs.iter_mut().find(same) {
        Some(other) if pair.points < other.points => *other = pair,
        Some(_) => {}
        None => pairs.push(pair),
    }
}

/// A level above or below the present one, and the threshold between.
#[derive(Debug, Clone, Copy)]
struct Step {
    dimension: usize,
    to: Level,
    target: f64,
}

/// One cluster and period.
struct Case<'a> {
    basis: Basis<'a>,
    unit: usize,
    scores: &'a Scores,
    class: &'a Class,
}

impl Case<'_> {
    fn levers(&self) -> Levers {
        let mut single = vec![None; self.basis.rules.indicators.len()];
        let mut pairs = Vec::new();
        for step in (0..self.basis.rules.dimensions.len()).flat_map(|dimension| self.steps(dimension)) {
            self.flip(step, &mut single);
            self.pairs(step).into_iter().for_each(|pair| keep_cheaper(&mut pairs, pair));
        }
        Levers { single, pairs, distances: self.distances() }
    }

    /// The levels next to the present one; none where the level is unknown or rests on bounds alone.
    fn steps(&self, dimension: usize) -> Vec<Step> {
        let (thresholds, score) = (&self.basis.rules.dimensions[dimension].threshold, &self.scores.nodes[dimension]);
        let rests_on_data = score.score.is_some() && at_least(score.coverage, self.basis.rules.settings.coverage_floor);
        let Some(level) = self.class.levels[dimension].known().filter(|_| rests_on_data) else { return Vec::new() };
        let levels = thresholds.levels();
        let at = levels.iter().position(|other| *other == level).unwrap_or_default();
        let step = |to: usize, threshold: usize| Step { dimension, to: levels[to], target: thresholds.0[threshold] };
        let down = at.checked_sub(1).map(|below| step(below, below));
        let up = (at + 1 < levels.len()).then(|| step(at + 1, at));
        down.into_iter().chain(up).collect()
    }

    /// Notes every indicator that alone takes its dimension over the step; of two steps the nearer one stands.
    fn flip(&self, step: Step, single: &mut [Option<Lever>]) {
        let to_type = self.type_with(step);
        for (indicator, needed) in
            self.basis.rules.scorer.flip_scores(self.scores, step.dimension, step.target).iter().enumerate()
        {
            let score = self.scores.indicators[indicator].score.filter(|_| self.is_observed(indicator));
            let Some((flip_score, score)) = needed.zip(score) else { continue };
            let nearer = |other: &Lever| (flip_score - score).abs() < (other.flip_score - score).abs();
            if single[indicator].as_ref().is_none_or(nearer) {
                let Some(flip_value) = self.settled(step, None, (indicator, flip_score)) else { continue };
                let count = self.count(indicator, flip_value, flip_score > score);
                single[indicator] = Some(Lever { flip_value, flip_score, count, to: step.to, to_type });
            }
        }
    }

    /// Whether there is a value to change: what stands in the place of a missing one is none.
    fn is_observed(&self, indicator: usize) -> bool {
        self.basis.measured[indicator][self.unit].status == Status::Observed
    }

    /// How many things a change is; a score that must fall must fall past its value.
    fn count(&self, indicator: usize, flip_value: f64, rises: bool) -> Option<f64> {
        let value = self.basis.measured[indicator][self.unit].value?;
        let words = self.basis.rules.indicators[indicator].lever.as_ref()?;
        let times = match words.times {
            Some(_) => self.basis.times[indicator][self.unit]?,
            None if words.whole => 1.0,
            None => return None,
        };
        let change = (flip_value - value) * times;
        let sign = if rises == self.basis.rules.scorer.rule(indicator).rises() { 1.0 } else { -1.0 };
        Some(match (words.whole, rises) {
            (false, _) => change,
            (true, true) => sign * (change.abs() - SLACK).ceil(),
            (true, false) => sign * ((change.abs() + SLACK).floor() + 1.0),
        })
    }

    /// The value of an indicator that scores so much, moved by as little as rounding asks for the dimension to reach the
    /// target there; another indicator may score otherwise too. `None` where no value leads to a score.
    fn settled(&self, step: Step, other: Option<(usize, f64)>, (indicator, score): (usize, f64)) -> Option<f64> {
        let scorer = self.basis.rules.scorer;
        let rule = scorer.rule(indicator);
        let value = rule.value(score)?;
        let reaches = |value: f64| {
            let Some(score) = rule.score(value) else { return false };
            let changed: Vec<(usize, f64)> = other.into_iter().chain([(indicator, score)]).collect();
            scorer.score_with(self.scores, step.dimension, &changed).is_some_and(|score| at_least(score, step.target))
        };
        let mut hair = value.abs().max(1e-300) * f64::EPSILON;
        let mut settled = value;
        while !reaches(settled) && hair < value.abs().max(1.0) * 1e-9 {
            settled = if rule.rises() { value + hair } else { value - hair };
            hair *= 2.0;
        }
        Some(settled)
    }

    /// The cheapest pair among all indicators and, where the pipeline says which those are, among the changeable ones.
    fn pairs(&self, step: Step) -> Vec<LeverPair> {
        let indicators = self.basis.rules.indicators;
        let declared = indicators.iter().any(|indicator| indicator.changeable.is_some());
        let cheapest = |only_changeable: bool| {
            let may_move = |at: usize| {
                let is_wanted = !only_changeable || indicators[at].changeable == Some(true);
                is_wanted && self.is_observed(at) && self.basis.rules.scorer.rule(at).has_inverse()
            };
            let pair = self.basis.rules.scorer.cheapest_pair(self.scores, step.dimension, step.target, &may_move)?;
            Some(LeverPair {
                dimension: step.dimension,
                changeable: only_changeable,
                ends: self.values_of(step, &pair)?,
                points: pair.points,
                to: step.to,
                to_type: self.type_with(step),
            })
        };
        [false, true].into_iter().filter(|only| !only || declared).filter_map(cheapest).collect()
    }

    fn values_of(&self, step: Step, pair: &Pair) -> Option<Vec<(usize, f64)>> {
        let (first, score) = pair.first;
        let Some(second) = pair.second else { return Some(vec![(first, self.settled(step, None, pair.first)?)]) };
        // One of them may be at its limit: then the other has room for what rounding asks.
        let rule = |indicator: usize| self.basis.rules.scorer.rule(indicator);
        let other = (first, rule(first).score(rule(first).value(score)?)?);
        let value = self.settled(step, Some(other), second)?;
        let other = (second.0, rule(second.0).score(value)?);
        Some(vec![(first, self.settled(step, Some(other), pair.first)?), (second.0, value)])
    }

    fn type_with(&self, step: Step) -> Option<usize> {
        let levels = self.class.levels.iter().enumerate();
        let levels: Option<Vec<Level>> =
            levels.map(|(at, open)| if at == step.dimension { Some(step.to) } else { open.known() }).collect();
        self.basis.rules.typology?.type_of(self.basis.rules.dimensions, &levels?)
    }

    fn distances(&self) -> Vec<f64> {
        let known = self.class.levels.iter().zip(&self.scores.nodes);
        let known: Option<Vec<f64>> = known.map(|(level, score)| level.known().and(score.score)).collect();
        let Some((typology, scores)) = self.basis.rules.typology.zip(known) else { return Vec::new() };
        typology.types.iter().map(|kind| kind.distance(self.basis.rules.dimensions, &scores)).collect()
    }
}
