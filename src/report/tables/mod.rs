//! The output tables: columns in a fixed order, rows by their key.

mod backtest;
mod diagnostics;
mod networks;
mod outside;
mod places;
mod spatial;
mod steps;
mod uncertainty;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use polars::prelude::*;
use rayon::prelude::*;

use super::columns::{self, Described, Placeholders};
use super::{Results, types as by_type};
use crate::error::{Error, Result};
use crate::measure::Unit;
use crate::names::{self, EMISSIONS, UNIT, WEIGHT};
use crate::score::Score;
use crate::validate::Correction;
pub use diagnostics::named;
pub use networks::plant;
pub use outside::rule;
pub use places::Geometries;
pub use steps::reading;
pub use uncertainty::OF_TYPE;

/// One table to write.
pub struct OutputTable<'a> {
    /// The name of its files, sheet and layer.
    pub name: String,
    /// Its entry in the table of columns.
    pub about: &'static columns::TableEntry,
    /// Its rows.
    pub rows: Rows<'a>,
    /// What its columns mean, in their order.
    pub columns: Vec<Described>,
    /// Geometry a row, for GIS layers.
    pub geometry: Option<Geometries>,
    /// Where it is written.
    pub written: Written,
}

/// Rows of a table.
pub enum Rows<'a> {
    /// All of them.
    Whole(DataFrame),
    /// So many that they are made a part at a time.
    Parts(Parts<'a>),
}

/// Rows that are made when they are wanted.
pub struct Parts<'a> {
    height: usize,
    /// The table without rows.
    none: DataFrame,
    make: Part<'a>,
    /// Of how many rows each column tells nothing, once all have been made.
    nulls: OnceLock<Vec<usize>>,
}

/// Makes some rows of a table.
type Part<'a> = Box<dyn Fn(Range<usize>) -> Result<DataFrame> + Send + Sync + 'a>;

impl Rows<'_> {
    /// Rows of one part.
    const PART: usize = 65_536;

    /// How many there are.
    pub fn height(&self) -> usize {
        match self {
            Self::Whole(frame) => frame.height(),
            Self::Parts(parts) => parts.height,
        }
    }

    /// The columns; their rows may be left out.
    pub fn columns(&self) -> &DataFrame {
        let (Self::Whole(frame) | Self::Parts(Parts { none: frame, .. })) = self;
        frame
    }

    /// All of them.
    ///
    /// # Errors
    ///
    /// [`Error::Table`] if polars fails.
    pub fn whole(&self) -> Result<Cow<'_, DataFrame>> {
        match self {
            Self::Whole(frame) => Ok(Cow::Borrowed(frame)),
            Self::Parts(parts) => parts.rows(0..parts.height).map(Cow::Owned),
        }
    }

    /// Makes something of the rows, some at a time and several at once, and hands it on in their order.
    ///
    /// # Errors
    ///
    /// What making or taking gives; [`Error::Table`] if polars fails.
    pub fn each<T: Send>(
        &self,
        make: impl Fn(DataFrame) -> Result<T> + Sync,
        mut take: impl FnMut(T) -> Result<()>,
    ) -> Result<()> {
        let height = self.height();
        let first: Vec<usize> = (0..height).step_by(Self::PART).collect();
        let mut nulls = vec![0; self.columns().width()];
        let one = |&first: &usize| {
            let frame = self.part(first..height.min(first + Self::PART))?;
            Ok((null_counts(&frame), make(frame)?))
        };
        for some in first.chunks(2 * rayon::current_num_threads()) {
            for made in some.par_iter().map(one).collect::<Result<Vec<_>>>()? {
                nulls.iter_mut().zip(made.0).for_each(|(all, own)| *all += own);
                take(made.1)?;
            }
        }
        if let Self::Parts(parts) = self {
            parts.nulls.get_or_init(|| nulls);
        }
        Ok(())
    }

    /// The rows of a range.
    fn part(&self, range: Range<usize>) -> Result<DataFrame> {
        match self {
            Self::Whole(frame) => Ok(frame.slice(range.start as i64, range.len())),
            Self::Parts(parts) => parts.rows(range),
        }
    }

    /// Of how many rows each column tells nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Table`] if polars fails.
    pub fn null_counts(&self) -> Result<Vec<usize>> {
        match self {
            Self::Whole(frame) => Ok(null_counts(frame)),
            Self::Parts(parts) => {
                if parts.nulls.get().is_none() {
                    self.each(|_| Ok(()), |()| Ok(()))?;
                }
                Ok(parts.nulls.get().cloned().unwrap_or_default())
            }
        }
    }
}

