//! The page against the tables of the same run: every number that `report.html` prints is worked out again from the CSV
//! tables, or from `manifest.json` where the page tells of the input, rounded as the page rounds, and compared as text.

#![allow(clippy::unwrap_used, reason = "what cannot be read here must stop the test")]

mod few;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

type Row = HashMap<String, String>;

const PIPELINES: [&str; 6] = [
    "pipelines/great-britain.toml",
    "pipelines/three-profiles.toml",
    "pipelines/uk-clusters.toml",
    "pipelines/initiatives.toml",
    "tests/cases/worked_example/pipeline.toml",
    "tests/cases/years_side_by_side/pipeline.toml",
];
const CELLS: &str = "th|td";
const TEXTS: &str = "h3|h4|p|li|th|td";

/// One run of each, for all tests.
static RUNS: LazyLock<Vec<Run>> = LazyLock::new(|| PIPELINES.into_iter().map(Run::of).collect());

/// What a run wrote.
struct Run {
    pipeline: &'static str,
    page: String,
    manifest: Value,
    /// All tables; rows of `clusters` have their figures, and what the page calls their type.
    tables: HashMap<String, Vec<Row>>,
    /// Columns of `figures`, in their order.
    figures: Vec<String>,
    /// Rows of `clusters` by cluster, the greatest emissions of a latest period first.
    clusters: Vec<Vec<Row>>,
}

impl Run {
    fn of(pipeline: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let arguments = ["run", pipeline, "-q", "--set", "outputs.report=true", "--out", out.to_str().unwrap()];
        let few = few::few(std::path::Path::new(pipeline));
        let set = few.iter().flat_map(|one| ["--set", one.as_str()]);
        let output = Command::new(env!("CARGO_BIN_EXE_forerunner")).args(arguments).args(set).output().unwrap();
        assert!(output.status.success(), "{pipeline}: {}", String::from_utf8_lossy(&output.stderr));
        let table = |path: PathBuf| {
            let rows = csv::Reader::from_path(&path).unwrap().deserialize().map(|row| row.unwrap()).collect();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), rows)
        };
        let paths = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let paths = paths.filter(|path| path.extension().is_some_and(|extension| extension == "csv"));
        let mut tables: HashMap<String, Vec<Row>> = paths.map(table).collect();
        let figures = tables["figures"].clone();
        assert_eq!(tables["clusters"].len(), figures.len());
        for (unit, figures) in tables.get_mut("clusters").unwrap().iter_mut().zip(figures) {
            assert_eq!([&unit["cluster_id"], &unit["period"]], [&figures["cluster_id"], &figures["period"]]);
            unit.extend(figures);
            let kind = if unit["type"].is_empty() { "not known: {possible_types}" } else { "{type} {type_name}" };
            unit.insert("kind".into(), line(unit, kind));
        }
        let units = tables["clusters"].chunk_by(|a, b| a["cluster_id"] == b["cluster_id"]);
        let mut clusters: Vec<Vec<Row>> = units.map(<[Row]>::to_vec).collect();
        let tonnes = |units: &[Row]| number(units.last().unwrap(), "emissions_t").unwrap_or(0.0);
        clusters.sort_by(|a, b| tonnes(b).total_cmp(&tonnes(a)));
        let figures = csv::Reader::from_path(out.join("figures.csv")).unwrap().headers().unwrap().clone();
        let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
        let (page, manifest) = (read("report.html"), serde_json::from_str(&read("manifest.json")).unwrap());
        Self { pipeline, page, manifest, tables, figures: figures.iter().map(str::to_owned).collect(), clusters }
    }

    /// The rows of a table; none where the run wrote none.
    fn rows(&self, table: &str) -> &[Row] {
        self.tables.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    /// The rows of a table that tell of a cluster, and of its period where they have one.
    fn of_unit<'a>(&'a self, table: &str, unit: &Row) -> Vec<&'a Row> {
        let is_current = |row: &&Row| row.get("period").is_none_or(|period| *period == unit["period"]);
        self.rows(table).iter().filter(|row| row["cluster_id"] == unit["cluster_id"]).filter(is_current).collect()
    }

    /// The units as the page lists them, each with the number of its card.
    fn units(&self) -> impl Iterator<Item = (usize, &Row)> {
        (1..).zip(&self.clusters).flat_map(|(card, units)| units.iter().rev().map(move |unit| (card, unit)))
    }

    /// The page from a heading to the next; nothing where it has none such.
    fn section(&self, heading: &str) -> &str {
        self.page.split("<h2 id=\"").find(|part| part.starts_with(heading)).unwrap_or_default()
    }

    fn declared(&self, key: &str) -> Vec<Row> {
        objects(&self.manifest["pipeline"][key])
    }

    fn dimensions(&self) -> Vec<String> {
        self.declared("dimensions").iter().map(|dimension| dimension["id"].clone()).collect()
    }

    fn types(&self) -> Vec<Row> {
        objects(&self.manifest["pipeline"]["typology"]["types"])
    }

    /// Number and name of a type; nothing of none.
    fn named(&self, number: &str) -> String {
        let kind = self.types().into_iter().find(|kind| kind["number"] == number);
        kind.map(|kind| line(&kind, "{number} {name}")).unwrap_or_default()
    }

    /// Kinds of ties.
    fn kinds(&self) -> impl Iterator<Item = &str> {
        self.figures.iter().filter_map(|name| name.strip_prefix("observed_emission_share_"))
    }

    fn latest(&self) -> &str {
        let rows = [self.rows("facilities"), self.rows("clusters")].into_iter().find(|rows| !rows.is_empty());
        rows.unwrap().iter().map(|row| row["period"].as_str()).max().unwrap()
    }

    /// Of each period facilities and tonnes inside clusters, outside, and outside for want of a place.
    fn splits(&self) -> Vec<Row> {
        let periods: BTreeSet<&String> = self.rows("facilities").iter().map(|row| &row["period"]).collect();
        let split = |period: &String| {
            let is_own = |row: &&Row| row["period"] == *period;
            let clusters = self.rows("clusters").iter().filter(is_own).count().to_string();
            let mut split = Row::from([("period".into(), period.clone()), ("clusters".into(), clusters)]);
            for side in ["in", "out", "placeless"] {
                let is_there = |row: &&Row| match side {
                    "in" => !row["cluster_id"].is_empty(),
                    "out" => row["cluster_id"].is_empty(),
                    _ => row["lon"].is_empty(),
                };
                let own = self.rows("facilities").iter().filter(is_own).filter(is_there);
                let tonnes = own.clone().fold(0.0, |sum, row| sum + number(row, "emissions_t").unwrap_or(0.0));
                split.extend([(side.into(), own.count().to_string()), (format!("{side}_t"), tonnes.to_string())]);
            }
            split
        };
        periods.into_iter().map(split).collect()
    }
}

