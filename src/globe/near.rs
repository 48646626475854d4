//! Geodesic distance from places to the nearest of many features, and the features within a radius.

use std::collections::HashMap;

use geo::{CoordsIter, Geometry, Line, LineString, LinesIter, MapCoords, Polygon};
use rayon::prelude::*;
use rstar::{AABB, Envelope, RTree, RTreeObject};
use serde::{Deserialize, Serialize};

use super::geodesy::{
    Degrees, bulge_km, centre_below, chord_km, degrees, distance_between_km, foot, geocentric, longest_geodesic_km,
    on_ground, split,
};
use super::tree::{Item, Tree};
use super::{Vector, squared, unit_vector};
use crate::declared::SLACK;

/// Edges are cut into parts of this length, so that a part hardly bulges from its chord.
const PART_KM: f64 = 50.0;

/// Features of any geometry, indexed.
pub struct NearIndex {
    parts: Tree<Part>,
    areas: RTree<Area>,
    /// Points at the place of an earlier one, which alone is indexed: thousands at one place are searched for once.
    twins: HashMap<usize, Vec<usize>>,
}

/// A feature and how far it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Nearest {
    /// Geodesic distance, km; 0 inside a polygon.
    pub km: f64,
    /// The feature's position; of several at one distance the first.
    pub feature: usize,
}

/// A point, or a short piece of an edge; in geocentric coordinates, km.
#[derive(Clone, Copy)]
struct Part {
    a: Vector,
    b: Vector,
    /// Below its middle; see [`centre_below`].
    centre: Vector,
    /// From its middle to an end.
    half_km: f64,
    bulge_km: f64,
}

/// The place of a part that is nearest to where the question came from.
#[derive(Clone, Copy)]
struct Candidate {
    feature: usize,
    at: Vector,
    /// The straight distance: never longer than the geodesic.
    chord_km: f64,
}

/// The edges of a polygon's rings, for the question whether a place is inside.
#[derive(Clone)]
struct Area {
    feature: usize,
    edges: Vec<Line>,
    /// The least and the greatest latitude of every [`STRETCH`] edges.
    latitudes: Vec<[f64; 2]>,
    envelope: AABB<[f64; 2]>,
}

/// Edges that are looked at only together.
const STRETCH: usize = 16;

impl Area {
    fn new(feature: usize, edges: Vec<Line>) -> Self {
        let ends = |edges: &[Line]| edges.iter().flat_map(|edge| [edge.start, edge.end]).collect::<Vec<geo::Coord>>();
        let span = |edges: &[Line]| {
            let ends = ends(edges);
            let (least, greatest) = (f64::INFINITY, f64::NEG_INFINITY);
            [ends.iter().map(|end| end.y).fold(least, f64::min), ends.iter().map(|end| end.y).fold(greatest, f64::max)]
        };
        let latitudes = edges.chunks(STRETCH).map(span).collect();
        let mut envelope = AABB::new_empty();
        ends(&edges).iter().for_each(|end| envelope.merge(&AABB::from_point([end.x, end.y])));
        Self { feature, edges, latitudes, envelope }
    }

