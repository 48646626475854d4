//! A pipeline file: whatever it says, it loads or is refused.
#![no_main]

mod shared;

use forerunner::pipeline::Pipeline;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = shared::file("pipeline.toml", bytes);
    let _ = Pipeline::load(&path, &[]);
});
