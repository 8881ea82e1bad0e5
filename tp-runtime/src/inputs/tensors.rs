//! What a model is given, and whether it can take it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use tch::{Device, Kind, TchError, Tensor};

use super::Input;
use super::input::Extents;
use crate::comm::upload;
use crate::dropout::DropoutKey;
use crate::error::InputError;

/// What a model is given, under transformers' names; the same on every rank.
#[derive(Debug)]
pub struct Inputs {
    /// Token ids, `[batch, sequence]`.
    pub input_ids: Tensor,
    /// Ones for tokens and zeros for padding, `[batch, past + sequence]`.
    pub attention_mask: Option<Tensor>,
    /// Where each token stands in its text, `[batch, sequence]`. Without an `attention_mask` several texts may stand in
    /// a row one after another, each from a position that does not follow the one before, and none sees the others.
    pub position_ids: Option<Tensor>,
    /// Ones for tokens of an image, which see one another, `[batch, sequence]`.
    pub token_type_ids: Option<Tensor>,
    /// Images, `[images, channels, height, width]`.
    pub pixel_values: Option<Tensor>,
    /// The height and width of each image within its padding, in pixels, `[images, 2]`.
    pub image_sizes: Option<Tensor>,
    /// What else a model takes, by name.
    pub further: BTreeMap<String, Tensor>,
    /// Compute logits for the last positions only.
    pub logits_to_keep: Option<i64>,
    /// Keep the inputs of layers only, and run them again in the backward.
    pub recompute: bool,
    /// What dropout goes by; training forwards alone have it, and without it nothing is dropped.
    pub dropout_key: Option<DropoutKey>,
}

/// What a model takes.
pub(crate) struct Accepted {
    /// The model's type.
    pub(crate) name: &'static str,
    /// How many tokens it knows.
    pub(crate) vocabulary_size: i64,
    /// What it takes besides token ids.
    pub(crate) takes: &'static [Input],
}

impl Inputs {
    /// A batch of tokens without padding.
    pub fn new(input_ids: Tensor) -> Self {
        Self {
            input_ids,
            attention_mask: None,
            position_ids: None,
            token_type_ids: None,
            pixel_values: None,
            image_sizes: None,
            further: BTreeMap::new(),
            logits_to_keep: None,
            recompute: false,
            dropout_key: None,
        }
    }

    /// The same with another tensor, under its name.
    #[must_use]
    pub fn with(mut self, name: &str, tensor: Tensor) -> Self {
        let field = match name {
            "attention_mask" => &mut self.attention_mask,
            "position_ids" => &mut self.position_ids,
            "token_type_ids" => &mut self.token_type_ids,
            "pixel_values" => &mut self.pixel_values,
            "image_sizes" => &mut self.image_sizes,
            _ => {
                self.further.insert(name.to_owned(), tensor);
                return self;
            }
        };
        *field = Some(tensor);
        self
    }

    /// The same tensors, not copied.
    pub fn shallow_clone(&self) -> Self {
        let same = |tensor: &Tensor| Ok::<_, Infallible>(tensor.shallow_clone());
        match self.each(same) {
            Ok(inputs) => inputs,
            Err(never) => match never {},
        }
    }

    /// The same on another device; see [`upload`].
    ///
    /// # Errors
    /// When libtorch refuses a copy, such as for want of memory.
    pub fn to_device(&self, device: Device) -> Result<Self, TchError> {
        self.each(|tensor| upload(tensor, device))
    }

    fn each<E>(&self, place: impl Fn(&Tensor) -> Result<Tensor, E>) -> Result<Self, E> {
        let placed = |tensor: &Option<Tensor>| tensor.as_ref().map(&place).transpose();
        let further = self.further.iter();
        let further = further.map(|(name, tensor)| Ok((name.clone(), place(tensor)?)));
        Ok(Self {
            input_ids: place(&self.input_ids)?,
            attention_mask: placed(&self.attention_mask)?,
            position_ids: placed(&self.position_ids)?,
            token_type_ids: placed(&self.token_type_ids)?,
            pixel_values: placed(&self.pixel_values)?,
            image_sizes: placed(&self.image_sizes)?,
            further: further.collect::<Result<_, _>>()?,
            logits_to_keep: self.logits_to_keep,
            recompute: self.recompute,
            dropout_key: self.dropout_key.clone(),
        })
    }

    /// Whether there is nothing beside `input_ids`.
    pub(crate) fn is_bare(&self) -> bool {
        self.given().next().is_none()
    }

    /// What is given beside `input_ids`, by name.
    fn given(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let known = [
            ("attention_mask", &self.attention_mask),
            ("position_ids", &self.position_ids),
            ("token_type_ids", &self.token_type_ids),
            ("pixel_values", &self.pixel_values),
            ("image_sizes", &self.image_sizes),
        ]
        .into_iter()
        .filter_map(|(name, tensor)| Some((name, tensor.as_ref()?)));
        let further = self.further.iter();
        known.chain(further.map(|(name, tensor)| (name.as_str(), tensor)))
    }

    /// Whether a model on `device`, which has seen `past` positions, can take them.
    ///
    /// # Errors
    /// When it cannot. Ids on a GPU are not read, which would make every forward wait for the device.
    pub(crate) fn check(
        &self,
        model: &Accepted,
        device: Device,
        past: i64,
    ) -> Result<(), InputError> {
        check_ids("input_ids", &self.input_ids, model.vocabulary_size, device)?;
        let (batch, sequence) = (self.input_ids.size()[0], self.input_ids.size()[1]);
        let extents = Extents {
            batch,
            sequence,
            past,
        };
        let takes = model.takes;
        for (name, tensor) in self.given() {
            let Some(input) = takes.iter().find(|input| input.name == name) else {
                return Err(InputError::NotTaken {
                    name: name.to_owned(),
                    model: model.name,
                    takes: takes.iter().map(|input| input.name).collect(),
                });
            };
            on_device(input.name, tensor, device)?;
            let found = tensor.size();
            if !extents.fit(input, &found) {
                return Err(InputError::Shape {
                    name: input.name,
                    found,
                    wanted: extents.wanted(input),
                });
            }
        }
        if self.position_ids.is_some() && self.attention_mask.is_none() && past > 0 {
            return Err(InputError::PackedAfter { past });
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
