//! Who stands where: the names that ties and the register share turned to numbers, and the register of one period laid out
//! by cluster.

use std::collections::{BTreeSet, HashMap};

use rayon::prelude::*;
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::Layout;
use crate::validate::settings::Between;
use crate::validate::{Facilities, LinkRow, TieTable};

const NOWHERE: u32 = u32::MAX;

/// Numbers of names.
pub type Numbered<'a> = HashMap<&'a str, u32, Xxh3DefaultBuilder>;

/// Numbers of all that ties name: facilities as in [`Facilities::ids`], the others by name.
pub struct Numbers<'a> {
    facilities: Numbered<'a>,
    operators: Numbered<'a>,
    sectors: Numbered<'a>,
}

/// Names, each once, ascending.
fn ascending<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.par_sort_unstable();
    names.dedup();
    names
}

fn numbered<'a>(names: &[&'a str]) -> Numbered<'a> {
    names.iter().zip(0..).map(|(name, number)| (*name, number)).collect()
}

impl<'a> Numbers<'a> {
    /// Numbers the register, and what ties name beyond it.
    pub fn new(facilities: &'a Facilities, tables: &'a [TieTable]) -> Self {
        let named = |between: Between| {
            let of_table = move |table: &'a TieTable| {
                let is_links = table.is_links();
                let ends = move |row: &'a LinkRow| {
                    let [from, to] = row.levels.map(|level| level == between);
                    [from.then_some(&*row.from), (to && is_links).then_some(&*row.to)]
                };
                table.rows().par_iter().flat_map_iter(move |row| ends(row).into_iter().flatten())
            };
            tables.par_iter().flat_map(of_table)
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
            let names = ascending(facilities.operator.iter().flatten());
            let known = numbered(&names);
            let strangers = beyond(&known, Between::Operator);
            if strangers.is_empty() { known } else { numbered(&ascending(names.into_iter().chain(strangers))) }
        };
        let (ids, operators) = rayon::join(of_facilities, of_operators);
        Self { facilities: ids, operators, sectors: numbered(&ascending(facilities.sector.iter().flatten())) }
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

/// An end of a link, or a member of an organisation: what it is, and its number among these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct End {
    /// What it is.
    pub level: Between,
    /// Its number.
    pub number: u32,
}

/// A source of ties by numbers: both ends of a link; member and organisation, the latter by its name's place in `names`.
pub struct Resolved<'a> {
    /// The source.
    pub table: &'a TieTable,
    /// Its position in the list of all.
    pub position: usize,
    /// Facilities within the perimeter of an organisation.
    pub perimeters: Vec<[u32; 2]>,
    ends: Vec<[End; 2]>,
}

impl<'a> Resolved<'a> {
    /// Looks all names up.
    pub fn new(position: usize, table: &'a TieTable, numbers: &Numbers<'_>, organisations: &Numbered<'_>) -> Self {
        let is_links = table.is_links();
        let organisation = |name: &str| organisations.get(name).copied().unwrap_or(NOWHERE);
        let ends = |row: &LinkRow| {
            let [from, to] = row.levels;
            let number = if is_links { numbers.of(to, &row.to) } else { organisation(&row.to) };
            [End { level: from, number: numbers.of(from, &row.from) }, End { level: to, number }]
        };
        let within =
            |(facility, body): &(String, String)| [numbers.of(Between::Facility, facility), organisation(body)];
        let perimeters = table.perimeters.iter().map(within).collect();
        Self { table, position, perimeters, ends: table.rows().par_iter().map(ends).collect() }
    }

    /// The rows that count in a period: position and ends.
    pub fn counting(&self, period: Option<i64>) -> impl Iterator<Item = (usize, [End; 2])> {
        let rows = self.table.rows().iter().zip(&self.ends).enumerate();
        rows.filter(move |(_, (row, _))| row.counts_in(period)).map(|(at, (_, ends))| (at, *ends))
    }
}

/// Names of the organisations of some sources, ascending: an organisation's number is its place.
pub fn organisations<'a>(tables: &[&'a TieTable]) -> (Vec<&'a str>, Numbered<'a>) {
    let memberships = tables.iter().filter(|table| !table.is_links());
    let names = ascending(memberships.flat_map(|table| table.rows()).map(|row| &*row.to));
    let numbers = numbered(&names);
    (names, numbers)
}

/// Lists of many owners, one after the other.
struct Lists<T> {
    starts: Vec<usize>,
    items: Vec<T>,
}

impl<T> Lists<T> {
    /// Lists of so many owners from entries that ascend by owner.
    fn new(owners: usize, entries: impl Iterator<Item = (u32, T)>) -> Self {
        let mut lists = Self { starts: vec![0], items: Vec::new() };
        for (owner, item) in entries {
            lists.starts.resize(owner as usize + 1, lists.items.len());
            lists.items.push(item);
        }
        lists.starts.resize(owners + 1, lists.items.len());
        lists
    }

