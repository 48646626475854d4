//! Geometries of the GIS layers, and the layers that are no tables: ties as lines, infrastructure as it was read.

use std::collections::{BTreeMap, HashMap, HashSet};

use geo::dimensions::Dimensions;
use geo::{Geometry, HasDimensions, Point};
use rayon::prelude::*;

use super::networks::tie_rows;
use super::{OutputTable, Written, column, frame};
use crate::error::{Error, Result};
use crate::globe::geodesy::Degrees;
use crate::measure::Trace;
use crate::report::columns::INFRASTRUCTURE;
use crate::report::{Results, shapes};
use crate::validate::settings::Between;
use crate::validate::{Facilities, Layer};

/// A geometry a row; `None` where there is no place.
pub type Geometries = Vec<Option<Geometry>>;

/// The place of a facility.
pub fn point(register: &Facilities, facility: usize) -> Option<Geometry> {
    register.places[facility].map(|(lon, lat)| Geometry::Point(Point::new(lon, lat)))
}

/// The outline of every unit.
pub fn outlines(results: &Results<'_>) -> Result<Geometries> {
    let measured = results.measured;
    let Some(register) = results.facilities() else { return Ok(vec![None; measured.units.len()]) };
    let mut places: Vec<Vec<Degrees>> = vec![Vec::new(); measured.units.len()];
    for (facility, unit) in register.facility.iter().zip(results.details.units_of_facilities()?) {
        if let (Some(unit), Some(place)) = (unit, register.places[*facility]) {
            places[unit].push(place);
        }
    }
    let outline = |(places, hull): (&Vec<Degrees>, &Option<Geometry>)| {
        shapes::outline(places, hull.as_ref(), results.about.cluster_shape)
    };
    Ok(places.par_iter().zip(&results.details.hulls).map(outline).collect())
}

