//! All that a run says of one cluster in one period, gathered from its tables.

use std::collections::HashMap;

use crate::classify::{ClusterType, Typology};
use crate::error::{Error, Result, suggest};
use crate::indicator::{Indicator, Mark, Over, Scale};
use crate::names::{self, EMISSIONS};
use crate::report::columns::Kind;
use crate::report::stored::{Row, Scoring, StoredRun, cell, number, typed};
use crate::report::tables::OF_TYPE;
use crate::score::shape::Child;
use crate::score::{Dimension, Model, Thresholds};
use crate::sql::Expression;
use serde::Serialize;
use serde_json::{Map, Value};

/// Rows that are listed behind a number; of the others there is a count.
pub const SHOWN: usize = 10;
/// Clusters that are nearest on the plane.
const NEIGHBOURS: usize = 3;

/// One cluster in one period.
#[derive(Debug, Serialize)]
pub struct Story {
    /// The cluster.
    pub cluster_id: String,
    /// Its name.
    pub cluster_name: String,
    /// The period; `None` without periods.
    pub period: Option<i64>,
    /// All periods of the cluster.
    pub periods: Vec<Option<i64>>,
    /// The number of its type; `None` where several are possible, or without a typology.
    pub r#type: Option<i64>,
    /// Name of its type.
    pub type_name: Option<String>,
    /// Numbers of the types left open, joined by `|`.
    pub possible_types: Option<String>,
    /// How sure the type is; `None` where nothing was drawn.
    pub sureness: Option<Sureness>,
    /// What follows for policy, for each type that is possible.
    pub policy: Vec<Policy>,
    /// Whether any score goes by the sample: it moves when other clusters come or go.
    pub relative: bool,
    /// The score tree, dimension by dimension.
    pub dimensions: Vec<ScoredNode>,
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
    /// The kinds of ties.
    pub networks: Vec<Network>,
    /// What a person has put right in the register of its facilities.
    pub corrections: Vec<Map<String, Value>>,
    /// Its facilities, greatest emissions first.
    pub facilities: Rows,
}

/// What draws have shown of a type.
#[derive(Debug, Serialize)]
pub struct Sureness {
    /// `robust`, `likely`, `contested` or `unknown`.
    pub robustness: String,
    /// The same as a sentence.
    pub reads: String,
    /// The columns of the cluster that tell of draws: probabilities, quantiles, ranks.
    pub columns: Map<String, Value>,
    /// Factors and their effect on whether it is of that type, greatest first.
    pub sensitivity: Vec<Map<String, Value>>,
    /// Single choices that make the type another.
    pub one_at_a_time: Vec<Map<String, Value>>,
}

/// A type with its policy note.
#[derive(Debug, Serialize)]
pub struct Policy {
    /// The number of the type.
    pub r#type: i64,
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// What follows for policy.
    pub policy: String,
    /// Where that comes from.
    pub source: String,
}

/// A dimension or a component with its scores.
#[derive(Debug, Serialize)]
pub struct ScoredNode {
    /// Its id.
    pub id: String,
    /// Weight among its siblings.
    pub weight: f64,
    /// Its score.
    pub score: Option<f64>,
    /// The share of the weight that rests on data.
    pub coverage: Option<f64>,
    /// The score if all that is unknown had the least score.
    pub low: Option<f64>,
    /// The score if all that is unknown had the greatest score.
    pub high: Option<f64>,
    /// Of a dimension: its level.
    pub level: Option<String>,
    /// Of a dimension: its thresholds.
    pub threshold: Option<Thresholds>,
    /// Of a dimension whose level is unknown: what would decide it, most first.
    pub wanting: Vec<Wanting>,
    /// The components right under it.
    pub components: Vec<Self>,
    /// The indicators right under it.
    pub indicators: Vec<ScoredIndicator>,
}

/// An indicator that lacks data.
#[derive(Debug, Serialize)]
pub struct Wanting {
    /// The indicator.
    pub indicator: String,
    /// The share of the cluster on which it rests.
    pub coverage: f64,
    /// Share of the dimension's weight that it lacks.
    pub lacks: f64,
}

