//! Infrastructure layers: features with an id, a geometry in WGS 84 degrees, and the columns to sum.

use std::sync::Arc;

use geo::{CoordsIter, Geometry, MapCoords};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::crs::Crs;
use super::geometry::{geometry_of, point, same_crs};
use super::plan::{Declared, Plan, Settings};
use super::settings::{Contract, Failing, LayerSource};
use super::stream::Steps;
use super::table::Table;
use super::texts::{numbers, texts, years};
use super::{Asked, KnownNames, Reader, known_type};
use crate::error::{Error, Problem, Result, suggest};
use crate::finding::{Findings, Rule, Severity};
use crate::globe::geodesy::{Degrees, by_lon_lat};
use crate::globe::turns::uncut;
use crate::globe::validity::{is_valid, is_valid_part};
use crate::names::PRECISION;
use crate::sources::settings::Columns;
use crate::sources::{ColumnSpec, ColumnType, OneOrMany, Reading};

const PLACES: [&str; 3] = ["x", "y", "geometry"];

/// One checked layer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Layer {
    /// Its name in the pipeline file.
    pub name: String,
    /// Its features by longitude and latitude of their first point, then falling sums, then id: of several at one distance
    /// the first is the nearest, wherever the file has it.
    pub features: Vec<Feature>,
    /// Radii for counts and sums, km.
    pub within_km: Vec<f64>,
    /// Columns to sum, one value a feature.
    pub sums: Sums,
    /// How far a cluster reaches, km; `None`: to the nearest feature.
    pub reach_km: Option<f64>,
    /// Whether features count from the year in which they began.
    pub is_dated: bool,
    /// Whether the file, or the pipeline file, says how far features may lie from where they are shown.
    pub is_imprecise: bool,
}

/// Columns of numbers, one value a feature.
pub type Sums = Vec<(String, Vec<Option<f64>>)>;

/// One piece of infrastructure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Feature {
    /// `id`, else `name`, else file:line.
    pub id: String,
    /// `name`, where there is one.
    pub name: Option<String>,
    /// WGS 84 longitude and latitude, degrees; `None` where the file has none.
    pub geometry: Option<Geometry>,
    /// The file.
    pub file: Arc<str>,
    /// Its line; for GeoJSON the feature's number.
    pub line: u64,
    /// The first and the last year in which it stands, where the layer has columns of them.
    pub years: [Option<i64>; 2],
    /// How far it may lie from where it is shown, km.
    pub precision_km: Option<f64>,
}

impl Layer {
    /// Whether a feature stands at the end of a period; without a period, or without years, every one does.
    pub fn stands(&self, feature: &Feature, period: Option<i64>) -> bool {
        let Some(period) = period else { return true };
        let [begins, ends] = feature.years;
        begins.map_or(!self.is_dated, |begins| begins <= period) && ends.is_none_or(|ends| period <= ends)
    }
}

/// Reads and checks one `[layers.NAME]`.
pub fn read(
    layer: &str,
    source: &LayerSource,
    reader: &mut Reader<'_>,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<Layer> {
    let name = format!("layers.{layer}");
    let summed: Vec<&str> = source.sum.iter().map(String::as_str).collect();
    if let Some(unknown) = summed.iter().find(|column| !source.columns.contains_key(**column)) {
        return Err(unmapped(&name, "sum", unknown, &source.columns));
    }
    let years = [&source.begins, &source.ends].map(Option::as_deref);
    for (key, column) in [("begins", years[0]), ("ends", years[1])] {
        if let Some(unknown) = column.filter(|column| !source.columns.contains_key(*column)) {
            return Err(unmapped(&name, key, unknown, &source.columns));
        }
    }
    let says_precision = source.columns.contains_key(PRECISION);
    let asked = Geographic {
        name: &name,
        reading: source.reading(),
        columns: &source.columns,
        contract: &source.contract,
        filters: &source.filters,
        crs: &source.crs,
        optional: &["id", "name"],
        numbers: &summed,
        years,
    };
    let (mut features, sums) = by_place(asked.read(reader, Some(register), findings)?);
    for feature in &mut features {
        feature.precision_km = feature.precision_km.or(source.precision_km);
    }
    let undated = features.iter().filter(|feature| source.begins.is_some() && feature.years[0].is_none()).count();
    let message = "features without a year in which they began: they count in no period".to_owned();
    findings.add(Severity::Warning, &name, Rule::NoYear, message, undated);
    let reversed =
        features.iter().filter(|feature| matches!(feature.years, [Some(begins), Some(ends)] if begins > ends));
    let message = "features that end before they begin: they count in no period".to_owned();
    findings.add(Severity::Warning, &name, Rule::Years, message, reversed.count());
    let greatest = source.within_km.iter().copied().reduce(f64::max);
    Ok(Layer {
        name: layer.to_owned(),
        features,
        within_km: source.within_km.clone(),
        sums,
        reach_km: source.reach_km.or(greatest),
        is_dated: source.begins.is_some(),
        is_imprecise: says_precision || source.precision_km.is_some(),
    })
}

