//! Communities of a whole network, and how they agree with the clusters.

use std::collections::{BTreeMap, HashMap};

use leiden_rs::{GraphDataBuilder, Leiden, LeidenConfig};
use petgraph::unionfind::UnionFind;
use rand_chacha::rand_core::Rng;

use super::standing::{End, Standing};
use super::ties::Counted;
use crate::error::{Error, Result};
use crate::random;
use crate::stage::Stage;
use crate::validate::Facilities;
use crate::validate::settings::Between;

/// Facilities of an organisation up to which it counts in the search for communities: a larger one ties everybody to
/// everybody, each by less than a hundredth.
pub const LARGEST_BODY: usize = 100;
/// Tied pairs up to which communities are searched; the search takes minutes on networks of millions.
pub const LARGEST_NETWORK: usize = 200_000;
/// Tied pairs up to which communities are refined between the rounds of the search (Leiden); past them they are not
/// (Louvain), and those that do not hang together are taken apart at the end. The library's refinement takes time by the
/// square of a network: five seconds for three times as many pairs.
pub const LARGEST_REFINED: usize = 50_000;
/// Seed of the search: a network has the same communities in every run.
const SEED: u64 = 1;

/// The communities of a network.
pub struct Communities {
    /// Tied nodes.
    pub nodes: Vec<u32>,
    /// The community of each, by number; `None` for a network past [`LARGEST_NETWORK`].
    pub of_node: Option<Vec<u32>>,
    /// Organisations that were too large.
    pub left_out: u64,
    /// Whether they were found without refinement, the network being larger than [`LARGEST_REFINED`].
    pub is_rough: bool,
}

/// Leiden communities by modularity of the ties' strength: 1 a link, 1 / (members - 1) a shared organisation; of a large network
/// Louvain's.
///
/// # Errors
///
/// [`Error::Run`] where the search does not end.
pub fn communities(counted: &Counted, standing: &Standing, facilities: &Facilities) -> Result<Communities> {
    let shared =
        counted.organisations.iter().map(|organisation| organisation.size).filter(|size| *size <= LARGEST_BODY);
    let shared: usize = shared.map(|size| size * size.saturating_sub(1) / 2).sum();
    let pairs = counted.node_pairs.len() + counted.operator_pairs.len() + shared;
    if pairs > LARGEST_NETWORK {
        let nodes = (0..counted.appears.len() as u32).filter(|&node| counted.appears[node as usize]).collect();
        return Ok(Communities { nodes, of_node: None, left_out: 0, is_rough: false });
    }
    let is_rough = pairs > LARGEST_REFINED;
    let (edges, left_out) = edges(counted, standing);
    let mut tied = vec![false; standing.rows.len()];
    edges.iter().for_each(|&(a, b, _)| [a, b].into_iter().for_each(|node| tied[node as usize] = true));
    let nodes: Vec<u32> = (0..tied.len() as u32).filter(|&node| tied[node as usize]).collect();
    if nodes.is_empty() {
        return Ok(Communities { nodes, of_node: Some(Vec::new()), left_out, is_rough });
    }
    let nodes = nameless_order(nodes, &edges, standing, facilities);
    let mut place = vec![0_usize; tied.len()];
    nodes.iter().enumerate().for_each(|(at, &node)| place[node as usize] = at);
    let placed = edges.iter().map(|&(a, b, weight)| {
        let [a, b] = [place[a as usize], place[b as usize]];
        (a.min(b), a.max(b), weight)
    });
    let mut placed: Vec<(usize, usize, f64)> = placed.collect();
    placed.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    let mut of_node = search(nodes.len(), &placed, is_rough)?;
    if is_rough {
        take_apart(&mut of_node, &placed);
    }
    Ok(Communities { of_node: Some(of_node), nodes, left_out, is_rough })
}

/// Nodes in an order that rests on coordinates, emissions and ties, and on names only between nodes that are alike in all
/// of these: the search goes through them in turn, and what it finds must not hang on what they are called.
///
/// # Source
///
/// Colour refinement: Weisfeiler & Leman (1968).
fn nameless_order(
    mut nodes: Vec<u32>,
    edges: &[(u32, u32, f64)],
    standing: &Standing,
    facilities: &Facilities,
) -> Vec<u32> {
    const ROUNDS: usize = 8;
    let key = |node: u32| {
        let row = standing.rows[node as usize];
        let place = facilities.places[facilities.facility[row]].map(|(lon, lat)| [ordered(lon), ordered(lat)]);
        (place, facilities.emissions_t.get(row).map(ordered))
    };
    let mut near: HashMap<u32, Vec<(u32, u64)>> = HashMap::with_capacity(nodes.len());
    for &(a, b, weight) in edges {
        near.entry(a).or_default().push((b, ordered(weight)));
        near.entry(b).or_default().push((a, ordered(weight)));
    }
    let mut colours = coloured(&nodes, key);
    let mut count = 0;
    for _ in 0..ROUNDS {
        let seen = |node: u32| {
            let beside = near.get(&node).into_iter().flatten();
            let mut beside: Vec<(u32, u64)> = beside.map(|(other, weight)| (colours[other], *weight)).collect();
            beside.sort_unstable();
            (colours[&node], beside)
        };
        let next = coloured(&nodes, seen);
        let found = next.values().copied().max().unwrap_or(0);
        colours = next;
        if found == count {
            break;
        }
        count = found;
    }
    nodes.sort_by_key(|node| (colours[node], *node));
    nodes
}

