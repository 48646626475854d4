//! What people judged: comparisons in pairs, or points. A table of numbers whose first column and header are names.

use serde::{Deserialize, Serialize};

use super::Reader;
use super::account::{Account, Tally};
use super::numerals::Numerals;
use crate::error::{Error, Problem, Result};
use crate::sources::{Batch, Reading, Request, Source, sift};

/// A table of numbers with names at both edges.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// Names of the rows: the first column.
    pub rows: Vec<String>,
    /// Names of the other columns.
    pub columns: Vec<String>,
    /// One list a row, one entry a column; `None` of an empty cell.
    pub cells: Vec<Vec<Option<f64>>>,
}

/// Reads one table of judgements; `place` is its key in the pipeline file.
pub(super) fn read(place: &str, reading: &Reading, reader: &mut Reader<'_>) -> Result<Judgement> {
    let source = Source::open(&Request::everything(place, reader.folder, reading))?;
    let numerals = Numerals::of(reading);
    let mut found = Judgement { columns: source.columns.iter().skip(1).cloned().collect(), ..Judgement::default() };
    let mut problems = Vec::new();
    let (mut read, mut kept) = (0, 0);
    source.stream(&|batch| Ok(batch), &mut |batch| {
        read += batch.rows() as u64;
        problems.extend(
            batch.broken.iter().map(|row| Problem::new(format!("{}:{}", row.file, row.line), row.message.clone(), "")),
        );
        for row in sift(&source.raw_filters, &batch)?.0 {
            let Some(name) = batch.cell(row, 0) else {
                problems.push(at(&batch, row, "the first column is empty: whose row is it?".into()));
                continue;
            };
            if found.rows.iter().any(|other| other == name) {
                problems.push(at(&batch, row, format!("`{name}` has a row already")));
                continue;
            }
            let mut cells = Vec::with_capacity(found.columns.len());
            for (column, title) in found.columns.iter().enumerate() {
                let text = batch.cell(row, column + 1).map(str::trim).filter(|text| !is_missing(text, reading));
                let number = text.and_then(|text| number(text, numerals));
                if let (Some(text), None) = (text, number) {
                    let message = format!("column `{title}`: `{text}` is no number");
                    problems.push(at(&batch, row, message));
                }
                cells.push(number);
            }
            found.rows.push(name.to_owned());
            found.cells.push(cells);
            kept += 1;
        }
        Ok(())
    })?;
    let tally = |rows| Tally { rows, ..Tally::default() };
    reader.accounts.push(Account {
        source: place.to_owned(),
        files: source.fingerprints()?,
        read: tally(read),
        kept: tally(kept),
        ..Account::default()
    });
    if problems.is_empty() { Ok(found) } else { Err(Error::Data { problems }) }
}

fn at(batch: &Batch, row: usize, message: String) -> Problem {
    Problem::new(
        format!("{}:{}", batch.file, batch.origin[row].line),
        message,
        "judgements are used whole or not at all",
    )
}

fn is_missing(text: &str, reading: &Reading) -> bool {
    text.is_empty() || reading.missing.0.iter().any(|word| word == text)
}

/// A number, or one over another: `1/3`.
fn number(text: &str, numerals: Numerals) -> Option<f64> {
    match text.split_once('/') {
        Some((over, under)) => Some(numerals.number(over.trim())? / numerals.number(under.trim())?),
        None => numerals.number(text),
    }
}
