//! One way to read, group and measure: a pipeline's own, or one with other settings; and draws of its data.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::draws::{At, Numbers, Origin};
use super::settings::{EmissionError, PlaceError, TieError};
use super::ties::TieDraw;
use crate::classify::{Classification, Typology, observations};
use crate::delineate::overlap::{overlaps, partners};
use crate::delineate::settings::Radii;
use crate::delineate::{self, Clusters, Delineation, Geography};
use crate::error::Result;
use crate::indicator::Indicator;
use crate::measure::{self, Checked, Indexes, Unit, Wanted};
use crate::score::matrix::Matrix;
use crate::score::sample::{Groups, prepare};
use crate::score::{Dimension, Model, Observation, Scoring};
use crate::validate::{Facilities, Layer, Tables};

/// One way to read, group and measure.
pub struct Scenario<'a> {
    /// The score tree.
    pub model: &'a Model,
    /// The dimensions.
    pub dimensions: &'a [Dimension],
    /// The indicators.
    pub indicators: &'a [Indicator],
    /// `[score]`.
    pub scoring: &'a Scoring,
    /// The groups that the units of the run belong to.
    pub groups: &'a Groups,
    /// `[classify]`.
    pub classification: &'a Classification,
    /// The typology, if there is one.
    pub typology: Option<&'a Typology>,
    /// What was read.
    pub tables: &'a Tables,
    /// Its layers, made ready.
    pub indexes: &'a Indexes,
    /// The pipeline's expressions.
    pub checked: &'a Checked,
    /// `[delineate]`.
    pub delineation: Option<&'a Delineation>,
    /// The clusters.
    pub clusters: &'a Clusters,
    /// Cluster and period of each unit.
    pub units: &'a [Unit],
    /// What was measured: one list an indicator, one entry a unit.
    pub observed: Vec<Vec<Observation>>,
}

/// Errors of the data, as far as they are drawn.
#[derive(Debug, Clone, Default)]
pub struct DataErrors {
    /// Of emissions.
    pub emissions: Option<EmissionError>,
    /// Of the places of facilities.
    pub coordinates: Option<PlaceError>,
    /// Names of the layers whose features are drawn.
    pub layers: Vec<String>,
    /// Of ties.
    pub ties: Option<TieError>,
    /// Whether draws of emissions and places delineate anew.
    pub redelineate: bool,
}

/// Which draw of each error of the data, if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DataDraw {
    /// Of emissions.
    pub emissions: Option<At>,
    /// Of the places of facilities.
    pub coordinates: Option<At>,
    /// Of the features of layers.
    pub layers: Option<At>,
    /// Of ties.
    pub ties: Option<At>,
}

impl DataDraw {
    /// Whether nothing is drawn.
    pub fn is_nominal(&self) -> bool {
        *self == Self::default()
    }
}

/// What a scenario or a draw of it measures, by the units of the run.
pub struct Measured {
    /// The values.
    pub matrix: Matrix,
    /// Whether each unit of the run is none here; empty where all are.
    absent: Vec<bool>,
}

impl Measured {
    /// Whether a unit of the run is none here.
    pub fn lacks(&self, unit: usize) -> bool {
        self.absent.get(unit) == Some(&true)
    }
}

/// Names of the streams of data errors.
pub const EMISSIONS: &str = "emissions";
/// See [`EMISSIONS`].
pub const COORDINATES: &str = "coordinates";
/// See [`EMISSIONS`].
pub const LAYERS: &str = "layers";
/// See [`EMISSIONS`].
pub const TIES: &str = "ties";

/// Metres of a degree of latitude, on the sphere of the mean radius of the Earth.
const METRES_PER_DEGREE: f64 = 111_195.08;

