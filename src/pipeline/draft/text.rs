//! A draft as TOML.

use std::fmt::Write as _;

use super::grids::{self, Guess};
use super::kind::ORGANISATIONS;
use super::roles::{Chosen, by_year, mass_unit, power_unit};
use super::seen::Seen;
use super::{Draft, Kind, Looked};
use crate::names::EMISSIONS;
use crate::validate::{Numerals, is_unknown};

/// Values of a column of pollutants that mean carbon dioxide.
const CARBON_DIOXIDE: [&str; 10] = [
    "carbon dioxide",
    "co2",
    "kohlendioxid",
    "koldioxid",
    "karbondioksid",
    "dioxyde de carbone",
    "dióxido de carbono",
    "anidride carbonica",
    "hiilidioksidi",
    "dwutlenek węgla",
];

/// Writes a draft.
pub struct Writer<'a> {
    looked: &'a Looked,
    chosen: &'a [Chosen],
    kind: Kind,
    base: &'a str,
    /// How most of the columns that are read write their numbers.
    numerals: Numerals,
    missing: Vec<String>,
}

impl<'a> Writer<'a> {
    /// A writer for what was chosen.
    pub fn new(looked: &'a Looked, chosen: &'a [Chosen], kind: Kind, base: &'a str) -> Self {
        let mapped = chosen.iter().map(|chosen| &looked.columns[chosen.at]);
        let used: Vec<&Seen> = mapped.chain(by_year_columns(looked)).filter(|column| column.is_numeric()).collect();
        // The source's is one in which all columns that are read are numbers; where there is none, columns say it themselves.
        let reads = |numerals: Numerals| {
            used.iter().all(|column| column.share(|value| numerals.number(value).is_some()) >= 0.9)
        };
        let other = used.iter().filter_map(|column| column.numerals).filter(|numerals| *numerals != Numerals::PLAIN);
        let numerals = other.max_by_key(|numerals| numerals.thousands.is_some()).filter(|numerals| reads(*numerals));
        let numerals = numerals.unwrap_or(Numerals::PLAIN);
        Self { looked, chosen, kind, base, numerals, missing: Vec::new() }
    }

    /// The draft.
    pub fn draft(mut self) -> Draft {
        let text = match self.kind {
            Kind::Facilities => self.register(),
            Kind::None => self.nothing(),
            _ => self.part(),
        };
        Draft { kind: self.kind, text, missing: self.missing }
    }

