//! dBASE tables, the rows of shapefiles: their numbers are text in the file, and are passed on as they stand (reading them
//! as 32-bit floats, as the format's own type `F` suggests, would change them).

use encoding_rs::{Encoding, IBM866, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252};

use super::rows::Cell;

/// A table of rows of one length.
pub struct Dbf {
    bytes: Vec<u8>,
    rows: usize,
    /// Where the rows begin, and the length of one.
    start: usize,
    length: usize,
    /// The mark of the language that it was written under.
    language: u8,
    fields: Vec<Field>,
}

struct Field {
    name: Vec<u8>,
    kind: u8,
    /// Where it begins in a row.
    at: usize,
    length: usize,
}

impl Dbf {
    /// Reads the head of a table.
    ///
    /// # Errors
    ///
    /// What is wrong, for a file that is no table or is cut short.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, String> {
        const HEAD: usize = 32;
        const FIELD: usize = 32;
        const END: u8 = 0x0d;
        let two = |at: usize| Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)));
        let rows = bytes.get(4..8).and_then(|rows| Some(u32::from_le_bytes(rows.try_into().ok()?) as usize));
        let (Some(rows), Some(start), Some(length), Some(&language)) = (rows, two(8), two(10), bytes.get(29)) else {
            return Err("the file is no dBASE table: it is too short".into());
        };
        let mut fields = Vec::new();
        // The first byte of a row tells whether it is deleted.
        let mut at = 1;
        for head in bytes.get(HEAD..start.min(bytes.len())).unwrap_or_default().chunks_exact(FIELD) {
            if head[0] == END {
                break;
            }
            let name = head[..11].split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
            // Texts of more than 255 bytes keep the rest of their length where numbers keep their decimals.
            let more = if head[11] == b'C' { usize::from(head[17]) << 8 } else { 0 };
            let size = usize::from(head[16]) + more;
            fields.push(Field { name, kind: head[11], at, length: size });
            at += size;
        }
        if fields.is_empty() || at > length {
            return Err("the file is no dBASE table: its fields do not fit its rows".into());
        }
        if start + rows.saturating_mul(length) > bytes.len() {
            let there = bytes.len().saturating_sub(start) / length.max(1);
            return Err(format!("the file is cut short: {there} rows of {rows}"));
        }
        Ok(Self { rows, start, length, language, fields, bytes })
    }

    /// The number of rows, deleted ones included.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The encoding that the table's own mark stands for.
    pub fn encoding(&self) -> Option<&'static Encoding> {
        match self.language {
            0x03 | 0x57 | 0x58 | 0x59 => Some(WINDOWS_1252),
            0x26 | 0x65 => Some(IBM866),
            0xc8 => Some(WINDOWS_1250),
            0xc9 => Some(WINDOWS_1251),
            _ => None,
        }
    }

    /// The names of the columns.
    pub fn columns(&self, encoding: &'static Encoding) -> Vec<String> {
        self.fields.iter().map(|field| encoding.decode(&field.name).0.trim().to_owned()).collect()
    }

    /// The cells of a row; `None` for a deleted one, an error with its text where that is not in the encoding.
    pub fn cells(&self, row: usize, encoding: &'static Encoding) -> Option<Result<Vec<Cell>, String>> {
        let start = self.start + row * self.length;
        let row = &self.bytes[start..start + self.length];
        if row[0] == b'*' {
            return None;
        }
        let cell = |field: &Field| {
            let bytes = &row[field.at..field.at + field.length];
            let (text, _, broken) = encoding.decode(bytes);
            if broken && matches!(field.kind, b'C' | b'N' | b'F' | b'D' | b'L') {
                return Err(text.trim().to_owned());
            }
            let text = text.trim_matches(['\0', ' ']).trim();
            // Stars fill a number that did not fit its field.
            let is_nothing = text.is_empty() || text.bytes().all(|byte| byte == b'*');
            Ok(match field.kind {
                b'C' if !text.is_empty() => Cell::Text(text.to_owned()),
                b'N' | b'F' if !is_nothing => Cell::Number(text.to_owned()),
                b'D' if text.len() == 8 && text != "00000000" && text.is_ascii() => {
                    Cell::Text(format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))
                }
                b'L' if !matches!(text, "" | "?") => Cell::Text(matches!(text, "T" | "t" | "Y" | "y").to_string()),
                b'I' | b'+' => integer(bytes),
                b'B' | b'O' => double(bytes),
                // Memos, pictures, general objects: in files of their own, which are not read.
                _ => Cell::Missing,
            })
        };
        Some(self.fields.iter().map(cell).collect())
    }
}

fn integer(bytes: &[u8]) -> Cell {
    bytes.try_into().map_or(Cell::Missing, |bytes| Cell::Number(i32::from_le_bytes(bytes).to_string()))
}

fn double(bytes: &[u8]) -> Cell {
    bytes.try_into().map_or(Cell::Missing, |bytes| Cell::number(f64::from_le_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten bytes of text, eight of a number, one row deleted.
    fn table(rows: &[&[u8; 19]]) -> Vec<u8> {
        let mut bytes = vec![3, 126, 1, 1];
        bytes.extend((rows.len() as u32).to_le_bytes());
        bytes.extend((32u16 + 64 + 1).to_le_bytes());
        bytes.extend(19u16.to_le_bytes());
        bytes.resize(32, 0);
        for (name, kind, length) in [(b"NAME\0\0\0\0\0\0\0", b'C', 10), (b"T\0\0\0\0\0\0\0\0\0\0", b'F', 8)] {
            let start = bytes.len();
            bytes.extend(name);
            bytes.push(kind);
            bytes.resize(start + 16, 0);
            bytes.push(length);
            bytes.resize(start + 32, 0);
        }
        bytes.push(0x0d);
        rows.iter().for_each(|row| bytes.extend(*row));
        bytes
    }

    #[test]
    fn numbers_stay_what_the_file_says() {
        let dbf = Dbf::parse(table(&[b" Mill      16777217", b"*Gone             1", b"           ********"])).unwrap();
        assert_eq!(dbf.columns(encoding_rs::UTF_8), ["NAME", "T"]);
        let cells = dbf.cells(0, encoding_rs::UTF_8).unwrap().unwrap();
        assert_eq!(cells, [Cell::Text("Mill".into()), Cell::Number("16777217".into())]);
        assert!(dbf.cells(1, encoding_rs::UTF_8).is_none());
        // What did not fit its field is not known.
        assert_eq!(dbf.cells(2, encoding_rs::UTF_8).unwrap().unwrap(), [Cell::Missing, Cell::Missing]);
    }

    #[test]
    fn a_table_keeps_its_promises() {
        let row: [u8; 19] = *b" Mill      16777217";
        let whole = table(&[&row]);
        assert!(Dbf::parse(whole[..whole.len() - 1].to_vec()).is_err());
        assert!(Dbf::parse(whole[..40].to_vec()).is_err());
        assert!(Dbf::parse(Vec::new()).is_err());
    }
}
