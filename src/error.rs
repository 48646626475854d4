//! Every reason to stop, each with the place, the evidence and what to do. What a run merely learns about
//! its data is a finding, never an error.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The result of anything that can stop a run.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a run ended without outputs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be opened, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The command line asks for something that is not there.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The pipeline file is wrong; all its problems together.
    #[error("{}", join(problems))]
    Pipeline {
        /// Every problem found.
        problems: Vec<Problem>,
    },
    /// The data broke their contract; all problems together.
    #[error("{}", join(problems))]
    Data {
        /// Every problem found, source by source.
        problems: Vec<Problem>,
    },
    /// Another run holds the output folder.
    #[error("{}: another run holds this output folder", path.display())]
    Locked {
        /// The output folder.
        path: PathBuf,
    },
    /// A table operation failed: a defect of this program or a machine out of resources.
    #[error("{doing}: {source}")]
    Table {
        /// What was being done.
        doing: &'static str,
        /// What polars said.
        source: polars::prelude::PolarsError,
    },
    /// What the program has computed contradicts itself.
    #[error("{message}: a defect of this program")]
    Defect {
        /// What does not fit.
        message: String,
    },
    /// Other processes did not do the work that they were given.
    #[error("{message}")]
    Workers {
        /// What became of it.
        message: String,
    },
    /// Files are not what a run has written or read, or do not come out again.
    #[error("{}", join(problems))]
    Differs {
        /// Every such file.
        problems: Vec<Problem>,
    },
    /// A file of an earlier run does not read back.
    #[error("{}: {message}", path.display())]
    Run {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

/// One thing wrong with the pipeline file or with a source of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `file:line:column`, `file`, or a key of the pipeline file; empty where there is none.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// Rows that show it, one line each.
    pub evidence: Vec<String>,
    /// What to do; empty where nothing helps.
    pub hint: String,
}

impl Problem {
    /// A problem without evidence rows.
    pub fn new(place: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into(), evidence: Vec::new(), hint: hint.into() }
    }

    /// The same with the first few rows that show it.
    pub fn showing(self, rows: impl IntoIterator<Item = String>) -> Self {
        Self { evidence: rows.into_iter().take(5).collect(), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        write!(f, "{}", self.message)?;
        self.evidence.iter().try_for_each(|row| write!(f, "\n  {row}"))
    }
}

fn join(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

impl Error {
    /// The command line asks for something that is not there, or that cannot be.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint: String = hint.into();
        Self::Usage { message: message.into(), hint: Some(hint).filter(|hint| !hint.is_empty()) }
    }

    /// The pipeline file is wrong in one place.
    pub fn pipeline(problem: Problem) -> Self {
        Self::Pipeline { problems: vec![problem] }
    }

    /// Wraps an I/O error with the path it happened at.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { path, source }
    }

    /// Wraps a polars error with what was being done.
    pub fn table(doing: &'static str) -> impl FnOnce(polars::prelude::PolarsError) -> Self {
        move |source| Self::Table { doing, source }
    }

    /// The exit status of the process: 1 I/O and internal, 2 command line or pipeline file, 3 data, 4 locked.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Io { .. }
            | Self::Table { .. }
            | Self::Defect { .. }
            | Self::Run { .. }
            | Self::Workers { .. }
            | Self::Differs { .. } => 1,
            Self::Usage { .. } | Self::Pipeline { .. } => 2,
            Self::Data { .. } => 3,
            Self::Locked { .. } => 4,
        }
    }

    /// Whether there is no room left on a disk, or for a user.
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, Self::Io { source, .. } if matches!(source.kind(), StorageFull | QuotaExceeded))
    }

    /// What to say: each problem by itself, with what to do about it.
    pub fn reports(&self) -> Vec<(String, Option<String>)> {
        let hint = match self {
            Self::Pipeline { problems } | Self::Data { problems } | Self::Differs { problems } => {
                let hint = |problem: &Problem| Some(problem.hint.clone()).filter(|hint| !hint.is_empty());
                return problems.iter().map(|problem| (problem.to_string(), hint(problem))).collect();
            }
            Self::Usage { hint, .. } => hint.clone(),
            Self::Workers { .. } => {
                Some("nothing was published: see what scheduler and executors say, and run again".into())
            }
            Self::Locked { .. } => Some("wait for the other run, or give this one its own folder with --out".into()),
            Self::Defect { .. } => Some("please report it, with the pipeline file and the version".into()),
            Self::Run { .. } => Some("run the pipeline again to write this folder anew".into()),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("check the name; paths in a pipeline file start from that file's folder".into())
            }
            Self::Io { .. } if self.is_full() => {
                Some("make room there, and run again: what stood there stands, and nothing is left of this run".into())
            }
            Self::Io { .. } | Self::Table { .. } => None,
        };
        vec![(self.to_string(), hint)]
    }
}

/// The known name nearest to a mistyped one, if it is near at all (Jaro-Winkler 0.75 or more).
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = known.into_iter().map(|candidate| (strsim::jaro_winkler(name, candidate), candidate));
    scored.filter(|(score, _)| *score >= 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

/// A hint that names the nearest known name and lists them all.
pub fn suggest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let list = if known.is_empty() { "there are none".to_owned() } else { format!("known: {}", known.join(", ")) };
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`? ({list})"),
        None => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_a_slip_and_refuses_a_stranger() {
        assert_eq!(nearest("delimeter", ["delimiter", "path"]), Some("delimiter"));
        assert_eq!(nearest("zzz", ["delimiter", "path"]), None);
    }
}
