//! What is to be made of a source's columns: settings with all their names looked up, once a source.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use polars::prelude::Schema;
use regex::Regex;

use super::gases::{BIOGENIC, GwpSet, equivalent};
use super::numerals::Numerals;
use super::settings::{ColumnRule, Contract, Failing};
use super::table::pipeline;
use super::units::{Factor, factor};
use crate::error::{Problem, Result, suggest};
use crate::sources::settings::Columns;
use crate::sources::{ColumnSpec, ColumnType, OneOrMany, Reading, Source};
use crate::sql::{Expression, Shape};

/// The settings of one source, looked up.
pub struct Plan<'a> {
    /// The source, as the pipeline file names it.
    pub name: Arc<str>,
    /// The mapped columns.
    pub columns: Vec<Planned>,
    /// How numbers are written.
    pub numerals: Numerals,
    /// Filters, in order.
    pub filters: Vec<Expression>,
    /// Checks across columns.
    pub checks: Vec<(Expression, Failing)>,
    /// The contract.
    pub contract: &'a Contract,
    /// Rules a column, with their patterns.
    pub rules: Vec<(String, &'a ColumnRule, Option<Regex>)>,
    /// Columns that make up the key, where rows must have one of their own.
    pub key: Vec<String>,
}

/// One mapped column.
#[derive(Debug)]
pub struct Planned {
    /// Our name.
    pub name: Arc<str>,
    /// What it holds, where that is known before the values are read.
    pub declared: Option<ColumnType>,
    /// One, or several that are added up.
    pub parts: Vec<Part>,
}

impl Planned {
    /// The columns of the file that it reads.
    pub fn file_columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| {
            part.from.iter().map(|(_, name)| &**name).chain(part.gas.iter().map(|(_, name, _)| &**name))
        })
    }
}

/// Where values come from and what is made of them.
#[derive(Debug)]
pub struct Part {
    /// Columns of the file by position and name; of several the first that has a value.
    pub from: Vec<(usize, Arc<str>)>,
    /// To the program's unit.
    pub factor: Factor,
    /// The column that names the gas, and factors by its words.
    pub gas: Option<(usize, Arc<str>, HashMap<String, Gas>)>,
    /// Texts that stand for nothing.
    pub missing: Vec<String>,
    /// What is taken out of a text.
    pub remove: Option<Regex>,
    /// Texts that stand for others.
    pub recode: IndexMap<String, String>,
}

/// What the word of a gas means.
#[derive(Debug, Clone, Copy)]
pub enum Gas {
    /// Tonnes of CO2 equivalents a tonne.
    Equivalent(f64),
    /// CO2 from biomass, kept apart.
    Biogenic,
}

/// What a plan is made of.
pub struct Settings<'a> {
    /// The source, as the pipeline file names it.
    pub name: &'a str,
    /// Paths and format.
    pub reading: &'a Reading,
    /// Our names for the file's columns.
    pub columns: &'a Columns,
    /// The contract.
    pub contract: &'a Contract,
    /// SQL filters.
    pub filters: &'a OneOrMany,
    /// Global warming potentials.
    pub gwp: Option<GwpSet>,
    /// Types of columns with a fixed meaning.
    pub types: &'a dyn Fn(&str) -> Option<ColumnType>,
    /// The key where the contract names none.
    pub key: &'a [&'a str],
}

impl<'a> Settings<'a> {
    /// Settings without potentials and without a key.
    pub fn new(
        name: &'a str,
        reading: &'a Reading,
        columns: &'a Columns,
        contract: &'a Contract,
        filters: &'a OneOrMany,
        types: &'a dyn Fn(&str) -> Option<ColumnType>,
    ) -> Self {
        Self { name, reading, columns, contract, filters, gwp: None, types, key: &[] }
    }
}

