//! Sheets of workbooks (XLSX, XLSM, XLSB, XLS, ODS): the values that their cells show, each row by its number in the sheet.

use std::io::{Cursor, Read};

use calamine::{Data, Range, Reader, Sheets, open_workbook_auto_from_rs};

use super::files::{Located, is_out_of_proportion};
use super::guard::{CHECK, guarded};
use super::rows::{Cell, Records, Row, Rows};
use super::{Content, Head, Request, choose, problem};
use crate::error::Result;

type Workbook = Sheets<Cursor<Vec<u8>>>;

/// The rows of a sheet below its header.
struct Sheet {
    range: Range<Data>,
    /// Where the first row below the header lies in the range.
    body: usize,
    width: usize,
    comment: Option<String>,
}

/// Reads a sheet, the one that is asked for or the only one, and finds its header.
pub fn head(request: &Request<'_>, located: Located) -> Result<Head> {
    let mut bytes = Vec::new();
    located.open()?.read_to_end(&mut bytes).map_err(|error| located.failed(error))?;
    guarded(&located, || {
        let mut workbook = open(&located, bytes)?;
        let reading = request.reading;
        // All sheets are read only where none is named.
        let all = workbook.sheet_names();
        let filled = if reading.table.is_some() { Vec::new() } else { filled(&mut workbook) };
        let name = choose(&located.shown, reading.table.as_deref(), (&all, &filled), "sheet")?;
        let fail = |error: calamine::Error| damaged(&located, &error);
        let range = range(&mut workbook, &name).map_err(fail)?;
        let Some(range) = range else {
            let message = format!("the cells of sheet {name} are scattered over more room than they could fill");
            return Err(problem(&located.shown, message, "copy the table into a sheet of its own"));
        };
        let top = range.start().map_or(0, |(row, _)| row as usize);
        let is_comment = |row: &[Data]| starts_with(row, reading.comment.as_deref());
        let at = range.rows().enumerate().position(|(at, row)| {
            top + at >= reading.skip_before_header && row.iter().any(|cell| !is_blank(cell)) && !is_comment(row)
        });
        let place = format!("{}, sheet {name}", located.shown);
        let at = at.ok_or_else(|| problem(&place, "the sheet is empty", "check `table` and `skip_before_header`"))?;
        let header: Vec<String> = range.rows().nth(at).unwrap_or_default().iter().map(text).collect();
        let sheet = Sheet {
            body: at + 1 + reading.skip_after_header,
            width: header.len(),
            comment: reading.comment.clone(),
            range,
        };
        refuse_merged(&mut workbook, (&name, &place), &sheet, (&header, at))?;
        refuse_formulas_without_values(&mut workbook, &name, &place, &sheet)?;
        let read_as = format!("workbook, sheet {name}");
        let content = Content::Records(Box::new(sheet));
        Ok(Head { located: located.clone(), content, header, read_as, crs: None, placed: false })
    })
}

/// The names of the sheets that hold anything.
pub fn tables(located: &Located) -> Result<Vec<String>> {
    let mut bytes = Vec::new();
    located.open()?.read_to_end(&mut bytes).map_err(|error| located.failed(error))?;
    guarded(located, || Ok(filled(&mut open(located, bytes)?)))
}

fn open(located: &Located, bytes: Vec<u8>) -> Result<Workbook> {
    const COMPOUND: [u8; 4] = [0xd0, 0xcf, 0x11, 0xe0];
    // An encrypted workbook of the newer kind is a compound file that holds nothing but ciphertext.
    let encrypted: Vec<u8> = "EncryptedPackage".encode_utf16().flat_map(u16::to_le_bytes).collect();
    if bytes.starts_with(&COMPOUND) && memchr::memmem::find(&bytes, &encrypted).is_some() {
        return Err(protected(located));
    }
    refuse_bomb(located, &bytes)?;
    open_workbook_auto_from_rs(Cursor::new(bytes)).map_err(|error| damaged(located, &error))
}

/// A workbook is a packed file, and is held to what packed files are.
fn refuse_bomb(located: &Located, bytes: &[u8]) -> Result<()> {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return Ok(()) };
    let sizes = (0..archive.len()).filter_map(|at| archive.by_index_raw(at).ok().map(|member| member.size()));
    let unpacked = sizes.fold(0u64, u64::saturating_add);
    if is_out_of_proportion(unpacked, bytes.len() as u64) {
        return Err(problem(&located.shown, "the workbook expands out of all proportion: refused", CHECK));
    }
    Ok(())
}

