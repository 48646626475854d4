//! Countries' outlines: whether a place can lie in one.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use geo::{BoundingRect, Contains, MultiPolygon, Point, Rect};

use crate::error::{Problem, suggest};

/// Natural Earth countries, 1:50 million, public domain; coordinates of two decimals, about 1 km.
const OUTLINES: &str = include_str!("../../data/basemap/countries-50m.geojson");
/// What lies this far off an outline, km, is still in the country: simplified shores, ports, platforms.
const OFFSHORE_KM: f64 = 50.0;
/// Kilometres of a degree of latitude on the mean sphere.
const KM_A_DEGREE: f64 = 111.195;

/// Codes that Eurostat and the EEA use in place of those of ISO 3166.
const OTHER_CODES: [(&str, &str); 2] = [("UK", "GB"), ("EL", "GR")];

/// Names that registers use beside the English ones of the outlines, in lower case.
const OTHER_NAMES: [(&str, &str); 30] = [
    ("usa", "US"),
    ("united states of america", "US"),
    ("england", "GB"),
    ("scotland", "GB"),
    ("wales", "GB"),
    ("northern ireland", "GB"),
    ("great britain", "GB"),
    ("republic of ireland", "IE"),
    ("the netherlands", "NL"),
    ("holland", "NL"),
    ("nederland", "NL"),
    ("czech republic", "CZ"),
    ("slovak republic", "SK"),
    ("russian federation", "RU"),
    ("republic of korea", "KR"),
    ("ivory coast", "CI"),
    ("türkiye", "TR"),
    ("turkiye", "TR"),
    ("bosnia and herzegovina", "BA"),
    ("deutschland", "DE"),
    ("österreich", "AT"),
    ("españa", "ES"),
    ("italia", "IT"),
    ("polska", "PL"),
    ("suomi", "FI"),
    ("sverige", "SE"),
    ("norge", "NO"),
    ("danmark", "DK"),
    ("belgië", "BE"),
    ("belgique", "BE"),
];

/// Countries that were asked for by a word of a register.
static FOUND: LazyLock<Mutex<HashMap<String, Option<Arc<Countries>>>>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Atlas {
    /// By code.
    outlines: HashMap<String, Vec<MultiPolygon>>,
    /// Codes by English names in lower case.
    codes: HashMap<String, String>,
}

static ATLAS: LazyLock<Atlas> = LazyLock::new(|| {
    let mut atlas = Atlas::default();
    let parsed: Option<geojson::FeatureCollection> = OUTLINES.parse().ok();
    for feature in parsed.into_iter().flat_map(|collection| collection.features) {
        let Some(geojson::feature::Id::String(code)) = feature.id.clone() else { continue };
        if let Some(name) = feature.property("name").and_then(|name| name.as_str()) {
            atlas.codes.insert(name.to_lowercase(), code.clone());
        }
        if let Some(outline) = feature.geometry.and_then(|geometry| MultiPolygon::try_from(geometry).ok()) {
            atlas.outlines.entry(code).or_default().push(outline);
        }
    }
    atlas
});

/// The outlines of all countries, by their codes.
pub fn outlines() -> impl Iterator<Item = &'static MultiPolygon> {
    let mut codes: Vec<&String> = ATLAS.outlines.keys().collect();
    codes.sort_unstable();
    codes.into_iter().flat_map(|code| &ATLAS.outlines[code])
}

/// One or several countries.
#[derive(Debug)]
pub struct Countries {
    codes: String,
    parts: Vec<(geo::Polygon, Rect)>,
}

