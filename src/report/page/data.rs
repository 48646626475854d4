//! The other tables of the page: moves, dispersed sites, initiatives, goalposts.

use std::collections::HashSet;

use super::{SHOWN, Shown, decimals, period, significant, words};
use crate::backtest::{Estimate, FEW, SITES, Tested};
use crate::classify::initiatives;
use crate::error::Result;
use crate::indicator::Indicator;
use crate::names::EMISSIONS;
use crate::report::Results;
use crate::score::Aggregate;
use crate::score::normalise::Normalise;

/// A cluster between two periods.
pub struct MoveRow<'a> {
    pub cluster: &'a str,
    pub periods: String,
    pub types: String,
    pub name: &'a str,
    /// Change of each dimension.
    pub changes: Vec<String>,
}

/// Changes of type between two periods.
pub struct TransitionRow {
    pub periods: String,
    pub from: String,
    pub to: String,
    pub clusters: u64,
}

/// A dispersed site.
pub struct SiteRow<'a> {
    pub name: &'a str,
    pub operator: &'a str,
    pub sector: &'a str,
    pub period: String,
    pub kilotonnes: String,
    pub nearest: &'a str,
    pub km: String,
    pub strategic: &'static str,
}

/// What a wider rule would gather.
pub struct GroupRow {
    pub rule: String,
    pub name: String,
    pub joins: String,
    pub sites: usize,
}

/// A place-based initiative.
pub struct InitiativeRow<'a> {
    pub name: &'a str,
    pub country: &'a str,
    pub types: String,
    pub because: String,
    pub missing: String,
    pub cluster: &'a str,
}

/// How well a predictor foretold an outcome.
pub struct BacktestRow<'a> {
    pub outcome: String,
    pub period: String,
    pub predictor: String,
    pub clusters: usize,
    pub with_event: usize,
    /// Whether hardly anything can be told from so few.
    pub few: bool,
    pub events: usize,
    pub base_rate: String,
    pub auc: String,
    pub tau_b: String,
    /// Of the probability that a dimension is high; empty where nothing was drawn.
    pub brier: String,
    /// Of so many that stand first the share with an event.
    pub precision: Vec<(&'a usize, String)>,
    pub over_emissions: String,
    pub over_sites: String,
}

/// What scores foretold.
pub fn backtest<'a>(results: &'a Results<'a>) -> Vec<BacktestRow<'a>> {
    let estimate = |estimate: &Estimate| {
        let interval = estimate.interval.map(|[low, high]| format!(" [{low:.2}, {high:.2}]")).unwrap_or_default();
        format!("{}{interval}", decimals(estimate.value, 2))
    };
    let row = |row: &'a Tested| BacktestRow {
        outcome: words(&results.tables.outcomes[row.outcome].name),
        period: row.period.to_string(),
        predictor: match row.predictor.as_str() {
            EMISSIONS => "emissions alone".into(),
            SITES => "number of sites alone".into(),
            dimension => words(dimension),
        },
        clusters: row.clusters,
        with_event: row.with_event,
        few: row.with_event < FEW,
        events: row.events,
        base_rate: decimals(row.base_rate(), 2),
        auc: estimate(&row.auc),
        tau_b: decimals(row.tau_b, 2),
        brier: decimals(row.brier, 3),
        precision: row.precision.iter().map(|(top, share)| (top, decimals(*share, 2))).collect(),
        over_emissions: estimate(&row.over_emissions),
        over_sites: estimate(&row.over_sites),
    };
    results.backtest.tested.iter().map(row).collect()
}

/// A dimension or component, and how its children combine.
pub struct NodeRow {
    pub name: String,
    pub parent: String,
    pub weight: String,
    pub aggregate: String,
    pub thresholds: String,
}

/// An indicator with its goalposts.
pub struct GoalpostRow<'a> {
    pub indicator: &'a Indicator,
    pub posts: String,
    pub weight: String,
    pub scale: &'static str,
    pub mark: &'static str,
    pub over: &'static str,
}

/// Moves of the clusters that the page shows: all, or the last alone.
pub fn moves<'a>(results: &'a Results<'a>, shown: &Shown) -> Vec<MoveRow<'a>> {
    let units = &results.measured.units;
    let told: HashSet<usize> = shown.told().collect();
    let types = |position: usize| results.about.typology.map(|typology| typology.types[position].number.to_string());
    let row = |one: &'a crate::classify::moves::Move| {
        let ends = one.types.and_then(|(from, to)| Some(format!("{} → {}", types(from)?, types(to)?)));
        MoveRow {
            cluster: &results.measured.clusters.names[units[one.to].cluster],
            periods: format!("{} → {}", period(units[one.from].period), period(units[one.to].period)),
            types: ends.unwrap_or_else(|| "not known".into()),
            name: if one.types.is_some() { &one.name } else { "" },
            changes: one
                .changes
                .iter()
                .map(|change| change.map_or("–".into(), |by| format!("{:+.1}", by + 0.0)))
                .collect(),
        }
    };
    results.rating.moves.moves.iter().filter(|one| told.contains(&one.to)).map(row).collect()
}

/// All changes of type, counted.
pub fn transitions(results: &Results<'_>) -> Vec<TransitionRow> {
    let Some(typology) = results.about.typology else { return Vec::new() };
    let name = |at: usize| format!("{} {}", typology.types[at].number, typology.types[at].name);
    let row = |row: &crate::classify::moves::Transition| TransitionRow {
        periods: format!("{} → {}", period(row.from_period), period(row.to_period)),
        from: name(row.from),
        to: name(row.to),
        clusters: row.clusters,
    };
    results.rating.moves.transitions.iter().filter(|row| row.clusters > 0).map(row).collect()
}

