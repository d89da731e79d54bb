//! Usage of an OpenAI organisation: buckets of `/organization/usage/completions`, or the dashboard's CSV.

use super::account::{is_page, results, sum};
use super::api_usage::Family;
use super::plain::BAD_COUNTS;
use crate::request_log::call::{Call, RawCounts};
use crate::request_log::entry::{BadCount, Entry, FileContext, Object, count, count_of, text};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The format.
pub const FORMAT: Format = Format {
    id: "openai-usage-buckets",
    title: "Usage buckets of an OpenAI organisation",
    rule: Family::OpenAi.rule(),
    total: Total::None,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Buckets),
};

struct Buckets;

fn is_result(bucket: &Object, row: &Object) -> bool {
    let is_of_bucket = bucket.contains_key("start_time") && row.contains_key("input_cached_tokens");
    row.contains_key("input_tokens") && (row.contains_key("num_model_requests") || is_of_bucket)
}

/// Whether a result is of another usage report, such as that of embeddings, images or storage.
fn is_of_other_report(row: &Object) -> bool {
    text(row.get("object")).is_some_and(|kind| {
        kind.starts_with("organization.usage.") && kind != "organization.usage.completions.result"
    })
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    let found = results(object);
    if found.iter().any(|(bucket, row)| is_result(bucket, row) || is_of_other_report(row)) {
        return Sure::Certain;
    }
    let is_bucket = |value: &Value| value.get("object").and_then(Value::as_str) == Some("bucket");
    let is_empty =
        object.get("data").and_then(Value::as_array).is_some_and(|data| data.iter().any(is_bucket));
    if is_empty && found.is_empty() { Sure::Likely } else { Sure::No }
}

impl Reader for Buckets {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        for (bucket, row) in results(object) {
            if is_of_other_report(row) {
                sink.unread("usage of something else than completions", entry.line);
            } else if !is_result(bucket, row) {
                sink.unread("not a result of OpenAI's usage of completions", entry.line);
            } else {
                match counts(row) {
                    Ok((raw, requests)) => {
                        let call = sum(bucket, row, "openai", FORMAT.rule, entry.line);
                        sink.push(Call { raw, aggregated: Some(requests), ..call }, Keep::LargestOutput);
                    }
                    Err(BadCount) => sink.unread(BAD_COUNTS, entry.line),
                }
            }
        }
        if object.get("has_more") == Some(&Value::Bool(true)) && is_page(object) {
            sink.note("the report has more pages, which are not in this file");
        }
    }
}

fn counts(row: &Object) -> Result<(RawCounts, u64), BadCount> {
    let raw = RawCounts {
        input: count(row.get("input_tokens"))?,
        read: count_of(row, &["input_cached_tokens", "cached_input_tokens"])?,
        write: count_of(row, &["input_cache_write_tokens", "cache_write_tokens"])?,
        output: count(row.get("output_tokens"))?,
        ..RawCounts::default()
    };
    Ok((raw, count(row.get("num_model_requests"))?.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    #[test]
    fn a_bucket_is_a_sum_over_its_requests() {
        let page = json!({"object": "page", "data": [{"object": "bucket", "start_time": 1_785_542_400, "end_time": 1_785_628_800, "results": [
            {"object": "organization.usage.completions.result", "input_tokens": 900, "output_tokens": 40, "input_cached_tokens": 600,
                "num_model_requests": 3, "model": "gpt-x", "api_key_id": "key_1"},
            {"object": "organization.usage.embeddings.result", "input_tokens": 9, "num_model_requests": 1},
            {"object": "organization.usage.completions.result", "input_tokens": "x", "num_model_requests": 1}]}], "has_more": true});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&page)), (Some(FORMAT.id), Sure::Certain));
        let found = read(&FORMAT, &[page]);
        assert_eq!((found.calls.len(), found.unread.len(), found.notes.len()), (1, 2, 1));
        let call = &found.calls[0];
        assert_eq!(
            (call.tokens().uncached, call.aggregated, call.key.as_deref()),
            (Some(300), Some(3), Some("key_1"))
        );
    }

    #[test]
    fn overlapping_exports_count_a_bucket_once() {
        let page = |output: u64, model: &str| {
            json!({"object": "page", "data": [{"object": "bucket", "start_time": 1_785_542_400, "end_time": 1_785_628_800,
                "results": [{"object": "organization.usage.completions.result", "input_tokens": 900, "output_tokens": output,
                    "num_model_requests": 3, "model": model}]}]})
        };
        let found = read(&FORMAT, &[page(40, "gpt-x"), page(55, "gpt-x"), page(7, "gpt-y")]);
        assert_eq!((found.calls.len(), found.duplicates), (2, 1));
        assert_eq!(found.calls[0].raw.output, Some(55), "the bucket was not over in the first export");
    }

    #[test]
    fn rows_of_the_dashboards_csv_are_read() {
        let row = json!({"start_time": "1785542400", "end_time": "1785628800", "num_model_requests": "2", "input_tokens": "50", "output_tokens": "4", "input_cached_tokens": "", "model": "gpt-x"});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)).1, Sure::Certain);
        let found = read(&FORMAT, &[row, json!({"x": 1})]);
        assert_eq!(
            (found.calls[0].raw.input, found.calls[0].raw.read, found.calls[0].aggregated),
            (Some(50), None, Some(2))
        );
        assert!(found.calls[0].started_at.is_some());
        assert_eq!(found.unread.len(), 1);
    }
}
