//! What the pipeline file declares, happens: every property of a column whatever type its values show, every key of a
//! source on every source that takes it.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use forerunner::error::Error;
use forerunner::pipeline::{self, Outcome, Pipeline};

type Row = HashMap<String, String>;

fn rows(path: &Path) -> Vec<Row> {
    csv::Reader::from_path(path).unwrap().deserialize().map(|row| row.unwrap()).collect()
}

fn run(path: &Path, out: &Path, set: &[String]) -> Result<Outcome, Error> {
    pipeline::run(&Pipeline::load(path, set)?, out, None, &|_, _| {})
}

const SCORING: &str = "[[dimensions]]\nid = 'd'\n[[indicators]]\nid = 'i'\nparent = 'd'\nover = 'clusters'\n\
    expr = 'facility_count'\nworst = 0\nbest = 10\n[outputs]\ntables = ['csv']\nlayers = []\nreport = false\n";

/// A register of one column beside id and label, by its cells; what comes of that column in `facilities.csv`.
fn column(cells: &[&str], reading: &str, spec: &str, name: &str, contract: &str) -> Result<Vec<String>, String> {
    let root = tempfile::tempdir().unwrap();
    let lines = cells.iter().enumerate().map(|(at, cell)| format!("f{at};A;{cell};1\n"));
    fs::write(root.path().join("r.csv"), format!("id;label;v;w\n{}", lines.collect::<String>())).unwrap();
    let text = format!(
        "name = 't'\n[facilities]\npath = 'r.csv'\ndelimiter = ';'\n{reading}\n[facilities.columns]\nid = 'id'\nlabel = 'label'\n\
         {name} = {spec}\n[facilities.contract]\nmax_rejected = 1\n{contract}\n[delineate]\nmethod = 'label'\n{SCORING}"
    );
    let path = root.path().join("p.toml");
    fs::write(&path, text).unwrap();
    let out = root.path().join("run");
    run(&path, &out, &[]).map_err(|error| error.to_string())?;
    Ok(rows(&out.join("facilities.csv")).into_iter().map(|row| row[name].clone()).collect())
}

/// Cells as files write them, how that is declared, and the numbers that they are.
const WRITTEN: [(&str, &[&str], &str, &[f64]); 9] = [
    ("whole", &["1500", "3"], "", &[1500.0, 3.0]),
    ("decimal", &["1500.5", "3"], "", &[1500.5, 3.0]),
    ("exponent", &["1.5e3", "3"], "", &[1500.0, 3.0]),
    ("zero before", &["01500", "03"], "", &[1500.0, 3.0]),
    ("comma", &["1500,5", "3"], "decimal = ','", &[1500.5, 3.0]),
    ("groups", &["1,500", "3"], "thousands = ','", &[1500.0, 3.0]),
    ("both", &["1.500,5", "3"], "decimal = ','\nthousands = '.'", &[1500.5, 3.0]),
    ("with nothing", &["1500", "-", "3"], "missing = '-'", &[1500.0, f64::NAN, 3.0]),
    ("large", &["9000000000000000000", "3"], "", &[9e18, 3.0]),
];

fn same(found: &[String], wanted: &[f64]) -> bool {
    let number = |cell: &String| cell.parse().unwrap_or(f64::NAN);
    let close = |(found, wanted): (f64, &f64)| {
        found.is_nan() && wanted.is_nan() || (found - wanted).abs() <= 1e-9 * wanted.abs().max(1e-9)
    };
    found.len() == wanted.len() && found.iter().map(number).zip(wanted).all(close)
}

