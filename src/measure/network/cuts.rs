//! What holds a graph together: the ties and the vertices whose loss splits a part of it.

use crate::measure::lists::Lists;

/// What a simple undirected graph cannot lose.
pub struct Cuts {
    /// Edges whose loss splits a part: the ends of each.
    pub bridges: Vec<[u32; 2]>,
    /// Whether the loss of a vertex does; one a vertex.
    pub is_articulation: Vec<bool>,
}

/// Not yet met.
const UNMET: u32 = u32::MAX;

/// Finds both in one pass over the vertices next to each.
///
/// # Source
///
/// Hopcroft & Tarjan (1973), "Efficient algorithms for graph manipulation".
pub fn cuts(graph: &Lists<u32>) -> Cuts {
    let count = graph.len();
    let mut found = Cuts { bridges: Vec::new(), is_articulation: vec![false; count] };
    // When a vertex was met, and the earliest met that it, or what lies below it, is tied to.
    let (mut met, mut low) = (vec![UNMET; count], vec![UNMET; count]);
    let mut clock = 0;
    // The way from the root: a vertex, the one before it, and how many of its ties were followed.
    let mut way: Vec<(u32, u32, usize)> = Vec::new();
    for root in 0..count as u32 {
        if met[root as usize] != UNMET {
            continue;
        }
        let mut branches = 0;
        (met[root as usize], low[root as usize]) = (clock, clock);
        clock += 1;
        way.push((root, root, 0));
        while let Some((vertex, before, followed)) = way.last_mut() {
            let (own, above) = (*vertex, *before);
            if let Some(&next) = graph.of(own).get(*followed) {
                *followed += 1;
                if next == above {
                    continue;
                }
                if met[next as usize] == UNMET {
                    (met[next as usize], low[next as usize]) = (clock, clock);
                    clock += 1;
                    way.push((next, own, 0));
                } else {
                    low[own as usize] = low[own as usize].min(met[next as usize]);
                }
                continue;
            }
            way.pop();
            if own == root {
                break;
            }
            low[above as usize] = low[above as usize].min(low[own as usize]);
            if low[own as usize] > met[above as usize] {
                found.bridges.push([above, own]);
            }
            if above == root {
                branches += 1;
            } else if low[own as usize] >= met[above as usize] {
                found.is_articulation[above as usize] = true;
            }
        }
        found.is_articulation[root as usize] = branches > 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use petgraph::algo::articulation_points::articulation_points;
    use petgraph::algo::bridges;
    use petgraph::graph::UnGraph;
    use petgraph::visit::EdgeRef;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn agrees_with_petgraph() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(24);
        let mut below = |limit: u32| random.next_u32() % limit;
        for _ in 0..300 {
            let count = 1 + below(60);
            let pair = |(a, b): (u32, u32)| (a.min(b), a.max(b));
            let pairs: BTreeSet<(u32, u32)> =
                (0..below(2 * count)).map(|_| pair((below(count), below(count)))).collect();
            let pairs: Vec<(u32, u32)> = pairs.into_iter().filter(|(a, b)| a != b).collect();
            let ours = cuts(&Lists::grouped(count as usize, pairs.iter().flat_map(|&(a, b)| [(a, b), (b, a)])));
            let mut graph: UnGraph<(), ()> = UnGraph::default();
            let nodes: Vec<_> = (0..count).map(|_| graph.add_node(())).collect();
            pairs.iter().for_each(|&(a, b)| _ = graph.add_edge(nodes[a as usize], nodes[b as usize], ()));
            let theirs: BTreeSet<(u32, u32)> = bridges(&graph)
                .map(|edge| pair((edge.source().index() as u32, edge.target().index() as u32)))
                .collect();
            let found: BTreeSet<(u32, u32)> = ours.bridges.iter().map(|&[a, b]| pair((a, b))).collect();
            assert_eq!(found, theirs, "{pairs:?}");
            let theirs: BTreeSet<usize> = articulation_points(&graph).into_iter().map(|node| node.index()).collect();
            let found: BTreeSet<usize> = (0..count as usize).filter(|&at| ours.is_articulation[at]).collect();
            assert_eq!(found, theirs, "{pairs:?}");
        }
    }
}
