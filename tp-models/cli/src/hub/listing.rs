//! What the hub says that a model has.

use std::time::Duration;

use hf_hub::api::sync::ApiRepo;
use serde::Deserialize;

use super::Files;
use super::fault::Fault;

/// How long the hub may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The files of a revision.
#[derive(Deserialize)]
pub(super) struct Listing {
    /// The commit that the revision is.
    pub(super) sha: String,
    #[serde(rename = "siblings")]
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "rfilename")]
    name: String,
    /// Not every mirror says it.
    size: Option<u64>,
}

impl Listing {
    /// Asks the hub.
    ///
    /// # Errors
    /// When it gives no answer or refuses one.
    pub(super) fn of(repository: &ApiRepo) -> Result<Self, Fault> {
        let request = repository.info_request().query("blobs", "true");
        let request = request.config().timeout_global(Some(PATIENCE)).build();
        Ok(request.call()?.body_mut().read_json()?)
    }

    /// What is needed beside the weights.
    pub(super) fn companions(&self, files: Files) -> impl Iterator<Item = &str> {
        let names = self.files.iter().map(|file| file.name.as_str());
        names.filter(move |name| match files {
            Files::Config => describes(name),
            Files::Companions | Files::Checkpoint => describes(name) || travels(name),
        })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.files.iter().any(|file| file.name == name)
    }

    /// How many bytes a file has, where the hub says it.
    pub(super) fn size(&self, name: &str) -> Option<u64> {
        let file = self.files.iter().find(|file| file.name == name);
        file.and_then(|file| file.size)
    }
}

/// Whether a file says what the weights are.
fn describes(name: &str) -> bool {
    matches!(name, "config.json" | "hf_quant_config.json")
}

/// Whether a file goes with the weights when a model is run.
fn travels(name: &str) -> bool {
    if let Some(name) = name.strip_prefix("additional_chat_templates/") {
        return !name.contains('/') && name.ends_with(".jinja");
    }
    let is_beside = !name.contains('/');
    (is_beside && name.starts_with("tokenizer") && name.ends_with(".json"))
        || matches!(
            name,
            "added_tokens.json"
                | "chat_template.jinja"
                | "generation_config.json"
                | "preprocessor_config.json"
                | "processor_config.json"
                | "special_tokens_map.json"
        )
}
