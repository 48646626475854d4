//! A pipeline file and the order of the stages. No logic of any stage.

pub mod cache;
mod check;
mod check_score;
pub mod draft;
mod earlier;
mod expectations;
pub mod fresh;
mod hints;
pub mod inputs;
mod keeper;
pub mod keys;
pub mod load;
pub mod lockfile;
pub mod publish;
pub mod reference;
mod scenarios;
mod scoring;
pub mod settings;
pub mod verify;
pub mod work;

use std::cell::LazyCell;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use indexmap::IndexMap;

use crate::backtest;
use crate::classify;
use crate::classify::Rating;
use crate::classify::initiatives::{self, Assignment};
use crate::delineate::{self, Clusters, Earlier, Geography};
use crate::error::{Error, Problem, Result};
use crate::expectation::Expected;
use crate::finding::Findings;
use crate::measure::{self, Checked, Details, Dispersed, Indexes, Measured, Measurements, Wanted};
use crate::report::manifest::{self, Manifest, Output};
use crate::report::stored::{self, Row, StoredRun};
use crate::report::{self, About, Formats, Results};
use crate::score::weigh::Weighed;
use crate::score::{Scorer, Scores};
use crate::stage::Stage;
use crate::validate::{self, Account, Elsewhere, Examined, Pair, Profile, Proposal, Scope, Sources, Tables};
use crate::workers::Workers;
use cache::Cache;
use expectations::Before;
pub use expectations::expect_only;
use keeper::Keeper;
use keys::Keys;
pub use load::Pipeline;
use publish::Staging;
use scenarios::{Read, uncertain};
pub use settings::{LayerFormat, PipelineFile, TableFormat, schema};

/// What a run has found, beside its files.
pub struct Outcome {
    /// What it wrote down.
    pub manifest: Manifest,
    /// Facts and rejected rows.
    pub findings: Findings,
    /// The rows of the table of clusters.
    pub clusters: Vec<Row>,
}

/// Who hears of a stage as it begins, and of a long one how many of its steps are done, and of how many.
pub type Watch<'a> = dyn Fn(Stage, Option<(u64, u64)>) + 'a;

/// How a run goes about it.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// The earlier run whose clusters keep their ids and names.
    pub previous: Option<&'a Path>,
    /// The first stage that is worked out anew, whatever is kept of it.
    pub force: Option<Stage>,
    /// Whether files are known by their content alone, not by size and time.
    pub check_content: bool,
    /// Whether files that `forerunner.lock` does not know are refused.
    pub locked: bool,
    /// How long to wait for another run that holds the folder.
    pub wait: Duration,
    /// Other processes that read the register, find clusters and measure distances; the results are the same.
    pub workers: Option<Arc<dyn Workers>>,
    /// Earlier runs that are kept beside the published one; `None`: nothing is kept, and nothing taken away.
    pub keep: Option<usize>,
}

/// Runs a pipeline from its files on and publishes its outputs as `out`; nothing is kept for a later run. Clusters keep the ids
/// and names that they have in the run `previous`. `watch` hears of every stage as it begins.
///
/// # Errors
///
/// Any [`crate::Error`]; on every one the earlier outputs stand untouched.
pub fn run(pipeline: &Pipeline, out: &Path, previous: Option<&Path>, watch: &Watch<'_>) -> Result<Outcome> {
    replay(pipeline, out, previous, &[], watch)
}

/// The same, with what is known of expectations that compare with an earlier run.
fn replay(
    pipeline: &Pipeline,
    out: &Path,
    previous: Option<&Path>,
    known: &[Expected],
    watch: &Watch<'_>,
) -> Result<Outcome> {
    let staging = Staging::open(out, Duration::ZERO)?;
    let mut keeper = Keeper::at(pipeline, staging.out(), &Options { previous, ..Options::default() })?;
    keeper.keeps = false;
    let before = Before { run: before(staging.out(), previous)?, replay: known };
    let shown = shown(pipeline, out);
    let run = Run { pipeline, staging, keeper, before, shown, workers: None };
    run_through(run, watch).map_err(|error| pipeline.locate(error))
}

