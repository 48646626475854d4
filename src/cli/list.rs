//! `list`: the clusters of a run.

use std::collections::HashMap;
use std::path::Path;

use forerunner::declared::at_most;
use forerunner::error::suggest;
use forerunner::names::{self, EMISSIONS};
use forerunner::report::columns::Kind;
use forerunner::report::stored::{Row, StoredRun, cell, number as value, typed};
use forerunner::score::Dimension;
use forerunner::{Error, Result};

use super::table::{self, RELATIVE, number};
use super::{json_text, print, say};

/// Which clusters to list, in which order, and how.
#[derive(Debug, Default, clap::Args)]
pub struct Selection {
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
    /// Only clusters whose type is so sure: robust, likely, contested or unknown.
    #[arg(long, value_name = "WORD", value_parser = ["robust", "likely", "contested", "unknown"])]
    robustness: Option<String>,
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
pub fn run(folder: &Path, wanted: &Selection) -> Result<()> {
    let run = StoredRun::open(folder)?;
    let columns = run.header("clusters")?;
    // What the columns hold is asked for only where it matters.
    let needs_kinds = wanted.json || wanted.sort.is_some();
    let kinds = if needs_kinds { run.kinds("clusters")? } else { HashMap::new() };
    if wanted.robustness.is_some() && !columns.iter().any(|column| column == "robustness") {
        let message = "nothing was drawn in this run: it does not say how sure types are".to_owned();
        return Err(Error::usage(message, "add [uncertainty] to its pipeline file, and run it again".to_owned()));
    }
    let dimensions: Vec<Dimension> = run.part("dimensions")?;
    let rows = run.table("clusters")?;
    let mut rows: Vec<&Row> = rows.iter().filter(|row| wanted.fits(&dimensions, row)).collect();
    let by = wanted.sort.as_deref().unwrap_or("-emissions_t");
    let (column, falls) = by.strip_prefix('-').map_or((by, false), |column| (column, true));
    if !columns.iter().any(|known| known == column) {
        let hint = suggest(column, columns.iter().map(String::as_str));
        return Err(Error::usage(format!("clusters.csv has no column `{column}`"), hint));
    }
    let is_numeric = !needs_kinds || matches!(kinds.get(column), Some(Kind::Integer | Kind::Number));
    sort(&mut rows, column, falls, is_numeric);
    if wanted.json {
        print(&json_text(&rows.iter().map(|row| typed(row, &kinds)).collect::<Vec<_>>()))
    } else if wanted.csv {
        print(&table::csv(&columns, &rows)?)
    } else {
        print(&clusters(&dimensions, &rows))?;
        if run.scoring()?.model.is_relative() {
            say(&format!("{RELATIVE}\n"));
        }
        Ok(())
    }
}

impl Selection {
    fn fits(&self, dimensions: &[Dimension], row: &Row) -> bool {
        let of_type = self.kind.is_none_or(|kind| cell(row, "type") == kind.to_string());
        let may_be = |kind: i64| cell(row, "possible_types").split('|').any(|open| open == kind.to_string());
        let of_period = self.period.is_none_or(|period| cell(row, "period") == period.to_string());
        let close = |points: f64| {
            dimensions.iter().any(|dimension| {
                let near = |score: f64| move |threshold: &f64| at_most((score - threshold).abs(), points);
                value(row, &dimension.id).is_some_and(|score| dimension.threshold.0.iter().any(near(score)))
            })
        };
        let so_sure = self.robustness.as_ref().is_none_or(|word| cell(row, "robustness") == word);
        of_type && of_period && so_sure && self.possible.is_none_or(may_be) && self.near_threshold.is_none_or(close)
    }
}

/// Orders rows by a column, numbers as numbers, empty cells last; equal ones keep their order.
fn sort(rows: &mut [&Row], column: &str, falls: bool, is_numeric: bool) {
    let order = |a: &&Row, b: &&Row| match (cell(a, column), cell(b, column)) {
        ("", "") => std::cmp::Ordering::Equal,
        ("", _) => std::cmp::Ordering::Greater,
        (_, "") => std::cmp::Ordering::Less,
        (x, y) => {
            let order = if is_numeric {
                value(a, column).unwrap_or(0.0).total_cmp(&value(b, column).unwrap_or(0.0))
            } else {
                x.cmp(y)
            };
            if falls { order.reverse() } else { order }
        }
    };
    rows.sort_by(order);
}

/// The table of clusters that `run` and `list` show, in the order given.
pub fn clusters(dimensions: &[Dimension], rows: &[&Row]) -> String {
    let periods = rows.iter().any(|row| !cell(row, "period").is_empty());
    let mut header: Vec<String> = ["cluster", "name"].map(str::to_owned).to_vec();
    if periods {
        header.push("period".into());
    }
    header.extend(["sites", "Mt"].map(str::to_owned));
    for Dimension { id, .. } in dimensions {
        header.extend([id.replace('_', " "), "level".into(), "coverage".into()]);
    }
    header.push("type".into());
    let is_drawn = rows.iter().any(|row| !cell(row, "robustness").is_empty());
    if is_drawn {
        header.push("how sure".into());
    }
    let row = |row: &&Row| {
        let mut cells = vec![cell(row, "cluster_id").to_owned(), cell(row, "cluster_name").chars().take(36).collect()];
        if periods {
            cells.push(cell(row, "period").to_owned());
        }
        cells.push(cell(row, "facility_count").to_owned());
        cells.push(number(value(row, EMISSIONS).map(|tonnes| tonnes / 1e6), 2));
        for Dimension { id, .. } in dimensions {
            cells.push(number(value(row, id), 1));
            cells.push(cell(row, &names::level(id)).to_owned());
            cells.push(number(value(row, &names::coverage(id)), 2));
        }
        cells.push(match (cell(row, "type_name"), cell(row, "possible_types")) {
            ("", open) => open.to_owned(),
            (name, _) => format!("{} {name}", cell(row, "type")),
        });
        if is_drawn {
            cells.push(cell(row, "robustness").to_owned());
        }
        cells
    };
    let rows: Vec<Vec<String>> = rows.iter().map(row).collect();
    table::text(&header.iter().map(String::as_str).collect::<Vec<_>>(), &rows)
}

/// Rows with the greatest emissions first.
pub fn by_emissions(rows: &[Row]) -> Vec<&Row> {
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by(|a, b| value(b, EMISSIONS).unwrap_or(0.0).total_cmp(&value(a, EMISSIONS).unwrap_or(0.0)));
    sorted
}
