//! JSON that is no single GeoJSON value: one value a line (features or plain records), or a list of records.

use std::borrow::Cow;
use std::collections::HashSet;
use std::io::{BufRead, BufReader};

use geojson::Feature;
use serde_json::{Map, Value};

use super::files::Located;
use super::rows::{Cell, Records, Row, Rows, Unreadable};
use super::{Content, Head, features, problem};
use crate::error::Result;

/// The longest line, bytes.
const LONGEST: u64 = 64 << 20;
/// What RFC 8142 puts before each value.
const RECORD_SEPARATOR: u8 = 0x1e;

/// One value a line: newline-delimited GeoJSON, GeoJSON text sequences, lines of records.
struct Lines {
    located: Located,
    header: Vec<String>,
}

/// Reads the lines for the names of their columns.
pub fn head_of_lines(located: Located) -> Result<Head> {
    let mut names = Names::default();
    let mut placed = false;
    let mut any = false;
    for line in Walk::open(&located)? {
        let (line, bytes) = line?;
        any = true;
        match parse(&bytes) {
            Ok(Item::Feature(feature)) => {
                placed = true;
                feature.properties_iter().for_each(|(name, _)| names.add(name));
                if feature.id.is_some() {
                    names.add("id");
                }
            }
            Ok(Item::Record(record)) => record.keys().for_each(|name| names.add(name)),
            // The first line tells whether the file is of this kind at all.
            Err(message) if names.0.is_empty() => {
                let place = format!("{}:{line}", located.shown);
                return Err(problem(
                    &place,
                    format!("not GeoJSON: {message}"),
                    "one GeoJSON feature or JSON object a line",
                ));
            }
            Err(_) => {}
        }
    }
    if !any {
        return Err(problem(&located.shown, "the file is empty", "check the export that wrote it"));
    }
    let header = names.0;
    let content = Content::Records(Box::new(Lines { located: located.clone(), header: header.clone() }));
    let read_as = if placed { "geojson, one feature a line" } else { "json, one record a line" }.to_owned();
    Ok(Head { located, content, header, read_as, crs: None, placed })
}

/// A list of records.
struct List {
    records: Vec<Value>,
    header: Vec<String>,
}

/// A list of records, already parsed.
pub fn head_of_list(located: Located, records: Vec<Value>) -> Result<Head> {
    let mut names = Names::default();
    for (position, record) in records.iter().enumerate() {
        let Value::Object(record) = record else {
            let message = format!("element {} of the list is no object", position + 1);
            return Err(problem(&located.shown, message, "a list of objects is one row an object"));
        };
        record.keys().for_each(|name| names.add(name));
    }
    let header = names.0;
    let content = Content::Records(Box::new(List { records, header: header.clone() }));
    Ok(Head { located, content, header, read_as: "json, a list of records".into(), crs: None, placed: false })
}

/// Names of columns, each once, in the order in which they come.
#[derive(Default)]
struct Names(Vec<String>, HashSet<String>);

impl Names {
    fn add(&mut self, name: &str) {
        if self.1.insert(name.to_owned()) {
            self.0.push(name.to_owned());
        }
    }
}

enum Item {
    Feature(Box<Feature>),
    Record(Map<String, Value>),
}

fn parse(bytes: &[u8]) -> std::result::Result<Item, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Value::Object(object) = value else { return Err("no object".into()) };
    if object.get("type").and_then(Value::as_str) == Some("Feature") {
        let feature: Feature = serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())?;
        return Ok(Item::Feature(Box::new(feature)));
    }
    Ok(Item::Record(object))
}

/// Goes through the lines that hold anything, with their numbers.
struct Walk {
    located: Located,
    read: Box<dyn BufRead + Send>,
    line: u64,
}

impl Walk {
    fn open(located: &Located) -> Result<Self> {
        Ok(Self { located: located.clone(), read: Box::new(BufReader::new(located.open()?)), line: 0 })
    }
}

impl Iterator for Walk {
    type Item = Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut bytes = Vec::new();
            match std::io::Read::take(&mut self.read, LONGEST).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(self.located.failed(error))),
            }
            self.line += 1;
            if bytes.len() as u64 == LONGEST {
                let place = format!("{}:{}", self.located.shown, self.line);
                return Some(Err(problem(&place, "a line of more than 64 MB", "check the export that wrote it")));
            }
            let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
            let text = text.strip_prefix(&[RECORD_SEPARATOR]).unwrap_or(text).trim_ascii();
            if !text.is_empty() {
                return Some(Ok((self.line, text.to_vec())));
            }
        }
    }
}

impl Records for Lines {
    fn rows(&self) -> Result<Rows<'_>> {
        let row = |item: Result<(u64, Vec<u8>)>| {
            let (line, bytes) = item?;
            Ok(match parse(&bytes) {
                Ok(Item::Feature(feature)) => of_feature(&feature, line, &self.header),
                Ok(Item::Record(record)) => of_record(&record, line, &self.header),
                Err(message) => {
                    let value = String::from_utf8_lossy(&bytes).into_owned();
                    let broken = Unreadable { column: "", value, message: format!("not GeoJSON: {message}") };
                    Row { line, cells: Vec::new(), geometry: Err(broken) }
                }
            })
        };
        Ok(Box::new(Walk::open(&self.located)?.map(row)))
    }
}

impl Records for List {
    fn rows(&self) -> Result<Rows<'_>> {
        let none = Map::new();
        let row = move |(position, record): (usize, &Value)| {
            Ok(of_record(record.as_object().unwrap_or(&none), position as u64 + 1, &self.header))
        };
        Ok(Box::new(self.records.iter().enumerate().map(row)))
    }
}

fn of_feature(feature: &Feature, line: u64, header: &[String]) -> Row {
    let geometry = feature.geometry.as_ref().map(features::convert).transpose();
    let geometry = geometry.map_err(|message| Unreadable {
        value: feature.geometry.as_ref().map(ToString::to_string).unwrap_or_default(),
        ..Unreadable::geometry(message)
    });
    let is_number = |name: &String| feature.property(name).is_some_and(Value::is_number);
    let cell = |name: &String| cell(features::property(feature, name), is_number(name));
    Row { line, cells: header.iter().map(cell).collect(), geometry }
}

fn of_record(record: &Map<String, Value>, line: u64, header: &[String]) -> Row {
    let cell = |name: &String| {
        let value = record.get(name);
        cell(value.and_then(features::text), value.is_some_and(Value::is_number))
    };
    Row { line, cells: header.iter().map(cell).collect(), geometry: Ok(None) }
}

fn cell(text: Option<Cow<'_, str>>, is_number: bool) -> Cell {
    match text {
        None => Cell::Missing,
        Some(text) if is_number => Cell::Number(text.into_owned()),
        Some(text) => Cell::Text(text.into_owned()),
    }
}
