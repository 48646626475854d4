//! Who stands where: the names that ties and the register share turned to numbers, and the register of one period laid out
//! by cluster.

use std::collections::HashMap;

use rayon::prelude::*;

use super::Layout;
use super::lists::Lists;
use crate::validate::keys::{Hashed, hash};
use crate::validate::settings::Between;
use crate::validate::{Facilities, TieTable};

const NOWHERE: u32 = u32::MAX;

/// Numbers of names, by the hash of each.
pub type Numbered = HashMap<u128, u32, Hashed>;

/// The number of a name.
fn number(names: &Numbered, name: &str) -> u32 {
    names.get(&hash([Some(name)])).copied().unwrap_or(NOWHERE)
}

/// Names, each once, ascending.
fn ascending<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.collect();
    names.par_sort_unstable();
    names.dedup();
    names
}

fn numbered<'a>(count: usize, names: impl Iterator<Item = &'a str>) -> Numbered {
    let mut numbers = Numbered::with_capacity_and_hasher(count, Hashed::default());
    numbers.extend(names.zip(0..).map(|(name, number)| (hash([Some(name)]), number)));
    numbers
}

fn all_numbered(names: &[&str]) -> Numbered {
    numbered(names.len(), names.iter().copied())
}

/// Numbers of all that ties name: facilities as in [`Facilities::ids`], the others by name.
pub struct Numbers {
    facilities: Numbered,
    operators: Numbered,
    sectors: Numbered,
    /// Both ends of each row of each source, where they are no organisation.
    ends: Vec<Vec<[u32; 2]>>,
}

/// Operator and sector of each row of the register, by number.
pub struct Named {
    of_row: Vec<[Option<u32>; 2]>,
    /// Facilities and operators that have a number.
    counts: [usize; 2],
}

impl Numbers {
    /// Numbers the register, and what ties name beyond it.
    pub fn new(facilities: &Facilities, tables: &[TieTable]) -> Self {
        let operators = ascending(facilities.operator.iter().flatten());
        let (ids, by_name) =
            rayon::join(|| numbered(facilities.ids.len(), facilities.ids.iter()), || all_numbered(&operators));
        let sectors = all_numbered(&ascending(facilities.sector.iter().flatten()));
        let mut numbers = Self { facilities: ids, operators: by_name, sectors, ends: Vec::new() };
        let mut ends: Vec<Vec<[u32; 2]>> = tables.iter().map(|table| numbers.looked_up(table)).collect();
        // Most ends are in the register: the others are few.
        let strangers = |between: Between| -> Vec<&str> {
            ascending(tables.iter().zip(&ends).flat_map(|(table, ends)| {
                ends.iter().enumerate().flat_map(move |(row, ends)| strange(table, row, *ends, between))
            }))
        };
        let (plants, firms) = (strangers(Between::Facility), strangers(Between::Operator));
        if !(plants.is_empty() && firms.is_empty()) {
            let next = facilities.ids.len() as u32;
            numbers.facilities.extend(all_numbered(&plants).into_iter().map(|(name, at)| (name, next + at)));
            if !firms.is_empty() {
                numbers.operators = all_numbered(&ascending(operators.into_iter().chain(firms)));
            }
            ends = tables.iter().map(|table| numbers.looked_up(table)).collect();
        }
        numbers.ends = ends;
        numbers
    }

    /// What the register's rows name; the names themselves are no longer needed.
    pub fn of_register(self, facilities: &Facilities) -> Named {
        let counts = [self.facilities.len(), self.operators.len()];
        let of = |row: usize| {
            let operator = facilities.operator.get(row).map(|name| self.of(Between::Operator, name));
            [operator, facilities.sector.get(row).map(|name| self.of(Between::Sector, name))]
        };
        Named { of_row: (0..facilities.rows()).into_par_iter().map(of).collect(), counts }
    }

