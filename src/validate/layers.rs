//! Infrastructure layers: features with an id, a geometry in WGS 84 degrees, and the columns to sum.

use geo::{Geometry, MapCoords, Validation};
use rayon::prelude::*;
use wkt::TryFromWkt;

use super::crs::Crs;
use super::facilities::{numbers, point, texts};
use super::settings::LayerSource;
use super::table::{Table, pipeline};
use super::{Reader, known_type};
use crate::error::{Problem, Result, suggest};
use crate::finding::{Findings, Rule, Severity};
use crate::sources::ColumnSpec;

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
pub fn read(layer: &str, source: &LayerSource, reader: &mut Reader<'_>, findings: &mut Findings) -> Result<Layer> {
    let name = format!("layers.{layer}");
    let crs = Crs::new(&source.crs, &format!("{name}.crs")).map_err(pipeline)?;
    let mut columns = source.columns.clone();
    let raw = reader.read(&name, &source.reading(), &columns, &PLACES, &["id", "name"], false)?;
    for column in ["id", "name"] {
        if raw.position(column).is_some() && !columns.contains_key(column) {
            let spec = ColumnSpec { column: crate::sources::OneOrMany(vec![column.into()]), ..ColumnSpec::default() };
            columns.insert(column.into(), spec);
        }
    }
    let types = |column: &str| {
        let summed = source.sum.iter().any(|sum| sum == column).then_some(crate::sources::ColumnType::Number);
        known_type(&["id", "name", "geometry"], &["x", "y"], &[], column).or(summed)
    };
    let mut table = Table::convert(&name, raw, &columns, types, findings)?;
    let geometries = places(&mut table, &crs, findings);
    table.filter(&source.filters)?;
    table.check(&source.contract, findings)?;
    let kept: Vec<usize> = (0..table.rows()).filter(|&row| table.is_kept(row)).collect();
    let accepted = reader.close(table, &source.contract, findings)?;
    let (id, label) = (texts(&accepted.frame, "id"), texts(&accepted.frame, "name"));
    let mut features = Vec::with_capacity(kept.len());
    for (position, row) in kept.into_iter().enumerate() {
        let origin = accepted.origin[position];
        let fallback = || format!("{}:{}", accepted.files[origin.file as usize].path, origin.line);
        let id = id[position].clone().or_else(|| label[position].clone()).unwrap_or_else(fallback);
        features.push(Feature { id, geometry: geometries[row].clone() });
    }
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
fn places(table: &mut Table, crs: &Crs, findings: &mut Findings) -> Vec<Option<Geometry>> {
    let mut geometries = vec![None; table.rows()];
    for (row, slot) in geometries.iter_mut().enumerate() {
        let geometry = match geometry_of(table, row, crs) {
            Ok(geometry) => geometry,
            Err(message) => {
                table.reject(row, "geometry", "unreadable", message, findings);
                continue;
            }
        };
        let xy = || table.column("x").and_then(|x| x.number(row)).zip(table.column("y").and_then(|y| y.number(row)));
        let Some(geometry) = geometry.or_else(|| xy().map(point)) else { continue };
        let turned = geometry.try_map_coords(|coord| crs.to_lon_lat(coord.x, coord.y).map(geo::Coord::from).ok_or(()));
        match turned {
            Ok(turned) => *slot = Some(turned),
            Err(()) if table.is_kept(row) => {
                let column = if table.column("x").is_some() { "y" } else { "geometry" };
                let message = "coordinates outside of the reach of the layer's crs".to_owned();
                table.reject(row, column, "coordinate_range", message, findings);
            }
            Err(()) => {}
        }
    }
    geometries
}

/// The geometry that a row brings, as GeoJSON or as (E)WKT in the column `geometry`; in the source's own crs.
pub(super) fn geometry_of(table: &Table, row: usize, crs: &Crs) -> std::result::Result<Option<Geometry>, String> {
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
