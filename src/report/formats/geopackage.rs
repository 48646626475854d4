//! GeoPackage 1.3 (OGC 12-128r17): every layer with an R-tree, what its columns mean, and a style for QGIS.

use std::path::Path;

use geo::{BoundingRect, Geometry, HasDimensions, MultiLineString, MultiPoint, MultiPolygon, Rect};
use polars::prelude::Column;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};

use super::styles::Style;
use super::{Cell, cell, wkb};
use crate::error::{Error, Result};
use crate::report::columns::{Described, Kind};
use crate::report::tables::{Geometries, OutputTable};

/// The file's name.
pub const FILE: &str = "forerunner.gpkg";

const SCHEMA: &str = include_str!("geopackage.sql");
const TRIGGERS: &str = include_str!("geopackage_rtree.sql");

/// A table, its geometries and how it is drawn.
pub type Drawn<'a> = (&'a OutputTable<'a>, &'a Geometries, Style);

/// Writes `forerunner.gpkg`.
pub fn write(layers: &[Drawn<'_>], folder: &Path) -> Result<()> {
    let path = folder.join(FILE);
    let written = Connection::open(&path).map_err(Failure::Sql).and_then(|mut file| {
        file.execute_batch(SCHEMA)?;
        let transaction = file.transaction()?;
        let mut taken = Vec::new();
        for layer in layers {
            write_layer(&transaction, &free(layer.0.layer(), &mut taken), layer, &path)?;
        }
        transaction.commit()?;
        Ok(file.close().map_err(|(_, error)| error)?)
    });
    written.map_err(|failure| match failure {
        Failure::Own(error) => error,
        Failure::Sql(rusqlite::Error::SqliteFailure(error, _)) if error.code == rusqlite::ErrorCode::DiskFull => {
            Error::Io { path, source: std::io::ErrorKind::StorageFull.into() }
        }
        Failure::Sql(error) => Error::Run { path, message: error.to_string() },
    })
}

/// What went wrong: in SQLite, or before.
enum Failure {
    Sql(rusqlite::Error),
    Own(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn write_layer(
    file: &Connection,
    layer: &str,
    (table, geometries, style): &Drawn<'_>,
    path: &Path,
) -> std::result::Result<(), Failure> {
    let kind = common_kind(geometries);
    let names = column_names(table);
    create(file, layer, table, &names, kind)?;
    let marks = vec!["?"; names.len() + 2].join(", ");
    let mut insert = file.prepare(&format!("INSERT INTO {} VALUES ({marks})", quoted(layer)))?;
    let mut index = file.prepare(&format!("INSERT INTO {} VALUES (?, ?, ?, ?, ?)", quoted(&index_name(layer))))?;
    let mut all: Option<Rect> = None;
    let frame = table.rows.whole().map_err(Failure::Own)?;
    for (row, geometry) in geometries.iter().enumerate() {
        let number = row as i64 + 1;
        let geometry = geometry.as_ref().filter(|geometry| !geometry.is_empty());
        let bounds = geometry.and_then(BoundingRect::bounding_rect);
        let blob = geometry.map(|geometry| blob(&as_kind(geometry, kind), bounds, path)).transpose();
        let mut cells = vec![Value::Integer(number), blob.map_err(Failure::Own)?.map_or(Value::Null, Value::Blob)];
        for column in frame.columns() {
            cells.push(value(column, row).map_err(Failure::Own)?);
        }
        insert.execute(params_from_iter(cells))?;
        if let Some(bounds) = bounds {
            let (min, max) = (bounds.min(), bounds.max());
            index.execute(params![number, min.x, max.x, min.y, max.y])?;
            all = Some(all.map_or(bounds, |all| both(&all, &bounds)));
        }
    }
    let triggers =
        TRIGGERS.replace("{table}", &quoted(layer)).replace("{index}", &index_name(layer).replace('"', "\"\""));
    file.execute_batch(&triggers)?;
    register(file, layer, table, &names, (kind, all))?;
    let default = "INSERT INTO layer_styles (f_table_name, f_geometry_column, styleName, styleQML, styleSLD, useAsDefault, \
                   description) VALUES (?, 'geom', ?, ?, ?, 1, ?)";
    file.execute(default, params![layer, layer, style.qml, style.sld, table.about.title])?;
    Ok(())
}

fn both(a: &Rect, b: &Rect) -> Rect {
    let (low, high) = ((a.min(), b.min()), (a.max(), b.max()));
    Rect::new((low.0.x.min(low.1.x), low.0.y.min(low.1.y)), (high.0.x.max(high.1.x), high.0.y.max(high.1.y)))
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn index_name(layer: &str) -> String {
    format!("rtree_{layer}_geom")
}

/// Names of columns in SQLite, where `Name` and `name` are one: a number is put behind those that are taken. The names that
/// the program has given stand.
fn column_names(table: &OutputTable<'_>) -> Vec<String> {
    let mut taken = vec!["fid".to_owned(), "geom".to_owned()];
    let is_own = |column: &Described| table.about.columns.iter().any(|own| own.name == column.name);
    let mut names = vec![String::new(); table.columns.len()];
    for own in [true, false] {
        for (name, column) in names.iter_mut().zip(&table.columns).filter(|(_, column)| is_own(column) == own) {
            *name = free(if column.name.is_empty() { "column" } else { &column.name }, &mut taken);
        }
    }
    names
}

/// A name that SQLite, where `Name` and `name` are one, does not have yet.
pub fn free(name: &str, taken: &mut Vec<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 1;
    while taken.contains(&free.to_lowercase()) {
        number += 1;
        free = format!("{name}_{number}");
    }
    taken.push(free.to_lowercase());
    free
}

fn create(
    file: &Connection,
    layer: &str,
    table: &OutputTable<'_>,
    names: &[String],
    kind: &str,
) -> rusqlite::Result<()> {
    let column = |(name, column): (&String, &Described)| {
        let kind = match column.kind {
            Kind::Integer => "INTEGER",
            Kind::Number => "DOUBLE",
            Kind::Boolean => "BOOLEAN",
            Kind::Date => "DATE",
            Kind::Text | Kind::Any => "TEXT",
        };
        format!(", {} {kind}", quoted(name))
    };
    let columns: String = names.iter().zip(&table.columns).map(column).collect();
    file.execute_batch(&format!(
        "CREATE TABLE {} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom {kind}{columns});
         CREATE VIRTUAL TABLE {} USING rtree(id, minx, maxx, miny, maxy);",
        quoted(layer),
        quoted(&index_name(layer))
    ))
}

/// Tells the GeoPackage what the layer is and what its columns mean.
fn register(
    file: &Connection,
    layer: &str,
    table: &OutputTable<'_>,
    names: &[String],
    (kind, bounds): (&str, Option<Rect>),
) -> rusqlite::Result<()> {
    let sides = bounds.map(|bounds| [bounds.min().x, bounds.min().y, bounds.max().x, bounds.max().y]);
    let side = |at: usize| sides.map(|sides| sides[at]);
    file.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, min_x, min_y, max_x, max_y, srs_id,
         last_change) VALUES (?, 'features', ?, ?, ?, ?, ?, ?, 4326, '2000-01-01T00:00:00.000Z')",
        params![
            layer,
            layer,
            format!("{}; one row is {}", table.about.title, table.about.row),
            side(0),
            side(1),
            side(2),
            side(3)
        ],
    )?;
    file.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, 4326, 0, 0)", params![layer, kind])?;
    file.execute(
        "INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index',
         'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')",
        params![layer],
    )?;
    let mut column =
        file.prepare("INSERT INTO gpkg_data_columns (table_name, column_name, name, description) VALUES (?, ?, ?, ?)")?;
    for (name, described) in names.iter().zip(&table.columns) {
        let unit = if described.unit.is_empty() { String::new() } else { format!(" [{}]", described.unit) };
        column.execute(params![layer, name, described.name, format!("{}{unit}", described.about)])?;
    }
    Ok(())
}

