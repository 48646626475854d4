//! What is to be made of a source's columns: settings with all their names looked up, once a source.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use polars::prelude::Schema;
use regex::Regex;

use super::dates;
use super::gases::{BIOGENIC, GwpSet, equivalent};
use super::numerals::Numerals;
use super::settings::{ColumnRule, Combine, Contract, Failing};
use super::units::{Factor, factor};
use super::unknown::is_code;
use crate::error::{Error, Problem, Result, suggest};
use crate::names::EMISSIONS;
use crate::sources::YEAR;
use crate::sources::settings::{Columns, Words};
use crate::sources::{Batch, ColumnSpec, ColumnType, Join, OneOrMany, RawFilter, Reading, Source, Written};
use crate::sql::{Expression, Yields};

/// The settings of one source, looked up.
pub struct Plan<'a> {
    /// The source, as the pipeline file names it.
    pub name: Arc<str>,
    /// The mapped columns.
    pub columns: Vec<Planned>,
    /// How the source's own files write numbers.
    pub numerals: Numerals,
    /// How the joined file does.
    joined_numerals: Numerals,
    /// Columns of the file that make up the key of the joined one, for messages.
    pub join_key: Option<Arc<str>>,
    /// Filters over the files' own columns, in order: before all else.
    pub raw_filters: Vec<RawFilter>,
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
    /// Whether its unit or gas is declared, or its name means a decimal number: whole ones become decimal.
    pub converts: bool,
    /// One, or several that are added up.
    pub parts: Vec<PlannedPart>,
    /// How its dates are written.
    pub format: Option<String>,
    /// What it is computed by from the columns before it, and to what unit; its one part is then empty.
    pub computed: Option<(Expression, Factor)>,
}

impl Planned {
    /// Looks up what is said of a column.
    fn new(
        column: &str,
        spec: &ColumnSpec,
        settings: &Settings<'_>,
        source: &Source,
    ) -> std::result::Result<Self, Problem> {
        let place = format!("{}.columns.{column}", settings.name);
        let missing = |words: &Words| if is_code(column) { Vec::new() } else { words.0.clone() };
        let own = missing(&settings.reading.missing);
        let joined = settings.join.map(|join| missing(&join.missing)).unwrap_or_default();
        let named = settings.names.contains(&column);
        let part = |(spec, factor)| {
            let part = PlannedPart::new(spec, factor, settings.gwp, &place, source)?;
            Ok(part.with_missing(&own, &joined, named))
        };
        let parts: Vec<PlannedPart> = parts(column, spec, settings.gwp, &place)?
            .into_iter()
            .map(part)
            .collect::<std::result::Result<_, Problem>>()?;
        let computed = match &spec.compute {
            None => None,
            Some(sql) => {
                let expression = Expression::parse(sql, &format!("{}.compute.{column}", settings.name))?;
                Some((expression, parts.first().map_or(Factor::ONE, |part| part.factor)))
            }
        };
        Ok(Self {
            name: column.into(),
            declared: declared_type(column, spec, settings)?,
            converts: has_unit(spec) || (settings.types)(column) == Some(ColumnType::Number),
            parts,
            format: spec.format.clone(),
            computed,
        })
    }

    /// The text of a cell, with how its numbers are written unless it is declared to hold text; nothing for a sum.
    pub fn written<'b>(
        &'b self,
        batch: &'b Batch,
        row: usize,
        plan: &Plan<'_>,
    ) -> Option<(Cow<'b, str>, Option<Numerals>)> {
        let [part] = &self.parts[..] else { return None };
        let (text, numerals) = part.value(batch, row, plan)?;
        Some((text, Some(numerals).filter(|_| self.declared != Some(ColumnType::Text))))
    }

    /// The columns of the file that it reads.
    pub fn file_columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| {
            part.from.iter().map(|(_, name)| &**name).chain(part.gas.iter().map(|(_, name, _)| &**name))
        })
    }
}

