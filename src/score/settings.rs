//! `[score]`, `[[dimensions]]` and `[[components]]` of the pipeline file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Aggregate;
use crate::given::{Switch, WordOr};
use crate::indicator::rescale::{Filling, Imputed, Method, Normalised, Treat};
use crate::sources::Reading;
use crate::sources::settings::read_from_files;

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
    /// Smallest score that a geometric or harmonic mean reads; default: a hundredth of the upper end of the scale (1 of
    /// 100), or the lower end where that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Where the weights of its children come from; default: as `[score]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weighting>,
    /// Least share of its children that must have a score for it to have one; default: as `[score]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_available: Option<f64>,
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
    /// Smallest score that a geometric or harmonic mean reads; default: a hundredth of the upper end of the scale (1 of
    /// 100), or the lower end where that is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<f64>,
    /// Where the weights of its children come from; default: as `[score]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weights: Option<Weighting>,
    /// Least share of its children that must have a score for it to have one; default: as `[score]` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_available: Option<f64>,
}

/// `[score]`: how values become scores, where an indicator or a node says nothing else. Everything here is the default;
/// with the table in the file, `indicators` and `scores` have ranks and treated values too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scoring {
    /// How values become scores.
    pub normalise: Normalised,
    /// What is done with outliers; `true`: winsorise up to 5 points, then ln.
    pub treat: Switch<Treat>,
    /// What missing values are filled with.
    pub impute: Imputed,
    /// Which clusters have too few values to be scored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<Screen>,
    /// Where the weights of the children of every node come from.
    pub weights: Weighting,
    /// Least share of its children that must have a score for a node to have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_available: Option<f64>,
    /// Pearson's correlation from which two siblings are flagged as collinear.
    pub collinear: f64,
    /// Pearson's correlation up to which two siblings, or a child and its parent, are flagged as negative.
    pub negative: f64,
    /// Strengths and weaknesses a cluster.
    pub strengths: u32,
    /// Whether the tables `diagnostics`, `correlations`, `loadings`, `effective_weights`, `removal`, `strengths` and
    /// `availability` are written.
    pub diagnostics: bool,
}

impl Default for Scoring {
    fn default() -> Self {
        Self {
            normalise: WordOr::Word(Method::Goalposts),
            treat: Switch::On(false),
            impute: WordOr::Word(Filling::Nothing),
            screen: None,
            weights: Weighting::Given,
            min_available: None,
            collinear: 0.92,
            negative: -0.4,
            strengths: 5,
            diagnostics: true,
        }
    }
}

/// `[score.screen]`: clusters with fewer values are not scored, and no part of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Screen {
    /// Least share of the indicators that have a value.
    pub min_available: f64,
    /// Least share of the values that are not 0.
    pub min_non_zero: f64,
}

impl Default for Screen {
    fn default() -> Self {
        Self { min_available: 0.0, min_non_zero: 0.0 }
    }
}

/// Where the weights of the children of a node come from.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// From `weight` of each.
    #[default]
    Given,
    /// All alike.
    Equal,
    /// The loadings of the first principal component of their scores, over units that have all of them. None may be
    /// below 0.
    Pca,
    /// The squares of these: the share of each in the variance of the component.
    PcaSquared,
    /// The more their scores differ between units, the more weight (Shannon's entropy).
    Entropy,
    /// By contrast and conflict: standard deviation times the sum of 1 less the correlations (CRITIC).
    Critic,
    /// From comparisons in pairs by people: a square table (analytic hierarchy process).
    Ahp(Box<PairwiseSource>),
    /// From points that people gave: a row a person.
    Budget(Box<BudgetSource>),
}

impl Weighting {
    /// How the file of what people judged is read, where there is one.
    pub fn reading(&self) -> Option<Reading> {
        match self {
            Self::Ahp(source) => Some(source.reading()),
            Self::Budget(source) => Some(source.reading()),
            _ => None,
        }
    }

    /// The word that outputs use.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Equal => "equal",
            Self::Pca => "pca",
            Self::PcaSquared => "pca_squared",
            Self::Entropy => "entropy",
            Self::Critic => "critic",
            Self::Ahp(_) => "ahp",
            Self::Budget(_) => "budget",
        }
    }
}

read_from_files! {
    /// `weights = { ahp = … }`: a square table of comparisons. The first column and the header name the children; each
    /// cell says how many times as important the row is as the column (`3`, `0.5`, `1/3`).
    PairwiseSource {
        /// Greatest consistency ratio; past it the run stops.
        #[serde(default = "tenth")]
        max_inconsistency: f64,
    }
}

read_from_files! {
    /// `weights = { budget = … }`: points that people gave. The first column names the person, the others are called as
    /// the children; weights are the mean of the persons' shares.
    BudgetSource {}
}

impl PartialEq for PairwiseSource {
    fn eq(&self, other: &Self) -> bool {
        self.reading() == other.reading() && self.max_inconsistency == other.max_inconsistency
    }
}

impl PartialEq for BudgetSource {
    fn eq(&self, other: &Self) -> bool {
        self.reading() == other.reading()
    }
}

fn tenth() -> f64 {
    0.1
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