/// The type that all geometries of a layer have, areas and lines as several of them.
fn common_kind(geometries: &Geometries) -> &'static str {
    let kind = |geometry: &Geometry| match geometry {
        Geometry::Point(_) => "POINT",
        Geometry::MultiPoint(_) => "MULTIPOINT",
        Geometry::Line(_) | Geometry::LineString(_) | Geometry::MultiLineString(_) => "MULTILINESTRING",
        Geometry::Polygon(_) | Geometry::MultiPolygon(_) => "MULTIPOLYGON",
        _ => "GEOMETRY",
    };
    let mut kinds = geometries.iter().flatten().filter(|geometry| !geometry.is_empty()).map(kind);
    let first = kinds.next().unwrap_or("GEOMETRY");
    kinds.fold(first, |common, kind| match (common, kind) {
        (a, b) if a == b => a,
        ("POINT" | "MULTIPOINT", "POINT" | "MULTIPOINT") => "MULTIPOINT",
        _ => "GEOMETRY",
    })
}

fn as_kind(geometry: &Geometry, kind: &str) -> Geometry {
    match (geometry, kind) {
        (Geometry::Point(point), "MULTIPOINT") => MultiPoint::new(vec![*point]).into(),
        (Geometry::LineString(line), "MULTILINESTRING") => MultiLineString::new(vec![line.clone()]).into(),
        (Geometry::Polygon(polygon), "MULTIPOLYGON") => MultiPolygon::new(vec![polygon.clone()]).into(),
        _ => geometry.clone(),
    }
}

/// A geometry as GeoPackage has it: a header with the bounds (of points none), then well-known binary.
fn blob(geometry: &Geometry, bounds: Option<Rect>, path: &Path) -> Result<Vec<u8>> {
    let bounds = bounds.filter(|_| !matches!(geometry, Geometry::Point(_)));
    let mut blob = vec![b'G', b'P', 0, if bounds.is_some() { 0b11 } else { 0b01 }];
    blob.extend(4326_i32.to_le_bytes());
    if let Some(bounds) = bounds {
        let (min, max) = (bounds.min(), bounds.max());
        [min.x, max.x, min.y, max.y].iter().for_each(|side| blob.extend(side.to_le_bytes()));
    }
    wkb(geometry, &mut blob, path)?;
    Ok(blob)
}

/// A cell as SQLite holds it.
///
/// # Errors
///
/// [`Error::Run`] for one that is no text, number or truth value.
pub fn value(column: &Column, row: usize) -> Result<Value> {
    Ok(match cell(column, row)? {
        Cell::Empty => Value::Null,
        Cell::Text(text) => Value::Text(text.into_owned()),
        Cell::Number(number) => Value::Real(number),
        Cell::Integer(number) => Value::Integer(number),
        Cell::Boolean(truth) => Value::Integer(i64::from(truth)),
    })
}
