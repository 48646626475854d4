//! Aligned columns for people, CSV for scripts.

use forerunner::report::formats::csv::guarded;
use forerunner::report::stored::Row;
use forerunner::score::Thresholds;
use forerunner::{Error, Result};

/// Lays rows out in columns: numbers to the right, text to the left.
pub fn text(header: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let numeric = |column: usize| {
        let mut cells =
            rows.iter().map(|row| row[column].as_str()).filter(|cell| !cell.is_empty() && *cell != "-").peekable();
        cells.peek().is_some() && cells.all(|cell| cell.replace([',', '%', ' '], "").parse::<f64>().is_ok())
    };
    let columns: Vec<(usize, bool)> = (0..header.len()).map(|column| (width(column), numeric(column))).collect();
    let line = |cells: &[&str]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&columns)
            .map(|(cell, (width, right))| {
                let pad = " ".repeat(width - cell.chars().count());
                if *right { format!("{pad}{cell}") } else { format!("{cell}{pad}") }
            })
            .collect();
        format!("  {}\n", padded.join("  ").trim_end())
    };
    let body = rows.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    std::iter::once(line(header)).chain(body).collect()
}

/// Rows as CSV, columns in the order given; with the guard of the files (`docs/outputs.md`).
pub fn csv(columns: &[String], rows: &[&Row]) -> Result<String> {
    let fail = |message: String| Error::Run { path: "stdout".into(), message };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(columns.iter().map(|name| guarded(name).into_owned()))
        .map_err(|error| fail(error.to_string()))?;
    for row in rows {
        let cells = columns.iter().map(|column| guarded(row.get(column).map_or("", String::as_str)).into_owned());
        writer.write_record(cells).map_err(|error| fail(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| fail(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A number with so many decimals, or a dash.
pub fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".into(), |value| format!("{value:.decimals$}"))
}

/// What is said beside scores that go by the sample.
pub const RELATIVE: &str =
    "scores are relative to the clusters and periods of this run: they move when others come or go";

/// Thresholds as the pipeline file has them.
pub fn thresholds(thresholds: &Thresholds) -> String {
    serde_json::to_string(thresholds).unwrap_or_default()
}

/// A change with its sign.
pub fn signed(value: f64, decimals: usize) -> String {
    format!("{value:+.decimals$}")
}

/// A number as people write it: four significant digits or more.
pub fn short(value: Option<f64>) -> String {
    match value {
        None => "-".into(),
        Some(value) if value.fract() == 0.0 && value.abs() < 1e12 => format!("{value}"),
        Some(value) => {
            let decimals = (3 - value.abs().log10().floor() as i32).clamp(0, 6) as usize;
            format!("{value:.decimals$}")
        }
    }
}

/// A whole number with thousands separated.
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
