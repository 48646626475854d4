//! The score stage as an engine for composite indicators: every table of COINr, the Human Development Index, and what
//! must hold of any table.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const ASEM: &str = "pipelines/reference/asem.toml";
const ORACLES: &str = "tests/oracles/coinr";
const PILLARS: [&str; 8] = ["Physical", "ConEcFin", "Political", "Instit", "P2P", "Environ", "Social", "SusEcFin"];

/// Numbers by row and column; an empty cell is NaN, an infinite one infinite.
type Table = BTreeMap<(String, String), f64>;

fn number(text: &str) -> f64 {
    match text {
        "" | "NA" => f64::NAN,
        "Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().unwrap(),
    }
}

/// A cell that may be a name: that is no number either.
fn number_or_nan(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.deserialize().map(Result::unwrap).collect()
}

/// A table of the oracle: one row a unit, one column an indicator or node.
fn wide(file: &str) -> Table {
    let mut reader = csv::Reader::from_path(format!("{ORACLES}/{file}.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let cells = |row: csv::StringRecord| {
        let unit = row[0].to_owned();
        let cells = header.iter().zip(row.iter()).skip(1);
        cells.map(|(name, cell)| ((unit.clone(), name.to_owned()), number(cell))).collect::<Vec<_>>()
    };
    reader.records().flat_map(|row| cells(row.unwrap())).collect()
}

/// A column of a table of a run, by two others.
fn long(out: &Path, file: &str, [row, column, value]: [&str; 3]) -> Table {
    let cell = |one: &BTreeMap<String, String>| ((one[row].clone(), one[column].clone()), number(&one[value]));
    rows(&out.join(format!("{file}.csv"))).iter().map(cell).collect()
}

struct Run {
    _folder: tempfile::TempDir,
    out: PathBuf,
}

impl Run {
    fn indicators(&self, value: &str) -> Table {
        long(&self.out, "indicators", ["cluster_id", "indicator", value])
    }

    fn scores(&self, value: &str) -> Table {
        long(&self.out, "scores", ["cluster_id", "node", value])
    }

    fn rows(&self, file: &str) -> Vec<BTreeMap<String, String>> {
        rows(&self.out.join(format!("{file}.csv")))
    }
}

fn start(pipeline: &Path, out: &Path, set: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    command.args(["run", "-q"]).arg(pipeline).arg("--out").arg(out);
    set.iter().for_each(|assignment| _ = command.args(["--set", assignment]));
    command.args(["--set", "outputs.report=false", "--set", "outputs.tables=['csv']"]).output().unwrap()
}

fn run_file(pipeline: &Path, set: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    let ended = start(pipeline, &out, &set);
    assert!(ended.status.success(), "{set:?}: {}", String::from_utf8_lossy(&ended.stderr));
    Run { _folder: folder, out }
}

fn run(set: &[&str]) -> Run {
    run_file(Path::new(ASEM), set)
}

/// Every cell of the oracle that the run has, within 1e-9 relative; what is infinite there must be missing.
fn agree(what: &str, found: &Table, wanted: &Table, least: usize) {
    let mut compared = 0;
    for (key, wanted) in wanted {
        let Some(found) = found.get(key) else { continue };
        compared += 1;
        let close = if wanted.is_finite() { (found - wanted).abs() <= 1e-9 * wanted.abs() } else { found.is_nan() };
        assert!(close, "{what} {key:?}: {found} instead of {wanted}");
    }
    assert!(compared >= least, "{what}: {compared} cells compared");
}

/// `--set` of one key of every component and the dimension.
fn everywhere(key: &str, value: &str) -> Vec<String> {
    let components = PILLARS.iter().chain(&["Conn", "Sust"]).map(|id| format!("components.{id}.{key}={value}"));
    components.chain([format!("dimensions.Index.{key}={value}")]).collect()
}

fn strs(owned: &[String]) -> Vec<&str> {
    owned.iter().map(String::as_str).collect()
}

#[test]
fn values_are_denominated_and_treated() {
    let run = run(&[]);
    agree("denominated", &run.indicators("value"), &wide("denominated"), 2400);
    agree("treat_default", &run.indicators("treated"), &wide("treat_default"), 2400);
    let log = rows(Path::new(&format!("{ORACLES}/treat_default_log.csv")));
    let ours: BTreeMap<String, BTreeMap<String, String>> =
        run.rows("diagnostics").into_iter().map(|row| (row["indicator"].clone(), row)).collect();
    for theirs in &log {
        let own = &ours[&theirs["iCode"]];
        let passed = theirs["check_SkewKurt0.Pass"] == "TRUE";
        for (ours, theirs, is_there) in [
            ("skewness_before", "check_SkewKurt0.Skew", true),
            ("kurtosis_before", "check_SkewKurt0.Kurt", true),
            ("winsorised", "winsorise.nwin", !passed),
            ("skewness_after", "check_SkewKurt1.Skew", !passed),
            ("kurtosis_after", "check_SkewKurt1.Kurt", !passed),
        ]
        .map(|(ours, column, is_there)| (number(&own[ours]), number(&theirs[column]), is_there))
        {
            assert!(!is_there || (ours - theirs).abs() < 1e-9, "{}: {ours}, {theirs}", own["indicator"]);
        }
    }
    assert_eq!(log.len(), 49);
}

#[test]
fn normalisations() {
    let to_one = "to = [0, 1]";
    for (file, method, threshold) in [
        ("norm_minmax_0_100", "'min_max'".to_owned(), "50"),
        ("norm_minmax_1_100", "{ method = 'min_max', to = [1, 100] }".into(), "50"),
        ("norm_zscore_0_1", "'z_score'".into(), "0"),
        ("norm_zscore_10_2", "{ method = 'z_score', mean = 10, deviation = 2 }".into(), "10"),
        ("norm_prank", format!("{{ method = 'percentile_rank', {to_one} }}"), "0.5"),
        ("norm_rank_min", "'rank'".into(), "25"),
        ("norm_rank_max", "{ method = 'rank', ties = 'max' }".into(), "25"),
        ("norm_borda", "'borda'".into(), "25"),
        ("norm_dist2max", format!("{{ method = 'distance_to_maximum', {to_one} }}"), "0.5"),
        ("norm_dist2ref_AUS", format!("{{ method = 'distance_to_reference', reference = 'AUS', {to_one} }}"), "0.5"),
    ] {
        let set = [format!("score.normalise={method}"), format!("dimensions.Index.threshold={threshold}")];
        agree(file, &run(&strs(&set)).indicators("score"), &wide(file), 2400);
    }
}

/// Of indicators of which less is better it is refused; of the others it is COINr's.
#[test]
fn fractions_of_the_maximum() {
    let text = fs::read_to_string(ASEM).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let absolute = fs::canonicalize("data").unwrap();
    let text = text.replace("../../data", absolute.to_str().unwrap());
    let refused = folder.path().join("refused.toml");
    fs::write(&refused, text.replace("\"min_max\"", "{ method = \"fraction_of_maximum\", to = [0, 1] }")).unwrap();
    let set = ["dimensions.Index.threshold=0.5".to_owned()];
    let ended = start(&refused, &folder.path().join("out"), &set);
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("means nothing"));
    let mixed = fs::read_to_string(&refused).unwrap();
    let mixed = mixed
        .replace("direction = \"down\"\n", "direction = \"down\"\nnormalise = { method = \"min_max\", to = [0, 1] }\n");
    let file = folder.path().join("mixed.toml");
    fs::write(&file, mixed).unwrap();
    let down: Vec<String> = rows(Path::new(&format!("{ORACLES}/goalposts.csv")))
        .into_iter()
        .filter(|row| row["direction"] == "-1")
        .map(|row| row["iCode"].clone())
        .collect();
    assert_eq!(down.len(), 14);
    let mut wanted = wide("norm_fracmax");
    wanted.retain(|(_, indicator), _| !down.contains(indicator));
    agree("norm_fracmax", &run_file(&file, &[set[0].as_str()]).indicators("score"), &wanted, 1600);
}

