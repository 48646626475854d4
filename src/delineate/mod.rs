//! Facilities to clusters, once over all periods: by label, boundary, DBSCAN or HDBSCAN; their identity and names, how
//! they hold at other radii and what became of those of an earlier run. Looks at places and emissions only, never at
//! firms or scores.

pub mod dbscan;
mod groups;
pub mod hdbscan;
mod home;
mod naming;
pub mod overlap;
pub mod settings;
pub mod tiles;
pub mod trials;

use std::collections::{BTreeMap, HashMap, HashSet};

use polars::prelude::Float64Type;
use serde::{Deserialize, Serialize};

use crate::declared::at_least;
use crate::error::Result;
use crate::finding::{Findings, Rule, Severity};
use crate::validate::{Boundary, Facilities, Numbers, Place};
use crate::workers::Workers;
use groups::Group;
pub use home::{Home, Homes};
use naming::Naming;
use overlap::{Relation, Weight, overlaps, partners, relations, weights};
pub use settings::{Delineation, Method};
pub(crate) use tiles::{join_core, tell_core};

/// The clusters, ascending by id, and who is in them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Clusters {
    /// Ids, ascending.
    pub ids: Vec<String>,
    /// Display names, no two alike.
    pub names: Vec<String>,
    /// The cluster (position in [`Clusters::ids`]) of each facility; `None`: a dispersed site.
    pub of_facility: Vec<Option<usize>>,
    /// How the clusters hold at other radii, one entry a radius, ascending.
    pub stability: Vec<(f64, Comparison)>,
    /// What became of the clusters of an earlier run.
    pub lineage: Option<Comparison>,
}

impl Clusters {
    /// The same without how they hold and what they were.
    pub fn without_comparisons(&self) -> Self {
        let Self { ids, names, of_facility, .. } = self;
        Self { ids: ids.clone(), names: names.clone(), of_facility: of_facility.clone(), ..Self::default() }
    }
}

/// One way to group facilities held against another.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Comparison {
    /// Clusters the other way: id, name and weight.
    pub others: Vec<(String, String, Weight)>,
    /// Weight of each cluster of this run.
    pub own: Vec<Weight>,
    /// Pairs that share facilities, and those that share none. For `stability` the first way is this run's, for
    /// `lineage` the earlier run's.
    pub relations: Vec<Relation>,
}

/// The clusters of an earlier run.
#[derive(Debug, Default)]
pub struct Earlier {
    /// SHA-256 of the list of its outputs.
    pub sha256: String,
    /// Id and name of each cluster.
    pub clusters: Vec<(String, String)>,
    /// The cluster of each facility that was in one, by facility id.
    pub of_facility: HashMap<String, usize>,
}

/// What clusters are cut by and named after.
#[derive(Debug, Clone, Copy)]
pub struct Geography<'a> {
    /// `[boundaries]`.
    pub boundaries: &'a [Boundary],
    /// `[places]`.
    pub places: &'a [Place],
}

/// What groups are made of, and how.
#[derive(Clone, Copy)]
struct Ground<'a> {
    facilities: &'a Facilities,
    geography: Geography<'a>,
    settings: &'a Delineation,
    /// Other processes that look for clusters.
    workers: Option<&'a dyn Workers>,
}

/// Groups the facilities and names the groups. Where the method brings no ids, those that share most with a cluster of
/// the earlier run keep its id and name. Where there are `workers`, they do what DBSCAN does.
///
/// # Errors
///
/// [`crate::Error::Data`] if a facility lies in two boundaries and no priority decides, and those of the workers.
pub fn delineate(
    facilities: &Facilities,
    geography: Geography<'_>,
    settings: &Delineation,
    earlier: Option<&Earlier>,
    workers: Option<&dyn Workers>,
) -> Result<(Clusters, Findings)> {
    let mut findings = Findings::default();
    let ground = Ground { facilities, geography, settings, workers };
    let totals = totals(facilities, &facilities.emissions_t);
    let sizes = self::totals(facilities, &facilities.weights);
    let radius = settings.radius_km.main().unwrap_or_default();
    let groups = groups(ground, radius, &mut findings)?;
    let anchors: Vec<usize> = groups.iter().map(|group| largest(&sizes, &group.members)).collect();
    let of_facility = positions(facilities, &groups);
    let mut earlier = earlier.map(|earlier| Descent::new(earlier, facilities, &of_facility, groups.len(), &totals));
    let carries = !settings.method.gives_ids();
    let kept = |group: usize| earlier.as_ref().filter(|_| carries).and_then(|descent| descent.heir_of(group));
    let ids = ids(facilities, &groups, &sizes, &kept);
    let names: Vec<Option<String>> = (0..groups.len()).map(|group| kept(group).map(|(_, name)| name)).collect();
    let Geography { boundaries, places } = geography;
    let naming = Naming { facilities, boundaries, places, totals: &sizes };
    let names = naming.names(&groups, &anchors, &names, settings);
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|&a, &b| ids[a].cmp(&ids[b]));
    let mut rank = vec![0; order.len()];
    order.iter().enumerate().for_each(|(position, &group)| rank[group] = position);
    let of_facility: Vec<Option<usize>> = of_facility.into_iter().map(|group| group.map(|group| rank[group])).collect();
    let mut clusters = Clusters {
        ids: order.iter().map(|&group| ids[group].clone()).collect(),
        names: order.iter().map(|&group| names[group].clone()).collect(),
        of_facility,
        ..Clusters::default()
    };
    clusters.lineage = earlier.take().map(|descent| descent.comparison(&clusters, &totals));
    for radius in settings.radius_km.others() {
        let comparison = at_radius(ground, radius, &clusters, &totals)?;
        clusters.stability.push((radius, comparison));
    }
    note_radii(settings, &clusters, &mut findings);
    Ok((clusters, findings))
}

