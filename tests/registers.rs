//! The registers and layers of `pipelines/sources`, real rows where there are any: every trap that `data/README.md`
//! names is handled by configuration alone. Expected numbers were computed with Python's csv module.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use forerunner::finding::{Findings, Rule};
use forerunner::pipeline::{self, Examination, Outcome, Pipeline};

type Row = HashMap<String, String>;

/// A pipeline over some source templates, with more of its own.
fn pipeline_over(folder: &Path, templates: &[&str], more: &str) -> Pipeline {
    let root = env!("CARGO_MANIFEST_DIR");
    let bases: Vec<String> = templates.iter().map(|name| format!("\"{root}/pipelines/sources/{name}.toml\"")).collect();
    let scoring = "[[dimensions]]\nid = \"size\"\n[[components]]\nid = \"c\"\nparent = \"size\"\n[[indicators]]\nid = \"i\"\nparent = \"c\"\nover = \"clusters\"\nexpr = \"facility_count\"\nworst = 0\nbest = 10\n";
    let delineate = if more.contains("[delineate]") {
        ""
    } else {
        "[delineate]\nmethod = \"dbscan\"\nradius_km = 10\nmin_facilities = 2\n"
    };
    let path = folder.join("pipeline.toml");
    let text = format!("name = \"test\"\nextends = [{}]\n{more}\n{delineate}{scoring}", bases.join(", "));
    fs::write(&path, text.replace("DATA", &format!("{root}/data")).replace("TESTS", &format!("{root}/tests"))).unwrap();
    Pipeline::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn run(templates: &[&str], more: &str) -> (Outcome, HashMap<String, Vec<Row>>) {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let pipeline = pipeline_over(root.path(), templates, more);
    let outcome = pipeline::run(&pipeline, &out, None, &|_, _| {}).unwrap_or_else(|error| panic!("{error}"));
    let mut tables = HashMap::new();
    for name in ["facilities", "quarantine", "findings", "figures"] {
        let mut reader = csv::Reader::from_path(out.join(format!("{name}.csv"))).unwrap();
        tables.insert(name.to_owned(), reader.deserialize().map(|row| row.unwrap()).collect());
    }
    (outcome, tables)
}

fn check(templates: &[&str], more: &str) -> Examination {
    let root = tempfile::tempdir().unwrap();
    let pipeline = pipeline_over(root.path(), templates, more);
    pipeline::check(&pipeline).unwrap_or_else(|error| panic!("{error}"))
}

fn count(findings: &Findings, rule: Rule) -> u64 {
    findings.findings.iter().filter(|finding| finding.rule == rule).map(|finding| finding.count).sum()
}

fn close(found: Option<f64>, wanted: f64) {
    let found = found.unwrap();
    assert!((found - wanted).abs() <= 1e-9 * wanted.abs(), "{found} instead of {wanted}");
}

/// Traps: tonnes of carbon, the national grid, 97 offshore rows, modelled and observed rows.
#[test]
fn uk_naei() {
    let examined = check(&["uk-naei"], "");
    let findings = &examined.findings;
    let account = &examined.accounts[0];
    assert_eq!((account.read.rows, account.kept.rows), (1521, 1521));
    assert_eq!((account.read.tonnes.unwrap() / 1e4).round() / 100.0, 118.57);
    let outside = findings.findings.iter().find(|finding| finding.rule == Rule::OutOfCountry).unwrap();
    assert!((1..=97).contains(&outside.count), "only offshore rows lie far from the shore: {}", outside.count);
    let datatype = examined.profiles[0].1.columns.iter().find(|column| column.column == "datatype").unwrap();
    assert_eq!(datatype.top, [("O".to_owned(), 1016), ("M".to_owned(), 505)]);
    assert!(examined.hints.is_empty(), "{:?}", examined.hints);
}

/// Whoever forgets `of = "C"` is asked.
#[test]
fn carbon_is_suspected() {
    let examined = check(&["uk-naei"], "[facilities.columns.emissions_t]\nof = \"CO2\"\n");
    assert!(examined.hints.is_empty(), "CO2 was declared on purpose: {:?}", examined.hints);
    let root = tempfile::tempdir().unwrap();
    let pipeline = pipeline_over(root.path(), &["uk-naei"], "");
    let set = ["facilities.columns.emissions_t=\"Emission\"".to_owned()];
    let pipeline = Pipeline::load(&pipeline.path, &set).unwrap();
    let examined = pipeline::check(&pipeline).unwrap();
    assert_eq!(examined.hints.len(), 1);
    assert!(examined.hints[0].contains("32.34 Mt") && examined.hints[0].contains("118.57 Mt"), "{}", examined.hints[0]);
}

/// Traps: semicolons, EWKT, 524 rows without geometry, two columns of emissions, "Netherland", firms without a name.
#[test]
fn hotmaps() {
    let examined = check(&["hotmaps"], "");
    let findings = &examined.findings;
    let account = &examined.accounts[0];
    // 1,095 have no emissions, and nine stand a second time: corrected to "not known".
    assert_eq!((account.read.rows, account.kept.rows, account.read.rows_without_tonnes), (5029, 5029, 1095 + 9));
    assert_eq!(count(findings, Rule::Corrected), 33);
    assert_eq!(count(findings, Rule::NoCoordinates), 524);
    let operator = examined.profiles[0].1.columns.iter().find(|column| column.column == "operator").unwrap();
    // 150 cells are empty, one says CONFIDENTIAL.
    assert_eq!(operator.missing, 151);
    let dutch = "[facilities]\nwhere = \"country = 'Netherlands'\"\n";
    assert_eq!(check(&["hotmaps"], dutch).accounts[0].kept.rows, 138);
}

/// Two tables joined by a key that drifts in case, one row a gas in kg: CO2 equivalents a facility and year.
#[test]
fn eea_tables() {
    let (outcome, tables) = run(&["eea-industrial-reporting"], "");
    let account = &outcome.manifest.sources[0];
    assert_eq!((account.read.rows, account.quarantined.rows, account.kept.rows), (47, 1, 23));
    close(account.kept.tonnes, 32_663_124.132_75);
    let facilities = &tables["facilities"];
    assert_eq!(facilities.len(), 19);
    let of = |id: &str, year: &str| {
        let row = facilities.iter().find(|row| row["facility_id"] == id && row["period"] == year).unwrap();
        row["emissions_t"].parse::<f64>().ok()
    };
    close(of("SE.CAED/SYN0009.Facility", "2022"), 567_000.0);
    close(of("SE.CAED/SYN0009.Facility", "2023"), 567_541.5);
    let lost = &tables["quarantine"][0];
    assert_eq!((lost["rule"].as_str(), lost["line"].as_str()), ("join", "48"));
    assert_eq!(outcome.manifest.sources[1].source, "facilities.join");
    assert_eq!(count(&outcome.findings, Rule::Merged), 4);
}

/// Byte order mark, padded names, gases in kg.
#[test]
fn eea_flat_file() {
    let (outcome, tables) = run(&["eea-flat"], "");
    let account = &outcome.manifest.sources[0];
    assert_eq!((account.read.rows, account.kept.rows, tables["facilities"].len()), (44, 19, 18));
    close(account.kept.tonnes, 10_229_477.254_906_902);
    assert!(account.files[0].read_as.contains("utf-8"), "{}", account.files[0].read_as);
    assert!(tables["facilities"].iter().any(|row| row["name"] == "Vattenfall A/S"));
}

/// Three lines before the header, thousands separators, Windows-1252, CO2 from biomass apart.
#[test]
fn us_ghgrp() {
    let (outcome, tables) = run(&["us-ghgrp"], "");
    close(outcome.manifest.sources[0].kept.tonnes, 9_518_106.740_57);
    let biogenic: f64 =
        tables["facilities"].iter().filter_map(|row| row["emissions_biogenic_t"].parse::<f64>().ok()).sum();
    close(Some(biogenic), 103_861.2);
    let encoded = "[facilities]\npath = \"DATA/us-ghgrp/direct_emitters_cp1252.csv\"\nencoding = \"windows-1252\"\n";
    let (encoded, again) = run(&["us-ghgrp"], encoded);
    assert_eq!(encoded.manifest.sources[0].kept, outcome.manifest.sources[0].kept);
    assert_eq!(again["facilities"], tables["facilities"]);
    let separated = "[facilities]\npath = \"DATA/us-ghgrp/direct_emitters_2019_separators.csv\"\n";
    let (separated, _) = run(&["us-ghgrp"], separated);
    close(separated.manifest.sources[0].kept.tonnes, 1_659_739.16);
    assert_eq!(count(&separated.findings, Rule::NoCoordinates), 1);
}

/// Shares in brackets with commas inside, three separators, hubs in several spellings, years as decimals.
#[test]
fn iea_ccus() {
    let more = "[facilities]\npath = \"TESTS/registers/iea_partners.csv\"\n\
        columns = { id = \"id\", operator = \"operator\", label = \"cluster\", emissions_t = \"emissions\" }\n\
        [memberships.ccus_projects]\nwhere = [\"status <> 'Cancelled'\", \"country LIKE '%United Kingdom%'\"]\n\
        [memberships.ccus_hubs]\nwhere = [\"status <> 'Cancelled'\", \"country LIKE '%United Kingdom%'\", \"organisation IS NOT NULL\"]\n\
        [delineate]\nmethod = \"label\"\n";
    let (outcome, tables) = run(&["iea-ccus"], more);
    let projects =
        outcome.manifest.sources.iter().find(|account| account.source == "memberships.ccus_projects").unwrap();
    assert_eq!((projects.read.rows, projects.kept.rows, projects.quarantined.rows), (1017, 95, 0));
    let figures = &tables["figures"][0];
    let figure = |name: &str| figures[name].parse::<f64>().ok();
    // tests/registers/make_iea_partners.py
    close(figure("largest_organisation_share_formal"), 6.0 / 106.0);
    close(figure("largest_organisation_share_informal"), 34.0 / 106.0);
    close(figure("linked_share_informal"), 89.0 / 106.0);
}

/// Blanks of one space, zero depths, repeated and decimal indices.
#[test]
fn world_port_index() {
    let more = "[facilities]\npath = \"TESTS/registers/iea_partners.csv\"\ncolumns = { id = \"id\", label = \"cluster\" }\n\
        [layers.ports]\nwhere = []\n[delineate]\nmethod = \"label\"\n";
    let examined = check(&["world-port-index"], more);
    let (_, profile) = examined.profiles.iter().find(|(source, _)| source == "layers.ports").unwrap();
    let column = |name: &str| profile.columns.iter().find(|column| column.column == name).unwrap();
    assert_eq!((column("harbor_size").missing, column("channel_depth_m").missing), (130, 631));
    assert_eq!(examined.accounts[1].kept.rows, 3803);
}

/// Extra header rows and semicolons of the raw network, single quotes, unknown capacities, invalid polygons, zero
/// potentials, local names.
#[test]
fn other_layers() {
    let more = "[facilities]\npath = \"TESTS/registers/iea_partners.csv\"\ncolumns = { id = \"id\", label = \"cluster\" }\n\
        [delineate]\nmethod = \"label\"\n\
        [layers.nodes]\npath = \"DATA/scigrid-gas/Gas_Coordinates.csv\"\nskip_after_header = 2\n\
        columns = { name = \"name\", x = { column = \"long\", missing = [\"NaN\"] }, y = { column = \"lat\", missing = [\"NaN\"] }, exact = { column = \"exact\", type = \"integer\" } }\n\
        [layers.towns]\npath = \"DATA/places/towns.csv\"\ncolumns = { name = \"name\", x = \"lon\", y = \"lat\", population = \"population\" }\n\
        [layers.regions]\npath = \"DATA/uk-cluster-regions/regions.geojson\"\n\
        [layers.renewables]\nwhere = []\n[layers.salt_caverns]\nwhere = []\n";
    let examined = check(&["europe-infrastructure", "europe-gas"], more);
    let findings = &examined.findings;
    let kept: HashMap<&str, u64> =
        examined.accounts.iter().map(|account| (account.source.as_str(), account.kept.rows)).collect();
    assert_eq!((kept["layers.nodes"], kept["layers.towns"], kept["layers.regions"]), (895, 8756, 7));
    // Five routes, and the segments of countries without any: counted with Python's csv.
    assert_eq!(
        (kept["layers.co2_storage"], kept["layers.pipelines"], kept["layers.salt_caverns"]),
        (126, 5 + 279, 119)
    );
    assert!(findings.quarantine.is_empty(), "{:?}", findings.quarantine[0]);
    let (_, renewables) = examined.profiles.iter().find(|(source, _)| source == "layers.renewables").unwrap();
    let capacity = renewables.columns.iter().find(|column| column.column == "capacity_mw").unwrap();
    assert_eq!(capacity.missing, 463 + 275 + 167);
    let invalid = |layer: &str| {
        let of =
            |finding: &&forerunner::finding::Finding| finding.rule == Rule::InvalidPolygon && finding.source == layer;
        findings.findings.iter().find(of).map(|finding| finding.count)
    };
    assert_eq!((invalid("layers.co2_storage"), invalid("layers.salt_caverns")), (Some(10), Some(1)));
    let (_, towns) = examined.profiles.iter().find(|(source, _)| source == "layers.towns").unwrap();
    assert!(towns.columns.iter().any(|column| column.column == "name" && column.missing == 0));
}

/// What a run writes can be read again: Parquet with WKB as a register and as a layer, GeoJSON packed.
#[test]
fn outputs_are_inputs() {
    let root = tempfile::tempdir().unwrap();
    let out = root.path().join("run");
    let first = pipeline_over(root.path(), &["us-ghgrp"], "");
    let first = pipeline::run(&first, &out, None, &|_, _| {}).unwrap();
    let packed = zstd::encode_all(fs::read(out.join("facilities.geojson")).unwrap().as_slice(), 1).unwrap();
    fs::write(root.path().join("facilities.geojson.zst"), packed).unwrap();
    let columns = "columns = { id = \"facility_id\", name = \"name\", emissions_t = \"emissions_t\" }\n";
    let of = |path: &str| {
        let more = format!(
            "[facilities]\npath = \"{path}\"\n{columns}[layers.sites]\npath = \"run/facilities.parquet\"\ncolumns = {{ id = \"facility_id\" }}\n"
        );
        let again = pipeline_over(root.path(), &[], &more);
        pipeline::run(&again, &root.path().join("again"), None, &|_, _| {}).unwrap_or_else(|error| panic!("{error}"))
    };
    for (path, format) in [("run/facilities.parquet", "geoparquet"), ("facilities.geojson.zst", "geojson")] {
        let again = of(path);
        let (account, wanted) = (&again.manifest.sources[0], &first.manifest.sources[0]);
        assert_eq!(account.kept.rows, wanted.kept.rows, "{path}");
        close(account.kept.tonnes, wanted.kept.tonnes.unwrap());
        assert_eq!(account.files[0].read_as, format);
        let mut reader = csv::Reader::from_path(root.path().join("again/facilities.csv")).unwrap();
        for row in reader.deserialize::<Row>() {
            let row = row.unwrap();
            assert_eq!(row["nearest_sites"], row["facility_id"], "a site is nearest to itself");
            assert!(row["km_to_sites"].parse::<f64>().unwrap() < 1e-4, "{}", row["km_to_sites"]);
        }
    }
}

/// A draft of the two shipped registers can be checked as it stands, and reads the same rows and tonnes.
#[test]
fn drafts_hold() {
    for (file, rows, megatonnes) in [
        ("naei-2022/point_sources_CO2_2022.csv", 1521, 118.57),
        ("us-ghgrp/direct_emitters.csv", 14, 9.52),
        ("us-ghgrp/direct_emitters_2019_separators.csv", 6, 1.66),
        ("hotmaps-2014/Industrial_Database.csv", 5029, 547.20),
    ] {
        let root = tempfile::tempdir().unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join(file);
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/base/rattle-taylor.toml");
        let text = pipeline::draft::draft(&path, path.to_str().unwrap(), base.to_str().unwrap()).unwrap().text;
        fs::write(root.path().join("pipeline.toml"), &text).unwrap();
        let pipeline = Pipeline::load(&root.path().join("pipeline.toml"), &[]).unwrap();
        let examined = pipeline::check(&pipeline).unwrap();
        assert!(examined.error.is_none(), "{text}");
        let account = &examined.accounts[0];
        assert_eq!(account.kept.rows, rows, "{text}");
        assert_eq!((account.kept.tonnes.unwrap() / 1e4).round() / 100.0, megatonnes, "{text}");
        assert!(text.lines().filter(|line| line.contains("# guess")).count() >= 5, "{text}");
    }
}