/// Brings the run in `out` up to date: stages whose settings, files and version are as they were are read from what is kept
/// beside it. `None`: nothing has changed, and the run stands.
///
/// # Errors
///
/// Any [`crate::Error`]; on every one the earlier outputs stand untouched.
pub fn update(pipeline: &Pipeline, out: &Path, options: &Options<'_>, watch: &Watch<'_>) -> Result<Option<Outcome>> {
    match updated(pipeline, out, (options, true), watch) {
        // What is kept must not cost a run its room.
        Err(error) if error.is_full() && Cache::of(&publish::followed(out)?).clear()? > 0 => {
            tracing::warn!("{error}: what was kept to save time is taken away, and the run begins again");
            updated(pipeline, out, (options, false), watch)
        }
        ended => ended,
    }
}

fn updated(
    pipeline: &Pipeline,
    out: &Path,
    (options, keeps): (&Options<'_>, bool),
    watch: &Watch<'_>,
) -> Result<Option<Outcome>> {
    let mut staging = Staging::open(out, options.wait)?;
    staging.keep = options.keep;
    let mut keeper = Keeper::at(pipeline, staging.out(), options)?;
    keeper.keeps = keeps;
    let shown = shown(pipeline, out);
    if options.force.is_none() && keeper.stands(shown.as_deref()) {
        return Ok(None);
    }
    let before = Before { run: before(staging.out(), options.previous)?, replay: &[] };
    let run = Run { pipeline, staging, keeper, before, shown, workers: options.workers.clone() };
    run_through(run, watch).map_err(|error| pipeline.locate(error)).map(Some)
}

/// The pipeline file, where the run lies in the folder of its name, which another of that name would share.
fn shown(pipeline: &Pipeline, out: &Path) -> Option<String> {
    (out == pipeline.default_out()).then(|| pipeline.shown())
}

/// The run that expectations compare with: one that was named, else the one that stands.
fn before(out: &Path, named: Option<&Path>) -> Result<Option<StoredRun>> {
    named.map_or_else(|| Ok(StoredRun::open(out).ok()), |folder| StoredRun::open(folder).map(Some))
}

/// A run that is about to begin: where it is written, what it may take, what it is held against.
struct Run<'a> {
    pipeline: &'a Pipeline,
    staging: Staging,
    keeper: Keeper,
    before: Before<'a>,
    /// The pipeline file, where the run lies in the folder of its name.
    shown: Option<String>,
    workers: Option<Arc<dyn Workers>>,
}

