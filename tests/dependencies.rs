//! Crates come from one registry, under licences that `deny.toml` allows.

use std::process::Command;

use serde_json::Value;

#[test]
fn licences_and_sources_are_those_that_are_allowed() {
    let allowed: toml::Table = std::fs::read_to_string("deny.toml").unwrap().parse().unwrap();
    let allowed: Vec<&str> =
        allowed["licenses"]["allow"].as_array().unwrap().iter().map(|licence| licence.as_str().unwrap()).collect();
    let arguments = ["metadata", "--locked", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let (name, source) = (package["name"].as_str().unwrap(), package["source"].as_str());
        if name == "forerunner" {
            continue;
        }
        assert_eq!(source, Some("registry+https://github.com/rust-lang/crates.io-index"), "{name}");
        let licence = package["license"].as_str().unwrap_or("none");
        // Of alternatives one must do, of what holds together all.
        let one = |part: &str| {
            let parts =
                part.trim_matches(['(', ')', ' ']).split(" AND ").map(|part| part.trim_matches(['(', ')', ' ']));
            parts.into_iter().all(|part| allowed.contains(&part))
        };
        // Older crates write OR as a stroke.
        let licence = licence.replace('/', " OR ").replace("  ", " ");
        let top = licence.replace(") AND (", " AND ").replace(") AND ", " AND ").replace(" AND (", " AND ");
        assert!(top.split(" OR ").any(one), "{name}: {licence}");
    }
}

#[test]
fn nothing_is_unsafe() {
    let manifest: toml::Table = std::fs::read_to_string("Cargo.toml").unwrap().parse().unwrap();
    assert_eq!(manifest["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
}
