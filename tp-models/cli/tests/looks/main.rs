//! The commands that read no weights, as people run them; none needs libtorch.

mod diff;
mod explain;
mod import;
mod names;
mod plans;
mod report;
mod support;
