//! Memory that is never freed.
//!
//! A plan that `tp_plan!` writes is a constant of the program, and everything that reads plans takes it
//! as `&'static`. One that is read from a file while the program runs has to live as long; it is
//! some kilobytes, once per file.

/// The value for as long as the program runs.
pub(super) fn value<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

/// The text for as long as the program runs.
pub(super) fn text(text: &str) -> &'static str {
    Box::leak(Box::from(text))
}

/// The list for as long as the program runs.
pub(super) fn list<T>(list: Vec<T>) -> &'static [T] {
    list.leak()
}
