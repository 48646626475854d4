//! The pipeline file as a type; its JSON Schema comes from here.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::backtest::BacktestSettings;
use crate::classify::{Classification, Typology};
use crate::delineate::Delineation;
use crate::expectation::Expectation;
use crate::indicator::Indicator;
use crate::measure::settings::DispersedSettings;
use crate::report::columns::{INFRASTRUCTURE, TABLES};
use crate::report::shapes::ClusterShape;
use crate::score::{Component, Dimension, Scoring, Tree, Weighting};
use crate::sources::{Join, OneOrMany, Reading};
use crate::uncertainty::settings::UncertaintySettings;
use crate::validate::settings::{
    FacilitySource, FigureSource, GeographySource, InitiativeSource, LayerSource, LinkSource, MembershipSource,
    OperatorSettings, OutcomeSource, Scenario,
};

/// The table of what was read, file by file, which expectations see beside those that are written.
pub const SOURCES: &str = "sources";

/// One pipeline: what is read, how it is measured, scored and classified, what is written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "forerunner pipeline file")]
pub struct PipelineFile {
    /// Short name; the run's folder is `out/NAME` unless told otherwise.
    pub name: String,
    /// Title of the report.
    #[serde(default)]
    pub title: String,
    /// What a reader of the report must know about this pipeline.
    #[serde(default)]
    pub description: String,
    /// Pipeline files that this one builds on, later ones over earlier ones; relative to this file. Keys here override
    /// them, tables in lists by id.
    #[serde(default, skip_serializing)]
    pub extends: OneOrMany,
    /// The register.
    pub facilities: Option<FacilitySource>,
    /// Which names of operators mean one firm.
    pub operators: Option<OperatorSettings>,
    /// Infrastructure.
    #[serde(default)]
    pub layers: IndexMap<String, LayerSource>,
    /// Ties between two facilities or operators.
    #[serde(default)]
    pub links: IndexMap<String, LinkSource>,
    /// Facilities or operators in organisations.
    #[serde(default)]
    pub memberships: IndexMap<String, MembershipSource>,
    /// Facts about whole clusters.
    #[serde(default)]
    pub figures: IndexMap<String, FigureSource>,
    /// Regions that clusters are cut by (`method = "boundary"`) or named after (`name_by = "region"`): polygons with `id`,
    /// `name` and, where they overlap, `priority`.
    pub boundaries: Option<GeographySource>,
    /// Towns that clusters are named after (`name_by = "place"`): points with `name` and `population`.
    pub places: Option<GeographySource>,
    /// What is said of sites in no cluster.
    #[serde(default)]
    pub dispersed: DispersedSettings,
    /// Place-based initiatives, to be matched to their types and to clusters.
    pub initiatives: Option<InitiativeSource>,
    /// Later events, by which the scores are judged.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub outcomes: IndexMap<String, OutcomeSource>,
    /// How they are judged.
    #[serde(default)]
    pub backtest: BacktestSettings,
    /// What is drawn to see how sure the types are; off unless it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncertainty: Option<UncertaintySettings>,
    /// What differs from the pipeline that this one extends.
    pub scenario: Option<Scenario>,
    /// How clusters are found.
    pub delineate: Option<Delineation>,
    /// How values become scores, where an indicator or a node says nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Scoring>,
    /// How levels are decided.
    #[serde(default)]
    pub classify: Classification,
    /// Which levels make which type; default: the built-in typology where the dimensions are its own.
    pub typology: Option<Typology>,
    /// The dimensions.
    #[serde(default)]
    pub dimensions: Vec<Dimension>,
    /// The components.
    #[serde(default)]
    pub components: Vec<Component>,
    /// The indicators.
    #[serde(default)]
    pub indicators: Vec<Indicator>,
    /// What is expected of every run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expectation>,
    /// What is written.
    #[serde(default)]
    pub outputs: Outputs,
}

impl PipelineFile {
    /// What the file says of its score tree; `scoring`: its `[score]`, or the default.
    pub fn tree<'a>(&'a self, scoring: &'a Scoring) -> Tree<'a> {
        Tree { dimensions: &self.dimensions, components: &self.components, indicators: &self.indicators, scoring }
    }

