//! Work that a run may hand to other processes: a job, cut into pieces, as bytes. What a piece asks for is done by the
//! same functions, whoever calls them.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};

/// The build, which all who share a run must have in common: its numbers are those of its sources and architecture.
const BUILD: &str = concat!("forerunner ", env!("CARGO_PKG_VERSION"), ", build ", env!("FORERUNNER_SOURCES"));

/// Other processes that do pieces of work, in any order, and any piece more than once where one of them is lost.
pub trait Workers: Debug + Send + Sync {
    /// Does all pieces of one job; gives the answers in the order of the pieces. `job` is what all pieces share.
    ///
    /// # Errors
    ///
    /// [`Error::Workers`] where a piece was not done.
    fn answers(&self, job: &[u8], pieces: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>>;

    /// Into how many pieces work is best cut; 1 at least.
    fn count(&self) -> usize;
}

/// What is to be done with every piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Read and check files of the register.
    Read,
    /// Tell core points of DBSCAN.
    Core,
    /// Join core points, and find those of border points.
    Join,
    /// Find the nearest feature of a layer.
    Near,
}

/// A job as it travels.
#[derive(Serialize, Deserialize)]
struct Job {
    build: String,
    kind: Kind,
}

/// An answer as it travels.
#[derive(Serialize, Deserialize)]
enum Answer<T> {
    Done(T),
    Data(Vec<Problem>),
    Pipeline(Vec<Problem>),
    Failed(String),
}

/// Asks workers for the answers to all pieces of a job.
///
/// # Errors
///
/// Those of the work itself, and [`Error::Workers`] where it was not done.
pub(crate) fn ask<J: Serialize, P: Serialize, A: DeserializeOwned>(
    workers: &dyn Workers,
    kind: Kind,
    job: &J,
    pieces: &[P],
) -> Result<Vec<A>> {
    let job = packed(&(Job { build: BUILD.to_owned(), kind }, job))?;
    let pieces: Vec<Vec<u8>> = pieces.iter().map(packed).collect::<Result<_>>()?;
    let asked = pieces.len();
    let answers = workers.answers(&job, pieces)?;
    if answers.len() != asked {
        return Err(Error::Workers { message: format!("{} answers came for {asked} pieces", answers.len()) });
    }
    answers.iter().map(|answer| settled(unpacked(answer)?)).collect()
}

/// What is to be done with a piece of a job.
///
/// # Errors
///
/// [`Error::Workers`] for a job of another build, or bytes that are none.
pub(crate) fn kind(job: &[u8]) -> Result<Kind> {
    // The head alone: what follows it is another build's own.
    let (Job { build: theirs, kind }, _): (Job, serde::de::IgnoredAny) = unpacked(job)?;
    if theirs == BUILD {
        return Ok(kind);
    }
    Err(Error::Workers {
        message: format!("the run is of {theirs}, and this worker of {BUILD}: start both from one build"),
    })
}

/// Does one piece, and packs what comes of it; `work` is given what the job says of all pieces, and the piece.
pub(crate) fn done<J: DeserializeOwned, P: DeserializeOwned, A: Serialize>(
    (job, piece): (&[u8], &[u8]),
    work: impl FnOnce(J, P) -> Result<A>,
) -> Result<Vec<u8>> {
    let (_, job): (Job, J) = unpacked(job)?;
    packed(&match work(job, unpacked(piece)?) {
        Ok(answer) => Answer::Done(answer),
        Err(Error::Data { problems }) => Answer::Data(problems),
        Err(Error::Pipeline { problems }) => Answer::Pipeline(problems),
        Err(other) => Answer::Failed(other.to_string()),
    })
}

/// The answer that a piece could not be begun.
pub(crate) fn refused(error: &Error) -> Vec<u8> {
    packed(&Answer::<()>::Failed(error.to_string())).unwrap_or_default()
}

fn settled<T>(answer: Answer<T>) -> Result<T> {
    match answer {
        Answer::Done(answer) => Ok(answer),
        Answer::Data(problems) => Err(Error::Data { problems }),
        Answer::Pipeline(problems) => Err(Error::Pipeline { problems }),
        Answer::Failed(message) => Err(Error::Workers { message }),
    }
}

fn packed<T: Serialize>(what: &T) -> Result<Vec<u8>> {
    rmp_serde::to_vec_named(what).map_err(|error| Error::Workers { message: format!("packing: {error}") })
}

fn unpacked<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    rmp_serde::from_slice(bytes).map_err(|error| Error::Workers { message: format!("unpacking: {error}") })
}
