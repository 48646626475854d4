//! `run`: progress, and what came out.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use forerunner::expectation::{Expected, Held};
use forerunner::finding::{Finding, Findings, Severity};
use forerunner::pipeline::{self, Options, Outcome, Pipeline};
use forerunner::report::manifest::Manifest;
use forerunner::stage::Stage;
use forerunner::validate::{Account, Tally};
use forerunner::{Error, Result};
use indicatif::{ProgressBar, ProgressStyle};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::table::{self, number, thousands};
use super::{PipelineArguments, With, is_json, is_watched, json_text, list, metrics, print, say, tell};

/// Runs a pipeline; the summary goes to stderr, with `--json` the manifest to stdout.
pub fn run(
    arguments: &PipelineArguments,
    out: Option<PathBuf>,
    options: &Options<'_>,
    (metrics, quiet): (Option<&Path>, bool),
) -> Result<()> {
    let started = Instant::now();
    let pipeline = Pipeline::load(&arguments.pipeline, &arguments.with.set)?;
    let out = out.unwrap_or_else(|| pipeline.default_out());
    warn_of_another(&pipeline, &out);
    tell_signals(&out);
    let progress = Progress::new();
    let outcome = pipeline::update(&pipeline, &out, options, &|stage, done| progress.hear(stage, done));
    progress.end();
    if let Some(error) = metrics.and_then(|file| metrics::write(file, &pipeline.file.name, &outcome, started).err()) {
        // What became of the run does not hang on who watches it.
        tracing::warn!("the metrics are not written: {error}");
    }
    let outcome = outcome?;
    if is_json() {
        events(outcome.as_ref(), &out);
    } else if !quiet {
        let nothing = || format!("nothing to do: {} is up to date\n", out.display());
        say(&outcome.as_ref().map_or_else(nothing, |outcome| summary(&pipeline, outcome, &out)));
    }
    let manifest = outcome.map_or_else(|| Manifest::read(&out), |outcome| Ok(outcome.manifest));
    // The run is published: nothing may make it a failed one any more.
    let told = || manifest.and_then(|manifest| print(&json_text(&manifest)));
    if let Some(error) = arguments.with.json.then(|| told().err()).flatten() {
        say(&format!("warning: the manifest could not be printed: {error}; it is in {}\n", out.display()));
    }
    Ok(())
}

/// What came out, an event a line.
fn events(outcome: Option<&Outcome>, out: &Path) {
    let out = out.display().to_string();
    let Some(outcome) = outcome else {
        tracing::info!(out, "nothing to do");
        return;
    };
    for finding in &outcome.findings.findings {
        let Finding { source, file, line, column, count, message, .. } = finding;
        let rule = serde_json::to_value(finding.rule).ok();
        let rule = rule.as_ref().and_then(|rule| rule.as_str()).unwrap_or_default();
        match finding.severity {
            Severity::Warning => tracing::warn!(source, file, line, column, count, rule, "{message}"),
            Severity::Info => tracing::info!(source, file, line, column, count, rule, "{message}"),
        }
    }
    let (clusters, quarantined) = (outcome.clusters.len(), outcome.manifest.quarantined);
    tracing::info!(out, clusters, quarantined, "published");
}

/// Tries expectations on a run that stands.
pub fn expect_only(run: &Path, (own, with): (Option<&Path>, &With), previous: Option<&Path>) -> Result<()> {
    let own = own.map(|path| Pipeline::load(path, &with.set)).transpose()?;
    let (expected, _) = pipeline::expect_only(run, own.as_ref(), previous)?;
    if with.json {
        return print(&json_text(&expected));
    }
    if expected.is_empty() {
        return print("no expectations: add [[expect]] to the pipeline file\n");
    }
    let line = |one: &Expected| {
        let word = match one.outcome {
            Held::Passed => "passed",
            Held::Failed => "warning",
            Held::NothingToCompare => "not tried",
        };
        vec![one.id.clone(), word.to_owned(), one.found.clone()]
    };
    print(&table::text(&["expectation", "", ""], &expected.iter().map(line).collect::<Vec<_>>()))
}

