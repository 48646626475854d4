//! The register: one row a facility and period, with place, emissions, operator and sector.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use geo::Geometry;
use polars::prelude::*;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::cells::{Cells, Seen};
use super::corrections::{self, Correction, Corrections};
use super::country::Countries;
use super::crs::Crs;
use super::geometry::{geometry_of, same_crs};
use super::layers::check_precision;
use super::plan::{Declared, Plan, Settings};
use super::settings::{Between, FacilitySource, Failing, Scenario};
use super::stream::{self, Accepted, CheckedBatch, Steps};
use super::table::{BIOGENIC_COLUMN, Table};
use super::texts::numbers;
use super::{
    Asked, Elsewhere, KnownNames, Named, Names, Numbers, Operators, Reader, Sources, Texts, keys, known_type, lock,
};
use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::globe::geodesy::by_lon_lat;
use crate::names::{self, EMISSIONS, PRECISION, WEIGHT};
use crate::sources::settings::Columns;
use crate::sources::{ColumnSpec, ColumnType, SOURCE_FILE, Source, YEAR};
use crate::workers::{Kind, ask};

const TEXT: [&str; 7] = ["id", "name", "operator", "sector", "label", "geometry", SOURCE_FILE];
/// Columns of names and years.
const NAMES: [&str; 5] = ["name", "operator", "sector", "label", "year"];
/// Columns that the register has, mapped or not.
const MISSING: [(&str, ColumnType); 5] = [
    ("name", ColumnType::Text),
    ("operator", ColumnType::Text),
    ("sector", ColumnType::Text),
    ("year", ColumnType::Integer),
    (EMISSIONS, ColumnType::Number),
];
const PLACES: [&str; 3] = ["x", "y", "geometry"];

/// The checked register. Rows are sorted by id, then period; facilities by id. Its columns are those of the table, and no
/// copies of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Register")]
pub struct Facilities {
    #[serde(with = "crate::kept::frame")]
    frame: DataFrame,
    /// Facility ids, ascending.
    pub ids: Names,
    /// WGS 84 longitude and latitude a facility, degrees: the place of its latest period.
    pub places: Vec<Option<(f64, f64)>>,
    /// Label a facility.
    pub labels: Texts,
    /// Display name a facility, of its latest period: its name, else its id.
    pub names: Names,
    /// The facility (position in [`Facilities::ids`]) of each row.
    pub facility: Vec<usize>,
    /// The period of each row.
    #[serde(skip)]
    pub period: Numbers<Int64Type>,
    /// Emissions of each row, t.
    #[serde(skip)]
    pub emissions_t: Numbers<Float64Type>,
    /// What each row weighs in shares and means: its emissions, unless the pipeline file names another column.
    #[serde(skip)]
    pub weights: Numbers<Float64Type>,
    /// The column that the weights come from.
    pub weight: String,
    /// Operator of each row.
    #[serde(skip)]
    pub operator: Texts,
    /// Sector of each row.
    #[serde(skip)]
    pub sector: Texts,
    /// Columns that the pipeline file maps.
    pub declared: HashSet<String>,
    /// What a person has put right.
    pub corrections: Vec<Correction>,
}

/// What a register is made of: its table, and what the table does not say.
#[derive(Deserialize)]
struct Register {
    #[serde(with = "crate::kept::frame")]
    frame: DataFrame,
    ids: Names,
    places: Vec<Option<(f64, f64)>>,
    labels: Texts,
    names: Names,
    facility: Vec<usize>,
    weight: String,
    declared: HashSet<String>,
    corrections: Vec<Correction>,
}

impl TryFrom<Register> for Facilities {
    type Error = Error;

    fn try_from(register: Register) -> Result<Self> {
        let Register { frame, ids, places, labels, names, facility, weight, declared, corrections } = register;
        let fail = || Error::table("reading the register");
        Ok(Self {
            period: Numbers::of(&frame, "year").map_err(fail())?,
            emissions_t: Numbers::of(&frame, EMISSIONS).map_err(fail())?,
            weights: Numbers::of(&frame, WEIGHT).map_err(fail())?,
            operator: Texts::of(&frame, "operator"),
            sector: Texts::of(&frame, "sector"),
            frame,
            ids,
            places,
            labels,
            names,
            facility,
            weight,
            declared,
            corrections,
        })
    }
}

