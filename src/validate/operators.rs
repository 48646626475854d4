//! One firm, one name: spellings brought together by rules that a reader can check, and by a list that a person has
//! settled. Nothing else is ever merged.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::links::ids;
use super::plan::{Declared, Plan, Settings};
use super::settings::OperatorSettings;
use super::stream::Steps;
use super::table::Table;
use super::texts::texts;
use super::{Asked, Reader, Texts, by_own_name, keys, known_type};
use crate::error::{Error, Problem, Result};
use crate::finding::{Findings, Rule};

/// Words at the end of a name that say what sort of firm it is, in the languages of the shipped data: left out where
/// another word remains.
#[rustfmt::skip]
const LEGAL_FORMS: [&str; 46] = [
    "ab", "ag", "and", "aps", "as", "asa", "bv", "bvba", "co", "company", "corp", "corporation", "cv", "cvba", "dac", "eg",
    "ev", "gbr", "gie", "gmbh", "inc", "incorporated", "kg", "kgaa", "limited", "llc", "llp", "lp", "ltd", "mbh", "nv",
    "ohg", "oy", "oyj", "plc", "sa", "sarl", "sas", "sasu", "sca", "scs", "se", "snc", "spa", "sprl", "vof",
];

/// How the names of operators are read.
#[derive(Debug, Default)]
pub(crate) struct Operators {
    /// Whether spellings are brought together at all.
    normalises: bool,
    /// From the key of a name to that of the operator it stands for.
    aliases: HashMap<String, String>,
    /// The name that stands for a key.
    shown: BTreeMap<String, String>,
    /// From the key of a plant's name to its facilities, by id.
    plants: BTreeMap<String, Vec<String>>,
}

impl Operators {
    /// The key of a name: two names of one key are one operator.
    pub(crate) fn key(&self, name: &str) -> String {
        let key = self.plain(name);
        self.aliases.get(&key).cloned().unwrap_or(key)
    }

    fn plain(&self, name: &str) -> String {
        if self.normalises { normalised(name) } else { name.to_owned() }
    }

    /// The hash of a name's key.
    pub(crate) fn hash(&self, name: &str) -> u128 {
        if self.is_active() { keys::hash([Some(self.key(name).as_str())]) } else { keys::hash([Some(name)]) }
    }

    /// Whether any names are brought together.
    pub(crate) fn is_active(&self) -> bool {
        self.normalises || !self.aliases.is_empty()
    }

    /// Whether any name means a plant and no firm.
    pub(crate) fn has_plants(&self) -> bool {
        !self.plants.is_empty()
    }

    /// The facilities of a name that means a plant and no firm.
    pub(crate) fn plants(&self, name: &str) -> Option<&[String]> {
        if self.plants.is_empty() { None } else { self.plants.get(&self.key(name)).map(Vec::as_slice) }
    }

    /// Facilities that aliases name.
    pub(crate) fn plant_ids(&self) -> BTreeSet<&str> {
        self.plants.values().flatten().map(String::as_str).collect()
    }

    /// The name that an operator goes by: that of the alias list, else the register's most frequent spelling.
    pub(crate) fn shown(&self, name: &str) -> String {
        if !self.is_active() {
            return name.to_owned();
        }
        self.shown.get(&self.key(name)).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// Chooses the name of every operator of the register: its most frequent spelling (ties: the first by letter).
    pub(crate) fn settle(&mut self, operators: &Texts) {
        let mut spellings: BTreeMap<&str, usize> = BTreeMap::new();
        operators.iter().flatten().for_each(|name| *spellings.entry(name).or_default() += 1);
        let mut best: BTreeMap<String, (usize, &str)> = BTreeMap::new();
        for (name, count) in spellings {
            let slot = best.entry(self.key(name)).or_insert((count, name));
            if count > slot.0 {
                *slot = (count, name);
            }
        }
        for (key, (_, name)) in best {
            self.shown.entry(key).or_insert_with(|| name.to_owned());
        }
    }
}

/// A name without case, accents, punctuation and legal form: "Crédit & Co. S.A." is `credit`.
pub(super) fn normalised(name: &str) -> String {
    let plain: String = name
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter))
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .replace('&', " and ")
        .replace('ø', "o")
        .replace('æ', "ae")
        .replace('œ', "oe")
        .replace('ß', "ss")
        .replace('ł', "l")
        .replace("a/s", "as")
        .replace(['.', '\'', '’'], "");
    let mut words: Vec<&str> =
        plain.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && words.last().is_some_and(|word| LEGAL_FORMS.contains(word)) {
        words.pop();
    }
    words.join(" ")
}

