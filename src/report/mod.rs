//! A run's results to files: tables as CSV and Parquet, GIS layers, the HTML report, the manifest.
//! Computes no number that it prints.

mod html;
mod labels;
pub mod layers;
pub mod manifest;
mod networks;
mod outside;
mod spatial;
mod steps;
pub mod stored;
pub mod tables;

use std::path::Path;

use serde::Serialize;

use crate::classify::initiatives::{Home, Matched};
use crate::classify::levers::Levers;
use crate::classify::moves::Moves;
use crate::classify::{Class, Typology};
use crate::error::Result;
use crate::finding::Findings;
use crate::measure::settings::Indicator;
use crate::measure::{Dispersed, Measurements};
use crate::score::{Component, Dimension, Scores, Tree};
use crate::validate::{Account, Facilities, Initiative, Layer, Tally, TieTable};

/// All that a run has found.
pub struct Results<'a> {
    /// The pipeline's name.
    pub name: &'a str,
    /// The report's title.
    pub title: &'a str,
    /// What its reader must know.
    pub description: &'a str,
    /// The dimensions.
    pub dimensions: &'a [Dimension],
    /// The components.
    pub components: &'a [Component],
    /// The indicators.
    pub indicators: &'a [Indicator],
    /// The score tree.
    pub tree: &'a Tree,
    /// The register; `None` for figures alone.
    pub facilities: Option<&'a Facilities>,
    /// Infrastructure.
    pub layers: &'a [Layer],
    /// Links and memberships.
    pub ties: &'a [TieTable],
    /// Rows and tonnes of every source.
    pub accounts: &'a [Account],
    /// What was measured.
    pub measurements: &'a Measurements,
    /// One a unit.
    pub scores: &'a [Scores],
    /// The typology; `None` where the dimensions have none.
    pub typology: Option<&'a Typology>,
    /// One a unit.
    pub classes: &'a [Class],
    /// What would change each unit.
    pub levers: &'a [Levers],
    /// What became of each cluster.
    pub moves: &'a Moves,
    /// What is in no cluster.
    pub dispersed: &'a Dispersed,
    /// Place-based initiatives with their types and clusters.
    pub initiatives: &'a [(Initiative, Matched, Option<Home>)],
    /// What was learnt about the data.
    pub findings: &'a Findings,
}

/// Facilities and tonnes of one period, in clusters and outside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Split {
    /// The period.
    pub period: Option<i64>,
    /// Clusters that have a facility in it.
    pub clusters: u64,
    /// Facilities in clusters.
    pub clustered: Tally,
    /// Facilities in none: dispersed sites.
    pub dispersed: Tally,
    /// Of the dispersed sites those without coordinates.
    pub without_coordinates: Tally,
}

/// Which files to write.
#[derive(Debug, Clone, Copy)]
pub struct Formats {
    /// Tables as CSV.
    pub csv: bool,
    /// Tables as Parquet.
    pub parquet: bool,
    /// GIS layers as GeoJSON.
    pub geojson: bool,
    /// `report.html`.
    pub html: bool,
}

/// Writes everything but the manifest into a folder.
///
/// # Errors
///
/// [`crate::Error::Io`] if a file cannot be written.
pub fn write(results: &Results<'_>, formats: Formats, folder: &Path) -> Result<()> {
    for table in tables::all(results)? {
        table.write(formats, folder)?;
    }
    if formats.geojson {
        layers::write(results, folder)?;
    }
    if formats.html {
        let path = folder.join("report.html");
        std::fs::write(&path, html::render(results)?).map_err(crate::Error::io(&path))?;
    }
    Ok(())
}

/// Where the register's facilities and tonnes went, period by period.
pub fn splits(facilities: Option<&Facilities>, measurements: &Measurements) -> Vec<Split> {
    let Some(facilities) = facilities else { return Vec::new() };
    let empty = Tally { tonnes: Some(0.0), ..Tally::default() };
    let mut splits: Vec<Split> = Vec::new();
    let mut periods: Vec<Option<i64>> = facilities.period.clone();
    periods.sort_unstable();
    periods.dedup();
    for period in periods {
        let clusters = measurements.units.iter().filter(|unit| unit.period == period).count() as u64;
        let mut split = Split { period, clusters, clustered: empty, dispersed: empty, without_coordinates: empty };
        for row in (0..facilities.rows()).filter(|&row| facilities.period[row] == period) {
            let facility = facilities.facility[row];
            let inside = measurements.clusters.of_facility[facility].is_some();
            let side = if inside { &mut split.clustered } else { &mut split.dispersed };
            side.add(facilities.emissions_t[row]);
            if facilities.places[facility].is_none() {
                split.without_coordinates.add(facilities.emissions_t[row]);
            }
        }
        splits.push(split);
    }
    splits
}