/// NIST Special Publication 811, appendix B; carbon to CO2 by 44/12; AR5 for methane.
#[test]
fn units_hold_whatever_the_values_look_like() {
    let units: [(&str, &str, f64); 30] = [
        ("v_t", "unit = 'g'", 1e-6),
        ("v_t", "unit = 'kg'", 1e-3),
        ("v_t", "unit = 't'", 1.0),
        ("v_t", "unit = 'kt'", 1e3),
        ("v_t", "unit = 'Mt'", 1e6),
        ("v_t", "unit = 'Gt'", 1e9),
        ("v_t", "unit = 'lb'", 0.000_453_592_37),
        ("v_t", "unit = 'short ton'", 0.907_184_74),
        ("v_t", "unit = 'long ton'", 1.016_046_908_8),
        ("v_t", "of = 'C'", 44.0 / 12.0),
        ("v_t", "unit = 'kt', of = 'C'", 44_000.0 / 12.0),
        ("v_t", "of = 'CH4'", 28.0),
        ("emissions_t", "unit = 'kt'", 1e3),
        ("emissions_t", "unit = 'kg', of = 'CH4'", 0.028),
        ("v_mt", "unit = 't'", 1e-6),
        ("v_mt", "unit = 'kt'", 1e-3),
        ("v_km", "unit = 'm'", 1e-3),
        ("v_km", "unit = 'ft'", 0.000_304_8),
        ("v_km", "unit = 'mi'", 1.609_344),
        ("v_km", "unit = 'nmi'", 1.852),
        ("km_to_port", "unit = 'm'", 1e-3),
        ("v_km2", "unit = 'm2'", 1e-6),
        ("v_km2", "unit = 'ha'", 0.01),
        ("v_km2", "unit = 'acre'", 0.004_046_856_422_4),
        ("v_km2", "unit = 'mi2'", 2.589_988_110_336),
        ("v_mw", "unit = 'W'", 1e-6),
        ("v_mw", "unit = 'kW'", 1e-3),
        ("v_mw", "unit = 'MW'", 1.0),
        ("v_mw", "unit = 'GW'", 1e3),
        ("v_mw", "missing = ['n/a'], unit = 'kW'", 1e-3),
    ];
    for (how, cells, reading, numbers) in WRITTEN {
        for (name, property, factor) in units {
            let wanted: Vec<f64> = numbers.iter().map(|number| number * factor).collect();
            for kind in ["", ", type = 'number'"] {
                let spec = format!("{{ column = 'v', {property}{kind} }}");
                let found = column(cells, &format!("{reading}\ngwp = 'AR5'"), &spec, name, "").unwrap();
                assert!(same(&found, &wanted), "{how} {name} {property}{kind}: {found:?} instead of {wanted:?}");
            }
            let sum = format!("{{ sum = [{{ column = 'v', {property} }}, {{ column = 'w', {property} }}] }}");
            let found = column(cells, &format!("{reading}\ngwp = 'AR5'"), &sum, name, "").unwrap();
            let added: Vec<f64> =
                numbers.iter().map(|number| (if number.is_nan() { 0.0 } else { *number } + 1.0) * factor).collect();
            assert!(same(&found, &added), "{how} sum of {name} {property}: {found:?} instead of {added:?}");
        }
    }
}

#[test]
fn whole_numbers_with_a_unit_are_checked_and_converted() {
    let spec = "{ column = 'v', unit = 'kW', type = 'integer' }";
    assert!(same(&column(&["1500", "3"], "", spec, "v_mw", "").unwrap(), &[1.5, 0.003]));
    assert_eq!(column(&["1500.5", "3"], "", spec, "v_mw", "").unwrap().len(), 1);
}

