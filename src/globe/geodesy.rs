//! Distances on the WGS 84 ellipsoid, feet on edges, and the straight chords that bracket geodesics, for spatial indexes.

use std::sync::LazyLock;

use geographiclib_rs::{DirectGeodesic, Geodesic, InverseGeodesic};

use super::{EARTH_RADIUS_KM, Vector};

static WGS84: LazyLock<Geodesic> = LazyLock::new(Geodesic::wgs84);

/// Smallest radius of curvature of the ellipsoid, km: b²/a, along the meridian at the equator.
const LEAST_RADIUS_KM: f64 = 6335.4393;

/// Chords up to this are bent to geodesics, km.
const ARC_KM: f64 = 200.0;

/// Equatorial radius, km.
const SEMI_MAJOR_KM: f64 = 6378.137;

/// First eccentricity, squared.
const SQUARED_ECCENTRICITY: f64 = 6.694_379_990_141_316e-3;

/// Longitude and latitude, degrees.
pub type Degrees = (f64, f64);

/// The order of places that no name decides: by longitude, then latitude.
pub fn by_lon_lat(a: Degrees, b: Degrees) -> std::cmp::Ordering {
    a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
}

/// Geodesic distance, km. Accurate to nanometres (Karney 2013, "Algorithms for geodesics").
pub fn distance_km(a: Degrees, b: Degrees) -> f64 {
    let metres: f64 = WGS84.inverse(a.1, a.0, b.1, b.0);
    metres / 1000.0
}

/// The straight line through the earth from `a` to `b`, km: never longer than the geodesic.
pub fn chord_km(a: &Vector, b: &Vector) -> f64 {
    ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)).sqrt()
}

/// Geodesic distance between two points of the ellipsoid, geocentric, km; within a hundredth of a millimetre.
///
/// Up to 200 km it is the arc over the chord whose curvature is that of the ellipsoid in the chord's direction (the
/// normals' turn along it); beyond, [`distance_km`].
pub fn distance_between_km(a: &Vector, b: &Vector) -> f64 {
    let chord = chord_km(a, b);
    if chord > ARC_KM {
        return distance_km(degrees(a), degrees(b));
    }
    if chord == 0.0 {
        return 0.0;
    }
    let (from, to) = (normal(a), normal(b));
    let turn = (0..3).map(|i| (to[i] - from[i]) * (b[i] - a[i])).sum::<f64>() / chord;
    let squared = turn * turn;
    chord * (1.0 + squared / 24.0 + 3.0 * squared * squared / 640.0)
}

/// The ellipsoid's outward normal, of length 1.
fn normal(at: &Vector) -> Vector {
    let outward = [at[0], at[1], at[2] / (1.0 - SQUARED_ECCENTRICITY)];
    let length = dot(&outward, &outward).sqrt();
    outward.map(|axis| axis / length)
}

/// A length that no geodesic over a chord exceeds, km: the arc on the ellipsoid's tightest circle, and a little more, so
/// that rounding cannot bring it below the chord.
pub fn longest_geodesic_km(chord_km: f64) -> f64 {
    const LITTLE: f64 = 1e-12;
    let sine = chord_km / (2.0 * LEAST_RADIUS_KM);
    let squared = sine * sine;
    if sine < 0.5 {
        // The series of the arc sine, its tail bounded: 3/40 + 0.025 holds for all that follows.
        chord_km * (1.0 + squared / 6.0 + 0.1 * squared * squared + LITTLE)
    } else if sine < 1.0 {
        2.0 * LEAST_RADIUS_KM * sine.asin() * (1.0 + LITTLE)
    } else {
        f64::INFINITY
    }
}

/// Geocentric coordinates of a point on the ellipsoid, km.
pub fn geocentric(point: Degrees) -> Vector {
    let (lon, lat) = (point.0.to_radians(), point.1.to_radians());
    let normal = SEMI_MAJOR_KM / (1.0 - SQUARED_ECCENTRICITY * lat.sin().powi(2)).sqrt();
    let across = normal * lat.cos();
    [across * lon.cos(), across * lon.sin(), normal * (1.0 - SQUARED_ECCENTRICITY) * lat.sin()]
}

/// The point of the ellipsoid on the line from its centre through a point, km.
pub fn on_ground([x, y, z]: &Vector) -> Vector {
    const ALONG: f64 = 1.0 / (1.0 - SQUARED_ECCENTRICITY);
    let scale = SEMI_MAJOR_KM / (x * x + y * y + z * z * ALONG).sqrt();
    [x * scale, y * scale, z * scale]
}

/// Longitude and latitude of a point on the ellipsoid, degrees.
pub fn degrees(at: &Vector) -> Degrees {
    let across = at[0].hypot(at[1]);
    (at[1].atan2(at[0]).to_degrees(), at[2].atan2((1.0 - SQUARED_ECCENTRICITY) * across).to_degrees())
}

