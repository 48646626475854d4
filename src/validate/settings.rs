//! The sources and their contracts, as the pipeline file says them.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};

use super::gases::GwpSet;
use crate::names::EMISSIONS;
use crate::sources::settings::{Columns, read_from_files};
use crate::sources::{ColumnType, Computed, Join, OneOrMany};

/// What every row of a source must meet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contract {
    /// Greatest share of quarantined rows in kept + quarantined; past it the run fails.
    pub max_rejected: f64,
    /// Greatest share of quarantined tonnes in kept + quarantined; past it the run fails.
    pub max_rejected_tonnes: Option<f64>,
    /// Columns that no two rows may share the values of; for the register `id` and `year` where not given.
    pub key: Option<Vec<String>>,
    /// What becomes of further rows of one key.
    pub keep: Keep,
    /// What becomes of rows at 0/0, with exchanged coordinates, or out of the country; where not given, those at 0/0 and
    /// those with exchanged degrees are rejected, the others are warned of.
    pub places: Option<Failing>,
    /// SQL conditions over the mapped columns that must be true.
    pub checks: Vec<Check>,
    /// Rules a column.
    pub columns: IndexMap<String, ColumnRule>,
}

/// What becomes of further rows of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// The first stands, the others are quarantined.
    #[default]
    First,
    /// The last stands, the others count as filtered.
    Last,
    /// They are put together: tonnes and megawatts (columns in `_t`, `_mt`, `_mw`) add up, of all else the first value
    /// stands; `keep` in the rule of a column says otherwise.
    Sum,
}

/// How the values of a column become one where rows are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Combine {
    /// They add up.
    Sum,
    /// The first that there is.
    First,
    /// The greatest.
    Max,
}

/// What becomes of a row that fails a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Failing {
    /// It goes to the quarantine.
    #[default]
    Reject,
    /// It stays, with a finding.
    Warn,
}

/// A SQL condition that must be true of every row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The condition; where it is null it does not fail.
    pub sql: String,
    /// What becomes of a row that fails it.
    pub severity: Failing,
}

/// What the values of one column must meet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnRule {
    /// What the cells hold.
    pub r#type: Option<ColumnType>,
    /// Smallest value.
    pub min: Option<f64>,
    /// Greatest value.
    pub max: Option<f64>,
    /// No empty cells.
    pub required: bool,
    /// No value twice.
    pub unique: bool,
    /// The only values there may be.
    pub allowed: Option<Vec<String>>,
    /// A regular expression that the whole text must match.
    pub pattern: Option<String>,
    /// How its values become one where `keep = "sum"` puts rows together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Combine>,
    /// A column of the register that must have the value, whatever became of its row.
    pub references: Option<Reference>,
    /// What becomes of a row that fails one of these.
    pub severity: Failing,
}

/// A column of the register that others may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Reference {
    /// Facility ids.
    #[serde(rename = "facilities.id")]
    FacilityId,
    /// Operators.
    #[serde(rename = "facilities.operator")]
    Operator,
}

impl Reference {
    /// What links and memberships between these name.
    pub fn between(self) -> Between {
        match self {
            Self::FacilityId => Between::Facility,
            Self::Operator => Between::Operator,
        }
    }
}

impl Default for Contract {
    fn default() -> Self {
        Self {
            max_rejected: 0.05,
            max_rejected_tonnes: None,
            key: None,
            keep: Keep::First,
            places: None,
            checks: Vec::new(),
            columns: IndexMap::new(),
        }
    }
}

struct ContractVisitor;

