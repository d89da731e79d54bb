//! Usage of an Anthropic organisation: the API's report of messages, that of Claude Code, and the console's CSV.

use super::account::{is_page, results, sum};
use super::api_usage::Family;
use super::plain::BAD_COUNTS;
use crate::request_log::call::{Call, Name, PaidKind, RawCounts};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count, count_of, money, name, text,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The format.
pub const FORMAT: Format = Format {
    id: "anthropic-usage-report",
    title: "Usage report of an Anthropic organisation",
    rule: Family::Anthropic.rule(),
    total: Total::None,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Report),
};

struct Report;

fn is_result(row: &Object) -> bool {
    ["uncached_input_tokens", "usage_input_tokens_no_cache"].iter().any(|key| row.contains_key(*key))
}

fn is_claude_code(row: &Object) -> bool {
    row.get("model_breakdown").is_some_and(Value::is_array) && row.contains_key("core_metrics")
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    let found = results(object);
    if found.iter().any(|(_, row)| is_result(row) || is_claude_code(row)) {
        return Sure::Certain;
    }
    // An empty page of a report.
    let is_empty =
        found.is_empty() && at_first(object).is_some_and(|bucket| bucket.contains_key("starting_at"));
    if is_empty { Sure::Likely } else { Sure::No }
}

fn at_first(page: &Object) -> Option<&Object> {
    page.get("data")?.as_array()?.first()?.as_object()
}

impl Reader for Report {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        for (bucket, row) in results(object) {
            if is_claude_code(row) {
                claude_code(row, entry.line, sink);
                continue;
            }
            if !is_result(row) {
                sink.unread("not a result of Anthropic's usage report", entry.line);
                continue;
            }
            match counts(row) {
                Ok(raw) => {
                    let call = sum(bucket, row, "anthropic", FORMAT.rule, entry.line);
                    sink.push(Call { raw, ..call }, Keep::LargestOutput);
                }
                Err(BadCount) => sink.unread(BAD_COUNTS, entry.line),
            }
        }
        if object.get("has_more") == Some(&Value::Bool(true)) && is_page(object) {
            sink.note("the report has more pages, which are not in this file");
        }
    }
}

fn counts(row: &Object) -> Result<RawCounts, BadCount> {
    Ok(RawCounts {
        input: count_of(row, &["uncached_input_tokens", "usage_input_tokens_no_cache"])?,
        read: count_of(row, &["cache_read_input_tokens", "usage_input_tokens_cache_read"])?,
        write: count_of(row, &["usage_input_tokens_cache_write", "cache_creation_input_tokens"])?,
        write_5m: count(at(row, &["cache_creation", "ephemeral_5m_input_tokens"]))?
            .or(count(row.get("usage_input_tokens_cache_write_5m"))?),
        write_1h: count(at(row, &["cache_creation", "ephemeral_1h_input_tokens"]))?
            .or(count(row.get("usage_input_tokens_cache_write_1h"))?),
        output: count_of(row, &["output_tokens", "usage_output_tokens"])?,
        ..RawCounts::default()
    })
}

/// A day of one user of Claude Code, by model; the user's address is not kept.
fn claude_code(row: &Object, line: u64, sink: &mut Sink) {
    let models = row.get("model_breakdown").and_then(Value::as_array);
    for model in models.into_iter().flatten().filter_map(Value::as_object) {
        let tokens = |key: &str| count(at(model, &["tokens", key]));
        let raw = || -> Result<RawCounts, BadCount> {
            Ok(RawCounts {
                input: tokens("input")?,
                read: tokens("cache_read")?,
                write: tokens("cache_creation")?,
                output: tokens("output")?,
                ..RawCounts::default()
            })
        };
        let Ok(raw) = raw() else {
            sink.unread(BAD_COUNTS, line);
            continue;
        };
        let is_usd =
            text(at(model, &["estimated_cost", "currency"])).is_none_or(|currency| currency == "USD");
        let paid =
            money(at(model, &["estimated_cost", "amount"])).filter(|_| is_usd).map(|cents| cents / 100.0);
        let call = Call {
            model_served: name(model.get("model")),
            app: Some(Name::from("Claude Code")),
            raw,
            paid,
            paid_kind: if paid.is_some() { PaidKind::ComputedByTool } else { PaidKind::Unknown },
            ..sum(row, model, "anthropic", FORMAT.rule, line)
        };
        sink.push(call, Keep::LargestOutput);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_result_is_a_sum_of_an_unknown_number_of_requests() {
        let page = json!({"data": [
            {"starting_at": "2026-08-01T00:00:00Z", "ending_at": "2026-08-02T00:00:00Z", "results": [
                {"uncached_input_tokens": 70, "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
                    "cache_read_input_tokens": 900, "output_tokens": 40, "model": "claude-x", "api_key_id": "apikey_1", "service_tier": "batch"},
                {"uncached_input_tokens": -1}]},
            {"starting_at": "2026-08-02T00:00:00Z", "ending_at": "2026-08-03T00:00:00Z", "results": []}], "has_more": true, "next_page": "p"});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&page)).1, Sure::Certain);
        let found = read(&FORMAT, &[page]);
        assert_eq!((found.calls.len(), found.unread.len(), found.notes.len()), (1, 1, 1));
        let call = &found.calls[0];
        assert_eq!(
            (call.tokens().prompt(), call.tokens().written(), call.aggregated),
            (Some(1000), Some(30), Some(0))
        );
        assert_eq!((call.key.as_deref(), call.service_tier.as_deref()), (Some("apikey_1"), Some("batch")));
    }

    #[test]
    fn rows_of_the_consoles_csv_are_read() {
        let row = json!({"usage_date_utc": "2026-08-01", "model_version": "claude-x", "api_key": "team", "workspace": "Default",
            "usage_type": "standard", "context_window": "≤ 200k", "usage_input_tokens_no_cache": "70", "usage_input_tokens_cache_write_5m": "20",
            "usage_input_tokens_cache_write_1h": "0", "usage_input_tokens_cache_read": "900", "usage_output_tokens": "40"});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)).1, Sure::Certain);
        let found = read(&FORMAT, &[row]);
        assert_eq!(
            (found.calls[0].tokens().prompt(), found.calls[0].key.as_deref()),
            (Some(990), Some("team"))
        );
        assert!(found.calls[0].started_at.is_some());
    }

    #[test]
    fn claude_codes_report_is_by_model_and_in_cents() {
        let page = json!({"data": [{"date": "2026-08-01T00:00:00Z", "actor": {"type": "user_actor", "email_address": "hidden@example.org"},
            "core_metrics": {"num_sessions": 5}, "model_breakdown": [{"model": "claude-x",
            "tokens": {"input": 100, "output": 30, "cache_read": 10, "cache_creation": 5}, "estimated_cost": {"currency": "USD", "amount": 1025}}]}]});
        let found = read(&FORMAT, &[page]);
        assert_eq!((found.calls[0].paid, found.calls[0].tokens().prompt()), (Some(10.25), Some(115)));
        assert!(!format!("{found:?}").contains("hidden"));
    }
}
