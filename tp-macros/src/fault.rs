//! Every rule the macros enforce, as the words a person reads.

use std::fmt::{self, Display, Formatter};

/// A rule that was broken, with what is needed to say so.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    // `#[derive(Module)]`
    #[error("`Module` describes a struct whose fields are modules: write a `struct`")]
    DeriveEnum,
    #[error(
        "a module's children need checkpoint names: write named fields, `struct Mlp {{ up_proj: Linear }}`"
    )]
    DeriveUnnamed,
    #[error(
        "`#[module(...)]` belongs on a field; the struct itself takes `#[module(name = ...)]` and `#[flow(...)]`"
    )]
    ModuleOnStruct,
    #[error(
        "unknown key `{found}`: write `#[module(skip)]`, `#[module(rename = \"...\")]` or `#[module(weight = [...])]`"
    )]
    ModuleKey { found: String },
    #[error("`{key}` is given twice: keep one")]
    ModuleKeyTwice { key: String },
    #[error("a skipped field has no checkpoint name: keep `skip` or `rename`, not both")]
    SkipAndRename,
    #[error("`rename` takes a checkpoint name: write `rename = \"...\"`")]
    RenameValue,
    #[error(
        "`weight` takes the names of its sizes in the config: write `weight = [intermediate_size, hidden_size]`, or `(q, k)` for the segments of a fused layer"
    )]
    WeightValue,
    #[error("\"{name}\" is not one segment of a checkpoint name: use letters, digits, `_` and `-`")]
    RenameSegment { name: String },
    #[error("two fields are named \"{name}\" in the checkpoint: rename one")]
    SameName { name: String },
    #[error("`#[flow(...)]` belongs on the struct")]
    FlowOnField,
    #[error("`#[flow(...)]` is given twice: join the stages with `->`")]
    FlowTwice,
    #[error("a branch is a chain of fields: write `(q_proj -> q_norm)`")]
    FlowChain,
    #[error(
        "no field `{found}` in this struct: {}name a field that is a module, or `+`",
        Meant(near)
    )]
    FlowName { found: String, near: Option<String> },
    #[error(
        "`{name}` is skipped, so it is no module that a value could flow through: remove one of the two"
    )]
    FlowSkipped { name: String },

    // The head of a table and its rows.
    #[error("a table starts with its name and its model: write `pub LLAMA for LlamaForCausalLM;`")]
    HeaderName,
    #[error("a plan is for a model type: write `for LlamaForCausalLM`")]
    HeaderModel,
    #[error("an alternate plan has a name: write `as \"mlp-only\"`")]
    HeaderAlternate,
    #[error("a derived plan names the plan it starts from: write `as \"...\", from LLAMA`")]
    HeaderBase,
    #[error("a derived plan is an alternate: write `as \"...\", from {base}`")]
    HeaderBaseDefault { base: String },
    #[error("missing `;` after the model, before the rows")]
    HeaderSemicolon,
    #[error("a plan without rows changes nothing: write `\"lm_head\" => Colwise,`")]
    EmptyTable,
    #[error("a row starts with the name of a module in quotes: write `\"lm_head\" => Colwise,`")]
    RowPattern,
    #[error("missing `=>` between the pattern and its style")]
    RowArrow,
    #[error("missing `,` after the row before this")]
    MissingComma,
    #[error(
        "a row has two columns, tensor parallel and with sequence parallelism: remove this one"
    )]
    ThirdColumn,
    #[error("`include` takes the name of a plan: write `include LLAMA_MODEL`")]
    IncludePlan,
    #[error(
        "an included plan always applies: remove the `?`, and write it on the rows that may match nothing"
    )]
    IncludeOptional,
    #[error("\"{pattern}\" already has a row: remove one")]
    DuplicateRow { pattern: String },
    #[error("\"{pattern}\" and \"{other}\" can name the same module: a module has one row")]
    OverlappingRows { pattern: String, other: String },

    // `assert_shards!`
    #[error("a plan, a config and a degree: write `assert_shards!(LLAMA, LLAMA_3_8B, tp = 8)`")]
    Shards,

    // Patterns.
    #[error("an empty pattern names no module: write a path, `\"model.norm\"`")]
    PatternEmpty,
    #[error("a module's name has no spaces: remove them")]
    PatternSpace,
    #[error("`?` stands at the end of a pattern: it lets the whole row match nothing")]
    PatternQuestion,
    #[error("a brace without its partner: write `{{a,b}}`")]
    PatternUnbalanced,
    #[error("braces inside braces: write the alternatives in one pair, `{{a,b,c}}`")]
    PatternNested,
    #[error("an empty alternative in braces: write the names, `{{a,b}}`, or remove it")]
    PatternEmptyBraces,
    #[error("an empty segment in \"{path}\": separate segments by one `.`")]
    PatternEmptySegment { path: String },
    #[error(
        "`**` is no pattern: `*` stands for one element of a list, write out the segments between"
    )]
    PatternDoubleStar,
    #[error(
        "`*` stands for a whole segment, not for a part of \"{segment}\": write the names in braces, `{{q,k,v}}_proj`"
    )]
    PatternPartialStar { segment: String },
    #[error("`{found}` is not part of a module's name: use letters, digits, `_` and `-`")]
    PatternCharacter { found: char },

    // Styles and their arguments.
    #[error("missing a style here: write `Colwise`, another style, or `_` for replicated")]
    CellStyle,
    #[error(
        "unknown style `{found}`: {}the styles are {}",
        Meant(near),
        All(known)
    )]
    Style {
        found: String,
        near: Option<&'static str>,
        known: Vec<&'static str>,
    },
    #[error(
        "`{style}` works on a split sequence, which the left column does not have: write `_ | {style}`"
    )]
    StyleColumn { style: &'static str },
    #[error("an argument is a name and a value: write `input: Replicate` or `local: false`")]
    ArgumentForm,
    #[error("missing `,` between two arguments")]
    ArgumentComma,
    #[error(
        "unknown argument `{found}`: {}`{style}` takes {}",
        Meant(near),
        All(takes)
    )]
    Argument {
        found: String,
        near: Option<&'static str>,
        style: &'static str,
        takes: Vec<&'static str>,
    },
    #[error("`{style}` has no argument `{found}`: it takes {}", All(takes))]
    ArgumentNotTaken {
        found: String,
        style: &'static str,
        takes: Vec<&'static str>,
    },
    #[error("`{argument}` is given twice: keep one")]
    ArgumentTwice { argument: &'static str },
    #[error("`{argument}` takes `true` or `false`")]
    FlagValue { argument: &'static str },
    #[error("`segments` takes the names of a fused layer's parts: write `segments: [q, k, v]`")]
    SegmentsValue,
    #[error("segment `{name}` is named twice: keep one")]
    SegmentTwice { name: String },
    #[error(
        "with `{argument}` each rank keeps its own part of the output, `Shard(-1)`: remove `output: Replicate`"
    )]
    OutputOfParts { argument: &'static str },
    #[error("`{argument}` takes a placement: write `Replicate`, `Shard(1)` or `Shard(-1)`")]
    PlacementValue { argument: &'static str },
    #[error(
        "unknown placement `{found}`: {}the placements are `Replicate`, `Shard(dim)` and `Partial`",
        Meant(near)
    )]
    Placement {
        found: String,
        near: Option<&'static str>,
    },
    #[error("`Shard` takes one dimension, a number: write `Shard(1)` or `Shard(-1)`")]
    ShardDimension,
    #[error("`{style}` cannot have `{found}`: write {}", OneOf(legal))]
    IllegalLayout {
        style: &'static str,
        found: String,
        legal: Vec<String>,
    },
    #[error(
        "the left column does not split the sequence: write `{style} | {style}({argument}: Shard(1))`"
    )]
    LayoutColumn {
        style: &'static str,
        argument: &'static str,
    },
}

/// `did you mean …? `, where some known word is near.
struct Meant<'a, T>(&'a Option<T>);

impl<T: Display> Display for Meant<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(near) => write!(f, "did you mean `{near}`? "),
            None => Ok(()),
        }
    }
}

/// `a`, `b` and `c`.
struct All<'a, T>(&'a [T]);

impl<T: Display> Display for All<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        join(f, self.0, "and")
    }
}

/// `a`, `b` or `c`.
struct OneOf<'a, T>(&'a [T]);

impl<T: Display> Display for OneOf<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        join(f, self.0, "or")
    }
}

fn join(f: &mut Formatter<'_>, words: &[impl Display], last: &str) -> fmt::Result {
    for (index, word) in words.iter().enumerate() {
        match index {
            0 => write!(f, "`{word}`")?,
            _ if index + 1 == words.len() => write!(f, " {last} `{word}`")?,
            _ => write!(f, ", `{word}`")?,
        }
    }
    Ok(())
}
