//! Parquet and GeoParquet: columns as text cells; geometries as WKB, as GeoArrow, or of Parquet's own type.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use geo::{Coord, Geometry, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};
use polars::prelude::*;
use polars_io::prelude::{ParquetReader, SerReader};
use polars_parquet::read::{FileMetadata, read_metadata};
use serde_json::Value;

use super::batch::{Batch, Origin, Shared};
use super::files::Located;
use super::guard::{CHECK, guarded};
use super::thrift::{self, Value as Thrift};
use super::{Content, Head, problem, stated, wkb};
use crate::error::{Error, Result};
use crate::finding::{Rejection, Rule};

/// A Parquet file whose columns are known.
pub struct Table {
    located: Located,
    metadata: Arc<FileMetadata>,
    columns: Vec<String>,
    /// The column of geometries, and how it holds them.
    geometry: Option<(String, Encoding)>,
    /// The number of rows.
    pub rows: usize,
}

/// How geometries are held: GeoParquet's `encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Wkb,
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
}

impl Encoding {
    fn called(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "wkb" => Self::Wkb,
            "point" => Self::Point,
            "linestring" => Self::LineString,
            "polygon" => Self::Polygon,
            "multipoint" => Self::MultiPoint,
            "multilinestring" => Self::MultiLineString,
            "multipolygon" => Self::MultiPolygon,
            _ => return None,
        })
    }
}

/// Reads a file's schema and its GeoParquet metadata.
pub fn head(located: Located) -> Result<Head> {
    if !located.is_plain() {
        return Err(problem(&located.shown, "Parquet within another packing", "unpack it: Parquet packs itself"));
    }
    // Refuses folders and devices in the same words as for other formats.
    located.open()?;
    let footer = footer(&located)?;
    guarded(&located, || read_head(&located, footer))
}

/// The end of a file, and the geometry columns that Parquet's own types tell.
struct Footer {
    bytes: Vec<u8>,
    geometries: Vec<(String, Option<String>)>,
}

/// Reads what a file promises before the library believes it: memory is reserved for promised rows.
fn footer(located: &Located) -> Result<Footer> {
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
    let mut footer = bytes(&mut file, size - 8 - length, length).map_err(Error::io(&located.path))?;
    let parsed = thrift::structure(&footer).map(|(footer, _)| footer);
    let most = size.saturating_mul(ROWS_A_BYTE).saturating_add(ROWS_ALWAYS);
    let columns =
        parsed.as_ref().and_then(|footer| columns(footer, most)).ok_or_else(|| fail("its footer is damaged"))?;
    for column in columns {
        let whole = column_is_whole(&mut file, size, &column).map_err(Error::io(&located.path))?;
        whole.ok_or_else(|| fail("one of its pages is damaged"))?;
    }
    let geometries = parsed.map(|parsed| take_geometry_types(&parsed, &mut footer)).unwrap_or_default();
    Ok(Footer { bytes: footer, geometries })
}

