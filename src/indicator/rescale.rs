//! What may be done with an indicator's values before they count: treated, imputed, normalised.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::given::WordOr;

/// `normalise`: a method by its name, or a table with what else it needs.
pub type Normalised = WordOr<Method, Normalisation>;
/// `impute`: a word, or a table with a group.
pub type Imputed = WordOr<Filling, Imputation>;

/// How values become scores, with what the method needs beside the values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// The method.
    pub method: Method,
    /// The scores of the two ends of the scale, the lower one first; default `[0, 100]`. For all methods but
    /// `goalposts`, `z_score`, `rank` and `borda`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<[f64; 2]>,
    /// The score of the mean, of `z_score`; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// The score points of a standard deviation, of `z_score`; default 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// The rank of equal values, of `rank`, `borda` and `percentile_rank`; default `"min"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ties: Option<Ties>,
    /// Id of the cluster that others are compared with, of `distance_to_reference`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The period of the reference, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<i64>,
    /// Whether nothing scores more than the target or the reference, of `distance_to_target` and
    /// `distance_to_reference`; default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped: Option<bool>,
}

impl Normalisation {
    /// The method with nothing else said.
    pub fn plain(method: Method) -> Self {
        Self { method, to: None, mean: None, deviation: None, ties: None, reference: None, period: None, capped: None }
    }
}

impl From<&Normalised> for Normalisation {
    fn from(given: &Normalised) -> Self {
        match given {
            WordOr::Word(method) => Self::plain(*method),
            WordOr::Given(given) => given.clone(),
        }
    }
}

/// A method of normalisation. All but `goalposts` look at the sample: all units of all periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By `worst`, `crossover` and `best`, whatever the sample.
    #[default]
    Goalposts,
    /// The least of the sample to one end, the most to the other.
    MinMax,
    /// Standard deviations from the mean.
    ZScore,
    /// (rank - 1) / (n - 1).
    PercentileRank,
    /// The rank; 1 is the worst.
    Rank,
    /// The rank less 1.
    Borda,
    /// The way from the worst of the sample to the indicator's `target`.
    DistanceToTarget,
    /// The way from the worst of the sample to its best.
    DistanceToMaximum,
    /// The way from the worst of the sample to a cluster.
    DistanceToReference,
    /// The value over the greatest of the sample, from 0; for indicators of which more is better.
    FractionOfMaximum,
}

impl Method {
    /// The word that the pipeline file and outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Goalposts => "goalposts",
            Self::MinMax => "min_max",
            Self::ZScore => "z_score",
            Self::PercentileRank => "percentile_rank",
            Self::Rank => "rank",
            Self::Borda => "borda",
            Self::DistanceToTarget => "distance_to_target",
            Self::DistanceToMaximum => "distance_to_maximum",
            Self::DistanceToReference => "distance_to_reference",
            Self::FractionOfMaximum => "fraction_of_maximum",
        }
    }
}

/// The rank of equal values. None goes by the order of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    /// The least of the ranks that they take up.
    #[default]
    Min,
    /// The greatest.
    Max,
    /// The mean.
    Average,
    /// The least, without gaps: the next value has the next rank.
    Dense,
}

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More is better.
    Up,
    /// Less is better.
    Down,
}

/// `treat`: what is done with outliers. An indicator passes if the absolute value of its skewness or its excess
/// kurtosis is below its limit (both adjusted for bias: G1 and G2 of Joanes & Gill 1998).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Treat {
    /// Limit of the absolute skewness.
    pub skewness: f64,
    /// Limit of the excess kurtosis.
    pub kurtosis: f64,
    /// Points that are winsorised at most, one after the other: the most extreme one takes the next value; 0: none.
    pub winsorise: u32,
    /// What is done with an indicator that still does not pass.
    pub then: Then,
    /// Whether that is done to the winsorised values; else to the untreated ones.
    pub combined: bool,
}

impl Default for Treat {
    fn default() -> Self {
        Self { skewness: 2.0, kurtosis: 3.5, winsorise: 5, then: Then::Log, combined: false }
    }
}

/// A transformation of values that winsorising has not settled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// None: the untreated values stand (the winsorised ones where `combined`).
    Nothing,
    /// ln(x - min + 0.01 (max - min)).
    Log,
    /// The same where the skewness is above 0; else -ln(max - x + 0.01 (max - min)).
    LogBySkew,
    /// Box & Cox (1964) of x - min + 1 with this lambda; 0: the logarithm.
    BoxCox(f64),
}

/// What missing values are filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Filling {
    /// Nothing: they stay missing.
    #[default]
    Nothing,
    /// The mean of the indicator.
    Mean,
    /// Its median.
    Median,
}

/// What missing values are filled with, by groups.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Imputation {
    /// The mean or the median of the group; a group without a value stays missing.
    pub with: Filling,
    /// A column among the `groups` of `[figures.NAME]`.
    pub by: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        normalise: Normalised,
    }

    #[test]
    fn a_word_or_a_table() {
        let read = |text: &str| toml::from_str::<File>(text).map(|file| Normalisation::from(&file.normalise));
        assert_eq!(read("normalise = 'min_max'").unwrap(), Normalisation::plain(Method::MinMax));
        let table = read("normalise = { method = 'z_score', mean = 10, deviation = 2 }").unwrap();
        assert_eq!((table.method, table.mean, table.deviation), (Method::ZScore, Some(10.0), Some(2.0)));
        assert!(read("normalise = 'minmax'").unwrap_err().message().contains("min_max"));
        assert!(read("normalise = { method = 'rank', tie = 'min' }").unwrap_err().message().contains("ties"));
    }
}
