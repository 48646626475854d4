//! Figures and indicators: distances to every layer, geometry, concentration and networks of every cluster and
//! period, then one SQL expression an indicator. Rescales, weighs and ranks nothing.

pub mod concentration;
pub mod geodesy;
pub mod geometry;
pub mod indicators;
pub mod near;
pub mod network;
pub mod settings;
mod ties;

use std::collections::{BTreeSet, HashMap, HashSet};

use geo::Geometry;
use polars::prelude::*;
use rayon::prelude::*;

use crate::delineate::Clusters;
use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::sql::{Expression, Shape};
use crate::validate::{Facilities, Fact, Layer, Tables, Target};
use geometry::Spread;
use indicators::{Inputs, Measurement, Schemas};
use near::{NearIndex, Nearest};
use network::{Node, TieSet};
use settings::{Indicator, Over};

/// The computed figures of a cluster that need facilities, before those of `[figures]` and of networks.
pub const FIGURES: [&str; 13] = [
    "facility_count",
    "operator_count",
    "emissions_t",
    "lon",
    "lat",
    "area_km2",
    "mst_km",
    "nn_mean_km",
    "standard_distance_km",
    "herfindahl",
    "largest_share",
    "sector_shannon",
    "km_to_next_cluster",
];

/// One cluster in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// Position in the list of clusters.
    pub cluster: usize,
    /// The period; `None` for a register without years.
    pub period: Option<i64>,
}

/// All that was measured. Units are ascending by cluster id, then period.
#[derive(Debug)]
pub struct Measurements {
    /// The clusters.
    pub clusters: Clusters,
    /// Cluster and period of each row of `figures`.
    pub units: Vec<Unit>,
    /// Hull of each unit: point, line or polygon.
    pub hulls: Vec<Option<Geometry>>,
    /// The register with its distances, by facility, then period; `__unit` tells the unit. `None` without a register.
    pub facilities: Option<DataFrame>,
    /// The SQL table `clusters`: one row a unit.
    pub figures: DataFrame,
    /// One list an indicator, one entry a unit.
    pub indicators: Vec<Vec<Measurement>>,
    /// The facts that became figures, with the unit of each.
    pub evidence: Vec<(usize, Fact)>,
    /// Kinds of ties, in the order of the pipeline file.
    pub kinds: Vec<String>,
}

/// What [`check`] has made of the pipeline's expressions.
#[derive(Debug)]
pub struct Checked {
    expressions: Vec<Option<Expression>>,
}

/// Checks every SQL expression against the columns that there will be, before anything is computed.
///
/// # Errors
///
/// [`Error::Pipeline`] with all that do not fit.
pub fn check(
    indicators: &[Indicator],
    inherited: &HashSet<String>,
    tables: &Tables,
    findings: &mut Findings,
) -> Result<Checked> {
    let schemas = schemas(tables)?;
    let mut problems = Vec::new();
    for table in &tables.ties {
        let place = format!("{}.observed", table.name);
        let checked =
            table.observed.as_ref().map(|observed| observed.check(&schemas.facilities, Shape::Predicate, &place));
        problems.extend(checked.and_then(std::result::Result::err));
    }
    match indicators::check(indicators, inherited, &schemas, findings) {
        Ok(expressions) if problems.is_empty() => Ok(Checked { expressions }),
        Ok(_) => Err(Error::Pipeline { problems }),
        Err(Error::Pipeline { problems: more }) => {
            Err(Error::Pipeline { problems: problems.into_iter().chain(more).collect() })
        }
        Err(other) => Err(other),
    }
}

fn schemas(tables: &Tables) -> Result<Schemas> {
    let number = |name: &str| Field::new(name.into(), DataType::Float64);
    let mut facilities =
        tables.facilities.as_ref().map(|facilities| (**facilities.frame().schema()).clone()).unwrap_or_default();
    for (name, dtype) in tables.layers.iter().flat_map(layer_columns) {
        if facilities.get(&name).is_none() {
            facilities.with_column(name.into(), dtype);
        }
    }
    let text = |name: &str| Field::new(name.into(), DataType::String);
    let mut clusters: Schema =
        [text("cluster_id"), text("cluster_name"), Field::new("period".into(), DataType::Int64)].into_iter().collect();
    let mut problems = Vec::new();
    for name in computed_figures(tables).iter().chain(&tables.facts.names) {
        if clusters.get(name).is_some() {
            let message = format!("`{name}` is already the name of a figure");
            problems.push(Problem::new("figures", message, "give it another name in the file"));
        }
        clusters.with_column(name.as_str().into(), number(name).dtype().clone());
    }
    let links = (!tables.ties.is_empty()).then(ties::links_schema);
    if problems.is_empty() { Ok(Schemas { facilities, links, clusters }) } else { Err(Error::Pipeline { problems }) }
}

