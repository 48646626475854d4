//! How layers look: the colours of the types, styles for QGIS (QML) and for other programs (SLD 1.0).

use std::path::Path;

use askama::Template;

use super::super::Results;
use super::super::tables::OutputTable;
use crate::error::{Error, Result};

/// Colours of the types in their order, dark enough on white and apart for eyes that mix up red and green.
pub const COLOURS: [&str; 9] =
    ["#00735c", "#d98200", "#2563a8", "#8a8f98", "#b5446e", "#4d7c0f", "#0e8aa8", "#8b5e34", "#4b4f8f"];
/// The colour of a type that is not known.
pub const UNKNOWN: &str = "#8a4fa8";
/// The colour of what is in no cluster.
const OUTSIDE: &str = "#a7adb5";
/// Colours of other layers, in their order.
pub const LAYERS: [&str; 6] = ["#5b6f3a", "#7a5195", "#00798c", "#b0651f", "#46627f", "#8f3b4f"];

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
    /// The QGIS expression of its rows.
    filter: String,
    /// Column and value that tell its rows; without a value: where the column is empty.
    is: Option<(&'static str, Option<String>)>,
    colour: &'static str,
}

/// What the templates fill in.
#[derive(Template)]
#[template(path = "styles/qgis.xml")]
struct Qml<'a> {
    shape: Shape,
    rules: &'a [Rule],
    label: Option<&'a str>,
    size: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "styles/sld.xml")]
struct Sld<'a> {
    name: &'a str,
    shape: Shape,
    rules: &'a [Rule],
    label: Option<&'a str>,
}

/// What is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Point,
    Line,
    Area,
}

/// The diameter in millimetres: the area follows the emissions; 1 Mt a year is 4 mm across.
const SIZE: &str = "min(16, 1.4 + 4 * sqrt(coalesce(\"emissions_t\", 0) / 1000000))";

/// The style of a layer; `position` is its place among the layers.
pub fn style(results: &Results<'_>, table: &OutputTable, position: usize) -> Result<Style> {
    let layer = table.layer();
    let (shape, rules, label, size) = match layer {
        "clusters" => (Shape::Area, by_type(results, false), Some("cluster_name"), Some(SIZE)),
        "facilities" => (Shape::Point, by_type(results, true), None, Some(SIZE)),
        "dispersed_sites" => (Shape::Point, vec![all(results, "dispersed site", OUTSIDE)], None, Some(SIZE)),
        "links" => (Shape::Line, by_kind(results), None, None),
        other => {
            let shape = match other.rsplit('_').next() {
                Some("lines") => Shape::Line,
                Some("areas") => Shape::Area,
                _ => Shape::Point,
            };
            let label = other.trim_start_matches("layer_").replace('_', " ");
            let rule = Rule { label, filter: String::new(), is: None, colour: LAYERS[position % LAYERS.len()] };
            (shape, vec![rule], None, None)
        }
    };
    let failed = |error: askama::Error| Error::Run { path: Path::new(layer).into(), message: error.to_string() };
    Ok(Style {
        qml: Qml { shape, rules: &rules, label, size }.render().map_err(failed)?,
        sld: Sld { name: layer, shape, rules: &rules, label }.render().map_err(failed)?,
    })
}

/// A condition on the latest period, for layers that have several; empty for one.
fn latest(results: &Results<'_>) -> String {
    let mut periods: Vec<i64> = results.measurements.units.iter().filter_map(|unit| unit.period).collect();
    periods.sort_unstable();
    periods.dedup();
    match periods[..] {
        [.., latest] if periods.len() > 1 => format!("\"period\" = {latest}"),
        _ => String::new(),
    }
}

fn and(conditions: &[&str]) -> String {
    conditions.iter().filter(|condition| !condition.is_empty()).copied().collect::<Vec<_>>().join(" AND ")
}

fn all(results: &Results<'_>, label: &str, colour: &'static str) -> Rule {
    Rule { label: label.to_owned(), filter: latest(results), is: None, colour }
}

/// One rule a type, of the latest period alone: several periods would lie on top of one another.
fn by_type(results: &Results<'_>, with_outside: bool) -> Vec<Rule> {
    let latest = latest(results);
    let types = results.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    let mut rules: Vec<Rule> = Vec::new();
    for (at, kind) in types.iter().enumerate() {
        rules.push(Rule {
            label: format!("{} {}", kind.number, kind.name),
            filter: and(&[&format!("\"type\" = {}", kind.number), &latest]),
            is: Some(("type", Some(kind.number.to_string()))),
            colour: COLOURS.get(at).copied().unwrap_or(UNKNOWN),
        });
    }
    let inside = if with_outside { "\"cluster_id\" IS NOT NULL" } else { "" };
    rules.push(Rule {
        label: if types.is_empty() { "cluster".into() } else { "type not known".into() },
        filter: and(&["\"type\" IS NULL", inside, &latest]),
        is: Some(("type", None)),
        colour: UNKNOWN,
    });
    if with_outside {
        rules.push(Rule {
            label: "in no cluster".into(),
            filter: and(&["\"cluster_id\" IS NULL", &latest]),
            is: Some(("cluster_id", None)),
            colour: OUTSIDE,
        });
    }
    rules
}

fn by_kind(results: &Results<'_>) -> Vec<Rule> {
    let rule = |(at, kind): (usize, &String)| Rule {
        label: kind.clone(),
        filter: format!("\"kind\" = '{}'", kind.replace('\'', "''")),
        is: Some(("kind", Some(kind.clone()))),
        colour: LAYERS[at % LAYERS.len()],
    };
    results.measurements.kinds.iter().enumerate().map(rule).collect()
}

impl Rule {
    /// Red, green, blue and opacity as QGIS writes them.
    fn rgba(&self, opacity: u8) -> String {
        let part = |at: usize| u8::from_str_radix(&self.colour[at..at + 2], 16).unwrap_or_default();
        format!("{},{},{},{opacity}", part(1), part(3), part(5))
    }
}
