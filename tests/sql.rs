//! The arithmetic of expressions: random ones over a random register, against the answers of DuckDB in DOUBLE
//! (`tests/oracles/sql/make.py`). `SQL_ORACLES=FOLDER` runs over every folder in it.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use forerunner::pipeline::{self, Pipeline};
use forerunner::sql::{Expression, Yields};
use polars::prelude::*;

type Row = HashMap<String, String>;

fn rows(path: &Path) -> Vec<Row> {
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

fn close(found: f64, wanted: f64, sql: &str) -> bool {
    // Sums over 9e18 lose what is a billionth of them, in an order that is not ours.
    let lost = if sql.contains("big") { 1e5 } else { 0.0 };
    (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0) + lost
}

/// What stands for an answer: nothing, a number, or a truth value.
fn agrees(found: Option<f64>, wanted: &str, sql: &str) -> bool {
    match (found.filter(|value| value.is_finite()), wanted) {
        (None, "") => true,
        (Some(found), "true") => found == 1.0,
        (Some(found), "false") => found == 0.0,
        (Some(found), wanted) => wanted.parse().is_ok_and(|wanted| close(found, wanted, sql)),
        _ => false,
    }
}

/// The register as the program holds it: whole numbers as whole numbers.
fn table(register: &[Row]) -> DataFrame {
    let column = |name: &str| -> Column {
        let cells = || register.iter().map(|row| Some(row[name].as_str()).filter(|cell| !cell.is_empty()));
        match name {
            "share" => Column::new(name.into(), cells().map(|cell| cell?.parse::<f64>().ok()).collect::<Vec<_>>()),
            "id" | "label" | "name" | "sector" => Column::new(name.into(), cells().collect::<Vec<_>>()),
            _ => Column::new(name.into(), cells().map(|cell| cell?.parse::<i64>().ok()).collect::<Vec<_>>()),
        }
    };
    let names = ["id", "label", "emissions_t", "cap", "jobs", "big", "share", "code", "name", "sector"];
    DataFrame::new(register.len(), names.map(column).to_vec()).unwrap()
}

/// A whole run with every aggregate as an indicator.
fn run(folder: &Path, aggregates: &[(usize, &str)]) -> HashMap<(usize, String), Option<f64>> {
    let root = tempfile::tempdir().unwrap();
    std::fs::copy(folder.join("register.csv"), root.path().join("register.csv")).unwrap();
    let mut text = String::from(
        "name = 't'\n[facilities]\npath = 'register.csv'\ncolumns = { id = 'id', label = 'label', \
         emissions_t = { column = 'emissions_t', type = 'integer' }, cap = 'cap', jobs = 'jobs', big = 'big', \
         share = 'share', code = 'code', name = 'name', sector = 'sector' }\n[delineate]\nmethod = 'label'\n[outputs]\n\
         tables = ['csv']\nlayers = []\nreport = false\n[[dimensions]]\nid = 'd'\n",
    );
    for (position, sql) in aggregates {
        let _ =
            write!(text, "[[indicators]]\nid = 'i{position}'\nparent = 'd'\nexpr = '''{sql}'''\nworst = 0\nbest = 1\n");
    }
    let path = root.path().join("p.toml");
    std::fs::write(&path, text).unwrap();
    let out = root.path().join("run");
    let pipeline = Pipeline::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
    pipeline::run(&pipeline, &out, None, &|_| {}).unwrap_or_else(|error| panic!("{error}"));
    let found = rows(&out.join("indicators.csv")).into_iter();
    found
        .map(|row| ((row["indicator"][1..].parse().unwrap(), row["cluster_id"].clone()), row["value"].parse().ok()))
        .collect()
}

/// The answers that differ, in words, and how many were compared.
fn differing(folder: &Path) -> (Vec<String>, usize) {
    let register = rows(&folder.join("register.csv"));
    let expressions = rows(&folder.join("expressions.csv"));
    let table = table(&register);
    let sql = |position: usize| expressions[position]["sql"].as_str();
    let of_kind = |kind: &str| {
        let kind = kind.to_owned();
        expressions
            .iter()
            .enumerate()
            .filter(move |(_, row)| row["kind"] == kind)
            .map(|(at, row)| (at, row["sql"].as_str()))
    };
    let mut found = run(folder, &of_kind("aggregate").collect::<Vec<_>>());
    for (kind, shape) in [("predicate", Yields::Predicate), ("row", Yields::Row)] {
        for (position, text) in of_kind(kind) {
            let expression = Expression::parse(text, "x").unwrap_or_else(|problem| panic!("{problem}"));
            expression.check(table.schema(), shape, "x").unwrap_or_else(|problem| panic!("{text}: {problem}"));
            let values = expression.numbers(&table, &|row| row.to_string());
            let values = values.unwrap_or_else(|failure| panic!("{text}: {failure:?}"));
            assert_eq!(values.len(), register.len(), "{text}");
            found.extend(register.iter().zip(values).map(|(row, value)| ((position, row["id"].clone()), value)));
        }
    }
    let answers = rows(&folder.join("answers.csv"));
    let differs = answers.iter().filter_map(|answer| {
        let position: usize = answer["position"].parse().unwrap();
        let value = found[&(position, answer["key"].clone())];
        let same = agrees(value, &answer["value"], sql(position));
        (!same).then(|| format!("{} {}: {value:?}, DuckDB {:?}", sql(position), answer["key"], answer["value"]))
    });
    (differs.collect(), answers.len())
}

#[test]
fn expressions_are_those_of_duckdb_in_double() {
    let folders: Vec<PathBuf> = match std::env::var_os("SQL_ORACLES") {
        Some(folder) => std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect(),
        None => vec!["tests/oracles/sql".into()],
    };
    let (mut wrong, mut all) = (Vec::new(), 0);
    for folder in &folders {
        let (differing, compared) = differing(folder);
        wrong.extend(differing.into_iter().map(|line| format!("{}: {line}", folder.display())));
        all += compared;
    }
    let shown = wrong.iter().take(60).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {all} differ\n{shown}", wrong.len());
    assert!(all > 9000 * folders.len(), "{all}");
}
