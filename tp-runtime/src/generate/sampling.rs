//! Choosing the next token from logits that may be sharded over the vocabulary.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tch::{Kind, TchError, Tensor};

use super::{LogitsProcessor, Progress};
use crate::Result;
use crate::comm::upload;
use crate::dtensor::{DTensor, TensorError};
use crate::error::InputError;
use crate::plan::{Placement, chunk};

const SITE: &str = "choosing a token";

/// How a token is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sampling {
    /// The likeliest; the smallest id among equals.
    #[default]
    Greedy,
    /// At random, by probability.
    Random {
        /// One for each row; the same seed draws the same tokens, whatever the degree and the other rows.
        seeds: Vec<u64>,
    },
}

/// A way of choosing with the random state of each row.
pub struct Sampler {
    processors: Vec<LogitsProcessor>,
    /// `None` takes the likeliest.
    random: Option<Vec<ChaCha8Rng>>,
}

impl Sampler {
    /// A sampler at the start of its random sequences, for a `vocabulary` of so many tokens.
    ///
    /// # Errors
    /// When a processor's numbers make no sense.
    pub fn new(
        sampling: Sampling,
        processors: &[LogitsProcessor],
        vocabulary: i64,
    ) -> Result<Self> {
        for processor in processors {
            processor.check(vocabulary)?;
        }
        Ok(Self {
            processors: processors.to_vec(),
            random: match sampling {
                Sampling::Greedy => None,
                Sampling::Random { seeds } => {
                    Some(seeds.into_iter().map(ChaCha8Rng::seed_from_u64).collect())
                }
            },
        })
    }

    /// A token for each row, the same on every rank. Each `progress` is that of as many rows as its `ids` have, one
    /// after another.
    ///
    /// # Shapes
    /// `[batch, 1, vocabulary]` → `[batch]`
    ///
    /// # Errors
    /// When there is another number of seeds than rows, or a collective fails.
    pub fn choose(&mut self, logits: &DTensor, progress: &[Progress<'_>]) -> Result<Tensor> {
        self.token(logits, progress)
            .map_err(|error| TensorError::attach(SITE, logits.group(), error))
    }

    fn token(&mut self, logits: &DTensor, progress: &[Progress<'_>]) -> Result<Tensor> {
        if self.random.is_none() && self.processors.is_empty() {
            return greedy(logits);
        }
        // What a processor does to a token depends on all others.
        let scores = logits.full()?.f_select(1, -1)?.f_to_kind(Kind::Float)?;
        let scores = self.process(&scores, progress)?;
        let chosen = match &mut self.random {
            None => scores.f_argmax(-1, false)?,
            Some(random) => {
                let (seeds, rows) = (random.len(), scores.size()[0] as usize);
                if seeds != rows {
                    return Err(InputError::Seeds { seeds, rows }.into());
                }
                let draws: Vec<f32> = random.iter_mut().map(Rng::random).collect();
                draw(&scores.f_softmax(-1, Kind::Float)?, &draws)?
            }
        };
        // One rank's choice for all: a kernel that rounds otherwise elsewhere changes nothing.
        Ok(logits.group().broadcast(chosen, 0, SITE)?)
    }

    /// What the processors make of the scores, `[batch, vocabulary]`.
    fn process(&self, scores: &Tensor, progress: &[Progress<'_>]) -> Result<Tensor, TchError> {
        let (mut processed, mut first) = (Vec::new(), 0);
        for &progress in progress {
            let rows = progress.ids.size()[0];
            let mut own = scores.f_narrow(0, first, rows)?;
            for processor in &self.processors {
                own = processor.apply(&own, progress)?;
            }
            processed.push(own);
            first += rows;
        }
        Tensor::f_cat(&processed, 0)
    }
}

/// Ranks exchange the best of their own part; every rank then takes the first best of the same list.
fn greedy(logits: &DTensor) -> Result<Tensor> {
    let group = logits.group();
    if logits.placement() != Placement::Shard(2) || group.size() == 1 {
        return Ok(logits.full()?.f_select(1, -1)?.f_argmax(-1, false)?);
    }
    let own = chunk(logits.shape()[2], group.rank(), group.size());
    let local = logits.local()?.f_select(1, -1)?;
    let best = if own.is_empty() {
        let none = [local.size()[0], 2];
        Tensor::f_full(none, f64::NEG_INFINITY, (Kind::Double, local.device()))?
    } else {
        let (score, index) = local.f_max_dim(-1, false)?;
        let id = index.f_add_scalar(own.start)?;
        // f64 holds every f32 score and every id exactly.
        Tensor::f_stack(
            &[score.f_to_kind(Kind::Double)?, id.f_to_kind(Kind::Double)?],
            1,
        )?
    };
    let all = group.all_gather(&best.f_unsqueeze(1)?, 1, group.size() as i64, SITE)?;
    let winner = all.f_select(2, 0)?.f_argmax(1, true)?;
    let ids = all.f_select(2, 1)?.f_gather(1, &winner, false)?;
    Ok(ids.f_squeeze_dim(1)?.f_to_kind(Kind::Int64)?)
}

/// `probabilities` `[batch, vocabulary]`, one draw in `0..1` for each row → `[batch]`
fn draw(probabilities: &Tensor, draws: &[f32]) -> Result<Tensor, TchError> {
    let (sorted, ids) = probabilities.f_sort(-1, true)?;
    // In f64 no draw rounds up to the total, beyond which only tokens of no probability lie.
    let cumulative = sorted.f_cumsum(-1, Kind::Double)?;
    let total = cumulative.f_select(1, -1)?;
    let draws = upload(&Tensor::f_from_slice(draws)?, total.device())?;
    let target = draws.f_mul(&total)?.f_unsqueeze(1)?;
    let position = cumulative
        .f_le_tensor(&target)?
        .f_sum_dim_intlist(1, true, Kind::Int64)?;
    let last = ids.size()[1] - 1;
    ids.f_gather(1, &position.f_clamp(0, last)?, false)?
        .f_squeeze_dim(1)
}
