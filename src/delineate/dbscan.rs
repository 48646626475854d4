//! DBSCAN on the globe, exact, without neighbour lists.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::globe::geodesy::{Degrees, by_lon_lat};
use crate::globe::tree::Tree;
use crate::globe::{Vector, reach_of, squared, unit_vector};

/// Points below a node from which its halves are joined side by side.
const SIDE_BY_SIDE: usize = 20_000;

/// Labels each point with its cluster, or `None` for noise.
///
/// - `points`: longitude and latitude, degrees.
/// - `radius_km`: great-circle distance on a sphere of [`crate::globe::EARTH_RADIUS_KM`], inclusive.
/// - `min_points`: points in a core point's neighbourhood, itself included.
///
/// A border point joins the cluster of its nearest core point (ties: the one of smaller longitude, then latitude), so
/// neither names nor the order of rows matter. Clusters are numbered by their first core point.
///
/// Memory is linear in the number of points, and time nearly so, however many neighbours a point has: boxes of a k-d
/// tree that lie wholly within reach are counted and joined as one.
///
/// # Source
///
/// Ester, Kriegel, Sander & Xu (1996), "A density-based algorithm for discovering clusters". Distances are chords of
/// the unit sphere, which order as great circles do.
pub fn dbscan(points: &[Degrees], radius_km: f64, min_points: usize) -> Vec<Option<usize>> {
    let sorted = Sorted::new(points);
    let found = join(&sorted.vectors, reach_of(radius_km), min_points);
    sorted.labels(&found)
}

/// Core points, in the order of the points; of each core point one that stands for all that it is joined to; of each other
/// point the nearest core point within reach.
pub(super) struct Joined {
    pub root: Vec<Option<u32>>,
    pub border: Vec<Option<u32>>,
}

/// Points by longitude, then latitude: an order that names and rows have no part in.
pub(super) struct Sorted {
    /// The position of each.
    order: Vec<usize>,
    pub vectors: Vec<Vector>,
}

impl Sorted {
    pub fn new(points: &[Degrees]) -> Self {
        let mut order: Vec<usize> = (0..points.len()).collect();
        order.par_sort_by(|&a, &b| by_lon_lat(points[a], points[b]));
        let vectors = order.par_iter().map(|&at| unit_vector(points[at])).collect();
        Self { order, vectors }
    }

    /// Numbers of clusters, in the order in which the points came.
    pub fn labels(&self, Joined { root, border }: &Joined) -> Vec<Option<usize>> {
        let mut rank = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(at, &point)| rank[point] = at);
        let mut numbers: HashMap<u32, usize> = HashMap::new();
        for root in rank.iter().filter_map(|&at| root[at]) {
            let next = numbers.len();
            numbers.entry(root).or_insert(next);
        }
        let of = |at: usize| root[at].or_else(|| root[border[at]? as usize]);
        rank.iter().map(|&at| of(at).map(|root| numbers[&root])).collect()
    }
}

/// Joins points side by side; `reach` is the square of the radius, as a chord of the unit sphere.
fn join(vectors: &[Vector], reach: f64, min_points: usize) -> Joined {
    let core = core_points(vectors, reach, min_points);
    let cores = Tree::of(
        (0..vectors.len() as u32).filter(|&at| core[at as usize]).map(|at| (vectors[at as usize], at)).collect(),
    );
    let mut root: Vec<Option<u32>> = vec![None; vectors.len()];
    for (&point, of) in cores.numbers().iter().zip(joined(&cores, reach)) {
        root[point as usize] = Some(of);
    }
    let border = |at: usize| (!core[at]).then(|| cores.nearest(&vectors[at], reach)).flatten();
    let border = (0..vectors.len()).into_par_iter().map(|at| border(at).map(|(_, core)| core)).collect();
    Joined { root, border }
}

pub(super) fn core_points(vectors: &[Vector], reach: f64, min_points: usize) -> Vec<bool> {
    let tree = Tree::new(vectors);
    let found: Vec<bool> = tree.points().par_iter().map(|point| tree.has_within(point, reach, min_points)).collect();
    let mut core = vec![false; vectors.len()];
    tree.numbers().iter().zip(found).for_each(|(&point, found)| core[point as usize] = found);
    core
}

/// For each point, in the tree's order, the representative of all that a chain of steps within reach leads to.
pub(super) fn joined(tree: &Tree, reach: f64) -> Vec<u32> {
    let mut sets: Vec<u32> = (0..tree.len() as u32).collect();
    let mut whole = vec![false; tree.nodes().len()];
    if !tree.is_empty() {
        Join { tree, reach, sets: &mut sets, first_place: 0, whole: &mut whole, first_node: 0 }.within(0);
    }
    // A root is the smallest place of its set, so it is settled before all that point to it.
    for place in 0..sets.len() {
        sets[place] = sets[sets[place] as usize];
    }
    sets
}

