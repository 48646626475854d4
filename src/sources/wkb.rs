//! Well-known binary, as bytes or in hexadecimal.

use geo::Geometry;
use geo_traits::to_geo::ToGeoGeometry;

/// Reads (E)WKB; `None`: an empty point.
pub fn read(bytes: &[u8]) -> Result<Option<Geometry>, String> {
    Ok(wkb::reader::read_wkb(bytes).map_err(|error| error.to_string())?.try_to_geometry())
}

/// The code of a system of coordinates that EWKB has within.
pub fn srid(bytes: &[u8]) -> Option<u32> {
    const HAS_SRID: u32 = 0x2000_0000;
    let [order, kind @ ..] = bytes.get(..5)? else { return None };
    let number = |bytes: [u8; 4]| if *order == 1 { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    let has_srid = number(kind.try_into().ok()?) & HAS_SRID != 0;
    has_srid.then(|| Some(number(bytes.get(5..9)?.try_into().ok()?)))?
}

/// The bytes of a text that can only be WKB in hexadecimal.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    // A byte order and a type take five bytes; the byte order is 0 or 1.
    if digits.len() < 10 || !digits.len().is_multiple_of(2) || !matches!(&digits[..2], b"00" | b"01") {
        return None;
    }
    let value = |digit: u8| (digit as char).to_digit(16);
    digits.chunks(2).map(|pair| Some((value(pair[0])? * 16 + value(pair[1])?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_known_by_its_beginning() {
        let point = "0101000000000000000000244000000000000049C0";
        let read = read(&from_hex(point).unwrap()).unwrap().unwrap();
        assert_eq!(read, Geometry::Point(geo::Point::new(10.0, -50.0)));
        assert_eq!(srid(&from_hex(point).unwrap()), None);
        let with_srid = from_hex("0101000020E6100000000000000000244000000000000049C0").unwrap();
        assert_eq!((srid(&with_srid), super::read(&with_srid).unwrap()), (Some(4326), Some(read)));
        assert_eq!(from_hex("2101000000"), None);
        assert_eq!(from_hex("POINT (1 2)"), None);
    }
}
