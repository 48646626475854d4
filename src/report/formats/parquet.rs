//! Parquet with what every column means in its metadata; with geometries as GeoParquet 1.1.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use geo::{BoundingRect, Geometry};
use polars::prelude::*;
use polars_arrow::datatypes::Metadata;
use polars_arrow::io::ipc::write::{default_ipc_fields, schema_to_bytes};
use polars_io::parquet::write::KeyValueMetadata;
use polars_io::prelude::ParquetWriter;
use serde_json::{Value, json};

use super::{kind, unwritten, wkb};
use crate::error::{Error, Result};
use crate::report::columns::Described;
use crate::report::tables::{Geometries, OutputTable};

const GEOMETRY: &str = "geometry";
const BBOX: &str = "bbox";
/// Ends of the `bbox` column, in the order of GeoParquet.
const SIDES: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];

/// Writes a table.
pub fn write(table: &OutputTable<'_>, folder: &Path) -> Result<()> {
    let path = folder.join(format!("{}.parquet", table.name));
    let file = BufWriter::new(File::create(&path).map_err(Error::io(&path))?);
    let mut frame = table.rows.whole()?.into_owned();
    let mut metadata = vec![("forerunner".to_owned(), about(table).to_string())];
    if let Some(geometries) = &table.geometry {
        let names = [GEOMETRY, BBOX].map(|name| free(name, &frame));
        for column in geometry_columns(geometries, &names, &path)? {
            frame.with_column(column).map_err(Error::table("writing GeoParquet"))?;
        }
        metadata.push(("geo".to_owned(), geo(geometries, &names).to_string()));
    }
    metadata.push(("ARROW:schema".to_owned(), arrow_schema(table, &frame, &metadata)));
    let writer = ParquetWriter::new(file).with_key_value_metadata(Some(KeyValueMetadata::from_static(metadata)));
    writer.finish(&mut frame).map_err(unwritten(&path))?;
    Ok(())
}

/// What the table and its columns are, under `forerunner` in the file's metadata.
fn about(table: &OutputTable<'_>) -> Value {
    let column = |column: &Described| {
        let Described { name, kind, unit, about } = column;
        json!({ "name": name, "type": kind.as_str(), "unit": unit, "description": about })
    };
    json!({
        "table": table.name,
        "title": table.about.title,
        "row": table.about.row,
        "key": table.about.key,
        "columns": table.columns.iter().map(column).collect::<Vec<_>>(),
    })
}

/// The schema as Arrow has it, with `description` and `unit` at every field: what pyarrow, R and DuckDB show of a column. The
/// file's own metadata stand there once more: readers of Arrow look nowhere else for `geo`.
fn arrow_schema(table: &OutputTable<'_>, frame: &DataFrame, metadata: &[(String, String)]) -> String {
    /// What precedes a message of Arrow's streams, before its length.
    const CONTINUES: [u8; 4] = [0xff; 4];
    let mut schema = frame.schema().to_arrow(CompatLevel::newest());
    for column in &table.columns {
        if let Some(field) = schema.get_mut(&column.name) {
            let mut metadata = field.metadata.as_deref().cloned().unwrap_or_default();
            metadata.insert("description".into(), column.about.as_str().into());
            if !column.unit.is_empty() {
                metadata.insert("unit".into(), column.unit.into());
            }
            field.metadata = Some(Arc::new(metadata));
        }
    }
    let whole: Metadata = metadata.iter().map(|(key, value)| (key.as_str().into(), value.as_str().into())).collect();
    let message = schema_to_bytes(&schema, &default_ipc_fields(schema.iter_values()), Some(&whole));
    let length = (message.len() as u32).to_le_bytes();
    STANDARD.encode([CONTINUES.as_slice(), &length, &message].concat())
}

/// A name that the table does not have.
fn free(name: &str, frame: &DataFrame) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(|name| frame.column(name).is_err()).unwrap_or_default()
}

