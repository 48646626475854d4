//! How much each factor matters: indices of Sobol' and screening by elementary effects, from samples in the design of
//! Saltelli.

use rand_chacha::rand_core::Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::settings::{Method, Sensitivity};
use crate::random;
use crate::stage::Stage;
use crate::statistics::quantile;

/// The ends of the interval: it holds 95 % of the resamples.
const INTERVAL: [f64; 2] = [0.025, 0.975];

/// A number with its interval over resamples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its interval; `None` without resamples.
    pub interval: Option<[f64; 2]>,
}

/// What one factor does to one result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Shares of the variance: by the factor alone, and with all that it does together with others.
    Sobol {
        /// First-order index.
        first: Estimate,
        /// Total index.
        total: Estimate,
    },
    /// Differences that a new draw of the factor alone makes: mean of their size, and standard deviation.
    Morris {
        /// Mean of the absolute effects.
        mean: f64,
        /// Standard deviation of the effects.
        deviation: f64,
    },
}

impl Effect {
    /// The total index, or the mean size of the effects.
    pub fn size(&self) -> f64 {
        match self {
            Self::Sobol { total, .. } => total.value,
            Self::Morris { mean, .. } => *mean,
        }
    }
}

/// Results of a design: of the first sample, of the second, and of the first with each factor from the second.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// The first sample.
    pub a: Vec<f64>,
    /// The second; empty for elementary effects.
    pub b: Vec<f64>,
    /// One list a factor.
    pub ab: Vec<Vec<f64>>,
}

impl Sample {
    /// Rows without what is no number.
    fn complete(self) -> Self {
        let holds = |&row: &usize| {
            let mut others = self.b.get(row).into_iter().chain(self.ab.iter().map(|ab| &ab[row]));
            !self.a[row].is_nan() && others.all(|value| !value.is_nan())
        };
        let rows: Vec<usize> = (0..self.a.len()).filter(holds).collect();
        if rows.len() == self.a.len() {
            return self;
        }
        let some = |values: &Vec<f64>| {
            if values.is_empty() { Vec::new() } else { rows.iter().map(|&row| values[row]).collect::<Vec<f64>>() }
        };
        Self { a: some(&self.a), b: some(&self.b), ab: self.ab.iter().map(some).collect() }
    }

