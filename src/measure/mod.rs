//! Figures and indicators: distances to every layer, geometry, concentration and networks of every cluster and
//! period, then one SQL expression an indicator. Rescales, weighs and ranks nothing.

pub mod agglomeration;
mod communities;
pub mod concentration;
mod dispersed;
mod facts;
mod figures;
pub mod geometry;
pub mod indicators;
mod kinds;
mod layers;
mod links;
mod lists;
pub mod moran;
pub mod network;
mod pairs;
pub mod settings;
mod splits;
mod standing;
mod ties;

use std::collections::{BTreeMap, HashSet};

use geo::Geometry;
use polars::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use crate::delineate::Clusters;
use crate::error::{Error, Problem, Result};
use crate::finding::Findings;
use crate::indicator::{Indicator, Inherited, Over};
use crate::names::{self, OfLayer};
use crate::names::{UNIT, WEIGHT};
use crate::sql::{Expression, Yields};
use crate::validate::{Facilities, Fact, Layer, Tables, TieTable};
use agglomeration::{Agglomeration, agglomeration};
pub use dispersed::{Dispersed, DispersedSite, dispersed};
pub use facts::clusters_of_facts;
use facts::{fact_columns, groups, units_of_facts};
pub use figures::FIGURES;
use figures::{own_figures, spreads};
use geometry::Spread;
use indicators::{Inputs, Measurement, Schemas};
pub use kinds::{ClusterLink, ClusterPairs, KindPairs, WholeNetwork};
use kinds::{Networks, networks, observed_kinds};
pub(crate) use layers::find_nearest;
pub use layers::{Indexes, Reach, doubts};
use layers::{layer_columns, reachable_figures, surroundings};
pub use pairs::pairs;
use settings::DispersedSettings;
pub use splits::Split;
use splits::splits;
pub use ties::Trace;

/// One cluster in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Unit {
    /// Position in the list of clusters.
    pub cluster: usize,
    /// The period; `None` for a register without years.
    pub period: Option<i64>,
}

/// What scores rest on. Units are ascending by cluster id, then period.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measurements {
    /// The clusters.
    pub clusters: Clusters,
    /// Cluster and period of each row of `figures`.
    pub units: Vec<Unit>,
    /// The SQL table `clusters`: one row a unit.
    #[serde(with = "crate::kept::frame")]
    pub figures: DataFrame,
    /// One list an indicator, one entry a unit.
    pub indicators: Vec<Vec<Measurement>>,
    /// What one unit of each indicator stands for, where the pipeline says so; as `indicators`.
    pub times: Vec<Vec<Option<f64>>>,
    /// Kinds of ties, in the order of the pipeline file.
    pub kinds: Vec<String>,
    /// The groups that units belong to, by the name of the column: one entry a unit.
    pub groups: BTreeMap<String, Vec<Option<String>>>,
}

/// What a reader wants to know beside: where the numbers come from, and what no score rests on.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Details {
    /// The register with its distances, by facility, then period; `__unit` tells the unit. `None` without a register.
    #[serde(with = "crate::kept::some_frame")]
    pub facilities: Option<DataFrame>,
    /// Hull of each unit: point, line or polygon.
    pub hulls: Vec<Option<Geometry>>,
    /// The facts that became figures, with the unit of each.
    pub evidence: Vec<(usize, Fact)>,
    /// Where facilities and tonnes went, period by period.
    pub splits: Vec<Split>,
    /// What is in no cluster: see [`dispersed()`].
    pub dispersed: Dispersed,
    /// Sectors across clusters, and how concentrated they are.
    pub agglomeration: Agglomeration,
    /// What each cluster reaches of the layers: by cluster, layer, distance.
    pub reach: Vec<Reach>,
    /// Whole networks, ties between clusters, and where ties come from.
    pub networks: Networks,
}

impl Details {
    /// The unit of each row of `facilities`: its cluster in its period; `None` for a dispersed site. Nothing without a register.
    ///
    /// # Errors
    ///
    /// [`Error::Table`] if the table has no such column: a defect of this program.
    pub fn units_of_facilities(&self) -> Result<Vec<Option<usize>>> {
        let Some(table) = &self.facilities else { return Ok(Vec::new()) };
        let units = table.column(UNIT).and_then(|column| column.u32()).map_err(Error::table("finding clusters"))?;
        Ok(units.iter().map(|unit| unit.map(|unit| unit as usize)).collect())
    }
}