/// Parquet's types GEOMETRY and GEOGRAPHY, which the library does not know, become BSON, which is bytes to it as well: names
/// and systems of coordinates of their columns.
///
/// Source: `LogicalType` of Parquet's format definition (`parquet.thrift`), fields 13, 17 and 18.
fn take_geometry_types(parsed: &Thrift, footer: &mut [u8]) -> Vec<(String, Option<String>)> {
    /// 17 and 18 as Thrift's compact protocol writes a field's number after its head, and 13.
    const GEOMETRY: [u8; 2] = [34, 36];
    const BSON: u8 = 26;
    let text =
        |value: Option<&Thrift>| value.and_then(Thrift::text).map(|text| String::from_utf8_lossy(text).into_owned());
    let mut found = Vec::new();
    for element in parsed.list(2).unwrap_or_default() {
        let logical = element.field(10).map(Thrift::fields).unwrap_or_default();
        let [(17 | 18, at, kind)] = logical else { continue };
        if let Some(number) = footer.get_mut(at + 1).filter(|number| GEOMETRY.contains(number)) {
            *number = BSON;
            found.push((text(element.field(4)).unwrap_or_default(), text(kind.field(1))));
        }
    }
    found
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

fn read_head(located: &Located, footer: Footer) -> Result<Head> {
    let fail = |error: PolarsError| broken(located, &error);
    let length = (footer.bytes.len() as u32).to_le_bytes();
    let file = [b"PAR1".as_slice(), &footer.bytes, &length, b"PAR1"].concat();
    let mut metadata = read_metadata(&mut Cursor::new(file)).map_err(fail)?;
    let pairs = metadata.key_value_metadata.as_mut();
    let geo = pairs.as_ref().and_then(|pairs| {
        let text = pairs.iter().find(|pair| pair.key == "geo")?.value.as_deref()?;
        serde_json::from_str::<Value>(text).ok()
    });
    // The schema of the program that wrote the file, with types of its own: what Parquet says of the columns is enough.
    if let Some(pairs) = pairs {
        pairs.retain(|pair| pair.key != "ARROW:schema");
    }
    let metadata = Arc::new(metadata);
    let mut reader = open(located, &metadata)?;
    let schema = reader.schema().map_err(fail)?;
    let typed = |name: &str| footer.geometries.iter().find(|(known, _)| known == name);
    let primary = geo.as_ref().and_then(|geo| geo["primary_column"].as_str());
    let primary = primary.or_else(|| footer.geometries.first().map(|(name, _)| name.as_str())).unwrap_or("geometry");
    let described = geo.as_ref().map(|geo| &geo["columns"][primary]);
    let geometry = match schema.get(primary).map(DataType::from_arrow_field) {
        None => None,
        Some(kind) => encoding(located, primary, &kind, described)?.map(|encoding| (primary.to_owned(), encoding)),
    };
    let is_column = |field: &&ArrowField| {
        geometry.as_ref().is_none_or(|(name, _)| field.name != *name) && !DataType::from_arrow_field(field).is_nested()
    };
    let columns: Vec<String> = schema.iter_values().filter(is_column).map(|field| field.name.to_string()).collect();
    let rows = reader.num_rows().map_err(fail)?;
    let own = || typed(primary).map(|(_, crs)| crs.as_deref().map_or(Some("EPSG:4326".into()), stated::by_name));
    // GeoParquet without a `crs` is in CRS84; with null it is in an unknown one.
    let crs = match described.and_then(|column| column.get("crs")) {
        Some(crs) => stated::by_projjson(crs),
        None if described.is_some_and(Value::is_object) => Some("EPSG:4326".into()),
        None => own().flatten(),
    };
    let (read_as, placed) = (if geometry.is_some() { "geoparquet" } else { "parquet" }.to_owned(), geometry.is_some());
    let table = Table { located: located.clone(), metadata, columns: columns.clone(), geometry, rows };
    Ok(Head { located: located.clone(), content: Content::Parquet(table), header: columns, read_as, crs, placed })
}

/// How a column holds geometries; `None`: it holds something else.
fn encoding(located: &Located, column: &str, kind: &DataType, described: Option<&Value>) -> Result<Option<Encoding>> {
    let name = described.and_then(|column| column["encoding"].as_str());
    let place = format!("{}: {column}", located.shown);
    let hint = "write it as WKB: to_parquet(..., geometry_encoding=\"WKB\")";
    match (name.map(Encoding::called), kind) {
        (Some(None), _) => Err(problem(
            &place,
            format!("geometries in the encoding `{}` are not read", name.unwrap_or_default()),
            hint,
        )),
        (Some(Some(Encoding::Wkb)) | None, DataType::Binary) => Ok(Some(Encoding::Wkb)),
        (Some(Some(encoding)), kind) if kind.is_nested() && encoding != Encoding::Wkb => Ok(Some(encoding)),
        (None, DataType::Struct(fields)) if fields.iter().take(2).map(|field| field.name.as_str()).eq(["x", "y"]) => {
            Ok(Some(Encoding::Point))
        }
        (None, kind) if kind.is_nested() => {
            Err(problem(&place, "nested geometries without GeoParquet's metadata are not read", hint))
        }
        (Some(Some(_)), kind) => {
            Err(problem(&place, format!("the column holds {kind}, which its encoding does not fit"), CHECK))
        }
        (None, _) => Ok(None),
    }
}

fn open(located: &Located, metadata: &Arc<FileMetadata>) -> Result<ParquetReader<File>> {
    let mut reader = ParquetReader::new(File::open(&located.path).map_err(Error::io(&located.path))?);
    reader.set_metadata(Arc::clone(metadata));
    Ok(reader)
}

fn broken(located: &Located, error: &PolarsError) -> Error {
    problem(&located.shown, format!("the file is not Parquet: {error}"), CHECK)
}

impl Table {
    /// Some of the rows as text.
    pub fn parse(&self, rows: Range<usize>, shared: &Shared) -> Result<Batch> {
        guarded(&self.located, || self.read(rows, shared))
    }

    fn read(&self, rows: Range<usize>, shared: &Shared) -> Result<Batch> {
        let fail = |error: PolarsError| broken(&self.located, &error);
        let wanted = self.columns.iter().chain(self.geometry.iter().map(|(name, _)| name)).cloned().collect();
        let reader =
            open(&self.located, &self.metadata)?.with_slice(Some((rows.start, rows.len()))).with_columns(Some(wanted));
        let frame = reader.read_parallel(ParallelStrategy::None).finish().map_err(fail)?;
        let text = |name: &String| -> PolarsResult<StringChunked> {
            Ok(frame.column(name)?.cast(&DataType::String)?.str()?.clone())
        };
        let is_number = |name: &String| frame.column(name).is_ok_and(|column| column.dtype().is_primitive_numeric());
        let numbers: Vec<bool> = self.columns.iter().map(is_number).collect();
        let columns: Vec<StringChunked> = self.columns.iter().map(text).collect::<PolarsResult<_>>().map_err(fail)?;
        let geometry =
            |(name, encoding): &(String, Encoding)| Ok((frame.column(name)?.as_materialized_series(), *encoding));
        let geometry = self.geometry.as_ref().map(geometry).transpose().map_err(fail)?;
        let mut cells: Vec<_> = columns.iter().map(|column| column.iter()).collect();
        let mut batch = Batch::new(shared);
        for row in 0..frame.height() {
            let line = (rows.start + row) as u64 + 1;
            let read = geometry.map_or(Ok(None), |(column, encoding)| geometry_at(column, row, encoding));
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
                    column: self.geometry.as_ref().map(|(name, _)| name.as_str()).unwrap_or_default().into(),
                    value: String::new(),
                    rule: Rule::Unreadable,
                    message: format!("not a geometry: {message}"),
                }),
            }
        }
        Ok(batch)
    }
}

