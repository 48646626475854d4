//! Who is tied to whom within clusters, and who might be.

use super::kinds::{self, networks};
use super::layers::{Indexes, surroundings};
use super::{Checked, Layout, Needs, Wanted, units_of_facilities, with_columns};
use crate::delineate::Clusters;
use crate::error::Result;
use crate::finding::Findings;
use crate::validate::Tables;

/// One kind of ties in one cluster and period: its facilities, and who is tied to whom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClusterPairs {
    /// The period.
    pub period: Option<i64>,
    /// Ids of the facilities, by place.
    pub ids: Vec<String>,
    /// Their operators.
    pub operators: Vec<Option<String>>,
    /// Whether each is observed.
    pub observed: Vec<bool>,
    /// Positions of those that are tied, the smaller first.
    pub tied: Vec<(u32, u32)>,
}

/// One kind of ties in all clusters.
#[derive(Debug, Clone, PartialEq)]
pub struct KindPairs {
    /// The kind.
    pub kind: String,
    /// One a unit.
    pub clusters: Vec<ClusterPairs>,
}

/// Who is tied to whom within clusters, in some kinds of ties.
///
/// # Errors
///
/// [`Error::Table`] if polars fails.
pub fn pairs(
    checked: &Checked,
    (tables, indexes): (&Tables, &Indexes),
    clusters: &Clusters,
    kinds: &[String],
) -> Result<Vec<KindPairs>> {
    let Some(facilities) = &tables.facilities else { return Ok(Vec::new()) };
    let mut findings = Findings::default();
    let (units, rows) = units_of_facilities(facilities, clusters);
    let layout = Layout { facilities, clusters, units: &units, rows: &rows };
    let needs = Needs { wanted: Wanted::Scores, checked, ties: &tables.ties };
    let around = surroundings(&layout, (tables.layers.as_slice(), indexes), &needs, &mut findings);
    let frame = with_columns(&layout, around.columns)?;
    let asked = kinds::Asked { links: true, wanted: Wanted::Scores };
    let ties = networks(tables, &layout, &frame, asked, &mut findings)?;
    kinds.iter().map(|kind| Ok(KindPairs { kind: kind.clone(), clusters: ties.pairs(kind, &layout)? })).collect()
}
