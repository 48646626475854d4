//! Infrastructure layers: features with an id, a geometry in WGS 84 degrees, and the columns to sum.

use geo::{Geometry, MapCoords, Validation};
use rayon::prelude::*;
use wkt::TryFromWkt;

use super::crs::Crs;
use super::facilities::{numbers, point, same_crs, texts};
use super::plan::{Plan, Settings};
use super::settings::LayerSource;
use super::stream::Steps;
use super::table::{Table, pipeline};
use super::{Asked, Reader, Register, known_type};
use crate::error::{Problem, Result, suggest};
use crate::finding::{Findings, Rule, Severity};
use crate::sources::{ColumnSpec, ColumnType};

const PLACES: [&str; 3] = ["x", "y", "geometry"];

/// One checked layer.
#[derive(Debug)]
pub struct Layer {
    /// Its name in the pipeline file.
    pub name: String,
    /// Its features, in file order.
    pub features: Vec<Feature>,
    /// Radii for counts and sums, km.
    pub within_km: Vec<f64>,
    /// Columns to sum, one value a feature.
    pub sums: Vec<(String, Vec<Option<f64>>)>,
}

/// One piece of infrastructure.
#[derive(Debug)]
pub struct Feature {
    /// `id`, else `name`, else file:line.
    pub id: String,
    /// WGS 84 longitude and latitude, degrees; `None` where the file has none.
    pub geometry: Option<Geometry>,
}

/// Reads and checks one `[layers.NAME]`.
pub fn read(
    layer: &str,
    source: &LayerSource,
    reader: &mut Reader<'_>,
    register: &Register,
    findings: &mut Findings,
) -> Result<Layer> {
    let name = format!("layers.{layer}");
    let crs = Crs::new(&source.crs, &format!("{name}.crs")).map_err(pipeline)?;
    let mut columns = source.columns.clone();
    let reading = source.reading();
    let asked = Asked { places: &PLACES, optional: &["id", "name"], ..Asked::default() };
    let opened = reader.open(&name, &reading, &columns, asked)?;
    same_crs(&opened, &source.crs, &name)?;
    for column in ["id", "name"] {
        if opened.position(column).is_some() && !columns.contains_key(column) {
            columns.insert(column.into(), ColumnSpec::plain(column));
        }
    }
    let types = |column: &str| {
        let summed = source.sum.iter().any(|sum| sum == column).then_some(ColumnType::Number);
        known_type(&["id", "name", "geometry"], &["x", "y"], &[], column).or(summed)
    };
    let settings = Settings::new(&name, &reading, &columns, &source.contract, &source.filters, &types);
    let plan = Plan::new(&settings, &opened)?;
    let steps = Steps { before: &|table| places(table, &crs), ..Steps::default() };
    let accepted = reader.read(&opened, &plan, &steps, Some(register), findings)?;
    let (id, label) = (texts(&accepted.frame, "id"), texts(&accepted.frame, "name"));
    let feature = |(row, geometry): (usize, Option<Geometry>)| {
        let origin = accepted.origin[row];
        let fallback = || format!("{}:{}", accepted.paths[origin.file as usize], origin.line);
        let id = id[row].clone().or_else(|| label[row].clone()).unwrap_or_else(fallback);
        Feature { id, geometry }
    };
    let features: Vec<Feature> = accepted.geometry.into_iter().enumerate().map(feature).collect();
    report(&name, &features, findings);
    let sums = sums(&name, source, &accepted.frame)?;
    Ok(Layer { name: layer.to_owned(), features, within_km: source.within_km.clone(), sums })
}

type Sums = Vec<(String, Vec<Option<f64>>)>;

fn sums(name: &str, source: &LayerSource, frame: &polars::prelude::DataFrame) -> Result<Sums> {
    let mut sums = Vec::new();
    for column in &source.sum {
        if frame.get_column_index(column).is_none() {
            let known = source.columns.keys().map(String::as_str);
            let message = format!("no mapped column is called `{column}`");
            return Err(pipeline(Problem::new(format!("{name}.sum"), message, suggest(column, known))));
        }
        sums.push((column.clone(), numbers(frame, column)));
    }
    Ok(sums)
}

/// The geometry of every row in WGS 84; rows whose coordinates do not read or lie off the globe are rejected.
fn places(table: &mut Table<'_>, crs: &Crs) {
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
            Ok(turned) => *slot = Some(turned),
            Err(()) if table.is_kept(row) => {
                let column = if table.column("x").is_some() { "y" } else { "geometry" };
                let message = "coordinates outside of the reach of the layer's crs".to_owned();
                table.reject(row, column, Rule::CoordinateRange, message);
            }
            Err(()) => {}
        }
    }
    table.geometries = geometries;
}

/// The geometry that a row brings, as GeoJSON or as (E)WKT in the column `geometry`; in the source's own crs.
pub(super) fn geometry_of(table: &Table<'_>, row: usize, crs: &Crs) -> std::result::Result<Option<Geometry>, String> {
    if let Some(geometry) = table.geometry(row) {
        return Ok(Some(geometry.clone()));
    }
    let Some(text) = table.text("geometry", row) else { return Ok(None) };
    let wkt = match text.split_once(';') {
        Some((srid, wkt)) if srid.to_ascii_uppercase().starts_with("SRID=") => {
            if srid[5..].trim() != crs.code().to_string() {
                return Err(format!("the geometry says {srid}, the source's crs is EPSG:{}", crs.code()));
            }
            wkt
        }
        _ => text,
    };
    Geometry::try_from_wkt_str(wkt.trim()).map(Some).map_err(|error| format!("not a WKT geometry: {error}"))
}

fn report(name: &str, features: &[Feature], findings: &mut Findings) {
    let without = features.iter().filter(|feature| feature.geometry.is_none()).count();
    let message = "features without geometry: kept, never near anything".to_owned();
    findings.add(Severity::Warning, "validate", name, Rule::NoGeometry, message, without);
    let is_polygon = |geometry: &Geometry| matches!(geometry, Geometry::Polygon(_) | Geometry::MultiPolygon(_));
    let invalid = |feature: &&Feature| {
        feature.geometry.as_ref().is_some_and(|geometry| is_polygon(geometry) && !geometry.is_valid())
    };
    let invalid = features.par_iter().filter(invalid).count();
    let message = "polygons whose rings touch or cross: kept; inside is by the even-odd rule".to_owned();
    findings.add(Severity::Info, "validate", name, Rule::InvalidPolygon, message, invalid);
}
