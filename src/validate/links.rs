//! Ties between firms: links, and memberships in organisations, checked against the register.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::Regex;

use super::plan::{Declared, Plan, Settings};
use super::settings::{Between, LinkSource, MembershipSource};
use super::settle::{SHARE_SLACK, Spots, settle_memberships, settle_repeats};
use super::stream::{Accepted, Steps};
use super::table::Table;
use super::texts::{Numbers, Texts};
use super::ties::{TieBuilder, TieRow, TieRows, TieTable, Ties};
use super::unknown::is_unknown;
use super::{Asked, KnownNames, Reader, check_known, known_type, perimeters};
use crate::error::{Error, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::sources::{ColumnSpec, ColumnType, OneOrMany};
use crate::sql::Expression;

const YEARS: [&str; 2] = ["from_year", "to_year"];
const KIND: &str = "kind";

/// What the columns hold; that of kinds is one like any other where the pipeline file says the `kind`.
fn types(kind: Option<&str>) -> impl Fn(&str) -> Option<ColumnType> {
    let is_plain = kind.is_some();
    move |column| {
        let text = ["from", "to", "member", "organisation", "source", "role", KIND];
        known_type(&text, &["weight"], &YEARS, column).filter(|_| !(is_plain && column == KIND))
    }
}

/// Reads and checks one `[links.NAME]`.
pub(super) fn read_links(
    link: &str,
    source: &LinkSource,
    reader: &mut Reader<'_>,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<Vec<TieTable>> {
    let name = format!("links.{link}");
    let after = |table: &mut Table<'_>| {
        table.require(if source.kind.is_some() { &["from", "to"] } else { &["from", "to", KIND] });
        ["from", "to"].iter().for_each(|end| check_known(table, end, source.between, register));
        for row in 0..table.rows() {
            check_weight(table, row);
            check_years(table, row);
        }
    };
    let steps = Steps { after: &after, ..Steps::default() };
    let (reading, contract, filters) = (&source.reading(), &source.contract, &source.filters);
    let declared = Declared { reading, columns: &source.columns, contract, filters };
    // Ids are no names: "NA" may be one.
    let names: &[&str] = if source.between == Between::Facility { &YEARS } else { &["from", "to", YEARS[0], YEARS[1]] };
    let accepted = read(
        &Settings { names, ..Settings::new(&name, declared, &types(source.kind.as_deref())) },
        &steps,
        reader,
        register,
        findings,
    )?;
    note_lost(&name, accepted.met.lost, findings);
    let mut table = |(kind, mut rows): (String, TieRows)| {
        if source.between == Between::Operator && register.operators.is_active() {
            rows = of_firms_and_plants(&rows, register);
        }
        Ok(TieTable {
            name: link.to_owned(),
            kind,
            between: source.between,
            directed: source.directed,
            inferred: false,
            observed: observed(&name, source.observed.as_deref())?,
            ties: Ties::Links(settle_repeats(&name, &rows, source.directed, source.between, findings)?),
            perimeters: Vec::new(),
        })
    };
    let (kinds, rows) = rows(accepted, ["from", "to"], source.between)?;
    by_kind(source.kind.as_deref(), &kinds, rows)?.into_iter().map(&mut table).collect()
}

/// Rows by the kind that a column gives, ascending; all of one kind where the pipeline file says it.
fn by_kind(kind: Option<&str>, kinds: &Texts, rows: TieRows) -> Result<BTreeMap<String, TieRows>> {
    if let Some(kind) = kind {
        return Ok(BTreeMap::from([(kind.to_owned(), rows)]));
    }
    let kind = |row: usize| kinds.get(row).unwrap_or_default();
    let found: BTreeSet<&str> = (0..rows.len()).map(kind).collect();
    let of_kind = |one: &str| {
        let stays: Vec<bool> = (0..rows.len()).map(|row| kind(row) == one).collect();
        Ok((one.to_owned(), rows.filter(&stays)?))
    };
    found.into_iter().map(of_kind).collect()
}

/// What a name of a source between operators means: the firm by the name that it goes by, or the plants that an alias names.
fn meant(name: &str, register: &KnownNames) -> Vec<(String, Between)> {
    let Some(plants) = register.operators.plants(name) else {
        return vec![(register.operators.shown(name), Between::Operator)];
    };
    let known = plants.iter().filter(|id| register.has(Between::Facility, id));
    known.map(|id| (id.clone(), Between::Facility)).collect()
}

