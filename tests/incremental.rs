//! What is kept between runs changes nothing: cached and fresh runs have the same bytes, whatever changed. And what a run says of
//! itself can be checked.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

mod few;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use forerunner::pipeline::cache::Cache;
use forerunner::pipeline::fresh;
use forerunner::pipeline::inputs::Known;
use forerunner::pipeline::keys::{Keys, Rests, first_reader};
use forerunner::pipeline::verify::verify;
use forerunner::pipeline::{self, Options, Pipeline};
use forerunner::report::manifest::Manifest;
use forerunner::stage::{Stage, leaves};
use serde_json::Value;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }
}

const EXAMPLE: &str = "tests/cases/worked_example";

/// A copy of the worked example.
fn example() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_example(folder.path());
    folder
}

fn copy_example(folder: &Path) {
    for entry in fs::read_dir(EXAMPLE).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if !name.to_string_lossy().starts_with("expected") {
            fs::copy(&path, folder.join(name)).unwrap();
        }
    }
}

/// All files of a run; the manifest without its timing.
fn files(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = fs::read(&path).unwrap();
        if name != "manifest.json" {
            return (name, bytes);
        }
        let mut manifest: Value = serde_json::from_slice(&bytes).unwrap();
        manifest.as_object_mut().unwrap().remove("timing");
        manifest.as_object_mut().unwrap().remove("pipeline_file");
        (name, manifest.to_string().into_bytes())
    };
    fs::read_dir(run).unwrap().map(|entry| read(entry.unwrap().path())).collect()
}

fn differing(a: &Path, b: &Path) -> Vec<String> {
    let (a, b) = (files(a), files(b));
    let mut names: Vec<&String> = a.keys().chain(b.keys()).collect();
    names.sort();
    names.dedup();
    names.into_iter().filter(|name| a.get(*name) != b.get(*name)).cloned().collect()
}

fn update(pipeline: &Pipeline, out: &Path) -> forerunner::Result<Option<pipeline::Outcome>> {
    pipeline::update(pipeline, out, &Options::default(), &|_, _| {})
}

fn forerunner(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    command.current_dir(folder);
    command
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = forerunner(folder).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout) + &text(&output.stderr)
}

fn fails(folder: &Path, arguments: &[&str], status: i32) -> String {
    let output = forerunner(folder).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
    text
}

/// One setting as `--set` takes it, with another value.
fn other_setting(file: &Value, random: &mut Random) -> Option<String> {
    let all = leaves(file);
    let (key, value) = &all[random.below(all.len())];
    // These cannot be set one by one, and paths would be looked for.
    if key.contains("typology.") || key.ends_with(".path") || key.starts_with("facilities.columns") {
        return None;
    }
    let value = match value {
        Value::Bool(truth) => (!truth).to_string(),
        Value::Number(number) if number.is_u64() => (number.as_u64()? + 1 + random.next() % 3).to_string(),
        Value::Number(number) => format!("{:?}", number.as_f64()? * (0.5 + random.below(100) as f64 / 100.0)),
        Value::String(text) if key.ends_with("title") || key.ends_with("description") => format!("\"{text} more\""),
        _ => return None,
    };
    Some(format!("{key}={value}"))
}

/// Changes a file of the folder: a cell, a row taken away, a row given twice, or nothing but its time.
fn change_data(folder: &Path, random: &mut Random) -> String {
    let names = [
        "facilities.csv",
        "figures.csv",
        "ports.csv",
        "supply.csv",
        "members.csv",
        "renewables.csv",
        "collaboration.csv",
    ];
    let path = folder.join(names[random.below(names.len())]);
    let text = fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let line = 1 + random.below(lines.len() - 1);
    let what = match random.below(4) {
        0 => "a row less",
        1 => "a row twice",
        2 => "a number",
        _ => "nothing",
    };
    match what {
        "a row less" if lines.len() > 4 => _ = lines.remove(line),
        "a row twice" => lines.push(lines[line].clone()),
        "a number" => {
            let cells: Vec<&str> = lines[line].split(',').collect();
            let at = random.below(cells.len());
            let cell =
                cells[at].parse::<f64>().map_or_else(|_| cells[at].to_owned(), |number| format!("{}", number * 1.01));
            let changed =
                cells.iter().enumerate().map(|(position, own)| if position == at { cell.as_str() } else { own });
            lines[line] = changed.collect::<Vec<_>>().join(",");
        }
        _ => {}
    }
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    format!("{}: {what} at line {}", path.display(), line + 1)
}

