//! What people open: every format of one run over names that would like to be code, places at the edges of the globe,
//! and columns that formats cannot hold; the same bytes at any thread count; output folders that cannot be had.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

mod few;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use geo::{BoundingRect, Validation};
use polars_io::prelude::{ParquetReader, SerReader};
use rusqlite::Connection;
use serde_json::Value;

/// Names that would be markup, formulas, or lines of their own.
const NAMES: [&str; 6] = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\u{202e}مصنع الأسمنت\u{202c}",
    "+SUM(1,2)\r\n\"quoted\", \"&amp;\"",
    "' onmouseover='alert(1)",
    "]]></rule><x>{{7*7}}",
];

fn forerunner(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_forerunner")).env("NO_COLOR", "1").args(arguments).output().unwrap()
}

fn run(pipeline: &Path, out: &Path, more: &[&str]) {
    let few = few::few(pipeline);
    let set: Vec<&str> = few.iter().flat_map(|one| ["--set", one.as_str()]).collect();
    let plain = ["run", pipeline.to_str().unwrap(), "-q", "--out", out.to_str().unwrap()];
    let output = forerunner(&[&plain[..], &set, more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn names() -> Vec<String> {
    NAMES.iter().map(|name| (*name).to_owned()).chain(["x".repeat(300)]).collect()
}

/// A register of seven sites with those names near a place, each a neighbour of the next, and a pipeline over it that
/// writes every format.
fn pipeline(folder: &Path, places: &[(f64, f64)]) -> PathBuf {
    let mut register = csv::Writer::from_path(folder.join("register.csv")).unwrap();
    register.write_record(["id", "name", "firm", "branch", "lon", "lat", "t", "fid", "Geom", "a,b", "=x"]).unwrap();
    for (at, name) in names().iter().enumerate() {
        let (lon, lat) = places[at % places.len()];
        let (lon, lat) = ((lon - 0.01 * (at / places.len()) as f64).to_string(), lat.to_string());
        let tonnes = (100_000 * (at + 1)).to_string();
        register
            .write_record([&format!("s{at}"), name, name, name, &lon, &lat, &tonnes, "1", "point", "comma", "formula"])
            .unwrap();
    }
    register.flush().unwrap();
    let mut ties = csv::Writer::from_path(folder.join("ties.csv")).unwrap();
    ties.write_record(["a", "b", "why"]).unwrap();
    names()
        .iter()
        .enumerate()
        .skip(1)
        .for_each(|(at, name)| ties.write_record(["s0", &format!("s{at}"), name]).unwrap());
    ties.flush().unwrap();
    let mut ports = csv::Writer::from_path(folder.join("ports.csv")).unwrap();
    ports.write_record(["id", "name", "lon", "lat"]).unwrap();
    for (at, name) in names().iter().enumerate() {
        ports.write_record([&at.to_string(), name, &places[0].0.to_string(), &places[0].1.to_string()]).unwrap();
    }
    ports.flush().unwrap();
    let path = folder.join("pipeline.toml");
    fs::write(&path, PIPELINE).unwrap();
    path
}

const PIPELINE: &str = r#"
name = "edges"
title = "<script>alert(2)</script>"
description = "</p><img src=x onerror=alert(3)>"
[facilities]
path = "register.csv"
licence = "=HYPERLINK(1)"
attribution = "<b>nobody</b>"
columns = { id = "id", name = "name", operator = "firm", sector = "branch", x = "lon", y = "lat", emissions_t = "t",
            fid = "fid", Geom = "Geom", "a,b" = "a,b", "=x" = "=x" }
[layers.ports]
path = "ports.csv"
columns = { id = "id", name = "name", x = "lon", y = "lat" }
[links.trade]
path = "ties.csv"
kind = "formal"
between = "facility"
columns = { from = "a", to = "b", source = "why" }
[delineate]
method = "dbscan"
radius_km = 30
min_facilities = 2
[[dimensions]]
id = "locational_advantage"
[[dimensions]]
id = "inter_firm_linkages"
[[indicators]]
id = "scale"
parent = "locational_advantage"
expr = "SUM(emissions_t)"
unit = "<i>t</i>"
worst = 0
best = 3000000
source = "<script>alert(4)</script>"
[[indicators]]
id = "tied"
parent = "inter_firm_linkages"
over = "clusters"
expr = "linked_emission_share_formal"
worst = 0
best = 1
[outputs]
tables = ["csv", "parquet", "xlsx"]
layers = ["gpkg", "geojson", "flatgeobuf"]
"#;

fn rows(path: &Path) -> Vec<HashMap<String, String>> {
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

fn texts(file: &Connection, sql: &str) -> Vec<String> {
    let mut query = file.prepare(sql).unwrap();
    query.query_map([], |row| row.get(0)).unwrap().map(|text| text.unwrap()).collect()
}

#[test]
fn names_are_inert_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    run(&pipeline(folder.path(), &[(3.0, 52.0)]), &out, &[]);

    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(page.matches("<script").count(), 1, "the page's own");
    assert!(!page.contains("<img") && !page.contains("<i>t") && !page.contains("<x>") && !page.contains("<b>nobody"));
    assert!(page.contains("&#60;script&#62;alert(1)"), "the name stands there as text");

    // CSV: the rule of docs/outputs.md, and the text comes back.
    let facilities = rows(&out.join("facilities.csv"));
    assert_eq!(facilities.len(), names().len());
    for (row, name) in facilities.iter().zip(names()) {
        let computes = name.starts_with(['=', '+']);
        let wanted = if computes { format!("'{name}") } else { name };
        assert_eq!(row["name"], wanted);
        assert_eq!((&*row["'=x"], &*row["a,b"], &*row["fid"]), ("formula", "comma", "1"));
    }
    let text = fs::read_to_string(out.join("facilities.csv")).unwrap();
    assert!(text.lines().next().unwrap().contains("\"a,b\"") && text.ends_with("\r\n"));
    let told = forerunner(&["explain", out.to_str().unwrap(), "c-s6"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("<script>alert(1)") || told.contains("=cmd"), "{told}");

    // GeoPackage: texts as they are; names that SQLite has taken get a number.
    let file = Connection::open(out.join("forerunner.gpkg")).unwrap();
    assert_eq!(texts(&file, "SELECT name FROM facilities ORDER BY fid"), names());
    assert_eq!(
        texts(&file, "SELECT fid_2 || Geom_2 || \"a,b\" || \"=x\" FROM facilities LIMIT 1"),
        ["1pointcommaformula"]
    );
    assert_eq!(texts(&file, "SELECT source FROM links ORDER BY fid"), names()[1..]);
    assert_eq!(texts(&file, "PRAGMA integrity_check"), ["ok"]);
    // The index holds every place, rounded outwards.
    let indexed = "SELECT facility_id FROM facilities JOIN rtree_facilities_geom AS box ON box.id = fid \
                   WHERE lon BETWEEN minx AND maxx AND lat BETWEEN miny AND maxy AND maxx - minx < 0.001 ORDER BY fid";
    assert_eq!(texts(&file, indexed), (0..7).map(|at| format!("s{at}")).collect::<Vec<_>>());

    // The workbook: no cell is a formula, no text a link.
    let mut book = zip::ZipArchive::new(fs::File::open(out.join("forerunner.xlsx")).unwrap()).unwrap();
    let parts: Vec<String> = book.file_names().map(|name| name.unwrap().into_owned()).collect();
    for part in parts.iter().filter(|part| part.starts_with("xl/worksheets")) {
        let mut text = String::new();
        book.by_name(part).unwrap().read_to_string(&mut text).unwrap();
        assert!(!text.contains("<f>") && !text.contains("<hyperlink") && !text.contains("<script"), "{part}");
    }
    let layer: Value = serde_json::from_str(&fs::read_to_string(out.join("facilities.geojson")).unwrap()).unwrap();
    let found: Vec<&str> =
        layer["features"].as_array().unwrap().iter().map(|one| one["properties"]["name"].as_str().unwrap()).collect();
    assert_eq!(found, names());
}

#[test]
fn every_table_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    run(&pipeline(folder.path(), &[(3.0, 52.0)]), &out, &[]);
    let package: Value = serde_json::from_str(&fs::read_to_string(out.join("datapackage.json")).unwrap()).unwrap();
    let resources = package["resources"].as_array().unwrap();
    let listed: Vec<&str> = resources.iter().map(|one| one["path"].as_str().unwrap()).collect();
    let mut present: Vec<String> =
        fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    present.retain(|name| !["datapackage.json", "manifest.json"].contains(&name.as_str()));
    present.sort_unstable();
    assert_eq!(listed, present);
    for resource in resources.iter().filter(|one| one["format"] == "csv") {
        let path = out.join(resource["path"].as_str().unwrap());
        let header = csv::Reader::from_path(&path).unwrap().headers().unwrap().clone();
        let fields = resource["schema"]["fields"].as_array().unwrap();
        let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(header.iter().collect::<Vec<_>>(), names, "{}", path.display());
        assert!(fields.iter().all(|field| field["description"].as_str().unwrap().len() > 3), "{}", path.display());
    }
    // Frictionless tables and the GeoPackage say the same of a column.
    let file = Connection::open(out.join("forerunner.gpkg")).unwrap();
    let told = texts(
        &file,
        "SELECT description FROM gpkg_data_columns WHERE table_name = 'clusters' AND column_name = 'emissions_t'",
    );
    assert!(told[0].ends_with(" [t]"), "{told:?}");
    assert_eq!(package["sources"][0]["license"], "=HYPERLINK(1)");
    assert_eq!(package["sources"][0]["title"], "<b>nobody</b>");
}

/// Columns and layers whose names differ in case alone, or that formats have taken.
#[test]
fn taken_names_get_a_number_and_styles_still_fit() {
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), &[(3.0, 52.0)]);
    let more =
        "[layers.Ports]\npath = \"ports.csv\"\ncolumns = { id = \"id\", x = \"lon\", y = \"lat\" }\n[links.trade]";
    let text = fs::read_to_string(&path).unwrap().replace("[links.trade]", more);
    fs::write(&path, text.replace("fid = \"fid\"", "fid = \"fid\", Type = \"fid\", bbox = \"Geom\"")).unwrap();
    let out = folder.path().join("out");
    run(&path, &out, &[]);
    let file = Connection::open(out.join("forerunner.gpkg")).unwrap();
    let layers = "SELECT table_name FROM gpkg_contents WHERE table_name LIKE 'layer_ports%' ORDER BY 1";
    assert_eq!(texts(&file, layers), ["layer_Ports_points_2", "layer_ports_points"]);
    assert_eq!(texts(&file, "SELECT DISTINCT Type_2 || '' FROM facilities"), ["1"], "carried");
    assert_eq!(texts(&file, "SELECT count(*) || '' FROM facilities WHERE type = 1"), ["7"], "the program's own");
    let parquet = fs::File::open(out.join("facilities.parquet")).unwrap();
    let frame = ParquetReader::new(parquet).finish().unwrap();
    assert!(frame.column("bbox").unwrap().str().is_ok() && frame.column("bbox_2").is_ok());
}

/// What has no row, or no place, is written all the same.
#[test]
fn nothing_is_written_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    run(&pipeline(folder.path(), &[(3.0, 52.0)]), &out, &["--set", "delineate.min_facilities=50"]);
    assert!(rows(&out.join("clusters.csv")).is_empty());
    let types = rows(&out.join("types.csv"));
    assert_eq!(types.last().unwrap()["type_name"], "in no cluster");
    assert_eq!(types.last().unwrap()["emissions_t"], "2800000.0");
    let empty = fs::read(out.join("clusters.fgb")).unwrap();
    assert!(empty.starts_with(b"fgb") && empty.len() > 100);
    run(Path::new("pipelines/three-profiles.toml"), &out, &[]);
    let types = rows(&out.join("types.csv"));
    assert!(types.iter().any(|row| row["cluster_count"] == "1" && row["facility_count"].is_empty()), "{types:?}");
}