impl Parts<'_> {
    fn rows(&self, range: Range<usize>) -> Result<DataFrame> {
        without_signed_zeros(&(self.make)(range)?)
    }
}

fn null_counts(frame: &DataFrame) -> Vec<usize> {
    frame.columns().iter().map(Column::null_count).collect()
}

/// Where a table is written, besides the workbook and, with geometries, the GIS layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// As CSV and as Parquet, as the pipeline file asks.
    Both,
    /// As CSV, always.
    Csv,
    /// As a layer alone: what the inputs have brought.
    Layer,
}

impl<'a> OutputTable<'a> {
    /// A table under its name in the table of columns.
    fn new(results: &Results<'_>, name: &str, written: Written, frame: DataFrame) -> Result<Self> {
        Self::named(results, name, name.to_owned(), written, frame)
    }

    fn named(results: &Results<'_>, about: &str, name: String, written: Written, frame: DataFrame) -> Result<Self> {
        let (about, columns) = Placeholders::of(results).describe(about, &frame)?;
        let rows = Rows::Whole(without_signed_zeros(&frame)?);
        Ok(Self { name, about, rows, columns, geometry: None, written })
    }

    /// A table of so many rows that they are made part by part.
    fn in_parts(results: &Results<'_>, name: &str, written: Written, height: usize, make: Part<'a>) -> Result<Self> {
        let none = make(0..0)?;
        let (about, columns) = Placeholders::of(results).describe(name, &none)?;
        let rows = Rows::Parts(Parts { height, none, make, nulls: OnceLock::new() });
        Ok(Self { name: name.to_owned(), about, rows, columns, geometry: None, written })
    }

    /// The name of its GIS layer.
    pub fn layer(&self) -> &str {
        if self.name == "dispersed" { "dispersed_sites" } else { &self.name }
    }

    /// The same with a geometry a row.
    fn with_geometry(self, geometry: Geometries) -> Self {
        Self { geometry: Some(geometry), ..self }
    }
}

/// All tables of a run; `with_layers`: also those that are layers alone.
///
/// # Errors
///
/// [`Error::Table`] if polars fails.
pub fn all<'a>(results: &Results<'a>, with_layers: bool) -> Result<Vec<OutputTable<'a>>> {
    let mut tables = vec![clusters(results)?, figures(results)?, indicators(results)?, scores(results)?];
    tables.extend(facilities(results)?);
    tables.extend(spatial::all(results)?);
    tables.extend(networks::all(results)?);
    tables.extend(steps::all(results)?);
    tables.push(types(results)?);
    tables.extend(outside::all(results)?);
    tables.extend(uncertainty::all(results)?);
    tables.extend(diagnostics::all(results)?);
    tables.extend(backtest::all(results)?);
    tables.extend(corrections(results)?);
    tables.extend([evidence(results)?, findings(results)?, quarantine(results)?]);
    if with_layers {
        tables.extend(places::layers(results)?);
    }
    Ok(tables)
}

/// The tables with what was found since they were made.
///
/// # Errors
///
/// As [`all`].
pub fn with_findings<'a>(mut tables: Vec<OutputTable<'a>>, results: &Results<'_>) -> Result<Vec<OutputTable<'a>>> {
    for table in tables.iter_mut().filter(|table| table.about.name == "findings") {
        *table = findings(results)?;
    }
    Ok(tables)
}

