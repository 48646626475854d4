//! Facts about whole clusters, brought in by files: long or wide.

use std::collections::BTreeSet;

use polars::prelude::{DataFrame, DataType};
use serde::{Deserialize, Serialize};

use super::links::ids;
use super::plan::{Declared, Plan, Settings};
use super::settings::{Between, FigureShape, FigureSource};
use super::stream::{Accepted, Steps};
use super::table::Table;
use super::texts::{numbers, texts, years};
use super::{Asked, KnownNames, Reader, known_type};
use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::sources::settings::Columns;
use crate::sources::{ColumnSpec, ColumnType, Source};
use crate::sql::{Expression, Yields};

const KEYS: [&str; 5] = ["cluster", "facility", "period", "source", "note"];
const YEARS: [&str; 2] = ["from_year", "to_year"];

/// All facts of all files, and the names of all figures: as declared, then by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Figures that are columns of `clusters`, with or without a row.
    pub names: Vec<String>,
    /// The facts.
    pub facts: Vec<Fact>,
    /// Rows of which SQL makes figures, a source each.
    pub aggregates: Vec<Aggregates>,
    /// Groups that clusters belong to.
    pub groups: Vec<GroupFact>,
}

/// A group that a cluster belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupFact {
    /// Whom it is about.
    pub target: Target,
    /// When; `None` in every period.
    pub period: Option<i64>,
    /// The column.
    pub name: String,
    /// What it says.
    pub group: String,
}

/// Rows of one source, and the figures that SQL makes of those of a cluster that count in a period.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Aggregates {
    /// The source, as the pipeline file names it.
    pub source: String,
    /// The rows, with the source's own columns.
    #[serde(with = "crate::kept::frame")]
    pub rows: DataFrame,
    /// Whom each row is about; one at least.
    pub targets: Vec<Vec<Target>>,
    /// First and last year of each row; empty is open.
    pub years: [Vec<Option<i64>>; 2],
    /// Where each row stands, and what its source says, without a figure.
    pub evidence: Vec<Fact>,
    /// Each figure with its expression.
    pub figures: Vec<(String, Expression)>,
}

impl Aggregates {
    /// Whether a row counts in a period; without a period every one does.
    pub fn counts_in(&self, row: usize, period: Option<i64>) -> bool {
        let [from, to] = self.years.each_ref().map(|years| years[row]);
        period.is_none_or(|year| from.is_none_or(|from| from <= year) && to.is_none_or(|to| year <= to))
    }
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        self.groups.extend(other.groups);
        self.aggregates.extend(other.aggregates);
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
    let columns = columns(source, &opened);
    let made = !source.aggregate.is_empty();
    let types = |column: &str| {
        if made {
            return known_type(&["cluster", "facility", "source", "note"], &[], &YEARS, column);
        }
        let known = known_type(&["cluster", "facility", "figure", "source", "note"], &["value"], &["period"], column);
        let known = known.or(source.groups.iter().any(|group| group == column).then_some(ColumnType::Text));
        known.or(wide.then_some(ColumnType::Number))
    };
    let (dated_key, undated_key) = ([target, "period", "figure"], [target, "figure"]);
    let key: &[&str] = match (wide || made, columns.contains_key("period")) {
        (true, _) => &[],
        (false, true) => &dated_key,
        (false, false) => &undated_key,
    };
    let declared =
        Declared { reading: &reading, columns: &columns, contract: &source.contract, filters: &source.filters };
    let settings = Settings::new(&name, declared, &types);
    let names_of_nothing: &[&str] = if made { &YEARS } else { &["period"] };
    let plan = Plan::new(&Settings { key, names: names_of_nothing, ..settings }, &opened)?;
    let after = |table: &mut Table<'_>| {
        table.require(if wide || made { &undated_key[..1] } else { &undated_key });
        check_rows(table, source, target, register);
    };
    let steps = Steps { after: &after, ..Steps::default() };
    let accepted = reader.read(&opened, &plan, &steps, Some(register), findings)?;
    let message = "figures of facilities that a filter or the quarantine took out of the register".to_owned();
    findings.add(Severity::Warning, &name, Rule::LostReference, message, accepted.met.lost);
    let message = "facilities of a cell with several that the register does not have: left out".to_owned();
    findings.add(Severity::Info, &name, Rule::UnknownMember, message, accepted.met.unknown);
    if made {
        return aggregates(&name, source, target, accepted, register);
    }
    Ok(if wide {
        wide_facts((&accepted, target), source, register, &columns)
    } else {
        let facts = long_facts((&accepted, target), source, register);
        let brought = facts.iter().map(|fact| fact.figure.clone()).collect();
        Facts { names: names(source, brought), facts, ..Facts::default() }
    })
}

/// The columns that are mapped and, of a wide file, all others that are wanted.
fn columns(source: &FigureSource, opened: &Source) -> Columns {
    let mut columns = source.columns.clone();
    if source.shape == FigureShape::Wide {
        let taken: Vec<String> = columns.values().flat_map(|spec| spec.column.0.clone()).collect();
        let is_named = |column: &String| source.names.as_ref().is_none_or(|names| names.contains(column));
        let wanted = |column: &&String| is_named(column) || source.groups.contains(column);
        for column in opened.columns.iter().filter(|column| !taken.contains(column)).filter(wanted) {
            columns.insert(column.clone(), ColumnSpec::plain(column));
        }
    }
    columns
}

