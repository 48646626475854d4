//! Facilities to clusters, once over all periods: by a label or by great-circle DBSCAN. Looks at places and
//! emissions only, never at firms or scores.

pub mod dbscan;
pub mod hdbscan;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::finding::{Findings, Rule, Severity};
use crate::validate::Facilities;

/// `[delineate]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delineation {
    /// How clusters are found.
    pub method: Method,
    /// `dbscan`: the neighbourhood's radius, km of great circle.
    pub radius_km: Option<f64>,
    /// `dbscan`: facilities in a core point's neighbourhood, itself included; `label`: smallest group.
    pub min_facilities: Option<usize>,
    /// Groups that reach this in no period dissolve into dispersed sites, t.
    pub min_emissions_t: Option<f64>,
}

/// How clusters are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// The column `label` of the register.
    Label,
    /// Density: DBSCAN (Ester et al. 1996) on great-circle distance.
    Dbscan,
}

impl Delineation {
    /// What the settings lack or have too much of.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |key: &str, message: &str, hint: &str| {
            problems.push(Problem::new(format!("delineate.{key}"), message, hint))
        };
        match (self.method, self.radius_km) {
            (Method::Dbscan, None) => refuse("radius_km", "`dbscan` needs a radius", "add radius_km = 10"),
            (Method::Dbscan, Some(radius)) if !(radius > 0.0 && radius < 10_000.0) => {
                refuse("radius_km", "the radius must be above 0 and below 10,000 km", "");
            }
            (Method::Label, Some(_)) => refuse("radius_km", "`label` knows no radius", "leave it out"),
            _ => {}
        }
        match (self.method, self.min_facilities) {
            (Method::Dbscan, None) => {
                refuse("min_facilities", "`dbscan` needs a smallest number", "add min_facilities = 4")
            }
            (_, Some(0)) => refuse("min_facilities", "must be 1 or more", ""),
            _ => {}
        }
        problems
    }
}

/// The clusters, ascending by id, and who is in them.
#[derive(Debug, Default)]
pub struct Clusters {
    /// Ids, ascending.
    pub ids: Vec<String>,
    /// Display names.
    pub names: Vec<String>,
    /// The cluster (position in [`Clusters::ids`]) of each facility; `None`: a dispersed site.
    pub of_facility: Vec<Option<usize>>,
}

/// Groups the facilities and names the groups.
pub fn delineate(facilities: &Facilities, settings: &Delineation, findings: &mut Findings) -> Clusters {
    let groups = match settings.method {
        Method::Label => by_label(facilities),
        Method::Dbscan => by_density(facilities, settings),
    };
    let totals = totals(facilities);
    let least = if settings.method == Method::Label { settings.min_facilities.unwrap_or(1) } else { 1 };
    let found = groups.len();
    let mut clusters: Vec<(String, String, Vec<usize>)> = groups
        .into_iter()
        .filter(|(_, members)| members.len() >= least)
        .filter(|(_, members)| settings.min_emissions_t.is_none_or(|min| greatest_period(facilities, members) >= min))
        .map(|(label, members)| {
            let (id, name) =
                label.map_or_else(|| identity(facilities, &totals, &members), |label| (label.clone(), label));
            (id, name, members)
        })
        .collect();
    clusters.sort();
    let message = "groups below min_facilities or min_emissions_t: dissolved into dispersed sites".to_owned();
    findings.add(Severity::Info, "delineate", "facilities", Rule::Dissolved, message, found - clusters.len());
    let mut of_facility = vec![None; facilities.ids.len()];
    for (position, (_, _, members)) in clusters.iter().enumerate() {
        members.iter().for_each(|&member| of_facility[member] = Some(position));
    }
    let (ids, names) = clusters.into_iter().map(|(id, name, _)| (id, name)).unzip();
    Clusters { ids, names, of_facility }
}

type Group = (Option<String>, Vec<usize>);

fn by_label(facilities: &Facilities) -> Vec<Group> {
    let mut groups: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (facility, label) in facilities.labels.iter().enumerate() {
        if let Some(label) = label {
            groups.entry(label).or_default().push(facility);
        }
    }
    groups.into_iter().map(|(label, members)| (Some(label.clone()), members)).collect()
}

fn by_density(facilities: &Facilities, settings: &Delineation) -> Vec<Group> {
    let (radius, least) = (settings.radius_km.unwrap_or_default(), settings.min_facilities.unwrap_or(1));
    let placed: Vec<usize> =
        (0..facilities.ids.len()).filter(|&facility| facilities.places[facility].is_some()).collect();
    let points: Vec<(f64, f64)> = placed.iter().filter_map(|&facility| facilities.places[facility]).collect();
    let labels = dbscan::dbscan(&points, radius, least);
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (facility, label) in placed.into_iter().zip(labels) {
        if let Some(label) = label {
            groups.entry(label).or_default().push(facility);
        }
    }
    groups.into_values().map(|members| (None, members)).collect()
}

/// Emissions a facility, summed over periods, t; `None` where no period has any.
fn totals(facilities: &Facilities) -> Vec<Option<f64>> {
    let mut totals = vec![None; facilities.ids.len()];
    for (row, &facility) in facilities.facility.iter().enumerate() {
        if let Some(emissions) = facilities.emissions_t[row] {
            *totals[facility].get_or_insert(0.0) += emissions;
        }
    }
    totals
}

/// `c-` and the id of the facility of greatest total emissions (ties and no emissions: the smallest id), with its name.
fn identity(facilities: &Facilities, totals: &[Option<f64>], members: &[usize]) -> (String, String) {
    let mut anchor = members[0];
    for &member in &members[1..] {
        if totals[member].unwrap_or(f64::NEG_INFINITY) > totals[anchor].unwrap_or(f64::NEG_INFINITY) {
            anchor = member;
        }
    }
    (format!("c-{}", facilities.ids[anchor]), facilities.names[anchor].clone())
}

fn greatest_period(facilities: &Facilities, members: &[usize]) -> f64 {
    let mut periods: BTreeMap<Option<i64>, f64> = BTreeMap::new();
    for member in members {
        let first = facilities.facility.partition_point(|facility| facility < member);
        for row in (first..facilities.rows()).take_while(|&row| facilities.facility[row] == *member) {
            *periods.entry(facilities.period[row]).or_default() += facilities.emissions_t[row].unwrap_or(0.0);
        }
    }
    periods.into_values().fold(0.0, f64::max)
}