impl Scenario<'_> {
    /// What the scenario measures without any error of data, by the units of `run`.
    pub fn nominal(&self, run: &Scenario<'_>) -> Measured {
        self.by_units_of(run, self.clusters, self.units, &self.observed, self.tables.facilities.as_ref())
    }

    /// What a draw of its data measures, by the units of `run`.
    ///
    /// # Errors
    ///
    /// As [`measure::measure`] and [`delineate::delineate`].
    pub fn drawn(
        &self,
        run: &Scenario<'_>,
        errors: &DataErrors,
        ties: Option<&TieDraw>,
        draw: &DataDraw,
        origin: &Origin,
    ) -> Result<Measured> {
        let numbers = |name: &str, at: At| origin.numbers(name, at, None);
        let mut facilities = self.tables.facilities.as_ref().map(Cow::Borrowed);
        if let (Some(register), Some(error), Some(at)) = (&mut facilities, &errors.emissions, draw.emissions) {
            let drawn = emissions(register, error, &mut numbers(EMISSIONS, at));
            *register = Cow::Owned(register.clone().into_owned().with_emissions(&drawn)?);
        }
        if let (Some(register), Some(error), Some(at)) = (&mut facilities, &errors.coordinates, draw.coordinates) {
            // Of the register as it was read: what is drawn of emissions has no part in it.
            let drawn =
                places(self.tables.facilities.as_ref().unwrap_or(register), error, &mut numbers(COORDINATES, at));
            *register = Cow::Owned(register.clone().into_owned().with_places(drawn)?);
        }
        let layers = Arc::clone(&self.tables.layers);
        let mut indexes = Cow::Borrowed(self.indexes);
        if let Some(at) = draw.layers {
            let mut numbers = numbers(LAYERS, at);
            for (position, layer) in layers.iter().enumerate() {
                if errors.layers.contains(&layer.name) {
                    indexes = Cow::Owned(indexes.moved(position, &steps_km(layer, &mut numbers)));
                }
            }
        }
        let facts = Arc::clone(&self.tables.facts);
        let mut tables =
            Tables { facilities: None, layers, ties: Arc::clone(&self.tables.ties), facts, ..Tables::default() };
        if let (Some(ties), Some(at)) = (ties, draw.ties) {
            tables.ties = Arc::new(ties.drawn(&self.tables.ties, &mut numbers(TIES, at))?);
        }
        let moves = draw.emissions.is_some() || draw.coordinates.is_some();
        let redelineates = errors.redelineate && moves;
        let clusters = match (facilities.as_deref(), self.delineation) {
            (Some(register), Some(settings)) if redelineates => {
                let geography = Geography { boundaries: &self.tables.boundaries, places: &self.tables.places };
                let radius_km = Radii(settings.radius_km.main().into_iter().collect());
                let settings = Delineation { radius_km, ..settings.clone() };
                delineate::delineate(register, geography, &settings, None, None)?.0
            }
            _ => self.clusters.without_comparisons(),
        };
        tables.facilities = facilities.map(Cow::into_owned);
        let measured =
            measure::measure((self.indicators, self.checked), (&tables, &indexes), clusters, Wanted::Scores)?;
        let of = &measured.measurements;
        let observed = observations(of);
        let register = tables.facilities.as_ref();
        Ok(self.by_units_of(run, &of.clusters, &of.units, &observed, register))
    }

    /// Observations in the order of the units of the run, each cluster of the run by the one that shares most with it.
    fn by_units_of(
        &self,
        run: &Scenario<'_>,
        clusters: &Clusters,
        units: &[Unit],
        observed: &[Vec<Observation>],
        register: Option<&Facilities>,
    ) -> Measured {
        let partner = partners_of(run, clusters, register);
        let position: HashMap<Unit, usize> = units.iter().enumerate().map(|(at, unit)| (*unit, at)).collect();
        let of_run = |unit: &Unit| {
            let cluster = partner[unit.cluster]?;
            position.get(&Unit { cluster, period: unit.period }).copied()
        };
        let unit_of: Vec<Option<usize>> = run.units.iter().map(of_run).collect();
        let nothing = Observation { value: None, coverage: 0.0 };
        let ordered = |column: &Vec<Observation>| {
            unit_of.iter().map(|unit| unit.map_or(nothing, |unit| column[unit])).collect::<Vec<_>>()
        };
        let columns = observed.iter().map(ordered).collect();
        let columns = prepare(self.indicators, self.scoring, self.groups, columns, run.units.len()).columns;
        let is_whole = unit_of.iter().all(Option::is_some);
        Measured {
            matrix: Matrix::new(&self.model.parameters, &columns),
            absent: if is_whole { Vec::new() } else { unit_of.iter().map(Option::is_none).collect() },
        }
    }
}

/// The cluster that each cluster of the run has become: by shared emissions, then facilities; without a register by id.
fn partners_of(run: &Scenario<'_>, clusters: &Clusters, register: Option<&Facilities>) -> Vec<Option<usize>> {
    let own = run.clusters;
    let (Some(before), Some(after)) = (&run.tables.facilities, register) else {
        let there: HashMap<&String, usize> = clusters.ids.iter().zip(0..).collect();
        return own.ids.iter().map(|id| there.get(id).copied()).collect();
    };
    if own.of_facility == clusters.of_facility && before.ids.len() == after.ids.len() {
        return (0..own.ids.len()).map(Some).collect();
    }
    let there = |id: &str| after.ids.position(id).and_then(|at| clusters.of_facility[at]);
    let of_facility: Vec<Option<usize>> = before.ids.iter().map(there).collect();
    let mut totals = vec![None; before.ids.len()];
    for (row, &facility) in before.facility.iter().enumerate() {
        if let Some(tonnes) = before.emissions_t.get(row) {
            *totals[facility].get_or_insert(0.0) += tonnes;
        }
    }
    let found = partners(&overlaps(&own.of_facility, &of_facility, &totals), clusters.ids.len());
    let mut partner = vec![None; own.ids.len()];
    for (there, here) in found.into_iter().enumerate() {
        if let Some(here) = here {
            partner[here] = Some(there);
        }
    }
    partner
}