fn computed_figures(tables: &Tables) -> Vec<String> {
    let own = tables.facilities.iter().flat_map(|_| FIGURES.map(str::to_owned));
    let networks = kinds(tables).into_iter().flat_map(|kind| network::FIGURES.map(|figure| format!("{figure}_{kind}")));
    own.chain(networks).collect()
}

fn kinds(tables: &Tables) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for table in &tables.ties {
        if !kinds.contains(&table.kind) {
            kinds.push(table.kind.clone());
        }
    }
    kinds
}

/// The columns that a layer gives to `facilities`.
fn layer_columns(layer: &Layer) -> Vec<(String, DataType)> {
    let name = &layer.name;
    let mut columns = vec![(format!("km_to_{name}"), DataType::Float64), (format!("nearest_{name}"), DataType::String)];
    for radius in &layer.within_km {
        columns.push((format!("{name}_count_within_{radius}km"), DataType::Float64));
        columns
            .extend(layer.sums.iter().map(|(sum, _)| (format!("{name}_{sum}_within_{radius}km"), DataType::Float64)));
    }
    columns
}

/// Measures every cluster and period.
///
/// # Errors
///
/// [`Error::Table`] if polars fails.
pub fn measure(
    indicators: &[Indicator],
    checked: &Checked,
    tables: &Tables,
    clusters: Clusters,
    findings: &mut Findings,
) -> Result<Measurements> {
    let kinds = kinds(tables);
    let (units, rows) = match &tables.facilities {
        Some(facilities) => units_of_facilities(facilities, &clusters),
        None => (units_of_facts(&clusters, &tables.facts.facts), Vec::new()),
    };
    let facilities = tables
        .facilities
        .as_ref()
        .map(|facilities| with_layers(facilities, &tables.layers, &units, &rows))
        .transpose()?;
    let spreads = tables.facilities.as_ref().map(|facilities| spreads(facilities, &rows)).unwrap_or_default();
    let mut columns = key_columns(&clusters, &units);
    if let Some(register) = &tables.facilities {
        columns.extend(own_figures(register, &units, &rows, &spreads));
    }
    let (facts, evidence) = fact_columns(tables, &clusters, &units, findings);
    let mut links = ties::LinkTable::default();
    if let (Some(register), Some(frame)) = (&tables.facilities, &facilities) {
        let wanted = indicators.iter().any(|indicator| indicator.over == Over::Links).then_some(&mut links);
        columns.extend(networks(tables, register, frame, &units, &rows, &kinds, wanted)?);
    }
    columns.extend(facts);
    let figures = DataFrame::new(units.len(), columns).map_err(Error::table("building the figures"))?;
    let inputs = Inputs {
        facilities: facilities.as_ref().map(in_clusters).transpose()?,
        links: if tables.ties.is_empty() { None } else { Some(links.frame()?) },
        clusters: &figures,
        kinds: &kinds,
        units: units.len(),
    };
    let measured = indicators::evaluate(indicators, &checked.expressions, &inputs, findings)?;
    let hulls = if spreads.is_empty() {
        vec![None; units.len()]
    } else {
        spreads.into_iter().map(|spread| spread.hull).collect()
    };
    Ok(Measurements { clusters, units, hulls, facilities, figures, indicators: measured, evidence, kinds })
}

fn units_of_facilities(facilities: &Facilities, clusters: &Clusters) -> (Vec<Unit>, Vec<Vec<usize>>) {
    let unit = |row: usize| {
        Some(Unit { cluster: clusters.of_facility[facilities.facility[row]]?, period: facilities.period[row] })
    };
    let units: Vec<Unit> = (0..facilities.rows()).filter_map(unit).collect::<BTreeSet<_>>().into_iter().collect();
    let mut rows = vec![Vec::new(); units.len()];
    for row in 0..facilities.rows() {
        if let Some(at) = unit(row).and_then(|unit| units.binary_search(&unit).ok()) {
            rows[at].push(row);
        }
    }
    (units, rows)
}

/// Clusters of a pipeline without a register: those that the facts name.
pub fn clusters_of_facts(facts: &[Fact]) -> Clusters {
    let names = facts.iter().filter_map(|fact| match &fact.target {
        Target::Cluster(name) => Some(name.clone()),
        Target::Facility(_) => None,
    });
    let ids: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().collect();
    Clusters { names: ids.clone(), ids, of_facility: Vec::new() }
}

