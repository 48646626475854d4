//! Tables about what came after: how well scores foretold it, and what became of each event.

use super::{OutputTable, Written, column, frame};
use crate::backtest::{Estimate, Tested, Told};
use crate::error::Result;
use crate::report::Results;
use crate::validate::Event;

/// The tables of a run with outcomes.
pub(super) fn all(results: &Results<'_>) -> Result<Vec<OutputTable<'static>>> {
    if results.tables.outcomes.is_empty() {
        return Ok(Vec::new());
    }
    let mut tables = vec![backtest(results)?, outcome_events(results)?];
    if !results.backtest.reliability.is_empty() {
        tables.push(reliability(results)?);
    }
    Ok(tables)
}

/// One row an outcome, period, dimension and fifth of all probabilities.
fn reliability(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.backtest.reliability;
    let outcome = |at: usize| results.tables.outcomes[at].name.as_str();
    let dimension = |at: usize| results.about.dimensions[at].id.as_str();
    let frame = frame(vec![
        column("outcome", rows.iter().map(|row| outcome(row.outcome)).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| row.period).collect::<Vec<i64>>()),
        column("dimension", rows.iter().map(|row| dimension(row.dimension)).collect::<Vec<&str>>()),
        column("p_from", rows.iter().map(|row| row.ends[0]).collect::<Vec<f64>>()),
        column("p_to", rows.iter().map(|row| row.ends[1]).collect::<Vec<f64>>()),
        column("cluster_count", rows.iter().map(|row| row.clusters as u64).collect::<Vec<u64>>()),
        column("p_high", rows.iter().map(|row| row.p_high).collect::<Vec<f64>>()),
        column("share_with_event", rows.iter().map(|row| row.with_event).collect::<Vec<f64>>()),
    ])?;
    OutputTable::new(results, "reliability", Written::Csv, frame)
}

/// One row an outcome, period and predictor.
fn backtest(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.backtest.tested;
    let low = |estimate: &Estimate| estimate.interval.map(|interval| interval[0]);
    let high = |estimate: &Estimate| estimate.interval.map(|interval| interval[1]);
    let outcome = |row: &Tested| results.tables.outcomes[row.outcome].name.as_str();
    let mut columns = vec![
        column("outcome", rows.iter().map(outcome).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| row.period).collect::<Vec<_>>()),
        column("predictor", rows.iter().map(|row| row.predictor.as_str()).collect::<Vec<&str>>()),
        column("cluster_count", rows.iter().map(|row| row.clusters as u64).collect::<Vec<_>>()),
        column("with_event_count", rows.iter().map(|row| row.with_event as u64).collect::<Vec<_>>()),
        column("event_count", rows.iter().map(|row| row.events as u64).collect::<Vec<_>>()),
        column("base_rate", rows.iter().map(Tested::base_rate).collect::<Vec<_>>()),
    ];
    for (name, estimate) in [
        ("auc", (|row| &row.auc) as fn(&Tested) -> &Estimate),
        ("auc_over_emissions", |row| &row.over_emissions),
        ("auc_over_sites", |row| &row.over_sites),
    ] {
        columns.push(column(name, rows.iter().map(|row| estimate(row).value).collect::<Vec<_>>()));
        columns.push(column(&format!("{name}_low"), rows.iter().map(|row| low(estimate(row))).collect::<Vec<_>>()));
        columns.push(column(&format!("{name}_high"), rows.iter().map(|row| high(estimate(row))).collect::<Vec<_>>()));
    }
    columns.push(column("tau_b", rows.iter().map(|row| row.tau_b).collect::<Vec<_>>()));
    columns.push(column("brier", rows.iter().map(|row| row.brier).collect::<Vec<_>>()));
    let tops: Vec<usize> =
        rows.first().map(|row| row.precision.iter().map(|(top, _)| *top).collect()).unwrap_or_default();
    for (at, top) in tops.into_iter().enumerate() {
        let of = |row: &Tested| row.precision[at].1;
        columns.push(column(&format!("precision_at_{top}"), rows.iter().map(of).collect::<Vec<_>>()));
    }
    OutputTable::new(results, "backtest", Written::Csv, frame(columns)?)
}

/// One row an outcome, period and event.
fn outcome_events(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.backtest.told;
    let clusters = &results.measured.clusters;
    let event = |row: &Told| -> &Event { &results.tables.outcomes[row.outcome].events[row.event] };
    let cluster = |of: &[String], row: &Told| row.home.as_ref().map(|home| of[home.cluster].clone());
    let frame = frame(vec![
        column(
            "outcome",
            rows.iter().map(|row| results.tables.outcomes[row.outcome].name.as_str()).collect::<Vec<&str>>(),
        ),
        column("period", rows.iter().map(|row| row.period).collect::<Vec<_>>()),
        column("event", rows.iter().map(|row| event(row).id.as_str()).collect::<Vec<&str>>()),
        column("name", rows.iter().map(|row| event(row).name.as_deref()).collect::<Vec<_>>()),
        column("year", rows.iter().map(|row| event(row).year).collect::<Vec<_>>()),
        column("fate", rows.iter().map(|row| row.fate.as_str()).collect::<Vec<&str>>()),
        column("cluster_id", rows.iter().map(|row| cluster(&clusters.ids, row)).collect::<Vec<_>>()),
        column("cluster_name", rows.iter().map(|row| cluster(&clusters.names, row)).collect::<Vec<_>>()),
        column("by", rows.iter().map(|row| row.home.as_ref().map(|home| home.by)).collect::<Vec<_>>()),
        column("km", rows.iter().map(|row| row.home.as_ref().and_then(|home| home.km)).collect::<Vec<_>>()),
        column("file", rows.iter().map(|row| &*event(row).file).collect::<Vec<&str>>()),
        column("line", rows.iter().map(|row| event(row).line).collect::<Vec<u64>>()),
    ])?;
    OutputTable::new(results, "outcome_events", Written::Csv, frame)
}
