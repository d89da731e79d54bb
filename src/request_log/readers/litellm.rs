//! What the formats of LiteLLM have in common: the usage in a row's metadata, failures, keys and times.

use super::api_usage::{Family, converted, counts, family_of};
use super::outcome::{elapsed_ms, failure, http_error, key};
use crate::request_log::call::{Call, Name, RawCounts, Status};
use crate::request_log::entry::{
    BadCount, Object, count, duration, object_at, object_or_json, text, time_of,
};
use serde_json::Value;
use std::borrow::Cow;

/// The counts of a row: its own, with what its usage object adds. LiteLLM keeps the usage as its provider sent it or in
/// OpenAI's form; cached and written tokens are only there.
///
/// # Errors
/// [`BadCount`].
pub fn row_counts(
    row: &Object,
    metadata: Option<&Object>,
    response: Option<&Object>,
) -> Result<RawCounts, BadCount> {
    let mut raw = counts(row, Family::OpenAi)?;
    let places = [
        metadata.and_then(|metadata| object_at(metadata, &["usage_object"])),
        metadata.and_then(|metadata| object_at(metadata, &["additional_usage_values"])),
        response.and_then(|response| object_at(response, &["usage"])),
    ];
    for usage in places.into_iter().flatten() {
        let family = family_of(usage);
        let is_messages = family != Some(Family::OpenAi) || usage.contains_key("input_tokens");
        // Without an input of its own, the object has details of the row.
        let detail = match family {
            Some(family) if family != Family::OpenAi => {
                let own = counts(usage, family)?;
                // LiteLLM states a prompt that is as small as the provider's input where it kept the provider's rule.
                let is_as_sent = raw.input.is_some() && raw.input == own.input;
                if is_as_sent { own } else { converted(own, family, Family::OpenAi) }
            }
            _ => counts(usage, Family::OpenAi)?,
        };
        raw.read = raw.read.max(detail.read);
        if raw.written().is_none() || detail.written() > raw.written() {
            (raw.write, raw.write_5m, raw.write_1h) = (detail.write, detail.write_5m, detail.write_1h);
        }
        raw.reasoning = raw.reasoning.max(detail.reasoning);
        raw.input = if is_messages { raw.input.or(detail.input) } else { raw.input.max(detail.input) };
        raw.output = raw.output.max(detail.output);
        raw.total = raw.total.or(detail.total);
    }
    Ok(raw)
}

/// An object without copying it, or an object in a string, as dumps of a database have it.
pub fn object_of(value: Option<&Value>) -> Option<Cow<'_, Object>> {
    match value? {
        Value::Object(object) => Some(Cow::Borrowed(object)),
        value => object_or_json(Some(value)).map(Cow::Owned),
    }
}

/// Puts the times into a call: start, end, and the first token of a streamed answer. A call that is not streamed has a
/// first token at its end.
pub fn put_times(call: &mut Call, row: &Object, streamed: Option<bool>) {
    let started = time_of(row, &["startTime", "start_time"]);
    let ended = time_of(row, &["endTime", "end_time"]);
    let first = time_of(row, &["completionStartTime", "completion_start_time"]);
    call.started_at = started.map(|(at, _)| at);
    call.ended_at = ended.map(|(at, _)| at);
    call.zone_known = started.or(ended).is_some_and(|(_, known)| known);
    call.latency_ms =
        elapsed_ms(call.started_at, call.ended_at).or_else(|| duration(row.get("request_duration_ms")));
    let until_first = elapsed_ms(call.started_at, first.map(|(at, _)| at));
    let is_before_end = until_first.zip(call.latency_ms).is_some_and(|(first, whole)| first < whole);
    call.streamed = streamed.or_else(|| is_before_end.then_some(true));
    if call.streamed == Some(true) {
        call.ttft_ms = until_first;
    }
}

