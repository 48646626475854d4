//! Facilities to groups, by each method, and the growth of groups.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::settings::{Delineation, Method};
use super::{dbscan, hdbscan, tiles};
use crate::declared::at_most;
use crate::error::{Error, Problem, Result};
use crate::globe::near::NearIndex;
use crate::globe::tree::Tree;
use crate::globe::{reach_of, unit_vector};
use crate::validate::{Boundary, Facilities};
use crate::workers::Workers;

/// Facilities that belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    /// Id and name, where the method brings them.
    pub given: Option<(String, String)>,
    /// Positions in [`Facilities::ids`], ascending.
    pub members: Vec<usize>,
}

/// Groups the facilities and lets the groups grow; returns them with the number of facilities that joined by growth.
///
/// # Errors
///
/// [`Error::Data`] if a facility lies in two boundaries and no priority decides, and those of the workers.
pub(super) fn group(
    (facilities, boundaries): (&Facilities, &[Boundary]),
    settings: &Delineation,
    radius_km: f64,
    workers: Option<&dyn Workers>,
) -> Result<(Vec<Group>, usize)> {
    let least = settings.min_facilities.unwrap_or(1);
    let placed: Vec<usize> = (0..facilities.ids.len()).filter(|&at| facilities.places[at].is_some()).collect();
    let points: Vec<(f64, f64)> = placed.iter().filter_map(|&at| facilities.places[at]).collect();
    let mut groups = match settings.method {
        Method::Label => by_label(facilities),
        Method::Boundary => return by_boundary(facilities, boundaries, settings.grow),
        Method::Dbscan => {
            let here = || Ok(dbscan::dbscan(&points, radius_km, least));
            let there = |workers| tiles::dbscan_by(workers, &points, radius_km, least);
            by_density(&placed, workers.map_or_else(here, there)?)
        }
        Method::Hdbscan => by_density(&placed, hdbscan::hdbscan(&points, least)),
    };
    let grown = settings.grow.map_or(0, |km| grow(facilities, &mut groups, km));
    Ok((groups, grown))
}

fn by_label(facilities: &Facilities) -> Vec<Group> {
    let group =
        |(label, members): (&str, Vec<usize>)| Group { given: Some((label.to_owned(), label.to_owned())), members };
    gathered(facilities.labels.iter().enumerate()).into_iter().map(group).collect()
}

fn by_density(placed: &[usize], labels: Vec<Option<usize>>) -> Vec<Group> {
    let groups = gathered(placed.iter().copied().zip(labels));
    groups.into_values().map(|members| Group { given: None, members }).collect()
}

/// The facilities of each label.
fn gathered<L: Ord>(labelled: impl Iterator<Item = (usize, Option<L>)>) -> BTreeMap<L, Vec<usize>> {
    let mut groups: BTreeMap<L, Vec<usize>> = BTreeMap::new();
    for (facility, label) in labelled {
        if let Some(label) = label {
            groups.entry(label).or_default().push(facility);
        }
    }
    groups
}

/// The boundary around each facility, else the nearest within `grow`.
fn by_boundary(facilities: &Facilities, boundaries: &[Boundary], grow: Option<f64>) -> Result<(Vec<Group>, usize)> {
    let index = NearIndex::new(boundaries.iter().map(|boundary| Some(&boundary.geometry)));
    let of = |place: &Option<(f64, f64)>| {
        let Some(place) = *place else { return (Vec::new(), None) };
        let around = strongest(index.inside(place), boundaries);
        let near = || grow.and_then(|km| index.nearest(place).filter(|nearest| at_most(nearest.km, km)));
        let near = if around.is_empty() { near().map(|nearest| nearest.feature) } else { None };
        (around, near)
    };
    let found: Vec<(Vec<usize>, Option<usize>)> = facilities.places.par_iter().map(of).collect();
    let contested = |(at, (around, _)): (usize, &(Vec<usize>, Option<usize>))| {
        let ids: Vec<&str> = around.iter().map(|&boundary| boundaries[boundary].id.as_str()).collect();
        (ids.len() > 1).then(|| format!("{} in {}", &facilities.ids[at], ids.join(" and ")))
    };
    let contested: Vec<String> = found.iter().enumerate().filter_map(contested).collect();
    if !contested.is_empty() {
        let message = format!("{} facilities lie in two boundaries or more", contested.len());
        let decided = boundaries.iter().any(|boundary| boundary.priority.is_some());
        let hint = if decided {
            "these boundaries have one `priority`, or none: give each its own, the greatest takes the facilities"
        } else {
            "give [boundaries] a column `priority`: the greatest takes them"
        };
        return Err(Error::Data { problems: vec![Problem::new("boundaries", message, hint).showing(contested)] });
    }
    let given = |boundary: &Boundary| Some((boundary.id.clone(), boundary.name.clone()));
    let mut groups: Vec<Group> =
        boundaries.iter().map(|boundary| Group { given: given(boundary), members: Vec::new() }).collect();
    let mut grown = 0;
    for (facility, (around, near)) in found.iter().enumerate() {
        grown += usize::from(near.is_some());
        if let Some(boundary) = around.first().or(near.as_ref()) {
            groups[*boundary].members.push(facility);
        }
    }
    groups.retain(|group| !group.members.is_empty());
    Ok((groups, grown))
}

/// Of several boundaries those of greatest priority; one without any stands below all others.
pub(super) fn strongest(around: Vec<usize>, boundaries: &[Boundary]) -> Vec<usize> {
    let priority = |boundary: &usize| boundaries[*boundary].priority.unwrap_or(f64::NEG_INFINITY);
    let greatest = around.iter().map(priority).fold(f64::NEG_INFINITY, f64::max);
    around.into_iter().filter(|boundary| priority(boundary) == greatest).collect()
}

/// Facilities in no group join that of the nearest grouped facility within `km` (ties: the one of smaller longitude, then
/// latitude, then greater emissions, then the smaller label, then id); once, so that growth does not feed on itself.
fn grow(facilities: &Facilities, groups: &mut [Group], km: f64) -> usize {
    let of_facility = super::positions(facilities, groups);
    let vector = |facility: usize| facilities.places[facility].map(unit_vector);
    let grouped = facilities.by_place().into_iter().filter(|&at| of_facility[at].is_some());
    let grouped: Vec<usize> = grouped.collect();
    let tree = Tree::new(&grouped.iter().filter_map(|&at| vector(at)).collect::<Vec<_>>());
    let reach = reach_of(km);
    let joins = |at: usize| {
        let nearest = tree.nearest(&vector(at).filter(|_| of_facility[at].is_none())?, reach)?;
        of_facility[grouped[nearest.1 as usize]]
    };
    let joined: Vec<Option<usize>> = (0..facilities.ids.len()).into_par_iter().map(joins).collect();
    let mut grown = 0;
    for (facility, group) in joined.into_iter().enumerate() {
        if let Some(group) = group {
            groups[group].members.push(facility);
            grown += 1;
        }
    }
    groups.iter_mut().for_each(|group| group.members.sort_unstable());
    grown
}
