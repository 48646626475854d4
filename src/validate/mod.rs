//! Raw tables to checked ones: every row meets its contract or stands in the quarantine with its reason.
//! The only maker of the checked tables; computes no figure.

mod account;
mod cells;
pub mod crs;
mod facilities;
mod figures;
mod layers;
mod links;
pub mod settings;
mod table;
pub mod units;

use std::collections::HashSet;
use std::path::Path;

use indexmap::IndexMap;

use crate::error::{Error, Problem, Result};
use crate::finding::Findings;
use crate::sources::settings::Columns;
use crate::sources::{self, ColumnType, RawTable, Reading, Request};
pub use account::{Account, Filtered, Tally};
pub use facilities::Facilities;
pub use figures::{Fact, Facts, Target};
pub use layers::{Feature, Layer};
pub use links::{LinkRow, TieTable, Ties};
use settings::{FacilitySource, FigureSource, LayerSource, LinkSource, MembershipSource};

/// All sources of a pipeline file.
#[derive(Debug, Clone, Copy)]
pub struct Sources<'a> {
    /// The folder that relative paths start from.
    pub folder: &'a Path,
    /// `[facilities]`.
    pub facilities: Option<&'a FacilitySource>,
    /// `[layers.*]`.
    pub layers: &'a IndexMap<String, LayerSource>,
    /// `[links.*]`.
    pub links: &'a IndexMap<String, LinkSource>,
    /// `[memberships.*]`.
    pub memberships: &'a IndexMap<String, MembershipSource>,
    /// `[figures.*]`.
    pub figures: &'a IndexMap<String, FigureSource>,
}

/// All sources, checked.
#[derive(Debug, Default)]
pub struct Tables {
    /// The register; `None` for a pipeline with figures alone.
    pub facilities: Option<Facilities>,
    /// Infrastructure, in the pipeline file's order.
    pub layers: Vec<Layer>,
    /// Links and memberships.
    pub ties: Vec<TieTable>,
    /// Facts about whole clusters.
    pub facts: Facts,
    /// Rows and tonnes of every source.
    pub accounts: Vec<Account>,
}

/// What the register ever named, so that a reference to it can be told from one to nothing.
#[derive(Debug, Default)]
pub(crate) struct Register {
    pub ids: HashSet<String>,
    pub operators: HashSet<String>,
    pub kept_ids: HashSet<String>,
    pub kept_operators: HashSet<String>,
}

/// Reads and checks all sources. Problems of the data are gathered over all of them before it stops.
///
/// # Errors
///
/// [`Error::Io`] for a file that cannot be opened, [`Error::Pipeline`] for settings that do not fit the
/// files, [`Error::Data`] for files that do not parse and for sources with more rejected rows than allowed.
pub fn validate(sources: &Sources<'_>, findings: &mut Findings) -> Result<Tables> {
    let mut reader = Reader { folder: sources.folder, problems: Vec::new(), accounts: Vec::new() };
    let mut tables = Tables::default();
    let mut register = Register::default();
    if let Some(source) = sources.facilities {
        tables.facilities = reader.gather(|reader| facilities::read(source, reader, &mut register, findings))?;
    }
    for (name, source) in sources.layers {
        tables.layers.extend(reader.gather(|reader| layers::read(name, source, reader, findings))?);
    }
    if sources.facilities.is_none() || tables.facilities.is_some() {
        // Without a register every reference to it would be wrong as well.
        references(sources, &mut reader, &mut tables, &register, findings)?;
    }
    tables.accounts = reader.accounts;
    if reader.problems.is_empty() { Ok(tables) } else { Err(Error::Data { problems: reader.problems }) }
}

/// Reads what names facilities and operators of the register.
fn references(
    sources: &Sources<'_>,
    reader: &mut Reader<'_>,
    tables: &mut Tables,
    register: &Register,
    findings: &mut Findings,
) -> Result<()> {
    for (name, source) in sources.links {
        tables.ties.extend(reader.gather(|reader| links::read_links(name, source, reader, register, findings))?);
    }
    for (name, source) in sources.memberships {
        tables.ties.extend(reader.gather(|reader| links::read_members(name, source, reader, register, findings))?);
    }
    for (name, source) in sources.figures {
        let facts = reader.gather(|reader| figures::read(name, source, reader, register, findings))?;
        tables.facts.extend(facts.unwrap_or_default());
    }
    Ok(())
}

/// Reads sources one after the other and keeps their accounts and problems.
pub(crate) struct Reader<'a> {
    folder: &'a Path,
    problems: Vec<Problem>,
    accounts: Vec<Account>,
}

impl Reader<'_> {
    /// Sets problems of the data aside, so that one run shows them all.
    fn gather<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        match read(self) {
            Ok(value) => Ok(Some(value)),
            Err(Error::Data { problems }) => {
                self.problems.extend(problems);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Reads the columns of a source; `places` hold coordinates, `optional` are taken where a file has them.
    fn read(
        &self,
        name: &str,
        reading: &Reading,
        columns: &Columns,
        places: &[&str],
        optional: &[&str],
        all: bool,
    ) -> Result<RawTable> {
        let of = |is_place: bool| {
            let wanted = columns.iter().filter(move |(column, _)| places.contains(&column.as_str()) == is_place);
            wanted.flat_map(|(_, spec)| spec.column.0.iter().cloned()).collect::<Vec<_>>()
        };
        sources::read(&Request {
            name,
            folder: self.folder,
            reading,
            required: of(false),
            places: of(true),
            optional: optional.iter().map(ToString::to_string).collect(),
            all,
        })
    }

    /// Keeps the account of a source that has passed its checks.
    fn close(
        &mut self,
        table: table::Table,
        contract: &settings::Contract,
        findings: &Findings,
    ) -> Result<table::Accepted> {
        let (accepted, account, problem) = table.accept(contract, findings)?;
        self.accounts.push(account);
        self.problems.extend(problem);
        Ok(accepted)
    }
}

/// The types of columns with a fixed meaning.
fn known_type(text: &[&str], numbers: &[&str], integers: &[&str], column: &str) -> Option<ColumnType> {
    if text.contains(&column) {
        Some(ColumnType::Text)
    } else if integers.contains(&column) {
        Some(ColumnType::Integer)
    } else if numbers.contains(&column) {
        Some(ColumnType::Number)
    } else {
        None
    }
}
