//! Ties that are given twice, contradict one another or tie nobody: settled, counted, and reported with their places.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::keys;
use super::settings::Between;
use super::ties::LinkRow;
use crate::finding::{Finding, Findings, Rule, Severity};

/// Shares in whole percents add up to a little more than 100.
pub(super) const SHARE_SLACK: f64 = 1.0;

/// Rows that show something, counted; the first of them are named.
#[derive(Default)]
pub(super) struct Spots {
    places: Vec<(Arc<str>, u64)>,
    count: usize,
}

impl Spots {
    const NAMED: usize = 5;

    /// Adds a row by its place.
    pub(super) fn add(&mut self, file: &Arc<str>, line: u64) {
        self.count += 1;
        if self.places.len() < Self::NAMED {
            self.places.push((Arc::clone(file), line));
        }
    }

    /// One finding for all, if there are any.
    pub(super) fn report(self, name: &str, severity: Severity, rule: Rule, message: &str, findings: &mut Findings) {
        let Some((file, line)) = self.places.first() else { return };
        let more: Vec<String> = self.places[1..].iter().map(|(_, line)| line.to_string()).collect();
        let rest = self.count - self.places.len();
        let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let message = if more.is_empty() {
            message.to_owned()
        } else {
            format!("{message} (also line {}{rest})", more.join(", "))
        };
        let mut finding = Finding::of(severity, name, rule, message, self.count);
        (finding.file, finding.line) = (file.to_string(), Some(*line));
        findings.findings.push(finding);
    }
}

/// What makes two rows one tie: the hash of both names with what they name, and the years.
type Key = (u128, [Between; 2], Option<i64>, Option<i64>);

fn key([from, to]: [(&str, Between); 2], row: &LinkRow) -> Key {
    (keys::hash([Some(from.0), Some(to.0)]), [from.1, to.1], row.from_year, row.to_year)
}

/// Both ends of a row, with what they name.
fn ends(row: &LinkRow) -> [(&str, Between); 2] {
    [(&row.from, row.levels[0]), (&row.to, row.levels[1])]
}

/// Leaves out links from one end to itself and links that are given again; where two rows give one link two weights, none
/// of them stands.
pub(super) fn settle_repeats(
    name: &str,
    rows: &mut Vec<LinkRow>,
    directed: bool,
    between: Between,
    findings: &mut Findings,
) {
    let (mut selves, mut repeated, mut contradicting) = (Spots::default(), Spots::default(), Spots::default());
    let mut first: HashMap<Key, usize> = HashMap::with_capacity(rows.len());
    let mut kept: Vec<LinkRow> = Vec::with_capacity(rows.len());
    // Links whose rows give two weights: whatever else is said, theirs is not known.
    let mut torn: HashSet<usize> = HashSet::new();
    for row in rows.drain(..) {
        if row.from == row.to && row.levels[0] == row.levels[1] && between != Between::Sector {
            // It ties nobody, and does not make its end observed.
            selves.add(&row.file, row.line);
            continue;
        }
        let [from, to] = ends(&row);
        let both = if directed || from <= to { [from, to] } else { [to, from] };
        match first.entry(key(both, &row)) {
            Entry::Vacant(entry) => {
                entry.insert(kept.len());
                kept.push(row);
            }
            Entry::Occupied(entry) => {
                let at = *entry.get();
                let earlier = &mut kept[at];
                if earlier.weight.is_some() && row.weight.is_some() && earlier.weight != row.weight {
                    earlier.weight = None;
                    torn.insert(at);
                    contradicting.add(&row.file, row.line);
                } else {
                    if !torn.contains(&at) {
                        earlier.weight = earlier.weight.or(row.weight);
                    }
                    repeated.add(&row.file, row.line);
                }
            }
        }
    }
    *rows = kept;
    selves.report(name, Severity::Info, Rule::SelfLink, "links from one end to itself: not counted", findings);
    repeated.report(name, Severity::Info, Rule::DuplicateLink, "links given more than once: one tie", findings);
    let message = "links given again with another weight: one tie, its weight not known";
    contradicting.report(name, Severity::Info, Rule::ContradictingLink, message, findings);
}

/// Leaves out memberships that are given again; reports organisations whose files name one member alone.
pub(super) fn settle_memberships(
    name: &str,
    rows: &mut Vec<LinkRow>,
    whole: &HashMap<String, usize>,
    findings: &mut Findings,
) {
    let (mut repeated, mut alone) = (Spots::default(), Spots::default());
    let mut seen = HashSet::with_capacity(rows.len());
    rows.retain(|row| {
        let is_new = seen.insert(key(ends(row), row));
        if !is_new {
            repeated.add(&row.file, row.line);
        }
        is_new
    });
    rows.iter().filter(|row| whole.get(&row.to) == Some(&1)).for_each(|row| alone.add(&row.file, row.line));
    repeated.report(name, Severity::Info, Rule::DuplicateLink, "memberships given more than once: one", findings);
    alone.report(name, Severity::Info, Rule::LoneMember, "organisations with one member: they tie nobody", findings);
}
