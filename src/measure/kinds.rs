//! The network figures of every kind of tie, cluster and period.

use std::collections::BTreeSet;

use polars::prelude::*;
use rayon::prelude::*;

use super::network::{self, Node, TieSet};
use super::{Unit, ties};
use crate::error::{Error, Result};
use crate::validate::{Facilities, Tables, TieTable, Ties};

pub(super) fn kinds(tables: &Tables) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for table in &tables.ties {
        if !kinds.contains(&table.kind) {
            kinds.push(table.kind.clone());
        }
    }
    kinds
}

/// The network figures of every kind; fills the table of links where one is wanted.
pub(super) fn networks(
    tables: &Tables,
    register: &Facilities,
    frame: &DataFrame,
    units: &[Unit],
    rows: &[Vec<usize>],
    kinds: &[String],
    mut links: Option<&mut ties::LinkTable>,
) -> Result<Vec<Column>> {
    let periods: BTreeSet<Option<i64>> = units.iter().map(|unit| unit.period).collect();
    let mut columns = Vec::new();
    for kind in kinds {
        let sources: Vec<_> = tables.ties.iter().filter(|table| table.kind == *kind).collect();
        let declared = declared_observed(&sources, frame)?;
        let has_memberships = sources.iter().any(|table| matches!(table.ties, Ties::Memberships(_)));
        let mut figures = vec![[None; 8]; units.len()];
        for &period in &periods {
            let places = ties::Places::new(register, units, rows, period);
            let counted = ties::Counted::new(&sources, period, &places);
            let node = |&row: &usize| {
                let (id, operator) = (&register.ids[register.facility[row]], register.operator.get(row));
                let observed = declared[row] || counted.appears(id, operator);
                Node { id, operator, emissions_t: register.emissions_t[row], observed }
            };
            let current: Vec<usize> = (0..units.len()).filter(|&unit| units[unit].period == period).collect();
            let nodes: Vec<Vec<Node<'_>>> = current.iter().map(|&unit| rows[unit].iter().map(node).collect()).collect();
            let empty = TieSet::default();
            let found: Vec<[Option<f64>; 8]> = current
                .par_iter()
                .zip(&nodes)
                .map(|(unit, nodes)| {
                    let ties = TieSet { has_memberships, ..counted.of_unit.get(unit).unwrap_or(&empty).clone() };
                    network::figures(nodes, &ties)
                })
                .collect();
            current.iter().zip(found).for_each(|(&unit, found)| figures[unit] = found);
            if let Some(links) = links.as_deref_mut() {
                for table in &sources {
                    let own = ties::Counted::new(&[table], period, &places);
                    for (unit, nodes) in current.iter().zip(&nodes) {
                        if let Some(ties) = own.of_unit.get(unit) {
                            links.add(table, *unit, nodes, ties, period);
                        }
                    }
                }
            }
        }
        for (position, name) in network::FIGURES.iter().enumerate() {
            let values: Vec<Option<f64>> = figures.iter().map(|figures| figures[position]).collect();
            columns.push(Column::new(format!("{name}_{kind}").into(), values));
        }
    }
    Ok(columns)
}

/// The rows that some source of a kind declares observed.
fn declared_observed(sources: &[&TieTable], frame: &DataFrame) -> Result<Vec<bool>> {
    let mut observed = vec![false; frame.height()];
    for source in sources {
        let Some(predicate) = &source.observed else { return Ok(vec![true; frame.height()]) };
        let fail = || Error::table("evaluating `observed`");
        let with = frame.clone().lazy().with_column(predicate.expr().alias("__observed")).collect().map_err(fail())?;
        let mask = with.column("__observed").and_then(|column| Ok(column.bool()?.clone())).map_err(fail())?;
        observed.iter_mut().zip(mask.iter()).for_each(|(observed, mask)| *observed |= mask == Some(true));
    }
    Ok(observed)
}
