//! What draws have shown of a cluster, as a sentence that a person can read out.

use super::factors::{MISSING, RADIUS};
use super::sensitivity::Effect;

/// A factor with a total index below this decides nothing.
const DECIDES: f64 = 0.1;

/// What a sentence tells of.
pub struct Told<'a> {
    /// The cluster.
    pub name: &'a str,
    /// Replicates.
    pub replicates: u32,
    /// The share of them in which it is a cluster.
    pub p_exists: f64,
    /// The most probable type and its probability.
    pub likeliest: Option<(&'a str, f64)>,
    /// The type as the pipeline file has everything; `None`: not known.
    pub nominal: Option<&'a str>,
    /// The factors, and what each does to whether it is of that type, or of the most probable one.
    pub effects: Option<(&'a [String], &'a [Effect])>,
}

impl Told<'_> {
    /// The sentence.
    pub fn reads(&self) -> String {
        let variants = format!("{} plausible variants", thousands(self.replicates));
        let Some((likeliest, probability)) = self.likeliest else {
            return format!("In none of {variants} is {} a cluster.", self.name);
        };
        let mut text =
            format!("In {} of {variants} {} is {}", percent(probability * self.p_exists), self.name, a(likeliest));
        if self.p_exists < 1.0 {
            text += &format!(", in {} no cluster", percent(1.0 - self.p_exists));
        }
        match self.nominal {
            None => text += "; too little is known of it to say so without drawing what is missing",
            Some(nominal) if nominal != likeliest => {
                text += &format!("; with the choices of the pipeline file it is {}", a(nominal))
            }
            Some(_) => {}
        }
        match self.decisive() {
            Some(factor) => text += &format!("; {}", decides(factor)),
            None if self.effects.is_none() => {}
            None => text += "; no choice alone decides",
        }
        text + "."
    }

    /// The factor with the greatest effect, if it is one.
    fn decisive(&self) -> Option<&str> {
        let (factors, effects) = self.effects?;
        let greatest = factors.iter().zip(effects).max_by(|a, b| a.1.size().total_cmp(&b.1.size()))?;
        (greatest.1.size() >= DECIDES).then_some(greatest.0)
    }
}

/// A share in percent; one that is not quite all, or not quite nothing, is not rounded to it.
fn percent(share: f64) -> String {
    let rounded = (100.0 * share).round();
    let is_all = share >= 1.0 - 1e-12;
    match rounded {
        100.0 if !is_all => "more than 99 %".into(),
        0.0 if share > 0.0 => "less than 1 %".into(),
        _ => format!("{rounded:.0} %"),
    }
}

/// A type with its article; one that is many has none.
fn a(name: &str) -> String {
    let starts_with_vowel = name.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    let is_many = name.ends_with('s') && !name.ends_with("ss");
    match (is_many, starts_with_vowel) {
        (true, _) => name.to_owned(),
        (false, true) => format!("an {name}"),
        (false, false) => format!("a {name}"),
    }
}

/// That a factor decides, in words.
pub fn decides(factor: &str) -> String {
    let words = |id: &str| id.replace('_', " ").replace("inter firm", "inter-firm");
    match (factor, factor.split_once('.')) {
        (_, Some(("thresholds", dimension))) => format!("the threshold of {} decides", words(dimension)),
        (_, Some(("aggregation", dimension))) => format!("how the components of {} combine decides", words(dimension)),
        ("weights", _) => "the weights decide".into(),
        ("goalposts", _) => "the goalposts decide".into(),
        ("indicator_set", _) => "which indicators are taken decides".into(),
        ("emissions", _) => "errors of emissions decide".into(),
        ("coordinates", _) => "errors of places decide".into(),
        ("layers", _) => "where infrastructure lies decides".into(),
        ("ties", _) => "which ties hold decides".into(),
        (MISSING, _) => "what is not known of it decides".into(),
        (RADIUS, _) => "the radius decides".into(),
        (other, _) => format!("the choice of {} decides", words(other)),
    }
}

/// A whole number with commas.
fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::super::sensitivity::Estimate;
    use super::*;

    #[test]
    fn sentences() {
        let factors = ["weights".to_owned(), "thresholds.inter_firm_linkages".to_owned()];
        let total = |value| Effect::Sobol {
            first: Estimate { value: 0.0, interval: None },
            total: Estimate { value, interval: None },
        };
        let effects = [total(0.2), total(0.5)];
        let told = Told {
            name: "Teesside",
            replicates: 1000,
            p_exists: 1.0,
            likeliest: Some(("classic cluster", 0.93)),
            nominal: Some("classic cluster"),
            effects: Some((&factors, &effects)),
        };
        assert_eq!(
            told.reads(),
            "In 93 % of 1,000 plausible variants Teesside is a classic cluster; the threshold of inter-firm linkages decides."
        );
        let told =
            Told { likeliest: Some(("dispersed sites", 0.999)), nominal: None, effects: None, p_exists: 0.5, ..told };
        assert_eq!(
            told.reads(),
            "In 50 % of 1,000 plausible variants Teesside is dispersed sites, in 50 % no cluster; too little is known of it to \
             say so without drawing what is missing."
        );
        let weak = [total(0.05), total(0.01)];
        let told = Told {
            likeliest: Some(("forerunner cluster", 0.9996)),
            nominal: Some("classic cluster"),
            effects: Some((&factors, &weak)),
            p_exists: 1.0,
            ..told
        };
        assert_eq!(
            told.reads(),
            "In more than 99 % of 1,000 plausible variants Teesside is a forerunner cluster; with the choices of the pipeline \
             file it is a classic cluster; no choice alone decides."
        );
        assert_eq!(
            Told { likeliest: None, ..told }.reads(),
            "In none of 1,000 plausible variants is Teesside a cluster."
        );
    }
}