fn units_of_facts(clusters: &Clusters, facts: &[Fact]) -> Vec<Unit> {
    let mut units: BTreeSet<Unit> = BTreeSet::new();
    for (cluster, id) in clusters.ids.iter().enumerate() {
        let target = Target::Cluster(id.clone());
        let dated = facts.iter().filter(|fact| fact.target == target).filter_map(|fact| fact.period);
        let before = units.len();
        units.extend(dated.map(|period| Unit { cluster, period: Some(period) }));
        if units.len() == before {
            units.insert(Unit { cluster, period: None });
        }
    }
    units.into_iter().collect()
}

fn key_columns(clusters: &Clusters, units: &[Unit]) -> Vec<Column> {
    let text = |of: &[String]| units.iter().map(|unit| of[unit.cluster].clone()).collect::<Vec<_>>();
    let period: Vec<Option<i64>> = units.iter().map(|unit| unit.period).collect();
    vec![
        Column::new("cluster_id".into(), text(&clusters.ids)),
        Column::new("cluster_name".into(), text(&clusters.names)),
        Column::new("period".into(), period),
    ]
}

/// The register with its distances to every layer and the unit of each row.
fn with_layers(facilities: &Facilities, layers: &[Layer], units: &[Unit], rows: &[Vec<usize>]) -> Result<DataFrame> {
    let mut frame = facilities.frame().clone();
    let mut columns = Vec::new();
    for layer in layers {
        let index = NearIndex::new(layer);
        let near: Vec<Near> = facilities.places.par_iter().map(|place| Near::new(&index, layer, *place)).collect();
        columns.extend(near_columns(layer, facilities, &near));
    }
    for column in columns {
        if frame.get_column_index(column.name()).is_none() {
            frame.with_column(column).map_err(Error::table("adding distances"))?;
        }
    }
    let mut unit: Vec<Option<u32>> = vec![None; facilities.rows()];
    for (position, rows) in rows.iter().enumerate().take(units.len()) {
        rows.iter().for_each(|&row| unit[row] = Some(position as u32));
    }
    frame.with_column(Column::new("__unit".into(), unit)).map_err(Error::table("adding clusters"))?;
    Ok(frame)
}

/// What a layer tells about one facility.
struct Near {
    nearest: Option<Nearest>,
    /// Count and sums a radius; `None` without a place.
    within: Vec<Option<Vec<f64>>>,
}

impl Near {
    fn new(index: &NearIndex, layer: &Layer, place: Option<(f64, f64)>) -> Self {
        let within = |radius: &f64| {
            let found = index.within(place?, *radius);
            let sum = |values: &Vec<Option<f64>>| {
                found.iter().filter_map(|&feature| values[feature]).fold(0.0, |sum, value| sum + value)
            };
            Some(std::iter::once(found.len() as f64).chain(layer.sums.iter().map(|(_, values)| sum(values))).collect())
        };
        Self {
            nearest: place.and_then(|place| index.nearest(place)),
            within: layer.within_km.iter().map(within).collect(),
        }
    }
}

fn near_columns(layer: &Layer, facilities: &Facilities, near: &[Near]) -> Vec<Column> {
    let rows = |value: &dyn Fn(&Near) -> Option<f64>| {
        facilities.facility.iter().map(|&at| value(&near[at])).collect::<Vec<_>>()
    };
    let mut names = layer_columns(layer).into_iter().map(|(name, _)| name);
    let mut name = || names.next().unwrap_or_default();
    let mut columns = vec![Column::new(name().into(), rows(&|near| near.nearest.map(|nearest| nearest.km)))];
    let id = |&at: &usize| near[at].nearest.map(|nearest| layer.features[nearest.feature].id.clone());
    columns.push(Column::new(name().into(), facilities.facility.iter().map(id).collect::<Vec<_>>()));
    for radius in 0..layer.within_km.len() {
        for figure in 0..=layer.sums.len() {
            let values = rows(&|near| near.within[radius].as_ref().map(|values| values[figure]));
            columns.push(Column::new(name().into(), values));
        }
    }
    columns
}

fn in_clusters(frame: &DataFrame) -> Result<DataFrame> {
    let inside = frame.column("__unit").map_err(Error::table("choosing rows"))?.is_not_null();
    let frame = frame.filter(&inside).and_then(|frame| frame.sort(["__unit", "id"], SortMultipleOptions::default()));
    let mut frame = frame.map_err(Error::table("choosing rows"))?;
    frame.rechunk_mut();
    Ok(frame)
}