/// Joins the points of one node. It has that part of the sets and flags which belongs to the node's points and nodes,
/// so that two halves can be joined side by side.
struct Join<'a> {
    tree: &'a Tree,
    reach: f64,
    /// Parents of a forest, by place in the tree; a root is the smallest place of its set.
    sets: &'a mut [u32],
    first_place: usize,
    /// Nodes whose points are one set.
    whole: &'a mut [bool],
    first_node: usize,
}

impl Join<'_> {
    fn find(&mut self, place: usize) -> usize {
        let mut at = place - self.first_place;
        loop {
            let parent = self.sets[at] as usize - self.first_place;
            if parent == at {
                return at + self.first_place;
            }
            self.sets[at] = self.sets[parent];
            at = self.sets[at] as usize - self.first_place;
        }
    }

    fn union(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.sets[a.max(b) - self.first_place] = a.min(b) as u32;
    }

    fn is_whole(&self, node: usize) -> bool {
        self.whole[node - self.first_node]
    }

    fn same(&mut self, a: usize, b: usize) -> bool {
        let nodes = self.tree.nodes();
        self.find(nodes[a].range().start) == self.find(nodes[b].range().start)
    }

    /// Joins the points of one node.
    fn within(&mut self, node: usize) {
        let here = &self.tree.nodes()[node];
        let range = here.range();
        if here.span_between(here) <= self.reach {
            range.clone().for_each(|place| self.sets[place - self.first_place] = range.start as u32);
            self.mark(node);
            return;
        }
        let Some([first, second]) = self.tree.children(node) else {
            for a in range.clone() {
                (a + 1..range.end).for_each(|b| self.join_points(a, b));
            }
            let start = range.start;
            self.whole[node - self.first_node] = range.into_iter().all(|place| self.find(place) == start);
            return;
        };
        self.halves(node, second);
        self.between(first, second);
        self.whole[node - self.first_node] = self.is_whole(first) && self.is_whole(second) && self.same(first, second);
    }

    /// All nodes below a node, and itself, hold one set.
    fn mark(&mut self, node: usize) {
        self.whole[node - self.first_node] = true;
        for child in self.tree.children(node).into_iter().flatten() {
            self.mark(child);
        }
    }

    fn halves(&mut self, node: usize, second: usize) {
        let (tree, reach) = (self.tree, self.reach);
        let middle = tree.nodes()[second].range().start;
        let points = tree.nodes()[node].range().len();
        let (low_sets, high_sets) = self.sets.split_at_mut(middle - self.first_place);
        let (low_whole, high_whole) = self.whole.split_at_mut(second - self.first_node);
        let (first_place, first_node) = (self.first_place, self.first_node);
        let mut low = Join { tree, reach, sets: low_sets, first_place, whole: low_whole, first_node };
        let mut high =
            Join { tree, reach, sets: high_sets, first_place: middle, whole: high_whole, first_node: second };
        if points > SIDE_BY_SIDE {
            rayon::join(|| low.within(node + 1), || high.within(second));
        } else {
            low.within(node + 1);
            high.within(second);
        }
    }

    fn join_points(&mut self, a: usize, b: usize) {
        let points = self.tree.points();
        if squared(&points[a], &points[b]) <= self.reach {
            self.union(a, b);
        }
    }

    /// Joins points of one node with points of another.
    fn between(&mut self, a: usize, b: usize) {
        let nodes = self.tree.nodes();
        if nodes[a].gap_between(&nodes[b]) > self.reach {
            return;
        }
        let (whole_a, whole_b) = (self.is_whole(a), self.is_whole(b));
        if whole_a && whole_b {
            if !self.same(a, b) && self.touch(a, b) {
                self.union(nodes[a].range().start, nodes[b].range().start);
            }
            return;
        }
        let (children_a, children_b) = (self.tree.children(a), self.tree.children(b));
        let split_a = !whole_a && (whole_b || nodes[a].range().len() >= nodes[b].range().len());
        match (children_a, children_b) {
            (Some(halves), _) if split_a || children_b.is_none() => {
                halves.into_iter().for_each(|half| self.between(half, b))
            }
            (_, Some(halves)) => halves.into_iter().for_each(|half| self.between(a, half)),
            _ => {
                for place in nodes[a].range() {
                    nodes[b].range().for_each(|other| self.join_points(place, other));
                }
            }
        }
    }

    /// Whether a point of one node is within reach of a point of the other.
    fn touch(&self, a: usize, b: usize) -> bool {
        let (nodes, points) = (self.tree.nodes(), self.tree.points());
        if nodes[a].gap_between(&nodes[b]) > self.reach {
            return false;
        }
        if nodes[a].span_between(&nodes[b]) <= self.reach {
            return true;
        }
        let (children_a, children_b) = (self.tree.children(a), self.tree.children(b));
        match (children_a, children_b) {
            (Some(halves), _) if children_b.is_none() || nodes[a].range().len() >= nodes[b].range().len() => {
                halves.into_iter().any(|half| self.touch(half, b))
            }
            (_, Some(halves)) => halves.into_iter().any(|half| self.touch(a, half)),
            _ => nodes[a]
                .range()
                .any(|place| nodes[b].range().any(|other| squared(&points[place], &points[other]) <= self.reach)),
        }
    }
}
