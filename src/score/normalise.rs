//! An indicator's values to scores, and back: the rule as the pipeline file has it, and the rule once it has seen the values.

use std::sync::Arc;

use super::goalposts::Goalposts;
use super::settings::Scoring;
use super::treat::Treatment;
use crate::error::Problem;
use crate::indicator::Indicator;
use crate::indicator::rescale::{Direction, Method, Normalisation, Ties, Treat};
use crate::statistics::{ROUNDING, deviation, ends, is_constant, mean};

/// How an indicator's values become scores.
#[derive(Debug, Clone, PartialEq)]
pub enum Normalise {
    /// By fixed posts, whatever the sample.
    Goalposts(Goalposts),
    /// By the sample.
    Relative(Relative),
}

/// A rule that looks at the sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Relative {
    /// The method.
    pub method: Method,
    /// Whether more is better.
    pub rises: bool,
    /// The scores of the two ends; of a z-score those of the mean and of a deviation more.
    pub to: [f64; 2],
    /// The rank of equal values.
    pub ties: Ties,
    /// What to reach, in the indicator's unit.
    pub target: Option<f64>,
    /// The cluster to reach, and its period.
    pub reference: Option<(String, Option<i64>)>,
    /// The unit that this is, once the units are known.
    pub reference_unit: Option<usize>,
    /// Whether nothing scores more than what is to be reached.
    pub capped: bool,
}

/// A rule that has seen all values of its indicator: one value to one score.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// What becomes of a value first.
    pub treatment: Treatment,
    rule: Rule,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Goalposts(Goalposts),
    Line(Line),
    Ranks(Ranks),
    /// No value has a score: why.
    Nothing(&'static str),
}

/// A straight line through two points, cut to a range.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    /// The values that score the two ends.
    at: [f64; 2],
    to: [f64; 2],
    range: Range,
    /// Whether the way is measured back from the upper end, as distances are: near the lower end that rounds otherwise.
    from_above: bool,
}

/// Ranks among the values of a sample.
#[derive(Debug, Clone, PartialEq)]
struct Ranks {
    /// Ascending; of an indicator of which less is better with the other sign.
    sorted: Arc<[f64]>,
    rises: bool,
    ties: Ties,
    /// How far values may lie apart and be one, as a share of them.
    slack: f64,
    /// The score of rank 1, and what a rank more adds.
    first: f64,
    step: f64,
    range: Range,
}

/// The scores that there may be; infinite where nothing bounds them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
}

impl Range {
    /// 0 to 100 points.
    pub const POINTS: Self = Self { least: 0.0, greatest: 100.0 };
    /// No bounds at all.
    pub const OPEN: Self = Self { least: f64::NEG_INFINITY, greatest: f64::INFINITY };

    /// The least range that holds all; that of points where there is none.
    pub fn over(ranges: impl Iterator<Item = Self>) -> Self {
        let hull = |a: Self, b: Self| Self { least: a.least.min(b.least), greatest: a.greatest.max(b.greatest) };
        ranges.reduce(hull).unwrap_or(Self::POINTS)
    }
}

impl Normalise {
    /// The rule of an indicator.
    ///
    /// # Errors
    ///
    /// What is wrong with its goalposts, or with the settings of its method.
    pub fn of(indicator: &Indicator, scoring: &Scoring) -> Result<Self, Vec<Problem>> {
        let (given, place) = match &indicator.normalise {
            Some(own) => (Normalisation::from(own), format!("indicators.{}.normalise", indicator.id)),
            None => (Normalisation::from(&scoring.normalise), "score.normalise".to_owned()),
        };
        let mut problems = idle_keys(&given, &place);
        let of_indicator = |key: &str| format!("indicators.{}{key}", indicator.id);
        if given.method == Method::Goalposts {
            if indicator.target.is_some() {
                problems.push(Problem::new(
                    of_indicator(".target"),
                    "goalposts have no target",
                    "take it out, or say normalise = \"distance_to_target\"",
                ));
            }
            let posts = goalposts(indicator).map_err(|problem| problems.push(problem));
            return posts.ok().filter(|_| problems.is_empty()).map(Self::Goalposts).ok_or(problems);
        }
        let relative = Relative {
            method: given.method,
            rises: rises(indicator),
            to: match given.method {
                Method::ZScore => {
                    let mean = given.mean.unwrap_or(0.0);
                    [mean, mean + given.deviation.unwrap_or(1.0)]
                }
                _ => given.to.unwrap_or([0.0, 100.0]),
            },
            ties: given.ties.unwrap_or_default(),
            target: indicator.target,
            reference: given.reference.clone().map(|cluster| (cluster, given.period)),
            reference_unit: None,
            capped: given.capped.unwrap_or(false),
        };
        problems.extend(relative.check(indicator, &place));
        if problems.is_empty() { Ok(Self::Relative(relative)) } else { Err(problems) }
    }

