//! What a pipeline rests on now, held against what its last run rested on.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use super::cache::Cache;
use super::inputs::{Input, Known, inputs};
use super::keys::{Keys, Rests, first_reader};
use super::{Pipeline, publish};
use crate::error::{Error, Result};
use crate::report::manifest::{self, Manifest};
use crate::report::stored::StoredRun;
use crate::stage::{self, Stage};

/// Stages whose results are kept. What the others give is worked out anew in less time than it takes to read.
pub const KEPT: [Stage; 4] = [Stage::Validate, Stage::Delineate, Stage::Measure, Stage::Uncertainty];

/// What a pipeline rests on, and what of its results is there.
pub struct Looked {
    /// What is kept beside the run's folder.
    pub cache: Cache,
    /// Hashes of files.
    pub known: Known,
    /// The files that it reads.
    pub inputs: Vec<Input>,
    /// The keys of the stages.
    pub keys: Keys,
    /// The run's folder, links followed.
    out: PathBuf,
}

impl Looked {
    /// Looks at all files of a pipeline. `previous`: the hash of the earlier run whose ids are carried on.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Io`] for a file that is not there, [`crate::Error::Data`] for an archive that does not open.
    pub fn at(pipeline: &Pipeline, out: &Path, previous: Option<&str>, checks_content: bool) -> Result<Self> {
        let out = publish::followed(out)?;
        let cache = Cache::of(&out);
        let mut known = cache.known();
        known.checks_content = checks_content;
        let own = inputs(pipeline, &mut known)?;
        let of_scenarios = of_scenarios(pipeline, &mut known)?;
        let pipeline_sha256 = &pipeline.sha256;
        let keys = Keys::of(pipeline, Rests { inputs: &own, of_scenarios: &of_scenarios, pipeline_sha256, previous });
        Ok(Self { cache, known, inputs: own, keys, out })
    }

    /// Whether the published run is what a new one would write, file by file.
    pub fn stands(&mut self) -> Option<Manifest> {
        let manifest = Manifest::read(&self.out).ok().filter(|manifest| manifest.stages == self.keys.named())?;
        let text = std::fs::read(self.out.join(manifest::FILE)).ok()?;
        let (out, known) = (&self.out, &mut self.known);
        let whole =
            manifest.outputs.iter().all(|output| known.holds(&out.join(&output.path), output.bytes, &output.sha256));
        (whole && Manifest::is_whole(&text)).then_some(manifest)
    }
}

/// The files that other settings of the uncertainty stage read.
fn of_scenarios(pipeline: &Pipeline, known: &mut Known) -> Result<Vec<Input>> {
    let mut all = Vec::new();
    let alternatives = pipeline.file.uncertainty.iter().flat_map(|settings| settings.alternatives.values());
    for choice in alternatives.flatten() {
        let keys = choice.set.iter().filter_map(|assignment| assignment.split_once('='));
        let reads = keys.map(|(key, _)| first_reader(key.trim())).min() == Some(Stage::Validate);
        // Settings that are wrong are told where they are used.
        if let Some(other) = reads.then(|| pipeline.varied(&choice.set).ok()).flatten() {
            all.extend(inputs(&other, known)?);
        }
    }
    Ok(all)
}

/// What `plan` says of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StagePlan {
    /// The stage.
    pub stage: Stage,
    /// Whether its results would be those of the last run.
    pub fresh: bool,
    /// Whether the next run works it out (again), and does not read what is kept, or leave it.
    pub runs: bool,
    /// What made it stale, or why it runs all the same.
    pub because: Vec<String>,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// Whether there is nothing to do.
    pub up_to_date: bool,
    /// The stages, in their order.
    pub stages: Vec<StagePlan>,
}

