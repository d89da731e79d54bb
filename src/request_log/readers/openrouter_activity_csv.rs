//! OpenRouter's activity export: one row for each generation, or the dashboard's sums by model, key or creator.
//!
//! Columns are found by their names, because their order changed between exports. Times have no zone and are UTC. Costs
//! are cut off at a millionth of a dollar. Failed requests are not in the file.

use super::super::call::{Call, IdKind, RawCounts, Status};
use super::super::entry::{self, BadCount, Entry, FileContext, Layout, Object, given};
use super::super::format::{Format, Reader, Sure, Total};
use super::super::sink::{Keep, Sink};
use super::openrouter_activity::sum_of_row;
use super::{openrouter, outcome};

/// The format.
pub(super) const FORMAT: Format = Format {
    id: "openrouter-activity-csv",
    title: "OpenRouter activity export (CSV)",
    rule: openrouter::RULE,
    total: Total::None,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Rows),
};

/// Columns of a sum that name what it is by.
const GROUPS: &[&str] = &[
    "model",
    "model_permaslug",
    "api_key",
    "api_key_name",
    "creator",
    "provider",
    "provider_name",
    "app",
    "user",
];
/// Columns of a sum that count its requests.
const REQUESTS: &[&str] = &["requests", "request_count", "total_requests"];
/// Columns that a row of another gateway or tool has.
const FOREIGN: &[&str] =
    &["request_id", "call_type", "id", "trace_id", "uncached_input_tokens", "max_mode", "kind"];

fn recognises(entry: &Entry<'_>, context: &FileContext) -> Sure {
    let Some(row) = entry.object() else { return Sure::No };
    if is_generation(row) {
        return Sure::Certain;
    }
    if context.layout == Layout::Csv && is_sum(&normalised(row)) { Sure::Likely } else { Sure::No }
}

fn is_generation(row: &Object) -> bool {
    ["generation_id", "cost_total", "tokens_prompt"].iter().all(|key| row.contains_key(*key))
}

fn is_sum(row: &Object) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| row.contains_key(*key));
    has(GROUPS) && has(REQUESTS) && !has(FOREIGN)
}

/// A row with its column names in lower case and underscores, as in the API: `Total Tokens ($)` is `total_tokens`.
fn normalised(row: &Object) -> Object {
    let name = |key: &String| {
        let plain: String = key.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' }).collect();
        plain.split_whitespace().collect::<Vec<_>>().join("_").to_ascii_lowercase()
    };
    row.iter().map(|(key, value)| (name(key), value.clone())).collect()
}

struct Rows;

impl Reader for Rows {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(row) = entry.object() else { return sink.unread("not a row of a table", entry.line) };
        if !is_generation(row) {
            let row = normalised(row);
            if !is_sum(&row) {
                return sink.unread("neither a generation nor a sum of OpenRouter's activity", entry.line);
            }
            return match sum_of_row(&row, entry.line) {
                Ok(sum) => sink.push(sum, Keep::First),
                Err(BadCount) => sink.unread(openrouter::BAD_COUNT, entry.line),
            };
        }
        match generation(row, entry.line) {
            Ok(call) => {
                if call.id.is_none() {
                    sink.note("generation without an id");
                }
                if call.paid.is_none() && entry::text(row.get("cost_total")).is_some() {
                    sink.note("cost_total is not an amount");
                }
                if !row.contains_key("tokens_cached") {
                    sink.note("the export has no column tokens_cached");
                }
                sink.push(call, Keep::First);
            }
            Err(BadCount) => sink.unread(openrouter::BAD_COUNT, entry.line),
        }
    }
}

fn generation(row: &Object, line: u64) -> Result<Call, BadCount> {
    let raw = RawCounts {
        input: entry::count(row.get("tokens_prompt"))?,
        read: entry::count(row.get("tokens_cached"))?,
        output: entry::count(row.get("tokens_completion"))?,
        reasoning: entry::count(row.get("tokens_reasoning"))?,
        ..RawCounts::default()
    };
    let byok = entry::money(row.get("byok_usage_inference"));
    let (paid, paid_kind) = openrouter::paid(entry::money(row.get("cost_total")), byok, None);
    let streamed = entry::flag(row.get("streamed"));
    let finish = entry::text_of(row, &["finish_reason_normalized", "finish_reason_raw"])
        .map(|r| outcome::finish_name(&r));
    let started = entry::time(row.get("created_at"));
    let status = match finish.as_deref() {
        _ if entry::flag(row.get("cancelled")) == Some(true) => Status::Cancelled,
        Some("error") => Status::Error,
        _ => Status::Ok,
    };
    let session = entry::name(row.get("session_id"));
    Ok(Call {
        line,
        id: openrouter::id(entry::text(row.get("generation_id"))),
        id_kind: IdKind::Generation,
        started_at: started.map(|(at, _)| at),
        zone_known: started.is_some_and(|(_, known)| known),
        session_kind: given(session.as_ref()),
        session,
        platform: Some(openrouter::PLATFORM.into()),
        model_served: model(row).map(Into::into),
        provider_name: entry::name(row.get("provider_name")),
        app: entry::name(row.get("app_name")),
        key: entry::name(row.get("api_key_name")),
        raw,
        paid,
        paid_kind,
        cache_saving: entry::number(row.get("cost_cache")).map(|cost| 0.0 - cost),
        latency_ms: entry::duration(row.get("generation_time_ms")),
        ttft_ms: entry::duration(row.get("time_to_first_token_ms")).filter(|_| streamed == Some(true)),
        status,
        finish: finish.map(Into::into),
        streamed,
        is_byok: byok.map(|cost| cost > 0.0),
        ..Call::default()
    })
}

