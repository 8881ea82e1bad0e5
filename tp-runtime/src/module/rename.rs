//! Names of tensors in checkpoints that were written before a model's modules got their names of today.

/// A prefix of tensor names, and what it is called today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The prefix in the file.
    pub from: &'static str,
    /// The prefix in the model.
    pub to: &'static str,
}

impl Rename {
    /// `from` in the file is `to` in the model.
    pub const fn new(from: &'static str, to: &'static str) -> Self {
        Self { from, to }
    }

    /// The name in the model of the tensor that the file calls `stored`.
    pub fn apply(renames: &[Self], stored: &str) -> String {
        let renamed = renames.iter().find_map(|rename| {
            let rest = stored.strip_prefix(rename.from)?;
            Some(format!("{}{rest}", rename.to))
        });
        renamed.unwrap_or_else(|| stored.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_prefix_that_fits_is_renamed() {
        let renames = [
            Rename::new("language_model.lm_head", "lm_head"),
            Rename::new("language_model.", "model.language_model."),
        ];
        let name = |stored| Rename::apply(&renames, stored);
        assert_eq!(name("language_model.lm_head.weight"), "lm_head.weight");
        assert_eq!(
            name("language_model.norm.weight"),
            "model.language_model.norm.weight"
        );
        assert_eq!(name("model.norm.weight"), "model.norm.weight");
    }
}
