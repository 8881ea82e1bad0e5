//! The projections of grouped-query attention (Ainslie et al. 2023), by the sizes of its heads.

use tp_runtime::config::ConfigError;
use tp_runtime::module::Segment;
use tp_runtime::nn::{Linear, LinearShape};

/// How many heads there are, and how wide they are.
#[derive(Clone, Copy, Debug)]
pub struct GroupedQuery {
    hidden: i64,
    heads: i64,
    key_value_heads: i64,
    /// Features of a head.
    pub head_dim: i64,
}

impl GroupedQuery {
    /// The sizes a config gives; it may leave out those that follow from others.
    ///
    /// # Errors
    /// When query heads do not share key-value heads evenly, or a head cannot be rotated in pairs.
    pub fn new(
        hidden: i64,
        heads: i64,
        key_value_heads: Option<i64>,
        head_dim: Option<i64>,
    ) -> Result<Self, ConfigError> {
        let key_value_heads = key_value_heads.unwrap_or(heads);
        let head_dim = head_dim.unwrap_or(hidden / heads.max(1));
        let reason = if heads < 1 || key_value_heads < 1 || heads % key_value_heads != 0 {
            format!(
                "`num_attention_heads` is {heads}, which is no multiple of `num_key_value_heads`, {key_value_heads}"
            )
        } else if head_dim < 2 || head_dim % 2 != 0 {
            format!(
                "`head_dim`, by default `hidden_size` over `num_attention_heads`, is {head_dim}: \
                 rotary positions need an even number of at least 2"
            )
        } else {
            return Ok(Self {
                hidden,
                heads,
                key_value_heads,
                head_dim,
            });
        };
        Err(ConfigError::Unsupported { reason })
    }

    /// From the stream to the query heads.
    pub fn query(&self, bias: bool) -> Linear {
        let shape = self.projection(self.heads, bias);
        Linear::new(shape.output_heads(self.heads, "num_attention_heads"))
    }

    /// From the stream to the key heads, or to the value heads.
    pub fn key_value(&self, bias: bool) -> Linear {
        let (count, field) = (self.key_value_heads, "num_key_value_heads");
        let shape = self.projection(count, bias);
        Linear::new(shape.key_value_heads(count, self.heads, field))
    }

    /// From the stream to all heads at once: segments `q`, `k` and `v`.
    pub fn fused(&self) -> Linear {
        let (heads, count) = (self.heads, self.key_value_heads);
        let key_value = |name| {
            let length = count * self.head_dim;
            Segment::key_value_heads(name, length, count, heads, "num_key_value_heads")
        };
        let query = Segment::heads("q", heads * self.head_dim, heads, "num_attention_heads");
        let segments = [query, key_value("k"), key_value("v")];
        Linear::new(LinearShape::fused(self.hidden, segments))
    }

    /// From the query heads back to the stream.
    pub fn output(&self, bias: bool) -> Linear {
        let shape = LinearShape::new(self.heads * self.head_dim, self.hidden).bias(bias);
        Linear::new(shape.input_heads(self.heads, "num_attention_heads"))
    }

    /// What scores are multiplied by, unless a model says otherwise.
    pub fn scale(&self) -> f64 {
        (self.head_dim as f64).powf(-0.5)
    }

    fn projection(&self, count: i64, bias: bool) -> LinearShape {
        LinearShape::new(self.hidden, count * self.head_dim).bias(bias)
    }
}
