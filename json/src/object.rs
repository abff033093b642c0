//! A value read from an object and from nothing else.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A structure whose text is a JSON object. Read by itself, most structures are also read from an array, by the order of their members,
/// which no protocol means.
#[derive(Clone, Debug, PartialEq)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OfObject(PhantomData)).map(Self)
    }
}

struct OfObject<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OfObject<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Pair {
        _first: u8,
        _second: Box<RawValue>,
    }

    #[test]
    fn an_array_is_no_object() {
        assert!(serde_json::from_str::<Object<Pair>>(r#"{"_first":1,"_second":{"a":[1.50]}}"#).is_ok());
        for wrong in [r#"[1,{}]"#, "1", "null", r#"{"_first":1}"#] {
            let error = serde_json::from_str::<Object<Pair>>(wrong).unwrap_err().to_string();
            assert!(!error.contains("Pair"), "{error}");
        }
        assert!(serde_json::from_str::<Pair>("[1,{}]").is_ok(), "what this is for");
    }
}
