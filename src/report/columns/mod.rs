//! The one table of columns: what every output table is, and the name, type, unit and meaning of its columns. Parquet
//! metadata, `datapackage.json`, the GeoPackage, the workbook and `docs/formats` all say what stands here.

mod catalogue;

use polars::prelude::{DataFrame, DataType};
use regex::Regex;

use super::Results;
use crate::error::{Error, Result};
use crate::names::EMISSIONS;
pub use catalogue::TABLES;

/// The entry of layers of infrastructure.
pub const INFRASTRUCTURE: &str = "layer";

/// An output table.
#[derive(Debug)]
pub struct TableEntry {
    /// Its name: that of its files without their ending.
    pub name: &'static str,
    /// Its title.
    pub title: &'static str,
    /// What one row is: "a cluster and period".
    pub row: &'static str,
    /// When a run writes it; empty: always.
    pub only: &'static str,
    /// The columns that tell its rows apart.
    pub key: &'static [&'static str],
    /// Its columns, in order.
    pub columns: &'static [Column],
}

/// A column, or with `{placeholders}` in its name a family of columns.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name; what stands in braces is a name or a number of the pipeline: see [`index`].
    pub name: &'static str,
    /// What its cells are.
    pub kind: Kind,
    /// Unit of its numbers; empty for none.
    pub unit: &'static str,
    /// What it means, and what an empty cell means.
    pub about: &'static str,
}

/// What cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// Days, as ISO 8601 writes them.
    Date,
    /// As the source has it: text, whole numbers, numbers, truth values or days.
    Any,
}

/// A column of the catalogue.
const fn c(name: &'static str, kind: Kind, unit: &'static str, about: &'static str) -> Column {
    Column { name, kind, unit, about }
}

/// A column that a run has written.
#[derive(Debug, Clone)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// What its cells are: never [`Kind::Any`].
    pub kind: Kind,
    /// Unit of its numbers; empty for none.
    pub unit: &'static str,
    /// What it means.
    pub about: String,
}

impl TableEntry {
    /// Its page in `docs/formats`.
    pub fn page(&self) -> String {
        let key = match self.key {
            [] => "none".to_owned(),
            key => key.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        };
        let only = if self.only.is_empty() { "always".to_owned() } else { self.only.to_owned() };
        let mut page = format!(
            "# {}: {}\n\nOne row is {}. Written: {only}. Key: {key}.\n\n| column | type | unit | meaning |\n|---|---|---|---|\n",
            self.name, self.title, self.row
        );
        for column in self.columns {
            let about = column.about.replace('|', "\\|");
            page += &format!("| `{}` | {} | {} | {about} |\n", column.name, column.kind.as_str(), column.unit);
        }
        page
    }
}

/// The list of pages in `docs/formats`.
pub fn index() -> String {
    let row = |table: &TableEntry| {
        let only = if table.only.is_empty() { "always" } else { table.only };
        format!("| [{}]({}.md) | {} | {only} |\n", table.name, table.name, table.row)
    };
    "# Tables and layers, column by column\n\nMade from the list of columns in the program \
     (`src/report/columns/catalogue.rs`); a test keeps it so.\n`{dimension}`, `{kind}`, `{layer}`, `{radius}`, `{top}`, `{number}`, \
     `{sum}` and `{column}` stand for names and numbers of the pipeline file, `{share}` for a share in percent. An empty cell is a\nvalue that is not known. GeoParquet \
     files also have `geometry` (well-known binary, OGC:CRS84) and `bbox`.\n\n| table | one row is | written |\n|---|---|---|\n"
        .to_owned()
        + &TABLES.iter().map(row).collect::<String>()
}

/// The names that stand for placeholders in one run, as alternatives of a regular expression.
#[derive(Debug)]
pub struct Placeholders {
    dimension: String,
    kind: String,
    layer: String,
    /// Columns that the pipeline file computes, and by what.
    computed: Vec<(String, String)>,
    /// The column that shares and means are weighted by, where that is not emissions.
    weight: Option<String>,
}

impl Placeholders {
    /// The names of a run.
    pub fn of(results: &Results<'_>) -> Self {
        let any = |names: Vec<&str>| names.into_iter().map(regex::escape).collect::<Vec<_>>().join("|");
        Self {
            dimension: any(results.about.dimensions.iter().map(|dimension| dimension.id.as_str()).collect()),
            kind: any(results.measured.kinds.iter().map(String::as_str).collect()),
            layer: any(results.tables.layers.iter().map(|layer| layer.name.as_str()).collect()),
            computed: results.about.computed.clone(),
            weight: results.facilities().map(|register| register.weight.clone()).filter(|weight| weight != EMISSIONS),
        }
    }

