//! The story of a cluster as Markdown, with all that the tables say.

use forerunner::names::{self, EMISSIONS, OfLayer};
use forerunner::story::{Rows, ScoredIndicator, ScoredNode, Story};
use serde_json::{Map, Value};

use crate::cli::table::{RELATIVE, number, short, signed, thresholds};

fn sureness(story: &Story) -> String {
    let Some(sure) = &story.sureness else { return String::new() };
    let text = format!("\n## How sure: {}\n\n{}\n", sure.robustness, escaped(&sure.reads));
    let matters = maps("Which choice matters for the type", &sure.sensitivity);
    text + &matters + &maps("Choices that alone make the type another", &sure.one_at_a_time)
}

/// Tells it.
pub fn tell(story: &Story) -> String {
    let period = story.period.map(|period| format!(", {period}")).unwrap_or_default();
    let kind = match (&story.r#type, &story.type_name, &story.possible_types) {
        (Some(number), Some(name), _) => format!("Type {number}, {name}."),
        (_, _, Some(open)) => format!("Type unknown: one of {open}."),
        _ => "The pipeline has no typology.".into(),
    };
    let mut text = format!("# {}{period}\n\n`{}`. {kind}\n", escaped(&story.cluster_name), story.cluster_id);
    for policy in &story.policy {
        let parts = [&policy.name, &policy.description, &policy.policy, &policy.source].map(|part| escaped(part));
        let [name, description, policy_note, source] = parts;
        text += &format!("\n**{} {name}** ({description}). {policy_note} ({source})\n", policy.r#type);
    }
    text += &sureness(story);
    for dimension in &story.dimensions {
        text += &section(dimension);
    }
    if story.relative {
        text += &format!("\n*{RELATIVE}.*\n");
    }
    text += &levers(story);
    text += &maps("Moves", &story.moves);
    text += &maps("What carried the last change", &story.move_parts);
    text += &maps("Early warnings", &story.warnings);
    if !story.neighbours.is_empty() {
        let rows = story.neighbours.iter().map(|one| {
            let kind = one.r#type.clone().unwrap_or_default();
            vec![one.cluster_name.clone(), one.cluster_id.clone(), kind, format!("{:.2}", one.points)]
        });
        text += "\n## Neighbours on the plane\n";
        text += &table(&["Cluster", "Id", "Type", "Points"], rows);
    }
    for network in &story.networks {
        let percent = |share: Option<f64>| number(share.map(|share| share * 100.0), 1);
        let (sites, emissions) = (percent(network.observed_share), percent(network.observed_emission_share));
        text += &format!(
            "\n## {} ties\n\nObserved: {sites} % of facilities, {emissions} % of emissions.\n",
            escaped(&network.kind)
        );
        text += &rows(
            &network.rows,
            &["name", "basis", "from", "from_name", "to", "to_name", "organisation", "source", "file", "line"],
        );
        if !network.silent.shown.is_empty() {
            text += "\nNothing is known of:\n";
            text += &rows(&network.silent, &["facility_id", "name", "operator", EMISSIONS]);
        }
    }
    text += &maps("Put right in the register", &story.corrections);
    text += &facilities(story);
    text
}

fn section(dimension: &ScoredNode) -> String {
    let threshold = dimension.threshold.as_ref().map(thresholds).unwrap_or_default();
    let mut text = format!("\n## {}\n\n", dimension.id.replace('_', " "));
    text += &format!(
        "{}, {} (threshold {threshold}), coverage {}, bounds {} to {}.\n",
        number(dimension.score, 2),
        dimension.level.as_deref().unwrap_or_default(),
        number(dimension.coverage, 3),
        number(dimension.low, 2),
        number(dimension.high, 2)
    );
    if !dimension.wanting.is_empty() {
        let rows = dimension
            .wanting
            .iter()
            .map(|one| vec![one.indicator.clone(), number(Some(one.coverage), 2), number(Some(one.lacks * 100.0), 1)]);
        text += "\nWhat would decide it:\n";
        text += &table(&["Indicator", "Coverage", "Share of the weight that it lacks, %"], rows);
    }
    let mut nodes = Vec::new();
    let mut indicators = Vec::new();
    walk(dimension, &mut nodes, &mut indicators);
    text += &table(&["Component", "Score", "Weight", "Coverage", "Low", "High"], nodes.into_iter());
    let heads = [
        "Indicator",
        "Value",
        "Score",
        "Weight",
        "Coverage",
        "Contribution",
        "worst / crossover / best",
        "Mark",
        "Why",
        "SQL",
    ];
    text += &table(&heads, indicators.iter().map(|indicator| indicator_row(indicator)));
    for indicator in &indicators {
        for row in &indicator.evidence {
            let cell = |column: &str| escaped(&plain(row.get(column)));
            let place = format!("{}:{}", cell("file"), cell("line"));
            text += &format!(
                "\n- `{}` = {}: {} {} (`{place}`)",
                cell("figure"),
                cell("value"),
                cell("source"),
                cell("note")
            );
        }
    }
    text.trim_end().to_owned() + "\n"
}

fn walk<'a>(node: &'a ScoredNode, nodes: &mut Vec<Vec<String>>, indicators: &mut Vec<&'a ScoredIndicator>) {
    for component in &node.components {
        nodes.push(vec![
            component.id.clone(),
            number(component.score, 2),
            component.weight.to_string(),
            number(component.coverage, 3),
            number(component.low, 2),
            number(component.high, 2),
        ]);
        walk(component, nodes, indicators);
    }
    indicators.extend(&node.indicators);
}

