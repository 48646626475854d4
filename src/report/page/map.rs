//! The map: coasts and borders, infrastructure, outlines of clusters, sites by emissions.

use std::collections::HashSet;
use std::fmt::Write;

use geo::{BooleanOps, BoundingRect, Coord, Geometry, Intersects, LineString, MultiPolygon, Polygon, Rect, Simplify};

use super::labels::{self, Label};
use super::{Shown, class, short, words};
use crate::report::Results;
use crate::report::formats::styles::layer_colour;
use crate::report::tables::Geometries;
use crate::validate::{Facilities, Feature, country};

/// Sites on the map.
const SITES: usize = 3000;
/// Features of a layer on the map.
const FEATURES: usize = 5000;
/// Width and height of the longer side, px.
const SIDE: f64 = 900.0;
/// Between the middle of a cluster and its name, px.
const CLEAR: f64 = 13.0;
/// How exact coasts and outlines are, px.
const EXACT: f64 = 0.4;
/// How exact infrastructure is, px.
const ROUGH: f64 = 1.0;

/// The map.
pub struct Map {
    /// px.
    pub width: f64,
    /// px.
    pub height: f64,
    /// Coasts and borders.
    pub land: String,
    /// Infrastructure.
    pub layers: Vec<MapLayer>,
    /// Outlines, each with its class and where its card is.
    pub outlines: Vec<(String, String, String)>,
    /// Sites, the largest first.
    pub sites: Vec<Site>,
    /// Names of clusters.
    pub names: Vec<(String, Label)>,
    /// Sites of the period that lie beyond the map.
    pub beyond: usize,
    /// Smaller sites of the period that are left out.
    pub smaller: usize,
}

/// One layer of infrastructure.
pub struct MapLayer {
    /// Its name.
    pub name: String,
    /// Its colour.
    pub colour: &'static str,
    /// Points, each a line of no length.
    pub points: String,
    /// Lines.
    pub lines: String,
    /// Areas.
    pub areas: String,
    /// Features that are left out.
    pub left_out: usize,
}

/// A site.
pub struct Site {
    x: f64,
    y: f64,
    r: f64,
    /// Class of its cluster's type.
    pub class: String,
}

impl Site {
    /// Place and radius as SVG has them.
    pub fn circle(&self) -> String {
        format!("cx=\"{:.1}\" cy=\"{:.1}\" r=\"{:.1}\"", self.x, self.y, self.r)
    }
}

/// Longitude and latitude to the canvas: equirectangular, true to scale at the middle latitude. Longitudes run on from
/// the western edge, so that the antimeridian is no edge.
struct Projection {
    frame: Rect,
    scale: f64,
    squeeze: f64,
}

impl Projection {
    /// A canvas for the sites of the middle 98 % by longitude and by latitude, so that a few remote ones do not shrink it,
    /// and all outlines.
    fn of(register: &Facilities, outlines: &Geometries) -> Option<Self> {
        let places: Vec<(f64, f64)> = register.places.iter().flatten().copied().collect();
        let west = western_edge(&places)?;
        let on = |lon: f64| (lon - west).rem_euclid(360.0) + west;
        let middle = |mut degrees: Vec<f64>| {
            degrees.sort_by(f64::total_cmp);
            let cut = degrees.len() / 100;
            (degrees[cut], degrees[degrees.len() - 1 - cut])
        };
        let (mut west_end, mut east_end) = middle(places.iter().map(|place| on(place.0)).collect());
        let (mut south, mut north) = middle(places.iter().map(|place| place.1).collect());
        for part in outlines.iter().flatten().flat_map(rings) {
            for coord in part.coords() {
                let lon = on(coord.x);
                (west_end, east_end) = (west_end.min(lon), east_end.max(lon));
                (south, north) = (south.min(coord.y), north.max(coord.y));
            }
        }
        let margin = ((east_end - west_end).max(north - south) * 0.06).max(0.2);
        let frame = Rect::new(
            (west_end - margin, (south - margin).max(-90.0)),
            (east_end + margin, (north + margin).min(90.0)),
        );
        let squeeze = frame.center().y.to_radians().cos().max(0.1);
        let scale = (SIDE / (frame.width() * squeeze)).min(SIDE / frame.height());
        Some(Self { frame, scale, squeeze })
    }

    /// Where a place stands, turned around the globe as near to the frame as it goes.
    fn at(&self, coord: Coord) -> (f64, f64) {
        let middle = self.frame.center().x;
        let lon = coord.x - 360.0 * ((coord.x - middle) / 360.0).round();
        self.fixed(geo::coord! { x: lon, y: coord.y })
    }

    fn fixed(&self, coord: Coord) -> (f64, f64) {
        ((coord.x - self.frame.min().x) * self.squeeze * self.scale, (self.frame.max().y - coord.y) * self.scale)
    }

