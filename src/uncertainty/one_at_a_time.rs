//! One choice changed at a time: what each unit's type would be. Nothing is drawn.

use serde::{Deserialize, Serialize};

use super::factors::{Chosen, Factor};
use super::factors::{aggregations, dispensable, moved_posts, nominal, on_scale};
use super::outcome::child_name;
use super::scenario::Scenario;
use super::settings::{Thresholds, UncertaintySettings};
use crate::score::normalise::Normalise;
use crate::score::shape::Child;

/// One choice that is not the pipeline file's.
pub struct Change {
    /// The factor.
    pub factor: String,
    /// What is other than in the pipeline file, for people.
    pub setting: String,
    /// All choices with it.
    pub chosen: Chosen,
}

/// A unit whose type a change makes another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// The unit.
    pub unit: usize,
    /// The factor.
    pub factor: String,
    /// What was changed.
    pub setting: String,
    /// Position of the type that it has; `None`: unknown.
    pub from: Option<usize>,
    /// Position of the type that it would have; `None`: unknown, or no cluster.
    pub to: Option<usize>,
    /// Whether it would be a cluster.
    pub exists: bool,
}

/// Every change, in the order of the factors. `labels`: of every option of the factors of alternatives.
pub fn changes(
    settings: &UncertaintySettings,
    scenarios: &[Scenario<'_>],
    factors: &[Factor],
    labels: &[Vec<String>],
) -> Vec<Change> {
    let own = Changes { settings, run: &scenarios[0], base: nominal(scenarios, 0), found: Vec::new() };
    let mut found = own.of_tree();
    let counts: Vec<usize> = labels.iter().map(Vec::len).collect();
    for factor in factors {
        let Some((at, _)) = factor.alternatives() else { continue };
        for (option, label) in labels[at].iter().enumerate().skip(1) {
            let mut options = vec![0; counts.len()];
            options[at] = option;
            let chosen = nominal(scenarios, super::factors::scenario_of(&counts, &options));
            found.push(Change { factor: factor.name.clone(), setting: label.clone(), chosen });
        }
    }
    found
}

struct Changes<'a> {
    settings: &'a UncertaintySettings,
    run: &'a Scenario<'a>,
    base: Chosen,
    found: Vec<Change>,
}

impl Changes<'_> {
    fn of_tree(mut self) -> Vec<Change> {
        if self.settings.weights.value().is_some() {
            self.weights();
        }
        if let Some(spread) = self.settings.goalposts.value() {
            self.goalposts(spread.sigma);
        }
        for (dimension, alternatives) in aggregations(self.settings, self.run).into_iter().enumerate() {
            let id = &self.run.dimensions[dimension].id;
            for alternative in alternatives {
                let now = self.base.parameters.aggregates[dimension];
                if alternative.aggregate != now && alternative.probability > 0.0 {
                    let text = format!("{:?} instead of {now:?}", alternative.aggregate).to_lowercase();
                    self.add(format!("aggregation.{id}"), format!("{id}: {text}"), |chosen| {
                        chosen.parameters.aggregates[dimension] = alternative.aggregate;
                    });
                }
            }
        }
        if let Some(thresholds) = self.settings.thresholds.value() {
            self.thresholds(thresholds);
        }
        let shape = &self.run.model.shape;
        for indicator in dispensable(shape, &self.base.parameters) {
            let id = &self.run.indicators[indicator].id;
            self.add("indicator_set".into(), format!("without {id}"), |chosen| {
                chosen.parameters.leave_out(shape, Child::Indicator(indicator));
            });
        }
        self.found
    }

    fn add(&mut self, factor: String, setting: String, change: impl FnOnce(&mut Chosen)) {
        let mut chosen = self.base.clone();
        change(&mut chosen);
        self.found.push(Change { factor, setting, chosen });
    }

    /// Equal weights under each node, and each weight halved and doubled.
    fn weights(&mut self) {
        let run = self.run;
        for (at, node) in run.model.shape.nodes().iter().enumerate() {
            let weight = |child: Child| run.model.parameters.weight(child);
            let weighing = run.model.parameters.weighing(&run.model.shape, at);
            if weighing.len() < 2 {
                continue;
            }
            if weighing.iter().any(|&child| weight(child) != weight(weighing[0])) {
                self.add("weights".into(), format!("equal weights under {}", node.id), |chosen| {
                    weighing.iter().for_each(|&child| chosen.parameters.set_weight(child, 1.0));
                });
            }
            for &child in &weighing {
                for factor in [0.5, 2.0] {
                    let (name, now) = (child_name(run, child), weight(child));
                    let text = format!("weight of {name} {} instead of {now}", now * factor);
                    self.add("weights".into(), text, |chosen| chosen.parameters.set_weight(child, now * factor));
                }
            }
        }
    }

    /// The goalposts of each indicator a standard deviation lower and higher, all at once.
    fn goalposts(&mut self, sigma: f64) {
        for (indicator, of) in self.run.indicators.iter().enumerate() {
            for step in [-sigma, sigma] {
                let posts = self.base.parameters.normalise[indicator].goalposts();
                let Some(moved) = posts.and_then(|posts| moved_posts(posts, [step; 3])) else { continue };
                let text = format!("goalposts of {} times {:.2}", of.id, step.exp());
                self.add("goalposts".into(), text, |chosen| {
                    chosen.parameters.normalise[indicator] = Normalise::Goalposts(moved);
                });
            }
        }
    }

    /// Each threshold as low and as high as it may be; of a normal one a standard deviation lower and higher.
    fn thresholds(&mut self, thresholds: Thresholds) {
        for (dimension, of) in self.run.dimensions.iter().enumerate() {
            let Some(thresholds) = on_scale(thresholds, self.settings, self.run.model.scales[dimension]) else {
                continue;
            };
            for (at, now) in of.threshold.0.iter().enumerate() {
                for step in [-thresholds.points(), thresholds.points()] {
                    let text = format!("{}: threshold {} instead of {now}", of.id, now + step);
                    self.add(format!("thresholds.{}", of.id), text, |chosen| {
                        chosen.thresholds[dimension][at] = now + step;
                    });
                }
            }
        }
    }
}
