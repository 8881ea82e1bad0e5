//! Scaled dot-product attention over whatever heads this rank holds (Vaswani et al. 2017).

mod explicit;

use tch::{Kind, TchError, Tensor};

use super::LayerCache;
use super::key_value_heads::{for_each_query, in_groups, readers};
use crate::Result;
use crate::dropout::{Dropout, DropoutKey};
use crate::dtensor::{DTensor, TensorError};

/// Which positions a query sees.
pub enum AttentionMask {
    /// All, as in vision towers.
    Full,
    /// Itself and all before it.
    Causal,
    /// What is added to the scores, `[batch or 1, 1, queries, keys]`: zero or the least value of the kind.
    Additive(Tensor),
}

impl AttentionMask {
    /// The mask that hides where `seen`, `[batch or 1, 1, queries, keys]`, is false.
    ///
    /// # Errors
    /// When libtorch cannot allocate it.
    pub fn additive(seen: &Tensor, kind: Kind) -> Result<Self, TchError> {
        // Not infinity: a row that sees nothing must stay a number, as in transformers.
        let least = match kind {
            Kind::Half => -65504.0,
            Kind::BFloat16 => -3.389_531_389_251_535_5e38,
            _ => f64::from(f32::MIN),
        };
        let hidden = seen.f_logical_not()?;
        let visible = Tensor::f_zeros(seen.size(), (kind, seen.device()))?;
        Ok(Self::Additive(visible.f_masked_fill(&hidden, least)?))
    }
}

/// One attention of one forward.
pub struct Attention<'a> {
    /// Which positions a query sees.
    pub mask: &'a AttentionMask,
    /// What scores are multiplied by.
    pub scale: f64,
    /// How many of the probabilities are dropped.
    pub dropout: Dropout,
    /// What tells which; without it none are.
    pub dropout_key: Option<&'a DropoutKey>,
    /// Keys and values of earlier positions.
    pub cache: Option<LayerCache<'a>>,
}

impl Attention<'_> {
    /// Mixes `values` by how `queries` match `keys`.
    ///
    /// # Shapes
    /// `[batch, sequence, heads, head_dim]` each, `keys` and `values` with a divisor of the heads →
    /// `[batch, sequence, heads, head_dim]`
    ///
    /// # Errors
    /// When the three are not placed alike, are split over the sequence, or do not fit the cache.
    pub fn forward(self, queries: &DTensor, keys: &DTensor, values: &DTensor) -> Result<DTensor> {
        queries.join_apart(keys, "attention")?;
        keys.join(values, "attention")?;
        queries.refuse_sequence("attention")?;
        let readers = readers(queries, keys)?;
        let mixed = self
            .mix(queries, keys, values, &readers)
            .map_err(|error| TensorError::attach(queries.producer(), queries.group(), error))?;
        queries.map("attention", queries.shape(), |_| Ok(mixed))
    }

    /// What this rank's queries mix, each key-value head for as many of them as `readers` says.
    fn mix(
        self,
        queries: &DTensor,
        keys: &DTensor,
        values: &DTensor,
        readers: &[i64],
    ) -> Result<Tensor> {
        // 1. heads before positions
        let heads_first =
            |tensor: &DTensor| -> Result<Tensor> { Ok(tensor.local()?.f_transpose(1, 2)?) };
        let q = heads_first(queries)?;
        let (mut k, mut v) = (heads_first(keys)?, heads_first(values)?);
        // 2. keys and values of earlier positions
        let new = q.size()[2];
        let mut past = 0;
        if let Some(cache) = self.cache {
            past = cache.past();
            (k, v) = cache.append(&k, &v)?;
        }
        if readers.is_empty() {
            return without_heads(&q, &k, &v);
        }
        // 3. attend
        let (mask, causal) = match self.mask {
            AttentionMask::Full => (None, false),
            AttentionMask::Additive(mask) => (Some(mask.shallow_clone()), false),
            AttentionMask::Causal if new == 1 || past == 0 => (None, new > 1),
            AttentionMask::Causal => {
                let all = Tensor::f_ones([new, past + new], (Kind::Bool, q.device()))?;
                (Some(all.f_tril(past)?), false)
            }
        };
        let scale = self.scale;
        let mixed = match self.dropout.key(self.dropout_key) {
            // libtorch's own dropout draws from a generator.
            Some(key) => {
                let (rows, heads) = (queries.range(0), queries.range(2));
                let indices = [rows, heads, past..past + new, 0..past + new];
                let (site, device) = (queries.producer(), q.device());
                let dropped = key.dropped_probabilities(self.dropout, site, indices, device)?;
                let drop = |probabilities: &Tensor| self.dropout.drop(probabilities, &dropped);
                let (k, v) = (for_each_query(&k, readers)?, for_each_query(&v, readers)?);
                explicit::attend([&q, &k, &v], mask, causal, scale, drop)?
            }
            None => in_groups([&q, &k, &v], readers, |[q, k, v], is_grouped| {
                // One token's queries of a key-value head are rows beside each other: no key is copied for them.
                let rows = is_grouped && new == 1;
                let shape = q.size();
                let q = match rows {
                    true => q.f_reshape([shape[0], k.size()[1], -1, shape[3]])?,
                    false => q.shallow_clone(),
                };
                Tensor::f_scaled_dot_product_attention(
                    &q,
                    k,
                    v,
                    mask.as_ref(),
                    0.0,
                    causal,
                    scale,
                    is_grouped && !rows,
                )?
                .f_reshape(shape)
            })?,
        };
        // 4. positions before heads
        Ok(mixed.f_transpose(1, 2)?)
    }
}

/// What a rank without heads gives: nothing, with a backward that reaches all three, since the gradients
/// before them are summed over all ranks.
fn without_heads(q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Tensor> {
    let new = q.size()[2];
    let own = |tensor: &Tensor| tensor.f_narrow(2, tensor.size()[2] - new, new);
    let nothing = q.f_add(&own(k)?)?.f_add(&own(v)?)?;
    Ok(nothing.f_transpose(1, 2)?)
}
