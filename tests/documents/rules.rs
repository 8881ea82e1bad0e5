//! The tables of docs/plans.md that say what a style takes and does: printed from the rules.
//!
//! `SNAPSHOTS=overwrite cargo test -p tp-tests --test documents` writes them anew.

use std::{env, fs};

use tp_runtime::plan::{
    Argument, FEATURES, Makes, ModuleKind, Placement, Reads, Rule, SEQUENCE, StyleKind,
};

use super::{read, root};

const GUIDE: &str = "docs/plans.md";

#[test]
fn the_guide_has_the_rules_of_styles_and_arguments() {
    let mut guide = read(GUIDE);
    for table in [styles(), arguments()] {
        let head = table.lines().next().expect("a table has a head");
        let start = guide.find(head).expect("the guide has the table");
        let end = guide[start..].find("\n\n").expect("the table ends") + start;
        guide.replace_range(start..end, table.trim_end());
    }
    if env::var_os("SNAPSHOTS").is_some_and(|wish| wish == "overwrite") {
        fs::write(root().join(GUIDE), &guide).expect("tests can write here");
    }
    assert!(
        read(GUIDE) == guide,
        "{GUIDE} differs; SNAPSHOTS=overwrite writes it anew"
    );
}

fn styles() -> String {
    let mut table = head(&[
        "style",
        "on",
        "parameters",
        "takes `input:`",
        "and reads",
        "makes",
        "gives `output:`",
        "in PyTorch",
    ]);
    for style in StyleKind::ALL {
        let class = match style.python().source {
            None => format!("`{}`", style.python().name),
            Some(_) => "as in AutoModel".to_owned(),
        };
        let mut once = [format!("`{}`", style.name()), class];
        for (kind, rule) in rules(style) {
            let [name, class] = once.each_mut().map(std::mem::take);
            let default = style.style();
            table.push_str(&line(&[
                name,
                without_article(kind).to_owned(),
                parameters(rule),
                layouts(rule.inputs, default.input),
                reads(rule.reads).to_owned(),
                makes(rule),
                layouts(rule.outputs, default.output),
                class,
            ]));
        }
    }
    table
}

fn arguments() -> String {
    let mut table = head(&["argument", "of", "meaning", "in PyTorch"]);
    for argument in Argument::ALL {
        let keyword = argument.python().parameter;
        table.push_str(&line(&[
            format!("`{}:`", argument.name()),
            takers(argument),
            meaning(argument).to_owned(),
            keyword.map_or_else(String::new, |name| format!("`{name}`")),
        ]));
    }
    table
}

/// The kinds that a style fits, with what it makes of each.
fn rules(style: StyleKind) -> impl Iterator<Item = (ModuleKind, &'static Rule)> {
    let kinds = ModuleKind::LAYERS.into_iter();
    kinds.filter_map(move |kind| Some((kind, kind.rule(Some(style))?)))
}

fn without_article(kind: ModuleKind) -> &'static str {
    kind.name().split_once(' ').expect("an article").1
}

fn parameters(rule: &Rule) -> String {
    if rule.split().is_none() {
        return "replicated".to_owned();
    }
    let parameters = rule.parameters.iter().map(|(name, placement)| {
        let placement = match placement {
            Placement::Replicate => "replicated".to_owned(),
            split => format!("`{split}`"),
        };
        format!("{name} {placement}")
    });
    parameters.collect::<Vec<_>>().join(", ")
}

/// The legal layouts, the style's default in bold.
fn layouts(legal: &[Placement], default: Placement) -> String {
    let written = legal.iter().map(|layout| match *layout == default {
        true => format!("**`{layout}`**"),
        false => format!("`{layout}`"),
    });
    let written = written.collect::<Vec<_>>().join(", ");
    match legal.contains(&default) {
        true => written,
        false => format!("{written}, to be written"),
    }
}

fn reads(reads: Reads) -> &'static str {
    match reads {
        Reads::Ids => "ids",
        Reads::Whole => "all of it",
        Reads::Chunk(FEATURES) => "its chunk of the features",
        Reads::Chunk(SEQUENCE) => "its chunk of the sequence",
        Reads::Chunk(_) => "its chunk",
        Reads::Rows => "the positions at hand",
        Reads::Aside => "no activation",
    }
}

fn makes(rule: &Rule) -> String {
    match (rule.makes, rule.reads) {
        (Makes::Placed(placement), _) => format!("`{placement}`"),
        (Makes::AsRead, Reads::Aside) => String::new(),
        (Makes::AsRead, _) => "the same part".to_owned(),
    }
}

/// The styles with the argument, and the kinds of layer where it is not for all that the style fits.
fn takers(argument: Argument) -> String {
    let takers = StyleKind::ALL.into_iter().filter_map(|style| {
        let kinds = || rules(style).filter(|(_, rule)| rule.takes(argument));
        let names: Vec<&str> = kinds().map(|(kind, _)| kind.name()).collect();
        match names.len() {
            0 => None,
            all if all == rules(style).count() => Some(format!("`{}`", style.name())),
            _ => Some(format!("`{}` on {}", style.name(), names.join(" or "))),
        }
    });
    let takers: Vec<String> = takers.collect();
    match takers.len() == StyleKind::ALL.len() {
        true => "all".to_owned(),
        false => takers.join(", "),
    }
}

fn meaning(argument: Argument) -> &'static str {
    match argument {
        Argument::Input => "layout of the activation the module is given",
        Argument::Output => "layout of the activation it gives",
        Argument::Sequence => "the split dimension; `Shard(1)` is the only one",
        Argument::Segments => "the parts of a fused layer, each split by itself",
        Argument::Local => {
            "whether Python would unwrap the output; without meaning here, kept for export"
        }
    }
}

fn head(columns: &[&str]) -> String {
    let titles = columns.iter().map(|title| (*title).to_owned());
    let head = line(&titles.collect::<Vec<_>>());
    format!("{head}|{}\n", "---|".repeat(columns.len()))
}

/// A line of a table; a cell without text is one space.
fn line(cells: &[String]) -> String {
    let cells = cells.iter().map(|cell| match cell.is_empty() {
        true => " |".to_owned(),
        false => format!(" {cell} |"),
    });
    format!("|{}\n", cells.collect::<String>())
}