/// Groups at one radius, grown, without those that are too small.
fn groups(ground: Ground<'_>, radius_km: f64, findings: &mut Findings) -> Result<Vec<Group>> {
    let Ground { facilities, geography, settings, workers } = ground;
    let (mut groups, grown) = groups::group((facilities, geography.boundaries), settings, radius_km, workers)?;
    let least = if settings.method.gives_ids() { settings.min_facilities.unwrap_or(1) } else { 1 };
    let found = groups.len();
    groups.retain(|group| group.members.len() >= least);
    groups.retain(|group| {
        settings.min_emissions_t.is_none_or(|min| at_least(greatest_period(facilities, &group.members), min))
    });
    let mut add = |rule, message: &str, count| {
        findings.add(Severity::Info, "facilities", rule, message.to_owned(), count);
    };
    let message = "groups below min_facilities or min_emissions_t: dissolved into dispersed sites";
    add(Rule::Dissolved, message, found - groups.len());
    add(Rule::Grown, "facilities in no group joined the nearest one within `grow`", grown);
    if settings.method == Method::Boundary {
        let message = "boundaries without a facility: no cluster";
        add(Rule::EmptyBoundary, message, geography.boundaries.len() - found);
    }
    Ok(groups)
}

/// The given id, that of the earlier run, or `c-` and the id of the largest facility whose id is free.
fn ids(
    facilities: &Facilities,
    groups: &[Group],
    totals: &[Option<f64>],
    kept: &impl Fn(usize) -> Option<(String, String)>,
) -> Vec<String> {
    let of_group = |(group, given): (usize, &Group)| match &given.given {
        Some((id, _)) => Some(id.clone()),
        None => kept(group).map(|(id, _)| id),
    };
    let known: Vec<Option<String>> = groups.iter().enumerate().map(of_group).collect();
    let mut taken: HashSet<String> = known.iter().flatten().cloned().collect();
    let mut ids = Vec::with_capacity(groups.len());
    for (known, group) in known.into_iter().zip(groups) {
        let id = known.unwrap_or_else(|| {
            let own = |site: usize| format!("c-{}", &facilities.ids[site]);
            let free = |id: &String| !taken.contains(id);
            let first = Some(own(largest(totals, &group.members))).filter(free);
            let other = || by_size(totals, &group.members).into_iter().map(own).find(free);
            first.or_else(other).unwrap_or_else(|| format!("{}-2", own(group.members[0])))
        });
        taken.insert(id.clone());
        ids.push(id);
    }
    ids
}

/// The clusters of an earlier run beside the groups of this one.
struct Descent<'a> {
    earlier: &'a Earlier,
    /// The earlier cluster of each facility of this run.
    before: Vec<Option<usize>>,
    /// The earlier cluster that each group continues.
    heir: Vec<Option<usize>>,
}

impl<'a> Descent<'a> {
    fn new(
        earlier: &'a Earlier,
        facilities: &Facilities,
        of_facility: &[Option<usize>],
        groups: usize,
        totals: &[Option<f64>],
    ) -> Self {
        let before: Vec<Option<usize>> = facilities.ids.iter().map(|id| earlier.of_facility.get(id).copied()).collect();
        let heir = partners(&overlaps(&before, of_facility, totals), groups);
        Self { earlier, before, heir }
    }

