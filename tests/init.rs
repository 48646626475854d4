//! `init --from`: what a file is taken for, and a draft that `check` passes or that names what a person must give.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::fs;
use std::path::Path;
use std::process::Command;

fn forerunner(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_forerunner")).current_dir(folder).args(arguments).output().unwrap()
}

/// The draft for a file, what was said of it, and whether `check` passes.
fn drafted(folder: &Path, file: &str) -> (String, String, bool) {
    let made = forerunner(folder, &["init", "new", "--from", file]);
    let said = String::from_utf8(made.stderr).unwrap();
    assert!(made.status.success(), "{file}: {said}");
    let draft = fs::read_to_string(folder.join("new/pipeline.toml")).unwrap();
    let passes = forerunner(folder, &["check", "new/pipeline.toml"]).status.success();
    (draft, said, passes)
}

fn of_bytes(bytes: &[u8]) -> (String, String, bool) {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("r.csv"), bytes).unwrap();
    drafted(root.path(), "r.csv")
}

const FINLAND: &[u8] = b"Facility_INSPIRE_ID;nameOfFeature;countryCode;reportingYear;x;y\nFI.1;Site A;FI;2017;252198;6934785\nFI.2;Site B;FI;2017;377127;6713363\n";

/// What it is, the file, and lines that the draft must have.
const REGISTERS: [(&str, &[u8], &[&str]); 10] = [
        ("a grid by its country", FINLAND, &["crs = \"EPSG:3067\"", "id = \"Facility_INSPIRE_ID\"", "year = \"reportingYear\""]),
        (
            "degrees before a grid",
            b"id;lon;lat;x;y;countryCode\nA;22.2;62.5;252198;6934785;FI\nB;24.8;60.5;377127;6713363;FI\n",
            &["x = \"lon\"", "y = \"lat\""],
        ),
        (
            "groups of thousands beside a decimal point",
            b"id,name,lon,lat,Total Emissions (t CO2-e)\n1,A,150.1,-33.1,\"1,234,567\"\n2,B,150.2,-33.2,\"18,868\"\n3,C,150.3,-33.3,104\n",
            &["thousands = \",\"", "emissions_t = \"Total Emissions (t CO2-e)\""],
        ),
        (
            "groups of thousands beside a decimal comma",
            b"id;name;lon;lat;CO2 t\n1;A;10,1;50,1;1.234.567,5\n2;B;10,2;50,2;18.868,0\n3;C;10,3;50,3;104\n",
            &["decimal = \",\"", "thousands = \".\""],
        ),
        (
            "a title, then names",
            b"Power plants 2019, source: NVE\n\nid,name,lon,lat\n1,A,5.7,60.1\n2,B,0.25,60.2\n",
            &["skip_before_header = 1", "id = \"id\""],
        ),
        ("a row of units", b"id;name;lon;lat\n;;(deg);(deg)\n1;A;5,7;60,1\n2;B;0,25;60,2\n", &["skip_after_header = 1", "decimal = \",\""]),
        (
            "a header that is not UTF-8",
            b"l\xf8penummer;navn;lengdegrad;breddegrad;utslipp CO2 [kt]\n1;Br\xf8nn\xf8y;12,2;65,5;5\n2;Vads\xf8;29,7;70,1;7\n",
            &["encoding = \"windows-1252\"", "id = \"l\u{f8}penummer\"", "x = \"lengdegrad\"", "unit = \"kt\""],
        ),
        (
            "years side by side, and the last year of something",
            b"id,name,lon,lat,LastYearOfEmissions,VerifiedEmissions_2019,VerifiedEmissions_2020\nA1,Mill one,10.0,50.0,2020,1000,900\nA2,Mill two,10.01,50.0,2020,2000,1800\n",
            &["by_year = \"VerifiedEmissions_{year}\""],
        ),
        (
            "a number of registration is no operator",
            b"id,site,Company registration,Betreiber,lon,lat,Emissionen [t]\n1,A,987293586,Alpha AG,10.5,50.5,5\n2,B,971028548,Beta GmbH,10.6,50.6,6\n",
            &["operator = \"Betreiber\"", "emissions_t = \"Emissionen [t]\""],
        ),
        (
            "one row a substance",
            b"id,name,lon,lat,Pollutant,kg\nA,Mill,10.0,50.0,Methane (CH4),5\nA,Mill,10.0,50.0,Carbon dioxide (CO2),5000\nB,Kiln,10.1,50.0,Carbon dioxide (CO2),7000\n",
            &["where = \"pollutant = 'Carbon dioxide (CO2)'\""],
        ),
];

