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
    pipeline::run(&pipeline, &out, None, &|_, _| {}).unwrap_or_else(|error| panic!("{error}"));
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

/// Each function that there is, with an example and what DuckDB 1.4 makes of it.
#[test]
fn every_function_gives_what_duckdb_gives() {
    let table = df![
        "x" => [1.5, -2.5, 7.0, 4.0],
        "y" => [2.0, 4.0, 8.5, -1.0],
        "s" => [Some("Ab c"), Some("xyz"), None, Some("Ab")],
        "d" => [Some("2022-03-04"), Some("2021-12-31"), None, Some("2020-02-29")],
    ];
    let table = table.unwrap().lazy().with_column(col("d").cast(DataType::Date)).collect().unwrap();
    let mut table = table;
    table.with_column(Column::new("unit".into(), vec![0u32; 4])).unwrap();
    let tested: Vec<&str> = FUNCTION_EXAMPLES.iter().map(|(name, ..)| *name).collect();
    assert_eq!(tested, forerunner::sql::FUNCTIONS);
    let page = std::fs::read_to_string("docs/method/3-measure.md").unwrap();
    for (name, text, wanted) in FUNCTION_EXAMPLES {
        assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/method/3-measure.md");
        assert!(text.contains(name), "{text} does not call {name}");
        let expression = Expression::parse(text, "x").unwrap_or_else(|problem| panic!("{problem}"));
        let found = expression.by_group(&table, ("unit", 1), None, &|row| row.to_string());
        let found = found.unwrap_or_else(|failure| panic!("{text}: {failure:?}"))[0].unwrap();
        assert!((found - wanted).abs() <= 1e-12 * wanted.abs().max(1.0), "{text}: {found}, DuckDB {wanted}");
    }
    for text in ["SUM(RANDOM())", "COUNT(*) + LENGTH(NOW())", "SUM(GREATST(x, y))"] {
        let problem = Expression::parse(text, "x").unwrap_err();
        assert!(problem.message.contains("which there is not"), "{problem}");
    }
}