    /// What is done with outliers first.
    pub fn treat_of(indicator: &Indicator, scoring: &Scoring) -> Option<Treat> {
        indicator.treat.as_ref().unwrap_or(&scoring.treat).value()
    }

    /// The rule's goalposts, where it goes by any.
    pub fn goalposts(&self) -> Option<&Goalposts> {
        if let Self::Goalposts(posts) = self { Some(posts) } else { None }
    }

    /// The method.
    pub fn method(&self) -> Method {
        if let Self::Relative(relative) = self { relative.method } else { Method::Goalposts }
    }

    /// The rule in words, where it goes by no goalposts.
    pub fn words(&self) -> Option<String> {
        let Self::Relative(relative) = self else { return None };
        let better = if relative.rises { "more is better" } else { "less is better" };
        let [low, high] = relative.to;
        let scale = if relative.is_of_shares() { format!(" to {low}..{high}") } else { String::new() };
        let target = relative.target.map(|target| format!(", target {target}")).unwrap_or_default();
        let reference =
            relative.reference.as_ref().map(|(cluster, _)| format!(", reference {cluster}")).unwrap_or_default();
        Some(format!("{}{scale}{target}{reference}, {better}, relative to the sample", relative.method.as_str()))
    }

    /// The scores of the two ends of the scale; `None` where it has none.
    pub fn span(&self) -> Option<[f64; 2]> {
        match self {
            Self::Goalposts(_) => Some([0.0, 100.0]),
            Self::Relative(relative) if relative.is_of_shares() => Some(relative.to),
            Self::Relative(_) => None,
        }
    }

    /// A treated value as [`Fitted::score_scaled`] takes it: work that is the same for every rule of one scale is done
    /// once.
    pub fn scaled(&self, treated: f64) -> f64 {
        match self {
            Self::Goalposts(goalposts) => goalposts.scaled(treated),
            Self::Relative(_) => treated,
        }
    }

    /// Fits the rule to all treated values of its indicator, NaN where there is none. Goalposts look at none of them.
    /// `of_sums`: see [`super::Parameters::of_sums`].
    pub fn fit(&self, treatment: Treatment, treated: &[f64], of_sums: bool) -> Fitted {
        let rule = match self {
            Self::Goalposts(goalposts) => Rule::Goalposts(*goalposts),
            Self::Relative(relative) => relative.fit(&treatment, treated, if of_sums { ROUNDING } else { 0.0 }),
        };
        Fitted { treatment, rule }
    }
}

/// Keys of a normalisation that its method does not read.
fn idle_keys(given: &Normalisation, place: &str) -> Vec<Problem> {
    use Method::{Borda, DistanceToReference, DistanceToTarget, Goalposts, PercentileRank, Rank, ZScore};
    let method = given.method;
    let has_ends = ![Goalposts, ZScore, Rank, Borda].contains(&method);
    let of = |key: &str, is_given: bool, is_read: bool| {
        let message = format!("`{}` has no `{key}`", method.as_str());
        (is_given && !is_read).then(|| Problem::new(format!("{place}.{key}"), message, "take it out"))
    };
    let idle = [
        of("to", given.to.is_some(), has_ends),
        of("mean", given.mean.is_some(), method == ZScore),
        of("deviation", given.deviation.is_some(), method == ZScore),
        of("ties", given.ties.is_some(), [Rank, Borda, PercentileRank].contains(&method)),
        of("reference", given.reference.is_some(), method == DistanceToReference),
        of("period", given.period.is_some(), method == DistanceToReference),
        of("capped", given.capped.is_some(), [DistanceToReference, DistanceToTarget].contains(&method)),
    ];
    idle.into_iter().flatten().collect()
}

/// Which way is better: as said, else as the goalposts have it, else up.
fn rises(indicator: &Indicator) -> bool {
    let by_posts = indicator.worst.zip(indicator.best).map(|(worst, best)| best > worst);
    indicator.direction.map_or_else(|| by_posts.unwrap_or(true), |direction| direction == Direction::Up)
}

fn goalposts(indicator: &Indicator) -> Result<Goalposts, Problem> {
    let place = format!("indicators.{}", indicator.id);
    let Some((worst, best)) = indicator.worst.zip(indicator.best) else {
        let hint = "add `worst` and `best`, or choose another `normalise`";
        return Err(Problem::new(place, "there are no goalposts", hint));
    };
    let posts = Goalposts::new(worst, indicator.crossover, best, indicator.scale).map_err(|message| {
        let hint = "worst, crossover, best must rise or fall all the way, and be above 0 on a log scale";
        Problem::new(place.clone(), message, hint)
    })?;
    if indicator.direction.is_some_and(|direction| (direction == Direction::Up) != posts.rises()) {
        let message = "the direction is not that of `worst` and `best`";
        return Err(Problem::new(format!("{place}.direction"), message, "take it out, or exchange the goalposts"));
    }
    Ok(posts)
}

