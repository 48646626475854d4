//! GeoJSON feature collections, one feature, or a geometry alone: properties as text cells, geometries as they stand.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use geo::Geometry;
use geojson::{Feature, GeometryValue};
use serde_json::Value;

use super::batch::{Batch, Origin, Shared, shorten};
use super::files::Located;
use super::{Content, Head, problem};
use crate::error::Result;
use crate::finding::{Rejection, Rule};

/// Reads a file; a feature's `id` member is its column `id` if no property is.
pub fn head(located: Located) -> Result<Head> {
    let shown = located.shown.as_str();
    let mut bytes = Vec::new();
    located.open()?.read_to_end(&mut bytes).map_err(|error| located.failed(error))?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(problem(shown, "the file is empty", "check the export that wrote it"));
    }
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| problem(shown, "the file is not UTF-8", "save it as UTF-8"))?;
    let parsed: geojson::GeoJson = text
        .parse()
        .map_err(|error| problem(shown, format!("the file is not GeoJSON: {error}"), "export it again as GeoJSON"))?;
    let (features, members) = match parsed {
        geojson::GeoJson::FeatureCollection(collection) => (collection.features, collection.foreign_members),
        geojson::GeoJson::Feature(feature) => {
            let members = feature.foreign_members.clone();
            (vec![feature], members)
        }
        geojson::GeoJson::Geometry(geometry) => {
            let members = geometry.foreign_members.clone();
            (vec![Feature { geometry: Some(geometry), ..Feature::default() }], members)
        }
    };
    let mut header: Vec<String> =
        features.iter().flat_map(Feature::properties_iter).map(|(name, _)| name.clone()).collect();
    header.sort();
    header.dedup();
    if !header.iter().any(|name| name == "id") && features.iter().any(|feature| feature.id.is_some()) {
        header.push("id".into());
    }
    let crs = members.as_ref().and_then(stated_crs);
    let placed = true;
    Ok(Head { content: Content::Geojson(features), header, read_as: "geojson".into(), crs, placed, located })
}

/// The `crs` member of GeoJSON before RFC 7946, as `EPSG:nnnn`.
fn stated_crs(members: &geojson::JsonObject) -> Option<String> {
    let name = members.get("crs")?.get("properties")?.get("name")?.as_str()?;
    if name.ends_with("CRS84") {
        return Some("EPSG:4326".into());
    }
    let digits = name.rsplit(':').next()?;
    Some(format!("EPSG:{digits}"))
}

/// Some of the features as rows.
pub fn parse(features: &[Feature], rows: Range<usize>, shared: &Shared, header: &[String]) -> Batch {
    let mut batch = Batch::new(shared);
    for position in rows {
        let feature = &features[position];
        let line = position as u64 + 1;
        match feature.geometry.as_ref().map(convert).transpose() {
            Ok(geometry) => {
                let cells: Vec<Option<Cow<'_, str>>> = header.iter().map(|name| property(feature, name)).collect();
                let is_number = |name: &String| feature.property(name).is_some_and(Value::is_number);
                let cells = cells.iter().map(Option::as_deref).zip(header.iter().map(is_number));
                batch.push(Origin { file: shared.position, line }, cells);
                batch.push_geometry(geometry);
            }
            Err(error) => batch.broken.push(Rejection {
                source: shared.source.clone(),
                file: shared.file.clone(),
                line,
                column: "geometry".into(),
                value: shorten(&feature.geometry.as_ref().map(ToString::to_string).unwrap_or_default()),
                rule: Rule::Unreadable,
                message: format!("not a geometry: {error}"),
            }),
        }
    }
    batch
}

/// A geometry of geo's types. Positions are looked at first: the conversion takes for granted that they have two numbers.
fn convert(geometry: &geojson::Geometry) -> std::result::Result<Geometry, String> {
    if !is_whole(geometry) {
        return Err("a position has fewer than two numbers".into());
    }
    Geometry::try_from(geometry.clone()).map_err(|error| error.to_string())
}

fn is_whole(geometry: &geojson::Geometry) -> bool {
    let whole = |position: &geojson::Position| position.len() >= 2;
    match &geometry.value {
        GeometryValue::Point { coordinates } => whole(coordinates),
        GeometryValue::MultiPoint { coordinates } | GeometryValue::LineString { coordinates } => {
            coordinates.iter().all(whole)
        }
        GeometryValue::MultiLineString { coordinates } | GeometryValue::Polygon { coordinates } => {
            coordinates.iter().flatten().all(whole)
        }
        GeometryValue::MultiPolygon { coordinates } => coordinates.iter().flatten().flatten().all(whole),
        GeometryValue::GeometryCollection { geometries } => geometries.iter().all(is_whole),
    }
}

fn property<'f>(feature: &'f Feature, name: &str) -> Option<Cow<'f, str>> {
    match feature.property(name) {
        Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.into()),
        Some(value) => Some(value.to_string().into()),
        None if name == "id" => match &feature.id {
            Some(geojson::feature::Id::String(text)) => Some(text.into()),
            Some(geojson::feature::Id::Number(number)) => Some(number.to_string().into()),
            None => None,
        },
        None => None,
    }
}
