//! The SQL table `links`: one row a pair of facilities, kind and source.

use std::collections::HashMap;

use polars::prelude::*;

use super::network::{Classes, Vertex};
use super::standing::{End, Resolved, Standing};
use super::ties::Counted;
use crate::error::{Error, Result};
use crate::names::UNIT;
use crate::validate::settings::Between;
use crate::validate::{Facilities, Ties};

/// Its columns.
pub fn schema() -> Schema {
    let text = ["from", "to", "kind", "name", "source"].map(|name| Field::new(name.into(), DataType::String));
    text.into_iter().chain([Field::new("weight".into(), DataType::Float64)]).collect()
}

/// The table, with the unit of each row in `__unit`: one row a pair of facilities, kind and source.
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
        node: impl Fn(u32) -> Vertex,
    ) {
        let counted = Counted::new(std::slice::from_ref(source), period, standing);
        let given = given(source, period);
        for (local, &unit) in standing.units.iter().enumerate() {
            let own = &standing.nodes_of[local];
            let nodes: Vec<Vertex> = own.iter().map(|&at| node(at)).collect();
            for (a, b) in Classes::new(&nodes, &[&counted.sets[local]]).pairs(&nodes) {
                let id = |at: u32| &facilities.ids[facilities.facility[standing.rows[own[at as usize] as usize]]];
                let facility = |at: u32| facilities.facility[standing.rows[own[at as usize] as usize]] as u32;
                let called = |at: u32| {
                    let plant = End { level: Between::Facility, number: facility(at) };
                    let firm = nodes[at as usize].operator.map(|number| End { level: Between::Operator, number });
                    std::iter::once(plant).chain(firm)
                };
                let pairs = called(a).flat_map(|a| called(b).map(move |b| [a.min(b), a.max(b)]));
                let mut told = (None, None);
                pairs
                    .filter_map(|pair| given.get(&pair))
                    .for_each(|(weight, source)| add(&mut told, *weight, source.as_deref()));
                let (weight, reference) = told;
                let ends = [id(a).to_owned(), id(b).to_owned(), source.table.kind.clone(), source.table.name.clone()];
                for (column, text) in self.text.iter_mut().zip(ends.into_iter().map(Some).chain([reference])) {
                    column.push(text);
                }
                self.unit.push(unit as u32);
                self.weight.push(weight);
            }
        }
    }

    /// The pairs of a kind: unit and both ends.
    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = (usize, &str, &str)> {
        let [from, to, kinds, ..] = &self.text;
        let rows = self.unit.iter().zip(from).zip(to).zip(kinds);
        let own = rows.filter(move |(_, of)| of.as_deref() == Some(kind));
        own.map(|(((unit, from), to), _)| {
            (*unit as usize, from.as_deref().unwrap_or_default(), to.as_deref().unwrap_or_default())
        })
    }

    /// The table.
    pub fn frame(self) -> Result<DataFrame> {
        let names = ["from", "to", "kind", "name", "source"];
        let mut columns: Vec<Column> =
            names.iter().zip(self.text).map(|(name, cells)| Column::new((*name).into(), cells)).collect();
        columns.push(Column::new("weight".into(), self.weight));
        columns.push(Column::new(UNIT.into(), &self.unit));
        DataFrame::new(self.unit.len(), columns).map_err(Error::table("building the links"))
    }
}

type Given = HashMap<[End; 2], (Option<f64>, Option<String>)>;

/// Weight (summed over the rows that give one) and sources of each pair of a link source.
fn given(source: &Resolved<'_>, period: Option<i64>) -> Given {
    let Ties::Links(rows) = &source.table.ties else { return HashMap::new() };
    let mut given = Given::new();
    for (at, [from, to]) in source.counting(period) {
        let row = rows.get(at);
        add(given.entry([from.min(to), from.max(to)]).or_default(), row.weight, row.source);
    }
    given
}

/// Adds what another row tells of a pair.
fn add(told: &mut (Option<f64>, Option<String>), weight: Option<f64>, source: Option<&str>) {
    if let Some(weight) = weight {
        *told.0.get_or_insert(0.0) += weight;
    }
    if let Some(source) = source {
        let known = told.1.get_or_insert_default();
        if !known.split("; ").any(|part| part == source) {
            known.push_str(if known.is_empty() { "" } else { "; " });
            known.push_str(source);
        }
    }
}
