//! The key of each stage: a hash of all that its results depend on. Where it is the same, so are they.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Pipeline;
use super::inputs::Input;
use crate::indicator::Inherited;
use crate::sources::hex;
use crate::stage::{self, Stage};

/// The build of the program: what another has kept is not read.
pub const BUILD: &str = env!("FORERUNNER_SOURCES");

/// The key of every stage, in their order. Each rests on those before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys(Vec<(Stage, String)>);

/// What a run rests on beside its pipeline file.
#[derive(Debug, Clone, Copy)]
pub struct Rests<'a> {
    /// The files that it reads.
    pub inputs: &'a [Input],
    /// Files that the scenarios of the uncertainty stage read beside them.
    pub of_scenarios: &'a [Input],
    /// Hash of the pipeline file as written, which the report shows.
    pub pipeline_sha256: &'a str,
    /// Hash of the list of outputs of the earlier run whose ids and names are carried on.
    pub previous: Option<&'a str>,
}

impl Keys {
    /// The keys of a pipeline on these files.
    pub fn of(pipeline: &Pipeline, rests: Rests<'_>) -> Self {
        let file = serde_json::to_value(&pipeline.file).unwrap_or_default();
        Self::of_settings(&file, &pipeline.inherited, rests)
    }

    /// The keys of a pipeline file with all its defaults, as JSON, on these files.
    pub fn of_settings(file: &Value, inherited: &Inherited, rests: Rests<'_>) -> Self {
        let leaves = stage::leaves(file);
        let mut key = String::new();
        let keys = Stage::ALL.into_iter().map(|stage| {
            let mut hash = Sha256::new();
            for part in [crate::METHOD_VERSION, BUILD, key.as_str(), stage.as_str()] {
                add(&mut hash, part);
            }
            for (name, value) in leaves.iter().filter(|(name, _)| first_reader(name) == stage) {
                add(&mut hash, name);
                add(&mut hash, &value.to_string());
            }
            for part in beside(stage, inherited, rests) {
                add(&mut hash, &part);
            }
            key = hex(&hash.finalize()[..16]);
            (stage, key.clone())
        });
        Self(keys.collect())
    }

    /// The key of a stage.
    pub fn get(&self, stage: Stage) -> &str {
        self.0.iter().find(|(own, _)| *own == stage).map_or("", |(_, key)| key)
    }

    /// The keys by the names of the stages.
    pub fn named(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(stage, key)| (stage.as_str().to_owned(), key.clone())).collect()
    }
}

/// The first stage that reads a setting; one that nobody knows is read by all.
pub fn first_reader(key: &str) -> Stage {
    stage::use_of(key).map_or(Stage::Validate, |key| key.first)
}

/// What a stage reads that is no setting.
fn beside(stage: Stage, inherited: &Inherited, rests: Rests<'_>) -> Vec<String> {
    let texts = |inputs: &[Input]| -> Vec<String> {
        inputs.iter().flat_map(|input| [&input.source, &input.path, &input.sha256].map(String::clone)).collect()
    };
    match stage {
        Stage::Validate => texts(rests.inputs),
        Stage::Delineate => rests.previous.iter().map(ToString::to_string).collect(),
        Stage::Measure => vec![serde_json::to_string(inherited).unwrap_or_default()],
        Stage::Uncertainty => texts(rests.of_scenarios),
        Stage::Report => vec![rests.pipeline_sha256.to_owned()],
        _ => Vec::new(),
    }
}

/// Parts are told apart by their length.
fn add(hash: &mut Sha256, part: &str) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}
