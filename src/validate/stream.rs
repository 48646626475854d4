//! A whole source through its checks, batch by batch: the order of its rows, its keys and its thresholds. Memory
//! grows with what is kept and rejected, not with the files.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use geo::Geometry;
use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::account::{Account, Filtered, Tally};
use super::cells::Seen;
use super::keys::{self, KeyedRow, Keys, Repeat};
use super::plan::Plan;
use super::profile::{Profile, Sampled};
use super::settings::Keep;
use super::table::{FILLED, Met, Passed, Table, Warnings};
use super::{merge, threshold};
use crate::error::{Error, Problem, Result};
use crate::finding::{Finding, Findings, Rejection, Rule, Severity};
use crate::names::EMISSIONS;
use crate::sources::{Batch, Origin, Source, sift};

/// What a kind of source does with a batch between the common steps.
pub struct Steps<'s> {
    /// After conversion: places, missing columns.
    pub before: &'s (dyn Fn(&mut Table<'_>) + Sync),
    /// After the filters, before the contract: what must hold of this kind of source.
    pub after: &'s (dyn Fn(&mut Table<'_>) + Sync),
    /// After the contract: what is to be known of the rows that are left.
    pub last: &'s (dyn Fn(&Table<'_>) + Sync),
    /// Whether a row without a joined one is rejected.
    pub join_required: bool,
    /// Who else takes the files through these steps; `None`: nobody.
    pub elsewhere: Option<&'s Elsewhere<'s>>,
}

impl Default for Steps<'_> {
    fn default() -> Self {
        Self { before: &|_| {}, after: &|_| {}, last: &|_| {}, join_required: true, elsewhere: None }
    }
}

/// What is kept of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Rows that may be held; past them rows are checked and let go. `None`: all are held.
    pub hold: Option<usize>,
    /// Whether to describe the columns.
    pub profile: bool,
}

/// A source that has passed its checks.
pub struct Accepted {
    /// The kept rows, under our names.
    pub frame: DataFrame,
    /// Where each kept row stood.
    pub origin: Vec<Origin>,
    /// Geometries of the kept rows, if the source has places.
    pub geometry: Vec<Option<Geometry>>,
    /// The paths of the files.
    pub paths: Vec<Arc<str>>,
    /// Rows and tonnes.
    pub accounts: Vec<Account>,
    /// All rows of the files.
    pub rows_read: u64,
    /// Names of the register that were met.
    pub met: Met,
    /// What the columns hold.
    pub profile: Option<Profile>,
    /// The threshold that was passed, if one was.
    pub problem: Option<Problem>,
}

/// A batch's results on the way to the whole.
#[derive(Serialize, Deserialize)]
pub(super) struct CheckedBatch {
    file: u32,
    passed: Passed,
    origin: Vec<Origin>,
    /// Of each set of unique columns the hash and the first value of every kept row.
    keys: Vec<Vec<(u128, String)>>,
    #[serde(skip)]
    sampled: Option<Vec<Sampled>>,
}

/// The batches of all files, in their order, as others have checked them; given what the columns have shown so far.
pub(super) type Elsewhere<'a> = dyn Fn(&[Seen]) -> Result<Vec<CheckedBatch>> + Sync + 'a;

/// Reads and checks all rows of a source.
///
/// # Errors
///
/// [`Error::Data`] where a file does not read to its end, [`Error::Pipeline`] for expressions that do not fit.
pub fn read(
    source: &Source,
    plan: &Plan<'_>,
    steps: &Steps<'_>,
    scope: Scope,
    findings: &mut Findings,
) -> Result<Accepted> {
    let guesses = first_guesses(source, plan)?;
    let (whole, files) = rayon::join(|| pass(source, plan, steps, scope, &guesses), || source.fingerprints());
    let (mut whole, mut guesses) = (whole?, guesses);
    while whole.guesses != guesses {
        // A later value showed more than the first did: types rest on all values, so all are read once more.
        guesses = whole.guesses;
        whole = pass(source, plan, steps, scope, &guesses)?;
    }
    whole.account.files = files?;
    whole.accept(source, plan, findings)
}

