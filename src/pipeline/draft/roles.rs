//! Which column of a file is what: words of its name in the languages of Europe's registers, held against its values.

use super::seen::Seen;
use crate::names;

/// What a column may be, and the words of its name that say so: whole names first, then parts of names.
struct Words {
    role: &'static str,
    words: &'static [&'static str],
    /// Words that say that it is something else.
    not: &'static [&'static str],
}

/// The order in which roles choose their columns.
const ROLES: [Words; 12] = [
    Words {
        role: "geometry",
        words: &["geometry", "geom", "wkt", "thegeom", "wkbgeometry", "geojson", "shape"],
        not: &[],
    },
    Words {
        role: "x",
        words: &[
            "longitude",
            "lon",
            "long",
            "lng",
            "longitud",
            "longitudine",
            "lengdegrad",
            "laengdegrad",
            "langdegrad",
            "langengrad",
            "laengengrad",
            "geographischelange",
            "lange",
            "pituusaste",
            "dlugosc",
            "lengtegraad",
            "zemepisnadelka",
            "easting",
            "eastings",
            "rechtswert",
            "ostwert",
            "ost",
            "oost",
            "est",
            "este",
            "utmx",
            "xutm",
            "utmost",
            "utmeast",
            "utme",
            "xcoord",
            "xcoordinate",
            "coordx",
            "xkoordinat",
            "xkoordinate",
            "coordonneex",
            "coordenadax",
            "coordinatax",
            "ostkoordinat",
            "lambertx",
            "xl93",
            "x",
            "e",
        ],
        not: &["length", "max", "min"],
    },
    Words {
        role: "y",
        words: &[
            "latitude",
            "lat",
            "latitud",
            "latitudine",
            "breddegrad",
            "breitengrad",
            "geographischebreite",
            "breite",
            "leveysaste",
            "szerokosc",
            "breedtegraad",
            "zemepisnasirka",
            "northing",
            "northings",
            "hochwert",
            "nordwert",
            "nord",
            "noord",
            "norte",
            "utmy",
            "yutm",
            "utmnord",
            "utmnorth",
            "utmn",
            "ycoord",
            "ycoordinate",
            "coordy",
            "ykoordinat",
            "ykoordinate",
            "coordonneey",
            "coordenaday",
            "coordinatay",
            "nordkoordinat",
            "lamberty",
            "yl93",
            "y",
            "n",
        ],
        not: &["max", "min"],
    },
    Words {
        role: "year",
        words: &[
            "year",
            "reportingyear",
            "emissionyear",
            "period",
            "jahr",
            "berichtsjahr",
            "annee",
            "anneeemission",
            "ano",
            "anno",
            "ar",
            "aar",
            "rapporteringsar",
            "vuosi",
            "rok",
            "jaar",
        ],
        not: &[
            "commission",
            "commissioned",
            "commissioning",
            "start",
            "built",
            "opened",
            "opening",
            "closed",
            "closing",
            "closure",
            "retired",
            "retirement",
            "founded",
            "construction",
            "decommissioned",
            "last",
            "first",
            "to",
            "from",
            "fid",
            "operation",
            "baujahr",
        ],
    },
    Words {
        role: "id",
        words: &[
            "facilityinspireid",
            "plantid",
            "siteid",
            "facilityid",
            "installationid",
            "installationidentifier",
            "registrationid",
            "ghgrpid",
            "id",
            "anlagenid",
            "anlagennummer",
            "anleggsid",
            "anleggsnummer",
            "anlaeggsid",
            "lopenummer",
            "identifiant",
            "codeetablissement",
            "identificador",
            "identificativo",
            "laitostunnus",
            "tunnus",
            "kenncode",
            "kod",
            "codigo",
            "codice",
            "refid",
            "ref",
            "identifier",
            "code",
            "number",
            "nummer",
            "numero",
            "nr",
            "key",
        ],
        not: &[
            "parent",
            "operator",
            "company",
            "owner",
            "country",
            "sector",
            "pollutant",
            "org",
            "unit",
            "postal",
            "zip",
        ],
    },
    Words {
        role: "operator",
        words: &[
            "operator",
            "operatorname",
            "companyname",
            "company",
            "parentcompanyname",
            "parentcompany",
            "owner",
            "accountholder",
            "accountholdername",
            "reportingentity",
            "betreiber",
            "betreibername",
            "unternehmen",
            "firma",
            "exploitant",
            "raisonsociale",
            "societe",
            "titular",
            "empresa",
            "operador",
            "gestore",
            "azienda",
            "hovedeier",
            "eier",
            "operator(s)",
            "ejer",
            "agare",
            "verksamhetsutovare",
            "toiminnanharjoittaja",
            "yritys",
            "prowadzacy",
            "wlasciciel",
            "eigenaar",
            "bedrijfsnaam",
        ],
        not: &["code", "nr", "number", "country", "address"],
    },
    Words {
        role: "name",
        words: &[
            "facilityname",
            "sitename",
            "plantname",
            "installationname",
            "nameoffeature",
            "facility",
            "installation",
            "site",
            "plant",
            "name",
            "anlage",
            "anlagenname",
            "bezeichnung",
            "nometablissement",
            "nomsite",
            "nom",
            "nombre",
            "instalacion",
            "nome",
            "impianto",
            "navn",
            "anlegg",
            "anlaeg",
            "namn",
            "anlaggning",
            "nimi",
            "laitos",
            "nazwa",
            "instalacja",
            "naam",
            "nazev",
            "mainportname",
            "project",
            "projectname",
        ],
        not: &["country", "pollutant", "sector", "company", "operator", "activity", "type", "code", "year"],
    },
    Words {
        role: "sector",
        words: &[
            "sector",
            "subsector",
            "sectorname",
            "eprtrsectorname",
            "industry",
            "industrytype",
            "industrytypesectors",
            "mainactivityname",
            "mainactivity",
            "activity",
            "activitytype",
            "branche",
            "bransje",
            "bransch",
            "wirtschaftszweig",
            "tatigkeit",
            "activite",
            "secteur",
            "actividad",
            "settore",
            "attivita",
            "toimiala",
            "sektor",
            "naringskode",
            "nace",
            "nacecode",
            "technologytype",
            "technology",
            "type",
        ],
        not: &["id", "country"],
    },
    Words {
        role: "pollutant",
        words: &[
            "pollutant",
            "pollutantname",
            "gas",
            "substance",
            "schadstoff",
            "polluant",
            "contaminante",
            "inquinante",
            "komponent",
            "aine",
            "zanieczyszczenie",
            "stof",
        ],
        not: &["id", "code"],
    },
    Words {
        role: "country",
        words: &["countrycode", "country", "countryname", "land", "pays", "pais", "paese", "maa", "kraj", "stat"],
        not: &["use", "parent"],
    },
    Words {
        role: "emissions_biogenic_t",
        words: &["biogenicco2emissionsmetrictons", "biogenicco2", "biogenic"],
        not: &["share"],
    },
    Words { role: "label", words: &["cluster", "label"], not: &["id"] },
];

