//! Levers, pairs and parts of a change on random trees: what is promised of them must hold when the tree is asked again.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use forerunner::measure::indicators::{Measurement, Status};
use forerunner::measure::settings::Indicator;
use forerunner::score::{Component, Dimension, Scores, Tree};
use proptest::prelude::*;

const AGGREGATES: [&str; 7] =
    ["'arithmetic'", "'geometric'", "'harmonic'", "{ power = 2.0 }", "{ power = -1.5 }", "'minimum'", "'median'"];

/// Two components of three indicators under one dimension; one indicator beside them.
fn tree(aggregates: [&str; 3], weights: &[f64; 9]) -> Tree {
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
    Tree::new(&[dimension], &[component(0), component(1)], &indicators).unwrap()
}

fn measured(values: &[Option<f64>]) -> Vec<Measurement> {
    let of = |value: &Option<f64>| Measurement {
        value: *value,
        coverage: f64::from(u8::from(value.is_some())),
        status: Status::Observed,
    };
    values.iter().map(of).collect()
}

/// A score as a value of the indicator at that position.
fn value(tree: &Tree, at: usize, score: f64) -> f64 {
    tree.value_of(at, score)
}

fn random_scores() -> impl Strategy<Value = Vec<Option<f64>>> {
    prop::collection::vec(prop::option::weighted(0.85, 0.0f64..100.0), 7)
}

fn score(tree: &Tree, scores: &[Option<f64>]) -> Scores {
    let values: Vec<Option<f64>> =
        scores.iter().enumerate().map(|(at, score)| score.map(|score| value(tree, at, score))).collect();
    tree.score(&measured(&values))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// At the flip score the dimension reaches the target, a hair before it does not; where there is none, neither 0 nor
    /// 100 makes a difference.
    #[test]
    fn a_lever_flips_and_a_hair_less_does_not(
        scores in random_scores(),
        kinds in prop::array::uniform3(0usize..7),
        weights in prop::array::uniform9(0.1f64..3.0),
        target in 5.0f64..95.0,
    ) {
        let tree = tree(kinds.map(|kind| AGGREGATES[kind]), &weights);
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

    /// The cheapest pair lands on the target, and no pair on a grid of half points is cheaper.
    #[test]
    fn no_pair_is_cheaper(
        scores in random_scores(),
        kinds in prop::array::uniform3(0usize..6),
        weights in prop::array::uniform9(0.1f64..3.0),
        target in 10.0f64..90.0,
    ) {
        let tree = tree(kinds.map(|kind| AGGREGATES[kind]), &weights);
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
        let tree = tree(kinds.map(|kind| AGGREGATES[kind]), &weights);
        let (before, after) = (score(&tree, &before), score(&tree, &after));
        let parts = tree.split_change(0, &before, &after);
        let (Some(a), Some(b)) = (before.nodes[0].score, after.nodes[0].score) else {
            prop_assert!(parts.iter().all(Option::is_none));
            return Ok(());
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
