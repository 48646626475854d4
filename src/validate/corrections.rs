//! What a person has found wrong in the register: reviewed values in place of those that the files have, refused where the
//! files no longer have them.

use std::collections::HashMap;
use std::sync::Mutex;

use serde::Serialize;

use super::cells::Cells;
use super::plan::{Declared, Plan, Settings};
use super::settings::CorrectionSource;
use super::stream::Steps;
use super::table::Table;
use super::texts::{texts, years};
use super::{Asked, Reader, dates, known_type, lock};
use crate::error::{Error, Problem, Result, suggest};
use crate::finding::{Finding, Findings, Rule, Severity};
use crate::sources::ColumnSpec;

/// Largest difference of degrees that are the same place.
const SAME_DEGREES: f64 = 1e-6;

/// One value in place of another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correction {
    /// The facility.
    pub id: String,
    /// The period; `None` for all.
    pub year: Option<i64>,
    /// The mapped column, or `lon`, `lat`.
    pub column: String,
    /// What the register has, after conversion; `None`: nothing.
    pub old: Option<String>,
    /// What stands in its place; `None`: not known.
    pub value: Option<String>,
    /// How a person knows.
    pub source: String,
    /// The file.
    pub file: String,
    /// Its line.
    pub line: u64,
}

/// The corrections of a register, and what became of them.
pub(super) struct Corrections {
    all: Vec<Correction>,
    by_id: HashMap<String, Vec<usize>>,
    /// Of each: rows that it changed, and what stood in those that it does not fit.
    met: Mutex<Vec<(usize, Vec<String>)>>,
}

/// Reads `[facilities.corrections]`: `id`, `column`, `old`, `value`, `source` and, where it holds for one period alone, `year`.
///
/// # Errors
///
/// [`Error::Data`] with those whose columns are not the register's, or may not be corrected.
pub(super) fn read(
    source: &CorrectionSource,
    register: &Plan<'_>,
    reader: &mut Reader<'_>,
    findings: &mut Findings,
) -> Result<Corrections> {
    let name = "facilities.corrections";
    let mut columns = source.columns.clone();
    for column in ["id", "column", "old", "value", "source"] {
        columns.entry(column.into()).or_insert_with(|| ColumnSpec::plain(column));
    }
    let reading = source.reading();
    let opened = reader.open(name, &reading, &columns, Asked { optional: &["year"], ..Asked::default() }, findings)?;
    if opened.position("year").is_some() {
        columns.entry("year".into()).or_insert_with(|| ColumnSpec::plain("year"));
    }
    let types = |column: &str| known_type(&["id", "column", "old", "value", "source"], &[], &["year"], column);
    let declared =
        Declared { reading: &reading, columns: &columns, contract: &source.contract, filters: &source.filters };
    let plan = Plan::new(&Settings::new(name, declared, &types), &opened)?;
    let after = |table: &mut Table<'_>| table.require(&["id", "column", "source"]);
    let accepted = reader.read(&opened, &plan, &Steps { after: &after, ..Steps::default() }, None, findings)?;
    let [ids, of, olds, values, sources] =
        ["id", "column", "old", "value", "source"].map(|column| texts(&accepted.frame, column));
    let years = years(&accepted.frame, "year");
    let correction = |row: usize| {
        let origin = accepted.origin[row];
        Some(Correction {
            id: ids[row].clone()?,
            year: years[row],
            column: of[row].clone()?,
            old: olds[row].clone(),
            value: values[row].clone(),
            source: sources[row].clone()?,
            file: accepted.paths[origin.file as usize].to_string(),
            line: origin.line,
        })
    };
    let all: Vec<Correction> = (0..ids.len()).filter_map(correction).collect();
    let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, correction) in all.iter().enumerate() {
        by_id.entry(correction.id.clone()).or_default().push(at);
    }
    let met = Mutex::new(vec![(0, Vec::new()); all.len()]);
    let corrections = Corrections { all, by_id, met };
    corrections.check(register)?;
    Ok(corrections)
}

impl Corrections {
    /// Checks that all columns are the register's and may be corrected.
    fn check(&self, plan: &Plan<'_>) -> Result<()> {
        const KEYS: [&str; 5] = ["id", "year", "x", "y", "geometry"];
        let mapped = || {
            let own = plan.columns.iter().map(|planned| &*planned.name).filter(|name| !KEYS.contains(name));
            own.chain(["lon", "lat"])
        };
        let wrong = self.all.iter().filter_map(|correction| {
            let column = correction.column.as_str();
            let evidence = format!("{} line {}: {column}", correction.file, correction.line);
            match column {
                _ if KEYS.contains(&column) => Some((evidence, "correct `lon` and `lat`; keys stand".into())),
                _ if mapped().any(|known| known == column) => None,
                _ => Some((evidence, suggest(column, mapped()))),
            }
        });
        let (evidence, hints): (Vec<String>, Vec<String>) = wrong.unzip();
        let Some(hint) = hints.into_iter().next() else { return Ok(()) };
        let message = "a correction names no column that can be corrected";
        Err(Error::Data { problems: vec![Problem::new("facilities.corrections", message, hint).showing(evidence)] })
    }

    /// Puts the corrected values in place.
    pub(super) fn apply(&self, table: &mut Table<'_>) {
        for row in 0..table.rows() {
            let own = table.text("id", row).and_then(|id| self.by_id.get(id));
            let own = own.filter(|_| table.is_kept(row)).cloned().unwrap_or_default();
            for at in own {
                let correction = &self.all[at];
                let year = table.number("year", row).map(|year| year as i64);
                if correction.year.is_some() && correction.year != year {
                    continue;
                }
                let cells = table.column_mut(&correction.column);
                let found = cells.map_or(Ok(()), |cells| cells.replace(correction, row));
                let mut met = lock(&self.met);
                match found {
                    Ok(()) => met[at].0 += 1,
                    Err(found) => met[at].1.push(found),
                }
            }
        }
    }

