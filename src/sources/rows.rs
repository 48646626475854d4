//! Rows of formats that are no delimited text, one after the other, on their way to batches.

use std::sync::Arc;

use geo::Geometry;

use super::batch::{Batch, Origin, Shared, shorten};
use crate::error::Result;
use crate::finding::{Rejection, Rule};

/// A value as its file holds it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// None.
    Missing,
    /// Text.
    Text(String),
    /// A number, with a decimal point and without groups.
    Number(String),
}

impl Cell {
    /// A number; missing where it is none.
    pub fn number(value: f64) -> Self {
        if value.is_nan() { Self::Missing } else { Self::Number(value.to_string()) }
    }
}

/// A row.
#[derive(Debug)]
pub struct Row {
    /// Its number, as the format's own tools show it.
    pub line: u64,
    /// As many as the header has.
    pub cells: Vec<Cell>,
    /// Its place, in formats that have one; otherwise the reason why it does not read.
    pub geometry: std::result::Result<Option<Geometry>, Unreadable>,
}

/// What does not read of a row.
#[derive(Debug)]
pub struct Unreadable {
    /// The column; empty for the whole row.
    pub column: &'static str,
    /// What stands there.
    pub value: String,
    /// Why.
    pub message: String,
}

impl Unreadable {
    /// A geometry that does not read.
    pub fn geometry(message: impl std::fmt::Display) -> Self {
        Self { column: "geometry", value: String::new(), message: format!("not a geometry: {message}") }
    }
}

/// All rows of a file, from the first.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row>> + Send + 'a>;

/// A file that can be gone through.
pub trait Records: Send + Sync {
    /// Its rows, from the first.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Io`] or [`crate::Error::Data`] where the file does not open any more.
    fn rows(&self) -> Result<Rows<'_>>;
}

/// Some rows as a batch; those that do not read are set apart.
pub fn batch(rows: Vec<Row>, placed: bool, shared: &Shared) -> Batch {
    let mut batch = Batch::new(shared);
    for Row { line, cells, geometry } in rows {
        match geometry {
            Ok(geometry) => {
                let cells = cells.iter().map(|cell| match cell {
                    Cell::Missing => (None, false),
                    Cell::Text(text) => (Some(text.as_str()), false),
                    Cell::Number(text) => (Some(text.as_str()), true),
                });
                batch.push(Origin { file: shared.position, line }, cells);
                if placed {
                    batch.push_geometry(geometry);
                }
            }
            Err(Unreadable { column, value, message }) => batch.broken.push(Rejection {
                source: shared.source.clone(),
                file: shared.file.clone(),
                line,
                column: Arc::from(column),
                value: shorten(&value),
                rule: Rule::Unreadable,
                message,
            }),
        }
    }
    batch
}