/// A JSON object as a row of its texts and numbers.
fn object(value: &Value) -> Row {
    let cell = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let known = value.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    known.map(|(key, value)| (key.clone(), cell(value))).collect()
}

fn objects(values: &Value) -> Vec<Row> {
    values.as_array().unwrap().iter().map(object).collect()
}

/// A piece of the page as text: a bar as its length, no tags, characters for their numbers.
fn plain(html: &str) -> String {
    static MARKUP: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"<i style="--v:([0-9.]+)[^>]*>|&#([0-9]+);|<br>|<[^>]*>"#).unwrap());
    let text = MARKUP.replace_all(html, |found: &Captures<'_>| match (found.get(1), found.get(2)) {
        (Some(length), _) => length.as_str().to_owned(),
        (_, Some(code)) => char::from_u32(code.as_str().parse().unwrap()).unwrap().to_string(),
        _ => if &found[0] == "<br>" { " " } else { "" }.to_owned(),
    });
    spaced(&text)
}

/// A text with one space wherever there is white.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The texts of elements in their order, without the heads of tables.
fn texts(html: &str, tags: &str) -> Vec<String> {
    let body = Regex::new("(?s)<thead>.*?</thead>").unwrap().replace_all(html, "");
    captured(&format!(r"(?s)<(?:{tags})\b[^>]*>(.*?)</(?:{tags})>"), &body)
}

/// All groups of all matches.
fn captured(pattern: &str, html: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    let groups = pattern.captures_iter(html).flat_map(|found| found.iter().skip(1).flatten().collect::<Vec<_>>());
    groups.map(|group| plain(group.as_str())).collect()
}

/// Compares what the page says with what the tables say, to the end of both; returns how many texts have a digit.
fn same(what: &str, page: &[String], tables: &[String]) -> usize {
    let tables: Vec<String> = tables.iter().map(|text| spaced(text)).collect();
    let first = (0..page.len().max(tables.len())).find(|&at| page.get(at) != tables.get(at));
    let both = first.map(|at| (page.get(at), tables.get(at)));
    assert!(both.is_none(), "{what}, text {first:?}: page and tables say {both:?}");
    tables.iter().filter(|text| text.contains(|letter: char| letter.is_ascii_digit())).count()
}

/// [`same`] over a section of all runs; there must be so many numbers at least.
fn compare(heading: &str, tags: &str, at_least: usize, tables: impl Fn(&Run) -> Vec<String>) {
    let texts = |run: &Run| texts(run.section(heading), tags);
    let numbers: usize = RUNS.iter().map(|run| same(run.pipeline, &texts(run), &tables(run))).sum();
    assert!(numbers >= at_least, "{numbers} numbers");
}