/// The layers that are no tables.
pub(super) fn layers(results: &Results<'_>) -> Result<Vec<OutputTable<'static>>> {
    let mut tables = Vec::new();
    if let Some(register) = results.facilities().filter(|_| !results.tables.ties.is_empty()) {
        tables.push(links(results, register)?);
    }
    for layer in results.tables.layers.iter() {
        tables.extend(infrastructure(results, layer)?);
    }
    Ok(tables)
}

/// What `links` has of `ties`.
const LINKS: [&str; 11] =
    ["cluster_id", "kind", "name", "basis", "from", "to", "organisation", "weight", "from_year", "to_year", "source"];

/// One row a cluster and tie of it, as in `ties`, but once over all periods.
fn links(results: &Results<'_>, register: &Facilities) -> Result<OutputTable<'static>> {
    let traces = &results.details.networks.traces;
    let cluster = |trace: &Trace| results.measured.units[trace.unit as usize].cluster;
    let mut seen = HashSet::new();
    let rows: Vec<Trace> =
        traces.iter().copied().filter(|trace| seen.insert((cluster(trace), trace.table, trace.row))).collect();
    let ends = Ends::new(results, register);
    let lines: Vec<Option<Geometry>> = rows.iter().map(|trace| ends.line(trace, cluster(trace))).collect();
    let all = tie_rows(results.tables, results.measured, &rows)?;
    let frame = all.select(LINKS).map_err(Error::table("building the links"))?;
    Ok(OutputTable::new(results, "links", Written::Layer, frame)?.with_geometry(lines))
}

/// Where ties begin and end on the map.
struct Ends<'a> {
    results: &'a Results<'a>,
    register: &'a Facilities,
    facilities: HashMap<&'a str, usize>,
    /// Facilities of each operator that have a place, by emissions over all periods, the greatest first.
    operators: HashMap<&'a str, Vec<usize>>,
    /// The middle of the members of each organisation, by table.
    middles: HashMap<(usize, &'a str), Degrees>,
}

impl<'a> Ends<'a> {
    fn new(results: &'a Results<'a>, register: &'a Facilities) -> Self {
        let mut tonnes = vec![0.0; register.ids.len()];
        let mut operators: HashMap<&str, Vec<usize>> = HashMap::new();
        for row in 0..register.rows() {
            let facility = register.facility[row];
            tonnes[facility] += register.emissions_t.get(row).unwrap_or(0.0);
            if let (Some(name), Some(_)) = (register.operator.get(row), register.places[facility]) {
                operators.entry(name).or_default().push(facility);
            }
        }
        for list in operators.values_mut() {
            list.sort_by(|&a, &b| tonnes[b].total_cmp(&tonnes[a]).then(a.cmp(&b)));
            list.dedup();
        }
        let facilities = register.ids.iter().enumerate().map(|(at, id)| (id, at)).collect();
        let mut ends = Self { results, register, facilities, operators, middles: HashMap::new() };
        ends.middles = ends.middles();
        ends
    }

    fn middles(&self) -> HashMap<(usize, &'a str), Degrees> {
        let mut members: BTreeMap<(usize, &'a str), Vec<Degrees>> = BTreeMap::new();
        let memberships = self.results.tables.ties.iter().enumerate().filter(|(_, table)| !table.is_links());
        for (at, table) in memberships {
            for row in table.rows().iter() {
                members.entry((at, row.to)).or_default().extend(self.place(row.levels[0], row.from, None));
            }
        }
        members.into_iter().filter_map(|(key, places)| Some((key, shapes::middle(&places)?))).collect()
    }

    /// The place of a facility; for an operator that of its greatest emitter, in the cluster if it is there.
    fn place(&self, between: Between, name: &str, cluster: Option<usize>) -> Option<Degrees> {
        let several = match between {
            Between::Facility => return self.register.places[*self.facilities.get(name)?],
            Between::Operator => self.operators.get(name)?,
            // What might be leaves no rows in `ties`.
            Between::Sector => return None,
        };
        let clusters = &self.results.measured.clusters.of_facility;
        let inside = several.iter().find(|&&facility| cluster.is_some() && clusters[facility] == cluster);
        self.register.places[*inside.or_else(|| several.first())?]
    }

    /// From end to end of a link, or from a member to the middle of its organisation's members.
    fn line(&self, trace: &Trace, cluster: usize) -> Option<Geometry> {
        let table = &self.results.tables.ties[trace.table as usize];
        let row = table.rows().get(trace.row as usize);
        let end = |name: &str, at: usize| self.place(row.levels[at], name, Some(cluster));
        let to =
            if table.is_links() { end(row.to, 1) } else { self.middles.get(&(trace.table as usize, row.to)).copied() };
        shapes::line(end(row.from, 0)?, to?)
    }
}

/// Points, lines and areas of one `[layers.NAME]`, each a layer of its own: what GIS programs can draw in one style.
fn infrastructure(results: &Results<'_>, layer: &Layer) -> Result<Vec<OutputTable<'static>>> {
    let kind = |geometry: &Option<Geometry>| {
        geometry.as_ref().map_or("points", |geometry| match geometry.dimensions() {
            Dimensions::Empty | Dimensions::ZeroDimensional => "points",
            Dimensions::OneDimensional => "lines",
            Dimensions::TwoDimensional => "areas",
        })
    };
    let placed: Geometries =
        layer.features.par_iter().map(|feature| feature.geometry.as_ref().map(shapes::placed)).collect();
    let mut tables = Vec::new();
    for wanted in ["points", "lines", "areas"] {
        let rows: Vec<usize> = (0..placed.len()).filter(|&at| kind(&placed[at]) == wanted).collect();
        if rows.is_empty() {
            continue;
        }
        let of = |at: &usize| &layer.features[*at];
        let mut columns = vec![
            column("feature", rows.iter().map(|at| of(at).id.as_str()).collect::<Vec<&str>>()),
            column("feature_name", rows.iter().map(|at| of(at).name.as_deref()).collect::<Vec<_>>()),
            column("file", rows.iter().map(|at| &*of(at).file).collect::<Vec<&str>>()),
            column("line", rows.iter().map(|at| of(at).line).collect::<Vec<u64>>()),
        ];
        columns.extend(
            layer
                .sums
                .iter()
                .map(|(name, values)| column(name, rows.iter().map(|&at| values[at]).collect::<Vec<Option<f64>>>())),
        );
        let geometry = rows.iter().map(|&at| placed[at].clone()).collect();
        let name = format!("layer_{}_{wanted}", layer.name);
        let table = OutputTable::named(results, INFRASTRUCTURE, name, Written::Layer, frame(columns)?)?;
        tables.push(table.with_geometry(geometry));
    }
    Ok(tables)
}
