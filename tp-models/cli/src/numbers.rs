//! Numbers on the command line, and what they may be.

use std::num::NonZeroUsize;

/// How many ranks or threads there are: enough for every machine, and few enough to start.
pub(crate) fn count(text: &str) -> Result<NonZeroUsize, String> {
    let count = text.parse::<NonZeroUsize>().ok();
    count
        .filter(|count| count.get() <= 4096)
        .ok_or_else(|| "give a whole number from 1 to 4096".to_owned())
}

/// A number that divides or scales.
#[cfg(feature = "torch")]
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0, "a number above 0")
}

/// A number that may switch something off.
#[cfg(feature = "torch")]
pub(crate) fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |number| number >= 0.0, "0 or a number above it")
}

/// A part of all.
#[cfg(feature = "torch")]
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let fits = |number| 0.0 < number && number <= 1.0;
    number(text, fits, "a number above 0 and at most 1")
}

/// None, a part of all, or all.
#[cfg(feature = "torch")]
pub(crate) fn ratio(text: &str) -> Result<f64, String> {
    let fits = |number| (0.0..=1.0).contains(&number);
    number(text, fits, "a number from 0 to 1")
}

#[cfg(feature = "torch")]
fn number(text: &str, fits: impl Fn(f64) -> bool, wanted: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if f64::is_finite(number) && fits(number) => Ok(number),
        _ => Err(format!("give {wanted}")),
    }
}
