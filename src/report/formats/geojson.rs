//! GeoJSON (RFC 7946): WGS 84, seven decimals, outer rings counterclockwise, cut at the antimeridian.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use geo::{Geometry, MapCoords};
use polars::prelude::DataFrame;
use serde_json::{Map, Value};

use super::{Cell, cell, rounded};
use crate::error::{Error, Result};
use crate::report::tables::{Geometries, OutputTable};

/// Writes a table with geometries.
pub fn write(table: &OutputTable<'_>, geometries: &Geometries, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{}.geojson", table.layer()));
    let mut file = BufWriter::new(File::create(&path).map_err(Error::io(&path))?);
    let mut put = |text: &str| file.write_all(text.as_bytes()).map_err(Error::io(&path));
    put("{\"type\":\"FeatureCollection\",\"features\":[")?;
    let frame = table.rows.whole()?;
    for (row, geometry) in geometries.iter().enumerate() {
        put(if row > 0 { ",\n" } else { "\n" })?;
        put(&feature(&frame, row, geometry.as_ref())?.to_string())?;
    }
    put("\n]}\n")?;
    file.flush().map_err(Error::io(&path))
}

fn feature(frame: &DataFrame, row: usize, geometry: Option<&Geometry>) -> Result<geojson::Feature> {
    let mut properties = Map::new();
    for column in frame.columns() {
        let value = match cell(column, row)? {
            Cell::Empty => Value::Null,
            Cell::Integer(number) => number.into(),
            Cell::Number(number) => number.into(),
            Cell::Boolean(truth) => truth.into(),
            Cell::Text(text) => text.into_owned().into(),
        };
        properties.insert(column.name().to_string(), value);
    }
    let rounded = geometry.map(|geometry| geojson::Geometry::new((&geometry.map_coords(rounded)).into()));
    Ok(geojson::Feature {
        bbox: None,
        geometry: rounded,
        id: None,
        properties: Some(properties),
        foreign_members: None,
    })
}
