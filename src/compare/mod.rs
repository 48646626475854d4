//! Two runs held against each other: which inputs and settings differ, which clusters scored or were typed otherwise, and
//! what carried it. Reads runs, runs nothing.

mod inputs;
mod model;
mod sureness;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use crate::classify::Class;
use crate::delineate::overlap::{overlaps, partners};
use crate::error::{Error, Result};
use crate::names::EMISSIONS;
use crate::report::stored::StoredRun;
use crate::score::{Scorer, Scores};
pub use inputs::{Area, InputChange, SettingChange};
use model::{Key, Model};
pub use sureness::SurenessChange;

/// Changes of a score smaller than this are none.
const SLIGHT: f64 = 1e-9;

/// What differs between two runs.
#[derive(Debug, Serialize)]
pub struct Difference {
    /// Program and version of each run, where they differ.
    pub programs: Option<[String; 2]>,
    /// Files that one of the runs alone has read, and facilities that a scenario closed.
    pub inputs: Vec<InputChange>,
    /// Settings that differ, but for paths and titles.
    pub settings: Vec<SettingChange>,
    /// Clusters and periods whose scores or types differ, greatest change of type and score first.
    pub clusters: Vec<ClusterChange>,
    /// Clusters and periods whose types are more or less sure, greatest change first; none unless both runs have drawn.
    pub sureness: Vec<SurenessChange>,
    /// Clusters and periods in both runs that differ in neither.
    pub unchanged: usize,
    /// Clusters and periods that only the first run has.
    pub gone: Vec<Alone>,
    /// Clusters and periods that only the second run has.
    pub new: Vec<Alone>,
}

/// A cluster and period that one run alone has.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Alone {
    /// The cluster's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The period.
    pub period: Option<i64>,
}

/// One cluster and period in both runs.
#[derive(Debug, Serialize)]
pub struct ClusterChange {
    /// Its id in the first run.
    pub id: String,
    /// Its id in the second run, where it is another.
    pub new_id: Option<String>,
    /// Its name in the second run.
    pub name: String,
    /// The period.
    pub period: Option<i64>,
    /// Types left open in the first run and in the second, as `possible_types` has them.
    pub types: [String; 2],
    /// What made the type another.
    pub cause: Option<Cause>,
    /// The dimensions.
    pub dimensions: Vec<DimensionChange>,
}

/// One dimension of a cluster in both runs.
#[derive(Debug, Serialize)]
pub struct DimensionChange {
    /// Its id.
    pub id: String,
    /// Its score in the first run and in the second.
    pub scores: [Option<f64>; 2],
    /// Its level in the first run and in the second.
    pub levels: [&'static str; 2],
    /// The second score less the first.
    pub change: Option<f64>,
    /// What other goalposts, weights and aggregation alone have changed; where the values of one run have no score under
    /// the other's settings, all that no value has changed.
    pub by_settings: f64,
    /// What each indicator's values have changed, greatest first; with `by_settings` they add up to `change`.
    pub parts: Vec<Carried>,
}

/// What one indicator has carried of a dimension's change.
#[derive(Debug, Serialize)]
pub struct Carried {
    /// The indicator.
    pub indicator: String,
    /// Its value in the first run and in the second.
    pub values: [Option<f64>; 2],
    /// Its unit.
    pub unit: String,
    /// Score points.
    pub part: f64,
    /// The sources that it rests on and that differ; empty where none of its own does.
    pub sources: Vec<String>,
}

/// What made a type another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// Other data.
    Data,
    /// Other settings.
    Settings,
    /// Data and settings both, or only together.
    DataAndSettings,
    /// Another version of the program, for nothing else differs.
    Version,
    /// Nothing that the runs record.
    Unrecorded,
}

impl Cause {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Settings => "settings",
            Self::DataAndSettings => "data and settings together",
            Self::Version => "another version of the program",
            Self::Unrecorded => "nothing that the runs record",
        }
    }
}

