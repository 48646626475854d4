//! Whole batches of draws, kept beside the output folder while a run is under way: one that was stopped goes on from them.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use xxhash_rust::xxh3::xxh3_128;

use super::outcome::Outcome;
use crate::error::{Error, Result};

/// A stage that takes less than this leaves nothing: to begin anew is as quick.
const WORTH_IT: Duration = Duration::from_secs(1);

/// A folder of batches that goes away with the run, however it ends; a run that is killed leaves it.
#[derive(Debug)]
pub struct Batches {
    folder: Option<PathBuf>,
    key: String,
    began: Instant,
}

impl Batches {
    /// Batches in a folder, for a run of which `key` tells all that its draws depend on. What is there of other runs is taken
    /// away.
    pub fn open(folder: PathBuf, key: String) -> Self {
        let is_other = |entry: &fs::DirEntry| !entry.file_name().to_string_lossy().starts_with(&key);
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        let (others, own): (Vec<fs::DirEntry>, Vec<fs::DirEntry>) = entries.partition(is_other);
        others.iter().for_each(|entry| _ = fs::remove_file(entry.path()));
        if !own.is_empty() {
            tracing::info!("goes on from {} batches of a run that was stopped", own.len());
        }
        Self { folder: Some(folder), key, began: Instant::now() }
    }

    /// No batches: nothing is kept.
    pub fn none() -> Self {
        Self { folder: None, key: String::new(), began: Instant::now() }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}-{name}", self.key)))
    }

    /// A batch: as an earlier run has left it, else made and kept.
    ///
    /// # Errors
    ///
    /// What making it gives.
    pub fn take<T>(
        &self,
        name: &str,
        read: impl FnOnce(&[u8]) -> Option<T>,
        make: impl FnOnce() -> Result<T>,
        written: impl FnOnce(&T) -> Vec<u8>,
    ) -> Result<T> {
        if let Some(known) = self.read(name).and_then(|bytes| read(&bytes)) {
            return Ok(known);
        }
        let made = make()?;
        // Room for the run itself comes first.
        if let Err(error) = self.write(name, || written(&made)) {
            tracing::debug!("a batch of draws is not kept: {error}");
        }
        Ok(made)
    }

    /// A batch that an earlier run has finished; `None` where there is none that is whole.
    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let mut bytes = fs::read(self.path(name)?).ok()?;
        let body = bytes.len().checked_sub(16)?;
        (bytes[body..] == xxh3_128(&bytes[..body]).to_le_bytes()).then(|| {
            bytes.truncate(body);
            bytes
        })
    }

    /// Keeps a batch, once the stage has taken so long that it is worth it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be written.
    fn write(&self, name: &str, bytes: impl FnOnce() -> Vec<u8>) -> Result<()> {
        let Some(path) = self.path(name).filter(|_| self.began.elapsed() > WORTH_IT) else { return Ok(()) };
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let mut bytes = bytes();
        bytes.extend(xxh3_128(&bytes).to_le_bytes());
        let unfinished = path.with_extension("partial");
        let _ = fs::remove_file(&unfinished);
        let written = fs::File::create_new(&unfinished).and_then(|mut file| file.write_all(&bytes));
        written.map_err(Error::io(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(Error::io(&path))
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir_all(folder);
            // What was made for it alone.
            folder.parent().into_iter().for_each(|above| _ = fs::remove_dir(above));
        }
    }
}

/// Outcomes to bytes.
pub fn written(outcomes: &[Outcome]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for outcome in outcomes {
        outcome.scores.iter().flatten().for_each(|score| bytes.extend(score.to_le_bytes()));
        outcome.levels.iter().for_each(|levels| bytes.extend(levels));
        bytes.extend(&outcome.types);
        bytes.extend(outcome.completed.iter().map(|completed| u8::from(*completed)));
    }
    bytes
}

/// Outcomes from bytes; `None` for those of another run.
pub fn read(bytes: &[u8], count: usize, dimensions: usize, units: usize) -> Option<Vec<Outcome>> {
    let size = units * (dimensions * 9 + 2);
    (units > 0 && bytes.len() == count * size)
        .then(|| bytes.chunks_exact(size).map(|own| one(own, dimensions, units)).collect())
}

fn one(bytes: &[u8], dimensions: usize, units: usize) -> Outcome {
    let (scores, rest) = bytes.split_at(8 * dimensions * units);
    let (levels, rest) = rest.split_at(dimensions * units);
    let (types, completed) = rest.split_at(units);
    let score = |bytes: &[u8]| bytes.try_into().map_or(f64::NAN, f64::from_le_bytes);
    Outcome {
        scores: scores.chunks_exact(8 * units).map(|own| own.chunks_exact(8).map(score).collect()).collect(),
        levels: levels.chunks_exact(units).map(<[u8]>::to_vec).collect(),
        types: types.to_vec(),
        completed: completed.iter().map(|completed| *completed != 0).collect(),
    }
}

/// Lists of numbers to bytes.
pub fn written_lists(lists: &[Vec<f64>]) -> Vec<u8> {
    lists.iter().flatten().flat_map(|number| number.to_le_bytes()).collect()
}

/// Lists of numbers from bytes; `None` for others.
pub fn read_lists(bytes: &[u8], count: usize, length: usize) -> Option<Vec<Vec<f64>>> {
    let number = |bytes: &[u8]| bytes.try_into().map_or(f64::NAN, f64::from_le_bytes);
    let list = |bytes: &[u8]| bytes.chunks_exact(8).map(number).collect();
    (length > 0 && bytes.len() == 8 * count * length).then(|| bytes.chunks_exact(8 * length).map(list).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_and_a_torn_file_does_not() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("batches");
        let outcome = Outcome {
            scores: vec![vec![1.5, f64::NAN], vec![-0.25, 3.0]],
            levels: vec![vec![0, 1], vec![2, 255]],
            types: vec![3, 255],
            completed: vec![true, false],
        };
        let mut batches = Batches::open(folder.clone(), "key".into());
        batches.write("0", || unreachable!("so early nothing is worth it")).unwrap();
        batches.began = Instant::now() - WORTH_IT * 2;
        batches.write("0", || written(std::slice::from_ref(&outcome))).unwrap();
        let found = read(&batches.read("0").unwrap(), 1, 2, 2).unwrap();
        assert_eq!(format!("{found:?}"), format!("{:?}", [outcome]));
        assert!(read(&batches.read("0").unwrap(), 2, 2, 2).is_none());
        let path = batches.path("0").unwrap();
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert!(batches.read("0").is_none());
        fs::write(folder.join("other-1"), "x").unwrap();
        let again = Batches::open(folder.clone(), "key".into());
        assert!(!folder.join("other-1").exists() && path.exists());
        drop(again);
        assert!(!folder.exists());
        drop(batches);
    }
}