/// What the first rows of every file show of columns without a declared type.
fn first_guesses(source: &Source, plan: &Plan<'_>) -> Result<Vec<Seen>> {
    let mut guesses = vec![Seen::Nothing; plan.columns.len()];
    if plan.columns.iter().all(|planned| planned.declared.is_some()) {
        return Ok(guesses);
    }
    for batch in source.first()? {
        let (left, _) = sift(&plan.raw_filters, &batch)?;
        for (position, planned) in plan.columns.iter().enumerate().filter(|(_, planned)| planned.declared.is_none()) {
            for &row in &left {
                let value = planned.parts[0].value(&batch, row, plan);
                let seen = value.map_or(Seen::Nothing, |(text, numerals)| Seen::of(&text, numerals));
                guesses[position] = guesses[position].max(seen);
            }
        }
    }
    Ok(guesses)
}

/// Some of the files through all steps, batch by batch; `files` are positions in the list of all.
pub(super) fn part(
    source: &Source,
    plan: &Plan<'_>,
    steps: &Steps<'_>,
    (files, guesses): (std::ops::Range<usize>, &[Seen]),
) -> Result<Vec<CheckedBatch>> {
    let unique = plan.unique();
    let wanted = Wanted { profile: false, table: true, guesses, unique: &unique };
    let mut batches = Vec::new();
    source.stream_some(files, &|batch| one(&batch, plan, steps, wanted), &mut |batch| {
        batches.push(batch);
        Ok(())
    })?;
    Ok(batches)
}

fn pass(source: &Source, plan: &Plan<'_>, steps: &Steps<'_>, scope: Scope, guesses: &[Seen]) -> Result<Whole> {
    let unique = plan.unique();
    let holds = AtomicBool::new(true);
    let work = |batch: Batch| {
        let needs_table = holds.load(Ordering::Relaxed) || !plan.filters.is_empty() || !plan.checks.is_empty();
        one(&batch, plan, steps, Wanted { profile: scope.profile, table: needs_table, guesses, unique: &unique })
    };
    // A batch without rows shows the columns that there will be.
    let wanted = Wanted { profile: scope.profile, table: true, guesses, unique: &[] };
    let empty = one(&source.empty(), plan, steps, wanted)?;
    let mut whole = Whole {
        frame: empty.passed.frame,
        origin: Vec::new(),
        geometry: Vec::new(),
        account: Account { source: plan.name.to_string(), ..empty.passed.account },
        rejections: Vec::new(),
        warnings: Warnings::new(),
        guesses: guesses.to_vec(),
        keys: unique.iter().map(|_| Keys::default()).collect(),
        numbered: 0,
        rows_of_file: vec![0; source.paths().len()],
        profile: empty.sampled.map(Profile::new),
        met: Met::default(),
        hold: scope.hold,
        let_go: false,
    };
    if let Some(elsewhere) = steps.elsewhere {
        elsewhere(guesses)?.into_iter().try_for_each(|batch| whole.take(batch))?;
        return Ok(whole);
    }
    source.stream(&work, &mut |part| {
        whole.take(part)?;
        holds.store(!whole.let_go, Ordering::Relaxed);
        Ok(())
    })?;
    Ok(whole)
}

/// What is to come of a batch, beside its account.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    profile: bool,
    table: bool,
    /// What the cells of each column were seen to hold.
    guesses: &'a [Seen],
    /// Lists of columns whose cells must be together unique.
    unique: &'a [Vec<String>],
}

