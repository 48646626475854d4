//! What must hold whatever the numbers: order of rows and number of threads change nothing, scores stay in bounds.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

mod few;

use std::fs;
use std::path::Path;
use std::process::Command;

use forerunner::classify::{Level, Open};
use forerunner::delineate::dbscan::dbscan;
use forerunner::indicator::Indicator;
use forerunner::indicator::Scale;
use forerunner::score::matrix::Matrix;
use forerunner::score::{
    Aggregate, Component, Dimension, Goalposts, Model, Observation, Score, Scorer, Scoring, Thresholds, Tree,
};
use proptest::prelude::*;

fn run(pipeline: &str, out: &Path, threads: &str) {
    let few = few::few(Path::new(pipeline));
    let status = Command::new(env!("CARGO_BIN_EXE_forerunner"))
        .args(["run", pipeline, "-q", "--threads", threads])
        .args(few.iter().flat_map(|one| ["--set", one.as_str()]))
        .arg("--out")
        .arg(out)
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn two_runs_and_any_number_of_threads_give_the_same_bytes() {
    let root = tempfile::tempdir().unwrap();
    for pipeline in
        ["pipelines/great-britain.toml", "pipelines/uk-clusters.toml", "tests/cases/worked_example/pipeline.toml"]
    {
        let folders = ["1", "2", "2"].iter().enumerate().map(|(time, threads)| {
            let out = root.path().join(format!("{time}"));
            run(pipeline, &out, threads);
            out
        });
        let folders: Vec<_> = folders.collect();
        let mut compared = 0;
        for entry in fs::read_dir(&folders[0]).unwrap() {
            let name = entry.unwrap().file_name();
            if name != "manifest.json" {
                let first = fs::read(folders[0].join(&name)).unwrap();
                assert!(folders[1..].iter().all(|folder| fs::read(folder.join(&name)).unwrap() == first), "{name:?}");
                compared += 1;
            }
        }
        assert!(compared >= 15, "{compared}");
    }
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (case, copy) = (Path::new("tests/cases/worked_example"), root.path().join("copy"));
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(case).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        // Ports have no id: their lines name them.
        let turned = path.extension().is_some_and(|extension| extension == "csv") && !path.ends_with("ports.csv");
        let (header, rows) = text.split_once('\n').unwrap_or((&text, ""));
        let rows: Vec<&str> = rows.lines().rev().collect();
        let text = if turned { format!("{header}\n{}\n", rows.join("\n")) } else { text.clone() };
        fs::write(copy.join(path.file_name().unwrap()), text).unwrap();
    }
    let (as_given, reversed) = (root.path().join("a"), root.path().join("b"));
    run(case.join("pipeline.toml").to_str().unwrap(), &as_given, "2");
    run(copy.join("pipeline.toml").to_str().unwrap(), &reversed, "2");
    for name in ["clusters.csv", "facilities.csv", "figures.csv", "indicators.csv", "scores.csv", "clusters.geojson"] {
        assert!(fs::read(as_given.join(name)).unwrap() == fs::read(reversed.join(name)).unwrap(), "{name}");
    }
}

