//! `manifest.json`: what a run read, decided and wrote, so that it can be checked and done again.

use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::expectation::Expected;
use crate::indicator::Inherited;
use crate::measure::Split;
use crate::sources::{fingerprint, hex};
use crate::validate::{Account, Correction};

/// The file's name in the run's folder.
pub const FILE: &str = "manifest.json";

/// The run. Everything but `timing` is the same for the same input, pipeline and version.
#[derive(Debug, Clone, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Manifest {
    /// Name and version of the program.
    pub program: String,
    /// Version of the method: under another the same input may give other numbers.
    #[serde(default)]
    pub method_version: String,
    /// The pipeline's name.
    pub name: String,
    /// SHA-256 of the resolved pipeline.
    pub pipeline_sha256: String,
    /// The pipeline with all that it extends and all overrides, all defaults, and weights as they were used.
    pub pipeline: Value,
    /// The same as written: `reproduce` runs this.
    #[serde(default)]
    pub pipeline_as_given: Value,
    /// Indicators of which a part came through `extends`.
    #[serde(default)]
    pub inherited: Inherited,
    /// The key of each stage: a hash of all that its results rest on. Empty where a file changed while it was being read.
    #[serde(default)]
    pub stages: Vec<(String, String)>,
    /// The pipeline file, from the working folder, where the run lies in `out/NAME`, which another of that name would share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline_file: Option<String>,
    /// SHA-256 of the list of outputs of the earlier run whose ids and names were carried on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_sha256: Option<String>,
    /// Rows and tonnes of every source: read = kept + filtered + quarantined.
    pub sources: Vec<Account>,
    /// What a person has put right in the register.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub corrections: Vec<Correction>,
    /// Where the kept facilities and tonnes went, by period.
    pub periods: Vec<Split>,
    /// Replicates that were drawn to see how sure the types are; 0 without `[uncertainty]`.
    #[serde(default)]
    pub replicates: u32,
    /// Clusters and periods a type; `unknown` where more than one is possible.
    pub types: Vec<(String, u64)>,
    /// What came of the expectations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expectations: Vec<Expected>,
    /// SHA-256 of the list of outputs of the earlier run that expectations compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_with: Option<String>,
    /// Findings and rejected rows.
    pub findings: u64,
    /// Rejected rows.
    pub quarantined: u64,
    /// The files of the run but this one.
    pub outputs: Vec<Output>,
    /// Seconds a stage; then, with no seconds, `sha256:` and the hash of this file without that last entry.
    pub timing: Vec<(String, f64)>,
}

/// What the name of the entry begins with that holds the manifest's own hash.
const SEAL: &str = "sha256:";

/// A file that the run wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Output {
    /// Its name.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// The JSON Schema of the manifest.
pub fn schema() -> Value {
    schemars::schema_for!(Manifest).to_value()
}

/// Name and version of the program.
pub fn program() -> String {
    format!("forerunner {}", env!("CARGO_PKG_VERSION"))
}

/// The files of a folder, by name, with their hashes.
pub fn outputs(folder: &Path) -> Result<Vec<Output>> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder))?;
    let paths: Result<Vec<_>> = entries.map(|entry| Ok(entry.map_err(Error::io(folder))?.path())).collect();
    let mut outputs: Vec<Output> = paths?.par_iter().map(|path| output(path)).collect::<Result<_>>()?;
    outputs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(outputs)
}

/// A file with its hash.
pub fn output(path: &Path) -> Result<Output> {
    let (bytes, sha256) = fingerprint(path)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Output { path: name, bytes, sha256 })
}

impl Manifest {
    /// The pipeline file that a run in a folder came from, where its manifest says so.
    pub fn pipeline_file_of(folder: &Path) -> Option<String> {
        let text = std::fs::read_to_string(folder.join(FILE)).ok()?;
        let manifest: Value = serde_json::from_str(&text).ok()?;
        manifest["pipeline_file"].as_str().map(str::to_owned)
    }

    /// Reads the manifest of a run's folder.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] if there is none, [`Error::Run`] if it does not read.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        serde_json::from_str(&text).map_err(|error| Error::Run { path, message: error.to_string() })
    }

    /// Writes the manifest into the run's folder, and its own hash into it.
    pub fn write(&mut self, folder: &Path) -> Result<()> {
        let path = folder.join(FILE);
        let fail = |error: serde_json::Error| Error::Run { path: path.clone(), message: error.to_string() };
        let value = serde_json::to_value(&*self).map_err(fail)?;
        self.timing.push((seal(&value), 0.0));
        let text = pretty(&serde_json::to_value(&*self).map_err(fail)?);
        std::fs::write(&path, text).map_err(Error::io(&path))
    }

    /// Whether the text of a manifest is, byte for byte, what a run has written.
    pub fn is_whole(text: &[u8]) -> bool {
        let Ok(mut value) = serde_json::from_slice::<Value>(text) else { return false };
        if pretty(&value).as_bytes() != text {
            return false;
        }
        let last = value["timing"].as_array_mut().and_then(Vec::pop);
        last.is_some_and(|last| last == serde_json::json!([seal(&value), 0.0]))
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn seal(value: &Value) -> String {
    format!("{SEAL}{}", hex(&Sha256::digest(pretty(value))))
}
