//! A register through reading and checking: rows and tonnes must add up whatever the bytes.
#![no_main]

mod shared;

use std::sync::OnceLock;

use forerunner::pipeline::{self, Pipeline};
use libfuzzer_sys::fuzz_target;

const PIPELINE: &str = include_str!("register.toml");

static LOADED: OnceLock<Pipeline> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    shared::file("register.csv", bytes);
    let pipeline = LOADED.get_or_init(|| {
        let path = shared::file("pipeline.toml", PIPELINE.as_bytes());
        Pipeline::load(&path, &[]).unwrap()
    });
    let Ok(examined) = pipeline::check(pipeline) else { return };
    for account in &examined.accounts {
        let filtered: u64 = account.filtered.iter().map(|filtered| filtered.tally.rows).sum();
        assert_eq!(account.read.rows, account.kept.rows + filtered + account.quarantined.rows);
        assert_eq!(account.quarantined.rows, examined.findings.quarantine.len() as u64);
        let filtered: f64 = account.filtered.iter().filter_map(|filtered| filtered.tally.tonnes).sum();
        let parts = account.kept.tonnes.unwrap() + filtered + account.quarantined.tonnes.unwrap();
        let read = account.read.tonnes.unwrap();
        let scale = read.abs().max(account.kept.tonnes.unwrap().abs()).max(filtered.abs()).max(1.0);
        assert!((parts - read).abs() <= 1e-6 * scale || !scale.is_finite() || scale > 1e290, "{parts} {read}");
    }
});
