//! The run's folder: held by one run at a time, and replaced as a whole or not at all.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use super::earlier;
use crate::error::{Error, Result};
use crate::report::manifest;

/// Between two tries to take hold of a folder that another run holds.
const PATIENCE: Duration = Duration::from_millis(200);

/// An output folder, held until dropped, and the folder beside it in which the run is written.
#[derive(Debug)]
pub struct Staging {
    out: PathBuf,
    partial: PathBuf,
    /// Folders above that were made for it, the deepest first.
    made: Vec<PathBuf>,
    /// Earlier runs that are kept beside the published one; `None`: none is kept, and none taken away.
    pub keep: Option<usize>,
    lock: Lock,
}

impl Staging {
    /// Takes hold of an output folder; of a symbolic link to one, of the folder that it leads to. Clears what a killed run
    /// left behind. Waits so long for another run that holds it.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run holds it, [`Error::Usage`] if the folder is not empty and holds no run,
    /// [`Error::Io`] if it cannot be made.
    pub fn open(out: &Path, wait: Duration) -> Result<Self> {
        let out = followed(out)?;
        let name = out.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| usage(format!("{} is no folder of its own", out.display())))?;
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let missing = parent.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists());
        let made: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
        // Made before anything can fail, so that whatever happens its traces go.
        let mut staging = Self {
            partial: parent.join(format!(".{name}.partial")),
            made,
            keep: None,
            lock: Lock::take(parent.join(format!(".{name}.lock")), &out, wait)?,
            out,
        };
        let out = &staging.out;
        let taken = out.exists() && !(out.is_dir() && (out.join(manifest::FILE).exists() || is_empty(out)?));
        if taken {
            let message = format!("{} is there and is no run of forerunner: it would be overwritten", out.display());
            // What stands beside it under our name is not ours to clear.
            staging.partial = PathBuf::new();
            return Err(usage(message));
        }
        if fs::symlink_metadata(&staging.partial).is_ok() {
            fs::remove_dir_all(&staging.partial).map_err(Error::io(&staging.partial))?;
        }
        fs::create_dir(&staging.partial).map_err(Error::io(&staging.partial))?;
        Ok(staging)
    }

    /// Takes hold of what belongs to an output folder, and of the folder, without writing there.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run holds it, [`Error::Io`] if the lock cannot be made.
    pub fn hold(out: &Path) -> Result<impl Drop + use<>> {
        let out = followed(out)?;
        let name = out.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let lock = Lock::take(out.with_file_name(format!(".{name}.lock")), &out, Duration::ZERO)?;
        Ok(Held(lock))
    }

    /// The folder that the run is published as, links followed.
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// The folder to write into.
    pub fn folder(&self) -> &Path {
        &self.partial
    }

    /// Puts the written folder in the place of the earlier one, in one step. Files that the earlier run did not
    /// write (a GIS project, notes) move along.
    pub fn publish(self) -> Result<()> {
        if self.out.is_dir() {
            self.carry_over()?;
        }
        // Or a crash of the machine might leave the name of the run without its files.
        sync(&self.partial)?;
        if !self.out.exists() {
            fs::rename(&self.partial, &self.out).map_err(Error::io(&self.out))?;
            self.sync_name();
            return Ok(());
        }
        renameat_with(CWD, &self.partial, CWD, &self.out, RenameFlags::EXCHANGE)
            .map_err(|error| Error::Io { path: self.out.clone(), source: error.into() })?;
        // The run is published: what is left of the old one may stay until the next start.
        self.sync_name();
        if let Some(keep) = self.keep {
            earlier::keep(&self.partial, &self.out, keep);
        }
        let _ = fs::remove_dir_all(&self.partial);
        Ok(())
    }

    /// Makes sure of the names in the folder above. The run is published: nothing may make it a failed one any more.
    fn sync_name(&self) {
        let above = self.out.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let _ = File::open(above).and_then(|folder| folder.sync_all());
    }

    fn carry_over(&self) -> Result<()> {
        let path = self.out.join(manifest::FILE);
        let written: Vec<String> = fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok())
            .and_then(|manifest| manifest["outputs"].as_array().cloned())
            .into_iter()
            .flatten()
            .filter_map(|output| output["path"].as_str().map(str::to_owned))
            .collect();
        for entry in fs::read_dir(&self.out).map_err(Error::io(&self.out))? {
            let entry = entry.map_err(Error::io(&self.out))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // What SQLite keeps beside a GeoPackage that is open elsewhere belongs to the earlier file, and would spoil this one.
            let beside = ["-wal", "-shm", "-journal"].iter().find_map(|ending| name.strip_suffix(ending));
            let is_ours = |name: &str| written.iter().any(|file| file == name) || self.partial.join(name).exists();
            if name != manifest::FILE && !written.contains(&name) && !beside.is_some_and(is_ours) {
                copy(&entry.path(), &self.partial.join(&name))?;
            }
        }
        Ok(())
    }
}

impl Drop for Staging {
    /// A run that ends otherwise than in success leaves nothing behind.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.partial);
        self.lock.release();
        // Only where they are empty: after a success they are not.
        self.made.iter().for_each(|folder| _ = fs::remove_dir(folder));
    }
}

/// A file that one process holds at a time, and takes away when it is done.
#[derive(Debug)]
struct Lock {
    path: PathBuf,
    _file: File,
}

