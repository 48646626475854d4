//! Which ties count in which cluster and period, handed out to the clusters in one pass.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::network::{Organisation, TieSet};
use super::standing::{End, Resolved, Standing};
use crate::validate::TieTable;
use crate::validate::settings::Between;

/// Clusters up to which an organisation's clusters are paired with one another in `cluster_links.csv`.
pub const SPREAD: usize = 200;

/// What ties two clusters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Across {
    /// Pairs of facilities with a link.
    pub links: u64,
    /// Organisations with members in both, by number.
    pub organisations: Vec<u32>,
    /// Strength of both together.
    pub strength: f64,
}

/// The ties of one kind that count in one period.
pub struct Counted {
    /// One a unit of the period.
    pub sets: Vec<TieSet>,
    /// Whether a node is an end of a link or a member of an organisation.
    pub appears: Vec<bool>,
    /// Pairs of nodes with a link, ascending.
    pub node_pairs: Vec<[u32; 2]>,
    /// Pairs of operators with a link, ascending.
    pub operator_pairs: Vec<[u32; 2]>,
    /// Organisations with all their members, by number and level.
    pub organisations: Vec<Organisation>,
    /// Strength of the ties that leave each place.
    pub outer: Vec<f64>,
    /// Ties between two units of the period, the smaller first.
    pub between: BTreeMap<(u32, u32), Across>,
    /// Organisations in more than [`SPREAD`] units: in no pair of clusters.
    pub widespread: usize,
    /// Links between plants of one firm, in sources between operators: they tie nobody.
    pub within_firms: usize,
}

