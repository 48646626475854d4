//! A pipeline file and the order of the stages. No logic of any stage.

mod check;
pub mod draft;
mod hints;
pub mod load;
pub mod publish;
pub mod settings;

use std::path::Path;
use std::time::Instant;

use indexmap::IndexMap;

use crate::classify::Class;
use crate::classify::initiatives::{self, Home, Matched};
use crate::classify::levers::{self, Levers};
use crate::classify::moves::{self, Moves};
use crate::delineate::{self, Clusters, Earlier, Geography};
use crate::error::{Error, Problem, Result};
use crate::finding::Findings;
use crate::measure::{self, Measurements};
use crate::report::manifest::{Manifest, Output};
use crate::report::stored::{self, Row, StoredRun};
use crate::report::{self, Formats, Results};
use crate::score::Scores;
use crate::validate::{self, Account, Initiative, Pair, Profile, Proposal, Scope, Sources, Tables};
pub use load::Pipeline;
use publish::Stage;
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

/// The stages that a run passes through, in their order.
pub const STAGES: [&str; 6] = ["validate", "delineate", "measure", "score", "classify", "report"];

/// Runs a pipeline and publishes its outputs as `out`. Clusters keep the ids and names that they have in the run
/// `previous`. `watch` hears of every stage as it begins.
///
/// # Errors
///
/// Any [`crate::Error`]; on every one the earlier outputs stand untouched.
pub fn run(pipeline: &Pipeline, out: &Path, previous: Option<&Path>, watch: &dyn Fn(&str)) -> Result<Outcome> {
    let earlier = previous.map(|folder| StoredRun::open(folder)?.clusters()).transpose()?;
    let stage = Stage::open(out)?;
    let shared = (out == pipeline.default_out()).then(|| pipeline.shown());
    run_into(pipeline, stage, earlier.as_ref(), shared, watch).map_err(|error| pipeline.locate(error))
}

