//! What a person has found wrong in the register: reviewed values in place of those that the files have, refused where the
//! files no longer have them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::cells::Cells;
use super::numerals::Numerals;
use super::plan::{Declared, Plan, Settings};
use super::settings::CorrectionSource;
use super::stream::Steps;
use super::table::Table;
use super::texts::{texts, years};
use super::{Asked, Reader, by_own_name, dates, known_type, lock};
use crate::error::{Error, Problem, Result, suggest};
use crate::finding::{Finding, Findings, Rule, Severity};
use crate::sources::ColumnType;
use crate::sql::Expression;

/// Largest difference of degrees that are the same place.
const SAME_DEGREES: f64 = 1e-6;

/// One value in place of another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
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

/// Of each correction: rows that it changed, and what stood in those that it does not fit.
pub(super) type Met = Vec<(usize, BTreeSet<String>)>;

/// The corrections of a register, and what became of them.
pub(super) struct Corrections {
    all: Vec<Correction>,
    by_id: HashMap<String, Vec<usize>>,
    met: Mutex<Met>,
    /// How its own numbers are written.
    numerals: Numerals,
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
    by_own_name(&mut columns, ["id", "column", "old", "value", "source"]);
    let reading = source.reading();
    let opened = reader.open(name, &reading, &columns, Asked { optional: &["year"], ..Asked::default() }, findings)?;
    if opened.position("year").is_some() {
        by_own_name(&mut columns, ["year"]);
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
    let met = Mutex::new(vec![(0, BTreeSet::new()); all.len()]);
    let corrections = Corrections { all, by_id, met, numerals: Numerals::of(&reading) };
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
            let limit = if column == "lon" { 180.0 } else { 90.0 };
            let off = |value: &String| self.numerals.number(value).is_none_or(|degrees| degrees.abs() > limit);
            let planned = plan.column(column);
            let declared = planned.and_then(|planned| planned.declared);
            let is_number = matches!(declared, Some(ColumnType::Number | ColumnType::Integer));
            let unread = correction.value.as_ref().filter(|value| is_number && self.numerals.number(value).is_none());
            let feeds = plan.columns.iter().find(|other| {
                let names = |(expression, _): &(Expression, _)| expression.columns().iter().any(|name| name == column);
                other.computed.as_ref().is_some_and(names)
            });
            if KEYS.contains(&column) {
                Some((evidence, "correct `lon` and `lat`; keys stand".into()))
            } else if ["lon", "lat"].contains(&column) {
                let value = correction.value.as_ref().filter(|value| off(value))?;
                Some((format!("{evidence} {value}"), "give degrees of WGS 84, with a decimal point".into()))
            } else if let Some(feeds) = feeds {
                Some((evidence, format!("`{}` is computed from it: correct that column", feeds.name)))
            } else if planned.is_none() {
                Some((evidence, suggest(column, mapped())))
            } else if let Some(value) = unread {
                Some((format!("{evidence} {value}"), "give a number, or nothing where it is not known".into()))
            } else if planned.is_some_and(|planned| planned.declared.is_none() && planned.computed.is_none()) {
                let hint = format!("its type is guessed from its values: map it as {{ column = \"...\", type = \"number\" }}, or \"text\", under `{column}`");
                Some((evidence, hint))
            } else {
                None
            }
        });
        let evidence: Vec<String> =
            wrong.map(|(evidence, hint): (String, String)| format!("{evidence}: {hint}")).collect();
        if evidence.is_empty() {
            return Ok(());
        }
        let (message, hint) = ("a correction cannot be made", "put each of these lines right, or take it out");
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
                let found = cells.map_or(Ok(()), |cells| cells.replace(correction, self.numerals, row));
                let mut met = lock(&self.met);
                match found {
                    Ok(()) => met[at].0 += 1,
                    Err(found) => _ = met[at].1.insert(found),
                }
            }
        }
    }

    /// What has become of each so far.
    pub(super) fn so_far(&self) -> Met {
        lock(&self.met).clone()
    }

    /// Adds what became of them elsewhere.
    pub(super) fn add(&self, elsewhere: Met) {
        for ((rows, others), (more, further)) in lock(&self.met).iter_mut().zip(elsewhere) {
            *rows += more;
            others.extend(further);
        }
    }

    /// All of them, if each has found the value that it corrects in a row of its facility. Rows that have another value stand:
    /// those of other years, or of another gas.
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
            match others.iter().next() {
                _ if *rows > 0 => {}
                Some(found) => changed.push(format!("{file} line {line}: {column} of {id} is {found}, and not {old}")),
                None => gone.push(format!("{file} line {line}: {id}")),
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
    pub(super) fn replace(
        &mut self,
        correction: &Correction,
        numerals: Numerals,
        row: usize,
    ) -> std::result::Result<(), String> {
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
                self.number(row).zip(numerals.number(old)).is_some_and(|(a, b)| same(a, b))
            }
            (_, Some(old)) => found.as_deref() == Some(old),
        };
        if !is_expected {
            return wrong();
        }
        let unread = || format!("to become `{}`, which does not read", value.unwrap_or_default());
        let number = value.map(|value| numerals.number(value).ok_or_else(unread));
        let whole = |number: f64| if number.fract() == 0.0 { Ok(number as i64) } else { Err(unread()) };
        match self {
            Self::Text(cells) => cells[row] = value.map(|value| value.to_owned().into()),
            Self::Number(cells) => cells[row] = number.transpose()?,
            Self::Integer(cells) => cells[row] = number.transpose()?.map(whole).transpose()?,
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
        let replace =
            |cells: &mut Cells<'_>, correction: &Correction, row| cells.replace(correction, Numerals::PLAIN, row);
        let mut cells = Cells::Number(vec![Some(-1.346_566), None]);
        assert!(replace(&mut cells, &correction("lon", Some("-1.3465661"), Some("-3.7")), 0).is_ok());
        assert_eq!(cells.number(0), Some(-3.7));
        assert_eq!(replace(&mut cells, &correction("lon", Some("-1.34"), Some("2")), 0), Err("-3.7".into()));
        assert!(replace(&mut cells, &correction("emissions_t", Some("0"), Some("2")), 1).is_err());
        assert!(replace(&mut cells, &correction("emissions_t", None, Some("2")), 1).is_ok());
        assert!(replace(&mut cells, &correction("emissions_t", Some("2"), None), 1).is_ok());
        assert!(cells.is_missing(1));
        for unread in ["two", "NaN", "inf"] {
            assert!(replace(&mut cells, &correction("emissions_t", None, Some(unread)), 1).is_err());
        }
        let mut cells = Cells::Text(vec![Some("Port Talbot".into())]);
        assert!(replace(&mut cells, &correction("name", Some("Port Talbot "), Some("P")), 0).is_err());
        assert!(replace(&mut cells, &correction("name", Some("Port Talbot"), Some("P")), 0).is_ok());
        let mut cells = Cells::empty(ColumnType::Date, 1);
        assert!(replace(&mut cells, &correction("opened", None, Some("1970-01-02")), 0).is_ok());
        assert!(matches!(cells, Cells::Date(days) if days == [Some(1)]));
    }
}