impl Relative {
    /// Whether its scores are shares of a way, between two ends.
    fn is_of_shares(&self) -> bool {
        ![Method::ZScore, Method::Rank, Method::Borda].contains(&self.method)
    }

    fn check(&self, indicator: &Indicator, place: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |place: String, message: String, hint: &str| problems.push(Problem::new(place, message, hint));
        let of_indicator = |key: &str| format!("indicators.{}.{key}", indicator.id);
        let [low, high] = self.to;
        if !(low < high && (high - low).is_finite()) {
            let key = if self.method == Method::ZScore { "deviation" } else { "to" };
            refuse(format!("{place}.{key}"), "the upper end must be above the lower one".into(), "");
        }
        match (self.method == Method::DistanceToTarget, self.target) {
            (true, None) => {
                refuse(of_indicator("target"), "there is no target".into(), "add `target`, in the indicator's unit")
            }
            (false, Some(_)) => {
                refuse(of_indicator("target"), format!("`{}` has no target", self.method.as_str()), "take it out")
            }
            (true, Some(target)) if !target.is_finite() => {
                refuse(of_indicator("target"), format!("{target} is no target"), "")
            }
            _ => {}
        }
        if self.method == Method::DistanceToReference && self.reference.is_none() {
            refuse(format!("{place}.reference"), "there is no reference".into(), "name a cluster by its id");
        }
        if self.method == Method::FractionOfMaximum && !self.rises {
            let message = "of an indicator of which less is better a fraction of the maximum means nothing".to_owned();
            refuse(of_indicator("normalise"), message, "take \"distance_to_maximum\" or \"min_max\"");
        }
        problems
    }

    /// `slack`: how far values may lie apart and be one, as a share of them.
    fn fit(&self, treatment: &Treatment, treated: &[f64], slack: f64) -> Rule {
        let known: Vec<f64> = treated.iter().copied().filter(|value| !value.is_nan()).collect();
        let Some((least, most)) = ends(&known) else { return Rule::Nothing("there are no values") };
        if [Method::Rank, Method::Borda, Method::PercentileRank].contains(&self.method) {
            return self.ranks(known, slack);
        }
        if is_constant(&known) && self.method != Method::FractionOfMaximum {
            return Rule::Nothing("all values are equal");
        }
        let (worst, best) = if self.rises { (least, most) } else { (most, least) };
        let from_above = [Method::DistanceToMaximum, Method::DistanceToReference].contains(&self.method);
        let line =
            |zero: f64, one: f64, range: Range| Rule::Line(Line { at: [zero, one], to: self.to, range, from_above });
        let [low, high] = self.to;
        let within = Range { least: low, greatest: high };
        let reached = Range { least: low, greatest: if self.capped { high } else { f64::INFINITY } };
        let is_beyond_worst = |aim: f64| if self.rises { aim > worst } else { aim < worst };
        match self.method {
            Method::ZScore => {
                let (mean, deviation) = (mean(&known).unwrap_or(0.0), deviation(&known).unwrap_or(0.0));
                let one = if self.rises { mean + deviation } else { mean - deviation };
                if deviation > 0.0 { line(mean, one, Range::OPEN) } else { Rule::Nothing("all values are equal") }
            }
            Method::DistanceToTarget => match self.target.map(|target| treatment.transformed(target)) {
                Some(target) if is_beyond_worst(target) => line(worst, target, reached),
                _ => Rule::Nothing("the target is no better than the worst value"),
            },
            Method::DistanceToReference => {
                let value = self.reference_unit.map(|unit| treated[unit]).filter(|value| !value.is_nan());
                match value {
                    Some(value) if is_beyond_worst(value) => line(worst, value, reached),
                    Some(_) => Rule::Nothing("the reference has the worst value"),
                    None => Rule::Nothing("the reference has no value"),
                }
            }
            Method::FractionOfMaximum if most <= 0.0 => Rule::Nothing("the greatest value is not above 0"),
            // Of values below 0 the fractions are below it too.
            Method::FractionOfMaximum if least < 0.0 => {
                line(0.0, most, Range { least: f64::NEG_INFINITY, greatest: high })
            }
            Method::FractionOfMaximum => line(0.0, most, within),
            _ => line(worst, best, within),
        }
    }

