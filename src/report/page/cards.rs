//! The clusters one by one: rows of the table, and a card each.

use std::borrow::Cow;
use std::collections::HashMap;

use super::uncertainty::{Sureness, sureness};
use super::{Shown, class, decimals, kind, period, significant, words};
use crate::error::Result;
use crate::measure::{Reach, Trace, network};
use crate::names::{self, EMISSIONS};
use crate::report::Results;
use crate::report::tables::{plant, reading};
use crate::score::shape::{Child, Visit};

/// Ties, sites, levers and facts on a card.
const LISTED: usize = 5;

/// A row of the table of clusters.
pub struct ClusterRow {
    /// Where its card is.
    pub anchor: String,
    pub name: String,
    pub id: String,
    pub period: String,
    pub sites: String,
    pub megatonnes: String,
    /// Of each dimension: score, level, coverage, bounds.
    pub dimensions: Vec<[String; 4]>,
    pub kind: String,
    pub class: String,
    /// How sure its type is: the word, and the probability of the type; empty where nothing was drawn.
    pub robustness: String,
    /// Of each kind of tie the share of emissions that was asked about, and what it stands for.
    pub observed: Vec<String>,
}

/// A card.
pub struct Card<'a> {
    pub anchor: String,
    pub name: &'a str,
    pub id: &'a str,
    pub period: String,
    pub class: String,
    pub kind: String,
    pub sites: String,
    pub operators: String,
    pub megatonnes: String,
    /// Sectors by emissions, each with its share in percent.
    pub sectors: Vec<String>,
    pub dimensions: Vec<DimensionRow>,
    /// How sure its type is.
    pub sureness: Option<Sureness>,
    /// The score tree in its order.
    pub tree: Vec<TreeRow<'a>>,
    /// What is known of each kind of tie.
    pub networks: Vec<String>,
    pub ties: Vec<TieRow<'a>>,
    /// Ties that are not listed.
    pub more_ties: usize,
    pub levers: Vec<LeverRow>,
    /// Points to every type.
    pub distances: Vec<String>,
    /// What follows for policy, of every type that it may be: class, name, text.
    pub policy: Vec<(String, String, &'a str)>,
    pub facts: Vec<FactRow<'a>>,
    /// Facts that are not listed.
    pub more_facts: usize,
    pub largest: Vec<(&'a str, &'a str, String)>,
    /// Layer, nearest feature, km.
    pub reach: Vec<(String, &'a str, String)>,
    pub warnings: Vec<String>,
    /// Earlier periods with their types.
    pub history: Vec<(String, String)>,
}

/// A dimension on a card.
pub struct DimensionRow {
    pub name: String,
    pub shown: String,
    pub level: &'static str,
    pub coverage: String,
    pub low: f64,
    pub high: f64,
    /// Whether what is missing leaves the score open, between bounds.
    pub is_open: bool,
    pub thresholds: String,
}

/// A node or indicator on a card.
pub struct TreeRow<'a> {
    pub depth: usize,
    pub name: String,
    pub is_indicator: bool,
    pub value: String,
    pub unit: Cow<'a, str>,
    pub posts: String,
    pub weight: String,
    pub score: Option<f64>,
    pub shown: String,
    pub status: &'static str,
}

/// A tie with the row that it comes from.
pub struct TieRow<'a> {
    pub kind: &'a str,
    pub basis: &'static str,
    pub what: String,
    pub place: String,
}

/// What one indicator would have to become.
pub struct LeverRow {
    pub name: String,
    pub reads: String,
    pub points: String,
    pub to: String,
    pub changeable: &'static str,
}

/// A figure with its source.
pub struct FactRow<'a> {
    pub figure: &'a str,
    pub value: String,
    pub source: &'a str,
    pub place: String,
}

