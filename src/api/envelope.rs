//! The envelope of every answer: `{data, meta}`.

use super::problem::Problem;
use crate::prepared::{Prepared, Purpose};
use crate::snapshot::Snapshot;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The requested data, and the snapshot that they come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Envelope<T> {
    /// The requested data.
    pub data: T,
    /// The snapshot that the data come from.
    pub meta: Meta,
}

/// The origin of an answer. It contains nothing that changes as long as the snapshot does not, so ETags stay stable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Meta {
    /// Id of the snapshot.
    pub snapshot: String,
    /// Version of the method behind the numbers.
    pub method_version: u32,
    /// When the newest run observed the upstream.
    pub as_of: DateTime<Utc>,
    /// When the snapshot was built.
    pub built_at: DateTime<Utc>,
    /// Whether the upstream was a simulator.
    pub simulated: bool,
    /// Value of `cursor` for the next page; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
}

/// Prepares the response body for data of a snapshot.
///
/// # Errors
/// 500 if the data cannot be serialised as JSON, which would be a bug.
pub(super) fn enveloped<T: Serialize>(
    snapshot: &Snapshot,
    data: T,
    next_cursor: Option<String>,
    purpose: Purpose,
) -> Result<Prepared, Problem> {
    let meta = Meta {
        snapshot: snapshot.id.clone(),
        method_version: snapshot.method_version,
        as_of: snapshot.as_of,
        built_at: snapshot.built_at,
        simulated: snapshot.simulated,
        next_cursor,
    };
    let envelope = Envelope { data, meta };
    let body = serde_json::to_vec(&envelope).map_err(|error| Problem::unwritable(&error))?;
    Ok(purpose.prepare("application/json", body))
}
