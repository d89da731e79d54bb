//! Stores a run completely, in one transaction, or not at all. Storing the same run twice changes nothing.

use super::append::append;
use super::columns::{self, each_row, naive, rows};
use super::read::newest_time;
use super::uptime::StoredUptime;
use super::{Store, StoreError, days};
use crate::domain::document::RouteAnswer;
use crate::domain::event::EventKind;
use crate::domain::finding::Findings;
use crate::domain::ids::{ModelSlug, Tag, Variant, synthetic_endpoint_id};
use crate::domain::reading::{Health, Reading, RunReadings, RunStatus, Usage};
use crate::domain::units::{HitRate, UsdPerMtok};
use crate::domain::window::WindowKind;
use chrono::{DateTime, Utc};
use duckdb::{Connection, params};
use std::collections::HashMap;
use uuid::Uuid;

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
        let connection = self.writer();
        if known(&connection, &record.run_id)? {
            return Ok(Ingested::Known);
        }
        connection.execute_batch("BEGIN")?;
        let _open = RolledBackOnPanic(&connection);
        let outcome = forget_failed(&connection, &record.run_id)
            .and_then(|()| refuse_out_of_order(&connection, run.observed_at))
            .and_then(|()| ingest(&connection, record, run));
        match outcome {
            Ok(()) => {
                connection.execute_batch("COMMIT; CHECKPOINT;")?;
                Ok(Ingested::Stored)
            }
            Err(error) => {
                connection.execute_batch("ROLLBACK")?;
                Err(error)
            }
        }
    }
}

impl Store {
    /// Deletes the account rows of the runs from a time on, so that they can be stored again. None of these runs may be
    /// in the record.
    ///
    /// # Errors
    /// [`StoreError::OutOfOrder`] if one of them is in the record; then nothing is changed.
    pub fn forget_from(&self, time: DateTime<Utc>) -> Result<(), StoreError> {
        if let Some(newest) = self.newest_accepted()?.filter(|newest| *newest >= time) {
            return Err(StoreError::OutOfOrder {
                observed_at: time.to_rfc3339(),
                newest: newest.to_rfc3339(),
            });
        }
        let connection = self.writer();
        let sql = "SELECT run_id FROM run WHERE observed_at >= CAST(? AS TIMESTAMP)";
        let ids = rows!(connection, sql, [naive(time)], |run_id: String| run_id);
        connection.execute_batch("BEGIN")?;
        let forgotten = ids.iter().try_for_each(|run_id| forget_failed(&connection, run_id));
        connection.execute_batch(if forgotten.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        forgotten
    }
}

/// Rolls back the transaction of a connection if the thread panics, because the connection is used again.
struct RolledBackOnPanic<'a>(&'a Connection);

impl Drop for RolledBackOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Err(error) = self.0.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "cannot roll back the transaction of a run that panicked");
        }
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
        Some(newest) if newest >= observed_at => {
            Err(StoreError::OutOfOrder { observed_at: observed_at.to_rfc3339(), newest: newest.to_rfc3339() })
        }
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
    window_event(connection, run_no, run)?;
    let numbers = number_endpoints(connection, &record.upstream_name, run)?;
    stage_readings(connection, run, &numbers)?;
    stage_closing(connection, run, &numbers)?;
    stage_lists(connection, run)?;
    connection.execute_batch(MERGE)?;
    days::add_late(connection, run_no, run_no)
}

/// When a usage summary was read and which day it covers, relative to the run: small numbers take little space.
struct ReadAt {
    /// UTC day of the run minus the day of the summary.
    day_back: i16,
    /// Seconds from the start of the run to the response.
    after_s: i32,
}

impl ReadAt {
    fn of(usage: Option<&Usage>, observed_at: DateTime<Utc>) -> Self {
        let today = observed_at.date_naive();
        let back = usage.and_then(|usage| usage.day).map_or(0, |day| (today - day).num_days());
        let after =
            usage.and_then(|usage| usage.read_at).map_or(0, |time| (time - observed_at).num_seconds());
        Self {
            day_back: i16::try_from(back).unwrap_or(i16::MAX),
            after_s: i32::try_from(after).unwrap_or(0).max(0),
        }
    }
}

/// The known endpoints, by UUID and by the substitute for an unknown UUID.
struct Numbers {
    next: i32,
    by_id: HashMap<Uuid, i32>,
    by_stand_in: HashMap<Uuid, Option<(i32, bool)>>,
}

