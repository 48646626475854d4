//! The program as people start it: no `-q`, from another folder, twice on one folder, with another pipeline of the same
//! name beside it.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn forerunner(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    command.current_dir(folder).env("NO_COLOR", "1").args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn listed(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn pipeline(folder: &Path, name: &str, rows: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("r.csv"), format!("id,name,x,y,t\n{rows}")).unwrap();
    let text = format!(
        "name = '{name}'\n[facilities]\npath = 'r.csv'\ncolumns = {{ id = 'id', name = 'name', x = 'x', y = 'y', emissions_t = 't' }}\n\
         [delineate]\nmethod = 'dbscan'\nradius_km = 10\nmin_facilities = 1\n[[dimensions]]\nid = 'd'\n[[indicators]]\nid = 'i'\n\
         parent = 'd'\nexpr = 'COUNT(*)'\nworst = 0\nbest = 2\n[outputs]\nlayers = []\nreport = false\n"
    );
    fs::write(folder.join("p.toml"), text).unwrap();
}

#[test]
fn a_second_pipeline_of_one_name_is_told() {
    let root = tempfile::tempdir().unwrap();
    pipeline(&root.path().join("a"), "same", "1,One,0,51,1\n");
    pipeline(&root.path().join("b"), "same", "1,One,0,51,1\n2,Two,3,51,1\n");
    let first = forerunner(root.path(), &["run", "a/p.toml"]);
    assert!(first.status.success() && !said(&first).contains("warning: out"), "{}", said(&first));
    let again = forerunner(root.path(), &["run", "./a/p.toml"]);
    assert!(again.status.success() && !said(&again).contains("warning: out"), "{}", said(&again));
    for quiet in [&[][..], &["-q"]] {
        let other = forerunner(root.path(), &[&["run", "b/p.toml"], quiet].concat());
        let text = said(&other);
        assert!(other.status.success() && text.contains("out/same holds a run of a/p.toml"), "{text}");
        assert!(forerunner(root.path(), &["run", "a/p.toml", "-q"]).status.success());
    }
    // A folder that somebody names is theirs.
    let given = forerunner(root.path(), &["run", "b/p.toml", "--out", "elsewhere"]);
    assert!(!said(&given).contains("warning: out"));
    assert_eq!(listed(&root.path().join("out")), [".same.cache", "same"]);
    assert_eq!(listed(root.path()), [".elsewhere.cache", "a", "b", "elsewhere", "out"]);
}

#[test]
fn a_refused_run_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    pipeline(root.path(), "p", "1,One,0,51,1\n");
    fs::write(root.path().join("r.csv"), "id,name\n1,One\n").unwrap();
    let refused = forerunner(root.path(), &["run", "p.toml"]);
    assert_eq!(refused.status.code(), Some(3), "{}", said(&refused));
    assert_eq!(listed(root.path()), ["p.toml", "r.csv"]);
    fs::create_dir(root.path().join("mine")).unwrap();
    fs::write(root.path().join("mine/thesis.txt"), "years").unwrap();
    let taken = forerunner(root.path(), &["run", "p.toml", "--out", "mine"]);
    assert_eq!(taken.status.code(), Some(2));
    assert_eq!(listed(root.path()), ["mine", "p.toml", "r.csv"]);
}

#[test]
fn out_may_be_a_link() {
    let root = tempfile::tempdir().unwrap();
    pipeline(root.path(), "p", "1,One,0,51,1\n");
    assert!(forerunner(root.path(), &["run", "p.toml", "--out", "real"]).status.success());
    std::os::unix::fs::symlink("real", root.path().join("link")).unwrap();
    fs::write(root.path().join("r.csv"), "id,name,x,y,t\n1,Renamed,0,51,1\n").unwrap();
    assert!(forerunner(root.path(), &["run", "p.toml", "--out", "link"]).status.success());
    assert!(fs::symlink_metadata(root.path().join("link")).unwrap().is_symlink());
    assert!(fs::read_to_string(root.path().join("real/clusters.csv")).unwrap().contains("Renamed"));
}

