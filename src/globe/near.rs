//! Geodesic distance from places to the nearest of many features, and the features within a radius.

use geo::{BoundingRect, CoordsIter, Geometry, LineString, LinesIter, Polygon};
use rstar::{AABB, Envelope, PointDistance, RTree, RTreeObject};

use super::geodesy::{
    Degrees, Segment, bulge_km, chord_km, chord_to_line_km, distance_km, geocentric, longest_geodesic_km,
};

/// Edges are cut into parts of this length, so that a part hardly bulges from its chord.
const PART_KM: f64 = 50.0;

/// Features of any geometry, indexed.
pub struct NearIndex {
    parts: RTree<Part>,
    areas: RTree<Area>,
    features: usize,
}

/// The nearest feature.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Nearest {
    /// Geodesic distance, km; 0 inside a polygon.
    pub km: f64,
    /// The feature's position; of several at one distance the first.
    pub feature: usize,
}

/// A point or a short piece of an edge.
struct Part {
    feature: usize,
    shape: Shape,
    a: [f64; 3],
    b: [f64; 3],
    bulge_km: f64,
}

enum Shape {
    Point(Degrees),
    Edge(Segment),
}

/// A polygon's rings, for the question whether a place is inside.
struct Area {
    feature: usize,
    rings: Vec<LineString>,
    envelope: AABB<[f64; 2]>,
}

impl RTreeObject for Part {
    type Envelope = AABB<[f64; 3]>;

    fn envelope(&self) -> Self::Envelope {
        let low = [0, 1, 2].map(|i| self.a[i].min(self.b[i]) - self.bulge_km);
        let high = [0, 1, 2].map(|i| self.a[i].max(self.b[i]) + self.bulge_km);
        AABB::from_corners(low, high)
    }
}

impl PointDistance for Part {
    /// A lower bound of the distance, so that the tree yields parts in an order that can be cut off.
    fn distance_2(&self, point: &[f64; 3]) -> f64 {
        (chord_to_line_km(point, &self.a, &self.b) - self.bulge_km).max(0.0).powi(2)
    }
}

impl RTreeObject for Area {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        self.envelope
    }
}

impl Part {
    fn distance_km(&self, place: Degrees) -> f64 {
        match &self.shape {
            Shape::Point(point) => distance_km(place, *point),
            Shape::Edge(segment) => segment.distance_km(place),
        }
    }
}

impl NearIndex {
    /// Indexes features by their geometry; `None` for a feature without one, which is never near anything.
    pub fn new<'a>(geometries: impl IntoIterator<Item = Option<&'a Geometry>>) -> Self {
        let (mut parts, mut areas, mut features) = (Vec::new(), Vec::new(), 0);
        for geometry in geometries {
            if let Some(geometry) = geometry {
                collect(features, geometry, &mut parts, &mut areas);
            }
            features += 1;
        }
        Self { parts: RTree::bulk_load(parts), areas: RTree::bulk_load(areas), features }
    }

    /// The nearest feature, or `None` where none has a geometry.
    pub fn nearest(&self, place: Degrees) -> Option<Nearest> {
        if let Some(feature) = self.inside(place).into_iter().min() {
            return Some(Nearest { km: 0.0, feature });
        }
        let from = geocentric(place);
        let mut best: Option<Nearest> = None;
        for (part, lower_squared) in self.parts.nearest_neighbor_iter_with_distance_2(&from) {
            if best.is_some_and(|best| lower_squared.sqrt() > best.km) {
                break;
            }
            let found = Nearest { km: part.distance_km(place), feature: part.feature };
            let closer = |best: Nearest| found.km < best.km || found.km == best.km && found.feature < best.feature;
            if best.is_none_or(closer) {
                best = Some(found);
            }
        }
        best
    }

    /// The features within a radius (inclusive), ascending.
    pub fn within(&self, place: Degrees, radius_km: f64) -> Vec<usize> {
        let from = geocentric(place);
        let mut found = vec![false; self.features];
        self.inside(place).into_iter().for_each(|feature| found[feature] = true);
        for part in self.parts.locate_within_distance(from, radius_km * radius_km) {
            if !found[part.feature] {
                found[part.feature] = is_within(part, place, &from, radius_km);
            }
        }
        (0..self.features).filter(|&feature| found[feature]).collect()
    }

    /// The polygons that hold a place, on their edge or by the even-odd rule over all their rings.
    fn inside(&self, place: Degrees) -> Vec<usize> {
        let mut found = Vec::new();
        for turn in [0.0, 360.0, -360.0] {
            let point = [place.0 + turn, place.1];
            let around = self.areas.locate_in_envelope_intersecting(&AABB::from_point(point));
            found.extend(around.filter(|area| is_inside(&area.rings, point)).map(|area| area.feature));
        }
        found
    }
}

fn is_within(part: &Part, place: Degrees, from: &[f64; 3], radius_km: f64) -> bool {
    if let Shape::Point(_) = part.shape {
        let chord = chord_km(from, &part.a);
        if longest_geodesic_km(chord) <= radius_km {
            return true;
        }
    }
    part.distance_km(place) <= radius_km
}

