//! Many draws to probabilities, quantiles and ranks.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::outcome::{NONE, Outcome};
use crate::measure::Unit;
use crate::statistics::between;

/// The quantiles of scores.
pub const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];
/// The quantiles of ranks.
pub const RANKS: [f64; 2] = [0.05, 0.95];

/// Counts over replicates; their size does not depend on how many there are.
#[derive(Debug, Clone)]
pub struct Counts {
    /// Replicates.
    pub replicates: u32,
    /// By unit, then type.
    types: Vec<u32>,
    kinds: usize,
    /// By dimension, then unit: replicates in the highest level.
    high: Vec<Vec<u32>>,
    /// By unit: replicates in which it is a unit.
    pub exists: Vec<u32>,
    /// By unit: replicates that rest on drawn values of what is missing.
    pub completed: Vec<u32>,
}

impl Counts {
    /// Nothing counted.
    pub fn new(units: usize, kinds: usize, dimensions: usize) -> Self {
        Self {
            replicates: 0,
            types: vec![0; units * kinds],
            kinds,
            high: vec![vec![0; units]; dimensions],
            exists: vec![0; units],
            completed: vec![0; units],
        }
    }

    /// Counts a replicate; `highest`: the position of each dimension's highest level.
    pub fn add(&mut self, outcome: &Outcome, highest: &[u8]) {
        self.replicates += 1;
        for (unit, &kind) in outcome.types.iter().enumerate() {
            if kind != NONE {
                self.types[unit * self.kinds + kind as usize] += 1;
            }
            self.completed[unit] += u32::from(outcome.completed[unit]);
        }
        for ((counts, levels), highest) in self.high.iter_mut().zip(&outcome.levels).zip(highest) {
            counts.iter_mut().zip(levels).for_each(|(count, level)| *count += u32::from(level == highest));
        }
        if let Some(levels) = outcome.levels.first() {
            self.exists.iter_mut().zip(levels).for_each(|(count, level)| *count += u32::from(*level != NONE));
        }
    }

    /// The share of the replicates in which a unit is one that are of each type; nothing where it is one in none.
    pub fn p_types(&self, unit: usize) -> Vec<Option<f64>> {
        let of = &self.types[unit * self.kinds..(unit + 1) * self.kinds];
        of.iter().map(|&count| self.share(unit, count)).collect()
    }

    /// The share of the replicates in which a dimension is in its highest level.
    pub fn p_high(&self, dimension: usize, unit: usize) -> Option<f64> {
        self.share(unit, self.high[dimension][unit])
    }

    /// The share of the replicates in which a unit is one.
    pub fn p_exists(&self, unit: usize) -> f64 {
        f64::from(self.exists[unit]) / f64::from(self.replicates)
    }

    fn share(&self, unit: usize, count: u32) -> Option<f64> {
        (self.exists[unit] > 0).then(|| f64::from(count) / f64::from(self.exists[unit]))
    }

    /// The greatest standard error of any `p_type`.
    ///
    /// # Source
    ///
    /// Of the proportion with two successes and two failures more (Agresti & Coull 1998): that of a type that has never come
    /// is not 0.
    pub fn greatest_error(&self) -> f64 {
        let errors = self.types.iter().enumerate().map(|(at, &count)| {
            let exists = f64::from(self.exists[at / self.kinds.max(1)]);
            if exists > 0.0 { standard_error(f64::from(count), exists) } else { 0.0 }
        });
        errors.fold(if self.types.is_empty() { f64::INFINITY } else { 0.0 }, f64::max)
    }
}

/// The standard error of a proportion: see [`Counts::greatest_error`].
pub fn standard_error(count: f64, of: f64) -> f64 {
    let share = (count + 2.0) / (of + 4.0);
    (share * (1.0 - share) / (of + 4.0)).sqrt()
}

/// The scores of all replicates: one list a dimension, of replicates one after the other, of units.
#[derive(Debug, Clone)]
pub struct Kept {
    units: usize,
    scores: Vec<Vec<f64>>,
}

/// Units that are worked on together.
const TOGETHER: usize = 64;

impl Kept {
    /// Nothing kept, with room for so many replicates.
    pub fn new(units: usize, dimensions: usize, replicates: usize) -> Self {
        // Draws may end early: of very many the room is made as they come.
        let room = units * replicates.min(2000);
        Self { units, scores: (0..dimensions).map(|_| Vec::with_capacity(room)).collect() }
    }

    /// Keeps a replicate's scores.
    pub fn add(&mut self, outcome: &Outcome) {
        self.scores.iter_mut().zip(&outcome.scores).for_each(|(kept, scores)| kept.extend_from_slice(scores));
    }

    /// The scores of a dimension in one replicate.
    pub fn replicate(&self, dimension: usize, replicate: usize) -> &[f64] {
        &self.scores[dimension][replicate * self.units..(replicate + 1) * self.units]
    }

    /// Quantiles (ascending shares) of a dimension's scores, one list a unit; nothing where a unit has none.
    pub fn quantiles<const N: usize>(&self, dimension: usize, shares: [f64; N]) -> Vec<Option<[f64; N]>> {
        let scores = &self.scores[dimension];
        let replicates = scores.len().checked_div(self.units).unwrap_or(0);
        let firsts: Vec<usize> = (0..self.units).step_by(TOGETHER).collect();
        let together = |&first: &usize| {
            let count = TOGETHER.min(self.units - first);
            let mut own: Vec<Vec<f64>> = vec![Vec::with_capacity(replicates); count];
            for replicate in 0..replicates {
                let start = replicate * self.units + first;
                own.iter_mut().zip(&scores[start..start + count]).for_each(|(own, score)| own.push(*score));
            }
            own.into_iter().map(|own| quantiles(own, shares)).collect::<Vec<_>>()
        };
        firsts.par_iter().map(together).collect::<Vec<_>>().into_iter().flatten().collect()
    }

