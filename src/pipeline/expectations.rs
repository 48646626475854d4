//! The expectations of a pipeline, tried on a run before it is published, or on one that stands.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use chrono::DateTime;
use polars::prelude::*;

use super::settings::SOURCES;
use super::{Pipeline, earlier, verify};
use crate::error::{Error, Result};
use crate::expect::{self, Ground};
use crate::expectation::{Expectation, Expected};
use crate::finding::Findings;
use crate::report::manifest::Manifest;
use crate::report::stored::StoredRun;
use crate::report::tables::OutputTable;
use crate::validate::{Account, Feature, Layer, Tables};

/// What a run is held against.
#[derive(Default)]
pub(super) struct Before<'a> {
    /// The run before.
    pub run: Option<StoredRun>,
    /// What came of expectations that compare, where the run that they compared with is not here.
    pub replay: &'a [Expected],
}

/// Tries the expectations of a pipeline on the tables of a run that is about to be published.
pub(super) fn try_on(
    pipeline: &Pipeline,
    written: &[OutputTable<'_>],
    read: &Tables,
    before: &Before<'_>,
) -> Result<(Vec<Expected>, Findings)> {
    let table = |name: &str| {
        if name == SOURCES {
            return sources(&read.accounts, &pipeline.folder).map(Some);
        }
        if let Some(written) = written.iter().find(|table| table.name == name) {
            return written.rows.whole().map(|frame| Some(frame.into_owned()));
        }
        read.layers.iter().find(|layer| layer.name == name).map(features).transpose()
    };
    let ground = Ground { table: &table, previous: before.run.as_ref(), known: pipeline.file.tables() };
    let is_known = |one: &&Expectation| before.replay.iter().any(|known| known.compares && known.id == one.id);
    let (replayed, anew): (Vec<&Expectation>, Vec<&Expectation>) = pipeline.file.expect.iter().partition(is_known);
    let anew: Vec<Expectation> = anew.into_iter().cloned().collect();
    let (mut all, mut findings) = expect::judge(&anew, &ground)?;
    for one in replayed {
        let known = before.replay.iter().filter(|known| known.id == one.id);
        known.clone().for_each(|known| expect::note(known, &mut findings));
        all.extend(known.cloned());
    }
    let place = |id: &str| pipeline.file.expect.iter().position(|one| one.id == id);
    all.sort_by_key(|one| place(&one.id));
    Ok((all, findings))
}

/// Tries expectations on a run that stands: those of a pipeline, else its own; against the run `previous`, else the latest that is
/// kept beside it.
///
/// # Errors
///
/// [`Error::Data`] with every expectation of weight that does not hold; what reading the runs gives.
pub fn expect_only(run: &Path, own: Option<&Pipeline>, previous: Option<&Path>) -> Result<(Vec<Expected>, Findings)> {
    let (stored, manifest) = (StoredRun::open(run)?, Manifest::read(run)?);
    let made_by =
        verify::again(run, &manifest, None).or_else(|_| Pipeline::of_manifest(&manifest, Path::new(""), run))?;
    let pipeline = own.unwrap_or(&made_by);
    let previous: Option<PathBuf> = previous.map(Path::to_path_buf).or_else(|| earlier::latest(run));
    let previous = previous.map(|folder| StoredRun::open(&folder)).transpose()?;
    let table = |name: &str| {
        if name == SOURCES { sources(&manifest.sources, &made_by.folder).map(Some) } else { stored.frame(name) }
    };
    let ground = Ground { table: &table, previous: previous.as_ref(), known: pipeline.file.tables() };
    expect::judge(&pipeline.file.expect, &ground).map_err(|error| pipeline.locate(error))
}

/// What was read, one row a file: the rows are those of its source.
fn sources(accounts: &[Account], folder: &Path) -> Result<DataFrame> {
    let files = || accounts.iter().flat_map(|account| account.files.iter().map(move |file| (account, file)));
    let texts = |name: &str, pick: &dyn Fn(&Account, &crate::sources::InputFile) -> Option<String>| {
        Column::new(name.into(), files().map(|(account, file)| pick(account, file)).collect::<Vec<_>>())
    };
    let numbers = |name: &str, pick: &dyn Fn(&Account, &crate::sources::InputFile) -> u64| {
        Column::new(name.into(), files().map(|(account, file)| pick(account, file) as i64).collect::<Vec<_>>())
    };
    let filtered = |account: &Account| account.filtered.iter().map(|filter| filter.tally.rows).sum();
    DataFrame::new_infer_height(vec![
        texts("source", &|account, _| Some(account.source.clone())),
        texts("file", &|_, file| Some(file.path.clone())),
        numbers("bytes", &|_, file| file.bytes),
        texts("sha256", &|_, file| Some(file.sha256.clone())),
        texts("modified", &|_, file| modified(&folder.join(&file.path))),
        texts("licence", &|_, file| file.licence.clone()),
        numbers("rows_read", &|account, _| account.read.rows),
        numbers("rows_filtered", &|account, _| filtered(account)),
        numbers("rows_quarantined", &|account, _| account.quarantined.rows),
        numbers("rows_kept", &|account, _| account.kept.rows),
    ])
    .map_err(Error::table("listing the sources"))
}

/// A layer, one row a feature.
fn features(layer: &Layer) -> Result<DataFrame> {
    let of = &layer.features;
    let texts = |name: &str, pick: &dyn Fn(&Feature) -> Option<String>| {
        Column::new(name.into(), of.iter().map(pick).collect::<Vec<_>>())
    };
    let mut columns = vec![
        texts("id", &|feature| Some(feature.id.clone())),
        texts("name", &|feature| feature.name.clone()),
        texts("file", &|feature| Some(feature.file.to_string())),
        Column::new("line".into(), of.iter().map(|feature| feature.line as i64).collect::<Vec<_>>()),
        Column::new("begins".into(), of.iter().map(|feature| feature.years[0]).collect::<Vec<_>>()),
        Column::new("ends".into(), of.iter().map(|feature| feature.years[1]).collect::<Vec<_>>()),
        Column::new("precision_km".into(), of.iter().map(|feature| feature.precision_km).collect::<Vec<_>>()),
    ];
    columns.extend(layer.sums.iter().map(|(name, values)| Column::new(name.as_str().into(), values)));
    DataFrame::new(of.len(), columns).map_err(Error::table("listing a layer"))
}

/// The day on which a file, or the archive that holds it, was last written to, in UTC.
fn modified(path: &Path) -> Option<String> {
    let there = path.ancestors().find(|part| part.is_file())?;
    let time = there.metadata().and_then(|file| file.modified()).ok()?;
    let seconds = i64::try_from(time.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()?;
    Some(DateTime::from_timestamp(seconds, 0)?.format("%Y-%m-%d").to_string())
}
