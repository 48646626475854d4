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

/// One or several words or numbers, as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Words(pub Vec<String>);

impl Words {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The columns of a source: our name to the file's.
pub type Columns = IndexMap<String, ColumnSpec>;

/// Where a column comes from and what it holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ColumnSpec {
    /// The file's column; of several the first that has a value.
    pub column: OneOrMany,
    /// Columns that are added up instead: of each row those that have a value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sum: Vec<ColumnSpec>,
    /// One value for every row instead.
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub value: Words,
    /// Whether `column` holds the names of columns of several years, with `{year}` in the place of the year.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_year: bool,
    /// SQL over the other mapped columns instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute: Option<String>,
    /// The unit of the file's values.
    pub unit: Option<String>,
    /// `C`: tonnes of carbon, converted to CO2 by 44/12; a greenhouse gas: converted to CO2 equivalents by `gwp`.
    pub of: Option<String>,
    /// The column that names the gas of each row, and what its words mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas: Option<GasSpec>,
    /// The type; inferred from all values where not given.
    pub kind: Option<ColumnType>,
    /// How its dates are written, in the words of strftime; as ISO 8601 where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Its decimal mark, where that is not the source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// Its separator between groups of three digits, where that is not the source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// Words and numbers that stand for a value that is not known.
    #[serde(skip_serializing_if = "Words::is_empty")]
    pub missing: Words,
    /// A regular expression; what it matches is taken out of the cell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove: Option<String>,
    /// Whole cells to read as others, after `remove`: the file's word to ours.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub recode: IndexMap<String, String>,
}

/// Where the gas of a row stands, for registers with one row a facility, year and gas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GasSpec {
    /// The file's column that names the gas.
    pub column: String,
    /// The file's words to gases; a word that stands here for none has no equivalent and its rows must be filtered.
    pub names: IndexMap<String, String>,
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
    /// A day.
    Date,
}

impl ColumnType {
    /// The word that the pipeline file uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Date => "date",
        }
    }

    /// What such cells hold.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "whole numbers",
            Self::Number => "numbers",
            Self::Date => "dates",
        }
    }
}

/// Paths and format of a source's files.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// Files or globs, relative to the pipeline file.
    pub path: OneOrMany,
    /// Column delimiter; found from the file where not given.
    pub delimiter: Option<char>,
    /// Quote character; found from the file where not given.
    pub quote: Option<char>,
    /// Decimal mark; a point where not given.
    pub decimal: Option<char>,
    /// Separator between groups of three digits; none where not given.
    pub thousands: Option<char>,
    /// Words and numbers that stand for a value that is not known, in every column but those of ids, countries and codes.
    pub missing: Words,
    /// Encoding of text files; UTF-8, or UTF-16 where the file shows it, if not given.
    pub encoding: Option<String>,
    /// Lines that begin with this are no data.
    pub comment: Option<String>,
    /// Lines before the header.
    pub skip_before_header: usize,
    /// Rows after the header that are no data (types, units).
    pub skip_after_header: usize,
    /// The sheet of a workbook or the layer of a GeoPackage; the only one where not given.
    pub table: Option<String>,
    /// SQL filters over the files' own columns, whose cells are all text, before anything is read of them.
    pub where_raw: OneOrMany,
    /// Licence of the files.
    pub licence: Option<String>,
    /// Who is to be named for them.
    pub attribution: Option<String>,
}

/// Keys that say how delimited text is read.
pub const OF_TEXT: [&str; 6] = ["delimiter", "quote", "encoding", "comment", "skip_before_header", "skip_after_header"];

impl Reading {
    /// The keys that are given of those that some formats alone heed.
    pub fn format_keys(&self) -> Vec<&'static str> {
        let given = [
            ("delimiter", self.delimiter.is_some()),
            ("quote", self.quote.is_some()),
            ("encoding", self.encoding.is_some()),
            ("comment", self.comment.is_some()),
            ("skip_before_header", self.skip_before_header > 0),
            ("skip_after_header", self.skip_after_header > 0),
            ("table", self.table.is_some()),
        ];
        given.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect()
    }
}

