//! The shape of a network: components, triangles, paths, and what holds it together.

use std::collections::{BTreeMap, BTreeSet};

use petgraph::unionfind::UnionFind;
use rayon::prelude::*;

use super::classes::Classes;
use super::cuts::cuts;
use super::paths::total_steps;
use super::{TieSet, Vertex};
use crate::measure::lists::{Lists, ascending};
use crate::validate::settings::Between;

/// Classes of a component up to which all shortest paths are measured; beyond it those from [`SOURCES`] of them.
pub const EXACT: usize = 2000;
/// Classes whose shortest paths are measured in a larger component: evenly spaced in the order of facilities.
pub const SOURCES: usize = 500;

/// Facilities that reach one another.
pub struct Component {
    /// Its classes, ascending.
    pub classes: Vec<u32>,
    /// Its facilities.
    pub size: usize,
}

/// Components of two facilities or more.
pub fn components(classes: &Classes, degrees: &[usize]) -> Vec<Component> {
    let mut sets = UnionFind::<u32>::new(classes.len());
    for class in classes.all() {
        classes.adjacent(class).iter().for_each(|&other| _ = sets.union(class, other));
    }
    let mut found: BTreeMap<u32, Component> = BTreeMap::new();
    for (class, set) in classes.all().zip(sets.into_labeling()).filter(|(class, _)| degrees[*class as usize] > 0) {
        let component = found.entry(set).or_insert(Component { classes: Vec::new(), size: 0 });
        component.classes.push(class);
        component.size += classes.size(class);
    }
    found.into_values().collect()
}

/// Mean clustering coefficient (Watts & Strogatz 1998); a facility with fewer than two ties has 0.
pub fn clustering(classes: &Classes, degrees: &[usize]) -> f64 {
    let closed = closed_pairs(classes);
    let tied = classes.all().filter(|&class| closed[class as usize] > 0);
    let mut parts: Vec<f64> = tied
        .map(|class| {
            let degree = degrees[class as usize] as u64;
            2.0 * closed[class as usize] as f64 / (degree * (degree - 1)) as f64 * classes.size(class) as f64
        })
        .collect();
    parts.par_sort_unstable_by(f64::total_cmp);
    parts.iter().sum::<f64>() / classes.count() as f64
}

/// Of each class the pairs of a facility's neighbours that are tied themselves.
fn closed_pairs(classes: &Classes) -> Vec<u64> {
    let size = |class: u32| classes.size(class) as u64;
    let inner = |class: u32| {
        // Ties among the neighbours that a facility has in its own class: those of a graph with one block less.
        let (block, others) = (classes.block(class) as u64, classes.inner_degree(class) as u64);
        let blocks = others / block;
        (blocks * blocks.saturating_sub(1) / 2) * block * block
    };
    let of_class = |class: u32| {
        let others = classes.inner_degree(class) as u64;
        let beside: u64 = classes.adjacent(class).iter().map(|&other| size(other)).sum();
        let within: u64 = classes.adjacent(class).iter().map(|&other| classes.inner_ties(other)).sum();
        inner(class) + others * beside + within
    };
    let mut closed: Vec<u64> = classes.all().map(of_class).collect();
    // Triangles of three classes, each once: edges lead from fewer neighbours to more (Chiba & Nishizeki 1985).
    let rank = |class: u32| (classes.adjacent(class).len(), class);
    let mut upward = Lists::with_capacity(classes.len(), 0);
    for class in classes.all() {
        upward.push(classes.adjacent(class).iter().copied().filter(|&other| rank(other) > rank(class)));
    }
    let mut mark = vec![u32::MAX; classes.len()];
    for a in classes.all() {
        upward.of(a).iter().for_each(|&b| mark[b as usize] = a);
        for &b in upward.of(a) {
            for &c in upward.of(b).iter().filter(|&&c| mark[c as usize] == a) {
                closed[a as usize] += size(b) * size(c);
                closed[b as usize] += size(a) * size(c);
                closed[c as usize] += size(a) * size(b);
            }
        }
    }
    closed
}

/// Degree centralisation (Freeman 1978): 0 where all have as many ties, 1 for a star; `None` for fewer than three.
pub fn centralisation(classes: &Classes, degrees: &[usize]) -> Option<f64> {
    let greatest = degrees.iter().max()?;
    let below: usize =
        classes.all().zip(degrees).map(|(class, degree)| (greatest - degree) * classes.size(class)).sum();
    let count = classes.count() as f64;
    (classes.count() > 2).then(|| below as f64 / ((count - 1.0) * (count - 2.0)))
}

