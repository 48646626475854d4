//! Files to batches of rows as text, each cell with its file and line, every geometry as it stands. Nothing is
//! cast, renamed or dropped here; a row that does not even parse is set apart with its line.

mod batch;
mod csv;
mod dbf;
mod dialect;
mod encoding;
mod features;
mod files;
mod flatgeobuf;
mod geojson;
mod geopackage;
mod guard;
mod join;
mod json;
mod kml;
mod parquet;
mod raw;
mod records;
mod rows;
pub mod settings;
mod shapefile;
mod stated;
mod thrift;
mod wkb;
mod workbook;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use geo::Geometry;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result, suggest};
pub use batch::{Batch, Origin, Written};
use batch::{Field, Shared};
use dialect::Dialect;
pub use files::fingerprint;
use files::{Format, Located};
pub use guard::expects_panic;
pub use join::Joined;
pub use raw::{RawFilter, sift};
use rows::{Records, Rows};
pub use settings::{ColumnSpec, ColumnType, Computed, GasSpec, Join, MatchBy, OneOrMany, Reading};

/// The column that every source has: the path of the file that a row stood in.
pub const SOURCE_FILE: &str = "source_file";
/// The column of the year that a row was made for, where years stand side by side; also what stands for it in their names.
pub const YEAR: &str = "{year}";
/// Blocks that are parsed at a time; the same for any number of threads.
const AT_ONCE: usize = 16;

/// An input file as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InputFile {
    /// The path, as the pipeline file (and its globs) name it.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Format, encoding and delimiter, declared or found.
    pub read_as: String,
    /// Its licence, where the pipeline file gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Who is to be named for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
}

/// What is asked of the files of one source.
#[derive(Clone)]
pub struct Request<'a> {
    /// The source as the pipeline file names it (`facilities`, `layers.ports`).
    pub name: &'a str,
    /// The folder that relative paths start from.
    pub folder: &'a Path,
    /// Paths and format.
    pub reading: &'a Reading,
    /// Columns that every file must have.
    pub required: Vec<String>,
    /// Lists of columns of which every file must have one, and some file each.
    pub alternatives: Vec<Vec<String>>,
    /// Columns that only hold a place (x, y, WKT): not asked of files that bring geometries.
    pub places: Vec<String>,
    /// Names of columns of several years, with [`YEAR`] in them.
    pub by_year: Vec<String>,
    /// Columns that are taken where a file has them.
    pub optional: Vec<String>,
    /// Also take every further column of the files.
    pub all: bool,
    /// A second file with more of the columns.
    pub join: Option<&'a Join>,
}

/// A file as it lies there, and the path by which the pipeline file (and its globs) name it; of a member of an archive the
/// archive's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// The path as the pipeline file names it.
    pub shown: String,
    /// Where it lies.
    pub path: PathBuf,
}

/// The files that a source would read, and what belongs to them (the parts of a shapefile), without opening them.
///
/// # Errors
///
/// [`Error::Io`] for a glob that matches nothing, [`Error::Data`] for an archive that does not open.
pub fn find(request: &Request<'_>) -> Result<Vec<FoundFile>> {
    let files = files::locate(request)?;
    let parts: Vec<Located> = files.iter().flat_map(Located::parts).collect();
    let found = |file: Located| FoundFile { shown: file.shown, path: file.path };
    Ok(files.into_iter().chain(parts).map(found).collect())
}

impl<'a> Request<'a> {
    /// Asks for every column, and for none that there must be.
    pub fn everything(name: &'a str, folder: &'a Path, reading: &'a Reading) -> Self {
        Self {
            name,
            folder,
            reading,
            required: Vec::new(),
            alternatives: Vec::new(),
            places: Vec::new(),
            by_year: Vec::new(),
            optional: Vec::new(),
            all: true,
            join: None,
        }
    }
}

/// The files of one source, opened: their columns are known, their rows are not read yet.
pub struct Source {
    /// The columns that were asked for, by their name in the files.
    pub columns: Vec<String>,
    /// The joined file.
    pub joined: Option<Arc<Joined>>,
    /// Filters over the files' own columns, in order.
    pub raw_filters: Vec<RawFilter>,
    files: Vec<Opened>,
    licence: Option<String>,
    attribution: Option<String>,
}

