//! The shape of the score tree: which dimensions, components and indicators stand under which. No numbers.

use std::collections::HashSet;

use super::{Component, Dimension};
use crate::error::{Problem, suggest};
use crate::indicator::Indicator;

/// Dimensions over components over indicators. Dimensions stand first among the nodes: the position of a dimension is that
/// of its node.
#[derive(Debug, Clone)]
pub struct Shape {
    nodes: Vec<Node>,
    /// How many of the nodes are dimensions.
    dimensions: usize,
    /// How many indicators there are.
    indicators: usize,
    /// Positions of the nodes, each after all that stand under it.
    upward: Vec<usize>,
}

/// A dimension or a component.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name.
    pub id: String,
    /// What stands right under it: components, then indicators, as the pipeline file has them.
    pub children: Vec<Child>,
}

/// What may stand under a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Child {
    /// An indicator, by its position in the pipeline file.
    Indicator(usize),
    /// A component, by its position among the nodes.
    Node(usize),
}

/// One place of a walk through the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visit {
    /// What stands there.
    pub child: Child,
    /// How far below its dimension; 0 for the dimension itself.
    pub depth: usize,
    /// The dimension.
    pub dimension: usize,
}

impl Shape {
    /// The shape that a pipeline file gives.
    ///
    /// # Errors
    ///
    /// Every problem: ids used twice, parents that are not there or go in a circle, nodes without indicators.
    pub fn new(
        dimensions: &[Dimension],
        components: &[Component],
        indicators: &[Indicator],
    ) -> Result<Self, Vec<Problem>> {
        let ids = dimensions.iter().map(|one| &one.id).chain(components.iter().map(|one| &one.id));
        let node = |id: &String| Node { id: id.clone(), children: Vec::new() };
        let mut nodes: Vec<Node> = ids.map(node).collect();
        let mut problems =
            repeated(nodes.iter().map(|node| &node.id).chain(indicators.iter().map(|indicator| &indicator.id)));
        let of_components = components.iter().zip(dimensions.len()..);
        let of_components = of_components.map(|(one, at)| ("components", &one.id, &one.parent, Child::Node(at)));
        let of_indicators = indicators.iter().enumerate();
        let of_indicators = of_indicators.map(|(at, one)| ("indicators", &one.id, &one.parent, Child::Indicator(at)));
        for (table, id, parent, child) in of_components.chain(of_indicators) {
            match nodes.iter().position(|node| node.id == *parent) {
                Some(parent) => nodes[parent].children.push(child),
                None => {
                    let hint = suggest(parent, nodes.iter().map(|node| node.id.as_str()));
                    let message = format!("no dimension or component is called `{parent}`");
                    problems.push(Problem::new(format!("{table}.{id}.parent"), message, hint));
                }
            }
        }
        let mut shape = Self { nodes, dimensions: dimensions.len(), indicators: indicators.len(), upward: Vec::new() };
        shape.upward = shape.walk().into_iter().rev().filter_map(|step| step.child.node()).collect();
        problems.extend(shape.holes());
        if problems.is_empty() { Ok(shape) } else { Err(problems) }
    }

    /// Circles and empty nodes.
    fn holes(&self) -> Vec<Problem> {
        let reached: HashSet<usize> = self.walk().into_iter().filter_map(|step| step.child.node()).collect();
        let mut problems = Vec::new();
        for (position, node) in self.nodes.iter().enumerate() {
            if node.children.is_empty() {
                let message = format!("`{}` has no indicators", node.id);
                problems.push(Problem::new(self.place(position), message, "give it an indicator, or leave it out"));
            } else if !reached.contains(&position) {
                let message = format!("the parents of `{}` go in a circle", node.id);
                let hint = "every component must lead up to a dimension";
                problems.push(Problem::new(self.place(position), message, hint));
            }
        }
        problems
    }

    /// Dimensions, then components, as the pipeline file has them.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Positions of the nodes, each after all that stand under it.
    pub fn upward(&self) -> &[usize] {
        &self.upward
    }

    /// The positions of the dimensions among the nodes.
    pub fn dimensions(&self) -> std::ops::Range<usize> {
        0..self.dimensions
    }

    /// How many indicators there are.
    pub fn indicators(&self) -> usize {
        self.indicators
    }