/// The table of clusters.
pub fn rows(results: &Results<'_>, shown: &Shown) -> Vec<ClusterRow> {
    let (emissions, counts) = (results.measured.figure(EMISSIONS), results.measured.figure("facility_count"));
    let observed = |kind: &String| {
        let shares = results.measured.figure(&names::of_kind(names::OBSERVED_EMISSION_SHARE, kind));
        (kind.clone(), shares)
    };
    let observed: Vec<(String, Vec<Option<f64>>)> = results.measured.kinds.iter().map(observed).collect();
    let mut rows = Vec::new();
    for unit in shown.told() {
        let of = results.measured.units[unit];
        let asked = |(kind, shares): &(String, Vec<Option<f64>>)| {
            let percent = decimals(shares[unit].map(|share| share * 100.0), 0);
            let tonnes = shares[unit].zip(emissions[unit]).map(|(share, tonnes)| share * tonnes / 1e6);
            format!("{kind}: {percent} %, {} Mt", decimals(tonnes, 2))
        };
        rows.push(ClusterRow {
            anchor: shown.anchor(unit),
            name: results.measured.clusters.names[of.cluster].clone(),
            id: results.measured.clusters.ids[of.cluster].clone(),
            period: period(of.period),
            sites: decimals(counts[unit], 0),
            megatonnes: decimals(emissions[unit].map(|tonnes| tonnes / 1e6), 2),
            dimensions: dimensions(results, unit).into_iter().map(|row| row.cells()).collect(),
            kind: kind(results, unit),
            class: class(results, unit),
            robustness: results
                .uncertainty
                .robustness
                .get(unit)
                .map(|word| word.as_str().to_owned())
                .unwrap_or_default(),
            observed: observed.iter().map(asked).collect(),
        });
    }
    rows
}

/// Where the card of a cluster is.
pub fn anchor(number: usize) -> String {
    format!("cluster-{}", number + 1)
}

impl DimensionRow {
    fn cells(self) -> [String; 4] {
        let bounds = [self.low, self.high].map(|bound| decimals(Some(bound).filter(|bound| bound.is_finite()), 0));
        [self.shown, self.level.to_owned(), self.coverage, bounds.join("–")]
    }
}

fn dimensions(results: &Results<'_>, unit: usize) -> Vec<DimensionRow> {
    let row = |(at, dimension): (usize, &crate::score::Dimension)| {
        let score = results.rating.scores[unit].nodes[at];
        DimensionRow {
            name: words(&dimension.id),
            shown: decimals(score.score, 1),
            level: results.rating.classes[unit].levels[at].as_str(),
            coverage: decimals(Some(score.coverage), 2),
            low: score.low,
            high: score.high,
            is_open: score.low < score.high && (score.high - score.low).is_finite(),
            thresholds: dimension.threshold.0.iter().map(f64::to_string).collect::<Vec<_>>().join(" and "),
        }
    };
    results.about.dimensions.iter().enumerate().map(row).collect()
}

/// What cards look up, gathered in one pass.
struct Gathered<'a> {
    results: &'a Results<'a>,
    figures: HashMap<String, Vec<Option<f64>>>,
    ties: HashMap<usize, Vec<&'a Trace>>,
    facts: HashMap<usize, Vec<&'a crate::validate::Fact>>,
    sectors: HashMap<usize, Vec<String>>,
    facilities: HashMap<usize, Vec<usize>>,
    reach: HashMap<usize, Vec<&'a Reach>>,
}

/// The cards of the clusters that the page shows.
pub fn cards<'a>(results: &'a Results<'a>, shown: &Shown) -> Result<Vec<Card<'a>>> {
    let gathered = Gathered::new(results)?;
    Ok(shown.clusters().enumerate().filter_map(|(number, units)| gathered.card(number, units)).collect())
}

