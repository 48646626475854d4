//! From what was measured to what is scored: the calls of the score stage, for a run and for each of its variations.

use super::{Pipeline, PipelineFile};
use crate::classify::observations;
use crate::error::{Error, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::indicator::rescale::Method;
use crate::measure::Measurements;
use crate::measure::indicators::Status;
use crate::score::diagnostics::{Basis, Diagnostics, Standing, diagnostics, standing};
use crate::score::sample::{Prepared, prepare as prepared};
use crate::score::weigh::Weighed;
use crate::score::{Model, Observation, Scorer, Scores};
use crate::validate::Tables;

/// All units, ready to be scored.
pub(super) struct Sample {
    /// What was measured of them.
    pub seen: Vec<Vec<Observation>>,
    /// The same, screened and imputed.
    pub prepared: Prepared,
    /// The score tree with all its weights.
    pub weighed: Weighed,
}

/// What is scored, and by which weights.
pub(super) fn sample(
    pipeline: &Pipeline,
    tables: &Tables,
    measurements: &mut Measurements,
) -> Result<(Sample, Findings)> {
    let seen = observations(measurements);
    let (prepared, findings) = prepare(pipeline, measurements, seen.clone());
    let weighed = weighed(pipeline, tables, measurements, &prepared.columns)?;
    Ok((Sample { seen, prepared, weighed }, findings))
}

/// Screens units and imputes what is missing; notes either in what was measured.
fn prepare(pipeline: &Pipeline, measurements: &mut Measurements, seen: Vec<Vec<Observation>>) -> (Prepared, Findings) {
    let mut findings = Findings::default();
    let units = measurements.units.len();
    let (indicators, scoring) = (&pipeline.file.indicators, &pipeline.scoring);
    let found = prepared(indicators, scoring, &measurements.groups, seen, units);
    for (at, column) in measurements.indicators.iter_mut().enumerate() {
        for (unit, measured) in column.iter_mut().enumerate() {
            if found.screened[unit] {
                measured.status = Status::Screened;
            } else if found.imputed[at][unit] {
                measured.value = found.columns[at][unit].value;
                measured.status = Status::Imputed;
            }
        }
        let count = found.imputed[at].iter().filter(|imputed| **imputed).count();
        let message = format!("missing values of `{}` are imputed from other units", indicators[at].id);
        findings.add(Severity::Info, &indicators[at].id, Rule::Imputed, message, count);
    }
    let screened = found.screened.iter().filter(|screened| **screened).count();
    let message = "too few values, or too many zeros: not scored (`[score.screen]`)".to_owned();
    findings.add(Severity::Warning, "score", Rule::Screened, message, screened);
    (found, findings)
}

/// The score tree with all its weights.
fn weighed(
    pipeline: &Pipeline,
    tables: &Tables,
    measurements: &Measurements,
    observations: &[Vec<Observation>],
) -> Result<Weighed> {
    let mut model = pipeline.model.clone();
    model.parameters.of_sums = tables.facilities.is_some();
    refer(pipeline, &mut model, measurements)?;
    let tree = pipeline.file.tree(&pipeline.scoring);
    model.weighed(tree, observations, &tables.judgements).map_err(|problems| Error::Pipeline { problems })
}

/// What the scores are like as a whole, where the pipeline file does not say that nobody wants to know; treated values
/// and ranks for a file with `[score]`.
pub(super) fn diagnosed(
    pipeline: &Pipeline,
    sample: &Sample,
    scores: &[Scores],
    measurements: &Measurements,
    findings: &mut Findings,
) -> (Option<Diagnostics>, Option<Standing>) {
    let periods: Vec<Option<i64>> = measurements.units.iter().map(|unit| unit.period).collect();
    let Sample { seen, prepared, weighed } = sample;
    let (model, scoring, measured, periods) = (&weighed.model, &pipeline.scoring, seen.as_slice(), periods.as_slice());
    let basis = Basis { model, scoring, measured, prepared, scores, periods };
    let diagnostics = scoring.diagnostics.then(|| diagnostics(&basis));
    let uncorrelated = diagnostics.as_ref().map_or(0, |found| found.uncorrelated);
    let message = "pairs of indicators of different components are not correlated: there would be too many".to_owned();
    findings.add(Severity::Info, "score", Rule::ManyCorrelations, message, uncorrelated);
    (diagnostics, pipeline.file.score.as_ref().map(|_| standing(&basis)))
}

/// Finds the units that others are compared with among those of a run.
pub(super) fn refer(pipeline: &Pipeline, model: &mut Model, measurements: &Measurements) -> Result<()> {
    let find = |cluster: &str, period: Option<i64>| measurements.unit_of(cluster, period);
    model.parameters.refer(&pipeline.file.indicators, &find).map_err(|problems| Error::Pipeline { problems })
}

/// The pipeline file with the weights that the run has used.
pub(super) fn with_weights(file: &PipelineFile, model: &Model) -> PipelineFile {
    let mut file = file.clone();
    let (shape, parameters) = (&model.shape, &model.parameters);
    let of_components = parameters.node_weights.iter().skip(shape.dimensions().len());
    file.components.iter_mut().zip(of_components).for_each(|(one, weight)| one.weight = *weight);
    file.indicators.iter_mut().zip(&parameters.indicator_weights).for_each(|(one, weight)| one.weight = *weight);
    file
}

/// Notes what scores are relative to, and indicators whose values have none.
pub(super) fn note(pipeline: &Pipeline, scorer: &Scorer<'_>, units: usize, findings: &mut Findings) {
    let mut relative = 0;
    for (at, indicator) in pipeline.file.indicators.iter().enumerate() {
        let method = scorer.parameters().normalise[at].method();
        relative += usize::from(method != Method::Goalposts);
        if let Some(why) = scorer.rule(at).without_scores() {
            let message = format!("`{}` has no scores by {}: {why}", indicator.id, method.as_str());
            findings.add(Severity::Warning, &indicator.id, Rule::NoScores, message, 1);
        }
    }
    let message = format!(
        "indicators are scored against the {units} units of this run: their scores move when others come or go"
    );
    findings.add(Severity::Info, "score", Rule::RelativeScores, message, relative);
}
