//! Expectations: tried before publication, on the run and the run before.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PIPELINE: &str = r#"
name = "e"
[facilities]
path = "r.csv"
columns = { id = "id", name = "name", label = "c", year = "year", emissions_t = "t" }
[layers.ports]
path = "p.csv"
columns = { id = "id", x = "x", y = "y" }
[delineate]
method = "label"
[[dimensions]]
id = "size"
threshold = 50
[[components]]
id = "c"
parent = "size"
[[indicators]]
id = "i"
parent = "c"
expr = "SUM(emissions_t)"
worst = 0
best = 100
"#;

fn example(expectations: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), "id,name,c,year,t\n1,One,a,2022,40\n2,Two,a,2022,30\n3,Three,b,2022,20\n")
        .unwrap();
    fs::write(folder.path().join("p.csv"), "id,x,y\nQ,0,51\n").unwrap();
    fs::write(folder.path().join("p.toml"), format!("{PIPELINE}{expectations}")).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    let output = command.current_dir(folder).arg("run").args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap(), text)
}

fn manifest(run: &Path) -> Value {
    serde_json::from_slice(&fs::read(run.join("manifest.json")).unwrap()).unwrap()
}

#[test]
fn rows_and_numbers_are_judged() {
    let judged = |sql: &str, more: &str| {
        let folder = example(&format!("[[expect]]\nid = \"x\"\nsql = \"\"\"{sql}\"\"\"\n{more}"));
        let (status, text) = run(folder.path(), &["p.toml"]);
        assert_eq!(folder.path().join("out/e").exists(), status == 0, "{text}");
        (status, text)
    };
    assert_eq!(judged("SELECT * FROM clusters WHERE emissions_t > 70", "").0, 0);
    let (status, text) = judged("SELECT cluster_id, emissions_t FROM clusters WHERE emissions_t >= 20", "");
    assert_eq!(status, 3);
    assert!(text.contains("expect.x: 2 rows, and none was expected\n  cluster_id = a, emissions_t = 70"), "{text}");
    // By hand: 90 t; 2 of 3 facilities in a; 5 / 2 in DOUBLE.
    assert_eq!(judged("SELECT SUM(emissions_t) FROM facilities", "min = 90\nmax = 90").0, 0);
    assert_eq!(
        judged("SELECT COUNT(*) FILTER (WHERE cluster_id = 'a') / COUNT(*) FROM facilities", "min = 0.6\nmax = 0.7").0,
        0
    );
    assert_eq!(judged("SELECT COUNT(*) - 5 FROM facilities", "max = -2").0, 0);
    assert_eq!(judged("SELECT rows_kept FROM sources WHERE source = 'facilities'", "min = 3").0, 0);
    assert_eq!(judged("SELECT modified FROM sources WHERE modified < '2020-01-01'", "").0, 0);
    assert_eq!(judged("SELECT id FROM ports WHERE id <> 'Q'", "").0, 0);
    let (status, text) = judged("SELECT SUM(emissions_t) FROM facilities", "max = 89.5");
    assert!(status == 3 && text.contains("90, and at most 89.5 was expected"), "{text}");
    let (status, text) = judged("SELECT cluster_id FROM clusters", "min = 1");
    assert!(status == 3 && text.contains("2 rows of 1 columns"), "{text}");
    let (status, text) = judged("SELECT 'a' FROM clusters WHERE cluster_id = 'a'", "min = 1");
    assert!(status == 3 && text.contains("no number"), "{text}");
    let (status, text) = judged("SELECT emission FROM clusters", "");
    assert!(status == 2 && text.contains("expect.x.sql") && text.contains("emission"), "{text}");
    let (status, text) = judged("SELECT * FROM cluster", "");
    assert!(status == 2 && text.contains("did you mean `clusters`?"), "{text}");
    let (status, text) = judged("SELECT 1", "min = 2\nmax = 1");
    assert!(status == 2 && text.contains("above `max`"), "{text}");
}

