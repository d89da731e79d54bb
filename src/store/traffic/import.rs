//! Imports one file of a log: in one transaction, once, and without calls that are already there.

use super::matching::{Common, Compared};
use super::previous::Touched;
use super::resolve::Names;
use super::rows::{NewCall, append, longs, record_batch};
use super::sessions::Deciding;
use super::{Resolved, TrafficStore};
use crate::request_log::{Call, LogFile};
use crate::store::StoreError;
use crate::store::columns::{self, naive, rows};
use chrono::{DateTime, Utc};
use duckdb::{Connection, params};
use serde::Serialize;

/// How to import a file.
#[derive(Debug, Clone, Copy)]
pub struct ImportOptions<'a> {
    /// Name of the source; the format if there is none.
    pub source: Option<&'a str>,
    /// Whether to import calls of a platform that overlap in time with those of another source, without the calls that
    /// match one of them. Otherwise the file is refused.
    pub merge: bool,
    /// The time of the import.
    pub now: DateTime<Utc>,
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Name of the source.
    pub source: String,
    /// Whether exactly these bytes were imported before; then nothing was changed.
    pub already_imported: bool,
    /// Whether an earlier version of the file was imported before, to which this one adds.
    pub grown: bool,
    /// Calls that were added, sums included.
    pub calls: u64,
    /// How many of these are sums over several requests.
    pub sums: u64,
    /// Calls that were replaced by a more complete record of the same call.
    pub replaced: u64,
    /// Records left out because they repeat a call of this or another file.
    pub duplicates: u64,
    /// Calls left out because they match a call of another source by time, model and token counts.
    pub merged: u64,
    /// Calls left out because they were deleted from an earlier version of the file.
    pub deleted: u64,
    /// Added calls whose model is not in the public catalogue.
    pub unknown_models: u64,
    /// Added calls that fit several endpoints of their provider.
    pub ambiguous: u64,
}

impl TrafficStore {
    /// Imports a file. Calls that overlap with another source of their platform are refused.
    ///
    /// # Errors
    /// [`StoreError::Overlap`]; then, and after every other error, nothing is changed.
    pub fn import(
        &self,
        file: &LogFile,
        source: Option<&str>,
        now: DateTime<Utc>,
        resolve: &dyn Fn(&Call) -> Resolved,
    ) -> Result<Imported, StoreError> {
        self.import_with(file, &ImportOptions { source, merge: false, now }, resolve)
    }

    /// Imports a file.
    ///
    /// # Errors
    /// [`StoreError::Overlap`] without [`ImportOptions::merge`]; then, and after every other error, nothing is changed.
    pub fn import_with(
        &self,
        file: &LogFile,
        options: &ImportOptions<'_>,
        resolve: &dyn Fn(&Call) -> Resolved,
    ) -> Result<Imported, StoreError> {
        let source = options.source.unwrap_or(file.format.id);
        // A file without calls is not kept: it may be read as another format later.
        if file.found.calls.is_empty() {
            return Ok(Imported { source: source.to_owned(), ..Imported::default() });
        }
        self.change(|connection| {
            if is_known(connection, &file.sha256)? {
                let source = source.to_owned();
                return Ok(Imported { source, already_imported: true, ..Imported::default() });
            }
            let names = Names::of_calls(&file.found.calls, resolve);
            let older = older_version(connection, file, source)?;
            let calls = &file.found.calls;
            let compared = Compared { connection, calls, names: &names, source, older };
            let mut common = Common::default();
            if !is_empty(connection)? {
                common = compared.repeated()?;
                compared.merged(&mut common, options.merge)?;
                connection.execute_batch("DROP TABLE IF EXISTS incoming")?;
            }
            // A path with other content, such as the log of a new month, is another file.
            let older = older.filter(|_| common.of_this_file > 0);
            let deleted = deleted(connection, calls, &common, older)?;
            common.deleted = deleted.len();
            common.left_out.extend(deleted);
            store(connection, file, source, &names, &common, older, options.now)
        })
    }
}

/// Whether exactly these bytes were imported before.
fn is_known(connection: &Connection, sha256: &str) -> Result<bool, StoreError> {
    let sql = "SELECT file_id FROM log_file WHERE sha256 = ?";
    Ok(!rows!(connection, sql, [sha256], |file_id: i64| file_id).is_empty())
}

fn is_empty(connection: &Connection) -> Result<bool, StoreError> {
    Ok(rows!(connection, "SELECT file_id FROM call LIMIT 1", [], |file_id: i64| file_id).is_empty())
}

/// The newest imported file of the same path, format and source.
fn older_version(connection: &Connection, file: &LogFile, source: &str) -> Result<Option<i64>, StoreError> {
    if file.context.path.as_os_str().is_empty() {
        return Ok(None);
    }
    let sql = "SELECT file_id FROM log_file WHERE path = ? AND format = ? AND source = ?
        ORDER BY imported_at, file_id";
    let path = path_of(file);
    let parameters = params![path, file.format.id, source];
    Ok(rows!(connection, sql, parameters, |file_id: i64| file_id).pop())
}

/// The calls of a file that were deleted from an earlier version of it, by position.
fn deleted(
    connection: &Connection,
    calls: &[Call],
    common: &Common,
    older: Option<i64>,
) -> Result<Vec<usize>, StoreError> {
    let Some(older) = older else { return Ok(Vec::new()) };
    let sql = "SELECT first_at, last_at FROM deletion WHERE file_id = ?";
    let spans = rows!(connection, sql, [older], |first_at: DateTime<Utc>, last_at: DateTime<Utc>| {
        first_at..=last_at
    });
    let is_deleted = |number: &usize| {
        let is_new = !common.left_out.contains(number) && !common.started.contains_key(number);
        is_new && calls[*number].at().is_some_and(|at| spans.iter().any(|span| span.contains(&at)))
    };
    Ok((0..calls.len()).filter(is_deleted).collect())
}

