//! The shape of a network: components, triangles, paths, and what holds it together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use petgraph::algo::articulation_points::articulation_points;
use petgraph::algo::bridges as find_bridges;
use petgraph::graph::{NodeIndex, UnGraph};
use petgraph::unionfind::UnionFind;
use petgraph::visit::EdgeRef;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::classes::{Class, Classes};
use super::{TieSet, Vertex};
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
    let mut sets = UnionFind::new(classes.classes.len());
    for (position, class) in classes.classes.iter().enumerate() {
        class.adjacent.iter().for_each(|&(other, _)| {
            sets.union(position as u32, other);
        });
    }
    let mut found: BTreeMap<u32, Component> = BTreeMap::new();
    for (position, set) in sets.into_labeling().into_iter().enumerate().filter(|&(position, _)| degrees[position] > 0) {
        let component = found.entry(set).or_insert(Component { classes: Vec::new(), size: 0 });
        component.classes.push(position as u32);
        component.size += classes.size(position as u32);
    }
    found.into_values().collect()
}

/// Mean clustering coefficient (Watts & Strogatz 1998); a facility with fewer than two ties has 0.
pub fn clustering(classes: &Classes, degrees: &[usize]) -> f64 {
    let closed = closed_pairs(classes);
    let coefficient = |position: usize| {
        let degree = degrees[position] as u64;
        if degree < 2 { 0.0 } else { 2.0 * closed[position] as f64 / (degree * (degree - 1)) as f64 }
    };
    let mut parts: Vec<f64> =
        (0..closed.len()).map(|position| coefficient(position) * classes.size(position as u32) as f64).collect();
    parts.sort_by(f64::total_cmp);
    parts.iter().sum::<f64>() / classes.count as f64
}