/// An indicator with its goalposts, what it rests on, and what it would have to be.
#[derive(Debug, Serialize)]
pub struct ScoredIndicator {
    /// Its id.
    pub id: String,
    /// Its value, in its unit; `None` where it is missing.
    pub value: Option<f64>,
    /// Unit of its value.
    pub unit: String,
    /// `observed`, `missing` or `undeclared`.
    pub status: String,
    /// How well a distance is known, km, where it is shorter than that.
    pub within_km: Option<f64>,
    /// Its score.
    pub score: Option<f64>,
    /// The share of the cluster on which it rests.
    pub coverage: Option<f64>,
    /// Weight among its siblings.
    pub weight: f64,
    /// What it brings to the score of its parent, points.
    pub contribution: Option<f64>,
    /// How its values become scores: `goalposts`, or a method that goes by the sample.
    pub normalise: &'static str,
    /// The value that scores 0, of goalposts.
    pub worst: Option<f64>,
    /// The value that scores 50.
    pub crossover: Option<f64>,
    /// The value that scores 100, of goalposts.
    pub best: Option<f64>,
    /// How the score runs between goalposts.
    pub scale: Scale,
    /// Whose choice the goalposts are.
    pub mark: Mark,
    /// Where they come from.
    pub source: String,
    /// Its SQL.
    pub expr: String,
    /// The table that its SQL sees.
    pub over: Over,
    /// Whether people can change it.
    pub changeable: Option<bool>,
    /// Its row of `levers.csv`, where it alone flips its dimension.
    pub lever: Option<Map<String, Value>>,
    /// Rows of files that brought figures which it names.
    pub evidence: Vec<Map<String, Value>>,
}

/// How far another type is.
#[derive(Debug, Serialize)]
pub struct Distance {
    /// The number of the type.
    pub r#type: i64,
    /// Its name.
    pub name: String,
    /// Score points to it, summed over the dimensions.
    pub points: f64,
}

/// A cluster that scores alike.
#[derive(Debug, Serialize)]
pub struct Neighbour {
    /// The cluster.
    pub cluster_id: String,
    /// Its name.
    pub cluster_name: String,
    /// Numbers of the types left open.
    pub r#type: Option<String>,
    /// Distance on the plane of the dimensions, score points.
    pub points: f64,
}

/// One kind of tie.
#[derive(Debug, Serialize)]
pub struct Network {
    /// The kind.
    pub kind: String,
    /// The share of the facilities that was asked.
    pub observed_share: Option<f64>,
    /// The share of the emissions that stands with facilities that were asked.
    pub observed_emission_share: Option<f64>,
    /// Rows of `ties.csv`.
    pub rows: Rows,
    /// The largest sites that nobody asked about.
    pub silent: Rows,
}

/// The first rows behind a number, and how many more there are.
#[derive(Debug, PartialEq, Serialize)]
pub struct Rows {
    /// The first rows.
    pub shown: Vec<Map<String, Value>>,
    /// How many more there are.
    pub more: usize,
}