    /// Id and name that a group carries on.
    fn heir_of(&self, group: usize) -> Option<(String, String)> {
        self.heir[group].map(|earlier| self.earlier.clusters[earlier].clone())
    }

    fn comparison(&self, clusters: &Clusters, totals: &[Option<f64>]) -> Comparison {
        let count = self.earlier.clusters.len();
        let shared = overlaps(&self.before, &clusters.of_facility, totals);
        let weights_before = weights(count, &self.before, totals);
        let named = |((id, name), weight): (&(String, String), Weight)| (id.clone(), name.clone(), weight);
        Comparison {
            others: self.earlier.clusters.iter().zip(weights_before).map(named).collect(),
            own: weights(clusters.ids.len(), &clusters.of_facility, totals),
            relations: relations(&shared, count, clusters.ids.len()),
        }
    }
}

/// The clusters held against those at another radius.
fn at_radius(ground: Ground<'_>, radius_km: f64, clusters: &Clusters, totals: &[Option<f64>]) -> Result<Comparison> {
    let facilities = ground.facilities;
    let groups = groups(ground, radius_km, &mut Findings::default())?;
    let of_facility = positions(facilities, &groups);
    let sizes = self::totals(facilities, &facilities.weights);
    let shared = overlaps(&clusters.of_facility, &of_facility, totals);
    let other = |(group, weight): (&Group, Weight)| {
        let largest = largest(&sizes, &group.members);
        (format!("c-{}", &facilities.ids[largest]), facilities.names[largest].to_owned(), weight)
    };
    let weights_there = weights(groups.len(), &of_facility, totals);
    Ok(Comparison {
        others: groups.iter().zip(weights_there).map(other).collect(),
        own: weights(clusters.ids.len(), &clusters.of_facility, totals),
        relations: relations(&shared, clusters.ids.len(), groups.len()),
    })
}

fn note_radii(settings: &Delineation, clusters: &Clusters, findings: &mut Findings) {
    if let (Some(main), false) = (settings.radius_km.main(), clusters.stability.is_empty()) {
        let counts = clusters.stability.iter().map(|(radius, other)| format!("{} at {radius} km", other.others.len()));
        let counts: Vec<String> = counts.collect();
        let message = format!(
            "the clusters are those at {main} km, the middle of radius_km ({}); {}: see stability.csv",
            clusters.ids.len(),
            counts.join(", ")
        );
        findings.add(Severity::Info, "facilities", Rule::SeveralRadii, message, 1);
    }
}

/// The group of each facility.
fn positions(facilities: &Facilities, groups: &[Group]) -> Vec<Option<usize>> {
    let mut of_facility = vec![None; facilities.ids.len()];
    for (position, group) in groups.iter().enumerate() {
        group.members.iter().for_each(|&member| of_facility[member] = Some(position));
    }
    of_facility
}

/// Emissions or weights a facility, summed over periods; `None` where no period has any.
fn totals(facilities: &Facilities, values: &Numbers<Float64Type>) -> Vec<Option<f64>> {
    let mut totals = vec![None; facilities.ids.len()];
    for (row, &facility) in facilities.facility.iter().enumerate() {
        if let Some(value) = values.get(row) {
            *totals[facility].get_or_insert(0.0) += value;
        }
    }
    totals
}

/// The facility of greatest total weight (ties and no weight: the smallest id).
fn largest(totals: &[Option<f64>], members: &[usize]) -> usize {
    let size = |member: usize| totals[member].unwrap_or(f64::NEG_INFINITY);
    members.iter().copied().reduce(|a, b| if size(b) > size(a) { b } else { a }).unwrap_or_default()
}

/// Facilities by falling total weight (ties: the smaller id; those without one last).
fn by_size(totals: &[Option<f64>], members: &[usize]) -> Vec<usize> {
    let size = |member: usize| totals[member].unwrap_or(f64::NEG_INFINITY);
    let mut order = members.to_vec();
    order.sort_by(|&a, &b| size(b).total_cmp(&size(a)).then(a.cmp(&b)));
    order
}

fn greatest_period(facilities: &Facilities, members: &[usize]) -> f64 {
    let mut periods: BTreeMap<Option<i64>, f64> = BTreeMap::new();
    for member in members {
        let first = facilities.facility.partition_point(|facility| facility < member);
        for row in (first..facilities.rows()).take_while(|&row| facilities.facility[row] == *member) {
            *periods.entry(facilities.period.get(row)).or_default() += facilities.emissions_t.get(row).unwrap_or(0.0);
        }
    }
    periods.into_values().fold(0.0, f64::max)
}
