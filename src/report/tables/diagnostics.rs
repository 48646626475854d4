//! Tables about the scores as a whole: how indicators are distributed, how scores hang together, what each part weighs,
//! and who would stand where without it.

use polars::prelude::Column;

use super::{OutputTable, Written, column, frame, keys};
use crate::error::Result;
use crate::indicator::rescale::Method;
use crate::report::Results;
use crate::score::diagnostics::{Diagnostics, EffectiveWeight, IndicatorFacts};
use crate::score::shape::Child;
use crate::score::treat::Treated;

/// The tables of a run that is diagnosed.
pub(super) fn all(results: &Results<'_>) -> Result<Vec<OutputTable<'static>>> {
    let Some(found) = results.diagnostics else { return Ok(Vec::new()) };
    Ok(vec![
        diagnostics(results, found)?,
        correlations(results, found)?,
        loadings(results, found)?,
        effective_weights(results, found)?,
        removal(results, found)?,
        strengths(results, found)?,
        availability(results, found)?,
    ])
}

/// What something of the tree is called, and what it is.
pub fn named<'a>(results: &'a Results<'_>, child: Child) -> (&'a str, &'static str) {
    let shape = &results.about.model.shape;
    match child {
        Child::Indicator(at) => (&results.about.indicators[at].id, "indicator"),
        Child::Node(at) if shape.dimensions().contains(&at) => (&shape.nodes()[at].id, "dimension"),
        Child::Node(at) => (&shape.nodes()[at].id, "component"),
    }
}

