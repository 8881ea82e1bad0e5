//! A config as serde reads it, each number compared with the limits of its field first.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

use super::limits::Limits;

/// A value of a config, and the field that holds it.
///
/// Only what a model reads is compared: fields that it ignores may hold anything.
#[derive(Clone, Copy)]
pub(super) enum Checked<'de> {
    /// A whole config.
    Config(&'de Value),
    /// What a field holds, or an element of a list that it holds.
    Field {
        name: &'de str,
        value: &'de Value,
        /// The fields that it stands among.
        config: &'de Map<String, Value>,
        is_element: bool,
    },
}

impl<'de> Checked<'de> {
    /// What the field `name` of a config with these fields holds.
    pub(super) fn field(
        config: &'de Map<String, Value>,
        name: &'de str,
        value: &'de Value,
    ) -> Self {
        Self::Field {
            name,
            value,
            config,
            is_element: false,
        }
    }

    fn value(self) -> &'de Value {
        match self {
            Self::Config(value) | Self::Field { value, .. } => value,
        }
    }

    /// One of the values that are listed here.
    fn element(self, value: &'de Value) -> Self {
        match self {
            Self::Config(_) => Self::Config(value),
            Self::Field { name, config, .. } => Self::Field {
                name,
                value,
                config,
                is_element: true,
            },
        }
    }

    /// Compares a number, or what stands in the place of one, with the limits of its field; gives it as an integer
    /// where the field holds one, however it is spelled (`32768.0`).
    fn check(self) -> Result<Option<i64>, Error> {
        let Self::Field {
            name,
            value,
            config,
            is_element,
        } = self
        else {
            return Ok(None);
        };
        let limits = Limits::of(name, config);
        let (limits, is_allowed) = match (value, limits) {
            (Value::Number(number), limits) => {
                let limits = limits.unwrap_or(Limits::ANY);
                (limits, limits.allow(number))
            }
            (Value::String(_) | Value::Bool(_), Some(limits)) => (limits, false),
            (Value::Null, Some(limits)) if is_element => (limits, false),
            _ => return Ok(None),
        };
        match is_allowed {
            true => Ok(limits.whole(value)),
            false => Err(Error::custom(format!("{value} is not {limits}"))),
        }
    }
}

impl<'de> Deserializer<'de> for Checked<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value() {
            Value::Array(values) => {
                let elements = values.iter().map(|value| self.element(value));
                visitor.visit_seq(SeqDeserializer::new(elements))
            }
            Value::Object(config) => {
                let fields = config
                    .iter()
                    .map(|(name, value)| (name.as_str(), Self::field(config, name, value)));
                visitor.visit_map(MapDeserializer::new(fields))
            }
            value => match self.check()? {
                Some(whole) => visitor.visit_i64(whole),
                None => value.deserialize_any(visitor),
            },
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value() {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

impl<'de> IntoDeserializer<'de, Error> for Checked<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
