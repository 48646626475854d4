//! Ties between firms: links, and memberships in organisations, checked against the register.

use std::collections::HashSet;

use super::facilities::{numbers, texts};
use super::plan::{Plan, Settings};
use super::settings::{Between, Contract, LinkSource, MembershipSource};
use super::stream::{Accepted, Steps};
use super::table::{Table, pipeline};
use super::{Asked, Reader, Register, known_type};
use crate::error::Result;
use crate::finding::{Findings, Rule, Severity};
use crate::sources::settings::Columns;
use crate::sources::{ColumnSpec, ColumnType, OneOrMany, Reading};
use crate::sql::Expression;

/// One source of ties.
#[derive(Debug)]
pub struct TieTable {
    /// Its name in the pipeline file.
    pub name: String,
    /// The kind of tie.
    pub kind: String,
    /// What ends and members name.
    pub between: Between,
    /// The facilities for which absence means none; `None`: all.
    pub observed: Option<Expression>,
    /// The rows.
    pub ties: Ties,
}

/// Links or memberships.
#[derive(Debug)]
pub enum Ties {
    /// From one end to another.
    Links(Vec<LinkRow>),
    /// Member and organisation, in the two fields of the row.
    Memberships(Vec<LinkRow>),
}

/// One tie, with the years in which it counts.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRow {
    /// The link's end, or the member.
    pub from: String,
    /// The other end, or the organisation.
    pub to: String,
    /// Weight, if the source gives one.
    pub weight: Option<f64>,
    /// First year; empty is open.
    pub from_year: Option<i64>,
    /// Last year; empty is open.
    pub to_year: Option<i64>,
    /// The source's own reference.
    pub source: Option<String>,
}

impl TieTable {
    /// Its key in the pipeline file: `links.NAME` or `memberships.NAME`.
    pub fn place(&self) -> String {
        let table = if matches!(self.ties, Ties::Links(_)) { "links" } else { "memberships" };
        format!("{table}.{}", self.name)
    }
}

impl LinkRow {
    /// Whether it counts in a period; without a period every tie does.
    pub fn counts_in(&self, period: Option<i64>) -> bool {
        period.is_none_or(|year| {
            self.from_year.is_none_or(|from| from <= year) && self.to_year.is_none_or(|to| year <= to)
        })
    }
}

fn types(column: &str) -> Option<ColumnType> {
    let text = ["from", "to", "member", "organisation", "source"];
    known_type(&text, &["weight"], &["from_year", "to_year"], column)
}

/// Reads and checks one `[links.NAME]`.
pub(super) fn read_links(
    link: &str,
    source: &LinkSource,
    reader: &mut Reader<'_>,
    register: &Register,
    findings: &mut Findings,
) -> Result<TieTable> {
    let name = format!("links.{link}");
    let after = |table: &mut Table<'_>| {
        table.require(&["from", "to"]);
        for row in 0..table.rows() {
            ["from", "to"].iter().for_each(|end| check_reference(table, row, end, source.between, register));
        }
    };
    let steps = Steps { after: &after, ..Steps::default() };
    let parts = (source.reading(), &source.columns, &source.contract, &source.filters);
    let accepted = read(&name, parts, &steps, reader, register, findings)?;
    report_lost(&name, accepted.met.lost, findings);
    let mut rows = rows(&accepted, "from", "to");
    if source.between == Between::Operator {
        for end in rows.iter_mut().flat_map(|row| [&mut row.from, &mut row.to]) {
            *end = register.operators.shown(end);
        }
    }
    report_repeats(&name, &rows, findings);
    let observed = observed(&name, source.observed.as_deref())?;
    Ok(TieTable {
        name: link.to_owned(),
        kind: source.kind.clone(),
        between: source.between,
        observed,
        ties: Ties::Links(rows),
    })
}

/// Reads and checks one `[memberships.NAME]`.
pub(super) fn read_members(
    body: &str,
    source: &MembershipSource,
    reader: &mut Reader<'_>,
    register: &Register,
    findings: &mut Findings,
) -> Result<TieTable> {
    let name = format!("memberships.{body}");
    let members = |cell: &str| split(cell, &source.separator, source.columns.get("member"));
    let after = |table: &mut Table<'_>| {
        table.require(&["member", "organisation"]);
        for row in (0..table.rows()).filter(|&row| table.is_kept(row)).collect::<Vec<_>>() {
            let named = members(table.text("member", row).unwrap_or_default());
            let (known, strange): (Vec<_>, Vec<_>) =
                named.into_iter().partition(|member| register.has(source.between, member));
            if source.between == Between::Operator {
                strange.iter().for_each(|name| *table.met.strangers.entry(name.clone()).or_default() += 1);
            }
            let gone = known.iter().filter(|member| !register.keeps(source.between, member)).count();
            table.met.lost += gone;
            if known.is_empty() {
                table.reject(row, "member", Rule::Reference, unknown(source.between));
            } else {
                table.met.unknown += strange.len();
            }
        }
    };
    let steps = Steps { after: &after, ..Steps::default() };
    let parts = (source.reading(), &source.columns, &source.contract, &source.filters);
    let accepted = read(&name, parts, &steps, reader, register, findings)?;
    report_lost(&name, accepted.met.lost, findings);
    let message = "members of a cell with several that the register does not have: left out".to_owned();
    findings.add(Severity::Info, "validate", &name, Rule::UnknownMember, message, accepted.met.unknown);
    let mut rows_of_members = Vec::new();
    for row in rows(&accepted, "member", "organisation") {
        let organisations = split(&row.to, &source.organisation_separator, source.columns.get("organisation"));
        for member in members(&row.from) {
            if register.has(source.between, &member) {
                let member = match source.between {
                    Between::Operator => register.operators.shown(&member),
                    Between::Facility => member,
                };
                let one =
                    |organisation: &String| LinkRow { from: member.clone(), to: organisation.clone(), ..row.clone() };
                rows_of_members.extend(organisations.iter().map(one));
            }
        }
    }
    let observed = observed(&name, source.observed.as_deref())?;
    Ok(TieTable {
        name: body.to_owned(),
        kind: source.kind.clone(),
        between: source.between,
        observed,
        ties: Ties::Memberships(rows_of_members),
    })
}

