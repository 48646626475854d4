//! Tables about how sure types are: probabilities beside each cluster, what matters, single choices, single replicates.

use polars::prelude::Column;

use super::{OutputTable, Written, column, frame, keys};
use crate::error::Result;
use crate::names;
use crate::report::Results;
use crate::uncertainty::replicates::{QUANTILES, RANKS};
use crate::uncertainty::sensitivity::Effect;

/// The result beside dimensions that effects are told of: whether the type is the nominal one.
pub const OF_TYPE: &str = "type";

/// The columns of a run with replicates in the table of clusters.
pub(super) fn of_clusters(results: &Results<'_>) -> Vec<Column> {
    let found = results.uncertainty;
    let mut columns = Vec::new();
    if found.replicates == 0 {
        return columns;
    }
    for (at, kind) in results.about.typology.iter().flat_map(|typology| &typology.types).enumerate() {
        let values: Vec<Option<f64>> = found.p_types.iter().map(|of| of[at]).collect();
        columns.push(column(&names::p_type(kind.number), values));
    }
    columns.push(column("robustness", found.robustness.iter().map(|word| word.as_str()).collect::<Vec<&str>>()));
    let reads = found.reads.iter().map(|text| Some(text.as_str()).filter(|text| !text.is_empty()));
    columns.push(column("robustness_reads", reads.collect::<Vec<_>>()));
    columns.push(column("p_exists", found.p_exists.clone()));
    for (dimension, of) in results.about.dimensions.iter().enumerate() {
        columns.push(column(&names::p_high(&of.id), found.p_high[dimension].clone()));
        if found.quantiles.is_empty() {
            continue;
        }
        for (at, share) in QUANTILES.into_iter().enumerate() {
            let values = found.quantiles[dimension].iter().map(|of| of.map(|of| of[at]));
            columns.push(column(&names::quantile(&of.id, share), values.collect::<Vec<_>>()));
        }
        for (at, share) in RANKS.into_iter().enumerate() {
            let values = found.ranks[dimension].iter().map(|of| of.map(|of| of[at]));
            columns.push(column(&names::rank_quantile(&of.id, share), values.collect::<Vec<_>>()));
        }
    }
    columns
}

/// The tables of a run with replicates.
pub(super) fn all(results: &Results<'_>) -> Result<Vec<OutputTable<'static>>> {
    let found = results.uncertainty;
    if found.replicates == 0 {
        return Ok(Vec::new());
    }
    let mut tables = Vec::new();
    if !found.effects.is_empty() {
        tables.push(sensitivity(results)?);
    }
    tables.push(one_at_a_time(results)?);
    if !found.order.is_empty() {
        tables.push(order_probability(results)?);
    }
    if !found.each.outcomes.is_empty() {
        tables.extend([replicates(results)?, replicate_factors(results)?]);
    }
    Ok(tables)
}

/// One row a cluster, period, result and factor.
fn sensitivity(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let found = results.uncertainty;
    let outputs: Vec<&str> =
        results.about.dimensions.iter().map(|dimension| dimension.id.as_str()).chain([OF_TYPE]).collect();
    let mut rows: Vec<(usize, &str, &str, Option<Effect>)> = Vec::new();
    for unit in 0..results.measured.units.len() {
        for (output, name) in outputs.iter().enumerate() {
            for (at, factor) in found.examined.iter().enumerate() {
                let effect = found.effects[output][unit].as_ref().map(|effects| effects[at]);
                rows.push((unit, name, factor, effect));
            }
        }
    }
    let key = |row: &(usize, &str, &str, Option<Effect>)| keys(results, &results.measured.units[row.0]);
    let mut columns = vec![
        column("cluster_id", rows.iter().map(|row| key(row).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row).1).collect::<Vec<_>>()),
        column("result", rows.iter().map(|row| row.1).collect::<Vec<&str>>()),
        column("factor", rows.iter().map(|row| row.2).collect::<Vec<&str>>()),
    ];
    let mut add = |name: &str, of: &dyn Fn(Effect) -> Option<f64>| {
        columns.push(column(name, rows.iter().map(|row| row.3.and_then(of)).collect::<Vec<Option<f64>>>()));
    };
    let is_morris = rows.iter().any(|row| matches!(row.3, Some(Effect::Morris { .. })));
    if is_morris {
        add("effect_mean", &|effect| if let Effect::Morris { mean, .. } = effect { Some(mean) } else { None });
        add("effect_deviation", &|effect| {
            if let Effect::Morris { deviation, .. } = effect { Some(deviation) } else { None }
        });
        return OutputTable::new(results, "sensitivity", Written::Both, frame(columns)?);
    }
    for (name, is_total) in [("first_order", false), ("total", true)] {
        let pick = move |effect: Effect| match effect {
            Effect::Sobol { first, total } => Some(if is_total { total } else { first }),
            Effect::Morris { .. } => None,
        };
        add(name, &|effect| pick(effect).map(|of| of.value));
        add(&format!("{name}_low"), &|effect| pick(effect)?.interval.map(|of| of[0]));
        add(&format!("{name}_high"), &|effect| pick(effect)?.interval.map(|of| of[1]));
    }
    OutputTable::new(results, "sensitivity", Written::Both, frame(columns)?)
}

