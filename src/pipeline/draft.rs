//! A first pipeline file for a register: which column is what, guessed from names and values, each guess said.

use std::fmt::Write as _;
use std::path::Path;

use crate::error::{Error, Problem, Result};
use crate::sources::{Batch, OneOrMany, Reading, Request, Source};
use crate::validate::Numerals;

/// What a column may be, and the words of its name that say so; the first word that fits wins, in this order.
const ROLES: [(&str, &[&str]); 13] = [
    ("geometry", &["geom", "geometry", "wkt", "thegeom", "shape"]),
    ("x", &["longitude", "lon", "long", "easting", "xcoord", "coordx", "x", "lng", "pointgeometrylon"]),
    ("y", &["latitude", "lat", "northing", "ycoord", "coordy", "y", "pointgeometrylat"]),
    ("id", &["facilityinspireid", "plantid", "siteid", "facilityid", "installationid", "registrationid", "id"]),
    ("name", &["facilityname", "sitename", "plantname", "installationname", "nameoffeature", "site", "plant", "name"]),
    (
        "operator",
        &[
            "operator",
            "operatorname",
            "companyname",
            "company",
            "parentcompanyname",
            "parentcompany",
            "owner",
            "accountholder",
        ],
    ),
    (
        "sector",
        &[
            "sector",
            "subsector",
            "sectorname",
            "industry",
            "industrytype",
            "activity",
            "mainactivityname",
            "nace",
            "industrytypesectors",
        ],
    ),
    ("year", &["year", "reportingyear", "emissionyear", "period"]),
    ("pollutant", &["pollutant", "pollutantname", "gas", "substance"]),
    ("country", &["country", "countrycode", "countryname"]),
    ("emissions_biogenic_t", &["biogenicco2emissionsmetrictons", "biogenicco2", "biogenic"]),
    (
        "emissions_t",
        &[
            "totalreporteddirectemissions",
            "emission",
            "emissions",
            "co2",
            "co2e",
            "ghg",
            "releases",
            "totalquantity",
            "totalpollutantquantitykg",
            "verifiedemissions",
        ],
    ),
    ("label", &["cluster", "label"]),
];

/// Coordinates of these ranges belong to a grid; the first that fits is proposed.
const GRIDS: [(&str, [f64; 4], &str); 7] = [
    ("EPSG:4326", [-180.0, -90.0, 180.0, 90.0], "degrees"),
    (
        "EPSG:28992",
        [7_000.0, 300_000.0, 285_000.0, 630_000.0],
        "RD New, Netherlands; or British National Grid, EPSG:27700",
    ),
    ("EPSG:27700", [-100_000.0, -50_000.0, 700_000.0, 1_300_000.0], "British National Grid; or Irish Grid, EPSG:29903"),
    ("EPSG:2154", [99_000.0, 6_000_000.0, 1_250_000.0, 7_200_000.0], "Lambert-93, France"),
    ("EPSG:25832", [200_000.0, 5_200_000.0, 920_000.0, 6_500_000.0], "ETRS89 / UTM zone 32N; or another zone"),
    ("EPSG:3035", [2_400_000.0, 1_300_000.0, 7_400_000.0, 5_500_000.0], "ETRS89 / LAEA Europe"),
    ("EPSG:5514", [-910_000.0, -1_340_000.0, -160_000.0, -930_000.0], "S-JTSK / Krovak East North"),
];

/// Lines of titles that are looked for before the header.
const TITLES: usize = 12;

/// A column of the file with its first values.
struct Seen {
    name: String,
    values: Vec<String>,
    rows: usize,
}

impl Seen {
    /// Letters and digits of the name.
    fn word(&self) -> String {
        self.name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    }

    fn share(&self, holds: impl Fn(&str) -> bool) -> f64 {
        let held = self.values.iter().filter(|value| holds(value)).count();
        if self.values.is_empty() { 0.0 } else { held as f64 / self.values.len() as f64 }
    }

