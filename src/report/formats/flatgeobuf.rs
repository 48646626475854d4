//! FlatGeobuf: the features of a layer that have a place, in Hilbert order with an index.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use flatgeobuf::{ColumnType, FgbCrs, FgbWriter, FgbWriterOptions, GeometryType};
use geo::Geometry;
use geozero::error::GeozeroError;
use geozero::{ColumnValue, PropertyProcessor};
use polars::prelude::AnyValue;

use super::super::columns::Kind;
use super::super::tables::{Geometries, OutputTable};
use crate::error::{Error, Result};

/// Writes a table with geometries.
pub fn write(table: &OutputTable, geometries: &Geometries, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{}.fgb", table.layer()));
    let failed = |message: String| Error::Run { path: path.clone(), message };
    let options = FgbWriterOptions {
        crs: FgbCrs { org: Some("EPSG"), code: 4326, ..FgbCrs::default() },
        title: Some(table.about.title),
        // Each feature is written as it is: of several parts made from one, readers find no end.
        detect_type: false,
        promote_to_multi: false,
        ..FgbWriterOptions::default()
    };
    let writer = FgbWriter::create_with_options(table.layer(), common_type(geometries), options);
    let mut writer = writer.map_err(|error| failed(error.to_string()))?;
    for column in &table.columns {
        let kind = match column.kind {
            Kind::Integer => ColumnType::Long,
            Kind::Number => ColumnType::Double,
            Kind::Boolean => ColumnType::Bool,
            Kind::Text | Kind::Any => ColumnType::String,
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
    let of = |geometry: &Geometry| match geometry {
        Geometry::Point(_) => GeometryType::Point,
        Geometry::LineString(_) => GeometryType::LineString,
        Geometry::Polygon(_) => GeometryType::Polygon,
        Geometry::MultiPolygon(_) => GeometryType::MultiPolygon,
        _ => GeometryType::Unknown,
    };
    let mut types = geometries.iter().flatten().map(of);
    let first = types.next().unwrap_or(GeometryType::Unknown);
    if types.all(|one| one == first) { first } else { GeometryType::Unknown }
}

fn properties(
    table: &OutputTable,
    row: usize,
    feature: &mut impl PropertyProcessor,
) -> std::result::Result<(), GeozeroError> {
    for (at, column) in table.frame.columns().iter().enumerate() {
        let value = column.get(row).map_err(|error| GeozeroError::Feature(error.to_string()))?;
        let value = match &value {
            AnyValue::Null => continue,
            AnyValue::Int64(number) => ColumnValue::Long(*number),
            AnyValue::UInt64(number) => ColumnValue::Long(*number as i64),
            AnyValue::Float64(number) => ColumnValue::Double(*number),
            AnyValue::Boolean(truth) => ColumnValue::Bool(*truth),
            AnyValue::String(text) => ColumnValue::String(text),
            other => return Err(GeozeroError::Feature(format!("{other} in column `{}`", column.name()))),
        };
        feature.property(at, column.name(), &value)?;
    }
    Ok(())
}