/// Changes that the random test makes; `INCREMENTAL_CHANGES` sets another number.
fn changes() -> usize {
    std::env::var("INCREMENTAL_CHANGES").ok().and_then(|count| count.parse().ok()).unwrap_or(60)
}

#[test]
fn cached_and_fresh_runs_have_the_same_bytes_after_random_changes() {
    let folder = example();
    let path = folder.path().join("pipeline.toml");
    let (cached, fresh) = (folder.path().join("cached"), folder.path().join("fresh"));
    let mut random = Random(22);
    let mut set: Vec<String> = Vec::new();
    let mut ran = 0;
    for number in 0..changes() {
        let file = serde_json::to_value(&Pipeline::load(&path, &[]).unwrap().file).unwrap();
        let told = match random.below(3) {
            0 => change_data(folder.path(), &mut random),
            1 => std::mem::take(&mut set).join(", ") + " taken back",
            _ => match other_setting(&file, &mut random) {
                Some(one) => {
                    set.push(one.clone());
                    one
                }
                None => continue,
            },
        };
        let Ok(pipeline) = Pipeline::load(&path, &set) else {
            set.pop();
            continue;
        };
        let again = update(&pipeline, &cached);
        let anew = pipeline::run(&pipeline, &fresh, None, &|_, _| {});
        match (again, anew) {
            (Ok(_), Ok(_)) => {
                ran += 1;
                assert_eq!(differing(&cached, &fresh), Vec::<String>::new(), "change {number}: {told}; set: {set:?}");
            }
            (Err(again), Err(anew)) => {
                assert_eq!(again.to_string(), anew.to_string(), "{told}");
                set.pop();
                copy_example(folder.path());
            }
            (again, anew) => panic!("{told}: {:?} and {:?}", again.err(), anew.err()),
        }
    }
    assert!(ran > changes() / 2, "only {ran} of the changes ran");
}

#[test]
fn shipped_pipelines_come_out_the_same_cached_and_fresh_and_reproduce() {
    for name in ["great-britain", "three-profiles", "initiatives", "reference/hdi-2022"] {
        let path = PathBuf::from(format!("pipelines/{name}.toml"));
        let folder = tempfile::tempdir().unwrap();
        let (cached, fresh) = (folder.path().join("cached"), folder.path().join("fresh"));
        let set = few::few(&path);
        update(&Pipeline::load(&path, &set).unwrap(), &cached).unwrap().unwrap();
        let pipeline = Pipeline::load(&path, &[set, vec!["title=another".into()]].concat()).unwrap();
        update(&pipeline, &cached).unwrap().unwrap();
        pipeline::run(&pipeline, &fresh, None, &|_, _| {}).unwrap();
        assert_eq!(differing(&cached, &fresh), Vec::<String>::new(), "{name}");
        assert!(update(&pipeline, &cached).unwrap().is_none(), "{name}: nothing has changed");
        verify(&cached, true, None).unwrap();
        pipeline::verify::reproduce(&cached, None, None, &|_, _| {}).unwrap();
    }
}

/// The stages whose keys differ.
fn stale(a: &Keys, b: &Keys) -> Vec<Stage> {
    Stage::ALL.into_iter().filter(|stage| a.get(*stage) != b.get(*stage)).collect()
}

