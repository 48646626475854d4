//! Which ties count in which cluster and period: names turned to numbers once, then handed out to the clusters in one pass.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use polars::prelude::*;
use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::Unit;
use super::network::{Classes, Node, Organisation, TieSet};
use crate::error::{Error, Result};
use crate::validate::settings::Between;
use crate::validate::{Facilities, LinkRow, TieTable, Ties};

/// Clusters up to which an organisation's clusters are paired with one another in `cluster_links.csv`.
pub const SPREAD: usize = 200;

const NOWHERE: u32 = u32::MAX;

type Numbered<'a> = HashMap<&'a str, u32, Xxh3DefaultBuilder>;

/// Numbers of all that ties name: facilities as in [`Facilities::ids`], the others by name.
pub struct Numbers<'a> {
    facilities: Numbered<'a>,
    operators: Numbered<'a>,
    sectors: Numbered<'a>,
}

fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> Numbered<'a> {
    let mut names: Vec<&str> = names.collect();
    names.par_sort_unstable();
    names.dedup();
    names.into_iter().enumerate().map(|(number, name)| (name, number as u32)).collect()
}

impl<'a> Numbers<'a> {
    /// Numbers the register, and what ties name beyond it.
    pub fn new(facilities: &'a Facilities, tables: &'a [TieTable]) -> Self {
        let named = |between: Between| {
            let of_table = move |table: &'a TieTable| {
                let is_links = matches!(table.ties, Ties::Links(_));
                let ends = move |row: &'a LinkRow| [Some(&*row.from), is_links.then_some(&*row.to)];
                table.rows().par_iter().flat_map_iter(move |row| ends(row).into_iter().flatten())
            };
            tables.par_iter().filter(move |table| table.between == between).flat_map(of_table)
        };
        // Most ends are in the register: the others are few.
        let beyond = |known: &Numbered<'a>, between: Between| -> BTreeSet<&'a str> {
            named(between).filter(|name| !known.contains_key(name)).collect()
        };
        let of_facilities = || {
            let mut ids: Numbered<'a> = facilities.ids.iter().enumerate().map(|(at, id)| (id, at as u32)).collect();
            let strangers = beyond(&ids, Between::Facility);
            ids.extend(strangers.into_iter().zip(facilities.ids.len() as u32..));
            ids
        };
        let of_operators = || {
            let known = numbered(facilities.operator.iter().flatten());
            let strangers = beyond(&known, Between::Operator);
            if strangers.is_empty() { known } else { numbered(known.keys().copied().chain(strangers)) }
        };
        let (ids, operators) = rayon::join(of_facilities, of_operators);
        Self { facilities: ids, operators, sectors: numbered(facilities.sector.iter().flatten()) }
    }

    fn of(&self, between: Between, name: &str) -> u32 {
        let map = match between {
            Between::Facility => &self.facilities,
            Between::Operator => &self.operators,
            Between::Sector => &self.sectors,
        };
        map.get(name).copied().unwrap_or(NOWHERE)
    }
}

/// A source of ties by numbers: both ends of a link; member and organisation, the latter by its name's place in `names`.
pub struct Resolved<'a> {
    /// The source.
    pub table: &'a TieTable,
    /// Its position in the list of all.
    position: usize,
    ends: Vec<[u32; 2]>,
}

impl<'a> Resolved<'a> {
    /// Looks all names up.
    pub fn new(position: usize, table: &'a TieTable, numbers: &Numbers<'_>, organisations: &Numbered<'_>) -> Self {
        let between = table.between;
        let is_links = matches!(table.ties, Ties::Links(_));
        let ends = |row: &LinkRow| {
            let to = if is_links {
                numbers.of(between, &row.to)
            } else {
                organisations.get(&*row.to).copied().unwrap_or(NOWHERE)
            };
            [numbers.of(between, &row.from), to]
        };
        Self { table, position, ends: table.rows().par_iter().map(ends).collect() }
    }

    fn counting(&self, period: Option<i64>) -> impl Iterator<Item = (usize, [u32; 2])> {
        let rows = self.table.rows().iter().zip(&self.ends).enumerate();
        rows.filter(move |(_, (row, _))| row.counts_in(period)).map(|(at, (_, ends))| (at, *ends))
    }
}

