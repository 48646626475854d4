//! forerunner finds a country's industrial clusters, scores them on *locational advantage* and
//! *inter-firm linkages*, and places each in the typology of Rattle & Taylor (2025).
//!
//! The modules stand in the order of the data's path; each may use only those above it.

pub mod error;

pub mod stage;

pub mod workers;

pub mod random;

pub mod statistics;

pub mod finding;

pub mod declared;

pub mod given;

pub mod names;

mod kept;

pub mod sql;

pub mod globe;

pub mod sources;

pub mod validate;

pub mod delineate;

pub mod indicator;

pub mod measure;

pub mod score;

pub mod classify;

pub mod uncertainty;

pub mod backtest;

pub mod expectation;

pub mod report;

pub mod story;

pub mod compare;

pub mod expect;

pub mod pipeline;

pub use error::{Error, Result};

/// The version of the method: it changes whenever the same input may give other numbers, and CHANGELOG.md says which. It stands
/// in every manifest, apart from the program's version.
pub const METHOD_VERSION: &str = "2";