    fn numbers(&self, numerals: Numerals) -> Vec<f64> {
        self.values.iter().filter_map(|value| numerals.number(value)).collect()
    }

    fn is_unique(&self) -> bool {
        let mut values: Vec<&String> = self.values.iter().collect();
        values.sort_unstable();
        values.dedup();
        values.len() == self.rows
    }
}

/// Writes a pipeline file for a register. `shown` is its path from the folder of the pipeline file.
///
/// # Errors
///
/// [`Error::Io`] or [`Error::Data`] if the file cannot be opened or has no rows.
pub fn draft(file: &Path, shown: &str, base: &str) -> Result<String> {
    let given = file.to_string_lossy().into_owned();
    let open = |skip_before_header: usize| {
        let reading = Reading { path: OneOrMany(vec![given.clone()]), skip_before_header, ..Reading::default() };
        Source::open(&Request::everything("facilities", Path::new(""), &reading))
    };
    // A header names about as many columns as there are; lines of titles name few.
    let named =
        |skip: usize| open(skip).map_or(0, |source| source.columns.iter().filter(|name| !name.is_empty()).count());
    let counts: Vec<usize> = (0..TITLES).map(named).collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    let skip = counts.iter().position(|count| count * 5 >= most * 4).unwrap_or(0);
    let source = open(skip)?;
    let columns = look(&source.columns, &source.first()?);
    if columns.iter().all(|column| column.rows == 0) {
        let problem = Problem::new(given, "the file has a header and no rows", "give a file with rows");
        return Err(Error::Data { problems: vec![problem] });
    }
    let read_as = source.read_as().join("; ");
    Ok(Draft::of(&columns, shown, skip).text(&columns, base, &read_as))
}

fn look(columns: &[String], batches: &[Batch]) -> Vec<Seen> {
    let seen = |(position, name): (usize, &String)| {
        let cells = batches.iter().flat_map(|batch| (0..batch.rows()).map(move |row| batch.cell(row, position)));
        let cells: Vec<Option<&str>> = cells.collect();
        let values = cells.iter().flatten().map(|value| (*value).to_owned()).collect();
        Seen { name: name.clone(), values, rows: cells.len() }
    };
    columns.iter().enumerate().map(seen).collect()
}

