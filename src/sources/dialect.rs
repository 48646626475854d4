//! How a delimited text is written: its encoding, delimiter and quote, declared or found from its first lines.

use std::io::{self, Cursor, Read};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::Reading;
use super::files::Located;
use crate::error::Result;

/// Bytes that are looked at, and how many more for the end of a first line.
const SAMPLE: usize = 128 << 10;
const LONGEST: usize = 64 << 20;
/// Records that are looked at.
const RECORDS: usize = 100;
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a delimited text is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Delimiter.
    pub delimiter: u8,
    /// Quote character.
    pub quote: u8,
    /// The byte that ends a line: a line feed, or a carriage return in files that have no line feed.
    pub newline: u8,
    /// Lines that begin with this are no data.
    pub comment: Option<Vec<u8>>,
    /// Lines before the header.
    pub skip_before_header: usize,
    /// Rows after the header.
    pub skip_after_header: usize,
    /// Whether the text was in another encoding than UTF-8.
    pub decoded: bool,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: b'"',
            newline: b'\n',
            comment: None,
            skip_before_header: 0,
            skip_after_header: 0,
            decoded: false,
        }
    }
}

/// A text file as UTF-8, without a byte order mark.
pub struct Text {
    /// Its bytes.
    pub read: Box<dyn Read + Send>,
    /// The encoding that it was in.
    pub encoding: &'static Encoding,
}

/// Opens a text file in its declared encoding, else in what its first bytes show, else in UTF-8.
pub fn open_text(file: &Located, declared: Option<&str>) -> Result<Text> {
    let mut read = file.open()?;
    let head = take(&mut read, 512).map_err(|error| file.failed(error))?;
    let declared = declared.and_then(|label| Encoding::for_label(label.as_bytes()));
    let encoding = match Encoding::for_bom(&head) {
        Some((encoding, _)) => encoding,
        None => declared.or_else(|| wide(&head)).unwrap_or(UTF_8),
    };
    if encoding == UTF_8 {
        // As it is: rows that are not UTF-8 are to be told from those that are.
        let start = if head.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        return Ok(Text { read: Box::new(Cursor::new(head[start..].to_vec()).chain(read)), encoding });
    }
    let mut decoder = DecodeReaderBytesBuilder::new();
    decoder.encoding(Some(encoding)).bom_override(true).strip_bom(true);
    Ok(Text { read: Box::new(decoder.build(Cursor::new(head).chain(read))), encoding })
}

/// UTF-16 without a byte order mark: every other byte of Latin text is zero.
fn wide(head: &[u8]) -> Option<&'static Encoding> {
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let half = head.len() / 2;
    match (half > 3, zeros(0), zeros(1)) {
        (true, even, 0) if even * 10 > half * 9 => Some(UTF_16BE),
        (true, 0, odd) if odd * 10 > half * 9 => Some(UTF_16LE),
        _ => None,
    }
}

