//! A page that needs nothing but itself.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Both HTML and XML, which void elements of HTML are not by themselves.
const META: &str = r#"<meta charset="utf-8"/><meta name="viewport" content="width=device-width, initial-scale=1"/>"#;

/// The page of a body under a title.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let title = visible(title);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                (PreEscaped(META))
                title { (title) }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                main {
                    h1 { (title) }
                    (body)
                }
            }
        }
    };
    page.into_string()
}

/// A text without what no page may hold: control characters.
pub(super) fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    text.replace(is_hidden, "\u{fffd}")
}
