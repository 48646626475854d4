//! What `docs/schedule` has to copy works as it stands, as far as this machine can tell.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::fs;
use std::path::Path;
use std::process::Command;

fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn copy_example(folder: &Path) {
    for entry in fs::read_dir("tests/cases/worked_example").unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
    fs::rename(folder.join("pipeline.toml"), folder.join("great-britain.toml")).unwrap();
}

#[test]
fn units_pass_the_verifier_of_systemd() {
    if !has("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_forerunner");
    for unit in ["forerunner@.service", "forerunner@.timer"] {
        let text = fs::read_to_string(format!("docs/schedule/{unit}")).unwrap();
        let here =
            text.replace("/usr/local/bin/forerunner", program).replace("man:forerunner(1)", "https://example.org");
        fs::write(folder.path().join(unit), here).unwrap();
    }
    for unit in ["forerunner@.service", "forerunner@.timer"] {
        // An instance of a template is verified by a name of its own.
        let instance = folder.path().join(unit.replace('@', "@great-britain"));
        fs::copy(folder.path().join(unit), &instance).unwrap();
        let output = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&instance).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let own: Vec<&str> = told.lines().filter(|line| line.contains("forerunner@")).collect();
        assert!(output.status.success() && own.is_empty(), "{unit}: {told}");
    }
}

#[test]
fn the_line_of_the_crontab_runs_in_crons_environment() {
    let folder = tempfile::tempdir().unwrap();
    copy_example(folder.path());
    let text = fs::read_to_string("docs/schedule/crontab").unwrap();
    let line = text.lines().find(|line| line.contains("forerunner -q run")).unwrap();
    let command = line.splitn(6, ' ').nth(5).unwrap();
    let command = command
        .replace("/srv/forerunner", folder.path().to_str().unwrap())
        .replace("/usr/local/bin/forerunner", env!("CARGO_BIN_EXE_forerunner"));
    for _ in 0..2 {
        let mut cron = Command::new("/bin/sh");
        cron.arg("-c").arg(&command).env_clear().current_dir("/");
        cron.envs([("HOME", "/"), ("LOGNAME", "nobody"), ("PATH", "/usr/bin:/bin"), ("SHELL", "/bin/sh")]);
        let output = cron.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "cron sends mail of what is said");
    }
    let runs = fs::read_dir(folder.path().join("out")).unwrap().count();
    assert!(runs >= 1);
}

#[test]
fn the_dag_and_the_workflow_parse() {
    if !has("python3") {
        return;
    }
    let dag = "docs/schedule/airflow_dag.py";
    // Where Airflow is installed the DAG is loaded, else parsed.
    let script = format!(
        "import ast, importlib.util, runpy\nif importlib.util.find_spec('airflow'):\n    runpy.run_path('{dag}')\nelse:\n    ast.parse(open('{dag}').read())\n\
         try:\n    import yaml\nexcept ImportError:\n    yaml = None\n\
         steps = yaml and yaml.safe_load(open('docs/schedule/github-actions.yml'))['jobs']['run']['steps']\nassert steps is None or len(steps) > 4"
    );
    let output = Command::new("python3").args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn commands_of_the_examples_are_commands() {
    let examples = ["forerunner@.service", "crontab", "github-actions.yml", "airflow_dag.py", "Containerfile"];
    let mut seen = 0;
    for example in examples {
        let text = fs::read_to_string(format!("docs/schedule/{example}")).unwrap();
        for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
            let flags =
                line.split(['"', ' ', ',']).filter(|word| word.starts_with("--") && line.contains("forerunner"));
            for flag in flags.filter(|flag| !["--release", "--locked", "--exit-code", "--from=build"].contains(flag)) {
                let help = Command::new(env!("CARGO_BIN_EXE_forerunner")).args(["run", "--help"]).output().unwrap();
                let verify =
                    Command::new(env!("CARGO_BIN_EXE_forerunner")).args(["verify", "--help"]).output().unwrap();
                let known =
                    String::from_utf8_lossy(&help.stdout).into_owned() + &String::from_utf8_lossy(&verify.stdout);
                assert!(known.contains(flag), "{example}: {flag}");
                seen += 1;
            }
        }
    }
    assert!(seen > 8, "{seen}");
}