/// Says what became of a run that a signal ends, and ends it.
fn tell_signals(out: &Path) {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let out = out.to_path_buf();
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal");
            let stands = if out.exists() { "the earlier run stands" } else { "nothing was published" };
            let message = format!("stopped by {name}: {stands} in {}", out.display());
            tell(&Error::usage(message, "run again: it goes on from the stages that are done"));
            std::process::exit(128 + signal);
        }
    });
}

/// Two pipeline files of one name share `out/NAME`: the second says whose run it replaces.
fn warn_of_another(pipeline: &Pipeline, out: &Path) {
    let other = Manifest::pipeline_file_of(out).filter(|_| out == pipeline.default_out());
    if let Some(other) = other.filter(|other| *other != pipeline.shown()) {
        let name = &pipeline.file.name;
        say(&format!(
            "warning: {} holds a run of {other}, which is also called `{name}`: it will be replaced\n\
             hint: give one of the two another `name`, or this run its own folder with --out\n",
            out.display()
        ));
    }
}

fn summary(pipeline: &Pipeline, outcome: &Outcome, out: &Path) -> String {
    let manifest = &outcome.manifest;
    let mut text = accounts(&manifest.sources);
    for split in &manifest.periods {
        let period = split.period.map(|period| format!("{period}: ")).unwrap_or_default();
        let tonnes = |tally: &Tally| tally.tonnes.map(|tonnes| format!(", {:.2} Mt", tonnes / 1e6)).unwrap_or_default();
        text += &format!(
            "\n{period}{} clusters with {} facilities{}; {} dispersed sites{}",
            split.clusters,
            thousands(split.clustered.rows),
            tonnes(&split.clustered),
            thousands(split.dispersed.rows),
            tonnes(&split.dispersed)
        );
        if split.without_coordinates.rows > 0 {
            let lost = &split.without_coordinates;
            text += &format!(" ({} of them without coordinates{})", thousands(lost.rows), tonnes(lost));
        }
    }
    let rows = list::by_emissions(&outcome.clusters);
    text += "\n\n";
    if !rows.is_empty() {
        text += &list::clusters(&pipeline.file.dimensions, &rows[..rows.len().min(40)]);
    }
    if rows.len() > 40 {
        text += &format!("  … and {} more: forerunner list {}\n", rows.len() - 40, out.display());
    }
    text += &found(&outcome.findings);
    text += &format!("\nOutputs: {}\n", out.display());
    if out.join("report.html").exists() {
        text += &format!("Report:  {}\n", out.join("report.html").display());
    }
    text
}

/// Rows and tonnes of every source.
pub fn accounts(accounts: &[Account]) -> String {
    let mega = |tally: &Tally| number(tally.tonnes.map(|tonnes| tonnes / 1e6), 2);
    let mut rows = Vec::new();
    for account in accounts {
        let filtered = account.filtered.iter().map(|filtered| filtered.tally.rows).sum();
        let away =
            account.filtered.iter().filter_map(|filtered| filtered.tally.tonnes).fold(0.0, |sum, tonnes| sum + tonnes);
        let away = account.read.tonnes.map(|_| away / 1e6);
        let counts = [account.read.rows, filtered, account.quarantined.rows, account.kept.rows].map(thousands);
        let [read, filtered, rejected, kept] = counts;
        let tonnes = [mega(&account.read), number(away, 2), mega(&account.quarantined), mega(&account.kept)];
        let [mt_read, mt_filtered, mt_rejected, mt_kept] = tonnes;
        rows.push(vec![
            account.source.clone(),
            read,
            mt_read,
            filtered,
            mt_filtered,
            rejected,
            mt_rejected,
            kept,
            mt_kept,
        ]);
    }
    table::text(&["source", "rows in", "Mt", "filtered", "Mt", "rejected", "Mt", "kept", "Mt"], &rows)
}

