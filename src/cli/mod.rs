//! What was typed, and the command that answers it. Results go to stdout, messages to stderr.

mod check;
mod diff;
mod explain;
mod init;
mod list;
mod matches;
mod metrics;
mod plan;
mod run;
mod table;
mod verify;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use clap::{ArgAction, CommandFactory, Parser, Subcommand};
use forerunner::pipeline::Options;
use forerunner::stage::Stage;
use forerunner::{Error, Result};
use tracing_subscriber::filter::LevelFilter;

/// Finds a country's industrial clusters, scores them, and places each in the typology of Rattle & Taylor (2025).
///
/// Exit status: 0 done; 1 the run failed; 2 the command line or the pipeline file is wrong; 3 the data broke their
/// contract; 4 another run holds the output folder.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Say less.
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Say more.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// How messages are written.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORMAT")]
    log_format: LogFormat,
}

/// How messages are written to stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum LogFormat {
    /// For people: a bar on a terminal, else a line an event; then a summary.
    #[default]
    Text,
    /// One JSON object a line, and nothing else.
    Json,
}

/// How this process writes its messages.
static LOG_FORMAT: OnceLock<LogFormat> = OnceLock::new();

/// Whether messages are JSON.
fn is_json() -> bool {
    LOG_FORMAT.get() == Some(&LogFormat::Json)
}

/// Whether a person looks on.
fn is_watched() -> bool {
    !is_json() && std::io::IsTerminal::is_terminal(&std::io::stderr())
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a working pipeline file with sample data, commented.
    Init {
        /// The folder to write into.
        #[arg(default_value = ".")]
        dir: PathBuf,
        /// What to start from.
        #[arg(long, value_enum, default_value_t, conflicts_with = "from")]
        template: init::Template,
        /// A register to draft the pipeline file from, each guess commented.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
    /// Read and check only: what would be rejected, and why.
    Check {
        #[command(flatten)]
        pipeline: PipelineArguments,
    },
    /// Run a pipeline and publish its outputs.
    Run {
        /// The pipeline file.
        #[arg(required_unless_present = "expect_only")]
        pipeline: Option<PathBuf>,
        #[command(flatten)]
        with: With,
        /// The folder of the outputs [default: out/NAME].
        #[arg(long)]
        out: Option<PathBuf>,
        /// The folder of an earlier run: clusters keep the ids and names that they have there; see lineage.csv.
        #[arg(long, value_name = "RUN")]
        previous: Option<PathBuf>,
        #[command(flatten)]
        how: RunArguments,
    },
    /// Show which stages a run would work out, and what made them stale.
    Plan {
        #[command(flatten)]
        pipeline: PipelineArguments,
        /// The folder of the outputs [default: out/NAME].
        #[arg(long)]
        out: Option<PathBuf>,
        /// The folder of an earlier run, as `run` takes it.
        #[arg(long, value_name = "RUN")]
        previous: Option<PathBuf>,
        /// Know files by their content alone, not by size and time.
        #[arg(long)]
        check_content: bool,
    },
    /// Check that a run's folder holds what its run wrote.
    Verify {
        /// The run's folder.
        run: PathBuf,
        /// Check the files that it read too.
        #[arg(long)]
        inputs: bool,
        /// The folder that the paths of its pipeline start from [default: where they started when it ran].
        #[arg(long, value_name = "DIR", requires = "inputs")]
        folder: Option<PathBuf>,
    },
    /// Run the pipeline that a run's manifest holds, and compare byte for byte.
    Reproduce {
        /// The run's folder.
        run: PathBuf,
        /// The folder of the earlier run whose ids it carried on.
        #[arg(long, value_name = "RUN")]
        previous: Option<PathBuf>,
        /// The folder that the paths of its pipeline start from [default: where they started when it ran].
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
        /// Threads to use [default: all].
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
    },
    /// Write the hashes of the files that a pipeline reads into forerunner.lock, for `run --locked`.
    Lock {
        #[command(flatten)]
        pipeline: PipelineArguments,
    },
    /// Take away what is kept beside a run to save time: of one, or of all in `out`.
    Clean {
        /// The run's folder.
        run: Option<PathBuf>,
    },
    /// Propose names of operators that may be one firm, as CSV for a person to accept into the list of aliases.
    Match {
        #[command(flatten)]
        pipeline: PipelineArguments,
        /// Smallest similarity, 0 to 1.
        #[arg(long, value_name = "SCORE", default_value_t = 0.9)]
        least: f64,
        /// Propose facilities of the register and of the file joined to it that may be one, for `pairs` of the join.
        #[arg(long)]
        facilities: bool,
    },
    /// Explain one cluster: its tree of scores down to the rows it rests on, its levers, its moves, what follows.
    Explain {
        /// The run's folder.
        run: PathBuf,
        /// The cluster's id or name, or a part of its name.
        cluster: String,
        /// The period [default: the latest].
        #[arg(long, allow_negative_numbers = true)]
        period: Option<i64>,
        /// One JSON document on stdout.
        #[arg(long, conflicts_with = "markdown")]
        json: bool,
        /// Markdown, with all that the tables say.
        #[arg(long)]
        markdown: bool,
    },
    /// Show what changed between two runs: inputs, settings, scores and types, and what carried each change.
    Diff {
        /// The first run's folder.
        first: PathBuf,
        /// The second run's folder.
        second: PathBuf,
        /// One JSON document on stdout.
        #[arg(long)]
        json: bool,
    },
    /// List the clusters of a run.
    List {
        /// The run's folder.
        run: PathBuf,
        #[command(flatten)]
        wanted: list::Selection,
    },
    /// Print the JSON Schema of the pipeline file.
    Schema {
        /// That of manifest.json.
        #[arg(long)]
        manifest: bool,
    },
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page.
    Man,
}

/// How `run` goes about it.
#[derive(Debug, clap::Args)]
struct RunArguments {
    /// Work all out anew, or all from a stage on, whatever is kept.
    #[arg(long, value_name = "STAGE", num_args = 0..=1, default_missing_value = "validate", value_parser = stage)]
    force: Option<Stage>,
    /// Know files by their content alone, not by size and time.
    #[arg(long)]
    check_content: bool,
    /// Refuse files that forerunner.lock does not know.
    #[arg(long)]
    locked: bool,
    /// Wait so many seconds for another run that holds the folder.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// Keep so many earlier runs beside this one, each named by its time.
    #[arg(long, value_name = "N")]
    keep: Option<usize>,
    /// Write what the run was as OpenMetrics text, for a textfile collector.
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// Try the expectations on a run that stands, and run nothing: those of the pipeline file, else the run's own.
    #[arg(long, value_name = "RUN")]
    expect_only: Option<PathBuf>,
}

impl RunArguments {
    fn options<'a>(&self, previous: Option<&'a Path>) -> Options<'a> {
        let Self { force, check_content, locked, wait, keep, .. } = *self;
        Options { previous, force, check_content, locked, wait: Duration::from_secs(wait), keep, workers: None }
    }
}