impl<'a> Plan<'a> {
    /// Looks everything up.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Pipeline`] for a unit, gas, pattern or expression that does not hold.
    pub fn new(settings: &Settings<'a>, source: &Source) -> Result<Self> {
        let name = settings.name;
        let mut columns = Vec::new();
        for (column, spec) in settings.columns {
            let place = format!("{name}.columns.{column}");
            let parts = parts(column, spec, settings.gwp, &place).map_err(pipeline)?;
            let parts = parts.into_iter().map(|(spec, factor)| Part::new(spec, factor, settings.gwp, &place, source));
            let parts: Vec<Part> = parts.collect::<std::result::Result<_, Problem>>().map_err(pipeline)?;
            let contracted = settings.contract.columns.get(column).and_then(|rule| rule.r#type);
            let declared = spec.kind.or(contracted).or_else(|| (settings.types)(column));
            let declared = declared.or((!spec.sum.is_empty()).then_some(ColumnType::Number));
            columns.push(Planned { name: column.as_str().into(), declared, parts });
        }
        let parse = |sql: &str, key: &str| Expression::parse(sql, &format!("{name}.{key}")).map_err(pipeline);
        let mut rules = Vec::new();
        for (column, rule) in &settings.contract.columns {
            let place = format!("{name}.contract.{column}");
            rules.push((column.clone(), rule, pattern(rule.pattern.as_deref(), true, &place).map_err(pipeline)?));
        }
        let own = settings.contract.key.clone();
        Ok(Self {
            name: name.into(),
            columns,
            numerals: Numerals::of(settings.reading),
            filters: settings.filters.0.iter().map(|sql| parse(sql, "where")).collect::<Result<_>>()?,
            checks: settings
                .contract
                .checks
                .iter()
                .map(|check| Ok((parse(&check.sql, "contract.checks")?, check.severity)))
                .collect::<Result<_>>()?,
            contract: settings.contract,
            rules,
            key: own.unwrap_or_else(|| settings.key.iter().map(ToString::to_string).collect()),
        })
    }

    /// Checks filters, checks, rules and key against the columns that there are.
    pub fn check(&self, schema: &Schema) -> Result<()> {
        let mut problems = Vec::new();
        for filter in &self.filters {
            problems.extend(filter.check(schema, Shape::Predicate, &format!("{}.where", self.name)).err());
        }
        for (check, _) in &self.checks {
            problems.extend(check.check(schema, Shape::Predicate, &format!("{}.contract.checks", self.name)).err());
        }
        let rules = self.rules.iter().map(|(column, ..)| (column, format!("{}.contract.{column}", self.name)));
        let key = self.key.iter().map(|column| (column, format!("{}.contract.key", self.name)));
        for (column, place) in rules.chain(key) {
            if schema.get(column).is_none() {
                let hint = suggest(column, schema.iter_names().map(|name| name.as_str()));
                problems.push(Problem::new(place, format!("no mapped column is called `{column}`"), hint));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(crate::Error::Pipeline { problems }) }
    }

    /// A mapped column by our name.
    pub fn column(&self, name: &str) -> Option<&Planned> {
        self.columns.iter().find(|column| &*column.name == name)
    }

    /// Sets of columns of which no two rows may share the values: those of one column first, then the key.
    pub fn unique(&self) -> Vec<Vec<String>> {
        let single = self.rules.iter().filter(|(_, rule, _)| rule.unique).map(|(column, ..)| vec![column.clone()]);
        let key = (!self.key.is_empty()).then(|| self.key.clone());
        single.chain(key).collect()
    }
}

/// Problems of a column's settings that show without its files: units, gases, patterns.
pub fn check_column(column: &str, spec: &ColumnSpec, gwp: Option<GwpSet>, place: &str) -> Vec<Problem> {
    let mut problems: Vec<Problem> = parts(column, spec, gwp, place).err().into_iter().collect();
    for part in std::iter::once(spec).chain(&spec.sum) {
        problems.extend(pattern(part.remove.as_deref(), false, place).err());
        for gas in part.gas.iter().flat_map(|gas| gas.names.values()).filter(|gas| *gas != BIOGENIC) {
            problems.extend(equivalent(gas, gwp, place).err());
        }
        if part.gas.is_some() && column != "emissions_t" {
            problems.push(Problem::new(place, "`gas` belongs to `emissions_t`", "use `of` for a column of one gas"));
        }
        if !part.sum.is_empty() && !std::ptr::eq(part, spec) {
            problems.push(Problem::new(place, "a sum within a sum", "list all columns in one `sum`"));
        }
    }
    problems
}

fn parts<'s>(
    column: &str,
    spec: &'s ColumnSpec,
    gwp: Option<GwpSet>,
    place: &str,
) -> std::result::Result<Vec<(&'s ColumnSpec, Factor)>, Problem> {
    let whole = factor(column, spec, gwp, place)?;
    if spec.sum.is_empty() {
        return Ok(vec![(spec, whole)]);
    }
    spec.sum.iter().map(|part| Ok((part, factor(column, part, gwp, place)?))).collect()
}

fn pattern(text: Option<&str>, whole: bool, place: &str) -> std::result::Result<Option<Regex>, Problem> {
    let compile = |text: &str| {
        let text = if whole { format!("^(?:{text})$") } else { text.to_owned() };
        Regex::new(&text).map_err(|error| Problem::new(place, format!("not a regular expression: {error}"), ""))
    };
    text.map(compile).transpose()
}

impl Part {
    fn new(
        spec: &ColumnSpec,
        factor: Factor,
        gwp: Option<GwpSet>,
        place: &str,
        source: &Source,
    ) -> std::result::Result<Self, Problem> {
        let located = spec.column.0.iter().filter_map(|name| Some((source.position(name)?, name.as_str().into())));
        let mut gas = None;
        if let Some(given) = &spec.gas {
            let mut words = HashMap::new();
            for (word, name) in &given.names {
                let meaning =
                    if name == BIOGENIC { Gas::Biogenic } else { Gas::Equivalent(equivalent(name, gwp, place)?) };
                words.insert(word.clone(), meaning);
            }
            gas = source.position(&given.column).map(|position| (position, given.column.as_str().into(), words));
        }
        Ok(Self {
            from: located.collect(),
            factor,
            gas,
            missing: spec.missing.0.clone(),
            remove: pattern(spec.remove.as_deref(), false, place)?,
            recode: spec.recode.clone(),
        })
    }
}
