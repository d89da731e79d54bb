//! Sums of OpenRouter: `GET /activity` (by day, model and endpoint) and `POST /analytics/query` (by up to two
//! dimensions). A row is a sum over its requests, never a call.

use super::super::call::{Call, IdKind, PaidKind, RawCounts};
use super::super::entry::{self, BadCount, Entry, FileContext, Object};
use super::super::format::{Format, Reader, Sure, Total};
use super::super::sink::{Keep, Sink};
use super::{account, openrouter};
use serde_json::Value;

/// The format of `GET /activity`.
pub(super) const ACTIVITY: Format = Format {
    id: "openrouter-activity",
    title: "OpenRouter activity (GET /activity)",
    rule: openrouter::RULE,
    total: Total::None,
    states_failures: false,
    recognises: |entry, _: &FileContext| recognises(entry, is_activity),
    reader: |_| Box::new(Sums { is_row: is_activity }),
};

/// The format of `POST /analytics/query`.
pub(super) const ANALYTICS: Format = Format {
    id: "openrouter-analytics",
    title: "OpenRouter analytics (POST /analytics/query)",
    rule: openrouter::RULE,
    total: Total::None,
    states_failures: false,
    recognises: |entry, _: &FileContext| recognises(entry, is_analytics),
    reader: |_| Box::new(Sums { is_row: is_analytics }),
};

/// Columns that state the amount.
const SPEND: &[&str] = &[
    "usage",
    "total_usage",
    "total_spend",
    "spend",
    "total_cost",
    "cost",
    "spend_usd",
    "usage_usd",
    "total_spend_usd",
];
const REQUESTS: &[&str] = &["requests", "request_count", "total_requests"];
const PROMPT: &[&str] =
    &["prompt_tokens", "tokens_prompt", "tokens_input", "input_tokens", "total_prompt_tokens"];
const OUTPUT: &[&str] =
    &["completion_tokens", "tokens_completion", "tokens_output", "output_tokens", "total_completion_tokens"];
const CACHED: &[&str] = &["cached_tokens", "tokens_cached", "total_cached_tokens"];
const REASONING: &[&str] = &["reasoning_tokens", "tokens_reasoning", "total_reasoning_tokens"];
const TOTAL: &[&str] = &["tokens_total", "total_tokens", "tokens"];
const DAY: &[&str] = &["date", "day", "hour", "week", "month", "period", "time", "timestamp", "created_at"];

fn is_activity(row: &Object) -> bool {
    let has = |key: &str| row.contains_key(key);
    has("requests")
        && has("usage")
        && has("prompt_tokens")
        && (has("model_permaslug") || has("endpoint_id") || has("byok_usage_inference"))
}

fn is_analytics(row: &Object) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| row.contains_key(*key));
    has(&["cache_hit_rate", "total_usage", "tokens_total", "byok_requests", "request_count"])
        && has(&["request_count", "total_usage", "tokens_total", "cache_hit_rate"])
        && !has(&["results", "buckets", "totals", "usage", "granularity", "generation_id"])
}

/// The rows of an answer: `{"data": […]}`, `{"data": {"data": […]}}` or a row by itself.
fn rows(object: &Object) -> Vec<&Value> {
    match object.get("data") {
        Some(Value::Array(rows)) => rows.iter().collect(),
        Some(Value::Object(inner)) => {
            inner.get("data").and_then(Value::as_array).into_iter().flatten().collect()
        }
        _ => Vec::new(),
    }
}

fn recognises(entry: &Entry<'_>, is_row: fn(&Object) -> bool) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    let first = rows(object).first().and_then(|row| row.as_object());
    if is_row(first.unwrap_or(object)) { Sure::Certain } else { Sure::No }
}

struct Sums {
    is_row: fn(&Object) -> bool,
}

impl Reader for Sums {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not an object", entry.line) };
        let metadata =
            entry::object_at(object, &["data", "metadata"]).or(entry::object_at(object, &["metadata"]));
        if metadata.is_some_and(|m| entry::flag(m.get("truncated")) == Some(true)) {
            sink.note("the answer is truncated: sums are missing");
        }
        if !object.contains_key("data") {
            return self.row(entry.value, entry.line, sink);
        }
        let rows = rows(object);
        if rows.is_empty() {
            sink.note("an answer without rows");
        }
        for row in rows {
            self.row(row, entry.line, sink);
        }
    }
}

impl Sums {
    fn row(&self, row: &Value, line: u64, sink: &mut Sink) {
        let Some(row) = row.as_object().filter(|row| (self.is_row)(row)) else {
            return sink.unread("not a sum of OpenRouter's activity", line);
        };
        match sum_of_row(row, line) {
            Ok(sum) => {
                if sum.raw.read.is_none() && row.contains_key("cache_hit_rate") {
                    sink.note("cache_hit_rate without the number of cached tokens");
                }
                sink.push(sum, Keep::LargestOutput);
            }
            Err(BadCount) => sink.unread(openrouter::BAD_COUNT, line),
        }
    }
}

