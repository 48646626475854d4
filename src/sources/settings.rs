//! How a source is read, as the pipeline file says it: paths, format, columns.

use std::borrow::Cow;
use std::fmt;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

/// One text or a list of texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct OneOrMany(pub Vec<String>);

/// The columns of a source: our name to the file's.
pub type Columns = IndexMap<String, ColumnSpec>;

/// Where a column comes from and what it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ColumnSpec {
    /// The file's column; of several the first that has a value.
    pub column: OneOrMany,
    /// The unit of the file's values.
    pub unit: Option<String>,
    /// `C`: tonnes of carbon, converted to CO2 by 44/12.
    pub of: Option<String>,
    /// The type; inferred from all values where not given.
    pub kind: Option<ColumnType>,
}

/// What the cells of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A decimal number.
    Number,
}

/// Paths and format of a source's files.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Files or globs, relative to the pipeline file.
    pub path: OneOrMany,
    /// Column delimiter; a comma where not given.
    pub delimiter: Option<char>,
    /// Quote character; a double quote where not given.
    pub quote: Option<char>,
    /// Rows after the header that are no data (types, units).
    pub skip_after_header: usize,
}

/// Long form of a column.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ColumnTable {
    /// The file's column; of several the first that has a value.
    column: OneOrMany,
    /// The unit of the file's values.
    unit: Option<String>,
    /// `C`: tonnes of carbon, converted to CO2 by 44/12.
    of: Option<String>,
    /// The type; inferred from all values where not given.
    r#type: Option<ColumnType>,
}

struct OneOrManyVisitor;

impl<'de> Visitor<'de> for OneOrManyVisitor {
    type Value = OneOrMany;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
        Ok(OneOrMany(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<OneOrMany, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = items.next_element()? {
            texts.push(text);
        }
        Ok(OneOrMany(texts))
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrManyVisitor)
    }
}

struct ColumnVisitor;

impl<'de> Visitor<'de> for ColumnVisitor {
    type Value = ColumnSpec;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column name, a list of them, or a table with `column`, `unit`, `of`, `type`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ColumnSpec, E> {
        Ok(ColumnSpec { column: OneOrManyVisitor.visit_str(text)?, ..ColumnSpec::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<ColumnSpec, A::Error> {
        Ok(ColumnSpec { column: OneOrManyVisitor.visit_seq(items)?, ..ColumnSpec::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnSpec, A::Error> {
        let table = ColumnTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(ColumnSpec { column: table.column, unit: table.unit, of: table.of, kind: table.r#type })
    }
}

impl<'de> Deserialize<'de> for ColumnSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ColumnVisitor)
    }
}

impl JsonSchema for OneOrMany {
    fn schema_name() -> Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] })
    }
}

impl JsonSchema for ColumnSpec {
    fn schema_name() -> Cow<'static, str> {
        "ColumnSpec".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<OneOrMany>();
        let long = generator.subschema_for::<ColumnTable>();
        json_schema!({ "anyOf": [short, long] })
    }
}
