//! What each layer's parameters take, whole and on the fullest rank.

use serde::{Serialize, Serializer};

use super::call::display;
use super::view::View;
use crate::module::{NamedLayer, Param, ShardedParam, Sharding};
use crate::plan::{Placement, Resolution, ResolvedLayer, Style};

/// One layer: its style and its parameters.
#[derive(Debug, Serialize)]
pub struct LayerReport {
    /// Where it stands in the model.
    pub path: String,
    /// Its style, in the format of exported plans; `None` for a replicated layer.
    #[serde(serialize_with = "entry")]
    pub style: Option<Style>,
    /// Why it has no style.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicated: Option<Replicated>,
    /// Its parameters, in checkpoint order.
    pub parameters: Vec<ParameterReport>,
}

/// Why a layer or a parameter is whole on every rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Replicated {
    /// No row of the plan names it.
    NoRow,
    /// Its row says `_`.
    Cell,
    /// Its layer's style keeps it whole.
    Style,
}

/// One parameter, whole and on the rank that holds most of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct ParameterReport {
    /// Its last name segment.
    pub name: &'static str,
    /// Its placement.
    #[serde(serialize_with = "display")]
    pub placement: Placement,
    /// Why it is whole on every rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicated: Option<Replicated>,
    /// The whole shape.
    pub shape: Vec<i64>,
    /// The shape on that rank.
    pub rank_shape: Vec<i64>,
    /// Which rank holds what of it.
    #[serde(skip)]
    pub sharding: Sharding,
    /// Whether some rank holds more or less.
    pub uneven: bool,
    /// Bytes of the whole parameter.
    pub bytes: u64,
    /// Bytes on that rank.
    pub rank_bytes: u64,
    /// The first name of a tied parameter, under which its bytes count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tied_to: Option<String>,
}

/// The parameters of the whole model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Bytes of the unsharded model.
    pub bytes: u64,
    /// Bytes on the rank that holds most.
    pub rank_bytes: u64,
    /// Of those, bytes that every other rank holds too.
    pub replicated_bytes: u64,
}

pub(super) fn layers(
    layers: &[NamedLayer<'_>],
    parameters: &[ShardedParam<'_>],
    resolution: &Resolution,
    view: View,
) -> Vec<LayerReport> {
    let pairs = layers.iter().zip(&resolution.layers);
    let report = |(named, resolved): (&NamedLayer<'_>, &ResolvedLayer)| {
        let replicated = match (&resolved.style, &resolved.row) {
            (Some(_), _) => None,
            (None, Some(_)) => Some(Replicated::Cell),
            (None, None) => Some(Replicated::NoRow),
        };
        let of_layer = named.layer.parameters().into_iter();
        let shardings = resolved.parameters.iter().map(|(_, sharding)| sharding);
        let parameters = of_layer.zip(shardings).map(|((name, param), sharding)| {
            let full = named.path.join(name).to_string();
            let first = parameters
                .iter()
                .find(|other| other.param.is_tied_to(param));
            let tied_to = first
                .map(|first| first.name.clone())
                .filter(|first| *first != full);
            let whole = replicated.unwrap_or(Replicated::Style);
            parameter(name, param, sharding, whole, tied_to, view)
        });
        LayerReport {
            path: named.path.to_string(),
            style: resolved.style,
            replicated,
            parameters: parameters.collect(),
        }
    };
    pairs.map(report).collect()
}

fn parameter(
    name: &'static str,
    param: &Param,
    sharding: &Sharding,
    whole: Replicated,
    tied_to: Option<String>,
    view: View,
) -> ParameterReport {
    let dtype = view.setup.dtype;
    let shape = param.shape().to_vec();
    let on = |rank| sharding.local_shape(&shape, rank, view.ranks());
    let rank_shape = on(view.rank);
    let placement = sharding.placement();
    ParameterReport {
        name,
        placement,
        replicated: (placement == Placement::Replicate).then_some(whole),
        uneven: (0..view.ranks()).any(|rank| on(rank) != rank_shape),
        bytes: dtype.tensor_bytes(&shape),
        rank_bytes: dtype.tensor_bytes(&rank_shape),
        shape,
        rank_shape,
        sharding: sharding.clone(),
        tied_to,
    }
}

impl ParameterReport {
    /// Bytes on a rank of so many.
    pub fn bytes_on(&self, rank: usize, ranks: usize) -> u64 {
        let Some((dim, partition)) = self.sharding.split() else {
            return self.bytes;
        };
        match self.shape[dim] as u64 {
            0 => 0,
            length => self.bytes / length * partition.length(rank, ranks) as u64,
        }
    }
}

impl Memory {
    pub(super) fn of(layers: &[LayerReport]) -> Self {
        let own = layers.iter().flat_map(|layer| &layer.parameters);
        let own: Vec<_> = own
            .filter(|parameter| parameter.tied_to.is_none())
            .collect();
        Self {
            bytes: own.iter().map(|parameter| parameter.bytes).sum(),
            rank_bytes: own.iter().map(|parameter| parameter.rank_bytes).sum(),
            replicated_bytes: own
                .iter()
                .filter(|parameter| parameter.replicated.is_some())
                .map(|parameter| parameter.bytes)
                .sum(),
        }
    }
}

fn entry<S: Serializer>(style: &Option<Style>, serializer: S) -> Result<S::Ok, S::Error> {
    style.map(crate::interop::entry).serialize(serializer)
}
