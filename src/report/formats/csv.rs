//! CSV by RFC 4180: UTF-8, commas, lines end with CR LF; text that a spreadsheet would compute is guarded.
//!
//! The rule: a text cell whose first character, after spaces, tabs, line breaks and apostrophes, is `=`, `+`, `-` or `@`
//! (also full-width), with something after it, has an apostrophe put before it, unless it is a plain number. [`unguarded`]
//! takes it away again.

use std::borrow::Cow;
use std::fs::File;
use std::io::Write;
use std::path::Path;

use polars::prelude::*;
use polars_io::prelude::{CsvWriter, SerWriter};

use super::unwritten;
use crate::error::{Error, Result};
use crate::report::tables::OutputTable;

/// Writes a table.
pub fn write(table: &OutputTable<'_>, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{}.csv", table.name));
    let mut file = File::create(&path).map_err(Error::io(&path))?;
    let mut names = Vec::new();
    header(&mut names, table.rows.columns()).map_err(Error::io(&path))?;
    file.write_all(&names).map_err(Error::io(&path))?;
    let text = |frame: DataFrame| {
        let mut text = Vec::new();
        let writer = CsvWriter::new(&mut text).include_header(false).with_line_terminator("\r\n".into());
        writer.n_threads(1).finish(&mut safe(&frame)?).map_err(unwritten(&path))?;
        Ok(text)
    };
    table.rows.each(text, |text| file.write_all(&text).map_err(Error::io(&path)))
}

/// Names of columns may hold commas and quotes too.
fn header(file: &mut impl Write, frame: &DataFrame) -> std::io::Result<()> {
    let quoted = |name: &PlSmallStr| match guarded(name) {
        name if name.contains([',', '"', '\r', '\n']) => format!("\"{}\"", name.replace('"', "\"\"")),
        name => name.into_owned(),
    };
    let names: Vec<String> = frame.get_column_names().into_iter().map(quoted).collect();
    write!(file, "{}\r\n", names.join(","))
}

/// The table with its texts guarded.
fn safe(frame: &DataFrame) -> Result<DataFrame> {
    let safe = |column: &Column| -> PolarsResult<Column> {
        let Ok(texts) = column.str() else { return Ok(column.clone()) };
        if !texts.iter().flatten().any(computes) {
            return Ok(column.clone());
        }
        Ok(texts.apply_values(guarded).into_column())
    };
    let columns: PolarsResult<Vec<Column>> = frame.columns().iter().map(safe).collect();
    columns.and_then(|columns| DataFrame::new(frame.height(), columns)).map_err(Error::table("writing CSV"))
}

/// A text as it is written.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if computes(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A cell as it was before it was written.
pub fn unguarded(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|text| computes(text)).unwrap_or(cell)
}

/// Whether a spreadsheet would take a text for a formula.
fn computes(text: &str) -> bool {
    let bare = text.trim_start_matches([' ', '\t', '\r', '\n', '\'']);
    let is_number = || bare.chars().all(|letter| "0123456789.eE+-".contains(letter)) && bare.parse::<f64>().is_ok();
    bare.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && bare.chars().nth(1).is_some() && !is_number()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_guarded_and_come_back() {
        let guarded_ones = [
            "=cmd|' /C calc'!A0",
            "+44 1",
            "-x",
            "@SUM(1)",
            "\t=1+1",
            " =A1",
            "'=A1",
            "''-x",
            "＝1",
            "-inf",
            "+nan",
            "-1-1",
        ];
        for text in guarded_ones {
            assert_eq!(guarded(text), format!("'{text}"));
            assert_eq!(unguarded(&guarded(text)), text);
        }
        for text in ["", "-", "'-", "a=b", "-1e999", "'s-Hertogenbosch", "-5", "+1.5e3", "'-5", "x", "'"] {
            assert_eq!(guarded(text), text);
            assert_eq!(unguarded(text), text);
        }
    }
}
