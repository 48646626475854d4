//! A pipeline file to a checked [`Pipeline`]: parse, merge what it extends, refuse unknown keys, check all
//! cross-references and report every problem at its place.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::check::check;
use super::check_score::check_scales;
use super::settings::PipelineFile;
use crate::classify::{Rules, Typology};
use crate::error::{Error, Problem, Result, nearest};
use crate::indicator::Inherited;
use crate::report::manifest::Manifest;
use crate::score::{Model, Scorer, Scoring};
use crate::sources::{Reading, hex};
use crate::validate::settings::Sourced;

/// A pipeline that holds together.
#[derive(Debug)]
pub struct Pipeline {
    /// What the file and all it extends say.
    pub file: PipelineFile,
    /// The file.
    pub path: PathBuf,
    /// The folder that its paths start from.
    pub folder: PathBuf,
    /// SHA-256 of the resolved file.
    pub sha256: String,
    /// The file with all that it extends and all that was set beside it, as written: without defaults.
    pub given: Table,
    /// `[score]`, or the default.
    pub scoring: Scoring,
    /// The score tree, with the weights that the file gives.
    pub model: Model,
    /// How the files of judgements are read, by the node whose children they are about.
    pub judgements: BTreeMap<String, Reading>,
    /// Indicators that came through `extends`.
    pub inherited: Inherited,
}

/// A pipeline on its way to workers.
#[derive(Serialize, Deserialize)]
struct Sent {
    given: Table,
    inherited: Inherited,
    folder: PathBuf,
    path: PathBuf,
}

/// Lists of tables that are merged by `id`.
const LISTS: [&str; 4] = ["dimensions", "components", "indicators", "expect"];
/// Tables of sources, whose paths are relative to the file that they stand in.
const SOURCES: [&str; 5] = ["layers", "links", "memberships", "figures", "outcomes"];
/// Tables of a source that name files of their own.
const WITHIN: [&str; 3] = ["join", "corrections", "perimeters"];

impl Pipeline {
    /// Reads a pipeline file. `set` holds `KEY=VALUE` overrides, as `delineate.radius_km=5` or
    /// `indicators.port_distance.weight=2`.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] for a file that cannot be opened, [`Error::Pipeline`] with everything that is wrong in it.
    pub fn load(path: &Path, set: &[String]) -> Result<Self> {
        let (mut merged, texts) = read_with_bases(path)?;
        for assignment in set {
            assign(&mut merged, assignment)?;
        }
        let own = texts.first().map(|(_, text)| text.parse::<Table>().unwrap_or_default()).unwrap_or_default();
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Self::of(merged, (path, folder), &texts, |file| inherited(file, &own))
    }

    /// A pipeline as a run has written it down, whose paths start from a folder; `path` is what problems are said to stand in.
    ///
    /// # Errors
    ///
    /// [`Error::Pipeline`] where this version of the program does not take it.
    pub fn of_manifest(manifest: &Manifest, folder: &Path, path: &Path) -> Result<Self> {
        let given = Table::deserialize(&manifest.pipeline_as_given)
            .map_err(|error| wrong(path.display().to_string(), error.to_string()))?;
        Self::of(given, (path, folder.to_path_buf()), &Texts::new(), |_| manifest.inherited.clone())
    }

    /// What workers are told of it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where its folder is not there.
    pub(super) fn sent(&self) -> Result<String> {
        let here = if self.folder.as_os_str().is_empty() { Path::new(".") } else { &self.folder };
        let folder = here.canonicalize().map_err(Error::io(here))?;
        let sent =
            Sent { given: self.given.clone(), inherited: self.inherited.clone(), folder, path: self.path.clone() };
        serde_json::to_string(&sent).map_err(|error| Error::Workers { message: error.to_string() })
    }

    /// The pipeline that a run has told of.
    ///
    /// # Errors
    ///
    /// [`Error::Pipeline`] where it does not hold together.
    pub(super) fn received(sent: &str) -> Result<Self> {
        let sent: Result<Sent> =
            serde_json::from_str(sent).map_err(|error| Error::Workers { message: error.to_string() });
        let Sent { given, inherited, folder, path } = sent?;
        Self::of(given, (&path, folder), &Texts::new(), |_| inherited)
    }

