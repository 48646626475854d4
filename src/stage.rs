//! The stages of a run, in the order in which it passes through them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Files to checked tables.
    Validate,
    /// Facilities to clusters.
    Delineate,
    /// Clusters to figures and indicators.
    Measure,
    /// Indicators to scores.
    Score,
    /// Scores to levels and types.
    Classify,
    /// Scores and types under other choices and errors of the data.
    Uncertainty,
    /// Scores against what came after.
    Backtest,
    /// Results to files.
    Report,
}

impl Stage {
    /// All, in their order.
    pub const ALL: [Self; 8] = [
        Self::Validate,
        Self::Delineate,
        Self::Measure,
        Self::Score,
        Self::Classify,
        Self::Uncertainty,
        Self::Backtest,
        Self::Report,
    ];

    /// The word that outputs and messages use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Validate => "validate",
            Self::Delineate => "delineate",
            Self::Measure => "measure",
            Self::Score => "score",
            Self::Classify => "classify",
            Self::Uncertainty => "uncertainty",
            Self::Backtest => "backtest",
            Self::Report => "report",
        }
    }
}

/// What a key of the pipeline file is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// The first stage that reads it: the results of the stages before do not depend on it.
    pub first: Stage,
    /// Whether scores and types may depend on it, or only what is shown.
    pub bears_on_scores: bool,
}

/// Which stage reads which keys of the pipeline file: the first pattern that fits the beginning of a key stands. `*` is any
/// one part.
const READS: &[(&str, Stage, bool)] = {
    use Stage::{Backtest, Classify, Delineate, Measure, Report, Score, Uncertainty, Validate};
    &[
        ("name", Report, false),
        ("title", Report, false),
        ("description", Report, false),
        ("outputs", Report, false),
        ("expect", Report, false),
        ("facilities", Validate, true),
        ("layers", Validate, true),
        ("links", Validate, true),
        ("memberships", Validate, true),
        ("figures", Validate, true),
        ("boundaries", Validate, true),
        ("places", Validate, true),
        ("operators", Validate, true),
        ("scenario", Validate, true),
        ("initiatives", Validate, false),
        ("outcomes", Validate, false),
        ("uncertainty", Uncertainty, false),
        ("backtest", Backtest, false),
        ("delineate", Delineate, true),
        ("dispersed", Measure, false),
        ("indicators.*.expr", Measure, true),
        ("indicators.*.over", Measure, true),
        ("indicators.*.lever.times", Measure, false),
        ("indicators.*.lever.whole", Classify, false),
        ("indicators.*.lever", Report, false),
        ("indicators.*.changeable", Classify, false),
        ("indicators.*.unit", Report, false),
        ("indicators.*.source", Report, false),
        ("indicators.*.mark", Report, false),
        ("indicators", Score, true),
        ("components.*.weights", Validate, true),
        ("dimensions.*.weights", Validate, true),
        ("components", Score, true),
        ("score.collinear", Report, false),
        ("score.negative", Report, false),
        ("score.strengths", Report, false),
        ("score.diagnostics", Report, false),
        ("score", Score, true),
        ("dimensions.*.threshold", Classify, true),
        ("dimensions.*.fuzzy_width", Report, false),
        ("dimensions", Score, true),
        ("classify", Classify, true),
        ("typology.id", Report, false),
        ("typology.source", Report, false),
        ("typology.types.*.name", Report, false),
        ("typology.types.*.description", Report, false),
        ("typology.types.*.policy", Report, false),
        ("typology.types.*.source", Report, false),
        ("typology.moves.*.name", Classify, false),
        ("typology.moves.*.mark", Report, false),
        ("typology", Classify, true),
    ]
};

/// Every value of a pipeline file that is no table, or an empty one, by its dotted key, in the file's order; lists of tables by
/// id or number. What is not given is null.
pub fn leaves(file: &Value) -> Vec<(String, &Value)> {
    let mut leaves = Vec::new();
    gather(file, String::new(), &mut leaves);
    leaves
}

fn gather<'a>(value: &'a Value, key: String, leaves: &mut Vec<(String, &'a Value)>) {
    let below = |name: &str| if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") };
    match value {
        Value::Object(table) if !table.is_empty() => {
            table.iter().for_each(|(name, value)| gather(value, below(name), leaves))
        }
        Value::Array(items) if !items.is_empty() && items.iter().all(Value::is_object) => {
            for (position, item) in items.iter().enumerate() {
                let id = item["id"].as_str().map(str::to_owned);
                let id = id.or_else(|| item["number"].as_i64().map(|number| number.to_string()));
                gather(item, below(&id.unwrap_or_else(|| position.to_string())), leaves);
            }
        }
        _ => leaves.push((key, value)),
    }
}

/// The patterns of keys that stages read.
pub fn patterns() -> impl Iterator<Item = &'static str> {
    READS.iter().map(|(pattern, ..)| *pattern)
}

/// What a dotted key of the pipeline file is read for; lists of tables by id or number. `None` for no key of any.
pub fn use_of(key: &str) -> Option<KeyUse> {
    let parts: Vec<&str> = key.split('.').collect();
    let fits = |pattern: &str| {
        let wanted: Vec<&str> = pattern.split('.').collect();
        wanted.len() <= parts.len() && wanted.iter().zip(&parts).all(|(wanted, part)| *wanted == "*" || wanted == part)
    };
    let found = READS.iter().find(|(pattern, ..)| fits(pattern));
    found.map(|&(_, first, bears_on_scores)| KeyUse { first, bears_on_scores })
}