impl<'a> Gathered<'a> {
    fn new(results: &'a Results<'a>) -> Result<Self> {
        let (measured, details) = (results.measured, results.details);
        let mut ties: HashMap<usize, Vec<&Trace>> = HashMap::new();
        for trace in &details.networks.traces {
            ties.entry(trace.unit as usize).or_default().push(trace);
        }
        let mut facts: HashMap<usize, Vec<&crate::validate::Fact>> = HashMap::new();
        for (unit, fact) in &details.evidence {
            facts.entry(*unit).or_default().push(fact);
        }
        let mut sectors: HashMap<usize, Vec<(&str, f64)>> = HashMap::new();
        for row in &details.agglomeration.sectors {
            sectors.entry(row.unit).or_default().push((&row.sector, row.share));
        }
        let shares = |mut rows: Vec<(&str, f64)>| {
            rows.sort_by(|a, b| b.1.total_cmp(&a.1));
            let told = rows.iter().take(LISTED).map(|(sector, share)| format!("{sector} {:.0} %", share * 100.0));
            told.collect::<Vec<_>>()
        };
        let mut facilities: HashMap<usize, Vec<usize>> = HashMap::new();
        for (row, unit) in details.units_of_facilities()?.into_iter().enumerate() {
            if let Some(unit) = unit {
                facilities.entry(unit).or_default().push(row);
            }
        }
        let mut reach: HashMap<usize, Vec<&Reach>> = HashMap::new();
        for row in &details.reach {
            let of_cluster = reach.entry(row.cluster).or_default();
            if of_cluster.iter().all(|known| known.layer != row.layer) {
                of_cluster.push(row);
            }
        }
        let figure = |name: String| (name.clone(), measured.figure(&name));
        let of_kinds = measured.kinds.iter().flat_map(|kind| NETWORK.map(|name| names::of_kind(name, kind)));
        let plain = ["facility_count", "operator_count", EMISSIONS].map(str::to_owned);
        Ok(Self {
            results,
            figures: plain.into_iter().chain(of_kinds).map(figure).collect(),
            ties,
            facts,
            sectors: sectors.into_iter().map(|(unit, rows)| (unit, shares(rows))).collect(),
            facilities,
            reach,
        })
    }

    fn figure(&self, name: &str, unit: usize) -> Option<f64> {
        self.figures.get(name).and_then(|values| values[unit])
    }

