//! How sure the types are: bars of probabilities, single choices, which choice matters.

use super::{Shown, colour, decimals, words};
use crate::report::Results;
use crate::report::tables::OF_TYPE;
use crate::uncertainty::Robustness;

/// What a card says of how sure its type is.
pub struct Sureness {
    /// The sentence.
    pub reads: String,
    /// The word.
    pub robustness: &'static str,
    /// Class, name and probability of every type, and the probability as it is written.
    pub types: Vec<(String, String, f64, String)>,
    /// Of every dimension: name, median, 5 % and 95 % quantile of the score, and of the rank.
    pub dimensions: Vec<[String; 4]>,
    /// Single choices that make the type another: what, and to which.
    pub flips: Vec<(String, String)>,
    /// Such choices that are not listed.
    pub more_flips: usize,
}

/// Single choices on a card.
const LISTED: usize = 6;

/// What the card of a unit says; `None` where nothing was drawn.
pub fn sureness(results: &Results<'_>, unit: usize) -> Option<Sureness> {
    let found = results.uncertainty;
    let robustness = found.robustness.get(unit)?.as_str();
    let types = results.about.typology.map(|typology| typology.types.as_slice()).unwrap_or_default();
    let percent = |share: Option<f64>| format!("{} %", decimals(share.map(|share| 100.0 * share), 1));
    let of_type = |(at, kind): (usize, &crate::classify::ClusterType)| {
        let share = found.p_types[unit][at];
        (colour(Some(at)), format!("{} {}", kind.number, kind.name), share.unwrap_or(0.0), percent(share))
    };
    let of_dimension = |(at, dimension): (usize, &crate::score::Dimension)| {
        let quantiles = found.quantiles.get(at).and_then(|of| of[unit]);
        let ranks = found.ranks.get(at).and_then(|of| of[unit]);
        let range = |of: Option<[f64; 2]>, digits: usize| {
            of.map_or_else(|| "–".into(), |[low, high]| format!("{low:.digits$} to {high:.digits$}"))
        };
        [
            words(&dimension.id),
            decimals(quantiles.map(|of| of[2]), 1),
            range(quantiles.map(|of| [of[0], of[4]]), 1),
            range(ranks, 0),
        ]
    };
    let name = |at: Option<usize>| {
        at.map_or_else(|| "not known".into(), |at| format!("{} {}", types[at].number, types[at].name))
    };
    let start = found.flips.partition_point(|flip| flip.unit < unit);
    let own: Vec<_> = found.flips[start..].iter().take_while(|flip| flip.unit == unit).collect();
    let told = |flip: &&&crate::uncertainty::one_at_a_time::Flip| {
        let to = if flip.exists { name(flip.to) } else { "no cluster".into() };
        (flip.setting.clone(), to)
    };
    let of_dimensions = results.about.dimensions.iter().enumerate();
    Some(Sureness {
        reads: found.reads[unit].clone(),
        robustness,
        types: types.iter().enumerate().map(of_type).collect(),
        dimensions: of_dimensions.filter(|_| !found.quantiles.is_empty()).map(of_dimension).collect(),
        flips: own.iter().take(LISTED).map(|flip| told(&flip)).collect(),
        more_flips: own.len().saturating_sub(LISTED),
    })
}

/// A result and the factors that matter for it, the greatest first: name, size, and the size as it is written.
pub struct Influence {
    /// The result.
    pub result: String,
    /// The factors.
    pub factors: Vec<(String, f64, String)>,
}

/// Which choice matters, over all clusters.
pub fn influences(results: &Results<'_>) -> Vec<Influence> {
    let found = results.uncertainty;
    let outputs = results.about.dimensions.iter().map(|dimension| words(&dimension.id)).chain([OF_TYPE.to_owned()]);
    let of_output = |(result, sizes): (String, &Vec<Option<f64>>)| {
        let known = found.examined.iter().zip(sizes).filter_map(|(factor, size)| Some((words(factor), (*size)?)));
        let mut factors: Vec<(String, f64, String)> =
            known.map(|(factor, size)| (factor.replace('.', " of "), size, format!("{size:.2}"))).collect();
        factors.sort_by(|a, b| b.1.total_cmp(&a.1));
        Influence { result, factors }
    };
    outputs.zip(&found.overall).map(of_output).filter(|influence| !influence.factors.is_empty()).collect()
}

/// Clusters of each word for how sure their types are, in the latest period of each.
pub fn words_of_clusters(results: &Results<'_>, shown: &Shown) -> Vec<(&'static str, usize)> {
    let all = [Robustness::Robust, Robustness::Likely, Robustness::Contested, Robustness::Unknown];
    let latest: Vec<usize> = (0..results.measured.clusters.ids.len()).filter_map(|at| shown.latest_of(at)).collect();
    let count = |word: Robustness| {
        latest.iter().filter(|&&unit| results.uncertainty.robustness.get(unit) == Some(&word)).count()
    };
    all.into_iter().map(|word| (word.as_str(), count(word))).collect()
}
