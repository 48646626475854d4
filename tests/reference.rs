//! Numbers computed elsewhere: the method's worked example, DBSCAN of scikit-learn, the counts of the registers.
//! How each reference was made stands beside it.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

mod few;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use forerunner::delineate::dbscan::dbscan;
use forerunner::delineate::hdbscan::hdbscan;
use forerunner::globe::EARTH_RADIUS_KM;
use forerunner::pipeline::{Outcome, Pipeline, run};

type Row = HashMap<String, String>;

fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn run_pipeline(path: &str, out: &Path) -> Outcome {
    run(&Pipeline::load(Path::new(path), &few::few(Path::new(path))).unwrap(), out, None, &|_, _| {}).unwrap()
}

/// Tolerances of the worked example's README: distances 2 m, values 2e-4, scores 1e-4, shares 2e-5.
fn tolerance(table: &str, column: &str, value: f64) -> f64 {
    match column {
        _ if column.starts_with("km_") => 2e-3,
        "score" | "low" | "high" | "locational_advantage" | "inter_firm_linkages" => 1e-4,
        "value" => 2e-4 * value.abs() + 2e-3,
        _ if table == "figures" => 2e-4 * value.abs() + 1e-6,
        _ => 2e-5 * value.abs() + 1e-6,
    }
}

#[test]
fn the_worked_example() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    run_pipeline("tests/cases/worked_example/pipeline.toml", &out);
    let mut compared = 0;
    for (expected, table, key) in [
        ("facilities", "facilities", vec!["facility_id", "period"]),
        ("figures", "figures", vec!["cluster_id", "period"]),
        ("indicators", "indicators", vec!["cluster_id", "period", "indicator"]),
        ("scores", "scores", vec!["cluster_id", "period", "node"]),
        ("types", "clusters", vec!["cluster_id", "period"]),
    ] {
        let of = |row: &Row| key.iter().map(|column| row[*column].clone()).collect::<Vec<_>>();
        let found: BTreeMap<Vec<String>, Row> =
            rows(&out.join(format!("{table}.csv"))).into_iter().map(|row| (of(&row), row)).collect();
        let wanted = rows(&Path::new("tests/cases/worked_example").join(format!("expected_{expected}.csv")));
        assert_eq!(found.len(), wanted.len(), "{table}");
        for row in wanted {
            for (column, wanted) in &row {
                let found = &found[&of(&row)][column];
                let same = match (wanted.parse::<f64>(), found.parse::<f64>()) {
                    (Ok(wanted), Ok(found)) => (wanted - found).abs() <= tolerance(expected, column, wanted),
                    _ => wanted == found,
                };
                assert!(same, "{table} {:?} {column}: {found} instead of {wanted}", of(&row));
                compared += 1;
            }
        }
    }
    assert!(compared > 2000, "{compared}");
}

fn great_circle_km(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dlon, dlat) = ((b.0 - a.0).to_radians(), (b.1 - a.1).to_radians());
    let half =
        (dlat / 2.0).sin().powi(2) + a.1.to_radians().cos() * b.1.to_radians().cos() * (dlon / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS_KM * half.sqrt().asin()
}

/// Core points exactly (up to renaming), noise exactly, border points by membership in a cluster within reach.
#[test]
fn dbscan_agrees_with_scikit_learn() {
    for set in ["mixed", "antimeridian", "pole", "duplicates"] {
        let rows = rows(&Path::new("tests/oracles/dbscan").join(format!("{set}.csv")));
        let points: Vec<(f64, f64)> =
            rows.iter().map(|row| (row["lon"].parse().unwrap(), row["lat"].parse().unwrap())).collect();
        for (km, least) in [(1.0, 3), (5.0, 5), (10.0, 5), (25.0, 10)] {
            let found = dbscan(&points, km, least);
            let wanted: Vec<&str> = rows.iter().map(|row| row[&format!("dbscan_{km}km_{least}")].as_str()).collect();
            let core: Vec<bool> = rows.iter().map(|row| row[&format!("core_{km}km_{least}")] == "1").collect();
            let mut names: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
            for point in 0..points.len() {
                assert_eq!(found[point].is_none(), wanted[point] == "-1", "{set} {km} km: noise at {point}");
                let Some(label) = found[point] else { continue };
                if core[point] {
                    names.entry(wanted[point]).or_default().insert(label);
                } else {
                    let reaches = |other: usize| {
                        core[other]
                            && found[other] == Some(label)
                            && great_circle_km(points[point], points[other]) <= km * (1.0 + 1e-9)
                    };
                    assert!(
                        (0..points.len()).any(reaches),
                        "{set} {km} km: border point {point} is out of reach of its cluster"
                    );
                }
            }
            assert!(names.values().all(|labels| labels.len() == 1), "{set} {km} km: {names:?}");
            let distinct: BTreeSet<usize> = names.values().flatten().copied().collect();
            assert_eq!(distinct.len(), names.len(), "{set} {km} km: clusters were merged");
        }
    }
}