#[test]
fn an_outline_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = pipeline(folder.path(), &[(3.0, 52.0)]);
    for shape in ["{ buffer_km = nan }", "{ buffer_km = -5.0 }", "{ buffer_km = 30000.0 }", "{ concave_hull = -1.0 }"] {
        let set = format!("outputs.cluster_shape={shape}");
        let output = forerunner(&["run", path.to_str().unwrap(), "--out", "/nowhere", "--set", &set]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && told.contains("outputs.cluster_shape"), "{shape}: {told}");
    }
}

#[test]
fn a_run_without_tables_is_no_earlier_run() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (pipeline(folder.path(), &[(3.0, 52.0)]), folder.path().join("out"));
    run(&path, &out, &["--set", "outputs.tables=[\"xlsx\"]"]);
    let output = forerunner(&["run", path.to_str().unwrap(), "--out", "/nowhere", "--previous", out.to_str().unwrap()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && told.contains("neither clusters.csv nor clusters.parquet"), "{told}");
}

#[test]
fn a_box_is_there_where_a_geometry_is() {
    let folder = tempfile::tempdir().unwrap();
    run(Path::new("pipelines/north-west-europe.toml"), folder.path(), &[]);
    let file = fs::File::open(folder.path().join("facilities.parquet")).unwrap();
    let frame = ParquetReader::new(file).finish().unwrap();
    let (boxes, places) = (frame.column("bbox").unwrap(), frame.column("geometry").unwrap());
    assert!(places.null_count() > 0 && places.null_count() < frame.height());
    assert!(boxes.is_null().iter().eq(places.is_null().iter()));
}

