//! What `[uncertainty]` lacks, or has too much of.

use std::collections::BTreeSet;

use super::replicates::standard_error;
use super::settings::{Choice, Extra, Points, TieError, UncertaintySettings};
use crate::delineate::{Delineation, Method};
use crate::error::{Error, Problem, Result, suggest};
use crate::score::Dimension;
use crate::stage::{self, Stage};
use crate::validate::Tables;

/// What the rest of the pipeline file has.
pub struct Known<'a> {
    /// The dimensions.
    pub dimensions: &'a [Dimension],
    /// The columns of the register; `None` without one.
    pub register: Option<Vec<&'a str>>,
    /// The layers, and whether they say how far their features may be off.
    pub layers: Vec<(&'a str, bool)>,
    /// Whether there is any source of ties.
    pub has_ties: bool,
    /// Whether there are types.
    pub has_typology: bool,
    /// `[delineate]`.
    pub delineation: Option<&'a Delineation>,
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, key: &str, message: impl Into<String>, hint: impl Into<String>) {
        let place = if key.is_empty() { "uncertainty".to_owned() } else { format!("uncertainty.{key}") };
        self.0.push(Problem::new(place, message, hint));
    }

    /// A number that must be above 0 and at most so much.
    fn positive(&mut self, key: &str, value: f64, most: f64, what: &str) {
        if !(value > 0.0 && value <= most) {
            self.add(
                key,
                format!("{value} is no {what}"),
                format!("above 0, {most} at most; `false` leaves the factor out"),
            );
        }
    }

    /// Probabilities of alternatives.
    fn probabilities(&mut self, key: &str, probabilities: &[f64]) {
        let is_share = |probability: &f64| (0.0..=1.0).contains(probability);
        let sum: f64 = probabilities.iter().sum();
        if !probabilities.iter().all(is_share) || (sum - 1.0).abs() > 1e-9 {
            let all = probabilities.iter().map(f64::to_string).collect::<Vec<_>>().join(", ");
            self.add(key, format!("the probabilities {all} sum to {sum}"), "each from 0 to 1, together 1");
        }
    }
}

impl UncertaintySettings {
    /// What is wrong with the settings, as far as the pipeline file tells.
    pub fn check(&self, known: &Known<'_>) -> Vec<Problem> {
        let mut problems = Problems(Vec::new());
        if known.dimensions.is_empty() {
            problems.add("", "there is no dimension of which anything could be uncertain", "take the table out");
        }
        self.check_numbers(&mut problems);
        if self.target_error.is_some() && !known.has_typology {
            problems.add("target_error", "there are no types whose probabilities could have it", "take it out");
        }
        let method = known.delineation.map(|delineation| delineation.method);
        if self.redelineate && !matches!(method, Some(Method::Dbscan | Method::Hdbscan)) {
            let message = "clusters are found anew by density alone (`dbscan`, `hdbscan`)";
            problems.add("redelineate", message, "labels do not move, and boundaries are drawn by others: take it out");
        }
        self.check_sensitivity(&mut problems);
        self.check_choices(known, &mut problems);
        self.check_errors(known, &mut problems);
        self.check_layers_and_ties(known, &mut problems);
        self.check_alternatives(known, &mut problems);
        problems.0
    }

    fn check_numbers(&self, problems: &mut Problems) {
        if self.replicates == 0 {
            problems.add(
                "replicates",
                "0 replicates show nothing",
                "1000 is common; without the table nothing is drawn",
            );
        }
        if self.points == Points::Sobol && self.replicates > 1 << 16 {
            let message = format!("{} replicates, but there are 65,536 points of Sobol'", self.replicates);
            problems.add("replicates", message, "fewer replicates, or points = \"random\"");
        }
        if !self.quantiles && self.tables.contains(&Extra::OrderProbability) {
            problems.add(
                "tables",
                "`order_probability` needs the scores that `quantiles = false` lets go",
                "take one of them out",
            );
        }
        if let Some(target) = self.target_error {
            let best = standard_error(0.0, f64::from(self.replicates.max(1)));
            if !(target > 0.0 && target < 0.5) {
                problems.add(
                    "target_error",
                    format!("{target} is no standard error of a probability"),
                    "0.01 is common",
                );
            } else if best >= target {
                let needed = (0.25 / (target * target)).ceil();
                let message = format!(
                    "a standard error of {target} is out of reach of {} replicates: even of a type that never comes it is {best:.4}",
                    self.replicates
                );
                problems.add(
                    "target_error",
                    message,
                    format!("replicates = {needed:.0} reaches it whatever comes out"),
                );
            }
        }
    }

