//! Outlines of clusters for maps, in WGS 84 degrees: hulls, hulls that follow the sites, or buffers; cut at the
//! antimeridian, closed over a pole, outer rings counterclockwise.

use geo::concave_hull::ConcaveHullOptions;
use geo::orient::Direction;
use geo::{
    Area, BooleanOps, BoundingRect, Buffer, ConcaveHull, Coord, Densify, Euclidean, Geometry, LineString, MapCoords,
    MultiLineString, MultiPoint, MultiPolygon, Orient, Point, Polygon, Rect, Translate, unary_union,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::globe::geodesy::Degrees;
use crate::globe::turns::unrolled;
use crate::globe::validity::is_valid;
use crate::globe::{EARTH_RADIUS_KM, Vector, unit_vector};

/// How a cluster is outlined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClusterShape {
    /// The convex hull of its sites: the same as under `area_km2`.
    #[default]
    ConvexHull,
    /// A hull that follows its sites; the greater the number, the closer it is to the convex hull (2 is common).
    ConcaveHull(f64),
    /// All places within so many kilometres of a site.
    BufferKm(f64),
}

/// Radius of what stands for a cluster whose hull cannot be seen, km.
const SMALL_KM: f64 = 0.5;
/// Places nearer than this are one, km.
const SAME_KM: f64 = 1e-6;
/// Hulls below this are not seen, km2.
const UNSEEN_KM2: f64 = 0.1;
/// Longest straight piece of an outline that is bent into degrees, km.
const PIECE_KM: f64 = 25.0;

/// The outline of a cluster with sites in these places; `hull` is their convex hull in degrees, which may run past 180.
/// `None` without a place.
pub fn outline(places: &[Degrees], hull: Option<&Geometry>, shape: ClusterShape) -> Option<Geometry> {
    let plane = Plane::around(places)?;
    let flat: MultiPoint = places.iter().map(|&place| Point(plane.flat(place))).collect();
    let convex = geo::ConvexHull::convex_hull(&flat);
    let outline = match (shape, hull) {
        (ClusterShape::BufferKm(km), _) => plane.bent(&flat.buffer(km)),
        _ if convex.unsigned_area() < UNSEEN_KM2 => plane.bent(&small(&convex)),
        (ClusterShape::ConcaveHull(concavity), _) => {
            let options = ConcaveHullOptions::default().concavity(concavity);
            plane.bent(&MultiPolygon::new(vec![flat.concave_hull_with_options(options)]))
        }
        (ClusterShape::ConvexHull, Some(Geometry::Polygon(hull))) if !is_polar(hull) => {
            MultiPolygon::new(vec![hull.clone()])
        }
        (ClusterShape::ConvexHull, _) => plane.bent(&MultiPolygon::new(vec![convex])),
    };
    Some(on_the_globe(&outline))
}

/// Whether a hull in degrees goes more than half around the globe: then degrees are no plane to draw it on.
fn is_polar(hull: &Polygon) -> bool {
    hull.bounding_rect().is_some_and(|bounds| bounds.width() > 180.0 || bounds.max().y.max(-bounds.min().y) >= 90.0)
}

/// One place, or a row of them, with something around it.
fn small(hull: &Polygon) -> MultiPolygon {
    let ring = hull.exterior();
    let far = |from: &Coord| {
        let squared = |to: &&Coord| (to.x - from.x).powi(2) + (to.y - from.y).powi(2);
        ring.coords().max_by(|a, b| squared(a).total_cmp(&squared(b))).copied()
    };
    let ends = ring.coords().next().and_then(far).and_then(|one| Some((one, far(&one)?)));
    match ends {
        Some((one, other)) if (one.x - other.x).hypot(one.y - other.y) > SAME_KM => {
            LineString::new(vec![one, other]).buffer(SMALL_KM)
        }
        Some((one, _)) => Point(one).buffer(SMALL_KM),
        None => Point::new(0.0, 0.0).buffer(SMALL_KM),
    }
}

