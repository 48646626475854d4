//! `explain`: the score tree of one cluster down to its indicators, goalposts, sources and facilities.

use std::path::Path;

use forerunner::Result;
use forerunner::error::suggest;
use forerunner::report::stored::{Row, StoredRun};
use serde_json::Value;

use super::list::{cell, value};
use super::run::usage;
use super::table::{self, number, short};
use super::{list, print};

/// Explains one cluster, in every period.
pub fn run(folder: &Path, wanted: &str) -> Result<()> {
    let run = StoredRun::open(folder)?;
    let clusters = run.table("clusters")?;
    let matches = |row: &&Row| {
        cell(row, "cluster_id") == wanted || cell(row, "cluster_name").to_lowercase() == wanted.to_lowercase()
    };
    let found: Vec<&Row> = clusters.iter().filter(matches).collect();
    let mut ids: Vec<&str> = found.iter().map(|row| cell(row, "cluster_id")).collect();
    ids.dedup();
    let [id] = ids.as_slice() else {
        if ids.is_empty() {
            let known = clusters.iter().flat_map(|row| [cell(row, "cluster_id"), cell(row, "cluster_name")]);
            return Err(usage(format!("the run has no cluster `{wanted}`"), Some(suggest(wanted, known))));
        }
        return Err(usage(
            format!("several clusters are called `{wanted}`"),
            Some(format!("give the id: {}", ids.join(", "))),
        ));
    };
    let own = |name: &str| -> Result<Vec<Row>> {
        Ok(run.table(name)?.into_iter().filter(|row| cell(row, "cluster_id") == *id).collect())
    };
    let story = Story {
        run: &run,
        scores: own("scores")?,
        indicators: own("indicators")?,
        evidence: own("evidence")?,
        facilities: own("facilities")?,
        figures: own("figures")?,
        ties: own("ties")?,
    };
    let text: String = found.iter().map(|row| story.tell(row)).collect::<Vec<_>>().join("\n");
    print(&text)
}

/// Rows of ties, and things that would decide, that are shown of each sort.
const SHOWN: usize = 12;
const WANTED: usize = 5;

struct Story<'a> {
    run: &'a StoredRun,
    scores: Vec<Row>,
    indicators: Vec<Row>,
    evidence: Vec<Row>,
    facilities: Vec<Row>,
    figures: Vec<Row>,
    ties: Vec<Row>,
}

