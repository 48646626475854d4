//! All that a run says of one cluster in one period, gathered from its tables.

use std::collections::HashMap;

use forerunner::Result;
use forerunner::names;
use forerunner::names::EMISSIONS;
use forerunner::report::columns::Kind;
use forerunner::report::stored::{Row, StoredRun, cell, number as value, typed};
use forerunner::sql::Expression;
use serde::Serialize;
use serde_json::{Map, Value};

/// Rows that are listed behind a number; of the others there is a count.
pub const SHOWN: usize = 10;
/// Clusters that are nearest on the plane.
const NEIGHBOURS: usize = 3;

/// One cluster in one period.
#[derive(Debug, Serialize)]
pub struct Story {
    pub cluster_id: String,
    pub cluster_name: String,
    pub period: Option<i64>,
    /// All periods of the cluster.
    pub periods: Vec<Option<i64>>,
    /// The number of its type; `None` where several are possible, or without a typology.
    pub r#type: Option<i64>,
    pub type_name: Option<String>,
    pub possible_types: Option<String>,
    /// What follows for policy, for each type that is possible.
    pub policy: Vec<Policy>,
    pub dimensions: Vec<Node>,
    /// Score points to each other type.
    pub distances: Vec<Distance>,
    /// The cheapest two indicators of each dimension.
    pub pairs: Vec<Map<String, Value>>,
    /// The clusters nearest on the plane of the dimensions.
    pub neighbours: Vec<Neighbour>,
    /// What became of it since the period before, and before.
    pub moves: Vec<Map<String, Value>>,
    /// Each indicator's part of the change since the period before, greatest first.
    pub move_parts: Vec<Map<String, Value>>,
    /// Dimensions that near a threshold.
    pub warnings: Vec<Map<String, Value>>,
    pub networks: Vec<Network>,
    pub facilities: Rows,
}

/// A type with its policy note.
#[derive(Debug, Serialize)]
pub struct Policy {
    pub r#type: i64,
    pub name: String,
    pub description: String,
    pub policy: String,
    pub source: String,
}

/// A dimension or a component.
#[derive(Debug, Serialize)]
pub struct Node {
    pub id: String,
    pub weight: f64,
    pub score: Option<f64>,
    pub coverage: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Of a dimension: its level, its thresholds, and what would decide it where it is unknown.
    pub level: Option<String>,
    pub threshold: Option<Value>,
    pub wanting: Vec<Wanting>,
    pub components: Vec<Self>,
    pub indicators: Vec<Indicator>,
}

/// An indicator that lacks data.
#[derive(Debug, Serialize)]
pub struct Wanting {
    pub indicator: String,
    pub coverage: f64,
    /// Share of the dimension's weight that it lacks.
    pub lacks: f64,
}

/// An indicator with its goalposts, what it rests on, and what it would have to be.
#[derive(Debug, Serialize)]
pub struct Indicator {
    pub id: String,
    pub value: Option<f64>,
    pub unit: String,
    pub status: String,
    pub score: Option<f64>,
    pub coverage: Option<f64>,
    pub weight: f64,
    pub contribution: Option<f64>,
    pub worst: Option<f64>,
    pub crossover: Option<f64>,
    pub best: Option<f64>,
    pub scale: String,
    pub mark: String,
    pub source: String,
    pub expr: String,
    pub over: String,
    pub changeable: Option<bool>,
    pub lever: Option<Map<String, Value>>,
    /// Rows of files that brought figures which it names.
    pub evidence: Vec<Map<String, Value>>,
}

/// How far another type is.
#[derive(Debug, Serialize)]
pub struct Distance {
    pub r#type: i64,
    pub name: String,
    pub points: f64,
}

/// A cluster that scores alike.
#[derive(Debug, Serialize)]
pub struct Neighbour {
    pub cluster_id: String,
    pub cluster_name: String,
    pub r#type: Option<String>,
    pub points: f64,
}

/// One kind of tie.
#[derive(Debug, Serialize)]
pub struct Network {
    pub kind: String,
    pub observed_share: Option<f64>,
    pub observed_emission_share: Option<f64>,
    pub rows: Rows,
    /// The largest sites that nobody asked about.
    pub silent: Rows,
}

/// The first rows behind a number, and how many more there are.
#[derive(Debug, PartialEq, Serialize)]
pub struct Rows {
    pub shown: Vec<Map<String, Value>>,
    pub more: usize,
}