/// The middle of some places on the globe; `None` of none. Of places all around it, the first.
pub fn middle(places: &[Degrees]) -> Option<Degrees> {
    let mut sum = [0.0; 3];
    for place in places {
        let unit = unit_vector(*place);
        (0..3).for_each(|axis| sum[axis] += unit[axis]);
    }
    let across = sum[0].hypot(sum[1]);
    if across.hypot(sum[2]) < 1e-9 {
        return places.first().copied();
    }
    Some((sum[1].atan2(sum[0]).to_degrees(), sum[2].atan2(across).to_degrees()))
}

/// A plane that touches the globe in the middle of some places: azimuthal equidistant, kilometres.
struct Plane {
    middle: Vector,
    east: Vector,
    north: Vector,
}

impl Plane {
    fn around(places: &[Degrees]) -> Option<Self> {
        let middle = unit_vector(middle(places)?);
        let across = middle[0].hypot(middle[1]);
        let east = if across > 1e-12 { [-middle[1] / across, middle[0] / across, 0.0] } else { [0.0, 1.0, 0.0] };
        let north = cross(&middle, &east);
        Some(Self { middle, east, north })
    }

    fn flat(&self, place: Degrees) -> Coord {
        let unit = unit_vector(place);
        let (x, y) = (dot(&unit, &self.east), dot(&unit, &self.north));
        let away = x.hypot(y);
        let km = EARTH_RADIUS_KM * away.atan2(dot(&unit, &self.middle));
        if away > 0.0 {
            geo::coord! { x: x / away * km, y: y / away * km }
        } else {
            geo::coord! { x: 0.0, y: 0.0 }
        }
    }

    fn round(&self, at: &Coord) -> Degrees {
        let km = at.x.hypot(at.y);
        let (sine, cosine) = (km / EARTH_RADIUS_KM).sin_cos();
        let (x, y) = if km > 0.0 { (at.x / km * sine, at.y / km * sine) } else { (0.0, 0.0) };
        let unit = std::array::from_fn(|axis| cosine * self.middle[axis] + x * self.east[axis] + y * self.north[axis]);
        let [x, y, z]: Vector = unit;
        (y.atan2(x).to_degrees(), z.atan2(x.hypot(y)).to_degrees())
    }

    /// Outlines on the globe; longitudes may run past 180.
    fn bent(&self, flat: &MultiPolygon) -> MultiPolygon {
        let ring = |ring: &LineString| {
            let round: Vec<Degrees> = Euclidean.densify(ring, PIECE_KM).coords().map(|at| self.round(at)).collect();
            unrolled(&round)
        };
        let part = |part: &Polygon| Polygon::new(ring(part.exterior()), part.interiors().iter().map(ring).collect());
        MultiPolygon::new(flat.0.iter().map(part).collect())
    }
}

fn dot(a: &Vector, b: &Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: &Vector, b: &Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// Cuts outlines that cross the antimeridian, and turns outer rings counterclockwise.
fn on_the_globe(outline: &MultiPolygon) -> Geometry {
    let fits = |bounds: Rect| bounds.min().x >= -180.0 && bounds.max().x <= 180.0;
    let cut = if outline.bounding_rect().is_none_or(fits) {
        outline.clone()
    } else {
        let globe = MultiPolygon::new(vec![Rect::new((-180.0, -90.0), (180.0, 90.0)).to_polygon()]);
        let turns = [-360.0, 0.0, 360.0];
        MultiPolygon::new(
            turns.into_iter().flat_map(|turn| globe.intersection(&outline.translate(turn, 0.0))).collect(),
        )
    };
    // Cutting is exact to a grid: a hair beyond the edge is the edge.
    let within = |at: Coord| geo::coord! { x: at.x.clamp(-180.0, 180.0), y: at.y.clamp(-90.0, 90.0) };
    let cut = cut.map_coords(within);
    let mut parts: Vec<Polygon> = cut.into_iter().map(|part| part.orient(Direction::Default)).collect();
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => Geometry::Polygon(only),
        (last, _) => Geometry::MultiPolygon(MultiPolygon::new(parts.into_iter().chain(last).collect())),
    }
}

