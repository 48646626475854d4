//! The files that a pipeline reads, and what they hold, without reading them twice.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Pipeline;
use crate::error::{Error, Result};
use crate::sources::{self, FoundFile, Request};

/// A file that was written to so shortly before it was hashed may have been written to again within the same tick of the clock.
const IN_DOUBT: Duration = Duration::from_secs(2);

/// A file that a pipeline reads, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The source, as the pipeline file names it.
    pub source: String,
    /// The path, as the pipeline file (and its globs) name it.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
}

/// The files of every source, in the order of the pipeline file. Relative paths start from the pipeline's folder.
///
/// # Errors
///
/// [`Error::Io`] for one that is not there, [`Error::Data`] for an archive that does not open.
fn found(pipeline: &Pipeline) -> Result<Vec<(String, FoundFile)>> {
    let mut files = Vec::new();
    for (place, reading) in pipeline.file.readings() {
        let found = sources::find(&Request::everything(&place, &pipeline.folder, &reading))?;
        files.extend(found.into_iter().map(|file| (place.clone(), file)));
    }
    Ok(files)
}

/// The files that a pipeline reads, each with its hash: that of [`Known`] where the file is still the same.
///
/// # Errors
///
/// [`Error::Io`] for a file that is not there, [`Error::Data`] for an archive that does not open.
pub fn inputs(pipeline: &Pipeline, known: &mut Known) -> Result<Vec<Input>> {
    let files = found(pipeline)?;
    let prints = known.prints(files.iter().map(|(_, file)| file.path.as_path()))?;
    let input = |(source, file): (String, FoundFile)| {
        let print = &prints[&file.path];
        Input { source, path: file.shown, bytes: print.bytes, sha256: print.sha256.clone() }
    };
    Ok(files.into_iter().map(input).collect())
}

/// What a file was when it was hashed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Print {
    bytes: u64,
    /// Seconds and nanoseconds: of the content, and of all that is known of the file.
    modified: [i64; 2],
    changed: [i64; 2],
    device: u64,
    inode: u64,
    sha256: String,
}

/// Hashes of files, made before.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Known {
    prints: BTreeMap<PathBuf, Print>,
    /// Whether nothing of it is believed.
    #[serde(skip)]
    pub checks_content: bool,
}

impl Known {
    /// Hashes of files: those made before where size, time, device and inode are as they were, and where the file was not
    /// written to in the two seconds before.
    fn prints<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) -> Result<HashMap<PathBuf, Print>> {
        let mut paths: Vec<&Path> = paths.collect();
        paths.sort_unstable();
        paths.dedup();
        let print = |path: &&Path| Ok((path.to_path_buf(), self.print(path)?));
        let prints: Vec<(PathBuf, Print, bool)> = paths
            .par_iter()
            .map(print)
            .map(|found| found.map(|(path, (print, sure))| (path, print, sure)))
            .collect::<Result<_>>()?;
        for (path, print, sure) in &prints {
            let key = absolute(path);
            if *sure {
                self.prints.insert(key, print.clone());
            } else {
                self.prints.remove(&key);
            }
        }
        Ok(prints.into_iter().map(|(path, print, _)| (path, print)).collect())
    }

    /// The print of a file, and whether it will do the next time.
    fn print(&self, path: &Path) -> Result<(Print, bool)> {
        let before = fs::metadata(path).map_err(Error::io(path))?;
        let known = self.prints.get(&absolute(path)).filter(|_| !self.checks_content);
        if let Some(known) = known.filter(|known| known.is_of(&before)) {
            return Ok((known.clone(), true));
        }
        let began = SystemTime::now();
        let (_, sha256) = sources::fingerprint(path)?;
        let after = fs::metadata(path).map_err(Error::io(path))?;
        let settled = after.modified().is_ok_and(|modified| modified + IN_DOUBT < began);
        let print = Print::of(&after, sha256);
        let sure = settled && print.is_of(&before);
        Ok((print, sure))
    }

    /// Remembers a file that this program has just written.
    pub fn wrote(&mut self, written: &Path, stands_as: &Path, sha256: &str) {
        if let Ok(metadata) = fs::metadata(written) {
            self.prints.insert(absolute(stands_as), Print::of(&metadata, sha256.to_owned()));
        }
    }

    /// Whether a file holds what it is said to; not where it is not there.
    pub fn holds(&mut self, path: &Path, bytes: u64, sha256: &str) -> bool {
        let of_size = fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.len() == bytes);
        let prints = of_size.then(|| self.prints(std::iter::once(path)).ok()).flatten();
        prints.is_some_and(|prints| prints.values().all(|print| print.sha256 == sha256))
    }
}

impl Print {
    fn of(metadata: &Metadata, sha256: String) -> Self {
        Self {
            bytes: metadata.len(),
            modified: [metadata.mtime(), metadata.mtime_nsec()],
            changed: [metadata.ctime(), metadata.ctime_nsec()],
            device: metadata.dev(),
            inode: metadata.ino(),
            sha256,
        }
    }

    fn is_of(&self, metadata: &Metadata) -> bool {
        *self == Self::of(metadata, self.sha256.clone())
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
