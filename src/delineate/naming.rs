//! Names that a reader recognises: after the largest site, a town or a region; no two alike, and never the id.

use std::cell::LazyCell;
use std::collections::HashSet;

use super::groups::{Group, strongest};
use super::settings::{Delineation, NameBy};
use crate::globe::near::NearIndex;
use crate::globe::tree::Tree;
use crate::globe::{Vector, great_circle_km, reach_of, squared, unit_vector};
use crate::validate::{Boundary, Facilities, Place};

/// What names come from.
pub(super) struct Naming<'a> {
    pub facilities: &'a Facilities,
    pub boundaries: &'a [Boundary],
    pub places: &'a [Place],
    /// Emissions a facility over all periods, t.
    pub totals: &'a [Option<f64>],
}

impl Naming<'_> {
    /// Names groups; `anchors` has the largest site of each. Of two that ask for one name the greater emitter gets it.
    ///
    /// Names in `kept` (one a group, of an earlier run) stand before all others.
    pub fn names(
        &self,
        groups: &[Group],
        anchors: &[usize],
        kept: &[Option<String>],
        settings: &Delineation,
    ) -> Vec<String> {
        let towns = LazyCell::new(|| {
            Tree::new(&self.places.iter().map(|place| unit_vector(place.at)).collect::<Vec<Vector>>())
        });
        let regions = LazyCell::new(|| NearIndex::new(self.boundaries.iter().map(|boundary| Some(&boundary.geometry))));
        let emissions = |group: usize| -> f64 { groups[group].members.iter().filter_map(|&at| self.totals[at]).sum() };
        let mut order: Vec<(f64, usize)> = (0..groups.len()).map(|group| (emissions(group), group)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut names = kept.to_vec();
        let mut taken: HashSet<String> = kept.iter().flatten().cloned().collect();
        for (_, group) in order {
            if names[group].is_none() {
                let site = &self.facilities.names[anchors[group]];
                let wanted = match settings.name_by {
                    Some(NameBy::Site) => Vec::new(),
                    Some(NameBy::Place) => self.towns(&groups[group], &towns, settings.name_within_km),
                    Some(NameBy::Region) => self.region(&groups[group], &regions).into_iter().collect(),
                    None => groups[group].given.iter().map(|(_, name)| name.clone()).collect(),
                };
                let name = distinct(wanted, site, &self.facilities.ids[anchors[group]], &taken);
                taken.insert(name.clone());
                names[group] = Some(name);
            }
        }
        names.into_iter().flatten().collect()
    }

    /// Towns within reach by falling pull; the nearest town of all where none is within reach.
    fn towns(&self, group: &Group, towns: &Tree, within_km: f64) -> Vec<String> {
        let sites: Vec<(Vector, f64)> = group
            .members
            .iter()
            .filter_map(|&at| Some((unit_vector(self.facilities.places[at]?), self.totals[at].unwrap_or(0.0))))
            .collect();
        let total: f64 = sites.iter().map(|(_, weight)| weight).sum();
        let reach = reach_of(within_km);
        let mut near: Vec<u32> = sites.iter().flat_map(|(site, _)| towns.within(site, reach)).collect();
        near.sort_unstable();
        near.dedup();
        let pull = |&town: &u32| {
            let at = unit_vector(self.places[town as usize].at);
            let of_site = |(site, weight): &(Vector, f64)| {
                let km = great_circle_km(squared(site, &at).sqrt()).max(1.0);
                if total > 0.0 { weight / km.powi(2) } else { 1.0 / km.powi(2) }
            };
            let population = self.places[town as usize].population.unwrap_or(1.0).max(1.0);
            (population * sites.iter().map(of_site).sum::<f64>(), town)
        };
        let mut pulls: Vec<(f64, u32)> = near.iter().map(pull).collect();
        pulls.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        if pulls.is_empty() {
            let nearest = sites.iter().filter_map(|(site, _)| towns.nearest(site, f64::INFINITY));
            pulls.extend(nearest.reduce(|a, b| if b < a { b } else { a }));
        }
        pulls.into_iter().map(|(_, town)| self.places[town as usize].name.clone()).collect()
    }

    /// The region that holds most of a group's emissions, of several the first.
    fn region(&self, group: &Group, regions: &NearIndex) -> Option<String> {
        let mut held = vec![(0.0, 0usize); self.boundaries.len()];
        for &member in &group.members {
            let around = self.facilities.places[member].map(|place| regions.inside(place)).unwrap_or_default();
            for region in strongest(around, self.boundaries) {
                held[region].0 += self.totals[member].unwrap_or(0.0);
                held[region].1 += 1;
            }
        }
        let most = (0..held.len()).filter(|&region| held[region].1 > 0);
        let most = most.reduce(|best, region| if held[region] > held[best] { region } else { best });
        most.map(|region| self.boundaries[region].name.clone())
    }
}

/// The first name that is free; else the first with the site in brackets, or with its id.
fn distinct(wanted: Vec<String>, site: &str, id: &str, taken: &HashSet<String>) -> String {
    let first = wanted.first().cloned();
    let with_site = first.as_ref().map_or_else(|| site.to_owned(), |first| format!("{first} ({site})"));
    let with_id = first.map_or_else(|| format!("{site} ({id})"), |first| format!("{first} ({site}, {id})"));
    let mut candidates = wanted.into_iter().chain([with_site]);
    candidates.find(|name| !taken.contains(name)).unwrap_or(with_id)
}
