//! Ties as they come out of any source: links and memberships, each with its row.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::settings::Between;
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
    Links(Vec<LinkRow>),
    /// Member and organisation, in the two fields of the row.
    Memberships(Vec<LinkRow>),
}

/// One tie, with the years in which it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRow {
    /// What the two ends name; of a membership the first alone. An operator's plant that an alias names is a facility.
    pub levels: [Between; 2],
    /// The link's end, or the member.
    pub from: String,
    /// The other end, or the organisation.
    pub to: String,
    /// Weight, if the source gives one.
    pub weight: Option<f64>,
    /// First year; empty is open.
    pub from_year: Option<i64>,
    /// Last year; empty is open.
    pub to_year: Option<i64>,
    /// The source's own reference.
    pub source: Option<String>,
    /// Share of the member in the organisation, percent, where the cell gives one.
    pub share: Option<f64>,
    /// What the member does in the organisation, where the source says.
    pub role: Option<String>,
    /// The file.
    pub file: Arc<str>,
    /// Its line; 0 where none gives it.
    pub line: u64,
}

/// A row without the names of its fields: there are millions.
type Fields = (
    [Between; 2],
    String,
    String,
    Option<f64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<f64>,
    Option<String>,
    Arc<str>,
    u64,
);

impl Serialize for LinkRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { levels, from, to, weight, from_year, to_year, source, share, role, file, line } = self;
        (levels, from, to, weight, from_year, to_year, source, share, role, file, line).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LinkRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let (levels, from, to, weight, from_year, to_year, source, share, role, file, line) = fields;
        Ok(Self { levels, from, to, weight, from_year, to_year, source, share, role, file, line })
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
    pub fn rows(&self) -> &[LinkRow] {
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

impl LinkRow {
    /// Whether it counts in a period; without a period every tie does.
    pub fn counts_in(&self, period: Option<i64>) -> bool {
        period.is_none_or(|year| {
            self.from_year.is_none_or(|from| from <= year) && self.to_year.is_none_or(|to| year <= to)
        })
    }
}
