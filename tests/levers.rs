//! Levers, pairs and parts of a change on random trees: what is promised of them must hold when the tree is asked again.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use forerunner::classify::levers::{Basis, Levers, levers};
use forerunner::classify::moves::Course;
use forerunner::classify::{Class, Classification, Rules, Typology};
use forerunner::indicator::Indicator;
use forerunner::measure::Unit;
use forerunner::measure::indicators::{Measurement, Status};
use forerunner::score::{Component, Dimension, Model, Observation, Scorer, Scores, Scoring, Thresholds, Tree};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const AGGREGATES: [&str; 7] =
    ["'arithmetic'", "'geometric'", "'harmonic'", "{ power = 2.0 }", "{ power = -1.5 }", "'minimum'", "'median'"];

fn model(dimensions: &[Dimension], components: &[Component], indicators: &[Indicator]) -> Model {
    Model::new(Tree { dimensions, components, indicators, scoring: &Scoring::default() }).unwrap()
}

/// Two components of three indicators under one dimension; one indicator beside them.
fn tree(aggregates: [&str; 3], weights: &[f64; 9]) -> Model {
    tree_and_indicators(aggregates, weights).0
}

/// A tree that has seen no values: goalposts need none.
fn fitted(model: &Model) -> Scorer<'_> {
    model.fit(&vec![Vec::new(); model.shape.indicators()])
}

fn tree_and_indicators(aggregates: [&str; 3], weights: &[f64; 9]) -> (Model, Vec<Indicator>) {
    let dimension: Dimension = toml::from_str(&format!("id = 'd'\naggregate = {}", aggregates[0])).unwrap();
    let component = |at: usize| -> Component {
        let text = format!("id = 'c{at}'\nparent = 'd'\nweight = {}\naggregate = {}", weights[at], aggregates[at + 1]);
        toml::from_str(&text).unwrap()
    };
    let indicator = |at: usize| -> Indicator {
        let parent = ["c0", "c0", "c0", "c1", "c1", "c1", "d"][at];
        let posts = ["worst = 0\ncrossover = 3\nbest = 10", "worst = 100\nbest = 1\nscale = 'log'"][at % 2];
        let weight = weights[at + 2];
        toml::from_str(&format!("id = 'i{at}'\nparent = '{parent}'\nexpr = 'x'\nweight = {weight}\n{posts}")).unwrap()
    };
    let indicators: Vec<Indicator> = (0..7).map(indicator).collect();
    (model(&[dimension], &[component(0), component(1)], &indicators), indicators)
}

fn measured(values: &[Option<f64>]) -> Vec<Measurement> {
    let of = |value: &Option<f64>| Measurement {
        value: *value,
        coverage: f64::from(u8::from(value.is_some())),
        status: Status::Observed,
        within_km: None,
    };
    values.iter().map(of).collect()
}

fn observed(values: &[Option<f64>]) -> Vec<Observation> {
    let of = |value: &Option<f64>| Observation { value: *value, coverage: f64::from(u8::from(value.is_some())) };
    values.iter().map(of).collect()
}

/// A score as a value of the indicator at that position.
fn value(tree: &Scorer<'_>, at: usize, score: f64) -> f64 {
    tree.rule(at).value(score).unwrap()
}

/// What the classification says of one unit of a tree with the dimension `d`, high from `target`.
fn levers_of(tree: &Scorer<'_>, indicators: &[Indicator], values: &[Option<f64>], target: f64) -> (String, Levers) {
    let mut dimension: Dimension = toml::from_str("id = 'd'").unwrap();
    dimension.threshold = Thresholds(vec![target]);
    let dimensions = [dimension];
    let (measured, settings) = (measured(values), Classification { coverage_floor: 0.0, ..Classification::default() });
    let scores = tree.score(&observed(values));
    let rules = Rules { dimensions: &dimensions, indicators, scorer: tree, typology: None, settings: &settings };
    let class = rules.classify(&scores);
    let level = class.levels[0].as_str().to_owned();
    let measured: Vec<Vec<Measurement>> = measured.into_iter().map(|one| vec![one]).collect();
    let times = vec![vec![None]; measured.len()];
    let basis = Basis { rules, measured: &measured, times: &times };
    (level, levers(basis, &[scores], &[class]).remove(0))
}

fn random_scores() -> impl Strategy<Value = Vec<Option<f64>>> {
    prop::collection::vec(prop::option::weighted(0.85, 0.0f64..100.0), 7)
}