impl Facilities {
    /// The rows as a table: every mapped column and `name, operator, sector, year, emissions_t, lon, lat`.
    pub fn frame(&self) -> &DataFrame {
        &self.frame
    }

    /// Gives every operator one name; what the register says stays in `operator_as_given`.
    fn settle_operators(&mut self, operators: &mut Operators) -> Result<()> {
        if !operators.is_active() {
            return Ok(());
        }
        operators.settle(&self.operator);
        let settled: Vec<Option<String>> =
            self.operator.iter().map(|name| name.map(|name| operators.shown(name))).collect();
        let fail = || Error::table("naming the operators");
        let given = self.frame.column("operator").map_err(fail())?.clone().with_name("operator_as_given".into());
        self.frame.with_column(given).map_err(fail())?;
        self.frame.with_column(Column::new("operator".into(), settled)).map_err(fail())?;
        self.operator = Texts::of(&self.frame, "operator");
        Ok(())
    }

    /// The same register with other emissions, t, one a row; they weigh as the old ones did.
    ///
    /// # Errors
    ///
    /// [`Error::Defect`] for another number of rows.
    pub fn with_emissions(mut self, emissions_t: &[Option<f64>]) -> Result<Self> {
        same_length("emissions", emissions_t.len(), self.rows())?;
        let fail = || Error::table("replacing the emissions");
        let column = Column::new(EMISSIONS.into(), emissions_t);
        if self.weight == EMISSIONS {
            self.frame.with_column(column.clone().with_name(WEIGHT.into())).map_err(fail())?;
        }
        self.frame.with_column(column).map_err(fail())?;
        self.emissions_t = Numbers::of(&self.frame, EMISSIONS).map_err(fail())?;
        self.weights = Numbers::of(&self.frame, WEIGHT).map_err(fail())?;
        Ok(self)
    }

    /// The same register with its facilities elsewhere: WGS 84 longitude and latitude, degrees, one a facility.
    ///
    /// # Errors
    ///
    /// [`Error::Defect`] for another number of facilities.
    pub fn with_places(mut self, places: Vec<Option<(f64, f64)>>) -> Result<Self> {
        same_length("places", places.len(), self.ids.len())?;
        place(&mut self.frame, &self.facility, &places)?;
        self.places = places;
        Ok(self)
    }

    /// The facilities that have a place, in an order that no name decides: by longitude, latitude, falling emissions (over all
    /// periods); then, between those alike in these, by label and id.
    pub fn by_place(&self) -> Vec<usize> {
        let mut totals = vec![f64::NEG_INFINITY; self.ids.len()];
        for (row, &facility) in self.facility.iter().enumerate() {
            if let Some(tonnes) = self.emissions_t.get(row) {
                totals[facility] = totals[facility].max(0.0) + tonnes;
            }
        }
        let placed = (0..self.ids.len()).filter_map(|at| Some((at, self.places[at]?)));
        let mut placed: Vec<(usize, (f64, f64))> = placed.collect();
        placed.par_sort_by(|(a, here), (b, there)| {
            let across = by_lon_lat(*here, *there);
            let larger = totals[*b].total_cmp(&totals[*a]);
            across.then(larger).then(self.labels.get(*a).cmp(&self.labels.get(*b))).then(a.cmp(b))
        });
        placed.into_iter().map(|(at, _)| at).collect()
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.facility.len()
    }

    /// Whether the register, or the pipeline file, says how far its places may be off.
    pub fn is_imprecise(&self) -> bool {
        self.frame.get_column_index(PRECISION).is_some()
    }

    /// A column of the register as texts, one a row; nothing but nulls where it has none.
    pub fn texts(&self, name: &str) -> Vec<Option<String>> {
        let text = self.frame.column(name).and_then(|column| column.cast(&DataType::String));
        let texts = text.and_then(|column| Ok(column.str()?.iter().map(|text| text.map(str::to_owned)).collect()));
        texts.unwrap_or_else(|_| vec![None; self.rows()])
    }