/// One sum, by any of the names that the API and the dashboard use.
///
/// # Errors
/// [`BadCount`].
pub(super) fn sum_of_row(row: &Object, line: u64) -> Result<Call, BadCount> {
    let raw = RawCounts {
        input: entry::count_of(row, PROMPT)?,
        read: entry::count_of(row, CACHED)?,
        output: entry::count_of(row, OUTPUT)?,
        reasoning: entry::count_of(row, REASONING)?,
        total: entry::count_of(row, TOTAL)?,
        ..RawCounts::default()
    };
    let requests = entry::count_of(row, REQUESTS)?;
    let own_keys = entry::count(row.get("byok_requests"))?;
    let charge = SPEND.iter().find_map(|key| entry::money(row.get(*key)));
    let (paid, paid_kind) = openrouter::paid(charge, entry::money(row.get("byok_usage_inference")), None);
    let provider = entry::text_of(row, &["provider_name", "provider"]);
    let is_tag = |name: &String| name.contains('/');
    let by_day = |key: &String| DAY.contains(&key.split("__").next().unwrap_or(key));
    let started = row.iter().filter(|(key, _)| by_day(key)).find_map(|(_, value)| entry::time(Some(value)));
    Ok(Call {
        line,
        started_at: started.map(|(at, _)| at),
        zone_known: started.is_some_and(|(_, known)| known),
        platform: Some(openrouter::PLATFORM.into()),
        model_sent: entry::name(row.get("model")),
        model_served: entry::name_of(row, &["model_permaslug"]),
        provider_tag: provider.clone().filter(is_tag).map(Into::into),
        provider_name: provider.filter(|name| !is_tag(name)).map(Into::into),
        endpoint_id: entry::name(row.get("endpoint_id")),
        app: entry::name_of(row, &["app_name", "app"]),
        key: entry::name_of(row, &["api_key_name", "key_name", "api_key_id", "creator"]),
        raw,
        paid,
        paid_kind: if paid.is_some() { paid_kind } else { PaidKind::Unknown },
        is_byok: own_keys.zip(requests).and_then(|(own, all)| match own {
            0 => Some(false),
            own => (own == all).then_some(true),
        }),
        id: Some(account::sum_id(&[row])),
        id_kind: IdKind::Row,
        aggregated: Some(requests.unwrap_or(0)),
        ..Call::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &Value, is_row: fn(&Object) -> bool) -> crate::request_log::Found {
        let mut sink = Sink::default();
        Sums { is_row }.read(&Entry { value, line: 1, table: None }, &mut sink);
        sink.done()
    }

    #[test]
    fn a_day_of_activity_is_a_sum_without_cached_tokens() {
        let value = json!({"data": [{"date": "2026-07-01", "model": "maker/model", "model_permaslug": "maker/model-1",
            "endpoint_id": "e-1", "provider_name": "Host", "usage": 0.5, "byok_usage_inference": 1.5, "requests": 40,
            "prompt_tokens": 9000, "completion_tokens": 800, "reasoning_tokens": 100, "byok_requests": 40}]});
        let found = read(&value, is_activity);
        let call = &found.calls[0];
        assert_eq!((call.aggregated, call.raw.input, call.raw.read), (Some(40), Some(9000), None));
        assert_eq!((call.paid, call.paid_kind), (Some(2.0), PaidKind::BilledPlusByok));
        assert_eq!(call.is_byok, Some(true));
        assert_eq!(call.started_at.expect("a time").to_rfc3339(), "2026-07-01T00:00:00+00:00");
        let entry = Entry { value: &value, line: 1, table: None };
        assert_eq!(recognises(&entry, is_activity), Sure::Certain);
        assert_eq!(recognises(&entry, is_analytics), Sure::No);
    }

    #[test]
    fn counts_of_an_analytics_query_are_texts() {
        let value = json!({"data": {"data": [
            {"date__day": "2026-07-01 00:00:00", "model": "m", "request_count": "7", "cached_tokens": "60",
                "tokens_prompt": "100", "total_usage": "0.25", "cache_hit_rate": 0.6},
            {"model": "n", "request_count": "2", "cache_hit_rate": 0.1},
            {"model": "o", "request_count": "-2"},
            "no row"], "metadata": {"truncated": true}}});
        let found = read(&value, is_analytics);
        assert_eq!(found.calls.len(), 2);
        assert_eq!((found.calls[0].aggregated, found.calls[0].raw.read), (Some(7), Some(60)));
        assert!(found.calls[0].started_at.is_some());
        assert_eq!(found.calls[1].raw.read, None);
        assert_eq!(found.notes["the answer is truncated: sums are missing"], 1);
        assert_eq!(found.notes["cache_hit_rate without the number of cached tokens"], 1);
        assert_eq!(found.unread.len(), 2);
    }

    #[test]
    fn an_empty_answer_and_rows_by_themselves_are_read() {
        assert_eq!(read(&json!({"data": []}), is_activity).notes["an answer without rows"], 1);
        let row = json!({"requests": 3, "usage": 0, "prompt_tokens": 5, "endpoint_id": null, "provider_name": "x/fp8"});
        let found = read(&row, is_activity);
        assert_eq!((found.calls[0].aggregated, found.calls[0].paid), (Some(3), Some(0.0)));
        assert_eq!(found.calls[0].provider_tag.as_deref(), Some("x/fp8"));
    }
}