fn indicator_row(indicator: &ScoredIndicator) -> Vec<String> {
    let posts = [indicator.worst, indicator.crossover, indicator.best];
    let posts: Vec<String> =
        posts.iter().map(|post| post.map_or_else(|| "–".into(), |post| post.to_string())).collect();
    let value = match (indicator.value.is_some(), indicator.status.as_str()) {
        (true, "imputed") => format!("{}, imputed:", short(indicator.value)),
        (true, _) => short(indicator.value),
        (false, status) => status.to_owned(),
    };
    let within = indicator.within_km.map(|km| format!(" (within {km} km)")).unwrap_or_default();
    vec![
        indicator.id.clone(),
        format!("{value} {}{within}", indicator.unit),
        number(indicator.score, 2),
        indicator.weight.to_string(),
        number(indicator.coverage, 3),
        number(indicator.contribution, 2),
        format!("{} {}", posts.join(" / "), indicator.scale.as_str()),
        indicator.mark.as_str().to_owned(),
        indicator.source.clone(),
        format!("{} over {}", indicator.expr, indicator.over.as_str()),
    ]
}

fn levers(story: &Story) -> String {
    let found = story.levers();
    let row = |lever: &&Map<String, Value>| {
        let cell = |column: &str| plain(lever.get(column));
        vec![
            cell("indicator"),
            cell("reads"),
            short(lever["value"].as_f64()),
            short(lever["flip_value"].as_f64()),
            signed(lever["points"].as_f64().unwrap_or(0.0), 2),
            format!("{} {}", cell("to_level"), cell("dimension").replace('_', " ")),
            cell("to_type"),
            cell("changeable"),
        ]
    };
    let heads = ["Indicator", "Change", "Value", "Needed", "Points", "Makes it", "Type", "People can change it"];
    let mut text = String::new();
    if !found.is_empty() {
        text += "\n## Levers\n\nEach of these alone would be enough.\n";
        text += &table(&heads, found.iter().map(row));
    }
    text += &maps("Cheapest pairs", &story.pairs);
    if !story.distances.is_empty() {
        text += "\n## Points to other types\n";
        let rows = story
            .distances
            .iter()
            .map(|one| vec![one.r#type.to_string(), one.name.clone(), format!("{:.2}", one.points)]);
        text += &table(&["Type", "Name", "Points"], rows);
    }
    text
}

fn facilities(story: &Story) -> String {
    let Some(first) = story.facilities.shown.first() else { return String::new() };
    let of_layers = |column: &&str| matches!(names::of_some_layer(column), Some(OfLayer::Distance | OfLayer::Mark));
    let distances = first.keys().map(String::as_str).filter(of_layers);
    let columns: Vec<&str> =
        ["facility_id", "name", "operator", "sector", EMISSIONS].into_iter().chain(distances).collect();
    format!("\n## Facilities\n{}", rows(&story.facilities, &columns))
}

fn rows(rows: &Rows, columns: &[&str]) -> String {
    let cells = |row: &Map<String, Value>| columns.iter().map(|column| plain(row.get(*column))).collect::<Vec<_>>();
    let more = if rows.more > 0 { format!("\nAnd {} more.\n", rows.more) } else { String::new() };
    if rows.shown.is_empty() { more } else { table(columns, rows.shown.iter().map(cells)) + &more }
}

fn maps(title: &str, maps: &[Map<String, Value>]) -> String {
    let Some(first) = maps.first() else { return String::new() };
    let columns: Vec<&str> = first.keys().map(String::as_str).filter(|column| *column != "cluster_id").collect();
    let cells = |row: &Map<String, Value>| columns.iter().map(|column| plain(row.get(*column))).collect::<Vec<_>>();
    format!("\n## {title}\n{}", table(&columns, maps.iter().map(cells)))
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = format!("\n{}", line(header.iter().map(|cell| escaped(cell)).collect()));
    text += &line(header.iter().map(|_| "---".to_owned()).collect());
    text + &rows.map(|row| line(row.iter().map(|cell| escaped(cell)).collect())).collect::<String>()
}

fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Text that is no markup, on one line.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '\n' | '\r' => escaped.push(' '),
            '|' | '<' | '>' | '`' | '*' | '[' | ']' | '\\' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}