    /// How far the place of each row may be off, km.
    pub fn precision_km(&self) -> Vec<Option<f64>> {
        numbers(&self.frame, PRECISION)
    }
}

/// Reads and checks `[facilities]`.
pub fn read(
    source: &FacilitySource,
    scenario: Option<&Scenario>,
    reader: &mut Reader<'_>,
    register: &mut KnownNames,
    findings: &mut Findings,
) -> Result<Facilities> {
    let elsewhere = reader.elsewhere.filter(|_| source.join.is_none());
    if reader.elsewhere.is_some() && elsewhere.is_none() {
        tracing::info!("the register is read here, and not by workers: its join looks at all rows");
    }
    let pass = |passing: &Passing<'_>, reader: &mut Reader<'_>, findings: &mut Findings| {
        let by = elsewhere.map(|elsewhere| move |guesses: &[Seen]| passing.read_by(elsewhere, guesses));
        let by = by.as_ref().map(|by| by as &stream::Elsewhere<'_>);
        reader.read(passing.opened, passing.plan, &Steps { elsewhere: by, ..*passing.steps }, None, findings)
    };
    let Passed { given: accepted, columns, named, corrections } =
        passed((source, scenario), reader, &register.operators, findings, pass)?;
    register.named = named;
    check_closed(scenario, register)?;
    let corrected = corrections.map(|corrections| corrections.settle(findings)).transpose()?;
    let mut facilities = register_of(accepted, columns, source, findings)?;
    facilities.settle_operators(&mut register.operators)?;
    facilities.corrections = corrected.unwrap_or_default();
    Ok(facilities)
}

/// What workers are asked who read files of a register.
#[derive(Serialize, Deserialize)]
pub(crate) struct ReadJob {
    /// The pipeline, as the run tells of it.
    pub pipeline: String,
    /// What the columns have shown so far.
    pub guesses: Vec<Seen>,
}

/// Some files of a register, checked.
#[derive(Serialize, Deserialize)]
pub(crate) struct Part {
    batches: Vec<CheckedBatch>,
    named: Named,
    corrected: Option<corrections::Met>,
}

/// Some files of the register, by their positions, through all checks that look at one row alone.
pub(super) fn read_part(
    sources: &Sources<'_>,
    reader: &mut Reader<'_>,
    operators: &Operators,
    (guesses, files): (&[Seen], Range<usize>),
) -> Result<Part> {
    let missing = || Error::Workers { message: "there is no register to read".to_owned() };
    let of = (sources.facilities.ok_or_else(missing)?, sources.scenario);
    let pass = |passing: &Passing<'_>, _: &mut Reader<'_>, _: &mut Findings| {
        stream::part(passing.opened, passing.plan, passing.steps, (files, guesses))
    };
    let Passed { given: batches, named, corrections, .. } =
        passed(of, reader, operators, &mut Findings::default(), pass)?;
    Ok(Part { batches, named, corrected: corrections.map(|corrections| corrections.so_far()) })
}

/// A register on its way through the checks.
struct Passing<'a> {
    opened: &'a Source,
    plan: &'a Plan<'a>,
    steps: &'a Steps<'a>,
    named: &'a Mutex<Named>,
    corrections: Option<&'a Corrections>,
}

impl Passing<'_> {
    /// The batches of all files, as workers have checked them; a file goes to one of them as a whole.
    fn read_by(&self, elsewhere: Elsewhere<'_>, guesses: &[Seen]) -> Result<Vec<CheckedBatch>> {
        let Elsewhere { workers, pipeline } = elsewhere;
        let files = self.opened.paths().len();
        let pieces = workers.count().clamp(1, files.max(1));
        let cut = |piece: usize| piece * files / pieces;
        let pieces: Vec<Range<usize>> = (0..pieces).map(|piece| cut(piece)..cut(piece + 1)).collect();
        let job = ReadJob { pipeline: pipeline.to_owned(), guesses: guesses.to_vec() };
        let mut batches = Vec::new();
        for part in ask::<_, _, Part>(workers, Kind::Read, &job, &pieces)? {
            let Named { ids, operators, sectors } = part.named;
            lock(self.named).add([ids, operators, sectors]);
            self.corrections.into_iter().zip(part.corrected).for_each(|(own, theirs)| own.add(theirs));
            batches.extend(part.batches);
        }
        Ok(batches)
    }
}