/// Puts status and error into a call.
pub fn put_outcome(call: &mut Call, row: &Object, metadata: Option<&Object>) {
    let status = text(row.get("status")).or_else(|| text(metadata?.get("status")));
    let error = row.get("error_information").and_then(Value::as_object);
    let error = error.or_else(|| object_at(metadata?, &["error_information"]));
    let has_error = || {
        let stated = |key: &str| error.is_some_and(|error| text(error.get(key)).is_some());
        stated("error_class") || stated("error_message") || stated("error_code")
    };
    match status.as_deref() {
        Some("success") => {}
        // Rows of older versions have no status.
        None if !has_error() => call.status = Status::Unknown,
        _ => {
            let class = error.and_then(|error| text(error.get("error_class")));
            call.http = error.and_then(|error| http_error(error.get("error_code")));
            call.status = failure(call.http, class.as_deref().unwrap_or_default());
            call.error_class = class.map(Name::from);
        }
    }
}

/// Types of calls that LiteLLM makes, as it writes them, without the `a` of asynchronous ones.
const CALL_TYPES: [&str; 14] = [
    "completion",
    "text_completion",
    "responses",
    "anthropic_messages",
    "embedding",
    "image_generation",
    "image_edit",
    "moderation",
    "rerank",
    "speech",
    "transcription",
    "create_batch",
    "create_file",
    "pass_through_endpoint",
];

/// The reason why a row without tokens is not a call. Only known types are named: no text of a log becomes a reason.
pub fn without_tokens(row: &Object) -> String {
    let written = text(row.get("call_type")).unwrap_or_default();
    let kind = CALL_TYPES.iter().find(|known| {
        written.as_str() == **known || written.strip_prefix('a').is_some_and(|kind| kind == **known)
    });
    match kind {
        Some(known) => format!("no tokens: a call of type {known}"),
        None => "no tokens: a call of another type".to_owned(),
    }
}

/// Puts the name of the key, the platform, the overhead and the retries into a call.
pub fn put_origin(call: &mut Call, row: &Object, metadata: Option<&Object>) {
    let of = |name: &str| metadata.and_then(|metadata| metadata.get(name));
    call.key = key(of("user_api_key_alias"))
        .or_else(|| key(row.get("api_key")))
        .or_else(|| key(of("user_api_key_hash")))
        .or_else(|| key(of("user_api_key")));
    let provider = text(row.get("custom_llm_provider"));
    call.platform = Some(match provider {
        Some(provider) => Name::from(format!("litellm:{provider}")),
        None => Name::from("litellm"),
    });
    let hidden = object_of(row.get("hidden_params"));
    let hidden =
        hidden.as_deref().or_else(|| metadata.and_then(|metadata| object_at(metadata, &["hidden_params"])));
    call.overhead_ms = hidden
        .and_then(|hidden| duration(hidden.get("litellm_overhead_time_ms")))
        .or_else(|| duration(of("litellm_overhead_time_ms")));
    let retries = count(of("attempted_retries")).ok().flatten();
    call.attempts = retries.and_then(|retries| u32::try_from(retries.saturating_add(1)).ok());
}

/// Number of tool calls and reason of the end, from a stored response.
pub fn put_answer(call: &mut Call, response: &Object) {
    let choice = response.get("choices").and_then(|choices| choices.as_array()?.first());
    call.finish = super::outcome::finish(choice.and_then(|choice| choice.get("finish_reason")));
    let tools = choice.and_then(|choice| choice.get("message")?.get("tool_calls")?.as_array());
    call.tool_calls = tools.and_then(|tools| u32::try_from(tools.len()).ok());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reasons_name_known_types_only() {
        let reason = |kind: Value| without_tokens(json!({"call_type": kind}).as_object().expect("an object"));
        assert_eq!(reason(json!("aspeech")), "no tokens: a call of type speech");
        assert_eq!(reason(json!("anthropic_messages")), "no tokens: a call of type anthropic_messages");
        assert_eq!(reason(json!("my secret prompt")), "no tokens: a call of another type");
        assert_eq!(reason(Value::Null), "no tokens: a call of another type");
    }
}
