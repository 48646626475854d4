//! Files as they should not be: never a panic, never silence, always the place.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]
#![allow(clippy::too_many_lines, reason = "lists of cases")]

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use forerunner::error::Error;
use forerunner::pipeline::{self, Pipeline};

/// What must come out.
enum Expect {
    /// The run ends with this exit status and says all of this.
    Ends(u8, &'static [&'static str]),
    /// Rows in quarantine: line and rule; nothing else is rejected.
    Rejects(&'static [(u64, &'static str)]),
    /// No row is rejected, and there is a finding of this rule.
    Finds(&'static str),
    /// All is well: so many rows.
    Reads(u64),
}
use Expect::{Ends, Finds, Reads, Rejects};

/// A register under a name, more of the pipeline file, and what must come out.
struct Case {
    name: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    more: &'static str,
    expect: Expect,
}

const HEADER: &str = "id,cluster,lon,lat,year,tonnes\n";

fn rows(rows: &str) -> Vec<u8> {
    format!("{HEADER}{rows}").into_bytes()
}

fn case(name: &'static str, bytes: impl Into<Vec<u8>>, expect: Expect) -> Case {
    Case { name, file: "register.csv", bytes: bytes.into(), more: "", expect }
}

impl Case {
    fn file(self, file: &'static str) -> Self {
        Self { file, ..self }
    }

