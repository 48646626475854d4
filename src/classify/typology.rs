//! Typologies as data: which levels of the dimensions make which type. The rules cover every combination exactly once.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::level::{Level, Open};
use crate::error::{Error, Problem, Result, suggest};
use crate::indicator::Mark;
use crate::score::Dimension;

const BUILT_IN: &str = include_str!("rattle_taylor_2025.toml");
/// The id of the built-in typology.
pub const BUILT_IN_ID: &str = "rattle-taylor-2025";
/// Combinations of levels past which a typology is refused.
const COMBINATIONS: usize = 100_000;

/// `[typology]`: types by the levels of the dimensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Typology {
    /// Its name; `rattle-taylor-2025` alone means the built-in one.
    pub id: String,
    /// Where it comes from.
    #[serde(default)]
    pub source: String,
    /// The types.
    #[serde(default)]
    pub types: Vec<ClusterType>,
    /// Names of changes from one type to another.
    #[serde(default)]
    pub moves: Vec<NamedMove>,
}

/// `[[typology.types]]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClusterType {
    /// Its number, as the column `type` has it.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Levels by dimension, one or several; a dimension that is left out may have any. Of several tables one must fit.
    pub when: Alternatives,
    /// What it is.
    #[serde(default)]
    pub description: String,
    /// What follows for policy.
    #[serde(default)]
    pub policy: String,
    /// Where that comes from.
    #[serde(default)]
    pub source: String,
}

/// `[[typology.moves]]`: a change from one type to another, with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedMove {
    /// The type before.
    pub from: i64,
    /// The type after.
    pub to: i64,
    /// Its name.
    pub name: String,
    /// Whose choice the name is.
    #[serde(default)]
    pub mark: Mark,
}

/// Levels by dimension.
pub type Rule = IndexMap<String, Levels>;

/// One rule, or several of which one must fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "OneRuleOrSeveral", into = "OneRuleOrSeveral")]
#[schemars(with = "OneRuleOrSeveral")]
pub struct Alternatives(pub Vec<Rule>);

/// One level, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "OneLevelOrSeveral", into = "OneLevelOrSeveral")]
#[schemars(with = "OneLevelOrSeveral")]
pub struct Levels(pub Vec<Level>);

macro_rules! one_or_several {
    ($name:ident, $of:ty, $item:ty) => {
        #[derive(Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(untagged, expecting = "one value or a list of them")]
        enum $name {
            One($item),
            Several(Vec<$item>),
        }

        impl From<$name> for $of {
            fn from(given: $name) -> Self {
                match given {
                    $name::One(one) => Self(vec![one]),
                    $name::Several(several) => Self(several),
                }
            }
        }

        impl From<$of> for $name {
            fn from(mut given: $of) -> Self {
                if given.0.len() == 1 { Self::One(given.0.remove(0)) } else { Self::Several(given.0) }
            }
        }
    };
}

one_or_several!(OneRuleOrSeveral, Alternatives, Rule);
one_or_several!(OneLevelOrSeveral, Levels, Level);

impl ClusterType {
    /// Whether levels that are left open, one range a dimension, leave this type open.
    fn is_possible(&self, dimensions: &[Dimension], open: &[Open]) -> bool {
        let fits = |rule: &Rule| {
            dimensions.iter().zip(open).all(|(dimension, open)| {
                rule.get(&dimension.id).is_none_or(|levels| levels.0.iter().any(|level| open.contains(*level)))
            })
        };
        self.when.0.iter().any(fits)
    }

    /// Points, summed over the dimensions, from scores to the nearest ones that make this type; a score that must fall
    /// must fall a hair more.
    pub fn distance(&self, dimensions: &[Dimension], scores: &[f64]) -> f64 {
        let to_rule = |rule: &Rule| -> f64 {
            let points = dimensions.iter().zip(scores).map(|(dimension, score)| {
                let Some(levels) = rule.get(&dimension.id) else { return 0.0 };
                let to_level = |level: &Level| dimension.threshold.points_to(*level, *score);
                levels.0.iter().map(to_level).fold(f64::INFINITY, f64::min)
            });
            points.sum()
        };
        self.when.0.iter().map(to_rule).fold(f64::INFINITY, f64::min)
    }

    /// Membership, 0 to 1: of its rules the greatest, of a rule's dimensions the smallest, of several levels the greatest.
    ///
    /// # Source
    ///
    /// Fuzzy sets: Zadeh (1965); in the social sciences Ragin (2008).
    pub fn membership(&self, dimensions: &[Dimension], scores: &[f64]) -> f64 {
        let of_rule = |rule: &Rule| -> f64 {
            let of_dimension = dimensions.iter().zip(scores).map(|(dimension, score)| {
                let Some(levels) = rule.get(&dimension.id) else { return 1.0 };
                let width = dimension.fuzzy_width.unwrap_or(0.0);
                let of_level = |level: &Level| dimension.threshold.membership(*level, *score, width);
                levels.0.iter().map(of_level).fold(0.0, f64::max)
            });
            of_dimension.fold(1.0, f64::min)
        };
        self.when.0.iter().map(of_rule).fold(0.0, f64::max)
    }
}