/// Parts of the names of columns of emissions, the surest first.
const EMISSIONS: [&str; 19] = [
    "totalreporteddirectemissions",
    "totalemissions",
    "verifiedemissions",
    "totalscope1",
    "scope1",
    "ghg",
    "co2e",
    "co2eq",
    "emission",
    "emisiones",
    "emissioni",
    "emissoes",
    "emisj",
    "utslipp",
    "utslapp",
    "udledning",
    "paast",
    "uitstoot",
    "co2",
];
/// Further names of columns of releases.
const RELEASES: [&str; 6] = ["totalpollutantquantitykg", "totalquantity", "quantity", "releases", "release", "rejets"];
/// What is of emissions and is none.
const NO_EMISSIONS: [&str; 30] = [
    "year",
    "last",
    "first",
    "date",
    "factor",
    "intensity",
    "per",
    "rank",
    "id",
    "code",
    "unit",
    "units",
    "share",
    "percent",
    "capacity",
    "method",
    "source",
    "type",
    "status",
    "scope2",
    "scope3",
    "biogenic",
    "allocation",
    "allowances",
    "captured",
    "storage",
    "confidentiality",
    "reason",
    "accidental",
    "avoided",
];
/// Words for what a plant can do.
const CAPACITY: [&str; 14] = [
    "capacity",
    "kapasitet",
    "kapazitat",
    "leistung",
    "nennleistung",
    "bruttoleistung",
    "ytelse",
    "puissance",
    "potencia",
    "potenza",
    "effekt",
    "moc",
    "teho",
    "vermogen",
];

/// A column that was chosen, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Our name for it.
    pub role: String,
    /// Its position in the file.
    pub at: usize,
    /// Why it.
    pub why: String,
}

