//! The cheapest two indicators that together put a dimension on a target.

use super::needed::Needed;
use super::shape::Child;
use super::{Aggregate, Scorer, Scores};
use crate::declared::{SLACK, at_least};

/// Changes smaller than this are none, and costs closer than this are equal, score points.
const SLIGHT: f64 = SLACK;
/// Steps of the golden section: 100 points down to less than 1e-6.
const STEPS: usize = 40;

/// What two indicators, or one alone, must score.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// An indicator and its score.
    pub first: (usize, f64),
    /// The other; `None` where one alone is as cheap as any two.
    pub second: Option<(usize, f64)>,
    /// Score points that both change by.
    pub points: f64,
}

/// One of two indicators, seen from the lowest node above both.
struct End {
    indicator: usize,
    score: f64,
    /// Position among the children of that node.
    position: usize,
    child: Child,
    /// The nodes from there down to the indicator, each with the position of the child that leads on.
    path: Vec<(usize, usize)>,
}

struct Search<'a> {
    scorer: &'a Scorer<'a>,
    scores: &'a Scores,
    node: usize,
    target: f64,
    /// Whether scores must rise.
    up: bool,
    may_move: &'a dyn Fn(usize) -> bool,
}

impl Scorer<'_> {
    /// The two indicators of those that `may_move` that together put a dimension on `target` with the least change in
    /// score points; `None` where no two can, or where the dimension has no score.
    ///
    /// Of two that move one way the least sum stands where one of them is at its limit or alone, or, where the means
    /// between are not arithmetic, in between: found by golden section. That is exact for all means and the minimum; with
    /// a median in the tree it is the best found.
    pub fn cheapest_pair(
        &self,
        scores: &Scores,
        dimension: usize,
        target: f64,
        may_move: &dyn Fn(usize) -> bool,
    ) -> Option<Pair> {
        let up = !at_least(scores.nodes[dimension].score?, target);
        if self.is_outranked(dimension) {
            return None;
        }
        let mut best = None;
        Search { scorer: self, scores, node: dimension, target, up, may_move }.below(&mut best);
        best
    }

    /// The score of a child if one indicator under it scored otherwise.
    fn child_with(&self, scores: &Scores, child: Child, changed: (usize, f64)) -> Option<f64> {
        match child {
            Child::Indicator(_) => Some(changed.1),
            Child::Node(node) => self.score_with(scores, node, &[changed]),
        }
    }
}