/// The order of the lines is the method.
fn run_through(run: Run<'_>, watch: &Watch<'_>) -> Result<Outcome> {
    let Run { pipeline, staging, mut keeper, before, shown, workers } = run;
    let file = &pipeline.file;
    let mut clock = Clock::new(watch);
    let mut findings = Findings::default();
    clock.begin(Stage::Validate);
    let (tables, checked) = findings.of(checked(pipeline, &mut keeper, workers.as_deref()))?;
    clock.begin(Stage::Delineate);
    let earlier = keeper.earlier.take();
    let found = || clusters(file, &tables, earlier.as_ref(), workers.as_deref());
    let clusters = findings.of(keeper.take(Stage::Delineate, found))?;
    clock.begin(Stage::Measure);
    let indexes = LazyCell::new(|| Indexes::new(&tables.layers, tables.facilities.as_ref()).by(workers));
    let measure = || measured(file, &checked, (&tables, &indexes), clusters);
    let (mut measurements, details) = findings.of(keeper.take(Stage::Measure, measure))?;
    clock.begin(Stage::Score);
    let sample = findings.of(scoring::sample(pipeline, &tables, &mut measurements))?;
    let (scorer, scores) = sample.weighed.model.scored(&sample.prepared.columns);
    clock.begin(Stage::Classify);
    let rating = findings.of(rated(pipeline, &scorer, scores, (&tables, &measurements)))?;
    clock.begin(Stage::Uncertainty);
    let model = &sample.weighed.model;
    let read =
        || Read { pipeline, model, tables: &tables, indexes: &indexes, checked: &checked, measured: &measurements };
    let draw = || uncertain(&read(), keeper.cache.draws(), watch);
    let draws = file.uncertainty.as_ref().map(|_| keeper.take(Stage::Uncertainty, draw));
    let uncertainty = findings.of(draws.unwrap_or_else(|| Ok(Default::default())))?;
    clock.begin(Stage::Backtest);
    let foretold = (rating.scores.as_slice(), uncertainty.p_high.as_slice());
    let (backtest, learnt) = backtest::backtest(&file.backtest, &tables, &measurements, foretold, &file.dimensions);
    findings.gather(learnt);
    clock.begin(Stage::Report);
    let (diagnostics, standing) = scoring::diagnosed(pipeline, &sample, &rating.scores, &measurements, &mut findings);
    findings.sort();
    let file = scoring::with_weights(file, model);
    let results = Results {
        about: about(pipeline, &file, &sample.weighed),
        tables: &tables,
        measured: &measurements,
        details: &details,
        rating: &rating,
        screened: &sample.prepared.screened,
        standing: standing.as_ref(),
        diagnostics: diagnostics.as_ref(),
        uncertainty: &uncertainty,
        backtest: &backtest,
        findings: &findings,
    };
    let previous_sha256 = earlier.map(|earlier| earlier.sha256);
    let run = Run { pipeline, staging, keeper, before, shown, workers: None };
    published(run, &file, results, (clock, previous_sha256))
}

/// Tries the expectations, writes all down and publishes it.
fn published(
    run: Run<'_>,
    file: &PipelineFile,
    results: Results<'_>,
    (clock, previous_sha256): (Clock<'_>, Option<String>),
) -> Result<Outcome> {
    let Run { pipeline, staging, mut keeper, before, shown, .. } = run;
    let formats = formats(pipeline);
    // Nobody else asks for what is a layer alone.
    let written = report::tables::all(&results, formats.layers() || !pipeline.file.expect.is_empty())?;
    let (expected, learnt) = expectations::try_on(pipeline, &written, results.tables, &before)?;
    let told = results.findings.with(learnt);
    let results = Results { findings: &told, ..results };
    let written = report::tables::with_findings(written, &results)?;
    let outputs = report::write(&results, &written, formats, staging.folder())?;
    let rows = stored::rows(&report::tables::clusters_frame(&results)?)?;
    let compares = expected.iter().any(|one| one.compares);
    let mut manifest = Manifest {
        compared_with: before.run.as_ref().filter(|_| compares).map(StoredRun::outputs_sha256),
        expectations: expected,
        previous_sha256,
        pipeline_file: shown,
        ..manifest((pipeline, file), &keeper, &results, outputs, clock.finish())
    };
    manifest.write(staging.folder())?;
    keeper.wrote(&manifest, &staging);
    staging.publish()?;
    Ok(Outcome { manifest, findings: told.into_owned(), clusters: rows })
}

/// All tables, and the expressions that they are measured by. Tables are kept once nothing is wrong with them.
fn checked(
    pipeline: &Pipeline,
    keeper: &mut Keeper,
    workers: Option<&dyn Workers>,
) -> Result<((Tables, Checked), Findings)> {
    let file = &pipeline.file;
    let sent = workers.map(|_| pipeline.sent()).transpose()?;
    let elsewhere = workers.zip(sent.as_deref()).map(|(workers, pipeline)| Elsewhere { workers, pipeline });
    let (tables, mut findings) = keeper.tables(&Sources { elsewhere, ..pipeline.sources() })?;
    let (checked, learnt) = measure::check(&file.indicators, &pipeline.inherited, &file.dispersed, &tables)?;
    keeper.keep_tables(&tables, &findings);
    findings.gather(learnt);
    Ok(((tables, checked), findings))
}

/// What is measured of all clusters, with all that a reader may ask for.
fn measured(
    file: &PipelineFile,
    checked: &Checked,
    (tables, indexes): (&Tables, &Indexes),
    clusters: Clusters,
) -> Result<((Measurements, Details), Findings)> {
    let mut measured = measure::measure((&file.indicators, checked), (tables, indexes), clusters, Wanted::Details)?;
    measured.details.dispersed = dispersed(file, checked, tables, &measured)?;
    let Measured { measurements, details, findings } = measured;
    Ok(((measurements, details), findings))
}

/// What scores mean.
fn rated(
    pipeline: &Pipeline,
    scorer: &Scorer<'_>,
    scores: Vec<Scores>,
    (tables, measurements): (&Tables, &Measurements),
) -> Result<(Rating, Findings)> {
    let mut rating = classify::rate(pipeline.rules(scorer), scores, measurements)?;
    let (initiatives, mut findings) = initiatives(&pipeline.file, tables, measurements)?;
    rating.initiatives = initiatives;
    scoring::note(pipeline, scorer, rating.scores.len(), &mut findings);
    note_typology(pipeline, &mut findings);
    Ok((rating, findings))
}

/// What a run is about.
fn about<'a>(pipeline: &'a Pipeline, file: &'a PipelineFile, weighed: &'a Weighed) -> About<'a> {
    About {
        name: &file.name,
        title: if file.title.is_empty() { &file.name } else { &file.title },
        description: &file.description,
        dimensions: &file.dimensions,
        components: &file.components,
        indicators: &file.indicators,
        model: &weighed.model,
        weightings: file.tree(&pipeline.scoring).weightings(),
        consistency: &weighed.consistency,
        typology: file.typology.as_ref(),
        computed: computed(file),
        delineation: file.delineate.as_ref(),
        cluster_shape: file.outputs.cluster_shape,
        resamples: file.backtest.resamples,
        pipeline_sha256: &pipeline.sha256,
    }
}

