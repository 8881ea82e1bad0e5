//! Every rule the macros enforce, as the words a person reads.

use std::fmt::{self, Display, Formatter};

/// A rule that was broken, with what is needed to say so.
pub(crate) enum Fault {
    DeriveEnum,
    DeriveUnnamed,
    ModuleOnStruct,
    ModuleKey { found: String },
    ModuleKeyTwice { key: String },
    SkipAndRename,
    RenameValue,
    RenameSegment { name: String },
    SameName { name: String },
    FlowOnField,
    FlowTwice,
    FlowName { found: String, near: Option<String> },
    FlowSkipped { name: String },
}

impl Display for Fault {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeriveEnum => write!(
                f,
                "`Module` describes a struct whose fields are modules: write a `struct`"
            ),
            Self::DeriveUnnamed => write!(
                f,
                "a module's children need checkpoint names: write named fields, `struct Mlp {{ up_proj: Linear }}`"
            ),
            Self::ModuleOnStruct => write!(
                f,
                "`#[module(...)]` belongs on a field; the struct itself takes `#[flow(...)]`"
            ),
            Self::ModuleKey { found } => write!(
                f,
                "unknown key `{found}`: write `#[module(skip)]` or `#[module(rename = \"...\")]`"
            ),
            Self::ModuleKeyTwice { key } => write!(f, "`{key}` is given twice: keep one"),
            Self::SkipAndRename => write!(
                f,
                "a skipped field has no checkpoint name: keep `skip` or `rename`, not both"
            ),
            Self::RenameValue => {
                write!(
                    f,
                    "`rename` takes a checkpoint name: write `rename = \"...\"`"
                )
            }
            Self::RenameSegment { name } => write!(
                f,
                "`{name}` is not one segment of a checkpoint name: use letters, digits, `_` and `-`"
            ),
            Self::SameName { name } => {
                write!(
                    f,
                    "two fields are named `{name}` in the checkpoint: rename one"
                )
            }
            Self::FlowOnField => write!(f, "`#[flow(...)]` belongs on the struct"),
            Self::FlowTwice => write!(
                f,
                "`#[flow(...)]` is given twice: join the stages with `->`"
            ),
            Self::FlowName {
                found,
                near: Some(near),
            } => {
                write!(
                    f,
                    "no field `{found}` in this struct: did you mean `{near}`?"
                )
            }
            Self::FlowName { found, near: None } => {
                write!(
                    f,
                    "no field `{found}` in this struct: name a field, or `+` for the residual"
                )
            }
            Self::FlowSkipped { name } => write!(
                f,
                "`{name}` is skipped, so it is no module that a value could flow through"
            ),
        }
    }
}
