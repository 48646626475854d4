//! What is odd about a register as a whole: rows that make periods of their own, facilities that count twice, a name that
//! owns more than a firm is likely to. Findings alone; nothing is changed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::Xxh3DefaultBuilder;

use super::Facilities;
use crate::finding::{Finding, Findings, Rule, Severity};

/// Years outside of these are none of a register of emissions.
const YEARS: std::ops::RangeInclusive<i64> = 1850..=2150;
/// A period with less than one in so many of the rows of the largest is small.
const SMALL: usize = 20;
/// Names that are listed in a message.
const LISTED: usize = 5;
/// A share of the sites that no one firm is likely to have in a large register, and how many sites it takes at least.
const LARGE_SHARE: f64 = 0.1;
const LARGE_SITES: usize = 5;

/// Looks at the register.
pub(super) fn review(facilities: &Facilities, findings: &mut Findings) {
    let mut add = |rule, message: String, rows: &[usize]| {
        if !rows.is_empty() {
            let finding = Finding::of(Severity::Warning, "facilities", rule, message, rows.len());
            findings.findings.push(finding);
        }
    };
    periods(facilities, &mut add);
    repeated(facilities, &mut add);
    if let Some((message, rows)) = largest_owner(facilities) {
        add(Rule::LargeOwner, message, &rows);
    }
}

/// The emissions of some rows, in words.
fn tonnes(facilities: &Facilities, rows: &[usize]) -> String {
    let known: Vec<f64> = rows.iter().filter_map(|&row| facilities.emissions_t.get(row)).collect();
    if known.is_empty() { "emissions unknown".into() } else { format!("{:.0} t", known.iter().sum::<f64>() + 0.0) }
}

fn periods(facilities: &Facilities, add: &mut dyn FnMut(Rule, String, &[usize])) {
    let mut of_period: BTreeMap<Option<i64>, Vec<usize>> = BTreeMap::new();
    (0..facilities.rows()).for_each(|row| of_period.entry(facilities.period.get(row)).or_default().push(row));
    let all = facilities.rows();
    let largest = of_period.values().map(Vec::len).max().unwrap_or(0);
    if let Some(without) = of_period.remove(&None).filter(|_| facilities.declared.contains("year")) {
        let share = without.len() as f64 / all as f64 * 100.0;
        let what =
            if of_period.is_empty() { "no row has a year" } else { "rows without a year are a period of their own" };
        let message = format!(
            "`year` is empty in {share:.0} % of the rows ({}): {what}; is it the year of the emissions?",
            tonnes(facilities, &without)
        );
        add(Rule::NoYear, message, &without);
    }
    let mut found = |rule, what: &str, wanted: &dyn Fn(i64, &[usize]) -> bool| {
        let periods = of_period.iter().filter_map(|(period, rows)| Some(((*period)?, rows)));
        let odd: Vec<(i64, &Vec<usize>)> = periods.filter(|(period, rows)| wanted(*period, rows)).collect();
        let rows: Vec<usize> = odd.iter().flat_map(|(_, rows)| rows.iter().copied()).collect();
        let mut years: Vec<String> = odd.iter().take(LISTED).map(|(period, _)| period.to_string()).collect();
        if odd.len() > LISTED {
            years.push(format!("{} more", odd.len() - LISTED));
        }
        add(rule, format!("{what}: {} ({})", years.join(", "), tonnes(facilities, &rows)), &rows);
    };
    found(Rule::OddYear, "years that no register of emissions can have, each a period of its own", &|period, _| {
        !YEARS.contains(&period)
    });
    found(Rule::SmallPeriod, "periods with less than a twentieth of the rows that the largest has", &|period, rows| {
        YEARS.contains(&period) && rows.len() * SMALL < largest
    });
}

/// Rows of a facility and period that already has one: a key of the contract that is too wide lets them in.
fn repeated(facilities: &Facilities, add: &mut dyn FnMut(Rule, String, &[usize])) {
    // Rows are by facility, then period.
    let of = |row: usize| (facilities.facility[row], facilities.period.get(row));
    let again: Vec<usize> = (1..facilities.rows()).filter(|&row| of(row) == of(row - 1)).collect();
    let message = format!(
        "further rows of one facility and period ({}): it counts once a row; `key` of the contract is wider than id and \
         year, put rows together by keep = \"sum\" or choose by `where`",
        tonnes(facilities, &again)
    );
    add(Rule::SeveralRows, message, &again);
}

/// The operator with the most sites, if it has more than chance and size explain.
fn largest_owner(facilities: &Facilities) -> Option<(String, Vec<usize>)> {
    // Rows are by facility: whose last site it is has been counted. Sites, the last of them.
    let mut sites: HashMap<&str, (usize, usize), Xxh3DefaultBuilder> = HashMap::default();
    let (mut all, mut last) = (0, None);
    for row in 0..facilities.rows() {
        if let Some(operator) = facilities.operator.get(row) {
            let facility = facilities.facility[row];
            let (own, before) = sites.entry(operator).or_insert((0, usize::MAX));
            *own += usize::from(*before != facility);
            *before = facility;
            all += usize::from(last.replace(facility) != Some(facility));
        }
    }
    // Of the greatest the first by name.
    let (name, own) =
        sites.iter().map(|(name, (own, _))| (*name, *own)).max_by_key(|&(name, own)| (own, Reverse(name)))?;
    let share = own as f64 / all as f64;
    let likely = LARGE_SHARE.max(2.0 / (all as f64).sqrt());
    if own < LARGE_SITES || share <= likely {
        return None;
    }
    let rows: Vec<usize> = (0..facilities.rows()).filter(|&row| facilities.operator.get(row) == Some(name)).collect();
    let message = format!(
        "`{name}` operates {} of {all} facilities ({:.0} %, {}): a firm, or a word for \"not known\" that `missing` should list?",
        own,
        share * 100.0,
        tonnes(facilities, &rows)
    );
    Some((message, rows))
}
