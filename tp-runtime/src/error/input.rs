//! Faults of what a model is given, worded in one place.

use tch::{Device, Kind};

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
    #[error("`{name}` holds ids from {least} to {greatest}, and the model knows 0 to {last}")]
    Vocabulary {
        /// Which input.
        name: &'static str,
        /// The least id.
        least: i64,
        /// The greatest id.
        greatest: i64,
        /// The last one there is.
        last: i64,
    },

    /// An input that means nothing to the model.
    #[error("`{model}` takes no `{name}`: {}", Takes(takes))]
    NotTaken {
        /// Which input.
        name: String,
        /// The model's type.
        model: &'static str,
        /// What it takes beside `input_ids`.
        takes: Vec<&'static str>,
    },

    /// Texts one after another in a row of which a cache holds the beginning.
    #[error(
        "`position_ids` without an `attention_mask` say where texts start in a row, and the cache has {past} positions \
         of one text in each: give the mask, too, or leave them out"
    )]
    PackedAfter {
        /// How many positions the cache holds.
        past: i64,
    },

    /// An input of another shape than the model reads.
    #[error("`{name}` is {found:?}: give {wanted}")]
    Shape {
        /// Which input.
        name: &'static str,
        /// Its shape.
        found: Vec<i64>,
        /// What would fit.
        wanted: String,
    },

    /// Images that do not fill the places the ids leave for them.
    #[error(
        "`input_ids` leave room for {places} positions of images (token {token}), and `pixel_values` \
         fill {given}: repeat the token once for each position of each image"
    )]
    ImagePositions {
        /// The id that stands for one position of an image.
        token: i64,
        /// How many there are.
        places: i64,
        /// How many positions the images take.
        given: i64,
    },

    /// Images of a size that cannot be cut into patches.
    #[error("`{name}` holds an image of {height} x {width} pixels: {wanted}")]
    ImageSize {
        /// Which input.
        name: &'static str,
        /// Its height.
        height: i64,
        /// Its width.
        width: i64,
        /// What would do.
        wanted: String,
    },

    /// Texts of which no one can tell where they end.
    #[error(
        "a batch of {batch} texts needs a padding token to tell where each ends: set `pad_token_id` in config.json, \
         or give one text at a time"
    )]
    NoPaddingToken {
        /// How many there are.
        batch: i64,
    },

    /// A prompt to be continued whose padding stands in the way, or that is nothing else.
    #[error(
        "row {row} of the prompts cannot be continued: its `attention_mask` has to be zeros for padding on the left, \
         then a one for each token"
    )]
    PaddedPrompt {
        /// Which row.
        row: usize,
    },

    /// Prompts whose rows would need rotary frequencies of their own.
    #[error(
        "prompts from {shortest} tokens that grow to {limit} positions cannot share a batch: rotary frequencies \
         change between these lengths; give prompts of one length, or one at a time"
    )]
    PaddedBeyond {
        /// How many tokens the shortest prompt has.
        shortest: i64,
        /// How many positions there may be.
        limit: i64,
    },

    /// Positions of a prompt to be continued.
    #[error(
        "`position_ids` of a prompt to be continued are counted from its `attention_mask`: leave them out"
    )]
    PromptPositions,

    /// Another number of seeds than of texts.
    #[error("{seeds} seeds are given for {rows} texts: give one for each row of the batch")]
    Seeds {
        /// How many seeds there are.
        seeds: usize,
        /// How many rows.
        rows: usize,
    },

    /// A cache that was filled under the frequencies of a shorter text.
    #[error(
        "a cache of {past} positions cannot go on to {length}, where rotary frequencies are others: \
         give all tokens again, with a new cache"
    )]
    CacheOutlived {
        /// How many positions the cache holds.
        past: i64,
        /// How long the text becomes.
        length: i64,
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

    /// A cache that was filled by another batch or another model.
    #[error(
        "a cache of keys {found:?} goes on with {given:?}: make a new one for another batch or model"
    )]
    CacheShape {
        /// What it holds: batch, heads, positions it has room for, features.
        found: Vec<i64>,
        /// What it is given.
        given: Vec<i64>,
    },

    /// A cache in a forward that is to have a backward.
    #[error("a cache keeps no gradients: run the forward under `no_grad`, or without the cache")]
    CacheRecorded,

    /// A cache without a position that is to be made static.
    #[error("a cache becomes static after a forward has written to it: run the prompt first")]
    CacheEmpty,

    /// More than a token for a cache that takes one after another.
    #[error(
        "a static cache takes one token at a time, without padding and images: this forward has {given}; make the cache grow again first"
    )]
    CacheStatic {
        /// What it is.
        given: String,
    },

    /// A setting of generation that is out of its range.
    #[error("`{name}` is {found}: give {expected}")]
    Setting {
        /// Its name in transformers.
        name: &'static str,
        /// What it is.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },

    /// A setting of generation about a token that the model does not have.
    #[error("`{name}` has the token {token}, and the vocabulary has {vocabulary} tokens")]
    SettingToken {
        /// Its name in transformers.
        name: &'static str,
        /// The token.
        token: i64,
        /// How many tokens there are.
        vocabulary: i64,
    },
}

/// What a model takes, in a sentence.
struct Takes<'a>(&'a [&'static str]);

impl std::fmt::Display for Takes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it takes `input_ids`")?;
        let (last, others) = match self.0.split_last() {
            Some((last, others)) => (last, others),
            None => return f.write_str(" only"),
        };
        others.iter().try_for_each(|name| write!(f, ", `{name}`"))?;
        write!(f, " and `{last}`")
    }
}
