//! KML and KMZ: placemarks as rows, their extended data as columns.

use std::io::Read;

use geo::{Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon};
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::files::Located;
use super::guard::CHECK;
use super::rows::{Cell, Records, Row, Rows, Unreadable};
use super::{Content, Head, problem};
use crate::error::Result;

/// The deepest nesting that is read; folders of folders have some ten.
const DEEPEST: usize = 64;

struct Placemarks {
    header: Vec<String>,
    placemarks: Vec<Placemark>,
}

/// A placemark as it comes together.
#[derive(Default)]
struct Placemark {
    /// Names and values: `name`, `description`, `id`, then those of its extended data, which go before these.
    values: Vec<(String, String)>,
    parts: Vec<Geometry>,
    /// Rings of the polygon that is open, the outer one first.
    rings: Vec<LineString>,
    broken: Option<String>,
}

/// Reads a file.
pub fn head(located: Located) -> Result<Head> {
    let mut bytes = Vec::new();
    located.open()?.read_to_end(&mut bytes).map_err(|error| located.failed(error))?;
    let fail = |message: &str| problem(&located.shown, format!("the file is not KML: {message}"), CHECK);
    let text = String::from_utf8(bytes).map_err(|_| fail("it is not UTF-8"))?;
    let placemarks = Walk::default().read(&text).map_err(|message| fail(&message))?;
    let mut header: Vec<String> = Vec::new();
    for (name, _) in placemarks.iter().flat_map(|placemark| &placemark.values) {
        if !header.contains(name) {
            header.push(name.clone());
        }
    }
    let content = Content::Records(Box::new(Placemarks { header: header.clone(), placemarks }));
    Ok(Head { located, content, header, read_as: "kml".into(), crs: Some("EPSG:4326".into()), placed: true })
}

/// Goes through the elements of a file.
#[derive(Default)]
struct Walk {
    /// The names of the elements that are open.
    open: Vec<String>,
    /// The text of the innermost.
    text: String,
    /// The name of the datum that is open.
    datum: String,
    placemark: Option<Placemark>,
    placemarks: Vec<Placemark>,
    is_kml: bool,
}

impl Walk {
    fn read(mut self, text: &str) -> std::result::Result<Vec<Placemark>, String> {
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(element) => self.start(&element)?,
                Event::Empty(element) => {
                    self.start(&element)?;
                    self.end();
                }
                Event::End(_) => self.end(),
                Event::Text(text) => self.text.push_str(&text),
                Event::CData(text) => self.text.push_str(&text),
                Event::GeneralRef(reference) => self.text.push_str(&resolved(&reference)),
                Event::Eof => break,
                _ => {}
            }
        }
        match (self.is_kml, self.open.last()) {
            (false, _) => Err("it has no element `kml`".into()),
            (true, Some(open)) => Err(format!("it does not end as KML does: `{open}` is never closed")),
            (true, None) => Ok(self.placemarks),
        }
    }

    fn start(&mut self, element: &BytesStart<'_>) -> std::result::Result<(), String> {
        let name = element.local_name().as_ref().to_owned();
        let attribute = |wanted: &str| {
            let found =
                element.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == wanted)?;
            Some(
                quick_xml::escape::unescape(&found.value)
                    .map_or_else(|_| found.value.to_string(), |text| text.into_owned()),
            )
        };
        self.is_kml |= name == "kml";
        match name.as_str() {
            "Placemark" => {
                let id = attribute("id").map(|id| ("id".to_owned(), id));
                self.placemark = Some(Placemark { values: id.into_iter().collect(), ..Placemark::default() });
            }
            "Data" | "SimpleData" => self.datum = attribute("name").unwrap_or_default(),
            _ => {}
        }
        self.open.push(name);
        self.text.clear();
        if self.open.len() > DEEPEST {
            return Err(format!("its elements are nested more than {DEEPEST} deep"));
        }
        Ok(())
    }

    fn end(&mut self) {
        let Some(name) = self.open.pop() else { return };
        let within = self.open.last().map(String::as_str).unwrap_or_default();
        let text = std::mem::take(&mut self.text);
        let Some(placemark) = &mut self.placemark else { return };
        match (name.as_str(), within) {
            ("name" | "description", "Placemark") if !placemark.values.iter().any(|(known, _)| *known == name) => {
                placemark.say(&name, &text);
            }
            ("value", "Data") | ("SimpleData", _) => placemark.say(&self.datum, &text),
            ("coordinates", shape) => placemark.place(shape, &text),
            ("Polygon", _) => placemark.close_polygon(),
            ("Placemark", _) => self.placemarks.extend(self.placemark.take()),
            _ => {}
        }
    }
}

impl Placemark {
    fn say(&mut self, name: &str, text: &str) {
        let text = text.trim();
        if name.is_empty() || text.is_empty() {
            return;
        }
        self.values.retain(|(known, _)| known != name);
        self.values.push((name.to_owned(), text.to_owned()));
    }

