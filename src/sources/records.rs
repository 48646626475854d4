//! Blocks of delimited text to rows: parsing is that of the csv-core crate, line numbers are those of an editor, and what
//! does not parse is set apart.

use super::batch::{Batch, Origin, Shared, shorten};
use super::csv::{Block, RecordEnd, is_no_record, record_end};
use super::dialect::Dialect;
use super::encoding;
use crate::finding::{Rejection, Rule};

/// UTF-8 of U+FEFF and of U+FFFD.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

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
            let likely = encoding::guess(&text[..ends.last().copied().unwrap_or(0)]).unwrap_or("windows-1252");
            let message = format!("the row is not UTF-8: declare the file's `encoding`, as \"{likely}\"");
            return Some((Rule::Encoding, message));
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
        // A delimiter at the end of a row makes one empty field more: nothing is lost with it.
        let width = self.header.len();
        let trails = fields == width + 1 && width > 0 && parser.record_ends[width] == parser.record_ends[width - 1];
        let ends = &parser.record_ends[..if trails { width } else { fields }];
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
            fills: false,
            years: [].into(),
            by_year: [].into(),
            folders: [].into(),
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
        assert_eq!(read("a,b\nc,d,x", 2).2, [(2, Rule::FieldCount)]);
        // One empty field more than the header is the delimiter at the end of the row.
        assert_eq!(read("a,b,\nc,d,\n", 2).1, [1, 2]);
        assert_eq!(read("a,b,,\nc,d", 2).2, [(1, Rule::FieldCount)]);
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
            fills: false,
            years: [].into(),
            by_year: [].into(),
            folders: [].into(),
        };
        let header = ["a", "b", "c"].map(str::to_owned);
        let block = Block { bytes: b"1\xef,\"\xbb\",\xbf\n".to_vec(), line: 1 };
        let batch = parse(&block, &dialect, &header, &shared);
        assert_eq!((batch.rows(), batch.broken[0].rule), (0, Rule::Encoding));
    }
}
