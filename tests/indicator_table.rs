//! A table of indicators and nothing else: what must hold of its scores whatever is in it, and what happens where
//! nothing can be computed.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use forerunner::indicator::Indicator;
use forerunner::score::{Component, Dimension, Model, Observation, Scores, Scoring, Tree};
use proptest::prelude::*;

/// Every method over one indicator each.
const METHODS: [&str; 11] = [
    "worst = -50\nbest = 150",
    "normalise = 'min_max'",
    "normalise = { method = 'min_max', to = [1, 100] }",
    "normalise = 'z_score'",
    "normalise = { method = 'percentile_rank', ties = 'average' }",
    "normalise = { method = 'rank', ties = 'max' }",
    "normalise = 'borda'",
    "normalise = 'distance_to_maximum'",
    "normalise = 'distance_to_target'\ntarget = 500",
    "normalise = 'min_max'\ntreat = true",
    "normalise = 'min_max'\ntreat = { winsorise = 0, then = { box_cox = 0.5 } }",
];

fn model(rules: &[&str], weights: &[f64], aggregate: &str) -> Model {
    let dimension: Dimension = toml::from_str(&format!("id = 'd'\naggregate = '{aggregate}'")).unwrap();
    let component: Component = toml::from_str("id = 'c'\nparent = 'd'").unwrap();
    let indicator = |(at, rule): (usize, &&str)| -> Indicator {
        let parent = ["d", "c"][at % 2];
        toml::from_str(&format!("id = 'i{at}'\nparent = '{parent}'\nexpr = 'x'\nweight = {}\n{rule}", weights[at]))
            .unwrap()
    };
    let indicators: Vec<Indicator> = rules.iter().enumerate().map(indicator).collect();
    let (dimensions, components) = (&[dimension][..], &[component][..]);
    Model::new(Tree { dimensions, components, indicators: &indicators, scoring: &Scoring::default() }).unwrap()
}

fn scores(model: &Model, columns: &[Vec<Option<f64>>]) -> Vec<Scores> {
    let seen = |value: &Option<f64>| Observation { value: *value, coverage: f64::from(u8::from(value.is_some())) };
    let columns: Vec<Vec<Observation>> = columns.iter().map(|column| column.iter().map(seen).collect()).collect();
    model.fit(&columns).score_all(&columns)
}

