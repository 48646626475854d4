//! The cells of one mapped column: text to typed values, and what a contract asks of them.

use std::borrow::Cow;

use polars::prelude::*;
use regex::Regex;
use serde::{Deserialize, Serialize};

use super::dates;
use super::numerals::Numerals;
use super::plan::{Plan, PlannedPart};
use super::settings::ColumnRule;
use super::unknown::is_unknown;
use crate::declared::{at_least, at_most};
use crate::finding::Rule;
use crate::sources::{Batch, ColumnType, Written};

/// Values of one mapped column.
#[derive(Debug, Clone)]
pub enum Cells<'a> {
    /// Text, trimmed.
    Text(Vec<Option<Cow<'a, str>>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Decimal numbers, in the program's units.
    Number(Vec<Option<f64>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
}

/// What the values of a column have shown so far, from the narrowest to the widest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Seen {
    /// No value yet.
    Nothing,
    /// Whole numbers alone.
    Integer,
    /// Numbers alone.
    Number,
    /// Anything.
    Text,
}

impl Seen {
    /// What one value shows. Digits that begin with a zero are a code, not a number.
    pub fn of(text: &str, numerals: Numerals) -> Self {
        let coded = text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
        match text {
            _ if coded => Self::Text,
            _ if text.parse::<i64>().is_ok() => Self::Integer,
            _ if numerals.number(text).is_some() => Self::Number,
            _ => Self::Text,
        }
    }

    /// The type of a column that has shown this.
    pub fn kind(self) -> ColumnType {
        match self {
            Self::Integer => ColumnType::Integer,
            Self::Number => ColumnType::Number,
            Self::Nothing | Self::Text => ColumnType::Text,
        }
    }
}

impl Cells<'_> {
    /// Nothing in so many rows.
    pub fn empty(kind: ColumnType, rows: usize) -> Self {
        match kind {
            ColumnType::Text => Self::Text(vec![None; rows]),
            ColumnType::Integer => Self::Integer(vec![None; rows]),
            ColumnType::Number => Self::Number(vec![None; rows]),
            ColumnType::Date => Self::Date(vec![None; rows]),
        }
    }

    /// As text; nothing where the column holds numbers.
    pub fn text(&self, row: usize) -> Option<&str> {
        if let Self::Text(cells) = self { cells[row].as_deref() } else { None }
    }

    /// As a number; nothing where the column holds text.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Text(_) | Self::Date(_) => None,
            Self::Integer(cells) => cells[row].map(|value| value as f64),
            Self::Number(cells) => cells[row],
        }
    }

    /// As text, whatever it holds.
    pub fn shown(&self, row: usize) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(cells) => cells[row].as_deref().map(Cow::Borrowed),
            Self::Integer(cells) => cells[row].map(|value| value.to_string().into()),
            Self::Number(cells) => cells[row].map(|value| value.to_string().into()),
            Self::Date(cells) => cells[row].map(|day| dates::shown(day).into()),
        }
    }

    /// Whether a row has no value.
    pub fn is_missing(&self, row: usize) -> bool {
        match self {
            Self::Text(cells) => cells[row].is_none(),
            Self::Integer(cells) => cells[row].is_none(),
            Self::Number(cells) => cells[row].is_none(),
            Self::Date(cells) => cells[row].is_none(),
        }
    }

    /// As a column of a table.
    pub fn column(&self, name: &str) -> Column {
        match self {
            Self::Text(cells) => {
                let cells = cells.iter().map(Option::as_deref);
                StringChunked::from_iter_options(name.into(), cells).into_column()
            }
            Self::Integer(cells) => Column::new(name.into(), cells),
            Self::Number(cells) => Column::new(name.into(), cells),
            Self::Date(cells) => {
                Int32Chunked::from_iter_options(name.into(), cells.iter().copied()).into_date().into_column()
            }
        }
    }
}

