//! Reads a run's tables back, for whatever tells of it or goes on from it.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use polars::prelude::*;
use polars_io::prelude::{ParquetReader, SerReader};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::columns::Kind;
use super::formats::csv::unguarded;
use super::formats::datapackage;
use super::manifest;
use crate::classify::{Classification, Typology};
use crate::delineate::Earlier;
use crate::error::{Error, Problem, Result};
use crate::indicator::Indicator;
use crate::score::{Component, Dimension, Model, Tree};
use crate::sources::hex;

/// A run's folder.
pub struct StoredRun {
    folder: PathBuf,
    /// The manifest.
    pub manifest: Value,
    /// `datapackage.json`, once it is asked for.
    descriptor: OnceLock<Value>,
}

/// What made scores and types in a run.
#[derive(Debug)]
pub struct Scoring {
    /// The dimensions.
    pub dimensions: Vec<Dimension>,
    /// The components.
    pub components: Vec<Component>,
    /// The indicators.
    pub indicators: Vec<Indicator>,
    /// The typology; `None` where the dimensions have none.
    pub typology: Option<Typology>,
    /// `[classify]`.
    pub settings: Classification,
    /// The score tree.
    pub model: Model,
}

/// A row of a table: texts by column, empty where null.
pub type Row = HashMap<String, String>;