/// Goalposts stand in the unit of the treated values.
#[test]
fn goalposts() {
    let posts = rows(Path::new(&format!("{ORACLES}/goalposts.csv")));
    let mut set = vec!["score.normalise=goalposts".to_owned()];
    for row in &posts {
        let [lo, hi] = ["lo", "hi"].map(|post| number(&row[post]));
        let (worst, best) = if row["direction"] == "1" { (lo, hi) } else { (hi, lo) };
        set.push(format!("indicators.{}.worst={worst:?}", row["iCode"]));
        set.push(format!("indicators.{}.best={best:?}", row["iCode"]));
    }
    agree("norm_goalposts_0_100", &run(&strs(&set)).indicators("score"), &wide("norm_goalposts_0_100"), 2400);
}

#[test]
fn aggregations_and_ranks() {
    let plain = run(&[]);
    agree("agg_arithmetic", &plain.scores("score"), &wide("agg_arithmetic"), 560);
    agree("rank_arithmetic", &plain.scores("rank"), &wide("rank_arithmetic"), 560);
    agree("rank_arithmetic", &plain.indicators("rank"), &wide("rank_arithmetic"), 2400);
    let scarce = run(&["score.min_available=0.9"]);
    agree("agg_arithmetic_thr_0_9", &scarce.scores("score"), &wide("agg_arithmetic_thr_0_9"), 560);
    let from_one = "score.normalise={ method = 'min_max', to = [1, 100] }".to_owned();
    let geometric = run(&strs(&[everywhere("aggregate", "geometric"), vec![from_one.clone()]].concat()));
    agree("agg_geometric", &geometric.scores("score"), &wide("agg_geometric"), 560);
    agree("rank_geometric", &geometric.scores("rank"), &wide("rank_geometric"), 560);
    let mut above = everywhere("aggregate", "geometric");
    above.retain(|assignment| !PILLARS.iter().any(|pillar| assignment.contains(pillar)));
    let mixed = run(&strs(&[above, vec![from_one]].concat()));
    agree("agg_mixed_by_level", &mixed.scores("score"), &wide("agg_mixed_by_level"), 560);
    let weights = rows(Path::new(&format!("{ORACLES}/weights_unequal.csv"))).into_iter().filter_map(|row| {
        let table = match row["Level"].as_str() {
            "1" => "indicators",
            "4" => return None,
            _ => "components",
        };
        Some(format!("{table}.{}.weight={}", row["iCode"], row["Weight"]))
    });
    let unequal = run(&strs(&weights.collect::<Vec<String>>()));
    agree("agg_arithmetic_unequal", &unequal.scores("score"), &wide("agg_arithmetic_unequal"), 560);
    agree("rank_arithmetic_unequal", &unequal.scores("rank"), &wide("rank_arithmetic_unequal"), 560);
}

