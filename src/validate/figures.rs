//! Facts about whole clusters, brought in by files: long or wide.

use std::collections::BTreeSet;

use super::links::unknown;
use super::plan::{Declared, Plan, Settings};
use super::settings::{Between, FigureShape, FigureSource};
use super::stream::{Accepted, Steps};
use super::table::Table;
use super::texts::{numbers, texts};
use super::{Asked, KnownNames, Reader, known_type};
use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::sources::{ColumnSpec, ColumnType};

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

/// What the rows are about: the column `cluster` or `facility`.
fn target(name: &str, source: &FigureSource) -> Result<&'static str> {
    match (source.columns.contains_key("cluster"), source.columns.contains_key("facility")) {
        (true, false) => Ok("cluster"),
        (false, true) => Ok("facility"),
        _ => {
            let message = "give either `cluster` or `facility` among the columns".to_owned();
            Err(Error::pipeline(Problem::new(format!("{name}.columns"), message, "")))
        }
    }
}

/// Reads and checks one `[figures.NAME]`.
pub(super) fn read(
    file: &str,
    source: &FigureSource,
    reader: &mut Reader<'_>,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<Facts> {
    let name = format!("figures.{file}");
    let target = target(&name, source)?;
    let wide = source.shape == FigureShape::Wide;
    let reading = source.reading();
    let opened = reader.open(&name, &reading, &source.columns, Asked { all: wide, ..Asked::default() }, findings)?;
    let mut columns = source.columns.clone();
    if wide {
        let taken: Vec<String> = columns.values().flat_map(|spec| spec.column.0.clone()).collect();
        let wanted = |column: &&String| source.names.as_ref().is_none_or(|names| names.contains(column));
        for column in opened.columns.iter().filter(|column| !taken.contains(column)).filter(wanted) {
            columns.insert(column.clone(), ColumnSpec::plain(column));
        }
    }
    let types = |column: &str| {
        let known = known_type(&["cluster", "facility", "figure", "source", "note"], &["value"], &["period"], column);
        known.or(wide.then_some(ColumnType::Number))
    };
    let (dated_key, undated_key) = ([target, "period", "figure"], [target, "figure"]);
    let key: &[&str] = match (wide, columns.contains_key("period")) {
        (true, _) => &[],
        (false, true) => &dated_key,
        (false, false) => &undated_key,
    };
    let declared =
        Declared { reading: &reading, columns: &columns, contract: &source.contract, filters: &source.filters };
    let settings = Settings::new(&name, declared, &types);
    let plan = Plan::new(&Settings { key, names: &["period"], ..settings }, &opened)?;
    let after = |table: &mut Table<'_>| {
        table.require(if wide { &undated_key[..1] } else { &undated_key });
        check_rows(table, source, target, register);
    };
    let steps = Steps { after: &after, ..Steps::default() };
    let accepted = reader.read(&opened, &plan, &steps, Some(register), findings)?;
    let message = "figures of facilities that a filter or the quarantine took out of the register".to_owned();
    findings.add(Severity::Warning, &name, Rule::LostReference, message, accepted.met.lost);
    let figures: Vec<String> = columns.keys().filter(|column| !KEYS.contains(&column.as_str())).cloned().collect();
    Ok(if wide {
        Facts { facts: wide_facts(&accepted, target, &figures), names: names(source, figures.into_iter().collect()) }
    } else {
        let facts = long_facts(&accepted, target);
        Facts { names: names(source, facts.iter().map(|fact| fact.figure.clone()).collect()), facts }
    })
}

/// The figures that the source names, then those that its files bring.
fn names(source: &FigureSource, brought: BTreeSet<String>) -> Vec<String> {
    let mut names = source.names.clone().unwrap_or_default();
    for figure in brought {
        if !names.contains(&figure) {
            names.push(figure);
        }
    }
    names
}

/// Rejects figures that are not to come and facilities that there never were; counts those taken away since.
fn check_rows(table: &mut Table<'_>, source: &FigureSource, target: &str, register: &KnownNames) {
    for row in 0..table.rows() {
        if !table.is_kept(row) {
            continue;
        }
        if let (Some(names), Some(figure)) = (&source.names, table.text("figure", row))
            && !names.iter().any(|name| name == figure)
        {
            table.reject(row, "figure", Rule::Allowed, format!("not one of `names`: {}", names.join(", ")));
            continue;
        }
        let Some(facility) = table.text("facility", row).filter(|_| target == "facility") else { continue };
        if register.has(Between::Facility, facility) {
            table.met.lost += usize::from(!register.keeps(Between::Facility, facility));
        } else {
            table.reject(row, "facility", Rule::Reference, unknown(Between::Facility));
        }
    }
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
        file: accepted.paths[origin.file as usize].to_string(),
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