#[test]
fn every_key_makes_the_stages_stale_from_its_first_reader_on() {
    use Stage::{Backtest, Classify, Delineate, Measure, Report, Score, Uncertainty, Validate};
    let pipeline = Pipeline::load(Path::new("pipelines/great-britain.toml"), &[]).unwrap();
    let rests = Rests { inputs: &[], of_scenarios: &[], pipeline_sha256: "", previous: None };
    let before = Keys::of(&pipeline, rests);
    let file = serde_json::to_value(&pipeline.file).unwrap();
    // An id is a part of the keys below it, whoever reads them.
    let is_id = |key: &String| key.ends_with(".id") || key.ends_with(".number");
    let keys: Vec<String> = leaves(&file).into_iter().map(|(key, _)| key).filter(|key| !is_id(key)).collect();
    let mut tried = BTreeMap::new();
    for key in &keys {
        let Some(file) = with_another(&file, key) else { continue };
        let after = Keys::of_settings(&file, &pipeline.inherited, rests);
        let first = first_reader(key);
        let wanted: Vec<Stage> = Stage::ALL.into_iter().filter(|stage| *stage >= first).collect();
        assert_eq!(stale(&before, &after), wanted, "{key}");
        *tried.entry(first).or_insert(0) += 1;
    }
    assert!(tried.len() >= 6 && tried.values().sum::<usize>() > 150, "{tried:?}");
    // By hand, as a reader of the method would say it.
    for (key, first) in [
        ("title", Report),
        ("outputs.report", Report),
        ("expect.x.sql", Report),
        ("backtest.resamples", Backtest),
        ("backtest.top", Backtest),
        ("uncertainty.replicates", Uncertainty),
        ("classify.coverage_floor", Classify),
        ("dimensions.locational_advantage.threshold", Classify),
        ("indicators.storage_distance.best", Score),
        ("indicators.storage_distance.weight", Score),
        ("components.net_zero_elements.weight", Score),
        ("score.normalise", Score),
        ("indicators.storage_distance.expr", Measure),
        ("dispersed.by", Measure),
        ("delineate.radius_km", Delineate),
        ("facilities.path", Validate),
        ("layers.ports.within_km", Validate),
        ("an.unknown.key", Validate),
    ] {
        let known = if key.starts_with("backtest") { Uncertainty } else { first };
        assert!(first_reader(key) == first || first_reader(key) == known, "{key}: {:?}", first_reader(key));
    }
}

/// The file with another value of one key.
fn with_another(file: &Value, key: &str) -> Option<Value> {
    let mut file = file.clone();
    let mut at = &mut file;
    let mut rest = key;
    while !rest.is_empty() {
        at = match at {
            // Names may have points in them.
            Value::Object(table) => {
                let name =
                    table.keys().find(|name| rest == name.as_str() || rest.starts_with(&format!("{name}.")))?.clone();
                rest = rest[name.len()..].trim_start_matches('.');
                table.get_mut(&name)?
            }
            Value::Array(items) => {
                let (id, left) = rest.split_once('.').unwrap_or((rest, ""));
                rest = left;
                let is_it = |item: &Value| {
                    item["id"] == id || item["number"].as_i64().map(|number| number.to_string()).as_deref() == Some(id)
                };
                let position = items.iter().position(is_it).or_else(|| id.parse().ok())?;
                items.get_mut(position)?
            }
            _ => return None,
        };
    }
    let other = match &*at {
        Value::Bool(truth) => Value::from(!truth),
        Value::Number(number) if number.is_f64() => Value::from(number.as_f64()? * 1.5 + 1.0),
        Value::Number(number) => Value::from(number.as_i64()? + 1),
        Value::String(text) => Value::from(format!("{text}x")),
        Value::Null => Value::from("x"),
        _ => return None,
    };
    *at = other;
    Some(file)
}

#[test]
fn plan_says_what_made_a_stage_stale() {
    let folder = example();
    let here = folder.path();
    let plan = |arguments: &[&str]| succeeds(here, &[&["plan", "pipeline.toml", "--out", "run"], arguments].concat());
    assert!(plan(&[]).contains("there is no run yet"));
    succeeds(here, &["-q", "run", "pipeline.toml", "--out", "run"]);
    assert!(plan(&[]).contains("nothing to do"));
    let text = fs::read_to_string(here.join("pipeline.toml")).unwrap();
    fs::write(here.join("pipeline.toml"), format!("# A comment\n{text}")).unwrap();
    assert!(plan(&[]).contains("nothing to do"), "a comment makes nothing stale");
    let told = plan(&["--set", "title=Another"]);
    assert!(told.contains("title: ") && told.contains("-> \"Another\""), "{told}");
    assert_eq!(told.matches("stale").count(), 1, "{told}");
    let facilities = fs::read_to_string(here.join("facilities.csv")).unwrap();
    let last = facilities.lines().last().unwrap();
    fs::write(here.join("facilities.csv"), format!("{facilities}new-{last}\n")).unwrap();
    let told = plan(&[]);
    assert!(told.contains("facilities: facilities.csv has changed: ") && told.contains(" rows, +1"), "{told}");
    let json: Value =
        serde_json::from_str(&succeeds(here, &["-q", "plan", "pipeline.toml", "--out", "run", "--json"])).unwrap();
    assert_eq!((&json["up_to_date"], &json["stages"][0]["fresh"]), (&Value::from(false), &Value::from(false)));
    fs::write(here.join("facilities.csv"), &facilities).unwrap();
    assert!(plan(&[]).contains("nothing to do"), "the file is what it was");
    succeeds(here, &["clean", "run"]);
    let told = plan(&["--set", "title=Another"]);
    assert!(told.contains("not kept"), "{told}");
    fs::write(here.join("run/clusters.csv"), "mine").unwrap();
    assert!(plan(&[]).contains("missing or was changed"));
    succeeds(here, &["-q", "run", "pipeline.toml", "--out", "run"]);
    verify(&here.join("run"), false, None).unwrap();
}

