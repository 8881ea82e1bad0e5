//! What a model takes besides token ids.

/// A tensor that a model takes, under its name in transformers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its name.
    pub name: &'static str,
    /// Its dimensions.
    pub shape: &'static [Extent],
}

/// How far a dimension of an input goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// As many as there are rows of `input_ids`.
    Batch,
    /// As many as there are tokens in a row of `input_ids`.
    Sequence,
    /// The same and the positions that the cache holds.
    Context,
    /// So many.
    Exactly(i64),
    /// Any number but zero, of what the text says.
    Any(&'static str),
}

impl Input {
    /// Ones for tokens and zeros for padding.
    pub const ATTENTION_MASK: Self = Self {
        name: "attention_mask",
        shape: &[Extent::Batch, Extent::Context],
    };
    /// Where each token stands in its text; without a mask, another text starts where they do not go on by one.
    pub const POSITION_IDS: Self = Self {
        name: "position_ids",
        shape: &[Extent::Batch, Extent::Sequence],
    };
    /// Ones for tokens of an image, which see one another.
    pub const TOKEN_TYPE_IDS: Self = Self {
        name: "token_type_ids",
        shape: &[Extent::Batch, Extent::Sequence],
    };
    /// Images.
    pub const PIXEL_VALUES: Self = Self {
        name: "pixel_values",
        shape: &[
            Extent::Any("images"),
            Extent::Any("channels"),
            Extent::Any("height"),
            Extent::Any("width"),
        ],
    };
    /// The height and width of each image within its padding, in pixels.
    pub const IMAGE_SIZES: Self = Self {
        name: "image_sizes",
        shape: &[Extent::Any("images"), Extent::Exactly(2)],
    };
}

/// The numbers that the dimensions of one forward's inputs go by.
#[cfg(feature = "torch")]
pub(super) struct Extents {
    pub(super) batch: i64,
    pub(super) sequence: i64,
    /// Positions in the cache.
    pub(super) past: i64,
}

#[cfg(feature = "torch")]
impl Extents {
    /// The number that a dimension has to be, or what it counts where it may be any.
    fn number(&self, extent: Extent) -> Result<i64, &'static str> {
        match extent {
            Extent::Batch => Ok(self.batch),
            Extent::Sequence => Ok(self.sequence),
            Extent::Context => Ok(self.past + self.sequence),
            Extent::Exactly(number) => Ok(number),
            Extent::Any(what) => Err(what),
        }
    }

    /// Whether `found` has the dimensions of `input`.
    pub(super) fn fit(&self, input: &Input, found: &[i64]) -> bool {
        let fits = |(&extent, &length): (&Extent, &i64)| match self.number(extent) {
            Ok(number) => length == number,
            Err(_) => length > 0,
        };
        found.len() == input.shape.len() && input.shape.iter().zip(found).all(fits)
    }

    /// The shape of `input`, in words.
    pub(super) fn wanted(&self, input: &Input) -> String {
        let dimension = |&extent: &Extent| match self.number(extent) {
            Ok(number) => number.to_string(),
            Err(what) => what.to_owned(),
        };
        let dimensions: Vec<String> = input.shape.iter().map(dimension).collect();
        let context = match input.shape.contains(&Extent::Context) {
            true => ", earlier positions included",
            false => "",
        };
        format!("[{}]{context}", dimensions.join(", "))
    }
}