/// The cells of a sheet; `None` where they lie so far apart that the room between them could not be held.
fn range(workbook: &mut Workbook, name: &str) -> std::result::Result<Option<Range<Data>>, calamine::Error> {
    /// Room a cell, and room that is always there.
    const ROOM: u64 = 1_000;
    const ALWAYS: u64 = 10_000_000;
    let Sheets::Xlsx(workbook) = workbook else { return workbook.worksheet_range(name).map(Some) };
    let mut reader = workbook.worksheet_cells_reader(name)?;
    let mut cells: Vec<calamine::Cell<Data>> = Vec::new();
    while let Some(cell) = reader.next_cell()? {
        let value = Data::from(cell.get_value().clone());
        if value != Data::Empty {
            cells.push(calamine::Cell::new(cell.get_position(), value));
        }
    }
    cells.sort_by_key(calamine::Cell::get_position);
    let extent = |of: fn((u32, u32)) -> u32| {
        let all = || cells.iter().map(|cell| u64::from(of(cell.get_position())));
        all().max().unwrap_or(0) - all().min().unwrap_or(0) + 1
    };
    let room = extent(|place| place.0) * extent(|place| place.1);
    Ok((room <= (cells.len() as u64 * ROOM).max(ALWAYS)).then(|| Range::from_sparse(cells)))
}

fn protected(located: &Located) -> crate::Error {
    problem(&located.shown, "the workbook is encrypted", "save it without a password")
}

fn damaged(located: &Located, error: &calamine::Error) -> crate::Error {
    if error.to_string().to_lowercase().contains("password") {
        return protected(located);
    }
    problem(&located.shown, format!("the file is no workbook that reads: {error}"), CHECK)
}

/// The names of the sheets that hold anything; of all where none does.
fn filled(workbook: &mut Workbook) -> Vec<String> {
    let names = workbook.sheet_names();
    if names.len() < 2 {
        return names;
    }
    let mut holds = |name: &String| !matches!(range(workbook, name), Ok(Some(range)) if range.is_empty());
    let filled: Vec<String> = names.iter().filter(|name| holds(name)).cloned().collect();
    if filled.is_empty() { names } else { filled }
}

/// A heading over several columns names none of them.
fn refuse_merged(
    workbook: &mut Workbook,
    (name, place): (&str, &str),
    sheet: &Sheet,
    (header, at): (&[String], usize),
) -> Result<()> {
    let (top, left) = sheet.range.start().unwrap_or_default();
    let merged = match workbook {
        Sheets::Xlsx(workbook) => workbook.merge_cells_by_sheet_name(name).unwrap_or_default(),
        Sheets::Xls(workbook) => workbook.merge_cells_by_sheet_name(name).unwrap_or_default(),
        Sheets::Xlsb(_) | Sheets::Ods(_) => Vec::new(),
    };
    let row = top + at as u32;
    let wide = merged.iter().find(|cells| (cells.start.0..=cells.end.0).contains(&row) && cells.start.1 < cells.end.1);
    // A column without a name right of one with a name, filled for the most part, is one that a heading covers.
    let covered = (1..header.len()).find(|&column| {
        let rows = sheet.range.rows().skip(sheet.body).filter(|row| row.iter().any(|cell| !is_blank(cell)));
        let (all, full) = rows.fold((0, 0), |(all, full), row| (all + 1, full + usize::from(!is_blank(&row[column]))));
        header[column].is_empty() && !header[column - 1].is_empty() && full * 2 > all
    });
    let column = wide.map(|cells| cells.start.1).or(covered.map(|column| left + column as u32 - 1));
    let Some(column) = column else { return Ok(()) };
    let title = header.get((column.saturating_sub(left)) as usize).map(String::as_str).unwrap_or_default();
    Err(problem(
        place,
        format!("the heading `{title}` in {} stands over several columns", address(row, column)),
        "name each column in one row, or skip the rows above it: skip_before_header = N",
    ))
}

