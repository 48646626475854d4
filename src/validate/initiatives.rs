//! Place-based initiatives: what each is for and like, and which cluster it names.

use std::sync::Arc;

use geo::{Centroid, Geometry};
use serde::{Deserialize, Serialize};

use super::crs::Crs;
use super::geometry::same_crs;
use super::layers::places;
use super::plan::{Declared, Plan, Settings};
use super::settings::{Between, InitiativeSource};
use super::stream::{Accepted, Steps};
use super::table::Table;
use super::texts::texts;
use super::{Asked, KnownNames, Reader, by_own_name, check_known, known_type};
use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule, Severity};

/// The attributes of an initiative and the values that they may have; an empty one is not known.
///
/// # Source
///
/// Rattle & Taylor (2025), Table 1.
pub const ATTRIBUTES: [(&str, &[&str]); 5] = [
    (
        "objective",
        &["industrial_emissions_reduction", "hydrogen_production", "co2_capture", "co2_transport_and_storage"],
    ),
    ("market", &["domestic", "export"]),
    ("co_location", &["yes", "no"]),
    ("existing_area", &["yes", "no"]),
    ("industrial_customers", &["yes", "no"]),
];

/// Columns beside the attributes; all are taken by their own name where they are not mapped.
const TEXTS: [&str; 4] = ["name", "country", "cluster", "facility"];

/// One initiative.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Initiative {
    /// Its name.
    pub name: String,
    /// The country, as the file has it.
    pub country: Option<String>,
    /// One value an attribute, in the order of [`ATTRIBUTES`]; `None`: not known.
    pub attributes: [Option<String>; ATTRIBUTES.len()],
    /// Id or name of the cluster that it belongs to.
    pub cluster: Option<String>,
    /// A facility of that cluster.
    pub facility: Option<String>,
    /// WGS 84 longitude and latitude, degrees; of a line or polygon its centroid.
    pub place: Option<(f64, f64)>,
    /// The file.
    pub file: Arc<str>,
    /// Its line.
    pub line: u64,
}

/// Reads and checks `[initiatives]`.
pub(super) fn read(
    source: &InitiativeSource,
    reader: &mut Reader<'_>,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<Vec<Initiative>> {
    const NAME: &str = "initiatives";
    let crs = Crs::new(&source.crs, "initiatives.crs").map_err(Error::pipeline)?;
    let reading = source.reading();
    let mut columns = source.columns.clone();
    let own_names: Vec<&str> = TEXTS.into_iter().chain(ATTRIBUTES.map(|(name, _)| name)).collect();
    let asked = Asked { places: &["x", "y", "geometry"], optional: &own_names, ..Asked::default() };
    let opened = reader.open(NAME, &reading, &columns, asked, findings)?;
    same_crs(&opened, &source.crs, NAME)?;
    by_own_name(&mut columns, own_names.into_iter().filter(|column| opened.position(column).is_some()));
    if !columns.contains_key("name") {
        let hint = "add name = \"COLUMN\"";
        return Err(Error::pipeline(Problem::new("initiatives.columns", "`name` is not mapped", hint)));
    }
    let types = |column: &str| {
        let is_attribute = ATTRIBUTES.iter().any(|(name, _)| *name == column);
        known_type(&[&TEXTS[..], &["geometry"]].concat(), &["x", "y"], &[], if is_attribute { "name" } else { column })
    };
    let declared =
        Declared { reading: &reading, columns: &columns, contract: &source.contract, filters: &source.filters };
    let settings = Settings::new(NAME, declared, &types);
    let plan = Plan::new(&Settings { key: &["name"], ..settings }, &opened)?;
    let steps = Steps {
        before: &|table| places(table, &crs),
        after: &|table| {
            table.require(&["name"]);
            check_attributes(table);
            check_known(table, "facility", Between::Facility, register);
        },
        ..Steps::default()
    };
    let accepted = reader.read(&opened, &plan, &steps, Some(register), findings)?;
    let message = "initiatives of facilities that a filter or the quarantine took out of the register".to_owned();
    findings.add(Severity::Warning, NAME, Rule::LostReference, message, accepted.met.lost);
    Ok(initiatives(&accepted))
}

/// The accepted rows, in file order.
fn initiatives(accepted: &Accepted) -> Vec<Initiative> {
    let of = |name: &str| texts(&accepted.frame, name);
    let [names, countries, clusters, facilities] = TEXTS.map(of);
    let attributes = ATTRIBUTES.map(|(name, _)| of(name));
    let initiative = |(row, geometry): (usize, &Option<Geometry>)| {
        let origin = accepted.origin[row];
        let centre = geometry.as_ref().and_then(Centroid::centroid);
        Initiative {
            name: names[row].clone().unwrap_or_default(),
            country: countries[row].clone(),
            attributes: std::array::from_fn(|at| attributes[at][row].clone()),
            cluster: clusters[row].clone(),
            facility: facilities[row].clone(),
            place: centre.map(|point| (point.x(), point.y())),
            file: Arc::clone(&accepted.paths[origin.file as usize]),
            line: origin.line,
        }
    };
    accepted.geometry.iter().enumerate().map(initiative).collect()
}

/// Attributes have only the values that the types' rules know.
fn check_attributes(table: &mut Table<'_>) {
    for (attribute, allowed) in ATTRIBUTES {
        for row in 0..table.rows() {
            if table.is_kept(row) && table.text(attribute, row).is_some_and(|value| !allowed.contains(&value)) {
                let message = format!("must be one of {}, or empty where it is not known", allowed.join(", "));
                table.reject(row, attribute, Rule::Allowed, message);
            }
        }
    }
}
