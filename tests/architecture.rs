//! The order of the modules in `lib.rs` is the order of the data's path: a module names only those above it.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use forerunner::report::columns;
use regex::Regex;

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

/// A file of the program or the library as a module: `["validate", "table"]`.
type Module = Vec<String>;

fn module(path: &Path) -> Module {
    let inner = path.strip_prefix("src").unwrap().with_extension("");
    let parts = inner.iter().map(|part| part.to_str().unwrap().to_owned());
    parts.filter(|part| !["mod", "lib"].contains(&part.as_str())).collect()
}

/// A `use` as paths, groups taken apart: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn paths(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in inner.chars() {
        depth += i32::from(letter == '{') - i32::from(letter == '}');
        match letter {
            ',' if depth == 0 => parts.push(String::new()),
            letter => parts.last_mut().unwrap().push(letter),
        }
    }
    let whole = parts.iter().filter(|part| !part.trim().is_empty());
    whole.flat_map(|part| paths(&format!("{}{}", before.trim(), part.trim()))).collect()
}

/// What a text names of this crate, as it names it: in `use` and in place, but for its tests.
fn named(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let code: String = code.lines().map(|line| line.split("//").next().unwrap().to_owned() + "\n").collect();
    let uses = Regex::new(r"(?s)\buse\s+((?:crate|self|super)\b[^;]*);").unwrap();
    let mut found: Vec<String> = uses.captures_iter(&code).flat_map(|found| paths(&found[1])).collect();
    let rest = uses.replace_all(&code, "");
    let in_place = Regex::new(r"\b(?:crate|super)(?:::\w+)+").unwrap();
    found.extend(in_place.find_iter(&rest).map(|path| path.as_str().to_owned()));
    found
}

/// What a `mod.rs` takes from the files below it, by name: who asks it for such a name asks the file.
fn handed_on(at: &Module, text: &str, modules: &BTreeSet<Module>) -> Vec<((Module, String), Module)> {
    let uses = Regex::new(r"(?s)\buse\s+((?:\w+::)[^;]*);").unwrap();
    let named = uses.captures_iter(text).flat_map(|found| paths(&found[1])).collect::<Vec<_>>();
    let child = |path: String| {
        let (first, rest) = path.split_once("::")?;
        let child = [at.as_slice(), &[first.to_owned()]].concat();
        let name = rest.rsplit("::").next()?.trim().to_owned();
        modules.contains(&child).then_some(((at.clone(), name), child))
    };
    named.into_iter().filter_map(child).collect()
}

/// The module that a path leads to, as seen from another: the longest of those that there are.
fn target(from: &Module, path: &str, modules: &BTreeSet<Module>, handed: &Handed) -> Option<Module> {
    let mut place: Module = from.clone();
    let mut parts = path.split("::").peekable();
    match parts.peek() {
        Some(&"crate") => place.clear(),
        Some(&"super") => {}
        Some(&"self") => {}
        _ => return None,
    }
    while let Some(part) = parts.next_if(|part| ["crate", "self", "super"].contains(part)) {
        if part == "super" {
            place.pop();
        }
    }
    place.extend(parts.map(|part| part.trim().to_owned()));
    let length = (0..=place.len()).rev().find(|&length| modules.contains(&place[..length]))?;
    let name = place.get(length).cloned().unwrap_or_default();
    let found = place[..length].to_vec();
    Some(handed.get(&(found.clone(), name)).cloned().unwrap_or(found))
}

/// The file behind each name that a module hands on.
type Handed = BTreeMap<(Module, String), Module>;