fn unmapped(name: &str, key: &str, column: &str, columns: &Columns) -> Error {
    let message = format!("no mapped column is called `{column}`");
    Error::pipeline(Problem::new(format!("{name}.{key}"), message, suggest(column, columns.keys().map(String::as_str))))
}

/// Features in their order, with their sums.
fn by_place((features, sums): (Vec<Feature>, Sums)) -> (Vec<Feature>, Sums) {
    let mut order: Vec<usize> = (0..features.len()).collect();
    let place = |feature: &Feature| {
        let first = feature.geometry.as_ref().and_then(|geometry| geometry.coords_iter().next());
        first.map_or((f64::INFINITY, f64::INFINITY), |first| first.x_y())
    };
    let places: Vec<Degrees> = features.iter().map(place).collect();
    order.sort_by(|&a, &b| {
        let across = by_lon_lat(places[a], places[b]);
        let amount = |values: &[Option<f64>], at: usize| values[at].unwrap_or(f64::NEG_INFINITY);
        let larger = sums.iter().map(|(_, values)| amount(values, b).total_cmp(&amount(values, a)));
        let larger = larger.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then);
        across.then(larger).then_with(|| features[a].id.cmp(&features[b].id))
    });
    let sums = sums.into_iter().map(|(name, values)| (name, order.iter().map(|&at| values[at]).collect())).collect();
    let mut features: Vec<Option<Feature>> = features.into_iter().map(Some).collect();
    (order.iter().filter_map(|&at| features[at].take()).collect(), sums)
}

/// A source whose rows are features with a geometry.
pub(super) struct Geographic<'a> {
    /// As the pipeline file names it.
    pub name: &'a str,
    pub reading: Reading,
    pub columns: &'a Columns,
    pub contract: &'a Contract,
    pub filters: &'a OneOrMany,
    pub crs: &'a str,
    /// Columns that are taken by their own name where they are not mapped.
    pub optional: &'a [&'a str],
    /// Columns of numbers that are wanted, one value a feature.
    pub numbers: &'a [&'a str],
    /// Columns of the first and the last year.
    pub years: [Option<&'a str>; 2],
}

impl Geographic<'_> {
    /// Reads and checks the features, in file order.
    pub(super) fn read(
        &self,
        reader: &mut Reader<'_>,
        register: Option<&KnownNames>,
        findings: &mut Findings,
    ) -> Result<(Vec<Feature>, Sums)> {
        let name = self.name;
        let crs = Crs::new(self.crs, &format!("{name}.crs")).map_err(Error::pipeline)?;
        let mut columns = self.columns.clone();
        // A place that is not mapped is taken by its name, unless the files bring geometries themselves.
        let unplaced = !PLACES.iter().any(|place| columns.contains_key(*place));
        let optional = [self.optional, if unplaced { &PLACES } else { &[] }].concat();
        let asked = Asked { places: &PLACES, optional: &optional, ..Asked::default() };
        let opened = reader.open(name, &self.reading, &columns, asked, findings)?;
        same_crs(&opened, self.crs, name)?;
        for column in optional.into_iter().filter(|column| !PLACES.contains(column) || !opened.is_placed()) {
            if opened.position(column).is_some() && !columns.contains_key(column) {
                columns.insert(column.into(), ColumnSpec::plain(column));
            }
        }
        let types = |column: &str| {
            let number = self.numbers.contains(&column).then_some(ColumnType::Number);
            let is_date = columns.get(column).is_some_and(|spec| spec.kind == Some(ColumnType::Date));
            let year = (self.years.contains(&Some(column)) && !is_date).then_some(ColumnType::Integer);
            known_type(&["id", "name", "geometry"], &["x", "y", PRECISION], &[], column).or(number).or(year)
        };
        let declared =
            Declared { reading: &self.reading, columns: &columns, contract: self.contract, filters: self.filters };
        let settings = Settings::new(name, declared, &types);
        let plan = Plan::new(&settings, &opened)?;
        let after = |table: &mut Table<'_>| check_precision(table);
        let steps = Steps { before: &|table| places(table, &crs), after: &after, ..Steps::default() };
        let accepted = reader.read(&opened, &plan, &steps, register, findings)?;
        let (id, label) = (texts(&accepted.frame, "id"), texts(&accepted.frame, "name"));
        let precision = numbers(&accepted.frame, PRECISION);
        let years = self.years.map(|column| column.map(|column| years(&accepted.frame, column)));
        let feature = |(row, geometry): (usize, Option<Geometry>)| {
            let origin = accepted.origin[row];
            let fallback = || format!("{}:{}", accepted.paths[origin.file as usize], origin.line);
            let id = id[row].clone().or_else(|| label[row].clone()).unwrap_or_else(fallback);
            let file = Arc::clone(&accepted.paths[origin.file as usize]);
            let years = years.each_ref().map(|years| years.as_ref().and_then(|years| years[row]));
            let (name, line, precision_km) = (label[row].clone(), origin.line, precision[row]);
            Feature { id, name, geometry, file, line, years, precision_km }
        };
        let features: Vec<Feature> = accepted.geometry.into_iter().enumerate().map(feature).collect();
        note_geometries(name, &features, findings);
        let sums = self.numbers.iter().map(|&column| (column.to_owned(), numbers(&accepted.frame, column))).collect();
        Ok((features, sums))
    }
}