    /// Puts ranks in the place of scores: 1 is the greatest of the period, and units that score alike share a rank.
    pub fn rank(&mut self, units: &[Unit]) {
        let mut periods: BTreeMap<Option<i64>, Vec<u32>> = BTreeMap::new();
        for (at, unit) in units.iter().enumerate() {
            periods.entry(unit.period).or_default().push(at as u32);
        }
        let periods: Vec<Vec<u32>> = periods.into_values().collect();
        for scores in &mut self.scores {
            scores.par_chunks_mut(self.units.max(1)).for_each(|scores| {
                for period in &periods {
                    rank(scores, period);
                }
            });
        }
    }
}

fn quantiles<const N: usize>(scores: Vec<f64>, shares: [f64; N]) -> Option<[f64; N]> {
    // Whole numbers are put in order several times as fast.
    let mut known: Vec<u64> = scores.into_iter().filter(|score| !score.is_nan()).map(ordered).collect();
    let last = known.len().checked_sub(1)?;
    let mut done = 0;
    Some(shares.map(|share| {
        let place = share * last as f64;
        let at = place.floor() as usize;
        // What stands before the last one that was found is smaller, and needs no order.
        let (_, found, above) = known[done..].select_nth_unstable(at - done);
        let (low, next) = (number(*found), above.iter().min());
        done = at;
        next.map_or(low, |next| between(low, number(*next), place))
    }))
}

/// A whole number of the same order: the bits, turned so that the greater number has the greater ones.
fn ordered(number: f64) -> u64 {
    let bits = (number + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The number again.
fn number(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

/// Ranks of one period, in the place of its scores.
fn rank(scores: &mut [f64], units: &[u32]) {
    // The upper bits of a score with the number of its unit: they sort as one whole number.
    let bits = usize::BITS - units.len().leading_zeros();
    let (below, mask) = (1_u64 << bits, (1_u64 << bits) - 1);
    let known = units.iter().zip(0_u64..).filter(|(unit, _)| !scores[**unit as usize].is_nan());
    let mut keys: Vec<u64> = known.map(|(unit, at)| ordered(scores[*unit as usize]) & !mask | at).collect();
    keys.sort_unstable();
    let score = |key: &u64| scores[units[(key & mask) as usize] as usize];
    // Those alike in these bits alone are put in order by all.
    for alike in keys.chunk_by_mut(|a, b| a / below == b / below).filter(|alike| alike.len() > 1) {
        alike.sort_unstable_by(|a, b| score(a).total_cmp(&score(b)));
    }
    let order: Vec<(f64, u32)> = keys.iter().rev().map(|key| (score(key), units[(key & mask) as usize])).collect();
    let mut rank = 0;
    for at in 0..order.len() {
        if at == 0 || order[at].0 != order[at - 1].0 {
            rank = at + 1;
        }
        scores[order[at].1 as usize] = rank as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::quantile;

    #[test]
    fn ranks_by_hand() {
        let units: Vec<Unit> = [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (3, 1)]
            .into_iter()
            .map(|(cluster, period)| Unit { cluster, period: Some(period) })
            .collect();
        let scores = vec![10.0, 5.0, 30.0, 7.0, 30.0, f64::NAN];
        let outcome =
            Outcome { scores: vec![scores], levels: vec![vec![0; 6]], types: vec![0; 6], completed: vec![false; 6] };
        let mut kept = Kept::new(6, 1, 1);
        kept.add(&outcome);
        kept.rank(&units);
        assert_eq!(kept.replicate(0, 0)[..5], [3.0, 2.0, 1.0, 1.0, 1.0]);
        let quantiles = kept.quantiles(0, [0.5]);
        assert_eq!((quantiles[2], quantiles[5]), (Some([1.0]), None));
    }

    /// Ranks and quantiles against the plain way, with ties, negative numbers and numbers that differ in their last bits.
    #[test]
    fn whole_numbers_sort_as_the_numbers_do() {
        let mut random = crate::random::stream(1, crate::stage::Stage::Uncertainty, "test", 0);
        let mut next = || (rand_chacha::rand_core::Rng::next_u64(&mut random) >> 40) as f64 / 1000.0 - 4000.0;
        for _ in 0..50 {
            let mut scores: Vec<f64> = (0..300).map(|_| next()).collect();
            for at in 0..40 {
                scores[at + 100] = scores[at];
                scores[at + 200] = f64::from_bits(scores[at].to_bits() + 1);
            }
            (scores[0], scores[1], scores[2]) = (0.0, -0.0, f64::NAN);
            let known: Vec<f64> = scores.iter().copied().filter(|score| !score.is_nan()).collect();
            let wanted = |score: f64| known.iter().filter(|other| **other > score).count() as f64 + 1.0;
            let mut ranks = scores.clone();
            rank(&mut ranks, &(0..300).collect::<Vec<u32>>());
            for (score, rank) in scores.iter().zip(&ranks) {
                assert!(score.is_nan() && rank.is_nan() || *rank == wanted(*score), "{score}: {rank}");
            }
            let mut sorted = known.clone();
            sorted.sort_by(f64::total_cmp);
            assert_eq!(
                quantiles(scores, [0.0, 0.05, 1.0]).unwrap(),
                [0.0, 0.05, 1.0].map(|share| quantile(&sorted, share))
            );
        }
    }
}
