//! Where clusters are: against all pairs, under turns of the globe and of the rows, by boundaries, from one run to the next,
//! and on input as it should not be.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;

use forerunner::delineate::dbscan::dbscan;
use forerunner::delineate::hdbscan::hdbscan;
use forerunner::error::Error;
use forerunner::globe::EARTH_RADIUS_KM;
use forerunner::pipeline::{self, Outcome, Pipeline};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

type Degrees = (f64, f64);
type Row = HashMap<String, String>;

fn great_circle_km(a: Degrees, b: Degrees) -> f64 {
    let (dlon, dlat) = ((b.0 - a.0).to_radians(), (b.1 - a.1).to_radians());
    let half =
        (dlat / 2.0).sin().powi(2) + a.1.to_radians().cos() * b.1.to_radians().cos() * (dlon / 2.0).sin().powi(2);
    2.0 * EARTH_RADIUS_KM * half.sqrt().min(1.0).asin()
}

/// DBSCAN over all pairs; border points join their nearest core point.
fn all_pairs(points: &[Degrees], radius_km: f64, least: usize) -> Vec<Option<usize>> {
    let count = points.len();
    let km: Vec<Vec<f64>> = points.iter().map(|&a| points.iter().map(|&b| great_circle_km(a, b)).collect()).collect();
    let core: Vec<bool> = km.iter().map(|km| km.iter().filter(|km| **km <= radius_km).count() >= least).collect();
    let mut label: Vec<Option<usize>> = vec![None; count];
    let mut next = 0;
    for start in 0..count {
        if core[start] && label[start].is_none() {
            let mut open = vec![start];
            while let Some(at) = open.pop() {
                if label[at].replace(next).is_none() {
                    open.extend((0..count).filter(|&to| core[to] && label[to].is_none() && km[at][to] <= radius_km));
                }
            }
            next += 1;
        }
    }
    let border = |at: usize| {
        let reached = (0..count).filter(|&to| core[to] && km[at][to] <= radius_km);
        reached.min_by(|&a, &b| km[at][a].total_cmp(&km[at][b]).then(a.cmp(&b)))
    };
    (0..count).map(|at| if core[at] { label[at] } else { border(at).and_then(|core| label[core]) }).collect()
}

/// Labels do not matter, only who is together.
fn groups(labels: &[Option<usize>]) -> (BTreeSet<Vec<usize>>, Vec<usize>) {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut noise = Vec::new();
    for (point, label) in labels.iter().enumerate() {
        match label {
            Some(label) => groups.entry(*label).or_default().push(point),
            None => noise.push(point),
        }
    }
    (groups.into_values().collect(), noise)
}

/// Points around a few centres at home, on the antimeridian and at both poles; a third of them twice.
fn scattered() -> impl Strategy<Value = Vec<Degrees>> {
    let centre = prop_oneof![Just((3.0, 51.0)), Just((180.0, -17.0)), Just((0.0, 89.95)), Just((40.0, -89.9))];
    let point = (centre, -30.0..30.0f64, -30.0..30.0f64).prop_map(|((lon, lat), east, north)| {
        let lat: f64 = lat + north / 111.2;
        let over = if lat.abs() > 90.0 { (lon + 180.0, 180.0 * lat.signum() - lat) } else { (lon, lat) };
        let lon = over.0 + east / 111.2 / over.1.to_radians().cos().abs().max(1e-3);
        ((lon + 180.0).rem_euclid(360.0) - 180.0, over.1)
    });
    proptest::collection::vec(point, 1..90).prop_map(|points| {
        points
            .iter()
            .enumerate()
            .flat_map(|(at, &point)| std::iter::repeat_n(point, 1 + usize::from(at % 3 == 0)))
            .collect()
    })
}

fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]))
}

/// Whether some pair lies so near the radius that rounding decides.
fn is_close_call(points: &[Degrees], radius_km: f64) -> bool {
    let near = |a: &Degrees, b: &Degrees| (great_circle_km(*a, *b) - radius_km).abs() < 1e-7;
    points.iter().any(|a| points.iter().any(|b| near(a, b)))
}

#[test]
fn labels_are_those_of_all_pairs() {
    let strategy = (scattered(), prop_oneof![Just(2.0), Just(5.0), Just(12.0), Just(300.0)], 1..8usize);
    runner(300)
        .run(&strategy, |(points, radius, least)| {
            prop_assume!(!is_close_call(&points, radius));
            prop_assert_eq!(dbscan(&points, radius, least), all_pairs(&points, radius, least));
            Ok(())
        })
        .unwrap();
}

