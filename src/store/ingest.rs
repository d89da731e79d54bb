//! Stores a run completely, in one transaction, or not at all. Storing the same run twice changes nothing.

use super::columns::{self, each_row, naive, rows};
use super::read::newest_time;
use super::uptime::StoredUptime;
use super::{Store, StoreError, days};
use crate::domain::document::RouteAnswer;
use crate::domain::endpoint::{EndpointFacts, ListPrices, Model};
use crate::domain::event::EventKind;
use crate::domain::finding::Findings;
use crate::domain::ids::{ModelSlug, Tag, Variant, synthetic_endpoint_id};
use crate::domain::reading::{Reading, RunReadings, RunStatus, Usage};
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
    connection.execute(
        "INSERT INTO stage_run VALUES (?, CAST(? AS TIMESTAMP))",
        params![run_no, naive(run.observed_at)],
    )?;
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
    stage_rates(connection, run)?;
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
    let mut appender = connection.appender("endpoint")?;
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
                appender.append_row(params![
                    number,
                    id.to_string(),
                    facts.endpoint_id.is_none(),
                    facts.model.as_str(),
                    facts.variant.as_str(),
                    naive(run.observed_at),
                    upstream_name
                ])?;
                number
            }
        };
        keys.push(number);
    }
    appender.flush()?;
    drop(appender);
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

fn stage_readings(connection: &Connection, run: &RunReadings, keys: &[i32]) -> Result<(), StoreError> {
    let mut appender = connection.appender("stage_reading")?;
    for (reading, key) in run.readings.iter().zip(keys) {
        let Reading { facts, prices, health, usage, .. } = reading;
        let EndpointFacts { provider, provider_name, tag, .. } = facts;
        let ListPrices { input, output, cache_read, cache_write, cache_write_1h, discount, tiers } = prices;
        let counters = health.counters_1d;
        let read = ReadAt::of(usage.as_ref(), run.observed_at);
        let [up_5m, up_30m, up_1d] =
            [health.uptime_5m, health.uptime_30m, health.uptime_1d].map(StoredUptime::of);
        appender.append_row(params![
            key,
            provider.as_str(),
            provider_name,
            tag.as_str(),
            facts.quantization,
            facts.context_length,
            facts.max_completion_tokens,
            facts.region,
            facts.trains_on_prompts,
            facts.retains_prompts,
            json(&facts.parameters)?,
            facts.restricted,
            facts.deranked,
            facts.disabled,
            decimal(*input),
            decimal(*output),
            decimal(*cache_read),
            decimal(*cache_write),
            discount,
            json(tiers)?,
            usage.and_then(|usage| usage.hit_rate).map(HitRate::get),
            usage.and_then(|usage| usage.tokens),
            usage.and_then(|usage| usage.effective_input),
            usage.and_then(|usage| usage.effective_output),
            up_5m.down,
            up_5m.of,
            up_5m.exact,
            up_30m.down,
            up_30m.of,
            up_30m.exact,
            up_1d.down,
            up_1d.of,
            up_1d.exact,
            health.status.and_then(|status| i16::try_from(status).ok()),
            counters.map(|counters| counters.success),
            counters.map(|counters| counters.error),
            counters.map(|counters| counters.rate_limited),
            health.throughput,
            health.latency_ms,
            health.requests_30m,
            read.day_back,
            read.after_s,
            facts.max_prompt_tokens,
            facts.deprecation_date.map(naive),
            facts.created_at.map(naive),
            decimal(*cache_write_1h),
        ])?;
    }
    Ok(appender.flush()?)
}

fn stage_closing(connection: &Connection, run: &RunReadings, keys: &[i32]) -> Result<(), StoreError> {
    let mut appender = connection.appender("stage_closing")?;
    for (reading, key) in run.readings.iter().zip(keys) {
        for (day, (input, output)) in &reading.closing_prices {
            appender.append_row(params![key, day.to_string(), input, output])?;
        }
    }
    Ok(appender.flush()?)
}

fn stage_rates(connection: &Connection, run: &RunReadings) -> Result<(), StoreError> {
    let mut appender = connection.appender("stage_rate")?;
    for rate in &run.closing_rates {
        appender.append_row(params![
            rate.endpoint_id.to_string(),
            rate.day.to_string(),
            rate.hit_rate.get()
        ])?;
    }
    Ok(appender.flush()?)
}

