//! `match`: names of operators that may be one firm, for a person to accept.

use forerunner::pipeline::{self, Pipeline};
use forerunner::{Error, Result};

use super::{PipelineArguments, json_text, print, say};

/// Prints the proposals: CSV that, once a person has struck out what is wrong and filled in `source`, is a list of aliases.
pub fn run(arguments: &PipelineArguments, least: f64) -> Result<()> {
    let pipeline = Pipeline::load(&arguments.pipeline, &arguments.with.set)?;
    let proposals = pipeline::proposals(&pipeline, least)?;
    let what = "strike out those that are two firms, and say for the others how you know";
    say(&format!("{} pairs; {what}\n", proposals.len()));
    table(&proposals, arguments.with.json)
}

/// Prints pairs of facilities: CSV that, once a person has struck out what is wrong, is the `pairs` of the join.
pub fn facilities(arguments: &PipelineArguments, least: f64) -> Result<()> {
    let pipeline = Pipeline::load(&arguments.pipeline, &arguments.with.set)?;
    let (pairs, all) = pipeline::pairs(&pipeline, least)?;
    let what = "strike out those that are two, and say for the others how you know";
    say(&format!("{} of {all} facilities have a pair; {what}\n", pairs.len()));
    table(&pairs, arguments.with.json)
}

fn table<T: serde::Serialize>(rows: &[T], json: bool) -> Result<()> {
    if json {
        return print(&json_text(&rows));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    let fail = |message: String| Error::Run { path: "stdout".into(), message };
    for row in rows {
        writer.serialize(row).map_err(|error| fail(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| fail(error.to_string()))?;
    print(&String::from_utf8_lossy(&bytes))
}
