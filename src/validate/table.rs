//! One batch of rows through its checks: map, convert, filter, contract. Batches know nothing of one another, so
//! several are checked at a time; what spans rows (keys, thresholds) is the business of `stream`.

mod compute;
mod convert;

use std::collections::BTreeMap;
use std::sync::Arc;

use geo::Geometry;
use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::account::{Account, Filtered, Tally};
use super::cells::{Cells, Seen, broken_rule};
use super::plan::Plan;
use super::settings::Failing;
use crate::error::{Error, Result};
use crate::finding::{Rejection, Rule};
use crate::names::EMISSIONS;
use crate::sources::{Batch, ColumnType, RawFilter, sift};
use crate::sql::Expression;

/// The column that keeps CO2 from biomass apart.
pub const BIOGENIC_COLUMN: &str = "emissions_biogenic_t";

/// What is said of a cell that the joined file has filled, as the pipeline file asks.
pub const FILLED: &str = "empty here: filled from the joined file";

/// What has become of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    /// By the filter of this position.
    Filtered(usize),
    Rejected,
}

/// What was warned of, with the first place and the number of rows.
pub type Warnings = BTreeMap<(Rule, Arc<str>, String), (Arc<str>, u64, u64)>;

/// A batch on its way through the checks.
pub struct Table<'a> {
    /// The source's settings.
    pub plan: &'a Plan<'a>,
    batch: &'a Batch,
    columns: Vec<(Arc<str>, Cells<'a>)>,
    /// One a row where the source has places.
    pub geometries: Vec<Option<Geometry>>,
    fates: Vec<Fate>,
    unreadable_tonnes: Vec<bool>,
    late: Vec<(usize, &'static str, Rule, String, Failing)>,
    rejections: Vec<Rejection>,
    warnings: Warnings,
    widened: Vec<(usize, Seen)>,
    /// Names of the register that were met.
    pub met: Met,
}

/// Names that a batch gives to the register: counted, for they reject no row.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Met {
    /// The register had them, and a filter or the quarantine took them away.
    pub lost: usize,
    /// The register never had them, and the row has others.
    pub unknown: usize,
    /// Operators that the register never had, and how often.
    pub strangers: BTreeMap<String, usize>,
}

/// A batch that has passed.
#[derive(Serialize, Deserialize)]
pub struct Passed {
    /// The kept rows, under our names.
    #[serde(with = "crate::kept::frame")]
    pub frame: DataFrame,
    /// Of the rows of the batch those that were kept.
    pub kept: Vec<usize>,
    /// Emissions of the kept rows, t.
    pub tonnes: Vec<Option<f64>>,
    /// Geometries of the kept rows.
    pub geometry: Vec<Option<Geometry>>,
    /// Rows and tonnes.
    pub account: Account,
    /// Rejected rows.
    pub rejections: Vec<Rejection>,
    /// What was warned of.
    pub warnings: Warnings,
    /// Columns whose values show more than was guessed.
    pub widened: Vec<(usize, Seen)>,
    /// Names of the register that were met.
    pub met: Met,
}

impl<'a> Table<'a> {
    /// Maps and converts: every cell to its type and unit; a row with a cell that does not read is rejected.
    /// `guesses` tells what columns without a declared type have shown so far.
    ///
    /// # Errors
    ///
    /// [`Error::Pipeline`] for an expression that cannot be worked out.
    pub fn convert(plan: &'a Plan<'a>, batch: &'a Batch, guesses: &[Seen], join_required: bool) -> Result<Self> {
        let rows = batch.rows();
        let mut table = Self {
            plan,
            batch,
            columns: Vec::with_capacity(plan.columns.len() + 6),
            geometries: Vec::new(),
            fates: vec![Fate::Kept; rows],
            unreadable_tonnes: vec![false; rows],
            late: Vec::new(),
            rejections: batch.broken.clone(),
            warnings: Warnings::new(),
            widened: Vec::new(),
            met: Met::default(),
        };
        for (position, gone) in sift(&plan.raw_filters, batch)?.1.into_iter().enumerate() {
            gone.into_iter().for_each(|row| table.fates[row] = Fate::Filtered(position));
        }
        for (position, planned) in plan.columns.iter().enumerate() {
            let cells = match planned.declared {
                _ if planned.computed.is_some() => Cells::empty(planned.declared.unwrap_or(ColumnType::Text), rows),
                Some(kind) => table.cells(planned, kind),
                None => table.guessed(planned, position, guesses[position]),
            };
            table.columns.push((planned.name.clone(), cells));
        }
        let alone: Vec<usize> = (0..rows).filter(|&row| batch.is_alone(row) && table.is_kept(row)).collect();
        for row in alone {
            let message = "the joined file has no row of this key".to_owned();
            if !join_required {
                table.fail(row, "", Rule::Join, message, Failing::Warn);
            } else {
                let key = plan.join_key.as_ref().map(|name| (usize::MAX, name.clone()));
                let rejection = table.rejection_at(row, key.as_ref(), &batch.shown_key(row), Rule::Join, message);
                table.rejections.push(rejection);
                table.fates[row] = Fate::Rejected;
            }
        }
        table.compute()?;
        Ok(table)
    }

