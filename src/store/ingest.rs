//! Stores a run completely, in one transaction, or not at all. Storing the same run twice changes nothing.

mod numbers;
mod stage;

use self::numbers::number_endpoints;
use self::stage::{stage_closing, stage_lists, stage_prices, stage_readings};
use super::append::{Stored, append};
use super::columns::{self, naive, rows};
use super::facts::stage_facts;
use super::read::newest_time;
use super::transaction::{checkpoint, of_file, transaction, transaction_in_log};
use super::{Store, StoreError, days};
use crate::domain::document::RouteAnswer;
use crate::domain::finding::Findings;
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::reading::{RunReadings, RunStatus};
use crate::failpoint;
use chrono::{DateTime, Utc};
use duckdb::Connection;

const STAGE: &str = include_str!("../../queries/ingest/stage.sql");
const MERGE: &str = include_str!("../../queries/ingest/merge.sql");

/// The data of a run besides its readings.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Id.
    pub run_id: String,
    /// Outcome.
    pub status: RunStatus,
    /// The upstream's base address.
    pub upstream: String,
    /// The upstream's name.
    pub upstream_name: String,
    /// Whether the upstream was the simulator.
    pub simulated: bool,
    /// Requests sent.
    pub requests: usize,
    /// Documents archived.
    pub documents: usize,
    /// How long fetching took.
    pub duration_ms: i64,
    /// Whether the once-a-day routes were requested.
    pub activity: bool,
    /// Failures, as text for people.
    pub failures: Vec<String>,
    /// The findings against it: open ones and accepted ones.
    pub findings: Findings,
}

/// The result of storing a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingested {
    /// It was stored.
    Stored,
    /// It was already stored; nothing changed.
    Known,
}

impl Store {
    /// Stores a run.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] if a newer run is already stored; [`StoreError::Query`] otherwise. In both cases
    /// nothing of the run is stored.
    pub fn ingest(&self, record: &RunRecord, run: &RunReadings) -> Result<Ingested, StoreError> {
        let connection = self.writer()?;
        if known(&connection, &record.run_id)? {
            return Ok(Ingested::Known);
        }
        if failpoint::reach("store.invalidated").is_err() {
            // The checkpoint after the commit then ends as on a full disk: DuckDB declares the database invalid.
            connection.execute_batch("SET debug_checkpoint_abort = 'before_header'")?;
        }
        let ingested = transaction_in_log(&connection, || {
            forget_failed(&connection, &record.run_id)?;
            refuse_out_of_order(&connection, run.observed_at)?;
            ingest(&connection, record, run)?;
            failpoint::reach("ingest.commit").map_err(of_file(&connection))?;
            Ok(Ingested::Stored)
        })?;
        checkpoint(&connection, || failpoint::reach("ingest.checkpoint"));
        Ok(ingested)
    }

    /// Deletes the account rows of the runs from a time on, so that they can be stored again. None of these runs may be
    /// in the record.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] if one of them is in the record; then nothing is changed.
    pub fn forget_from(&self, time: DateTime<Utc>) -> Result<(), StoreError> {
        if let Some(newest) = self.newest_accepted()?.filter(|newest| *newest >= time) {
            return Err(StoreError::OutOfOrder { observed_at: time, newest });
        }
        let connection = self.writer()?;
        let sql = "SELECT run_id FROM run WHERE observed_at >= CAST(? AS TIMESTAMP)";
        let ids = rows!(connection, sql, [naive(time)], |run_id: String| run_id);
        transaction(&connection, || ids.iter().try_for_each(|run_id| forget_failed(&connection, run_id)))
    }
}

fn known(connection: &Connection, run_id: &str) -> Result<bool, StoreError> {
    let sql = "SELECT run_no FROM run WHERE run_id = ? AND status <> 'failed'";
    Ok(!rows!(connection, sql, [run_id], |run_no: i32| run_no).is_empty())
}

/// A run that is not in the record may be stored again under the same id: only its account row is replaced.
fn forget_failed(connection: &Connection, run_id: &str) -> Result<(), StoreError> {
    for table in ["run_source", "quarantine", "drift", "finding", "model_usage"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE run_no IN (SELECT run_no FROM run WHERE run_id = ?)"),
            [run_id],
        )?;
    }
    connection.execute("DELETE FROM run WHERE run_id = ?", [run_id])?;
    Ok(())
}

