//! Sizes as people read them.

use std::fmt;

/// A number of bytes, in the unit that leaves one to four digits before the point.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut size = self.0 as f64;
        if size < 1024.0 {
            return f.pad(&format!("{} B", self.0));
        }
        let mut unit = "B";
        for larger in ["KiB", "MiB", "GiB", "TiB"] {
            // What would be printed as `1024.0` is one of the next unit.
            if size < 1023.95 {
                break;
            }
            (size, unit) = (size / 1024.0, larger);
        }
        f.pad(&format!("{size:.1} {unit}"))
    }
}

/// A part of a whole, in per cent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let share = if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    };
    format!("{:.1} %", 100.0 * share)
}

/// A number of bytes against another, in per cent of the other.
pub(super) fn change(own: u64, other: u64) -> String {
    match own <= other {
        true => format!("{} less", percent(other - own, other)),
        false => format!("{} more", percent(own - other, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_change_where_four_digits_end() {
        let text = |bytes| Bytes(bytes).to_string();
        assert_eq!(text(0), "0 B");
        assert_eq!(text(1023), "1023 B");
        assert_eq!(text(1024), "1.0 KiB");
        assert_eq!(text(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(text(1536 * 1024), "1.5 MiB");
        assert_eq!(text(13 << 30), "13.0 GiB");
    }
}
