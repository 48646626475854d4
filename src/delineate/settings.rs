//! `[delineate]` of the pipeline file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Problem;

/// `[delineate]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delineation {
    /// How clusters are found.
    pub method: Method,
    /// `dbscan`: the neighbourhood's radius, km of great circle. Of several the middle one (of an even number the lower)
    /// makes the clusters; how they split and merge at the others stands in `stability.csv`.
    #[serde(default, skip_serializing_if = "Radii::is_empty")]
    pub radius_km: Radii,
    /// `dbscan`: facilities in a core point's neighbourhood, itself included; `hdbscan`: smallest cluster, and the
    /// neighbour that makes a core distance; `label` and `boundary`: smallest group.
    pub min_facilities: Option<usize>,
    /// Groups that reach this in no period dissolve into dispersed sites, t.
    pub min_emissions_t: Option<f64>,
    /// Facilities in no group join the nearest one within this, km: for `boundary` by geodesic to the polygon, else by
    /// great circle to a facility of the group.
    pub grow: Option<f64>,
    /// What clusters are named after; default: for `label` and `boundary` what they bring, else the largest site.
    pub name_by: Option<NameBy>,
    /// `name_by = "place"`: towns within this of a facility of the cluster come first, km.
    #[serde(default = "near")]
    pub name_within_km: f64,
}

fn near() -> f64 {
    10.0
}

/// How clusters are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The column `label` of the register.
    Label,
    /// The polygons of `[boundaries]`.
    Boundary,
    /// Density: DBSCAN (Ester et al. 1996) on great-circle distance.
    Dbscan,
    /// Any density: HDBSCAN (Campello et al. 2013) on great-circle distance.
    Hdbscan,
}

/// What clusters are named after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameBy {
    /// The facility of greatest emissions.
    Site,
    /// The town of `[places]` with the greatest pull: its population over the square of the distance (1 km at least) to
    /// each facility, weighted by emissions (Reilly 1931).
    Place,
    /// The region of `[boundaries]` that holds most of its emissions.
    Region,
}

/// One radius or several, km.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "OneOrSeveral", into = "OneOrSeveral")]
#[schemars(with = "OneOrSeveral")]
pub struct Radii(pub Vec<f64>);

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number of kilometres or a list of them, without quotes")]
enum OneOrSeveral {
    One(f64),
    Several(Vec<f64>),
}

impl From<OneOrSeveral> for Radii {
    fn from(given: OneOrSeveral) -> Self {
        match given {
            OneOrSeveral::One(radius) => Self(vec![radius]),
            OneOrSeveral::Several(radii) => Self(radii),
        }
    }
}

impl From<Radii> for OneOrSeveral {
    fn from(Radii(radii): Radii) -> Self {
        if let [radius] = radii[..] { Self::One(radius) } else { Self::Several(radii) }
    }
}

impl Radii {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The radius that makes the clusters: the middle one, of an even number the lower of two.
    pub fn main(&self) -> Option<f64> {
        let radii = self.ascending();
        radii.get(radii.len().saturating_sub(1) / 2).copied()
    }

    /// The others, ascending.
    pub fn others(&self) -> Vec<f64> {
        let main = self.main();
        let mut radii = self.ascending();
        radii.retain(|radius| Some(*radius) != main);
        radii.dedup();
        radii
    }

    fn ascending(&self) -> Vec<f64> {
        let mut radii = self.0.clone();
        radii.sort_by(f64::total_cmp);
        radii
    }
}

impl Delineation {
    /// What the settings lack or have too much of.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |key: &str, message: String, hint: &str| {
            problems.push(Problem::new(format!("delineate.{key}"), message, hint))
        };
        let method = self.method.as_str();
        if self.method == Method::Dbscan && self.radius_km.is_empty() {
            refuse("radius_km", "`dbscan` needs a radius".into(), "add radius_km = 10");
        }
        if self.method != Method::Dbscan && !self.radius_km.is_empty() {
            refuse("radius_km", format!("`{method}` knows no radius"), "leave it out");
        }
        if let Some(radius) = self.radius_km.0.iter().find(|radius| !(**radius > 0.0 && **radius < 10_000.0)) {
            refuse("radius_km", format!("{radius}: the radius must be above 0 and below 10,000 km"), "");
        }
        match (self.method, self.min_facilities) {
            (Method::Dbscan | Method::Hdbscan, None) => {
                refuse("min_facilities", format!("`{method}` needs a smallest number"), "add min_facilities = 4");
            }
            (Method::Hdbscan, Some(1)) => refuse("min_facilities", "`hdbscan` needs 2 or more".into(), ""),
            (_, Some(0)) => refuse("min_facilities", "must be 1 or more".into(), ""),
            _ => {}
        }
        for (key, km) in [("grow", self.grow), ("name_within_km", Some(self.name_within_km))] {
            if let Some(km) = km.filter(|km| !(*km > 0.0 && *km < 10_000.0)) {
                refuse(key, format!("{km}: must be above 0 and below 10,000 km"), "");
            }
        }
        problems
    }
}

impl Method {
    /// The word that the pipeline file uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Boundary => "boundary",
            Self::Dbscan => "dbscan",
            Self::Hdbscan => "hdbscan",
        }
    }

    /// Whether a cluster brings its own id.
    pub fn gives_ids(self) -> bool {
        matches!(self, Self::Label | Self::Boundary)
    }
}