impl Typology {
    /// The built-in typology.
    ///
    /// # Errors
    ///
    /// None, unless the file that it is built from is damaged.
    pub fn built_in() -> Result<Self> {
        let wrong = |error: toml::de::Error| Error::Defect { message: format!("{BUILT_IN_ID}: {error}") };
        toml::from_str(BUILT_IN).map_err(wrong)
    }

    /// The types that levels leave open, by position, ascending by number; exactly one where all are known.
    pub fn possible(&self, dimensions: &[Dimension], open: &[Open]) -> Vec<usize> {
        let mut found: Vec<usize> =
            (0..self.types.len()).filter(|&at| self.types[at].is_possible(dimensions, open)).collect();
        found.sort_by_key(|&at| self.types[at].number);
        found
    }

    /// The type of known levels, by position.
    pub fn type_of(&self, dimensions: &[Dimension], levels: &[Level]) -> Option<usize> {
        let open: Vec<Open> = levels.iter().map(|level| Open::exactly(*level)).collect();
        self.possible(dimensions, &open).first().copied()
    }

    /// The name of a change of type.
    pub fn move_name(&self, from: usize, to: usize) -> String {
        let (from, to) = (&self.types[from], &self.types[to]);
        if from.number == to.number {
            return "none".into();
        }
        let named = self.moves.iter().find(|named| (named.from, named.to) == (from.number, to.number));
        named.map_or_else(|| format!("{} to {}", from.name, to.name), |named| named.name.clone())
    }

    /// Whether the pipeline's dimensions are those that the rules name.
    pub fn fits(&self, dimensions: &[Dimension]) -> bool {
        let named = |dimension: &Dimension| {
            self.types.iter().flat_map(|kind| &kind.when.0).any(|rule| rule.contains_key(&dimension.id))
        };
        self.check(dimensions).is_empty() && dimensions.iter().all(named)
    }

    /// What is wrong: unknown dimensions and levels, numbers used twice, combinations with no type or with several.
    pub fn check(&self, dimensions: &[Dimension]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |place: &str, message: String, hint: String| {
            problems.push(Problem::new(format!("typology.{place}"), message, hint));
        };
        for (position, kind) in self.types.iter().enumerate() {
            if self.types[..position].iter().any(|other| other.number == kind.number) {
                refuse("types", format!("two types have the number {}", kind.number), "number each apart".into());
            }
            if kind.when.0.is_empty() || kind.when.0.iter().flatten().any(|(_, levels)| levels.0.is_empty()) {
                let message = format!("type {} has an empty list in `when`", kind.number);
                refuse("types", message, "no cluster could have it: leave it out".into());
            }
            for (id, levels) in kind.when.0.iter().flatten() {
                let Some(dimension) = dimensions.iter().find(|dimension| dimension.id == *id) else {
                    let known = dimensions.iter().map(|dimension| dimension.id.as_str());
                    let message = format!("type {} names `{id}`, which is no dimension", kind.number);
                    refuse("types", message, suggest(id, known));
                    continue;
                };
                let known = dimension.threshold.levels();
                for level in levels.0.iter().filter(|level| !known.contains(level)) {
                    let message = format!("type {}: `{id}` has no level `{}`", kind.number, level.as_str());
                    refuse("types", message, "a dimension with two thresholds has low, middle and high".into());
                }
            }
        }
        for named in &self.moves {
            for number in [named.from, named.to] {
                if self.types.iter().all(|kind| kind.number != number) {
                    refuse("moves", format!("`{}`: there is no type {number}", named.name), String::new());
                }
            }
        }
        if problems.is_empty() { self.check_cover(dimensions) } else { problems }
    }

