//! `tojson`, as Python's `json.dumps` writes.

use std::io::{self, Write};

use minijinja::value::{Kwargs, Rest};
use minijinja::{Error, ErrorKind, Value};
use serde::Serialize;
use serde_json::ser::Formatter;

use super::python;

/// The filter's arguments, in their order.
const ARGUMENTS: [&str; 4] = ["ensure_ascii", "indent", "separators", "sort_keys"];

/// The filter, with the arguments that transformers gives it.
pub(super) fn to_json(value: &Value, given: Rest<Value>, named: Kwargs) -> Result<String, Error> {
    let mut arguments = ARGUMENTS.map(|_| Value::UNDEFINED);
    if given.len() > arguments.len() {
        return Err(refused("it takes no more than four arguments"));
    }
    for (index, argument) in arguments.iter_mut().enumerate() {
        let named: Option<Value> = named.get(ARGUMENTS[index])?;
        *argument = given.get(index).cloned().or(named).unwrap_or_default();
    }
    let [ensure_ascii, indent, separators, sort_keys] = &arguments;
    let style = Style::new(ensure_ascii.is_true(), indent, separators)?;
    named.assert_all_used()?;
    if value.is_undefined() {
        return Err(refused("an undefined value has no JSON"));
    }
    let mut json = serde_json::to_value(value).map_err(refused)?;
    if sort_keys.is_true() {
        json.sort_all_objects();
    }
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, style);
    json.serialize(&mut serializer).map_err(refused)?;
    String::from_utf8(text).map_err(refused)
}

fn refused(reason: impl ToString) -> Error {
    let reason = format!("`tojson`: {}", reason.to_string());
    Error::new(ErrorKind::InvalidOperation, reason)
}

/// Wider than any template asks for, and no way to fill the memory.
const WIDEST_INDENT: i64 = 64;

/// How Python sets out JSON.
struct Style {
    ascii: bool,
    /// What each level is indented by; without it all stands in one line.
    indent: Option<String>,
    between_items: String,
    after_key: String,
    depth: usize,
    has_items: bool,
}

impl Style {
    fn new(ascii: bool, indent: &Value, separators: &Value) -> Result<Self, Error> {
        let is_given = |value: &&Value| !value.is_none() && !value.is_undefined();
        let indent = Some(indent)
            .filter(is_given)
            .map(|indent| match indent.as_str() {
                Some(text) => Ok(text.to_owned()),
                None => {
                    let spaces = i64::try_from(indent.clone())?;
                    match spaces <= WIDEST_INDENT {
                        true => Ok(" ".repeat(spaces.max(0) as usize)),
                        false => Err(refused("its indent is too wide")),
                    }
                }
            });
        let indent = indent.transpose()?;
        let (between_items, after_key) = match Some(separators).filter(is_given) {
            Some(pair) => {
                let pair: Vec<Value> = pair.try_iter()?.collect();
                let [between_items, after_key] = &pair[..] else {
                    return Err(refused("`separators` takes two texts"));
                };
                (between_items.to_string(), after_key.to_string())
            }
            None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
            None => (", ".to_owned(), ": ".to_owned()),
        };
        Ok(Self {
            ascii,
            indent,
            between_items,
            after_key,
            depth: 0,
            has_items: false,
        })
    }

    fn open(&mut self, writer: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.has_items = false;
        writer.write_all(bracket)
    }

    fn close(&mut self, writer: &mut (impl Write + ?Sized), bracket: &[u8]) -> io::Result<()> {
        self.depth -= 1;
        if self.has_items {
            self.start_line(writer)?;
        }
        self.has_items = true;
        writer.write_all(bracket)
    }

    fn start_item(&mut self, writer: &mut (impl Write + ?Sized), first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(self.between_items.as_bytes())?;
        }
        self.start_line(writer)
    }

    fn start_line(&self, writer: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let Some(indent) = &self.indent else {
            return Ok(());
        };
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(indent.as_bytes()))
    }
}

impl Formatter for Style {
    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_array_value<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.start_item(writer, first)
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_items = true;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_object_key<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.start_item(writer, first)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(self.after_key.as_bytes())
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_items = true;
        Ok(())
    }

    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python::float(value).as_bytes())
    }

    fn write_string_fragment<W: Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if !self.ascii {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            match character {
                ' '..='~' => write!(writer, "{character}")?,
                _ => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        write!(writer, "\\u{unit:04x}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