impl Search<'_> {
    /// Tries the pairs of which the node is the lowest above both, then those within each child.
    fn below(&self, best: &mut Option<Pair>) {
        let node = &self.scorer.shape.nodes()[self.node];
        let mut ends: Vec<End> = Vec::new();
        for (position, child) in node.children.iter().enumerate() {
            let before = ends.len();
            self.gather(position, *child, *child, &mut Vec::new(), &mut ends);
            let (others, own) = ends.split_at(before);
            for (a, b) in others.iter().flat_map(|a| own.iter().map(move |b| (a, b))) {
                self.try_pair(a, b, best);
            }
        }
        for (position, child) in node.children.iter().enumerate() {
            let Child::Node(below) = child else { continue };
            if self.scores.of(*child).is_none() {
                continue;
            }
            if let Needed::Score(target) = self.scorer.child_needs(self.scores, self.node, position, self.target) {
                Search { node: *below, target, ..*self }.below(best);
            }
        }
    }

    /// The indicators under a child that have a score and may move.
    fn gather(&self, position: usize, top: Child, child: Child, path: &mut Vec<(usize, usize)>, ends: &mut Vec<End>) {
        match child {
            Child::Indicator(indicator) => {
                if let Some(score) = self.scores.of(child).filter(|_| (self.may_move)(indicator)) {
                    ends.push(End { indicator, score, position, child: top, path: path.clone() });
                }
            }
            Child::Node(node) => {
                for (next, child) in self.scorer.shape.nodes()[node].children.iter().enumerate() {
                    path.push((node, next));
                    self.gather(position, top, *child, path, ends);
                    path.pop();
                }
            }
        }
    }

    fn try_pair(&self, a: &End, b: &End, best: &mut Option<Pair>) {
        let Some(least) = self.needs(a, b, self.limit(b), self.target) else { return };
        // From `least` on the other at its limit is enough, whatever rounding says.
        let nearly = if self.up { self.target - SLIGHT } else { self.target + SLIGHT };
        let other = |score: f64| {
            let needed = self.needs(b, a, score, self.target).or_else(|| self.needs(b, a, score, nearly));
            needed.unwrap_or(self.limit(b))
        };
        let points = |score: f64, other: f64| (score - a.score).abs() + (other - b.score).abs();
        let with = |score: f64, other: f64| (points(score, other), score, other);
        let alone = self.needs(a, b, b.score, self.target);
        let most = alone.unwrap_or(self.limit(a));
        let mut found = with(least, other(least));
        let corner = with(most, alone.map_or_else(|| other(most), |_| b.score));
        if corner.0 < found.0 - SLIGHT {
            found = corner;
        }
        if self.is_curved(a, b) {
            let (_, score) = golden(least.min(most), least.max(most), |score| points(score, other(score)));
            let between = with(score, other(score));
            if between.0 < found.0 - SLIGHT {
                found = between;
            }
        }
        let (points, score, other) = found;
        if best.as_ref().is_none_or(|best| points < best.points - SLIGHT) {
            *best = Some(pair((a, score), (b, other), points));
        }
    }

    /// How far a score may go: up to the greatest, down to the least or to where some mean above reads its floor.
    fn limit(&self, of: &End) -> f64 {
        let range = self.scorer.rule(of.indicator).range();
        if self.up {
            return range.greatest;
        }
        let floor = |node: usize| {
            let parameters = self.scorer.parameters;
            let has_floor = parameters.aggregates[node].has_floor();
            if has_floor { Needed::Score(parameters.floors[node]) } else { Needed::Nothing }
        };
        let mut least = floor(self.node);
        for (node, position) in &of.path {
            if let Needed::Score(target) = least {
                least = self.scorer.child_needs(self.scores, *node, *position, target);
            }
            if least == Needed::Nothing {
                least = floor(*node);
            }
        }
        if let Needed::Score(least) = least { least.min(of.score) } else { range.least }
    }

    /// The score that one end needs for a target while the other has the given one: its own where that is enough, `None`
    /// where nothing is.
    fn needs(&self, of: &End, other: &End, score: f64, target: f64) -> Option<f64> {
        let changed = self.scorer.child_with(self.scores, other.child, (other.indicator, score));
        let node = &self.scorer.shape.nodes()[self.node];
        let siblings = node.children.iter().enumerate().filter(|(position, _)| *position != of.position);
        let known = siblings.filter_map(|(position, child)| {
            let score = if position == other.position { changed } else { self.scores.of(*child) };
            Some((score?, self.scorer.parameters.weight(*child)))
        });
        let known: Vec<(f64, f64)> = known.collect();
        let mut needed = self.scorer.needed(self.node, &known, of.child, target);
        for (node, position) in &of.path {
            let Needed::Score(target) = needed else { break };
            needed = self.scorer.child_needs(self.scores, *node, *position, target);
        }
        match (needed, self.up) {
            (Needed::Score(score), true) => Some(score.max(of.score)),
            (Needed::Score(score), false) => Some(score.min(of.score)),
            (Needed::Nothing, true) | (Needed::TooMuch, false) => Some(of.score),
            (Needed::TooMuch, true) | (Needed::Nothing, false) => None,
        }
    }

    fn is_curved(&self, a: &End, b: &End) -> bool {
        let below = a.path.iter().chain(&b.path).map(|(node, _)| *node);
        below.chain([self.node]).any(|node| self.scorer.parameters.aggregates[node] != Aggregate::Arithmetic)
    }
}

/// Lists what really changes.
fn pair(a: (&End, f64), b: (&End, f64), points: f64) -> Pair {
    let moves = |end: &(&End, f64)| (end.1 - end.0.score).abs() > SLIGHT;
    let named = |end: (&End, f64)| (end.0.indicator, end.1);
    match (moves(&a), moves(&b)) {
        (true, true) => Pair { first: named(a), second: Some(named(b)), points },
        (false, true) => Pair { first: named(b), second: None, points },
        _ => Pair { first: named(a), second: None, points },
    }
}

/// The least of a function that falls and then rises, with where it is.
fn golden(mut low: f64, mut high: f64, cost: impl Fn(f64) -> f64) -> (f64, f64) {
    const RATIO: f64 = 0.618_033_988_749_894_9;
    let (mut a, mut b) = (high - RATIO * (high - low), low + RATIO * (high - low));
    let (mut at_a, mut at_b) = (cost(a), cost(b));
    for _ in 0..STEPS {
        if at_a <= at_b {
            (high, b, at_b) = (b, a, at_a);
            a = high - RATIO * (high - low);
            at_a = cost(a);
        } else {
            (low, a, at_a) = (a, b, at_b);
            b = low + RATIO * (high - low);
            at_b = cost(b);
        }
    }
    if at_a <= at_b { (at_a, a) } else { (at_b, b) }
}
