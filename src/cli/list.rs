//! `list`: the clusters of a run.

use std::path::Path;

use forerunner::Result;
use forerunner::report::stored::{Row, StoredRun};

use super::table::{self, number};
use super::{json_text, print};

/// Prints the clusters of a run, those of a type or near a threshold only if asked.
pub fn run(folder: &Path, kind: Option<i64>, near: Option<f64>, json: bool) -> Result<()> {
    let run = StoredRun::open(folder)?;
    let rows = run.table("clusters")?;
    let wanted = |row: &&Row| {
        let of_type = kind.is_none_or(|kind| cell(row, "type") == kind.to_string());
        let close = |points: f64| {
            dimensions(&run)
                .iter()
                .any(|(id, threshold)| value(row, id).is_some_and(|score| (score - threshold).abs() <= points))
        };
        of_type && near.is_none_or(close)
    };
    let rows: Vec<&Row> = rows.iter().filter(wanted).collect();
    if json {
        print(&json_text(&rows.iter().map(|row| typed(row)).collect::<Vec<_>>()))
    } else {
        print(&clusters(&run, &rows))
    }
}

/// The table of clusters that `run` and `list` show, greatest emissions first.
pub fn clusters(run: &StoredRun, rows: &[&Row]) -> String {
    let dimensions = dimensions(run);
    let mut sorted: Vec<&&Row> = rows.iter().collect();
    sorted.sort_by(|a, b| value(b, "emissions_t").unwrap_or(0.0).total_cmp(&value(a, "emissions_t").unwrap_or(0.0)));
    let periods = rows.iter().any(|row| !cell(row, "period").is_empty());
    let mut header: Vec<String> = ["cluster", "name"].map(str::to_owned).to_vec();
    if periods {
        header.push("period".into());
    }
    header.extend(["sites", "Mt"].map(str::to_owned));
    for (id, _) in &dimensions {
        header.extend([id.replace('_', " "), "level".into(), "coverage".into()]);
    }
    header.push("type".into());
    let row = |row: &&&Row| {
        let mut cells = vec![cell(row, "cluster_id").to_owned(), cell(row, "cluster_name").chars().take(36).collect()];
        if periods {
            cells.push(cell(row, "period").to_owned());
        }
        cells.push(cell(row, "facility_count").to_owned());
        cells.push(number(value(row, "emissions_t").map(|tonnes| tonnes / 1e6), 2));
        for (id, _) in &dimensions {
            cells.push(number(value(row, id), 1));
            cells.push(cell(row, &format!("{id}_level")).to_owned());
            cells.push(number(value(row, &format!("{id}_coverage")), 2));
        }
        cells.push(match (cell(row, "type_name"), cell(row, "possible_types")) {
            ("", open) => open.to_owned(),
            (name, _) => format!("{} {name}", cell(row, "type")),
        });
        cells
    };
    let rows: Vec<Vec<String>> = sorted.iter().map(row).collect();
    table::text(&header.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

/// The dimensions of a run with their thresholds.
pub fn dimensions(run: &StoredRun) -> Vec<(String, f64)> {
    let list = run.pipeline()["dimensions"].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|one| (one["id"].as_str().unwrap_or_default().to_owned(), one["threshold"].as_f64().unwrap_or(50.0)))
        .collect()
}

/// A cell of a row.
pub fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

/// A number of a row.
pub fn value(row: &Row, column: &str) -> Option<f64> {
    cell(row, column).parse().ok()
}

fn typed(row: &Row) -> serde_json::Map<String, serde_json::Value> {
    let text = ["cluster_id", "cluster_name", "type_name", "possible_types"];
    let mut sorted: Vec<(&String, &String)> = row.iter().collect();
    sorted.sort();
    let json = |(column, cell): (&String, &String)| {
        let value = match (cell.as_str(), cell.parse::<i64>(), cell.parse::<f64>()) {
            ("", _, _) => serde_json::Value::Null,
            _ if text.contains(&column.as_str()) => cell.as_str().into(),
            (_, Ok(whole), _) => whole.into(),
            (_, _, Ok(number)) => number.into(),
            _ => cell.as_str().into(),
        };
        (column.clone(), value)
    };
    sorted.into_iter().map(json).collect()
}