impl Measurements {
    /// The unit of a cluster and period; without a period the only one of the cluster.
    ///
    /// # Errors
    ///
    /// What is wrong with the name.
    pub fn unit_of(&self, cluster: &str, period: Option<i64>) -> std::result::Result<usize, String> {
        let is_it =
            |unit: &Unit| self.clusters.ids[unit.cluster] == cluster && (period.is_none() || unit.period == period);
        let mut found = self.units.iter().enumerate().filter(|(_, unit)| is_it(unit)).map(|(at, _)| at);
        match (found.next(), found.next()) {
            (Some(only), None) => Ok(only),
            (Some(_), Some(_)) => Err(format!("`{cluster}` has several periods: say which with `period`")),
            (None, _) => Err(match period {
                Some(period) => format!("no cluster is called `{cluster}` in {period}"),
                None => format!("no cluster is called `{cluster}`"),
            }),
        }
    }

    /// A figure of every unit; nothing where the run has no such figure.
    pub fn figure(&self, name: &str) -> Vec<Option<f64>> {
        let column = self.figures.column(name).and_then(|column| Ok(column.f64()?.iter().collect()));
        column.unwrap_or_else(|_: PolarsError| vec![None; self.units.len()])
    }
}

/// What [`check`] has made of the pipeline's expressions.
#[derive(Debug)]
pub struct Checked {
    expressions: Vec<Option<Expression>>,
    times: Vec<Option<Expression>>,
    /// `[dispersed] strategic`.
    strategic: Option<Expression>,
}

/// What of all that may be computed is needed.
#[derive(Clone, Copy)]
struct Needs<'a> {
    wanted: Wanted,
    checked: &'a Checked,
    ties: &'a [TieTable],
}

impl Needs<'_> {
    /// Whether a column of the register is.
    fn column(&self, name: &str) -> bool {
        self.wanted == Wanted::Details || self.checked.names(name, self.ties)
    }

    /// Whether a figure is.
    fn figure(&self, name: &str) -> bool {
        let own = self.checked.expressions.iter().chain(&self.checked.times).flatten();
        self.wanted == Wanted::Details || own.flat_map(Expression::columns).any(|named| named == name)
    }
}

impl Checked {
    /// Whether any expression over the register names a column.
    fn names(&self, column: &str, ties: &[TieTable]) -> bool {
        let own = self.expressions.iter().chain([&self.strategic]).flatten();
        let mut all = own.chain(ties.iter().filter_map(|table| table.observed.as_ref()));
        all.any(|expression| expression.columns().iter().any(|named| named == column))
    }
}

/// Checks every SQL expression against the columns that there will be, before anything is computed.
///
/// # Errors
///
/// [`Error::Pipeline`] with all that do not fit.
pub fn check(
    indicators: &[Indicator],
    inherited: &Inherited,
    outside: &DispersedSettings,
    tables: &Tables,
) -> Result<(Checked, Findings)> {
    let mut findings = Findings::default();
    let schemas = schemas(tables)?;
    let register = tables.facilities.as_ref();
    let mut problems = Vec::new();
    let strategic =
        register.and_then(|register| dispersed::check(outside, register, &schemas.facilities, &mut problems));
    for table in tables.ties.iter() {
        let place = format!("{}.observed", table.place());
        let checked =
            table.observed.as_ref().map(|observed| observed.check(&schemas.facilities, Yields::Predicate, &place));
        problems.extend(checked.and_then(std::result::Result::err));
    }
    let expressions = indicators::check(indicators, inherited, &schemas, &mut findings);
    let times = indicators::check_times(indicators, inherited, &schemas);
    match expressions.and_then(|expressions| Ok(Checked { expressions, times: times?, strategic })) {
        Ok(checked) if problems.is_empty() => Ok((checked, findings)),
        Ok(_) => Err(Error::Pipeline { problems }),
        Err(Error::Pipeline { problems: more }) => {
            Err(Error::Pipeline { problems: problems.into_iter().chain(more).collect() })
        }
        Err(other) => Err(other),
    }
}

