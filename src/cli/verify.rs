//! `verify`, `reproduce`, `lock`, `clean`: whether a run is what it says, and what is kept of it.

use std::path::{Path, PathBuf};

use forerunner::pipeline::cache::Cache;
use forerunner::pipeline::inputs::{Known, inputs};
use forerunner::pipeline::{Pipeline, lockfile, publish, verify};
use forerunner::{Error, Result};

use super::run::Progress;
use super::table::thousands;
use super::{PipelineArguments, json_text, print};

/// Checks the files of a run.
pub fn verify(run: &Path, with_inputs: bool, folder: Option<&Path>) -> Result<()> {
    let verified = verify::verify(run, with_inputs, folder)?;
    let inputs =
        if with_inputs { format!(", {} input files", thousands(verified.inputs as u64)) } else { String::new() };
    let megabytes = verified.bytes as f64 / 1e6;
    print(&format!("{}: whole: {} files of the run{inputs}, {megabytes:.1} MB\n", run.display(), verified.outputs))
}

/// Runs a run's pipeline again and compares.
pub fn reproduce(run: &Path, previous: Option<&Path>, folder: Option<&Path>) -> Result<()> {
    let progress = Progress::new();
    let reproduced = verify::reproduce(run, previous, folder, &|stage, done| progress.hear(stage, done));
    progress.end();
    print(&format!("{}: reproduced: {} files, byte for byte\n", run.display(), reproduced?))
}

/// Writes down what a pipeline reads.
pub fn lock(arguments: &PipelineArguments) -> Result<()> {
    let pipeline = Pipeline::load(&arguments.pipeline, &arguments.with.set)?;
    let inputs = inputs(&pipeline, &mut Known::default())?;
    let path = lockfile::lock(&pipeline, &inputs)?;
    if arguments.with.json {
        return print(&json_text(&inputs));
    }
    print(&format!("{}: {} files of {}\n", path.display(), inputs.len(), arguments.pipeline.display()))
}

/// Takes away what is kept beside a run: of one, or of all under `out`.
pub fn clean(run: Option<PathBuf>) -> Result<()> {
    let runs = match run {
        Some(run) => vec![run],
        None => runs_of(Path::new("out"))?,
    };
    for run in runs {
        // The folder may be gone, and what is kept of it not.
        let cache = Cache::of(&publish::followed(&run)?);
        if !cache.folder().exists() {
            print(&format!("{}: nothing is kept\n", run.display()))?;
            continue;
        }
        let held = publish::Staging::hold(&run)?;
        let freed = cache.clear()?;
        drop(held);
        print(&format!("{}: {:.1} MB freed\n", run.display(), freed as f64 / 1e6))?;
    }
    Ok(())
}

/// Runs of a folder, by what is kept beside them.
fn runs_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(Error::io(folder))?,
    };
    let name = |entry: std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        Some(folder.join(name.strip_prefix('.')?.strip_suffix(".cache")?))
    };
    let mut runs: Vec<PathBuf> = entries.flatten().filter_map(name).collect();
    runs.sort();
    Ok(runs)
}
