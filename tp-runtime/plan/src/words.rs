//! Lists of words in messages.

use std::fmt::{self, Display, Formatter};

/// `a`, `b` and `c`.
pub struct All<'a, T>(pub &'a [T]);

impl<T: Display> Display for All<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            match index {
                0 => write!(f, "`{word}`")?,
                _ if index + 1 == self.0.len() => write!(f, " and `{word}`")?,
                _ => write!(f, ", `{word}`")?,
            }
        }
        Ok(())
    }
}

/// ` did you mean …?`, where some known word is near.
pub struct Meant<'a>(pub &'a Option<&'static str>);

impl Display for Meant<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(near) => write!(f, " did you mean `{near}`?"),
            None => Ok(()),
        }
    }
}
