//! `diff`: what changed between two runs, and what carried it.

use std::path::Path;

use forerunner::Result;
use forerunner::compare::{Area, ClusterChange, Difference, DimensionChange, SurenessChange, compare};
use forerunner::report::stored::StoredRun;
use serde_json::Value;

use super::table::{number, short, signed};
use super::{json_text, print};

/// Clusters, and parts of a change, that are shown.
const CLUSTERS: usize = 40;
const PARTS: usize = 8;

/// Prints what differs.
pub fn run(first: &Path, second: &Path, json: bool) -> Result<()> {
    let (a, b) = (StoredRun::open(first)?, StoredRun::open(second)?);
    let difference = compare(&a, &b)?;
    if json { print(&json_text(&difference)) } else { print(&tell(&difference)) }
}

fn tell(difference: &Difference) -> String {
    let mut text = String::new();
    if let Some([a, b]) = &difference.programs {
        text += &format!("Programs: {a}, then {b}\n");
    }
    text += "Inputs\n";
    for input in &difference.inputs {
        text += &format!("  {}: {} {}\n", input.source, input.what, input.change);
    }
    if difference.inputs.is_empty() {
        text += "  the same\n";
    }
    text += "Settings\n";
    for setting in difference.settings.iter().filter(|setting| setting.area != Area::Presenting) {
        text += &format!("  {}: {}, then {}\n", setting.key, plain(&setting.before), plain(&setting.after));
    }
    let words = difference.settings.iter().filter(|setting| setting.area == Area::Presenting).count();
    if words > 0 {
        text += &format!("  {words} more of words and files, which change no score: see --json\n");
    }
    if difference.settings.is_empty() {
        text += "  the same\n";
    }
    text += &format!(
        "Clusters: {} changed, {} unchanged, {} gone, {} new\n",
        difference.clusters.len(),
        difference.unchanged,
        difference.gone.len(),
        difference.new.len()
    );
    for (word, clusters) in [("gone", &difference.gone), ("new", &difference.new)] {
        for one in clusters.iter().take(CLUSTERS) {
            let period = one.period.map(|period| format!(", {period}")).unwrap_or_default();
            text += &format!("  {word}: {} ({}){period}\n", one.name, one.id);
        }
    }
    for cluster in difference.clusters.iter().take(CLUSTERS) {
        text += &changed(cluster);
    }
    if difference.clusters.len() > CLUSTERS {
        text += &format!("\n… and {} more: see --json\n", difference.clusters.len() - CLUSTERS);
    }
    if !difference.sureness.is_empty() {
        text += &format!("\nHow sure types are: {} changed\n", difference.sureness.len());
    }
    text += &difference.sureness.iter().take(CLUSTERS).map(surer).collect::<String>();
    text
}

fn surer(change: &SurenessChange) -> String {
    let period = change.period.map(|period| format!(", {period}")).unwrap_or_default();
    let [before, after] = &change.robustness;
    let words = if before == after { before.clone() } else { format!("{before} to {after}") };
    let [a, b] = change.p_type.map(|share| number(share, 2));
    format!("  {} ({}){period}: {words}; type {} {a} to {b}\n", change.name, change.id, change.r#type)
}

fn changed(cluster: &ClusterChange) -> String {
    let period = cluster.period.map(|period| format!(", {period}")).unwrap_or_default();
    let id = cluster.new_id.as_ref().map_or_else(|| cluster.id.clone(), |new| format!("{}, then {new}", cluster.id));
    let mut text = format!("\n{} ({id}){period}", cluster.name);
    if let Some(cause) = cluster.cause {
        let [before, after] = &cluster.types;
        text += &format!(": type {before} to {after}, by {}", cause.as_str());
    }
    text.push('\n');
    text + &cluster.dimensions.iter().map(dimension).collect::<String>()
}

fn dimension(dimension: &DimensionChange) -> String {
    let [a, b] = dimension.scores.map(|score| number(score, 2));
    let name = dimension.id.replace('_', " ");
    let [before, after] = dimension.levels;
    let levels = if before == after { before.to_owned() } else { format!("{before} to {after}") };
    let Some(change) = dimension.change.filter(|change| change.abs() > 0.0) else {
        let same = a == b && before == after;
        return if same { String::new() } else { format!("  {name} {a} to {b}, {levels}\n") };
    };
    let mut text = format!("  {name} {a} to {b} ({}), {levels}\n", signed(change, 2));
    for part in dimension.parts.iter().take(PARTS) {
        let sources = if part.sources.is_empty() { "other".to_owned() } else { part.sources.join(", ") };
        let [from, to] = part.values.map(short);
        let points = signed(part.part, 2);
        text += &format!("    {sources}: {} {from} to {to} {}: {points}\n", part.indicator, part.unit);
    }
    if dimension.parts.len() > PARTS {
        let rest: f64 = dimension.parts.iter().skip(PARTS).map(|part| part.part).sum();
        text += &format!("    {} more indicators: {}\n", dimension.parts.len() - PARTS, signed(rest, 2));
    }
    if dimension.by_settings != 0.0 {
        text += &format!("    other goalposts, weights or aggregation: {}\n", signed(dimension.by_settings, 2));
    }
    text
}

/// A value of the pipeline file, as it has it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "(not set)".into(),
        Value::String(text) => format!("\"{text}\""),
        other => other.to_string(),
    }
}
