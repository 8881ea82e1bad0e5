//! What `explain` says of communication is what a process group counts.

use std::num::NonZeroUsize;

use tch::Kind;
use tp_models::phi3::PHI3_FUSED;
use tp_runtime::comm;
use tp_runtime::config;
use tp_runtime::explain::{self, Count, Dtype, Explanation, Setup};
use tp_runtime::model::{self, Inputs};
use tp_runtime::parallel::ParallelModel;
use tp_runtime::plan::plan_for_architecture;
use tp_runtime::testing::{Setting, on_ranks, settings};
use tp_runtime::{Result, loss};
use tp_tests::fixture;
use tp_tests::plans;

#[test]
fn every_collective_of_a_step_is_explained() {
    for name in ["llama_gqa", "llama_bias", "llama_tied"] {
        for setting in settings(&[1, 2]) {
            check(name, setting, Kind::Float);
        }
    }
    for setting in settings(&[4]) {
        check("llama_bias", setting, Kind::Float);
        check("llama_bias", setting, Kind::BFloat16);
    }
}

#[test]
fn so_is_every_collective_of_the_other_architectures() {
    for name in [
        "qwen2",
        "qwen2_tied",
        "qwen3",
        "gemma3_text",
        "ministral3",
        "phi2",
        "phi2_qk",
        "phi3",
        "gemma3_cond",
        "mistral3_cond",
    ] {
        let config = config::read(&fixture(name).dir.join("config.json"));
        let config = config.expect("the fixture has a config");
        let model = model::model_of(&config).expect("it is of a model");
        let plan = plan_for_architecture(model.architecture()).expect("it has a plan");
        for setting in settings(&[2]) {
            if plan.supports(setting.mode) {
                check(name, setting, Kind::Float);
            }
        }
    }
}

#[test]
fn so_is_every_collective_of_another_plan() {
    for plan in plans::ALL {
        for setting in settings(&[2]) {
            if plan.supports(setting.mode) {
                let plan = Some(plan);
                check("llama_bias", Setting { plan, ..setting }, Kind::Float);
            }
        }
    }
    for setting in settings(&[3, 8]) {
        for name in ["llama_gqa", "qwen2", "qwen3"] {
            check(name, setting, Kind::Float);
        }
        let plan = Some(&PHI3_FUSED);
        check("phi3", Setting { plan, ..setting }, Kind::Float);
    }
}

/// A forward, a loss and a backward of seven tokens, which no degree but one divides.
fn check(name: &str, setting: Setting, kind: Kind) {
    let fixture = fixture(name);
    on_ranks(&fixture.dir, setting, kind, |model| {
        let ids = tch::Tensor::ones([3, 7], (Kind::Int64, model.device()));
        let report = explain(model, setting, kind, ids.size2()?)?;
        let context = format!("{name}, {setting}, {kind:?}");
        let group = model.group();

        // Where heads are uneven, other ranks share others of them.
        let is_explained =
            report.even_degrees.contains(setting.degree) || group.rank() == report.rank;
        let assert_counts = |pass, explained| {
            if is_explained {
                assert_counts(&context, pass, group.counts(), explained);
            }
        };

        group.reset_counts();
        let logits = model.forward(&Inputs::new(ids.shallow_clone()), None)?;
        assert_counts("forward", report.forward_traffic());

        group.reset_counts();
        let loss = loss::cross_entropy(&logits, &loss::next_token_labels(&ids)?)?;
        assert_counts("loss", report.loss_traffic());

        group.reset_counts();
        loss.f_backward()?;
        assert_counts("backward", report.backward_traffic());
        Ok(())
    });
}

fn explain(
    model: &ParallelModel,
    setting: Setting,
    kind: Kind,
    (batch, sequence): (i64, i64),
) -> Result<Explanation> {
    let shapes = model::build(model.config())?;
    let setup = Setup {
        degree: NonZeroUsize::new(setting.degree).expect("no setting has zero ranks"),
        mode: setting.mode,
        batch: batch as u64,
        sequence: sequence as u64,
        dtype: match kind {
            Kind::BFloat16 => Dtype::Bf16,
            _ => Dtype::F32,
        },
    };
    let plan = match setting.plan {
        Some(plan) => plan,
        None => plan_for_architecture(shapes.node().type_name)?,
    };
    explain::explain(plan, &*shapes, setup)
}

fn assert_counts(
    context: &str,
    pass: &str,
    counted: comm::CommCounts,
    explained: explain::Traffic,
) {
    let counted = [
        counted.all_reduce,
        counted.all_gather,
        counted.reduce_scatter,
    ];
    let counted = counted.map(|comm::CommCount { calls, bytes }| Count { calls, bytes });
    let explained = [
        explained.all_reduce,
        explained.all_gather,
        explained.reduce_scatter,
    ];
    assert_eq!(counted, explained, "{pass} of {context}");
}
