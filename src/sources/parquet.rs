//! Parquet and GeoParquet: columns as text cells, WKB as geometries.

use std::cell::Cell;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use geo::Geometry;
use geo_traits::to_geo::ToGeoGeometry;
use polars::prelude::*;
use serde_json::Value;

use super::batch::{Batch, Origin, Shared};
use super::files::Located;
use super::{Content, Head, problem, thrift};
use crate::error::{Error, Result};
use crate::finding::{Rejection, Rule};

const CHECK: &str = "check the export that wrote it";

/// A Parquet file whose columns are known.
pub struct Table {
    located: Located,
    columns: Vec<String>,
    /// The column of WKB.
    geometry: Option<String>,
    /// The number of rows.
    pub rows: usize,
}

/// Reads a file's schema and its GeoParquet metadata.
pub fn head(located: Located) -> Result<Head> {
    if !located.is_plain() {
        return Err(problem(&located.shown, "Parquet within another packing", "unpack it: Parquet packs itself"));
    }
    // Refuses folders and devices in the same words as for other formats.
    located.open()?;
    check_footer(&located)?;
    guarded(&located, || read_head(&located))
}

/// Looks at the footer's lengths before the library believes them.
fn check_footer(located: &Located) -> Result<()> {
    let fail = |message: &str| problem(&located.shown, format!("the file is not Parquet: {message}"), CHECK);
    let mut file = File::open(&located.path).map_err(Error::io(&located.path))?;
    let size = file.metadata().map_err(Error::io(&located.path))?.len();
    let mut end = [0; 8];
    if size < 12 {
        return Err(fail("it is too short"));
    }
    file.seek(SeekFrom::End(-8)).and_then(|_| file.read_exact(&mut end)).map_err(Error::io(&located.path))?;
    let (length, magic) = (u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]])), &end[4..]);
    if magic != b"PAR1" || length + 12 > size {
        return Err(fail("it does not end as Parquet does"));
    }
    let mut footer = vec![0; length as usize];
    let start = file.seek(SeekFrom::Start(size - 8 - length));
    start.and_then(|_| file.read_exact(&mut footer)).map_err(Error::io(&located.path))?;
    if thrift::is_whole(&footer) { Ok(()) } else { Err(fail("its footer is damaged")) }
}

fn read_head(located: &Located) -> Result<Head> {
    let mut reader = open(located)?;
    let metadata = reader.get_metadata().map_err(|error| broken(located, &error))?;
    let geo = metadata.key_value_metadata().as_ref().and_then(|pairs| {
        let text = pairs.iter().find(|pair| pair.key == "geo")?.value.as_deref()?;
        serde_json::from_str::<Value>(text).ok()
    });
    let schema = reader.schema().map_err(|error| broken(located, &error))?;
    let primary = geo.as_ref().and_then(|geo| geo["primary_column"].as_str()).unwrap_or("geometry");
    let is_wkb = |field: &ArrowField| field.name == primary && DataType::from_arrow_field(field).is_binary();
    let geometry = schema.iter_values().find(|field| is_wkb(field)).map(|field| field.name.to_string());
    let columns: Vec<String> =
        schema.iter_names().map(ToString::to_string).filter(|name| Some(name) != geometry.as_ref()).collect();
    let rows = reader.num_rows().map_err(|error| broken(located, &error))?;
    let crs = geo.as_ref().and_then(|geo| stated_crs(&geo["columns"][primary]["crs"]));
    let (read_as, placed) = (if geometry.is_some() { "geoparquet" } else { "parquet" }.to_owned(), geometry.is_some());
    let table = Table { located: located.clone(), columns: columns.clone(), geometry, rows };
    Ok(Head { located: located.clone(), content: Content::Parquet(table), header: columns, read_as, crs, placed })
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread, at this moment, is that of the Parquet reader over a damaged file, and will be
/// reported as an error.
pub fn expects_panic() -> bool {
    GUARDED.get()
}

/// The reader takes for granted that a file keeps its own promises; where one does not, it panics.
fn guarded<T>(located: &Located, read: impl FnOnce() -> Result<T>) -> Result<T> {
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(false);
    result.unwrap_or_else(|_| Err(problem(&located.shown, "the file is damaged", CHECK)))
}

fn open(located: &Located) -> Result<ParquetReader<File>> {
    Ok(ParquetReader::new(File::open(&located.path).map_err(Error::io(&located.path))?))
}

fn broken(located: &Located, error: &PolarsError) -> Error {
    problem(&located.shown, format!("the file is not Parquet: {error}"), CHECK)
}

/// PROJJSON to `EPSG:nnnn`; CRS84 is EPSG:4326 with longitude first.
fn stated_crs(crs: &Value) -> Option<String> {
    let id = &crs["id"];
    match (id["authority"].as_str()?, &id["code"]) {
        ("OGC", _) => Some("EPSG:4326".into()),
        (authority, Value::Number(code)) => Some(format!("{authority}:{code}")),
        (authority, code) => Some(format!("{authority}:{}", code.as_str()?)),
    }
}

impl Table {
    /// Some of the rows as text.
    pub fn parse(&self, rows: Range<usize>, shared: &Shared) -> Result<Batch> {
        guarded(&self.located, || self.read(rows, shared))
    }

    fn read(&self, rows: Range<usize>, shared: &Shared) -> Result<Batch> {
        let fail = |error: PolarsError| broken(&self.located, &error);
        let wanted = self.columns.iter().chain(&self.geometry).cloned().collect();
        let reader = open(&self.located)?.with_slice(Some((rows.start, rows.len()))).with_columns(Some(wanted));
        let frame = reader.read_parallel(ParallelStrategy::None).finish().map_err(fail)?;
        let text = |name: &String| -> PolarsResult<StringChunked> {
            Ok(frame.column(name)?.cast(&DataType::String)?.str()?.clone())
        };
        let columns: Vec<StringChunked> = self.columns.iter().map(text).collect::<PolarsResult<_>>().map_err(fail)?;
        let geometry = self.geometry.as_ref().map(|name| frame.column(name)).transpose().map_err(fail)?;
        let geometry = geometry.map(|column| column.binary()).transpose().map_err(fail)?;
        let mut cells: Vec<_> = columns.iter().map(|column| column.iter()).collect();
        let mut batch = Batch::new(shared);
        for row in 0..frame.height() {
            let line = (rows.start + row) as u64 + 1;
            let read = geometry.and_then(|column| column.get(row)).map(from_wkb).transpose();
            let cells: Vec<Option<&str>> = cells.iter_mut().map(|column| column.next().flatten()).collect();
            match read {
                Ok(read) => {
                    batch.push(Origin { file: shared.position, line }, cells.into_iter());
                    if geometry.is_some() {
                        batch.push_geometry(read);
                    }
                }
                Err(message) => batch.broken.push(Rejection {
                    source: shared.source.clone(),
                    file: shared.file.clone(),
                    line,
                    column: self.geometry.as_deref().unwrap_or_default().into(),
                    value: String::new(),
                    rule: Rule::Unreadable,
                    message: format!("not a WKB geometry: {message}"),
                }),
            }
        }
        Ok(batch)
    }
}

fn from_wkb(bytes: &[u8]) -> std::result::Result<Geometry, String> {
    let read = wkb::reader::read_wkb(bytes).map_err(|error| error.to_string())?;
    read.try_to_geometry().ok_or_else(|| "an empty point".to_owned())
}
