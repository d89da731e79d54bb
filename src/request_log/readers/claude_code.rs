//! Claude Code: the transcripts of its sessions and subagents, one content block per line, and the output of
//! `claude --print --output-format stream-json`.

use super::agents::{self, BAD_COUNT, NO_OBJECT, NO_USAGE, UNKNOWN_TYPE};
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, RawCounts, Rule, SessionKind, Status,
};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count, money, name_of, object_at, text, text_of, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Claude Code.
pub(super) const CLAUDE_CODE: Format = Format {
    id: "claude-code",
    title: "Claude Code (Anthropic)",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: true,
    recognises,
    reader: |context| Box::new(Transcript::new(context)),
};

/// Largest output that is a placeholder: the client writes it before the answer is complete.
const LARGEST_PLACEHOLDER: u64 = 10;

/// Types of lines that hold no call.
const WITHOUT_CALL: &[&str] = &[
    "user",
    "summary",
    "progress",
    "file-history-snapshot",
    "queue-operation",
    "attachment",
    "custom-title",
    "ai-title",
    "agent-name",
    "last-prompt",
    "permission-mode",
    "mode",
    "tag",
    "pr-link",
    "worktree-state",
    "stream_event",
    "rate_limit_event",
    "control_request",
    "control_response",
    "started",
    "result",
];

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(line) = entry.object() else { return Sure::No };
    let kind = line.get("type").and_then(Value::as_str).unwrap_or_default();
    let is_ours = ["sessionId", "session_id", "requestId", "parentUuid", "isSidechain"]
        .iter()
        .any(|key| line.contains_key(*key));
    match kind {
        // Filters for usage drop the type.
        "assistant" | "" if is_ours && object_at(line, &["message", "usage"]).is_some() => Sure::Certain,
        "result" if line.contains_key("total_cost_usd") && line.contains_key("session_id") => Sure::Certain,
        "user" | "assistant" | "system" | "progress" if line.contains_key("parentUuid") => Sure::Certain,
        "file-history-snapshot" | "queue-operation" => Sure::Likely,
        "summary" if line.contains_key("leafUuid") => Sure::Likely,
        _ => Sure::No,
    }
}

/// Reads one transcript.
struct Transcript {
    file: Option<Name>,
    /// What is known about each message, by the id of its call.
    messages: HashMap<String, Message>,
    /// The request of each message id.
    requests: HashMap<String, String>,
    /// The first line of the sidechain that a line belongs to.
    roots: HashMap<String, String>,
    /// The summaries that end the output of scripts, one for each session, in the order of their first lines.
    results: Vec<(Option<Name>, u64, Object)>,
}

#[derive(Default)]
struct Message {
    is_of_parent: bool,
    tools: HashSet<String>,
}

impl Transcript {
    fn new(context: &FileContext) -> Self {
        Self {
            file: agents::file_session(context),
            messages: HashMap::new(),
            requests: HashMap::new(),
            roots: HashMap::new(),
            results: Vec::new(),
        }
    }

    /// The id of the call of a message: its own, with that of the request if two requests share it.
    fn id(&mut self, line: &Object, message: &Object) -> Option<String> {
        let request = text(line.get("requestId"));
        let Some(id) = text(message.get("id")) else { return request.or_else(|| text(line.get("uuid"))) };
        let Some(request) = request else { return Some(id) };
        let first = self.requests.entry(id.clone()).or_insert_with(|| request.clone());
        Some(if *first == request { id } else { format!("{id}:{request}") })
    }

    /// Sets session, parent and agent of a call.
    fn set_session(&mut self, call: &mut Call, line: &Object) {
        let session = name_of(line, &["sessionId", "session_id"]);
        let is_sidechain = line.get("isSidechain").and_then(Value::as_bool) == Some(true)
            || line.get("parent_tool_use_id").is_some_and(Value::is_string);
        if !is_sidechain {
            return agents::set_session(call, session.as_ref(), self.file.as_ref());
        }
        let own = text_of(line, &["agentId", "parent_tool_use_id"]).or_else(|| self.root(line));
        call.agent = name_of(line, &["agentName", "attributionAgent", "agentId"]);
        call.parent_session = session.clone();
        let name = match (&session, own) {
            (Some(session), Some(own)) => Some(Name::from(format!("{session}/{own}"))),
            (session, own) => own.map(Name::from).or_else(|| session.clone()),
        };
        agents::set_session(call, name.as_ref(), self.file.as_ref());
    }

    /// The first line of the sidechain of a line.
    fn root(&self, line: &Object) -> Option<String> {
        let parent = text(line.get("parentUuid")).and_then(|parent| self.roots.get(&parent).cloned());
        parent.or_else(|| text(line.get("uuid")))
    }

    fn keep_root(&mut self, line: &Object) {
        if line.get("isSidechain").and_then(Value::as_bool) == Some(true)
            && let (Some(uuid), Some(root)) = (text(line.get("uuid")), self.root(line))
        {
            self.roots.insert(uuid, root);
        }
    }