impl Story {
    /// The levers of all dimensions, fewest score points first.
    pub fn levers(&self) -> Vec<&Map<String, Value>> {
        fn gather<'a>(node: &'a Node, found: &mut Vec<&'a Map<String, Value>>) {
            found.extend(node.indicators.iter().filter_map(|indicator| indicator.lever.as_ref()));
            node.components.iter().for_each(|component| gather(component, found));
        }
        let mut found = Vec::new();
        self.dimensions.iter().for_each(|dimension| gather(dimension, &mut found));
        let points = |lever: &Map<String, Value>| lever["points"].as_f64().unwrap_or(f64::INFINITY).abs();
        found.sort_by(|a, b| points(a).total_cmp(&points(b)));
        found
    }
}

impl Rows {
    fn first(rows: &[&Row], kinds: &HashMap<String, Kind>) -> Self {
        let shown = rows.iter().take(SHOWN).map(|row| typed(row, kinds));
        Self { shown: shown.collect(), more: rows.len().saturating_sub(SHOWN) }
    }
}

/// Some rows of a table, with what its cells are.
struct Told {
    rows: Vec<Row>,
    kinds: HashMap<String, Kind>,
}

impl Told {
    fn typed(&self) -> Vec<Map<String, Value>> {
        self.rows.iter().map(|row| typed(row, &self.kinds)).collect()
    }
}

/// A run's tables of one cluster.
struct Tables {
    scores: Vec<Row>,
    indicators: Vec<Row>,
    levers: Told,
    evidence: Told,
}

/// Gathers what the run says of a cluster in one period.
pub fn story(run: &StoredRun, cluster: &Row, clusters: &[Row]) -> Result<Story> {
    let (id, period) = (cell(cluster, "cluster_id"), cell(cluster, "period"));
    let told = |name: &str, keep: &dyn Fn(&Row) -> bool| -> Result<Told> {
        let rows = run.of_cluster(name, id)?.into_iter().filter(keep).collect();
        Ok(Told { rows, kinds: run.kinds(name)? })
    };
    let now = |name: &str| told(name, &|row| cell(row, "period") == period);
    let tables = Tables {
        scores: now("scores")?.rows,
        indicators: now("indicators")?.rows,
        levers: now("levers")?,
        evidence: now("evidence")?,
    };
    let dimensions = list(run.pipeline(), "dimensions");
    let dimensions = dimensions.map(|dimension| tables.dimension(run, cluster, dimension)).collect();
    let (mut facilities, ties, figures) = (now("facilities")?, now("ties")?, now("figures")?);
    by_emissions(&mut facilities.rows);
    let mut move_parts = told("move_parts", &|row| cell(row, "to_period") == period)?;
    move_parts.rows.sort_by(|a, b| part(b).total_cmp(&part(a)));
    let moves = told("moves", &|row| value(row, "to_period") <= period.parse().ok())?;
    let own = clusters.iter().filter(|row| cell(row, "cluster_id") == id);
    let text = |column: &str| Some(cell(cluster, column).to_owned()).filter(|text| !text.is_empty());
    Ok(Story {
        cluster_id: id.to_owned(),
        cluster_name: cell(cluster, "cluster_name").to_owned(),
        period: period.parse().ok(),
        periods: own.map(|row| cell(row, "period").parse().ok()).collect(),
        r#type: cell(cluster, "type").parse().ok(),
        type_name: text("type_name"),
        possible_types: text("possible_types"),
        policy: policies(run, cell(cluster, "possible_types")),
        dimensions,
        distances: distances(&now("type_distances")?.rows),
        pairs: now("lever_pairs")?.typed(),
        neighbours: neighbours(run, cluster, clusters),
        moves: moves.typed(),
        move_parts: move_parts.typed(),
        warnings: now("warnings")?.typed(),
        networks: figures.rows.first().map(|figures| networks(figures, &ties, &facilities)).unwrap_or_default(),
        facilities: Rows::first(&facilities.rows.iter().collect::<Vec<_>>(), &facilities.kinds),
    })
}

fn part(row: &Row) -> f64 {
    value(row, "part").unwrap_or(0.0).abs()
}