/// What has come of a register, and what is known beside.
struct Passed<T> {
    given: T,
    columns: Columns,
    named: Named,
    corrections: Option<Corrections>,
}

/// Opens the register and makes its checks; `pass` takes the rows through them.
fn passed<T>(
    (source, scenario): (&FacilitySource, Option<&Scenario>),
    reader: &mut Reader<'_>,
    operators: &Operators,
    findings: &mut Findings,
    pass: impl FnOnce(&Passing<'_>, &mut Reader<'_>, &mut Findings) -> Result<T>,
) -> Result<Passed<T>> {
    let crs = Crs::new(&source.crs, "facilities.crs").map_err(Error::pipeline)?;
    let countries = Some(&source.country.0).filter(|codes| !codes.is_empty());
    let countries =
        countries.map(|codes| Countries::new(codes, "facilities.country")).transpose().map_err(Error::pipeline)?;
    let mut columns = source.columns.clone();
    let opened = open(source, reader, &mut columns, findings)?;
    let reading = source.reading();
    let mut filters = source.filters.clone();
    filters.0.extend(scenario.and_then(Scenario::filter));
    let types = |column: &str| types(column).or((column == source.weight).then_some(ColumnType::Number));
    let declared = Declared { reading: &reading, columns: &columns, contract: &source.contract, filters: &filters };
    let settings = Settings::new("facilities", declared, &types);
    let (join, key) = (source.join.as_ref(), &["id", "year"]);
    let plan = Plan::new(&Settings { gwp: source.gwp, key, names: &NAMES, join, ..settings }, &opened)?;
    let corrections = source.corrections.as_ref();
    let corrections = corrections.map(|source| corrections::read(source, &plan, reader, findings)).transpose()?;
    let placing = Placing { crs: &crs, countries: countries.as_ref(), severity: source.contract.places };
    let named = Mutex::new(Named::default());
    let remembers = reader.remembers;
    let before = |table: &mut Table<'_>| {
        let given = placing.place(table);
        MISSING.iter().for_each(|(column, kind)| table.push_missing(column, *kind));
        if let Some(corrections) = &corrections {
            corrections.apply(table);
        }
        placing.check(table, &given, corrections.is_some());
    };
    let last = |table: &Table<'_>| {
        if remembers {
            remember(table, &named, operators);
        }
    };
    let join_required = source.join.as_ref().is_none_or(|join| join.required);
    let after = |table: &mut Table<'_>| {
        contract(table, &source.weight);
        check_precision(table);
    };
    let steps = Steps { before: &before, after: &after, last: &last, join_required, elsewhere: None };
    let corrects = corrections.as_ref();
    let passing = Passing { opened: &opened, plan: &plan, steps: &steps, named: &named, corrections: corrects };
    let given = pass(&passing, reader, findings)?;
    Ok(Passed { given, columns, named: held(named), corrections })
}

