//! Tables of what would change a cluster's type and of what has: levers, distances, moves, transitions, warnings.

use super::{OutputTable, Written, column, frame, keys};
use crate::classify::levers::{Lever, LeverPair};
use crate::classify::moves::Move;
use crate::error::Result;
use crate::indicator::Indicator;
use crate::report::Results;

/// The tables that the run has rows for.
pub(super) fn all(results: &Results<'_>) -> Result<Vec<OutputTable<'static>>> {
    let mut tables = vec![levers(results)?, lever_pairs(results)?];
    if results.about.typology.is_some() {
        tables.push(type_distances(results)?);
        if results.about.dimensions.iter().any(|dimension| dimension.fuzzy_width.is_some()) {
            tables.push(type_memberships(results)?);
        }
    }
    if !results.rating.moves.moves.is_empty() {
        tables.extend([moves(results)?, move_parts(results)?, transitions(results)?, warnings(results)?]);
    }
    Ok(tables)
}

/// The change to a value as people say it: "42.3 km less to CO2 storage", "6 more linked sites".
pub fn reading(indicator: &Indicator, lever: &Lever, value: f64) -> String {
    let what = indicator.lever.as_ref().map(|words| words.what.as_str());
    if let (Some(count), Some(what)) = (lever.count, what) {
        let word = if count < 0.0 { "fewer" } else { "more" };
        let what = what.replace("(s)", if count.abs() == 1.0 { "" } else { "s" });
        let shown = if count.fract() == 0.0 { format!("{:.0}", count.abs()) } else { significant(count.abs()) };
        return format!("{shown} {word} {what}");
    }
    let change = lever.flip_value - value;
    let unit = if indicator.unit.is_empty() { String::new() } else { format!(" {}", indicator.unit) };
    let what = what.map(|what| format!(" {what}")).unwrap_or_default();
    let word = if change < 0.0 { "less" } else { "more" };
    format!("{}{unit} {word}{what}", significant(change.abs()))
}

/// Three significant digits, or all digits before the point.
fn significant(value: f64) -> String {
    let digits = if value > 0.0 { 2 - value.log10().floor() as i32 } else { 0 };
    format!("{value:.*}", digits.clamp(0, 9) as usize)
}

/// One row a cluster, period and indicator.
fn levers(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let count = results.about.indicators.len();
    let rows: Vec<(usize, usize)> =
        (0..results.rating.scores.len()).flat_map(|unit| (0..count).map(move |indicator| (unit, indicator))).collect();
    let key = |&(unit, _): &(usize, usize)| keys(results, &results.measured.units[unit]);
    let of = |&(_, indicator): &(usize, usize)| &results.about.indicators[indicator];
    let value = |&(unit, at): &(usize, usize)| results.measured.indicators[at][unit].value;
    let lever = |&(unit, at): &(usize, usize)| results.rating.levers[unit].single[at].as_ref();
    let score = |&(unit, at): &(usize, usize)| results.rating.scores[unit].indicators[at].score;
    let change = |row: &(usize, usize)| Some(lever(row)?.flip_value - value(row)?);
    let points = |row: &(usize, usize)| Some(lever(row)?.flip_score - score(row)?);
    let reads = |row: &(usize, usize)| Some(reading(of(row), lever(row)?, value(row)?));
    let dimensions = results.about.model.shape.dimension_of();
    let dimension = |&(_, at): &(usize, usize)| results.about.dimensions[dimensions[at]].id.as_str();
    let from =
        |row: &(usize, usize)| lever(row).map(|_| results.rating.classes[row.0].levels[dimensions[row.1]].as_str());
    let type_number = |row: &(usize, usize)| number(results, lever(row)?.to_type?);
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row).1).collect::<Vec<_>>()),
        column("indicator", rows.iter().map(|row| of(row).id.as_str()).collect::<Vec<&str>>()),
        column("dimension", rows.iter().map(dimension).collect::<Vec<&str>>()),
        column("value", rows.iter().map(value).collect::<Vec<_>>()),
        column("flip_value", rows.iter().map(|row| lever(row).map(|lever| lever.flip_value)).collect::<Vec<_>>()),
        column("change", rows.iter().map(change).collect::<Vec<_>>()),
        column("unit", rows.iter().map(|row| of(row).unit.as_str()).collect::<Vec<&str>>()),
        column("reads", rows.iter().map(reads).collect::<Vec<_>>()),
        column("points", rows.iter().map(points).collect::<Vec<_>>()),
        column("from_level", rows.iter().map(from).collect::<Vec<_>>()),
        column("to_level", rows.iter().map(|row| lever(row).map(|lever| lever.to.as_str())).collect::<Vec<_>>()),
        column("to_type", rows.iter().map(type_number).collect::<Vec<_>>()),
        column("changeable", rows.iter().map(|row| of(row).changeable).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "levers", Written::Both, frame)
}

