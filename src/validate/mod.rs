//! Raw tables to checked ones: every row meets its contract or stands in the quarantine with its reason.
//! The only maker of the checked tables; computes no figure.

mod account;
mod cells;
mod corrections;
pub mod country;
pub mod crs;
mod dates;
mod facilities;
mod figures;
pub mod gases;
mod geography;
mod geometry;
mod initiatives;
mod judgements;
pub(crate) mod keys;
mod layers;
mod links;
mod merge;
mod numerals;
mod operators;
mod outcomes;
mod owners;
mod pairs;
mod perimeters;
mod plan;
mod profile;
mod review;
pub mod settings;
mod settle;
mod stream;
mod table;
mod texts;
mod threshold;
mod ties;
pub mod units;
mod unknown;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule, Severity};
use crate::sources::settings::Columns;
use crate::sources::{ColumnSpec, ColumnType, Join, Reading, Request, Source, is_of_year};
use crate::workers::Workers;
pub use account::{Account, Filtered, Tally};
use cells::Seen;
pub use corrections::Correction;
pub use facilities::Facilities;
pub(crate) use facilities::{Part, ReadJob};
pub use figures::{Aggregates, Fact, Facts, GroupFact, Target};
pub use geography::{Boundary, Place};
pub use initiatives::{ATTRIBUTES, Initiative};
pub use judgements::Judgement;
pub use layers::{Feature, Layer, Sums};
pub use numerals::Numerals;
use operators::Operators;
pub use operators::{Proposal, proposals};
pub use outcomes::{Event, Outcome};
pub use pairs::{Pair, pairs};
use plan::Plan;
pub use plan::check_column;
pub use profile::{ColumnProfile, Profile};
use settings::{
    Between, FacilitySource, FigureSource, GeographySource, InitiativeSource, LayerSource, LinkSource,
    MembershipSource, OperatorSettings, OutcomeSource, Scenario,
};
pub use stream::Scope;
use stream::{Accepted, Steps};
pub use texts::{Names, Numbers, Texts};
pub use ties::{TieBuilder, TieRow, TieRows, TieTable, Ties};
pub use unknown::is_unknown;

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
    /// `[boundaries]`.
    pub boundaries: Option<&'a GeographySource>,
    /// `[places]`.
    pub places: Option<&'a GeographySource>,
    /// `[operators]`.
    pub operators: Option<&'a OperatorSettings>,
    /// `[initiatives]`.
    pub initiatives: Option<&'a InitiativeSource>,
    /// `[outcomes.*]`.
    pub outcomes: &'a IndexMap<String, OutcomeSource>,
    /// `[scenario]`.
    pub scenario: Option<&'a Scenario>,
    /// What people judged, by the node whose children it is about: `components.ID`, `dimensions.ID`.
    pub judgements: &'a BTreeMap<String, Reading>,
    /// Other processes that read the register.
    pub elsewhere: Option<Elsewhere<'a>>,
}

/// Other processes that read files of the register, each by itself.
#[derive(Debug, Clone, Copy)]
pub struct Elsewhere<'a> {
    /// They.
    pub workers: &'a dyn Workers,
    /// The pipeline, as they are told of it.
    pub pipeline: &'a str,
}

/// All sources, checked.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Tables {
    /// The register; `None` for a pipeline with figures alone.
    pub facilities: Option<Facilities>,
    /// Infrastructure, in the pipeline file's order.
    pub layers: Arc<Vec<Layer>>,
    /// Links and memberships.
    pub ties: Arc<Vec<TieTable>>,
    /// Facts about whole clusters.
    pub facts: Arc<Facts>,
    /// Regions that clusters are cut by or named after.
    pub boundaries: Vec<Boundary>,
    /// Towns that clusters are named after.
    pub places: Vec<Place>,
    /// Place-based initiatives, in file order.
    pub initiatives: Vec<Initiative>,
    /// Later events, in the pipeline file's order.
    pub outcomes: Vec<Outcome>,
    /// What people judged, by the node whose children it is about.
    pub judgements: BTreeMap<String, Judgement>,
    /// Names of operators in links and memberships that the register does not have: source, name, how often.
    pub strangers: Vec<(String, String, usize)>,
    /// Rows and tonnes of every source.
    pub accounts: Vec<Account>,
    /// What the columns of every source hold, where that was asked for.
    #[serde(skip)]
    pub profiles: Vec<(String, Profile)>,
}

