//! Tables about firm networks: whole networks, ties between clusters, and where every tie comes from.

use std::ops::Range;

use polars::prelude::DataFrame;

use super::{OutputTable, Written, column, frame};
use crate::error::Result;
use crate::measure::{ClusterLink, Measurements, Trace};
use crate::report::Results;
use crate::validate::settings::Between;
use crate::validate::{Tables, TieRow, TieTable};

/// The tables of a run with links or memberships.
pub(super) fn all<'a>(results: &Results<'a>) -> Result<Vec<OutputTable<'a>>> {
    if results.tables.ties.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![networks(results)?, cluster_links(results)?, ties(results)?])
}

/// One row a kind and period.
fn networks(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.details.networks.whole;
    let frame = frame(vec![
        column("period", rows.iter().map(|row| row.period).collect::<Vec<_>>()),
        column("kind", rows.iter().map(|row| row.kind.as_str()).collect::<Vec<&str>>()),
        column("tied_count", rows.iter().map(|row| row.tied).collect::<Vec<u64>>()),
        column("strength", rows.iter().map(|row| row.strength).collect::<Vec<f64>>()),
        column("ei_index", rows.iter().map(|row| row.ei_index).collect::<Vec<_>>()),
        column("modularity", rows.iter().map(|row| row.modularity).collect::<Vec<_>>()),
        column("community_count", rows.iter().map(|row| row.communities).collect::<Vec<_>>()),
        column("adjusted_rand", rows.iter().map(|row| row.adjusted_rand).collect::<Vec<_>>()),
        column("left_out_organisation_count", rows.iter().map(|row| row.left_out).collect::<Vec<u64>>()),
    ])?;
    OutputTable::new(results, "networks", Written::Csv, frame)
}

/// One row a kind, period and pair of clusters.
fn cluster_links(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.details.networks.across;
    let unit = |row: &ClusterLink, end: usize| results.measured.units[row.units[end]];
    let id = |row: &ClusterLink, end: usize| results.measured.clusters.ids[unit(row, end).cluster].as_str();
    let name = |row: &ClusterLink, end: usize| results.measured.clusters.names[unit(row, end).cluster].as_str();
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| id(row, 0)).collect::<Vec<&str>>()),
        column("cluster_name", rows.iter().map(|row| name(row, 0)).collect::<Vec<&str>>()),
        column("other_id", rows.iter().map(|row| id(row, 1)).collect::<Vec<&str>>()),
        column("other_name", rows.iter().map(|row| name(row, 1)).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| unit(row, 0).period).collect::<Vec<_>>()),
        column("kind", rows.iter().map(|row| row.kind.as_str()).collect::<Vec<&str>>()),
        column("link_count", rows.iter().map(|row| row.links).collect::<Vec<u64>>()),
        column("organisation_count", rows.iter().map(|row| row.organisations.len() as u64).collect::<Vec<u64>>()),
        column("strength", rows.iter().map(|row| row.strength).collect::<Vec<f64>>()),
        column("organisations", rows.iter().map(|row| row.organisations.join("; ")).collect::<Vec<String>>()),
    ])?;
    OutputTable::new(results, "cluster_links", Written::Csv, frame)
}

/// One row a cluster, period and row of a source that names one of its facilities or operators.
fn ties<'a>(results: &Results<'a>) -> Result<OutputTable<'a>> {
    let (rows, read, measured) = (&results.details.networks.traces, results.tables, results.measured);
    let make = move |range: Range<usize>| tie_rows(read, measured, &rows[range]);
    OutputTable::in_parts(results, "ties", Written::Csv, rows.len(), Box::new(make))
}

/// The name of a plant that stands among the firms of a source between operators; `None` for all other ends.
pub fn plant<'a>(read: &'a Tables, source: &TieTable, level: Between, id: &str) -> Option<&'a str> {
    let is_plant = source.between == Between::Operator && level == Between::Facility;
    let register = read.facilities.as_ref().filter(|_| is_plant)?;
    Some(&register.names[register.ids.position(id)?])
}

/// Rows of sources that tie a cluster, with all that they say.
pub(super) fn tie_rows(read: &Tables, measured: &Measurements, rows: &[Trace]) -> Result<DataFrame> {
    let unit = |row: &Trace| measured.units[row.unit as usize];
    let table = |row: &Trace| &read.ties[row.table as usize];
    let told: Vec<TieRow<'_>> = rows.iter().map(|row| table(row).rows().get(row.row as usize)).collect();
    let is_link = |row: &Trace| table(row).is_links();
    let both = || rows.iter().zip(&told);
    let called = |(row, told): (&Trace, &TieRow<'_>), end: usize| {
        let is_end = end == 0 || is_link(row);
        plant(read, table(row), told.levels[end], [told.from, told.to][end]).filter(|_| is_end)
    };
    let id = |row: &Trace| measured.clusters.ids[unit(row).cluster].as_str();
    frame(vec![
        column("cluster_id", rows.iter().map(id).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| unit(row).period).collect::<Vec<_>>()),
        column("kind", rows.iter().map(|row| table(row).kind.as_str()).collect::<Vec<&str>>()),
        column("name", rows.iter().map(|row| table(row).name.as_str()).collect::<Vec<&str>>()),
        column("basis", rows.iter().map(|row| table(row).basis()).collect::<Vec<&str>>()),
        column("from", told.iter().map(|told| told.from).collect::<Vec<&str>>()),
        column("to", both().map(|(row, told)| is_link(row).then_some(told.to)).collect::<Vec<_>>()),
        column("from_name", both().map(|row| called(row, 0)).collect::<Vec<_>>()),
        column("to_name", both().map(|row| called(row, 1)).collect::<Vec<_>>()),
        column("organisation", both().map(|(row, told)| (!is_link(row)).then_some(told.to)).collect::<Vec<_>>()),
        column("share", told.iter().map(|told| told.share).collect::<Vec<_>>()),
        column("role", told.iter().map(|told| told.role).collect::<Vec<_>>()),
        column("weight", told.iter().map(|told| told.weight).collect::<Vec<_>>()),
        column("from_year", told.iter().map(|told| told.from_year).collect::<Vec<_>>()),
        column("to_year", told.iter().map(|told| told.to_year).collect::<Vec<_>>()),
        column("source", told.iter().map(|told| told.source).collect::<Vec<_>>()),
        column("file", told.iter().map(|told| Some(told.file).filter(|file| !file.is_empty())).collect::<Vec<_>>()),
        column("line", told.iter().map(|told| Some(told.line).filter(|line| *line > 0)).collect::<Vec<_>>()),
    ])
}