/// A program that writes formulas without working them out leaves cells that show nothing.
fn refuse_formulas_without_values(workbook: &mut Workbook, name: &str, place: &str, sheet: &Sheet) -> Result<()> {
    let (formulas, Some((first, _))) = (formulas(workbook, name), sheet.range.start()) else { return Ok(()) };
    let body = first as usize + sheet.body;
    let mut columns: std::collections::BTreeMap<u32, (u32, bool)> = std::collections::BTreeMap::new();
    for (row, column) in formulas.into_iter().filter(|(row, _)| *row as usize >= body) {
        let has_value = sheet.range.get_value((row, column)).is_some_and(|value| *value != Data::Empty);
        columns.entry(column).or_insert((row, false)).1 |= has_value;
    }
    let Some((column, (row, _))) = columns.into_iter().find(|(_, (_, has_value))| !has_value) else { return Ok(()) };
    Err(problem(
        place,
        format!(
            "the formula in {} has no value: the file was saved without working its formulas out",
            address(row, column)
        ),
        "open it in a spreadsheet program and save it again",
    ))
}

/// The cells of a sheet that have a formula.
fn formulas(workbook: &mut Workbook, name: &str) -> Vec<(u32, u32)> {
    let mut found = Vec::new();
    if let Sheets::Xlsx(workbook) = workbook {
        if let Ok(mut reader) = workbook.worksheet_cells_reader(name) {
            while let Ok(Some(cell)) = reader.next_formula() {
                found.extend(Some(cell.get_position()).filter(|_| !cell.get_value().is_empty()));
            }
        }
        return found;
    }
    let Ok(formulas) = workbook.worksheet_formula(name) else { return found };
    let (top, left) = formulas.start().unwrap_or_default();
    let of = formulas.used_cells().filter(|(.., formula)| !formula.is_empty());
    found.extend(of.map(|(row, column, _)| (top + row as u32, left + column as u32)));
    found
}

/// A cell as a sheet names it, `B7`.
fn address(row: u32, column: u32) -> String {
    let (mut letters, mut rest) = (String::new(), column + 1);
    while rest > 0 {
        rest -= 1;
        letters.insert(0, char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    format!("{letters}{}", row + 1)
}

fn is_blank(cell: &Data) -> bool {
    match cell {
        Data::Empty => true,
        Data::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn starts_with(row: &[Data], comment: Option<&str>) -> bool {
    let first = row.iter().find(|cell| !is_blank(cell));
    comment.is_some_and(|comment| first.is_some_and(|cell| text(cell).starts_with(comment)))
}

fn text(data: &Data) -> String {
    match cell(data) {
        Cell::Missing => String::new(),
        Cell::Text(text) | Cell::Number(text) => text.trim().to_owned(),
    }
}

/// What a cell shows; dates and times as ISO 8601 writes them.
fn cell(data: &Data) -> Cell {
    match data {
        Data::Empty => Cell::Missing,
        Data::Int(value) => Cell::Number(value.to_string()),
        Data::Float(value) => Cell::number(*value),
        Data::Bool(value) => Cell::Text(value.to_string()),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => Cell::Text(text.clone()),
        Data::Error(error) => Cell::Text(error.to_string()),
        Data::DateTime(time) if time.is_duration() => Cell::number(time.as_f64()),
        Data::DateTime(time) => {
            let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            let is_day = (hour, minute, second) == (0, 0, 0);
            Cell::Text(if is_day { date } else { format!("{date} {hour:02}:{minute:02}:{second:02}") })
        }
    }
}

impl Records for Sheet {
    fn rows(&self) -> Result<Rows<'_>> {
        let top = self.range.start().map_or(0, |(row, _)| u64::from(row));
        let rows = self.range.rows().enumerate().skip(self.body);
        let filled = rows
            .filter(|(_, row)| row.iter().any(|cell| !is_blank(cell)) && !starts_with(row, self.comment.as_deref()));
        Ok(Box::new(filled.map(move |(at, row)| {
            let cells = row.iter().take(self.width).map(cell).collect();
            Ok(Row { line: top + at as u64 + 1, cells, geometry: Ok(None) })
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_addresses_that_people_know() {
        assert_eq!(
            [address(0, 0), address(6, 25), address(6, 26), address(0, 701), address(0, 702)],
            ["A1", "Z7", "AA7", "ZZ1", "AAA1"]
        );
    }
}