/// Great Britain, 2022: counts made independently with pandas and scikit-learn.
#[test]
fn great_britain() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let outcome = run_pipeline("pipelines/great-britain.toml", &out);
    let register = &outcome.manifest.sources[0];
    let megatonnes = |tonnes: Option<f64>| (tonnes.unwrap() / 1e4).round() / 100.0;
    assert_eq!((register.read.rows, megatonnes(register.read.tonnes)), (1521, 118.57));
    let industry = register.read.rows - register.filtered[0].tally.rows;
    let tonnes = register.read.tonnes.unwrap() - register.filtered[0].tally.tonnes.unwrap();
    assert_eq!((industry, megatonnes(Some(tonnes))), (786, 52.96));
    assert_eq!(register.kept.rows, 234);
    let split = &outcome.manifest.periods[0];
    assert_eq!(split.clusters, 15);
    let parts = [split.clustered, split.dispersed, register.quarantined]
        .iter()
        .chain(register.filtered.iter().map(|filtered| &filtered.tally))
        .map(|tally| tally.tonnes.unwrap())
        .sum::<f64>();
    assert!((parts - register.read.tonnes.unwrap()).abs() < 1.0, "every tonne is accounted for");

    let mut clusters = rows(&out.join("clusters.csv"));
    clusters.sort_by(|a, b| b["emissions_t"].parse::<f64>().unwrap().total_cmp(&a["emissions_t"].parse().unwrap()));
    let sizes: Vec<(String, f64)> = clusters
        .iter()
        .map(|row| (row["facility_count"].clone(), megatonnes(row["emissions_t"].parse().ok())))
        .collect();
    let wanted = [
        ("8", 5.79),
        ("7", 3.98),
        ("7", 3.47),
        ("5", 3.37),
        ("5", 2.73),
        ("7", 2.72),
        ("5", 2.36),
        ("10", 2.01),
        ("5", 0.77),
        ("7", 0.68),
        ("4", 0.66),
        ("4", 0.38),
        ("4", 0.35),
        ("4", 0.22),
        ("4", 0.19),
    ];
    assert_eq!(sizes, wanted.map(|(count, tonnes)| (count.to_owned(), tonnes)));
    // Face validity: the clusters that UK policy names are high. By anchor: South Wales, Humber (two), Southampton,
    // Grangemouth, North West, Teesside.
    for id in ["c-40542", "c-40552", "c-8433", "c-8051", "c-9021", "c-13066", "c-7702"] {
        let row = clusters.iter().find(|row| row["cluster_id"] == id).unwrap();
        assert!(row["locational_advantage"].parse::<f64>().unwrap() > 50.0, "{id}");
        assert!(["1|3", "1", "3"].contains(&row["possible_types"].as_str()), "{id}: {}", row["possible_types"]);
    }
}

#[test]
fn the_clusters_of_great_britain_have_names_that_people_know() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    run_pipeline("pipelines/great-britain.toml", &out);
    let mut clusters = rows(&out.join("clusters.csv"));
    clusters.sort_by(|a, b| b["emissions_t"].parse::<f64>().unwrap().total_cmp(&a["emissions_t"].parse().unwrap()));
    let names: Vec<&str> = clusters.iter().map(|row| row["cluster_name"].as_str()).collect();
    let known = [
        "Port Talbot",
        "Scunthorpe",
        "Immingham",
        "Southampton",
        "Grangemouth",
        "Ellesmere Port Town",
        "Buxton",
        "Middlesbrough",
    ];
    assert_eq!(names[..8], known);
}