    /// Whether a place is inside: on an edge, or by the even-odd rule over all rings.
    fn holds(&self, [x, y]: [f64; 2]) -> bool {
        let mut inside = false;
        let near = self
            .edges
            .chunks(STRETCH)
            .zip(&self.latitudes)
            .filter(|(_, [least, greatest])| *least <= y && y <= *greatest);
        for edge in near.flat_map(|(edges, _)| edges) {
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
}

impl Part {
    fn point(coord: geo::Coord) -> Self {
        let at = geocentric((coord.x, coord.y));
        Self { a: at, b: at, centre: [0.0; 3], half_km: 0.0, bulge_km: 0.0 }
    }
}

impl Item for Part {
    fn low(&self) -> Vector {
        let (Self { a, b, .. }, less) = (self, |a: f64, b: f64| if a < b { a } else { b });
        [less(a[0], b[0]) - self.bulge_km, less(a[1], b[1]) - self.bulge_km, less(a[2], b[2]) - self.bulge_km]
    }

    fn high(&self) -> Vector {
        let (Self { a, b, .. }, more) = (self, |a: f64, b: f64| if a > b { a } else { b });
        [more(a[0], b[0]) + self.bulge_km, more(a[1], b[1]) + self.bulge_km, more(a[2], b[2]) + self.bulge_km]
    }
}

impl RTreeObject for Area {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        self.envelope
    }
}

/// The known ones of some places, in an order in which neighbours follow each other.
pub struct Order(Vec<u32>);

impl Order {
    /// The order of some places.
    pub fn new(places: &[Option<Degrees>]) -> Self {
        let known = places.iter().zip(0..).filter_map(|(place, number)| Some((unit_vector((*place)?), number)));
        Self(Tree::of(known.collect()).numbers().to_vec())
    }

    /// The positions of the known places.
    pub fn numbers(&self) -> &[u32] {
        &self.0
    }
}

impl NearIndex {
    /// Indexes features by their geometry; `None` for a feature without one, which is never near anything.
    pub fn new<'a>(geometries: impl IntoIterator<Item = Option<&'a Geometry>>) -> Self {
        let mut geometries: Vec<Option<&Geometry>> = geometries.into_iter().collect();
        let twins = twins(&mut geometries);
        let collected = |(feature, geometry): (usize, &Option<&Geometry>)| {
            let (mut parts, mut areas) = (Vec::new(), Vec::new());
            if let Some(geometry) = geometry {
                collect(geometry, &mut parts, &mut |edges| areas.push(Area::new(feature, edges)));
            }
            (parts.into_iter().map(|part| (part, feature as u32)).collect::<Vec<_>>(), areas)
        };
        let found: Vec<_> = geometries.par_iter().enumerate().map(collected).collect();
        let (parts, areas): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let areas = areas.into_iter().flatten().collect();
        Self { parts: Tree::of(parts.into_iter().flatten().collect()), areas: RTree::bulk_load(areas), twins }
    }

    /// The same features elsewhere: each moved as a whole by kilometres to the east and to the north; those at one place move
    /// as the first of them. Steps are straight, and end on the ground below: of 25 km they come out 0.1 m short.
    pub fn moved(&self, step_km: impl Fn(usize) -> Option<[f64; 2]>) -> Self {
        let part = |part: &Part, feature: u32| {
            let Some(step) = step_km(feature as usize) else { return *part };
            let a = stepped(&part.a, step);
            if part.half_km == 0.0 {
                return Part { a, b: a, ..*part };
            }
            let (b, [x, y, z]) = (stepped(&part.b, step), part.centre);
            let moved = |i: usize| (a[i] + b[i] - part.a[i] - part.b[i]) / 2.0;
            let centre = [x + moved(0), y + moved(1), z + moved(2)];
            Part { a, b, centre, half_km: squared(&a, &b).sqrt() / 2.0, bulge_km: part.bulge_km }
        };
        let area = |area: &Area| {
            let Some(step) = step_km(area.feature) else { return area.clone() };
            let place = |coord: geo::Coord| {
                let (lon, lat) = degrees(&stepped(&geocentric((coord.x, coord.y)), step));
                // On the side of 180 degrees on which it was.
                geo::coord! { x: coord.x + (lon - coord.x + 540.0).rem_euclid(360.0) - 180.0, y: lat }
            };
            Area::new(area.feature, area.edges.iter().map(|edge| edge.map_coords(place)).collect())
        };
        let areas = self.areas.iter().map(area).collect();
        Self { parts: self.parts.moved(part), areas: RTree::bulk_load(areas), twins: self.twins.clone() }
    }

    /// A feature and those at its place.
    fn with_twins(&self, feature: usize) -> impl Iterator<Item = usize> {
        std::iter::once(feature).chain(self.twins.get(&feature).into_iter().flatten().copied())
    }

