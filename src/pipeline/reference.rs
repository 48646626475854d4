//! The reference of the pipeline file as Markdown: every key with its type, its default and its meaning, as the schema has
//! them, and an example of every table.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// What stands before the tables.
const WORDS: &str = include_str!("../../templates/pipeline-file.md");
/// A pipeline file that has every table, in blocks.
const EXAMPLE: &str = include_str!("../../templates/pipeline-file.toml");

/// A table to tell of: its heading, its schema, whether an example is due.
struct Section {
    heading: String,
    schema: Map<String, Value>,
    example: Option<String>,
}

/// The page, of the schema of the pipeline file.
pub fn reference(schema: &Value) -> String {
    let pages = Pages { definitions: schema["$defs"].as_object().cloned().unwrap_or_default() };
    let mut told = BTreeSet::new();
    let mut open = pages.tables(schema);
    open.reverse();
    let mut page = WORDS.to_owned();
    while let Some(section) = open.pop() {
        page += &pages.section(&section);
        // What a table is made of comes right after the first that has it.
        let parts = section.schema["properties"].as_object().into_iter().flatten().map(|(_, schema)| schema);
        let parts = parts.chain(section.schema.get("additionalProperties"));
        let parts: Vec<String> = parts.flat_map(|schema| pages.named(schema)).collect();
        for name in parts.into_iter().rev().filter(|name| told.insert(name.clone())) {
            let schema = pages.definitions[&name].as_object().cloned().unwrap_or_default();
            open.push(Section { heading: format!("### {name}"), schema, example: None });
        }
    }
    page
}

/// The definitions that schemas refer to.
struct Pages {
    definitions: Map<String, Value>,
}

impl Pages {
    /// The top of the file and its tables, in the schema's order.
    fn tables(&self, schema: &Value) -> Vec<Section> {
        let keys = schema["properties"].as_object().into_iter().flatten();
        let (tables, plain): (Vec<_>, Vec<_>) = keys.partition(|(_, schema)| self.table(schema).is_some());
        let plain: Map<String, Value> = plain.into_iter().map(|(key, schema)| (key.clone(), schema.clone())).collect();
        let top = Map::from_iter([("properties".to_owned(), Value::Object(plain)), required(schema)]);
        let top = Section { heading: "## The top of the file".into(), schema: top, example: example("name = ") };
        let table = |(key, schema): (&String, &Value)| {
            let (name, shape) = self.table(schema)?;
            let (heading, start) = match shape {
                Many::One => (format!("[{key}]"), format!("[{key}]")),
                Many::ByName => (format!("[{key}.NAME]"), format!("[{key}.")),
                Many::List => (format!("[[{key}]]"), format!("[[{key}]]")),
            };
            let schema = self.definitions[&name].as_object()?.clone();
            Some(Section { heading: format!("## `{heading}`"), schema, example: example(&start) })
        };
        std::iter::once(top).chain(tables.into_iter().filter_map(table)).collect()
    }

    /// The definition of a table, and how many of it there are.
    fn table(&self, schema: &Value) -> Option<(String, Many)> {
        let (schema, many) = if schema["items"].is_object() {
            (&schema["items"], Many::List)
        } else if schema["additionalProperties"].is_object() {
            (&schema["additionalProperties"], Many::ByName)
        } else {
            (schema, Many::One)
        };
        let name = self.references(schema).into_iter().find(|name| self.is_table(name))?;
        Some((name, many))
    }

    fn is_table(&self, name: &str) -> bool {
        self.definitions.get(name).is_some_and(|schema| schema["properties"].is_object())
    }

    /// Names of definitions that a schema refers to itself, through lists and alternatives.
    fn references(&self, schema: &Value) -> Vec<String> {
        let own = schema["$ref"].as_str().map(|path| path.trim_start_matches("#/$defs/").to_owned());
        let parts = ["anyOf", "oneOf"].into_iter().flat_map(|key| schema[key].as_array().into_iter().flatten());
        let inner = parts.chain([&schema["items"], &schema["additionalProperties"]]).filter(|part| part.is_object());
        own.into_iter().chain(inner.flat_map(|part| self.references(part))).collect()
    }

