//! Whether the footer of a Parquet file keeps its own lengths: lists and texts no longer than the bytes that are there.
//! The Parquet library reserves memory for what a footer promises before it looks whether it comes.

/// The deepest nesting of a footer (of Parquet's own structures: less than ten).
const DEEPEST: usize = 32;

/// Walks a structure of Thrift's compact protocol (Apache Thrift, "Thrift Compact protocol encoding"); `None` where it
/// promises more than there is.
pub fn is_whole(bytes: &[u8]) -> bool {
    Walk { bytes }.structure(0).is_some()
}

struct Walk<'a> {
    bytes: &'a [u8],
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn structure(&mut self, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        loop {
            let field = self.byte()?;
            match (field >> 4, field & 0x0f) {
                (_, 0) => return Some(()),
                // True and false have no value of their own.
                (0, 1 | 2) => drop(self.varint()?),
                (_, 1 | 2) => {}
                (0, kind) => {
                    self.varint()?;
                    self.value(kind, depth)?;
                }
                (_, kind) => self.value(kind, depth)?,
            }
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<()> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => self.list(depth),
            12 => self.structure(depth + 1),
            13 => self.skip(16),
            _ => None,
        }
    }

    fn list(&mut self, depth: usize) -> Option<()> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // Every element takes a byte or more.
        if count > self.bytes.len() as u64 || depth > DEEPEST {
            return None;
        }
        (0..count).try_for_each(|_| self.value(head & 0x0f, depth + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promises_are_checked() {
        // Field 1, a list of two bytes; field 2, a text of three.
        let good = [0x19, 0x23, 7, 8, 0x18, 3, b'a', b'b', b'c', 0];
        assert!(is_whole(&good));
        assert!(!is_whole(&good[..8]));
        // A list of 2^28 structures in four bytes; a text of 2^32 bytes.
        assert!(!is_whole(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0x7f, 0]));
        assert!(!is_whole(&[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]));
        assert!(!is_whole(&[0x1c; 200]));
    }
}
