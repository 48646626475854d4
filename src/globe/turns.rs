//! Rings in degrees that cross the antimeridian or go around a pole, as rings without jumps.

use geo::{Coord, LineString, Polygon};

use super::geodesy::Degrees;

/// Whether an edge of a ring spans more than half of the globe, and is no seam from -180 to 180: it is meant to cross the
/// antimeridian, and was not cut there as RFC 7946 asks.
pub fn is_uncut(ring: &LineString) -> bool {
    const HAIR: f64 = 1e-9;
    ring.lines().any(|edge| (180.0 + HAIR..360.0 - HAIR).contains(&(edge.end.x - edge.start.x).abs()))
}

/// A polygon whose rings cross the antimeridian uncut, without jumps: longitudes may run past 180. `None`: it has no such
/// ring.
pub fn uncut(polygon: &Polygon) -> Option<Polygon> {
    let rings = || std::iter::once(polygon.exterior()).chain(polygon.interiors());
    if !rings().any(is_uncut) {
        return None;
    }
    let places = |ring: &LineString| ring.coords().map(|coord| (coord.x, coord.y)).collect::<Vec<Degrees>>();
    let exterior = unrolled(&places(polygon.exterior()));
    let start = exterior.0.first().map_or(0.0, |first| first.x);
    // A hole lies within half a turn of its ring.
    let near = |ring: &LineString| {
        let ring = unrolled(&places(ring));
        let turn = ring.0.first().map_or(0.0, |first| 360.0 * ((start - first.x) / 360.0).round());
        ring.coords().map(|coord| geo::coord! { x: coord.x + turn, y: coord.y }).collect::<LineString>()
    };
    Some(Polygon::new(exterior, polygon.interiors().iter().map(near).collect()))
}

/// A closed ring without jumps of longitude. One that goes around a pole is closed along the pole.
pub fn unrolled(ring: &[Degrees]) -> LineString {
    let mut coords: Vec<Coord> = Vec::with_capacity(ring.len() + 3);
    for &(lon, lat) in ring {
        // At a pole any longitude is right.
        let before = coords.last().map_or(lon, |before: &Coord| before.x);
        let lon = if lat.abs() > 90.0 - 1e-9 { before } else { lon - 360.0 * ((lon - before) / 360.0).round() };
        coords.push(geo::coord! { x: lon, y: lat });
    }
    match (coords.first(), coords.last()) {
        (Some(first), Some(last)) if (last.x - first.x).abs() > 180.0 => over_the_pole(&coords),
        _ => LineString::new(coords),
    }
}

/// A ring that goes once around a pole: from one side of the antimeridian to the other, and back along the pole.
fn over_the_pole(ring: &[Coord]) -> LineString {
    let turn = 360.0_f64.copysign(ring[ring.len() - 1].x - ring[0].x);
    let edge = 180.0 + 360.0 * ((ring[0].x.min(ring[0].x + turn) + 180.0) / 360.0).floor();
    let passes = |pair: &[Coord]| (pair[0].x - edge) * (pair[1].x - edge) <= 0.0 && pair[0].x != pair[1].x;
    let at = ring.windows(2).position(passes).unwrap_or(0);
    let (before, after) = (ring[at], ring[at + 1]);
    let crossing = before.y + (after.y - before.y) * (edge - before.x) / (after.x - before.x);
    let later = ring[1..=at].iter().map(|coord| geo::coord! { x: coord.x + turn, y: coord.y });
    let around = ring[at + 1..].iter().copied().chain(later);
    let shift = edge - (-180.0_f64).copysign(-turn);
    let on = |coord: Coord| geo::coord! { x: coord.x - shift, y: coord.y };
    let (start, pole) = (geo::coord! { x: edge - shift, y: crossing }, 90.0_f64.copysign(ring[0].y));
    let end = geo::coord! { x: start.x + turn, y: crossing };
    let corners = [end, geo::coord! { x: end.x, y: pole }, geo::coord! { x: start.x, y: pole }, start];
    LineString::new(std::iter::once(start).chain(around.map(on)).chain(corners).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_cut_runs_past_180() {
        let ring = |coords: &[(f64, f64)]| Polygon::new(LineString::from(coords.to_vec()), Vec::new());
        let fiji = ring(&[(177.0, -19.0), (-178.0, -19.0), (-178.0, -15.0), (177.0, -15.0), (177.0, -19.0)]);
        let found = uncut(&fiji).unwrap();
        assert_eq!(found.exterior().0[1].x, 182.0);
        for cut in [
            ring(&[(-180.0, 60.0), (180.0, 60.0), (180.0, 90.0), (-180.0, 90.0)]),
            ring(&[(0.0, 0.0), (170.0, 0.0), (170.0, 10.0), (0.0, 10.0)]),
        ] {
            assert_eq!(uncut(&cut), None);
        }
    }
}