    /// All of them, if each has changed a row and fits all rows of its facility.
    ///
    /// # Errors
    ///
    /// [`Error::Data`] with those that do not.
    pub(super) fn settle(self, findings: &mut Findings) -> Result<Vec<Correction>> {
        let met = lock(&self.met);
        let (mut gone, mut changed) = (Vec::new(), Vec::new());
        for (correction, (rows, others)) in self.all.iter().zip(&*met) {
            let Correction { id, column, old, file, line, .. } = correction;
            let old = old.as_deref().unwrap_or("(empty)");
            if let Some(found) = others.first() {
                changed.push(format!("{file} line {line}: {column} of {id} is {found}, and not {old}"));
            } else if *rows == 0 {
                gone.push(format!("{file} line {line}: {id}"));
            }
        }
        let of = |message: &str, hint: &str, evidence: Vec<String>| {
            let problem = Problem::new("facilities.corrections", message, hint).showing(evidence.iter().cloned());
            (!evidence.is_empty()).then_some(problem)
        };
        let hint = "see whether the register has put it right: then take the line out";
        let changed = of("the register no longer has the value that a correction corrects", hint, changed);
        let hint = "the register has no such row, or could not read it: take the line out, or correct its id or year";
        let problems: Vec<Problem> =
            changed.into_iter().chain(of("a correction is of a facility that is not there", hint, gone)).collect();
        if !problems.is_empty() {
            return Err(Error::Data { problems });
        }
        for correction in &self.all {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(empty)".into());
            let Correction { id, column, old, value, source, file, line, .. } = correction;
            let message = format!("{id}: {} in place of {}: {source}", shown(value), shown(old));
            findings.findings.push(Finding {
                file: file.clone(),
                line: Some(*line),
                column: column.clone(),
                ..Finding::of(Severity::Info, "facilities.corrections", Rule::Corrected, message, 1)
            });
        }
        drop(met);
        Ok(self.all)
    }
}

impl Cells<'_> {
    /// Puts a value in the place of the one that is expected there; if another is there, or the value does not read, says so.
    pub(super) fn replace(&mut self, correction: &Correction, row: usize) -> std::result::Result<(), String> {
        let (old, value) = (correction.old.as_deref(), correction.value.as_deref());
        let found = self.shown(row).map(std::borrow::Cow::into_owned);
        let wrong = || Err(found.clone().unwrap_or_else(|| "(empty)".into()));
        let is_degrees = ["lon", "lat"].contains(&correction.column.as_str());
        let same = |a: f64, b: f64| {
            let slack = if is_degrees { SAME_DEGREES } else { 1e-9 * a.abs().max(b.abs()) };
            (a - b).abs() <= slack
        };
        let is_expected = match (&*self, old) {
            (_, None) => found.is_none(),
            (Self::Integer(_) | Self::Number(_), Some(old)) => {
                self.number(row).zip(old.parse().ok()).is_some_and(|(a, b)| same(a, b))
            }
            (_, Some(old)) => found.as_deref() == Some(old),
        };
        if !is_expected {
            return wrong();
        }
        let unread = || format!("to become `{}`, which does not read", value.unwrap_or_default());
        match self {
            Self::Text(cells) => cells[row] = value.map(|value| value.to_owned().into()),
            Self::Number(cells) => cells[row] = value.map(str::parse).transpose().map_err(|_| unread())?,
            Self::Integer(cells) => cells[row] = value.map(str::parse).transpose().map_err(|_| unread())?,
            Self::Date(cells) => {
                let day = value.map(|value| dates::day(value, None).ok_or_else(unread));
                cells[row] = day.transpose()?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::ColumnType;

    #[test]
    fn a_value_stands_in_the_place_of_the_one_that_is_expected() {
        let correction = |column: &str, old: Option<&str>, value: Option<&str>| Correction {
            id: "1".into(),
            year: None,
            column: column.into(),
            old: old.map(str::to_owned),
            value: value.map(str::to_owned),
            source: "seen".into(),
            file: "c.csv".into(),
            line: 2,
        };
        let mut cells = Cells::Number(vec![Some(-1.346_566), None]);
        assert!(cells.replace(&correction("lon", Some("-1.3465661"), Some("-3.7")), 0).is_ok());
        assert_eq!(cells.number(0), Some(-3.7));
        assert_eq!(cells.replace(&correction("lon", Some("-1.34"), Some("2")), 0), Err("-3.7".into()));
        assert!(cells.replace(&correction("emissions_t", Some("0"), Some("2")), 1).is_err());
        assert!(cells.replace(&correction("emissions_t", None, Some("2")), 1).is_ok());
        assert!(cells.replace(&correction("emissions_t", Some("2"), None), 1).is_ok());
        assert!(cells.is_missing(1));
        assert!(cells.replace(&correction("emissions_t", None, Some("two")), 1).is_err());
        let mut cells = Cells::Text(vec![Some("Port Talbot".into())]);
        assert!(cells.replace(&correction("name", Some("Port Talbot "), Some("P")), 0).is_err());
        assert!(cells.replace(&correction("name", Some("Port Talbot"), Some("P")), 0).is_ok());
        let mut cells = Cells::empty(ColumnType::Date, 1);
        assert!(cells.replace(&correction("opened", None, Some("1970-01-02")), 0).is_ok());
        assert!(matches!(cells, Cells::Date(days) if days == [Some(1)]));
    }
}
