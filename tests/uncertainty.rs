//! How sure types are, against closed forms, known truths, and the same numbers worked out another way.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]
#![allow(clippy::too_many_lines, reason = "lists of cases")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use forerunner::error::{Error, Result};
use forerunner::pipeline::{self, Outcome, Pipeline};
use forerunner::random;
use forerunner::stage::Stage;
use forerunner::statistics::quantile;
use forerunner::uncertainty::draws::normal;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;

type Rows = Vec<HashMap<String, String>>;

fn stream(name: &str) -> ChaCha12Rng {
    random::stream(1, Stage::Uncertainty, name, 0)
}

fn uniform(stream: &mut ChaCha12Rng) -> f64 {
    ((stream.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

fn rows(path: &Path) -> Rows {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn number(row: &HashMap<String, String>, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column} = {:?} in {row:?}", row[column]))
}

struct Case {
    root: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) -> &Self {
        fs::write(self.root.path().join(name), text).unwrap();
        self
    }

    fn pipeline(&self) -> PathBuf {
        self.root.path().join("pipeline.toml")
    }

    fn try_run(&self, out: &str, set: &[&str]) -> Result<Outcome> {
        let set: Vec<String> = set.iter().map(|one| (*one).to_owned()).collect();
        let pipeline = Pipeline::load(&self.pipeline(), &set)?;
        pipeline::run(&pipeline, &self.root.path().join(out), None, &|_, _| {})
    }

    fn run(&self, out: &str, set: &[&str]) -> Rows {
        self.try_run(out, set).unwrap_or_else(|error| panic!("{error}"));
        self.table(out, "clusters")
    }

    fn table(&self, out: &str, name: &str) -> Rows {
        rows(&self.root.path().join(out).join(format!("{name}.csv")))
    }
}

const OUTPUTS: &str = "[outputs]\ntables = ['csv']\nlayers = []\nreport = false\n";

/// Clusters as figures alone: four indicators from 0 to 100 under the two dimensions of the typology.
fn figures(clusters: usize) -> Case {
    let case = Case::new();
    let mut stream = stream("figures");
    let mut text = "cluster,a,b,c,d\n".to_owned();
    for cluster in 0..clusters {
        let cells: Vec<String> = (0..4).map(|_| format!("{:.3}", 100.0 * uniform(&mut stream))).collect();
        text += &format!("k{cluster:03},{}\n", cells.join(","));
    }
    case.write("figures.csv", &text);
    let indicator = |id: &str, parent: &str, weight: f64| {
        format!(
            "[[indicators]]\nid = '{id}'\nparent = '{parent}'\nover = 'clusters'\nexpr = '{id}'\nworst = 0\ncrossover = 50\nbest = 100\nweight = {weight}\n"
        )
    };
    let indicators = indicator("a", "locational_advantage", 1.0)
        + &indicator("b", "locational_advantage", 2.0)
        + &indicator("c", "inter_firm_linkages", 1.0)
        + &indicator("d", "inter_firm_linkages", 1.0);
    case.write(
        "pipeline.toml",
        &format!(
            "name = 'figures'\n[figures.all]\npath = 'figures.csv'\nshape = 'wide'\ncolumns = {{ cluster = 'cluster' }}\n\
             [[dimensions]]\nid = 'locational_advantage'\naggregate = 'geometric'\n[[dimensions]]\nid = 'inter_firm_linkages'\n\
             {indicators}{OUTPUTS}[uncertainty]\nreplicates = 400\n"
        ),
    );
    case
}

const OFF: [&str; 4] = [
    "uncertainty.weights=false",
    "uncertainty.goalposts=false",
    "uncertainty.aggregation=false",
    "uncertainty.thresholds=false",
];

#[test]
fn nothing_drawn_is_the_plain_run_in_every_replicate() {
    let case = figures(40);
    let plain = case.run("plain", &[&OFF[..], &["uncertainty.replicates=1"]].concat());
    for row in &plain {
        assert_eq!(number(row, &format!("p_type_{}", row["type"])), 1.0);
        assert_eq!((row["robustness"].as_str(), row["p_exists"].as_str()), ("robust", "1.0"));
        for dimension in ["locational_advantage", "inter_firm_linkages"] {
            for share in ["05", "25", "50", "75", "95"] {
                assert_eq!(row[&format!("{dimension}_q{share}")], row[dimension]);
            }
        }
    }
    let drawn = case.run("drawn", &[]);
    let mut moved = 0;
    for row in &drawn {
        let sum: f64 = (1..=4).map(|kind| number(row, &format!("p_type_{kind}"))).sum();
        assert!((sum - 1.0).abs() < 1e-12, "{row:?}");
        moved += usize::from(row["locational_advantage_q05"] != row["locational_advantage_q95"]);
    }
    assert_eq!(moved, drawn.len());
    // Scores and types are those of a run that draws nothing.
    for (a, b) in plain.iter().zip(&drawn) {
        assert_eq!((&a["type"], &a["locational_advantage"]), (&b["type"], &b["locational_advantage"]));
    }
}

/// One row of clusters by what `replicates` holds: probabilities, quantiles, ranks, order.
#[test]
fn summaries_are_those_of_the_replicates() {
    let case = figures(12);
    let clusters = case.run("out", &["uncertainty.tables=['replicates', 'order_probability']"]);
    let replicates = case.table("out", "replicates");
    assert_eq!(replicates.len(), 400 * 12);
    let of = |id: &str, column: &str| -> Vec<f64> {
        replicates.iter().filter(|row| row["cluster_id"] == id).map(|row| number(row, column)).collect()
    };
    for row in &clusters {
        let id = row["cluster_id"].as_str();
        let types = of(id, "type");
        for kind in 1..=4 {
            let share = types.iter().filter(|of| **of == f64::from(kind)).count() as f64 / 400.0;
            assert!((number(row, &format!("p_type_{kind}")) - share).abs() < 1e-12);
        }
        for dimension in ["locational_advantage", "inter_firm_linkages"] {
            let scores = of(id, dimension);
            let mut sorted = scores.clone();
            sorted.sort_by(f64::total_cmp);
            for (share, name) in [(0.05, "05"), (0.25, "25"), (0.5, "50"), (0.75, "75"), (0.95, "95")] {
                assert!((number(row, &format!("{dimension}_q{name}")) - quantile(&sorted, share)).abs() < 1e-9);
            }
            let rank = |replicate: usize| {
                let others = clusters.iter().map(|other| of(&other["cluster_id"], dimension)[replicate]);
                1.0 + others.filter(|score| *score > scores[replicate]).count() as f64
            };
            // Every fifth replicate would do for a look; all of them are asked.
            let mut ranks: Vec<f64> = (0..400).map(rank).collect();
            ranks.sort_by(f64::total_cmp);
            assert_eq!(number(row, &format!("{dimension}_rank_q95")), quantile(&ranks, 0.95), "{id} {dimension}");
        }
    }
    let order = case.table("out", "order_probability");
    assert_eq!(order.len(), 2 * 12 * 11 / 2);
    for row in order.iter().step_by(7) {
        let [a, b] = ["cluster_id", "other_id"].map(|column| of(&row[column], &row["dimension"]));
        let above: f64 = a
            .iter()
            .zip(&b)
            .map(|(a, b)| {
                if a > b {
                    1.0
                } else if a == b {
                    0.5
                } else {
                    0.0
                }
            })
            .sum();
        assert!((number(row, "p_above") - above / 400.0).abs() < 1e-12);
    }
    // Weights that were drawn sum to what the file gives, goalposts keep their order.
    let drawn = case.table("out", "replicate_factors");
    let value = |replicate: &str, item: &str| {
        let row = drawn.iter().find(|row| row["replicate"] == replicate && row["item"] == item).unwrap();
        number(row, "value")
    };
    for replicate in ["0", "17", "399"] {
        assert!((value(replicate, "a") + value(replicate, "b") - 3.0).abs() < 1e-9);
        assert!(value(replicate, "a.worst") < value(replicate, "a.crossover"));
        assert!(value(replicate, "a.crossover") < value(replicate, "a.best"));
    }
}

/// Clusters of one site each; one indicator of the logarithm of emissions, so that its score has a normal error.
fn normal_error() -> (Case, Vec<f64>) {
    let case = Case::new();
    let sigma = 0.3;
    let mut text = "id,cluster,tonnes\n".to_owned();
    let mut wanted = Vec::new();
    for cluster in 0..60 {
        let tonnes = (1e5f64.ln() + (f64::from(cluster) - 30.0) * 0.03).exp();
        text += &format!("f{cluster:02},k{cluster:02},{tonnes:?}\n");
        // Of mean 1: the logarithm is normal around -sigma2 / 2. The threshold of 50 stands at 1e5 t.
        let z = (1e5f64.ln() - tonnes.ln() + sigma * sigma / 2.0) / sigma;
        wanted.push(1.0 - cdf(z));
    }
    case.write("register.csv", &text);
    case.write(
        "pipeline.toml",
        &format!(
            "name = 'normal'\n[facilities]\npath = 'register.csv'\ncolumns = {{ id = 'id', label = 'cluster', emissions_t = 'tonnes' }}\n\
             [delineate]\nmethod = 'label'\n[[dimensions]]\nid = 'size'\n[[indicators]]\nid = 'emissions'\nparent = 'size'\n\
             expr = 'SUM(emissions_t)'\nworst = 1e3\nbest = 1e7\nscale = 'log'\n{OUTPUTS}\
             [uncertainty]\nemissions = {{ sigma = {sigma} }}\nthresholds = false\ngoalposts = false\n"
        ),
    );
    (case, wanted)
}

/// The normal distribution, by inverting its quantile function.
fn cdf(z: f64) -> f64 {
    let (mut low, mut high) = (1e-12, 1.0 - 1e-12);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if normal(middle) < z { low = middle } else { high = middle }
    }
    low
}

#[test]
fn probabilities_converge_to_the_closed_form() {
    let (case, wanted) = normal_error();
    let mut errors = Vec::new();
    for replicates in [250, 1000, 4000, 16000] {
        let rows = case.run("out", &[&format!("uncertainty.replicates={replicates}")]);
        let n = f64::from(replicates);
        let mut squares = 0.0;
        for (row, p) in rows.iter().zip(&wanted) {
            let found = number(row, "size_p_high");
            let error = (p * (1.0 - p) / n).sqrt();
            assert!((found - p).abs() <= 3.9 * error + 1.0 / n, "{replicates}: {found} for {p} +- {error}");
            squares += ((found - p) / error).powi(2);
        }
        // Sixty of them: the mean square is 1, give or take.
        assert!((0.5..1.7).contains(&(squares / 60.0)), "{replicates}: {}", squares / 60.0);
        errors
            .push(rows.iter().zip(&wanted).map(|(row, p)| (number(row, "size_p_high") - p).abs()).sum::<f64>() / 60.0);
    }
    // 64 times as many: an eighth of the error.
    assert!((4.0..16.0).contains(&(errors[0] / errors[3])), "{errors:?}");
}

/// A truth, what was observed of it with a known error, and how many of the intervals hold it.
fn coverage(name: &str, register: impl Fn(&mut ChaCha12Rng) -> [String; 2], more: &str) -> f64 {
    let case = Case::new();
    let mut stream = stream(name);
    let [mut truth, mut seen] = ["id,cluster,lon,lat,tonnes\n".to_owned(), "id,cluster,lon,lat,tonnes\n".to_owned()];
    for cluster in 0..2000 {
        for site in 0..5 {
            let [true_row, seen_row] = register(&mut stream);
            truth += &format!("f{cluster}-{site},k{cluster},{true_row}\n");
            seen += &format!("f{cluster}-{site},k{cluster},{seen_row}\n");
        }
    }
    case.write("truth.csv", &truth).write("seen.csv", &seen).write("ports.csv", "id,lon,lat\np,2.5,52\n");
    case.write(
        "pipeline.toml",
        &format!(
            "name = 'coverage'\n[facilities]\npath = 'seen.csv'\n\
             columns = {{ id = 'id', label = 'cluster', x = 'lon', y = 'lat', emissions_t = 'tonnes' }}\n\
             [layers.ports]\npath = 'ports.csv'\ncolumns = {{ id = 'id', x = 'lon', y = 'lat' }}\n\
             [delineate]\nmethod = 'label'\n[[dimensions]]\nid = 'd'\n[[indicators]]\nid = 'i'\nparent = 'd'\n{more}{OUTPUTS}"
        ),
    );
    let truth = case.run("truth", &["facilities.path=truth.csv", "uncertainty.replicates=1"]);
    let seen = case.run("seen", &[]);
    let held = truth.iter().zip(&seen).filter(|(truth, seen)| {
        let truth = number(truth, "d");
        (number(seen, "d_q05")..=number(seen, "d_q95")).contains(&truth)
    });
    held.count() as f64 / 2000.0
}

#[test]
fn intervals_hold_the_truth_as_often_as_they_say() {
    let sites = |stream: &mut ChaCha12Rng| {
        let tonnes = (10.0 + normal(uniform(stream))).exp();
        let seen = tonnes * (0.2 * normal(uniform(stream))).exp();
        [format!("1,51,{tonnes:?}"), format!("1,51,{seen:?}")]
    };
    let size = "expr = 'SUM(emissions_t)'\nworst = 0\nbest = 1e7\n";
    let only = "thresholds = false\ngoalposts = false\n";
    let emissions = format!("{size}[uncertainty]\ncoordinates = false\nemissions = {{ sigma = 0.2 }}\n{only}");
    let held = coverage("emissions", sites, &emissions);
    assert!((0.88..=0.92).contains(&held), "emissions: {held}");
    // 2 km around places 30 to 100 km from the port.
    let places = |stream: &mut ChaCha12Rng| {
        let (lon, lat) = (1.2 + 0.8 * uniform(stream), 51.3 + 0.4 * uniform(stream));
        let [east, north] = [2.0 * normal(uniform(stream)), 2.0 * normal(uniform(stream))];
        let seen = (lon + east / (111.195 * lat.to_radians().cos()), lat + north / 111.195);
        [format!("{lon},{lat},1"), format!("{},{},1", seen.0, seen.1)]
    };
    let distance = "expr = 'AVG(km_to_ports)'\nworst = 400\nbest = 0\nunit = 'km'\n";
    let coordinates = format!("{distance}[uncertainty]\nemissions = false\ncoordinates = {{ metres = 2000 }}\n{only}");
    let held = coverage("coordinates", places, &coordinates);
    assert!((0.88..=0.92).contains(&held), "coordinates: {held}");
}

/// Half of a dimension is known and scores 30, the other half anything: it is high where that scores 70 and more.
#[test]
fn what_is_missing_scores_anything() {
    let case = figures(3);
    case.write("figures.csv", "cluster,a,b,c,d\nk0,60,60,30,\nk1,60,60,80,\nk2,60,60,70,70\n");
    let rows = case.run("out", &[&OFF[..], &["uncertainty.replicates=4000"]].concat());
    for (row, (wanted, word)) in rows.iter().zip([(0.3, "unknown"), (0.8, "unknown"), (1.0, "robust")]) {
        let found = number(row, "inter_firm_linkages_p_high");
        assert!((found - wanted).abs() < 0.025, "{found} for {wanted}");
        assert_eq!(row["robustness"], word);
        assert_eq!(number(row, "p_type_1"), found);
    }
    let findings = case.table("out", "findings");
    let drawn = findings.iter().find(|row| row["rule"] == "drawn_missing").unwrap();
    assert_eq!((drawn["count"].as_str(), drawn["stage"].as_str()), ("2", "uncertainty"));
}

#[test]
fn an_alternative_is_the_run_with_its_settings() {
    let case = figures(30);
    let weigh = "[{ set = ['indicators.a.weight=9'], probability = 1 }, { probability = 0 }]";
    let option = format!("uncertainty.alternatives.heavy={weigh}");
    let set = [&OFF[..], &["uncertainty.replicates=20", &option]].concat();
    let drawn = case.run("drawn", &set);
    let plain = case.run("plain", &[&OFF[..], &["indicators.a.weight=9"]].concat());
    for (drawn, plain) in drawn.iter().zip(&plain) {
        assert_eq!(drawn["locational_advantage_q50"], plain["locational_advantage"]);
        assert_eq!(number(drawn, &format!("p_type_{}", plain["type"])), 1.0);
    }
    // Both, each in half of the replicates.
    let half = "uncertainty.alternatives.heavy=[{ set = ['indicators.a.weight=9'], probability = 0.5 }, { probability = 0.5 }]";
    let both = case.run("both", &[&OFF[..], &["uncertainty.replicates=2000", half]].concat());
    let other = case.run("other", &OFF);
    let mut mixed = 0;
    for ((row, a), b) in both.iter().zip(&plain).zip(&other) {
        if a["type"] != b["type"] {
            mixed += 1;
            assert!((number(row, &format!("p_type_{}", a["type"])) - 0.5).abs() < 0.05, "{row:?}");
        }
    }
    assert!(mixed > 0);
    // What an alternative says of how a dimension combines stands, though that is drawn by default.
    let how = "uncertainty.alternatives.how=[{ set = ['dimensions.inter_firm_linkages.aggregate=\"minimum\"'], probability = 1 }, { probability = 0 }]";
    let drawn = case.run("how", &[&OFF[..2], &OFF[3..], &["uncertainty.replicates=20", how]].concat());
    let plain = case.run("minimum", &[&OFF[..], &["dimensions.inter_firm_linkages.aggregate=minimum"]].concat());
    let same = drawn.iter().zip(&plain).all(|(a, b)| a["inter_firm_linkages_q50"] == b["inter_firm_linkages"]);
    assert!(same);
    let flips = case.table("both", "one_at_a_time");
    assert!(flips.iter().any(|row| row["factor"] == "heavy" && row["setting"] == "indicators.a.weight=9"));
}

/// Probabilities alone: the same ones, and nothing that grows with the replicates.
#[test]
fn probabilities_need_no_scores() {
    let case = figures(20);
    let (whole, alone) = (case.run("whole", &[]), case.run("alone", &["uncertainty.quantiles=false"]));
    for (whole, alone) in whole.iter().zip(&alone) {
        assert!((1..=4).all(|kind| whole[&format!("p_type_{kind}")] == alone[&format!("p_type_{kind}")]));
        assert!(!alone.contains_key("locational_advantage_q05") && alone["robustness"] == whole["robustness"]);
    }
}

/// Four sites in a row, 8 km apart, and two far away: of 10 km they are a cluster, of 5 km none.
fn line_of_sites() -> Case {
    let case = Case::new();
    let mut text = "id,lon,lat,tonnes\n".to_owned();
    for site in 0..4 {
        text += &format!("a{site},0,{},100000\n", 52.0 + f64::from(site) * 8.0 / 111.195);
    }
    for site in 0..4 {
        text += &format!("b{site},2,{},100000\n", 52.0 + f64::from(site) * 2.0 / 111.195);
    }
    case.write("register.csv", &text);
    case.write(
        "pipeline.toml",
        &format!(
            "name = 'line'\n[facilities]\npath = 'register.csv'\n\
             columns = {{ id = 'id', x = 'lon', y = 'lat', emissions_t = 'tonnes' }}\n\
             [delineate]\nmethod = 'dbscan'\nradius_km = [5, 10, 20]\nmin_facilities = 3\n[[dimensions]]\nid = 'd'\n[[indicators]]\n\
             id = 'i'\nparent = 'd'\nexpr = 'SUM(emissions_t)'\nworst = 0\nbest = 1e6\n{OUTPUTS}[uncertainty]\nreplicates = 1500\n"
        ),
    );
    case
}

#[test]
fn a_cluster_that_another_radius_dissolves_exists_in_part() {
    let case = line_of_sites();
    let rows = case.run("out", &[]);
    assert_eq!(rows.len(), 2);
    let row = |id: &str| rows.iter().find(|row| row["cluster_id"].starts_with(id)).unwrap();
    assert!((number(row("c-a"), "p_exists") - 2.0 / 3.0).abs() < 0.04, "{}", row("c-a")["p_exists"]);
    assert_eq!(row("c-b")["p_exists"], "1.0");
    assert!(case.table("out", "findings").iter().all(|row| row["rule"] != "drawn_missing"), "nothing is missing");
    // A step of 3 km to either side takes sites apart only where clusters are found anew.
    let far = "uncertainty.coordinates={ metres = 3000 }";
    let stay = case.run("stay", &["delineate.radius_km=10", far]);
    assert!(stay.iter().all(|row| row["p_exists"] == "1.0"));
    let anew = case.run("anew", &["delineate.radius_km=10", far, "uncertainty.redelineate=true"]);
    assert!(anew.iter().any(|row| number(row, "p_exists") < 0.9), "{anew:?}");
}

/// Two firms of a cluster without a tie, four tied in a ring: rates by their closed forms.
#[test]
fn ties_are_kept_and_added_at_their_rates() {
    let case = Case::new();
    let mut register = "id,operator,cluster,tonnes\n".to_owned();
    let mut links = "from,to\n".to_owned();
    for site in 0..6 {
        register += &format!("f{site},Firm {site},k,1\n");
    }
    for site in 0..4 {
        links += &format!("f{site},f{}\n", (site + 1) % 4);
    }
    case.write("register.csv", &register).write("links.csv", &links);
    case.write(
        "pipeline.toml",
        &format!(
            "name = 'ties'\n[facilities]\npath = 'register.csv'\n\
             columns = {{ id = 'id', operator = 'operator', label = 'cluster', emissions_t = 'tonnes' }}\n\
             [links.formal]\npath = 'links.csv'\nkind = 'formal'\nbetween = 'facility'\ncolumns = {{ from = 'from', to = 'to' }}\n\
             [delineate]\nmethod = 'label'\n[[dimensions]]\nid = 'd'\n[[indicators]]\nid = 'density'\nparent = 'd'\nover = 'clusters'\n\
             expr = '100 * density_formal'\nworst = 0\nbest = 100\n{OUTPUTS}\
             [uncertainty]\nreplicates = 3000\ntables = ['replicates']\nthresholds = false\ngoalposts = false\nemissions = false\n"
        ),
    );
    // Of 15 pairs 4 are tied.
    let mean = |set: &[&str]| {
        case.run("out", set);
        let scores: Vec<f64> = case.table("out", "replicates").iter().map(|row| number(row, "d")).collect();
        scores.iter().sum::<f64>() / scores.len() as f64 / 100.0 * 15.0
    };
    let kept = mean(&["uncertainty.ties={ keep = 0.7 }"]);
    // The same the other way round is no second chance.
    let there = fs::read_to_string(case.root.path().join("links.csv")).unwrap();
    let back = there.lines().skip(1).map(|line| line.split(',').rev().collect::<Vec<_>>().join(",") + "\n");
    case.write("links.csv", &(there.clone() + &back.collect::<String>()));
    assert_eq!(mean(&["uncertainty.ties={ keep = 0.7 }"]), kept);
    case.write("links.csv", &there);
    assert!((kept - 4.0 * 0.7).abs() < 0.06, "{kept}");
    let both = mean(&["uncertainty.ties={ keep = 0.7, of = { formal = { keep = 1, add = 0.2 } } }"]);
    assert!((both - (4.0 + 11.0 * 0.2)).abs() < 0.08, "{both}");
    // Four are observed: between them 4 ties of 6 pairs; the other 9 pairs are drawn, and all six count.
    let observed = "links.formal.observed=tonnes_known = 1";
    let columns =
        "facilities.compute={ tonnes_known = \"CASE WHEN id IN ('f0', 'f1', 'f2', 'f3') THEN 1 ELSE 0 END\" }";
    let unknown = mean(&[observed, columns, "uncertainty.ties={ keep = 1, unobserved = 0.5 }"]);
    assert!((unknown - (4.0 + 9.0 * 0.5)).abs() < 0.1, "{unknown}");
}

#[test]
fn what_cannot_matter_has_an_index_of_exactly_0() {
    let case = figures(20);
    let set = ["uncertainty.replicates=200", "uncertainty.sensitivity={ draws = 128, resamples = 20 }"];
    let clusters = case.run("out", &set);
    let rows = case.table("out", "sensitivity");
    let mut varying = 0;
    for row in &rows {
        let cannot = match row["result"].as_str() {
            "type" => false,
            dimension => {
                row["factor"].starts_with("thresholds.")
                    || row["factor"].starts_with("aggregation.") && !row["factor"].ends_with(dimension)
            }
        };
        if cannot {
            assert_eq!((row["first_order"].as_str(), row["total"].as_str()), ("0.0", "0.0"), "{row:?}");
        } else if !row["total"].is_empty() {
            varying += usize::from(number(row, "total") > 0.0);
        }
        // No variance, no index: a type that is the same in every draw.
        let cluster = clusters.iter().find(|cluster| cluster["cluster_id"] == row["cluster_id"]).unwrap();
        let is_sure = row["result"] == "type" && number(cluster, &format!("p_type_{}", cluster["type"])) == 1.0;
        assert!(!is_sure || row["total"].is_empty() || number(cluster, "p_exists") < 1.0 || varying > 0);
    }
    assert!(varying > 40, "{varying}");
    let flat = case.run("flat", &[&OFF[..], &set[..]].concat());
    assert!(!flat.is_empty() && case.table("flat", "sensitivity").iter().all(|row| row["total"].is_empty()));
    // Morris: the same factors come first.
    case.run("morris", &["uncertainty.replicates=10", "uncertainty.sensitivity={ method = 'morris', draws = 40 }"]);
    let morris = case.table("morris", "sensitivity");
    let greatest = |rows: &Rows, id: &str, column: &str| {
        let own = rows.iter().filter(|row| row["cluster_id"] == id && row["result"] == "inter_firm_linkages");
        own.max_by(|a, b| number(a, column).total_cmp(&number(b, column))).unwrap()["factor"].clone()
    };
    let agree = clusters.iter().filter(|row| {
        greatest(&rows, &row["cluster_id"], "total") == greatest(&morris, &row["cluster_id"], "effect_mean")
    });
    assert!(agree.count() >= 14);
}

#[test]
fn points_of_sobol_tell_the_same() {
    let case = figures(30);
    let random = case.run("random", &["uncertainty.replicates=8000"]);
    let sobol = case.run("sobol", &["uncertainty.replicates=4096", "uncertainty.points=sobol"]);
    for (a, b) in random.iter().zip(&sobol) {
        for kind in 1..=4 {
            let [a, b] = [a, b].map(|row| number(row, &format!("p_type_{kind}")));
            assert!((a - b).abs() < 0.03, "{a} and {b}");
        }
    }
}

#[test]
fn draws_end_when_the_error_is_small_enough() {
    let case = figures(10);
    let set = ["uncertainty.replicates=20000", "uncertainty.target_error=0.02", "uncertainty.tables=['replicates']"];
    case.run("out", &set);
    let replicates = case.table("out", "replicates").len() / 10;
    // The worst of ten is no surer than a coin of one side in ten, and none is less sure than a fair one.
    assert!((96..=640).contains(&replicates) && replicates.is_multiple_of(32), "{replicates}");
    let error = case.try_run("never", &["uncertainty.target_error=0.0001"]).err().unwrap();
    assert!(error.to_string().contains("out of reach of 400 replicates"), "{error}");
}

#[test]
fn names_of_facilities_decide_nothing() {
    let case = line_of_sites();
    let set = ["uncertainty.radius_km=false"];
    let before = case.run("before", &set);
    let register = fs::read_to_string(case.root.path().join("register.csv")).unwrap();
    let mut lines: Vec<String> = register.lines().map(str::to_owned).collect();
    let names: HashMap<&str, &str> =
        [("a0", "z"), ("a1", "y"), ("a2", "x"), ("a3", "w"), ("b0", "d"), ("b1", "c"), ("b2", "b"), ("b3", "a")].into();
    for line in lines.iter_mut().skip(1) {
        let (id, rest) = line.split_once(',').unwrap();
        *line = format!("{},{rest}", names[id]);
    }
    lines[1..].reverse();
    case.write("register.csv", &(lines.join("\n") + "\n"));
    let after = case.run("after", &set);
    let numbers = |rows: &Rows| {
        let mut found: Vec<String> = rows
            .iter()
            .map(|row| ["emissions_t", "d_q05", "d_q50", "d_q95", "d_p_high"].map(|name| row[name].as_str()).join(" "))
            .collect();
        found.sort();
        found
    };
    assert_eq!(numbers(&before), numbers(&after));
}

/// Ten options, none of them the file as it is but the first.
const MANY: &str = "uncertainty.alternatives.x=[{ probability = 0.1 }, { set = ['indicators.i.weight=2'], probability = 0.1 }, \
    { set = ['indicators.i.weight=3'], probability = 0.1 }, { set = ['indicators.i.weight=4'], probability = 0.1 }, \
    { set = ['indicators.i.weight=5'], probability = 0.1 }, { set = ['indicators.i.weight=6'], probability = 0.1 }, \
    { set = ['indicators.i.weight=7'], probability = 0.1 }, { set = ['indicators.i.weight=8'], probability = 0.1 }, \
    { set = ['indicators.i.weight=9'], probability = 0.1 }, { set = ['indicators.i.weight=10'], probability = 0.1 }]";

#[test]
fn bad_settings_are_told_with_their_place() {
    let case = line_of_sites();
    let all: [(&[&str], &str, &str); 27] = [
        (&["uncertainty.replicates=0"], "uncertainty.replicates", "0 replicates show nothing"),
        (&["uncertainty.target_error=0.7"], "uncertainty.target_error", "no standard error"),
        (
            &["uncertainty.weights={ concentration = 5, uniform = 0.2 }"],
            "uncertainty.weights",
            "drawn by one distribution",
        ),
        (&["uncertainty.weights.concentration=0"], "uncertainty.weights.concentration", "0 is no concentration"),
        (&["uncertainty.goalposts={ sgima = 1 }"], "uncertainty.goalposts", "unknown field `sgima`"),
        (&["uncertainty.thresholds={ triangular = -1 }"], "uncertainty.thresholds", "-1 is no width"),
        (
            &["uncertainty.aggregation.d=[{ aggregate = 'minimum', probability = 0.4 }]"],
            "uncertainty.aggregation.d",
            "sum to 0.4",
        ),
        (
            &["uncertainty.aggregation.e=[{ aggregate = 'minimum', probability = 1 }]"],
            "uncertainty.aggregation.e",
            "no dimension is called `e`",
        ),
        (&["uncertainty.indicator_set={ probability = 2 }"], "uncertainty.indicator_set", "2 is no probability"),
        (&["uncertainty.emissions={ sigma = -1 }"], "uncertainty.emissions.sigma", "-1 is no error"),
        (&["uncertainty.emissions={ sigma = 0.1, by = 'flag', of = { M = 1 } }"], "uncertainty.emissions.by", "`flag`"),
        (&["uncertainty.emissions={ sigma = 0.1, of = { M = 1 } }"], "uncertainty.emissions.by", "changes nothing"),
        (&["uncertainty.coordinates={ metres = 1, by = 'id' }"], "uncertainty.coordinates.of", "changes nothing"),
        (&["uncertainty.layers=['ports']"], "uncertainty.layers", "no layer is called `ports`"),
        (&["uncertainty.ties={ keep = 0.9 }"], "uncertainty.ties", "there are no ties"),
        (&["uncertainty.radius_km=[5]"], "uncertainty.radius_km", "one radius varies nothing"),
        (&["uncertainty.radius_km=[5, -1]"], "uncertainty.radius_km", "-1: the radius"),
        (
            &["uncertainty.alternatives.x=[{ probability = 0.5 }, { set = ['nothing=1'], probability = 0.5 }]"],
            "uncertainty.alternatives.x",
            "no key is called `nothing`",
        ),
        (
            &["uncertainty.alternatives.x=[{ probability = 0.5 }, { set = ['title=1'], probability = 0.5 }]"],
            "uncertainty.alternatives.x",
            "changes no score",
        ),
        (
            &[
                "uncertainty.alternatives.x=[{ probability = 0.5 }, { set = ['delineate.radius_km=-3'], probability = 0.5 }]",
            ],
            "delineate.radius_km",
            "with delineate.radius_km=-3",
        ),
        (
            &[
                "uncertainty.alternatives.weights=[{ probability = 0.5 }, { set = ['indicators.i.weight=3'], probability = 0.5 }]",
            ],
            "uncertainty.alternatives.weights",
            "is the name of a factor",
        ),
        (
            &["uncertainty.aggregation.d=[{ aggregate = 'minimum', probability = 1 }]"],
            "uncertainty.aggregation.d",
            "one option varies nothing",
        ),
        (
            &["delineate={ method = 'label' }", "facilities.columns.label=id", "uncertainty.redelineate=true"],
            "uncertainty.redelineate",
            "by density alone",
        ),
        (
            &["facilities.columns.flag=id", "uncertainty.emissions={ sigma = 0.1, by = 'flag', of = { a9 = 1 } }"],
            "uncertainty.emissions.of.a9",
            "no row of the register has `a9`",
        ),
        (&["uncertainty.target_error=0.05"], "uncertainty.target_error", "there are no types"),
        (
            &["delineate.radius_km=[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]", MANY],
            "uncertainty.alternatives",
            "110 combinations of radius_km, x",
        ),
        (&["uncertainty.sensitivity={ draws = 1 }"], "uncertainty.sensitivity.draws", "show no variance"),
    ];
    for (set, place, message) in all {
        let error = case.try_run("out", set).err().unwrap_or_else(|| panic!("{set:?} is taken"));
        let Error::Pipeline { problems } = &error else { panic!("{set:?}: {error}") };
        let told = problems.iter().any(|problem| {
            (problem.place.contains(place) || problem.message.contains(place)) && problem.message.contains(message)
        });
        assert!(told, "{set:?}: {error}");
        assert!(!case.root.path().join("out").exists());
    }
}

/// The README's sentences are what the run says of these clusters.
#[test]
fn the_readme_says_what_the_run_says() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("out");
    let set = ["outputs.report=false", "outputs.layers=[]", "outputs.tables=['csv']"].map(str::to_owned);
    let pipeline = Pipeline::load(Path::new("pipelines/great-britain.toml"), &set).unwrap();
    pipeline::run(&pipeline, &out, None, &|_, _| {}).unwrap();
    let readme: String = fs::read_to_string("README.md").unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let clusters = rows(&out.join("clusters.csv"));
    for name in ["Immingham", "Middlesbrough", "Ellesmere Port Town"] {
        let row = clusters.iter().find(|row| row["cluster_name"] == name).unwrap();
        assert!(readme.contains(&row["robustness_reads"]), "{}", row["robustness_reads"]);
        assert!(row["robustness_reads"].contains("1,000 plausible variants"));
    }
}