/// A row with more cells, which are preferred.
fn with(row: &Row, more: impl IntoIterator<Item = (String, String)>) -> Row {
    row.clone().into_iter().chain(more).collect()
}

fn number(row: &Row, column: &str) -> Option<f64> {
    Some(&row[column]).filter(|cell| !cell.is_empty()).map(|cell| cell.parse().unwrap())
}

/// A template filled from a row: `{a}` is a cell, `{a/b}` the first of two that is not empty, `{a:how}` a cell as
/// [`written`]; what stands in brackets is left out where a cell in it is empty.
fn line(row: &Row, template: &str) -> String {
    static PART: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\[([^\]]*)\]|\{([^}]*)\}").unwrap());
    let cell = |hole: &str| {
        let (names, how) = hole.split_once(':').unwrap_or((hole, ""));
        let cell = names.split('/').filter_map(|name| row.get(name)).find(|cell| !cell.is_empty());
        (cell.cloned().unwrap_or_default(), how.to_owned())
    };
    let fill = |found: &Captures<'_>| match found.get(1).map(|part| part.as_str()) {
        Some(part) if PART.captures_iter(part).any(|found| cell(&found[2]).0.is_empty()) => String::new(),
        Some(part) => line(row, part),
        None => written(&cell(&found[2]).0, &cell(&found[2]).1),
    };
    PART.replace_all(template, fill).into_owned()
}

/// Templates, which ` | ` parts, filled from each row.
fn lines<'a>(rows: impl IntoIterator<Item = &'a Row>, templates: &str) -> Vec<String> {
    rows.into_iter().flat_map(|row| templates.split(" | ").map(|template| line(row, template))).collect()
}

/// A cell as the page writes it; a number by its digits after the point, where nothing else is said.
fn written(cell: &str, how: &str) -> String {
    let number: Option<f64> = cell.parse().ok();
    let known = |text: String| number.map_or("–".into(), |_| text);
    let decimals = |by: fn(f64) -> f64, digits: usize| known(format!("{:.digits$}", by(number.unwrap_or_default())));
    match how {
        "" => cell.into(),
        "words" => cell.replace('|', " or ").replace('_', " ").replace("inter firm", "inter-firm"),
        "truth" if cell.is_empty() => "–".into(),
        "truth" => cell.replace("true", "yes").replace("false", "no"),
        "site" | "operator" | "cluster" | "facility" => {
            let many = how.replace("facility", "facilitie") + "s";
            format!("{} {}", known(cell.into()), if cell == "1" { how } else { &many })
        }
        "plain" => number.map(|number| number.to_string()).unwrap_or_default(),
        "bar" => number.map(|length| format!("{length:.1}")).unwrap_or_default(),
        "change" => known(format!("{:+.1}", number.unwrap_or_default())),
        "percent" => decimals(|share| share * 100.0, 0),
        "share" => known(decimals(|share| share * 100.0, 1) + " %"),
        "Mt" => decimals(|tonnes| tonnes / 1e6, 2),
        "kt" => decimals(|tonnes| tonnes / 1e3, 0),
        "points" => decimals(f64::abs, 1),
        "significant" => {
            let size = number.filter(|number| *number != 0.0).map_or(3, |number| number.abs().log10().floor() as i32);
            let text = decimals(|number| number, (3 - size).clamp(0, 8) as usize);
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
        }
        digits => decimals(|number| number, digits.parse().unwrap()),
    }
}

#[test]
fn the_head_sums_up_the_facilities() {
    compare("<!DOCTYPE", "h1|p", 10, |run| {
        let split = " {period}: {in:facility} with {in_t:Mt} Mt CO2 in {clusters:cluster}, \
                     {out:facility} with {out_t:Mt} Mt in none.";
        let clusters = written(&run.clusters.len().to_string(), "cluster");
        let told = format!("{clusters}.{}", lines(&run.splits(), split).concat());
        let mut wanted = lines([&object(&run.manifest["pipeline"])], "{title} | {description}");
        wanted.retain(|text| !text.is_empty());
        [wanted, vec![told]].concat()
    });
}

#[test]
fn types_are_those_of_the_table() {
    compare("types", CELLS, 300, |run| {
        let sums =
            "{type} {type_name} | {period} | {cluster_count:0} | {facility_count:0} | {emissions_t:Mt} | {share:share}";
        let bar = |row: &Row| number(row, "share").map(|share| format!("{:.1}", share * 100.0)).unwrap_or_default();
        let rows = run.rows("types").iter().flat_map(|row| [lines([row], sums), vec![bar(row)]].concat());
        rows.chain(lines(&run.types(), "{number} {name} | {description} | {policy} | {source}")).collect()
    });
}