impl<'de> Visitor<'de> for ContractVisitor {
    type Value = Contract;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`max_rejected`, `max_rejected_tonnes`, `key`, `keep`, `places`, `checks`, and rules a column")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Contract, A::Error> {
        let share = |key: &str, share: f64| {
            let wrong = || de::Error::custom(format!("`{key}` is a share from 0 to 1"));
            if (0.0..=1.0).contains(&share) { Ok(share) } else { Err(wrong()) }
        };
        let mut contract = Contract::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "max_rejected" => contract.max_rejected = share(&key, map.next_value()?)?,
                "max_rejected_tonnes" => contract.max_rejected_tonnes = Some(share(&key, map.next_value()?)?),
                "key" => contract.key = Some(map.next_value::<OneOrMany>()?.0),
                "keep" => contract.keep = map.next_value()?,
                "places" => contract.places = Some(map.next_value()?),
                "checks" => contract.checks = map.next_value()?,
                _ => {
                    contract.columns.insert(key, map.next_value()?);
                }
            }
        }
        Ok(contract)
    }
}

impl<'de> Deserialize<'de> for Contract {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ContractVisitor)
    }
}

impl JsonSchema for Contract {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Contract".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let rule = generator.subschema_for::<ColumnRule>();
        let key = "Columns that no two rows may share the values of; for the register `id` and `year` where not given.";
        let texts = described(generator.subschema_for::<OneOrMany>(), key);
        let keep = described(generator.subschema_for::<Keep>(), "What becomes of further rows of one key.");
        let places = "What becomes of rows at 0/0, with exchanged coordinates, or out of the country; where not given, those at 0/0 \
                      and those with exchanged degrees are rejected, the others are warned of.";
        let places = described(generator.subschema_for::<Failing>(), places);
        let checks = "SQL conditions over the mapped columns that must be true.";
        let checks = described(generator.subschema_for::<Vec<Check>>(), checks);
        schemars::json_schema!({
            "type": "object",
            "properties": {
                "max_rejected": {
                    "description": "Greatest share of quarantined rows in kept + quarantined; past it the run fails.",
                    "type": "number", "minimum": 0, "maximum": 1, "default": 0.05
                },
                "max_rejected_tonnes": {
                    "description": "Greatest share of quarantined tonnes in kept + quarantined; past it the run fails.",
                    "type": "number", "minimum": 0, "maximum": 1
                },
                "key": texts,
                "keep": keep,
                "places": places,
                "checks": checks
            },
            "additionalProperties": rule
        })
    }
}

/// A schema with what it means.
fn described(mut schema: schemars::Schema, about: &str) -> schemars::Schema {
    schema.insert("description".to_owned(), about.into());
    schema
}

/// Long form of a check.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CheckTable {
    /// The condition; where it is null it does not fail.
    sql: String,
    /// What becomes of a row that fails it.
    #[serde(default)]
    severity: Failing,
}

struct CheckVisitor;

impl<'de> Visitor<'de> for CheckVisitor {
    type Value = Check;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SQL condition, or a table with `sql` and `severity`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Check, E> {
        Ok(Check { sql: text.to_owned(), severity: Failing::Reject })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Check, A::Error> {
        let table = CheckTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Check { sql: table.sql, severity: table.severity })
    }
}

impl<'de> Deserialize<'de> for Check {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CheckVisitor)
    }
}

impl JsonSchema for Check {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Check".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let long = generator.subschema_for::<CheckTable>();
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, long] })
    }
}

/// What is read from files and mapped.
pub trait Sourced {
    /// Its columns: mapped, and computed.
    fn columns(&mut self) -> (&mut Columns, &IndexMap<String, Computed>);

    /// Sets what is computed beside what is mapped; gives the names that are both.
    fn settle(&mut self) -> Vec<String> {
        let (columns, computed) = self.columns();
        let mut twice = Vec::new();
        for (name, computed) in computed {
            if columns.insert(name.clone(), computed.spec()).is_some() {
                twice.push(name.clone());
            }
        }
        twice
    }
}

