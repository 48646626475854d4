//! The scenarios of the uncertainty stage: the run, and the same with other settings, read and measured as far as they
//! differ.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::keys::BUILD;
use super::{Pipeline, Watch, clusters, scoring};
use crate::classify::observations;
use crate::error::{Error, Problem, Result};
use crate::finding::Findings;
use crate::measure::{self, Checked, Indexes, Measurements, Wanted};
use crate::score::Model;
use crate::sources::hex;
use crate::stage::{self, Stage};
use crate::uncertainty::checkpoint::Batches;
use crate::uncertainty::factors::RADIUS;
use crate::uncertainty::scenario::Scenario;
use crate::uncertainty::settings::UncertaintySettings;
use crate::uncertainty::{Study, Uncertainty, uncertainty, unit_keys};
use crate::validate::{self, Scope, Tables};

/// What a run has read and measured.
#[derive(Clone, Copy)]
pub(super) struct Read<'a> {
    pub pipeline: &'a Pipeline,
    /// Its score tree, with all weights.
    pub model: &'a Model,
    pub tables: &'a Tables,
    pub indexes: &'a Indexes,
    pub checked: &'a Checked,
    pub measured: &'a Measurements,
}

/// Draws, if the pipeline file says so.
pub(super) fn uncertain(read: &Read<'_>, draws: PathBuf, watch: &Watch<'_>) -> Result<(Uncertainty, Findings)> {
    let pipeline = read.pipeline;
    let Some(settings) = &pipeline.file.uncertainty else { return Ok(Default::default()) };
    settings.check_tables(read.tables)?;
    let factors = alternatives(pipeline, settings);
    refuse_many(&factors)?;
    let variations = variations(read, &factors)?;
    let others = variations.iter().map(|variation| variation.scenario(read));
    let run = read.scenario();
    let names = |options: &[Choice]| options.iter().map(|one| (one.label.clone(), one.probability)).collect();
    let study = Study {
        settings,
        scenarios: std::iter::once(run).chain(others).collect(),
        alternatives: factors.iter().map(|(name, options)| (name.clone(), names(options))).collect(),
        keys: unit_keys(read.measured),
    };
    let batches = Batches::open(draws, key(read, &variations));
    uncertainty(&study, &batches, &|done, all| watch(Stage::Uncertainty, Some((done, all))))
}

/// All that draws depend on: the program, the settings, the files, and which cluster stands where (an earlier run may say).
fn key(read: &Read<'_>, variations: &[Variation]) -> String {
    let others = variations.iter().filter_map(|variation| variation.tables.as_ref()).map(|(tables, _)| tables);
    let accounts = std::iter::once(read.tables).chain(others).flat_map(|tables| &tables.accounts);
    let files = accounts.flat_map(|account| &account.files).map(|file| file.sha256.as_str());
    let clusters = &read.measured.clusters;
    let ids = clusters.ids.iter().map(String::as_str);
    let all = [BUILD, &read.pipeline.sha256].into_iter().chain(files).chain(ids);
    let mut digest = all.fold(Sha256::new(), |digest, part| digest.chain_update(part).chain_update([0]));
    for cluster in &clusters.of_facility {
        digest.update(cluster.map_or(u64::MAX, |cluster| cluster as u64).to_le_bytes());
    }
    hex(&digest.finalize()[..12])
}

/// Scenarios that a run may have: each is measured by itself.
const SCENARIOS: usize = 100;

fn refuse_many(factors: &[(String, Vec<Choice>)]) -> Result<()> {
    let count = factors.iter().fold(1_usize, |count, (_, options)| count.saturating_mul(options.len()));
    if count <= SCENARIOS {
        return Ok(());
    }
    let names: Vec<&str> = factors.iter().map(|(name, _)| name.as_str()).collect();
    let message = format!("{count} combinations of {}: each is read and measured by itself", names.join(", "));
    Err(Error::pipeline(Problem::new("uncertainty.alternatives", message, format!("{SCENARIOS} at most"))))
}

/// One option of a factor of alternatives.
struct Choice {
    label: String,
    set: Vec<String>,
    probability: f64,
}

/// The factors of alternatives. The first option of each is the run as it is, with the probability 0 where the pipeline file
/// does not have it.
fn alternatives(pipeline: &Pipeline, settings: &UncertaintySettings) -> Vec<(String, Vec<Choice>)> {
    let mut factors: Vec<(String, Vec<Choice>)> = Vec::new();
    let nominal = pipeline.file.delineate.as_ref().and_then(|delineation| delineation.radius_km.main());
    if let Some((radii, nominal)) = radii(pipeline, settings).zip(nominal) {
        let probability = 1.0 / radii.len() as f64;
        let choice = |radius: f64| Choice {
            label: format!("{radius} km instead of {nominal}"),
            set: if radius == nominal { Vec::new() } else { vec![format!("delineate.radius_km={radius}")] },
            probability,
        };
        factors.push((RADIUS.to_owned(), radii.into_iter().map(choice).collect()));
    }
    for (name, choices) in &settings.alternatives {
        let choice = |one: &crate::uncertainty::settings::Choice| Choice {
            label: one.set.join(", "),
            set: one.set.clone(),
            probability: one.probability,
        };
        factors.push((name.clone(), choices.iter().map(choice).collect()));
    }
    for (_, options) in &mut factors {
        let first = options.iter().position(|option| option.set.is_empty());
        let own = first.map(|at| options.remove(at));
        let own = own.unwrap_or(Choice { label: String::new(), set: Vec::new(), probability: 0.0 });
        options.insert(0, Choice { label: "as in the pipeline file".into(), ..own });
    }
    factors
}

