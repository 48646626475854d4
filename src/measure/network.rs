//! Figures over the ties of one kind within one cluster and period: a simple undirected graph of its observed
//! facilities, never stored as a list of pairs.

use std::collections::{BTreeMap, HashMap};

use petgraph::unionfind::UnionFind;

use super::concentration::sum;
use crate::validate::settings::Between;

/// The names of the figures, without the kind.
pub const FIGURES: [&str; 8] = [
    "observed_share",
    "observed_emission_share",
    "linked_share",
    "linked_emission_share",
    "density",
    "mean_degree",
    "largest_component_share",
    "largest_organisation_share",
];

/// A facility of the cluster.
#[derive(Debug, Clone, Copy)]
pub struct Node<'a> {
    /// Its id.
    pub id: &'a str,
    /// Its operator.
    pub operator: Option<&'a str>,
    /// Its emissions, t.
    pub emissions_t: Option<f64>,
    /// Whether a source of the kind declares it observed, or it appears in one.
    pub observed: bool,
}

/// Ties of one kind that count in the period, by what they join. Ends outside of the cluster do no harm.
#[derive(Debug, Clone, Default)]
pub struct TieSet<'a> {
    /// Pairs of facility ids.
    pub facility_links: Vec<(&'a str, &'a str)>,
    /// Pairs of operators.
    pub operator_links: Vec<(&'a str, &'a str)>,
    /// Organisations, each with members of one sort.
    pub organisations: Vec<(Between, Vec<&'a str>)>,
    /// Whether any membership source of the kind is declared.
    pub has_memberships: bool,
}

/// The graph by groups: nodes of one group are tied where their owners differ.
pub struct Graph<'a> {
    nodes: &'a [Node<'a>],
    owner: Vec<[usize; 2]>,
    direct: Vec<Vec<usize>>,
    groups: Vec<(Between, Vec<usize>)>,
    group_of: Vec<Vec<usize>>,
}