/// What the register ever named, so that a reference to it can be told from one to nothing.
#[derive(Debug, Default)]
pub(crate) struct KnownNames {
    named: Named,
    operators: Operators,
}

/// Hashes of names, by what they name; of each whether a row is left.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Named {
    ids: HashMap<u128, bool, keys::Hashed>,
    operators: HashMap<u128, bool, keys::Hashed>,
    sectors: HashMap<u128, bool, keys::Hashed>,
}

impl Named {
    /// Adds ids, operators and sectors, each with whether its row is left.
    fn add(&mut self, names: [impl IntoIterator<Item = (u128, bool)>; 3]) {
        for (known, names) in [&mut self.ids, &mut self.operators, &mut self.sectors].into_iter().zip(names) {
            names.into_iter().for_each(|(name, is_left)| *known.entry(name).or_default() |= is_left);
        }
    }

    fn of(&self, between: Between) -> &HashMap<u128, bool, keys::Hashed> {
        match between {
            Between::Facility => &self.ids,
            Between::Operator => &self.operators,
            Between::Sector => &self.sectors,
        }
    }
}

impl KnownNames {
    /// Whether the register ever had the name, whatever became of its rows.
    fn has(&self, between: Between, name: &str) -> bool {
        self.left(between, name).is_some()
    }

    /// Whether a row of a name is left; `None` where the register never had it.
    fn left(&self, between: Between, name: &str) -> Option<bool> {
        let plants = if between == Between::Operator { self.operators.plants(name) } else { None };
        if let Some(ids) = plants {
            return ids.iter().filter_map(|id| self.left(Between::Facility, id)).reduce(|a, b| a | b);
        }
        self.named.of(between).get(&self.hash(between, name)).copied()
    }

    /// The same of many names: first all are hashed, then looked up, so that one look-up need not wait for another.
    fn all_left(&self, between: Between, names: &[&str]) -> Vec<Option<bool>> {
        if between == Between::Operator && self.operators.has_plants() {
            return names.iter().map(|name| self.left(between, name)).collect();
        }
        let (named, hashes) = (self.named.of(between), names.iter().map(|name| self.hash(between, name)));
        hashes.collect::<Vec<u128>>().iter().map(|hash| named.get(hash).copied()).collect()
    }

    fn hash(&self, between: Between, name: &str) -> u128 {
        match between {
            Between::Facility | Between::Sector => keys::hash([Some(name)]),
            Between::Operator => self.operators.hash(name),
        }
    }
}

/// Locks what several batches add to; a batch that failed has not left it half done.
fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads and checks all sources.
///
/// # Errors
///
/// [`Error::Io`] for a file that cannot be opened, [`Error::Pipeline`] for settings that do not fit the
/// files, [`Error::Data`] for files that do not parse and for sources with more rejected rows than allowed: all
/// problems of the data together.
pub fn validate(sources: &Sources<'_>, scope: Scope) -> Result<(Tables, Findings)> {
    let Examined { tables, findings, problems } = examine(sources, scope)?;
    if problems.is_empty() { Ok((tables, findings)) } else { Err(Error::Data { problems }) }
}

/// What [`examine`] has found.
#[derive(Debug)]
pub struct Examined {
    /// What could be read.
    pub tables: Tables,
    /// What was learnt about it.
    pub findings: Findings,
    /// Why a run would end.
    pub problems: Vec<Problem>,
}

/// Like [`validate`], but gives the problems of the data beside what could be read.
///
/// # Errors
///
/// [`Error::Io`] and [`Error::Pipeline`] as there.
pub fn examine(sources: &Sources<'_>, scope: Scope) -> Result<Examined> {
    let mut findings = Findings::default();
    let (tables, problems) = read(sources, scope, &mut findings)?;
    Ok(Examined { tables, findings, problems })
}