/// What a lock holds at the end.
fn held<T>(shared: Mutex<T>) -> T {
    shared.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// The register of the rows that were accepted.
fn register_of(
    accepted: Accepted,
    columns: Columns,
    source: &FacilitySource,
    findings: &mut Findings,
) -> Result<Facilities> {
    if accepted.rows_read == 0 {
        let hint = "check the export that wrote it";
        return Err(Error::Data { problems: vec![Problem::new("facilities", "the register has no rows", hint)] });
    }
    let mut declared: HashSet<String> = columns.into_keys().collect();
    if accepted.frame.get_column_index(BIOGENIC_COLUMN).is_some() {
        declared.insert(BIOGENIC_COLUMN.into());
    }
    // What else was accepted is let go first.
    let frame = { accepted }.frame;
    let frame = with_precision(frame, source.precision_km)?;
    assemble(frame, declared, &source.weight, findings)
}

/// A scenario closes only what there is.
fn check_closed(scenario: Option<&Scenario>, register: &KnownNames) -> Result<()> {
    let closed = scenario.map(|scenario| scenario.close.as_slice()).unwrap_or_default();
    let unknown: Vec<String> = closed.iter().filter(|id| !register.has(Between::Facility, id)).cloned().collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!("no facility of the register has the id {}", unknown.join(", "));
    Err(Error::pipeline(Problem::new("scenario.close", message, "`close` takes ids, as facilities.csv has them")))
}

fn types(column: &str) -> Option<ColumnType> {
    let distance = names::is_distance(column).then_some(ColumnType::Number);
    known_type(&TEXT, &["x", "y", EMISSIONS, BIOGENIC_COLUMN, PRECISION], &["year"], column).or(distance)
}

/// Opens the register's files; of several each row has its `source_file`.
fn open(
    source: &FacilitySource,
    reader: &Reader<'_>,
    columns: &mut Columns,
    findings: &mut Findings,
) -> Result<Source> {
    let reading = source.reading();
    let several = reading.path.0.len() > 1 || reading.path.0.iter().any(|path| path.contains(['*', '?']));
    let optional: &[&str] = if several { &[SOURCE_FILE] } else { &[] };
    let by_year = columns.values().flat_map(ColumnSpec::parts).any(|spec| spec.by_year);
    let optional: &[&str] = &[optional, if by_year { &[YEAR] } else { &[] }].concat();
    let asked = Asked { places: &PLACES, optional, join: source.join.as_ref(), all: false };
    let opened = reader.open("facilities", &reading, columns, asked, findings)?;
    same_crs(&opened, &source.crs, "facilities")?;
    if by_year {
        columns.insert("year".into(), ColumnSpec::plain(YEAR));
    }
    if several && !columns.contains_key(SOURCE_FILE) && opened.position(SOURCE_FILE).is_some() {
        columns.insert(SOURCE_FILE.into(), ColumnSpec::plain(SOURCE_FILE));
    }
    Ok(opened)
}

/// What the rows of a batch name, whatever has become of them.
fn remember(table: &Table<'_>, named: &Mutex<Named>, operators: &Operators) {
    let hashes = |column: &str, hash: &dyn Fn(&str) -> u128| -> Vec<(u128, bool)> {
        let Some(cells) = table.column(column) else { return Vec::new() };
        let name = |row: usize| Some((hash(cells.text(row)?), table.is_kept(row)));
        (0..table.rows()).filter_map(name).collect()
    };
    let ids = hashes("id", &|id| keys::hash([Some(id)]));
    let sectors = hashes("sector", &|name| keys::hash([Some(name)]));
    let operators = hashes("operator", &|name| operators.hash(name));
    lock(named).add([ids, operators, sectors]);
}

/// How a register's places are found and checked.
struct Placing<'a> {
    crs: &'a Crs,
    countries: Option<&'a Countries>,
    severity: Option<Failing>,
}