    /// The place of a part that is nearest to a point, unless it is farther than a limit by its chord.
    fn candidate(&self, part: usize, from: &Vector, limit_km: f64) -> Option<Candidate> {
        let Part { a, b, centre, half_km, bulge_km } = &self.parts.points()[part];
        let middle = [0, 1, 2].map(|i| (a[i] + b[i]) / 2.0);
        if squared(from, &middle) > (limit_km + half_km + bulge_km).powi(2) * (1.0 + 1e-12) {
            return None;
        }
        let at = if *half_km > 0.0 { foot(from, a, b, centre) } else { *a };
        let chord_km = chord_km(from, &at);
        let feature = self.parts.numbers()[part] as usize;
        (chord_km <= limit_km).then_some(Candidate { feature, at, chord_km })
    }

    /// The nearest feature, or `None` where none has a geometry.
    ///
    /// To points within nanometres; to lines and polygons within a millimetre nearby, and one part in a million far
    /// away (the foot on an edge is found in a plane).
    pub fn nearest(&self, place: Degrees) -> Option<Nearest> {
        self.nearest_from(place, &mut None)
    }

    /// The nearest feature of each place (`None` where a place or every geometry is unknown), side by side.
    pub fn nearest_all(&self, places: &[Option<Degrees>], order: &Order) -> Vec<Option<Nearest>> {
        const TOGETHER: usize = 1024;
        // Where neighbours follow each other, the last answer is close to the next one, and bounds the search for it.
        let together = |numbers: &[u32]| {
            let mut last = None;
            let nearest = |&number: &u32| places[number as usize].and_then(|place| self.nearest_from(place, &mut last));
            numbers.iter().map(nearest).collect::<Vec<_>>()
        };
        let found: Vec<Vec<Option<Nearest>>> = order.0.par_chunks(TOGETHER).map(together).collect();
        let mut nearest = vec![None; places.len()];
        for (&number, found) in order.0.iter().zip(found.into_iter().flatten()) {
            nearest[number as usize] = found;
        }
        nearest
    }

    /// The nearest feature; `known` is a place of any feature, and becomes one of the feature found.
    fn nearest_from(&self, place: Degrees, known: &mut Option<Vector>) -> Option<Nearest> {
        if let Some(&feature) = self.inside(place).first() {
            return Some(Nearest { km: 0.0, feature });
        }
        let from = geocentric(place);
        let limit = known.map_or(f64::INFINITY, |known| longest_geodesic_km(chord_km(&from, &known)));
        let mut found: (f64, Vec<Candidate>) = (limit, Vec::new());
        let mut consider = |part: usize, (limit, candidates): &mut (f64, Vec<Candidate>)| {
            if let Some(candidate) = self.candidate(part, &from, *limit) {
                *limit = limit.min(longest_geodesic_km(candidate.chord_km));
                candidates.push(candidate);
            }
        };
        self.parts.visit(&from, &mut found, &|(limit, _)| limit * limit, &mut consider);
        let (limit, mut candidates) = found;
        candidates.retain(|candidate| candidate.chord_km <= limit);
        *known = candidates.last().map(|candidate| candidate.at);
        if let [only] = candidates[..] {
            return Some(Nearest { km: distance_between_km(&from, &only.at), feature: only.feature });
        }
        closest(candidates, &from).into_iter().reduce(|a, b| if b.km < a.km { b } else { a })
    }

