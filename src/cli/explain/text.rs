//! The story of a cluster for a terminal of 100 columns.

use forerunner::indicator::Scale;
use forerunner::names::{self, EMISSIONS};
use forerunner::story::{Network, ScoredIndicator, ScoredNode, Story};
use serde_json::{Map, Value};

use crate::cli::table::{self, RELATIVE, number, short, signed, thresholds};

const WIDTH: usize = 100;
/// Levers, ties and evidence that are shown of each sort.
const SHOWN: usize = 4;
/// Single choices that are shown.
const FLIPS: usize = 2;

/// Tells it.
pub fn tell(story: &Story) -> String {
    let mut text = String::new();
    let period = story.period.map(|period| format!(", {period}")).unwrap_or_default();
    let kind = match (&story.r#type, &story.type_name, &story.possible_types) {
        (Some(number), Some(name), _) => format!("type {number} {name}"),
        (_, _, Some(open)) => format!("type unknown, one of {open}"),
        _ => "no types".into(),
    };
    text += &line(&format!("{} ({}){period}: {kind}", story.cluster_name, story.cluster_id));
    text += &sureness(story);
    for dimension in &story.dimensions {
        text += &node(dimension, 0);
    }
    if story.relative {
        text += &wrapped(RELATIVE);
    }
    text += &levers(story);
    text += &standing(story);
    for (position, network) in story.networks.iter().enumerate() {
        text += &of_network(network);
        // Kinds with one source are silent of the same sites.
        if story.networks.get(position + 1).is_none_or(|next| next.silent.shown != network.silent.shown) {
            text += &silent(network);
        }
    }
    text += &evidence(story);
    text += &corrections(story);
    text += &facilities(story);
    for policy in &story.policy {
        text += &wrapped(&format!("{} {}: {} [{}]", policy.r#type, policy.name, policy.policy, policy.source));
    }
    text
}

/// How sure the type is, what decides it, and single choices that would make it another.
fn sureness(story: &Story) -> String {
    let Some(sure) = &story.sureness else { return String::new() };
    let mut text = wrapped(&format!("{}: {}", sure.robustness, sure.reads));
    let flips = sure.one_at_a_time.iter().take(FLIPS).map(|row| {
        let to = match (row["is_cluster"].as_bool(), row["other_type"].as_i64()) {
            (Some(false), _) => "no cluster".to_owned(),
            (_, Some(number)) => format!("type {number}"),
            _ => "type unknown".to_owned(),
        };
        format!("{}: {to}", row["setting"].as_str().unwrap_or_default())
    });
    let flips: Vec<String> = flips.collect();
    if !flips.is_empty() {
        let more = sure.one_at_a_time.len().saturating_sub(FLIPS);
        let more = if more > 0 { format!("; {more} more") } else { String::new() };
        text += &line(&format!("  changed alone: {}{more}", flips.join("; ")));
    }
    text
}

/// A line, cut at the width.
fn line(text: &str) -> String {
    let cut: String = if text.chars().count() > WIDTH {
        text.chars().take(WIDTH - 1).chain(['…']).collect()
    } else {
        text.to_owned()
    };
    cut.trim_end().to_owned() + "\n"
}

/// Lines broken at spaces, the second and further ones set in.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().filter(|last| last.chars().count() + word.chars().count() < WIDTH);
        match last {
            Some(last) if last.is_empty() => last.push_str(word),
            Some(last) => *last += &format!(" {word}"),
            None => lines.push(format!("  {word}")),
        }
    }
    lines.join("\n") + "\n"
}

fn node(node: &ScoredNode, depth: usize) -> String {
    let bounds = format!("[{}, {}]", number(node.low, 0), number(node.high, 0));
    let score = number(node.score, 2);
    let name = format!("{}{}", "  ".repeat(depth), node.id);
    let mut text = match &node.level {
        Some(level) => {
            let threshold = node.threshold.as_ref().map(thresholds).unwrap_or_default();
            let coverage = number(node.coverage, 2);
            line(&format!("{name}: {score} {bounds}, {level} (threshold {threshold}, coverage {coverage})"))
        }
        None => line(&format!(
            "{name:<36}{score:>6}  weight {}  coverage {}",
            short(Some(node.weight)),
            number(node.coverage, 2)
        )),
    };
    text += &node.components.iter().map(|component| self::node(component, depth + 1)).collect::<String>();
    let (there, missing): (Vec<&ScoredIndicator>, Vec<&ScoredIndicator>) =
        node.indicators.iter().partition(|indicator| indicator.value.is_some());
    let missing: Vec<String> = missing.iter().map(|one| format!("{} ({})", one.id, one.status)).collect();
    let missing = format!("missing: {}", missing.join(", "));
    if there.is_empty() && !node.indicators.is_empty() {
        text = line(&format!("{}  {missing}", text.trim_end()));
    } else if there.len() < node.indicators.len() {
        text += &line(&format!("{}{missing}", "  ".repeat(depth + 1)));
    }
    text += &there.into_iter().map(|found| indicator(found, depth + 1)).collect::<String>();
    if !node.wanting.is_empty() {
        let each = node.wanting.iter().take(SHOWN);
        let each: Vec<String> = each.map(|one| format!("{} ({:.0} %)", one.indicator, 100.0 * one.lacks)).collect();
        text += &wrapped(&format!("  what would decide it, by share of the weight: {}", each.join(", ")));
    }
    text
}

