//! Rows and tonnes of a source, so that nothing is lost in silence.

use serde::{Deserialize, Serialize};

use crate::sources::InputFile;

/// Rows and tonnes of one source: read = kept + filtered + quarantined.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Account {
    /// The source, as the pipeline file names it.
    pub source: String,
    /// Its files.
    pub files: Vec<InputFile>,
    /// All rows.
    pub read: Tally,
    /// What each `where` took away, in its order.
    pub filtered: Vec<Filtered>,
    /// Rows that broke the contract or did not read.
    pub quarantined: Tally,
    /// What is left.
    pub kept: Tally,
}

/// A count of rows and their emissions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Tally {
    /// Rows.
    pub rows: u64,
    /// Their emissions, t; null for a source without emissions.
    pub tonnes: Option<f64>,
    /// Rows whose emissions are empty or unreadable.
    pub rows_without_tonnes: u64,
}

/// What one filter took away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Filtered {
    /// The SQL text.
    pub r#where: String,
    /// Rows and tonnes.
    #[serde(flatten)]
    pub tally: Tally,
}

impl Tally {
    /// Adds a row with its emissions.
    pub fn add(&mut self, tonnes: Option<f64>) {
        self.rows += 1;
        match tonnes {
            Some(tonnes) => *self.tonnes.get_or_insert(0.0) += tonnes,
            None => self.rows_without_tonnes += 1,
        }
    }

    /// Adds another count.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.rows_without_tonnes += other.rows_without_tonnes;
        if let Some(tonnes) = other.tonnes {
            *self.tonnes.get_or_insert(0.0) += tonnes;
        }
    }

    /// Takes a row away.
    pub fn subtract(&mut self, tonnes: Option<f64>) {
        self.rows -= 1;
        match (tonnes, &mut self.tonnes) {
            (Some(tonnes), Some(sum)) => *sum -= tonnes,
            _ => self.rows_without_tonnes -= 1,
        }
    }
}

impl Account {
    /// Adds the rows of another part of the same source.
    pub fn merge(&mut self, other: Self) {
        self.read.merge(&other.read);
        self.quarantined.merge(&other.quarantined);
        self.kept.merge(&other.kept);
        if self.filtered.is_empty() {
            self.filtered = other.filtered;
        } else {
            self.filtered.iter_mut().zip(&other.filtered).for_each(|(mine, theirs)| mine.tally.merge(&theirs.tally));
        }
    }

    /// Brings a source without emissions to counts of rows alone.
    pub fn without_tonnes(&mut self) {
        let tallies = [&mut self.read, &mut self.quarantined, &mut self.kept].into_iter();
        tallies.chain(self.filtered.iter_mut().map(|filtered| &mut filtered.tally)).for_each(|tally| {
            tally.tonnes = None;
            tally.rows_without_tonnes = 0;
        });
    }
}
