//! `org/name` and `org/name@revision`.

use std::fmt;

use hf_hub::{Repo, RepoType};

/// The revision of a name that gives none.
const MAIN: &str = "main";
/// Hexadecimal digits of a commit.
const COMMIT: usize = 40;

/// The name of a model on the hub, and one of its revisions.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ModelName {
    pub(super) repository: String,
    /// A branch, a tag or a commit.
    pub(super) revision: String,
}

impl ModelName {
    /// The name that a text is; `None` for what can only be a path.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (repository, revision) = text.split_once('@').unwrap_or((text, MAIN));
        let (organization, name) = repository.split_once('/')?;
        let is_name = is_word(organization) && is_word(name) && !name.ends_with(".json");
        (is_name && revision.split('/').all(is_word)).then(|| Self {
            repository: repository.to_owned(),
            revision: revision.to_owned(),
        })
    }

    /// Whether it names a commit, which never changes.
    pub(super) fn is_commit(&self) -> bool {
        self.revision.len() == COMMIT && self.revision.chars().all(|c| c.is_ascii_hexdigit())
    }

    pub(super) fn repo(&self) -> Repo {
        let (repository, revision) = (self.repository.clone(), self.revision.clone());
        Repo::with_revision(repository, RepoType::Model, revision)
    }
}

/// What the hub takes for the parts of a name, and what stays inside a folder.
fn is_word(text: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_outer = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(is_outer) && text.chars().all(is_inner)
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.repository)?;
        match self.revision.as_str() {
            MAIN => Ok(()),
            revision => write!(f, "@{revision}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_an_organization_and_may_have_a_revision() {
        for (text, repository, revision) in [
            ("Qwen/Qwen2.5-0.5B", "Qwen/Qwen2.5-0.5B", "main"),
            ("org/name@v1.0", "org/name", "v1.0"),
            ("org/name@refs/pr/1", "org/name", "refs/pr/1"),
        ] {
            let name = ModelName::parse(text).expect("a name");
            assert_eq!((&*name.repository, &*name.revision), (repository, revision));
            assert_eq!(name.to_string(), text);
        }
    }

    #[test]
    fn what_can_only_be_a_path_is_no_name() {
        for text in [
            "llama",
            "./llama",
            "../llama",
            "/models/llama",
            "models/llama/config",
            "llama/config.json",
            "models/",
            "models/llama@",
            "models/llama@../../..",
            "models/my llama",
        ] {
            assert_eq!(ModelName::parse(text), None, "{text}");
        }
    }
}
