//! `[[dimensions]]` and `[[components]]` of the pipeline file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Aggregate;

/// `[[dimensions]]`: a weighted group of components, cut into high and low.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Unique name; the built-in typology knows `locational_advantage` and `inter_firm_linkages`.
    pub id: String,
    /// The score from which the dimension is high; two scores: from the first it is middle, from the second high.
    #[serde(default)]
    pub threshold: Thresholds,
    /// Points over which membership in a level rises from 0 to 1, half of them on either side of a threshold; gives
    /// `type_memberships.csv`. Types go by the thresholds all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuzzy_width: Option<f64>,
    /// How its components combine.
    #[serde(default)]
    pub aggregate: Aggregate,
    /// Smallest score that a geometric or harmonic mean reads.
    #[serde(default = "one")]
    pub floor: f64,
}

/// `[[components]]`: a weighted group of indicators, which may nest.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Unique name.
    pub id: String,
    /// The dimension or component that it belongs to.
    pub parent: String,
    /// Weight among its siblings.
    #[serde(default = "one")]
    pub weight: f64,
    /// How its children combine.
    #[serde(default)]
    pub aggregate: Aggregate,
    /// Smallest score that a geometric or harmonic mean reads.
    #[serde(default = "one")]
    pub floor: f64,
}

fn one() -> f64 {
    1.0
}

/// One threshold of a dimension, or two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "OneOrTwo", into = "OneOrTwo")]
#[schemars(with = "OneOrTwo")]
pub struct Thresholds(pub Vec<f64>);

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number or two numbers, without quotes")]
enum OneOrTwo {
    One(f64),
    Two([f64; 2]),
}

impl From<OneOrTwo> for Thresholds {
    fn from(given: OneOrTwo) -> Self {
        match given {
            OneOrTwo::One(threshold) => Self(vec![threshold]),
            OneOrTwo::Two(thresholds) => Self(thresholds.to_vec()),
        }
    }
}

impl From<Thresholds> for OneOrTwo {
    fn from(Thresholds(thresholds): Thresholds) -> Self {
        match thresholds[..] {
            [lower, upper, ..] => Self::Two([lower, upper]),
            [threshold] => Self::One(threshold),
            [] => Self::One(50.0),
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self(vec![50.0])
    }
}