    fn more(self, more: &'static str) -> Self {
        Self { more, ..self }
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn cut(mut bytes: Vec<u8>, share: f64) -> Vec<u8> {
    bytes.truncate((bytes.len() as f64 * share) as usize);
    bytes
}

fn many_rows(count: usize) -> Vec<u8> {
    // Numbers that do not pack well, so that a cut falls into the rows.
    let row = |at: usize| {
        let noise = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("F{at},c,{}.{:05},51.{:05},2022,{}\n", noise % 5, noise % 99_991, noise % 99_989, noise % 999_983)
    };
    rows(&(0..count).map(row).collect::<String>())
}

/// An archive of stored members, written by hand: local headers, central directory, end.
fn zip(members: &[(&str, &[u8], u32)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content, checksum) in members {
        let start = bytes.len() as u32;
        let size = content.len() as u32;
        let mut common = Vec::new();
        common.extend([20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x5a]);
        common.extend(checksum.to_le_bytes());
        common.extend([size.to_le_bytes(), size.to_le_bytes()].concat());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(*content);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (bytes.len() as u32, members.len() as u16);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
    bytes.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

fn utf16(text: &str, mark: bool) -> Vec<u8> {
    let start: &[u16] = if mark { &[0xfeff] } else { &[] };
    start.iter().copied().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

const GOOD: &str = "A,c,1.5,51.5,2022,100\n";
const PLACED: &str = "x = \"lon\"\ny = \"lat\"\n";

/// Packed files, archives, files that are none.
fn packing() -> Vec<Case> {
    let good = rows(GOOD);
    let damaged = zip(&[("register.csv", &good, crc(&good) ^ 1)]);
    let whole = zip(&[("register.csv", &good, crc(&good))]);
    let two = zip(&[("a.csv", &good, crc(&good)), ("b.csv", &good, crc(&good))]);
    let zstd = zstd::encode_all(many_rows(200_000).as_slice(), 1).unwrap();
    vec![
        case("gzip", gzip(&good), Reads(1)).file("register.csv.gz"),
        case("gzip in two members", [gzip(&good), gzip(b"B,c,1,51,2022,1\n")].concat(), Reads(2))
            .file("register.csv.gz"),
        case("gzip cut short", cut(gzip(&many_rows(200_000)), 0.7), Ends(3, &["register.csv.gz:", "does not unpack"]))
            .file("register.csv.gz"),
        case("gzip damaged", [gzip(&good).as_slice(), b"tail"].concat(), Ends(3, &["register.csv.gz"]))
            .file("register.csv.gz"),
        case("plain text called gzip", good.clone(), Ends(3, &["register.csv.gz", "does not unpack"]))
            .file("register.csv.gz"),
        case("gzip called csv", gzip(&good), Ends(3, &["register.csv", "call it `.gz`"])),
        case("zstandard called csv", zstd.clone(), Ends(3, &["call it `.zst`"])),
        case("zstandard", zstd::encode_all(good.as_slice(), 1).unwrap(), Reads(1)).file("register.csv.zst"),
        case("zstandard cut short", cut(zstd, 0.5), Ends(3, &["register.csv.zst:", "does not unpack"]))
            .file("register.csv.zst"),
        case("zip of one member", whole.clone(), Reads(1)).file("register.zip"),
        case("zip of two members", two, Ends(3, &["holds 2 files", "a.csv, b.csv"])).file("register.zip"),
        case("zip with a wrong checksum", damaged, Ends(3, &["register.zip/register.csv", "checksum"]))
            .file("register.zip"),
        case("zip cut short", cut(whole, 0.6), Ends(3, &["register.zip", "does not unpack"])).file("register.zip"),
        case("not a zip", good.clone(), Ends(3, &["register.zip", "does not unpack"])).file("register.zip"),
        case("workbook called csv", b"PK\x03\x04 and more".to_vec(), Ends(3, &["a workbook"])),
        case(
            "zip bomb",
            gzip(&rows(&GOOD.repeat(18 << 20))),
            Ends(3, &["register.csv.gz", "more than 200 times its size"]),
        )
        .file("register.csv.gz"),
    ]
}

/// Rows, quotes, lines, encodings.
fn text() -> Vec<Case> {
    let long = format!("{},c,1,51,2022,1\n", "x".repeat(10 << 20));
    let latin = [rows(GOOD).as_slice(), b"Gl\xfcckstadt,c,1,51,2022,1\n"].concat();
    vec![
        case("short row", rows("A,c,1,51,2022,1\nB,c\n"), Rejects(&[(3, "field_count")])),
        case("long row", rows("A,c,1,51,2022,1,7,8\nB,c,1,51,2022,1\n"), Rejects(&[(2, "field_count")])),
        case("cell of 10 MB", rows(&long), Rejects(&[(2, "too_long")])),
        case("NUL byte", rows("A\0,c,1,51,2022,1\nB,c,1,51,2022,1\n"), Rejects(&[(2, "encoding")])),
        case("two encodings", latin.clone(), Rejects(&[(3, "encoding")])),
        case("declared encoding", latin, Reads(2)).more("encoding = \"windows-1252\""),
        case("unknown encoding", rows(GOOD), Ends(2, &["facilities.encoding", "no encoding"]))
            .more("encoding = \"utf8-ish\""),
        case("UTF-16 with mark", utf16(&format!("{HEADER}{GOOD}"), true), Reads(1)),
        case("UTF-16 without mark", utf16(&format!("{HEADER}{GOOD}"), false), Reads(1)),
        case(
            "UTF-16 cut within a character",
            [utf16(&format!("{HEADER}{GOOD}B,c,1,51,2022,1"), true), vec![0x31]].concat(),
            Rejects(&[(3, "encoding")]),
        ),
        case("byte order mark", ["\u{feff}".as_bytes(), &rows(GOOD)].concat(), Reads(1)),
        case("byte order mark within", rows("A,c,1,51,2022,1\n\u{feff}B,c,1,51,2022,1\n"), Rejects(&[(3, "encoding")])),
        case("header twice", rows(&format!("{GOOD}{HEADER}B,c,1,51,2022,1\n")), Rejects(&[(3, "header_again")])),
        case(
            "quote never closed",
            rows("A,c,1,51,2022,1\n\"B,c,1,51,2022,1\nC,c,1,51,2022,1\n"),
            Ends(3, &["register.csv:3", "never closed"]),
        ),
        case("quote never closed in the header", "\"id,cluster\nA,c\n", Ends(3, &["register.csv"])),
        case("quote within a field", rows("5\" pipe,c,1,51,2022,1\nB,c,1,51,2022,x\n"), Rejects(&[(3, "unreadable")])),
        case(
            "line breaks in quotes",
            rows("\"A\n\n\",c,1,51,2022,1\nB,c,1,51,2022,x\n"),
            Rejects(&[(5, "unreadable")]),
        ),
        case("CRLF", format!("{HEADER}{GOOD}B,c,1,51,2022,x\n").replace('\n', "\r\n"), Rejects(&[(3, "unreadable")])),
        case("CR alone", format!("{HEADER}{GOOD}B,c,1,51,2022,x\n").replace('\n', "\r"), Rejects(&[(3, "unreadable")])),
        case("blank lines", rows("\n\nA,c,1,51,2022,x\n\n"), Rejects(&[(4, "unreadable")])),
        case("comments", format!("# by hand\n{HEADER}#A,\"c\nA,c,1,51,2022,x\n"), Rejects(&[(4, "unreadable")]))
            .more("comment = \"#\""),
        case("titles", format!("a title\n\"\"\n{HEADER}A,c,1,51,2022,x\n"), Rejects(&[(4, "unreadable")]))
            .more("skip_before_header = 2"),
        case("empty file", "", Ends(3, &["register.csv", "empty"])),
        case("blank file", " \n\n\t\n", Ends(3, &["register.csv", "empty"])),
        case("comments alone", "# nothing\n", Ends(3, &["register.csv"])).more("comment = \"#\""),
        case("header alone", HEADER, Ends(3, &["no rows"])),
        case("header without its line break", HEADER.trim_end(), Ends(3, &["no rows"])),
        case("rows of delimiters", rows(",,,,,\nA,c,1,51,2022,1\n"), Rejects(&[(2, "required")])),
        case("another delimiter than declared", rows(GOOD), Ends(3, &["no column `id`", "known:"]))
            .more("delimiter = \"|\""),
        case("delimiter found", format!("{HEADER}{GOOD}").replace(',', ";"), Reads(1)),
        case(
            "column missing",
            "id,cluster,lon,lat,year\nA,c,1,51,2022\n",
            Ends(3, &["register.csv", "no column `tonnes`"]),
        ),
        case("column twice", "id,id,cluster,lon,lat,year,tonnes\nA,A,c,1,51,2022,1\n", Ends(3, &["two columns `id`"])),
        case("ten thousand columns", wide(10_000), Reads(1)),
        case("a header of 260 KB", wide(40_000), Reads(1)),
        case("more columns than any file has", wide(100_001), Ends(3, &["columns", "turn columns into rows"])),
        case("no text at all", (0..=255u8).cycle().take(5000).collect::<Vec<u8>>(), Ends(3, &["register.csv"])),
    ]
}

fn wide(count: usize) -> String {
    let names: Vec<String> = (0..count).map(|at| format!("n{at}")).collect();
    format!("{},{}\n{},{}\n", HEADER.trim_end(), names.join(","), GOOD.trim_end(), vec!["0"; count].join(","))
}

/// Values, keys, places, contracts.
fn values() -> Vec<Case> {
    let one = |value: &str| rows(&format!("A,c,1,51,2022,1\nB,c,1,51,2022,{value}\n"));
    let place = |place: &str| rows(&format!("A,c,1.5,51.5,2022,1\nB,c,{place},2022,1\n"));
    let bad: &[(u64, &str)] = &[(3, "unreadable")];
    vec![
        case("NaN", one("NaN"), Rejects(bad)),
        case("infinity", one("inf"), Rejects(bad)),
        case("1e400", one("1e400"), Rejects(bad)),
        case("a date for a number", one("2022-05-01"), Rejects(bad)),
        case("a unit in the cell", one("12 t"), Rejects(bad)),
        case("hexadecimal", one("0x10"), Rejects(bad)),
        case("decimal comma", one("\"12,5\""), Rejects(bad)),
        case("decimal comma, declared", one("\"12,5\""), Reads(2)).more("decimal = \",\""),
        case("thousands, declared", one("\"1,234.5\""), Reads(2)).more("thousands = \",\""),
        case("thousands, uneven", one("\"1,23,4\""), Rejects(bad)).more("thousands = \",\""),
        case("marks alike", rows(GOOD), Ends(2, &["facilities.thousands"])).more("thousands = \".\""),
        case("negative tonnes", one("-5"), Rejects(&[(3, "min")])),
        case("no tonnes", one(""), Finds("no_emissions")),
        case("year with a fraction", rows("A,c,1,51,2022.5,1\nB,c,1,51,2022.0,1\n"), Rejects(&[(2, "unreadable")])),
        case("year in words", rows("A,c,1,51,MMXX,1\nB,c,1,51,2022,1\n"), Rejects(&[(2, "unreadable")])),
        case("one id and year twice", rows("A,c,1,51,2022,1\nA,c,1,51,2022,2\nA,c,1,51,2021,3\n"), Rejects(&[(3, "unique")])),
        case("the last of a key", rows("A,c,1,51,2022,1\nA,c,1,51,2022,2\n"), Reads(1)).more("contract = { keep = \"last\" }"),
        case("no id", rows(",c,1,51,2022,1\nB,c,1,51,2022,1\n"), Rejects(&[(2, "required")])),
        case("two labels", rows("A,c,1,51,2022,1\nA,d,1,51,2021,2\n"), Ends(3, &["two labels", "A"])),
        case("latitude of 95", place("1,95"), Rejects(&[(3, "coordinate_range")])).more(PLACED),
        case("longitude of 200", place("200,51"), Rejects(&[(3, "coordinate_range")])).more(PLACED),
        case("0, 0", place("0,0"), Rejects(&[(3, "null_island")])).more(PLACED),
        case("exchanged", place("52.5,-1.9"), Rejects(&[(3, "swapped_coordinates")])).more("x = \"lon\"\ny = \"lat\"\ncountry = \"GB\"\n"),
        case("out of the country", place("21,52"), Finds("out_of_country")).more("x = \"lon\"\ny = \"lat\"\ncountry = \"GB\"\n"),
        case("unknown country", place("1,51"), Ends(2, &["facilities.country", "UK", "GB"])).more("country = \"UK\""),
        case("off the grid", place("1e12,51"), Rejects(&[(3, "coordinate_range")])).more("crs = \"EPSG:2154\"\nx = \"lon\"\ny = \"lat\"\n"),
        case("unknown crs", place("1,51"), Ends(2, &["facilities.crs"])).more("crs = \"EPSG:1\""),
        case("no point", "id,cluster,lon,lat,year,tonnes\nA,c,POLYGON((0 0)),0,2022,1\nB,c,\"POLYGON((0 0,1 0,1 1,0 0))\",0,2022,1\nC,c,POINT(1 51),0,2022,1\n", Rejects(&[(2, "unreadable"), (3, "unreadable")])).more("geometry = \"lon\"\n"),
        case("another SRID", "id,cluster,lon,lat,year,tonnes\nA,c,SRID=27700;POINT(1 51),0,2022,1\nC,c,SRID=4326;POINT(1 51),0,2022,1\n", Rejects(&[(2, "unreadable")])).more("geometry = \"lon\"\n"),
        case("pattern", rows("A1,c,1,51,2022,1\nB,c,1,51,2022,1\n"), Rejects(&[(3, "pattern")])).more("contract = { max_rejected = 1, id = { pattern = '[A-Z]\\d' } }"),
        case("not a pattern", rows(GOOD), Ends(2, &["facilities.contract.id", "regular expression"])).more("contract = { id = { pattern = '[' } }"),
        case("allowed", one("1"), Rejects(&[(3, "allowed")])).more("contract = { max_rejected = 1, id = { allowed = [\"A\"] } }"),
        case("greatest", one("9"), Rejects(&[(3, "max")])).more("contract = { max_rejected = 1, emissions_t = { max = 5 } }"),
        case("check", one("9"), Rejects(&[(3, "check")])).more("contract = { max_rejected = 1, checks = [\"emissions_t < 5 OR year < 2000\"] }"),
        case("check, to be warned of", one("9"), Finds("check")).more("contract = { checks = [{ sql = \"emissions_t < 5\", severity = \"warn\" }] }"),
        case("rule, to be warned of", one("9"), Finds("max")).more("contract = { emissions_t = { max = 5, severity = \"warn\" } }"),
        case("check of no column", one("9"), Ends(2, &["facilities.contract", "tonnes"])).more("contract = { checks = [\"tonnes < 5\"] }"),
        case("contract on no column", one("9"), Ends(2, &["facilities.contract.tonnes"])).more("contract = { tonnes = { min = 1 } }"),
        case("too many rows rejected", one("x"), Ends(3, &["1 of 2 rows are rejected", "register.csv line 3"])).more("contract = { max_rejected = 0.4 }"),
        case("too many tonnes rejected", rows("A,c,1,51,2022,1\nB,c,1,51,1800,9\n"), Ends(3, &["9 of 10 t are rejected"])).more("contract = { max_rejected = 1, max_rejected_tonnes = 0.5, year = { min = 1900 } }"),
    ]
}

/// GeoJSON and Parquet.
fn other_formats() -> Vec<Case> {
    let point = |id: &str, place: &str| {
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"id\":\"{id}\",\"cluster\":\"c\",\"year\":2022,\"tonnes\":1}},\"geometry\":{place}}}"
        )
    };
    let collection =
        |features: &[String]| format!("{{\"type\":\"FeatureCollection\",\"features\":[{}]}}", features.join(","));
    let good = "{\"type\":\"Point\",\"coordinates\":[1,51]}";
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let crs = collection(&[point("A", good)]).replacen(
        '{',
        "{\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::27700\"}},",
        1,
    );
    vec![
        case("GeoJSON", collection(&[point("A", good)]), Reads(1)),
        case(
            "GeoJSON cut short",
            cut(collection(&[point("A", good)]).into_bytes(), 0.5),
            Ends(3, &["register.geojson", "not GeoJSON"]),
        ),
        case("TopoJSON", "{\"type\":\"Topology\",\"objects\":{}}", Ends(3, &["register.geojson", "Topology"])),
        case("GeoJSON without features", collection(&[]), Ends(3, &["register"])),
        case("GeoJSON, deep", nested, Ends(3, &["register.geojson"])),
        case("GeoJSON, not UTF-8", b"{\"type\": \"\xff\"}".to_vec(), Ends(3, &["not UTF-8"])),
        case(
            "GeoJSON, positions of one number",
            collection(&[point("A", good), point("B", "{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1],[0,0]]]}")]),
            Rejects(&[(2, "unreadable")]),
        ),
        case(
            "GeoJSON, off the globe",
            collection(&[point("A", good), point("B", "{\"type\":\"Point\",\"coordinates\":[1,151]}")]),
            Rejects(&[(2, "coordinate_range")]),
        ),
        case("GeoJSON of another crs", crs, Ends(2, &["facilities.crs", "EPSG:27700"])),
    ]
    .into_iter()
    .map(|case| case.file("register.geojson"))
    .chain([
        case("no Parquet", "id,cluster\n", Ends(3, &["register.parquet", "not Parquet"])).file("register.parquet"),
        case(
            "Parquet cut short",
            [b"PAR1".as_slice(), &[0; 100]].concat(),
            Ends(3, &["register.parquet", "not Parquet"]),
        )
        .file("register.parquet"),
        case(
            "Parquet with a broken end",
            [b"PAR1".as_slice(), &[0xff; 100], b"\x50\0\0\0PAR1"].concat(),
            Ends(3, &["register.parquet"]),
        )
        .file("register.parquet"),
        case("empty Parquet", "", Ends(3, &["register.parquet"])).file("register.parquet"),
        case("Parquet, packed again", gzip(b"PAR1"), Ends(3, &["unpack it"])).file("register.parquet.gz"),
    ])
    .collect()
}

/// A pipeline file over one register.
fn pipeline_file(file: &str, more: &str) -> String {
    let mut settings: Vec<&str> = more.lines().collect();
    let columns: Vec<&str> = settings
        .iter()
        .copied()
        .filter(|line| ["x =", "y =", "geometry ="].iter().any(|key| line.starts_with(key)))
        .collect();
    settings.retain(|line| !columns.contains(line));
    let contract = if more.contains("contract") { "" } else { "contract = { max_rejected = 1 }" };
    format!(
        "name = \"t\"\n[facilities]\npath = \"{file}\"\n{contract}\n{}\n[facilities.columns]\nid = \"id\"\nlabel = \"cluster\"\nyear = \"year\"\nemissions_t = \"tonnes\"\n{}\n[delineate]\nmethod = \"label\"\n[[dimensions]]\nid = \"size\"\n[[components]]\nid = \"c\"\nparent = \"size\"\n[[indicators]]\nid = \"i\"\nparent = \"c\"\nover = \"clusters\"\nexpr = \"facility_count\"\nworst = 0\nbest = 10\n",
        settings.join("\n"),
        columns.join("\n")
    )
}

/// The error, rejected rows, findings, kept rows.
type Checked = (Option<Error>, Vec<(u64, String)>, Vec<String>, u64);

/// What a check of the folder's pipeline comes to.
fn outcome(folder: &Path) -> Checked {
    let examined = Pipeline::load(&folder.join("pipeline.toml"), &[]).and_then(|pipeline| pipeline::check(&pipeline));
    let word = |rule| serde_json::to_value(rule).unwrap().as_str().unwrap().to_owned();
    match examined {
        Ok(examined) => {
            let findings = &examined.findings;
            let rejected = findings.quarantine.iter().map(|row| (row.line, word(row.rule))).collect();
            let found = findings.findings.iter().map(|finding| word(finding.rule)).collect();
            let kept = examined.accounts.first().map_or(0, |account| account.kept.rows);
            (examined.error, rejected, found, kept)
        }
        Err(error) => (Some(error), Vec::new(), Vec::new(), 0),
    }
}

fn said(error: &Error) -> String {
    error.reports().into_iter().map(|(message, hint)| format!("{message} {}", hint.unwrap_or_default())).collect()
}

/// Says what is wrong with a case; nothing if it is as it should be.
fn verdict(case: &Case) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(case.file), &case.bytes).unwrap();
    fs::write(folder.path().join("pipeline.toml"), pipeline_file(case.file, case.more)).unwrap();
    let result = std::panic::catch_unwind(|| outcome(folder.path()));
    let Ok((error, rejected, found, kept)) = result else { return Some("panics".into()) };
    match (&case.expect, error) {
        (Ends(status, words), Some(error)) => {
            let text = said(&error);
            let missing: Vec<_> = words.iter().filter(|word| !text.contains(**word)).collect();
            let wrong = error.exit_status() != *status || !missing.is_empty();
            wrong.then(|| format!("status {}, {missing:?} missing in: {text}", error.exit_status()))
        }
        (Ends(..), None) => Some(format!("does not end; rejected {rejected:?}, found {found:?}")),
        (_, Some(error)) => Some(format!("ends: {}", said(&error))),
        (Rejects(rows), None) => {
            let wanted: Vec<(u64, String)> = rows.iter().map(|(line, rule)| (*line, (*rule).to_owned())).collect();
            (rejected != wanted).then(|| format!("rejects {rejected:?}"))
        }
        (Finds(rule), None) => {
            let wrong = !found.iter().any(|known| known == rule) || !rejected.is_empty();
            wrong.then(|| format!("finds {found:?}, rejects {rejected:?}"))
        }
        (Reads(rows), None) => {
            (kept != *rows || !rejected.is_empty()).then(|| format!("keeps {kept}, rejects {rejected:?}"))
        }
    }
}

#[test]
fn every_bad_input_has_its_place() {
    let cases: Vec<Case> = [packing(), text(), values(), other_formats()].into_iter().flatten().collect();
    assert!(cases.len() >= 90, "only {} cases", cases.len());
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| Some(format!("{}: {}", case.name, verdict(case)?))).collect();
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// What is no file, or cannot be opened.
#[test]
fn what_is_no_file_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("folder.csv")).unwrap();
    fs::create_dir(at("folder.zip")).unwrap();
    std::os::unix::fs::symlink(at("loop.csv"), at("loop.csv")).unwrap();
    std::os::unix::fs::symlink(at("nowhere.csv"), at("dangling.csv")).unwrap();
    let long = format!("{}.csv", "x".repeat(300));
    fs::write(at("real.zip"), zip(&[("a.csv", b"id\n", crc(b"id\n"))])).unwrap();
    for (path, status, word) in [
        ("folder.csv", 1, "regular file"),
        ("folder.zip", 1, "regular file"),
        ("loop.csv", 1, "loop.csv"),
        ("dangling.csv", 1, "dangling.csv"),
        ("missing.csv", 1, "missing.csv"),
        (long.as_str(), 1, "xxx.csv"),
        ("/dev/zero", 1, "regular file"),
        ("*.tsv", 1, "no file matches"),
        ("a[.csv", 2, "facilities.path"),
        ("real.zip/b.csv", 3, "no member `b.csv`"),
    ] {
        fs::write(at("pipeline.toml"), pipeline_file(path, "")).unwrap();
        let (error, ..) = outcome(folder.path());
        let error = error.unwrap_or_else(|| panic!("{path} is taken for a file"));
        assert_eq!(error.exit_status(), status, "{path}: {}", said(&error));
        assert!(said(&error).contains(word), "{path}: {}", said(&error));
    }
}