/// The named regions: facilities and emissions counted independently of this program, on the regions file as it is.
#[test]
fn the_named_regions_of_the_united_kingdom() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    run_pipeline("pipelines/uk-clusters.toml", &out);
    let found: Vec<(String, String, f64)> = rows(&out.join("clusters.csv"))
        .into_iter()
        .map(|row| {
            let megatonnes = row["emissions_t"].parse::<f64>().unwrap() / 1e6;
            (row["cluster_name"].clone(), row["facility_count"].clone(), (megatonnes * 100.0).round() / 100.0)
        })
        .collect();
    let wanted = [
        ("Black Country", "14", 0.1),
        ("Grangemouth", "10", 2.78),
        ("Humber", "40", 8.0),
        ("North West", "121", 6.19),
        ("South Wales", "52", 9.83),
        ("Southampton and the Solent", "9", 3.48),
        ("Teesside", "23", 2.19),
    ];
    assert_eq!(found, wanted.map(|(name, count, tonnes)| (name.to_owned(), count.to_owned(), tonnes)));
    let location: BTreeMap<String, f64> = rows(&out.join("clusters.csv"))
        .into_iter()
        .map(|row| (row["cluster_name"].clone(), row["locational_advantage"].parse().unwrap()))
        .collect();
    for (name, score) in location {
        assert!(if name == "Black Country" { score < 20.0 } else { score > 50.0 }, "{name} {score}");
    }
}

/// tests/oracles/evidence/observed.py: pandas and DuckDB, from the lists, the reviewed names and the IEA's table. Nobody in the
/// Black Country: unknown there, and not low.
#[test]
fn firm_networks_of_the_united_kingdom() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    run_pipeline("pipelines/uk-clusters.toml", &out);
    let figures = rows(&out.join("figures.csv"));
    let wanted = rows(Path::new("tests/oracles/evidence/observed.csv"));
    assert_eq!((figures.len(), wanted.len()), (7, 21));
    for wanted in wanted {
        let own = figures.iter().find(|row| row["cluster_id"] == wanted["cluster_id"]).unwrap();
        let found: f64 = own[&format!("observed_emission_share_{}", wanted["kind"])].parse().unwrap();
        let share: f64 = wanted["observed_emission_share"].parse().unwrap();
        assert!((found - share).abs() < 1e-9, "{wanted:?}: {found}");
    }
    let clusters = rows(&out.join("clusters.csv"));
    let black_country = clusters.iter().find(|row| row["cluster_id"] == "black-country").unwrap();
    assert_eq!(black_country["possible_types"], "2|4");
}

/// tests/oracles/evidence/make.py: GeoPandas on the national grid, planar; scikit-learn's clusters, and the regions.
#[test]
fn distances_to_routes_and_renewables_nearby() {
    let root = tempfile::tempdir().unwrap();
    for (pipeline, oracle, clusters) in [("great-britain", "clusters", 15), ("uk-clusters", "regions", 7)] {
        let out = root.path().join(pipeline);
        run_pipeline(&format!("pipelines/{pipeline}.toml"), &out);
        let indicators = rows(&out.join("indicators.csv"));
        let wanted = rows(Path::new(&format!("tests/oracles/evidence/{oracle}.csv")));
        assert_eq!(wanted.len(), clusters);
        for wanted in wanted {
            for (indicator, column) in [("pipeline_distance", "km_to_routes"), ("renewables_nearby", "mw_within_50km")]
            {
                let own = |row: &&Row| row["cluster_id"] == wanted["cluster_id"] && row["indicator"] == indicator;
                let found: f64 = indicators.iter().find(own).unwrap()["value"].parse().unwrap();
                let value: f64 = wanted[column].parse().unwrap();
                let allowed = f64::max(0.005 * value, if indicator == "pipeline_distance" { 0.05 } else { 0.0 });
                assert!((found - value).abs() <= allowed, "{indicator} {wanted:?}: {found}");
            }
        }
    }
}

