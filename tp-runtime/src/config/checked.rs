//! A config as serde reads it, each number compared with the limits of its field first.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Number, Value};

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
    },
}

impl<'de> Checked<'de> {
    fn value(self) -> &'de Value {
        match self {
            Self::Config(value) | Self::Field { value, .. } => value,
        }
    }

    /// The same place with another value in it.
    fn with(self, value: &'de Value) -> Self {
        match self {
            Self::Config(_) => Self::Config(value),
            Self::Field { name, config, .. } => Self::Field {
                name,
                value,
                config,
            },
        }
    }

    fn check(self, number: &Number) -> Result<(), Error> {
        let Self::Field { name, config, .. } = self else {
            return Ok(());
        };
        let limits = Limits::of(name, config);
        match limits.allow(number) {
            true => Ok(()),
            false => Err(Error::custom(format!("{number} is not {limits}"))),
        }
    }
}

impl<'de> Deserializer<'de> for Checked<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.value() {
            Value::Array(values) => {
                let elements = values.iter().map(|value| self.with(value));
                visitor.visit_seq(SeqDeserializer::new(elements))
            }
            Value::Object(config) => {
                let fields = config.iter().map(|(name, value)| {
                    let name = name.as_str();
                    let field = Self::Field {
                        name,
                        value,
                        config,
                    };
                    (name, field)
                });
                visitor.visit_map(MapDeserializer::new(fields))
            }
            value => {
                if let Value::Number(number) = value {
                    self.check(number)?;
                }
                value.deserialize_any(visitor)
            }
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
