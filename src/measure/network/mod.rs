//! Figures over the ties of one kind within one cluster and period: a simple undirected graph of its observed
//! facilities, by [`Classes`] and never stored as a list of pairs.

mod classes;
mod cuts;
mod paths;
mod structure;

use std::collections::{BTreeMap, BTreeSet};

pub use classes::Classes;
use rayon::prelude::*;

use super::concentration::sum;
use super::standing::End;
use crate::names;
use crate::validate::settings::Between;

/// The names of the figures that are numbers, without the kind.
pub const FIGURES: [&str; 18] = [
    names::OBSERVED_SHARE,
    names::OBSERVED_EMISSION_SHARE,
    "linked_share",
    "linked_emission_share",
    "density",
    "mean_degree",
    "largest_component_share",
    "largest_organisation_share",
    "strength",
    "clustering",
    "reciprocity",
    "centralisation",
    "mean_path_length",
    "bridge_count",
    "articulation_firm_count",
    "ei_index",
    "sector_assortativity",
    "organisation_count",
];

/// The figure that is a name, without the kind.
pub const ANCHOR: &str = "anchor_organisation";

/// A facility of the cluster.
#[derive(Debug, Clone, Copy)]
pub struct Vertex {
    /// Number of its operator.
    pub operator: Option<u32>,
    /// Number of its sector.
    pub sector: Option<u32>,
    /// Its emissions, t.
    pub emissions_t: Option<f64>,
    /// Whether a source of the kind declares it observed, or it appears in one.
    pub observed: bool,
}

/// Ties of one kind that count in the period, within one cluster. What an end or member is depends on the level:
/// the position of a node, the number of an operator, the number of a sector.
#[derive(Debug, Clone, Default)]
pub struct TieSet {
    /// Links, each with its level.
    pub links: Vec<(Between, [u32; 2])>,
    /// Those of them whose direction means something.
    pub arcs: Vec<(Between, [u32; 2])>,
    /// Whether any source of the kind is directed.
    pub is_directed: bool,
    /// Organisations with a member here.
    pub organisations: Vec<Organisation>,
    /// Whether any membership source of the kind is declared.
    pub has_memberships: bool,
    /// Strength of the ties between facilities here and elsewhere; `None` where that means nothing.
    pub outer_strength: Option<f64>,
}

impl TieSet {
    /// The tied pairs, each once, where all ties are links between facilities, of which each is an end that was met and so
    /// observed; else `None`.
    pub fn plain_pairs(&self) -> Option<impl Iterator<Item = [u32; 2]>> {
        let is_plain = self.organisations.is_empty() && self.links.iter().all(|link| link.0 == Between::Facility);
        let in_order = |&(_, [a, b]): &(Between, [u32; 2])| [a.min(b), a.max(b)];
        is_plain.then(|| {
            let mut pairs: Vec<[u32; 2]> = self.links.iter().map(in_order).filter(|[a, b]| a != b).collect();
            pairs.par_sort_unstable();
            pairs.dedup();
            pairs.into_iter()
        })
    }
}

/// An organisation as a cluster sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Organisation {
    /// Its number among all.
    pub number: u32,
    /// What its members are.
    pub between: Between,
    /// Whether it ties facilities of different firms alone, though its members are facilities.
    pub by_firm: bool,
    /// Its members here.
    pub members: Vec<u32>,
    /// All its members in the register, here or not.
    pub size: usize,
}

impl Organisation {
    /// Its members, with what they are.
    pub fn members(&self) -> impl Iterator<Item = End> {
        self.members.iter().map(|&number| End { level: self.between, number })
    }
}

/// The figures of one kind, cluster and period.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NetworkFigures {
    /// One a name of [`FIGURES`].
    pub numbers: [Option<f64>; FIGURES.len()],
    /// Number of the organisation with the greatest reach.
    pub anchor: Option<u32>,
    /// Strength of all ties within the cluster.
    pub inner_strength: f64,
}

