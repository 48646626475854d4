//! Whether a score foretells: what came true in which clusters after the period that they were scored in, and how well the
//! scores, and size alone, put those clusters first. Changes no score.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use rand_chacha::rand_core::Rng;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::delineate::{Home, Homes};
use crate::finding::{Findings, Rule, Severity};
use crate::measure::Measurements;
use crate::names::EMISSIONS;
use crate::random;
use crate::score::{Dimension, Scores};
use crate::stage::Stage;
use crate::statistics::{kendall, quantile};
use crate::validate::{Account, Event, Outcome, Tables};

/// The ends of the interval: it holds nine tenths of the resamples.
const INTERVAL: [f64; 2] = [0.05, 0.95];
/// Clusters with an event below which little can be told.
pub const FEW: usize = 10;
/// The number of sites, as figures call it.
pub const SITES: &str = "facility_count";

/// `[backtest]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BacktestSettings {
    /// Seed of the resamples.
    pub seed: u64,
    /// Resamples of the clusters.
    pub resamples: u32,
    /// Numbers of clusters that are put first, each a `precision_at_K`.
    pub top: Vec<usize>,
}

impl Default for BacktestSettings {
    fn default() -> Self {
        Self { seed: 1, resamples: 2000, top: vec![3, 5, 10] }
    }
}

/// An event with the cluster that it counts in, in one period.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Position of the outcome.
    pub outcome: usize,
    /// Position of the event.
    pub event: usize,
    /// The period that clusters were scored in.
    pub period: i64,
    /// Its cluster, and how it was found; `None` outside of all.
    pub home: Option<Home>,
    /// Whether it counts, or why not.
    pub fate: Fate,
}

/// What becomes of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// It counts.
    Counted,
    /// It is at the place of another that counts: phases of one.
    Phase,
    /// It has no year.
    Undated,
    /// It was before or in the period.
    Early,
    /// It was after the last year that counts.
    Late,
    /// It was in no cluster of the period.
    Outside,
}

impl Fate {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counted => "counted",
            Self::Phase => "phase",
            Self::Undated => "undated",
            Self::Early => "early",
            Self::Late => "late",
            Self::Outside => "outside",
        }
    }
}

/// A number with the interval of nine tenths of its resamples; `None` where it means nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: Option<f64>,
    /// Its interval.
    pub interval: Option<[f64; 2]>,
}

/// How well one predictor put the clusters of one period first in which an outcome came.
#[derive(Debug, Clone, PartialEq)]
pub struct Tested {
    /// Position of the outcome.
    pub outcome: usize,
    /// The period.
    pub period: i64,
    /// A dimension, or a figure of size.
    pub predictor: String,
    /// Clusters that have the predictor.
    pub clusters: usize,
    /// Those of them with an event.
    pub with_event: usize,
    /// Their events.
    pub events: usize,
    /// Probability that a cluster with an event stands before one without: ties count half.
    pub auc: Estimate,
    /// Kendall's tau-b of the predictor and the number of events.
    pub tau_b: Option<f64>,
    /// Of so many clusters that stand first the share with an event; of ties the mean over their orders.
    pub precision: Vec<(usize, Option<f64>)>,
    /// What its AUC adds to that of emissions, over the same clusters.
    pub over_emissions: Estimate,
    /// What its AUC adds to that of the number of sites.
    pub over_sites: Estimate,
    /// Of a dimension, where draws were made: mean square of the difference of the probability that it is high and of 1 or 0,
    /// as an event came or not.
    pub brier: Option<f64>,
}

/// Clusters whose probability lies in one fifth of all, and what came of them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Reliability {
    /// Position of the outcome.
    pub outcome: usize,
    /// The period.
    pub period: i64,
    /// Position of the dimension.
    pub dimension: usize,
    /// The ends of the fifth; the upper one belongs to it.
    pub ends: [f64; 2],
    /// Clusters.
    pub clusters: usize,
    /// Their mean probability that the dimension is high.
    pub p_high: f64,
    /// The share of them with an event.
    pub with_event: f64,
}

impl Tested {
    /// The share of clusters with an event: the precision of chance.
    pub fn base_rate(&self) -> Option<f64> {
        (self.clusters > 0).then(|| self.with_event as f64 / self.clusters as f64)
    }
}