impl Tables {
    fn dimension(&self, run: &StoredRun, cluster: &Row, dimension: &Value) -> Node {
        let id = text(dimension, "id");
        let level = cell(cluster, &format!("{id}_level")).to_owned();
        let wanting = if level == "unknown" { self.wanting(run.pipeline(), &id) } else { Vec::new() };
        let threshold = Some(dimension["threshold"].clone());
        Node { level: Some(level), threshold, wanting, ..self.node(run.pipeline(), &id, 1.0) }
    }

    fn node(&self, pipeline: &Value, id: &str, weight: f64) -> Node {
        let row = self.scores.iter().find(|row| cell(row, "node") == id);
        let number = |column: &str| row.and_then(|row| value(row, column));
        let below = |kind| list(pipeline, kind).filter(|child| child["parent"] == id);
        Node {
            id: id.to_owned(),
            weight,
            score: number("score"),
            coverage: number("coverage"),
            low: number("low"),
            high: number("high"),
            level: None,
            threshold: None,
            wanting: Vec::new(),
            components: below("components")
                .map(|child| self.node(pipeline, &text(child, "id"), child["weight"].as_f64().unwrap_or(1.0)))
                .collect(),
            indicators: below("indicators").map(|indicator| self.indicator(indicator)).collect(),
        }
    }

    fn indicator(&self, indicator: &Value) -> Indicator {
        let id = text(indicator, "id");
        let row = self.indicators.iter().find(|row| cell(row, "indicator") == id);
        let number = |column: &str| row.and_then(|row| value(row, column));
        let lever =
            self.levers.rows.iter().find(|row| cell(row, "indicator") == id && !cell(row, "flip_value").is_empty());
        let expr = text(indicator, "expr");
        let expression = Expression::parse(&expr, "");
        let names = |figure: &str| {
            expression.as_ref().is_ok_and(|expression| expression.columns().iter().any(|column| column == figure))
        };
        let evidence = self.evidence.rows.iter().filter(|fact| names(cell(fact, "figure")));
        Indicator {
            value: number("value"),
            unit: text(indicator, "unit"),
            status: row.map(|row| cell(row, "status").to_owned()).unwrap_or_default(),
            score: number("score"),
            coverage: number("coverage"),
            weight: indicator["weight"].as_f64().unwrap_or(1.0),
            contribution: number("contribution"),
            worst: indicator["worst"].as_f64(),
            crossover: indicator["crossover"].as_f64(),
            best: indicator["best"].as_f64(),
            scale: text(indicator, "scale"),
            mark: text(indicator, "mark"),
            source: text(indicator, "source"),
            over: text(indicator, "over"),
            changeable: indicator["changeable"].as_bool(),
            lever: lever.map(|row| typed(row, &self.levers.kinds)),
            evidence: evidence.map(|row| typed(row, &self.evidence.kinds)).collect(),
            expr,
            id,
        }
    }

    /// What would decide an unknown dimension: the indicators that lack most, by weight.
    fn wanting(&self, pipeline: &Value, dimension: &str) -> Vec<Wanting> {
        let lack = |indicator: &Value| {
            let id = text(indicator, "id");
            let row = self.indicators.iter().find(|row| cell(row, "indicator") == id)?;
            let share = share_of(pipeline, dimension, indicator["parent"].as_str()?) * share_among(pipeline, indicator);
            let coverage = value(row, "coverage").unwrap_or(0.0);
            Some(Wanting { indicator: id, coverage, lacks: share * (1.0 - coverage) })
        };
        let mut lacking: Vec<Wanting> = list(pipeline, "indicators").filter_map(lack).collect();
        lacking.retain(|wanting| wanting.lacks > 0.0);
        lacking.sort_by(|a, b| b.lacks.total_cmp(&a.lacks).then_with(|| a.indicator.cmp(&b.indicator)));
        lacking
    }
}

/// The share of a dimension's weight that a component carries; 0 where it belongs to another.
fn share_of(pipeline: &Value, dimension: &str, node: &str) -> f64 {
    if node == dimension {
        return 1.0;
    }
    let component = list(pipeline, "components").find(|component| component["id"] == node);
    let parent = component.and_then(|component| component["parent"].as_str().map(|parent| (component, parent)));
    parent.map_or(0.0, |(component, parent)| share_of(pipeline, dimension, parent) * share_among(pipeline, component))
}