    /// The entry of a table, and what each column of its frame means.
    ///
    /// # Errors
    ///
    /// [`Error::Defect`] for a table or a column that is not in [`TABLES`].
    pub fn describe(&self, name: &str, frame: &DataFrame) -> Result<(&'static TableEntry, Vec<Described>)> {
        let missing = |what: String| Error::Defect { message: format!("{name}: {what} is in no list of columns") };
        let table = TABLES.iter().find(|table| table.name == name).ok_or_else(|| missing("the table".into()))?;
        let families = self.families(table);
        let mut columns = Vec::with_capacity(frame.width());
        for column in frame.columns() {
            let (name, kind) = (column.name().as_str(), Kind::of(column.dtype()));
            let plain = table.columns.iter().find(|known| known.name == name);
            let (known, about) = match plain {
                Some(known) => (known, known.about.to_owned()),
                None => {
                    let family = families.iter().find_map(|(known, pattern)| Some((*known, pattern.captures(name)?)));
                    let (known, found) = family.ok_or_else(|| missing(format!("column `{name}`")))?;
                    (known, filled(known.about, &found))
                }
            };
            let fits = known.kind == Kind::Any || kind == known.kind || kind == Kind::Any;
            if !fits {
                return Err(missing(format!("column `{name}` of {}", column.dtype())));
            }
            let kind = if kind == Kind::Any { known.kind } else { kind };
            let by = self.computed.iter().find(|(computed, _)| computed == name);
            let about = by.map_or(about.clone(), |(_, sql)| format!("{about}. Computed by the pipeline file: {sql}"));
            let by = self.weight.as_ref().filter(|_| about.contains("emission") && !name.contains("emission"));
            let about = by.map_or(about.clone(), |weight| format!("{about}. Here by `{weight}` in place of emissions"));
            columns.push(Described { name: name.to_owned(), kind, unit: known.unit, about });
        }
        Ok((table, columns))
    }

    /// The families of a table with their patterns: those that take any name last.
    fn families(&self, table: &'static TableEntry) -> Vec<(&'static Column, Regex)> {
        let mut families: Vec<&'static Column> =
            table.columns.iter().filter(|column| column.name.contains('{')).collect();
        families.sort_by_key(|column| ["{dimension}", "{sum}", "{column}"].iter().position(|any| *any == column.name));
        families.into_iter().filter_map(|column| Some((column, Regex::new(&self.pattern(column.name)).ok()?))).collect()
    }

    fn pattern(&self, name: &str) -> String {
        let escaped = regex::escape(name);
        let placed = [
            ("dimension", self.dimension.as_str()),
            ("kind", &self.kind),
            ("layer", &self.layer),
            ("radius", "[0-9.]+"),
            ("top", "[0-9]+"),
            ("number", "-?[0-9]+"),
            ("share", "[0-9]{2}"),
            ("sum", ".+"),
            ("column", ".+"),
        ];
        let pattern = placed.iter().fold(escaped, |pattern, (name, any)| {
            pattern.replace(&format!("\\{{{name}\\}}"), &format!("(?P<{name}>{any})"))
        });
        format!("(?s)^{pattern}$")
    }
}

/// A meaning with the names that its placeholders stand for.
fn filled(about: &str, found: &regex::Captures<'_>) -> String {
    ["dimension", "kind", "layer", "radius", "top", "number", "share", "sum", "column"].iter().fold(
        about.to_owned(),
        |about, name| {
            found.name(name).map_or(about.clone(), |found| about.replace(&format!("{{{name}}}"), found.as_str()))
        },
    )
}

impl Kind {
    /// The kind of a column's cells; [`Kind::Any`] for one without a value.
    pub(super) fn of(dtype: &DataType) -> Self {
        match dtype {
            DataType::String => Self::Text,
            DataType::Boolean => Self::Boolean,
            DataType::Null => Self::Any,
            DataType::Date => Self::Date,
            dtype if dtype.is_integer() => Self::Integer,
            dtype if dtype.is_float() => Self::Number,
            _ => Self::Text,
        }
    }

    /// The kind of that name; `None` for no name of any.
    pub(super) fn named(name: &str) -> Option<Self> {
        let all = [Self::Text, Self::Integer, Self::Number, Self::Boolean, Self::Date, Self::Any];
        all.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Its name in table schemas (Frictionless).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Any => "any",
        }
    }
}
