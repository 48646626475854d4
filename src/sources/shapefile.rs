//! Shapefiles: geometries of the `.shp`, rows of the `.dbf`, the system of coordinates of the `.prj`.

use std::io::{Cursor, Read};

use ::shapefile::{Shape, ShapeReader};
use encoding_rs::{Encoding, UTF_8};
use geo::Geometry;

use super::dbf::Dbf;
use super::files::Located;
use super::guard::{CHECK, guarded};
use super::rows::{Records, Row, Rows, Unreadable};
use super::{Content, Head, Request, problem, stated};
use crate::error::Result;

/// A shapefile whose columns are known.
struct Shapefile {
    geometries: Vec<std::result::Result<Option<Geometry>, String>>,
    table: Dbf,
    encoding: &'static Encoding,
}

/// Reads the parts of a shapefile: it has no columns without its `.dbf`.
pub fn head(request: &Request<'_>, located: Located) -> Result<Head> {
    let shown = &located.shown;
    let hint = "keep the parts of a shapefile together: .shp, .dbf, .prj, .cpg";
    let table = located.sibling("dbf").ok_or_else(|| problem(shown, "its .dbf is not there", hint))?;
    let dbf = Dbf::parse(bytes(&table)?).map_err(|message| problem(&table.shown, message, CHECK))?;
    let shapes = bytes(&located)?;
    let geometries = guarded(&located, || shapes_of(&located, shapes))?;
    if geometries.len() != dbf.rows() {
        let message = format!("{} shapes, and {} rows in {}", geometries.len(), dbf.rows(), table.shown);
        return Err(problem(shown, message, CHECK));
    }
    let part = |extension: &str| -> Result<Option<String>> {
        let part = located.sibling(extension).map(|part| bytes(&part)).transpose()?;
        Ok(part.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
    };
    let (projection, page) = (part("prj")?, part("cpg")?);
    let declared = request.reading.encoding.as_deref().or(page.as_deref());
    let encoding = declared.and_then(label).or_else(|| dbf.encoding()).unwrap_or(UTF_8);
    let header = dbf.columns(encoding);
    let read_as = format!("shapefile, {}", encoding.name().to_lowercase());
    let crs = projection.as_deref().and_then(stated::by_wkt);
    let content = Content::Records(Box::new(Shapefile { geometries, table: dbf, encoding }));
    Ok(Head { located: located.clone(), content, header, read_as, crs, placed: true })
}

/// An encoding by the names that `.cpg` files give it.
fn label(name: &str) -> Option<&'static Encoding> {
    let name = name.trim().to_ascii_lowercase();
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let by_number = match digits.as_str() {
        "65001" => Some("utf-8"),
        "88591" | "28591" => Some("iso-8859-1"),
        "1250" | "1251" | "1252" | "1253" | "1254" | "1257" => Some(digits.as_str()),
        _ => None,
    };
    let windows = by_number.map(|known| if known.len() == 4 { format!("windows-{known}") } else { known.to_owned() });
    Encoding::for_label(name.as_bytes()).or_else(|| Encoding::for_label(windows?.as_bytes()))
}

fn bytes(located: &Located) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    located.open()?.read_to_end(&mut bytes).map_err(|error| located.failed(error))?;
    Ok(bytes)
}

fn shapes_of(located: &Located, bytes: Vec<u8>) -> Result<Vec<std::result::Result<Option<Geometry>, String>>> {
    let fail =
        |error: &dyn std::fmt::Display| problem(&located.shown, format!("the file is no shapefile: {error}"), CHECK);
    let size = bytes.len() as u64;
    let mut reader = ShapeReader::new(Cursor::new(bytes)).map_err(|error| fail(&error))?;
    let promised = reader.header().file_length.max(0) as u64 * 2;
    if promised > size {
        return Err(fail(&format!("it is cut short: {size} bytes of {promised}")));
    }
    let mut geometries = Vec::new();
    for shape in reader.iter_shapes() {
        geometries.push(geometry(shape.map_err(|error| fail(&error))?));
    }
    Ok(geometries)
}

fn geometry(shape: Shape) -> std::result::Result<Option<Geometry>, String> {
    match shape {
        Shape::NullShape => Ok(None),
        shape => Geometry::try_from(shape).map(Some).map_err(|error| error.to_string()),
    }
}

impl Records for Shapefile {
    fn rows(&self) -> Result<Rows<'_>> {
        let row = |(position, geometry): (usize, &std::result::Result<Option<Geometry>, String>)| {
            // What is deleted is marked, and stays in the file.
            let cells = self.table.cells(position, self.encoding)?;
            let read = match cells {
                Ok(cells) => {
                    Row { line: position as u64 + 1, cells, geometry: geometry.clone().map_err(Unreadable::geometry) }
                }
                Err(value) => {
                    let message = format!("the row is not {}: declare the file's `encoding`", self.encoding.name());
                    let broken = Unreadable { column: "", value, message };
                    Row { line: position as u64 + 1, cells: Vec::new(), geometry: Err(broken) }
                }
            };
            Some(Ok(read))
        };
        Ok(Box::new(self.geometries.iter().enumerate().filter_map(row)))
    }
}
