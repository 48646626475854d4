//! Who is tied to whom within clusters, and who might be.

use super::agglomeration::agglomeration;
use super::kinds::{self, KindPairs, networks};
use super::layers::{Indexes, surroundings};
use super::{Checked, LOCAL_MORAN, Layout, Needs, Wanted, local_moran_columns, units_of_facilities, with_columns};
use crate::delineate::Clusters;
use crate::error::Result;
use crate::finding::Findings;
use crate::validate::Tables;

/// Who is tied to whom within clusters, in some kinds of ties.
///
/// # Errors
///
/// [`crate::Error::Table`] if polars fails.
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
    let around = surroundings(Some(&layout), (tables.layers.as_slice(), indexes), &needs, &mut findings)?;
    let needs_moran = LOCAL_MORAN.iter().any(|(name, _)| needs.column(name));
    let moran = needs_moran.then(|| local_moran_columns(&agglomeration(&layout))).into_iter().flatten();
    let frame = with_columns(&layout, around.columns.into_iter().chain(moran).collect())?;
    let asked = kinds::Asked { links: true, wanted: Wanted::Scores };
    let ties = networks(tables, &layout, &frame, asked, &mut findings)?;
    kinds.iter().map(|kind| Ok(KindPairs { kind: kind.clone(), clusters: ties.pairs(kind, &layout)? })).collect()
}
