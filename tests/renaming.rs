//! Names decide nothing: with every facility, operator, sector, organisation and feature renamed, and all rows in another
//! order, every figure is the same and every table differs in names alone. Places, emissions and distances tie all the time
//! here. `RENAMINGS=10000` tries more.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]
#![allow(clippy::too_many_lines, reason = "a pipeline file and its tables")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use forerunner::pipeline::{self, Pipeline};

/// Marsaglia (2003), "Xorshift RNGs".
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % count
    }

    fn shuffled<T>(&mut self, mut items: Vec<T>) -> Vec<T> {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
        items
    }
}

type Table = Vec<Vec<String>>;

/// Files by their name: a header and rows.
struct Case {
    files: BTreeMap<&'static str, (&'static str, Table)>,
    pipeline: String,
}

/// Columns of each file that hold names, by kind of name.
const NAMES: [(&str, usize, char); 13] = [
    ("sites.csv", 0, 'f'),
    ("sites.csv", 2, 'o'),
    ("sites.csv", 3, 's'),
    ("sites.csv", 8, 'g'),
    ("links.csv", 0, 'f'),
    ("links.csv", 1, 'f'),
    ("deals.csv", 0, 'o'),
    ("deals.csv", 1, 'o'),
    ("members.csv", 0, 'o'),
    ("members.csv", 1, 'b'),
    ("ports.csv", 0, 'p'),
    ("figures.csv", 0, 'f'),
    ("towns.csv", 0, 't'),
];

/// One of several ways to find clusters, over the files of a case.
fn pipeline_of(random: &mut Random) -> String {
    let delineate = [
        "method = 'dbscan'\nradius_km = 7\nmin_facilities = 3",
        "method = 'dbscan'\nradius_km = [4.5, 7]\nmin_facilities = 4\ngrow = 8",
        "method = 'hdbscan'\nmin_facilities = 3",
        "method = 'label'\ngrow = 5",
        "method = 'label'",
    ][random.below(5)];
    let name_by = ["", "\nname_by = 'place'"][random.below(2)];
    format!(
        "name = 't'
[facilities]
path = 'sites.csv'
columns = {{ id = 'id', operator = 'operator', sector = 'sector', year = 'year', x = 'x', y = 'y', emissions_t = 't', label = 'label' }}
[facilities.contract]
max_rejected = 1
[layers.ports]
path = 'ports.csv'
columns = {{ id = 'id', x = 'x', y = 'y', capacity = 'capacity' }}
within_km = [10]
sum = ['capacity']
[places]
path = 'towns.csv'
columns = {{ name = 'name', x = 'x', y = 'y', population = 'population' }}
[links.supply]
path = 'links.csv'
kind = 'formal'
between = 'facility'
columns = {{ from = 'a', to = 'b', weight = 'w' }}
contract = {{ max_rejected = 1 }}
[links.deals]
path = 'deals.csv'
kind = 'formal'
between = 'operator'
columns = {{ from = 'a', to = 'b' }}
contract = {{ max_rejected = 1 }}
[memberships.bodies]
path = 'members.csv'
kind = 'informal'
between = 'operator'
columns = {{ member = 'firm', organisation = 'body' }}
contract = {{ max_rejected = 1 }}
[figures.facts]
path = 'figures.csv'
columns = {{ facility = 'site', figure = 'figure', value = 'value' }}
[dispersed]
by = ['sector']
radius_km = [9]
[delineate]
{delineate}{name_by}
[outputs]
tables = ['csv']
layers = []
report = false
[[dimensions]]
id = 'locational_advantage'
aggregate = 'geometric'
[[dimensions]]
id = 'inter_firm_linkages'
[[indicators]]
id = 'size'
parent = 'locational_advantage'
expr = 'SUM(emissions_t)'
worst = 0
best = 200000
[[indicators]]
id = 'port'
parent = 'locational_advantage'
expr = 'SUM(emissions_t * km_to_ports) / SUM(emissions_t)'
worst = 30
best = 0
[[indicators]]
id = 'spread'
parent = 'locational_advantage'
expr = 'MEDIAN(km_to_ports) + CORR(emissions_t, ports_capacity_within_10km)'
worst = 0
best = 20
[[indicators]]
id = 'linked'
parent = 'inter_firm_linkages'
over = 'clusters'
expr = 'linked_share_formal'
worst = 0
best = 1
[[indicators]]
id = 'ties'
parent = 'inter_firm_linkages'
over = 'links'
expr = 'COUNT(*) + SUM(weight)'
worst = 0
best = 9
"
    )
}

