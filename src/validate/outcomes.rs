//! Later events, by which a score can be judged: what happened, when, and where.

use std::sync::Arc;

use geo::{Centroid, Geometry};
use serde::{Deserialize, Serialize};

use super::crs::Crs;
use super::geometry::same_crs;
use super::layers::places;
use super::plan::{Declared, Plan, Settings};
use super::settings::{Between, OutcomeSource};
use super::stream::{Accepted, Steps};
use super::texts::{texts, years};
use super::{Asked, KnownNames, Reader, by_own_name, check_known, known_type};
use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::globe::geodesy::Degrees;
use crate::sources::ColumnType;

/// Columns that are taken by their own name where they are not mapped.
const TEXTS: [&str; 4] = ["id", "name", "cluster", "facility"];

/// The events of one `[outcomes.NAME]`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Its name in the pipeline file.
    pub name: String,
    /// The events, in file order.
    pub events: Vec<Event>,
    /// An event with a place belongs to the nearest cluster within this, km.
    pub within_km: f64,
    /// The last year that counts.
    pub until: Option<i64>,
}

/// One event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, else its name, else file:line.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// When it happened.
    pub year: Option<i64>,
    /// Id or name of the cluster that it happened in.
    pub cluster: Option<String>,
    /// The facility that it happened at.
    pub facility: Option<String>,
    /// WGS 84 longitude and latitude, degrees; of a line or polygon its centroid.
    pub place: Option<Degrees>,
    /// The file.
    pub file: Arc<str>,
    /// Its line.
    pub line: u64,
}

/// Reads and checks one `[outcomes.NAME]`.
pub(super) fn read(
    outcome: &str,
    source: &OutcomeSource,
    reader: &mut Reader<'_>,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<Outcome> {
    let name = format!("outcomes.{outcome}");
    let crs = Crs::new(&source.crs, &format!("{name}.crs")).map_err(Error::pipeline)?;
    let reading = source.reading();
    let mut columns = source.columns.clone();
    let (join, optional) = (source.join.as_ref(), &TEXTS[..]);
    let asked = Asked { places: &["x", "y", "geometry"], optional, join, all: false };
    let opened = reader.open(&name, &reading, &columns, asked, findings)?;
    same_crs(&opened, &source.crs, &name)?;
    by_own_name(&mut columns, TEXTS.into_iter().filter(|column| opened.position(column).is_some()));
    let says_where = |column: &str| columns.contains_key(column);
    if !(says_where("cluster")
        || says_where("facility")
        || says_where("x")
        || says_where("geometry")
        || opened.is_placed())
    {
        let hint = "map `x` and `y`, `geometry`, `facility` or `cluster`";
        return Err(Error::pipeline(Problem::new(format!("{name}.columns"), "nothing says where an event was", hint)));
    }
    let types = |column: &str| {
        let is_date = columns.get(column).is_some_and(|spec| spec.kind == Some(ColumnType::Date));
        let year = (column == "year" && !is_date).then_some(ColumnType::Integer);
        known_type(&[&TEXTS[..], &["geometry"]].concat(), &["x", "y"], &[], column).or(year)
    };
    let declared =
        Declared { reading: &reading, columns: &columns, contract: &source.contract, filters: &source.filters };
    let settings = Settings::new(&name, declared, &types);
    let plan = Plan::new(&Settings { names: &["name", "cluster", "year"], join, ..settings }, &opened)?;
    let steps = Steps {
        before: &|table| places(table, &crs),
        after: &|table| check_known(table, "facility", Between::Facility, register),
        join_required: join.is_none_or(|join| join.required),
        ..Steps::default()
    };
    let accepted = reader.read(&opened, &plan, &steps, Some(register), findings)?;
    let message = "events at facilities that a filter or the quarantine took out of the register".to_owned();
    findings.add(Severity::Info, &name, Rule::LostReference, message, accepted.met.lost);
    Ok(Outcome {
        name: outcome.to_owned(),
        events: events(&accepted),
        within_km: source.within_km,
        until: source.until,
    })
}

/// The accepted rows, in file order.
fn events(accepted: &Accepted) -> Vec<Event> {
    let [ids, names, clusters, facilities] = TEXTS.map(|name| texts(&accepted.frame, name));
    let years = years(&accepted.frame, "year");
    let event = |(row, geometry): (usize, &Option<Geometry>)| {
        let origin = accepted.origin[row];
        let file = Arc::clone(&accepted.paths[origin.file as usize]);
        let centre = geometry.as_ref().and_then(Centroid::centroid);
        Event {
            id: ids[row].clone().or_else(|| names[row].clone()).unwrap_or_else(|| format!("{file}:{}", origin.line)),
            name: names[row].clone(),
            year: years[row],
            cluster: clusters[row].clone(),
            facility: facilities[row].clone(),
            place: centre.map(|point| (point.x(), point.y())),
            file,
            line: origin.line,
        }
    };
    accepted.geometry.iter().enumerate().map(event).collect()
}