/// Reads `[operators]`.
///
/// # Errors
///
/// [`Error::Data`] for a name that stands for two operators, or for itself by way of others.
pub(super) fn read(
    settings: Option<&OperatorSettings>,
    reader: &mut Reader<'_>,
    findings: &mut Findings,
) -> Result<Operators> {
    let Some(settings) = settings else { return Ok(Operators::default()) };
    let mut operators = Operators { normalises: settings.normalise, ..Operators::default() };
    let Some(source) = &settings.aliases else { return Ok(operators) };
    let name = "operators.aliases";
    let mut columns = source.columns.clone();
    by_own_name(&mut columns, ["name", "source"]);
    let reading = source.reading();
    let asked = Asked { optional: &MEANT, ..Asked::default() };
    let opened = reader.open(name, &reading, &columns, asked, findings)?;
    by_own_name(&mut columns, MEANT.into_iter().filter(|column| opened.position(column).is_some()));
    if !MEANT.iter().any(|column| columns.contains_key(*column)) {
        let hint = "add a column `operator` or `facility`";
        return Err(Error::Data { problems: vec![Problem::new(name, "no column says what a name means", hint)] });
    }
    let types = |column: &str| known_type(&["name", "operator", "facility", "source"], &[], &[], column);
    let declared =
        Declared { reading: &reading, columns: &columns, contract: &source.contract, filters: &source.filters };
    let settings = Settings::new(name, declared, &types);
    let plan = Plan::new(&Settings { names: &["name", "operator"], ..settings }, &opened)?;
    let steps = Steps { after: &check_meaning, ..Steps::default() };
    let accepted = reader.read(&opened, &plan, &steps, None, findings)?;
    let cells = ["name", "operator", "facility"].map(|column| texts(&accepted.frame, column));
    let (mut aliases, mut plants) = (Vec::new(), Vec::new());
    for (row, origin) in accepted.origin.iter().enumerate() {
        let place = format!("{} line {}", accepted.paths[origin.file as usize], origin.line);
        match cells.each_ref().map(|column| column[row].clone()) {
            [Some(name), Some(operator), _] => aliases.push(Alias { name, operator, place }),
            [Some(name), None, Some(facility)] => {
                let mut facilities = ids(&facility, &source.separator);
                facilities.sort();
                plants.push(Plant { name, facilities, place });
            }
            _ => {}
        }
    }
    operators.take(&aliases)?;
    operators.take_plants(plants)?;
    Ok(operators)
}

/// Columns that say what a name means.
const MEANT: [&str; 2] = ["operator", "facility"];

/// A name means a firm or a plant.
fn check_meaning(table: &mut Table<'_>) {
    table.require(&["name"]);
    for row in 0..table.rows() {
        let [operator, facility] = MEANT.map(|column| table.text(column, row).is_some());
        if operator == facility {
            let message = "a name means one firm or one plant: give either `operator` or `facility`";
            table.reject(row, "operator", Rule::Required, message.into());
        }
    }
}

/// One line of the list of aliases that names a plant.
struct Plant {
    name: String,
    /// Ids.
    facilities: Vec<String>,
    /// File and line.
    place: String,
}

/// One line of the list of aliases.
struct Alias {
    name: String,
    operator: String,
    /// File and line.
    place: String,
}