/// Property by property: the cells, what is declared, and what is left of the column.
#[test]
fn properties_hold_whatever_the_type() {
    let left = |cells: &[&str], spec: &str, contract: &str| column(cells, "", spec, "v", contract).unwrap();
    for others in [&[][..], &["2.5"], &["x"]] {
        let cells = |own: &[&'static str]| [own, others].concat();
        let counted = |found: Vec<String>| found.len() - others.len();
        // As text, as number, as whole number: the same cells are allowed, match, and are there once.
        let allowed = "v = { allowed = ['1', '2.50', 'x', '2.5'] }";
        assert_eq!(counted(left(&cells(&["1", "1.0", "7"]), "'v'", allowed)), 2, "{others:?}");
        let pattern = r"v = { pattern = '\d\.\d0|x|2.5' }";
        assert_eq!(counted(left(&cells(&["1.50", "1.5", "7"]), "'v'", pattern)), 1, "{others:?}");
        assert_eq!(
            counted(left(&cells(&["1", "-", "7"]), "{ column = 'v', missing = '-' }", "v = { required = true }")),
            2
        );
        let recode = "{ column = 'v', recode = { one = '1' }, remove = ' MW$' }";
        let found = left(&cells(&["one", "7 MW"]), recode, "");
        assert!(found[0].starts_with('1') && found[1].starts_with('7'), "{others:?}: {found:?}");
    }
    for (cells, kept) in [(["5", "7"], 1), (["5.5", "7"], 1), (["05", "07"], 1), (["5", "x"], 0)] {
        assert_eq!(left(&cells, "'v'", "v = { min = 6 }").len(), kept, "{cells:?}");
        assert_eq!(left(&cells, "'v'", "v = { max = 5.6 }").len(), 1, "{cells:?}");
    }
    // A limit holds to 1e-9: 0.07 * 100 is 7.000000000000001.
    let spec = "{ column = 'v', unit = 'ha' }";
    let within = column(&["700"], "", spec, "v_km2", "v_km2 = { max = 7, min = 7 }").unwrap();
    assert_eq!(within.len(), 1);
}

#[test]
fn properties_that_contradict_are_refused() {
    for (name, spec, contract) in [
        ("v_mw", "{ column = 'v', unit = 'kW', type = 'text' }", ""),
        ("v", "{ column = 'v', type = 'text' }", "v = { min = 3 }"),
        ("v", "'v'", "v = { type = 'text', max = 3 }"),
        ("v", "{ column = 'v', type = 'text' }", "keep = 'sum'\nv = { keep = 'max' }"),
        ("v", "'v'", "v = { keep = 'max' }"),
        ("name", "{ column = 'v', type = 'integer' }", ""),
        ("year", "{ column = 'v', type = 'text' }", ""),
        ("operator", "'v'", "operator = { min = 3 }"),
    ] {
        let refused = column(&["1", "2"], "", spec, name, contract);
        assert!(refused.is_err(), "{name} {spec} {contract}: {refused:?}");
    }
}

/// One source of the pipeline below: its key there, its file and its rows.
struct Table {
    key: &'static str,
    file: &'static str,
    rows: Vec<Vec<&'static str>>,
}

fn tables() -> Vec<Table> {
    let table = |key: &'static str, file: &'static str, text: &'static str| Table {
        key,
        file,
        rows: text.split('\n').map(|line| line.split('|').collect()).collect(),
    };
    vec![
        table(
            "facilities",
            "r.csv",
            "id|name|op|sector|x|y|t\na|Zementwerk Süd|Alpha|cement|0.25|51.5|1234567.5\nb|Works|Beta|steel|0.5|51.25|2500.25\n\
             c|Mill|Gamma|steel|1.5|51.5|1500\nd|Kiln||cement|1.25|51.5|20.5",
        ),
        table("facilities.join", "j.csv", "site|cap\na|1200.5\nb|3\nc|\nd|7"),
        table("layers.ports", "ports.csv", "id|name|x|y|capacity\np|Havn Sø|0.3|51.4|1500.5\nq|Haven|1.4|51.4|"),
        table(
            "boundaries",
            "regions.csv",
            "id|name|priority|geometry\nA|Süd|2000|POLYGON((0 51,1 51,1 52,0 52,0 51))\n\
             B|Ost|1.5|POLYGON((0.9 51,2 51,2 52,0.9 52,0.9 51))",
        ),
        table("places", "towns.csv", "name|population|x|y\nGrün|150000.5|0.3|51.4\nBraun|2500|1.4|51.45"),
        table("links.supply", "links.csv", "from|to|w|since|until\na|b|1200.5|2000|\nc|d|2.5||2030"),
        table(
            "memberships.body",
            "members.csv",
            "firm|body|since\nAlpha|Verband Süd|2001\nBeta|Verband Süd|\nGamma|Club|",
        ),
        table("memberships.owned", "owners.csv", "operator|parent|share\nAlpha|Mutter Süd|60.5\nBeta|Mutter Süd|75"),
        table("figures.bodies", "figures.csv", "site|figure|value\na|body_age|1500.5\nc|body_age|12"),
        table("operators.aliases", "aliases.csv", "name|operator|source\nAlpha|Alpha Süd|x\nZeta|Beta|y"),
        table("initiatives", "initiatives.csv", "name|objective|x|y\nGrün|hydrogen_production|0.25|51.5"),
    ]
}