impl Story {
    /// The levers of all dimensions, fewest score points first.
    pub fn levers(&self) -> Vec<&Map<String, Value>> {
        fn gather<'a>(node: &'a ScoredNode, found: &mut Vec<&'a Map<String, Value>>) {
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
struct Tables<'a> {
    scoring: &'a Scoring,
    scores: Vec<Row>,
    indicators: Vec<Row>,
    levers: Told,
    evidence: Told,
}

/// The row of a cluster by id, by name, or by a part of a name that only one has; of its latest period unless another is
/// asked for.
///
/// # Errors
///
/// [`Error::Usage`] for a name that fits none, or several.
pub fn find<'a>(clusters: &'a [Row], wanted: &str, period: Option<i64>) -> Result<&'a Row> {
    let lower = wanted.to_lowercase();
    let by = |fits: &dyn Fn(&Row) -> bool| -> Vec<&'a Row> { clusters.iter().filter(|row| fits(row)).collect() };
    let exact = by(&|row| cell(row, "cluster_id") == wanted || cell(row, "cluster_name").to_lowercase() == lower);
    let found =
        if exact.is_empty() { by(&|row| cell(row, "cluster_name").to_lowercase().contains(&lower)) } else { exact };
    let mut ids: Vec<&str> = found.iter().map(|row| cell(row, "cluster_id")).collect();
    ids.dedup();
    if ids.is_empty() {
        let known = clusters.iter().flat_map(|row| [cell(row, "cluster_id"), cell(row, "cluster_name")]);
        return Err(Error::usage(format!("the run has no cluster `{wanted}`"), suggest(wanted, known)));
    }
    if ids.len() > 1 {
        let name = |id: &&str| {
            found.iter().find(|row| cell(row, "cluster_id") == *id).map_or("", |row| cell(row, "cluster_name"))
        };
        let listed: Vec<String> = ids.iter().map(|id| format!("{id} ({})", name(id))).collect();
        let message = format!("`{wanted}` fits {} clusters", ids.len());
        return Err(Error::usage(message, format!("give the id: {}", listed.join(", "))));
    }
    let of_period = |row: &&&Row| period.is_none_or(|period| cell(row, "period") == period.to_string());
    let row = found.iter().rfind(of_period).copied();
    row.ok_or_else(|| {
        let periods: Vec<&str> = found.iter().map(|row| cell(row, "period")).collect();
        let message = format!("`{wanted}` is not there in {}", period.unwrap_or_default());
        Error::usage(message, format!("periods: {}", periods.join(", ")))
    })
}

/// What draws have shown, where any were made.
fn sureness(run: &StoredRun, cluster: &Row, effects: &Told, flips: &Told) -> Result<Option<Sureness>> {
    if cell(cluster, "robustness").is_empty() {
        return Ok(None);
    }
    let is_of_draws = |name: &str| {
        let quantile = |rest: &str| rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit());
        name.starts_with("p_")
            || name.ends_with("_p_high")
            || name.rsplit_once("_q").is_some_and(|(_, rest)| quantile(rest))
    };
    let columns = typed(cluster, &run.kinds("clusters")?).into_iter().filter(|(name, _)| is_of_draws(name)).collect();
    let size = |row: &Row| number(row, "total").or_else(|| number(row, "effect_mean")).unwrap_or(0.0);
    let mut of_type: Vec<&Row> = effects.rows.iter().filter(|row| cell(row, "result") == OF_TYPE).collect();
    of_type.sort_by(|a, b| size(b).total_cmp(&size(a)));
    Ok(Some(Sureness {
        robustness: cell(cluster, "robustness").to_owned(),
        reads: cell(cluster, "robustness_reads").to_owned(),
        columns,
        sensitivity: of_type.into_iter().map(|row| typed(row, &effects.kinds)).collect(),
        one_at_a_time: flips.typed(),
    }))
}