    fn card(&self, number: usize, units: &[usize]) -> Option<Card<'a>> {
        let results = self.results;
        let (&unit, earlier) = units.split_last()?;
        let of = results.measured.units[unit];
        let ties = self.ties.get(&unit).map(Vec::as_slice).unwrap_or_default();
        let facts = self.facts.get(&unit).map(Vec::as_slice).unwrap_or_default();
        Some(Card {
            anchor: anchor(number),
            name: &results.measured.clusters.names[of.cluster],
            id: &results.measured.clusters.ids[of.cluster],
            period: period(of.period),
            class: class(results, unit),
            kind: kind(results, unit),
            sites: decimals(self.figure("facility_count", unit), 0),
            operators: decimals(self.figure("operator_count", unit), 0),
            megatonnes: decimals(self.figure(EMISSIONS, unit).map(|tonnes| tonnes / 1e6), 2),
            sectors: self.sectors.get(&unit).cloned().unwrap_or_default(),
            dimensions: dimensions(results, unit),
            sureness: sureness(results, unit),
            tree: self.tree(unit),
            networks: results.measured.kinds.iter().map(|kind| self.network(kind, unit)).collect(),
            ties: ties.iter().take(LISTED).map(|trace| self.tie(trace)).collect(),
            more_ties: ties.len().saturating_sub(LISTED),
            levers: self.levers(unit),
            distances: self.distances(unit),
            policy: self.policy(unit),
            facts: facts.iter().take(LISTED).map(|fact| self.fact(fact)).collect(),
            more_facts: facts.len().saturating_sub(LISTED),
            largest: self.largest(unit),
            reach: self.reached(of.cluster),
            warnings: self.warnings(unit),
            history: earlier
                .iter()
                .rev()
                .map(|&unit| (period(results.measured.units[unit].period), kind(results, unit)))
                .collect(),
        })
    }

    fn tree(&self, unit: usize) -> Vec<TreeRow<'a>> {
        let steps = self.results.about.model.shape.walk().into_iter();
        let row = |step: Visit| match step.child {
            Child::Node(node) => self.node(node, step.depth, unit),
            Child::Indicator(indicator) => self.indicator(indicator, step.depth, unit),
        };
        steps.map(row).collect()
    }

    fn node(&self, node: usize, depth: usize, unit: usize) -> TreeRow<'a> {
        let about = &self.results.about;
        let component = node.checked_sub(about.dimensions.len()).map(|at| &about.components[at]);
        let score = self.results.rating.scores[unit].nodes[node].score;
        TreeRow {
            depth,
            name: words(&about.model.shape.nodes()[node].id),
            is_indicator: false,
            value: String::new(),
            unit: "".into(),
            posts: String::new(),
            weight: component.map(|component| super::data::weight(component.weight)).unwrap_or_default(),
            score,
            shown: decimals(score, 0),
            status: "",
        }
    }

    fn indicator(&self, at: usize, depth: usize, unit: usize) -> TreeRow<'a> {
        let indicator = &self.results.about.indicators[at];
        let measured = self.results.measured.indicators[at][unit];
        let score = self.results.rating.scores[unit].indicators[at].score;
        TreeRow {
            depth,
            name: words(&indicator.id),
            is_indicator: true,
            value: significant(measured.value),
            unit: marked(&indicator.unit, measured.within_km),
            posts: super::data::posts(indicator, &self.results.about.model.parameters.normalise[at]),
            weight: super::data::weight(indicator.weight),
            score,
            shown: decimals(score, 0),
            status: measured.status.as_str(),
        }
    }

    fn network(&self, kind: &str, unit: usize) -> String {
        let percent = |name: &str| {
            let share = self.figure(&names::of_kind(name, kind), unit);
            share.map(|share| format!("{:.0} %", share * 100.0))
        };
        let Some(observed) = percent(names::OBSERVED_EMISSION_SHARE) else {
            return format!("{kind}: nothing is known");
        };
        let linked = percent("linked_emission_share").map(|share| format!("; of these {share} are tied within it"));
        let anchor = self.results.measured.figures.column(&names::of_kind(network::ANCHOR, kind));
        let anchor = anchor.ok().and_then(|column| column.str().ok()).and_then(|names| names.get(unit));
        let anchor = anchor.map(|name| format!("; largest organisation: {name}")).unwrap_or_default();
        format!(
            "{kind}: {observed} of emissions stand with facilities that were asked about{}{anchor}",
            linked.unwrap_or_default()
        )
    }

    fn tie(&self, trace: &Trace) -> TieRow<'a> {
        let table = &self.results.tables.ties[trace.table as usize];
        let row = table.rows().get(trace.row as usize);
        let called = |name: &'a str, end: usize| {
            let is_end = end == 0 || table.is_links();
            plant(self.results.tables, table, row.levels[end], name).filter(|_| is_end).unwrap_or(name)
        };
        TieRow {
            kind: &table.kind,
            basis: table.basis(),
            what: format!("{} – {}", called(row.from, 0), called(row.to, 1)),
            place: if row.line > 0 { format!("{}:{}", row.file, row.line) } else { "register".into() },
        }
    }

    /// What would flip a dimension, the smallest change of score first; what people can change before what they cannot.
    fn levers(&self, unit: usize) -> Vec<LeverRow> {
        let results = self.results;
        let mut levers = Vec::new();
        for (at, lever) in results.rating.levers[unit].single.iter().enumerate() {
            let (Some(lever), Some(value)) = (lever, results.measured.indicators[at][unit].value) else { continue };
            let indicator = &results.about.indicators[at];
            let points = results.rating.scores[unit].indicators[at].score.map(|score| (lever.flip_score - score).abs());
            let to_type = lever.to_type.and_then(|at| Some(&results.about.typology?.types[at]));
            let row = LeverRow {
                name: words(&indicator.id),
                reads: reading(indicator, lever, value),
                points: decimals(points, 1),
                to: match to_type {
                    Some(kind) => format!("{}: {} {}", lever.to.as_str(), kind.number, kind.name),
                    None => lever.to.as_str().to_owned(),
                },
                changeable: match indicator.changeable {
                    Some(true) => "yes",
                    Some(false) => "no",
                    None => "–",
                },
            };
            levers.push((indicator.changeable == Some(false), points.unwrap_or(f64::INFINITY), row));
        }
        levers.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        levers.into_iter().take(LISTED).map(|(_, _, row)| row).collect()
    }

    fn distances(&self, unit: usize) -> Vec<String> {
        let types = self.results.about.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
        let distances = types.iter().zip(&self.results.rating.levers[unit].distances);
        distances.map(|(kind, points)| format!("{} {}: {points:.1} points", kind.number, kind.name)).collect()
    }

    fn policy(&self, unit: usize) -> Vec<(String, String, &'a str)> {
        let Some(typology) = self.results.about.typology else { return Vec::new() };
        let note = |&at: &usize| {
            let kind = &typology.types[at];
            (super::colour(Some(at)), format!("{} {}", kind.number, kind.name), kind.policy.as_str())
        };
        let class = &self.results.rating.classes[unit];
        class.known().map_or_else(|| class.possible.clone(), |known| vec![known]).iter().map(note).collect()
    }

    fn fact(&self, fact: &'a crate::validate::Fact) -> FactRow<'a> {
        FactRow {
            figure: &fact.figure,
            value: significant(Some(fact.value)),
            source: fact.source.as_deref().unwrap_or_default(),
            place: format!("{}:{}", fact.file, fact.line),
        }
    }

    /// Name, operator and kilotonnes of the largest sites.
    fn largest(&self, unit: usize) -> Vec<(&'a str, &'a str, String)> {
        let Some(register) = self.results.facilities() else { return Vec::new() };
        let mut rows = self.facilities.get(&unit).cloned().unwrap_or_default();
        let tonnes = |row: usize| register.emissions_t.get(row).unwrap_or(-1.0);
        rows.sort_by(|&a, &b| tonnes(b).total_cmp(&tonnes(a)).then(a.cmp(&b)));
        let site = |&row: &usize| {
            let operator = register.operator.get(row).unwrap_or_default();
            let kilotonnes = decimals(register.emissions_t.get(row).map(|tonnes| tonnes / 1e3), 0);
            (&register.names[register.facility[row]], operator, kilotonnes)
        };
        rows.iter().take(LISTED).map(site).collect()
    }

    fn reached(&self, cluster: usize) -> Vec<(String, &'a str, String)> {
        let nearest = |row: &&&'a Reach| {
            let layer = &self.results.tables.layers[row.layer];
            let feature = &layer.features[row.nearest.feature];
            let name = feature.name.as_deref().unwrap_or(&feature.id);
            (
                words(&layer.name),
                name,
                marked(&format!("{} km", decimals(Some(row.nearest.km), 1)), row.within_km).into_owned(),
            )
        };
        self.reach.get(&cluster).map(|rows| rows.iter().map(|row| nearest(&row)).collect()).unwrap_or_default()
    }

    fn warnings(&self, unit: usize) -> Vec<String> {
        let own = self.results.rating.moves.warnings.iter().filter(|warning| warning.unit == unit);
        let text = |warning: &crate::classify::moves::Warning| {
            let years = warning.years.map(|years| format!(", at this pace in {years:.1} years")).unwrap_or_default();
            format!(
                "{} is {:.1} points from its threshold of {} and moves towards it ({:+.1} since the period before{years})",
                words(&self.results.about.dimensions[warning.dimension].id),
                warning.points,
                warning.threshold,
                warning.change
            )
        };
        own.map(text).collect()
    }
}

/// What is said of a distance, and how well it is known where it is shorter than that.
fn marked(said: &str, within_km: Option<f64>) -> Cow<'_, str> {
    within_km.map_or(said.into(), |km| format!("{said} (within {km} km)").into())
}

/// Figures of networks that cards tell.
const NETWORK: [&str; 2] = [names::OBSERVED_EMISSION_SHARE, "linked_emission_share"];