fn stage(name: &str) -> std::result::Result<Stage, String> {
    let known = || Stage::ALL.map(Stage::as_str).join(", ");
    Stage::ALL.into_iter().find(|stage| stage.as_str() == name).ok_or_else(|| format!("stages are {}", known()))
}

#[derive(Debug, clap::Args)]
struct PipelineArguments {
    /// The pipeline file.
    pipeline: PathBuf,
    #[command(flatten)]
    with: With,
}

/// How a pipeline file is read, and answered.
#[derive(Debug, Clone, clap::Args)]
struct With {
    /// Override a key of the pipeline file, as delineate.radius_km=5.
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Threads to use [default: all].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// One JSON document on stdout.
    #[arg(long)]
    json: bool,
}

/// Answers the command line.
pub fn run(arguments: Arguments) -> Result<()> {
    begin_log(&arguments);
    refuse_no_threads()?;
    match arguments.command {
        Command::Init { dir, template, from } => init::run(&dir, template, from.as_deref()),
        Command::Check { pipeline } => {
            use_threads(pipeline.with.threads)?;
            check::run(&pipeline.pipeline, &pipeline.with.set, pipeline.with.json)
        }
        Command::Run { pipeline, with, out, previous, how } => {
            use_threads(with.threads)?;
            if let Some(run) = &how.expect_only {
                return run::expect_only(run, (pipeline.as_deref(), &with), previous.as_deref());
            }
            let pipeline = PipelineArguments { pipeline: pipeline.unwrap_or_default(), with };
            let options = how.options(previous.as_deref());
            run::run(&pipeline, out, &options, (how.metrics.as_deref(), arguments.quiet))
        }
        Command::Plan { pipeline, out, previous, check_content } => {
            use_threads(pipeline.with.threads)?;
            plan::run(&pipeline, out, previous.as_deref(), check_content)
        }
        Command::Verify { run, inputs, folder } => verify::verify(&run, inputs, folder.as_deref()),
        Command::Reproduce { run, previous, folder, threads } => {
            use_threads(threads)?;
            verify::reproduce(&run, previous.as_deref(), folder.as_deref())
        }
        Command::Lock { pipeline } => verify::lock(&pipeline),
        Command::Clean { run } => verify::clean(run),
        Command::Match { pipeline, least, facilities: true } => matches::facilities(&pipeline, least),
        Command::Match { pipeline, least, facilities: false } => {
            use_threads(pipeline.with.threads)?;
            matches::run(&pipeline, least)
        }
        Command::Explain { run, cluster, period, json, markdown } => {
            let form = match (json, markdown) {
                (true, _) => explain::Form::Json,
                (_, true) => explain::Form::Markdown,
                _ => explain::Form::Text,
            };
            explain::run(&run, &cluster, period, form)
        }
        Command::Diff { first, second, json } => diff::run(&first, &second, json),
        Command::List { run, wanted } => list::run(&run, &wanted),
        Command::Schema { manifest: true } => print(&json_text(&forerunner::report::manifest::schema())),
        Command::Schema { manifest: false } => print(&json_text(&forerunner::pipeline::schema())),
        Command::Completions { shell } => print(&completions(shell)),
        Command::Man => print(&manual()),
    }
}