/// Rows of a register in an order that no name decides: facilities by place, those without one by falling emissions and label,
/// then the rows of each.
fn order_of_rows(facilities: &Facilities) -> Vec<usize> {
    let mut rank = vec![usize::MAX; facilities.ids.len()];
    facilities.by_place().into_iter().enumerate().for_each(|(at, facility)| rank[facility] = at);
    let mut totals = vec![0.0; facilities.ids.len()];
    for (row, &facility) in facilities.facility.iter().enumerate() {
        totals[facility] += facilities.emissions_t.get(row).unwrap_or(0.0);
    }
    let mut order: Vec<usize> = (0..facilities.ids.len()).collect();
    order.sort_by(|&a, &b| {
        let larger = totals[b].total_cmp(&totals[a]);
        rank[a].cmp(&rank[b]).then(larger).then(facilities.labels.get(a).cmp(&facilities.labels.get(b))).then(a.cmp(&b))
    });
    order.iter().enumerate().for_each(|(at, &facility)| rank[facility] = at);
    let mut rows: Vec<usize> = (0..facilities.rows()).collect();
    rows.sort_by_key(|&row| (rank[facilities.facility[row]], row));
    rows
}

/// The error of each row: by what stands in a column, or the same for all.
fn by_row(facilities: &Facilities, all: f64, by: Option<&String>, of: &BTreeMap<String, f64>) -> Vec<f64> {
    let Some(column) = by.map(|by| facilities.texts(by)) else { return vec![all; facilities.rows()] };
    let own = |text: Option<&str>| text.and_then(|text| of.get(text)).copied().unwrap_or(all);
    column.iter().map(|text| own(text.as_deref())).collect()
}

/// Emissions times log-normal factors of mean 1.
fn emissions(facilities: &Facilities, error: &EmissionError, numbers: &mut Numbers) -> Vec<Option<f64>> {
    let sigma = by_row(facilities, error.sigma, error.by.as_ref(), &error.of);
    let mut drawn = vec![None; facilities.rows()];
    for row in order_of_rows(facilities) {
        let (sigma, normal) = (sigma[row], numbers.normal());
        let factor = (sigma * normal - sigma * sigma / 2.0).exp();
        drawn[row] = facilities.emissions_t.get(row).map(|tonnes| tonnes * factor);
    }
    drawn
}

/// Places moved by normal steps; where the register says how far a place may be off, and that is farther, anywhere within.
fn places(facilities: &Facilities, error: &PlaceError, numbers: &mut Numbers) -> Vec<Option<(f64, f64)>> {
    let metres = by_row(facilities, error.metres, error.by.as_ref(), &error.of);
    let precision = facilities.precision_km();
    let mut of_facility = vec![(error.metres, None); facilities.ids.len()];
    for (row, &facility) in facilities.facility.iter().enumerate() {
        of_facility[facility] = (metres[row], precision[row].or(of_facility[facility].1));
    }
    let mut drawn = facilities.places.clone();
    for facility in facilities.by_place() {
        let (metres, precision_km) = of_facility[facility];
        let step = match precision_km.map(|km| km * 1000.0).filter(|within| *within > metres) {
            Some(within) => in_circle(within, numbers),
            None => [metres * numbers.normal(), metres * numbers.normal()],
        };
        drawn[facility] = drawn[facility].map(|place| moved(place, step));
    }
    drawn
}

/// A step to anywhere within a radius, east and north.
fn in_circle(radius: f64, numbers: &mut Numbers) -> [f64; 2] {
    let (radius, angle) = (radius * numbers.number().sqrt(), std::f64::consts::TAU * numbers.number());
    [radius * angle.cos(), radius * angle.sin()]
}

/// A place, degrees, moved by metres to the east and to the north.
fn moved((lon, lat): (f64, f64), [east, north]: [f64; 2]) -> (f64, f64) {
    // At a pole there is no east.
    let parallel = lat.to_radians().cos().max(1e-6);
    let turned = lon + east / (METRES_PER_DEGREE * parallel);
    let lat = (lat + north / METRES_PER_DEGREE).clamp(-90.0, 90.0);
    (if turned.abs() > 180.0 { turned - 360.0 * (turned / 360.0).round() } else { turned }, lat)
}

/// A step of every feature to anywhere within what is known of its place, km.
fn steps_km(layer: &Layer, numbers: &mut Numbers) -> Vec<Option<[f64; 2]>> {
    layer.features.iter().map(|feature| feature.precision_km.map(|km| in_circle(km, numbers))).collect()
}
