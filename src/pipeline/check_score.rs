//! Cross-checks of `[score]` and of what dimensions, components and indicators say in its place.

use super::settings::PipelineFile;
use crate::error::{Problem, suggest};
use crate::given::{Switch, WordOr};
use crate::indicator::rescale::{Filling, Imputed, Then, Treat};
use crate::score::{Model, Weighting};
use crate::validate::settings::FigureShape;

/// Everything that the types cannot see.
pub(super) fn check_score(file: &PipelineFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    let own = file.score.iter();
    let of_dimensions =
        file.dimensions.iter().map(|one| (format!("dimensions.{}", one.id), one.min_available, one.floor));
    let of_components =
        file.components.iter().map(|one| (format!("components.{}", one.id), one.min_available, one.floor));
    let of_score = own.map(|score| ("score".to_owned(), score.min_available, None));
    for (place, share, floor) in of_dimensions.chain(of_components).chain(of_score) {
        problems.extend(share.and_then(|share| check_share(format!("{place}.min_available"), share)));
        if floor.is_some_and(|floor| !(floor >= 0.0 && floor.is_finite())) {
            problems.push(Problem::new(format!("{place}.floor"), "the floor of a mean must be 0 or more", ""));
        }
    }
    if let Some(score) = &file.score {
        if let Some(screen) = score.screen {
            problems.extend(check_share("score.screen.min_available".into(), screen.min_available));
            problems.extend(check_share("score.screen.min_non_zero".into(), screen.min_non_zero));
        }
        if !(0.0..=1.0).contains(&score.collinear) {
            problems.push(Problem::new("score.collinear", "a correlation from 0 to 1", ""));
        }
        if !(-1.0..=0.0).contains(&score.negative) {
            problems.push(Problem::new("score.negative", "a correlation from -1 to 0", ""));
        }
        if matches!(score.weights, Weighting::Ahp(_) | Weighting::Budget(_)) {
            let hint = "say it in the dimension or component whose children were judged";
            problems.push(Problem::new("score.weights", "judgements are about the children of one node", hint));
        }
        problems.extend(check_treat("score", &score.treat));
        problems.extend(check_impute("score", &score.impute, file));
    }
    for indicator in &file.indicators {
        let place = format!("indicators.{}", indicator.id);
        problems.extend(indicator.treat.iter().flat_map(|treat| check_treat(&place, treat)));
        problems.extend(indicator.impute.iter().flat_map(|impute| check_impute(&place, impute, file)));
    }
    problems.extend(check_judgements(file));
    problems.extend(check_groups(file));
    problems
}

fn check_share(place: String, share: f64) -> Option<Problem> {
    (!(0.0..=1.0).contains(&share)).then(|| Problem::new(place, format!("{share} is no share from 0 to 1"), ""))
}

fn check_treat(place: &str, treat: &Switch<Treat>) -> Vec<Problem> {
    let Some(treat) = treat.given() else { return Vec::new() };
    let mut problems = Vec::new();
    let mut refuse =
        |key: &str, message: &str| problems.push(Problem::new(format!("{place}.treat.{key}"), message, ""));
    if !(treat.skewness > 0.0 && treat.skewness.is_finite()) {
        refuse("skewness", "the limit of the absolute skewness must be above 0");
    }
    if !treat.kurtosis.is_finite() {
        refuse("kurtosis", "the limit of the excess kurtosis must be a number");
    }
    if matches!(treat.then, Then::BoxCox(lambda) if !lambda.is_finite()) {
        refuse("then", "lambda must be a number");
    }
    problems
}

fn check_impute(place: &str, impute: &Imputed, file: &PipelineFile) -> Vec<Problem> {
    let WordOr::Given(given) = impute else { return Vec::new() };
    let mut problems = Vec::new();
    if given.with == Filling::Nothing {
        problems.push(Problem::new(
            format!("{place}.impute.with"),
            "`nothing` needs no group",
            "write impute = \"nothing\"",
        ));
    }
    let groups: Vec<&String> = file.figures.values().flat_map(|source| &source.groups).collect();
    if !groups.contains(&&given.by) {
        let hint = match groups.is_empty() {
            true => format!("add groups = [\"{}\"] to the [figures.NAME] that has the column", given.by),
            false => suggest(&given.by, groups.iter().map(|group| group.as_str())),
        };
        let message = format!("no source of figures has the group `{}`", given.by);
        problems.push(Problem::new(format!("{place}.impute.by"), message, hint));
    }
    problems
}

fn check_judgements(file: &PipelineFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (place, weights) in file.weighed_nodes() {
        let (word, reading) = match weights {
            Weighting::Ahp(source) => {
                if source.max_inconsistency < 0.0 || source.max_inconsistency.is_nan() {
                    let place = format!("{place}.weights.ahp.max_inconsistency");
                    problems.push(Problem::new(place, "a consistency ratio of 0 or more", "0.1 is common"));
                }
                ("ahp", source.reading())
            }
            Weighting::Budget(source) => ("budget", source.reading()),
            _ => continue,
        };
        if reading.path.0.is_empty() {
            problems.push(Problem::new(format!("{place}.weights.{word}.path"), "there is no file", "name a file"));
        }
    }
    problems
}

fn check_groups(file: &PipelineFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, source) in &file.figures {
        let place = format!("figures.{name}.groups");
        if !source.groups.is_empty() && source.shape != FigureShape::Wide {
            let hint = "say shape = \"wide\", or give the groups in a wide file of their own";
            problems.push(Problem::new(&place, "groups are columns of a wide file", hint));
        }
        let is_figure = |group: &&String| source.names.iter().flatten().any(|figure| figure == *group);
        problems.extend(source.groups.iter().filter(is_figure).map(|group| {
            Problem::new(&place, format!("`{group}` is among `names` too"), "a column holds words or numbers")
        }));
    }
    problems
}

/// Thresholds are scores of their dimension's scale; of any scale but 0 to 100 the file must say them.
pub(super) fn check_scales(file: &PipelineFile, model: &Model, undeclared: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (dimension, ends) in file.dimensions.iter().zip(&model.scales) {
        let place = format!("dimensions.{}.threshold", dimension.id);
        if ends.is_none_or(|[_, high]| high != 100.0) && undeclared.contains(&dimension.id) {
            let scale = ends.map_or("have no ends".to_owned(), |[low, high]| format!("run from {low} to {high}"));
            let message = format!("the scores of `{}` {scale}: 50 is no threshold for them", dimension.id);
            problems.push(Problem::new(place, message, "say `threshold`, on that scale"));
            continue;
        }
        let [low, high] = ends.unwrap_or([f64::MIN, f64::MAX]);
        for threshold in dimension.threshold.0.iter().filter(|threshold| !(low..=high).contains(*threshold)) {
            let message = match ends {
                Some(_) => format!("the threshold {threshold} is not a score from {low} to {high}"),
                None => format!("the threshold {threshold} is no score"),
            };
            problems.push(Problem::new(place.clone(), message, ""));
        }
    }
    problems
}