    /// Every dimension with all that stands under it, each node before its children: the order in which people read a tree.
    pub fn walk(&self) -> Vec<Visit> {
        let mut steps = Vec::with_capacity(self.nodes.len() + self.indicators);
        for dimension in self.dimensions() {
            let mut open = vec![Visit { child: Child::Node(dimension), depth: 0, dimension }];
            while let Some(step) = open.pop() {
                steps.push(step);
                if let Child::Node(node) = step.child {
                    let below = self.nodes[node].children.iter().rev();
                    open.extend(below.map(|&child| Visit { child, depth: step.depth + 1, dimension }));
                }
            }
        }
        steps
    }

    /// How high everything stands above the indicators.
    pub fn levels(&self) -> Levels {
        let mut nodes = vec![1; self.nodes.len()];
        for &node in &self.upward {
            let below = self.nodes[node].children.iter().filter_map(|child| child.node()).map(|child| nodes[child]);
            nodes[node] = below.max().unwrap_or(1) + 1;
        }
        Levels(nodes)
    }

    /// The dimension of each indicator.
    pub fn dimension_of(&self) -> Vec<usize> {
        let mut of = vec![0; self.indicators];
        for step in self.walk() {
            if let Child::Indicator(indicator) = step.child {
                of[indicator] = step.dimension;
            }
        }
        of
    }

    /// Where a node stands in the pipeline file.
    pub(super) fn place(&self, node: usize) -> String {
        let table = if self.dimensions().contains(&node) { "dimensions" } else { "components" };
        format!("{table}.{}", self.nodes[node].id)
    }
}

/// How high everything stands above the indicators: those at 1, what stands right above at 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Levels(Vec<u32>);

impl Levels {
    /// The level of something.
    pub fn of(&self, child: Child) -> u32 {
        match child {
            Child::Indicator(_) => 1,
            Child::Node(node) => self.0[node],
        }
    }
}

impl Child {
    pub(super) fn node(self) -> Option<usize> {
        if let Self::Node(node) = self { Some(node) } else { None }
    }
}

fn repeated<'a>(ids: impl Iterator<Item = &'a String>) -> Vec<Problem> {
    let mut seen = HashSet::new();
    let again = ids.filter(|id| !seen.insert(id.as_str()));
    let hint = "ids of dimensions, components and indicators are unique";
    again.map(|id| Problem::new(id.as_str(), format!("the id `{id}` is used twice"), hint)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named<T: serde::de::DeserializeOwned>(id: &str, more: &str) -> T {
        toml::from_str(&format!("id = '{id}'\n{more}")).unwrap()
    }

    fn component(id: &str, parent: &str) -> Component {
        named(id, &format!("parent = '{parent}'"))
    }

    fn indicator(id: &str, parent: &str) -> Indicator {
        named(id, &format!("parent = '{parent}'\nexpr = 'x'\nworst = 0\nbest = 10"))
    }

    #[test]
    fn crooked_trees_are_refused() {
        let message = |components: &[Component], indicators: &[Indicator]| {
            let problems = Shape::new(&[named("d", "")], components, indicators).unwrap_err();
            let told = problems.iter().map(|problem| format!("{}: {}", problem.place, problem.message));
            told.collect::<Vec<_>>().join("\n")
        };
        let good = [indicator("i", "d")];
        assert!(message(&[component("c", "d")], &good).contains("`c` has no indicators"));
        let circle = [component("a", "b"), component("b", "a")];
        assert!(message(&circle, &good).contains("go in a circle"));
        assert!(message(&[], &[indicator("i", "e")]).contains("no dimension or component is called `e`"));
        assert!(message(&[], &[indicator("i", "d"), indicator("i", "d")]).contains("used twice"));
    }

    #[test]
    fn a_walk_goes_down_before_it_goes_on() {
        let dimensions = [named("d", ""), named("e", "")];
        let components = [component("a", "d"), component("b", "a")];
        let indicators = [indicator("i", "e"), indicator("j", "b"), indicator("k", "d")];
        let shape = Shape::new(&dimensions, &components, &indicators).unwrap();
        let name = |step: Visit| match step.child {
            Child::Node(node) => (shape.nodes()[node].id.as_str(), step.depth),
            Child::Indicator(at) => (indicators[at].id.as_str(), step.depth),
        };
        let walked: Vec<_> = shape.walk().into_iter().map(name).collect();
        assert_eq!(walked, [("d", 0), ("a", 1), ("b", 2), ("j", 3), ("k", 1), ("e", 0), ("i", 1)]);
        assert_eq!(shape.dimension_of(), [1, 0, 0]);
    }
}
