//! Indicators to scores: goalposts, weights, aggregation up the tree, coverage and bounds beside every score.
//! Plain numbers in, plain numbers out; no tables, no files.

pub mod aggregate;
mod change;
pub mod goalposts;
mod needed;
pub mod pairs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Problem;
use crate::measure::indicators::Measurement;
use crate::measure::settings::Indicator;
pub use aggregate::Aggregate;
pub use goalposts::Goalposts;

/// `[[dimensions]]`: a weighted group of components, cut into high and low.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// Unique name; the built-in typology knows `locational_advantage` and `inter_firm_linkages`.
    pub id: String,
    /// The score from which the dimension is high; two scores: from the first it is middle, from the second high.
    #[serde(default)]
    pub threshold: Thresholds,
    /// Points over which membership in a level rises from 0 to 1, half of them on either side of a threshold; gives
    /// `type_memberships.csv`. Types go by the thresholds all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuzzy_width: Option<f64>,
    /// How its components combine.
    #[serde(default)]
    pub aggregate: Aggregate,
    /// Smallest score that a geometric or harmonic mean reads.
    #[serde(default = "one")]
    pub floor: f64,
}

/// `[[components]]`: a weighted group of indicators, which may nest.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Unique name.
    pub id: String,
    /// The dimension or component that it belongs to.
    pub parent: String,
    /// Weight among its siblings.
    #[serde(default = "one")]
    pub weight: f64,
    /// How its children combine.
    #[serde(default)]
    pub aggregate: Aggregate,
    /// Smallest score that a geometric or harmonic mean reads.
    #[serde(default = "one")]
    pub floor: f64,
}

fn one() -> f64 {
    1.0
}

/// One threshold of a dimension, or two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "OneOrTwo", into = "OneOrTwo")]
#[schemars(with = "OneOrTwo")]
pub struct Thresholds(pub Vec<f64>);

#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a number or two numbers, without quotes")]
enum OneOrTwo {
    One(f64),
    Two([f64; 2]),
}

impl From<OneOrTwo> for Thresholds {
    fn from(given: OneOrTwo) -> Self {
        match given {
            OneOrTwo::One(threshold) => Self(vec![threshold]),
            OneOrTwo::Two(thresholds) => Self(thresholds.to_vec()),
        }
    }
}

impl From<Thresholds> for OneOrTwo {
    fn from(Thresholds(thresholds): Thresholds) -> Self {
        match thresholds[..] {
            [lower, upper, ..] => Self::Two([lower, upper]),
            [threshold] => Self::One(threshold),
            [] => Self::One(50.0),
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self(vec![50.0])
    }
}

/// The score tree: dimensions over components over indicators.
#[derive(Debug, Clone)]
pub struct Tree {
    nodes: Vec<Node>,
    goalposts: Vec<Goalposts>,
    weights: Vec<f64>,
}

/// A dimension or a component.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name.
    pub id: String,
    /// Whether it is a dimension.
    pub is_dimension: bool,
    /// Weight among its siblings.
    pub weight: f64,
    aggregate: Aggregate,
    floor: f64,
    children: Vec<Child>,
}

#[derive(Debug, Clone, Copy)]
enum Child {
    Indicator(usize),
    Node(usize),
}

/// A score with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// 0 to 100; `None` where nothing is known.
    pub score: Option<f64>,
    /// The share of the weight that rests on data.
    pub coverage: f64,
    /// The score if all that is unknown scored 0.
    pub low: f64,
    /// The score if all that is unknown scored 100.
    pub high: f64,
}

/// The scores of one cluster and period.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// One an indicator.
    pub indicators: Vec<Score>,
    /// One a node of the tree, in its order.
    pub nodes: Vec<Score>,
    /// Weight x score over the sum of the weights of the siblings with a score, one an indicator.
    pub contributions: Vec<Option<f64>>,
}

impl Scores {
    fn of(&self, child: Child) -> Option<f64> {
        match child {
            Child::Indicator(indicator) => self.indicators[indicator].score,
            Child::Node(node) => self.nodes[node].score,
        }
    }
}