/// tests/oracles/concentration: pandas and esda, on the same clusters by label.
#[test]
fn sectors_agree_with_pandas_and_esda() {
    let root = tempfile::tempdir().unwrap();
    let (out, path) = (root.path().join("run"), root.path().join("pipeline.toml"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracles/concentration");
    let columns = "id = \"id\", x = \"lon\", y = \"lat\", label = \"cluster\", emissions_t = \"emissions_t\", sector = \"sector\"";
    let scoring = "[[dimensions]]\nid = \"size\"\n[[components]]\nid = \"c\"\nparent = \"size\"\n[[indicators]]\nid = \"i\"\nparent = \"c\"\nexpr = \"SUM(local_moran)\"\nworst = 0\nbest = 10\n";
    let text = format!(
        "name = \"oracle\"\n[facilities]\npath = \"{}/facilities.csv\"\ncolumns = {{ {columns} }}\n[delineate]\nmethod = \"label\"\n{scoring}",
        folder.display()
    );
    std::fs::write(&path, text).unwrap();
    run_pipeline(path.to_str().unwrap(), &out);
    let compare = |found: &Row, column: &str, wanted: &str| {
        let (found, wanted): (f64, f64) = (found[column].parse().unwrap(), wanted.parse().unwrap());
        assert!((found - wanted).abs() <= 1e-9 * (1.0 + wanted.abs()), "{column}: {found} instead of {wanted}");
    };
    let sectors = rows(&out.join("sectors.csv"));
    let quotients = rows(&folder.join("location_quotient.csv"));
    // The oracle lists every sector of the country, absent ones with a share of 0.
    let present = quotients.iter().filter(|wanted| wanted["share"].parse::<f64>().unwrap() > 0.0);
    let mut compared = 0;
    for wanted in present {
        let same = |row: &&Row| row["cluster_id"] == wanted["cluster"] && row["sector"] == wanted["sector"];
        let found = sectors.iter().find(same).unwrap();
        compare(found, "share", &wanted["share"]);
        compare(found, "location_quotient", &wanted["location_quotient"]);
        compared += 1;
    }
    assert_eq!(compared, sectors.len());
    let concentration = rows(&out.join("concentration.csv"));
    for wanted in rows(&folder.join("ellison_glaeser.csv")) {
        let found = concentration.iter().find(|row| row["sector"] == wanted["sector"]).unwrap();
        compare(found, "ellison_glaeser", &wanted["gamma"]);
        compare(found, "herfindahl", &wanted["H"]);
    }
    let facilities = rows(&out.join("facilities.csv"));
    let morans = rows(&folder.join("local_moran.csv"));
    assert_eq!([facilities.len(), morans.len()], [400; 2]);
    for (found, wanted) in facilities.iter().zip(morans) {
        assert_eq!((&found["facility_id"], &found["local_moran_quadrant"]), (&wanted["id"], &wanted["quadrant"]));
        compare(found, "local_moran", &wanted["local_moran"]);
    }
    assert!((concentration[0]["moran_i"].parse::<f64>().unwrap() - 0.047_183_536_260_431_71).abs() < 1e-9);
}

/// North-west Europe, 2014, as the register has it: counts made independently with pandas and scikit-learn.
#[test]
fn north_west_europe() {
    let root = tempfile::tempdir().unwrap();
    let (out, plain) = (root.path().join("run"), root.path().join("plain.toml"));
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/north-west-europe.toml");
    let text = format!("name = \"plain\"\nextends = \"{}\"\n[facilities]\ncorrections = {{}}\n", base.display());
    std::fs::write(&plain, text).unwrap();
    let outcome = run_pipeline(plain.to_str().unwrap(), &out);
    let register = &outcome.manifest.sources[0];
    let split = &outcome.manifest.periods[0];
    assert_eq!(register.read.rows, 5029);
    assert_eq!(register.kept.rows - split.without_coordinates.rows, 861);
    assert_eq!((split.without_coordinates.rows, split.clusters), (71, 41));
    assert!((split.without_coordinates.tonnes.unwrap() / 1e6 - 10.76).abs() < 0.005);
    assert!(((register.kept.tonnes.unwrap() - split.without_coordinates.tonnes.unwrap()) / 1e6 - 348.3).abs() < 0.05);
    has_clusters(
        &rows(&out.join("clusters.csv")),
        &[("36", 31.52), ("17", 15.24), ("22", 12.97), ("19", 10.67), ("8", 9.15), ("9", 8.01)],
    );
}

/// Each of these facility counts and megatonnes is that of a cluster.
fn has_clusters(clusters: &[Row], wanted: &[(&str, f64)]) {
    for (count, megatonnes) in wanted {
        let near = |row: &Row| (row["emissions_t"].parse::<f64>().unwrap() / 1e6 - megatonnes).abs() < 0.005;
        assert!(clusters.iter().any(|row| row["facility_count"] == *count && near(row)), "{count} {megatonnes}");
    }
}

/// North-west Europe, corrected. By hand: Rotterdam with 805 kt once as 709 and 95 kt in another row, Antwerp and Dunkirk with
/// 3.113 and 7.73 Mt in place of 35 kt; no cluster of head offices near Birmingham, and no steelworks at Rotherham's offices.
#[test]
fn north_west_europe_put_right() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let outcome = run_pipeline("pipelines/north-west-europe.toml", &out);
    assert_eq!(outcome.manifest.corrections.len(), 33);
    assert_eq!(outcome.manifest.periods[0].clusters, 40);
    let clusters = rows(&out.join("clusters.csv"));
    has_clusters(
        &clusters,
        &[
            ("36", 31.52),
            ("17", 15.24),
            ("22", 12.97 - 0.805 + 0.709),
            ("19", 10.67 + 3.113 - 0.035),
            ("10", 8.01 + 0.055),
        ],
    );
    let number = |row: &Row, column: &str| row[column].parse::<f64>().unwrap();
    let mut scores: Vec<f64> = clusters.iter().map(|row| number(row, "locational_advantage")).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let rotterdam = clusters.iter().find(|row| row["cluster_name"] == "Rotterdam").unwrap();
    assert!(number(rotterdam, "locational_advantage") >= scores[2], "Rotterdam is among the three highest");
    let steelworks = rows(&out.join("facilities.csv")).into_iter().find(|row| row["facility_id"] == "3602").unwrap();
    assert!((number(&steelworks, "lon") + 3.75946).abs() < 1e-9 && (number(&steelworks, "lat") - 51.5679).abs() < 1e-9);
    // Germany's gas stands on straight segments: what is nearer than 25 km is said to be within 25 km.
    let indicators = rows(&out.join("indicators.csv"));
    let marked = |row: &&Row| row["indicator"] == "pipeline_distance" && row["within_km"] == "25.0";
    assert!(indicators.iter().filter(marked).all(|row| number(row, "value") < 25.0));
    assert!(indicators.iter().any(|row| marked(&row) && row["cluster_id"] == "c-122"), "Hamburg");
    assert!(!indicators.iter().any(|row| marked(&row) && row["cluster_id"] == "c-945"), "Teesside has routes");
}

/// The paper's three profiles, to two decimals.
#[test]
fn three_profiles() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    run_pipeline("pipelines/three-profiles.toml", &out);
    let clusters = rows(&out.join("clusters.csv"));
    for (name, period, location, covered, linkages, known, kind) in [
        ("Port of Rotterdam", "2024", 100.00, 0.889, 100.00, 0.875, "1"),
        ("Black Country", "2024", 5.70, 0.833, 66.67, 0.750, "2"),
        ("North West", "2016", 83.99, 0.833, 33.33, 0.875, "3"),
        ("North West", "2021", 83.99, 0.833, 73.33, 0.875, "1"),
    ] {
        let row = clusters.iter().find(|row| row["cluster_name"] == name && row["period"] == period).unwrap();
        let close = |column: &str, wanted: f64, allowed: f64| {
            let found: f64 = row[column].parse().unwrap();
            assert!((found - wanted).abs() <= allowed, "{name} {period} {column}: {found} instead of {wanted}");
        };
        close("locational_advantage", location, 0.005);
        close("inter_firm_linkages", linkages, 0.005);
        close("locational_advantage_coverage", covered, 0.0005);
        close("inter_firm_linkages_coverage", known, 0.0005);
        assert_eq!(row["type"], kind, "{name} {period}");
    }
}