impl StoredRun {
    /// Opens a run's folder.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if there is no such folder, [`Error::Usage`] if no run wrote it, [`Error::Run`] if its manifest does
    /// not read.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(manifest::FILE);
        if folder.exists() && !path.exists() {
            let message = format!("{} is no run: there is no {} in it", folder.display(), manifest::FILE);
            return Err(Error::Usage { message, hint: Some("give a folder that `forerunner run` wrote".into()) });
        }
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let manifest = serde_json::from_str(&text).map_err(|error| Error::Run { path, message: error.to_string() })?;
        if !["csv", "parquet"].iter().any(|format| folder.join(format!("clusters.{format}")).exists()) {
            let message = format!("{} has neither clusters.csv nor clusters.parquet", folder.display());
            let hint = "run the pipeline with \"csv\" or \"parquet\" among [outputs] tables".into();
            return Err(Error::Usage { message, hint: Some(hint) });
        }
        Ok(Self { folder: folder.to_path_buf(), manifest, descriptor: OnceLock::new() })
    }

    /// The pipeline that was run.
    pub fn pipeline(&self) -> &Value {
        &self.manifest["pipeline"]
    }

    /// A part of the pipeline that was run.
    ///
    /// # Errors
    ///
    /// [`Error::Run`] if the manifest does not hold it.
    pub fn part<T: DeserializeOwned>(&self, key: &str) -> Result<T> {
        let damaged = |error: serde_json::Error| Error::Run {
            path: self.folder.join(manifest::FILE),
            message: format!("{key}: {error}"),
        };
        serde_json::from_value(self.pipeline()[key].clone()).map_err(damaged)
    }

    /// What made scores and types in the run.
    ///
    /// # Errors
    ///
    /// [`Error::Run`] if the manifest does not hold it.
    pub fn scoring(&self) -> Result<Scoring> {
        let dimensions: Vec<Dimension> = self.part("dimensions")?;
        let (components, indicators) = (self.part::<Vec<Component>>("components")?, self.part::<Vec<_>>("indicators")?);
        let damaged = |problems: Vec<Problem>| Error::Run {
            path: self.folder.join(manifest::FILE),
            message: problems.first().map(ToString::to_string).unwrap_or_default(),
        };
        let scoring = self.part::<Option<crate::score::Scoring>>("score")?.unwrap_or_default();
        let tree =
            Tree { dimensions: &dimensions, components: &components, indicators: &indicators, scoring: &scoring };
        let model = Model::new(tree).map_err(damaged)?;
        let (typology, settings) = (self.part("typology")?, self.part("classify")?);
        Ok(Scoring { dimensions, components, indicators, typology, settings, model })
    }

    /// SHA-256 of the list of the run's outputs.
    pub fn outputs_sha256(&self) -> String {
        hex(&Sha256::digest(self.manifest["outputs"].to_string()))
    }

    /// The clusters, so that a later run can carry their ids and names on.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Run`] if a table does not read.
    pub fn clusters(&self) -> Result<Earlier> {
        let mut earlier = Earlier { sha256: self.outputs_sha256(), ..Earlier::default() };
        let mut position = HashMap::new();
        for [id, name] in self.columns("clusters", ["cluster_id", "cluster_name"])? {
            if !position.contains_key(&id) {
                position.insert(id.clone(), earlier.clusters.len());
                earlier.clusters.push((id, name));
            }
        }
        for [facility, cluster] in self.columns("facilities", ["facility_id", "cluster_id"])? {
            earlier.of_facility.extend(position.get(&cluster).map(|&cluster| (facility, cluster)));
        }
        Ok(earlier)
    }

    /// Some columns of a table, from CSV or else from Parquet; none where the run has no such table.
    pub fn columns<const N: usize>(&self, name: &str, wanted: [&str; N]) -> Result<Vec<[String; N]>> {
        let csv = self.folder.join(format!("{name}.csv"));
        let parquet = self.folder.join(format!("{name}.parquet"));
        if !csv.exists() && parquet.exists() {
            let file = File::open(&parquet).map_err(Error::io(&parquet))?;
            let reader = ParquetReader::new(file).with_columns(Some(wanted.map(str::to_owned).to_vec()));
            let read = || -> PolarsResult<Vec<[String; N]>> {
                let frame = reader.finish()?;
                let texts = wanted.map(|name| frame.column(name).and_then(|column| column.cast(&DataType::String)));
                let mut rows = vec![std::array::from_fn(|_| String::new()); frame.height()];
                for (at, text) in texts.into_iter().enumerate() {
                    let text = text?;
                    for (row, cell) in rows.iter_mut().zip(text.str()?.iter()) {
                        row[at] = cell.unwrap_or_default().to_owned();
                    }
                }
                Ok(rows)
            };
            return read().map_err(Error::table("reading a run"));
        }
        if !csv.exists() {
            return Ok(Vec::new());
        }
        let fail = |error: csv::Error| Error::Run { path: csv.clone(), message: error.to_string() };
        let mut reader = csv::Reader::from_path(&csv).map_err(fail)?;
        let header = reader.headers().map_err(fail)?;
        let position = |name: &str| {
            let absent = || Error::Run { path: csv.clone(), message: format!("there is no column `{name}`") };
            header.iter().position(|column| column == name).ok_or_else(absent)
        };
        let mut at = [0; N];
        for (at, name) in at.iter_mut().zip(wanted) {
            *at = position(name)?;
        }
        let cells = |row: csv::Result<csv::StringRecord>| row.map(|row| at.map(|at| unguarded(&row[at]).to_owned()));
        reader.records().map(|row| cells(row).map_err(fail)).collect()
    }

    /// A table, from Parquet or else from CSV; `None` where the run has no such table.
    ///
    /// # Errors
    ///
    /// [`Error::Run`] and [`Error::Table`] if it does not read.
    pub fn frame(&self, name: &str) -> Result<Option<DataFrame>> {
        let fail = || Error::table("reading a run");
        let parquet = self.folder.join(format!("{name}.parquet"));
        if parquet.exists() {
            let file = File::open(&parquet).map_err(Error::io(&parquet))?;
            let frame = ParquetReader::new(file).finish().map_err(fail())?;
            return Ok(Some(frame.drop_many(["geometry", "bbox"])));
        }
        if !self.folder.join(format!("{name}.csv")).exists() {
            return Ok(None);
        }
        let (header, kinds) = (self.header(name)?, self.kinds(name)?);
        let rows = self.table(name)?;
        let columns = header.iter().map(|name| {
            let cells = rows.iter().map(|row| Some(cell(row, name)).filter(|cell| !cell.is_empty()));
            let column = StringChunked::from_iter_options(name.as_str().into(), cells).into_column();
            match kinds.get(name) {
                Some(Kind::Integer) => column.cast(&DataType::Int64),
                Some(Kind::Number) => column.cast(&DataType::Float64),
                Some(Kind::Boolean) => {
                    let is_true = |cell: Option<&str>| cell.map(|cell| cell == "true");
                    Ok(column
                        .str()?
                        .iter()
                        .map(is_true)
                        .collect::<BooleanChunked>()
                        .with_name(name.as_str().into())
                        .into_column())
                }
                _ => Ok(column),
            }
        });
        let columns = columns.collect::<PolarsResult<Vec<Column>>>().map_err(fail())?;
        DataFrame::new(rows.len(), columns).map(Some).map_err(fail())
    }

    /// The columns of a table in their order; none where the run has no such table.
    pub fn header(&self, name: &str) -> Result<Vec<String>> {
        let csv = self.folder.join(format!("{name}.csv"));
        if csv.exists() {
            let fail = |error: csv::Error| Error::Run { path: csv.clone(), message: error.to_string() };
            let mut reader = csv::Reader::from_path(&csv).map_err(fail)?;
            return Ok(reader.headers().map_err(fail)?.iter().map(|name| unguarded(name).to_owned()).collect());
        }
        let parquet = self.folder.join(format!("{name}.parquet"));
        if !parquet.exists() {
            return Ok(Vec::new());
        }
        let file = File::open(&parquet).map_err(Error::io(&parquet))?;
        let schema = ParquetReader::new(file).schema().map_err(Error::table("reading a run"))?;
        Ok(schema.iter_names().map(ToString::to_string).filter(|name| name != "geometry" && name != "bbox").collect())
    }

    /// All rows of a table, from CSV or else from Parquet; none where the run has no such table.
    pub fn table(&self, name: &str) -> Result<Vec<Row>> {
        self.rows(name, None)
    }

    /// The rows of a table that are about one cluster.
    pub fn of_cluster(&self, name: &str, id: &str) -> Result<Vec<Row>> {
        self.rows(name, Some(id))
    }

    fn rows(&self, name: &str, cluster: Option<&str>) -> Result<Vec<Row>> {
        let csv = self.folder.join(format!("{name}.csv"));
        if csv.exists() {
            let fail = |error: csv::Error| Error::Run { path: csv.clone(), message: error.to_string() };
            let mut reader = csv::Reader::from_path(&csv).map_err(fail)?;
            let header = reader.headers().map_err(fail)?.clone();
            let header: Vec<&str> = header.iter().map(unguarded).collect();
            let at = header.iter().position(|column| *column == "cluster_id");
            let mut rows = Vec::new();
            for record in reader.records() {
                let record = record.map_err(fail)?;
                if cluster.is_none_or(|id| at.and_then(|at| record.get(at)).map(unguarded) == Some(id)) {
                    let cells = header.iter().zip(&record);
                    rows.push(cells.map(|(name, cell)| ((*name).to_owned(), unguarded(cell).to_owned())).collect());
                }
            }
            return Ok(rows);
        }
        let parquet = self.folder.join(format!("{name}.parquet"));
        if !parquet.exists() {
            return Ok(Vec::new());
        }
        let file = File::open(&parquet).map_err(Error::io(&parquet))?;
        let fail = || Error::table("reading a run");
        let mut frame = ParquetReader::new(file).finish().map_err(fail())?;
        if let Some(id) = cluster {
            frame = frame.lazy().filter(col("cluster_id").eq(lit(id))).collect().map_err(fail())?;
        }
        rows(&frame)
    }

    /// The descriptor of the run's files, read once.
    fn descriptor(&self) -> Result<&Value> {
        if let Some(known) = self.descriptor.get() {
            return Ok(known);
        }
        let read = datapackage::read(&self.folder)?;
        Ok(self.descriptor.get_or_init(|| read))
    }

    /// What the cells of each column of a table are, as the run has written it down; of none where it has no such table.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] and [`Error::Run`] if `datapackage.json` or the table does not read.
    pub fn kinds(&self, name: &str) -> Result<HashMap<String, Kind>> {
        if self.folder.join(format!("{name}.csv")).exists() {
            return datapackage::kinds(self.descriptor()?, &self.folder, &format!("{name}.csv"));
        }
        let parquet = self.folder.join(format!("{name}.parquet"));
        if !parquet.exists() {
            return Ok(HashMap::new());
        }
        let file = File::open(&parquet).map_err(Error::io(&parquet))?;
        let schema = ParquetReader::new(file).schema().map_err(Error::table("reading a run"))?;
        let fields = schema.iter();
        let kind = |(name, field): (&PlSmallStr, &ArrowField)| {
            (name.to_string(), Kind::of(&DataType::from_arrow_dtype(field.dtype())))
        };
        Ok(fields.map(kind).collect())
    }
}

