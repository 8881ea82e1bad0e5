//! A model that takes a tensor no other model takes.

use serde_json::{Value, json};
use tch::{Kind, Tensor};
use tp_runtime::comm::{Launch, launch};
use tp_runtime::dtensor::DTensor;
use tp_runtime::mesh::DeviceMesh;
use tp_runtime::model::{Extent, FromConfig, Input, Inputs, Model};
use tp_runtime::nn::{Embedding, KvCache, Linear, LinearShape};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::{Module, Result, register_model, tp_plan};

/// Tokens and places as vectors, added.
#[derive(Module)]
#[flow(tokens -> head)]
struct Placed {
    tokens: Embedding,
    places: Embedding,
    head: Linear,
}

impl FromConfig for Placed {
    fn from_config(_: &Value) -> Result<Self> {
        Ok(Self {
            tokens: Embedding::new(16, 8, None),
            places: Embedding::new(4, 8, None),
            head: Linear::new(LinearShape::new(8, 16)),
        })
    }
}

impl Model for Placed {
    fn vocabulary_size(&self) -> i64 {
        16
    }

    fn takes(&self) -> &'static [Input] {
        &[Input {
            name: "place_ids",
            shape: &[Extent::Batch, Extent::Sequence],
        }]
    }

    fn forward(&self, inputs: &Inputs, _: Option<&mut KvCache>) -> Result<DTensor> {
        let x = self.tokens.forward(&inputs.input_ids)?;
        let x = match inputs.further.get("place_ids") {
            Some(places) => x.add(&self.places.forward(places)?)?,
            None => x,
        };
        self.head.forward(&x)
    }
}

register_model!(Placed);

tp_plan! {
    /// The vocabulary split.
    PLACED for Placed;
    "{tokens,places}" => _,
    "head"            => Colwise,
}

#[test]
fn an_input_of_ones_own_is_checked_and_given() -> Result<()> {
    launch(&Launch::new(2), |rank| -> Result<()> {
        let mesh = DeviceMesh::new(rank.world.clone(), &[("tp", rank.world_size())])?;
        let config = json!({ "architectures": ["Placed"] });
        let options = ParallelOptions::default();
        let model = ParallelModel::initialize(&config, Vec::new(), 0, &mesh, options)?;
        let inputs = || Inputs::new(Tensor::from_slice(&[1_i64, 2, 3]).unsqueeze(0));
        let logits = |inputs: &Inputs| model.forward(inputs, None)?.full();
        let places = Tensor::from_slice(&[0_i64, 1, 2]).unsqueeze(0);
        let placed = logits(&inputs().with("place_ids", places))?;
        assert!(!placed.allclose(&logits(&inputs())?, 1e-6, 1e-6, false));

        let refused = |name: &str, tensor| {
            let refused = logits(&inputs().with(name, tensor)).err();
            refused.map(|error| error.to_string()).unwrap_or_default()
        };
        let flat = Tensor::zeros([3], (Kind::Int64, tch::Device::Cpu));
        let error = refused("place_ids", flat.shallow_clone());
        assert!(error.contains("`place_ids` is [3]: give [1, 3]"), "{error}");
        let error = refused("positions", flat);
        assert!(
            error.contains("takes no `positions`: it takes `input_ids` and `place_ids`"),
            "{error}"
        );
        Ok(())
    })?;
    Ok(())
}