/// Labels up to renaming: how many points stand elsewhere than where most of their cluster stand.
fn moved(found: &[Option<usize>], wanted: &[i64]) -> usize {
    assert_eq!(found.len(), wanted.len());
    let mut shared: BTreeMap<(Option<usize>, i64), usize> = BTreeMap::new();
    found.iter().zip(wanted).for_each(|(found, wanted)| *shared.entry((*found, *wanted)).or_default() += 1);
    let partner = |label: Option<usize>| {
        let of = shared.iter().filter(|((found, wanted), _)| *found == label && (label.is_none() == (*wanted == -1)));
        of.max_by_key(|(_, count)| **count).map(|((_, wanted), _)| *wanted)
    };
    found.iter().zip(wanted).filter(|(found, wanted)| partner(**found) != Some(**wanted)).count()
}

/// scikit-learn, `min_cluster_size` 5 and 15. It joins parts at one distance one after the other, in the order of rows; here
/// they join at once, so that no order matters. Points that fall out at such a tie may differ, and no other do: the same
/// points in another order move as many labels within scikit-learn itself (tests/oracles/README.md has the counts).
#[test]
fn hdbscan_agrees_with_scikit_learn() {
    for (set, ties) in [("mixed", [20, 8]), ("antimeridian", [6, 1]), ("pole", [21, 0]), ("duplicates", [5, 4])] {
        let rows = rows(&Path::new("tests/oracles/dbscan").join(format!("{set}.csv")));
        let points: Vec<(f64, f64)> =
            rows.iter().map(|row| (row["lon"].parse().unwrap(), row["lat"].parse().unwrap())).collect();
        for (least, ties) in [5, 15].into_iter().zip(ties) {
            let wanted: Vec<i64> =
                rows.iter().map(|row| row[&format!("hdbscan_sklearn_{least}")].parse().unwrap()).collect();
            let found = moved(&hdbscan(&points, least), &wanted);
            assert!(found <= ties, "{set} {least}: {found} of {} points differ", points.len());
        }
    }
}