/// The columns of the register that the pipeline file computes, and by what.
fn computed(file: &PipelineFile) -> Vec<(String, String)> {
    let computed = file.facilities.iter().flat_map(|source| &source.compute);
    computed.map(|(name, computed)| (name.clone(), computed.sql.clone())).collect()
}

/// Rows of a source that `check` holds; in a longer one it checks every row by itself and its key, and not what else
/// spans rows (moved facilities, two labels).
const CHECKED_WHOLE: usize = 250_000;

/// What `check` has found.
pub struct Examination {
    /// Facts and rejected rows.
    pub findings: Findings,
    /// Rows and tonnes of every source.
    pub accounts: Vec<Account>,
    /// What the columns of every source hold.
    pub profiles: Vec<(String, Profile)>,
    /// What may be wrong with the settings, to judge by the values.
    pub hints: Vec<String>,
    /// What a run would end with before it measures anything.
    pub error: Option<Error>,
}

/// Reads and checks only: what a run would keep, filter and reject, and what the columns hold.
///
/// # Errors
///
/// [`Error::Io`] for a file that cannot be opened, [`Error::Pipeline`] for settings that do not fit the files.
pub fn check(pipeline: &Pipeline) -> Result<Examination> {
    let scope = Scope { hold: Some(CHECKED_WHOLE), profile: true };
    let examined = validate::examine(&pipeline.sources(), scope).and_then(|mut examined| {
        if examined.problems.is_empty() {
            let file = &pipeline.file;
            let checked = measure::check(&file.indicators, &pipeline.inherited, &file.dispersed, &examined.tables);
            examined.findings.of(checked)?;
        }
        Ok(examined)
    });
    let Examined { tables, mut findings, problems } = examined.map_err(|error| pipeline.locate(error))?;
    findings.sort();
    Ok(Examination {
        hints: hints::hints(&pipeline.file, &tables, &findings),
        findings,
        accounts: tables.accounts,
        profiles: tables.profiles,
        error: (!problems.is_empty()).then_some(Error::Data { problems }),
    })
}

