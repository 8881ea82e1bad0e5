//! The macros of `tp-runtime`: `tp_plan!`, `#[derive(Module)]` and `assert_shards!`.
//!
//! Use them through `tp_runtime`, which re-exports both and holds everything they expand to; its
//! documentation has a whole example, and `docs/plans.md` every rule of the tables.
//!
//! ```text
//! #[derive(Module)]                          the struct that runs is the tree that is checked
//! #[flow(norm -> up, gate -> down -> +)]     how its children feed one another
//!
//! tp_plan! {
//!     /// What the plan does.
//!     pub NAME for Model;                    `as "alternate"` after the model for another than its default,
//!                                            `as "alternate", from BASE` for one that keeps the other rows of `BASE`
//!     "layers.*.mlp.{up,gate}" => Colwise,   the same in both modes
//!     "layers.*.mlp.down"      => Rowwise | Rowwise(output: Shard(1)),
//!     "layers.*.norm"          => _       | SequenceParallelAllGatherActivation,
//!     "layers.*.fused?"        => Colwise,   `?`: may match nothing
//!     "encoder"                => include ENCODER,
//! }
//! ```
//!
//! Both go through the same stages, one file each: `parse` makes a raw model that keeps every
//! span, `check` turns it into a model that cannot be illegal and reports all faults at once, and
//! `expand` writes the code. What a fault says is in `fault.rs`, and nowhere else.

mod fault;
#[cfg(test)]
mod fuzz;
mod input;
mod module;
mod plan;
#[cfg(test)]
mod python_tables;
mod report;
mod shards;
#[cfg(test)]
mod snapshots;

/// Describes a struct of modules under their checkpoint names; see `tp_runtime::Module`.
///
/// Every field is a module: `T`, `Option<T>`, `Vec<T>` or `Box<T>`. `#[module(skip)]` leaves a
/// field out, `#[module(rename = "...")]` gives a checkpoint name that is no Rust identifier, and
/// `#[module(weight = [rows, columns])]` names the sizes of its weight in the config, for
/// `assert_shards!`; `#[module(name = ...)]` on the struct calls it otherwise than its type, for a generic
/// struct that stands for several models.
/// `#[flow(a -> b, c -> +)]` on the struct says how its children feed one another: stages in
/// order, children with commas read the same value, `+` adds it to the residual stream. A branch of
/// several children stands in parentheses: `#[flow((q_proj -> q_norm), v_proj -> o_proj)]`.
#[proc_macro_derive(Module, attributes(module, flow))]
pub fn derive_module(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    module::derive(input.into()).into()
}

/// Checks at compile time that so many ranks can hold what a plan gives them of a config.
///
/// ```text
/// assert_shards!(LLAMA, LLAMA_3_8B, tp = 8);
/// ```
///
/// The config is a constant whose type has a `const fn sizes(&self)` that gives an array of `Size`s
/// (of `tp_runtime::plan`); the model's fields say which of them their weights have,
/// `#[module(weight = [num_attention_heads, hidden_size])]`. No rank may be left with nothing; the error
/// lists the degrees that work.
#[proc_macro]
pub fn assert_shards(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    shards::assert_shards(input.into()).into()
}

/// Writes a tensor-parallel plan as a table that rustc checks against its model.
///
/// ```text
/// tp_plan! {
///     /// What the plan does, in a sentence.
///     pub LLAMA for LlamaForCausalLM;
///
///     // module                                  tensor parallel | with sequence parallelism
///     "model.norm"                            => _               | SequenceParallel,
///     "model.layers.*.self_attn.{q,k,v}_proj" => Colwise,
///     "model.layers.*.self_attn.qkv_proj?"    => Colwise,
///     "model.layers.*.self_attn.o_proj"       => Rowwise         | Rowwise(output: Shard(1)),
/// }
/// ```
///
/// - `*` is one whole segment, `{a,b}` expands, a trailing `?` lets a row match nothing.
/// - `_` is replicated; without `|` both columns are the same. A plan with no `|` anywhere does
///   not support sequence parallelism.
/// - Arguments are `input:`, `output:` (layouts), `sequence:` and `local:` (`use_local_output`).
/// - `"model" => include BACKBONE` takes over the rows of a plan for the type at that field.
/// - `pub NAME for Model as "name";` is an alternate; without `as` it is the model's default.
/// - `pub NAME for Model as "name", from BASE;` changes some rows of `BASE` and keeps the others.
#[proc_macro]
pub fn tp_plan(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    plan::plan(input.into()).into()
}
