//! A manifest: whatever it says, it reads or is refused, and so does the pipeline that it holds.
#![no_main]

mod shared;

use std::path::Path;

use forerunner::pipeline::Pipeline;
use forerunner::report::manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = shared::file("manifest.json", bytes);
    let _ = Manifest::is_whole(bytes);
    let folder = path.parent().unwrap_or(Path::new("."));
    let Ok(manifest) = Manifest::read(folder) else { return };
    let _ = Pipeline::of_manifest(&manifest, folder, &path);
});
