//! A plan of another program, translated entry by entry.

use std::path::Path;

use serde_json::{Map, Value};

use super::error::{EntryError, EntryErrorKind, InteropError};
use super::{around, entry};
use crate::config::architecture;
use crate::plan::{Mode, SEQUENCE, Style};

/// The plan that a file of another program gives.
#[derive(Clone, Debug)]
pub struct Import {
    /// Its rows, in the file's order.
    pub rows: Vec<ImportedRow>,
    /// Which columns it says something of.
    pub columns: Columns,
    /// The model that the file names, if it does.
    pub architecture: Option<String>,
    /// Whether the plan is that of the model's text part, as in a `text_config`.
    pub is_of_text: bool,
    /// Entries that are no rows, each with why.
    pub skipped: Vec<String>,
}

/// One row of such a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRow {
    /// The module's pattern.
    pub pattern: String,
    /// The line of the file; 0 where it is not known.
    pub line: u32,
    /// Whether it may match nothing.
    pub optional: bool,
    /// The left cell; `None` is `_`.
    pub tensor_parallel: Option<Style>,
    /// The right cell; equals the left where there is one column.
    pub sequence_parallel: Option<Style>,
}

/// The columns that a plan has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// The left one alone, which stands for both modes.
    TensorParallel,
    /// The right one alone: the plan splits the sequence.
    SequenceParallel,
    /// Both.
    Both,
}

impl Import {
    /// Reads a file: a `config.json` with `base_model_tp_plan` or `_tp_plan`, which may stand in its
    /// `text_config`, an object of patterns and styles, or `{"tp": …, "sp": …}` as `tp plans --json` writes them.
    ///
    /// # Errors
    /// When the file cannot be read, is no plan, or says what no table here can; every such entry
    /// is named.
    pub fn read(path: &Path) -> Result<Self, InteropError> {
        let text = std::fs::read_to_string(path).map_err(|source| InteropError::Io {
            path: path.to_owned(),
            source,
        })?;
        let json = serde_json::from_str(&text).map_err(|source| InteropError::Json {
            path: path.to_owned(),
            source,
        })?;
        let mut import = Self::from_json(&json)?;
        for row in &mut import.rows {
            row.line = line(&text, &row.pattern);
        }
        Ok(import)
    }

    /// The same of what a file holds.
    ///
    /// # Errors
    /// As [`Import::read`].
    pub fn from_json(json: &Value) -> Result<Self, InteropError> {
        let object = json.as_object().ok_or(InteropError::NoPlan)?;
        if let Some(Value::Object(left)) = object.get("tp") {
            // `tp plans --json` writes a model's alternates next to its default plan.
            let is_known = |key: &String| ["tp", "sp", "alternates"].contains(&key.as_str());
            return match object.keys().find(|key| !is_known(key)) {
                Some(other) => Err(InteropError::BesideColumns { key: other.clone() }),
                None => two_columns(left, object.get("sp")),
            };
        }
        if let Some((name, _)) = object.iter().find(|(_, value)| value["tp"].is_object()) {
            return Err(InteropError::SeveralPlans { name: name.clone() });
        }
        let is_config = object.contains_key("architectures") || object.contains_key("model_type");
        let (whole, text) = (plans(json), plans(&json["text_config"]));
        let is_of_text = !text.is_empty();
        let plans = [whole, text].concat();
        if plans.is_empty() {
            return match is_config {
                true => Err(InteropError::ConfigWithoutPlan),
                false => one_column(entries([object])?),
            };
        }
        let plans = plans.into_iter();
        let plans = plans.map(|plan| plan.as_object().ok_or(InteropError::NoPlan));
        Ok(Self {
            architecture: architecture(json).ok().flatten().map(str::to_owned),
            is_of_text,
            ..one_column(entries(plans.collect::<Result<Vec<_>, _>>()?)?)?
        })
    }

    /// Whether it says what happens in `mode`.
    pub fn supports(&self, mode: Mode) -> bool {
        match self.columns {
            Columns::Both => true,
            Columns::TensorParallel => mode == Mode::TensorParallel,
            Columns::SequenceParallel => mode == Mode::SequenceParallel,
        }
    }
}

impl ImportedRow {
    /// The row that keeps a module whole in both modes.
    pub(super) fn whole(pattern: String) -> Self {
        Self {
            pattern,
            line: 0,
            optional: false,
            tensor_parallel: None,
            sequence_parallel: None,
        }
    }
}

