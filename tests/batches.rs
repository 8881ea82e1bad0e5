//! Texts that are continued side by side are what each is alone, at every degree.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use tp_models as _;
use tp_runtime::generate::{Finish, GenerateOptions, Generation, GenerationConfig};
use tp_runtime::model::Inputs;
use tp_runtime::parallel::ParallelModel;
use tp_runtime::testing::{on_ranks, settings};
use tp_runtime::{Error, Result};
use tp_tests::fixture;

/// Every decoder, with windows that the texts outgrow, and queries that grow within them.
const LANGUAGE_MODELS: [&str; 9] = [
    "llama_gqa",
    "llama_tied",
    "qwen2",
    "qwen3",
    "gemma3_text",
    "ministral3",
    "phi3",
    "phi2",
    "phi2_qk",
];

const NEW_TOKENS: i64 = 24;

/// Prompts of several lengths, two of them equally long.
fn prompts() -> Vec<Vec<i64>> {
    let prompt =
        |(start, length): (i64, i64)| (0..length).map(|at| (start + at * 7) % 90).collect();
    [(3, 9), (5, 1), (11, 4), (2, 4)].map(prompt).into()
}

/// Prompts of the trained model, a part of one story each.
fn stories() -> Vec<Vec<i64>> {
    let story = [1, 403, 407, 261, 378];
    [5, 1, 3, 4].map(|length| story[..length].to_vec()).into()
}

/// The folder of the trained model.
fn trained() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/stories260k")
}

/// One batch, padded on the left with a token like any other.
fn padded(prompts: &[&[i64]]) -> Inputs {
    let longest = prompts.iter().map(|prompt| prompt.len()).max().unwrap_or(0);
    let row = |prompt: &&[i64], pad: i64, token: fn(i64) -> i64| {
        let padding = vec![pad; longest - prompt.len()];
        let tokens = prompt.iter().map(|&id| token(id));
        Tensor::from_slice(&padding.into_iter().chain(tokens).collect::<Vec<_>>())
    };
    let batch = |pad, token| {
        let rows: Vec<Tensor> = prompts
            .iter()
            .map(|prompt| row(prompt, pad, token))
            .collect();
        Tensor::stack(&rows, 0)
    };
    Inputs::new(batch(5, |id| id)).with("attention_mask", batch(0, |_| 1))
}

/// The new tokens of each row, and why it ended.
fn told(
    model: &ParallelModel,
    prompts: &[&[i64]],
    options: &GenerateOptions,
) -> Result<Vec<(Vec<i64>, Finish)>> {
    let inputs = model.upload(&padded(prompts))?;
    let mut generation = Generation::new(model, &inputs, options)?;
    let mut rows = vec![Vec::new(); prompts.len()];
    let mut going: Vec<usize> = (0..prompts.len()).collect();
    going.retain(|&row| generation.finish(row).is_none());
    while let Some(chosen) = generation.step()? {
        for &row in &going {
            rows[row].push(chosen.int64_value(&[row as i64]));
        }
        going.retain(|&row| generation.finish(row).is_none());
    }
    let finish = |row| generation.finish(row).expect("all rows have ended");
    Ok(rows
        .into_iter()
        .enumerate()
        .map(|(row, tokens)| (tokens, finish(row)))
        .collect())
}

/// Holds each row of a batch to what its prompt gives alone, and gives the batch's rows.
fn compare(
    dir: &Path,
    prompts: &[Vec<i64>],
    options: impl Fn(&[u64]) -> GenerateOptions + Sync,
) -> Vec<(Vec<i64>, Finish)> {
    let prompts: Vec<&[i64]> = prompts.iter().map(Vec::as_slice).collect();
    let of_degrees = std::sync::Mutex::new(Vec::new());
    for setting in settings(&[1, 2]) {
        on_ranks(dir, setting, Kind::Float, |model| {
            let seeds: Vec<u64> = (7..).take(prompts.len()).collect();
            let together = told(model, &prompts, &options(&seeds))?;
            for ((prompt, seed), row) in prompts.iter().zip(&seeds).zip(&together) {
                let alone = told(model, &[prompt], &options(&[*seed]))?;
                assert_eq!(&alone[0], row, "{}, {prompt:?}, {setting}", dir.display());
            }
            of_degrees.lock().expect("no rank panicked").push(together);
            Ok(())
        });
    }
    let mut of_degrees = of_degrees.into_inner().expect("no rank panicked");
    of_degrees.dedup();
    assert_eq!(of_degrees.len(), 1, "degrees differ: {of_degrees:?}");
    of_degrees.remove(0)
}

