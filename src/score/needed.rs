//! The way back: the score that a child needs so that its node reaches a target. In closed form for all means, by
//! bisection for the median.

use super::normalise::Range;
use super::shape::Child;
use super::{Aggregate, Scorer, Scores};
use crate::declared::{at_least, at_most};

/// What one child needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Needed {
    /// The target is reached whatever the child scores.
    Nothing,
    /// This score and no less, above the least that there is and up to the greatest.
    Score(f64),
    /// The target is out of its reach.
    TooMuch,
}

impl Needed {
    fn of(score: f64, range: Range) -> Self {
        if !at_most(score, range.greatest) {
            Self::TooMuch
        } else if !at_most(score, range.least) {
            Self::Score(score.min(range.greatest))
        } else {
            Self::Nothing
        }
    }
}

/// What a node is to reach by one of its children.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    /// The score that the node is to reach.
    pub target: f64,
    /// The smallest score that its mean reads.
    pub floor: f64,
    /// The weight of the child.
    pub weight: f64,
    /// The scores that the child may have.
    pub range: Range,
}

impl Aggregate {
    /// The least score of one child for which it and its siblings (score, weight) reach the target.
    pub(crate) fn needed(self, siblings: &[(f64, f64)], goal: Goal) -> Needed {
        let Goal { target, floor, weight, range } = goal;
        if weight <= 0.0 {
            let reached = self.of(siblings, floor).is_some_and(|score| at_least(score, target));
            return if reached { Needed::Nothing } else { Needed::TooMuch };
        }
        let total: f64 = siblings.iter().map(|(_, weight)| weight).sum::<f64>() + weight;
        // What the child must bring to a mean of transformed scores.
        let rest = |of: &dyn Fn(f64) -> f64| {
            (of(target) * total - siblings.iter().map(|(score, weight)| weight * of(*score)).sum::<f64>()) / weight
        };
        let above_floor = |score: f64| if at_most(score, floor) { Needed::Nothing } else { Needed::of(score, range) };
        match self {
            Self::Arithmetic => Needed::of(rest(&|score| score), range),
            Self::Minimum => {
                let reached = siblings.iter().all(|(score, weight)| *weight <= 0.0 || at_least(*score, target));
                if reached { Needed::of(target, range) } else { Needed::TooMuch }
            }
            Self::Geometric | Self::Power(0.0) if target <= floor => Needed::Nothing,
            Self::Geometric | Self::Power(0.0) => above_floor(rest(&|score| score.max(floor).ln()).exp()),
            Self::Harmonic => Self::Power(-1.0).needed(siblings, goal),
            Self::Power(power) if power < 0.0 => {
                if target <= floor {
                    return Needed::Nothing;
                }
                let rest = rest(&|score| score.max(floor).powf(power));
                if rest <= 0.0 { Needed::TooMuch } else { above_floor(rest.powf(1.0 / power)) }
            }
            Self::Power(power) => {
                let rest = rest(&|score| score.powf(power));
                if rest <= 0.0 { Needed::Nothing } else { Needed::of(rest.powf(1.0 / power), range) }
            }
            // What all units have says what it scores.
            Self::Copeland => Needed::TooMuch,
            // A median is one of the scores, or the middle of two: there is little to round.
            Self::Median => by_bisection(range, |score| {
                let all: Vec<(f64, f64)> = siblings.iter().copied().chain([(score, weight)]).collect();
                self.of(&all, floor).is_some_and(|score| score >= target)
            }),
        }
    }
}

/// A score of a scale without ends that is beyond all others.
const FAR: f64 = 1e12;

fn by_bisection(range: Range, reaches: impl Fn(f64) -> bool) -> Needed {
    if reaches(range.least) {
        return Needed::Nothing;
    }
    if !reaches(range.greatest) {
        return Needed::TooMuch;
    }
    // Of a scale without ends far enough: no score lies farther out.
    let (mut below, mut at) = (range.least.max(-FAR), range.greatest.min(FAR));
    for _ in 0..80 {
        let middle = f64::midpoint(below, at);
        *(if reaches(middle) { &mut at } else { &mut below }) = middle;
    }
    Needed::Score(at)
}