/// Radii to draw, where there are several.
fn radii(pipeline: &Pipeline, settings: &UncertaintySettings) -> Option<Vec<f64>> {
    if settings.radius_km.is_off() {
        return None;
    }
    let own = || pipeline.file.delineate.as_ref().map(|delineation| delineation.radius_km.0.clone());
    let mut radii = settings.radius_km.given().cloned().or_else(own)?;
    radii.sort_by(f64::total_cmp);
    radii.dedup();
    (radii.len() > 1).then_some(radii)
}

/// The same pipeline with other settings, read and measured.
struct Variation {
    pipeline: Pipeline,
    /// Its score tree, with weights of its own, for the units of the run.
    model: Model,
    /// `None`: those of the run.
    tables: Option<(Tables, Indexes)>,
    checked: Checked,
    measured: Measurements,
}

impl Variation {
    fn scenario<'a>(&'a self, run: &Read<'a>) -> Scenario<'a> {
        let (tables, indexes) = self.tables.as_ref().map_or((run.tables, run.indexes), |(tables, of)| (tables, of));
        let Self { pipeline, model, checked, measured, .. } = self;
        Scenario {
            groups: &run.measured.groups,
            ..Read { pipeline, model, tables, indexes, checked, measured }.scenario()
        }
    }
}

impl<'a> Read<'a> {
    fn scenario(&self) -> Scenario<'a> {
        let Read { pipeline, model, tables, indexes, checked, measured } = *self;
        let file = &pipeline.file;
        Scenario {
            model,
            dimensions: &file.dimensions,
            indicators: &file.indicators,
            scoring: &pipeline.scoring,
            groups: &measured.groups,
            classification: &file.classify,
            typology: file.typology.as_ref(),
            tables,
            indexes,
            checked,
            delineation: file.delineate.as_ref(),
            clusters: &measured.clusters,
            units: &measured.units,
            observed: observations(measured),
        }
    }
}

/// Every combination of options but the run itself, the last factor counting fastest.
fn variations(run: &Read<'_>, factors: &[(String, Vec<Choice>)]) -> Result<Vec<Variation>> {
    let count: usize = factors.iter().map(|(_, options)| options.len()).product();
    (1..count).map(|number| variation(run, factors, number)).collect()
}

fn variation(run: &Read<'_>, factors: &[(String, Vec<Choice>)], mut number: usize) -> Result<Variation> {
    let pipeline = run.pipeline;
    let (mut names, mut set) = (Vec::new(), Vec::new());
    for (name, options) in factors.iter().rev() {
        let option = &options[number % options.len()];
        number /= options.len();
        if !option.set.is_empty() {
            names.push(name.as_str());
            set.splice(0..0, option.set.iter().cloned());
        }
    }
    let place = |error: Error| match error {
        Error::Usage { message, hint } => {
            Error::pipeline(Problem::new(where_of(&names), message, hint.unwrap_or_default()))
        }
        Error::Pipeline { problems } => {
            Error::Pipeline { problems: problems.into_iter().map(|problem| told(problem, &set)).collect() }
        }
        other => other,
    };
    let other = pipeline.varied(&set).map_err(place)?;
    refuse_other_types(pipeline, &other, &names)?;
    let keys = set.iter().filter_map(|assignment| stage::use_of(assignment.split_once('=')?.0.trim()));
    let reads = keys.map(|key| key.first).min() == Some(Stage::Validate);
    let tables = if reads { Some(tables_of(&other)?) } else { None };
    let (of, indexes) = tables.as_ref().map_or((run.tables, run.indexes), |(tables, indexes)| (tables, indexes));
    let file = &other.file;
    let (checked, _) = measure::check(&file.indicators, &other.inherited, &file.dispersed, of).map_err(place)?;
    let (clusters, _) = clusters(file, of, None, None)?;
    let measured = measure::measure((&file.indicators, &checked), (of, indexes), clusters, Wanted::Scores)?;
    let mut measured = measured.measurements;
    let (sample, _) = scoring::sample(&other, of, &mut measured).map_err(place)?;
    let mut model = sample.weighed.model;
    // Draws go by the units of the run.
    scoring::refer(&other, &mut model, run.measured).map_err(place)?;
    Ok(Variation { pipeline: other, model, checked, measured, tables })
}

fn tables_of(pipeline: &Pipeline) -> Result<(Tables, Indexes)> {
    let (tables, _) = validate::validate(&pipeline.sources(), Scope { hold: None, profile: false })?;
    let indexes = Indexes::new(&tables.layers, tables.facilities.as_ref());
    Ok((tables, indexes))
}

fn where_of(names: &[&str]) -> String {
    let name = names.first().copied().unwrap_or_default();
    if name == RADIUS { format!("uncertainty.{name}") } else { format!("uncertainty.alternatives.{name}") }
}

fn told(problem: Problem, set: &[String]) -> Problem {
    Problem { message: format!("with {}: {}", set.join(", "), problem.message), ..problem }
}

/// Scores and types must mean the same in all scenarios.
fn refuse_other_types(run: &Pipeline, other: &Pipeline, names: &[&str]) -> Result<()> {
    let dimensions = |of: &Pipeline| {
        let levels = |one: &crate::score::Dimension| (one.id.clone(), one.threshold.0.len());
        of.file.dimensions.iter().map(levels).collect::<Vec<_>>()
    };
    let types = |of: &Pipeline| {
        of.file.typology.iter().flat_map(|typology| &typology.types).map(|kind| kind.number).collect::<Vec<i64>>()
    };
    if dimensions(run) == dimensions(other) && types(run) == types(other) {
        return Ok(());
    }
    let message = "an option has other dimensions, levels or types: nothing could be counted together";
    Err(Error::pipeline(Problem::new(where_of(names), message, "change what they rest on, not what they are")))
}
