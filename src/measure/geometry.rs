//! Figures over the places of one cluster: centre, hull, tree, neighbours; and the distance to the next cluster.

use std::collections::HashMap;

use geo::convex_hull::graham_hull;
use geo::{GeodesicArea, Geometry, Point, Polygon};
use rayon::prelude::*;

use crate::globe::geodesy::{Degrees, by_lon_lat, distance_between_km, geocentric};
use crate::globe::spanning::{Edge, shortest_links, spanning_tree};
use crate::globe::tree::Tree;
use crate::globe::{Vector, unit_vector};

/// What the places of a cluster tell.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spread {
    /// Emission-weighted mean unit vector, degrees.
    pub centre: Option<Degrees>,
    /// Geodesic area of the convex hull in longitude and latitude, km2.
    pub area_km2: Option<f64>,
    /// Length of the minimum spanning tree, km.
    pub mst_km: Option<f64>,
    /// Mean distance to the nearest other facility, km.
    pub nn_mean_km: Option<f64>,
    /// Median of the same, km.
    pub nn_median_km: Option<f64>,
    /// The mean over that of as many random points in the hull: below 1 is clustered (Clark & Evans 1954).
    pub clark_evans: Option<f64>,
    /// Root mean square distance to the centre, emission-weighted, km.
    pub standard_distance_km: Option<f64>,
    /// The hull: a point, a line or a polygon.
    pub hull: Option<Geometry>,
}

/// Measures the facilities of a cluster that have a place, each with its emissions (t).
///
/// Of one facility alone all but centre and hull are `None`: it has no proximity, neither good nor bad.
pub fn spread(places: &[(Degrees, Option<f64>)]) -> Spread {
    let points: Vec<Degrees> = places.iter().map(|(place, _)| *place).collect();
    let weighted: Vec<(Degrees, f64)> =
        places.iter().filter_map(|(place, emissions)| Some((*place, (*emissions)?))).collect();
    let total: f64 = weighted.iter().map(|(_, weight)| weight).sum();
    let centre = if total > 0.0 { mean_place(&weighted) } else { None };
    let mut spread = Spread { centre, hull: hull(&points), ..Spread::default() };
    if points.len() > 1 {
        spread.area_km2 = spread.hull.as_ref().map(area_km2);
        let vectors: Vec<Vector> = points.iter().map(|&point| geocentric(point)).collect();
        let tree = Tree::new(&vectors);
        spread.mst_km = Some(tree_km(&tree, &vectors));
        let mut near = neighbours_km(&tree, &vectors);
        let mean = near.iter().sum::<f64>() / near.len() as f64;
        near.par_sort_unstable_by(f64::total_cmp);
        let middle = (near[(near.len() - 1) / 2] + near[near.len() / 2]) / 2.0;
        (spread.nn_mean_km, spread.nn_median_km) = (Some(mean), Some(middle));
        let density = spread.area_km2.filter(|area| *area > 0.0).map(|area| points.len() as f64 / area);
        spread.clark_evans = density.map(|density| mean * 2.0 * density.sqrt());
        spread.standard_distance_km = centre.map(|centre| {
            let centre = geocentric(centre);
            let km = |place: &Degrees| distance_between_km(&geocentric(*place), &centre);
            let squares: Vec<f64> = weighted.par_iter().map(|(place, weight)| weight * km(place).powi(2)).collect();
            (squares.iter().sum::<f64>() / total).sqrt()
        });
    }
    spread
}

fn mean_place(weighted: &[(Degrees, f64)]) -> Option<Degrees> {
    let mut sum = [0.0; 3];
    for ((lon, lat), weight) in weighted {
        let unit = unit_vector((*lon, *lat));
        (0..3).for_each(|axis| sum[axis] += weight * unit[axis]);
    }
    let across = sum[0].hypot(sum[1]);
    (across.hypot(sum[2]) > 0.0).then(|| (sum[1].atan2(sum[0]).to_degrees(), sum[2].atan2(across).to_degrees()))
}

