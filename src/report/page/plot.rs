//! The plane of two dimensions: a point a cluster, thresholds, names of types in the corners, arrows between periods.

use std::collections::{BTreeSet, HashMap};

use super::labels::{self, Label};
use super::{Shown, class, period, short, words};
use crate::classify::Level;
use crate::report::Results;

/// The plot: one dimension to the right, the other up.
pub struct Plot {
    /// The clusters.
    pub points: Vec<Point>,
    /// From one period to the next: both ends.
    pub moves: Vec<[f64; 4]>,
    /// Names of the dimensions, to the right and up.
    pub axes: [String; 2],
    /// Where the thresholds stand, across and up.
    pub thresholds: [Vec<f64>; 2],
    /// Names of the types in the corners: x, y, anchor, name.
    pub corners: Vec<(f64, f64, &'static str, String)>,
    /// Scores of single replicates: class and path.
    pub cloud: Vec<(String, String)>,
    /// Height of the lane below, for clusters without a score upwards; 0 where there is none.
    pub lane: f64,
}

/// A cluster in one period.
pub struct Point {
    x: f64,
    /// Middle of the mark.
    pub y: f64,
    /// Name, and the period where there are several.
    pub name: String,
    /// Class of its type.
    pub class: String,
    /// Where its name stands; `None` where there is no room.
    pub label: Option<Label>,
    /// Ends of the bounds upwards, where they are not known.
    pub bounds: Option<(f64, f64)>,
    /// Where its card is.
    pub id: String,
    /// Whether a later period follows.
    pub is_past: bool,
}

impl Point {
    /// Middle of the mark.
    pub fn x(&self) -> String {
        format!("{:.1}", self.x)
    }