    /// The features within a radius (inclusive), ascending.
    pub fn within(&self, place: Degrees, radius_km: f64) -> Vec<usize> {
        let radius_km = radius_km + SLACK;
        let from = geocentric(place);
        let mut found = self.inside(place);
        for candidate in self.around(&from, radius_km) {
            let surely = longest_geodesic_km(candidate.chord_km) <= radius_km;
            if surely || distance_between_km(&from, &candidate.at) <= radius_km {
                found.extend(self.with_twins(candidate.feature));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The features within a radius (inclusive), ascending, with their distances.
    pub fn reach(&self, place: Degrees, radius_km: f64) -> Vec<Nearest> {
        let radius_km = radius_km + SLACK;
        let from = geocentric(place);
        let inside = self.inside(place);
        let mut found: Vec<Nearest> = inside.iter().map(|&feature| Nearest { km: 0.0, feature }).collect();
        let outside = self
            .around(&from, radius_km)
            .into_iter()
            .filter(|candidate| inside.binary_search(&candidate.feature).is_err());
        for nearest in closest(outside.collect(), &from).into_iter().filter(|nearest| nearest.km <= radius_km) {
            found.extend(self.with_twins(nearest.feature).map(|feature| Nearest { feature, ..nearest }));
        }
        found.sort_by_key(|nearest| nearest.feature);
        found
    }

    /// The places of all parts no farther than a radius by their chord.
    fn around(&self, from: &Vector, radius_km: f64) -> Vec<Candidate> {
        let mut found = Vec::new();
        let mut consider = |part: usize, found: &mut Vec<Candidate>| {
            found.extend(self.candidate(part, from, radius_km));
        };
        self.parts.visit(from, &mut found, &|_| radius_km * radius_km, &mut consider);
        found
    }

    /// The polygons that hold a place, on their edge or by the even-odd rule over all their rings; ascending.
    pub fn inside(&self, place: Degrees) -> Vec<usize> {
        let mut found = Vec::new();
        if self.areas.size() == 0 {
            return found;
        }
        for turn in [0.0, 360.0, -360.0] {
            let point = [place.0 + turn, place.1];
            let around = self.areas.locate_in_envelope_intersecting(&AABB::from_point(point));
            found.extend(around.filter(|area| area.holds(point)).map(|area| area.feature));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Takes every point away that stands where an earlier one does, and says where.
fn twins(geometries: &mut [Option<&Geometry>]) -> HashMap<usize, Vec<usize>> {
    let mut first: HashMap<[u64; 2], usize> = HashMap::new();
    let mut twins: HashMap<usize, Vec<usize>> = HashMap::new();
    for (feature, slot) in geometries.iter_mut().enumerate() {
        let Some(Geometry::Point(point)) = slot else { continue };
        let earlier = *first.entry([point.x().to_bits(), point.y().to_bits()]).or_insert(feature);
        if earlier != feature {
            twins.entry(earlier).or_default().push(feature);
            *slot = None;
        }
    }
    twins
}

/// The smallest geodesic distance to each feature, ascending by feature.
fn closest(mut candidates: Vec<Candidate>, from: &Vector) -> Vec<Nearest> {
    candidates.sort_by(|a, b| a.feature.cmp(&b.feature).then(a.chord_km.total_cmp(&b.chord_km)));
    let of_feature = |candidates: &[Candidate]| {
        let mut best = f64::INFINITY;
        let mut last = None;
        for candidate in candidates {
            // Edges meet in their ends: the same place again.
            if last != Some(candidate.at) && candidate.chord_km <= best {
                best = best.min(distance_between_km(from, &candidate.at));
            }
            last = Some(candidate.at);
        }
        Nearest { km: best, feature: candidates[0].feature }
    };
    candidates.chunk_by(|a, b| a.feature == b.feature).map(of_feature).collect()
}

/// Cuts a geometry into parts, and hands the rings of its polygons on.
fn collect(geometry: &Geometry, parts: &mut Vec<Part>, areas: &mut dyn FnMut(Vec<Line>)) {
    match geometry {
        Geometry::GeometryCollection(collection) => collection.iter().for_each(|part| collect(part, parts, areas)),
        Geometry::Point(_) | Geometry::MultiPoint(_) => {
            geometry.coords_iter().for_each(|coord| parts.push(Part::point(coord)));
        }
        Geometry::Polygon(polygon) => area(std::slice::from_ref(polygon), parts, areas),
        Geometry::MultiPolygon(polygons) => area(&polygons.0, parts, areas),
        Geometry::LineString(line) => chain(line, parts),
        Geometry::MultiLineString(lines) => lines.iter().for_each(|line| chain(line, parts)),
        Geometry::Line(line) => edges([*line].into_iter(), parts),
        Geometry::Rect(rect) => area(&[rect.to_polygon()], parts, areas),
        Geometry::Triangle(triangle) => area(&[triangle.to_polygon()], parts, areas),
    }
}

fn area(polygons: &[Polygon], parts: &mut Vec<Part>, areas: &mut dyn FnMut(Vec<Line>)) {
    let mut rings: Vec<LineString> = Vec::new();
    for polygon in polygons {
        rings.push(polygon.exterior().clone());
        rings.extend(polygon.interiors().iter().cloned());
    }
    rings.iter().for_each(|ring| chain(ring, parts));
    areas(rings.iter().flat_map(LineString::lines_iter).collect());
}

/// A geocentric place moved by kilometres to the east and to the north.
fn stepped(at: &Vector, [east, north]: [f64; 2]) -> Vector {
    let [x, y, z] = *at;
    let across = (x * x + y * y).sqrt();
    // At a pole east is any side.
    let [cos, sin] = if across > 0.0 { [x / across, y / across] } else { [1.0, 0.0] };
    let up = north / (across * across + z * z).sqrt();
    on_ground(&[x - east * sin - up * z * cos, y + east * cos - up * z * sin, z + up * across])
}

/// The edges of a line or a ring; of a single point the point.
fn chain(line: &LineString, parts: &mut Vec<Part>) {
    match line.0[..] {
        [only] => parts.push(Part::point(only)),
        _ => edges(line.lines_iter(), parts),
    }
}

fn edges(lines: impl Iterator<Item = geo::Line>, parts: &mut Vec<Part>) {
    for line in lines {
        let (places, length_km) = split((line.start.x, line.start.y), (line.end.x, line.end.y), PART_KM);
        let bulge_km = bulge_km(length_km);
        let part = |ends: &[Vector]| {
            let (a, b) = (ends[0], ends[1]);
            Part { a, b, centre: centre_below(&a, &b), half_km: chord_km(&a, &b) / 2.0, bulge_km }
        };
        parts.extend(places.windows(2).map(part));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::globe::geodesy::{degrees, distance_km};
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

    /// A moved index against one made of moved features: places found again within the bend of the Earth under 25 km.
    #[test]
    fn moved_features_are_where_they_were_moved_to() {
        let mut random = crate::random::stream(4, crate::stage::Stage::Measure, "test", 0);
        let mut number = |from: f64, to: f64| {
            let share = (rand_chacha::rand_core::Rng::next_u64(&mut random) >> 11) as f64 / (1_u64 << 53) as f64;
            from + share * (to - from)
        };
        let mut features = Vec::new();
        for _ in 0..60 {
            let (lon, lat) = (number(-179.9, 179.9), number(-70.0, 70.0));
            let square = [(0.0, 0.0), (0.3, 0.0), (0.3, 0.3), (0.0, 0.3)].map(|(x, y)| (lon + x, lat + y));
            features.push(Geometry::Point(geo::Point::new(lon, lat)));
            features.push(Geometry::Polygon(Polygon::new(LineString::from(square.to_vec()), Vec::new())));
        }
        let steps: Vec<Option<[f64; 2]>> =
            (0..features.len()).map(|at| (at % 5 > 0).then(|| [number(-18.0, 18.0), number(-18.0, 18.0)])).collect();
        let translated = |(geometry, step): (&Geometry, &Option<[f64; 2]>)| {
            let Some(step) = step else { return geometry.clone() };
            geometry.map_coords(|coord| {
                let (lon, lat) = degrees(&stepped(&geocentric((coord.x, coord.y)), *step));
                geo::coord! { x: lon, y: lat }
            })
        };
        let expected: Vec<Geometry> = features.iter().zip(&steps).map(translated).collect();
        let moved = NearIndex::new(features.iter().map(Some)).moved(|feature| steps[feature]);
        let new = NearIndex::new(expected.iter().map(Some));
        for _ in 0..400 {
            let place = (number(-180.0, 180.0), number(-75.0, 75.0));
            let (found, wanted) = (moved.nearest(place).unwrap(), new.nearest(place).unwrap());
            assert!((found.km - wanted.km).abs() < 0.001 + 1e-5 * wanted.km, "{place:?}: {found:?} {wanted:?}");
        }
        for (feature, step) in steps.iter().enumerate().step_by(2) {
            let Some(step) = step else { continue };
            let at = geo::Point::try_from(features[feature].clone()).unwrap();
            let there = degrees(&stepped(&geocentric((at.x(), at.y())), *step));
            let km = distance_between_km(&geocentric((at.x(), at.y())), &geocentric(there));
            assert!((km - step[0].hypot(step[1])).abs() < 0.01, "{km} km for {step:?}");
            assert!(moved.within(there, 0.001).contains(&feature));
        }
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

    /// Against every place on the geodesic, a metre apart.
    #[test]
    fn feet_are_where_the_edge_is_nearest() {
        for (start, end) in [((3.0, 52.0), (3.6, 52.1)), ((-70.0, -33.0), (-70.1, -32.6)), ((20.0, 78.0), (21.5, 78.3))]
        {
            let wkt = format!("LINESTRING ({} {}, {} {})", start.0, start.1, end.0, end.1);
            let index = index(&wkt);
            let (along, _) = split(start, end, 0.001);
            for (east, north) in [(0.3, 0.0), (0.0, 0.02), (-0.5, 0.4), (2.0, -1.0), (0.31, 3.0), (0.2, 0.0512)] {
                let place = (start.0 + east, start.1 + north);
                let km =
                    along.iter().map(|at| distance_between_km(&geocentric(place), at)).fold(f64::INFINITY, f64::min);
                let found = index.nearest(place).unwrap().km;
                let allowed = 2e-6 + 1e-6 * km + 0.5e-6 / (2.0 * km);
                assert!((found - km).abs() < allowed, "{wkt} {place:?}: {found} instead of {km}");
            }
        }
    }

    #[test]
    fn on_a_line_or_beside_it() {
        let index = index("LINESTRING (-3.5 51.25, -3.25 51.5, -3 51.25)");
        let (places, _) = split((-3.5, 51.25), (-3.25, 51.5), 3.0);
        for on in places.iter().map(degrees) {
            assert!(index.nearest(on).unwrap().km < 1e-6, "{on:?}");
            assert_eq!(index.within(on, 0.001), [0]);
            assert_eq!(index.reach(on, 0.001).len(), 1);
        }
    }

    #[test]
    fn features_at_one_place_are_all_there() {
        let points = [(0.0, 50.0), (1.0, 50.0), (0.0, 50.0), (0.0, 50.0)].map(|at| Geometry::Point(at.into()));
        let index = NearIndex::new(points.iter().map(Some));
        assert_eq!(index.nearest((0.1, 50.0)).unwrap().feature, 0);
        assert_eq!(index.within((0.1, 50.0), 10.0), [0, 2, 3]);
        assert_eq!(index.within((0.1, 50.0), 100.0), [0, 1, 2, 3]);
        let reached = index.reach((0.1, 50.0), 100.0);
        assert_eq!(reached.iter().map(|nearest| nearest.feature).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(reached[0].km == reached[2].km && reached[1].km > reached[0].km);
    }

    #[test]
    fn within_is_inclusive_of_features_that_reach_in() {
        let index = index("LINESTRING (1 -1, 1 1)");
        let km = distance_km((0.0, 0.0), (1.0, 0.0));
        assert_eq!(index.within((0.0, 0.0), km + 1e-6), [0]);
        assert!(index.within((0.0, 0.0), km - 1e-3).is_empty());
    }
}