/// What was guessed.
struct Draft {
    shown: String,
    /// Lines before the header.
    skip: usize,
    numerals: Numerals,
    /// Our name, the file's column, why.
    mapped: Vec<(&'static str, usize, String)>,
    unit: Option<(String, String)>,
    carbon: bool,
    crs: Option<(&'static str, String)>,
}

impl Draft {
    fn of(columns: &[Seen], shown: &str, skip: usize) -> Self {
        let numerals = numerals(columns);
        let mut mapped: Vec<(&str, usize, String)> = Vec::new();
        for (role, words) in ROLES {
            let free = |at: &usize| mapped.iter().all(|(_, taken, _)| taken != at);
            let fits = |at: &usize| free(at) && plausible(role, &columns[*at], numerals);
            let named = words.iter().find_map(|word| {
                let exact = (0..columns.len()).filter(fits).find(|&at| columns[at].word() == *word);
                let part =
                    || (0..columns.len()).filter(fits).find(|&at| word.len() > 3 && columns[at].word().contains(word));
                exact.or_else(part)
            });
            if let Some(at) = named {
                mapped.push((role, at, format!("by its name; e.g. {}", example(&columns[at]))));
            }
        }
        if mapped.iter().all(|(role, ..)| *role != "id")
            && let Some(at) = columns.iter().position(Seen::is_unique)
        {
            mapped.insert(0, ("id", at, "the first column whose values are all different".into()));
        }
        let place = |role: &str| mapped.iter().find(|(known, ..)| *known == role).map(|(_, at, _)| &columns[*at]);
        let crs = place("x").zip(place("y")).and_then(|(x, y)| grid(&x.numbers(numerals), &y.numbers(numerals)));
        let unit = place("emissions_t").and_then(|emissions| unit(emissions, columns));
        let carbon =
            columns.iter().any(|column| column.share(|value| value.to_lowercase().contains("as carbon")) > 0.5);
        Self { shown: shown.to_owned(), skip, numerals, mapped, unit, carbon, crs }
    }

    fn text(&self, columns: &[Seen], base: &str, read_as: &str) -> String {
        let mut text = format!(
            "# A draft from the first rows of {}. Every line marked \"guess\" is one: read them all.\n#\n#   forerunner check FILE    shows what would be kept and rejected, and what the columns hold\n#   forerunner schema        describes every key\n\nname = \"draft\"\nextends = {}\n\n[facilities]\npath = {}\n",
            self.shown,
            quoted(base),
            quoted(&self.shown)
        );
        let _ = writeln!(text, "# read as: {read_as}");
        if self.skip > 0 {
            let _ =
                writeln!(text, "skip_before_header = {}              # guess: these lines name few columns", self.skip);
        }
        if self.numerals.decimal != '.' {
            text += "decimal = \",\"                       # guess: from how a column writes its numbers\n";
        }
        if let Some(mark) = self.numerals.thousands {
            let _ = writeln!(
                text,
                "thousands = \"{mark}\"                     # guess: from how a column writes its numbers"
            );
        }
        match &self.crs {
            Some((code, why)) => {
                let _ =
                    writeln!(text, "crs = \"{code}\"                 # guess from the range of the coordinates: {why}");
            }
            None => text += "# crs = \"EPSG:4326\"               # longitude and latitude in degrees is the default\n",
        }
        text += "\n[facilities.columns]\n";
        for (role, at, why) in &self.mapped {
            let column = quoted(&columns[*at].name);
            let value = if *role == "emissions_t" { self.emissions(&column) } else { column };
            let _ = writeln!(text, "{role} = {value}   # guess {why}");
        }
        for role in ["id", "emissions_t"] {
            if self.mapped.iter().all(|(known, ..)| *known != role) {
                let _ = writeln!(text, "# {role} = \"?\"   # no column looks like it");
            }
        }
        let unused: Vec<&str> = (0..columns.len())
            .filter(|at| self.mapped.iter().all(|(_, taken, _)| taken != at))
            .map(|at| columns[at].name.as_str())
            .collect();
        let _ = writeln!(text, "# not read: {}", unused.join(" | ").replace(['\n', '\r'], " "));
        if self.mapped.iter().any(|(role, ..)| *role == "pollutant") {
            text += "\n# One row a pollutant? Choose in [facilities]: where = [\"pollutant LIKE 'Carbon dioxide%'\"]\n";
        }
        text += "\n[facilities.contract]\nmax_rejected = 0.05                 # more rejected rows than this share stop the run\n";
        text += self.delineation();
        text
    }

    fn emissions(&self, column: &str) -> String {
        let unit = self.unit.as_ref().map(|(unit, _)| format!(", unit = \"{unit}\"")).unwrap_or_default();
        let carbon = if self.carbon { ", of = \"C\"" } else { "" };
        if unit.is_empty() && carbon.is_empty() {
            column.to_owned()
        } else {
            format!("{{ column = {column}{unit}{carbon} }}")
        }
    }

    fn delineation(&self) -> &'static str {
        let has = |role: &str| self.mapped.iter().any(|(known, ..)| *known == role);
        if has("label") && !has("x") && !has("geometry") {
            "\n[delineate]\nmethod = \"label\"\n"
        } else {
            "\n[delineate]\nmethod = \"dbscan\"                   # or \"label\", with a column `label`\nradius_km = 10\nmin_facilities = 4\n"
        }
    }
}

/// How the columns write their numbers: with a decimal comma where nine in ten values of one are digits, a comma, digits and
/// none can be groups alone; with groups where a value holds both marks.
fn numerals(columns: &[Seen]) -> Numerals {
    let written = |decimal: char, thousands: char| {
        let grouped = Numerals { decimal, thousands: Some(thousands) };
        let both =
            |value: &str| value.contains(thousands) && value.contains(decimal) && grouped.number(value).is_some();
        let all = |column: &Seen| column.share(|value| grouped.number(value).is_some()) > 0.9;
        columns.iter().any(|column| column.share(both) > 0.0 && all(column)).then_some(grouped)
    };
    let comma = Numerals { decimal: ',', thousands: None };
    let is_comma = |value: &str| value.contains(',') && comma.number(value).is_some();
    let decimal = columns.iter().any(|column| column.share(is_comma) > 0.9);
    let grouped = written('.', ',').or_else(|| written(',', '.'));
    grouped.or(decimal.then_some(comma)).unwrap_or(Numerals::PLAIN)
}

/// Whether the values of a column can be what its name says.
fn plausible(role: &str, column: &Seen, numerals: Numerals) -> bool {
    let numeric = !column.values.is_empty() && column.numbers(numerals).len() * 10 >= column.values.len() * 9;
    match role {
        "x" | "y" | "emissions_t" | "emissions_biogenic_t" => numeric,
        "year" => {
            // The year of the row, not one in the life of a plant.
            let of_life = ["commission", "start", "built", "opened", "opening", "clos", "retire", "found", "construct"];
            let is_year = |year: &f64| (1900.0..=2100.0).contains(year) && year.fract() == 0.0;
            let filled = column.values.len() * 10 >= column.rows * 9;
            let years = column.numbers(numerals);
            numeric && filled && years.iter().all(is_year) && !of_life.iter().any(|word| column.word().contains(word))
        }
        "geometry" => column.share(|value| value.contains("POINT") || value.contains("SRID=")) > 0.5,
        "name" | "operator" | "sector" | "pollutant" | "country" => !column.values.is_empty() && !numeric,
        _ => !column.values.is_empty(),
    }
}

fn example(column: &Seen) -> String {
    let value: String = column.values.first().map(String::as_str).unwrap_or_default().chars().take(40).collect();
    format!("{:?}", value.replace(['\n', '\r'], " "))
}

/// The grid whose range holds nine in ten of the places.
fn grid(x: &[f64], y: &[f64]) -> Option<(&'static str, String)> {
    let places: Vec<(f64, f64)> =
        x.iter().copied().zip(y.iter().copied()).filter(|place| *place != (0.0, 0.0)).collect();
    let holds = |[west, south, east, north]: [f64; 4]| {
        let inside = places.iter().filter(|(x, y)| (west..=east).contains(x) && (south..=north).contains(y)).count();
        !places.is_empty() && inside * 10 >= places.len() * 9
    };
    GRIDS.iter().find(|(_, range, _)| holds(*range)).map(|(code, _, name)| (*code, (*name).to_owned()))
}

/// The unit of the emissions: from the name of their column, or from a column of units.
fn unit(emissions: &Seen, columns: &[Seen]) -> Option<(String, String)> {
    let meant = |text: &str| match text.to_lowercase().as_str() {
        "kg" | "kilogram" | "kgm" => Some("kg"),
        "t" | "tonnes" | "tonne" | "metric tons" => Some("t"),
        "kt" | "gg" | "kilotonnes" => Some("kt"),
        "mt" | "megatonnes" => Some("Mt"),
        _ => None,
    };
    if emissions.word().ends_with("kg") {
        return Some(("kg".into(), emissions.name.clone()));
    }
    let column = columns.iter().find(|column| column.word().starts_with("unit"))?;
    let first = column.values.first()?;
    let throughout = column.share(|value| value == first) == 1.0;
    meant(first).filter(|_| throughout).map(|unit| (unit.to_owned(), column.name.clone()))
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