/// Mean number of ties on the shortest path between two facilities of the largest component; of several of one size, of
/// all of them. Beyond [`EXACT`] classes from [`SOURCES`] of them, evenly spaced in the order of their emissions.
pub fn mean_path_length(nodes: &[Vertex], classes: &Classes, components: &[Component]) -> Option<f64> {
    let largest = components.iter().map(|component| component.size).max()?;
    let (mut total, mut pairs) = (0_u64, 0_u64);
    let mut place = vec![u32::MAX; classes.len()];
    for component in components.iter().filter(|component| component.size == largest) {
        let own = &component.classes;
        own.iter().zip(0..).for_each(|(&class, at)| place[class as usize] = at);
        let mut graph = Lists::with_capacity(own.len(), 0);
        own.iter().for_each(|&class| graph.push(classes.adjacent(class).iter().map(|&other| place[other as usize])));
        let sizes: Vec<u64> = own.iter().map(|&class| classes.size(class) as u64).collect();
        let all = own.len();
        let count = if all <= EXACT { all } else { SOURCES };
        let ordered = by_emissions(nodes, classes, own);
        let sources: Vec<u32> = (0..count).map(|source| ordered[source * all / count]).collect();
        for &source in &sources {
            // A facility that is not tied to one of its own class reaches it by way of a common neighbour.
            let (size, tied) = (classes.size(source) as u64, classes.inner_degree(source) as u64);
            total += size * (tied + 2 * (size - 1 - tied));
            pairs += size * (largest as u64 - 1);
        }
        let sources: Vec<u32> = sources.into_iter().map(|source| place[source as usize]).collect();
        total += total_steps(&graph, &sizes, &sources);
    }
    Some(total as f64 / pairs as f64)
}

/// Classes by the emissions of their greatest facility, then size and ties: an order that names hardly decide.
fn by_emissions(nodes: &[Vertex], classes: &Classes, of: &[u32]) -> Vec<u32> {
    let greatest = |class: u32| {
        let emissions = classes.nodes(class).iter();
        emissions.filter_map(|&node| nodes[node as usize].emissions_t).fold(f64::NEG_INFINITY, f64::max)
    };
    let ties = |class: u32| (classes.size(class), classes.adjacent(class).len());
    let mut keyed: Vec<(f64, (usize, usize), u32)> =
        of.iter().map(|&class| (greatest(class), ties(class), class)).collect();
    keyed.par_sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
    keyed.into_iter().map(|(.., class)| class).collect()
}

/// Ties whose loss splits a component.
pub fn bridges(classes: &Classes) -> u64 {
    // Two facilities of a class stand for all: whoever has a twin is no end of more than one bridge.
    let copies = |class: u32| classes.size(class).min(if classes.inner_degree(class) > 0 { 3 } else { 2 }) as u32;
    let mut first = Vec::with_capacity(classes.len() + 1);
    first.push(0);
    first.extend(classes.all().scan(0, |end, class| {
        *end += copies(class);
        Some(*end)
    }));
    let copies = |class: u32| first[class as usize]..first[class as usize + 1];
    let mut graph = Lists::with_capacity(first[classes.len()] as usize, 0);
    for class in classes.all() {
        let is_tied = classes.inner_degree(class) > 0;
        for copy in copies(class) {
            let twins = copies(class).filter(|&twin| is_tied && twin != copy);
            graph.push(twins.chain(classes.adjacent(class).iter().flat_map(|&other| copies(other))));
        }
    }
    // Where there are copies, several edges may stand for the ties of the same two classes.
    let class_of = |copy: u32| first.partition_point(|&start| start <= copy) as u32 - 1;
    let found: BTreeSet<[u32; 2]> = cuts(&graph).bridges.iter().map(|ends| in_order(ends.map(class_of))).collect();
    let ties = |&[a, b]: &[u32; 2]| if a == b { 1 } else { (classes.size(a) * classes.size(b)) as u64 };
    found.iter().map(ties).sum()
}

fn in_order([a, b]: [u32; 2]) -> [u32; 2] {
    [a.min(b), a.max(b)]
}