impl Placing<'_> {
    /// Adds `lon` and `lat`; gives the coordinates that they come from.
    fn place(&self, table: &mut Table<'_>) -> Vec<Option<(f64, f64)>> {
        let rows = table.rows();
        let (mut lon, mut lat, mut given) = (vec![None; rows], vec![None; rows], vec![None; rows]);
        let column = Self::column(table);
        for row in 0..rows {
            let position = match geometry_of(table, row, self.crs) {
                Ok(Some(Geometry::Point(point))) => Some((point.x(), point.y())),
                Ok(Some(_)) => {
                    let message = "a facility's geometry must be a point".to_owned();
                    table.reject(row, "geometry", Rule::Unreadable, message);
                    None
                }
                Ok(None) => table.number("x", row).zip(table.number("y", row)),
                Err(message) => {
                    table.reject(row, "geometry", Rule::Unreadable, message);
                    None
                }
            };
            let Some((x, y)) = position else { continue };
            let Some(degrees) = self.crs.to_lon_lat(x, y) else {
                let at_fault = if column == "y" && y.abs() <= 90.0 { "x" } else { column };
                let message = format!(
                    "the coordinates lie outside of the reach of EPSG:{}: swapped, or another crs?",
                    self.crs.code()
                );
                table.reject_if_kept(row, at_fault, Rule::CoordinateRange, message);
                continue;
            };
            (lon[row], lat[row], given[row]) = (Some(degrees.0), Some(degrees.1), Some((x, y)));
        }
        table.push("lon", Cells::Number(lon));
        table.push("lat", Cells::Number(lat));
        given
    }

    /// The column at fault where a place is.
    fn column(table: &Table<'_>) -> &'static str {
        if table.column("y").is_none() { "geometry" } else { "y" }
    }

    /// Says what is wrong with places of the rows that the filters leave; of one that was put right, what is wrong with that.
    fn check(&self, table: &mut Table<'_>, given: &[Option<(f64, f64)>], corrects: bool) {
        let column = Self::column(table);
        for (row, given) in given.iter().enumerate() {
            let Some(degrees) = table.number("lon", row).zip(table.number("lat", row)) else { continue };
            let own = self.countries.is_none().then(|| table.text("country", row)).flatten().map(str::to_owned);
            let mapped = own.as_deref().and_then(Countries::called);
            if let (Some(word), None) = (&own, &mapped) {
                let message = format!("`{word}` is no country that is known here: its places are not checked");
                table.fail_if_kept(row, "country", Rule::UnknownCountry, message, Failing::Warn);
            }
            let countries = self.countries.or(mapped.as_deref());
            let is_given = |(x, y): &(f64, f64)| !corrects || self.crs.to_lon_lat(*x, *y) == Some(degrees);
            let doubt = match given.filter(is_given) {
                Some(given) => self.doubt(given, degrees, countries),
                None => Self::outside(degrees, countries),
            };
            if let Some((rule, message)) = doubt {
                let severity = match rule {
                    Rule::CoarseTransformation => Failing::Warn,
                    Rule::OutOfCountry => self.severity.unwrap_or(Failing::Warn),
                    // On a grid of metres a place at sea can lie on land by chance, exchanged.
                    Rule::SwappedCoordinates if !self.crs.is_degrees() => self.severity.unwrap_or(Failing::Warn),
                    _ => self.severity.unwrap_or(Failing::Reject),
                };
                table.fail_if_kept(row, column, rule, message, severity);
            }
        }
    }

    /// Whether a place lies outside of its countries.
    fn outside((lon, lat): (f64, f64), countries: Option<&Countries>) -> Option<(Rule, String)> {
        let countries = countries.filter(|countries| !countries.hold(lon, lat))?;
        Some((Rule::OutOfCountry, format!("more than 50 km outside of {}", countries.codes())))
    }

    fn doubt(
        &self,
        (x, y): (f64, f64),
        (lon, lat): (f64, f64),
        countries: Option<&Countries>,
    ) -> Option<(Rule, String)> {
        if x == 0.0 && y == 0.0 {
            return Some((Rule::NullIsland, "coordinates 0, 0: a placeholder? leave unknown places empty".into()));
        }
        if let Some(countries) = countries.filter(|countries| !countries.hold(lon, lat)) {
            let other = self.crs.to_lon_lat(y, x);
            if other.is_some_and(|(lon, lat)| countries.hold(lon, lat)) {
                let message = format!("x and y are the wrong way round: exchanged, they lie in {}", countries.codes());
                return Some((Rule::SwappedCoordinates, message));
            }
            return Self::outside((lon, lat), Some(countries));
        }
        if self.crs.is_beyond_grid(x, y) {
            let message = "beyond the reach of OSTN15: transformed by seven parameters, good to some metres".to_owned();
            return Some((Rule::CoarseTransformation, message));
        }
        None
    }
}

fn contract(table: &mut Table<'_>, weight: &str) {
    table.require(&["id"]);
    let weighed = if weight == EMISSIONS { 0 } else { table.rows() };
    for row in 0..weighed {
        if table.number(weight, row).is_some_and(|value| value < 0.0) && table.is_kept(row) {
            let message = format!("`{weight}` is the weight of the facilities, and no weight is below zero");
            table.reject(row, weight, Rule::Min, message);
        }
    }
    if table.plan.contract.columns.get(EMISSIONS).is_some_and(|rule| rule.min.is_some()) {
        return;
    }
    for row in 0..table.rows() {
        if table.number(EMISSIONS, row).is_some_and(|value| value < 0.0) && table.is_kept(row) {
            let message = "emissions below zero: give the contract a `min` if removals are meant".to_owned();
            table.reject(row, EMISSIONS, Rule::Min, message);
        }
    }
}

