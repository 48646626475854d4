//! An indicator, as `[[indicators]]` of the pipeline file has it: what is measured, how it is scored, how a change of
//! it reads. Settings alone: every stage from `measure` on reads its own part.

pub mod rescale;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::given::Switch;
use rescale::{Direction, Imputed, Normalised, Treat};

/// One number a cluster and period: a SQL expression, its goalposts, and where they come from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Unique name.
    pub id: String,
    /// The component (or dimension) that it belongs to.
    pub parent: String,
    /// Weight among its siblings.
    #[serde(default = "one")]
    pub weight: f64,
    /// The table that the expression sees.
    #[serde(default)]
    pub over: Over,
    /// SQL: an aggregate over facilities or links, plain arithmetic over clusters.
    pub expr: String,
    /// The unit of its value.
    #[serde(default)]
    pub unit: String,
    /// Scores 0; goalposts need it.
    pub worst: Option<f64>,
    /// Scores 50; without it the score is one straight line.
    pub crossover: Option<f64>,
    /// Scores 100; below `worst` where less is better; goalposts need it.
    pub best: Option<f64>,
    /// Straight in the value or in its logarithm.
    #[serde(default)]
    pub scale: Scale,
    /// Which way is better, where no goalposts say it; default: more is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// What `distance_to_target` measures the way to, in the indicator's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// How its values become scores; default: as `[score]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalise: Option<Normalised>,
    /// What is done with its outliers; default: as `[score]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treat: Option<Switch<Treat>>,
    /// What its missing values are filled with; default: as `[score]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impute: Option<Imputed>,
    /// Where the goalposts come from.
    #[serde(default)]
    pub source: String,
    /// Whose choice the goalposts are.
    #[serde(default)]
    pub mark: Mark,
    /// Whether people can change it (networks, bodies, shared pipes) or geography fixes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changeable: Option<bool>,
    /// How a change of it reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lever: Option<LeverWords>,
}

/// Ids of the indicators of which a part came through `extends`: what it names and this pipeline does not declare makes
/// it missing, not wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Inherited {
    /// The expression.
    pub expr: BTreeSet<String>,
    /// What one unit stands for.
    pub lever: BTreeSet<String>,
}

/// How a change of an indicator reads: "42 km less to CO2 storage", "6 more linked sites".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeverWords {
    /// What there must be more or less of; `(s)` reads as `s` but after 1.
    pub what: String,
    /// SQL over `clusters`: how many of these one unit of the indicator is.
    #[serde(default)]
    pub times: Option<String>,
    /// Whether they come whole.
    #[serde(default)]
    pub whole: bool,
}

fn one() -> f64 {
    1.0
}

/// The table that an expression sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The facilities of the cluster and period.
    #[default]
    Facilities,
    /// The ties within the cluster.
    Links,
    /// The cluster's own row of figures.
    Clusters,
}

/// How a score runs between goalposts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Straight in the value.
    #[default]
    Linear,
    /// Straight in its natural logarithm.
    Log,
}

/// Whose choice a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Mark {
    /// The paper says so.
    P,
    /// An established method, named.
    E,
    /// A judgement.
    #[default]
    J,
}

impl Over {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Facilities => "facilities",
            Self::Links => "links",
            Self::Clusters => "clusters",
        }
    }
}

impl Scale {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Log => "log",
        }
    }
}

impl Mark {
    /// The letter that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P => "P",
            Self::E => "E",
            Self::J => "J",
        }
    }
}
