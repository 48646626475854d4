//! `report.html`: one self-contained page. Lays out what the run has found; computes positions, no figures.

use askama::Template;
use geo::{BooleanOps, BoundingRect, Coord, Geometry, Intersects, MultiPolygon, Polygon, Rect};

use super::labels::{self, Label};
use super::{Results, Split, splits};
use crate::classify::{ClusterType, Level};
use crate::error::{Error, Result};
use crate::measure::settings::{Indicator, Mark, Over, Scale};

/// Natural Earth land, 1:50 million, public domain.
const LAND: &str = include_str!("../../data/basemap/land-50m.geojson");
/// Rejected rows and sites shown before the reader is sent to the tables.
const SHOWN: usize = 50;
/// Types that have a colour of their own.
const COLOURS: usize = 9;
/// Rows of ties shown.
const TIES: usize = 200;

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    results: &'a Results<'a>,
    splits: Vec<Split>,
    plot: Option<Plot>,
    map: Option<Map>,
    clusters: Vec<ClusterRow>,
    goalposts: Vec<GoalpostRow<'a>>,
    sites: Vec<SiteRow<'a>>,
    ties: Vec<TieRow<'a>>,
    /// The types, each with its colour.
    types: Vec<(String, &'a ClusterType)>,
}

/// The quadrant plot: the first dimension to the right, the second up.
struct Plot {
    points: Vec<PlotPoint>,
    moves: Vec<[f64; 4]>,
    /// Names of the dimensions, to the right and up.
    axes: [String; 2],
    /// Where the thresholds stand, across and up.
    thresholds: [Vec<f64>; 2],
    /// Names of the types in the corners: x, y, anchor, name.
    corners: Vec<(f64, f64, &'static str, String)>,
    /// Height of the lane below, for clusters whose linkages have no score; 0 where there is none.
    lane: f64,
}

struct PlotPoint {
    x: f64,
    y: f64,
    name: String,
    class: String,
    label: Option<Label>,
    /// Ends of the bounds of linkages, where they are not known.
    bounds: Option<(f64, f64)>,
}

struct Map {
    /// Sites of the period that lie beyond the map.
    beyond: usize,
    width: f64,
    height: f64,
    land: String,
    hulls: Vec<(String, String)>,
    sites: Vec<(f64, f64, String, f64)>,
    names: Vec<(String, Label)>,
}

struct ClusterRow {
    name: String,
    id: String,
    period: String,
    sites: String,
    megatonnes: String,
    dimensions: Vec<[String; 4]>,
    kind: String,
    class: String,
    /// Of each kind of tie the share of emissions that was asked about, and what it stands for.
    observed: Vec<String>,
}

struct GoalpostRow<'a> {
    indicator: &'a Indicator,
    posts: String,
    scale: &'static str,
    mark: &'static str,
    over: &'static str,
}

struct SiteRow<'a> {
    name: &'a str,
    operator: &'a str,
    sector: &'a str,
    period: String,
    kilotonnes: String,
}

struct TieRow<'a> {
    cluster: &'a str,
    kind: &'a str,
    basis: &'static str,
    what: String,
    place: String,
}

/// Renders the page.
pub fn render(results: &Results<'_>) -> Result<String> {
    let page = Page {
        splits: splits(results.facilities, results.measurements),
        plot: plot(results),
        map: map(results)?,
        clusters: clusters(results)?,
        goalposts: results.indicators.iter().map(goalpost).collect(),
        sites: sites(results),
        ties: ties(results),
        types: types(results),
        results,
    };
    page.render().map_err(|error| Error::Run { path: "report.html".into(), message: error.to_string() })
}

fn class(results: &Results<'_>, unit: usize) -> String {
    colour(results.classes[unit].known())
}

/// The types of the typology, each with its colour.
fn types<'a>(results: &Results<'a>) -> Vec<(String, &'a ClusterType)> {
    let types = results.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    types.iter().enumerate().map(|(at, kind)| (colour(Some(at)), kind)).collect()
}

/// The class of a type by its position: past the colours that there are, that of unknown types.
fn colour(position: Option<usize>) -> String {
    position.filter(|at| *at < COLOURS).map_or_else(|| "t0".into(), |at| format!("t{}", at + 1))
}

