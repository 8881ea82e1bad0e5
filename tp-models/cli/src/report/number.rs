//! Numbers as people read them.

/// A number in four digits; a large or small one with an exponent.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return "not finite".to_owned();
    }
    if size != 0.0 && !(1e-3..1e7).contains(&size) {
        return exponent(value, 3);
    }
    let before = if size < 1.0 { 0 } else { size.log10() as usize };
    plain(value, 3_usize.saturating_sub(before))
}

/// A number with an exponent and at most so many digits after the point.
pub(super) fn exponent(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => format!("{}e{exponent}", without_zeros(mantissa)),
        None => text,
    }
}

/// A number with at most so many digits after the point.
pub(super) fn plain(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    without_zeros(&text).to_owned()
}

fn without_zeros(text: &str) -> &str {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_are_enough() {
        for (value, text) in [
            (0.0, "0"),
            (2.0, "2"),
            (2.34567, "2.346"),
            (0.012345, "0.012"),
            (123.456, "123.5"),
            (12345.6, "12346"),
            (3e-4, "3e-4"),
            (-1.23456e-7, "-1.235e-7"),
            (1.5e9, "1.5e9"),
            (f64::NAN, "not finite"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
