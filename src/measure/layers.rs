//! What the layers tell about every facility (distance to the nearest feature, counts and sums within radii) and about
//! every cluster (which features it reaches, and how much they hold).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use geo::Geometry;
use indexmap::{IndexMap, IndexSet};
use polars::prelude::*;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Layout, Needs, Wanted};
use crate::delineate::Clusters;
use crate::error::Result;
use crate::finding::{Findings, Rule, Severity};
use crate::globe::geodesy::Degrees;
use crate::globe::near::{NearIndex, Nearest, Order};
use crate::names;
use crate::validate::{Facilities, Feature, Layer};
use crate::workers::{Kind, Workers, ask, done};

/// A layer none of whose features is nearer than this to any facility is likely misplaced, km.
const FAR_KM: f64 = 2000.0;

/// One feature that a cluster reaches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// Position of the cluster.
    pub cluster: usize,
    /// Position of the layer.
    pub layer: usize,
    /// The feature, its distance from the nearest facility of the cluster, km.
    pub nearest: Nearest,
    /// That facility (position in [`Facilities::ids`]; ties: the smaller id).
    pub facility: usize,
    /// How well the distance is known, km, where it is shorter than that.
    pub within_km: Option<f64>,
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
pub(super) fn layer_columns(layer: &Layer, facilities: &Facilities) -> Vec<(String, DataType)> {
    let name = &layer.name;
    let mut columns = vec![(names::distance(name), DataType::Float64), (names::nearest(name), DataType::String)];
    if is_marked(layer, facilities) {
        columns.push((names::within_km(name), DataType::Float64));
    }
    for &radius in &layer.within_km {
        let sums = layer.sums.iter().map(|(column, _)| names::sum_within(name, column, radius));
        let within = std::iter::once(names::count_within(name, radius)).chain(sums);
        columns.extend(within.map(|name| (name, DataType::Float64)));
    }
    columns
}

/// Whether distances to a layer are marked where they are shorter than what is known of either end. Those that the register
/// brings itself are not.
fn is_marked(layer: &Layer, facilities: &Facilities) -> bool {
    let brought = facilities.declared.contains(&names::distance(&layer.name));
    (layer.is_imprecise || facilities.is_imprecise()) && !brought
}

/// Layers made ready to be searched; the places of facilities have no part in it.
#[derive(Clone, Default)]
pub struct Indexes {
    layers: Vec<Arc<Indexed>>,
    /// Other processes that look for the nearest features.
    workers: Option<Arc<dyn Workers>>,
}

/// One layer: its periods, ascending (of a layer without years one), and an index of what stands at the end of each.
struct Indexed {
    periods: Vec<Option<i64>>,
    indexes: Vec<NearIndex>,
}

impl Indexes {
    /// Indexes all layers in the periods of a register.
    pub fn new(layers: &[Layer], facilities: Option<&Facilities>) -> Self {
        let layers = layers.iter().map(|layer| Arc::new(Indexed::new(layer, facilities))).collect();
        Self { layers, workers: None }
    }

    /// The same, searched by other processes where all that a reader may ask for is measured.
    pub fn by(self, workers: Option<Arc<dyn Workers>>) -> Self {
        Self { workers, ..self }
    }

    /// The same with every feature of a layer moved by kilometres to the east and to the north: see [`NearIndex::moved`].
    pub fn moved(&self, position: usize, steps_km: &[Option<[f64; 2]>]) -> Self {
        let mut all = self.layers.clone();
        let Indexed { periods, indexes } = &*all[position];
        let indexes = indexes.iter().map(|index| index.moved(|feature| steps_km[feature])).collect();
        all[position] = Arc::new(Indexed { periods: periods.clone(), indexes });
        Self { layers: all, workers: None }
    }
}

impl Indexed {
    fn new(layer: &Layer, facilities: Option<&Facilities>) -> Self {
        let has_years = layer.features.iter().any(|feature| layer.is_dated || feature.years[1].is_some());
        let periods: BTreeSet<Option<i64>> = if has_years {
            facilities.iter().flat_map(|facilities| facilities.period.iter()).collect()
        } else {
            BTreeSet::from([None])
        };
        let indexes = periods.iter().map(|&period| index(layer, period)).collect();
        Self { periods: periods.into_iter().collect(), indexes }
    }
}

/// A layer as it stands at the end of one period: features that do not stand then have no geometry in its index.
struct Standing<'a> {
    index: &'a NearIndex,
    /// Of each facility.
    nearest: Vec<Option<Nearest>>,
}

