//! From the rotary parameters that a config gives to those that transformers computes with.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{QueryGrowth, RopeParameters, RopeScaling, Rotated};
use crate::config::{ConfigError, field, field_of, parse};

/// Where parameters stand, and what completes them.
pub(super) struct Source<'a> {
    pub(super) config: &'a Value,
    /// The field that holds them, for errors.
    pub(super) field: String,
    /// The field of the config that has the base where they have none, and the base where that is absent, too.
    pub(super) theta: (&'static str, f64),
    /// The field of the config whose context comes before theirs.
    pub(super) context: Option<&'static str>,
}

impl Source<'_> {
    /// The parameters, of which `rope` has those that the config gives.
    pub(super) fn complete(
        &self,
        mut rope: Map<String, Value>,
        rotated: Rotated,
    ) -> Result<RopeParameters, ConfigError> {
        let rope_type = self.rope_type(&rope)?;
        self.fill_context(&rope_type, &mut rope)?;
        fill_nulls(&rope_type, &mut rope);
        let scaling = self.scaling(&rope_type, &rope)?;
        Ok(RopeParameters {
            rope_theta: self.theta(&rope)?,
            partial_rotary_factor: self.part(&rope, rotated, &scaling)?,
            scaling,
            query_growth: self.query_growth(&rope)?,
        })
    }

    /// The type of rotary embedding, as transformers 5 or 4 spells it.
    fn rope_type(&self, rope: &Map<String, Value>) -> Result<String, ConfigError> {
        let (name, given) = match (rope.get("rope_type"), rope.get("type")) {
            (Some(given), _) => ("rope_type", given),
            (None, Some(given)) => ("type", given),
            (None, None) => return Ok("default".to_owned()),
        };
        match given.as_str() {
            Some(name) => Ok(name.to_owned()),
            None => Err(self.fault(name, format!("{given} is no type of rotary embedding"))),
        }
    }

    /// Fills in the lengths of texts that the config states outside.
    fn fill_context(
        &self,
        rope_type: &str,
        rope: &mut Map<String, Value>,
    ) -> Result<(), ConfigError> {
        let maximum: Option<i64> = field(self.config, "max_position_embeddings")?;
        match rope_type {
            "dynamic" => {
                // The config's length is meant, whatever stands beside the factor.
                let maximum = maximum.ok_or_else(|| ConfigError::Field {
                    path: "max_position_embeddings".to_owned(),
                    reason: "missing, and dynamic rotary embeddings change beyond it".to_owned(),
                })?;
                rope.insert("max_position_embeddings".to_owned(), Value::from(maximum));
            }
            "llama3" | "yarn" | "longrope" => {
                let name = "original_max_position_embeddings";
                let own = self.context.map(|name| field::<i64>(self.config, name));
                if let Some(context) = own.transpose()?.flatten() {
                    rope.insert(name.to_owned(), Value::from(context));
                } else if let Some(maximum) = maximum {
                    rope.entry(name).or_insert(Value::from(maximum));
                }
                let original = rope.get(name).and_then(Value::as_f64);
                let factor = rope.get("factor");
                let may_lack_factor = match rope_type {
                    "yarn" => factor.is_some_and(Value::is_null),
                    "longrope" => factor.is_none_or(Value::is_null),
                    _ => false,
                };
                if may_lack_factor && let Some((maximum, original)) = maximum.zip(original) {
                    let extended = maximum as f64 / original;
                    rope.insert("factor".to_owned(), Value::from(extended));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn theta(&self, rope: &Map<String, Value>) -> Result<f64, ConfigError> {
        let (name, default) = self.theta;
        if let Some(theta) = self.number(rope, "rope_theta")? {
            return Ok(theta);
        }
        Ok(field(self.config, name)?.unwrap_or(default))
    }

    /// The fraction of a head that is rotated.
    fn part(
        &self,
        rope: &Map<String, Value>,
        rotated: Rotated,
        scaling: &RopeScaling,
    ) -> Result<f64, ConfigError> {
        let name = "partial_rotary_factor";
        // Classes that rotate whole heads do not look at it, but the functions of scaling do.
        if matches!(rotated, Rotated::Whole) && *scaling == RopeScaling::Default {
            return Ok(1.0);
        }
        let outside = || match (rotated, self.config.get(name)) {
            (Rotated::Whole, Some(Value::Null)) => Ok(None),
            _ => field(self.config, name),
        };
        let given: Option<f64> = match self.number(rope, name)? {
            Some(part) => Some(part),
            None => outside()?,
        };
        match (rotated, given) {
            (Rotated::Part(default), given) => Ok(given.unwrap_or(default)),
            (Rotated::Whole, None | Some(1.0)) => Ok(1.0),
            (Rotated::Whole, Some(part)) => Err(ConfigError::Unsupported {
                reason: format!(
                    "`partial_rotary_factor` is {part}, and this model rotates whole heads: only 1 fits scaled \
                     rotary embeddings"
                ),
            }),
        }
    }

    fn query_growth(&self, rope: &Map<String, Value>) -> Result<Option<QueryGrowth>, ConfigError> {
        let beta: Option<f64> = match rope.get("llama_4_scaling_beta") {
            Some(Value::Null) => None,
            _ => self.number(rope, "llama_4_scaling_beta")?,
        };
        let context = self.number(rope, "original_max_position_embeddings");
        match beta {
            Some(beta) => Ok(context?.map(|context| QueryGrowth { beta, context })),
            None => Ok(None),
        }
    }

    /// A number of the parameters, which may be absent, but not null.
    fn number<T: DeserializeOwned>(
        &self,
        rope: &Map<String, Value>,
        name: &str,
    ) -> Result<Option<T>, ConfigError> {
        let number = field_of(rope, name);
        number.map_err(|error| error.within(&self.field))
    }

    /// A number of the parameters.
    pub(super) fn required<T: DeserializeOwned>(
        &self,
        rope: &Map<String, Value>,
        name: &str,
    ) -> Result<T, ConfigError> {
        let missing = || self.fault(name, "missing".to_owned());
        self.number(rope, name)?.ok_or_else(missing)
    }

    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        rope: &Map<String, Value>,
    ) -> Result<T, ConfigError> {
        parse(&Value::Object(rope.clone())).map_err(|error| error.within(&self.field))
    }

    pub(super) fn fault(&self, name: &str, reason: String) -> ConfigError {
        let path = name.to_owned();
        ConfigError::Field { path, reason }.within(&self.field)
    }
}

/// Puts in place of what counts as absent in Python what transformers takes for it.
fn fill_nulls(rope_type: &str, rope: &mut Map<String, Value>) {
    if rope_type != "yarn" {
        return;
    }
    for bound in ["beta_fast", "beta_slow"] {
        let given = rope.get(bound);
        if given.is_some_and(|given| given.is_null() || given.as_f64() == Some(0.0)) {
            rope.remove(bound);
        }
    }
    if let Some(truncate @ Value::Null) = rope.get_mut("truncate") {
        *truncate = Value::Bool(false);
    }
}
