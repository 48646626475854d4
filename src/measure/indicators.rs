//! Indicators: SQL expressions over the tables of one run, one number a cluster and period, with its coverage.

use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::network;

use crate::error::{Error, Problem, Result};
use crate::finding::{Finding, Findings, Rule, Severity};
use crate::indicator::{Indicator, Inherited, Over};
use crate::names::{self, UNIT, WEIGHT};
use crate::sql::{Expression, Failure, Yields};

/// One indicator of one cluster and period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Its value in the indicator's unit; `None` where it is missing.
    pub value: Option<f64>,
    /// The share of the cluster on which it rests, 0 to 1.
    pub coverage: f64,
    /// Why it is missing, or that it is not.
    pub status: Status,
    /// Of a distance shorter than what is known of the places at its ends: how well it is known, km.
    pub within_km: Option<f64>,
}

/// Whether an indicator is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It has a value.
    Observed,
    /// The data do not give it.
    Missing,
    /// The pipeline declares nothing that could give it.
    Undeclared,
    /// The data do not give it; what stands there comes from other units.
    Imputed,
    /// It has a value or none, and its unit has too few of all to be scored.
    Screened,
}

impl Status {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Missing => "missing",
            Self::Undeclared => "undeclared",
            Self::Imputed => "imputed",
            Self::Screened => "screened",
        }
    }
}

/// The tables' columns, before any of them is computed.
pub struct Schemas {
    /// Of `facilities`.
    pub facilities: Schema,
    /// Of `links`; `None` where no source of ties is declared.
    pub links: Option<Schema>,
    /// Of `clusters`.
    pub clusters: Schema,
}

