//! One workbook with a sheet a table: typed cells, the header frozen, and a sheet that says what the others are.

use std::borrow::Cow;
use std::path::Path;

use polars::prelude::DataFrame;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{Cell, cell};
use crate::error::{Error, Result};
use crate::report::tables::{OutputTable, Written};

/// Rows that a sheet can hold below its header.
const ROWS: usize = 1_048_575;
/// Columns that a sheet can hold.
const COLUMNS: usize = 16_384;
/// Characters that a cell can hold, counted as a spreadsheet does.
const CHARACTERS: usize = 32_767;
/// What a text ends with that did not fit.
const CUT: &str = " [cut]";

/// Writes `forerunner.xlsx`. A table that no sheet can hold is named, and left out.
pub fn write(tables: &[OutputTable<'_>], title: &str, folder: &Path) -> Result<()> {
    let path = folder.join("forerunner.xlsx");
    let tables = tables.iter().filter(|table| table.written != Written::Layer);
    let sheet = |table| Ok((table, if fits(table) { Some(table.rows.whole()?) } else { None }));
    let tables: Vec<Sheet<'_>> = tables.map(sheet).collect::<Result<_>>()?;
    // Into memory first: on a full disk the library that packs the file would print.
    let bytes = book(&tables, title).and_then(|mut book| book.save_to_buffer());
    let bytes = bytes.map_err(|error| match error {
        XlsxError::IoError(source) => Error::Io { path: path.clone(), source },
        other => Error::Run { path: path.clone(), message: other.to_string() },
    })?;
    std::fs::write(&path, bytes).map_err(Error::io(&path))
}

/// A table, with its rows where a sheet can hold them.
type Sheet<'a> = (&'a OutputTable<'a>, Option<Cow<'a, DataFrame>>);

fn fits(table: &OutputTable<'_>) -> bool {
    table.rows.height() <= ROWS && table.rows.columns().width() <= COLUMNS
}

fn book(tables: &[Sheet<'_>], title: &str) -> std::result::Result<Workbook, XlsxError> {
    let mut book = Workbook::new();
    let never = ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&DocProperties::new().set_title(cut(title)).set_creation_datetime(&never));
    let bold = Format::new().set_bold();
    contents(book.add_worksheet_with_constant_memory()?, tables, &bold)?;
    for (table, frame) in tables.iter().filter_map(|(table, frame)| Some((table, frame.as_ref()?))) {
        let sheet = book.add_worksheet_with_constant_memory()?;
        sheet.set_name(&table.name)?;
        rows(sheet, frame, &bold)?;
    }
    columns(book.add_worksheet_with_constant_memory()?, tables, &bold)?;
    Ok(book)
}

/// The sheet that says what the others are.
fn contents(sheet: &mut Worksheet, tables: &[Sheet<'_>], bold: &Format) -> std::result::Result<(), XlsxError> {
    sheet.set_name("contents")?;
    for (at, width) in [24.0, 40.0, 60.0, 12.0, 70.0].into_iter().enumerate() {
        sheet.set_column_width(at as u16, width)?;
    }
    header(sheet, ["sheet", "title", "one row is", "rows", "note"], bold)?;
    for (row, (table, frame)) in (1..).zip(tables) {
        sheet.write_string(row, 0, &table.name)?;
        sheet.write_string(row, 1, table.about.title)?;
        sheet.write_string(row, 2, table.about.row)?;
        sheet.write_number(row, 3, table.rows.height() as f64)?;
        let long = frame.as_deref().map_or(0, longest);
        let note = if frame.is_none() {
            "left out: more rows or columns than a sheet holds; see the file of that name".to_owned()
        } else if long > 0 {
            format!("{long} texts are longer than a cell holds and cut, marked by{CUT}; see the file of that name")
        } else {
            String::new()
        };
        sheet.write_string(row, 4, note)?;
    }
    Ok(())
}

/// The sheet that says what the columns mean.
fn columns(sheet: &mut Worksheet, tables: &[Sheet<'_>], bold: &Format) -> std::result::Result<(), XlsxError> {
    sheet.set_name("columns")?;
    for (at, width) in [24.0, 36.0, 10.0, 10.0, 100.0].into_iter().enumerate() {
        sheet.set_column_width(at as u16, width)?;
    }
    header(sheet, ["sheet", "column", "type", "unit", "meaning"], bold)?;
    let all = tables.iter().flat_map(|(table, _)| table.columns.iter().map(move |column| (table, column)));
    for (row, (table, column)) in (1..).zip(all) {
        let cells = [&table.name, &cut(&column.name), column.kind.as_str(), column.unit, &cut(&column.about)];
        for (at, cell) in (0..).zip(cells) {
            sheet.write_string(row, at, cell)?;
        }
    }
    Ok(())
}

fn header<'a>(
    sheet: &mut Worksheet,
    names: impl IntoIterator<Item = &'a str>,
    bold: &Format,
) -> std::result::Result<(), XlsxError> {
    sheet.set_freeze_panes(1, 0)?;
    for (at, name) in (0..).zip(names) {
        sheet.write_string_with_format(0, at, cut(name), bold)?;
    }
    Ok(())
}

fn rows(sheet: &mut Worksheet, frame: &DataFrame, bold: &Format) -> std::result::Result<(), XlsxError> {
    let names: Vec<&str> = frame.get_column_names().into_iter().map(|name| name.as_str()).collect();
    for (at, name) in (0..).zip(&names) {
        sheet.set_column_width(at, name.chars().count().clamp(10, 40) as f64 + 2.0)?;
    }
    if !names.is_empty() {
        sheet.autofilter(0, 0, frame.height() as u32, names.len() as u16 - 1)?;
    }
    header(sheet, names, bold)?;
    for row in 0..frame.height() {
        for (at, column) in (0..).zip(frame.columns()) {
            let to = row as u32 + 1;
            match cell(column, row).map_err(|error| XlsxError::CustomError(error.to_string()))? {
                Cell::Empty => continue,
                Cell::Text(text) => sheet.write_string(to, at, cut(&text))?,
                Cell::Number(number) => sheet.write_number(to, at, number)?,
                Cell::Integer(number) => sheet.write_number(to, at, number as f64)?,
                Cell::Boolean(truth) => sheet.write_boolean(to, at, truth)?,
            };
        }
    }
    Ok(())
}

fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// How many texts are longer than a cell holds.
fn longest(frame: &DataFrame) -> usize {
    let texts = frame.columns().iter().filter_map(|column| column.str().ok());
    texts
        .map(|texts| texts.iter().flatten().filter(|text| text.len() > CHARACTERS && length(text) > CHARACTERS).count())
        .sum()
}

/// A text that a cell can hold.
fn cut(text: &str) -> String {
    if text.len() <= CHARACTERS || length(text) <= CHARACTERS {
        return text.to_owned();
    }
    let mut left = CHARACTERS - CUT.len();
    let fitting = text.chars().take_while(|letter| {
        let fits = letter.len_utf16() <= left;
        left = left.saturating_sub(letter.len_utf16());
        fits
    });
    fitting.collect::<String>() + CUT
}