/// The work of [`Kind::Read`](crate::workers::Kind::Read): some files of the register, by their positions, through all checks
/// that look at one row alone.
///
/// # Errors
///
/// As [`validate`].
pub(crate) fn read_part(sources: &Sources<'_>, guesses: &[Seen], files: Range<usize>) -> Result<Part> {
    let mut reader = Reader::new(sources, Scope { hold: None, profile: false });
    let operators = operators::read(sources.operators, &mut reader, &mut Findings::default())?;
    facilities::read_part(sources, &mut reader, &operators, (guesses, files))
}

fn read(sources: &Sources<'_>, scope: Scope, findings: &mut Findings) -> Result<(Tables, Vec<Problem>)> {
    let mut reader = Reader::new(sources, scope);
    let mut tables = Tables::default();
    let operators = reader.gather(|reader| operators::read(sources.operators, reader, findings))?;
    let mut register = KnownNames { operators: operators.unwrap_or_default(), ..KnownNames::default() };
    if let Some(source) = sources.facilities {
        // The register's account stands first, whatever was read before it.
        let earlier = std::mem::take(&mut reader.accounts);
        let scenario = sources.scenario;
        tables.facilities =
            reader.gather(|reader| facilities::read(source, scenario, reader, &mut register, findings))?;
        // Before that of what was put right in it.
        reader.accounts.sort_by_key(|account| account.source != "facilities");
        reader.profiles.sort_by_key(|(name, _)| name != "facilities");
        reader.accounts.extend(earlier);
        if let Some(facilities) = &tables.facilities {
            review::review(facilities, findings);
        }
    }
    for (name, source) in sources.layers {
        Arc::make_mut(&mut tables.layers)
            .extend(reader.gather(|reader| layers::read(name, source, reader, &register, findings))?);
    }
    if let Some(source) = sources.boundaries {
        let read = reader.gather(|reader| geography::boundaries(source, reader, findings))?;
        tables.boundaries = read.unwrap_or_default();
    }
    if let Some(source) = sources.places {
        tables.places = reader.gather(|reader| geography::places(source, reader, findings))?.unwrap_or_default();
    }
    if sources.facilities.is_none() || tables.facilities.is_some() {
        // Without a register every reference to it would be wrong as well.
        references(sources, &mut reader, &mut tables, &register, findings)?;
    }
    for (node, reading) in sources.judgements {
        let read = reader.gather(|reader| judgements::read(&format!("{node}.weights"), reading, reader))?;
        tables.judgements.extend(read.map(|judgement| (node.clone(), judgement)));
    }
    tables.accounts = reader.accounts;
    tables.strangers = reader.strangers;
    tables.profiles = reader.profiles;
    Ok((tables, reader.problems))
}

/// Reads what names facilities and operators of the register.
fn references(
    sources: &Sources<'_>,
    reader: &mut Reader<'_>,
    tables: &mut Tables,
    register: &KnownNames,
    findings: &mut Findings,
) -> Result<()> {
    note_strange_plants(register, findings);
    for (name, source) in sources.links {
        let read = reader.gather(|reader| links::read_links(name, source, reader, register, findings))?;
        Arc::make_mut(&mut tables.ties).extend(read.into_iter().flatten());
    }
    for (name, source) in sources.memberships {
        let read = reader.gather(|reader| match (&source.layer, &tables.facilities) {
            (Some(_), facilities) => Ok(vec![owners::near(name, source, &tables.layers, facilities.as_ref())?]),
            (None, Some(facilities)) if source.owners => {
                Ok(vec![owners::owned((name, source), reader, facilities, register, findings)?])
            }
            _ => links::read_members(name, source, reader, register, findings),
        })?;
        Arc::make_mut(&mut tables.ties).extend(read.into_iter().flatten());
    }
    check_kinds(&tables.ties)?;
    for (name, source) in sources.figures {
        let facts = reader.gather(|reader| figures::read(name, source, reader, register, findings))?;
        Arc::make_mut(&mut tables.facts).extend(facts.unwrap_or_default());
    }
    if let Some(source) = sources.initiatives {
        let read = reader.gather(|reader| initiatives::read(source, reader, register, findings))?;
        tables.initiatives = read.unwrap_or_default();
    }
    for (name, source) in sources.outcomes {
        tables.outcomes.extend(reader.gather(|reader| outcomes::read(name, source, reader, register, findings))?);
    }
    Ok(())
}

