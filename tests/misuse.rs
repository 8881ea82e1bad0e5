//! What a model cannot take is an error on every rank, before anything hangs or panics.

use std::ops::ControlFlow;

use tch::{Kind, Tensor, no_grad};
use tp_models::LlamaForCausalLM;
use tp_runtime::checkpoint::Checkpoint;
use tp_runtime::generate::{GenerateOptions, LogitsProcessor, generate};
use tp_runtime::mesh::DeviceMesh;
use tp_runtime::model::{self, Inputs};
use tp_runtime::nn::KvCache;
use tp_runtime::parallel::{ParallelModel, ParallelOptions};
use tp_runtime::testing::{Setting, on_ranks, settings};
use tp_runtime::{Mode, Result, loss, tp_plan};
use tp_tests::fixture;

tp_plan! {
    /// Attention on a share of the sequence, which no layer can run.
    SPLIT_ATTENTION for LlamaForCausalLM as "split attention";
    "model.embed_tokens"                    => _       | VocabParallelEmbedding(output: Shard(1)),
    "model.layers"                          => _,
    "model.norm"                            => _       | SequenceParallel,
    "lm_head"                               => Colwise,
}

fn on(degrees: &[usize], body: impl Fn(&ParallelModel) -> Result<()> + Sync) {
    for setting in settings(degrees) {
        on_ranks(&fixture("llama_gqa").dir, setting, Kind::Float, &body);
    }
}

fn ids(shape: [i64; 2]) -> Tensor {
    Tensor::ones(shape, (Kind::Int64, tch::Device::Cpu))
}

fn refused<T>(outcome: Result<T>, part: &str) {
    match outcome {
        Ok(_) => panic!("went well, and should say: {part}"),
        Err(error) => assert!(
            error.to_string().contains(part),
            "{part} is not in: {error}"
        ),
    }
}

#[test]
fn inputs_that_are_no_batch() {
    on(&[1, 2], |model| {
        let forward = |ids: Tensor| model.forward(&Inputs::new(ids), None);
        refused(forward(ids([0, 3])), "`input_ids` is [0, 3]");
        refused(forward(ids([2, 0])), "[batch, sequence]");
        refused(forward(ids([2, 3]).flatten(0, 1)), "[6]");
        refused(forward(ids([2, 3]).to_kind(Kind::Float)), "Float");
        let last = model.vocabulary_size() - 1;
        let message = format!("0 to {last}");
        refused(forward(ids([2, 3]) * (last + 1)), &message);
        refused(forward(ids([2, 3]) * -1), &message);
        Ok(())
    });
}

#[test]
fn masks_positions_and_labels_of_another_length() {
    on(&[1, 2], |model| {
        let masked = Inputs {
            attention_mask: Some(ids([2, 4])),
            ..Inputs::new(ids([2, 3]))
        };
        refused(
            model.forward(&masked, None),
            "`attention_mask` is [2, 4]: give [2, 3]",
        );
        for asked in [0, 4] {
            let inputs = Inputs {
                logits_to_keep: Some(asked),
                ..Inputs::new(ids([2, 3]))
            };
            refused(model.forward(&inputs, None), "give 1 to 3");
        }
        let inputs = Inputs::new(ids([2, 3]));
        refused(model.loss(&inputs, &ids([2, 4])), "`labels` is [2, 4]");
        let unknown = ids([2, 3]) * model.vocabulary_size();
        refused(model.loss(&inputs, &unknown), "`labels` holds ids");
        let logits = model.forward(&inputs, None)?;
        refused(
            loss::cross_entropy(&logits, &ids([3, 2])),
            "`labels` is [3, 2]",
        );
        Ok(())
    });
}

#[test]
fn caches_that_do_not_fit() {
    on(&[1, 2], |model| {
        let mut cache = KvCache::new(4);
        let batch = |shape| Inputs::new(ids(shape));
        refused(model.forward(&batch([2, 3]), Some(&mut cache)), "`no_grad`");
        no_grad(|| {
            model.forward(&batch([2, 3]), Some(&mut cache))?;
            refused(
                model.forward(&batch([2, 2]), Some(&mut cache)),
                "asked to hold 5",
            );
            refused(
                model.forward(&batch([1, 1]), Some(&mut cache)),
                "another batch",
            );
            model.forward(&batch([2, 1]), Some(&mut cache)).map(|_| ())
        })
    });
}