/// Links between names as links between all that they mean.
fn of_firms_and_plants(rows: &TieRows, register: &KnownNames) -> TieRows {
    let mut found = TieBuilder::default();
    for row in rows.iter() {
        if register.operators.key(row.from) == register.operators.key(row.to) {
            // One name, whatever it means: a link from one end to itself.
            found.push(&TieRow { to: row.from, ..row });
            continue;
        }
        let (from, to) = (meant(row.from, register), meant(row.to, register));
        for from in &from {
            for to in &to {
                found.push(&TieRow { levels: [from.1, to.1], from: &from.0, to: &to.0, ..row });
            }
        }
    }
    found.finish()
}

/// Reads and checks one `[memberships.NAME]`.
pub(super) fn read_members(
    body: &str,
    source: &MembershipSource,
    reader: &mut Reader<'_>,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<Vec<TieTable>> {
    let name = format!("memberships.{body}");
    let after = |table: &mut Table<'_>| check_members(table, source, register);
    let steps = Steps { after: &after, ..Steps::default() };
    let (reading, contract, filters) = (&source.reading(), &source.contract, &source.filters);
    let declared = Declared { reading, columns: &source.columns, contract, filters };
    let of_operators = ["organisation", YEARS[0], YEARS[1], "member"];
    let names = if source.between() == Between::Operator { &of_operators[..] } else { &of_operators[..3] };
    let accepted = read(
        &Settings { names, ..Settings::new(&name, declared, &types(source.kind.as_deref())) },
        &steps,
        reader,
        register,
        findings,
    )?;
    note_lost(&name, accepted.met.lost, findings);
    let message = "members of a cell with several that the register does not have: left out".to_owned();
    findings.add(Severity::Info, &name, Rule::UnknownMember, message, accepted.met.unknown);
    let (kinds, rows) = rows(accepted, ["member", "organisation"], source.between())?;
    let by_kind = by_kind(source.kind.as_deref(), &kinds, rows)?.into_iter();
    let by_kind = by_kind.map(|(kind, rows)| Ok((kind, one_by_one(&name, source, &rows, register, findings)?)));
    let by_kind: Vec<(String, TieRows)> = by_kind.collect::<Result<_>>()?;
    let listed = by_kind.iter().flat_map(|(_, rows)| rows.iter()).map(|row| row.to).collect();
    let perimeters = source.perimeters.as_ref();
    let perimeters =
        perimeters.map(|perimeters| perimeters::read(&name, perimeters, listed, (reader, register), findings));
    let perimeters = perimeters.transpose()?.unwrap_or_default();
    let table = |(kind, rows): (String, TieRows)| {
        Ok(TieTable {
            name: body.to_owned(),
            kind,
            between: source.between(),
            directed: false,
            inferred: false,
            observed: observed(&name, source.observed.as_deref())?,
            perimeters: perimeters.clone(),
            ties: Ties::Memberships(rows),
        })
    };
    by_kind.into_iter().map(table).collect()
}

/// Rejects rows none of whose members the register ever had; counts those of the others that it never had, or no longer has.
fn check_members(table: &mut Table<'_>, source: &MembershipSource, register: &KnownNames) {
    let of_rows: &[&str] = if source.kind.is_some() { &[] } else { &[KIND] };
    table.require(&[&["member", "organisation"], of_rows].concat());
    for row in (0..table.rows()).filter(|&row| table.is_kept(row)).collect::<Vec<_>>() {
        check_years(table, row);
        if !table.is_kept(row) {
            continue;
        }
        let cell = table.text("member", row).unwrap_or_default();
        let names = split(cell, &source.separator, source.columns.get("member")).into_iter().map(|(name, _)| name);
        let (known, strange): (Vec<_>, Vec<_>) = names.partition(|member| register.has(source.between(), member));
        if source.between() == Between::Operator {
            strange.iter().for_each(|name| *table.met.strangers.entry(name.clone()).or_default() += 1);
        }
        table.met.lost += known.iter().filter(|member| register.left(source.between(), member) != Some(true)).count();
        if known.is_empty() {
            table.reject(row, "member", Rule::Reference, source.between().stranger());
        } else {
            table.met.unknown += strange.len();
        }
    }
}

