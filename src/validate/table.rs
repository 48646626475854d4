//! One source through its checks: map, convert, filter, contract; every row accounted for.

use std::collections::HashMap;

use geo::Geometry;
use polars::prelude::*;

use super::account::{Account, Filtered, Tally};
use super::cells::{Cells, broken_rule, number, read_all, whole};
use super::settings::Contract;
use super::units::{self, Factor};
use crate::error::{Error, Problem, Result, suggest};
use crate::finding::{Findings, Rejection};
use crate::sources::settings::Columns;
use crate::sources::{ColumnSpec, ColumnType, InputFile, OneOrMany, Origin, RawTable};
use crate::sql::{Expression, Shape};

/// A source on its way through the checks.
pub struct Table {
    /// The source, as the pipeline file names it.
    pub name: String,
    raw: RawTable,
    specs: Columns,
    columns: Vec<(String, Cells)>,
    rejected: Vec<bool>,
    filtered_by: Vec<Option<usize>>,
    unreadable_tonnes: Vec<bool>,
    filters: Vec<String>,
}

/// A source that has passed them.
pub struct Accepted {
    /// The kept rows, under our names.
    pub frame: DataFrame,
    /// Where each kept row stood.
    pub origin: Vec<Origin>,
    /// The files.
    pub files: Vec<InputFile>,
}

impl Table {
    /// Maps and converts: every cell to its type and unit; a row with a cell that does not read is rejected.
    pub fn convert(
        name: &str,
        raw: RawTable,
        specs: &Columns,
        types: impl Fn(&str) -> Option<ColumnType>,
        findings: &mut Findings,
    ) -> Result<Self> {
        let rows = raw.origin.len();
        let mut table = Self {
            name: name.to_owned(),
            specs: specs.clone(),
            columns: Vec::new(),
            rejected: vec![false; rows],
            filtered_by: vec![None; rows],
            unreadable_tonnes: vec![false; rows],
            filters: Vec::new(),
            raw,
        };
        findings.quarantine.append(&mut table.raw.broken.clone());
        for (column, spec) in specs {
            let place = format!("{name}.columns.{column}");
            let factor = units::factor(column, spec, &place).map_err(pipeline)?;
            let declared = spec.kind.or_else(|| types(column));
            let kind = declared.unwrap_or_else(|| table.infer(spec));
            let cells = table.cells(column, spec, kind, factor, findings);
            table.columns.push((column.clone(), cells));
        }
        Ok(table)
    }

    /// The number of rows, rejected ones included.
    pub fn rows(&self) -> usize {
        self.rejected.len()
    }