/// The rows of every source as its files are now.
///
/// # Errors
///
/// As [`check`].
pub fn rows(pipeline: &Pipeline) -> Result<Vec<(String, u64)>> {
    let scope = Scope { hold: None, profile: false };
    let examined = validate::examine(&pipeline.sources(), scope).map_err(|error| pipeline.locate(error))?;
    Ok(examined.tables.accounts.into_iter().map(|account| (account.source, account.read.rows)).collect())
}

/// Names of operators that may be one firm, for a person to accept: see [`validate::proposals`].
///
/// # Errors
///
/// As [`check`].
pub fn proposals(pipeline: &Pipeline, least: f64) -> Result<Vec<Proposal>> {
    let scope = Scope { hold: None, profile: false };
    let examined = validate::examine(&pipeline.sources(), scope).map_err(|error| pipeline.locate(error))?;
    Ok(validate::proposals(&examined.tables, least))
}

/// Facilities of the register and of the file that is joined to it that may be one, for a person to accept, and the number of
/// facilities: see [`validate::pairs`].
///
/// # Errors
///
/// As [`check`].
pub fn pairs(pipeline: &Pipeline, least: f64) -> Result<(Vec<Pair>, usize)> {
    let mut source = pipeline
        .file
        .facilities
        .clone()
        .ok_or_else(|| Error::pipeline(Problem::new("facilities", "there is no register", "add [facilities]")))?;
    if let Some(join) = &mut source.join {
        // All of the register, with a partner or without.
        (join.required, join.pairs) = (false, None);
    }
    let nothing = (&IndexMap::new(), &IndexMap::new(), &IndexMap::new(), &IndexMap::new());
    let alone = Sources {
        facilities: Some(&source),
        layers: nothing.0,
        links: nothing.1,
        memberships: nothing.2,
        figures: nothing.3,
        boundaries: None,
        places: None,
        operators: None,
        initiatives: None,
        outcomes: &IndexMap::new(),
        ..pipeline.sources()
    };
    let scope = Scope { hold: None, profile: false };
    let found = validate::validate(&alone, scope).and_then(|(tables, _)| {
        let facilities = tables.facilities.as_ref();
        let pairs = facilities.map(|facilities| validate::pairs(facilities, &source, &pipeline.folder, least));
        Ok((pairs.transpose()?.unwrap_or_default(), facilities.map_or(0, |facilities| facilities.ids.len())))
    });
    found.map_err(|error| pipeline.locate(error))
}

impl Pipeline {
    /// All sources of the file.
    pub fn sources(&self) -> Sources<'_> {
        let file = &self.file;
        Sources {
            folder: &self.folder,
            facilities: file.facilities.as_ref(),
            layers: &file.layers,
            links: &file.links,
            memberships: &file.memberships,
            figures: &file.figures,
            boundaries: file.boundaries.as_ref(),
            places: file.places.as_ref(),
            operators: file.operators.as_ref(),
            initiatives: file.initiatives.as_ref(),
            outcomes: &file.outcomes,
            scenario: file.scenario.as_ref(),
            judgements: &self.judgements,
            elsewhere: None,
        }
    }
}

fn formats(pipeline: &Pipeline) -> Formats {
    let outputs = &pipeline.file.outputs;
    Formats {
        csv: outputs.tables.contains(&TableFormat::Csv),
        parquet: outputs.tables.contains(&TableFormat::Parquet),
        xlsx: outputs.tables.contains(&TableFormat::Xlsx),
        geopackage: outputs.layers.contains(&LayerFormat::Gpkg),
        geojson: outputs.layers.contains(&LayerFormat::Geojson),
        flatgeobuf: outputs.layers.contains(&LayerFormat::Flatgeobuf),
        html: outputs.report,
    }
}

