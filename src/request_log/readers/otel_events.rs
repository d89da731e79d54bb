//! The telemetry of coding agents: events of Claude Code, Codex and Gemini CLI, and the span of a request of Claude Code.
//!
//! These programs have names of their own, and may report the same call once more by the general conventions.

use super::super::call::{Call, IdKind, InputRule, OutputRule, PaidKind, RawCounts, Rule, Status};
use super::super::entry::{self, BadCount, given};
use super::otel_names::{self, EXCLUSIVE};
use super::otlp::{Kind, Record};
use super::otlp_attributes::first_text;
use super::{openrouter, outcome};
use chrono::TimeDelta;

/// A program with telemetry of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Program {
    /// Claude Code.
    ClaudeCode,
    /// Codex.
    Codex,
    /// Gemini CLI, and its fork Qwen Code.
    GeminiCli,
}

/// What an event is.
pub(super) enum Event {
    /// A call or a failure.
    Call(Box<Call>),
    /// A known event that is not a call; the reason.
    NoCall(&'static str),
    /// Not an event of the program's own.
    Other,
}

/// The program that emitted a record, if it has telemetry of its own.
pub(super) fn program(record: &Record<'_>) -> Option<Program> {
    let service = record.service().unwrap_or_default();
    let is = |prefix: &str, services: &[&str]| {
        record.name.starts_with(prefix) || services.iter().any(|name| service.starts_with(name))
    };
    if is("claude_code.", &["claude-code"]) {
        Some(Program::ClaudeCode)
    } else if is("codex.", &["codex"]) {
        Some(Program::Codex)
    } else if is("gemini_cli.", &["gemini-cli"]) || is("qwen-code.", &["qwen-code"]) {
        Some(Program::GeminiCli)
    } else {
        None
    }
}

/// Reads an event of a program.
///
/// # Errors
/// [`BadCount`].
pub(super) fn event(record: &Record<'_>, program: Program, line: u64) -> Result<Event, BadCount> {
    let name = record.name.rsplit_once('.').map_or(record.name, |(_, name)| name);
    let is_general = record.name.starts_with("gen_ai.");
    match (program, record.kind, name) {
        (_, Kind::Metrics, _) => Ok(Event::Other),
        (_, Kind::Log, _) if is_general => Ok(Event::Other),
        (Program::ClaudeCode, Kind::Log, "api_request")
        | (Program::ClaudeCode, Kind::Span, "llm_request") => claude_code(record, line).map(Event::Call),
        (Program::ClaudeCode | Program::GeminiCli, Kind::Log, "api_error") => {
            Ok(Event::Call(failure(record, program, line)))
        }
        (
            Program::Codex,
            Kind::Log,
            "sse_event" | "websocket_event" | "api_request" | "websocket_request",
        ) => codex(record, line),
        (Program::GeminiCli, Kind::Log, "api_response") => gemini_cli(record, line).map(Event::Call),
        (_, Kind::Log, _) => Ok(Event::NoCall("event of an agent that is not a call of a model")),
        (_, Kind::Span, _) => Ok(Event::Other),
    }
}

/// What all events state under the same names. An event is emitted when the answer is complete.
fn base(record: &Record<'_>, program: Program, line: u64) -> Call {
    let attributes = &record.attributes;
    let duration = entry::duration(attributes.get("duration_ms")).or(record.duration_ms);
    let (started_at, ended_at) = match record.kind {
        Kind::Span => (record.start, record.end),
        _ => {
            let micros = duration.map(|ms| TimeDelta::microseconds((ms * 1e3) as i64));
            let start = record.start.zip(micros).and_then(|(at, time)| at.checked_sub_signed(time));
            (start.or(record.start), record.start)
        }
    };
    let session = attributes.text(&["session.id", "conversation.id", "gen_ai.conversation.id"]);
    let session = session.or_else(|| record.resource.text(&["session.id"])).map(Into::into);
    let platform = match program {
        Program::ClaudeCode => "anthropic",
        Program::Codex => "openai",
        Program::GeminiCli => "google",
    };
    Call {
        line,
        started_at,
        ended_at,
        zone_known: true,
        session_kind: given(session.as_ref()),
        session,
        agent: attributes.text(&["agent.name", "agent_id", "query_source", "role"]).map(Into::into),
        platform: Some(platform.into()),
        model_served: attributes
            .text(&["model", "gen_ai.response.model", "gen_ai.request.model"])
            .map(Into::into),
        app: record.service().and_then(|name| entry::name(Some(&name.into()))),
        latency_ms: duration,
        ..Call::default()
    }
}

/// The id by which an event and the span of the same call are found to be one.
fn identified(call: &mut Call, id: Option<String>) {
    if id.is_some() {
        call.id_kind = IdKind::Response;
        call.id = openrouter::id(id);
    }
}

/// `claude_code.api_request` and the span `claude_code.llm_request`: input excludes cached and written tokens.
fn claude_code(record: &Record<'_>, line: u64) -> Result<Box<Call>, BadCount> {
    let attributes = &record.attributes;
    let general = otel_names::counts(attributes)?;
    let count = |name: &str| attributes.count(&[name]);
    let mut call = Call {
        raw: RawCounts {
            input: count("input_tokens")?.or(general.input),
            read: count("cache_read_tokens")?.or(general.read),
            write: count("cache_creation_tokens")?.or(general.write),
            output: count("output_tokens")?.or(general.output),
            ..RawCounts::default()
        },
        usual_rule: Some(EXCLUSIVE),
        paid: entry::money(attributes.get("cost_usd")),
        ttft_ms: otel_names::first_token(attributes),
        finish: attributes.text(&["stop_reason"]).map(|reason| outcome::finish_name(&reason).into()),
        attempts: attempts(record),
        ..base(record, Program::ClaudeCode, line)
    };
    if call.paid.is_some() {
        call.paid_kind = PaidKind::ComputedByTool;
    }
    let has_failed = record.is_error || entry::flag(attributes.get("success")) == Some(false);
    if has_failed {
        fail(&mut call, record);
    }
    identified(&mut call, attributes.text(&["request_id", "gen_ai.response.id"]));
    Ok(Box::new(call))
}

/// `codex.sse_event`: the completed response has the counts; any other event with an error is a failure.
fn codex(record: &Record<'_>, line: u64) -> Result<Event, BadCount> {
    let attributes = &record.attributes;
    let raw = RawCounts {
        input: attributes.count(&["input_token_count"])?,
        read: attributes.count(&["cached_token_count"])?,
        write: attributes.count(&["cache_write_token_count"])?,
        output: attributes.count(&["output_token_count"])?,
        reasoning: attributes.count(&["reasoning_token_count"])?,
        total: attributes.count(&["tool_token_count"])?,
        ..RawCounts::default()
    };
    if raw.input.is_some() || raw.output.is_some() {
        return Ok(Event::Call(Box::new(Call { raw, ..base(record, Program::Codex, line) })));
    }
    let http = outcome::http(attributes.get("http.response.status_code"));
    if attributes.get("error.message").is_some() || http.is_some_and(|code| code >= 400) {
        return Ok(Event::Call(failure(record, Program::Codex, line)));
    }
    Ok(Event::NoCall("event of an agent about a part of a call"))
}

/// `gemini_cli.api_response`: output excludes thoughts.
fn gemini_cli(record: &Record<'_>, line: u64) -> Result<Box<Call>, BadCount> {
    let attributes = &record.attributes;
    let count = |name: &str| attributes.count(&[name]);
    let mut call = Call {
        raw: RawCounts {
            input: count("input_token_count")?,
            read: count("cached_content_token_count")?,
            output: count("output_token_count")?,
            reasoning: count("thoughts_token_count")?,
            total: count("total_token_count")?,
            ..RawCounts::default()
        },
        usual_rule: Some(Rule {
            input: InputRule::IncludesReadAndWritten,
            output: OutputRule::ExcludesReasoning,
        }),
        finish: first_text(attributes.get("finish_reasons"))
            .map(|reason| outcome::finish_name(&reason).into()),
        ..base(record, Program::GeminiCli, line)
    };
    if outcome::http(attributes.get("status_code")).is_some_and(|code| code >= 400) {
        fail(&mut call, record);
    }
    identified(&mut call, attributes.text(&["response_id"]));
    Ok(Box::new(call))
}

fn attempts(record: &Record<'_>) -> Option<u32> {
    let attempt = record.attributes.count(&["attempt", "gen_ai.request.attempt"]).ok().flatten();
    attempt.filter(|attempt| *attempt > 0).and_then(|attempt| u32::try_from(attempt).ok())
}

fn failure(record: &Record<'_>, program: Program, line: u64) -> Box<Call> {
    let mut call = Call { attempts: attempts(record), ..base(record, program, line) };
    fail(&mut call, record);
    identified(&mut call, record.attributes.text(&["request_id"]));
    Box::new(call)
}

/// Marks a call as failed. The message decides the class and is not kept: it may hold content.
fn fail(call: &mut Call, record: &Record<'_>) {
    let attributes = &record.attributes;
    let http = outcome::http(attributes.first(&["status_code", "http.response.status_code", "http_status"]));
    let message = attributes.text(&["error.message", "error", "error.type", "error_type"]);
    let message = message.or_else(|| record.message.map(str::to_owned)).unwrap_or_default();
    call.http = http.filter(|code| *code >= 400);
    call.status = match (outcome::of_error(&message), call.http) {
        (Status::Error, Some(code)) => outcome::of_http(code),
        (status, _) => status,
    };
    call.error_class = attributes.text(&["error.type", "error_type"]).map(Into::into);
}

#[cfg(test)]
mod tests {
    use super::super::otlp::records;
    use super::*;
    use serde_json::{Value, json};

