//! Scores to levels and types: thresholds, the coverage floor, the types that remain open, what would change them and
//! what has. Changes no score.

pub mod initiatives;
pub mod level;
pub mod levers;
pub mod moves;
pub mod rating;
pub mod typology;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::indicator::Indicator;
use crate::score::{Dimension, Scorer, Scores};
pub use level::{Level, Open};
pub use rating::{Rating, observations, rate};
pub use typology::{ClusterType, Typology};

/// `[classify]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Classification {
    /// Below this coverage a dimension is `unknown`, unless its bounds already decide.
    pub coverage_floor: f64,
    /// A dimension that moves towards a threshold and is this close to it is warned of, score points.
    pub warning_points: f64,
}

impl Default for Classification {
    fn default() -> Self {
        Self { coverage_floor: 0.6, warning_points: 10.0 }
    }
}

/// What makes a type of scores.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The dimensions, in the pipeline file's order.
    pub dimensions: &'a [Dimension],
    /// The indicators, in the pipeline file's order.
    pub indicators: &'a [Indicator],
    /// What makes scores of values.
    pub scorer: &'a Scorer<'a>,
    /// The typology, if there is one.
    pub typology: Option<&'a Typology>,
    /// `[classify]`.
    pub settings: &'a Classification,
}

/// Where one cluster stands in one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Class {
    /// What each dimension leaves open, in the pipeline file's order.
    pub levels: Vec<Open>,
    /// Positions of the types left open, ascending by number: one where the type is known, none without a typology.
    pub possible: Vec<usize>,
}

impl Class {
    /// The type's position in the typology, where only one is left.
    pub fn known(&self) -> Option<usize> {
        if let [only] = self.possible[..] { Some(only) } else { None }
    }

    /// The type, where only one is left.
    pub fn of_type<'t>(&self, typology: Option<&'t Typology>) -> Option<&'t ClusterType> {
        Some(&typology?.types[self.known()?])
    }

    /// The numbers of the open types, joined by `|`.
    pub fn possible_types(&self, typology: Option<&Typology>) -> String {
        let number = |at: &usize| typology.map(|typology| typology.types[*at].number.to_string());
        self.possible.iter().filter_map(number).collect::<Vec<_>>().join("|")
    }
}

impl Rules<'_> {
    /// Classifies one cluster and period.
    pub fn classify(&self, scores: &Scores) -> Class {
        let of_dimensions = self.dimensions.iter().zip(&scores.nodes);
        let open =
            of_dimensions.map(|(dimension, score)| Open::of(score, &dimension.threshold, self.settings.coverage_floor));
        let levels: Vec<Open> = open.collect();
        let possible = self.typology.map(|typology| typology.possible(self.dimensions, &levels)).unwrap_or_default();
        Class { levels, possible }
    }
}
