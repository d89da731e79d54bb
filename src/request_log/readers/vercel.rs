//! Usage objects and results of Vercel's AI SDK, versions 4 to 6: bare, in stream parts, in results with steps, or as
//! named records in one document.

use super::answer::put_money;
use super::api_usage::{counts, family_of, settle};
use super::outcome::{failure, finish, status_of};
use super::plain::BAD_COUNTS;
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, Status,
};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count, count_of, duration, given, money, name, name_of,
    object_at, text, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;
use std::collections::HashMap;

/// The format.
pub const FORMAT: Format = Format {
    id: "vercel-ai-sdk",
    title: "Usage of Vercel's AI SDK",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::OfFields,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Vercel::default()),
};

/// Totals wait until the end of the file, because a total may repeat a usage that comes after it.
#[derive(Default)]
struct Vercel {
    totals: Vec<Call>,
    /// Input and output of the steps since the last total.
    steps: Option<(u64, u64)>,
}

/// How sure it is that an object is a usage of the AI SDK.
fn sure_of_usage(usage: &Object) -> Sure {
    let has = |keys: &[&str]| keys.iter().any(|key| usage.contains_key(*key));
    if has(&["cacheReadInputTokens", "cacheWriteInputTokens", "traceId"]) {
        Sure::No
    } else if has(&["inputTokenDetails", "outputTokenDetails"]) && has(&["inputTokens"]) {
        Sure::Certain
    } else if has(&["inputTokens"])
        && has(&["outputTokens"])
        && has(&["cachedInputTokens", "reasoningTokens"])
    {
        Sure::Likely
    } else if (has(&["inputTokens"]) && has(&["outputTokens"]))
        || (has(&["promptTokens"]) && has(&["completionTokens"]))
    {
        Sure::Fallback
    } else {
        Sure::No
    }
}

fn usage_at<'a>(record: &'a Object, key: &str) -> Option<&'a Object> {
    record.get(key)?.as_object().filter(|usage| sure_of_usage(usage) != Sure::No)
}

/// How sure it is that an object is a record with a usage.
fn sure_of_record(record: &Object) -> Sure {
    let inner =
        ["usage", "totalUsage"].iter().filter_map(|key| usage_at(record, key)).map(sure_of_usage).max();
    let inner = inner.unwrap_or(Sure::No);
    let is_total = record.contains_key("totalUsage") && inner != Sure::No;
    let whole = if is_total { Sure::Certain } else { inner };
    whole.max(sure_of_usage(record))
}

/// The records in an entry: itself, or named ones.
fn records(object: &Object) -> Vec<&Object> {
    if sure_of_record(object) != Sure::No || object.contains_key("steps") {
        return vec![object];
    }
    let named = object.values().flat_map(|value| match value {
        Value::Object(record) => vec![record],
        Value::Array(list) => list.iter().filter_map(Value::as_object).collect(),
        _ => Vec::new(),
    });
    let found: Vec<&Object> = named.filter(|record| sure_of_record(record) != Sure::No).collect();
    if found.is_empty() { vec![object] } else { found }
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(object) = entry.object() else { return Sure::No };
    records(object).into_iter().take(20).map(sure_of_record).max().unwrap_or(Sure::No)
}

impl Reader for Vercel {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        for record in records(object) {
            self.record(record, entry.line, sink);
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        let key = |call: &Call| (call.raw.input, call.raw.read, call.raw.output);
        let mut open: HashMap<_, usize> = HashMap::new();
        for call in sink.calls_mut().iter() {
            *open.entry(key(call)).or_default() += 1;
        }
        for total in std::mem::take(&mut self.totals) {
            match open.get_mut(&key(&total)).filter(|usages| **usages > 0) {
                Some(usages) => {
                    *usages -= 1;
                    sink.duplicate();
                    sink.note("a total that repeats the usage of a step is not counted");
                }
                None => sink.push(total, Keep::First),
            }
        }
    }
}