#[test]
fn clusters_are_those_of_the_table() {
    compare("clusters", CELLS, 400, |run| {
        let mut wanted = Vec::new();
        for (_, unit) in run.units() {
            let is_own = unit["cluster_id"] == unit["cluster_name"];
            wanted.push(line(unit, if is_own { "{cluster_name}" } else { "{cluster_name} {cluster_id}" }));
            let sure = if unit.contains_key("robustness") { " | {robustness}" } else { "" };
            let cells = format!("{{period}} | {{kind}}{sure} | {{facility_count:0}} | {{emissions_t:Mt}}");
            wanted.extend(lines([unit], &cells));
            for id in run.dimensions() {
                let cells = "{D:1} | {D_level} | {D_coverage:2} | {D_low:0}–{D_high:0}";
                wanted.extend(lines([unit], &cells.replace('D', &id)));
            }
            let observed = |kind: &str| {
                let share = number(unit, &format!("observed_emission_share_{kind}"));
                let asked = share.zip(number(unit, "emissions_t")).map(|(share, tonnes)| (share * tonnes).to_string());
                let row = with(unit, asked.map(|asked| ("asked".into(), asked)));
                line(&row, &"K: {observed_emission_share_K:percent} %, {asked:Mt} Mt".replace('K', kind))
            };
            let observed: Vec<String> = run.kinds().map(observed).collect();
            wanted.extend(observed.first().map(|_| observed.join(" ")));
        }
        wanted
    });
}

fn moves(run: &Run) -> Vec<String> {
    let periods: BTreeSet<&String> = run.rows("clusters").iter().map(|row| &row["period"]).collect();
    let at = |row: &Row| periods.iter().position(|period| **period == row["period"]).unwrap();
    let (mut wanted, mut typed) = (Vec::new(), 0);
    for pair in run.rows("clusters").windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if before["cluster_id"] != after["cluster_id"] || at(before) + 1 != at(after) {
            continue;
        }
        let is_own = |row: &&Row| row["cluster_id"] == after["cluster_id"] && row["to_period"] == after["period"];
        let row = run.rows("moves").iter().find(is_own);
        typed += usize::from(row.is_some());
        wanted.extend([after["cluster_name"].clone(), format!("{} → {}", before["period"], after["period"])]);
        let types = row.map(|row| lines([row], "{from_type} → {to_type} | {move}"));
        wanted.extend(types.unwrap_or(vec!["not known".into(), String::new()]));
        for id in run.dimensions() {
            // The table has clusters alone whose type is known in both periods.
            let change =
                number(after, &id).zip(number(before, &id)).map(|(after, before)| (after - before).to_string());
            let change = row.map_or(change.unwrap_or_default(), |row| row[&format!("{id}_change")].clone());
            wanted.push(written(&change, "change"));
        }
    }
    assert_eq!(typed, run.rows("moves").len());
    for row in run.rows("transitions").iter().filter(|row| row["cluster_count"] != "0") {
        let types = ["from", "to"].map(|end| (end.to_owned(), run.named(&row[&format!("{end}_type")])));
        wanted.extend(lines([&with(row, types)], "{from_period} → {to_period} | {from} | {to} | {cluster_count}"));
    }
    wanted
}

#[test]
fn trajectories_are_those_of_the_tables() {
    compare("moves", CELLS, 40, moves);
}

/// Lines under a heading; nothing without lines.
fn headed(heading: &str, lines: Vec<String>) -> Vec<String> {
    let heading = lines.first().map(|_| heading.to_owned());
    heading.into_iter().chain(lines).collect()
}

/// At most so many rows; a note of `{all}` or of `{more}` where there are more.
fn listed(rows: &[&Row], most: usize, templates: &str, note: &str) -> Vec<String> {
    let counts = [("all", rows.len()), ("more", rows.len().saturating_sub(most))];
    let counts = counts.map(|(name, count)| (name.to_owned(), count.to_string())).into();
    let note = (rows.len() > most).then(|| line(&counts, note));
    lines(rows.iter().copied().take(most), templates).into_iter().chain(note).collect()
}

/// Nodes and indicators of a score tree below a node, in their order.
fn below<'a>(nodes: &'a [Row], parent: Option<&String>, into: &mut Vec<&'a Row>) {
    for node in nodes.iter().filter(|node| node.get("parent") == parent) {
        into.push(node);
        below(nodes, node.get("id"), into);
    }
}