#[test]
fn a_run_is_held_against_the_one_before() {
    let folder = example(
        "[[expect]]\nid = \"steady\"\nsql = \"\"\"SELECT c.cluster_id, p.emissions_t, c.emissions_t FROM clusters c JOIN previous.clusters p \
         USING (cluster_id, period) WHERE ABS(c.emissions_t - p.emissions_t) > 0.1 * p.emissions_t\"\"\"\n\
         [[expect]]\nid = \"small\"\nsql = \"SELECT * FROM clusters WHERE emissions_t > 50\"\nseverity = \"warn\"\n",
    );
    let here = folder.path();
    let (status, text) = run(here, &["p.toml", "--keep", "3"]);
    assert!(status == 0 && text.contains("there is no earlier run to compare with"), "{text}");
    assert!(text.contains("warning: 1 rows, and none was expected: expect.small"), "{text}");
    let findings = fs::read_to_string(here.join("out/e/findings.csv")).unwrap();
    assert!(findings.contains("nothing_to_compare") && findings.contains("expectation"), "{findings}");
    let outcomes = manifest(&here.join("out/e"))["expectations"].clone();
    assert_eq!((&outcomes[0]["outcome"], &outcomes[1]["outcome"]), (&"nothing_to_compare".into(), &"failed".into()));
    let register = |t: u32| {
        fs::write(
            here.join("r.csv"),
            format!("id,name,c,year,t\n1,One,a,2022,{t}\n2,Two,a,2022,30\n3,Three,b,2022,20\n"),
        )
        .unwrap();
    };
    register(44);
    let (status, text) = run(here, &["p.toml", "--keep", "3"]);
    assert_eq!(status, 0, "{text}");
    assert_eq!(manifest(&here.join("out/e"))["expectations"][0]["outcome"], "passed");
    let before = fs::read(here.join("out/e/manifest.json")).unwrap();
    register(60);
    let (status, text) = run(here, &["p.toml", "--keep", "3"]);
    assert!(status == 3 && text.contains("expect.steady: 1 rows"), "{text}");
    assert_eq!(fs::read(here.join("out/e/manifest.json")).unwrap(), before, "the earlier run stands");
    // On a run that stands, against the one that is kept; with the pipeline file's expectations, and with its own.
    register(44);
    for own in [&["--expect-only", "out/e"][..], &["p.toml", "--expect-only", "out/e"]] {
        let (status, text) = run(here, own);
        assert!(status == 0 && text.contains("steady") && text.contains("passed"), "{text}");
    }
    let (status, text) = run(here, &["p.toml", "--expect-only", "out/e", "--set", "expect.small.severity=error"]);
    assert!(status == 3 && text.contains("expect.small"), "{text}");
    // What compared with a run that is not here any more reproduces all the same.
    let mut again = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    let output = again.current_dir(here).args(["reproduce", "out/e"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_shipped_studies_keep_their_expectations() {
    for study in ["great-britain", "uk-clusters", "north-west-europe"] {
        let pipeline =
            forerunner::pipeline::Pipeline::load(Path::new(&format!("pipelines/{study}.toml")), &[]).unwrap();
        assert!(pipeline.file.expect.len() >= 3, "{study}");
    }
}

#[test]
fn messages_are_json_where_that_is_asked_for_and_metrics_are_whole() {
    let folder = example(
        "[[expect]]\nid = \"small\"\nsql = \"SELECT * FROM clusters WHERE emissions_t > 50\"\nseverity = \"warn\"\n",
    );
    let here = folder.path();
    let (status, text) = run(here, &["p.toml", "--log-format", "json", "--metrics", "m.prom"]);
    assert_eq!(status, 0, "{text}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["message"] == "published" && line["clusters"] == 2), "{text}");
    assert!(lines.iter().any(|line| line["level"] == "WARN" && line["rule"] == "expectation"), "{text}");
    let metrics = fs::read_to_string(here.join("m.prom")).unwrap();
    assert!(metrics.ends_with("# EOF\n") && metrics.contains("forerunner_run_exit_status{pipeline=\"e\"} 0\n"));
    assert!(metrics.contains("forerunner_source_rows_kept{pipeline=\"e\",source=\"facilities\"} 3\n"), "{metrics}");
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("forerunner_") && name.ends_with('}') && value.parse::<f64>().is_ok(), "{line}");
    }
    let (_, text) = run(here, &["p.toml", "--log-format", "json", "--metrics", "m.prom"]);
    assert!(text.contains("nothing to do"), "{text}");
    assert!(fs::read_to_string(here.join("m.prom")).unwrap().contains("forerunner_run_up_to_date{pipeline=\"e\"} 1\n"));
    fs::write(here.join("r.csv"), "id,name\n1,One\n").unwrap();
    let (status, text) = run(here, &["p.toml", "--log-format", "json", "--metrics", "m.prom"]);
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!(status == 3 && last["level"] == "ERROR" && last["status"] == 3, "{text}");
    assert!(
        fs::read_to_string(here.join("m.prom")).unwrap().contains("forerunner_run_exit_status{pipeline=\"e\"} 3\n")
    );
}
