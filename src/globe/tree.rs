//! A k-d tree of points (or of small boxes) in space: counts within a reach, nearest points. Every answer is independent
//! of threads and of the order in which points came, but for ties, which go to the smaller number.

use super::{Vector, squared};

/// Points that a leaf holds at most.
const LEAF: usize = 12;
/// Subtrees of more points are built side by side.
const SIDE_BY_SIDE: usize = 20_000;

/// Something that a box can hold.
pub trait Item: Copy + Send {
    /// The corner of least coordinates of the box around it.
    fn low(&self) -> Vector;
    /// The corner of greatest coordinates.
    fn high(&self) -> Vector;
}

impl Item for Vector {
    fn low(&self) -> Vector {
        *self
    }

    fn high(&self) -> Vector {
        *self
    }
}

/// Points in a box, halved again and again along its longest side.
pub struct Tree<T = Vector> {
    points: Vec<T>,
    numbers: Vec<u32>,
    nodes: Vec<Node>,
}

/// A box around consecutive points of the tree.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    low: Vector,
    high: Vector,
    start: u32,
    end: u32,
    /// How many nodes further the second child stands (the first is the next node); 0 for a leaf.
    second: u32,
}

/// A point found: the square of its distance, and its number.
pub type Found = (f64, u32);

impl<T: Item> Tree<T> {
    /// The same tree with its points elsewhere: boxes follow, who stands beside whom remains. As right as a new one, and
    /// nearly as quick to search while points move little.
    pub fn moved(&self, place: impl Fn(&T, u32) -> T) -> Self {
        let points: Vec<T> =
            self.points.iter().zip(&self.numbers).map(|(point, number)| place(point, *number)).collect();
        let mut nodes = self.nodes.clone();
        for at in (0..nodes.len()).rev() {
            let Node { start, end, second, .. } = nodes[at];
            // Without what `min` does for NaN, of which there is none.
            let less = |a: f64, b: f64| if a < b { a } else { b };
            let more = |a: f64, b: f64| if a > b { a } else { b };
            let least = |a: Vector, b: Vector| [less(a[0], b[0]), less(a[1], b[1]), less(a[2], b[2])];
            let greatest = |a: Vector, b: Vector| [more(a[0], b[0]), more(a[1], b[1]), more(a[2], b[2])];
            let (low, high) = if second == 0 {
                let own = &points[start as usize..end as usize];
                let low = own.iter().fold([f64::INFINITY; 3], |low, point| least(low, point.low()));
                (low, own.iter().fold([f64::NEG_INFINITY; 3], |high, point| greatest(high, point.high())))
            } else {
                let [a, b] = [&nodes[at + 1], &nodes[at + second as usize]];
                (least(a.low, b.low), greatest(a.high, b.high))
            };
            nodes[at] = Node { low, high, ..nodes[at] };
        }
        Self { points, numbers: self.numbers.clone(), nodes }
    }
}

impl Node {
    fn around<T: Item>(items: &[(T, u32)], start: usize) -> Self {
        let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
        for (item, _) in items {
            let (own_low, own_high) = (item.low(), item.high());
            (0..3).for_each(|axis| {
                low[axis] = low[axis].min(own_low[axis]);
                high[axis] = high[axis].max(own_high[axis]);
            });
        }
        Self { low, high, start: start as u32, end: (start + items.len()) as u32, second: 0 }
    }

    /// Where its points stand in the tree.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The square of the distance from a point to the box; 0 inside.
    pub fn gap(&self, from: &Vector) -> f64 {
        let side = |axis: usize| (self.low[axis] - from[axis]).max(from[axis] - self.high[axis]).max(0.0).powi(2);
        side(0) + side(1) + side(2)
    }

    /// The square of the distance from a point to the farthest corner.
    fn span(&self, from: &Vector) -> f64 {
        let side = |axis: usize| (self.high[axis] - from[axis]).max(from[axis] - self.low[axis]).powi(2);
        side(0) + side(1) + side(2)
    }

    /// The square of the smallest distance between two boxes.
    pub fn gap_between(&self, other: &Self) -> f64 {
        let side = |i: usize| (self.low[i] - other.high[i]).max(other.low[i] - self.high[i]).max(0.0).powi(2);
        side(0) + side(1) + side(2)
    }

    /// The square of the greatest distance between points of two boxes.
    pub fn span_between(&self, other: &Self) -> f64 {
        let side = |i: usize| (self.high[i] - other.low[i]).max(other.high[i] - self.low[i]).powi(2);
        side(0) + side(1) + side(2)
    }
}

impl<T: Item> Tree<T> {
    /// A tree of items with numbers of their own.
    pub fn of(mut numbered: Vec<(T, u32)>) -> Self {
        let nodes = if numbered.is_empty() { Vec::new() } else { build(&mut numbered, 0) };
        let (points, numbers) = numbered.into_iter().unzip();
        Self { points, numbers, nodes }
    }

    /// The number of points.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The points in the tree's order: neighbours stand close together.
    pub fn points(&self) -> &[T] {
        &self.points
    }

    /// The number of each point, in the tree's order.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// The nodes; the first holds all points, children stand behind their parents.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The two halves of a node; `None` for a leaf.
    pub fn children(&self, node: usize) -> Option<[usize; 2]> {
        let second = self.nodes[node].second as usize;
        (second > 0).then(|| [node + 1, node + second])
    }

    /// Visits the places of all boxes that are no farther (squared) than a bound, near boxes first.
    pub fn visit<B>(
        &self,
        from: &Vector,
        best: &mut B,
        bound: &impl Fn(&B) -> f64,
        visit: &mut impl FnMut(usize, &mut B),
    ) {
        if !self.is_empty() {
            self.descend(0, from, best, bound, visit);
        }
    }

