//! `explain`: one cluster from its type down to the rows that it rests on, and what would change it.

mod markdown;
mod story;
mod text;

use std::path::Path;

use forerunner::Result;
use forerunner::error::suggest;
use forerunner::report::stored::{Row, StoredRun, cell};

use super::run::usage;
use super::{json_text, print};
use story::{Story, story};

/// How to show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// For a terminal of 100 columns.
    Text,
    /// With everything that the tables say.
    Markdown,
    /// One JSON document.
    Json,
}

/// Explains one cluster in one period; in the latest, unless told otherwise.
pub fn run(folder: &Path, wanted: &str, period: Option<i64>, shape: Shape) -> Result<()> {
    let run = StoredRun::open(folder)?;
    let clusters = run.table("clusters")?;
    let cluster = find(&clusters, wanted, period)?;
    let story: Story = story(&run, cluster, &clusters)?;
    match shape {
        Shape::Json => print(&json_text(&story)),
        Shape::Markdown => print(&markdown::tell(&story)),
        Shape::Text => print(&text::tell(&story)),
    }
}

/// The row of a cluster by id, by name, or by a part of a name that only one has.
fn find<'a>(clusters: &'a [Row], wanted: &str, period: Option<i64>) -> Result<&'a Row> {
    let lower = wanted.to_lowercase();
    let by = |fits: &dyn Fn(&Row) -> bool| -> Vec<&'a Row> { clusters.iter().filter(|row| fits(row)).collect() };
    let exact = by(&|row| cell(row, "cluster_id") == wanted || cell(row, "cluster_name").to_lowercase() == lower);
    let found =
        if exact.is_empty() { by(&|row| cell(row, "cluster_name").to_lowercase().contains(&lower)) } else { exact };
    let mut ids: Vec<&str> = found.iter().map(|row| cell(row, "cluster_id")).collect();
    ids.dedup();
    if ids.is_empty() {
        let known = clusters.iter().flat_map(|row| [cell(row, "cluster_id"), cell(row, "cluster_name")]);
        return Err(usage(format!("the run has no cluster `{wanted}`"), Some(suggest(wanted, known))));
    }
    if ids.len() > 1 {
        let name = |id: &&str| {
            found.iter().find(|row| cell(row, "cluster_id") == *id).map_or("", |row| cell(row, "cluster_name"))
        };
        let listed: Vec<String> = ids.iter().map(|id| format!("{id} ({})", name(id))).collect();
        let message = format!("`{wanted}` fits {} clusters", ids.len());
        return Err(usage(message, Some(format!("give the id: {}", listed.join(", ")))));
    }
    let of_period = |row: &&&Row| period.is_none_or(|period| cell(row, "period") == period.to_string());
    let row = found.iter().rfind(of_period).copied();
    row.ok_or_else(|| {
        let periods: Vec<&str> = found.iter().map(|row| cell(row, "period")).collect();
        let message = format!("`{wanted}` is not there in {}", period.unwrap_or_default());
        usage(message, Some(format!("periods: {}", periods.join(", "))))
    })
}