fn assemble(frame: DataFrame, declared: HashSet<String>, weight: &str, findings: &mut Findings) -> Result<Facilities> {
    let mut frame =
        frame.sort(["id", "year"], SortMultipleOptions::default()).map_err(Error::table("sorting the facilities"))?;
    let id = Texts::of(&frame, "id");
    let mut firsts: Vec<&str> = Vec::new();
    let mut facility: Vec<usize> = Vec::with_capacity(frame.height());
    for id in id.iter().flatten() {
        if firsts.last() != Some(&id) {
            firsts.push(id);
        }
        facility.push(firsts.len() - 1);
    }
    let sites = Sites::gather(&frame, &firsts, &facility)?;
    let ids = Names::new(firsts.into_iter());
    place(&mut frame, &facility, &sites.places)?;
    let fail = || Error::table("weighing the facilities");
    for (name, of) in [(EMISSIONS, EMISSIONS), (WEIGHT, weight)] {
        let column = frame.column(of).and_then(|column| column.cast(&DataType::Float64)).map_err(fail())?;
        frame.with_column(column.with_name(name.into())).map_err(fail())?;
    }
    frame.rechunk_mut();
    let facilities = Facilities::try_from(Register {
        frame,
        ids,
        places: sites.places,
        labels: sites.labels,
        names: sites.names,
        facility,
        weight: weight.to_owned(),
        declared,
        corrections: Vec::new(),
    })?;
    note_places_and_weights(&facilities, &sites.moved, findings);
    Ok(facilities)
}

/// What the pipeline file says of all places, where the register says nothing of its own.
fn with_precision(mut frame: DataFrame, precision_km: Option<f64>) -> Result<DataFrame> {
    if let Some(km) = precision_km {
        let all = numbers(&frame, PRECISION).into_iter().map(|own| own.or(Some(km)));
        let column = Float64Chunked::from_iter_options(PRECISION.into(), all).into_column();
        frame.with_column(column).map_err(Error::table("reading the precision of places"))?;
    }
    Ok(frame)
}

fn same_length(what: &str, given: usize, wanted: usize) -> Result<()> {
    let message = format!("{given} {what} are given for {wanted}");
    if given == wanted { Ok(()) } else { Err(Error::Defect { message }) }
}

/// Gives every row the place of its facility, as the columns `lon` and `lat`.
fn place(frame: &mut DataFrame, facility: &[usize], places: &[Option<(f64, f64)>]) -> Result<()> {
    let degrees =
        |pick: fn(&(f64, f64)) -> f64| facility.iter().map(|&at| places[at].as_ref().map(pick)).collect::<Vec<_>>();
    for (name, values) in [("lon", degrees(|place| place.0)), ("lat", degrees(|place| place.1))] {
        frame.with_column(Column::new(name.into(), values)).map_err(Error::table("placing the facilities"))?;
    }
    Ok(())
}

/// What holds of a facility over all periods; the latest that says it stands.
struct Sites {
    places: Vec<Option<(f64, f64)>>,
    names: Names,
    labels: Texts,
    moved: BTreeSet<usize>,
}

impl Sites {
    fn gather(frame: &DataFrame, ids: &[&str], facility: &[usize]) -> Result<Self> {
        let (lon, lat) = (numbers(frame, "lon"), numbers(frame, "lat"));
        let (name, label) = (Texts::of(frame, "name"), Texts::of(frame, "label"));
        let mut places = vec![None; ids.len()];
        let mut names = ids.to_vec();
        let mut labels = vec![None; ids.len()];
        let mut moved = BTreeSet::new();
        let mut relabelled = Vec::new();
        for (row, &at) in facility.iter().enumerate() {
            if let Some(place) = lon[row].zip(lat[row]) {
                if places[at].is_some_and(|earlier| earlier != place) {
                    moved.insert(at);
                }
                places[at] = Some(place);
            }
            if let Some(name) = name.get(row) {
                names[at] = name;
            }
            if row > 0 && facility[row - 1] == at && labels[at] != label.get(row) {
                let shown = |label: Option<&str>| label.unwrap_or("(empty)").to_owned();
                relabelled.push(format!("{}  {} and {}", ids[at], shown(labels[at]), shown(label.get(row))));
            }
            labels[at] = label.get(row);
        }
        if relabelled.is_empty() {
            let (names, labels) = (Names::new(names.into_iter()), Texts::some(labels.into_iter()));
            return Ok(Self { places, names, labels, moved });
        }
        let message =
            format!("{} facilities carry two labels; a cluster is a place, over all periods", relabelled.len());
        let problem = Problem::new("facilities", message, "give each facility one label").showing(relabelled);
        Err(Error::Data { problems: vec![problem] })
    }
}

