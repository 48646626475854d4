//! Well-known text in a column of a layer.
#![no_main]

mod shared;

use forerunner::pipeline::{self, Pipeline};
use libfuzzer_sys::fuzz_target;

const PIPELINE: &str = r#"
name = "w"
[facilities]
path = "r.csv"
columns = { id = "id", label = "id" }
[layers.l]
path = "l.csv"
columns = { geometry = "g" }
contract = { max_rejected = 1.0 }
[delineate]
method = "label"
"#;

fuzz_target!(|bytes: &[u8]| {
    shared::file("r.csv", b"id\nA\n");
    let text = String::from_utf8_lossy(bytes).replace('"', "\"\"");
    shared::file("l.csv", format!("g\n\"{text}\"\n").as_bytes());
    let path = shared::file("pipeline.toml", PIPELINE.as_bytes());
    if let Ok(pipeline) = Pipeline::load(&path, &[]) {
        let _ = pipeline::check(&pipeline);
    }
});
