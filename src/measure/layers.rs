//! What the layers tell about every facility (distance to the nearest feature, counts and sums within radii) and about
//! every cluster (which features it reaches, and how much they hold).

use std::collections::BTreeMap;

use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use rayon::prelude::*;

use super::{Layout, Wanted};
use crate::delineate::Clusters;
use crate::finding::{Findings, Rule, Severity};
use crate::globe::near::{NearIndex, Nearest, Order};
use crate::names;
use crate::validate::{Facilities, Layer};

/// A layer none of whose features is nearer than this to any facility is likely misplaced, km.
const FAR_KM: f64 = 2000.0;

/// One feature that a cluster reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// Position of the cluster.
    pub cluster: usize,
    /// Position of the layer.
    pub layer: usize,
    /// The feature, its distance from the nearest facility of the cluster, km.
    pub nearest: Nearest,
    /// That facility (position in [`Facilities::ids`]; ties: the smaller id).
    pub facility: usize,
}

/// What all layers tell.
#[derive(Default)]
pub(super) struct Surroundings {
    /// Columns of `facilities`.
    pub columns: Vec<Column>,
    /// Columns of `clusters`: `reachable_<c>`.
    pub figures: Vec<Column>,
    /// By cluster, layer, distance.
    pub reach: Vec<Reach>,
}

/// The columns that a layer gives to `facilities`.
pub(super) fn layer_columns(layer: &Layer) -> Vec<(String, DataType)> {
    let name = &layer.name;
    let mut columns = vec![(names::distance(name), DataType::Float64), (names::nearest(name), DataType::String)];
    for &radius in &layer.within_km {
        let sums = layer.sums.iter().map(|(column, _)| names::sum_within(name, column, radius));
        let within = std::iter::once(names::count_within(name, radius)).chain(sums);
        columns.extend(within.map(|name| (name, DataType::Float64)));
    }
    columns
}

/// The figures that the layers give to `clusters`: one for each column that is summed within a radius.
pub(super) fn reachable_figures(layers: &[Layer]) -> IndexSet<String> {
    let summed = layers.iter().filter(|layer| !layer.within_km.is_empty()).flat_map(|layer| &layer.sums);
    summed.map(|(column, _)| names::reachable(column)).collect()
}

/// Measures every facility and cluster against every layer.
pub(super) fn surroundings(
    layout: &Layout<'_>,
    layers: &[Layer],
    wanted: Wanted,
    findings: &mut Findings,
) -> Surroundings {
    let Layout { facilities, clusters, units, rows } = *layout;
    let began = std::time::Instant::now();
    let mut all = Surroundings::default();
    let order = Order::new(&facilities.places);
    let mut amounts: IndexMap<String, Vec<f64>> =
        reachable_figures(layers).into_iter().map(|name| (name, vec![0.0; units.len()])).collect();
    for (position, layer) in layers.iter().enumerate() {
        let (index, nearest) = nearest(layer, &facilities.places, &order);
        note_doubt(layer, &nearest, findings);
        all.columns.extend(columns(layer, facilities, &nearest, &index));
        if let Some(widest) = layer.within_km.iter().copied().reduce(f64::max) {
            let held: Vec<Vec<f64>> =
                rows.par_iter().map(|rows| held(facilities, rows, layer, &index, widest)).collect();
            for (sum, (column, _)) in layer.sums.iter().enumerate() {
                let amounts = &mut amounts[&names::reachable(column)];
                held.iter().zip(amounts).for_each(|(held, amount)| *amount += held[sum]);
            }
        }
        if wanted == Wanted::Details {
            all.reach.extend(reach(facilities, clusters, (position, layer), &index, &nearest));
        }
    }
    let per_tonne = |amounts: Vec<f64>| -> Vec<Option<f64>> {
        let emissions =
            rows.iter().map(|rows| super::concentration::sum(rows.iter().map(|&row| facilities.emissions_t.get(row))));
        let shares = amounts.into_iter().zip(emissions).zip(rows);
        shares
            .map(|((amount, emissions), rows)| {
                let placed = rows.iter().any(|&row| facilities.places[facilities.facility[row]].is_some());
                emissions.filter(|emissions| placed && *emissions > 0.0).map(|emissions| amount / emissions)
            })
            .collect()
    };
    all.figures = amounts.into_iter().map(|(name, amounts)| Column::new(name.into(), per_tonne(amounts))).collect();
    all.reach.sort_by(|a, b| {
        let key = |reach: &Reach| (reach.cluster, reach.layer);
        key(a).cmp(&key(b)).then(a.nearest.km.total_cmp(&b.nearest.km)).then(a.nearest.feature.cmp(&b.nearest.feature))
    });
    tracing::debug!(seconds = began.elapsed().as_secs_f64(), "distances");
    all
}

/// The sums of a layer's columns over the features within a radius of any of some facilities, each feature once.
fn held(facilities: &Facilities, rows: &[usize], layer: &Layer, index: &NearIndex, radius_km: f64) -> Vec<f64> {
    let places = rows.iter().filter_map(|&row| facilities.places[facilities.facility[row]]);
    let mut features: Vec<usize> = places.flat_map(|place| index.within(place, radius_km)).collect();
    features.sort_unstable();
    features.dedup();
    layer.sums.iter().map(|(_, values)| sum(&features, values)).collect()
}