    /// The same with other settings.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::load`].
    pub fn varied(&self, set: &[String]) -> Result<Self> {
        let mut given = self.given.clone();
        set.iter().try_for_each(|assignment| assign(&mut given, assignment))?;
        let texts = read_with_bases(&self.path).map(|(_, texts)| texts).unwrap_or_default();
        Self::of(given, (&self.path, self.folder.clone()), &texts, |_| self.inherited.clone())
    }

    fn of(
        given: Table,
        (path, folder): (&Path, PathBuf),
        texts: &Texts,
        inherited: impl FnOnce(&PipelineFile) -> Inherited,
    ) -> Result<Self> {
        let mut file = parse(&given, texts)?;
        file.typology = typology(&file)?;
        let inherited = inherited(&file);
        let mut problems = settle_computed(&mut file);
        problems.extend(check(&file));
        let scoring = file.score.clone().unwrap_or_default();
        let model = match Model::new(file.tree(&scoring)) {
            Ok(model) => Some(model),
            Err(more) => {
                problems.extend(more);
                None
            }
        };
        problems.extend(model.iter().flat_map(|model| check_scales(&file, model, &without_threshold(&given))));
        for problem in &mut problems {
            problem.place = locate(&problem.place, texts);
        }
        let Some(model) = model.filter(|_| problems.is_empty()) else { return Err(Error::Pipeline { problems }) };
        let resolved = toml::to_string(&given).map_err(|error| wrong(path.display().to_string(), error.to_string()))?;
        let sha256 = hex(&Sha256::digest(resolved.as_bytes()));
        let judgements = judgements(&file);
        Ok(Self { file, path: path.to_path_buf(), folder, sha256, given, scoring, model, judgements, inherited })
    }

    /// The folder of its runs where nobody names another.
    pub fn default_out(&self) -> PathBuf {
        Path::new("out").join(&self.file.name)
    }

    /// The file as seen from the working folder, however it was named.
    pub fn shown(&self) -> String {
        let here = std::env::current_dir().and_then(|folder| folder.canonicalize());
        let whole = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let within = here.ok().and_then(|here| whole.strip_prefix(here).ok().map(Path::to_path_buf));
        within.unwrap_or(whole).display().to_string()
    }

    /// What makes a type of scores.
    pub fn rules<'a>(&'a self, scorer: &'a Scorer<'a>) -> Rules<'a> {
        let file = &self.file;
        Rules {
            dimensions: &file.dimensions,
            indicators: &file.indicators,
            scorer,
            typology: file.typology.as_ref(),
            settings: &file.classify,
        }
    }

    /// Gives problems that were found while running their place in the file.
    pub fn locate(&self, error: Error) -> Error {
        let Error::Pipeline { mut problems } = error else { return error };
        let texts = read_with_bases(&self.path).map(|(_, texts)| texts).unwrap_or_default();
        for problem in &mut problems {
            problem.place = locate(&problem.place, &texts);
        }
        Error::Pipeline { problems }
    }
}

/// Ids of the dimensions whose threshold no file says.
fn without_threshold(merged: &Table) -> Vec<String> {
    let dimensions = merged.get("dimensions").and_then(Value::as_array).into_iter().flatten();
    let silent = dimensions.filter(|dimension| dimension.get("threshold").is_none());
    silent.filter_map(|dimension| Some(dimension.get("id")?.as_str()?.to_owned())).collect()
}

/// How the files of judgements are read, by the node whose children they are about.
fn judgements(file: &PipelineFile) -> BTreeMap<String, Reading> {
    file.weighed_nodes().filter_map(|(place, weights)| Some((place, weights.reading()?))).collect()
}

type Texts = Vec<(PathBuf, String)>;

fn wrong(place: String, message: String) -> Error {
    Error::pipeline(Problem::new(place, message, ""))
}