/// One file, with what its head tells.
struct Opened {
    located: Located,
    content: Content,
    header: Vec<String>,
    shared: Shared,
    read_as: String,
    /// The coordinate reference system that the file states.
    crs: Option<String>,
    /// Whether it brings a geometry with each row.
    placed: bool,
}

enum Content {
    Csv { dialect: Dialect, encoding: Option<String> },
    Geojson(Vec<::geojson::Feature>),
    Parquet(parquet::Table),
    Records(Box<dyn Records>),
}

/// A stretch of a file, not parsed yet.
enum Block {
    Csv(csv::Block),
    Rows(std::ops::Range<usize>),
    Records(Vec<rows::Row>),
}

/// Rows of a block of formats that are no delimited text.
const ROWS: usize = 16_384;

impl Source {
    /// Finds the files, reads their heads, and looks for the columns that there must be.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for a file that cannot be opened, [`Error::Data`] for an empty or unparsable one or for a
    /// column that a file lacks.
    pub fn open(request: &Request<'_>) -> Result<Self> {
        let mut request = request.clone();
        let expressions = raw::parse(&request.reading.where_raw, request.name)?;
        let named = expressions.iter().flat_map(|expression| expression.columns().to_vec());
        request.required.extend(named);
        let request = &request;
        let joined = request.join.map(|join| open_join(request, join)).transpose()?.map(Arc::new);
        let mut heads = Vec::new();
        let mut problems = Vec::new();
        for located in files::locate(request)? {
            heads.extend(gathered(Head::read(request, joined.as_deref(), located), &mut problems)?);
        }
        if !problems.is_empty() {
            return Err(Error::Data { problems });
        }
        let mut columns: Vec<String> = Vec::new();
        for column in request.alternatives.iter().flatten().filter(|column| *column != SOURCE_FILE) {
            let theirs = joined.as_ref().is_some_and(|joined| joined.columns.contains(column));
            if let Some(first) =
                heads.first().filter(|_| !theirs && heads.iter().all(|head| head.known().all(|known| known != column)))
            {
                return Err(missing_column(&first.located.shown, column, first.known()));
            }
        }
        let asked = request.required.iter().chain(request.alternatives.iter().flatten());
        let asked = asked.chain(&request.places).chain(&request.by_year).chain(&request.optional).map(String::as_str);
        let everything = heads.iter().flat_map(Head::known);
        let everything = everything.chain(joined.iter().flat_map(|joined| joined.columns.iter().map(String::as_str)));
        let mut known = HashSet::new();
        for name in asked.chain(everything.filter(|_| request.all)) {
            if known.insert(name) {
                columns.push(name.to_owned());
            }
        }
        let mut files = Vec::new();
        for (position, head) in heads.into_iter().enumerate() {
            files.extend(gathered(head.open(request, &columns, joined.as_ref(), position as u32), &mut problems)?);
        }
        if !problems.is_empty() {
            return Err(Error::Data { problems });
        }
        let filled = |column: &usize| files.iter().any(|file| file.shared.fields[*column] != Field::Absent);
        let kept: Vec<usize> = (0..columns.len()).filter(filled).collect();
        for file in &mut files {
            file.shared.fields = kept.iter().map(|&column| file.shared.fields[column]).collect();
        }
        let columns: Vec<String> = kept.into_iter().map(|column| columns[column].clone()).collect();
        let raw_filters = raw::filters(expressions, &columns, request.name)?;
        let (licence, attribution) = (request.reading.licence.clone(), request.reading.attribution.clone());
        Ok(Self { columns, joined, raw_filters, files, licence, attribution })
    }

