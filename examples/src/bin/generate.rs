//! Continues a text with a model that is split over two ranks, and prints it as it comes.
//!
//! `cargo run -p tp-examples --bin generate -- tests/fixtures/stories260k "Once upon a time"`

use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use tch::Tensor;
// Links the models and their plans into this program.
use tp_models as _;
use tp_runtime::generate::GenerationConfig;
use tp_runtime::prelude::{Inputs, Launch, ParallelModel, RankContext, generate, launch};

fn main() -> Result<()> {
    let usage = "usage: generate DIR PROMPT";
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().context(usage)?;
    let prompt = arguments.next().context(usage)?;
    launch(&Launch::new(2), |rank| run(Path::new(&dir), &prompt, rank))?;
    Ok(())
}

/// What each rank does: the same calls, in the same order.
fn run(dir: &Path, prompt: &str, rank: RankContext) -> Result<()> {
    // 1. The weights: this rank's part of them.
    let mesh = rank.mesh(&[("tp", rank.world_size())])?;
    let model = ParallelModel::from_pretrained(dir).load(&mesh)?;
    let number = rank.rank();

    // 2. The prompt: the same tokens on every rank.
    let tokenizer = tp_cli::tokenizer(&dir.join("tokenizer.json"))?;
    let encoding = tokenizer
        .encode(prompt, true)
        .map_err(|error| anyhow!("{error}"))?;
    let ids: Vec<i64> = encoding.get_ids().iter().map(|&id| i64::from(id)).collect();
    let ids = Tensor::from_slice(&ids).unsqueeze(0);

    // 3. New tokens: every rank gets the same ones, and rank 0 prints them.
    //    How they are chosen, and what ends them, is the checkpoint's to say.
    let settings = GenerationConfig::beside(dir, model.config())?;
    let options = settings.options(120, &[0]);
    let mut text = tokenizer.decode_stream(true);
    if number == 0 {
        print!("{prompt}");
    }
    let tokens = generate(
        &model,
        &Inputs::new(ids.shallow_clone()),
        &options,
        |token| {
            if number == 0 {
                let id = token.int64_value(&[0]) as u32;
                print!("{}", text.step(id).ok().flatten().unwrap_or_default());
                let _ = std::io::stdout().flush();
            }
            ControlFlow::Continue(())
        },
    )?;
    if number == 0 {
        println!("\n({} tokens)", tokens.size()[1] - ids.size()[1]);
    }
    Ok(())
}
