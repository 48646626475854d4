//! What other processes do of a run: a piece of a job, by the functions that a run calls itself.

use std::ops::Range;

use super::Pipeline;
use crate::error::Result;
use crate::workers::{self, Kind};
use crate::{delineate, measure, validate};

/// Does one piece of a job, both as [`crate::workers::Workers`] hand them out; what goes wrong is said in the answer.
pub fn work(job: &[u8], piece: &[u8]) -> Vec<u8> {
    let done = workers::kind(job).and_then(|kind| match kind {
        Kind::Read => read(job, piece),
        Kind::Core => delineate::tell_core(job, piece),
        Kind::Join => delineate::join_core(job, piece),
        Kind::Near => measure::find_nearest(job, piece),
    });
    done.unwrap_or_else(|error| workers::refused(&error))
}

fn read(job: &[u8], piece: &[u8]) -> Result<Vec<u8>> {
    workers::done((job, piece), |job: validate::ReadJob, files: Range<usize>| {
        let pipeline = Pipeline::received(&job.pipeline)?;
        validate::read_part(&pipeline.sources(), &job.guesses, files).map_err(|error| pipeline.locate(error))
    })
}