/// A precision is a distance.
pub(super) fn check_precision(table: &mut Table<'_>) {
    for row in 0..table.rows() {
        if table.number(PRECISION, row).is_some_and(|km| km < 0.0) {
            table.reject(row, PRECISION, Rule::Min, "a precision is a distance in km: 0 or more".into());
        }
    }
}

/// The geometry of every row in WGS 84; rows whose coordinates do not read or lie off the globe are rejected.
pub(super) fn places(table: &mut Table<'_>, crs: &Crs) {
    let mut geometries = vec![None; table.rows()];
    for (row, slot) in geometries.iter_mut().enumerate() {
        let geometry = match geometry_of(table, row, crs) {
            Ok(geometry) => geometry,
            Err(message) => {
                table.reject(row, "geometry", Rule::Unreadable, message);
                continue;
            }
        };
        let Some(geometry) = geometry.or_else(|| table.number("x", row).zip(table.number("y", row)).map(point)) else {
            continue;
        };
        let turned = geometry.try_map_coords(|coord| crs.to_lon_lat(coord.x, coord.y).map(geo::Coord::from).ok_or(()));
        match turned {
            Ok(turned) => *slot = Some(settled(table, row, turned)),
            Err(()) if table.is_kept(row) => {
                let column = if table.column("x").is_some() { "y" } else { "geometry" };
                let message = "coordinates outside of the reach of the source's crs".to_owned();
                table.reject(row, column, Rule::CoordinateRange, message);
            }
            Err(()) => {}
        }
    }
    table.geometries = geometries;
}

/// A geometry as distances read it: polygons that cross the antimeridian uncut without jumps of longitude; says so, and
/// where a line has one point.
fn settled(table: &mut Table<'_>, row: usize, geometry: Geometry) -> Geometry {
    let is_point = |line: &geo::LineString| line.0.windows(2).all(|pair| pair[0] == pair[1]);
    let lone = match &geometry {
        Geometry::LineString(line) => is_point(line),
        Geometry::MultiLineString(lines) => lines.iter().any(is_point),
        _ => false,
    };
    let mut across = false;
    let geometry = without_jumps(geometry, &mut across);
    let mut warn = |rule, message: &str| {
        table.fail_if_kept(row, "geometry", rule, message.to_owned(), Failing::Warn);
    };
    if lone {
        warn(Rule::OnePointLine, "a line of one point: read as that point");
    }
    if across {
        let message = "an edge over more than 180 degrees: read as crossing the antimeridian, where RFC 7946 cuts it";
        warn(Rule::AcrossAntimeridian, message);
    }
    geometry
}

fn without_jumps(geometry: Geometry, across: &mut bool) -> Geometry {
    let mut whole = |polygon: geo::Polygon| match uncut(&polygon) {
        Some(turned) => {
            *across = true;
            turned
        }
        None => polygon,
    };
    match geometry {
        Geometry::Polygon(polygon) => Geometry::Polygon(whole(polygon)),
        Geometry::MultiPolygon(polygons) => {
            Geometry::MultiPolygon(geo::MultiPolygon::new(polygons.into_iter().map(whole).collect()))
        }
        Geometry::GeometryCollection(parts) => {
            let parts = parts.into_iter().map(|part| without_jumps(part, across));
            Geometry::GeometryCollection(geo::GeometryCollection::from_iter(parts))
        }
        other => other,
    }
}

fn note_geometries(name: &str, features: &[Feature], findings: &mut Findings) {
    let without = features.iter().filter(|feature| feature.geometry.is_none()).count();
    let message = "features without geometry: kept, never near anything".to_owned();
    findings.add(Severity::Warning, name, Rule::NoGeometry, message, without);
    let invalid = |feature: &&Feature| match &feature.geometry {
        Some(Geometry::Polygon(part)) => !is_valid_part(part),
        Some(Geometry::MultiPolygon(parts)) => !is_valid(parts),
        _ => false,
    };
    let invalid = features.par_iter().filter(invalid).count();
    let message = "polygons whose rings touch or cross: kept; inside is by the even-odd rule".to_owned();
    findings.add(Severity::Info, name, Rule::InvalidPolygon, message, invalid);
}
