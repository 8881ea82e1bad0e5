//! Files, templates and labels, as transformers has them.

mod cases;
mod dataset;
mod files;
mod folders;
mod labels;
mod robustness;
mod spans;
mod tables;
mod templates;
