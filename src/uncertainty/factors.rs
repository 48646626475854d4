//! What is drawn: the factors of a pipeline, and what one draw of them makes of its score tree, thresholds and data.

use super::draws::{At, Numbers, Origin, normal, triangular};
use super::scenario::{COORDINATES, DataDraw, DataErrors, EMISSIONS, LAYERS, Scenario, TIES};
use super::settings::{Alternative, Thresholds, UncertaintySettings, WeightDraw, Weights};
use crate::given::Switch;
use crate::indicator::Scale;
use crate::score::normalise::Normalise;
use crate::score::shape::Child;
use crate::score::{Aggregate, Goalposts, Parameters, Shape};
use crate::validate::Tables;

/// The name of the factor that stands for what is not known: indicators that are missing.
pub const MISSING: &str = "missing";
/// The name of the factor of the radius, among the alternatives.
pub const RADIUS: &str = "radius_km";

/// One factor.
#[derive(Debug, Clone)]
pub struct Factor {
    /// Its name; `thresholds.DIMENSION` and the like for factors of one dimension.
    pub name: String,
    kind: Kind,
    /// Its first dimension in a sequence of points; `None` where its numbers are always random.
    first: Option<u32>,
}

#[derive(Debug, Clone)]
enum Kind {
    Weights(Weights),
    Goalposts {
        sigma: f64,
    },
    Aggregation {
        dimension: usize,
        alternatives: Vec<Alternative>,
    },
    Threshold {
        dimension: usize,
        thresholds: Thresholds,
    },
    IndicatorSet {
        probability: f64,
    },
    Missing,
    Emissions,
    Coordinates,
    Layers,
    Ties,
    /// Position among the alternatives, and probabilities.
    Alternatives(usize, Vec<f64>),
}

/// A draw of every factor: `None` where it stays nominal.
pub type Variant = Vec<Option<At>>;

/// What a draw makes of a pipeline.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Position of the scenario.
    pub scenario: usize,
    /// The numbers of its score tree.
    pub parameters: Parameters,
    /// The thresholds of its dimensions.
    pub thresholds: Vec<Vec<f64>>,
    /// Which draw of its data.
    pub data: DataDraw,
    /// What the scores of missing indicators are made of; `None`: they stay missing.
    pub missing: Option<u64>,
    /// Position of the indicator that is left out.
    pub left_out: Option<usize>,
}

/// The factors that may change anything, in the order of the pipeline file's keys. `alternatives`: names and probabilities.
pub fn factors(
    settings: &UncertaintySettings,
    run: &Scenario<'_>,
    errors: &DataErrors,
    alternatives: &[(String, Vec<f64>)],
) -> Vec<Factor> {
    let mut kinds: Vec<(String, Kind, u32)> = Vec::new();
    let (indicators, nodes) = (run.indicators.len() as u32, run.model.shape.nodes().len() as u32);
    if let Some(weights) = settings.weights.value() {
        kinds.push(("weights".into(), Kind::Weights(weights), indicators + nodes));
    }
    if let Some(spread) = settings.goalposts.value() {
        kinds.push(("goalposts".into(), Kind::Goalposts { sigma: spread.sigma }, 3 * indicators));
    }
    for (dimension, alternatives) in aggregations(settings, run).into_iter().enumerate() {
        let name = format!("aggregation.{}", run.dimensions[dimension].id);
        if alternatives.len() > 1 {
            kinds.push((name, Kind::Aggregation { dimension, alternatives }, 1));
        }
    }
    if let Some(thresholds) = settings.thresholds.value() {
        for (dimension, of) in run.dimensions.iter().enumerate() {
            // What nobody said is of 100 points; a scale without ends has none.
            let Some(thresholds) = on_scale(thresholds, settings, run.model.scales[dimension]) else { continue };
            let kind = Kind::Threshold { dimension, thresholds };
            kinds.push((format!("thresholds.{}", of.id), kind, of.threshold.0.len() as u32));
        }
    }
    if let Some(leave) = settings.indicator_set.value() {
        kinds.push(("indicator_set".into(), Kind::IndicatorSet { probability: leave.probability }, 1));
    }
    for (at, (name, probabilities)) in alternatives.iter().enumerate() {
        kinds.push((name.clone(), Kind::Alternatives(at, probabilities.clone()), 1));
    }
    let errors = [
        (EMISSIONS, errors.emissions.is_some(), Kind::Emissions),
        (COORDINATES, errors.coordinates.is_some(), Kind::Coordinates),
        (LAYERS, !errors.layers.is_empty(), Kind::Layers),
        (TIES, errors.ties.is_some(), Kind::Ties),
        (MISSING, true, Kind::Missing),
    ];
    let data =
        errors.into_iter().filter(|(_, is_drawn, _)| *is_drawn).map(|(name, _, kind)| (name.to_owned(), kind, 0));
    kinds.extend(data);
    let mut next = 0;
    let placed = kinds.into_iter().map(|(name, kind, dimensions)| {
        let first = (dimensions > 0).then_some(next);
        next += dimensions;
        Factor { name, kind, first }
    });
    placed.collect()
}

