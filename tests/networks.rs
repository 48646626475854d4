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
    let columns =
        "columns = { id = \"id\", operator = \"firm\", sector = \"sector\", label = \"group\", emissions_t = \"t\" }";
    run_with(columns, files, ties)
}

fn run_with(
    columns: &str,
    files: &[(&str, &str)],
    ties: &str,
) -> Result<(tempfile::TempDir, PathBuf), forerunner::Error> {
    let root = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| fs::write(root.path().join(name), text).unwrap());
    let text = format!("name = \"test\"\n[facilities]\npath = \"sites.csv\"\n{columns}\n{ties}\n{REST}");
    fs::write(root.path().join("pipeline.toml"), text).unwrap();
    let out = root.path().join("run");
    pipeline::run(&Pipeline::load(&root.path().join("pipeline.toml"), &[])?, &out, None, &|_, _| {})?;
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

/// By hand: 1 degree of longitude on the equator is 111.32 km; the line runs along it from 0 to 1.
#[test]
fn facilities_near_one_line_share_it() {
    let sites = "id,firm,sector,group,t,x,y\na,A,s,north,1,0.1,0.010\nb,B,s,north,1,0.9,0.015\nc,C,s,north,1,0.5,0.050\nd,D,s,north,1,,\n";
    let pipes = "name,geometry\nTrunk,\"LINESTRING (0 0, 1 0)\"\nOther,\"LINESTRING (0 5, 1 5)\"\n";
    let ties = "[layers.pipes]\npath = \"pipes.csv\"\ncolumns = { name = \"name\", geometry = \"geometry\" }\n[memberships.shared_pipes]\nlayer = \"pipes\"\nwithin_km = 2\n[links.none]\npath = \"none.csv\"\nkind = \"formal\"\nbetween = \"facility\"\ncolumns = { from = \"from\", to = \"to\" }\n";
    let files = [("sites.csv", sites), ("pipes.csv", pipes), ("none.csv", "from,to\na,b\n")];
    let places = "columns = { id = \"id\", operator = \"firm\", sector = \"sector\", label = \"group\", emissions_t = \"t\", x = \"x\", y = \"y\" }";
    let (_root, out) = run_with(places, &files, ties).unwrap();
    let figures = &table(&out, "figures")[0];
    assert_eq!(number(figures, "observed_share_physical"), 0.75, "d has no place");
    assert_eq!(number(figures, "linked_share_physical"), 2.0 / 3.0);
    assert_eq!(
        (number(figures, "density_physical"), figures["anchor_organisation_physical"].as_str()),
        (1.0 / 3.0, "Trunk")
    );
    // a and b are tied in both kinds; nobody else is tied.
    assert_eq!(number(figures, "multiplexity"), 1.0);
    let ties = table(&out, "ties");
    let physical: Vec<(&str, &str, &str, &str)> = ties
        .iter()
        .filter(|row| row["kind"] == "physical")
        .map(|row| (row["from"].as_str(), row["basis"].as_str(), row["file"].as_str(), row["line"].as_str()))
        .collect();
    assert_eq!(physical, [("a", "inferred", "pipes.csv", "2"), ("b", "inferred", "pipes.csv", "2")]);
}

/// By hand: A owns a1 and a2; Holding has 60 % of A and, by way of Middle, all of C; 40 % of B is too little.
#[test]
fn common_owners() {
    let parents =
        "operator,parent,share\nA,Holding,60\nB,Holding,40\nC,Middle,100\nMiddle,Holding,100\nHolding,Middle,\n";
    let from = "columns = { operator = \"operator\", parent = \"parent\", share = \"share\" }";
    let files = [("sites.csv", &*SITES.replace("south", "north")), ("parents.csv", parents)];
    let owned = |more: &str| {
        let ties = format!("[memberships.owners]\nowners = true\n{more}\n{REST_OF_OWNERS}");
        let (_root, out) = run(&files, &ties).unwrap();
        let figures = &table(&out, "figures")[0];
        let sorted = ["density_ownership", "observed_share_ownership"].map(|figure| number(figures, figure));
        (sorted, figures["anchor_organisation_ownership"].clone())
    };
    // Of ten pairs a1-a2 alone, then a1, a2 and c.
    assert_eq!(owned(""), ([0.1, 1.0], "D".into()));
    let (figures, anchor) = owned(&format!("path = \"parents.csv\"\n{from}"));
    assert_eq!((figures, anchor.as_str()), ([0.3, 1.0], "Holding"));
}

const REST_OF_OWNERS: &str = "[links.none]\npath = \"parents.csv\"\nkind = \"formal\"\nbetween = \"operator\"\ncolumns = { from = \"operator\", to = \"parent\" }\ncontract = { max_rejected = 1 }\n";

