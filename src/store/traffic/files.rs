//! The imported files.

use super::TrafficStore;
use crate::store::StoreError;
use crate::store::columns::{self, Column, Value, select};
use chrono::{DateTime, Utc};
use serde::Serialize;

/// An imported file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportedFile {
    /// Key.
    pub file_id: i64,
    /// Identifier of its format.
    pub format: String,
    /// Name of its source.
    pub source: String,
    /// Path as given, or `receiver`.
    pub path: String,
    /// Digest of its bytes.
    pub sha256: String,
    /// Its size.
    pub bytes: i64,
    /// When it was imported.
    pub imported_at: DateTime<Utc>,
    /// Calls of it in the database now, sums included.
    pub calls: i64,
    /// Records left out because they repeat a call of this or another file.
    pub duplicates: i64,
    /// Time of its first call in the database.
    pub first_at: Option<DateTime<Utc>>,
    /// Time of its last call in the database.
    pub last_at: Option<DateTime<Utc>>,
    /// Calls that fit several endpoints of their provider.
    pub ambiguous: i64,
    /// Calls whose model is not in the public catalogue.
    pub unknown_models: i64,
    /// Entries that could not be used, by reason: number and first lines.
    pub unread: serde_json::Value,
    /// The rule of each model and its evidence.
    pub decisions: serde_json::Value,
    /// Whether its format states failures; otherwise they are not recorded.
    pub states_failures: bool,
}

impl ImportedFile {
    /// Number of entries that could not be used.
    pub fn unread_entries(&self) -> i64 {
        let reasons = self.unread.as_object().into_iter().flat_map(serde_json::Map::values);
        reasons.filter_map(|reason| reason.get("entries")?.as_i64()).sum()
    }
}

impl TrafficStore {
    /// The imported files, oldest import first.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn files(&self) -> Result<Vec<ImportedFile>, StoreError> {
        let sql = include_str!("../../../queries/traffic/files.sql");
        select!(
            self,
            sql,
            [],
            ImportedFile {
                file_id,
                format,
                source,
                path,
                sha256,
                bytes,
                imported_at,
                calls,
                duplicates,
                first_at,
                last_at,
                ambiguous,
                unknown_models,
                unread,
                decisions,
                states_failures,
            }
        )
    }
}

impl Value for serde_json::Value {
    fn read(column: &Column<'_>, row: usize) -> Result<Self, StoreError> {
        serde_json::from_str(column.text(row)?)
            .map_err(|error| StoreError::Content { what: "JSON value", detail: error.to_string() })
    }
}