/// Makes messages go to stderr, in the form that was asked for.
fn begin_log(arguments: &Arguments) {
    let level = match (arguments.quiet, arguments.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let _ = LOG_FORMAT.set(arguments.log_format);
    let plain = std::env::var_os("NO_COLOR").is_some() || !std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        // Or a full stderr would end the program.
        .log_internal_errors(false);
    match arguments.log_format {
        LogFormat::Text => log.with_ansi(!plain).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

/// What a shell reads to complete commands and options.
fn completions(shell: clap_complete::Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "forerunner", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

/// The manual page, with all commands.
fn manual() -> String {
    let mut text = Vec::new();
    let command = Arguments::command();
    // Writing into memory does not fail.
    let _ = clap_mangen::Man::new(command.clone()).render(&mut text);
    for one in command.get_subcommands() {
        let name = format!("forerunner {}", one.get_name());
        let page = clap_mangen::Man::new(one.clone().bin_name(&name).display_name(&name));
        text.extend(format!(".SH \"{}\"\n", name.to_uppercase()).bytes());
        let _ = page.render_synopsis_section(&mut text);
        let _ = page.render_description_section(&mut text);
        let _ = page.render_options_section(&mut text);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// The libraries take the number of threads from the environment, and for granted that it is one.
fn refuse_no_threads() -> Result<()> {
    for variable in ["POLARS_MAX_THREADS", "RAYON_NUM_THREADS"] {
        let given = std::env::var(variable).ok().filter(|value| !value.is_empty());
        let least = u16::from(variable.starts_with("POLARS"));
        if let Some(value) = given.filter(|value| !value.parse::<u16>().is_ok_and(|threads| threads >= least)) {
            let message = format!("{variable}={value} is no number of threads");
            return Err(Error::Usage {
                message,
                hint: Some("take it out of the environment; --threads N bounds the work".into()),
            });
        }
    }
    Ok(())
}

/// Bounds both thread pools. That of polars is bounded by its environment variable alone, so the program starts
/// itself anew with it.
fn use_threads(threads: Option<u16>) -> Result<()> {
    const VARIABLE: &str = "POLARS_MAX_THREADS";
    let Some(threads) = threads else { return Ok(()) };
    if std::env::var(VARIABLE).ok() == Some(threads.to_string()) {
        let built = rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global();
        return built.map_err(|error| Error::Usage { message: format!("--threads {threads}: {error}"), hint: None });
    }
    let program = std::env::current_exe().map_err(Error::io(std::path::Path::new("forerunner")))?;
    let mut again = std::process::Command::new(&program);
    again.args(std::env::args_os().skip(1)).env(VARIABLE, threads.to_string());
    let source = std::os::unix::process::CommandExt::exec(&mut again);
    Err(Error::Io { path: program, source })
}

fn json_text(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// Says why the program ends.
pub fn tell(error: &Error) {
    for (position, (message, hint)) in error.reports().into_iter().enumerate() {
        if is_json() {
            tracing::error!(hint = hint.as_deref().unwrap_or_default(), status = error.exit_status(), "{message}");
            continue;
        }
        let gap = if position > 0 { "\n" } else { "" };
        say(&format!("{gap}error: {message}\n"));
        if let Some(hint) = hint {
            say(&format!("hint: {hint}\n"));
        }
    }
}

/// Writes to stderr; where nobody listens, nobody is told.
pub fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Writes to stdout; a reader that has gone away is no error.
fn print(text: &str) -> Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Error::io(std::path::Path::new("stdout"))),
    }
}