#[test]
fn turning_the_globe_or_the_rows_changes_nothing() {
    let strategy = (scattered(), -360.0..360.0f64, 2..6usize, any::<u64>());
    runner(200)
        .run(&strategy, |(points, turn, least, seed)| {
            prop_assume!(!is_close_call(&points, 5.0));
            let turned: Vec<Degrees> =
                points.iter().map(|(lon, lat)| ((lon + turn + 180.0).rem_euclid(360.0) - 180.0, *lat)).collect();
            let mut order: Vec<usize> = (0..points.len()).collect();
            order.sort_by_key(|at| (*at as u64 + 1).wrapping_mul(seed | 1).rotate_left(17));
            let shuffled: Vec<Degrees> = order.iter().map(|&at| points[at]).collect();
            let back = |labels: Vec<Option<usize>>| {
                let mut back = vec![None; labels.len()];
                order.iter().zip(labels).for_each(|(&at, label)| back[at] = label);
                back
            };
            let found = groups(&dbscan(&points, 5.0, least));
            prop_assert_eq!(&found, &groups(&dbscan(&turned, 5.0, least)));
            prop_assert_eq!(&found, &groups(&back(dbscan(&shuffled, 5.0, least))));
            let found = groups(&hdbscan(&points, least));
            prop_assert_eq!(&found, &groups(&back(hdbscan(&shuffled, least))));
            Ok(())
        })
        .unwrap();
}

/// Two dense spots 80 m apart, each point with 20,000 neighbours; between them a bridge that no core point makes.
#[test]
fn tens_of_thousands_of_neighbours() {
    let spot = |lon: f64| {
        (0..20_000).map(move |at| {
            let (angle, km) = (f64::from(at) * 2.399_963, 0.015 * (f64::from(at) / 20_000.0).sqrt());
            (lon + km * angle.cos() / 69.0, 51.0 + km * angle.sin() / 111.2)
        })
    };
    let mut points: Vec<Degrees> = spot(3.0).chain(spot(3.0 + 0.08 / 69.0)).collect();
    points.push((3.0 + 0.04 / 69.0, 51.0));
    let labels = dbscan(&points, 0.04, 30_000);
    assert!(labels.iter().all(Option::is_none));
    let labels = dbscan(&points, 0.04, 10_000);
    let (found, noise) = groups(&labels);
    let sizes: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!((sizes.iter().sum::<usize>() + noise.len(), sizes.len()), (40_001, 1), "{sizes:?}");
    let (found, _) = groups(&dbscan(&points[..40_000], 0.04, 10_000));
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [20_000, 20_000]);
}

/// 40,000 points, a quarter of them on a coarse grid, so that many lie in one place or equally far.
#[test]
fn labels_at_any_number_of_threads() {
    let mut state = 7u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let point = |at: usize, x: f64, y: f64| {
        let (x, y) = if at.is_multiple_of(4) { ((x * 40.0).round() / 40.0, (y * 40.0).round() / 40.0) } else { (x, y) };
        (2.0 + 4.0 * x, 48.0 + 3.0 * y)
    };
    let points: Vec<Degrees> = (0..40_000).map(|at| point(at, random(), random())).collect();
    let labels = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (dbscan(&points, 1.0, 4), hdbscan(&points, 5)))
    };
    let alone = labels(1);
    for threads in [2, 3, 8] {
        assert!(labels(threads) == alone, "{threads} threads");
    }
}

const SCORING: &str = "[[dimensions]]\nid = \"size\"\n[[components]]\nid = \"c\"\nparent = \"size\"\n[[indicators]]\nid = \"i\"\nparent = \"c\"\nover = \"clusters\"\nexpr = \"facility_count\"\nworst = 0\nbest = 10\n";
const REGISTER: &str = "id = \"id\", name = \"name\", x = \"lon\", y = \"lat\", emissions_t = \"t\"";

/// Runs a pipeline over files that are written beside it; the tables by name, or the error.
fn run(files: &[(&str, &str)], settings: &str, previous: Option<&Path>, out: &Path) -> Result<Outcome, Error> {
    let root = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(root.path().join(name), text).unwrap());
    let register = format!("[facilities]\npath = \"sites.csv\"\ncolumns = {{ {REGISTER} }}\n");
    let path = root.path().join("pipeline.toml");
    fs::write(&path, format!("name = \"test\"\n{register}{settings}\n{SCORING}")).unwrap();
    pipeline::run(&Pipeline::load(&path, &[])?, out, previous, &|_, _| {})
}

