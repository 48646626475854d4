//! `list`: the clusters of a run.

use std::path::Path;

use forerunner::Result;
use forerunner::declared::at_most;
use forerunner::error::suggest;
use forerunner::report::stored::{Row, StoredRun};
use serde_json::{Map, Value};

use super::run::usage;
use super::table::{self, number};
use super::{json_text, print};

/// Which clusters to list, in which order, and how.
#[derive(Debug, Default, clap::Args)]
pub struct Wanted {
    /// Only clusters of this type.
    #[arg(long = "type", value_name = "N", allow_negative_numbers = true)]
    kind: Option<i64>,
    /// Only clusters that may be of this type.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    possible: Option<i64>,
    /// Only this period.
    #[arg(long, allow_negative_numbers = true)]
    period: Option<i64>,
    /// Only clusters with a dimension within so many points of a threshold.
    #[arg(long, value_name = "POINTS")]
    near_threshold: Option<f64>,
    /// Order by a column of clusters.csv; with a minus before it, falling [default: -emissions_t].
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    sort: Option<String>,
    /// One JSON document on stdout.
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// CSV on stdout.
    #[arg(long)]
    csv: bool,
}

/// Prints the clusters of a run.
pub fn run(folder: &Path, wanted: &Wanted) -> Result<()> {
    let run = StoredRun::open(folder)?;
    let columns = run.header("clusters")?;
    let rows = run.table("clusters")?;
    let mut rows: Vec<&Row> = rows.iter().filter(|row| wanted.fits(&run, row)).collect();
    sort(&mut rows, wanted.sort.as_deref().unwrap_or("-emissions_t"), &columns)?;
    if wanted.json {
        print(&json_text(&rows.iter().map(|row| typed(row)).collect::<Vec<_>>()))
    } else if wanted.csv {
        print(&table::csv(&columns, &rows)?)
    } else {
        print(&clusters(&run, &rows))
    }
}

impl Wanted {
    fn fits(&self, run: &StoredRun, row: &Row) -> bool {
        let of_type = self.kind.is_none_or(|kind| cell(row, "type") == kind.to_string());
        let may_be = |kind: i64| cell(row, "possible_types").split('|').any(|open| open == kind.to_string());
        let of_period = self.period.is_none_or(|period| cell(row, "period") == period.to_string());
        let close = |points: f64| {
            dimensions(run).iter().any(|(id, thresholds)| {
                let score = value(row, id);
                score.is_some_and(|score| thresholds.iter().any(|threshold| at_most((score - threshold).abs(), points)))
            })
        };
        of_type && of_period && self.possible.is_none_or(may_be) && self.near_threshold.is_none_or(close)
    }
}

/// Orders rows by a column, numbers as numbers, empty cells last; equal ones keep their order.
fn sort(rows: &mut [&Row], by: &str, columns: &[String]) -> Result<()> {
    let (column, falls) = by.strip_prefix('-').map_or((by, false), |column| (column, true));
    if !columns.iter().any(|known| known == column) {
        let hint = suggest(column, columns.iter().map(String::as_str));
        return Err(usage(format!("clusters.csv has no column `{column}`"), Some(hint)));
    }
    let numeric = rows.iter().all(|row| cell(row, column).is_empty() || value(row, column).is_some());
    let order = |a: &&Row, b: &&Row| match (cell(a, column), cell(b, column)) {
        ("", "") => std::cmp::Ordering::Equal,
        ("", _) => std::cmp::Ordering::Greater,
        (_, "") => std::cmp::Ordering::Less,
        (x, y) => {
            let order = if numeric {
                value(a, column).unwrap_or(0.0).total_cmp(&value(b, column).unwrap_or(0.0))
            } else {
                x.cmp(y)
            };
            if falls { order.reverse() } else { order }
        }
    };
    rows.sort_by(order);
    Ok(())
}

/// The table of clusters that `run` and `list` show, in the order given.
pub fn clusters(run: &StoredRun, rows: &[&Row]) -> String {
    let dimensions = dimensions(run);
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
    let row = |row: &&Row| {
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
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    table::text(&header.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

/// Rows with the greatest emissions first.
pub fn by_emissions(rows: &[Row]) -> Vec<&Row> {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by(|a, b| value(b, "emissions_t").unwrap_or(0.0).total_cmp(&value(a, "emissions_t").unwrap_or(0.0)));
    sorted
}

/// The dimensions of a run with their thresholds.
pub fn dimensions(run: &StoredRun) -> Vec<(String, Vec<f64>)> {
    let thresholds = |value: &Value| match value {
        Value::Array(several) => several.iter().filter_map(Value::as_f64).collect(),
        one => one.as_f64().into_iter().collect(),
    };
    let list = run.pipeline()["dimensions"].as_array().into_iter().flatten();
    list.map(|one| (one["id"].as_str().unwrap_or_default().to_owned(), thresholds(&one["threshold"]))).collect()
}

/// A cell of a row.
pub fn cell<'a>(row: &'a Row, column: &str) -> &'a str {
    row.get(column).map_or("", String::as_str)
}

/// A number of a row.
pub fn value(row: &Row, column: &str) -> Option<f64> {
    cell(row, column).parse().ok()
}

/// Columns that hold text, also where it reads as a number.
const TEXTS: [&str; 16] = [
    "cluster_id",
    "cluster_name",
    "type_name",
    "possible_types",
    "facility_id",
    "name",
    "operator",
    "sector",
    "from",
    "to",
    "organisation",
    "source",
    "note",
    "file",
    "indicator",
    "reads",
];

/// A row as JSON: numbers and truth values where the cells read so.
pub fn typed(row: &Row) -> Map<String, Value> {
    let mut sorted: Vec<(&String, &String)> = row.iter().collect();
    sorted.sort();
    let json = |(column, cell): (&String, &String)| {
        let value = match (cell.as_str(), cell.parse::<i64>(), cell.parse::<f64>()) {
            ("", _, _) => Value::Null,
            (text, _, _) if TEXTS.contains(&column.as_str()) => text.into(),
            ("true", _, _) => true.into(),
            ("false", _, _) => false.into(),
            // What does not print back alike is a code, not a number.
            (text, Ok(whole), _) if whole.to_string() == text => whole.into(),
            (text, Err(_), Ok(number)) if number.is_finite() && text.contains(['.', 'e']) => number.into(),
            (text, _, _) => text.into(),
        };
        (column.clone(), value)
    };
    sorted.into_iter().map(json).collect()
}