#[test]
fn a_damaged_cache_is_a_stale_one() {
    let folder = example();
    let path = folder.path().join("pipeline.toml");
    let (cached, fresh) = (folder.path().join("cached"), folder.path().join("fresh"));
    let pipeline = |title: &str| Pipeline::load(&path, &[format!("title=run {title}")]).unwrap();
    update(&pipeline("0"), &cached).unwrap();
    let cache = Cache::of(&cached);
    let kept: Vec<PathBuf> = fs::read_dir(cache.folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(kept.len() >= 5, "{kept:?}");
    let mut random = Random(5);
    for (number, file) in kept.iter().cycle().take(3 * kept.len()).enumerate() {
        let mut bytes = fs::read(file).unwrap_or_default();
        match number % 3 {
            0 => bytes.truncate(bytes.len() / 2),
            1 if !bytes.is_empty() => {
                let at = random.below(bytes.len());
                bytes[at] ^= 1 << random.below(8);
            }
            _ => bytes.clear(),
        }
        fs::write(file, bytes).unwrap();
        let pipeline = pipeline(&format!("{number}x"));
        update(&pipeline, &cached).unwrap().unwrap();
        pipeline::run(&pipeline, &fresh, None, &|_, _| {}).unwrap();
        assert_eq!(differing(&cached, &fresh), Vec::<String>::new(), "{}", file.display());
    }
}

#[test]
fn one_flipped_bit_is_found_in_every_file() {
    let folder = example();
    let pipeline = Pipeline::load(&folder.path().join("pipeline.toml"), &[]).unwrap();
    let run = folder.path().join("run");
    update(&pipeline, &run).unwrap();
    verify(&run, true, None).unwrap();
    let mut random = Random(1);
    for entry in fs::read_dir(&run).unwrap() {
        let path = entry.unwrap().path();
        let whole = fs::read(&path).unwrap();
        for _ in 0..100 {
            let mut bytes = whole.clone();
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
            fs::write(&path, bytes).unwrap();
            assert!(verify(&run, false, None).is_err(), "{} at {at}", path.display());
        }
        fs::write(&path, &whole).unwrap();
    }
    verify(&run, true, None).unwrap();
    fs::remove_file(run.join("clusters.csv")).unwrap();
    let told = fails(folder.path(), &["verify", "run"], 1);
    assert!(told.contains("clusters.csv"), "{told}");
    let supply = folder.path().join("supply.csv");
    fs::write(&supply, fs::read_to_string(&supply).unwrap() + "\n").unwrap();
    let told = fails(folder.path(), &["verify", "--inputs", "run"], 1);
    assert!(told.contains("supply.csv: is not as the run read it"), "{told}");
}

#[test]
fn the_manifest_fits_its_schema_and_holds_the_pipeline() {
    let folder = example();
    let run = folder.path().join("run");
    let pipeline = Pipeline::load(&folder.path().join("pipeline.toml"), &["delineate.radius_km=6".into()]);
    let pipeline = pipeline.unwrap_or_else(|_| Pipeline::load(&folder.path().join("pipeline.toml"), &[]).unwrap());
    update(&pipeline, &run).unwrap();
    let manifest = Manifest::read(&run).unwrap();
    assert_eq!(manifest.method_version, forerunner::METHOD_VERSION);
    let again = Pipeline::of_manifest(&manifest, folder.path(), &run).unwrap();
    assert_eq!(again.sha256, pipeline.sha256);
    assert_eq!(serde_json::to_value(&again.file).unwrap(), serde_json::to_value(&pipeline.file).unwrap());
    let text = fs::read_to_string("docs/manifest.schema.json").unwrap();
    assert_eq!(text.trim(), serde_json::to_string_pretty(&forerunner::report::manifest::schema()).unwrap());
    let schema: Value = serde_json::from_str(&text).unwrap();
    let value = serde_json::to_value(&manifest).unwrap();
    for key in value.as_object().unwrap().keys() {
        assert!(schema["properties"].get(key).is_some(), "{key} is not in the schema");
    }
}

#[test]
fn a_lock_refuses_changed_files_and_says_which() {
    let folder = example();
    let here = folder.path();
    let told = fails(here, &["run", "--locked", "pipeline.toml", "--out", "run"], 2);
    assert!(told.contains("forerunner lock"), "{told}");
    succeeds(here, &["lock", "pipeline.toml"]);
    succeeds(here, &["run", "--locked", "pipeline.toml", "--out", "run"]);
    let text = fs::read_to_string(here.join("members.csv")).unwrap();
    fs::write(here.join("members.csv"), format!("{text}\n")).unwrap();
    let told = fails(here, &["run", "--locked", "pipeline.toml", "--out", "run"], 3);
    assert!(told.contains("members.csv: has changed since it was locked"), "{told}");
    assert!(!told.contains("supply.csv"), "{told}");
    verify(&here.join("run"), false, None).unwrap();
    succeeds(here, &["lock", "pipeline.toml"]);
    succeeds(here, &["run", "--locked", "pipeline.toml", "--out", "run"]);
}

#[test]
fn earlier_runs_are_kept_and_thinned_out() {
    let folder = example();
    let here = folder.path();
    let listed = || {
        let names = fs::read_dir(here).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("run")).collect();
        names.sort();
        names
    };
    fs::create_dir(here.join("run.notes")).unwrap();
    for number in 0..4 {
        let title = format!("title=run {number}");
        succeeds(here, &["-q", "run", "pipeline.toml", "--out", "run", "--keep", "2", "--set", &title]);
    }
    let names = listed();
    assert_eq!(names.len(), 4, "{names:?}");
    for name in names.iter().filter(|name| *name != "run.notes") {
        verify(&here.join(name), false, None).unwrap();
    }
    succeeds(here, &["-q", "run", "pipeline.toml", "--out", "run", "--keep", "0", "--set", "title=z"]);
    assert_eq!(listed(), ["run", "run.notes"]);
}

