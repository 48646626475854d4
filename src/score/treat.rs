//! Outliers: winsorised one after the other, else the whole indicator transformed. A fitted treatment is a function of
//! one value that never falls.

use crate::indicator::rescale::{Then, Treat};
use crate::statistics::{ends, kurtosis, skewness, sorted};

/// The share of the range that is added to a distance of 0 before its logarithm is taken.
const OFFSET: f64 = 0.01;

/// What becomes of a value: first cut, then transformed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Treatment {
    cut: (f64, f64),
    transform: Transform,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Transform {
    None,
    /// ln(x - least + offset).
    Log {
        least: f64,
        offset: f64,
    },
    /// -ln(most - x + offset).
    ReflectedLog {
        most: f64,
        offset: f64,
    },
    /// Of x - least + 1.
    BoxCox {
        least: f64,
        lambda: f64,
    },
}

/// The shape of an indicator's values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments {
    /// G1; `None` of less than three values, or where all are equal.
    pub skewness: Option<f64>,
    /// G2; `None` of less than four values, or where all are equal.
    pub kurtosis: Option<f64>,
}

/// What was done with the outliers of an indicator.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Treated {
    /// What becomes of a value.
    pub treatment: Treatment,
    /// Its shape before.
    pub before: Moments,
    /// Its shape after.
    pub after: Moments,
    /// Points that were winsorised.
    pub winsorised: usize,
    /// The transformation, as the pipeline file calls it.
    pub transformed: Option<&'static str>,
    /// Whether it passes now.
    pub passes: bool,
}

impl Moments {
    /// The shape of values, none missing.
    pub fn of(values: &[f64]) -> Self {
        Self { skewness: skewness(values), kurtosis: kurtosis(values) }
    }

    /// Whether outliers are none; what cannot be said of few values passes.
    fn pass(self, limits: &Treat) -> bool {
        let is_even = |skewness: f64| skewness.abs() < limits.skewness;
        self.skewness.is_none_or(is_even) || self.kurtosis.is_none_or(|kurtosis| kurtosis < limits.kurtosis)
    }
}

impl Treatment {
    /// Nothing is done.
    pub const NONE: Self = Self { cut: (f64::NEG_INFINITY, f64::INFINITY), transform: Transform::None };

    /// Fits a treatment to the values of an indicator, none missing.
    ///
    /// # Source
    ///
    /// The tests and limits of the JRC's COIN Tool (Becker et al. 2019): see docs/method/4-score.md.
    pub fn fit(values: &[f64], settings: &Treat) -> Treated {
        let before = Moments::of(values);
        let none =
            Treated { treatment: Self::NONE, before, after: before, winsorised: 0, transformed: None, passes: true };
        if before.pass(settings) {
            return none;
        }
        let (cut, winsorised, after) = winsorise(values, settings);
        if after.pass(settings) {
            return Treated { treatment: Self { cut, ..Self::NONE }, after, winsorised, ..none };
        }
        let (cut, winsorised) = if settings.combined { (cut, winsorised) } else { (Self::NONE.cut, 0) };
        let shape = if settings.combined { after } else { before };
        let values: Vec<f64> = values.iter().map(|value| value.clamp(cut.0, cut.1)).collect();
        let (transform, transformed) = Transform::fit(&values, settings.then, shape);
        let treatment = Self { cut, transform };
        let after = Moments::of(&values.iter().map(|value| treatment.apply(*value)).collect::<Vec<_>>());
        Treated { treatment, before, after, winsorised, transformed, passes: after.pass(settings) }
    }

    /// A value treated; NaN of NaN.
    pub fn apply(&self, value: f64) -> f64 {
        self.transformed(value.clamp(self.cut.0, self.cut.1))
    }

    /// A value that is not of the sample (a target) on the scale of treated ones: nothing cuts it.
    pub fn transformed(&self, value: f64) -> f64 {
        // Beyond the sample there may be nothing to take a logarithm of; NaN stays NaN.
        let above_zero = |value: f64| if value <= 0.0 { f64::MIN_POSITIVE } else { value };
        match self.transform {
            Transform::None => value,
            Transform::Log { least, offset } => above_zero(value - least + offset).ln(),
            Transform::ReflectedLog { most, offset } => -above_zero(most - value + offset).ln(),
            Transform::BoxCox { least, lambda } => box_cox(above_zero(value - least + 1.0), lambda),
        }
    }

    /// The value that is treated to this; `None` where none is.
    pub fn back(&self, treated: f64) -> Option<f64> {
        let value = match self.transform {
            Transform::None => treated,
            Transform::Log { least, offset } => treated.exp() - offset + least,
            Transform::ReflectedLog { most, offset } => most + offset - (-treated).exp(),
            Transform::BoxCox { least, lambda: 0.0 } => treated.exp() - 1.0 + least,
            Transform::BoxCox { least, lambda } => (lambda * treated + 1.0).powf(lambda.recip()) - 1.0 + least,
        };
        (value.is_finite() && value >= self.cut.0 && value <= self.cut.1).then_some(value)
    }
}

