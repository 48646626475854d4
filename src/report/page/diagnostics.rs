//! What the scores are like as a whole: odd indicators, scores that hang together, what each part weighs and moves.

use super::{decimals, significant, words};
use crate::report::Results;
use crate::report::tables::named;
use crate::score::diagnostics::{Correlation, EffectiveWeight, IndicatorFacts};
use crate::score::shape::Child;

/// Rows of a list on the page; all are in the tables.
const SHOWN: usize = 60;

/// The section; `None` where nobody wants to know, or where there is nothing to compare.
pub struct Section {
    /// Units of the sample.
    pub units: usize,
    /// Indicators that go by the sample.
    pub relative: usize,
    /// Indicators: id, available, zeros, mean, deviation, skewness, kurtosis, treatment, flags.
    pub indicators: Vec<[String; 9]>,
    /// Pairs that are flagged: both, how they stand, Pearson's, flag.
    pub pairs: Vec<[String; 5]>,
    /// All pairs that are flagged.
    pub flagged: usize,
    /// Parts: name, depth, nominal share, effective weight, share of the correlation ratios, alpha, mean rank change.
    pub parts: Vec<Part>,
}

/// A part of a dimension.
pub struct Part {
    /// Its name.
    pub name: String,
    /// How far below its dimension.
    pub depth: usize,
    /// Its numbers.
    pub cells: [String; 6],
}

/// What the page says of the scores as a whole.
pub fn section(results: &Results<'_>) -> Option<Section> {
    let found = results.diagnostics.filter(|_| results.measured.units.len() > 2)?;
    let rules = &results.about.model.parameters.normalise;
    let indicators = results.about.indicators.iter().zip(&found.indicators);
    let is_flagged = |one: &&Correlation| one.flag.is_some();
    let mut flagged: Vec<&Correlation> = found.correlations.iter().filter(is_flagged).collect();
    let size = |one: &Correlation| one.pearson.unwrap_or(0.0).abs();
    flagged.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let name = |child: Child| named(results, child).0.to_owned();
    let pair = |one: &&Correlation| {
        let flag = one.flag.unwrap_or_default().to_owned();
        [name(one.first), name(one.second), one.relation.as_str().to_owned(), decimals(one.pearson, 2), flag]
    };
    let depths = results.about.model.shape.walk();
    Some(Section {
        units: found.indicators.iter().map(|one| one.units).max().unwrap_or(0),
        relative: rules.iter().filter(|rule| rule.goalposts().is_none()).count(),
        indicators: indicators.take(SHOWN).map(|(indicator, facts)| indicator_row(&indicator.id, facts)).collect(),
        pairs: flagged.iter().take(SHOWN).map(pair).collect(),
        flagged: flagged.len(),
        parts: found
            .weights
            .iter()
            .zip(depths)
            .take(SHOWN)
            .map(|(part, step)| Part { name: words(&name(part.child)), depth: step.depth, cells: cells(part) })
            .collect(),
    })
}

fn indicator_row(id: &str, facts: &IndicatorFacts) -> [String; 9] {
    let treatment = facts.treated.map_or_else(String::new, |treated| match (treated.winsorised, treated.transformed) {
        (0, None) => "–".into(),
        (0, Some(transformed)) => transformed.to_owned(),
        (points, None) => format!("{points} winsorised"),
        (points, Some(transformed)) => format!("{points} winsorised, {transformed}"),
    });
    [
        words(id),
        facts.available.to_string(),
        (facts.available - facts.non_zero).to_string(),
        significant(facts.mean),
        significant(facts.deviation),
        decimals(facts.skewness, 2),
        decimals(facts.kurtosis, 2),
        treatment,
        facts.flags.iter().map(|flag| words(flag)).collect::<Vec<_>>().join(", "),
    ]
}

fn cells(part: &EffectiveWeight) -> [String; 6] {
    let percent = |share: Option<f64>| share.map_or_else(|| "–".into(), |share| format!("{:.1} %", 100.0 * share));
    [
        percent(Some(part.nominal_share)),
        percent(Some(part.effective_weight)),
        decimals(part.correlation, 2),
        percent(part.ratio_share),
        decimals(part.alpha, 2),
        decimals(part.rank_change, 2),
    ]
}