impl Scorer<'_> {
    /// Per indicator the score at which it alone puts its dimension on `target`, all others as they are; `None` where it
    /// has no score, or where neither the least score nor the greatest makes a difference.
    pub fn flip_scores(&self, scores: &Scores, dimension: usize, target: f64) -> Vec<Option<f64>> {
        let mut flips = vec![None; self.fitted.len()];
        self.pass_down(scores, dimension, target, &mut |indicator, score| flips[indicator] = Some(score));
        flips
    }

    /// Tells of every indicator under a node what it needs so that the node reaches `target`.
    fn pass_down(&self, scores: &Scores, node: usize, target: f64, tell: &mut dyn FnMut(usize, f64)) {
        if self.outrankings[node].is_some() {
            return;
        }
        for (position, child) in self.shape.nodes()[node].children.iter().enumerate() {
            if scores.of(*child).is_none() {
                continue;
            }
            if let Needed::Score(score) = self.child_needs(scores, node, position, target) {
                match child {
                    Child::Indicator(indicator) => tell(*indicator, score),
                    Child::Node(below) => self.pass_down(scores, *below, score, tell),
                }
            }
        }
    }

    /// What the child at `position` needs so that its node reaches `target`, its siblings as they are.
    pub(super) fn child_needs(&self, scores: &Scores, node: usize, position: usize, target: f64) -> Needed {
        let siblings = self.known_children(scores, node, position);
        self.needed(node, &siblings, self.shape.nodes()[node].children[position], target)
    }

    /// What a child needs so that its node reaches `target` beside siblings of some score and weight.
    pub(super) fn needed(&self, node: usize, siblings: &[(f64, f64)], child: Child, target: f64) -> Needed {
        let (weight, floor) = (self.parameters.weight(child), self.parameters.floors[node]);
        let range = match child {
            Child::Indicator(indicator) => self.fitted[indicator].range(),
            Child::Node(node) => self.ranges[node],
        };
        self.parameters.aggregates[node].needed(siblings, Goal { target, floor, weight, range })
    }

    /// Score and weight of the children of a node that have a score, without the one at `position`.
    fn known_children(&self, scores: &Scores, node: usize, position: usize) -> Vec<(f64, f64)> {
        let children = self.shape.nodes()[node].children.iter().enumerate().filter(|(other, _)| *other != position);
        children.filter_map(|(_, child)| Some((scores.of(*child)?, self.parameters.weight(*child)))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against bisection, which knows no formula.
    #[test]
    fn closed_forms_are_the_way_back() {
        let siblings = [(20.0, 1.0), (0.3, 0.5), (90.0, 2.0)];
        let all = [
            Aggregate::Arithmetic,
            Aggregate::Geometric,
            Aggregate::Harmonic,
            Aggregate::Power(2.0),
            Aggregate::Power(0.0),
            Aggregate::Power(-2.0),
            Aggregate::Minimum,
            Aggregate::Median,
        ];
        let mut met = [0; 3];
        for aggregate in all {
            for target in [0.5, 1.0, 5.0, 20.0, 42.0, 60.0, 85.0] {
                for weight in [0.0, 0.5, 3.0] {
                    let reaches = |score: f64| {
                        let all: Vec<(f64, f64)> = siblings.iter().copied().chain([(score, weight)]).collect();
                        aggregate.of(&all, 1.0).is_some_and(|score| score >= target)
                    };
                    let goal = Goal { target, floor: 1.0, weight, range: Range::POINTS };
                    let (found, wanted) = (aggregate.needed(&siblings, goal), by_bisection(Range::POINTS, reaches));
                    match (found, wanted) {
                        (Needed::Score(found), Needed::Score(wanted)) => {
                            assert!(
                                (found - wanted).abs() < 1e-9,
                                "{aggregate:?} {target} {weight}: {found}, {wanted}"
                            );
                        }
                        _ => assert_eq!(found, wanted, "{aggregate:?} {target} {weight}"),
                    }
                    met[match found {
                        Needed::Nothing => 0,
                        Needed::Score(_) => 1,
                        Needed::TooMuch => 2,
                    }] += 1;
                }
            }
        }
        assert!(met.iter().all(|count| *count > 10), "{met:?}");
    }
}
