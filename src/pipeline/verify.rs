//! Whether a run's folder holds what its run wrote, and whether it comes out again.

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::cache::Cache;
use super::inputs::{Known, inputs};
use super::{Pipeline, Watch, replay};
use crate::error::{Error, Problem, Result};
use crate::report::manifest::{self, Manifest, Output};
use crate::report::stored::StoredRun;

/// What [`verify`] has gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Files of the run, the manifest among them.
    pub outputs: usize,
    /// Input files.
    pub inputs: usize,
    /// Bytes of both.
    pub bytes: u64,
}

/// Recomputes the hashes of a run's files, and with `inputs` those of the files that it read; these lie where the pipeline's
/// paths start: in `folder`, else where they started when the run was made.
///
/// # Errors
///
/// [`Error::Differs`] with every file that is not as the run has written or read it; [`Error::Run`] for a manifest that does
/// not read.
pub fn verify(folder: &Path, inputs: bool, home: Option<&Path>) -> Result<Verified> {
    let path = folder.join(manifest::FILE);
    let text = std::fs::read(&path).map_err(Error::io(&path))?;
    if !Manifest::is_whole(&text) {
        let message = "the manifest is not as the run wrote it: its own hash does not fit";
        let hint = "run the pipeline again; nothing that this folder says of itself can be relied on";
        return Err(Error::Differs { problems: vec![Problem::new(path.display().to_string(), message, hint)] });
    }
    let manifest = Manifest::read(folder)?;
    let check = |output: &Output| output_problem(folder, output);
    let mut problems: Vec<Problem> = manifest.outputs.par_iter().filter_map(check).collect();
    let mut verified = Verified { outputs: manifest.outputs.len() + 1, inputs: 0, bytes: text.len() as u64 };
    verified.bytes += manifest.outputs.iter().map(|output| output.bytes).sum::<u64>();
    if inputs {
        let (count, bytes) = check_inputs(folder, &manifest, home, &mut problems)?;
        verified.inputs = count;
        verified.bytes += bytes;
    }
    if problems.is_empty() { Ok(verified) } else { Err(Error::Differs { problems }) }
}

fn output_problem(folder: &Path, output: &Output) -> Option<Problem> {
    let path = folder.join(&output.path);
    let problem = |message: String| Some(Problem::new(path.display().to_string(), message, ""));
    match manifest::output(&path) {
        Err(error) => problem(format!("does not read: {error}")),
        Ok(now) if now.bytes != output.bytes => problem(format!("has {} bytes, and had {}", now.bytes, output.bytes)),
        Ok(now) if now.sha256 != output.sha256 => problem("is not as the run wrote it".into()),
        Ok(_) => None,
    }
}

/// Holds the files that a run read against what they are now; gives their number and size.
fn check_inputs(
    folder: &Path,
    manifest: &Manifest,
    home: Option<&Path>,
    problems: &mut Vec<Problem>,
) -> Result<(usize, u64)> {
    let pipeline = again(folder, manifest, home)?;
    let now = inputs(&pipeline, &mut Known::default())?;
    let mut before: Vec<(&str, &str, u64)> = manifest
        .sources
        .iter()
        .flat_map(|account| &account.files)
        .map(|file| (file.path.as_str(), file.sha256.as_str(), file.bytes))
        .collect();
    before.sort_unstable();
    before.dedup();
    for (path, sha256, _) in &before {
        let message = match now.iter().find(|input| input.path == *path) {
            None => "is read no more",
            Some(input) if input.sha256 != *sha256 => "is not as the run read it",
            Some(_) => continue,
        };
        problems.push(Problem::new(pipeline.folder.join(path).display().to_string(), message, ""));
    }
    let new = now.iter().filter(|input| before.iter().all(|(path, ..)| *path != input.path));
    problems.extend(new.map(|input| {
        Problem::new(pipeline.folder.join(&input.path).display().to_string(), "was not read by the run", "")
    }));
    Ok((before.len(), before.iter().map(|(.., bytes)| bytes).sum()))
}

/// The pipeline of a run, its paths starting from a folder.
pub(super) fn again(folder: &Path, manifest: &Manifest, home: Option<&Path>) -> Result<Pipeline> {
    let kept = || Cache::of(&super::publish::followed(folder).ok()?).home();
    let beside = || manifest.pipeline_file.as_ref().and_then(|file| Some(Path::new(file).parent()?.to_path_buf()));
    let home: Option<PathBuf> = home.map(Path::to_path_buf).or_else(kept).or_else(beside);
    let Some(home) = home.filter(|home| home.as_os_str().is_empty() || home.is_dir()) else {
        let message = format!("{} does not say where the files lie that it read", folder.display());
        return Err(Error::usage(message, "name the folder that the paths of its pipeline start from: --folder DIR"));
    };
    Pipeline::of_manifest(manifest, &home, &folder.join(manifest::FILE))
}

/// Runs the pipeline that a run's manifest holds, on the files as they are now, and compares every file byte for byte. Gives the
/// number of files.
///
/// # Errors
///
/// [`Error::Differs`] with every file that comes out otherwise; what the run gives.
pub fn reproduce(folder: &Path, previous: Option<&Path>, home: Option<&Path>, watch: &Watch<'_>) -> Result<usize> {
    let manifest = Manifest::read(folder)?;
    let pipeline = again(folder, &manifest, home)?;
    let carried = previous.map(|folder| Ok::<_, Error>(StoredRun::open(folder)?.outputs_sha256())).transpose()?;
    if manifest.previous_sha256 != carried {
        let message = match (&manifest.previous_sha256, previous) {
            (Some(_), None) => "the run carried on the ids of an earlier run".to_owned(),
            (_, Some(previous)) => format!("{} is not the run whose ids this one carried on", previous.display()),
            (None, None) => String::new(),
        };
        return Err(Error::usage(message, "name that run with --previous RUN"));
    }
    let temporary = tempfile::tempdir().map_err(Error::io(&std::env::temp_dir()))?;
    let again = replay(&pipeline, &temporary.path().join("run"), previous, &manifest.expectations, watch)?.manifest;
    let mut problems = differing(&manifest.outputs, &again.outputs);
    if !problems.is_empty() && (again.program != manifest.program || again.method_version != manifest.method_version) {
        let message = format!(
            "it was made by {}, method {}; this is {}, method {}",
            manifest.program, manifest.method_version, again.program, again.method_version
        );
        problems.insert(0, Problem::new(folder.display().to_string(), message, ""));
    }
    let inputs = again.sources != manifest.sources;
    if inputs && !problems.is_empty() {
        let hint = "see which: forerunner verify --inputs RUN";
        problems.insert(
            0,
            Problem::new(folder.display().to_string(), "the files that it read are not what they were", hint),
        );
    }
    if problems.is_empty() { Ok(again.outputs.len()) } else { Err(Error::Differs { problems }) }
}

fn differing(before: &[Output], again: &[Output]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for output in before {
        let message = match again.iter().find(|other| other.path == output.path) {
            None => "does not come out again",
            Some(other) if other != output => "comes out otherwise",
            Some(_) => continue,
        };
        problems.push(Problem::new(output.path.as_str(), message, ""));
    }
    let new = again.iter().filter(|output| before.iter().all(|other| other.path != output.path));
    problems.extend(new.map(|output| Problem::new(output.path.as_str(), "comes out, and was not there", "")));
    problems
}