fn number(results: &Results<'_>, position: usize) -> Option<i64> {
    results.about.typology.map(|typology| typology.types[position].number)
}

/// One row a cluster, period, dimension and set of indicators: the cheapest two.
fn lever_pairs(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let units = results.rating.levers.iter().enumerate();
    let rows: Vec<(usize, &LeverPair)> =
        units.flat_map(|(unit, levers)| levers.pairs.iter().map(move |pair| (unit, pair))).collect();
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let end = |row: &(usize, &LeverPair), at: usize| row.1.ends.get(at).copied();
    let name = |row: &(usize, &LeverPair), at| {
        end(row, at).map(|(indicator, _)| results.about.indicators[indicator].id.as_str())
    };
    let value = |row: &(usize, &LeverPair), at| {
        end(row, at).and_then(|(indicator, _)| results.measured.indicators[indicator][row.0].value)
    };
    let mut columns = vec![
        column("cluster_id", rows.iter().map(|row| key(row.0).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.0).1).collect::<Vec<_>>()),
        column(
            "dimension",
            rows.iter().map(|row| results.about.dimensions[row.1.dimension].id.as_str()).collect::<Vec<&str>>(),
        ),
        column(
            "among",
            rows.iter().map(|row| if row.1.changeable { "changeable" } else { "all" }).collect::<Vec<&str>>(),
        ),
    ];
    for (at, which) in ["first", "second"].iter().enumerate() {
        columns.push(column(which, rows.iter().map(|row| name(row, at)).collect::<Vec<_>>()));
        columns.push(column(&format!("{which}_value"), rows.iter().map(|row| value(row, at)).collect::<Vec<_>>()));
        let flip = rows.iter().map(|row| end(row, at).map(|(_, value)| value));
        columns.push(column(&format!("{which}_flip_value"), flip.collect::<Vec<_>>()));
    }
    columns.push(column("points", rows.iter().map(|row| row.1.points).collect::<Vec<f64>>()));
    columns.push(column("to_level", rows.iter().map(|row| row.1.to.as_str()).collect::<Vec<&str>>()));
    let to_type = |row: &(usize, &LeverPair)| number(results, row.1.to_type?);
    columns.push(column("to_type", rows.iter().map(to_type).collect::<Vec<_>>()));
    OutputTable::new(results, "lever_pairs", Written::Csv, frame(columns)?)
}

/// One row a cluster, period and type: how far it is.
fn type_distances(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let distance = |unit: usize, kind: usize| results.rating.levers[unit].distances.get(kind).copied();
    by_type(results, "type_distances", "points", &distance)
}

/// One row a cluster, period and type: how much it is a member.
fn type_memberships(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let membership = |unit: usize, kind: usize| {
        let known = results.rating.classes[unit].levels.iter().zip(&results.rating.scores[unit].nodes);
        let scores: Option<Vec<f64>> = known.map(|(level, score)| level.known().and(score.score)).collect();
        Some(results.about.typology?.types[kind].membership(results.about.dimensions, &scores?))
    };
    by_type(results, "type_memberships", "membership", &membership)
}

fn by_type(
    results: &Results<'_>,
    name: &'static str,
    value_column: &str,
    value: &dyn Fn(usize, usize) -> Option<f64>,
) -> Result<OutputTable<'static>> {
    let types = results.about.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    let rows: Vec<(usize, usize)> =
        (0..results.rating.scores.len()).flat_map(|unit| (0..types.len()).map(move |kind| (unit, kind))).collect();
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row.0).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.0).1).collect::<Vec<_>>()),
        column("type", rows.iter().map(|row| types[row.1].number).collect::<Vec<i64>>()),
        column("type_name", rows.iter().map(|row| types[row.1].name.as_str()).collect::<Vec<&str>>()),
        column(value_column, rows.iter().map(|row| value(row.0, row.1)).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, name, Written::Csv, frame)
}

/// Cluster id, period before and period after of a move.
fn move_keys<'a>(results: &'a Results<'_>, one: &Move) -> (&'a str, Option<i64>, Option<i64>) {
    let units = &results.measured.units;
    let (id, from) = keys(results, &units[one.from]);
    (id, from, units[one.to].period)
}