/// Reads up to a number of bytes.
pub fn take(read: &mut dyn Read, count: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read.take(count as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The first lines of a text: all of it, or as many whole lines as fit.
pub fn sample(text: &mut Text) -> io::Result<Vec<u8>> {
    let mut bytes = take(&mut text.read, SAMPLE)?;
    let mut more = bytes.len() == SAMPLE;
    while more && bytes.len() < LONGEST && memchr::memchr2(b'\n', b'\r', &bytes).is_none() {
        let next = take(&mut text.read, SAMPLE)?;
        more = next.len() == SAMPLE;
        bytes.extend(next);
    }
    if more && let Some(end) = memchr::memrchr2(b'\n', b'\r', &bytes) {
        bytes.truncate(end + 1);
    }
    Ok(bytes)
}

impl Dialect {
    /// The dialect of a text with these first lines. What is not declared is chosen by the columns that it must have,
    /// then by how many rows come out as wide as the header; a comma and a double quote where nothing tells.
    pub fn find(reading: &Reading, sample: &[u8], wanted: &[String], decoded: bool) -> Self {
        let newline = if memchr::memchr(b'\n', sample).is_none() && sample.contains(&b'\r') { b'\r' } else { b'\n' };
        let base = Self {
            delimiter: reading.delimiter.map_or(b',', |character| character as u8),
            quote: reading.quote.map_or(b'"', |character| character as u8),
            newline,
            comment: reading.comment.clone().filter(|prefix| !prefix.is_empty()).map(String::into_bytes),
            skip_before_header: reading.skip_before_header,
            skip_after_header: reading.skip_after_header,
            decoded,
        };
        let mut best = (base.fit(sample, wanted), base.clone());
        let delimiters: &[u8] = if reading.delimiter.is_some() { &[] } else { &DELIMITERS };
        for &delimiter in delimiters {
            let candidate = Self { delimiter, ..base.clone() };
            let fit = candidate.fit(sample, wanted);
            if fit > best.0 {
                best = (fit, candidate);
            }
        }
        let apostrophe = Self { quote: b'\'', ..best.1.clone() };
        let fit = apostrophe.fit(sample, wanted);
        let better = best.0.even < 900 && fit.found >= best.0.found && fit.even > best.0.even;
        if reading.quote.is_none() && better && best.1.opens_fields(b'\'', sample) {
            return apostrophe;
        }
        best.1
    }

    /// Whether a character stands at the beginning of some field.
    fn opens_fields(&self, character: u8, sample: &[u8]) -> bool {
        sample.windows(2).any(|pair| pair[1] == character && [self.delimiter, b'\n', b'\r'].contains(&pair[0]))
    }

    /// The parser of this dialect.
    pub fn parser(&self) -> csv_core::Reader {
        csv_core::ReaderBuilder::new().delimiter(self.delimiter).quote(self.quote).build()
    }

    fn fit(&self, sample: &[u8], wanted: &[String]) -> Fit {
        let body = &sample[self.after_lines(sample, self.skip_before_header)..];
        let mut reader = csv::ReaderBuilder::new();
        reader.delimiter(self.delimiter).quote(self.quote).flexible(true).has_headers(false);
        if let Some(&first) = self.comment.as_deref().and_then(<[u8]>::first) {
            reader.comment(Some(first));
        }
        let mut records = reader.from_reader(body).into_byte_records().flatten();
        let Some(header) = records.next() else { return Fit::default() };
        let has = |name: &&String| header.iter().any(|field| field.trim_ascii() == name.as_bytes());
        let (mut rows, mut even) = (0, 0);
        for row in records.skip(self.skip_after_header).take(RECORDS) {
            rows += 1;
            // A delimiter at the end of each row makes one empty field more.
            let fits = row.len() == header.len() || row.len() == header.len() + 1 && row[header.len()].is_empty();
            even += usize::from(fits);
        }
        Fit {
            found: wanted.iter().filter(has).count(),
            split: header.len() > 1,
            even: (even * 1000usize).checked_div(rows).unwrap_or(1000),
        }
    }

    /// The offset after so many lines.
    pub fn after_lines(&self, bytes: &[u8], lines: usize) -> usize {
        let ends = memchr::memchr_iter(self.newline, bytes).map(|end| end + 1);
        lines.checked_sub(1).map_or(0, |last| ends.clone().nth(last).unwrap_or(bytes.len()))
    }
}

/// How well a dialect fits: the first difference decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    /// Columns found of those that there must be.
    found: usize,
    /// Whether the header has more than one column.
    split: bool,
    /// Rows as wide as the header, in thousandths.
    even: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str, wanted: &[&str]) -> (char, char) {
        let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let dialect = Dialect::find(&Reading::default(), text.as_bytes(), &wanted, false);
        (dialect.delimiter as char, dialect.quote as char)
    }

    #[test]
    fn delimiter_and_quote_from_the_first_lines() {
        assert_eq!(found("a;b\n1,5;2,5\n3,5;4\n", &[]), (';', '"'));
        assert_eq!(found("a,b\n1;5,2;5\n", &["a", "b"]), (',', '"'));
        assert_eq!(found("a\tb\n1\t2\n", &[]), ('\t', '"'));
        assert_eq!(found("a\n1\n", &["a"]), (',', '"'));
        assert_eq!(found("a,b\n1,'x, \"y\", z'\n2,'p, q'\n", &["a"]), (',', '\''));
        assert_eq!(found("a,b\n's-Gravenhage,1\n's-Hertogenbosch,2\n", &["a"]), (',', '"'));
        assert_eq!(found("a,b\n1,2\n\"never,closed\n3,4\n", &["a"]), (',', '"'));
    }
}
