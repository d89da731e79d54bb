//! Reads responses and usage objects of the providers' APIs as clients keep them: whole responses, bare usage objects,
//! lines of batch outputs, and the events of streams, whose last usage counts.

use super::answer::{error_of, finish_of, put_money, tool_calls_of};
use super::api_usage::{Family, converted, counts, family_of};
use super::outcome::{elapsed_ms, failure, finish, status_of};
use crate::request_log::call::{Call, IdKind, Name, Status};
use crate::request_log::entry::{
    Entry, FileContext, Layout, Object, at, duration, flag, given, name, name_of, object_at, object_or_json,
    text, text_of, time_of,
};
use crate::request_log::format::{Reader, Sure};
use crate::request_log::sink::{Keep, Sink};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where an entry may keep its response or usage, outermost first.
const NESTED: [&[&str]; 9] = [
    &[],
    &["response"],
    &["message"],
    &["data"],
    &["body"],
    &["response", "body"],
    &["result", "message"],
    &["result"],
    &["metadata"],
];
/// Keys of the usage within its holder.
const USAGE_KEYS: [&str; 4] = ["usage", "usageMetadata", "usage_metadata", "x_groq"];
const SESSION_KEYS: [&str; 9] = [
    "session_id",
    "sessionId",
    "conversation_id",
    "thread_id",
    "chat_id",
    "litellm_session_id",
    "trace_id",
    "traceId",
    "litellm_trace_id",
];
const START_KEYS: [&str; 9] = [
    "timestamp",
    "startTime",
    "start_time",
    "started_at",
    "created_at",
    "createTime",
    "time",
    "ts",
    "created",
];
const END_KEYS: [&str; 5] = ["endTime", "end_time", "ended_at", "completed_at", "finished_at"];
const ID_KEYS: [&str; 6] = ["id", "responseId", "response_id", "request_id", "requestId", "generation_id"];

/// A usage object and the form it has.
struct Usage<'a> {
    family: Family,
    object: &'a Object,
}

/// The objects of an entry that may state something about its call, outermost first.
fn holders(entry: &Object) -> Vec<&Object> {
    NESTED
        .iter()
        .filter_map(|path| if path.is_empty() { Some(entry) } else { object_at(entry, path) })
        .collect()
}

/// Keys of lists of responses, as pages of an API and exports have them.
const LISTS: [&str; 10] =
    ["data", "responses", "results", "items", "logs", "calls", "requests", "records", "entries", "messages"];

fn has_usage(entry: &Object) -> bool {
    holders(entry).into_iter().any(|holder| usage_in(holder).is_some())
}

/// The responses in an entry that has no usage itself, but a list of entries that have.
fn list_in(entry: &Object) -> Option<&Vec<Value>> {
    if has_usage(entry) {
        return None;
    }
    let lists = LISTS.iter().filter_map(|key| entry.get(*key)?.as_array());
    lists.into_iter().find(|list| list.iter().filter_map(Value::as_object).any(has_usage))
}

fn within<'a>(object: &'a Object, key: &str) -> Option<&'a Object> {
    object.get(key)?.as_object()
}

/// The event of a stream in an entry `{event, data}`, or the entry.
fn unwrapped(entry: &Object) -> &Object {
    let data = within(entry, "data").filter(|data| kind_of(data) != Kind::Other);
    data.unwrap_or(entry)
}

/// The entry with the responses that it keeps as JSON in a string; `None` if it has none.
fn expanded(entry: &Object) -> Option<Object> {
    let is_json =
        |key: &str| entry.get(key).and_then(Value::as_str).is_some_and(|t| t.trim_start().starts_with('{'));
    let mut whole: Option<Object> = None;
    for key in ["usage", "response", "body", "response_body", "responseBody"] {
        let Some(inner) = is_json(key).then(|| object_or_json(entry.get(key))).flatten() else { continue };
        let whole = whole.get_or_insert_with(|| entry.clone());
        let place = if key == "usage" { "usage" } else { "response" };
        if !whole.get(place).is_some_and(Value::is_object) {
            whole.insert(place.to_owned(), Value::Object(inner));
        }
    }
    whole
}