/// Gathers what the run says of a cluster in one period; `cluster` is its row among those of all `clusters`.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::Run`] if a table does not read.
pub fn story(run: &StoredRun, cluster: &Row, clusters: &[Row]) -> Result<Story> {
    let (id, period) = (cell(cluster, "cluster_id"), cell(cluster, "period"));
    let as_text = |name: &str, keep: &dyn Fn(&Row) -> bool| -> Result<Vec<Row>> {
        Ok(run.of_cluster(name, id)?.into_iter().filter(keep).collect())
    };
    let told = |name: &str, keep: &dyn Fn(&Row) -> bool| -> Result<Told> {
        Ok(Told { rows: as_text(name, keep)?, kinds: run.kinds(name)? })
    };
    let is_now = |row: &Row| cell(row, "period") == period;
    let (now, now_as_text) = (|name: &str| told(name, &is_now), |name: &str| as_text(name, &is_now));
    let scoring = run.scoring()?;
    let tables = Tables {
        scoring: &scoring,
        scores: now_as_text("scores")?,
        indicators: now_as_text("indicators")?,
        levers: now("levers")?,
        evidence: now("evidence")?,
    };
    let dimensions = scoring.model.shape.dimensions().map(|dimension| tables.dimension(cluster, dimension)).collect();
    let (mut facilities, ties, figures) = (now("facilities")?, now("ties")?, now_as_text("figures")?);
    by_emissions(&mut facilities.rows);
    let mut move_parts = told("move_parts", &|row| cell(row, "to_period") == period)?;
    move_parts.rows.sort_by(|a, b| part(b).total_cmp(&part(a)));
    let corrections = told("corrections", &|row| ["", period].contains(&cell(row, "period")))?;
    let moves = told("moves", &|row| number(row, "to_period") <= period.parse().ok())?;
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
        sureness: sureness(run, cluster, &now("sensitivity")?, &now("one_at_a_time")?)?,
        policy: policies(scoring.typology.as_ref(), cell(cluster, "possible_types")),
        relative: scoring.model.is_relative(),
        dimensions,
        distances: distances(&now_as_text("type_distances")?),
        pairs: now("lever_pairs")?.typed(),
        neighbours: neighbours(&scoring.dimensions, cluster, clusters),
        moves: moves.typed(),
        move_parts: move_parts.typed(),
        warnings: now("warnings")?.typed(),
        networks: figures.first().map(|figures| networks(figures, &ties, &facilities)).unwrap_or_default(),
        corrections: corrections.typed(),
        facilities: Rows::first(&facilities.rows.iter().collect::<Vec<_>>(), &facilities.kinds),
    })
}

fn part(row: &Row) -> f64 {
    number(row, "part").unwrap_or(0.0).abs()
}

impl Tables<'_> {
    fn dimension(&self, cluster: &Row, dimension: usize) -> ScoredNode {
        let Dimension { id, threshold, .. } = &self.scoring.dimensions[dimension];
        let level = cell(cluster, &names::level(id)).to_owned();
        let wanting = if level == "unknown" { self.wanting(dimension) } else { Vec::new() };
        ScoredNode { level: Some(level), threshold: Some(threshold.clone()), wanting, ..self.node(dimension) }
    }

    fn node(&self, position: usize) -> ScoredNode {
        let Model { shape, parameters, .. } = &self.scoring.model;
        let node = &shape.nodes()[position];
        let row = self.scores.iter().find(|row| cell(row, "node") == node.id);
        let number = |column: &str| row.and_then(|row| number(row, column));
        let (mut components, mut indicators) = (Vec::new(), Vec::new());
        for child in &node.children {
            match *child {
                Child::Node(below) => components.push(self.node(below)),
                Child::Indicator(at) => indicators.push(self.indicator(&self.scoring.indicators[at])),
            }
        }
        ScoredNode {
            id: node.id.clone(),
            weight: parameters.node_weights[position],
            score: number("score"),
            coverage: number("coverage"),
            low: number("low"),
            high: number("high"),
            level: None,
            threshold: None,
            wanting: Vec::new(),
            components,
            indicators,
        }
    }

    fn indicator(&self, indicator: &Indicator) -> ScoredIndicator {
        let id = &indicator.id;
        let rules = self.scoring.indicators.iter().zip(&self.scoring.model.parameters.normalise);
        let method = rules.filter(|(other, _)| other.id == *id).map(|(_, rule)| rule.method()).next();
        let row = self.indicators.iter().find(|row| cell(row, "indicator") == id);
        let number = |column: &str| row.and_then(|row| number(row, column));
        let has_lever = |row: &&Row| cell(row, "indicator") == id && !cell(row, "flip_value").is_empty();
        let lever = self.levers.rows.iter().find(has_lever);
        let expression = Expression::parse(&indicator.expr, "");
        let names = |figure: &str| {
            expression.as_ref().is_ok_and(|expression| expression.columns().iter().any(|column| column == figure))
        };
        let evidence = self.evidence.rows.iter().filter(|fact| names(cell(fact, "figure")));
        ScoredIndicator {
            id: id.clone(),
            value: number("value"),
            unit: indicator.unit.clone(),
            status: row.map(|row| cell(row, "status").to_owned()).unwrap_or_default(),
            within_km: number("within_km"),
            score: number("score"),
            coverage: number("coverage"),
            weight: indicator.weight,
            contribution: number("contribution"),
            normalise: method.unwrap_or_default().as_str(),
            worst: indicator.worst,
            crossover: indicator.crossover,
            best: indicator.best,
            scale: indicator.scale,
            mark: indicator.mark,
            source: indicator.source.clone(),
            expr: indicator.expr.clone(),
            over: indicator.over,
            changeable: indicator.changeable,
            lever: lever.map(|row| typed(row, &self.levers.kinds)),
            evidence: evidence.map(|row| typed(row, &self.evidence.kinds)).collect(),
        }
    }

    /// What would decide an unknown dimension: the indicators that lack most, by weight.
    fn wanting(&self, dimension: usize) -> Vec<Wanting> {
        let Model { shape, parameters, .. } = &self.scoring.model;
        let (shares, of) = (parameters.shares(shape), shape.dimension_of());
        let lack = |(at, indicator): (usize, &Indicator)| {
            let row = self.indicators.iter().find(|row| cell(row, "indicator") == indicator.id)?;
            let coverage = number(row, "coverage").unwrap_or(0.0);
            Some(Wanting { indicator: indicator.id.clone(), coverage, lacks: shares[at] * (1.0 - coverage) })
        };
        let own = self.scoring.indicators.iter().enumerate().filter(|(at, _)| of[*at] == dimension);
        let mut lacking: Vec<Wanting> = own.filter_map(lack).filter(|wanting| wanting.lacks > 0.0).collect();
        lacking.sort_by(|a, b| b.lacks.total_cmp(&a.lacks).then_with(|| a.indicator.cmp(&b.indicator)));
        lacking
    }
}

