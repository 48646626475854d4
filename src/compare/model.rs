//! A stored run as numbers again: its tree, its typology, and the values that its indicators had.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::classify::{Class, Rules};
use crate::error::{Error, Result};
use crate::indicator::{Indicator, Over};
use crate::measure::network;
use crate::names;
use crate::report::stored::{Scoring, StoredRun};
use crate::score::{Dimension, Observation, Scorer, Scores};
use crate::sql::Expression;

/// Cluster id and period.
pub(super) type Key = (String, Option<i64>);

/// A run that can be scored anew.
pub(super) struct Model {
    scoring: Scoring,
    names: HashMap<String, String>,
    /// What each indicator rests on.
    sources: HashMap<String, Vec<String>>,
    /// Measured indicators by id, of each cluster and period.
    units: BTreeMap<Key, HashMap<String, Observation>>,
}

impl Model {
    pub fn of(run: &StoredRun) -> Result<Self> {
        let pipeline = run.pipeline();
        let scoring = run.scoring()?;
        let mut units: BTreeMap<Key, HashMap<String, Observation>> = BTreeMap::new();
        let mut names = HashMap::new();
        for [id, period, name] in run.columns("clusters", ["cluster_id", "period", "cluster_name"])? {
            names.insert(id.clone(), name);
            units.insert((id, period.parse().ok()), HashMap::new());
        }
        for [id, period, indicator, value, coverage, status] in
            run.columns("indicators", ["cluster_id", "period", "indicator", "value", "coverage", "status"])?
        {
            let value: Option<f64> = value.parse().ok().filter(|_| status != "screened");
            let seen = Observation { value, coverage: coverage.parse().unwrap_or(0.0) };
            units.entry((id, period.parse().ok())).or_default().insert(indicator, seen);
        }
        let sources = scoring.indicators.iter().map(|one| (one.id.clone(), sources(pipeline, one))).collect();
        Ok(Self { scoring, names, sources, units })
    }

    /// Two runs whose types mean different things cannot be compared.
    pub fn check_same_typology(&self, other: &Self) -> Result<()> {
        let meaning =
            |model: &Self| {
                model.scoring.typology.as_ref().map(|typology| {
                    typology.types.iter().map(|kind| (kind.number, kind.when.clone())).collect::<Vec<_>>()
                })
            };
        if meaning(self) == meaning(other) {
            return Ok(());
        }
        let id = |model: &Self| model.scoring.typology.as_ref().map_or("none", |typology| &typology.id).to_owned();
        let message = format!("the runs have different typologies: {} and {}", id(self), id(other));
        let hint = "run one of the pipelines with the other's [typology] and dimensions".to_owned();
        Err(Error::Usage { message, hint: Some(hint) })
    }

    /// The periods of a cluster.
    pub fn of_cluster<'a>(&'a self, id: &str) -> impl Iterator<Item = (Option<i64>, &'a Key)> {
        let id = id.to_owned();
        let first = (id.clone(), None);
        self.units.range(first..).map(|(key, _)| (key.1, key)).take_while(move |(_, key)| key.0 == id)
    }

    pub fn dimensions(&self) -> &[Dimension] {
        &self.scoring.dimensions
    }

    pub fn indicators(&self) -> &[Indicator] {
        &self.scoring.indicators
    }

    pub fn unit(&self, key: &Key) -> Option<&Key> {
        self.units.get_key_value(key).map(|(key, _)| key)
    }

    pub fn name(&self, id: &str) -> String {
        self.names.get(id).cloned().unwrap_or_default()
    }

    pub fn indicator(&self, id: &str) -> Option<&Indicator> {
        self.scoring.indicators.iter().find(|indicator| indicator.id == id)
    }

    pub fn value(&self, indicator: &str, unit: &Key) -> Option<f64> {
        self.units.get(unit)?.get(indicator)?.value
    }

    /// What makes scores of values, fitted to this run's.
    pub fn scorer(&self) -> Scorer<'_> {
        let column = |indicator: &Indicator| self.units.keys().map(|unit| self.observation(indicator, unit)).collect();
        self.scoring.model.fit(&self.scoring.indicators.iter().map(column).collect::<Vec<_>>())
    }

    /// What is known of an indicator in a unit of this run.
    fn observation(&self, indicator: &Indicator, unit: &Key) -> Observation {
        let missing = Observation { value: None, coverage: 0.0 };
        self.units.get(unit).and_then(|all| all.get(&indicator.id)).copied().unwrap_or(missing)
    }

    /// A unit's values of the indicators of some run, as they are in this one.
    pub fn row(&self, indicators: &[Indicator], unit: &Key) -> Vec<Observation> {
        indicators.iter().map(|indicator| self.observation(indicator, unit)).collect()
    }

    /// The class that scores make by this run's rules.
    pub fn class(&self, scorer: &Scorer<'_>, scores: &Scores) -> Class {
        let Scoring { dimensions, indicators, typology, settings, .. } = &self.scoring;
        Rules { dimensions, indicators, scorer, typology: typology.as_ref(), settings }.classify(scores)
    }

    pub fn possible(&self, class: &Class) -> String {
        class.possible_types(self.scoring.typology.as_ref())
    }

    /// The sources that an indicator rests on, beside the register.
    pub fn sources_of(&self, indicator: &str) -> &[String] {
        self.sources.get(indicator).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The sources that an indicator names, beside the register: those of layers, of ties, of figures; for all that goes by
/// operators their aliases, for all that goes by clusters their boundaries.
fn sources(pipeline: &Value, indicator: &Indicator) -> Vec<String> {
    let Ok(expression) = Expression::parse(&indicator.expr, "") else { return Vec::new() };
    let named = |table: &str| pipeline[table].as_object().into_iter().flatten().collect::<Vec<_>>();
    let mut sources = Vec::new();
    for (layer, _) in named("layers") {
        let is_of = |column: &String| names::of_layer(column, layer).is_some();
        if expression.columns().iter().any(is_of) {
            sources.push(format!("layers.{layer}"));
        }
    }
    for table in ["links", "memberships"] {
        for (name, source) in named(table) {
            let kind =
                source["kind"].as_str().unwrap_or(if source["layer"].is_null() { "ownership" } else { "physical" });
            let is_of = |column: &String| network::FIGURES.iter().any(|figure| *column == names::of_kind(figure, kind));
            if indicator.over == Over::Links || expression.columns().iter().any(is_of) {
                sources.push(format!("{table}.{name}"));
                sources.push("operators.aliases".into());
                sources.extend(source["layer"].as_str().map(|layer| format!("layers.{layer}")));
            }
        }
    }
    if indicator.over == Over::Clusters && sources.is_empty() {
        let computed = |column: &String| crate::measure::FIGURES.contains(&column.as_str());
        if !expression.columns().iter().all(computed) {
            sources.extend(named("figures").into_iter().map(|(name, _)| format!("figures.{name}")));
        }
    }
    sources.push("boundaries".into());
    sources
}
