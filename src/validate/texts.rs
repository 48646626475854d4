//! Columns that many stages look into, without a copy of each cell.

use polars::prelude::*;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::dates;

/// Texts by position; a missing one is `None`.
#[derive(Debug, Clone, Default)]
pub struct Texts(StringChunked);

impl Texts {
    /// A column of a table, or nothing where it has none.
    pub(super) fn of(frame: &DataFrame, name: &str) -> Self {
        let column = frame.column(name).and_then(|column| Ok(column.str()?.rechunk().into_owned()));
        Self(column.unwrap_or_default())
    }

    /// Known texts.
    pub(super) fn known<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        Self(StringChunked::from_iter_values(PlSmallStr::EMPTY, texts))
    }

    /// Texts, some of them missing.
    pub(super) fn some<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Self {
        Self(StringChunked::from_iter_options(PlSmallStr::EMPTY, texts))
    }

    /// Texts, some of them missing; where all are, none.
    pub(super) fn any<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Self {
        let texts = Self::some(texts);
        if texts.0.null_count() == texts.0.len() { Self::default() } else { texts }
    }

    /// The text at a position; `None` where it is missing, and past the end.
    pub fn get(&self, at: usize) -> Option<&str> {
        if at < self.0.len() { self.0.get(at) } else { None }
    }

    /// All texts.
    pub fn iter(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.iter()
    }

    /// As a column of a table; `Texts::default()` without rows.
    pub fn column(&self) -> &StringChunked {
        &self.0
    }

    /// Those that a mask keeps; nothing stays nothing.
    pub(super) fn filter(&self, mask: &BooleanChunked) -> PolarsResult<Self> {
        Ok(Self(if self.0.is_empty() { self.0.clone() } else { self.0.filter(mask)?.rechunk().into_owned() }))
    }
}

/// The frame of one column that texts or numbers are kept as.
fn kept(column: impl IntoColumn, height: usize) -> PolarsResult<DataFrame> {
    DataFrame::new(height, vec![column.into_column().with_name("kept".into())])
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let frame = kept(self.0.clone(), self.0.len()).map_err(S::Error::custom)?;
        crate::kept::frame::serialize(&frame, serializer)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::of(&crate::kept::frame::deserialize(deserializer)?, "kept"))
    }
}

/// Numbers by position; a missing one is `None`.
#[derive(Clone)]
pub struct Numbers<T: PolarsNumericType>(ChunkedArray<T>);

impl<T: PolarsNumericType> std::fmt::Debug for Numbers<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: PolarsNumericType> Numbers<T> {
    /// A column of a table.
    ///
    /// # Errors
    ///
    /// That of polars for a column that is not there, or of another type.
    pub(super) fn of(frame: &DataFrame, name: &str) -> PolarsResult<Self> {
        let series = frame.column(name)?.as_materialized_series();
        polars_ensure!(series.dtype() == &T::get_static_dtype(), SchemaMismatch: "{name} is {}", series.dtype());
        let column: &ChunkedArray<T> = series.as_ref().as_ref();
        Ok(Self(column.rechunk().into_owned()))
    }

    /// The number at a position; `None` where it is missing, and past the end.
    pub fn get(&self, at: usize) -> Option<T::Native> {
        if at < self.0.len() { self.0.get(at) } else { None }
    }

    /// All numbers.
    pub fn iter(&self) -> impl Iterator<Item = Option<T::Native>> + Clone {
        (0..self.0.len()).map(|at| self.0.get(at))
    }

    /// A column of a table, be its numbers of another type; where it has none, or is not there, none.
    ///
    /// # Errors
    ///
    /// That of polars for a column without numbers.
    pub(super) fn any(frame: &DataFrame, name: &str) -> PolarsResult<Self> {
        match frame.column(name) {
            Ok(column) if column.null_count() < column.len() => {
                Self::of(&kept(column.cast(&T::get_static_dtype())?, column.len())?, "kept")
            }
            _ => Ok(Self::default()),
        }
    }

    /// Numbers, some of them missing; where all are, none.
    pub(super) fn some(numbers: impl Iterator<Item = Option<T::Native>>) -> Self {
        let numbers = ChunkedArray::from_iter_options(PlSmallStr::EMPTY, numbers);
        if numbers.null_count() == numbers.len() { Self::default() } else { Self(numbers) }
    }

    /// Those that a mask keeps; nothing stays nothing.
    pub(super) fn filter(&self, mask: &BooleanChunked) -> PolarsResult<Self> {
        Ok(Self(if self.0.is_empty() { self.0.clone() } else { self.0.filter(mask)?.rechunk().into_owned() }))
    }
}

impl<T: PolarsNumericType> Default for Numbers<T> {
    fn default() -> Self {
        Self(ChunkedArray::from_vec(PlSmallStr::EMPTY, Vec::new()))
    }
}

impl<T: PolarsNumericType> Serialize for Numbers<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let frame = kept(self.0.clone(), self.0.len()).map_err(S::Error::custom)?;
        crate::kept::frame::serialize(&frame, serializer)
    }
}

impl<'de, T: PolarsNumericType> Deserialize<'de> for Numbers<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(&crate::kept::frame::deserialize(deserializer)?, "kept").map_err(D::Error::custom)
    }
}

/// Names without a gap: ids, display names.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Names(Texts);

impl Names {
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self(Texts::known(names))
    }

    /// The number of names.
    pub fn len(&self) -> usize {
        self.0.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flatten()
    }

    /// The position of a name, if the names ascend.
    pub fn position(&self, name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self[middle].cmp(name) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }
}

impl std::ops::Index<usize> for Names {
    type Output = str;

    fn index(&self, at: usize) -> &str {
        self.0.get(at).unwrap_or_default()
    }
}

/// A text column of a table, or as many nulls.
pub(super) fn texts(frame: &DataFrame, name: &str) -> Vec<Option<String>> {
    let column =
        frame.column(name).and_then(|column| Ok(column.str()?.iter().map(|text| text.map(str::to_owned)).collect()));
    column.unwrap_or_else(|_| vec![None; frame.height()])
}

/// The years of a column of years or of dates.
pub(super) fn years(frame: &DataFrame, name: &str) -> Vec<Option<i64>> {
    let of = |column: &Column| match column.dtype() {
        DataType::Date => {
            let days = column.date()?;
            PolarsResult::Ok(days.physical().iter().map(|day| day.map(dates::year)).collect())
        }
        _ => Ok(column.cast(&DataType::Int64)?.i64()?.iter().collect()),
    };
    frame.column(name).and_then(of).unwrap_or_else(|_| vec![None; frame.height()])
}

/// A number column of a table, or as many nulls.
pub(super) fn numbers(frame: &DataFrame, name: &str) -> Vec<Option<f64>> {
    let cast = frame.column(name).and_then(|column| column.cast(&DataType::Float64));
    cast.and_then(|column| Ok(column.f64()?.iter().collect())).unwrap_or_else(|_| vec![None; frame.height()])
}