fn table(out: &Path, name: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(out.join(format!("{name}.csv"))).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn has_finding(out: &Path, rule: &str) -> bool {
    table(out, "findings").iter().any(|row| row["rule"] == rule)
}

fn refused(files: &[(&str, &str)], settings: &str) -> (u8, String) {
    let root = tempfile::tempdir().unwrap();
    match run(files, settings, None, &root.path().join("run")) {
        Ok(_) => panic!("{settings} was accepted"),
        Err(error) => (error.exit_status(), error.to_string()),
    }
}

const SITES: &str = "id,name,lon,lat,t\n1,inside,0.5,0.5,10\n2,on the border,1,0.5,20\n3,in both,1.5,0.5,30\n4,near,3.009,0.5,40\n5,far,4,0.5,50\n6,nowhere,,,60\n";

#[test]
fn boundaries_hold_what_lies_on_them() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let wkt = "code;title;rank;shape\nw;West;1;POLYGON ((0 0, 2 0, 2 1, 0 1, 0 0))\ne;East;2;POLYGON ((1 0, 3 0, 3 1, 1 1, 1 0))\nn;North;;POLYGON ((0 10, 1 10, 1 11, 0 10))\n";
    let columns = "columns = { id = \"code\", name = \"title\", priority = \"rank\", geometry = \"shape\" }";
    let boundaries = format!("[boundaries]\npath = \"regions.csv\"\ndelimiter = \";\"\n{columns}\n");
    let files = [("sites.csv", SITES), ("regions.csv", wkt)];
    run(&files, &format!("{boundaries}[delineate]\nmethod = \"boundary\""), None, &out).unwrap();
    let of = |out: &Path| table(out, "facilities").into_iter().map(|row| row["cluster_id"].clone()).collect::<Vec<_>>();
    assert_eq!(of(&out), ["w", "e", "e", "", "", ""]);
    assert!(has_finding(&out, "empty_boundary"));
    let names: Vec<String> = table(&out, "clusters").iter().map(|row| row["cluster_name"].clone()).collect();
    assert_eq!(names, ["East", "West"]);
    run(&files, &format!("{boundaries}[delineate]\nmethod = \"boundary\"\ngrow = 1.1"), None, &out).unwrap();
    assert_eq!(of(&out), ["w", "e", "e", "e", "", ""]);
    assert!(has_finding(&out, "grown"));
    let equal = wkt.replace(";2;", ";1;");
    let (status, text) =
        refused(&[files[0], ("regions.csv", &equal)], &format!("{boundaries}[delineate]\nmethod = \"boundary\""));
    assert!(status == 3 && text.contains("2 facilities lie in two boundaries"), "{text}");
}

#[test]
fn boundaries_that_are_none() {
    let settings = "[boundaries]\npath = \"regions.csv\"\ncolumns = { id = \"id\", geometry = \"shape\" }\n[delineate]\nmethod = \"boundary\"";
    let twice = "id,shape\na,\"POLYGON ((0 0, 2 0, 2 1, 0 0))\"\na,\"POLYGON ((5 0, 6 0, 6 1, 5 0))\"\n";
    assert!(
        refused(&[("sites.csv", SITES), ("regions.csv", twice)], settings).1.contains("two boundaries have one id")
    );
    let line = "id,shape\na,\"LINESTRING (0 0, 2 0)\"\n";
    assert!(refused(&[("sites.csv", SITES), ("regions.csv", line)], settings).1.contains("must be a polygon"));
    let none = "[delineate]\nmethod = \"boundary\"";
    assert_eq!(refused(&[("sites.csv", SITES)], none).0, 2);
    // Rings that cross are kept: inside is by the even-odd rule.
    let root = tempfile::tempdir().unwrap();
    let bow = "id,shape\na,\"POLYGON ((0 0, 2 1, 2 0, 0 1, 0 0))\"\n";
    run(&[("sites.csv", SITES), ("regions.csv", bow)], settings, None, &root.path().join("run")).unwrap();
    assert!(has_finding(&root.path().join("run"), "invalid_polygon"));
    let found = table(&root.path().join("run"), "facilities");
    assert_eq!(found.iter().map(|row| row["cluster_id"].as_str()).collect::<Vec<_>>(), ["a", "a", "a", "", "", ""]);
}

/// Around (0, 50): `count` sites 1 km apart, from `first`.
fn row_of_sites(first: usize, count: usize, lon: f64) -> String {
    (first..first + count).map(|at| format!("{at},site {at},{},50,{}\n", lon + at as f64 / 72.0, 100 - at)).collect()
}