/// One row a value that a person has put in the place of the register's; none where there is none.
fn corrections(results: &Results<'_>) -> Result<Option<OutputTable<'static>>> {
    let Some(register) = results.facilities().filter(|register| !register.corrections.is_empty()) else {
        return Ok(None);
    };
    let rows = &register.corrections;
    let clusters = &results.measured.clusters;
    let cluster = |row: &Correction| {
        let facility = register.ids.position(&row.id)?;
        Some(clusters.ids[clusters.of_facility[facility]?].clone())
    };
    let frame = frame(vec![
        column("facility_id", rows.iter().map(|row| row.id.as_str()).collect::<Vec<&str>>()),
        column("cluster_id", rows.iter().map(cluster).collect::<Vec<_>>()),
        column("period", rows.iter().map(|row| row.year).collect::<Vec<_>>()),
        column("column", rows.iter().map(|row| row.column.as_str()).collect::<Vec<&str>>()),
        column("old", rows.iter().map(|row| row.old.as_deref()).collect::<Vec<_>>()),
        column("value", rows.iter().map(|row| row.value.as_deref()).collect::<Vec<_>>()),
        column("source", rows.iter().map(|row| row.source.as_str()).collect::<Vec<&str>>()),
        column("file", rows.iter().map(|row| row.file.as_str()).collect::<Vec<&str>>()),
        column("line", rows.iter().map(|row| row.line).collect::<Vec<u64>>()),
    ])?;
    OutputTable::new(results, "corrections", Written::Csv, frame).map(Some)
}

/// The table with 0 for every -0, which would print as such.
fn without_signed_zeros(frame: &DataFrame) -> Result<DataFrame> {
    let plain = |column: &Column| match column.f64() {
        Ok(numbers) if numbers.iter().flatten().any(|number| number == 0.0 && number.is_sign_negative()) => {
            numbers.apply_values(|number| number + 0.0).into_column()
        }
        _ => column.clone(),
    };
    let columns = frame.columns().iter().map(plain).collect();
    DataFrame::new(frame.height(), columns).map_err(Error::table("building an output table"))
}

pub(super) fn frame(columns: Vec<Column>) -> Result<DataFrame> {
    DataFrame::new_infer_height(columns).map_err(Error::table("building an output table"))
}

pub(super) fn column<T>(name: &str, values: Vec<T>) -> Column
where
    Series: NamedFrom<Vec<T>, [T]>,
    Vec<T>: AsRef<[T]>,
{
    Column::new(name.into(), values)
}

/// A figure's column as whole numbers where it counts things.
fn figure(results: &Results<'_>, name: &str) -> Result<Column> {
    let rows = results.measured.units.len();
    let Ok(found) = results.measured.figures.column(name) else {
        return Ok(Column::full_null(
            name.into(),
            rows,
            if name.ends_with("_count") { &DataType::Int64 } else { &DataType::Float64 },
        ));
    };
    let of_network = results.measured.kinds.iter().filter_map(|kind| name.strip_suffix(kind.as_str()));
    let counts = results.facilities().is_some()
        && (name.ends_with("_count") && crate::measure::FIGURES.contains(&name)
            || of_network.into_iter().any(|figure| figure.ends_with("_count_")));
    if counts { found.cast(&DataType::Int64).map_err(Error::table("counting")) } else { Ok(found.clone()) }
}

/// One row a cluster and period.
pub fn clusters_frame(results: &Results<'_>) -> Result<DataFrame> {
    let mut columns = Vec::new();
    for name in ["cluster_id", "cluster_name", "period", "facility_count", "operator_count", EMISSIONS, "lon", "lat"] {
        columns.push(figure(results, name)?);
    }
    for (position, dimension) in results.about.dimensions.iter().enumerate() {
        let id = &dimension.id;
        let score = |pick: &dyn Fn(&Score) -> Option<f64>| {
            results.rating.scores.iter().map(|scores| pick(&scores.nodes[position])).collect::<Vec<_>>()
        };
        let levels: Vec<&str> = results.rating.classes.iter().map(|class| class.levels[position].as_str()).collect();
        columns.push(column(id, score(&|score| score.score)));
        columns.push(column(&names::level(id), levels));
        columns.push(column(&names::coverage(id), score(&|score| Some(score.coverage))));
        let [low, high] = names::bounds(id);
        columns.push(column(&low, score(&|score| score.bounds()[0])));
        columns.push(column(&high, score(&|score| score.bounds()[1])));
    }
    let types = results.rating.classes.iter().map(|class| class.of_type(results.about.typology));
    columns.push(column("type", types.clone().map(|kind| kind.map(|kind| kind.number)).collect::<Vec<_>>()));
    columns.push(column("type_name", types.map(|kind| kind.map(|kind| kind.name.as_str())).collect::<Vec<_>>()));
    let possible = |class: &crate::classify::Class| {
        Some(class.possible_types(results.about.typology)).filter(|types| !types.is_empty())
    };
    columns.push(column("possible_types", results.rating.classes.iter().map(possible).collect::<Vec<_>>()));
    columns.extend(uncertainty::of_clusters(results));
    frame(columns)
}

fn clusters(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let table = OutputTable::new(results, "clusters", Written::Both, clusters_frame(results)?)?;
    Ok(table.with_geometry(places::outlines(results)?))
}

fn figures(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let names = results.measured.figures.get_column_names();
    let columns = names.into_iter().map(|name| figure(results, name)).collect::<Result<Vec<_>>>()?;
    OutputTable::new(results, "figures", Written::Both, frame(columns)?)
}

pub(super) fn keys<'a>(results: &'a Results<'_>, unit: &Unit) -> (&'a str, Option<i64>) {
    (&results.measured.clusters.ids[unit.cluster], unit.period)
}