fn program(case: &Case, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    command.current_dir(case.root.path()).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// All files of a run but what tells of time.
fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .filter(|path| path.file_name().unwrap() != "manifest.json")
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

/// A run that is stopped goes on where it was: the same bytes, however often and whenever it is stopped, at any number of threads.
#[test]
fn a_stopped_run_goes_on_and_ends_in_the_same_bytes() {
    let case = line_of_sites();
    let replicates = "uncertainty.replicates=12000";
    let sensitivity = "uncertainty.sensitivity={ draws = 768, resamples = 5 }";
    let run = |out: &str, threads: &str| {
        let set = ["--set", replicates, "--set", sensitivity];
        program(&case, &[&["run", "pipeline.toml", "--out", out, "--threads", threads][..], &set[..]].concat())
    };
    let began = Instant::now();
    assert!(run("whole", "2").status().unwrap().success());
    let whole = began.elapsed();
    assert!(run("alone", "1").status().unwrap().success());
    let wanted = bytes(&case.root.path().join("whole"));
    assert_eq!(wanted, bytes(&case.root.path().join("alone")));
    let mut stream = stream("moments");
    let kills: u32 = std::env::var("KILLS").map_or(4, |kills| kills.parse().unwrap());
    let mut resumed = 0;
    for kill in 0..kills {
        let mut child = run("stopped", "2").spawn().unwrap();
        std::thread::sleep(Duration::from_secs_f64(whole.as_secs_f64() * (0.3 + 0.65 * uniform(&mut stream))));
        let signal = if kill % 2 == 0 { "-KILL" } else { "-INT" };
        Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
        child.wait().unwrap();
        let draws = case.root.path().join(".stopped.cache/draws");
        resumed += u32::from(draws.exists() && fs::read_dir(&draws).unwrap().count() > 0);
        assert!(run("stopped", "1").status().unwrap().success());
        assert_eq!(wanted, bytes(&case.root.path().join("stopped")), "after stop {kill}");
        assert!(!draws.exists(), "what a run has kept goes with it");
        fs::remove_dir_all(case.root.path().join("stopped")).unwrap();
        fs::remove_dir_all(case.root.path().join(".stopped.cache")).unwrap();
    }
    assert!(resumed > 0, "no run was stopped while it drew");
}

#[test]
fn programs_tell_how_sure_types_are() {
    let case = figures(20);
    let set = "uncertainty.sensitivity={ draws = 32, resamples = 5 }";
    case.run("a", &[set]);
    case.run("b", &[set, "uncertainty.thresholds={ triangular = 20 }"]);
    let said = |arguments: &[&str]| {
        let output = program(&case, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let clusters = case.table("a", "clusters");
    let contested: Vec<&str> =
        clusters.iter().filter(|row| row["robustness"] == "contested").map(|row| row["cluster_id"].as_str()).collect();
    let (listed, _) = said(&["list", "a", "--robustness", "contested", "--csv"]);
    assert_eq!(listed.lines().count(), contested.len() + 1);
    assert!(!contested.is_empty() && contested.iter().all(|id| listed.contains(id)));
    let (story, _) = said(&["explain", "a", contested[0]]);
    let row = clusters.iter().find(|row| row["cluster_id"] == contested[0]).unwrap();
    let words: String = story.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(&format!("contested: {}", row["robustness_reads"])), "{story}");
    assert!(
        row["robustness_reads"].starts_with("In ") && row["robustness_reads"].contains("of 400 plausible variants")
    );
    let (json, _) = said(&["explain", "a", contested[0], "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["sureness"]["robustness"], "contested");
    assert!(json["sureness"]["columns"]["p_type_1"].is_number());
    let (difference, _) = said(&["diff", "a", "b"]);
    assert!(
        difference.contains("uncertainty.thresholds") && difference.contains("How sure types are:"),
        "{difference}"
    );
    let none = case.write("plain.toml", "name = 'plain'\nextends = 'pipeline.toml'\nuncertainty = {}\n");
    let pipeline = Pipeline::load(&none.root.path().join("plain.toml"), &[]).unwrap();
    assert!(pipeline.file.uncertainty.is_none(), "an empty table takes the inherited one away");
    pipeline::run(&pipeline, &case.root.path().join("plain"), None, &|_, _| {}).unwrap();
    let (_, error) = said(&["list", "plain", "--robustness", "robust"]);
    assert!(error.contains("nothing was drawn in this run"), "{error}");
}
