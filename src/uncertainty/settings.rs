//! `[uncertainty]` of the pipeline file: what is drawn, from which distribution, how often.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::given::Switch;
use crate::score::Aggregate;

/// `[uncertainty]`: everything here is the default once the table is there; `NAME = false` leaves a factor at its nominal
/// value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct UncertaintySettings {
    /// Replicates, at most.
    pub replicates: u32,
    /// Seed of all draws.
    pub seed: u64,
    /// Ends the draws early, once the standard error of every `p_type` is below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_error: Option<f64>,
    /// Where the numbers behind the draws come from.
    pub points: Points,
    /// Whether quantiles and ranks are told too; they hold 8 bytes a cluster, dimension and replicate, probabilities alone
    /// nothing that grows with the replicates.
    pub quantiles: bool,
    /// Whether draws of emissions and places delineate the clusters anew; else those of the run stand.
    pub redelineate: bool,
    /// Weights of siblings: Dirichlet around what the pipeline file gives, or uniform.
    pub weights: Switch<Weights>,
    /// Goalposts: each times a log-normal factor.
    pub goalposts: Switch<Spread>,
    /// How the components of a dimension combine: its alternatives, each with its probability.
    pub aggregation: Switch<IndexMap<String, Vec<Alternative>>>,
    /// Thresholds of the dimensions, score points.
    pub thresholds: Switch<Thresholds>,
    /// One indicator left out, each as likely as the others; off unless given.
    pub indicator_set: Switch<LeaveOut>,
    /// Emissions of each row of the register: times a log-normal factor of mean 1.
    pub emissions: Switch<EmissionError>,
    /// Places of facilities: normal, in metres to the east and to the north; within `precision_km` where that is known.
    pub coordinates: Switch<PlaceError>,
    /// Layers whose features are drawn within their `precision_km`: all that have one, or those named.
    pub layers: Switch<Vec<String>>,
    /// Radii, km, each as likely as the others, at which clusters are delineated anew; off unless `delineate.radius_km` or this
    /// is a list.
    pub radius_km: Switch<Vec<f64>>,
    /// Ties that are drawn anew.
    pub ties: Switch<TieError>,
    /// Any other choice, by name: settings as `--set` takes them, each with its probability.
    pub alternatives: IndexMap<String, Vec<Choice>>,
    /// How much each factor matters; off unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    /// Tables that are written beside those of every run with this stage.
    pub tables: Vec<Extra>,
}

impl Default for UncertaintySettings {
    fn default() -> Self {
        Self {
            replicates: 1000,
            seed: 1,
            target_error: None,
            points: Points::Random,
            quantiles: true,
            redelineate: false,
            weights: Switch::default(),
            goalposts: Switch::default(),
            aggregation: Switch::default(),
            thresholds: Switch::default(),
            indicator_set: Switch::On(false),
            emissions: Switch::default(),
            coordinates: Switch::default(),
            layers: Switch::default(),
            radius_km: Switch::default(),
            ties: Switch::default(),
            alternatives: IndexMap::new(),
            sensitivity: None,
            tables: Vec::new(),
        }
    }
}

/// Where the numbers behind the draws come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Points {
    /// One stream of random numbers a factor and replicate.
    Random,
    /// Scrambled points of Sobol' for what a person chose; errors of data, which are too many, stay random.
    Sobol,
}

/// How weights are drawn: Dirichlet, or each by itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// Of Dirichlet weights, times the number of siblings: the greater, the closer to the weights of the file; default
    /// 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concentration: Option<f64>,
    /// Instead: each weight anywhere within this share of itself, as 0.25.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uniform: Option<f64>,
    /// Levels of the tree whose weights are drawn, counted from the indicators: 1 indicators, 2 the components right
    /// above; none given: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<u32>,
}

/// A distribution of weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WeightDraw {
    /// Siblings together, with this concentration.
    Dirichlet(f64),
    /// Each by itself, within this share.
    Uniform(f64),
}

impl Weights {
    /// The distribution.
    pub fn draw(&self) -> WeightDraw {
        self.uniform.map_or(WeightDraw::Dirichlet(self.concentration.unwrap_or(10.0)), WeightDraw::Uniform)
    }
}