/// The definition, as slow as it reads.
fn plain_dbscan(points: &[(f64, f64)], km: f64, least: usize) -> Vec<Option<usize>> {
    let vector = |&(lon, lat): &(f64, f64)| {
        let (lon, lat) = (lon.to_radians(), lat.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let vectors: Vec<[f64; 3]> = points.iter().map(vector).collect();
    let squared = |a: usize, b: usize| (0..3).map(|i| (vectors[a][i] - vectors[b][i]).powi(2)).sum::<f64>();
    let reach = (2.0 * (km / 6371.0088 / 2.0).sin()).powi(2);
    let near = |a: usize| (0..points.len()).filter(move |&b| squared(a, b) <= reach);
    let core: Vec<bool> = (0..points.len()).map(|point| near(point).count() >= least).collect();
    let mut label = vec![None; points.len()];
    let mut next = 0;
    for start in 0..points.len() {
        if !core[start] || label[start].is_some() {
            continue;
        }
        let mut open = vec![start];
        while let Some(point) = open.pop() {
            if label[point].replace(next).is_none() {
                open.extend(near(point).filter(|&other| core[other] && label[other].is_none()));
            }
        }
        next += 1;
    }
    let border = |point: usize| {
        near(point)
            .filter(|&other| core[other])
            .min_by(|&a, &b| squared(point, a).total_cmp(&squared(point, b)).then(a.cmp(&b)))
    };
    (0..points.len()).map(|point| label[point].or_else(|| border(point).and_then(|core| label[core]))).collect()
}

proptest! {
    #[test]
    fn dbscan_is_its_definition(points in prop::collection::vec((-0.5f64..0.5, 51.0f64..51.6), 1..120), km in 0.5f64..20.0, least in 1usize..6) {
        prop_assert_eq!(dbscan(&points, km, least), plain_dbscan(&points, km, least));
    }

    #[test]
    fn scores_stay_in_bounds_and_mirror(value in -1e6f64..1e6, worst in -1e3f64..1e3, span in 1e-3f64..1e4) {
        let rising = Goalposts::new(worst, None, worst + span, Scale::Linear).unwrap().score(value);
        let falling = Goalposts::new(worst + span, None, worst, Scale::Linear).unwrap().score(value);
        prop_assert!((0.0..=100.0).contains(&rising));
        prop_assert!((rising + falling - 100.0).abs() < 1e-6);
    }

    #[test]
    fn a_weight_of_zero_changes_nothing(scores in prop::collection::vec((0.0f64..100.0, 0.1f64..5.0), 1..8), extra in 0.0f64..100.0) {
        let mut with = scores.clone();
        with.push((extra, 0.0));
        for aggregate in [Aggregate::Arithmetic, Aggregate::Geometric, Aggregate::Harmonic, Aggregate::Minimum, Aggregate::Median, Aggregate::Power(2.0)] {
            let (without, with) = (aggregate.of(&scores, 1.0).unwrap(), aggregate.of(&with, 1.0).unwrap());
            prop_assert!((without - with).abs() < 1e-9, "{:?}", aggregate);
            prop_assert!((0.0..=100.0 + 1e-9).contains(&without));
        }
    }
}

/// Weights as people write them: their sums are rarely exact.
fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![prop::sample::select(vec![0.1, 0.2, 0.3, 1.0 / 3.0, 0.7, 1.0, 2.0, 0.05]), 0.01f64..5.0]
}

fn aggregate() -> impl Strategy<Value = Aggregate> {
    let fixed =
        [Aggregate::Arithmetic, Aggregate::Geometric, Aggregate::Harmonic, Aggregate::Minimum, Aggregate::Median];
    let powers = prop_oneof![Just(3.0), Just(0.5), Just(-1.0), Just(0.0), Just(2.0), -4.0f64..4.0];
    prop_oneof![prop::sample::select(fixed.to_vec()), powers.prop_map(Aggregate::Power)]
}

/// One dimension over one component over indicators from 0 to 100.
fn tree(aggregates: [Aggregate; 2], weights: &[f64], threshold: f64) -> (Model, Dimension) {
    tree_of(aggregates, weights, threshold, &["worst = 0\nbest = 100"])
}

/// The same with rules that take turns.
fn tree_of(aggregates: [Aggregate; 2], weights: &[f64], threshold: f64, rules: &[&str]) -> (Model, Dimension) {
    let mut dimension: Dimension = toml::from_str("id = 'd'").unwrap();
    (dimension.aggregate, dimension.threshold) = (aggregates[0], Thresholds(vec![threshold]));
    let mut component: Component = toml::from_str("id = 'c'\nparent = 'd'").unwrap();
    component.aggregate = aggregates[1];
    let indicator = |(at, weight): (usize, &f64)| -> Indicator {
        let parent = ["c", "d"][at % 2];
        let text = format!("id = 'i{at}'\nparent = '{parent}'\nexpr = 'x'\n{}", rules[at % rules.len()]);
        let mut indicator: Indicator = toml::from_str(&text).unwrap();
        indicator.weight = *weight;
        indicator
    };
    let indicators: Vec<Indicator> = weights.iter().enumerate().map(indicator).collect();
    let (dimensions, components) = (std::slice::from_ref(&dimension), &[component][..]);
    let tree = Tree { dimensions, components, indicators: &indicators, scoring: &Scoring::default() };
    (Model::new(tree).unwrap(), dimension)
}

/// Ways from values to scores, each with its own scale and its own way to lack a score.
const RULES: [&str; 8] = [
    "worst = 0\nbest = 100",
    "worst = 100\nbest = 1\nscale = 'log'",
    "worst = 0\ncrossover = 30\nbest = 100",
    "normalise = 'min_max'\ndirection = 'down'",
    "normalise = { method = 'percentile_rank', ties = 'average' }",
    "normalise = { method = 'distance_to_target', capped = true }\ntarget = 60",
    "normalise = { method = 'min_max', to = [1, 50] }\ntreat = true",
    "normalise = 'rank'",
];

/// A tree that has seen no values: goalposts need none.
fn fitted(model: &Model) -> Scorer<'_> {
    model.fit(&vec![Vec::new(); model.shape.indicators()])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(std::env::var("MEANS").map_or(300, |cases| cases.parse().unwrap())))]

    /// Whatever the means and the weights: what scores as much everywhere scores as much above, and reaches a threshold there.
    #[test]
    fn a_score_on_the_threshold_reaches_it(
        means in [aggregate(), aggregate()],
        weights in prop::collection::vec(weight(), 2..9),
        threshold in prop_oneof![Just(50.0), Just(40.0), Just(60.0), 1.0f64..100.0],
        coverage in prop_oneof![Just(1.0), Just(0.6), 0.01f64..1.0],
    ) {
        let (model, dimension) = tree(means, &weights, threshold);
        let tree = fitted(&model);
        let measured = vec![Observation { value: Some(threshold), coverage }; weights.len()];
        let scores = tree.score(&measured);
        let score = scores.nodes[0];
        prop_assert!((score.score.unwrap() - threshold).abs() < 1e-9, "{score:?}");
        prop_assert!(dimension.threshold.level(score.score.unwrap()) == Level::High, "{score:?}");
        // With as much coverage as the floor asks for, whatever rounding makes of its mean.
        prop_assert_eq!(Open::of(&score, &dimension.threshold, coverage).known(), Some(Level::High));
        for score in scores.nodes.iter().chain(&scores.indicators) {
            prop_assert!((0.0..=100.0).contains(&score.low) && (0.0..=100.0).contains(&score.high), "{score:?}");
            prop_assert!((0.0..=1.0).contains(&score.coverage) && score.low <= score.high, "{score:?}");
            prop_assert!(score.low.is_sign_positive() && score.score.is_none_or(f64::is_sign_positive), "{score:?}");
        }
        // A millionth below it is low.
        let below = vec![Observation { value: Some(threshold - 1e-6), coverage: 1.0 }; weights.len()];
        prop_assert!(dimension.threshold.level(tree.score(&below).nodes[0].score.unwrap()) == Level::Low);
    }

    /// Column by column or unit by unit: the same bits.
    #[test]
    fn columns_score_as_units_do(
        means in [aggregate(), aggregate()],
        weights in prop::collection::vec(weight(), 2..6),
        which in 0usize..RULES.len(),
        cells in prop::collection::vec(prop::collection::vec(
            (prop::option::of(prop_oneof![-20.0f64..120.0, Just(50.0), Just(0.0)]), prop_oneof![Just(1.0), 0.0f64..=1.0]), 5), 1..20),
    ) {
        let (model, _) = tree_of(means, &weights, 50.0, &RULES[which..]);
        let seen = |&(value, coverage): &(Option<f64>, f64)| Observation {
            value, coverage: if value.is_some() { coverage } else { 0.0 }
        };
        let rows: Vec<Vec<Observation>> =
            cells.iter().map(|row| row[..weights.len()].iter().map(seen).collect()).collect();
        let columns: Vec<Vec<Observation>> =
            (0..weights.len()).map(|at| rows.iter().map(|row| row[at]).collect()).collect();
        let tree = model.fit(&columns);
        let matrix = Matrix::new(tree.parameters(), &columns);
        let all = tree.score_all(&columns);
        let leaves = tree.leaves(&matrix, 0..rows.len());
        let (nodes, bounds) = (tree.nodes(&leaves, false), tree.bounds(&leaves, &matrix, 0..rows.len()));
        let is_whole = leaves.iter().flatten().all(|score| !score.is_nan());
        prop_assert!(!is_whole || tree.nodes(&leaves, true) == nodes);
        for (unit, row) in rows.iter().enumerate() {
            prop_assert_eq!(&all[unit], &tree.score(row));
            for (node, score) in tree.score(row).nodes.into_iter().enumerate() {
                let found = Score {
                    score: Some(nodes[node][unit]).filter(|score| !score.is_nan()),
                    coverage: bounds.coverage[node][unit],
                    low: bounds.low[node][unit],
                    high: bounds.high[node][unit],
                };
                prop_assert_eq!(found, score);
            }
        }
    }

    /// Bounds and scores stay on their scale whatever is measured and whatever is missing.
    #[test]
    fn nodes_stay_on_their_scale(
        means in [aggregate(), aggregate()],
        values in prop::collection::vec((weight(), prop::option::of(-20.0f64..120.0), 0.0f64..=1.0), 2..9),
    ) {
        let weights: Vec<f64> = values.iter().map(|(weight, ..)| *weight).collect();
        let (model, _) = tree(means, &weights, 50.0);
        let tree = fitted(&model);
        let measured = values.iter().map(|&(_, value, coverage)| {
            Observation { value, coverage: if value.is_some() { coverage } else { 0.0 } }
        });
        for score in tree.score(&measured.collect::<Vec<_>>()).nodes {
            let within = |value: f64| (0.0..=100.0).contains(&value);
            prop_assert!(within(score.low) && within(score.high) && score.score.is_none_or(within), "{score:?}");
            prop_assert!((0.0..=1.0).contains(&score.coverage), "{score:?}");
        }
    }
}
