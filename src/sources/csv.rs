//! Delimited text, through the csv crate: line numbers as an editor shows them.

use super::{Origin, RawTable, Request, cell, grow, missing_column, problem};
use crate::error::Result;
use crate::finding::Rejection;

/// Appends the rows of one CSV file.
pub fn read(request: &Request<'_>, shown: &str, bytes: &[u8], table: &mut RawTable) -> Result<()> {
    let reading = request.reading;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(reading.delimiter.unwrap_or(',') as u8)
        .quote(reading.quote.unwrap_or('"') as u8)
        .flexible(true)
        .from_reader(bytes);
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(|name| name.trim().to_owned()).collect(),
        Err(error) => {
            return Err(problem(shown, format!("the header does not read: {error}"), "save the file as UTF-8"));
        }
    };
    let targets = targets(request, shown, &header, table)?;
    let file = table.files.len() as u32 - 1;
    let mut record = csv::ByteRecord::new();
    let mut skip = reading.skip_after_header;
    loop {
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(problem(shown, format!("the file does not parse: {error}"), "")),
        }
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        match fault(&record, header.len()) {
            Some((rule, message)) => table.broken.push(Rejection {
                source: request.name.to_owned(),
                file: shown.to_owned(),
                line,
                column: String::new(),
                value: record.iter().map(String::from_utf8_lossy).collect::<Vec<_>>().join(","),
                rule,
                message,
            }),
            None => {
                table.origin.push(Origin { file, line });
                for (position, column) in table.cells.iter_mut().enumerate() {
                    let text = targets[position].and_then(|field| record.get(field));
                    column.push(text.and_then(|text| std::str::from_utf8(text).ok()).and_then(cell));
                }
                table.geometry.push(None);
            }
        }
    }
    Ok(())
}

/// For every column of the table, the field of this file that fills it.
fn targets(request: &Request<'_>, shown: &str, header: &[String], table: &mut RawTable) -> Result<Vec<Option<usize>>> {
    let mut fields = Vec::new();
    for column in request.required.iter().chain(&request.places) {
        let field = header.iter().position(|name| name == column);
        let Some(field) = field else {
            return Err(missing_column(shown, column, header.iter().map(String::as_str)));
        };
        if header.iter().filter(|name| *name == column).count() > 1 {
            let hint = "rename one of them in the file's header";
            return Err(problem(shown, format!("the file has two columns `{column}`"), hint));
        }
        fields.push((column.clone(), field));
    }
    for (field, name) in header.iter().enumerate() {
        if request.all || request.optional.contains(name) {
            fields.push((name.clone(), field));
        }
    }
    for (name, _) in &fields {
        grow(table, name);
    }
    Ok(table
        .columns
        .iter()
        .map(|column| fields.iter().find(|(name, _)| name == column).map(|(_, field)| *field))
        .collect())
}

/// Why a record cannot be taken as a row, if it cannot.
fn fault(record: &csv::ByteRecord, width: usize) -> Option<(&'static str, String)> {
    if record.len() != width {
        let message =
            format!("the row has {} fields, the header {width}: check the delimiter and the quotes", record.len());
        return Some(("field_count", message));
    }
    record
        .iter()
        .any(|field| std::str::from_utf8(field).is_err())
        .then(|| ("encoding", "the row is not UTF-8: save the file as UTF-8".to_owned()))
}
