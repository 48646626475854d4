//! The numbers of the score tree, as plain lists apart from its shape: what a draw replaces.

use super::normalise::Normalise;
use super::shape::{Child, Shape};
use super::{Aggregate, Component, Dimension, Scoring, Weighting};
use crate::error::Problem;
use crate::indicator::Indicator;
use crate::indicator::rescale::{Method, Treat};

/// Weights, floors, aggregates and normalisations. Lists of nodes are in the order of [`Shape::nodes`], those of indicators
/// in that of the pipeline file.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameters {
    /// Weight of each indicator among its siblings.
    pub indicator_weights: Vec<f64>,
    /// Weight of each node among its siblings; 1 for dimensions, which have none.
    pub node_weights: Vec<f64>,
    /// How the children of each node combine.
    pub aggregates: Vec<Aggregate>,
    /// The smallest score that each node's mean reads.
    pub floors: Vec<f64>,
    /// The least share of its children that must have a score for each node to have one.
    pub min_available: Vec<f64>,
    /// How the values of each indicator become scores.
    pub normalise: Vec<Normalise>,
    /// What is done with the outliers of each indicator.
    pub treat: Vec<Option<Treat>>,
    /// Whether values are sums over rows, whose last digit may depend on the order of these: then values that differ by
    /// rounding alone are one. Those of a table of indicators are as the table has them.
    pub of_sums: bool,
}

/// The position of the unit of a cluster and period, or why there is none.
pub type Find<'a> = dyn Fn(&str, Option<i64>) -> Result<usize, String> + 'a;

/// What a pipeline file says of its score tree.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a> {
    /// `[[dimensions]]`.
    pub dimensions: &'a [Dimension],
    /// `[[components]]`.
    pub components: &'a [Component],
    /// `[[indicators]]`.
    pub indicators: &'a [Indicator],
    /// `[score]`.
    pub scoring: &'a Scoring,
}