/// What a run into a folder would do, and why. `rows` counts the rows of every source as they are now, where a file has changed.
///
/// # Errors
///
/// As [`Looked::at`]; what reading an earlier run gives.
pub fn plan(
    pipeline: &Pipeline,
    (out, previous): (&Path, Option<&Path>),
    checks_content: bool,
    rows: impl FnOnce() -> Result<Vec<(String, u64)>>,
) -> Result<Plan> {
    let earlier = previous.map(|folder| Ok::<_, Error>(StoredRun::open(folder)?.outputs_sha256())).transpose()?;
    let mut looked = Looked::at(pipeline, out, earlier.as_deref(), checks_content)?;
    let up_to_date = looked.stands().is_some();
    let Ok(last) = Manifest::read(&looked.out) else {
        let is_there = looked.out.join(manifest::FILE).exists();
        let told = if is_there { "the manifest of the run does not read" } else { "there is no run yet" };
        let because = |stage| if stage == Stage::Validate { vec![told.to_owned()] } else { Vec::new() };
        return Ok(planned(&looked, |_| false, because));
    };
    looked.cache.keep_known(&looked.known);
    let key = |stage: Stage| last.stages.iter().find(|(name, _)| name == stage.as_str()).map(|(_, key)| key.as_str());
    let fresh = |stage: Stage| key(stage) == Some(looked.keys.get(stage));
    let mut reasons = Reasons::of(pipeline, &last, &looked, earlier.as_deref());
    if reasons.inputs_differ() {
        reasons.count(&last, &rows()?);
    }
    let mut plan = planned(&looked, fresh, |stage| reasons.of_stage(stage));
    plan.up_to_date = up_to_date;
    if plan.stages.iter().all(|stage| stage.fresh) && !up_to_date {
        plan.stages.iter_mut().filter(|stage| stage.stage == Stage::Report).for_each(|stage| {
            stage.runs = true;
            stage.because.push("a file of the run is missing or was changed".into());
        });
    }
    if up_to_date {
        plan.stages.iter_mut().for_each(|stage| stage.runs = false);
    }
    Ok(plan)
}

fn planned(looked: &Looked, fresh: impl Fn(Stage) -> bool, because: impl Fn(Stage) -> Vec<String>) -> Plan {
    let mut first_stale: Option<Stage> = None;
    let mut stages = Vec::new();
    for stage in Stage::ALL {
        let fresh = fresh(stage);
        let kept = looked.cache.has(stage, looked.keys.get(stage));
        let mut reasons = if fresh { Vec::new() } else { because(stage) };
        if let Some(first) = first_stale.filter(|_| !fresh && reasons.is_empty()) {
            reasons.push(format!("after {}", first.as_str()));
        }
        if !fresh && first_stale.is_none() {
            first_stale = Some(stage);
        }
        stages.push(StagePlan { stage, fresh, runs: !kept, because: reasons });
    }
    Plan { up_to_date: false, stages }
}

/// What differs from the last run.
struct Reasons {
    version: Vec<String>,
    settings: Vec<(Stage, String)>,
    inputs: Vec<(String, String)>,
    previous: Vec<String>,
    inherited: bool,
    rewritten: bool,
}

impl Reasons {
    fn of(pipeline: &Pipeline, last: &Manifest, looked: &Looked, previous: Option<&str>) -> Self {
        let mut version = Vec::new();
        let program = manifest::program();
        if last.method_version != crate::METHOD_VERSION {
            version.push(format!("the method is version {}, and was {}", crate::METHOD_VERSION, last.method_version));
        } else if last.program != program {
            version.push(format!("the program is {program}, and was {}", last.program));
        }
        let now = serde_json::to_value(&pipeline.file).unwrap_or_default();
        let before = Pipeline::of_manifest(last, &pipeline.folder, &pipeline.path);
        let before = before.ok().and_then(|before| serde_json::to_value(&before.file).ok());
        Self {
            version,
            settings: differing(before.as_ref().unwrap_or(&last.pipeline), &now),
            inputs: changed(last, &looked.inputs),
            previous: (last.previous_sha256.as_deref() != previous)
                .then(|| "another earlier run, or none, is carried on".to_owned())
                .into_iter()
                .collect(),
            inherited: last.inherited != pipeline.inherited,
            rewritten: last.pipeline_sha256 != pipeline.sha256 && before.as_ref() == Some(&now),
        }
    }

