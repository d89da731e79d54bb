//! The rows of a run in the temporary tables from which the record is updated.

use crate::domain::reading::{Reading, RunReadings, Usage};
use crate::domain::units::HitRate;
use crate::store::StoreError;
use crate::store::append::{Stored, append};
use crate::store::columns::naive;
use crate::store::uptime::StoredUptime;
use chrono::{DateTime, Utc};
use duckdb::Connection;

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

/// List prices of the endpoints.
pub fn stage_prices(connection: &Connection, run: &RunReadings, keys: &[i32]) -> Result<(), StoreError> {
    append!(connection, "stage_prices", (key, Reading { prices, .. }) in keys.iter().zip(&run.readings) => {
        endpoint_no: key,
        list_input: prices.input.stored()?,
        list_output: prices.output.stored()?,
        list_cache_read: prices.cache_read.stored()?,
        list_cache_write: prices.cache_write.stored()?,
        list_cache_write_1h: prices.cache_write_1h.stored()?,
        discount: prices.discount,
        price_tiers: prices.tiers.stored()?,
    });
    Ok(())
}

/// Usage and health of the endpoints.
pub fn stage_readings(connection: &Connection, run: &RunReadings, keys: &[i32]) -> Result<(), StoreError> {
    let staged = run.readings.iter().zip(keys).map(|(Reading { health, usage, .. }, key)| {
        let uptimes = [health.uptime_5m, health.uptime_30m, health.uptime_1d].map(StoredUptime::of);
        (key, health, usage, uptimes, ReadAt::of(usage.as_ref(), run.observed_at))
    });
    append!(connection, "stage_reading", (key, health, usage, [up_5m, up_30m, up_1d], read) in staged => {
        endpoint_no: key,
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
        success_1d: health.counters_1d.map(|counters| counters.success),
        error_1d: health.counters_1d.map(|counters| counters.error),
        rate_limited_1d: health.counters_1d.map(|counters| counters.rate_limited),
        throughput: health.throughput,
        latency_ms: health.latency_ms,
        requests_30m: health.requests_30m,
        usage_day_back: read.day_back,
        usage_after_s: read.after_s,
    });
    Ok(())
}

/// The closing prices of past days from the charts of the endpoints.
pub fn stage_closing(connection: &Connection, run: &RunReadings, keys: &[i32]) -> Result<(), StoreError> {
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
pub fn stage_lists(connection: &Connection, run: &RunReadings) -> Result<(), StoreError> {
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
    let aliases =
        run.models.iter().flat_map(|listed| listed.aliases.iter().map(move |alias| (alias, listed)));
    append!(connection, "stage_alias", (alias, listed) in aliases => {
        alias: alias,
        model_id: listed.model_id,
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