    /// The tables that a run of this pipeline may have: those of the table of columns, its layers, and `sources`.
    pub fn tables(&self) -> Vec<&str> {
        let known = TABLES.iter().map(|table| table.name).filter(|name| *name != INFRASTRUCTURE);
        known.chain(self.layers.keys().map(String::as_str)).chain([SOURCES]).collect()
    }

    /// How every source reads its files, by its place in the file.
    pub fn readings(&self) -> Vec<(String, Reading)> {
        let mut all: Vec<(String, Reading)> = Vec::new();
        let mut add = |place: String, reading: Reading| all.push((place, reading));
        let joined = |place: &str, join: Option<&Join>, add: &mut dyn FnMut(String, Reading)| {
            let Some(join) = join else { return };
            add(format!("{place}.join"), join.reading());
            let pairs = join.pairs.iter().map(|path| Reading { path: OneOrMany::one(path), ..Reading::default() });
            pairs.for_each(|reading| add(format!("{place}.join.pairs"), reading));
        };
        if let Some(source) = &self.facilities {
            add("facilities".into(), source.reading());
            joined("facilities", source.join.as_ref(), &mut add);
            source.corrections.iter().for_each(|source| add("facilities.corrections".into(), source.reading()));
        }
        let aliases = self.operators.as_ref().and_then(|operators| operators.aliases.as_ref());
        aliases.into_iter().for_each(|source| add("operators.aliases".into(), source.reading()));
        self.layers.iter().for_each(|(name, source)| add(format!("layers.{name}"), source.reading()));
        self.links.iter().for_each(|(name, source)| add(format!("links.{name}"), source.reading()));
        for (name, source) in &self.memberships {
            add(format!("memberships.{name}"), source.reading());
            let perimeters = source.perimeters.iter();
            perimeters.for_each(|source| add(format!("memberships.{name}.perimeters"), source.reading()));
        }
        self.figures.iter().for_each(|(name, source)| add(format!("figures.{name}"), source.reading()));
        self.boundaries.iter().for_each(|source| add("boundaries".into(), source.reading()));
        self.places.iter().for_each(|source| add("places".into(), source.reading()));
        self.initiatives.iter().for_each(|source| add("initiatives".into(), source.reading()));
        for (name, source) in &self.outcomes {
            add(format!("outcomes.{name}"), source.reading());
            joined(&format!("outcomes.{name}"), source.join.as_ref(), &mut add);
        }
        for (place, weights) in self.weighed_nodes() {
            weights.reading().into_iter().for_each(|reading| add(format!("{place}.weights"), reading));
        }
        all
    }

    /// The nodes that say where the weights of their children come from, each by its place.
    pub fn weighed_nodes(&self) -> impl Iterator<Item = (String, &Weighting)> {
        let dimensions = self.dimensions.iter().map(|one| (format!("dimensions.{}", one.id), &one.weights));
        let components = self.components.iter().map(|one| (format!("components.{}", one.id), &one.weights));
        dimensions.chain(components).filter_map(|(place, weights)| Some((place, weights.as_ref()?)))
    }
}

/// `[outputs]`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outputs {
    /// Formats of every table.
    pub tables: Vec<TableFormat>,
    /// Formats of the GIS layers.
    pub layers: Vec<LayerFormat>,
    /// How clusters are outlined in them: `"convex_hull"`, `{ concave_hull = 2.0 }` (the greater, the closer to the convex
    /// hull), `{ buffer_km = 5 }`.
    pub cluster_shape: ClusterShape,
    /// Whether to write `report.html`.
    pub report: bool,
}

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TableFormat {
    /// Comma-separated text.
    Csv,
    /// Parquet; clusters and facilities as GeoParquet.
    Parquet,
    /// All tables as the sheets of one workbook.
    Xlsx,
}

/// A format of GIS layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LayerFormat {
    /// One GeoPackage with all layers, styled for QGIS.
    Gpkg,
    /// GeoJSON (RFC 7946).
    Geojson,
    /// FlatGeobuf.
    Flatgeobuf,
}

impl Default for Outputs {
    fn default() -> Self {
        Self {
            tables: vec![TableFormat::Csv, TableFormat::Parquet],
            layers: vec![LayerFormat::Gpkg, LayerFormat::Geojson],
            cluster_shape: ClusterShape::default(),
            report: true,
        }
    }
}

/// The JSON Schema of the pipeline file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(PipelineFile).to_value()
}