impl Vercel {
    fn record(&mut self, record: &Object, line: u64, sink: &mut Sink) {
        let kind = text(record.get("type"));
        let steps = record.get("steps").and_then(Value::as_array);
        let steps: Vec<&Object> = steps.into_iter().flatten().filter_map(Value::as_object).collect();
        if !steps.is_empty() && steps.iter().all(|step| usage_at(step, "usage").is_some()) {
            for step in steps {
                if let Some(usage) = usage_at(step, "usage") {
                    push(step, record, usage, line, sink);
                }
            }
            return;
        }
        let usage =
            usage_at(record, "usage").or_else(|| (sure_of_usage(record) != Sure::No).then_some(record));
        match (usage, usage_at(record, "totalUsage")) {
            (Some(usage), Some(total)) => {
                match (call(record, record, usage, line), call(record, record, total, line)) {
                    (Ok(last), Ok(all)) if last.raw == all.raw => push(record, record, usage, line, sink),
                    (_, Ok(all)) => {
                        sink.note("a total of several steps whose number is not stated");
                        sink.push(Call { aggregated: Some(0), ..all }, Keep::First);
                    }
                    (_, Err(BadCount)) => sink.unread(BAD_COUNTS, line),
                }
            }
            (Some(usage), None) => {
                if kind.as_deref() == Some("finish-step") {
                    let stated = |key| count(usage.get(key)).ok().flatten().unwrap_or(0);
                    let (input, output) = self.steps.unwrap_or((0, 0));
                    self.steps = Some((
                        input.saturating_add(stated("inputTokens")),
                        output.saturating_add(stated("outputTokens")),
                    ));
                }
                push(record, record, usage, line, sink);
            }
            (None, Some(total)) => match call(record, record, total, line) {
                Ok(call) => {
                    let sum = Some((call.raw.input.unwrap_or(0), call.raw.output.unwrap_or(0)));
                    if self.steps.take().is_some_and(|steps| Some(steps) == sum) {
                        sink.duplicate();
                        sink.note("a total that repeats the usage of its steps is not counted");
                    } else {
                        self.totals.push(call);
                    }
                }
                Err(BadCount) => sink.unread(BAD_COUNTS, line),
            },
            (None, None) if kind.as_deref() == Some("error") => {
                let class = ["name", "type", "code"].iter().find_map(|key| text(at(record, &["error", key])));
                let status = failure(None, class.as_deref().unwrap_or_default());
                let error_class = class.map(Name::from);
                sink.push(
                    Call { line, status, error_class, rule: FORMAT.rule, ..Call::default() },
                    Keep::First,
                );
            }
            (None, None) if kind.is_some() => sink.note("stream parts without usage"),
            (None, None) => sink.unread("no usage of the AI SDK", line),
        }
    }
}

fn push(record: &Object, around: &Object, usage: &Object, line: u64, sink: &mut Sink) {
    match call(record, around, usage, line) {
        Ok(call) if call.raw.input.unwrap_or(0) == 0 && call.raw.output.unwrap_or(0) == 0 => {
            sink.unread("usage without tokens", line);
        }
        Ok(call) => sink.push(call, Keep::LargestOutput),
        Err(BadCount) => sink.unread(BAD_COUNTS, line),
    }
}

/// The counts of a usage. Version 6 states the uncached part; before, Anthropic's and Bedrock's input excludes cached
/// tokens, which only the provider's metadata shows.
fn usage_counts(usage: &Object, metadata: Option<&Object>) -> Result<RawCounts, BadCount> {
    let detail = |name: &str| count(at(usage, &["inputTokenDetails", name]));
    let of_provider = |path: &[&str]| count(metadata.and_then(|metadata| at(metadata, path)));
    let mut raw = RawCounts {
        input: count_of(usage, &["inputTokens", "promptTokens"])?,
        read: detail("cacheReadTokens")?.or(count(usage.get("cachedInputTokens"))?),
        write: detail("cacheWriteTokens")?,
        output: count_of(usage, &["outputTokens", "completionTokens"])?,
        reasoning: count(at(usage, &["outputTokenDetails", "reasoningTokens"]))?
            .or(count(usage.get("reasoningTokens"))?),
        total: count(usage.get("totalTokens"))?,
        ..RawCounts::default()
    };
    let sent = usage.get("raw").and_then(Value::as_object);
    let sent = sent.and_then(|sent| Some(counts(sent, family_of(sent)?))).transpose()?;
    if let Some(sent) = sent {
        raw.read = raw.read.or(sent.read);
        if raw.write.is_none() || raw.write == sent.written() {
            (raw.write, raw.write_5m, raw.write_1h) = (sent.write, sent.write_5m, sent.write_1h);
        }
    }
    if let Some(uncached) = detail("noCacheTokens")? {
        let all = uncached.saturating_add(raw.read.unwrap_or(0)).saturating_add(raw.written().unwrap_or(0));
        raw.input = raw.input.max(Some(all));
        return Ok(raw);
    }
    let written = of_provider(&["anthropic", "cacheCreationInputTokens"])?
        .or(of_provider(&["anthropic", "usage", "cache_creation_input_tokens"])?)
        .or(of_provider(&["bedrock", "usage", "cacheWriteInputTokens"])?);
    let read = of_provider(&["anthropic", "usage", "cache_read_input_tokens"])?.or(of_provider(&[
        "bedrock",
        "usage",
        "cacheReadInputTokens",
    ])?);
    if written.is_some() || read.is_some() {
        raw.read = raw.read.or(read);
        raw.write = raw.write.or(written);
        let beside = raw.read.unwrap_or(0).saturating_add(raw.written().unwrap_or(0));
        raw.input = raw.input.map(|input| input.saturating_add(beside));
        return Ok(raw);
    }
    settle(&mut raw);
    Ok(raw)
}

