//! A second file of the same register, held in memory and joined by key.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::batch::{Batch, Partners};
use super::{InputFile, RawFilter, Request, Source, sift};
use crate::error::{Error, Problem, Result};
use crate::finding::{Rejection, Rule};

/// The rows of the joined file, by key.
#[derive(Debug, Default)]
pub struct Joined {
    batches: Vec<Batch>,
    rows: HashMap<Box<str>, u32>,
    places: Vec<Place>,
    used: Vec<AtomicBool>,
    ignore_case: bool,
    /// Its columns.
    pub columns: Vec<String>,
    /// Its files.
    pub files: Vec<InputFile>,
    /// Rows of it that do not parse, or repeat a key.
    pub broken: Vec<Rejection>,
    /// All rows of it.
    pub read: u64,
    /// Keys here to keys there, where a person has paired them.
    pairs: Option<HashMap<String, String>>,
    /// Rows that its filters take away, by filter.
    pub filtered: Vec<(String, u64)>,
}

/// Where a row of the joined file is kept, and where it stood.
#[derive(Debug)]
struct Place {
    batch: u32,
    row: u32,
    file: Arc<str>,
    line: u64,
}

/// The unit separator of ASCII, between the parts of a key.
const SEPARATOR: &str = "\u{1f}";

impl Joined {
    /// Reads the joined file; the first row of a key stands.
    pub fn read(request: &Request<'_>, key: &[String], ignore_case: bool) -> Result<Self> {
        let source = Source::open(request)?;
        let key: Vec<usize> = key.iter().filter_map(|column| source.position(column)).collect();
        let filtered = source.raw_filters.iter().map(|filter| (filter.text().to_owned(), 0)).collect();
        let mut joined = Self { columns: source.columns.clone(), ignore_case, filtered, ..Self::default() };
        source.stream(&|batch| Ok(batch), &mut |batch| joined.add(batch, &key, &source.raw_filters))?;
        joined.used = joined.places.iter().map(|_| AtomicBool::new(false)).collect();
        joined.files = source.fingerprints()?;
        Ok(joined)
    }

    /// Reads the pairs that a person has accepted; nobody stands in two of them.
    pub fn pair(&mut self, request: &Request<'_>) -> Result<()> {
        let source = Source::open(request)?;
        let columns = ["here", "there"].map(|column| source.position(column).unwrap_or_default());
        let (mut pairs, mut taken, mut twice) = (HashMap::new(), HashSet::new(), Vec::new());
        source.stream(&|batch| Ok(batch), &mut |batch| {
            for row in 0..batch.rows() {
                let [here, there] = columns.map(|column| self.key(&mut [batch.cell(row, column)].into_iter()));
                let (Some(here), Some(there)) = (here, there) else { continue };
                let place = format!("{} line {}", batch.file, batch.origin[row].line);
                if pairs.contains_key(&here) || taken.contains(&there) {
                    twice.push(format!("{place}  {here}, {there}"));
                }
                taken.insert(there.clone());
                pairs.insert(here, there);
            }
            Ok(())
        })?;
        if !twice.is_empty() {
            let message = format!("{} pairs name a facility that is in another pair", twice.len());
            let problem = Problem::new(request.name, message, "strike out all but one").showing(twice);
            return Err(Error::Data { problems: vec![problem] });
        }
        self.files.extend(source.fingerprints()?);
        self.pairs = Some(pairs);
        Ok(())
    }

    fn add(&mut self, mut batch: Batch, key: &[usize], filters: &[RawFilter]) -> Result<()> {
        self.read += (batch.rows() + batch.broken.len()) as u64;
        self.broken.append(&mut batch.broken);
        let (left, gone) = sift(filters, &batch)?;
        self.filtered.iter_mut().zip(&gone).for_each(|((_, count), gone)| *count += gone.len() as u64);
        for row in left {
            let Some(name) = self.key(&mut key.iter().map(|&column| batch.cell(row, column))) else {
                self.broken.push(batch.rejection(row, None, "", Rule::Required, "the key of the join is empty".into()));
                continue;
            };
            let here = self.places.len() as u32;
            if let Some(&first) = self.rows.get(name.as_str()) {
                let (_, line) = self.place(first);
                let shown = name.replace(SEPARATOR, ", ");
                let message = format!("a second row of one key: the first is line {line}");
                self.broken.push(batch.rejection(row, None, &shown, Rule::Unique, message));
                continue;
            }
            self.rows.insert(name.into(), here);
            let (file, line) = (batch.file.clone(), batch.origin[row].line);
            self.places.push(Place { batch: self.batches.len() as u32, row: row as u32, file, line });
        }
        self.batches.push(batch);
        Ok(())
    }

    /// Rows that no row asked for.
    pub fn unused(&self) -> usize {
        self.used.iter().filter(|used| !used.load(Ordering::Relaxed)).count()
    }

    fn key(&self, parts: &mut dyn Iterator<Item = Option<&str>>) -> Option<String> {
        let parts: Vec<&str> = parts.collect::<Option<_>>()?;
        let key = parts.join(SEPARATOR);
        Some(if self.ignore_case { key.to_lowercase() } else { key })
    }
}

impl Partners for Joined {
    fn find(&self, parts: &mut dyn Iterator<Item = Option<&str>>) -> Option<u32> {
        let key = self.key(parts)?;
        let key = match &self.pairs {
            Some(pairs) => pairs.get(&key)?,
            None => &key,
        };
        let row = *self.rows.get(key.as_str())?;
        self.used[row as usize].store(true, Ordering::Relaxed);
        Some(row)
    }

    fn cell(&self, row: u32, column: usize) -> Option<&str> {
        let place = &self.places[row as usize];
        self.batches[place.batch as usize].cell(place.row as usize, column)
    }

    fn is_number(&self, row: u32, column: usize) -> bool {
        let place = &self.places[row as usize];
        self.batches[place.batch as usize].is_number(place.row as usize, column)
    }

    fn place(&self, row: u32) -> (Arc<str>, u64) {
        let place = &self.places[row as usize];
        (place.file.clone(), place.line)
    }
}
