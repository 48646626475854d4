//! Which facilities stand within the fence, or on the pipes, of an organisation: a person has listed them.

use std::collections::HashSet;

use super::plan::{Declared, Plan, Settings};
use super::settings::{Between, PerimeterSource};
use super::stream::Steps;
use super::table::Table;
use super::texts::texts;
use super::{Asked, KnownNames, Reader, by_own_name, check_known, known_type};
use crate::error::Result;
use crate::finding::{Findings, Rule, Severity};

/// Reads `[memberships.NAME.perimeters]`: facility ids, each with the organisation whose perimeter it stands in.
pub(super) fn read(
    memberships: &str,
    source: &PerimeterSource,
    organisations: HashSet<&str>,
    (reader, register): (&mut Reader<'_>, &KnownNames),
    findings: &mut Findings,
) -> Result<Vec<(String, String)>> {
    let name = format!("{memberships}.perimeters");
    let mut columns = source.columns.clone();
    by_own_name(&mut columns, ["organisation", "facility", "source"]);
    let reading = source.reading();
    let opened = reader.open(&name, &reading, &columns, Asked::default(), findings)?;
    let types = |column: &str| known_type(&["organisation", "facility", "source"], &[], &[], column);
    let declared =
        Declared { reading: &reading, columns: &columns, contract: &source.contract, filters: &source.filters };
    let plan = Plan::new(&Settings::new(&name, declared, &types), &opened)?;
    let after = |table: &mut Table<'_>| {
        table.require(&["organisation", "facility"]);
        check_known(table, "facility", Between::Facility, register);
    };
    let accepted =
        reader.read(&opened, &plan, &Steps { after: &after, ..Steps::default() }, Some(register), findings)?;
    let message = "facilities that a filter or the quarantine took out of the register".to_owned();
    findings.add(Severity::Info, &name, Rule::LostReference, message, accepted.met.lost);
    let (bodies, facilities) = (texts(&accepted.frame, "organisation"), texts(&accepted.frame, "facility"));
    let rows: Vec<(String, String)> =
        facilities.into_iter().zip(bodies).filter_map(|(facility, body)| Some((facility?, body?))).collect();
    let strange = rows.iter().filter(|(_, body)| !organisations.contains(body.as_str())).count();
    let message = "perimeters of organisations that the memberships do not have: they observe nobody".to_owned();
    findings.add(Severity::Warning, &name, Rule::UnknownMember, message, strange);
    Ok(rows)
}
