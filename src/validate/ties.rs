//! Ties as they come out of any source: links and memberships, each with its row.

use std::collections::BTreeMap;
use std::sync::Arc;

use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::settings::Between;
use super::texts::{Numbers, Texts};
use crate::error::{Error, Result};
use crate::sources::Origin;
use crate::sql::Expression;

/// One source of ties.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TieTable {
    /// Its name in the pipeline file.
    pub name: String,
    /// The kind of tie.
    pub kind: String,
    /// What ends and members name.
    pub between: Between,
    /// Whether the two ends of a link differ in meaning.
    pub directed: bool,
    /// Whether no file gives its rows: they follow from places, or from who owns what.
    pub inferred: bool,
    /// The facilities for which absence means none; `None`: all.
    pub observed: Option<Expression>,
    /// The rows.
    pub ties: Ties,
    /// Facilities, by id, that stand within the perimeter of an organisation: observed wherever its list counts.
    pub perimeters: Vec<(String, String)>,
}

/// Links or memberships.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Ties {
    /// From one end to another.
    Links(TieRows),
    /// Member and organisation, in the two fields of the row.
    Memberships(TieRows),
}

/// One tie, with the years in which it counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TieRow<'a> {
    /// What the two ends name; of a membership the first alone. An operator's plant that an alias names is a facility.
    pub levels: [Between; 2],
    /// The link's end, or the member.
    pub from: &'a str,
    /// The other end, or the organisation.
    pub to: &'a str,
    /// Weight, if the source gives one.
    pub weight: Option<f64>,
    /// First year; empty is open.
    pub from_year: Option<i64>,
    /// Last year; empty is open.
    pub to_year: Option<i64>,
    /// The source's own reference.
    pub source: Option<&'a str>,
    /// Share of the member in the organisation, percent, where the cell gives one.
    pub share: Option<f64>,
    /// What the member does in the organisation, where the source says.
    pub role: Option<&'a str>,
    /// The file.
    pub file: &'a str,
    /// Its line; 0 where none gives it.
    pub line: u64,
}

/// Ties column by column: there are millions. What no row has takes no room.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct TieRows {
    pub(super) from: Texts,
    pub(super) to: Texts,
    /// What the ends name where it is the same in all rows, else nothing, and `levels` says it.
    pub(super) level: Option<[Between; 2]>,
    pub(super) levels: Vec<[Between; 2]>,
    pub(super) weight: Numbers<Float64Type>,
    pub(super) from_year: Numbers<Int64Type>,
    pub(super) to_year: Numbers<Int64Type>,
    pub(super) source: Texts,
    pub(super) share: Numbers<Float64Type>,
    pub(super) role: Texts,
    pub(super) files: Vec<Arc<str>>,
    /// Position in `files` and line.
    pub(super) origin: Vec<Origin>,
}

impl TieRows {
    /// The number of rows.
    pub fn len(&self) -> usize {
        self.origin.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.origin.is_empty()
    }

    /// The row at a position below [`TieRows::len`].
    pub fn get(&self, at: usize) -> TieRow<'_> {
        TieRow {
            levels: self.levels(at),
            from: self.from(at),
            to: self.to(at),
            weight: self.weight.get(at),
            from_year: self.from_year.get(at),
            to_year: self.to_year.get(at),
            source: self.source.get(at),
            share: self.share.get(at),
            role: self.role.get(at),
            file: &self.files[self.origin[at].file as usize],
            line: self.origin[at].line,
        }
    }

    /// What the ends of a row name.
    pub fn levels(&self, at: usize) -> [Between; 2] {
        self.level.unwrap_or_else(|| self.levels[at])
    }

    /// The link's end, or the member.
    pub fn from(&self, at: usize) -> &str {
        self.from.get(at).unwrap_or_default()
    }

    /// The other end, or the organisation.
    pub fn to(&self, at: usize) -> &str {
        self.to.get(at).unwrap_or_default()
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = TieRow<'_>> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// Whether a row counts in a period; without a period every tie does.
    pub fn counts_in(&self, at: usize, period: Option<i64>) -> bool {
        period.is_none_or(|year| {
            self.from_year.get(at).is_none_or(|from| from <= year) && self.to_year.get(at).is_none_or(|to| year <= to)
        })
    }

    /// The same with other weights in some rows.
    pub(super) fn with_weights(&self, weights: &BTreeMap<u32, Option<f64>>) -> Self {
        let weight = |at: usize| weights.get(&(at as u32)).copied().unwrap_or_else(|| self.weight.get(at));
        let changed = if weights.is_empty() { self.weight.clone() } else { Numbers::some((0..self.len()).map(weight)) };
        Self { weight: changed, ..self.clone() }
    }

    /// The rows that are to stay; `stays` has one entry a row.
    ///
    /// # Errors
    ///
    /// [`Error::Table`] if polars fails.
    pub fn filter(&self, stays: &[bool]) -> Result<Self> {
        if stays.iter().all(|stays| *stays) {
            return Ok(self.clone());
        }
        let mask: BooleanChunked = stays.iter().map(|stays| Some(*stays)).collect();
        let of = || -> PolarsResult<Self> {
            Ok(Self {
                from: self.from.filter(&mask)?,
                to: self.to.filter(&mask)?,
                level: self.level,
                levels: kept(&self.levels, stays),
                weight: self.weight.filter(&mask)?,
                from_year: self.from_year.filter(&mask)?,
                to_year: self.to_year.filter(&mask)?,
                source: self.source.filter(&mask)?,
                share: self.share.filter(&mask)?,
                role: self.role.filter(&mask)?,
                files: self.files.clone(),
                origin: kept(&self.origin, stays),
            })
        };
        of().map_err(Error::table("choosing ties"))
    }
}