/// The path of a file; `-` for standard input.
fn path_of(file: &LogFile) -> String {
    let path = file.context.path.to_string_lossy().into_owned();
    if path.is_empty() { "-".to_owned() } else { path }
}

/// Writes what is new in a file.
fn store(
    connection: &Connection,
    file: &LogFile,
    source: &str,
    names: &Names,
    common: &Common,
    older: Option<i64>,
    now: DateTime<Utc>,
) -> Result<Imported, StoreError> {
    let calls = &file.found.calls;
    let mut order: Vec<usize> = (0..calls.len()).filter(|number| !common.left_out.contains(number)).collect();
    let at = |number: usize| common.started.get(&number).copied().or(calls[number].at());
    order.sort_by_key(|number| (at(*number).is_none(), at(*number), calls[*number].line));
    let touched = Touched::new(connection)?;
    delete(connection, &common.replaced, &touched)?;
    let file_id = match older {
        Some(file_id) => file_id,
        None => {
            let sql = "SELECT coalesce(max(file_id), 0) + 1 AS file_id FROM log_file";
            rows!(connection, sql, [], |file_id: i64| file_id).pop().unwrap_or(1)
        }
    };
    let sessions = Deciding { connection, touched: &touched, calls, new: &order, at: &at, source, file_id }
        .sessions()?;
    let row = |number: &usize| {
        let call = &calls[*number];
        let (session, session_kind) = sessions[*number].clone();
        NewCall {
            call,
            started_at: common.started.get(number).copied().or(call.started_at),
            session,
            session_kind,
            resolved: names.of(*number).clone(),
        }
    };
    append(connection, file_id, order.iter().map(row))?;
    touched.add("file_id = ?", [file_id])?;
    touched.find_previous_calls()?;
    let count =
        |is: fn(&Resolved) -> bool| order.iter().filter(|number| is(names.of(**number))).count() as u64;
    let replaced = common.replaced.len() as u64;
    let repeated = (common.left_out.len() - common.merged - common.deleted) as u64 + replaced;
    let sums = order.iter().filter(|number| calls[**number].aggregated.is_some()).count() as u64;
    let added = (order.len() as u64).saturating_sub(replaced);
    let imported = Imported {
        source: source.to_owned(),
        already_imported: false,
        grown: older.is_some(),
        calls: added,
        sums: sums.min(added),
        replaced,
        duplicates: file.found.duplicates + repeated.saturating_sub(common.of_this_file as u64),
        merged: common.merged as u64,
        deleted: common.deleted as u64,
        unknown_models: count(|resolved| resolved.model_key.is_none()),
        ambiguous: count(|resolved| resolved.ambiguous),
    };
    record(connection, file, file_id, &imported, now)?;
    Ok(imported)
}

/// Deletes rows of the table by their places.
fn delete(connection: &Connection, places: &[i64], touched: &Touched<'_>) -> Result<(), StoreError> {
    if places.is_empty() {
        return Ok(());
    }
    connection.execute_batch("CREATE OR REPLACE TEMP TABLE replaced (place BIGINT NOT NULL)")?;
    let mut appender = connection.appender("replaced")?;
    appender.append_record_batch(record_batch(vec![(
        "place",
        longs(places.iter().map(|place| Some(*place))),
    )])?)?;
    appender.flush()?;
    drop(appender);
    let replaced = "rowid IN (SELECT place FROM replaced)";
    touched.add(replaced, [])?;
    connection.execute_batch(&format!("DELETE FROM call WHERE {replaced}; DROP TABLE replaced"))?;
    Ok(())
}

/// Writes the row of the file, or completes that of its earlier version.
fn record(
    connection: &Connection,
    file: &LogFile,
    file_id: i64,
    imported: &Imported,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let json = |value: serde_json::Result<String>| {
        value.map_err(|error| StoreError::Content { what: "JSON value", detail: error.to_string() })
    };
    let decisions = json(serde_json::to_string(&file.decisions))?;
    let unread = json(serde_json::to_string(&file.found.unread))?;
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let left_out = whole(imported.duplicates + imported.merged);
    if imported.grown {
        let sql = "UPDATE log_file SET sha256 = ?, bytes = ?, imported_at = CAST(? AS TIMESTAMP), calls = calls + ?,
            duplicates = ?, decisions = ?, unread = ? WHERE file_id = ?";
        connection.execute(
            sql,
            params![
                file.sha256,
                whole(file.bytes),
                naive(now),
                whole(imported.calls),
                left_out,
                decisions,
                unread,
                file_id
            ],
        )?;
        return Ok(());
    }
    let sql =
        "INSERT INTO log_file (file_id, format, source, path, sha256, bytes, imported_at, calls, duplicates,
        decisions, unread, states_failures) VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TIMESTAMP), ?, ?, ?, ?, ?)";
    connection.execute(
        sql,
        params![
            file_id,
            file.format.id,
            imported.source,
            path_of(file),
            file.sha256,
            whole(file.bytes),
            naive(now),
            whole(imported.calls),
            left_out,
            decisions,
            unread,
            file.format.states_failures
        ],
    )?;
    Ok(())
}