impl Transform {
    fn fit(values: &[f64], then: Then, shape: Moments) -> (Self, Option<&'static str>) {
        let (least, most) = ends(values).unwrap_or_default();
        let offset = OFFSET * (most - least);
        let is_right = shape.skewness.is_some_and(|skewness| skewness > 0.0);
        match then {
            Then::Nothing => (Self::None, None),
            Then::Log => (Self::Log { least, offset }, Some("log")),
            Then::LogBySkew if is_right => (Self::Log { least, offset }, Some("log_by_skew")),
            Then::LogBySkew => (Self::ReflectedLog { most, offset }, Some("log_by_skew")),
            Then::BoxCox(lambda) => (Self::BoxCox { least, lambda }, Some("box_cox")),
        }
    }
}

fn box_cox(value: f64, lambda: f64) -> f64 {
    if lambda == 0.0 { value.ln() } else { (value.powf(lambda) - 1.0) / lambda }
}

/// The most extreme points take the next value, those of one value together, until the shape passes or as many as may
/// be are done: the bounds of what is left, the points, the shape.
fn winsorise(values: &[f64], settings: &Treat) -> ((f64, f64), usize, Moments) {
    let mut sorted = sorted(values);
    let mut shape = Moments::of(&sorted);
    let (mut high, mut low) = (0, 0);
    while !shape.pass(settings) && high + low < settings.winsorise as usize {
        let is_high = shape.skewness.is_none_or(|skewness| skewness >= 0.0);
        let extreme = if is_high { sorted[sorted.len() - 1] } else { sorted[0] };
        let next = if is_high {
            sorted.iter().rev().copied().find(|value| *value != extreme)
        } else {
            sorted.iter().copied().find(|value| *value != extreme)
        };
        let Some(next) = next else { break };
        let moved = sorted.iter().filter(|value| **value == extreme).count();
        *(if is_high { &mut high } else { &mut low }) = moved;
        sorted.iter_mut().filter(|value| **value == extreme).for_each(|value| *value = next);
        shape = Moments::of(&sorted);
    }
    let cut = |count: usize, at: usize, none: f64| if count > 0 { sorted[at] } else { none };
    let bounds = (cut(low, 0, f64::NEG_INFINITY), cut(high, sorted.len() - 1, f64::INFINITY));
    (bounds, high + low, shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(values: &[f64], settings: Treat) -> Treated {
        Treatment::fit(values, &settings)
    }

    #[test]
    fn one_outlier_takes_the_next_value() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 100.0];
        let found = fit(&values, Treat::default());
        assert_eq!((found.winsorised, found.transformed, found.passes), (1, None, true));
        assert_eq!([100.0, 50.0, 6.0, 1.0].map(|value| found.treatment.apply(value)), [7.0, 7.0, 6.0, 1.0]);
        assert_eq!(found.treatment.back(6.5), Some(6.5));
        assert_eq!(found.treatment.back(8.0), None);
    }

    #[test]
    fn what_stays_skewed_is_transformed_from_its_untreated_values() {
        let values: Vec<f64> = (0..40).map(|at| f64::from(at % 5)).chain([1e3, 2e3, 4e3, 8e3, 9e3, 1e4, 2e4]).collect();
        let found = fit(&values, Treat { winsorise: 2, ..Treat::default() });
        assert_eq!((found.winsorised, found.transformed), (0, Some("log")));
        assert!((found.treatment.apply(2e4) - (2e4f64 + 200.0).ln()).abs() < 1e-12);
        let combined = fit(&values, Treat { winsorise: 2, combined: true, ..Treat::default() });
        assert_eq!(combined.winsorised, 2);
        assert!((combined.treatment.apply(2e4) - (9e3f64 + 90.0).ln()).abs() < 1e-12);
        let power = fit(&values, Treat { winsorise: 0, then: Then::BoxCox(0.5), ..Treat::default() });
        assert!((power.treatment.apply(8.0) - (9f64.sqrt() - 1.0) / 0.5).abs() < 1e-12);
        for treatment in [found.treatment, combined.treatment, power.treatment] {
            let back = treatment.back(treatment.apply(1234.0)).unwrap();
            assert!((back - 1234.0).abs() < 1e-6, "{back}");
        }
    }

    #[test]
    fn few_or_equal_values_pass() {
        for values in [vec![], vec![1.0], vec![5.0, 5.0, 5.0, 5.0, 5.0], vec![1.0, 2.0, 9e9]] {
            assert_eq!(fit(&values, Treat::default()).treatment, Treatment::NONE, "{values:?}");
        }
    }

    #[test]
    fn a_left_tail_is_reflected() {
        let values: Vec<f64> = (0..30).map(|at| -f64::from(at % 4)).chain([-500.0, -900.0, -2000.0]).collect();
        let found = fit(&values, Treat { winsorise: 0, then: Then::LogBySkew, ..Treat::default() });
        assert!(found.treatment.apply(-2000.0) < found.treatment.apply(-1.0));
        assert!((found.treatment.apply(0.0) + 20f64.ln()).abs() < 1e-12);
    }
}
