//! Numbers behind the draws, and distributions: everything is made of numbers between 0 and 1 by quantile functions, so
//! that random numbers and points of Sobol' serve alike.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;
use statrs::distribution::{ContinuousCDF, Gamma, Normal};

use super::settings::Points;
use crate::random;
use crate::stage::Stage;

/// Points of one sequence, and dimensions of it.
const SOBOL_POINTS: u32 = 1 << 16;
const SOBOL_DIMENSIONS: u32 = 256;

/// Which draw of a factor: of a design with two independent samples the row, and the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct At {
    /// The replicate, or the row of the design.
    pub row: u32,
    /// Whether of the second sample.
    pub second: bool,
}

/// What draws are for; draws for different purposes have nothing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Replicates.
    Replicates,
    /// The design of the sensitivity analysis.
    Sensitivity,
}

/// Where the numbers come from.
#[derive(Debug, Clone, Copy)]
pub struct Origin {
    /// The seed.
    pub seed: u64,
    /// Random numbers or points of Sobol'.
    pub points: Points,
    /// What they are for.
    pub purpose: Purpose,
}

impl Origin {
    /// The numbers of one draw of one factor. `dimensions`: how many there may be, and the first dimension of the sequence of
    /// Sobol' that is theirs; without it they are random.
    pub fn numbers(&self, factor: &str, at: At, dimensions: Option<u32>) -> Numbers {
        let purpose = match self.purpose {
            Purpose::Replicates => "replicates",
            Purpose::Sensitivity => "sensitivity",
        };
        let name = format!("{purpose}/{factor}");
        let stream = random::stream(self.seed, Stage::Uncertainty, &name, 2 * u64::from(at.row) + u64::from(at.second));
        let first = dimensions.filter(|_| self.points == Points::Sobol && at.row < SOBOL_POINTS);
        // The two purposes have other scramblings.
        let seed = self.seed ^ if self.purpose == Purpose::Sensitivity { 1 << 63 } else { 0 };
        Numbers { stream, point: first.map(|first| Point { at, next: first, seed }) }
    }
}

/// A point of Sobol', dimension by dimension.
#[derive(Debug)]
struct Point {
    at: At,
    next: u32,
    seed: u64,
}

/// Numbers between 0 and 1, neither included.
#[derive(Debug)]
pub struct Numbers {
    stream: ChaCha12Rng,
    point: Option<Point>,
}

impl Numbers {
    /// The next number.
    pub fn number(&mut self) -> f64 {
        let Some(point) = &mut self.point else {
            return ((self.stream.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        };
        // Both samples of a design are of one sequence; more dimensions than it has come from others, scrambled otherwise
        // (Burley 2020).
        let place = 2 * point.next + u32::from(point.at.second);
        let (round, dimension) = (place / SOBOL_DIMENSIONS, place % SOBOL_DIMENSIONS);
        let scrambling = (point.seed as u32).wrapping_mul(0x9E37_79B9) ^ (point.seed >> 32) as u32;
        let scrambling = scrambling.wrapping_add(round);
        point.next += 1;
        f64::from(sobol_burley::sample(point.at.row, dimension, scrambling)) + 0.5 / f64::from(1_u32 << 24)
    }

    /// The next number of the stream, whatever the points: where a draw must be made again, how often is not known before.
    fn again(&mut self) -> f64 {
        let point = self.point.take();
        let number = self.number();
        self.point = point;
        number
    }

    /// Draws until a result holds: the first time by the points, then by the stream, at most a hundred times.
    pub fn until<T>(&mut self, count: usize, make: impl Fn(&[f64]) -> Option<T>) -> Option<T> {
        let first: Vec<f64> = (0..count).map(|_| self.number()).collect();
        make(&first).or_else(|| {
            (0..100).find_map(|_| {
                let more: Vec<f64> = (0..count).map(|_| self.again()).collect();
                make(&more)
            })
        })
    }

    /// A whole number to make others of.
    pub fn key(&mut self) -> u64 {
        self.stream.next_u64()
    }

    /// A standard normal number.
    pub fn normal(&mut self) -> f64 {
        normal(self.number())
    }

    /// Shares that sum to 1, Dirichlet with the given parameters, all above 0.
    ///
    /// # Source
    ///
    /// Independent gamma variables over their sum.
    pub fn dirichlet(&mut self, parameters: &[f64]) -> Vec<f64> {
        let gamma = |shape: &f64| {
            let number = self.number();
            Gamma::new(*shape, 1.0).map_or(*shape, |gamma| gamma.inverse_cdf(number))
        };
        let drawn: Vec<f64> = parameters.iter().map(gamma).collect();
        let sum: f64 = drawn.iter().sum();
        // Parameters so small that all of them vanish: the mean.
        let (drawn, sum) = if sum > 0.0 { (drawn, sum) } else { (parameters.to_vec(), parameters.iter().sum()) };
        drawn.into_iter().map(|share| share / sum).collect()
    }

    /// A position, by probabilities that sum to 1.
    pub fn choice(&mut self, probabilities: impl Iterator<Item = f64>) -> usize {
        let number = self.number();
        let (mut below, mut last) = (0.0, 0);
        for (at, probability) in probabilities.enumerate() {
            below += probability;
            if probability > 0.0 {
                last = at;
                if number < below {
                    return at;
                }
            }
        }
        last
    }
}

/// A standard normal number, by its quantile function.
pub fn normal(number: f64) -> f64 {
    Normal::standard().inverse_cdf(number)
}

/// A triangular number from -1 over 0 to 1, by its quantile function.
pub fn triangular(number: f64) -> f64 {
    if number < 0.5 { (2.0 * number).sqrt() - 1.0 } else { 1.0 - (2.0 * (1.0 - number)).sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(points: Points, row: u32) -> Numbers {
        let origin = Origin { seed: 5, points, purpose: Purpose::Replicates };
        origin.numbers("test", At { row, second: false }, Some(0))
    }

    /// Means and variances of many draws against the formulas of the distributions.
    #[test]
    fn distributions_have_their_moments() {
        for points in [Points::Random, Points::Sobol] {
            let count = 4096;
            let moments = |draw: &dyn Fn(&mut Numbers) -> f64| {
                let drawn: Vec<f64> = (0..count).map(|row| draw(&mut numbers(points, row))).collect();
                let mean = drawn.iter().sum::<f64>() / f64::from(count);
                (mean, drawn.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / f64::from(count))
            };
            let close = |found: (f64, f64), wanted: (f64, f64)| {
                let error = 4.0 * (wanted.1 / f64::from(count)).sqrt();
                assert!((found.0 - wanted.0).abs() < error, "{points:?}: mean {} for {}", found.0, wanted.0);
                assert!((found.1 / wanted.1 - 1.0).abs() < 0.12, "{points:?}: variance {} for {}", found.1, wanted.1);
            };
            close(moments(&Numbers::normal), (0.0, 1.0));
            close(moments(&|numbers| triangular(numbers.number())), (0.0, 1.0 / 6.0));
            // Dirichlet(6, 3, 1): mean a / 10, variance a (10 - a) / (100 * 11).
            for (at, parameter) in [6.0, 3.0, 1.0].into_iter().enumerate() {
                let wanted = (parameter / 10.0, parameter * (10.0 - parameter) / 1100.0);
                close(moments(&|numbers| numbers.dirichlet(&[6.0, 3.0, 1.0])[at]), wanted);
            }
            let share = moments(&|numbers| f64::from(u8::from(numbers.choice([0.2, 0.0, 0.8].into_iter()) == 2)));
            close(share, (0.8, 0.16));
        }
    }
}
