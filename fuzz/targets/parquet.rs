//! Parquet and GeoParquet.
#![no_main]

mod rows;
mod shared;

use std::sync::Once;

use forerunner::sources::{OneOrMany, Reading};
use libfuzzer_sys::fuzz_target;

static HOOK: Once = Once::new();

fuzz_target!(|bytes: &[u8]| {
    // Panics of the Parquet library over damaged files become errors; all others count.
    HOOK.call_once(|| {
        let abort = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !forerunner::sources::expects_panic() {
                abort(panic);
            }
        }));
    });
    let path = shared::file("f.parquet", bytes);
    let _ = rows::read(&path, Reading { path: OneOrMany::one("f.parquet"), ..Reading::default() });
});
