//! Whether polygons are valid as OGC has it, in time that grows little faster than their corners do.

use geo::coordinate_position::CoordPos;
use geo::dimensions::Dimensions;
use geo::{Intersects, Line, LineString, MultiPolygon, Polygon, PreparedGeometry, Relate, RemoveRepeatedPoints};
use rstar::{Envelope, RTree, RTreeObject};

/// Whether no ring crosses or touches itself, holes lie inside and apart, and parts touch at points alone: as
/// [`geo::Validation`], which holds every edge of a ring against every other.
pub fn is_valid(polygons: &MultiPolygon) -> bool {
    let parts = &polygons.0;
    let apart = |(at, part): (usize, &Polygon)| parts[at + 1..].iter().all(|other| touches_at_points(part, other));
    parts.iter().all(is_valid_part) && parts.iter().enumerate().all(apart)
}

/// The same of one part.
pub fn is_valid_part(part: &Polygon) -> bool {
    if part.exterior().0.is_empty() {
        return true;
    }
    let holes: Vec<&LineString> = part.interiors().iter().filter(|hole| !hole.0.is_empty()).collect();
    if !std::iter::once(part.exterior()).chain(holes.iter().copied()).all(is_valid_ring) {
        return false;
    }
    if holes.is_empty() {
        return true;
    }
    let filled = |ring: &LineString| Polygon::new(ring.clone(), Vec::new());
    let (outer, holes) = (filled(part.exterior()), holes.into_iter().map(filled).collect::<Vec<Polygon>>());
    let outer = PreparedGeometry::from(&outer);
    let inside = |hole: &Polygon| {
        let relation = outer.relate(hole);
        let along = relation.get(CoordPos::OnBoundary, CoordPos::OnBoundary) == Dimensions::OneDimensional;
        relation.is_contains() && !along
    };
    let apart = |(at, hole): (usize, &Polygon)| holes[at + 1..].iter().all(|other| touches_at_points(hole, other));
    holes.iter().all(inside) && holes.iter().enumerate().all(apart)
}

/// Whether two polygons share no more than points.
fn touches_at_points(a: &Polygon, b: &Polygon) -> bool {
    if !a.envelope().intersects(&b.envelope()) {
        return true;
    }
    let relation = a.relate(b);
    relation.get(CoordPos::Inside, CoordPos::Inside) != Dimensions::TwoDimensional
        && relation.get(CoordPos::OnBoundary, CoordPos::OnBoundary) != Dimensions::OneDimensional
}

fn is_valid_ring(ring: &LineString) -> bool {
    const CORNERS: usize = 4;
    ring.remove_repeated_points().0.len() >= CORNERS
        && ring.coords().all(|coord| coord.x.is_finite() && coord.y.is_finite())
        && !meets_itself(ring)
}

/// Whether two edges of a ring meet that do not follow each other.
fn meets_itself(ring: &LineString) -> bool {
    let edges: Vec<Line> = ring.lines().collect();
    let index = RTree::bulk_load(edges.clone());
    let follows = |a: &Line, b: &Line| a.start == b.end || a.end == b.start;
    edges.iter().any(|edge| {
        let near = index.locate_in_envelope_intersecting(&edge.envelope());
        // It finds itself too, unless it is no longer than a point and so follows itself.
        let itself = usize::from(!follows(edge, edge));
        near.filter(|other| !follows(edge, other) && edge.intersects(*other)).nth(itself).is_some()
    })
}

#[cfg(test)]
mod tests {
    use geo::Validation;
    use proptest::prelude::*;

    use super::*;

    fn ring() -> impl Strategy<Value = LineString> {
        let corner = (0..8_u8, 0..8_u8).prop_map(|(x, y)| (f64::from(x), f64::from(y)));
        proptest::collection::vec(corner, 0..9).prop_map(LineString::from)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Rings on a coarse grid touch, cross and repeat themselves in every way.
        #[test]
        fn valid_is_what_geo_calls_valid(
            parts in proptest::collection::vec((ring(), proptest::collection::vec(ring(), 0..3)), 0..3),
        ) {
            let parts = parts.into_iter().map(|(outer, holes)| Polygon::new(outer, holes));
            let polygons = MultiPolygon::new(parts.collect());
            // geo relates a part to later ones before it has looked at these, and relates what has no area to nothing.
            let wanted = polygons.iter().all(Validation::is_valid) && polygons.is_valid();
            prop_assert_eq!(is_valid(&polygons), wanted, "{:?}", polygons);
        }
    }
}
