//! The cells of one mapped column: text to typed values, and what a contract asks of them.

use std::collections::HashMap;

use polars::prelude::*;

use super::settings::ColumnRule;

/// Values of one mapped column.
#[derive(Debug, Clone)]
pub enum Cells {
    /// Text, trimmed.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Decimal numbers, in the program's units.
    Number(Vec<Option<f64>>),
}

impl Cells {
    /// As text, in place of nothing an empty list.
    pub fn text(&self) -> &[Option<String>] {
        if let Self::Text(cells) = self { cells } else { &[] }
    }

    /// As numbers.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Text(_) => None,
            Self::Integer(cells) => cells[row].map(|value| value as f64),
            Self::Number(cells) => cells[row],
        }
    }

    /// As text.
    pub fn shown(&self, row: usize) -> Option<String> {
        match self {
            Self::Text(cells) => cells[row].clone(),
            Self::Integer(cells) => cells[row].map(|value| value.to_string()),
            Self::Number(cells) => cells[row].map(|value| value.to_string()),
        }
    }

    /// As a column of a table.
    pub fn column(&self, name: &str) -> Column {
        match self {
            Self::Text(cells) => Column::new(name.into(), cells),
            Self::Integer(cells) => Column::new(name.into(), cells),
            Self::Number(cells) => Column::new(name.into(), cells),
        }
    }
}

pub fn read_all<T>(
    texts: &[Option<String>],
    read: impl Fn(&str) -> Option<T>,
    refused: &mut Vec<usize>,
) -> Vec<Option<T>> {
    let mut values = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        let value = text.as_deref().map(&read);
        if matches!(value, Some(None)) {
            refused.push(row);
        }
        values.push(value.flatten());
    }
    values
}

/// A finite decimal number written with a point.
pub fn number(text: &str) -> Option<f64> {
    let spelt = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    text.parse::<f64>().ok().filter(|value| spelt && value.is_finite())
}

/// A whole number, also as `2019.0`.
pub fn whole(text: &str) -> Option<i64> {
    text.parse()
        .ok()
        .or_else(|| number(text).filter(|value| value.fract() == 0.0 && value.abs() < 1e15).map(|value| value as i64))
}

pub fn broken_rule(
    rule: &ColumnRule,
    cells: &Cells,
    row: usize,
    seen: &mut HashMap<String, ()>,
) -> Option<(&'static str, String)> {
    let Some(shown) = cells.shown(row) else {
        return rule.required.then(|| ("required", "the value is required".to_owned()));
    };
    if let Some(value) = cells.number(row) {
        if let Some(min) = rule.min.filter(|min| value < *min) {
            return Some(("min", format!("{value} is below {min}")));
        }
        if let Some(max) = rule.max.filter(|max| value > *max) {
            return Some(("max", format!("{value} is above {max}")));
        }
    }
    if let Some(allowed) = rule.allowed.as_ref().filter(|allowed| !allowed.contains(&shown)) {
        return Some(("allowed", format!("not one of: {}", allowed.join(", "))));
    }
    (rule.unique && seen.insert(shown, ()).is_some())
        .then(|| ("unique", "the value stands there a second time".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_they_are_written() {
        for (text, value) in [
            ("12.5", Some(12.5)),
            ("-1e3", Some(-1000.0)),
            ("1,5e", None),
            ("n/a", None),
            ("inf", None),
            ("NaN", None),
            ("1e999", None),
        ] {
            assert_eq!(number(text), value, "{text}");
        }
        for (text, value) in [("2019", Some(2019)), ("2019.0", Some(2019)), ("2019.5", None), ("x", None)] {
            assert_eq!(whole(text), value, "{text}");
        }
    }
}
