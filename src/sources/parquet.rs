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
use super::thrift::{self, Value as Thrift};
use super::{Content, Head, problem};
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
    check_promises(&located)?;
    guarded(&located, || read_head(&located))
}

/// Looks at what a file promises before the library believes it: memory is reserved for promised rows.
fn check_promises(located: &Located) -> Result<()> {
    let fail = |message: &str| problem(&located.shown, format!("the file is not Parquet: {message}"), CHECK);
    let mut file = File::open(&located.path).map_err(Error::io(&located.path))?;
    let size = file.metadata().map_err(Error::io(&located.path))?.len();
    if size < 12 {
        return Err(fail("it is too short"));
    }
    let end = bytes(&mut file, size - 8, 8).map_err(Error::io(&located.path))?;
    let length = u64::from(u32::from_le_bytes([end[0], end[1], end[2], end[3]]));
    if !end.ends_with(b"PAR1") || length + 12 > size {
        return Err(fail("it does not end as Parquet does"));
    }
    let footer = bytes(&mut file, size - 8 - length, length).map_err(Error::io(&located.path))?;
    let footer = thrift::structure(&footer).map(|(footer, _)| footer);
    let most = size.saturating_mul(ROWS_A_BYTE).saturating_add(ROWS_ALWAYS);
    let columns =
        footer.as_ref().and_then(|footer| columns(footer, most)).ok_or_else(|| fail("its footer is damaged"))?;
    for column in columns {
        let whole = column_is_whole(&mut file, size, &column).map_err(Error::io(&located.path))?;
        whole.ok_or_else(|| fail("one of its pages is damaged"))?;
    }
    Ok(())
}

/// A file of so many bytes holds at most so many rows: some column of a table differs from row to row.
const ROWS_A_BYTE: u64 = 64;
const ROWS_ALWAYS: u64 = 1 << 20;

/// Some bytes of a file.
fn bytes(file: &mut File, start: u64, length: u64) -> std::io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

/// Where the pages of a column of a row group lie, and its values.
struct Chunk {
    start: u64,
    length: u64,
    values: u64,
}

/// The columns of all row groups (`FileMetaData`, `RowGroup`, `ColumnMetaData` of Parquet's format definition).
fn columns(footer: &Thrift, most: u64) -> Option<Vec<Chunk>> {
    let count = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    let mut chunks = Vec::new();
    let mut rows = 0u64;
    for group in footer.list(4).unwrap_or_default() {
        rows = rows.checked_add(count(group.integer(3))?)?;
        for column in group.list(1)? {
            let column = column.field(3)?;
            // A dictionary comes before the pages that use it.
            let dictionary = column.integer(11).filter(|offset| *offset > 0).or(column.integer(9));
            let start = count(dictionary)?;
            let (length, values) = (count(column.integer(7))?, count(column.integer(5))?);
            if values > most {
                return None;
            }
            chunks.push(Chunk { start, length, values });
        }
    }
    (rows <= most && count(footer.integer(3))? == rows).then_some(chunks)
}

/// Walks the page headers of a column; `None` where one promises more than its column or the file has.
fn column_is_whole(file: &mut File, size: u64, chunk: &Chunk) -> std::io::Result<Option<()>> {
    const LONGEST_HEADER: u64 = 1 << 20;
    let end = chunk.start.saturating_add(chunk.length);
    if end > size {
        return Ok(None);
    }
    let mut at = chunk.start;
    while at < end {
        let head = bytes(file, at, LONGEST_HEADER.min(end - at))?;
        let Some(length) = page_length(&head, chunk.values) else { return Ok(None) };
        at += length;
    }
    Ok((at == end).then_some(()))
}

/// Bytes of a page with its header (`PageHeader`): no size or count is negative or beyond what can be there.
fn page_length(head: &[u8], values: u64) -> Option<u64> {
    /// The best packing of a page of zeros, and what any page may take.
    const GREATEST_RATIO: u64 = 40_000;
    const ALWAYS: u64 = 64 << 20;
    let (header, taken) = thrift::structure(head)?;
    let count = |value: i64| u64::try_from(value).ok();
    let (unpacked, packed) = (count(header.integer(2)?)?, count(header.integer(3)?)?);
    let within = |page: i64, field: i64, most: u64| {
        header.field(page).is_none_or(|page| page.integer(field).and_then(count).is_some_and(|value| value <= most))
    };
    let data = within(5, 1, values) && (1..=3).all(|field| within(8, field, values));
    let levels = (5..=6).all(|field| within(8, field, unpacked));
    let dictionary = within(7, 1, unpacked.saturating_mul(8));
    let size = unpacked <= packed.saturating_mul(GREATEST_RATIO).saturating_add(ALWAYS);
    if data && levels && dictionary && size { packed.checked_add(taken as u64) } else { None }
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
        let is_number = |name: &String| frame.column(name).is_ok_and(|column| column.dtype().is_primitive_numeric());
        let numbers: Vec<bool> = self.columns.iter().map(is_number).collect();
        let columns: Vec<StringChunked> = self.columns.iter().map(text).collect::<PolarsResult<_>>().map_err(fail)?;
        let geometry = self.geometry.as_ref().map(|name| frame.column(name)).transpose().map_err(fail)?;
        let geometry = geometry.map(|column| column.binary()).transpose().map_err(fail)?;
        let mut cells: Vec<_> = columns.iter().map(|column| column.iter()).collect();
        let mut batch = Batch::new(shared);
        for row in 0..frame.height() {
            let line = (rows.start + row) as u64 + 1;
            let read = geometry.and_then(|column| column.get(row)).map(from_wkb).transpose().map(Option::flatten);
            let cells = cells.iter_mut().map(|column| column.next().flatten()).zip(&numbers);
            // What is no number among numbers is missing.
            let cells: Vec<Option<&str>> =
                cells.map(|(cell, is_number)| cell.filter(|cell| !(*is_number && *cell == "NaN"))).collect();
            match read {
                Ok(read) => {
                    batch.push(Origin { file: shared.position, line }, cells.into_iter().zip(numbers.iter().copied()));
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

/// `None`: an empty point.
fn from_wkb(bytes: &[u8]) -> std::result::Result<Option<Geometry>, String> {
    Ok(wkb::reader::read_wkb(bytes).map_err(|error| error.to_string())?.try_to_geometry())
}
