//! KML and KMZ: placemarks as rows, their extended data as columns.

use std::io::Read;

use ::kml::types::{Element, Placemark};
use ::kml::{Kml, KmlReader};
use geo::Geometry;

use super::files::Located;
use super::guard::{CHECK, guarded};
use super::rows::{Cell, Records, Row, Rows, Unreadable};
use super::{Content, Head, problem};
use crate::error::Result;

/// The deepest nesting that is read; folders of folders have some ten.
const DEEPEST: usize = 64;

struct Placemarks {
    header: Vec<String>,
    placemarks: Vec<Placemark>,
}

/// Reads a file.
pub fn head(located: Located) -> Result<Head> {
    let mut bytes = Vec::new();
    located.open()?.read_to_end(&mut bytes).map_err(|error| located.failed(error))?;
    let fail = |message: &str| problem(&located.shown, format!("the file is not KML: {message}"), CHECK);
    let text = String::from_utf8(bytes).map_err(|_| fail("it is not UTF-8"))?;
    if depth(&text) > DEEPEST {
        return Err(fail(&format!("its elements are nested more than {DEEPEST} deep")));
    }
    if !text.contains("</kml>") && !text.contains(":kml>") {
        return Err(fail("it does not end as KML does"));
    }
    let parsed =
        guarded(&located, || KmlReader::<_, f64>::from_string(&text).read().map_err(|error| fail(&error.to_string())))?;
    let mut placemarks = Vec::new();
    gather(parsed, &mut placemarks);
    let mut header: Vec<String> = ["name", "description", "id"].map(str::to_owned).to_vec();
    for (name, _) in placemarks.iter().flat_map(data) {
        if !header.contains(&name) {
            header.push(name);
        }
    }
    let has = |name: &str| placemarks.iter().any(|placemark| value(placemark, &data(placemark), name).is_some());
    header.retain(|name| has(name));
    let content = Content::Records(Box::new(Placemarks { header: header.clone(), placemarks }));
    Ok(Head { located, content, header, read_as: "kml".into(), crs: Some("EPSG:4326".into()), placed: true })
}

/// How deep elements are nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for tag in text.split('<').skip(1) {
        let opens = tag.starts_with(|first: char| first.is_alphabetic() || first == '_');
        let closed = tag.split_once('>').is_some_and(|(tag, _)| tag.ends_with('/'));
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if opens && !closed {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}

fn gather(kml: Kml, placemarks: &mut Vec<Placemark>) {
    match kml {
        Kml::KmlDocument(document) => document.elements.into_iter().for_each(|element| gather(element, placemarks)),
        Kml::Document { elements, .. } => elements.into_iter().for_each(|element| gather(element, placemarks)),
        Kml::Folder(folder) => folder.elements.into_iter().for_each(|element| gather(element, placemarks)),
        Kml::Placemark(placemark) => placemarks.push(placemark),
        _ => {}
    }
}

/// Names and values of a placemark's extended data, typed (`SimpleData`) or not (`Data`).
fn data(placemark: &Placemark) -> Vec<(String, Option<String>)> {
    fn walk(element: &Element, found: &mut Vec<(String, Option<String>)>) {
        let name = element.attrs.get("name").cloned();
        match (element.name.as_str(), name) {
            ("SimpleData", Some(name)) => found.push((name, element.content.clone())),
            ("Data", Some(name)) => {
                let value = element.children.iter().find(|child| child.name == "value");
                found.push((name, value.and_then(|value| value.content.clone())));
            }
            _ => element.children.iter().for_each(|child| walk(child, found)),
        }
    }
    let mut found = Vec::new();
    placemark.children.iter().filter(|child| child.name == "ExtendedData").for_each(|child| walk(child, &mut found));
    found
}

fn value(placemark: &Placemark, data: &[(String, Option<String>)], column: &str) -> Option<String> {
    let own = data.iter().find(|(name, _)| name == column).and_then(|(_, value)| value.clone());
    own.or_else(|| match column {
        "name" => placemark.name.clone(),
        "description" => placemark.description.clone(),
        "id" => placemark.attrs.get("id").cloned(),
        _ => None,
    })
}

impl Records for Placemarks {
    fn rows(&self) -> Result<Rows<'_>> {
        let row = |(position, placemark): (usize, &Placemark)| {
            let data = data(placemark);
            let cell = |name: &String| value(placemark, &data, name).map_or(Cell::Missing, Cell::Text);
            let geometry = placemark.geometry.clone().map(Geometry::try_from).transpose().map_err(Unreadable::geometry);
            Ok(Row { line: position as u64 + 1, cells: self.header.iter().map(cell).collect(), geometry })
        };
        Ok(Box::new(self.placemarks.iter().enumerate().map(row)))
    }
}
