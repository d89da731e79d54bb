//! Observations of Langfuse: pages of its API, downloads of a trace, and batch exports as JSON, JSON Lines or CSV.

use super::langfuse_usage::counts;
use super::litellm::object_of;
use super::outcome::{elapsed_ms, failure, finish};
use super::plain::BAD_COUNTS;
use crate::request_log::call::{Call, IdKind, InputRule, OutputRule, PaidKind, RawCounts, Rule, Status};
use crate::request_log::entry::{
    Entry, FileContext, Object, given, money, name, name_of, object_at, object_or_json, text_of, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The format.
pub const FORMAT: Format = Format {
    id: "langfuse",
    title: "Observations of Langfuse",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::ExcludesReasoning },
    total: Total::OfDisjoint,
    states_failures: true,
    recognises,
    reader: |_| Box::new(Langfuse::default()),
};

#[derive(Default)]
struct Langfuse {
    /// The parent of each observation.
    parents: HashMap<String, String>,
    /// The calls with the ids of their observations, until the whole file is known.
    calls: Vec<(Option<String>, Call)>,
}

/// Number of levels of observations within each other; a damaged file may nest them in a circle.
const DEEPEST: usize = 100;

/// The observations of an entry, and the trace that holds them.
fn observations(object: &Object) -> (Option<&Object>, Vec<&Object>) {
    if let Some(found) = object.get("observations").and_then(list_of) {
        return (object.get("trace").and_then(Value::as_object).or(Some(object)), found);
    }
    if let Some(trace) = object_at(object, &["trace"])
        && let Some(found) = trace.get("observations").and_then(list_of)
    {
        return (Some(trace), found);
    }
    if let Some(found) = object.get("data").and_then(list_of) {
        // A page of traces, each with its observations, or of observations.
        let inner = |row: &'_ Object| row.get("observations").is_some_and(Value::is_array);
        if found.iter().any(|row| inner(row)) {
            let of = |row| list_of(row).unwrap_or_default();
            return (
                None,
                found.into_iter().filter_map(|row| row.get("observations")).flat_map(of).collect(),
            );
        }
        return (None, found);
    }
    (None, vec![object])
}

fn list_of(value: &Value) -> Option<Vec<&Object>> {
    Some(value.as_array()?.iter().filter_map(Value::as_object).collect())
}

fn is_observation(object: &Object) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| object.contains_key(*key));
    has(&["traceId", "trace_id"])
        && (has(&["parentObservationId", "parent_observation_id", "usageDetails", "usage_details"])
            || (has(&["type"])
                && has(&["statusMessage", "status_message", "completionStartTime", "promptTokens"])))
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    let (_, found) = observations(object);
    if found.iter().take(20).any(|observation| is_observation(observation)) {
        Sure::Certain
    } else {
        Sure::No
    }
}

impl Reader for Langfuse {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        let (trace, found) = observations(object);
        for observation in found {
            self.observation(observation, trace, entry.line, sink);
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        // An agent's generation that wraps the generations of its model calls repeats their usage.
        let with_usage: HashSet<&str> = self
            .calls
            .iter()
            .filter(|(_, call)| call.raw != RawCounts::default())
            .filter_map(|(id, _)| id.as_deref())
            .collect();
        let mut repeats: HashSet<String> = HashSet::new();
        for id in &with_usage {
            let parents = std::iter::successors(self.parents.get(*id), |parent| self.parents.get(*parent));
            for parent in parents.take(DEEPEST).filter(|parent| parent.as_str() != *id) {
                if with_usage.contains(parent.as_str()) {
                    repeats.insert(parent.clone());
                }
            }
        }
        for (id, call) in std::mem::take(&mut self.calls) {
            if id.is_some_and(|id| repeats.contains(&id)) {
                sink.duplicate();
                sink.note(
                    "a generation that holds other generations with usage repeats them and is not counted",
                );
            } else {
                sink.push(call, Keep::LargestOutput);
            }
        }
    }
}