/// The convex hull in longitude and latitude, which may run past 180 degrees; of places on all sides of a pole the hull on
/// the globe.
fn hull(points: &[Degrees]) -> Option<Geometry> {
    let (west, gap) = widest_gap(points)?;
    if gap < 180.0
        && let Some(polar) = polar_hull(points)
    {
        return Some(Geometry::Polygon(polar));
    }
    let turn = |lon: f64| if lon < west { lon + 360.0 } else { lon };
    let polygon = corners_of(points.iter().map(|&(lon, lat)| geo::coord! { x: turn(lon), y: lat }).collect());
    let mut corners: Vec<geo::Coord> = polygon.exterior().0.clone();
    corners.dedup();
    corners.pop();
    let is_row = lie_in_a_row(&corners);
    Some(match corners.as_slice() {
        [] => Geometry::Point(Point::new(turn(points[0].0), points[0].1)),
        [only] => Geometry::Point(Point(*only)),
        _ if is_row => {
            let low = corners.iter().min_by(|a, b| by_lon_lat(a.x_y(), b.x_y()))?;
            let high = corners.iter().max_by(|a, b| by_lon_lat(a.x_y(), b.x_y()))?;
            if low == high { Geometry::Point(Point(*low)) } else { Geometry::LineString(vec![*low, *high].into()) }
        }
        _ => Geometry::Polygon(polygon),
    })
}

/// Whether corners lie on one line, but for what the arithmetic of degrees leaves.
fn lie_in_a_row(corners: &[geo::Coord]) -> bool {
    /// A tenth of a millimetre on the ground.
    const NOTHING_DEGREES: f64 = 1e-9;
    let (Some(low), Some(high)) = (
        corners.iter().min_by(|a, b| by_lon_lat(a.x_y(), b.x_y())),
        corners.iter().max_by(|a, b| by_lon_lat(a.x_y(), b.x_y())),
    ) else {
        return true;
    };
    let along = *high - *low;
    let length = along.x.hypot(along.y);
    let aside = |corner: &geo::Coord| ((corner.x - low.x) * along.y - (corner.y - low.y) * along.x).abs();
    corners.iter().all(|corner| aside(corner) <= NOTHING_DEGREES * length)
}

/// The convex hull by its corners alone, whatever the order of the places: one on a straight side would bend the side, for
/// sides are geodesics.
fn corners_of(mut coords: Vec<geo::Coord>) -> Polygon {
    coords.par_sort_by(|a, b| by_lon_lat(a.x_y(), b.x_y()));
    coords.dedup();
    Polygon::new(graham_hull(&mut coords, false), Vec::new())
}

/// The longitude east of the widest gap between places, and the gap; degrees.
fn widest_gap(points: &[Degrees]) -> Option<(f64, f64)> {
    let mut lon: Vec<f64> = points.iter().map(|place| place.0).collect();
    lon.par_sort_unstable_by(f64::total_cmp);
    let first = *lon.first()?;
    let around = lon.windows(2).map(|pair| (pair[1], pair[1] - pair[0]));
    let over = (first, first + 360.0 - lon[lon.len() - 1]);
    Some(around.fold(over, |widest, gap| if gap.1 > widest.1 { gap } else { widest }))
}

/// The convex hull of places on all sides of a pole, in the plane in which great circles are straight; `None` where they are
/// not all on the pole's half of the globe, or in a row over it.
fn polar_hull(points: &[Degrees]) -> Option<Polygon> {
    let side = points[0].1.signum();
    let plane = |place: &Degrees| {
        let [x, y, z] = unit_vector(*place);
        (z * side > 1e-9).then(|| geo::coord! { x: x / (z * side), y: y / (z * side) })
    };
    let polygon = corners_of(points.iter().map(plane).collect::<Option<Vec<geo::Coord>>>()?);
    let back = |coord: &geo::Coord| {
        let away = coord.x.hypot(coord.y);
        geo::coord! { x: coord.y.atan2(coord.x).to_degrees(), y: side * 1f64.atan2(away).to_degrees() }
    };
    let ring: geo::LineString = polygon.exterior().coords().map(back).collect();
    (geo::Area::unsigned_area(&polygon) > 0.0).then(|| Polygon::new(ring, Vec::new()))
}

/// Geodesic area, km2, whichever way a ring runs.
fn area_km2(hull: &Geometry) -> f64 {
    const GLOBE_KM2: f64 = 510_065_621.724;
    let area = hull.geodesic_area_unsigned() / 1e6;
    area.min(GLOBE_KM2 - area).max(0.0)
}

/// The tree is chosen by chords, which order as geodesics do to one part in a million; its length is geodesic.
fn tree_km(tree: &Tree, places: &[Vector]) -> f64 {
    let edges = spanning_tree(tree, &vec![0.0; places.len()]);
    edges.iter().map(|edge| distance_between_km(&places[edge.a as usize], &places[edge.b as usize])).sum()
}

