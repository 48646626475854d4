//! What a run takes from what is kept, and what it keeps.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::cache::Cache;
use super::fresh::{KEPT, Looked};
use super::keys::Keys;
use super::lockfile;
use super::publish::Staging;
use super::{Options, Pipeline};
use crate::delineate::Earlier;
use crate::error::Result;
use crate::finding::Findings;
use crate::report::manifest::Manifest;
use crate::report::stored::StoredRun;
use crate::stage::Stage;
use crate::validate::{self, Scope, Sources, Tables};

/// Hands out what is kept of the stages, and keeps what they give.
pub(super) struct Keeper {
    /// The clusters of the earlier run whose ids are carried on.
    pub earlier: Option<Earlier>,
    /// Whether anything is kept.
    pub keeps: bool,
    /// What is kept beside the run's folder.
    pub cache: Cache,
    /// `None` where a file cannot be looked at, or changed while it was being read: then nothing is kept.
    looked: Option<Looked>,
    force: Option<Stage>,
    has_read: bool,
    home: std::path::PathBuf,
}

impl Keeper {
    /// Looks at the files of a pipeline, whose run's folder is `out`. A file that is not there is told by the stage that reads it.
    pub fn at(pipeline: &Pipeline, out: &Path, options: &Options<'_>) -> Result<Self> {
        let earlier = options.previous.map(|folder| StoredRun::open(folder)?.clusters()).transpose()?;
        let sha256 = earlier.as_ref().map(|earlier| earlier.sha256.as_str());
        let looked = Looked::at(pipeline, out, sha256, options.check_content);
        if options.locked {
            let looked = looked.as_ref();
            looked.map_or(Ok(()), |looked| lockfile::check(pipeline, &looked.inputs))?;
        }
        let looked = if options.locked { Some(looked?) } else { looked.ok() };
        let (cache, force, home) = (Cache::of(out), options.force, pipeline.folder.clone());
        Ok(Self { earlier, keeps: true, cache, looked, force, has_read: false, home })
    }

    /// Whether the published run is what this one would write; `shown`: the pipeline file, where the folder goes by its name.
    pub fn stands(&mut self, shown: Option<&str>) -> bool {
        let Some(looked) = &mut self.looked else { return false };
        let stands = looked.stands().is_some_and(|manifest| manifest.pipeline_file.as_deref() == shown);
        if self.keeps && stands {
            looked.cache.keep_known(&looked.known);
        }
        stands
    }

    /// The keys of the stages; `None` where it is not known what they rest on.
    pub fn keys(&self) -> Option<&Keys> {
        self.looked.as_ref().map(|looked| &looked.keys)
    }

    /// What a stage gives: as it is kept, else made, and kept.
    pub fn take<T: Serialize + DeserializeOwned>(
        &self,
        stage: Stage,
        make: impl FnOnce() -> Result<(T, Findings)>,
    ) -> Result<(T, Findings)> {
        if let Some(kept) = self.kept(stage) {
            return Ok(kept);
        }
        let made = make()?;
        self.keep(stage, &made);
        Ok(made)
    }

    /// The tables of all sources, to be checked and then kept ([`Keeper::keep_tables`]). Where a file has changed since it was
    /// looked at, nothing is kept of this run.
    pub fn tables(&mut self, sources: &Sources<'_>) -> Result<(Tables, Findings)> {
        if let Some(kept) = self.kept(Stage::Validate) {
            return Ok(kept);
        }
        self.has_read = true;
        let made = validate::validate(sources, Scope { hold: None, profile: false })?;
        let read = made.0.accounts.iter().flat_map(|account| &account.files);
        let inputs = self.looked.iter().flat_map(|looked| &looked.inputs);
        let known: std::collections::HashSet<(&str, &str)> =
            inputs.map(|input| (input.path.as_str(), input.sha256.as_str())).collect();
        if read.into_iter().any(|file| !known.contains(&(file.path.as_str(), file.sha256.as_str()))) {
            tracing::debug!("a file changed while it was being read: nothing is kept of this run");
            self.looked = None;
        }
        Ok(made)
    }

    /// Keeps tables that were read, once nothing is wrong with them: a run that is refused leaves nothing.
    pub fn keep_tables(&self, tables: &Tables, findings: &Findings) {
        if self.has_read {
            self.keep(Stage::Validate, &(tables, findings));
        }
    }

    fn kept<T: DeserializeOwned>(&self, stage: Stage) -> Option<T> {
        if !self.keeps || self.force.is_some_and(|first| stage >= first) {
            return None;
        }
        let kept = self.cache.get(stage, self.keys()?.get(stage));
        if kept.is_some() {
            tracing::debug!(stage = stage.as_str(), "as it is kept");
        }
        kept
    }

    fn keep<T: Serialize>(&self, stage: Stage, made: &T) {
        debug_assert!(KEPT.contains(&stage));
        if let Some(keys) = self.keys().filter(|_| self.keeps) {
            self.cache.put(stage, keys.get(stage), made);
        }
    }

    /// Remembers what the run has written, so that it need not be hashed to know that it stands.
    pub fn wrote(&mut self, manifest: &Manifest, staging: &Staging) {
        let Some(looked) = self.looked.as_mut().filter(|_| self.keeps) else { return };
        for output in &manifest.outputs {
            let stands_as = staging.out().join(&output.path);
            looked.known.wrote(&staging.folder().join(&output.path), &stands_as, &output.sha256);
        }
        looked.cache.keep_known(&looked.known);
        looked.cache.keep_home(&self.home);
    }
}
