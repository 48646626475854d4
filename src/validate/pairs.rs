//! Facilities of two registers that may be one: proposed by distance and name, for a person to accept as the pairs of a join.

use std::collections::BTreeMap;

use serde::Serialize;

use super::crs::Crs;
use super::facilities::Facilities;
use super::numerals::Numerals;
use super::operators::{normalised, similarity};
use super::settings::FacilitySource;
use crate::error::{Error, Problem, Result};
use crate::globe::geodesy::distance_km;
use crate::sources::{Join, Request, Source, sift};

/// Facilities no farther apart than this may be one, km, where the pipeline file says nothing else.
const NEAR_KM: f64 = 2.0;
/// Names of sites at one place need not be alike.
const LEAST_NEARBY: f64 = 0.6;

/// Two facilities that may be one.
#[derive(Debug, Clone, Serialize)]
pub struct Pair {
    /// The key here.
    pub here: String,
    /// The key in the joined file.
    pub there: String,
    /// How a person knows.
    pub source: String,
    /// Their distance, km; `None` where one has no place.
    pub km: Option<f64>,
    /// How alike their names are, 0 to 1: Jaro-Winkler of the normalised names.
    pub similarity: f64,
    /// The name here.
    pub name_here: String,
    /// The name there.
    pub name_there: String,
}

/// A row of the joined file.
struct Other {
    key: String,
    name: String,
    normalised: String,
    place: Option<(f64, f64)>,
}

/// Proposes pairs: near each other with names that have something in common, or, without places, with names that are alike by
/// `least`; each the best for both.
///
/// # Errors
///
/// [`crate::Error::Pipeline`] for a pipeline without such a join, [`crate::Error::Data`] for a file that does not read.
pub fn pairs(
    facilities: &Facilities,
    source: &FacilitySource,
    folder: &std::path::Path,
    least: f64,
) -> Result<Vec<Pair>> {
    let join = source.join.as_ref().ok_or_else(|| {
        let hint =
            "add [facilities.join] with path, on, and match = { name = \"COLUMN\", x = \"COLUMN\", y = \"COLUMN\" }";
        Error::pipeline(Problem::new("facilities", "there is no joined file to find pairs in", hint))
    })?;
    check_key(source, join)?;
    let others = read(join, folder)?;
    let within = join.r#match.as_ref().and_then(|by| by.within_km).unwrap_or(NEAR_KM);
    let found = candidates(facilities, &others, within, least);
    Ok(best(found)
        .into_iter()
        .map(|(here, there, km, similarity)| Pair {
            here: facilities.ids[here].to_owned(),
            there: others[there].key.clone(),
            source: String::new(),
            km,
            similarity,
            name_here: facilities.names[here].to_owned(),
            name_there: others[there].name.clone(),
        })
        .collect())
}

/// Pairs that may be: score, position here and there, distance, similarity.
type Candidate = (f64, usize, usize, Option<f64>, f64);

/// All that are near enough, or where one has no place alike enough.
fn candidates(facilities: &Facilities, others: &[Other], within: f64, least: f64) -> Vec<Candidate> {
    /// No degree of latitude is shorter, km.
    const KM_A_DEGREE: f64 = 110.0;
    let names: Vec<String> = facilities.names.iter().map(normalised).collect();
    let mut found: Vec<Candidate> = Vec::new();
    let mut by_latitude: Vec<usize> = (0..others.len()).collect();
    let latitude = |at: usize| others[at].place.map_or(f64::INFINITY, |place| place.1);
    by_latitude.sort_by(|&a, &b| latitude(a).total_cmp(&latitude(b)));
    for (here, name) in names.iter().enumerate() {
        let place = facilities.places[here];
        let reach = within / KM_A_DEGREE;
        let window = match place {
            Some((_, lat)) => {
                by_latitude.partition_point(|&at| latitude(at) < lat - reach)
                    ..by_latitude.partition_point(|&at| latitude(at) <= lat + reach)
            }
            None => 0..by_latitude.len(),
        };
        let unplaced = by_latitude.partition_point(|&at| latitude(at).is_finite())..by_latitude.len();
        let unplaced = unplaced.filter(|_| place.is_some());
        for &there in window.chain(unplaced).map(|at| &by_latitude[at]) {
            let km = place.zip(others[there].place).map(|(a, b)| distance_km(a, b));
            if km.is_some_and(|km| km > within) {
                continue;
            }
            let alike =
                if *name == others[there].normalised { 1.0 } else { similarity(name, &others[there].normalised) };
            let nearness = km.map_or(0.0, |km| 1.0 - km / within.max(f64::MIN_POSITIVE));
            if alike >= km.map_or(least, |_| LEAST_NEARBY.min(least)) {
                found.push((alike + nearness, here, there, km, alike));
            }
        }
    }
    found
}

