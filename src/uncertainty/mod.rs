//! How sure the types are: many draws of what a person chose and of errors of the data, the probability of each type, and
//! which choice matters. Changes no score.

pub mod check;
pub mod checkpoint;
pub mod draws;
pub mod factors;
pub mod one_at_a_time;
pub mod outcome;
pub mod reads;
pub mod replicates;
pub mod scenario;
pub mod sensitivity;
pub mod settings;
pub mod ties;
pub mod told;

use std::collections::BTreeMap;
use std::time::Instant;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::declared::at_least;
use crate::error::Result;
use crate::finding::{Findings, Rule, Severity};
use crate::measure::{self, Measurements};
use crate::names;
use checkpoint::Batches;
use draws::{At, Origin, Purpose};
use factors::{Chosen, Factor, MISSING, Variant};
use one_at_a_time::Flip;
use outcome::{Evaluation, NONE, Outcome, TypeTable};
use replicates::{Counts, Kept, QUANTILES, RANKS};
use scenario::{DataDraw, DataErrors, Measured, Scenario};
use sensitivity::Effect;
use settings::{Extra, Method, Sensitivity, UncertaintySettings};
use ties::TieDraw;
pub use told::Drawn;

/// Replicates of one batch: after each the error is looked at, and what is done is kept.
const BATCH: u32 = 32;
/// Rows of the design of the sensitivity analysis of one batch.
const DESIGN_BATCH: u32 = 8;
/// Clusters of one period up to which pairs are compared.
pub const PAIRED: usize = 1000;

/// What is examined, and how.
pub struct Study<'a> {
    /// `[uncertainty]`.
    pub settings: &'a UncertaintySettings,
    /// The run, then every other scenario: one for each combination of alternatives, the last counting fastest.
    pub scenarios: Vec<Scenario<'a>>,
    /// The factors of alternatives: names, and of every option what it is called and its probability.
    pub alternatives: Vec<(String, Vec<(String, f64)>)>,
    /// A number of each unit that no name decides.
    pub keys: Vec<u64>,
}

/// How sure a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Robustness {
    /// The type in nine tenths of the replicates, or more.
    Robust,
    /// In two thirds or more.
    Likely,
    /// In fewer.
    Contested,
    /// There is no type.
    Unknown,
}

impl Robustness {
    /// The word that outputs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Robust => "robust",
            Self::Likely => "likely",
            Self::Contested => "contested",
            Self::Unknown => "unknown",
        }
    }

    fn of(share: Option<f64>) -> Self {
        match share {
            None => Self::Unknown,
            Some(share) if at_least(share, 0.9) => Self::Robust,
            Some(share) if at_least(share, 0.67) => Self::Likely,
            Some(_) => Self::Contested,
        }
    }
}

/// How one cluster stands to another over all replicates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrderProbability {
    /// Both units, the one of the smaller id first.
    pub units: [usize; 2],
    /// Position of the dimension.
    pub dimension: usize,
    /// The share of the replicates with both in which the first scores more; where they score alike it counts half.
    pub first_above: f64,
}

/// All replicates, one by one.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Replicates {
    /// Scores by replicate, then dimension, then unit, and types by unit.
    pub outcomes: Vec<Outcome>,
    /// What was drawn.
    pub drawn: Vec<Drawn>,
}

/// What draws have shown. Lists have one entry a unit.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Uncertainty {
    /// Replicates; 0: nothing was drawn.
    pub replicates: u32,
    /// Names of the factors.
    pub factors: Vec<String>,
    /// Probability of each type, in the typology's order; `None` where the cluster is one in no replicate.
    pub p_types: Vec<Vec<Option<f64>>>,
    /// The share of the replicates in which the cluster is one.
    pub p_exists: Vec<f64>,
    /// By dimension: probability of its highest level.
    pub p_high: Vec<Vec<Option<f64>>>,
    /// By dimension: [`QUANTILES`] of its scores; empty where they were not asked for, as what follows.
    pub quantiles: Vec<Vec<Option<[f64; 5]>>>,
    /// By dimension: [`RANKS`] of its ranks.
    pub ranks: Vec<Vec<Option<[f64; 2]>>>,
    /// Position of the type as the pipeline file has everything; `None`: not known.
    pub nominal: Vec<Option<usize>>,
    /// The word for it.
    pub robustness: Vec<Robustness>,
    /// Whether some replicates rest on drawn values of what is missing.
    pub completed: Vec<bool>,
    /// Pairs of clusters, where that was asked for.
    pub order: Vec<OrderProbability>,
    /// Names of the factors of the sensitivity analysis.
    pub examined: Vec<String>,
    /// By output (dimensions, then whether the type is the nominal one), then unit: the effect of each of these factors.
    pub effects: Vec<Vec<Option<Vec<Effect>>>>,
    /// By output, then factor: the mean over all units with an effect of its total index, or of its mean effect.
    pub overall: Vec<Vec<Option<f64>>>,
    /// What was shown, as a sentence.
    pub reads: Vec<String>,
    /// Single choices that make a type another, by unit.
    pub flips: Vec<Flip>,
    /// Replicates one by one, where they were asked for.
    pub each: Replicates,
    /// Dots of the cloud: scores of the first replicates, by dimension, replicate, unit.
    pub cloud: Vec<Vec<Vec<f64>>>,
}