impl Counted {
    /// Hands the ties of one period to its units.
    pub fn new(tables: &[Resolved<'_>], period: Option<i64>, standing: &Standing) -> Self {
        let has_memberships = tables.iter().any(|source| !source.table.is_links());
        let is_directed = tables.iter().any(|source| source.table.directed);
        let is_potential = tables.iter().any(|source| source.table.between == Between::Sector);
        let empty = TieSet { has_memberships, is_directed, ..TieSet::default() };
        let mut counted = Self {
            sets: vec![empty; standing.units.len()],
            appears: vec![false; standing.rows.len()],
            node_pairs: Vec::new(),
            operator_pairs: Vec::new(),
            organisations: Vec::new(),
            outer: vec![0.0; standing.places],
            between: BTreeMap::new(),
            widespread: 0,
            within_firms: 0,
        };
        if is_potential {
            counted.potential(tables, period, standing);
            return counted;
        }
        let mut members: Vec<Member> = Vec::new();
        for source in tables {
            counted.read(source, period, standing, &mut members);
        }
        for pairs in [&mut counted.node_pairs, &mut counted.operator_pairs] {
            pairs.par_sort_unstable();
            pairs.dedup();
        }
        counted.hand_out_links(standing);
        members.par_sort_unstable();
        members.dedup();
        let same = members.chunk_by(|a, b| (a.organisation, a.between) == (b.organisation, b.between));
        counted.organisations = same.map(|same| organisation(same, standing)).collect();
        counted.hand_out_organisations(standing);
        for (set, outer) in counted.sets.iter_mut().zip(&counted.outer) {
            set.outer_strength = Some(*outer);
        }
        counted
    }

    /// Takes the rows of one source: pairs, members, and who appears.
    fn read(&mut self, source: &Resolved<'_>, period: Option<i64>, standing: &Standing, members: &mut Vec<Member>) {
        let between = source.table.between;
        let is_links = source.table.is_links();
        let mut listed: HashSet<u32> = HashSet::new();
        for (_, [from, to]) in source.counting(period) {
            if is_within_firm(source.table, [from, to], standing) {
                self.within_firms += 1;
                continue;
            }
            standing.nodes(from).iter().for_each(|&node| self.appears[node as usize] = true);
            if is_links {
                standing.nodes(to).iter().for_each(|&node| self.appears[node as usize] = true);
                self.link(source.table, [from, to], standing);
            } else {
                members.push(Member { organisation: to.number, between, member: from });
                listed.insert(to.number);
            }
        }
        for &[number, _] in source.perimeters.iter().filter(|[_, body]| listed.contains(body)) {
            let nodes = standing.nodes(End { level: Between::Facility, number });
            nodes.iter().for_each(|&node| self.appears[node as usize] = true);
        }
    }

    fn link(&mut self, table: &TieTable, [from, to]: [End; 2], standing: &Standing) {
        let pair = |a: u32, b: u32| if a <= b { [a, b] } else { [b, a] };
        if from.level == Between::Operator && to.level == Between::Operator {
            self.operator_pairs.push(pair(from.number, to.number));
            let far = standing.spread(to);
            for &(place, _) in standing.spread(from).iter().filter(|_| table.directed) {
                if standing.is_unit(place) && nodes_in(far, place) > 0 {
                    self.sets[place as usize].arcs.push((Between::Operator, [from.number, to.number]));
                }
            }
            return;
        }
        // Between operators: all sites of a firm that is tied to a plant, but not where both are one firm's.
        let of_firms = table.between == Between::Operator;
        for &a in standing.nodes(from) {
            for &b in standing.nodes(to).iter().filter(|&&b| a != b) {
                if of_firms && standing.firm(a) == standing.firm(b) {
                    continue;
                }
                self.node_pairs.push(pair(a, b));
                let place = standing.place[a as usize];
                if table.directed && standing.is_unit(place) && place == standing.place[b as usize] {
                    let arc = [a, b].map(|node| standing.position[node as usize]);
                    self.sets[place as usize].arcs.push((Between::Facility, arc));
                }
            }
        }
    }

    fn hand_out_links(&mut self, standing: &Standing) {
        for &[a, b] in &self.node_pairs {
            let places = [a, b].map(|node| standing.place[node as usize]);
            if places[0] == places[1] {
                let ends = [a, b].map(|node| standing.position[node as usize]);
                self.sets[places[0] as usize].links.push((Between::Facility, ends));
                continue;
            }
            let [left, right] = [a, b].map(|node| standing.names[node as usize][0]);
            let firms = left.zip(right).map(|(left, right)| [left.min(right), left.max(right)]);
            // A link between their operators says it already.
            if firms.is_none_or(|firms| self.operator_pairs.binary_search(&firms).is_err()) {
                places.iter().for_each(|&place| self.outer[place as usize] += 1.0);
                add_links(&mut self.between, standing, places, 1);
            }
        }
        for &[a, b] in &self.operator_pairs {
            let [left, right] = [a, b].map(|number| standing.spread(End { level: Between::Operator, number }));
            for (one, other, is_first) in [(left, right, true), (right, left, false)] {
                let all: u64 = other.iter().map(|(_, count)| count).sum();
                for &(place, count) in one {
                    let here = nodes_in(other, place);
                    self.outer[place as usize] += (count * (all - here)) as f64;
                    if here > 0 && is_first && standing.is_unit(place) {
                        self.sets[place as usize].links.push((Between::Operator, [a, b]));
                    }
                }
            }
            for &(place, count) in left.iter().filter(|(place, _)| standing.is_unit(*place)) {
                for &(other, others) in right.iter().filter(|(other, _)| standing.is_unit(*other) && *other != place) {
                    add_links(&mut self.between, standing, [place, other], count * others);
                }
            }
        }
    }

    fn hand_out_organisations(&mut self, standing: &Standing) {
        for organisation in std::mem::take(&mut self.organisations) {
            let weight = if organisation.size > 1 { 1.0 / (organisation.size - 1) as f64 } else { 0.0 };
            // Facilities of each member in each place.
            let mut counts: BTreeMap<u32, Vec<(u32, u64)>> = BTreeMap::new();
            let mut of_member: Vec<u64> = Vec::with_capacity(organisation.members.len());
            for (at, spread) in spreads(&organisation, standing).into_iter().enumerate() {
                of_member.push(spread.iter().map(|(_, count)| count).sum());
                for &(place, count) in &*spread {
                    counts.entry(place).or_default().push((at as u32, count));
                }
            }
            let all: u64 = of_member.iter().sum();
            let units: Vec<u32> = counts.keys().copied().filter(|&place| standing.is_unit(place)).collect();
            for (&place, here) in &counts {
                let total: u64 = here.iter().map(|(_, count)| count).sum();
                let pairs: u64 =
                    here.iter().map(|&(at, count)| count * ((all - total) - (of_member[at as usize] - count))).sum();
                self.outer[place as usize] += pairs as f64 * weight;
                if standing.is_unit(place) {
                    let members = match organisation.between {
                        Between::Facility => {
                            let nodes = organisation.members().flat_map(|member| standing.nodes(member));
                            let here = nodes.filter(|&&node| standing.place[node as usize] == place);
                            here.map(|&node| standing.position[node as usize]).collect()
                        }
                        _ => here.iter().map(|&(at, _)| organisation.members[at as usize]).collect(),
                    };
                    self.sets[place as usize].organisations.push(Organisation { members, ..organisation });
                }
            }
            if units.len() > SPREAD {
                self.widespread += 1;
            } else {
                self.pair_up(&organisation, weight, &units, &counts);
            }
            self.organisations.push(organisation);
        }
    }

    fn pair_up(
        &mut self,
        organisation: &Organisation,
        weight: f64,
        units: &[u32],
        counts: &BTreeMap<u32, Vec<(u32, u64)>>,
    ) {
        for (at, a) in units.iter().enumerate() {
            let total: u64 = counts[a].iter().map(|(_, count)| count).sum();
            for b in &units[at + 1..] {
                let pairs: u64 =
                    counts[b].iter().map(|&(member, count)| count * (total - nodes_in(&counts[a], member))).sum();
                if pairs > 0 && weight > 0.0 {
                    let entry = self.between.entry((*a, *b)).or_default();
                    entry.organisations.push(organisation.number);
                    entry.strength += pairs as f64 * weight;
                }
            }
        }
    }

    /// Ties between sectors: what facilities of two sectors might exchange, in every unit that has both.
    fn potential(&mut self, tables: &[Resolved<'_>], period: Option<i64>, standing: &Standing) {
        let ends = tables.iter().flat_map(|source| source.counting(period)).map(|(_, ends)| ends);
        let pairs: HashSet<[u32; 2]> = ends.map(|ends| ends.map(|end| end.number)).collect();
        for (nodes, set) in standing.nodes_of.iter().zip(&mut self.sets) {
            let mut sectors: Vec<u32> = nodes.iter().filter_map(|&node| standing.names[node as usize][1]).collect();
            sectors.sort_unstable();
            sectors.dedup();
            for (at, &a) in sectors.iter().enumerate() {
                for &b in &sectors[at..] {
                    if pairs.contains(&[a, b]) || pairs.contains(&[b, a]) {
                        set.links.push((Between::Sector, [a, b]));
                    }
                }
            }
        }
    }
}

/// A member of an organisation, as some source has it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    organisation: u32,
    /// What the source's members are; among operators there may be plants.
    between: Between,
    member: End,
}

/// One organisation of its members. Where operators and plants of operators are members of one, it is one of facilities
/// that ties those of different firms alone.
fn organisation(same: &[Member], standing: &Standing) -> Organisation {
    let Member { organisation: number, between, .. } = same[0];
    if same.iter().all(|member| member.member.level == between) {
        let members = same.iter().map(|member| member.member.number).collect();
        return Organisation { number, between, by_firm: false, size: same.len(), members };
    }
    let firm = |member: &Member| match (member.member.level, standing.nodes(member.member)) {
        (Between::Facility, [node, ..]) => standing.firm(*node),
        _ => member.member,
    };
    let nodes = same.iter().flat_map(|member| standing.nodes(member.member));
    let members: BTreeSet<u32> = nodes.map(|&node| standing.facility[node as usize]).collect();
    Organisation {
        number,
        between: Between::Facility,
        by_firm: true,
        size: same.iter().map(firm).collect::<BTreeSet<End>>().len(),
        members: members.into_iter().collect(),
    }
}

/// Whether a link of a source between operators has sites of one firm alone at both ends.
fn is_within_firm(table: &TieTable, ends: [End; 2], standing: &Standing) -> bool {
    // Two operators of one link are two firms.
    let names_plant = ends.iter().any(|end| end.level == Between::Facility);
    if table.between != Between::Operator || !table.is_links() || !names_plant {
        return false;
    }
    let nodes = || ends.iter().flat_map(|&end| standing.nodes(end));
    let firms: BTreeSet<End> = nodes().map(|&node| standing.firm(node)).collect();
    ends.iter().all(|end| !standing.nodes(*end).is_empty()) && firms.len() == 1
}

/// How many facilities of each member (of each firm, where it ties firms) stand in which place.
fn spreads<'a>(organisation: &Organisation, standing: &'a Standing) -> Vec<Cow<'a, [(u32, u64)]>> {
    if !organisation.by_firm {
        return organisation.members().map(|member| standing.spread(member).into()).collect();
    }
    let mut of_firm: BTreeMap<End, BTreeMap<u32, u64>> = BTreeMap::new();
    for &node in organisation.members().flat_map(|member| standing.nodes(member)) {
        *of_firm.entry(standing.firm(node)).or_default().entry(standing.place[node as usize]).or_default() += 1;
    }
    of_firm.into_values().map(|places| places.into_iter().collect()).collect()
}

