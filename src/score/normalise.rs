//! An indicator's values to scores, and back: the rule as the pipeline file has it, and the rule once it has seen the values.

use super::Goalposts;
use crate::indicator::Indicator;

/// How an indicator's values become scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Normalise {
    /// By fixed posts, whatever the sample.
    Goalposts(Goalposts),
}

/// A rule that has seen all values of its indicator: one value to one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fitted {
    /// By fixed posts.
    Goalposts(Goalposts),
}

/// The scores that there may be; infinite where nothing bounds them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Range {
    /// 0 to 100 points.
    pub const POINTS: Self = Self { least: 0.0, greatest: 100.0 };

    /// The least range that holds all; that of points where there is none.
    pub fn over(ranges: impl Iterator<Item = Self>) -> Self {
        let hull = |a: Self, b: Self| Self { least: a.least.min(b.least), greatest: a.greatest.max(b.greatest) };
        ranges.reduce(hull).unwrap_or(Self::POINTS)
    }
}

impl Normalise {
    /// The rule of an indicator.
    ///
    /// # Errors
    ///
    /// What is wrong with its goalposts.
    pub fn of(indicator: &Indicator) -> Result<Self, String> {
        Goalposts::new(indicator.worst, indicator.crossover, indicator.best, indicator.scale).map(Self::Goalposts)
    }

    /// Fits the rule to all values of its indicator, in its unit. Goalposts look at none of them.
    pub fn fit(&self, _column: &[Option<f64>]) -> Fitted {
        match self {
            Self::Goalposts(goalposts) => Fitted::Goalposts(*goalposts),
        }
    }
}

impl Fitted {
    /// The score of a value.
    pub fn score(&self, value: f64) -> f64 {
        match self {
            Self::Goalposts(goalposts) => goalposts.score(value),
        }
    }

    /// A value as [`Fitted::score_scaled`] takes it: work that is the same for every rule of one scale is done once.
    pub fn scaled(&self, value: f64) -> f64 {
        match self {
            Self::Goalposts(goalposts) => goalposts.scaled(value),
        }
    }

    /// The scores of scaled values; NaN of NaN.
    pub fn score_scaled(&self, scaled: &[f64]) -> Vec<f64> {
        match self {
            Self::Goalposts(goalposts) => goalposts.score_scaled(scaled),
        }
    }

    /// The value that scores so much; `None` where the rule has no way back.
    pub fn value(&self, score: f64) -> Option<f64> {
        match self {
            Self::Goalposts(goalposts) => Some(goalposts.value(score)),
        }
    }

    /// The scores that there may be.
    pub fn range(&self) -> Range {
        match self {
            Self::Goalposts(_) => Range::POINTS,
        }
    }

    /// Whether more is better.
    pub fn rises(&self) -> bool {
        match self {
            Self::Goalposts(goalposts) => goalposts.rises(),
        }
    }
}
