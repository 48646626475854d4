//! Delimited text: the first bytes choose the settings, the rest is the file.
#![no_main]

mod rows;
mod shared;

use forerunner::sources::{OneOrMany, Reading};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&[settings, packing], rest)) = bytes.split_first_chunk::<2>() else { return };
    let name = ["f.csv", "f.csv.gz", "f.csv.zst", "f.zip"][usize::from(packing) % 4];
    let name = if packing < 200 { "f.csv" } else { name };
    let path = shared::file(name, rest);
    let reading = Reading {
        path: OneOrMany::one(name),
        comment: (settings & 1 > 0).then(|| "#".into()),
        delimiter: (settings & 2 > 0).then_some(';'),
        quote: (settings & 4 > 0).then_some('\''),
        skip_before_header: usize::from(settings >> 3 & 3),
        skip_after_header: usize::from(settings >> 5 & 1),
        encoding: (settings & 64 > 0).then(|| "windows-1252".into()),
        ..Reading::default()
    };
    let _ = rows::read(&path, reading);
});