fn add_links(between: &mut BTreeMap<(u32, u32), Across>, standing: &Standing, places: [u32; 2], links: u64) {
    if places.iter().all(|&place| standing.is_unit(place)) {
        let entry = between.entry((places[0].min(places[1]), places[0].max(places[1]))).or_default();
        entry.links += links;
        entry.strength += links as f64;
    }
}

/// The count of an entry; 0 where there is none.
fn nodes_in(counts: &[(u32, u64)], entry: u32) -> u64 {
    counts.binary_search_by_key(&entry, |found| found.0).map_or(0, |at| counts[at].1)
}

/// One row of a source that counts in a cluster: where a tie comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "[u32; 3]", into = "[u32; 3]")]
pub struct Trace {
    /// The unit that it concerns.
    pub unit: u32,
    /// The source, as a position in the list of all.
    pub table: u32,
    /// The row of the source.
    pub row: u32,
}

impl From<[u32; 3]> for Trace {
    fn from([unit, table, row]: [u32; 3]) -> Self {
        Self { unit, table, row }
    }
}

impl From<Trace> for [u32; 3] {
    fn from(Trace { unit, table, row }: Trace) -> Self {
        [unit, table, row]
    }
}

/// The rows of a source that name a facility of a unit, or its operator, in the unit's period.
pub fn traces(source: &Resolved<'_>, standing: &Standing, period: Option<i64>) -> Vec<Trace> {
    let mut traces = Vec::new();
    let mut units: Vec<u32> = Vec::new();
    for (row, [from, to]) in source.counting(period) {
        if is_within_firm(source.table, [from, to], standing) {
            continue;
        }
        let ends = if source.table.is_links() { &[from, to][..] } else { &[from] };
        let places = ends.iter().flat_map(|&end| standing.spread(end)).map(|found| found.0);
        units.clear();
        units.extend(places.filter(|&place| standing.is_unit(place)));
        units.sort_unstable();
        units.dedup();
        let table = source.position as u32;
        let trace = |&unit: &u32| Trace { unit: standing.units[unit as usize] as u32, table, row: row as u32 };
        traces.extend(units.iter().map(trace));
    }
    traces
}