#[test]
fn a_cache_of_another_model_s_heads() {
    on(&[1, 2], |model| {
        let mesh = DeviceMesh::new(model.group().clone(), &[("tp", model.group().size())])?;
        let other = Checkpoint::open(&fixture("llama_tied").dir)?;
        let (other, _) = ParallelModel::load(&other, &mesh, ParallelOptions::default())?;
        let batch = || Inputs::new(ids([1, 2]));
        no_grad(|| {
            let mut cache = KvCache::new(8);
            model.forward(&batch(), Some(&mut cache))?;
            refused(
                other.forward(&batch(), Some(&mut cache)),
                "another batch or model",
            );
            Ok(())
        })
    });
}

#[test]
fn a_limit_beyond_all_memory_is_only_a_limit() {
    let told = |model: &ParallelModel, max_new_tokens| {
        let options = GenerateOptions::greedy(max_new_tokens);
        let mut left = 40;
        generate(model, &Inputs::new(ids([2, 3])), &options, |_| {
            left -= 1;
            match left {
                0 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        })
    };
    on(&[1, 2], |model| {
        let tokens = told(model, 40)?;
        assert_eq!(tokens.size(), [2, 43]);
        assert_eq!(told(model, 1_000_000_000)?, tokens);
        assert_eq!(told(model, i64::MAX)?, tokens);
        Ok(())
    });
}

#[test]
fn prompts_and_sampling_that_make_no_sense() {
    on(&[1, 2], |model| {
        let go = |prompt: &Tensor, processor| {
            let options = GenerateOptions {
                processors: vec![processor],
                ..GenerateOptions::greedy(2)
            };
            generate(
                model,
                &Inputs::new(prompt.shallow_clone()),
                &options,
                |_| ControlFlow::Continue(()),
            )
        };
        use LogitsProcessor::{ForcedLast, SequenceBias, Temperature, TopK, TopP};
        refused(go(&ids([1, 0]), TopP(0.5)), "`input_ids` is [1, 0]");
        refused(go(&ids([1, 2]).flatten(0, 1), TopP(0.5)), "[2]");
        for (processor, name) in [
            (Temperature(0.0), "`temperature` is 0"),
            (Temperature(f64::NAN), "`temperature` is NaN"),
            (Temperature(f64::INFINITY), "`temperature` is inf"),
            (TopP(1.5), "`top_p` is 1.5: give a number from 0 to 1"),
            (TopK(0), "`top_k` is 0: give a whole number above 0"),
            (
                SequenceBias(vec![(vec![1, 70_000], 1.0)]),
                "`sequence_bias` has the token 70000",
            ),
            (
                ForcedLast(vec![-1]),
                "`forced_eos_token_id` has the token -1",
            ),
        ] {
            refused(go(&ids([1, 2]), processor), name);
        }
        go(&ids([1, 2]), TopP(0.5)).map(|_| ())
    });
}

#[test]
fn attention_on_a_share_of_the_sequence() {
    for setting in settings(&[1, 2]) {
        let setting = Setting {
            plan: Some(&SPLIT_ATTENTION),
            ..setting
        };
        on_ranks(&fixture("llama_gqa").dir, setting, Kind::Float, |model| {
            // As long as there are ranks: each share is one position, which would broadcast unnoticed.
            let outcome = model.forward(&Inputs::new(ids([1, 2])), None);
            match setting.mode {
                Mode::TensorParallel => outcome.map(|_| ()),
                Mode::SequenceParallel => {
                    refused(
                        outcome,
                        "`model.layers.0.self_attn.q_proj` gives `Shard(1)`",
                    );
                    Ok(())
                }
            }
        });
    }
}

#[test]
fn a_model_without_a_plan() -> Result<()> {
    let checkpoint = Checkpoint::open(&fixture("llama_gqa").dir)?;
    let shapes = model::build(checkpoint.config())?;
    refused(
        shapes.forward(&Inputs::new(ids([1, 2])), None),
        "`ParallelModel`",
    );
    Ok(())
}
