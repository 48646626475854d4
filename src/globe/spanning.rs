//! Minimum spanning trees of points in space, by straight distance or by mutual reachability.

use std::sync::atomic::{AtomicU64, Ordering};

use petgraph::unionfind::UnionFind;
use rayon::prelude::*;

use super::squared;
use super::tree::Tree;

/// One edge of a spanning tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// The square of its length.
    pub squared: f64,
    /// One end, by number.
    pub a: u32,
    /// The other.
    pub b: u32,
}

/// A minimum spanning tree, in no particular order.
///
/// The length of an edge is the greatest of the distance of its ends and of their floors. `floors` are squared, one a
/// point, by number: all 0 for the Euclidean tree, core distances for that of mutual reachability (Campello, Moulavi &
/// Sander 2013). Of edges equally long either may be taken, at any thread count the same.
///
/// # Source
///
/// Borůvka (1926), with a k-d tree for the nearest point of another component (March, Ram & Gray 2010).
pub fn spanning_tree(tree: &Tree, floors: &[f64]) -> Vec<Edge> {
    let mut sets = UnionFind::<u32>::new(tree.len());
    let mut forest = Forest::new(tree, floors, (0..tree.len() as u32).collect(), tree.len());
    let mut edges = Vec::with_capacity(tree.len().saturating_sub(1));
    while edges.len() + 1 < tree.len() {
        for (a, b, squared) in forest.shortest().into_iter().flatten() {
            if sets.union(a, b) {
                edges.push(numbered(tree, a, b, squared));
            }
        }
        forest.of_place = sets.clone().into_labeling();
    }
    edges
}

/// The shortest edge from each group of points to another group; `None` where there is no other.
///
/// `group` has one number a point, each below `groups`; a tie goes to the first in the tree's order.
pub fn shortest_links(tree: &Tree, group: &[u32], groups: usize) -> Vec<Option<Edge>> {
    let of_place = tree.numbers().iter().map(|&number| group[number as usize]).collect();
    let mut forest = Forest::new(tree, &vec![0.0; tree.len()], of_place, groups);
    forest.shortest().into_iter().map(|link| link.map(|(a, b, squared)| numbered(tree, a, b, squared))).collect()
}

/// The edge between two places of a tree.
fn numbered(tree: &Tree, a: u32, b: u32, squared: f64) -> Edge {
    Edge { squared, a: tree.numbers()[a as usize], b: tree.numbers()[b as usize] }
}

/// No single component.
const MIXED: u32 = u32::MAX;

struct Forest<'a> {
    tree: &'a Tree,
    /// Floor a place.
    floors: Vec<f64>,
    /// Smallest floor of a node's points.
    least_floor: Vec<f64>,
    /// Component a place.
    of_place: Vec<u32>,
    /// Labels of components are below this.
    labels: usize,
    /// Component a node, where its points have but one.
    of_node: Vec<u32>,
    known: Vec<Known>,
}

/// What is known of a place's nearest point in another component: where it is, or else how far at least.
#[derive(Debug, Clone, Copy)]
struct Known {
    squared: f64,
    place: Option<u32>,
}

impl<'a> Forest<'a> {
    fn new(tree: &'a Tree, floors: &[f64], of_place: Vec<u32>, labels: usize) -> Self {
        let floors: Vec<f64> = tree.numbers().iter().map(|&number| floors[number as usize]).collect();
        let mut least_floor = vec![f64::INFINITY; tree.nodes().len()];
        for node in (0..tree.nodes().len()).rev() {
            least_floor[node] = match tree.children(node) {
                Some([a, b]) => least_floor[a].min(least_floor[b]),
                None => floors[tree.nodes()[node].range()].iter().copied().fold(f64::INFINITY, f64::min),
            };
        }
        let known = vec![Known { squared: 0.0, place: None }; tree.len()];
        Self { tree, floors, least_floor, of_place, labels, of_node: Vec::new(), known }
    }

    fn label_nodes(&mut self) {
        self.of_node = vec![MIXED; self.tree.nodes().len()];
        for node in (0..self.of_node.len()).rev() {
            let labels = match self.tree.children(node) {
                Some(halves) => &halves.map(|half| self.of_node[half])[..],
                None => &self.of_place[self.tree.nodes()[node].range()],
            };
            self.of_node[node] = if labels.iter().all(|label| *label == labels[0]) { labels[0] } else { MIXED };
        }
    }

