//! The drift guard: silent while ranks hold the same, and precise where one does not.

use tch::{Kind, Tensor, no_grad};
use tp_runtime::comm::{Launch, launch};
use tp_runtime::model::Inputs;
use tp_runtime::module::Param;
use tp_runtime::optim::{AdamW, AdamWOptions, clip_gradients};
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::testing::{Setting, on_ranks, settings};
use tp_runtime::{Mode, Result};
use tp_tests::fixture;
use tp_tests::plans::MLP;

fn on(degree: usize, body: impl Fn(&ParallelModel) -> Result<()> + Sync) {
    for setting in settings(&[degree]) {
        on_ranks(&fixture("llama_gqa").dir, setting, Kind::Float, &body);
    }
}

fn backward(model: &ParallelModel) -> Result<()> {
    let ids = Tensor::arange(14, (Kind::Int64, tch::Device::Cpu)).view([2, 7]);
    let loss = model.loss(&Inputs::new(ids.shallow_clone()), &ids)?;
    Ok(loss.f_backward()?)
}

fn param(model: &ParallelModel, name: &str) -> Param {
    let parameters = model.parameters();
    let named = parameters.iter().find(|named| named.name == name);
    named.expect("the model has it").param.clone()
}

/// Changes the least bit of one element on one rank.
fn nudge(model: &ParallelModel, rank: usize, tensor: &Tensor) {
    if model.group().rank() == rank {
        no_grad(|| {
            let mut element = tensor.flatten(0, -1).view([-1]).narrow(0, 3, 1);
            let upwards = Tensor::full_like(&element, f64::INFINITY);
            element.copy_(&element.nextafter(&upwards));
        });
    }
}

fn drift(model: &ParallelModel, part: &str) {
    match model.check_replicas() {
        Ok(()) => panic!("no drift is found, and should be: {part}"),
        Err(error) => assert!(
            error.to_string().contains(part),
            "{part} is not in: {error}"
        ),
    }
}

fn train(model: &ParallelModel) -> Result<()> {
    let params = model.parameters();
    let of_params = params.iter().map(|named| named.param);
    let mut optimizer = AdamW::new(of_params, AdamWOptions::default())?;
    for _ in 0..3 {
        backward(model)?;
        clip_gradients(&params, 0.1, model.group())?;
        model.check_replicas()?;
        optimizer.step()?;
        model.check_replicas()?;
        optimizer.zero_grad();
    }
    Ok(())
}

#[test]
fn training_keeps_replicas_together() {
    for degree in [1, 2, 3, 4, 8] {
        on(degree, train);
    }
}

#[test]
fn so_it_does_over_gloo_and_in_bf16() {
    let setting = Setting {
        degree: 8,
        mode: Mode::SequenceParallel,
        backend: "gloo",
        plan: None,
    };
    for kind in [Kind::Float, Kind::BFloat16] {
        on_ranks(&fixture("llama_gqa").dir, setting, kind, train);
    }
}

#[test]
fn a_value_that_drifts_is_named_with_its_ranks() {
    on(4, |model| {
        nudge(model, 2, &param(model, "model.norm.weight").local());
        drift(
            model,
            "`model.norm.weight` has drifted apart: its value on tp rank 2 is not what tp rank 0 holds",
        );
        Ok(())
    });
}

#[test]
fn so_is_one_element_far_into_a_large_parameter() -> Result<()> {
    let config = serde_json::json!({
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 140_000,
        "hidden_size": 8,
        "intermediate_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    });
    Ok(launch(&Launch::new(2), |rank| {
        let mesh = rank.mesh(&[("tp", 2)])?;
        let options = ParallelOptions {
            plan: Some(&MLP),
            ..ParallelOptions::default()
        };
        let model = ParallelModel::initialize(&config, Vec::new(), 0, &mesh, options)?;
        model.check_replicas()?;
        let last = param(&model, "lm_head.weight").local().select(0, -1);
        nudge(&model, 1, &last);
        drift(&model, "`lm_head.weight` has drifted apart");
        Ok::<_, tp_runtime::Error>(())
    })?)
}

#[test]
fn so_is_a_gradient() {
    on(2, |model| {
        backward(model)?;
        model.check_replicas()?;
        let name = "model.layers.1.input_layernorm.weight";
        nudge(model, 0, &param(model, name).local().grad());
        drift(
            model,
            &format!("`{name}` has drifted apart: its gradient on tp rank 1"),
        );
        Ok(())
    });
}

#[test]
fn a_shared_head_is_compared_by_the_ranks_that_hold_it() {
    on(8, |model| {
        let name = "model.layers.0.self_attn.k_proj.weight";
        nudge(model, 5, &param(model, name).local());
        drift(
            model,
            &format!(
                "`{name}` has drifted apart: its value on tp rank 5 is not what tp rank 4 holds"
            ),
        );
        Ok(())
    });
}

#[test]
fn a_shard_is_its_ranks_own() {
    on(2, |model| {
        nudge(model, 1, &param(model, "lm_head.weight").local());
        model.check_replicas()
    });
}
