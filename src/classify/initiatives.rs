//! Place-based initiatives to their types, with what decided, what is missing and who came close; and to clusters.

use indexmap::IndexMap;
use serde::Deserialize;

use crate::delineate::{Clusters, Home, Homes};
use crate::error::{Error, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::validate::{ATTRIBUTES, Facilities, Initiative, Tables};

const TYPES: &str = include_str!("initiative_types.toml");

/// A type of place-based initiative.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitiativeType {
    /// Its name.
    pub id: String,
    /// What it is.
    pub description: String,
    /// Where that comes from.
    pub source: String,
    /// What it asks for, by attribute.
    pub when: IndexMap<String, String>,
}

#[derive(Deserialize)]
struct TypeFile {
    types: Vec<InitiativeType>,
}

/// The five types.
///
/// # Errors
///
/// None, unless the file that they are built from is damaged.
pub fn types() -> Result<Vec<InitiativeType>> {
    let wrong = |error: toml::de::Error| Error::Defect { message: format!("initiative_types.toml: {error}") };
    toml::from_str(TYPES).map(|file: TypeFile| file.types).map_err(wrong)
}

/// One initiative with its types.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matched {
    /// Positions of the types that fit best: one, several that fit alike, or none that fits.
    pub types: Vec<usize>,
    /// Attributes of the best that agree.
    pub agree: Vec<&'static str>,
    /// Attributes that agree with the best and that another type was excluded by.
    pub decided_by: Vec<&'static str>,
    /// Attributes that are not known and that a type which is not excluded asks for.
    pub missing: Vec<&'static str>,
    /// Types that are not excluded but agree in less, with the number of attributes that agree, best first.
    pub runners_up: Vec<(usize, usize)>,
    /// Types that are excluded, with the attributes that contradict them.
    pub excluded: Vec<(usize, Vec<&'static str>)>,
}

/// An initiative with its types and its cluster.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The initiative.
    pub initiative: Initiative,
    /// Its types.
    pub matched: Matched,
    /// Its cluster; `None` where it has none.
    pub home: Option<Home>,
}

/// Gives every initiative its types and its cluster.
///
/// # Errors
///
/// As [`types`].
pub fn assign(tables: &Tables, clusters: &Clusters, within_km: f64) -> Result<(Vec<Assignment>, Findings)> {
    let types = types()?;
    let mut findings = Findings::default();
    let homes = homes(&tables.initiatives, clusters, tables.facilities.as_ref(), within_km, &mut findings);
    let assigned = tables.initiatives.iter().zip(homes).map(|(initiative, home)| Assignment {
        matched: matched(&types, initiative),
        initiative: initiative.clone(),
        home,
    });
    Ok((assigned.collect(), findings))
}

/// Matches an initiative: a type is excluded by a known attribute that contradicts it; of the rest those stand that agree
/// in most attributes.
///
/// # Source
///
/// Rattle & Taylor (2025), Table 1.
pub fn matched(types: &[InitiativeType], initiative: &Initiative) -> Matched {
    let value = |attribute: &str| {
        let position = ATTRIBUTES.iter().position(|(name, _)| *name == attribute)?;
        initiative.attributes[position].as_deref()
    };
    let among = |kind: &InitiativeType, holds: &dyn Fn(&str, Option<&str>) -> bool| -> Vec<&'static str> {
        let asked = ATTRIBUTES.iter().filter_map(|(name, _)| Some((*name, kind.when.get(*name)?)));
        asked.filter(|(name, wanted)| holds(wanted, value(name))).map(|(name, _)| name).collect()
    };
    let agrees = |wanted: &str, found: Option<&str>| found == Some(wanted);
    let contradicts = |wanted: &str, found: Option<&str>| found.is_some_and(|found| found != wanted);
    let is_missing = |_: &str, found: Option<&str>| found.is_none();
    let (mut result, mut open) = (Matched::default(), Vec::new());
    for (at, kind) in types.iter().enumerate() {
        let against = among(kind, &contradicts);
        if against.is_empty() {
            open.push((at, among(kind, &agrees).len()))
        } else {
            result.excluded.push((at, against))
        }
    }
    let most = open.iter().map(|(_, count)| *count).max().unwrap_or(0);
    open.sort_by_key(|&(at, count)| (std::cmp::Reverse(count), at));
    for (at, count) in open {
        if count == most { result.types.push(at) } else { result.runners_up.push((at, count)) }
    }
    let of = |kinds: &[usize], holds: &dyn Fn(&str, Option<&str>) -> bool| -> Vec<&'static str> {
        let all: Vec<&str> = kinds.iter().flat_map(|&at| among(&types[at], holds)).collect();
        ATTRIBUTES.iter().map(|(name, _)| *name).filter(|name| all.contains(name)).collect()
    };
    result.agree = of(&result.types, &agrees);
    let excluding = |name: &&&str| result.excluded.iter().any(|(_, against)| against.contains(*name));
    result.decided_by = result.agree.iter().filter(excluding).copied().collect();
    let still_open: Vec<usize> =
        result.types.iter().copied().chain(result.runners_up.iter().map(|(at, _)| *at)).collect();
    result.missing = of(&still_open, &is_missing);
    result
}