    /// Finds the nearest foreign point of every place that may give its component its shortest edge.
    fn search(&mut self) {
        let bounds: Vec<AtomicU64> = (0..self.labels).map(|_| AtomicU64::new(f64::INFINITY.to_bits())).collect();
        // Lengths are not negative, so their bits order as they do.
        let bound = |place: usize| &bounds[self.of_place[place] as usize];
        let is_foreign = |place: usize, other: u32| self.of_place[place] != self.of_place[other as usize];
        for (place, known) in self.known.iter_mut().enumerate() {
            known.place = known.place.filter(|&other| is_foreign(place, other));
            if known.place.is_some() {
                bound(place).fetch_min(known.squared.to_bits(), Ordering::Relaxed);
            }
        }
        let renewed = |(place, known): (usize, &Known)| {
            let limit = || f64::from_bits(bound(place).load(Ordering::Relaxed));
            if known.place.is_some() || known.squared > limit() {
                return *known;
            }
            let mut best = Known { squared: f64::INFINITY, place: None };
            self.foreign(0, place, &limit, &mut best);
            bound(place).fetch_min(best.squared.to_bits(), Ordering::Relaxed);
            // Where the limit has sunk below what was found, something nearer may have been passed over meanwhile: all
            // that is known is that it lies beyond the limit.
            let limit = limit();
            if best.squared > limit { Known { squared: limit, place: None } } else { best }
        };
        self.known = self.known.par_iter().enumerate().map(renewed).collect();
    }

    /// The nearest foreign point below a node, the first of several; none that is farther than the limit.
    fn foreign(&self, node: usize, place: usize, limit: &impl Fn() -> f64, best: &mut Known) {
        if self.of_node[node] == self.of_place[place] {
            return;
        }
        let point = &self.tree.points()[place];
        let Some(halves) = self.tree.children(node) else {
            for other in self.tree.nodes()[node].range() {
                if self.of_place[other] != self.of_place[place] {
                    let distance = squared(point, &self.tree.points()[other]);
                    let squared = distance.max(self.floors[place]).max(self.floors[other]);
                    if squared < best.squared {
                        *best = Known { squared, place: Some(other as u32) };
                    }
                }
            }
            return;
        };
        let mut near = halves.map(|half| (self.tree.nodes()[half].gap(point), half));
        if near[1].0 < near[0].0 {
            near.swap(0, 1);
        }
        for (gap, half) in near {
            let least = gap.max(self.floors[place]).max(self.least_floor[half]);
            if least < best.squared && least <= limit() {
                self.foreign(half, place, limit, best);
            }
        }
    }

    /// The shortest edge out of every component, by its label: two places and the square of the length.
    fn shortest(&mut self) -> Vec<Option<(u32, u32, f64)>> {
        self.label_nodes();
        self.search();
        let mut best: Vec<Option<(f64, u32, u32)>> = vec![None; self.labels];
        for (place, known) in self.known.iter().enumerate() {
            let Some(other) = known.place else { continue };
            let slot = &mut best[self.of_place[place] as usize];
            let edge = (known.squared, (place as u32).min(other), (place as u32).max(other));
            if slot.is_none_or(|best| edge < best) {
                *slot = Some(edge);
            }
        }
        best.into_iter().map(|edge| edge.map(|(squared, a, b)| (a, b, squared))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::globe::Vector;

    /// Prim's algorithm over all pairs.
    fn all_pairs(points: &[Vector], floors: &[f64]) -> f64 {
        let mut nearest = vec![f64::INFINITY; points.len()];
        let mut inside = vec![false; points.len()];
        let (mut at, mut sum) = (0, 0.0);
        for _ in 1..points.len() {
            inside[at] = true;
            for other in 0..points.len() {
                nearest[other] =
                    nearest[other].min(squared(&points[at], &points[other]).max(floors[at]).max(floors[other]));
            }
            let outside = (0..points.len()).filter(|&other| !inside[other]);
            at = outside.min_by(|&a, &b| nearest[a].total_cmp(&nearest[b])).unwrap();
            sum += nearest[at].sqrt();
        }
        sum
    }

    #[test]
    fn as_long_as_the_tree_over_all_pairs() {
        let mut state = 1u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 40) as f64 / 16_777_216.0
        };
        for count in [1, 2, 13, 400, 3000] {
            // Some points coincide: coordinates on a coarse grid.
            let points: Vec<Vector> = (0..count).map(|_| [(random() * 9.0).round(), random(), random()]).collect();
            let points: Vec<Vector> = points.iter().chain(&points[..count / 3]).copied().collect();
            for floors in [vec![0.0; points.len()], points.iter().map(|point| point[1]).collect()] {
                let edges = spanning_tree(&Tree::new(&points), &floors);
                assert_eq!(edges.len(), points.len() - 1);
                let sum: f64 = edges.iter().map(|edge| edge.squared.sqrt()).sum();
                let wanted = all_pairs(&points, &floors);
                assert!((sum - wanted).abs() < 1e-9 * (1.0 + sum), "{count}: {sum} instead of {wanted}");
            }
        }
    }
}
