//! Deletes calls of the user's own traffic.

use super::TrafficStore;
use super::previous::Touched;
use crate::store::StoreError;
use crate::store::columns::{self, naive, rows, select};
use chrono::{DateTime, Utc};
use duckdb::params;
use serde::Serialize;

/// Which calls to delete. All conditions have to be met; without any, everything is deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forget {
    /// Only calls of this source.
    pub source: Option<String>,
    /// Only calls from this time on.
    pub from: Option<DateTime<Utc>>,
    /// Only calls before this time.
    pub to: Option<DateTime<Utc>>,
}

/// What was deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// Calls, sums included.
    pub calls: u64,
    /// Files of which nothing is left; they can be imported again.
    pub files: u64,
    /// Calls that remain.
    pub remaining_calls: u64,
    /// Files that remain.
    pub remaining_files: u64,
}

impl TrafficStore {
    /// Deletes calls, and files of which nothing is left. The database is then rewritten, so that the space is free
    /// and nothing of these calls is left in the file. A file of which calls remain stays known with the time of the
    /// calls that were deleted, so importing it again, even after it has grown, does not bring them back.
    ///
    /// # Errors
    /// See [`TrafficStore`]; [`StoreError::Io`] if the calls are deleted, but the file could not be written again.
    pub fn forget(&self, what: &Forget) -> Result<Forgotten, StoreError> {
        let time = |time: Option<DateTime<Utc>>| time.map(naive);
        let forgotten = self.change(|connection| {
            let parameters = params![what.source.as_deref(), time(what.from), time(what.to)];
            connection.execute(include_str!("../../../queries/traffic/forgotten.sql"), parameters)?;
            let sql = include_str!("../../../queries/traffic/forget.sql");
            let touched = Touched::new(connection)?;
            if let Some((_, condition)) = sql.split_once("WHERE ") {
                touched.add(condition, parameters)?;
            }
            let calls = connection.execute(sql, parameters)?;
            touched.find_previous_calls()?;
            let is_all = what.from.is_none() && what.to.is_none();
            let files = connection.execute(
                include_str!("../../../queries/traffic/forget_files.sql"),
                params![what.source.as_deref(), is_all],
            )?;
            connection
                .execute_batch("DELETE FROM deletion WHERE file_id NOT IN (SELECT file_id FROM log_file)")?;
            let left =
                "SELECT (SELECT count(*) FROM call) AS calls, (SELECT count(*) FROM log_file) AS files";
            let left = rows!(connection, left, [], |calls: u64, files: u64| (calls, files)).pop();
            let (remaining_calls, remaining_files) = left.unwrap_or_default();
            Ok(Forgotten { calls: calls as u64, files: files as u64, remaining_calls, remaining_files })
        })?;
        if forgotten.calls > 0 || forgotten.files > 0 {
            self.rewrite()?;
        }
        Ok(forgotten)
    }

    /// The names of the sources.
    ///
    /// # Errors
    /// See [`TrafficStore`].
    pub fn sources(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT source FROM log_file ORDER BY source";
        select!(self, sql, [], |source: String| source)
    }
}
