//! Ties that are given twice, contradict one another or tie nobody: settled, counted, and reported with their places.

use std::collections::{BTreeMap, HashMap};

use rayon::prelude::*;

use super::keys;
use super::settings::Between;
use super::ties::{TieRow, TieRows};
use crate::error::Result;
use crate::finding::{Finding, Findings, Rule, Severity};

/// Shares in whole percents add up to a little more than 100.
pub(super) const SHARE_SLACK: f64 = 1.0;

/// Rows that show something, counted; the first of them are named.
#[derive(Default)]
pub(super) struct Spots {
    places: Vec<(String, u64)>,
    count: usize,
}

impl Spots {
    const NAMED: usize = 5;

    /// None yet.
    pub(super) const fn new() -> Self {
        Self { places: Vec::new(), count: 0 }
    }

    /// Adds a row by its place.
    pub(super) fn add(&mut self, file: &str, line: u64) {
        self.count += 1;
        if self.places.len() < Self::NAMED {
            self.places.push((file.to_owned(), line));
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
        (finding.file, finding.line) = (file.clone(), Some(*line));
        findings.findings.push(finding);
    }
}

/// Of each row what makes two rows one tie: both names with what they name, and the years. Links that do not lead from one
/// end to the other are turned round.
fn identities(rows: &TieRows, is_turned: impl Fn(&TieRow<'_>) -> bool + Sync) -> Vec<(u128, u32)> {
    let of = |at: usize| {
        let row = rows.get(at);
        let mut ends = [(row.from, row.levels[0]), (row.to, row.levels[1])];
        if is_turned(&row) {
            ends.reverse();
        }
        let level = |between: Between| ["facility", "operator", "sector"][between as usize];
        let years = [row.from_year, row.to_year].map(|year| year.map(|year| year.to_string()));
        let [from, to] = ends.map(|(name, between)| [Some(name), Some(level(between))]);
        let named = from.into_iter().chain(to);
        let identity = if years == [None, None] {
            keys::hash(named)
        } else {
            keys::hash(named.chain(years.iter().map(Option::as_deref)))
        };
        (identity, at as u32)
    };
    let mut identities: Vec<(u128, u32)> = (0..rows.len()).into_par_iter().map(of).collect();
    identities.par_sort_unstable();
    identities
}

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    LeadsToItself,
    Repeats,
    Contradicts,
}

/// Leaves out links from one end to itself and links that are given again; where two rows give one link two weights, none
/// of them stands.
pub(super) fn settle_repeats(
    name: &str,
    rows: &TieRows,
    directed: bool,
    between: Between,
    findings: &mut Findings,
) -> Result<TieRows> {
    let is_turned = |row: &TieRow<'_>| !directed && (row.from, row.levels[0]) > (row.to, row.levels[1]);
    let mut fates = vec![Fate::Stays; rows.len()];
    let mut weights: BTreeMap<u32, Option<f64>> = BTreeMap::new();
    for same in identities(rows, is_turned).chunk_by(|a, b| a.0 == b.0) {
        let first = same[0].1;
        let (levels, is_itself) = (rows.levels(first as usize), rows.from(first as usize) == rows.to(first as usize));
        if is_itself && levels[0] == levels[1] && between != Between::Sector {
            // It ties nobody, and does not make its end observed.
            same.iter().for_each(|&(_, row)| fates[row as usize] = Fate::LeadsToItself);
            continue;
        }
        let (mut weight, mut is_torn) = (rows.weight.get(first as usize), false);
        for &(_, row) in &same[1..] {
            let own = rows.weight.get(row as usize);
            fates[row as usize] = if weight.is_some() && own.is_some() && weight != own {
                // Whatever else is said, the weight of this link is not known.
                (weight, is_torn) = (None, true);
                Fate::Contradicts
            } else {
                weight = if is_torn { None } else { weight.or(own) };
                Fate::Repeats
            };
        }
        if weight != rows.weight.get(first as usize) {
            weights.insert(first, weight);
        }
    }
    let mut spots = [const { Spots::new() }; 3];
    for (row, fate) in fates.iter().enumerate().filter(|(_, fate)| **fate != Fate::Stays) {
        let of = rows.get(row);
        spots[*fate as usize - 1].add(of.file, of.line);
    }
    let [selves, repeated, contradicting] = spots;
    selves.report(name, Severity::Info, Rule::SelfLink, "links from one end to itself: not counted", findings);
    repeated.report(name, Severity::Info, Rule::DuplicateLink, "links given more than once: one tie", findings);
    let message = "links given again with another weight: one tie, its weight not known";
    contradicting.report(name, Severity::Info, Rule::ContradictingLink, message, findings);
    let stays: Vec<bool> = fates.iter().map(|fate| *fate == Fate::Stays).collect();
    rows.with_weights(&weights).filter(&stays)
}

/// Leaves out memberships that are given again; reports organisations whose files name one member alone.
pub(super) fn settle_memberships(
    name: &str,
    rows: &TieRows,
    whole: &HashMap<String, usize>,
    findings: &mut Findings,
) -> Result<TieRows> {
    let mut stays = vec![true; rows.len()];
    for same in identities(rows, |_| false).chunk_by(|a, b| a.0 == b.0) {
        same[1..].iter().for_each(|&(_, row)| stays[row as usize] = false);
    }
    let (mut repeated, mut alone) = (Spots::new(), Spots::new());
    for (row, stays) in rows.iter().zip(&stays) {
        if !stays {
            repeated.add(row.file, row.line);
        } else if whole.get(row.to) == Some(&1) {
            alone.add(row.file, row.line);
        }
    }
    repeated.report(name, Severity::Info, Rule::DuplicateLink, "memberships given more than once: one", findings);
    alone.report(name, Severity::Info, Rule::LoneMember, "organisations with one member: they tie nobody", findings);
    rows.filter(&stays)
}

#[cfg(test)]
mod tests {
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::super::ties::TieBuilder;
    use super::*;

