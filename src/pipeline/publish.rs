//! The run's folder: held by one run at a time, and replaced as a whole or not at all.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::error::{Error, Result};
use crate::report::manifest;

/// An output folder, held until dropped, and the folder beside it in which the run is written.
#[derive(Debug)]
pub struct Stage {
    out: PathBuf,
    partial: PathBuf,
    _lock: File,
}

impl Stage {
    /// Takes hold of an output folder. Clears what a killed run left behind.
    ///
    /// # Errors
    ///
    /// [`Error::Locked`] if another run holds it, [`Error::Usage`] if the folder is not empty and holds no run,
    /// [`Error::Io`] if it cannot be made.
    pub fn open(out: &Path) -> Result<Self> {
        let name = out.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.ok_or_else(|| usage(format!("{} is no folder of its own", out.display())))?;
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(Error::io(parent))?;
        let lock_path = parent.join(format!(".{name}.lock"));
        let lock = File::create(&lock_path).map_err(Error::io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::Locked { path: out.to_path_buf() }),
            Err(TryLockError::Error(source)) => return Err(Error::Io { path: lock_path, source }),
        }
        let taken = out.exists() && !(out.is_dir() && (out.join(manifest::FILE).exists() || is_empty(out)?));
        if taken {
            return Err(usage(format!(
                "{} is there and is no run of forerunner: it would be overwritten",
                out.display()
            )));
        }
        let partial = parent.join(format!(".{name}.partial"));
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(Error::io(&partial))?;
        }
        fs::create_dir(&partial).map_err(Error::io(&partial))?;
        Ok(Self { out: out.to_path_buf(), partial, _lock: lock })
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
        for entry in fs::read_dir(&self.partial).map_err(Error::io(&self.partial))? {
            let path = entry.map_err(Error::io(&self.partial))?.path();
            if path.is_file() {
                File::open(&path).and_then(|file| file.sync_all()).map_err(Error::io(&path))?;
            }
        }
        if !self.out.exists() {
            return fs::rename(&self.partial, &self.out).map_err(Error::io(&self.out));
        }
        match renameat_with(CWD, &self.partial, CWD, &self.out, RenameFlags::EXCHANGE) {
            Ok(()) => fs::remove_dir_all(&self.partial).map_err(Error::io(&self.partial)),
            Err(error) => Err(Error::Io { path: self.out.clone(), source: error.into() }),
        }
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

impl Drop for Stage {
    /// A run that ends otherwise than in success leaves nothing behind.
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.partial);
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if from.is_dir() {
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
            let stage = Stage::open(&out).unwrap();
            fs::write(stage.folder().join("a.csv"), text).unwrap();
            if extra {
                fs::write(stage.folder().join("b.csv"), text).unwrap();
            }
            let outputs = manifest::outputs(stage.folder()).unwrap();
            let manifest = serde_json::json!({ "outputs": outputs });
            fs::write(stage.folder().join(manifest::FILE), manifest.to_string()).unwrap();
            stage.publish().unwrap();
        };
        write("one", true);
        fs::write(out.join("project.qgz"), "mine").unwrap();
        write("two", false);
        assert_eq!(fs::read_to_string(out.join("a.csv")).unwrap(), "two");
        assert_eq!(fs::read_to_string(out.join("project.qgz")).unwrap(), "mine");
        assert!(!out.join("b.csv").exists());
        drop(Stage::open(&out).unwrap());
        assert_eq!(fs::read_to_string(out.join("a.csv")).unwrap(), "two");
    }

    #[test]
    fn a_held_folder_and_a_strangers_folder_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("run");
        let held = Stage::open(&out).unwrap();
        assert!(matches!(Stage::open(&out), Err(Error::Locked { .. })));
        drop(held);
        fs::create_dir(&out).unwrap();
        fs::write(out.join("thesis.docx"), "years of work").unwrap();
        assert!(matches!(Stage::open(&out), Err(Error::Usage { .. })));
    }
}
