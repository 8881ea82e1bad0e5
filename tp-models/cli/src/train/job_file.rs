//! A job as a file: TOML whose keys are the flags of `tp train`.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use clap::{ArgAction, ArgMatches, Command};
use toml::{Table, Value};
use tp_runtime::plan::nearest::nearest;

/// What is no part of a job that can be made again.
const NOT_KEPT: [&str; 4] = ["job", "resume", "dry_run", "help"];
/// Flags of which one is given.
const EITHER: [[&str; 2]; 2] = [["model", "config"], ["steps", "epochs"]];

/// The arguments of this process with those of a job file, `tp train FILE …`, in its place; what the command line says
/// wins.
///
/// # Errors
/// When the file cannot be read, or a key of it is no flag.
pub(crate) fn expand(arguments: Vec<OsString>, train: &Command) -> Result<Vec<OsString>> {
    let (Some(command), Some(file)) = (arguments.get(1), arguments.get(2)) else {
        return Ok(arguments);
    };
    if command != OsStr::new("train") || file.to_string_lossy().starts_with('-') {
        return Ok(arguments);
    }
    let (path, given) = (Path::new(file), &arguments[3..]);
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the job file `{}`", path.display()))?;
    let table: Table = text
        .parse()
        .with_context(|| format!("the job file `{}` is no TOML", path.display()))?;
    let flags = flags(&table, given, train);
    let flags = flags.with_context(|| format!("the job file `{}`", path.display()))?;
    let before = arguments[..2].iter().cloned();
    Ok(before.chain(flags).chain(given.iter().cloned()).collect())
}

/// The flags that a table stands for, less those that are given.
fn flags(table: &Table, given: &[OsString], train: &Command) -> Result<Vec<OsString>> {
    let is_given = |name: &str| {
        let flag = format!("--{name}");
        given.iter().map(|one| one.to_string_lossy()).any(|one| {
            one.strip_prefix(&flag)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        })
    };
    let mut flags = Vec::new();
    for (key, value) in table {
        let mut known = train
            .get_arguments()
            .filter_map(|argument| Some((argument.get_long()?, argument)));
        let Some((_, argument)) = known.find(|(long, _)| long == key) else {
            let all = train
                .get_arguments()
                .filter_map(|argument| argument.get_long());
            let meant = nearest(key, all).map(|near| format!(": `{near}` is one"));
            bail!(
                "`{key}` is no flag of `tp train`{}",
                meant.unwrap_or_default()
            );
        };
        let either = EITHER.iter().find(|pair| pair.contains(&key.as_str()));
        let others = either.into_iter().flatten();
        if is_given(key) || others.copied().any(is_given) {
            continue;
        }
        let takes_value = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
        match value {
            Value::Boolean(is_set) => {
                ensure!(!takes_value, "`{key}` is {is_set}: it takes a value");
                flags.extend(is_set.then(|| format!("--{key}")));
            }
            Value::Array(values) if takes_value => {
                for value in values {
                    flags.push(format!("--{key}={}", text(key, value)?));
                }
            }
            value => {
                ensure!(takes_value, "`{key}` is {value}: it is true or false");
                flags.push(format!("--{key}={}", text(key, value)?));
            }
        }
    }
    Ok(flags.into_iter().map(OsString::from).collect())
}

fn text(key: &str, value: &Value) -> Result<String> {
    Ok(match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        _ => bail!("`{key}` is {value}: give a text or a number"),
    })
}

/// The job that the command line and its file come to, defaults included, as a file.
///
/// # Errors
/// When a value is no Unicode, which TOML holds alone.
pub(crate) fn written(train: &Command, matches: &ArgMatches) -> Result<String> {
    let mut table = Table::new();
    for argument in train.get_arguments() {
        let id = argument.get_id().as_str();
        let Some(long) = argument.get_long().filter(|_| !NOT_KEPT.contains(&id)) else {
            continue;
        };
        if !matches!(argument.get_action(), ArgAction::Set | ArgAction::Append) {
            if matches.get_flag(id) {
                table.insert(long.to_owned(), Value::Boolean(true));
            }
            continue;
        }
        let Some(values) = matches.get_raw(id) else {
            continue;
        };
        let values = values.map(|value| {
            let text = value
                .to_str()
                .with_context(|| format!("--{long} is no Unicode"))?;
            Ok(toml_value(text))
        });
        let mut values = values.collect::<Result<Vec<Value>>>()?;
        let value = match argument.get_action() {
            ArgAction::Append => Value::Array(values),
            _ => values.remove(0),
        };
        table.insert(long.to_owned(), value);
    }
    // What is an adapter's means nothing without one.
    if !table.contains_key("lora-rank") {
        table.retain(|key, _| !key.starts_with("lora-"));
    }
    Ok(toml::to_string(&table)?)
}

fn toml_value(text: &str) -> Value {
    match (text.parse(), text.parse::<f64>()) {
        (Ok(number), _) => Value::Integer(number),
        (_, Ok(number)) if number.is_finite() => Value::Float(number),
        _ => Value::String(text.to_owned()),
    }
}
