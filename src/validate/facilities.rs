//! The register: one row a facility and period, with place, emissions, operator and sector.

use std::collections::{BTreeMap, HashSet};

use geo::{Geometry, Point};
use polars::prelude::*;

use super::cells::Cells;
use super::crs::Crs;
use super::settings::FacilitySource;
use super::table::{Table, pipeline};
use super::{Reader, Register, known_type, layers};
use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::sources::ColumnType;

const TEXT: [&str; 6] = ["id", "name", "operator", "sector", "label", "geometry"];
const PLACES: [&str; 3] = ["x", "y", "geometry"];

/// The checked register. Rows are sorted by id, then period; facilities by id.
#[derive(Debug)]
pub struct Facilities {
    frame: DataFrame,
    /// Facility ids, ascending.
    pub ids: Vec<String>,
    /// WGS 84 longitude and latitude a facility, degrees: the place of its latest period.
    pub places: Vec<Option<(f64, f64)>>,
    /// Label a facility.
    pub labels: Vec<Option<String>>,
    /// Display name a facility, of its latest period: its name, else its id.
    pub names: Vec<String>,
    /// The facility (position in [`Facilities::ids`]) of each row.
    pub facility: Vec<usize>,
    /// The period of each row.
    pub period: Vec<Option<i64>>,
    /// Emissions of each row, t.
    pub emissions_t: Vec<Option<f64>>,
    /// Operator of each row.
    pub operator: Vec<Option<String>>,
    /// Sector of each row.
    pub sector: Vec<Option<String>>,
    /// Columns that the pipeline file maps.
    pub declared: HashSet<String>,
}

impl Facilities {
    /// The rows as a table: every mapped column and `name, operator, sector, year, emissions_t, lon, lat`.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.facility.len()
    }
}

/// Reads and checks `[facilities]`.
pub fn read(
    source: &FacilitySource,
    reader: &mut Reader<'_>,
    register: &mut Register,
    findings: &mut Findings,
) -> Result<Facilities> {
    let crs = Crs::new(&source.crs, "facilities.crs").map_err(pipeline)?;
    let raw = reader.read("facilities", &source.reading(), &source.columns, &PLACES, &[], false)?;
    let types = |column: &str| {
        let distance = column.starts_with("km_to_").then_some(ColumnType::Number);
        known_type(&TEXT, &["x", "y", "emissions_t"], &["year"], column).or(distance)
    };
    let mut table = Table::convert("facilities", raw, &source.columns, types, findings)?;
    let off_globe = place(&mut table, &crs, findings);
    for (column, kind) in [("name", 0), ("operator", 0), ("sector", 0), ("year", 1), ("emissions_t", 2)] {
        if table.column(column).is_none() {
            let rows = table.rows();
            let empty =
                [Cells::Text(vec![None; rows]), Cells::Integer(vec![None; rows]), Cells::Number(vec![None; rows])];
            table.push(column, empty[kind].clone());
        }
    }
    for row in 0..table.rows() {
        register.ids.extend(table.text("id", row).map(str::to_owned));
        register.operators.extend(table.text("operator", row).map(str::to_owned));
    }
    table.filter(&source.filters)?;
    contract(&mut table, source, &off_globe, findings)?;
    let accepted = reader.close(table, &source.contract, findings)?;
    let facilities = assemble(accepted.frame, source, findings)?;
    register.kept_ids.extend(facilities.ids.iter().cloned());
    register.kept_operators.extend(facilities.operator.iter().flatten().cloned());
    Ok(facilities)
}

/// Adds `lon` and `lat`; returns the rows whose coordinates lie off the globe or off their grid.
fn place(table: &mut Table, crs: &Crs, findings: &mut Findings) -> Vec<usize> {
    let rows = table.rows();
    let (mut lon, mut lat, mut off_globe) = (vec![None; rows], vec![None; rows], Vec::new());
    for row in 0..rows {
        let position = match layers::geometry_of(table, row, crs) {
            Ok(Some(Geometry::Point(point))) => Some((point.x(), point.y())),
            Ok(Some(_)) => {
                table.reject(row, "geometry", "unreadable", "a facility's geometry must be a point".into(), findings);
                None
            }
            Ok(None) => {
                table.column("x").and_then(|x| x.number(row)).zip(table.column("y").and_then(|y| y.number(row)))
            }
            Err(message) => {
                table.reject(row, "geometry", "unreadable", message, findings);
                None
            }
        };
        match position.map(|(x, y)| crs.to_lon_lat(x, y)) {
            Some(Some(degrees)) => (lon[row], lat[row]) = (Some(degrees.0), Some(degrees.1)),
            Some(None) => off_globe.push(row),
            None => {}
        }
    }
    table.push("lon", Cells::Number(lon));
    table.push("lat", Cells::Number(lat));
    off_globe
}

fn contract(table: &mut Table, source: &FacilitySource, off_globe: &[usize], findings: &mut Findings) -> Result<()> {
    table.require(&["id"], findings);
    for &row in off_globe {
        if table.is_kept(row) {
            let at_fault = if table.column("y").is_none() { "geometry" } else { faulty_axis(table, row) };
            let message =
                format!("the coordinates lie outside of the reach of {}: swapped, or another crs?", source.crs);
            table.reject(row, at_fault, "coordinate_range", message, findings);
        }
    }
    if source.contract.columns.get("emissions_t").is_none_or(|rule| rule.min.is_none()) {
        for row in 0..table.rows() {
            let emissions = table.column("emissions_t").and_then(|cells| cells.number(row));
            if emissions.is_some_and(|value| value < 0.0) && table.is_kept(row) {
                let message = "emissions below zero: give the contract a `min` if removals are meant".to_owned();
                table.reject(row, "emissions_t", "min", message, findings);
            }
        }
    }
    table.check(&source.contract, findings)?;
    table.unique(&["id", "year"], findings);
    Ok(())
}