/// The geometries as well-known binary, and the bounding box of each; of none, no boxes.
fn geometry_columns(geometries: &Geometries, [geometry, bbox]: &[String; 2], path: &Path) -> Result<Vec<Column>> {
    let encode = |geometry: &Option<Geometry>| {
        let mut bytes = Vec::new();
        geometry.as_ref().map(|geometry| wkb(geometry, &mut bytes, path)).transpose().map(|some| some.map(|()| bytes))
    };
    let encoded: Vec<Option<Vec<u8>>> = geometries.iter().map(encode).collect::<Result<_>>()?;
    let encoded = BinaryChunked::from_iter_options(geometry.into(), encoded.into_iter());
    if encoded.null_count() == encoded.len() {
        return Ok(vec![encoded.into_column()]);
    }
    let bounds: Vec<Option<[f64; 4]>> = geometries.iter().map(|geometry| bounds(geometry.as_ref()?)).collect();
    let side = |at: usize| {
        let ends: Vec<Option<f64>> = bounds.iter().map(|bounds| bounds.map(|bounds| bounds[at])).collect();
        Series::new(SIDES[at].into(), ends)
    };
    let sides: Vec<Series> = (0..SIDES.len()).map(side).collect();
    let boxes = StructChunked::from_series(bbox.into(), geometries.len(), sides.iter());
    // A box is there where a geometry is, and nowhere else.
    let boxes = boxes.and_then(|boxes| {
        let boxes = boxes.into_series();
        let absent = Series::full_null(bbox.into(), boxes.len(), boxes.dtype());
        boxes.zip_with(&encoded.is_not_null(), &absent)
    });
    let boxes = boxes.map_err(Error::table("writing GeoParquet"))?;
    Ok(vec![encoded.into_column(), boxes.into_column()])
}

fn bounds(geometry: &Geometry) -> Option<[f64; 4]> {
    let bounds = geometry.bounding_rect()?;
    Some([bounds.min().x, bounds.min().y, bounds.max().x, bounds.max().y])
}

/// The `geo` metadata.
fn geo(geometries: &Geometries, [geometry, bbox]: &[String; 2]) -> Value {
    let mut kinds: Vec<&str> = geometries.iter().flatten().map(kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let wider = |a: [f64; 4], b: [f64; 4]| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])];
    let all = geometries.iter().flatten().filter_map(bounds).reduce(wider);
    let covering: serde_json::Map<String, Value> =
        SIDES.iter().map(|side| ((*side).to_owned(), json!([bbox, side]))).collect();
    let mut column = json!({
        "encoding": "WKB",
        "geometry_types": kinds,
        "crs": crs84(),
        "orientation": "counterclockwise",
        "edges": "planar",
    });
    if let Some(all) = all {
        column["bbox"] = json!(all);
        column["covering"] = json!({ "bbox": covering });
    }
    json!({ "version": "1.1.0", "primary_column": geometry, "columns": { geometry: column } })
}

/// OGC:CRS84 as PROJJSON: WGS 84, longitude before latitude.
fn crs84() -> Value {
    let axis = |name: &str, short: &str, direction: &str| json!({ "name": name, "abbreviation": short, "direction": direction, "unit": "degree" });
    json!({
        "$schema": "https://proj.org/schemas/v0.7/projjson.schema.json",
        "type": "GeographicCRS",
        "name": "WGS 84 (CRS84)",
        "datum": {
            "type": "GeodeticReferenceFrame",
            "name": "World Geodetic System 1984",
            "ellipsoid": {
                "name": "WGS 84",
                "semi_major_axis": 6_378_137,
                "inverse_flattening": 298.257_223_563
            }
        },
        "coordinate_system": {
            "subtype": "ellipsoidal",
            "axis": [axis("Geodetic longitude", "Lon", "east"), axis("Geodetic latitude", "Lat", "north")]
        },
        "id": { "authority": "OGC", "code": "CRS84" }
    })
}