/// Geometries of a GeoJSON layer.
fn geometries(path: &Path) -> Vec<geo::Geometry> {
    let text = fs::read_to_string(path).unwrap();
    let parsed: geojson::FeatureCollection = text.parse().unwrap();
    parsed.features.into_iter().filter_map(|one| one.geometry).map(|one| one.try_into().unwrap()).collect()
}

#[test]
fn edges_of_the_globe_are_drawn_within_it() {
    let around_the_pole = [(0.0, 89.9), (90.0, 89.9), (180.0, 89.9), (-90.0, 89.9)];
    for places in [&[(179.99, -16.5), (-179.98, -16.52), (179.95, -16.6)][..], &around_the_pole, &[(0.0, -90.0)]] {
        for shape in ["\"convex_hull\"", "{ concave_hull = 2.0 }", "{ buffer_km = 5.0 }"] {
            let folder = tempfile::tempdir().unwrap();
            let out = folder.path().join("out");
            run(&pipeline(folder.path(), places), &out, &["--set", &format!("outputs.cluster_shape={shape}")]);
            for layer in ["clusters", "facilities", "links"] {
                let found = geometries(&out.join(format!("{layer}.geojson")));
                assert!(!found.is_empty(), "{layer} at {places:?}");
                for geometry in found {
                    let Some(bounds) = geometry.bounding_rect() else {
                        panic!("{layer}, {shape} at {places:?}: {geometry:?}")
                    };
                    let fits = bounds.min().x >= -180.0
                        && bounds.max().x <= 180.0
                        && bounds.min().y >= -90.0
                        && bounds.max().y <= 90.0;
                    assert!(fits && geometry.is_valid(), "{layer}, {shape} at {places:?}: {geometry:?}");
                }
            }
        }
    }
}

