//! Delimited text in blocks of whole records: found one after the other, parsed in parallel. Parsing is that of the
//! csv-core crate; line numbers are those of an editor.

use std::io::Read;

use super::batch::{Batch, Origin, Shared, shorten};
use super::dialect::Dialect;
use super::files::Located;
use super::problem;
use crate::error::{Error, Result};
use crate::finding::{Rejection, Rule};

/// Bytes of a block.
const BLOCK: usize = 2 << 20;
/// The longest record.
const LONGEST: usize = 64 << 20;
/// UTF-8 of U+FEFF and of U+FFFD.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Whole records of a text.
#[derive(Debug)]
pub struct Block {
    bytes: Vec<u8>,
    /// The line of the first byte.
    line: u64,
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
enum RecordEnd {
    /// After its line break.
    At(usize),
    /// Beyond the bytes at hand; where the quote that is open at their end was opened.
    Beyond(Option<usize>),
}

impl<'a> Blocks<'a> {
    /// Begins after the header and the rows that are to be skipped.
    pub fn new(read: Box<dyn Read + Send>, file: &'a Located, dialect: &'a Dialect) -> Result<Self> {
        let mut blocks = Self { read, file, dialect, buffer: Vec::new(), line: 1, ended: false };
        blocks.refill(BLOCK)?;
        let body = after_header(&blocks.buffer, dialect);
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
        let Error::Data { mut problems } = self.file.failed(error) else {
            return problem(&self.file.shown, "the file cannot be read", "");
        };
        let line = self.line + self.lines(self.buffer.len());
        problems.iter_mut().for_each(|problem| problem.place = format!("{}:{line}", self.file.shown));
        Error::Data { problems }
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
fn record_end(bytes: &[u8], start: usize, dialect: &Dialect) -> RecordEnd {
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
fn is_no_record(line: &[u8], dialect: &Dialect) -> bool {
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

/// Parses a block into rows; what does not parse is set apart.
pub fn parse(block: &Block, dialect: &Dialect, header: &[String], shared: &Shared) -> Batch {
    let mut parser = Parser {
        core: dialect.parser(),
        text: vec![0; block.bytes.len()],
        filled: 0,
        record_ends: vec![0; header.len() + 1],
    };
    let suspicion = Suspicion::of(&block.bytes, dialect.decoded);
    let mut rows = Rows { ends: Vec::new(), origin: Vec::new(), broken: Vec::new(), header, shared, suspicion };
    let (mut at, mut line) = (0, block.line);
    while at < block.bytes.len() {
        let bytes = &block.bytes[at..];
        let taken = match record_end(bytes, 0, dialect) {
            RecordEnd::At(end) => end,
            RecordEnd::Beyond(_) => bytes.len(),
        };
        if !is_no_record(&bytes[..taken], dialect) {
            let record = &bytes[..taken];
            parser.records(record, &mut |parser, start, fields| rows.add(parser, start, fields, record, line));
        }
        line += memchr::memchr_iter(dialect.newline, &bytes[..taken]).count() as u64;
        at += taken;
    }
    parser.text.truncate(parser.filled);
    let mut batch = Batch::new(shared);
    // Rows that are not UTF-8 were taken out; what is left is.
    let text = String::from_utf8(parser.text).unwrap_or_default();
    batch.fill(text, rows.ends, rows.origin);
    batch.broken = rows.broken;
    batch
}

/// The parser's state over one block.
struct Parser {
    core: csv_core::Reader,
    /// Cells, one after the other.
    text: Vec<u8>,
    filled: usize,
    /// Ends of the cells of the record at hand, from its start.
    record_ends: Vec<usize>,
}

impl Parser {
    /// Parses a stretch that ends with a record; a carriage return by itself may end records within.
    fn records(&mut self, mut bytes: &[u8], take: &mut dyn FnMut(&mut Self, usize, usize)) {
        let whole = bytes.ends_with(b"\n") || bytes.ends_with(b"\r");
        let (mut start, mut fields, mut flushed) = (self.filled, 0, false);
        loop {
            let ends = &mut self.record_ends[fields..];
            let (result, read, written, ended) = self.core.read_record(bytes, &mut self.text[self.filled..], ends);
            bytes = &bytes[read..];
            self.filled += written;
            fields += ended;
            match result {
                csv_core::ReadRecordResult::OutputFull => self.text.resize(self.text.len() * 2 + 1024, 0),
                csv_core::ReadRecordResult::OutputEndsFull => self.record_ends.resize(self.record_ends.len() * 2, 0),
                csv_core::ReadRecordResult::Record => {
                    take(self, start, fields);
                    (start, fields) = (self.filled, 0);
                    if bytes.is_empty() && (whole || flushed) {
                        break;
                    }
                }
                csv_core::ReadRecordResult::End => break,
                // Reading nothing once more tells the parser that the text ends.
                csv_core::ReadRecordResult::InputEmpty if fields > 0 || self.filled > start || !whole => flushed = true,
                csv_core::ReadRecordResult::InputEmpty => break,
            }
        }
        if flushed {
            self.core.reset();
        }
    }
}

/// What a block holds that some row of it must be refused for; looked for once a block, for it is rare.
#[derive(Debug, Clone, Copy, Default)]
struct Suspicion {
    not_utf8: bool,
    nul: bool,
    byte_order_mark: bool,
    replacement: bool,
}

impl Suspicion {
    fn of(bytes: &[u8], decoded: bool) -> Self {
        Self {
            not_utf8: std::str::from_utf8(bytes).is_err(),
            nul: memchr::memchr(0, bytes).is_some(),
            byte_order_mark: memchr::memmem::find(bytes, BYTE_ORDER_MARK).is_some(),
            replacement: decoded && memchr::memmem::find(bytes, REPLACEMENT).is_some(),
        }
    }

    fn fault(self, text: &[u8], ends: &[usize]) -> Option<(Rule, String)> {
        // Cell by cell: bytes that are no character can make one across the border of two cells.
        if self.not_utf8 && cells(text, ends).any(|cell| std::str::from_utf8(cell).is_err()) {
            let message = "the row is not UTF-8: declare the file's `encoding`, as \"windows-1252\"";
            return Some((Rule::Encoding, message.into()));
        }
        if self.nul && text.contains(&0) {
            return Some((Rule::Encoding, "the row holds a NUL byte: export the file again".into()));
        }
        if self.byte_order_mark && memchr::memmem::find(text, BYTE_ORDER_MARK).is_some() {
            let message = "a byte order mark within the file: two files were pasted together";
            return Some((Rule::Encoding, message.into()));
        }
        (self.replacement && memchr::memmem::find(text, REPLACEMENT).is_some())
            .then(|| (Rule::Encoding, "the row does not read in the file's encoding".into()))
    }
}

/// The cells of a record.
fn cells<'t>(text: &'t [u8], ends: &'t [usize]) -> impl Iterator<Item = &'t [u8]> {
    let starts = std::iter::once(0).chain(ends.iter().copied());
    starts.zip(ends).map(|(start, end)| &text[start..*end])
}

/// The rows of a block.
struct Rows<'a> {
    ends: Vec<u32>,
    origin: Vec<Origin>,
    broken: Vec<Rejection>,
    header: &'a [String],
    shared: &'a Shared,
    suspicion: Suspicion,
}

impl Rows<'_> {
    fn add(&mut self, parser: &mut Parser, start: usize, fields: usize, record: &[u8], line: u64) {
        let text = &parser.text[start..parser.filled];
        let ends = &parser.record_ends[..fields];
        let fault = self.suspicion.fault(text, ends).or_else(|| self.misfit(text, ends));
        let Some((rule, message)) = fault else {
            self.ends.extend(ends.iter().map(|end| (start + end) as u32));
            self.origin.push(Origin { file: self.shared.position, line });
            return;
        };
        self.broken.push(Rejection {
            source: self.shared.source.clone(),
            file: self.shared.file.clone(),
            line,
            column: "".into(),
            value: shorten(String::from_utf8_lossy(record).trim_end_matches(['\r', '\n'])),
            rule,
            message,
        });
        parser.filled = start;
    }

    fn misfit(&self, text: &[u8], ends: &[usize]) -> Option<(Rule, String)> {
        let width = self.header.len();
        if ends.len() != width {
            let message =
                format!("the row has {} fields, the header {width}: check the delimiter and the quotes", ends.len());
            return Some((Rule::FieldCount, message));
        }
        let same = |(name, cell): (&String, &[u8])| cell.trim_ascii() == name.as_bytes();
        self.header
            .iter()
            .zip(cells(text, ends))
            .all(same)
            .then(|| (Rule::HeaderAgain, "the header a second time: two files were pasted together".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells and lines of the rows, lines and rules of the broken ones.
    type Read = (Vec<Vec<Option<String>>>, Vec<u64>, Vec<(u64, Rule)>);

    fn read(text: &str, width: usize) -> Read {
        let newline = if text.contains('\n') { b'\n' } else { b'\r' };
        let dialect = Dialect { newline, comment: Some(b"#".to_vec()), ..Dialect::default() };
        let header: Vec<String> = (0..width).map(|at| format!("h{at}")).collect();
        let shared = Shared {
            source: "s".into(),
            file: "f".into(),
            position: 0,
            width,
            fields: (0..width).map(super::super::batch::Field::At).collect(),
            key: [].into(),
            joined: None,
        };
        let batch = parse(&Block { bytes: text.into(), line: 1 }, &dialect, &header, &shared);
        let cells = (0..batch.rows())
            .map(|row| (0..width).map(|column| batch.cell(row, column).map(str::to_owned)).collect())
            .collect();
        let lines = batch.origin.iter().map(|origin| origin.line).collect();
        (cells, lines, batch.broken.iter().map(|row| (row.line, row.rule)).collect())
    }

    /// Lines as an editor numbers them, through blank lines, comments, line breaks in quotes and every kind of ending.
    #[test]
    fn lines_are_those_of_an_editor() {
        let (cells, lines, broken) = read("a,b\n\n\"x\ny\",2\n# no, data\nc,3,4\nd,\n\"e\",\" \"", 2);
        assert_eq!(lines, [1, 3, 7, 8]);
        assert_eq!(broken, [(6, Rule::FieldCount)]);
        assert_eq!(cells[1], [Some("x\ny".to_owned()), Some("2".to_owned())]);
        assert_eq!(cells[3], [Some("e".to_owned()), None]);
        assert_eq!(read("a,b\r\nc,d\r\n", 2).1, [1, 2]);
        assert_eq!(read("a,b\rc,d\r", 2).1, [1, 2]);
        assert_eq!(read("a,b\rc,d", 2).1, [1, 2]);
        // Found by fuzzing: a last row without line break and with too many fields.
        assert_eq!(read("a,b\nc,d,e,f", 2).2, [(2, Rule::FieldCount)]);
        assert_eq!(read("a,b\nc,d,", 2).2, [(2, Rule::FieldCount)]);
    }

    #[test]
    fn rows_that_do_not_parse_are_set_apart() {
        let (cells, _, broken) = read("a,b\nh0,h1\nx\0,1\n\u{feff}y,2\nz,3\n", 2);
        assert_eq!(broken, [(2, Rule::HeaderAgain), (3, Rule::Encoding), (4, Rule::Encoding)]);
        assert_eq!(cells.len(), 2);
        assert_eq!(read("5\" pipe,1\n\"\"\"q\"\"\",2\n", 2).0[0][0].as_deref(), Some("5\" pipe"));
        assert_eq!(read("5\" pipe,1\n\"\"\"q\"\"\",2\n", 2).0[1][0].as_deref(), Some("\"q\""));
    }

    /// Found by fuzzing: the bytes of U+FEFF spread over three cells.
    #[test]
    fn a_character_cannot_lie_in_two_cells() {
        let dialect = Dialect::default();
        let shared = Shared {
            source: "s".into(),
            file: "f".into(),
            position: 0,
            width: 3,
            fields: [].into(),
            key: [].into(),
            joined: None,
        };
        let header = ["a", "b", "c"].map(str::to_owned);
        let block = Block { bytes: b"1\xef,\"\xbb\",\xbf\n".to_vec(), line: 1 };
        let batch = parse(&block, &dialect, &header, &shared);
        assert_eq!((batch.rows(), batch.broken[0].rule), (0, Rule::Encoding));
    }

    #[test]
    fn a_quote_that_is_never_closed_has_a_place() {
        let dialect = Dialect::default();
        let bytes = b"a,b\nc,\"d\ne,f\n";
        assert!(matches!(record_end(bytes, 0, &dialect), RecordEnd::At(4)));
        assert!(matches!(record_end(bytes, 4, &dialect), RecordEnd::Beyond(Some(6))));
    }
}
