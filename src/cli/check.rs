//! `check`: what a run would keep, filter and reject, what the columns hold, and what may be wrong with the settings.

use std::path::Path;

use forerunner::Result;
use forerunner::finding::Findings;
use forerunner::pipeline::{self, Examination, Pipeline};
use forerunner::validate::{ColumnProfile, Profile};

use super::run::{accounts, found};
use super::table::{self, thousands};
use super::{json_text, print};

/// Rejected rows that are shown; `--json` lists them all.
const SHOWN: usize = 20;
/// Columns that nothing reads that are named.
const UNUSED: usize = 20;

/// Checks a pipeline and its data.
pub fn run(path: &Path, set: &[String], json: bool) -> Result<()> {
    let pipeline = Pipeline::load(path, set)?;
    let examined = pipeline::check(&pipeline)?;
    let findings = &examined.findings;
    if json {
        let profiles = examined.profiles.iter().map(|(source, profile)| {
            serde_json::json!({ "source": source, "columns": profile.columns, "unused": profile.unused, "sampled": profile.sampled })
        });
        let document = serde_json::json!({
            "sources": examined.accounts,
            "profiles": profiles.collect::<Vec<_>>(),
            "hints": examined.hints,
            "findings": findings.findings,
            "quarantine": findings.quarantine,
            "error": examined.error.as_ref().map(ToString::to_string),
        });
        print(&json_text(&document))?;
    } else {
        print(&text(&examined, findings))?;
    }
    examined.error.map_or(Ok(()), Err)
}

fn text(examined: &Examination, findings: &Findings) -> String {
    let mut text = accounts(&examined.accounts);
    for (source, profile) in &examined.profiles {
        text += &format!("\n{source}\n{}", columns(profile));
    }
    text += &rejected(findings);
    text += &found(findings);
    if !examined.hints.is_empty() {
        text += "\n";
    }
    examined.hints.iter().for_each(|hint| text += &format!("hint: {hint}\n"));
    text
}

fn columns(profile: &Profile) -> String {
    let number = |value: Option<f64>| value.map(short).unwrap_or_default();
    let row = |column: &ColumnProfile| {
        let about = if profile.sampled { "~" } else { "" };
        let median = column.median.map(|median| format!("{about}{}", short(median))).unwrap_or_default();
        vec![
            column.column.clone(),
            column.r#type.to_owned(),
            thousands(column.missing),
            number(column.min),
            median,
            number(column.max),
            frequent(column),
        ]
    };
    let rows: Vec<Vec<String>> = profile.columns.iter().map(row).collect();
    let mut text = table::text(&["column", "type", "missing", "min", "median", "max", "most frequent"], &rows);
    if !profile.unused.is_empty() {
        let names: Vec<&str> = profile.unused.iter().take(UNUSED).map(|(name, _)| name.as_str()).collect();
        let more = profile.unused.len() - names.len();
        let more = if more > 0 { format!(" … and {more} more") } else { String::new() };
        text += &format!("  not read: {}{more}\n", names.join(" | "));
    }
    text
}

/// The most frequent values, or how many different ones there are where each stands once.
fn frequent(column: &ColumnProfile) -> String {
    match (column.distinct, column.top.first()) {
        (Some(distinct), Some((_, 1))) => format!("{} different", thousands(distinct)),
        (_, Some(_)) => {
            let shown = column.top.iter().take(3).map(|(value, count)| {
                let value: String = value.chars().take(24).collect();
                format!("{value} ({})", thousands(*count))
            });
            shown.collect::<Vec<_>>().join(", ").replace(['\n', '\r'], " ")
        }
        _ => String::new(),
    }
}

/// A number in up to six significant digits.
fn short(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value}");
    }
    let decimals = (5 - value.abs().log10().floor() as i32).clamp(0, 8) as usize;
    let text = format!("{value:.decimals$}");
    if decimals == 0 { text } else { text.trim_end_matches('0').trim_end_matches('.').to_owned() }
}

fn rejected(findings: &Findings) -> String {
    if findings.quarantine.is_empty() {
        return String::new();
    }
    let row = |row: &forerunner::finding::Rejection| {
        let value: String = row.value.chars().take(40).collect();
        vec![
            row.source.to_string(),
            format!("{}:{}", row.file, row.line),
            row.column.to_string(),
            format!("{value:?}"),
            row.message.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = findings.quarantine.iter().take(SHOWN).map(row).collect();
    let mut text = format!("\n{} rows would be rejected:\n", thousands(findings.quarantine.len() as u64));
    text += &table::text(&["source", "place", "column", "value", "why"], &rows);
    if findings.quarantine.len() > SHOWN {
        text += &format!("  … and {} more: --json lists them all\n", findings.quarantine.len() - SHOWN);
    }
    text
}
