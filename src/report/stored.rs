//! Reads an earlier run's tables back, for `explain` and `list`.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use polars::prelude::*;
use serde_json::Value;

use super::manifest;
use crate::error::{Error, Result};

/// A run's folder.
pub struct StoredRun {
    folder: PathBuf,
    /// The manifest.
    pub manifest: Value,
}

/// A row of a table: texts by column, empty where null.
pub type Row = HashMap<String, String>;

impl StoredRun {
    /// Opens a run's folder.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if there is no run, [`Error::Run`] if its manifest does not read.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(manifest::FILE);
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let manifest = serde_json::from_str(&text).map_err(|error| Error::Run { path, message: error.to_string() })?;
        Ok(Self { folder: folder.to_path_buf(), manifest })
    }

    /// The pipeline that was run.
    pub fn pipeline(&self) -> &Value {
        &self.manifest["pipeline"]
    }

    /// All rows of a table, from CSV or else from Parquet; none where the run has no such table.
    pub fn table(&self, name: &str) -> Result<Vec<Row>> {
        let csv = self.folder.join(format!("{name}.csv"));
        if csv.exists() {
            let fail = |error: csv::Error| Error::Run { path: csv.clone(), message: error.to_string() };
            let mut reader = csv::Reader::from_path(&csv).map_err(fail)?;
            return reader.deserialize().collect::<std::result::Result<_, _>>().map_err(fail);
        }
        let parquet = self.folder.join(format!("{name}.parquet"));
        if !parquet.exists() {
            return Ok(Vec::new());
        }
        let file = File::open(&parquet).map_err(Error::io(&parquet))?;
        let frame = ParquetReader::new(file).finish().map_err(Error::table("reading a run"))?;
        let mut rows = vec![Row::new(); frame.height()];
        for column in frame.columns().iter().filter(|column| column.name() != "geometry") {
            let text = column.cast(&DataType::String).map_err(Error::table("reading a run"))?;
            let text = text.str().map_err(Error::table("reading a run"))?;
            for (row, cell) in rows.iter_mut().zip(text.iter()) {
                row.insert(column.name().to_string(), cell.unwrap_or_default().to_owned());
            }
        }
        Ok(rows)
    }
}
