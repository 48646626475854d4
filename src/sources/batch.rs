//! A stretch of rows as text: what every format is brought to.

use std::sync::Arc;

use geo::Geometry;
use serde::{Deserialize, Serialize};

use crate::finding::{Rejection, Rule};

/// The rows of a joined file, for a batch whose rows have partners there.
pub trait Partners: std::fmt::Debug + Send + Sync {
    /// The row of a key, which then counts as used.
    fn find(&self, key: &mut dyn Iterator<Item = Option<&str>>) -> Option<u32>;
    /// A cell of a row.
    fn cell(&self, row: u32, column: usize) -> Option<&str>;
    /// Whether the file holds a cell as a number.
    fn is_number(&self, row: u32, column: usize) -> bool;
    /// File and line of a row.
    fn place(&self, row: u32) -> (Arc<str>, u64);
}

/// Where a row stood: the file's position in the list of files and its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(u32, u64)", into = "(u32, u64)")]
pub struct Origin {
    /// Position in the list of files.
    pub file: u32,
    /// Line as an editor shows it; for GeoJSON the feature's number, for Parquet the row's, both from 1.
    pub line: u64,
}

impl From<(u32, u64)> for Origin {
    fn from((file, line): (u32, u64)) -> Self {
        Self { file, line }
    }
}

impl From<Origin> for (u32, u64) {
    fn from(Origin { file, line }: Origin) -> Self {
        (file, line)
    }
}

/// What fills a column in the rows of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The field of this position.
    At(usize),
    /// The column of this position in the joined file.
    Joined(usize),
    /// A part of the key: as the joined file (second position) spells it, else as this one does.
    Key(usize, usize),
    /// The field of this position, which the joined file has too (second position): its cells stand.
    Both(usize, usize),
    /// Of the names with a year in them the one of this position: the field of the row's year.
    ByYear(usize),
    /// The year that a row was made for.
    Year,
    /// The path of the file.
    SourceFile,
    /// What a folder of the file gives: of all the one of this position.
    Folder(usize),
    /// Nothing.
    Absent,
}

/// How a cell's text came about: by it goes how its numbers are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// As text of the source's own files.
    Here,
    /// As text of the joined file.
    Joined,
    /// By this program, from a number: with a decimal point and without groups.
    Plainly,
}

/// Rows of one file as text.
#[derive(Debug, Default)]
pub struct Batch {
    /// All cells, one after the other.
    text: String,
    /// Where each cell ends in `text`, row by row.
    ends: Vec<u32>,
    /// Cells a row.
    width: usize,
    /// Which cells the file holds as numbers, row by row; empty for text formats.
    numbers: Vec<bool>,
    /// The field of each column that was asked for.
    fields: Arc<[Field]>,
    /// The source's name in the pipeline file.
    source: Arc<str>,
    /// The path of the file.
    pub file: Arc<str>,
    /// The file's position in the list of files.
    pub position: u32,
    /// Where each row stood.
    pub origin: Vec<Origin>,
    /// One a row where the file brings geometries, else none.
    geometry: Vec<Option<Geometry>>,
    /// The row of the joined file that belongs to each row; empty where nothing is joined.
    partner: Vec<Option<u32>>,
    /// The fields that make up the key of the joined file.
    key: Arc<[usize]>,
    joined: Option<Arc<dyn Partners>>,
    /// Whether the joined file fills empty cells of columns that both have.
    fills: bool,
    /// The years that stand side by side in a row of the file: it is one row here for each.
    years: Arc<[Arc<str>]>,
    /// For each name with a year in it the field of each year.
    by_year: Arc<[Vec<Field>]>,
    /// The values that the file's folders give.
    folders: Arc<[Arc<str>]>,
    /// Rows that do not parse, each with its own reason.
    pub broken: Vec<Rejection>,
}

