//! Ties that no file gives: facilities of one owner, and facilities near one feature of a layer.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::links::{observed, split};
use super::plan::{Declared, Plan, Settings};
use super::settings::{Between, MembershipSource};
use super::settle::{SHARE_SLACK, Spots};
use super::stream::Steps;
use super::table::Table;
use super::texts::{numbers, texts};
use super::{
    Asked, Facilities, Feature, KnownNames, Layer, Reader, TieBuilder, TieRow, TieRows, TieTable, Ties, known_type,
};
use crate::declared::at_least;
use crate::error::Result;
use crate::finding::{Findings, Rule, Severity};
use crate::globe::near::NearIndex;

/// Smallest share that makes a parent, percent.
const LEAST_SHARE: f64 = 50.0;

/// The memberships of `layer`: facilities within reach of one feature of it are members of that feature.
pub(super) fn near(
    name: &str,
    source: &MembershipSource,
    layers: &[Layer],
    facilities: Option<&Facilities>,
) -> Result<TieTable> {
    let wanted = source.layer.as_deref();
    let near = layers.iter().find(|layer| Some(layer.name.as_str()) == wanted).zip(source.within_km);
    let rows = facilities.zip(near).map(|(facilities, (layer, within_km))| members(facilities, layer, within_km));
    inferred(name, source, rows.unwrap_or_default(), "lon IS NOT NULL")
}

fn members(facilities: &Facilities, layer: &Layer, within_km: f64) -> TieRows {
    // What began in no known year counts in no period.
    let is_known = |feature: &&Feature| !layer.is_dated || feature.years[0].is_some();
    let index = NearIndex::new(
        layer.features.iter().map(|feature| Some(feature).filter(is_known).and_then(|known| known.geometry.as_ref())),
    );
    let of_facility = |place: &Option<(f64, f64)>| place.map(|place| index.within(place, within_km));
    let found: Vec<Option<Vec<usize>>> = facilities.places.par_iter().map(of_facility).collect();
    let mut rows = TieBuilder::default();
    for (facility, features) in found.iter().enumerate() {
        for feature in features.iter().flatten().map(|&feature| &layer.features[feature]) {
            rows.push(&TieRow {
                levels: [Between::Facility; 2],
                from: &facilities.ids[facility],
                to: &feature.id,
                weight: None,
                from_year: feature.years[0],
                to_year: feature.years[1],
                source: feature.name.as_deref(),
                share: None,
                role: None,
                file: &feature.file,
                line: feature.line,
            });
        }
    }
    rows.finish()
}