/// The cluster of each initiative: the one that it names by id or name, else that of the facility that it names, else the
/// nearest within `within_km` of its place, else the one that has its own name.
fn homes(
    initiatives: &[Initiative],
    clusters: &Clusters,
    register: Option<&Facilities>,
    within_km: f64,
    findings: &mut Findings,
) -> Vec<Option<Home>> {
    let all = Homes::new(clusters, register);
    let mut lost = 0;
    let found = initiatives.iter().map(|initiative| {
        if let Some(name) = &initiative.cluster {
            match all.named(name) {
                Some(found) => return Some(found),
                None => lost += 1,
            }
        }
        let facility = initiative.facility.as_deref().and_then(|id| all.of_facility(id));
        let near = || initiative.place.and_then(|place| all.near(place, within_km));
        facility.or_else(near).or_else(|| all.named(&initiative.name))
    });
    let found = found.collect();
    let message = "initiatives that name a cluster which this run does not have".to_owned();
    findings.add(Severity::Warning, "initiatives", Rule::UnknownCluster, message, lost);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn initiative(attributes: [&str; 5]) -> Initiative {
        Initiative {
            name: "x".into(),
            country: None,
            attributes: attributes.map(|value| Some(value.to_owned()).filter(|value| !value.is_empty())),
            cluster: None,
            facility: None,
            place: None,
            file: "f".into(),
            line: 2,
        }
    }

    #[test]
    fn what_decides_and_what_is_missing() {
        let types = types().unwrap();
        let name = |at: &usize| types[*at].id.as_str();
        let oasis = matched(&types, &initiative(["hydrogen_production", "export", "", "", ""]));
        assert_eq!(oasis.types.iter().map(name).collect::<Vec<_>>(), ["hydrogen_oasis"]);
        assert_eq!(oasis.decided_by, ["objective", "market"]);
        assert_eq!(oasis.missing, ["co_location"]);
        let either = matched(&types, &initiative(["hydrogen_production", "", "yes", "", ""]));
        assert_eq!(either.types.iter().map(name).collect::<Vec<_>>(), ["hydrogen_hub", "hydrogen_oasis"]);
        assert_eq!(either.missing, ["market", "existing_area"]);
        let hub = matched(&types, &initiative(["", "domestic", "yes", "yes", "no"]));
        assert_eq!(hub.types.iter().map(name).collect::<Vec<_>>(), ["hydrogen_hub"]);
        assert_eq!(
            hub.runners_up.iter().map(|(at, count)| (name(at), *count)).collect::<Vec<_>>(),
            [("ccus_cluster", 1)]
        );
        let nothing = matched(&types, &initiative(["co2_capture", "", "no", "", ""]));
        assert!(nothing.types.is_empty() && nothing.excluded.len() == 5);
    }
}
