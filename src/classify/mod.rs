//! Scores to levels and types: thresholds, the coverage floor, and the types that remain open. Changes no score.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::score::{Dimension, Score};

/// `[classify]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Classification {
    /// Below this coverage a dimension is `unknown`, unless its bounds already decide.
    pub coverage_floor: f64,
}

impl Default for Classification {
    fn default() -> Self {
        Self { coverage_floor: 0.6 }
    }
}

/// Where a dimension stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// At or above the threshold.
    High,
    /// Below it.
    Low,
    /// Too little is known.
    Unknown,
}

impl Level {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
            Self::Unknown => "unknown",
        }
    }

    fn open(self) -> &'static [bool] {
        match self {
            Self::High => &[true],
            Self::Low => &[false],
            Self::Unknown => &[true, false],
        }
    }
}

/// A type of the built-in typology.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClusterType {
    /// 1 to 4.
    pub number: i64,
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// What follows for policy.
    pub policy: &'static str,
}

/// The dimensions that the typology needs.
pub const DIMENSIONS: [&str; 2] = ["locational_advantage", "inter_firm_linkages"];

/// The types, by number. Rattle & Taylor (2025), Table 2 and sections 5 and 6, in our words.
pub const TYPES: [ClusterType; 4] = [
    ClusterType {
        number: 1,
        name: "forerunner cluster",
        description: "high locational advantage, high inter-firm linkages",
        policy: "Easy to identify. The task is business models, funding, a carbon price and standards; outside shocks still matter.",
    },
    ClusterType {
        number: 2,
        name: "dispersed cluster",
        description: "low locational advantage, high inter-firm linkages",
        policy: "Without an anchor site large infrastructure has no clear case, but networks are strong: local programmes of \
                 energy and resource efficiency, symbiosis and electrification.",
    },
    ClusterType {
        number: 3,
        name: "classic cluster",
        description: "high locational advantage, low inter-firm linkages",
        policy: "Easy to identify by size. Money aimed at a place fails unless firms and associations take part: build networks \
                 first; where the potential is small, networks of small initiatives.",
    },
    ClusterType {
        number: 4,
        name: "dispersed sites",
        description: "low locational advantage, low inter-firm linkages",
        policy: "Cannot be ignored, for the emissions add up. Tailored action at strategic sites, cross-sector plans by place for \
                 the rest, and capacity building; the least researched type.",
    },
];

/// The level of a dimension.
///
/// The bounds decide first, whatever is missing; else the score, if enough of it rests on data.
pub fn level(score: &Score, threshold: f64, coverage_floor: f64) -> Level {
    if score.low >= threshold {
        Level::High
    } else if score.high < threshold {
        Level::Low
    } else {
        match score.score {
            Some(value) if score.coverage >= coverage_floor => {
                if value >= threshold {
                    Level::High
                } else {
                    Level::Low
                }
            }
            _ => Level::Unknown,
        }
    }
}

/// The types that the levels of location and linkages leave open, ascending; exactly one where both are known.
pub fn possible_types(location: Level, linkages: Level) -> Vec<&'static ClusterType> {
    let number = |location: bool, linkages: bool| match (location, linkages) {
        (true, true) => 0,
        (false, true) => 1,
        (true, false) => 2,
        (false, false) => 3,
    };
    let mut open: Vec<usize> =
        location.open().iter().flat_map(|&a| linkages.open().iter().map(move |&b| number(a, b))).collect();
    open.sort_unstable();
    open.into_iter().map(|number| &TYPES[number]).collect()
}

/// Where one cluster stands in one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// One a dimension, in the pipeline file's order.
    pub levels: Vec<Level>,
    /// The types left open: one where the type is known, none where the dimensions are not the typology's.
    pub possible: Vec<&'static ClusterType>,
}

impl Class {
    /// The type, where only one is left.
    pub fn of_type(&self) -> Option<&'static ClusterType> {
        if self.possible.len() == 1 { Some(self.possible[0]) } else { None }
    }

    /// The numbers of the open types, joined by `|`.
    pub fn possible_types(&self) -> String {
        self.possible.iter().map(|kind| kind.number.to_string()).collect::<Vec<_>>().join("|")
    }
}

/// Whether the dimensions are those of the typology.
pub fn has_typology(dimensions: &[Dimension]) -> bool {
    dimensions.len() == DIMENSIONS.len()
        && DIMENSIONS.iter().all(|id| dimensions.iter().any(|dimension| dimension.id == *id))
}

/// Classifies one cluster and period from the scores of its dimensions, in the pipeline file's order.
pub fn classify(dimensions: &[Dimension], scores: &[Score], settings: &Classification) -> Class {
    let levels: Vec<Level> = dimensions
        .iter()
        .zip(scores)
        .map(|(dimension, score)| level(score, dimension.threshold, settings.coverage_floor))
        .collect();
    let of = |id: &str| {
        dimensions.iter().position(|dimension| dimension.id == id).map_or(Level::Unknown, |position| levels[position])
    };
    let possible =
        if has_typology(dimensions) { possible_types(of(DIMENSIONS[0]), of(DIMENSIONS[1])) } else { Vec::new() };
    Class { levels, possible }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_at_the_edges() {
        let score = |score, coverage, low, high| Score { score, coverage, low, high };
        for (score, wanted) in [
            (score(Some(50.0), 1.0, 50.0, 50.0), Level::High),
            (score(Some(49.9), 1.0, 49.9, 49.9), Level::Low),
            (score(Some(90.0), 0.59, 40.0, 95.0), Level::Unknown),
            (score(Some(90.0), 0.6, 40.0, 95.0), Level::High),
            (score(Some(90.0), 0.1, 50.0, 95.0), Level::High),
            (score(None, 0.0, 0.0, 49.0), Level::Low),
            (score(None, 0.0, 0.0, 100.0), Level::Unknown),
        ] {
            assert_eq!(level(&score, 50.0, 0.6), wanted, "{score:?}");
        }
    }

    #[test]
    fn what_stays_open() {
        let numbers = |a, b| possible_types(a, b).iter().map(|kind| kind.number).collect::<Vec<_>>();
        assert_eq!(numbers(Level::High, Level::Unknown), [1, 3]);
        assert_eq!(numbers(Level::Low, Level::Unknown), [2, 4]);
        assert_eq!(numbers(Level::Unknown, Level::High), [1, 2]);
        assert_eq!(numbers(Level::Unknown, Level::Unknown), [1, 2, 3, 4]);
        assert_eq!(numbers(Level::High, Level::Low), [3]);
    }
}