/// What is published is done: what comes after it, for a person to read, may fail and change nothing.
#[test]
fn a_published_run_succeeds() {
    let root = tempfile::tempdir().unwrap();
    pipeline(root.path(), "p", "1,One,0,51,1\n2,Two,3,51,1\n");
    for tables in ["[\"csv\"]", "[\"parquet\"]", "[\"xlsx\"]", "[]"] {
        let set = format!("outputs.tables={tables}");
        let done = forerunner(root.path(), &["run", "p.toml", "--set", &set]);
        let text = said(&done);
        assert_eq!(done.status.code(), Some(0), "{tables}: {text}");
        assert!(text.contains("One") && text.contains("Outputs: out/p"), "{tables}: {text}");
        let json = forerunner(root.path(), &["run", "p.toml", "--json", "--set", &set]);
        assert!(json.status.success() && String::from_utf8(json.stdout).unwrap().starts_with("{\n"), "{tables}");
    }
    let full = || std::process::Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
        command.current_dir(root.path()).args(["run", "p.toml", "--json"]);
        command
    };
    let deaf = program().stdout(full()).output().unwrap();
    assert!(deaf.status.success() && said(&deaf).contains("could not be printed"), "{}", said(&deaf));
    assert!(program().stdout(full()).stderr(full()).status().unwrap().success());
}

/// A code is text, whatever it looks like, wherever it is told.
#[test]
fn codes_are_told_as_text() {
    let root = tempfile::tempdir().unwrap();
    pipeline(root.path(), "p", "1,One,0,51,1\n2,2022,3,51,1\n");
    fs::write(root.path().join("l.csv"), "id,x,y\n31130,0,51\n34700.0,3,51\n").unwrap();
    let text = fs::read_to_string(root.path().join("p.toml")).unwrap();
    let layer = "[layers.ports]\npath = 'l.csv'\ncolumns = { id = 'id', x = 'x', y = 'y' }\n";
    fs::write(root.path().join("p.toml"), text + layer).unwrap();
    for tables in ["[\"csv\"]", "[\"parquet\"]"] {
        let set = format!("outputs.tables={tables}");
        assert!(forerunner(root.path(), &["run", "p.toml", "-q", "--set", &set]).status.success());
        for (cluster, port) in [("c-1", "31130"), ("c-2", "34700.0")] {
            let told = forerunner(root.path(), &["explain", "out/p", cluster, "--json"]);
            let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
            let site = &told["facilities"]["shown"][0];
            assert_eq!(site["nearest_ports"], port);
            assert_eq!((&site["facility_id"], &site["emissions_t"]), (&cluster[2..].into(), &1.0.into()));
        }
        let list = forerunner(root.path(), &["list", "out/p", "--json"]);
        let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
        assert_eq!((&list[1]["cluster_name"], &list[1]["facility_count"]), (&"2022".into(), &1.into()));
    }
}

/// A text within an expression is no name of a figure.
#[test]
fn evidence_is_that_of_columns() {
    let root = tempfile::tempdir().unwrap();
    pipeline(root.path(), "p", "1,One,0,51,1\n");
    fs::write(root.path().join("f.csv"), "c,figure,value\n1,port,3\n1,pipes,4\n").unwrap();
    let figures = "[figures.mine]\npath = 'f.csv'\ncolumns = { facility = 'c', figure = 'figure', value = 'value' }\n";
    let indicator = "[[indicators]]\nid = 'j'\nparent = 'd'\nover = 'clusters'\nworst = 0\nbest = 9\n\
                     expr = \"pipes + CASE WHEN cluster_name = 'port' THEN 1 ELSE 0 END\"\n";
    let text = fs::read_to_string(root.path().join("p.toml")).unwrap();
    fs::write(root.path().join("p.toml"), text + figures + indicator).unwrap();
    let done = forerunner(root.path(), &["run", "p.toml"]);
    assert!(done.status.success(), "{}", said(&done));
    let told = forerunner(root.path(), &["explain", "out/p", "c-1", "--json"]);
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).unwrap();
    let evidence = told["dimensions"][0]["indicators"][1]["evidence"].as_array().unwrap();
    assert_eq!(evidence.iter().map(|fact| fact["figure"].as_str().unwrap()).collect::<Vec<_>>(), ["pipes"]);
}

#[test]
fn lists_are_guarded_as_files_are() {
    let root = tempfile::tempdir().unwrap();
    pipeline(root.path(), "p", "1,=1+1,0,51,1\n");
    assert!(forerunner(root.path(), &["run", "p.toml"]).status.success());
    let list = forerunner(root.path(), &["list", "out/p", "--csv"]);
    let text = String::from_utf8(list.stdout).unwrap();
    assert!(text.contains(",'=1+1,"), "{text}");
    // As a document for programs it is what it is.
    let json = forerunner(root.path(), &["list", "out/p", "--json"]);
    assert!(String::from_utf8(json.stdout).unwrap().contains("\"=1+1\""));
}