/// Files of a folder with their bytes, but for the manifest with its timing.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    entries.map(read).filter(|(name, _)| name != "manifest.json").collect()
}

#[test]
fn every_format_has_the_same_bytes_at_any_thread_count() {
    let all = [
        "--set",
        "outputs.tables=[\"csv\",\"parquet\",\"xlsx\"]",
        "--set",
        "outputs.layers=[\"gpkg\",\"geojson\",\"flatgeobuf\"]",
    ];
    for pipeline in ["great-britain", "three-profiles", "initiatives"] {
        let folder = tempfile::tempdir().unwrap();
        let path = PathBuf::from(format!("pipelines/{pipeline}.toml"));
        let (one, four) = (folder.path().join("one"), folder.path().join("four"));
        run(&path, &one, &[&all[..], &["--threads", "1"]].concat());
        run(&path, &four, &[&all[..], &["--threads", "4"]].concat());
        let (one, four) = (bytes(&one), bytes(&four));
        assert_eq!(one.keys().collect::<Vec<_>>(), four.keys().collect::<Vec<_>>());
        assert!(one.contains_key("forerunner.gpkg") && one.contains_key("forerunner.xlsx"));
        let differ: Vec<&String> = one.keys().filter(|name| one[*name] != four[*name]).collect();
        assert!(differ.is_empty(), "{pipeline}: {differ:?}");
    }
}

