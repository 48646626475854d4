//! From scores to decisions, through whole runs: levers that do what they say, scenarios and `diff`, trajectories,
//! initiatives, dispersed sites, and `explain`, whose rows add up to its numbers.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

mod few;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

type Row = HashMap<String, String>;

fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: {}", row[column]))
}

fn forerunner(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_forerunner")).env("NO_COLOR", "1").args(arguments).output().unwrap()
}

fn stdout(arguments: &[&str]) -> String {
    let output = forerunner(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Exit status and messages.
fn refused(arguments: &[&str]) -> (i32, String) {
    let output = forerunner(arguments);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn run(pipeline: &Path, out: &Path) {
    let few = few::few(pipeline);
    let set = few.iter().flat_map(|one| ["--set", one.as_str()]);
    let all: Vec<&str> =
        ["run", pipeline.to_str().unwrap(), "-q", "--out", out.to_str().unwrap()].into_iter().chain(set).collect();
    stdout(&all);
}

fn absolute(path: &str) -> String {
    fs::canonicalize(path).unwrap().to_str().unwrap().to_owned()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    /// Runs a pipeline file of this text and returns its outputs.
    fn run(&self, name: &str, text: &str) -> PathBuf {
        let pipeline = self.write(&format!("{name}.toml"), text);
        run(&pipeline, &self.path(name));
        self.path(name)
    }
}

/// Every lever of the three profiles, put into the file of figures: the dimension flips there and not a hair before.
#[test]
fn levers_do_what_they_say() {
    let folder = Folder::new();
    let coding = fs::read_to_string("data/profiles/coding.csv").unwrap();
    let pipeline = fs::read_to_string("pipelines/three-profiles.toml").unwrap();
    let pipeline = pipeline.replace("../data/profiles/coding.csv", "coding.csv");
    folder.write("coding.csv", &coding);
    let first = folder.run("first", &pipeline);
    let levers: Vec<Row> =
        rows(&first.join("levers.csv")).into_iter().filter(|row| !row["flip_value"].is_empty()).collect();
    assert!(levers.len() >= 7, "{}", levers.len());
    let names = rows(&first.join("clusters.csv"));
    // The one indicator that is called otherwise than its figure.
    let figure = |indicator: &str| indicator.strip_suffix("_level").unwrap_or(indicator).to_owned();
    let level = |lever: &Row, value: f64| {
        let name = &names.iter().find(|row| row["cluster_id"] == lever["cluster_id"]).unwrap()["cluster_name"];
        let start = format!("{name},{},{},", lever["period"], figure(&lever["indicator"]));
        let changed = coding.lines().map(|line| match line.strip_prefix(&start) {
            Some(rest) => format!("{start}{value},{}", rest.split_once(',').unwrap().1),
            None => line.to_owned(),
        });
        let changed: Vec<String> = changed.collect();
        assert_ne!(changed.join("\n"), coding.trim_end(), "{start}");
        folder.write("coding.csv", &changed.join("\n"));
        let out = folder.run("changed", &pipeline);
        let clusters = rows(&out.join("clusters.csv"));
        let same = |row: &&Row| ["cluster_id", "period"].iter().all(|key| row[*key] == lever[*key]);
        let cluster = clusters.iter().find(same).unwrap();
        (cluster[&format!("{}_level", lever["dimension"])].clone(), cluster["type"].clone())
    };
    for lever in &levers {
        let (flip, from) = (number(lever, "flip_value"), number(lever, "value"));
        let hair = 1e-9 * (flip - from).signum();
        let rises = lever["to_level"] == "high";
        let (before, at, after) = (level(lever, flip - hair), level(lever, flip), level(lever, flip + hair));
        // On the threshold a dimension is high: a high one is low just past it.
        assert_eq!(before.0, lever["from_level"], "{lever:?}");
        assert_eq!(at.0, "high", "{lever:?}");
        assert_eq!(after.0, lever["to_level"], "{lever:?}");
        assert_eq!(if rises { at.1 } else { after.1 }, lever["to_type"], "{lever:?}");
    }
}

#[test]
fn the_north_west_builds_networks() {
    let folder = Folder::new();
    run(Path::new("pipelines/three-profiles.toml"), &folder.path("run"));
    let moves = rows(&folder.path("run/moves.csv"));
    assert_eq!(moves.len(), 1);
    let of = ["cluster_name", "from_period", "to_period", "from_type", "to_type", "move"];
    let found: Vec<&str> = of.iter().map(|column| moves[0][*column].as_str()).collect();
    assert_eq!(found, ["North West", "2016", "2021", "3", "1", "network building"]);
    assert!((number(&moves[0], "inter_firm_linkages_change") - 40.0).abs() < 0.01);
    assert!((number(&moves[0], "direction_deg") - 90.0).abs() < 1e-9);
    // By hand: supply chains 1 to 2 bring 33.33 / 4 points, knowledge networks 1 to 3 bring 66.67 / 4, the body 0 to 3
    // brings 100 / 8, its two years 20 / 8.
    let parts: BTreeMap<String, f64> = rows(&folder.path("run/move_parts.csv"))
        .iter()
        .map(|row| (row["indicator"].clone(), number(row, "part")))
        .collect();
    for (indicator, part) in [
        ("supply_chain_links", 100.0 / 12.0),
        ("knowledge_networks", 200.0 / 12.0),
        ("coordinating_body", 12.5),
        ("body_age_years", 2.5),
        ("shared_infrastructure_level", 0.0),
        ("co2_storage", 0.0),
    ] {
        assert!((parts[indicator] - part).abs() < 1e-9, "{indicator}: {}", parts[indicator]);
    }
}

#[test]
fn initiatives_are_what_the_paper_calls_them() {
    let folder = Folder::new();
    run(Path::new("pipelines/initiatives.toml"), &folder.path("run"));
    let found = rows(&folder.path("run/initiatives.csv"));
    let wanted = rows(Path::new("data/profiles/initiatives.csv"));
    assert_eq!([found.len(), wanted.len()], [13; 2]);
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!((&found["initiative"], &found["types"]), (&wanted["initiative"], &wanted["expected"]));
    }
    let of = |name: &str| found.iter().find(|row| row["initiative"] == name).unwrap();
    assert_eq!(of("Indian hydrogen hubs")["missing"], "market, co_location, existing_area");
    assert!(of("UAE hydrogen oases")["excluded"].contains("hydrogen_hub by market"));
    let home = of("Port of Rotterdam");
    assert_eq!(
        (home["cluster_id"].as_str(), home["found_by"].as_str(), home["cluster_type"].as_str()),
        ("Port of Rotterdam", "id", "1")
    );
}

#[test]
fn initiatives_find_their_clusters() {
    let folder = Folder::new();
    let base = absolute("tests/cases/worked_example/pipeline.toml");
    let clusters = rows(&{
        run(Path::new(&base), &folder.path("plain"));
        folder.path("plain/clusters.csv")
    });
    let (id, name) = (&clusters[0]["cluster_id"], &clusters[2]["cluster_name"]);
    let (lon, lat) = (&clusters[4]["lon"], &clusters[4]["lat"]);
    let text = format!(
        "title,objective,cluster,facility,lon,lat\nby id,co2_capture,{id},,,\nby name,co2_capture,{name},,,\nby site,,,f021,,\n\
         by place,co2_capture,nowhere,,{lon},{lat}\nfar away,co2_capture,,,0,0\nno such,co2_capture,nowhere,,,\n"
    );
    folder.write("plans.csv", &text);
    let columns = "columns = { name = \"title\", x = \"lon\", y = \"lat\" }";
    let pipeline = format!("name = \"plans\"\nextends = \"{base}\"\n[initiatives]\npath = \"plans.csv\"\n{columns}\n");
    let out = folder.run("plans", &pipeline);
    let found = rows(&out.join("initiatives.csv"));
    let of = |at: usize| (found[at]["cluster_id"].clone(), found[at]["found_by"].clone());
    assert_eq!(of(0), (id.clone(), "id".into()));
    assert_eq!(of(1), (clusters[2]["cluster_id"].clone(), "name".into()));
    assert_eq!(of(2), ("c-f021".into(), "facility".into()));
    assert_eq!(of(3), (clusters[4]["cluster_id"].clone(), "location".into()));
    assert_eq!([of(4), of(5)], [(String::new(), String::new()), (String::new(), String::new())]);
    let findings = fs::read_to_string(out.join("findings.csv")).unwrap();
    assert!(findings.contains("unknown_cluster"), "{findings}");
    // All that is known of the third is its site: every type is left open.
    assert_eq!(found[2]["types"].split('|').count(), 5);
}

fn diff(a: &Path, b: &Path) -> String {
    stdout(&["diff", a.to_str().unwrap(), b.to_str().unwrap()])
}

fn cluster<'a>(rows: &'a [Row], id: &str) -> &'a Row {
    rows.iter().find(|row| row["cluster_id"] == id).unwrap()
}