/// What might be is of a kind of its own: no row of another source has it.
fn check_kinds(ties: &[TieTable]) -> Result<()> {
    let is_potential = |kind: &str| ties.iter().any(|table| table.is_potential() && table.kind == kind);
    let Some(mixed) = ties.iter().find(|table| !table.is_potential() && is_potential(&table.kind)) else {
        return Ok(());
    };
    let message = format!("rows are of the kind `{}`, which is one of potential ties between sectors", mixed.kind);
    let hint = "give the source between sectors another `kind`";
    Err(Error::pipeline(Problem::new(format!("{}.columns.kind", mixed.place()), message, hint)))
}

/// Aliases of plants that the register never had.
fn note_strange_plants(register: &KnownNames, findings: &mut Findings) {
    let ids = register.operators.plant_ids();
    let strange: Vec<&str> = ids.into_iter().filter(|id| !register.has(Between::Facility, id)).collect();
    let message = format!("aliases name facilities that the register does not have: {}", strange.join(", "));
    findings.add(Severity::Warning, "operators.aliases", Rule::Reference, message, strange.len());
}

/// Whether a contract of a layer refers to the register.
fn has_references(sources: &Sources<'_>) -> bool {
    let mut rules = sources.layers.values().flat_map(|layer| layer.contract.columns.values());
    rules.any(|rule| rule.references.is_some())
}

/// Reads sources one after the other and keeps their accounts and problems.
pub(crate) struct Reader<'a> {
    folder: &'a Path,
    scope: Scope,
    elsewhere: Option<Elsewhere<'a>>,
    problems: Vec<Problem>,
    accounts: Vec<Account>,
    strangers: Vec<(String, String, usize)>,
    profiles: Vec<(String, Profile)>,
    /// Whether anything refers to the register.
    remembers: bool,
}

/// Which columns are asked of a source's files.
#[derive(Clone, Copy, Default)]
struct Asked<'a> {
    /// Columns that hold coordinates.
    places: &'a [&'a str],
    /// Columns of the files that are taken where there are any.
    optional: &'a [&'a str],
    /// Whether all further columns are taken.
    all: bool,
    join: Option<&'a Join>,
}

impl<'a> Reader<'a> {
    fn new(sources: &Sources<'a>, scope: Scope) -> Self {
        Self {
            folder: sources.folder,
            scope,
            elsewhere: sources.elsewhere,
            problems: Vec::new(),
            accounts: Vec::new(),
            strangers: Vec::new(),
            profiles: Vec::new(),
            remembers: !(sources.links.is_empty() && sources.memberships.is_empty() && sources.figures.is_empty())
                || has_references(sources)
                || sources.scenario.is_some()
                || sources.initiatives.is_some()
                || !sources.outcomes.is_empty(),
        }
    }

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

    /// Opens the files of a source.
    fn open(
        &self,
        name: &str,
        reading: &Reading,
        columns: &Columns,
        asked: Asked<'_>,
        findings: &mut Findings,
    ) -> Result<Source> {
        let of = |is_place: bool| {
            let wanted = columns.iter().filter(move |(column, _)| asked.places.contains(&column.as_str()) == is_place);
            let specs = wanted.flat_map(|(_, spec)| spec.parts());
            // A place may be missing altogether; of other columns each file has one of the alternatives.
            let names = specs.flat_map(move |spec| {
                let whole = (is_place || spec.column.0.len() < 2) && !spec.by_year;
                let own = if whole { &spec.column.0[..] } else { &[] };
                own.iter().chain(spec.gas.iter().map(|gas| &gas.column))
            });
            names.cloned().collect::<Vec<String>>()
        };
        let several = columns.iter().filter(|(column, _)| !asked.places.contains(&column.as_str()));
        let several = several.flat_map(|(_, spec)| spec.parts()).map(|spec| spec.column.0.clone());
        let source = Source::open(&Request {
            name,
            folder: self.folder,
            reading,
            required: of(false),
            alternatives: several.filter(|alternatives| alternatives.len() > 1).collect(),
            places: of(true),
            by_year: columns
                .values()
                .flat_map(ColumnSpec::parts)
                .filter(|spec| spec.by_year)
                .flat_map(|spec| spec.column.0.clone())
                .collect(),
            optional: asked.optional.iter().map(ToString::to_string).collect(),
            all: asked.all || self.scope.profile,
            join: asked.join,
        })?;
        let idle = source.idle(&reading.format_keys());
        let message = format!("{}: no file here is of a kind that this key belongs to", idle.join(", "));
        findings.add(Severity::Warning, name, Rule::IdleKey, message, usize::from(!idle.is_empty()));
        Ok(source)
    }