    fn descend<B>(
        &self,
        node: usize,
        from: &Vector,
        best: &mut B,
        bound: &impl Fn(&B) -> f64,
        visit: &mut impl FnMut(usize, &mut B),
    ) {
        let here = &self.nodes[node];
        let Some(children) = self.children(node) else {
            here.range().for_each(|place| visit(place, best));
            return;
        };
        let mut near = children.map(|child| (self.nodes[child].gap(from), child));
        if near[1].0 < near[0].0 {
            near.swap(0, 1);
        }
        for (gap, child) in near {
            if gap <= bound(best) {
                self.descend(child, from, best, bound, visit);
            }
        }
    }
}

impl Tree {
    /// A tree of points, numbered in the order given.
    pub fn new(points: &[Vector]) -> Self {
        Self::of((0..points.len() as u32).map(|number| (points[number as usize], number)).collect())
    }

    /// Whether at least so many points lie within a reach (its square; inclusive).
    pub fn has_within(&self, from: &Vector, reach: f64, least: usize) -> bool {
        least == 0 || !self.is_empty() && self.count(0, from, reach, least) >= least
    }

    /// Points within a reach, counted until `enough`.
    fn count(&self, node: usize, from: &Vector, reach: f64, enough: usize) -> usize {
        let here = &self.nodes[node];
        if here.gap(from) > reach {
            return 0;
        }
        if here.span(from) <= reach {
            return here.range().len();
        }
        let Some([first, second]) = self.children(node) else {
            return self.points[here.range()].iter().filter(|point| squared(from, point) <= reach).count();
        };
        let counted = self.count(first, from, reach, enough);
        if counted >= enough { counted } else { counted + self.count(second, from, reach, enough - counted) }
    }

    /// The points within a reach (its square; inclusive), in the tree's order.
    pub fn within(&self, from: &Vector, reach: f64) -> Vec<u32> {
        let mut found = Vec::new();
        let mut search = |place: usize, found: &mut Vec<u32>| {
            if squared(from, &self.points[place]) <= reach {
                found.push(self.numbers[place]);
            }
        };
        self.visit(from, &mut found, &|_| reach, &mut search);
        found
    }

    /// The nearest point within a reach (its square; inclusive).
    pub fn nearest(&self, from: &Vector, reach: f64) -> Option<Found> {
        let mut best = None;
        let mut search = |place: usize, best: &mut Option<Found>| {
            let found = (squared(from, &self.points[place]), self.numbers[place]);
            if found.0 <= reach && best.is_none_or(|best| found < best) {
                *best = Some(found);
            }
        };
        self.visit(from, &mut best, &|best| best.map_or(reach, |best: Found| best.0), &mut search);
        best
    }

    /// The point of the smallest measure, and the measure. `measure` is never below the straight distance from `from`;
    /// `None` leaves a point out.
    pub fn nearest_by(&self, from: &Vector, measure: &impl Fn(u32) -> Option<f64>) -> Option<Found> {
        let mut best = None;
        let bound = |best: &Option<Found>| best.map_or(f64::INFINITY, |best| best.0.powi(2));
        let mut search = |place: usize, best: &mut Option<Found>| {
            if squared(from, &self.points[place]) <= bound(best) {
                let found = measure(self.numbers[place]).map(|measure| (measure, self.numbers[place]));
                *best = [*best, found].into_iter().flatten().reduce(|a, b| if b < a { b } else { a });
            }
        };
        self.visit(from, &mut best, &bound, &mut search);
        best
    }

    /// The `count` nearest points, nearest first; fewer where there are fewer.
    pub fn nearest_many(&self, from: &Vector, count: usize) -> Vec<Found> {
        let mut best: Vec<Found> = Vec::with_capacity(count + 1);
        let bound = |best: &Vec<Found>| {
            if best.len() < count { f64::INFINITY } else { best.last().map_or(f64::NEG_INFINITY, |last| last.0) }
        };
        let mut search = |place: usize, best: &mut Vec<Found>| {
            let found = (squared(from, &self.points[place]), self.numbers[place]);
            if best.len() < count || best.last().is_some_and(|last| found < *last) {
                let at = best.partition_point(|other| *other < found);
                best.insert(at, found);
                best.truncate(count);
            }
        };
        if count > 0 {
            self.visit(from, &mut best, &bound, &mut search);
        }
        best
    }
}

fn build<T: Item>(points: &mut [(T, u32)], start: usize) -> Vec<Node> {
    let mut node = Node::around(points, start);
    if points.len() <= LEAF {
        return vec![node];
    }
    let axis = (0..3).fold(0, |widest, axis| {
        let side = |axis: usize| node.high[axis] - node.low[axis];
        if side(axis) > side(widest) { axis } else { widest }
    });
    let middle = points.len() / 2;
    let centre = |item: &T| item.low()[axis] + item.high()[axis];
    points.select_nth_unstable_by(middle, |a, b| centre(&a.0).total_cmp(&centre(&b.0)).then(a.1.cmp(&b.1)));
    let (low, high) = points.split_at_mut(middle);
    let (first, second) = if low.len() > SIDE_BY_SIDE {
        rayon::join(|| build(low, start), || build(high, start + middle))
    } else {
        (build(low, start), build(high, start + middle))
    };
    node.second = (first.len() + 1) as u32;
    let mut nodes = Vec::with_capacity(1 + first.len() + second.len());
    nodes.push(node);
    nodes.extend(first);
    nodes.extend(second);
    nodes
}