/// Names of the organisations of some sources, ascending: an organisation's number is its place.
pub fn organisations<'a>(tables: &[&'a TieTable]) -> (Vec<&'a str>, Numbered<'a>) {
    let memberships = tables.iter().filter(|table| matches!(table.ties, Ties::Memberships(_)));
    let numbers = numbered(memberships.flat_map(|table| table.rows()).map(|row| &*row.to));
    let mut names: Vec<&str> = numbers.keys().copied().collect();
    names.sort_unstable();
    (names, numbers)
}

/// The register in one period: its rows, and where they stand.
pub struct Standing {
    /// Register's row of each node.
    pub rows: Vec<usize>,
    /// Unit of each node; a dispersed site is one by itself, past the last.
    pub place: Vec<u32>,
    /// Units of this period, as positions in the list of all.
    pub units: Vec<usize>,
    /// Position of each node among those of its unit.
    position: Vec<u32>,
    /// Nodes of each unit of this period.
    pub nodes_of: Vec<Vec<u32>>,
    /// Operator and sector of each node.
    pub names: Vec<[Option<u32>; 2]>,
    of_facility: Vec<u32>,
    of_operator: Vec<Vec<u32>>,
}

impl Standing {
    /// Looks the rows of a period up; `rows` are the register's rows a unit.
    pub fn new(
        facilities: &Facilities,
        numbers: &Numbers<'_>,
        units: &[Unit],
        rows: &[Vec<usize>],
        period: Option<i64>,
    ) -> Self {
        let current: Vec<usize> = (0..units.len()).filter(|&unit| units[unit].period == period).collect();
        let mut standing = Self {
            rows: (0..facilities.rows()).filter(|&row| facilities.period[row] == period).collect(),
            place: Vec::new(),
            position: Vec::new(),
            nodes_of: Vec::new(),
            names: Vec::new(),
            of_facility: vec![NOWHERE; numbers.facilities.len()],
            of_operator: vec![Vec::new(); numbers.operators.len()],
            units: current,
        };
        let mut node_of = vec![NOWHERE; facilities.rows()];
        let name = |row: usize| {
            let operator = facilities.operator.get(row).map(|name| numbers.of(Between::Operator, name));
            [operator, facilities.sector.get(row).map(|name| numbers.of(Between::Sector, name))]
        };
        standing.names = standing.rows.par_iter().map(|&row| name(row)).collect();
        for (node, &row) in standing.rows.iter().enumerate() {
            node_of[row] = node as u32;
            standing.of_facility[facilities.facility[row]] = node as u32;
            if let Some(operator) = standing.names[node][0] {
                standing.of_operator[operator as usize].push(node as u32);
            }
        }
        standing.position = vec![0; standing.rows.len()];
        standing.place = vec![NOWHERE; standing.rows.len()];
        for (local, &unit) in standing.units.iter().enumerate() {
            let nodes: Vec<u32> = rows[unit].iter().map(|&row| node_of[row]).collect();
            for (position, &node) in nodes.iter().enumerate() {
                standing.position[node as usize] = position as u32;
                standing.place[node as usize] = local as u32;
            }
            standing.nodes_of.push(nodes);
        }
        let sites = standing.place.iter_mut().filter(|place| **place == NOWHERE);
        for (place, next) in sites.zip(standing.units.len() as u32..) {
            *place = next;
        }
        standing
    }

    /// Units and dispersed sites.
    pub fn places(&self) -> usize {
        self.place.iter().map(|&place| place as usize + 1).max().unwrap_or(0).max(self.units.len())
    }

    /// Nodes of an end or member.
    pub fn nodes(&self, between: Between, owner: u32) -> &[u32] {
        match between {
            Between::Facility => match self.of_facility.get(owner as usize) {
                Some(node) if *node != NOWHERE => std::slice::from_ref(node),
                _ => &[],
            },
            Between::Operator => self.of_operator.get(owner as usize).map_or(&[], Vec::as_slice),
            Between::Sector => &[],
        }
    }