const PIPELINE: &str = "name = 't'
[facilities]
path = 'r.csv'
columns = { id = 'id', name = 'name', operator = 'op', sector = 'sector', x = 'x', y = 'y', emissions_t = 't', cap_mw = 'cap' }
[facilities.join]
path = 'j.csv'
on = { id = 'site' }
[layers.ports]
path = 'ports.csv'
columns = { id = 'id', name = 'name', x = 'x', y = 'y', capacity = 'capacity' }
within_km = [50]
sum = ['capacity']
[boundaries]
path = 'regions.csv'
[places]
path = 'towns.csv'
columns = { name = 'name', population = 'population', x = 'x', y = 'y' }
[links.supply]
path = 'links.csv'
kind = 'formal'
between = 'facility'
columns = { from = 'from', to = 'to', weight = 'w', from_year = 'since', to_year = 'until' }
[memberships.body]
path = 'members.csv'
kind = 'informal'
between = 'operator'
columns = { member = 'firm', organisation = 'body', from_year = 'since' }
[memberships.owned]
path = 'owners.csv'
owners = true
columns = { operator = 'operator', parent = 'parent', share = 'share' }
[figures.bodies]
path = 'figures.csv'
columns = { facility = 'site', figure = 'figure', value = 'value' }
[operators]
normalise = false
[operators.aliases]
path = 'aliases.csv'
[initiatives]
path = 'initiatives.csv'
columns = { x = 'x', y = 'y' }
[delineate]
method = 'boundary'
name_by = 'place'
";

/// What is tried, how a file is written, the keys that say so, and whether they must make a difference.
type Written = (&'static str, Way, &'static [(&'static str, &'static str)], bool);

/// Another way to write the same table.
#[derive(Clone, Copy, Default)]
struct Way {
    delimiter: Option<char>,
    quote: Option<char>,
    decimal: Option<char>,
    thousands: Option<char>,
    before: usize,
    after: usize,
    comment: bool,
    latin: bool,
    missing: Option<&'static str>,
}

impl Way {
    fn cell(&self, cell: &str) -> String {
        let delimiter = self.delimiter.unwrap_or('|');
        let quote = self.quote.unwrap_or('"');
        let mut text = cell.to_owned();
        if cell.is_empty() {
            text = self.missing.unwrap_or_default().to_owned();
        } else if cell.parse::<f64>().is_ok() {
            let (whole, fraction) = cell.split_once('.').map_or((cell, None), |(whole, rest)| (whole, Some(rest)));
            let mut grouped = whole.to_owned();
            if let Some(mark) = self.thousands {
                for at in (1..whole.len()).rev().filter(|at| (whole.len() - at) % 3 == 0) {
                    grouped.insert(at, mark);
                }
            }
            let mark = self.decimal.unwrap_or('.');
            text = fraction.map_or(grouped.clone(), |fraction| format!("{grouped}{mark}{fraction}"));
        }
        let quoted = text.contains([delimiter, quote]) || text.contains(' ');
        if quoted { format!("{quote}{text}{quote}") } else { text }
    }

    fn bytes(&self, rows: &[Vec<&str>]) -> Vec<u8> {
        let delimiter = self.delimiter.unwrap_or('|').to_string();
        let line = |row: &Vec<&str>| row.iter().map(|cell| self.cell(cell)).collect::<Vec<_>>().join(&delimiter);
        let mut lines: Vec<String> = (0..self.before).map(|at| format!("Title {at}")).collect();
        lines.push(rows[0].join(&delimiter));
        lines.extend((0..self.after).map(|_| vec!["unit"; rows[0].len()].join(&delimiter)));
        lines.extend(rows[1..].iter().map(line));
        if self.comment {
            lines.insert(2, "# not a row".into());
        }
        let text = lines.join("\n") + "\n";
        if self.latin { text.chars().map(|letter| letter as u8).collect() } else { text.into_bytes() }
    }
}