/// Computes the eight figures of [`FIGURES`], in their order.
///
/// Where no facility is observed, the first two are 0 and all others `None`: nobody asked is not nobody linked.
pub fn figures(nodes: &[Node<'_>], ties: &TieSet<'_>) -> [Option<f64>; 8] {
    let all = nodes.len() as f64;
    let observed: Vec<usize> = (0..nodes.len()).filter(|&node| nodes[node].observed).collect();
    let emissions = |members: &[usize]| sum(members.iter().map(|&node| nodes[node].emissions_t));
    let everyone: Vec<usize> = (0..nodes.len()).collect();
    let total = emissions(&everyone).filter(|total| *total > 0.0);
    if observed.is_empty() {
        return [Some(0.0), Some(0.0), None, None, None, None, None, None];
    }
    let share =
        |members: &[usize], of: Option<f64>| of.filter(|of| *of > 0.0).map(|of| emissions(members).unwrap_or(0.0) / of);
    let graph = Graph::new(nodes, ties);
    let degrees = graph.degrees();
    let linked: Vec<usize> = observed.iter().copied().filter(|&node| degrees[node] > 0).collect();
    let count = observed.len() as f64;
    let ends: usize = degrees.iter().sum();
    let largest = graph.largest_component();
    let organisations = graph.groups.iter();
    let greatest = organisations
        .map(|(_, members)| share(members, total))
        .fold(total.map(|_| 0.0_f64), |a, b| a.zip(b).map(|(a, b)| a.max(b)));
    [
        Some(count / all),
        share(&observed, total),
        Some(linked.len() as f64 / count),
        share(&linked, emissions(&observed)),
        (observed.len() > 1).then(|| ends as f64 / (count * (count - 1.0))),
        Some(ends as f64 / count),
        Some(if largest > 1 { largest as f64 / count } else { 0.0 }),
        if ties.has_memberships { greatest } else { None },
    ]
}

impl<'a> Graph<'a> {
    /// Lays the ties over the nodes of a cluster.
    pub fn new(nodes: &'a [Node<'a>], ties: &TieSet<'_>) -> Self {
        let by_id: HashMap<&str, usize> =
            nodes.iter().enumerate().map(|(node, facility)| (facility.id, node)).collect();
        let mut by_operator: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (node, facility) in nodes.iter().enumerate() {
            if let Some(operator) = facility.operator {
                by_operator.entry(operator).or_default().push(node);
            }
        }
        let number: HashMap<&str, usize> =
            by_operator.keys().enumerate().map(|(number, operator)| (*operator, number)).collect();
        let owner = |(node, facility): (usize, &Node<'_>)| {
            [node, facility.operator.map_or(usize::MAX, |operator| number[operator])]
        };
        let mut graph = Self {
            nodes,
            owner: nodes.iter().enumerate().map(owner).collect(),
            direct: vec![Vec::new(); nodes.len()],
            groups: Vec::new(),
            group_of: vec![Vec::new(); nodes.len()],
        };
        for (a, b) in &ties.facility_links {
            if let (Some(&a), Some(&b)) = (by_id.get(a), by_id.get(b))
                && a != b
            {
                graph.direct[a].push(b);
                graph.direct[b].push(a);
            }
        }
        for (between, members) in &ties.organisations {
            let mut group: Vec<usize> = match between {
                Between::Facility => members.iter().filter_map(|member| by_id.get(member).copied()).collect(),
                Between::Operator => {
                    members.iter().filter_map(|member| by_operator.get(member)).flatten().copied().collect()
                }
            };
            group.sort_unstable();
            group.dedup();
            graph.add_group(*between, group);
        }
        graph.link_operators(&ties.operator_links, &by_operator);
        graph
    }

    fn link_operators(&mut self, links: &[(&str, &str)], by_operator: &BTreeMap<&str, Vec<usize>>) {
        for (a, b) in links {
            if let (Some(left), Some(right)) = (by_operator.get(a), by_operator.get(b))
                && a != b
            {
                left.iter().for_each(|&node| self.direct[node].extend(right));
                right.iter().for_each(|&node| self.direct[node].extend(left));
            }
        }
    }

    fn add_group(&mut self, between: Between, members: Vec<usize>) {
        members.iter().for_each(|&member| self.group_of[member].push(self.groups.len()));
        self.groups.push((between, members));
    }

    fn tied(&self, between: Between, a: usize, b: usize) -> bool {
        let side = usize::from(between == Between::Operator);
        self.owner[a][side] != self.owner[b][side]
    }

    /// Distinct neighbours of a node, ascending; `mark` is scratch, one entry a node.
    pub fn neighbours(&self, node: usize, mark: &mut [usize]) -> Vec<usize> {
        let grouped = self.group_of[node].iter().flat_map(|&group| {
            let (between, members) = &self.groups[group];
            members.iter().copied().filter(move |&other| self.tied(*between, node, other))
        });
        let mut neighbours = Vec::new();
        for other in self.direct[node].iter().copied().chain(grouped) {
            if mark[other] != node + 1 && other != node {
                mark[other] = node + 1;
                neighbours.push(other);
            }
        }
        neighbours.sort_unstable();
        neighbours
    }

    fn degrees(&self) -> Vec<usize> {
        let mut mark = vec![0; self.nodes.len()];
        (0..self.nodes.len()).map(|node| self.neighbours(node, &mut mark).len()).collect()
    }

    fn largest_component(&self) -> usize {
        let mut sets = UnionFind::new(self.nodes.len());
        for (node, others) in self.direct.iter().enumerate() {
            others.iter().for_each(|&other| {
                sets.union(node, other);
            });
        }
        for (between, members) in &self.groups {
            // Members with one owner are tied only through a member with another.
            let Some(&first) = members.first() else { continue };
            if members.iter().any(|&member| self.tied(*between, first, member)) {
                members.iter().for_each(|&member| {
                    sets.union(first, member);
                });
            }
        }
        let mut sizes: HashMap<usize, usize> = HashMap::new();
        sets.into_labeling().into_iter().for_each(|set| *sizes.entry(set).or_default() += 1);
        sizes.into_values().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes<'a>(ids: &'a [String]) -> Vec<Node<'a>> {
        ids.iter().map(|id| Node { id, operator: Some(id), emissions_t: Some(1.0), observed: true }).collect()
    }

    fn expect(found: &[Option<f64>; 8], figures: &serde_json::Value) {
        for (name, position) in
            [("linked_share", 2), ("density", 4), ("mean_degree", 5), ("largest_component_share", 6)]
        {
            let wanted = figures[name].as_f64().unwrap();
            let error = (found[position].unwrap() - wanted).abs();
            assert!(error <= 1e-9 * wanted, "{name}: {:?} instead of {wanted}", found[position]);
        }
    }

    fn pairs(path: &str) -> Vec<(String, String)> {
        let rows = csv::Reader::from_path(path).unwrap().into_records().map(|row| row.unwrap());
        rows.map(|row| (row[0].to_owned(), row[1].to_owned())).collect()
    }

    fn expected() -> serde_json::Value {
        serde_json::from_str(&std::fs::read_to_string("tests/oracles/network/figures.json").unwrap()).unwrap()
    }

    /// tests/oracles/network: networkx.
    #[test]
    fn links_agree_with_networkx() {
        for (name, count) in [("karate", 34), ("random_directed", 60)] {
            let edges = pairs(&format!("tests/oracles/network/{name}_edges.csv"));
            let ids: Vec<String> = (0..count).map(|node| node.to_string()).collect();
            let edges: Vec<(&str, &str)> = edges.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            let facility = TieSet { facility_links: edges.clone(), ..TieSet::default() };
            let operator = TieSet { operator_links: edges, ..TieSet::default() };
            expect(&figures(&nodes(&ids), &facility), &expected()[name]);
            expect(&figures(&nodes(&ids), &operator), &expected()[name]);
        }
    }

    #[test]
    fn memberships_agree_with_networkx() {
        let rows = pairs("tests/oracles/network/memberships.csv");
        let mut bodies: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        rows.iter().for_each(|(member, body)| bodies.entry(body).or_default().push(member));
        let ids: Vec<String> = (0..40).map(|node| format!("firm{node}")).collect();
        for between in [Between::Facility, Between::Operator] {
            let organisations = bodies.values().map(|members| (between, members.clone())).collect();
            let ties = TieSet { organisations, has_memberships: true, ..TieSet::default() };
            expect(&figures(&nodes(&ids), &ties), &expected()["memberships_projection"]);
        }
    }

    /// Two sites of one operator in one body are no inter-firm link; nobody asked is not nobody linked.
    #[test]
    fn one_firm_is_no_network_and_silence_is_no_absence() {
        let node = |id, observed| Node { id, operator: Some("o"), emissions_t: Some(2.0), observed };
        let ties =
            TieSet { organisations: vec![(Between::Operator, vec!["o"])], has_memberships: true, ..TieSet::default() };
        let asked = figures(&[node("a", true), node("b", true)], &ties);
        assert_eq!(asked, [Some(1.0), Some(1.0), Some(0.0), Some(0.0), Some(0.0), Some(0.0), Some(0.0), Some(1.0)]);
        let silent =
            figures(&[node("a", false), node("b", false)], &TieSet { has_memberships: true, ..TieSet::default() });
        assert_eq!(silent, [Some(0.0), Some(0.0), None, None, None, None, None, None]);
    }
}