/// The share of a node's weight among all children of its parent.
fn share_among(pipeline: &Value, node: &Value) -> f64 {
    let all = ["components", "indicators"].into_iter().flat_map(|kind| list(pipeline, kind));
    let siblings = all.filter(|other| other["parent"] == node["parent"]);
    let total: f64 = siblings.filter_map(|other| other["weight"].as_f64()).sum();
    node["weight"].as_f64().map_or(0.0, |weight| weight / total)
}

fn policies(run: &StoredRun, possible: &str) -> Vec<Policy> {
    let numbers: Vec<i64> = possible.split('|').filter_map(|number| number.parse().ok()).collect();
    let types = list(&run.pipeline()["typology"], "types");
    let of = |kind: &Value| Policy {
        r#type: kind["number"].as_i64().unwrap_or_default(),
        name: text(kind, "name"),
        description: text(kind, "description"),
        policy: text(kind, "policy"),
        source: text(kind, "source"),
    };
    types.map(of).filter(|policy| numbers.contains(&policy.r#type)).collect()
}

fn distances(rows: &[Row]) -> Vec<Distance> {
    let distance = |row: &Row| {
        let points = value(row, "points").filter(|points| *points > 0.0)?;
        Some(Distance { r#type: cell(row, "type").parse().ok()?, name: cell(row, "type_name").to_owned(), points })
    };
    let mut distances: Vec<Distance> = rows.iter().filter_map(distance).collect();
    distances.sort_by(|a, b| a.points.total_cmp(&b.points));
    distances
}

/// The clusters of the same period that are nearest on the plane of all dimensions.
fn neighbours(run: &StoredRun, cluster: &Row, clusters: &[Row]) -> Vec<Neighbour> {
    let dimensions: Vec<String> = list(run.pipeline(), "dimensions").map(|dimension| text(dimension, "id")).collect();
    let scores = |row: &Row| dimensions.iter().map(|id| value(row, id)).collect::<Option<Vec<f64>>>();
    let Some(own) = scores(cluster) else { return Vec::new() };
    let others = clusters.iter().filter(|row| {
        cell(row, "period") == cell(cluster, "period") && cell(row, "cluster_id") != cell(cluster, "cluster_id")
    });
    let neighbour = |row: &Row| {
        let squares = scores(row)?.iter().zip(&own).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        Some(Neighbour {
            cluster_id: cell(row, "cluster_id").to_owned(),
            cluster_name: cell(row, "cluster_name").to_owned(),
            r#type: Some(cell(row, "possible_types").to_owned()).filter(|types| !types.is_empty()),
            points: squares.sqrt(),
        })
    };
    let mut found: Vec<Neighbour> = others.filter_map(neighbour).collect();
    found.sort_by(|a, b| a.points.total_cmp(&b.points).then_with(|| a.cluster_id.cmp(&b.cluster_id)));
    found.truncate(NEIGHBOURS);
    found
}

/// Of every kind of tie: how much was asked, the rows that tell, and the largest sites that nobody asked.
fn networks(figures: &Row, ties: &Told, facilities: &Told) -> Vec<Network> {
    let mut kinds: Vec<&str> =
        figures.keys().filter_map(|column| names::kind_of(column, names::OBSERVED_EMISSION_SHARE)).collect();
    kinds.sort_unstable();
    let network = |kind: &str| {
        let column = names::observed(kind);
        let rows: Vec<&Row> = ties.rows.iter().filter(|row| cell(row, "kind") == kind).collect();
        let silent: Vec<&Row> = facilities.rows.iter().filter(|row| cell(row, &column) == "false").collect();
        Network {
            kind: kind.to_owned(),
            observed_share: value(figures, &names::of_kind(names::OBSERVED_SHARE, kind)),
            observed_emission_share: value(figures, &names::of_kind(names::OBSERVED_EMISSION_SHARE, kind)),
            rows: Rows::first(&rows, &ties.kinds),
            silent: Rows::first(&silent, &facilities.kinds),
        }
    };
    kinds.into_iter().map(network).collect()
}

/// Brings sites into order: greatest emissions first, unknown ones last.
fn by_emissions(sites: &mut [Row]) {
    let emissions = |site: &Row| value(site, EMISSIONS).unwrap_or(-1.0);
    sites.sort_by(|a, b| emissions(b).total_cmp(&emissions(a)));
}

fn list<'a>(of: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    of[key].as_array().into_iter().flatten()
}

fn text(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}