    fn size(&self) -> (f64, f64) {
        (self.frame.width() * self.squeeze * self.scale, self.frame.height() * self.scale)
    }

    fn holds(&self, (x, y): (f64, f64)) -> bool {
        let (width, height) = self.size();
        (0.0..=width).contains(&x) && (0.0..=height).contains(&y)
    }

    /// A line or ring as it is: all of it turned by as much as its middle needs.
    fn path(&self, line: &LineString, exact: f64, close: bool, into: &mut String) {
        let Some(bounds) = line.bounding_rect() else { return };
        let turn = 360.0 * ((bounds.center().x - self.frame.center().x) / 360.0).round();
        let flat = |coord: &Coord| Coord::from(self.fixed(geo::coord! { x: coord.x - turn, y: coord.y }));
        let flat: LineString = line.coords().map(flat).collect();
        for (position, at) in flat.simplify(exact).coords().enumerate() {
            let _ = write!(into, "{}{:.1} {:.1}", if position == 0 { "M" } else { "L" }, at.x, at.y);
        }
        if close {
            into.push('Z');
        }
    }
}

/// The middle of the widest gap between sites around the globe: what is beside the outermost site stays beside it.
fn western_edge(places: &[(f64, f64)]) -> Option<f64> {
    let mut degrees: Vec<f64> = places.iter().map(|place| place.0).collect();
    degrees.sort_by(f64::total_cmp);
    let (first, last) = (*degrees.first()?, *degrees.last()?);
    let around = (first + 360.0 - last, first + 360.0);
    let gaps = degrees.windows(2).map(|pair| (pair[1] - pair[0], pair[1]));
    let (width, edge) = gaps.fold(around, |widest, gap| if gap.0 > widest.0 { gap } else { widest });
    Some((edge - width / 2.0 + 180.0).rem_euclid(360.0) - 180.0)
}

/// Outer rings and lines of a geometry.
fn rings(geometry: &Geometry) -> Vec<&LineString> {
    match geometry {
        Geometry::Polygon(polygon) => vec![polygon.exterior()],
        Geometry::MultiPolygon(polygons) => polygons.iter().map(Polygon::exterior).collect(),
        Geometry::LineString(line) => vec![line],
        Geometry::MultiLineString(lines) => lines.iter().collect(),
        _ => Vec::new(),
    }
}

/// The map of a run's latest period; `None` without a place.
pub fn map(results: &Results<'_>, outlines: &Geometries, shown: &Shown) -> Option<Map> {
    let register = results.facilities()?;
    let projection = Projection::of(register, outlines)?;
    let is_current = |unit: &usize| results.measured.units[*unit].period == results.latest();
    let current: Vec<usize> = shown.units().filter(is_current).collect();
    let name = |unit: usize| &results.measured.clusters.names[results.measured.units[unit].cluster];
    let mut drawn = Vec::new();
    let mut middles: Vec<(usize, (f64, f64))> = Vec::new();
    for &unit in &current {
        let Some(outline) = &outlines[unit] else { continue };
        let mut path = String::new();
        rings(outline).into_iter().for_each(|ring| projection.path(ring, EXACT, true, &mut path));
        drawn.push((path, class(results, unit), shown.anchor(unit)));
        let centre = rings(outline).first().and_then(|ring| ring.bounding_rect()).map(|bounds| bounds.center());
        middles.extend(centre.map(|centre| (unit, projection.at(centre))));
    }
    let label = |unit: usize| match results.rating.classes[unit].of_type(results.about.typology) {
        Some(kind) => format!("{} {}", kind.number, short(name(unit))),
        None => short(name(unit)),
    };
    let wanted: Vec<(f64, f64, usize)> =
        middles.iter().map(|&(unit, (x, y))| (x, y, label(unit).chars().count())).collect();
    let placed = labels::place(&wanted, projection.size(), CLEAR, &[]);
    let names = middles.iter().zip(placed).filter_map(|((unit, _), place)| Some((label(*unit), place?))).collect();
    let (sites, beyond, smaller) = sites(results, register, shown, &projection);
    let (width, height) = projection.size();
    Some(Map {
        width,
        height,
        land: land(&projection),
        layers: (0..results.tables.layers.len()).map(|at| infrastructure(results, at, &projection)).collect(),
        outlines: drawn,
        sites,
        names,
        beyond,
        smaller,
    })
}

