//! What the columns of a source hold: counts, ranges, frequent values. For people who meet a file for the first time.

use std::collections::BTreeMap;

use serde::Serialize;

use super::cells::Cells;
use super::table::Table;
use crate::sources::{Batch, Origin};

/// Up to this line every row is looked at, after it one in [`STRIDE`].
const EXACT: u64 = 50_000;
const STRIDE: u64 = 512;
/// Frequent values that are shown.
const TOP: usize = 5;

/// What a source's columns hold.
#[derive(Debug, Clone, Serialize)]
pub struct Profile {
    /// The mapped columns.
    pub columns: Vec<ColumnProfile>,
    /// Columns of the files that no mapped column reads, with the one value that they have throughout the first rows, if
    /// it is one.
    pub unused: Vec<(String, Option<String>)>,
    /// Whether medians and frequent values rest on a sample of the rows.
    pub sampled: bool,
}

/// What one column holds. Numbers are in the program's units.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ColumnProfile {
    /// Our name.
    pub column: String,
    /// `text`, `integer`, `number` or `date`.
    pub r#type: &'static str,
    /// Rows without a value (or with one that does not read).
    pub missing: u64,
    /// Different values; `None` where the rows were sampled.
    pub distinct: Option<u64>,
    /// Smallest value of a number.
    pub min: Option<f64>,
    /// Median of a number.
    pub median: Option<f64>,
    /// Greatest value of a number.
    pub max: Option<f64>,
    /// Frequent values with the number of their rows, the most frequent first.
    pub top: Vec<(String, u64)>,
    #[serde(skip)]
    sample: Sample,
}

#[derive(Debug, Clone, Default)]
struct Sample {
    numbers: Vec<(f64, u64)>,
    texts: BTreeMap<String, u64>,
}

/// One column of one batch.
#[derive(Debug, Clone)]
pub struct Sampled {
    profile: ColumnProfile,
    sampled: bool,
}

impl Sampled {
    /// Looks at a batch.
    pub fn of(table: &Table<'_>, origin: &[Origin]) -> Vec<Self> {
        let weigh = |line: u64| match line {
            _ if line <= EXACT => 1,
            _ if line.is_multiple_of(STRIDE) => STRIDE,
            _ => 0,
        };
        let weights: Vec<u64> = origin.iter().map(|origin| weigh(origin.line)).collect();
        let sampled = weights.iter().any(|weight| *weight != 1);
        // What a filter takes away is no part of what the columns hold.
        let weights: Vec<Option<u64>> =
            weights.into_iter().enumerate().map(|(row, weight)| (!table.is_filtered(row)).then_some(weight)).collect();
        let columns = table.plan.columns.iter().filter(|planned| &*planned.name != "geometry");
        let of = |name: &str| table.column(name).map(|cells| Self { profile: profile(name, cells, &weights), sampled });
        columns.filter_map(|planned| of(&planned.name)).collect()
    }
}

/// Rows without a weight are not looked at.
fn profile(name: &str, cells: &Cells<'_>, weights: &[Option<u64>]) -> ColumnProfile {
    let kind = match cells {
        Cells::Text(_) => "text",
        Cells::Integer(_) => "integer",
        Cells::Number(_) => "number",
        Cells::Date(_) => "date",
    };
    let mut column = ColumnProfile { column: name.to_owned(), r#type: kind, ..ColumnProfile::default() };
    for (row, weight) in weights.iter().enumerate().filter_map(|(row, weight)| Some((row, (*weight)?))) {
        if cells.is_missing(row) {
            column.missing += 1;
            continue;
        }
        if let Some(value) = cells.number(row) {
            column.min = Some(column.min.map_or(value, |min| min.min(value)));
            column.max = Some(column.max.map_or(value, |max| max.max(value)));
            if weight > 0 {
                column.sample.numbers.push((value, weight));
            }
        } else if let Some(text) = cells.shown(row).filter(|_| weight > 0) {
            match column.sample.texts.get_mut(text.as_ref()) {
                Some(count) => *count += weight,
                None => {
                    column.sample.texts.insert(text.into_owned(), weight);
                }
            }
        }
    }
    column
}

impl Profile {
    /// A profile of no rows yet.
    pub fn new(columns: Vec<Sampled>) -> Self {
        let columns = columns.into_iter().map(|column| column.profile).collect();
        Self { columns, unused: Vec::new(), sampled: false }
    }

    /// Adds a batch.
    pub fn add(&mut self, batch: Vec<Sampled>) {
        for (mine, theirs) in self.columns.iter_mut().zip(batch) {
            self.sampled |= theirs.sampled;
            let theirs = theirs.profile;
            mine.missing += theirs.missing;
            mine.min = [mine.min, theirs.min].into_iter().flatten().reduce(f64::min);
            mine.max = [mine.max, theirs.max].into_iter().flatten().reduce(f64::max);
            mine.sample.numbers.extend(theirs.sample.numbers);
            for (text, count) in theirs.sample.texts {
                *mine.sample.texts.entry(text).or_default() += count;
            }
        }
    }

    /// Notes a column that is not mapped.
    pub fn look_at_unused(&mut self, name: &str, position: usize, first: &[Batch]) {
        let mut values = first.iter().flat_map(|batch| (0..batch.rows()).map(move |row| batch.cell(row, position)));
        let one = values.next().flatten();
        let constant = one.filter(|one| values.all(|value| value == Some(*one)));
        self.unused.push((name.to_owned(), constant.map(str::to_owned)));
    }

    /// Works out medians and frequent values.
    pub fn finish(&mut self) {
        for column in &mut self.columns {
            let sample = std::mem::take(&mut column.sample);
            column.median = median(sample.numbers);
            if matches!(column.r#type, "text" | "date") {
                column.distinct = (!self.sampled).then_some(sample.texts.len() as u64);
                let mut texts: Vec<(String, u64)> = sample.texts.into_iter().collect();
                texts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                texts.truncate(TOP);
                column.top = texts;
            }
        }
    }
}

/// The lower median of weighted values.
fn median(mut values: Vec<(f64, u64)>) -> Option<f64> {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<u64>().div_ceil(2);
    let mut before = 0;
    values.into_iter().find_map(|(value, weight)| {
        before += weight;
        (before >= half).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_weighted() {
        assert_eq!(median(vec![(3.0, 1), (1.0, 1), (2.0, 1)]), Some(2.0));
        assert_eq!(median(vec![(1.0, 1), (2.0, 1), (3.0, 4)]), Some(3.0));
        assert_eq!(median(Vec::new()), None);
    }
}
