//! The change of a score between two states, split over its indicators so that the parts add up.

use super::shape::Child;
use super::{Scorer, Scores};
use crate::error::{Error, Result};

/// Children that change at once past which not every order is tried, but the given one and its reverse.
const EVERY_ORDER: usize = 12;
/// A change of a node below this is split by its slope: there is nothing to share out.
const SLIGHT: f64 = 1e-6;
/// What rounding may leave over of a change, points.
const ROUNDING: f64 = 1e-9;

impl Scorer<'_> {
    /// Per indicator of a dimension its part of the dimension's change; `None` without a score in both states, and for
    /// indicators of other dimensions or without a score in either. The parts add up to the change.
    ///
    /// At every node each child's part is its Shapley value between the two states: the mean, over all orders in which
    /// the children may change one after the other, of what its own step brings; of two children the midpoint. A
    /// component hands its part down in proportion to its own split.
    ///
    /// # Errors
    ///
    /// [`Error::Defect`] if the parts do not add up by more than rounding.
    ///
    /// # Source
    ///
    /// Shapley (1953); nested as in Owen (1977).
    pub fn split_change(&self, dimension: usize, before: &Scores, after: &Scores) -> Result<Vec<Option<f64>>> {
        let mut parts = vec![None; self.fitted.len()];
        if let (Some(a), Some(b)) = (before.nodes[dimension].score, after.nodes[dimension].score) {
            self.split(dimension, before, after, &mut parts);
            let rest = b - a - parts.iter().flatten().sum::<f64>();
            if rest.abs() > ROUNDING {
                let id = &self.shape.nodes()[dimension].id;
                return Err(Error::Defect {
                    message: format!("the parts of a change of `{id}` leave {rest:e} points over"),
                });
            }
            settle(&mut parts, b - a);
        }
        Ok(parts)
    }

    /// Splits the change of a node over its indicators.
    fn split(&self, node: usize, before: &Scores, after: &Scores, parts: &mut [Option<f64>]) {
        let children = &self.shape.nodes()[node].children;
        let states: Vec<State> =
            children.iter().map(|&child| State { before: before.of(child), after: after.of(child) }).collect();
        let combine = |scores: &[Option<f64>]| self.combine(node, scores);
        let node = Mix { combine: &combine, states };
        for ((position, child), part) in children.iter().enumerate().zip(node.shapley()) {
            let state = &node.states[position];
            if state.before.is_none() && state.after.is_none() {
                continue;
            }
            match child {
                Child::Indicator(indicator) => parts[*indicator] = Some(part),
                Child::Node(below) => {
                    let mut own = vec![None; parts.len()];
                    self.split(*below, before, after, &mut own);
                    hand_down(&mut own, part, state, || node.slope(position));
                    parts.iter_mut().zip(own).for_each(|(part, own)| *part = part.or(own));
                }
            }
        }
    }
}

/// Scales a component's own split to its part of the change above it.
fn hand_down(own: &mut [Option<f64>], part: f64, state: &State, slope: impl Fn() -> f64) {
    let change = state.before.zip(state.after).map(|(before, after)| after - before);
    let count = own.iter().flatten().count() as f64;
    let is_slight = change.is_some_and(|change| change.abs() < SLIGHT);
    let slope = if is_slight { slope() } else { 0.0 };
    for own in own.iter_mut().flatten() {
        *own = match change {
            Some(_) if is_slight => *own * slope,
            Some(change) => *own * part / change,
            // A component that has a score in one state alone: nothing says which of its indicators made it.
            None => part / count,
        };
    }
    if is_slight {
        // Of so small a change a straight line may leave a little over.
        settle(own, part);
    }
}

/// Takes what is left over into the greatest part.
fn settle(parts: &mut [Option<f64>], change: f64) {
    let rest = change - parts.iter().flatten().sum::<f64>();
    let greatest = parts.iter_mut().flatten().max_by(|a, b| a.abs().total_cmp(&b.abs()));
    if let Some(greatest) = greatest {
        *greatest += rest;
    }
}

/// One child in two states.
struct State {
    before: Option<f64>,
    after: Option<f64>,
}

/// A node with its children in two states.
struct Mix<'a> {
    /// The node's score of its children's.
    combine: &'a dyn Fn(&[Option<f64>]) -> Option<f64>,
    states: Vec<State>,
}

