//! The stages of a run, in the order in which it passes through them.

use serde::Serialize;

/// One stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Files to checked tables.
    Validate,
    /// Facilities to clusters.
    Delineate,
    /// Clusters to figures and indicators.
    Measure,
    /// Indicators to scores.
    Score,
    /// Scores to levels and types.
    Classify,
    /// Results to files.
    Report,
}

impl Stage {
    /// All, in their order.
    pub const ALL: [Self; 6] =
        [Self::Validate, Self::Delineate, Self::Measure, Self::Score, Self::Classify, Self::Report];

    /// The word that outputs and messages use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Delineate => "delineate",
            Self::Measure => "measure",
            Self::Score => "score",
            Self::Classify => "classify",
            Self::Report => "report",
        }
    }
}