    /// The same with mean 0 and standard deviation 1 over all rows; `None` where all are alike.
    fn standardised(&self) -> Option<Self> {
        let all = || self.a.iter().chain(&self.b).chain(self.ab.iter().flatten());
        let first = *self.a.first()?;
        if all().all(|value| *value == first) {
            return None;
        }
        let count = all().count() as f64;
        let mean = all().sum::<f64>() / count;
        let deviation = (all().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        let standard = |values: &Vec<f64>| values.iter().map(|value| (value - mean) / deviation).collect();
        Some(Self { a: standard(&self.a), b: standard(&self.b), ab: self.ab.iter().map(standard).collect() })
    }
}

/// How often each row of a design stands in each resample of its rows.
pub fn resamples(seed: u64, count: u32, rows: usize) -> Vec<Vec<f64>> {
    let one = |draw: u32| {
        let mut stream = random::stream(seed, Stage::Uncertainty, "resample", u64::from(draw));
        let mut times = vec![0.0; rows];
        for _ in 0..rows {
            times[((u128::from(stream.next_u64()) * rows as u128) >> 64) as usize] += 1.0;
        }
        times
    };
    (0..count).map(one).collect()
}

/// First-order and total indices of every factor; `None` where the result has no variance.
///
/// # Source
///
/// Saltelli et al. (2010), *Variance based sensitivity analysis of model output*, table 2 b for the first order; Jansen (1999)
/// for the total; results standardised first, as in `SALib`; intervals by the percentile bootstrap over rows.
pub fn sobol(sample: Sample, seed: u64, resampled: u32, times: &[Vec<f64>]) -> Option<Vec<Effect>> {
    let sample = sample.complete();
    let sample = sample.standardised()?;
    let rows = sample.a.len();
    let own;
    let times = if times.first().is_none_or(|first| first.len() == rows) {
        times
    } else {
        own = resamples(seed, resampled, rows);
        &own
    };
    let variance = |times: Option<&Vec<f64>>| {
        let sum = |of: &dyn Fn(usize) -> f64| weighted(rows, times, of) / (2 * rows) as f64;
        let mean = sum(&|row| sample.a[row] + sample.b[row]);
        sum(&|row| (sample.a[row] - mean).powi(2) + (sample.b[row] - mean).powi(2))
    };
    let whole = variance(None);
    if whole <= 0.0 {
        return None;
    }
    let variances: Vec<f64> = times.iter().map(|times| variance(Some(times))).collect();
    let estimate = |of: &dyn Fn(usize) -> f64, scale: f64| {
        let parts: Vec<f64> = (0..rows).map(of).collect();
        let index = |times, variance: f64| weighted(rows, times, &|row| parts[row]) / rows as f64 * scale / variance;
        let mut found: Vec<f64> =
            times.iter().zip(&variances).map(|(times, variance)| index(Some(times), *variance)).collect();
        found.retain(|index| index.is_finite());
        found.sort_by(f64::total_cmp);
        let interval = (!found.is_empty()).then(|| INTERVAL.map(|share| quantile(&found, share)));
        Estimate { value: index(None, whole) + 0.0, interval }
    };
    let of_factor = |ab: &Vec<f64>| Effect::Sobol {
        first: estimate(&|row| sample.b[row] * (ab[row] - sample.a[row]), 1.0),
        total: estimate(&|row| (sample.a[row] - ab[row]).powi(2), 0.5),
    };
    Some(sample.ab.iter().map(of_factor).collect())
}

/// Mean size and standard deviation of the elementary effects of every factor; `None` where the result never differs.
///
/// # Source
///
/// Morris (1991); by groups of inputs and from radial designs: Campolongo, Saltelli & Cariboni (2011).
pub fn morris(sample: Sample) -> Option<Vec<Effect>> {
    let sample = sample.complete();
    let first = *sample.a.first()?;
    if sample.a.iter().chain(sample.ab.iter().flatten()).all(|value| *value == first) {
        return None;
    }
    let count = sample.a.len() as f64;
    let of_factor = |ab: &Vec<f64>| {
        let effects: Vec<f64> = ab.iter().zip(&sample.a).map(|(ab, a)| ab - a).collect();
        let mean = effects.iter().sum::<f64>() / count;
        let squares: f64 = effects.iter().map(|effect| (effect - mean).powi(2)).sum();
        let deviation = if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        Effect::Morris { mean: effects.iter().map(|effect| effect.abs()).sum::<f64>() / count, deviation }
    };
    Some(sample.ab.iter().map(of_factor).collect())
}

fn weighted(rows: usize, times: Option<&Vec<f64>>, of: &dyn Fn(usize) -> f64) -> f64 {
    match times {
        None => (0..rows).map(of).sum(),
        Some(times) => (0..rows).map(|row| times[row] * of(row)).sum(),
    }
}

/// The effects on every result of every unit. `results`: evaluations of the design, one after the other as A, B (with
/// `sobol`), then one a factor, row after row; each a list of results by output, then unit.
pub fn effects(
    settings: &Sensitivity,
    seed: u64,
    factors: usize,
    results: &[Vec<f64>],
    outputs: usize,
) -> Vec<Option<Vec<Effect>>> {
    let of_sobol = settings.method == Method::Sobol;
    let width = settings.width(factors);
    let first = width - factors;
    let times = if of_sobol { resamples(seed, settings.resamples, results.len() / width) } else { Vec::new() };
    let of_output = |at: usize| {
        let value = |offset: usize| results.iter().skip(offset).step_by(width).map(|of| of[at]).collect::<Vec<f64>>();
        let sample = Sample {
            a: value(0),
            b: if of_sobol { value(1) } else { Vec::new() },
            ab: (0..factors).map(|factor| value(first + factor)).collect(),
        };
        if of_sobol { sobol(sample, seed, settings.resamples, &times) } else { morris(sample) }
    };
    (0..outputs).into_par_iter().map(of_output).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::super::draws::{At, Origin, Purpose};
    use super::super::settings::Points;
    use super::*;

    fn rows(path: &str) -> Vec<Vec<f64>> {
        let rows = csv::Reader::from_path(path).unwrap().into_records();
        rows.map(|row| row.unwrap().iter().filter_map(|cell| cell.parse().ok()).collect()).collect()
    }

    /// tests/oracles/salib: the indices of `SALib` 1.6.0 on its own samples.
    #[test]
    fn indices_agree_with_salib() {
        for (name, factors) in [("ishigami", 3), ("sobol_g", 8)] {
            let sample = rows(&format!("tests/oracles/salib/{name}_sample.csv"));
            let expected = rows(&format!("tests/oracles/salib/{name}_indices.csv"));
            let at = |offset: usize| {
                sample.iter().skip(offset).step_by(factors + 2).map(|row| row[factors]).collect::<Vec<f64>>()
            };
            let ab = (1..=factors).map(at).collect();
            let found = sobol(Sample { a: at(0), b: at(factors + 1), ab }, 1, 0, &[]).unwrap();
            assert_eq!((found.len(), expected.len()), (factors, factors));
            for (effect, expected) in found.iter().zip(&expected) {
                let Effect::Sobol { first, total } = effect else { panic!("{effect:?}") };
                assert!((first.value - expected[0]).abs() < 1e-10, "{name}: {first:?} instead of {}", expected[0]);
                assert!((total.value - expected[1]).abs() < 1e-10, "{name}: {total:?} instead of {}", expected[1]);
            }
        }
    }

    fn ishigami(x: &[f64]) -> f64 {
        let x: Vec<f64> = x.iter().map(|u| PI * (2.0 * u - 1.0)).collect();
        x[0].sin() + 7.0 * x[1].sin().powi(2) + 0.1 * x[2].powi(4) * x[0].sin()
    }

    fn sobol_g(x: &[f64]) -> f64 {
        let a = [0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0];
        x.iter().zip(a).map(|(x, a)| ((4.0 * x - 2.0).abs() + a) / (1.0 + a)).product()
    }

    /// Our own samples of functions whose indices are known, by random numbers and by points of Sobol'.
    #[test]
    fn intervals_hold_the_analytic_indices() {
        type Function = fn(&[f64]) -> f64;
        let functions = [("ishigami", 3, ishigami as Function), ("sobol_g", 8, sobol_g)];
        for (name, factors, function) in functions {
            let exact = rows(&format!("tests/oracles/salib/{name}_indices.csv"));
            for points in [Points::Random, Points::Sobol] {
                let origin = Origin { seed: 11, points, purpose: Purpose::Sensitivity };
                let number = |factor: usize, row: u32, second: bool| {
                    let at = At { row, second };
                    origin.numbers(&format!("x{factor}"), at, Some(factor as u32)).number()
                };
                let draws = 8192;
                let value = |second: &dyn Fn(usize) -> bool| -> Vec<f64> {
                    let of = |row| (0..factors).map(|factor| number(factor, row, second(factor))).collect::<Vec<f64>>();
                    (0..draws).map(|row| function(&of(row))).collect()
                };
                let ab = (0..factors).map(|of| value(&|factor| factor == of)).collect();
                let sample = Sample { a: value(&|_| false), b: value(&|_| true), ab };
                let found = sobol(sample, 1, 300, &resamples(1, 300, draws as usize)).unwrap();
                for (effect, exact) in found.iter().zip(&exact) {
                    let Effect::Sobol { first, total } = effect else { panic!("{effect:?}") };
                    for (found, exact) in [(first, exact[exact.len() - 2]), (total, exact[exact.len() - 1])] {
                        let [low, high] = found.interval.unwrap();
                        assert!(low <= exact && exact <= high, "{name} {points:?}: {found:?} for {exact}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_matter_has_no_index_at_all() {
        let a = vec![1.0, 2.0, 4.0, 8.0];
        let b = vec![3.0, 1.0, 5.0, 2.0];
        let sample = Sample { a: a.clone(), b: b.clone(), ab: vec![a.clone(), b.clone()] };
        let found = sobol(sample, 1, 50, &resamples(1, 50, 4)).unwrap();
        let Effect::Sobol { first, total } = found[0] else { panic!() };
        assert_eq!((first.value, total.value, total.interval), (0.0, 0.0, Some([0.0, 0.0])));
        let flat = Sample { a: vec![5.0; 4], b: vec![5.0; 4], ab: vec![vec![5.0; 4]] };
        assert_eq!(sobol(flat.clone(), 1, 0, &[]), None);
        assert_eq!(morris(flat), None);
        let moved = morris(Sample { a: a.clone(), b: Vec::new(), ab: vec![a, b] }).unwrap();
        assert_eq!(moved[0], Effect::Morris { mean: 0.0, deviation: 0.0 });
        // 2, -1, 1, -6: mean size 2.5, standard deviation by hand.
        let Effect::Morris { mean, deviation } = moved[1] else { panic!() };
        assert!((mean - 2.5).abs() < 1e-12 && (deviation - (38.0f64 / 3.0).sqrt()).abs() < 1e-12);
        // A row that is no number is left out of all.
        let gap = Sample { a: vec![1.0, 2.0, f64::NAN], b: vec![2.0, 1.0, 3.0], ab: vec![vec![2.0, 1.0, 3.0]] };
        assert!(sobol(gap, 1, 10, &resamples(1, 10, 3)).is_some());
    }
}