    fn check_sensitivity(&self, problems: &mut Problems) {
        if let Some(sensitivity) = &self.sensitivity {
            if sensitivity.draws < 2 {
                problems.add(
                    "sensitivity.draws",
                    format!("{} draws show no variance", sensitivity.draws),
                    "128 is common",
                );
            }
            if self.points == Points::Sobol && sensitivity.draws > 1 << 16 {
                problems.add("sensitivity.draws", "there are 65,536 points of Sobol'", "fewer draws");
            }
        }
    }

    fn check_choices(&self, known: &Known<'_>, problems: &mut Problems) {
        if let Some(weights) = self.weights.given() {
            if let Some(concentration) = weights.concentration {
                problems.positive("weights.concentration", concentration, 1e6, "concentration");
            }
            if let Some(share) = weights.uniform {
                problems.positive("weights.uniform", share, 1.0, "share of a weight");
            }
            if weights.concentration.is_some() && weights.uniform.is_some() {
                problems.add(
                    "weights",
                    "weights are drawn by one distribution",
                    "take `concentration` or `uniform` out",
                );
            }
            if weights.levels.contains(&0) {
                problems.add("weights.levels", "levels count from 1: the indicators", "");
            }
        }
        if let Some(spread) = self.goalposts.given() {
            problems.positive("goalposts.sigma", spread.sigma, 3.0, "standard deviation of a logarithm");
        }
        if let Some(thresholds) = self.thresholds.given() {
            problems.positive("thresholds", thresholds.points(), 50.0, "width in score points");
        }
        if let Some(leave) = self.indicator_set.given() {
            problems.positive("indicator_set.probability", leave.probability, 1.0, "probability");
        }
        for (id, alternatives) in self.aggregation.given().into_iter().flatten() {
            let key = format!("aggregation.{id}");
            if !known.dimensions.iter().any(|dimension| dimension.id == *id) {
                let hint = suggest(id, known.dimensions.iter().map(|dimension| dimension.id.as_str()));
                problems.add(&key, format!("no dimension is called `{id}`"), hint);
            }
            let probabilities: Vec<f64> = alternatives.iter().map(|one| one.probability).collect();
            problems.probabilities(&key, &probabilities);
            if alternatives.len() < 2 {
                problems.add(&key, "one option varies nothing", "give two or more, or leave the dimension out");
            }
        }
    }

    fn check_errors(&self, known: &Known<'_>, problems: &mut Problems) {
        let emissions = self.emissions.given().map(|error| (error.sigma, &error.by, &error.of));
        let coordinates = self.coordinates.given().map(|error| (error.metres, &error.by, &error.of));
        for (key, part, most, given) in
            [("emissions", "sigma", 3.0, emissions), ("coordinates", "metres", 1e6, coordinates)]
        {
            let Some((error, by, of)) = given else { continue };
            let Some(columns) = &known.register else {
                problems.add(key, "there is no register of which they could be drawn", format!("take `{key}` out"));
                continue;
            };
            let named = of.iter().map(|(name, error)| (format!("{key}.of.{name}"), *error));
            for (key, error) in std::iter::once((format!("{key}.{part}"), error)).chain(named) {
                if !(0.0..=most).contains(&error) {
                    problems.add(&key, format!("{error} is no error"), format!("from 0 to {most}"));
                }
            }
            let hint = format!("`by` names a column of the register, and `of` gives the {part} by what stands in it");
            match by {
                Some(by) if !columns.contains(&by.as_str()) && by != crate::sources::SOURCE_FILE => {
                    let hint = suggest(by, columns.iter().copied());
                    problems.add(&format!("{key}.by"), format!("no column of the register is called `{by}`"), hint);
                }
                Some(_) if of.is_empty() => {
                    problems.add(&format!("{key}.of"), "`by` without `of` changes nothing", hint)
                }
                None if !of.is_empty() => problems.add(&format!("{key}.by"), "`of` without `by` changes nothing", hint),
                _ => {}
            }
        }
    }

    fn check_layers_and_ties(&self, known: &Known<'_>, problems: &mut Problems) {
        for name in self.layers.given().into_iter().flatten() {
            match known.layers.iter().find(|(known, _)| known == name) {
                None => {
                    let hint = suggest(name, known.layers.iter().map(|(name, _)| *name));
                    problems.add("layers", format!("no layer is called `{name}`"), hint);
                }
                Some((_, false)) => {
                    let message = format!("the layer `{name}` does not say how far its features may be off");
                    problems.add("layers", message, format!("add layers.{name}.precision_km"));
                }
                Some(_) => {}
            }
        }
        if let Some(ties) = self.ties.given() {
            if !known.has_ties {
                problems.add("ties", "there are no ties that could be drawn", "take `ties` out");
            }
            let named = ties.of.iter().map(|(kind, rates)| (format!("ties.of.{kind}"), rates));
            for (key, rates) in std::iter::once(("ties".to_owned(), ties)).chain(named) {
                check_rates(&key, rates, problems);
                if key != "ties" && !rates.of.is_empty() {
                    problems.add(&format!("{key}.of"), "there are no kinds within a kind", "take it out");
                }
            }
        }
    }

