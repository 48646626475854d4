//! GIS layers as GeoJSON (RFC 7946): hulls of clusters, points of facilities, in WGS 84.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use geo::orient::Direction;
use geo::{BooleanOps, BoundingRect, Geometry, MapCoords, MultiPolygon, Orient, Point, Rect, Translate};
use polars::prelude::{AnyValue, DataFrame};
use serde_json::{Map, Value};

use super::{Results, tables};
use crate::error::{Error, Result};

/// Writes `clusters.geojson` and `facilities.geojson`.
pub fn write(results: &Results<'_>, folder: &Path) -> Result<()> {
    let hulls: Vec<Option<Geometry>> =
        results.measurements.hulls.iter().map(|hull| hull.as_ref().map(within_the_globe)).collect();
    collection(&folder.join("clusters.geojson"), &tables::clusters_frame(results)?, &hulls)?;
    let Some(register) = results.facilities else { return Ok(()) };
    let Some(frame) = tables::facilities_frame(results)? else { return Ok(()) };
    let place = |&facility: &usize| register.places[facility].map(|(lon, lat)| Geometry::Point(Point::new(lon, lat)));
    let points: Vec<Option<Geometry>> = register.facility.iter().map(place).collect();
    collection(&folder.join("facilities.geojson"), &frame, &points)
}

fn collection(path: &Path, frame: &DataFrame, geometry: &[Option<Geometry>]) -> Result<()> {
    let mut file = BufWriter::new(File::create(path).map_err(Error::io(path))?);
    let mut put = |text: &str| file.write_all(text.as_bytes()).map_err(Error::io(path));
    put("{\"type\":\"FeatureCollection\",\"features\":[")?;
    for (row, geometry) in geometry.iter().enumerate() {
        put(if row > 0 { ",\n" } else { "\n" })?;
        put(&feature(frame, row, geometry.as_ref())?.to_string())?;
    }
    put("\n]}\n")?;
    file.flush().map_err(Error::io(path))
}

fn feature(frame: &DataFrame, row: usize, geometry: Option<&Geometry>) -> Result<geojson::Feature> {
    let mut properties = Map::new();
    for column in frame.columns() {
        let value = match column.get(row).map_err(Error::table("writing GeoJSON"))? {
            AnyValue::Null => Value::Null,
            AnyValue::Int64(number) => number.into(),
            AnyValue::Float64(number) => number.into(),
            AnyValue::String(text) => text.into(),
            other => other.to_string().into(),
        };
        properties.insert(column.name().to_string(), value);
    }
    let rounded = geometry.map(|geometry| geojson::Geometry::new((&geometry.map_coords(rounded)).into()));
    Ok(geojson::Feature {
        bbox: None,
        geometry: rounded,
        id: None,
        properties: Some(properties),
        foreign_members: None,
    })
}

/// Seven decimals: a centimetre.
fn rounded(coord: geo::Coord) -> geo::Coord {
    let round = |degrees: f64| (degrees * 1e7).round() / 1e7;
    geo::coord! { x: round(coord.x), y: round(coord.y) }
}

/// Cuts a hull that crosses the antimeridian in two, and turns outer rings counterclockwise.
pub(super) fn within_the_globe(hull: &Geometry) -> Geometry {
    let turned = |geometry: &Geometry| {
        geometry.map_coords(|coord| geo::coord! { x: (coord.x + 180.0).rem_euclid(360.0) - 180.0, y: coord.y })
    };
    let inside = hull.bounding_rect().is_none_or(|bounds| bounds.min().x >= -180.0 && bounds.max().x <= 180.0);
    match hull {
        Geometry::Polygon(polygon) if inside => Geometry::Polygon(polygon.orient(Direction::Default)),
        Geometry::Polygon(polygon) => {
            let globe = MultiPolygon::new(vec![Rect::new((-180.0, -90.0), (180.0, 90.0)).to_polygon()]);
            let parts = [-360.0, 0.0, 360.0].map(|turn| globe.intersection(&polygon.translate(turn, 0.0)));
            let parts: Vec<_> = parts.into_iter().flatten().map(|part| part.orient(Direction::Default)).collect();
            Geometry::MultiPolygon(MultiPolygon::new(parts))
        }
        other if inside => other.clone(),
        other => turned(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hull_over_the_antimeridian_is_cut() {
        let hull = Geometry::Polygon(Rect::new((179.0, -1.0), (181.0, 1.0)).to_polygon());
        let Geometry::MultiPolygon(parts) = within_the_globe(&hull) else { panic!("not cut") };
        assert_eq!(parts.0.len(), 2);
        let bounds = parts.bounding_rect().unwrap();
        assert!((bounds.min().x + 180.0).abs() < 1e-6 && (bounds.max().x - 180.0).abs() < 1e-6);
    }
}