/// The model with its variant, as in OpenRouter's ids: `maker/model:free`.
fn model(row: &Object) -> Option<String> {
    let model = entry::text_of(row, &["model_permaslug", "model"])?;
    let variant = entry::text(row.get("variant")).filter(|variant| variant != "standard");
    Some(match variant {
        Some(variant) if !model.contains(':') => format!("{model}:{variant}"),
        _ => model,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::{PaidKind, SessionKind};
    use serde_json::{Value, json};

    fn row() -> Value {
        json!({"generation_id": "gen-1790000000-abc", "created_at": "2026-09-21 13:33:20.500", "cost_total": "0.002",
            "cost_cache": "-0.001", "byok_usage_inference": "0", "tokens_prompt": "900", "tokens_completion": "50",
            "tokens_reasoning": "20", "tokens_cached": "700", "model_permaslug": "maker/model-20260101",
            "provider_name": "Host", "variant": "standard", "cancelled": "false", "streamed": "true", "user": "",
            "finish_reason_raw": "end_turn", "finish_reason_normalized": "stop", "generation_time_ms": "2500",
            "time_to_first_token_ms": "800", "app_name": "App", "api_key_name": "key one"})
    }

    fn read(rows: &[Value]) -> crate::request_log::Found {
        let mut sink = Sink::default();
        for (place, value) in rows.iter().enumerate() {
            Rows.read(&Entry { value, line: place as u64 + 2, table: None }, &mut sink);
        }
        sink.done()
    }

    fn with(changes: &[(&str, Value)]) -> Value {
        let mut row = row();
        for (key, value) in changes {
            row[*key] = value.clone();
        }
        row
    }

    #[test]
    fn a_row_is_read_by_the_names_of_its_columns() {
        let found = read(&[row()]);
        let call = &found.calls[0];
        assert_eq!((call.raw.input, call.raw.read, call.raw.reasoning), (Some(900), Some(700), Some(20)));
        let tokens = call.tokens();
        assert_eq!((tokens.uncached, tokens.output_text, tokens.written()), (Some(200), Some(30), None));
        assert_eq!((call.paid, call.paid_kind), (Some(0.002), PaidKind::Billed));
        assert_eq!(
            (call.cache_saving, call.ttft_ms, call.latency_ms),
            (Some(0.001), Some(800.0), Some(2500.0))
        );
        assert_eq!(call.started_at.expect("a time").to_rfc3339(), "2026-09-21T13:33:20.500+00:00");
        assert!(!call.zone_known);
        assert_eq!((call.finish.as_deref(), call.session_kind), (Some("stop"), SessionKind::None));
        assert_eq!((call.app.as_deref(), call.key.as_deref()), (Some("App"), Some("key one")));
    }

    #[test]
    fn money_with_a_key_of_the_client_includes_what_the_provider_charged() {
        let found = read(&[with(&[("byok_usage_inference", json!("0.04"))])]);
        assert_eq!((found.calls[0].paid, found.calls[0].paid_kind), (Some(0.042), PaidKind::BilledPlusByok));
        assert_eq!(found.calls[0].is_byok, Some(true));
    }

    #[test]
    fn an_old_export_has_no_cached_tokens_and_a_repeated_row_counts_once() {
        let mut old = row();
        old.as_object_mut().expect("an object").remove("tokens_cached");
        let found = read(&[old.clone(), old]);
        assert_eq!((found.calls.len(), found.duplicates), (1, 1));
        assert_eq!(found.calls[0].raw.read, None);
        assert_eq!(found.notes["the export has no column tokens_cached"], 2);
    }

    #[test]
    fn a_cancelled_row_is_no_answer_and_a_row_that_was_not_streamed_has_no_time_to_first_token() {
        let changes =
            [("cancelled", json!("true")), ("streamed", json!("false")), ("variant", json!("free"))];
        let call = &read(&[with(&changes)]).calls[0];
        assert_eq!((call.status, call.ttft_ms), (Status::Cancelled, None));
        assert_eq!(call.model_served.as_deref(), Some("maker/model-20260101:free"));
    }

    #[test]
    fn damaged_rows_are_counted() {
        let negative = with(&[("tokens_cached", json!("-5"))]);
        let strange = with(&[("generation_id", json!("g\u{202e}<b>\n")), ("cost_total", json!("a lot"))]);
        let found = read(&[negative, json!([1]), strange, json!({"a": "b"})]);
        assert_eq!(found.unread.values().map(|unread| unread.entries).sum::<u64>(), 3);
        assert_eq!(found.unread[openrouter::BAD_COUNT].first, [2]);
        assert_eq!(found.calls[0].paid, None);
        assert_eq!(found.notes["cost_total is not an amount"], 1);
    }

    #[test]
    fn the_export_of_the_dashboard_is_a_list_of_sums() {
        let context = FileContext { layout: Layout::Csv, ..FileContext::default() };
        let value = json!({"Date": "2026-09-01", "Model": "maker/model", "Total Spend ($)": "1.5", "Requests": "12",
            "Prompt Tokens": "1000", "Completion Tokens": "200"});
        assert_eq!(recognises(&Entry { value: &value, line: 2, table: None }, &context), Sure::Likely);
        let call = &read(&[value]).calls[0];
        assert_eq!((call.aggregated, call.raw.input, call.raw.output), (Some(12), Some(1000), Some(200)));
        assert_eq!((call.paid, call.paid_kind), (Some(1.5), PaidKind::Billed));
        let other = json!({"request_id": "r", "model": "m", "requests": "1", "spend": "1"});
        assert_eq!(recognises(&Entry { value: &other, line: 2, table: None }, &context), Sure::No);
    }
}
