//! Filters over a file's own columns, before anything is read of their cells.

use polars::prelude::*;

use super::{Batch, OneOrMany};
use crate::error::{Error, Problem, Result};
use crate::sql::{Expression, Yields};

/// A filter whose columns are found.
#[derive(Debug, Clone)]
pub struct RawFilter {
    expression: Expression,
    columns: Vec<(usize, String)>,
    place: String,
}

/// Parses the filters of a source.
pub fn parse(filters: &OneOrMany, source: &str) -> Result<Vec<Expression>> {
    let place = format!("{source}.where_raw");
    let parse = |sql: &String| Expression::parse(sql, &place).map_err(Error::pipeline);
    filters.0.iter().map(parse).collect()
}

/// Finds their columns, and checks that they are true or false of texts.
pub fn filters(expressions: Vec<Expression>, columns: &[String], source: &str) -> Result<Vec<RawFilter>> {
    let place = format!("{source}.where_raw");
    let schema = Schema::from_iter(columns.iter().map(|name| Field::new(name.as_str().into(), DataType::String)));
    let find = |expression: Expression| {
        expression.check(&schema, Yields::Predicate, &place)?;
        let find = |name: &String| Some((columns.iter().position(|known| known == name)?, name.clone()));
        let columns = expression.columns().iter().filter_map(find).collect();
        Ok(RawFilter { expression, columns, place: place.clone() })
    };
    let found: std::result::Result<_, Problem> = expressions.into_iter().map(find).collect();
    found.map_err(Error::pipeline)
}

/// The rows of a batch that all filters leave, and of each filter those that it takes away.
///
/// # Errors
///
/// [`Error::Pipeline`] where a filter cannot be worked out, with the first row that is why.
pub fn sift(filters: &[RawFilter], batch: &Batch) -> Result<(Vec<usize>, Vec<Vec<usize>>)> {
    let mut left: Vec<usize> = (0..batch.rows()).collect();
    let mut gone = Vec::with_capacity(filters.len());
    for filter in filters {
        let holds = filter.holds(batch, &left)?;
        let (kept, taken): (Vec<_>, Vec<_>) = left.into_iter().zip(holds).partition(|(_, holds)| *holds);
        left = kept.into_iter().map(|(row, _)| row).collect();
        gone.push(taken.into_iter().map(|(row, _)| row).collect());
    }
    Ok((left, gone))
}

impl RawFilter {
    /// The filter as the pipeline file has it.
    pub fn text(&self) -> &str {
        self.expression.text()
    }

    /// Of some rows those for which it is true.
    ///
    /// # Errors
    ///
    /// [`Error::Pipeline`] where it cannot be worked out, with the first row that is why.
    fn holds(&self, batch: &Batch, rows: &[usize]) -> Result<Vec<bool>> {
        let table = |rows: &[usize]| {
            let column = |(position, name): &(usize, String)| {
                let cells = rows.iter().map(|&row| batch.cell(row, *position));
                StringChunked::from_iter_options(name.as_str().into(), cells).into_column()
            };
            DataFrame::new(rows.len(), self.columns.iter().map(column).collect())
        };
        let frame = table(rows).map_err(Error::table("filtering"))?;
        let place = |at: usize| format!("{} line {}", batch.file, batch.origin[rows[at]].line);
        let mask = self.expression.mask(&frame, &place);
        let mask = mask
            .map_err(|failure| Error::pipeline(failure.at(&self.place, "write it so that it holds for every row")))?;
        Ok(mask.into_iter().map(|holds| holds == Some(true)).collect())
    }
}