/// Facilities far from nearly all others that would lie among them with longitude and latitude exchanged: a guess for
/// registers without a declared country.
fn exchanged(places: &[Option<(f64, f64)>]) -> Vec<usize> {
    const FEWEST: usize = 20;
    const MARGIN_DEGREES: f64 = 1.0;
    let middle = |pick: fn(&(f64, f64)) -> f64| {
        let mut degrees: Vec<f64> = places.iter().flatten().map(pick).collect();
        if degrees.len() < FEWEST {
            return None;
        }
        let (cut, last) = (degrees.len() / 20, degrees.len() - 1);
        let low = *degrees.select_nth_unstable_by(cut, f64::total_cmp).1;
        let high = *degrees.select_nth_unstable_by(last - cut, f64::total_cmp).1;
        Some(low - MARGIN_DEGREES..=high + MARGIN_DEGREES)
    };
    let Some((east, north)) = middle(|place| place.0).zip(middle(|place| place.1)) else { return Vec::new() };
    let among = |lon: f64, lat: f64| east.contains(&lon) && north.contains(&lat);
    let is_exchanged = |(lon, lat): (f64, f64)| !among(lon, lat) && among(lat, lon);
    (0..places.len()).filter(|&at| places[at].is_some_and(is_exchanged)).collect()
}

fn note_places_and_weights(facilities: &Facilities, moved: &BTreeSet<usize>, findings: &mut Findings) {
    /// Facilities that are named.
    const NAMED: usize = 3;
    let mut add = |rule, message: &str, mut which: Vec<usize>| {
        which.dedup();
        let ids: Vec<&str> = which.iter().take(NAMED).map(|&at| &facilities.ids[at]).collect();
        let more = if which.len() > NAMED { ", …" } else { "" };
        let message = format!("{message} (id {}{more})", ids.join(", "));
        findings.add(Severity::Warning, "facilities", rule, message, which.len());
    };
    let unplaced = (0..facilities.places.len()).filter(|&at| facilities.places[at].is_none()).collect();
    add(Rule::NoCoordinates, "facilities without coordinates: kept, in no cluster by distance", unplaced);
    let message = "facilities whose coordinates differ between periods: the latest stand";
    add(Rule::MovedFacility, message, moved.iter().copied().collect());
    let message = "facilities far from the others, and among them with x and y exchanged: the wrong way round?";
    add(Rule::SwappedCoordinates, message, exchanged(&facilities.places));
    if facilities.weight != EMISSIONS {
        let message = format!("shares and means are weighted by `{}` in place of emissions", facilities.weight);
        findings.add(Severity::Info, "facilities", Rule::Weighted, message, facilities.rows());
    }
    let without = facilities.weights.iter().filter(|value| value.is_none()).count();
    let what = if facilities.weight == EMISSIONS { "emissions".to_owned() } else { format!("`{}`", facilities.weight) };
    let message = format!("rows without {what}: kept, outside every weighted figure");
    findings.add(Severity::Warning, "facilities", Rule::NoEmissions, message, without);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanged_places_stand_out() {
        let mut places: Vec<Option<(f64, f64)>> =
            (0..30).map(|at| Some((-3.0 + f64::from(at) / 10.0, 51.0 + f64::from(at) / 15.0))).collect();
        places.push(None);
        assert!(exchanged(&places).is_empty());
        places.extend([Some((52.0, -1.5)), Some((21.0, 52.2))]);
        assert_eq!(exchanged(&places), [31]);
        assert!(exchanged(&places[28..]).is_empty());
    }
}
