//! Writes calls to the table, column by column in batches: row by row, a million calls would take minutes.

use super::Resolved;
use super::names::name;
use crate::request_log::{Call, Name, SessionKind, Tokens};
use crate::store::StoreError;
use chrono::{DateTime, Utc};
use duckdb::Connection;
use duckdb::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use std::sync::Arc;

/// Rows of a batch. A batch takes a few MB.
const BATCH: usize = 16_384;

/// A call to write.
pub(super) struct NewCall<'a> {
    /// The call as read.
    pub call: &'a Call,
    /// When it started, according to all records of it.
    pub started_at: Option<DateTime<Utc>>,
    /// Session; a guessed one differs from the log.
    pub session: Option<Name>,
    /// What the session is based on.
    pub session_kind: SessionKind,
    /// What the public catalogue knows about it.
    pub resolved: Resolved,
}

impl NewCall<'_> {
    /// The time of the call: its start, otherwise its end.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        self.started_at.or(self.call.ended_at)
    }
}

/// Adds calls to a file, in the given order.
pub(super) fn append<'a>(
    connection: &Connection,
    file_id: i64,
    calls: impl Iterator<Item = NewCall<'a>>,
) -> Result<(), StoreError> {
    let mut calls = calls.peekable();
    if calls.peek().is_none() {
        return Ok(());
    }
    let names: Vec<&str> = columns(file_id, &[]).iter().map(|(name, _)| *name).collect();
    let mut appender = connection.appender_with_columns("call", &names)?;
    while calls.peek().is_some() {
        let batch: Vec<NewCall<'a>> = calls.by_ref().take(BATCH).collect();
        appender.append_record_batch(record_batch(columns(file_id, &batch))?)?;
    }
    Ok(appender.flush()?)
}

