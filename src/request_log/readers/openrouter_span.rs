//! A span of OpenRouter's broadcast.
//!
//! One request is the root span. Its attempts and its generation repeat the same usage and are not calls. The host is
//! in the trace's metadata: `gen_ai.provider.name` is the maker of the model.

use super::super::call::{Call, IdKind, RawCounts, Status};
use super::super::entry::{self, BadCount, given};
use super::otlp::{Kind, Record};
use super::otlp_attributes::first_text;
use super::{openrouter, outcome};

/// What a span of a delivery is.
pub(super) enum Part {
    /// The request: one call.
    Request(Box<Call>),
    /// One attempt at a provider.
    Attempt,
    /// The generation, which repeats the request.
    Generation,
    /// The delivery by which OpenRouter tests a destination.
    Test,
    /// Something else, such as a span that the client named.
    Other,
}

/// Whether OpenRouter emitted a record.
pub(super) fn is_openrouter(record: &Record<'_>) -> bool {
    record.kind == Kind::Span
        && (record.service() == Some("openrouter")
            || record.scope == Some("openrouter")
            || record.name == "openrouter-connection-test"
            || record.attributes.get("trace.metadata.openrouter.source").is_some())
}

/// What a span of OpenRouter is.
///
/// # Errors
/// [`BadCount`].
pub(super) fn part(record: &Record<'_>, line: u64) -> Result<Part, BadCount> {
    let attributes = &record.attributes;
    let id = attributes.text(&["gen_ai.response.id"]);
    let suffix = id.as_deref().and_then(|id| id.rsplit_once(':')).map(|(_, suffix)| suffix);
    if record.name == "openrouter-connection-test" {
        return Ok(Part::Test);
    }
    if record.name.starts_with("provider attempt")
        || attributes.get("span.metadata.attempt_index").is_some()
        || suffix.is_some_and(|suffix| suffix.starts_with("attempt-"))
    {
        return Ok(Part::Attempt);
    }
    if suffix == Some("generation") {
        return Ok(Part::Generation);
    }
    let kind = attributes.text(&["span.type"]);
    let is_request = kind.as_deref() == Some("generation")
        || record.name == "LLM Generation"
        || (kind.is_none() && attributes.any(&["gen_ai.usage.", "gen_ai.request.model"]));
    if !is_request {
        return Ok(if record.name == "generation" { Part::Generation } else { Part::Other });
    }
    Ok(Part::Request(Box::new(request(record, id, line)?)))
}

/// Names of OpenRouter's metadata: today's, and the record of the generation that some deliveries hold.
fn names(name: &str) -> [String; 3] {
    ["trace.metadata.openrouter", "trace.metadata.openrouter_generation", "openrouter"]
        .map(|prefix| format!("{prefix}.{name}"))
}

