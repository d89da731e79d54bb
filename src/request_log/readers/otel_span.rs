//! A span or log record of the semantic conventions for generative AI, or of one of their variants, as a call.

use super::super::call::{Call, IdKind, Name, PaidKind, Status};
use super::super::entry::{self, BadCount, given};
use super::litellm_spans;
use super::otel_names::{self, Operation, has_usage};
use super::otlp::{Kind, Record};
use super::otlp_attributes::first_text;
use super::{openrouter, outcome};

/// Beginnings of the attributes that only calls of models have.
pub(super) const OF_MODELS: &[&str] = &["gen_ai.", "llm.", "ai.", "openinference.", "traceloop."];

/// Why a record is not a call.
pub(super) fn reason_against(call: &Call, record: &Record<'_>, operation: Operation) -> Option<&'static str> {
    let has_usage = has_usage(call);
    if record.name == litellm_spans::REPEAT {
        return Some("span that repeats the contents of the call above it");
    }
    match operation {
        Operation::OtherWork => Some("embedding, tool or retrieval: no call with a prompt cache"),
        Operation::Sum if !has_usage => Some("agent or chain without token counts"),
        Operation::Model if !has_usage && record.kind == Kind::Log => Some("log record without token counts"),
        Operation::Model if !has_usage && !record.attributes.any(OF_MODELS) => {
            Some("span without token counts")
        }
        Operation::Unknown if !has_usage => Some(match record.kind {
            Kind::Log => "log record without token counts",
            _ => "span without token counts",
        }),
        _ => None,
    }
}

/// The call of a span, or of a log record that states one.
///
/// # Errors
/// [`BadCount`].
pub(super) fn call(record: &Record<'_>, operation: Operation, line: u64) -> Result<Call, BadCount> {
    let attributes = &record.attributes;
    let name = |names: &[&str]| attributes.text(names).map(Name::from);
    let session = otel_names::session(attributes);
    let paid = otel_names::COST.iter().find_map(|key| entry::money(attributes.get(key)));
    let finish = first_text(attributes.first(&[
        "gen_ai.response.finish_reasons",
        "gen_ai.response.finish_reason",
        "ai.response.finishReason",
        "llm.finish_reason",
        "llm.response.finish_reason",
    ]));
    let finish = finish.map(|reason| outcome::finish_name(&reason));
    let failed = record.exception.clone().filter(|_| record.is_error);
    let error = attributes.text(&["error.type", "exception.type"]).or(failed);
    let hidden = entry::object_or_json(attributes.get("hidden_params"));
    let (status, http) = status(record, error.as_deref(), finish.as_deref());
    let response = attributes.text(otel_names::RESPONSE_ID).filter(|_| record.kind == Kind::Log);
    let (id, id_kind) = match (record.key.clone(), response) {
        (Some(key), _) => (Some(key), IdKind::Span),
        (None, Some(response)) => (Some(response), IdKind::Response),
        (None, None) => (None, IdKind::Position),
    };
    let streamed =
        attributes.first(&["gen_ai.request.stream", "gen_ai.request.is_stream", "llm.is_streaming"]);
    let latency = record.duration_ms.filter(|_| record.kind == Kind::Span);
    Ok(Call {
        line,
        id_kind,
        id: openrouter::id(id),
        started_at: record.start,
        ended_at: record.end,
        zone_known: record.start.is_some(),
        session_kind: given(session.as_ref()),
        session,
        agent: name(otel_names::AGENT),
        platform: name(otel_names::PLATFORM),
        model_sent: name(otel_names::MODEL_SENT),
        model_served: name(otel_names::MODEL_SERVED),
        app: record.service().and_then(|service| entry::name(Some(&service.into()))),
        raw: otel_names::counts(attributes)?,
        usual_rule: otel_names::usual_rule(attributes),
        paid,
        paid_kind: if paid.is_some() { PaidKind::ComputedByTool } else { PaidKind::Unknown },
        latency_ms: latency,
        ttft_ms: otel_names::first_token(attributes),
        overhead_ms: entry::duration(
            hidden.as_ref().and_then(|hidden| hidden.get("litellm_overhead_time_ms")),
        ),
        status,
        http,
        error_class: error.map(Into::into),
        finish: finish.map(Into::into),
        streamed: entry::flag(streamed),
        service_tier: name(otel_names::TIER),
        aggregated: (operation == Operation::Sum).then_some(0),
        ..Call::default()
    })
}

/// How a call ended. The message of the status decides the class and is not kept: it may hold content.
fn status(record: &Record<'_>, error: Option<&str>, finish: Option<&str>) -> (Status, Option<u16>) {
    let code = outcome::http(record.attributes.first(&[
        "http.response.status_code",
        "http.status_code",
        "error.type",
    ]));
    let code = code.filter(|code| *code >= 400);
    let cancelled = entry::flag(record.attributes.get("gen_ai.response.cancelled")) == Some(true);
    if !record.is_error && error.is_none() && code.is_none() {
        return match finish {
            _ if cancelled => (Status::Cancelled, None),
            Some("error") => (Status::Error, None),
            _ => (Status::Ok, None),
        };
    }
    let texts = [error, record.message].into_iter().flatten().map(outcome::of_error);
    let by_text = texts.into_iter().find(|status| *status != Status::Error);
    (by_text.or(code.map(outcome::of_http)).unwrap_or(Status::Error), code)
}
