//! The report as text: what is alike on one line, columns aligned.

use std::fmt;

use super::bytes::{Bytes, percent};
use super::memory::ParameterReport;
use super::text_table::TextTable;
use super::{Explanation, Traffic, replicated};
use crate::plan::Mode;

/// For people; without a line break at the end.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.heading() {
            writeln!(f, "{line}")?;
        }
        writeln!(f)?;
        for line in self.layer_lines() {
            writeln!(f, "  {line}")?;
        }
        self.totals(f)?;
        self.collectives(f)?;
        self.heads(f)?;
        if let Some(training) = &self.training {
            write!(f, "\n\n{training}")?;
        }
        match &self.comparison {
            Some(comparison) => write!(f, "\n\n{comparison}"),
            None => Ok(()),
        }
    }
}

impl Explanation {
    /// What is explained, in a few lines: the model and its plan, the batch, how weights are stored.
    pub fn heading(&self) -> Vec<String> {
        let plan = match self.alternate {
            Some(alternate) => format!("{} (\"{alternate}\")", self.plan),
            None => self.plan.to_owned(),
        };
        let mode = match self.setup.mode {
            Mode::TensorParallel => "tensor parallel",
            Mode::SequenceParallel => "tensor and sequence parallel",
        };
        let ranks = match self.setup.degree.get() {
            1 => "1 rank".to_owned(),
            many => format!("{many} ranks"),
        };
        let (batch, sequence) = (self.setup.batch, self.setup.sequence);
        let model = self.architecture;
        let rank = match self.rank {
            0 => String::new(),
            rank => format!("; of rank {rank}, which holds most"),
        };
        let dtype = self.setup.dtype;
        let mut lines = vec![
            format!("{model} under plan {plan}, {mode} over {ranks}"),
            format!("batch {batch}, sequence {sequence}, {dtype}{rank}"),
        ];
        if self.is_stored_as_fp8 {
            lines.push(format!(
                "weights are stored as FP8, and held and counted as {dtype}"
            ));
        }
        lines
    }

    /// Who has which heads, and where all ranks have as many.
    fn heads(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.setup.degree.get() > 1 && !self.heads.is_empty() {
            writeln!(f, "\nheads of each rank:")?;
            for report in &self.heads {
                writeln!(f, "  {report}")?;
            }
        }
        write!(
            f,
            "\ndegrees at which heads are even: {}",
            self.even_degrees
        )
    }

    fn totals(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let memory = self.memory;
        let (whole, own) = (Bytes(memory.bytes), Bytes(memory.rank_bytes));
        let share = percent(memory.rank_bytes, memory.bytes);
        writeln!(
            f,
            "\nparameters per rank: {own}, {share} of the unsharded {whole}"
        )?;
        let replicated = Bytes(memory.replicated_bytes);
        let share = percent(memory.replicated_bytes, memory.bytes);
        let modules = replicated::modules(&self.layers, &self.lists());
        let largest = largest(&modules);
        writeln!(
            f,
            "replicated on every rank: {replicated}, {share} of the model{largest}"
        )?;
        match self.activation_bytes {
            Some(bytes) => writeln!(
                f,
                "activations per rank: {}, what layers give, sum and gather in a forward",
                Bytes(bytes)
            ),
            None => Ok(()),
        }
    }

    fn collectives(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passes = [
            ("forward", &self.forward, ""),
            ("loss", &self.loss, ""),
            ("backward", &self.backward, "gradient of "),
        ];
        let mut table = TextTable::default();
        let mut lengths = Vec::new();
        for (_, calls, prefix) in passes {
            let groups = self.call_groups(calls);
            lengths.push(groups.len());
            for group in groups {
                let each = if group.count > 1 { "each" } else { "" };
                table.push([
                    group.collective,
                    group.name,
                    times(group.count),
                    Bytes(group.bytes).to_string(),
                    each.to_owned(),
                    format!("{prefix}{}", group.operand),
                ]);
            }
        }
        let mut lines = table.lines(&[3]).into_iter();
        for ((pass, calls, _), length) in passes.into_iter().zip(lengths) {
            let total = Traffic::of(calls).total();
            match total.calls {
                0 => writeln!(f, "\n{pass}: no collectives")?,
                1 => writeln!(f, "\n{pass}: 1 collective, {}", Bytes(total.bytes))?,
                many => writeln!(f, "\n{pass}: {many} collectives, {}", Bytes(total.bytes))?,
            }
            for line in lines.by_ref().take(length) {
                writeln!(f, "  {line}")?;
            }
        }
        Ok(())
    }

    fn layer_lines(&self) -> Vec<String> {
        let mut table = TextTable::default();
        let heading = [
            "module",
            "",
            "style",
            "parameter",
            "whole",
            "per rank",
            "bytes each",
        ];
        table.push(heading.map(str::to_owned));
        for group in self.layer_groups() {
            let mut layer = [group.name, times(group.count), group.style];
            if group.parameters.is_empty() {
                table.push(layer);
                continue;
            }
            for parameter in &group.parameters {
                let [name, times, style] = std::mem::take(&mut layer);
                let whole = dimensions(&parameter.shape);
                let (shape, bytes) = on_a_rank(parameter);
                table.push([
                    name,
                    times,
                    style,
                    parameter.name.to_owned(),
                    whole,
                    shape,
                    bytes,
                ]);
            }
        }
        table.lines(&[6])
    }
}

/// The modules that take the most memory, and the number of the others.
fn largest(modules: &[(String, u64)]) -> String {
    const SHOWN: usize = 3;
    let (shown, rest) = modules.split_at(modules.len().min(SHOWN));
    if shown.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = shown
        .iter()
        .map(|(name, bytes)| format!("{name} {}", Bytes(*bytes)))
        .collect();
    let more = match rest.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(": {}{more}", shown.join(", "))
}

/// The shape and bytes on the rank that is shown; a part that is smaller elsewhere is an upper bound.
fn on_a_rank(parameter: &ParameterReport) -> (String, String) {
    let bound = if parameter.uneven { "≤ " } else { "" };
    let bytes = match &parameter.tied_to {
        Some(_) => "tied".to_owned(),
        None => Bytes(parameter.rank_bytes).to_string(),
    };
    (
        format!("{bound}{}", dimensions(&parameter.rank_shape)),
        bytes,
    )
}

fn dimensions(shape: &[i64]) -> String {
    let lengths: Vec<String> = shape.iter().map(i64::to_string).collect();
    lengths.join(" × ")
}

fn times(count: usize) -> String {
    match count {
        1 => String::new(),
        many => format!("×{many}"),
    }
}
