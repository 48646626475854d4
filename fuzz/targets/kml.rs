//! KML.
#![no_main]

mod rows;
mod shared;

use forerunner::sources::{OneOrMany, Reading};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = shared::file("f.kml", bytes);
    let _ = rows::read(&path, Reading { path: OneOrMany::one("f.kml"), ..Reading::default() });
});