/// Rows with several members or organisations to one row a membership.
fn one_by_one(
    name: &str,
    source: &MembershipSource,
    rows: &TieRows,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<TieRows> {
    let part = |cell: &str, separator: &OneOrMany, column: &str| split(cell, separator, source.columns.get(column));
    let (mut whole, mut overfull, mut found) = (HashMap::new(), Spots::default(), TieBuilder::default());
    for row in rows.iter() {
        let named = part(row.from, &source.separator, "member");
        let bodies = part(row.to, &source.organisation_separator, "organisation");
        let sum = |parts: &[(String, Option<f64>)]| parts.iter().filter_map(|(_, share)| *share).sum::<f64>();
        if sum(&named).max(sum(&bodies)) > 100.0 + SHARE_SLACK {
            overfull.add(row.file, row.line);
        }
        for (body, _) in &bodies {
            *whole.entry(body.clone()).or_insert(0_usize) += named.len();
        }
        for (member, share) in named.into_iter().filter(|(member, _)| register.has(source.between(), member)) {
            let of_operators = source.between() == Between::Operator;
            let members = if of_operators { meant(&member, register) } else { vec![(member, source.between())] };
            for (from, level) in members {
                for (body, of_body) in &bodies {
                    let share = share.or(*of_body);
                    found.push(&TieRow { levels: [level; 2], from: &from, to: body, share, ..row });
                }
            }
        }
    }
    overfull.report(name, Severity::Info, Rule::ShareSum, "shares of one row add up to more than 100 %", findings);
    settle_memberships(name, &found.finish(), &whole, findings)
}

fn read(
    settings: &Settings<'_>,
    steps: &Steps<'_>,
    reader: &mut Reader<'_>,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<Accepted> {
    let opened = reader.open(settings.name, settings.reading, settings.columns, Asked::default(), findings)?;
    let plan = Plan::new(settings, &opened)?;
    reader.read(&opened, &plan, steps, Some(register), findings)
}

/// The rows as ties, and the kind that a column gives each; no text of the files is copied.
fn rows(accepted: Accepted, [from, to]: [&str; 2], between: Between) -> Result<(Texts, TieRows)> {
    let Accepted { frame, paths, origin, .. } = accepted;
    let fail = || Error::table("reading ties");
    let rows = TieRows {
        from: Texts::of(&frame, from),
        to: Texts::of(&frame, to),
        level: Some([between; 2]),
        levels: Vec::new(),
        weight: Numbers::any(&frame, "weight").map_err(fail())?,
        from_year: Numbers::any(&frame, YEARS[0]).map_err(fail())?,
        to_year: Numbers::any(&frame, YEARS[1]).map_err(fail())?,
        source: Texts::of(&frame, "source"),
        share: Numbers::default(),
        role: Texts::of(&frame, "role"),
        files: paths,
        origin,
    };
    Ok((Texts::of(&frame, KIND), rows))
}

pub(super) fn observed(name: &str, text: Option<&str>) -> Result<Option<Expression>> {
    text.map(|text| Expression::parse(text, &format!("{name}.observed")).map_err(Error::pipeline)).transpose()
}

/// The parts of a cell with several names, each with its share ("Shell (40%)") and read as `recode` says; of several a word
/// for "unknown" is none.
pub(super) fn split(cell: &str, separators: &OneOrMany, spec: Option<&ColumnSpec>) -> Vec<(String, Option<f64>)> {
    let mut parts = vec![cell];
    for separator in separators.0.iter().filter(|separator| !separator.is_empty()) {
        parts = parts.into_iter().flat_map(|part| part.split(separator.as_str())).collect();
    }
    let recode = |part: &str| spec.and_then(|spec| spec.recode.get(part)).map_or_else(|| part.to_owned(), Clone::clone);
    let several = parts.len() > 1;
    let is_name = |part: &str| !(part.is_empty() || several && is_unknown(part));
    let parts = parts.into_iter().map(name_and_share).filter(|(part, _)| is_name(part));
    parts.map(|(part, share)| (recode(part), share)).collect()
}

/// The ids of a cell with several; where there is no separator the whole cell.
pub(super) fn ids(cell: &str, separators: &OneOrMany) -> Vec<String> {
    let mut parts = vec![cell];
    for separator in separators.0.iter().filter(|separator| !separator.is_empty()) {
        parts = parts.into_iter().flat_map(|part| part.split(separator.as_str())).collect();
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// A share beside a name, in any brackets or none: "Shell (40%)", "Shell [40.00%]", "Shell: 40 %", "40% Shell".
static SHARE: LazyLock<[Option<Regex>; 3]> = LazyLock::new(|| {
    let share = r"(?<share>\d+(?:[.,]\d+)?)\s*(?:%|per ?cent|pct\.?)";
    [
        format!(r"(?i)^(?<name>.*?)\s*[\(\[\{{]\s*{share}\s*[\)\]\}}]$"),
        format!(r"(?i)^(?<name>.*\S)\s*[-–—:,]?\s+{share}$"),
        format!(r"(?i)^{share}\s+(?<name>\S.*)$"),
    ]
    .map(|pattern| Regex::new(&pattern).ok())
});

/// A name without the share that stands beside it, and the share, percent.
fn name_and_share(name: &str) -> (&str, Option<f64>) {
    let name = name.trim();
    if !name.contains(|letter: char| letter.is_ascii_digit()) {
        return (name, None);
    }
    let found = SHARE.iter().flatten().find_map(|pattern| pattern.captures(name));
    let parts = found.and_then(|found| {
        let share = found["share"].replace(',', ".").parse().ok()?;
        let name = found.name("name")?.as_str().trim_end_matches([' ', '-', '–', '—', ':', ',']);
        Some((name, Some(share)))
    });
    parts.unwrap_or((name, None))
}

/// Rejects a row whose end the register never had; counts an end that `where` or the quarantine took away.
fn note_lost(name: &str, lost: usize, findings: &mut Findings) {
    let message = "ends or members that a filter or the quarantine took out of the register".to_owned();
    findings.add(Severity::Info, name, Rule::LostReference, message, lost);
}

/// A link has a weight above 0 or none.
fn check_weight(table: &mut Table<'_>, row: usize) {
    let weight = table.number("weight", row);
    if weight.is_some_and(|weight| weight <= 0.0) && table.is_kept(row) {
        let message =
            "a weight is above 0: leave the cell empty where it is not known, and the row out where there is no tie";
        table.reject(row, "weight", Rule::Min, message.into());
    }
}

/// A tie ends no sooner than it begins.
fn check_years(table: &mut Table<'_>, row: usize) {
    let years = table.number("from_year", row).zip(table.number("to_year", row));
    if let Some((from, to)) = years.filter(|(from, to)| from > to)
        && table.is_kept(row)
    {
        let message = format!("the tie ends in {to} before it begins in {from}: are the two columns exchanged?");
        table.reject(row, "to_year", Rule::Years, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_in_brackets() {
        for (name, wanted) in [
            ("Shell (40%)", ("Shell", Some(40.0))),
            (" Equinor ASA (33.3 %) ", ("Equinor ASA", Some(33.3))),
            ("Conoco (UK)", ("Conoco (UK)", None)),
            ("Conoco (UK) (12,5%)", ("Conoco (UK)", Some(12.5))),
            ("100%", ("100%", None)),
            ("(40%)", ("", Some(40.0))),
            ("Alpha SA [60.00%]", ("Alpha SA", Some(60.0))),
            ("Alpha SA [ 60,5 % ]", ("Alpha SA", Some(60.5))),
            ("Alpha {7 per cent}", ("Alpha", Some(7.0))),
            ("Alpha SA 60%", ("Alpha SA", Some(60.0))),
            ("Alpha SA - 60 %", ("Alpha SA", Some(60.0))),
            ("Alpha SA: 60%", ("Alpha SA", Some(60.0))),
            ("60% Alpha SA", ("Alpha SA", Some(60.0))),
            ("Studio 54 [12]", ("Studio 54 [12]", None)),
            ("3M", ("3M", None)),
        ] {
            assert_eq!(name_and_share(name), wanted);
        }
    }
}