    /// Every combination of levels must make exactly one type.
    fn check_cover(&self, dimensions: &[Dimension]) -> Vec<Problem> {
        let refuse = |message: String, hint: &str| Problem::new("typology.types", message, hint);
        let levels: Vec<&[Level]> = dimensions.iter().map(|dimension| dimension.threshold.levels()).collect();
        let combinations = levels.iter().try_fold(1usize, |product, levels| product.checked_mul(levels.len()));
        let Some(combinations) = combinations.filter(|count| *count <= COMBINATIONS) else {
            return vec![refuse(format!("more than {COMBINATIONS} combinations of levels"), "use fewer dimensions")];
        };
        let mut problems = Vec::new();
        for mut rest in 0..combinations {
            let mut combination = Vec::with_capacity(levels.len());
            for levels in levels.iter().rev() {
                combination.push(levels[rest % levels.len()]);
                rest /= levels.len();
            }
            combination.reverse();
            let open: Vec<Open> = combination.iter().map(|level| Open::exactly(*level)).collect();
            let found = self.possible(dimensions, &open);
            let named = dimensions.iter().zip(&combination);
            let named: Vec<String> =
                named.map(|(dimension, level)| format!("{} = {}", dimension.id, level.as_str())).collect();
            let named = named.join(", ");
            match found.as_slice() {
                [_] => {}
                [] => {
                    problems.push(refuse(format!("no type for {named}"), "every combination of levels needs one type"))
                }
                several => {
                    let numbers: Vec<String> = several.iter().map(|&at| self.types[at].number.to_string()).collect();
                    let message = format!("types {} all claim {named}", numbers.join(" and "));
                    problems.push(refuse(message, "every combination of levels needs exactly one type"));
                }
            }
        }
        problems.truncate(20);
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::Thresholds;

    fn dimension(id: &str, thresholds: &[f64]) -> Dimension {
        let mut dimension: Dimension = toml::from_str(&format!("id = '{id}'")).unwrap();
        dimension.threshold = Thresholds(thresholds.to_vec());
        dimension
    }

    fn messages(typology: &Typology, dimensions: &[Dimension]) -> Vec<String> {
        typology.check(dimensions).iter().map(|problem| problem.message.clone()).collect()
    }

    #[test]
    fn the_built_in_covers_its_dimensions() {
        let typology = Typology::built_in().unwrap();
        let dimensions = [dimension("locational_advantage", &[50.0]), dimension("inter_firm_linkages", &[50.0])];
        assert!(typology.fits(&dimensions));
        assert!(!typology.fits(&dimensions[..1]));
        let names: Vec<&str> = typology.moves.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(names.len(), 12);
        let numbers = |open: [Open; 2]| {
            let found = typology.possible(&dimensions, &open);
            found.into_iter().map(|at| typology.types[at].number).collect::<Vec<_>>()
        };
        let (high, low) = (Open::exactly(Level::High), Open::exactly(Level::Low));
        let unknown = Open { least: Level::Low, greatest: Level::High };
        assert_eq!(numbers([high, unknown]), [1, 3]);
        assert_eq!(numbers([low, unknown]), [2, 4]);
        assert_eq!(numbers([unknown, high]), [1, 2]);
        assert_eq!(numbers([unknown, unknown]), [1, 2, 3, 4]);
        assert_eq!(numbers([high, low]), [3]);
    }

    #[test]
    fn holes_and_overlaps_are_named() {
        let dimensions = [dimension("place", &[40.0, 60.0]), dimension("people", &[50.0])];
        let text = "id = 'mine'
            [[types]]
            number = 1
            name = 'a'
            when = { place = ['high', 'middle'], people = 'high' }
            [[types]]
            number = 2
            name = 'b'
            when = [{ place = 'low' }, { place = 'high', people = 'low' }]";
        let typology: Typology = toml::from_str(text).unwrap();
        assert_eq!(messages(&typology, &dimensions), ["no type for place = middle, people = low"]);
        let typology: Typology = toml::from_str(&text.replace("'high', 'middle'", "'high', 'middle', 'low'")).unwrap();
        assert_eq!(
            messages(&typology, &dimensions),
            ["types 1 and 2 all claim place = low, people = high", "no type for place = middle, people = low"]
        );
        let typology: Typology = toml::from_str(&text.replace("people = 'low'", "peple = 'low'")).unwrap();
        assert_eq!(messages(&typology, &dimensions), ["type 2 names `peple`, which is no dimension"]);
    }

    #[test]
    fn memberships_and_distances_by_hand() {
        let mut dimensions = [dimension("locational_advantage", &[50.0]), dimension("inter_firm_linkages", &[50.0])];
        dimensions[0].fuzzy_width = Some(20.0);
        let typology = Typology::built_in().unwrap();
        let member = |scores: [f64; 2]| {
            typology.types.iter().map(|kind| kind.membership(&dimensions, &scores)).collect::<Vec<_>>()
        };
        assert_eq!(member([55.0, 80.0]), [0.75, 0.25, 0.0, 0.0]);
        assert_eq!(member([70.0, 49.0]), [0.0, 0.0, 1.0, 0.0]);
        let away = |scores: [f64; 2]| {
            typology.types.iter().map(|kind| kind.distance(&dimensions, &scores)).collect::<Vec<_>>()
        };
        assert_eq!(away([72.0, 44.0]), [6.0, 28.0, 0.0, 22.0]);
    }
}