impl Tree {
    /// Builds the tree.
    ///
    /// # Errors
    ///
    /// Every problem: ids used twice, parents that are not there or go in a circle, nodes without indicators,
    /// weights below zero or all zero, goalposts out of order.
    pub fn new(
        dimensions: &[Dimension],
        components: &[Component],
        indicators: &[Indicator],
    ) -> Result<Self, Vec<Problem>> {
        let mut nodes: Vec<Node> = Vec::new();
        for dimension in dimensions {
            nodes.push(Node::new(&dimension.id, true, 1.0, dimension.aggregate, dimension.floor));
        }
        for component in components {
            nodes.push(Node::new(&component.id, false, component.weight, component.aggregate, component.floor));
        }
        let mut problems =
            repeated(nodes.iter().map(|node| &node.id).chain(indicators.iter().map(|indicator| &indicator.id)));
        let position = |id: &str| nodes.iter().position(|node| node.id == id);
        let mut children = Vec::new();
        let with_parents = components.iter().enumerate().map(|(at, component)| {
            ("components", &component.id, &component.parent, component.weight, Child::Node(dimensions.len() + at))
        });
        let leaves = indicators.iter().enumerate();
        let leaves = leaves.map(|(at, indicator)| {
            ("indicators", &indicator.id, &indicator.parent, indicator.weight, Child::Indicator(at))
        });
        for (table, id, parent, weight, child) in with_parents.chain(leaves) {
            if !(weight >= 0.0 && weight.is_finite()) {
                problems.push(Problem::new(
                    format!("{table}.{id}.weight"),
                    format!("{weight} is no weight"),
                    "weights are 0 or more",
                ));
            }
            match position(parent) {
                Some(parent) => children.push((parent, child)),
                None => {
                    let hint = crate::error::suggest(parent, nodes.iter().map(|node| node.id.as_str()));
                    let message = format!("no dimension or component is called `{parent}`");
                    problems.push(Problem::new(format!("{table}.{id}.parent"), message, hint));
                }
            }
        }
        for (parent, child) in children {
            nodes[parent].children.push(child);
        }
        let goalposts = all_goalposts(indicators, &mut problems);
        let tree = Self { nodes, goalposts, weights: indicators.iter().map(|indicator| indicator.weight).collect() };
        problems.extend(tree.shape());
        if problems.is_empty() { Ok(tree) } else { Err(problems) }
    }

    /// Dimensions, then components, as the pipeline file has them.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Circles, empty nodes, and weights that are all zero.
    fn shape(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut reached = vec![false; self.nodes.len()];
        let mut open: Vec<usize> = (0..self.nodes.len()).filter(|&node| self.nodes[node].is_dimension).collect();
        while let Some(node) = open.pop() {
            reached[node] = true;
            open.extend(
                self.nodes[node]
                    .children
                    .iter()
                    .filter_map(|child| if let Child::Node(node) = child { Some(*node) } else { None }),
            );
        }
        for (position, node) in self.nodes.iter().enumerate() {
            let table = if node.is_dimension { "dimensions" } else { "components" };
            let place = format!("{table}.{}", node.id);
            if node.children.is_empty() {
                let message = format!("`{}` has no indicators", node.id);
                problems.push(Problem::new(place, message, "give it an indicator, or leave it out"));
            } else if !reached[position] {
                let message = format!("the parents of `{}` go in a circle", node.id);
                problems.push(Problem::new(place, message, "every component must lead up to a dimension"));
            } else if node.children.iter().map(|child| self.weight(*child)).sum::<f64>() <= 0.0 {
                problems.push(Problem::new(
                    place,
                    format!("the weights under `{}` are all 0", node.id),
                    "give one a weight",
                ));
            }
        }
        problems
    }

    fn weight(&self, child: Child) -> f64 {
        match child {
            Child::Indicator(indicator) => self.weights[indicator],
            Child::Node(node) => self.nodes[node].weight,
        }
    }