#[test]
fn a_second_run_waits_for_the_first_where_it_is_told_to() {
    let folder = example();
    let here = folder.path();
    let held = pipeline::publish::Staging::hold(&here.join("run")).unwrap();
    fails(here, &["run", "pipeline.toml", "--out", "run"], 4);
    fails(here, &["run", "pipeline.toml", "--out", "run", "--wait", "1"], 4);
    let waiting = std::thread::spawn({
        let here = here.to_path_buf();
        move || succeeds(&here, &["run", "pipeline.toml", "--out", "run", "--wait", "60"])
    });
    std::thread::sleep(std::time::Duration::from_millis(700));
    drop(held);
    assert!(waiting.join().unwrap().contains("another run holds"));
    verify(&here.join("run"), false, None).unwrap();
}

#[test]
fn a_file_that_has_just_been_written_is_hashed_again() {
    let folder = example();
    let path = folder.path().join("pipeline.toml");
    let pipeline = Pipeline::load(&path, &[]).unwrap();
    let run = folder.path().join("run");
    update(&pipeline, &run).unwrap();
    // The same size, and put back to the same time: within the clock's tick nobody could tell.
    let file = folder.path().join("facilities.csv");
    let before = fs::metadata(&file).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    let digit = text.rfind(|letter: char| ('1'..'9').contains(&letter)).unwrap();
    let other = format!("{}9{}", &text[..digit], &text[digit + 1..]);
    fs::write(&file, other).unwrap();
    fs::File::options().write(true).open(&file).unwrap().set_modified(before.modified().unwrap()).unwrap();
    let plan = fresh::plan(&pipeline, (&run, None), false, || Ok(Vec::new())).unwrap();
    assert!(!plan.up_to_date);
    let known = pipeline::inputs::inputs(&pipeline, &mut Known::default()).unwrap();
    assert!(known.iter().any(|input| input.path == "facilities.csv"));
}