fn score(tree: &Scorer<'_>, scores: &[Option<f64>]) -> Scores {
    let values: Vec<Option<f64>> =
        scores.iter().enumerate().map(|(at, score)| score.map(|score| value(tree, at, score))).collect();
    tree.score(&observed(&values))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400),
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// At the flip score the dimension reaches the target, a hair before it does not; where there is none, neither 0 nor
    /// 100 makes a difference.
    #[test]
    fn a_lever_flips_and_a_hair_less_does_not(
        scores in random_scores(),
        kinds in prop::array::uniform3(0usize..7),
        weights in prop::array::uniform9(0.1f64..3.0),
        target in 5.0f64..95.0,
    ) {
        let model = tree(kinds.map(|kind| AGGREGATES[kind]), &weights);
        let tree = fitted(&model);
        let all = score(&tree, &scores);
        prop_assume!(all.nodes[0].score.is_some());
        let at = |indicator: usize, score: f64| tree.score_with(&all, 0, &[(indicator, score)]).unwrap();
        for (indicator, flip) in tree.flip_scores(&all, 0, target).into_iter().enumerate() {
            if all.indicators[indicator].score.is_none() {
                prop_assert!(flip.is_none());
                continue;
            }
            match flip {
                Some(flip) => {
                    prop_assert!((0.0..=100.0).contains(&flip));
                    prop_assert!(at(indicator, (flip + 1e-7).min(100.0)) >= target - 1e-9);
                    prop_assert!(at(indicator, flip - 1e-6) < target);
                }
                None => prop_assert!(at(indicator, 0.0) >= target - 1e-9 || at(indicator, 100.0) < target + 1e-9),
            }
        }
    }

    /// The values that levers and pairs name, put in: the dimension is high there, and low a hair before; whatever it was.
    #[test]
    fn values_flip_the_level(
        scores in random_scores(),
        kinds in prop::array::uniform3(0usize..7),
        weights in prop::array::uniform9(0.1f64..3.0),
        target in 5.0f64..95.0,
    ) {
        let (model, indicators) = tree_and_indicators(kinds.map(|kind| AGGREGATES[kind]), &weights);
        let tree = fitted(&model);
        let mut values: Vec<Option<f64>> =
            scores.iter().enumerate().map(|(at, score)| score.map(|score| value(&tree, at, score))).collect();
        // Nothing missing, so that no bound decides.
        values.iter_mut().enumerate().for_each(|(at, one)| *one = one.or(Some(value(&tree, at, 40.0))));
        let (level, found) = levers_of(&tree, &indicators, &values, target);
        let with = |changed: &[(usize, f64)]| {
            let mut values = values.clone();
            changed.iter().for_each(|(at, value)| values[*at] = Some(*value));
            levers_of(&tree, &indicators, &values, target).0
        };
        for (at, lever) in found.single.iter().enumerate() {
            let Some(lever) = lever else { continue };
            prop_assert_eq!(lever.to.as_str() == "high", level == "low");
            prop_assert_eq!(with(&[(at, lever.flip_value)]), "high");
            let worse = if at % 2 == 0 { -1e-6 } else { 1e-6 };
            prop_assert_eq!(with(&[(at, lever.flip_value * (1.0 + worse))]), "low");
        }
        for pair in &found.pairs {
            prop_assert_eq!(pair.to.as_str() == "high", level == "low");
            prop_assert_eq!(with(&pair.ends), "high", "{:?}", pair);
            let less: Vec<(usize, f64)> =
                pair.ends.iter().map(|(at, value)| (*at, value * if at % 2 == 0 { 1.0 - 1e-6 } else { 1.0 + 1e-6 })).collect();
            // At a limit of its goalposts a value makes no difference; of two at least one is not.
            prop_assert!(with(&less) == "low" || pair.ends.iter().all(|(at, _)| at % 2 == 0 && less[0].1 == 0.0));
        }
    }

    /// The matrix of each two periods sums to the clusters that have a type in both, and so do the rows of moves.
    #[test]
    fn transitions_sum_to_typed_clusters(values in prop::collection::vec(prop::array::uniform2(prop::option::weighted(0.8, 0.0f64..10.0)), 12)) {
        let dimension = |id: &str| -> Dimension { toml::from_str(&format!("id = '{id}'")).unwrap() };
        let dimensions = ["locational_advantage", "inter_firm_linkages"].map(dimension);
        let indicator = |at: usize| -> Indicator {
            let parent = &dimensions[at].id;
            toml::from_str(&format!("id = 'i{at}'\nparent = '{parent}'\nexpr = 'x'\nworst = 0\nbest = 10")).unwrap()
        };
        let indicators = [indicator(0), indicator(1)];
        let model = model(&dimensions, &[], &indicators);
        let tree = fitted(&model);
        let typology = Typology::built_in().unwrap();
        let settings = Classification::default();
        // Four clusters in three periods; the last cluster is not there in the second.
        let all = values.iter().enumerate().filter(|(at, _)| *at != 10);
        let (units, scores): (Vec<Unit>, Vec<Scores>) = all
            .map(|(at, values)| (Unit { cluster: at / 3, period: Some(2000 + at as i64 % 3) }, tree.score(&observed(values))))
            .unzip();
        let rules = Rules {
            dimensions: &dimensions,
            indicators: &indicators,
            scorer: &tree,
            typology: Some(&typology),
            settings: &settings,
        };
        let classes: Vec<Class> = scores.iter().map(|one| rules.classify(one)).collect();
        let emissions: Vec<Option<f64>> = (0..units.len()).map(|at| Some(at as f64)).collect();
        let run = Course { rules, units: &units, emissions_t: &emissions, scores: &scores, classes: &classes };
        let moves = run.moves().unwrap();
        let typed = |cluster: usize, period: i64| {
            units.iter().position(|unit| *unit == Unit { cluster, period: Some(period) }).is_some_and(|at| classes[at].known().is_some())
        };
        for period in [2000, 2001] {
            let wanted = (0..4).filter(|&cluster| typed(cluster, period) && typed(cluster, period + 1)).count() as u64;
            let cells = moves.transitions.iter().filter(|cell| cell.from_period == Some(period));
            prop_assert_eq!(cells.map(|cell| cell.clusters).sum::<u64>(), wanted);
            let rows = moves.moves.iter().filter(|one| one.types.is_some() && units[one.from].period == Some(period));
            prop_assert_eq!(rows.count() as u64, wanted);
        }
        prop_assert_eq!(moves.transitions.len(), 2 * 16);
    }

    /// The cheapest pair lands on the target, and no pair on a grid of half points is cheaper.
    #[test]
    fn no_pair_is_cheaper(
        scores in random_scores(),
        kinds in prop::array::uniform3(0usize..6),
        weights in prop::array::uniform9(0.1f64..3.0),
        target in 10.0f64..90.0,
    ) {
        let model = tree(kinds.map(|kind| AGGREGATES[kind]), &weights);
        let tree = fitted(&model);
        let all = score(&tree, &scores);
        prop_assume!(all.nodes[0].score.is_some());
        let up = all.nodes[0].score.unwrap() < target;
        let found = tree.cheapest_pair(&all, 0, target, &|_| true);
        let with = |changed: &[(usize, f64)]| tree.score_with(&all, 0, changed).unwrap();
        let own = |at: usize| all.indicators[at].score.unwrap();
        let known: Vec<usize> = (0..7).filter(|&at| all.indicators[at].score.is_some()).collect();
        if let Some(pair) = &found {
            let ends: Vec<(usize, f64)> = std::iter::once(pair.first).chain(pair.second).collect();
            prop_assert!((with(&ends) - target).abs() < 1e-6 || kinds.contains(&5), "{} {:?}", with(&ends), pair);
            let points: f64 = ends.iter().map(|(at, score)| (score - own(*at)).abs()).sum();
            prop_assert!((points - pair.points).abs() < 1e-6);
        }
        let reaches = |changed: &[(usize, f64)]| if up { with(changed) >= target } else { with(changed) < target };
        let mut least = f64::INFINITY;
        for (position, &a) in known.iter().enumerate() {
            for &b in &known[position + 1..] {
                for step in 0..=40 {
                    for other in 0..=40 {
                        let to = |at: usize, step: i32| {
                            let limit = if up { 100.0 } else { 0.0 };
                            own(at) + (limit - own(at)) * f64::from(step) / 40.0
                        };
                        let (x, y) = (to(a, step), to(b, other));
                        let points = (x - own(a)).abs() + (y - own(b)).abs();
                        if points < least && reaches(&[(a, x), (b, y)]) {
                            least = points;
                        }
                    }
                }
            }
        }
        match found {
            Some(pair) => prop_assert!(pair.points <= least + 1e-6, "{} against {least}", pair.points),
            None => prop_assert!(least.is_infinite(), "a pair for {least} points was missed"),
        }
    }

    /// The parts of a change add up to it, also where indicators come and go.
    #[test]
    fn parts_add_up(
        before in random_scores(),
        after in random_scores(),
        kinds in prop::array::uniform3(0usize..7),
        weights in prop::array::uniform9(0.1f64..3.0),
    ) {
        let model = tree(kinds.map(|kind| AGGREGATES[kind]), &weights);
        let tree = fitted(&model);
        let (before, after) = (score(&tree, &before), score(&tree, &after));
        // An error if what is computed leaves more than 1e-9 over.
        let parts = tree.split_change(0, &before, &after).unwrap();
        let (Some(a), Some(b)) = (before.nodes[0].score, after.nodes[0].score) else {
            prop_assert!(parts.iter().all(Option::is_none));
            // Counted: too many of these end the test.
            return Err(TestCaseError::reject("a state without a score"));
        };
        prop_assert!((parts.iter().flatten().sum::<f64>() - (b - a)).abs() < 1e-9);
        for (at, part) in parts.iter().enumerate() {
            let unchanged = before.indicators[at].score == after.indicators[at].score;
            let alone = before.indicators[at].score.is_none() && after.indicators[at].score.is_none();
            prop_assert!(!alone || part.is_none());
            let component = [1, 1, 1, 2, 2, 2, 0][at];
            let was_there = before.nodes[component].score.is_some() && after.nodes[component].score.is_some();
            prop_assert!(!(unchanged && was_there) || part.is_none_or(|part| part.abs() < 1e-9), "{at}: {part:?}");
        }
    }
}
