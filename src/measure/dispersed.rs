//! Dispersed sites: how much they emit and where, what is near, which are strategic, and which would stand together under
//! wider rules.

use std::collections::{BTreeMap, HashMap};

use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::indicators::named;
use super::settings::DispersedSettings;
use super::{Checked, Measured};
use crate::delineate::trials::{Trial, Wider, trials};
use crate::delineate::{Clusters, Delineation, Geography};
use crate::error::{Error, Problem, Result, suggest};
use crate::globe::near::{NearIndex, Order};
use crate::names::{self, EMISSIONS};
use crate::sql::{Expression, Yields};
use crate::validate::{Facilities, Tables};

/// One dispersed site in one period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DispersedSite {
    /// Row of the register.
    pub row: usize,
    /// 1 for the greatest emissions of its period.
    pub rank: u64,
    /// Of the emissions of all dispersed sites of its period; `None` without emissions.
    pub share: Option<f64>,
    /// Cluster of the nearest facility in one, and the geodesic to it, km.
    pub nearest: Option<(usize, f64)>,
    /// Whether it meets the declared rule; `None` where none is declared or the rule says nothing of it.
    pub strategic: Option<bool>,
    /// Groups that it would be in: position of the trial, then of the group.
    pub groups: Vec<(usize, usize)>,
}

/// The dispersed sites of one period, all or those with one value of a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DispersedSum {
    /// The period.
    pub period: Option<i64>,
    /// The column; `None`: all.
    pub by: Option<String>,
    /// Its value; `None`: empty.
    pub value: Option<String>,
    /// Dispersed sites.
    pub facilities: u64,
    /// Their emissions, t; `None` where none are known.
    pub emissions_t: Option<f64>,
    /// Emissions of all facilities of that value, in clusters or not, t.
    pub of_all_t: f64,
    /// Emissions of all dispersed sites of the period, t.
    pub of_dispersed_t: f64,
    /// Strategic sites.
    pub strategic: u64,
}

/// What is in no cluster.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Dispersed {
    /// By period, then rank.
    pub sites: Vec<DispersedSite>,
    /// By period: all, then by each column and value.
    pub sums: Vec<DispersedSum>,
    /// What wider rules would gather.
    pub trials: Vec<Trial>,
    /// The columns that sums go by.
    pub by: Vec<String>,
}

/// Columns that `dispersed.csv` has beside those that it is split by.
const FIXED: [&str; 9] = ["period", "facility_id", "rank", "name", EMISSIONS, "share", "lon", "lat", "strategic"];

/// Checks `[dispersed]` against the register; gives the rule for strategic sites.
pub(super) fn check(
    settings: &DispersedSettings,
    register: &Facilities,
    schema: &Schema,
    problems: &mut Vec<Problem>,
) -> Option<Expression> {
    let place = "dispersed.strategic";
    let parsed = settings.strategic.as_ref().map(|rule| {
        Expression::parse(rule, place).and_then(|rule| rule.check(schema, Yields::Predicate, place).map(|()| rule))
    });
    let strategic = parsed.and_then(|parsed| parsed.map_err(|problem| problems.push(problem)).ok());
    let by = settings.by.as_deref().unwrap_or_default();
    for (position, column) in by.iter().enumerate() {
        if by[..position].contains(column) || FIXED.contains(&column.as_str()) || names::is_distance(column) {
            let message = format!("`{column}` stands in the table already");
            problems.push(Problem::new(
                "dispersed.by",
                message,
                "name each column once, and none of those that are always there",
            ));
        }
    }
    for column in by.iter().filter(|column| schema.get(column).is_none()) {
        let known = register.frame().get_column_names().into_iter().map(PlSmallStr::as_str);
        let message = format!("the register has no column `{column}`");
        problems.push(Problem::new("dispersed.by", message, suggest(column, known)));
    }
    strategic
}

/// Gathers what is in no cluster; nothing without a register, or where no details were measured.
///
/// # Errors
///
/// [`Error::Table`] if polars fails.
pub fn dispersed(
    settings: &DispersedSettings,
    checked: &Checked,
    delineation: &Delineation,
    tables: &Tables,
    measured: &Measured,
) -> Result<Dispersed> {
    let (Some(register), Some(frame)) = (&tables.facilities, &measured.details.facilities) else {
        return Ok(Dispersed::default());
    };
    let clusters = &measured.measurements.clusters;
    let geography = Geography { boundaries: &tables.boundaries, places: &tables.places };
    let wider = Wider { radius_km: settings.radius_km.clone(), min_facilities: settings.min_facilities.clone() };
    let trials = trials(register, geography, delineation, clusters, &wider)?;
    let strategic = strategic(checked.strategic.as_ref(), frame)?;
    let mut sites = sites(register, clusters, &strategic);
    let mut groups: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    for (at, trial) in trials.iter().enumerate() {
        for (group, gathered) in trial.groups.iter().enumerate() {
            gathered.members.iter().for_each(|&member| groups.entry(member).or_default().push((at, group)));
        }
    }
    for site in &mut sites {
        site.groups = groups.get(&register.facility[site.row]).cloned().unwrap_or_default();
    }
    let by = match &settings.by {
        Some(by) => by.clone(),
        None => ["sector", "region"]
            .map(str::to_owned)
            .into_iter()
            .filter(|name| register.declared.contains(name))
            .collect(),
    };
    let sums = sums(register, frame, &sites, &by)?;
    Ok(Dispersed { sites, sums, trials, by })
}