/// Of the raw values: COINr imputes before it denominates nothing.
#[test]
fn imputations() {
    let text =
        fs::read_to_string(ASEM).unwrap().replace("../../data", fs::canonicalize("data").unwrap().to_str().unwrap());
    let raw = ["Area", "Energy", "GDP", "Population"]
        .iter()
        .fold(text, |text, by| text.replace(&format!(" / \"{by}\"'"), "'"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raw.toml");
    fs::write(&file, raw).unwrap();
    for (oracle, impute) in [
        ("impute_mean", "mean"),
        ("impute_median", "median"),
        ("impute_mean_by_EurAsia", "{ with = 'mean', by = 'EurAsia_group' }"),
    ] {
        let found = run_file(&file, &[&format!("score.impute={impute}")]);
        agree(oracle, &found.indicators("value"), &wide(oracle), 2400);
        let status = found.rows("indicators").into_iter().filter(|row| row["status"] == "imputed").count();
        let raw = rows(Path::new("data/reference/asem/raw.csv"));
        let missing =
            raw.iter().flat_map(BTreeMap::values).filter(|cell| number_or_nan(cell).is_nan()).count() - raw.len();
        assert_eq!(status, missing, "each imputed value is marked");
        assert!(
            found.rows("indicators").iter().all(|row| row["status"] != "imputed" || number(&row["coverage"]) == 0.0)
        );
    }
}

#[test]
fn statistics_of_indicators() {
    let run = run(&[]);
    let theirs: BTreeMap<String, BTreeMap<String, String>> =
        rows(Path::new(&format!("{ORACLES}/stats_denominated.csv")))
            .into_iter()
            .map(|row| (row["iCode"].clone(), row))
            .collect();
    let three_digits = |value: f64| format!("{value:.2e}").parse::<f64>().unwrap();
    for own in run.rows("diagnostics") {
        let theirs = &theirs[&own["indicator"]];
        for (ours, column) in [
            ("minimum", "Min"),
            ("maximum", "Max"),
            ("mean", "Mean"),
            ("median", "Median"),
            ("standard_deviation", "Std"),
            ("skewness", "Skew"),
            ("kurtosis", "Kurt"),
            ("available", "N.Avail"),
            ("non_zero", "N.NonZero"),
            ("unique", "N.Unique"),
            ("same", "N.Same"),
            ("available_share", "Frc.Avail"),
            ("non_zero_share", "Frc.NonZero"),
            ("unique_share", "Frc.Unique"),
            ("same_share", "Frc.Same"),
        ] {
            let (found, wanted) = (three_digits(number(&own[ours])), number(&theirs[column]));
            assert!((found - wanted).abs() <= 1e-9 * wanted.abs(), "{} {ours}: {found}, {wanted}", own["indicator"]);
        }
        for (flag, column, word) in [
            ("few_values", "Flag.Avail", "LOW"),
            ("many_zeros", "Flag.NonZero", "LOW"),
            ("few_different", "Flag.Unique", "LOW"),
            ("outliers", "Flag.SkewKurt", "OUT"),
        ] {
            assert_eq!(
                own["flags"].split('|').any(|own| own == flag),
                theirs[column] == word,
                "{} {flag}",
                own["indicator"]
            );
        }
    }
}

#[test]
fn what_there_is_of_each_unit() {
    let run = run(&[]);
    let theirs: BTreeMap<String, BTreeMap<String, String>> =
        rows(Path::new(&format!("{ORACLES}/data_availability.csv")))
            .into_iter()
            .map(|row| (row["uCode"].clone(), row))
            .collect();
    let found = run.rows("availability");
    assert_eq!(found.len(), 51);
    for own in found {
        let theirs = &theirs[&own["cluster_id"]];
        for (ours, column) in [
            ("missing", "N_missing"),
            ("zero", "N_zero"),
            ("available_share", "Dat_Avail"),
            ("non_zero_share", "Non_Zero"),
        ] {
            assert!((number(&own[ours]) - number(&theirs[column])).abs() < 1e-9, "{} {ours}", own["cluster_id"]);
        }
    }
}

#[test]
fn correlations_components_and_weights() {
    let run = run(&[]);
    let correlations = run.rows("correlations");
    let value = |a: &str, b: &str, kind: &str| {
        let is_pair = |row: &&BTreeMap<String, String>| {
            (row["first"] == a && row["second"] == b) || (row["first"] == b && row["second"] == a)
        };
        number(&correlations.iter().find(is_pair).unwrap()[kind])
    };
    for kind in ["pearson", "spearman"] {
        let wanted = wide(&format!("corr_indicators_{kind}"));
        let pairs = wanted.iter().filter(|((a, b), _)| a < b);
        let mut compared = 0;
        for ((a, b), wanted) in pairs {
            assert!((value(a, b, kind) - wanted).abs() < 1e-9, "{kind} {a} {b}");
            compared += 1;
        }
        assert_eq!(compared, 49 * 48 / 2);
    }
    let parent = |id: &str| {
        let is_own = |row: &&BTreeMap<String, String>| row["first"] == id && row["relation"] == "parent";
        correlations.iter().find(is_own).unwrap()["second"].clone()
    };
    for file in ["corr_ind_vs_parent", "corr_ind_vs_index"] {
        for row in rows(Path::new(&format!("{ORACLES}/{file}.csv"))) {
            let above = if row["Var1"] == "Sub-index" { parent(&row["Var2"]) } else { "Index".to_owned() };
            assert!((value(&above, &row["Var2"], "pearson") - number(&row["Correlation"])).abs() < 1e-9, "{row:?}");
        }
    }
    let flagged: Vec<_> = rows(Path::new(&format!("{ORACLES}/corr_flags.csv")));
    let with_flags = self::run(&["score.collinear=0.75"]);
    let is_flagged = |row: &&BTreeMap<String, String>| row["flag"] == "collinear" && row["first_kind"] == "indicator";
    assert_eq!(with_flags.rows("correlations").iter().filter(is_flagged).count(), flagged.len());
    for row in &flagged {
        assert!((value(&row["Ind1"], &row["Ind2"], "pearson") - number(&row["Corr"])).abs() < 5e-4);
    }
    let weights: BTreeMap<String, BTreeMap<String, String>> =
        run.rows("effective_weights").into_iter().map(|row| (row["node"].clone(), row)).collect();
    for row in rows(Path::new(&format!("{ORACLES}/effective_weights.csv"))) {
        assert!((number(&weights[&row["iCode"]]["effective_weight"]) - number(&row["EffWeight"])).abs() < 1e-9);
    }
    for row in rows(Path::new(&format!("{ORACLES}/cronbach.csv"))) {
        assert!((number(&weights[&row["group"]]["cronbach_alpha"]) - number(&row["alpha_pairwise"])).abs() < 1e-9);
    }
    principal_components(&run);
}

/// Up to the sign of each component.
fn principal_components(run: &Run) {
    let own: Vec<_> = run.rows("loadings").into_iter().filter(|row| row["node"] == "Physical").collect();
    assert_eq!(own.len(), 64);
    let loading = |child: &str, component: usize| {
        let is_it = |row: &&BTreeMap<String, String>| {
            row["child"] == child && row["principal_component"] == component.to_string()
        };
        number(&own.iter().find(is_it).unwrap()["loading"])
    };
    let wanted = wide("pca_Physical_loadings");
    for component in 1..=8 {
        let column = |((child, name), value): (&(String, String), &f64)| {
            (*name == format!("PC{component}")).then(|| (loading(child, component), *value))
        };
        let pairs: Vec<(f64, f64)> = wanted.iter().filter_map(column).collect();
        let far = |sign: f64| pairs.iter().map(|(a, b)| (a - sign * b).abs()).fold(0.0, f64::max);
        assert!(pairs.len() == 8 && far(1.0).min(far(-1.0)) < 1e-9, "PC{component}: {pairs:?}");
    }
    for (at, row) in rows(Path::new(&format!("{ORACLES}/pca_Physical_sd.csv"))).iter().enumerate() {
        let is_own = |own: &&BTreeMap<String, String>| own["principal_component"] == (at + 1).to_string();
        let found = number(&own.iter().find(is_own).unwrap()["standard_deviation"]);
        assert!((found - number(&row["sd"])).abs() < 1e-9);
    }
    // The first component has a negative loading: as weights these are refused, their squares are not.
    let folder = tempfile::tempdir().unwrap();
    let set = ["components.Physical.weights=pca".to_owned()];
    let ended = start(Path::new(ASEM), &folder.path().join("out"), &set);
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("`Ship` has a loading of -0.137"));
    let squared = self::run(&["components.Physical.weights=pca_squared"]);
    let weight = squared.indicators("weight")[&("AUS".to_owned(), "Ship".to_owned())];
    assert!((weight - 0.137_260_267_596_470_3_f64.powi(2)).abs() < 1e-9, "{weight}");
}

#[test]
fn removal_and_strengths() {
    let example = run(&["score.impute={ with = 'mean', by = 'EurAsia_group' }"]);
    let found: Vec<_> = example.rows("removal").into_iter().filter(|row| row["kind"] == "component").collect();
    let found = found.iter().map(|row| ((row["cluster_id"].clone(), row["removed"].clone()), number(&row["rank"])));
    agree("removal_level2_ranks", &found.collect(), &wide("removal_level2_ranks"), 408);
    let weights: BTreeMap<String, f64> = example
        .rows("effective_weights")
        .iter()
        .map(|row| (row["node"].clone(), number(&row["mean_rank_change"])))
        .collect();
    for row in rows(Path::new(&format!("{ORACLES}/removal_level2_change.csv"))) {
        if let Some(found) = weights.get(&row["removed"]) {
            assert!((found - number(&row["mean_abs_rank_change"])).abs() < 1e-9, "{row:?}");
        }
    }
    let own: Vec<_> = run(&[]).rows("strengths").into_iter().filter(|row| row["cluster_id"] == "DEU").collect();
    for (kind, file) in [("strength", "strengths_DEU"), ("weakness", "weaknesses_DEU")] {
        let own: BTreeMap<String, (f64, f64)> = own
            .iter()
            .filter(|row| row["kind"] == kind)
            .map(|row| (row["indicator"].clone(), (number(&row["rank"]), number(&row["score"]))))
            .collect();
        let theirs = rows(Path::new(&format!("{ORACLES}/{file}.csv")));
        assert_eq!((own.len(), theirs.len()), (5, 5));
        for row in theirs {
            let (rank, score) = own[&row["Code"]];
            assert!(rank == number(&row["Rank"]) && (score - number(&row["Value"])).abs() < 0.05, "{row:?}");
        }
    }
}

#[test]
fn the_human_development_index_recomputes() {
    let run = run_file(Path::new("pipelines/reference/hdi-2022.toml"), &[]);
    let published: BTreeMap<String, f64> = rows(Path::new("data/reference/hdi/hdi_2022.csv"))
        .iter()
        .map(|row| (row["iso3"].clone(), number(&row["hdi"])))
        .collect();
    let found = run.rows("clusters");
    assert_eq!(found.len(), 206);
    let mut agreed = 0;
    for row in found {
        let (index, published) = (number(&row["hdi_score"]) / 100.0, published[&row["cluster_id"]]);
        assert_eq!(index.is_nan(), published.is_nan(), "{row:?}");
        assert!(index.is_nan() || format!("{index:.3}") == format!("{published:.3}"), "{index} {published}");
        agreed += usize::from(!index.is_nan());
    }
    assert_eq!(agreed, 204);
}

/// Weights and aggregation drawn as COINr draws them, against numpy (tests/oracles/coinr/make_rank_intervals.py):
/// intervals of ranks are whole numbers, so a quantile that falls between two may come out as either.
#[test]
fn rank_intervals_are_those_of_numpy() {
    let geometric = everywhere("aggregate", "geometric");
    let geometric: Vec<String> = geometric.iter().map(|assignment| format!("\"{assignment}\"")).collect();
    let set = [
        "score.normalise={ method = 'min_max', to = [1, 100] }".to_owned(),
        "uncertainty.replicates=8000".into(),
        "uncertainty.weights={ uniform = 0.25, levels = [2, 3] }".into(),
        "uncertainty.thresholds=false".into(),
        "uncertainty.goalposts=false".into(),
        format!(
            "uncertainty.alternatives.means=[{{ probability = 0.5 }}, {{ set = [{}], probability = 0.5 }}]",
            geometric.join(", ")
        ),
    ];
    let found: BTreeMap<String, BTreeMap<String, String>> =
        run(&strs(&set)).rows("clusters").into_iter().map(|row| (row["cluster_id"].clone(), row)).collect();
    let wanted = rows(Path::new(&format!("{ORACLES}/rank_intervals.csv")));
    let mut far = 0.0;
    for row in &wanted {
        for share in ["05", "95"] {
            let own = number(&found[&row["uCode"]][&format!("Index_rank_q{share}")]);
            let apart = (own - number(&row[&format!("q{share}")])).abs();
            assert!(apart <= 1.0, "{} {share}: {own}, {row:?}", row["uCode"]);
            far += apart;
        }
    }
    assert!(wanted.len() == 51 && far <= 5.0, "{far} ranks apart in 102 ends of intervals");
}