fn tree(run: &Run, unit: &Row) -> Vec<String> {
    let nodes = ["dimensions", "components", "indicators"].map(|key| run.declared(key)).concat();
    let mut order = Vec::new();
    below(&nodes, None, &mut order);
    let scores = [run.of_unit("scores", unit), run.of_unit("indicators", unit)].concat();
    let cells = |node: &Row| {
        let score = scores.iter().find(|row| row.get("node").or(row.get("indicator")) == node.get("id")).unwrap();
        let indicator =
            "{value:significant} {unit} | {worst:significant} / {crossover:significant} / {best:significant}";
        let told = match score.get("value").map(String::as_str) {
            None => " | ",
            Some("") => &indicator.replace("{unit}", "{status}"),
            Some(_) => indicator,
        };
        let all = format!("{{id:words}} | {told} | {}", "{weight:plain} | {score:0} | {score:bar}");
        lines([&with(node, (*score).clone())], &all)
    };
    order.into_iter().flat_map(cells).collect()
}

fn levers(run: &Run, unit: &Row) -> Vec<String> {
    let mut rows = run.of_unit("levers", unit);
    rows.retain(|row| !row["flip_value"].is_empty());
    let order = |row: &Row| (row["changeable"] == "false", number(row, "points").map_or(f64::INFINITY, f64::abs));
    rows.sort_by(|a, b| order(a).partial_cmp(&order(b)).unwrap());
    let cells = |row: &Row| {
        let row = with(row, [("type".into(), run.named(&row["to_type"]))]);
        lines([&row], "{indicator:words} | {reads} | {points:points} | {to_level}[: {type}] | {changeable:truth}")
    };
    rows.into_iter().take(5).flat_map(cells).collect()
}

/// Networks, ties, largest sites, what is near, and facts.
fn lists(run: &Run, unit: &Row) -> Vec<String> {
    let network = |kind: &str| {
        let told = "K: {observed_emission_share_K:percent} % of emissions stand with facilities that were asked about\
                    [; of these {linked_emission_share_K:percent} % are tied within it]\
                    [; largest organisation: {anchor_organisation_K}]";
        let is_known = number(unit, &format!("observed_emission_share_{kind}")).is_some();
        line(unit, &if is_known { told } else { "K: nothing is known" }.replace('K', kind))
    };
    let tie = "{kind}, {basis}: {from_name/from} – {to_name/to/organisation} {file}:{line}";
    let mut largest = run.of_unit("facilities", unit);
    let tonnes = |row: &Row| number(row, "emissions_t").unwrap_or(-1.0);
    largest.sort_by(|a, b| tonnes(b).total_cmp(&tonnes(a)));
    largest.truncate(5);
    let (mut near, mut layers) = (run.of_unit("reach", unit), BTreeSet::new());
    near.retain(|row| layers.insert(&row["layer"]));
    let mut facts = run.of_unit("evidence", unit);
    // The page has figures in the order of `figures`, the table by name.
    facts.sort_by_key(|row| run.figures.iter().position(|figure| *figure == row["figure"]));
    let fact = "{figure} = {value:significant}[, {source}] {file}:{line}";
    [
        headed("Links", run.kinds().map(network).collect()),
        listed(&run.of_unit("ties", unit), 5, tie, "{more} more in ties.csv."),
        headed("Largest sites", lines(largest, "{name}[ ({operator})]: {emissions_t:kt} kt")),
        headed(
            "Nearest infrastructure",
            lines(near, "{layer:words}: {feature_name/feature}, {km:1} km[ (within {within_km:plain} km)]"),
        ),
        headed("Facts from files", listed(&facts, 5, fact, "{more} more in evidence.csv.")),
    ]
    .concat()
}

/// How sure its type is; nothing where nothing was drawn.
fn sureness(run: &Run, unit: &Row) -> Vec<String> {
    if !unit.contains_key("robustness") {
        return Vec::new();
    }
    let mut wanted = lines([unit], "How sure: {robustness} | {robustness_reads}");
    for kind in run.types() {
        let share = format!("p_type_{}", kind["number"]);
        wanted.push(line(&kind, "{number} {name}"));
        wanted.push(line(unit, &format!("{{{share}:share}}")));
        wanted.push(format!("{:.1}", 100.0 * number(unit, &share).unwrap()));
    }
    for id in run.dimensions() {
        let told = "N: median {D_q50:1}, nine tenths of the draws from {D_q05:1} to {D_q95:1}; \
                    rank {D_rank_q05:0} to {D_rank_q95:0}";
        wanted.push(line(unit, &told.replace('N', &written(&id, "words")).replace('D', &id)));
    }
    let flips = run.of_unit("one_at_a_time", unit);
    let to = |row: &Row| match (row["is_cluster"].as_str(), row["other_type"].as_str()) {
        ("false", _) => format!("{}: no cluster", row["setting"]),
        (_, "") => format!("{}: not known", row["setting"]),
        _ => line(row, "{setting}: {other_type} {other_type_name}"),
    };
    let mut told: Vec<String> = flips.iter().take(6).copied().map(to).collect();
    if flips.len() > 6 {
        told.push(format!("{} more in one_at_a_time.csv", flips.len() - 6));
    }
    if !told.is_empty() {
        wanted.push(format!("Changed alone, these make it another type: {}.", told.join("; ")));
    }
    wanted
}

