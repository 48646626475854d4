//! Thrift's compact protocol, as far as Parquet's footers and page headers need it: whole numbers, lists and structures.
//! Lists and texts no longer than the bytes that are there.

/// The deepest nesting (of Parquet's own structures: less than ten).
const DEEPEST: usize = 32;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// Values of one type.
    List(Vec<Value>),
    /// Fields by number, each with the place of its head.
    Structure(Vec<(i64, usize, Value)>),
    /// Bytes of a text.
    Text(Vec<u8>),
    /// Anything else, left out.
    Other,
}

impl Value {
    /// A field of a structure.
    pub fn field(&self, number: i64) -> Option<&Self> {
        self.fields().iter().find(|(known, ..)| *known == number).map(|(.., value)| value)
    }

    /// All fields of a structure: their number, where their head stands, their value.
    pub fn fields(&self) -> &[(i64, usize, Self)] {
        if let Self::Structure(fields) = self { fields } else { &[] }
    }

    /// A whole number in a field.
    pub fn integer(&self, number: i64) -> Option<i64> {
        if let Self::Integer(value) = self.field(number)? { Some(*value) } else { None }
    }

    /// The bytes of a text.
    pub fn text(&self) -> Option<&[u8]> {
        if let Self::Text(bytes) = self { Some(bytes) } else { None }
    }

    /// A list in a field.
    pub fn list(&self, number: i64) -> Option<&[Self]> {
        if let Self::List(values) = self.field(number)? { Some(values) } else { None }
    }
}

/// Reads one structure from the beginning of some bytes, and the number of bytes that it takes; `None` where it promises
/// more than there is.
///
/// Source: Apache Thrift, "Thrift Compact protocol encoding".
pub fn structure(bytes: &[u8]) -> Option<(Value, usize)> {
    let mut walk = Walk { bytes, length: bytes.len() };
    let value = walk.structure(0)?;
    Some((value, bytes.len() - walk.bytes.len()))
}

struct Walk<'a> {
    /// What is left.
    bytes: &'a [u8],
    /// Of so many.
    length: usize,
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<Value> {
        self.bytes = self.bytes.get(usize::try_from(count).ok()?..)?;
        Some(Value::Other)
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

    /// A number whose last bit is its sign.
    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn structure(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let (mut fields, mut number) = (Vec::new(), 0i64);
        loop {
            let at = self.length - self.bytes.len();
            let head = self.byte()?;
            if head & 0x0f == 0 {
                return Some(Value::Structure(fields));
            }
            number = if head >> 4 == 0 { self.zigzag()? } else { number.checked_add(i64::from(head >> 4))? };
            // True and false are types of their own and have no value.
            let value = if matches!(head & 0x0f, 1 | 2) { Value::Other } else { self.value(head & 0x0f, depth)? };
            fields.push((number, at, value));
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Option<Value> {
        match kind {
            1..=3 => self.skip(1),
            4..=6 => self.zigzag().map(Value::Integer),
            7 => self.skip(8),
            8 => {
                let length = usize::try_from(self.varint()?).ok()?;
                let text = self.bytes.get(..length)?.to_vec();
                self.bytes = &self.bytes[length..];
                Some(Value::Text(text))
            }
            9 | 10 => self.values(depth),
            12 => self.structure(depth + 1),
            13 => self.skip(16),
            _ => None,
        }
    }

    fn values(&mut self, depth: usize) -> Option<Value> {
        let head = self.byte()?;
        let count = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        // Every element takes a byte or more.
        if count > self.bytes.len() as u64 || depth > DEEPEST {
            return None;
        }
        (0..count).map(|_| self.value(head & 0x0f, depth + 1)).collect::<Option<_>>().map(Value::List)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lists_and_structures() {
        // Field 1, a list of two numbers; field 2, a text of three bytes; field 4, -3; field 5, true.
        let good = [0x19, 0x25, 14, 15, 0x18, 3, b'a', b'b', b'c', 0x25, 5, 0x11, 0, 99];
        let (value, taken) = structure(&good).unwrap();
        assert_eq!((taken, value.integer(4)), (13, Some(-3)));
        assert_eq!(value.list(1), Some([Value::Integer(7), Value::Integer(-8)].as_slice()));
        assert_eq!(value.field(3), None);
        assert!(structure(&good[..8]).is_none());
    }

    #[test]
    fn promises_are_checked() {
        // A list of 2^28 structures in four bytes; a text of 2^32 bytes; a nest without end.
        assert!(structure(&[0x19, 0xfc, 0xff, 0xff, 0xff, 0x7f, 0]).is_none());
        assert!(structure(&[0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]).is_none());
        assert!(structure(&[0x1c; 200]).is_none());
    }
}