/// Parses every indicator and checks it against the columns that there will be. `None`: undeclared.
///
/// `inherited` are the indicators whose expression came through `extends`: what they name and only an undeclared
/// layer, link kind or figure could give is missing by declaration.
///
/// # Errors
///
/// [`Error::Pipeline`] with every expression that does not fit.
pub fn check(
    indicators: &[Indicator],
    inherited: &Inherited,
    schemas: &Schemas,
    findings: &mut Findings,
) -> Result<Vec<Option<Expression>>> {
    let (mut expressions, mut problems) = (Vec::new(), Vec::new());
    for indicator in indicators {
        let place = format!("indicators.{}.expr", indicator.id);
        let checked = Expression::parse(&indicator.expr, &place).and_then(|expression| {
            let undeclared = inherited
                .expr
                .contains(&indicator.id)
                .then(|| undeclared(&expression, indicator.over, schemas))
                .flatten();
            if let Some(column) = undeclared {
                findings.findings.push(undeclared_finding(&indicator.id, column));
                return Ok(None);
            }
            check_one(&expression, indicator.over, schemas, &place)?;
            Ok(Some(expression))
        });
        match checked {
            Ok(expression) => expressions.push(expression),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(expressions) } else { Err(Error::Pipeline { problems }) }
}

/// Parses what one unit of each indicator stands for, as [`check`] does; an inherited one that names what this pipeline
/// does not declare is left out, as its indicator is.
///
/// # Errors
///
/// [`Error::Pipeline`] with every expression that does not fit.
pub fn check_times(
    indicators: &[Indicator],
    inherited: &Inherited,
    schemas: &Schemas,
) -> Result<Vec<Option<Expression>>> {
    let (mut expressions, mut problems) = (Vec::new(), Vec::new());
    for indicator in indicators {
        let place = format!("indicators.{}.lever.times", indicator.id);
        let text = indicator.lever.as_ref().and_then(|lever| lever.times.as_ref());
        let checked = text.map(|text| {
            let expression = Expression::parse(text, &place)?;
            if inherited.lever.contains(&indicator.id) && expression.unknown_column(&schemas.clusters).is_some() {
                return Ok(None);
            }
            expression.check(&schemas.clusters, Yields::Row, &place).map(|()| Some(expression))
        });
        match checked.transpose() {
            Ok(expression) => expressions.push(expression.flatten()),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(expressions) } else { Err(Error::Pipeline { problems }) }
}

/// What one unit of each indicator stands for; one list an indicator, one entry a unit (cluster and period).
pub fn evaluate_times(times: &[Option<Expression>], inputs: &Inputs<'_>) -> Result<Vec<Vec<Option<f64>>>> {
    let of = |times: &Option<Expression>| match times {
        Some(expression) => {
            let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
            Ok(values(expression, Over::Clusters, "indicators.lever.times", inputs)?.into_iter().map(finite).collect())
        }
        None => Ok(vec![None; inputs.units]),
    };
    times.iter().map(of).collect()
}

fn check_one(expression: &Expression, over: Over, schemas: &Schemas, place: &str) -> std::result::Result<(), Problem> {
    match (over, &schemas.links) {
        (Over::Facilities, _) => expression.check(&schemas.facilities, Yields::Aggregate, place),
        (Over::Clusters, _) => expression.check(&schemas.clusters, Yields::Row, place),
        (Over::Links, Some(links)) => expression.check(links, Yields::Aggregate, place),
        (Over::Links, None) => {
            let hint = "declare [links.NAME] or [memberships.NAME], or leave the indicator out";
            Err(Problem::new(place, "the pipeline has no links", hint))
        }
    }
}

fn undeclared_finding(indicator: &str, column: String) -> Finding {
    let message = "rests on a layer, kind of tie or figure that this pipeline does not declare: missing by declaration";
    let source = format!("indicators.{indicator}");
    Finding { column, ..Finding::of(Severity::Info, &source, Rule::Undeclared, message.into(), 1) }
}

/// The first column that only an undeclared layer, link kind or figure could give.
fn undeclared(expression: &Expression, over: Over, schemas: &Schemas) -> Option<String> {
    let of_layer = |column: &str| names::of_some_layer(column).is_some();
    match over {
        Over::Facilities => {
            let unknown = expression.columns().iter().filter(|column| schemas.facilities.get(column).is_none());
            let unknown: Vec<&String> = unknown.collect();
            (!unknown.is_empty() && unknown.iter().all(|column| of_layer(column))).then(|| unknown[0].clone())
        }
        Over::Clusters => expression.unknown_column(&schemas.clusters).map(str::to_owned),
        Over::Links => schemas.links.is_none().then(|| "links".to_owned()),
    }
}

/// The computed tables, with the unit (cluster and period) of each row in `__unit`.
pub struct Inputs<'a> {
    /// Facilities in clusters, by unit, then id; one chunk.
    pub facilities: Option<DataFrame>,
    /// Ties within clusters.
    pub links: Option<DataFrame>,
    /// One row a unit.
    pub clusters: &'a DataFrame,
    /// All kinds of ties.
    pub kinds: &'a [String],
    /// Those of `links`: without what might be.
    pub observed_kinds: &'a [String],
    /// The number of units.
    pub units: usize,
}

impl Inputs<'_> {
    /// The table that an indicator is over; `None` where the run has none.
    fn table(&self, over: Over) -> Option<&DataFrame> {
        match over {
            Over::Facilities => self.facilities.as_ref(),
            Over::Links => self.links.as_ref(),
            Over::Clusters => Some(self.clusters),
        }
    }
}

/// Evaluates all indicators; one list an indicator, one entry a unit.
pub fn evaluate(
    indicators: &[Indicator],
    expressions: &[Option<Expression>],
    inputs: &Inputs<'_>,
    findings: &mut Findings,
) -> Result<Vec<Vec<Measurement>>> {
    let mut all = Vec::with_capacity(indicators.len());
    let mut together = together(indicators, expressions, inputs);
    for (position, (indicator, expression)) in indicators.iter().zip(expressions).enumerate() {
        let undeclared = Measurement { value: None, coverage: 0.0, status: Status::Undeclared, within_km: None };
        let Some(expression) = expression else {
            all.push(vec![undeclared; inputs.units]);
            continue;
        };
        let values = match together[position].take() {
            Some(values) => values,
            None => values(expression, indicator.over, &format!("indicators.{}.expr", indicator.id), inputs)?,
        };
        let coverage = coverage(expression, indicator.over, inputs)?;
        let broken = values.iter().flatten().filter(|value| !value.is_finite()).count();
        let message = format!("`{}` gives no finite number (a division by zero?): missing there", indicator.id);
        findings.add(Severity::Warning, &indicator.id, Rule::NotFinite, message, broken);
        let marks = marks(indicator, expression, inputs)?;
        let measured = |((value, coverage), mark): ((Option<f64>, f64), Option<f64>)| {
            match value.filter(|value| value.is_finite()) {
                // Past -0.0, which would print as such.
                Some(value) if coverage > 0.0 => {
                    let within_km = mark.filter(|mark| value < *mark);
                    Measurement { value: Some(value + 0.0), coverage, status: Status::Observed, within_km }
                }
                _ => Measurement { value: None, coverage: 0.0, status: Status::Missing, within_km: None },
            }
        };
        all.push(values.into_iter().zip(coverage).zip(marks).map(measured).collect());
    }
    Ok(all)
}

