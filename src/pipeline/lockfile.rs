//! `forerunner.lock`: what the pipelines of a folder read when a person last agreed to it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Pipeline;
use super::inputs::Input;
use crate::error::{Error, Problem, Result};

/// The file's name, beside the pipeline files.
pub const FILE: &str = "forerunner.lock";
const HEADER: &str = "# The files that each pipeline reads, as `forerunner lock` found them: `forerunner run --locked` refuses others.\n";

/// By pipeline file, then input file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    #[serde(default)]
    pipelines: BTreeMap<String, BTreeMap<String, Locked>>,
}

/// What a file held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Locked {
    bytes: u64,
    sha256: String,
}

/// Writes down what a pipeline reads; what other pipelines of the folder read stays. Gives the file's path.
///
/// # Errors
///
/// [`Error::Io`] if the file cannot be written, [`Error::Pipeline`] if what is there is no such file.
pub fn lock(pipeline: &Pipeline, inputs: &[Input]) -> Result<PathBuf> {
    let path = path(pipeline);
    let mut file = if path.exists() { read(pipeline)? } else { LockFile::default() };
    file.pipelines.insert(name(pipeline), locked(inputs));
    let text = toml::to_string(&file).map_err(|error| wrong(pipeline, error.to_string()))?;
    let folder = if pipeline.folder.as_os_str().is_empty() { Path::new(".") } else { &pipeline.folder };
    let mut unfinished =
        tempfile::Builder::new().prefix(".forerunner").tempfile_in(folder).map_err(Error::io(&path))?;
    unfinished.write_all(format!("{HEADER}{text}").as_bytes()).map_err(Error::io(&path))?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    unfinished.as_file().set_permissions(readable).map_err(Error::io(&path))?;
    unfinished.persist(&path).map_err(|error| Error::io(&path)(error.error))?;
    Ok(path)
}

/// Refuses files that are not those that were locked.
///
/// # Errors
///
/// [`Error::Data`] with every such file, [`Error::Usage`] where nothing is locked.
pub fn check(pipeline: &Pipeline, inputs: &[Input]) -> Result<()> {
    let hint = format!("forerunner lock {}", pipeline.path.display());
    let path = path(pipeline);
    let known = if path.exists() { read(pipeline)?.pipelines.remove(&name(pipeline)) } else { None };
    let Some(known) = known else {
        return Err(Error::usage(format!("{} holds nothing of this pipeline", path.display()), hint));
    };
    let now = locked(inputs);
    let mut problems = Vec::new();
    let mut refuse =
        |path: &String, message: String| problems.push(Problem::new(path.as_str(), message, hint.as_str()));
    for (path, own) in &now {
        match known.get(path) {
            None => refuse(path, "is not among the files that were locked".into()),
            Some(other) if other != own => {
                let sizes =
                    (other.bytes != own.bytes).then(|| format!(": {} bytes, and {} then", own.bytes, other.bytes));
                refuse(path, format!("has changed since it was locked{}", sizes.unwrap_or_default()));
            }
            Some(_) => {}
        }
    }
    known
        .keys()
        .filter(|path| !now.contains_key(*path))
        .for_each(|path| refuse(path, "was locked, and is read no more".into()));
    if problems.is_empty() { Ok(()) } else { Err(Error::Data { problems }) }
}

fn locked(inputs: &[Input]) -> BTreeMap<String, Locked> {
    let locked = |input: &Input| (input.path.clone(), Locked { bytes: input.bytes, sha256: input.sha256.clone() });
    inputs.iter().map(locked).collect()
}

fn read(pipeline: &Pipeline) -> Result<LockFile> {
    let path = path(pipeline);
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
    toml::from_str(&text).map_err(|error| wrong(pipeline, error.message().to_owned()))
}

fn wrong(pipeline: &Pipeline, message: String) -> Error {
    let hint = format!("remove it, and write it anew: forerunner lock {}", pipeline.path.display());
    Error::pipeline(Problem::new(path(pipeline).display().to_string(), message, hint))
}

fn path(pipeline: &Pipeline) -> PathBuf {
    pipeline.folder.join(FILE)
}

fn name(pipeline: &Pipeline) -> String {
    pipeline.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
