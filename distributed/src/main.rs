//! A forerunner pipeline on a cluster: one program in three roles. The scheduler hands out work, executors do it, and `run`
//! runs a pipeline file whose register they read and whose distances they measure.

mod cluster;
mod worker;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use clap::{Args, Parser, Subcommand};
use cluster::Cluster;
use datafusion::execution::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use forerunner::pipeline::{self, Options, Pipeline};
use forerunner::stage::Stage;
use forerunner::{Error, Result};
use tokio::runtime::Runtime;
use tracing_subscriber::filter::LevelFilter;

/// A forerunner pipeline on a cluster of machines that share a folder.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
    /// Say more on stderr.
    #[arg(short, long, global = true)]
    verbose: bool,
}

#[derive(Subcommand)]
enum Role {
    /// Hands out work to executors. Listens on loopback unless told otherwise.
    Scheduler(Scheduler),
    /// Does work. Listens on loopback unless told otherwise.
    Executor(Executor),
    /// Runs a pipeline file on the cluster and publishes its outputs.
    Run(Run),
}

#[derive(Args)]
struct Scheduler {
    /// The address to listen at.
    #[arg(long, default_value = "127.0.0.1")]
    bind: String,
    /// The port to listen at.
    #[arg(long, default_value_t = 50050)]
    port: u16,
    /// Seconds without a sign of life (there is one a second) after which an executor's work is given to another.
    #[arg(long, default_value_t = 30)]
    executor_timeout: u64,
    /// Seconds without any executor after which a run ends.
    #[arg(long, default_value_t = 30)]
    no_executors: u64,
}

#[derive(Args)]
struct Executor {
    /// The address to listen at.
    #[arg(long, default_value = "127.0.0.1")]
    bind: String,
    /// The name under which others reach this machine; the address, unless given.
    #[arg(long)]
    host: Option<String>,
    /// The port that answers are fetched from.
    #[arg(long, default_value_t = 50051)]
    port: u16,
    /// The port that work comes in by.
    #[arg(long, default_value_t = 50052)]
    grpc_port: u16,
    /// The scheduler, as HOST:PORT.
    #[arg(long, default_value = "127.0.0.1:50050")]
    scheduler: String,
    /// Pieces that it does at a time; all cores, unless given. Each works with all `--threads`.
    #[arg(long, default_value_t = 1)]
    slots: usize,
    /// Threads; all cores, unless given.
    #[arg(long)]
    threads: Option<usize>,
    /// A folder of its own for what it holds for a while.
    #[arg(long)]
    work_dir: Option<PathBuf>,
}

#[derive(Args)]
struct Run {
    /// The pipeline file, the same as for one machine. Executors see its inputs under the same paths.
    pipeline: PathBuf,
    /// The scheduler, as http://HOST:PORT.
    #[arg(long)]
    scheduler: String,
    /// The folder of outputs; `out/NAME` unless given.
    #[arg(long)]
    out: Option<PathBuf>,
    /// A folder that all executors see under the same path; the one that holds the outputs, unless given.
    #[arg(long)]
    shared: Option<PathBuf>,
    /// Pieces that work is cut into.
    #[arg(long, default_value_t = 16)]
    pieces: usize,
    /// A setting of the pipeline file, as KEY=VALUE.
    #[arg(long)]
    set: Vec<String>,
    /// Begin from the files, whatever is kept of an earlier run.
    #[arg(long)]
    force: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let is_server = !matches!(arguments.role, Role::Run(_));
    let level = if arguments.verbose || is_server { LevelFilter::INFO } else { LevelFilter::WARN };
    let log = tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    log.with_max_level(level).init();
    let ended = match arguments.role {
        Role::Scheduler(scheduler) => schedule(&scheduler),
        Role::Executor(executor) => execute(executor),
        Role::Run(run) => self::run(run),
    };
    let Err(error) = ended else { return ExitCode::SUCCESS };
    for (message, hint) in error.reports() {
        eprintln!("error: {message}");
        if let Some(hint) = hint {
            eprintln!("hint: {hint}");
        }
    }
    ExitCode::from(error.exit_status())
}

fn runtime() -> Result<Runtime> {
    Runtime::new().map_err(|error| Error::Workers { message: format!("no threads: {error}") })
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Workers { message: error.to_string() }
}

