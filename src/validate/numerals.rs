//! Numbers as files write them: decimal mark, groups of digits.

use crate::sources::{ColumnSpec, Reading};

/// How a source writes numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numerals {
    /// The decimal mark.
    pub decimal: char,
    /// The mark between groups of three digits.
    pub thousands: Option<char>,
}

impl Numerals {
    /// A decimal point and no groups.
    pub const PLAIN: Self = Self { decimal: '.', thousands: None };

    /// Those of a column that says so itself.
    pub fn of_column(spec: &ColumnSpec) -> Option<Self> {
        let given = spec.decimal.is_some() || spec.thousands.is_some();
        given.then(|| Self { decimal: spec.decimal.unwrap_or('.'), thousands: spec.thousands })
    }

    /// As a source declares.
    pub fn of(reading: &Reading) -> Self {
        Self { decimal: reading.decimal.unwrap_or('.'), thousands: reading.thousands }
    }

    /// A finite decimal number.
    pub fn number(self, text: &str) -> Option<f64> {
        if self.decimal == '.' && self.thousands.is_none() {
            return plain(text);
        }
        plain(&self.plainly(text)?)
    }

    /// A whole number, also as `2019.0`.
    pub fn whole(self, text: &str) -> Option<i64> {
        let exact = text.parse().ok();
        let value = || self.number(text).filter(|value| value.fract() == 0.0 && value.abs() < 1e15);
        exact.or_else(|| value().map(|value| value as i64))
    }

    /// The number with a decimal point and without groups; `None` where the groups are not of three digits.
    fn plainly(self, text: &str) -> Option<String> {
        if self.decimal != '.' && self.thousands != Some('.') && text.contains('.') {
            return None;
        }
        let (whole, fraction) = match text.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (text, None),
        };
        let mut plain = whole.to_owned();
        if let Some(separator) = self.thousands {
            let is_separator =
                |character: char| character == separator || separator == ' ' && is_narrow_blank(character);
            let groups: Vec<&str> = whole.split(is_separator).collect();
            let first = groups[0].trim_start_matches(['-', '+']).len();
            let even = groups[1..].iter().all(|group| group.len() == 3);
            if groups.len() > 1 && !(even && (1..=3).contains(&first)) {
                return None;
            }
            plain = groups.concat();
        }
        if let Some(fraction) = fraction {
            plain.push('.');
            plain.push_str(fraction);
        }
        Some(plain)
    }

    /// How the source would have to be declared for a text to be a number, in every way that fits.
    pub fn advice(self, text: &str) -> Option<String> {
        let mut ways = Vec::new();
        for (decimal, thousands) in [('.', None), (',', None), ('.', Some(',')), (',', Some('.')), ('.', Some(' '))] {
            let declared = Self { decimal, thousands };
            let group = thousands.map(|mark| format!(" and `thousands = \"{mark}\"`")).unwrap_or_default();
            let value =
                declared.number(text).map(|value| format!("with `decimal = \"{decimal}\"`{group} it is {value}"));
            ways.extend(value);
        }
        ways.dedup();
        (!ways.is_empty()).then(|| ways.join(", "))
    }
}

fn is_narrow_blank(character: char) -> bool {
    matches!(character, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}')
}

/// A finite decimal number written with a point.
fn plain(text: &str) -> Option<f64> {
    let spelt = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if spelt { text.parse::<f64>().ok().filter(|value| value.is_finite()) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_they_are_written() {
        let german = Numerals { decimal: ',', thousands: Some('.') };
        let english = Numerals { decimal: '.', thousands: Some(',') };
        let blanks = Numerals { decimal: ',', thousands: Some(' ') };
        let comma = Numerals { decimal: ',', thousands: None };
        for (numerals, text, value) in [
            (Numerals::PLAIN, "12.5", Some(12.5)),
            (Numerals::PLAIN, "-1e3", Some(-1000.0)),
            (Numerals::PLAIN, "1,5e", None),
            (Numerals::PLAIN, "n/a", None),
            (Numerals::PLAIN, "inf", None),
            (Numerals::PLAIN, "NaN", None),
            (Numerals::PLAIN, "1e400", None),
            (Numerals::PLAIN, "2022-01-01", None),
            (comma, "12,5", Some(12.5)),
            (comma, "12.5", None),
            (german, "1.234.567,8", Some(1_234_567.8)),
            (german, "-1.234", Some(-1234.0)),
            (german, "1.23", None),
            (german, "1234,5", Some(1234.5)),
            (english, "518,680.25", Some(518_680.25)),
            (english, "5,18", None),
            (english, ",518", None),
            (blanks, "1\u{a0}234,5", Some(1234.5)),
        ] {
            assert_eq!(numerals.number(text), value, "{text}");
        }
        for (text, value) in [("2019", Some(2019)), ("2019.0", Some(2019)), ("2019.5", None), ("x", None)] {
            assert_eq!(Numerals::PLAIN.whole(text), value, "{text}");
        }
        assert!(Numerals::PLAIN.advice("12,5").is_some_and(|advice| advice.contains("decimal = \",\"")));
        assert_eq!(Numerals::PLAIN.advice("n/a"), None);
    }
}