impl Numbers {
    fn load(connection: &Connection) -> Result<Self, StoreError> {
        let sql = "SELECT e.endpoint_no, CAST(e.endpoint_id AS VARCHAR) AS id, e.synthetic, e.model, e.variant, h.tag
             FROM endpoint e LEFT JOIN endpoint_history h ON h.endpoint_no = e.endpoint_no AND h.valid_to IS NULL";
        let mut statement = connection.prepare(sql)?;
        let mut numbers = Self { next: 1, by_id: HashMap::new(), by_stand_in: HashMap::new() };
        for batch in statement.query_arrow([])? {
            each_row!(&batch, |endpoint_no: i32,
                               id: Uuid,
                               synthetic: bool,
                               model: ModelSlug,
                               variant: Variant,
                               tag: Option<Tag>| {
                numbers.next = numbers.next.max(endpoint_no + 1);
                numbers.by_id.insert(id, endpoint_no);
                let Some(tag) = tag else { continue };
                // Two endpoints share this tag, so it identifies neither.
                numbers
                    .by_stand_in
                    .entry(synthetic_endpoint_id(&model, &variant, &tag))
                    .and_modify(|entry| *entry = None)
                    .or_insert(Some((endpoint_no, synthetic)));
            });
        }
        Ok(numbers)
    }
}

/// Finds or creates the short key of every reading's endpoint, and links endpoints whose UUID has become known.
fn number_endpoints(
    connection: &Connection,
    upstream_name: &str,
    run: &RunReadings,
) -> Result<Vec<i32>, StoreError> {
    let mut numbers = Numbers::load(connection)?;
    let mut added = Vec::new();
    let mut linked: Vec<(i32, Uuid)> = Vec::new();
    let mut keys = Vec::with_capacity(run.readings.len());
    for reading in &run.readings {
        let facts = &reading.facts;
        let stand_in = synthetic_endpoint_id(&facts.model, &facts.variant, &facts.tag);
        let by_tag = numbers.by_stand_in.get(&stand_in).copied().flatten();
        let known = match facts.endpoint_id {
            Some(id) => numbers.by_id.get(&id).copied().or_else(|| {
                let (number, _) = by_tag.filter(|(_, synthetic)| *synthetic)?;
                linked.push((number, id));
                numbers.by_id.insert(id, number);
                Some(number)
            }),
            None => by_tag.map(|(number, _)| number).or_else(|| numbers.by_id.get(&stand_in).copied()),
        };
        let number = match known {
            Some(number) => number,
            None => {
                let number = numbers.next;
                numbers.next += 1;
                let id = facts.endpoint_id.unwrap_or(stand_in);
                numbers.by_id.insert(id, number);
                added.push((number, id, facts));
                number
            }
        };
        keys.push(number);
    }
    append!(connection, "endpoint", (number, id, facts) in added => {
        endpoint_no: number,
        endpoint_id: id.to_string(),
        synthetic: facts.endpoint_id.is_none(),
        model: facts.model.as_str(),
        variant: facts.variant.as_str(),
        first_seen: naive(run.observed_at),
        upstream_name: upstream_name,
    });
    for (number, id) in linked {
        connection.execute(
            "UPDATE endpoint SET endpoint_id = CAST(? AS UUID), synthetic = false WHERE endpoint_no = ?",
            params![id.to_string(), number],
        )?;
    }
    Ok(keys)
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Content { what: "JSON value", detail: error.to_string() })
}

fn decimal(price: Option<UsdPerMtok>) -> Option<String> {
    price.map(|price| price.0.to_string())
}

