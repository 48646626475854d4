//! Delimited text in blocks of whole records, found one after the other, so that they can be parsed side by side.

use std::io::Read;

use super::dialect::Dialect;
use super::files::Located;
use super::problem;
use crate::error::{Error, Result};

/// Bytes of a block.
const BLOCK: usize = 2 << 20;
/// The longest record.
const LONGEST: usize = 64 << 20;

/// Whole records of a text.
#[derive(Debug)]
pub struct Block {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The line of the first byte.
    pub line: u64,
}

/// Cuts a text into blocks of whole records.
pub struct Blocks<'a> {
    read: Box<dyn Read + Send>,
    file: &'a Located,
    dialect: &'a Dialect,
    buffer: Vec<u8>,
    line: u64,
    ended: bool,
}

/// Where a record ends.
pub enum RecordEnd {
    /// After its line break.
    At(usize),
    /// Beyond the bytes at hand; where the quote that is open at their end was opened.
    Beyond(Option<usize>),
}

impl<'a> Blocks<'a> {
    /// Begins after the header and the rows that are to be skipped.
    pub fn new(read: Box<dyn Read + Send>, file: &'a Located, dialect: &'a Dialect) -> Result<Self> {
        let mut blocks = Self { read, file, dialect, buffer: Vec::new(), line: 1, ended: false };
        let (mut wanted, mut body) = (BLOCK, 0);
        while body == blocks.buffer.len() && !blocks.ended {
            blocks.refill(wanted)?;
            body = after_header(&blocks.buffer, dialect);
            wanted = blocks.buffer.len() * 2;
        }
        blocks.take(body);
        Ok(blocks)
    }

    /// The next block; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Block>> {
        let mut wanted = BLOCK;
        loop {
            self.refill(wanted)?;
            if self.buffer.is_empty() {
                return Ok(None);
            }
            let (end, open) = self.whole_records();
            if end > 0 {
                return Ok(Some(self.take(end)));
            }
            if self.ended {
                return match open {
                    Some(offset) => Err(self.never_closed(offset)),
                    None => Ok(Some(self.take(self.buffer.len()))),
                };
            }
            if self.buffer.len() > LONGEST {
                return Err(self.never_closed(open.unwrap_or(0)));
            }
            wanted = self.buffer.len() * 2;
        }
    }

    fn refill(&mut self, wanted: usize) -> Result<()> {
        if !self.ended && self.buffer.len() < wanted {
            let missing = wanted - self.buffer.len();
            let read = (&mut self.read).take(missing as u64).read_to_end(&mut self.buffer);
            self.ended = read.map_err(|error| self.failed(error))? < missing;
        }
        Ok(())
    }

    fn failed(&self, error: std::io::Error) -> Error {
        let mut failed = self.file.failed(error);
        if let Error::Data { problems } = &mut failed {
            let line = self.line + self.lines(self.buffer.len());
            problems.iter_mut().for_each(|problem| problem.place = format!("{}:{line}", self.file.shown));
        }
        failed
    }

    fn lines(&self, until: usize) -> u64 {
        memchr::memchr_iter(self.dialect.newline, &self.buffer[..until]).count() as u64
    }

    fn take(&mut self, end: usize) -> Block {
        let rest = self.buffer.split_off(end);
        let line = self.line;
        self.line += self.lines(end);
        Block { bytes: std::mem::replace(&mut self.buffer, rest), line }
    }

    /// The end of the last whole record, and where a quote was opened that is still open after it.
    fn whole_records(&self) -> (usize, Option<usize>) {
        let mut end = 0;
        loop {
            match record_end(&self.buffer, end, self.dialect) {
                RecordEnd::At(next) => end = next,
                RecordEnd::Beyond(open) => return (end, open),
            }
        }
    }

    fn never_closed(&self, offset: usize) -> Error {
        let line = self.line + self.lines(offset);
        let quote = self.dialect.quote as char;
        problem(
            &format!("{}:{line}", self.file.shown),
            format!("a quote {quote} opens a field here that is never closed"),
            format!("close it, double it inside of a field ({quote}{quote}), or declare another `quote`"),
        )
    }
}

/// Walks one record: a quote opens a field only at its beginning, a doubled quote is one of the field's characters.
pub fn record_end(bytes: &[u8], start: usize, dialect: &Dialect) -> RecordEnd {
    if start >= bytes.len() {
        return RecordEnd::Beyond(None);
    }
    let mut at = start;
    if dialect.comment.as_deref().is_some_and(|prefix| bytes[start..].starts_with(prefix)) {
        let end = memchr::memchr(dialect.newline, &bytes[start..]);
        return end.map_or(RecordEnd::Beyond(None), |end| RecordEnd::At(start + end + 1));
    }
    while let Some(found) = memchr::memchr2(dialect.quote, dialect.newline, &bytes[at..]) {
        let found = at + found;
        if bytes[found] == dialect.newline {
            return RecordEnd::At(found + 1);
        }
        at = found + 1;
        let opens = found == start || [dialect.delimiter, b'\n', b'\r'].contains(&bytes[found - 1]);
        if opens {
            let Some(end) = after_quoted(bytes, at, dialect.quote) else { return RecordEnd::Beyond(Some(found)) };
            at = end;
        }
    }
    RecordEnd::Beyond(None)
}

/// The offset after the quote that closes a field; two quotes are one of its characters.
fn after_quoted(bytes: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        at += memchr::memchr(quote, &bytes[at..])? + 1;
        if bytes.get(at) != Some(&quote) {
            return Some(at);
        }
        at += 1;
    }
}

/// The offset of the first row after the header.
fn after_header(bytes: &[u8], dialect: &Dialect) -> usize {
    let mut at = dialect.after_lines(bytes, dialect.skip_before_header);
    let mut records = 1 + dialect.skip_after_header;
    while records > 0 {
        let RecordEnd::At(end) = record_end(bytes, at, dialect) else { return bytes.len() };
        records -= usize::from(!is_no_record(&bytes[at..end], dialect));
        at = end;
    }
    at
}

/// Whether a line is blank or a comment.
pub fn is_no_record(line: &[u8], dialect: &Dialect) -> bool {
    let comment = dialect.comment.as_deref().is_some_and(|prefix| line.starts_with(prefix));
    comment || line.iter().all(|byte| matches!(byte, b'\r' | b'\n'))
}

/// The names of the header's fields; `None` where the text has no record.
pub fn header(sample: &[u8], dialect: &Dialect) -> Option<Vec<String>> {
    let mut at = dialect.after_lines(sample, dialect.skip_before_header);
    loop {
        let end = match record_end(sample, at, dialect) {
            RecordEnd::At(end) => end,
            RecordEnd::Beyond(_) => sample.len(),
        };
        if at >= end {
            return None;
        }
        if !is_no_record(&sample[at..end], dialect) {
            let mut reader = csv::ReaderBuilder::new();
            reader.delimiter(dialect.delimiter).quote(dialect.quote).flexible(true).has_headers(false);
            let record = reader.from_reader(&sample[at..end]).into_byte_records().next()?.ok()?;
            return Some(record.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect());
        }
        at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_that_is_never_closed_has_a_place() {
        let dialect = Dialect::default();
        let bytes = b"a,b\nc,\"d\ne,f\n";
        assert!(matches!(record_end(bytes, 0, &dialect), RecordEnd::At(4)));
        assert!(matches!(record_end(bytes, 4, &dialect), RecordEnd::Beyond(Some(6))));
    }
}
