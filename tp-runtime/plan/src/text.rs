//! A string that a `const fn` can build.

/// Text of at most [`Text::CAPACITY`] bytes.
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; Self::CAPACITY],
    length: usize,
}

impl Text {
    /// Room for the longest message about the longest path.
    pub const CAPACITY: usize = 2048;

    /// The pieces, one after another.
    ///
    /// # Panics
    /// If they are longer than [`Text::CAPACITY`].
    pub const fn of(pieces: &[&str]) -> Self {
        let mut text = Self {
            bytes: [0; Self::CAPACITY],
            length: 0,
        };
        let mut at = 0;
        while at < pieces.len() {
            text.push(pieces[at]);
            at += 1;
        }
        text
    }

    /// `path` inside the module `prefix`; an empty one is the model itself.
    pub const fn path(prefix: &str, path: &str) -> Self {
        if prefix.is_empty() || path.is_empty() {
            Self::of(&[prefix, path])
        } else {
            Self::of(&[prefix, ".", path])
        }
    }

    /// Appends `piece`.
    ///
    /// # Panics
    /// If the text grows longer than [`Text::CAPACITY`].
    pub const fn push(&mut self, piece: &str) {
        let piece = piece.as_bytes();
        assert!(
            self.length + piece.len() <= Self::CAPACITY,
            "a module path is too long"
        );
        let (_, free) = self.bytes.split_at_mut(self.length);
        free.split_at_mut(piece.len()).0.copy_from_slice(piece);
        self.length += piece.len();
    }

    /// Appends a number in decimal digits.
    ///
    /// # Panics
    /// As [`Text::push`].
    pub const fn push_number(&mut self, number: usize) {
        const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
        if number >= DIGITS.len() {
            self.push_number(number / DIGITS.len());
        }
        self.push(DIGITS[number % DIGITS.len()]);
    }

    /// The text.
    pub const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => unreachable!(), // only whole strings are appended
        }
    }
}