    fn of(&self, owner: u32) -> &[T] {
        let owner = owner as usize;
        if owner + 1 < self.starts.len() { &self.items[self.starts[owner]..self.starts[owner + 1]] } else { &[] }
    }
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
    pub position: Vec<u32>,
    /// Nodes of each unit of this period.
    pub nodes_of: Vec<Vec<u32>>,
    /// Operator and sector of each node.
    pub names: Vec<[Option<u32>; 2]>,
    /// Facility of each node.
    pub facility: Vec<u32>,
    /// Units and dispersed sites.
    pub places: usize,
    /// Nodes of each facility (one or none) and of each operator, and how many of them stand in which place.
    of_facility: Lists<u32>,
    of_operator: Lists<u32>,
    spread_of_facility: Lists<(u32, u64)>,
    spread_of_operator: Lists<(u32, u64)>,
}

impl Standing {
    /// Looks the rows of a period up.
    pub(super) fn new(layout: &Layout<'_>, numbers: &Numbers<'_>, period: Option<i64>) -> Self {
        let Layout { facilities, units, rows, .. } = *layout;
        let own: Vec<usize> = (0..facilities.rows()).filter(|&row| facilities.period.get(row) == period).collect();
        let current: Vec<usize> = (0..units.len()).filter(|&unit| units[unit].period == period).collect();
        let mut node_of = vec![NOWHERE; facilities.rows()];
        own.iter().zip(0..).for_each(|(&row, node)| node_of[row] = node);
        let (mut position, mut place) = (vec![0; own.len()], vec![NOWHERE; own.len()]);
        let mut nodes_of: Vec<Vec<u32>> = Vec::new();
        for (&unit, local) in current.iter().zip(0..) {
            let nodes: Vec<u32> = rows[unit].iter().map(|&row| node_of[row]).collect();
            for (&node, at) in nodes.iter().zip(0..) {
                position[node as usize] = at;
                place[node as usize] = local;
            }
            nodes_of.push(nodes);
        }
        let mut places = current.len();
        for site in place.iter_mut().filter(|place| **place == NOWHERE) {
            *site = places as u32;
            places += 1;
        }
        let name = |&row: &usize| {
            let operator = facilities.operator.get(row).map(|name| numbers.of(Between::Operator, name));
            [operator, facilities.sector.get(row).map(|name| numbers.of(Between::Sector, name))]
        };
        let names: Vec<[Option<u32>; 2]> = own.par_iter().map(name).collect();
        // The register's rows are by facility: so are the nodes.
        let by_facility: Vec<(u32, u32)> =
            own.iter().zip(0..).map(|(&row, node)| (facilities.facility[row] as u32, node)).collect();
        let mut by_operator: Vec<(u32, u32)> =
            names.iter().zip(0..).filter_map(|(names, node)| Some((names[0]?, node))).collect();
        by_operator.par_sort_unstable();
        let (facility_count, operator_count) = (numbers.facilities.len(), numbers.operators.len());
        Self {
            spread_of_facility: spread(facility_count, &by_facility, &place),
            spread_of_operator: spread(operator_count, &by_operator, &place),
            of_facility: Lists::new(facility_count, by_facility.into_iter()),
            of_operator: Lists::new(operator_count, by_operator.into_iter()),
            facility: own.iter().map(|&row| facilities.facility[row] as u32).collect(),
            rows: own,
            place,
            units: current,
            position,
            nodes_of,
            names,
            places,
        }
    }

    /// Nodes of an end or member.
    pub fn nodes(&self, End { level, number }: End) -> &[u32] {
        match level {
            Between::Facility => self.of_facility.of(number),
            Between::Operator => self.of_operator.of(number),
            Between::Sector => &[],
        }
    }

    /// How many nodes of an end or member stand in which place, ascending.
    pub fn spread(&self, End { level, number }: End) -> &[(u32, u64)] {
        match level {
            Between::Facility => self.spread_of_facility.of(number),
            Between::Operator => self.spread_of_operator.of(number),
            Between::Sector => &[],
        }
    }

    /// The firm of a node; a facility without an operator is one of its own.
    pub fn firm(&self, node: u32) -> End {
        let of_operator = |number| End { level: Between::Operator, number };
        let own = End { level: Between::Facility, number: self.facility[node as usize] };
        self.names[node as usize][0].map_or(own, of_operator)
    }

    /// Whether a place is a unit, and no dispersed site.
    pub fn is_unit(&self, place: u32) -> bool {
        (place as usize) < self.units.len()
    }
}

/// How many nodes of each owner stand in which place; `nodes` ascend by owner.
fn spread(owners: usize, nodes: &[(u32, u32)], place: &[u32]) -> Lists<(u32, u64)> {
    let mut placed: Vec<(u32, u32)> = nodes.iter().map(|&(owner, node)| (owner, place[node as usize])).collect();
    placed.par_sort_unstable();
    let same = placed.chunk_by(|a, b| a == b);
    Lists::new(owners, same.map(|same| (same[0].0, (same[0].1, same.len() as u64))))
}
