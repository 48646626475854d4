//! What a file is: a register, infrastructure, ties, figures, regions, or nothing that a pipeline reads.

use geo::Geometry;

use super::Looked;
use super::roles::{Chosen, by_year};
use super::seen::{Seen, folded};
use crate::names::EMISSIONS;
use crate::sources::Batch;

/// What a file is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A register of facilities.
    Facilities,
    /// Infrastructure.
    Layer,
    /// Regions.
    Boundaries,
    /// Towns.
    Places,
    /// Ties between two.
    Links,
    /// Members of organisations.
    Memberships,
    /// Facts about whole clusters.
    Figures,
    /// Place-based initiatives.
    Initiatives,
    /// Names of operators that mean one firm.
    Aliases,
    /// Nothing that a pipeline reads.
    None,
}

impl Kind {
    /// What it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Facilities => "a register of facilities",
            Self::Layer => "a layer of infrastructure",
            Self::Boundaries => "boundaries",
            Self::Places => "towns",
            Self::Links => "links between two firms or facilities",
            Self::Memberships => "memberships in organisations",
            Self::Figures => "figures about clusters",
            Self::Initiatives => "place-based initiatives",
            Self::Aliases => "names of operators",
            Self::None => "none of what a pipeline reads",
        }
    }
}

/// Words in names of files and columns that tell infrastructure.
const INFRASTRUCTURE: [&str; 16] = [
    "port",
    "harbor",
    "harbour",
    "pipeline",
    "storage",
    "cavern",
    "terminal",
    "substation",
    "generator",
    "route",
    "network",
    "infrastructure",
    "reservoir",
    "formation",
    "gas",
    "grid",
];
/// Words that tell regions.
const REGIONS: [&str; 9] =
    ["region", "boundar", "district", "countries", "county", "nuts", "admin", "municipalit", "zone"];

/// The kind of the geometries that rows bring: of the first few.
pub fn of_geometries(batches: &[Batch]) -> Option<&'static str> {
    let rows = batches.iter().flat_map(|batch| (0..batch.rows().min(1000)).filter_map(|row| batch.geometry(row)));
    let mut kinds = rows.map(|geometry| match geometry {
        Geometry::Point(_) | Geometry::MultiPoint(_) => "points",
        Geometry::Polygon(_) | Geometry::MultiPolygon(_) => "polygons",
        _ => "lines",
    });
    kinds.next()
}

/// What a file is, by its geometries, its columns, and its name.
pub fn of(looked: &Looked, chosen: &[Chosen]) -> Kind {
    let columns = &looked.columns;
    let has = |role: &str| chosen.iter().any(|chosen| chosen.role == role);
    let says = |words: &[&str]| columns.iter().any(|column| words.contains(&column.word.as_str()));
    let text_of_column =
        |role: &str| chosen.iter().find(|chosen| chosen.role == role).map(|chosen| &columns[chosen.at]);
    let of_text = text_of_column("geometry").map(|column| {
        let is_like =
            |words: [&str; 2]| column.share(|value| words.iter().any(|word| value.to_ascii_uppercase().contains(word)));
        if is_like(["POLYGON", "POLYGON"]) > 0.5 {
            "polygons"
        } else if is_like(["LINESTRING", "LINESTRING"]) > 0.5 {
            "lines"
        } else {
            "points"
        }
    });
    let geometry = looked.geometry.or(of_text);
    let placed = geometry == Some("points") || has("x") && has("y");
    let file = folded(looked.shown.rsplit('/').next().unwrap_or_default());
    let named = |words: &[&str]| {
        let within = |column: &Seen| column.words.iter().any(|word| words.iter().any(|known| word.starts_with(known)));
        words.iter().any(|word| file.contains(word)) || columns.iter().filter(|column| within(column)).count() > 1
    };
    let emits = has(EMISSIONS) || has("pollutant") || by_year(columns).is_some();
    let pairs = [["from", "to"], ["source", "target"], ["buyer", "seller"], ["supplier", "customer"]];
    match () {
        () if pairs.iter().any(|[from, to]| says(&[from]) && says(&[to])) && !placed => Kind::Links,
        () if says(&["member", "members", "partners"]) && says(&ORGANISATIONS) && !placed => Kind::Memberships,
        () if says(&["figure"]) && says(&["value"]) && says(&["cluster", "facility"]) => Kind::Figures,
        () if says(&["objective"]) && says(&["market", "colocation", "existingarea"]) => Kind::Initiatives,
        () if says(&["operator"]) && says(&["name"]) && columns.len() <= 4 && !placed => Kind::Aliases,
        () if geometry == Some("polygons") && named(&REGIONS) && !emits => Kind::Boundaries,
        () if matches!(geometry, Some("polygons" | "lines")) => Kind::Layer,
        () if emits && (placed || has("id") || has("name")) => Kind::Facilities,
        () if placed && says(&["population", "einwohner", "inhabitants"]) => Kind::Places,
        () if placed && has("operator") => Kind::Facilities,
        () if placed && (named(&INFRASTRUCTURE) || !has("id")) => Kind::Layer,
        () if placed || has("id") && has("name") && (has("operator") || has("capacity_mw") || has("sector")) => {
            Kind::Facilities
        }
        () if has("id") && has("name") && columns.len() >= 3 => Kind::Facilities,
        () => Kind::None,
    }
}

/// Names of columns of organisations.
pub const ORGANISATIONS: [&str; 8] =
    ["organisation", "organization", "project", "projectname", "body", "consortium", "hub", "association"];