/// Sites of the latest period, large ones under small ones; the circle's area follows emissions.
fn sites(
    results: &Results<'_>,
    register: &Facilities,
    shown: &Shown,
    projection: &Projection,
) -> (Vec<Site>, usize, usize) {
    let latest = results.latest();
    let of_period = |row: &usize| latest.is_none() || register.period.get(*row) == latest;
    let mut rows: Vec<usize> = (0..register.rows()).filter(of_period).collect();
    rows.sort_by(|&a, &b| {
        let tonnes = |row: usize| register.emissions_t.get(row).unwrap_or(0.0);
        tonnes(b).total_cmp(&tonnes(a)).then(a.cmp(&b))
    });
    let mut sites = Vec::new();
    let (mut beyond, mut smaller) = (0, 0);
    for row in rows {
        let facility = register.facility[row];
        let Some((lon, lat)) = register.places[facility] else { continue };
        let (x, y) = projection.at(geo::coord! { x: lon, y: lat });
        if !projection.holds((x, y)) {
            beyond += 1;
            continue;
        }
        if sites.len() == SITES {
            smaller += 1;
            continue;
        }
        let unit = results.measured.clusters.of_facility[facility].and_then(|cluster| shown.latest_of(cluster));
        let class = unit.map_or_else(|| "none".into(), |unit| class(results, unit));
        let r = (register.emissions_t.get(row).unwrap_or(0.0) / 1e6).sqrt().mul_add(4.0, 1.5).min(14.0);
        sites.push(Site { x, y, r, class });
    }
    (sites, beyond, smaller)
}

/// A layer as paths; points that fall together stand once.
fn infrastructure(results: &Results<'_>, position: usize, projection: &Projection) -> MapLayer {
    let layer = &results.tables.layers[position];
    let mut drawn = MapLayer {
        name: words(&layer.name),
        colour: layer_colour(position),
        points: String::new(),
        lines: String::new(),
        areas: String::new(),
        left_out: 0,
    };
    let mut taken = HashSet::new();
    let mut left = FEATURES;
    // As sites: of several periods the latest.
    let latest = results.latest();
    for feature in layer.features.iter().filter(|feature| layer.stands(feature, latest)) {
        let Some(geometry) = &feature.geometry else { continue };
        if !is_on(feature, projection) {
            continue;
        }
        if left == 0 {
            drawn.left_out += 1;
            continue;
        }
        left -= 1;
        add(geometry, projection, &mut drawn, &mut taken);
    }
    drawn
}

fn is_on(feature: &Feature, projection: &Projection) -> bool {
    let bounds = feature.geometry.as_ref().and_then(BoundingRect::bounding_rect);
    bounds.is_some_and(|bounds| {
        let turn = 360.0 * ((bounds.center().x - projection.frame.center().x) / 360.0).round();
        let turned = Rect::new((bounds.min().x - turn, bounds.min().y), (bounds.max().x - turn, bounds.max().y));
        turned.intersects(&projection.frame)
    })
}

fn add(geometry: &Geometry, projection: &Projection, drawn: &mut MapLayer, taken: &mut HashSet<(i64, i64)>) {
    match geometry {
        Geometry::Point(point) => {
            let (x, y) = projection.at(point.0);
            if projection.holds((x, y)) && taken.insert((x.round() as i64, y.round() as i64)) {
                let _ = write!(drawn.points, "M{x:.1} {y:.1}h0");
            }
        }
        Geometry::MultiPoint(points) => {
            points.iter().for_each(|point| add(&Geometry::Point(*point), projection, drawn, taken));
        }
        Geometry::GeometryCollection(parts) => parts.iter().for_each(|part| add(part, projection, drawn, taken)),
        Geometry::Polygon(_) | Geometry::MultiPolygon(_) => {
            rings(geometry).into_iter().for_each(|ring| projection.path(ring, ROUGH, true, &mut drawn.areas));
        }
        _ => rings(geometry).into_iter().for_each(|line| projection.path(line, ROUGH, false, &mut drawn.lines)),
    }
}

/// Coasts and borders within the frame: Natural Earth countries.
fn land(projection: &Projection) -> String {
    let mut path = String::new();
    for outline in country::outlines() {
        for turn in [-360.0, 0.0, 360.0] {
            let frame = projection.frame;
            let window = Rect::new((frame.min().x + turn, frame.min().y), (frame.max().x + turn, frame.max().y));
            let is_near = |part: &&Polygon| part.bounding_rect().is_some_and(|bounds| bounds.intersects(&window));
            let near: Vec<Polygon> = outline.iter().filter(is_near).cloned().collect();
            if near.is_empty() {
                continue;
            }
            for part in &MultiPolygon::new(vec![window.to_polygon()]).intersection(&MultiPolygon::new(near)) {
                projection.path(part.exterior(), EXACT, true, &mut path);
                part.interiors().iter().for_each(|ring| projection.path(ring, EXACT, true, &mut path));
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_of_sites_on_either_side_of_the_antimeridian_begins_in_the_west() {
        assert_eq!(western_edge(&[(179.0, 0.0), (-179.0, 0.0), (177.0, 1.0)]), Some(-1.0));
        assert_eq!(western_edge(&[(-3.0, 0.0), (1.0, 0.0)]), Some(179.0));
        assert_eq!(western_edge(&[(10.0, 0.0)]), Some(-170.0));
    }
}
