//! A value built member by member, so that no name in it means anything.

use std::{cell::RefCell, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

use super::RESERVED;

/// A [`Value`] whose text somebody else's code reads, such as a client's. Reserved names are names like any other in it, so it must not
/// be read again as a type with a [`Value`] in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Plain(pub Value);

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Build(None).deserialize(deserializer).map(Self)
    }
}

/// Builds a value; where it holds a place for it, refuses a name that comes twice in an object, and leaves it there.
#[derive(Clone, Copy)]
pub(super) struct Build<'t>(pub(super) Option<&'t RefCell<Option<String>>>);

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element_seed(self)? {
            array.push(element);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if let Some(twice) = self.0.filter(|_| object.contains_key(&name)) {
                twice.replace(Some(name));
                return Err(A::Error::custom("a name comes twice in one object"));
            }
            let value = members.next_value_seed(self)?;
            // With the feature `arbitrary_precision` every number comes so.
            let is_number = name == RESERVED[1] && object.is_empty();
            if let Some(number) = value.as_str().filter(|_| is_number).and_then(|digits| digits.parse::<Number>().ok())
            {
                return Ok(number.into());
            }
            object.insert(name, value);
        }
        Ok(object.into())
    }
}