/// Whether each row meets the rule.
fn strategic(rule: Option<&Expression>, frame: &DataFrame) -> Result<Vec<Option<bool>>> {
    let Some(rule) = rule else { return Ok(vec![None; frame.height()]) };
    rule.mask(frame, &|row| named(frame, row)).map_err(|failure| {
        let hint = "write it so that it holds for every row";
        Error::pipeline(failure.at("dispersed.strategic", hint))
    })
}

/// The sites by period, then falling weight (ties: by longitude, latitude; those without one last).
fn sites(register: &Facilities, clusters: &Clusters, strategic: &[Option<bool>]) -> Vec<DispersedSite> {
    let is_inside = |facility: usize| clusters.of_facility[facility].is_some();
    let by_place = register.by_place();
    let inside: Vec<usize> = by_place.iter().copied().filter(|&at| is_inside(at)).collect();
    let points: Vec<Option<geo::Geometry>> =
        inside.iter().map(|&at| register.places[at].map(|(lon, lat)| geo::Point::new(lon, lat).into())).collect();
    let index = NearIndex::new(points.iter().map(Option::as_ref));
    // Only the places of dispersed sites are asked for, each once.
    let asked: Vec<Option<(f64, f64)>> =
        (0..register.ids.len()).map(|at| register.places[at].filter(|_| !is_inside(at))).collect();
    let found = index.nearest_all(&asked, &Order::new(&asked));
    let nearest = |facility: usize| {
        let nearest = found[facility].as_ref()?;
        Some((clusters.of_facility[inside[nearest.feature]]?, nearest.km))
    };
    let mut rows: Vec<usize> = (0..register.rows()).filter(|&row| !is_inside(register.facility[row])).collect();
    let weight = |row: usize| register.weights.get(row).unwrap_or(f64::NEG_INFINITY);
    let mut position = vec![usize::MAX; register.ids.len()];
    by_place.iter().enumerate().for_each(|(at, &facility)| position[facility] = at);
    rows.sort_by(|&a, &b| {
        let place = |row: usize| position[register.facility[row]];
        let size = weight(b).total_cmp(&weight(a));
        register.period.get(a).cmp(&register.period.get(b)).then(size).then(place(a).cmp(&place(b))).then(a.cmp(&b))
    });
    let mut totals: BTreeMap<Option<i64>, f64> = BTreeMap::new();
    for &row in &rows {
        *totals.entry(register.period.get(row)).or_default() += register.weights.get(row).unwrap_or(0.0);
    }
    let mut ranks: BTreeMap<Option<i64>, u64> = BTreeMap::new();
    let site = |row: usize| {
        let period = register.period.get(row);
        let rank = ranks.entry(period).or_default();
        *rank += 1;
        DispersedSite {
            row,
            rank: *rank,
            share: register.weights.get(row).filter(|_| totals[&period] > 0.0).map(|weight| weight / totals[&period]),
            nearest: nearest(register.facility[row]),
            strategic: strategic[row],
            groups: Vec::new(),
        }
    };
    rows.into_iter().map(site).collect()
}

fn sums(register: &Facilities, frame: &DataFrame, sites: &[DispersedSite], by: &[String]) -> Result<Vec<DispersedSum>> {
    let mut columns: Vec<(Option<String>, Vec<Option<String>>)> = vec![(None, vec![None; register.rows()])];
    for name in by {
        let text = frame.column(name).and_then(|column| column.cast(&DataType::String));
        let cells = text.and_then(|text| Ok(text.str()?.iter().map(|cell| cell.map(str::to_owned)).collect()));
        columns.push((Some(name.clone()), cells.map_err(Error::table("summing dispersed sites"))?));
    }
    let mut sums: BTreeMap<(Option<i64>, usize, Option<&str>), DispersedSum> = BTreeMap::new();
    for (at, (name, cells)) in columns.iter().enumerate() {
        let mut all: HashMap<(Option<i64>, Option<&str>), f64> = HashMap::new();
        for (row, cell) in cells.iter().enumerate() {
            let tonnes = register.emissions_t.get(row).unwrap_or(0.0);
            *all.entry((register.period.get(row), cell.as_deref())).or_default() += tonnes;
        }
        for site in sites {
            let (period, value) = (register.period.get(site.row), cells[site.row].as_deref());
            let sum = sums.entry((period, at, value)).or_insert_with(|| DispersedSum {
                period,
                by: name.clone(),
                value: value.map(str::to_owned),
                of_all_t: all[&(period, value)],
                ..DispersedSum::default()
            });
            sum.facilities += 1;
            if let Some(tonnes) = register.emissions_t.get(site.row) {
                *sum.emissions_t.get_or_insert(0.0) += tonnes;
            }
            sum.strategic += u64::from(site.strategic == Some(true));
        }
    }
    let totals: HashMap<Option<i64>, f64> =
        sums.values().filter(|sum| sum.by.is_none()).map(|sum| (sum.period, sum.emissions_t.unwrap_or(0.0))).collect();
    let with_total = |sum: DispersedSum| DispersedSum { of_dispersed_t: totals[&sum.period], ..sum };
    Ok(sums.into_values().map(with_total).collect())
}