/// One row an indicator.
fn diagnostics(results: &Results<'_>, found: &Diagnostics) -> Result<OutputTable<'static>> {
    let rows = &found.indicators;
    let indicators = results.about.indicators;
    let methods: Vec<Method> = results.about.model.parameters.normalise.iter().map(|rule| rule.method()).collect();
    let count = |of: fn(&IndicatorFacts) -> usize| rows.iter().map(|row| of(row) as u64).collect::<Vec<u64>>();
    let number = |of: fn(&IndicatorFacts) -> Option<f64>| rows.iter().map(of).collect::<Vec<_>>();
    let share = |of: fn(&IndicatorFacts) -> (usize, usize)| {
        let share = |(part, all): (usize, usize)| (all > 0).then(|| part as f64 / all as f64);
        rows.iter().map(|row| share(of(row))).collect::<Vec<_>>()
    };
    let mut columns = vec![
        column("indicator", indicators.iter().map(|one| one.id.as_str()).collect::<Vec<&str>>()),
        column("parent", indicators.iter().map(|one| one.parent.as_str()).collect::<Vec<&str>>()),
        column("unit", indicators.iter().map(|one| one.unit.as_str()).collect::<Vec<&str>>()),
        column("normalise", methods.iter().map(|method| method.as_str()).collect::<Vec<&str>>()),
        column("relative", methods.iter().map(|method| *method != Method::Goalposts).collect::<Vec<bool>>()),
        column("unit_count", count(|row| row.units)),
        column("available", count(|row| row.available)),
        column("available_share", share(|row| (row.available, row.units))),
        column("non_zero", count(|row| row.non_zero)),
        column("non_zero_share", share(|row| (row.non_zero, row.available))),
        column("unique", count(|row| row.unique)),
        column("unique_share", share(|row| (row.unique, row.available))),
        column("same", count(|row| row.same)),
        column("same_share", share(|row| (row.same, row.available))),
        column("minimum", number(|row| row.ends.map(|ends| ends.0))),
        column("maximum", number(|row| row.ends.map(|ends| ends.1))),
        column("mean", number(|row| row.mean)),
        column("median", number(|row| row.median)),
        column("standard_deviation", number(|row| row.deviation)),
        column("skewness", number(|row| row.skewness)),
        column("kurtosis", number(|row| row.kurtosis)),
        column("imputed", count(|row| row.imputed)),
    ];
    columns.extend(treatment(rows));
    let flags = rows.iter().map(|row| Some(row.flags.join("|")).filter(|flags| !flags.is_empty()));
    columns.push(column("flags", flags.collect::<Vec<_>>()));
    OutputTable::new(results, "diagnostics", Written::Both, frame(columns)?)
}

/// Before and after outliers are treated.
fn treatment(rows: &[IndicatorFacts]) -> Vec<Column> {
    let treated =
        |of: fn(&Treated) -> Option<f64>| rows.iter().map(|row| row.treated.as_ref().and_then(of)).collect::<Vec<_>>();
    vec![
        column("skewness_before", treated(|treated| treated.before.skewness)),
        column("kurtosis_before", treated(|treated| treated.before.kurtosis)),
        column(
            "winsorised",
            rows.iter().map(|row| row.treated.map(|treated| treated.winsorised as u64)).collect::<Vec<_>>(),
        ),
        column(
            "transformed",
            rows.iter().map(|row| row.treated.and_then(|treated| treated.transformed)).collect::<Vec<_>>(),
        ),
        column("skewness_after", treated(|treated| treated.after.skewness)),
        column("kurtosis_after", treated(|treated| treated.after.kurtosis)),
        column("passes", rows.iter().map(|row| row.treated.map(|treated| treated.passes)).collect::<Vec<_>>()),
    ]
}

/// One row a pair.
fn correlations(results: &Results<'_>, found: &Diagnostics) -> Result<OutputTable<'static>> {
    let rows = &found.correlations;
    let frame = frame(vec![
        column("first", rows.iter().map(|row| named(results, row.first).0).collect::<Vec<&str>>()),
        column("first_kind", rows.iter().map(|row| named(results, row.first).1).collect::<Vec<&str>>()),
        column("second", rows.iter().map(|row| named(results, row.second).0).collect::<Vec<&str>>()),
        column("second_kind", rows.iter().map(|row| named(results, row.second).1).collect::<Vec<&str>>()),
        column("relation", rows.iter().map(|row| row.relation.as_str()).collect::<Vec<&str>>()),
        column("unit_count", rows.iter().map(|row| row.units as u64).collect::<Vec<u64>>()),
        column("pearson", rows.iter().map(|row| row.pearson).collect::<Vec<_>>()),
        column("spearman", rows.iter().map(|row| row.spearman).collect::<Vec<_>>()),
        column("kendall", rows.iter().map(|row| row.kendall).collect::<Vec<_>>()),
        column("flag", rows.iter().map(|row| row.flag).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "correlations", Written::Both, frame)
}

/// One row a node, principal component and child.
fn loadings(results: &Results<'_>, found: &Diagnostics) -> Result<OutputTable<'static>> {
    let rows = &found.loadings;
    let frame = frame(vec![
        column("node", rows.iter().map(|row| named(results, Child::Node(row.node)).0).collect::<Vec<&str>>()),
        column("principal_component", rows.iter().map(|row| row.component as u64).collect::<Vec<u64>>()),
        column("child", rows.iter().map(|row| named(results, row.child).0).collect::<Vec<&str>>()),
        column("child_kind", rows.iter().map(|row| named(results, row.child).1).collect::<Vec<&str>>()),
        column("loading", rows.iter().map(|row| row.loading).collect::<Vec<f64>>()),
        column("standard_deviation", rows.iter().map(|row| row.deviation).collect::<Vec<f64>>()),
        column("variance_share", rows.iter().map(|row| row.share).collect::<Vec<f64>>()),
        column("unit_count", rows.iter().map(|row| row.units as u64).collect::<Vec<u64>>()),
    ])?;
    OutputTable::new(results, "loadings", Written::Both, frame)
}

/// One row a dimension and what stands under it.
fn effective_weights(results: &Results<'_>, found: &Diagnostics) -> Result<OutputTable<'static>> {
    let rows = &found.weights;
    let node = |at: usize| named(results, Child::Node(at)).0;
    let number = |of: fn(&EffectiveWeight) -> Option<f64>| rows.iter().map(of).collect::<Vec<_>>();
    let weighting = |row: &EffectiveWeight| row.parent.map(|node| results.about.weightings[node].as_str());
    let consistency = |row: &EffectiveWeight| match row.child {
        Child::Node(at) => results.about.consistency[at],
        Child::Indicator(_) => None,
    };
    let frame = frame(vec![
        column("dimension", rows.iter().map(|row| node(row.dimension)).collect::<Vec<&str>>()),
        column("node", rows.iter().map(|row| named(results, row.child).0).collect::<Vec<&str>>()),
        column("kind", rows.iter().map(|row| named(results, row.child).1).collect::<Vec<&str>>()),
        column("parent", rows.iter().map(|row| row.parent.map(node)).collect::<Vec<_>>()),
        column("weights", rows.iter().map(weighting).collect::<Vec<_>>()),
        column("weight", rows.iter().map(|row| row.weight).collect::<Vec<f64>>()),
        column("nominal_share", rows.iter().map(|row| row.nominal_share).collect::<Vec<f64>>()),
        column("effective_weight", rows.iter().map(|row| row.effective_weight).collect::<Vec<f64>>()),
        column("correlation", number(|row| row.correlation)),
        column("correlation_ratio", number(|row| row.correlation_ratio)),
        column("ratio_share", number(|row| row.ratio_share)),
        column("cronbach_alpha", number(|row| row.alpha)),
        column("consistency_ratio", rows.iter().map(consistency).collect::<Vec<_>>()),
        column("mean_rank_change", number(|row| row.rank_change)),
    ])?;
    OutputTable::new(results, "effective_weights", Written::Both, frame)
}

/// One row a cluster, period, dimension and what is left out of it.
fn removal(results: &Results<'_>, found: &Diagnostics) -> Result<OutputTable<'static>> {
    let rows = &found.removal;
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row.unit).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.unit).1).collect::<Vec<_>>()),
        column("dimension", rows.iter().map(|row| named(results, Child::Node(row.dimension)).0).collect::<Vec<&str>>()),
        column("removed", rows.iter().map(|row| named(results, row.removed).0).collect::<Vec<&str>>()),
        column("kind", rows.iter().map(|row| named(results, row.removed).1).collect::<Vec<&str>>()),
        column("score", rows.iter().map(|row| row.score).collect::<Vec<_>>()),
        column("rank", rows.iter().map(|row| row.rank.map(u64::from)).collect::<Vec<_>>()),
        column("change", rows.iter().map(|row| row.change).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "removal", Written::Both, frame)
}

/// One row a cluster, period and indicator by which it stands out.
fn strengths(results: &Results<'_>, found: &Diagnostics) -> Result<OutputTable<'static>> {
    let rows = &found.strengths;
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let indicator = |at: usize| &results.about.indicators[at];
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row.unit).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.unit).1).collect::<Vec<_>>()),
        column(
            "kind",
            rows.iter().map(|row| if row.is_strength { "strength" } else { "weakness" }).collect::<Vec<&str>>(),
        ),
        column("position", rows.iter().map(|row| row.position as u64).collect::<Vec<u64>>()),
        column("indicator", rows.iter().map(|row| indicator(row.indicator).id.as_str()).collect::<Vec<&str>>()),
        column("parent", rows.iter().map(|row| indicator(row.indicator).parent.as_str()).collect::<Vec<&str>>()),
        column("rank", rows.iter().map(|row| u64::from(row.rank)).collect::<Vec<u64>>()),
        column("of", rows.iter().map(|row| row.of as u64).collect::<Vec<u64>>()),
        column(
            "value",
            rows.iter().map(|row| results.measured.indicators[row.indicator][row.unit].value).collect::<Vec<_>>(),
        ),
        column(
            "score",
            rows.iter().map(|row| results.rating.scores[row.unit].indicators[row.indicator].score).collect::<Vec<_>>(),
        ),
        column("unit", rows.iter().map(|row| indicator(row.indicator).unit.as_str()).collect::<Vec<&str>>()),
    ])?;
    OutputTable::new(results, "strengths", Written::Both, frame)
}

/// One row a cluster and period.
fn availability(results: &Results<'_>, found: &Diagnostics) -> Result<OutputTable<'static>> {
    let rows = &found.availability;
    let key = |(unit, _): (usize, &_)| keys(results, &results.measured.units[unit]);
    let frame = frame(vec![
        column("cluster_id", rows.iter().enumerate().map(|row| key(row).0).collect::<Vec<&str>>()),
        column("period", rows.iter().enumerate().map(|row| key(row).1).collect::<Vec<_>>()),
        column("indicators", rows.iter().map(|row| row.indicators as u64).collect::<Vec<u64>>()),
        column("missing", rows.iter().map(|row| row.missing as u64).collect::<Vec<u64>>()),
        column("zero", rows.iter().map(|row| row.zero as u64).collect::<Vec<u64>>()),
        column("available_share", rows.iter().map(|row| row.available()).collect::<Vec<f64>>()),
        column("non_zero_share", rows.iter().map(|row| row.non_zero()).collect::<Vec<_>>()),
        column("screened", results.screened.to_vec()),
    ])?;
    OutputTable::new(results, "availability", Written::Both, frame)
}