fn close(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs().max(1.0),
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// A column of values with some missing, and some equal.
fn column(units: usize) -> impl Strategy<Value = Vec<Option<f64>>> {
    let value = prop_oneof![4 => (-40.0f64..140.0).prop_map(Some), 1 => Just(Some(7.0)), 1 => Just(None)];
    prop::collection::vec(value, units)
}

proptest! {
    /// Never worse for more: an indicator's score, and the node's, whatever the method and the mean.
    #[test]
    fn more_is_never_worse(values in column(12), which in 0..METHODS.len(), copeland in any::<bool>()) {
        let aggregate = if copeland { "copeland" } else { "arithmetic" };
        let model = model(&[METHODS[which], METHODS[which]], &[1.0, 1.0], aggregate);
        let found = scores(&model, &[values.clone(), values.clone()]);
        for (a, first) in values.iter().enumerate() {
            for (b, second) in values.iter().enumerate() {
                if first.zip(*second).is_some_and(|(x, y)| x <= y) {
                    prop_assert!(found[a].indicators[0].score <= found[b].indicators[0].score);
                    prop_assert!(found[a].nodes[0].score <= found[b].nodes[0].score);
                }
            }
        }
    }

    /// What goes by the sample alone knows no unit of measure and no order of rows.
    #[test]
    fn units_and_rows_do_not_matter(values in column(12), which in 1usize..8, factor in 0.01f64..100.0, shift in -50.0f64..50.0, turn in 0usize..12) {
        let model = model(&[METHODS[which]; 2], &[1.0, 2.0], "arithmetic");
        let plain = scores(&model, &[values.clone(), values.clone()]);
        let other: Vec<Option<f64>> = values.iter().map(|value| value.map(|value| factor * value + shift)).collect();
        let moved = scores(&model, &[other.clone(), other]);
        let mut turned = values.clone();
        turned.rotate_left(turn);
        let turned = scores(&model, &[turned.clone(), turned]);
        for unit in 0..values.len() {
            prop_assert!(close(plain[unit].nodes[0].score, moved[unit].nodes[0].score), "{:?} {:?}", plain[unit], moved[unit]);
            prop_assert!(close(plain[(unit + turn) % values.len()].nodes[0].score, turned[unit].nodes[0].score));
        }
    }

    /// Less is better of the values is more is better of their negatives.
    #[test]
    fn direction_mirrors(values in column(10), which in 1usize..8) {
        let down = format!("{}\ndirection = 'down'", METHODS[which]);
        let mirrored: Vec<Option<f64>> = values.iter().map(|value| value.map(|value| -value)).collect();
        let (up, down) = (model(&[METHODS[which]; 2], &[1.0; 2], "arithmetic"), model(&[down.as_str(); 2], &[1.0; 2], "arithmetic"));
        let (up, down) = (scores(&up, &[mirrored.clone(), mirrored]), scores(&down, &[values.clone(), values]));
        for (a, b) in up.iter().zip(&down) {
            prop_assert!(close(a.indicators[0].score, b.indicators[0].score));
            prop_assert!(close(a.nodes[0].score, b.nodes[0].score));
        }
    }

    /// A weight of 0 changes no node, and a goalpost score depends on no other unit.
    #[test]
    fn nothing_else_counts(values in column(10), idle in column(10)) {
        let rules = [METHODS[0], METHODS[0], METHODS[0], METHODS[0]];
        let (with, without) = (model(&rules, &[1.0, 2.0, 0.0, 0.0], "geometric"), model(&rules[..2], &[1.0, 2.0], "geometric"));
        let columns = [values.clone(), values.clone(), idle.clone(), idle];
        let (with, without_idle) = (scores(&with, &columns), scores(&without, &columns[..2]));
        for unit in 0..values.len() {
            prop_assert_eq!(with[unit].nodes[0].score, without_idle[unit].nodes[0].score);
            let alone = scores(&without, &[vec![values[unit]], vec![values[unit]]]);
            prop_assert_eq!(&alone[0], &without_idle[unit]);
        }
    }
}

/// A pipeline over a table, in a folder of its own.
struct Table {
    folder: tempfile::TempDir,
}

impl Table {
    fn new(rows: &str, score: &str, tree: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("t.csv"), rows).unwrap();
        let text = format!(
            "name = 't'\n[figures.t]\npath = 't.csv'\nshape = 'wide'\ncolumns = {{ cluster = 'id' }}\n{score}\n[outputs]\nlayers = []\ntables = ['csv']\nreport = false\n{tree}"
        );
        fs::write(folder.path().join("p.toml"), text).unwrap();
        Self { folder }
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn start(&self) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
        command.args(["run"]).arg(self.folder.path().join("p.toml")).arg("--out").arg(self.out()).output().unwrap()
    }

    fn runs(&self) -> String {
        let ended = self.start();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{said}");
        said
    }

    fn fails(&self, status: i32) -> String {
        let ended = self.start();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(status), "{said}");
        said
    }

    fn column(&self, file: &str, column: &str) -> Vec<String> {
        rows(&self.out().join(format!("{file}.csv"))).into_iter().map(|row| row[column].clone()).collect()
    }
}

fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

const ONE: &str = "[[dimensions]]\nid = 'd'\n[[indicators]]\nid = 'i'\nparent = 'd'\nover = 'clusters'\nexpr = 'x'\n";

