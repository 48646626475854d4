//! `report.html`: one self-contained page. Lays out what the run has found; computes positions, no figures.

mod cards;
mod data;
mod diagnostics;
mod labels;
mod map;
mod plot;
mod uncertainty;

use std::collections::BTreeMap;
use std::path::Path;

use askama::Template;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::Results;
use super::formats::styles::COLOURS;
use super::tables::OutputTable;
use super::types::TypeSum;
use crate::classify::ClusterType;
use crate::error::{Error, Result};
use crate::names::EMISSIONS;
use cards::{Card, ClusterRow};
use data::{BacktestRow, GoalpostRow, GroupRow, InitiativeRow, MoveRow, NodeRow, SiteRow, TransitionRow};
use map::Map;
use plot::Plot;
use uncertainty::Influence;

/// Clusters that the page shows; of more, those of greatest emissions.
const CLUSTERS: usize = 500;
/// Rejected rows and sites shown before the reader is sent to the tables.
const SHOWN: usize = 50;
/// Findings shown.
const FINDINGS: usize = 200;
/// The only script: sorting, search, layer switches. The page's policy allows this one by its hash, and no other.
const SCRIPT: &str = include_str!("../../../templates/report/script.js");
/// Colours of the types on a dark ground.
const DARK: [&str; 9] =
    ["#3fc9a7", "#f0a63a", "#6fa8ec", "#aab1bb", "#e587a9", "#9bcf52", "#56c5df", "#d1a277", "#9fa4ea"];

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    results: &'a Results<'a>,
    shown: &'a Shown,
    plot: Option<Plot>,
    map: Option<Map>,
    clusters: Vec<ClusterRow>,
    cards: Vec<Card<'a>>,
    sums: Vec<TypeSum>,
    moves: Vec<MoveRow<'a>>,
    transitions: Vec<TransitionRow>,
    sites: Vec<SiteRow<'a>>,
    groups: Vec<GroupRow>,
    initiatives: Vec<InitiativeRow<'a>>,
    backtest: Vec<BacktestRow<'a>>,
    influences: Vec<Influence>,
    diagnostics: Option<diagnostics::Section>,
    /// Whether any indicator is scored by the sample.
    relative: bool,
    /// How many clusters are how sure.
    sure: Vec<(&'static str, usize)>,
    nodes: Vec<NodeRow>,
    goalposts: Vec<GoalpostRow<'a>>,
    /// The types, each with its class.
    types: Vec<(String, &'a ClusterType)>,
    colours: [&'static str; 9],
    dark: [&'static str; 9],
    script: &'static str,
    /// Base64 of the script's SHA-256.
    script_sha256: String,
    program: &'static str,
    /// The settings by which clusters were found, as the pipeline file has them.
    delineation: Option<String>,
}

/// The clusters that the page shows, greatest emissions in their latest period first, with their units.
pub struct Shown {
    clusters: Vec<Vec<usize>>,
    /// Where the card of a unit's cluster is.
    place: BTreeMap<usize, usize>,
    latest: BTreeMap<usize, usize>,
    /// How many there are in all.
    pub of: usize,
}

impl Shown {
    fn new(results: &Results<'_>) -> Self {
        let emissions = results.measured.figure(EMISSIONS);
        let mut units: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (unit, of) in results.measured.units.iter().enumerate() {
            units.entry(of.cluster).or_default().push(unit);
        }
        let tonnes = |units: &[usize]| units.last().and_then(|&unit| emissions[unit]).unwrap_or(0.0);
        let mut clusters: Vec<Vec<usize>> = units.into_values().collect();
        let of = clusters.len();
        clusters.sort_by(|a, b| tonnes(b).total_cmp(&tonnes(a)));
        let last = |units: &Vec<usize>| units.last().map(|&unit| (results.measured.units[unit].cluster, unit));
        let latest = clusters.iter().filter_map(last).collect();
        clusters.truncate(CLUSTERS);
        let place = |(at, units): (usize, &Vec<usize>)| units.iter().map(|&unit| (unit, at)).collect::<Vec<_>>();
        let place = clusters.iter().enumerate().flat_map(place).collect();
        Self { clusters, place, latest, of }
    }

    /// Clusters on the page.
    pub fn len(&self) -> usize {
        self.clusters.len()
    }

    /// Clusters, each with its units by period.
    pub fn clusters(&self) -> impl Iterator<Item = &[usize]> {
        self.clusters.iter().map(Vec::as_slice)
    }

    /// Their units: cluster by cluster, the latest period first.
    pub fn units(&self) -> impl Iterator<Item = usize> {
        self.clusters.iter().flat_map(|units| units.iter().rev().copied())
    }

    /// Where a unit's card is.
    pub fn anchor(&self, unit: usize) -> String {
        self.place.get(&unit).map(|&number| cards::anchor(number)).unwrap_or_default()
    }

    /// The units that lists and the plot tell of: all, or the latest period alone where that would be too much.
    pub fn told(&self) -> impl Iterator<Item = usize> {
        let all = self.has_all_periods();
        self.units().filter(move |&unit| all || self.is_latest(unit))
    }

    /// Whether lists and the plot tell of earlier periods too.
    pub fn has_all_periods(&self) -> bool {
        self.units().count() <= CLUSTERS
    }

    /// The unit of a cluster's latest period, shown or not.
    pub fn latest_of(&self, cluster: usize) -> Option<usize> {
        self.latest.get(&cluster).copied()
    }

    /// Whether a unit is its cluster's latest.
    pub fn is_latest(&self, unit: usize) -> bool {
        self.place.get(&unit).is_some_and(|&at| self.clusters[at].last() == Some(&unit))
    }
}

/// Writes `report.html`.
pub fn write(results: &Results<'_>, tables: &[OutputTable<'_>], folder: &Path) -> Result<()> {
    let path = folder.join("report.html");
    let none = Vec::new();
    let clusters = tables.iter().find(|table| table.name == "clusters");
    let outlines = clusters.and_then(|table| table.geometry.as_ref()).unwrap_or(&none);
    let shown = Shown::new(results);
    let page = Page {
        plot: plot::plot(results, &shown),
        map: map::map(results, outlines, &shown),
        clusters: cards::rows(results, &shown),
        cards: cards::cards(results, &shown)?,
        sums: super::types::sums(results),
        moves: data::moves(results, &shown),
        transitions: data::transitions(results),
        sites: data::sites(results),
        groups: data::groups(results),
        initiatives: data::initiatives(results)?,
        backtest: data::backtest(results),
        influences: uncertainty::influences(results),
        diagnostics: diagnostics::section(results),
        relative: results.about.model.is_relative(),
        sure: uncertainty::words_of_clusters(results, &shown),
        nodes: data::nodes(results),
        goalposts: data::goalposts(results),
        types: types(results),
        colours: COLOURS,
        dark: DARK,
        script: SCRIPT,
        script_sha256: BASE64_STANDARD.encode(Sha256::digest(SCRIPT)),
        program: env!("CARGO_PKG_VERSION"),
        delineation: results.about.delineation.and_then(|settings| toml::to_string(settings).ok()),
        shown: &shown,
        results,
    };
    let text = page.render().map_err(|error| Error::Defect { message: format!("report.html: {error}") })?;
    std::fs::write(&path, text).map_err(Error::io(&path))
}

fn class(results: &Results<'_>, unit: usize) -> String {
    colour(results.rating.classes[unit].known())
}

/// What a unit's type is called: number and name, or what is possible.
fn kind(results: &Results<'_>, unit: usize) -> String {
    let class = &results.rating.classes[unit];
    match class.of_type(results.about.typology) {
        Some(kind) => format!("{} {}", kind.number, kind.name),
        None if results.about.typology.is_some() => {
            format!("not known: {}", class.possible_types(results.about.typology))
        }
        None => "no typology".into(),
    }
}

/// The types of the typology, each with its class.
fn types<'a>(results: &Results<'a>) -> Vec<(String, &'a ClusterType)> {
    let types = results.about.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    types.iter().enumerate().map(|(at, kind)| (colour(Some(at)), kind)).collect()
}

/// The class of a type by its position: past the colours that there are, they come again.
fn colour(position: Option<usize>) -> String {
    position.map_or_else(|| "t0".into(), |at| format!("t{}", at % COLOURS.len() + 1))
}

fn period(period: Option<i64>) -> String {
    period.map(|period| period.to_string()).unwrap_or_default()
}

/// An id as people write it.
fn words(id: &str) -> String {
    id.replace('_', " ").replace("inter firm", "inter-firm")
}

/// A whole number with its noun, for the template.
fn number(number: impl std::fmt::Display, noun: &str) -> String {
    counted(&number.to_string(), noun)
}

/// A number with its noun.
fn counted(number: &str, noun: &str) -> String {
    let (stem, ending) = if let Some(stem) = noun.strip_suffix('y') { (stem, ["y", "ies"]) } else { (noun, ["", "s"]) };
    format!("{number} {stem}{}", ending[usize::from(number != "1")])
}

/// A name short enough to stand beside a point.
fn short(name: &str) -> String {
    if name.chars().count() <= 28 { name.to_owned() } else { name.chars().take(27).chain(['…']).collect() }
}

fn decimals(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "–".into(), |value| format!("{value:.decimals$}"))
}