fn indicators(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let count = results.about.indicators.len();
    let rows: Vec<(usize, usize)> =
        (0..results.rating.scores.len()).flat_map(|unit| (0..count).map(move |indicator| (unit, indicator))).collect();
    let key = |&(unit, _): &(usize, usize)| keys(results, &results.measured.units[unit]);
    let of = |&(_, indicator): &(usize, usize)| &results.about.indicators[indicator];
    let measured = |&(unit, indicator): &(usize, usize)| results.measured.indicators[indicator][unit];
    let score = |&(unit, indicator): &(usize, usize)| results.rating.scores[unit].indicators[indicator];
    let contribution = |&(unit, indicator): &(usize, usize)| results.rating.scores[unit].contributions[indicator];
    let mut columns = vec![
        column("cluster_id", rows.iter().map(|row| key(row).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row).1).collect::<Vec<_>>()),
        column("indicator", rows.iter().map(|row| of(row).id.as_str()).collect::<Vec<&str>>()),
        column("parent", rows.iter().map(|row| of(row).parent.as_str()).collect::<Vec<&str>>()),
        column("value", rows.iter().map(|row| measured(row).value).collect::<Vec<_>>()),
        column("unit", rows.iter().map(|row| of(row).unit.as_str()).collect::<Vec<&str>>()),
        column("score", rows.iter().map(|row| score(row).score).collect::<Vec<_>>()),
        column("coverage", rows.iter().map(|row| score(row).coverage).collect::<Vec<f64>>()),
        column("weight", rows.iter().map(|row| of(row).weight).collect::<Vec<f64>>()),
        column("contribution", rows.iter().map(contribution).collect::<Vec<_>>()),
        column("status", rows.iter().map(|row| measured(row).status.as_str()).collect::<Vec<&str>>()),
        column("within_km", rows.iter().map(|row| measured(row).within_km).collect::<Vec<_>>()),
    ];
    if let Some(standing) = results.standing {
        let treated = |&(unit, indicator): &(usize, usize)| standing.treated[indicator][unit];
        let rank = |&(unit, indicator): &(usize, usize)| standing.indicator_ranks[indicator][unit].map(u64::from);
        columns.push(column("treated", rows.iter().map(treated).collect::<Vec<_>>()));
        columns.push(column("rank", rows.iter().map(rank).collect::<Vec<_>>()));
    }
    OutputTable::new(results, "indicators", Written::Both, frame(columns)?)
}