/// One batch through all steps.
fn one(batch: &Batch, plan: &Plan<'_>, steps: &Steps<'_>, wanted: Wanted<'_>) -> Result<CheckedBatch> {
    let Wanted { guesses, unique, .. } = wanted;
    let mut table = Table::convert(plan, batch, guesses, steps.join_required)?;
    (steps.before)(&mut table);
    // Rows that are let go need no table, if no expression asks for one.
    let frame = if wanted.table { table.frame()? } else { DataFrame::empty() };
    if table.rows() == 0 && wanted.table {
        plan.check(frame.schema())?;
    }
    table.filter(&frame)?;
    (steps.after)(&mut table);
    table.contract(&frame)?;
    (steps.last)(&table);
    let sampled = wanted.profile.then(|| Sampled::of(&table, &batch.origin));
    let key = |columns: &Vec<String>| {
        let cell = |row: usize, name: &String| table.column(name).and_then(|cells| cells.shown(row));
        let kept = (0..table.rows()).filter(|&row| table.is_kept(row));
        kept.map(|row| {
            let cells: Vec<_> = columns.iter().map(|name| cell(row, name)).collect();
            let shown = cells.first().and_then(|cell| cell.as_deref()).unwrap_or_default().to_owned();
            (keys::hash(cells.iter().map(Option::as_deref)), shown)
        })
        .collect()
    };
    let keys = unique.iter().map(key).collect();
    let passed = table.pass(wanted.table.then_some(&frame))?;
    let origin = passed.kept.iter().map(|&row| batch.origin[row]).collect();
    let file = batch.position;
    Ok(CheckedBatch { file, passed, origin, keys, sampled })
}

/// A source as it comes together.
struct Whole {
    frame: DataFrame,
    origin: Vec<Origin>,
    geometry: Vec<Option<Geometry>>,
    account: Account,
    rejections: Vec<Rejection>,
    warnings: Warnings,
    guesses: Vec<Seen>,
    keys: Vec<Keys>,
    /// Kept rows so far.
    numbered: u64,
    rows_of_file: Vec<u64>,
    profile: Option<Profile>,
    met: Met,
    hold: Option<usize>,
    let_go: bool,
}

impl Whole {
    fn take(&mut self, part: CheckedBatch) -> Result<()> {
        let passed = part.passed;
        for (position, seen) in &passed.widened {
            self.guesses[*position] = self.guesses[*position].max(*seen);
        }
        if !passed.widened.is_empty() {
            self.let_go = true;
        }
        self.rows_of_file[part.file as usize] += passed.account.read.rows;
        self.account.merge(passed.account);
        self.met.lost += passed.met.lost;
        self.met.unknown += passed.met.unknown;
        for (name, count) in passed.met.strangers {
            *self.met.strangers.entry(name).or_default() += count;
        }
        self.rejections.extend(passed.rejections);
        for (what, (file, line, count)) in passed.warnings {
            self.warnings.entry(what).or_insert((file, line, 0)).2 += count;
        }
        if let (Some(profile), Some(sampled)) = (&mut self.profile, part.sampled) {
            profile.add(sampled);
        }
        for (keys, rows) in self.keys.iter_mut().zip(part.keys) {
            for (at, (hash, shown)) in rows.into_iter().enumerate() {
                let number = self.numbered + at as u64;
                let (origin, tonnes) = (part.origin[at], passed.tonnes[at]);
                keys.push(hash, &KeyedRow { number, origin, tonnes, shown })?;
            }
        }
        self.numbered += part.origin.len() as u64;
        if self.let_go || self.hold.is_some_and(|most| self.frame.height() + part.origin.len() > most) {
            self.let_go = true;
            self.frame = self.frame.clear();
            (self.origin, self.geometry) = (Vec::new(), Vec::new());
            return Ok(());
        }
        self.frame.vstack_mut_owned(passed.frame).map_err(Error::table("joining batches"))?;
        self.origin.extend(part.origin);
        self.geometry.extend(passed.geometry);
        Ok(())
    }

