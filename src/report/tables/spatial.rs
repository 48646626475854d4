//! Tables about clusters in space: what they reach, how they hold at other radii, what became of earlier ones, and how
//! sectors concentrate in them.

use indexmap::IndexSet;

use super::{OutputTable, Written, column, frame, keys};
use crate::declared::at_most;
use crate::delineate::Comparison;
use crate::delineate::overlap::{Relation, Weight};
use crate::error::Result;
use crate::measure::Reach;
use crate::names::EMISSIONS;
use crate::report::Results;

/// The tables that the run has rows for.
pub(super) fn all(results: &Results<'_>) -> Result<Vec<OutputTable<'static>>> {
    let mut tables = Vec::new();
    if !results.details.reach.is_empty() {
        tables.push(reach(results)?);
    }
    if results.facilities().is_some() {
        tables.extend([sectors(results)?, concentration(results)?]);
    }
    if !results.measured.clusters.stability.is_empty() {
        tables.push(stability(results)?);
    }
    if let Some(lineage) = &results.measured.clusters.lineage {
        tables.push(self::lineage(results, lineage)?);
    }
    Ok(tables)
}

/// One row a cluster and feature that it reaches.
fn reach(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.details.reach;
    let clusters = &results.measured.clusters;
    let layer = |at: usize| &results.tables.layers[at];
    let mut columns = vec![
        column("cluster_id", rows.iter().map(|row| clusters.ids[row.cluster].as_str()).collect::<Vec<&str>>()),
        column("cluster_name", rows.iter().map(|row| clusters.names[row.cluster].as_str()).collect::<Vec<&str>>()),
        column("layer", rows.iter().map(|row| layer(row.layer).name.as_str()).collect::<Vec<&str>>()),
    ];
    let feature = |row: &Reach| &layer(row.layer).features[row.nearest.feature];
    let facility = |row: &Reach| results.facilities().map(|register| &register.ids[row.facility]);
    let within = |row: &Reach| layer(row.layer).reach_km.map(|reach| at_most(row.nearest.km, reach));
    columns.push(column("feature", rows.iter().map(|row| feature(row).id.as_str()).collect::<Vec<&str>>()));
    columns.push(column("feature_name", rows.iter().map(|row| feature(row).name.as_deref()).collect::<Vec<_>>()));
    columns.push(column("km", rows.iter().map(|row| row.nearest.km).collect::<Vec<f64>>()));
    columns.push(column("within_km", rows.iter().map(|row| row.within_km).collect::<Vec<_>>()));
    columns.push(column("facility_id", rows.iter().map(facility).collect::<Vec<_>>()));
    columns.push(column("within_reach", rows.iter().map(within).collect::<Vec<_>>()));
    let names: IndexSet<&String> =
        results.tables.layers.iter().flat_map(|layer| &layer.sums).map(|(name, _)| name).collect();
    for name in names {
        let value = |row: &Reach| {
            let sums = layer(row.layer).sums.iter().find(|(sum, _)| sum == name);
            sums.and_then(|(_, values)| values[row.nearest.feature])
        };
        columns.push(column(name, rows.iter().map(value).collect::<Vec<_>>()));
    }
    OutputTable::new(results, "reach", Written::Csv, frame(columns)?)
}

/// One row a cluster, period and sector.
fn sectors(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.details.agglomeration.sectors;
    let key = |unit: usize| keys(results, &results.measured.units[unit]);
    let frame = frame(vec![
        column("cluster_id", rows.iter().map(|row| key(row.unit).0).collect::<Vec<&str>>()),
        column("period", rows.iter().map(|row| key(row.unit).1).collect::<Vec<_>>()),
        column("sector", rows.iter().map(|row| row.sector.as_str()).collect::<Vec<&str>>()),
        column("facility_count", rows.iter().map(|row| row.facilities).collect::<Vec<u64>>()),
        column(EMISSIONS, rows.iter().map(|row| row.emissions_t).collect::<Vec<_>>()),
        column("share", rows.iter().map(|row| row.share).collect::<Vec<f64>>()),
        column("location_quotient", rows.iter().map(|row| row.location_quotient).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "sectors", Written::Csv, frame)
}

/// One row a period over all sectors, then one a sector.
fn concentration(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let rows = &results.details.agglomeration.concentration;
    let frame = frame(vec![
        column("period", rows.iter().map(|row| row.period).collect::<Vec<_>>()),
        column("sector", rows.iter().map(|row| row.sector.as_deref()).collect::<Vec<_>>()),
        column("facility_count", rows.iter().map(|row| row.facilities).collect::<Vec<u64>>()),
        column(EMISSIONS, rows.iter().map(|row| row.emissions_t).collect::<Vec<_>>()),
        column("clustered_share", rows.iter().map(|row| row.clustered_share).collect::<Vec<_>>()),
        column("herfindahl", rows.iter().map(|row| row.herfindahl).collect::<Vec<_>>()),
        column("ellison_glaeser", rows.iter().map(|row| row.ellison_glaeser).collect::<Vec<_>>()),
        column("moran_i", rows.iter().map(|row| row.moran_i).collect::<Vec<_>>()),
        column("geary_c", rows.iter().map(|row| row.geary_c).collect::<Vec<_>>()),
    ])?;
    OutputTable::new(results, "concentration", Written::Csv, frame)
}

/// One row a pair of groups; `None` on either side where a group shares nothing.
struct Pair<'a> {
    radius_km: Option<f64>,
    comparison: &'a Comparison,
    relation: &'a Relation,
    /// This run's cluster.
    own: Option<usize>,
    /// The other way's.
    other: Option<usize>,
}

impl Pair<'_> {
    fn other(&self) -> Option<&(String, String, Weight)> {
        self.other.map(|other| &self.comparison.others[other])
    }

    fn own_weight(&self) -> Option<Weight> {
        self.own.map(|own| self.comparison.own[own])
    }
}

/// One row a radius, cluster and group there that shares facilities with it; groups without a partner stand alone.
fn stability(results: &Results<'_>) -> Result<OutputTable<'static>> {
    let mut pairs = Vec::new();
    for (radius, comparison) in &results.measured.clusters.stability {
        pairs.extend(comparison.relations.iter().map(|relation| Pair {
            radius_km: Some(*radius),
            comparison,
            relation,
            own: relation.a,
            other: relation.b,
        }));
    }
    pairs_table(results, "stability", &pairs, "other")
}

/// One row an earlier cluster and one of this run that shares facilities with it.
fn lineage(results: &Results<'_>, comparison: &Comparison) -> Result<OutputTable<'static>> {
    let pair = |relation| Pair { radius_km: None, comparison, relation, own: relation.b, other: relation.a };
    let pairs: Vec<Pair<'_>> = comparison.relations.iter().map(pair).collect();
    pairs_table(results, "lineage", &pairs, "previous")
}

fn pairs_table(
    results: &Results<'_>,
    name: &'static str,
    pairs: &[Pair<'_>],
    other: &str,
) -> Result<OutputTable<'static>> {
    let clusters = &results.measured.clusters;
    let mut columns = Vec::new();
    if name == "stability" {
        columns.push(column("radius_km", pairs.iter().map(|pair| pair.radius_km).collect::<Vec<_>>()));
    }
    let own = |names: &'_ [String], pair: &Pair<'_>| pair.own.map(|own| names[own].clone());
    let texts = |pick: &dyn Fn(&Pair<'_>) -> Option<String>| pairs.iter().map(pick).collect::<Vec<_>>();
    columns.push(column("event", pairs.iter().map(|pair| pair.relation.fate.as_str()).collect::<Vec<&str>>()));
    columns.push(column("cluster_id", texts(&|pair| own(&clusters.ids, pair))));
    columns.push(column("cluster_name", texts(&|pair| own(&clusters.names, pair))));
    columns.push(column(&format!("{other}_id"), texts(&|pair| pair.other().map(|other| other.0.clone()))));
    columns.push(column(&format!("{other}_name"), texts(&|pair| pair.other().map(|other| other.1.clone()))));
    let ours: Vec<Option<Weight>> = pairs.iter().map(Pair::own_weight).collect();
    let theirs = pairs.iter().map(|pair| pair.other().map(|other| other.2)).collect();
    let shared = pairs.iter().map(|pair| Some(pair.relation.shared)).collect();
    for (prefix, weights) in [(String::new(), ours), (format!("{other}_"), theirs), ("shared_".to_owned(), shared)] {
        let counts = weights.iter().map(|weight| weight.map(|weight| weight.facilities as u64));
        let tonnes = weights.iter().map(|weight| weight.map(|weight| weight.emissions_t));
        columns.push(column(&format!("{prefix}facility_count"), counts.collect::<Vec<_>>()));
        columns.push(column(&format!("{prefix}emissions_t"), tonnes.collect::<Vec<_>>()));
    }
    OutputTable::new(results, name, Written::Csv, frame(columns)?)
}