fn usage_in<'a>(holder: &'a Object) -> Option<Usage<'a>> {
    for key in USAGE_KEYS {
        let Some(inner) = holder.get(key).and_then(Value::as_object) else { continue };
        // Groq's last chunk and Cohere nest it once more.
        let places =
            [Some(inner), within(inner, "usage"), within(inner, "tokens"), within(inner, "billed_units")];
        let found = places.into_iter().flatten().find_map(|object| Some((family_of(object)?, object)));
        if let Some((family, object)) = found {
            return Some(Usage { family, object });
        }
    }
    family_of(holder).map(|family| Usage { family, object: holder })
}

/// How sure it is that an entry is a response or a usage object of a form, or a list of them.
pub fn sure(entry: &Entry<'_>, wanted: Family) -> Sure {
    match entry.object().and_then(list_in) {
        Some(list) => list.iter().take(20).map(|value| sure_of(value, wanted)).max().unwrap_or(Sure::No),
        None => sure_of(entry.value, wanted),
    }
}

fn sure_of(value: &Value, wanted: Family) -> Sure {
    let Some(object) = value.as_object().map(unwrapped) else { return Sure::No };
    let whole = expanded(object);
    let object = whole.as_ref().unwrap_or(object);
    let holders = holders(object);
    let kind = kind_of(object);
    let is_of_wanted = match kind {
        Kind::OpenAiChunk | Kind::OpenAiEvent => wanted == Family::OpenAi,
        Kind::AnthropicEvent => wanted == Family::Anthropic,
        Kind::Other => {
            let Some(usage) = holders.iter().find_map(|holder| usage_in(holder)) else { return Sure::No };
            let is_message = holders.iter().any(|h| text(h.get("type")).as_deref() == Some("message"));
            let family = if is_message
                && usage.family == Family::OpenAi
                && usage.object.contains_key("input_tokens")
            {
                Family::Anthropic
            } else {
                usage.family
            };
            if family != wanted {
                return Sure::No;
            }
            holders.iter().any(|holder| is_whole_response(holder))
        }
    };
    match (kind, is_of_wanted) {
        (_, true) => Sure::Likely,
        (Kind::Other, false) => Sure::Fallback,
        _ => Sure::No,
    }
}

fn is_whole_response(holder: &Object) -> bool {
    let object = text(holder.get("object"));
    matches!(object.as_deref(), Some("chat.completion" | "response" | "text_completion"))
        || ["choices", "candidates", "stopReason", "stop_reason", "done_reason"]
            .iter()
            .any(|k| holder.contains_key(*k))
}

/// The kind of an entry, as far as it decides how its usage counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A chunk of a streamed chat completion.
    OpenAiChunk,
    /// An event of a streamed response of OpenAI's Responses API.
    OpenAiEvent,
    /// An event of a streamed message of Anthropic's.
    AnthropicEvent,
    Other,
}

fn kind_of(entry: &Object) -> Kind {
    let is_chunk = |holder: &Object| {
        holder.get("object").and_then(Value::as_str).is_some_and(|object| object.ends_with(".chunk"))
    };
    if is_chunk(entry) {
        return Kind::OpenAiChunk;
    }
    match entry.get("type").and_then(Value::as_str) {
        Some(kind) if kind.starts_with("response.") => Kind::OpenAiEvent,
        Some(
            "message_start"
            | "message_delta"
            | "message_stop"
            | "content_block_start"
            | "content_block_delta"
            | "content_block_stop"
            | "ping",
        ) => Kind::AnthropicEvent,
        _ => Kind::Other,
    }
}

/// The reader of one form; usage in other forms is converted, so that the rule of the format fits every record.
pub struct Plain {
    family: Family,
    platform: Option<&'static str>,
    layout: Layout,
    /// Streams without a usage so far, by the id of the response, with the line of their first event.
    open: BTreeMap<String, u64>,
    /// Id of the message that is streamed.
    message: Option<String>,
}

impl Plain {
    /// A reader of one form. The platform is the one that is meant if the entry names none.
    pub fn new(family: Family, platform: Option<&'static str>, context: &FileContext) -> Self {
        Self { family, platform, layout: context.layout, open: BTreeMap::new(), message: None }
    }

