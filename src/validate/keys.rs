//! Which rows share a key, in memory that does not grow with the file: past a limit the keys lie in unnamed temporary
//! files, parted by their hash.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasherDefault, Hasher};
use std::io::{Read, Seek, Write};

use rayon::prelude::*;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed, xxh3_128};

use super::settings::Keep;
use crate::error::{Error, Result};
use crate::sources::Origin;

/// Parts of the keys.
const PARTS: usize = 64;
/// Bytes that are kept in memory.
const LIMIT: usize = 96 << 20;
/// Bytes of an entry before its text.
const HEAD: usize = 16 + 8 + 4 + 8 + 8 + 2;

/// 128 bits of XXH3 over the parts of a key. Two of a hundred million keys are taken for one with probability 1e-23.
pub fn hash<'t>(parts: impl IntoIterator<Item = Option<&'t str>>) -> u128 {
    // Most keys are short: they are laid side by side and hashed in one go.
    let mut short = [0; 192];
    let mut length = 0;
    let mut parts = parts.into_iter();
    while let Some(part) = parts.next() {
        let (mark, text) = bytes(part);
        let end = length + text.len() + 2;
        let Some(room) = short.get_mut(length..end) else {
            return long_hash(&short[..length], std::iter::once(part).chain(parts));
        };
        room[0] = mark;
        room[1..=text.len()].copy_from_slice(text);
        room[text.len() + 1] = END;
        length = end;
    }
    xxh3_128(&short[..length])
}

/// What stands after each part.
const END: u8 = 0x1f;

/// Whether there is a part, and the part.
fn bytes(part: Option<&str>) -> (u8, &[u8]) {
    (u8::from(part.is_some()), part.unwrap_or_default().as_bytes())
}

fn long_hash<'t>(begun: &[u8], parts: impl Iterator<Item = Option<&'t str>>) -> u128 {
    let mut state = Xxh3::new();
    state.update(begun);
    for part in parts {
        let (mark, text) = bytes(part);
        state.update(&[mark]);
        state.update(text);
        state.update(&[END]);
    }
    state.digest128()
}

/// A map's hasher of keys that are hashes already.
pub type Hashed = BuildHasherDefault<Already>;

/// The low bits of a hash.
#[derive(Default)]
pub struct Already(u64);

impl Hasher for Already {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = hash as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// A row with its key.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyedRow {
    /// The row's number among those given.
    pub number: u64,
    /// Where it stood.
    pub origin: Origin,
    /// Its emissions, t.
    pub tonnes: Option<f64>,
    /// The first column of its key.
    pub shown: String,
}

/// A row that gives way to another of the same key.
#[derive(Debug)]
pub struct Repeat {
    /// The row that gives way.
    pub row: KeyedRow,
    /// Where the one stood that stays.
    pub stays: Origin,
}

/// The keys of all rows of a source.
#[derive(Debug)]
pub struct Keys {
    parts: Vec<(Vec<u8>, Option<File>)>,
    held: usize,
}

impl Default for Keys {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| (Vec::new(), None)).collect(), held: 0 }
    }
}

fn fail(source: std::io::Error) -> Error {
    Error::Io { path: std::env::temp_dir(), source }
}

impl Keys {
    /// Adds a row; rows come in their order.
    pub fn push(&mut self, hash: u128, row: &KeyedRow) -> Result<()> {
        let shown = &row.shown.as_bytes()[..row.shown.len().min(usize::from(u16::MAX))];
        let part = &mut self.parts[(hash % PARTS as u128) as usize].0;
        part.extend(hash.to_le_bytes());
        part.extend(row.number.to_le_bytes());
        part.extend(row.origin.file.to_le_bytes());
        part.extend(row.origin.line.to_le_bytes());
        part.extend(row.tonnes.unwrap_or(f64::NAN).to_le_bytes());
        part.extend((shown.len() as u16).to_le_bytes());
        part.extend(shown);
        self.held += HEAD + shown.len();
        if self.held > LIMIT { self.spill() } else { Ok(()) }
    }

    fn spill(&mut self) -> Result<()> {
        for (buffer, file) in &mut self.parts {
            if file.is_none() {
                *file = Some(tempfile::tempfile().map_err(fail)?);
            }
            if let Some(file) = file {
                file.write_all(buffer).map_err(fail)?;
            }
            buffer.clear();
        }
        self.held = 0;
        Ok(())
    }

    /// The rows that give way, by number; rows in `gone` have left already.
    pub fn repeats(self, keep: Keep, gone: &HashSet<u64>) -> Result<Vec<Repeat>> {
        let of_parts = self.parts.into_par_iter().map(|part| repeats_of(part, keep, gone));
        let mut repeats: Vec<Repeat> = of_parts.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
        repeats.sort_by_key(|repeat| repeat.row.number);
        Ok(repeats)
    }
}