#[test]
fn names_after_towns_and_regions() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let sites = format!("id,name,lon,lat,t\n{}{}", row_of_sites(1, 4, 0.0), row_of_sites(11, 4, 0.8));
    let towns = "name,lon,lat,population\nHamlet,0.03,50.01,500\nCity,0.1,50.02,90000\nFaraway,0.5,52,1000000\n";
    let region = "{\"type\":\"FeatureCollection\",\"features\":[{\"type\":\"Feature\",\"properties\":{\"id\":\"r\",\"name\":\"Shire\"},\"geometry\":{\"type\":\"Polygon\",\"coordinates\":[[[-1,49],[3,49],[3,51],[-1,51],[-1,49]]]}}]}";
    let files = [("sites.csv", sites.as_str()), ("towns.csv", towns), ("regions.geojson", region)];
    let settings = "[places]\npath = \"towns.csv\"\ncolumns = { name = \"name\", x = \"lon\", y = \"lat\", population = \"population\" }\n[boundaries]\npath = \"regions.geojson\"\n[delineate]\nmethod = \"dbscan\"\nradius_km = 2\nmin_facilities = 3\n";
    let names = |name_by: &str| {
        run(&files, &format!("{settings}name_by = \"{name_by}\""), None, &out).unwrap();
        table(&out, "clusters").iter().map(|row| row["cluster_name"].clone()).collect::<Vec<_>>()
    };
    // The second group has no town within 10 km: the nearest, which the greater group has taken, with its own site.
    assert_eq!(names("place"), ["City", "City (site 11)"]);
    assert_eq!(names("region"), ["Shire", "Shire (site 11)"]);
    assert_eq!(names("site"), ["site 1", "site 11"]);
}

/// A year on, the great group has lost its largest site, the small one has split, and one was born.
#[test]
fn ids_and_names_carry_over() {
    let root = tempfile::tempdir().unwrap();
    let (first, second) = (root.path().join("first"), root.path().join("second"));
    let settings = "[delineate]\nmethod = \"dbscan\"\nradius_km = 2\nmin_facilities = 2\n";
    let before = format!("id,name,lon,lat,t\n{}{}", row_of_sites(1, 5, 0.0), row_of_sites(11, 6, 5.0));
    run(&[("sites.csv", &before)], settings, None, &first).unwrap();
    let gone = |text: &str, id: &str| -> String {
        text.lines().filter(|line| !line.starts_with(&format!("{id},"))).map(|line| format!("{line}\n")).collect()
    };
    let after = gone(&gone(&gone(&before, "1"), "13"), "14") + &row_of_sites(40, 2, 20.0);
    run(&[("sites.csv", &after)], settings, Some(&first), &second).unwrap();
    let ids = |out: &Path| {
        let row = |row: &Row| (row["cluster_id"].clone(), row["cluster_name"].clone(), row["facility_count"].clone());
        table(out, "clusters").iter().map(row).collect::<Vec<_>>()
    };
    let own = |id: &str, name: &str, count: &str| (id.to_owned(), name.to_owned(), count.to_owned());
    assert_eq!(ids(&first), [own("c-1", "site 1", "5"), own("c-11", "site 11", "6")]);
    let found = ids(&second);
    assert_eq!(
        found,
        [
            own("c-1", "site 1", "4"),
            own("c-11", "site 11", "2"),
            own("c-15", "site 15", "2"),
            own("c-40", "site 40", "2")
        ]
    );
    let lineage: Vec<(String, String, String)> = table(&second, "lineage")
        .iter()
        .map(|row| (row["event"].clone(), row["previous_id"].clone(), row["cluster_id"].clone()))
        .collect();
    let event = |event: &str, from: &str, to: &str| (event.to_owned(), from.to_owned(), to.to_owned());
    assert_eq!(
        lineage,
        [
            event("continued", "c-1", "c-1"),
            event("split", "c-11", "c-11"),
            event("split", "c-11", "c-15"),
            event("born", "", "c-40")
        ]
    );
    let third = root.path().join("third");
    run(&[("sites.csv", &gone(&gone(&after, "40"), "41"))], settings, Some(&second), &third).unwrap();
    assert!(table(&third, "lineage").iter().any(|row| row["event"] == "died" && row["previous_id"] == "c-40"));
    assert!(run(&[("sites.csv", &after)], settings, Some(&root.path().join("none")), &third).is_err());
}

#[test]
fn several_radii() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let sites = format!("id,name,lon,lat,t\n{}{}", row_of_sites(1, 4, 0.0), row_of_sites(11, 4, 0.0));
    let settings = "[delineate]\nmethod = \"dbscan\"\nradius_km = [0.5, 2, 9]\nmin_facilities = 2\n";
    run(&[("sites.csv", &sites)], settings, None, &out).unwrap();
    let rows: Vec<(String, String, String)> = table(&out, "stability")
        .iter()
        .map(|row| (row["radius_km"].clone(), row["event"].clone(), row["cluster_id"].clone()))
        .collect();
    let row = |radius: &str, event: &str, id: &str| (radius.to_owned(), event.to_owned(), id.to_owned());
    let wanted = [
        row("0.5", "died", "c-1"),
        row("0.5", "died", "c-11"),
        row("9.0", "merged", "c-1"),
        row("9.0", "merged", "c-11"),
    ];
    assert_eq!(rows, wanted);
    assert!(has_finding(&out, "several_radii"));
}

