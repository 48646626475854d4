//! Shapefiles: the first two bytes tell how many of the others are the `.shp`, the rest are the `.dbf`.
#![no_main]

mod rows;
mod shared;

use forerunner::sources::{OneOrMany, Reading};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((head, rest)) = bytes.split_at_checked(2) else { return };
    let cut = usize::from(u16::from_le_bytes([head[0], head[1]])).min(rest.len());
    let path = shared::file("f.shp", &rest[..cut]);
    shared::file("f.dbf", &rest[cut..]);
    let _ = rows::read(&path, Reading { path: OneOrMany::one("f.shp"), ..Reading::default() });
});