fn kept<T: Copy>(of: &[T], stays: &[bool]) -> Vec<T> {
    of.iter().zip(stays).filter(|(_, stays)| **stays).map(|(one, _)| *one).collect()
}

/// Ties as they are made, row by row.
#[derive(Default)]
pub struct TieBuilder {
    ends: [Vec<PlSmallStr>; 2],
    levels: Vec<[Between; 2]>,
    weight: Vec<Option<f64>>,
    years: [Vec<Option<i64>>; 2],
    texts: [Vec<Option<PlSmallStr>>; 2],
    share: Vec<Option<f64>>,
    files: Vec<Arc<str>>,
    origin: Vec<Origin>,
}

impl TieBuilder {
    /// Adds a row.
    pub fn push(&mut self, row: &TieRow<'_>) {
        self.ends[0].push(row.from.into());
        self.ends[1].push(row.to.into());
        self.levels.push(row.levels);
        self.weight.push(row.weight);
        self.years[0].push(row.from_year);
        self.years[1].push(row.to_year);
        self.texts[0].push(row.source.map(Into::into));
        self.texts[1].push(row.role.map(Into::into));
        self.share.push(row.share);
        let file = self.files.iter().rposition(|file| **file == *row.file).unwrap_or_else(|| {
            self.files.push(row.file.into());
            self.files.len() - 1
        });
        self.origin.push(Origin { file: file as u32, line: row.line });
    }

    /// All of them.
    pub fn finish(self) -> TieRows {
        let ends = self.ends.each_ref().map(|names| Texts::known(names.iter().map(PlSmallStr::as_str)));
        let [from, to] = ends;
        let [from_year, to_year] = self.years.map(|years| Numbers::some(years.into_iter()));
        let [source, role] = self.texts.each_ref().map(|texts| Texts::any(texts.iter().map(Option::as_deref)));
        let level = self.levels.first().copied().filter(|first| self.levels.iter().all(|levels| levels == first));
        TieRows {
            from,
            to,
            level,
            levels: if level.is_some() { Vec::new() } else { self.levels },
            weight: Numbers::some(self.weight.into_iter()),
            from_year,
            to_year,
            source,
            share: Numbers::some(self.share.into_iter()),
            role,
            files: self.files,
            origin: self.origin,
        }
    }
}

impl TieTable {
    /// Its key in the pipeline file: `links.NAME` or `memberships.NAME`.
    pub fn place(&self) -> String {
        let table = if self.is_links() { "links" } else { "memberships" };
        format!("{table}.{}", self.name)
    }

    /// Whether its rows are links, and not memberships.
    pub fn is_links(&self) -> bool {
        matches!(self.ties, Ties::Links(_))
    }

    /// Its rows.
    pub fn rows(&self) -> &TieRows {
        match &self.ties {
            Ties::Links(rows) | Ties::Memberships(rows) => rows,
        }
    }

    /// What its rows rest on: `given` by a file, `inferred` from places or owners, `potential` by sectors.
    pub fn basis(&self) -> &'static str {
        if self.is_potential() {
            "potential"
        } else if self.inferred {
            "inferred"
        } else {
            "given"
        }
    }

    /// Whether it tells what might be and not what is.
    pub fn is_potential(&self) -> bool {
        self.between == Between::Sector
    }
}
