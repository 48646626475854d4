//! Nothing is lost, whatever the table: rows and tonnes read = kept + filtered + quarantined, counted here by the csv
//! crate and by hand.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::fs;

use forerunner::pipeline::{self, Pipeline};
use forerunner::validate::{Account, Scope};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

const PIPELINE: &str = "name = \"t\"\n[facilities]\npath = \"r.csv\"\ndelimiter = \",\"\nquote = '\"'\n\
    where = [\"fuel IS NULL OR fuel <> 'coal'\", \"emissions_t IS NULL OR emissions_t < 900\"]\n\
    columns = { id = \"id\", x = \"lon\", y = \"lat\", year = \"year\", fuel = { column = \"fuel\", type = \"text\" }, note = \"note\", emissions_t = \"tonnes\" }\n\
    [facilities.contract]\nmax_rejected = 1\nKEEP\nyear = { min = 1990 }\n\
    [delineate]\nmethod = \"dbscan\"\nradius_km = 10\nmin_facilities = 2\n[[dimensions]]\nid = \"d\"\n[[components]]\nid = \"c\"\nparent = \"d\"\n\
    [[indicators]]\nid = \"i\"\nparent = \"c\"\nover = \"clusters\"\nexpr = \"facility_count\"\nworst = 0\nbest = 10\n";

/// A cell of some column: mostly good, sometimes anything.
fn cell(good: &'static [&'static str]) -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just(String::new()),
        Just(" ".into()),
        Just("n/a".into()),
        Just("-1".into()),
        Just("1,5".into()),
        Just("1e400".into()),
        Just("007".into()),
        Just("x\ny".into()),
        Just("\u{fffd}é\"".into()),
        "[ -~]{0,8}",
    ];
    prop_oneof![6 => prop::sample::select(good).prop_map(str::to_owned), 1 => odd]
}

fn row() -> impl Strategy<Value = Vec<String>> {
    let whole = (
        cell(&["A", "B", "C", "D", "E", "F", "G"]),
        cell(&["1.5", "-2", "0", "170"]),
        cell(&["51.5", "0", "95"]),
        cell(&["2021", "2022", "1980"]),
        cell(&["coal", "gas", ""]),
        cell(&["1", "2.5", "xyz"]),
        cell(&["10", "20.25", "1000", "0.125"]),
    );
    let whole = whole.prop_map(|(id, lon, lat, year, fuel, note, tonnes)| vec![id, lon, lat, year, fuel, note, tonnes]);
    prop_oneof![12 => whole, 1 => prop::collection::vec("[a-z]{0,3}", 1..10)]
}

fn written(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    writer.write_record(["id", "lon", "lat", "year", "fuel", "note", "tonnes"]).unwrap();
    rows.iter().for_each(|row| writer.write_record(row).unwrap());
    writer.into_inner().unwrap()
}

/// Rows of the file, and the tonnes of those that can be read, in file order.
fn counted(bytes: &[u8]) -> (u64, f64) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let (mut rows, mut tonnes) = (0, 0.0);
    for record in reader.records() {
        let record = record.unwrap();
        rows += 1;
        let cell = record.get(6).filter(|_| record.len() == 7).map(str::trim).unwrap_or_default();
        let spelt = cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        tonnes += cell.parse::<f64>().ok().filter(|value| spelt && value.is_finite()).unwrap_or(0.0);
    }
    (rows, tonnes)
}

fn parts(account: &Account) -> (u64, f64) {
    let tallies =
        [&account.kept, &account.quarantined].into_iter().chain(account.filtered.iter().map(|part| &part.tally));
    tallies.fold((0, 0.0), |(rows, tonnes), tally| (rows + tally.rows, tonnes + tally.tonnes.unwrap()))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300),
        rng_seed: RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_is_lost(rows in prop::collection::vec(row(), 1..60), keep in prop::sample::select(&["", "keep = \"last\"", "keep = \"sum\""])) {
        let folder = tempfile::tempdir().unwrap();
        let bytes = written(&rows);
        fs::write(folder.path().join("r.csv"), &bytes).unwrap();
        fs::write(folder.path().join("pipeline.toml"), PIPELINE.replace("KEEP", keep)).unwrap();
        let pipeline = Pipeline::load(&folder.path().join("pipeline.toml"), &[]).unwrap();
        let (tables, findings) = forerunner::validate::validate(&pipeline.sources(), Scope { hold: None, profile: false }).unwrap();
        let account = &tables.accounts[0];
        let (wanted_rows, wanted_tonnes) = counted(&bytes);
        prop_assert_eq!(account.read.rows, wanted_rows);
        prop_assert!((account.read.tonnes.unwrap() - wanted_tonnes).abs() < 1e-6, "{} {}", account.read.tonnes.unwrap(), wanted_tonnes);
        let (part_rows, part_tonnes) = parts(account);
        prop_assert_eq!(part_rows, wanted_rows);
        prop_assert!((part_tonnes - wanted_tonnes).abs() < 1e-6);
        prop_assert_eq!(findings.quarantine.len() as u64, account.quarantined.rows);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        prop_assert!(findings.quarantine.iter().all(|row| (2..=lines).contains(&row.line)));
        let register = tables.facilities.unwrap();
        let kept: f64 = register.emissions_t.iter().flatten().sum();
        prop_assert!((kept - account.kept.tonnes.unwrap()).abs() < 1e-6, "what is kept is in the table");
        if keep != "keep = \"sum\"" {
            prop_assert_eq!(register.rows() as u64, account.kept.rows);
        }
        drop(pipeline::check(&pipeline).unwrap());
    }
}

/// A register of several blocks: lines as the csv crate counts them, a type that only the last row shows, keys that lie
/// far apart.
#[test]
fn long_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("id,lon,lat,year,fuel,note,tonnes\n");
    let count = 60_000;
    for row in 0..count {
        let tonnes = if row % 997 == 5 { "x" } else { "1.5" };
        let fuel = if row % 101 == 0 { "\"two\nlines, and \"\"quotes\"\"\n\"".to_owned() } else { "gas".repeat(20) };
        let note = if row + 1 == count { "the last" } else { "7" };
        let id = if row == count - 2 { 1 } else { row };
        text += &format!("F{id},1.5,51.5,2022,{fuel},{note},{tonnes}\n");
    }
    assert!(text.len() > 4 << 20, "{}", text.len());
    fs::write(folder.path().join("r.csv"), &text).unwrap();
    fs::write(folder.path().join("pipeline.toml"), PIPELINE.replace("KEEP", "")).unwrap();
    let mut wanted = Vec::new();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    for (row, record) in reader.records().enumerate() {
        let record = record.unwrap();
        if &record[6] == "x" || row == count - 2 {
            wanted.push(record.position().unwrap().line());
        }
    }
    let pipeline = Pipeline::load(&folder.path().join("pipeline.toml"), &[]).unwrap();
    let examined = pipeline::check(&pipeline).unwrap();
    let findings = &examined.findings;
    let found: Vec<u64> = findings.quarantine.iter().map(|row| row.line).collect();
    assert_eq!(found, wanted);
    let repeat = findings.quarantine.last().unwrap();
    assert_eq!(
        (&*repeat.value, repeat.message.as_str()),
        ("F1", "a second row of one id and year: the first is line 5")
    );
    let note = examined.profiles[0].1.columns.iter().find(|column| column.column == "note").unwrap();
    assert_eq!(note.r#type, "text");
    assert_eq!(examined.accounts[0].read.rows, count as u64);
}
