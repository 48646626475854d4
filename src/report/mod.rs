//! A run's results to files: tables as CSV and Parquet, GIS layers, the HTML report, the manifest.
//! Computes no number that it prints.

pub mod columns;
pub mod formats;
pub mod manifest;
mod page;
pub mod shapes;
pub mod stored;
pub mod tables;
mod types;

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use crate::classify::initiatives::{Home, Matched};
use crate::classify::levers::Levers;
use crate::classify::moves::Moves;
use crate::classify::{Class, Typology};
use crate::delineate::Delineation;
use crate::error::{Error, Result};
use crate::finding::Findings;
use crate::measure::settings::Indicator;
use crate::measure::{Dispersed, Measurements};
use crate::score::{Component, Dimension, Scores, Tree};
use crate::validate::{Account, Facilities, Initiative, Layer, Tally, TieTable};
use manifest::Output;
use shapes::ClusterShape;
use tables::{OutputTable, Written};

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
    /// Columns of the register that the pipeline file computes, and by what.
    pub computed: Vec<(String, String)>,
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
    /// Where facilities and tonnes went, period by period.
    pub splits: Vec<Split>,
    /// What was learnt about the data.
    pub findings: &'a Findings,
    /// How clusters were found; `None` for figures alone.
    pub delineation: Option<&'a Delineation>,
    /// How clusters are outlined.
    pub cluster_shape: ClusterShape,
    /// SHA-256 of the resolved pipeline.
    pub pipeline_sha256: &'a str,
}

impl Results<'_> {
    /// The latest period: of the register, else of the clusters; `None` without periods.
    pub fn latest(&self) -> Option<i64> {
        match self.facilities {
            Some(register) => register.period.iter().copied().max().flatten(),
            None => self.measurements.units.iter().filter_map(|unit| unit.period).max(),
        }
    }

    /// Whether there is more than one period.
    pub fn has_periods(&self) -> bool {
        let mut periods: Vec<Option<i64>> = match self.facilities {
            Some(register) => register.period.clone(),
            None => self.measurements.units.iter().map(|unit| unit.period).collect(),
        };
        periods.sort_unstable();
        periods.dedup();
        periods.len() > 1
    }
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

/// Which files to write, beside the tables that are always CSV.
#[derive(Debug, Clone, Copy)]
pub struct Formats {
    /// Tables as CSV.
    pub csv: bool,
    /// Tables as Parquet.
    pub parquet: bool,
    /// All tables as one workbook.
    pub xlsx: bool,
    /// GIS layers as one GeoPackage.
    pub geopackage: bool,
    /// GIS layers as GeoJSON.
    pub geojson: bool,
    /// GIS layers as FlatGeobuf.
    pub flatgeobuf: bool,
    /// `report.html`.
    pub html: bool,
}

/// Writes everything but the manifest into a folder; returns what it has written.
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be written.
pub fn write(results: &Results<'_>, formats: Formats, folder: &Path) -> Result<Vec<Output>> {
    let tables = tables::all(results)?;
    let jobs: [&(dyn Fn() -> Result<()> + Sync); 5] = [
        &|| if formats.html { page::write(results, &tables, folder) } else { Ok(()) },
        &|| write_layers(results, &tables, formats, folder),
        &|| if formats.geopackage { write_geopackage(results, &tables, folder) } else { Ok(()) },
        &|| if formats.xlsx { formats::xlsx::write(&tables, results.title, folder) } else { Ok(()) },
        &|| tables.iter().try_for_each(|table| write_table(table, formats, folder)),
    ];
    // Each job has files of its own: which one is done first does not show.
    jobs.into_par_iter().try_for_each(|job| job())?;
    let mut outputs = manifest::outputs(folder)?;
    formats::datapackage::write(results, &tables, &outputs, folder)?;
    outputs.push(manifest::output(&folder.join(formats::datapackage::FILE))?);
    outputs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(outputs)
}

fn write_table(table: &OutputTable, formats: Formats, folder: &Path) -> Result<()> {
    if table.written == Written::Csv || (formats.csv && table.written == Written::Both) {
        formats::csv::write(table, folder)?;
    }
    if formats.parquet && table.written == Written::Both {
        formats::parquet::write(table, folder)?;
    }
    Ok(())
}

/// What the run has found out, one file a layer; of infrastructure the inputs have files enough.
fn write_layers(results: &Results<'_>, tables: &[OutputTable], formats: Formats, folder: &Path) -> Result<()> {
    let own = tables.iter().filter(|table| table.about.name != columns::INFRASTRUCTURE);
    for (table, geometries) in own.filter_map(|table| Some((table, table.geometry.as_ref()?))) {
        if formats.geojson {
            formats::geojson::write(table, geometries, folder)?;
        }
        if formats.flatgeobuf {
            formats::flatgeobuf::write(table, geometries, folder)?;
        }
        if formats.geojson || formats.flatgeobuf || formats.geopackage {
            let path = folder.join(format!("{}.sld", table.layer()));
            let style = formats::styles::style(results, table)?;
            std::fs::write(&path, style.sld).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}

fn write_geopackage(results: &Results<'_>, tables: &[OutputTable], folder: &Path) -> Result<()> {
    let mut layers = Vec::new();
    for table in tables {
        if let Some(geometries) = &table.geometry {
            layers.push((table, geometries, formats::styles::style(results, table)?));
        }
    }
    formats::geopackage::write(&layers, folder)
}

/// Where the register's facilities and tonnes went, period by period.
pub fn splits(facilities: Option<&Facilities>, measurements: &Measurements) -> Vec<Split> {
    let Some(facilities) = facilities else { return Vec::new() };
    // No emissions at all are unknown ones; in no cluster are 0 t of those that are known.
    let is_known = facilities.emissions_t.iter().any(Option::is_some);
    let empty = Tally { tonnes: is_known.then_some(0.0), ..Tally::default() };
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