impl Countries {
    /// Finds countries by their ISO 3166-1 alpha-2 codes.
    ///
    /// # Errors
    ///
    /// A [`Problem`] at `place` for a code that is not known.
    pub fn new(codes: &[String], place: &str) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        for code in codes {
            let Some(outlines) = ATLAS.outlines.get(code) else {
                let mut known: Vec<&str> = ATLAS.outlines.keys().map(String::as_str).collect();
                known.sort_unstable();
                let hint = suggest(code, known);
                return Err(Problem::new(place, format!("`{code}` is no country code of ISO 3166 alpha-2"), hint));
            };
            let polygons = outlines.iter().flat_map(|outline| &outline.0);
            parts.extend(polygons.filter_map(|part| Some((part.clone(), part.bounding_rect()?))));
        }
        Ok(Self { codes: codes.join(", "), parts })
    }

    /// The country of a word: its code (ISO 3166-1 alpha-2, or `UK` and `EL`), or its English name as Natural Earth has it.
    pub fn called(word: &str) -> Option<Arc<Self>> {
        let mut found = FOUND.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = found.get(word) {
            return known.clone();
        }
        let other = OTHER_CODES.iter().find(|(code, _)| *code == word).map(|(_, code)| (*code).to_owned());
        let (upper, lower) = (word.to_uppercase(), word.to_lowercase());
        let code = other.or_else(|| ATLAS.outlines.contains_key(&upper).then(|| upper.clone()));
        let code = code.or_else(|| ATLAS.codes.get(&lower).cloned());
        let named = || OTHER_NAMES.iter().find(|(name, _)| *name == lower).map(|(_, code)| (*code).to_owned());
        let code = code.or_else(named);
        let country = code.and_then(|code| Self::new(&[code], "").ok()).map(Arc::new);
        found.insert(word.to_owned(), country.clone());
        country
    }

    /// The codes, for messages.
    pub fn codes(&self) -> &str {
        &self.codes
    }

    /// Whether a place lies in one of them or within 50 km of it.
    pub fn hold(&self, lon: f64, lat: f64) -> bool {
        let (high, wide) = (OFFSHORE_KM / KM_A_DEGREE, OFFSHORE_KM / KM_A_DEGREE / lat.to_radians().cos().max(0.05));
        let near = |bounds: &Rect| {
            (bounds.min().x - wide..=bounds.max().x + wide).contains(&lon)
                && (bounds.min().y - high..=bounds.max().y + high).contains(&lat)
        };
        self.parts.iter().filter(|(_, bounds)| near(bounds)).any(|(part, _)| {
            part.contains(&Point::new(lon, lat))
                || std::iter::once(part.exterior()).flat_map(|ring| ring.lines()).any(|edge| {
                    // On a plane that touches the globe at the place: good to a few per cent over 50 km.
                    let flat = |coord: geo::Coord| {
                        ((coord.x - lon) * lat.to_radians().cos() * KM_A_DEGREE, (coord.y - lat) * KM_A_DEGREE)
                    };
                    to_origin(flat(edge.start), flat(edge.end)) <= OFFSHORE_KM
                })
        })
    }
}

/// Distance from the origin to a segment of the plane.
fn to_origin(a: (f64, f64), b: (f64, f64)) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx.mul_add(dx, dy * dy);
    let along = if length > 0.0 { (-(a.0 * dx + a.1 * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (a.0 + along * dx).hypot(a.1 + along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cities and a gas field, by their published coordinates.
    #[test]
    fn places_lie_where_they_lie() {
        let britain = Countries::new(&["GB".into()], "").unwrap();
        for (name, lon, lat, inside) in [
            ("Birmingham", -1.89, 52.48, true),
            ("Belfast", -5.93, 54.60, true),
            ("West Sole gas field, 60 km off the coast", 1.15, 53.70, false),
            ("Brest", -4.49, 48.39, false),
            ("Dublin, 100 km from the border", -6.26, 53.35, false),
            ("Null Island", 0.0, 0.0, false),
            ("Birmingham, exchanged", 52.48, -1.89, false),
        ] {
            assert_eq!(britain.hold(lon, lat), inside, "{name}");
        }
        for (word, code) in [
            ("GB", "GB"),
            ("UK", "GB"),
            ("EL", "GR"),
            ("Namibia", "NA"),
            ("NA", "NA"),
            ("germany", "DE"),
            ("England", "GB"),
            ("fr", "FR"),
        ] {
            assert_eq!(Countries::called(word).unwrap().codes(), code, "{word}");
        }
        assert!(Countries::called("Atlantis").is_none());
        assert!(Countries::new(&["UK".into()], "").unwrap_err().hint.contains("GB"));
    }
}