    /// The number of rows, rejected ones included.
    pub fn rows(&self) -> usize {
        self.fates.len()
    }

    /// A mapped column.
    pub fn column(&self, name: &str) -> Option<&Cells<'a>> {
        self.columns.iter().find(|(column, _)| &**column == name).map(|(_, cells)| cells)
    }

    /// The mapped text of a cell.
    pub fn text(&self, name: &str, row: usize) -> Option<&str> {
        self.column(name)?.text(row)
    }

    /// The mapped number of a cell.
    pub fn number(&self, name: &str, row: usize) -> Option<f64> {
        self.column(name)?.number(row)
    }

    /// Adds a computed column.
    pub fn push(&mut self, name: &str, cells: Cells<'a>) {
        self.columns.push((name.into(), cells));
    }

    /// A mapped column, to be put right.
    pub fn column_mut(&mut self, name: &str) -> Option<&mut Cells<'a>> {
        self.columns.iter_mut().find(|(column, _)| &**column == name).map(|(_, cells)| cells)
    }

    /// Adds an empty column if there is none of that name.
    pub fn push_missing(&mut self, name: &str, kind: ColumnType) {
        if self.column(name).is_none() {
            self.push(name, Cells::empty(kind, self.rows()));
        }
    }

    /// The geometry that came with a row.
    pub fn geometry(&self, row: usize) -> Option<&Geometry> {
        self.batch.geometry(row)
    }

    /// Whether a filter took a row away.
    pub fn is_filtered(&self, row: usize) -> bool {
        matches!(self.fates[row], Fate::Filtered(_))
    }

    /// Whether a row is still in.
    pub fn is_kept(&self, row: usize) -> bool {
        self.fates[row] == Fate::Kept
    }

    /// Sends a row to the quarantine; its first reason stands.
    pub fn reject(&mut self, row: usize, column: &str, rule: Rule, message: String) {
        if !self.is_kept(row) {
            return;
        }
        let rejection = self.rejection(row, column, rule, message);
        self.rejections.push(rejection);
        self.fates[row] = Fate::Rejected;
    }

    /// Sends a row to the quarantine, or keeps it and warns.
    pub fn fail(&mut self, row: usize, column: &str, rule: Rule, message: String, severity: Failing) {
        if severity == Failing::Reject {
            return self.reject(row, column, rule, message);
        }
        let place = self.rejection(row, column, rule, String::new());
        let known = self.warnings.entry((rule, place.column, message)).or_insert((place.file, place.line, 0));
        known.2 += 1;
    }

    /// Sends a row to the quarantine later on, if no filter takes it away before.
    pub fn reject_if_kept(&mut self, row: usize, column: &'static str, rule: Rule, message: String) {
        self.late.push((row, column, rule, message, Failing::Reject));
    }

    /// Sends a row to the quarantine later on, or warns of it, if no filter takes it away before.
    pub fn fail_if_kept(&mut self, row: usize, column: &'static str, rule: Rule, message: String, severity: Failing) {
        self.late.push((row, column, rule, message, severity));
    }

    /// A rejection, with the column that gave the value, else the first that could have.
    fn rejection(&self, row: usize, column: &str, rule: Rule, message: String) -> Rejection {
        let Some(planned) = self.plan.column(column) else {
            let column = (!column.is_empty()).then(|| (usize::MAX, Arc::from(column)));
            return self.rejection_at(row, column.as_ref(), "", rule, message);
        };
        if planned.computed.is_some() {
            let value = self.column(column).and_then(|cells| cells.shown(row)).unwrap_or_default().into_owned();
            return self.rejection_at(row, Some(&(usize::MAX, planned.name.clone())), &value, rule, message);
        }
        let parts = || planned.parts.iter().flat_map(|part| &part.from);
        let given = parts().find(|(position, _)| self.batch.cell(row, *position).is_some());
        let place = given.or_else(|| parts().next());
        let value = place.and_then(|(position, _)| self.batch.cell(row, *position)).unwrap_or_default();
        self.rejection_at(row, place, value, rule, message)
    }

    fn rejection_at(
        &self,
        row: usize,
        column: Option<&(usize, Arc<str>)>,
        value: &str,
        rule: Rule,
        message: String,
    ) -> Rejection {
        self.batch.rejection(row, column.map(|(position, name)| (*position, name)), value, rule, message)
    }

    /// The rows as a table, rejected ones included.
    pub fn frame(&self) -> Result<DataFrame> {
        let columns = self.columns.iter().map(|(name, cells)| cells.column(name)).collect();
        DataFrame::new(self.rows(), columns).map_err(Error::table("building a table"))
    }

    /// Applies the filters in order (a row leaves at the first that is not true for it), then what waited for them.
    pub fn filter(&mut self, frame: &DataFrame) -> Result<()> {
        let raw = self.plan.raw_filters.len();
        for (position, filter) in self.plan.filters.iter().enumerate() {
            for (row, keep) in self.holding(frame, filter, "where")? {
                if keep != Some(true) {
                    self.fates[row] = Fate::Filtered(raw + position);
                }
            }
        }
        for (row, column, rule, message, severity) in std::mem::take(&mut self.late) {
            if self.is_kept(row) {
                self.fail(row, column, rule, message, severity);
            }
        }
        Ok(())
    }

    /// Of the rows that are left whether a condition is true; the others are not looked at.
    fn holding(&self, frame: &DataFrame, condition: &Expression, key: &str) -> Result<Vec<(usize, Option<bool>)>> {
        let left: Vec<usize> = (0..self.rows()).filter(|&row| self.is_kept(row)).collect();
        let frame = self.left(frame, &left)?;
        let place = |at: usize| self.place(left[at]);
        let holds = condition.mask(&frame, &place).map_err(|failure| {
            let hint = "take such rows away with an earlier filter, or with `where_raw`";
            Error::pipeline(failure.at(format!("{}.{key}", self.plan.name), hint))
        })?;
        Ok(left.into_iter().zip(holds).collect())
    }

    /// Some rows of the table as a table.
    fn left(&self, frame: &DataFrame, rows: &[usize]) -> Result<DataFrame> {
        if rows.len() == self.rows() {
            return Ok(frame.clone());
        }
        let keep: BooleanChunked = (0..self.rows()).map(|row| Some(self.is_kept(row))).collect();
        frame.filter(&keep).map_err(Error::table("filtering"))
    }

    /// File and line of a row.
    fn place(&self, row: usize) -> String {
        format!("{} line {}", self.batch.file, self.batch.origin[row].line)
    }

    /// Checks the contract on what is left, row by row: rules of columns, then checks across columns.
    pub fn contract(&mut self, frame: &DataFrame) -> Result<()> {
        for (name, rule, pattern) in &self.plan.rules {
            let Some(at) = self.columns.iter().position(|(column, _)| **column == **name) else { continue };
            let planned = self.plan.column(name).filter(|_| rule.allowed.is_some() || pattern.is_some());
            for row in 0..self.rows() {
                let written = planned.and_then(|planned| planned.written(self.batch, row, self.plan));
                if self.is_kept(row)
                    && let Some((broken, message)) =
                        broken_rule(rule, pattern.as_ref(), (&self.columns[at].1, row), written)
                {
                    self.fail(row, name, broken, message, rule.severity);
                }
            }
        }
        for (check, severity) in &self.plan.checks {
            for (row, holds) in self.holding(frame, check, "contract.checks")? {
                if holds == Some(false) {
                    let column = check.columns().first().map_or("", String::as_str);
                    self.fail(row, column, Rule::Check, format!("`{}` is not true", check.text()), *severity);
                }
            }
        }
        Ok(())
    }

    /// Rejects rows without one of these columns: they say nothing.
    pub fn require(&mut self, columns: &[&str]) {
        for column in columns {
            let Some(at) = self.columns.iter().position(|(name, _)| &**name == *column) else { continue };
            for row in 0..self.rows() {
                if self.is_kept(row) && self.columns[at].1.is_missing(row) {
                    self.reject(row, column, Rule::Required, format!("`{column}` is empty"));
                }
            }
        }
    }

    fn tonnes(&self, row: usize) -> Option<f64> {
        self.number(EMISSIONS, row).filter(|_| !self.unreadable_tonnes[row])
    }

    /// Notes the words for "unknown" that were read as missing in kept rows.
    fn note_unknown(&mut self) {
        for planned in self.plan.columns.iter().filter(|planned| planned.parts[0].names) {
            let mut words: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
            for row in (0..self.rows()).filter(|&row| self.is_kept(row)) {
                if let Some(word) = planned.parts[0].unknown(self.batch, row) {
                    words.entry(word).or_insert((row, 0)).1 += 1;
                }
            }
            for (word, (row, count)) in words {
                let place = self.rejection(row, &planned.name, Rule::UnknownWord, String::new());
                let message = format!("`{word}` stands for \"not known\": read as missing");
                let key = (Rule::UnknownWord, place.column, message);
                self.warnings.entry(key).or_insert((place.file, place.line, 0)).2 += count;
            }
        }
    }

    /// Notes where both files of a join have a column, and what became of it in kept rows.
    fn note_same_columns(&mut self) {
        let columns = self.plan.columns.iter().flat_map(|planned| planned.parts.iter().flat_map(|part| &part.from));
        for (position, name) in columns.filter(|(position, _)| self.batch.is_in_both(*position)) {
            for row in (0..self.batch.rows()).filter(|&row| self.fates[row] == Fate::Kept) {
                let (Some(other), own) = (self.batch.other(row, *position), self.batch.cell(row, *position)) else {
                    continue;
                };
                let message = match own {
                    _ if self.batch.is_filled(row, *position) => FILLED,
                    None => "empty here, and the joined file has a value: `fill = true` in the join takes it",
                    Some(own) if own != other => {
                        "the joined file has another value in its column of this name: this file's stands"
                    }
                    Some(_) => continue,
                };
                let place =
                    self.rejection_at(row, Some(&(*position, name.clone())), "", Rule::SameColumn, String::new());
                let key = (Rule::SameColumn, place.column, message.to_owned());
                self.warnings.entry(key).or_insert((place.file, place.line, 0)).2 += 1;
            }
        }
    }

    /// Closes the batch: the kept rows, and the account of all.
    pub fn pass(mut self, frame: Option<&DataFrame>) -> Result<Passed> {
        self.note_unknown();
        self.note_same_columns();
        let kept: Vec<usize> = (0..self.rows()).filter(|&row| self.is_kept(row)).collect();
        let frame = match frame {
            Some(frame) if kept.len() == self.rows() => frame.clone(),
            Some(frame) => {
                let keep: BooleanChunked = (0..self.rows()).map(|row| Some(self.is_kept(row))).collect();
                frame.filter(&keep).map_err(Error::table("keeping rows"))?
            }
            None => DataFrame::empty(),
        };
        let geometry = if self.geometries.is_empty() {
            Vec::new()
        } else {
            kept.iter().map(|&row| self.geometries[row].take()).collect()
        };
        Ok(Passed {
            frame,
            tonnes: kept.iter().map(|&row| self.tonnes(row)).collect(),
            geometry,
            account: self.account(),
            rejections: self.rejections,
            warnings: self.warnings,
            widened: self.widened,
            met: self.met,
            kept,
        })
    }

    fn account(&self) -> Account {
        let has_tonnes = self.plan.column(EMISSIONS).is_some();
        let empty = Tally { tonnes: has_tonnes.then_some(0.0), ..Tally::default() };
        let raw = self.plan.raw_filters.iter().map(RawFilter::text);
        let filters = raw.chain(self.plan.filters.iter().map(Expression::text));
        let filtered = filters.map(|text| Filtered { r#where: text.to_owned(), tally: empty }).collect();
        let mut account = Account { read: empty, quarantined: empty, kept: empty, filtered, ..Account::default() };
        let tonnes = self.column(EMISSIONS).filter(|_| has_tonnes);
        for row in 0..self.rows() {
            let tonnes = tonnes.and_then(|cells| cells.number(row)).filter(|_| !self.unreadable_tonnes[row]);
            account.read.add(tonnes);
            match self.fates[row] {
                Fate::Rejected => account.quarantined.add(tonnes),
                Fate::Filtered(position) => account.filtered[position].tally.add(tonnes),
                Fate::Kept => account.kept.add(tonnes),
            }
        }
        for _ in &self.batch.broken {
            account.read.add(None);
            account.quarantined.add(None);
        }
        account
    }
}