/// Declares the settings of one kind of source: how its files are read, what all sources share, then its own keys.
macro_rules! source {
    (path may be missing: $($rest:tt)*) => {
        source! { @with [path may be missing:] $($rest)* }
    };
    (@with [$($path:tt)*] $(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        read_from_files! {
            $($path)*
            $(#[$meta])*
            $name {
                /// Our names for the file's columns.
                #[serde(default)]
                columns: Columns,
                /// Further columns: SQL over those that are mapped or computed before, as
                /// `emissions_t = "capacity_kt * 1850"`.
                #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
                compute: IndexMap<String, Computed>,
                /// SQL filters over the mapped columns, after units, in this order: each sees the rows that those before it
                /// leave.
                #[serde(default, rename = "where")]
                filters: OneOrMany,
                /// What every row must meet.
                #[serde(default)]
                contract: Contract,
                $($(#[$field_meta])* $field: $type,)*
            }
        }

        impl Sourced for $name {
            fn columns(&mut self) -> (&mut Columns, &IndexMap<String, Computed>) {
                (&mut self.columns, &self.compute)
            }
        }
    };
    ($($rest:tt)*) => {
        source! { @with [] $($rest)* }
    };
}

source! {
    /// `[facilities]`: the register.
    FacilitySource {
        /// EPSG code of the coordinates.
        #[serde(default = "wgs84")]
        crs: String,
        /// Countries (ISO 3166 alpha-2) that the places must lie in, offshore waters of 50 km included.
        #[serde(default)]
        country: OneOrMany,
        /// The column that shares and means are weighted by, in place of `emissions_t`: for registers that know a capacity or jobs.
        #[serde(default = "emissions")]
        weight: String,
        /// Global warming potentials over 100 years, for columns with `of` or `gas`.
        #[serde(default)]
        gwp: Option<GwpSet>,
        /// How far a facility may lie from where the register has it, km; a column `precision_km` says it of each. A shorter
        /// distance to a layer is marked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        precision_km: Option<f64>,
        /// Further columns of the register in a second file.
        #[serde(default)]
        join: Option<Join>,
        /// Values that a person has found wrong, with what stands in their place.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        corrections: Option<CorrectionSource>,
    }
}

source! {
    /// `[facilities.corrections]`: the facility's `id`, the mapped `column` (or `lon`, `lat`), the `old` value that the register
    /// has after conversion, the `value` in its place (empty: not known), the `source`, and the `year` where it holds of one
    /// alone; columns taken by these names where not mapped. Refused where the id is gone or the old value is another.
    CorrectionSource {}
}

fn emissions() -> String {
    EMISSIONS.into()
}

source! {
    /// `[layers.NAME]`: infrastructure. Columns: `id`, `name`; `x` and `y` or `geometry`; any that is summed.
    LayerSource {
        /// EPSG code of the coordinates.
        #[serde(default = "wgs84")]
        crs: String,
        /// Radii for counts and sums, km.
        #[serde(default)]
        within_km: Vec<f64>,
        /// Columns summed within each radius.
        #[serde(default)]
        sum: Vec<String>,
        /// Features no farther than this from a cluster stand in `reach.csv`, km; default: the greatest of `within_km`.
        /// Without either only the nearest does.
        #[serde(default)]
        reach_km: Option<f64>,
        /// The column that says when a feature began, a year or (`type = "date"`) a date: it counts in periods that end no
        /// sooner, and in none where the cell is empty.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        begins: Option<String>,
        /// The column that says when a feature ended, a year or (`type = "date"`) a date: it counts in no period after; empty: it
        /// still stands.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ends: Option<String>,
        /// How far a feature may lie from where the file has it, km; a column `precision_km` says it of each. A shorter distance
        /// is marked: it says "within" and no more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        precision_km: Option<f64>,
    }
}

source! {
    /// `[boundaries]` or `[places]`: regions that clusters are cut by or named after, towns that they are named after. Columns
    /// of boundaries, taken by these names where not mapped: `id`, `name`, `priority`, `geometry`; of places: `name`,
    /// `population`, `x` and `y` or `geometry`.
    GeographySource {
        /// EPSG code of the coordinates.
        #[serde(default = "wgs84")]
        crs: String,
    }
}

/// `[operators]`: which names of operators mean one firm, in the register, in links and in memberships.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OperatorSettings {
    /// Whether names that differ in case, accents, punctuation or legal form alone are one.
    #[serde(default = "yes")]
    pub normalise: bool,
    /// Names that a person has settled.
    pub aliases: Option<AliasSource>,
}

fn yes() -> bool {
    true
}

source! {
    /// `[operators.aliases]`: `name`, the `operator` that it means, and the `source` of that; or, in place of the operator, the
    /// `facility` (several by `separator`) where the name is that of a plant: what is said of it concerns no other site of the
    /// firm. Columns are taken by these names where not mapped.
    AliasSource {
        /// Separator of several facilities in one cell.
        #[serde(default = "semicolon")]
        separator: OneOrMany,
    }
}

fn semicolon() -> OneOrMany {
    OneOrMany::one(";")
}

source! {
    /// `[memberships.NAME.perimeters]`: `organisation`, `facility`, and the `source` of that; columns taken by these names where
    /// not mapped.
    PerimeterSource {}
}

source! {
    /// `[links.NAME]`: ties between two facilities or operators. Columns: `from`, `to`; `weight`, `from_year`, `to_year`,
    /// `source`, and `kind` where the rows are of several.
    LinkSource {
        /// The kind of tie, where no column says it.
        #[serde(default)]
        kind: Option<String>,
        /// What the ends name.
        between: Between,
        /// SQL predicate over facilities: those for which an absent link means none. Default: all.
        #[serde(default)]
        observed: Option<String>,
        /// Whether `from` and `to` differ in meaning: seller and buyer, not two partners. Gives `reciprocity_KIND`.
        #[serde(default)]
        directed: bool,
    }
}

source! {
    path may be missing:
    /// `[memberships.NAME]`: facilities or operators in organisations; from files, or inferred: facilities near one feature of
    /// a layer (`layer`), or of one owner (`owners`). Columns: `member`, `organisation`; `from_year`, `to_year`, `source`,
    /// `role`, and `kind` where the rows are of several; of owners `operator`, `parent`, `share` in percent.
    MembershipSource {
        /// The kind of tie that a shared organisation makes, where no column says it. Default for `layer`: physical; for
        /// `owners`: ownership.
        #[serde(default)]
        kind: Option<String>,
        /// What the members name; those that are inferred are facilities.
        #[serde(default)]
        between: Option<Between>,
        /// SQL predicate over facilities: those for which an absent membership means none. Default: all; of those that are
        /// inferred: all with a place, or with an operator.
        #[serde(default)]
        observed: Option<String>,
        /// Separator of several members in one cell, or several separators.
        #[serde(default)]
        separator: OneOrMany,
        /// Separator of several organisations in one cell, or several separators.
        #[serde(default)]
        organisation_separator: OneOrMany,
        /// A layer: facilities within `within_km` of one of its features are members of it.
        #[serde(default)]
        layer: Option<String>,
        /// Reach of the features of `layer`, km.
        #[serde(default)]
        within_km: Option<f64>,
        /// Whether facilities of one owner are members of it: of one operator or, with `path` (`operator`, `parent`, `share`),
        /// of one parent.
        #[serde(default)]
        owners: bool,
        /// Smallest share that makes a parent, percent. Default: 50.
        #[serde(default)]
        least_share: Option<f64>,
        /// Facilities within the fence, or on the pipes, of an organisation whose list is full: observed, members or not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        perimeters: Option<PerimeterSource>,
    }
}

impl MembershipSource {
    /// The kind of tie.
    pub fn kind(&self) -> &str {
        let inferred = if self.layer.is_some() { "physical" } else { "ownership" };
        self.kind.as_deref().unwrap_or(inferred)
    }

    /// What the members name.
    pub fn between(&self) -> Between {
        self.between.unwrap_or_default()
    }
}

source! {
    /// `[figures.NAME]`: facts about whole clusters. Columns: `cluster` or `facility`, `period`, `figure`, `value`; `source`,
    /// `note`; with `aggregate` `from_year`, `to_year` and any that it names, in place of `period`, `figure` and `value`.
    FigureSource {
        /// Figures that the file may bring; default: whatever it brings.
        #[serde(default)]
        names: Option<Vec<String>>,
        /// One row a fact, or one row a cluster.
        #[serde(default)]
        shape: FigureShape,
        /// Columns of a wide file that hold words: groups of clusters, by which missing values are imputed (`impute = {
        /// with = "mean", by = "GROUP" }`).
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        groups: Vec<String>,
        /// Figures made of several rows instead, by SQL over those of a cluster that count in a period (`from_year`, `to_year`),
        /// with the column `period`: `body_age = "MAX(period - from_year)"`.
        #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
        aggregate: IndexMap<String, String>,
        /// Separator of several facilities in one cell, or several separators.
        #[serde(default, skip_serializing_if = "OneOrMany::is_empty")]
        separator: OneOrMany,
    }
}

source! {
    /// `[initiatives]`: place-based initiatives by `name`, with the attributes `objective`, `market`, `co_location`,
    /// `existing_area`, `industrial_customers`, and, where known, `country`, `cluster`, `facility`, `x` and `y` or `geometry`.
    InitiativeSource {
        /// EPSG code of the coordinates.
        #[serde(default = "wgs84")]
        crs: String,
        /// An initiative with a place belongs to the nearest cluster within this, km.
        #[serde(default = "fifty")]
        within_km: f64,
    }
}

fn fifty() -> f64 {
    50.0
}

source! {
    /// `[outcomes.NAME]`: later events, by which the scores of earlier clusters are judged. Columns: `year` (a year or, with `type = "date"`, a date)
    /// and `cluster`, `facility`, `x` and `y` or `geometry`; `id` and `name`.
    OutcomeSource {
        /// EPSG code of the coordinates.
        #[serde(default = "wgs84")]
        crs: String,
        /// Further columns of the events in a second file.
        #[serde(default)]
        join: Option<Join>,
        /// An event with a place belongs to the cluster of the nearest facility within this, km.
        #[serde(default = "ten")]
        within_km: f64,
        /// The last year of events that count; default: all after the period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<i64>,
    }
}

fn ten() -> f64 {
    10.0
}

/// `[scenario]`: what differs from the pipeline that this one extends, beside the sources that it adds or replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Ids of facilities that are closed: they are left out of every period, counted apart.
    #[serde(default)]
    pub close: Vec<String>,
}

impl Scenario {
    /// The filter that leaves the closed facilities out; `None` where none is closed.
    pub(super) fn filter(&self) -> Option<String> {
        let quoted: Vec<String> = self.close.iter().map(|id| format!("'{}'", id.replace('\'', "''"))).collect();
        (!quoted.is_empty()).then(|| format!("id IS NULL OR id NOT IN ({})", quoted.join(", ")))
    }
}

fn wgs84() -> String {
    "EPSG:4326".into()
}

/// What a link or membership joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Facilities, by id.
    #[default]
    Facility,
    /// Operators, by name.
    Operator,
    /// Sectors: links alone, and never of a kind with others. What facilities of two sectors might exchange, not what they do.
    Sector,
}

impl Between {
    /// What is said of a name that the register does not have.
    pub fn stranger(self) -> String {
        let what = match self {
            Self::Facility => "id",
            Self::Operator => "operator",
            Self::Sector => "sector",
        };
        format!("no facility of the register has this {what}")
    }
}

/// How a figures file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FigureShape {
    /// One row a fact: figure, value.
    #[default]
    Long,
    /// One row a cluster: every further column a figure.
    Wide,
}
