//! One number to a score of 0 to 100 by three goalposts.

use crate::indicator::Scale;

/// `worst` scores 0, `crossover` 50, `best` 100; straight lines between, cut to 0..100.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Goalposts {
    worst: f64,
    crossover: Option<f64>,
    best: f64,
    scale: Scale,
}

/// A score as a line with one bend: below it (on the side of `worst`) and above it.
struct Line {
    rises: bool,
    bend: f64,
    /// What either part rises by.
    points: f64,
    from: [f64; 2],
    span: [f64; 2],
    base: [f64; 2],
}

impl Line {
    fn score(&self, scaled: f64) -> f64 {
        let is_below = (scaled <= self.bend) == self.rises || scaled == self.bend;
        let pick = |of: [f64; 2]| if is_below { of[0] } else { of[1] };
        let score = pick(self.base) + self.points * (scaled - pick(self.from)) / pick(self.span);
        // Plus 0: -0.0 would print as such.
        score.clamp(0.0, 100.0) + 0.0
    }
}

impl Goalposts {
    /// Goalposts in the indicator's unit; `best < worst` where less is better.
    ///
    /// # Errors
    ///
    /// If the posts are not finite, not strictly monotone, or not all positive on a log scale.
    pub fn new(worst: f64, crossover: Option<f64>, best: f64, scale: Scale) -> Result<Self, String> {
        let posts: Vec<f64> = [Some(worst), crossover, Some(best)].into_iter().flatten().collect();
        let shown = posts.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
        if posts.iter().any(|post| !post.is_finite()) {
            return Err(format!("the goalposts {shown} are not all numbers"));
        }
        let rises = posts.windows(2).all(|pair| pair[0] < pair[1]);
        let falls = posts.windows(2).all(|pair| pair[0] > pair[1]);
        if !rises && !falls {
            return Err(format!("the goalposts {shown} are out of order"));
        }
        if scale == Scale::Log && posts.iter().any(|post| *post <= 0.0) {
            return Err(format!("the goalposts {shown} are not all above 0, as a log scale needs"));
        }
        Ok(Self { worst, crossover, best, scale })
    }

    /// The score of a value; a value of 0 or less on a log scale lies at minus infinity.
    ///
    /// # Source
    ///
    /// Direct calibration as in fuzzy-set QCA (Ragin 2008), with goalposts as in the Human Development Index.
    ///
    /// # Example
    ///
    /// ```
    /// use forerunner::indicator::Scale;
    /// use forerunner::score::Goalposts;
    ///
    /// let port_km = Goalposts::new(100.0, Some(25.0), 5.0, Scale::Linear)?;
    /// assert_eq!([5.0, 25.0, 62.5, 400.0].map(|km| port_km.score(km)), [100.0, 50.0, 25.0, 0.0]);
    /// # Ok::<(), String>(())
    /// ```
    pub fn score(&self, value: f64) -> f64 {
        self.line().score(self.scaled(value))
    }

    /// A value on the scale on which scores run straight.
    pub fn scaled(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log if value > 0.0 => value.ln(),
            Scale::Log if value.is_nan() => value,
            Scale::Log => f64::NEG_INFINITY,
        }
    }

    /// Scores of values that are scaled; NaN of NaN.
    pub fn score_scaled(&self, scaled: &[f64]) -> Vec<f64> {
        let line = self.line();
        scaled.iter().map(|&scaled| line.score(scaled)).collect()
    }

    fn line(&self) -> Line {
        let [worst, best] = [self.worst, self.best].map(|post| self.scaled(post));
        let rises = best > worst;
        match self.crossover.map(|post| self.scaled(post)) {
            None => {
                Line { rises, bend: best, points: 100.0, from: [worst; 2], span: [best - worst; 2], base: [0.0; 2] }
            }
            Some(bend) => {
                let span = [bend - worst, best - bend];
                Line { rises, bend, points: 50.0, from: [worst, bend], span, base: [0.0, 50.0] }
            }
        }
    }

    /// Worst, crossover, best.
    pub fn posts(&self) -> (f64, Option<f64>, f64) {
        (self.worst, self.crossover, self.best)
    }

    /// Straight in the value or in its logarithm.
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// The value that scores so much, between `worst` (0) and `best` (100).
    pub fn value(&self, score: f64) -> f64 {
        let scale = |value: f64| if self.scale == Scale::Log { value.ln() } else { value };
        let back = |scaled: f64| if self.scale == Scale::Log { scaled.exp() } else { scaled };
        let between = |from: f64, to: f64, share: f64| match share {
            0.0 => from,
            1.0 => to,
            _ => back((scale(to) - scale(from)).mul_add(share, scale(from))),
        };
        match self.crossover {
            None => between(self.worst, self.best, score / 100.0),
            Some(crossover) if score <= 50.0 => between(self.worst, crossover, score / 50.0),
            Some(crossover) => between(crossover, self.best, (score - 50.0) / 50.0),
        }
    }

    /// Whether more is better.
    pub fn rises(&self) -> bool {
        self.best > self.worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn posts_and_beyond() {
        let log = Goalposts::new(0.1, Some(1.0), 10.0, Scale::Log).unwrap();
        for (value, score) in
            [(0.1, 0.0), (1.0, 50.0), (10.0, 100.0), (0.0, 0.0), (-3.0, 0.0), (1e9, 100.0), (10f64.sqrt(), 75.0)]
        {
            assert!((log.score(value) - score).abs() < 1e-12, "{value}: {}", log.score(value));
        }
        let falling = Goalposts::new(200.0, Some(20.0), 2.0, Scale::Log).unwrap();
        for (value, score) in [(200.0, 0.0), (20.0, 50.0), (2.0, 100.0), (0.0, 100.0), (63.245_553_203_367_59, 25.0)] {
            assert!((falling.score(value) - score).abs() < 1e-9, "{value}: {}", falling.score(value));
        }
        for score in [0.0, 10.0, 50.0, 75.0, 100.0] {
            assert!((falling.score(falling.value(score)) - score).abs() < 1e-9, "{score}");
        }
        let straight = Goalposts::new(0.0, None, 4.0, Scale::Linear).unwrap();
        assert_eq!(straight.score(1.0), 25.0);
    }

    #[test]
    fn crooked_posts_are_refused() {
        for (worst, crossover, best, scale) in [
            (0.0, Some(5.0), 3.0, Scale::Linear),
            (1.0, None, 1.0, Scale::Linear),
            (0.0, Some(1.0), 2.0, Scale::Log),
            (f64::NAN, None, 1.0, Scale::Linear),
        ] {
            assert!(Goalposts::new(worst, crossover, best, scale).is_err(), "{worst} {crossover:?} {best}");
        }
    }
}
