//! The sources and their contracts, as the pipeline file says them.

use std::fmt;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::sources::settings::Columns;
use crate::sources::{OneOrMany, Reading};

/// What every row of a source must meet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contract {
    /// Greatest share of quarantined rows in kept + quarantined; past it the run fails.
    pub max_rejected: f64,
    /// Rules a column.
    pub columns: IndexMap<String, ColumnRule>,
}

/// What the values of one column must meet.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ColumnRule {
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
}

impl Default for Contract {
    fn default() -> Self {
        Self { max_rejected: 0.05, columns: IndexMap::new() }
    }
}

struct ContractVisitor;

impl<'de> Visitor<'de> for ContractVisitor {
    type Value = Contract;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`max_rejected` and rules a column")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Contract, A::Error> {
        let mut contract = Contract::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == "max_rejected" {
                contract.max_rejected = map.next_value()?;
                if !(0.0..=1.0).contains(&contract.max_rejected) {
                    return Err(de::Error::custom("`max_rejected` is a share from 0 to 1"));
                }
            } else {
                contract.columns.insert(key, map.next_value()?);
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
        schemars::json_schema!({
            "type": "object",
            "properties": { "max_rejected": { "type": "number", "minimum": 0, "maximum": 1, "default": 0.05 } },
            "additionalProperties": rule
        })
    }
}

/// Declares the settings of one kind of source: what all share, then its own keys.
macro_rules! source {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Files or globs, relative to the pipeline file.
            pub path: OneOrMany,
            /// Our names for the file's columns.
            #[serde(default)]
            pub columns: Columns,
            /// SQL filters over the mapped columns, after units, in this order.
            #[serde(default, rename = "where")]
            pub filters: OneOrMany,
            /// Column delimiter of CSV; default a comma.
            #[serde(default)]
            pub delimiter: Option<char>,
            /// Quote character of CSV; default a double quote.
            #[serde(default)]
            pub quote: Option<char>,
            /// Rows after the header that are no data.
            #[serde(default)]
            pub skip_after_header: usize,
            /// What every row must meet.
            #[serde(default)]
            pub contract: Contract,
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl $name {
            /// How its files are read.
            pub fn reading(&self) -> Reading {
                Reading {
                    path: self.path.clone(),
                    delimiter: self.delimiter,
                    quote: self.quote,
                    skip_after_header: self.skip_after_header,
                }
            }
        }
    };
}

source! {
    /// `[facilities]`: the register.
    FacilitySource {
        /// EPSG code of the coordinates.
        #[serde(default = "wgs84")]
        crs: String,
    }
}

source! {
    /// `[layers.NAME]`: infrastructure.
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
    }
}

source! {
    /// `[links.NAME]`: ties between two facilities or operators.
    LinkSource {
        /// The kind of tie.
        kind: String,
        /// What the ends name.
        between: Between,
        /// SQL predicate over facilities: those for which an absent link means none. Default: all.
        #[serde(default)]
        observed: Option<String>,
    }
}

source! {
    /// `[memberships.NAME]`: facilities or operators in organisations.
    MembershipSource {
        /// The kind of tie that a shared organisation makes.
        kind: String,
        /// What the members name.
        between: Between,
        /// SQL predicate over facilities: those for which an absent membership means none. Default: all.
        #[serde(default)]
        observed: Option<String>,
        /// Separator of several members in one cell.
        #[serde(default)]
        separator: Option<String>,
    }
}

source! {
    /// `[figures.NAME]`: facts about whole clusters.
    FigureSource {
        /// Figures that the file may bring; default: whatever it brings.
        #[serde(default)]
        names: Option<Vec<String>>,
        /// One row a fact, or one row a cluster.
        #[serde(default)]
        shape: Shape,
    }
}

fn wgs84() -> String {
    "EPSG:4326".into()
}

/// What a link or membership joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Between {
    /// Facilities, by id.
    Facility,
    /// Operators, by name.
    Operator,
}

/// How a figures file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One row a fact: figure, value.
    #[default]
    Long,
    /// One row a cluster: every further column a figure.
    Wide,
}