impl PlannedPart {
    /// The first column of the file that has a value in a row, with the value as it stands.
    pub fn raw<'b>(&self, batch: &'b Batch, row: usize) -> Option<&'b str> {
        self.from.iter().find_map(|(position, _)| batch.cell(row, *position))
    }

    /// The value of a row as text, and how its numbers are written: what stands for nothing left out, what is to be removed
    /// or recoded done.
    pub fn value<'b>(&'b self, batch: &'b Batch, row: usize, plan: &Plan<'_>) -> Option<(Cow<'b, str>, Numerals)> {
        if let Some(constant) = &self.constant {
            return Some((Cow::Borrowed(constant), Numerals::PLAIN));
        }
        let (column, raw) = self.from.iter().find_map(|(at, _)| Some((*at, batch.cell(row, *at)?)))?;
        let written = batch.written(row, column);
        let numerals = self.numerals.filter(|_| written != Written::Plainly).unwrap_or_else(|| plan.numerals(written));
        let missing = if written == Written::Joined { &self.joined_missing } else { &self.missing };
        if missing.is_empty() && !self.names && self.remove.is_none() && self.recode.is_empty() {
            return Some((Cow::Borrowed(raw), numerals));
        }
        if missing.iter().any(|word| word == raw || same_number(word, raw, numerals)) {
            return None;
        }
        let mut text = Cow::Borrowed(raw);
        if let Some(remove) = &self.remove
            && let Cow::Owned(rest) = remove.replace_all(raw, "")
        {
            text = Cow::Owned(rest.trim().to_owned());
        }
        if let Some(other) = self.recode.get(text.as_ref()) {
            text = Cow::Borrowed(other);
        } else if self.names && is_unknown(&text) {
            return None;
        }
        (!text.is_empty()).then_some((text, numerals))
    }

    /// The word of a row that stands for "unknown" in a name or a year, where one does.
    pub fn unknown<'b>(&self, batch: &'b Batch, row: usize) -> Option<&'b str> {
        let raw = self.raw(batch, row).filter(|_| self.names)?;
        (is_unknown(raw) && !self.recode.contains_key(raw)).then_some(raw)
    }
}

/// `0` among the words for nothing also means `0.0`.
fn same_number(word: &str, raw: &str, numerals: Numerals) -> bool {
    Numerals::PLAIN.number(word).is_some_and(|word| numerals.number(raw) == Some(word))
}

/// The rule of a column that a value breaks, if any. `text` is the value as the file writes it, with how its numbers are
/// written; without that where the column is declared to hold text.
pub fn broken_rule(
    rule: &ColumnRule,
    pattern: Option<&Regex>,
    (cells, row): (&Cells<'_>, usize),
    text: Option<(Cow<'_, str>, Option<Numerals>)>,
) -> Option<(Rule, String)> {
    if cells.is_missing(row) {
        return rule.required.then(|| (Rule::Required, "the value is required".to_owned()));
    }
    if let Some(value) = cells.number(row) {
        if let Some(min) = rule.min.filter(|min| !at_least(value, *min)) {
            return Some((Rule::Min, format!("below {min}")));
        }
        if let Some(max) = rule.max.filter(|max| !at_most(value, *max)) {
            return Some((Rule::Max, format!("above {max}")));
        }
    }
    if rule.allowed.is_none() && pattern.is_none() {
        return None;
    }
    let (shown, numerals) = text.or_else(|| Some((cells.shown(row)?, None)))?;
    // By its number where it has one, whatever type was inferred: 1.0 is 1, also where other rows hold text.
    let spelt = numerals.filter(|numerals| Seen::of(&shown, *numerals) != Seen::Text);
    let number = cells.number(row).or_else(|| spelt?.number(&shown));
    let is_allowed = |word: &String| match number.zip(Numerals::PLAIN.number(word)) {
        Some((number, word)) => at_least(number, word) && at_most(number, word),
        None => *word == shown,
    };
    if let Some(allowed) = rule.allowed.as_ref().filter(|allowed| !allowed.iter().any(is_allowed)) {
        return Some((Rule::Allowed, format!("not one of: {}", allowed.join(", "))));
    }
    let mismatch = pattern.is_some_and(|pattern| !pattern.is_match(&shown));
    mismatch.then(|| (Rule::Pattern, format!("does not match {}", rule.pattern.as_deref().unwrap_or_default())))
}