/// Computes the figures.
///
/// Where no facility is observed, the two observed shares are 0 and all others `None`: nobody asked is not nobody linked.
pub fn figures(nodes: &[Vertex], ties: &TieSet) -> NetworkFigures {
    let all = nodes.len() as f64;
    let observed: Vec<usize> = (0..nodes.len()).filter(|&node| nodes[node].observed).collect();
    let mut found = NetworkFigures::default();
    found.numbers[..2].copy_from_slice(&[Some(0.0), Some(0.0)]);
    if observed.is_empty() {
        return found;
    }
    let emissions = |members: &[usize]| sum(members.iter().map(|&node| nodes[node].emissions_t));
    let total = sum(nodes.iter().map(|node| node.emissions_t)).filter(|total| *total > 0.0);
    let share =
        |members: &[usize], of: Option<f64>| of.filter(|of| *of > 0.0).map(|of| emissions(members).unwrap_or(0.0) / of);
    let classes = Classes::new(nodes, &[ties]);
    let degrees: Vec<usize> = classes.all().map(|class| classes.degree(class)).collect();
    let tied = classes.all().zip(&degrees).filter(|(_, degree)| **degree > 0);
    let mut linked: Vec<usize> = tied.flat_map(|(class, _)| classes.nodes(class)).map(|&node| node as usize).collect();
    linked.sort_unstable();
    let (count, pairs) = (observed.len() as f64, classes.ties() as f64);
    let reach = reach(nodes, ties, |members| share(members, total));
    let greatest = reach.values().copied().fold(total.map(|_| 0.0_f64), |greatest, share| {
        greatest.zip(share).map(|(greatest, share)| greatest.max(share))
    });
    let components = structure::components(&classes, &degrees);
    let largest = components.iter().map(|component| component.size).max().unwrap_or(0);
    found.inner_strength = inner_strength(nodes, ties, pairs);
    let ends = [ties.outer_strength.unwrap_or(0.0), found.inner_strength];
    let outward = ties.outer_strength.filter(|_| ends[0] + ends[1] > 0.0);
    found.numbers = [
        Some(count / all),
        share(&observed, total),
        Some(linked.len() as f64 / count),
        share(&linked, emissions(&observed)),
        (observed.len() > 1).then(|| 2.0 * pairs / (count * (count - 1.0))),
        Some(2.0 * pairs / count),
        Some(if largest > 1 { largest as f64 / count } else { 0.0 }),
        if ties.has_memberships { greatest } else { None },
        Some(2.0 * found.inner_strength / count),
        Some(structure::clustering(&classes, &degrees)),
        reciprocity(ties),
        structure::centralisation(&classes, &degrees),
        structure::mean_path_length(nodes, &classes, &components),
        Some(structure::bridges(&classes) as f64),
        Some(structure::articulation_firms(nodes, ties) as f64),
        outward.map(|_| (ends[0] - ends[1]) / (ends[0] + ends[1])),
        structure::sector_assortativity(nodes, &classes),
        ties.has_memberships.then_some(reach.len() as f64),
    ];
    // Equal reach: the organisation whose name comes first.
    let widest = reach.iter().filter(|(_, share)| share.is_some() && **share == greatest);
    found.anchor = widest.map(|(number, _)| *number).min();
    found
}

/// Members of each organisation here, as positions of nodes.
fn members<'a>(nodes: &'a [Vertex], ties: &'a TieSet) -> impl Iterator<Item = (&'a Organisation, Vec<usize>)> {
    let mut of_operator: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let wanted = ties.organisations.iter().any(|organisation| organisation.between == Between::Operator);
    for (node, facility) in nodes.iter().enumerate().filter(|_| wanted) {
        of_operator.entry(facility.operator.unwrap_or(u32::MAX)).or_default().push(node);
    }
    ties.organisations.iter().map(move |organisation| {
        let members = organisation.members.iter();
        let mut found: Vec<usize> = match organisation.between {
            Between::Facility | Between::Sector => members.map(|&member| member as usize).collect(),
            Between::Operator => members.filter_map(|member| of_operator.get(member)).flatten().copied().collect(),
        };
        found.sort_unstable();
        found.dedup();
        (organisation, found)
    })
}

