//! The cells of a batch, column by column: text to typed values in the program's units.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{BIOGENIC_COLUMN, Fate, Table};
use crate::finding::Rule;
use crate::names::EMISSIONS;
use crate::sources::ColumnType;
use crate::validate::cells::{Cells, Seen};
use crate::validate::dates;
use crate::validate::numerals::Numerals;
use crate::validate::plan::{Gas, Planned, PlannedPart};

/// The longest cell of a text column, bytes; geometries may be longer.
const LONGEST: usize = 65_536;

impl<'a> Table<'a> {
    /// A column without a declared type, under what it has shown so far; notes where it shows more.
    pub(super) fn guessed(&mut self, planned: &'a Planned, position: usize, guess: Seen) -> Cells<'a> {
        let part = &planned.parts[0];
        let mut seen = guess;
        if guess != Seen::Text {
            for row in (0..self.rows()).filter(|&row| self.fates[row] == Fate::Kept) {
                if let Some((text, numerals)) = part.value(self.batch, row, self.plan) {
                    seen = seen.max(Seen::of(&text, numerals));
                }
                if seen == Seen::Text {
                    break;
                }
            }
        }
        if seen > guess {
            self.widened.push((position, seen));
        }
        self.cells(planned, seen.kind())
    }

    pub(super) fn cells(&mut self, planned: &'a Planned, kind: ColumnType) -> Cells<'a> {
        match kind {
            ColumnType::Text => self.texts(planned),
            // What is converted need not stay whole.
            ColumnType::Integer if planned.converts => self.numbers(planned, true),
            ColumnType::Integer => {
                let mut values = vec![None; self.rows()];
                for (row, value) in values.iter_mut().enumerate() {
                    let Some((text, numerals)) = planned.parts[0].value(self.batch, row, self.plan) else { continue };
                    *value = numerals.whole(&text);
                    if value.is_none() {
                        self.unreadable(row, planned, 0, "a whole number", &text);
                    }
                }
                Cells::Integer(values)
            }
            ColumnType::Number => self.numbers(planned, false),
            ColumnType::Date => {
                let mut days = vec![None; self.rows()];
                for (row, day) in days.iter_mut().enumerate() {
                    let Some((text, _)) = planned.parts[0].value(self.batch, row, self.plan) else { continue };
                    *day = dates::day(&text, planned.format.as_deref());
                    if day.is_none() {
                        self.unreadable(row, planned, 0, "a date", &text);
                    }
                }
                Cells::Date(days)
            }
        }
    }

    fn texts(&mut self, planned: &'a Planned) -> Cells<'a> {
        let (plan, batch, part) = (self.plan, self.batch, &planned.parts[0]);
        let text = |row: usize| part.value(batch, row, plan).map(|(text, _)| text);
        let texts: Vec<Option<Cow<'a, str>>> = (0..self.rows()).map(text).collect();
        if &*planned.name != "geometry" {
            for (row, text) in texts.iter().enumerate() {
                if text.as_ref().is_some_and(|text| text.len() > LONGEST) && self.is_kept(row) {
                    let message = format!("longer than {LONGEST} bytes: check the quotes");
                    self.reject(row, &planned.name, Rule::TooLong, message);
                }
            }
        }
        Cells::Text(texts)
    }

    /// The sum of the parts that have a value, in the program's unit; CO2 from biomass goes to a column of its own. Where the
    /// file's numbers must be whole, others do not read.
    fn numbers(&mut self, planned: &'a Planned, whole: bool) -> Cells<'a> {
        let mut values: Vec<Option<f64>> = vec![None; self.rows()];
        let mut biogenic = planned.parts.iter().any(|part| part.gas.is_some()).then(|| values.clone());
        for (at, part) in planned.parts.iter().enumerate() {
            for row in 0..self.rows() {
                let Some((text, numerals)) = part.value(self.batch, row, self.plan) else { continue };
                let read = if whole { numerals.whole(&text).map(|value| value as f64) } else { numerals.number(&text) };
                let Some(value) = read else {
                    self.unreadable(row, planned, at, if whole { "a whole number" } else { "a number" }, &text);
                    continue;
                };
                let value = part.factor.apply(value);
                let slot = &mut values[row];
                match part.gas.as_ref().map(|(position, _, words)| self.gas(part, row, *position, words)) {
                    None => *slot = Some(slot.unwrap_or(0.0) + value),
                    Some(Some(Gas::Equivalent(factor))) => *slot = Some(slot.unwrap_or(0.0) + value * factor),
                    Some(Some(Gas::Biogenic)) => biogenic.iter_mut().for_each(|column| {
                        column[row] = Some(column[row].unwrap_or(0.0) + value);
                    }),
                    Some(None) => {
                        let message = "this gas has no CO2 equivalent here: filter it away, or name it in `gas`".into();
                        self.unreadable_tonnes[row] = true;
                        self.reject_if_kept(row, EMISSIONS, Rule::Gas, message);
                    }
                }
            }
        }
        if let Some(biogenic) = biogenic
            && self.plan.column(BIOGENIC_COLUMN).is_none()
        {
            self.push(BIOGENIC_COLUMN, Cells::Number(biogenic));
        }
        Cells::Number(values)
    }

    fn gas(&self, part: &PlannedPart, row: usize, position: usize, words: &HashMap<String, Gas>) -> Option<Gas> {
        let word = self.batch.cell(row, position)?;
        let word = part.recode.get(word).map_or(word, String::as_str);
        words.get(word).copied()
    }

    fn unreadable(&mut self, row: usize, planned: &Planned, part: usize, what: &str, text: &str) {
        self.unreadable_tonnes[row] |= &*planned.name == EMISSIONS;
        if self.fates[row] != Fate::Kept {
            return;
        }
        let advice = Numerals::PLAIN.advice(text).filter(|_| what == "a number");
        let dated = || "say how its dates are written: format = \"%d.%m.%Y\"".to_owned();
        let advice = advice.or_else(|| (what == "a date").then(dated));
        let advice = advice.unwrap_or_else(|| "leave unknown values empty, or list their word as `missing`".to_owned());
        let batch = self.batch;
        let given = planned.parts[part].from.iter().find(|(position, _)| batch.cell(row, *position).is_some());
        let value = planned.parts[part].raw(batch, row).unwrap_or_default();
        let rejection = self.rejection_at(row, given, value, Rule::Unreadable, format!("not {what}: {advice}"));
        self.rejections.push(rejection);
        self.fates[row] = Fate::Rejected;
    }
}
