//! FlatGeobuf: the features of a layer that have a place, in Hilbert order with an index.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use flatgeobuf::{ColumnType, FgbCrs, FgbWriter, FgbWriterOptions, GeometryType};
use geozero::error::GeozeroError;
use geozero::{ColumnValue, PropertyProcessor};

use super::{Cell, cell, kind};
use crate::error::{Error, Result};
use crate::report::columns::Kind;
use crate::report::tables::{Geometries, OutputTable};

/// Writes a table with geometries.
pub fn write(table: &OutputTable<'_>, geometries: &Geometries, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{}.fgb", table.layer()));
    let failed = |message: String| Error::Run { path: path.clone(), message };
    let options = FgbWriterOptions {
        crs: FgbCrs { org: Some("EPSG"), code: 4326, ..FgbCrs::default() },
        title: Some(table.about.title),
        // Each feature is written as it is: of several parts made from one, readers find no end.
        detect_type: false,
        promote_to_multi: false,
        // Of nothing there is no index.
        write_index: geometries.iter().any(Option::is_some),
        ..FgbWriterOptions::default()
    };
    let writer = FgbWriter::create_with_options(table.layer(), common_type(geometries), options);
    let mut writer = writer.map_err(|error| failed(error.to_string()))?;
    for column in &table.columns {
        let kind = match column.kind {
            Kind::Integer => ColumnType::Long,
            Kind::Number => ColumnType::Double,
            Kind::Boolean => ColumnType::Bool,
            Kind::Text | Kind::Date | Kind::Any => ColumnType::String,
        };
        writer.add_column(&column.name, kind, |builder, arguments| {
            arguments.description = Some(builder.create_string(&column.about));
        });
    }
    for (row, geometry) in geometries.iter().enumerate() {
        let Some(geometry) = geometry else { continue };
        let mut written: std::result::Result<(), GeozeroError> = Ok(());
        let added = writer.add_feature_geom(geometry.clone(), |feature| {
            written = properties(table, row, feature);
        });
        added.and(written).map_err(|error| failed(error.to_string()))?;
    }
    let mut file = BufWriter::new(File::create(&path).map_err(Error::io(&path))?);
    writer.write(&mut file).map_err(|error| failed(error.to_string()))?;
    file.flush().map_err(Error::io(&path))
}

/// The type that all geometries have; unknown where they differ: then each says its own.
fn common_type(geometries: &Geometries) -> GeometryType {
    let mut kinds = geometries.iter().flatten().map(kind);
    let first = kinds.next();
    match first.filter(|first| kinds.all(|one| one == *first)) {
        Some("Point") => GeometryType::Point,
        Some("LineString") => GeometryType::LineString,
        Some("Polygon") => GeometryType::Polygon,
        Some("MultiPolygon") => GeometryType::MultiPolygon,
        _ => GeometryType::Unknown,
    }
}

fn properties(
    table: &OutputTable<'_>,
    row: usize,
    feature: &mut impl PropertyProcessor,
) -> std::result::Result<(), GeozeroError> {
    let frame = table.rows.whole().map_err(|error| GeozeroError::Feature(error.to_string()))?;
    for (at, column) in frame.columns().iter().enumerate() {
        let cell = cell(column, row).map_err(|error| GeozeroError::Feature(error.to_string()))?;
        let value = match &cell {
            Cell::Empty => continue,
            Cell::Integer(number) => ColumnValue::Long(*number),
            Cell::Number(number) => ColumnValue::Double(*number),
            Cell::Boolean(truth) => ColumnValue::Bool(*truth),
            Cell::Text(text) => ColumnValue::String(text),
        };
        feature.property(at, column.name(), &value)?;
    }
    Ok(())
}