#[test]
fn few_sites_or_all_in_one_place() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let one = "id,name,lon,lat,t\n1,only,0,50,5\n";
    let same: String =
        "id,name,lon,lat,t\n".to_owned() + &(1..=9).map(|at| format!("{at},s{at},0,50,5\n")).collect::<String>();
    for method in ["dbscan\"\nradius_km = 1", "hdbscan\""] {
        let settings = format!("[delineate]\nmethod = \"{method}\nmin_facilities = 3\n");
        run(&[("sites.csv", one)], &settings, None, &out).unwrap();
        assert!(table(&out, "clusters").is_empty());
        run(&[("sites.csv", &same)], &settings, None, &out).unwrap();
        let figures = table(&out, "figures");
        // One density alone is the root of HDBSCAN, and no cluster.
        assert_eq!(figures.len(), usize::from(method.starts_with("dbscan")), "{method}");
        for row in figures {
            let wanted = [("mst_km", "0.0"), ("area_km2", "0.0"), ("clark_evans", ""), ("emissions_per_km2", "45.0")];
            wanted.iter().for_each(|(column, value)| assert_eq!(row[*column], *value, "{column}"));
        }
    }
    for radius in ["0", "-5", "[10, 0]", "20000", "[]"] {
        let settings = format!("[delineate]\nmethod = \"dbscan\"\nmin_facilities = 3\nradius_km = {radius}\n");
        let (status, text) = refused(&[("sites.csv", one)], &settings);
        assert!(status == 2 && text.contains("radius"), "{radius}: {text}");
    }
}

#[test]
fn layers_that_are_empty_or_elsewhere() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let sites = format!("id,name,lon,lat,t\n{}", row_of_sites(1, 4, 0.0));
    let settings = "[layers.stores]\npath = \"stores.csv\"\ncolumns = { id = \"id\", x = \"lon\", y = \"lat\", mt = \"mt\" }\nWHERE\nwithin_km = [100]\nsum = [\"mt\"]\n[delineate]\nmethod = \"dbscan\"\nradius_km = 2\nmin_facilities = 2\n";
    let stores = "id,lon,lat,mt\na,0.1,50.1,40\nb,0.2,50.2,150\nc,1.2,50.2,\nd,9,50,7\n";
    let files = [("sites.csv", sites.as_str()), ("stores.csv", stores)];
    let figures = |filter: &str| {
        run(&files, &settings.replace("WHERE", filter), None, &out).unwrap();
        table(&out, "figures")[0].clone()
    };
    // 99 + 98 + 97 + 96 t; each store counts once however many sites reach it.
    let per_tonne = figures("")["reachable_mt"].parse::<f64>().unwrap();
    assert!((per_tonne - 190.0 / 390.0).abs() < 1e-12, "{per_tonne}");
    let reach: Vec<(String, String, String)> = table(&out, "reach")
        .iter()
        .map(|row| (row["feature"].clone(), row["mt"].clone(), row["within_reach"].clone()))
        .collect();
    let reached = |id: &str, mt: &str| (id.to_owned(), mt.to_owned(), "true".to_owned());
    assert_eq!(reach, [reached("a", "40.0"), reached("b", "150.0"), reached("c", "")]);
    assert_eq!(table(&out, "facilities")[0]["stores_mt_within_100km"], "190.0");
    // Only stores above 100 Mt.
    assert_eq!(figures("where = \"mt > 100\"")["reachable_mt"].parse::<f64>().unwrap(), 150.0 / 390.0);
    assert_eq!(table(&out, "reach").len(), 1);
    let none = figures("where = \"mt > 1000\"");
    assert_eq!(none["reachable_mt"], "0.0");
    assert!(has_finding(&out, "empty_layer") && table(&out, "facilities")[0]["km_to_stores"].is_empty());
    let south = stores.replace(",50", ",-50");
    run(&[files[0], ("stores.csv", &south)], &settings.replace("WHERE", ""), None, &out).unwrap();
    assert!(has_finding(&out, "far_layer"));
    let far = table(&out, "reach");
    assert_eq!((far.len(), far[0]["within_reach"].as_str()), (1, "false"));
}
