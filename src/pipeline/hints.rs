//! What the values say about the settings: a unit that cannot be, a column that is of carbon. Guesses for a person to
//! judge; nothing is changed by them.

use super::settings::PipelineFile;
use crate::finding::{Findings, Rule};
use crate::measure;
use crate::names::EMISSIONS;
use crate::sources::ColumnSpec;
use crate::validate::settings::FacilitySource;
use crate::validate::{Account, Profile, Tables};

/// No single site of this world emits more, t CO2 a year (the greatest power stations are near 50 Mt).
const GREATEST_SITE_T: f64 = 100e6;
/// A register whose greatest site is below this, t, is hardly in tonnes.
const SMALLEST_GREATEST_T: f64 = 100.0;

/// Hints on all sources.
pub fn hints(file: &PipelineFile, tables: &Tables, findings: &Findings) -> Vec<String> {
    let mut hints = Vec::new();
    let profile = |name: &str| tables.profiles.iter().find(|(known, _)| known == name).map(|(_, profile)| profile);
    if let (Some(source), Some(profile)) = (&file.facilities, profile("facilities")) {
        let account = tables.accounts.iter().find(|account| account.source == "facilities");
        hints.extend(emissions(source, profile, account));
        hints.extend(axes(source));
        hints.extend(years(source, profile));
    }
    if let Some(register) = &tables.facilities {
        hints.extend(measure::doubts(register, &tables.layers));
    }
    for account in &tables.accounts {
        hints.extend(rejections(account, findings));
    }
    hints
}

fn emissions(source: &FacilitySource, profile: &Profile, account: Option<&Account>) -> Vec<String> {
    let Some(spec) = source.columns.get(EMISSIONS) else { return Vec::new() };
    let mut hints = Vec::new();
    let megatonnes = account.and_then(|account| account.kept.tonnes).map(|tonnes| tonnes / 1e6);
    if let (None, Some(sum), Some((column, text))) = (&spec.of, megatonnes, said(profile, "as carbon")) {
        hints.push(format!(
            "emissions sum to {sum:.2} Mt: is the column carbon? `{column}` says \"{text}\"; with of = \"C\" they would be {:.2} Mt of CO2",
            sum * 44.0 / 12.0
        ));
    }
    hints.extend(unit(spec, profile));
    let column = profile.columns.iter().find(|column| column.column == EMISSIONS);
    match column.and_then(|column| column.max) {
        Some(max) if max > GREATEST_SITE_T => hints.push(format!(
            "one row has {:.0} Mt, more than any site of this world: is the column in kg? add unit = \"kg\"",
            max / 1e6
        )),
        Some(max) if max > 0.0 && max < SMALLEST_GREATEST_T && spec.sum.is_empty() => hints
            .push(format!("the greatest emission is {max} t: is the column in kt or Mt? add unit = \"kt\" or \"Mt\"")),
        _ => {}
    }
    hints
}

/// A column, mapped or not, one of whose frequent values holds some words.
fn said(profile: &Profile, words: &str) -> Option<(String, String)> {
    let holds = |text: &String| text.to_lowercase().contains(words);
    let of_unused = profile.unused.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
    let of_mapped = profile.columns.iter().flat_map(|column| {
        column.top.iter().map(|(value, _)| (column.column.clone(), value.clone())).collect::<Vec<_>>()
    });
    of_unused.chain(of_mapped).find(|(_, value)| holds(value))
}

/// A column called `unit` that has one value throughout.
fn unit(spec: &ColumnSpec, profile: &Profile) -> Option<String> {
    let is_unit = |name: &str| name.to_lowercase().replace(['_', ' '], "").starts_with("unit");
    let (column, said) = profile.unused.iter().find(|(name, value)| is_unit(name) && value.is_some())?;
    let said = said.as_deref()?;
    let meant = match said.to_lowercase().as_str() {
        "t" | "tonnes" | "tonne" | "metric tons" | "tons" | "tne" => "t",
        "kg" | "kilogram" | "kilograms" | "kgm" => "kg",
        "kt" | "kilotonnes" | "gg" => "kt",
        "mt" | "megatonnes" => "Mt",
        _ => return None,
    };
    let declared = spec.unit.as_deref().unwrap_or("t");
    (declared != meant).then(|| {
        format!("`{column}` says \"{said}\", the pipeline file reads emissions in {declared}: add unit = \"{meant}\"")
    })
}

fn axes(source: &FacilitySource) -> Option<String> {
    let called = |column: &str, words: [&str; 2]| {
        let spec = source.columns.get(column)?;
        let name = spec.column.0.first()?.to_lowercase();
        words.iter().any(|word| name.contains(word)).then_some(name)
    };
    let (x, y) = (called("x", ["lat", "north"])?, called("y", ["lon", "east"])?);
    Some(format!("x reads `{x}` and y reads `{y}`: x is longitude or easting, y latitude or northing"))
}

fn years(source: &FacilitySource, profile: &Profile) -> Option<String> {
    let is_year = |name: &str| name.to_lowercase().ends_with("year");
    let (column, _) = profile.unused.iter().find(|(name, _)| is_year(name))?;
    let needed = !source.columns.contains_key("year");
    needed.then(|| format!("`{column}` is not read: without `year` the register is one period, one row a facility"))
}

/// What many rejected rows of a source have in common.
fn rejections(account: &Account, findings: &Findings) -> Vec<String> {
    let mine = || findings.quarantine.iter().filter(|row| *row.source == *account.source);
    let count = |rule: Rule| mine().filter(|row| row.rule == rule).count() as u64;
    let many = |rule: Rule| count(rule) > account.read.rows / 20;
    let mut hints = Vec::new();
    let name = &account.source;
    let unread: Vec<&str> = mine().filter(|row| row.rule == Rule::Encoding).map(|row| row.message.as_str()).collect();
    let likely = |row: &&str| ["macintosh", "windows-1250", "windows-1251"].into_iter().find(|name| row.contains(name));
    let votes = |name: &str| unread.iter().filter(|row| row.contains(name)).count();
    if !unread.is_empty() {
        let other = unread.iter().find_map(likely).filter(|name| votes(name) > votes("windows-1252"));
        let encoding = other.unwrap_or("windows-1252");
        hints.push(format!("{name}: some rows are not UTF-8: declare encoding = \"{encoding}\", or what it is"));
    }
    if many(Rule::Unique) {
        hints.push(format!(
            "{name}: several rows of one key: one a pollutant? choose with `where`, or let the contract say keep = \"sum\" or \"last\""
        ));
    }
    if many(Rule::CoordinateRange) {
        hints.push(format!("{name}: many coordinates are out of reach: is `crs` right, are x and y?"));
    }
    let advised = mine().find(|row| row.rule == Rule::Unreadable && row.message.contains("with `decimal"));
    if let Some(row) = advised.filter(|_| many(Rule::Unreadable)) {
        hints.push(format!("{name}: numbers such as \"{}\": {}", row.value, row.message));
    }
    hints
}