    /// The place of an end or member with one node.
    fn only_place(&self, between: Between, owner: u32) -> Option<u32> {
        let [node] = self.nodes(between, owner) else { return None };
        Some(self.place[*node as usize])
    }

    fn is_unit(&self, place: u32) -> bool {
        (place as usize) < self.units.len()
    }

    /// How many nodes of an end or member stand in which place, ascending.
    fn spread(&self, between: Between, owner: u32) -> Vec<(u32, u64)> {
        let mut places: Vec<u32> = self.nodes(between, owner).iter().map(|&node| self.place[node as usize]).collect();
        places.sort_unstable();
        places.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
    }
}

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
}

impl Counted {
    /// Hands the ties of one period to its units.
    pub fn new(tables: &[Resolved<'_>], period: Option<i64>, standing: &Standing) -> Self {
        let places = standing.places();
        let has_memberships = tables.iter().any(|source| matches!(source.table.ties, Ties::Memberships(_)));
        let is_directed = tables.iter().any(|source| source.table.directed);
        let is_potential = tables.iter().any(|source| source.table.between == Between::Sector);
        let empty = TieSet { has_memberships, is_directed, ..TieSet::default() };
        let mut counted = Self {
            sets: vec![empty; standing.units.len()],
            appears: vec![false; standing.rows.len()],
            node_pairs: Vec::new(),
            operator_pairs: Vec::new(),
            organisations: Vec::new(),
            outer: vec![0.0; places],
            between: BTreeMap::new(),
            widespread: 0,
        };
        if is_potential {
            counted.potential(tables, period, standing);
            return counted;
        }
        let mut members: Vec<(u32, Between, u32)> = Vec::new();
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
        let organisation = |same: &[(u32, Between, u32)]| {
            let (number, between, _) = same[0];
            Organisation { number, between, size: same.len(), members: same.iter().map(|member| member.2).collect() }
        };
        counted.organisations = members.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)).map(organisation).collect();
        counted.hand_out_organisations(standing);
        for (set, outer) in counted.sets.iter_mut().zip(&counted.outer) {
            set.outer_strength = Some(*outer);
        }
        counted
    }

    /// Takes the rows of one source: pairs, members, and who appears.
    fn read(
        &mut self,
        source: &Resolved<'_>,
        period: Option<i64>,
        standing: &Standing,
        members: &mut Vec<(u32, Between, u32)>,
    ) {
        let between = source.table.between;
        let is_links = matches!(source.table.ties, Ties::Links(_));
        for (_, [from, to]) in source.counting(period) {
            standing.nodes(between, from).iter().for_each(|&node| self.appears[node as usize] = true);
            if is_links {
                standing.nodes(between, to).iter().for_each(|&node| self.appears[node as usize] = true);
                self.link(source.table, [from, to], standing);
            } else {
                members.push((to, between, from));
            }
        }
    }

    fn link(&mut self, table: &TieTable, [from, to]: [u32; 2], standing: &Standing) {
        let pair = |a: u32, b: u32| if a <= b { [a, b] } else { [b, a] };
        match table.between {
            Between::Facility => {
                let (Some(&a), Some(&b)) =
                    (standing.nodes(Between::Facility, from).first(), standing.nodes(Between::Facility, to).first())
                else {
                    return;
                };
                self.node_pairs.push(pair(a, b));
                let place = standing.place[a as usize];
                if table.directed && standing.is_unit(place) && place == standing.place[b as usize] {
                    let arc = [a, b].map(|node| standing.position[node as usize]);
                    self.sets[place as usize].arcs.push((Between::Facility, arc));
                }
            }
            _ => {
                self.operator_pairs.push(pair(from, to));
                let only = [from, to].map(|end| standing.only_place(table.between, end));
                if let [Some(a), Some(b)] = only {
                    if table.directed && a == b && standing.is_unit(a) {
                        self.sets[a as usize].arcs.push((table.between, [from, to]));
                    }
                } else if table.directed {
                    for unit in shared(&standing.spread(table.between, from), &standing.spread(table.between, to)) {
                        if standing.is_unit(unit) {
                            self.sets[unit as usize].arcs.push((table.between, [from, to]));
                        }
                    }
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
            let operators = [a, b].map(|node| standing.names[node as usize][0].unwrap_or(NOWHERE));
            let known = [operators[0].min(operators[1]), operators[0].max(operators[1])];
            if self.operator_pairs.binary_search(&known).is_err() {
                places.iter().for_each(|&place| self.outer[place as usize] += 1.0);
                add_links(&mut self.between, standing, places, 1);
            }
        }
        for &[a, b] in &self.operator_pairs {
            let only = [a, b].map(|operator| standing.only_place(Between::Operator, operator));
            if let [Some(left), Some(right)] = only {
                if left != right {
                    [left, right].into_iter().for_each(|place| self.outer[place as usize] += 1.0);
                    add_links(&mut self.between, standing, [left, right], 1);
                } else if standing.is_unit(left) {
                    self.sets[left as usize].links.push((Between::Operator, [a, b]));
                }
                continue;
            }
            let (left, right) = (standing.spread(Between::Operator, a), standing.spread(Between::Operator, b));
            for (one, other, is_first) in [(&left, &right, true), (&right, &left, false)] {
                let all: u64 = other.iter().map(|(_, count)| count).sum();
                for &(place, count) in one {
                    let here = other.binary_search_by_key(&place, |found| found.0).map_or(0, |at| other[at].1);
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
            let between = organisation.between;
            let weight = if organisation.size > 1 { 1.0 / (organisation.size - 1) as f64 } else { 0.0 };
            // Facilities of each member in each place.
            let mut counts: BTreeMap<u32, Vec<(u32, u64)>> = BTreeMap::new();
            let mut of_member: Vec<u64> = Vec::with_capacity(organisation.members.len());
            for (at, &member) in organisation.members.iter().enumerate() {
                let spread = standing.spread(between, member);
                of_member.push(spread.iter().map(|(_, count)| count).sum());
                for (place, count) in spread {
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
                    let local = |at: u32| {
                        let member = organisation.members[at as usize];
                        match between {
                            Between::Facility => standing.position[standing.nodes(between, member)[0] as usize],
                            _ => member,
                        }
                    };
                    let members = here.iter().map(|&(at, _)| local(at)).collect();
                    let own = Organisation { members, number: organisation.number, between, size: organisation.size };
                    self.sets[place as usize].organisations.push(own);
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
                let own = |member: u32| {
                    counts[a].binary_search_by_key(&member, |found| found.0).map_or(0, |at| counts[a][at].1)
                };
                let pairs: u64 = counts[b].iter().map(|&(member, count)| count * (total - own(member))).sum();
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
        let pairs: HashSet<[u32; 2]> =
            tables.iter().flat_map(|source| source.counting(period)).map(|(_, ends)| ends).collect();
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

fn add_links(between: &mut BTreeMap<(u32, u32), Across>, standing: &Standing, places: [u32; 2], links: u64) {
    if places.iter().all(|&place| standing.is_unit(place)) {
        let entry = between.entry((places[0].min(places[1]), places[0].max(places[1]))).or_default();
        entry.links += links;
        entry.strength += links as f64;
    }
}

/// Places that both lists have.
fn shared(a: &[(u32, u64)], b: &[(u32, u64)]) -> Vec<u32> {
    let has = |place: &u32| b.binary_search_by_key(place, |found| found.0).is_ok();
    a.iter().map(|found| found.0).filter(has).collect()
}

/// Columns of the SQL table `links`.
pub fn links_schema() -> Schema {
    let text = ["from", "to", "kind", "name", "source"].map(|name| Field::new(name.into(), DataType::String));
    text.into_iter().chain([Field::new("weight".into(), DataType::Float64)]).collect()
}

/// The SQL table `links`, with the unit of each row in `__unit`: one row a pair of facilities, kind and source.
#[derive(Debug, Default)]
pub struct LinkTable {
    unit: Vec<u32>,
    text: [Vec<Option<String>>; 5],
    weight: Vec<Option<f64>>,
}

impl LinkTable {
    /// Adds the pairs that one source gives in one period.
    pub fn add(
        &mut self,
        source: &Resolved<'_>,
        standing: &Standing,
        period: Option<i64>,
        facilities: &Facilities,
        node: impl Fn(u32) -> Node,
    ) {
        let counted = Counted::new(std::slice::from_ref(source), period, standing);
        let given = given(source, period);
        for (local, &unit) in standing.units.iter().enumerate() {
            let own = &standing.nodes_of[local];
            let nodes: Vec<Node> = own.iter().map(|&at| node(at)).collect();
            for (a, b) in Classes::new(&nodes, &[&counted.sets[local]]).pairs(&nodes) {
                let id = |at: u32| &facilities.ids[facilities.facility[standing.rows[own[at as usize] as usize]]];
                let facility = |at: u32| facilities.facility[standing.rows[own[at as usize] as usize]] as u32;
                let ends = match source.table.between {
                    Between::Facility => Some((facility(a), facility(b))),
                    _ => nodes[a as usize].operator.zip(nodes[b as usize].operator),
                };
                let (weight, reference) =
                    ends.and_then(|(a, b)| given.get(&[a.min(b), a.max(b)])).cloned().unwrap_or_default();
                let ends = [id(a).to_owned(), id(b).to_owned(), source.table.kind.clone(), source.table.name.clone()];
                for (column, text) in self.text.iter_mut().zip(ends.into_iter().map(Some).chain([reference])) {
                    column.push(text);
                }
                self.unit.push(unit as u32);
                self.weight.push(weight);
            }
        }
    }

    /// The table.
    pub fn frame(self) -> Result<DataFrame> {
        let names = ["from", "to", "kind", "name", "source"];
        let mut columns: Vec<Column> =
            names.iter().zip(self.text).map(|(name, cells)| Column::new((*name).into(), cells)).collect();
        columns.push(Column::new("weight".into(), self.weight));
        columns.push(Column::new("__unit".into(), &self.unit));
        DataFrame::new(self.unit.len(), columns).map_err(Error::table("building the links"))
    }
}

type Given = HashMap<[u32; 2], (Option<f64>, Option<String>)>;

/// Weight (summed over the rows that give one) and sources of each pair of a link source.
fn given(source: &Resolved<'_>, period: Option<i64>) -> Given {
    let Ties::Links(rows) = &source.table.ties else { return HashMap::new() };
    let mut given = Given::new();
    for (at, [from, to]) in source.counting(period) {
        let entry = given.entry([from.min(to), from.max(to)]).or_default();
        if let Some(weight) = rows[at].weight {
            *entry.0.get_or_insert(0.0) += weight;
        }
        if let Some(source) = &rows[at].source {
            let known = entry.1.get_or_insert_default();
            if !known.split("; ").any(|part| part == source) {
                known.push_str(if known.is_empty() { "" } else { "; " });
                known.push_str(source);
            }
        }
    }
    given
}

/// One row of a source that counts in a cluster: where a tie comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The unit that it concerns.
    pub unit: usize,
    /// The source, as a position in the list of all.
    pub table: usize,
    /// The row of the source.
    pub row: usize,
}

/// The rows of a source that name a facility of a unit, or its operator, in the unit's period.
pub fn traces(source: &Resolved<'_>, standing: &Standing, period: Option<i64>) -> Vec<Trace> {
    let between = source.table.between;
    let is_links = matches!(source.table.ties, Ties::Links(_));
    let mut traces = Vec::new();
    let mut places: Vec<u32> = Vec::new();
    for (row, [from, to]) in source.counting(period) {
        let ends = if is_links { &[from, to][..] } else { &[from] };
        let nodes = ends.iter().flat_map(|&end| standing.nodes(between, end));
        places.clear();
        places.extend(nodes.map(|&node| standing.place[node as usize]).filter(|&place| standing.is_unit(place)));
        places.sort_unstable();
        places.dedup();
        let trace = |&place: &u32| Trace { unit: standing.units[place as usize], table: source.position, row };
        traces.extend(places.iter().map(trace));
    }
    traces
}