/// The rows of which SQL makes figures.
fn aggregates(
    name: &str,
    source: &FigureSource,
    target: &str,
    accepted: Accepted,
    register: &KnownNames,
) -> Result<Facts> {
    let mut schema = (**accepted.frame.schema()).clone();
    schema.with_column("period".into(), DataType::Int64);
    let (mut figures, mut problems) = (Vec::new(), Vec::new());
    for (figure, sql) in &source.aggregate {
        let place = format!("{name}.aggregate.{figure}");
        let checked = Expression::parse(sql, &place)
            .and_then(|expression| expression.check(&schema, Yields::Aggregate, &place).map(|()| expression));
        match checked {
            Ok(expression) => figures.push((figure.clone(), expression)),
            Err(problem) => problems.push(problem),
        }
    }
    if !problems.is_empty() {
        return Err(Error::Pipeline { problems });
    }
    let keys = texts(&accepted.frame, target);
    let targets = keys.iter().map(|key| targets(key.as_deref().unwrap_or_default(), target, source, register));
    let aggregates = Aggregates {
        source: name.to_owned(),
        targets: targets.collect(),
        years: YEARS.map(|column| years(&accepted.frame, column)),
        evidence: (0..keys.len()).filter_map(|row| fact(&accepted, target, row, "", 0.0)).collect(),
        rows: accepted.frame,
        figures,
    };
    let names = names(source, source.aggregate.keys().cloned().collect());
    Ok(Facts { names, aggregates: vec![aggregates], ..Facts::default() })
}

/// Whom a cell is about: a cluster, or facilities that the register has.
fn targets(cell: &str, target: &str, source: &FigureSource, register: &KnownNames) -> Vec<Target> {
    if target == "cluster" {
        return vec![Target::Cluster(cell.to_owned())];
    }
    let ids = ids(cell, &source.separator).into_iter();
    ids.filter(|id| register.has(Between::Facility, id)).map(Target::Facility).collect()
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
        let Some(cell) = table.text("facility", row).filter(|_| target == "facility") else { continue };
        let ids = ids(cell, &source.separator).into_iter();
        let (known, strange): (Vec<String>, Vec<String>) = ids.partition(|id| register.has(Between::Facility, id));
        table.met.lost += known.iter().filter(|id| register.left(Between::Facility, id) != Some(true)).count();
        if known.is_empty() {
            table.reject(row, "facility", Rule::Reference, Between::Facility.stranger());
        } else {
            table.met.unknown += strange.len();
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

/// A fact once for each that its cell is about.
fn of_each(fact: Fact, cell: &str, target: &str, source: &FigureSource, register: &KnownNames) -> Vec<Fact> {
    if source.separator.is_empty() {
        return vec![fact];
    }
    let targets = targets(cell, target, source, register);
    targets.into_iter().map(|target| Fact { target, ..fact.clone() }).collect()
}

fn long_facts((accepted, target): (&Accepted, &str), source: &FigureSource, register: &KnownNames) -> Vec<Fact> {
    let (figures, values) = (texts(&accepted.frame, "figure"), numbers(&accepted.frame, "value"));
    let keys = texts(&accepted.frame, target);
    let rows = figures.iter().zip(values).enumerate();
    let facts = rows.filter_map(|(row, (figure, value))| {
        let fact = fact(accepted, target, row, figure.as_deref()?, value?)?;
        Some(of_each(fact, keys[row].as_deref()?, target, source, register))
    });
    facts.flatten().collect()
}

/// The groups that one column says.
fn groups(
    (accepted, target): (&Accepted, &str),
    source: &FigureSource,
    register: &KnownNames,
    name: &str,
) -> Vec<GroupFact> {
    let (keys, periods) = (texts(&accepted.frame, target), years(&accepted.frame, "period"));
    let rows = texts(&accepted.frame, name).into_iter().zip(keys).zip(periods);
    let of_row = |((group, key), period): ((Option<String>, Option<String>), Option<i64>)| {
        let (group, key) = (group?, key?);
        let of = move |target| GroupFact { target, period, name: name.to_owned(), group: group.clone() };
        Some(targets(&key, target, source, register).into_iter().map(of).collect::<Vec<_>>())
    };
    rows.filter_map(of_row).flatten().collect()
}

fn wide_facts(
    (accepted, target): (&Accepted, &str),
    source: &FigureSource,
    register: &KnownNames,
    columns: &Columns,
) -> Facts {
    let is_figure = |column: &&String| !KEYS.contains(&column.as_str()) && !source.groups.contains(column);
    let figures: Vec<String> = columns.keys().filter(is_figure).cloned().collect();
    let keys = texts(&accepted.frame, target);
    let mut facts = Vec::new();
    for figure in &figures {
        for (row, value) in numbers(&accepted.frame, figure).into_iter().enumerate() {
            let fact = value.and_then(|value| fact(accepted, target, row, figure, value));
            let cell = keys[row].as_deref().unwrap_or_default();
            facts.extend(fact.into_iter().flat_map(|fact| of_each(fact, cell, target, source, register)));
        }
    }
    let groups = source.groups.iter().flat_map(|name| groups((accepted, target), source, register, name)).collect();
    Facts { facts, names: names(source, figures.into_iter().collect()), groups, ..Facts::default() }
}