fn of(settings: &Value) -> GenerationConfig {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("generation_config.json");
    std::fs::write(file, settings.to_string()).expect("a file");
    GenerationConfig::beside(dir.path(), &json!({})).expect("settings")
}

#[test]
fn greedy_rows_are_those_of_each_prompt_alone() {
    for name in LANGUAGE_MODELS {
        let rows = compare(&fixture(name).dir, &prompts(), |_| {
            GenerateOptions::greedy(NEW_TOKENS)
        });
        let whole = |(tokens, finish): &(Vec<i64>, Finish)| {
            tokens.len() as i64 == NEW_TOKENS && *finish == Finish::Length
        };
        assert!(rows.iter().all(whole), "{name}: {rows:?}");
    }
}

#[test]
fn sampled_rows_depend_on_their_own_seeds() {
    let settings = of(&json!({ "do_sample": true, "temperature": 0.9, "top_p": 0.95 }));
    let dir = trained();
    // The same prompt twice has a seed for each.
    let prompts = [stories(), vec![stories()[0].clone()]].concat();
    let rows = compare(&dir, &prompts, |seeds| settings.options(NEW_TOKENS, seeds));
    assert_ne!(rows[0], rows[4]);
}

/// Penalties, lengths and bans that a row of padding would change.
#[test]
fn padding_counts_for_no_processor() {
    let settings = of(&json!({
        "repetition_penalty": 1.4,
        "encoder_repetition_penalty": 1.2,
        "no_repeat_ngram_size": 2,
        "encoder_no_repeat_ngram_size": 2,
        "sequence_bias": [[[5, 5], -4.0], [[403], 0.5]],
        "min_length": 8,
        "begin_suppress_tokens": [407, 261, 378],
        "forced_bos_token_id": 403,
        "forced_eos_token_id": 3,
        "exponential_decay_length_penalty": [6, 1.05],
        "eos_token_id": [2, 385],
    }));
    let dir = trained();
    compare(&dir, &stories(), |seeds| {
        settings.options(NEW_TOKENS, seeds)
    });
    let least = of(&json!({ "min_new_tokens": 6, "eos_token_id": [2, 261, 385] }));
    compare(&dir, &stories(), |seeds| least.options(NEW_TOKENS, seeds));
}

#[test]
fn each_row_ends_by_itself() {
    let ends = of(&json!({ "eos_token_id": [2, 286] }));
    let rows = compare(&trained(), &stories(), |seeds| GenerateOptions {
        max_length: Some(8),
        ..ends.options(5, seeds)
    });
    // `432 383 286` follow the whole prompt, of which the second row has too little to come so far.
    let ended = rows.iter().map(|(tokens, finish)| (tokens.len(), *finish));
    let expected = [
        (3, Finish::Eos),
        (5, Finish::Length),
        (5, Finish::Eos),
        (4, Finish::Eos),
    ];
    assert_eq!(ended.collect::<Vec<_>>(), expected, "{rows:?}");
    let rows = compare(&trained(), &stories(), |_| GenerateOptions {
        max_length: Some(5),
        ..GenerateOptions::greedy(3)
    });
    let lengths: Vec<usize> = rows.iter().map(|(tokens, _)| tokens.len()).collect();
    assert_eq!(lengths, [0, 3, 2, 1]);
}