    /// The position of a column by its name in the files.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known == column)
    }

    /// The paths of the files, as shown.
    pub fn paths(&self) -> Vec<Arc<str>> {
        self.files.iter().map(|file| file.shared.file.clone()).collect()
    }

    /// Whether any of the files brings a geometry with each row.
    pub fn is_placed(&self) -> bool {
        self.files.iter().any(|file| file.placed)
    }

    /// Of the keys that say how a file is read, those that no file of this source heeds.
    pub fn idle(&self, given: &[&'static str]) -> Vec<&'static str> {
        let heeds = |file: &Opened, key: &str| {
            let heeded: &[&str] = match file.located.format() {
                Ok(Format::Csv) => &settings::OF_TEXT,
                Ok(Format::Workbook) => &["table", "comment", "skip_before_header", "skip_after_header"],
                Ok(Format::Geopackage) => &["table"],
                Ok(Format::Shapefile) => &["encoding"],
                _ => &[],
            };
            heeded.contains(&key)
        };
        given.iter().copied().filter(|key| !self.files.iter().any(|file| heeds(file, key))).collect()
    }

    /// Formats, encodings and delimiters of the files, declared or found.
    pub fn read_as(&self) -> Vec<&str> {
        self.files.iter().map(|file| file.read_as.as_str()).collect()
    }

    /// The coordinate reference system that the files state, where one does.
    pub fn stated_crs(&self) -> Option<&str> {
        self.files.iter().find_map(|file| file.crs.as_deref())
    }

    /// Some of the first rows of every file.
    pub fn some(&self, most: usize) -> Result<Vec<Batch>> {
        let mut batches = Vec::new();
        for file in &self.files {
            let (mut blocks, mut rows) = (file.blocks()?, 0);
            while rows < most
                && let Some(block) = blocks.next()?
            {
                let batch = file.parse(block)?;
                rows += batch.rows();
                batches.push(batch);
            }
        }
        Ok(batches)
    }

    /// Files that state another coordinate reference system than this (`EPSG:nnnn`): path and what it states.
    pub fn other_crs(&self, declared: &str) -> Option<(Arc<str>, String)> {
        let other = |file: &&Opened| file.crs.as_deref().is_some_and(|crs| crs != declared);
        self.files.iter().find(other).map(|file| (file.shared.file.clone(), file.crs.clone().unwrap_or_default()))
    }

    /// Sizes and hashes of the files, then of what belongs to them (the parts of a shapefile).
    pub fn fingerprints(&self) -> Result<Vec<InputFile>> {
        let fingerprint = |located: &Located, read_as: &str| {
            let (bytes, sha256) = located.fingerprint()?;
            Ok(InputFile {
                path: located.shown.clone(),
                bytes,
                sha256,
                read_as: read_as.to_owned(),
                licence: self.licence.clone(),
                attribution: self.attribution.clone(),
            })
        };
        let files = self.files.iter().map(|file| fingerprint(&file.located, &file.read_as));
        let parts = self.files.iter().flat_map(|file| file.located.parts());
        files.chain(parts.map(|part| fingerprint(&part, "shapefile"))).collect()
    }

    /// A batch without rows.
    pub fn empty(&self) -> Batch {
        self.files.first().map(|file| Batch::new(&file.shared)).unwrap_or_default()
    }

    /// The first rows of every file.
    pub fn first(&self) -> Result<Vec<Batch>> {
        let mut batches = Vec::new();
        for file in &self.files {
            if let Some(block) = file.blocks()?.next()? {
                batches.push(file.parse(block)?);
            }
        }
        Ok(batches)
    }

    /// Gives all batches to `work`, several at a time, and what comes out to `take`, in the order of the files.
    ///
    /// # Errors
    ///
    /// Those of `work` and `take`, and [`Error::Data`] where a file does not read to its end.
    pub fn stream<T: Send>(
        &self,
        work: &(dyn Fn(Batch) -> Result<T> + Sync),
        take: &mut dyn FnMut(T) -> Result<()>,
    ) -> Result<()> {
        self.stream_some(0..self.files.len(), work, take)
    }

    /// The same of some of the files, by their positions in [`Source::paths`].
    ///
    /// # Errors
    ///
    /// As [`Source::stream`].
    pub fn stream_some<T: Send>(
        &self,
        some: std::ops::Range<usize>,
        work: &(dyn Fn(Batch) -> Result<T> + Sync),
        take: &mut dyn FnMut(T) -> Result<()>,
    ) -> Result<()> {
        for file in &self.files[some] {
            let mut blocks = file.blocks()?;
            let mut current = blocks.several()?;
            while !current.is_empty() {
                let parse = |block| work(file.parse(block)?);
                let (done, next) =
                    rayon::join(|| current.into_par_iter().map(parse).collect::<Vec<Result<T>>>(), || blocks.several());
                done.into_iter().try_for_each(|result| take(result?))?;
                current = next?;
            }
        }
        Ok(())
    }
}

/// Sets the problems of one file aside, so that all of a glob show at once.
fn gathered<T>(result: Result<T>, problems: &mut Vec<Problem>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::Data { problems: more }) => {
            problems.extend(more);
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

fn open_join(request: &Request<'_>, join: &Join) -> Result<Joined> {
    let reading = join.reading();
    let key: Vec<String> = join.pairs().iter().map(|(_, there)| (*there).to_owned()).collect();
    let name = format!("{}.join", request.name);
    let own = Request { required: key.clone(), ..Request::everything(&name, request.folder, &reading) };
    let mut joined = Joined::read(&own, &key, join.ignore_case)?;
    if let Some(path) = &join.pairs {
        let reading = Reading { path: OneOrMany::one(path), ..Reading::default() };
        let name = format!("{name}.pairs");
        let required = ["here", "there"].map(str::to_owned).to_vec();
        joined.pair(&Request { required, ..Request::everything(&name, request.folder, &reading) })?;
    }
    Ok(joined)
}

/// A file whose columns are known.
struct Head {
    located: Located,
    content: Content,
    header: Vec<String>,
    read_as: String,
    crs: Option<String>,
    /// Whether it brings a geometry with each row.
    placed: bool,
}

/// Columns that a file may have.
const COLUMNS: usize = 100_000;

impl Head {
    fn read(request: &Request<'_>, joined: Option<&Joined>, located: Located) -> Result<Self> {
        let head = Self::of_format(request, joined, located)?;
        if head.header.len() > COLUMNS {
            let message = format!("the file has {} columns", head.header.len());
            return Err(problem(&head.located.shown, message, format!("{COLUMNS} at most: turn columns into rows")));
        }
        Ok(head)
    }

    fn of_format(request: &Request<'_>, joined: Option<&Joined>, located: Located) -> Result<Self> {
        match located.format()? {
            Format::Csv => Self::read_csv(request, joined, located),
            Format::Geojson => geojson::head(located),
            Format::JsonLines => json::head_of_lines(located),
            Format::Parquet => parquet::head(located),
            Format::Workbook => workbook::head(request, located),
            Format::Geopackage => geopackage::head(request, located),
            Format::Shapefile => shapefile::head(request, located),
            Format::Flatgeobuf => flatgeobuf::head(located),
            Format::Kml => kml::head(located),
        }
    }

    fn read_csv(request: &Request<'_>, joined: Option<&Joined>, located: Located) -> Result<Self> {
        let shown = located.shown.clone();
        let mut text = dialect::open_text(&located, request.reading.encoding.as_deref())?;
        let sample = dialect::sample(&mut text).map_err(|error| located.failed(error))?;
        if sample.iter().all(u8::is_ascii_whitespace) {
            return Err(problem(&shown, "the file is empty", "check the export that wrote it"));
        }
        let mine = |column: &&String| !joined.is_some_and(|joined| joined.columns.contains(column));
        let wanted = request.required.iter().chain(request.alternatives.iter().flatten()).chain(&request.places);
        let wanted: Vec<String> = wanted.filter(mine).cloned().collect();
        let dialect = Dialect::find(request.reading, &sample, &wanted, text.encoding != encoding_rs::UTF_8);
        let header = csv::header(&sample, &dialect)
            .ok_or_else(|| problem(&shown, "the file has no header", "check `skip_before_header` and `comment`"))?;
        if header.iter().any(|name| name.contains('\u{fffd}')) && text.encoding == encoding_rs::UTF_8 {
            let hint = format!("declare encoding = \"{}\", or what it is", encoding::guess(&sample).unwrap_or("utf-8"));
            return Err(problem(&shown, "the header is not UTF-8", hint));
        }
        let delimiter = if dialect.delimiter == b'\t' { "tab".to_owned() } else { (dialect.delimiter as char).into() };
        let read_as = format!(
            "csv, {}, delimiter {delimiter}, quote {}",
            text.encoding.name().to_lowercase(),
            dialect.quote as char
        );
        let content = Content::Csv { dialect, encoding: request.reading.encoding.clone() };
        Ok(Self { located, content, header, read_as, crs: None, placed: false })
    }

    /// Columns that its folders give (`year=2022`) and the file itself has not, with their values as the path has them.
    fn partitions(&self) -> impl Iterator<Item = (&str, &str)> {
        files::partitions(&self.located.shown).filter(|(name, _)| self.header.iter().all(|own| own != name))
    }

    /// The columns that the file and its folders have.
    fn known(&self) -> impl Iterator<Item = &str> {
        self.header.iter().map(String::as_str).chain(self.partitions().map(|(name, _)| name))
    }

    /// Whether the file, its folders, or what is joined to it, have every column asked for, and have it once.
    fn check_header(&self, request: &Request<'_>, theirs: &[String]) -> Result<()> {
        let shown = &self.located.shown;
        let known = || self.known().chain(theirs.iter().map(String::as_str));
        let is_known = |column: &String| column == SOURCE_FILE || known().any(|known| known == column);
        let places: &[String] = if self.placed { &[] } else { &request.places };
        for column in request.required.iter().chain(places) {
            if !is_known(column) {
                return Err(missing_column(shown, column, known()));
            }
            if self.header.iter().filter(|name| *name == column).count() > 1 {
                let hint = "rename one of them in the file's header";
                return Err(problem(shown, format!("the file has two columns `{column}`"), hint));
            }
        }
        for several in &request.alternatives {
            if !several.iter().any(is_known) {
                return Err(missing_column(shown, &several[0], known()));
            }
        }
        Ok(())
    }

    /// Finds the field of every column.
    fn open(
        self,
        request: &Request<'_>,
        columns: &[String],
        joined: Option<&Arc<Joined>>,
        position: u32,
    ) -> Result<Opened> {
        let theirs = joined.map(|joined| joined.columns.as_slice()).unwrap_or_default();
        self.check_header(request, theirs)?;
        let shown = &self.located.shown;
        // The first of several columns of one name.
        let by_name = |names: &[String]| -> HashMap<String, usize> {
            names.iter().enumerate().rev().map(|(at, name)| (name.clone(), at)).collect()
        };
        let (own, others) = (by_name(&self.header), by_name(theirs));
        let own = |column: &str| own.get(column).copied();
        let (years, by_year) = self.years(request, theirs)?;
        let of_folder = |column: &String| {
            self.partitions().position(|(name, _)| name == column).map_or(Field::Absent, Field::Folder)
        };
        let field = |column: &String| {
            if let Some(position) = request.by_year.iter().position(|name| name == column) {
                return Field::ByYear(position);
            }
            if self.placed && request.places.contains(column) && !request.required.contains(column) {
                return Field::Absent;
            }
            let is_key = request.join.is_some_and(|join| join.pairs().contains(&(column, column)));
            match (own(column), others.get(column).copied()) {
                (Some(own), Some(theirs)) if is_key => Field::Key(own, theirs),
                (Some(own), Some(theirs)) => Field::Both(own, theirs),
                (Some(at), None) => Field::At(at),
                (None, Some(at)) => Field::Joined(at),
                (None, None) if column == SOURCE_FILE => Field::SourceFile,
                (None, None) if column == YEAR && !years.is_empty() => Field::Year,
                (None, None) => of_folder(column),
            }
        };
        let mut key = Vec::new();
        for (here, _) in request.join.map(Join::pairs).unwrap_or_default() {
            key.push(own(here).ok_or_else(|| missing_column(shown, here, self.header.iter().map(String::as_str)))?);
        }
        let shared = Shared {
            source: request.name.into(),
            file: shown.as_str().into(),
            position,
            width: self.header.len(),
            fields: columns.iter().map(field).collect(),
            key: key.into(),
            joined: joined.map(|joined| Arc::clone(joined) as Arc<dyn batch::Partners>),
            fills: request.join.is_some_and(|join| join.fill),
            years: years.into(),
            by_year: by_year.into(),
            folders: self.partitions().map(|(_, value)| files::unescaped(value).into()).collect(),
        };
        let Self { located, content, header, read_as, crs, placed } = self;
        Ok(Opened { located, content, header, shared, read_as, crs, placed })
    }
}

impl Head {
    /// The years that stand side by side, and for each name with [`YEAR`] in it the field of every year.
    fn years(&self, request: &Request<'_>, theirs: &[String]) -> Result<Years> {
        let known = || self.header.iter().chain(theirs);
        let mut years = std::collections::BTreeSet::new();
        for name in &request.by_year {
            years.extend(known().filter_map(|column| year_of(name, column)).map(str::to_owned));
            if !known().any(|column| is_of_year(name, column)) {
                return Err(missing_column(&self.located.shown, name, known().map(String::as_str)));
            }
        }
        let field = |name: &String, year: &String| {
            let column = name.replace(YEAR, year);
            let own = self.header.iter().position(|known| *known == column).map(Field::At);
            own.or_else(|| theirs.iter().position(|known| *known == column).map(Field::Joined)).unwrap_or(Field::Absent)
        };
        let by_year = request.by_year.iter().map(|name| years.iter().map(|year| field(name, year)).collect()).collect();
        Ok((years.iter().map(|year| year.as_str().into()).collect(), by_year))
    }
}

/// Years, and for each name the field of every year.
type Years = (Vec<Arc<str>>, Vec<Vec<Field>>);

/// Whether a column is that of one year of a name with [`YEAR`] in it.
pub fn is_of_year(name: &str, column: &str) -> bool {
    year_of(name, column).is_some()
}

/// The year in a column's name, where the rest of it is that of a name with [`YEAR`] in it.
fn year_of<'c>(name: &str, column: &'c str) -> Option<&'c str> {
    let (before, after) = name.split_once(YEAR)?;
    let year = column.strip_prefix(before)?.strip_suffix(after)?;
    (year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit())).then_some(year)
}