    fn answer(&mut self, line: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(message) = line.get("message").and_then(Value::as_object) else {
            return sink.unread("an answer without a message", entry.line);
        };
        if line.get("isApiErrorMessage").and_then(Value::as_bool) == Some(true) {
            return sink.note("error shown to the user: not a call");
        }
        let model = name_of(message, &["model"]);
        if model.as_deref() == Some("<synthetic>") {
            return sink.note("message written by the client: not a call");
        }
        let Some(usage) = message.get("usage").and_then(Value::as_object) else {
            return sink.unread(NO_USAGE, entry.line);
        };
        let Ok(raw) = counts(usage, sink) else { return sink.unread(BAD_COUNT, entry.line) };
        let id = self.id(line, message);
        let mut call = Call {
            line: entry.line,
            id: id.clone().map(String::into_boxed_str),
            id_kind: if id.is_some() { IdKind::Message } else { IdKind::Position },
            platform: platform(message, model.as_deref()).map(Name::from),
            model_served: model,
            raw,
            finish: agents::finish(message.get("stop_reason")),
            service_tier: tier(usage),
            app: Some(Name::from("Claude Code")),
            ..Call::default()
        };
        if call.finish.as_deref() == Some("content_filter") {
            call.status = Status::Refused;
        }
        agents::set_start(&mut call, time_of(line, &["timestamp"]));
        call.ended_at = call.started_at;
        agents::set_computed(&mut call, money(line.get("costUSD")));
        self.set_session(&mut call, line);
        self.push(call, message, sink);
    }

    /// Adds one line of a message to its call.
    fn push(&mut self, call: Call, message: &Object, sink: &mut Sink) {
        let Some(id) = call.id.as_deref().map(str::to_owned) else { return sink.push(call, Keep::First) };
        let known = self.messages.entry(id.clone()).or_default();
        let blocks = message.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let used = blocks.iter().filter_map(Value::as_object).filter(|block| {
            matches!(block.get("type").and_then(Value::as_str), Some("tool_use" | "server_tool_use"))
        });
        known.tools.extend(used.filter_map(|block| text(block.get("id"))));
        let is_of_parent = call.parent_session.is_none();
        if known.is_of_parent && !is_of_parent {
            return sink.duplicate();
        }
        let (finish, end) = (call.finish.clone(), call.ended_at);
        let session =
            (is_of_parent && !known.is_of_parent).then(|| (call.session.clone(), call.session_kind));
        known.is_of_parent |= is_of_parent;
        let tools = u32::try_from(known.tools.len()).ok();
        sink.push(call, Keep::LargestOutput);
        let Some(kept) = sink.call_mut(IdKind::Message, &id) else { return };
        kept.tool_calls = tools;
        kept.finish = finish.or_else(|| kept.finish.take());
        kept.ended_at = kept.ended_at.max(end);
        if let Some((session, kind)) = session {
            (kept.session, kept.session_kind) = (session, kind);
            (kept.parent_session, kept.agent) = (None, None);
        }
    }

    /// Keeps the last result of each session.
    fn keep_result(&mut self, line: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let session = name_of(line, &["session_id"]);
        match self.results.iter_mut().find(|(known, _, _)| session.is_some() && *known == session) {
            Some(known) => {
                *known = (session, entry.line, line.clone());
                sink.duplicate();
            }
            None => self.results.push((session, entry.line, line.clone())),
        }
    }

    /// A request that failed and was sent again.
    fn failure(&mut self, line: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let http = agents::http(at(line, &["error", "status"]));
        let inner = object_at(line, &["error", "error", "error"])
            .or_else(|| object_at(line, &["error", "error"]))
            .or_else(|| object_at(line, &["error"]));
        let message = inner.and_then(|inner| text_of(inner, &["message"])).unwrap_or_default();
        let class = inner
            .and_then(|inner| name_of(inner, &["type"]))
            .or_else(|| {
                object_at(line, &["error", "cause"]).and_then(|cause| name_of(cause, &["code", "name"]))
            })
            .or_else(|| object_at(line, &["cause"]).and_then(|cause| name_of(cause, &["code", "name"])));
        let id = text(line.get("uuid"));
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Row } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            status: agents::failure(http, &format!("{} {message}", class.as_deref().unwrap_or_default())),
            http,
            error_class: class,
            app: Some(Name::from("Claude Code")),
            ..Call::default()
        };
        agents::set_start(&mut call, time_of(line, &["timestamp"]));
        self.set_session(&mut call, line);
        sink.push(call, Keep::First);
    }
}