/// The worked example's levers, computed by bisection in Python; its one change of type is network building.
#[test]
fn levers_and_moves_of_the_worked_example() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    run_pipeline("tests/cases/worked_example/pipeline.toml", &out);
    let found = rows(&out.join("levers.csv"));
    let wanted = rows(Path::new("tests/cases/worked_example/expected_levers.csv"));
    assert_eq!(found.len(), wanted.len());
    let mut flips = 0;
    for wanted in &wanted {
        let same = |row: &&Row| ["cluster_id", "period", "indicator"].iter().all(|key| row[*key] == wanted[*key]);
        let found = found.iter().find(same).unwrap();
        match (wanted["flip_value"].parse::<f64>(), found["flip_value"].parse::<f64>()) {
            (Ok(wanted), Ok(found)) => assert!((wanted - found).abs() <= 2e-4 * wanted.abs(), "{found} not {wanted}"),
            _ => assert_eq!(wanted["flip_value"], found["flip_value"], "{found:?}"),
        }
        flips += usize::from(!wanted["flip_value"].is_empty());
    }
    assert_eq!(flips, 10);
    let moves = rows(&out.join("moves.csv"));
    let of = |row: &Row| [&row["cluster_id"], &row["from_type"], &row["to_type"], &row["move"]].map(String::clone);
    let changed: Vec<[String; 4]> = moves.iter().filter(|row| row["move"] != "none").map(of).collect();
    assert_eq!(changed, [["c-f002", "3", "1", "network building"].map(str::to_owned)]);
    assert_eq!(moves.len(), 4, "c-f037 has no type in either period");
    let counted = rows(&out.join("transitions.csv"));
    assert_eq!(counted.len(), 16);
    assert_eq!(counted.iter().map(|row| row["cluster_count"].parse::<usize>().unwrap()).sum::<usize>(), 4);
    let parts: f64 = rows(&out.join("move_parts.csv"))
        .iter()
        .filter(|row| row["cluster_id"] == "c-f002" && row["dimension"] == "inter_firm_linkages")
        .map(|row| row["part"].parse::<f64>().unwrap())
        .sum();
    assert!((parts - (78.557_539_02 - 28.091_497_52)).abs() < 1e-4, "{parts}");
}
