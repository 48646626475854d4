//! Expressions worked out over a table: for each row, for each group of rows, or over no row at all.

use polars::prelude::*;

use super::{Expression, reason};
use crate::error::Problem;

const RESULT: &str = "__result";

/// Why an expression cannot be worked out over a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong.
    pub message: String,
    /// The first row that is why, with what it holds; empty where no single row is.
    pub evidence: Vec<String>,
}

impl Failure {
    /// As a problem at a place of the pipeline file.
    pub fn at(self, place: impl Into<String>, hint: &str) -> Problem {
        Problem::new(place, self.message, hint).showing(self.evidence)
    }
}

/// What a row of a table is called by people.
type Named<'a> = &'a dyn Fn(usize) -> String;

impl Expression {
    /// Its value for each row of a table; of an aggregate, the same for all.
    ///
    /// # Errors
    ///
    /// Why it cannot be worked out; `named` says what a row is called.
    pub fn values(&self, frame: &DataFrame, named: Named<'_>) -> Result<Column, Failure> {
        let result = |table: DataFrame| {
            let expr = self.expr(frame.schema()).alias(RESULT);
            table.lazy().with_column(expr).collect()
        };
        let found = self.tried(frame, &result, named)?;
        found.column(RESULT).cloned().map_err(|error| self.refused(&error))
    }

    /// Whether it is true of each row of a table; null where that is not known.
    ///
    /// # Errors
    ///
    /// As for [`Expression::values`].
    pub fn mask(&self, frame: &DataFrame, named: Named<'_>) -> Result<Vec<Option<bool>>, Failure> {
        let column = self.values(frame, named)?;
        let truth = column.bool().map(|truth| truth.iter().collect());
        truth.map_err(|error| {
            let message = format!("`{}` is not true or false: {}", self.text, reason::reason(&error));
            Failure { message, evidence: Vec::new() }
        })
    }

    /// Its number for each row of a table; of an aggregate, the same for all.
    ///
    /// # Errors
    ///
    /// As for [`Expression::values`].
    pub fn numbers(&self, frame: &DataFrame, named: Named<'_>) -> Result<Vec<Option<f64>>, Failure> {
        let column = self.values(frame, named)?;
        numbers(&column).map_err(|error| self.refused(&error))
    }

    /// Its number for each of so many groups of rows, which the column `key` numbers from 0; `nothing` for a group without a
    /// row.
    ///
    /// # Errors
    ///
    /// As for [`Expression::values`].
    pub fn by_group(
        &self,
        frame: &DataFrame,
        (key, groups): (&str, usize),
        nothing: Option<f64>,
        named: Named<'_>,
    ) -> Result<Vec<Option<f64>>, Failure> {
        let result = |table: DataFrame| {
            let expr = self.expr(frame.schema()).cast(DataType::Float64).alias(RESULT);
            table.lazy().group_by_stable([col(key)]).agg([expr]).collect()
        };
        let found = self.tried(frame, &result, named)?;
        let read = || -> PolarsResult<Vec<Option<f64>>> {
            let mut values = vec![nothing; groups];
            let of_groups = numbers(found.column(RESULT)?)?;
            for (group, value) in found.column(key)?.u32()?.iter().zip(of_groups) {
                if let Some(slot) = group.and_then(|group| values.get_mut(group as usize)) {
                    *slot = value;
                }
            }
            Ok(values)
        };
        read().map_err(|error| self.refused(&error))
    }

    /// The numbers of several expressions for each of so many groups of rows, as [`Expression::by_group`] gives each, worked
    /// out together; `None` where any of them cannot be: each by itself then says why.
    pub fn all_by_group(
        all: &[&Self],
        frame: &DataFrame,
        (key, groups): (&str, usize),
    ) -> Option<Vec<Vec<Option<f64>>>> {
        let name = |at: usize| format!("{RESULT}{at}");
        let exprs =
            all.iter().enumerate().map(|(at, one)| one.expr(frame.schema()).cast(DataType::Float64).alias(name(at)));
        let found = frame.clone().lazy().group_by_stable([col(key)]).agg(exprs.collect::<Vec<_>>()).collect().ok()?;
        let positions: Vec<Option<u32>> = found.column(key).ok()?.u32().ok()?.iter().collect();
        let of = |at: usize| {
            let mut values = vec![None; groups];
            for (group, value) in positions.iter().zip(numbers(found.column(&name(at)).ok()?).ok()?) {
                if let Some(slot) = group.and_then(|group| values.get_mut(group as usize)) {
                    *slot = value;
                }
            }
            Some(values)
        };
        (0..all.len()).map(of).collect()
    }

    /// The numbers of several expressions for each row of a table, as [`Expression::numbers`] gives each; `None` as above.
    pub fn all_numbers(all: &[&Self], frame: &DataFrame) -> Option<Vec<Vec<Option<f64>>>> {
        let name = |at: usize| format!("{RESULT}{at}");
        let exprs = all.iter().enumerate().map(|(at, one)| one.expr(frame.schema()).alias(name(at)));
        let found = frame.clone().lazy().with_columns(exprs.collect::<Vec<_>>()).collect().ok()?;
        (0..all.len()).map(|at| numbers(found.column(&name(at)).ok()?).ok()).collect()
    }

    /// Its number over no row at all: that of an aggregate where there is nothing.
    ///
    /// # Errors
    ///
    /// As for [`Expression::values`].
    pub fn over_nothing(&self, schema: &Schema) -> Result<Option<f64>, Failure> {
        let empty = DataFrame::empty_with_schema(schema);
        let found = empty.lazy().select([self.expr(schema).cast(DataType::Float64).alias(RESULT)]).collect();
        let found = found.and_then(|found| numbers(found.column(RESULT)?));
        Ok(found.map_err(|error| self.refused(&error))?.first().copied().flatten())
    }

    fn refused(&self, error: &PolarsError) -> Failure {
        let message = format!("`{}` cannot be worked out: {}", self.text, reason::reason(error));
        Failure { message, evidence: Vec::new() }
    }

    /// What a query gives over a table; where it fails, why, and the first row that is why.
    fn tried(
        &self,
        frame: &DataFrame,
        query: &dyn Fn(DataFrame) -> PolarsResult<DataFrame>,
        named: Named<'_>,
    ) -> Result<DataFrame, Failure> {
        let error = match query(frame.clone()) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        let failing = |rows: usize| query(frame.slice(0, rows)).err();
        let (mut works, mut fails) = (0, frame.height());
        while works + 1 < fails {
            let middle = works.midpoint(fails);
            if failing(middle).is_none() { works = middle } else { fails = middle }
        }
        let first = (fails > 0).then(|| failing(fails)).flatten();
        let shown = |name: &String| Some(format!("{name} = {}", frame.column(name).ok()?.get(works).ok()?));
        let evidence = first.is_some().then(|| {
            let values: Vec<String> = self.columns.iter().filter_map(shown).collect();
            format!("{}  {}", named(works), values.join(", ")).trim().to_owned()
        });
        let refused = self.refused(first.as_ref().unwrap_or(&error));
        Err(Failure { evidence: evidence.into_iter().collect(), ..refused })
    }
}

fn numbers(column: &Column) -> PolarsResult<Vec<Option<f64>>> {
    Ok(column.cast(&DataType::Float64)?.f64()?.iter().collect())
}
