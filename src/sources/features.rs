//! Features and geometries of GeoJSON, wherever they stand: their properties as text, their geometries as geo's.

use std::borrow::Cow;

use geo::Geometry;
use geojson::{Feature, GeometryValue};
use serde_json::Value;

/// A geometry, or that of a feature, as text.
pub fn of_text(text: &str) -> std::result::Result<Geometry, String> {
    match text.parse::<geojson::GeoJson>().map_err(|error| error.to_string())? {
        geojson::GeoJson::Geometry(geometry) => convert(&geometry),
        geojson::GeoJson::Feature(Feature { geometry: Some(geometry), .. }) => convert(&geometry),
        _ => Err("not one geometry".into()),
    }
}

/// A geometry of geo's types. Positions are looked at first: the conversion takes for granted that they have two numbers.
pub fn convert(geometry: &geojson::Geometry) -> std::result::Result<Geometry, String> {
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

/// A property of a feature as text; its `id` member where no property has that name.
pub fn property<'f>(feature: &'f Feature, name: &str) -> Option<Cow<'f, str>> {
    match (feature.property(name), &feature.id) {
        (Some(value), _) => text(value),
        (None, Some(geojson::feature::Id::String(text))) if name == "id" => Some(text.into()),
        (None, Some(geojson::feature::Id::Number(number))) if name == "id" => Some(number.to_string().into()),
        _ => None,
    }
}

/// A value as text.
pub fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.into()),
        value => Some(value.to_string().into()),
    }
}
