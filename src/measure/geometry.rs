//! Figures over the places of one cluster: centre, hull, tree, neighbours; and the distance to the next cluster.

use geo::{ConvexHull, GeodesicArea, Geometry, MultiPoint, Point};
use rayon::prelude::*;
use rstar::RTree;
use rstar::primitives::GeomWithData;

use super::geodesy::{Degrees, chord_km, distance_km, geocentric};

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
        spread.area_km2 = spread.hull.as_ref().map(|hull| hull.geodesic_area_unsigned() / 1e6);
        spread.mst_km = Some(tree_km(&points));
        spread.nn_mean_km = Some(neighbour_km(&points));
        spread.standard_distance_km = centre.map(|centre| {
            let squares: f64 =
                weighted.iter().map(|(place, weight)| weight * distance_km(*place, centre).powi(2)).sum();
            (squares / total).sqrt()
        });
    }
    spread
}

fn mean_place(weighted: &[(Degrees, f64)]) -> Option<Degrees> {
    let mut sum = [0.0; 3];
    for ((lon, lat), weight) in weighted {
        let (lon, lat) = (lon.to_radians(), lat.to_radians());
        let unit = [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()];
        (0..3).for_each(|axis| sum[axis] += weight * unit[axis]);
    }
    let across = sum[0].hypot(sum[1]);
    (across.hypot(sum[2]) > 0.0).then(|| (sum[1].atan2(sum[0]).to_degrees(), sum[2].atan2(across).to_degrees()))
}

/// The convex hull; longitudes are taken within half a turn of the first place, so that it may cross the antimeridian.
fn hull(points: &[Degrees]) -> Option<Geometry> {
    let first = points.first()?.0;
    let turn = |lon: f64| lon - 360.0 * ((lon - first) / 360.0).round();
    let cloud = MultiPoint::from_iter(points.iter().map(|&(lon, lat)| Point::new(turn(lon), lat)));
    let polygon = cloud.convex_hull();
    let mut corners: Vec<geo::Coord> = polygon.exterior().0.clone();
    corners.dedup();
    corners.pop();
    let area = geo::Area::unsigned_area(&polygon);
    Some(match corners.as_slice() {
        [] => Geometry::Point(Point::new(turn(first), points[0].1)),
        [only] => Geometry::Point(Point(*only)),
        _ if area == 0.0 => {
            let low = corners.iter().min_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)))?;
            let high = corners.iter().max_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)))?;
            if low == high { Geometry::Point(Point(*low)) } else { Geometry::LineString(vec![*low, *high].into()) }
        }
        _ => Geometry::Polygon(polygon),
    })
}

/// Prim's algorithm. The tree is chosen by chords, which order as geodesics do to one part in a million;
/// its length is geodesic. Time is quadratic in the number of places, memory linear.
fn tree_km(points: &[Degrees]) -> f64 {
    let places: Vec<[f64; 3]> = points.iter().map(|&point| geocentric(point)).collect();
    let mut nearest: Vec<(f64, usize)> = places.iter().map(|place| (chord_km(&places[0], place), 0)).collect();
    let mut outside: Vec<usize> = (1..points.len()).collect();
    let mut length = 0.0;
    while !outside.is_empty() {
        let (slot, &next) = outside
            .iter()
            .enumerate()
            .min_by(|(_, a), (_, b)| nearest[**a].0.total_cmp(&nearest[**b].0).then(a.cmp(b)))
            .unwrap_or((0, &outside[0]));
        outside.swap_remove(slot);
        length += distance_km(points[next], points[nearest[next].1]);
        for &other in &outside {
            let chord = chord_km(&places[next], &places[other]);
            if chord < nearest[other].0 {
                nearest[other] = (chord, next);
            }
        }
    }
    length
}

type Site = GeomWithData<[f64; 3], usize>;

fn sites(points: &[Degrees], numbers: impl Iterator<Item = usize>) -> RTree<Site> {
    RTree::bulk_load(numbers.map(|number| Site::new(geocentric(points[number]), number)).collect())
}