/// The columns that the comparison with neighbours gives to `facilities`.
const LOCAL_MORAN: [(&str, DataType); 2] =
    [("local_moran", DataType::Float64), ("local_moran_quadrant", DataType::Int64)];

fn local_moran_columns(agglomeration: &Agglomeration) -> [Column; 2] {
    let local = || agglomeration.local_moran.iter();
    let value =
        Float64Chunked::from_iter_options(LOCAL_MORAN[0].0.into(), local().map(|local| local.map(|local| local.0)));
    let quadrant =
        Int64Chunked::from_iter_options(LOCAL_MORAN[1].0.into(), local().map(|local| local.map(|local| local.1)));
    [value.into_column(), quadrant.into_column()]
}

fn local_moran_names() -> impl Iterator<Item = (String, DataType)> {
    LOCAL_MORAN.into_iter().map(|(name, dtype)| (name.to_owned(), dtype))
}

/// Columns of the register's files that have the name of one that is computed, and names that two layers compute. A file
/// may bring `km_to_LAYER` alone: it stands in place of the computed distance.
fn name_clashes(tables: &Tables) -> Vec<Problem> {
    let Some(register) = &tables.facilities else { return Vec::new() };
    let of_layers = tables.layers.iter().flat_map(|layer| layer_columns(layer, register)).map(|(name, _)| name);
    let of_layers: Vec<String> = of_layers.collect();
    let of_ties = kinds::kinds(tables).into_iter().map(|kind| names::observed(&kind));
    let others = local_moran_names().map(|(name, _)| name).chain(of_ties);
    let is_ours = |name: &String| !names::is_distance(name);
    let ours: Vec<String> = of_layers.iter().cloned().chain(others).filter(is_ours).collect();
    let hint = format!("choose another name; ours are {} (of a layer a file may bring km_to_LAYER)", ours.join(", "));
    let clash = |name: &String| {
        let message = format!("`{name}` is the name of a column that is computed here");
        Problem::new(format!("facilities.columns.{name}"), message, hint.clone())
    };
    let mut seen = HashSet::new();
    let twice = of_layers.iter().filter(|name| !seen.insert(*name)).map(|name| {
        let message = format!("two columns that are computed are called `{name}`");
        Problem::new("layers", message, "rename a layer or one of the columns in its `sum`")
    });
    // Names of the same make for radii that are not asked for would be taken for figures of the layer.
    let is_made_so = |name: &&String| {
        let of_layer = |layer: &Layer| names::of_layer(name, &layer.name).is_some_and(|what| what != OfLayer::Distance);
        !ours.contains(name) && tables.layers.iter().any(of_layer)
    };
    let mut made_so: Vec<&String> = register.declared.iter().filter(is_made_so).collect();
    made_so.sort();
    let declared = ours.iter().filter(|name| register.declared.contains(*name));
    declared.chain(made_so).map(clash).chain(twice).collect()
}

fn schemas(tables: &Tables) -> Result<Schemas> {
    let mut facilities =
        tables.facilities.as_ref().map(|facilities| (**facilities.frame().schema()).clone()).unwrap_or_default();
    let mut problems = name_clashes(tables);
    let of_layer = |layer| tables.facilities.iter().flat_map(|register| layer_columns(layer, register)).collect();
    let of_layers: Vec<Vec<(String, DataType)>> = tables.layers.iter().map(of_layer).collect();
    for (name, dtype) in of_layers.into_iter().flatten().chain(local_moran_names()) {
        if facilities.get(&name).is_none() {
            facilities.with_column(name.into(), dtype);
        }
    }
    let text = |name: &str| Field::new(name.into(), DataType::String);
    let mut clusters: Schema =
        [text("cluster_id"), text("cluster_name"), Field::new("period".into(), DataType::Int64)].into_iter().collect();
    let facts = tables.facts.names.iter().map(|name| (name.clone(), DataType::Float64));
    for (name, dtype) in computed_figures(tables).into_iter().chain(facts) {
        if clusters.get(&name).is_some() {
            let message = format!("`{name}` is already the name of a figure");
            problems.push(Problem::new("figures", message, "give it another name in the file"));
        }
        clusters.with_column(name.into(), dtype);
    }
    let links = (!tables.ties.is_empty()).then(links::schema);
    if problems.is_empty() { Ok(Schemas { facilities, links, clusters }) } else { Err(Error::Pipeline { problems }) }
}