impl Langfuse {
    fn observation(&mut self, row: &Object, trace: Option<&Object>, line: u64, sink: &mut Sink) {
        let id = text_of(row, &["id", "observation_id"]);
        if let Some((id, parent)) =
            id.clone().zip(text_of(row, &["parentObservationId", "parent_observation_id"]))
        {
            self.parents.insert(id, parent);
        }
        if !is_observation(row) && !row.contains_key("type") {
            return sink.unread("not an observation of Langfuse", line);
        }
        match text_of(row, &["type"]).map(|kind| kind.to_uppercase()).as_deref() {
            Some("GENERATION") | None => {}
            Some("SPAN" | "EVENT" | "TOOL" | "AGENT" | "CHAIN" | "RETRIEVER" | "EVALUATOR" | "GUARDRAIL") => {
                return sink.note("observations of other types than GENERATION are not model calls");
            }
            Some("EMBEDDING") => return sink.note("embeddings are not counted"),
            Some(_) => return sink.unread("an observation of an unknown type", line),
        }
        let Ok(found) = counts(row) else { return sink.unread(BAD_COUNTS, line) };
        let is_error = text_of(row, &["level"]).is_some_and(|level| level.eq_ignore_ascii_case("error"));
        if found.is_none() && !is_error {
            return sink.unread("a generation without usage", line);
        }
        let (raw, unknown) = found.unwrap_or_default();
        if !unknown.is_empty() {
            sink.note("usage with a part that is not known and not counted");
        }
        let mut call = call_of(row, trace, line);
        call.raw = raw;
        call.id_kind = if id.is_some() { IdKind::Span } else { IdKind::Position };
        call.id = id.as_deref().map(|id| {
            let trace = text_of(row, &["traceId", "trace_id"]).unwrap_or_default();
            format!("{trace}:{id}").into_boxed_str()
        });
        if is_error {
            // The message may quote the prompt; it serves only to find the class.
            let said = text_of(row, &["statusMessage", "status_message"]).unwrap_or_default();
            let http = ["429", "408", "504"].iter().find(|code| said.contains(**code));
            call.status = failure(http.and_then(|code| code.parse().ok()), &said);
        }
        self.calls.push((id, call));
    }
}

fn call_of(row: &Object, trace: Option<&Object>, line: u64) -> Call {
    let started = time_of(row, &["startTime", "start_time"]);
    let ended = time_of(row, &["endTime", "end_time"]);
    let first = time_of(row, &["completionStartTime", "completion_start_time"]);
    let session_keys = ["sessionId", "session_id"];
    let session = name_of(row, &session_keys)
        .or_else(|| name_of(trace?, &session_keys))
        .or_else(|| name_of(row, &["traceId", "trace_id"]))
        .or_else(|| name_of(trace?, &["id"]));
    let started_at = started.map(|(at, _)| at);
    let ended_at = ended.map(|(at, _)| at);
    let ttft_ms = elapsed_ms(started_at, first.map(|(at, _)| at));
    let paid = paid(row);
    let metadata = object_of(row.get("metadata"));
    let tools = row.get("toolCalls").or_else(|| row.get("tool_calls"));
    Call {
        line,
        started_at,
        ended_at,
        zone_known: started.or(ended).is_some_and(|(_, known)| known),
        session_kind: given(session.as_ref()),
        session,
        model_served: name_of(row, &["model", "providedModelName", "provided_model_name", "model_name"]),
        rule: FORMAT.rule,
        paid,
        paid_kind: if paid.is_some() { PaidKind::ComputedByTool } else { PaidKind::Unknown },
        // The field `latency` is in seconds in some exports and in milliseconds in others.
        latency_ms: elapsed_ms(started_at, ended_at),
        ttft_ms,
        streamed: ttft_ms.is_some().then_some(true),
        finish: metadata.as_ref().and_then(|metadata| finish(metadata.get("finish_reason"))),
        tool_calls: tools.and_then(Value::as_array).and_then(|calls| u32::try_from(calls.len()).ok()),
        app: name_of(row, &["release"]).or_else(|| name_of(trace?, &["release"])),
        service_tier: name(row.get("service_tier")),
        status: Status::Ok,
        ..Call::default()
    }
}