/// Several files of one register: each row has its file; one of them may be empty, with a finding.
#[test]
fn several_files() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("r1.csv"), rows("A,c,1,51,2022,1\n")).unwrap();
    fs::write(at("r2.csv"), rows("B,c,1,51,2022,x\nA,c,1,51,2022,4\n")).unwrap();
    fs::write(at("r3.csv"), HEADER).unwrap();
    fs::write(at("pipeline.toml"), pipeline_file("r*.csv", "where = \"source_file <> 'r9.csv'\"")).unwrap();
    let pipeline = Pipeline::load(&at("pipeline.toml"), &[]).unwrap();
    let examined = pipeline::check(&pipeline).unwrap();
    let findings = &examined.findings;
    let places: Vec<(&str, u64, &str)> =
        findings.quarantine.iter().map(|row| (&*row.file, row.line, &*row.column)).collect();
    assert_eq!(places, [("r2.csv", 2, "tonnes"), ("r2.csv", 3, "id")]);
    assert_eq!((examined.accounts[0].read.rows, examined.accounts[0].kept.rows), (3, 1));
    assert!(findings.findings.iter().any(|finding| finding.file == "r3.csv"));
    let column = examined.profiles[0].1.columns.iter().find(|column| column.column == "source_file").unwrap();
    assert_eq!(column.top, [("r2.csv".to_owned(), 2), ("r1.csv".to_owned(), 1)]);
}
