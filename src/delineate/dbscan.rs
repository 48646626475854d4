//! DBSCAN on the globe, exact, without neighbour lists.

use std::collections::HashMap;

use petgraph::unionfind::UnionFind;
use rayon::prelude::*;

/// Mean radius of the earth, km (IUGG).
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

type Vector = [f64; 3];
type Key = [i64; 3];

/// Labels each point with its cluster, or `None` for noise.
///
/// - `points`: longitude and latitude, degrees.
/// - `radius_km`: great-circle distance on a sphere of [`EARTH_RADIUS_KM`], inclusive.
/// - `min_points`: points in a core point's neighbourhood, itself included.
///
/// A border point joins the cluster of its nearest core point (ties: the point that comes first), so the order of
/// rows matters only to such ties. Clusters are numbered by their first core point.
///
/// Points are sorted into cubes in which all are neighbours; memory is linear in the number of points.
///
/// # Source
///
/// Ester, Kriegel, Sander & Xu (1996), "A density-based algorithm for discovering clusters"; the cubes after
/// Gunawan (2013). Distances are chords of the unit sphere, which order as great circles do.
pub fn dbscan(points: &[(f64, f64)], radius_km: f64, min_points: usize) -> Vec<Option<usize>> {
    let vectors: Vec<Vector> = points.iter().map(|&(lon, lat)| unit_vector(lon, lat)).collect();
    let half_angle = (radius_km / EARTH_RADIUS_KM / 2.0).min(std::f64::consts::FRAC_PI_2);
    let reach = 2.0 * half_angle.sin();
    let grid = Grid::new(vectors, reach);
    let core = grid.core_points(min_points);
    let roots = grid.join(&core);
    let border = grid.border_points(&core);
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    for point in (0..points.len()).filter(|&point| core[point]) {
        let next = numbers.len();
        numbers.entry(roots[point]).or_insert(next);
    }
    let label = |point: usize| if core[point] { Some(point) } else { border[point] };
    (0..points.len()).map(|point| label(point).map(|core| numbers[&roots[core]])).collect()
}

fn unit_vector(lon: f64, lat: f64) -> Vector {
    let (lon, lat) = (lon.to_radians(), lat.to_radians());
    [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
}

/// Points by cube; the cubes are ordered, so every walk over them is.
struct Grid {
    vectors: Vec<Vector>,
    cubes: Vec<(Key, Vec<usize>)>,
    position: HashMap<Key, usize>,
    reach_squared: f64,
    offsets: Vec<Key>,
}

impl Grid {
    /// Cubes whose diagonal is just below the reach: any two points of one are neighbours.
    fn new(vectors: Vec<Vector>, reach: f64) -> Self {
        let side = reach / 3f64.sqrt() * (1.0 - 1e-9);
        let key = |vector: &Vector| vector.map(|axis| (axis / side).floor() as i64);
        let mut keyed: Vec<(Key, usize)> =
            vectors.iter().enumerate().map(|(point, vector)| (key(vector), point)).collect();
        keyed.sort_unstable();
        let mut cubes: Vec<(Key, Vec<usize>)> = Vec::new();
        for (key, point) in keyed {
            match cubes.last_mut() {
                Some((last, members)) if *last == key => members.push(point),
                _ => cubes.push((key, vec![point])),
            }
        }
        let position = cubes.iter().enumerate().map(|(position, (key, _))| (*key, position)).collect();
        Self { vectors, cubes, position, reach_squared: reach * reach, offsets: offsets() }
    }

    fn near(&self, a: usize, b: usize) -> bool {
        self.squared(a, b) <= self.reach_squared
    }

    fn squared(&self, a: usize, b: usize) -> f64 {
        let (a, b) = (self.vectors[a], self.vectors[b]);
        (a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2) + (a[2] - b[2]).powi(2)
    }

    /// The other cubes that may hold neighbours of a cube's points.
    fn around(&self, cube: usize) -> impl Iterator<Item = usize> + '_ {
        let key = self.cubes[cube].0;
        let at = move |offset: &Key| [key[0] + offset[0], key[1] + offset[1], key[2] + offset[2]];
        self.offsets.iter().filter_map(move |offset| self.position.get(&at(offset)).copied())
    }

    fn core_points(&self, min_points: usize) -> Vec<bool> {
        let found: Vec<Vec<usize>> = self
            .cubes
            .par_iter()
            .enumerate()
            .map(|(cube, (_, members))| {
                if members.len() >= min_points {
                    return members.clone();
                }
                let around: Vec<usize> = self.around(cube).collect();
                let others = || around.iter().flat_map(|&other| &self.cubes[other].1);
                let needed = min_points - members.len();
                let is_core =
                    |point: usize| others().filter(|&&other| self.near(point, other)).take(needed).count() == needed;
                members.iter().copied().filter(|&point| is_core(point)).collect()
            })
            .collect();
        let mut core = vec![false; self.vectors.len()];
        found.into_iter().flatten().for_each(|point| core[point] = true);
        core
    }

    /// Joins core points within reach of each other; returns each point's representative.
    fn join(&self, core: &[bool]) -> Vec<usize> {
        let mut sets = UnionFind::new(self.vectors.len());
        let cores = |cube: usize| self.cubes[cube].1.iter().copied().filter(|&point| core[point]);
        for cube in 0..self.cubes.len() {
            let Some(first) = cores(cube).next() else { continue };
            cores(cube).for_each(|point| {
                sets.union(first, point);
            });
            for other in self.around(cube).filter(|&other| other > cube) {
                let Some(far) = cores(other).next() else { continue };
                if !sets.equiv(first, far) && cores(cube).any(|a| cores(other).any(|b| self.near(a, b))) {
                    sets.union(first, far);
                }
            }
        }
        sets.into_labeling()
    }

    /// For each point that is not core, its nearest core point within reach.
    fn border_points(&self, core: &[bool]) -> Vec<Option<usize>> {
        let mut border = vec![None; self.vectors.len()];
        for (cube, (_, members)) in self.cubes.iter().enumerate() {
            for &point in members.iter().filter(|&&point| !core[point]) {
                let around = self.around(cube).chain([cube]).flat_map(|other| &self.cubes[other].1);
                let reached = around.copied().filter(|&other| core[other] && self.near(point, other));
                border[point] =
                    reached.min_by(|&a, &b| self.squared(point, a).total_cmp(&self.squared(point, b)).then(a.cmp(&b)));
            }
        }
        border
    }
}

/// The cubes, relative to one, that come within its diagonal; without itself.
fn offsets() -> Vec<Key> {
    let mut offsets = Vec::new();
    for x in -2..=2i64 {
        for y in -2..=2i64 {
            for z in -2..=2i64 {
                let gap = [x, y, z].map(|axis| (axis.abs() - 1).max(0).pow(2)).iter().sum::<i64>();
                if gap <= 3 && (x, y, z) != (0, 0, 0) {
                    offsets.push([x, y, z]);
                }
            }
        }
    }
    offsets
}