/// Facts, prices, usage and health of the endpoints.
fn stage_readings(connection: &Connection, run: &RunReadings, keys: &[i32]) -> Result<(), StoreError> {
    let staged = run.readings.iter().zip(keys).map(|(reading, key)| {
        let read = ReadAt::of(reading.usage.as_ref(), run.observed_at);
        let Health { uptime_5m, uptime_30m, uptime_1d, counters_1d, .. } = reading.health;
        let uptimes = [uptime_5m, uptime_30m, uptime_1d].map(StoredUptime::of);
        (key, reading, reading.usage, uptimes, counters_1d, read)
    });
    append!(connection, "stage_reading",
        (key, Reading { facts, prices, health, .. }, usage, [up_5m, up_30m, up_1d], counters, read) in staged => {
        endpoint_no: key,
        provider: facts.provider.as_str(),
        provider_name: facts.provider_name,
        tag: facts.tag.as_str(),
        quantization: facts.quantization,
        context_length: facts.context_length,
        max_completion_tokens: facts.max_completion_tokens,
        max_prompt_tokens: facts.max_prompt_tokens,
        region: facts.region,
        trains_on_prompts: facts.trains_on_prompts,
        retains_prompts: facts.retains_prompts,
        parameters: json(&facts.parameters)?,
        restricted: facts.restricted == Some(true),
        deranked: facts.deranked,
        disabled: facts.disabled,
        deprecation_date: facts.deprecation_date.map(naive),
        created_at: facts.created_at.map(naive),
        list_input: decimal(prices.input),
        list_output: decimal(prices.output),
        list_cache_read: decimal(prices.cache_read),
        list_cache_write: decimal(prices.cache_write),
        list_cache_write_1h: decimal(prices.cache_write_1h),
        discount: prices.discount,
        price_tiers: json(&prices.tiers)?,
        hit_rate: usage.and_then(|usage| usage.hit_rate).map(HitRate::get),
        tokens: usage.and_then(|usage| usage.tokens),
        effective_input: usage.and_then(|usage| usage.effective_input),
        effective_output: usage.and_then(|usage| usage.effective_output),
        down_5m: up_5m.down,
        of_5m: up_5m.of,
        exact_5m: up_5m.exact,
        down_30m: up_30m.down,
        of_30m: up_30m.of,
        exact_30m: up_30m.exact,
        down_1d: up_1d.down,
        of_1d: up_1d.of,
        exact_1d: up_1d.exact,
        status: health.status.and_then(|status| i16::try_from(status).ok()),
        success_1d: counters.map(|counters| counters.success),
        error_1d: counters.map(|counters| counters.error),
        rate_limited_1d: counters.map(|counters| counters.rate_limited),
        throughput: health.throughput,
        latency_ms: health.latency_ms,
        requests_30m: health.requests_30m,
        usage_day_back: read.day_back,
        usage_after_s: read.after_s,
    });
    Ok(())
}

/// The closing prices of past days from the charts of the endpoints.
fn stage_closing(connection: &Connection, run: &RunReadings, keys: &[i32]) -> Result<(), StoreError> {
    let closing = run.readings.iter().zip(keys);
    let closing = closing.flat_map(|(reading, key)| reading.closing_prices.iter().map(move |one| (key, one)));
    append!(connection, "stage_closing", (key, (day, (input, output))) in closing => {
        endpoint_no: key,
        day: day.to_string(),
        effective_input: input,
        effective_output: output,
    });
    Ok(())
}

/// What is not about one endpoint: closing rates, lists, pairs without an answer, activity.
fn stage_lists(connection: &Connection, run: &RunReadings) -> Result<(), StoreError> {
    append!(connection, "stage_rate", rate in &run.closing_rates => {
        endpoint_id: rate.endpoint_id.to_string(),
        day: rate.day.to_string(),
        hit_rate: rate.hit_rate.get(),
    });
    append!(connection, "stage_model", listed in &run.models => {
        model: listed.model.as_str(),
        variant: listed.variant.as_str(),
        model_id: listed.model_id,
        name: listed.name,
        created: listed.created.map(naive),
        context_length: listed.context_length,
    });
    append!(connection, "stage_provider", listed in &run.providers => {
        provider: listed.provider.as_str(),
        name: listed.name,
        headquarters: listed.headquarters,
        status_page: listed.status_page,
        privacy_policy: listed.privacy_policy,
        terms_of_service: listed.terms_of_service,
    });
    let unanswered = run.unanswered.iter().map(|pair| (pair, false));
    let incomplete = run.incomplete.iter().map(|pair| (pair, true));
    append!(connection, "stage_unanswered", ((model, variant), incomplete) in unanswered.chain(incomplete) => {
        model: model.as_str(),
        variant: variant.as_str(),
        incomplete: incomplete,
    });
    append!(connection, "stage_activity", day in &run.activity => {
        model: day.model.as_str(),
        variant: day.variant.as_str(),
        day: day.day.to_string(),
        prompt_tokens: day.prompt_tokens,
        completion_tokens: day.completion_tokens,
        cached_tokens: day.cached_tokens,
        requests: day.requests,
    });
    Ok(())
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
        failures: json(&record.failures)?,
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

/// A change of the window kind is an event: the numbers before and after it have different meanings.
fn window_event(connection: &Connection, run_no: i32, run: &RunReadings) -> Result<(), StoreError> {
    let sql = "SELECT max_by(window_kind, run_no) AS kind FROM run WHERE window_kind <> 'unknown' AND status NOT IN ('failed', 'suspect') AND run_no < ?";
    let before = rows!(connection, sql, [run_no], |kind: Option<WindowKind>| kind).pop().flatten();
    let Some(before) = before.filter(|kind| *kind != run.window_kind) else { return Ok(()) };
    if run.window_kind == WindowKind::Unknown {
        return Ok(());
    }
    let detail = format!("usage summaries now cover `{}` instead of `{before}`", run.window_kind);
    append!(connection, "event", () in [()] => {
        run_no: run_no,
        seen_at: naive(run.observed_at),
        kind: EventKind::WindowChanged.as_str(),
        detail: detail,
    });
    Ok(())
}
