//! Plans of other programs that cannot be read, or say what no table here can.

use std::fmt::{self, Display, Formatter};
use std::path::PathBuf;

use crate::plan::PlanError;
use crate::plan::words::{All, Meant};

/// A file that gives no plan.
#[derive(Debug, thiserror::Error)]
pub enum InteropError {
    /// A file that cannot be read.
    #[error("cannot read `{}`", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// A file that holds no JSON.
    #[error("`{}` is no JSON", .path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where it stops to be.
        source: serde_json::Error,
    },

    /// JSON that holds no plan.
    #[error(
        "it is no plan: give an object of patterns and styles, such as {{\"lm_head\": \"colwise\"}}, of its two columns, {{\"tp\": …, \"sp\": …}}, or a `config.json` with `base_model_tp_plan`"
    )]
    NoPlan,

    /// Something else next to the two columns.
    #[error("`{key}` stands beside the columns `tp` and `sp`: move it into one of them")]
    BesideColumns {
        /// Its key.
        key: String,
    },

    /// A file of more than one plan.
    #[error(
        "it holds a plan for each of several models: give one of them, such as `jq '.{name}'` prints"
    )]
    SeveralPlans {
        /// The first.
        name: String,
    },

    /// A config without a plan.
    #[error(
        "the config has neither `base_model_tp_plan` nor `_tp_plan`, and its `text_config` neither, which transformers leaves out where it saves one: write `json.dumps(model.tp_plan)` to a file and give that"
    )]
    ConfigWithoutPlan,

    /// Entries that cannot be translated: all of them.
    #[error("{}", Lines(errors))]
    Entries {
        /// What is wrong with each.
        errors: Vec<EntryError>,
    },

    /// Patterns that could start from several modules.
    #[error(
        "the patterns name modules of {model} from {} on, as many from each: write which is meant, \
         such as \"{}.{pattern}\"",
        Each(places),
        places[0]
    )]
    SeveralPlaces {
        /// The first pattern.
        pattern: String,
        /// The model.
        model: &'static str,
        /// The modules, the outermost first.
        places: Vec<String>,
    },

    /// Rows that do not fit the model: all of them.
    #[error("{}", Lines(messages))]
    Rows {
        /// What is wrong with each.
        messages: Vec<String>,
    },

    /// A plan that is not there, or has no such column.
    #[error(transparent)]
    Plan(#[from] PlanError),

    /// Cells that PyTorch has no style for: all of them.
    #[error("plan `{plan}` splits as no style of PyTorch does: {}", Lines(cells))]
    NotInPython {
        /// The plan's name.
        plan: &'static str,
        /// Each such cell with its row.
        cells: Vec<String>,
    },
}

/// An entry that cannot be translated.
#[derive(Debug, thiserror::Error)]
#[error("\"{pattern}\": {kind}")]
pub struct EntryError {
    /// Its pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub kind: EntryErrorKind,
}

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryErrorKind {
    /// A word of transformers for which there is no style.
    #[error(
        "`{word}` means what no style here does; the words that are translated are {}",
        All(known)
    )]
    NoEquivalent {
        /// The word.
        word: String,
        /// The words that have a style.
        known: Vec<&'static str>,
    },

    /// A word that transformers does not know.
    #[error(
        "unknown word `{word}`:{} the words that are translated are {}",
        Meant(near),
        All(known)
    )]
    Word {
        /// The word.
        word: String,
        /// The one that was likely meant.
        near: Option<&'static str>,
        /// The words that have a style.
        known: Vec<&'static str>,
    },

    /// A class that is no style.
    #[error(
        "unknown style `{found}`:{} the styles are {}",
        Meant(near),
        All(known)
    )]
    Style {
        /// The class.
        found: String,
        /// The one that was likely meant.
        near: Option<&'static str>,
        /// The styles.
        known: Vec<&'static str>,
    },

    /// A text that is no Python call.
    #[error(
        "`{found}` is no style: write it as in Python, `ColwiseParallel(output_layouts=Replicate())`"
    )]
    Text {
        /// The text.
        found: String,
    },

    /// A value of another type.
    #[error(
        "{found} is no style: write a word, a Python call in quotes, or an object with `style`"
    )]
    Value {
        /// The value.
        found: String,
    },

    /// An argument that the style does not take.
    #[error("`{style}` takes no `{found}`: it takes {}", All(takes))]
    Argument {
        /// The style's name in Python.
        style: &'static str,
        /// The argument.
        found: String,
        /// What it takes.
        takes: Vec<&'static str>,
    },

    /// The value of an argument that is of another kind.
    #[error("`{argument}` is no {expected}")]
    ArgumentValue {
        /// The argument.
        argument: String,
        /// What it should be.
        expected: &'static str,
    },

    /// A layout that the style cannot have.
    #[error("`{style}` cannot have `{found}`: it can have {}", All(legal))]
    Layout {
        /// The style's name in Python.
        style: &'static str,
        /// The argument with its value.
        found: String,
        /// The same with each value that it may have.
        legal: Vec<String>,
    },

    /// A layout or a style of the sequence in a plan that keeps it whole.
    #[error(
        "`{cell}` splits the sequence, and this is the column that does not: it belongs under \"sp\""
    )]
    Column {
        /// The cell.
        cell: String,
    },

    /// A pattern that a table cannot have.
    #[error("no pattern of modules: write names between `.`, and `*` for each element of a list")]
    Pattern,
}

/// Modules in quotes.
struct Each<'a>(&'a [String]);

impl Display for Each<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.join("\" and from \""))
    }
}

/// One line each.
struct Lines<'a, T>(&'a [T]);

impl<T: Display> Display for Lines<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n       ")?;
            }
            write!(f, "{line}")?;
        }
        Ok(())
    }
}