    /// Scores one cluster and period from its indicators, in the order of the pipeline file.
    pub fn score(&self, measured: &[Measurement]) -> Scores {
        let indicators: Vec<Score> =
            self.goalposts.iter().zip(measured).map(|(goalposts, measured)| leaf(goalposts, measured)).collect();
        let mut nodes: Vec<Option<Score>> = vec![None; self.nodes.len()];
        for node in 0..self.nodes.len() {
            self.node(node, &indicators, &mut nodes);
        }
        let nodes: Vec<Score> = nodes.into_iter().flatten().collect();
        let mut scores = Scores { contributions: vec![None; indicators.len()], indicators, nodes };
        for node in &self.nodes {
            let known = node.children.iter().filter(|child| scores.of(**child).is_some());
            let known: f64 = known.map(|child| self.weight(*child)).sum();
            for child in &node.children {
                if let Child::Indicator(indicator) = child {
                    let score = scores.of(*child).filter(|_| known > 0.0);
                    scores.contributions[*indicator] = score.map(|score| self.weight(*child) * score / known);
                }
            }
        }
        scores
    }

    /// The score of a node if some indicators (by position) scored otherwise; `None` where nothing is known.
    pub fn score_with(&self, scores: &Scores, node: usize, changed: &[(usize, f64)]) -> Option<f64> {
        let of = &self.nodes[node];
        let score = |child: &Child| match child {
            Child::Indicator(at) => {
                changed.iter().find(|(other, _)| other == at).map(|(_, score)| *score).or(scores.of(*child))
            }
            Child::Node(below) => self.score_with(scores, *below, changed),
        };
        let known: Vec<(f64, f64)> =
            of.children.iter().filter_map(|child| Some((score(child)?, self.weight(*child)))).collect();
        of.aggregate.of(&known, of.floor)
    }

    /// The score of one indicator's value.
    pub fn score_of(&self, indicator: usize, value: f64) -> f64 {
        self.goalposts[indicator].score(value)
    }

    /// Whether more of an indicator is better.
    pub fn rises(&self, indicator: usize) -> bool {
        self.goalposts[indicator].rises()
    }

    /// The value that gives an indicator a score.
    pub fn value_of(&self, indicator: usize, score: f64) -> f64 {
        self.goalposts[indicator].value(score)
    }

    /// The dimension of each indicator, by its position among the nodes.
    pub fn dimensions(&self) -> Vec<usize> {
        let mut of = vec![0; self.weights.len()];
        for dimension in (0..self.nodes.len()).filter(|&node| self.nodes[node].is_dimension) {
            let mut open = vec![Child::Node(dimension)];
            while let Some(child) = open.pop() {
                match child {
                    Child::Indicator(indicator) => of[indicator] = dimension,
                    Child::Node(node) => open.extend(&self.nodes[node].children),
                }
            }
        }
        of
    }

    fn node(&self, position: usize, indicators: &[Score], done: &mut [Option<Score>]) -> Score {
        if let Some(score) = done[position] {
            return score;
        }
        let node = &self.nodes[position];
        let children: Vec<(Score, f64)> = node
            .children
            .iter()
            .map(|&child| {
                let score = match child {
                    Child::Indicator(indicator) => indicators[indicator],
                    Child::Node(node) => self.node(node, indicators, done),
                };
                (score, self.weight(child))
            })
            .collect();
        let combine = |pick: &dyn Fn(&Score) -> Option<f64>| {
            let known: Vec<(f64, f64)> =
                children.iter().filter_map(|(score, weight)| Some((pick(score)?, *weight))).collect();
            node.aggregate.of(&known, node.floor)
        };
        let coverage: Vec<(f64, f64)> = children.iter().map(|(score, weight)| (score.coverage, *weight)).collect();
        let score = Score {
            score: combine(&|score| score.score),
            coverage: Aggregate::Arithmetic.of(&coverage, 0.0).unwrap_or(0.0),
            low: combine(&|score| Some(score.low)).unwrap_or(0.0),
            high: combine(&|score| Some(score.high)).unwrap_or(100.0),
        };
        done[position] = Some(score);
        score
    }
}

