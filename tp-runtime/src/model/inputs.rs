//! What a model is given, and whether it can take it.

use tch::{Device, Kind, Tensor};

/// What a model is given, under transformers' names; the same on every rank.
#[derive(Debug)]
pub struct Inputs {
    /// Token ids, `[batch, sequence]`.
    pub input_ids: Tensor,
    /// Ones for tokens and zeros for padding, `[batch, past + sequence]`.
    pub attention_mask: Option<Tensor>,
    /// Compute logits for the last positions only.
    pub logits_to_keep: Option<i64>,
}

impl Inputs {
    /// A batch of tokens without padding.
    pub fn new(input_ids: Tensor) -> Self {
        Self {
            input_ids,
            attention_mask: None,
            logits_to_keep: None,
        }
    }

    /// Whether a model of `vocabulary` tokens on `device`, which has seen `past` positions, can take them.
    ///
    /// # Errors
    /// When it cannot. Ids on a GPU are not read, which would make every forward wait for the device.
    pub(crate) fn check(
        &self,
        vocabulary: i64,
        device: Device,
        past: i64,
    ) -> Result<(), InputError> {
        check_ids("input_ids", &self.input_ids, vocabulary, device)?;
        let (batch, sequence) = (self.input_ids.size()[0], self.input_ids.size()[1]);
        if let Some(mask) = &self.attention_mask {
            on_device("attention_mask", mask, device)?;
            let wanted = [batch, past + sequence];
            if mask.size() != wanted {
                return Err(InputError::Mask {
                    found: mask.size(),
                    wanted,
                });
            }
        }
        match self.logits_to_keep {
            Some(asked) if !(1..=sequence).contains(&asked) => {
                Err(InputError::Positions { asked, sequence })
            }
            _ => Ok(()),
        }
    }
}

fn check_ids(
    name: &'static str,
    ids: &Tensor,
    vocabulary: i64,
    device: Device,
) -> Result<(), InputError> {
    let (shape, kind) = (ids.size(), ids.kind());
    if shape.len() != 2 || shape.contains(&0) || kind != Kind::Int64 {
        return Err(InputError::Ids { name, shape, kind });
    }
    on_device(name, ids, device)?;
    check_range(name, ids, vocabulary)
}

/// Whether every id on the CPU is one of the vocabulary.
pub(crate) fn check_range(
    name: &'static str,
    ids: &Tensor,
    vocabulary: i64,
) -> Result<(), InputError> {
    if ids.device() != Device::Cpu || ids.numel() == 0 {
        return Ok(());
    }
    let (least, greatest) = (ids.min().int64_value(&[]), ids.max().int64_value(&[]));
    if 0 <= least && greatest < vocabulary {
        return Ok(());
    }
    Err(InputError::Vocabulary {
        name,
        least,
        greatest,
        last: vocabulary - 1,
    })
}

fn on_device(name: &'static str, tensor: &Tensor, device: Device) -> Result<(), InputError> {
    let found = tensor.device();
    if found == device {
        return Ok(());
    }
    Err(InputError::Device {
        name,
        found,
        device,
    })
}

/// Something that a model, a loss or a sampler cannot take.
#[derive(Debug, thiserror::Error)]
pub enum InputError {
    /// Ids that are no batch.
    #[error(
        "`{name}` is {shape:?} of {kind:?}: give [batch, sequence] of Int64, with a token at least"
    )]
    Ids {
        /// Which input.
        name: &'static str,
        /// Its shape.
        shape: Vec<i64>,
        /// Its kind.
        kind: Kind,
    },

    /// A tensor on another device than the model.
    #[error("`{name}` is on {found:?} and the model on {device:?}: move it there")]
    Device {
        /// Which input.
        name: &'static str,
        /// Where it is.
        found: Device,
        /// Where the model is.
        device: Device,
    },

    /// An id that no rank has a row for.
    #[error("`{name}` holds ids from {least} to {greatest}, and the vocabulary has 0 to {last}")]
    Vocabulary {
        /// Which input.
        name: &'static str,
        /// The least id.
        least: i64,
        /// The greatest id.
        greatest: i64,
        /// The last one of the vocabulary.
        last: i64,
    },

    /// A mask of another shape than the positions it is for.
    #[error("`attention_mask` is {found:?}: give {wanted:?}, earlier positions included")]
    Mask {
        /// Its shape.
        found: Vec<i64>,
        /// The batch, and how many positions there are by now.
        wanted: [i64; 2],
    },

    /// More logits, or fewer, than there are positions.
    #[error("`logits_to_keep` is {asked}: give 1 to {sequence}, the length of the sequence")]
    Positions {
        /// How many were asked for.
        asked: i64,
        /// How many there are.
        sequence: i64,
    },

    /// Labels that do not belong to the logits.
    #[error("`labels` is {found:?}, and a label belongs to each position of {wanted:?}")]
    Labels {
        /// Their shape.
        found: Vec<i64>,
        /// The shape they should have.
        wanted: Vec<i64>,
    },

    /// A cache that is full.
    #[error("a cache for {capacity} positions is asked to hold {positions}: make it larger")]
    CacheFull {
        /// How many it was made for.
        capacity: i64,
        /// How many there would be.
        positions: i64,
    },

    /// A cache that was filled by another batch.
    #[error("a cache of keys {found:?} goes on with {given:?}: make a new one for another batch")]
    CacheShape {
        /// What it holds: batch, heads, positions it is made for, features.
        found: Vec<i64>,
        /// What it is given.
        given: Vec<i64>,
    },

    /// A cache in a forward that is to have a backward.
    #[error("a cache keeps no gradients: run the forward under `no_grad`, or without the cache")]
    CacheRecorded,

    /// Settings that leave no token to choose.
    #[error(
        "temperature {temperature} and top_p {top_p}: the first must be above 0, the second above 0 \
         and at most 1"
    )]
    Sampling {
        /// What logits are divided by.
        temperature: f64,
        /// The probability to be reached.
        top_p: f64,
    },
}
