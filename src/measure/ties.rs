//! Which ties count in which cluster and period, handed out to the clusters in one pass over the sources.

use std::collections::{BTreeMap, HashMap, HashSet};

use polars::prelude::*;

use super::Unit;
use super::network::{Graph, Node, TieSet};
use crate::error::{Error, Result};
use crate::validate::settings::Between;
use crate::validate::{Facilities, LinkRow, TieTable, Ties};

/// The ties of some sources in one period.
pub struct Counted<'a> {
    /// Ties a unit (cluster and period).
    pub of_unit: HashMap<usize, TieSet<'a>>,
    ids: HashSet<&'a str>,
    operators: HashSet<&'a str>,
}

impl<'a> Counted<'a> {
    /// Whether a facility is an end of a link or a member of an organisation that counts, anywhere.
    pub fn appears(&self, id: &str, operator: Option<&str>) -> bool {
        self.ids.contains(id) || operator.is_some_and(|operator| self.operators.contains(operator))
    }

    /// Hands the ties of one period to the units of that period.
    pub fn new(tables: &[&'a TieTable], period: Option<i64>, places: &Places<'_>) -> Self {
        let mut counted = Self { of_unit: HashMap::new(), ids: HashSet::new(), operators: HashSet::new() };
        let mut bodies: BTreeMap<(bool, &str), Vec<&'a str>> = BTreeMap::new();
        for table in tables {
            match &table.ties {
                Ties::Links(rows) => {
                    let rows = rows.iter().filter(|row| row.from != row.to && row.counts_in(period));
                    rows.for_each(|row| counted.link(table.between, row, places));
                }
                Ties::Memberships(rows) => {
                    for row in rows.iter().filter(|row| row.counts_in(period)) {
                        counted.appearing(table.between).insert(&row.from);
                        bodies.entry((table.between == Between::Operator, &row.to)).or_default().push(&row.from);
                    }
                }
            }
        }
        for ((by_operator, _), members) in bodies {
            let between = if by_operator { Between::Operator } else { Between::Facility };
            let mut present: BTreeMap<usize, Vec<&'a str>> = BTreeMap::new();
            for member in members {
                places.of(between, member).iter().for_each(|&unit| present.entry(unit).or_default().push(member));
            }
            for (unit, members) in present {
                counted.of_unit.entry(unit).or_default().organisations.push((between, members));
            }
        }
        counted
    }

    fn appearing(&mut self, between: Between) -> &mut HashSet<&'a str> {
        if between == Between::Facility { &mut self.ids } else { &mut self.operators }
    }

    fn link(&mut self, between: Between, row: &'a LinkRow, places: &Places<'_>) {
        self.appearing(between).extend([row.from.as_str(), row.to.as_str()]);
        let far = places.of(between, &row.to);
        for unit in places.of(between, &row.from).iter().filter(|unit| far.contains(unit)) {
            let set = self.of_unit.entry(*unit).or_default();
            let list = if between == Between::Facility { &mut set.facility_links } else { &mut set.operator_links };
            list.push((&row.from, &row.to));
        }
    }
}

/// The units in which facilities and operators stand in one period.
#[derive(Default)]
pub struct Places<'a> {
    ids: HashMap<&'a str, Vec<usize>>,
    operators: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Places<'a> {
    /// Looks the units of a period up; `rows` are the register's rows a unit.
    pub fn new(facilities: &'a Facilities, units: &[Unit], rows: &[Vec<usize>], period: Option<i64>) -> Self {
        let mut places = Self::default();
        for (unit, rows) in rows.iter().enumerate().filter(|(unit, _)| units[*unit].period == period) {
            for &row in rows {
                places.ids.entry(&facilities.ids[facilities.facility[row]]).or_default().push(unit);
                if let Some(operator) = facilities.operator.get(row) {
                    let list = places.operators.entry(operator).or_default();
                    if list.last() != Some(&unit) {
                        list.push(unit);
                    }
                }
            }
        }
        places
    }

    fn of(&self, between: Between, name: &str) -> &[usize] {
        let map = if between == Between::Facility { &self.ids } else { &self.operators };
        map.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Columns of the SQL table `links`.
pub fn links_schema() -> Schema {
    let text = ["from", "to", "kind", "name", "source"].map(|name| Field::new(name.into(), DataType::String));
    text.into_iter().chain([Field::new("weight".into(), DataType::Float64)]).collect()
}

/// The SQL table `links`, with the unit of each row in `__unit`: one row a pair of facilities, kind and source.
#[derive(Default)]
pub struct LinkTable {
    unit: Vec<u32>,
    text: [Vec<Option<String>>; 5],
    weight: Vec<Option<f64>>,
}

impl LinkTable {
    /// Adds the pairs that one source gives in one unit.
    pub fn add(&mut self, table: &TieTable, unit: usize, nodes: &[Node<'_>], ties: &TieSet<'_>, period: Option<i64>) {
        let graph = Graph::new(nodes, ties);
        let given = given(table, period);
        let mut mark = vec![0; nodes.len()];
        for node in 0..nodes.len() {
            for other in graph.neighbours(node, &mut mark).into_iter().filter(|other| *other > node) {
                let (weight, source) = match table.between {
                    Between::Facility => given.get(&ordered(nodes[node].id, nodes[other].id)),
                    Between::Operator => {
                        nodes[node].operator.zip(nodes[other].operator).and_then(|(a, b)| given.get(&ordered(a, b)))
                    }
                }
                .cloned()
                .unwrap_or_default();
                let ends =
                    [nodes[node].id.to_owned(), nodes[other].id.to_owned(), table.kind.clone(), table.name.clone()];
                for (column, text) in self.text.iter_mut().zip(ends.into_iter().map(Some).chain([source])) {
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

type Given<'a> = HashMap<(&'a str, &'a str), (Option<f64>, Option<String>)>;

fn ordered<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    if a <= b { (a, b) } else { (b, a) }
}

/// Weight (summed over the rows that give one) and sources of each pair of a link source.
fn given(table: &TieTable, period: Option<i64>) -> Given<'_> {
    let Ties::Links(rows) = &table.ties else { return HashMap::new() };
    let mut given: Given<'_> = HashMap::new();
    for row in rows.iter().filter(|row| row.counts_in(period)) {
        let entry = given.entry(ordered(&row.from, &row.to)).or_default();
        if let Some(weight) = row.weight {
            *entry.0.get_or_insert(0.0) += weight;
        }
        if let Some(source) = &row.source {
            let known = entry.1.get_or_insert_default();
            if !known.split("; ").any(|part| part == source) {
                known.push_str(if known.is_empty() { "" } else { "; " });
                known.push_str(source);
            }
        }
    }
    given
}