/// All that was judged.
#[derive(Debug, Default)]
pub struct Backtest {
    /// By outcome, period, predictor.
    pub tested: Vec<Tested>,
    /// By outcome, period, dimension, probability; nothing where nothing was drawn.
    pub reliability: Vec<Reliability>,
    /// By outcome, period, event.
    pub told: Vec<Told>,
}

/// Judges the scores of every period, and the probabilities that come of draws, by what came after it. `p_high`: by dimension,
/// then unit.
pub fn backtest(
    settings: &BacktestSettings,
    tables: &Tables,
    measured: &Measurements,
    (scores, p_high): (&[Scores], &[Vec<Option<f64>>]),
    dimensions: &[Dimension],
) -> (Backtest, Findings) {
    let (mut found, mut findings) = (Backtest::default(), Findings::default());
    if tables.outcomes.is_empty() {
        return (found, findings);
    }
    let homes = Homes::new(&measured.clusters, tables.facilities.as_ref());
    let periods: BTreeSet<i64> = measured.units.iter().filter_map(|unit| unit.period).collect();
    for (at, outcome) in tables.outcomes.iter().enumerate() {
        note_leakage(outcome, &tables.accounts, &mut findings);
        note_strangers(outcome, &homes, &mut findings);
        if measured.units.iter().any(|unit| unit.period.is_none()) {
            note_no_period(outcome, &mut findings);
        }
        for &period in &periods {
            let units: Vec<usize> =
                (0..measured.units.len()).filter(|&unit| measured.units[unit].period == Some(period)).collect();
            let of_cluster: BTreeMap<usize, usize> =
                units.iter().map(|&unit| (measured.units[unit].cluster, unit)).collect();
            let told = told(at, outcome, period, &homes, &of_cluster);
            note_fates(outcome, period, &told, &mut findings);
            let mut events: BTreeMap<usize, usize> = BTreeMap::new();
            for home in told.iter().filter(|told| told.fate == Fate::Counted).filter_map(|told| told.home.as_ref()) {
                *events.entry(of_cluster[&home.cluster]).or_default() += 1;
            }
            let counts: Vec<usize> = units.iter().map(|unit| events.get(unit).copied().unwrap_or(0)).collect();
            let figure = |name: &str| {
                let figures = measured.figure(name);
                units.iter().map(|&unit| figures[unit]).collect::<Vec<Option<f64>>>()
            };
            let score = |at: usize| units.iter().map(|&unit| scores[unit].nodes[at].score).collect();
            let of_dimensions = dimensions.iter().enumerate().map(|(at, one)| (one.id.clone(), score(at)));
            let of_size = [EMISSIONS, SITES].map(|name| (name.to_owned(), figure(name)));
            let sizes = [of_size[0].1.clone(), of_size[1].1.clone()];
            let predictors: Vec<(String, Vec<Option<f64>>)> = of_dimensions.chain(of_size).collect();
            let judge = |(name, values): &(String, Vec<Option<f64>>)| {
                judge(settings, (at, period), (name, values), &counts, &sizes)
            };
            let mut tested: Vec<Tested> =
                predictors.par_iter().map(judge).filter(|tested| tested.clusters > 0).collect();
            found.reliability.extend(foretold((at, period), p_high, (&units, &counts), dimensions, &mut tested));
            note_few(outcome, period, &tested, &mut findings);
            found.tested.extend(tested);
            found.told.extend(told);
        }
    }
    (found, findings)
}

/// What probabilities foretold: Brier's score of each dimension, which goes into its row of `tested`, and how often events came.
fn foretold(
    (outcome, period): (usize, i64),
    p_high: &[Vec<Option<f64>>],
    (units, counts): (&[usize], &[usize]),
    dimensions: &[Dimension],
    tested: &mut [Tested],
) -> Vec<Reliability> {
    let mut found = Vec::new();
    for (dimension, shares) in p_high.iter().enumerate() {
        let known = units.iter().zip(counts).filter_map(|(&unit, count)| Some((shares[unit]?, *count > 0)));
        let foretold: Vec<(f64, bool)> = known.collect();
        let own = tested.iter_mut().find(|tested| tested.predictor == dimensions[dimension].id);
        own.into_iter().for_each(|tested| tested.brier = brier(&foretold));
        let fifths = reliability(&foretold).into_iter();
        found.extend(fifths.map(|fifth| Reliability { outcome, period, dimension, ..fifth }));
    }
    found
}

