//! FlatGeobuf, feature by feature.

use std::io::Read;

use ::flatgeobuf::{FallibleStreamingIterator, FeatureIter, FeatureProperties, FgbReader, NotSeekable};
use geo::Geometry;
use geo_traits::to_geo::ToGeoGeometry;
use geozero::{ColumnValue, PropertyProcessor};

use super::files::Located;
use super::guard::{CHECK, guarded};
use super::rows::{Cell, Records, Row, Rows, Unreadable};
use super::{Content, Head, problem};
use crate::error::Result;

struct Features {
    located: Located,
    width: usize,
}

type Iter = FeatureIter<Box<dyn Read + Send>, NotSeekable>;

/// Reads a file's header.
pub fn head(located: Located) -> Result<Head> {
    let read = located.open()?;
    let (header, crs) = guarded(&located, || {
        let reader = FgbReader::open(read).map_err(|error| fail(&located, &error))?;
        let header = reader.header();
        let columns = header.columns().into_iter().flatten().map(|column| column.name().to_owned()).collect::<Vec<_>>();
        let crs = header.crs().and_then(|crs| {
            let is_epsg = crs.org().is_none_or(|org| org.eq_ignore_ascii_case("EPSG")) && crs.code() > 0;
            is_epsg.then(|| format!("EPSG:{}", crs.code()))
        });
        Ok((columns, crs))
    })?;
    let features = Features { located: located.clone(), width: header.len() };
    let content = Content::Records(Box::new(features));
    Ok(Head { located, content, header, read_as: "flatgeobuf".into(), crs, placed: true })
}

fn fail(located: &Located, error: &dyn std::fmt::Display) -> crate::Error {
    problem(&located.shown, format!("the file is not FlatGeobuf: {error}"), CHECK)
}

impl Records for Features {
    fn rows(&self) -> Result<Rows<'_>> {
        let read = self.located.open()?;
        let open = || FgbReader::open(read).and_then(FgbReader::select_all_seq);
        let features = guarded(&self.located, || open().map_err(|error| fail(&self.located, &error)))?;
        Ok(Box::new(Walk { file: self, features: Some(features), line: 0 }))
    }
}

struct Walk<'a> {
    file: &'a Features,
    /// `None` after an error.
    features: Option<Iter>,
    line: u64,
}

impl Iterator for Walk<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        let (file, line) = (self.file, self.line + 1);
        let features = self.features.as_mut()?;
        let read = guarded(&file.located, || {
            let next = features.next().map_err(|error| fail(&file.located, &error))?;
            let Some(feature) = next else { return Ok(None) };
            let mut cells = Cells(vec![Cell::Missing; file.width]);
            feature.process_properties(&mut cells).map_err(|error| fail(&file.located, &error))?;
            let geometry: std::result::Result<Option<Geometry>, Unreadable> = match feature.geometry_trait() {
                Ok(geometry) => Ok(geometry.and_then(|geometry| geometry.try_to_geometry())),
                Err(error) => Err(Unreadable::geometry(error)),
            };
            Ok(Some(Row { line, cells: cells.0, geometry }))
        });
        self.line = line;
        if read.is_err() {
            self.features = None;
        }
        read.transpose()
    }
}

/// The cells of a feature, by the number of their column.
struct Cells(Vec<Cell>);

impl PropertyProcessor for Cells {
    fn property(&mut self, column: usize, _: &str, value: &ColumnValue<'_>) -> geozero::error::Result<bool> {
        let cell = match value {
            ColumnValue::Byte(value) => Cell::Number(value.to_string()),
            ColumnValue::UByte(value) => Cell::Number(value.to_string()),
            ColumnValue::Short(value) => Cell::Number(value.to_string()),
            ColumnValue::UShort(value) => Cell::Number(value.to_string()),
            ColumnValue::Int(value) => Cell::Number(value.to_string()),
            ColumnValue::UInt(value) => Cell::Number(value.to_string()),
            ColumnValue::Long(value) => Cell::Number(value.to_string()),
            ColumnValue::ULong(value) => Cell::Number(value.to_string()),
            ColumnValue::Float(value) => Cell::number(value.to_string().parse().unwrap_or(f64::NAN)),
            ColumnValue::Double(value) => Cell::number(*value),
            ColumnValue::Bool(value) => Cell::Text(value.to_string()),
            ColumnValue::String(text) | ColumnValue::Json(text) | ColumnValue::DateTime(text) => {
                Cell::Text((*text).to_owned())
            }
            ColumnValue::Binary(_) => Cell::Missing,
        };
        if let Some(slot) = self.0.get_mut(column) {
            *slot = cell;
        }
        Ok(false)
    }
}