/// Where values come from and what is made of them.
#[derive(Debug)]
pub struct PlannedPart {
    /// Columns of the file by position and name; of several the first that has a value.
    pub from: Vec<(usize, Arc<str>)>,
    /// The value of every row, where no column gives it.
    pub constant: Option<String>,
    /// How its numbers are written, where not as the source's.
    pub numerals: Option<Numerals>,
    /// To the program's unit.
    pub factor: Factor,
    /// The column that names the gas, and factors by its words.
    pub gas: Option<(usize, Arc<str>, HashMap<String, Gas>)>,
    /// Texts that stand for nothing.
    pub missing: Vec<String>,
    /// The same for what comes from the joined file.
    pub joined_missing: Vec<String>,
    /// Whether words for "unknown" stand for nothing: in names and years.
    pub names: bool,
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
    /// Columns of names and years, in which words for "unknown" stand for nothing.
    pub names: &'a [&'a str],
    /// The joined file.
    pub join: Option<&'a Join>,
}

/// What every source of a pipeline file declares.
#[derive(Clone, Copy)]
pub struct Declared<'a> {
    /// Its files.
    pub reading: &'a Reading,
    /// Its columns.
    pub columns: &'a Columns,
    /// Its contract.
    pub contract: &'a Contract,
    /// Its filters.
    pub filters: &'a OneOrMany,
}

