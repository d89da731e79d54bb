//! Responses of Amazon Bedrock's Converse, and its log of model invocations.

use super::api_usage::{Family, converted, counts, family_of};
use super::outcome::failure;
use super::plain::{BAD_COUNTS, Plain, sure};
use crate::request_log::call::{Call, IdKind, Name, RawCounts, Status};
use crate::request_log::entry::{
    BadCount, Entry, Object, at, count, duration, name, object_at, text, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};

/// The format.
pub const FORMAT: Format = Format {
    id: "bedrock-usage",
    title: "Usage lines and invocation logs of Amazon Bedrock",
    rule: Family::Bedrock.rule(),
    total: Total::OfDisjoint,
    states_failures: false,
    recognises: |entry, _| match entry.object() {
        Some(object) if is_invocation(object) => Sure::Certain,
        _ => sure(entry, Family::Bedrock),
    },
    reader: |context| Box::new(Bedrock(Plain::new(Family::Bedrock, None, context))),
};

struct Bedrock(Plain);

fn is_invocation(object: &Object) -> bool {
    text(object.get("schemaType")).as_deref() == Some("ModelInvocationLog")
}

/// The counts of a log of invocations: those of the response's body, or those that the log states itself.
fn invocation_counts(record: &Object) -> Result<RawCounts, BadCount> {
    let body = object_at(record, &["output", "outputBodyJson", "usage"]);
    if let Some((body, family)) = body.and_then(|body| Some((body, family_of(body)?))) {
        let family = if family == Family::OpenAi && body.contains_key("input_tokens") {
            Family::Anthropic
        } else {
            family
        };
        let mut raw = converted(counts(body, family)?, family, Family::Bedrock);
        raw.read = raw.read.or(count(at(record, &["input", "cacheReadInputTokenCount"]))?);
        if raw.written().is_none() {
            raw.write = count(at(record, &["input", "cacheWriteInputTokenCount"]))?;
        }
        return Ok(raw);
    }
    Ok(RawCounts {
        input: count(at(record, &["input", "inputTokenCount"]))?,
        read: count(at(record, &["input", "cacheReadInputTokenCount"]))?,
        write: count(at(record, &["input", "cacheWriteInputTokenCount"]))?,
        output: count(at(record, &["output", "outputTokenCount"]))?,
        ..RawCounts::default()
    })
}

fn invocation(record: &Object, line: u64, sink: &mut Sink) {
    let Ok(raw) = invocation_counts(record) else { return sink.unread(BAD_COUNTS, line) };
    let class = text(record.get("errorCode"));
    if class.is_none() && raw.input.is_none() && raw.output.is_none() {
        return sink.unread("invocation without token counts", line);
    }
    let ended = time_of(record, &["timestamp"]);
    let id = text(record.get("requestId"));
    let operation = text(record.get("operation")).unwrap_or_default();
    let call = Call {
        line,
        id_kind: if id.is_some() { IdKind::Response } else { IdKind::Position },
        id: id.map(String::into_boxed_str),
        started_at: ended.map(|(at, _)| at),
        zone_known: ended.is_some_and(|(_, known)| known),
        platform: Some(Name::from("bedrock")),
        model_served: name(record.get("modelId")),
        raw,
        rule: Family::Bedrock.rule(),
        latency_ms: duration(at(record, &["output", "outputBodyJson", "metrics", "latencyMs"])),
        status: class.as_deref().map_or(Status::Ok, |class| failure(None, class)),
        error_class: class.map(Name::from),
        finish: super::outcome::finish(at(record, &["output", "outputBodyJson", "stopReason"])),
        streamed: (!operation.is_empty()).then(|| operation.contains("Stream")),
        ..Call::default()
    };
    sink.push(call, Keep::First);
}

impl Reader for Bedrock {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        match entry.object() {
            Some(object) if is_invocation(object) => invocation(object, entry.line, sink),
            _ => self.0.read(entry, sink),
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        self.0.finish(sink);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::read;
    use super::FORMAT;
    use crate::request_log::call::Status;
    use serde_json::json;

    #[test]
    fn converse_excludes_cached_tokens() {
        let usage = json!({"inputTokens": 12, "outputTokens": 20, "totalTokens": 932, "cacheReadInputTokens": 800,
            "cacheWriteInputTokens": 100});
        let found = read(
            &FORMAT,
            &[
                json!({"stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 410}}),
                json!({"metadata": {"usage": usage, "metrics": {"latencyMs": 500}}}),
            ],
        );
        assert_eq!(found.calls.len(), 2);
        let tokens = found.calls[0].tokens();
        assert_eq!((tokens.prompt(), tokens.read, tokens.written()), (Some(912), Some(800), Some(100)));
        assert_eq!(
            (found.calls[0].latency_ms, found.calls[0].finish.as_deref()),
            (Some(410.0), Some("stop"))
        );
    }

    #[test]
    fn invocations_are_read_with_their_failures() {
        let log = |id: &str, rest: serde_json::Value| {
            let mut row = json!({"schemaType": "ModelInvocationLog", "timestamp": "2026-08-01T10:00:00Z",
                "requestId": id, "operation": "ConverseStream", "modelId": "acme.x"});
            row.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
            row
        };
        let found = read(
            &FORMAT,
            &[
                log(
                    "a",
                    json!({"input": {"inputTokenCount": 4, "cacheReadInputTokenCount": 90}, "output": {"outputTokenCount": 38}}),
                ),
                log("b", json!({"errorCode": "ThrottlingException", "input": {}})),
                log(
                    "c",
                    json!({"input": {"inputTokenCount": 4, "cacheReadInputTokenCount": 70}, "output": {"outputBodyJson":
                    {"usage": {"input_tokens": 4, "output_tokens": 6, "cache_read_input_tokens": 70}}}}),
                ),
                log("d", json!({"input": {}})),
                log("e", json!({"input": {"inputTokenCount": -1}})),
            ],
        );
        assert_eq!(found.calls.len(), 3);
        assert_eq!((found.calls[0].tokens().prompt(), found.calls[0].streamed), (Some(94), Some(true)));
        assert_eq!(found.calls[1].status, Status::RateLimited);
        assert_eq!(found.calls[2].tokens().prompt(), Some(74));
        assert_eq!(found.unread.len(), 2);
    }
}
