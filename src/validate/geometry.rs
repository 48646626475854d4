//! Geometries as rows bring them, in the source's own coordinate reference system.

use geo::{Geometry, HasDimensions, Point};
use wkt::TryFromWkt;

use super::crs::Crs;
use super::table::Table;
use crate::error::{Error, Problem, Result};
use crate::sources::Source;

/// The geometry that a row brings, by its format or as (E)WKT, GeoJSON or WKB in hexadecimal in the column `geometry`; in the
/// source's own crs.
/// `None` where it brings none, or an empty one.
pub(super) fn geometry_of(table: &Table<'_>, row: usize, crs: &Crs) -> std::result::Result<Option<Geometry>, String> {
    if let Some(geometry) = table.geometry(row) {
        return Ok(Some(geometry.clone()).filter(|geometry| !geometry.is_empty()));
    }
    let Some(text) = table.text("geometry", row) else { return Ok(None) };
    if let Some(read) = crate::sources::geometry_of_text(text, u32::from(crs.code())) {
        return Ok(read?.filter(|geometry| !geometry.is_empty()));
    }
    let wkt = match text.split_once(';') {
        Some((srid, wkt)) if srid.to_ascii_uppercase().starts_with("SRID=") => {
            if srid[5..].trim() != crs.code().to_string() {
                return Err(format!("the geometry says {srid}, the source's crs is EPSG:{}", crs.code()));
            }
            wkt
        }
        _ => text,
    };
    let is_empty_point = wkt.trim().to_ascii_uppercase().split_whitespace().eq(["POINT", "EMPTY"]);
    if is_empty_point {
        return Ok(None);
    }
    let read = Geometry::try_from_wkt_str(wkt.trim()).map_err(|error| format!("not a WKT geometry: {error}"))?;
    Ok(Some(read).filter(|geometry| !geometry.is_empty()))
}

/// Refuses a file that states another coordinate reference system than its source.
pub(super) fn same_crs(opened: &Source, declared: &str, name: &str) -> Result<()> {
    let Some((path, stated)) = opened.other_crs(declared) else { return Ok(()) };
    let message = format!("{path} says that its coordinates are {stated}, the pipeline file says {declared}");
    Err(Error::pipeline(Problem::new(format!("{name}.crs"), message, format!("write crs = \"{stated}\""))))
}

/// A point from a pair of degrees.
pub(super) fn point((lon, lat): (f64, f64)) -> Geometry {
    Geometry::Point(Point::new(lon, lat))
}
