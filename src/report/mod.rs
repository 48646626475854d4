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

use crate::backtest::Backtest;
use crate::classify::{Rating, Typology};
use crate::delineate::Delineation;
use crate::error::{Error, Result};
use crate::finding::Findings;
use crate::indicator::Indicator;
use crate::measure::{Details, Measurements};
use crate::score::diagnostics::{Diagnostics, Standing};
use crate::score::{Component, Dimension, Model, Weighting};
use crate::uncertainty::Uncertainty;
use crate::validate::{Facilities, Tables};
use manifest::Output;
use shapes::ClusterShape;
use tables::{OutputTable, Written};

/// All that a run has found: what it is about, and what each stage has made.
pub struct Results<'a> {
    /// The pipeline.
    pub about: About<'a>,
    /// The checked tables.
    pub tables: &'a Tables,
    /// Units, figures and indicators.
    pub measured: &'a Measurements,
    /// What else was measured, for a reader.
    pub details: &'a Details,
    /// Scores, types, levers and moves.
    pub rating: &'a Rating,
    /// Whether each unit has too few values to be scored.
    pub screened: &'a [bool],
    /// Treated values and ranks; `None` for a file without `[score]`.
    pub standing: Option<&'a Standing>,
    /// What the scores are like as a whole; `None` where nobody wants to know.
    pub diagnostics: Option<&'a Diagnostics>,
    /// How sure types are.
    pub uncertainty: &'a Uncertainty,
    /// Scores against what came after.
    pub backtest: &'a Backtest,
    /// What was learnt about the data.
    pub findings: &'a Findings,
}

/// What a run is about, as its pipeline file says.
pub struct About<'a> {
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
    /// The score tree, with all its weights.
    pub model: &'a Model,
    /// Where the weights of the children of each node come from.
    pub weightings: Vec<&'a Weighting>,
    /// Of the weights under each node that were judged in pairs: the consistency ratio.
    pub consistency: &'a [Option<f64>],
    /// The typology; `None` where the dimensions have none.
    pub typology: Option<&'a Typology>,
    /// Columns of the register that the pipeline file computes, and by what.
    pub computed: Vec<(String, String)>,
    /// How clusters were found; `None` for figures alone.
    pub delineation: Option<&'a Delineation>,
    /// How clusters are outlined.
    pub cluster_shape: ClusterShape,
    /// Resamples of the clusters behind the intervals of `backtest`.
    pub resamples: u32,
    /// SHA-256 of the resolved pipeline.
    pub pipeline_sha256: &'a str,
}

impl Results<'_> {
    /// The register; `None` for figures alone.
    pub fn facilities(&self) -> Option<&Facilities> {
        self.tables.facilities.as_ref()
    }

    /// The latest period: of the register, else of the clusters; `None` without periods.
    pub fn latest(&self) -> Option<i64> {
        match self.facilities() {
            Some(register) => register.period.iter().max().flatten(),
            None => self.measured.units.iter().filter_map(|unit| unit.period).max(),
        }
    }

    /// Whether there is more than one period.
    pub fn has_periods(&self) -> bool {
        let mut periods: Vec<Option<i64>> = match self.facilities() {
            Some(register) => register.period.iter().collect(),
            None => self.measured.units.iter().map(|unit| unit.period).collect(),
        };
        periods.sort_unstable();
        periods.dedup();
        periods.len() > 1
    }
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

impl Formats {
    /// Whether there are GIS layers.
    pub fn layers(&self) -> bool {
        self.geopackage || self.geojson || self.flatgeobuf
    }
}

/// Writes everything but the manifest into a folder; returns what it has written. `tables`: [`tables::all`].
///
/// # Errors
///
/// [`Error::Io`] if a file cannot be written.
pub fn write(
    results: &Results<'_>,
    tables: &[OutputTable<'_>],
    formats: Formats,
    folder: &Path,
) -> Result<Vec<Output>> {
    let is_csv = |table: &&OutputTable<'_>| match table.written {
        Written::Both => formats.csv,
        Written::Csv => true,
        Written::Layer => false,
    };
    let is_parquet = |table: &&OutputTable<'_>| formats.parquet && table.written == Written::Both;
    let jobs: [&(dyn Fn() -> Result<()> + Sync); 6] = [
        &|| if formats.html { page::write(results, tables, folder) } else { Ok(()) },
        &|| write_layers(results, tables, formats, folder),
        &|| if formats.geopackage { write_geopackage(results, tables, folder) } else { Ok(()) },
        &|| if formats.xlsx { formats::xlsx::write(tables, results.about.title, folder) } else { Ok(()) },
        &|| tables.iter().filter(|table| is_csv(table)).try_for_each(|table| formats::csv::write(table, folder)),
        &|| {
            tables.iter().filter(|table| is_parquet(table)).try_for_each(|table| formats::parquet::write(table, folder))
        },
    ];
    // Each job has files of its own: which one is done first does not show.
    jobs.into_par_iter().try_for_each(|job| job())?;
    let mut outputs = manifest::outputs(folder)?;
    formats::datapackage::write(results, tables, &outputs, folder)?;
    outputs.push(manifest::output(&folder.join(formats::datapackage::FILE))?);
    outputs.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(outputs)
}

/// What the run has found out, one file a layer; of infrastructure the inputs have files enough.
fn write_layers(results: &Results<'_>, tables: &[OutputTable<'_>], formats: Formats, folder: &Path) -> Result<()> {
    let own = tables.iter().filter(|table| table.about.name != columns::INFRASTRUCTURE);
    for (table, geometries) in own.filter_map(|table| Some((table, table.geometry.as_ref()?))) {
        if formats.geojson {
            formats::geojson::write(table, geometries, folder)?;
        }
        if formats.flatgeobuf {
            formats::flatgeobuf::write(table, geometries, folder)?;
        }
        if formats.layers() {
            let path = folder.join(format!("{}.sld", table.layer()));
            let style = formats::styles::style(results, table)?;
            std::fs::write(&path, style.sld).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}

fn write_geopackage(results: &Results<'_>, tables: &[OutputTable<'_>], folder: &Path) -> Result<()> {
    let mut layers = Vec::new();
    for table in tables {
        if let Some(geometries) = &table.geometry {
            layers.push((table, geometries, formats::styles::style(results, table)?));
        }
    }
    formats::geopackage::write(&layers, folder)
}