/// The plans among the fields of a config.
fn plans(config: &Value) -> Vec<&Value> {
    let fields = ["base_model_tp_plan", "_tp_plan"].into_iter();
    let plans = fields.filter_map(|field| config.get(field));
    plans.filter(|plan| !plan.is_null()).collect()
}

/// The line on which a pattern stands in quotes first.
fn line(text: &str, pattern: &str) -> u32 {
    let quoted = format!("\"{pattern}\"");
    let before = text.find(&quoted).map(|at| &text[..at]);
    before.map_or(0, |before| before.matches('\n').count() as u32 + 1)
}

/// What a column says.
struct Entries {
    /// Patterns, each with its cell.
    cells: Vec<(String, Option<Style>)>,
    /// Entries that are none, each with why.
    skipped: Vec<String>,
}

/// Every entry, or the error of each that has one.
fn entries<'a>(
    objects: impl IntoIterator<Item = &'a Map<String, Value>>,
) -> Result<Entries, InteropError> {
    let (mut cells, mut skipped, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (pattern, value) in objects.into_iter().flatten() {
        if let Some(class) = around::class(value) {
            skipped.push(format!(
                "`{class}` of \"{pattern}\" is no row: layers redistribute what they read by themselves"
            ));
            continue;
        }
        match check_pattern(pattern).and_then(|()| entry::read(value)) {
            Ok(style) => cells.push((pattern.clone(), style)),
            Err(kind) => errors.push(EntryError {
                pattern: pattern.clone(),
                kind,
            }),
        }
    }
    match (cells.is_empty(), errors.is_empty()) {
        (_, false) => Err(InteropError::Entries { errors }),
        (true, true) => Err(InteropError::NoPlan),
        (false, true) => Ok(Entries { cells, skipped }),
    }
}

/// `*` is a whole segment here; Python's patterns may be more.
fn check_pattern(pattern: &str) -> Result<(), EntryErrorKind> {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let is_segment =
        |segment: &str| segment == "*" || !segment.is_empty() && segment.chars().all(legal);
    match pattern.split('.').all(is_segment) {
        true => Ok(()),
        false => Err(EntryErrorKind::Pattern),
    }
}

fn one_column(entries: Entries) -> Result<Import, InteropError> {
    let Entries { cells, skipped } = entries;
    let splits = cells
        .iter()
        .any(|(_, style)| style.is_some_and(splits_the_sequence));
    let row = |(pattern, style): (String, Option<Style>)| ImportedRow {
        tensor_parallel: style.filter(|_| !splits),
        sequence_parallel: style,
        ..ImportedRow::whole(pattern)
    };
    Ok(Import {
        rows: cells.into_iter().map(row).collect(),
        columns: match splits {
            true => Columns::SequenceParallel,
            false => Columns::TensorParallel,
        },
        architecture: None,
        is_of_text: false,
        skipped,
    })
}

fn two_columns(left: &Map<String, Value>, right: Option<&Value>) -> Result<Import, InteropError> {
    let left = entries([left])?;
    let errors: Vec<EntryError> = left
        .cells
        .iter()
        .filter_map(|(pattern, style)| {
            let cell = style.filter(|style| splits_the_sequence(*style))?;
            Some(EntryError {
                pattern: pattern.clone(),
                kind: EntryErrorKind::Column {
                    cell: cell.to_string(),
                },
            })
        })
        .collect();
    if !errors.is_empty() {
        return Err(InteropError::Entries { errors });
    }
    let right = match right {
        None | Some(Value::Null) => return one_column(left),
        Some(Value::Object(right)) => entries([right])?,
        Some(_) => return Err(InteropError::NoPlan),
    };
    let row = |(pattern, style): (String, Option<Style>)| ImportedRow {
        tensor_parallel: style,
        ..ImportedRow::whole(pattern)
    };
    let mut rows: Vec<ImportedRow> = left.cells.into_iter().map(row).collect();
    for (pattern, style) in right.cells {
        match rows.iter_mut().find(|row| row.pattern == pattern) {
            Some(row) => row.sequence_parallel = style,
            None => rows.push(ImportedRow {
                sequence_parallel: style,
                ..ImportedRow::whole(pattern)
            }),
        }
    }
    Ok(Import {
        rows,
        columns: Columns::Both,
        architecture: None,
        is_of_text: false,
        skipped: [left.skipped, right.skipped].concat(),
    })
}

/// Whether a cell belongs in the right column.
fn splits_the_sequence(style: Style) -> bool {
    style.kind.splits_the_sequence() || [style.input, style.output].contains(&SEQUENCE)
}
