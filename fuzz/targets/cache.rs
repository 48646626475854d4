//! What was kept of a stage: bytes that no run of this build has written give nothing.
#![no_main]

use forerunner::finding::Findings;
use forerunner::pipeline::cache::decode;
use forerunner::validate::Tables;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    assert!(decode::<(Tables, Findings)>(bytes, "").is_none());
});