/// Compares two runs.
///
/// # Errors
///
/// [`Error::Usage`] for runs of different typologies or without a cluster in common, [`Error::Run`] for runs that do not
/// read back.
pub fn compare(a: &StoredRun, b: &StoredRun) -> Result<Difference> {
    let models = [Model::of(a)?, Model::of(b)?];
    models[0].check_same_typology(&models[1])?;
    let inputs = inputs::inputs(a, b);
    let settings = inputs::settings(a.pipeline(), b.pipeline());
    let programs = [a, b].map(|run| run.manifest["program"].as_str().unwrap_or_default().to_owned());
    let programs = Some(programs).filter(|[a, b]| a != b);
    let pairs = pairs(a, b)?;
    if pairs.both.is_empty() {
        let message = "the two runs have no cluster in common".to_owned();
        let hint = "clusters are matched by id, else by the facilities that they share".to_owned();
        return Err(Error::Usage { message, hint: Some(hint) });
    }
    let scorers = models.each_ref().map(Model::scorer);
    let between = Between {
        models: &models,
        scorers: &scorers,
        inputs: &inputs,
        settings: &settings,
        other_program: programs.is_some(),
    };
    let alone = |model: &Model, id: &str, period| Alone { id: id.to_owned(), name: model.name(id), period };
    let (mut clusters, mut unchanged, mut gone, mut new) = (Vec::new(), 0, Vec::new(), Vec::new());
    for (id, new_id) in &pairs.both {
        for (period, first) in models[0].of_cluster(id) {
            let Some(second) = models[1].unit(&(new_id.clone(), period)) else {
                gone.push(alone(&models[0], id, period));
                continue;
            };
            let name = models[1].name(new_id);
            match between.change((id, new_id), name, period, [first, second])? {
                Some(change) => clusters.push(change),
                None => unchanged += 1,
            }
        }
        let only_second =
            models[1].of_cluster(new_id).filter(|(period, _)| models[0].unit(&(id.clone(), *period)).is_none());
        new.extend(only_second.map(|(period, _)| alone(&models[1], new_id, period)));
    }
    if clusters.is_empty() && unchanged == 0 {
        let message = "the two runs have no period of a cluster in common".to_owned();
        return Err(Error::Usage { message, hint: Some("run both over a period that they share".into()) });
    }
    clusters.sort_by(|a, b| b.weight().partial_cmp(&a.weight()).unwrap_or(std::cmp::Ordering::Equal));
    for (model, ids, found) in [(&models[0], &pairs.gone, &mut gone), (&models[1], &pairs.new, &mut new)] {
        found.extend(ids.iter().flat_map(|id| model.of_cluster(id).map(|(period, _)| alone(model, id, period))));
        found.sort();
    }
    let sureness = sureness::sureness(a, b, &pairs.both)?;
    Ok(Difference { programs, inputs, settings, clusters, sureness, unchanged, gone, new })
}

impl ClusterChange {
    /// Changes of type first, then by the greatest change of a score.
    fn weight(&self) -> (bool, f64) {
        let changes = self.dimensions.iter().filter_map(|dimension| dimension.change);
        (self.types[0] != self.types[1], changes.map(f64::abs).fold(0.0, f64::max))
    }
}

/// Clusters of two runs, by id.
struct Pairs {
    both: Vec<(String, String)>,
    gone: Vec<String>,
    new: Vec<String>,
}

