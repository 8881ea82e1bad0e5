//! One entry for what is alike but for the indices in its name.

use super::fold::{Folded, Lists};
use super::memory::{LayerReport, ParameterReport, Replicated};
use super::{CollectiveCall, Explanation};
use crate::plan::braces::braces;

/// Layers that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerGroup {
    /// Their paths as one, such as `model.layers.*.mlp.up_proj`.
    pub name: String,
    /// How many they are.
    pub count: usize,
    /// Their style, or why they have none.
    pub style: String,
    /// The parameters of each.
    pub parameters: Vec<ParameterReport>,
}

/// Calls that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallGroup {
    /// The modules that they are made for, as one.
    pub name: String,
    /// How many they are.
    pub count: usize,
    /// Which collective.
    pub collective: String,
    /// What of a module is communicated; in a backward, its gradient.
    pub operand: &'static str,
    /// Bytes of each.
    pub bytes: u64,
}

impl Explanation {
    /// The layers, in the order in which the first of each group stands.
    pub fn layer_groups(&self) -> Vec<LayerGroup> {
        let named = self.layers.iter().map(|layer| {
            let alike = (style(layer), layer.parameters.clone());
            (layer.path.clone(), alike)
        });
        let group = |folded: Folded<(String, Vec<ParameterReport>)>| {
            let (style, parameters) = folded.alike;
            LayerGroup {
                name: folded.name,
                count: folded.count,
                style,
                parameters,
            }
        };
        self.lists().fold(named).into_iter().map(group).collect()
    }

    /// Some of the calls, such as those of the forward.
    pub fn call_groups(&self, calls: &[CollectiveCall]) -> Vec<CallGroup> {
        let named = calls.iter().map(|call| {
            let alike = (call.collective.to_string(), call.operand, call.bytes);
            (braces(&call.modules), alike)
        });
        let group = |folded: Folded<(String, &'static str, u64)>| {
            let (collective, operand, bytes) = folded.alike;
            CallGroup {
                name: folded.name,
                count: folded.count,
                collective,
                operand,
                bytes,
            }
        };
        self.lists().fold(named).into_iter().map(group).collect()
    }

    /// The lists of the model.
    pub(super) fn lists(&self) -> Lists {
        Lists::of(self.layers.iter().map(|layer| layer.path.as_str()))
    }
}

fn style(layer: &LayerReport) -> String {
    match (layer.style, layer.replicated) {
        (Some(style), _) => style.to_string(),
        (None, Some(Replicated::NoRow)) => "replicated (no row)".to_owned(),
        (None, _) => "replicated (`_`)".to_owned(),
    }
}