/// A line between two places the shorter way around, cut at the antimeridian; `None` between a place and itself, also as
/// rounded to seven decimals.
pub fn line(from: Degrees, to: Degrees) -> Option<Geometry> {
    if (from.0 - to.0).abs().max((from.1 - to.1).abs()) < 2e-7 {
        return None;
    }
    let far = to.0 - 360.0 * ((to.0 - from.0) / 360.0).round();
    let coord = |x: f64, y: f64| geo::coord! { x: x, y: y };
    if (-180.0..=180.0).contains(&far) {
        return Some(Geometry::LineString(LineString::new(vec![coord(from.0, from.1), coord(far, to.1)])));
    }
    let edge = 180.0_f64.copysign(far);
    let crossing = from.1 + (to.1 - from.1) * (edge - from.0) / (far - from.0);
    let halves = [vec![coord(from.0, from.1), coord(edge, crossing)], vec![coord(-edge, crossing), coord(to.0, to.1)]];
    let halves = halves.into_iter().filter(|half| half[0] != half[1]).map(LineString::new);
    Some(Geometry::MultiLineString(MultiLineString::new(halves.collect())))
}

/// Any geometry as the layers have it: longitudes from -180 to 180, polygons valid and counterclockwise, a line of no
/// length as the point that it is.
pub fn placed(geometry: &Geometry) -> Geometry {
    match geometry {
        Geometry::Polygon(polygon) => placed(&Geometry::MultiPolygon(MultiPolygon::new(vec![polygon.clone()]))),
        Geometry::MultiPolygon(polygons) if is_valid(polygons) => on_the_globe(polygons),
        Geometry::MultiPolygon(polygons) => on_the_globe(&repaired(polygons)),
        Geometry::LineString(line) => placed(&Geometry::MultiLineString(MultiLineString::new(vec![line.clone()]))),
        Geometry::MultiLineString(lines) => {
            let mut long: Vec<LineString> = lines.iter().filter(|line| has_length(line)).map(turned).collect();
            match (long.pop(), long.is_empty(), lines.0.first().and_then(|line| line.0.first())) {
                (Some(only), true, _) => Geometry::LineString(only),
                (Some(last), false, _) => MultiLineString::new(long.into_iter().chain([last]).collect()).into(),
                (None, _, Some(&place)) => Geometry::Point(turned(&Point(place))),
                (None, _, None) => geometry.clone(),
            }
        }
        other => turned(other),
    }
}

/// What the rings of each part enclose (even-odd), and all parts together.
fn repaired(polygons: &MultiPolygon) -> MultiPolygon {
    let enclosed = |part: &Polygon| {
        let frame = part.bounding_rect().map(|bounds| bounds.to_polygon());
        frame.map_or_else(|| MultiPolygon::new(Vec::new()), |frame| part.intersection(&frame))
    };
    let parts: Vec<Polygon> = polygons.iter().flat_map(|part| enclosed(part).0).collect();
    unary_union(&parts)
}

fn has_length(line: &LineString) -> bool {
    line.coords().any(|coord| Some(coord) != line.0.first())
}

fn turned<G: MapCoords<f64, f64, Output = G>>(geometry: &G) -> G {
    geometry.map_coords(|coord| {
        let lon = if coord.x.abs() > 180.0 { (coord.x + 180.0).rem_euclid(360.0) - 180.0 } else { coord.x };
        geo::coord! { x: lon, y: coord.y }
    })
}

#[cfg(test)]
mod tests {
    use geo::{GeodesicArea, Validation};

    use super::*;

    fn area_km2(outline: &Geometry) -> f64 {
        outline.geodesic_area_unsigned() / 1e6
    }