/// Places along the geodesic from one point to another, both ends included, no two farther apart than `km`; and how far
/// they are apart, km.
pub fn split(start: Degrees, end: Degrees, km: f64) -> (Vec<Vector>, f64) {
    let (metres, azimuth, _, _): (f64, f64, f64, f64) = WGS84.inverse(start.1, start.0, end.1, end.0);
    let parts = (metres / 1000.0 / km).ceil().max(1.0);
    let step = metres / parts;
    let mut places = vec![geocentric(start)];
    for part in 1..parts as usize {
        let (lat, lon, _): (f64, f64, f64) = WGS84.direct(start.1, start.0, azimuth, step * part as f64);
        places.push(geocentric((lon, lat)));
    }
    places.push(geocentric(end));
    (places, step / 1000.0)
}

/// Below the middle of an edge along the ellipsoid's normal, as far as the earth's radius: planes through an edge and
/// this point hold its geodesic to a millimetre over some tens of kilometres. Geocentric, km.
pub fn centre_below(a: &Vector, b: &Vector) -> Vector {
    let middle = lifted(&[0.0; 3], &[0, 1, 2].map(|i| a[i] + b[i]));
    let up = normal(&middle);
    [0, 1, 2].map(|i| middle[i] - EARTH_RADIUS_KM * up[i])
}

/// The place on an edge that is nearest to a point: the point's foot in the plane through the edge's ends and the
/// centre below it, lifted to the ellipsoid, or else the nearer end. All geocentric, km.
pub fn foot(point: &Vector, a: &Vector, b: &Vector, centre: &Vector) -> Vector {
    let [from, start, end] = [point, a, b].map(|at| [0, 1, 2].map(|i| at[i] - centre[i]));
    let normal = cross(&start, &end);
    let squared = dot(&normal, &normal);
    if squared > 0.0 {
        let share = dot(&from, &normal) / squared;
        let foot = [0, 1, 2].map(|i| from[i] - share * normal[i]);
        if dot(&cross(&start, &foot), &normal) > 0.0 && dot(&cross(&foot, &end), &normal) > 0.0 {
            return lifted(centre, &foot);
        }
    }
    if chord_km(point, a) <= chord_km(point, b) { *a } else { *b }
}

/// Where a ray from a point within the earth leaves the ellipsoid.
fn lifted(from: &Vector, along: &Vector) -> Vector {
    let polar = SEMI_MAJOR_KM * (1.0 - SQUARED_ECCENTRICITY).sqrt();
    let round = |at: &Vector| [at[0] / SEMI_MAJOR_KM, at[1] / SEMI_MAJOR_KM, at[2] / polar];
    let (origin, ray) = (round(from), round(along));
    let (squared, towards) = (dot(&ray, &ray), dot(&origin, &ray));
    let steps = ((towards * towards + squared * (1.0 - dot(&origin, &origin))).sqrt() - towards) / squared;
    [0, 1, 2].map(|i| from[i] + steps * along[i])
}

fn dot(a: &Vector, b: &Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: &Vector, b: &Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
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
            ((0.0, 0.0), (0.0, 58.0)),
            ((0.0, 0.0), (0.0, 62.0)),
            ((0.0, 0.0), (90.0, 0.0)),
        ] {
            let (chord, geodesic) = (chord_km(&geocentric(a), &geocentric(b)), distance_km(a, b));
            assert!(chord <= geodesic && geodesic <= longest_geodesic_km(chord), "{a:?} {b:?}");
        }
    }

    #[test]
    fn arcs_over_chords_are_geodesics() {
        let mut worst: f64 = 0.0;
        for lat in -90..=90 {
            for step in 0..72 {
                let (start, azimuth) = ((17.0, f64::from(lat)), f64::from(step * 5));
                for km in [1e-6, 0.1, 7.0, 40.0, 99.9, 199.9] {
                    let (lat, lon, _): (f64, f64, f64) = WGS84.direct(start.1, start.0, azimuth, km * 1000.0);
                    worst = worst.max((distance_between_km(&geocentric(start), &geocentric((lon, lat))) - km).abs());
                }
            }
        }
        assert!(worst < 1e-8, "{worst} km");
    }

    #[test]
    fn a_split_runs_along_the_geodesic() {
        let (start, end) = ((3.0, 52.0), (10.0, 48.0));
        let (places, step) = split(start, end, 50.0);
        let whole = distance_km(start, end);
        assert_eq!(places.len(), (whole / 50.0).ceil() as usize + 1);
        let parts = places.windows(2).map(|ends| distance_km(degrees(&ends[0]), degrees(&ends[1])));
        assert!((parts.sum::<f64>() - whole).abs() < 1e-9 && (step * (places.len() - 1) as f64 - whole).abs() < 1e-9);
        assert!((degrees(&geocentric(end)).1 - end.1).abs() < 1e-12);
    }
}