    fn is_known_event(&mut self, entry: &Object, line: u64, holders: &[&Object]) -> bool {
        match kind_of(entry) {
            Kind::OpenAiChunk | Kind::OpenAiEvent => {
                if let Some(id) = id_of(holders) {
                    self.open.entry(id).or_insert(line);
                }
                true
            }
            Kind::AnthropicEvent => true,
            Kind::Other => {
                // Lines of Ollama's and events of Gemini's streams before the last one.
                flag(entry.get("done")) == Some(false)
                    || (self.layout == Layout::EventStream && entry.contains_key("candidates"))
            }
        }
    }

    /// The end of a streamed message: its counts are those of the message so far.
    fn delta(&mut self, entry: &Object, line: u64, sink: &mut Sink) {
        let usage = entry.get("usage").and_then(Value::as_object);
        let raw = usage.map(|usage| counts(usage, Family::Anthropic)).transpose();
        let call = match &self.message {
            Some(id) => sink.call_mut(IdKind::Response, id),
            None => None,
        };
        match (call, raw) {
            (Some(call), Ok(raw)) => {
                let raw = raw.unwrap_or_default();
                let before = &mut call.raw;
                before.input = before.input.max(raw.input);
                before.read = before.read.max(raw.read);
                before.output = raw.output.or(before.output);
                before.reasoning = raw.reasoning.or(before.reasoning);
                if raw.written() > before.written() {
                    (before.write, before.write_5m, before.write_1h) =
                        (raw.write, raw.write_5m, raw.write_1h);
                }
                call.finish = finish(at(entry, &["delta", "stop_reason"])).or(call.finish.take());
                if status_of(call.finish.as_ref()) != Status::Ok {
                    call.status = status_of(call.finish.as_ref());
                }
                call.output_is_minimum = false;
            }
            (None, _) => sink.unread("end of a streamed message whose start is not in the file", line),
            (_, Err(_)) => sink.unread(BAD_COUNTS, line),
        }
    }

    fn call(&self, entry: &Entry<'_>, object: &Object, holders: &[&Object]) -> Call {
        let started = holders
            .iter()
            .find_map(|holder| time_of(holder, &START_KEYS))
            .or_else(|| holders.iter().find_map(|holder| start_of_log(holder)));
        let ended = holders.iter().find_map(|holder| time_of(holder, &END_KEYS));
        let first = |keys: &[&str]| holders.iter().find_map(|holder| name_of(holder, keys));
        let last = |keys: &[&str]| holders.iter().rev().find_map(|holder| name_of(holder, keys));
        let session = first(&SESSION_KEYS);
        let id = id_of(holders);
        let latency = ["latency_ms", "duration_ms", "response_time_ms", "elapsed_ms"];
        let latency = latency.iter().find_map(|key| duration(object.get(*key)));
        let latency = latency
            .or_else(|| duration(at(object, &["metrics", "latencyMs"])))
            .or_else(|| duration(object.get("total_duration")).map(|nanoseconds| nanoseconds / 1e6))
            .or_else(|| elapsed_ms(started.map(|(at, _)| at), ended.map(|(at, _)| at)));
        let ttft = ["ttft_ms", "time_to_first_token_ms"].iter().find_map(|key| duration(object.get(*key)));
        Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Response } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            zone_known: started.or(ended).is_some_and(|(_, known)| known),
            started_at: started.map(|(at, _)| at),
            ended_at: ended.map(|(at, _)| at),
            session_kind: given(session.as_ref()),
            session,
            platform: first(&["platform"]).or_else(|| self.platform.map(Name::from)),
            model_sent: name(at(object, &["request", "model"]))
                .or_else(|| name(at(object, &["params", "model"]))),
            model_served: last(&["model", "modelVersion", "model_version", "modelId"]),
            provider_name: first(&["provider"]),
            latency_ms: latency,
            ttft_ms: ttft,
            finish: holders.iter().rev().find_map(|holder| finish_of(holder)),
            tool_calls: holders.iter().rev().find_map(|holder| tool_calls_of(holder)),
            streamed: holders.iter().find_map(|holder| flag(holder.get("stream"))),
            service_tier: last(&["service_tier", "serviceTier"]),
            gateway_cache_hit: flag(object.get("cache_hit")) == Some(true),
            ..Call::default()
        }
    }
}

/// The reason for an entry whose counts are damaged.
pub const BAD_COUNTS: &str = "token counts that are negative, no whole numbers or far too large";

