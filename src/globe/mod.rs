//! Places on the globe: geodesics, chords, trees of points, nearest features, spanning trees. Degrees and kilometres
//! in, numbers out; knows no facility and no layer.

use crate::declared::SLACK;

pub mod geodesy;
pub mod near;
pub mod spanning;
pub mod tree;
pub mod turns;
pub mod validity;

/// Mean radius of the earth, km (IUGG): the sphere of delineation.
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// A point in space.
pub type Vector = [f64; 3];

/// Longitude and latitude (degrees) on the unit sphere. Chords between such points order as great circles do, across
/// the antimeridian and at the poles.
pub fn unit_vector((lon, lat): geodesy::Degrees) -> Vector {
    let (lon, lat) = (lon.to_radians(), lat.to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

/// The chord of the unit sphere under a great circle of this length, km; at most the diameter.
pub fn chord_of(km: f64) -> f64 {
    2.0 * (km / EARTH_RADIUS_KM / 2.0).min(std::f64::consts::FRAC_PI_2).sin()
}

/// The square of the chord under a great circle of this length, km, a declared radius: what lies on it is within it.
pub fn reach_of(km: f64) -> f64 {
    chord_of(km + SLACK).powi(2)
}

/// The great circle over a chord of the unit sphere, km.
pub fn great_circle_km(chord: f64) -> f64 {
    2.0 * EARTH_RADIUS_KM * (chord / 2.0).min(1.0).asin()
}

/// The square of the straight distance.
pub fn squared(a: &Vector, b: &Vector) -> f64 {
    (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)
}