/// Where an event was.
#[derive(PartialEq, Eq, Hash)]
enum Spot<'a> {
    Facility(&'a str),
    /// Bits of longitude and latitude.
    Point([u64; 2]),
}

/// What becomes of each event in one period.
fn told<'a>(
    at: usize,
    outcome: &'a Outcome,
    period: i64,
    homes: &Homes<'_>,
    of_cluster: &BTreeMap<usize, usize>,
) -> Vec<Told> {
    let home = |event: &Event| {
        let found = match (&event.cluster, &event.facility) {
            (Some(name), _) => homes.named(name),
            (None, Some(id)) => homes.of_facility(id),
            (None, None) => event.place.and_then(|place| homes.near(place, outcome.within_km)),
        };
        found.filter(|home| of_cluster.contains_key(&home.cluster))
    };
    // Where an event was: a facility, or a point.
    let mut places: HashSet<(Spot<'_>, usize)> = HashSet::new();
    let mut fate = |event: &'a Event, home: Option<&Home>| {
        let Some(year) = event.year else { return Fate::Undated };
        if year <= period {
            return Fate::Early;
        }
        if outcome.until.is_some_and(|until| year > until) {
            return Fate::Late;
        }
        let Some(home) = home else { return Fate::Outside };
        let facility = event.facility.as_deref().filter(|_| event.cluster.is_none()).map(Spot::Facility);
        let point = || event.place.map(|(lon, lat)| Spot::Point([lon, lat].map(|degrees| (degrees + 0.0).to_bits())));
        let is_new = facility.or_else(point).is_none_or(|spot| places.insert((spot, home.cluster)));
        if is_new { Fate::Counted } else { Fate::Phase }
    };
    let one = |event: usize| {
        let of = &outcome.events[event];
        let home = home(of);
        Told { outcome: at, event, period, fate: fate(of, home.as_ref()), home }
    };
    // Of several at one place the earliest counts, wherever the file has it.
    let mut order: Vec<usize> = (0..outcome.events.len()).collect();
    order.sort_by_key(|&event| (outcome.events[event].year, &outcome.events[event].id));
    let mut told: Vec<Told> = order.into_iter().map(one).collect();
    told.sort_by_key(|told| told.event);
    told
}

/// Judges one predictor.
fn judge(
    settings: &BacktestSettings,
    (outcome, period): (usize, i64),
    (name, values): (&str, &[Option<f64>]),
    counts: &[usize],
    sizes: &[Vec<Option<f64>>; 2],
) -> Tested {
    // In an order that no name decides: resamples draw by position.
    let mut known: Vec<usize> = (0..values.len()).filter(|&at| values[at].is_some()).collect();
    let alike = |at: usize| [values[at], sizes[0][at], sizes[1][at]].map(|value| value.unwrap_or(f64::NEG_INFINITY));
    known.sort_by(|&a, &b| {
        let pairs = alike(a).into_iter().zip(alike(b));
        let order = pairs.map(|(a, b)| a.total_cmp(&b)).fold(Ordering::Equal, Ordering::then);
        order.then(counts[a].cmp(&counts[b]))
    });
    let of =
        |values: &[Option<f64>], rows: &[usize]| rows.iter().map(|&at| values[at].unwrap_or(0.0)).collect::<Vec<f64>>();
    let events = |rows: &[usize]| rows.iter().map(|&at| counts[at]).collect::<Vec<usize>>();
    let has_event = |rows: &[usize]| rows.iter().map(|&at| counts[at] > 0).collect::<Vec<bool>>();
    let (own, happened) = (of(values, &known), has_event(&known));
    let resampled = |aucs: &[Ranked], happened: &[bool]| interval(settings, aucs, happened);
    let ranked = Ranked::new(&own);
    let over = |size: usize| {
        let both: Vec<usize> = known.iter().copied().filter(|&at| sizes[size][at].is_some()).collect();
        if name == [EMISSIONS, SITES][size] {
            return Estimate::default();
        }
        let happened = has_event(&both);
        let pair = [Ranked::new(&of(values, &both)), Ranked::new(&of(&sizes[size], &both))];
        let aucs = pair.each_ref().map(|ranked| ranked.auc(&happened, None));
        Estimate { value: aucs[0].zip(aucs[1]).map(|(own, size)| own - size), interval: resampled(&pair, &happened) }
    };
    Tested {
        outcome,
        period,
        predictor: name.to_owned(),
        clusters: known.len(),
        with_event: happened.iter().filter(|happened| **happened).count(),
        events: events(&known).iter().sum(),
        auc: Estimate {
            value: ranked.auc(&happened, None),
            interval: resampled(std::slice::from_ref(&ranked), &happened),
        },
        tau_b: kendall(&own, &events(&known).iter().map(|&count| count as f64).collect::<Vec<f64>>()),
        precision: settings.top.iter().map(|&top| (top, ranked.precision(&happened, top))).collect(),
        over_emissions: over(0),
        over_sites: over(1),
        brier: None,
    }
}