/// Who a cluster is, its scores, and what follows from them.
fn told(run: &Run, unit: &Row, earlier: &[Row]) -> Vec<String> {
    let mut sectors = run.of_unit("sectors", unit);
    sectors.sort_by(|a, b| number(b, "share").unwrap().total_cmp(&number(a, "share").unwrap()));
    sectors.truncate(5);
    let sectors = ("sectors".into(), lines(sectors, "{sector} {share:percent} %").join(", "));
    let size = "{cluster_id}, {period}: {facility_count:site}, {operator_count:operator}, {emissions_t:Mt} Mt CO2.";
    let told = format!("{{cluster_name}} {{kind}} | {size}[ By emissions: {{sectors}}.]");
    let mut wanted = lines([&with(unit, [sectors])], &told);
    wanted[1] += &lines(earlier.iter().rev(), " {period}: {kind}.").concat();
    wanted.push("Scores".into());
    for dimension in run.declared("dimensions") {
        let score = "{id:words} {D:1}, {D_level} (threshold {threshold:plain}; coverage {D_coverage:2}".to_owned();
        let id = dimension["id"].clone();
        let [low, high] = ["low", "high"].map(|end| number(unit, &format!("{id}_{end}")));
        let bounds = if low < high { "; between {D_low:1} and {D_high:1} whatever is missing)" } else { ")" };
        wanted.push(line(&with(unit, dimension), &(score + bounds).replace('D', &id)));
    }
    wanted.extend(sureness(run, unit));
    let mut distances = run.of_unit("type_distances", unit);
    distances.retain(|row| !row["points"].is_empty());
    let distances = lines(distances, "{type} {type_name}: {points:1} points");
    wanted.extend(distances.first().map(|_| format!("To the types: {}.", distances.join(", "))));
    let warning = "{dimension:words} is {points:1} points from its threshold of {threshold:plain} and moves towards it \
                   ({change:change} since the period before[, at this pace in {years_at_this_pace:1} years])";
    wanted.extend(headed("Early warning", lines(run.of_unit("warnings", unit), warning)));
    let mut types = run.types();
    types.retain(|kind| unit["possible_types"].split('|').any(|number| *number == kind["number"]));
    wanted.extend(headed("What follows for policy", lines(&types, "{number} {name} {policy}")));
    wanted
}

#[test]
fn cards_say_what_the_tables_say() {
    let (mut cards, mut numbers) = (0, 0);
    for run in RUNS.iter() {
        let articles: Vec<&str> = run.section("cards").split("<article").skip(1).collect();
        assert_eq!(articles.len(), run.clusters.len(), "{}", run.pipeline);
        for (article, units) in articles.into_iter().zip(&run.clusters) {
            let (unit, earlier) = units.split_last().unwrap();
            let tree = headed("Indicators against their goalposts", tree(run, unit));
            let levers = headed("What alone would change a level", levers(run, unit));
            let wanted = [told(run, unit, earlier), lists(run, unit), tree, levers].concat();
            numbers += same(&format!("{} in {}", unit["cluster_id"], run.pipeline), &texts(article, TEXTS), &wanted);
            cards += 1;
        }
    }
    assert!(cards > 30 && numbers > 4000, "{cards} cards, {numbers} numbers");
}

#[test]
fn dispersed_sites_are_those_of_the_tables() {
    compare("dispersed", TEXTS, 350, |run| {
        let why = "; {placeless} of them, with {placeless_t:Mt} Mt, because the register gives no place";
        let split = |split: Row| {
            let why = if split["placeless"] == "0" { "" } else { why };
            line(&split, &["{period}: {out:facility} with {out_t:Mt} Mt CO2 in no cluster", why, "."].concat())
        };
        let mut wanted: Vec<String> = run.splits().into_iter().map(split).collect();
        let latest = run.rows("dispersed").iter().filter(|row| row["period"] == run.latest());
        let rows: Vec<&Row> = latest.take(50).collect();
        let all = format!("The largest {} of the latest period; all are in dispersed.csv.", rows.len());
        let all = rows.first().map(|_| all);
        let site = "{name} | {operator} | {sector} | {period} | {emissions_t:kt} | {nearest_cluster_name}";
        wanted.extend(lines(rows, &format!("{site} | {}", "{km_to_cluster:0} | {strategic:truth}")));
        wanted.extend(all);
        let mut groups = Vec::new();
        for group in run.rows("dispersed_groups").iter().take(50) {
            let cluster = run.clusters.iter().find(|units| units[0]["cluster_id"] == group["joins_cluster_id"]);
            groups.extend(lines([group], "{wider} | {group_name} | {facility_count}"));
            groups.push(cluster.map_or("a new cluster".into(), |units| units[0]["cluster_name"].clone()));
        }
        let note = groups.first().map(|_| "All are in dispersed_groups.csv.".to_owned());
        wanted.extend(headed("What wider rules would gather", groups));
        wanted.into_iter().chain(note).collect()
    });
}

