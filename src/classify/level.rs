//! Levels of a dimension: what a score, its bounds and its coverage leave open.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::declared::at_least;
use crate::score::{Score, Thresholds};

/// Where a dimension stands, ascending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Below the (lower) threshold.
    Low,
    /// Between two thresholds.
    Middle,
    /// At or above the (upper) threshold.
    High,
}

impl Level {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Middle => "middle",
            Self::High => "high",
        }
    }
}

/// The levels that are left open: all from the least to the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// The lowest it may be.
    pub least: Level,
    /// The highest it may be.
    pub greatest: Level,
}

impl Open {
    /// One level alone.
    pub fn exactly(level: Level) -> Self {
        Self { least: level, greatest: level }
    }

    /// What a score leaves open. The bounds decide first, whatever is missing; else the score, if enough of it rests on data.
    pub fn of(score: &Score, thresholds: &Thresholds, coverage_floor: f64) -> Self {
        let (least, greatest) = (thresholds.level(score.low), thresholds.level(score.high));
        match score.score {
            Some(value) if least != greatest && at_least(score.coverage, coverage_floor) => {
                Self::exactly(thresholds.level(value))
            }
            _ => Self { least, greatest },
        }
    }

    /// The level, where only one is left.
    pub fn known(self) -> Option<Level> {
        (self.least == self.greatest).then_some(self.least)
    }

    /// Whether a level is left open.
    pub fn contains(self, level: Level) -> bool {
        (self.least..=self.greatest).contains(&level)
    }

    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        self.known().map_or("unknown", Level::as_str)
    }
}

impl Thresholds {
    /// The levels that there are, ascending.
    pub fn levels(&self) -> &'static [Level] {
        if self.0.len() > 1 { &[Level::Low, Level::Middle, Level::High] } else { &[Level::Low, Level::High] }
    }

    /// The level of a score.
    pub fn level(&self, score: f64) -> Level {
        self.levels()[self.0.iter().filter(|threshold| at_least(score, **threshold)).count()]
    }

    /// The scores that a level lies between; `None`: no limit on that side.
    pub fn limits(&self, level: Level) -> (Option<f64>, Option<f64>) {
        let position = self.levels().iter().position(|other| *other == level).unwrap_or_default();
        (position.checked_sub(1).and_then(|below| self.0.get(below).copied()), self.0.get(position).copied())
    }

    /// Points from a score to a level; 0 within it and at its upper limit, which a falling score must pass by a hair.
    pub fn points_to(&self, level: Level, score: f64) -> f64 {
        let (lower, upper) = self.limits(level);
        let rise = lower.filter(|lower| !at_least(score, *lower)).map_or(0.0, |lower| lower - score);
        rise + upper.map_or(0.0, |upper| (score - upper).max(0.0))
    }

    /// Membership of a score in a level, 0 to 1: it rises in a straight line over `width` points, half of them on either
    /// side of each threshold; without width it is 0 or 1.
    pub fn membership(&self, level: Level, score: f64, width: f64) -> f64 {
        let past = |threshold: f64| {
            if width > 0.0 {
                ((score - threshold) / width + 0.5).clamp(0.0, 1.0)
            } else {
                f64::from(u8::from(at_least(score, threshold)))
            }
        };
        let (lower, upper) = self.limits(level);
        f64::min(lower.map_or(1.0, past), upper.map_or(1.0, |upper| 1.0 - past(upper)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_at_the_edges() {
        let score = |score, coverage, low, high| Score { score, coverage, low, high };
        let one = Thresholds(vec![50.0]);
        for (score, wanted) in [
            (score(Some(50.0), 1.0, 50.0, 50.0), "high"),
            (score(Some(49.9), 1.0, 49.9, 49.9), "low"),
            (score(Some(90.0), 0.59, 40.0, 95.0), "unknown"),
            (score(Some(90.0), 0.6, 40.0, 95.0), "high"),
            (score(Some(90.0), 0.1, 50.0, 95.0), "high"),
            (score(None, 0.0, 0.0, 49.0), "low"),
            (score(None, 0.0, 0.0, 100.0), "unknown"),
        ] {
            assert_eq!(Open::of(&score, &one, 0.6).as_str(), wanted, "{score:?}");
        }
    }

    #[test]
    fn three_levels() {
        let two = Thresholds(vec![40.0, 60.0]);
        assert_eq!(
            [39.9, 40.0, 59.9, 60.0].map(|score| two.level(score).as_str()),
            ["low", "middle", "middle", "high"]
        );
        let open = Open::of(&Score { score: Some(50.0), coverage: 0.2, low: 10.0, high: 55.0 }, &two, 0.6);
        assert_eq!((open.least, open.greatest, open.contains(Level::High)), (Level::Low, Level::Middle, false));
        assert_eq!([Level::Low, Level::Middle, Level::High].map(|level| two.points_to(level, 65.0)), [25.0, 5.0, 0.0]);
        let memberships = [Level::Low, Level::Middle, Level::High].map(|level| two.membership(level, 42.0, 8.0));
        assert_eq!(memberships, [0.25, 0.75, 0.0]);
    }
}