impl Operators {
    /// Takes names and the operators they stand for.
    fn take(&mut self, pairs: &[Alias]) -> Result<()> {
        let mut direct: HashMap<String, (String, &Alias)> = HashMap::new();
        let (mut twice, mut circles) = (Vec::new(), Vec::new());
        for alias in pairs {
            let (from, to) = (self.plain(&alias.name), self.plain(&alias.operator));
            if from == to {
                continue;
            }
            match direct.get(&from) {
                Some((other, given)) if *other != to => {
                    let Alias { name, operator, place } = alias;
                    twice.push(format!("{place}: {name} is {operator}; {}: {}", given.place, given.operator));
                }
                _ => {
                    direct.insert(from, (to, alias));
                }
            }
        }
        let mut aliases = HashMap::new();
        for start in direct.keys() {
            let (mut at, mut seen) = (start, HashSet::from([start]));
            while let Some((next, _)) = direct.get(at) {
                at = next;
                if !seen.insert(at) {
                    let alias = direct[start].1;
                    circles.push(format!("{}: {} is {}", alias.place, alias.name, alias.operator));
                    break;
                }
            }
            aliases.insert(start.clone(), at.clone());
        }
        let problem = |message: &str, mut evidence: Vec<String>| {
            evidence.sort();
            Problem::new("operators.aliases", message, "settle each name once").showing(evidence)
        };
        let mut problems = Vec::new();
        if !twice.is_empty() {
            problems.push(problem("a name stands for two operators", twice));
        }
        if !circles.is_empty() {
            problems.push(problem("names stand for one another in a circle", circles));
        }
        if !problems.is_empty() {
            return Err(Error::Data { problems });
        }
        self.aliases = aliases;
        self.show(pairs);
        Ok(())
    }

    /// Takes names of plants; each means one plant, and no firm.
    fn take_plants(&mut self, plants: Vec<Plant>) -> Result<()> {
        let mut settled: BTreeMap<String, Plant> = BTreeMap::new();
        let (mut twice, mut firms) = (Vec::new(), Vec::new());
        for plant in plants {
            let key = self.plain(&plant.name);
            if let Some(operator) = self.aliases.get(&key) {
                firms.push(format!("{}: {} is {operator} elsewhere", plant.place, plant.name));
            }
            match settled.get(&key) {
                Some(known) if known.facilities != plant.facilities => {
                    let (these, those) = (plant.facilities.join(";"), known.facilities.join(";"));
                    twice.push(format!("{}: {} is {these}; {}: {those}", plant.place, plant.name, known.place));
                }
                _ => _ = settled.insert(key, plant),
            }
        }
        let problem = |message: &str, hint: &str, mut evidence: Vec<String>| {
            evidence.sort();
            Problem::new("operators.aliases", message, hint).showing(evidence)
        };
        let mut problems = Vec::new();
        if !twice.is_empty() {
            let hint = "settle which one it is; where it means both, write both ids in one cell: \"8051;8052\"";
            problems.push(problem("a name fits two plants", hint, twice));
        }
        if !firms.is_empty() {
            problems.push(problem("a name means a plant and a firm", "settle each name once", firms));
        }
        if !problems.is_empty() {
            return Err(Error::Data { problems });
        }
        self.plants = settled.into_iter().map(|(key, plant)| (key, plant.facilities)).collect();
        Ok(())
    }

    /// Operators that are no alias themselves go by the name in the list.
    fn show(&mut self, pairs: &[Alias]) {
        for Alias { operator, .. } in pairs {
            let own = self.plain(operator);
            if !self.aliases.contains_key(&own) {
                self.shown.entry(own).or_insert_with(|| operator.clone());
            }
        }
    }
}

/// Two names that may be one firm, for a person to settle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// The name.
    pub name: String,
    /// The operator of the register that it may mean.
    pub operator: String,
    /// Where the person found it; empty, to be filled in.
    pub source: String,
    /// Similarity, 0 to 1.
    pub score: f64,
    /// Where the name occurs, and how often.
    pub name_in: String,
    /// How many rows of the register have the operator.
    pub operator_rows: usize,
}

