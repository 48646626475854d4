//! Layers and attribute tables of a GeoPackage, row by row in the order of their ids.

use std::collections::VecDeque;
use std::path::Path;

use geo::Geometry;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

use super::files::{Located, OnDisk};
use super::guard::CHECK;
use super::rows::{Cell, Records, Row, Rows, Unreadable};
use super::{Content, Head, Request, choose, problem, wkb};
use crate::error::Result;

/// Rows that are fetched at a time.
const FETCHED: usize = 4096;

/// A table of a GeoPackage whose columns are known.
struct Table {
    located: Located,
    file: OnDisk,
    name: String,
    columns: Vec<String>,
    geometry: Option<String>,
    /// Whether rows have ids of SQLite: tables have, views do not.
    has_ids: bool,
}

/// Finds the table that is asked for, or the only one.
pub fn head(request: &Request<'_>, located: Located) -> Result<Head> {
    let file = located.on_disk()?;
    let fail = |error: &rusqlite::Error| not_geopackage(&located, error);
    let connection = open(file.path()).map_err(|error| fail(&error))?;
    let known = layers(&connection).map_err(|error| fail(&error))?;
    let name = choose(&located.shown, request.reading.table.as_deref(), (&known, &known), "layer")?;
    let columns: Vec<String> = connection
        .prepare(&format!("SELECT * FROM {} LIMIT 0", quoted(&name)))
        .map(|statement| statement.column_names().map(str::to_owned).collect())
        .map_err(|error| fail(&error))?;
    let place = "SELECT g.column_name, s.organization, s.organization_coordsys_id FROM gpkg_geometry_columns g \
        LEFT JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id WHERE g.table_name = ?1";
    let place = connection.query_row(place, [&name], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<i64>>(2)?))
    });
    let (geometry, crs) = match place {
        Ok((column, Some(authority), Some(code))) if authority.eq_ignore_ascii_case("epsg") => {
            (Some(column), Some(format!("EPSG:{code}")))
        }
        Ok((column, ..)) => (Some(column), None),
        Err(rusqlite::Error::QueryReturnedNoRows) => (None, None),
        Err(error) => return Err(fail(&error)),
    };
    let has_ids = connection
        .query_row("SELECT type = 'table' FROM sqlite_master WHERE name = ?1", [&name], |row| row.get(0))
        .unwrap_or(false);
    let header: Vec<String> = columns.into_iter().filter(|column| Some(column) != geometry.as_ref()).collect();
    let (read_as, placed) = (format!("geopackage, layer {name}"), geometry.is_some());
    let table = Table { located: located.clone(), file, name, columns: header.clone(), geometry, has_ids };
    Ok(Head { located, content: Content::Records(Box::new(table)), header, read_as, crs, placed })
}

/// The names of its layers and attribute tables.
pub fn tables(located: &Located) -> Result<Vec<String>> {
    let file = located.on_disk()?;
    let known = open(file.path()).and_then(|connection| layers(&connection));
    known.map_err(|error| not_geopackage(located, &error))
}

fn layers(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT table_name FROM gpkg_contents WHERE data_type IN ('features', 'attributes') ORDER BY table_name";
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn not_geopackage(located: &Located, error: &rusqlite::Error) -> crate::Error {
    problem(&located.shown, format!("the file is not a GeoPackage: {error}"), CHECK)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// A name as SQL writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Records for Table {
    fn rows(&self) -> Result<Rows<'_>> {
        let connection = open(self.file.path()).map_err(|error| self.fail(&error))?;
        Ok(Box::new(Walk { table: self, connection, last: i64::MIN, given: 0, fetched: VecDeque::new(), ended: false }))
    }
}

impl Table {
    fn fail(&self, error: &rusqlite::Error) -> crate::Error {
        problem(&self.located.shown, format!("the file does not read to its end: {error}"), CHECK)
    }
}

/// Goes through a table some rows at a time.
struct Walk<'a> {
    table: &'a Table,
    connection: Connection,
    /// The id of the last row.
    last: i64,
    given: u64,
    fetched: VecDeque<Row>,
    ended: bool,
}

impl Walk<'_> {
    fn fetch(&mut self) -> rusqlite::Result<()> {
        let table = self.table;
        let columns =
            table.columns.iter().chain(&table.geometry).map(|column| quoted(column)).collect::<Vec<_>>().join(", ");
        let name = quoted(&table.name);
        let sql = if table.has_ids {
            format!("SELECT rowid, {columns} FROM {name} WHERE rowid > ?1 ORDER BY rowid LIMIT {FETCHED}")
        } else {
            format!("SELECT 0, {columns} FROM {name} LIMIT {FETCHED} OFFSET ?1")
        };
        let from = if table.has_ids { self.last } else { self.given as i64 };
        let mut statement = self.connection.prepare(&sql)?;
        let mut rows = statement.query([from])?;
        while let Some(row) = rows.next()? {
            self.given += 1;
            self.last = row.get(0)?;
            let line = if table.has_ids { self.last.unsigned_abs().max(1) } else { self.given };
            let mut cells = Vec::with_capacity(table.columns.len());
            for column in 0..table.columns.len() {
                cells.push(cell(row.get_ref(column + 1)?));
            }
            let geometry =
                if table.geometry.is_some() { geometry(row.get_ref(table.columns.len() + 1)?) } else { Ok(None) };
            self.fetched.push_back(Row { line, cells, geometry });
        }
        self.ended = self.fetched.len() < FETCHED;
        Ok(())
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.fetched.is_empty()
            && !self.ended
            && let Err(error) = self.fetch()
        {
            self.ended = true;
            return Some(Err(self.table.fail(&error)));
        }
        self.fetched.pop_front().map(Ok)
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Integer(value) => Cell::Number(value.to_string()),
        ValueRef::Real(value) => Cell::number(value),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        // Bytes are pictures and the like: no value of a table.
        ValueRef::Null | ValueRef::Blob(_) => Cell::Missing,
    }
}

/// A geometry of a GeoPackage: a header of its own, then WKB.
///
/// Source: OGC 12-128, GeoPackage Encoding Standard, 2.1.3.
fn geometry(value: ValueRef<'_>) -> std::result::Result<Option<Geometry>, Unreadable> {
    let bytes = match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Blob(bytes) => bytes,
        _ => return Err(Unreadable::geometry("no bytes")),
    };
    let [b'G', b'P', _, flags, _, _, _, _, rest @ ..] = bytes else {
        return Err(Unreadable::geometry("no geometry of a GeoPackage"));
    };
    let envelope = match (flags >> 1) & 0b111 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        _ => return Err(Unreadable::geometry("an envelope of an unknown kind")),
    };
    if flags & 0b10_0000 != 0 {
        return Err(Unreadable::geometry("of an extended kind, which is not read"));
    }
    let rest = rest.get(envelope..).ok_or_else(|| Unreadable::geometry("cut short"))?;
    wkb::read(rest).map_err(Unreadable::geometry)
}