/// What the batches of one file share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The source's name in the pipeline file.
    pub source: Arc<str>,
    /// The path of the file, as shown.
    pub file: Arc<str>,
    /// The file's position in the list of files.
    pub position: u32,
    /// Cells a row.
    pub width: usize,
    /// The field of each column that was asked for.
    pub fields: Arc<[Field]>,
    /// The fields that make up the key of the joined file.
    pub key: Arc<[usize]>,
    /// The joined file.
    pub joined: Option<Arc<dyn Partners>>,
    /// Whether the joined file fills empty cells of columns that both have.
    pub fills: bool,
    /// The years that stand side by side in a row.
    pub years: Arc<[Arc<str>]>,
    /// For each name with a year in it the field of each year.
    pub by_year: Arc<[Vec<Field>]>,
    /// The values that the file's folders give.
    pub folders: Arc<[Arc<str>]>,
}

impl Batch {
    /// A batch without rows yet.
    pub fn new(shared: &Shared) -> Self {
        Self {
            width: shared.width,
            fields: shared.fields.clone(),
            source: shared.source.clone(),
            file: shared.file.clone(),
            position: shared.position,
            key: shared.key.clone(),
            joined: shared.joined.clone(),
            fills: shared.fills,
            years: shared.years.clone(),
            by_year: shared.by_year.clone(),
            folders: shared.folders.clone(),
            ..Self::default()
        }
    }

    /// Takes over cells that were parsed elsewhere; `ends` row by row.
    pub fn fill(&mut self, text: String, ends: Vec<u32>, origin: Vec<Origin>) {
        (self.text, self.ends, self.origin) = (text, ends, origin);
    }