    fn check_alternatives(&self, known: &Known<'_>, problems: &mut Problems) {
        if let Some(radii) = self.radius_km.given() {
            let mut sorted = radii.clone();
            sorted.sort_by(f64::total_cmp);
            sorted.dedup();
            if known.delineation.is_none_or(|delineation| delineation.method != Method::Dbscan) {
                problems.add("radius_km", "clusters have no radius here", "`dbscan` alone has one");
            }
            if sorted.len() < 2 {
                problems.add("radius_km", "one radius varies nothing", "give two or more, km");
            }
            if let Some(radius) = radii.iter().find(|radius| !(**radius > 0.0 && **radius < 10_000.0)) {
                problems.add("radius_km", format!("{radius}: the radius must be above 0 and below 10,000 km"), "");
            }
        }
        for (name, choices) in &self.alternatives {
            let key = format!("alternatives.{name}");
            if is_taken(name) {
                problems.add(
                    &key,
                    format!("`{name}` is the name of a factor that there is anyway"),
                    "choose another name",
                );
            }
            if choices.len() < 2 {
                problems.add(
                    &key,
                    "one option varies nothing",
                    "give two or more; without `set` it is the pipeline file as it is",
                );
            }
            let probabilities: Vec<f64> = choices.iter().map(|choice| choice.probability).collect();
            problems.probabilities(&key, &probabilities);
            choices.iter().for_each(|choice| check_choice(&key, choice, problems));
        }
    }

    /// What is wrong with the settings, as the data tell.
    ///
    /// # Errors
    ///
    /// [`Error::Pipeline`] for kinds of ties that no source has, and for flags that no row has.
    pub fn check_tables(&self, tables: &Tables) -> Result<()> {
        let mut problems = Problems(Vec::new());
        for kind in self.ties.given().into_iter().flat_map(|ties| ties.of.keys()) {
            let kinds = || tables.ties.iter().filter(|table| !table.is_potential()).map(|table| table.kind.as_str());
            if !kinds().any(|known| known == kind) {
                let hint = suggest(kind, kinds());
                problems.add(&format!("ties.of.{kind}"), format!("no tie is of the kind `{kind}`"), hint);
            }
        }
        let emissions = self.emissions.given().map(|error| ("emissions", &error.by, &error.of));
        let coordinates = self.coordinates.given().map(|error| ("coordinates", &error.by, &error.of));
        for (key, by, of) in emissions.into_iter().chain(coordinates) {
            let (Some(by), Some(register)) = (by, &tables.facilities) else { continue };
            let texts = register.texts(by);
            let values: BTreeSet<&str> = texts.iter().flatten().map(String::as_str).collect();
            for flag in of.keys().filter(|flag| !values.contains(flag.as_str())) {
                let message = format!("no row of the register has `{flag}` in `{by}`");
                problems.add(&format!("{key}.of.{flag}"), message, suggest(flag, values.iter().copied()));
            }
        }
        if problems.0.is_empty() { Ok(()) } else { Err(Error::Pipeline { problems: problems.0 }) }
    }
}

fn check_rates(key: &str, rates: &TieError, problems: &mut Problems) {
    let all = [("keep", Some(rates.keep)), ("add", Some(rates.add)), ("unobserved", rates.unobserved)];
    for (name, rate) in all {
        if let Some(rate) = rate.filter(|rate| !(0.0..=1.0).contains(rate)) {
            problems.add(&format!("{key}.{name}"), format!("{rate} is no probability"), "from 0 to 1");
        }
    }
}

fn is_taken(name: &str) -> bool {
    let own =
        ["weights", "goalposts", "indicator_set", "emissions", "coordinates", "layers", "ties", "missing", "radius_km"];
    own.contains(&name) || name.starts_with("aggregation.") || name.starts_with("thresholds.")
}

fn check_choice(key: &str, choice: &Choice, problems: &mut Problems) {
    for assignment in &choice.set {
        let Some((of, _)) = assignment.split_once('=') else {
            problems.add(key, format!("`{assignment}`: there is no `=`"), "write delineate.radius_km=5");
            continue;
        };
        match stage::use_of(of.trim()) {
            None => problems.add(key, format!("no key is called `{of}`"), "keys are those of the pipeline file"),
            Some(found) if !found.bears_on_scores || found.first > Stage::Classify => {
                problems.add(key, format!("`{of}` changes no score and no type"), "take it out");
            }
            Some(_) => {}
        }
    }
}