fn faulty_axis(table: &Table, row: usize) -> &'static str {
    let latitude = table.column("y").and_then(|cells| cells.number(row));
    if latitude.is_some_and(|value| value.abs() > 90.0) { "y" } else { "x" }
}

fn assemble(frame: DataFrame, source: &FacilitySource, findings: &mut Findings) -> Result<Facilities> {
    let mut frame =
        frame.sort(["id", "year"], SortMultipleOptions::default()).map_err(Error::table("sorting the facilities"))?;
    let id = texts(&frame, "id");
    let mut ids: Vec<String> = id.iter().flatten().cloned().collect();
    ids.dedup();
    let position: BTreeMap<&str, usize> =
        ids.iter().enumerate().map(|(position, id)| (id.as_str(), position)).collect();
    let facility: Vec<usize> = id.iter().flatten().map(|id| position[id.as_str()]).collect();
    let sites = Sites::gather(&frame, &ids, &facility)?;
    let degrees = |pick: fn(&(f64, f64)) -> f64| {
        facility.iter().map(|&at| sites.places[at].as_ref().map(pick)).collect::<Vec<_>>()
    };
    for (name, values) in [("lon", degrees(|place| place.0)), ("lat", degrees(|place| place.1))] {
        frame.with_column(Column::new(name.into(), values)).map_err(Error::table("placing the facilities"))?;
    }
    frame.rechunk_mut();
    let facilities = Facilities {
        period: frame
            .column("year")
            .and_then(|column| Ok(column.i64()?.iter().collect()))
            .map_err(Error::table("reading years"))?,
        emissions_t: numbers(&frame, "emissions_t"),
        operator: texts(&frame, "operator"),
        sector: texts(&frame, "sector"),
        declared: source.columns.keys().cloned().collect(),
        frame,
        ids,
        places: sites.places,
        labels: sites.labels,
        names: sites.names,
        facility,
    };
    report(&facilities, sites.moved.len(), findings);
    Ok(facilities)
}

/// What holds of a facility over all periods; the latest that says it stands.
struct Sites {
    places: Vec<Option<(f64, f64)>>,
    names: Vec<String>,
    labels: Vec<Option<String>>,
    moved: HashSet<usize>,
}

impl Sites {
    fn gather(frame: &DataFrame, ids: &[String], facility: &[usize]) -> Result<Self> {
        let (lon, lat) = (numbers(frame, "lon"), numbers(frame, "lat"));
        let (name, label) = (texts(frame, "name"), texts(frame, "label"));
        let mut sites = Self {
            places: vec![None; ids.len()],
            names: ids.to_vec(),
            labels: vec![None; ids.len()],
            moved: HashSet::new(),
        };
        let mut relabelled = Vec::new();
        for (row, &at) in facility.iter().enumerate() {
            if let Some(place) = lon[row].zip(lat[row]) {
                if sites.places[at].is_some_and(|earlier| earlier != place) {
                    sites.moved.insert(at);
                }
                sites.places[at] = Some(place);
            }
            if let Some(name) = &name[row] {
                sites.names[at].clone_from(name);
            }
            if row > 0 && facility[row - 1] == at && sites.labels[at] != label[row] {
                let shown = |label: &Option<String>| label.clone().unwrap_or_else(|| "(empty)".into());
                relabelled.push(format!("{}  {} and {}", ids[at], shown(&sites.labels[at]), shown(&label[row])));
            }
            sites.labels[at].clone_from(&label[row]);
        }
        if relabelled.is_empty() {
            return Ok(sites);
        }
        let message =
            format!("{} facilities carry two labels; a cluster is a place, over all periods", relabelled.len());
        let mut problem = Problem::new("facilities", message, "give each facility one label");
        problem.evidence = relabelled.into_iter().take(5).collect();
        Err(Error::Data { problems: vec![problem] })
    }
}

fn report(facilities: &Facilities, moved: usize, findings: &mut Findings) {
    let mut add = |severity, rule, message: &str, count| {
        findings.add(severity, "validate", "facilities", rule, message.to_owned(), count)
    };
    let unplaced = facilities.places.iter().filter(|place| place.is_none()).count();
    add(
        Severity::Warning,
        Rule::NoCoordinates,
        "facilities without coordinates: kept, in no cluster by distance",
        unplaced,
    );
    add(
        Severity::Warning,
        Rule::MovedFacility,
        "facilities whose coordinates differ between periods: the latest stand",
        moved,
    );
    let without = facilities.emissions_t.iter().filter(|value| value.is_none()).count();
    add(Severity::Warning, Rule::NoEmissions, "rows without emissions: kept, outside every weighted figure", without);
}

/// A text column of a table, or as many nulls.
pub(super) fn texts(frame: &DataFrame, name: &str) -> Vec<Option<String>> {
    let column =
        frame.column(name).and_then(|column| Ok(column.str()?.iter().map(|text| text.map(str::to_owned)).collect()));
    column.unwrap_or_else(|_| vec![None; frame.height()])
}

/// A number column of a table, or as many nulls.
pub(super) fn numbers(frame: &DataFrame, name: &str) -> Vec<Option<f64>> {
    let cast = frame.column(name).and_then(|column| column.cast(&DataType::Float64));
    cast.and_then(|column| Ok(column.f64()?.iter().collect())).unwrap_or_else(|_| vec![None; frame.height()])
}

/// A point from a pair of degrees.
pub(super) fn point((lon, lat): (f64, f64)) -> Geometry {
    Geometry::Point(Point::new(lon, lat))
}
