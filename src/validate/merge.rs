//! Rows of one key, put together: quantities added up, the rest as the contract says or as the first row has it.

use geo::Geometry;
use polars::prelude::*;

use super::plan::Plan;
use super::settings::Combine;
use super::units::Quantity;
use crate::error::{Error, Result};
use crate::sources::Origin;

/// A column in which rows that were put together differ, so that the first value stands: nothing says how to do better.
#[derive(Debug, PartialEq, Eq)]
pub struct Differing {
    /// Our name of the column.
    pub column: String,
    /// Keys whose rows differ.
    pub keys: usize,
    /// Whether it holds numbers.
    pub is_number: bool,
}

/// How a column's values of one key become one: as the contract says; else tonnes, megatonnes and megawatts add up, and of
/// all else the first value stands.
fn combination(plan: &Plan<'_>, column: &Column) -> Combine {
    let declared = plan.contract.columns.get(column.name().as_str()).and_then(|rule| rule.keep);
    let adds_up = matches!(Quantity::of_column(column.name()), Some(Quantity::Mass | Quantity::Power));
    let default = if adds_up && column.dtype().is_primitive_numeric() { Combine::Sum } else { Combine::First };
    declared.unwrap_or(default)
}

/// The row's number, while rows are put together.
const ROW: &str = "__row";

/// Whether a column's rows may differ without a word: the file says which value stands, or the column is computed from
/// others that are spoken of.
fn is_said(plan: &Plan<'_>, column: &Column) -> bool {
    let rule = plan.contract.columns.get(column.name().as_str());
    rule.is_some_and(|rule| rule.keep.is_some()) || ["lon", "lat", "geometry"].contains(&column.name().as_str())
}

/// The one value of a column's rows.
fn value(plan: &Plan<'_>, column: &Column) -> Expr {
    let name = column.name().as_str();
    match combination(plan, column) {
        Combine::Sum => {
            let sum = col(name).cast(DataType::Float64).sum();
            when(col(name).count().gt(lit(0))).then(sum).otherwise(lit(NULL)).alias(name)
        }
        Combine::Max => col(name).max(),
        Combine::First => col(name).drop_nulls().first(),
    }
}

fn counted(name: &str) -> String {
    format!("__different_{name}")
}

/// One row a key, in the order of their first rows. A sum or a greatest value over nothing is null.
pub fn add_up(
    frame: &DataFrame,
    key: &[String],
    plan: &Plan<'_>,
    origin: &mut Vec<Origin>,
    geometry: &mut Vec<Option<Geometry>>,
) -> Result<(DataFrame, Vec<Differing>)> {
    let fail = || Error::table("putting rows together");
    let others = || frame.columns().iter().filter(|column| !key.iter().any(|name| name == column.name().as_str()));
    let unsaid = || others().filter(|column| !is_said(plan, column) && combination(plan, column) == Combine::First);
    let differs = |column: &Column| {
        let name = column.name().as_str();
        col(name).drop_nulls().n_unique().gt(lit(1)).alias(counted(name))
    };
    let values = others().map(|column| value(plan, column)).chain(unsaid().map(differs)).chain([col(ROW).first()]);
    let numbers = Column::new(ROW.into(), (0..frame.height() as u64).collect::<Vec<_>>());
    let mut numbered = frame.clone();
    numbered.with_column(numbers).map_err(fail())?;
    let keys: Vec<Expr> = key.iter().map(|name| col(name.as_str())).collect();
    let merged = numbered.lazy().group_by_stable(keys).agg(values.collect::<Vec<_>>()).collect().map_err(fail())?;
    let mut differing = Vec::new();
    for column in unsaid() {
        let name = column.name().as_str();
        let keys = merged.column(&counted(name)).and_then(|column| Ok(column.bool()?.sum())).map_err(fail())?;
        if let Some(keys) = keys.filter(|keys| *keys > 0) {
            let is_number = column.dtype().is_primitive_numeric();
            differing.push(Differing { column: name.to_owned(), keys: keys as usize, is_number });
        }
    }
    let first = merged.column(ROW).and_then(|column| Ok(column.u64()?.iter().flatten().collect::<Vec<u64>>()));
    let first = first.map_err(fail())?;
    *origin = first.iter().map(|&row| origin[row as usize]).collect();
    if !geometry.is_empty() {
        *geometry = first.iter().map(|&row| geometry[row as usize].take()).collect();
    }
    let order: Vec<&str> = frame.columns().iter().map(|column| column.name().as_str()).collect();
    let mut merged = merged.select(order).map_err(fail())?;
    for column in others().filter(|column| column.dtype().is_integer()) {
        let sums = merged.column(column.name()).map_err(fail())?;
        // Where a sum is too large for a whole number the column is decimal, rather than wrap.
        if let Ok(whole) = sums.strict_cast(column.dtype()) {
            merged.with_column(whole).map_err(fail())?;
        }
    }
    Ok((merged, differing))
}