/// A log-normal factor.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// Standard deviation of its logarithm.
    pub sigma: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self { sigma: 0.2 }
    }
}

/// One way to combine, with its probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// As `aggregate` of the dimension.
    pub aggregate: Aggregate,
    /// Its probability.
    pub probability: f64,
}

/// Where thresholds lie.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Thresholds {
    /// Most likely where the file has them, never farther than so many points.
    Triangular(f64),
    /// Anywhere within so many points.
    Uniform(f64),
    /// With a standard deviation of so many points.
    Normal(f64),
}

impl Default for Thresholds {
    fn default() -> Self {
        Self::Triangular(5.0)
    }
}

impl Thresholds {
    /// The same on a scale so many times as long.
    pub fn times(self, factor: f64) -> Self {
        match self {
            Self::Triangular(points) => Self::Triangular(points * factor),
            Self::Uniform(points) => Self::Uniform(points * factor),
            Self::Normal(points) => Self::Normal(points * factor),
        }
    }

    /// Half of the width, or the standard deviation, points.
    pub fn points(self) -> f64 {
        match self {
            Self::Triangular(points) | Self::Uniform(points) | Self::Normal(points) => points,
        }
    }
}

/// One indicator less.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaveOut {
    /// Probability that one is left out.
    pub probability: f64,
}

impl Default for LeaveOut {
    fn default() -> Self {
        Self { probability: 0.5 }
    }
}

/// Relative error of emissions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmissionError {
    /// Standard deviation of the logarithm, where `of` has no other.
    pub sigma: f64,
    /// A column of the register: a flag of quality, `source_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// `sigma` by what stands in that column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<String, f64>,
}

impl Default for EmissionError {
    fn default() -> Self {
        Self { sigma: 0.05, by: None, of: BTreeMap::new() }
    }
}

/// Error of places.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceError {
    /// Standard deviation to the east and to the north, m, where `of` has no other.
    pub metres: f64,
    /// A column of the register: a flag of quality, `source_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// `metres` by what stands in that column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<String, f64>,
}

impl Default for PlaceError {
    fn default() -> Self {
        Self { metres: 100.0, by: None, of: BTreeMap::new() }
    }
}

/// How ties are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TieError {
    /// Probability that a tie of the files is one.
    pub keep: f64,
    /// Probability that two observed facilities of a cluster without a tie have one.
    pub add: f64,
    /// Probability that two facilities of a cluster have one if either is not observed; both then count as observed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unobserved: Option<f64>,
    /// The same for single kinds of ties; what a kind leaves out has its default, not that of the others.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<String, TieError>,
}

impl Default for TieError {
    fn default() -> Self {
        Self { keep: 0.95, add: 0.0, unobserved: None, of: BTreeMap::new() }
    }
}

/// One choice of a factor that the pipeline file names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Settings as `--set` takes them; none: the pipeline file as it is.
    #[serde(default)]
    pub set: Vec<String>,
    /// Its probability.
    pub probability: f64,
}

/// `[uncertainty.sensitivity]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sensitivity {
    /// What is computed.
    pub method: Method,
    /// Base draws: `sobol` takes them times the number of factors and two, `morris` times that and one.
    pub draws: u32,
    /// Resamples of the draws, for the intervals of the indices.
    pub resamples: u32,
}

impl Default for Sensitivity {
    fn default() -> Self {
        Self { method: Method::Sobol, draws: 128, resamples: 100 }
    }
}

impl Sensitivity {
    /// Evaluations of each row of the design, over so many factors.
    pub fn width(&self, factors: usize) -> usize {
        factors + if self.method == Method::Sobol { 2 } else { 1 }
    }
}

/// A method of sensitivity analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// First-order and total indices (Saltelli et al. 2010, Jansen 1999).
    Sobol,
    /// Screening by elementary effects (Morris 1991; radial and by groups, Campolongo et al. 2011).
    Morris,
}

/// A table that is written on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// `replicates` and `replicate_factors`: results and factor values of each replicate.
    Replicates,
    /// `order_probability`: how probable it is that one cluster stands above another.
    OrderProbability,
}
