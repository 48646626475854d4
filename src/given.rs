//! Short ways to say a thing in the pipeline file: `true` or a table, a word or a table.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// `true` or `false`, or a table with more to say.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Switch<T> {
    /// With its default, or not at all.
    On(bool),
    /// As given.
    Given(T),
}

impl<T> Default for Switch<T> {
    fn default() -> Self {
        Self::On(true)
    }
}

/// By hand, so that what is wrong within is told and not only that nothing fits.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Switch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOf<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOf<T> {
            type Value = Switch<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("true, false, or what it is made of")
            }

            fn visit_bool<E: Error>(self, on: bool) -> Result<Self::Value, E> {
                Ok(Switch::On(on))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                T::deserialize(SeqAccessDeserializer::new(items)).map(Switch::Given)
            }

            fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(keys)).map(Switch::Given)
            }
        }
        deserializer.deserialize_any(OneOf(PhantomData))
    }
}

impl<T> Switch<T> {
    /// Whether it is off.
    pub fn is_off(&self) -> bool {
        matches!(self, Self::On(false))
    }

    /// What the file gives, where it gives anything.
    pub fn given(&self) -> Option<&T> {
        if let Self::Given(given) = self { Some(given) } else { None }
    }
}

impl<T: Clone + Default> Switch<T> {
    /// What is meant; `None` where it is off.
    pub fn value(&self) -> Option<T> {
        match self {
            Self::On(false) => None,
            Self::On(true) => Some(T::default()),
            Self::Given(given) => Some(given.clone()),
        }
    }
}

/// One word, or a table with more to say.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WordOr<W, T> {
    /// The word.
    Word(W),
    /// As given.
    Given(T),
}

/// By hand, so that what is wrong within is told and not only that nothing fits.
impl<'de, W: Deserialize<'de>, T: Deserialize<'de>> Deserialize<'de> for WordOr<W, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOf<W, T>(PhantomData<(W, T)>);
        impl<'de, W: Deserialize<'de>, T: Deserialize<'de>> Visitor<'de> for OneOf<W, T> {
            type Value = WordOr<W, T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a word, or a table")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
                W::deserialize(StrDeserializer::new(word)).map(WordOr::Word)
            }

            fn visit_map<A: MapAccess<'de>>(self, keys: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(keys)).map(WordOr::Given)
            }
        }
        deserializer.deserialize_any(OneOf(PhantomData))
    }
}
