//! GeoJSON feature collections: properties as text cells, geometries as they stand.

use geo::Geometry;
use serde_json::Value;

use super::{Origin, RawTable, Request, cell, grow, missing_column, problem};
use crate::error::Result;
use crate::finding::Rejection;

/// Appends the features of one GeoJSON file; a feature's `id` member is its column `id` if no property is.
pub fn read(request: &Request<'_>, shown: &str, bytes: &[u8], table: &mut RawTable) -> Result<()> {
    let text = std::str::from_utf8(bytes).map_err(|_| problem(shown, "the file is not UTF-8", "save it as UTF-8"))?;
    let parsed: geojson::GeoJson = text.parse().map_err(|error| {
        problem(shown, format!("the file is not GeoJSON: {error}"), "export it again as a FeatureCollection")
    })?;
    let geojson::GeoJson::FeatureCollection(collection) = parsed else {
        return Err(problem(shown, "the file is not a FeatureCollection", "export it again as a FeatureCollection"));
    };
    let file = table.files.len() as u32 - 1;
    check_columns(request, shown, &collection.features)?;
    for name in request.required.iter().chain(&request.optional) {
        grow(table, name);
    }
    for (position, feature) in collection.features.into_iter().enumerate() {
        let line = position as u64 + 1;
        let geometry = match feature.geometry.clone().map(Geometry::try_from).transpose() {
            Ok(geometry) => geometry,
            Err(error) => {
                table.broken.push(Rejection {
                    source: request.name.to_owned(),
                    file: shown.to_owned(),
                    line,
                    column: "geometry".into(),
                    value: feature.geometry.map(|geometry| geometry.to_string()).unwrap_or_default(),
                    rule: "unreadable",
                    message: format!("not a geometry: {error}"),
                });
                continue;
            }
        };
        if request.all {
            feature.properties_iter().for_each(|(name, _)| {
                grow(table, name);
            });
        }
        table.origin.push(Origin { file, line });
        table.geometry.push(geometry);
        for (name, column) in table.columns.iter().zip(&mut table.cells) {
            column.push(property(&feature, name));
        }
    }
    Ok(())
}

fn check_columns(request: &Request<'_>, shown: &str, features: &[geojson::Feature]) -> Result<()> {
    for column in &request.required {
        let has =
            |feature: &geojson::Feature| feature.contains_property(column) || column == "id" && feature.id.is_some();
        if !features.is_empty() && !features.iter().any(has) {
            let known = features.iter().flat_map(geojson::Feature::properties_iter).map(|(name, _)| name.as_str());
            let mut known: Vec<&str> = known.collect();
            known.sort_unstable();
            known.dedup();
            return Err(missing_column(shown, column, known));
        }
    }
    Ok(())
}

fn property(feature: &geojson::Feature, name: &str) -> Option<Box<str>> {
    match feature.property(name) {
        Some(Value::Null) => None,
        Some(Value::String(text)) => cell(text),
        Some(value) => cell(&value.to_string()),
        None if name == "id" => match &feature.id {
            Some(geojson::feature::Id::String(text)) => cell(text),
            Some(geojson::feature::Id::Number(number)) => cell(&number.to_string()),
            None => None,
        },
        None => None,
    }
}