/// Pairs the clusters by id, and those that are left by the facilities that they share.
fn pairs(a: &StoredRun, b: &StoredRun) -> Result<Pairs> {
    let (before, after) = (a.clusters()?, b.clusters()?);
    let position: HashMap<&String, usize> = after.clusters.iter().enumerate().map(|(at, (id, _))| (id, at)).collect();
    let mut partner: Vec<Option<usize>> = before.clusters.iter().map(|(id, _)| position.get(id).copied()).collect();
    let tonnes = |run: &StoredRun| -> Result<BTreeMap<String, f64>> {
        let mut tonnes = BTreeMap::new();
        for [id, emissions] in run.columns("facilities", ["facility_id", EMISSIONS])? {
            *tonnes.entry(id).or_insert(0.0) += emissions.parse().unwrap_or(0.0);
        }
        Ok(tonnes)
    };
    let facilities = tonnes(b)?;
    let taken: HashSet<usize> = partner.iter().flatten().copied().collect();
    let first = |id: &String| before.of_facility.get(id).copied().filter(|&at| partner[at].is_none());
    let second = |id: &String| after.of_facility.get(id).copied().filter(|at| !taken.contains(at));
    let (first, second): (Vec<_>, Vec<_>) = facilities.keys().map(|id| (first(id), second(id))).unzip();
    let emissions: Vec<Option<f64>> = facilities.values().map(|tonnes| Some(*tonnes)).collect();
    let shared = overlaps(&first, &second, &emissions);
    for (new, old) in partners(&shared, after.clusters.len()).into_iter().enumerate() {
        if let Some(old) = old {
            partner[old] = Some(new);
        }
    }
    let id = |at: usize| after.clusters[at].0.clone();
    let mut pairs = Pairs { both: Vec::new(), gone: Vec::new(), new: Vec::new() };
    for ((old, _), partner) in before.clusters.iter().zip(&partner) {
        match partner {
            Some(new) => pairs.both.push((old.clone(), id(*new))),
            None => pairs.gone.push(old.clone()),
        }
    }
    let found: HashSet<usize> = partner.into_iter().flatten().collect();
    pairs.new = (0..after.clusters.len()).filter(|at| !found.contains(at)).map(id).collect();
    Ok(pairs)
}

/// Two runs whose clusters are compared one by one.
struct Between<'a> {
    models: &'a [Model; 2],
    /// What makes scores of values, by the settings of each run.
    scorers: &'a [Scorer<'a>; 2],
    inputs: &'a [InputChange],
    settings: &'a [SettingChange],
    other_program: bool,
}

/// A cluster and period in the first run and in the second: the unit's key in each.
type Both<'a> = [&'a Key; 2];