/// One row a cluster and two consecutive periods, both with a type.
fn moves(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows: Vec<&Move> = results.rating.moves.moves.iter().filter(|one| one.types.is_some()).collect();
    let key = |one: &&Move| move_keys(results, one);
    let kind = |one: &&Move, pick: fn((usize, usize)) -> usize| number(results, pick(one.types?));
    let name = |one: &&Move| {
        let cluster = results.measured.units[one.to].cluster;
        results.measured.clusters.names[cluster].as_str()
    };
    let mut columns = vec![
        column("cluster_id", rows.iter().map(|one| key(one).0).collect::<Vec<&str>>()),
        column("cluster_name", rows.iter().map(name).collect::<Vec<&str>>()),
        column("from_period", rows.iter().map(|one| key(one).1).collect::<Vec<_>>()),
        column("to_period", rows.iter().map(|one| key(one).2).collect::<Vec<_>>()),
        column("from_type", rows.iter().map(|one| kind(one, |types| types.0)).collect::<Vec<_>>()),
        column("to_type", rows.iter().map(|one| kind(one, |types| types.1)).collect::<Vec<_>>()),
        column("move", rows.iter().map(|one| one.name.as_str()).collect::<Vec<&str>>()),
    ];
    for (at, dimension) in results.about.dimensions.iter().enumerate() {
        let changes = rows.iter().map(|one| one.changes[at]).collect::<Vec<_>>();
        columns.push(column(&format!("{}_change", dimension.id), changes));
    }
    columns.push(column("direction_deg", rows.iter().map(|one| one.direction()).collect::<Vec<_>>()));
    OutputTable::new(results, "moves", Written::Both, frame(columns)?)
}

/// One row a cluster, two consecutive periods and indicator: its part of its dimension's change.
fn move_parts(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let with_part = |one: &&Move, at: &usize| one.parts[*at].is_some();
    let all = results.rating.moves.moves.iter();
    let rows: Vec<(&Move, usize)> = all
        .flat_map(|one| (0..one.parts.len()).filter(move |at| with_part(&one, at)).map(move |at| (one, at)))
        .collect();
    let key = |row: &(&Move, usize)| move_keys(results, row.0);
    let value = |unit: usize, at: usize| results.measured.indicators[at][unit].value;
    let dimensions = results.about.model.shape.dimension_of();
    let dimension = |at: usize| results.about.dimensions[dimensions[at]].id.as_str();
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row).0).collect::<Vec<&str>>()),
        column("from_period", rows.iter().map(|row| key(row).1).collect::<Vec<_>>()),
        column("to_period", rows.iter().map(|row| key(row).2).collect::<Vec<_>>()),
        column("dimension", rows.iter().map(|row| dimension(row.1)).collect::<Vec<&str>>()),
        column("indicator", rows.iter().map(|row| results.about.indicators[row.1].id.as_str()).collect::<Vec<&str>>()),
        column("from_value", rows.iter().map(|row| value(row.0.from, row.1)).collect::<Vec<_>>()),
        column("to_value", rows.iter().map(|row| value(row.0.to, row.1)).collect::<Vec<_>>()),
        column("part", rows.iter().map(|row| row.0.parts[row.1]).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "move_parts", Written::Csv, frame)
}

/// One row two consecutive periods and two types: how many clusters went from one to the other.
fn transitions(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.rating.moves.transitions;
    let frame = frame(vec![
        column("from_period", rows.iter().map(|row| row.from_period).collect::<Vec<_>>()),
        column("to_period", rows.iter().map(|row| row.to_period).collect::<Vec<_>>()),
        column("from_type", rows.iter().map(|row| number(results, row.from)).collect::<Vec<_>>()),
        column("to_type", rows.iter().map(|row| number(results, row.to)).collect::<Vec<_>>()),
        column("cluster_count", rows.iter().map(|row| row.clusters).collect::<Vec<u64>>()),
        column("from_emissions_t", rows.iter().map(|row| row.from_emissions_t).collect::<Vec<_>>()),
        column("to_emissions_t", rows.iter().map(|row| row.to_emissions_t).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "transitions", Written::Csv, frame)
}

/// One row a cluster and dimension that nears a threshold.
fn warnings(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.rating.moves.warnings;
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let score = |unit: usize, dimension: usize| results.rating.scores[unit].nodes[dimension].score;
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row.unit).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.unit).1).collect::<Vec<_>>()),
        column(
            "dimension",
            rows.iter().map(|row| results.about.dimensions[row.dimension].id.as_str()).collect::<Vec<&str>>(),
        ),
        column("score", rows.iter().map(|row| score(row.unit, row.dimension)).collect::<Vec<_>>()),
        column("threshold", rows.iter().map(|row| row.threshold).collect::<Vec<f64>>()),
        column("points", rows.iter().map(|row| row.points).collect::<Vec<f64>>()),
        column("change", rows.iter().map(|row| row.change).collect::<Vec<f64>>()),
        column("years_at_this_pace", rows.iter().map(|row| row.years).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "warnings", Written::Csv, frame)
}
