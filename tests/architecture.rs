//! The order of the modules in `lib.rs` is the order of the data's path: a module names only those above it.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::fs;
use std::path::{Path, PathBuf};

use forerunner::report::columns;

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| sources(&entry.unwrap().path(), found));
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        found.push(path.to_path_buf());
    }
}

fn modules() -> Vec<String> {
    let lib = fs::read_to_string("src/lib.rs").unwrap();
    let names = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    names.map(str::to_owned).collect()
}

/// `module` uses of a text that are not declared above it.
fn upward(module: &str, text: &str, order: &[String]) -> Vec<String> {
    let own = order.iter().position(|name| name == module).unwrap();
    let after = text
        .split("crate::")
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap());
    after
        .filter(|name| order.iter().position(|known| known == name).is_some_and(|at| at > own))
        .map(str::to_owned)
        .collect()
}

#[test]
fn modules_point_one_way() {
    let order = modules();
    let stages = ["sources", "validate", "delineate", "measure", "score", "classify", "report", "pipeline"];
    let found: Vec<&String> = order.iter().filter(|name| stages.contains(&name.as_str())).collect();
    assert_eq!(found, stages.iter().collect::<Vec<_>>(), "lib.rs lists the stages in the data's order");
    for module in &order {
        let (folder, file) = (Path::new("src").join(module), Path::new("src").join(format!("{module}.rs")));
        let mut files = Vec::new();
        sources(if folder.exists() { &folder } else { &file }, &mut files);
        assert!(!files.is_empty(), "{module}");
        for file in files {
            let back = upward(module, &fs::read_to_string(&file).unwrap(), &order);
            assert!(back.is_empty(), "{} uses {back:?}, declared below it", file.display());
        }
    }
}

#[test]
fn a_planted_violation_is_caught() {
    let order = modules();
    assert_eq!(upward("score", "use crate::classify::Level; use crate::error::Result;", &order), ["classify"]);
}

/// Every key of the pipeline file has a stage that reads it first.
#[test]
fn every_key_has_its_stage() {
    let schema = forerunner::pipeline::schema();
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().filter(|key| *key != "extends").collect();
    let unread: Vec<_> = keys.iter().filter(|key| forerunner::stage::reading(key).is_none()).collect();
    assert!(keys.len() > 15 && unread.is_empty(), "{unread:?}: give it a line in src/stage.rs");
    let first = |key: &str| forerunner::stage::reading(key).unwrap().first.as_str();
    let read = ["indicators.port.expr", "indicators.port.worst", "indicators.port.lever.what", "delineate.radius_km"];
    assert_eq!(read.map(first), ["measure", "score", "report", "delineate"]);
}

/// `docs/pipeline.schema.json` is generated: `forerunner schema > docs/pipeline.schema.json`.
#[test]
fn the_schema_in_docs_is_the_programs() {
    let kept: serde_json::Value =
        serde_json::from_str(&fs::read_to_string("docs/pipeline.schema.json").unwrap()).unwrap();
    assert!(kept == forerunner::pipeline::schema(), "run: forerunner schema > docs/pipeline.schema.json");
}

/// `docs/formats` is generated: `UPDATE_EXPECTED=1 cargo test --test architecture`.
#[test]
fn the_pages_of_columns_are_current() {
    let mut pages = vec![("README".to_owned(), columns::index())];
    pages.extend(columns::TABLES.iter().map(|table| (table.name.to_owned(), table.page())));
    let folder = Path::new("docs/formats");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::create_dir_all(folder).unwrap();
        pages.iter().for_each(|(name, page)| fs::write(folder.join(format!("{name}.md")), page).unwrap());
    }
    let mut kept: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    kept.sort_unstable();
    let mut wanted: Vec<String> = pages.iter().map(|(name, _)| format!("{name}.md")).collect();
    wanted.sort_unstable();
    assert_eq!(kept, wanted);
    for (name, page) in pages {
        let kept = fs::read_to_string(folder.join(format!("{name}.md"))).unwrap();
        assert!(kept == page, "docs/formats/{name}.md: UPDATE_EXPECTED=1 cargo test --test architecture");
    }
}