/// Declares settings of something that is read from files: how its files are read, then its own keys. (Flattening
/// would lose the place of a wrong key.)
macro_rules! read_from_files {
    (path may be missing: $($rest:tt)*) => {
        $crate::sources::settings::read_from_files! { @with [default] $($rest)* }
    };
    (@with [$($path:tt)*] $(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Files or globs, relative to the pipeline file: CSV, workbooks, Parquet, GeoJSON, GeoPackage, shapefiles, FlatGeobuf,
            /// KML; also `.gz`, `.zst` and `FILE.zip/MEMBER`.
            #[serde($($path)*)]
            pub path: $crate::sources::OneOrMany,
            /// Column delimiter of CSV; found from the file where not given.
            #[serde(default)]
            pub delimiter: Option<char>,
            /// Quote character of CSV; found from the file where not given.
            #[serde(default)]
            pub quote: Option<char>,
            /// Decimal mark of numbers; default a point.
            #[serde(default)]
            pub decimal: Option<char>,
            /// Separator between groups of three digits; default none.
            #[serde(default)]
            pub thousands: Option<char>,
            /// Words and numbers that stand for a value that is not known, in every column but those of ids, countries and
            /// codes (whose name has `id`, `code`, `country` or `iso` in it).
            #[serde(default, skip_serializing_if = "crate::sources::settings::Words::is_empty")]
            pub missing: $crate::sources::settings::Words,
            /// Encoding of text files and of the tables of shapefiles, as `windows-1252`; default UTF-8, or what the file shows.
            #[serde(default)]
            pub encoding: Option<String>,
            /// Lines of CSV, or rows of a sheet, that begin with this are no data.
            #[serde(default)]
            pub comment: Option<String>,
            /// Lines of CSV, or rows of a sheet, before the header.
            #[serde(default)]
            pub skip_before_header: usize,
            /// Rows of CSV or of a sheet after the header that are no data.
            #[serde(default)]
            pub skip_after_header: usize,
            /// The sheet of a workbook or the layer of a GeoPackage; needed where the file holds several.
            #[serde(default)]
            pub table: Option<String>,
            /// SQL filters over the file's own columns, as `"Row type" = 'Site'`: all cells are text and nothing has been read of
            /// them yet. For rows that are no records: totals, footnotes, other substances.
            #[serde(default, skip_serializing_if = "crate::sources::OneOrMany::is_empty")]
            pub where_raw: $crate::sources::OneOrMany,
            /// Licence of the files, as `CC BY 4.0`: the outputs pass it on.
            #[serde(default)]
            pub licence: Option<String>,
            /// Who is to be named for the files, in the words that their publisher asks for.
            #[serde(default)]
            pub attribution: Option<String>,
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $name {
            /// How its files are read.
            pub fn reading(&self) -> $crate::sources::Reading {
                $crate::sources::Reading {
                    path: self.path.clone(),
                    delimiter: self.delimiter,
                    quote: self.quote,
                    decimal: self.decimal,
                    thousands: self.thousands,
                    missing: self.missing.clone(),
                    encoding: self.encoding.clone(),
                    comment: self.comment.clone(),
                    skip_before_header: self.skip_before_header,
                    skip_after_header: self.skip_after_header,
                    table: self.table.clone(),
                    where_raw: self.where_raw.clone(),
                    licence: self.licence.clone(),
                    attribution: self.attribution.clone(),
                }
            }
        }
    };
    ($($rest:tt)*) => {
        $crate::sources::settings::read_from_files! { @with [] $($rest)* }
    };
}
pub(crate) use read_from_files;

read_from_files! {
    /// `[facilities.join]`: further columns of the same register, in another file.
    Join {
        /// The key: columns that both files have, or `{ "column here" = "column there" }`; several together are one key.
        on: On,
        /// Whether keys that differ in upper and lower case alone are one; the joined file's spelling stands.
        #[serde(default)]
        ignore_case: bool,
        /// Whether a row without a partner is quarantined (default), or kept without the joined columns.
        #[serde(default = "yes")]
        required: bool,
        /// A file of pairs that a person has accepted, `here` and `there`: facilities of two registers that are one. Where it is
        /// given, keys are joined through it alone.
        #[serde(default)]
        pairs: Option<String>,
        /// What `match --facilities` finds pairs by.
        #[serde(default)]
        r#match: Option<MatchBy>,
        /// Of columns that both files have, this file's cells stand. Whether the joined file fills the empty ones.
        #[serde(default)]
        fill: bool,
    }
}

/// A column that SQL makes of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Computed {
    /// An expression over the other columns of the source, mapped or computed before it.
    pub sql: String,
    /// The unit of what it gives.
    pub unit: Option<String>,
}

/// Long form of a computed column.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ComputedTable {
    /// An expression over the other columns of the source, mapped or computed before it.
    sql: String,
    /// The unit of what it gives.
    unit: Option<String>,
}

struct ComputedVisitor;

impl<'de> Visitor<'de> for ComputedVisitor {
    type Value = Computed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SQL expression, or a table with `sql` and `unit`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Computed, E> {
        Ok(Computed { sql: text.to_owned(), unit: None })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Computed, A::Error> {
        let table = ComputedTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Computed { sql: table.sql, unit: table.unit })
    }
}

impl<'de> Deserialize<'de> for Computed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ComputedVisitor)
    }
}

impl JsonSchema for Computed {
    fn schema_name() -> Cow<'static, str> {
        "Computed".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let long = generator.subschema_for::<ComputedTable>();
        json_schema!({ "anyOf": [{ "type": "string" }, long] })
    }
}

impl Computed {
    /// The column that it is among those that are mapped.
    pub fn spec(&self) -> ColumnSpec {
        ColumnSpec { compute: Some(self.sql.clone()), unit: self.unit.clone(), ..ColumnSpec::default() }
    }
}

