//! Layers that are run again in the backward: no gradient is lost, and the second run sends less.

use tch::{Kind, Tensor};
use tp_runtime::comm::{Launch, launch};
use tp_runtime::model::Inputs;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Tolerance, assert_close};
use tp_runtime::{Mode, Result};
use tp_tests::fixture;

fn ids() -> Tensor {
    (Tensor::arange(16, (Kind::Int64, tch::Device::Cpu)) * 5).view([2, 8])
}

fn inputs(recompute: bool) -> Inputs {
    let mut inputs = Inputs::new(ids());
    inputs.recompute = recompute;
    inputs
}

/// Every gradient, with the layers recomputed or not; parameters whose name contains `frozen` have none.
fn gradients(
    model: &ParallelModel,
    recompute: bool,
    frozen: &str,
) -> Result<Vec<(String, Tensor)>> {
    let parameters = model.parameters();
    for named in &parameters {
        let mut local = named.param.local();
        local.zero_grad();
        let _ = local.f_requires_grad_(!named.name.contains(frozen))?;
    }
    model.loss(&inputs(recompute), &ids())?.f_backward()?;
    let gradients = parameters
        .iter()
        .map(|named| Ok((named.name.clone(), model.gradient(named)?.copy())));
    gradients.collect()
}

/// The first layer's input has no gradient where the embedding is frozen; its weights still have theirs.
#[test]
fn a_frozen_embedding_costs_no_layer_its_gradients() {
    for name in ["llama_gqa", "gemma3_text", "phi2"] {
        let loss = launch(&Launch::new(1), |rank| -> Result<f64> {
            let model = ParallelModel::from_pretrained(fixture(name).dir)
                .load(&rank.mesh(&[("tp", 1)])?)?;
            let mut sum = 0.0;
            let kept = gradients(&model, false, "embed_tokens")?;
            for ((name, found), (_, wanted)) in
                gradients(&model, true, "embed_tokens")?.iter().zip(&kept)
            {
                assert_close(name, found, wanted, Tolerance::F32);
                sum += found.abs().sum(Kind::Double).double_value(&[]);
            }
            Ok(sum)
        });
        assert!(loss.unwrap() > 0.0);
    }
}

/// A backward runs each layer again without the collective that would complete its last branch, where
/// nothing but the residual stream reads that: in Llama; not in Gemma 3, where a norm does.
#[test]
fn the_second_run_leaves_out_what_nobody_reads() {
    let calls = |name: &'static str, mode, recompute| {
        let calls = launch(&Launch::new(2), |rank| -> Result<u64> {
            let mesh = rank.mesh(&[("tp", 2)])?;
            let model = ParallelModel::from_pretrained(fixture(name).dir)
                .mode(mode)
                .load(&mesh)?;
            model.group().reset_counts();
            model.loss(&inputs(recompute), &ids())?.f_backward()?;
            let counts = model.group().counts();
            Ok(counts.all_reduce.calls + counts.all_gather.calls + counts.reduce_scatter.calls)
        });
        calls.unwrap()
    };
    for (name, layers, of_a_second_run) in [("llama_gqa", 2, [1, 3]), ("gemma3_text", 3, [2, 4])] {
        for (mode, extra) in [Mode::TensorParallel, Mode::SequenceParallel]
            .into_iter()
            .zip(of_a_second_run)
        {
            let (kept, again) = (calls(name, mode, false), calls(name, mode, true));
            assert_eq!(again - kept, layers * extra, "{name} {mode:?}");
        }
    }
}