/// The year of the rows, and not one in the life of a plant; none that is mostly empty.
#[test]
fn init_takes_no_year_that_is_none() {
    let root = tempfile::tempdir().unwrap();
    let rows = (0..50).map(|at| {
        let closed = if at == 7 { "1999" } else { "" };
        format!("{at},Plant {at},{}.5,51,{},{closed},1980,{}\n", at % 5, at * 10, if at < 3 { "2020" } else { "" })
    });
    let text = format!(
        "id,name,lon,lat,co2,year_decommissioned,year_commissioned,reporting_year\n{}",
        rows.collect::<String>()
    );
    fs::write(root.path().join("r.csv"), text).unwrap();
    assert!(forerunner(root.path(), &["init", "new", "--from", "r.csv"]).status.success());
    let draft = fs::read_to_string(root.path().join("new/pipeline.toml")).unwrap();
    assert!(!draft.lines().any(|line| line.starts_with("year")), "{draft}");
}

/// What is odd about a register as a whole is said by `check` and by `run`, with rows and tonnes.
#[test]
fn odd_registers_are_told() {
    let root = tempfile::tempdir().unwrap();
    pipeline(root.path(), "p", "");
    let mut rows = String::from("id,name,x,y,t,year,owner\n");
    for at in 0..60 {
        let year = if at < 4 { String::from("2019") } else { String::new() };
        let owner = if at % 3 == 0 { "Individual persons".to_owned() } else { format!("Firm {at}") };
        rows += &format!("{at},Site,{}.5,51,10,{year},{owner}\n", at % 7);
    }
    fs::write(root.path().join("r.csv"), rows).unwrap();
    let text = fs::read_to_string(root.path().join("p.toml")).unwrap();
    let text = text.replace("emissions_t = 't'", "emissions_t = 't', year = 'year', operator = 'owner'");
    fs::write(root.path().join("p.toml"), text).unwrap();
    for command in ["check", "run"] {
        let text = said(&forerunner(root.path(), &[command, "p.toml"])) + &stdout(root.path(), command);
        for part in [
            "`year` is empty in 93 % of the rows (560 t)",
            "`Individual persons` operates 20 of 60 facilities (33 %, 200 t)",
        ] {
            assert!(text.contains(part), "{command}: {part}\n{text}");
        }
    }
}

fn stdout(folder: &Path, command: &str) -> String {
    String::from_utf8(forerunner(folder, &[command, "p.toml"]).stdout).unwrap()
}

/// Two registers whose ids differ: what `match --facilities` proposes is what the join reads.
#[test]
fn sites_of_two_registers_are_paired() {
    let root = tempfile::tempdir().unwrap();
    let here = "id,site,lon,lat,t\nA,Oak Mill,10,50,1000\nB,Ash Works,10.01,50,2000\nC,Elm Kiln,12,51,10\n";
    let there = "no,plant,east,north,firm\n7,Oak Mill (north),10.001,50.001,Oak\n8,Unlike,10.01,50.001,Other\n\
                 9,ASH WORKS,10.011,50,Ash\n";
    fs::write(root.path().join("here.csv"), here).unwrap();
    fs::write(root.path().join("there.csv"), there).unwrap();
    let text = |more: &str| {
        let columns = r#"{ id = "id", name = "site", x = "lon", y = "lat", emissions_t = "t", operator = "firm" }"#;
        let by = r#"{ name = "plant", x = "east", y = "north" }"#;
        format!(
            "name = \"p\"\n[facilities]\npath = \"here.csv\"\ncolumns = {columns}\n[facilities.join]\npath = \"there.csv\"\n\
             on = {{ id = \"no\" }}\nrequired = false\nmatch = {by}\n{more}\n[delineate]\nmethod = \"dbscan\"\nradius_km = 10\n\
             min_facilities = 2\n[[dimensions]]\nid = \"d\"\nthreshold = 50\n[[indicators]]\nid = \"i\"\nparent = \"d\"\n\
             expr = \"COUNT(*)\"\nunit = \"1\"\nworst = 0\nbest = 10\n"
        )
    };
    fs::write(root.path().join("p.toml"), text("")).unwrap();
    let proposed = forerunner(root.path(), &["match", "--facilities", "p.toml"]);
    assert!(proposed.status.success(), "{}", String::from_utf8_lossy(&proposed.stderr));
    let pairs = String::from_utf8(proposed.stdout).unwrap();
    let keys: Vec<&str> = pairs.lines().skip(1).map(|line| &line[..3]).collect();
    assert_eq!(keys, ["A,7", "B,9"], "{pairs}");
    fs::write(root.path().join("pairs.csv"), &pairs).unwrap();
    fs::write(root.path().join("p.toml"), text("pairs = \"pairs.csv\"")).unwrap();
    assert!(forerunner(root.path(), &["run", "p.toml"]).status.success());
    let facilities = fs::read_to_string(root.path().join("out/p/facilities.csv")).unwrap();
    let firms: Vec<&str> = facilities.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert_eq!(firms, ["Oak", "Ash", ""], "{facilities}");
}