    fn looked_up(&self, table: &TieTable) -> Vec<[u32; 2]> {
        /// Rows whose names are all hashed before the first is looked up, so that one look-up need not wait for another.
        const STRETCH: usize = 4096;
        let (rows, is_links) = (table.rows(), table.is_links());
        let hashes = |row: usize| {
            let [from, to] = rows.levels(row);
            let to = is_links.then(|| (to, hash([Some(rows.to(row))])));
            ((from, hash([Some(rows.from(row))])), to)
        };
        let find = |(between, hash): (Between, u128)| self.names(between).get(&hash).copied().unwrap_or(NOWHERE);
        let stretch = |first: usize| {
            let hashed: Vec<_> = (first..rows.len().min(first + STRETCH)).map(hashes).collect();
            hashed.into_iter().map(|(from, to)| [find(from), to.map_or(NOWHERE, find)]).collect::<Vec<_>>()
        };
        (0..rows.len()).into_par_iter().step_by(STRETCH).flat_map_iter(stretch).collect()
    }

    fn names(&self, between: Between) -> &Numbered {
        match between {
            Between::Facility => &self.facilities,
            Between::Operator => &self.operators,
            Between::Sector => &self.sectors,
        }
    }

    fn of(&self, between: Between, name: &str) -> u32 {
        number(self.names(between), name)
    }
}

/// The ends of a row, at one level, that the register does not have.
fn strange(table: &TieTable, row: usize, ends: [u32; 2], between: Between) -> impl Iterator<Item = &str> {
    let rows = table.rows();
    let is = move |end: usize| ends[end] == NOWHERE && rows.levels(row)[end] == between;
    let (from, to) = (is(0), table.is_links() && is(1));
    from.then(|| rows.from(row)).into_iter().chain(to.then(|| rows.to(row)))
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
    pub fn new(position: usize, table: &'a TieTable, numbers: &mut Numbers, organisations: &Numbered) -> Self {
        let (rows, is_links) = (table.rows(), table.is_links());
        let organisation = |name: &str| number(organisations, name);
        let ends = |(row, &[from, to]): (usize, &[u32; 2])| {
            let levels = rows.levels(row);
            let to = if is_links { to } else { organisation(rows.to(row)) };
            [End { level: levels[0], number: from }, End { level: levels[1], number: to }]
        };
        let within =
            |(facility, body): &(String, String)| [numbers.of(Between::Facility, facility), organisation(body)];
        let perimeters = table.perimeters.iter().map(within).collect();
        let ends = std::mem::take(&mut numbers.ends[position]).par_iter().enumerate().map(ends).collect();
        Self { table, position, perimeters, ends }
    }

    /// The rows that count in a period: position and ends.
    pub fn counting(&self, period: Option<i64>) -> impl Iterator<Item = (usize, [End; 2])> {
        let rows = self.ends.iter().copied().enumerate();
        rows.filter(move |(at, _)| self.table.rows().counts_in(*at, period))
    }
}

/// Names of the organisations of some sources, ascending: an organisation's number is its place.
pub fn organisations<'a>(tables: &[&'a TieTable]) -> (Vec<&'a str>, Numbered) {
    let memberships = tables.iter().filter(|table| !table.is_links()).map(|table| table.rows());
    let names = ascending(memberships.flat_map(|rows| (0..rows.len()).map(|row| rows.to(row))));
    let numbers = all_numbered(&names);
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
    pub(super) fn new(layout: &Layout<'_>, named: &Named, period: Option<i64>) -> Self {
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
        let names: Vec<[Option<u32>; 2]> = own.iter().map(|&row| named.of_row[row]).collect();
        // The register's rows are by facility: so are the nodes.
        let by_facility: Vec<(u32, u32)> =
            own.iter().zip(0..).map(|(&row, node)| (facilities.facility[row] as u32, node)).collect();
        let mut by_operator: Vec<(u32, u32)> =
            names.iter().zip(0..).filter_map(|(names, node)| Some((names[0]?, node))).collect();
        by_operator.par_sort_unstable();
        let [facility_count, operator_count] = named.counts;
        Self {
            spread_of_facility: spread(facility_count, &by_facility, &place),
            spread_of_operator: spread(operator_count, &by_operator, &place),
            of_facility: Lists::ascending(facility_count, by_facility.into_iter()),
            of_operator: Lists::ascending(operator_count, by_operator.into_iter()),
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
    Lists::ascending(owners, same.map(|same| (same[0].0, (same[0].1, same.len() as u64))))
}