/// Replicates whose scores a page shows as dots.
const CLOUD: usize = 200;
/// Dots that are held for it.
const SHOWN: usize = 400_000;

/// The most probable type and its probability; of several the first.
fn likeliest(probabilities: &[Option<f64>]) -> Option<(usize, f64)> {
    let known = probabilities.iter().enumerate().filter_map(|(at, share)| Some((at, (*share)?)));
    known.reduce(|best, other| if other.1 > best.1 { other } else { best })
}

/// A number of each unit that no name decides: its place in the order of period, place, emissions.
pub fn unit_keys(measured: &Measurements) -> Vec<u64> {
    let figures = ["lon", "lat", names::EMISSIONS].map(|name| measured.figure(name));
    let key = |unit: usize| figures.each_ref().map(|figure| figure[unit].unwrap_or(f64::NEG_INFINITY));
    let mut order: Vec<usize> = (0..measured.units.len()).collect();
    order.sort_by(|&a, &b| {
        let by_figures = key(a).into_iter().zip(key(b)).map(|(a, b)| a.total_cmp(&b));
        let by_figures = by_figures.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then);
        measured.units[a].period.cmp(&measured.units[b].period).then(by_figures).then(a.cmp(&b))
    });
    let mut keys = vec![0; order.len()];
    order.into_iter().zip(0..).for_each(|(unit, key)| keys[unit] = key);
    keys
}

/// Draws, and says what the draws show. `watch` hears how many of the evaluations are done.
///
/// # Errors
///
/// As [`measure::measure`]; [`crate::Error::Io`] if batches cannot be kept.
pub fn uncertainty(study: &Study<'_>, batches: &Batches, watch: &dyn Fn(u64, u64)) -> Result<(Uncertainty, Findings)> {
    let began = Instant::now();
    let workshop = Workshop::new(study)?;
    let mut findings = Findings::default();
    let settings = study.settings;
    let examined = workshop.examined();
    let design = |of: &Sensitivity| of.width(examined.len()) as u64 * u64::from(of.draws);
    let all = u64::from(settings.replicates) + settings.sensitivity.as_ref().map_or(0, design);
    let mut found = workshop.replicates(batches, &|done| watch(done, all), &mut findings)?;
    if let Some(sensitivity) = &settings.sensitivity {
        let done = u64::from(settings.replicates);
        let asked = (examined.as_slice(), workshop.reference(&found.p_types));
        found.effects = workshop.effects(sensitivity, &asked, batches, &|more| watch(done + more, all))?;
        found.overall = found.effects.iter().map(|units| overall(units, examined.len())).collect();
        found.examined = examined.iter().map(|&at| workshop.factors[at].name.clone()).collect();
    }
    tracing::debug!(seconds = began.elapsed().as_secs_f64(), "replicates and effects");
    found.flips = workshop.flips();
    tracing::debug!(seconds = began.elapsed().as_secs_f64(), "single choices");
    found.reads = (0..found.p_types.len()).map(|unit| workshop.reads(&found, unit)).collect();
    note_completed(&found, &mut findings);
    Ok((found, findings))
}

/// The mean of every factor's effect over the units that have one.
fn overall(units: &[Option<Vec<Effect>>], factors: usize) -> Vec<Option<f64>> {
    let of = |factor: usize| {
        let sizes: Vec<f64> = units.iter().flatten().map(|effects| effects[factor].size()).collect();
        (!sizes.is_empty()).then(|| sizes.iter().sum::<f64>() / sizes.len() as f64)
    };
    (0..factors).map(of).collect()
}

