//! Every folder of `tests/cases` with an `expected/` is a run: its exit status and its messages must come out, and so
//! must the tables in `snapshot/`. Those are the program's own: they show what a change of it changes, and prove no
//! number (the oracles do). `UPDATE_EXPECTED=1` rewrites both; review the diff.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn forerunner() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    command.env("NO_COLOR", "1");
    command
}

fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap())).collect()
}

/// An earlier run to stand in the way.
fn plant(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let clean = Path::new("tests/cases/clean_run/pipeline.toml");
    let status = forerunner().arg("run").arg(clean).arg("--out").arg(out).arg("-q").status().unwrap();
    assert!(status.success());
    files(out)
}

/// Compares with a file of `expected/` or `snapshot/`, or writes it.
/// Tables end their lines with CR LF; what is kept of them, with LF.
fn expect(path: &Path, found: &str, wrong: &mut Vec<String>) {
    let found = found.replace("\r\n", "\n");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(path, &found).unwrap();
    } else if fs::read_to_string(path).unwrap_or_default() != found {
        wrong.push(format!("{} differs; found:\n{found}", path.display()));
    }
}

#[test]
fn every_case_ends_as_expected() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    let mut folders: Vec<PathBuf> = fs::read_dir("tests/cases").unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for case in folders.into_iter().filter(|case| case.join("expected").exists()) {
        count += 1;
        let root = tempfile::tempdir().unwrap();
        let out = root.path().join("run");
        let before = plant(&out);
        let run =
            forerunner().current_dir(&case).args(["run", "pipeline.toml", "-q", "--out"]).arg(&out).output().unwrap();
        let status = run.status.code().unwrap();
        let said = format!("exit status {status}\n{}", String::from_utf8(run.stderr).unwrap());
        expect(&case.join("expected/stderr.txt"), &said, &mut wrong);
        assert!(run.stdout.is_empty(), "{}: stdout carries only what was asked for", case.display());
        if status != 0 {
            assert_eq!(files(&out), before, "{}: a failed run touched the earlier outputs", case.display());
            continue;
        }
        fs::create_dir_all(case.join("snapshot")).unwrap();
        let kept = fs::read_dir(case.join("snapshot")).unwrap().map(|entry| entry.unwrap().file_name());
        let kept = kept.map(|name| name.into_string().unwrap());
        let always = ["clusters.csv", "quarantine.csv", "findings.csv"].map(str::to_owned);
        for name in kept.chain(always).collect::<BTreeSet<String>>() {
            expect(&case.join("snapshot").join(&name), &fs::read_to_string(out.join(name)).unwrap(), &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 50, "only {count} cases were found");
}