impl<'a> Tree<'a> {
    /// A key of every node: of dimensions, then of components.
    fn of_nodes<T>(
        &self,
        of_dimension: impl Fn(&'a Dimension) -> T,
        of_component: impl Fn(&'a Component) -> T,
    ) -> Vec<T> {
        self.dimensions.iter().map(of_dimension).chain(self.components.iter().map(of_component)).collect()
    }

    /// Where the weights of the children of each node come from.
    pub fn weightings(&self) -> Vec<&'a Weighting> {
        let own = self.of_nodes(|one| one.weights.as_ref(), |one| one.weights.as_ref());
        own.into_iter().map(|own| own.unwrap_or(&self.scoring.weights)).collect()
    }
}

impl Parameters {
    /// The numbers that a pipeline file gives.
    ///
    /// # Errors
    ///
    /// Every problem: weights below zero, goalposts out of order, a method without what it needs.
    pub fn new(tree: Tree<'_>) -> Result<Self, Vec<Problem>> {
        let Tree { components, indicators, scoring, .. } = tree;
        let of_components = components.iter().map(|one| ("components", &one.id, one.weight));
        let of_indicators = indicators.iter().map(|one| ("indicators", &one.id, one.weight));
        let is_wrong = |weight: f64| !(weight >= 0.0 && weight.is_finite());
        let wrong = of_components.chain(of_indicators).filter(|(.., weight)| is_wrong(*weight));
        let refused = |(table, id, weight): (&str, &String, f64)| {
            Problem::new(format!("{table}.{id}.weight"), format!("{weight} is no weight"), "weights are 0 or more")
        };
        let mut problems: Vec<Problem> = wrong.map(refused).collect();
        let mut normalise = Vec::with_capacity(indicators.len());
        for indicator in indicators {
            match Normalise::of(indicator, scoring) {
                Ok(rule) => normalise.push(rule),
                // What is wrong with `[score]` is said once.
                Err(more) => more.into_iter().for_each(|problem| {
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }),
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let available = tree.of_nodes(|one| one.min_available, |one| one.min_available);
        let available = available.into_iter().map(|own| own.or(scoring.min_available).unwrap_or(0.0));
        Ok(Self {
            indicator_weights: indicators.iter().map(|indicator| indicator.weight).collect(),
            node_weights: tree.of_nodes(|_| 1.0, |one| one.weight),
            aggregates: tree.of_nodes(|one| one.aggregate, |one| one.aggregate),
            floors: tree.of_nodes(|one| one.floor, |one| one.floor).into_iter().map(|own| own.unwrap_or(1.0)).collect(),
            min_available: available.collect(),
            normalise,
            treat: indicators.iter().map(|indicator| Normalise::treat_of(indicator, scoring)).collect(),
            of_sums: false,
        })
    }

    /// Sets the floors that the file does not say by the scale of what stands under each node; the ends of each node's
    /// scale.
    ///
    /// # Errors
    ///
    /// Means that read no score below 0, over scores that may be below 0.
    pub(super) fn settle_floors(
        &mut self,
        tree: Tree<'_>,
        shape: &Shape,
    ) -> Result<Vec<Option<[f64; 2]>>, Vec<Problem>> {
        let own = tree.of_nodes(|one| one.floor, |one| one.floor);
        let mut scales = vec![Scale::default(); shape.nodes().len()];
        let mut problems = Vec::new();
        for &node in shape.upward() {
            let children = shape.nodes()[node].children.iter();
            let scale = children.map(|child| match *child {
                Child::Indicator(at) => Scale::of(&self.normalise[at]),
                Child::Node(at) => scales[at],
            });
            let scale = scale.reduce(Scale::and).unwrap_or_default();
            let aggregate = self.aggregates[node];
            if aggregate.needs_positive() && scale.may_be_negative {
                let message = "scores below 0 have no geometric, harmonic or power mean";
                let hint = "take aggregate = \"arithmetic\", or scores from 0: normalise = \"min_max\"";
                problems.push(Problem::new(format!("{}.aggregate", shape.place(node)), message, hint));
            }
            if own[node].is_none()
                && let Some([low, high]) = scale.ends
            {
                self.floors[node] = low.max(high / 100.0);
            }
            scales[node] =
                if aggregate == Aggregate::Copeland { Scale { ends: None, may_be_negative: true } } else { scale };
        }
        if problems.is_empty() { Ok(scales.into_iter().map(|scale| scale.ends).collect()) } else { Err(problems) }
    }

    /// Finds the units that others are compared with.
    ///
    /// # Errors
    ///
    /// Every cluster that `find` does not find, with its reason.
    pub fn refer(&mut self, indicators: &[Indicator], find: &Find<'_>) -> Result<(), Vec<Problem>> {
        let mut problems: Vec<Problem> = Vec::new();
        for (rule, indicator) in self.normalise.iter_mut().zip(indicators) {
            let Normalise::Relative(rule) = rule else { continue };
            let Some((cluster, period)) = &rule.reference else { continue };
            match find(cluster, *period) {
                Ok(unit) => rule.reference_unit = Some(unit),
                Err(message) => {
                    let own = format!("indicators.{}.normalise.reference", indicator.id);
                    let place =
                        if indicator.normalise.is_some() { own } else { "score.normalise.reference".to_owned() };
                    let problem = Problem::new(place, message, "name a cluster by the id that outputs give it");
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The weight of a child among its siblings.
    pub fn weight(&self, child: Child) -> f64 {
        match child {
            Child::Indicator(indicator) => self.indicator_weights[indicator],
            Child::Node(node) => self.node_weights[node],
        }
    }

    /// Gives a child another weight among its siblings.
    pub fn set_weight(&mut self, child: Child, weight: f64) {
        match child {
            Child::Indicator(indicator) => self.indicator_weights[indicator] = weight,
            Child::Node(node) => self.node_weights[node] = weight,
        }
    }

    /// Takes the weight of an indicator or component away, and that of the components that have nothing left.
    pub fn leave_out(&mut self, shape: &Shape, child: Child) {
        self.set_weight(child, 0.0);
        for &node in shape.upward() {
            if !self.weighs(shape, node) && !shape.dimensions().contains(&node) {
                self.node_weights[node] = 0.0;
            }
        }
    }

    /// What stands right under a node and weighs something.
    pub fn weighing(&self, shape: &Shape, node: usize) -> Vec<Child> {
        shape.nodes()[node].children.iter().copied().filter(|&child| self.weight(child) > 0.0).collect()
    }

    /// Whether anything under a node weighs something.
    pub fn weighs(&self, shape: &Shape, node: usize) -> bool {
        shape.nodes()[node].children.iter().any(|&child| self.weight(child) > 0.0)
    }

    /// The sum of the weights under a node.
    fn weight_under(&self, shape: &Shape, node: usize) -> f64 {
        shape.nodes()[node].children.iter().map(|&child| self.weight(child)).sum()
    }

    /// The share of its dimension's weight that each indicator carries, 0 to 1.
    pub fn shares(&self, shape: &Shape) -> Vec<f64> {
        self.all_shares(shape).0
    }

    /// The share of its dimension's weight that each indicator and each node carries, 0 to 1: the product of the shares
    /// of weights down the tree.
    pub fn all_shares(&self, shape: &Shape) -> (Vec<f64>, Vec<f64>) {
        let mut of_node = vec![1.0; shape.nodes().len()];
        let mut of_indicator = vec![0.0; shape.indicators()];
        for step in shape.walk() {
            let Child::Node(node) = step.child else { continue };
            let total = self.weight_under(shape, node);
            for &child in &shape.nodes()[node].children {
                let share = of_node[node] * (self.weight(child) / total);
                match child {
                    Child::Node(below) => of_node[below] = share,
                    Child::Indicator(indicator) => of_indicator[indicator] = share,
                }
            }
        }
        (of_indicator, of_node)
    }
}

/// What may stand under a node: the ends of its scale, and whether scores may be below 0.
#[derive(Debug, Clone, Copy, Default)]
struct Scale {
    ends: Option<[f64; 2]>,
    may_be_negative: bool,
}

impl Scale {
    fn of(rule: &Normalise) -> Self {
        let ends = rule.span();
        let may_be_negative = ends.map_or(rule.method() == Method::ZScore, |[low, _]| low < 0.0);
        Self { ends, may_be_negative }
    }

    fn and(self, other: Self) -> Self {
        let hull = |[a, b]: [f64; 2], [c, d]: [f64; 2]| [a.min(c), b.max(d)];
        Self {
            ends: self.ends.zip(other.ends).map(|(a, b)| hull(a, b)),
            may_be_negative: self.may_be_negative || other.may_be_negative,
        }
    }
}

/// Nodes whose children weigh nothing.
pub(super) fn weightless(shape: &Shape, tree: Tree<'_>) -> Vec<Problem> {
    let weight = |child: &Child| match *child {
        Child::Indicator(at) => tree.indicators[at].weight,
        Child::Node(node) => tree.components[node - shape.dimensions().len()].weight,
    };
    let weightings = tree.weightings();
    let is_weightless = |&node: &usize| {
        *weightings[node] == Weighting::Given && shape.nodes()[node].children.iter().map(weight).sum::<f64>() <= 0.0
    };
    let refused = |node: usize| {
        let message = format!("the weights under `{}` are all 0", shape.nodes()[node].id);
        Problem::new(shape.place(node), message, "give one a weight")
    };
    (0..shape.nodes().len()).filter(is_weightless).map(refused).collect()
}