fn places_of(facilities: &Facilities, rows: &[usize]) -> Vec<((f64, f64), Option<f64>)> {
    rows.iter()
        .filter_map(|&row| Some((facilities.places[facilities.facility[row]]?, facilities.emissions_t[row])))
        .collect()
}

fn spreads(facilities: &Facilities, rows: &[Vec<usize>]) -> Vec<Spread> {
    rows.par_iter().map(|rows| geometry::spread(&places_of(facilities, rows))).collect()
}

fn own_figures(facilities: &Facilities, units: &[Unit], rows: &[Vec<usize>], spreads: &[Spread]) -> Vec<Column> {
    let mut next: Vec<Option<f64>> = vec![None; units.len()];
    for period in units.iter().map(|unit| unit.period).collect::<BTreeSet<_>>() {
        let current: Vec<usize> = (0..units.len()).filter(|&unit| units[unit].period == period).collect();
        let groups: Vec<Vec<(f64, f64)>> = current
            .iter()
            .map(|&unit| places_of(facilities, &rows[unit]).into_iter().map(|(place, _)| place).collect())
            .collect();
        for (unit, km) in current.into_iter().zip(geometry::next_group_km(&groups)) {
            next[unit] = km;
        }
    }
    let emissions = |unit: usize| rows[unit].iter().map(|&row| facilities.emissions_t[row]).collect::<Vec<_>>();
    let sectors = |unit: usize| rows[unit].iter().map(|&row| facilities.sector[row].as_deref()).collect::<Vec<_>>();
    let operators = |unit: usize| {
        let named: HashSet<&String> = rows[unit].iter().filter_map(|&row| facilities.operator[row].as_ref()).collect();
        facilities.declared.contains("operator").then_some(named.len() as f64)
    };
    let figure = |name: &str, unit: usize| -> Option<f64> {
        let spread = &spreads[unit];
        match name {
            "facility_count" => Some(rows[unit].len() as f64),
            "operator_count" => operators(unit),
            "emissions_t" => concentration::sum(emissions(unit)),
            "lon" => spread.centre.map(|centre| centre.0),
            "lat" => spread.centre.map(|centre| centre.1),
            "area_km2" => spread.area_km2,
            "mst_km" => spread.mst_km,
            "nn_mean_km" => spread.nn_mean_km,
            "standard_distance_km" => spread.standard_distance_km,
            "herfindahl" => concentration::herfindahl(&emissions(unit)),
            "largest_share" => concentration::largest_share(&emissions(unit)),
            "sector_shannon" => concentration::sector_shannon(&emissions(unit), &sectors(unit)),
            _ => next[unit],
        }
    };
    let column =
        |name: &str| Column::new(name.into(), (0..units.len()).map(|unit| figure(name, unit)).collect::<Vec<_>>());
    FIGURES.iter().map(|name| column(name)).collect()
}

/// The figures that files bring, one column each, and the facts behind them.
fn fact_columns(
    tables: &Tables,
    clusters: &Clusters,
    units: &[Unit],
    findings: &mut Findings,
) -> (Vec<Column>, Vec<(usize, Fact)>) {
    let cluster_of: HashMap<&str, usize> =
        clusters.ids.iter().enumerate().map(|(cluster, id)| (id.as_str(), cluster)).collect();
    let position =
        |id: &String| tables.facilities.as_ref().and_then(|facilities| facilities.ids.binary_search(id).ok());
    let cluster = |fact: &Fact| match &fact.target {
        Target::Cluster(id) => cluster_of.get(id.as_str()).copied(),
        Target::Facility(id) => position(id).and_then(|facility| clusters.of_facility[facility]),
    };
    let (mut outside, mut conflicts, mut evidence) = (0, 0, Vec::new());
    let mut by_unit: HashMap<(usize, &str), Vec<&Fact>> = HashMap::new();
    for fact in &tables.facts.facts {
        let of_fact: Vec<usize> = (0..units.len()).filter(|&unit| Some(units[unit].cluster) == cluster(fact)).collect();
        outside += usize::from(of_fact.is_empty());
        let current = of_fact.into_iter().filter(|&unit| fact.period.is_none() || fact.period == units[unit].period);
        current.for_each(|unit| by_unit.entry((unit, &fact.figure)).or_default().push(fact));
    }
    let mut columns = Vec::new();
    for name in &tables.facts.names {
        let mut values = vec![None; units.len()];
        for (unit, value) in values.iter_mut().enumerate() {
            let facts = by_unit.get(&(unit, name.as_str())).map(Vec::as_slice).unwrap_or_default();
            let dated = facts.iter().any(|fact| fact.period.is_some());
            let facts: Vec<&&Fact> = facts.iter().filter(|fact| fact.period.is_some() == dated).collect();
            let first = facts.first().map(|fact| fact.value);
            let agreed = facts.iter().all(|fact| Some(fact.value) == first);
            conflicts += usize::from(!agreed);
            *value = first.filter(|_| agreed);
            evidence.extend(facts.into_iter().map(|fact| (unit, (*fact).clone())));
        }
        columns.push(Column::new(name.as_str().into(), values));
    }
    let message = "facts about facilities or clusters that are in no cluster of the run: unused".to_owned();
    findings.add(Severity::Warning, "measure", "figures", Rule::FigureOutsideClusters, message, outside);
    let message = "two different values for one figure of one cluster and period: missing there".to_owned();
    findings.add(Severity::Warning, "measure", "figures", Rule::ConflictingFigures, message, conflicts);
    (columns, evidence)
}