    fn accept(mut self, source: &Source, plan: &Plan<'_>, findings: &mut Findings) -> Result<Accepted> {
        self.frame.rechunk_mut();
        self.settle_keys(plan, findings)?;
        self.rejections.sort();
        if plan.column(EMISSIONS).is_none() {
            self.account.without_tonnes();
        }
        self.note(source, plan, findings);
        let mut accounts = vec![self.account];
        let mut problem = threshold::too_many_rejected(plan, &accounts[0], &self.rejections);
        if let Some(joined) = &source.joined {
            accounts.push(joined_account(&plan.name, joined, findings));
            problem = problem.or_else(|| threshold::too_many_broken(plan, &accounts[1], &joined.broken));
        }
        findings.quarantine.extend(self.rejections);
        Ok(Accepted {
            frame: self.frame,
            origin: self.origin,
            geometry: self.geometry,
            paths: source.paths(),
            rows_read: accounts[0].read.rows,
            met: self.met,
            accounts,
            profile: self.profile,
            problem,
        })
    }

    /// Rows of one key: all but one leave, or add up.
    fn settle_keys(&mut self, plan: &Plan<'_>, findings: &mut Findings) -> Result<()> {
        let mut gone: HashSet<u64> = HashSet::new();
        let sets = plan.unique();
        let keys = std::mem::take(&mut self.keys);
        for (position, (columns, keys)) in sets.iter().zip(keys).enumerate() {
            let is_key = !plan.key.is_empty() && position + 1 == sets.len();
            let keep = if is_key { plan.contract.keep } else { Keep::First };
            let repeats = keys.repeats(keep, &gone)?;
            match keep {
                Keep::First => self.reject_repeats(plan, columns, &repeats),
                Keep::Last => self.replace_repeats(&repeats),
                Keep::Sum => {
                    let message = format!("rows of one {} that are put together", columns.join(" and "));
                    let count = repeats.len();
                    findings.add(Severity::Info, &plan.name, Rule::Merged, message, count);
                    if !self.let_go && count > 0 {
                        self.put_together(plan, columns, findings)?;
                    }
                    continue;
                }
            }
            gone.extend(repeats.iter().map(|repeat| repeat.row.number));
        }
        if gone.is_empty() || self.let_go {
            return Ok(());
        }
        let stays: Vec<bool> = (0..self.frame.height() as u64).map(|row| !gone.contains(&row)).collect();
        let mask: BooleanChunked = stays.iter().map(|stays| Some(*stays)).collect();
        self.frame = self.frame.filter(&mask).map_err(Error::table("leaving repeated rows out"))?;
        let mut kept = stays.iter();
        self.origin.retain(|_| kept.next().copied().unwrap_or(true));
        let mut kept = stays.iter();
        self.geometry.retain(|_| kept.next().copied().unwrap_or(true));
        Ok(())
    }

    fn put_together(&mut self, plan: &Plan<'_>, key: &[String], findings: &mut Findings) -> Result<()> {
        let (origin, geometry) = (&mut self.origin, &mut self.geometry);
        let (frame, differing) = merge::add_up(&self.frame, key, plan, origin, geometry)?;
        self.frame = frame;
        for merge::Differing { column, keys, is_number } in differing {
            let severity = if is_number { Severity::Warning } else { Severity::Info };
            let ways = if is_number { "`sum`, `max` or `first`" } else { "`first`" };
            let message = format!(
                "`{column}` differs between rows that are put together: the first value stands; say how by \
                 [{}.contract.{column}] keep: {ways}",
                plan.name
            );
            let mut finding = Finding::of(severity, &plan.name, Rule::FirstValue, message, keys);
            finding.column = column;
            findings.findings.push(finding);
        }
        Ok(())
    }