/// The places that are asked about: of all facilities, or of those in clusters where scores alone are wanted.
struct Asked {
    places: Vec<Option<(f64, f64)>>,
    order: Order,
}

impl Asked {
    fn new(layout: &Layout<'_>, wanted: Wanted) -> Self {
        let Layout { facilities, clusters, .. } = *layout;
        let is_asked = |at: usize| wanted == Wanted::Details || clusters.of_facility[at].is_some();
        let places = facilities.places.iter().enumerate().map(|(at, place)| place.filter(|_| is_asked(at)));
        let places: Vec<Option<(f64, f64)>> = places.collect();
        Self { order: Order::new(&places), places }
    }
}

/// A layer over all periods.
struct Surveyed<'a> {
    layer: &'a Layer,
    /// One a period, ascending; of a layer without years one.
    standing: Vec<Standing<'a>>,
    /// Of each of the register's rows.
    of_row: Vec<usize>,
}

impl<'a> Surveyed<'a> {
    fn new(
        layer: &'a Layer,
        indexed: &'a Indexed,
        (facilities, asked): (&Facilities, &Asked),
        workers: Option<&dyn Workers>,
    ) -> Result<Self> {
        let positions: HashMap<Option<i64>, usize> =
            indexed.periods.iter().enumerate().map(|(at, period)| (*period, at)).collect();
        let of_row =
            facilities.period.iter().map(|period| positions.get(&period).copied().unwrap_or_default()).collect();
        let standing = |(index, period): (&'a NearIndex, &Option<i64>)| {
            let here = || Ok(index.nearest_all(&asked.places, &asked.order));
            let nearest = workers.map_or_else(here, |workers| nearest_by(workers, layer, *period, asked))?;
            Ok(Standing { index, nearest })
        };
        let standing = indexed.indexes.iter().zip(&indexed.periods).map(standing).collect::<Result<_>>()?;
        Ok(Self { layer, standing, of_row })
    }

    /// As it stands in a row's period.
    fn at(&self, row: usize) -> &Standing<'a> {
        &self.standing[self.of_row[row]]
    }
}

/// The figures that the layers give to `clusters`: one for each column that is summed within a radius.
pub(super) fn reachable_figures(layers: &[Layer]) -> IndexSet<String> {
    let summed = layers.iter().filter(|layer| !layer.within_km.is_empty()).flat_map(|layer| &layer.sums);
    summed.map(|(column, _)| names::reachable(column)).collect()
}

fn needed_figures(layers: &[Layer], needs: &Needs<'_>) -> impl Iterator<Item = String> {
    reachable_figures(layers).into_iter().filter(|name| needs.figure(name))
}

