//! Dispersed sites that would form a cluster, or join one, if its rules were a little wider.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::settings::{Delineation, Method, Radii};
use super::{Clusters, Geography, Ground, groups, largest, totals};
use crate::error::Result;
use crate::finding::Findings;
use crate::validate::Facilities;

/// One wider rule and what it would gather.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// `dbscan`: the radius, km.
    pub radius_km: Option<f64>,
    /// The smallest number of facilities.
    pub min_facilities: Option<usize>,
    /// The smallest emissions, t.
    pub min_emissions_t: Option<f64>,
    /// Groups with dispersed sites in them, by id.
    pub groups: Vec<Gathered>,
}

/// Dispersed sites that would stand together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gathered {
    /// `c-` and the id of the largest site of the whole group.
    pub id: String,
    /// That site's name.
    pub name: String,
    /// The dispersed sites in it, positions in the register's ids, ascending.
    pub members: Vec<usize>,
    /// The cluster that they would join: of several the one with most sites in the group.
    pub joins: Option<usize>,
}

/// Wider rules than a pipeline's own, one at a time.
#[derive(Debug, Clone, Default)]
pub struct Wider {
    /// Radii, km; empty: twice the radius.
    pub radius_km: Vec<f64>,
    /// Smallest numbers of facilities; empty: one fewer, down to 2.
    pub min_facilities: Vec<usize>,
}

impl Wider {
    /// The pipeline's rules, widened one by one.
    fn rules(&self, settings: &Delineation) -> Vec<Delineation> {
        let mut rules = Vec::new();
        let mut with = |change: &dyn Fn(&mut Delineation)| {
            let mut rule =
                Delineation { radius_km: Radii(settings.radius_km.main().into_iter().collect()), ..settings.clone() };
            change(&mut rule);
            rules.push(rule);
        };
        let main = settings.radius_km.main();
        let twice: Vec<f64> = main.into_iter().map(|radius| 2.0 * radius).collect();
        for &radius in if self.radius_km.is_empty() { &twice } else { &self.radius_km } {
            if main.is_some() {
                with(&|rule| rule.radius_km = Radii(vec![radius]));
            }
        }
        let fewer: Vec<usize> =
            settings.min_facilities.iter().map(|least| least - 1).filter(|least| *least >= 2).collect();
        for &least in if self.min_facilities.is_empty() { &fewer } else { &self.min_facilities } {
            with(&|rule| rule.min_facilities = Some(least));
        }
        if settings.min_emissions_t.is_some() {
            with(&|rule| rule.min_emissions_t = None);
        }
        rules
    }
}

/// What each wider rule would gather; nothing where clusters come by label or boundary.
///
/// # Errors
///
/// As [`super::delineate`].
pub fn trials(
    facilities: &Facilities,
    geography: Geography<'_>,
    settings: &Delineation,
    clusters: &Clusters,
    wider: &Wider,
) -> Result<Vec<Trial>> {
    if !matches!(settings.method, Method::Dbscan | Method::Hdbscan) {
        return Ok(Vec::new());
    }
    let totals = totals(facilities, &facilities.weights);
    let trial = |rule: Delineation| {
        let radius_km = rule.radius_km.main();
        let ground = Ground { facilities, geography, settings: &rule, workers: None };
        let found = groups(ground, radius_km.unwrap_or_default(), &mut Findings::default())?;
        let mut gathered = Vec::new();
        for group in found {
            let (members, settled): (Vec<usize>, Vec<usize>) =
                group.members.iter().partition(|&&member| clusters.of_facility[member].is_none());
            if members.is_empty() {
                continue;
            }
            let mut shared: BTreeMap<usize, usize> = BTreeMap::new();
            settled.iter().filter_map(|&member| clusters.of_facility[member]).for_each(|cluster| {
                *shared.entry(cluster).or_default() += 1;
            });
            let joins = shared.iter().max_by_key(|&(cluster, count)| (*count, std::cmp::Reverse(*cluster)));
            let largest = largest(&totals, &group.members);
            let (id, name) = (format!("c-{}", &facilities.ids[largest]), facilities.names[largest].to_owned());
            gathered.push(Gathered { id, name, members, joins: joins.map(|(cluster, _)| *cluster) });
        }
        gathered.sort_by(|a, b| a.id.cmp(&b.id));
        let (min_facilities, min_emissions_t) = (rule.min_facilities, rule.min_emissions_t);
        Ok(Trial { radius_km, min_facilities, min_emissions_t, groups: gathered })
    };
    wider.rules(settings).into_par_iter().map(trial).collect()
}
