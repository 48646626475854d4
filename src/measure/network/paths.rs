//! Shortest paths from many places of a graph at once: one bit a search, so that one look at a tie serves all of them.
//!
//! # Source
//!
//! Then et al. (2014), "The More the Merrier: Efficient Multi-Source Graph Traversal".

use rayon::prelude::*;

use crate::measure::lists::Lists;

/// Words of bits a place: with 64 of them a word, so many searches run side by side.
const WORDS: usize = 4;
/// Places that one thread looks at in one go.
const STRETCH: usize = 8192;

/// The steps from each source to all places that it reaches, each pair counted as many times as the weights of source and
/// place say: the sum over all sources.
///
/// `graph`: the places next to each; `weights`: one a place, 1 or more; `sources`: places, none twice.
pub fn total_steps(graph: &Lists<u32>, weights: &[u64], sources: &[u32]) -> u64 {
    let side_by_side = |sources: &[u32]| match sources.len() {
        ..=64 => searches::<1>(graph, weights, sources),
        _ => searches::<WORDS>(graph, weights, sources),
    };
    sources.chunks(64 * WORDS).map(side_by_side).sum()
}

/// The same for at most 64 sources a word.
fn searches<const W: usize>(graph: &Lists<u32>, weights: &[u64], sources: &[u32]) -> u64 {
    let bits = Weighted::<W>::new(weights, sources);
    let mut seen = vec![[0; W]; graph.len()];
    for (search, &source) in sources.iter().enumerate() {
        seen[source as usize][search / 64] |= 1 << (search % 64);
    }
    // Which searches came to a place in the last step, and whether any did; and the same of this step.
    let (mut came, mut come) = (seen.clone(), vec![[0; W]; graph.len()]);
    let mut is_fresh: Vec<bool> = seen.iter().map(|seen| *seen != [0; W]).collect();
    let mut gets_fresh = vec![false; graph.len()];
    let (mut total, mut step) = (0, 0);
    loop {
        step += 1;
        let places = seen.par_chunks_mut(STRETCH).zip(come.par_chunks_mut(STRETCH));
        let stretches = places.zip(gets_fresh.par_chunks_mut(STRETCH)).enumerate();
        let reached = stretches.map(|(stretch, ((seen, come), gets_fresh))| {
            let mut reached = 0;
            for (at, place) in (stretch * STRETCH..).take(seen.len()).enumerate() {
                let fresh = graph.of(place as u32).iter().filter(|&&other| is_fresh[other as usize]);
                let found = bits.arrive(fresh.map(|&other| &came[other as usize]), &mut seen[at], &mut come[at]);
                gets_fresh[at] = found > 0;
                reached += found * weights[place];
            }
            reached
        });
        let reached: u64 = reached.sum();
        if reached == 0 {
            return total;
        }
        total += step * reached;
        std::mem::swap(&mut came, &mut come);
        std::mem::swap(&mut is_fresh, &mut gets_fresh);
    }
}

/// Searches as bits, with what each of them counts.
struct Weighted<const W: usize> {
    /// All searches.
    all: [u64; W],
    /// Of each binary digit of the weights the searches whose weight has it.
    digits: Vec<[u64; W]>,
}

impl<const W: usize> Weighted<W> {
    fn new(weights: &[u64], sources: &[u32]) -> Self {
        let (mut all, mut digits) = ([0; W], Vec::new());
        for (search, &source) in sources.iter().enumerate() {
            let (word, bit) = (search / 64, 1 << (search % 64));
            all[word] |= bit;
            let weight = weights[source as usize];
            digits.resize(digits.len().max((u64::BITS - weight.leading_zeros()) as usize), [0; W]);
            (0..digits.len()).filter(|digit| weight >> digit & 1 == 1).for_each(|digit| digits[digit][word] |= bit);
        }
        Self { all, digits }
    }

    /// Lets the searches that came to places beside this one come here; returns what the new ones count. Where there are none,
    /// `come` says nothing.
    fn arrive<'a>(&self, beside: impl Iterator<Item = &'a [u64; W]>, seen: &mut [u64; W], come: &mut [u64; W]) -> u64 {
        if *seen == self.all {
            return 0;
        }
        *come = [0; W];
        for there in beside {
            (0..W).for_each(|word| come[word] |= there[word]);
        }
        let mut found = 0;
        for word in 0..W {
            come[word] &= !seen[word];
            seen[word] |= come[word];
            found |= come[word];
        }
        if found == 0 {
            return 0;
        }
        let count =
            |digit: &[u64; W]| (0..W).map(|word| u64::from((come[word] & digit[word]).count_ones())).sum::<u64>();
        self.digits.iter().enumerate().map(|(power, digit)| count(digit) << power).sum()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    /// One search after the other, on random graphs in several parts with up to more sources than bits.
    #[test]
    fn side_by_side_is_one_after_the_other() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(23);
        let mut below = |limit: u32| random.next_u32() % limit;
        for _ in 0..60 {
            let count = 1 + below(700);
            let ends: Vec<(u32, u32)> = (0..below(2 * count)).map(|_| (below(count), below(count))).collect();
            let both = ends.iter().flat_map(|&(a, b)| [(a, b), (b, a)]);
            let graph = Lists::grouped(count as usize, both);
            let heaviest = 1 + below(40);
            let weights: Vec<u64> = (0..count).map(|_| u64::from(1 + below(heaviest))).collect();
            let every = 1 + below(5);
            let sources: Vec<u32> = (0..count).filter(|place| place % every == 0).collect();
            let mut wanted = 0;
            for &source in &sources {
                let mut steps = vec![u64::MAX; count as usize];
                steps[source as usize] = 0;
                let mut queue = std::collections::VecDeque::from([source]);
                while let Some(place) = queue.pop_front() {
                    wanted += steps[place as usize] * weights[place as usize] * weights[source as usize];
                    for &other in graph.of(place) {
                        if steps[other as usize] == u64::MAX {
                            steps[other as usize] = steps[place as usize] + 1;
                            queue.push_back(other);
                        }
                    }
                }
            }
            assert_eq!(total_steps(&graph, &weights, &sources), wanted);
        }
    }
}