/// A table's rows, but for geometries.
///
/// # Errors
///
/// [`Error::Table`] if polars fails.
pub fn rows(frame: &DataFrame) -> Result<Vec<Row>> {
    let fail = || Error::table("reading a table");
    let mut rows = vec![Row::new(); frame.height()];
    for column in frame.columns().iter().filter(|column| column.name() != "geometry" && column.name() != "bbox") {
        let text = column.cast(&DataType::String).map_err(fail())?;
        let text = text.str().map_err(fail())?;
        for (row, cell) in rows.iter_mut().zip(text.iter()) {
            row.insert(column.name().to_string(), cell.unwrap_or_default().to_owned());
        }
    }
    Ok(rows)
}

/// A cell of a row; empty for a column that is not there.
pub fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

/// A number of a row.
pub fn number(row: &Row, column: &str) -> Option<f64> {
    cell(row, column).parse().ok()
}

/// A row as JSON, each cell as what its column holds.
pub fn typed(row: &Row, kinds: &HashMap<String, Kind>) -> Map<String, Value> {
    let mut sorted: Vec<(&String, &String)> = row.iter().collect();
    sorted.sort();
    let json = |(column, cell): (&String, &String)| {
        let value = match (cell.as_str(), kinds.get(column)) {
            ("", _) => Value::Null,
            ("true", Some(Kind::Boolean)) => true.into(),
            ("false", Some(Kind::Boolean)) => false.into(),
            (text, Some(Kind::Integer)) => text.parse::<i64>().map_or_else(|_| text.into(), Value::from),
            (text, Some(Kind::Number)) => {
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                number.map_or_else(|| text.into(), Value::from)
            }
            (text, _) => text.into(),
        };
        (column.clone(), value)
    };
    sorted.into_iter().map(json).collect()
}