fn indicator(indicator: &ScoredIndicator, depth: usize) -> String {
    let name = format!("{}{}", "  ".repeat(depth), indicator.id);
    let within = indicator.within_km.map(|km| format!(" (within {km} km)")).unwrap_or_default();
    let imputed = if indicator.status == "imputed" { " imputed" } else { "" };
    let value = format!("{} {}{within}{imputed}", short(indicator.value), indicator.unit);
    let posts = [indicator.worst, indicator.crossover, indicator.best];
    let posts: Vec<String> = posts.iter().flatten().map(f64::to_string).collect();
    let by_posts = indicator.normalise == "goalposts";
    let rule = if by_posts { posts.join("/") } else { indicator.normalise.to_owned() };
    let log = if indicator.scale == Scale::Log { " log" } else { "" };
    line(&format!(
        "{name:<27} {value:<21} {:>6}  w {} c {} +{:<6} {}{log} {}",
        number(indicator.score, 2),
        short(Some(indicator.weight)),
        number(indicator.coverage, 2),
        number(indicator.contribution, 2),
        rule,
        indicator.mark.as_str()
    ))
}

/// What would take a dimension to another level, cheapest first.
fn levers(story: &Story) -> String {
    let found = story.levers();
    let mut text = String::new();
    if !found.is_empty() {
        let all = if found.len() > SHOWN {
            format!(" ({SHOWN} of {}, all in levers.csv)", found.len())
        } else {
            String::new()
        };
        text += &format!("levers, each of them alone enough{all}\n");
    }
    for lever in found.iter().take(SHOWN) {
        let to_type = lever["to_type"].as_i64().map(|number| format!(", type {number}")).unwrap_or_default();
        let who = match lever["changeable"].as_bool() {
            Some(true) => ", by people",
            Some(false) => ", by geography",
            None => "",
        };
        let points = signed(lever["points"].as_f64().unwrap_or(0.0), 1);
        let (level, name) = (word(lever, "to_level"), word(lever, "indicator"));
        text += &line(&format!("  {name}: {} ({points} points): {level}{to_type}{who}", word(lever, "reads")));
    }
    // Two together matter where one alone does not do, on the way up.
    let upward = |pair: &&Map<String, Value>| {
        let own = story.dimensions.iter().find(|dimension| dimension.id == word(pair, "dimension"));
        let is_high = own.is_some_and(|dimension| dimension.level.as_deref() == Some("high"));
        !pair["second"].is_null() && !is_high && word(pair, "to_level") != "low"
    };
    text + &story.pairs.iter().filter(upward).map(pair).collect::<String>()
}

fn pair(pair: &Map<String, Value>) -> String {
    let end = |which: &str| {
        let value = |column: &str| short(pair[&format!("{which}_{column}")].as_f64());
        format!("{} {} to {}", word(pair, which), value("value"), value("flip_value"))
    };
    let points = number(pair["points"].as_f64(), 1);
    let among = if word(pair, "among") == "changeable" { ", that people can change" } else { "" };
    line(&format!("  cheapest two{among}: {}, {} ({points} points)", end("first"), end("second")))
}

fn word<'a>(row: &'a Map<String, Value>, column: &str) -> &'a str {
    row.get(column).and_then(Value::as_str).unwrap_or_default()
}