impl Lock {
    /// Takes hold of the file, which is made where there is none.
    fn take(path: PathBuf, out: &Path, wait: Duration) -> Result<Self> {
        let began = Instant::now();
        let mut is_told = false;
        loop {
            let file = opened(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if began.elapsed() < wait => {
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::info!("another run holds {}: waiting up to {} s", out.display(), wait.as_secs());
                    }
                    std::thread::sleep(PATIENCE.min(wait));
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Err(Error::Locked { path: out.to_path_buf() }),
                Err(TryLockError::Error(source)) => return Err(Error::Io { path, source }),
            }
            // Another run may have taken the file away between our opening it and holding it: then it holds nothing.
            let held = file.metadata().map_err(Error::io(&path))?;
            match fs::metadata(&path) {
                Ok(there) if (there.dev(), there.ino()) == (held.dev(), held.ino()) => {
                    return Ok(Self { path, _file: file });
                }
                _ => {}
            }
        }
    }

    /// Takes the file away while it is still held.
    fn release(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A lock that goes when it is dropped.
struct Held(Lock);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Where a symbolic link leads; anything else as it is.
pub fn followed(out: &Path) -> Result<PathBuf> {
    let is_link = fs::symlink_metadata(out).is_ok_and(|there| there.is_symlink());
    if !is_link {
        return Ok(out.to_path_buf());
    }
    fs::canonicalize(out).map_err(|_| usage(format!("{} is a link that leads nowhere", out.display())))
}

/// Waits until a folder and all that is in it are on the disk.
fn sync(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        let kind = fs::symlink_metadata(&path).map_err(Error::io(&path))?;
        if kind.is_dir() {
            sync(&path)?;
        } else if kind.is_file() {
            File::open(&path).and_then(|file| file.sync_all()).map_err(Error::io(&path))?;
        }
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::io(folder))
}

/// A file to hold, made where there is none; what a link leads to is never touched.
fn opened(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options.open(path).map_err(Error::io(path))
}

/// Copies a file or folder of the user's; a link stays a link.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let kind = fs::symlink_metadata(from).map_err(Error::io(from))?;
    if kind.is_symlink() {
        let target = fs::read_link(from).map_err(Error::io(from))?;
        return if fs::symlink_metadata(to).is_ok() { Ok(()) } else { symlink(target, to).map_err(Error::io(to)) };
    }
    if kind.is_dir() {
        fs::create_dir_all(to).map_err(Error::io(to))?;
        for entry in fs::read_dir(from).map_err(Error::io(from))? {
            let entry = entry.map_err(Error::io(from))?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
        return Ok(());
    }
    if to.exists() { Ok(()) } else { fs::copy(from, to).map(|_| ()).map_err(Error::io(to)) }
}

fn is_empty(folder: &Path) -> Result<bool> {
    Ok(fs::read_dir(folder).map_err(Error::io(folder))?.next().is_none())
}

fn usage(message: String) -> Error {
    Error::Usage { message, hint: Some("choose another folder with --out".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_replaces_the_earlier_one_whole_and_keeps_the_users_files() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("run");
        let write = |text: &str, extra: bool| {
            let staging = Staging::open(&out, Duration::ZERO).unwrap();
            fs::write(staging.folder().join("a.csv"), text).unwrap();
            if extra {
                fs::write(staging.folder().join("b.csv"), text).unwrap();
            }
            let outputs = manifest::outputs(staging.folder()).unwrap();
            let manifest = serde_json::json!({ "outputs": outputs });
            fs::write(staging.folder().join(manifest::FILE), manifest.to_string()).unwrap();
            staging.publish().unwrap();
        };
        write("one", true);
        fs::write(out.join("project.qgz"), "mine").unwrap();
        write("two", false);
        assert_eq!(fs::read_to_string(out.join("a.csv")).unwrap(), "two");
        assert_eq!(fs::read_to_string(out.join("project.qgz")).unwrap(), "mine");
        assert!(!out.join("b.csv").exists());
        drop(Staging::open(&out, Duration::ZERO).unwrap());
        assert_eq!(fs::read_to_string(out.join("a.csv")).unwrap(), "two");
    }

    #[test]
    fn a_held_folder_and_a_strangers_folder_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("run");
        let held = Staging::open(&out, Duration::ZERO).unwrap();
        assert!(matches!(Staging::open(&out, Duration::ZERO), Err(Error::Locked { .. })));
        drop(held);
        fs::create_dir(&out).unwrap();
        fs::write(out.join("thesis.docx"), "years of work").unwrap();
        assert!(matches!(Staging::open(&out, Duration::ZERO), Err(Error::Usage { .. })));
        assert_eq!(listed(root.path()), ["run"], "a refused run leaves no trace");
    }

    fn listed(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    #[test]
    fn folders_made_for_a_run_that_fails_go_with_it() {
        let root = tempfile::tempdir().unwrap();
        drop(Staging::open(&root.path().join("a/b/run"), Duration::ZERO).unwrap());
        assert!(listed(root.path()).is_empty());
        fs::create_dir(root.path().join("a")).unwrap();
        drop(Staging::open(&root.path().join("a/b/run"), Duration::ZERO).unwrap());
        assert_eq!(listed(root.path()), ["a"]);
    }

    #[test]
    fn a_link_is_followed() {
        let root = tempfile::tempdir().unwrap();
        let (run, link) = (root.path().join("real/run"), root.path().join("link"));
        fs::create_dir_all(&run).unwrap();
        std::os::unix::fs::symlink(&run, &link).unwrap();
        let staging = Staging::open(&link, Duration::ZERO).unwrap();
        fs::write(staging.folder().join(manifest::FILE), "{}").unwrap();
        staging.publish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(
            (listed(&run), listed(&root.path().join("real"))),
            (vec![manifest::FILE.to_owned()], vec!["run".to_owned()])
        );
        std::os::unix::fs::symlink(root.path().join("gone"), root.path().join("lost")).unwrap();
        assert!(matches!(Staging::open(&root.path().join("lost"), Duration::ZERO), Err(Error::Usage { .. })));
    }
}