fn period(period: Option<i64>) -> String {
    period.map(|period| period.to_string()).unwrap_or_default()
}

/// A name short enough to stand beside a point.
fn short(name: &str) -> String {
    if name.chars().count() <= 28 { name.to_owned() } else { name.chars().take(27).chain(['…']).collect() }
}

fn decimals(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.decimals$}"))
}

/// Units, greatest emissions first.
fn by_size(results: &Results<'_>) -> Vec<usize> {
    let emissions = results.measurements.figure("emissions_t");
    let mut units: Vec<usize> = (0..emissions.len()).collect();
    units.sort_by(|&a, &b| emissions[b].unwrap_or(0.0).total_cmp(&emissions[a].unwrap_or(0.0)).then(a.cmp(&b)));
    units
}

const PLOT: f64 = 600.0;
/// Top of the lane and height of its rows.
const LANE: f64 = 646.0;
const ROW: f64 = 17.0;

fn plot(results: &Results<'_>) -> Option<Plot> {
    let [location, linkages] = plane(results)?;
    let periods =
        results.measurements.units.iter().map(|unit| unit.period).collect::<std::collections::BTreeSet<_>>().len();
    let up = |score: f64| PLOT - score * PLOT / 100.0;
    let mut placed: Vec<(usize, PlotPoint)> = Vec::new();
    for unit in by_size(results) {
        let (across, upward) = (&results.scores[unit].nodes[location], &results.scores[unit].nodes[linkages]);
        let Some(score) = across.score else { continue };
        let of = results.measurements.units[unit];
        let mut name = short(&results.measurements.clusters.names[of.cluster]);
        if periods > 1 {
            name = format!("{name} {}", period(of.period));
        }
        let unknown = results.classes[unit].levels[linkages].known().is_none();
        let y = upward.score.map_or(f64::INFINITY, up);
        let bounds = (unknown && upward.score.is_some()).then(|| (up(upward.low), up(upward.high)));
        placed.push((
            unit,
            PlotPoint { x: score * PLOT / 100.0, y, name, class: class(results, unit), label: None, bounds },
        ));
    }
    let lane = into_lane(&mut placed);
    let scored: Vec<usize> = (0..placed.len()).filter(|&at| placed[at].1.label.is_none()).collect();
    let wanted: Vec<(f64, f64, usize)> =
        scored.iter().map(|&at| (placed[at].1.x, placed[at].1.y, placed[at].1.name.chars().count())).collect();
    for (at, label) in scored.into_iter().zip(labels::place(&wanted, (PLOT + 160.0, PLOT))) {
        placed[at].1.label = label;
    }
    let units = &results.measurements.units;
    let follows =
        |a: &(usize, PlotPoint), b: &(usize, PlotPoint)| units[a.0].cluster == units[b.0].cluster && a.0 + 1 == b.0;
    let pairs = placed.iter().flat_map(|a| placed.iter().filter(move |b| follows(a, b)).map(move |b| (a, b)));
    let moves = pairs.map(|(a, b)| [a.1.x, a.1.y, b.1.x, b.1.y]).collect();
    let cuts = |dimension: usize| results.dimensions[dimension].threshold.0.iter().copied();
    let thresholds = [cuts(location).map(|score| score * PLOT / 100.0).collect(), cuts(linkages).map(up).collect()];
    let axes = [location, linkages].map(|dimension| results.dimensions[dimension].id.replace('_', " "));
    let corners = corners(results, [location, linkages]);
    Some(Plot { points: placed.into_iter().map(|(_, point)| point).collect(), moves, axes, thresholds, corners, lane })
}

/// The two dimensions of the plane, that to the right first; `None` unless there is a typology over two.
fn plane(results: &Results<'_>) -> Option<[usize; 2]> {
    results.typology.filter(|_| results.dimensions.len() == 2)?;
    let is_location = |at: &usize| results.dimensions[*at].id == "locational_advantage";
    let across = (0..2).find(is_location).unwrap_or(0);
    Some([across, 1 - across])
}

