//! Ties that no file gives: facilities of one owner, and the place of those near one feature of a layer, which `measure`
//! fills.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::facilities::{numbers, texts};
use super::links::observed;
use super::plan::{Plan, Settings};
use super::settings::{Between, MembershipSource};
use super::stream::Steps;
use super::table::Table;
use super::{Asked, Facilities, Layer, LinkRow, Reader, Register, TieTable, Ties, known_type};
use crate::error::Result;
use crate::finding::{Finding, Findings, Rule, Severity};

/// Smallest share that makes a parent, percent.
const LEAST_SHARE: f64 = 50.0;
/// Shares in whole percents add up to a little more than 100.
const SLACK: f64 = 1.0;

/// The memberships of `layer`, without their rows: places are measured later.
pub(super) fn near(name: &str, source: &MembershipSource, layers: &[Layer]) -> Result<TieTable> {
    let wanted = source.layer.as_deref();
    let position = layers.iter().position(|layer| Some(layer.name.as_str()) == wanted);
    let near = position.zip(source.within_km);
    inferred(name, source, near, Vec::new(), "lon IS NOT NULL")
}

/// Facilities as members of their operator and of its parents.
pub(super) fn owned(
    name: &str,
    source: &MembershipSource,
    reader: &mut Reader<'_>,
    facilities: &Facilities,
    register: &Register,
    findings: &mut Findings,
) -> Result<TieTable> {
    let parents =
        if source.path.0.is_empty() { BTreeMap::new() } else { parents(name, source, reader, register, findings)? };
    let mut rows = Vec::new();
    for row in 0..facilities.rows() {
        let Some(operator) = facilities.operator.get(row) else { continue };
        let itself = Origin { file: "".into(), line: 0 };
        for (_, (owner, origin)) in owners(operator, &itself, &parents, register) {
            let year = facilities.period[row];
            rows.push(LinkRow {
                from: facilities.ids[facilities.facility[row]].to_owned(),
                to: owner,
                weight: None,
                from_year: year,
                to_year: year,
                source: None,
                share: None,
                role: Some("owner".into()),
                file: origin.file,
                line: origin.line,
            });
        }
    }
    inferred(name, source, None, rows, "operator IS NOT NULL")
}

fn inferred(
    name: &str,
    source: &MembershipSource,
    near: Option<(usize, f64)>,
    rows: Vec<LinkRow>,
    known: &str,
) -> Result<TieTable> {
    Ok(TieTable {
        name: name.to_owned(),
        kind: source.kind().to_owned(),
        between: Between::Facility,
        directed: false,
        inferred: true,
        near,
        observed: observed(&format!("memberships.{name}"), Some(source.observed.as_deref().unwrap_or(known)))?,
        ties: Ties::Memberships(rows),
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
    register: &Register,
    findings: &mut Findings,
) -> Result<Parents> {
    let name = format!("memberships.{name}");
    let reading = source.reading();
    let opened = reader.open(&name, &reading, &source.columns, Asked::default())?;
    let types = |column: &str| known_type(&["operator", "parent", "source"], &["share"], &[], column);
    let settings = Settings::new(&name, &reading, &source.columns, &source.contract, &source.filters, &types);
    let plan = Plan::new(&settings, &opened)?;
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
    let mut sums: BTreeMap<String, (f64, u64)> = BTreeMap::new();
    for (row, (operator, owner)) in operators.into_iter().zip(owners).enumerate() {
        let (Some(operator), Some(owner)) = (operator, owner) else { continue };
        let origin = accepted.origin[row];
        let sum = sums.entry(register.operators.key(&operator)).or_insert((0.0, origin.line));
        sum.0 += shares[row].unwrap_or(0.0);
        if shares[row].is_none_or(|share| share >= least) {
            let origin = Origin { file: Arc::clone(&accepted.paths[origin.file as usize]), line: origin.line };
            parents.entry(register.operators.key(&operator)).or_default().push((owner, origin));
        }
    }
    let over: Vec<(&String, u64)> = sums
        .iter()
        .filter(|(_, (sum, _))| *sum > 100.0 + SLACK)
        .map(|(operator, (_, line))| (operator, *line))
        .collect();
    if let Some((operator, line)) = over.first() {
        let message = format!("shares in one operator add up to more than 100 %, as in `{operator}`");
        let mut finding = Finding::of(Severity::Warning, "validate", &name, Rule::ShareSum, message, over.len());
        (finding.file, finding.line) = (accepted.paths[0].to_string(), Some(*line));
        findings.findings.push(finding);
    }
    Ok(parents)
}

/// An operator and all its parents up to the last, each once, by key.
fn owners(
    operator: &str,
    itself: &Origin,
    parents: &Parents,
    register: &Register,
) -> BTreeMap<String, (String, Origin)> {
    let mut found = BTreeMap::new();
    let mut waiting = BTreeSet::new();
    found.insert(register.operators.key(operator), (register.operators.shown(operator), itself.clone()));
    waiting.insert(register.operators.key(operator));
    while let Some(key) = waiting.pop_first() {
        for (parent, origin) in parents.get(&key).into_iter().flatten() {
            let own = register.operators.key(parent);
            if !found.contains_key(&own) {
                found.insert(own.clone(), (register.operators.shown(parent), origin.clone()));
                waiting.insert(own);
            }
        }
    }
    found
}
