//! Files, templates and labels, as transformers has them.

mod cases;
mod templates;