/// The merged table of a file and its bases, and their texts, the file first.
fn read_with_bases(path: &Path) -> Result<(Table, Texts)> {
    let mut bases = Bases::default();
    bases.gather(path, "")?;
    let mut merged = Table::new();
    bases.tables.into_iter().for_each(|table| merge(&mut merged, table));
    Ok((merged, bases.texts))
}

/// A pipeline file with all that it builds on, each file once, at its first place.
#[derive(Default)]
struct Bases {
    /// From the deepest base to the file itself: later ones go over earlier ones.
    tables: Vec<Table>,
    /// The file first, then its bases as it names them.
    texts: Texts,
    /// Files that are being read, to find circles.
    open: Vec<PathBuf>,
    /// Files that have been read.
    read: HashSet<PathBuf>,
}

impl Bases {
    /// Reads a file and what it builds on; `up` leads from the folder of the first file to that of this one.
    fn gather(&mut self, path: &Path, up: &str) -> Result<()> {
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let mut own: Table = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let place = error.span().map_or_else(|| path.display().to_string(), |span| place(path, &text, span.start));
            wrong(place, error.message().to_owned())
        })?;
        let identity = path.canonicalize().map_err(Error::io(path))?;
        if self.open.contains(&identity) {
            return Err(wrong(path.display().to_string(), "`extends` goes in a circle".into()));
        }
        if !self.read.insert(identity.clone()) {
            return Ok(());
        }
        let texts = vec![(path.to_path_buf(), text)];
        let bases = bases(own.remove("extends"), &texts)?;
        self.texts.extend(texts);
        self.open.push(identity.clone());
        let folder = path.parent().unwrap_or(Path::new(""));
        for base in bases {
            let inner = Path::new(&base).parent().map(|parent| parent.to_string_lossy().into_owned());
            self.gather(&folder.join(&base), &below(up, &inner.unwrap_or_default()))?;
        }
        self.open.retain(|file| *file != identity);
        rebase(&mut own, up);
        self.tables.push(own);
        Ok(())
    }
}

/// The files that a file extends: none, one or several, later ones over earlier ones.
fn bases(extends: Option<Value>, texts: &Texts) -> Result<Vec<String>> {
    let wrong = || wrong(locate("extends", texts), "`extends` must be the path of a pipeline file, or several".into());
    let text = |value: Value| if let Value::String(text) = value { Ok(text) } else { Err(wrong()) };
    match extends {
        None => Ok(Vec::new()),
        Some(Value::Array(several)) => several.into_iter().map(text).collect(),
        Some(one) => Ok(vec![text(one)?]),
    }
}

