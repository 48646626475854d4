//! The words of an expression mean the same in DataFusion: random ones over a random register (`tests/oracles/sql`, answered by
//! DuckDB too), as this program works them out and as DataFusion does over columns of DOUBLE. `SQL_ORACLES=FOLDER` takes every
//! folder in it.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::{as_float64_array, as_string_array};
use datafusion::prelude::SessionContext;

type Row = BTreeMap<String, String>;

/// Where DataFusion means something else by the same words: a remainder by zero is not null, a cast to a whole number cuts, and
/// a division of two whole numbers that stand in the text is one of whole numbers.
fn is_known_to_differ(sql: &str) -> bool {
    let divides_literals = sql.split(" / ").zip(sql.split(" / ").skip(1)).any(|(before, after)| {
        let whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        whole(before.rsplit('(').next().unwrap_or_default()) && whole(after.split(')').next().unwrap_or_default())
    });
    sql.contains(" % ") || sql.contains(" AS INTEGER)") || divides_literals
}

fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn register(rows: &[Row]) -> RecordBatch {
    let column = |name: &str| -> (String, ArrayRef) {
        let cells = rows.iter().map(|row| Some(row[name].as_str()).filter(|cell| !cell.is_empty()));
        let column: ArrayRef = match name {
            "id" | "label" | "name" | "sector" => Arc::new(cells.collect::<StringArray>()),
            _ => Arc::new(cells.map(|cell| cell.map(|cell| cell.parse::<f64>().unwrap())).collect::<Float64Array>()),
        };
        (name.to_owned(), column)
    };
    RecordBatch::try_from_iter(rows[0].keys().map(|name| column(name))).unwrap()
}

/// What DataFusion answers, by key; or why it does not.
async fn asked(context: &SessionContext, kind: &str, sql: &str) -> Result<BTreeMap<String, Option<f64>>, String> {
    let query = match kind {
        "aggregate" => format!("SELECT label AS key, {sql} AS value FROM facilities GROUP BY label"),
        _ => format!("SELECT id AS key, {sql} AS value FROM facilities"),
    };
    let answered = async { context.sql(&query).await?.collect().await };
    let mut found = BTreeMap::new();
    for batch in answered.await.map_err(|error| error.to_string())? {
        let keys = cast(batch.column(0), &DataType::Utf8).unwrap();
        let values = cast(batch.column(1), &DataType::Float64).map_err(|error| error.to_string())?;
        let (keys, values) = (as_string_array(&keys).unwrap(), as_float64_array(&values).unwrap());
        found.extend((0..keys.len()).filter(|&row| keys.is_valid(row)).map(|row| {
            (
                keys.value(row).to_owned(),
                values.is_valid(row).then(|| values.value(row)).filter(|value| value.is_finite()),
            )
        }));
    }
    Ok(found)
}

fn agrees(found: Option<f64>, wanted: &str, sql: &str) -> bool {
    let lost = if sql.contains("big") { 1e5 } else { 0.0 };
    match (found, wanted) {
        (None, "") => true,
        (Some(found), "true") => found == 1.0,
        (Some(found), "false") => found == 0.0,
        (Some(found), wanted) => {
            wanted.parse::<f64>().is_ok_and(|wanted| (found - wanted).abs() <= 1e-9 * wanted.abs().max(1.0) + lost)
        }
        _ => false,
    }
}

#[tokio::test]
async fn expressions_mean_the_same() {
    let folders: Vec<PathBuf> = match std::env::var_os("SQL_ORACLES") {
        Some(folder) => std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect(),
        None => vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/oracles/sql")],
    };
    let (mut same, mut refused, mut wrong) = (0, BTreeMap::<String, usize>::new(), Vec::new());
    for folder in folders {
        let context = SessionContext::new();
        context.register_batch("facilities", register(&rows(&folder.join("register.csv")))).unwrap();
        let mut answers: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
        for row in rows(&folder.join("answers.csv")) {
            answers
                .entry(row["position"].parse().unwrap())
                .or_default()
                .push((row["key"].clone(), row["value"].clone()));
        }
        for (position, row) in rows(&folder.join("expressions.csv")).into_iter().enumerate() {
            let sql = &row["sql"];
            let found = match asked(&context, &row["kind"], sql).await {
                Ok(found) => found,
                Err(reason) => {
                    *refused
                        .entry(reason.lines().next().unwrap_or_default().chars().take(90).collect())
                        .or_default() += 1;
                    continue;
                }
            };
            let differs = answers.get(&position).into_iter().flatten().find(|(key, wanted)| {
                let value = found.get(key).copied().flatten();
                !agrees(value, wanted, sql)
            });
            match differs {
                None => same += 1,
                Some((key, wanted)) => {
                    wrong.push((sql.clone(), format!("{key}: {:?}, and not {wanted:?}", found.get(key))))
                }
            }
        }
    }
    println!("{same} the same; refused: {refused:#?}; different: {wrong:#?}");
    wrong.retain(|(sql, _)| !is_known_to_differ(sql));
    assert!(same > 200 && wrong.is_empty(), "{same} the same; different: {wrong:#?}");
}