/// Four significant digits, or all before the point.
fn significant(value: Option<f64>) -> String {
    let Some(value) = value else { return "–".into() };
    let digits = if value == 0.0 { 0 } else { 3 - value.abs().log10().floor() as i32 };
    let text = format!("{value:.*}", digits.clamp(0, 8) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A share as percent, for the template.
fn percent(share: &Option<f64>) -> String {
    share.map_or_else(|| "–".into(), |share| format!("{:.1} %", share * 100.0))
}

/// A share from 0 to 100, for the template.
fn hundredths(share: &f64) -> String {
    points(&(share * 100.0))
}

/// A part of a whole, from 0 to 100, for the template.
fn share(part: &f64, whole: &f64) -> String {
    points(&if *whole > 0.0 { 100.0 * (part / whole).clamp(0.0, 1.0) } else { 0.0 })
}

/// The mark of a type in a legend.
fn legend(class: impl AsRef<str>) -> String {
    plot::mark(class.as_ref(), 0.0, 0.0, 6.0)
}

/// A score, for the template.
fn points(score: &f64) -> String {
    format!("{score:.1}")
}

/// Tonnes as Mt, for the template.
fn megatonnes(tonnes: &Option<f64>) -> String {
    decimals(tonnes.map(|tonnes| tonnes / 1e6), 2)
}