#[test]
fn a_constant_indicator_has_no_scores_and_a_finding() {
    for method in ["min_max", "z_score", "distance_to_maximum"] {
        let threshold = if method == "z_score" { "\nthreshold = 0" } else { "" };
        let tree = ONE.replace("id = 'd'\n", &format!("id = 'd'{threshold}\n"));
        let table = Table::new("id,x\na,5\nb,5\nc,5\n", &format!("[score]\nnormalise = '{method}'"), &tree);
        assert!(table.runs().contains("`i` has no scores"), "{method}");
        assert_eq!(table.column("indicators", "score"), ["", "", ""]);
        assert_eq!(table.column("indicators", "value"), ["5.0", "5.0", "5.0"]);
    }
    let ranks = Table::new(
        "id,x\na,5\nb,5\n",
        "[score]\nnormalise = 'rank'",
        &ONE.replace("id = 'd'", "id = 'd'\nthreshold = 1"),
    );
    ranks.runs();
    assert_eq!(ranks.column("indicators", "score"), ["1.0", "1.0"]);
    // Bounds of a scale without ends are empty where something is missing, and the score where nothing is.
    assert_eq!(ranks.column("scores", "low"), ["1.0", "1.0"]);
}

#[test]
fn one_unit_and_no_units() {
    let one = Table::new("id,x\na,5\n", "[score]\nnormalise = 'percentile_rank'", ONE);
    assert!(one.runs().contains("one value alone"));
    assert_eq!(one.column("scores", "score"), [""]);
    let missing = Table::new("id,x,y\na,,1\nb,,2\n", "[score]\nnormalise = 'min_max'", ONE);
    assert!(missing.runs().contains("there are no values"));
    assert_eq!(missing.column("indicators", "status"), ["missing", "missing"]);
}

#[test]
fn a_scale_without_ends_has_no_bounds() {
    let tree = ONE.replace("id = 'd'\n", "id = 'd'\nthreshold = 0\n")
        + "[[indicators]]\nid = 'j'\nparent = 'd'\nover = 'clusters'\nexpr = 'y'\n";
    let table = Table::new("id,x,y\na,1,2\nb,2,\nc,4,3\n", "[score]\nnormalise = 'z_score'", &tree);
    table.runs();
    let low = table.column("scores", "low");
    assert!(!low[0].is_empty() && low[1].is_empty() && !low[2].is_empty(), "{low:?}");
    assert_eq!(table.column("clusters", "d_high")[1], "");
    assert_eq!(table.column("clusters", "d_level")[1], "unknown");
}

#[test]
fn what_cannot_be_is_refused() {
    let of = |score: &str, tree: &str| Table::new("id,x\na,1\nb,2\n", score, tree).fails(2);
    let z = "[score]\nnormalise = 'z_score'";
    assert!(of(z, ONE).contains("say `threshold`, on that scale"));
    let geometric = ONE.replace("id = 'd'", "id = 'd'\nthreshold = 0\naggregate = 'geometric'");
    assert!(of(z, &geometric).contains("scores below 0 have no geometric"));
    assert!(of("", ONE).contains("there are no goalposts"));
    assert!(of("", &format!("{ONE}worst = 1\nbest = 1\n")).contains("out of order"));
    assert!(of("", &format!("{ONE}worst = 0\nbest = 1\ndirection = 'down'\n")).contains("direction is not that of"));
    assert!(of("[score]\nnormalise = { method = 'rank', to = [0, 1] }", ONE).contains("`rank` has no `to`"));
    assert!(of("[score]\nnormalise = 'distance_to_target'", ONE).contains("there is no target"));
    assert!(of("[score]\nnormalise = 'min_max'", &format!("{ONE}target = 3\n")).contains("`min_max` has no target"));
    let reference = "[score]\nnormalise = { method = 'distance_to_reference', reference = 'z' }";
    assert!(of(reference, ONE).contains("no cluster is called `z`"));
    assert!(
        of("[score]\nnormalise = 'min_max'\nimpute = { with = 'mean', by = 'g' }", ONE)
            .contains("no source of figures has the group `g`")
    );
    assert!(
        of("[score]\nweights = { budget = { path = 'b.csv' } }", &format!("{ONE}worst = 0\nbest = 1\n"))
            .contains("children of one node")
    );
    assert!(of("", &format!("{ONE}worst = 0\nbest = 1\nweight = 0\n")).contains("are all 0"));
    assert!(of("[score]\nmin_available = 2", &format!("{ONE}worst = 0\nbest = 1\n")).contains("no share from 0 to 1"));
}