    fn inputs_differ(&self) -> bool {
        !self.inputs.is_empty()
    }

    /// Adds to each changed file by how many rows its source has grown or shrunk.
    fn count(&mut self, last: &Manifest, rows: &[(String, u64)]) {
        for (source, reason) in &mut self.inputs {
            let before = last.sources.iter().find(|account| account.source == *source).map(|account| account.read.rows);
            let now = rows.iter().find(|(name, _)| name == source).map(|(_, rows)| *rows);
            if let (Some(before), Some(now)) = (before, now) {
                *reason += &match now as i64 - before as i64 {
                    0 => format!(": {now} rows, as many as before"),
                    more => format!(": {now} rows, {more:+}"),
                };
            }
        }
    }

    fn of_stage(&self, stage: Stage) -> Vec<String> {
        let mut all = Vec::new();
        match stage {
            Stage::Validate => {
                all.extend(self.version.iter().cloned());
                all.extend(self.inputs.iter().map(|(source, reason)| format!("{source}: {reason}")));
            }
            Stage::Delineate => all.extend(self.previous.iter().cloned()),
            Stage::Report if self.rewritten => all.push("the pipeline file says the same in other words".to_owned()),
            Stage::Measure if self.inherited => all.push("other indicators come through `extends`".to_owned()),
            _ => {}
        }
        all.extend(self.settings.iter().filter(|(own, _)| *own == stage).map(|(_, reason)| reason.clone()));
        if all.is_empty() && stage == Stage::Validate {
            all.push("it was run by another build of the program, or while a file changed".to_owned());
        }
        all
    }
}

/// Settings that differ, each with the first stage that reads it.
fn differing(before: &Value, now: &Value) -> Vec<(Stage, String)> {
    let (before, now) = (stage::leaves(before), stage::leaves(now));
    let of = |leaves: &[(String, &Value)], key: &str| {
        leaves.iter().find(|(own, _)| own == key).map_or(Value::Null, |(_, value)| (*value).clone())
    };
    let gone = before.iter().filter(|(key, _)| now.iter().all(|(other, _)| other != key));
    let keys = now.iter().chain(gone).map(|(key, _)| key);
    let reason = |key: &String| {
        let (before, now) = (of(&before, key), of(&now, key));
        (before != now).then(|| (first_reader(key), format!("{key}: {} -> {}", short(&before), short(&now))))
    };
    keys.filter_map(reason).collect()
}

fn short(value: &Value) -> String {
    let text = if value.is_null() { "nothing".to_owned() } else { value.to_string() };
    if text.chars().count() <= 60 { text } else { text.chars().take(59).chain(['…']).collect() }
}

/// Files that are not what they were, each with its source.
fn changed(last: &Manifest, now: &[Input]) -> Vec<(String, String)> {
    let before: Vec<(&str, &str, &str)> = last
        .sources
        .iter()
        .flat_map(|account| {
            account.files.iter().map(|file| (account.source.as_str(), file.path.as_str(), file.sha256.as_str()))
        })
        .collect();
    let mut changes = Vec::new();
    for input in now {
        let mut same_path = before.iter().filter(|(_, path, _)| *path == input.path);
        let Some((_, _, sha256)) = same_path.next() else {
            changes.push((input.source.clone(), format!("{} is new", input.path)));
            continue;
        };
        if *sha256 != input.sha256 {
            changes.push((input.source.clone(), format!("{} has changed", input.path)));
        }
    }
    let gone = before.iter().filter(|(_, path, _)| now.iter().all(|input| input.path != *path));
    changes.extend(gone.map(|(source, path, _)| ((*source).to_owned(), format!("{path} is read no more"))));
    changes.dedup();
    changes
}