/// The cost that Langfuse computed or its client stated; zero is a model without a price unless a price is named.
fn paid(row: &Object) -> Option<f64> {
    let details = ["costDetails", "cost_details", "providedCostDetails"];
    let details =
        details.iter().filter_map(|key| object_or_json(row.get(*key))).find(|costs| !costs.is_empty());
    let of_details = details.as_ref().and_then(|costs| {
        money(costs.get("total")).or_else(|| {
            let parts: Vec<f64> = costs.values().filter_map(|cost| money(Some(cost))).collect();
            (!parts.is_empty()).then(|| parts.iter().sum())
        })
    });
    let total = ["totalCost", "calculatedTotalCost", "total_cost", "calculated_total_cost", "totalPrice"]
        .iter()
        .find_map(|key| money(row.get(*key)));
    total.filter(|cost| *cost > 0.0).or(of_details)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    fn generation(id: &str, parent: Option<&str>, usage: &Value) -> Value {
        json!({"id": id, "traceId": "t", "parentObservationId": parent, "type": "GENERATION", "name": "call",
            "startTime": "2026-08-01T10:00:00.000Z", "endTime": "2026-08-01T10:00:01.500Z", "completionStartTime": null,
            "model": "acme-1", "latency": 1500, "level": "DEFAULT", "statusMessage": null, "usageDetails": usage,
            "costDetails": {"input": 0.001, "output": 0.002}, "totalCost": 0.003, "metadata": "{}"})
    }

    #[test]
    fn the_total_decides_for_each_model_what_the_counts_include() {
        let excludes = generation(
            "a",
            None,
            &json!({"input": 100, "input_cache_read": 400, "output": 30, "output_reasoning": 50, "total": 580}),
        );
        let mut includes = generation(
            "b",
            None,
            &json!({"input": 500, "prompt_details.cache_read": 400, "output": 80, "completion_details.reasoning": 50, "total": 580}),
        );
        includes["model"] = json!("acme-2");
        let found = read(&FORMAT, &[excludes, includes]);
        for call in &found.calls {
            let tokens = call.tokens();
            assert_eq!((tokens.uncached, tokens.read), (Some(100), Some(400)));
            assert_eq!((tokens.output(), tokens.reasoning), (Some(80), Some(50)));
            assert_eq!((call.latency_ms, call.paid), (Some(1500.0), Some(0.003)));
        }
    }

    #[test]
    fn a_generation_that_wraps_others_is_not_counted() {
        let usage = json!({"input": 100, "output": 30, "total": 130});
        let span = json!({"id": "s", "traceId": "t", "parentObservationId": "outer", "type": "SPAN", "usageDetails": {}});
        let rows = [
            generation("outer", None, &usage),
            span,
            generation("inner", Some("s"), &usage),
            generation("beside", None, &usage),
        ];
        let found = read(&FORMAT, &rows);
        let ids: Vec<_> = found.calls.iter().filter_map(|call| call.id.as_deref()).collect();
        assert_eq!((ids, found.duplicates), (vec!["t:inner", "t:beside"], 1));
    }

    #[test]
    fn parents_in_a_circle_end() {
        let usage = json!({"input": 100, "output": 30});
        let found = read(&FORMAT, &[generation("a", Some("b"), &usage), generation("b", Some("a"), &usage)]);
        assert_eq!(found.calls.len() as u64 + found.duplicates, 2);
    }

    #[test]
    fn the_session_is_that_of_the_trace() {
        let usage = json!({"input": 100, "output": 30});
        let download = json!({"trace": {"id": "t", "sessionId": "chat-7"}, "observations": [generation("a", None, &usage)]});
        let of_api =
            json!({"id": "t", "sessionId": "chat-8", "observations": [generation("b", None, &usage)]});
        let page = json!({"data": [generation("c", None, &usage)], "meta": {"page": 1}});
        for entry in [&download, &of_api, &page] {
            assert_eq!(recognised(&FORMAT, std::slice::from_ref(entry)).1, Sure::Certain);
        }
        let found = read(&FORMAT, &[download, of_api, page]);
        let sessions: Vec<_> = found.calls.iter().filter_map(|call| call.session.as_deref()).collect();
        assert_eq!(sessions, ["chat-7", "chat-8", "t"]);
    }

    #[test]
    fn rows_of_a_csv_and_of_a_bucket_are_read() {
        let csv = json!({"id": "a", "traceId": "t", "type": "GENERATION", "parentObservationId": "", "startTime": "2026-08-01T10:00:00.000Z",
            "endTime": "2026-08-01T10:00:02.000Z", "model": "m", "usageDetails": "{\"input\":10,\"output\":4,\"total\":14}", "totalCost": "0.5", "level": "DEFAULT"});
        let bucket = json!({"id": "b", "trace_id": "t", "type": "GENERATION", "parent_observation_id": null, "start_time": "2026-08-01 10:00:00.000",
            "end_time": "2026-08-01 10:00:02.000", "completion_start_time": "2026-08-01 10:00:00.500", "provided_model_name": "m",
            "usage_details": {"input": 10, "output": 4, "total": 14}, "cost_details": {"total": 0.5}});
        let found = read(&FORMAT, &[csv, bucket]);
        assert_eq!(found.calls.len(), 2);
        assert!(found.calls.iter().all(|call| call.raw.input == Some(10)
            && call.paid == Some(0.5)
            && call.latency_ms == Some(2000.0)));
        assert_eq!(
            (found.calls[1].ttft_ms, found.calls[1].model_served.as_deref()),
            (Some(500.0), Some("m"))
        );
    }

    #[test]
    fn errors_are_failures_and_the_rest_is_counted() {
        let mut failed = generation("f", None, &json!({}));
        failed["level"] = json!("ERROR");
        failed["statusMessage"] = json!("Error code: 429 - secret text");
        let mut odd = generation("o", None, &json!({"input": 5, "output": 1}));
        odd["type"] = json!("DREAM");
        let rows = [
            failed,
            generation("e", None, &json!({})),
            generation("n", None, &json!({"input": -2})),
            odd,
            json!({"x": 1}),
            json!(1),
        ];
        let found = read(&FORMAT, &rows);
        assert_eq!((found.calls.len(), found.calls[0].status), (1, Status::RateLimited));
        assert_eq!(found.unread.len(), 5);
        assert!(!format!("{found:?}").contains("secret"));
    }
}