fn case(seed: u64) -> Case {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut files = BTreeMap::new();
    let count = 12 + random.below(40);
    let grid = |random: &mut Random| {
        (format!("{}", random.below(7) as f64 * 0.0625), format!("{}", 51.0 + random.below(5) as f64 * 0.0625))
    };
    let mut sites: Table = Vec::new();
    for facility in 0..count {
        let (x, y) = if random.below(12) == 0 { (String::new(), String::new()) } else { grid(&mut random) };
        let owner = format!("o{}", random.below(9));
        let operator = if random.below(6) == 0 { String::new() } else { owner };
        let sector = if random.below(7) == 0 { String::new() } else { format!("s{}", random.below(4)) };
        // A place has one label: of two facilities alike but for their labels a name would have to decide.
        let place = x.len() + 2 * y.len() + x.bytes().chain(y.bytes()).map(usize::from).sum::<usize>();
        let label = if place % 5 == 0 { String::new() } else { format!("g{}", place % 5) };
        for year in ["2020", "2022"] {
            if random.below(8) > 0 {
                let tonnes = ["", "1000", "1000", "2500", "400.25", "100000", "0"][random.below(7)];
                let row = [&format!("f{facility}"), "", &operator, &sector, year, &x, &y, tonnes, &label];
                sites.push(row.map(str::to_owned).to_vec());
            }
        }
    }
    if sites.is_empty() {
        sites.push(["f0", "", "o0", "s0", "2020", "0", "51", "1000", "g0"].map(str::to_owned).to_vec());
    }
    let known: Vec<String> = sites.iter().map(|row| row[0].clone()).collect();
    let mut owners: Vec<String> = sites.iter().map(|row| row[2].clone()).filter(|name| !name.is_empty()).collect();
    owners.push("o99".into());
    let pick = |from: &[String], random: &mut Random| from[random.below(from.len())].clone();
    let links = (0..random.below(40)).map(|_| {
        vec![pick(&known, &mut random), pick(&known, &mut random), ["1", "2", "2", ""][random.below(4)].to_owned()]
    });
    let links = links.collect();
    let deals = (0..random.below(12)).map(|_| vec![pick(&owners, &mut random), pick(&owners, &mut random)]).collect();
    let members: Table =
        (0..random.below(20)).map(|_| vec![pick(&owners, &mut random), format!("b{}", random.below(4))]).collect();
    let ports = (0..1 + random.below(8)).map(|port| {
        let (x, y) = grid(&mut random);
        vec![format!("p{port}"), x, y, ["1", "2.5", ""][random.below(3)].to_owned()]
    });
    let ports = ports.collect();
    let towns = (0..4).map(|town| {
        let (x, y) = grid(&mut random);
        vec![format!("t{town}"), x, y, ["1000", "5000"][random.below(2)].to_owned()]
    });
    let towns = towns.collect();
    let figures = vec![vec![pick(&known, &mut random), "age".to_owned(), "12".to_owned()]];
    files.insert("sites.csv", ("id,name,operator,sector,year,x,y,t,label", sites));
    files.insert("links.csv", ("a,b,w", links));
    files.insert("deals.csv", ("a,b", deals));
    files.insert("members.csv", ("firm,body", members));
    files.insert("ports.csv", ("id,x,y,capacity", ports));
    files.insert("towns.csv", ("name,x,y,population", towns));
    files.insert("figures.csv", ("site,figure,value", figures));
    let pipeline = pipeline_of(&mut random);
    Case { files, pipeline }
}

/// The same case with other names, its rows in another order, links from their other end; and the old name of each new one.
fn renamed(case: &Case, seed: u64) -> (Case, HashMap<String, String>) {
    let mut random = Random(seed.wrapping_mul(0xd134_2543_de82_ef95) | 1);
    let mut numbers: Vec<usize> = random.shuffled((0..400).collect());
    let mut new_of: HashMap<String, String> = HashMap::new();
    let mut files = BTreeMap::new();
    for (name, (header, rows)) in &case.files {
        let mut rows = random.shuffled(rows.clone());
        for (_, column, kind) in NAMES.iter().filter(|(file, ..)| file == name) {
            for row in &mut rows {
                if !row[*column].is_empty() {
                    let fresh = || format!("{kind}x{:03}", numbers.pop().unwrap());
                    let key = row[*column].clone();
                    row[*column] = new_of.entry(key).or_insert_with(fresh).clone();
                }
            }
        }
        if ["links.csv", "deals.csv"].contains(name) {
            rows.iter_mut().filter(|_| random.below(2) == 0).for_each(|row| row.swap(0, 1));
        }
        files.insert(*name, (*header, rows));
    }
    let old_of = new_of.into_iter().map(|(old, new)| (new, old)).collect();
    (Case { files, pipeline: case.pipeline.clone() }, old_of)
}

type Tables = BTreeMap<String, (Vec<String>, Table)>;