const TWO: &str = "[[dimensions]]\nid = 'd'\nWEIGHTS\n[[indicators]]\nid = 'i'\nparent = 'd'\nover = 'clusters'\nexpr = 'x'\nworst = 0\nbest = 10\n[[indicators]]\nid = 'j'\nparent = 'd'\nover = 'clusters'\nexpr = 'y'\nworst = 0\nbest = 10\n";

fn weighed(weights: &str) -> Table {
    Table::new("id,x,y\na,1,2\nb,5,3\nc,9,8\n", "[score]", &TWO.replace("WEIGHTS", &format!("weights = {weights}")))
}

#[test]
fn weights_that_people_judged() {
    let ahp = weighed("{ ahp = { path = 'ahp.csv' } }");
    ahp.write("ahp.csv", "item,j,i\ni,3,1\nj,1,1/3\n").runs();
    assert_eq!(ahp.column("indicators", "weight")[..2], ["0.75", "0.25"]);
    // 0.75 of 10 and 0.25 of 20 points.
    assert_eq!(ahp.column("clusters", "d")[0], "12.5");
    let told = fs::read_to_string(ahp.out().join("manifest.json")).unwrap();
    assert!(told.contains("dimensions.d.weights") && told.contains("ahp.csv"), "the file is accounted for");
    ahp.write("ahp.csv", "item,j,i\ni,3,1\nj,1,x\n");
    assert!(ahp.fails(3).contains("`x` is no number"));
    ahp.write("ahp.csv", "item,j,k\ni,3,1\nj,1,3\n");
    assert!(ahp.fails(2).contains("`k` is none of i, j"));
    let budget = weighed("{ budget = { path = 'b.csv', decimal = ',' , delimiter = ';' } }");
    budget.write("b.csv", "who;i;j\none;30;10\ntwo;2,5;2,5\n").runs();
    assert_eq!(budget.column("indicators", "weight")[..2], ["0.625", "0.375"]);
    budget.write("b.csv", "who;i;j\none;30;\n");
    assert!(budget.fails(2).contains("one has not given points to all"));
}

#[test]
fn weights_that_the_scores_give() {
    for (weights, wanted) in
        [("'equal'", [1.0, 1.0]), ("'pca'", [0.5f64.sqrt(); 2]), ("'critic'", CRITIC), ("'entropy'", ENTROPY)]
    {
        let table = weighed(weights);
        table.runs();
        for (found, wanted) in table.column("indicators", "weight").iter().zip(wanted) {
            assert!((found.parse::<f64>().unwrap() - wanted).abs() < 1e-12, "{weights}: {found}, {wanted}");
        }
        // A stored run can be scored again by the weights that it used.
        let explained =
            Command::new(env!("CARGO_BIN_EXE_forerunner")).arg("explain").arg(table.out()).arg("a").output().unwrap();
        assert!(explained.status.success(), "{}", String::from_utf8_lossy(&explained.stderr));
    }
}

/// numpy: `s = a.std(ddof=1) * (1 - corrcoef)`, as shares; `1 + (p * log(p)).sum() / log(3)`, as shares.
const CRITIC: [f64; 2] = [0.5544351150604812, 0.44556488493951885];
const ENTROPY: [f64; 2] = [0.5858198989493965, 0.41418010105060354];

#[test]
fn the_template_is_a_pipeline_that_runs() {
    let folder = tempfile::tempdir().unwrap();
    let forerunner = |arguments: &[&str]| {
        let ended = Command::new(env!("CARGO_BIN_EXE_forerunner")).current_dir(folder.path()).args(arguments).output();
        let ended = ended.unwrap();
        assert!(ended.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
    };
    forerunner(&["init", "table", "--template", "indicator-table"]);
    forerunner(&["check", "table/pipeline.toml"]);
    forerunner(&["run", "table/pipeline.toml"]);
    let found = rows(&folder.path().join("out/indicator-table/clusters.csv"));
    let scored = found.iter().filter(|row| !row["development"].is_empty()).count();
    assert_eq!((found.len(), scored), (206, 204));
}