/// The values of the indicators over one table, worked out in one query; `None` of those that are worked out by themselves.
fn together(
    indicators: &[Indicator],
    expressions: &[Option<Expression>],
    inputs: &Inputs<'_>,
) -> Vec<Option<Vec<Option<f64>>>> {
    let mut all: Vec<Option<Vec<Option<f64>>>> = vec![None; indicators.len()];
    for over in [Over::Facilities, Over::Clusters] {
        let own = indicators.iter().zip(expressions).enumerate().filter(|(_, (indicator, _))| indicator.over == over);
        let own: Vec<(usize, &Expression)> = own.filter_map(|(at, (_, one))| Some((at, one.as_ref()?))).collect();
        let plain: Vec<&Expression> = own.iter().map(|(_, expression)| *expression).collect();
        let Some(table) = inputs.table(over).filter(|_| plain.len() > 1) else { continue };
        let found = match over {
            Over::Facilities => Expression::all_by_group(&plain, table, (UNIT, inputs.units)),
            _ => Expression::all_numbers(&plain, table),
        };
        for ((at, _), values) in own.iter().zip(found.into_iter().flatten()) {
            all[*at] = Some(values);
        }
    }
    all
}

/// Of an indicator in kilometres: the greatest mark, in each unit, of the distances that it names.
fn marks(indicator: &Indicator, expression: &Expression, inputs: &Inputs<'_>) -> Result<Vec<Option<f64>>> {
    let mut greatest: Vec<Option<f64>> = vec![None; inputs.units];
    let table = inputs.facilities.as_ref().filter(|_| indicator.unit == "km" && indicator.over == Over::Facilities);
    let Some(table) = table else { return Ok(greatest) };
    let layers = expression.columns().iter().filter_map(|column| names::layer_of_distance(column));
    let marks = layers.map(names::within_km).filter(|name| table.get_column_index(name).is_some());
    for name in marks.collect::<Vec<_>>() {
        for (unit, mark) in units(table)?.into_iter().zip(numbers(table, &name)?) {
            greatest[unit] = greatest[unit].into_iter().chain(mark).reduce(f64::max);
        }
    }
    Ok(greatest)
}

fn values(expression: &Expression, over: Over, place: &str, inputs: &Inputs<'_>) -> Result<Vec<Option<f64>>> {
    let worked_out = || -> std::result::Result<Vec<Option<f64>>, Failure> {
        let Some(table) = inputs.table(over) else { return Ok(vec![None; inputs.units]) };
        let named = |row: usize| named(table, row);
        match over {
            Over::Clusters => expression.numbers(table, &named),
            Over::Facilities => expression.by_group(table, (UNIT, inputs.units), None, &named),
            // A cluster without a tie: the aggregate over nothing.
            Over::Links => {
                let nothing = expression.over_nothing(table.schema())?;
                expression.by_group(table, (UNIT, inputs.units), nothing, &named)
            }
        }
    };
    worked_out().map_err(|failure| {
        let hint = "write it so that it holds for every row, or take such rows away with `where`";
        Error::pipeline(failure.at(place, hint))
    })
}

/// What a row of a table is called by people.
pub(super) fn named(table: &DataFrame, row: usize) -> String {
    let shown = |name: &&str| {
        let value = table.column(name).ok()?.get(row).ok()?;
        (!value.is_null()).then(|| format!("{name} {}", value.str_value()))
    };
    ["cluster_id", "period", "id", "year", "from", "to"].iter().filter_map(shown).collect::<Vec<_>>().join(", ")
}