    fn reject_repeats(&mut self, plan: &Plan<'_>, columns: &[String], repeats: &[Repeat]) {
        let first = plan.column(&columns[0]).and_then(|planned| planned.parts[0].from.first());
        let column: Arc<str> = first.map_or_else(|| columns[0].as_str().into(), |(_, name)| name.clone());
        for Repeat { row, stays } in repeats {
            let elsewhere = if stays.file == row.origin.file { String::new() } else { " of another file".to_owned() };
            let what = if columns.len() == 1 && !plan.key.contains(&columns[0]) {
                "the value stands there a second time".to_owned()
            } else {
                format!("a second row of one {}", columns.join(" and "))
            };
            self.rejections.push(Rejection {
                source: plan.name.clone(),
                file: self
                    .account
                    .files
                    .get(row.origin.file as usize)
                    .map_or_else(|| "".into(), |file| file.path.as_str().into()),
                line: row.origin.line,
                column: column.clone(),
                value: row.shown.clone(),
                rule: Rule::Unique,
                message: format!("{what}: the first is line {}{elsewhere}", stays.line),
            });
            self.account.kept.subtract(row.tonnes);
            self.account.quarantined.add(row.tonnes);
        }
    }

    fn replace_repeats(&mut self, repeats: &[Repeat]) {
        if repeats.is_empty() {
            return;
        }
        let mut tally = Tally { tonnes: self.account.kept.tonnes.map(|_| 0.0), ..Tally::default() };
        for Repeat { row, .. } in repeats {
            self.account.kept.subtract(row.tonnes);
            tally.add(row.tonnes);
        }
        self.account.filtered.push(Filtered { r#where: "keep = \"last\"".into(), tally });
    }

    fn note(&self, source: &Source, plan: &Plan<'_>, findings: &mut Findings) {
        let message = "more rows than `check` holds: moved facilities and labels are left to `run`".to_owned();
        findings.add(Severity::Info, &plan.name, Rule::CheckedByRow, message, usize::from(self.let_go));
        for ((rule, column, message), (file, line, count)) in &self.warnings {
            findings.findings.push(Finding {
                stage: rule.stage(),
                severity: if matches!(rule, Rule::UnknownWord | Rule::UnknownCountry) || message == FILLED {
                    Severity::Info
                } else {
                    Severity::Warning
                },
                source: plan.name.to_string(),
                file: file.to_string(),
                line: Some(*line),
                column: column.to_string(),
                rule: *rule,
                message: message.clone(),
                count: *count,
            });
        }
        for (path, rows) in source.paths().iter().zip(&self.rows_of_file) {
            if *rows == 0 {
                let message = "the file has a header and no rows".to_owned();
                let mut finding = Finding::of(Severity::Warning, &plan.name, Rule::NoRows, message, 1);
                finding.file = path.to_string();
                findings.findings.push(finding);
            }
        }
    }
}

fn joined_account(name: &str, joined: &crate::sources::Joined, findings: &mut Findings) -> Account {
    let unused = joined.unused();
    let message = "rows of the joined file that no row asks for: unused".to_owned();
    let source = format!("{name}.join");
    findings.add(Severity::Info, &source, Rule::UnusedJoin, message, unused);
    findings.quarantine.extend(joined.broken.iter().cloned());
    let repeats: Vec<_> = joined.broken.iter().filter(|row| row.rule == Rule::Unique).collect();
    if let Some(first) = repeats.first() {
        let message = "further rows of one key in the joined file: the first stands".to_owned();
        let mut finding = Finding::of(Severity::Warning, &source, Rule::Unique, message, repeats.len());
        (finding.file, finding.line) = (first.file.to_string(), Some(first.line));
        findings.findings.push(finding);
    }
    let broken = joined.broken.len() as u64;
    let tally = |rows| Tally { rows, ..Tally::default() };
    let filtered: u64 = joined.filtered.iter().map(|(_, rows)| rows).sum();
    let by_filter = |(text, rows): &(String, u64)| Filtered { r#where: text.clone(), tally: tally(*rows) };
    Account {
        source,
        files: joined.files.clone(),
        read: tally(joined.read),
        filtered: joined.filtered.iter().map(by_filter).collect(),
        quarantined: tally(broken),
        kept: tally(joined.read - broken - filtered),
    }
}
