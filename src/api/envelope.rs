//! The frame of every answer: `{data, meta}`.

use super::problem::Problem;
use crate::prepared::{Prepared, Purpose};
use crate::snapshot::Snapshot;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What was asked for, and from which snapshot it comes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Envelope<T> {
    /// What was asked for.
    pub data: T,
    /// Where it comes from.
    pub meta: Meta,
}

/// Where an answer comes from. It holds nothing that changes while the snapshot stays, so that ETags stay too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Meta {
    /// Id of the snapshot.
    pub snapshot: String,
    /// Version of the method that made the numbers.
    pub method_version: u32,
    /// When the newest run looked at the upstream.
    pub as_of: DateTime<Utc>,
    /// When the snapshot was built.
    pub built_at: DateTime<Utc>,
    /// Whether the upstream was a simulator.
    pub simulated: bool,
    /// What to pass as `cursor` for the next page; only in lists that go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_cursor: Option<String>,
}

impl Meta {
    fn of(snapshot: &Snapshot, next_cursor: Option<String>) -> Self {
        Self {
            snapshot: snapshot.id.clone(),
            method_version: snapshot.method_version,
            as_of: snapshot.as_of,
            built_at: snapshot.built_at,
            simulated: snapshot.simulated,
            next_cursor,
        }
    }
}

/// Prepares the body for some data of a snapshot.
///
/// # Errors
/// 500 where the data cannot be written as JSON, which would be a defect.
pub(super) fn enveloped<T: Serialize>(
    snapshot: &Snapshot,
    data: T,
    next_cursor: Option<String>,
    purpose: Purpose,
) -> Result<Prepared, Problem> {
    let envelope = Envelope { data, meta: Meta::of(snapshot, next_cursor) };
    let body = serde_json::to_vec(&envelope).map_err(|error| Problem::unwritable(&error))?;
    Ok(purpose.prepare("application/json", body))
}