#[test]
fn drafts_that_check_passes() {
    for (what, bytes, wanted) in REGISTERS {
        let (draft, said, passes) = of_bytes(bytes);
        assert!(said.contains("a register of facilities"), "{what}: {said}");
        for line in wanted {
            assert!(draft.contains(line), "{what}: no {line} in\n{draft}");
        }
        assert!(passes, "{what}:\n{draft}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let (draft, said, passes) = of_bytes(b"Power plants\n\nid;name;MW\n1;Aa;5,7\n2;Bb;0,25\n");
    assert!(said.contains("to fill in: coordinates") && draft.contains("TO FILL IN") && !passes, "{said}");
    assert!(draft.contains("capacity_mw = \"MW\""), "{draft}");
    // The same numbers lie in Great Britain's grid and in Poland's.
    let (draft, said, _) = of_bytes(b"id,name,x,y\n1,Aa,452150,524260\n2,Bb,452170,524290\n");
    assert!(said.contains("to fill in: `crs`") && draft.contains("EPSG:2180"), "{said}");
    let (_, said, _) = of_bytes(b"region,body,founded\nHumber,Plan,2021\nTees,Body,2005\n");
    assert!(said.contains("none of what a pipeline reads"), "{said}");
}

/// Every file of the shipped data: what it is, and whether `check` passes its draft.
#[test]
fn shipped_files_are_told_apart() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    for (file, what, passes) in [
        ("naei-2022/point_sources_CO2_2022.csv", "a register of facilities", true),
        ("hotmaps-2014/Industrial_Database.csv", "a register of facilities", true),
        ("us-ghgrp/direct_emitters_cp1252.csv", "a register of facilities", true),
        ("eea-industrial-reporting/F1_4_Air_Releases_Facilities.csv", "a register of facilities", true),
        ("sample/facilities.csv", "a register of facilities", true),
        ("eea-industrial-reporting/synthetic_2f_PollutantRelease.csv", "a register of facilities", false),
        ("world-port-index/ports.csv", "a layer of infrastructure", false),
        ("entsoe-gridkit/generators.csv", "a layer of infrastructure", false),
        ("co2stop/formations.geojson", "a layer of infrastructure", false),
        ("salt-caverns/caverns.geojson", "a layer of infrastructure", false),
        ("scigrid-gas/pipelines_wkt.csv", "a layer of infrastructure", false),
        ("uk-cluster-regions/regions.geojson", "boundaries", false),
        ("places/towns.csv", "towns", false),
        ("iea-ccus-2025/ccus_projects.csv", "memberships in organisations", false),
        ("gem-gas-routes/routes.geojson", "a layer of infrastructure", false),
        ("industrial-links/memberships.csv", "memberships in organisations", false),
        ("industrial-links/links.csv", "links between two firms or facilities", false),
        ("profiles/initiatives.csv", "place-based initiatives", false),
        ("reviewed/naei_names.csv", "names of operators", false),
    ] {
        let root = tempfile::tempdir().unwrap();
        let path = data.join(file);
        let (draft, said, passed) = drafted(root.path(), path.to_str().unwrap());
        assert!(said.contains(&format!("is taken for {what}")), "{file}: {said}");
        assert_eq!(passed, passes, "{file}:\n{draft}");
        assert_eq!(passes, !said.contains("to fill in"), "{file}: {said}");
    }
}