/// Brier's score (1950) of probabilities and of what came; `None` of none.
fn brier(foretold: &[(f64, bool)]) -> Option<f64> {
    let square = |&(share, happened): &(f64, bool)| (share - f64::from(u8::from(happened))).powi(2);
    (!foretold.is_empty()).then(|| foretold.iter().map(square).sum::<f64>() / foretold.len() as f64)
}

/// Probabilities by fifths, and what came; without empty ones.
fn reliability(foretold: &[(f64, bool)]) -> Vec<Reliability> {
    const FIFTHS: usize = 5;
    let end = |at: usize| at as f64 / FIFTHS as f64;
    let place = |share: f64| (1..FIFTHS).filter(|&at| end(at) < share).count();
    let fifth = |at: usize| {
        let own: Vec<&(f64, bool)> = foretold.iter().filter(|(share, _)| place(*share) == at).collect();
        let mean = |of: &dyn Fn(&(f64, bool)) -> f64| own.iter().map(|one| of(one)).sum::<f64>() / own.len() as f64;
        (!own.is_empty()).then(|| Reliability {
            ends: [end(at), end(at + 1)],
            clusters: own.len(),
            p_high: mean(&|one| one.0),
            with_event: mean(&|one| f64::from(u8::from(one.1))),
            ..Reliability::default()
        })
    };
    (0..FIFTHS).filter_map(fifth).collect()
}

/// Values by rank: positions from the greatest down, in groups of equals.
struct Ranked(Vec<Vec<usize>>);

impl Ranked {
    fn new(values: &[f64]) -> Self {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        Self(order.chunk_by(|&a, &b| values[a] == values[b]).map(<[usize]>::to_vec).collect())
    }

    /// Probability that one with an event stands before one without; `None` where either is missing. `times`: how often each
    /// counts.
    fn auc(&self, happened: &[bool], times: Option<&[u32]>) -> Option<f64> {
        let (mut with_above, mut with, mut without) = (0.0, 0.0, 0.0);
        for group in &self.0 {
            let times = |wanted: bool| {
                let own = group.iter().filter(|&&at| happened[at] == wanted);
                own.map(|&at| times.map_or(1.0, |times| f64::from(times[at]))).sum::<f64>()
            };
            let (here, others) = (times(true), times(false));
            with_above += others * (with + here / 2.0);
            with += here;
            without += others;
        }
        (with > 0.0 && without > 0.0).then(|| with_above / (with * without))
    }

    /// Of so many that stand first the share with an event; of the ties at the end the mean over their orders.
    fn precision(&self, happened: &[bool], top: usize) -> Option<f64> {
        let all: usize = self.0.iter().map(Vec::len).sum();
        let (mut left, mut found) = (top, 0.0);
        for group in &self.0 {
            let with = group.iter().filter(|&&at| happened[at]).count();
            let taken = left.min(group.len());
            found += with as f64 * taken as f64 / group.len() as f64;
            left -= taken;
        }
        (top > 0 && top <= all).then(|| found / top as f64)
    }
}