/// The types of the four corners of the plane.
fn corners(results: &Results<'_>, [across, upward]: [usize; 2]) -> Vec<(f64, f64, &'static str, String)> {
    let Some(typology) = results.typology else { return Vec::new() };
    let corner = |right: bool, top: bool| {
        let level = |high: bool| if high { Level::High } else { Level::Low };
        let mut levels = [Level::Low; 2];
        (levels[across], levels[upward]) = (level(right), level(top));
        let kind = &typology.types[typology.type_of(results.dimensions, &levels)?];
        let (x, anchor) = if right { (PLOT - 10.0, "end") } else { (10.0, "start") };
        Some((x, if top { 20.0 } else { PLOT - 10.0 }, anchor, format!("{} {}", kind.number, kind.name)))
    };
    [(true, true), (false, true), (true, false), (false, false)].into_iter().filter_map(|(x, y)| corner(x, y)).collect()
}

/// Lays points without a score on rows, each with its name to the right; returns the height that they need.
fn into_lane(placed: &mut [(usize, PlotPoint)]) -> f64 {
    let mut waiting: Vec<&mut PlotPoint> =
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

/// Longitude and latitude to the canvas: equirectangular, true to scale at the middle latitude.
struct Projection {
    west: f64,
    north: f64,
    scale: f64,
    squeeze: f64,
}

impl Projection {
    fn at(&self, coord: Coord) -> (f64, f64) {
        ((coord.x - self.west) * self.squeeze * self.scale, (self.north - coord.y) * self.scale)
    }

    fn path<'c>(&self, coords: impl IntoIterator<Item = &'c Coord>, close: bool) -> String {
        let mut path = String::new();
        for (position, coord) in coords.into_iter().enumerate() {
            let (x, y) = self.at(*coord);
            path += &format!("{}{x:.1} {y:.1}", if position == 0 { "M" } else { "L" });
        }
        if close { path + "Z" } else { path }
    }
}

fn map(results: &Results<'_>) -> Result<Option<Map>> {
    let Some(register) = results.facilities else { return Ok(None) };
    let Some(bounds) = extent(register, results) else { return Ok(None) };
    let margin = (bounds.width().max(bounds.height()) * 0.06).max(0.2);
    let frame = Rect::new(
        (bounds.min().x - margin, (bounds.min().y - margin).max(-90.0)),
        (bounds.max().x + margin, (bounds.max().y + margin).min(90.0)),
    );
    let squeeze = frame.center().y.to_radians().cos().max(0.1);
    let scale = (900.0 / (frame.width() * squeeze)).min(900.0 / frame.height());
    let projection = Projection { west: frame.min().x, north: frame.max().y, scale, squeeze };
    let (width, height) = (frame.width() * squeeze * scale, frame.height() * scale);
    let units = by_size(results);
    let latest = results.measurements.units.iter().filter_map(|unit| unit.period).max();
    let current: Vec<usize> =
        units.into_iter().filter(|&unit| results.measurements.units[unit].period == latest).collect();
    let hull = |&unit: &usize| {
        results.measurements.hulls[unit].as_ref().map(|hull| (outline(hull, &projection), class(results, unit)))
    };
    let middles: Vec<(usize, (f64, f64))> = current
        .iter()
        .filter_map(|&unit| {
            let bounds = results.measurements.hulls[unit].as_ref()?.bounding_rect()?;
            Some((unit, projection.at(bounds.center())))
        })
        .collect();
    let name = |unit: usize| short(&results.measurements.clusters.names[results.measurements.units[unit].cluster]);
    let wanted: Vec<(f64, f64, usize)> =
        middles.iter().map(|&(unit, (x, y))| (x, y, name(unit).chars().count())).collect();
    let placed = labels::place(&wanted, (width, height));
    let names = middles.iter().zip(placed).filter_map(|((unit, _), label)| Some((name(*unit), label?))).collect();
    let mut sites = dots(results, register, latest, &current, &projection);
    let all = sites.len();
    sites.retain(|site| (0.0..=width).contains(&site.0) && (0.0..=height).contains(&site.1));
    Ok(Some(Map {
        beyond: all - sites.len(),
        width,
        height,
        land: land(&frame, &projection)?,
        hulls: current.iter().filter_map(hull).collect(),
        sites,
        names,
    }))
}