/// The nearest point of a tree that is not `but`, by geodesic, km.
fn nearest_km(tree: &RTree<Site>, points: &[Degrees], from: Degrees, but: Option<usize>) -> f64 {
    let mut best = f64::INFINITY;
    for (site, squared) in tree.nearest_neighbor_iter_with_distance_2(&geocentric(from)) {
        if squared.sqrt() > best {
            break;
        }
        if Some(site.data) != but {
            best = best.min(distance_km(from, points[site.data]));
        }
    }
    best
}

fn neighbour_km(points: &[Degrees]) -> f64 {
    let tree = sites(points, 0..points.len());
    let sum: f64 = (0..points.len()).map(|point| nearest_km(&tree, points, points[point], Some(point))).sum();
    sum / points.len() as f64
}

/// Smallest geodesic distance between a place of each group and one of another group, km; `None` where there is
/// no other.
pub fn next_group_km(groups: &[Vec<Degrees>]) -> Vec<Option<f64>> {
    let balls: Vec<Option<([f64; 3], f64)>> = groups.iter().map(|group| ball(group)).collect();
    let trees: Vec<RTree<Site>> = groups.par_iter().map(|group| sites(group, 0..group.len())).collect();
    let next = |group: usize| {
        let (centre, radius) = balls[group]?;
        let gap = |other: &usize| balls[*other].map(|(far, reach)| (chord_km(&centre, &far) - radius - reach, *other));
        let mut others: Vec<(f64, usize)> =
            (0..groups.len()).filter(|&other| other != group).filter_map(|other| gap(&other)).collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut best = f64::INFINITY;
        for (gap, other) in others {
            if gap > best {
                break;
            }
            let (few, many) = if groups[group].len() <= groups[other].len() { (group, other) } else { (other, group) };
            best = groups[few]
                .iter()
                .map(|&place| nearest_km(&trees[many], &groups[many], place, None))
                .fold(best, f64::min);
        }
        best.is_finite().then_some(best)
    };
    (0..groups.len()).into_par_iter().map(next).collect()
}

/// A ball around all places of a group.
fn ball(group: &[Degrees]) -> Option<([f64; 3], f64)> {
    let places: Vec<[f64; 3]> = group.iter().map(|&place| geocentric(place)).collect();
    let count = places.len() as f64;
    let centre = [0, 1, 2].map(|axis| places.iter().map(|place| place[axis]).sum::<f64>() / count);
    let radius = places.iter().map(|place| chord_km(&centre, place)).fold(0.0, f64::max);
    (!places.is_empty()).then_some((centre, radius))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_two_and_three_in_a_row() {
        let one = spread(&[((3.0, 52.0), Some(5.0))]);
        let centre = one.centre.unwrap();
        assert!((centre.0 - 3.0).abs() < 1e-12 && (centre.1 - 52.0).abs() < 1e-12);
        assert_eq!((one.mst_km, one.nn_mean_km, one.area_km2, one.standard_distance_km), (None, None, None, None));
        let two = spread(&[((3.0, 52.0), None), ((3.0, 53.0), None)]);
        let degree = distance_km((3.0, 52.0), (3.0, 53.0));
        assert_eq!(
            (two.mst_km, two.nn_mean_km, two.area_km2, two.centre),
            (Some(degree), Some(degree), Some(0.0), None)
        );
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

    #[test]
    fn next_group_agrees_with_all_pairs() {
        let groups = vec![vec![(0.0, 50.0), (0.3, 50.1)], vec![(2.0, 50.0)], vec![(1.0, 51.0), (0.9, 50.6)], vec![]];
        for (group, found) in next_group_km(&groups).into_iter().enumerate() {
            let others = groups.iter().enumerate().filter(|(other, _)| *other != group).flat_map(|(_, places)| places);
            let all = groups[group].iter().flat_map(|a| others.clone().map(move |b| distance_km(*a, *b)));
            assert_eq!(found, all.reduce(f64::min), "group {group}");
        }
    }
}
