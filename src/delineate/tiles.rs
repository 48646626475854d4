//! DBSCAN in tiles, exact: boxes of neighbours, each with a rim of one radius, looked at by themselves; then what several
//! tiles have joined is put together.

use petgraph::unionfind::UnionFind;
use serde::{Deserialize, Serialize};

use super::dbscan::{Joined, Sorted, core_points, joined};
use crate::error::{Error, Result};
use crate::globe::geodesy::Degrees;
use crate::globe::tree::Tree;
use crate::globe::{Vector, reach_of};
use crate::workers::{Kind, Workers, ask};

/// What holds of all tiles.
#[derive(Serialize, Deserialize)]
struct Reach {
    /// The square of the radius, as a chord of the unit sphere.
    reach: f64,
    /// Points in a core point's neighbourhood, itself included.
    min_points: usize,
}

/// Points of a box and those within reach of the box, by number, ascending.
#[derive(Serialize, Deserialize)]
struct Tile {
    numbers: Vec<u32>,
    vectors: Vec<Vector>,
    /// Whether a point is the tile's own, and not of its rim.
    own: Vec<bool>,
    /// Whether a point is a core point; empty while that is not known.
    core: Vec<bool>,
}

/// What is found of the points of a tile.
#[derive(Serialize, Deserialize)]
struct Found {
    /// Core points that belong together: each with the first that it belongs to.
    joined: Vec<[u32; 2]>,
    /// Own points that are no core points, each with the nearest core point within reach.
    border: Vec<[u32; 2]>,
}

/// [`dbscan`](super::dbscan::dbscan) by way of workers, to whom the globe is handed out in tiles.
///
/// # Errors
///
/// Those of the workers.
pub fn dbscan_by(
    workers: &dyn Workers,
    points: &[Degrees],
    radius_km: f64,
    min_points: usize,
) -> Result<Vec<Option<usize>>> {
    let sorted = Sorted::new(points);
    let found = join(&sorted.vectors, reach_of(radius_km), min_points, workers)?;
    Ok(sorted.labels(&found))
}

/// Joins points by way of workers; `reach` is the square of the radius, as a chord of the unit sphere.
///
/// # Errors
///
/// Those of the workers.
fn join(vectors: &[Vector], reach: f64, min_points: usize, workers: &dyn Workers) -> Result<Joined> {
    let job = Reach { reach, min_points };
    let mut tiles = tiles(vectors, reach, workers.count());
    let flags: Vec<Vec<bool>> = ask(workers, Kind::Core, &job, &tiles)?;
    let mut core = vec![false; vectors.len()];
    for (tile, flags) in tiles.iter().zip(flags) {
        let own = tile.numbers.iter().zip(&tile.own).filter(|(_, own)| **own).map(|(number, _)| *number);
        own.zip(flags).for_each(|(number, flag)| core[number as usize] = flag);
    }
    for tile in &mut tiles {
        tile.core = tile.numbers.iter().map(|&number| core[number as usize]).collect();
    }
    let found: Vec<Found> = ask(workers, Kind::Join, &job, &tiles)?;
    let mut sets = UnionFind::<u32>::new(vectors.len());
    let mut border = vec![None; vectors.len()];
    for Found { joined, border: nearest } in found {
        for [a, b] in joined {
            sets.try_union(a, b).map_err(|_| Error::Workers { message: format!("no points {a} and {b}") })?;
        }
        for [point, nearest] in nearest {
            border[point as usize] = Some(nearest);
        }
    }
    let root = (0..vectors.len() as u32).map(|at| core[at as usize].then(|| sets.find(at))).collect();
    Ok(Joined { root, border })
}

/// Points in so many boxes or more, each with its rim.
fn tiles(vectors: &[Vector], reach: f64, count: usize) -> Vec<Tile> {
    let tree = Tree::new(vectors);
    if tree.is_empty() {
        return Vec::new();
    }
    let mut boxes = vec![0];
    while boxes.len() < count {
        let halves: Vec<usize> =
            boxes.iter().flat_map(|&node| tree.children(node).map_or(vec![node], Vec::from)).collect();
        if halves.len() == boxes.len() {
            break;
        }
        boxes = halves;
    }
    boxes.into_iter().map(|node| tile(&tree, node, reach)).collect()
}

fn tile(tree: &Tree, node: usize, reach: f64) -> Tile {
    let own = tree.nodes()[node].range();
    let mut places = Vec::new();
    let mut open = vec![0];
    while let Some(other) = open.pop() {
        let here = &tree.nodes()[other];
        if here.gap_between(&tree.nodes()[node]) > reach {
            continue;
        }
        match tree.children(other) {
            Some(halves) => open.extend(halves),
            None => places.extend(here.range()),
        }
    }
    places.retain(|place| own.contains(place) || tree.nodes()[node].gap(&tree.points()[*place]) <= reach);
    places.sort_unstable_by_key(|place| tree.numbers()[*place]);
    Tile {
        numbers: places.iter().map(|&place| tree.numbers()[place]).collect(),
        vectors: places.iter().map(|&place| tree.points()[place]).collect(),
        own: places.iter().map(|place| own.contains(place)).collect(),
        core: Vec::new(),
    }
}

/// The work of [`Kind::Core`]: whether each own point is a core point.
pub(crate) fn tell_core(job: &[u8], piece: &[u8]) -> Result<Vec<u8>> {
    crate::workers::done((job, piece), |Reach { reach, min_points }, tile: Tile| {
        let core = core_points(&tile.vectors, reach, min_points);
        Ok(core.into_iter().zip(tile.own).filter(|(_, own)| *own).map(|(core, _)| core).collect::<Vec<bool>>())
    })
}

/// The work of [`Kind::Join`].
pub(crate) fn join_core(job: &[u8], piece: &[u8]) -> Result<Vec<u8>> {
    crate::workers::done((job, piece), |Reach { reach, .. }, tile: Tile| {
        let Tile { numbers, vectors, own, core } = tile;
        let at = (0..numbers.len()).filter(|&at| core[at]);
        let cores = Tree::of(at.map(|at| (vectors[at], numbers[at])).collect());
        let number = |place: u32| cores.numbers()[place as usize];
        let pairs = cores.numbers().iter().zip(joined(&cores, reach)).map(|(&point, root)| [point, number(root)]);
        let rest = (0..numbers.len()).filter(|&at| own[at] && !core[at]);
        let nearest = rest.filter_map(|at| Some([numbers[at], cores.nearest(&vectors[at], reach)?.1]));
        Ok(Found { joined: pairs.filter(|[point, root]| point != root).collect(), border: nearest.collect() })
    })
}