impl<'a> Settings<'a> {
    /// Settings without potentials and without a key.
    pub fn new(name: &'a str, declared: Declared<'a>, types: &'a dyn Fn(&str) -> Option<ColumnType>) -> Self {
        let Declared { reading, columns, contract, filters } = declared;
        Self { name, reading, columns, contract, filters, gwp: None, types, key: &[], names: &[], join: None }
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
        let joined = settings.join.map(Join::reading);
        let columns = settings.columns.iter().map(|(column, spec)| Planned::new(column, spec, settings, source));
        let columns: std::result::Result<Vec<Planned>, Problem> = columns.collect();
        let parse = |sql: &str, key: &str| Expression::parse(sql, &format!("{name}.{key}")).map_err(Error::pipeline);
        let mut rules = Vec::new();
        for (column, rule) in &settings.contract.columns {
            let place = format!("{name}.contract.{column}");
            rules.push((
                column.clone(),
                rule,
                pattern(rule.pattern.as_deref(), true, &place).map_err(Error::pipeline)?,
            ));
        }
        let own = settings.contract.key.clone();
        Ok(Self {
            name: name.into(),
            columns: columns.map_err(Error::pipeline)?,
            numerals: Numerals::of(settings.reading),
            join_key: settings
                .join
                .map(|join| join.pairs().iter().map(|(here, _)| *here).collect::<Vec<_>>().join(", ").as_str().into()),
            joined_numerals: joined.as_ref().map_or(Numerals::PLAIN, Numerals::of),
            raw_filters: source.raw_filters.clone(),
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
            problems.extend(filter.check(schema, Yields::Predicate, &format!("{}.where", self.name)).err());
        }
        for (check, _) in &self.checks {
            problems.extend(check.check(schema, Yields::Predicate, &format!("{}.contract.checks", self.name)).err());
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

    /// How the numbers of a cell are written.
    pub fn numerals(&self, written: Written) -> Numerals {
        match written {
            Written::Here => self.numerals,
            Written::Joined => self.joined_numerals,
            Written::Plainly => Numerals::PLAIN,
        }
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

/// Whether a column's numbers are converted.
fn has_unit(spec: &ColumnSpec) -> bool {
    let own = spec.unit.is_some() || spec.of.is_some() || spec.gas.is_some();
    own || spec.sum.iter().any(has_unit)
}

/// What a column holds by what is declared of it: its type, the meaning of its name, or what only one type can have (a
/// unit, limits, a reference). `None`: its values tell.
fn declared_type(
    column: &str,
    spec: &ColumnSpec,
    settings: &Settings<'_>,
) -> std::result::Result<Option<ColumnType>, Problem> {
    let place = format!("{}.columns.{column}", settings.name);
    let rule = settings.contract.columns.get(column);
    let given = spec.kind.or(rule.and_then(|rule| rule.r#type));
    let meant = (settings.types)(column);
    let needs_number = if has_unit(spec) && spec.compute.is_none() {
        Some("a unit or a gas")
    } else if !spec.sum.is_empty() {
        Some("a sum")
    } else if rule.is_some_and(|rule| rule.min.is_some() || rule.max.is_some()) {
        Some("`min` or `max`")
    } else if rule.is_some_and(|rule| matches!(rule.keep, Some(Combine::Sum | Combine::Max))) {
        Some("such a `keep`")
    } else {
        None
    };
    let refers = rule.is_some_and(|rule| rule.references.is_some());
    let kind = match (given, meant) {
        // A number that is to be whole is checked for that, and a number all the same.
        (Some(ColumnType::Integer), Some(ColumnType::Number)) => Some(ColumnType::Integer),
        (Some(given), Some(meant)) if given != meant => {
            let message = format!("`{column}` holds {}, and cannot be of type `{}`", meant.plural(), given.as_str());
            return Err(Problem::new(place, message, "leave `type` out, or map the column under another name"));
        }
        (given, meant) => given.or(meant),
    };
    match (kind, needs_number) {
        (Some(kind @ (ColumnType::Text | ColumnType::Date)), Some(what)) => {
            let message = format!("`{column}` holds {}, and {what} belongs to numbers", kind.plural());
            Err(Problem::new(place, message, "leave one of them out"))
        }
        (Some(ColumnType::Integer | ColumnType::Number | ColumnType::Date), _) if refers => {
            let message = format!("`{column}` refers to names of the register, which are text");
            Err(Problem::new(place, message, "leave `type` out"))
        }
        (None, Some(what)) if refers => {
            let message = format!("`{column}` refers to names of the register, and {what} belongs to numbers");
            Err(Problem::new(place, message, "leave one of them out"))
        }
        (None, Some(_)) => Ok(Some(ColumnType::Number)),
        (None, None) if refers => Ok(Some(ColumnType::Text)),
        (kind, _) => Ok(kind),
    }
}

/// Problems of a column's settings that show without its files: units, gases, patterns.
pub fn check_column(column: &str, spec: &ColumnSpec, gwp: Option<GwpSet>, place: &str) -> Vec<Problem> {
    let mut problems: Vec<Problem> = parts(column, spec, gwp, place).err().into_iter().collect();
    if let Some(format) = &spec.format {
        let is_date = spec.kind == Some(ColumnType::Date);
        let refused =
            (!is_date).then(|| Problem::new(place, "`format` says how dates are written", "add type = \"date\""));
        problems.extend(refused.or_else(|| dates::check(format, place).err()));
    }
    for part in std::iter::once(spec).chain(&spec.sum) {
        if part.thousands.is_some() && part.thousands == Some(part.decimal.unwrap_or('.')) {
            let message = "the decimal mark and the separator of thousands are the same";
            problems.push(Problem::new(place, message, "declare `decimal` too"));
        }
        let years = part.column.0.iter().map(|name| name.matches(YEAR).count());
        if part.by_year && !years.eq([1]) {
            let message = "`by_year` is one name with `{year}` in the place of the year";
            problems.push(Problem::new(
                place,
                message,
                "as \"Emissions_{year}\" for Emissions_2019, Emissions_2020, ...",
            ));
        }
        problems.extend(pattern(part.remove.as_deref(), false, place).err());
        for gas in part.gas.iter().flat_map(|gas| gas.names.values()).filter(|gas| *gas != BIOGENIC) {
            problems.extend(equivalent(gas, gwp, place).err());
        }
        if part.gas.is_some() && column != EMISSIONS {
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

impl PlannedPart {
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
            constant: spec.value.0.first().cloned(),
            numerals: Numerals::of_column(spec),
            factor,
            gas,
            missing: spec.missing.0.clone(),
            joined_missing: spec.missing.0.clone(),
            names: false,
            remove: pattern(spec.remove.as_deref(), false, place)?,
            recode: spec.recode.clone(),
        })
    }

    /// Also takes the words for nothing of the whole source and of the joined file, and those for "unknown".
    fn with_missing(mut self, own: &[String], joined: &[String], names: bool) -> Self {
        self.missing.extend_from_slice(own);
        self.joined_missing.extend_from_slice(joined);
        Self { names, ..self }
    }
}