    /// Its mark: another shape for every type, so that it does not rest on colour.
    pub fn mark(&self) -> String {
        mark(&self.class, self.x, self.y, if self.is_past { 3.5 } else { 6.0 })
    }
}

/// An SVG path around a place, by the class of a type.
pub fn mark(class: &str, x: f64, y: f64, r: f64) -> String {
    let path = |points: &[(f64, f64)]| {
        let at = |&(dx, dy): &(f64, f64)| format!("{:.1} {:.1}", x + dx * r, y + dy * r);
        format!("M{}Z", points.iter().map(at).collect::<Vec<_>>().join("L"))
    };
    match class {
        "t0" => path(&[
            (-0.4, -1.1),
            (0.4, -1.1),
            (0.4, -0.4),
            (1.1, -0.4),
            (1.1, 0.4),
            (0.4, 0.4),
            (0.4, 1.1),
            (-0.4, 1.1),
            (-0.4, 0.4),
            (-1.1, 0.4),
            (-1.1, -0.4),
            (-0.4, -0.4),
        ]),
        "t2" => path(&[(0.0, -1.15), (1.1, 0.8), (-1.1, 0.8)]),
        "t3" => path(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
        "t4" => path(&[(0.0, -1.2), (1.2, 0.0), (0.0, 1.2), (-1.2, 0.0)]),
        "t5" => path(&[(0.0, 1.15), (1.1, -0.8), (-1.1, -0.8)]),
        "t6" => path(&[(-1.1, -0.6), (1.1, -0.6), (1.1, 0.6), (-1.1, 0.6)]),
        "t7" => path(&[(-0.6, -1.1), (0.6, -1.1), (0.6, 1.1), (-0.6, 1.1)]),
        "t8" => path(&[(-1.1, -0.9), (1.1, -0.9), (0.6, 0.9), (-0.6, 0.9)]),
        "t9" => path(&[(-0.6, -0.9), (0.6, -0.9), (1.1, 0.9), (-1.1, 0.9)]),
        _ => format!("M{:.1} {y:.1}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 -{} 0Z", x - r, 2.0 * r, 2.0 * r),
    }
}

/// Width and height of the plane, and the room to its right for names.
const PLOT: f64 = 600.0;
/// Dots of the cloud on the whole page.
const DOTS: usize = 6000;
/// Top of the lane and height of its rows.
const LANE: f64 = 646.0;
const ROW: f64 = 17.0;

/// The plot; `None` unless there is a typology over two dimensions.
pub fn plot(results: &Results<'_>, shown: &Shown) -> Option<Plot> {
    let [location, linkages] = plane(results)?;
    let periods = results.measured.units.iter().map(|unit| unit.period).collect::<BTreeSet<_>>().len();
    let up = |score: f64| PLOT - score * PLOT / 100.0;
    let mut placed: Vec<(usize, Point)> = Vec::new();
    for unit in shown.told() {
        let (across, upward) =
            (&results.rating.scores[unit].nodes[location], &results.rating.scores[unit].nodes[linkages]);
        let Some(score) = across.score else { continue };
        let of = results.measured.units[unit];
        let mut name = short(&results.measured.clusters.names[of.cluster]);
        let is_past = !shown.is_latest(unit);
        if is_past && upward.score.is_none() {
            continue;
        }
        if periods > 1 {
            name = format!("{name} {}", period(of.period));
        }
        let unknown = results.rating.classes[unit].levels[linkages].known().is_none();
        let y = upward.score.map_or(f64::INFINITY, up);
        let bounds = (unknown && upward.score.is_some()).then(|| (up(upward.low), up(upward.high)));
        placed.push((
            unit,
            Point {
                x: score * PLOT / 100.0,
                y,
                name,
                class: class(results, unit),
                label: None,
                bounds,
                id: shown.anchor(unit),
                is_past,
            },
        ));
    }
    let lane = into_lane(&mut placed);
    let corners = corners(results, [location, linkages]);
    let taken: Vec<[f64; 4]> = corners.iter().map(beside_corner).collect();
    let is_named = |at: &usize| placed[*at].1.label.is_none() && !placed[*at].1.is_past;
    let scored: Vec<usize> = (0..placed.len()).filter(is_named).collect();
    let wanted: Vec<(f64, f64, usize)> =
        scored.iter().map(|&at| (placed[at].1.x, placed[at].1.y, placed[at].1.name.chars().count())).collect();
    for (at, label) in scored.into_iter().zip(labels::place(&wanted, (PLOT + 160.0, PLOT), 8.0, &taken)) {
        placed[at].1.label = label;
    }
    let moves = moves(results, &placed);
    let cuts = |dimension: usize| results.about.dimensions[dimension].threshold.0.iter().copied();
    let thresholds = [cuts(location).map(|score| score * PLOT / 100.0).collect(), cuts(linkages).map(up).collect()];
    let axes = [location, linkages].map(|dimension| results.about.dimensions[dimension].id.as_str()).map(words);
    let (points, cloud) = (placed.into_iter().map(|(_, point)| point), cloud(results, shown, [location, linkages]));
    Some(Plot { points: points.collect(), moves, axes, thresholds, corners, cloud, lane })
}

/// Dots of single replicates on the plane, as one path for each class.
fn cloud(results: &Results<'_>, shown: &Shown, [across, upward]: [usize; 2]) -> Vec<(String, String)> {
    let found = results.uncertainty;
    let units: Vec<usize> = shown.told().filter(|&unit| shown.is_latest(unit)).collect();
    let (Some(right), Some(up)) = (found.cloud.get(across), found.cloud.get(upward)) else { return Vec::new() };
    let each = (DOTS / units.len().max(1)).min(right.len());
    let mut paths: Vec<(String, String)> = Vec::new();
    for unit in units {
        let class = class(results, unit);
        let at = paths.iter().position(|(known, _)| *known == class).unwrap_or_else(|| {
            paths.push((class, String::new()));
            paths.len() - 1
        });
        for (x, y) in right[..each].iter().zip(&up[..each]).map(|(x, y)| (x[unit], y[unit])) {
            if !x.is_nan() && !y.is_nan() {
                let scale = |score: f64| score * PLOT / 100.0;
                paths[at].1 += &format!("M{:.1} {:.1}h0", scale(x), PLOT - scale(y));
            }
        }
    }
    paths
}

/// From each point to that of the same cluster in its next period.
fn moves(results: &Results<'_>, placed: &[(usize, Point)]) -> Vec<[f64; 4]> {
    let points: HashMap<usize, &Point> = placed.iter().map(|(unit, point)| (*unit, point)).collect();
    let units = &results.measured.units;
    let next = |&(unit, ref from): &(usize, Point)| {
        let to = points.get(&(unit + 1)).filter(|_| units[unit].cluster == units[unit + 1].cluster)?;
        Some([from.x, from.y, to.x, to.y])
    };
    placed.iter().filter_map(next).collect()
}

/// The two dimensions of the plane, that to the right first; `None` unless there is a typology over two.
fn plane(results: &Results<'_>) -> Option<[usize; 2]> {
    results.about.typology.filter(|_| results.about.dimensions.len() == 2)?;
    // The plane is 100 points wide and high.
    if results.about.model.scales.iter().take(2).any(|ends| *ends != Some([0.0, 100.0])) {
        return None;
    }
    let is_location = |at: &usize| results.about.dimensions[*at].id == "locational_advantage";
    let across = (0..2).find(is_location).unwrap_or(0);
    Some([across, 1 - across])
}

/// The types of the four corners of the plane.
fn corners(results: &Results<'_>, [across, upward]: [usize; 2]) -> Vec<(f64, f64, &'static str, String)> {
    let Some(typology) = results.about.typology else { return Vec::new() };
    let corner = |right: bool, top: bool| {
        let level = |high: bool| if high { Level::High } else { Level::Low };
        let mut levels = [Level::Low; 2];
        (levels[across], levels[upward]) = (level(right), level(top));
        let kind = &typology.types[typology.type_of(results.about.dimensions, &levels)?];
        let (x, anchor) = if right { (PLOT - 10.0, "end") } else { (10.0, "start") };
        Some((x, if top { 20.0 } else { PLOT - 10.0 }, anchor, format!("{} {}", kind.number, kind.name)))
    };
    [(true, true), (false, true), (true, false), (false, false)].into_iter().filter_map(|(x, y)| corner(x, y)).collect()
}

/// The room that the name of a type takes.
fn beside_corner((x, y, anchor, name): &(f64, f64, &'static str, String)) -> [f64; 4] {
    let wide = labels::width(name) * 1.3;
    let left = if *anchor == "end" { x - wide } else { *x };
    [left, y - 14.0, left + wide, y + 4.0]
}

/// Lays points without a score on rows, each with its name to the right; returns the height that they need.
fn into_lane(placed: &mut [(usize, Point)]) -> f64 {
    let mut waiting: Vec<&mut Point> =
        placed.iter_mut().map(|(_, point)| point).filter(|point| point.y.is_infinite()).collect();
    waiting.sort_by(|a, b| a.x.total_cmp(&b.x));
    let mut ends: Vec<f64> = Vec::new();
    for point in waiting {
        let row = ends.iter().position(|end| *end < point.x).unwrap_or(ends.len());
        if row == ends.len() {
            ends.push(0.0);
        }
        ends[row] = point.x + 24.0 + labels::width(&point.name);
        point.y = LANE + 26.0 + row as f64 * ROW;
        point.label = Some(Label { x: point.x + 8.0, y: point.y + 4.0, anchor: "start" });
    }
    if ends.is_empty() { 0.0 } else { ends.len() as f64 * ROW + 30.0 }
}
