//! The share of a source that may be rejected.

use super::account::Account;
use super::plan::Plan;
use crate::declared::at_most;
use crate::error::Problem;
use crate::finding::{Rejection, Rule};

/// The problem that a source's rejected rows or tonnes are, if they are more than its contract allows.
pub fn too_many_rejected(plan: &Plan<'_>, account: &Account, rejections: &[Rejection]) -> Option<Problem> {
    let contract = plan.contract;
    let (kept, rejected) = (account.kept.rows, account.quarantined.rows);
    let tonnes = account.quarantined.tonnes.unwrap_or(0.0);
    let all_tonnes = tonnes + account.kept.tonnes.unwrap_or(0.0);
    let passes = |part: f64, all: f64, most: f64| part > 0.0 && !at_most(part / all, most);
    let rows_over = passes(rejected as f64, (kept + rejected) as f64, contract.max_rejected);
    let tonnes_over = contract.max_rejected_tonnes.filter(|most| passes(tonnes, all_tonnes, *most));
    let message = match (rows_over, tonnes_over) {
        (true, _) => format!(
            "{rejected} of {} rows are rejected ({:.1} %), more than max_rejected = {}",
            kept + rejected,
            rejected as f64 / (kept + rejected) as f64 * 100.0,
            contract.max_rejected
        ),
        (false, Some(most)) => format!(
            "{tonnes:.0} of {all_tonnes:.0} t are rejected ({:.1} %), more than max_rejected_tonnes = {most}",
            tonnes / all_tonnes * 100.0
        ),
        (false, None) => return None,
    };
    let mut evidence: Vec<String> = rejections.iter().take(5).map(show).collect();
    if rejections.len() > evidence.len() {
        evidence.push(format!("… and {} more", rejections.len() - evidence.len()));
    }
    Some(Problem {
        place: plan.name.to_string(),
        message,
        evidence,
        hint: format!(
            "repair these rows, or raise [{}.contract] max_rejected; `forerunner check PIPELINE --json` lists them all",
            plan.name
        ),
    })
}

/// The same for the rows of the joined file that do not parse or have no key; further rows of a key are a finding.
pub fn too_many_broken(plan: &Plan<'_>, account: &Account, rejections: &[Rejection]) -> Option<Problem> {
    let broken: Vec<&Rejection> = rejections.iter().filter(|row| row.rule != Rule::Unique).collect();
    let (count, all) = (broken.len() as f64, (account.kept.rows + account.quarantined.rows) as f64);
    if broken.is_empty() || at_most(count / all, plan.contract.max_rejected) {
        return None;
    }
    let most = plan.contract.max_rejected;
    let message =
        format!("{count} of {all} rows are rejected ({:.1} %), more than max_rejected = {most}", count / all * 100.0);
    let hint = format!("repair these rows, leave them out with [{}.join] where_raw, or raise max_rejected", plan.name);
    let evidence = broken.into_iter().take(5).map(show).collect();
    Some(Problem { place: format!("{}.join", plan.name), message, evidence, hint })
}

fn show(row: &Rejection) -> String {
    let column = if row.column.is_empty() { String::new() } else { format!("  {}", row.column) };
    let value: String = row.value.chars().take(60).collect();
    format!("{} line {}{column}  \"{value}\"  {}", row.file, row.line, row.message)
}
