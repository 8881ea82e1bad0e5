//! What transformers and AutoModel's plans get wrong, or cannot run, on torch 2.11: a test for each.

use tp_models as _;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{Fixture, Tolerance, assert_close, on_ranks, settings};
use tp_runtime::{Mode, Result};
use tp_tests::fixture;

/// Runs a case forward and backward on `degree` ranks in both modes, and compares the loss and the gradients that
/// `wanted` chooses.
fn gradients(name: &str, degree: usize, case: &str, wanted: impl Fn(&str) -> bool + Sync) {
    for setting in settings(&[degree]) {
        on_ranks(&fixture(name).dir, setting, tch::Kind::Float, |model| {
            let fixture = fixture(name);
            backward(model, &fixture, case)?;
            let parameters = model.parameters();
            let chosen: Vec<_> = parameters
                .iter()
                .filter(|named| wanted(&named.name))
                .collect();
            assert!(!chosen.is_empty(), "{name} has no such parameter");
            for named in chosen {
                let name = format!("{case}/grad.{}", named.name);
                let gradient = model.gradient(named)?;
                assert_close(&name, &gradient, &fixture.tensor(&name), Tolerance::F32);
            }
            Ok(())
        });
    }
}

fn backward(model: &ParallelModel, fixture: &Fixture, case: &str) -> Result<()> {
    let labels = fixture.tensor(&format!("{case}/labels"));
    let loss = model.loss(&fixture.inputs(case), &labels)?;
    let name = format!("{case}/loss");
    assert_close(&name, &loss, &fixture.tensor(&name), Tolerance::F32);
    Ok(loss.f_backward()?)
}

/// There, each rank keeps the term of its own heads: 50 to 100 % off, at a loss that agrees.
#[test]
fn norms_of_queries_and_keys_get_the_gradient_of_all_heads() {
    let norm = |name: &str| name.contains(".q_norm.") || name.contains(".k_norm.");
    gradients("qwen3", 2, "even", norm);
    gradients("qwen3", 4, "even", norm);
    gradients("gemma3_text", 2, "even", norm);
}

/// There, chunks of a sequence have to be of one length.
#[test]
fn sequences_no_degree_divides_run_with_sequence_parallelism() {
    let fixtures = [
        "llama_bias",
        "qwen2_tied",
        "qwen3",
        "qwen3_seqcls",
        "gemma3_legacy",
        "gemma3_cond",
        "phi2",
    ];
    for name in fixtures {
        for setting in settings(&[4]) {
            if setting.mode != Mode::SequenceParallel {
                continue;
            }
            on_ranks(&fixture(name).dir, setting, tch::Kind::Float, |model| {
                let fixture = fixture(name);
                // Seven positions: two for each rank, and one for the last.
                assert_eq!(fixture.tensor("odd/input_ids").size(), [1, 7]);
                let logits = model.forward(&fixture.inputs("odd"), None)?.full()?;
                assert_close(name, &logits, &fixture.tensor("odd/logits"), Tolerance::F32);
                backward(model, &fixture, "odd")
            });
        }
    }
}

/// There, parts of unequal width cannot be gathered: 200 features are 67, 67 and 66 on three ranks.
#[test]
fn mlps_no_degree_divides_run_on_uneven_parts() {
    gradients("qwen3_mlp200", 3, "even", |name| name.contains(".mlp."));
    gradients("qwen3_mlp200", 3, "odd", |name| name.contains(".mlp."));
}

/// There, sharding parts the table from the head, and each trains on its own share of the gradient.
#[test]
fn tied_tables_stay_tied() {
    gradients("qwen2_tied", 4, "even", |name| {
        name == "model.embed_tokens.weight"
    });
}