    /// Row by row, each held against all that were kept before it.
    fn one_by_one(rows: &TieRows, directed: bool) -> (Vec<(u64, Option<f64>)>, [usize; 3]) {
        let mut kept: Vec<(TieRow<'_>, Option<f64>, bool)> = Vec::new();
        let (mut selves, mut repeated, mut contradicting) = (0, 0, 0);
        for row in rows.iter() {
            let ends = |row: &TieRow<'_>| [(row.from.to_owned(), row.levels[0]), (row.to.to_owned(), row.levels[1])];
            if ends(&row)[0] == ends(&row)[1] {
                selves += 1;
                continue;
            }
            let is_same = |other: &TieRow<'_>| {
                let [mut a, mut b] = [ends(&row), ends(other)];
                if !directed {
                    [&mut a, &mut b].into_iter().for_each(|ends| ends.sort());
                }
                a == b && [row.from_year, row.to_year] == [other.from_year, other.to_year]
            };
            match kept.iter_mut().find(|(other, ..)| is_same(other)) {
                None => kept.push((row, row.weight, false)),
                Some((_, weight, is_torn)) => {
                    if weight.is_some() && row.weight.is_some() && *weight != row.weight {
                        (*weight, *is_torn) = (None, true);
                        contradicting += 1;
                    } else {
                        *weight = if *is_torn { None } else { weight.or(row.weight) };
                        repeated += 1;
                    }
                }
            }
        }
        (kept.into_iter().map(|(row, weight, _)| (row.line, weight)).collect(), [selves, repeated, contradicting])
    }

    #[test]
    fn all_at_once_is_one_by_one() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(26);
        let mut below = |limit: u32| random.next_u32() % limit;
        let names = ["a", "b", "c", "a name of more than twelve letters", "é"];
        for trial in 0..300 {
            let directed = trial % 2 == 0;
            let mut rows = TieBuilder::default();
            for line in 0..u64::from(1 + below(60)) {
                let levels =
                    [below(8), below(8)].map(|one| [Between::Facility, Between::Operator][usize::from(one == 0)]);
                let [from, to] = [names[below(5) as usize], names[below(5) as usize]];
                let weight = (below(3) > 0).then(|| f64::from(below(2)));
                let [from_year, to_year] =
                    [below(8), below(8)].map(|one| Some(i64::from(2000 + one)).filter(|_| one < 2));
                let tie = TieRow {
                    levels,
                    from,
                    to,
                    weight,
                    from_year,
                    to_year,
                    source: None,
                    share: None,
                    role: None,
                    file: "f",
                    line,
                };
                rows.push(&tie);
            }
            let rows = rows.finish();
            let (wanted, counts) = one_by_one(&rows, directed);
            let mut findings = Findings::default();
            let settled = settle_repeats("links.x", &rows, directed, Between::Facility, &mut findings).unwrap();
            assert_eq!(settled.iter().map(|row| (row.line, row.weight)).collect::<Vec<_>>(), wanted);
            let rules = [Rule::SelfLink, Rule::DuplicateLink, Rule::ContradictingLink];
            let count = |rule: Rule| -> u64 {
                findings.findings.iter().filter(|one| one.rule == rule).map(|one| one.count).sum()
            };
            assert_eq!(rules.map(count), counts.map(|count| count as u64));
        }
    }
}