fn computed_figures(tables: &Tables) -> Vec<(String, DataType)> {
    let own = tables.facilities.iter().flat_map(|_| FIGURES.map(str::to_owned));
    let reachable = tables.facilities.iter().flat_map(|_| reachable_figures(&tables.layers));
    own.chain(reachable).map(|name| (name, DataType::Float64)).chain(kinds::columns(tables)).collect()
}

/// How much to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// What scores rest on, and no more.
    Scores,
    /// All that a reader may ask for.
    Details,
}

/// What [`measure`] has made.
#[derive(Debug)]
pub struct Measured {
    /// What scores rest on.
    pub measurements: Measurements,
    /// What else a reader wants to know; empty unless asked for.
    pub details: Details,
    /// What was learnt about the data.
    pub findings: Findings,
}

/// The register laid out by unit.
#[derive(Clone, Copy)]
struct Layout<'a> {
    facilities: &'a Facilities,
    clusters: &'a Clusters,
    units: &'a [Unit],
    /// The register's rows of each unit.
    rows: &'a [Vec<usize>],
}

/// Measures every cluster and period; `indexes` are those of the layers of `tables`.
///
/// # Errors
///
/// [`Error::Table`] if polars fails.
pub fn measure(
    (indicators, checked): (&[Indicator], &Checked),
    (tables, indexes): (&Tables, &Indexes),
    clusters: Clusters,
    wanted: Wanted,
) -> Result<Measured> {
    let mut findings = Findings::default();
    let of_register = tables.facilities.as_ref().map(|facilities| units_of_facilities(facilities, &clusters));
    let (units, rows) = of_register.unwrap_or_else(|| (units_of_facts(&clusters, &tables.facts.facts), Vec::new()));
    let of = |facilities| Layout { facilities, clusters: &clusters, units: &units, rows: &rows };
    let laid = tables.facilities.as_ref().map(of);
    let laid = laid.as_ref();
    let needs = Needs { wanted, checked, ties: &tables.ties };
    let layers = (tables.layers.as_slice(), indexes);
    let around = surroundings(laid, layers, &needs, &mut findings)?;
    let agglomeration = laid.filter(|_| LOCAL_MORAN.iter().any(|(name, _)| needs.column(name))).map(agglomeration);
    let moran = agglomeration.as_ref().map(local_moran_columns).into_iter().flatten();
    let columns = around.columns.into_iter().chain(moran).collect();
    let mut facilities = laid.map(|layout| with_columns(layout, columns)).transpose()?;
    let spreads = laid.map(|layout| spreads(layout, &needs)).unwrap_or_default();
    let mut columns = key_columns(&clusters, &units);
    columns.extend(laid.into_iter().flat_map(|layout| own_figures(layout, &spreads, &needs)).chain(around.figures));
    let (facts, evidence) = fact_columns(tables, &clusters, &units, &mut findings)?;
    let asked = kinds::Asked { links: indicators.iter().any(|one| one.over == Over::Links), wanted };
    let tied = |(layout, frame)| networks(tables, layout, frame, asked, &mut findings);
    let mut ties = laid.zip(facilities.as_ref()).map(tied).transpose()?.unwrap_or_default();
    columns.extend(ties.columns.drain(..).chain(facts));
    let figures = DataFrame::new(units.len(), columns).map_err(Error::table("building the figures"))?;
    let inputs = Inputs {
        facilities: facilities.as_ref().map(|frame| in_clusters(frame, &rows, checked)).transpose()?,
        links: if tables.ties.is_empty() { None } else { Some(std::mem::take(&mut ties.links).frame()?) },
        clusters: &figures,
        kinds: &kinds::kinds(tables),
        observed_kinds: &observed_kinds(tables),
        units: units.len(),
    };
    let indicators = indicators::evaluate(indicators, &checked.expressions, &inputs, &mut findings)?;
    let times = indicators::evaluate_times(&checked.times, &inputs)?;
    let mut details = Details::default();
    if wanted == Wanted::Details {
        facilities.as_mut().map(|frame| add(frame, std::mem::take(&mut ties.observed))).transpose()?;
        details = Details {
            facilities,
            hulls: hulls(spreads, units.len()),
            evidence,
            splits: laid.map(splits).unwrap_or_default(),
            dispersed: Dispersed::default(),
            agglomeration: agglomeration.unwrap_or_default(),
            reach: around.reach,
            networks: ties,
        };
    }
    let groups = groups(tables, &clusters, &units, &mut findings);
    let kinds = kinds::kinds(tables);
    let measurements = Measurements { clusters, units, figures, indicators, times, kinds, groups };
    Ok(Measured { measurements, details, findings })
}