/// The order of the lines is the method.
fn run_into(
    pipeline: &Pipeline,
    stage: Stage,
    earlier: Option<&Earlier>,
    pipeline_file: Option<String>,
    watch: &dyn Fn(&str),
) -> Result<Outcome> {
    let file = &pipeline.file;
    let mut clock = Clock::new(watch);
    let mut findings = Findings::default();
    clock.begin("validate");
    let mut tables = validate::validate(&sources(pipeline), Scope { hold: None, profile: false }, &mut findings)?;
    let checked = measure::check(&file.indicators, &pipeline.inherited, &file.dispersed, &tables, &mut findings)?;
    clock.begin("delineate");
    let clusters = clusters(file, &tables, earlier, &mut findings)?;
    clock.begin("measure");
    measure::infer_memberships(&mut tables);
    let measurements = measure::measure(&file.indicators, &checked, &tables, clusters, &mut findings)?;
    let dispersed = measure::dispersed(&file.dispersed, file.delineate.as_ref(), &tables, &measurements)?;
    let rated = Rated::of(pipeline, &measurements, &mut clock)?;
    let initiatives = initiatives(pipeline, &tables, &measurements, &mut findings)?;
    note_typology(pipeline, &mut findings);
    clock.begin("report");
    findings.sort();
    let results = Results {
        name: &file.name,
        title: if file.title.is_empty() { &file.name } else { &file.title },
        description: &file.description,
        dimensions: &file.dimensions,
        components: &file.components,
        indicators: &file.indicators,
        tree: &pipeline.tree,
        computed: computed(file),
        facilities: tables.facilities.as_ref(),
        layers: &tables.layers,
        ties: &tables.ties,
        accounts: &tables.accounts,
        measurements: &measurements,
        scores: &rated.scores,
        typology: file.typology.as_ref(),
        classes: &rated.classes,
        levers: &rated.levers,
        moves: &rated.moves,
        dispersed: &dispersed,
        initiatives: &initiatives,
        splits: report::splits(tables.facilities.as_ref(), &measurements),
        findings: &findings,
        delineation: file.delineate.as_ref(),
        cluster_shape: file.outputs.cluster_shape,
        pipeline_sha256: &pipeline.sha256,
    };
    let outputs = report::write(&results, formats(pipeline), stage.folder())?;
    let clusters = stored::rows(&report::tables::clusters_frame(&results)?)?;
    let manifest = Manifest { pipeline_file, ..manifest(pipeline, earlier, &results, outputs, clock.finish()) };
    manifest.write(stage.folder())?;
    stage.publish()?;
    Ok(Outcome { manifest, findings, clusters })
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
pub fn check(pipeline: &Pipeline, findings: &mut Findings) -> Result<Examination> {
    let scope = Scope { hold: Some(CHECKED_WHOLE), profile: true };
    let examined = validate::examine(&sources(pipeline), scope, findings).and_then(|(tables, problems)| {
        if problems.is_empty() {
            let file = &pipeline.file;
            measure::check(&file.indicators, &pipeline.inherited, &file.dispersed, &tables, findings)?;
        }
        Ok((tables, problems))
    });
    findings.sort();
    let (tables, problems) = examined.map_err(|error| pipeline.locate(error))?;
    Ok(Examination {
        hints: hints::hints(&pipeline.file, &tables, findings),
        accounts: tables.accounts,
        profiles: tables.profiles,
        error: (!problems.is_empty()).then_some(Error::Data { problems }),
    })
}

/// Names of operators that may be one firm, for a person to accept: see [`validate::proposals`].
///
/// # Errors
///
/// As [`check`].
pub fn proposals(pipeline: &Pipeline, least: f64) -> Result<Vec<Proposal>> {
    let scope = Scope { hold: None, profile: false };
    let read = validate::examine(&sources(pipeline), scope, &mut Findings::default());
    let (tables, _) = read.map_err(|error| pipeline.locate(error))?;
    Ok(validate::proposals(&tables, least))
}

/// Facilities of the register and of the file that is joined to it that may be one, for a person to accept, and the number of
/// facilities: see [`validate::pairs`].
///
/// # Errors
///
/// As [`check`].
pub fn pairs(pipeline: &Pipeline, least: f64) -> Result<(Vec<Pair>, usize)> {
    let mut source = pipeline.file.facilities.clone().ok_or_else(|| Error::Pipeline {
        problems: vec![Problem::new("facilities", "there is no register", "add [facilities]")],
    })?;
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
        ..sources(pipeline)
    };
    let scope = Scope { hold: None, profile: false };
    let found = validate::validate(&alone, scope, &mut Findings::default()).and_then(|tables| {
        let facilities = tables.facilities.as_ref();
        let pairs = facilities.map(|facilities| validate::pairs(facilities, &source, &pipeline.folder, least));
        Ok((pairs.transpose()?.unwrap_or_default(), facilities.map_or(0, |facilities| facilities.ids.len())))
    });
    found.map_err(|error| pipeline.locate(error))
}

fn sources(pipeline: &Pipeline) -> Sources<'_> {
    let file = &pipeline.file;
    Sources {
        folder: &pipeline.folder,
        facilities: file.facilities.as_ref(),
        layers: &file.layers,
        links: &file.links,
        memberships: &file.memberships,
        figures: &file.figures,
        boundaries: file.boundaries.as_ref(),
        places: file.places.as_ref(),
        operators: file.operators.as_ref(),
        initiatives: file.initiatives.as_ref(),
        scenario: file.scenario.as_ref(),
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
    findings: &mut Findings,
) -> Result<Clusters> {
    let (Some(facilities), Some(settings)) = (&tables.facilities, &file.delineate) else {
        return Ok(measure::clusters_of_facts(&tables.facts.facts));
    };
    let geography = Geography { boundaries: &tables.boundaries, places: &tables.places };
    delineate::delineate(facilities, geography, settings, earlier, findings)
}

/// What the numbers mean: scores, types, what would change them and what has.
struct Rated {
    scores: Vec<Scores>,
    classes: Vec<Class>,
    levers: Vec<Levers>,
    moves: Moves,
}