impl Between<'_> {
    fn change(
        &self,
        (id, new_id): (&str, &str),
        name: String,
        period: Option<i64>,
        units: Both<'_>,
    ) -> Result<Option<ClusterChange>> {
        let [a, b] = self.models;
        // Values of the first and of the second run, each by the tree of the first and of the second.
        let scores = |by: usize, of: usize| {
            self.scorers[by].score(&self.models[of].row(self.models[by].indicators(), units[of]))
        };
        let by_first = [scores(0, 0), scores(0, 1)];
        let by_second = [scores(1, 0), scores(1, 1)];
        let dimensions = a.dimensions().iter().enumerate();
        let dimensions: Vec<DimensionChange> = dimensions
            .filter_map(|(at, _)| self.dimension(at, units, &by_first, &by_second).transpose())
            .collect::<Result<_>>()?;
        let [first, second] = self.scorers;
        let classes = [a.class(first, &by_first[0]), b.class(second, &by_second[1])];
        let types = [a.possible(&classes[0]), b.possible(&classes[1])];
        let retyped = types[0] != types[1];
        let moved = |dimension: &DimensionChange| {
            dimension.change.is_some_and(|change| change.abs() > SLIGHT)
                || dimension.scores[0].is_some() != dimension.scores[1].is_some()
                || dimension.levels[0] != dimension.levels[1]
        };
        if !retyped && !dimensions.iter().any(moved) {
            return Ok(None);
        }
        let other_data = a.possible(&a.class(first, &by_first[1]));
        let other_settings = b.possible(&b.class(second, &by_second[0]));
        let cause = retyped.then(|| self.cause(&types[1], &other_data, &other_settings));
        let new_id = (id != new_id).then(|| new_id.to_owned());
        Ok(Some(ClusterChange { id: id.to_owned(), new_id, name, period, types, cause, dimensions }))
    }

    /// One dimension, where both runs have it.
    fn dimension(
        &self,
        at: usize,
        units: Both<'_>,
        first: &[Scores; 2],
        second: &[Scores; 2],
    ) -> Result<Option<DimensionChange>> {
        let [a, b] = self.models;
        let id = &a.dimensions()[at].id;
        let Some(there) = b.dimensions().iter().position(|dimension| dimension.id == *id) else { return Ok(None) };
        let scores = [first[0].nodes[at].score, second[1].nodes[there].score];
        let level = |class: Class, at: usize| class.levels[at].as_str();
        let levels =
            [level(a.class(&self.scorers[0], &first[0]), at), level(b.class(&self.scorers[1], &second[1]), there)];
        let mut parts: BTreeMap<&str, f64> = BTreeMap::new();
        // Half of what the values change under either run's settings.
        for (run, of, at) in [(0, first, at), (1, second, there)] {
            let model = &self.models[run];
            for (indicator, part) in self.scorers[run].split_change(at, &of[0], &of[1])?.into_iter().enumerate() {
                *parts.entry(&model.indicators()[indicator].id).or_insert(0.0) += part.unwrap_or(0.0) / 2.0;
            }
        }
        let change = scores[0].zip(scores[1]).map(|(a, b)| b - a);
        let rest = change.map_or(0.0, |change| change - parts.values().sum::<f64>());
        let by_settings = by_settings([first, second].map(|scores| scores.each_ref()), [at, there]);
        if by_settings.is_some_and(|by_settings| (by_settings - rest).abs() > SLIGHT) {
            return Err(Error::Defect { message: format!("the parts of a change of `{id}` do not add up: {rest:e}") });
        }
        let by_settings = by_settings.unwrap_or(rest);
        let mut parts: Vec<Carried> = parts
            .into_iter()
            .filter(|(_, part)| part.abs() > SLIGHT)
            .map(|(indicator, part)| self.part(indicator, part, units))
            .collect();
        parts.sort_by(|a, b| b.part.abs().total_cmp(&a.part.abs()));
        Ok(Some(DimensionChange { id: id.clone(), scores, levels, change, by_settings: clean(by_settings), parts }))
    }

    fn part(&self, id: &str, part: f64, units: Both<'_>) -> Carried {
        let values = [0, 1].map(|run| self.models[run].value(id, units[run]));
        let indicator = self.models.iter().rev().find_map(|model| model.indicator(id));
        let differs = |source: &String| self.inputs.iter().any(|input| input.source == *source);
        let mut sources: Vec<String> = Vec::new();
        for source in self.models.iter().flat_map(|model| model.sources_of(id)) {
            if differs(source) && !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        // What makes the clusters touches every figure.
        if sources.is_empty() && differs(&"facilities".to_owned()) {
            sources.push("facilities".into());
        }
        Carried {
            indicator: id.to_owned(),
            values,
            unit: indicator.map(|i| i.unit.clone()).unwrap_or_default(),
            part,
            sources,
        }
    }

    /// What made the type what it is in the second run, by what each would have made alone.
    fn cause(&self, new: &str, other_data: &str, other_settings: &str) -> Cause {
        let of = |area: Area| self.settings.iter().any(|setting| setting.area == area);
        let (data, measuring, rating) = (!self.inputs.is_empty(), of(Area::Measuring), of(Area::Rating));
        if !data && !measuring && !rating {
            return if self.other_program { Cause::Version } else { Cause::Unrecorded };
        }
        let by_values = match (data, measuring) {
            (true, false) => Cause::Data,
            (false, true) => Cause::Settings,
            _ => Cause::DataAndSettings,
        };
        match (other_data == new, other_settings == new) {
            (true, false) => by_values,
            (false, true) => Cause::Settings,
            _ if !data => Cause::Settings,
            _ => Cause::DataAndSettings,
        }
    }
}

/// What other settings change of a dimension under the values of either run, half of each; `None` where either run's
/// values have no score under the other's settings. `scores` are those of the first and of the second run's values, by
/// the first's settings and by the second's; `at` is the dimension's place in either.
fn by_settings(scores: [[&Scores; 2]; 2], at: [usize; 2]) -> Option<f64> {
    let score = |settings: usize, values: usize| scores[settings][values].nodes[at[settings]].score;
    let under = |values: usize| Some(score(1, values)? - score(0, values)?);
    Some((under(0)? + under(1)?) / 2.0)
}

/// Rounding that is left over is no change.
fn clean(value: f64) -> f64 {
    if value.abs() > SLIGHT { value } else { 0.0 }
}
