//! How layers look: the colours of the types, styles for QGIS (QML) and for other programs (SLD 1.0).

use askama::Template;

use crate::error::{Error, Result};
use crate::report::Results;
use crate::report::tables::OutputTable;

/// Colours of the types in their order, dark enough on white and apart for eyes that mix up red and green.
pub const COLOURS: [&str; 9] =
    ["#00735c", "#d98200", "#2563a8", "#8a8f98", "#b5446e", "#4d7c0f", "#0e8aa8", "#8b5e34", "#4b4f8f"];
/// The colour of a type that is not known.
pub const UNKNOWN: &str = "#8a4fa8";
/// The colour of what is in no cluster.
const OUTSIDE: &str = "#a7adb5";
/// Colours of other layers, in their order.
const LAYERS: [&str; 6] = ["#5b6f3a", "#7a5195", "#00798c", "#b0651f", "#46627f", "#8f3b4f"];

/// A layer's styles.
#[derive(Debug, Clone, Default)]
pub struct Style {
    /// For QGIS.
    pub qml: String,
    /// For other programs.
    pub sld: String,
}

/// One entry of a legend.
struct Rule {
    label: String,
    /// What its rows meet; nothing: all rows.
    conditions: Vec<Condition>,
    colour: &'static str,
}

/// What a row meets.
#[derive(Debug, Clone)]
enum Condition {
    /// A column has this number.
    Number(&'static str, i64),
    /// A column has this text.
    Text(&'static str, String),
    /// A column is empty.
    Empty(&'static str),
    /// A column is not empty.
    Filled(&'static str),
}

impl Condition {
    /// As an expression of QGIS.
    fn expression(&self) -> String {
        match self {
            Self::Number(column, number) => format!("\"{column}\" = {number}"),
            Self::Text(column, text) => format!("\"{column}\" = '{}'", text.replace('\'', "''")),
            Self::Empty(column) => format!("\"{column}\" IS NULL"),
            Self::Filled(column) => format!("\"{column}\" IS NOT NULL"),
        }
    }

    /// Column and value of an equality, as text.
    fn equality(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Number(column, number) => Some((column, number.to_string())),
            Self::Text(column, text) => Some((column, text.clone())),
            Self::Empty(_) | Self::Filled(_) => None,
        }
    }

    /// The column of a condition that is no equality, and whether it must be empty.
    fn emptiness(&self) -> Option<(&'static str, bool)> {
        match self {
            Self::Empty(column) => Some((column, true)),
            Self::Filled(column) => Some((column, false)),
            Self::Number(..) | Self::Text(..) => None,
        }
    }
}

/// What the templates fill in.
#[derive(Template)]
#[template(path = "styles/qgis.xml")]
struct Qml<'a> {
    shape: Symbol,
    rules: &'a [Rule],
    label: Option<&'a str>,
    size: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "styles/sld.xml")]
struct Sld<'a> {
    name: &'a str,
    shape: Symbol,
    rules: &'a [Rule],
    label: Option<&'a str>,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    Point,
    Line,
    Area,
}

/// The diameter in millimetres: the area follows the emissions; 1 Mt a year is 4 mm across.
const SIZE: &str = "min(16, 1.4 + 4 * sqrt(coalesce(\"emissions_t\", 0) / 1000000))";

/// The style of a layer.
pub fn style(results: &Results<'_>, table: &OutputTable<'_>) -> Result<Style> {
    let layer = table.layer();
    let (shape, rules, label, size) = match layer {
        "clusters" => (Symbol::Area, by_type(results, false), Some("cluster_name"), Some(SIZE)),
        "facilities" => (Symbol::Point, by_type(results, true), None, Some(SIZE)),
        "dispersed_sites" => {
            let conditions = latest(results).into_iter().collect();
            let rule = Rule { label: "dispersed site".into(), conditions, colour: OUTSIDE };
            (Symbol::Point, vec![rule], None, Some(SIZE))
        }
        "links" => (Symbol::Line, by_kind(results), None, None),
        other => {
            let shape = match other.rsplit('_').next() {
                Some("lines") => Symbol::Line,
                Some("areas") => Symbol::Area,
                _ => Symbol::Point,
            };
            let of =
                |name: &str| other.strip_prefix("layer_").and_then(|rest| rest.strip_prefix(name)?.strip_prefix('_'));
            let is_it = |kind: &str| ["points", "lines", "areas"].contains(&kind);
            let position =
                results.tables.layers.iter().position(|layer| of(&layer.name).is_some_and(is_it)).unwrap_or_default();
            let label =
                results.tables.layers.get(position).map(|layer| layer.name.replace('_', " ")).unwrap_or_default();
            (shape, vec![Rule { label, conditions: Vec::new(), colour: layer_colour(position) }], None, None)
        }
    };
    let failed = |error: askama::Error| Error::Defect { message: format!("the style of {layer}: {error}") };
    Ok(Style {
        qml: Qml { shape, rules: &rules, label, size }.render().map_err(failed)?,
        sld: Sld { name: layer, shape, rules: &rules, label }.render().map_err(failed)?,
    })
}

/// The colour of the infrastructure at a position among the layers of the pipeline file.
pub fn layer_colour(position: usize) -> &'static str {
    LAYERS[position % LAYERS.len()]
}

/// The latest period, for layers that have several: they would lie on top of one another.
fn latest(results: &Results<'_>) -> Option<Condition> {
    results.latest().filter(|_| results.has_periods()).map(|latest| Condition::Number("period", latest))
}

/// One rule a type.
fn by_type(results: &Results<'_>, with_outside: bool) -> Vec<Rule> {
    let rule = |label: String, conditions: Vec<Condition>, colour: &'static str| Rule {
        label,
        conditions: conditions.into_iter().chain(latest(results)).collect(),
        colour,
    };
    let types = results.about.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    let mut rules = Vec::new();
    for (at, kind) in types.iter().enumerate() {
        let colour = COLOURS.get(at).copied().unwrap_or(UNKNOWN);
        let label = format!("{} {}", kind.number, kind.name);
        rules.push(rule(label, vec![Condition::Number("type", kind.number)], colour));
    }
    let label = if types.is_empty() { "cluster" } else { "type not known" };
    let mut unknown = vec![Condition::Empty("type")];
    unknown.extend(with_outside.then_some(Condition::Filled("cluster_id")));
    rules.push(rule(label.into(), unknown, UNKNOWN));
    if with_outside {
        rules.push(rule("in no cluster".into(), vec![Condition::Empty("cluster_id")], OUTSIDE));
    }
    rules
}

fn by_kind(results: &Results<'_>) -> Vec<Rule> {
    let rule = |(at, kind): (usize, &String)| Rule {
        label: kind.clone(),
        conditions: vec![Condition::Text("kind", kind.clone())],
        colour: layer_colour(at),
    };
    let is_drawn =
        |kind: &&String| results.tables.ties.iter().any(|table| table.kind == **kind && !table.is_potential());
    results.measured.kinds.iter().filter(is_drawn).enumerate().map(rule).collect()
}

impl Rule {
    /// The QGIS expression of its rows; empty: all.
    fn filter(&self) -> String {
        self.conditions.iter().map(Condition::expression).collect::<Vec<_>>().join(" AND ")
    }

    /// Red, green, blue and opacity as QGIS writes them.
    fn rgba(&self, opacity: u8) -> String {
        let part = |at: usize| u8::from_str_radix(&self.colour[at..at + 2], 16).unwrap_or_default();
        format!("{},{},{},{opacity}", part(1), part(3), part(5))
    }
}