    fn log(name: &str, attributes: Value) -> Value {
        json!({"timestamp": "2026-09-21T13:33:20Z", "eventName": name, "attributes": attributes})
    }

    fn read(value: &Value) -> Result<Event, BadCount> {
        let record = records(value).pop().expect("a record");
        event(&record, program(&record).expect("a program"), 1)
    }

    fn call(value: &Value) -> Call {
        match read(value) {
            Ok(Event::Call(call)) => *call,
            _ => panic!("not a call"),
        }
    }

    #[test]
    fn claude_code_counts_uncached_input() {
        let found = call(&log(
            "claude_code.api_request",
            json!({"session.id": "s", "model": "m", "cost_usd": "0.5", "duration_ms": "2000", "input_tokens": "3",
                "output_tokens": "40", "cache_read_tokens": "900", "cache_creation_tokens": "50", "request_id": "req_1"}),
        ));
        assert_eq!((found.raw.input, found.raw.read, found.raw.write), (Some(3), Some(900), Some(50)));
        assert_eq!((found.usual_rule, found.paid_kind), (Some(EXCLUSIVE), PaidKind::ComputedByTool));
        assert_eq!(found.started_at.expect("a time").to_rfc3339(), "2026-09-21T13:33:18+00:00");
        assert_eq!((found.id_kind, found.id.as_deref()), (IdKind::Response, Some("req_1")));
        let failed = call(&log(
            "claude_code.api_error",
            json!({"model": "m", "error": "overloaded <b>", "status_code": "529", "attempt": 4}),
        ));
        assert_eq!((failed.status, failed.http, failed.attempts), (Status::Error, Some(529), Some(4)));
        assert_eq!(failed.error_class, None);
    }