/// The alternatives of every dimension's aggregate; METHOD's where the file gives none and its dimensions are the method's.
pub fn aggregations(settings: &UncertaintySettings, run: &Scenario<'_>) -> Vec<Vec<Alternative>> {
    let alternative = |(aggregate, probability)| Alternative { aggregate, probability };
    let of_method = |id: &str, aggregate: Aggregate| -> Vec<Alternative> {
        use Aggregate::{Arithmetic, Geometric, Minimum};
        let known: &[(Aggregate, f64)] = match id {
            "locational_advantage" => &[(Geometric, 0.6), (Arithmetic, 0.2), (Minimum, 0.2)],
            "inter_firm_linkages" => &[(Arithmetic, 0.8), (Geometric, 0.2)],
            _ => &[],
        };
        // The method's own is the most probable; of another nothing is known.
        let fits = known.first().is_some_and(|(first, _)| *first == aggregate);
        known.iter().filter(|_| fits).copied().map(alternative).collect()
    };
    let of = |dimension: &crate::score::Dimension| match &settings.aggregation {
        Switch::On(false) => Vec::new(),
        Switch::On(true) => of_method(&dimension.id, dimension.aggregate),
        Switch::Given(given) => given.get(&dimension.id).cloned().unwrap_or_default(),
    };
    run.dimensions.iter().map(of).collect()
}

impl Factor {
    /// The probabilities of its options, where it is a factor of alternatives.
    pub fn alternatives(&self) -> Option<(usize, &[f64])> {
        if let Kind::Alternatives(at, probabilities) = &self.kind { Some((*at, probabilities)) } else { None }
    }
}