/// One row a cluster, period and single choice that makes its type another.
fn one_at_a_time(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.uncertainty.flips;
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let types = results.about.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    let number = |at: Option<usize>| at.map(|at| types[at].number);
    let name = |at: Option<usize>| at.map(|at| types[at].name.as_str());
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row.unit).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.unit).1).collect::<Vec<_>>()),
        column("factor", rows.iter().map(|row| row.factor.as_str()).collect::<Vec<&str>>()),
        column("setting", rows.iter().map(|row| row.setting.as_str()).collect::<Vec<&str>>()),
        column("type", rows.iter().map(|row| number(row.from)).collect::<Vec<_>>()),
        column("type_name", rows.iter().map(|row| name(row.from)).collect::<Vec<_>>()),
        column("other_type", rows.iter().map(|row| number(row.to)).collect::<Vec<_>>()),
        column("other_type_name", rows.iter().map(|row| name(row.to)).collect::<Vec<_>>()),
        column("is_cluster", rows.iter().map(|row| row.exists).collect::<Vec<bool>>()),
    ])?;
    OutputTable::new(results, "one_at_a_time", Written::Csv, frame)
}

/// One row a period, dimension and pair of clusters.
fn order_probability(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.uncertainty.order;
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row.units[0]).0).collect::<Vec<&str>>()),
        column("other_id", rows.iter().map(|row| key(row.units[1]).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.units[0]).1).collect::<Vec<_>>()),
        column(
            "dimension",
            rows.iter().map(|row| results.about.dimensions[row.dimension].id.as_str()).collect::<Vec<&str>>(),
        ),
        column("p_above", rows.iter().map(|row| row.first_above).collect::<Vec<f64>>()),
    ])?;
    OutputTable::new(results, "order_probability", Written::Both, frame)
}

/// One row a replicate, cluster and period.
fn replicates(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let each = &results.uncertainty.each.outcomes;
    let units = &results.measured.units;
    let rows = || (0..each.len()).flat_map(|replicate| (0..units.len()).map(move |unit| (replicate, unit)));
    let types = results.about.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    let mut columns = vec![
        column("replicate", rows().map(|row| row.0 as u32).collect::<Vec<u32>>()),
        column("cluster_id", rows().map(|row| keys(results, &units[row.1]).0).collect::<Vec<&str>>()),
        column("period", rows().map(|row| units[row.1].period).collect::<Vec<_>>()),
    ];
    for (dimension, of) in results.about.dimensions.iter().enumerate() {
        let score = |(replicate, unit): (usize, usize)| {
            Some(each[replicate].scores[dimension][unit]).filter(|score| !score.is_nan())
        };
        columns.push(column(&of.id, rows().map(score).collect::<Vec<_>>()));
    }
    let kind = |(replicate, unit): (usize, usize)| {
        let at = each[replicate].types[unit] as usize;
        types.get(at).map(|kind| kind.number)
    };
    columns.push(column("type", rows().map(kind).collect::<Vec<_>>()));
    OutputTable::new(results, "replicates", Written::Both, frame(columns)?)
}

/// One row a replicate and number that was drawn.
fn replicate_factors(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.uncertainty.each.drawn;
    let frame = frame(vec![
        column("replicate", rows.iter().map(|row| row.replicate).collect::<Vec<u32>>()),
        column("factor", rows.iter().map(|row| row.factor.as_str()).collect::<Vec<&str>>()),
        column("item", rows.iter().map(|row| row.item.as_str()).collect::<Vec<&str>>()),
        column("value", rows.iter().map(|row| row.value).collect::<Vec<_>>()),
        column("choice", rows.iter().map(|row| row.choice.as_deref()).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "replicate_factors", Written::Both, frame)
}