fn sum(features: &[usize], values: &[Option<f64>]) -> f64 {
    features.iter().filter_map(|&feature| values[feature]).fold(0.0, |sum, value| sum + value)
}

fn columns(layer: &Layer, facilities: &Facilities, nearest: &[Option<Nearest>], index: &NearIndex) -> Vec<Column> {
    let rows = || facilities.facility.iter();
    let mut names = layer_columns(layer).into_iter().map(|(name, _)| PlSmallStr::from(name));
    let mut name = || names.next().unwrap_or_default();
    let km = Float64Chunked::from_iter_options(name(), rows().map(|&at| nearest[at].map(|nearest| nearest.km)));
    let id = |&at: &usize| nearest[at].map(|nearest| layer.features[nearest.feature].id.as_str());
    let ids = StringChunked::from_iter_options(name(), rows().map(id));
    let mut columns = vec![km.into_column(), ids.into_column()];
    for &radius in &layer.within_km {
        let figures = |place: (f64, f64)| {
            let found = index.within(place, radius);
            let sums = layer.sums.iter().map(|(_, values)| sum(&found, values));
            std::iter::once(found.len() as f64).chain(sums).collect()
        };
        let found: Vec<Option<Vec<f64>>> = facilities.places.par_iter().map(|place| place.map(figures)).collect();
        for figure in 0..=layer.sums.len() {
            let values = rows().map(|&at| found[at].as_ref().map(|found| found[figure]));
            columns.push(Float64Chunked::from_iter_options(name(), values).into_column());
        }
    }
    columns
}

/// What each cluster reaches of a layer: every feature within `reach_km` of a facility, or else the nearest.
fn reach(
    facilities: &Facilities,
    clusters: &Clusters,
    (position, layer): (usize, &Layer),
    index: &NearIndex,
    nearest: &[Option<Nearest>],
) -> Vec<Reach> {
    let at = |cluster: usize, nearest: Nearest, facility: usize| Reach { cluster, layer: position, nearest, facility };
    let mut closest: Vec<Option<Reach>> = vec![None; clusters.ids.len()];
    for (facility, cluster) in clusters.of_facility.iter().enumerate() {
        if let (Some(cluster), Some(nearest)) = (*cluster, nearest[facility])
            && closest[cluster].is_none_or(|closest| nearest.km < closest.nearest.km)
        {
            closest[cluster] = Some(at(cluster, nearest, facility));
        }
    }
    let Some(reach_km) = layer.reach_km else { return closest.into_iter().flatten().collect() };
    let of_facility = |(facility, cluster): (usize, &Option<usize>)| {
        let found = cluster.zip(facilities.places[facility]).map(|(cluster, place)| {
            let found = index.reach(place, reach_km).into_iter();
            found.map(|nearest| at(cluster, nearest, facility)).collect::<Vec<_>>()
        });
        found.unwrap_or_default()
    };
    let found: Vec<Vec<Reach>> = clusters.of_facility.par_iter().enumerate().map(of_facility).collect();
    let mut best: BTreeMap<(usize, usize), Reach> = BTreeMap::new();
    for reach in found.into_iter().flatten() {
        let slot = best.entry((reach.cluster, reach.nearest.feature)).or_insert(reach);
        if reach.nearest.km < slot.nearest.km {
            *slot = reach;
        }
    }
    let beyond = closest.into_iter().flatten().filter(|closest| closest.nearest.km > reach_km);
    best.into_values().chain(beyond).collect()
}

fn note_doubt(layer: &Layer, nearest: &[Option<Nearest>], findings: &mut Findings) {
    if let Some((rule, message)) = doubt(layer, nearest) {
        findings.add(Severity::Warning, &format!("layers.{}", layer.name), rule, message, 1);
    }
}

/// Why a layer tells nothing about any facility, if it does not.
fn doubt(layer: &Layer, nearest: &[Option<Nearest>]) -> Option<(Rule, String)> {
    if layer.features.iter().all(|feature| feature.geometry.is_none()) {
        let message = "no feature with a geometry is left: every distance to it is missing";
        return Some((Rule::EmptyLayer, message.into()));
    }
    let km = nearest.iter().flatten().map(|nearest| nearest.km).reduce(f64::min).filter(|km| *km > FAR_KM)?;
    let hint = "another hemisphere (the sign of x or y), x and y exchanged, or another crs?";
    Some((Rule::FarLayer, format!("no feature lies within {km:.0} km of any facility: {hint}")))
}

/// What is doubtful about layers, judged by some of the facilities.
pub fn doubts(facilities: &Facilities, layers: &[Layer]) -> Vec<String> {
    const ENOUGH: usize = 1000;
    let step = facilities.places.len().div_ceil(ENOUGH).max(1);
    let some: Vec<Option<(f64, f64)>> = facilities.places.iter().step_by(step).copied().collect();
    let order = Order::new(&some);
    let doubt =
        |layer: &Layer| Some(format!("layers.{}: {}", layer.name, doubt(layer, &nearest(layer, &some, &order).1)?.1));
    layers.iter().filter_map(doubt).collect()
}

/// A layer's index, and its nearest feature to each place.
fn nearest(layer: &Layer, places: &[Option<(f64, f64)>], order: &Order) -> (NearIndex, Vec<Option<Nearest>>) {
    let index = NearIndex::new(layer.features.iter().map(|feature| feature.geometry.as_ref()));
    let nearest = index.nearest_all(places, order);
    (index, nearest)
}
