//! Which rows share a key, in memory that does not grow with the file: past a limit the keys lie in unnamed temporary
//! files, parted by their hash.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, Write};

use xxhash_rust::xxh3::Xxh3;

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
    let mut state = Xxh3::new();
    for part in parts {
        state.update(if part.is_some() { b"\x01" } else { b"\x00" });
        state.update(part.unwrap_or_default().as_bytes());
        state.update(b"\x1f");
    }
    state.digest128()
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
        let mut repeats = Vec::new();
        for (buffer, file) in self.parts {
            let mut bytes = Vec::new();
            if let Some(mut file) = file {
                file.rewind().map_err(fail)?;
                file.read_to_end(&mut bytes).map_err(fail)?;
            }
            bytes.extend(buffer);
            let mut rows = Vec::new();
            let mut rest = bytes.as_slice();
            while let Some((hash, row, after)) = decode(rest) {
                if !gone.contains(&row.number) {
                    rows.push((hash, row));
                }
                rest = after;
            }
            rows.sort_by_key(|(hash, row)| (*hash, row.number));
            for group in rows.chunk_by(|a, b| a.0 == b.0).filter(|group| group.len() > 1) {
                let at = if keep == Keep::Last { group.len() - 1 } else { 0 };
                let stays = group[at].1.origin;
                let others = group.iter().enumerate().filter(|(position, _)| *position != at);
                repeats.extend(others.map(|(_, (_, row))| Repeat { row: row.clone(), stays }));
            }
        }
        repeats.sort_by_key(|repeat| repeat.row.number);
        Ok(repeats)
    }
}

fn decode(bytes: &[u8]) -> Option<(u128, KeyedRow, &[u8])> {
    let (hash, rest) = bytes.split_first_chunk::<16>()?;
    let (number, rest) = rest.split_first_chunk::<8>()?;
    let (file, rest) = rest.split_first_chunk::<4>()?;
    let (line, rest) = rest.split_first_chunk::<8>()?;
    let (tonnes, rest) = rest.split_first_chunk::<8>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (shown, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let tonnes = Some(f64::from_le_bytes(*tonnes)).filter(|tonnes| !tonnes.is_nan());
    let row = KeyedRow {
        number: u64::from_le_bytes(*number),
        origin: Origin { file: u32::from_le_bytes(*file), line: u64::from_le_bytes(*line) },
        tonnes,
        shown: String::from_utf8_lossy(shown).into_owned(),
    };
    Some((u128::from_le_bytes(*hash), row, rest))
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
        assert_ne!(hash([Some("")]), hash([None]));
    }
}