#[test]
fn initiatives_are_those_of_the_table() {
    compare("initiatives", CELLS, 0, |run| {
        lines(
            run.rows("initiatives"),
            "{initiative} | {country} | {types:words} | {agree} | {missing} | {cluster_name}",
        )
    });
    assert!(RUNS.iter().any(|run| run.rows("initiatives").len() > 10));
}

#[test]
fn what_scores_foretold_is_that_of_the_table() {
    let run = Run::of("pipelines/backtest-north-west-europe.toml");
    let row = |row: &Row| {
        let few = if number(row, "with_event_count") < Some(10.0) { " (few)" } else { "" };
        let predictor = match row["predictor"].as_str() {
            "emissions_t" => "emissions alone".to_owned(),
            "facility_count" => "number of sites alone".to_owned(),
            _ => written(&row["predictor"], "words"),
        };
        let row = with(row, [("order".to_owned(), predictor)]);
        let interval = |name: &str| {
            let value = line(&row, &format!("{{{name}:2}}"));
            let ends = number(&row, &format!("{name}_low")).zip(number(&row, &format!("{name}_high")));
            value + &ends.map(|(low, high)| format!(" [{low:.2}, {high:.2}]")).unwrap_or_default()
        };
        let mut cells = lines([&row], "{outcome:words} | {period} | {order} | {cluster_count:0}");
        cells.push(line(&row, "{with_event_count:0}") + few);
        cells.extend(lines([&row], "{event_count:0} | {base_rate:2}"));
        cells.extend(["auc", "auc_over_emissions", "auc_over_sites"].map(interval));
        cells.extend(lines([&row], "{tau_b:2} | {brier:3}"));
        cells.push(line(&row, "3: {precision_at_3:2} 5: {precision_at_5:2} 10: {precision_at_10:2}"));
        cells
    };
    let wanted: Vec<String> = run.rows("backtest").iter().flat_map(row).collect();
    assert!(same(run.pipeline, &texts(run.section("backtest"), CELLS), &wanted) > 100);
}

#[test]
fn sources_are_those_of_the_manifest() {
    compare("data", TEXTS, 350, |run| {
        let mut wanted = Vec::new();
        for account in run.manifest["sources"].as_array().unwrap() {
            let [read, rejected, kept] = ["read", "quarantined", "kept"].map(|key| object(&account[key]));
            wanted.push(account["source"].as_str().unwrap().into());
            wanted.extend(lines([&read], "{rows} | {tonnes:Mt}"));
            wanted.push(format!("read from {}", lines(&objects(&account["files"]), "{path}").join(", ")));
            wanted.extend(lines(&objects(&account["filtered"]), " | −{rows} | {tonnes:Mt} | left out by {where}"));
            let rejected = Some(&rejected).filter(|rejected| rejected["rows"] != "0");
            wanted.extend(lines(rejected, " | −{rows} | {tonnes:Mt} | rejected"));
            let is_whole = kept["rows_without_tonnes"] == "0";
            let without = if is_whole { "" } else { ", {rows_without_tonnes} of them without emissions" };
            wanted.extend(lines([&kept], &[" | {rows} | {tonnes:Mt} | kept", without].concat()));
        }
        let rejected = ("Rejected rows", "quarantine", 50, "{file} | {line} | {column} | {value} | {message}");
        let found = ("Findings", "findings", 200, "{source} | {message}[ ({column})] | {count}");
        for (heading, table, most, cells) in [rejected, found] {
            let rows: Vec<&Row> = run.rows(table).iter().collect();
            wanted.push(heading.into());
            wanted.extend(rows.is_empty().then(|| "None.".into()));
            wanted.extend(listed(&rows, most, cells, &["{all} in all: ", table, ".csv."].concat()));
        }
        wanted
    });
}