/// The share of the cluster's emissions that the members of each organisation hold.
fn reach(nodes: &[Vertex], ties: &TieSet, share: impl Fn(&[usize]) -> Option<f64>) -> BTreeMap<u32, Option<f64>> {
    let mut of_organisation: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (organisation, members) in members(nodes, ties).filter(|(_, members)| !members.is_empty()) {
        of_organisation.entry(organisation.number).or_default().extend(members);
    }
    let once = |mut members: Vec<usize>| {
        members.sort_unstable();
        members.dedup();
        members
    };
    of_organisation.into_iter().map(|(number, members)| (number, share(&once(members)))).collect()
}

/// Strength of the ties within a cluster: 1 for each pair with a link, and 1 / (members - 1) for each organisation that a
/// pair shares (Newman 2001).
fn inner_strength(nodes: &[Vertex], ties: &TieSet, pairs: f64) -> f64 {
    let linked = if ties.organisations.is_empty() {
        pairs
    } else if ties.links.is_empty() {
        0.0
    } else {
        let links = TieSet { links: ties.links.clone(), ..TieSet::default() };
        Classes::new(nodes, &[&links]).ties() as f64
    };
    let shared =
        members(nodes, ties).filter(|(organisation, _)| organisation.size > 1).map(|(organisation, members)| {
            let mut same: u64 = members.len() as u64;
            if organisation.between == Between::Operator || organisation.by_firm {
                let mut owners: BTreeMap<(Option<u32>, usize), u64> = BTreeMap::new();
                let firm = |node: usize| (nodes[node].operator, nodes[node].operator.map_or(node, |_| 0));
                members.iter().for_each(|&node| *owners.entry(firm(node)).or_default() += 1);
                same = owners.values().map(|count| count * count).sum();
            }
            let pairs = ((members.len() * members.len()) as u64 - same) / 2;
            pairs as f64 / (organisation.size - 1) as f64
        });
    // Smallest first, so that the order of organisations does not show.
    let mut parts: Vec<f64> = shared.collect();
    parts.sort_by(f64::total_cmp);
    linked + parts.into_iter().sum::<f64>()
}

