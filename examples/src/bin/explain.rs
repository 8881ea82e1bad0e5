//! Prints what Llama's plan makes of a model of any size: no weights, no ranks.
//!
//! Only what `tp-runtime` and `tp-models` have without their `torch` feature is used.
//!
//! `cargo run -p tp-examples --bin explain`

use std::num::NonZeroUsize;

use anyhow::{Context, Result};
use serde_json::json;
use tp_models::LlamaForCausalLM;
use tp_runtime::Mode;
use tp_runtime::explain::{Dtype, Setup, explain};
use tp_runtime::model;
use tp_runtime::plan::plan_for;

fn main() -> Result<()> {
    // The sizes of an 8B Llama 3.
    let config = json!({
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 128_256,
        "hidden_size": 4096,
        "intermediate_size": 14_336,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "rope_theta": 500_000.0,
    });
    let model = model::build(&config)?;
    let plan = plan_for::<LlamaForCausalLM>()?;
    let setup = Setup {
        degree: NonZeroUsize::new(8).context("a degree is at least 1")?,
        mode: Mode::SequenceParallel,
        batch: 1,
        sequence: 4096,
        dtype: Dtype::Bf16,
    };
    let explanation = explain(plan, &*model, setup)?;
    println!("{explanation}");
    println!(
        "of {} collectives in a forward and {} in a backward, none was made",
        explanation.forward.len(),
        explanation.backward.len()
    );
    Ok(())
}