    /// Reads and checks all rows of a source and keeps its account.
    fn read(
        &mut self,
        source: &Source,
        plan: &Plan<'_>,
        steps: &Steps<'_>,
        register: Option<&KnownNames>,
        findings: &mut Findings,
    ) -> Result<Accepted> {
        let after = |table: &mut table::Table<'_>| {
            (steps.after)(table);
            if let Some(register) = register {
                check_references(table, register);
            }
        };
        let mut accepted = stream::read(source, plan, &Steps { after: &after, ..*steps }, self.scope, findings)?;
        self.accounts.append(&mut accepted.accounts);
        let strangers = std::mem::take(&mut accepted.met.strangers).into_iter();
        self.strangers.extend(strangers.map(|(name, count)| (plan.name.to_string(), name, count)));
        self.problems.extend(accepted.problem.take());
        if let Some(mut profile) = accepted.profile.take() {
            let read: HashSet<&str> = plan.columns.iter().flat_map(|planned| planned.file_columns()).collect();
            let first = source.first()?;
            let is_read = |name: &str| read.contains(name) || read.iter().any(|read| is_of_year(read, name));
            for (position, name) in source.columns.iter().enumerate().filter(|(_, name)| !is_read(name)) {
                profile.look_at_unused(name, position, &first);
            }
            profile.finish();
            self.profiles.push((plan.name.to_string(), profile));
        }
        Ok(accepted)
    }
}

/// Checks contract rules that refer to the register.
fn check_references(table: &mut table::Table<'_>, register: &KnownNames) {
    for (column, rule, _) in &table.plan.rules {
        let Some(between) = rule.references.map(settings::Reference::between) else { continue };
        for row in 0..table.rows() {
            let known = table.text(column, row).is_none_or(|name| register.has(between, name));
            if !known && table.is_kept(row) {
                table.fail(row, column, crate::finding::Rule::Reference, between.stranger(), rule.severity);
            }
        }
    }
}

/// Columns that are taken by their own name where they are not mapped.
fn by_own_name<'n>(columns: &mut Columns, names: impl IntoIterator<Item = &'n str>) {
    for name in names {
        columns.entry(name.to_owned()).or_insert_with(|| ColumnSpec::plain(name));
    }
}

/// The names of a column are the register's; those of which a filter or the quarantine took all rows out are lost.
fn check_known(table: &mut table::Table<'_>, column: &str, between: Between, register: &KnownNames) {
    let Some(cells) = table.column(column) else { return };
    let kept = (0..table.rows()).filter(|&row| table.is_kept(row));
    let (rows, names): (Vec<usize>, Vec<&str>) = kept.filter_map(|row| Some((row, cells.text(row)?))).unzip();
    let left = register.all_left(between, &names);
    let lost = left.iter().filter(|left| **left == Some(false)).count();
    let strange = rows.into_iter().zip(names).zip(left).filter(|(_, left)| left.is_none());
    let strange: Vec<(usize, String)> = strange.map(|((row, name), _)| (row, name.to_owned())).collect();
    table.met.lost += lost;
    for (row, name) in strange {
        if between == Between::Operator {
            *table.met.strangers.entry(name).or_default() += 1;
        }
        table.reject(row, column, Rule::Reference, between.stranger());
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