fn schedule(scheduler: &Scheduler) -> Result<()> {
    let address: SocketAddr = format!("{}:{}", scheduler.bind, scheduler.port)
        .parse()
        .map_err(|error| Error::usage(format!("--bind {}: {error}", scheduler.bind), "give an IP address"))?;
    let config = SchedulerConfig {
        bind_host: scheduler.bind.clone(),
        external_host: scheduler.bind.clone(),
        bind_port: scheduler.port,
        executor_timeout_seconds: scheduler.executor_timeout,
        expire_dead_executor_interval_seconds: (scheduler.executor_timeout / 2).max(1),
        no_executors_grace_period_seconds: scheduler.no_executors,
        override_session_builder: Some(Arc::new(|config: SessionConfig| {
            let state = SessionStateBuilder::new().with_default_features().with_config(config);
            Ok(state.with_scalar_functions(with_ours()).build())
        })),
        ..SchedulerConfig::default()
    };
    runtime()?.block_on(async {
        let cluster = BallistaCluster::new_from_config(&config).await.map_err(broken)?;
        start_server(cluster, address, Arc::new(config)).await.map_err(broken)
    })
}

/// The functions that DataFusion brings, and ours.
fn with_ours() -> Vec<Arc<datafusion::logical_expr::ScalarUDF>> {
    let mut functions = ballista_core::extension::ballista_scalar_functions();
    functions.push(Arc::new(worker::function()));
    functions
}

fn execute(executor: Executor) -> Result<()> {
    if let Some(threads) = executor.threads {
        rayon_threads(threads)?;
    }
    let (host, port) =
        executor.scheduler.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?))).ok_or_else(
            || Error::usage(format!("--scheduler {}: no HOST:PORT", executor.scheduler), "as 10.0.0.1:50050"),
        )?;
    let mut functions = BallistaFunctionRegistry::default();
    functions.scalar_functions.insert(worker::NAME.to_owned(), Arc::new(worker::function()));
    let config = ExecutorProcessConfig {
        bind_host: executor.bind.clone(),
        external_host: Some(executor.host.unwrap_or(executor.bind)),
        port: executor.port,
        grpc_port: executor.grpc_port,
        scheduler_host: host.to_owned(),
        scheduler_port: port,
        scheduler_connect_timeout_seconds: 30,
        vcores: executor.slots,
        work_dir: executor.work_dir.map(|folder| folder.display().to_string()),
        executor_heartbeat_interval_seconds: 1,
        override_function_registry: Some(Arc::new(functions)),
        ..ExecutorProcessConfig::default()
    };
    runtime()?.block_on(start_executor_process(Arc::new(config))).map_err(broken)
}

fn rayon_threads(threads: usize) -> Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().map_err(broken)
}

fn run(run: Run) -> Result<()> {
    let began = Instant::now();
    let pipeline = Pipeline::load(&run.pipeline, &run.set)?;
    let out = run.out.unwrap_or_else(|| pipeline.default_out());
    let beside = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shared = run.shared.unwrap_or_else(|| beside.to_path_buf());
    std::fs::create_dir_all(&shared).map_err(Error::io(&shared))?;
    let shared = shared.canonicalize().map_err(Error::io(&shared))?;
    let cluster = Cluster { url: run.scheduler, shared, pieces: run.pieces.max(1), runtime: runtime()? };
    let force = run.force.then_some(Stage::Validate);
    let options = Options { workers: Some(Arc::new(cluster)), force, ..Options::default() };
    let watch = |stage: Stage, done: Option<(u64, u64)>| {
        if done.is_none() {
            eprintln!("{:7.1} s  {}", began.elapsed().as_secs_f64(), stage.as_str());
        }
    };
    let outcome = pipeline::update(&pipeline, &out, &options, &watch)?;
    let seconds = began.elapsed().as_secs_f64();
    match outcome {
        Some(outcome) => eprintln!(
            "{seconds:7.1} s  {} clusters, {} rows quarantined; outputs in {}",
            outcome.clusters.len(),
            outcome.manifest.quarantined,
            out.display()
        ),
        None => eprintln!("nothing to do: {} is up to date", out.display()),
    }
    Ok(())
}