/// Measures every facility and cluster against every layer of which anything is needed; without a register nothing.
pub(super) fn surroundings(
    laid: Option<&Layout<'_>>,
    (layers, indexes): (&[Layer], &Indexes),
    needs: &Needs<'_>,
    findings: &mut Findings,
) -> Result<Surroundings> {
    let Some(layout) = laid else { return Ok(Surroundings::default()) };
    let Layout { facilities, clusters, units, rows } = *layout;
    let began = std::time::Instant::now();
    let mut all = Surroundings::default();
    let asked = Asked::new(layout, needs.wanted);
    let workers = indexes.workers.as_deref().filter(|_| needs.wanted == Wanted::Details);
    let mut amounts: IndexMap<String, Vec<f64>> =
        needed_figures(layers, needs).map(|name| (name, vec![0.0; units.len()])).collect();
    for (position, (layer, indexed)) in layers.iter().zip(&indexes.layers).enumerate() {
        if !is_needed(layer, facilities, needs) {
            continue;
        }
        let surveyed = Surveyed::new(layer, indexed, (facilities, &asked), workers)?;
        // What is said of all periods is said of the latest.
        let Some(latest) = surveyed.standing.last() else { continue };
        note_doubt(layer, &latest.nearest, findings);
        all.columns.extend(columns(&surveyed, facilities, (&asked, needs), findings));
        let is_held = layer.sums.iter().any(|(column, _)| needs.figure(&names::reachable(column)));
        if let Some(widest) = layer.within_km.iter().copied().reduce(f64::max).filter(|_| is_held) {
            let held: Vec<Vec<f64>> = rows.par_iter().map(|rows| held(facilities, rows, &surveyed, widest)).collect();
            for (sum, (column, _)) in layer.sums.iter().enumerate() {
                let Some(amounts) = amounts.get_mut(&names::reachable(column)) else { continue };
                held.iter().zip(amounts).for_each(|(held, amount)| *amount += held[sum]);
            }
        }
        if needs.wanted == Wanted::Details {
            all.reach.extend(reach(facilities, clusters, (position, layer), latest));
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
    Ok(all)
}

/// Whether any of a layer's columns and figures is needed.
fn is_needed(layer: &Layer, facilities: &Facilities, needs: &Needs<'_>) -> bool {
    let columns = layer_columns(layer, facilities).into_iter().map(|(name, _)| name);
    let mut figures = layer.sums.iter().map(|(column, _)| names::reachable(column));
    columns.into_iter().any(|name| needs.column(&name)) || figures.any(|name| needs.figure(&name))
}

/// The sums of a layer's columns over the features within a radius of any of some facilities, each feature once.
fn held(facilities: &Facilities, rows: &[usize], surveyed: &Surveyed<'_>, radius_km: f64) -> Vec<f64> {
    let within = |&row: &usize| {
        let place = facilities.places[facilities.facility[row]]?;
        Some(surveyed.at(row).index.within(place, radius_km))
    };
    let mut features: Vec<usize> = rows.iter().filter_map(within).flatten().collect();
    features.sort_unstable();
    features.dedup();
    surveyed.layer.sums.iter().map(|(_, values)| sum(&features, values)).collect()
}

fn sum(features: &[usize], values: &[Option<f64>]) -> f64 {
    features.iter().filter_map(|&feature| values[feature]).fold(0.0, |sum, value| sum + value)
}

/// The columns of a layer that are needed, and its distances.
fn columns(
    surveyed: &Surveyed<'_>,
    facilities: &Facilities,
    (asked, needs): (&Asked, &Needs<'_>),
    findings: &mut Findings,
) -> Vec<Column> {
    let layer = surveyed.layer;
    let rows = || (0..facilities.rows()).map(|row| (row, facilities.facility[row]));
    let mut names = layer_columns(layer, facilities).into_iter().map(|(name, _)| PlSmallStr::from(name));
    let mut name = || names.next().unwrap_or_default();
    let nearest = |(row, at): (usize, usize)| surveyed.at(row).nearest[at];
    let km = Float64Chunked::from_iter_options(name(), rows().map(|row| nearest(row).map(|nearest| nearest.km)));
    let id = |row| nearest(row).map(|nearest| layer.features[nearest.feature].id.as_str());
    let mut columns = vec![km.into_column()];
    let of_ids = name();
    if needs.column(&of_ids) {
        columns.push(StringChunked::from_iter_options(of_ids, rows().map(id)).into_column());
    }
    if is_marked(layer, facilities) {
        let places = precisions(facilities);
        let marks: Vec<Option<f64>> = rows().map(|row| mark(layer, nearest(row)?, places[row.1])).collect();
        note_marks(layer, &marks, findings);
        columns.push(Float64Chunked::from_iter_options(name(), marks.into_iter()).into_column());
    }
    if layer.is_imprecise && facilities.declared.contains(&names::distance(&layer.name)) {
        let message = "`precision_km` marks nothing: the register brings the distances itself".to_owned();
        findings.add(Severity::Warning, &format!("layers.{}", layer.name), Rule::WithinPrecision, message, 1);
    }
    for &radius in &layer.within_km {
        let own: Vec<PlSmallStr> = (0..=layer.sums.len()).map(|_| name()).collect();
        if !own.iter().any(|name| needs.column(name)) {
            continue;
        }
        let figures = |place: (f64, f64), index: &NearIndex| {
            let found = index.within(place, radius);
            let sums = layer.sums.iter().map(|(_, values)| sum(&found, values));
            std::iter::once(found.len() as f64).chain(sums).collect()
        };
        let of_standing = |standing: &Standing<'_>| -> Vec<Option<Vec<f64>>> {
            asked.places.par_iter().map(|place| place.map(|place| figures(place, standing.index))).collect()
        };
        let found: Vec<Vec<Option<Vec<f64>>>> = surveyed.standing.iter().map(of_standing).collect();
        for (figure, name) in own.into_iter().enumerate() {
            let values = rows().map(|(row, at)| found[surveyed.of_row[row]][at].as_ref().map(|found| found[figure]));
            columns.push(Float64Chunked::from_iter_options(name, values).into_column());
        }
    }
    columns
}

/// How well a distance is known, km, where it is shorter than that: the greater of what is known of its two ends.
fn mark(layer: &Layer, nearest: Nearest, place_km: Option<f64>) -> Option<f64> {
    let known = layer.features[nearest.feature].precision_km.into_iter().chain(place_km).reduce(f64::max);
    known.filter(|known| nearest.km < *known)
}

/// How far the place of each facility may be off, km: the latest that says it stands, as its place does.
fn precisions(facilities: &Facilities) -> Vec<Option<f64>> {
    let mut found = vec![None; facilities.ids.len()];
    for (&facility, km) in facilities.facility.iter().zip(facilities.precision_km()) {
        found[facility] = km.or(found[facility]);
    }
    found
}

fn note_marks(layer: &Layer, marks: &[Option<f64>], findings: &mut Findings) {
    let count = marks.iter().flatten().count();
    let greatest = marks.iter().flatten().copied().fold(0.0, f64::max);
    let message = format!(
        "distances shorter than what is known of the places at their ends (up to {greatest} km): they say \"within\" and no more"
    );
    findings.add(Severity::Info, &format!("layers.{}", layer.name), Rule::WithinPrecision, message, count);
}

/// What each cluster reaches of a layer: every feature within `reach_km` of a facility, or else the nearest.
fn reach(
    facilities: &Facilities,
    clusters: &Clusters,
    (position, layer): (usize, &Layer),
    Standing { index, nearest }: &Standing<'_>,
) -> Vec<Reach> {
    let precision = if is_marked(layer, facilities) { precisions(facilities) } else { Vec::new() };
    let at = |cluster: usize, nearest: Nearest, facility: usize| {
        let place_km = precision.get(facility).copied().flatten();
        let within_km = is_marked(layer, facilities).then(|| mark(layer, nearest, place_km)).flatten();
        Reach { cluster, layer: position, nearest, facility, within_km }
    };
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
    let latest = facilities.period.iter().flatten().max();
    let doubt = |layer: &Layer| {
        let nearest = index(layer, latest).nearest_all(&some, &order);
        Some(format!("layers.{}: {}", layer.name, doubt(layer, &nearest)?.1))
    };
    layers.iter().filter_map(doubt).collect()
}

/// A layer's index at the end of a period.
fn index(layer: &Layer, period: Option<i64>) -> NearIndex {
    NearIndex::new(geometries(layer, period))
}

/// Of each feature of a layer what stands of it at the end of a period.
fn geometries(layer: &Layer, period: Option<i64>) -> impl Iterator<Item = Option<&Geometry>> {
    let stands = move |feature: &&Feature| layer.stands(feature, period);
    layer.features.iter().map(move |feature| Some(feature).filter(stands).and_then(|feature| feature.geometry.as_ref()))
}

/// The feature of a layer that is nearest to each place at the end of a period, by way of workers: each has all of the layer
/// and some of the places, neighbours together.
fn nearest_by(
    workers: &dyn Workers,
    layer: &Layer,
    period: Option<i64>,
    asked: &Asked,
) -> Result<Vec<Option<Nearest>>> {
    let geometries: Vec<Option<&Geometry>> = geometries(layer, period).collect();
    let numbers = asked.order.numbers();
    let together = numbers.len().div_ceil(workers.count()).max(1);
    let places = |numbers: &[u32]| numbers.iter().map(|&number| asked.places[number as usize]).collect::<Vec<_>>();
    let pieces: Vec<Vec<Option<Degrees>>> = numbers.chunks(together).map(places).collect();
    let found: Vec<Vec<Option<Nearest>>> = ask(workers, Kind::Near, &geometries, &pieces)?;
    let mut nearest = vec![None; asked.places.len()];
    numbers.iter().zip(found.into_iter().flatten()).for_each(|(&number, found)| nearest[number as usize] = found);
    Ok(nearest)
}

/// The work of [`Kind::Near`].
pub(crate) fn find_nearest(job: &[u8], piece: &[u8]) -> Result<Vec<u8>> {
    done((job, piece), |geometries: Vec<Option<Geometry>>, places: Vec<Option<Degrees>>| {
        let index = NearIndex::new(geometries.iter().map(Option::as_ref));
        Ok(index.nearest_all(&places, &Order::new(&places)))
    })
}