/// Chooses columns for roles: each role the first of its words that a column with fitting values has.
pub fn choose(columns: &[Seen]) -> Vec<Chosen> {
    let mut chosen: Vec<Chosen> = Vec::new();
    for Words { role, words, not } in &ROLES {
        let free = |at: &usize| chosen.iter().all(|chosen| chosen.at != *at);
        let says_other = |at: usize| not.iter().any(|word| columns[at].says(word));
        let fits = |at: &usize| free(at) && !says_other(*at) && fits(role, columns, *at, &chosen);
        let at = words.iter().find_map(|word| {
            let whole = (0..columns.len()).filter(fits).find(|&at| columns[at].word == *word);
            whole.or_else(|| (0..columns.len()).filter(fits).find(|&at| columns[at].says(word)))
        });
        let within = || {
            let long = words.iter().filter(|word| word.len() > 4);
            long.clone().find_map(|word| (0..columns.len()).filter(fits).find(|&at| columns[at].word.contains(word)))
        };
        if let Some(at) = at.or_else(within) {
            let why = format!("by its name; e.g. {}", columns[at].example());
            chosen.push(Chosen { role: (*role).to_owned(), at, why });
        }
    }
    if !chosen.iter().any(|chosen| chosen.role == "id") {
        let free = |at: &usize| chosen.iter().all(|chosen| chosen.at != *at || chosen.role == "name");
        let is_id = |at: &usize| free(at) && fits("id", columns, *at, &chosen) && !looks_like_measure(&columns[*at]);
        if let Some(at) = (0..columns.len()).find(is_id) {
            let why = "the first column whose values are all different".to_owned();
            chosen.insert(0, Chosen { role: "id".into(), at, why });
        }
    }
    let taken: Vec<usize> = chosen.iter().map(|chosen| chosen.at).collect();
    if let Some(at) = emissions(columns, &taken) {
        let why = format!("by its name; e.g. {}", columns[at].example());
        chosen.push(Chosen { role: names::EMISSIONS.into(), at, why });
    }
    let is_capacity = |column: &Seen| CAPACITY.iter().any(|word| column.word.contains(word)) || column.says("mw");
    let capacity = (0..columns.len()).find(|&at| {
        !chosen.iter().any(|chosen| chosen.at == at) && columns[at].is_numeric() && is_capacity(&columns[at])
    });
    if let Some(at) = capacity.filter(|&at| power_unit(&columns[at]).is_some()) {
        let why = format!("by its name; e.g. {}", columns[at].example());
        chosen.push(Chosen { role: "capacity_mw".into(), at, why });
    }
    chosen
}

/// Decimal numbers are measured, and name nothing.
fn looks_like_measure(column: &Seen) -> bool {
    column.is_numeric() && column.numbers().iter().any(|number| number.fract() != 0.0)
}

/// Whether the values of a column can be what its name says.
fn fits(role: &str, columns: &[Seen], at: usize, chosen: &[Chosen]) -> bool {
    let column = &columns[at];
    let numeric = column.is_numeric() && !column.values.is_empty();
    let has_letters = |value: &str| value.chars().filter(|letter| letter.is_alphabetic()).count() >= 2;
    match role {
        "x" | "y" | "emissions_biogenic_t" => numeric,
        "year" => {
            let is_year = |year: &f64| (1900.0..=2100.0).contains(year) && year.fract() == 0.0;
            let years = column.numbers();
            numeric && column.values.len() * 10 >= column.rows * 9 && years.iter().all(is_year)
        }
        "id" => {
            let year = chosen.iter().find(|chosen| chosen.role == "year").map(|chosen| &columns[chosen.at]);
            let repeats = year.is_some() || chosen.iter().any(|chosen| chosen.role == "pollutant");
            let several =
                columns.iter().any(|column| column.says("pollutant") || column.word.contains("pollutantname"));
            let filled = column.values.len() * 100 >= column.rows * 99 && !column.values.is_empty();
            if column.says("year") || looks_like_measure(column) {
                return false;
            }
            column.is_unique() || filled && (repeats || several || nearly_unique(column))
        }
        "geometry" => {
            let is_geometry = |value: &str| {
                let upper = value.get(..24).unwrap_or(value).to_ascii_uppercase();
                let wkt =
                    ["POINT", "LINESTRING", "POLYGON", "MULTI", "SRID="].iter().any(|start| upper.starts_with(start));
                wkt || upper.starts_with('{') && value.contains("coordinates") || is_hex_wkb(value)
            };
            column.share(is_geometry) > 0.5
        }
        "name" => column.share(|value| value.chars().any(char::is_alphabetic)) > 0.5 && !numeric,
        "operator" | "sector" | "pollutant" => column.share(has_letters) > 0.5 && !numeric,
        "country" => column.share(|value| !value.chars().any(|letter| letter.is_ascii_digit())) > 0.9 && !numeric,
        _ => !column.values.is_empty(),
    }
}