impl Reader for Transcript {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(line) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        self.keep_root(line);
        let kind = line.get("type").and_then(Value::as_str).unwrap_or_default();
        let subtype = line.get("subtype").and_then(Value::as_str).unwrap_or_default();
        match (kind, subtype) {
            ("", _) if object_at(line, &["message", "usage"]).is_none() => sink.note(UNKNOWN_TYPE),
            ("assistant" | "", _) => self.answer(line, entry, sink),
            ("system", "api_error") => self.failure(line, entry, sink),
            ("system", "compact_boundary") => sink.note("the context was compacted: a new prefix starts"),
            ("system", _) => {}
            ("progress", _) if object_at(line, &["data", "message", "message", "usage"]).is_some() => {
                sink.note("progress of a subagent: counted in its own file");
            }
            ("result", _) => self.keep_result(line, entry, sink),
            (kind, _) if WITHOUT_CALL.contains(&kind) => {}
            _ => sink.note(UNKNOWN_TYPE),
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        let mut placeholders = 0;
        for call in sink.calls_mut() {
            let is_small = call.raw.output.is_some_and(|output| output <= LARGEST_PLACEHOLDER);
            if is_small && call.finish.is_none() && !call.status.is_failure() {
                call.output_is_minimum = true;
                placeholders += 1;
            }
        }
        for _ in 0..placeholders {
            sink.note("the log kept only a placeholder of the output: it is a lower bound");
        }
        let calls: &[Call] = sink.calls_mut();
        let counted = || calls.iter().filter(|call| call.raw.input.is_some());
        // A call without a session may belong to any result, and a result without one to any call.
        let has_calls = counted().next().is_some();
        let has_nameless = counted().any(|call| call.session_kind != SessionKind::Given);
        let sessions: HashSet<Name> =
            counted().flat_map(|call| [&call.session, &call.parent_session]).flatten().cloned().collect();
        for (session, line, result) in std::mem::take(&mut self.results) {
            let is_covered = session.as_ref().map_or(has_calls, |session| sessions.contains(session));
            if is_covered || has_nameless {
                sink.note("sum over the session: not counted beside its calls");
            } else {
                sum(session, line, &result, sink);
            }
        }
    }
}

/// Adds the result of a script as a sum over the calls of its session.
fn sum(session: Option<Name>, line: u64, result: &Object, sink: &mut Sink) {
    let Some(usage) = result.get("usage").and_then(Value::as_object) else {
        return sink.unread(NO_USAGE, line);
    };
    let Ok(raw) = counts(usage, sink) else { return sink.unread(BAD_COUNT, line) };
    let models = result.get("modelUsage").and_then(Value::as_object);
    let model = models.filter(|models| models.len() == 1).and_then(|models| models.keys().next());
    let mut call = Call {
        line,
        model_served: model.and_then(|model| agents::clean(model)),
        session_kind: if session.is_some() { SessionKind::Given } else { SessionKind::None },
        session,
        raw,
        aggregated: Some(0),
        app: Some(Name::from("Claude Code")),
        ..Call::default()
    };
    agents::set_computed(&mut call, money(result.get("total_cost_usd")));
    sink.push(call, Keep::First);
}

/// The counts of a usage object.
fn counts(usage: &Object, sink: &mut Sink) -> Result<RawCounts, BadCount> {
    let written = count(usage.get("cache_creation_input_tokens"))?;
    let mut raw = RawCounts {
        input: count(usage.get("input_tokens"))?,
        read: count(usage.get("cache_read_input_tokens"))?,
        write: written,
        output: count(usage.get("output_tokens"))?,
        ..RawCounts::default()
    };
    if let Some(split) = usage.get("cache_creation").and_then(Value::as_object) {
        let short = count(split.get("ephemeral_5m_input_tokens"))?;
        let long = count(split.get("ephemeral_1h_input_tokens"))?;
        let sum = short.unwrap_or(0) + long.unwrap_or(0);
        if written.is_none_or(|written| written == sum) && (short.is_some() || long.is_some()) {
            (raw.write, raw.write_5m, raw.write_1h) = (None, short, long);
        } else if sum > 0 {
            sink.note("written tokens for 5 minutes and 1 hour do not add up to all written tokens");
        }
    }
    Ok(raw)
}

/// Who serves the model, from the form of the message's id and the model's name.
fn platform(message: &Object, model: Option<&str>) -> Option<&'static str> {
    let id = message.get("id").and_then(Value::as_str).unwrap_or_default();
    match id {
        id if id.starts_with("msg_bdrk_") => Some("bedrock"),
        id if id.starts_with("msg_vrtx_") => Some("vertex"),
        id if id.starts_with("gen-") => Some("openrouter"),
        id if id.starts_with("msg_") && model.is_some_and(|model| model.starts_with("claude")) => {
            Some("anthropic")
        }
        _ => None,
    }
}

/// The service tier; the fast mode is one.
fn tier(usage: &Object) -> Option<Name> {
    match usage.get("speed").and_then(Value::as_str) {
        Some("fast") => Some(Name::from("fast")),
        _ => name_of(usage, &["service_tier"]),
    }
}

#[cfg(test)]
mod tests;
