//! `tp explain` knows a layer that it has never seen.

use std::num::NonZeroUsize;
use std::path::Path;

use fused_mlp::{FusedForCausalLM, MLP};
use tp_runtime::explain::{Dtype, Setup, explain};
use tp_runtime::model;
use tp_runtime::module::Module;
use tp_runtime::{Mode, Result, config};

#[test]
fn its_weight_and_its_collectives_are_explained() -> Result<()> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let model = model::build(&config::read(&dir.join("config.json"))?)?;
    assert_eq!(model.node().type_path, FusedForCausalLM::NODE.type_path);
    let setup = Setup {
        degree: NonZeroUsize::MIN.saturating_add(1),
        mode: Mode::TensorParallel,
        batch: 1,
        sequence: 4,
        dtype: Dtype::F32,
    };
    let explanation = explain(&MLP, &*model, setup)?;
    let layer = explanation.layers.iter();
    let mut layer = layer.filter(|layer| layer.path == "layers.1.gate_up");
    let weight = &layer.next().expect("the layer is there").parameters[0];
    assert_eq!(weight.shape, [2, 15, 12]);
    assert_eq!(
        (&weight.rank_shape[..], weight.uneven),
        (&[2, 8, 12][..], true)
    );
    // The embedding's terms and those of each `down` are summed; so are the gradients of what each
    // `gate_up` and the head read.
    assert_eq!(
        (explanation.forward.len(), explanation.backward.len()),
        (3, 3)
    );
    Ok(())
}
