//! How sure the same clusters' types are in two runs, where both have drawn.

use serde::Serialize;

use crate::error::Result;
use crate::report::stored::{Row, StoredRun, cell, number};

/// Changes of a probability smaller than this are told only with another word.
const SLIGHT: f64 = 0.05;

/// A cluster and period whose type is more or less sure than before.
#[derive(Debug, Serialize)]
pub struct SurenessChange {
    /// Its id in the first run.
    pub id: String,
    /// Its name in the second run.
    pub name: String,
    /// The period.
    pub period: Option<i64>,
    /// The word in the first run and in the second.
    pub robustness: [String; 2],
    /// The number of the type whose probability changed most.
    pub r#type: String,
    /// Its probability in the first run and in the second.
    pub p_type: [Option<f64>; 2],
}

/// The clusters of both runs, by the ids of both, whose word or whose probability of a type differs.
pub(super) fn sureness(a: &StoredRun, b: &StoredRun, pairs: &[(String, String)]) -> Result<Vec<SurenessChange>> {
    let is_drawn = |run: &StoredRun| Ok(run.header("clusters")?.iter().any(|column| column == "robustness"));
    if !(is_drawn(a)? && is_drawn(b)?) {
        return Ok(Vec::new());
    }
    let (before, after) = (a.table("clusters")?, b.table("clusters")?);
    let mut changes = Vec::new();
    for (id, new_id) in pairs {
        for first in before.iter().filter(|row| cell(row, "cluster_id") == id) {
            let is_same =
                |row: &&Row| cell(row, "cluster_id") == new_id && cell(row, "period") == cell(first, "period");
            changes.extend(after.iter().find(is_same).and_then(|second| change(first, second)));
        }
    }
    changes.sort_by(|a, b| b.weight().total_cmp(&a.weight()));
    Ok(changes)
}

fn change(first: &Row, second: &Row) -> Option<SurenessChange> {
    let probability = |row: &Row, column: &str| number(row, column);
    let columns = first.keys().filter(|column| column.starts_with("p_type_"));
    let moved = |column: &String| {
        let [a, b] = [first, second].map(|row| probability(row, column).unwrap_or(0.0));
        (b - a).abs()
    };
    let greatest = columns.max_by(|a, b| moved(a).total_cmp(&moved(b)))?;
    let robustness = [first, second].map(|row| cell(row, "robustness").to_owned());
    let differs = robustness[0] != robustness[1] || moved(greatest) >= SLIGHT;
    differs.then(|| SurenessChange {
        id: cell(first, "cluster_id").to_owned(),
        name: cell(second, "cluster_name").to_owned(),
        period: cell(first, "period").parse().ok(),
        r#type: greatest.trim_start_matches("p_type_").to_owned(),
        p_type: [first, second].map(|row| probability(row, greatest)),
        robustness,
    })
}

impl SurenessChange {
    fn weight(&self) -> f64 {
        (self.p_type[1].unwrap_or(0.0) - self.p_type[0].unwrap_or(0.0)).abs()
    }
}