fn policies(typology: Option<&Typology>, possible: &str) -> Vec<Policy> {
    let numbers: Vec<i64> = possible.split('|').filter_map(|number| number.parse().ok()).collect();
    let types = typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    let policy = |kind: &ClusterType| Policy {
        r#type: kind.number,
        name: kind.name.clone(),
        description: kind.description.clone(),
        policy: kind.policy.clone(),
        source: kind.source.clone(),
    };
    types.iter().filter(|kind| numbers.contains(&kind.number)).map(policy).collect()
}

fn distances(rows: &[Row]) -> Vec<Distance> {
    let distance = |row: &Row| {
        let points = number(row, "points").filter(|points| *points > 0.0)?;
        Some(Distance { r#type: cell(row, "type").parse().ok()?, name: cell(row, "type_name").to_owned(), points })
    };
    let mut distances: Vec<Distance> = rows.iter().filter_map(distance).collect();
    distances.sort_by(|a, b| a.points.total_cmp(&b.points));
    distances
}

/// The clusters of the same period that are nearest on the plane of all dimensions.
fn neighbours(dimensions: &[Dimension], cluster: &Row, clusters: &[Row]) -> Vec<Neighbour> {
    let scores = |row: &Row| dimensions.iter().map(|one| number(row, &one.id)).collect::<Option<Vec<f64>>>();
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
            observed_share: number(figures, &names::of_kind(names::OBSERVED_SHARE, kind)),
            observed_emission_share: number(figures, &names::of_kind(names::OBSERVED_EMISSION_SHARE, kind)),
            rows: Rows::first(&rows, &ties.kinds),
            silent: Rows::first(&silent, &facilities.kinds),
        }
    };
    kinds.into_iter().map(network).collect()
}

/// Brings sites into order: greatest emissions first, unknown ones last.
fn by_emissions(sites: &mut [Row]) {
    let emissions = |site: &Row| number(site, EMISSIONS).unwrap_or(-1.0);
    sites.sort_by(|a, b| emissions(b).total_cmp(&emissions(a)));
}
