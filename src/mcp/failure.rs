//! Why a tool has no answer.

use crate::fetch::FetchError;
use serde::Deserialize;
use std::fmt;

/// A problem that the API states.
#[derive(Debug, Deserialize)]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
    nearest: Option<Vec<String>>,
}

impl Problem {
    /// Similar names that are known.
    pub(super) fn nearest(&self) -> &[String] {
        self.nearest.as_deref().unwrap_or_default()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind.as_str() {
            "/problems/unknown-model" => {
                "models; call find_model with a part of the name, then pass its model_id"
            }
            "/problems/unknown-provider" => {
                "providers; pass the base slug of a provider, such as the part of a tag \
                 before the slash"
            }
            _ => return f.write_str(&self.detail),
        };
        // The second half of the detail refers to fields of the API's answer.
        let detail = self.detail.rsplit_once("; ").map_or(self.detail.as_str(), |(first, _)| first);
        match self.nearest() {
            [] => write!(f, "{detail}. There are no similar {what}"),
            near => {
                let (noun, advice) = what.split_once("; ").unwrap_or((what, ""));
                write!(f, "{detail}. Similar {noun}: {}. Otherwise {advice}", near.join(", "))
            }
        }
    }
}

/// Why a tool has no answer. The message is for the client: what happened and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// An invalid argument.
    #[error("{0}")]
    Argument(String),
    /// The API states a problem.
    #[error("{0}")]
    Refused(Problem),
    /// The server does not respond.
    #[error("{0}; check that the server runs and that its URL is correct")]
    Fetch(FetchError),
    /// The response is not one of the API.
    #[error(
        "the response to {address} (status {status}) is not one of the hitrate API; check the URL of the server"
    )]
    NotTheApi {
        /// The path and query.
        address: String,
        /// The HTTP status.
        status: u16,
    },
}

// Not derived: the message already contains that of the cause, which would be printed twice.
impl From<FetchError> for Failure {
    fn from(error: FetchError) -> Self {
        Self::Fetch(error)
    }
}