/// The network figures of every kind; fills the table of links where one is wanted.
fn networks(
    tables: &Tables,
    register: &Facilities,
    frame: &DataFrame,
    units: &[Unit],
    rows: &[Vec<usize>],
    kinds: &[String],
    mut links: Option<&mut ties::LinkTable>,
) -> Result<Vec<Column>> {
    let periods: BTreeSet<Option<i64>> = units.iter().map(|unit| unit.period).collect();
    let mut columns = Vec::new();
    for kind in kinds {
        let sources: Vec<_> = tables.ties.iter().filter(|table| table.kind == *kind).collect();
        let declared = declared_observed(&sources, frame)?;
        let has_memberships = sources.iter().any(|table| matches!(table.ties, crate::validate::Ties::Memberships(_)));
        let mut figures = vec![[None; 8]; units.len()];
        for &period in &periods {
            let places = ties::Places::new(register, units, rows, period);
            let counted = ties::Counted::new(&sources, period, &places);
            let node = |&row: &usize| {
                let (id, operator) = (register.ids[register.facility[row]].as_str(), register.operator[row].as_deref());
                let observed = declared[row] || counted.appears(id, operator);
                Node { id, operator, emissions_t: register.emissions_t[row], observed }
            };
            let current: Vec<usize> = (0..units.len()).filter(|&unit| units[unit].period == period).collect();
            let nodes: Vec<Vec<Node<'_>>> = current.iter().map(|&unit| rows[unit].iter().map(node).collect()).collect();
            let empty = TieSet::default();
            let found: Vec<[Option<f64>; 8]> = current
                .par_iter()
                .zip(&nodes)
                .map(|(unit, nodes)| {
                    let ties = TieSet { has_memberships, ..counted.of_unit.get(unit).unwrap_or(&empty).clone() };
                    network::figures(nodes, &ties)
                })
                .collect();
            current.iter().zip(found).for_each(|(&unit, found)| figures[unit] = found);
            if let Some(links) = links.as_deref_mut() {
                for table in &sources {
                    let own = ties::Counted::new(&[table], period, &places);
                    for (unit, nodes) in current.iter().zip(&nodes) {
                        if let Some(ties) = own.of_unit.get(unit) {
                            links.add(table, *unit, nodes, ties, period);
                        }
                    }
                }
            }
        }
        for (position, name) in network::FIGURES.iter().enumerate() {
            let values: Vec<Option<f64>> = figures.iter().map(|figures| figures[position]).collect();
            columns.push(Column::new(format!("{name}_{kind}").into(), values));
        }
    }
    Ok(columns)
}

/// The rows that some source of a kind declares observed.
fn declared_observed(sources: &[&crate::validate::TieTable], frame: &DataFrame) -> Result<Vec<bool>> {
    let mut observed = vec![false; frame.height()];
    for source in sources {
        let Some(predicate) = &source.observed else { return Ok(vec![true; frame.height()]) };
        let fail = || Error::table("evaluating `observed`");
        let with = frame.clone().lazy().with_column(predicate.expr().alias("__observed")).collect().map_err(fail())?;
        let mask = with.column("__observed").and_then(|column| Ok(column.bool()?.clone())).map_err(fail())?;
        observed.iter_mut().zip(mask.iter()).for_each(|(observed, mask)| *observed |= mask == Some(true));
    }
    Ok(observed)
}
