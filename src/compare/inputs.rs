//! What differs between the files and the settings of two runs.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::report::stored::StoredRun;
use crate::stage::{self, Stage};

/// A file that one run alone has read, or a facility that it closed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct InputChange {
    /// The source, as the pipeline file names it.
    pub source: String,
    /// The file, or what the scenario says.
    pub what: String,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
}

/// A setting that differs.
#[derive(Debug, PartialEq, Serialize)]
pub struct SettingChange {
    /// The key, as the pipeline file has it.
    pub key: String,
    /// Its value in the first run; null where it has none.
    pub before: Value,
    /// Its value in the second run.
    pub after: Value,
    /// What it acts on.
    pub area: Area,
}

/// What a setting acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Rows, clusters and values.
    Measuring,
    /// Scores, levels and types.
    Rating,
    /// What is drawn to see how sure types are.
    Drawing,
    /// Words and files alone.
    Presenting,
}

/// The files that differ, and the facilities that one of the runs closed.
pub fn inputs(a: &StoredRun, b: &StoredRun) -> Vec<InputChange> {
    let mut changes = Vec::new();
    let (before, after) = (files(a), files(b));
    let sources: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let none = Vec::new();
    for source in sources {
        let (before, after) = (before.get(source).unwrap_or(&none), after.get(source).unwrap_or(&none));
        let lacks = |list: &[File], file: &File| list.iter().all(|other| other.sha256 != file.sha256);
        let removed: Vec<&File> = before.iter().filter(|file| lacks(after, file)).collect();
        let added: Vec<&File> = after.iter().filter(|file| lacks(before, file)).collect();
        let change = |file: &File, others: &[&File], alone: &'static str| InputChange {
            source: source.clone(),
            what: file.path.clone(),
            change: if others.iter().any(|other| other.path == file.path) { "changed" } else { alone },
        };
        changes.extend(added.iter().map(|file| change(file, &removed, "added")));
        let gone = removed.iter().map(|file| change(file, &added, "removed"));
        changes.extend(gone.filter(|change| change.change == "removed"));
    }
    let closed = |run: &StoredRun| -> Vec<String> {
        let ids = run.pipeline()["scenario"]["close"].as_array().into_iter().flatten();
        ids.filter_map(|id| id.as_str().map(str::to_owned)).collect()
    };
    let (before, after) = (closed(a), closed(b));
    let scenario = |id: &String, change| InputChange {
        source: "facilities".into(),
        what: format!("[scenario] close = {id}"),
        change,
    };
    changes.extend(after.iter().filter(|id| !before.contains(id)).map(|id| scenario(id, "added")));
    changes.extend(before.iter().filter(|id| !after.contains(id)).map(|id| scenario(id, "removed")));
    changes
}

struct File {
    path: String,
    sha256: String,
}

/// The files of each source.
fn files(run: &StoredRun) -> BTreeMap<String, Vec<File>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let of = |source: &Value| {
        let files = source["files"].as_array().into_iter().flatten();
        files.map(|file| File { path: text(&file["path"]), sha256: text(&file["sha256"]) }).collect()
    };
    let sources = run.manifest["sources"].as_array().into_iter().flatten();
    sources.map(|source| (text(&source["source"]), of(source))).collect()
}

/// The settings that differ, but for names, titles and paths (files show in [`inputs`]).
pub fn settings(a: &Value, b: &Value) -> Vec<SettingChange> {
    let is_given = |value: &Value| !value.is_null() && *value != serde_json::json!({});
    let leaves = |file| {
        let leaves = stage::leaves(file).into_iter().filter(|(_, value)| is_given(value));
        leaves.map(|(key, value)| (key, value.clone())).collect()
    };
    let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) = (leaves(a), leaves(b));
    let keys: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let of = |values: &BTreeMap<String, Value>, key: &String| values.get(key).cloned().unwrap_or(Value::Null);
    let change = |key: &String| {
        let (before, after) = (of(&before, key), of(&after, key));
        (before != after).then(|| SettingChange { key: key.clone(), before, after, area: area(key) })
    };
    keys.into_iter().filter(|key| !is_told_elsewhere(key)).filter_map(change).collect()
}

fn is_told_elsewhere(key: &str) -> bool {
    ["name", "title", "description"].contains(&key) || key.starts_with("scenario.") || key.ends_with(".path")
}

/// What a key acts on; one that is not known, on all.
fn area(key: &str) -> Area {
    match stage::use_of(key) {
        Some(reading) if reading.first == Stage::Uncertainty => Area::Drawing,
        Some(reading) if !reading.bears_on_scores => Area::Presenting,
        Some(reading) if reading.first >= Stage::Score => Area::Rating,
        _ => Area::Measuring,
    }
}