/// The hull of each unit; none without a register.
fn hulls(spreads: Vec<Spread>, units: usize) -> Vec<Option<Geometry>> {
    spreads.into_iter().map(|spread| spread.hull).chain(std::iter::repeat(None)).take(units).collect()
}

/// The register with further columns (those that it brings itself stand) and the unit of each row.
fn with_columns(layout: &Layout<'_>, columns: Vec<Column>) -> Result<DataFrame> {
    let mut frame = layout.facilities.frame().clone();
    add(&mut frame, columns)?;
    let mut unit: Vec<Option<u32>> = vec![None; layout.facilities.rows()];
    for (position, rows) in layout.rows.iter().enumerate() {
        rows.iter().for_each(|&row| unit[row] = Some(position as u32));
    }
    frame.with_column(Column::new(UNIT.into(), unit)).map_err(Error::table("adding clusters"))?;
    Ok(frame)
}

/// Adds columns to the register's table; those that the register brings itself stand.
fn add(frame: &mut DataFrame, columns: Vec<Column>) -> Result<()> {
    for column in columns {
        if frame.get_column_index(column.name()).is_none() {
            frame.with_column(column).map_err(Error::table("adding columns to the register"))?;
        }
    }
    Ok(())
}

fn units_of_facilities(facilities: &Facilities, clusters: &Clusters) -> (Vec<Unit>, Vec<Vec<usize>>) {
    let unit = |row: usize| {
        Some(Unit { cluster: clusters.of_facility[facilities.facility[row]]?, period: facilities.period.get(row) })
    };
    let found: HashSet<Unit, Xxh3DefaultBuilder> = (0..facilities.rows()).filter_map(unit).collect();
    let mut units: Vec<Unit> = found.into_iter().collect();
    units.sort_unstable();
    let mut rows = vec![Vec::new(); units.len()];
    for row in 0..facilities.rows() {
        if let Some(at) = unit(row).and_then(|unit| units.binary_search(&unit).ok()) {
            rows[at].push(row);
        }
    }
    (units, rows)
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

/// The rows of facilities in clusters, by unit, then id; of the columns those that some expression names.
fn in_clusters(frame: &DataFrame, rows: &[Vec<usize>], checked: &Checked) -> Result<DataFrame> {
    let named: HashSet<&String> = checked.expressions.iter().flatten().flat_map(Expression::columns).collect();
    let distances = named.iter().filter_map(|name| names::layer_of_distance(name));
    let marks: HashSet<String> = distances.map(names::within_km).collect();
    let needed = |name: &&PlSmallStr| {
        let name = name.as_str();
        [UNIT, WEIGHT, "id", "year"].contains(&name) || named.iter().any(|one| *one == name) || marks.contains(name)
    };
    let columns: Vec<PlSmallStr> = frame.get_column_names().into_iter().filter(needed).cloned().collect();
    let order = IdxCa::from_iter_values("".into(), rows.iter().flatten().map(|&row| row as IdxSize));
    frame.select(columns).and_then(|frame| frame.take(&order)).map_err(Error::table("choosing rows"))
}