impl Node {
    fn new(id: &str, is_dimension: bool, weight: f64, aggregate: Aggregate, floor: f64) -> Self {
        Self { id: id.to_owned(), is_dimension, weight, aggregate, floor, children: Vec::new() }
    }
}

fn all_goalposts(indicators: &[Indicator], problems: &mut Vec<Problem>) -> Vec<Goalposts> {
    let mut goalposts = Vec::new();
    for indicator in indicators {
        match Goalposts::new(indicator.worst, indicator.crossover, indicator.best, indicator.scale) {
            Ok(found) => goalposts.push(found),
            Err(message) => {
                let hint = "worst, crossover, best must rise or fall all the way, and be above 0 on a log scale";
                problems.push(Problem::new(format!("indicators.{}", indicator.id), message, hint));
            }
        }
    }
    goalposts
}

fn repeated<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<Problem> {
    let mut seen = std::collections::HashSet::new();
    let again = ids.filter(|id| !seen.insert(id.as_str()));
    again
        .map(|id| {
            Problem::new(
                id.as_str(),
                format!("the id `{id}` is used twice"),
                "ids of dimensions, components and indicators are unique",
            )
        })
        .collect()
}

/// The score of an indicator with its bounds: what was not observed may score anything.
fn leaf(goalposts: &Goalposts, measured: &Measurement) -> Score {
    let coverage = measured.coverage;
    match measured.value {
        None => Score { score: None, coverage: 0.0, low: 0.0, high: 100.0 },
        Some(value) => {
            let score = goalposts.score(value);
            Score {
                score: Some(score),
                coverage,
                low: coverage * score,
                high: (coverage * score + 100.0 * (1.0 - coverage)).min(100.0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::indicators::Status;

    fn component(id: &str, parent: &str) -> Component {
        Component { id: id.into(), parent: parent.into(), weight: 1.0, aggregate: Aggregate::Arithmetic, floor: 1.0 }
    }

    fn indicator(id: &str, parent: &str) -> Indicator {
        toml::from_str(&format!("id = '{id}'\nparent = '{parent}'\nexpr = 'x'\nworst = 0\nbest = 10")).unwrap()
    }

    fn dimension(id: &str) -> Dimension {
        toml::from_str(&format!("id = '{id}'")).unwrap()
    }

    #[test]
    fn coverage_and_bounds_by_hand() {
        let tree =
            Tree::new(&[dimension("d")], &[component("c", "d")], &[indicator("a", "c"), indicator("b", "c")]).unwrap();
        let seen = Measurement { value: Some(8.0), coverage: 0.5, status: Status::Observed };
        let missing = Measurement { value: None, coverage: 0.0, status: Status::Missing };
        let scores = tree.score(&[seen, missing]);
        // a: 80 on half of the cluster, so 40 to 90; b: 0 to 100.
        assert_eq!(scores.nodes[0], Score { score: Some(80.0), coverage: 0.25, low: 20.0, high: 95.0 });
        assert_eq!(scores.contributions, [Some(80.0), None]);
    }

    #[test]
    fn crooked_trees_are_refused() {
        let message = |components: &[Component], indicators: &[Indicator]| {
            let problems = Tree::new(&[dimension("d")], components, indicators).unwrap_err();
            problems
                .iter()
                .map(|problem| format!("{}: {}", problem.place, problem.message))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let good = [indicator("i", "d")];
        assert!(message(&[component("c", "d")], &good).contains("`c` has no indicators"));
        let circle = [component("a", "b"), component("b", "a")];
        assert!(message(&circle, &good).contains("go in a circle"));
        assert!(message(&[], &[indicator("i", "e")]).contains("no dimension or component is called `e`"));
        assert!(message(&[], &[indicator("i", "d"), indicator("i", "d")]).contains("used twice"));
    }
}