/// Modules that use one another in a circle, each with the next.
fn circle(uses: &BTreeMap<Module, BTreeSet<Module>>) -> Option<Vec<Module>> {
    fn visit(
        at: &Module,
        uses: &BTreeMap<Module, BTreeSet<Module>>,
        path: &mut Vec<Module>,
        done: &mut BTreeSet<Module>,
    ) -> Option<Vec<Module>> {
        if let Some(start) = path.iter().position(|known| known == at) {
            return Some(path[start..].to_vec());
        }
        if !done.insert(at.clone()) {
            return None;
        }
        path.push(at.clone());
        let found = uses.get(at).into_iter().flatten().find_map(|next| visit(next, uses, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    uses.keys().find_map(|at| visit(at, uses, &mut Vec::new(), &mut done))
}

fn uses_of(texts: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let modules: BTreeSet<Module> = texts.keys().cloned().collect();
    let handed: Handed = texts.iter().flat_map(|(at, text)| handed_on(at, text, &modules)).collect();
    let of = |(from, text): (&Module, &String)| {
        let targets = named(text).iter().filter_map(|path| target(from, path, &modules, &handed)).collect::<Vec<_>>();
        (from.clone(), targets.into_iter().filter(|to| to != from).collect())
    };
    texts.iter().map(of).collect()
}

/// Files below a folder use what its `mod.rs` declares; files beside one another point one way, in the program too.
#[test]
fn no_files_go_in_a_circle() {
    let mut files = Vec::new();
    sources(Path::new("src"), &mut files);
    let texts: BTreeMap<Module, String> =
        files.iter().map(|path| (module(path), fs::read_to_string(path).unwrap())).collect();
    let uses = uses_of(&texts);
    let count: usize = uses.values().map(BTreeSet::len).sum();
    assert!(uses.len() > 150 && count > 500, "{} files, {count} uses", uses.len());
    assert_eq!(circle(&uses), None);
}

#[test]
fn a_planted_circle_is_caught() {
    let texts = |b: &str| -> BTreeMap<Module, String> {
        let text = [("x/a", "use super::b::{self, B};"), ("x/b", b), ("x", "mod a;\nmod b;\npub use a::{A, Other};")];
        text.map(|(path, text)| (path.split('/').map(str::to_owned).collect(), text.to_owned())).into()
    };
    assert_eq!(circle(&uses_of(&texts("use std::fmt;"))), None);
    for b in ["use crate::{error::Error, x::{a::A}};", "fn f() { super::a::g() }", "use super::Other;"] {
        assert!(circle(&uses_of(&texts(b))).is_some(), "{b}");
    }
}

/// What goes with its table: the tree and its numbers, what makes a type.
const WHOLE: [&str; 33] = [
    "indicators.*.id",
    "indicators.*.parent",
    "indicators.*.weight",
    "indicators.*.worst",
    "indicators.*.crossover",
    "indicators.*.best",
    "indicators.*.scale",
    "indicators.*.lever.what",
    "dimensions.*.id",
    "dimensions.*.aggregate",
    "dimensions.*.floor",
    "components.*.aggregate",
    "components.*.floor",
    "components.*.id",
    "components.*.min_available",
    "components.*.parent",
    "components.*.weight",
    "dimensions.*.min_available",
    "indicators.*.direction",
    "indicators.*.impute",
    "indicators.*.normalise",
    "indicators.*.target",
    "indicators.*.treat",
    "score.impute",
    "score.min_available",
    "score.normalise",
    "score.screen",
    "score.treat",
    "score.weights",
    "typology.types.*.number",
    "typology.types.*.when",
    "typology.moves.*.from",
    "typology.moves.*.to",
];

/// Every key of the pipeline file has a stage that reads it first; those of tables that several stages read, each its own.
#[test]
fn every_key_has_its_stage() {
    let schema = forerunner::pipeline::schema();
    let keys: Vec<&String> = schema["properties"].as_object().unwrap().keys().filter(|key| *key != "extends").collect();
    let unread: Vec<_> = keys.iter().filter(|key| forerunner::stage::use_of(key).is_none()).collect();
    assert!(keys.len() > 15 && unread.is_empty(), "{unread:?}: give it a line in src/stage.rs");
    let below = |table: &str, prefix: &str| -> Vec<String> {
        let keys = schema["$defs"][table]["properties"].as_object().unwrap().keys();
        keys.map(|key| format!("{prefix}.*.{key}")).collect()
    };
    let mut all: BTreeSet<String> = below("Indicator", "indicators").into_iter().collect();
    all.extend(below("Dimension", "dimensions").into_iter().chain(below("ClusterType", "typology.types")));
    all.extend(below("NamedMove", "typology.moves"));
    all.extend(below("Component", "components"));
    all.extend(below("Scoring", "score").iter().map(|key| key.replace(".*", "")));
    all.extend(below("LeverWords", "lever").iter().map(|key| key.replace("lever.*", "indicators.*.lever")));
    all.extend(["id", "source"].map(|key| format!("typology.{key}")));
    let patterns: BTreeSet<String> = forerunner::stage::patterns().map(str::to_owned).collect();
    let stale: Vec<_> = patterns.iter().filter(|pattern| pattern.contains('.') && !all.contains(*pattern)).collect();
    assert!(stale.is_empty(), "{stale:?}: no such key");
    let open: Vec<_> = all.iter().filter(|key| !patterns.contains(*key) && !WHOLE.contains(&key.as_str())).collect();
    assert!(open.is_empty(), "{open:?}: which stage reads it first? src/stage.rs, or the list here");
    let first = |key: &str| forerunner::stage::use_of(key).unwrap().first.as_str();
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

/// `docs/pipeline-file.md` is generated: `UPDATE_EXPECTED=1 cargo test --test architecture`.
#[test]
fn the_reference_of_the_pipeline_file_is_current() {
    let page = forerunner::pipeline::reference::reference(&forerunner::pipeline::schema());
    let path = Path::new("docs/pipeline-file.md");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(path, &page).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap() == page, "UPDATE_EXPECTED=1 cargo test --test architecture");
    // Every table has an example, and the examples are together a pipeline file.
    let tables = page.matches("\n## ").count();
    assert!(tables > 15 && page.matches("\n```toml\n").count() == tables, "{tables}");
    let blocks: String =
        page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned() + "\n").collect();
    let example = fs::read_to_string("templates/pipeline-file.toml").unwrap();
    let lines = |text: &str| text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(lines(&blocks), lines(&example), "the page shows the whole example");
    let file: forerunner::pipeline::PipelineFile = toml::from_str(&example).unwrap();
    assert!(file.layers.len() == 2 && file.initiatives.is_some());
    // No key goes without a word.
    let silent: Vec<&str> = page.lines().filter(|line| line.starts_with("| `") && line.ends_with("|  |")).collect();
    assert!(silent.is_empty(), "{silent:?}");
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
