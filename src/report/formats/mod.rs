//! Tables and layers in the formats that people open.

pub mod csv;
pub mod datapackage;
pub mod flatgeobuf;
pub mod geojson;
pub mod geopackage;
pub mod parquet;
pub mod styles;
pub mod xlsx;

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use geo::Geometry;
use polars::prelude::{AnyValue, Column, PolarsError};

use crate::error::{Error, Result};

/// One cell of a table.
enum Cell<'a> {
    /// Nothing is known.
    Empty,
    Text(Cow<'a, str>),
    Integer(i64),
    Number(f64),
    Boolean(bool),
}

/// The cell of a column in a row.
fn cell(column: &Column, row: usize) -> Result<Cell<'_>> {
    Ok(match column.get(row).map_err(Error::table("writing a cell"))? {
        AnyValue::Null => Cell::Empty,
        AnyValue::String(text) => Cell::Text(text.into()),
        AnyValue::StringOwned(text) => Cell::Text(text.to_string().into()),
        AnyValue::Int64(number) => Cell::Integer(number),
        AnyValue::UInt64(number) if i64::try_from(number).is_ok() => Cell::Integer(number as i64),
        AnyValue::Float64(number) => Cell::Number(number),
        AnyValue::Boolean(truth) => Cell::Boolean(truth),
        // As ISO 8601 writes it.
        date @ AnyValue::Date(_) => Cell::Text(date.to_string().into()),
        other => {
            let message = format!("{other} in column `{}` is no text, number or truth value", column.name());
            return Err(Error::Run { path: column.name().to_string().into(), message });
        }
    })
}

/// An error of polars while it wrote a file: that of the disk, where it is one.
fn unwritten(path: &Path) -> impl FnOnce(PolarsError) -> Error {
    let path = path.to_path_buf();
    move |error| match error {
        PolarsError::IO { error, .. } => {
            Error::Io { path, source: std::io::Error::new(error.kind(), error.to_string()) }
        }
        other => Error::Run { path, message: other.to_string() },
    }
}

/// Seven decimals: a centimetre.
fn rounded(coord: geo::Coord) -> geo::Coord {
    let round = |degrees: f64| (degrees * 1e7).round() / 1e7;
    geo::coord! { x: round(coord.x), y: round(coord.y) }
}

/// Well-known binary, little endian.
fn wkb(geometry: &Geometry, into: &mut impl Write, path: &Path) -> Result<()> {
    let failed = |error: wkb::error::WkbError| Error::Run { path: path.to_path_buf(), message: error.to_string() };
    wkb::writer::write_geometry(into, geometry, &wkb::writer::WriteOptions::default()).map_err(failed)
}

/// The type of a geometry, as OGC names it.
fn kind(geometry: &Geometry) -> &'static str {
    match geometry {
        Geometry::Point(_) => "Point",
        Geometry::MultiPoint(_) => "MultiPoint",
        Geometry::Line(_) | Geometry::LineString(_) => "LineString",
        Geometry::MultiLineString(_) => "MultiLineString",
        Geometry::MultiPolygon(_) => "MultiPolygon",
        Geometry::GeometryCollection(_) => "GeometryCollection",
        Geometry::Polygon(_) | Geometry::Rect(_) | Geometry::Triangle(_) => "Polygon",
    }
}