/// The time of the first request of a log whose times are seconds since its start. In other fields, and as a text, a
/// zero is a time that is not known.
fn start_of_log(holder: &Object) -> Option<(DateTime<Utc>, bool)> {
    let is_zero = |key: &&str| holder.get(*key).and_then(Value::as_f64) == Some(0.0);
    ["timestamp", "time", "ts"].iter().any(is_zero).then_some((DateTime::UNIX_EPOCH, true))
}

fn id_of(holders: &[&Object]) -> Option<String> {
    let found = holders.iter().rev().find_map(|holder| text_of(holder, &ID_KEYS));
    found.filter(|id| id != "0")
}

impl Plain {
    fn one(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(object) = entry.object().map(unwrapped) else {
            return sink.unread("not a JSON object", entry.line);
        };
        let whole = expanded(object);
        let object = whole.as_ref().unwrap_or(object);
        let holders = holders(object);
        let kind = kind_of(object);
        if kind == Kind::AnthropicEvent && text(object.get("type")).as_deref() == Some("message_delta") {
            return self.delta(object, entry.line, sink);
        }
        let usage = holders.iter().find_map(|holder| usage_in(holder));
        let Some(usage) = usage else {
            if let Some((http, class)) = error_of(&holders) {
                let status = failure(http, class.as_deref().unwrap_or_default());
                let call = self.call(entry, object, &holders);
                sink.push(Call { status, http, error_class: class, ..call }, Keep::First);
            } else if !self.is_known_event(object, entry.line, &holders) {
                sink.unread(
                    "no usage in the form of OpenAI, Anthropic, Gemini, Bedrock or Ollama",
                    entry.line,
                );
            }
            return;
        };
        let family = match kind {
            // The first event of a message may state the input alone.
            Kind::AnthropicEvent => Family::Anthropic,
            Kind::Other if self.family == Family::Anthropic && usage.object.contains_key("input_tokens") => {
                if usage.object.contains_key("input_tokens_details") {
                    usage.family
                } else {
                    Family::Anthropic
                }
            }
            _ => usage.family,
        };
        let Ok(raw) = counts(usage.object, family) else { return sink.unread(BAD_COUNTS, entry.line) };
        if raw.input.unwrap_or(0) == 0 && raw.output.unwrap_or(0) == 0 && raw.read.unwrap_or(0) == 0 {
            return sink
                .unread("usage without tokens: nothing was sent, or the reply was stored", entry.line);
        }
        let is_part = self.layout == Layout::EventStream && object.contains_key("candidates");
        if is_part && id_of(&holders).is_none() && finish_of(object).is_none() {
            return;
        }
        if family != self.family {
            sink.note(&format!("usage in the form of {}, converted", family.name()));
        }
        let mut call = self.call(entry, object, &holders);
        call.raw = converted(raw, family, self.family);
        call.rule = self.family.rule();
        call.status = status_of(call.finish.as_ref());
        put_money(&mut call, usage.object, object);
        call.service_tier = name(usage.object.get("service_tier")).or(call.service_tier.take());
        if let Some((http, class)) = error_of(&holders) {
            call.status = failure(http, class.as_deref().unwrap_or_default());
            (call.http, call.error_class) = (http, class);
        }
        let is_stream = kind != Kind::Other || is_part;
        if is_stream {
            call.streamed = Some(true);
        }
        if kind == Kind::AnthropicEvent {
            // Until the end of the message is read, the output is a placeholder.
            call.output_is_minimum = true;
            let id = id_of(&holders).unwrap_or_else(|| format!("message at entry {}", entry.line));
            call.id_kind = IdKind::Response;
            call.id = Some(id.clone().into_boxed_str());
            self.message = Some(id);
        }
        if let Some(id) = &call.id {
            self.open.remove(&**id);
        }
        // The last usage of a stream counts; otherwise the complete record of an answer does.
        sink.push(call, if is_stream { Keep::Last } else { Keep::LargestOutput });
    }
}

impl Reader for Plain {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        match entry.object().and_then(list_in) {
            Some(list) => {
                for value in list {
                    self.one(&Entry { value, ..*entry }, sink);
                }
            }
            None => self.one(entry, sink),
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        for (id, line) in std::mem::take(&mut self.open) {
            if sink.call_mut(IdKind::Response, &id).is_none() {
                sink.unread("a streamed answer without usage", line);
            }
        }
    }
}