fn request(record: &Record<'_>, id: Option<String>, line: u64) -> Result<Call, BadCount> {
    let attributes = &record.attributes;
    let get = |name: &str| names(name).iter().find_map(|name| attributes.get(name));
    let text = |name: &str| entry::name(get(name));
    let attempts = openrouter::attempts(
        attributes.first(&["trace.metadata.provider_responses", "span.metadata.provider_responses"]),
    );
    let is_byok = entry::flag(get("is_byok")).or(attempts.as_ref().and_then(|attempts| attempts.is_byok));
    let charge =
        entry::money(attributes.get("gen_ai.usage.total_cost")).or_else(|| entry::money(get("usage")));
    let byok = entry::money(get("byok_usage_inference"));
    let (paid, paid_kind) = openrouter::paid(charge, byok, is_byok);
    let streamed = entry::flag(get("streamed"));
    let session = attributes.text(&["session.id", "gen_ai.conversation.id"]).map(Into::into);
    let reason = attributes
        .text(&["gen_ai.response.finish_reason"])
        .or_else(|| first_text(attributes.get("gen_ai.response.finish_reasons")))
        .or_else(|| entry::text(get("finish_reason")));
    let finish = reason.map(|reason| outcome::finish_name(&reason));
    let http =
        attempts.as_ref().and_then(|attempts| attempts.http).filter(|code| *code >= 400 && record.is_error);
    let id =
        id.or_else(|| record.resource.text(&["openrouter.trace.id"]).filter(|id| id.starts_with("gen-")));
    let (id, id_kind) = match (id, &record.key) {
        (Some(id), _) if id.starts_with("gen-") => (Some(id), IdKind::Generation),
        (_, Some(key)) => (Some(key.clone()), IdKind::Span),
        (Some(id), None) => (Some(id), IdKind::Response),
        (None, None) => (None, IdKind::Position),
    };
    let mut call = Call {
        line,
        id: openrouter::id(id),
        id_kind,
        started_at: record.start,
        ended_at: record.end,
        zone_known: true,
        session_kind: given(session.as_ref()),
        session,
        platform: Some(openrouter::PLATFORM.into()),
        model_sent: attributes.text(&["gen_ai.request.model"]).map(Into::into),
        model_served: attributes.text(&["gen_ai.response.model"]).map(Into::into),
        provider_name: text("provider_name"),
        provider_tag: text("provider_slug"),
        app: text("app_name"),
        key: text("api_key_name"),
        raw: counts(record)?,
        paid,
        paid_kind,
        cache_saving: entry::number(get("usage_cache")).map(|cost| 0.0 - cost),
        latency_ms: record.duration_ms,
        ttft_ms: ["first_token_ms", "provider_time_to_first_token_ms"]
            .iter()
            .find_map(|name| entry::duration(get(name)))
            .filter(|_| streamed != Some(false)),
        router_ms: entry::duration(get("router_latency_ms")),
        status: status(record, http, finish.as_deref()),
        http,
        error_class: attributes.text(&["error.type"]).map(Into::into),
        finish: finish.map(Into::into),
        streamed,
        service_tier: text("service_tier"),
        is_byok,
        gateway_cache_hit: entry::text(get("response_cache_source_id")).is_some(),
        ..Call::default()
    };
    if let Some(attempts) = attempts {
        attempts.complete(&mut call);
    }
    Ok(call)
}

fn counts(record: &Record<'_>) -> Result<RawCounts, BadCount> {
    let count = |names: &[&str]| record.attributes.count(names);
    let write_5m = count(&["gen_ai.usage.input_tokens.cache_write_5m"])?.filter(|count| *count > 0);
    let write_1h = count(&["gen_ai.usage.input_tokens.cache_write_1h"])?.filter(|count| *count > 0);
    let by_lifetime = write_5m.unwrap_or(0).saturating_add(write_1h.unwrap_or(0));
    let written =
        count(&["gen_ai.usage.input_tokens.cache_write", "gen_ai.usage.cache_creation.input_tokens"])?;
    Ok(RawCounts {
        input: count(&["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"])?,
        read: count(&["gen_ai.usage.input_tokens.cached", "gen_ai.usage.cache_read.input_tokens"])?,
        write: written.map(|all| all.saturating_sub(by_lifetime)),
        write_5m,
        write_1h,
        output: count(&["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"])?,
        reasoning: count(&["gen_ai.usage.output_tokens.reasoning", "gen_ai.usage.reasoning.output_tokens"])?,
        total: count(&["gen_ai.usage.total_tokens"])?,
    })
}

fn status(record: &Record<'_>, http: Option<u16>, finish: Option<&str>) -> Status {
    let level = record.attributes.text(&["span.level"]);
    if !record.is_error && level.as_deref() != Some("ERROR") {
        return if finish == Some("error") { Status::Error } else { Status::Ok };
    }
    let message =
        record.message.map(str::to_owned).or_else(|| record.attributes.text(&["span.status_message"]));
    match (message.as_deref().map(outcome::of_error), http) {
        (Some(status), _) if status != Status::Error => status,
        (_, Some(code)) => outcome::of_http(code),
        _ => Status::Error,
    }
}
