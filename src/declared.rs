//! Comparison of what was computed with what somebody declared: thresholds, floors, limits, radii. Rounding must not decide
//! whether 50 reaches 50.

/// How far a computed number may miss a declared one by rounding: scores, shares, coverages, kilometres.
pub const SLACK: f64 = 1e-9;
/// The same as a share of a declared number that is so large (tonnes) that its last digit is coarser than [`SLACK`].
const RELATIVE: f64 = 1e-12;

/// Whether a value reaches a declared number.
///
/// # Example
///
/// ```
/// use forerunner::declared::at_least;
///
/// let mean = (50f64.ln() * 3.0 / 3.0).exp();
/// assert!(at_least(mean, 50.0) && at_least(0.1 + 0.2, 0.3) && !at_least(49.999_999, 50.0));
/// ```
pub fn at_least(value: f64, declared: f64) -> bool {
    value >= least(declared)
}

/// The least value that reaches a declared number.
pub fn least(declared: f64) -> f64 {
    declared - slack(declared)
}

/// Whether a value does not pass a declared number.
pub fn at_most(value: f64, declared: f64) -> bool {
    value <= declared + slack(declared)
}

fn slack(declared: f64) -> f64 {
    SLACK.max(RELATIVE * declared.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_does_not_decide() {
        for (value, declared, reaches) in [
            (49.999_999_999_999_99, 50.0, true),
            (49.999_999_998, 50.0, false),
            (99_999.999_999_95, 1e5, true),
            (99_999.999_999, 1e5, false),
            (2.999_999_999_999_9e7, 3e7, true),
        ] {
            assert_eq!(at_least(value, declared), reaches, "{value} {declared}");
        }
        assert!(at_most(50.000_000_000_000_01, 50.0) && !at_most(50.000_001, 50.0));
        assert!(at_least(f64::INFINITY, 1.0) && !at_least(f64::NAN, 1.0) && !at_most(f64::NAN, 1.0));
    }
}