/// Whether the input is without cached tokens: so it is in version 5 for Anthropic's own provider. With its metadata the
/// input has been completed already.
fn is_exclusive(record: &Object, usage: &Object, has_metadata: bool) -> bool {
    let provider = text(at(record, &["model", "provider"])).or_else(|| text(record.get("provider")));
    let is_anthropic = provider.is_some_and(|provider| provider.starts_with("anthropic"));
    let is_version_5 = usage.contains_key("cachedInputTokens") && !usage.contains_key("inputTokenDetails");
    is_anthropic && is_version_5 && !has_metadata && !usage.contains_key("raw")
}

fn call(record: &Object, around: &Object, usage: &Object, line: u64) -> Result<Call, BadCount> {
    let metadata = ["providerMetadata", "providerOptions"].iter().find_map(|key| object_at(record, &[key]));
    let raw = usage_counts(usage, metadata)?;
    let id = text(at(record, &["response", "id"])).or_else(|| text(record.get("generationId")));
    let session = name_of(record, &["sessionId", "session_id", "chatId", "threadId"])
        .or_else(|| name_of(around, &["sessionId", "session_id", "chatId", "threadId"]));
    let time_keys = ["timestamp", "createdAt", "startTime", "time"];
    let started = object_at(record, &["response"])
        .and_then(|response| time_of(response, &time_keys))
        .or_else(|| time_of(record, &time_keys));
    let model = name(at(record, &["response", "modelId"]))
        .or_else(|| name_of(record, &["modelId", "model"]))
        .or_else(|| name(at(record, &["model", "modelId"])))
        .or_else(|| name_of(around, &["modelId", "model"]));
    let finish = finish(record.get("finishReason").or_else(|| record.get("rawFinishReason")));
    let mut call = Call {
        line,
        id_kind: if id.is_some() { IdKind::Response } else { IdKind::Position },
        id: id.map(String::into_boxed_str),
        started_at: started.map(|(at, _)| at),
        zone_known: started.is_some_and(|(_, known)| known),
        session_kind: given(session.as_ref()),
        session,
        model_served: model,
        provider_name: name(record.get("provider")).or_else(|| name(at(record, &["model", "provider"]))),
        raw,
        rule: FORMAT.rule,
        usual_rule: is_exclusive(record, usage, metadata.is_some())
            .then_some(Rule { input: InputRule::Excludes, ..FORMAT.rule }),
        latency_ms: duration(record.get("durationMs")).or_else(|| duration(record.get("msToFinish"))),
        ttft_ms: duration(record.get("msToFirstChunk")),
        status: status_of(finish.as_ref()),
        finish,
        tool_calls: record
            .get("toolCalls")
            .and_then(Value::as_array)
            .and_then(|calls| u32::try_from(calls.len()).ok()),
        ..Call::default()
    };
    if call.status == Status::Unknown {
        call.status = Status::Ok;
    }
    if let Some(sent) = usage.get("raw").and_then(Value::as_object) {
        put_money(&mut call, sent, record);
        call.service_tier = name(sent.get("service_tier"));
    }
    // Vercel's gateway states what it charged.
    if let Some(cost) = metadata.and_then(|metadata| money(at(metadata, &["gateway", "cost"])))
        && call.paid.is_none()
    {
        (call.paid, call.paid_kind) = (Some(cost), PaidKind::Billed);
        call.platform = Some(Name::from("vercel"));
    }
    Ok(call)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    fn usage(uncached: u64, read: u64, output: u64) -> Value {
        json!({"inputTokens": uncached + read, "inputTokenDetails": {"noCacheTokens": uncached, "cacheReadTokens": read, "cacheWriteTokens": null},
            "outputTokens": output, "outputTokenDetails": {"textTokens": output, "reasoningTokens": 0},
            "totalTokens": uncached + read + output, "cachedInputTokens": read})
    }

    #[test]
    fn a_total_that_repeats_a_usage_counts_once() {
        let records = json!({"a_finish": {"type": "finish", "finishReason": "stop", "totalUsage": usage(10, 400, 7)},
            "a_stream": usage(10, 400, 7), "b_finish": {"type": "finish", "totalUsage": usage(10, 400, 7)},
            "c_finish": {"type": "finish", "totalUsage": usage(99, 0, 3)}});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&records)).1, Sure::Certain);
        let found = read(&FORMAT, &[records]);
        assert_eq!((found.calls.len(), found.duplicates), (3, 1));
        assert_eq!(found.calls.iter().filter_map(|call| call.tokens().read).sum::<u64>(), 800);
    }

    #[test]
    fn steps_count_and_their_total_does_not() {
        let step = |n: u64| json!({"usage": usage(n, 50, 5), "finishReason": "tool-calls", "response": {"id": format!("r{n}"), "modelId": "m"}});
        let result =
            json!({"steps": [step(1), step(2)], "usage": usage(2, 50, 5), "totalUsage": usage(3, 100, 10)});
        let found = read(&FORMAT, &[result]);
        assert_eq!((found.calls.len(), found.calls[1].id.as_deref()), (2, Some("r2")));
        let parts = [
            json!({"type": "text-delta", "text": "x"}),
            json!({"type": "finish-step", "usage": usage(1, 50, 5)}),
            json!({"type": "finish-step", "usage": usage(2, 50, 5)}),
            json!({"type": "finish", "totalUsage": usage(3, 100, 10)}),
        ];
        let found = read(&FORMAT, &parts);
        assert_eq!((found.calls.len(), found.duplicates), (2, 1));
        let both = json!({"usage": usage(2, 50, 5), "totalUsage": usage(3, 100, 10)});
        let found = read(&FORMAT, &[both]);
        assert_eq!((found.calls.len(), found.calls[0].aggregated), (1, Some(0)));
    }

    #[test]
    fn what_the_provider_sent_adds_writes_and_cost() {
        let anthropic = json!({"inputTokens": 640, "inputTokenDetails": {"noCacheTokens": 40, "cacheReadTokens": 100, "cacheWriteTokens": 500},
            "outputTokens": 9, "outputTokenDetails": {}, "totalTokens": 649,
            "raw": {"input_tokens": 40, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 500, "output_tokens": 9,
                "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 500}}});
        let mut router = usage(6, 90, 7);
        router["raw"] = json!({"prompt_tokens": 96, "completion_tokens": 7, "cost": 0.001, "is_byok": true,
            "cost_details": {"upstream_inference_cost": 0.02}});
        let found = read(&FORMAT, &[anthropic, router]);
        let tokens = found.calls[0].tokens();
        assert_eq!(
            (tokens.prompt(), tokens.uncached, tokens.write_1h, tokens.write),
            (Some(640), Some(40), Some(500), None)
        );
        assert_eq!((found.calls[1].paid, found.calls[1].paid_kind), (Some(0.021), PaidKind::BilledPlusByok));
    }

    #[test]
    fn version_5_excludes_anthropics_cached_tokens() {
        let record = json!({"usage": {"inputTokens": 12, "outputTokens": 30, "totalTokens": 42, "cachedInputTokens": 700},
            "providerMetadata": {"anthropic": {"cacheCreationInputTokens": 60}}, "response": {"modelId": "claude-x"}});
        let openai = json!({"usage": {"inputTokens": 800, "outputTokens": 30, "totalTokens": 830, "cachedInputTokens": 700}, "model": "gpt-x"});
        let google = json!({"usage": {"inputTokens": 800, "outputTokens": 30, "reasoningTokens": 20, "totalTokens": 850, "cachedInputTokens": 0}});
        let found = read(&FORMAT, &[record, openai, google]);
        assert_eq!(
            (found.calls[0].tokens().prompt(), found.calls[0].tokens().uncached),
            (Some(772), Some(12))
        );
        assert_eq!(found.calls[1].tokens().uncached, Some(100));
        assert_eq!(found.calls[2].tokens().output(), Some(50), "thoughts are beside the output");
    }

    #[test]
    fn version_5_excludes_cached_tokens_of_a_provider_that_is_named() {
        let record = |provider: &str| {
            json!({"model": {"provider": provider, "modelId": "m"},
                "usage": {"inputTokens": 3000, "outputTokens": 10, "totalTokens": 3010, "cachedInputTokens": 2000}})
        };
        let prompt = |provider: &str| read(&FORMAT, &[record(provider)]).calls[0].tokens().prompt();
        assert_eq!(prompt("anthropic.messages"), Some(5000));
        assert_eq!(prompt("openai.responses"), Some(3000));
    }

    #[test]
    fn what_is_no_usage_is_counted() {
        let rows = [
            json!({"usage": {"inputTokens": -1, "outputTokens": 2, "inputTokenDetails": {}}}),
            json!({"usage": {"inputTokens": 0, "outputTokens": 0, "inputTokenDetails": {}}}),
            json!({"x": 1}),
            json!("y"),
            json!({"type": "error", "error": {"name": "AI_RetryTimeout"}}),
        ];
        let found = read(&FORMAT, &rows);
        assert_eq!((found.calls.len(), found.unread.len()), (1, 4));
        assert_eq!(found.calls[0].status, Status::Timeout);
    }
}