    /// A mapped column.
    pub fn column(&self, name: &str) -> Option<&Cells> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, cells)| cells)
    }

    /// The mapped text of a cell.
    pub fn text(&self, name: &str, row: usize) -> Option<&str> {
        self.column(name)?.text().get(row)?.as_deref()
    }

    /// Adds a computed column.
    pub fn push(&mut self, name: &str, cells: Cells) {
        self.columns.push((name.to_owned(), cells));
    }

    /// The geometry that came with a row.
    pub fn geometry(&self, row: usize) -> Option<&Geometry> {
        self.raw.geometry[row].as_ref()
    }

    /// Whether a row is still in.
    pub fn is_kept(&self, row: usize) -> bool {
        !self.rejected[row] && self.filtered_by[row].is_none()
    }

    /// The first column of the file that has a value in a row, with its text.
    fn source_cell<'a>(&'a self, spec: &'a ColumnSpec, row: usize) -> (&'a str, Option<&'a str>) {
        source_cell(&self.raw, spec, row)
    }

    /// Sends a row to the quarantine.
    pub fn reject(&mut self, row: usize, column: &str, rule: &'static str, message: String, findings: &mut Findings) {
        let (file_column, value) = match self.specs.get(column) {
            Some(spec) => self.source_cell(spec, row),
            None => (column, None),
        };
        let origin = self.raw.origin[row];
        findings.quarantine.push(Rejection {
            source: self.name.clone(),
            file: self.raw.path(origin).to_owned(),
            line: origin.line,
            column: file_column.to_owned(),
            value: value.unwrap_or_default().to_owned(),
            rule,
            message,
        });
        self.rejected[row] = true;
    }

    fn infer(&self, spec: &ColumnSpec) -> ColumnType {
        let values = || (0..self.rows()).filter_map(|row| self.source_cell(spec, row).1).map(str::trim);
        let coded =
            |text: &str| text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        if values().next().is_none() || values().any(coded) {
            ColumnType::Text
        } else if values().all(|text| text.parse::<i64>().is_ok()) {
            ColumnType::Integer
        } else if values().all(|text| number(text).is_some()) {
            ColumnType::Number
        } else {
            ColumnType::Text
        }
    }

    fn cells(
        &mut self,
        column: &str,
        spec: &ColumnSpec,
        kind: ColumnType,
        factor: Factor,
        findings: &mut Findings,
    ) -> Cells {
        let rows = self.rows();
        let texts: Vec<Option<String>> =
            (0..rows).map(|row| self.source_cell(spec, row).1.map(|text| text.trim().to_owned())).collect();
        let mut refused = Vec::new();
        let cells = match kind {
            ColumnType::Text => return Cells::Text(texts),
            ColumnType::Integer => Cells::Integer(read_all(&texts, whole, &mut refused)),
            ColumnType::Number => {
                let values = read_all(&texts, number, &mut refused);
                Cells::Number(values.into_iter().map(|value| value.map(|value| factor.apply(value))).collect())
            }
        };
        let what = if kind == ColumnType::Integer { "a whole number" } else { "a number" };
        for row in refused {
            self.unreadable_tonnes[row] |= column == "emissions_t";
            if !self.rejected[row] {
                let message =
                    format!("not {what}: write decimals with a point, as in 12.5, and leave unknown values empty");
                self.reject(row, column, "unreadable", message, findings);
            }
        }
        cells
    }

    /// Applies the SQL filters in order; a row leaves at the first that is not true for it.
    pub fn filter(&mut self, filters: &OneOrMany) -> Result<()> {
        let frame = self.frame()?;
        for (position, text) in filters.0.iter().enumerate() {
            let place = format!("{}.where", self.name);
            let expression = Expression::parse(text, &place).map_err(pipeline)?;
            expression.check(frame.schema(), Shape::Predicate, &place).map_err(pipeline)?;
            let mask = frame.clone().lazy().with_column(expression.expr().alias("__keep")).collect();
            let mask = mask.map_err(|error| pipeline(Problem::new(&place, format!("`{text}`: {error}"), "")))?;
            let keep = mask
                .column("__keep")
                .and_then(|column| Ok(column.bool()?.clone()))
                .map_err(Error::table("filtering"))?;
            for (row, keep) in keep.iter().enumerate() {
                if self.is_kept(row) && keep != Some(true) {
                    self.filtered_by[row] = Some(position);
                }
            }
            self.filters.push(text.clone());
        }
        Ok(())
    }

    fn frame(&self) -> Result<DataFrame> {
        let columns = self.columns.iter().map(|(name, cells)| cells.column(name)).collect();
        DataFrame::new(self.rows(), columns).map_err(Error::table("building a table"))
    }

    /// Checks the contract's column rules on what is left.
    pub fn check(&mut self, contract: &Contract, findings: &mut Findings) -> Result<()> {
        for (name, rule) in &contract.columns {
            let place = format!("{}.contract.{name}", self.name);
            let Some(position) = self.columns.iter().position(|(column, _)| column == name) else {
                let hint = suggest(name, self.columns.iter().map(|(column, _)| column.as_str()));
                return Err(pipeline(Problem::new(place, format!("no mapped column is called `{name}`"), hint)));
            };
            let cells = self.columns[position].1.clone();
            let mut seen = HashMap::new();
            for row in 0..self.rows() {
                if self.is_kept(row)
                    && let Some((rule, message)) = broken_rule(rule, &cells, row, &mut seen)
                {
                    self.reject(row, name, rule, message, findings);
                }
            }
        }
        Ok(())
    }

    /// Rejects rows without one of these columns: they say nothing.
    pub fn require(&mut self, columns: &[&str], findings: &mut Findings) {
        for column in columns {
            for row in 0..self.rows() {
                let empty = self.column(column).is_some_and(|cells| cells.shown(row).is_none());
                if empty && self.is_kept(row) {
                    self.reject(row, column, "required", format!("`{column}` is empty"), findings);
                }
            }
        }
    }

    /// Rejects all but the first row of each key.
    pub fn unique(&mut self, key: &[&str], findings: &mut Findings) {
        let mut seen: HashMap<Vec<Option<String>>, u64> = HashMap::new();
        for row in 0..self.rows() {
            if !self.is_kept(row) {
                continue;
            }
            let value: Vec<_> = key.iter().map(|name| self.column(name).and_then(|cells| cells.shown(row))).collect();
            let line = self.raw.origin[row].line;
            if let Some(first) = seen.get(&value) {
                let message = format!("a second row of one {}: the first is line {first}", key.join(" and "));
                self.reject(row, key[0], "unique", message, findings);
            } else {
                seen.insert(value, line);
            }
        }
    }

    /// Closes the account, checks `max_rejected` and gives the kept rows.
    pub fn accept(self, contract: &Contract, findings: &Findings) -> Result<(Accepted, Account, Option<Problem>)> {
        let account = self.account();
        let problem = self.too_many_rejected(contract, &account, findings);
        let keep: BooleanChunked = (0..self.rows()).map(|row| Some(self.is_kept(row))).collect();
        let frame = self.frame()?.filter(&keep).map_err(Error::table("keeping rows"))?;
        let kept: Vec<usize> = (0..self.rows()).filter(|&row| self.is_kept(row)).collect();
        let accepted =
            Accepted { frame, origin: kept.iter().map(|&row| self.raw.origin[row]).collect(), files: self.raw.files };
        Ok((accepted, account, problem))
    }

    fn account(&self) -> Account {
        let tonnes = self.column("emissions_t").filter(|_| self.specs.contains_key("emissions_t"));
        let empty = Tally { tonnes: tonnes.map(|_| 0.0), ..Tally::default() };
        let filtered = self.filters.iter().map(|text| Filtered { r#where: text.clone(), tally: empty });
        let mut account = Account {
            source: self.name.clone(),
            files: self.raw.files.clone(),
            read: empty,
            filtered: filtered.collect(),
            quarantined: empty,
            kept: empty,
        };
        for row in 0..self.rows() {
            let tonnes = tonnes.and_then(|cells| cells.number(row)).filter(|_| !self.unreadable_tonnes[row]);
            account.read.add(tonnes);
            match (self.rejected[row], self.filtered_by[row]) {
                (true, _) => account.quarantined.add(tonnes),
                (false, Some(position)) => account.filtered[position].tally.add(tonnes),
                (false, None) => account.kept.add(tonnes),
            }
        }
        for _ in &self.raw.broken {
            account.read.add(None);
            account.quarantined.add(None);
        }
        if tonnes.is_none() {
            let tallies = [&mut account.read, &mut account.quarantined, &mut account.kept].into_iter();
            let filtered = account.filtered.iter_mut().map(|filtered| &mut filtered.tally);
            tallies.chain(filtered).for_each(|tally| tally.rows_without_tonnes = 0);
        }
        account
    }

    fn too_many_rejected(&self, contract: &Contract, account: &Account, findings: &Findings) -> Option<Problem> {
        let (kept, rejected) = (account.kept.rows, account.quarantined.rows);
        if rejected == 0 || rejected as f64 <= contract.max_rejected * (kept + rejected) as f64 {
            return None;
        }
        let mine: Vec<&Rejection> = findings.quarantine.iter().filter(|row| row.source == self.name).collect();
        let mut evidence: Vec<String> = mine.iter().take(5).map(|row| show(row)).collect();
        if mine.len() > evidence.len() {
            evidence.push(format!("… and {} more", mine.len() - evidence.len()));
        }
        let share = rejected as f64 / (kept + rejected) as f64;
        Some(Problem {
            place: self.name.clone(),
            message: format!(
                "{rejected} of {} rows are rejected ({:.1} %), more than max_rejected = {}",
                kept + rejected,
                share * 100.0,
                contract.max_rejected
            ),
            evidence,
            hint: format!(
                "repair these rows, or raise [{}.contract] max_rejected; `forerunner check PIPELINE --json` lists them all",
                self.name
            ),
        })
    }
}

fn show(row: &Rejection) -> String {
    let column = if row.column.is_empty() { String::new() } else { format!("  {}", row.column) };
    let value: String = row.value.chars().take(60).collect();
    format!("{} line {}{column}  \"{value}\"  {}", row.file, row.line, row.message)
}

/// A pipeline error of one problem.
pub fn pipeline(problem: Problem) -> Error {
    Error::Pipeline { problems: vec![problem] }
}

fn source_cell<'a>(raw: &'a RawTable, spec: &'a ColumnSpec, row: usize) -> (&'a str, Option<&'a str>) {
    let mut first = "";
    for column in &spec.column.0 {
        let text = raw.position(column).and_then(|position| raw.cells[position][row].as_deref());
        if text.is_some() {
            return (column, text);
        }
        if first.is_empty() {
            first = column;
        }
    }
    (first, None)
}
