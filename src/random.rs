//! Random numbers: one stream for every seed, stage, name and draw, the same whoever draws first and on whichever thread.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};

use crate::stage::Stage;

/// The stream of a draw. Draws of one seed, stage and name are streams of one key, and overlap nowhere.
///
/// # Source
///
/// ChaCha (Bernstein 2008) with 12 rounds, its stream number as counter of draws: Salmon et al. (2011), *Parallel random
/// numbers: as easy as 1, 2, 3*.
pub fn stream(seed: u64, stage: Stage, name: &str, draw: u64) -> ChaCha12Rng {
    let key = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(stage.as_str()).chain_update([0]);
    let mut stream = ChaCha12Rng::from_seed(key.chain_update(name).finalize().into());
    stream.set_stream(draw);
    stream
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::Rng;

    use super::*;

    #[test]
    fn streams_differ_and_come_again() {
        let first = |seed, stage, name, draw| stream(seed, stage, name, draw).next_u64();
        let all = [
            first(1, Stage::Measure, "a", 0),
            first(2, Stage::Measure, "a", 0),
            first(1, Stage::Score, "a", 0),
            first(1, Stage::Measure, "b", 0),
            first(1, Stage::Measure, "a", 1),
        ];
        let distinct: std::collections::BTreeSet<u64> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
        assert_eq!(all[4], first(1, Stage::Measure, "a", 1));
    }
}