/// A path from a folder, without the folders that it enters and leaves again.
fn below(folder: &str, path: &str) -> String {
    if folder.is_empty() || path.starts_with('/') {
        return path.to_owned();
    }
    if path.is_empty() {
        return folder.to_owned();
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => {
                parts.pop();
            }
            "." => {}
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// Makes the paths of a base relative to the file that extends it.
fn rebase(table: &mut Table, up: &str) {
    if up.is_empty() {
        return;
    }
    let turn = |source: &mut Value| match source.get_mut("path") {
        Some(Value::String(path)) => *path = below(up, path),
        Some(Value::Array(paths)) => paths.iter_mut().for_each(|path| {
            if let Value::String(path) = path {
                *path = below(up, path);
            }
        }),
        _ => {}
    };
    let turn = |source: &mut Value| {
        if let Some(Value::String(pairs)) = source.get_mut("join").and_then(|join| join.get_mut("pairs")) {
            *pairs = below(up, pairs);
        }
        WITHIN.iter().for_each(|name| source.get_mut(*name).into_iter().for_each(turn));
        turn(source);
    };
    table.get_mut("facilities").into_iter().for_each(turn);
    for list in ["dimensions", "components"] {
        let nodes = table.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        let weights = nodes.filter_map(|node| node.get_mut("weights")?.as_table_mut());
        weights.flat_map(|weights| weights.iter_mut()).for_each(|(_, judged)| turn(judged));
    }
    if let Some(operators) = table.get_mut("operators") {
        operators.get_mut("aliases").into_iter().for_each(turn);
    }
    for name in ["boundaries", "places", "initiatives"] {
        table.get_mut(name).into_iter().for_each(turn);
    }
    for list in SOURCES {
        if let Some(Value::Table(sources)) = table.get_mut(list) {
            sources.iter_mut().for_each(|(_, source)| turn(source));
        }
    }
}

/// The key that makes a table take the place of the inherited one.
const REPLACE: &str = "replace";

/// Lays `over` on `base`: tables key by key, lists of tables by id, all else replaced. A table with `replace = true` takes
/// the place of the inherited one; an empty value takes an inherited key away.
fn merge(base: &mut Table, over: Table) {
    for (key, mut value) in over {
        let replaces = value.get(REPLACE).is_some_and(|replace| replace.as_bool() == Some(true));
        if replaces {
            base.remove(&key);
        }
        if is_empty(&value) && base.remove(&key).is_some() {
            continue;
        }
        if let (Some(Value::Table(below)), Value::Table(above)) = (base.get_mut(&key), &mut value) {
            if above.get(REPLACE).is_some_and(Value::is_bool) {
                above.remove(REPLACE);
            }
            merge(below, std::mem::take(above));
            continue;
        }
        without_replace(&mut value);
        match (base.get_mut(&key), value) {
            (Some(Value::Array(below)), Value::Array(above)) if LISTS.contains(&key.as_str()) => {
                for item in above {
                    let same =
                        below.iter_mut().find(|known| known.get("id").is_some() && known.get("id") == item.get("id"));
                    match (same, item) {
                        (Some(Value::Table(known)), Value::Table(item)) => merge(known, item),
                        (_, item) => below.push(item),
                    }
                }
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Whether a value is there to take an inherited one away.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Table(table) => table.is_empty(),
        _ => false,
    }
}

/// Takes `replace = true` out of a table: it is said to the merging, not to the program. `replace = false` says nothing.
fn without_replace(value: &mut Value) {
    let Value::Table(table) = value else { return };
    if table.get(REPLACE).is_some_and(Value::is_bool) {
        table.remove(REPLACE);
    }
    table.iter_mut().for_each(|(_, value)| without_replace(value));
}

/// Applies one `KEY=VALUE`; the value is TOML, else text.
fn assign(table: &mut Table, assignment: &str) -> Result<()> {
    let usage = |message: String| Error::Usage { message, hint: Some("write --set delineate.radius_km=5".into()) };
    let (key, text) =
        assignment.split_once('=').ok_or_else(|| usage(format!("--set {assignment}: there is no `=`")))?;
    let value = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut table| table.remove("value"));
    let value = value.unwrap_or_else(|| Value::String(text.to_owned()));
    let mut parts: Vec<&str> = key.trim().split('.').collect();
    let last = parts
        .pop()
        .filter(|last| !last.is_empty())
        .ok_or_else(|| usage(format!("--set {assignment}: there is no key")))?;
    let mut current = table;
    let mut parts = parts.into_iter();
    while let Some(part) = parts.next() {
        let entry = current.entry(part).or_insert_with(|| Value::Table(Table::new()));
        current = match entry {
            Value::Table(inner) => inner,
            Value::Array(items) => {
                let id = parts.next().unwrap_or_default();
                let found = items.iter_mut().find(|item| item.get("id").and_then(Value::as_str) == Some(id));
                found
                    .and_then(Value::as_table_mut)
                    .ok_or_else(|| usage(format!("--set {assignment}: `{part}` has no `{id}`")))?
            }
            _ => return Err(usage(format!("--set {assignment}: `{part}` is no table"))),
        };
    }
    current.insert(last.to_owned(), value);
    Ok(())
}

/// Sets the computed columns of every source beside those that are mapped; none may be both.
fn settle_computed(file: &mut PipelineFile) -> Vec<Problem> {
    let mut sources: Vec<(String, &mut dyn Sourced)> = Vec::new();
    let one = |name: &str| name.to_owned();
    sources.extend(file.facilities.as_mut().map(|source| (one("facilities"), source as &mut dyn Sourced)));
    sources.extend(file.boundaries.as_mut().map(|source| (one("boundaries"), source as _)));
    sources.extend(file.places.as_mut().map(|source| (one("places"), source as _)));
    sources.extend(file.initiatives.as_mut().map(|source| (one("initiatives"), source as _)));
    let aliases = file.operators.as_mut().and_then(|operators| operators.aliases.as_mut());
    sources.extend(aliases.map(|source| (one("operators.aliases"), source as _)));
    sources.extend(file.layers.iter_mut().map(|(name, source)| (format!("layers.{name}"), source as _)));
    sources.extend(file.links.iter_mut().map(|(name, source)| (format!("links.{name}"), source as _)));
    sources.extend(file.memberships.iter_mut().map(|(name, source)| (format!("memberships.{name}"), source as _)));
    sources.extend(file.figures.iter_mut().map(|(name, source)| (format!("figures.{name}"), source as _)));
    sources.extend(file.outcomes.iter_mut().map(|(name, source)| (format!("outcomes.{name}"), source as _)));
    let mut twice = settle_all(sources);
    let corrections = file.facilities.as_mut().and_then(|source| source.corrections.as_mut());
    let corrections = corrections.map(|source| (one("facilities.corrections"), source as &mut dyn Sourced));
    let perimeters = file.memberships.iter_mut().filter_map(|(name, source)| {
        Some((format!("memberships.{name}.perimeters"), source.perimeters.as_mut()? as &mut dyn Sourced))
    });
    twice.extend(settle_all(corrections.into_iter().chain(perimeters).collect()));
    let problem = |(place, name): (String, String)| {
        let message = format!("`{name}` is both mapped and computed");
        let hint = "map the file's column under another name, and compute with that";
        Problem::new(format!("{place}.compute.{name}"), message, hint)
    };
    twice.into_iter().map(problem).collect()
}

/// Names that are both mapped and computed, each with its source.
fn settle_all(sources: Vec<(String, &mut dyn Sourced)>) -> Vec<(String, String)> {
    let twice = |(place, source): (String, &mut dyn Sourced)| {
        source.settle().into_iter().map(move |name| (place.clone(), name)).collect::<Vec<_>>()
    };
    sources.into_iter().flat_map(twice).collect()
}

/// The typed file; an error stands at its place in the file that holds the key.
fn parse(merged: &Table, texts: &Texts) -> Result<PipelineFile> {
    let parsed = serde_path_to_error::deserialize::<_, PipelineFile>(Value::Table(merged.clone()));
    parsed.map_err(|error| {
        let path = named_path(&error.path().to_string(), merged);
        let message = in_words(error.into_inner().message());
        let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        let (mut path, mut hint) = (path, String::new());
        if message.starts_with("unknown") && !names.is_empty() {
            hint = nearest(names[0], names[1..].iter().copied())
                .map(|near| format!("did you mean `{near}`?"))
                .unwrap_or_default();
            if message.starts_with("unknown field") && !path.ends_with(names[0]) {
                path = if path == "." { names[0].to_owned() } else { format!("{path}.{}", names[0]) };
            }
        }
        let place = locate(&path, texts);
        Error::pipeline(Problem::new(place, message, hint))
    })
}

/// What the parser says of its own types, in the file's words.
fn in_words(message: &str) -> String {
    if message.starts_with("invalid type: unit variant") || message.contains("expected string only") {
        return "a word in quotes is wanted here".into();
    }
    message
        .strip_prefix("invalid value: string \"\", expected a character")
        .map_or(message.to_owned(), |_| "one character is wanted here".into())
}

/// `indicators[3].scale` as `indicators.ID.scale`.
fn named_path(path: &str, merged: &Table) -> String {
    let mut named: Vec<String> = Vec::new();
    for part in path.split('.') {
        let Some((list, position)) = part.strip_suffix(']').and_then(|part| part.split_once('[')) else {
            named.push(part.to_owned());
            continue;
        };
        let item = merged.get(list).and_then(|list| list.get(position.parse::<usize>().unwrap_or(usize::MAX)));
        let id = item.and_then(|item| item.get("id")).and_then(Value::as_str);
        named.push(list.to_owned());
        named.push(id.unwrap_or(position).to_owned());
    }
    named.join(".")
}

/// `file:line:column` of a key such as `indicators.ID.scale`, in the first file that has it or the most of it.
fn locate(key: &str, texts: &Texts) -> String {
    let found = texts.iter().filter_map(|(path, text)| {
        let (depth, offset) = offset(key, text)?;
        Some((depth, place(path, text, offset)))
    });
    let mut best: Option<(usize, String)> = None;
    for (depth, place) in found {
        if best.as_ref().is_none_or(|(deepest, _)| depth > *deepest) {
            best = Some((depth, place));
        }
    }
    match (best, texts.first()) {
        (Some((depth, place)), _) if depth > 0 => format!("{place}: {key}"),
        (_, Some((path, _))) if key == "." || key.is_empty() => path.display().to_string(),
        (_, Some((path, _))) => format!("{}: {key}", path.display()),
        (_, None) => key.to_owned(),
    }
}

fn place(path: &Path, text: &str, offset: usize) -> String {
    let before = &text[..offset.min(text.len())];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    format!("{}:{line}:{column}", path.display())
}

/// How many parts of a dotted key a file has, and where the last of them stands.
fn offset(key: &str, text: &str) -> Option<(usize, usize)> {
    let document = toml::de::DeTable::parse(text).ok()?;
    let mut table = document.get_ref();
    let (mut depth, mut at) = (0, 0);
    let mut parts = key.split('.');
    while let Some(part) = parts.next() {
        let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref().as_ref() == part) else { break };
        depth += 1;
        at = name.span().start;
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            toml::de::DeValue::Array(items) => {
                let Some(id) = parts.next() else { break };
                let has_id = |item: &&toml::Spanned<toml::de::DeValue<'_>>| {
                    item.get_ref().get("id").is_some_and(|value| value.get_ref().as_str() == Some(id))
                };
                let Some(item) = items.iter().find(has_id) else { break };
                depth += 1;
                at = item.span().start;
                match item.get_ref() {
                    toml::de::DeValue::Table(inner) => table = inner,
                    _ => break,
                }
            }
            _ => break,
        }
    }
    Some((depth, at))
}

