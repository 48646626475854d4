//! Several scores to one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the children of a node combine; weights are renormalised over the children that have a score.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Aggregate {
    /// Σ w s / Σ w: a strong child makes up for a weak one.
    #[default]
    Arithmetic,
    /// exp(Σ w ln max(s, floor) / Σ w): a weak child pulls hard.
    Geometric,
    /// Σ w / Σ (w / max(s, floor)).
    Harmonic,
    /// (Σ w sᵖ / Σ w)^(1/p); with p of 0 or below the floor holds.
    Power(f64),
    /// The smallest score of positive weight.
    Minimum,
    /// The weighted median: the middle of the scores at half of the weight.
    Median,
    /// Outranking: units that it beats, on more than half of the weight, less units that beat it. Moves with the other
    /// units.
    Copeland,
}

impl Aggregate {
    /// Whether it reads no score below its floor.
    pub(super) fn has_floor(self) -> bool {
        match self {
            Self::Geometric | Self::Harmonic => true,
            Self::Power(power) => power <= 0.0,
            Self::Arithmetic | Self::Minimum | Self::Median | Self::Copeland => false,
        }
    }

    /// Whether it has no value for scores below 0.
    pub(super) fn needs_positive(self) -> bool {
        match self {
            Self::Geometric | Self::Harmonic => true,
            Self::Power(power) => power != 1.0,
            Self::Arithmetic | Self::Minimum | Self::Median | Self::Copeland => false,
        }
    }

    /// Combines pairs of score and weight; `None` where no weight is left, and of [`Aggregate::Copeland`], which needs
    /// all units: see [`super::outrank::Outranking`].
    ///
    /// # Source
    ///
    /// OECD/JRC (2008), *Handbook on Constructing Composite Indicators*, step 7.
    pub fn of(self, scores: &[(f64, f64)], floor: f64) -> Option<f64> {
        let weight: f64 = scores.iter().map(|(_, weight)| weight).sum();
        if weight <= 0.0 {
            return None;
        }
        let weighing = || scores.iter().filter(|(_, weight)| *weight > 0.0);
        let mean =
            |of: &dyn Fn(f64) -> f64| weighing().map(|(score, weight)| weight * of(*score)).sum::<f64>() / weight;
        let combined = match self {
            Self::Arithmetic => mean(&|score| score),
            Self::Geometric => mean(&|score| score.max(floor).ln()).exp(),
            Self::Harmonic => 1.0 / mean(&|score| 1.0 / score.max(floor)),
            Self::Power(0.0) => mean(&|score| score.max(floor).ln()).exp(),
            Self::Power(power) if power < 0.0 => mean(&|score| score.max(floor).powf(power)).powf(1.0 / power),
            Self::Power(power) => mean(&|score| score.powf(power)).powf(1.0 / power),
            Self::Minimum => weighing().map(|(score, _)| *score).fold(f64::INFINITY, f64::min),
            Self::Median => median(scores, weight),
            Self::Copeland => return None,
        };
        // No mean lies outside of what it is a mean of, but by rounding: of 50, 50 and 50 it is 50.
        let floor = if self.has_floor() { floor } else { f64::NEG_INFINITY };
        let read = || weighing().map(|(score, _)| score.max(floor));
        Some(combined.clamp(read().fold(f64::INFINITY, f64::min), read().fold(f64::NEG_INFINITY, f64::max)) + 0.0)
    }
}

fn median(scores: &[(f64, f64)], weight: f64) -> f64 {
    let mut sorted: Vec<(f64, f64)> = scores.iter().copied().filter(|(_, weight)| *weight > 0.0).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut below = 0.0;
    for (position, (score, own)) in sorted.iter().enumerate() {
        below += own;
        if below == weight / 2.0 {
            return sorted.get(position + 1).map_or(*score, |next| f64::midpoint(*score, next.0));
        }
        if below > weight / 2.0 {
            return *score;
        }
    }
    sorted.last().map_or(0.0, |(score, _)| *score)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_by_hand() {
        let scores = [(20.0, 1.0), (80.0, 3.0)];
        for (aggregate, wanted) in [
            (Aggregate::Arithmetic, 65.0),
            (Aggregate::Geometric, (20f64.ln() / 4.0 + 80f64.ln() * 0.75).exp()),
            (Aggregate::Harmonic, 4.0 / (1.0 / 20.0 + 3.0 / 80.0)),
            (Aggregate::Power(2.0), ((400.0 + 3.0 * 6400.0) / 4.0f64).sqrt()),
            (Aggregate::Power(-1.0), 4.0 / (1.0 / 20.0 + 3.0 / 80.0)),
            (Aggregate::Minimum, 20.0),
            (Aggregate::Median, 80.0),
        ] {
            let found = aggregate.of(&scores, 1.0).unwrap();
            assert!((found - wanted).abs() < 1e-9, "{aggregate:?}: {found} instead of {wanted}");
        }
        assert_eq!(Aggregate::Median.of(&[(10.0, 1.0), (30.0, 1.0)], 1.0), Some(20.0));
    }

    #[test]
    fn zeros_and_nothing() {
        assert_eq!(
            Aggregate::Geometric.of(&[(0.0, 1.0), (100.0, 1.0)], 1.0).map(|score| (score * 1e9).round() / 1e9),
            Some(10.0)
        );
        assert_eq!(Aggregate::Arithmetic.of(&[], 1.0), None);
        assert_eq!(Aggregate::Arithmetic.of(&[(50.0, 0.0)], 1.0), None);
    }
}