const FUNCTION_EXAMPLES: [(&str, &str, f64); 73] = [
    ("ABS", "SUM(ABS(x))", 15.0),
    ("ACOS", "SUM(ACOS(x / 10))", 5.198382946866738),
    ("ASIN", "SUM(ASIN(x / 10))", 1.0848023603128483),
    ("ATAN", "SUM(ATAN(x))", 2.547220709423563),
    ("ATAN2", "SUM(ATAN2(x, y))", 2.5896011715863443),
    ("AVG", "AVG(x)", 2.5),
    ("CBRT", "SUM(CBRT(y))", 3.888149652821747),
    ("CEIL", "SUM(CEIL(x))", 11.0),
    ("CEILING", "SUM(CEILING(x))", 11.0),
    ("CHAR_LENGTH", "SUM(CHAR_LENGTH(s))", 9.0),
    ("COALESCE", "SUM(LENGTH(COALESCE(s, 'none')))", 13.0),
    ("CONCAT", "MAX(LENGTH(CONCAT(s, '-', s)))", 9.0),
    ("CONCAT_WS", "MAX(LENGTH(CONCAT_WS('--', s, s)))", 10.0),
    ("CORR", "CORR(x, y)", 0.30670359980616657),
    ("COS", "SUM(COS(x))", -0.6301477803995381),
    ("COT", "SUM(COT(x))", 3.4207695494625563),
    ("COUNT", "COUNT(s)", 3.0),
    ("COVAR_POP", "COVAR_POP(x, y)", 3.6875),
    ("COVAR_SAMP", "COVAR_SAMP(x, y)", 4.916666666666667),
    ("DATE_PART", "SUM(DATE_PART('year', d))", 6063.0),
    ("DEGREES", "SUM(DEGREES(x))", 572.9577951308232),
    ("ENDS_WITH", "COUNT(*) FILTER (WHERE ENDS_WITH(s, 'c'))", 1.0),
    ("EXP", "SUM(EXP(x))", 1155.7950825305647),
    ("EXTRACT", "SUM(EXTRACT(MONTH FROM d))", 17.0),
    ("FLOOR", "SUM(FLOOR(x))", 9.0),
    ("GREATEST", "SUM(GREATEST(x, y))", 18.5),
    ("IF", "SUM(IF(x > y, 10, 1))", 13.0),
    ("IFNULL", "SUM(LENGTH(IFNULL(s, '')))", 9.0),
    ("LEAST", "SUM(LEAST(x, y))", 5.0),
    ("LEFT", "MAX(LENGTH(LEFT(s, 2)))", 2.0),
    ("LENGTH", "SUM(LENGTH(s))", 9.0),
    ("LN", "SUM(LN(ABS(x)))", 4.653960350157523),
    ("LOG", "SUM(LOG(ABS(x)))", 2.0211892990699383),
    ("LOG10", "SUM(LOG10(ABS(x)))", 2.0211892990699383),
    ("LOG2", "SUM(LOG2(ABS(x)))", 6.714245517666123),
    ("LOWER", "COUNT(*) FILTER (WHERE LOWER(s) = 'ab')", 1.0),
    ("LPAD", "MAX(LENGTH(LPAD(s, 9, '*')))", 9.0),
    ("LTRIM", "MAX(LENGTH(LTRIM(CONCAT('  ', s))))", 4.0),
    ("MAX", "MAX(x)", 7.0),
    ("MEDIAN", "MEDIAN(x)", 2.75),
    ("MIN", "MIN(x)", -2.5),
    ("MOD", "SUM(MOD(x, 2))", 2.0),
    ("NULLIF", "SUM(NULLIF(x, 7))", 3.0),
    ("PI", "SUM(x) * PI()", 31.41592653589793),
    ("POW", "SUM(POW(x, 2))", 73.5),
    ("POWER", "SUM(POWER(x, 3))", 394.75),
    ("QUANTILE_CONT", "QUANTILE_CONT(x, 0.25)", 0.5),
    ("QUANTILE_DISC", "QUANTILE_DISC(x, 0.25)", -2.5),
    ("RADIANS", "SUM(RADIANS(x))", 0.17453292519943298),
    ("REGEXP_LIKE", "COUNT(*) FILTER (WHERE REGEXP_LIKE(s, '^Ab'))", 2.0),
    ("REPLACE", "MAX(LENGTH(REPLACE(s, 'b', 'bbb')))", 6.0),
    ("REVERSE", "COUNT(*) FILTER (WHERE REVERSE(s) = 'zyx')", 1.0),
    ("RIGHT", "COUNT(*) FILTER (WHERE RIGHT(s, 1) = 'z')", 1.0),
    ("ROUND", "SUM(ROUND(x))", 10.0),
    ("RPAD", "MAX(LENGTH(RPAD(s, 8, '*')))", 8.0),
    ("RTRIM", "MAX(LENGTH(RTRIM(CONCAT(s, '  '))))", 4.0),
    ("SIGN", "SUM(SIGN(x))", 2.0),
    ("SIN", "SUM(SIN(x))", 0.29920694591095875),
    ("SPLIT_PART", "COUNT(*) FILTER (WHERE SPLIT_PART(s, ' ', 2) = 'c')", 1.0),
    ("SQRT", "SUM(SQRT(ABS(x)))", 7.451635012540369),
    ("STARTS_WITH", "COUNT(*) FILTER (WHERE STARTS_WITH(s, 'Ab'))", 2.0),
    ("STDDEV", "STDDEV(x)", 4.02077936060494),
    ("STDDEV_SAMP", "STDDEV_SAMP(x)", 4.02077936060494),
    ("STRFTIME", "COUNT(*) FILTER (WHERE STRFTIME(d, '%Y-%m') = '2021-12')", 1.0),
    ("STRPOS", "SUM(STRPOS(s, 'b'))", 4.0),
    ("SUBSTR", "MAX(LENGTH(SUBSTR(s, 2)))", 3.0),
    ("SUM", "SUM(x)", 10.0),
    ("TAN", "SUM(TAN(x))", 16.877711509484275),
    ("TRIM", "MAX(LENGTH(TRIM(CONCAT(' ', s, ' '))))", 4.0),
    ("TRUNC", "SUM(TRUNC(x))", 10.0),
    ("UPPER", "COUNT(*) FILTER (WHERE UPPER(s) = 'AB')", 1.0),
    ("VARIANCE", "VARIANCE(x)", 16.166666666666668),
    ("VAR_SAMP", "VAR_SAMP(x)", 16.166666666666668),
];
