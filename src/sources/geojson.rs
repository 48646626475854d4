//! GeoJSON feature collections, one feature, or a geometry alone: properties as text cells, geometries as they stand. A
//! file of that name that holds a list of records, or one feature a line, is read as what it is.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use geojson::Feature;
use serde_json::Value;

use super::batch::{Batch, Origin, Shared, shorten};
use super::features::{convert, property};
use super::files::Located;
use super::{Content, Head, json, problem, stated};
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
    let parsed = match text.parse::<geojson::GeoJson>() {
        Ok(parsed) => parsed,
        Err(_) if text.trim_start().starts_with('[') => return list(located, text),
        Err(_) if is_lines(text) => return json::head_of_lines(located),
        Err(error) => {
            return Err(problem(shown, format!("the file is not GeoJSON: {error}"), "export it again as GeoJSON"));
        }
    };
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

/// Whether the first line is a value by itself, and others follow.
fn is_lines(text: &str) -> bool {
    let text = text.trim_start_matches('\u{1e}').trim();
    text.split_once('\n').is_some_and(|(first, _)| serde_json::from_str::<serde::de::IgnoredAny>(first).is_ok())
}

fn list(located: Located, text: &str) -> Result<Head> {
    let records = serde_json::from_str::<Vec<Value>>(text)
        .map_err(|error| problem(&located.shown, format!("the file is not JSON: {error}"), "export it again"))?;
    json::head_of_list(located, records)
}

/// The `crs` member of GeoJSON before RFC 7946, as `EPSG:nnnn`.
fn stated_crs(members: &geojson::JsonObject) -> Option<String> {
    let name = members.get("crs")?.get("properties")?.get("name")?.as_str()?;
    stated::by_name(name)
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
