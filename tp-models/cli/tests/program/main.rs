//! The program `tp` as people run models with it.

mod chat;
mod dropout;
mod eval;
mod faults;
mod finetune;
mod generate;
mod gpu_run;
mod images;
mod jobs;
mod kills;
mod launch_examples;
mod processes;
mod prompts;
mod refusals;
mod support;
mod train;