fn note_completed(found: &Uncertainty, findings: &mut Findings) {
    let count = found.completed.iter().filter(|completed| **completed).count();
    let message = "dimensions that are unknown: what is missing of them was drawn, every score as likely as the others";
    findings.add(Severity::Info, "uncertainty", Rule::DrawnMissing, message.into(), count);
}

/// All that draws are worked out with.
struct Workshop<'a> {
    study: &'a Study<'a>,
    factors: Vec<Factor>,
    counts: Vec<usize>,
    /// One of each a scenario.
    errors: Vec<DataErrors>,
    ties: Vec<Option<TieDraw>>,
    types: Vec<TypeTable>,
    nominal: Vec<Measured>,
}

impl<'a> Workshop<'a> {
    fn new(study: &'a Study<'a>) -> Result<Self> {
        let (settings, run) = (study.settings, &study.scenarios[0]);
        let all = || study.scenarios.iter();
        let errors: Vec<DataErrors> = all().map(|of| factors::data_errors(settings, of.tables)).collect();
        let alternatives: Vec<(String, Vec<f64>)> = study
            .alternatives
            .iter()
            .map(|(name, options)| (name.clone(), options.iter().map(|(_, probability)| *probability).collect()))
            .collect();
        Ok(Self {
            factors: factors::factors(settings, run, &errors[0], &alternatives),
            counts: alternatives.iter().map(|(_, options)| options.len()).collect(),
            ties: all().zip(&errors).map(|(of, errors)| tie_draw(of, errors)).collect::<Result<_>>()?,
            types: all().map(|of| TypeTable::new(of.typology, of.dimensions)).collect(),
            nominal: all().map(|of| of.nominal(run)).collect(),
            errors,
            study,
        })
    }

