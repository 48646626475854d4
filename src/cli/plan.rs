//! `plan`: which stages a run would work out, and why.

use std::path::{Path, PathBuf};

use forerunner::Result;
use forerunner::pipeline::fresh::{self, Plan, StagePlan};
use forerunner::pipeline::{self, Pipeline};

use super::table;
use super::{PipelineArguments, json_text, print};

/// Reasons of one stage that are shown; `--json` lists them all.
const SHOWN: usize = 8;

/// Prints the stages.
pub fn run(
    arguments: &PipelineArguments,
    out: Option<PathBuf>,
    previous: Option<&Path>,
    check_content: bool,
) -> Result<()> {
    let pipeline = Pipeline::load(&arguments.pipeline, &arguments.with.set)?;
    let out = out.unwrap_or_else(|| pipeline.default_out());
    let plan = fresh::plan(&pipeline, (&out, previous), check_content, || pipeline::rows(&pipeline))?;
    if arguments.with.json { print(&json_text(&plan)) } else { print(&text(&plan, &out)) }
}

fn text(plan: &Plan, out: &Path) -> String {
    let rows: Vec<Vec<String>> = plan.stages.iter().flat_map(row).collect();
    let mut text = table::text(&["stage", "is", "", "because"], &rows);
    if plan.up_to_date {
        text += &format!("\nnothing to do: {} is up to date\n", out.display());
    }
    text
}

/// A stage, one line a reason.
fn row(stage: &StagePlan) -> Vec<Vec<String>> {
    let state = if stage.fresh { "fresh" } else { "stale" };
    let does = match (stage.fresh, stage.runs) {
        (_, false) => "",
        (true, true) => "runs: not kept",
        (false, true) => "runs",
    };
    let mut reasons = stage.because.clone();
    if reasons.len() > SHOWN {
        let more = reasons.len() - SHOWN;
        reasons.truncate(SHOWN);
        reasons.push(format!("… and {more} more: --json"));
    }
    let mut reasons = reasons.into_iter();
    let first =
        [stage.stage.as_str(), state, does].map(str::to_owned).into_iter().chain([reasons.next().unwrap_or_default()]);
    let more = reasons.map(|reason| vec![String::new(), String::new(), String::new(), reason]);
    std::iter::once(first.collect()).chain(more).collect()
}