/// Draws every factor. `counts`: options of each factor of alternatives; scenarios are numbered with the last counting
/// fastest.
pub fn choose(
    factors: &[Factor],
    scenarios: &[Scenario<'_>],
    counts: &[usize],
    variant: &Variant,
    origin: &Origin,
) -> Chosen {
    let drawn = || factors.iter().zip(variant).filter_map(|(factor, at)| Some((factor, (*at)?)));
    let numbers = |factor: &Factor, at: At| origin.numbers(&factor.name, at, factor.first);
    let mut options = vec![0; counts.len()];
    for (factor, at) in drawn() {
        if let Kind::Alternatives(position, probabilities) = &factor.kind {
            options[*position] = numbers(factor, at).choice(probabilities.iter().copied());
        }
    }
    let mut chosen = nominal(scenarios, scenario_of(counts, &options));
    let shape = &scenarios[chosen.scenario].model.shape;
    for (factor, at) in drawn() {
        let mut numbers = numbers(factor, at);
        match &factor.kind {
            Kind::Weights(weights) => weigh(&mut chosen.parameters, shape, weights, &mut numbers),
            Kind::Goalposts { sigma } => move_posts(&mut chosen.parameters, *sigma, &mut numbers),
            Kind::Aggregation { dimension, alternatives } => {
                let at = numbers.choice(alternatives.iter().map(|one| one.probability));
                let aggregate = &mut chosen.parameters.aggregates[*dimension];
                // An alternative that says how a dimension combines has said it.
                if *aggregate == scenarios[0].model.parameters.aggregates[*dimension] {
                    *aggregate = alternatives[at].aggregate;
                }
            }
            Kind::Threshold { dimension, thresholds } => {
                let moved = move_thresholds(&chosen.thresholds[*dimension], *thresholds, &mut numbers);
                chosen.thresholds[*dimension] = moved;
            }
            Kind::IndicatorSet { probability } => {
                let number = numbers.number();
                let candidates = dispensable(shape, &chosen.parameters);
                if number < *probability && !candidates.is_empty() {
                    let at = (number / probability * candidates.len() as f64) as usize;
                    let left_out = candidates[at.min(candidates.len() - 1)];
                    chosen.parameters.leave_out(shape, Child::Indicator(left_out));
                    chosen.left_out = Some(left_out);
                }
            }
            Kind::Missing => chosen.missing = Some(numbers.key()),
            Kind::Emissions => chosen.data.emissions = Some(at),
            Kind::Coordinates => chosen.data.coordinates = Some(at),
            Kind::Layers => chosen.data.layers = Some(at),
            Kind::Ties => chosen.data.ties = Some(at),
            Kind::Alternatives(..) => {}
        }
    }
    chosen
}

/// A scenario as its pipeline file has it.
pub fn nominal(scenarios: &[Scenario<'_>], scenario: usize) -> Chosen {
    let of = &scenarios[scenario];
    Chosen {
        scenario,
        parameters: of.model.parameters.clone(),
        thresholds: of.dimensions.iter().map(|dimension| dimension.threshold.0.clone()).collect(),
        data: DataDraw::default(),
        missing: None,
        left_out: None,
    }
}

/// The number of a scenario, by the option of each factor of alternatives.
pub fn scenario_of(counts: &[usize], options: &[usize]) -> usize {
    counts.iter().zip(options).fold(0, |number, (count, option)| number * count + option)
}

/// Siblings' weights around their own: Dirichlet, with their sum, or each by itself.
fn weigh(parameters: &mut Parameters, shape: &Shape, settings: &Weights, numbers: &mut Numbers) {
    let levels = shape.levels();
    let is_drawn = |child: &Child| settings.levels.is_empty() || settings.levels.contains(&levels.of(*child));
    for node in 0..shape.nodes().len() {
        let mut weighing = parameters.weighing(shape, node);
        weighing.retain(is_drawn);
        let concentration = match settings.draw() {
            WeightDraw::Dirichlet(concentration) => concentration,
            WeightDraw::Uniform(share) => {
                for child in weighing {
                    let factor = 1.0 + share * (2.0 * numbers.number() - 1.0);
                    parameters.set_weight(child, parameters.weight(child) * factor);
                }
                continue;
            }
        };
        if weighing.len() < 2 {
            continue;
        }
        let weights: Vec<f64> = weighing.iter().map(|&child| parameters.weight(child)).collect();
        let sum: f64 = weights.iter().sum();
        let total = concentration * weighing.len() as f64;
        let shares = numbers.dirichlet(&weights.iter().map(|weight| total * weight / sum).collect::<Vec<_>>());
        for (child, share) in weighing.into_iter().zip(shares) {
            parameters.set_weight(child, share * sum);
        }
    }
}

/// Where thresholds lie on the scale of a dimension: as the file says, else as much of it as the default is of 100
/// points.
pub fn on_scale(thresholds: Thresholds, settings: &UncertaintySettings, ends: Option<[f64; 2]>) -> Option<Thresholds> {
    if settings.thresholds.given().is_some() {
        return Some(thresholds);
    }
    ends.map(|[low, high]| thresholds.times((high - low) / 100.0))
}

/// Goalposts times log-normal factors; where one is 0, all by a share of their range.
fn move_posts(parameters: &mut Parameters, sigma: f64, numbers: &mut Numbers) {
    for rule in &mut parameters.normalise {
        let Normalise::Goalposts(posts) = rule else { continue };
        let moved = numbers.until(3, |drawn| {
            let steps = [drawn[0], drawn[1], drawn[2]].map(|number| sigma * normal(number));
            moved_posts(posts, steps).filter(|moved| moved.rises() == posts.rises())
        });
        if let Some(moved) = moved {
            *rule = Normalise::Goalposts(moved);
        }
    }
}

/// Goalposts moved by steps in logarithms; those that are 0 by as much of their range. `None` where their order breaks.
pub fn moved_posts(posts: &Goalposts, [worst, crossover, best]: [f64; 3]) -> Option<Goalposts> {
    let (from, bend, to) = posts.posts();
    let range = (to - from).abs();
    let moved = |post: f64, step: f64| {
        if post == 0.0 && posts.scale() == Scale::Linear { step * range } else { post * step.exp() }
    };
    Goalposts::new(moved(from, worst), bend.map(|bend| moved(bend, crossover)), moved(to, best), posts.scale()).ok()
}

fn move_thresholds(nominal: &[f64], thresholds: Thresholds, numbers: &mut Numbers) -> Vec<f64> {
    let step = |number: f64| match thresholds {
        Thresholds::Triangular(points) => points * triangular(number),
        Thresholds::Uniform(points) => points * (2.0 * number - 1.0),
        Thresholds::Normal(points) => points * normal(number),
    };
    let moved = numbers.until(nominal.len(), |drawn| {
        let moved: Vec<f64> = nominal.iter().zip(drawn).map(|(threshold, number)| threshold + step(*number)).collect();
        moved.windows(2).all(|pair| pair[0] < pair[1]).then_some(moved)
    });
    moved.unwrap_or_else(|| nominal.to_vec())
}

/// The indicators without which every dimension still has one that weighs.
pub fn dispensable(shape: &Shape, parameters: &Parameters) -> Vec<usize> {
    let can_go = |indicator: &usize| {
        let mut without = parameters.clone();
        without.leave_out(shape, Child::Indicator(*indicator));
        let weighs = |dimension: usize| without.weighs(shape, dimension);
        parameters.indicator_weights[*indicator] > 0.0 && shape.dimensions().all(weighs)
    };
    (0..shape.indicators()).filter(can_go).collect()
}

/// What of the data is drawn, as far as a register, layers and ties have it.
pub fn data_errors(settings: &UncertaintySettings, tables: &Tables) -> DataErrors {
    let register = tables.facilities.as_ref();
    let has_emissions = register.is_some_and(|register| register.emissions_t.iter().any(|tonnes| tonnes.is_some()));
    let has_places = register.is_some_and(|register| register.places.iter().any(Option::is_some));
    let has_ties = register.is_some() && tables.ties.iter().any(|table| !table.is_potential());
    let imprecise = tables.layers.iter().filter(|layer| layer.is_imprecise && has_places);
    let named = |name: &String| match &settings.layers {
        Switch::On(on) => *on,
        Switch::Given(names) => names.contains(name),
    };
    DataErrors {
        emissions: settings.emissions.value().filter(|_| has_emissions),
        coordinates: settings.coordinates.value().filter(|_| has_places),
        layers: imprecise.map(|layer| layer.name.clone()).filter(named).collect(),
        ties: settings.ties.value().filter(|_| has_ties),
        redelineate: settings.redelineate,
    }
}
