//! What somebody might plant: nothing is written elsewhere, nothing is live, nothing panics.

#![expect(clippy::unwrap_used, reason = "a test ends at the first thing that is not as it should be")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use forerunner::pipeline::cache::{Cache, decode};
use forerunner::pipeline::verify::verify;
use forerunner::pipeline::{self, Options, Pipeline};
use forerunner::report::manifest::Manifest;

fn copy_example(folder: &Path) {
    for entry in fs::read_dir("tests/cases/worked_example").unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, folder.join(path.file_name().unwrap())).unwrap();
    }
}

fn run(folder: &Path, more: &[&str]) -> std::process::Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    command.current_dir(folder).args(["-q", "run", "pipeline.toml", "--out", "out/run"]).args(more).output().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn links_planted_beside_and_in_the_folder_lead_nowhere() {
    let root = tempfile::tempdir().unwrap();
    let (here, elsewhere) = (root.path().join("here"), root.path().join("elsewhere"));
    fs::create_dir_all(here.join("out")).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    copy_example(&here);
    fs::write(elsewhere.join("precious"), "years of work").unwrap();
    let untouched = |what: &str| {
        assert_eq!(names(&elsewhere), ["precious"], "{what}");
        assert_eq!(fs::read_to_string(elsewhere.join("precious")).unwrap(), "years of work", "{what}");
    };
    // A lock, a folder of a run that was stopped, a cache, a file in it.
    symlink(elsewhere.join("precious"), here.join("out/.run.lock")).unwrap();
    assert_eq!(run(&here, &[]).status.code(), Some(1));
    untouched("lock");
    fs::remove_file(here.join("out/.run.lock")).unwrap();
    symlink(&elsewhere, here.join("out/.run.partial")).unwrap();
    symlink(&elsewhere, here.join("out/.run.cache")).unwrap();
    assert!(run(&here, &[]).status.success());
    untouched("partial and cache");
    fs::remove_file(here.join("out/.run.cache")).unwrap();
    assert!(run(&here, &["--set", "title=another"]).status.success());
    for file in names(&here.join("out/.run.cache")) {
        let file = here.join("out/.run.cache").join(&file);
        fs::remove_file(&file).unwrap();
        symlink(elsewhere.join("precious"), &file).unwrap();
        let unfinished = file.with_file_name(format!("{}.partial", file.file_name().unwrap().to_str().unwrap()));
        symlink(elsewhere.join("precious"), unfinished).unwrap();
    }
    assert!(run(&here, &["--set", "title=a third"]).status.success());
    untouched("files of the cache");
    // The user's own links move along as links, also one that leads to everything.
    symlink("/", here.join("out/run/everything")).unwrap();
    symlink(&here, here.join("out/run/above")).unwrap();
    assert!(run(&here, &["--set", "title=a fourth", "--keep", "1"]).status.success());
    assert!(fs::symlink_metadata(here.join("out/run/everything")).unwrap().is_symlink());
    verify(&here.join("out/run"), true, None).unwrap();
    assert!(run(&here, &["--set", "title=a fifth", "--keep", "0"]).status.success());
    untouched("links in the folder");
    assert!(here.join("pipeline.toml").exists());
    let mut again = Command::new(env!("CARGO_BIN_EXE_forerunner"));
    let told = again.current_dir(&elsewhere).args(["reproduce", "../here/out/run"]).output().unwrap();
    assert!(told.status.success(), "from another folder: {}", String::from_utf8_lossy(&told.stderr));
}

#[test]
fn names_in_data_and_settings_are_no_paths() {
    let root = tempfile::tempdir().unwrap();
    let here = root.path().join("a/b");
    fs::create_dir_all(&here).unwrap();
    copy_example(&here);
    let before = names(root.path());
    let text = fs::read_to_string(here.join("pipeline.toml")).unwrap();
    // A member of an archive that climbs out.
    let ports = fs::read(here.join("ports.csv")).unwrap();
    let file = fs::File::create(here.join("ports.zip")).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::STORE);
    archive.start_file("../../x", options).unwrap();
    archive.write_all(&ports).unwrap();
    archive.finish().unwrap();
    fs::write(here.join("pipeline.toml"), text.replace("ports.csv", "ports.zip")).unwrap();
    let output = run(&here, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A layer, and a pipeline, of such a name.
    for evil in ["[layers.\"../../x\"]", "[layers.\"/tmp/x\"]"] {
        fs::write(here.join("pipeline.toml"), text.replacen("[layers.ports]", evil, 1)).unwrap();
        let output = run(&here, &[]);
        assert_eq!(output.status.code(), Some(2), "{evil}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for evil in ["name=\"../../x\"", "name=\"/tmp/x\"", "name=\"..\""] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forerunner"));
        fs::write(here.join("pipeline.toml"), &text).unwrap();
        let output = command.current_dir(&here).args(["-q", "run", "pipeline.toml", "--set", evil]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{evil}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(names(root.path()), before);
    assert_eq!(names(&root.path().join("a")), ["b"]);
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % count.max(1) as u64) as usize
    }

    /// Bytes with a few of them changed, taken away, or put there twice.
    fn mutated(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let some = self.below(12).min(bytes.len() - at);
            match self.below(4) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => _ = bytes.drain(at..at + some),
                2 => {
                    let piece = bytes[at..at + some].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => bytes[at] = *b"\"'[]{}=.,\n0-9e"[..].get(self.below(14)).unwrap_or(&0),
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    }
}

#[test]
fn no_pipeline_file_manifest_or_cache_makes_the_program_panic() {
    let folder = tempfile::tempdir().unwrap();
    copy_example(folder.path());
    let path = folder.path().join("pipeline.toml");
    let out = folder.path().join("run");
    let pipeline = Pipeline::load(&path, &[]).unwrap();
    pipeline::update(&pipeline, &out, &Options::default(), &|_, _| {}).unwrap();
    let mut random = Random(7);
    let text = fs::read(&path).unwrap();
    let template = fs::read("templates/pipeline-file.toml").unwrap();
    for number in 0..1500 {
        let bytes = random.mutated(if number % 2 == 0 { &text } else { &template });
        fs::write(&path, bytes).unwrap();
        let _ = Pipeline::load(&path, &[]);
    }
    fs::write(&path, &text).unwrap();
    let manifest = fs::read(out.join("manifest.json")).unwrap();
    for _ in 0..1000 {
        let bytes = random.mutated(&manifest);
        assert!(!Manifest::is_whole(&bytes) || bytes == manifest);
        fs::write(out.join("manifest.json"), bytes).unwrap();
        if let Ok(manifest) = Manifest::read(&out) {
            let _ = Pipeline::of_manifest(&manifest, folder.path(), &path);
        }
    }
    fs::write(out.join("manifest.json"), &manifest).unwrap();
    let cache = Cache::of(&out);
    for name in ["measure", "known", "uncertainty", "delineate"] {
        let Ok(bytes) = fs::read(cache.folder().join(name)) else { continue };
        for _ in 0..300 {
            let other = random.mutated(&bytes);
            assert!(other == bytes || decode::<serde_json::Value>(&other, "").is_none(), "{name}");
        }
    }
}