fn read(
    name: &str,
    (reading, columns, contract, filters): (Reading, &Columns, &Contract, &OneOrMany),
    steps: &Steps<'_>,
    reader: &mut Reader<'_>,
    register: &Register,
    findings: &mut Findings,
) -> Result<Accepted> {
    let opened = reader.open(name, &reading, columns, Asked::default())?;
    let settings = Settings::new(name, &reading, columns, contract, filters, &types);
    let plan = Plan::new(&settings, &opened)?;
    reader.read(&opened, &plan, steps, Some(register), findings)
}

fn rows(accepted: &Accepted, from: &str, to: &str) -> Vec<LinkRow> {
    let frame = &accepted.frame;
    let (from, to, source) = (texts(frame, from), texts(frame, to), texts(frame, "source"));
    let whole =
        |name: &str| numbers(frame, name).into_iter().map(|value| value.map(|value| value as i64)).collect::<Vec<_>>();
    let (weight, from_year, to_year) = (numbers(frame, "weight"), whole("from_year"), whole("to_year"));
    let row = |row: usize| LinkRow {
        from: from[row].clone().unwrap_or_default(),
        to: to[row].clone().unwrap_or_default(),
        weight: weight[row],
        from_year: from_year[row],
        to_year: to_year[row],
        source: source[row].clone(),
    };
    (0..frame.height()).map(row).collect()
}

fn observed(name: &str, text: Option<&str>) -> Result<Option<Expression>> {
    text.map(|text| Expression::parse(text, &format!("{name}.observed")).map_err(pipeline)).transpose()
}

/// The parts of a cell with several names, each without its share ("Shell (40%)") and read as `recode` says.
fn split(cell: &str, separators: &OneOrMany, spec: Option<&ColumnSpec>) -> Vec<String> {
    let mut parts = vec![cell];
    for separator in separators.0.iter().filter(|separator| !separator.is_empty()) {
        parts = parts.into_iter().flat_map(|part| part.split(separator.as_str())).collect();
    }
    let recode = |part: &str| spec.and_then(|spec| spec.recode.get(part)).map_or_else(|| part.to_owned(), Clone::clone);
    parts.into_iter().map(without_share).filter(|part| !part.is_empty()).map(recode).collect()
}

/// A name without the percentage in brackets that follows it.
fn without_share(name: &str) -> &str {
    let name = name.trim();
    let share = name.rsplit_once('(').and_then(|(before, share)| {
        let number = share.trim_end().strip_suffix(')')?.trim_end().strip_suffix('%')?.trim();
        let is_number = !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',');
        is_number.then(|| before.trim_end())
    });
    share.unwrap_or(name)
}

/// What is said of a name that the register does not have.
pub(super) fn unknown(between: Between) -> String {
    match between {
        Between::Facility => "no facility of the register has this id".into(),
        Between::Operator => "no facility of the register has this operator".into(),
    }
}

/// Rejects a row whose end the register never had; counts an end that `where` or the quarantine took away.
fn check_reference(table: &mut Table<'_>, row: usize, column: &str, between: Between, register: &Register) {
    if !table.is_kept(row) {
        return;
    }
    let name = table.text(column, row).unwrap_or_default();
    if register.has(between, name) {
        table.met.lost += usize::from(!register.keeps(between, name));
    } else {
        if between == Between::Operator {
            let name = name.to_owned();
            *table.met.strangers.entry(name).or_default() += 1;
        }
        table.reject(row, column, Rule::Reference, unknown(between));
    }
}

fn report_lost(name: &str, lost: usize, findings: &mut Findings) {
    let message = "ends or members that a filter or the quarantine took out of the register".to_owned();
    findings.add(Severity::Info, "validate", name, Rule::LostReference, message, lost);
}

fn report_repeats(name: &str, rows: &[LinkRow], findings: &mut Findings) {
    let selves = rows.iter().filter(|row| row.from == row.to).count();
    findings.add(
        Severity::Info,
        "validate",
        name,
        Rule::SelfLink,
        "links from one end to itself: not counted".into(),
        selves,
    );
    let mut seen = HashSet::new();
    let key = |row: &LinkRow| {
        let (a, b) = if row.from <= row.to { (&row.from, &row.to) } else { (&row.to, &row.from) };
        (a.clone(), b.clone(), row.from_year, row.to_year)
    };
    let repeated = rows.iter().filter(|row| row.from != row.to).filter(|row| !seen.insert(key(row))).count();
    findings.add(
        Severity::Info,
        "validate",
        name,
        Rule::DuplicateLink,
        "links given more than once: one tie".into(),
        repeated,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_in_brackets() {
        for (name, wanted) in [
            ("Shell (40%)", "Shell"),
            (" Equinor ASA (33.3 %) ", "Equinor ASA"),
            ("Conoco (UK)", "Conoco (UK)"),
            ("Conoco (UK) (12,5%)", "Conoco (UK)"),
            ("100%", "100%"),
            ("(40%)", ""),
        ] {
            assert_eq!(without_share(name), wanted);
        }
    }
}