/// Firms whose leaving, with all their facilities here, splits the network of firms. A facility without an operator is
/// a firm of its own.
pub fn articulation_firms(nodes: &[Vertex], ties: &TieSet) -> usize {
    if ties.links.is_empty() && ties.organisations.is_empty() {
        return 0;
    }
    let operators = ascending(nodes.iter().filter_map(|node| node.operator));
    // Vertices: operators, then facilities, then organisations.
    let of_operator = |operator: u32| operators.binary_search(&operator).ok().map(|at| at as u32);
    let facility = |node: u32| operators.len() as u32 + node;
    let firms: Vec<u32> = nodes
        .iter()
        .zip(0..)
        .map(|(vertex, node)| vertex.operator.and_then(of_operator).unwrap_or_else(|| facility(node)))
        .collect();
    let firm_count = (operators.len() + nodes.len()) as u32;
    let all_firms: Vec<u32> = (0..firm_count).collect();
    let mut of_sector: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let by_sector = ties.links.iter().any(|(between, _)| *between == Between::Sector);
    for (node, facility) in nodes.iter().enumerate().filter(|_| by_sector) {
        of_sector.entry(facility.sector.unwrap_or(u32::MAX)).or_default().push(firms[node]);
    }
    let vertices = |between: Between, owner: u32| -> &[u32] {
        match between {
            Between::Facility => &firms[owner as usize..=owner as usize],
            Between::Operator => of_operator(owner).map_or(&[], |at| std::slice::from_ref(&all_firms[at as usize])),
            Between::Sector => of_sector.get(&owner).map_or(&[], Vec::as_slice),
        }
    };
    // An organisation is a hub between its members: whoever is cut off without the hub is cut off in the projection.
    let mut edges: Vec<[u32; 2]> = Vec::with_capacity(ties.links.len());
    for &(between, [a, b]) in &ties.links {
        for &a in vertices(between, a) {
            edges.extend(vertices(between, b).iter().filter(|&&b| a != b).map(|&b| in_order([a, b])));
        }
    }
    for (organisation, hub) in ties.organisations.iter().zip(firm_count..) {
        let members = organisation.members.iter().flat_map(|&member| vertices(organisation.between, member));
        let members: BTreeSet<u32> = members.copied().collect();
        if members.len() > 1 {
            edges.extend(members.into_iter().map(|member| [member, hub]));
        }
    }
    edges.par_sort_unstable();
    edges.dedup();
    let count = firm_count as usize + ties.organisations.len();
    let graph = Lists::grouped(count, edges.iter().flat_map(|&[a, b]| [(a, b), (b, a)]));
    cuts(&graph).is_articulation[..firm_count as usize].iter().filter(|is_cut| **is_cut).count()
}

/// Attribute assortativity (Newman 2003) of sectors, over ties between facilities whose sectors are known: 1 where ties
/// stay within sectors, below 0 where they avoid them; `None` without such a tie, or with one sector alone.
pub fn sector_assortativity(nodes: &[Vertex], classes: &Classes) -> Option<f64> {
    let sectors = ascending(nodes.iter().filter_map(|node| node.sector));
    let sector = |node: &u32| nodes[*node as usize].sector.and_then(|sector| sectors.binary_search(&sector).ok());
    // How many facilities of each sector some have, by sector.
    let counted = |of: &[u32]| {
        let mut own: Vec<usize> = of.iter().filter_map(sector).collect();
        own.sort_unstable();
        own.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect::<Vec<_>>()
    };
    let mut counts: Lists<(usize, u64)> = Lists::with_capacity(classes.len(), classes.len());
    classes.all().for_each(|class| counts.push(counted(classes.nodes(class))));
    let known: Vec<u64> = counts.iter().map(|counts| counts.iter().map(|(_, count)| count).sum()).collect();
    let (mut same, mut ends) = (0_u64, vec![0_u64; sectors.len()]);
    for class in classes.all() {
        let beside: u64 = classes.adjacent(class).iter().map(|&other| known[other as usize]).sum();
        for &(sector, count) in counts.of(class) {
            let shared = classes.adjacent(class).iter().flat_map(|&other| counts.of(other));
            let shared: u64 = shared.filter(|(other, _)| *other == sector).map(|(_, count)| count).sum();
            same += count * shared;
            ends[sector] += count * beside;
        }
        if classes.inner_degree(class) > 0 {
            // All pairs of the class, less those within a block.
            for &(sector, count) in counts.of(class) {
                same += count * count;
                ends[sector] += count * known[class as usize];
            }
            for block in classes.nodes(class).chunks(classes.block(class)).map(counted) {
                let all: u64 = block.iter().map(|(_, count)| count).sum();
                for (sector, count) in block {
                    same -= count * count;
                    ends[sector] -= count * all;
                }
            }
        }
    }
    let all: u64 = ends.iter().sum();
    if all == 0 {
        return None;
    }
    let expected: f64 = ends.iter().map(|&count| (count as f64 / all as f64).powi(2)).sum();
    (expected < 1.0).then(|| (same as f64 / all as f64 - expected) / (1.0 - expected))
}