    /// Adds a row of cells, each with whether the file holds it as a number.
    pub fn push<'t>(&mut self, origin: Origin, cells: impl Iterator<Item = (Option<&'t str>, bool)>) {
        for (cell, is_number) in cells {
            self.text.push_str(cell.unwrap_or_default());
            self.ends.push(self.text.len() as u32);
            self.numbers.push(is_number);
        }
        self.origin.push(origin);
    }

    /// Gives the last row its geometry.
    pub fn push_geometry(&mut self, geometry: Option<Geometry>) {
        self.geometry.push(geometry);
    }

    /// Finds the joined row of every row.
    pub fn pair(&mut self, key: &[usize]) {
        if let Some(joined) = self.joined.clone() {
            self.partner =
                (0..self.rows()).map(|row| joined.find(&mut key.iter().map(|&at| self.field(row, at)))).collect();
        }
    }

    /// Makes of each row one a year, where years stand side by side.
    pub fn spread(&mut self) {
        if self.years.len() > 1 {
            self.origin = self.origin.iter().flat_map(|origin| vec![*origin; self.years.len()]).collect();
        }
    }

    /// Where a row's cells stand, and the position of its year.
    fn place(&self, row: usize) -> (usize, usize) {
        match self.years.len() {
            // Nearly every file: a division a cell would be felt.
            0 | 1 => (row, 0),
            years => (row / years, row % years),
        }
    }

    /// The field that fills a column in a row.
    fn filled_by(&self, row: usize, column: usize) -> Field {
        match self.fields[column] {
            Field::ByYear(name) => self.by_year[name][self.place(row).1],
            other => other,
        }
    }

    fn partner(&self, row: usize) -> Option<u32> {
        self.partner.get(self.place(row).0).copied().flatten()
    }

    /// The key of a row in the joined file, for messages.
    pub fn shown_key(&self, row: usize) -> String {
        let row = self.place(row).0;
        self.key.iter().map(|&at| self.field(row, at).unwrap_or_default()).collect::<Vec<_>>().join(", ")
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.origin.len()
    }

    /// Whether nothing can be joined to a row.
    pub fn is_alone(&self, row: usize) -> bool {
        self.joined.is_some() && self.partner(row).is_none()
    }

    /// Whether both files of a join have a column.
    pub fn is_in_both(&self, column: usize) -> bool {
        matches!(self.fields[column], Field::Both(..))
    }

    /// What the joined file says in a column that both files have.
    pub fn other(&self, row: usize, column: usize) -> Option<&str> {
        let Field::Both(_, theirs) = self.fields[column] else { return None };
        self.joined.as_ref()?.cell(self.partner(row)?, theirs)
    }

    /// Whether a cell is empty here and filled from the joined file.
    pub fn is_filled(&self, row: usize, column: usize) -> bool {
        let Field::Both(own, _) = self.fields[column] else { return false };
        self.fills && self.field(self.place(row).0, own).is_none() && self.other(row, column).is_some()
    }

    /// A cell of a column that was asked for, without blanks around it; `None` where it is empty.
    pub fn cell(&self, row: usize, column: usize) -> Option<&str> {
        let (place, year) = self.place(row);
        match self.filled_by(row, column) {
            Field::At(field) => self.field(place, field),
            Field::Joined(field) => self.joined.as_ref()?.cell(self.partner(row)?, field),
            Field::Key(own, theirs) => {
                let partner = self.partner(row).and_then(|row| self.joined.as_ref()?.cell(row, theirs));
                partner.or_else(|| self.field(place, own))
            }
            Field::Both(own, _) => {
                let filled = || self.other(row, column).filter(|_| self.fills);
                self.field(place, own).or_else(filled)
            }
            Field::Year => self.years.get(year).map(|year| &**year),
            Field::SourceFile => Some(&self.file),
            Field::Folder(at) => Some(&*self.folders[at]).filter(|value| !value.is_empty()),
            Field::ByYear(_) | Field::Absent => None,
        }
    }

    /// How the text of a cell came about.
    pub fn written(&self, row: usize, column: usize) -> Written {
        let place = self.place(row).0;
        let here = |field: usize| if self.is_number(place, field) { Written::Plainly } else { Written::Here };
        let joined = |field: usize| {
            let partner = self.joined.as_ref().zip(self.partner(row));
            let is_number = partner.is_some_and(|(joined, partner)| joined.is_number(partner, field));
            if is_number { Written::Plainly } else { Written::Joined }
        };
        match self.filled_by(row, column) {
            Field::At(field) => here(field),
            Field::Joined(field) => joined(field),
            Field::Key(_, theirs) if self.partner(row).is_some() => joined(theirs),
            Field::Key(own, _) => here(own),
            Field::Both(_, theirs) if self.is_filled(row, column) => joined(theirs),
            Field::Both(own, _) => here(own),
            Field::Year => Written::Plainly,
            Field::SourceFile | Field::Folder(_) | Field::ByYear(_) | Field::Absent => Written::Here,
        }
    }

    /// Whether the file holds a field as a number.
    pub fn is_number(&self, row: usize, field: usize) -> bool {
        self.numbers.get(row * self.width + field) == Some(&true)
    }

    /// A field of a row, without blanks around it; `None` where it is empty.
    pub fn field(&self, row: usize, field: usize) -> Option<&str> {
        let at = row * self.width + field;
        let start = if at == 0 { 0 } else { self.ends[at - 1] as usize };
        let text = self.text[start..self.ends[at] as usize].trim();
        (!text.is_empty()).then_some(text)
    }

    /// The geometry that came with a row.
    pub fn geometry(&self, row: usize) -> Option<&Geometry> {
        self.geometry.get(self.place(row).0)?.as_ref()
    }

    /// A rejection of a row, in the file that holds the column.
    pub fn rejection(
        &self,
        row: usize,
        column: Option<(usize, &Arc<str>)>,
        value: &str,
        rule: Rule,
        message: String,
    ) -> Rejection {
        let name = column.map_or_else(|| Arc::from(""), |(_, name)| name.clone());
        let position = column.map(|(position, _)| position).filter(|position| *position < self.fields.len());
        let year = self.years.get(self.place(row).1).filter(|_| name.contains(super::YEAR));
        let name = year.map_or(name.clone(), |year| name.replace(super::YEAR, year).into());
        let is_theirs = position.is_some_and(|position| {
            matches!(self.filled_by(row, position), Field::Joined(_)) || self.is_filled(row, position)
        });
        let partner = self.joined.as_ref().zip(self.partner(row)).filter(|_| is_theirs);
        let elsewhere = partner.map(|(joined, partner)| joined.place(partner));
        let (file, line) = elsewhere.unwrap_or_else(|| (self.file.clone(), self.origin[row].line));
        Rejection { source: self.source.clone(), file, line, column: name, value: shorten(value), rule, message }
    }
}

/// The longest original text that a report keeps, in characters.
const KEPT: usize = 1000;

/// A text cut to what a report can hold.
pub fn shorten(text: &str) -> String {
    match text.char_indices().nth(KEPT) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}