fn refuse_out_of_order(connection: &Connection, observed_at: DateTime<Utc>) -> Result<(), StoreError> {
    match newest_time(connection)? {
        Some(newest) if newest >= observed_at => Err(StoreError::OutOfOrder { observed_at, newest }),
        _ => Ok(()),
    }
}

fn ingest(connection: &Connection, record: &RunRecord, run: &RunReadings) -> Result<(), StoreError> {
    let sql = "SELECT coalesce(max(run_no), 0) + 1 AS run_no FROM run";
    let run_no = rows!(connection, sql, [], |run_no: i32| run_no).pop().unwrap_or(1);
    connection.execute_batch(STAGE)?;
    append!(connection, "stage_run", () in [()] => { run_no: run_no, observed_at: naive(run.observed_at) });
    insert_run(connection, run_no, record, run)?;
    insert_findings(connection, run_no, record, run)?;
    if !record.status.is_accepted() {
        // The run is not reliable, so it must not change anything that is known about the endpoints.
        return Ok(());
    }
    insert_model_usage(connection, run_no, run)?;
    days::close_before(connection, run.observed_at)?;
    let numbers = number_endpoints(connection, &record.upstream_name, run)?;
    stage_facts(connection, numbers.iter().zip(run.readings.iter().map(|reading| &reading.facts)))?;
    stage_prices(connection, run, &numbers)?;
    stage_readings(connection, run, &numbers)?;
    stage_closing(connection, run, &numbers)?;
    stage_lists(connection, run)?;
    failpoint::reach("ingest.readings").map_err(of_file(connection))?;
    connection.execute_batch(MERGE)?;
    days::add_late(connection, run_no, run_no)
}

fn insert_run(
    connection: &Connection,
    run_no: i32,
    record: &RunRecord,
    run: &RunReadings,
) -> Result<(), StoreError> {
    append!(connection, "run", () in [()] => {
        run_no: run_no,
        run_id: record.run_id,
        observed_at: naive(run.observed_at),
        status: record.status.as_str(),
        window_kind: run.window_kind.as_str(),
        upstream: record.upstream,
        upstream_name: record.upstream_name,
        simulated: record.simulated,
        requests: record.requests,
        documents: record.documents,
        readings: run.readings.iter().filter(|reading| reading.usage.is_some()).count(),
        endpoints: run.readings.len(),
        quarantined: run.quarantined.len(),
        drift: run.drift.len(),
        duration_ms: record.duration_ms,
        activity: record.activity,
        failures: record.failures.stored()?,
        comparison: run.comparison.map(RouteAnswer::as_str),
    });
    append!(connection, "run_source", source in &run.sources => {
        run_no: run_no,
        source: source.source,
        planned: source.planned,
        ok: source.ok,
        no_data: source.no_data,
        failed: source.failed,
    });
    Ok(())
}

/// The upstream's aggregates of an accepted run.
fn insert_model_usage(connection: &Connection, run_no: i32, run: &RunReadings) -> Result<(), StoreError> {
    append!(connection, "model_usage", one in &run.model_usage => {
        run_no: run_no,
        model: one.model.as_str(),
        variant: one.variant.as_str(),
        hit_rate: one.hit_rate,
        effective_input: one.effective_input,
        effective_output: one.effective_output,
    });
    Ok(())
}

fn insert_findings(
    connection: &Connection,
    run_no: i32,
    record: &RunRecord,
    run: &RunReadings,
) -> Result<(), StoreError> {
    let open = record.findings.open.iter().map(|one| (one, false));
    let accepted = record.findings.accepted.iter().map(|one| (one, true));
    append!(connection, "finding", (finding, accepted) in open.chain(accepted) => {
        run_no: run_no,
        field: finding.field,
        check_name: finding.check.as_str(),
        before: finding.before,
        after: finding.after,
        detail: finding.detail,
        accepted: accepted,
    });
    append!(connection, "quarantine", row in &run.quarantined => {
        run_no: run_no,
        reason: row.reason.as_str(),
        kind: row.kind.as_str(),
        model: row.model.as_ref().map(ModelSlug::as_str),
        variant: row.variant.as_ref().map(Variant::as_str),
        path: row.path,
        detail: row.detail,
        tokens: row.tokens,
        sha256: row.sha256,
    });
    append!(connection, "drift", (path, count) in &run.drift => {
        run_no: run_no,
        kind: path.kind,
        path: path.path,
        count: i32::try_from(*count).unwrap_or(i32::MAX),
    });
    Ok(())
}