    fn column(&self, role: &str) -> Option<&'a Seen> {
        self.chosen.iter().find(|chosen| chosen.role == role).map(|chosen| &self.looked.columns[chosen.at])
    }

    fn head(&self) -> String {
        format!(
            "# A draft from the first rows of {}. Every line marked \"guess\" is one: read them all.\n#\n#   forerunner check FILE    shows what would be kept and rejected, and what the columns hold\n#   forerunner schema        describes every key\n\nname = \"draft\"\nextends = {}\n",
            self.looked.shown,
            quoted(self.base)
        )
    }

    /// How the file is read.
    fn reading(&mut self) -> String {
        let looked = self.looked;
        let mut text = format!("path = {}\n# read as: {}\n", quoted(&looked.shown), looked.read_as);
        if let Some(table) = &looked.table {
            let _ = writeln!(text, "{}", guessed(&format!("table = {}", quoted(table)), "the one with the most rows"));
        }
        if let Some(encoding) = looked.encoding {
            let _ = writeln!(text, "{}", guessed(&format!("encoding = \"{encoding}\""), "in it the bytes make words"));
        }
        for (key, lines, why) in [
            ("skip_before_header", looked.skip_before, "these lines name few columns"),
            ("skip_after_header", looked.skip_after, "no numbers in columns of numbers: units?"),
        ] {
            if lines > 0 {
                let _ = writeln!(text, "{}", guessed(&format!("{key} = {lines}"), why));
            }
        }
        let written = "from how columns write their numbers";
        if self.numerals.decimal != '.' {
            let _ = writeln!(text, "{}", guessed("decimal = \",\"", written));
        }
        if let Some(mark) = self.numerals.thousands {
            let _ = writeln!(text, "{}", guessed(&format!("thousands = \"{mark}\""), written));
        }
        let words = self.words_for_nothing();
        if !words.is_empty() {
            let list: Vec<String> = words.iter().map(|word| quoted(word)).collect();
            let why = "words for \"not known\" among numbers";
            let _ = writeln!(text, "{}", guessed(&format!("missing = [{}]", list.join(", ")), why));
        }
        text + &self.crs()
    }

    /// What stands for "not known" in columns of numbers that are read.
    fn words_for_nothing(&self) -> Vec<String> {
        let mapped = self.chosen.iter().map(|chosen| &self.looked.columns[chosen.at]);
        let columns = mapped.chain(by_year_columns(self.looked)).filter(|column| column.is_numeric());
        let words = columns.flat_map(|column| column.values.iter().filter(|value| is_unknown(value)));
        words.cloned().collect::<std::collections::BTreeSet<String>>().into_iter().collect()
    }

    fn crs(&mut self) -> String {
        let placed = self.looked.geometry.is_some() || self.column("geometry").is_some();
        if let Some(stated) = &self.looked.crs {
            return if stated == "EPSG:4326" {
                String::new()
            } else {
                format!("crs = \"{stated}\"   # as the file states\n")
            };
        }
        let Some((x, y)) = self.column("x").zip(self.column("y")) else {
            let default = "# crs = \"EPSG:4326\"   # longitude and latitude in degrees is the default\n";
            return if placed { default.into() } else { String::new() };
        };
        let countries = self.column("country").map(Seen::frequent).unwrap_or_default();
        let countries: Vec<&str> = countries.into_iter().map(|(country, _)| country).take(3).collect();
        let english = x.words.iter().any(|word| word.starts_with("easting"));
        match grids::guess(&x.numbers(), &y.numbers(), &countries, english) {
            Guess::One("EPSG:4326", _) => {
                "# crs = \"EPSG:4326\"   # longitude and latitude in degrees is the default\n".into()
            }
            Guess::One(code, why) => guessed(&format!("crs = \"{code}\""), &why) + "\n",
            Guess::Several(several) => {
                let names: Vec<String> = several.iter().map(|(code, name)| format!("{code} {name}")).collect();
                self.missing.push(format!("`crs`: the coordinates may be in {}", names.join(", ")));
                format!("# crs = \"{}\"   # TO FILL IN: {}\n", several[0].0, names.join(", or "))
            }
            Guess::None => {
                self.missing.push("`crs`: no system of coordinates that is known here has this range".into());
                "# crs = \"EPSG:?\"   # TO FILL IN: no system that is known here has this range\n".into()
            }
        }
    }

    /// A register, with all that a run needs.
    fn register(&mut self) -> String {
        let mut text = self.head() + "\n[facilities]\n" + &self.reading();
        text += &self.filters();
        text += "\n[facilities.columns]\n";
        let by_year = by_year(&self.looked.columns).filter(|_| self.column(EMISSIONS).is_none_or(in_a_year));
        for chosen in self.chosen.iter().filter(|chosen| !(chosen.role == EMISSIONS && by_year.is_some())) {
            if chosen.role == "year" && by_year.is_some() {
                continue;
            }
            let _ = writeln!(text, "{}", guessed(&format!("{} = {}", chosen.role, self.mapped(chosen)), &chosen.why));
        }
        if let Some((pattern, years)) = &by_year {
            let unit = mass_unit(pattern).map(|unit| format!(", unit = \"{unit}\"")).unwrap_or_default();
            let line = format!(
                "emissions_t = {{ by_year = {}{unit}{} }}",
                quoted(pattern),
                self.own_numerals(by_year_columns(self.looked).next())
            );
            let _ = writeln!(text, "{}", guessed(&line, &format!("columns of the years {}", years.join(", "))));
        }
        text += &self.without(by_year.is_some());
        text += &self.unused(&self.chosen.iter().map(|chosen| chosen.at).collect::<Vec<_>>());
        text += "\n[facilities.contract]\nmax_rejected = 0.05                 # more rejected rows than this share stop the run\n";
        text + self.delineation()
    }

    /// A column as the pipeline file maps it.
    fn mapped(&self, chosen: &Chosen) -> String {
        let column = &self.looked.columns[chosen.at];
        let mut more = String::new();
        if chosen.role == EMISSIONS {
            more +=
                &unit_of(column, &self.looked.columns).map(|unit| format!(", unit = \"{unit}\"")).unwrap_or_default();
            let is_carbon = |column: &Seen| column.share(|value| value.to_lowercase().contains("as carbon")) > 0.5;
            if self.looked.columns.iter().any(is_carbon) {
                more += ", of = \"C\"";
            }
        }
        if chosen.role == "capacity_mw" {
            let unit = power_unit(column).filter(|unit| *unit != "MW");
            more += &unit.map(|unit| format!(", unit = \"{unit}\"")).unwrap_or_default();
        }
        more += &self.own_numerals(Some(column));
        let name = quoted(&column.name);
        if more.is_empty() { name } else { format!("{{ column = {name}{more} }}") }
    }

    /// The marks of a column that writes its numbers otherwise than the source.
    fn own_numerals(&self, column: Option<&Seen>) -> String {
        let Some((column, own)) = column.and_then(|column| Some((column, column.numerals?))) else {
            return String::new();
        };
        let reads = |numerals: Numerals| column.share(|value| numerals.number(value).is_some()) >= 0.9;
        let is_said = own == self.numerals || self.numerals != Numerals::PLAIN && reads(self.numerals);
        // Whole numbers read in either way.
        let plain = |value: &String| value.chars().all(|letter| letter.is_ascii_digit() || letter == '-');
        if is_said || column.values.iter().all(plain) {
            return String::new();
        }
        let thousands = own.thousands.map(|mark| format!(", thousands = \"{mark}\"")).unwrap_or_default();
        format!(", decimal = \"{}\"{thousands}", own.decimal)
    }

    /// The filter that keeps the rows of carbon dioxide, where rows are of several substances.
    fn filters(&mut self) -> String {
        let Some(column) = self.column("pollutant") else { return String::new() };
        let frequent = column.frequent();
        let is_it = |value: &str| {
            let value = value.to_lowercase();
            CARBON_DIOXIDE.iter().any(|word| value.contains(word))
                && !value.contains("excluding")
                && !value.contains("equivalent")
        };
        match frequent.iter().find(|(value, _)| is_it(value)) {
            _ if frequent.len() == 1 => String::new(),
            Some((value, rows)) => {
                let filter = format!("pollutant = '{}'", value.replace('\'', "''"));
                let why = format!("one row a substance: {rows} of {} rows are this one", self.looked.rows);
                guessed(&format!("where = {}", quoted(&filter)), &why) + "\n"
            }
            None => {
                let known: Vec<&str> = frequent.iter().take(5).map(|(value, _)| *value).collect();
                self.missing.push(format!("`where`: which of the substances counts ({})", known.join(", ")));
                format!(
                    "# where = \"pollutant = '?'\"   # TO FILL IN: one row a substance: {}\n",
                    known.join(" | ").replace(['\n', '\r'], " ")
                )
            }
        }
    }

    /// What the file lacks.
    fn without(&mut self, by_year: bool) -> String {
        let mut text = String::new();
        if self.column("id").is_none() {
            self.missing.push("`id`: no column names each facility once".into());
            text += "# id = \"?\"   # TO FILL IN: no column names each facility once\n";
        }
        if self.column(EMISSIONS).is_none() && !by_year {
            text += "# emissions_t = \"?\"   # no column looks like it: figures by emissions will be missing\n";
        }
        let placed = self.looked.geometry.is_some()
            || self.column("geometry").is_some()
            || self.column("x").is_some() && self.column("y").is_some();
        if self.looked.geometry.is_some() {
            text += "geometry = \"geometry\"   # the file brings it\n";
        }
        if !placed && self.column("label").is_none() {
            let message = "coordinates: the file has none; name the file that has them in [facilities.join], or a column `label` of clusters";
            self.missing.push(message.into());
            text += "# x = \"?\"   # TO FILL IN: the file has no coordinates; they may stand in another file of the same register:\n# y = \"?\"\n# [facilities.join]\n# path = \"?\"\n# on = \"?\"\n";
        }
        text
    }

    fn unused(&self, taken: &[usize]) -> String {
        /// Columns that are named.
        const NAMED: usize = 40;
        let of_year = |column: &Seen| by_year_columns(self.looked).any(|known| known.name == column.name);
        let columns = self.looked.columns.iter().enumerate();
        let unused: Vec<&str> = columns
            .filter(|(at, column)| !taken.contains(at) && !of_year(column))
            .map(|(_, column)| column.name.as_str())
            .collect();
        if unused.is_empty() {
            return String::new();
        }
        let more = unused.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" | … and {more} more") } else { String::new() };
        let named = unused[..unused.len().min(NAMED)].join(" | ").replace(['\n', '\r'], " ");
        format!("# not read: {named}{more}\n")
    }

    fn delineation(&self) -> &'static str {
        let placed = self.column("x").is_some() || self.column("geometry").is_some() || self.looked.geometry.is_some();
        if self.column("label").is_some() && !placed {
            "\n[delineate]\nmethod = \"label\"\n"
        } else {
            "\n[delineate]\nmethod = \"dbscan\"                   # or \"label\", with a column `label`\nradius_km = 10\nmin_facilities = 4\n"
        }
    }

    /// The table of the pipeline file that a file belongs into, and its columns there.
    fn place(&self) -> (String, Vec<(&'static str, Option<usize>)>) {
        let name = self.name();
        match self.kind {
            Kind::Layer => (format!("layers.{name}"), self.roles(&["name", "x", "y", "geometry", "capacity_mw"])),
            Kind::Boundaries => ("boundaries".into(), self.roles(&["id", "name", "geometry"])),
            Kind::Places => ("places".into(), self.roles(&["name", "x", "y", "country"])),
            Kind::Links => (format!("links.{name}"), self.pair()),
            Kind::Memberships => {
                let member = self.called(&["member", "members", "partners"]);
                (format!("memberships.{name}"), vec![("member", member), ("organisation", self.called(&ORGANISATIONS))])
            }
            Kind::Figures => {
                let words = ["cluster", "facility", "period", "figure", "value", "source", "note"];
                (format!("figures.{name}"), words.map(|word| (word, self.called(&[word]))).to_vec())
            }
            Kind::Aliases => (
                "operators.aliases".into(),
                ["name", "operator", "source"].map(|word| (word, self.called(&[word]))).to_vec(),
            ),
            Kind::Initiatives | Kind::Facilities | Kind::None => {
                let words = [
                    "objective",
                    "market",
                    "co_location",
                    "existing_area",
                    "industrial_customers",
                    "country",
                    "cluster",
                ];
                let mut columns = vec![("name", self.called(&["initiative", "name"]))];
                columns.extend(words.map(|word| (word, self.called(&[&word.replace('_', "")]))));
                ("initiatives".into(), columns)
            }
        }
    }

    /// A file that belongs into a pipeline beside a register.
    fn part(&mut self) -> String {
        let (place, columns) = self.place();
        self.missing.push(format!(
            "[facilities]: {} is no register; [{place}] belongs into the pipeline of one",
            self.looked.shown
        ));
        let mut text = self.head();
        let _ = write!(
            text,
            "\n# The file is taken for {}. TO FILL IN: the register that it belongs to, in [facilities].\n",
            self.kind.as_str()
        );
        let _ = write!(text, "\n[{place}]\n{}", self.reading());
        if matches!(self.kind, Kind::Links | Kind::Memberships) {
            text += "kind = \"formal\"        # guess: formal, informal, physical, digital, ...\nbetween = \"operator\"   # or \"facility\"\n";
        }
        if self.kind == Kind::Layer {
            text += "within_km = [50]       # counts within these radii\n";
        }
        let _ = write!(text, "\n[{place}.columns]\n");
        let columns: Vec<(&str, usize)> = columns.into_iter().filter_map(|(role, at)| Some((role, at?))).collect();
        for &(role, at) in &columns {
            let chosen = Chosen { role: role.to_owned(), at, why: String::new() };
            let why = format!("by its name; e.g. {}", self.looked.columns[at].example());
            let _ = writeln!(text, "{}", guessed(&format!("{role} = {}", self.mapped(&chosen)), &why));
        }
        text + &self.unused(&columns.iter().map(|(_, at)| *at).collect::<Vec<_>>())
    }

    fn nothing(&mut self) -> String {
        self.missing.push("the file has no facilities, places, ties or figures that can be told by its columns".into());
        let mut text = self.head();
        text += "\n# The file is taken for none of what a pipeline reads: no facilities, places, ties or figures can be told by its columns.\n";
        let _ = write!(
            text,
            "\n[facilities]\n{}\n[facilities.columns]\n# id = \"?\"   # TO FILL IN\n{}",
            self.reading(),
            self.unused(&[])
        );
        text
    }

    /// The file's name as a name of the pipeline file.
    fn name(&self) -> String {
        let file = self.looked.shown.rsplit('/').next().unwrap_or_default();
        let stem = super::seen::folded(file.split('.').next().unwrap_or_default());
        let plain: String =
            stem.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
        let plain = plain.trim_matches('_');
        if plain.is_empty() { "it".into() } else { plain.to_owned() }
    }

    fn roles(&self, roles: &[&'static str]) -> Vec<(&'static str, Option<usize>)> {
        let at = |role: &str| self.chosen.iter().find(|chosen| chosen.role == role).map(|chosen| chosen.at);
        roles.iter().map(|role| (*role, at(role))).collect()
    }

    fn called(&self, words: &[&str]) -> Option<usize> {
        words.iter().find_map(|word| self.looked.columns.iter().position(|column| column.word == *word))
    }

    fn pair(&self) -> Vec<(&'static str, Option<usize>)> {
        let pairs = [["from", "to"], ["source", "target"], ["supplier", "customer"], ["seller", "buyer"]];
        let both = |[from, to]: [&str; 2]| Some((self.called(&[from])?, self.called(&[to])?));
        let found = pairs.into_iter().find_map(both);
        let years = [("from_year", self.called(&["fromyear"])), ("to_year", self.called(&["toyear"]))];
        [("from", found.map(|(from, _)| from)), ("to", found.map(|(_, to)| to))].into_iter().chain(years).collect()
    }
}

/// Whether a column is that of one year among others.
fn in_a_year(column: &Seen) -> bool {
    column.name.as_bytes().windows(4).any(|part| part.iter().all(u8::is_ascii_digit))
}

/// The columns of emissions of several years.
fn by_year_columns(looked: &Looked) -> impl Iterator<Item = &Seen> {
    let names: Vec<String> = by_year(&looked.columns)
        .map(|(pattern, years)| years.iter().map(|year| pattern.replace("{year}", year)).collect())
        .unwrap_or_default();
    looked.columns.iter().filter(move |column| names.contains(&column.name))
}

/// The unit of the emissions: from the name of their column, or from a column of units.
fn unit_of(emissions: &Seen, columns: &[Seen]) -> Option<&'static str> {
    let by_name = mass_unit(&emissions.name);
    let by_column = || {
        let column = columns.iter().find(|column| column.words.first().is_some_and(|word| word.starts_with("unit")))?;
        let first = column.values.first()?;
        let throughout = column.share(|value| value == first) == 1.0;
        mass_unit(first).filter(|_| throughout)
    };
    by_name.or_else(by_column).filter(|unit| *unit != "t")
}

/// A line of a draft, with the reason for its guess.
fn guessed(line: &str, why: &str) -> String {
    format!("{line}   # guess: {}", why.replace(['\n', '\r'], " "))
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
