//! Tables and layers in the formats that people open.

pub mod csv;
pub mod datapackage;
pub mod flatgeobuf;
pub mod geojson;
pub mod geopackage;
pub mod parquet;
pub mod styles;
pub mod xlsx;

use std::io::Write;
use std::path::Path;

use geo::Geometry;
use polars::prelude::PolarsError;

use crate::error::{Error, Result};

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