/// The place of each node's key among all keys.
fn coloured<K: Ord>(nodes: &[u32], key: impl Fn(u32) -> K) -> HashMap<u32, u32> {
    let mut keyed: Vec<(K, u32)> = nodes.iter().map(|&node| (key(node), node)).collect();
    keyed.sort();
    let mut colours = HashMap::with_capacity(nodes.len());
    let mut colour = 0;
    for (at, (key, node)) in keyed.iter().enumerate() {
        if at > 0 && *key != keyed[at - 1].0 {
            colour += 1;
        }
        colours.insert(*node, colour);
    }
    colours
}

/// A number as bits that order as the numbers do.
fn ordered(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// Communities of nodes by modularity, from ties with their weights. Each connected part is searched by itself, at a
/// resolution of its share in all weight: what a merger of communities adds to the modularity of the whole is the same,
/// and the time goes with the parts and not with their number times the whole.
fn search(nodes: usize, edges: &[(usize, usize, f64)], is_rough: bool) -> Result<Vec<u32>> {
    let mut parts = UnionFind::<usize>::new(nodes);
    edges.iter().for_each(|&(a, b, _)| _ = parts.union(a, b));
    let part_of = parts.into_labeling();
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut within = vec![0; nodes];
    for node in 0..nodes {
        let part = members.entry(part_of[node]).or_default();
        within[node] = part.len();
        part.push(node);
    }
    let all: f64 = edges.iter().map(|edge| edge.2).sum();
    let mut ties: BTreeMap<usize, Vec<(usize, usize, f64)>> = BTreeMap::new();
    for &(a, b, weight) in edges {
        ties.entry(part_of[a]).or_default().push((within[a], within[b], weight));
    }
    let fail = |error: leiden_rs::LeidenError| Error::Defect { message: format!("communities: {error}") };
    let seed = random::stream(SEED, Stage::Measure, "communities", 0).next_u64();
    let (mut of_node, mut first) = (vec![0; nodes], 0);
    for (part, ties) in ties {
        let own = &members[&part];
        let mut builder = GraphDataBuilder::new(own.len());
        let share = ties.iter().map(|tie| tie.2).sum::<f64>() / all;
        for (a, b, weight) in ties {
            builder.add_edge(a, b, weight).map_err(fail)?;
        }
        let seed = Some(seed);
        let config = LeidenConfig { seed, resolution: share, skip_refinement: is_rough, ..LeidenConfig::default() };
        let found = Leiden::new(config).run(&builder.build().map_err(fail)?).map_err(fail)?;
        let mut last = 0;
        for (at, &node) in own.iter().enumerate() {
            let community = found.partition.community_of(at) as u32;
            of_node[node] = first + community;
            last = last.max(community);
        }
        first += last + 1;
    }
    Ok(of_node)
}

/// Makes communities of the pieces of those that do not hang together.
fn take_apart(of_node: &mut [u32], edges: &[(usize, usize, f64)]) {
    let mut pieces = UnionFind::<u32>::new(of_node.len());
    let within = edges.iter().filter(|(a, b, _)| of_node[*a] == of_node[*b]);
    within.for_each(|&(a, b, _)| _ = pieces.union(a as u32, b as u32));
    of_node.copy_from_slice(&pieces.into_labeling());
}

/// Tied pairs of nodes with the strength of the tie, ascending, a link and shared organisations apart; and the number of
/// organisations that were too large.
fn edges(counted: &Counted, standing: &Standing) -> (Vec<(u32, u32, f64)>, u64) {
    let mut edges: Vec<(u32, u32, f64)> = counted.node_pairs.iter().map(|&[a, b]| (a, b, 1.0)).collect();
    for &[a, b] in &counted.operator_pairs {
        let [one, others] = [a, b].map(|number| standing.nodes(End { level: Between::Operator, number }));
        for &one in one {
            edges.extend(others.iter().map(|&other| (one.min(other), one.max(other), 1.0)));
        }
    }
    edges.sort_by_key(|edge| (edge.0, edge.1));
    edges.dedup_by_key(|edge| (edge.0, edge.1));
    let (mut shared, mut left_out): (Vec<(u32, u32, f64)>, u64) = (Vec::new(), 0);
    for organisation in counted.organisations.iter().filter(|organisation| organisation.size > 1) {
        let by_firm = organisation.by_firm;
        let owned = |member: End| {
            let owner = move |node: u32| if by_firm { standing.firm(node) } else { member };
            standing.nodes(member).iter().map(move |&node| (owner(node), node))
        };
        let members: Vec<(End, u32)> = organisation.members().flat_map(owned).collect();
        if members.len() > LARGEST_BODY {
            left_out += 1;
            continue;
        }
        let weight = 1.0 / (organisation.size - 1) as f64;
        for (at, &(owner, one)) in members.iter().enumerate() {
            for &(_, other) in members[at + 1..].iter().filter(|(other, _)| *other != owner) {
                shared.push((one.min(other), one.max(other), weight));
            }
        }
    }
    // Added up in an order that no name decides.
    shared.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    let pairs = shared.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
    edges.extend(pairs.map(|pair| (pair[0].0, pair[0].1, pair.iter().map(|tie| tie.2).sum())));
    edges.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
    (edges, left_out)
}

/// The adjusted Rand index of two partitions, one pair of labels an item; `None` for fewer than two items, or where both
/// put all into one or all apart.
pub fn adjusted_rand(labels: &[(u32, u32)]) -> Option<f64> {
    let pairs = |count: u64| (count * count.saturating_sub(1) / 2) as f64;
    let mut both: BTreeMap<(u32, u32), u64> = BTreeMap::new();
    let (mut left, mut right): (BTreeMap<u32, u64>, BTreeMap<u32, u64>) = Default::default();
    for &(a, b) in labels {
        *both.entry((a, b)).or_default() += 1;
        *left.entry(a).or_default() += 1;
        *right.entry(b).or_default() += 1;
    }
    let sum = |counts: &mut dyn Iterator<Item = u64>| counts.map(pairs).sum::<f64>();
    let (index, a, b) = (sum(&mut both.into_values()), sum(&mut left.into_values()), sum(&mut right.into_values()));
    let all = pairs(labels.len() as u64);
    let (expected, greatest) = (a * b / all, (a + b) / 2.0);
    (all > 0.0 && greatest > expected).then(|| (index - expected) / (greatest - expected))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_order_as_numbers() {
        let numbers = [-3.5, -1e-300, -0.0, 0.0, 1e-300, 2.0, 1e300];
        assert!(numbers.windows(2).all(|pair| ordered(pair[0]) < ordered(pair[1])));
    }

    /// Two triangles with one tie between them (7 ties): apart they add 7 * 7 / (2 m^2) - 1 / m more to the modularity
    /// than together. That is above 0 for m = 7, and below for m = 100: what else there is decides, in the same part or not.
    #[test]
    fn parts_keep_the_resolution_of_the_whole() {
        let ties = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)].map(|(a, b)| (a, b, 1.0));
        let alone = search(6, &ties, false).unwrap();
        assert!(alone[0] == alone[2] && alone[3] == alone[5] && alone[2] != alone[3], "{alone:?}");
        let among: Vec<(usize, usize, f64)> = ties.into_iter().chain([(6, 7, 93.0)]).collect();
        let among = search(8, &among, false).unwrap();
        assert!(
            among[..6].iter().all(|one| *one == among[0]) && among[6] == among[7] && among[6] != among[0],
            "{among:?}"
        );
    }

    #[test]
    fn what_does_not_hang_together_is_taken_apart() {
        let mut of_node = [7, 7, 7, 7, 2];
        take_apart(&mut of_node, &[(0, 2, 1.0), (1, 3, 1.0), (3, 4, 1.0)]);
        let same = |a: usize, b: usize| of_node[a] == of_node[b];
        assert!(same(0, 2) && same(1, 3) && !same(0, 1) && !same(3, 4) && !same(0, 4), "{of_node:?}");
    }

    /// Cliques of six in a ring: rough or refined, each is a community.
    #[test]
    fn rough_communities_are_communities() {
        let clique = |first: usize| (0..6).flat_map(move |a| (0..a).map(move |b| (first + b, first + a, 1.0)));
        let ring = (0..20).map(|at| (6 * at, (6 * at + 7) % 120, 1.0)).map(|(a, b, tie)| (a.min(b), a.max(b), tie));
        let edges: Vec<(usize, usize, f64)> = (0..20).flat_map(|at| clique(6 * at)).chain(ring).collect();
        for is_rough in [false, true] {
            let found = search(120, &edges, is_rough).unwrap();
            assert!(found.chunks(6).all(|clique| clique.iter().all(|one| *one == clique[0])), "{is_rough}");
            let distinct: std::collections::BTreeSet<u32> = found.iter().copied().collect();
            assert_eq!(distinct.len(), 20, "{is_rough}");
        }
    }

    /// scikit-learn's documentation of `adjusted_rand_score`: 0.57 and 0.24.
    #[test]
    fn partitions_agree_as_in_scikit_learn() {
        let found = |a: [u32; 4], b: [u32; 4]| adjusted_rand(&a.into_iter().zip(b).collect::<Vec<_>>());
        assert_eq!(found([0, 0, 1, 1], [1, 1, 0, 0]), Some(1.0));
        assert!((found([0, 0, 1, 2], [0, 0, 1, 1]).unwrap() - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!(found([0, 0, 0, 0], [0, 1, 2, 3]), Some(0.0));
        assert_eq!(found([0, 0, 0, 0], [0, 0, 0, 0]), None);
    }
}
