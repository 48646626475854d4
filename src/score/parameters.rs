//! The numbers of the score tree, as plain lists apart from its shape: what a draw replaces.

use super::normalise::Normalise;
use super::shape::{Child, Shape};
use super::{Aggregate, Component, Dimension};
use crate::error::Problem;
use crate::indicator::Indicator;

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
    /// How the values of each indicator become scores.
    pub normalise: Vec<Normalise>,
}

impl Parameters {
    /// The numbers that a pipeline file gives.
    ///
    /// # Errors
    ///
    /// Every problem: weights below zero, goalposts out of order.
    pub fn new(
        dimensions: &[Dimension],
        components: &[Component],
        indicators: &[Indicator],
    ) -> Result<Self, Vec<Problem>> {
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
            match Normalise::of(indicator) {
                Ok(rule) => normalise.push(rule),
                Err(message) => {
                    let hint = "worst, crossover, best must rise or fall all the way, and be above 0 on a log scale";
                    problems.push(Problem::new(format!("indicators.{}", indicator.id), message, hint));
                }
            }
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let weights = dimensions.iter().map(|_| 1.0).chain(components.iter().map(|one| one.weight));
        let aggregates = dimensions.iter().map(|one| one.aggregate).chain(components.iter().map(|one| one.aggregate));
        let floors = dimensions.iter().map(|one| one.floor).chain(components.iter().map(|one| one.floor));
        Ok(Self {
            indicator_weights: indicators.iter().map(|indicator| indicator.weight).collect(),
            node_weights: weights.collect(),
            aggregates: aggregates.collect(),
            floors: floors.collect(),
            normalise,
        })
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

    /// The sum of the weights under a node.
    fn weight_under(&self, shape: &Shape, node: usize) -> f64 {
        shape.nodes()[node].children.iter().map(|&child| self.weight(child)).sum()
    }

    /// The share of its dimension's weight that each indicator carries, 0 to 1.
    pub fn shares(&self, shape: &Shape) -> Vec<f64> {
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
        of_indicator
    }
}

/// Nodes whose children weigh nothing.
pub(super) fn weightless(shape: &Shape, components: &[Component], indicators: &[Indicator]) -> Vec<Problem> {
    let weight = |child: &Child| match *child {
        Child::Indicator(at) => indicators[at].weight,
        Child::Node(node) => components[node - shape.dimensions().len()].weight,
    };
    let is_weightless = |&node: &usize| shape.nodes()[node].children.iter().map(weight).sum::<f64>() <= 0.0;
    let refused = |node: usize| {
        let message = format!("the weights under `{}` are all 0", shape.nodes()[node].id);
        Problem::new(shape.place(node), message, "give one a weight")
    };
    (0..shape.nodes().len()).filter(is_weightless).map(refused).collect()
}