impl Mix<'_> {
    /// The node's score with each child in the state that is picked for it.
    fn score(&self, pick: impl Fn(usize, &State) -> Option<f64>) -> Option<f64> {
        let picked: Vec<Option<f64>> = self.states.iter().enumerate().map(|(at, state)| pick(at, state)).collect();
        (self.combine)(&picked)
    }

    /// Each child's part of the change; 0 where it has not changed.
    fn shapley(&self) -> Vec<f64> {
        let changed: Vec<usize> =
            (0..self.states.len()).filter(|&at| self.states[at].before != self.states[at].after).collect();
        let mut parts = vec![0.0; self.states.len()];
        let (before, after) = (self.score(|_, state| state.before), self.score(|_, state| state.after));
        let (Some(before), Some(after)) = (before, after) else { return parts };
        if changed.len() > EVERY_ORDER {
            let there = self.in_order(changed.iter(), before);
            let back = self.in_order(changed.iter().rev(), before);
            parts.iter_mut().zip(there.iter().zip(back)).for_each(|(part, (a, b))| *part = f64::midpoint(*a, b));
            return parts;
        }
        // The score once a set of children has changed, by the bits of the set; without any score the middle.
        let full = (1usize << changed.len()) - 1;
        let value = |set: usize| match set {
            0 => before,
            set if set == full => after,
            _ => {
                let is_in =
                    |at: usize| changed.iter().position(|&other| other == at).is_some_and(|bit| set >> bit & 1 == 1);
                let score = self.score(|at, state| if is_in(at) { state.after } else { state.before });
                score.unwrap_or(f64::midpoint(before, after))
            }
        };
        let values: Vec<f64> = (0..=full).map(value).collect();
        let shares = shares(changed.len());
        for (bit, &at) in changed.iter().enumerate() {
            let without = (0..=full).filter(|set| set >> bit & 1 == 0);
            parts[at] =
                without.map(|set| shares[set.count_ones() as usize] * (values[set | 1 << bit] - values[set])).sum();
        }
        parts
    }

    /// What each child's step brings if they change in this order.
    fn in_order<'a>(&self, order: impl Iterator<Item = &'a usize>, start: f64) -> Vec<f64> {
        let mut changed = vec![false; self.states.len()];
        let mut parts = vec![0.0; self.states.len()];
        let mut last = start;
        for &at in order {
            changed[at] = true;
            let score = self.score(|at, state| if changed[at] { state.after } else { state.before });
            let score = score.unwrap_or(last);
            parts[at] = score - last;
            last = score;
        }
        parts
    }

    /// How fast the node's score follows one child, halfway between the states.
    fn slope(&self, of: usize) -> f64 {
        const STEP: f64 = 1e-3;
        let middle = |state: &State| match (state.before, state.after) {
            (Some(before), Some(after)) => Some(f64::midpoint(before, after)),
            (before, after) => before.or(after),
        };
        let at =
            |step: f64| self.score(|at, state| middle(state).map(|score| if at == of { score + step } else { score }));
        at(STEP).zip(at(-STEP)).map_or(0.0, |(more, less)| (more - less) / (2.0 * STEP))
    }
}