impl Story<'_> {
    fn tell(&self, cluster: &Row) -> String {
        let period = cell(cluster, "period");
        let mut text = format!("{} ({})", cell(cluster, "cluster_name"), cell(cluster, "cluster_id"));
        text += &if period.is_empty() { String::new() } else { format!(", {period}") };
        text += &match (cell(cluster, "type_name"), cell(cluster, "possible_types")) {
            ("", "") => ": no types".into(),
            ("", open) => format!(": type unknown, one of {open}"),
            (name, _) => format!(": type {} {name}", cell(cluster, "type")),
        };
        text.push('\n');
        for (dimension, threshold) in list::dimensions(self.run) {
            let level = cell(cluster, &format!("{dimension}_level"));
            text += &format!("\n{}, {level} (threshold {threshold})\n", self.node(&dimension, period, 0));
            text += &self.children(&dimension, period, 1);
            if level == "unknown" {
                text += &self.wanting(&dimension, period);
            }
        }
        text + &self.networks(period) + &self.sites(period)
    }

    fn node(&self, node: &str, period: &str, depth: usize) -> String {
        let row = self.scores.iter().find(|row| cell(row, "node") == node && cell(row, "period") == period);
        let Some(row) = row else { return node.to_owned() };
        let bounds = format!("{} to {}", number(value(row, "low"), 2), number(value(row, "high"), 2));
        let (score, coverage) = (number(value(row, "score"), 2), number(value(row, "coverage"), 3));
        format!("{}{node}: {score}, coverage {coverage}, bounds {bounds}", "  ".repeat(depth))
    }

    fn children(&self, parent: &str, period: &str, depth: usize) -> String {
        let pipeline = self.run.pipeline();
        let mut text = String::new();
        for component in of(pipeline, "components").filter(|component| component["parent"] == parent) {
            let id = component["id"].as_str().unwrap_or_default();
            text += &format!("{}, weight {}\n", self.node(id, period, depth), plain(&component["weight"]));
            text += &self.children(id, period, depth + 1);
        }
        for indicator in of(pipeline, "indicators").filter(|indicator| indicator["parent"] == parent) {
            text += &self.indicator(indicator, period, depth);
        }
        text
    }

    fn indicator(&self, indicator: &Value, period: &str, depth: usize) -> String {
        let id = indicator["id"].as_str().unwrap_or_default();
        let row = self.indicators.iter().find(|row| cell(row, "indicator") == id && cell(row, "period") == period);
        let Some(row) = row else { return String::new() };
        let indent = "  ".repeat(depth);
        let unit = indicator["unit"].as_str().unwrap_or_default();
        let measured = match cell(row, "status") {
            "observed" => format!("{} {unit} scores {}", short(value(row, "value")), number(value(row, "score"), 2)),
            other => other.to_owned(),
        };
        let mut text = format!(
            "{indent}{id}: {measured}, coverage {}, weight {}\n",
            number(value(row, "coverage"), 3),
            plain(&indicator["weight"])
        );
        let posts = ["worst", "crossover", "best"].map(|post| plain(&indicator[post])).join(" / ");
        let scale = indicator["scale"].as_str().unwrap_or_default();
        let mark = indicator["mark"].as_str().unwrap_or_default();
        text += &format!(
            "{indent}  goalposts {posts} {unit}, {scale} [{mark}] {}\n",
            indicator["source"].as_str().unwrap_or_default()
        );
        let expr = indicator["expr"].as_str().unwrap_or_default();
        text += &format!("{indent}  {} over {}\n", expr, indicator["over"].as_str().unwrap_or_default());
        for fact in
            self.evidence.iter().filter(|fact| cell(fact, "period") == period && names(expr, cell(fact, "figure")))
        {
            let note = if cell(fact, "note").is_empty() { String::new() } else { format!(": {}", cell(fact, "note")) };
            let place = format!("{}:{}", cell(fact, "file"), cell(fact, "line"));
            text += &format!("{indent}  from {}{note} ({place})\n", cell(fact, "source"));
        }
        text
    }

    /// What would decide an unknown dimension: the indicators that lack most, by weight.
    fn wanting(&self, dimension: &str, period: &str) -> String {
        let indicators: Vec<&Value> = of(self.run.pipeline(), "indicators").collect();
        let lack = |row: &Row| -> Option<(f64, String)> {
            let id = cell(row, "indicator");
            let indicator = indicators.iter().find(|indicator| indicator["id"] == id)?;
            let share = self.share_of(dimension, indicator["parent"].as_str()?) * self.share_among(indicator);
            let lack = 1.0 - value(row, "coverage").unwrap_or(0.0);
            let what = if cell(row, "status") == "observed" {
                format!("{id}: rests on {:.0} %", 100.0 * (1.0 - lack))
            } else {
                format!("{id}: {}", cell(row, "status"))
            };
            (share * lack > 0.0).then_some((share * lack, what))
        };
        let own = self.indicators.iter().filter(|row| cell(row, "period") == period);
        let mut lacking: Vec<(f64, String)> = own.filter_map(lack).collect();
        lacking.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let line = |(share, what): &(f64, String)| format!("    {what} ({:.0} % of the weight)\n", 100.0 * share);
        let lines: String = lacking.iter().take(WANTED).map(line).collect();
        if lines.is_empty() { lines } else { format!("  what would decide it\n{lines}") }
    }

    /// The share of a dimension's weight that a component carries; 0 where it belongs to another.
    fn share_of(&self, dimension: &str, node: &str) -> f64 {
        if node == dimension {
            return 1.0;
        }
        let component = of(self.run.pipeline(), "components").find(|component| component["id"] == node);
        let parent = component.and_then(|component| component["parent"].as_str().map(|parent| (component, parent)));
        parent.map_or(0.0, |(component, parent)| self.share_of(dimension, parent) * self.share_among(component))
    }

    /// The share of a node's weight among all children of its parent.
    fn share_among(&self, node: &Value) -> f64 {
        let all = ["components", "indicators"].into_iter().flat_map(|list| of(self.run.pipeline(), list));
        let siblings = all.filter(|other| other["parent"] == node["parent"]);
        let total: f64 = siblings.filter_map(|other| other["weight"].as_f64()).sum();
        node["weight"].as_f64().map_or(0.0, |weight| weight / total)
    }

    /// Of every kind of tie: how much was asked, the rows that tell, and the largest sites that nobody asked.
    fn networks(&self, period: &str) -> String {
        let own = |row: &&Row| cell(row, "period") == period;
        let Some(figures) = self.figures.iter().find(own) else { return String::new() };
        let mut kinds: Vec<&str> =
            figures.keys().filter_map(|column| column.strip_prefix("observed_emission_share_")).collect();
        kinds.sort_unstable();
        let mut text = String::new();
        for kind in kinds {
            let share = |name: &str| value(figures, &format!("{name}_{kind}"));
            let of_emissions = share("observed_emission_share");
            let megatonnes =
                of_emissions.zip(value(figures, "emissions_t")).map(|(share, tonnes)| share * tonnes / 1e6);
            let percent = |share: Option<f64>| number(share.map(|share| share * 100.0), 1);
            text += &format!(
                "\n{kind} ties: observed {} % of facilities, {} % of emissions ({} Mt)\n",
                percent(share("observed_share")),
                percent(of_emissions),
                number(megatonnes, 2)
            );
            let rows: Vec<&Row> = self.ties.iter().filter(own).filter(|row| cell(row, "kind") == kind).collect();
            for row in rows.iter().take(SHOWN) {
                let to = if cell(row, "organisation").is_empty() { cell(row, "to") } else { cell(row, "organisation") };
                let place = format!("{}:{}", cell(row, "file"), cell(row, "line"));
                text += &format!("  {} - {to} [{}] ({place})\n", cell(row, "from"), cell(row, "basis"));
            }
            if rows.len() > SHOWN {
                text += &format!("  and {} more in ties.csv\n", rows.len() - SHOWN);
            }
            text += &self.silent(kind, period);
        }
        text
    }

    /// The largest sites that nobody asked about.
    fn silent(&self, kind: &str, period: &str) -> String {
        let column = format!("observed_{kind}");
        let unasked = |row: &&Row| cell(row, "period") == period && cell(row, &column) == "false";
        let mut silent: Vec<&Row> = self.facilities.iter().filter(unasked).collect();
        by_emissions(&mut silent);
        if silent.is_empty() {
            return String::new();
        }
        let name = |row: &&Row| format!("{} ({} t)", cell(row, "name"), number(value(row, "emissions_t"), 0));
        let names: Vec<String> = silent.iter().take(WANTED).map(name).collect();
        let rest = silent.len().saturating_sub(WANTED);
        let rest = if rest > 0 { format!(", and {rest} more") } else { String::new() };
        format!("  nothing known of {}{rest}\n", names.join(", "))
    }

    fn sites(&self, period: &str) -> String {
        let mut sites: Vec<&Row> = self.facilities.iter().filter(|row| cell(row, "period") == period).collect();
        by_emissions(&mut sites);
        let Some(first) = sites.first() else { return String::new() };
        let mut distances: Vec<&String> = first.keys().filter(|column| column.starts_with("km_to_")).collect();
        distances.sort();
        let mut header = vec!["facility", "name", "operator", "t"];
        header.extend(distances.iter().map(|column| column.as_str()));
        let row = |site: &&Row| {
            let text = ["facility_id", "name", "operator"]
                .map(|column| cell(site, column).chars().take(32).collect::<String>());
            let distances = distances.iter().map(|column| number(value(site, column), 1));
            text.into_iter().chain([number(value(site, "emissions_t"), 0)]).chain(distances).collect()
        };
        let rows: Vec<Vec<String>> = sites.iter().map(row).collect();
        format!("\nfacilities\n{}", table::text(&header, &rows))
    }
}

/// Brings sites into order: greatest emissions first, unknown ones last.
fn by_emissions(sites: &mut [&Row]) {
    let emissions = |site: &Row| value(site, "emissions_t").unwrap_or(-1.0);
    sites.sort_by(|a, b| emissions(b).total_cmp(&emissions(a)));
}

fn of<'a>(pipeline: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    pipeline[list].as_array().into_iter().flatten()
}

/// Whether an expression names a column.
fn names(expr: &str, column: &str) -> bool {
    expr.split(|character: char| !character.is_alphanumeric() && character != '_').any(|word| word == column)
}

/// A number as the pipeline file has it.
fn plain(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".into(), |number| number.to_string())
}