/// Goes through a file block by block.
enum Blocks<'a> {
    Csv(csv::Blocks<'a>),
    Rows(std::ops::Range<usize>),
    Records(Rows<'a>),
}

impl Blocks<'_> {
    fn next(&mut self) -> Result<Option<Block>> {
        match self {
            Self::Csv(blocks) => Ok(blocks.next()?.map(Block::Csv)),
            Self::Rows(rows) => {
                let block = rows.start..rows.end.min(rows.start + ROWS);
                rows.start = block.end;
                Ok((!block.is_empty()).then_some(Block::Rows(block)))
            }
            Self::Records(rows) => {
                let block = rows.by_ref().take(ROWS).collect::<Result<Vec<_>>>()?;
                Ok((!block.is_empty()).then_some(Block::Records(block)))
            }
        }
    }

    fn several(&mut self) -> Result<Vec<Block>> {
        let mut blocks = Vec::new();
        while blocks.len() < AT_ONCE
            && let Some(block) = self.next()?
        {
            blocks.push(block);
        }
        Ok(blocks)
    }
}

impl Opened {
    fn blocks(&self) -> Result<Blocks<'_>> {
        match &self.content {
            Content::Csv { dialect, encoding } => {
                let text = dialect::open_text(&self.located, encoding.as_deref())?;
                Ok(Blocks::Csv(csv::Blocks::new(text.read, &self.located, dialect)?))
            }
            Content::Geojson(features) => Ok(Blocks::Rows(0..features.len())),
            Content::Parquet(table) => Ok(Blocks::Rows(0..table.rows)),
            Content::Records(records) => Ok(Blocks::Records(records.rows()?)),
        }
    }

    fn parse(&self, block: Block) -> Result<Batch> {
        let mut batch = match (block, &self.content) {
            (Block::Csv(block), Content::Csv { dialect, .. }) => {
                records::parse(&block, dialect, &self.header, &self.shared)
            }
            (Block::Rows(rows), Content::Geojson(features)) => {
                geojson::parse(features, rows, &self.shared, &self.header)
            }
            (Block::Rows(rows), Content::Parquet(table)) => table.parse(rows, &self.shared)?,
            (Block::Records(block), _) => rows::batch(block, self.placed, &self.shared),
            _ => Batch::new(&self.shared),
        };
        batch.pair(&self.shared.key);
        batch.spread();
        Ok(batch)
    }
}

