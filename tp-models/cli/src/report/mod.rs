//! `tp report`: a page on a training run.

mod axis;
mod chart;
mod charts;
mod job;
mod line;
mod log;
mod number;
mod page;
mod plan;
mod run_folder;
mod summary;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use maud::{Markup, html};
use tp_runtime::explain::Explanation;

use self::charts::charts;
use self::page::{page, visible};
use self::plan::plan;
use self::run_folder::RunFolder;
use self::summary::summary;
use super::output::{message, print};

/// Write a page on a training run: how it went, and what its plan does
///
/// RUN is the folder that `tp train --save` writes. The page has charts of what `log.jsonl` says of each step, and the
/// plan that follows from `job.toml` and the model's config: what each rank holds, and the collectives of a step. What
/// is missing is said. It is one HTML file that needs no other.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tp report runs/llama                    writes runs/llama/report.html
  tp report runs/llama --output llama.html")]
pub(crate) struct Arguments {
    /// The run's folder
    run: PathBuf,

    /// Where to write [default: report.html in the run's folder]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let run = RunFolder::read(&arguments.run)?;
    let title = format!("Run {}", run.name);
    let own = || arguments.run.join("report.html");
    let file = arguments.output.clone().unwrap_or_else(own);
    write(&file, &page(&title, &body(&run)))
}

/// Writes a page on a plan alone.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write_plan(file: &Path, report: &Explanation) -> Result<()> {
    let title = format!("{} under plan {}", report.architecture, report.plan);
    write(file, &page(&title, &plan(report)))
}

/// Writes a page and says where.
fn write(file: &Path, page: &str) -> Result<()> {
    let name = file.display();
    fs::write(file, page).with_context(|| format!("cannot write `{name}`"))?;
    print(format!("wrote {name}"))
}

fn body(run: &RunFolder) -> Markup {
    html! {
        section {
            h2 { "Summary" }
            (summary(&run.log))
        }
        @if !run.log.steps.is_empty() || !run.log.validations.is_empty() {
            section {
                h2 { "Over steps" }
                div.charts { @for chart in charts(&run.log) { (chart.render()) } }
            }
        }
        section {
            h2 { "Plan" }
            @match &run.plan {
                Ok(found) => {
                    @if found.has_adapter {
                        p.note { "Of the model alone: what its adapter holds and sends is not counted." }
                    }
                    (plan(&found.report))
                }
                Err(error) => { p { "Not shown: " (visible(&message(error))) "." } }
            }
        }
        section {
            h2 { "Job" }
            @match &run.job {
                Some(job) => { pre { (visible(job)) } }
                None => { p { "The folder has no " code { "job.toml" } "." } }
            }
        }
    }
}