/// Facilities as members of their operator and of its parents.
pub(super) fn owned(
    (name, source): (&str, &MembershipSource),
    reader: &mut Reader<'_>,
    facilities: &Facilities,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<TieTable> {
    let parents =
        if source.path.0.is_empty() { BTreeMap::new() } else { parents(name, source, reader, register, findings)? };
    let mut rows = TieBuilder::default();
    let mut of_operator: HashMap<&str, Vec<(String, Origin)>> = HashMap::new();
    for row in 0..facilities.rows() {
        let Some(operator) = facilities.operator.get(row) else { continue };
        for (owner, origin) in of_operator.entry(operator).or_insert_with(|| owners(operator, &parents, register)) {
            let year = facilities.period.get(row);
            rows.push(&TieRow {
                levels: [Between::Facility; 2],
                from: &facilities.ids[facilities.facility[row]],
                to: owner,
                weight: None,
                from_year: year,
                to_year: year,
                source: None,
                share: None,
                role: Some("owner"),
                file: &origin.file,
                line: origin.line,
            });
        }
    }
    inferred(name, source, rows.finish(), "operator IS NOT NULL")
}

fn inferred(name: &str, source: &MembershipSource, rows: TieRows, known: &str) -> Result<TieTable> {
    Ok(TieTable {
        name: name.to_owned(),
        kind: source.kind().to_owned(),
        between: Between::Facility,
        directed: false,
        inferred: true,
        observed: observed(&format!("memberships.{name}"), Some(source.observed.as_deref().unwrap_or(known)))?,
        ties: Ties::Memberships(rows),
        perimeters: Vec::new(),
    })
}

/// Where it is said who owns whom.
#[derive(Debug, Clone)]
struct Origin {
    file: Arc<str>,
    line: u64,
}

/// Parents of an operator, by the keys of both names.
type Parents = BTreeMap<String, Vec<(String, Origin)>>;

/// Reads who owns whom: `operator`, `parent` and, where given, `share` in percent.
fn parents(
    name: &str,
    source: &MembershipSource,
    reader: &mut Reader<'_>,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<Parents> {
    let name = format!("memberships.{name}");
    let reading = source.reading();
    let opened = reader.open(&name, &reading, &source.columns, Asked::default(), findings)?;
    let types = |column: &str| known_type(&["operator", "parent", "source"], &["share"], &[], column);
    let declared =
        Declared { reading: &reading, columns: &source.columns, contract: &source.contract, filters: &source.filters };
    let settings = Settings::new(&name, declared, &types);
    let plan = Plan::new(&Settings { names: &["operator", "parent"], ..settings }, &opened)?;
    let after = |table: &mut Table<'_>| {
        table.require(&["operator", "parent"]);
        for row in 0..table.rows() {
            let share = table.number("share", row);
            if share.is_some_and(|share| !(0.0..=100.0).contains(&share)) && table.is_kept(row) {
                table.reject(row, "share", Rule::Max, "a share is from 0 to 100 percent".into());
            }
        }
    };
    let accepted = reader.read(&opened, &plan, &Steps { after: &after, ..Steps::default() }, None, findings)?;
    let frame = &accepted.frame;
    let (operators, owners, shares) = (texts(frame, "operator"), texts(frame, "parent"), numbers(frame, "share"));
    let least = source.least_share.unwrap_or(LEAST_SHARE);
    let mut parents = Parents::new();
    let mut sums: BTreeMap<String, (f64, Origin)> = BTreeMap::new();
    for (row, (operator, owner)) in operators.into_iter().zip(owners).enumerate() {
        let (Some(operator), Some(owner)) = (operator, owner) else { continue };
        let place = accepted.origin[row];
        let origin = Origin { file: Arc::clone(&accepted.paths[place.file as usize]), line: place.line };
        let held = split(&operator, &source.separator, source.columns.get("operator"));
        let holders = split(&owner, &source.organisation_separator, source.columns.get("parent"));
        for (operator, _) in &held {
            let key = register.operators.key(operator);
            for (owner, in_name) in &holders {
                let share = shares[row].or(*in_name);
                sums.entry(key.clone()).or_insert((0.0, origin.clone())).0 += share.unwrap_or(0.0);
                if share.is_none_or(|share| at_least(share, least)) {
                    parents.entry(key.clone()).or_default().push((owner.clone(), origin.clone()));
                }
            }
        }
    }
    let mut overfull = Spots::default();
    let over = sums.values().filter(|(sum, _)| *sum > 100.0 + SHARE_SLACK);
    over.for_each(|(_, origin)| overfull.add(&origin.file, origin.line));
    let message = "shares in one operator add up to more than 100 %";
    overfull.report(&name, Severity::Warning, Rule::ShareSum, message, findings);
    Ok(parents)
}

/// An operator and all its parents up to the last, each once, by key, with the row that says so.
fn owners(operator: &str, parents: &Parents, register: &KnownNames) -> Vec<(String, Origin)> {
    let itself = Origin { file: "".into(), line: 0 };
    let mut found = BTreeMap::from([(register.operators.key(operator), (operator.to_owned(), itself))]);
    let mut waiting: BTreeSet<String> = found.keys().cloned().collect();
    while let Some(key) = waiting.pop_first() {
        for (parent, origin) in parents.get(&key).into_iter().flatten() {
            let own = register.operators.key(parent);
            if !found.contains_key(&own) {
                found.insert(own.clone(), (register.operators.shown(parent), origin.clone()));
                waiting.insert(own);
            }
        }
    }
    found.into_values().collect()
}