/// Other types, neighbours, moves and warnings.
fn standing(story: &Story) -> String {
    let mut text = String::new();
    if !story.distances.is_empty() {
        let each = story.distances.iter().map(|one| format!("{} {} {:.1}", one.r#type, one.name, one.points));
        text += &line(&format!("points to other types: {}", each.collect::<Vec<_>>().join(", ")));
    }
    if !story.neighbours.is_empty() {
        let each = story.neighbours.iter().map(|one| {
            format!("{} ({}, {:.1} points)", one.cluster_name, one.r#type.as_deref().unwrap_or("-"), one.points)
        });
        text += &line(&format!("neighbours on the plane: {}", each.collect::<Vec<_>>().join(", ")));
    }
    for one in &story.moves {
        let period = |column: &str| one[column].to_string();
        let types = format!("type {} to {}", one["from_type"], one["to_type"]);
        text += &line(&format!("{} to {}: {types}, {}", period("from_period"), period("to_period"), word(one, "move")));
    }
    if !story.move_parts.is_empty() {
        let each = story.move_parts.iter().take(SHOWN);
        let each =
            each.map(|one| format!("{} {}", word(one, "indicator"), signed(one["part"].as_f64().unwrap_or(0.0), 2)));
        text += &line(&format!("  carried by {}", each.collect::<Vec<_>>().join(", ")));
    }
    for one in &story.warnings {
        let [score, threshold, change] = ["score", "threshold", "change"].map(|column| one[column].as_f64());
        let change = signed(change.unwrap_or(0.0), 1);
        let name = word(one, "dimension").replace('_', " ");
        text += &line(&format!("early warning: {name} at {} nears {} ({change})", number(score, 1), short(threshold)));
    }
    text
}

fn of_network(network: &Network) -> String {
    let percent = |share: Option<f64>| number(share.map(|share| share * 100.0), 1);
    let mut text = line(&format!(
        "{} ties: observed {} % of facilities, {} % of emissions; {} rows in ties.csv",
        network.kind,
        percent(network.observed_share),
        percent(network.observed_emission_share),
        network.rows.shown.len() + network.rows.more
    ));
    if let Some(row) = network.rows.shown.first() {
        let end = |end: &str| {
            let name = row.get(&format!("{end}_name")).and_then(Value::as_str);
            name.unwrap_or_else(|| word(row, end)).to_owned()
        };
        let to = if row["organisation"].is_null() { end("to") } else { word(row, "organisation").to_owned() };
        text += &line(&format!("  {} - {to} [{}] {}", end("from"), word(row, "basis"), place(row)));
    }
    text
}

/// The largest sites that nobody asked about.
fn silent(network: &Network) -> String {
    let names: Vec<&str> = network.silent.shown.iter().take(SHOWN).map(|row| word(row, "name")).collect();
    let more = network.silent.shown.len() + network.silent.more - names.len();
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    if names.is_empty() { String::new() } else { line(&format!("  nothing known of {}{more}", names.join(", "))) }
}

/// File and line of a row, without the folders.
fn place(row: &Map<String, Value>) -> String {
    let file = word(row, "file").rsplit('/').next().unwrap_or_default();
    if file.is_empty() { String::new() } else { format!("{file}:{}", row["line"]) }
}

/// Rows of files that brought figures.
fn evidence(story: &Story) -> String {
    let mut rows = Vec::new();
    let mut open: Vec<&ScoredNode> = story.dimensions.iter().collect();
    while let Some(node) = open.pop() {
        rows.extend(node.indicators.iter().flat_map(|indicator| &indicator.evidence));
        open.extend(&node.components);
    }
    let row = |row: &&Map<String, Value>| {
        let note = if row["note"].is_null() { String::new() } else { format!(": {}", word(row, "note")) };
        let value = short(row["value"].as_f64());
        line(&format!("{} {value} from {} {}{note}", word(row, "figure"), place(row), word(row, "source")))
    };
    let shown: String = rows.iter().take(SHOWN / 2).map(row).collect();
    let more = rows.len().saturating_sub(SHOWN / 2);
    if more > 0 { shown + &format!("and {more} more in evidence.csv\n") } else { shown }
}

/// A distance of a site to a layer, and how well it is known where it is shorter than that.
fn distance(site: &Map<String, Value>, column: &str) -> String {
    let layer = names::layer_of_distance(column).unwrap_or_default();
    let within = site.get(&names::within_km(layer)).and_then(Value::as_f64);
    let within = within.map(|km| format!(" (within {km})")).unwrap_or_default();
    format!("{}{within}", number(site[column].as_f64(), 1))
}

/// What a person has put right in the register.
fn corrections(story: &Story) -> String {
    let row = |row: &Map<String, Value>| {
        let cell = |column: &str| if row[column].is_null() { "(empty)" } else { word(row, column) };
        let (id, column) = (word(row, "facility_id"), word(row, "column"));
        line(&format!(
            "corrected: {column} of {id} is {} in place of {} ({}): {}",
            cell("value"),
            cell("old"),
            place(row),
            word(row, "source")
        ))
    };
    story.corrections.iter().map(row).collect()
}

/// The largest facilities with the distances that indicators rest on.
fn facilities(story: &Story) -> String {
    let Some(first) = story.facilities.shown.first() else { return String::new() };
    let distances: Vec<&String> = first.keys().filter(|column| names::is_distance(column)).collect();
    let mut header = vec!["facility", "name", "t"];
    header.extend(distances.iter().filter_map(|column| names::layer_of_distance(column)));
    let row = |site: &Map<String, Value>| {
        let id = site["facility_id"].as_str().map_or_else(|| site["facility_id"].to_string(), str::to_owned);
        let short = |text: &str, width: usize| text.chars().take(width).collect::<String>();
        let mut cells = vec![short(&id, 14), short(word(site, "name"), 20), number(site[EMISSIONS].as_f64(), 0)];
        cells.extend(distances.iter().map(|column| distance(site, column)));
        cells
    };
    let rows: Vec<Vec<String>> = story.facilities.shown.iter().map(row).collect();
    let more = if story.facilities.more > 0 {
        format!("  and {} more in facilities.csv\n", story.facilities.more)
    } else {
        String::new()
    };
    let layers = if distances.is_empty() { "" } else { ", km to" };
    let table: String = table::text(&header, &rows).lines().map(line).collect();
    format!("facilities, t{layers}\n{table}{more}")
}