/// Runs a case; its tables with names read as `old_of` says, each cluster called by its facilities.
fn tables(case: &Case, old_of: &HashMap<String, String>) -> Tables {
    let root = tempfile::tempdir().unwrap();
    for (name, (header, rows)) in &case.files {
        let mut text = format!("{header}\n");
        rows.iter().for_each(|row| _ = writeln!(text, "{}", row.join(",")));
        fs::write(root.path().join(name), text).unwrap();
    }
    let path = root.path().join("p.toml");
    fs::write(&path, &case.pipeline).unwrap();
    let out = root.path().join("run");
    let pipeline = Pipeline::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
    pipeline::run(&pipeline, &out, None, &|_, _| {}).unwrap_or_else(|error| panic!("{error}\n{}", case.pipeline));
    let entries = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let mut tables: Tables = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), read(&path)))
        .collect();
    let old = |name: &str| old_of.get(name).cloned().unwrap_or_else(|| name.to_owned());
    let (header, rows) = &tables["facilities"];
    let at = |column: &str| header.iter().position(|name| name == column).unwrap();
    let mut members: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows.iter().filter(|row| !row[at("cluster_id")].is_empty()) {
        members.entry(row[at("cluster_id")].clone()).or_default().push(old(&row[at("facility_id")]));
    }
    for names in members.values_mut() {
        names.sort();
        names.dedup();
    }
    for (header, rows) in tables.values_mut() {
        for row in rows {
            assert_eq!(row.len(), header.len());
            for (cell, column) in row.iter_mut().zip(header.iter()) {
                let of_cluster = column.ends_with("_id") && column != "facility_id";
                *cell = match members.get(cell.as_str()).filter(|_| of_cluster) {
                    Some(names) => format!("{{{}}}", names.join(" ")),
                    None => listed(cell, &old),
                };
            }
        }
    }
    tables
}

/// A name, or several joined by `; `, as they were, in order.
fn listed(cell: &str, old: &impl Fn(&str) -> String) -> String {
    let mut names: Vec<String> = cell.split("; ").map(old).collect();
    names.sort();
    names.join("; ")
}

fn read(path: &Path) -> (Vec<String>, Table) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

/// Columns that are names of what ties, or that tell where a row stood.
fn is_name_of_a_tie(table: &str, column: &str) -> bool {
    let named = ["file", "line", "message", "would_group", "group_id", "joins_cluster_id", "rank"];
    let of_groups = ["stability", "lineage"].contains(&table) && ["other_id", "previous_id"].contains(&column);
    named.contains(&column)
        || column.ends_with("name") && column != "type_name"
        || of_groups
        || column.starts_with("nearest_") && column != "nearest_cluster_id"
        || column.starts_with("anchor_organisation")
        || table == "reach" && ["feature", "facility_id"].contains(&column)
}

/// Rows in an order that names decide as little as they can.
fn settled(table: &str, (header, rows): &(Vec<String>, Table)) -> Table {
    let keep: Vec<usize> = (0..header.len()).filter(|&at| !is_name_of_a_tie(table, &header[at])).collect();
    let ends = |row: &mut Vec<String>| {
        // Neither ties nor pairs of clusters have a direction here.
        let at = |column: &str| header.iter().position(|name| name == column);
        let pair = if table == "ties" { ["from", "to"] } else { ["cluster_id", "other_id"] };
        if let (Some(from), Some(to)) = (at(pair[0]), at(pair[1]))
            && ["ties", "cluster_links"].contains(&table)
            && row[from] > row[to]
            && !row[to].is_empty()
        {
            row.swap(from, to);
        }
    };
    let mut rows: Table = rows.clone();
    rows.iter_mut().for_each(ends);
    let mut kept: Table = rows.iter().map(|row| keep.iter().map(|&at| row[at].clone()).collect()).collect();
    let rough = |cell: &String| match cell.parse::<f64>() {
        Ok(number) if cell.contains(['.', 'e']) => format!("{number:.5e}"),
        _ => cell.clone(),
    };
    kept.sort_by_cached_key(|row| row.iter().map(rough).collect::<Vec<_>>());
    kept
}

/// Pairs of levers are found by golden section, to a millionth.
fn same(table: &str, a: &str, b: &str) -> bool {
    let slack = if table == "lever_pairs" { 1e-6 } else { 1e-9 };
    let close = |a: f64, b: f64| (a - b).abs() <= slack * a.abs().max(b.abs()).max(1.0);
    a == b || matches!((a.parse(), b.parse()), (Ok(a), Ok(b)) if close(a, b))
}

/// The first difference between a case and itself renamed.
fn difference(seed: u64) -> Option<String> {
    let case = case(seed);
    let (other, old_of) = renamed(&case, seed);
    let (before, after) = (tables(&case, &HashMap::new()), tables(&other, &old_of));
    for (name, table) in &before {
        if name == "quarantine" {
            continue;
        }
        let (a, b) = (settled(name, table), settled(name, &after[name]));
        if a.len() != b.len() {
            return Some(format!("seed {seed} {name}: {} rows and {}", a.len(), b.len()));
        }
        for (a, b) in a.iter().zip(&b) {
            assert_eq!(a.len(), b.len());
            if let Some((a, b)) = a.iter().zip(b).find(|(a, b)| !same(name, a, b)) {
                return Some(format!("seed {seed} {name}: {a} and {b}"));
            }
        }
    }
    None
}

#[test]
fn names_and_order_decide_nothing() {
    let count: u64 = std::env::var("RENAMINGS").map_or(300, |count| count.parse().unwrap());
    // On threads of their own: a run uses all of those that share work.
    let half = |first: u64| (first..=count).step_by(2).filter_map(difference).collect::<Vec<String>>();
    let found = std::thread::scope(|scope| {
        let other = scope.spawn(|| half(2));
        [half(1), other.join().unwrap()].concat()
    });
    let shown = found.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(found.is_empty(), "{} of {count} differ\n{shown}", found.len());
}
