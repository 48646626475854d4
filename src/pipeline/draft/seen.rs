//! The columns of a file as a draft sees them: names as words, values as texts.

use std::collections::{BTreeMap, HashSet};

use unicode_normalization::UnicodeNormalization;

use crate::sources::Batch;
use crate::validate::{Numerals, is_unknown};

/// A column of the file with its values.
pub struct Seen {
    /// Its name in the file.
    pub name: String,
    /// Its name in small letters without accents and marks.
    pub word: String,
    /// The parts of its name, likewise.
    pub words: Vec<String>,
    /// What stands in its cells; empty ones are left out.
    pub values: Vec<String>,
    /// Its cells, the empty ones included.
    pub rows: usize,
    /// How its numbers are written, where it holds any.
    pub numerals: Option<Numerals>,
}

/// Letters and digits without accents, small.
pub fn folded(text: &str) -> String {
    let letters = text.nfkd().filter(|letter| !('\u{300}'..='\u{36f}').contains(letter));
    let mut plain = String::new();
    for letter in letters.flat_map(char::to_lowercase) {
        match letter {
            'æ' => plain.push_str("ae"),
            'ø' => plain.push('o'),
            'ß' => plain.push_str("ss"),
            'ł' => plain.push('l'),
            'đ' | 'ð' => plain.push('d'),
            other => plain.push(other),
        }
    }
    plain
}

/// The words of a name: cut at marks, blanks, and where small letters meet capitals.
fn words(name: &str) -> Vec<String> {
    let mut cut = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            cut.push(' ');
        }
        cut.push(if letter.is_alphanumeric() { letter } else { ' ' });
        before = letter;
    }
    folded(&cut).split_whitespace().map(str::to_owned).collect()
}

impl Seen {
    /// A column of some batches.
    pub fn of(name: &str, position: usize, batches: &[Batch]) -> Self {
        let cells = batches.iter().flat_map(|batch| (0..batch.rows()).map(move |row| batch.cell(row, position)));
        let cells: Vec<Option<&str>> = cells.collect();
        let values: Vec<String> = cells.iter().flatten().map(|value| (*value).to_owned()).collect();
        let words = words(name);
        Self { name: name.to_owned(), word: words.concat(), words, numerals: None, values, rows: cells.len() }
    }

    /// The share of its values for which something holds.
    pub fn share(&self, holds: impl Fn(&str) -> bool) -> f64 {
        let held = self.values.iter().filter(|value| holds(value)).count();
        if self.values.is_empty() { 0.0 } else { held as f64 / self.values.len() as f64 }
    }

    /// Whether nearly all of its values are numbers.
    pub fn is_numeric(&self) -> bool {
        self.numerals.is_some()
    }

    /// Its numbers.
    pub fn numbers(&self) -> Vec<f64> {
        let numerals = self.numerals.unwrap_or(Numerals::PLAIN);
        self.values.iter().filter_map(|value| numerals.number(value)).collect()
    }

    /// Whether every row has a value.
    pub fn is_whole(&self) -> bool {
        self.values.len() == self.rows && self.rows > 0
    }

    /// Whether every row has a value, and no two the same.
    pub fn is_unique(&self) -> bool {
        self.is_whole() && self.values.iter().collect::<HashSet<_>>().len() == self.rows
    }

    /// Whether its name has a word, or several in a row.
    pub fn says(&self, wanted: &str) -> bool {
        self.words.iter().any(|word| word == wanted) || self.word == wanted
    }

    /// Its most frequent values, the most frequent first, and how often each stands.
    pub fn frequent(&self) -> Vec<(&str, usize)> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for value in &self.values {
            *counts.entry(value).or_default() += 1;
        }
        let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        counts
    }

    /// A value to show.
    pub fn example(&self) -> String {
        let value: String = self.values.first().map(String::as_str).unwrap_or_default().chars().take(40).collect();
        format!("{:?}", value.replace(['\n', '\r'], " "))
    }
}

/// Ways to write numbers, the plainest first.
const WRITTEN: [Numerals; 6] = [
    Numerals::PLAIN,
    Numerals { decimal: ',', thousands: None },
    Numerals { decimal: '.', thousands: Some(',') },
    Numerals { decimal: ',', thousands: Some('.') },
    Numerals { decimal: ',', thousands: Some(' ') },
    Numerals { decimal: '.', thousands: Some('\'') },
];

/// Finds how each column writes its numbers: in the plainest way in which nine in ten of its values are numbers. `1,234` alone
/// may be either; then another column of the file that has a decimal point, or a decimal comma, tells.
pub fn settle_numerals(columns: &mut [Seen]) {
    let ways = |column: &Seen| -> Vec<Numerals> {
        let known = column.values.iter().filter(|value| !is_unknown(value)).count();
        let reads = |way: &&Numerals| {
            let numbers = column.values.iter().filter(|value| way.number(value).is_some()).count();
            numbers > 0 && numbers * 10 >= known * 9
        };
        WRITTEN.iter().filter(reads).copied().collect()
    };
    let all: Vec<Vec<Numerals>> = columns.iter().map(ways).collect();
    // Columns with a mark that can only be the decimal one.
    let points = |column: &Seen, ways: &[Numerals]| {
        ways.first() == Some(&WRITTEN[0]) && column.share(|value| value.contains('.')) > 0.0
    };
    let has_points = columns.iter().zip(&all).any(|(column, ways)| points(column, ways));
    for (column, ways) in columns.iter_mut().zip(all) {
        let groups = column.share(|value| WRITTEN[2].number(value).is_some() && value.contains(',')) > 0.0;
        let by_comma = ways.first() == Some(&WRITTEN[1]) && ways.contains(&WRITTEN[2]) && groups;
        column.numerals = if by_comma && has_points { Some(WRITTEN[2]) } else { ways.first().copied() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, values: &[&str]) -> Seen {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        Seen { rows: values.len(), values, numerals: None, ..Seen::of(name, 0, &[]) }
    }

    #[test]
    fn names_are_words_in_any_script_of_marks() {
        assert_eq!(column("Løpenummer", &[]).word, "lopenummer");
        assert_eq!(column("pointGeometryLon", &[]).words, ["point", "geometry", "lon"]);
        assert_eq!(column("Émissions [t CO2]", &[]).words, ["emissions", "t", "co2"]);
    }

    #[test]
    fn a_comma_is_read_by_all_values_of_the_file() {
        let mut columns = [
            column("lon", &["150.1", "150.2"]),
            column("t", &["1,234", "18,868"]),
            column("big", &["1,234,567", "104"]),
            column("text", &["a", "1"]),
        ];
        settle_numerals(&mut columns);
        let found: Vec<Option<Numerals>> = columns.iter().map(|column| column.numerals).collect();
        assert_eq!(found, [Some(WRITTEN[0]), Some(WRITTEN[2]), Some(WRITTEN[2]), None]);
        let mut columns = [column("MW", &["5,7", "0,25"]), column("t", &["1.234.567,5", "104"]), column("id", &["1"])];
        settle_numerals(&mut columns);
        let found: Vec<Option<Numerals>> = columns.iter().map(|column| column.numerals).collect();
        assert_eq!(found, [Some(WRITTEN[1]), Some(WRITTEN[3]), Some(WRITTEN[0])]);
    }
}