fn stage_lists(connection: &Connection, run: &RunReadings) -> Result<(), StoreError> {
    let mut models = connection.appender("stage_model")?;
    for Model { model, variant, model_id, name, created, context_length } in &run.models {
        models.append_row(params![
            model.as_str(),
            variant.as_str(),
            model_id,
            name,
            created.map(naive),
            context_length
        ])?;
    }
    models.flush()?;
    let mut providers = connection.appender("stage_provider")?;
    for p in &run.providers {
        providers.append_row(params![
            p.provider.as_str(),
            p.name,
            p.headquarters,
            p.status_page,
            p.privacy_policy,
            p.terms_of_service
        ])?;
    }
    providers.flush()?;
    let mut unanswered = connection.appender("stage_unanswered")?;
    let incomplete = run.incomplete.iter().map(|pair| (pair, true));
    for ((model, variant), incomplete) in run.unanswered.iter().map(|pair| (pair, false)).chain(incomplete) {
        unanswered.append_row(params![model.as_str(), variant.as_str(), incomplete])?;
    }
    unanswered.flush()?;
    let mut days = connection.appender("stage_activity")?;
    for day in &run.activity {
        days.append_row(params![
            day.model.as_str(),
            day.variant.as_str(),
            day.day.to_string(),
            day.prompt_tokens,
            day.completion_tokens,
            day.cached_tokens,
            day.requests
        ])?;
    }
    Ok(days.flush()?)
}

fn insert_run(
    connection: &Connection,
    run_no: i32,
    record: &RunRecord,
    run: &RunReadings,
) -> Result<(), StoreError> {
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    connection.execute(
        "INSERT INTO run VALUES (?, ?, CAST(? AS TIMESTAMP), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            run_no,
            record.run_id,
            naive(run.observed_at),
            record.status.as_str(),
            run.window_kind.as_str(),
            record.upstream,
            record.simulated,
            count(record.requests),
            count(record.documents),
            count(run.readings.iter().filter(|reading| reading.usage.is_some()).count()),
            count(run.readings.len()),
            count(run.quarantined.len()),
            count(run.drift.len()),
            record.duration_ms,
            record.activity,
            json(&record.failures)?,
            run.comparison.map(RouteAnswer::as_str),
            record.upstream_name
        ],
    )?;
    for source in &run.sources {
        connection.execute(
            "INSERT INTO run_source VALUES (?, ?, ?, ?, ?, ?)",
            params![
                run_no,
                source.source,
                count(source.planned),
                count(source.ok),
                count(source.no_data),
                count(source.failed)
            ],
        )?;
    }
    Ok(())
}

/// The upstream's aggregates of an accepted run.
fn insert_model_usage(connection: &Connection, run_no: i32, run: &RunReadings) -> Result<(), StoreError> {
    let mut usage = connection.appender("model_usage")?;
    for one in &run.model_usage {
        usage.append_row(params![
            run_no,
            one.model.as_str(),
            one.variant.as_str(),
            one.hit_rate,
            one.effective_input,
            one.effective_output
        ])?;
    }
    Ok(usage.flush()?)
}

fn insert_findings(
    connection: &Connection,
    run_no: i32,
    record: &RunRecord,
    run: &RunReadings,
) -> Result<(), StoreError> {
    let mut findings = connection.appender("finding")?;
    let Findings { open, accepted } = &record.findings;
    for (finding, accepted) in
        open.iter().map(|one| (one, false)).chain(accepted.iter().map(|one| (one, true)))
    {
        findings.append_row(params![
            run_no,
            finding.field,
            finding.check.as_str(),
            finding.before,
            finding.after,
            finding.detail,
            accepted
        ])?;
    }
    findings.flush()?;
    let mut aside = connection.appender("quarantine")?;
    for row in &run.quarantined {
        aside.append_row(params![
            run_no,
            row.reason.as_str(),
            row.kind.as_str(),
            row.model.as_ref().map(ModelSlug::as_str),
            row.variant.as_ref().map(Variant::as_str),
            row.path,
            row.detail,
            row.tokens,
            row.sha256
        ])?;
    }
    aside.flush()?;
    let mut drift = connection.appender("drift")?;
    for (path, count) in &run.drift {
        drift.append_row(params![run_no, path.kind, path.path, i32::try_from(*count).unwrap_or(i32::MAX)])?;
    }
    Ok(drift.flush()?)
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
    connection.execute(
        "INSERT INTO event VALUES (?, CAST(? AS TIMESTAMP), ?, NULL, ?)",
        params![run_no, naive(run.observed_at), EventKind::WindowChanged.as_str(), detail],
    )?;
    Ok(())
}
