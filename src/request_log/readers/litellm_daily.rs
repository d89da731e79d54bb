//! LiteLLM's sums of a day: rows of its tables of daily spend, and the answer of `/user/daily/activity`.

use super::outcome::key;
use super::plain::BAD_COUNTS;
use crate::request_log::call::{Call, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, Status};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, count, money, name, object_at, text, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The format.
pub const FORMAT: Format = Format {
    id: "litellm-daily-activity",
    title: "Daily sums of LiteLLM",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::OfFields,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Days),
};

struct Days;

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    let is_answer =
        results(object).is_some_and(|results| results.iter().any(|day| day.get("metrics").is_some()));
    if is_answer || is_row(object) { Sure::Certain } else { Sure::No }
}

fn results(object: &Object) -> Option<&Vec<Value>> {
    object.get("results")?.as_array()
}

/// A row of the table `LiteLLM_DailyUserSpend` or one like it.
fn is_row(object: &Object) -> bool {
    ["date", "api_requests", "spend", "prompt_tokens"].iter().all(|key| object.contains_key(*key))
}

impl Reader for Days {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        if is_row(object) {
            return sum(object, object, None, entry.line, sink);
        }
        let days = results(object).into_iter().flatten().filter_map(Value::as_object);
        let mut found = false;
        for day in days {
            found = true;
            let models = object_at(day, &["breakdown", "models"]).filter(|models| !models.is_empty());
            match (models, object_at(day, &["metrics"])) {
                (Some(models), _) => {
                    for (model, of_model) in models {
                        let of_model = of_model.as_object();
                        let metrics = of_model.and_then(|of| object_at(of, &["metrics"])).or(of_model);
                        if let Some(metrics) = metrics {
                            sum(metrics, day, Some(model), entry.line, sink);
                        }
                    }
                }
                (None, Some(metrics)) => sum(metrics, day, None, entry.line, sink),
                (None, None) => sink.unread("a day without metrics", entry.line),
            }
        }
        if !found {
            sink.unread("not a daily sum of LiteLLM", entry.line);
        }
    }
}

fn counts(metrics: &Object) -> Result<(RawCounts, u64), BadCount> {
    let raw = RawCounts {
        input: count(metrics.get("prompt_tokens"))?,
        read: count(metrics.get("cache_read_input_tokens"))?,
        write: count(metrics.get("cache_creation_input_tokens"))?,
        output: count(metrics.get("completion_tokens"))?,
        total: count(metrics.get("total_tokens"))?,
        ..RawCounts::default()
    };
    Ok((raw, count(metrics.get("api_requests"))?.unwrap_or(0)))
}

fn sum(metrics: &Object, day: &Object, model: Option<&String>, line: u64, sink: &mut Sink) {
    let Ok((raw, requests)) = counts(metrics) else { return sink.unread(BAD_COUNTS, line) };
    let started = time_of(day, &["date"]);
    let provider = text(metrics.get("custom_llm_provider"));
    let call = Call {
        line,
        started_at: started.map(|(at, _)| at),
        platform: Some(
            provider.map_or_else(|| Name::from("litellm"), |p| Name::from(format!("litellm:{p}"))),
        ),
        model_sent: name(metrics.get("model_group")),
        model_served: model.map(|model| Name::from(model.as_str())).or_else(|| name(metrics.get("model"))),
        key: key(metrics.get("api_key")),
        raw,
        rule: FORMAT.rule,
        paid: money(metrics.get("spend")).filter(|spend| *spend > 0.0),
        paid_kind: PaidKind::ComputedByTool,
        status: Status::Unknown,
        aggregated: Some(requests),
        ..Call::default()
    };
    sink.push(call, Keep::First);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_and_answers_are_sums() {
        let metrics = json!({"spend": 0.5, "prompt_tokens": 900, "completion_tokens": 30, "cache_read_input_tokens": 600,
            "cache_creation_input_tokens": 50, "total_tokens": 930, "api_requests": 4, "successful_requests": 3, "failed_requests": 1});
        let mut row = metrics.clone();
        row["date"] = json!("2026-08-01");
        row["model"] = json!("m");
        let answer = json!({"results": [{"date": "2026-08-01", "metrics": metrics,
            "breakdown": {"models": {"a": {"metrics": metrics}, "b": metrics}, "providers": {"p": metrics}}},
            {"date": "2026-08-02", "metrics": metrics, "breakdown": {}}], "metadata": {"page": 1}});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)).1, Sure::Certain);
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&answer)).1, Sure::Certain);
        let found = read(&FORMAT, &[row, answer]);
        assert_eq!(found.calls.len(), 4, "the total of a day is not added to its models");
        assert!(found.calls.iter().all(|call| call.aggregated == Some(4)));
        assert_eq!(found.calls[0].tokens().uncached, Some(250));
    }

    #[test]
    fn damage_is_counted() {
        let found = read(
            &FORMAT,
            &[
                json!({"date": "2026-08-01", "api_requests": 1, "spend": 0, "prompt_tokens": "x"}),
                json!({"a": 1}),
                json!({"results": [{"date": "x"}]}),
            ],
        );
        assert_eq!((found.calls.len(), found.unread.len()), (0, 3));
    }
}
