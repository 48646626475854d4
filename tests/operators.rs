//! One firm, one name: through the register, links, memberships, figures and outputs.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use forerunner::Error;
use forerunner::pipeline::{self, Outcome, Pipeline};

type Row = HashMap<String, String>;

const SITES: &str = "id,firm,group,t\n1,Acme Ltd,north,10\n2,ACME LIMITED,north,20\n3,Børgen A/S,north,30\n4,Essar Oil (UK) Ltd,north,40\n5,,north,50\n";
const LINKS: &str = "a,b\nAcme,Borgen\nacme,BØRGEN AS\nEET Fuels,Acme Ltd.\nAcme Ltd,ACME LIMITED\n";
const MEMBERS: &str = "body,who\nForum,\"Acme (40%); EET Fuels Limited (60%)\"\nForum,Nobody known\n";
const REST: &str = "[delineate]\nmethod = \"label\"\n[[dimensions]]\nid = \"d\"\n[[components]]\nid = \"c\"\nparent = \"d\"\n[[indicators]]\nid = \"i\"\nparent = \"c\"\nover = \"clusters\"\nexpr = \"linked_share_formal\"\nworst = 0\nbest = 1\n";

fn run(operators: &str, aliases: &str, out: &Path) -> Result<Outcome, Error> {
    let root = tempfile::tempdir().unwrap();
    let files = [("sites.csv", SITES), ("links.csv", LINKS), ("members.csv", MEMBERS), ("aliases.csv", aliases)];
    files.iter().for_each(|(name, text)| fs::write(root.path().join(name), text).unwrap());
    let text = format!(
        "name = \"test\"\n[facilities]\npath = \"sites.csv\"\ncolumns = {{ id = \"id\", operator = \"firm\", label = \"group\", emissions_t = \"t\" }}\n\
         [links.deals]\npath = \"links.csv\"\nkind = \"formal\"\nbetween = \"operator\"\ncolumns = {{ from = \"a\", to = \"b\" }}\ncontract = {{ max_rejected = 1 }}\n\
         [memberships.bodies]\npath = \"members.csv\"\nkind = \"informal\"\nbetween = \"operator\"\ncolumns = {{ member = \"who\", organisation = \"body\" }}\nseparator = \";\"\ncontract = {{ max_rejected = 1 }}\n\
         {operators}\n{REST}"
    );
    fs::write(root.path().join("pipeline.toml"), text).unwrap();
    pipeline::run(&Pipeline::load(&root.path().join("pipeline.toml"), &[])?, out, None, &|_, _| {})
}

fn table(out: &Path, name: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(out.join(format!("{name}.csv"))).unwrap();
    reader.deserialize().map(|row| row.unwrap()).collect()
}

#[test]
fn spellings_and_aliases_meet() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let aliases = "name,operator,source\nEssar Oil (UK),EET Fuels,company register\n";
    run("[operators.aliases]\npath = \"aliases.csv\"", aliases, &out).unwrap();
    let facilities = table(&out, "facilities");
    let column = |name: &str| facilities.iter().map(|row| row[name].as_str()).collect::<Vec<_>>();
    assert_eq!(column("operator"), ["ACME LIMITED", "ACME LIMITED", "Børgen A/S", "EET Fuels", ""]);
    assert_eq!(column("operator_as_given"), ["Acme Ltd", "ACME LIMITED", "Børgen A/S", "Essar Oil (UK) Ltd", ""]);
    let figures = table(&out, "figures");
    // By hand: sites 1 and 2 are one firm, tied to 3 and to 4; 5 has no firm. Edges 1-3, 2-3, 1-4, 2-4.
    assert_eq!((figures[0]["operator_count"].as_str(), figures[0]["linked_share_formal"].as_str()), ("3", "0.8"));
    assert_eq!(figures[0]["density_formal"], "0.4");
    assert_eq!(figures[0]["largest_organisation_share_informal"].parse::<f64>().unwrap(), 70.0 / 150.0);
    let rules: Vec<(String, String)> =
        table(&out, "findings").iter().map(|row| (row["rule"].clone(), row["count"].clone())).collect();
    let has = |rule: &str, count: &str| rules.contains(&(rule.to_owned(), count.to_owned()));
    assert!(has("self_link", "1") && has("duplicate_link", "1"), "{rules:?}");
    let rejected = table(&out, "quarantine");
    assert_eq!((rejected.len(), rejected[0]["value"].as_str()), (1, "Nobody known"));
}

