//! Why the hub gives no model, and what to do about it.

use std::path::PathBuf;

use hf_hub::api::sync::ApiError;
use thiserror::Error;
use ureq::Error as HttpError;

/// Why there is no answer, or no file.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// Another time or place may do better.
    #[error("no answer: {0}")]
    Unreachable(HttpError),
    #[error(
        "it refuses to show it (HTTP {0}), as a name that it does not know: check the name; {TOKEN}"
    )]
    Unauthorized(u16),
    #[error("its owner lets only some read it (HTTP 403): ask for access on its page; {TOKEN}")]
    Forbidden,
    #[error("it knows no such model or revision (HTTP 404)")]
    Unknown,
    #[error("its answer is of no use: {0}")]
    Answer(HttpError),
    #[error("another program is downloading it and holds `{}`: run this again when it is done", .0.display())]
    Busy(PathBuf),
    #[error(
        "what an earlier download left cannot be gone on with: remove the files `*.part` there, and run this again"
    )]
    Leftover,
    #[error("the download broke off: {0}; run this again, and it goes on where it ended")]
    BrokenOff(ApiError),
}

/// What to do about a model that not everyone may read.
const TOKEN: &str = "where it is private or gated, set HF_TOKEN to a token that may read it";

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::StatusCode(401) => Self::Unauthorized(401),
            HttpError::StatusCode(403) => Self::Forbidden,
            HttpError::StatusCode(404) => Self::Unknown,
            HttpError::StatusCode(429 | 500..) => Self::Unreachable(error),
            HttpError::StatusCode(_) | HttpError::Json(_) | HttpError::BadUri(_) => {
                Self::Answer(error)
            }
            _ => Self::Unreachable(error),
        }
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::RequestError(error) => match *error {
                HttpError::StatusCode(416) => Self::Leftover,
                error => error.into(),
            },
            ApiError::InvalidResume => Self::Leftover,
            ApiError::LockAcquisition(path) => Self::Busy(path),
            error => Self::BrokenOff(error),
        }
    }
}