fn numbers(frame: &DataFrame, name: &str) -> Result<Vec<Option<f64>>> {
    let column =
        frame.column(name).and_then(|column| column.cast(&DataType::Float64)).map_err(Error::table("measuring"))?;
    Ok(column.f64().map_err(Error::table("measuring"))?.iter().collect())
}

/// The coverage of an indicator (docs/method): the share of each unit on which the expression rests, were it there.
fn coverage(expression: &Expression, over: Over, inputs: &Inputs<'_>) -> Result<Vec<f64>> {
    match over {
        Over::Facilities => inputs
            .facilities
            .as_ref()
            .map_or_else(|| Ok(vec![0.0; inputs.units]), |table| present_share(expression, table, inputs.units)),
        Over::Clusters => {
            let named = |kind: &&String| {
                network::FIGURES.iter().any(|figure| expression.columns().contains(&names::of_kind(figure, kind)))
            };
            observed_share(inputs, inputs.kinds.iter().filter(named))
        }
        Over::Links => observed_share(inputs, inputs.observed_kinds.iter()),
    }
}

/// The smallest observed share among some kinds of ties, 1 among none; by emissions, by count where a facility of
/// the unit lacks emissions.
fn observed_share<'k>(inputs: &Inputs<'_>, kinds: impl Iterator<Item = &'k String>) -> Result<Vec<f64>> {
    let mut smallest = vec![1.0; inputs.units];
    let by_count = lacks_weights(inputs)?;
    for kind in kinds {
        let emissions = numbers(inputs.clusters, &names::of_kind(names::OBSERVED_EMISSION_SHARE, kind))?;
        let count = numbers(inputs.clusters, &names::of_kind(names::OBSERVED_SHARE, kind))?;
        for unit in 0..inputs.units {
            let share = if by_count[unit] { count[unit] } else { emissions[unit].or(count[unit]) };
            smallest[unit] = f64::min(smallest[unit], share.unwrap_or(0.0));
        }
    }
    Ok(smallest)
}

fn lacks_weights(inputs: &Inputs<'_>) -> Result<Vec<bool>> {
    let mut lacks = vec![false; inputs.units];
    if let Some(table) = &inputs.facilities {
        for (unit, weight) in units(table)?.into_iter().zip(numbers(table, WEIGHT)?) {
            lacks[unit] |= weight.is_none();
        }
    }
    Ok(lacks)
}

fn units(table: &DataFrame) -> Result<Vec<usize>> {
    let column = table.column(UNIT).and_then(|column| Ok(column.u32()?.clone())).map_err(Error::table("measuring"))?;
    Ok(column.iter().flatten().map(|unit| unit as usize).collect())
}

/// The share of each unit's weight (or facilities) whose rows have every column that the expression names.
fn present_share(expression: &Expression, table: &DataFrame, count: usize) -> Result<Vec<f64>> {
    let mut present = vec![true; table.height()];
    for name in expression.columns() {
        let missing = table.column(name).map_err(Error::table("measuring"))?.is_null();
        present.iter_mut().zip(missing.iter()).for_each(|(present, missing)| *present &= missing == Some(false));
    }
    let units = units(table)?;
    let weights = numbers(table, WEIGHT)?;
    let mut totals = vec![[0.0; 4]; count];
    let mut lacks = vec![false; count];
    for row in 0..table.height() {
        let sums = &mut totals[units[row]];
        let weight = weights[row].unwrap_or(0.0);
        lacks[units[row]] |= weights[row].is_none();
        sums[0] += weight;
        sums[1] += 1.0;
        if present[row] {
            sums[2] += weight;
            sums[3] += 1.0;
        }
    }
    let share = |(sums, lacks): (&[f64; 4], &bool)| match (*lacks || sums[0] <= 0.0, sums[1] > 0.0) {
        (_, false) => 0.0,
        (true, true) => sums[3] / sums[1],
        (false, true) => sums[2] / sums[0],
    };
    Ok(totals.iter().zip(&lacks).map(share).collect())
}
