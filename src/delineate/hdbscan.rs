//! HDBSCAN on the globe: clusters of any density, by excess of mass.

use petgraph::unionfind::UnionFind;
use rayon::prelude::*;

use crate::globe::geodesy::Degrees;
use crate::globe::spanning::{Edge, spanning_tree};
use crate::globe::tree::Tree;
use crate::globe::{Vector, great_circle_km, unit_vector};

/// Labels each point with its cluster, or `None` for noise.
///
/// - `points`: longitude and latitude, degrees.
/// - `min_points`: the smallest cluster, and the neighbour (itself included) whose great-circle distance makes a
///   point's core distance.
///
/// The root is no cluster: where all is one density, all is noise. Joins at one distance happen at once, so neither
/// order of rows nor the choice among equal edges changes the clusters. Clusters are numbered by their first point.
///
/// # Source
///
/// Campello, Moulavi & Sander (2013), "Density-based clustering based on hierarchical density estimates"; McInnes &
/// Healy (2017) for the condensed tree.
pub fn hdbscan(points: &[Degrees], min_points: usize) -> Vec<Option<usize>> {
    if points.len() < min_points.max(2) {
        return vec![None; points.len()];
    }
    let vectors: Vec<Vector> = points.iter().map(|&point| unit_vector(point)).collect();
    let tree = Tree::new(&vectors);
    let core = |point: &Vector| tree.nearest_many(point, min_points).last().map_or(0.0, |last| last.0);
    let cores: Vec<f64> = tree.points().par_iter().map(core).collect();
    let mut floors = vec![0.0; points.len()];
    tree.numbers().iter().zip(cores).for_each(|(&point, core)| floors[point as usize] = core);
    let joins = joins(spanning_tree(&tree, &floors), points.len());
    let groups = condense(&joins, points.len(), min_points.max(2));
    label(&groups, points.len())
}

/// Two or more parts that become one at a distance. Parts below the number of points are points, others joins.
struct Join {
    km: f64,
    parts: Vec<usize>,
    size: usize,
}

/// The tree of joins, from near to far.
fn joins(mut edges: Vec<Edge>, points: usize) -> Vec<Join> {
    edges.sort_unstable_by(|a, b| a.squared.total_cmp(&b.squared));
    let mut sets = UnionFind::<usize>::new(points);
    // The part that a set's representative stands for.
    let mut part: Vec<usize> = (0..points).collect();
    let mut joins: Vec<Join> = Vec::new();
    for level in edges.chunk_by(|a, b| a.squared == b.squared) {
        let mut parts: Vec<(usize, usize)> = Vec::new();
        for end in level.iter().flat_map(|edge| [edge.a as usize, edge.b as usize]) {
            parts.push((end, part[sets.find_mut(end)]));
        }
        level.iter().for_each(|edge| {
            sets.union(edge.a as usize, edge.b as usize);
        });
        let mut parts: Vec<(usize, usize)> = parts.into_iter().map(|(end, part)| (sets.find_mut(end), part)).collect();
        parts.sort_unstable();
        parts.dedup();
        for joined in parts.chunk_by(|a, b| a.0 == b.0) {
            let parts: Vec<usize> = joined.iter().map(|(_, part)| *part).collect();
            let size = parts.iter().map(|&part| if part < points { 1 } else { joins[part - points].size }).sum();
            part[joined[0].0] = points + joins.len();
            joins.push(Join { km: great_circle_km(level[0].squared.sqrt()), parts, size });
        }
    }
    joins
}

/// A set of points that stays together over a span of densities.
#[derive(Debug)]
struct Group {
    parent: usize,
    /// Density (1 / km) at which it parts from its parent.
    birth: f64,
    /// Excess of mass: densities gained, summed over its points.
    stability: f64,
    /// Points that leave it before it splits.
    points: Vec<usize>,
}

/// The condensed tree: parts of fewer than `least` points fall out of a group, two or more larger ones split it.
/// Parents stand before their children; the first is the root.
fn condense(joins: &[Join], points: usize, least: usize) -> Vec<Group> {
    let size = |part: usize| if part < points { 1 } else { joins[part - points].size };
    let mut groups = vec![Group { parent: 0, birth: 0.0, stability: 0.0, points: Vec::new() }];
    let mut open = vec![(points + joins.len() - 1, 0)];
    while let Some((part, group)) = open.pop() {
        let join = &joins[part - points];
        // Points in one place are as dense as can be told.
        let density = if join.km > 0.0 { 1.0 / join.km } else { f64::MAX };
        let (large, small): (Vec<usize>, Vec<usize>) = join.parts.iter().partition(|&&part| size(part) >= least);
        let splits = large.len() > 1;
        let leaving: usize = if splits { join.size } else { small.iter().map(|&part| size(part)).sum() };
        let gain = (density - groups[group].birth) * leaving as f64;
        groups[group].stability += gain.min(f64::MAX / 4.0);
        for part in small {
            below(joins, points, part, &mut groups[group].points);
        }
        for part in large {
            let mut of = group;
            if splits {
                of = groups.len();
                groups.push(Group { parent: group, birth: density, stability: 0.0, points: Vec::new() });
            }
            if part < points { groups[of].points.push(part) } else { open.push((part, of)) }
        }
    }
    groups
}

/// The points of a part.
fn below(joins: &[Join], points: usize, part: usize, found: &mut Vec<usize>) {
    let mut open = vec![part];
    while let Some(part) = open.pop() {
        if part < points {
            found.push(part);
        } else {
            open.extend(&joins[part - points].parts);
        }
    }
}

/// Chooses the groups of greatest excess of mass, none within another and not the root.
fn label(groups: &[Group], points: usize) -> Vec<Option<usize>> {
    let mut best: Vec<f64> = groups.iter().map(|group| group.stability).collect();
    let mut of_children = vec![0.0; groups.len()];
    let mut chosen = vec![false; groups.len()];
    for at in (1..groups.len()).rev() {
        chosen[at] = best[at] >= of_children[at];
        best[at] = best[at].max(of_children[at]);
        of_children[groups[at].parent] += best[at];
    }
    let mut cluster: Vec<Option<usize>> = vec![None; groups.len()];
    let mut labels = vec![None; points];
    for at in 1..groups.len() {
        cluster[at] = cluster[groups[at].parent].or(chosen[at].then_some(at));
        groups[at].points.iter().for_each(|&point| labels[point] = cluster[at]);
    }
    let mut numbers = std::collections::HashMap::new();
    for label in labels.iter_mut().flatten() {
        let next = numbers.len();
        *label = *numbers.entry(*label).or_insert(next);
    }
    labels
}