/// Shapley's weights of a coalition by its size, among `count` players.
fn shares(count: usize) -> Vec<f64> {
    let mut shares = vec![1.0 / count.max(1) as f64];
    for size in 1..count {
        shares.push(shares[size - 1] * size as f64 / (count - size) as f64);
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::indicator::Indicator;
    use crate::score::{Aggregate, Component, Dimension, Model, Observation, Scoring, Tree};

    fn model(dimensions: &[Dimension], components: &[Component], indicators: &[Indicator]) -> Model {
        Model::new(Tree { dimensions, components, indicators, scoring: &Scoring::default() }).unwrap()
    }

    fn shapley(aggregate: Aggregate, states: &[(Option<f64>, Option<f64>)]) -> Vec<f64> {
        let combine = |scores: &[Option<f64>]| {
            let known: Vec<(f64, f64)> = scores.iter().flatten().map(|score| (*score, 1.0)).collect();
            aggregate.of(&known, 1.0)
        };
        let states = states.iter().map(|&(before, after)| State { before, after }).collect();
        Mix { combine: &combine, states }.shapley()
    }

    /// Geometric mean of two: 16, 4 to 36, 9, so 8 to 18. The first alone brings 12 - 8, the second alone as much, each
    /// last 18 - 12: the midpoint of 4 and 6.
    #[test]
    fn two_children_meet_at_the_midpoint() {
        let parts = shapley(Aggregate::Geometric, &[(Some(16.0), Some(36.0)), (Some(4.0), Some(9.0))]);
        assert!(parts.iter().all(|part| (part - 5.0).abs() < 1e-12), "{parts:?}");
        assert!(shares(3).iter().zip([1.0 / 3.0, 1.0 / 6.0, 1.0 / 3.0]).all(|(a, b)| (a - b).abs() < 1e-15));
    }

    /// Arithmetic mean of 60 and nothing, then of 60 and 20: the newcomer brings all of the 20 points lost.
    #[test]
    fn a_newcomer_carries_what_it_changes() {
        let parts = shapley(Aggregate::Arithmetic, &[(Some(60.0), Some(60.0)), (None, Some(20.0))]);
        assert_eq!(parts, [0.0, -20.0]);
    }

    /// A node whose score is not that of its children: nothing takes the difference in silence.
    #[test]
    fn a_split_that_does_not_add_up_is_a_defect() {
        let dimension = toml::from_str("id = 'd'").unwrap();
        let indicator = toml::from_str("id = 'i'\nparent = 'd'\nexpr = 'x'\nworst = 0\nbest = 100").unwrap();
        let model = model(&[dimension], &[], &[indicator]);
        let tree = model.fit(&[Vec::new()]);
        let score = |value: f64| tree.score(&[Observation { value: Some(value), coverage: 1.0 }]);
        let (before, mut after) = (score(20.0), score(50.0));
        assert_eq!(tree.split_change(0, &before, &after).unwrap(), [Some(30.0)]);
        after.nodes[0].score = Some(50.0 + 1e-8);
        assert!(matches!(tree.split_change(0, &before, &after), Err(Error::Defect { .. })));
    }

    /// A component that hardly moves under a minimum, whose slope breaks just there.
    #[test]
    fn a_slight_change_at_a_kink_adds_up() {
        let dimension = toml::from_str("id = 'd'\naggregate = 'minimum'").unwrap();
        let component = |id: &str| toml::from_str(&format!("id = '{id}'\nparent = 'd'")).unwrap();
        let indicator = |id: &str, parent: &str| {
            toml::from_str(&format!("id = '{id}'\nparent = '{parent}'\nexpr = 'x'\nworst = 0\nbest = 100")).unwrap()
        };
        let indicators = [indicator("i", "c"), indicator("j", "c"), indicator("k", "e")];
        let model = model(&[dimension], &[component("c"), component("e")], &indicators);
        let tree = model.fit(&[Vec::new(), Vec::new(), Vec::new()]);
        let score =
            |values: [f64; 3]| tree.score(&values.map(|value| Observation { value: Some(value), coverage: 1.0 }));
        let (before, after) = (score([60.0, 40.0, 50.0]), score([70.0, 30.0 - 8e-7, 50.0]));
        let parts = tree.split_change(0, &before, &after).unwrap();
        let change = after.nodes[0].score.unwrap() - before.nodes[0].score.unwrap();
        assert!(change < -1e-7 && (parts.iter().flatten().sum::<f64>() - change).abs() < 1e-12, "{parts:?}");
    }

    #[test]
    fn many_children_add_up_as_well() {
        let states: Vec<_> = (0..20).map(|at| (Some(f64::from(at)), Some(f64::from(at * 7 % 20) * 5.0))).collect();
        let score = |scores: Vec<Option<f64>>| {
            let known: Vec<(f64, f64)> = scores.into_iter().flatten().map(|score| (score, 1.0)).collect();
            Aggregate::Geometric.of(&known, 1.0).unwrap()
        };
        let (before, after) = states.iter().copied().unzip();
        let change = score(after) - score(before);
        assert!((shapley(Aggregate::Geometric, &states).iter().sum::<f64>() - change).abs() < 1e-9);
    }
}