/// The share of directed links that are answered by one the other way; `None` without a directed source or link.
fn reciprocity(ties: &TieSet) -> Option<f64> {
    let arcs: BTreeSet<(bool, u32, u32)> = ties
        .arcs
        .iter()
        .filter(|(_, [from, to])| from != to)
        .map(|(between, [from, to])| (*between == Between::Operator, *from, *to))
        .collect();
    let answered = arcs.iter().filter(|(level, from, to)| arcs.contains(&(*level, *to, *from))).count();
    (ties.is_directed && !arcs.is_empty()).then(|| answered as f64 / arcs.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Facilities of one firm each.
    fn nodes(count: u32) -> Vec<Vertex> {
        let node = |number| Vertex { operator: Some(number), sector: None, emissions_t: Some(1.0), observed: true };
        (0..count).map(node).collect()
    }

    fn value(found: &NetworkFigures, name: &str) -> Option<f64> {
        found.numbers[FIGURES.iter().position(|figure| *figure == name).unwrap()]
    }

    fn expect(found: &NetworkFigures, figures: &serde_json::Value) {
        for (ours, theirs) in [
            ("linked_share", "linked_share"),
            ("density", "density"),
            ("mean_degree", "mean_degree"),
            ("largest_component_share", "largest_component_share"),
            ("clustering", "average_clustering"),
            ("centralisation", "degree_centralisation_freeman"),
            ("mean_path_length", "mean_shortest_path_largest"),
        ] {
            let wanted = figures[theirs].as_f64().unwrap();
            let error = (value(found, ours).unwrap() - wanted).abs();
            assert!(error <= 1e-9 * wanted, "{ours}: {:?} instead of {wanted}", value(found, ours));
        }
        for (ours, theirs) in [("bridge_count", "bridges"), ("articulation_firm_count", "articulation_points")] {
            assert_eq!(value(found, ours), Some(figures[theirs].as_array().unwrap().len() as f64), "{ours}");
        }
    }

    fn rows(path: &str) -> Vec<(String, String)> {
        let rows = csv::Reader::from_path(path).unwrap().into_records().map(|row| row.unwrap());
        rows.map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
    }

    fn expected() -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string("tests/oracles/network/figures.json").unwrap()).unwrap()
    }

    fn edges(name: &str) -> Vec<[u32; 2]> {
        let rows = rows(&format!("tests/oracles/network/{name}_edges.csv"));
        rows.iter().map(|(a, b)| [a.parse().unwrap(), b.parse().unwrap()]).collect()
    }

    /// tests/oracles/network: networkx.
    #[test]
    fn links_agree_with_networkx() {
        for (name, count) in [("karate", 34), ("random_directed", 60)] {
            for between in [Between::Facility, Between::Operator] {
                let links: Vec<_> = edges(name).into_iter().map(|ends| (between, ends)).collect();
                let is_directed = name == "random_directed";
                let ties = TieSet { arcs: links.clone(), links, is_directed, ..TieSet::default() };
                let found = figures(&nodes(count), &ties);
                expect(&found, &expected()[name]);
                let reciprocity = expected()[name]["reciprocity_directed"].as_f64();
                assert_eq!(value(&found, "reciprocity").is_some(), reciprocity.is_some());
                let error = value(&found, "reciprocity").unwrap_or(0.0) - reciprocity.unwrap_or(0.0);
                assert!(error.abs() <= 1e-9, "{name}");
            }
        }
    }

    /// tests/oracles/network: networkx, the karate club by its two groups.
    #[test]
    fn sectors_mix_as_in_networkx() {
        let groups = rows("tests/oracles/network/karate_groups.csv");
        let mut karate = nodes(34);
        for (id, group) in &groups {
            karate[id.parse::<usize>().unwrap()].sector = Some(u32::from(group == "hi"));
        }
        let links = edges("karate").into_iter().map(|ends| (Between::Facility, ends)).collect();
        let found = figures(&karate, &TieSet { links, ..TieSet::default() });
        let wanted = expected()["karate"]["attribute_assortativity"].as_f64().unwrap();
        assert!((value(&found, "sector_assortativity").unwrap() - wanted).abs() <= 1e-9);
    }

    fn bodies(between: Between) -> TieSet {
        let rows = rows("tests/oracles/network/memberships.csv");
        let mut bodies: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (member, body) in &rows {
            bodies.entry(body).or_default().push(member.strip_prefix("firm").unwrap().parse().unwrap());
        }
        let organisation = |(number, members): (usize, Vec<u32>)| Organisation {
            number: number as u32,
            between,
            by_firm: false,
            size: members.len(),
            members,
        };
        let organisations = bodies.into_values().enumerate().map(organisation).collect();
        TieSet { organisations, has_memberships: true, ..TieSet::default() }
    }

    /// tests/oracles/network: networkx; and Newman's weights, one row a pair.
    #[test]
    fn memberships_agree_with_networkx() {
        let weights = csv::Reader::from_path("tests/oracles/network/projection_newman.csv").unwrap().into_records();
        let total: f64 = weights.map(|row| row.unwrap()[2].parse::<f64>().unwrap()).sum();
        for between in [Between::Facility, Between::Operator] {
            let found = figures(&nodes(40), &bodies(between));
            expect(&found, &expected()["memberships_projection"]);
            assert!((found.inner_strength - total).abs() <= 1e-9 * total, "{} of {total}", found.inner_strength);
            assert!((value(&found, "strength").unwrap() - 2.0 * total / 40.0).abs() <= 1e-9);
        }
    }

    /// Two sites of one operator in one body are no inter-firm link; nobody asked is not nobody linked.
    #[test]
    fn one_firm_is_no_network_and_silence_is_no_absence() {
        let node = |observed| Vertex { operator: Some(7), sector: None, emissions_t: Some(2.0), observed };
        let members = vec![7];
        let organisation = Organisation { number: 3, between: Between::Operator, by_firm: false, members, size: 1 };
        let ties = TieSet { organisations: vec![organisation], has_memberships: true, ..TieSet::default() };
        let asked = figures(&[node(true), node(true)], &ties);
        let first = [Some(1.0), Some(1.0), Some(0.0), Some(0.0), Some(0.0), Some(0.0), Some(0.0), Some(1.0), Some(0.0)];
        assert_eq!(asked.numbers[..9], first);
        assert_eq!(asked.anchor, Some(3));
        let silent = figures(&[node(false), node(false)], &TieSet { has_memberships: true, ..TieSet::default() });
        assert_eq!(silent.numbers[..2], [Some(0.0), Some(0.0)]);
        assert!(silent.numbers[2..].iter().all(Option::is_none) && silent.anchor.is_none());
    }

    /// All figures of random mixtures of links and bodies at both levels against the same ties written out pair by pair.
    #[test]
    fn classes_are_as_good_as_pairs() {
        use rand_chacha::rand_core::{Rng, SeedableRng};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(6);
        let mut below = |limit: u32| random.next_u32() % limit;
        for _ in 0..400 {
            let (nodes, ties) = mixture(&mut below);
            let pairs = written_out(&nodes, &ties);
            let links = pairs.iter().map(|&(a, b)| (Between::Facility, [a, b])).collect();
            let plain = figures(&nodes, &TieSet { links, ..TieSet::default() });
            let found = figures(&nodes, &ties);
            assert_eq!(
                Classes::new(&nodes, &[&ties]).pairs(&nodes),
                pairs.iter().copied().collect::<Vec<_>>(),
                "{nodes:?} {ties:?}"
            );
            for name in [
                "linked_share",
                "density",
                "largest_component_share",
                "clustering",
                "centralisation",
                "mean_path_length",
                "bridge_count",
                "articulation_firm_count",
                "sector_assortativity",
            ] {
                let (a, b) = (value(&found, name), value(&plain, name));
                let near = a.is_some() == b.is_some() && (a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() < 1e-12;
                assert!(near, "{name}: {a:?}, by pairs {b:?}: {nodes:?} {ties:?}");
            }
        }
    }

    fn mixture(below: &mut dyn FnMut(u32) -> u32) -> (Vec<Vertex>, TieSet) {
        let count = 3 + below(14);
        let firms = 1 + below(count);
        let mut node = || Vertex {
            operator: (below(8) > 0).then(|| below(firms)),
            sector: (below(5) > 0).then(|| below(3)),
            emissions_t: Some(1.0),
            observed: true,
        };
        let nodes: Vec<Vertex> = (0..count).map(|_| node()).collect();
        let mut ties = TieSet { has_memberships: true, ..TieSet::default() };
        for _ in 0..below(4) {
            ties.links.push((Between::Facility, [below(count), below(count)]));
        }
        for _ in 0..below(3) {
            ties.links.push((Between::Operator, [below(firms), below(firms)]));
        }
        for number in 0..below(4) {
            let between = if below(2) == 0 { Between::Facility } else { Between::Operator };
            let limit = if between == Between::Facility { count } else { firms };
            let mut members: Vec<u32> = (0..below(8)).map(|_| below(limit)).collect();
            members.sort_unstable();
            members.dedup();
            let by_firm = between == Between::Facility && below(2) == 0;
            ties.organisations.push(Organisation { number, between, by_firm, size: members.len(), members });
        }
        (nodes, ties)
    }

    /// The ties of docs/method/3-measure.md, word by word: every pair looked at by itself.
    fn written_out(nodes: &[Vertex], ties: &TieSet) -> BTreeSet<(u32, u32)> {
        let owner = |node: u32, between: Between| match between {
            Between::Operator => nodes[node as usize].operator,
            _ => Some(node),
        };
        let all = 0..nodes.len() as u32;
        let pairs = all.clone().flat_map(|a| all.clone().map(move |b| (a, b))).filter(|(a, b)| a < b);
        let tied = |&(a, b): &(u32, u32)| {
            let linked = ties.links.iter().any(|&(between, [from, to])| {
                let ends = (owner(a, between), owner(b, between));
                from != to && (ends == (Some(from), Some(to)) || ends == (Some(to), Some(from)))
            });
            linked
                || ties.organisations.iter().any(|organisation| {
                    let one_firm = owner(a, Between::Operator).is_some()
                        && owner(a, Between::Operator) == owner(b, Between::Operator);
                    let (a, b) = (owner(a, organisation.between), owner(b, organisation.between));
                    let member = |owner: Option<u32>| owner.is_some_and(|owner| organisation.members.contains(&owner));
                    a != b && member(a) && member(b) && !(organisation.by_firm && one_firm)
                })
        };
        pairs.filter(tied).collect()
    }
}