fn written(folder: &Path, special: Option<(&str, Way)>) -> PathBuf {
    for Table { key, file, rows } in tables() {
        let way = special.filter(|(wanted, _)| *wanted == key).map_or(Way::default(), |(_, way)| way);
        fs::write(folder.join(file), way.bytes(&rows)).unwrap();
    }
    let path = folder.join("p.toml");
    fs::write(&path, format!("{PIPELINE}{SCORING}")).unwrap();
    path
}

/// All tables of a run, but what tells files and lines of the input, and the rows of every source.
fn results(out: &Path, outcome: &Outcome) -> BTreeMap<String, String> {
    let entries = fs::read_dir(out).unwrap().map(|entry| entry.unwrap().path());
    let tables = entries.filter(|path| path.extension().is_some_and(|extension| extension == "csv"));
    let tables = tables.filter(|path| !path.ends_with("findings.csv") && !path.ends_with("quarantine.csv"));
    let without_lines = |path: PathBuf| {
        let mut reader = csv::Reader::from_path(&path).unwrap();
        let header = reader.headers().unwrap().clone();
        let keep: Vec<usize> = (0..header.len()).filter(|&at| &header[at] != "line").collect();
        let records = reader.records().map(|record| record.unwrap());
        let lines = std::iter::once(header.clone()).chain(records);
        let text = lines.map(|line| keep.iter().map(|&at| line[at].to_owned()).collect::<Vec<_>>().join("|"));
        (path.file_name().unwrap().to_string_lossy().into_owned(), text.collect::<Vec<_>>().join("\n"))
    };
    let rows = outcome.manifest.sources.iter().map(|account| {
        (account.source.clone(), format!("{} {} {}", account.read.rows, account.quarantined.rows, account.kept.rows))
    });
    tables.map(without_lines).chain(rows).collect()
}

#[test]
fn every_key_of_reading_acts_on_every_source() {
    let root = tempfile::tempdir().unwrap();
    let plain = root.path().join("plain");
    let outcome = run(&written(root.path(), None), &plain, &[]).unwrap();
    let wanted = results(&plain, &outcome);
    assert!(wanted.len() > 15 && wanted["ties.csv"].contains("Verband Süd"));
    let none = Way::default();
    let ways: [Written; 10] = [
        ("delimiter", Way { delimiter: Some(';'), ..none }, &[("delimiter", "';'")], false),
        ("tab", Way { delimiter: Some('\t'), ..none }, &[("delimiter", "\"\\t\"")], false),
        ("quote", Way { quote: Some('\''), ..none }, &[("quote", "\"'\"")], false),
        ("decimal", Way { decimal: Some(','), ..none }, &[("decimal", "','")], true),
        ("thousands", Way { thousands: Some(','), ..none }, &[("thousands", "','")], true),
        (
            "both",
            Way { decimal: Some(','), thousands: Some('.'), ..none },
            &[("decimal", "','"), ("thousands", "'.'")],
            true,
        ),
        ("comment", Way { comment: true, ..none }, &[("comment", "'#'")], true),
        ("before", Way { before: 2, ..none }, &[("skip_before_header", "2")], true),
        ("after", Way { after: 1, ..none }, &[("skip_after_header", "1")], true),
        ("encoding", Way { latin: true, ..none }, &[("encoding", "'windows-1252'")], true),
    ];
    let missing = ("missing", Way { missing: Some("xx"), ..none }, &[("missing", "'xx'")][..], true);
    for table in tables() {
        for (what, way, keys, matters) in ways.iter().copied().chain([missing]) {
            let folder = root.path().join(format!("{}-{what}", table.key));
            fs::create_dir(&folder).unwrap();
            let path = written(&folder, Some((table.key, way)));
            let set: Vec<String> = keys.iter().map(|(key, value)| format!("{}.{key}={value}", table.key)).collect();
            let outcome = run(&path, &folder.join("run"), &set);
            let outcome = outcome.unwrap_or_else(|error| panic!("{} {what}: {error}", table.key));
            let found = results(&folder.join("run"), &outcome);
            for (name, text) in &wanted {
                assert_eq!(found[name], *text, "{} {what}: {name}", table.key);
            }
            // Without the key something else comes out, or nothing: what is tested here matters to the source.
            let changed = way.bytes(&table.rows) != none.bytes(&table.rows);
            let bare = run(&path, &folder.join("bare"), &[]);
            let differs = bare.map_or(true, |bare| results(&folder.join("bare"), &bare) != wanted);
            assert!(!matters || !changed || differs, "{} {what}: the key makes no difference", table.key);
        }
    }
}