/// A digest in hexadecimal.
pub fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The sheets of a workbook, or the layers of a GeoPackage, that hold anything: of the first file. None for other formats.
///
/// # Errors
///
/// [`Error::Io`] or [`Error::Data`] where the file does not open.
pub fn tables(reading: &Reading, folder: &Path) -> Result<Vec<String>> {
    let request = Request::everything("facilities", folder, reading);
    let Some(located) = files::locate(&request)?.into_iter().next() else { return Ok(Vec::new()) };
    match located.format()? {
        Format::Workbook => workbook::tables(&located),
        Format::Geopackage => geopackage::tables(&located),
        _ => Ok(Vec::new()),
    }
}

/// The encoding that a text file is likely in, where its first bytes are not UTF-8.
///
/// # Errors
///
/// [`Error::Io`] or [`Error::Data`] where the file does not open.
pub fn foreign_encoding(reading: &Reading, folder: &Path) -> Result<Option<&'static str>> {
    /// Bytes that are looked at.
    const LOOKED_AT: usize = 16 << 20;
    let request = Request::everything("facilities", folder, reading);
    for located in files::locate(&request)? {
        if located.format()? != Format::Csv {
            continue;
        }
        let mut text = dialect::open_text(&located, None)?;
        let bytes = dialect::take(&mut text.read, LOOKED_AT).map_err(|error| located.failed(error))?;
        if text.encoding == encoding_rs::UTF_8
            && let Some(name) = encoding::guess(&bytes)
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Whether an encoding goes by this name (WHATWG Encoding Standard).
pub fn is_encoding(label: &str) -> bool {
    encoding_rs::Encoding::for_label(label.as_bytes()).is_some()
}

fn problem(place: &str, message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::Data { problems: vec![Problem::new(place, message, hint)] }
}

/// A geometry that a cell holds as GeoJSON, or as (E)WKB in hexadecimal; `None` where the text is neither. The code of the
/// source's own system of coordinates is held against what EWKB says.
pub fn geometry_of_text(text: &str, code: u32) -> Option<std::result::Result<Option<Geometry>, String>> {
    if text.trim_start().starts_with('{') {
        return Some(features::of_text(text).map(Some).map_err(|error| format!("not a GeoJSON geometry: {error}")));
    }
    let bytes = wkb::from_hex(text.trim())?;
    if let Some(other) = wkb::srid(&bytes).filter(|srid| *srid != 0 && *srid != code) {
        return Some(Err(format!("the geometry says SRID={other}, the source's crs is EPSG:{code}")));
    }
    Some(wkb::read(&bytes).map_err(|error| format!("not a WKB geometry: {error}")))
}

/// The table of a file that is asked for; without that the only one that holds anything. `all` and those that do.
fn choose(shown: &str, wanted: Option<&str>, (all, filled): (&[String], &[String]), what: &str) -> Result<String> {
    match (wanted, filled) {
        (Some(wanted), _) if all.iter().any(|name| name == wanted) => Ok(wanted.to_owned()),
        (Some(wanted), _) => {
            let hint = suggest(wanted, all.iter().map(String::as_str));
            Err(problem(shown, format!("the file has no {what} `{wanted}`"), hint))
        }
        (None, [only]) => Ok(only.clone()),
        (None, []) => Err(problem(shown, format!("the file has no {what}"), guard::CHECK)),
        (None, several) => {
            let hint = format!("name one: table = \"{}\" (there are: {})", several[0], several.join(", "));
            Err(problem(shown, format!("the file has {} {what}s", several.len()), hint))
        }
    }
}

fn missing_column<'a>(place: &str, column: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    problem(place, format!("the file has no column `{column}`"), suggest(column, known))
}
