//! `[[expect]]` of the pipeline file, and what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[[expect]]`: a test of the run's results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Its name.
    pub id: String,
    /// What is expected, in words.
    #[serde(default)]
    pub description: String,
    /// One SELECT over the run's tables, in the words of SQLite; those of the run before are `previous.NAME`. It must give no
    /// rows, or with `min` or `max` one number.
    pub sql: String,
    /// Whether the run fails where it does not hold, or goes on with a finding.
    #[serde(default)]
    pub severity: Gravity,
    /// The least that the number may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The most that the number may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

/// What follows from an expectation that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gravity {
    /// The run ends before it is published.
    #[default]
    Error,
    /// A finding.
    Warn,
}

/// What came of an expectation, as the manifest has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expected {
    /// Its name.
    pub id: String,
    /// What follows where it does not hold.
    pub severity: Gravity,
    /// Whether it held.
    pub outcome: Held,
    /// Whether it looks at the run before.
    pub compares: bool,
    /// Rows that it gave.
    pub rows: u64,
    /// The number that it gave, where one was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// What it found, in words; empty where it held.
    pub found: String,
}

/// Whether an expectation held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// It did.
    Passed,
    /// It did not.
    Failed,
    /// There is no run before, or that run has no such table.
    NothingToCompare,
}