    fn place(&mut self, shape: &str, text: &str) {
        match coordinates(text) {
            Err(message) => self.broken = Some(message),
            Ok(places) => match shape {
                "Point" => self.parts.extend(places.first().map(|place| Geometry::Point(Point(*place)))),
                "LineString" => self.parts.push(Geometry::LineString(LineString(places))),
                "LinearRing" => self.rings.push(LineString(places)),
                _ => {}
            },
        }
    }

    fn close_polygon(&mut self) {
        let mut rings = std::mem::take(&mut self.rings).into_iter();
        if let Some(outer) = rings.next() {
            self.parts.push(Geometry::Polygon(Polygon::new(outer, rings.collect())));
        }
    }

    fn geometry(&self) -> std::result::Result<Option<Geometry>, Unreadable> {
        if let Some(message) = &self.broken {
            return Err(Unreadable::geometry(message));
        }
        let parts = || self.parts.iter().cloned();
        let points: Option<Vec<Point>> = parts().map(|part| Point::try_from(part).ok()).collect();
        let lines: Option<Vec<LineString>> = parts().map(|part| LineString::try_from(part).ok()).collect();
        let polygons: Option<Vec<Polygon>> = parts().map(|part| Polygon::try_from(part).ok()).collect();
        Ok(match (self.parts.as_slice(), points, lines, polygons) {
            ([], ..) => None,
            ([only], ..) => Some(only.clone()),
            (_, Some(points), ..) => Some(Geometry::MultiPoint(MultiPoint(points))),
            (_, _, Some(lines), _) => Some(Geometry::MultiLineString(MultiLineString(lines))),
            (_, _, _, Some(polygons)) => Some(Geometry::MultiPolygon(MultiPolygon(polygons))),
            _ => Some(Geometry::GeometryCollection(GeometryCollection(self.parts.clone()))),
        })
    }
}

/// Longitude, latitude and perhaps a height, by commas; places by blanks.
fn coordinates(text: &str) -> std::result::Result<Vec<Coord>, String> {
    let place = |tuple: &str| {
        let mut numbers = tuple.split(',').map(|number| number.trim().parse::<f64>());
        match (numbers.next(), numbers.next()) {
            (Some(Ok(x)), Some(Ok(y))) if x.is_finite() && y.is_finite() => Ok(Coord { x, y }),
            _ => Err(format!("`{tuple}` is no pair of coordinates")),
        }
    };
    text.split_whitespace().map(place).collect()
}

/// What a reference to a character or an entity stands for; as it stands where that is not known.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = reference;
    quick_xml::escape::resolve_xml_entity(name).map_or_else(|| format!("&{name};"), str::to_owned)
}

impl Records for Placemarks {
    fn rows(&self) -> Result<Rows<'_>> {
        let row = |(position, placemark): (usize, &Placemark)| {
            let value = |name: &String| placemark.values.iter().find(|(known, _)| known == name);
            let cell = |name: &String| value(name).map_or(Cell::Missing, |(_, text)| Cell::Text(text.clone()));
            let cells = self.header.iter().map(cell).collect();
            Ok(Row { line: position as u64 + 1, cells, geometry: placemark.geometry() })
        };
        Ok(Box::new(self.placemarks.iter().enumerate().map(row)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_in_any_form() {
        let text = r#"<?xml version="1.0"?><k:kml xmlns:k="http://www.opengis.net/kml/2.2"><k:Document><k:Folder><k:name>F</k:name>
            <k:Placemark id="1"><k:name>A &amp; B &#228;</k:name><k:ExtendedData><k:Data name="firm"><k:value><![CDATA[C & D]]></k:value></k:Data>
            <k:SchemaData><k:SimpleData name="name">own</k:SimpleData></k:SchemaData></k:ExtendedData>
            <k:MultiGeometry><k:Point><k:coordinates>1,2,3</k:coordinates></k:Point><k:Point><k:coordinates> 4,5 </k:coordinates></k:Point></k:MultiGeometry>
            </k:Placemark><k:Placemark/></k:Folder></k:Document></k:kml>"#;
        let read = Walk::default().read(text).unwrap();
        let pairs: Vec<(&str, &str)> =
            read[0].values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("id", "1"), ("firm", "C & D"), ("name", "own")]);
        let points = vec![Point::new(1.0, 2.0), Point::new(4.0, 5.0)];
        assert_eq!(read[0].geometry().unwrap(), Some(Geometry::MultiPoint(MultiPoint(points))));
        assert_eq!(read[1].geometry().unwrap(), None);
        assert!(Walk::default().read("<kml><Placemark>").is_err());
        assert!(Walk::default().read(&format!("<kml>{}", "<Folder>".repeat(100))).is_err());
        assert!(Walk::default().read("<gml></gml>").is_err());
    }
}
