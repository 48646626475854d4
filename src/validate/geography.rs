//! What clusters are cut by or named after: regions with an outline, towns with a size.

use geo::Geometry;
use serde::{Deserialize, Serialize};

use super::layers::{Feature, Geographic};
use super::settings::GeographySource;
use super::{Reader, Sums};
use crate::error::{Error, Problem, Result};
use crate::finding::Findings;
use crate::globe::geodesy::by_lon_lat;

/// One region of `[boundaries]`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Boundary {
    /// `id`, else `name`, else file:line; no two alike.
    pub id: String,
    /// `name`, else the id.
    pub name: String,
    /// WGS 84 polygon or polygons, degrees.
    pub geometry: Geometry,
    /// Where regions overlap the greatest takes the facility.
    pub priority: Option<f64>,
}

/// One town of `[places]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// WGS 84 longitude and latitude, degrees.
    pub at: (f64, f64),
    /// Inhabitants.
    pub population: Option<f64>,
}

/// Reads and checks `[boundaries]`.
pub fn boundaries(source: &GeographySource, reader: &mut Reader<'_>, findings: &mut Findings) -> Result<Vec<Boundary>> {
    let (features, numbers) = read("boundaries", source, "priority", reader, findings)?;
    let is_polygon = |geometry: &Geometry| matches!(geometry, Geometry::Polygon(_) | Geometry::MultiPolygon(_));
    let other = features.iter().filter(|feature| feature.geometry.as_ref().is_some_and(|shape| !is_polygon(shape)));
    refuse(
        "boundaries",
        other.map(|feature| feature.id.clone()),
        "a boundary must be a polygon",
        "leave other geometries out by `where`",
    )?;
    if !features.is_empty() && features.iter().all(|feature| feature.geometry.is_none()) {
        let hint = "map `geometry` to the column of WKT, or give GeoJSON or GeoParquet";
        let problem = Problem::new("boundaries", "no boundary has a geometry: nothing can lie in one", hint);
        return Err(Error::Data { problems: vec![problem] });
    }
    let mut ids: Vec<&str> = features.iter().map(|feature| feature.id.as_str()).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].to_owned());
    refuse(
        "boundaries",
        twice,
        "two boundaries have one id",
        "give each its own, or merge the parts of a region into one multipolygon",
    )?;
    let boundary = |(feature, priority): (Feature, &Option<f64>)| {
        let name = feature.name.unwrap_or_else(|| feature.id.clone());
        Some(Boundary { name, geometry: feature.geometry?, id: feature.id, priority: *priority })
    };
    let mut boundaries: Vec<Boundary> = features.into_iter().zip(&numbers[0].1).filter_map(boundary).collect();
    boundaries.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(boundaries)
}

/// Reads and checks `[places]`.
pub fn places(source: &GeographySource, reader: &mut Reader<'_>, findings: &mut Findings) -> Result<Vec<Place>> {
    let (features, numbers) = read("places", source, "population", reader, findings)?;
    let is_point = |geometry: &Geometry| matches!(geometry, Geometry::Point(_));
    let other = features.iter().filter(|feature| feature.geometry.as_ref().is_some_and(|shape| !is_point(shape)));
    refuse("places", other.map(|feature| feature.id.clone()), "a town must be a point", "give its centre")?;
    let place = |(feature, population): (Feature, &Option<f64>)| match (feature.name, feature.geometry) {
        (Some(name), Some(Geometry::Point(point))) => {
            Some(Place { name, at: (point.x(), point.y()), population: *population })
        }
        _ => None,
    };
    let mut places: Vec<Place> = features.into_iter().zip(&numbers[0].1).filter_map(place).collect();
    // Of two that pull alike the first by name is chosen, wherever it stands in the file.
    places.sort_by(|a, b| a.name.cmp(&b.name).then(by_lon_lat(a.at, b.at)));
    Ok(places)
}

fn read(
    name: &str,
    source: &GeographySource,
    number: &str,
    reader: &mut Reader<'_>,
    findings: &mut Findings,
) -> Result<(Vec<Feature>, Sums)> {
    let asked = Geographic {
        name,
        reading: source.reading(),
        columns: &source.columns,
        contract: &source.contract,
        filters: &source.filters,
        crs: &source.crs,
        optional: &["id", "name", number],
        numbers: &[number],
        years: [None, None],
    };
    asked.read(reader, None, findings)
}

fn refuse(place: &str, ids: impl Iterator<Item = String>, message: &str, hint: &str) -> Result<()> {
    let problem = Problem::new(place, message, hint).showing(ids);
    if problem.evidence.is_empty() { Ok(()) } else { Err(Error::Data { problems: vec![problem] }) }
}