    /// Names of tables that a key's values may be, and of what those are made of where they have no name of their own.
    fn named(&self, schema: &Value) -> Vec<String> {
        let direct = self.references(schema).into_iter();
        let through = |name: String| {
            if self.is_table(&name) { vec![name] } else { self.named(&self.definitions[&name]) }
        };
        direct.flat_map(through).collect()
    }

    fn section(&self, section: &Section) -> String {
        let about = section.schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let mut page = format!("\n{}\n", section.heading);
        if !about.is_empty() {
            page += &format!("\n{}\n", line(about));
        }
        if let Some(example) = &section.example {
            page += &format!("\n```toml\n{example}```\n");
        }
        page += "\n| key | type | default | meaning |\n|---|---|---|---|\n";
        let required = section.schema.get("required").and_then(Value::as_array);
        for (key, schema) in section.schema["properties"].as_object().into_iter().flatten() {
            let must = required.is_some_and(|required| required.iter().any(|name| name == key));
            let default = match &schema["default"] {
                _ if must => "required".to_owned(),
                Value::Null => String::new(),
                Value::String(text) if text.is_empty() => String::new(),
                Value::Object(_) => String::new(),
                Value::Array(list) if list.is_empty() => String::new(),
                default => format!("`{default}`"),
            };
            let about = schema["description"].as_str().unwrap_or_default();
            page += &format!("| `{key}` | {} | {} | {} |\n", self.kind(schema), cell(&default), cell(about));
        }
        let others = &section.schema.get("additionalProperties").filter(|others| others.is_object());
        if let Some(others) = others {
            page += &format!("| a column | {} | | What holds of its cells. |\n", self.kind(others));
        }
        page
    }

    /// What a value may be, in words.
    fn kind(&self, schema: &Value) -> String {
        if let Some(path) = schema["$ref"].as_str() {
            let name = path.trim_start_matches("#/$defs/");
            return if self.is_table(name) {
                format!("[{name}](#{})", name.to_lowercase())
            } else {
                self.kind(&self.definitions[name])
            };
        }
        if let Some(word) = schema["const"].as_str() {
            return format!("`{word}`");
        }
        let alternatives = ["anyOf", "oneOf"].into_iter().find_map(|key| schema[key].as_array());
        if let Some(alternatives) = alternatives {
            let mut kinds: Vec<String> = alternatives.iter().map(|one| self.kind(one)).collect();
            kinds.retain(|kind| !kind.is_empty());
            kinds.dedup();
            return kinds.join(", ");
        }
        let of = |schema: &Value| Some(self.kind(schema)).filter(|kind| !kind.is_empty());
        let single = |kind: &Value| match kind.as_str().unwrap_or_default() {
            "string" => "text".to_owned(),
            "integer" => "whole number".to_owned(),
            "number" => "number".to_owned(),
            "boolean" => "`true`, `false`".to_owned(),
            "array" => of(&schema["items"]).map_or("list".into(), |kind| format!("list of {kind}")),
            "object" if schema["properties"].is_object() => {
                let keys = schema["properties"].as_object().into_iter().flatten();
                let keys: Vec<String> = keys.map(|(key, schema)| format!("{key} = {}", self.kind(schema))).collect();
                format!("`{{ {} }}`", keys.join(", "))
            }
            "object" => of(&schema["additionalProperties"]).map_or("table".into(), |kind| format!("table of {kind}")),
            _ => String::new(),
        };
        match &schema["type"] {
            Value::Array(kinds) => {
                let kinds: Vec<String> = kinds.iter().map(single).filter(|kind| !kind.is_empty()).collect();
                kinds.join(", ")
            }
            kind => single(kind),
        }
    }
}

/// How many tables of one kind there are.
#[derive(Clone, Copy)]
enum Many {
    One,
    ByName,
    List,
}

fn required(schema: &Value) -> (String, Value) {
    ("required".to_owned(), schema["required"].clone())
}

/// The blocks of the example that begin so.
fn example(start: &str) -> Option<String> {
    let blocks: Vec<&str> = EXAMPLE.split("\n\n").filter(|block| belongs(block, start)).collect();
    (!blocks.is_empty()).then(|| blocks.join("\n\n").trim_end().to_owned() + "\n")
}

/// Whether a block is of a table, or of one within it.
fn belongs(block: &str, start: &str) -> bool {
    block.starts_with(start) || start.strip_suffix(']').is_some_and(|table| block.starts_with(&format!("{table}.")))
}

fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}