/// One store near Buxton, whose nearest was 58 km away: `diff` names the layer, the indicator, the change.
#[test]
fn a_new_store_shows_as_layer_indicator_and_score() {
    let folder = Folder::new();
    let (base, data) = (absolute("pipelines/great-britain.toml"), absolute("data"));
    run(Path::new(&base), &folder.path("before"));
    let point = r#"{"type":"Point","coordinates":[-1.6,53.25]}"#;
    let feature = format!(r#"{{"type":"Feature","properties":{{"name":"New store"}},"geometry":{point}}}"#);
    folder.write("store.geojson", &format!(r#"{{"type":"FeatureCollection","features":[{feature}]}}"#));
    let paths = format!("\"{data}/co2stop/formations.geojson\", \"{data}/storage-sites/co2_storage_projects.csv\"");
    let pipeline =
        format!("name = \"store\"\nextends = \"{base}\"\n[layers.co2_storage]\npath = [{paths}, \"store.geojson\"]\n");
    let after = folder.run("after", &pipeline);
    let text = diff(&folder.path("before"), &after);
    let id = "c-14245";
    let score = |run: &str| number(cluster(&rows(&folder.path(run).join("clusters.csv")), id), "locational_advantage");
    let change = score("after") - score("before");
    assert!(change > 1.0, "{change}");
    let block: Vec<&str> = text.lines().skip_while(|line| !line.contains(id)).take(3).collect();
    assert!(block[1].contains(&format!("({change:+.2})")), "{block:?}");
    let place = |word: &str| block[2].find(word).unwrap_or_else(|| panic!("{word}: {block:?}"));
    assert!(place("layers.co2_storage") < place("storage_distance"));
    assert!(block[2].ends_with(&format!("{change:+.2}")), "{block:?}");
    assert!(
        text.contains("layers.co2_storage: store.geojson added") && text.contains("Settings\n  the same"),
        "{text}"
    );
    // The parts add up in every cluster, and the same run twice differs in nothing.
    let json: Value = serde_json::from_str(&stdout(&[
        "diff",
        folder.path("before").to_str().unwrap(),
        after.to_str().unwrap(),
        "--json",
    ]))
    .unwrap();
    let mut compared = 0;
    for dimension in json["clusters"].as_array().unwrap().iter().flat_map(|one| one["dimensions"].as_array().unwrap()) {
        let parts: f64 = dimension["parts"].as_array().unwrap().iter().map(|part| part["part"].as_f64().unwrap()).sum();
        let change = dimension["change"].as_f64().unwrap_or(0.0);
        // `by_settings` comes from scores of its own, not from what is left over.
        assert_eq!(dimension["by_settings"], 0.0, "the settings are the same");
        assert!((parts - change).abs() < 1e-9);
        compared += 1;
    }
    assert!(compared >= 4);
    assert!(diff(&after, &after).contains("0 changed, 15 unchanged, 0 gone, 0 new"));
}

/// Buxton without its largest works: the cluster has another id, and is the same cluster all the same.
#[test]
fn a_closed_anchor_shows_what_it_carried() {
    let folder = Folder::new();
    let base = absolute("pipelines/great-britain.toml");
    run(Path::new(&base), &folder.path("before"));
    let close = |id: &str| format!("name = \"close\"\nextends = \"{base}\"\n[scenario]\nclose = [\"{id}\"]\n");
    let after = folder.run("after", &close("14245"));
    let register = &serde_json::from_str::<Value>(&fs::read_to_string(after.join("manifest.json")).unwrap()).unwrap()["sources"]
        [0];
    assert_eq!(register["filtered"].as_array().unwrap().last().unwrap()["rows"], 1, "counted apart");
    let text = diff(&folder.path("before"), &after);
    assert!(text.contains("facilities: [scenario] close = 14245 added"), "{text}");
    let block: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("Buxton (c-14245, then c-")).collect();
    let of = |indicator: &str| {
        let line = block.iter().find(|line| line.contains(indicator)).unwrap_or_else(|| panic!("{indicator}: {text}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(of("emissions_scale") < 0.0 && of("anchor_site") < 0.0 && of("large_sites") < 0.0, "{text}");
    assert!(of("pipeline_distance") > 0.0, "the works were far from pipelines: {text}");
    let wrong = folder.write("wrong.toml", &close("no-such"));
    let (status, message) =
        refused(&["run", wrong.to_str().unwrap(), "-q", "--out", folder.path("x").to_str().unwrap()]);
    assert_eq!(status, 2);
    assert!(message.contains("wrong.toml:4:1") && message.contains("no-such"), "{message}");
}

/// Settings alone, and both at once: who is to blame.
#[test]
fn diff_tells_settings_from_data() {
    let folder = Folder::new();
    let base = absolute("tests/cases/worked_example/pipeline.toml");
    run(Path::new(&base), &folder.path("before"));
    let strict = format!(
        "name = \"strict\"\nextends = \"{base}\"\n[[dimensions]]\nid = \"inter_firm_linkages\"\nthreshold = 80\n"
    );
    let after = folder.run("strict", &strict);
    let text = diff(&folder.path("before"), &after);
    assert!(text.contains("dimensions.inter_firm_linkages.threshold: 50.0, then 80.0"), "{text}");
    assert!(text.contains("Inputs\n  the same"), "{text}");
    assert!(text.contains("(c-f002), 2021: type 1 to 3, by settings"), "{text}");
    assert!(text.contains("inter firm linkages 78.56 to 78.56, high to low"), "{text}");
    let weights =
        format!("{strict}[[indicators]]\nid = \"storage_distance\"\nweight = 6\n[scenario]\nclose = [\"f014\"]\n");
    let both = folder.run("both", &weights);
    let text = diff(&folder.path("before"), &both);
    assert!(text.contains("other goalposts, weights or aggregation"), "{text}");
    assert!(text.contains("type 1 to 3, by settings"), "closing one site changes no type: {text}");
}

/// A period that one run alone has is new or gone, never passed over.
#[test]
fn diff_tells_of_other_periods() {
    let folder = Folder::new();
    let base = absolute("tests/cases/worked_example/pipeline.toml");
    run(Path::new(&base), &folder.path("both"));
    let only = |name: &str, year: i64| {
        folder.run(name, &format!("name = \"{name}\"\nextends = \"{base}\"\n[facilities]\nwhere = \"year = {year}\"\n"))
    };
    let (earlier, later) = (only("earlier", 2016), only("later", 2021));
    let text = diff(&later, &folder.path("both"));
    assert!(text.contains("5 new") && text.contains("new: Site 2 (c-f002), 2016"), "{text}");
    let (status, message) = refused(&["diff", earlier.to_str().unwrap(), later.to_str().unwrap()]);
    assert!(status == 2 && message.contains("in common"), "{message}");
}

#[test]
fn runs_that_cannot_be_compared() {
    let folder = Folder::new();
    let (example, profiles) =
        (absolute("tests/cases/worked_example/pipeline.toml"), absolute("pipelines/three-profiles.toml"));
    run(Path::new(&example), &folder.path("example"));
    run(Path::new(&profiles), &folder.path("profiles"));
    let types = |names: &str| {
        let kind = |number: i64, level: &str| {
            format!(
                "[[typology.types]]\nnumber = {number}\nname = \"{level}\"\nwhen = {{ locational_advantage = \"{level}\" }}\n"
            )
        };
        format!(
            "name = \"{names}\"\nextends = \"{example}\"\n[typology]\nid = \"mine\"\n{}{}",
            kind(1, "high"),
            kind(2, "low")
        )
    };
    let other = folder.run("other", &types("other"));
    folder.write("empty.txt", "");
    let path = |name: &str| folder.path(name).to_str().unwrap().to_owned();
    let (status, message) = refused(&["diff", &path("example"), other.to_str().unwrap()]);
    assert_eq!(status, 2);
    assert!(message.contains("different typologies: rattle-taylor-2025 and mine"), "{message}");
    let (status, message) = refused(&["diff", &path("example"), &path("profiles")]);
    assert!(status == 2 && message.contains("no cluster in common"), "{message}");
    let (status, message) = refused(&["diff", &path("example"), folder.0.path().to_str().unwrap()]);
    assert!(status == 2 && message.contains("is no run"), "{message}");
    let (status, message) = refused(&["explain", &path("no-such"), "x"]);
    assert!(status == 1 && message.contains("no-such"), "{message}");
    let (status, message) = refused(&["explain", &path("example"), "site"]);
    assert!(status == 2 && message.contains("`site` fits 5 clusters") && message.contains("c-f046"), "{message}");
    // The user's own typology types by place alone.
    let kinds: Vec<String> =
        rows(&other.join("clusters.csv")).into_iter().map(|row| row["type_name"].clone()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "high").count(), 6, "{kinds:?}");
}

#[test]
fn crooked_typologies_and_initiatives_are_refused() {
    let folder = Folder::new();
    let example = absolute("tests/cases/worked_example/pipeline.toml");
    let run = |text: &str| {
        let pipeline = folder.write("wrong.toml", &format!("name = \"wrong\"\nextends = \"{example}\"\n{text}"));
        refused(&["run", pipeline.to_str().unwrap(), "-q", "--out", folder.path("out").to_str().unwrap()])
    };
    let kind =
        |number: i64, when: &str| format!("[[typology.types]]\nnumber = {number}\nname = \"t\"\nwhen = {{ {when} }}\n");
    let head = "[typology]\nid = \"mine\"\n";
    let high = kind(1, "locational_advantage = \"high\"");
    let (status, message) = run(&format!("{head}{high}"));
    assert!(
        status == 2 && message.contains("no type for locational_advantage = low, inter_firm_linkages = low"),
        "{message}"
    );
    let overlap = format!("{head}{high}{}", kind(2, "inter_firm_linkages = [\"high\", \"low\"]"));
    let (status, message) = run(&overlap);
    let claimed = "types 1 and 2 all claim locational_advantage = high, inter_firm_linkages = high";
    assert!(status == 2 && message.contains(claimed), "{message}");
    folder.write("plans.csv", "name,objective\na,co2_capture\nb,co2_burial\n");
    let (status, message) = run("[initiatives]\npath = \"plans.csv\"\n");
    assert_eq!(status, 3);
    assert!(
        message.contains("plans.csv") && message.contains("co2_burial") && message.contains("co2_capture"),
        "{message}"
    );
    let (status, message) = run("[dispersed]\nstrategic = \"emisions_t > 1\"\nby = [\"regoin\"]\n");
    assert!(status == 2 && message.contains("emissions_t") && message.contains("regoin"), "{message}");
    let (status, message) = run("[[dimensions]]\nid = \"locational_advantage\"\nthreshold = [60, 40]\n");
    assert!(status == 2 && message.contains("must be above the first"), "{message}");
}

/// Two thresholds, and membership that rises over ten points.
#[test]
fn three_levels_and_fuzzy_membership() {
    let folder = Folder::new();
    let example = absolute("tests/cases/worked_example/pipeline.toml");
    let text = format!(
        "name = \"three\"\nextends = \"{example}\"
[[dimensions]]
id = \"locational_advantage\"
threshold = [20, 75]
fuzzy_width = 10
[typology]
id = \"three\"
[[typology.types]]
number = 1
name = \"strong\"
when = {{ locational_advantage = \"high\" }}
[[typology.types]]
number = 2
name = \"fair\"
when = {{ locational_advantage = \"middle\" }}
[[typology.types]]
number = 3
name = \"weak\"
when = {{ locational_advantage = \"low\" }}
"
    );
    let out = folder.run("three", &text);
    let clusters = rows(&out.join("clusters.csv"));
    let levels: Vec<(&str, &str)> =
        clusters.iter().map(|row| (row["locational_advantage_level"].as_str(), row["type"].as_str())).collect();
    assert_eq!(levels[..4], [("high", "1"), ("high", "1"), ("middle", "2"), ("middle", "2")]);
    // c-f021 in 2016 scores 72.30: below 75 by 2.70 of 10 points, so a quarter high and most of it middle.
    let memberships = rows(&out.join("type_memberships.csv"));
    let of = |kind: &str| {
        let same = |row: &&Row| row["cluster_id"] == "c-f021" && row["period"] == "2016" && row["type"] == kind;
        number(memberships.iter().find(same).unwrap(), "membership")
    };
    assert!((of("1") - (0.5 - 0.269_556)).abs() < 1e-4 && (of("2") - (0.5 + 0.269_556)).abs() < 1e-4);
    assert_eq!(of("3"), 0.0);
    // From the middle the nearer threshold counts: up to 75.
    let levers = rows(&out.join("levers.csv"));
    let lever =
        levers.iter().find(|row| row["cluster_id"] == "c-f021" && row["indicator"] == "storage_distance").unwrap();
    assert_eq!((lever["from_level"].as_str(), lever["to_level"].as_str()), ("middle", "high"));
    let listed = stdout(&["list", out.to_str().unwrap(), "--type", "3", "--csv"]);
    assert_eq!(listed.lines().count(), 1 + clusters.iter().filter(|row| row["type"] == "3").count());
}

/// Rows, tonnes and shares of what is in no cluster, against the register and the manifest.
#[test]
fn dispersed_sites_add_up() {
    let folder = Folder::new();
    let out = folder.path("run");
    run(Path::new("pipelines/great-britain.toml"), &out);
    let sites = rows(&out.join("dispersed.csv"));
    let manifest: Value = serde_json::from_str(&fs::read_to_string(out.join("manifest.json")).unwrap()).unwrap();
    let split = &manifest["periods"][0]["dispersed"];
    assert_eq!(sites.len() as u64, split["rows"].as_u64().unwrap());
    let tonnes: f64 = sites.iter().map(|row| number(row, "emissions_t")).sum();
    assert!((tonnes - split["tonnes"].as_f64().unwrap()).abs() < 1.0);
    assert!((sites.iter().map(|row| number(row, "share")).sum::<f64>() - 1.0).abs() < 1e-9);
    assert!(sites.windows(2).all(|pair| number(&pair[0], "emissions_t") >= number(&pair[1], "emissions_t")));
    let strategic: Vec<&str> =
        sites.iter().filter(|row| row["strategic"] == "true").map(|row| row["name"].as_str()).collect();
    assert_eq!(strategic.len(), sites.iter().filter(|row| number(row, "emissions_t") >= 500_000.0).count());
    assert_eq!(strategic[0], "Pembroke Refinery");
    let sums = rows(&out.join("dispersed_sums.csv"));
    let sectors: f64 = sums.iter().filter(|row| row["by"] == "sector").map(|row| number(row, "emissions_t")).sum();
    assert!((sectors - tonnes).abs() < 1e-3 && (number(&sums[0], "emissions_t") - tonnes).abs() < 1e-3);
    // With three sites enough, Pembroke's refinery and its two neighbours are a cluster: run it and see.
    let groups = rows(&out.join("dispersed_groups.csv"));
    let alone = |row: &&Row| row["wider"].contains("min_facilities = 3") && row["joins_cluster_id"].is_empty();
    let mut wanted: Vec<String> = groups.iter().filter(alone).map(|row| row["group_id"].clone()).collect();
    let base = absolute("pipelines/great-britain.toml");
    let wider =
        folder.run("wider", &format!("name = \"wider\"\nextends = \"{base}\"\n[delineate]\nmin_facilities = 3\n"));
    let before: Vec<String> = rows(&out.join("clusters.csv")).iter().map(|row| row["cluster_id"].clone()).collect();
    let mut found: Vec<String> =
        rows(&wider.join("clusters.csv")).iter().map(|row| row["cluster_id"].clone()).collect();
    found.retain(|id| !before.contains(id));
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
    assert!(wanted.contains(&"c-14182".to_owned()));
}

/// Teesside fits a screen, and the rows that it lists add up to the numbers that it prints.
#[test]
fn explain_can_be_added_up() {
    let folder = Folder::new();
    let out = folder.path("run");
    run(Path::new("pipelines/great-britain.toml"), &out);
    let text = stdout(&["explain", out.to_str().unwrap(), "c-7702"]);
    assert!(text.lines().count() <= 63, "{} lines\n{text}", text.lines().count());
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let printed = |indicator: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(indicator)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap()
    };
    let table: Vec<&str> =
        text.lines().skip_while(|line| !line.starts_with("facilities, t")).skip(2).take(10).collect();
    // From the right: salt caverns, renewables, ports, pipelines, storage, tonnes.
    let from_right = |at: usize| -> Vec<f64> {
        table.iter().map(|line| line.split_whitespace().rev().nth(at).unwrap().parse().unwrap()).collect()
    };
    let tonnes = from_right(5);
    let total: f64 = tonnes.iter().sum();
    let mean = |km: Vec<f64>| tonnes.iter().zip(km).map(|(t, km)| t * km).sum::<f64>() / total;
    let close = |found: f64, printed: f64, allowed: f64| {
        assert!((found - printed).abs() <= allowed, "{found} is not {printed}")
    };
    close(total / 1e6, printed("emissions_scale"), 5e-4);
    close(tonnes.iter().copied().fold(0.0, f64::max) / 1e3, printed("anchor_site"), 0.05);
    close(tonnes.iter().filter(|t| **t >= 50_000.0).count() as f64, printed("large_sites"), 0.0);
    for (at, indicator) in
        [(4, "storage_distance"), (3, "pipeline_distance"), (2, "port_distance"), (0, "cavern_distance")]
    {
        close(mean(from_right(at)), printed(indicator), 0.06);
    }
    // The same from JSON, to the last digit.
    let story: Value =
        serde_json::from_str(&stdout(&["explain", out.to_str().unwrap(), "middlesbrough", "--json"])).unwrap();
    let sites = story["facilities"]["shown"].as_array().unwrap();
    let sum: f64 = sites.iter().map(|site| site["emissions_t"].as_f64().unwrap()).sum();
    let physical = &story["dimensions"][0]["components"][0]["indicators"][0];
    assert!((sum / 1e6 - physical["value"].as_f64().unwrap()).abs() < 1e-12);
    assert_eq!(story["facilities"]["more"], 0);
    let markdown = stdout(&["explain", out.to_str().unwrap(), "c-7702", "--markdown"]);
    assert!(markdown.starts_with("# Middlesbrough, 2022") && markdown.contains("## Levers"), "{markdown}");
}

#[test]
fn lists_are_filtered_and_ordered() {
    let folder = Folder::new();
    let out = folder.path("run");
    run(Path::new("tests/cases/worked_example/pipeline.toml"), &out);
    let path = out.to_str().unwrap();
    let ids = |arguments: &[&str]| -> Vec<String> {
        let all: Vec<&str> = ["list", path, "--csv"].into_iter().chain(arguments.iter().copied()).collect();
        let text = stdout(&all);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        reader.deserialize::<Row>().map(|row| row.unwrap()).map(|row| row["cluster_id"].clone()).collect()
    };
    assert_eq!(ids(&["--period", "2021", "--sort", "cluster_id"]), ["c-f002", "c-f021", "c-f027", "c-f037", "c-f046"]);
    let by_linkages = ids(&["--period", "2021", "--sort", "-inter_firm_linkages"]);
    assert_eq!((by_linkages[0].as_str(), by_linkages[4].as_str()), ("c-f027", "c-f046"));
    assert_eq!(ids(&["--type", "1"]), ["c-f002"]);
    assert_eq!(ids(&["--possible", "1", "--period", "2016"]), ["c-f037"]);
    assert_eq!(ids(&["--near-threshold", "3", "--period", "2021"]), ["c-f021"]);
    let (status, message) = refused(&["list", path, "--sort", "emisions_t"]);
    assert!(status == 2 && message.contains("emissions_t"), "{message}");
}