/// Columns of the same length as a batch.
pub(super) fn record_batch(columns: Vec<(&'static str, ArrayRef)>) -> Result<RecordBatch, StoreError> {
    RecordBatch::try_from_iter(columns)
        .map_err(|error| StoreError::Content { what: "batch of calls", detail: error.to_string() })
}

/// The columns of the table and their values.
fn columns(file_id: i64, calls: &[NewCall<'_>]) -> Vec<(&'static str, ArrayRef)> {
    let tokens: Vec<Tokens> = calls.iter().map(|row| row.call.tokens()).collect();
    let count = |of: fn(&Tokens) -> Option<u64>| longs(tokens.iter().map(|tokens| whole(of(tokens))));
    let raw = |of: fn(&Call) -> Option<u64>| longs(calls.iter().map(|row| whole(of(row.call))));
    let called =
        |of: fn(&Call) -> Option<&Name>| texts(calls.iter().map(|row| of(row.call).map(|name| &**name)));
    let known = |of: fn(&Resolved) -> Option<&Name>, written: fn(&Call) -> Option<&Name>| {
        texts(calls.iter().map(|row| of(&row.resolved).or(written(row.call)).map(|name| &**name)))
    };
    let real = |of: fn(&Call) -> Option<f64>| -> ArrayRef {
        Arc::new(
            calls.iter().map(|row| of(row.call).filter(|value| value.is_finite())).collect::<Float64Array>(),
        )
    };
    let short = |of: fn(&Call) -> Option<i32>| -> ArrayRef {
        Arc::new(calls.iter().map(|row| of(row.call)).collect::<Int32Array>())
    };
    let flag = |of: fn(&Call) -> Option<bool>| flags(calls.iter().map(|row| of(row.call)));
    let closed = |of: fn(&Call) -> &'static str| texts(calls.iter().map(|row| Some(of(row.call))));
    vec![
        ("file_id", longs(calls.iter().map(|_| Some(file_id)))),
        ("line", longs(calls.iter().map(|row| whole(Some(row.call.line))))),
        ("id", texts(calls.iter().map(|row| row.call.id.as_deref()))),
        ("id_kind", closed(|call| name(call.id_kind))),
        ("at", times(calls.iter().map(NewCall::at))),
        ("ended_at", times(calls.iter().map(|row| row.call.ended_at))),
        ("zone_known", flag(|call| Some(call.zone_known))),
        ("session", texts(calls.iter().map(|row| row.session.as_deref()))),
        ("given_session", texts(calls.iter().map(|row| given_session(row.call)))),
        ("session_kind", texts(calls.iter().map(|row| Some(name(row.session_kind))))),
        ("parent_session", called(|call| call.parent_session.as_ref())),
        ("agent", called(|call| call.agent.as_ref())),
        ("platform", called(|call| call.platform.as_ref())),
        ("model_sent", called(|call| call.model_sent.as_ref())),
        ("model_served", called(|call| call.model_served.as_ref())),
        ("model_key", texts(calls.iter().map(|row| row.resolved.model_key.as_deref()))),
        ("provider_name", called(|call| call.provider_name.as_ref())),
        ("provider_key", texts(calls.iter().map(|row| row.resolved.provider_key.as_deref()))),
        ("provider_tag", known(|found| found.provider_tag.as_ref(), |call| call.provider_tag.as_ref())),
        ("endpoint_id", known(|found| found.endpoint_id.as_ref(), |call| call.endpoint_id.as_ref())),
        ("is_ambiguous", flags(calls.iter().map(|row| Some(row.resolved.ambiguous)))),
        ("app", called(|call| call.app.as_ref())),
        ("key", called(|call| call.key.as_ref())),
        ("uncached", count(|tokens| tokens.uncached)),
        ("read", count(|tokens| tokens.read)),
        ("write", count(|tokens| tokens.write)),
        ("write_5m", count(|tokens| tokens.write_5m)),
        ("write_1h", count(|tokens| tokens.write_1h)),
        ("output_text", count(|tokens| tokens.output_text)),
        ("reasoning", count(|tokens| tokens.reasoning)),
        ("raw_input", raw(|call| call.raw.input)),
        ("raw_output", raw(|call| call.raw.output)),
        ("raw_total", raw(|call| call.raw.total)),
        ("rule_input", closed(|call| name(call.rule.input))),
        ("rule_output", closed(|call| name(call.rule.output))),
        ("output_is_minimum", flag(|call| Some(call.output_is_minimum))),
        ("paid", real(|call| call.paid)),
        ("paid_kind", closed(|call| name(call.paid_kind))),
        ("cache_saving", real(|call| call.cache_saving)),
        ("latency_ms", real(|call| call.latency_ms)),
        ("ttft_ms", real(|call| call.ttft_ms)),
        ("router_ms", real(|call| call.router_ms)),
        ("overhead_ms", real(|call| call.overhead_ms)),
        ("status", closed(|call| name(call.status))),
        ("http", short(|call| call.http.map(i32::from))),
        ("error_class", called(|call| call.error_class.as_ref())),
        ("attempts", short(|call| call.attempts.and_then(|n| i32::try_from(n).ok()))),
        ("finish", called(|call| call.finish.as_ref())),
        ("tool_calls", short(|call| call.tool_calls.and_then(|n| i32::try_from(n).ok()))),
        ("streamed", flag(|call| call.streamed)),
        ("service_tier", called(|call| call.service_tier.as_ref())),
        ("is_byok", flag(|call| call.is_byok)),
        ("gateway_cache_hit", flag(|call| Some(call.gateway_cache_hit))),
        ("aggregated", raw(|call| call.aggregated)),
    ]
}

/// The session as the log names it. Sums keep theirs.
fn given_session(call: &Call) -> Option<&str> {
    let is_given = call.session_kind == SessionKind::Given && call.aggregated.is_none();
    call.session.as_deref().filter(|_| is_given)
}

/// A count as the database stores it. The readers refuse counts that do not fit.
pub(super) fn whole(count: Option<u64>) -> Option<i64> {
    count.map(|count| i64::try_from(count).unwrap_or(i64::MAX))
}

pub(super) fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

pub(super) fn longs(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

pub(super) fn times(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    Arc::new(
        values.map(|time| time.map(|time| time.timestamp_micros())).collect::<TimestampMicrosecondArray>(),
    )
}

fn flags(values: impl Iterator<Item = Option<bool>>) -> ArrayRef {
    Arc::new(values.collect::<BooleanArray>())
}
