//! `[dispersed]` of the pipeline file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[dispersed]`: what is said of sites in no cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DispersedSettings {
    /// Columns of the register that counts and tonnes are split by. Default: `sector`, and `region` where that is mapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Vec<String>>,
    /// SQL predicate over facilities: sites that deserve action of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategic: Option<String>,
    /// Wider radii to try, km. Default: twice the radius.
    #[serde(default)]
    pub radius_km: Vec<f64>,
    /// Lower minima to try. Default: one facility fewer, down to 2.
    #[serde(default)]
    pub min_facilities: Vec<usize>,
}