    fn ranks(&self, known: Vec<f64>, slack: f64) -> Rule {
        let count = known.len();
        let mut sorted = known;
        if !self.rises {
            sorted.iter_mut().for_each(|value| *value = -*value);
        }
        sorted.sort_by(f64::total_cmp);
        if self.ties == Ties::Dense {
            sorted.dedup_by(|b, a| *b - *a <= slack * a.abs().max(b.abs()));
        }
        let [low, high] = self.to;
        let (first, step, range) = match self.method {
            Method::PercentileRank if count < 2 => return Rule::Nothing("there is one value alone"),
            Method::PercentileRank => (low, (high - low) / (count - 1) as f64, Range { least: low, greatest: high }),
            Method::Borda => (0.0, 1.0, Range::OPEN),
            _ => (1.0, 1.0, Range::OPEN),
        };
        Rule::Ranks(Ranks { sorted: sorted.into(), rises: self.rises, ties: self.ties, slack, first, step, range })
    }
}

impl Line {
    fn score(&self, value: f64) -> f64 {
        let ([zero, one], [low, high]) = (self.at, self.to);
        let share = if self.from_above { 1.0 - (one - value) / (one - zero) } else { (value - zero) / (one - zero) };
        let score = low + (high - low) * share;
        score.clamp(self.range.least, self.range.greatest) + 0.0
    }

    fn value(&self, score: f64) -> f64 {
        let ([zero, one], [low, high]) = (self.at, self.to);
        zero + (one - zero) * ((score - low) / (high - low))
    }
}

impl Ranks {
    fn score(&self, value: f64) -> f64 {
        if value.is_nan() {
            return value;
        }
        let value = if self.rises { value } else { -value };
        let slack = self.slack * value.abs();
        let below = self.sorted.partition_point(|other| *other < value - slack);
        let up_to = self.sorted.partition_point(|other| *other <= value + slack).max(below + 1);
        let rank = match self.ties {
            Ties::Min | Ties::Dense => (below + 1) as f64,
            Ties::Max => up_to as f64,
            Ties::Average => (below + 1 + up_to) as f64 / 2.0,
        };
        (self.first + self.step * (rank - 1.0)).clamp(self.range.least, self.range.greatest)
    }
}

impl Fitted {
    /// The score of a value; `None` where the rule gives none.
    pub fn score(&self, value: f64) -> Option<f64> {
        let treated = self.treatment.apply(value);
        let score = match &self.rule {
            Rule::Goalposts(goalposts) => goalposts.score(treated),
            Rule::Line(line) => line.score(treated),
            Rule::Ranks(ranks) => ranks.score(treated),
            Rule::Nothing(_) => f64::NAN,
        };
        (!score.is_nan()).then_some(score)
    }

    /// The scores of values that are treated and scaled; NaN of NaN.
    pub fn score_scaled(&self, scaled: &[f64]) -> Vec<f64> {
        match &self.rule {
            Rule::Goalposts(goalposts) => goalposts.score_scaled(scaled),
            Rule::Line(line) => scaled.iter().map(|value| line.score(*value)).collect(),
            Rule::Ranks(ranks) => scaled.iter().map(|value| ranks.score(*value)).collect(),
            Rule::Nothing(_) => vec![f64::NAN; scaled.len()],
        }
    }

    /// The value that scores so much; `None` where the rule has no way back.
    pub fn value(&self, score: f64) -> Option<f64> {
        let treated = match &self.rule {
            Rule::Goalposts(goalposts) => goalposts.value(score),
            Rule::Line(line) => line.value(score),
            Rule::Ranks(_) | Rule::Nothing(_) => return None,
        };
        self.treatment.back(treated)
    }

    /// Whether a score leads back to a value.
    pub fn has_inverse(&self) -> bool {
        matches!(self.rule, Rule::Goalposts(_) | Rule::Line(_))
    }

    /// The scores that there may be.
    pub fn range(&self) -> Range {
        match &self.rule {
            Rule::Goalposts(_) => Range::POINTS,
            Rule::Line(line) => line.range,
            Rule::Ranks(ranks) => ranks.range,
            Rule::Nothing(_) => Range::OPEN,
        }
    }

    /// Why no value has a score, where none has.
    pub fn without_scores(&self) -> Option<&'static str> {
        if let Rule::Nothing(why) = &self.rule { Some(why) } else { None }
    }

    /// Whether more is better.
    pub fn rises(&self) -> bool {
        match &self.rule {
            Rule::Goalposts(goalposts) => goalposts.rises(),
            Rule::Line(line) => line.at[1] > line.at[0],
            Rule::Ranks(ranks) => ranks.rises,
            Rule::Nothing(_) => true,
        }
    }
}