/// Of scored pairs those that are the best for both, by the facility here.
fn best(mut found: Vec<Candidate>) -> Vec<(usize, usize, Option<f64>, f64)> {
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut here, mut there) = (BTreeMap::new(), BTreeMap::new());
    for pair in &found {
        here.entry(pair.1).or_insert(pair.2);
        there.entry(pair.2).or_insert(pair.1);
    }
    found.sort_by_key(|pair| (pair.1, pair.2));
    let is_best = |pair: &&Candidate| here[&pair.1] == pair.2 && there[&pair.2] == pair.1;
    found.iter().filter(is_best).map(|&(_, here, there, km, alike)| (here, there, km, alike)).collect()
}

/// Pairs are of ids: the key of the join must be the column of `id`.
fn check_key(source: &FacilitySource, join: &Join) -> Result<()> {
    let pairs = join.pairs();
    let id = source.columns.get("id").filter(|spec| spec.remove.is_none() && spec.recode.is_empty());
    let is_id = |column: &str| id.is_some_and(|spec| spec.column.0 == [column]);
    if matches!(pairs.as_slice(), [(here, _)] if is_id(here)) {
        return Ok(());
    }
    let hint = "on = { \"COLUMN OF id\" = \"KEY THERE\" }";
    Err(Error::pipeline(Problem::new(
        "facilities.join.on",
        "pairs are found where the one key of the join is the column of `id`",
        hint,
    )))
}

fn read(join: &Join, folder: &std::path::Path) -> Result<Vec<Other>> {
    let by = join.r#match.clone().unwrap_or_default();
    let name = by.name.ok_or_else(|| {
        Error::pipeline(Problem::new(
            "facilities.join.match",
            "the column of names in the joined file is not said",
            "add match = { name = \"COLUMN\" }",
        ))
    })?;
    let crs =
        Crs::new(by.crs.as_deref().unwrap_or("EPSG:4326"), "facilities.join.match.crs").map_err(Error::pipeline)?;
    let reading = join.reading();
    let key = join.pairs()[0].1.to_owned();
    let wanted: Vec<String> =
        [Some(key.clone()), Some(name.clone()), by.x.clone(), by.y.clone()].into_iter().flatten().collect();
    let request = Request { required: wanted, ..Request::everything("facilities.join", folder, &reading) };
    let source = Source::open(&request)?;
    let position = |column: &str| source.position(column);
    let numerals = Numerals::of(&reading);
    let columns =
        (position(&key), position(&name), by.x.as_deref().and_then(position), by.y.as_deref().and_then(position));
    let (Some(key), Some(name), x, y) = columns else { return Ok(Vec::new()) };
    let mut others = Vec::new();
    source.stream(&|batch| Ok(batch), &mut |batch| {
        let (left, _) = sift(&source.raw_filters, &batch)?;
        for row in left {
            let (Some(key), Some(name)) = (batch.cell(row, key), batch.cell(row, name)) else { continue };
            let number = |column: Option<usize>| batch.cell(row, column?).and_then(|text| numerals.number(text));
            let mapped = number(x).zip(number(y)).and_then(|(x, y)| crs.to_lon_lat(x, y));
            let own = batch.geometry(row).and_then(|geometry| match geometry {
                geo::Geometry::Point(point) => crs.to_lon_lat(point.x(), point.y()),
                _ => None,
            });
            let (key, name) = (key.to_owned(), name.to_owned());
            others.push(Other { normalised: normalised(&name), key, name, place: mapped.or(own) });
        }
        Ok(())
    })?;
    Ok(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_the_best_for_both() {
        let found =
            vec![(1.5, 0, 0, None, 0.9), (1.4, 1, 0, None, 0.9), (1.2, 1, 1, None, 0.8), (1.0, 0, 1, None, 0.7)];
        let pairs: Vec<(usize, usize)> = best(found).into_iter().map(|pair| (pair.0, pair.1)).collect();
        assert_eq!(pairs, [(0, 0)]);
    }
}