/// The typology of a file: its own, or the built-in one where that is named or fits the dimensions.
fn typology(file: &PipelineFile) -> Result<Option<Typology>> {
    let built_in = Typology::built_in()?;
    Ok(match &file.typology {
        Some(own) if own.id != built_in.id || !own.types.is_empty() => Some(own.clone()),
        _ => Some(built_in).filter(|typology| typology.fits(&file.dimensions)),
    })
}

fn inherited(file: &PipelineFile, own: &Table) -> Inherited {
    let own = own.get("indicators").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let without = |key: &str| -> BTreeSet<String> {
        let says = |id: &str| {
            own.iter().any(|own| own.get("id").and_then(Value::as_str) == Some(id) && own.get(key).is_some())
        };
        file.indicators.iter().map(|indicator| &indicator.id).filter(|id| !says(id)).cloned().collect()
    };
    Inherited { expr: without("expr"), lever: without("lever") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_is_by_key_and_by_id() {
        let mut base: Table =
            toml::from_str("a = 1\nt = { x = 1, y = 2 }\n[[indicators]]\nid = 'i'\nweight = 1\nexpr = 'e'").unwrap();
        let over =
            toml::from_str("a = 2\nt = { y = 3 }\n[[indicators]]\nid = 'i'\nweight = 5\n[[indicators]]\nid = 'j'")
                .unwrap();
        merge(&mut base, over);
        assign(&mut base, "indicators.j.weight=2").unwrap();
        assign(&mut base, "t.x=text").unwrap();
        let wanted = "a = 2\nt = { x = 'text', y = 3 }\nindicators = [{ id = 'i', weight = 5, expr = 'e' }, { id = 'j', weight = 2 }]";
        assert_eq!(base, toml::from_str::<Table>(wanted).unwrap());
        assert!(assign(&mut base, "indicators.k.weight=2").is_err());
    }
}
