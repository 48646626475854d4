//! Firm networks through a whole run: figures against networkx, ties between clusters, evidence, and what does not count.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use forerunner::pipeline::{self, Pipeline};

type Row = HashMap<String, String>;

const REST: &str = "[delineate]\nmethod = \"label\"\n[[dimensions]]\nid = \"d\"\n[[components]]\nid = \"c\"\nparent = \"d\"\n[[indicators]]\nid = \"i\"\nparent = \"c\"\nover = \"clusters\"\nexpr = \"linked_share_formal\"\nworst = 0\nbest = 1\n";

/// Runs a pipeline over files written to a new folder; the outputs are in the folder given back.
fn run(files: &[(&str, &str)], ties: &str) -> Result<(tempfile::TempDir, PathBuf), forerunner::Error> {
    let root = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(root.path().join(name), text).unwrap());
    let text = format!(
        "name = \"test\"\n[facilities]\npath = \"sites.csv\"\ncolumns = {{ id = \"id\", operator = \"firm\", sector = \"sector\", label = \"group\", emissions_t = \"t\" }}\n{ties}\n{REST}"
    );
    fs::write(root.path().join("pipeline.toml"), text).unwrap();
    let out = root.path().join("run");
    pipeline::run(&Pipeline::load(&root.path().join("pipeline.toml"), &[])?, &out, None, &|_| {})?;
    Ok((root, out))
}

fn table(out: &Path, name: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(out.join(format!("{name}.csv"))).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap_or_else(|_| panic!("{column}: `{}`", row[column]))
}

fn oracle(name: &str) -> serde_json::Value {
    let text = fs::read_to_string("tests/oracles/network/figures.json").unwrap();
    serde_json::from_str::<serde_json::Value>(&text).unwrap()[name].clone()
}

const FACILITY_LINKS: &str = "[links.ties]\npath = \"links.csv\"\nkind = \"formal\"\nbetween = \"facility\"\ncolumns = { from = \"from\", to = \"to\" }\n";

/// tests/oracles/network: the two groups of the karate club, and four of the random network, are the clusters.
#[test]
fn whole_networks_agree_with_networkx() {
    let groups: HashMap<String, String> = csv::Reader::from_path("tests/oracles/network/karate_groups.csv")
        .unwrap()
        .deserialize()
        .map(|row| row.unwrap())
        .collect();
    for (name, count) in [("karate", 34), ("random_directed", 60)] {
        let mut sites = "id,firm,sector,group,t\n".to_owned();
        for node in 0..count {
            let group = groups.get(&node.to_string()).filter(|_| name == "karate");
            let group = group.cloned().unwrap_or_else(|| (node % 4).to_string());
            sites += &format!("{node},firm {node},s,{group},1\n");
        }
        let links = fs::read_to_string(format!("tests/oracles/network/{name}_edges.csv")).unwrap();
        let (_root, out) = run(&[("sites.csv", &sites), ("links.csv", &links)], FACILITY_LINKS).unwrap();
        let found = &table(&out, "networks")[0];
        for figure in ["modularity", "ei_index"] {
            let wanted = oracle(name)[figure].as_f64().unwrap();
            assert!((number(found, figure) - wanted).abs() <= 1e-9, "{name} {figure}: {} of {wanted}", found[figure]);
        }
    }
}

const SITES: &str = "id,firm,sector,group,t\na1,A,steel,north,10\na2,A,steel,north,20\nb,B,lime,north,30\nc,C,lime,south,40\nd,D,glass,south,50\ne,E,glass,,60\n";
const MEMBERS: &str = "firm,body\nA,Forum\nB,Forum\nC,Forum\nE,Forum\nA,Plan\nC,Plan\n";
const BODIES: &str = "[memberships.bodies]\npath = \"members.csv\"\nkind = \"formal\"\nbetween = \"operator\"\ncolumns = { member = \"firm\", organisation = \"body\" }\nobserved = \"operator = 'D'\"\n";

/// By hand. Forum has 4 members: each pair weighs 1/3; Plan has 2: 1. North: a1-b and a2-b, 2/3. To the south: a1, a2 and
/// b by Forum, 1/3 each, a1 and a2 by Plan, 1 each: 3. To e: 3/3. South: nobody is tied within.
#[test]
fn strength_and_ties_between_clusters() {
    let (_root, out) = run(&[("sites.csv", SITES), ("members.csv", MEMBERS)], BODIES).unwrap();
    let figures = table(&out, "figures");
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-12, "{found} instead of {wanted}");
    near(number(&figures[0], "strength_formal"), 2.0 * (2.0 / 3.0) / 3.0);
    near(number(&figures[0], "ei_index_formal"), (4.0 - 2.0 / 3.0) / (4.0 + 2.0 / 3.0));
    near(number(&figures[1], "strength_formal"), 0.0);
    near(number(&figures[1], "ei_index_formal"), 1.0);
    assert_eq!(
        (figures[0]["organisation_count_formal"].as_str(), figures[1]["organisation_count_formal"].as_str()),
        ("2", "2")
    );
    // Forum reaches all three of the north; in the south Forum and Plan reach C alike: the name that comes first.
    assert_eq!(
        (figures[0]["anchor_organisation_formal"].as_str(), figures[1]["anchor_organisation_formal"].as_str()),
        ("Forum", "Forum")
    );
    let across = table(&out, "cluster_links");
    assert_eq!((across.len(), across[0]["cluster_id"].as_str(), across[0]["other_id"].as_str()), (1, "north", "south"));
    assert_eq!((across[0]["organisations"].as_str(), across[0]["organisation_count"].as_str()), ("Forum; Plan", "2"));
    near(number(&across[0], "strength"), 3.0);
    let ties = table(&out, "ties");
    let of = |cluster: &str| -> Vec<String> {
        let own = ties.iter().filter(|row| row["cluster_id"] == cluster);
        own.map(|row| format!("{} {} {}:{}", row["from"], row["organisation"], row["file"], row["line"])).collect()
    };
    assert_eq!(of("north"), ["A Forum members.csv:2", "B Forum members.csv:3", "A Plan members.csv:6"]);
    assert_eq!(of("south"), ["C Forum members.csv:4", "C Plan members.csv:7"]);
}