fn scores(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let nodes = results.about.model.shape.nodes();
    let rows: Vec<(usize, usize)> =
        (0..results.rating.scores.len()).flat_map(|unit| (0..nodes.len()).map(move |node| (unit, node))).collect();
    let key = |&(unit, _): &(usize, usize)| keys(results, &results.measured.units[unit]);
    let score = |&(unit, node): &(usize, usize)| results.rating.scores[unit].nodes[node];
    let kind = |&(_, node): &(usize, usize)| {
        if results.about.model.shape.dimensions().contains(&node) { "dimension" } else { "component" }
    };
    let mut columns = vec![
        column("cluster_id", rows.iter().map(|row| key(row).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row).1).collect::<Vec<_>>()),
        column("node", rows.iter().map(|&(_, node)| nodes[node].id.as_str()).collect::<Vec<&str>>()),
        column("kind", rows.iter().map(kind).collect::<Vec<&str>>()),
        column("score", rows.iter().map(|row| score(row).score).collect::<Vec<_>>()),
        column("coverage", rows.iter().map(|row| score(row).coverage).collect::<Vec<f64>>()),
        column("low", rows.iter().map(|row| score(row).bounds()[0]).collect::<Vec<_>>()),
        column("high", rows.iter().map(|row| score(row).bounds()[1]).collect::<Vec<_>>()),
    ];
    if let Some(standing) = results.standing {
        let rank = |&(unit, node): &(usize, usize)| standing.node_ranks[node][unit].map(u64::from);
        columns.push(column("rank", rows.iter().map(rank).collect::<Vec<_>>()));
    }
    OutputTable::new(results, "scores", Written::Both, frame(columns)?)
}

/// One row a facility and period; `None` for a pipeline without facilities.
fn facilities_frame(results: &Results<'_>) -> Result<Option<DataFrame>> {
    let (Some(register), Some(table)) = (results.facilities(), &results.details.facilities) else { return Ok(None) };
    let fail = || Error::table("building the facilities");
    let unit = results.details.units_of_facilities()?;
    let ids = &results.measured.clusters;
    let cluster = |&facility: &usize| ids.of_facility[facility].map(|cluster| ids.ids[cluster].as_str());
    let class = |unit: &Option<usize>| Some(results.rating.classes[(*unit)?].of_type(results.about.typology)?.number);
    let first = ["id", "name", "operator", "sector", "year"];
    let mut columns = Vec::new();
    for name in first {
        let renamed = match name {
            "id" => "facility_id",
            "year" => "period",
            other => other,
        };
        columns.push(table.column(name).map_err(fail())?.clone().with_name(renamed.into()));
    }
    columns.push(column("cluster_id", register.facility.iter().map(cluster).collect::<Vec<_>>()));
    for name in [EMISSIONS, "lon", "lat"] {
        columns.push(table.column(name).map_err(fail())?.clone());
    }
    let placed = [EMISSIONS, "lon", "lat", UNIT, "x", "y", "geometry", WEIGHT];
    let rest = table
        .columns()
        .iter()
        .filter(|column| !first.contains(&column.name().as_str()) && !placed.contains(&column.name().as_str()));
    let (distances, carried): (Vec<&Column>, Vec<&Column>) = rest.partition(|column| names::is_distance(column.name()));
    columns.extend(distances.into_iter().chain(carried).cloned());
    columns.push(column("type", unit.iter().map(class).collect::<Vec<_>>()));
    Ok(Some(frame(columns)?))
}