#[test]
fn without_the_table_names_stand_as_they_are() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    run("", "", &out).unwrap();
    assert!(!table(&out, "facilities")[0].contains_key("operator_as_given"));
    assert_eq!(table(&out, "figures")[0]["operator_count"], "4");
}

#[test]
fn aliases_that_settle_nothing() {
    let root = tempfile::tempdir().unwrap();
    for (aliases, said) in [
        ("name,operator,source\nA,B,x\na ltd,C,y\n", "a name stands for two operators"),
        ("name,operator,source\nA,B,x\nB,A,y\n", "in a circle"),
    ] {
        let ended = run("[operators.aliases]\npath = \"aliases.csv\"", aliases, &root.path().join("run"));
        let error = ended.err().unwrap();
        assert!(error.exit_status() == 3 && error.to_string().contains(said), "{error}");
    }
}

/// Names that the register does not have beside those that they may mean, and spellings within the register.
#[test]
fn names_that_may_be_one_firm() {
    let root = tempfile::tempdir().unwrap();
    let sites = "id,firm,group,t\n1,Heidelberg Materials,a,1\n2,Heidelberg Materials UK,a,1\n3,Phillips 66 Ltd,a,1\n4,Phillips 66 Limited,a,1\n";
    let links = "a,b\nHeidleberg Materials,Phillips 66 Ltd\nHeidleberg Materials,Phillips 66 Ltd\nWholly Other,Phillips 66 Ltd\n";
    fs::write(root.path().join("sites.csv"), sites).unwrap();
    fs::write(root.path().join("links.csv"), links).unwrap();
    let text = format!(
        "name = \"test\"\n[facilities]\npath = \"sites.csv\"\ncolumns = {{ id = \"id\", operator = \"firm\", label = \"group\" }}\n\
         [links.deals]\npath = \"links.csv\"\nkind = \"formal\"\nbetween = \"operator\"\ncolumns = {{ from = \"a\", to = \"b\" }}\n{REST}"
    );
    let path = root.path().join("pipeline.toml");
    fs::write(&path, text).unwrap();
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_forerunner"))
        .args(["match", path.to_str().unwrap(), "--least", "0.95"])
        .output()
        .unwrap();
    assert!(ran.status.success());
    let mut reader = csv::Reader::from_reader(ran.stdout.as_slice());
    let rows: Vec<Row> = reader.deserialize().map(|row| row.unwrap()).collect();
    let found: Vec<(&str, &str, &str)> =
        rows.iter().map(|row| (row["name"].as_str(), row["operator"].as_str(), row["name_in"].as_str())).collect();
    assert_eq!(
        found,
        [
            ("Phillips 66 Limited", "Phillips 66 Ltd", "facilities (1)"),
            ("Heidleberg Materials", "Heidelberg Materials", "links.deals (2)"),
            ("Heidelberg Materials", "Heidelberg Materials UK", "facilities (1)"),
            ("Heidleberg Materials", "Heidelberg Materials UK", "links.deals (2)"),
        ]
    );
    assert_eq!((rows[0]["score"].as_str(), rows[0]["source"].as_str()), ("1.0", ""));
    // Winkler (1990), by hand: 20 letters each, one transposition, common prefix of 4.
    let jaro: f64 = (1.0 + 1.0 + 19.0 / 20.0) / 3.0;
    assert!((rows[1]["score"].parse::<f64>().unwrap() - (jaro + 0.4 * (1.0 - jaro))).abs() < 1e-12);
}
