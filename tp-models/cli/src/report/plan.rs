//! A plan as a picture, and what it makes ranks communicate.

use maud::{Markup, html};
use tp_runtime::explain::{
    Bytes, CollectiveCall, Count, Explanation, ParameterReport, Traffic, TrainingCosts,
};

/// How many ranks have a column; more are all alike, or nearly.
const COLUMNS: usize = 16;
/// The width of a picture of a whole parameter.
const WIDTH: f64 = 64.0;

/// The plan, its memory and its collectives.
pub(super) fn plan(report: &Explanation) -> Markup {
    html! {
        @for line in report.heading() { p { (line) } }
        (picture(report))
        @if !report.heads.is_empty() && report.setup.degree.get() > 1 {
            h3 { "Attention heads of each rank" }
            ul { @for heads in &report.heads { li { (heads.to_string()) } } }
        }
        h3 { "Collectives of a forward, loss and backward" }
        (calls(report, "Forward", &report.forward, ""))
        (calls(report, "Loss", &report.loss, ""))
        (calls(report, "Backward", &report.backward, "gradient of "))
        @if let Some(training) = &report.training { (step(training)) }
        @if let Some(comparison) = &report.comparison { pre { (comparison.to_string()) } }
    }
}

/// Modules as rows and ranks as columns.
fn picture(report: &Explanation) -> Markup {
    let ranks = report.setup.degree.get();
    let shown = ranks.min(COLUMNS);
    html! {
        p.legend {
            span.key.split { "what a rank holds of a parameter that is split" } " "
            span.key.whole { "what every rank holds whole" }
        }
        @if shown < ranks {
            p.note { "Ranks 0 to " (shown - 1) " of " (ranks) " are shown." }
        }
        div.wide {
            table.plan {
                thead {
                    tr {
                        th scope="col" { "module" }
                        th scope="col" { "style" }
                        th scope="col" { "parameter" }
                        th scope="col" { "whole" }
                        @for rank in 0..shown { th scope="col" { "rank " (rank) } }
                    }
                }
                tbody {
                    @for group in report.layer_groups() {
                        @for (index, parameter) in group.parameters.iter().enumerate() {
                            tr {
                                @if index == 0 {
                                    th scope="row" { (group.name) (times(group.count)) }
                                    td { (group.style) }
                                } @else {
                                    td {} td {}
                                }
                                td { (parameter.name) }
                                td.number { (dimensions(&parameter.shape)) }
                                @for rank in 0..shown { td { (part(parameter, rank, ranks)) } }
                            }
                        }
                    }
                }
                tfoot {
                    tr {
                        th scope="row" { "all parameters" }
                        td {} td {}
                        td.number { (Bytes(report.memory.bytes).to_string()) }
                        @for rank in 0..shown { td.number { (Bytes(held(report, rank)).to_string()) } }
                    }
                }
            }
        }
    }
}

/// A rank's part of a parameter, as it lies in the whole, over its bytes.
fn part(parameter: &ParameterReport, rank: usize, ranks: usize) -> Markup {
    let (class, bars) = match parameter.sharding.split() {
        None => ("whole", vec![(0.0, WIDTH)]),
        Some((dim, partition)) => {
            let scale = WIDTH / parameter.shape[dim].max(1) as f64;
            let ranges = partition.ranges(rank, ranks).into_iter();
            let bars = ranges.map(|range| {
                (
                    range.start as f64 * scale,
                    (range.end - range.start) as f64 * scale,
                )
            });
            ("split", bars.collect())
        }
    };
    let bytes = match &parameter.tied_to {
        Some(first) => format!("tied to {first}"),
        None => Bytes(parameter.bytes_on(rank, ranks)).to_string(),
    };
    let label = format!("rank {rank}, {class}: {bytes}");
    html! {
        svg class=(class) viewBox=(format!("0 0 {WIDTH} 8")) role="img" aria-label=(label) {
            rect.frame x="0" y="0" width=(WIDTH) height="8" {}
            @for (start, length) in bars {
                rect.held x=(format!("{start:.2}")) y="0" width=(format!("{length:.2}")) height="8" {}
            }
        }
        span.bytes { (bytes) }
    }
}

/// Bytes of all parameters on a rank.
fn held(report: &Explanation, rank: usize) -> u64 {
    let parameters = report.layers.iter().flat_map(|layer| &layer.parameters);
    let own = parameters.filter(|parameter| parameter.tied_to.is_none());
    own.map(|parameter| parameter.bytes_on(rank, report.setup.degree.get()))
        .sum()
}

fn calls(report: &Explanation, pass: &str, calls: &[CollectiveCall], prefix: &str) -> Markup {
    let Count {
        calls: count,
        bytes,
    } = Traffic::of(calls).total();
    html! {
        @if count == 0 {
            p { (pass) ": no collectives" }
        } @else {
            table {
                caption { (pass) ": " (count) " collectives, " (Bytes(bytes).to_string()) }
                thead {
                    tr {
                        th scope="col" { "collective" }
                        th scope="col" { "module" }
                        th scope="col" { "bytes of each" }
                        th scope="col" { "of what" }
                    }
                }
                tbody {
                    @for group in report.call_groups(calls) {
                        tr {
                            td { (group.collective) }
                            td { (group.name) (times(group.count)) }
                            td.number { (Bytes(group.bytes).to_string()) }
                            td { (prefix) (group.operand) }
                        }
                    }
                }
            }
        }
    }
}

/// What a training step costs a rank.
fn step(training: &TrainingCosts) -> Markup {
    let total: Traffic = training.traffic.iter().map(|part| part.traffic).sum();
    let Count { calls, bytes } = total.total();
    let kinds = training.traffic.iter().flat_map(|part| {
        let kinds = part.traffic.by_kind().into_iter();
        kinds.map(move |(kind, count)| (part, kind, count))
    });
    html! {
        h3 { "A training step" }
        p { (training.heading()) }
        table {
            caption { "Memory of a rank: " (Bytes(training.memory.peak).to_string()) " at most" }
            tbody {
                @for (what, bytes, remark) in training.memory.parts() {
                    tr {
                        th scope="row" { (what) }
                        td.number { (Bytes(bytes).to_string()) }
                        td { (remark) }
                    }
                }
            }
        }
        @if calls == 0 {
            p { "A step: no collectives" }
        } @else {
            table {
                caption { "A step: " (calls) " collectives, " (Bytes(bytes).to_string()) }
                thead {
                    tr {
                        th scope="col" { "ranks" }
                        th scope="col" { "what for" }
                        th scope="col" { "collective" }
                        th scope="col" { "calls" }
                        th scope="col" { "bytes of all" }
                    }
                }
                tbody {
                    @for (part, kind, count) in kinds.filter(|(_, _, count)| count.calls > 0) {
                        tr {
                            td { (part.group.to_string()) }
                            td { (part.purpose.to_string()) }
                            td { (kind) }
                            td.number { (count.calls) }
                            td.number { (Bytes(count.bytes).to_string()) }
                        }
                    }
                }
            }
        }
    }
}

fn times(count: usize) -> String {
    match count {
        1 => String::new(),
        many => format!(" ×{many}"),
    }
}

fn dimensions(shape: &[i64]) -> String {
    let lengths: Vec<String> = shape.iter().map(i64::to_string).collect();
    lengths.join(" × ")
}