/// What the map shows: every cluster, and the middle 98 % of the sites by longitude and by latitude, so that a few
/// remote sites do not shrink it.
fn extent(register: &crate::validate::Facilities, results: &Results<'_>) -> Option<Rect> {
    let middle = |pick: fn(&(f64, f64)) -> f64| {
        let mut degrees: Vec<f64> = register.places.iter().flatten().map(pick).collect();
        degrees.sort_by(f64::total_cmp);
        let cut = degrees.len() / 100;
        Some((*degrees.get(cut)?, *degrees.get(degrees.len() - 1 - cut)?))
    };
    let ((west, east), (south, north)) = (middle(|place| place.0)?, middle(|place| place.1)?);
    let hulls = results.measurements.hulls.iter().flatten().filter_map(BoundingRect::bounding_rect);
    let all = hulls.fold(((west, south), (east, north)), |(low, high), hull| {
        let (min, max) = (hull.min(), hull.max());
        ((min.x.min(low.0), min.y.min(low.1)), (max.x.max(high.0), max.y.max(high.1)))
    });
    Some(Rect::new(all.0, all.1))
}

fn outline(hull: &Geometry, projection: &Projection) -> String {
    match hull {
        Geometry::Polygon(polygon) => projection.path(polygon.exterior(), true),
        Geometry::LineString(line) => projection.path(line, false),
        Geometry::Point(point) => projection.path([&point.0, &point.0], true),
        _ => String::new(),
    }
}

/// Sites of the latest period, large ones under small ones; radius by the square root of emissions.
fn dots(
    results: &Results<'_>,
    register: &crate::validate::Facilities,
    latest: Option<i64>,
    current: &[usize],
    projection: &Projection,
) -> Vec<(f64, f64, String, f64)> {
    let of_cluster = |cluster: usize| current.iter().find(|&&unit| results.measurements.units[unit].cluster == cluster);
    let mut sites = Vec::new();
    for row in (0..register.rows()).filter(|&row| latest.is_none() || register.period[row] == latest) {
        let facility = register.facility[row];
        let Some((lon, lat)) = register.places[facility] else { continue };
        let (x, y) = projection.at(geo::coord! { x: lon, y: lat });
        let unit = results.measurements.clusters.of_facility[facility].and_then(of_cluster);
        let class = unit.map_or_else(|| "none".into(), |&unit| class(results, unit));
        let radius = (register.emissions_t[row].unwrap_or(0.0) / 1e6).sqrt().mul_add(4.0, 1.5).min(14.0);
        sites.push((x, y, class, radius));
    }
    sites.sort_by(|a, b| b.3.total_cmp(&a.3));
    sites
}

fn land(frame: &Rect, projection: &Projection) -> Result<String> {
    let fail = |message: String| Error::Run { path: "land-50m.geojson".into(), message };
    let parsed: geojson::FeatureCollection = LAND.parse().map_err(|error: geojson::Error| fail(error.to_string()))?;
    let window = MultiPolygon::new(vec![frame.to_polygon()]);
    let mut path = String::new();
    for geometry in parsed.features.into_iter().filter_map(|feature| feature.geometry) {
        let polygons = MultiPolygon::<f64>::try_from(geometry).map_err(|error| fail(error.to_string()))?;
        let near: Vec<Polygon> = polygons
            .0
            .into_iter()
            .filter(|part| part.bounding_rect().is_some_and(|bounds| bounds.intersects(frame)))
            .collect();
        for part in &window.intersection(&MultiPolygon::new(near)) {
            path += &projection.path(part.exterior(), true);
            part.interiors().iter().for_each(|ring| path += &projection.path(ring, true));
        }
    }
    Ok(path)
}

