//! Tables of polars among values that are written down between runs.

/// A table, as the bytes of a Parquet file.
pub(crate) mod frame {
    use std::io::Cursor;

    use polars::prelude::*;
    use polars_io::prelude::{ParquetCompression, ParquetReader, ParquetWriter, SerReader};
    use serde::de::{Deserializer, Error as _};
    use serde::ser::{Error as _, Serializer};
    use serde::{Deserialize, Serialize};

    /// Bytes, which a format may hold more closely than a list of numbers.
    struct Bytes(Vec<u8>);

    impl Serialize for Bytes {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&self.0)
        }
    }

    impl<'de> Deserialize<'de> for Bytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = Bytes;

                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("bytes")
                }

                fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Bytes, E> {
                    Ok(Bytes(bytes.to_vec()))
                }

                fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
                    Ok(Bytes(bytes))
                }
            }
            deserializer.deserialize_byte_buf(Visitor)
        }
    }

    /// The table and its height, which a table without columns has too.
    #[derive(Serialize, Deserialize)]
    struct Kept(usize, Bytes);

    pub fn serialize<S: Serializer>(frame: &DataFrame, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::new();
        if frame.width() > 0 {
            let writer = ParquetWriter::new(&mut bytes).with_compression(ParquetCompression::Uncompressed);
            writer.with_statistics(StatisticsOptions::empty()).finish(&mut frame.clone()).map_err(S::Error::custom)?;
        }
        Kept(frame.height(), Bytes(bytes)).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DataFrame, D::Error> {
        let Kept(height, Bytes(bytes)) = Kept::deserialize(deserializer)?;
        if bytes.is_empty() {
            return Ok(DataFrame::empty_with_height(height));
        }
        let mut frame = ParquetReader::new(Cursor::new(bytes)).finish().map_err(D::Error::custom)?;
        // One piece, as the stages make them: sums go piece by piece.
        frame.rechunk_mut();
        Ok(frame)
    }
}

/// A table, or none.
pub(crate) mod some_frame {
    use polars::prelude::DataFrame;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Kept(#[serde(with = "super::frame")] DataFrame);

    pub fn serialize<S: Serializer>(frame: &Option<DataFrame>, serializer: S) -> Result<S::Ok, S::Error> {
        frame.clone().map(Kept).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DataFrame>, D::Error> {
        Ok(Option::<Kept>::deserialize(deserializer)?.map(|Kept(frame)| frame))
    }
}