/// By hand: lime sells to steel, and to itself; north has a1, a2 (steel) and b (lime): 2 of 3 pairs. South has c and d.
#[test]
fn sectors_that_might_exchange() {
    let table_of_sectors = "from,to,share\nlime,steel,0.2\nlime,lime,0.1\n";
    let ties = format!(
        "[links.exchange]\npath = \"sectors.csv\"\nkind = \"potential\"\nbetween = \"sector\"\ncolumns = {{ from = \"from\", to = \"to\", weight = \"share\" }}\n{FACILITY_LINKS}"
    );
    let files = [("sites.csv", SITES), ("sectors.csv", table_of_sectors), ("links.csv", "from,to\na1,b\n")];
    let (_root, out) = run(&files, &ties).unwrap();
    let figures = table(&out, "figures");
    assert_eq!(number(&figures[0], "density_potential"), 2.0 / 3.0);
    assert_eq!(number(&figures[1], "density_potential"), 0.0);
    assert_eq!(number(&figures[0], "density_formal"), 1.0 / 3.0, "what might be is not what is");
    assert_eq!(figures[0]["ei_index_potential"], "");
    assert!(!figures[0].contains_key("multiplexity"), "one kind tells what is");
    assert!(table(&out, "networks").iter().all(|row| row["kind"] == "formal"));
    let mixed = ties.replace("\"potential\"", "\"formal\"");
    let refused = run(&files, &mixed).err().unwrap();
    assert!(refused.exit_status() == 2 && refused.to_string().contains("potential ties"), "{refused}");
}

/// Nobody asked is unknown; asked and without a link is low: through figures, indicators, scores and types.
#[test]
fn silence_is_unknown_and_absence_is_low() {
    let ties = format!("{FACILITY_LINKS}observed = \"sector = 'glass'\"\n");
    let sites = "id,firm,sector,group,t\na,A,steel,silent,1\nb,B,steel,silent,1\nc,C,glass,asked,1\nd,D,glass,asked,1\ne,E,steel,third,1\nf,F,steel,third,1\n";
    let (_root, out) = run(&[("sites.csv", sites), ("links.csv", "from,to\ne,f\n")], &ties).unwrap();
    let (figures, indicators) = (table(&out, "figures"), table(&out, "indicators"));
    let (scores, clusters) = (table(&out, "scores"), table(&out, "clusters"));
    let of = |rows: &[Row], cluster: &str, column: &str| {
        rows.iter().find(|row| row["cluster_id"] == cluster).unwrap()[column].clone()
    };
    for (cluster, observed, linked, status, score, level) in [
        ("silent", "0.0", "", "missing", "", "unknown"),
        ("asked", "1.0", "0.0", "observed", "0.0", "low"),
        ("third", "1.0", "1.0", "observed", "100.0", "high"),
    ] {
        assert_eq!(of(&figures, cluster, "observed_share_formal"), observed, "{cluster}");
        assert_eq!(of(&figures, cluster, "linked_share_formal"), linked, "{cluster}");
        assert_eq!(of(&indicators, cluster, "status"), status, "{cluster}");
        assert_eq!(of(&scores, cluster, "score"), score, "{cluster}");
        assert_eq!(of(&clusters, cluster, "d_level"), level, "{cluster}");
    }
}

/// A register in two clusters with links and bodies, drawn from a seed.
struct Country {
    sites: Vec<String>,
    links: Vec<String>,
    members: Vec<String>,
}

const BOTH: &str = "[links.one]\npath = \"links.csv\"\nkind = \"formal\"\nbetween = \"facility\"\ncolumns = { from = \"from\", to = \"to\" }\nobserved = \"sector = 's0'\"\n[memberships.bodies]\npath = \"members.csv\"\nkind = \"informal\"\nbetween = \"operator\"\ncolumns = { member = \"firm\", organisation = \"body\" }\n";

impl Country {
    fn new(seed: u64) -> Self {
        use rand_chacha::rand_core::{Rng, SeedableRng};
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let mut below = |limit: u32| random.next_u32() % limit;
        let group = |number: u32| ["north", "south", ""][number as usize];
        let site = |at: u32, below: &mut dyn FnMut(u32) -> u32| {
            format!("n{at:02},F{},s{},{},{}", below(12), below(3), group(below(3)), 1 + below(90))
        };
        let sites = (0..24).map(|at| site(at, &mut below)).collect();
        let links = (0..14).map(|_| format!("n{:02},n{:02}", below(24), below(24))).collect();
        let members = (0..16).map(|_| format!("F{},B{}", below(12), below(5))).collect();
        Self { sites, links, members }
    }

    fn figures(&self, ties: &str, files: &[(&str, &str)]) -> Vec<Row> {
        let text = |header: &str, rows: &[String]| format!("{header}\n{}\n", rows.join("\n"));
        let sites = text("id,firm,sector,group,t", &self.sites);
        let (links, members) = (text("from,to", &self.links), text("firm,body", &self.members));
        let own = [("sites.csv", &*sites), ("links.csv", &*links), ("members.csv", &*members)];
        let all: Vec<(&str, &str)> = own.into_iter().chain(files.iter().copied()).collect();
        // Firms that no site of this seed has are strangers.
        let ties = ties.replace("[memberships.bodies]", "[memberships.bodies]\ncontract = { max_rejected = 1 }");
        table(&run(&all, &ties).unwrap().1, "figures")
    }
}

