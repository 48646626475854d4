//! What a person expects of a run: SQL over its tables, and those of the run before, that must give no rows, or one number within
//! limits. It is tried before the run is published.

use std::collections::BTreeSet;

use polars::prelude::DataFrame;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::declared::{at_least, at_most};
use crate::error::{Error, Problem, Result};
use crate::expectation::{Expectation, Expected, Gravity, Held};
use crate::finding::{Findings, Rule, Severity};
use crate::report::formats::geopackage::{free, value};
use crate::report::stored::StoredRun;
use crate::sql::query::{PREVIOUS, Query};

/// Memory that the tables and the query of one expectation may take, bytes.
const MEMORY: i64 = 4 << 30;
/// Rows that are shown of those that an expectation finds.
const SHOWN: usize = 5;

/// What expectations are tried on.
pub struct Ground<'a> {
    /// A table of the run by its name; `None` where it has none.
    pub table: &'a dyn Fn(&str) -> Result<Option<DataFrame>>,
    /// The run before.
    pub previous: Option<&'a StoredRun>,
    /// Names of tables that a run may have.
    pub known: Vec<&'a str>,
}

/// What is wrong with expectations, as far as it shows without a run; `known`: the tables that one may have.
pub fn check(expectations: &[Expectation], known: &[&str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut ids = BTreeSet::new();
    for one in expectations {
        let place = |key: &str| format!("expect.{}.{key}", one.id);
        if one.id.is_empty() || !ids.insert(&one.id) {
            problems.push(Problem::new(place("id"), "every expectation needs a name of its own", ""));
        }
        problems.extend(Query::parse(&one.sql, &place("sql"), known).err());
        let limits = [("min", one.min), ("max", one.max)];
        let odd = limits.iter().filter(|(_, limit)| limit.is_some_and(|limit| !limit.is_finite()));
        problems.extend(odd.map(|(key, _)| Problem::new(place(key), "this is no limit", "give a number")));
        if one.min.zip(one.max).is_some_and(|(min, max)| min > max) {
            problems.push(Problem::new(place("min"), "`min` is above `max`: nothing would do", ""));
        }
    }
    problems
}

/// Tries expectations; those that are only to warn become findings.
///
/// # Errors
///
/// [`Error::Data`] with every expectation of weight that does not hold, [`Error::Pipeline`] for SQL that does not run.
pub fn judge(expectations: &[Expectation], ground: &Ground<'_>) -> Result<(Vec<Expected>, Findings)> {
    let (mut all, mut findings, mut problems) = (Vec::new(), Findings::default(), Vec::new());
    for one in expectations {
        let (expected, evidence) = tried(one, ground)?;
        match (expected.outcome, one.severity) {
            (Held::Failed, Gravity::Error) => {
                let hint = "look into it; if it is right, change the expectation, or its severity to \"warn\"";
                problems.push(Problem::new(place(one), expected.found.clone(), hint).showing(evidence));
            }
            _ => note(&expected, &mut findings),
        }
        all.push(expected);
    }
    if problems.is_empty() { Ok((all, findings)) } else { Err(Error::Data { problems }) }
}

/// The finding of an expectation that did not hold, or that had nothing to compare with.
pub fn note(expected: &Expected, findings: &mut Findings) {
    let source = format!("expect.{}", expected.id);
    let (severity, rule) = match expected.outcome {
        Held::Passed => return,
        Held::Failed => (Severity::Warning, Rule::Expectation),
        Held::NothingToCompare => (Severity::Info, Rule::NothingToCompare),
    };
    findings.add(severity, &source, rule, expected.found.clone(), expected.rows.max(1) as usize);
}

fn place(one: &Expectation) -> String {
    format!("expect.{}", one.id)
}

/// What came of one, and rows that show it.
fn tried(one: &Expectation, ground: &Ground<'_>) -> Result<(Expected, Vec<String>)> {
    let query = Query::parse(&one.sql, &format!("{}.sql", place(one)), &ground.known).map_err(Error::pipeline)?;
    let mut expected = Expected {
        id: one.id.clone(),
        severity: one.severity,
        outcome: Held::Passed,
        compares: !query.previous.is_empty(),
        rows: 0,
        value: None,
        found: String::new(),
    };
    let refuse = |error: rusqlite::Error| {
        let hint = "write it in the words of SQLite; docs/formats has the columns of every table";
        Error::pipeline(Problem::new(format!("{}.sql", place(one)), error.to_string(), hint))
    };
    let file = Connection::open_in_memory().map_err(refuse)?;
    file.execute_batch(&format!("PRAGMA hard_heap_limit = {MEMORY}; ATTACH ':memory:' AS {PREVIOUS};"))
        .map_err(refuse)?;
    for name in &query.previous {
        let earlier = ground.previous.map(|run| run.frame(name)).transpose()?.flatten();
        let Some(earlier) = earlier else {
            expected.outcome = Held::NothingToCompare;
            expected.found = match ground.previous {
                None => "there is no earlier run to compare with".to_owned(),
                Some(_) => format!("the earlier run has no table `{name}`"),
            };
            return Ok((expected, Vec::new()));
        };
        load(&file, PREVIOUS, name, &earlier)?.map_err(refuse)?;
    }
    for name in &query.tables {
        let table = (ground.table)(name)?.ok_or_else(|| {
            let message = format!("this run has no table `{name}`");
            Error::pipeline(Problem::new(
                format!("{}.sql", place(one)),
                message,
                "docs/formats says when a run writes it",
            ))
        })?;
        load(&file, "main", name, &table)?.map_err(refuse)?;
    }
    let found = rows(&file, query.text()).map_err(refuse)?;
    // The limit is that of the whole process.
    file.execute_batch("PRAGMA hard_heap_limit = 0").map_err(refuse)?;
    expected.rows = found.rows;
    let evidence = settle(one, &mut expected, found);
    Ok((expected, evidence))
}

/// Whether what a query gave is what was expected; rows that show it.
fn settle(one: &Expectation, expected: &mut Expected, found: Found) -> Vec<String> {
    let words = if one.description.is_empty() { String::new() } else { format!(" ({})", one.description) };
    if one.min.is_none() && one.max.is_none() {
        if found.rows > 0 {
            expected.outcome = Held::Failed;
            expected.found = format!("{} rows, and none was expected{words}", found.rows);
        }
        return found.shown;
    }
    let value = found.first.filter(|_| found.rows == 1 && found.columns == 1);
    let number = match &value {
        Some(Value::Integer(number)) => Some(*number as f64),
        Some(Value::Real(number)) => Some(*number),
        _ => None,
    };
    expected.value = number;
    let limits = [one.min.map(|min| format!("at least {min}")), one.max.map(|max| format!("at most {max}"))];
    let limits = limits.into_iter().flatten().collect::<Vec<_>>().join(", ");
    let holds =
        |number: f64| one.min.is_none_or(|min| at_least(number, min)) && one.max.is_none_or(|max| at_most(number, max));
    match number {
        Some(number) if holds(number) => {}
        Some(number) => {
            expected.outcome = Held::Failed;
            expected.found = format!("{number}, and {limits} was expected{words}");
        }
        None => {
            expected.outcome = Held::Failed;
            let rows = found.rows;
            let what = if value.is_some() {
                "what is no number".to_owned()
            } else {
                format!("{rows} rows of {} columns", found.columns)
            };
            expected.found = format!("{what}, and one number, {limits}, was expected{words}");
        }
    }
    found.shown
}

/// What a query gave.
struct Found {
    rows: u64,
    columns: usize,
    first: Option<Value>,
    shown: Vec<String>,
}

fn rows(file: &Connection, sql: &str) -> rusqlite::Result<Found> {
    let mut statement = file.prepare(sql)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut found = Found { rows: 0, columns: names.len(), first: None, shown: Vec::new() };
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if found.rows == 0 && !names.is_empty() {
            found.first = Some(row.get::<_, Value>(0)?);
        }
        if found.shown.len() < SHOWN {
            let cells = names.iter().enumerate().map(|(at, name)| Ok(format!("{name} = {}", told(row.get_ref(at)?))));
            found.shown.push(cells.collect::<rusqlite::Result<Vec<String>>>()?.join(", "));
        }
        found.rows += 1;
    }
    Ok(found)
}

fn told(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => "nothing".into(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).chars().take(80).collect(),
        ValueRef::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

/// Puts a table where a query reads it.
fn load(file: &Connection, schema: &str, name: &str, table: &DataFrame) -> Result<rusqlite::Result<()>> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let mut taken = Vec::new();
    let listed = table.get_column_names().into_iter().map(|name| quoted(&free(name, &mut taken))).collect::<Vec<_>>();
    let marks = vec!["?"; listed.len()].join(", ");
    let mut failure = None;
    let mut write = || -> rusqlite::Result<()> {
        file.execute_batch(&format!("CREATE TABLE {schema}.{} ({}); BEGIN", quoted(name), listed.join(", ")))?;
        let mut insert = file.prepare(&format!("INSERT INTO {schema}.{} VALUES ({marks})", quoted(name)))?;
        for row in 0..table.height() {
            match table.columns().iter().map(|column| value(column, row)).collect::<Result<Vec<Value>>>() {
                Ok(cells) => _ = insert.execute(params_from_iter(cells))?,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            }
        }
        file.execute_batch("COMMIT")
    };
    let written = write();
    failure.map_or(Ok(written), Err)
}