fn is_hex_wkb(value: &str) -> bool {
    value.len() >= 42
        && (value.starts_with("01") || value.starts_with("00"))
        && value.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Ids of which a few stand twice: a fault of the file, and not another kind of column.
fn nearly_unique(column: &Seen) -> bool {
    let different: std::collections::HashSet<&String> = column.values.iter().collect();
    column.rows >= 20 && different.len() * 100 >= column.rows * 95
}

/// The column of emissions: a number, whose name says so and says nothing else.
fn emissions(columns: &[Seen], taken: &[usize]) -> Option<usize> {
    let is_number = |at: &usize| {
        let column = &columns[*at];
        let years = column.numbers().iter().all(|number| (1900.0..=2100.0).contains(number) && number.fract() == 0.0);
        let is_one = column.values.len() == 1;
        let other = NO_EMISSIONS.iter().any(|word| column.says(word));
        column.is_numeric() && !taken.contains(at) && (!years || is_one) && !other && !column.values.is_empty()
    };
    let called = |words: &[&str]| {
        words.iter().find_map(|word| (0..columns.len()).filter(is_number).find(|&at| columns[at].word.contains(word)))
    };
    let by_unit = || {
        (0..columns.len())
            .filter(is_number)
            .find(|&at| ["tonnes", "tco2", "tco2e", "co2t", "t"].contains(&&*columns[at].word))
    };
    called(&EMISSIONS).or_else(|| called(&RELEASES)).or_else(by_unit)
}

/// The unit of power that a name has.
pub fn power_unit(column: &Seen) -> Option<&'static str> {
    let says = |words: &[&str]| words.iter().any(|word| column.says(word));
    if says(&["mw", "mwe", "mwel", "mwelec", "mwp", "mwth"])
        || column.word.ends_with("mw")
        || column.word.ends_with("mwelec")
    {
        return Some("MW");
    }
    if says(&["kw", "kwe", "kwp"]) || column.word.ends_with("kw") {
        return Some("kW");
    }
    says(&["gw"]).then_some("GW")
}

/// The unit of mass that a name has, as units are written here; case tells megatonnes from metric tons.
pub fn mass_unit(name: &str) -> Option<&'static str> {
    let words: Vec<&str> =
        name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let says = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let lower = name.to_lowercase();
    if lower.contains("metric ton") {
        return Some("t");
    }
    if lower.contains("short ton") {
        return Some("short ton");
    }
    match () {
        () if says(&["Mt", "MtCO2", "MtCO2e", "megatonnes", "Megatonnes"]) => Some("Mt"),
        () if says(&["kt", "ktCO2", "ktCO2e", "KT", "kilotonnes", "Gg", "kton"]) || lower.ends_with("_kt") => {
            Some("kt")
        }
        () if says(&["kg", "Kg", "KG", "kilogram", "kilograms"]) || lower.ends_with("kg") => Some("kg"),
        () if says(&[
            "t", "T", "MT", "tonnes", "tonne", "Tonnes", "tons", "tCO2", "tCO2e", "tonn", "Tonnen", "ton",
        ]) =>
        {
            Some("t")
        }
        () => None,
    }
}

/// Names of columns of several years with the year left out, and those years: `Emissions_{year}` of numbers.
pub fn by_year(columns: &[Seen]) -> Option<(String, Vec<String>)> {
    let mut found: indexmap::IndexMap<String, Vec<String>> = indexmap::IndexMap::new();
    for column in columns.iter().filter(|column| column.is_numeric() || column.values.is_empty()) {
        let bytes = column.name.as_bytes();
        let is_year = |at: &usize| {
            let digits = &bytes[*at..*at + 4];
            let alone = |at: Option<&u8>| at.is_none_or(|byte| !byte.is_ascii_digit());
            digits.iter().all(u8::is_ascii_digit)
                && matches!(&digits[..2], b"19" | b"20")
                && alone(at.checked_sub(1).and_then(|before| bytes.get(before)))
                && alone(bytes.get(at + 4))
        };
        let Some(at) = (0..bytes.len().saturating_sub(3)).find(is_year) else { continue };
        let pattern = format!("{}{{year}}{}", &column.name[..at], &column.name[at + 4..]);
        found.entry(pattern).or_default().push(column.name[at..at + 4].to_owned());
    }
    let is_emission = |pattern: &String| {
        let word = super::seen::folded(pattern);
        EMISSIONS.iter().any(|known| word.replace([' ', '_', '-'], "").contains(known)) || pattern == "{year}"
    };
    let several = |(pattern, years): &(String, Vec<String>)| years.len() > 1 && is_emission(pattern);
    found.into_iter().find(several)
}