/// The rows of one part that give way.
fn repeats_of((buffer, file): (Vec<u8>, Option<File>), keep: Keep, gone: &HashSet<u64>) -> Result<Vec<Repeat>> {
    let mut bytes = Vec::new();
    if let Some(mut file) = file {
        file.rewind().map_err(fail)?;
        file.read_to_end(&mut bytes).map_err(fail)?;
        bytes.extend(buffer);
    } else {
        bytes = buffer;
    }
    let mut rows: Vec<Entry<'_>> = Vec::with_capacity(bytes.len() / HEAD);
    let mut rest = bytes.as_slice();
    while let Some((entry, after)) = Entry::first(rest) {
        if !gone.contains(&entry.number) {
            rows.push(entry);
        }
        rest = after;
    }
    rows.sort_unstable_by_key(|entry| (entry.hash, entry.number));
    let mut repeats = Vec::new();
    for group in rows.chunk_by(|a, b| a.hash == b.hash).filter(|group| group.len() > 1) {
        let at = if keep == Keep::Last { group.len() - 1 } else { 0 };
        let Some(stays) = group[at].row() else { continue };
        let others = group.iter().enumerate().filter(|(position, _)| *position != at);
        let repeat = |row| Repeat { row, stays: stays.origin };
        repeats.extend(others.filter_map(|(_, entry)| entry.row()).map(repeat));
    }
    Ok(repeats)
}

/// A row as it is held: what it is sorted by, and the bytes of the rest.
struct Entry<'a> {
    hash: u128,
    number: u64,
    place: &'a [u8],
    shown: &'a [u8],
}

impl<'a> Entry<'a> {
    /// The first entry of some bytes, and the bytes after it.
    fn first(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (hash, rest) = bytes.split_first_chunk::<16>()?;
        let (number, rest) = rest.split_first_chunk::<8>()?;
        let (place, rest) = rest.split_at_checked(4 + 8 + 8)?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (shown, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        let (hash, number) = (u128::from_le_bytes(*hash), u64::from_le_bytes(*number));
        Some((Self { hash, number, place, shown }, rest))
    }

    fn row(&self) -> Option<KeyedRow> {
        let (file, rest) = self.place.split_first_chunk::<4>()?;
        let (line, rest) = rest.split_first_chunk::<8>()?;
        let tonnes = f64::from_le_bytes(*rest.first_chunk::<8>()?);
        Some(KeyedRow {
            number: self.number,
            origin: Origin { file: u32::from_le_bytes(*file), line: u64::from_le_bytes(*line) },
            tonnes: Some(tonnes).filter(|tonnes| !tonnes.is_nan()),
            shown: String::from_utf8_lossy(self.shown).into_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[&str], spilling: bool) -> Keys {
        let mut keys = Keys::default();
        for (number, name) in names.iter().enumerate() {
            let origin = Origin { file: 0, line: number as u64 + 2 };
            let row = KeyedRow { number: number as u64, origin, tonnes: Some(1.5), shown: (*name).to_owned() };
            keys.push(hash([Some(*name)]), &row).unwrap();
            if spilling {
                keys.spill().unwrap();
            }
        }
        keys
    }

    #[test]
    fn repeats_in_memory_and_on_disk() {
        let names = ["a", "b", "a", "c", "b", "a"];
        for spilling in [false, true] {
            let lines = |keep, gone: &[u64]| -> Vec<(u64, u64)> {
                let gone = gone.iter().copied().collect();
                let repeats = keys(&names, spilling).repeats(keep, &gone).unwrap();
                repeats.iter().map(|repeat| (repeat.row.origin.line, repeat.stays.line)).collect()
            };
            assert_eq!(lines(Keep::First, &[]), [(4, 2), (6, 3), (7, 2)]);
            assert_eq!(lines(Keep::Last, &[]), [(2, 7), (3, 6), (4, 7)]);
            assert_eq!(lines(Keep::First, &[0]), [(6, 3), (7, 4)]);
        }
        assert_ne!(hash([Some("a"), None]), hash([None, Some("a")]));
        for length in [0, 1, 94, 95, 96, 188, 189, 190, 191, 192, 400] {
            let (a, b) = ("x".repeat(length), "é".repeat(length / 2));
            for parts in [vec![Some(a.as_str())], vec![Some(a.as_str()), None, Some(b.as_str())]] {
                assert_eq!(hash(parts.iter().copied()), long_hash(&[], parts.into_iter()), "{length}");
            }
        }
        assert_ne!(hash([Some("")]), hash([None]));
    }
}