/// One line a fact, with the sources that show it.
pub fn found(findings: &Findings) -> String {
    let mut facts: Vec<(&Finding, Vec<String>)> = Vec::new();
    for finding in &findings.findings {
        let source = shown(finding);
        match facts.iter_mut().find(|(first, _)| first.rule == finding.rule && first.message == finding.message) {
            Some((_, sources)) => sources.push(source),
            None => facts.push((finding, vec![source])),
        }
    }
    let line = |(finding, sources): &(&Finding, Vec<String>)| {
        let word = if finding.severity == Severity::Warning { "warning" } else { "note" };
        format!("{word}: {}: {}\n", finding.message, sources.join(", ").trim())
    };
    let text: String = facts.iter().map(line).collect();
    if text.is_empty() { text } else { format!("\n{text}") }
}

/// The source of a finding, how often, and where first, as far as that is known.
fn shown(finding: &Finding) -> String {
    let mut shown = finding.source.clone();
    if finding.count > 1 {
        shown += &format!(" {}", thousands(finding.count));
    }
    let place = match (finding.file.as_str(), finding.line) {
        ("", _) => String::new(),
        (file, Some(line)) => format!("{file}:{line}"),
        (file, None) => file.to_owned(),
    };
    let column =
        if finding.column.is_empty() || place.is_empty() { String::new() } else { format!(" {}", finding.column) };
    let place = format!("{place}{column}");
    if place.is_empty() { shown } else { format!("{shown} ({})", place.trim()) }
}

/// Seconds for people.
fn lasting(seconds: f64) -> String {
    let whole = seconds.ceil() as u64;
    if whole < 100 { format!("{whole} s") } else { format!("{} min", whole.div_ceil(60)) }
}

/// A bar on a terminal once the work takes longer than a second; log lines elsewhere.
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
    stages: RefCell<u64>,
    /// When the stage began, and when it was last told how far it is.
    within: Cell<(Instant, Instant)>,
}

impl Progress {
    pub fn new() -> Self {
        let bar = ProgressBar::hidden();
        let style = ProgressStyle::with_template("{spinner} {bar:24} {pos}/{len} {msg} {elapsed}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_length(Stage::ALL.len() as u64);
        if is_watched() {
            let shown = bar.clone();
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_secs(1));
                if !shown.is_finished() {
                    shown.set_draw_target(indicatif::ProgressDrawTarget::stderr());
                    shown.enable_steady_tick(Duration::from_millis(100));
                }
            });
        }
        let now = Instant::now();
        Self { bar, started: now, stages: RefCell::new(0), within: Cell::new((now, now)) }
    }

    /// A stage that begins, or how far a long one is.
    pub fn hear(&self, stage: Stage, done: Option<(u64, u64)>) {
        match done {
            None => self.begin(stage),
            Some((done, all)) => self.step(stage, done, all),
        }
    }

    /// How far a stage is, with the time that is left at its pace; elsewhere than on a terminal every ten seconds.
    fn step(&self, stage: Stage, done: u64, all: u64) {
        let (began, told) = self.within.get();
        let elapsed = began.elapsed();
        let left = elapsed.as_secs_f64() * (all - done.min(all)) as f64 / done.max(1) as f64;
        let text = format!("{} {} of {}, {} left", stage.as_str(), thousands(done), thousands(all), lasting(left));
        self.bar.set_message(text.clone());
        let is_due = told.elapsed() > Duration::from_secs(10);
        if is_due && !is_watched() {
            self.within.set((began, Instant::now()));
            tracing::info!("{text}");
        }
    }

    fn begin(&self, stage: Stage) {
        self.within.set((Instant::now(), Instant::now()));
        let stage = stage.as_str();
        self.bar.set_position(*self.stages.borrow());
        self.bar.set_message(stage.to_owned());
        *self.stages.borrow_mut() += 1;
        if !is_watched() {
            tracing::info!("{stage} ({:.1} s)", self.started.elapsed().as_secs_f64());
        }
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
