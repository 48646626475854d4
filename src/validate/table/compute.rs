//! Columns that SQL makes of those before them.

use polars::prelude::*;

use super::Table;
use crate::error::{Error, Problem, Result};
use crate::finding::Rule;
use crate::sources::ColumnType;
use crate::validate::cells::Cells;
use crate::validate::dates;
use crate::validate::plan::Planned;
use crate::validate::settings::Failing;
use crate::validate::units::Factor;

impl<'a> Table<'a> {
    /// Works out all computed columns, in the order of the file, for the rows that are left.
    pub(super) fn compute(&mut self) -> Result<()> {
        for (position, planned) in self.plan.columns.iter().enumerate() {
            let Some((expression, factor)) = &planned.computed else { continue };
            let at_key = format!("{}.compute.{}", self.plan.name, planned.name);
            let rest = &self.plan.columns[position..];
            let later = |name: &str| rest.iter().any(|later| later.computed.is_some() && &*later.name == name);
            let columns = self.columns.iter().filter(|(name, _)| !later(name)).map(|(name, cells)| cells.column(name));
            let frame = DataFrame::new(self.rows(), columns.collect()).map_err(Error::table("building a table"))?;
            let given = expression.row_type(frame.schema(), &at_key).map_err(Error::pipeline)?;
            let kind = kind(planned, given.as_ref()).ok_or_else(|| {
                let found = given.as_ref().map_or_else(|| "no value for each row".to_owned(), ToString::to_string);
                let wanted = planned.declared.map_or("text, numbers or dates", ColumnType::plural);
                let message = format!("`{}` gives {found}, and `{}` holds {wanted}", expression.text(), planned.name);
                Error::pipeline(Problem::new(&at_key, message, "write it with plain arithmetic, or CAST its result"))
            })?;
            let left: Vec<usize> = (0..self.rows()).filter(|&row| self.is_kept(row)).collect();
            let frame = self.left(&frame, &left)?;
            let place = |at: usize| self.place(left[at]);
            let values = expression.values(&frame, &place).map_err(|failure| {
                let hint = "take such rows away with `where_raw`, or write it so that it holds for every row";
                Error::pipeline(failure.at(&at_key, hint))
            })?;
            let cells = self.computed_cells(planned, kind, *factor, &values, &left)?;
            let slot = self.columns.iter().position(|(name, _)| *name == planned.name);
            if let Some(slot) = slot {
                self.columns[slot].1 = cells;
            }
        }
        Ok(())
    }

    /// The values of a computed column in the rows that are left.
    fn computed_cells(
        &mut self,
        planned: &Planned,
        kind: ColumnType,
        factor: Factor,
        values: &Column,
        left: &[usize],
    ) -> Result<Cells<'a>> {
        let fail = || Error::table("computing a column");
        let mut cells = Cells::empty(kind, self.rows());
        let whole = values.dtype().is_integer();
        match &mut cells {
            Cells::Text(cells) => {
                // A number that is whole is written as one.
                let is_float = values.dtype().is_float();
                let numbers = values.cast(&DataType::Float64).map_err(fail())?;
                let texts = values.cast(&DataType::String).map_err(fail())?;
                let (numbers, texts) = (numbers.f64().map_err(fail())?, texts.str().map_err(fail())?);
                for ((&row, number), text) in left.iter().zip(numbers.iter()).zip(texts.iter()) {
                    let number = number.filter(|_| is_float).map(|number| number.to_string());
                    let text =
                        number.or_else(|| text.map(|text| text.trim().to_owned())).filter(|text| !text.is_empty());
                    cells[row] = text.map(Into::into);
                }
            }
            Cells::Integer(cells) if whole => {
                let numbers = values.cast(&DataType::Int64).map_err(fail())?;
                left.iter().zip(numbers.i64().map_err(fail())?.iter()).for_each(|(&row, number)| cells[row] = number);
            }
            Cells::Integer(cells) => {
                let numbers = values.cast(&DataType::Float64).map_err(fail())?;
                for (&row, number) in left.iter().zip(numbers.f64().map_err(fail())?.iter()) {
                    let Some(number) = number else { continue };
                    if number.fract() == 0.0 && number.abs() < 9e15 {
                        cells[row] = Some(number as i64);
                    } else {
                        self.reject(row, &planned.name, Rule::Unreadable, format!("{number} is not a whole number"));
                    }
                }
            }
            Cells::Number(cells) => {
                let numbers = values.cast(&DataType::Float64).map_err(fail())?;
                let numbers = left.iter().zip(numbers.f64().map_err(fail())?.iter());
                self.computed_numbers(planned, factor, numbers, cells);
            }
            Cells::Date(cells) => {
                let texts = values.cast(&DataType::String).map_err(fail())?;
                for (&row, text) in left.iter().zip(texts.str().map_err(fail())?.iter()) {
                    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { continue };
                    cells[row] = dates::day(text, None);
                    if cells[row].is_none() {
                        self.reject(row, &planned.name, Rule::Unreadable, format!("`{text}` is not a date"));
                    }
                }
            }
        }
        Ok(cells)
    }
}

impl Table<'_> {
    /// Numbers in the program's unit; what is no finite number is missing, with a finding.
    fn computed_numbers<'r>(
        &mut self,
        planned: &Planned,
        factor: Factor,
        numbers: impl Iterator<Item = (&'r usize, Option<f64>)>,
        cells: &mut [Option<f64>],
    ) {
        for (&row, number) in numbers {
            let Some(number) = number else { continue };
            cells[row] = Some(factor.apply(number)).filter(|number| number.is_finite());
            if cells[row].is_none() {
                let message = format!("`{}` is no finite number here: missing", planned.name);
                self.fail(row, &planned.name, Rule::NotFinite, message, Failing::Warn);
            }
        }
    }
}

/// The type of a computed column: as declared, else as its expression gives it; `None` where the two do not go together.
fn kind(planned: &Planned, given: Option<&DataType>) -> Option<ColumnType> {
    let given = given?;
    let own = match given {
        DataType::String | DataType::Null | DataType::Boolean => ColumnType::Text,
        DataType::Date => ColumnType::Date,
        given if given.is_integer() && !planned.converts => ColumnType::Integer,
        given if given.is_primitive_numeric() => ColumnType::Number,
        _ => return None,
    };
    match (planned.declared, own) {
        (None, own) => Some(own),
        (Some(ColumnType::Text), _) => Some(ColumnType::Text),
        (Some(declared), _) if given.is_null() => Some(declared),
        (Some(ColumnType::Date), ColumnType::Date | ColumnType::Text) if !given.is_bool() => Some(ColumnType::Date),
        (Some(declared @ (ColumnType::Number | ColumnType::Integer)), ColumnType::Number | ColumnType::Integer) => {
            Some(declared)
        }
        _ => None,
    }
}