/// The interval of an AUC, or of the difference of two, over resamples of the clusters (the percentile bootstrap of Efron 1979):
/// resamples without an event, or with nothing else, say nothing. `None` where either stands in fewer than two clusters.
fn interval(settings: &BacktestSettings, ranked: &[Ranked], happened: &[bool]) -> Option<[f64; 2]> {
    let with = happened.iter().filter(|happened| **happened).count();
    if with.min(happened.len() - with) < 2 || settings.resamples == 0 {
        return None;
    }
    let resample = |draw: u32| {
        let mut random = random::stream(settings.seed, Stage::Backtest, "resample", u64::from(draw));
        let mut times = vec![0_u32; happened.len()];
        for _ in 0..happened.len() {
            times[below(&mut random, happened.len())] += 1;
        }
        let aucs: Option<Vec<f64>> = ranked.iter().map(|ranked| ranked.auc(happened, Some(&times))).collect();
        aucs.map(|aucs| aucs[0] - aucs.get(1).copied().unwrap_or(0.0))
    };
    let mut found: Vec<f64> =
        (0..settings.resamples).into_par_iter().map(resample).collect::<Vec<_>>().into_iter().flatten().collect();
    found.sort_by(f64::total_cmp);
    (!found.is_empty()).then(|| INTERVAL.map(|share| quantile(&found, share)))
}

/// A number below a limit, each as likely as the others (Lemire 2019, without its rejection: of 2^64 the limit is nothing).
fn below(random: &mut impl Rng, limit: usize) -> usize {
    ((u128::from(random.next_u64()) * limit as u128) >> 64) as usize
}

fn note_fates(outcome: &Outcome, period: i64, told: &[Told], findings: &mut Findings) {
    for (fate, rule, severity, message) in [
        (Fate::Undated, Rule::UndatedEvent, Severity::Warning, "events without a year: left out".to_owned()),
        (Fate::Early, Rule::EarlyEvent, Severity::Info, format!("events before or in the period {period}: left out")),
        (Fate::Late, Rule::LateEvent, Severity::Info, "events after `until`: left out".to_owned()),
        (
            Fate::Outside,
            Rule::EventOutsideClusters,
            Severity::Info,
            format!("events in no cluster of {period}: left out"),
        ),
        (Fate::Phase, Rule::RepeatedEvent, Severity::Info, "events at the place of another: phases of one".to_owned()),
    ] {
        let count = told.iter().filter(|told| told.fate == fate).count();
        findings.add(severity, &format!("outcomes.{}", outcome.name), rule, message, count);
    }
}

fn note_no_period(outcome: &Outcome, findings: &mut Findings) {
    let message = "clusters without a year: no event is known to come after them".to_owned();
    let source = format!("outcomes.{}", outcome.name);
    findings.add(Severity::Warning, &source, Rule::UndatedEvent, message, outcome.events.len());
}

fn note_strangers(outcome: &Outcome, homes: &Homes<'_>, findings: &mut Findings) {
    let is_strange = |event: &&Event| event.cluster.as_deref().is_some_and(|name| homes.named(name).is_none());
    let count = outcome.events.iter().filter(is_strange).count();
    let message = "events that name a cluster which this run does not have".to_owned();
    findings.add(Severity::Warning, &format!("outcomes.{}", outcome.name), Rule::StrangeCluster, message, count);
}

fn note_few(outcome: &Outcome, period: i64, tested: &[Tested], findings: &mut Findings) {
    let with = tested.iter().map(|tested| tested.with_event).max().unwrap_or(0);
    if with < FEW {
        let clusters = if with == 1 { "cluster" } else { "clusters" };
        let message = format!("{with} {clusters} of {period} with an event: hardly anything can be told from so few");
        let source = format!("outcomes.{}", outcome.name);
        findings.add(Severity::Warning, &source, Rule::FewEvents, message, 1);
    }
}