    #[test]
    fn codex_counts_the_completed_response_once() {
        let completed = json!({"event.kind": "response.completed", "conversation.id": "c", "model": "m",
            "input_token_count": 100, "cached_token_count": 80, "output_token_count": 9, "reasoning_token_count": 4,
            "tool_token_count": 109});
        let found = call(&log("codex.sse_event", completed));
        assert_eq!(
            (found.raw.read, found.raw.total, found.session.as_deref()),
            (Some(80), Some(109), Some("c"))
        );
        let part = log("codex.sse_event", json!({"event.kind": "response.created"}));
        assert!(matches!(read(&part), Ok(Event::NoCall(_))));
        let limited =
            call(&log("codex.api_request", json!({"http.response.status_code": 429, "attempt": 2})));
        assert_eq!((limited.status, limited.attempts), (Status::RateLimited, Some(2)));
        let idle = call(&log("codex.sse_event", json!({"error.message": "idle timeout waiting for SSE"})));
        assert_eq!(idle.status, Status::Timeout);
    }

    #[test]
    fn gemini_cli_states_thoughts_beside_the_output() {
        let found = call(&log(
            "gemini_cli.api_response",
            json!({"model": "g", "input_token_count": 50, "cached_content_token_count": 20, "output_token_count": 5,
                "thoughts_token_count": 30, "total_token_count": 85, "status_code": 200, "finish_reasons": ["STOP"]}),
        ));
        assert_eq!(found.usual_rule.expect("a rule").output, OutputRule::ExcludesReasoning);
        assert_eq!((found.finish.as_deref(), found.status), (Some("stop"), Status::Ok));
        let failed =
            call(&log("gemini_cli.api_error", json!({"error.type": "ApiError", "status_code": 503})));
        assert_eq!((failed.status, failed.error_class.as_deref()), (Status::Error, Some("ApiError")));
    }

    #[test]
    fn other_events_and_damaged_counts_are_no_calls() {
        let prompt = log("claude_code.user_prompt", json!({"prompt_length": 5}));
        assert!(matches!(read(&prompt), Ok(Event::NoCall(_))));
        let damaged = log("gemini_cli.api_response", json!({"input_token_count": -1}));
        assert!(matches!(read(&damaged), Err(BadCount)));
        let general = json!({"eventName": "gen_ai.client.inference.operation.details", "attributes": {},
            "resource": {"attributes": {"service.name": "gemini-cli"}}});
        assert!(matches!(read(&general), Ok(Event::Other)));
    }
}
