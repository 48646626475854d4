//! What was drawn in a replicate, number by number, for who wants to make an analysis of her own.

use serde::{Deserialize, Serialize};

use super::Study;
use super::factors::{Chosen, Factor};
use super::outcome::child_name;
use super::scenario::Scenario;
use crate::score::normalise::Normalise;

/// What was drawn of one factor in one replicate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawn {
    /// The replicate.
    pub replicate: u32,
    /// The factor.
    pub factor: String,
    /// What of it: a weight's indicator or component, a goalpost, a threshold.
    pub item: String,
    /// Its value, where it is a number.
    pub value: Option<f64>,
    /// Its value in words, where it is none.
    pub choice: Option<String>,
}

/// All numbers and choices of a replicate; errors of data are too many to be listed.
pub fn told(replicate: u32, chosen: &Chosen, study: &Study<'_>, factors: &[Factor]) -> Vec<Drawn> {
    let scenario = &study.scenarios[chosen.scenario];
    let has = |name: &str| factors.iter().any(|factor| factor.name == name);
    let mut list = List { replicate, drawn: Vec::new() };
    if has("weights") {
        list.weights(scenario, chosen);
    }
    if has("goalposts") {
        list.goalposts(scenario, chosen);
    }
    for (dimension, of) in scenario.dimensions.iter().enumerate() {
        let name = format!("aggregation.{}", of.id);
        if has(&name) {
            let text = format!("{:?}", chosen.parameters.aggregates[dimension]).to_lowercase();
            list.add(&name, of.id.clone(), None, Some(text));
        }
        let name = format!("thresholds.{}", of.id);
        if has(&name) {
            let all = chosen.thresholds[dimension].iter().enumerate();
            all.for_each(|(at, threshold)| list.add(&name, (at + 1).to_string(), Some(*threshold), None));
        }
    }
    if has("indicator_set") {
        let left_out = chosen.left_out.map(|at| scenario.indicators[at].id.clone());
        list.add("indicator_set", "left_out".into(), None, left_out);
    }
    list.alternatives(study, chosen);
    list.drawn
}

struct List {
    replicate: u32,
    drawn: Vec<Drawn>,
}

impl List {
    fn add(&mut self, factor: &str, item: String, value: Option<f64>, choice: Option<String>) {
        self.drawn.push(Drawn { replicate: self.replicate, factor: factor.to_owned(), item, value, choice });
    }

    fn weights(&mut self, scenario: &Scenario<'_>, chosen: &Chosen) {
        for &child in scenario.model.shape.nodes().iter().flat_map(|node| &node.children) {
            self.add("weights", child_name(scenario, child), Some(chosen.parameters.weight(child)), None);
        }
    }

    fn goalposts(&mut self, scenario: &Scenario<'_>, chosen: &Chosen) {
        for (of, rule) in scenario.indicators.iter().zip(&chosen.parameters.normalise) {
            let Normalise::Goalposts(posts) = rule else { continue };
            let (worst, crossover, best) = posts.posts();
            for (post, value) in [("worst", Some(worst)), ("crossover", crossover), ("best", Some(best))] {
                value
                    .into_iter()
                    .for_each(|value| self.add("goalposts", format!("{}.{post}", of.id), Some(value), None));
            }
        }
    }

    /// The option of each factor of alternatives: the last counts fastest in the number of the scenario.
    fn alternatives(&mut self, study: &Study<'_>, chosen: &Chosen) {
        let mut rest = chosen.scenario;
        let mut options: Vec<usize> = Vec::new();
        for (_, of) in study.alternatives.iter().rev() {
            options.push(rest % of.len());
            rest /= of.len();
        }
        for ((name, of), option) in study.alternatives.iter().zip(options.into_iter().rev()) {
            self.add(name, (option + 1).to_string(), None, Some(of[option].0.clone()));
        }
    }
}