impl Rated {
    fn of(pipeline: &Pipeline, measurements: &Measurements, clock: &mut Clock<'_>) -> Result<Self> {
        clock.begin("score");
        let rules = pipeline.rules();
        let of_unit = |unit: usize| measurements.indicators.iter().map(|values| values[unit]).collect::<Vec<_>>();
        let units = 0..measurements.units.len();
        let scores: Vec<Scores> = units.map(|unit| rules.tree.score(&of_unit(unit))).collect();
        clock.begin("classify");
        let classes: Vec<Class> = scores.iter().map(|scores| rules.classify(scores)).collect();
        let (measured, times) = (&measurements.indicators, &measurements.times);
        let basis = levers::Basis { rules, indicators: &pipeline.file.indicators, measured, times };
        let levers = levers::levers(basis, &scores, &classes);
        let (units, emissions_t) = (&measurements.units, &measurements.figure("emissions_t"));
        let run = moves::Run { rules, units, emissions_t, scores: &scores, classes: &classes };
        let moves = run.moves()?;
        Ok(Self { scores, classes, levers, moves })
    }
}

fn initiatives(
    pipeline: &Pipeline,
    tables: &Tables,
    measurements: &Measurements,
    findings: &mut Findings,
) -> Result<Vec<(Initiative, Matched, Option<Home>)>> {
    let Some(source) = &pipeline.file.initiatives else { return Ok(Vec::new()) };
    let types = initiatives::types()?;
    let register = tables.facilities.as_ref();
    let homes = initiatives::homes(&tables.initiatives, measurements, register, source.within_km, findings);
    let matched = tables.initiatives.iter().map(|initiative| initiatives::matched(&types, initiative));
    Ok(tables.initiatives.iter().cloned().zip(matched).zip(homes).map(|((a, b), c)| (a, b, c)).collect())
}

fn note_typology(pipeline: &Pipeline, findings: &mut Findings) {
    if pipeline.file.typology.is_none() && !pipeline.file.dimensions.is_empty() {
        let message = "the dimensions and their levels are not those of the built-in typology: scores, and no types";
        let rule = crate::finding::Rule::NoTypology;
        findings.add(crate::finding::Severity::Info, "classify", "", rule, message.into(), 1);
    }
}

fn manifest(
    pipeline: &Pipeline,
    earlier: Option<&Earlier>,
    results: &Results<'_>,
    outputs: Vec<Output>,
    timing: Vec<(String, f64)>,
) -> Manifest {
    let mut types: Vec<(String, u64)> = Vec::new();
    for (at, kind) in results.typology.iter().flat_map(|typology| &typology.types).enumerate() {
        let count = results.classes.iter().filter(|class| class.known() == Some(at)).count();
        types.push((kind.number.to_string(), count as u64));
    }
    let known: u64 = types.iter().map(|(_, count)| count).sum();
    types.push(("unknown".into(), results.classes.len() as u64 - known));
    Manifest {
        program: format!("forerunner {}", env!("CARGO_PKG_VERSION")),
        name: pipeline.file.name.clone(),
        pipeline_sha256: pipeline.sha256.clone(),
        pipeline: serde_json::to_value(&pipeline.file).unwrap_or_default(),
        pipeline_file: None,
        previous_sha256: earlier.map(|earlier| earlier.sha256.clone()),
        sources: results.accounts.to_vec(),
        periods: results.splits.clone(),
        types,
        findings: results.findings.findings.len() as u64,
        quarantined: results.findings.quarantine.len() as u64,
        outputs,
        timing,
    }
}

/// Seconds a stage.
struct Clock<'a> {
    watch: &'a dyn Fn(&str),
    laps: Vec<(String, Instant)>,
}

impl<'a> Clock<'a> {
    fn new(watch: &'a dyn Fn(&str)) -> Self {
        Self { watch, laps: Vec::new() }
    }

    fn begin(&mut self, stage: &str) {
        (self.watch)(stage);
        tracing::debug!(stage, "begins");
        self.laps.push((stage.to_owned(), Instant::now()));
    }

    fn finish(self) -> Vec<(String, f64)> {
        let ends = self.laps.iter().skip(1).map(|(_, start)| *start).chain([Instant::now()]);
        let laps: Vec<_> = self.laps.iter().zip(ends).collect();
        laps.into_iter().map(|((stage, start), end)| (stage.clone(), (end - *start).as_secs_f64())).collect()
    }
}