/// Of each class the pairs of a facility's neighbours that are tied themselves.
fn closed_pairs(classes: &Classes) -> Vec<u64> {
    let size = |class: u32| classes.size(class) as u64;
    let inner = |class: &Class| {
        // Ties among the neighbours that a facility has in its own class: those of a graph with one block less.
        let (block, others) = (class.block as u64, class.inner_degree() as u64);
        let blocks = others / block;
        (blocks * blocks.saturating_sub(1) / 2) * block * block
    };
    let mut closed: Vec<u64> = classes
        .classes
        .iter()
        .map(|class| {
            let others = class.inner_degree() as u64;
            let beside: u64 = class.adjacent.iter().map(|&(other, _)| size(other)).sum();
            let within = class.adjacent.iter().map(|&(other, _)| classes.classes[other as usize].inner_ties());
            inner(class) + others * beside + within.sum::<u64>()
        })
        .collect();
    // Triangles of three classes, each once: edges lead from fewer neighbours to more (Chiba & Nishizeki 1985).
    let rank = |class: u32| (classes.classes[class as usize].adjacent.len(), class);
    let upward: Vec<Vec<u32>> = (0..classes.classes.len() as u32)
        .map(|class| {
            let others = classes.classes[class as usize].adjacent.iter().map(|&(other, _)| other);
            others.filter(|&other| rank(other) > rank(class)).collect()
        })
        .collect();
    let mut mark = vec![u32::MAX; classes.classes.len()];
    for a in 0..classes.classes.len() as u32 {
        upward[a as usize].iter().for_each(|&b| mark[b as usize] = a);
        for &b in &upward[a as usize] {
            for &c in upward[b as usize].iter().filter(|&&c| mark[c as usize] == a) {
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
        degrees.iter().enumerate().map(|(class, degree)| (greatest - degree) * classes.size(class as u32)).sum();
    let count = classes.count as f64;
    (classes.count > 2).then(|| below as f64 / ((count - 1.0) * (count - 2.0)))
}

/// Mean number of ties on the shortest path between two facilities of the largest component; of several of one size, of
/// all of them. Beyond [`EXACT`] classes from [`SOURCES`] of them, evenly spaced in the order of their emissions.
pub fn mean_path_length(nodes: &[Vertex], classes: &Classes, components: &[Component]) -> Option<f64> {
    let largest = components.iter().map(|component| component.size).max()?;
    // Neighbours of all classes one after the other: searches run over plain numbers.
    let neighbours: Vec<u32> =
        classes.classes.iter().flat_map(|class| class.adjacent.iter().map(|&(other, _)| other)).collect();
    let mut ends = vec![0];
    ends.extend(classes.classes.iter().scan(0, |end, class| {
        *end += class.adjacent.len();
        Some(*end)
    }));
    let sizes: Vec<u64> = classes.classes.iter().map(|class| class.nodes.len() as u64).collect();
    let (mut total, mut pairs) = (0_u64, 0_u64);
    let mut steps = vec![u32::MAX; sizes.len()];
    // What a search has met, in the order in which it met it.
    let mut met: Vec<u32> = Vec::with_capacity(sizes.len());
    for component in components.iter().filter(|component| component.size == largest) {
        let all = component.classes.len();
        let sources = if all <= EXACT { all } else { SOURCES };
        let own = by_emissions(nodes, classes, &component.classes);
        for source in (0..sources).map(|source| own[source * all / sources]) {
            let size = sizes[source as usize];
            // A facility that is not tied to one of its own class reaches it by way of a common neighbour.
            let own = classes.classes[source as usize].inner_degree() as u64;
            let mut length = own + 2 * (size - 1 - own);
            met.clear();
            met.push(source);
            steps[source as usize] = 0;
            let mut at = 0;
            while let Some(&class) = met.get(at) {
                at += 1;
                let class = class as usize;
                let next = steps[class] + 1;
                for &other in &neighbours[ends[class]..ends[class + 1]] {
                    if steps[other as usize] == u32::MAX {
                        steps[other as usize] = next;
                        length += u64::from(next) * sizes[other as usize];
                        met.push(other);
                    }
                }
            }
            met.iter().for_each(|&class| steps[class as usize] = u32::MAX);
            total += length * size;
            pairs += size * (largest as u64 - 1);
        }
    }
    Some(total as f64 / pairs as f64)
}

/// Classes by the emissions of their greatest facility, then size and ties: an order that names hardly decide.
fn by_emissions(nodes: &[Vertex], classes: &Classes, of: &[u32]) -> Vec<u32> {
    let greatest = |class: u32| {
        let emissions = classes.classes[class as usize].nodes.iter();
        emissions.filter_map(|&node| nodes[node as usize].emissions_t).fold(f64::NEG_INFINITY, f64::max)
    };
    let ties = |class: u32| (classes.size(class), classes.classes[class as usize].adjacent.len());
    let mut keyed: Vec<(f64, (usize, usize), u32)> =
        of.iter().map(|&class| (greatest(class), ties(class), class)).collect();
    keyed.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
    keyed.into_iter().map(|(.., class)| class).collect()
}

/// Ties whose loss splits a component.
pub fn bridges(classes: &Classes) -> u64 {
    // Two facilities of a class stand for all: whoever has a twin is no end of more than one bridge.
    let mut graph: UnGraph<(u32, u32), ()> = UnGraph::default();
    let copies: Vec<Vec<NodeIndex>> = classes
        .classes
        .iter()
        .enumerate()
        .map(|(position, class)| {
            let inside = class.inner_degree() > 0;
            let count = class.nodes.len().min(if inside { 3 } else { 2 });
            let copies: Vec<NodeIndex> =
                (0..count).map(|copy| graph.add_node((position as u32, copy as u32))).collect();
            if inside {
                for (at, &copy) in copies.iter().enumerate() {
                    copies[..at].iter().for_each(|&other| {
                        graph.add_edge(copy, other, ());
                    });
                }
            }
            copies
        })
        .collect();
    for (position, class) in classes.classes.iter().enumerate() {
        for &(other, _) in class.adjacent.iter().filter(|&&(other, _)| other as usize > position) {
            for &a in &copies[position] {
                copies[other as usize].iter().for_each(|&b| {
                    graph.add_edge(a, b, ());
                });
            }
        }
    }
    let ends = |edge: petgraph::graph::EdgeReference<'_, ()>| (graph[edge.source()].0, graph[edge.target()].0);
    let found: BTreeSet<(u32, u32)> = find_bridges(&graph).map(ends).collect();
    let ties = |&(a, b): &(u32, u32)| if a == b { 1 } else { (classes.size(a) * classes.size(b)) as u64 };
    found.iter().map(ties).sum()
}

/// Firms whose leaving, with all their facilities here, splits the network of firms. A facility without an operator is
/// a firm of its own.
pub fn articulation_firms(nodes: &[Vertex], ties: &TieSet) -> usize {
    if ties.links.is_empty() && ties.organisations.is_empty() {
        return 0;
    }
    #[derive(PartialEq, Eq, Hash, Clone, Copy, PartialOrd, Ord)]
    enum Vertex {
        Firm(u32),
        Facility(u32),
        Hub(usize),
    }
    let firm = |node: u32| nodes[node as usize].operator.map_or(Vertex::Facility(node), Vertex::Firm);
    let mut of_sector: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    let by_sector = ties.links.iter().any(|(between, _)| *between == Between::Sector);
    for (node, facility) in nodes.iter().enumerate().filter(|_| by_sector) {
        of_sector.entry(facility.sector.unwrap_or(u32::MAX)).or_default().push(node as u32);
    }
    let mut present: Vec<u32> = nodes.iter().filter_map(|node| node.operator).collect();
    present.sort_unstable();
    let vertices = |between: Between, owner: u32| -> Vec<Vertex> {
        match between {
            Between::Facility => vec![firm(owner)],
            Between::Operator => present.binary_search(&owner).map(|_| Vertex::Firm(owner)).into_iter().collect(),
            Between::Sector => of_sector.get(&owner).into_iter().flatten().map(|&node| firm(node)).collect(),
        }
    };
    // An organisation is a hub between its members: whoever is cut off without the hub is cut off in the projection.
    let mut edges: Vec<(Vertex, Vertex)> = Vec::new();
    for &(between, [a, b]) in &ties.links {
        let (left, right) = (vertices(between, a), vertices(between, b));
        for &a in &left {
            edges.extend(right.iter().filter(|&&b| a != b).map(|&b| (a.min(b), a.max(b))));
        }
    }
    for (hub, organisation) in ties.organisations.iter().enumerate() {
        let members = organisation.members.iter().flat_map(|&member| vertices(organisation.between, member));
        let members: BTreeSet<Vertex> = members.collect();
        if members.len() > 1 {
            edges.extend(members.into_iter().map(|member| (member, Vertex::Hub(hub))));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    let mut graph: UnGraph<Vertex, ()> = UnGraph::default();
    let mut index: HashMap<Vertex, NodeIndex, Xxh3DefaultBuilder> = HashMap::default();
    for (a, b) in edges {
        let [a, b] = [a, b].map(|vertex| *index.entry(vertex).or_insert_with(|| graph.add_node(vertex)));
        graph.add_edge(a, b, ());
    }
    articulation_points(&graph).into_iter().filter(|&at| !matches!(graph[at], Vertex::Hub(_))).count()
}

/// Attribute assortativity (Newman 2003) of sectors, over ties between facilities whose sectors are known: 1 where ties
/// stay within sectors, below 0 where they avoid them; `None` without such a tie, or with one sector alone.
pub fn sector_assortativity(nodes: &[Vertex], classes: &Classes) -> Option<f64> {
    let sector = |node: &u32| nodes[*node as usize].sector;
    let counts: Vec<BTreeMap<u32, u64>> = classes
        .classes
        .iter()
        .map(|class| {
            let mut counts = BTreeMap::new();
            class.nodes.iter().filter_map(sector).for_each(|sector| *counts.entry(sector).or_default() += 1);
            counts
        })
        .collect();
    let known: Vec<u64> = counts.iter().map(|counts| counts.values().sum()).collect();
    let (mut same, mut ends) = (0_u64, BTreeMap::<u32, u64>::new());
    for (position, class) in classes.classes.iter().enumerate() {
        let beside: u64 = class.adjacent.iter().map(|&(other, _)| known[other as usize]).sum();
        for (&sector, &count) in &counts[position] {
            let shared = class.adjacent.iter().filter_map(|&(other, _)| counts[other as usize].get(&sector));
            same += count * shared.sum::<u64>();
            *ends.entry(sector).or_default() += count * beside;
        }
        if class.inner_degree() > 0 {
            // All pairs of the class, less those within a block.
            let chunks = class.nodes.chunks(class.block);
            let blocks = chunks.map(|block| {
                let mut counts: BTreeMap<u32, u64> = BTreeMap::new();
                block.iter().filter_map(sector).for_each(|sector| *counts.entry(sector).or_default() += 1);
                counts
            });
            let (mut inside, mut inside_ends): (BTreeMap<u32, u64>, BTreeMap<u32, u64>) = Default::default();
            for block in blocks {
                let all: u64 = block.values().sum();
                for (sector, count) in block {
                    *inside.entry(sector).or_default() += count * count;
                    *inside_ends.entry(sector).or_default() += count * all;
                }
            }
            for (sector, &count) in &counts[position] {
                same += count * count - inside[sector];
                *ends.entry(*sector).or_default() += count * known[position] - inside_ends[sector];
            }
        }
    }
    let all: u64 = ends.values().sum();
    if all == 0 {
        return None;
    }
    let expected: f64 = ends.values().map(|&count| (count as f64 / all as f64).powi(2)).sum();
    (expected < 1.0).then(|| (same as f64 / all as f64 - expected) / (1.0 - expected))
}