#[test]
fn names_order_and_files_change_nothing() {
    for seed in 0..12 {
        let country = Country::new(seed);
        let plain = country.figures(BOTH, &[]);
        let reverse = |rows: &[String]| rows.iter().rev().cloned().collect::<Vec<_>>();
        let turned = Country {
            sites: reverse(&country.sites),
            links: reverse(&country.links),
            members: reverse(&country.members),
        };
        assert_eq!(turned.figures(BOTH, &[]), plain, "order of rows, seed {seed}");

        let (first, second) = country.links.split_at(7);
        let half = format!("from,to\n{}\n", second.join("\n"));
        let split = Country { links: first.to_vec(), sites: country.sites.clone(), members: country.members.clone() };
        let listed = BOTH.replace("\"links.csv\"", "[\"links.csv\", \"more.csv\"]");
        assert_eq!(split.figures(&listed, &[("more.csv", &half)]), plain, "one source of two files, seed {seed}");
        let two = format!(
            "{BOTH}{}",
            BOTH[..BOTH.find("[memberships").unwrap()].replace("one", "two").replace("links.csv", "more.csv")
        );
        assert_eq!(split.figures(&two, &[("more.csv", &half)]), plain, "two sources of one kind, seed {seed}");

        // Ids in the opposite order.
        let renamed = |row: &String| {
            (0..24).rev().fold(row.clone(), |row, at| row.replace(&format!("n{at:02}"), &format!("m{:02}", 99 - at)))
        };
        let relabelled = Country {
            sites: country.sites.iter().map(renamed).collect(),
            links: country.links.iter().map(renamed).collect(),
            members: country.members.clone(),
        };
        // Sums over facilities go by id, so the last digit of other figures may move.
        let figures = relabelled.figures(BOTH, &[]);
        assert_eq!(figures.len(), plain.len());
        for (found, wanted) in figures.iter().zip(&plain) {
            let network = |name: &&String| name.ends_with("formal") || *name == "multiplexity";
            for name in wanted.keys().filter(network) {
                let [found, wanted] = [found, wanted].map(|row| row[name].as_str());
                let numbers = found.parse::<f64>().ok().zip(wanted.parse::<f64>().ok());
                let near = numbers.map_or(found == wanted, |(a, b)| (a - b).abs() <= 1e-12);
                assert!(near, "{name}, seed {seed}: {found}, {wanted}");
            }
        }
    }
}

#[test]
fn a_link_more_is_never_a_network_less() {
    let mut compared = 0;
    for seed in 0..12 {
        let mut country = Country::new(seed);
        let before = country.figures(BOTH, &[]);
        // Between two observed sites of one cluster: nobody new is observed by it.
        let north: Vec<String> = country
            .sites
            .iter()
            .filter(|row| row.contains(",s0,north,"))
            .map(|row| row.split(',').next().unwrap().to_owned())
            .collect();
        let Some((first, rest)) = north.split_first().filter(|(_, rest)| !rest.is_empty()) else { continue };
        country.links.extend(rest.iter().map(|other| format!("{first},{other}")));
        let after = country.figures(BOTH, &[]);
        assert_eq!(before.len(), after.len());
        for figure in ["density_formal", "mean_degree_formal", "linked_share_formal"] {
            for (before, after) in before.iter().zip(&after).filter(|(before, _)| !before[figure].is_empty()) {
                assert!(number(after, figure) >= number(before, figure), "{figure}, seed {seed}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 12 * 3, "only {compared} figures were compared");
}

/// But that its one member is known to have been asked.
#[test]
fn one_member_is_no_organisation() {
    for seed in 0..12 {
        let mut country = Country::new(seed);
        let first = country.members.iter().find(|row| row.ends_with(",B0")).cloned();
        country.members.retain(|row| !row.ends_with(",B0"));
        let without = country.figures(BOTH, &[]);
        country.members.extend(first);
        let with = country.figures(BOTH, &[]);
        assert_eq!(with.len(), without.len());
        for figure in ["mean_degree_formal", "largest_component_share_formal", "strength_formal"] {
            with.iter()
                .zip(&without)
                .for_each(|(with, without)| assert_eq!(with[figure], without[figure], "seed {seed}"));
        }
        for figure in ["density", "mean_degree", "clustering", "strength", "bridge_count", "articulation_firm_count"] {
            let figure = format!("{figure}_informal");
            with.iter()
                .zip(&without)
                .for_each(|(with, without)| assert_eq!(with[&figure], without[&figure], "{figure}, seed {seed}"));
        }
    }
}