    fn run(&self) -> &Scenario<'a> {
        &self.study.scenarios[0]
    }

    fn origin(&self, purpose: Purpose) -> Origin {
        Origin { seed: self.study.settings.seed, points: self.study.settings.points, purpose }
    }

    fn choose(&self, variant: &Variant, origin: &Origin) -> Chosen {
        factors::choose(&self.factors, &self.study.scenarios, &self.counts, variant, origin)
    }

    /// What a draw of the data measures.
    fn measured(&self, scenario: usize, data: &DataDraw, origin: &Origin) -> Result<Measured> {
        let of = &self.study.scenarios[scenario];
        of.drawn(self.run(), &self.errors[scenario], self.ties[scenario].as_ref(), data, origin)
    }

    fn outcome(&self, chosen: &Chosen, measured: &Measured) -> Outcome {
        let (scenario, types) = (&self.study.scenarios[chosen.scenario], &self.types[chosen.scenario]);
        Evaluation { scenario, types, measured, keys: &self.study.keys }.outcome(chosen)
    }

    fn evaluate(&self, chosen: &Chosen, origin: &Origin) -> Result<Outcome> {
        if chosen.data.is_nominal() {
            return Ok(self.outcome(chosen, &self.nominal[chosen.scenario]));
        }
        Ok(self.outcome(chosen, &self.measured(chosen.scenario, &chosen.data, origin)?))
    }

    /// Outcomes of all units as the pipeline file has everything.
    fn plain(&self) -> Outcome {
        self.outcome(&factors::nominal(&self.study.scenarios, 0), &self.nominal[0])
    }

    fn replicates(&self, batches: &Batches, watch: &dyn Fn(u64), findings: &mut Findings) -> Result<Uncertainty> {
        let (settings, run) = (self.study.settings, self.run());
        let (units, dimensions) = (run.units.len(), run.dimensions.len());
        let kinds = run.typology.map_or(0, |typology| typology.types.len());
        let highest: Vec<u8> = run.dimensions.iter().map(|of| of.threshold.0.len() as u8).collect();
        let origin = self.origin(Purpose::Replicates);
        let mut counts = Counts::new(units, kinds, dimensions);
        let mut kept = settings.quantiles.then(|| Kept::new(units, dimensions, settings.replicates as usize));
        let mut each = Replicates::default();
        let wants_each = settings.tables.contains(&Extra::Replicates);
        let began = Instant::now();
        for first in (0..settings.replicates).step_by(BATCH as usize) {
            let rows = first..(first + BATCH).min(settings.replicates);
            let one = |row: u32| self.evaluate(&self.choose(&self.replicate(row), &origin), &origin);
            let outcomes: Vec<Outcome> = batches.take(
                &format!("replicates-{first}"),
                |bytes| checkpoint::read(bytes, rows.len(), dimensions, units),
                || rows.clone().into_par_iter().map(one).collect(),
                |outcomes| checkpoint::written(outcomes),
            )?;
            rayon::join(
                || outcomes.iter().for_each(|outcome| counts.add(outcome, &highest)),
                || kept.iter_mut().for_each(|kept| outcomes.iter().for_each(|outcome| kept.add(outcome))),
            );
            if wants_each {
                each.outcomes.extend(outcomes);
            }
            watch(u64::from(rows.end));
            if settings.target_error.is_some_and(|target| counts.greatest_error() < target) {
                break;
            }
        }
        tracing::debug!(seconds = began.elapsed().as_secs_f64(), "draws");
        if let Some(target) = settings.target_error.filter(|target| counts.greatest_error() >= *target) {
            let error = counts.greatest_error();
            let message =
                format!("the standard error of a p_type is still {error:.4} after all replicates: above {target}");
            findings.add(Severity::Warning, "uncertainty", Rule::TargetError, message, 1);
        }
        if wants_each {
            each.drawn = (0..counts.replicates).into_par_iter().flat_map_iter(|row| self.told(row, &origin)).collect();
        }
        Ok(Uncertainty { each, ..self.summary(&counts, kept, findings) })
    }

    /// What was drawn in a replicate.
    fn told(&self, row: u32, origin: &Origin) -> Vec<Drawn> {
        let chosen = self.choose(&self.replicate(row), origin);
        told::told(row, &chosen, self.study, &self.factors)
    }

    /// All factors of a replicate.
    fn replicate(&self, row: u32) -> Variant {
        vec![Some(At { row, second: false }); self.factors.len()]
    }

    /// What counts tell; and what the scores of all replicates tell, where they were kept.
    fn summary(&self, counts: &Counts, kept: Option<Kept>, findings: &mut Findings) -> Uncertainty {
        let (units, dimensions) = (self.run().units.len(), self.run().dimensions.len());
        let nominal = self.plain();
        let p_types: Vec<Vec<Option<f64>>> = (0..units).map(|unit| counts.p_types(unit)).collect();
        let p_exists: Vec<f64> = (0..units).map(|unit| counts.p_exists(unit)).collect();
        let robustness = |unit: usize| {
            let kind = Some(nominal.types[unit]).filter(|kind| *kind != NONE);
            Robustness::of(kind.map(|kind| p_types[unit][kind as usize].unwrap_or(0.0) * p_exists[unit]))
        };
        let found = kept.map(|kept| self.of_scores(kept, counts.replicates as usize, findings)).unwrap_or_default();
        Uncertainty {
            replicates: counts.replicates,
            factors: self.factors.iter().map(|factor| factor.name.clone()).collect(),
            robustness: (0..units).map(robustness).collect(),
            nominal: nominal.types.iter().map(|kind| Some(*kind as usize).filter(|_| *kind != NONE)).collect(),
            p_high: (0..dimensions).map(|of| (0..units).map(|unit| counts.p_high(of, unit)).collect()).collect(),
            completed: counts.completed.iter().map(|count| *count > 0).collect(),
            p_types,
            p_exists,
            ..found
        }
    }

    /// Quantiles, ranks, pairs, and dots for a page.
    fn of_scores(&self, mut kept: Kept, replicates: usize, findings: &mut Findings) -> Uncertainty {
        let (units, dimensions) = (self.run().units, self.run().dimensions.len());
        let dots = CLOUD.min(replicates);
        let cloud = |dimension: usize| (0..dots).map(|row| kept.replicate(dimension, row).to_vec()).collect();
        let cloud = if units.len() * dots <= SHOWN { (0..dimensions).map(cloud).collect() } else { Vec::new() };
        let quantiles = (0..dimensions).map(|dimension| kept.quantiles(dimension, QUANTILES)).collect();
        let wants_order = self.study.settings.tables.contains(&Extra::OrderProbability);
        let order = if wants_order { self.order(&kept, replicates, findings) } else { Vec::new() };
        kept.rank(units);
        let ranks = (0..dimensions).map(|dimension| kept.quantiles(dimension, RANKS)).collect();
        Uncertainty { quantiles, ranks, order, cloud, ..Uncertainty::default() }
    }

    /// Pairs of the clusters of each period, of which there may be [`PAIRED`].
    fn order(&self, kept: &Kept, replicates: usize, findings: &mut Findings) -> Vec<OrderProbability> {
        let mut periods: BTreeMap<Option<i64>, Vec<usize>> = BTreeMap::new();
        self.run().units.iter().enumerate().for_each(|(at, unit)| periods.entry(unit.period).or_default().push(at));
        let many = periods.values().filter(|units| units.len() > PAIRED).count();
        let message = format!("periods of more than {PAIRED} clusters: pairs of them are not compared");
        findings.add(Severity::Warning, "uncertainty", Rule::ManyPairs, message, many);
        let mut pairs: Vec<[usize; 2]> = Vec::new();
        for units in periods.values().filter(|units| units.len() <= PAIRED) {
            let of = |at: usize| units[at + 1..].iter().map(move |&b| [units[at], b]);
            pairs.extend((0..units.len()).flat_map(of));
        }
        let of = |dimension: usize| {
            let pair = move |&[a, b]: &[usize; 2]| {
                let (mut above, mut both) = (0.0, 0.0);
                for replicate in 0..replicates {
                    let scores = kept.replicate(dimension, replicate);
                    if let Some(order) = scores[a].partial_cmp(&scores[b]) {
                        both += 1.0;
                        above += if order.is_gt() {
                            1.0
                        } else if order.is_eq() {
                            0.5
                        } else {
                            0.0
                        };
                    }
                }
                let first_above = above / both;
                (both > 0.0).then_some(OrderProbability { units: [a, b], dimension, first_above })
            };
            pairs.par_iter().filter_map(pair).collect::<Vec<_>>()
        };
        (0..self.run().dimensions.len()).flat_map(of).collect()
    }

    /// Factors of the sensitivity analysis: all that may change anything.
    fn examined(&self) -> Vec<usize> {
        let has_gaps = self.study.scenarios.iter().any(outcome::has_gaps);
        let may_matter = |at: &usize| self.factors[*at].name != MISSING || has_gaps;
        (0..self.factors.len()).filter(may_matter).collect()
    }

    /// The type that effects are told of, of each unit: the nominal one, or the most probable.
    fn reference(&self, p_types: &[Vec<Option<f64>>]) -> Vec<u8> {
        let likeliest = |(kind, probabilities): (u8, &Vec<Option<f64>>)| {
            if kind == NONE { likeliest(probabilities).map_or(NONE, |(at, _)| at as u8) } else { kind }
        };
        self.plain().types.into_iter().zip(p_types).map(likeliest).collect()
    }

    /// The sentence of a unit.
    fn reads(&self, found: &Uncertainty, unit: usize) -> String {
        let run = self.run();
        let types = run.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
        if types.is_empty() {
            return String::new();
        }
        let effects = found.effects.last().and_then(|of_type| of_type[unit].as_deref());
        reads::Told {
            name: &run.clusters.names[run.units[unit].cluster],
            replicates: found.replicates,
            p_exists: found.p_exists[unit],
            likeliest: likeliest(&found.p_types[unit]).map(|(at, share)| (types[at].name.as_str(), share)),
            nominal: found.nominal[unit].map(|at| types[at].name.as_str()),
            effects: effects.map(|effects| (found.examined.as_slice(), effects)),
        }
        .reads()
    }

    /// The effects on every output: see [`Uncertainty::effects`]. `examined`: the factors, and the type of each unit that the
    /// last output asks for.
    fn effects(
        &self,
        settings: &Sensitivity,
        (examined, reference): &(&[usize], Vec<u8>),
        batches: &Batches,
        watch: &dyn Fn(u64),
    ) -> Result<Vec<Vec<Option<Vec<Effect>>>>> {
        let units = self.run().units.len();
        let outputs = self.run().dimensions.len() + 1;
        let variants = |row: u32| -> Vec<Variant> {
            let of = |second: &dyn Fn(usize) -> bool| {
                (0..self.factors.len()).map(|at| Some(At { row, second: second(at) })).collect::<Variant>()
            };
            let both = (settings.method == Method::Sobol).then(|| of(&|_| true));
            let each = examined.iter().map(|&one| of(&|at| at == one));
            std::iter::once(of(&|_| false)).chain(both).chain(each).collect()
        };
        let width = settings.width(examined.len());
        let mut results: Vec<Vec<f64>> = Vec::with_capacity(width * settings.draws as usize);
        for first in (0..settings.draws).step_by(DESIGN_BATCH as usize) {
            let rows = first..(first + DESIGN_BATCH).min(settings.draws);
            let of_row = |row: u32| self.design_row(&variants(row), reference);
            let of_rows = || -> Result<Vec<Vec<Vec<f64>>>> { rows.clone().into_par_iter().map(of_row).collect() };
            results.extend(batches.take(
                &format!("sensitivity-{first}"),
                |bytes| checkpoint::read_lists(bytes, rows.len() * width, outputs * units),
                || Ok(of_rows()?.into_iter().flatten().collect()),
                |found| checkpoint::written_lists(found),
            )?);
            watch(width as u64 * u64::from(rows.end));
        }
        let seed = self.study.settings.seed;
        let mut effects = sensitivity::effects(settings, seed, examined.len(), &results, outputs * units).into_iter();
        Ok((0..outputs).map(|_| effects.by_ref().take(units).collect()).collect())
    }

    /// All evaluations of one row of a design. The data are measured once for all that share a draw of them.
    fn design_row(&self, variants: &[Variant], reference: &[u8]) -> Result<Vec<Vec<f64>>> {
        let origin = self.origin(Purpose::Sensitivity);
        let mut measured: Vec<((usize, DataDraw), Measured)> = Vec::new();
        let mut results = Vec::with_capacity(variants.len());
        for variant in variants {
            let chosen = self.choose(variant, &origin);
            let key = (chosen.scenario, chosen.data);
            let mut at = measured.iter().position(|(known, _)| *known == key);
            if at.is_none() && !chosen.data.is_nominal() {
                at = Some(measured.len());
                measured.push((key, self.measured(key.0, &key.1, &origin)?));
            }
            let of = at.map_or(&self.nominal[chosen.scenario], |at| &measured[at].1);
            let outcome = self.outcome(&chosen, of);
            let is_that = |(own, of): (&u8, &u8)| match (*own, *of) {
                (_, NONE) => f64::NAN,
                (own, of) => f64::from(u8::from(own == of)),
            };
            let types = outcome.types.iter().zip(reference).map(is_that);
            results.push(outcome.scores.iter().flatten().copied().chain(types).collect());
        }
        Ok(results)
    }

    /// Single choices that make a type another.
    fn flips(&self) -> Vec<Flip> {
        let label = |(label, _): &(String, f64)| label.clone();
        let labels: Vec<Vec<String>> =
            self.study.alternatives.iter().map(|(_, options)| options.iter().map(label).collect()).collect();
        let changes = one_at_a_time::changes(self.study.settings, &self.study.scenarios, &self.factors, &labels);
        let plain = self.plain();
        let kind = |kind: u8| Some(kind as usize).filter(|_| kind != NONE);
        let of = |change: &one_at_a_time::Change| {
            let measured = &self.nominal[change.chosen.scenario];
            let outcome = self.outcome(&change.chosen, measured);
            let differs = |&unit: &usize| outcome.types[unit] != plain.types[unit];
            let flip = |unit: usize| Flip {
                unit,
                factor: change.factor.clone(),
                setting: change.setting.clone(),
                from: kind(plain.types[unit]),
                to: kind(outcome.types[unit]),
                exists: !measured.lacks(unit),
            };
            (0..outcome.types.len()).filter(differs).map(flip).collect::<Vec<Flip>>()
        };
        let mut flips: Vec<Flip> = changes.par_iter().map(of).collect::<Vec<_>>().into_iter().flatten().collect();
        flips.sort_by_key(|flip| flip.unit);
        flips
    }
}

/// How the ties of a scenario are drawn, and among whom others may be.
fn tie_draw(scenario: &Scenario<'_>, errors: &DataErrors) -> Result<Option<TieDraw>> {
    let Some(error) = errors.ties.clone() else { return Ok(None) };
    let ties = scenario.tables.ties.iter().filter(|table| !table.is_potential());
    let mut kinds: Vec<String> = Vec::new();
    for table in ties.filter(|table| error.adds(&table.kind)) {
        if !kinds.contains(&table.kind) {
            kinds.push(table.kind.clone());
        }
    }
    let pairs = if kinds.is_empty() {
        Vec::new()
    } else {
        measure::pairs(scenario.checked, (scenario.tables, scenario.indexes), scenario.clusters, &kinds)?
    };
    TieDraw::new(error, pairs).map(Some)
}
