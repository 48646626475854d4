//! Distances on the WGS 84 ellipsoid: point to point, point to geodesic segment; and the straight chords
//! that bracket them, for spatial indexes.

use std::sync::LazyLock;

use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};

static WGS84: LazyLock<Geodesic> = LazyLock::new(Geodesic::wgs84);

/// Smallest radius of curvature of the ellipsoid, km: b²/a, along the meridian at the equator.
const LEAST_RADIUS_KM: f64 = 6335.4393;

/// Radius used to step along a geodesic; only the speed of convergence depends on it.
const MEAN_RADIUS_KM: f64 = 6371.0088;

/// Longitude and latitude, degrees.
pub type Degrees = (f64, f64);

/// Geodesic distance, km. Accurate to nanometres (Karney 2013, "Algorithms for geodesics").
pub fn distance_km(a: Degrees, b: Degrees) -> f64 {
    let metres: f64 = WGS84.inverse(a.1, a.0, b.1, b.0);
    metres / 1000.0
}

/// The straight line through the earth from `a` to `b`, km: never longer than the geodesic.
pub fn chord_km(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)).sqrt()
}

/// The longest geodesic that a chord can have, km: that of the ellipsoid's tightest circle.
pub fn longest_geodesic_km(chord_km: f64) -> f64 {
    let sine = chord_km / (2.0 * LEAST_RADIUS_KM);
    if sine >= 1.0 { f64::INFINITY } else { 2.0 * LEAST_RADIUS_KM * sine.asin() }
}

/// Geocentric coordinates of a point on the ellipsoid, km.
pub fn geocentric(point: Degrees) -> [f64; 3] {
    let (lon, lat) = (point.0.to_radians(), point.1.to_radians());
    let (semi_major, squared_eccentricity) = (6378.137, 6.694_379_990_141_316e-3);
    let normal = semi_major / (1.0 - squared_eccentricity * lat.sin().powi(2)).sqrt();
    let across = normal * lat.cos();
    [across * lon.cos(), across * lon.sin(), normal * (1.0 - squared_eccentricity) * lat.sin()]
}

/// A geodesic from one point to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Segment {
    start: Degrees,
    end: Degrees,
    azimuth: f64,
    length_km: f64,
}

impl Segment {
    /// The shortest path between two points.
    pub fn new(start: Degrees, end: Degrees) -> Self {
        let (metres, azimuth, _, _): (f64, f64, f64, f64) = WGS84.inverse(start.1, start.0, end.1, end.0);
        Self { start, end, azimuth, length_km: metres / 1000.0 }
    }

    /// Its length, km.
    pub fn length_km(&self) -> f64 {
        self.length_km
    }

    /// The point at a distance from the start, and the azimuth there.
    fn at(&self, along_km: f64) -> (Degrees, f64) {
        let (lat, lon, azimuth): (f64, f64, f64) =
            WGS84.direct(self.start.1, self.start.0, self.azimuth, along_km * 1000.0);
        ((lon, lat), azimuth)
    }

    /// Consecutive parts no longer than `km`, which together are the segment.
    pub fn split(&self, km: f64) -> Vec<(Self, [f64; 3], [f64; 3])> {
        let parts = (self.length_km / km).ceil().max(1.0);
        let step = self.length_km / parts;
        let mut split = Vec::with_capacity(parts as usize);
        let (mut start, mut azimuth) = (self.start, self.azimuth);
        for part in 1..=parts as usize {
            let is_last = part == parts as usize;
            let (end, next) = if is_last { (self.end, azimuth) } else { self.at(step * part as f64) };
            split.push((Self { start, end, azimuth, length_km: step }, geocentric(start), geocentric(end)));
            (start, azimuth) = (end, next);
        }
        split
    }

    /// Distance from a point to the nearest place on the segment, km; good to a millimetre for segments of up
    /// to some hundred km (use [`Segment::split`] on longer ones).
    ///
    /// Steps to the foot of the perpendicular as on a sphere; each step leaves an error of the order of the
    /// flattening, so few are needed.
    pub fn distance_km(&self, point: Degrees) -> f64 {
        let (a, b) = (geocentric(self.start), geocentric(self.end));
        let mut along = self.length_km * foot(&geocentric(point), &a, &b);
        let mut best = f64::INFINITY;
        for _ in 0..30 {
            let (place, heading) = self.at(along);
            let (metres, bearing, _, _): (f64, f64, f64, f64) = WGS84.inverse(place.1, place.0, point.1, point.0);
            let distance = metres / 1000.0;
            best = best.min(distance);
            let turn = (bearing - heading).to_radians().cos();
            let step = MEAN_RADIUS_KM * ((distance / MEAN_RADIUS_KM).min(1.5).tan() * turn).atan();
            let next = (along + step).clamp(0.0, self.length_km);
            if (next - along).abs() < 1e-5 {
                break;
            }
            along = next;
        }
        best
    }
}

/// Where, from 0 at `a` to 1 at `b`, a straight line is nearest to a point.
fn foot(point: &[f64; 3], a: &[f64; 3], b: &[f64; 3]) -> f64 {
    let axis = |i: usize| b[i] - a[i];
    let squared = (0..3).map(|i| axis(i).powi(2)).sum::<f64>();
    if squared == 0.0 {
        return 0.0;
    }
    ((0..3).map(|i| (point[i] - a[i]) * axis(i)).sum::<f64>() / squared).clamp(0.0, 1.0)
}

/// Distance from a point to a straight line from `a` to `b`, km.
pub fn chord_to_line_km(point: &[f64; 3], a: &[f64; 3], b: &[f64; 3]) -> f64 {
    let share = foot(point, a, b);
    let nearest = [0, 1, 2].map(|i| a[i] + share * (b[i] - a[i]));
    chord_km(point, &nearest)
}

/// How far a geodesic of this length can bulge from its chord, km.
pub fn bulge_km(length_km: f64) -> f64 {
    length_km * length_km / (8.0 * LEAST_RADIUS_KM) * 1.01
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_bracket_geodesics() {
        for (a, b) in [
            ((0.0, 0.0), (0.5, 0.0)),
            ((3.0, 52.0), (10.0, 48.0)),
            ((179.9, -17.0), (-179.9, -17.2)),
            ((0.0, 89.0), (180.0, 89.5)),
        ] {
            let (chord, geodesic) = (chord_km(&geocentric(a), &geocentric(b)), distance_km(a, b));
            assert!(chord <= geodesic && geodesic <= longest_geodesic_km(chord), "{a:?} {b:?}");
        }
    }

    #[test]
    fn parts_have_the_length_of_the_whole() {
        let whole = Segment::new((3.0, 52.0), (10.0, 48.0));
        let parts = whole.split(50.0);
        let sum: f64 = parts.iter().map(|(part, ..)| part.length_km()).sum();
        assert!((sum - whole.length_km()).abs() < 1e-9);
        assert!(parts.len() == (whole.length_km() / 50.0).ceil() as usize);
    }
}
