//! Files to raw tables: every cell as text with its file and line, every geometry as it stands.
//! Nothing is cast, renamed or dropped here; a row that does not even parse is set apart with its line.

mod csv;
mod geojson;
pub mod settings;

use std::path::{Path, PathBuf};

use geo::Geometry;
use sha2::{Digest, Sha256};

use crate::error::{Error, Problem, Result, suggest};
use crate::finding::Rejection;
pub use settings::{ColumnSpec, ColumnType, OneOrMany, Reading};

/// Where a row stood: the file's position in [`RawTable::files`] and its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Position in the list of files.
    pub file: u32,
    /// Line as an editor shows it; for GeoJSON the feature's number, from 1.
    pub line: u64,
}

/// An input file as it was read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct InputFile {
    /// The path, as the pipeline file (and its globs) name it.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// The files of one source as text, in file order, then line order.
#[derive(Debug, Default)]
pub struct RawTable {
    /// The files read.
    pub files: Vec<InputFile>,
    /// The columns asked for, by their name in the file.
    pub columns: Vec<String>,
    /// One list a column, one cell a row; `None` where the cell is empty or blank.
    pub cells: Vec<Vec<Option<Box<str>>>>,
    /// One a row where the file is GeoJSON.
    pub geometry: Vec<Option<Geometry>>,
    /// Where each row stood.
    pub origin: Vec<Origin>,
    /// Rows that do not parse, each with its own reason.
    pub broken: Vec<Rejection>,
}

impl RawTable {
    /// The position of a column by its name in the file.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known == column)
    }

    /// The path of the file that a row stood in.
    pub fn path(&self, origin: Origin) -> &str {
        &self.files[origin.file as usize].path
    }
}

/// What is asked of the files of one source.
pub struct Request<'a> {
    /// The source as the pipeline file names it (`facilities`, `layers.ports`).
    pub name: &'a str,
    /// The folder that relative paths start from.
    pub folder: &'a Path,
    /// Delimiter, quote and rows to skip.
    pub reading: &'a Reading,
    /// Columns that every file must have.
    pub required: Vec<String>,
    /// Columns that only hold a place (x, y, WKT): not asked of GeoJSON, which has its own.
    pub places: Vec<String>,
    /// Columns that are taken where a file has them.
    pub optional: Vec<String>,
    /// Also take every further column of the file.
    pub all: bool,
}

/// Reads all files of a source, in the order given, a glob's matches by name.
///
/// # Errors
///
/// [`Error::Io`] for a file that cannot be opened, [`Error::Data`] for an empty or unparsable one or for a
/// column that a file lacks.
pub fn read(request: &Request<'_>) -> Result<RawTable> {
    let mut table = RawTable::default();
    for (shown, path) in expand(request)? {
        let bytes = std::fs::read(&path).map_err(Error::io(&path))?;
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        table.files.push(InputFile { path: shown.clone(), bytes: bytes.len() as u64, sha256 });
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(problem(&shown, "the file is empty", "check the export that wrote it"));
        }
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "geojson" | "json" => geojson::read(request, &shown, &bytes, &mut table)?,
            _ => csv::read(request, &shown, &bytes, &mut table)?,
        }
    }
    Ok(table)
}

fn problem(place: &str, message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Data { problems: vec![Problem::new(place, message, hint)] }
}

fn missing_column<'a>(place: &str, column: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    problem(place, format!("the file has no column `{column}`"), suggest(column, known))
}

/// The files behind a list of paths and globs: the path as shown to people and the path to open.
fn expand(request: &Request<'_>) -> Result<Vec<(String, PathBuf)>> {
    let mut files = Vec::new();
    for given in &request.reading.path.0 {
        let path = request.folder.join(given);
        if !given.contains(['*', '?', '[']) || path.exists() {
            files.push((given.clone(), path));
            continue;
        }
        let pattern = path.to_string_lossy().into_owned();
        let matches = glob::glob(&pattern).map_err(|error| Error::Pipeline {
            problems: vec![Problem::new(format!("{}.path", request.name), format!("`{given}`: {error}"), "")],
        })?;
        let before = files.len();
        for found in matches {
            let found = found.map_err(|error| Error::Io { path: error.path().to_path_buf(), source: error.into() })?;
            let shown = found.strip_prefix(request.folder).unwrap_or(&found).to_string_lossy().into_owned();
            files.push((shown, found));
        }
        if files.len() == before {
            let source = std::io::Error::new(std::io::ErrorKind::NotFound, "no file matches");
            return Err(Error::Io { path, source });
        }
    }
    Ok(files)
}

/// Adds empty cells for a row whose file lacks an optional column.
fn grow(table: &mut RawTable, column: &str) -> usize {
    if let Some(position) = table.position(column) {
        return position;
    }
    table.columns.push(column.to_owned());
    table.cells.push(vec![None; table.origin.len()]);
    table.columns.len() - 1
}

/// A cell's text, or `None` where it is empty or only blank.
fn cell(text: &str) -> Option<Box<str>> {
    (!text.trim().is_empty()).then(|| text.into())
}