fn clusters(results: &Results<'_>) -> Result<Vec<ClusterRow>> {
    let (emissions, counts) =
        (results.measurements.figure("emissions_t"), results.measurements.figure("facility_count"));
    let kinds = results.measurements.kinds.iter();
    let shares: Vec<(&String, Vec<Option<f64>>)> =
        kinds.map(|kind| (kind, results.measurements.figure(&format!("observed_emission_share_{kind}")))).collect();
    let observed = |kind: &str, share: Option<f64>, tonnes: Option<f64>| {
        let percent = decimals(share.map(|share| share * 100.0), 0);
        let megatonnes = decimals(share.zip(tonnes).map(|(share, tonnes)| share * tonnes / 1e6), 2);
        format!("{kind}: {percent} %, {megatonnes} Mt")
    };
    let row = |unit: usize| {
        let of = results.measurements.units[unit];
        let dimension = |position: usize| {
            let score = results.scores[unit].nodes[position];
            let bounds = format!("{:.0}–{:.0}", score.low, score.high);
            let level = results.classes[unit].levels[position].as_str().to_owned();
            [decimals(score.score, 1), level, decimals(Some(score.coverage), 2), bounds]
        };
        let possible = &results.classes[unit];
        ClusterRow {
            name: results.measurements.clusters.names[of.cluster].clone(),
            id: results.measurements.clusters.ids[of.cluster].clone(),
            period: period(of.period),
            sites: decimals(counts[unit], 0),
            megatonnes: decimals(emissions[unit].map(|tonnes| tonnes / 1e6), 2),
            dimensions: (0..results.dimensions.len()).map(dimension).collect(),
            kind: possible.of_type(results.typology).map_or_else(
                || possible.possible_types(results.typology),
                |kind| format!("{} {}", kind.number, kind.name),
            ),
            class: class(results, unit),
            observed: shares.iter().map(|(kind, shares)| observed(kind, shares[unit], emissions[unit])).collect(),
        }
    };
    Ok(by_size(results).into_iter().map(row).collect())
}

fn goalpost(indicator: &Indicator) -> GoalpostRow<'_> {
    let posts = [Some(indicator.worst), indicator.crossover, Some(indicator.best)];
    GoalpostRow {
        indicator,
        posts: posts.map(|post| post.map_or_else(|| "–".into(), |post| post.to_string())).join(" / "),
        scale: if indicator.scale == Scale::Log { "log" } else { "linear" },
        mark: match indicator.mark {
            Mark::P => "P",
            Mark::E => "E",
            Mark::J => "J",
        },
        over: match indicator.over {
            Over::Facilities => "facilities",
            Over::Links => "links",
            Over::Clusters => "clusters",
        },
    }
}

/// Rows that ties come from, the clusters one after the other.
fn ties<'a>(results: &'a Results<'_>) -> Vec<TieRow<'a>> {
    let row = |trace: &crate::measure::Trace| {
        let (table, unit) = (&results.ties[trace.table], results.measurements.units[trace.unit]);
        let row = &table.rows()[trace.row];
        TieRow {
            cluster: &results.measurements.clusters.names[unit.cluster],
            kind: &table.kind,
            basis: table.basis(),
            what: format!("{} – {}", row.from, row.to),
            place: if row.line > 0 { format!("{}:{}", row.file, row.line) } else { "register".into() },
        }
    };
    results.measurements.networks.traces.iter().take(TIES).map(row).collect()
}

/// The largest dispersed sites.
fn sites<'a>(results: &'a Results<'_>) -> Vec<SiteRow<'a>> {
    let Some(register) = results.facilities else { return Vec::new() };
    let outside = |row: &usize| results.measurements.clusters.of_facility[register.facility[*row]].is_none();
    let mut rows: Vec<usize> = (0..register.rows()).filter(outside).collect();
    rows.sort_by(|&a, &b| {
        register.emissions_t[b].unwrap_or(-1.0).total_cmp(&register.emissions_t[a].unwrap_or(-1.0)).then(a.cmp(&b))
    });
    let row = |row: usize| SiteRow {
        name: &register.names[register.facility[row]],
        operator: register.operator.get(row).unwrap_or_default(),
        sector: register.sector.get(row).unwrap_or_default(),
        period: period(register.period[row]),
        kilotonnes: decimals(register.emissions_t[row].map(|tonnes| tonnes / 1e3), 0),
    };
    rows.into_iter().take(SHOWN).map(row).collect()
}

/// Tonnes as Mt, for the template.
fn megatonnes(tonnes: &Option<f64>) -> String {
    tonnes.map_or_else(|| "–".into(), |tonnes| format!("{:.2}", tonnes / 1e6))
}
