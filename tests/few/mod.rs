//! Few draws for tests that are about something else.

use std::fs;
use std::path::Path;

/// Settings that keep the draws of a shipped pipeline, or of one that builds on it, few; none where nothing is drawn.
pub fn few(pipeline: &Path) -> Vec<String> {
    let text = fs::read_to_string(pipeline).unwrap_or_default();
    let drawing = ["[uncertainty]", "great-britain.toml", "north-west-europe.toml"];
    let draws = drawing.iter().any(|mark| text.contains(mark)) && !text.contains("uncertainty = {}");
    let all = ["uncertainty.replicates=32", "uncertainty.sensitivity={ draws = 2, resamples = 5 }"];
    all.iter().filter(|_| draws).map(|one| (*one).to_owned()).collect()
}
