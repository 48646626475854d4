//! A first pipeline file for a file: what it holds, and which column is what, guessed from names and values, each guess said.

mod grids;
mod kind;
mod roles;
mod seen;
mod text;

use std::path::Path;

use crate::error::{Error, Problem, Result};
use crate::sources::{OneOrMany, Reading, Request, Source, foreign_encoding, tables};
pub use kind::Kind;
use seen::Seen;

/// Lines of titles that are looked for before the header.
const TITLES: usize = 20;
/// Rows that are looked at.
const ROWS: usize = 100_000;
/// Rows of units or types below a header.
const UNITS: usize = 3;

/// A draft.
#[derive(Debug)]
pub struct Draft {
    /// What the file is taken for.
    pub kind: Kind,
    /// The pipeline file.
    pub text: String,
    /// What a person must still give; empty where nothing is missing.
    pub missing: Vec<String>,
}

/// A file as it was looked at.
struct Looked {
    columns: Vec<Seen>,
    /// The path, as seen from the pipeline file.
    shown: String,
    read_as: String,
    encoding: Option<&'static str>,
    skip_before: usize,
    skip_after: usize,
    /// The sheet or layer that was taken, where the file has several.
    table: Option<String>,
    crs: Option<String>,
    /// The kind of the file's own geometries.
    geometry: Option<&'static str>,
    rows: usize,
}

/// Writes a pipeline file for a register, or the part of one for another file. `shown` is its path from the folder of the
/// pipeline file.
///
/// # Errors
///
/// [`Error::Io`] or [`Error::Data`] if the file cannot be opened or has no rows.
pub fn draft(file: &Path, shown: &str, base: &str) -> Result<Draft> {
    let looked = look(file, shown)?;
    let chosen = roles::choose(&looked.columns);
    let kind = kind::of(&looked, &chosen);
    Ok(text::Writer::new(&looked, &chosen, kind, base).draft())
}

fn look(file: &Path, shown: &str) -> Result<Looked> {
    let given = file.to_string_lossy().into_owned();
    let mut reading = Reading { path: OneOrMany(vec![given.clone()]), ..Reading::default() };
    let encoding = foreign_encoding(&reading, Path::new(""))?;
    reading.encoding = encoding.map(str::to_owned);
    reading.table = table(&reading)?;
    reading.skip_before_header = titles(&reading);
    let open = |reading: &Reading| Source::open(&Request::everything("facilities", Path::new(""), reading));
    let source = open(&reading)?;
    let batches = source.some(ROWS)?;
    let geometry = kind::of_geometries(&batches);
    let rows: usize = batches.iter().map(crate::sources::Batch::rows).sum();
    if rows == 0 {
        let problem = Problem::new(given, "the file has a header and no rows", "give a file with rows");
        return Err(Error::Data { problems: vec![problem] });
    }
    let of = |batches: &[_]| {
        let columns = source.columns.iter().enumerate().filter(|(_, name)| !name.is_empty());
        columns.map(|(position, name)| Seen::of(name, position, batches)).collect::<Vec<Seen>>()
    };
    let mut columns = of(&batches);
    let skip_after = units(&columns);
    for column in columns.iter_mut().filter(|_| skip_after > 0) {
        // Rows of units have a value in every column that they stand over.
        let first = batches.first().map_or(0, |batch| {
            let position = source.position(&column.name).unwrap_or_default();
            (0..skip_after.min(batch.rows())).filter(|&row| batch.cell(row, position).is_some()).count()
        });
        column.values.drain(..first);
        column.rows -= skip_after.min(column.rows);
    }
    seen::settle_numerals(&mut columns);
    Ok(Looked {
        columns,
        shown: shown.to_owned(),
        read_as: source.read_as().join("; "),
        encoding,
        skip_before: reading.skip_before_header,
        skip_after,
        table: reading.table.clone(),
        crs: source.stated_crs().map(str::to_owned),
        geometry,
        rows: rows - skip_after,
    })
}

/// The sheet or layer with the most rows, where a file has several.
fn table(reading: &Reading) -> Result<Option<String>> {
    let names = tables(reading, Path::new(""))?;
    if names.len() < 2 {
        return Ok(None);
    }
    let rows = |name: &&String| {
        let reading = Reading { table: Some((*name).clone()), ..reading.clone() };
        let source = Source::open(&Request::everything("facilities", Path::new(""), &reading));
        let batches = source.and_then(|source| source.some(ROWS));
        batches.map_or(0, |batches| batches.iter().map(crate::sources::Batch::rows).sum::<usize>())
    };
    Ok(names.iter().rev().max_by_key(rows).cloned())
}

/// Lines before the header: it names about as many columns as there are, and lines of titles name few. Below it rows read.
fn titles(reading: &Reading) -> usize {
    let named = |skip: usize| {
        let reading = Reading { skip_before_header: skip, ..reading.clone() };
        let opened = Source::open(&Request::everything("facilities", Path::new(""), &reading));
        let Ok(source) = opened else { return (0, 0) };
        let rows = source.some(1).map_or(0, |batches| batches.iter().map(crate::sources::Batch::rows).sum());
        let names = source.columns.iter().filter(|name| name.chars().any(char::is_alphabetic));
        (if rows > 0 { names.count() } else { 0 }, rows)
    };
    // Formats that have no lines before a header are not opened for each of them.
    let is_idle = Source::open(&Request::everything("facilities", Path::new(""), reading))
        .is_ok_and(|source| !source.idle(&["skip_before_header"]).is_empty());
    let lines = if is_idle { 1 } else { TITLES };
    let counts: Vec<(usize, usize)> = (0..lines).map(named).collect();
    let most = counts.iter().map(|(names, _)| *names).max().unwrap_or(0);
    counts.iter().position(|(names, _)| names * 5 >= most * 4).unwrap_or(0)
}

/// Rows of units or types below the header: in columns whose other values are numbers they have none.
fn units(columns: &[Seen]) -> usize {
    let mut count = 0;
    while count < UNITS {
        let is_unit = |column: &&Seen| {
            let Some(first) = column.values.get(count).filter(|_| column.values.len() > count + 1) else {
                return false;
            };
            !starts_like_number(first) && column.values[count + 1..].iter().all(|value| starts_like_number(value))
        };
        let of_numbers =
            columns.iter().filter(|column| column.values.iter().skip(count + 1).all(|value| starts_like_number(value)));
        let (all, unit) = (
            of_numbers.clone().filter(|column| column.values.len() > count + 1).count(),
            of_numbers.filter(is_unit).count(),
        );
        if unit == 0 || unit * 2 < all {
            return count;
        }
        count += 1;
    }
    count
}

fn starts_like_number(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let marks = value.chars().filter(|letter| matches!(letter, '.' | ',' | ' ' | '-' | '+' | '\'')).count();
    digits > 0 && digits + marks == value.chars().count()
}