#[test]
fn the_sums_by_type_are_those_of_the_clusters() {
    let folder = tempfile::tempdir().unwrap();
    run(Path::new("pipelines/great-britain.toml"), folder.path(), &[]);
    let number = |row: &HashMap<String, String>, name: &str| row[name].parse::<f64>().unwrap_or(0.0);
    let (clusters, types) = (rows(&folder.path().join("clusters.csv")), rows(&folder.path().join("types.csv")));
    let facilities = rows(&folder.path().join("facilities.csv"));
    let all: f64 = facilities.iter().map(|row| number(row, "emissions_t")).sum();
    assert_eq!(types.len(), 6, "four types, not known, in no cluster");
    for sum in &types {
        let tonnes: f64 = match &*sum["type_name"] {
            "in no cluster" => {
                facilities.iter().filter(|row| row["cluster_id"].is_empty()).map(|row| number(row, "emissions_t")).sum()
            }
            _ => clusters.iter().filter(|row| row["type"] == sum["type"]).map(|row| number(row, "emissions_t")).sum(),
        };
        assert!((number(sum, "emissions_t") - tonnes).abs() < 1e-3, "{sum:?}: {tonnes}");
        assert!((number(sum, "share") - tonnes / all).abs() < 1e-9, "{sum:?}");
    }
}

#[test]
fn an_output_folder_that_cannot_be_had_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let pipeline = pipeline(folder.path(), &[(3.0, 52.0)]);
    let refused = |out: &Path| {
        let output = forerunner(&["run", pipeline.to_str().unwrap(), "--out", out.to_str().unwrap()]);
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    let (status, told) = refused(&file);
    assert!(status == 2 && told.contains("is no run of forerunner"), "{told}");
    let (status, told) = refused(&file.join("below"));
    assert!(status == 1 && told.contains("file"), "{told}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
    // What is always read-only, for every user.
    let (status, told) = refused(Path::new("/proc/self/task/out"));
    assert!(status == 1 && told.contains("/proc/self/task"), "{told}");
}

#[test]
fn a_geopackage_that_is_open_elsewhere_is_replaced_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (pipeline, out) = (pipeline(folder.path(), &[(3.0, 52.0)]), folder.path().join("out"));
    run(&pipeline, &out, &[]);
    let file = out.join("forerunner.gpkg");
    let open = Connection::open(&file).unwrap();
    open.execute_batch("PRAGMA journal_mode = WAL; DROP TABLE layer_styles; CREATE TABLE mine (note TEXT);").unwrap();
    assert!(out.join("forerunner.gpkg-wal").exists());
    fs::write(out.join("mine.qgz"), "project").unwrap();
    run(&pipeline, &out, &[]);
    assert!(!out.join("forerunner.gpkg-wal").exists() && out.join("mine.qgz").exists());
    assert_eq!(
        texts(&open, "SELECT name FROM sqlite_master WHERE name = 'mine'"),
        ["mine"],
        "the other still has its file"
    );
    let fresh = Connection::open(&file).unwrap();
    assert!(texts(&fresh, "SELECT name FROM sqlite_master WHERE name = 'mine'").is_empty());
    assert_eq!(texts(&fresh, "PRAGMA integrity_check"), ["ok"]);
    assert_eq!(texts(&fresh, "SELECT count(*) || '' FROM layer_styles WHERE useAsDefault"), ["5"]);
}