/// The geometry of a row.
fn geometry_at(column: &Series, row: usize, encoding: Encoding) -> std::result::Result<Option<Geometry>, String> {
    if encoding == Encoding::Wkb {
        let bytes = column.binary().map_err(|error| error.to_string())?.get(row);
        return bytes.map_or(Ok(None), wkb::read);
    }
    native(column, row, encoding).map_err(|error| error.to_string())
}

/// A geometry as GeoArrow holds it: coordinates are structures of `x` and `y`, lines lists of them, and so on.
fn native(column: &Series, row: usize, encoding: Encoding) -> PolarsResult<Option<Geometry>> {
    if encoding == Encoding::Point {
        let place = coordinates(&column.slice(row as i64, 1))?.into_iter().next();
        let place = place.filter(|place| !place.x.is_nan() && !place.y.is_nan());
        return Ok(place.map(|place| Geometry::Point(Point(place))));
    }
    let Some(parts) = column.list()?.get_as_series(row) else { return Ok(None) };
    Ok(Some(match encoding {
        Encoding::LineString => Geometry::LineString(LineString(coordinates(&parts)?)),
        Encoding::MultiPoint => Geometry::MultiPoint(MultiPoint(coordinates(&parts)?.into_iter().map(Point).collect())),
        Encoding::MultiLineString => Geometry::MultiLineString(MultiLineString(lines(&parts)?)),
        Encoding::Polygon => Geometry::Polygon(polygon(&parts)?),
        Encoding::MultiPolygon => {
            let polygons = parts.list()?;
            let polygons = (0..parts.len()).filter_map(|part| polygons.get_as_series(part));
            Geometry::MultiPolygon(MultiPolygon(polygons.map(|rings| polygon(&rings)).collect::<PolarsResult<_>>()?))
        }
        Encoding::Wkb | Encoding::Point => return Ok(None),
    }))
}

fn polygon(rings: &Series) -> PolarsResult<Polygon> {
    let mut rings = lines(rings)?.into_iter();
    Ok(Polygon::new(rings.next().unwrap_or(LineString(Vec::new())), rings.collect()))
}

fn lines(parts: &Series) -> PolarsResult<Vec<LineString>> {
    let lists = parts.list()?;
    (0..parts.len())
        .filter_map(|part| lists.get_as_series(part))
        .map(|line| Ok(LineString(coordinates(&line)?)))
        .collect()
}

fn coordinates(places: &Series) -> PolarsResult<Vec<Coord>> {
    let fields = places.struct_()?;
    let axis = |name: &str| fields.field_by_name(name)?.cast(&DataType::Float64);
    let (x, y) = (axis("x")?, axis("y")?);
    Ok(x.f64()?.iter().zip(y.f64()?.iter()).filter_map(|(x, y)| Some(Coord { x: x?, y: y? })).collect())
}
