//! What stages have given, kept beside the run's folder until what it rests on changes. Whatever is not whole, or of another
//! build of the program, is as if it were not there.

use std::fs;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use super::inputs::Known;
use super::keys::BUILD;
use crate::error::{Error, Result};
use crate::stage::Stage;

/// The folder of what one run's folder has kept.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// What every file of it begins with.
const MAGIC: &str = "forerunner cache 1";
/// The file of hashes of other files.
const KNOWN: &str = "known";
/// The file that tells where the pipeline's paths start.
const HOME: &str = "home";

impl Cache {
    /// Beside a run's folder: `.NAME.cache`.
    pub fn of(out: &Path) -> Self {
        let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { folder: out.with_file_name(format!(".{name}.cache")) }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where batches of draws are kept while the run is under way.
    pub fn draws(&self) -> PathBuf {
        self.folder.join("draws")
    }

    /// What a stage gave when it had this key; `None` where that is not kept.
    pub fn get<T: DeserializeOwned>(&self, stage: Stage, key: &str) -> Option<T> {
        self.read(stage.as_str(), key)
    }

    /// Whether something is kept of a stage under this key, as far as the beginning of its file tells.
    pub fn has(&self, stage: Stage, key: &str) -> bool {
        let head = head(key);
        let mut found = vec![0; head.len()];
        let read = fs::File::open(self.path(stage.as_str())).and_then(|mut file| file.read_exact(&mut found));
        read.is_ok() && found == head.as_bytes()
    }

    /// Keeps what a stage has given; what it gave before goes. A cache that cannot be written is no reason to stop.
    pub fn put<T: Serialize>(&self, stage: Stage, key: &str, value: &T) {
        self.write(stage.as_str(), key, value);
    }

    /// Hashes of files, made before.
    pub fn known(&self) -> Known {
        self.read(KNOWN, "").unwrap_or_default()
    }

    /// Keeps hashes of files.
    pub fn keep_known(&self, known: &Known) {
        self.write(KNOWN, "", known);
    }

    /// The folder that the paths of the run's pipeline start from, as it was when it ran.
    pub fn home(&self) -> Option<PathBuf> {
        self.read(HOME, "")
    }

    /// Keeps the folder that the paths of the run's pipeline start from.
    pub fn keep_home(&self, folder: &Path) {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        self.write(HOME, "", &std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf()));
    }

    /// Takes all of it away; gives its size in bytes.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if it cannot be removed.
    pub fn clear(&self) -> Result<u64> {
        let size = size(&self.folder);
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&self.folder)(error)),
            _ => Ok(size),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn read<T: DeserializeOwned>(&self, name: &str, key: &str) -> Option<T> {
        let bytes = fs::read(self.path(name)).ok()?;
        decode(&bytes, key)
    }

    fn write<T: Serialize>(&self, name: &str, key: &str, value: &T) {
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            if fs::symlink_metadata(&self.folder)?.is_symlink() {
                return Err(std::io::Error::other("the folder is a link: nothing is written where it leads"));
            }
            // Made anew: a link of that name would lead elsewhere.
            let unfinished = self.path(&format!("{name}.partial"));
            let _ = fs::remove_file(&unfinished);
            let write = || encode(fs::File::create_new(&unfinished)?, key, value);
            let written = write().and_then(|()| fs::rename(&unfinished, self.path(name)));
            if written.is_err() {
                // Room for the run itself.
                let _ = fs::remove_file(&unfinished);
                let _ = fs::remove_file(self.path(name));
            }
            written
        };
        if let Err(error) = write() {
            tracing::debug!("{} is not kept: {error}", self.path(name).display());
        }
    }
}

fn head(key: &str) -> String {
    format!("{MAGIC}\n{BUILD}\n{key}\n")
}

/// Writes a value with what it belongs to before it, and a checksum of both after it.
fn encode<T: Serialize>(to: impl Write, key: &str, value: &T) -> std::io::Result<()> {
    let mut summed = BufWriter::with_capacity(1 << 20, Summed { to, sum: Box::new(Xxh3::new()) });
    summed.write_all(head(key).as_bytes())?;
    let mut serializer = rmp_serde::Serializer::new(&mut summed).with_struct_map();
    value.serialize(&mut serializer).map_err(std::io::Error::other)?;
    let Summed { mut to, sum } = summed.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    to.write_all(&sum.digest128().to_le_bytes())
}

/// What is written, and the checksum of it so far.
struct Summed<W> {
    to: W,
    sum: Box<Xxh3>,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// The value of bytes that were kept under this key; `None` for all others.
pub fn decode<T: DeserializeOwned>(bytes: &[u8], key: &str) -> Option<T> {
    let body = bytes.len().checked_sub(16)?;
    let (bytes, sum) = bytes.split_at(body);
    let value = bytes.strip_prefix(head(key).as_bytes())?;
    if xxh3_128(bytes).to_le_bytes() != sum {
        return None;
    }
    rmp_serde::from_slice(value).ok()
}

fn size(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}