#[test]
fn a_caller_ends_one_row() {
    on_ranks(
        &fixture("llama_gqa").dir,
        settings(&[2])[0],
        Kind::Float,
        |model| {
            let prompts = prompts();
            let inputs = padded(&prompts.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let mut generation = Generation::new(model, &inputs, &GenerateOptions::greedy(5))?;
            let first = generation.step()?.expect("a token");
            generation.end(1);
            assert_eq!(generation.finish(1), Some(Finish::Stop));
            let mut steps = 1;
            while let Some(chosen) = generation.step()? {
                // It repeats its last token.
                assert_eq!(chosen.int64_value(&[1]), first.int64_value(&[1]));
                steps += 1;
            }
            assert_eq!(steps, 5);
            assert_eq!(generation.finish(0), Some(Finish::Length));
            assert_eq!(generation.into_ids().size(), [4, 9 + 5]);
            Ok(())
        },
    );
}

/// Takes all its steps.
fn finished(mut generation: Generation<'_>) -> Result<Generation<'_>> {
    while generation.step()?.is_some() {}
    Ok(generation)
}

#[test]
fn a_second_text_goes_on_from_what_is_remembered() {
    let ids = |tokens: &[i64]| Inputs::new(Tensor::from_slice(tokens).unsqueeze(0));
    let options = GenerateOptions::greedy(6);
    for name in ["llama_gqa", "gemma3_text", "phi3_longrope"] {
        on_ranks(
            &fixture(name).dir,
            settings(&[2])[0],
            Kind::Float,
            |model| {
                let sent = || model.group().counts().all_reduce.bytes;
                // It begins with four tokens of the first text, or is a part of it, or is another.
                for (second, shares) in [
                    (&[3, 1, 4, 1, 7, 7][..], true),
                    (&[3, 1], true),
                    (&[9], false),
                ] {
                    let first =
                        finished(Generation::new(model, &ids(&[3, 1, 4, 1, 5]), &options)?)?;
                    model.group().reset_counts();
                    let after = finished(first.restart(&ids(second), &options)?)?.into_ids();
                    let sent_after = sent();
                    model.group().reset_counts();
                    let fresh =
                        finished(Generation::new(model, &ids(second), &options)?)?.into_ids();
                    assert_eq!(after, fresh, "{name}: {second:?}");
                    assert_eq!(sent_after < sent(), shares, "{name}: {second:?}");
                }
                Ok(())
            },
        );
    }
}

fn refused<T>(outcome: Result<T>, part: &str) {
    let error: Error = outcome.err().expect(part);
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn batches_that_are_none() {
    let mask = |rows: [[i64; 3]; 2]| {
        let ids = Tensor::ones([2, 3], (Kind::Int64, Device::Cpu));
        Inputs::new(ids).with("attention_mask", Tensor::from_slice2(&rows))
    };
    on_ranks(
        &fixture("llama_gqa").dir,
        settings(&[2])[0],
        Kind::Float,
        |model| {
            let begin =
                |inputs: &Inputs| Generation::new(model, inputs, &GenerateOptions::greedy(2));
            refused(begin(&mask([[1, 1, 1], [1, 1, 0]])), "row 1 of the prompts");
            refused(begin(&mask([[1, 0, 1], [1, 1, 1]])), "row 0 of the prompts");
            refused(begin(&mask([[0, 0, 0], [1, 1, 1]])), "row 0 of the prompts");
            let inputs = mask([[0, 0, 1], [1, 1, 1]]);
            let placed = inputs
                .shallow_clone()
                .with("position_ids", inputs.input_ids.copy());
            refused(begin(&placed), "`position_ids` of a prompt");
            let sampled = of(&json!({ "do_sample": true })).options(2, &[1, 2, 3]);
            let mut three = Generation::new(model, &inputs, &sampled)?;
            refused(three.step(), "3 seeds are given for 2 texts");
            Ok(())
        },
    );
    // Beyond twelve positions its frequencies are others.
    on_ranks(
        &fixture("phi3_longrope").dir,
        settings(&[2])[0],
        Kind::Float,
        |model| {
            let inputs = mask([[0, 0, 1], [1, 1, 1]]);
            let begin = |new| Generation::new(model, &inputs, &GenerateOptions::greedy(new));
            begin(9)?;
            refused(begin(10), "prompts from 1 tokens that grow to 13 positions");
            Ok(())
        },
    );
}