fn facilities(results: &Results<'_>) -> Result<Option<OutputTable<'static>>> {
    let (Some(register), Some(frame)) = (results.facilities(), facilities_frame(results)?) else { return Ok(None) };
    let geometry = register.facility.iter().map(|&facility| places::point(register, facility)).collect();
    Ok(Some(OutputTable::new(results, "facilities", Written::Both, frame)?.with_geometry(geometry)))
}

/// One row a period and type.
fn types(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = by_type::sums(results);
    let frame = frame(vec![
        column("period", rows.iter().map(|row| row.period).collect::<Vec<_>>()),
        column("type", rows.iter().map(|row| row.number).collect::<Vec<_>>()),
        column("type_name", rows.iter().map(|row| row.name.as_str()).collect::<Vec<&str>>()),
        column("cluster_count", rows.iter().map(|row| row.clusters).collect::<Vec<_>>()),
        column("facility_count", rows.iter().map(|row| row.facilities).collect::<Vec<_>>()),
        column(EMISSIONS, rows.iter().map(|row| row.emissions_t).collect::<Vec<_>>()),
        column("share", rows.iter().map(|row| row.share).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "types", Written::Csv, frame)
}

/// One row a fact that became a figure.
fn evidence(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let mut rows: Vec<_> = results.details.evidence.iter().collect();
    rows.sort_by(|a, b| (a.0, &a.1.figure, &a.1.file, a.1.line).cmp(&(b.0, &b.1.figure, &b.1.file, b.1.line)));
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row.0).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.0).1).collect::<Vec<_>>()),
        column("figure", rows.iter().map(|row| row.1.figure.as_str()).collect::<Vec<&str>>()),
        column("value", rows.iter().map(|row| row.1.value).collect::<Vec<f64>>()),
        column("source", rows.iter().map(|row| row.1.source.as_deref()).collect::<Vec<_>>()),
        column("note", rows.iter().map(|row| row.1.note.as_deref()).collect::<Vec<_>>()),
        column("file", rows.iter().map(|row| row.1.file.as_str()).collect::<Vec<&str>>()),
        column("line", rows.iter().map(|row| row.1.line).collect::<Vec<u64>>()),
    ])?;
    OutputTable::new(results, "evidence", Written::Csv, frame)
}

fn findings(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.findings.findings;
    let frame = frame(vec![
        column("severity", rows.iter().map(|row| word(serde_json::to_value(row.severity))).collect::<Vec<String>>()),
        column("stage", rows.iter().map(|row| row.stage.as_str()).collect::<Vec<&str>>()),
        column("source", rows.iter().map(|row| row.source.as_str()).collect::<Vec<&str>>()),
        column("file", rows.iter().map(|row| row.file.as_str()).collect::<Vec<&str>>()),
        column("line", rows.iter().map(|row| row.line).collect::<Vec<_>>()),
        column("column", rows.iter().map(|row| row.column.as_str()).collect::<Vec<&str>>()),
        column("rule", rows.iter().map(|row| word(serde_json::to_value(row.rule))).collect::<Vec<String>>()),
        column("message", rows.iter().map(|row| row.message.as_str()).collect::<Vec<&str>>()),
        column("count", rows.iter().map(|row| row.count).collect::<Vec<u64>>()),
    ])?;
    OutputTable::new(results, "findings", Written::Csv, frame)
}

/// The name under which a value is written.
fn word(value: serde_json::Result<serde_json::Value>) -> String {
    value.ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn quarantine(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.findings.quarantine;
    let frame = frame(vec![
        column("source", rows.iter().map(|row| &*row.source).collect::<Vec<&str>>()),
        column("file", rows.iter().map(|row| &*row.file).collect::<Vec<&str>>()),
        column("line", rows.iter().map(|row| row.line).collect::<Vec<u64>>()),
        column("column", rows.iter().map(|row| &*row.column).collect::<Vec<&str>>()),
        column("value", rows.iter().map(|row| row.value.as_str()).collect::<Vec<&str>>()),
        column("rule", rows.iter().map(|row| word(serde_json::to_value(row.rule))).collect::<Vec<String>>()),
        column("message", rows.iter().map(|row| row.message.as_str()).collect::<Vec<&str>>()),
    ])?;
    OutputTable::new(results, "quarantine", Written::Csv, frame)
}