/// Pairs of names that are alike and not yet one: names in links and memberships that the register does not have, and
/// names within the register, each with the operators of the register that it may mean. By falling score.
///
/// The score is Jaro and Winkler's similarity of the normalised names, as they stand or with their words in order,
/// whichever is greater. Only names that share the beginning of a word (three letters) are compared.
pub fn proposals(tables: &super::Tables, least: f64) -> Vec<Proposal> {
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    let register = tables.facilities.iter().flat_map(|facilities| facilities.operator.iter()).flatten();
    register.for_each(|name| *rows.entry(name).or_default() += 1);
    let known: Vec<(&str, usize, String)> =
        rows.into_iter().map(|(name, count)| (name, count, normalised(name))).collect();
    let mut by_word: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, (_, _, key)) in known.iter().enumerate() {
        beginnings(key).into_iter().for_each(|word| by_word.entry(word).or_default().push(at));
    }
    let mut strangers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (source, name, count) in &tables.strangers {
        strangers.entry(name).or_default().push(format!("{source} ({count})"));
    }
    let asked = strangers.into_iter().map(|(name, places)| (name, normalised(name), places.join("; "), 0));
    let within = known.iter().enumerate();
    let within = within.map(|(at, (name, count, key))| (*name, key.clone(), format!("facilities ({count})"), at + 1));
    let mut found = Vec::new();
    for (name, key, name_in, first) in asked.chain(within) {
        let words = beginnings(&key);
        let candidates: BTreeSet<usize> =
            words.iter().filter_map(|word| by_word.get(word)).flatten().copied().collect();
        for (operator, operator_rows, other) in candidates.range(first..).map(|&at| &known[at]) {
            let score = if *other == key { 1.0 } else { similarity(&key, other) };
            if score >= least && *operator != name {
                found.push(Proposal {
                    name: name.to_owned(),
                    operator: (*operator).to_owned(),
                    source: String::new(),
                    score,
                    name_in: name_in.clone(),
                    operator_rows: *operator_rows,
                });
            }
        }
    }
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| (&a.name, &a.operator).cmp(&(&b.name, &b.operator))));
    found
}

/// The first three letters of each word that has so many.
fn beginnings(key: &str) -> BTreeSet<String> {
    let words = key.split(' ').map(|word| word.chars().take(3).collect::<String>());
    words.filter(|word| word.chars().count() == 3).collect()
}

pub(super) fn similarity(a: &str, b: &str) -> f64 {
    let ordered = |name: &str| {
        let mut words: Vec<&str> = name.split(' ').collect();
        words.sort_unstable();
        words.join(" ")
    };
    strsim::jaro_winkler(a, b).max(strsim::jaro_winkler(&ordered(a), &ordered(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_name() {
        for (name, wanted) in [
            ("INEOS Acetyls UK Ltd.", "ineos acetyls uk"),
            ("Société Générale S.A.", "societe generale"),
            ("Rüngeling GmbH & Co. KG", "rungeling"),
            ("Ørsted A/S", "orsted"),
            ("Eni S.p.A.", "eni"),
            ("BP p.l.c.", "bp"),
            ("SE", "se"),
            ("O'Neill's Limited", "oneills"),
            ("Tata  Steel-UK", "tata steel uk"),
            ("Conoco (UK) Limited", "conoco uk"),
        ] {
            assert_eq!(normalised(name), wanted);
        }
    }

    #[test]
    fn aliases_lead_to_one_name() {
        let pair = |name: &str, operator: &str| Alias {
            name: name.to_owned(),
            operator: operator.to_owned(),
            place: String::new(),
        };
        let mut operators = Operators { normalises: true, ..Operators::default() };
        operators.take(&[pair("Essar Oil", "Stanlow Terminals"), pair("STANLOW TERMINALS LTD", "EET Fuels")]).unwrap();
        assert_eq!(operators.shown("Essar Oil Ltd"), "EET Fuels");
        assert_eq!(operators.key("eet fuels limited"), operators.key("Essar Oil"));
        let mut operators = Operators { normalises: true, ..Operators::default() };
        assert!(operators.take(&[pair("A", "B"), pair("a ltd", "C")]).is_err());
        assert!(operators.take(&[pair("A", "B"), pair("B", "C"), pair("C", "A")]).is_err());
        let unnamed = Operators::default();
        assert_eq!((unnamed.key("A Ltd"), unnamed.shown("A Ltd")), ("A Ltd".to_owned(), "A Ltd".to_owned()));
    }
}