fn collect(feature: usize, geometry: &Geometry, parts: &mut Vec<Part>, areas: &mut Vec<Area>) {
    match geometry {
        Geometry::GeometryCollection(collection) => {
            collection.iter().for_each(|part| collect(feature, part, parts, areas))
        }
        Geometry::Point(_) | Geometry::MultiPoint(_) => {
            for coord in geometry.coords_iter() {
                let (point, at) = ((coord.x, coord.y), geocentric((coord.x, coord.y)));
                parts.push(Part { feature, shape: Shape::Point(point), a: at, b: at, bulge_km: 0.0 });
            }
        }
        Geometry::Polygon(polygon) => area(feature, std::slice::from_ref(polygon), parts, areas),
        Geometry::MultiPolygon(polygons) => area(feature, &polygons.0, parts, areas),
        Geometry::LineString(line) => edges(feature, line.lines_iter(), parts),
        Geometry::MultiLineString(lines) => edges(feature, lines.lines_iter(), parts),
        Geometry::Line(line) => edges(feature, [*line].into_iter(), parts),
        Geometry::Rect(rect) => area(feature, &[rect.to_polygon()], parts, areas),
        Geometry::Triangle(triangle) => area(feature, &[triangle.to_polygon()], parts, areas),
    }
}

fn area(feature: usize, polygons: &[Polygon], parts: &mut Vec<Part>, areas: &mut Vec<Area>) {
    let mut rings: Vec<LineString> = Vec::new();
    for polygon in polygons {
        rings.push(polygon.exterior().clone());
        rings.extend(polygon.interiors().iter().cloned());
    }
    let mut envelope = AABB::new_empty();
    for bounds in rings.iter().filter_map(BoundingRect::bounding_rect) {
        envelope.merge(&AABB::from_corners([bounds.min().x, bounds.min().y], [bounds.max().x, bounds.max().y]));
    }
    edges(feature, rings.iter().flat_map(|ring| ring.lines_iter()), parts);
    areas.push(Area { feature, rings, envelope });
}

fn edges(feature: usize, lines: impl Iterator<Item = geo::Line>, parts: &mut Vec<Part>) {
    for line in lines {
        let whole = Segment::new((line.start.x, line.start.y), (line.end.x, line.end.y));
        for (segment, a, b) in whole.split(PART_KM) {
            parts.push(Part { feature, shape: Shape::Edge(segment), a, b, bulge_km: bulge_km(segment.length_km()) });
        }
    }
}

/// On an edge, or inside an odd number of rings (longitude and latitude as a plane).
fn is_inside(rings: &[LineString], [x, y]: [f64; 2]) -> bool {
    let mut inside = false;
    for edge in rings.iter().flat_map(|ring| ring.lines_iter()) {
        let (a, b) = (edge.start, edge.end);
        let side = (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x);
        let between = (a.x.min(b.x)..=a.x.max(b.x)).contains(&x) && (a.y.min(b.y)..=a.y.max(b.y)).contains(&y);
        if side == 0.0 && between {
            return true;
        }
        if (a.y > y) != (b.y > y) && (side > 0.0) == (b.y > a.y) {
            inside = !inside;
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use wkt::TryFromWkt;

    fn index(wkt: &str) -> NearIndex {
        NearIndex::new([Some(&Geometry::try_from_wkt_str(wkt).unwrap())])
    }

    fn rows(path: &str) -> Vec<csv::StringRecord> {
        csv::Reader::from_path(path).unwrap().records().map(|row| row.unwrap()).collect()
    }

    /// tests/oracles/geodesic: pyproj, lines sampled and refined to 0.1 m.
    #[test]
    fn distances_agree_with_geographiclib() {
        let rows = rows("tests/oracles/geodesic/distances.csv");
        for row in &rows {
            let number = |column: usize| row[column].parse::<f64>().unwrap();
            let km = index(&row[5]).nearest((number(2), number(3))).unwrap().km;
            let allowed = if &row[4] == "POINT" { 1e-6 } else { (number(6) * 1e-4).max(1e-3) };
            assert!((km - number(6)).abs() <= allowed, "{} {}: {km} instead of {}", &row[0], &row[1], &row[6]);
        }
        assert_eq!(rows.len(), 120);
    }

    #[test]
    fn a_polygon_with_a_hole() {
        for row in rows("tests/oracles/geodesic/polygon.csv") {
            let number = |column: usize| row[column].parse::<f64>().unwrap();
            let km = index(&row[4]).nearest((number(0), number(1))).unwrap().km;
            assert_eq!(km == 0.0, &row[2] == "True", "{row:?}: {km}");
            assert!((km - number(3)).abs() <= (number(3) * 1e-4).max(1e-3), "{row:?}: {km}");
        }
    }

    /// Rings that cross: the twice-covered middle is outside by the even-odd rule.
    #[test]
    fn even_odd_over_all_rings() {
        let overlapping = "MULTIPOLYGON (((0 0, 2 0, 2 1, 0 1, 0 0)), ((1 0, 3 0, 3 1, 1 1, 1 0)))";
        let index = index(overlapping);
        assert_eq!(index.nearest((0.5, 0.5)).unwrap().km, 0.0);
        assert!(index.nearest((1.5, 0.5)).unwrap().km > 50.0);
    }

    #[test]
    fn within_is_inclusive_of_features_that_reach_in() {
        let index = index("LINESTRING (1 -1, 1 1)");
        let km = distance_km((0.0, 0.0), (1.0, 0.0));
        assert_eq!(index.within((0.0, 0.0), km + 1e-6), [0]);
        assert!(index.within((0.0, 0.0), km - 1e-3).is_empty());
    }
}
