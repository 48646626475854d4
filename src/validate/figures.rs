//! Facts about whole clusters, brought in by files: long or wide.

use std::collections::BTreeSet;

use super::facilities::{numbers, texts};
use super::settings::{FigureSource, Shape};
use super::table::{Accepted, Table, pipeline};
use super::{Reader, Register, known_type};
use crate::error::{Problem, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::sources::{ColumnSpec, ColumnType, OneOrMany};

const KEYS: [&str; 5] = ["cluster", "facility", "period", "source", "note"];

/// All facts of all files, and the names of all figures: as declared, then by name.
#[derive(Debug, Default)]
pub struct Facts {
    /// Figures that are columns of `clusters`, with or without a row.
    pub names: Vec<String>,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// One fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Whom it is about.
    pub target: Target,
    /// When; `None` in every period that has no dated fact.
    pub period: Option<i64>,
    /// The figure's name.
    pub figure: String,
    /// Its value.
    pub value: f64,
    /// Where the value comes from, in the file's own words.
    pub source: Option<String>,
    /// What the source says, in the file's own words.
    pub note: Option<String>,
    /// The file.
    pub file: String,
    /// Its line.
    pub line: u64,
}

/// A cluster by its name, or the cluster of a facility.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The cluster that a facility is in.
    Facility(String),
    /// The cluster of this id.
    Cluster(String),
}

impl Facts {
    /// Adds another file's facts.
    pub fn extend(&mut self, other: Self) {
        for name in other.names {
            if !self.names.contains(&name) {
                self.names.push(name);
            }
        }
        self.facts.extend(other.facts);
    }
}

/// Reads and checks one `[figures.NAME]`.
pub(super) fn read(
    file: &str,
    source: &FigureSource,
    reader: &mut Reader<'_>,
    register: &Register,
    findings: &mut Findings,
) -> Result<Facts> {
    let name = format!("figures.{file}");
    let target = match (source.columns.contains_key("cluster"), source.columns.contains_key("facility")) {
        (true, false) => "cluster",
        (false, true) => "facility",
        _ => {
            let message = "give either `cluster` or `facility` among the columns".to_owned();
            return Err(pipeline(Problem::new(format!("{name}.columns"), message, "")));
        }
    };
    let wide = source.shape == Shape::Wide;
    let raw = reader.read(&name, &source.reading(), &source.columns, &[], &[], wide)?;
    let mut columns = source.columns.clone();
    if wide {
        let taken: Vec<String> = columns.values().flat_map(|spec| spec.column.0.clone()).collect();
        for column in raw.columns.iter().filter(|column| !taken.contains(column)) {
            columns.insert(
                column.clone(),
                ColumnSpec { column: OneOrMany(vec![column.clone()]), ..ColumnSpec::default() },
            );
        }
    }
    let types = |column: &str| {
        let known = known_type(&["cluster", "facility", "figure", "source", "note"], &["value"], &["period"], column);
        known.or(wide.then_some(ColumnType::Number))
    };
    let mut table = Table::convert(&name, raw, &columns, types, findings)?;
    table.filter(&source.filters)?;
    table.require(&[target], findings);
    if !wide {
        table.require(&["figure"], findings);
        table.unique(&[target, "period", "figure"], findings);
    }
    check_rows(&mut table, source, target, register, findings);
    table.check(&source.contract, findings)?;
    let accepted = reader.close(table, &source.contract, findings)?;
    let figures: Vec<String> = columns.keys().filter(|column| !KEYS.contains(&column.as_str())).cloned().collect();
    let facts = if wide { wide_facts(&accepted, target, &figures) } else { long_facts(&accepted, target) };
    let mut names = source.names.clone().unwrap_or_default();
    let brought: BTreeSet<String> =
        if wide { figures.into_iter().collect() } else { facts.iter().map(|fact| fact.figure.clone()).collect() };
    for figure in brought {
        if !names.contains(&figure) {
            names.push(figure);
        }
    }
    Ok(Facts { names, facts })
}

fn check_rows(table: &mut Table, source: &FigureSource, target: &str, register: &Register, findings: &mut Findings) {
    let mut lost = 0;
    for row in 0..table.rows() {
        if !table.is_kept(row) {
            continue;
        }
        let figure = table.text("figure", row).map(str::to_owned);
        if let (Some(names), Some(figure)) = (&source.names, figure)
            && !names.contains(&figure)
        {
            table.reject(row, "figure", "allowed", format!("not one of `names`: {}", names.join(", ")), findings);
            continue;
        }
        let facility = table.text("facility", row).map(str::to_owned);
        if let Some(facility) = facility.filter(|_| target == "facility") {
            if !register.ids.contains(&facility) {
                table.reject(row, "facility", "reference", "no facility of the register has this id".into(), findings);
            } else if !register.kept_ids.contains(&facility) {
                lost += 1;
            }
        }
    }
    let message = "figures of facilities that a filter or the quarantine took out of the register".to_owned();
    let name = table.name.clone();
    findings.add(Severity::Warning, "validate", &name, Rule::LostReference, message, lost);
}

fn fact(accepted: &Accepted, target: &str, row: usize, figure: &str, value: f64) -> Option<Fact> {
    let frame = &accepted.frame;
    let text = |name: &str| {
        let cell = frame.column(name).ok()?.str().ok()?.get(row)?;
        Some(cell.to_owned())
    };
    let key = text(target)?;
    let origin = accepted.origin[row];
    Some(Fact {
        target: if target == "facility" { Target::Facility(key) } else { Target::Cluster(key) },
        period: frame.column("period").ok().and_then(|column| column.i64().ok()?.get(row)),
        figure: figure.to_owned(),
        value,
        source: text("source"),
        note: text("note"),
        file: accepted.files[origin.file as usize].path.clone(),
        line: origin.line,
    })
}

fn long_facts(accepted: &Accepted, target: &str) -> Vec<Fact> {
    let (figures, values) = (texts(&accepted.frame, "figure"), numbers(&accepted.frame, "value"));
    let rows = figures.iter().zip(values).enumerate();
    rows.filter_map(|(row, (figure, value))| fact(accepted, target, row, figure.as_deref()?, value?)).collect()
}

fn wide_facts(accepted: &Accepted, target: &str, figures: &[String]) -> Vec<Fact> {
    let mut facts = Vec::new();
    for figure in figures {
        for (row, value) in numbers(&accepted.frame, figure).into_iter().enumerate() {
            facts.extend(value.and_then(|value| fact(accepted, target, row, figure, value)));
        }
    }
    facts
}