#[test]
fn the_method_is_that_of_the_pipeline() {
    compare("method", "pre|th|td", 300, |run| {
        let delineation = run.manifest["pipeline"]["delineate"].as_object();
        let set = |(key, value): (&String, &Value)| (!value.is_null()).then(|| format!("{key} = {value}"));
        let delineation = delineation.map(|all| all.iter().filter_map(set).collect::<Vec<_>>().join(" "));
        let node = "{id} | {parent} | {weight:plain} | {aggregate} mean | {threshold:plain}";
        let indicator = "{id} {expr} over {over} | {parent} | {weight:plain} | \
                         {worst:significant} / {crossover:significant} / {best:significant} {unit} | \
                         {scale} | {mark} | {source}";
        let all = [("dimensions", node), ("components", node), ("indicators", indicator)];
        delineation.into_iter().chain(all.map(|(key, cells)| lines(&run.declared(key), cells)).concat()).collect()
    });
}

/// A number of the plot; below the plane is the lane of clusters without a score upwards, where heights tell nothing.
fn placed(text: String) -> String {
    if text.parse::<f64>().is_ok_and(|height| height > 640.0) { "lane".into() } else { text }
}

/// Marks, bounds and arrows of the plot: six pixels a point of a score.
fn plotted(run: &Run) -> [Vec<String>; 3] {
    let [across, upward] = <[String; 2]>::try_from(run.dimensions()).unwrap();
    let up = |score: f64| 600.0 - score * 600.0 / 100.0;
    let several = run.rows("clusters").iter().any(|row| row["period"] != run.latest());
    // Of each type, whose position is its number here, the first corner of its mark from the middle, in radii.
    let corners = [(-0.4, -1.1), (-1.0, 0.0), (0.0, -1.15), (-0.9, -0.9), (0.0, -1.2)];
    let [mut marks, mut bounds, mut arrows] = [const { Vec::new() }; 3];
    let mut later: Option<(usize, [f64; 2])> = None;
    for (card, unit) in run.units() {
        let next = later.filter(|(other, _)| *other == card).map(|(_, place)| place);
        let (Some(x), y) = (number(unit, &across), number(unit, &upward)) else { continue };
        if next.is_some() && y.is_none() {
            continue;
        }
        let place = [x * 600.0 / 100.0, y.map_or(f64::INFINITY, up)];
        let (kind, r, past) =
            (unit["type"].parse().unwrap_or(0), if next.is_some() { 3.5 } else { 6.0 }, next.map(|_| " past"));
        let [left, top] = [place[0] + corners[kind].0 * r, place[1] + corners[kind].1 * r];
        let [left, top] = [left, top].map(|at| placed(format!("{at:.1}")));
        let name = line(unit, if several { "{cluster_name} {period}" } else { "{cluster_name}" });
        marks.extend([format!("t{kind}{}", past.unwrap_or_default()), format!("cluster-{card}"), left, top, name]);
        if y.is_some() && unit[&format!("{upward}_level")] == "unknown" {
            let ends = ["low", "high"].map(|end| up(number(unit, &format!("{upward}_{end}")).unwrap()).to_string());
            bounds.extend([format!("{:.1}", place[0])].into_iter().chain(ends));
        }
        arrows.extend(next.into_iter().flat_map(|next| [place, next].concat()).map(|at| placed(at.to_string())));
        later = Some((card, place));
    }
    [marks, bounds, arrows]
}

#[test]
fn points_stand_at_their_scores() {
    let patterns = [
        r#"<path class="dot ([^"]*)" data-cluster="([^"]*)" d="M(\S+) ([0-9.-]+)[^"]*"><title>(.*?)</title>"#,
        r#"class="bounds" x1="[^"]*" x2="([^"]*)" y1="([^"]*)" y2="([^"]*)""#,
        r#"class="move" x1="([^"]*)" y1="([^"]*)" x2="([^"]*)" y2="([^"]*)""#,
        r#"class="cut" x1="([^"]*)" x2="([^"]*)" y1="([^"]*)" y2="([^"]*)""#,
        "(?s)<li>(.*?)</li>",
    ];
    let mut numbers = 0;
    for run in RUNS.iter() {
        let [x, y] = [0, 1].map(|at| number(&run.declared("dimensions")[at], "threshold").unwrap());
        let [x, y] = [x * 600.0 / 100.0, 600.0 - y * 600.0 / 100.0].map(|place| place.to_string());
        let cuts = [&x, &x, "0", "600", "0", "600", &y, &y].map(str::to_owned).to_vec();
        let key = [lines(&run.types(), "{number} {name}"), vec!["type not known".into()]].concat();
        let [marks, bounds, arrows] = plotted(run);
        for (pattern, wanted) in patterns.into_iter().zip([marks, bounds, arrows, cuts, key]) {
            let found: Vec<String> = captured(pattern, run.section("plot")).into_iter().map(placed).collect();
            numbers += same(run.pipeline, &found, &wanted);
        }
    }
    assert!(numbers > 280, "{numbers} numbers");
}