/// The distance from each place to the nearest other, in the tree's order. Of a place that stands there twice it is 0, which
/// needs no search.
fn neighbours_km(tree: &Tree, places: &[Vector]) -> Vec<f64> {
    let bits = |place: &Vector| place.map(f64::to_bits);
    let mut times: HashMap<[u64; 3], u32> = HashMap::with_capacity(places.len());
    places.iter().for_each(|place| *times.entry(bits(place)).or_default() += 1);
    let nearest = |(place, own): (&Vector, &u32)| {
        if times.get(&bits(place)).is_some_and(|times| *times > 1) {
            return 0.0;
        }
        let measure = |other: u32| (other != *own).then(|| distance_between_km(place, &places[other as usize]));
        tree.nearest_by(place, &measure).map_or(0.0, |(km, _)| km)
    };
    tree.points().par_iter().zip(tree.numbers()).map(nearest).collect()
}

/// Smallest geodesic distance between a place of each group and one of another group, km; `None` where there is no
/// other. The pair is chosen by its chord, and so at most one part in 100,000 longer than the shortest.
pub fn next_group_km(groups: &[Vec<Degrees>]) -> Vec<Option<f64>> {
    let places: Vec<Vector> = groups.iter().flatten().map(|&place| geocentric(place)).collect();
    let of = |(group, places): (usize, &Vec<Degrees>)| vec![group as u32; places.len()];
    let group: Vec<u32> = groups.iter().enumerate().flat_map(of).collect();
    let tree = Tree::new(&places);
    let links = shortest_links(&tree, &group, groups.len());
    let km = |link: Edge| distance_between_km(&places[link.a as usize], &places[link.b as usize]);
    links.into_iter().map(|link| link.map(km)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::globe::geodesy::distance_km;

    #[test]
    fn one_and_two_and_three_in_a_row() {
        let one = spread(&[((3.0, 52.0), Some(5.0))]);
        let centre = one.centre.unwrap();
        assert!((centre.0 - 3.0).abs() < 1e-12 && (centre.1 - 52.0).abs() < 1e-12);
        assert_eq!((one.mst_km, one.nn_mean_km, one.area_km2, one.standard_distance_km), (None, None, None, None));
        let two = spread(&[((3.0, 52.0), None), ((3.0, 53.0), None)]);
        let degree = distance_km((3.0, 52.0), (3.0, 53.0));
        for found in [two.mst_km, two.nn_mean_km, two.nn_median_km] {
            assert!((found.unwrap() - degree).abs() < 1e-8);
        }
        assert_eq!((two.area_km2, two.centre, two.clark_evans), (Some(0.0), None, None));
        let row = spread(&[((0.0, 0.0), None), ((1.0, 0.0), None), ((2.0, 0.0), None)]);
        assert_eq!(row.area_km2, Some(0.0));
        let same = spread(&[((1.0, 1.0), Some(1.0)), ((1.0, 1.0), Some(3.0))]);
        assert_eq!((same.mst_km, same.area_km2), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn a_hull_over_the_antimeridian_is_small() {
        let places = [(179.9, 0.0), (-179.9, 0.0), (180.0, 0.2)].map(|place| (place, None));
        let area = spread(&places).area_km2.unwrap();
        assert!((area - 0.5 * 22.26 * 22.11).abs() < 1.0, "{area}");
    }

    /// By hand: a triangle of half a degree and three corners around the pole has the area 3 sqrt(3) / 4 r2, r = 55.846 km.
    #[test]
    fn a_hull_around_a_pole() {
        for side in [1.0, -1.0] {
            let places = [0.0, 120.0, -120.0].map(|lon| ((lon, side * 89.5), None));
            let area = spread(&places).area_km2.unwrap();
            assert!((area - 4051.3).abs() < 1.0, "{area}");
            let square = [10.0, 100.0, -170.0, -80.0].map(|lon| ((lon, side * 89.5), None));
            let area = spread(&square).area_km2.unwrap();
            assert!((area - 2.0 * 55.846f64.powi(2)).abs() < 2.0, "{area}");
        }
        let beside = [(10.0, 89.5), (60.0, 89.5), (100.0, 89.0)].map(|place| (place, None));
        assert!(spread(&beside).area_km2.unwrap() > 0.0);
    }

    #[test]
    fn next_group_agrees_with_all_pairs() {
        let groups = vec![vec![(0.0, 50.0), (0.3, 50.1)], vec![(2.0, 50.0)], vec![(1.0, 51.0), (0.9, 50.6)], vec![]];
        for (group, found) in next_group_km(&groups).into_iter().enumerate() {
            let others = groups.iter().enumerate().filter(|(other, _)| *other != group).flat_map(|(_, places)| places);
            let all = groups[group].iter().flat_map(|a| others.clone().map(move |b| distance_km(*a, *b)));
            let wanted = all.reduce(f64::min);
            assert_eq!(found.is_some(), wanted.is_some());
            assert!((found.unwrap_or(0.0) - wanted.unwrap_or(0.0)).abs() < 1e-8, "group {group}");
        }
    }
}