/// Filters and contracts, by the account of the source: one of its rows is taken away, by each way that there is.
#[test]
fn every_contract_acts_on_every_source() {
    let root = tempfile::tempdir().unwrap();
    let path = written(root.path(), None);
    let account = |key: &str, set: &[String]| {
        let out = root.path().join("run");
        let outcome = run(&path, &out, set).unwrap_or_else(|error| panic!("{key} {set:?}: {error}"));
        let account = outcome.manifest.sources.into_iter().find(|account| account.source == key).unwrap();
        let filtered: u64 = account.filtered.iter().map(|filtered| filtered.tally.rows).sum();
        (account.read.rows, filtered, account.quarantined.rows, account.kept.rows)
    };
    // A text column that stays out of references, and its first value.
    let columns: [(&str, &str, &str); 10] = [
        ("facilities", "name", "Kiln"),
        ("layers.ports", "name", "Haven"),
        ("boundaries", "name", "Ost"),
        ("places", "name", "Braun"),
        ("links.supply", "to", "d"),
        ("memberships.body", "organisation", "Club"),
        ("memberships.owned", "operator", "Beta"),
        ("figures.bodies", "facility", "c"),
        ("operators.aliases", "operator", "Beta"),
        ("initiatives", "name", "Grün"),
    ];
    for (key, column, value) in columns {
        let (read, ..) = account(key, &[]);
        let loose = format!("{key}.contract.max_rejected=1");
        let filter = format!("{key}.where=\"{column} <> '{value}'\"");
        assert_eq!(account(key, &[filter]), (read, 1, 0, read - 1), "{key} where");
        let check = format!("{key}.contract.checks=[\"{column} <> '{value}'\"]");
        assert_eq!(account(key, &[loose.clone(), check]), (read, 0, 1, read - 1), "{key} checks");
        let pattern = format!("{key}.contract.{column}.pattern='{value}'");
        assert_eq!(account(key, &[loose.clone(), pattern]), (read, 0, read - 1, 1), "{key} pattern");
        let allowed = format!("{key}.contract.{column}.allowed=['{value}']");
        let warns = format!("{key}.contract.{column}.severity='warn'");
        assert_eq!(account(key, &[loose.clone(), allowed.clone()]).3, 1, "{allowed}");
        assert_eq!(account(key, &[allowed, warns]), (read, 0, 0, read), "{key} severity");
    }
}

#[test]
fn keys_that_would_do_nothing_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let path = written(root.path(), None);
    for key in [
        "layers.ports.contract.places='warn'",
        "layers.ports.contract.max_rejected_tonnes=0.1",
        "links.supply.contract.places='reject'",
        "facilities.contract.name.keep='first'",
        "layers.ports.within_km=[]",
        "memberships.body.within_km=2",
        "memberships.body.least_share=20",
        "memberships.owned.between='operator'",
    ] {
        let refused = Pipeline::load(&path, &[key.to_owned()]);
        assert!(matches!(refused, Err(Error::Pipeline { .. })), "{key}");
    }
    let near = ["memberships.near={ layer = 'ports', within_km = 2, separator = ';' }".to_owned()];
    assert!(Pipeline::load(&path, &near).is_err());
}