/// The largest dispersed sites of the latest period.
pub fn sites<'a>(results: &'a Results<'a>) -> Vec<SiteRow<'a>> {
    let Some(register) = results.facilities() else { return Vec::new() };
    let latest = results.latest();
    let all = results.details.dispersed.sites.iter().filter(|site| register.period.get(site.row) == latest);
    let row = |site: &'a crate::measure::DispersedSite| SiteRow {
        name: &register.names[register.facility[site.row]],
        operator: register.operator.get(site.row).unwrap_or_default(),
        sector: register.sector.get(site.row).unwrap_or_default(),
        period: period(register.period.get(site.row)),
        kilotonnes: decimals(register.emissions_t.get(site.row).map(|tonnes| tonnes / 1e3), 0),
        nearest: site.nearest.map_or("", |near| &results.measured.clusters.names[near.0]),
        km: decimals(site.nearest.map(|near| near.1), 0),
        strategic: match site.strategic {
            Some(true) => "yes",
            Some(false) => "no",
            None => "–",
        },
    };
    all.take(SHOWN).map(row).collect()
}

/// What wider rules would gather.
pub fn groups(results: &Results<'_>) -> Vec<GroupRow> {
    let clusters = &results.measured.clusters.names;
    let mut rows = Vec::new();
    for trial in &results.details.dispersed.trials {
        let rule = crate::report::tables::rule(trial);
        rows.extend(trial.groups.iter().map(|group| GroupRow {
            rule: rule.clone(),
            name: group.name.clone(),
            joins: group.joins.map_or_else(|| "a new cluster".into(), |cluster| clusters[cluster].clone()),
            sites: group.members.len(),
        }));
    }
    rows.truncate(SHOWN);
    rows
}

/// Initiatives with their types.
pub fn initiatives<'a>(results: &'a Results<'a>) -> Result<Vec<InitiativeRow<'a>>> {
    let types = initiatives::types()?;
    let clusters = &results.measured.clusters.names;
    let row = |initiatives::Assignment { initiative, matched, home }: &'a initiatives::Assignment| {
        let names: Vec<String> = matched.types.iter().map(|&at| words(&types[at].id)).collect();
        InitiativeRow {
            name: &initiative.name,
            country: initiative.country.as_deref().unwrap_or_default(),
            types: if names.is_empty() { "none fits".into() } else { names.join(" or ") },
            because: matched.agree.join(", "),
            missing: matched.missing.join(", "),
            cluster: home.as_ref().map_or("", |home| &clusters[home.cluster]),
        }
    };
    Ok(results.rating.initiatives.iter().map(row).collect())
}

/// The tree above the indicators.
pub fn nodes(results: &Results<'_>) -> Vec<NodeRow> {
    let dimension = |dimension: &crate::score::Dimension| NodeRow {
        name: dimension.id.clone(),
        parent: String::new(),
        weight: String::new(),
        aggregate: aggregate(dimension.aggregate),
        thresholds: dimension.threshold.0.iter().map(f64::to_string).collect::<Vec<_>>().join(", "),
    };
    let component = |component: &crate::score::Component| NodeRow {
        name: component.id.clone(),
        parent: component.parent.clone(),
        weight: weight(component.weight),
        aggregate: aggregate(component.aggregate),
        thresholds: String::new(),
    };
    results.about.dimensions.iter().map(dimension).chain(results.about.components.iter().map(component)).collect()
}

/// A weight as people read it: as it was given, or, of one that was worked out, its first digits.
pub fn weight(weight: f64) -> String {
    let text = weight.to_string();
    if text.len() > 6 { format!("{weight:.4}") } else { text }
}

fn aggregate(aggregate: Aggregate) -> String {
    match aggregate {
        Aggregate::Arithmetic => "arithmetic mean".into(),
        Aggregate::Geometric => "geometric mean".into(),
        Aggregate::Harmonic => "harmonic mean".into(),
        Aggregate::Power(power) => format!("power mean, p = {power}"),
        Aggregate::Minimum => "minimum".into(),
        Aggregate::Median => "median".into(),
        Aggregate::Copeland => "outranking (Copeland)".into(),
    }
}

/// Worst, crossover and best of an indicator, or its normalisation in words.
pub fn posts(indicator: &Indicator, rule: &Normalise) -> String {
    let posts = [indicator.worst, indicator.crossover, indicator.best];
    rule.words().unwrap_or_else(|| posts.map(significant).join(" / "))
}

/// Indicators with their goalposts.
pub fn goalposts<'a>(results: &Results<'a>) -> Vec<GoalpostRow<'a>> {
    let rules = &results.about.model.parameters.normalise;
    results.about.indicators.iter().zip(rules).map(|(indicator, rule)| goalpost(indicator, rule)).collect()
}

fn goalpost<'a>(indicator: &'a Indicator, rule: &Normalise) -> GoalpostRow<'a> {
    GoalpostRow {
        indicator,
        posts: posts(indicator, rule),
        weight: weight(indicator.weight),
        scale: indicator.scale.as_str(),
        mark: indicator.mark.as_str(),
        over: indicator.over.as_str(),
    }
}