    #[test]
    fn one_two_and_a_row_are_seen() {
        let circle = outline(&[(3.0, 52.0)], None, ClusterShape::ConvexHull).unwrap();
        assert!((area_km2(&circle) - std::f64::consts::PI * SMALL_KM * SMALL_KM).abs() < 0.01);
        // 0.1 degrees of latitude there are 11.126 km.
        let capsule = outline(&[(3.0, 52.0), (3.0, 52.05), (3.0, 52.1)], None, ClusterShape::ConvexHull).unwrap();
        let expected = 2.0 * SMALL_KM * 11.126 + std::f64::consts::PI * SMALL_KM * SMALL_KM;
        assert!((area_km2(&capsule) - expected).abs() < 0.05, "{}", area_km2(&capsule));
    }

    #[test]
    fn a_buffer_is_as_wide_as_asked_everywhere() {
        for place in
            [(3.0, 52.0), (7.0, 0.0), (179.99, -16.0), (-180.0, 66.0), (25.0, 89.98), (0.0, 90.0), (10.0, -90.0)]
        {
            let circle = outline(&[place], None, ClusterShape::BufferKm(5.0)).unwrap();
            let expected = std::f64::consts::PI * 25.0;
            assert!((area_km2(&circle) / expected - 1.0).abs() < 0.02, "{place:?}: {}", area_km2(&circle));
            assert!(circle.is_valid(), "{place:?}: {circle:?}");
            let bounds = circle.bounding_rect().unwrap();
            let globe = Rect::new((-180.0, -90.0), (180.0, 90.0));
            assert!(geo::Contains::contains(&globe, &bounds) || globe == bounds, "{place:?}: {bounds:?}");
        }
    }

    #[test]
    fn hulls_over_the_antimeridian_are_cut_and_over_a_pole_closed() {
        let places = [(179.0, -1.0), (-179.0, -1.0), (-179.0, 1.0), (179.0, 1.0)];
        let hull = Geometry::Polygon(Rect::new((179.0, -1.0), (181.0, 1.0)).to_polygon());
        let Some(Geometry::MultiPolygon(parts)) = outline(&places, Some(&hull), ClusterShape::ConvexHull) else {
            panic!("not cut")
        };
        assert_eq!(parts.0.len(), 2);
        let around = [(0.0, 89.0), (90.0, 89.0), (180.0, 89.0), (-90.0, 89.0)];
        let lonlat = Geometry::Polygon(Rect::new((-90.0, 89.0), (180.0, 89.0)).to_polygon());
        for shape in [ClusterShape::ConvexHull, ClusterShape::ConcaveHull(2.0)] {
            let cap = outline(&around, Some(&lonlat), shape).unwrap();
            // A square with a diagonal of two degrees of latitude: 2 * 111.69 km.
            assert!((area_km2(&cap) / (223.4 * 223.4 / 2.0) - 1.0).abs() < 0.02, "{}", area_km2(&cap));
            assert!(cap.is_valid(), "{cap:?}");
            assert!((cap.bounding_rect().unwrap().max().y - 90.0).abs() < 1e-9);
        }
    }

    #[test]
    fn what_inputs_bring_is_drawn_valid() {
        let bow: LineString = vec![(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)].into();
        let drawn = placed(&Geometry::Polygon(Polygon::new(bow, vec![])));
        assert!(drawn.is_valid() && (geo::Area::unsigned_area(&drawn) - 0.5).abs() < 1e-6, "{drawn:?}");
        let still = Geometry::LineString(vec![(7.0, 52.0), (7.0, 52.0)].into());
        assert_eq!(placed(&still), Geometry::Point(Point::new(7.0, 52.0)));
    }

    #[test]
    fn a_line_takes_the_shorter_way() {
        let Some(Geometry::MultiLineString(halves)) = line((179.0, 0.0), (-179.0, 2.0)) else { panic!("not cut") };
        assert_eq!(halves.0[0].0[1], geo::coord! { x: 180.0, y: 1.0 });
        assert_eq!(halves.0[1].0[0], geo::coord! { x: -180.0, y: 1.0 });
        assert!(line((3.0, 4.0), (3.0, 4.0)).is_none());
    }
}