/// Warns where a file of the outcome also feeds the scores: it would foretell itself.
fn note_leakage(outcome: &Outcome, accounts: &[Account], findings: &mut Findings) {
    let name = format!("outcomes.{}", outcome.name);
    let is_later = |source: &str| source.split('.').next() == Some("outcomes");
    let is_own = |source: &str| source.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    let own = accounts.iter().filter(|account| is_own(&account.source)).flat_map(|account| &account.files);
    let own: BTreeSet<&str> = own.map(|file| file.sha256.as_str()).collect();
    let shares = |account: &&Account| account.files.iter().any(|file| own.contains(file.sha256.as_str()));
    let feeding: BTreeSet<&str> =
        accounts.iter().filter(|one| !is_later(&one.source)).filter(shares).map(|one| one.source.as_str()).collect();
    if !feeding.is_empty() {
        let feeding = feeding.into_iter().collect::<Vec<_>>().join(", ");
        let message = format!("a file of these events also feeds the scores, by {feeding}: they foretell themselves");
        findings.add(Severity::Warning, &name, Rule::Leakage, message, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// tests/oracles/backtest: scikit-learn's roc_auc_score and scipy's kendalltau.
    #[test]
    fn auc_and_tau_b_agree_with_scikit_learn_and_scipy() {
        let text = std::fs::read_to_string("tests/oracles/backtest/lists.json").unwrap();
        let lists: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(lists.len(), 60);
        for list in &lists {
            let numbers = |key: &str| -> Vec<f64> {
                list[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
            };
            let (scores, events) = (numbers("scores"), numbers("events"));
            assert_eq!(scores.len(), events.len());
            let happened: Vec<bool> = events.iter().map(|count| *count > 0.0).collect();
            let auc = Ranked::new(&scores).auc(&happened, None);
            for (ours, theirs) in [(auc, &list["auc"]), (kendall(&scores, &events), &list["tau_b"])] {
                assert_eq!(ours.is_some(), theirs.is_number(), "{list}");
                assert!((ours.unwrap_or(0.0) - theirs.as_f64().unwrap_or(0.0)).abs() <= 1e-9, "{list}");
            }
        }
    }

    /// tests/oracles/backtest: scikit-learn's brier_score_loss and calibration_curve.
    #[test]
    fn brier_and_reliability_agree_with_scikit_learn() {
        let text = std::fs::read_to_string("tests/oracles/backtest/probabilities.json").unwrap();
        let lists: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(lists.len(), 40);
        for list in &lists {
            let numbers = |key: &str| -> Vec<f64> {
                list[key].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
            };
            let foretold: Vec<(f64, bool)> =
                numbers("p").into_iter().zip(numbers("happened").into_iter().map(|one| one > 0.0)).collect();
            assert!((brier(&foretold).unwrap() - list["brier"].as_f64().unwrap()).abs() <= 1e-9, "{list}");
            let found = reliability(&foretold);
            let (shares, means) = (numbers("share"), numbers("mean"));
            assert_eq!((found.len(), found.len()), (shares.len(), means.len()), "{list}");
            for (fifth, (mean, share)) in found.iter().zip(means.iter().zip(&shares)) {
                assert!((fifth.p_high - mean).abs() <= 1e-9 && (fifth.with_event - share).abs() <= 1e-9, "{list}");
            }
        }
        assert_eq!(brier(&[]), None);
    }

    /// Scores that know nothing: nine intervals in ten hold 0.5.
    #[test]
    fn intervals_hold_what_they_say() {
        let settings = BacktestSettings { resamples: 400, ..BacktestSettings::default() };
        let held = |trial: u64| {
            let mut random = random::stream(trial, Stage::Backtest, "test", 0);
            let mut number = || random.next_u64() as f64 / u64::MAX as f64;
            let scores: Vec<f64> = (0..60).map(|_| number()).collect();
            let happened: Vec<bool> = (0..60).map(|_| number() < 0.35).collect();
            let settings = BacktestSettings { seed: trial, ..settings.clone() };
            let [low, high] = interval(&settings, &[Ranked::new(&scores)], &happened).unwrap();
            low <= 0.5 && 0.5 <= high
        };
        let held = (0..500).into_par_iter().filter(|trial| held(*trial)).count();
        assert!((430..=470).contains(&held), "{held} of 500");
    }

    #[test]
    fn ties_at_the_end_count_by_their_share() {
        let ranked = Ranked::new(&[5.0, 3.0, 3.0, 3.0, 1.0]);
        let happened = [true, true, false, false, false];
        assert_eq!(ranked.precision(&happened, 1), Some(1.0));
        assert!((ranked.precision(&happened, 2).unwrap() - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-15);
        assert_eq!(ranked.precision(&happened, 5), Some(0.4));
        assert_eq!(ranked.precision(&happened, 6), None);
        assert_eq!(Ranked::new(&[1.0, 2.0]).auc(&[true, true], None), None);
        assert_eq!(kendall(&[1.0, 1.0], &[0.0, 1.0]), None);
    }
}
