//! Tables about firm networks: whole networks, ties between clusters, and where every tie comes from.

use polars::prelude::DataFrame;

use super::{OutputTable, Written, column, frame, keys};
use crate::error::Result;
use crate::measure::{ClusterLink, Trace};
use crate::report::Results;
use crate::validate::settings::Between;
use crate::validate::{LinkRow, TieTable};

/// The tables of a run with links or memberships.
pub(super) fn all(results: &Results<'_>) -> Result<Vec<OutputTable>> {
    if results.tables.ties.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![networks(results)?, cluster_links(results)?, ties(results)?])
}

/// One row a kind and period.
fn networks(results: &Results<'_>) -> Result<OutputTable> {
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
fn cluster_links(results: &Results<'_>) -> Result<OutputTable> {
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
fn ties(results: &Results<'_>) -> Result<OutputTable> {
    let rows: Vec<&Trace> = results.details.networks.traces.iter().collect();
    OutputTable::new(results, "ties", Written::Csv, tie_rows(results, &rows)?)
}

/// The name of a plant that stands among the firms of a source between operators; `None` for all other ends.
pub fn plant<'a>(results: &'a Results<'_>, source: &TieTable, level: Between, id: &str) -> Option<&'a str> {
    let is_plant = source.between == Between::Operator && level == Between::Facility;
    let register = results.facilities().filter(|_| is_plant)?;
    Some(&register.names[register.ids.position(id)?])
}

/// Rows of sources that tie a cluster, with all that they say.
pub(super) fn tie_rows(results: &Results<'_>, rows: &[&Trace]) -> Result<DataFrame> {
    let key = |row: &Trace| keys(results, &results.measured.units[row.unit]);
    let table = |row: &Trace| -> &TieTable { &results.tables.ties[row.table] };
    let of = |row: &Trace| -> &LinkRow { &table(row).rows()[row.row] };
    let is_link = |row: &Trace| table(row).is_links();
    let called = |row: &Trace, end: usize| {
        let is_end = end == 0 || is_link(row);
        let id = [&of(row).from, &of(row).to][end];
        plant(results, table(row), of(row).levels[end], id).filter(|_| is_end)
    };
    frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row).1).collect::<Vec<_>>()),
        column("kind", rows.iter().map(|row| table(row).kind.as_str()).collect::<Vec<&str>>()),
        column("name", rows.iter().map(|row| table(row).name.as_str()).collect::<Vec<&str>>()),
        column("basis", rows.iter().map(|row| table(row).basis()).collect::<Vec<&str>>()),
        column("from", rows.iter().map(|row| &*of(row).from).collect::<Vec<&str>>()),
        column("to", rows.iter().map(|row| is_link(row).then(|| &*of(row).to)).collect::<Vec<_>>()),
        column("from_name", rows.iter().map(|row| called(row, 0)).collect::<Vec<_>>()),
        column("to_name", rows.iter().map(|row| called(row, 1)).collect::<Vec<_>>()),
        column("organisation", rows.iter().map(|row| (!is_link(row)).then(|| &*of(row).to)).collect::<Vec<_>>()),
        column("share", rows.iter().map(|row| of(row).share).collect::<Vec<_>>()),
        column("role", rows.iter().map(|row| of(row).role.as_deref()).collect::<Vec<_>>()),
        column("weight", rows.iter().map(|row| of(row).weight).collect::<Vec<_>>()),
        column("from_year", rows.iter().map(|row| of(row).from_year).collect::<Vec<_>>()),
        column("to_year", rows.iter().map(|row| of(row).to_year).collect::<Vec<_>>()),
        column("source", rows.iter().map(|row| of(row).source.as_deref()).collect::<Vec<_>>()),
        column("file", rows.iter().map(|row| Some(&*of(row).file).filter(|file| !file.is_empty())).collect::<Vec<_>>()),
        column("line", rows.iter().map(|row| Some(of(row).line).filter(|line| *line > 0)).collect::<Vec<_>>()),
    ])
}