/// The clusters of a register, or those that figures name.
fn clusters(
    file: &PipelineFile,
    tables: &Tables,
    earlier: Option<&Earlier>,
    workers: Option<&dyn Workers>,
) -> Result<(Clusters, Findings)> {
    let (Some(facilities), Some(settings)) = (&tables.facilities, &file.delineate) else {
        return Ok((measure::clusters_of_facts(&tables.facts), Findings::default()));
    };
    let geography = Geography { boundaries: &tables.boundaries, places: &tables.places };
    delineate::delineate(facilities, geography, settings, earlier, workers)
}

/// What is in no cluster; nothing where none are sought.
fn dispersed(file: &PipelineFile, checked: &Checked, tables: &Tables, measured: &Measured) -> Result<Dispersed> {
    let of = |delineation| measure::dispersed(&file.dispersed, checked, delineation, tables, measured);
    file.delineate.as_ref().map_or_else(|| Ok(Dispersed::default()), of)
}

fn initiatives(
    file: &PipelineFile,
    tables: &Tables,
    measurements: &Measurements,
) -> Result<(Vec<Assignment>, Findings)> {
    let Some(source) = &file.initiatives else { return Ok((Vec::new(), Findings::default())) };
    initiatives::assign(tables, &measurements.clusters, source.within_km)
}

fn note_typology(pipeline: &Pipeline, findings: &mut Findings) {
    if pipeline.file.typology.is_none() && !pipeline.file.dimensions.is_empty() {
        let message = "the dimensions and their levels are not those of the built-in typology: scores, and no types";
        let rule = crate::finding::Rule::NoTypology;
        findings.add(crate::finding::Severity::Info, "", rule, message.into(), 1);
    }
}

fn manifest(
    (pipeline, file): (&Pipeline, &PipelineFile),
    keeper: &Keeper,
    results: &Results<'_>,
    outputs: Vec<Output>,
    timing: Vec<(String, f64)>,
) -> Manifest {
    Manifest {
        program: manifest::program(),
        method_version: crate::METHOD_VERSION.to_owned(),
        name: pipeline.file.name.clone(),
        pipeline_sha256: pipeline.sha256.clone(),
        pipeline: serde_json::to_value(file).unwrap_or_default(),
        pipeline_as_given: serde_json::to_value(&pipeline.given).unwrap_or_default(),
        inherited: pipeline.inherited.clone(),
        stages: keeper.keys().map(Keys::named).unwrap_or_default(),
        pipeline_file: None,
        previous_sha256: None,
        expectations: Vec::new(),
        compared_with: None,
        sources: results.tables.accounts.clone(),
        corrections: results.facilities().map(|register| register.corrections.clone()).unwrap_or_default(),
        periods: results.details.splits.clone(),
        replicates: results.uncertainty.replicates,
        types: results.rating.counts(results.about.typology),
        findings: results.findings.findings.len() as u64,
        quarantined: results.findings.quarantine.len() as u64,
        outputs,
        timing,
    }
}

/// Seconds a stage.
struct Clock<'a> {
    watch: &'a Watch<'a>,
    laps: Vec<(Stage, Instant)>,
}

impl<'a> Clock<'a> {
    fn new(watch: &'a Watch<'a>) -> Self {
        Self { watch, laps: Vec::new() }
    }

    fn begin(&mut self, stage: Stage) {
        (self.watch)(stage, None);
        tracing::debug!(stage = stage.as_str(), "begins");
        self.laps.push((stage, Instant::now()));
    }

    fn finish(self) -> Vec<(String, f64)> {
        let ends = self.laps.iter().skip(1).map(|(_, start)| *start).chain([Instant::now()]);
        let laps: Vec<_> = self.laps.iter().zip(ends).collect();
        laps.into_iter()
            .map(|((stage, start), end)| (stage.as_str().to_owned(), (end - *start).as_secs_f64()))
            .collect()
    }
}