/// `[facilities.join.match]`: columns of the joined file that tell which of its rows may be a facility here.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MatchBy {
    /// The column of names.
    pub name: Option<String>,
    /// The column of longitudes or eastings; needless for files that bring points.
    pub x: Option<String>,
    /// The column of latitudes or northings.
    pub y: Option<String>,
    /// EPSG code of these coordinates; default EPSG:4326.
    pub crs: Option<String>,
    /// Facilities no farther apart may be one, km; default 2.
    pub within_km: Option<f64>,
}

/// The columns of a join's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a column, a list of columns, or { \"column here\" = \"column there\" }")]
pub enum On {
    /// Columns of the same name in both files.
    Same(OneOrMany),
    /// The column here to the column there.
    Named(IndexMap<String, String>),
}

fn yes() -> bool {
    true
}

impl Join {
    /// The key's columns: here and there.
    pub fn pairs(&self) -> Vec<(&str, &str)> {
        match &self.on {
            On::Same(columns) => columns.0.iter().map(|column| (column.as_str(), column.as_str())).collect(),
            On::Named(columns) => columns.iter().map(|(here, there)| (here.as_str(), there.as_str())).collect(),
        }
    }
}

impl OneOrMany {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One text.
    pub fn one(text: impl Into<String>) -> Self {
        Self(vec![text.into()])
    }
}

impl ColumnSpec {
    /// A column as it stands.
    pub fn plain(column: &str) -> Self {
        Self { column: OneOrMany::one(column), ..Self::default() }
    }

    /// Itself, or what is added up in its place.
    pub fn parts(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.sum)
    }
}

/// Long form of a column.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ColumnTable {
    /// The file's column; of several the first that has a value.
    #[serde(default)]
    column: OneOrMany,
    /// Columns that are added up instead: of each row those that have a value.
    #[serde(default)]
    sum: Vec<ColumnSpec>,
    /// One word or number for every row instead, with a decimal point.
    #[serde(default)]
    value: Words,
    /// Columns of several years instead, as `Emissions_{year}`: each row becomes one a year, and `year` says which.
    by_year: Option<String>,
    /// The unit of the file's values.
    unit: Option<String>,
    /// `C`: tonnes of carbon, converted to CO2 by 44/12; a greenhouse gas: converted to CO2 equivalents by `gwp`.
    of: Option<String>,
    /// The column that names the gas of each row, and what its words mean.
    gas: Option<GasSpec>,
    /// The type; inferred from all values where not given.
    r#type: Option<ColumnType>,
    /// How dates are written, in the words of strftime, as `%d.%m.%Y`; as ISO 8601 where not given.
    format: Option<String>,
    /// The decimal mark of this column, where it is not the source's.
    decimal: Option<char>,
    /// The separator between groups of three digits of this column, where it is not the source's.
    thousands: Option<char>,
    /// Words and numbers that stand for a value that is not known.
    #[serde(default)]
    missing: Words,
    /// A regular expression; what it matches is taken out of the cell.
    remove: Option<String>,
    /// Whole cells to read as others, after `remove`: the file's word to ours.
    #[serde(default)]
    recode: IndexMap<String, String>,
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

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a number, or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
        Ok(Words(vec![text.to_owned()]))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Words, E> {
        Ok(Words(vec![number.to_string()]))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Words, E> {
        Ok(Words(vec![number.to_string()]))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Words, E> {
        Ok(Words(vec![number.to_string()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Words, A::Error> {
        let mut words = Vec::new();
        while let Some(Words(word)) = items.next_element()? {
            words.extend(word);
        }
        Ok(Words(words))
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

impl JsonSchema for Words {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let word = json_schema!({ "type": ["string", "number"] });
        json_schema!({ "anyOf": [word, { "type": "array", "items": word }] })
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
        f.write_str("a column name, a list of them, or a table with `column`, `sum`, `value` or `by_year`, `unit`, `of`, `gas`, `type`, `format`, `decimal`, `thousands`, `missing`, `remove`, `recode`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ColumnSpec, E> {
        Ok(ColumnSpec { column: OneOrManyVisitor.visit_str(text)?, ..ColumnSpec::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<ColumnSpec, A::Error> {
        Ok(ColumnSpec { column: OneOrManyVisitor.visit_seq(items)?, ..ColumnSpec::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnSpec, A::Error> {
        let table = ColumnTable::deserialize(MapAccessDeserializer::new(map))?;
        let empty = [table.column.is_empty(), table.sum.is_empty(), table.value.is_empty(), table.by_year.is_none()];
        if empty.iter().filter(|is_empty| !**is_empty).count() != 1 || table.value.0.len() > 1 {
            return Err(de::Error::custom(
                "give one of `column`, `sum`, `value` (one word or number) and `by_year` (a name with {year} in it)",
            ));
        }
        Ok(ColumnSpec {
            by_year: table.by_year.is_some(),
            column: table.by_year.map_or(table.column, OneOrMany::one),
            compute: None,
            format: table.format,
            decimal: table.decimal,
            thousands: table.thousands,
            sum: table.sum,
            value: table.value,
            unit: table.unit,
            of: table.of,
            gas: table.gas,
            kind: table.r#type,
            missing: table.missing,
            remove: table.remove,
            recode: table.recode,
        })
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
