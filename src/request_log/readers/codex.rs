//! OpenAI Codex CLI and app: the rollout of a session. Its token events repeat, so the increases of the running total
//! count.

use super::agents::{self, BAD_COUNT, NO_OBJECT, UNKNOWN_TYPE};
use super::codex_totals::{Totals, replace_by_responses};
use crate::request_log::call::{Call, IdKind, InputRule, Name, OutputRule, Rule};
use crate::request_log::entry::{
    Entry, FileContext, Object, at, duration, name, name_of, object_at, text, text_of, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// Codex rollouts.
pub(super) const CODEX: Format = Format {
    id: "codex",
    title: "Codex (OpenAI), session rollout",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::OfFields,
    states_failures: false,
    recognises,
    reader: |context| Box::new(Rollout::new(context)),
};

/// Pause after which the copied start of a forked session is over in any case.
const LONGEST_PAUSE_IN_COPY: TimeDelta = TimeDelta::milliseconds(900);
/// Pause after which it is over if a turn begins or the second is another one. The lines of a copy are written within
/// milliseconds of each other.
const SHORT_PAUSE: TimeDelta = TimeDelta::milliseconds(250);

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(line) = entry.object() else { return Sure::No };
    let has_payload = line.get("payload").is_some_and(Value::is_object) && line.contains_key("timestamp");
    match line.get("type").and_then(Value::as_str) {
        Some("session_meta" | "turn_context" | "event_msg" | "response_item" | "token_usage_record")
            if has_payload =>
        {
            Sure::Certain
        }
        Some("compacted") if has_payload => Sure::Likely,
        None => match object_at(line, &["msg"]).and_then(|event| event.get("type")?.as_str()) {
            Some("token_count" | "task_started" | "task_complete" | "session_configured") => Sure::Certain,
            _ => Sure::No,
        },
        _ => Sure::No,
    }
}

/// Reads one rollout.
struct Rollout {
    file: Option<Name>,
    session: Option<Name>,
    parent: Option<Name>,
    agent: Option<Name>,
    platform: Option<Name>,
    app: Option<Name>,
    model: Option<Name>,
    started_at: Option<DateTime<Utc>>,
    before: Option<Totals>,
    /// Time of the latest line.
    previous_line_at: Option<DateTime<Utc>>,
    is_copy: bool,
    /// Whether the line before has a time from before the session: copies can keep their times.
    was_older: bool,
    tool_calls: u32,
    service_tier: Option<Name>,
    /// Place of the first call of the turn among the calls of the file.
    first_of_turn: Option<usize>,
    /// Calls of newer versions, which write the counts of each response beside the running total.
    responses: Vec<Call>,
}

impl Rollout {
    fn new(context: &FileContext) -> Self {
        Self {
            file: agents::file_session(context),
            session: None,
            parent: None,
            agent: None,
            platform: None,
            app: None,
            model: None,
            started_at: None,
            before: None,
            previous_line_at: None,
            is_copy: false,
            was_older: false,
            tool_calls: 0,
            service_tier: None,
            first_of_turn: None,
            responses: Vec::new(),
        }
    }

    fn session(&mut self, meta: &Object) {
        let id = name_of(meta, &["id", "session_id"]);
        if self.session.is_some() {
            // A fork copies the lines of its parent, from the parent's description on.
            // Its own description again ends the copy.
            self.is_copy = id != self.session;
            if self.is_copy {
                self.parent = self.parent.take().or(id);
            }
            return;
        }
        self.session = id;
        let spawn = object_at(meta, &["source", "subagent", "thread_spawn"]);
        self.parent = name_of(meta, &["forked_from_id"])
            .or_else(|| spawn.and_then(|spawn| name_of(spawn, &["parent_thread_id"])));
        self.is_copy = self.parent.is_some();
        self.agent = name_of(meta, &["agent_nickname", "agent_role"])
            .or_else(|| spawn.and_then(|spawn| name_of(spawn, &["agent_nickname", "agent_role"])));
        self.platform = name_of(meta, &["model_provider"]);
        self.app = name_of(meta, &["originator"]);
        self.model = name_of(meta, &["model"]);
        self.started_at = time_of(meta, &["timestamp"]).map(|(at, _)| at);
    }

    /// Whether the line was copied from the parent: it follows at once, or is older than the session.
    fn follow_copy(&mut self, now: Option<DateTime<Utc>>, begins_turn: bool) {
        let Some(now) = now else { return };
        let is_older = self.started_at.is_some_and(|start| now < start);
        if let Some(before) = self.previous_line_at.filter(|_| !is_older) {
            let pause = now - before;
            let is_other_second = now.timestamp() != before.timestamp();
            let goes_on = pause > LONGEST_PAUSE_IN_COPY
                || (pause >= SHORT_PAUSE && (begins_turn || is_other_second))
                || (self.was_older && begins_turn);
            self.is_copy &= !goes_on;
        }
        self.was_older = is_older;
        self.previous_line_at = self.previous_line_at.max(Some(now));
    }

    fn tokens(&mut self, line: &Object, payload: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        let info = payload.get("info").and_then(Value::as_object);
        // Older versions write the counts of each answer into the event itself.
        let flat = (!payload.contains_key("info") && payload.contains_key("input_tokens")).then_some(payload);
        let Some(info) = info.or(flat) else {
            return sink.note("rate limits without token counts");
        };
        let usage = |key: &str| info.get(key).and_then(Value::as_object).map(Totals::of).transpose();
        let last = flat.map_or_else(|| usage("last_token_usage"), |flat| Totals::of(flat).map(Some));
        let (Ok(totals), Ok(last)) = (usage("total_token_usage"), last) else {
            return sink.unread(BAD_COUNT, entry.line);
        };
        let found = match (totals, self.before) {
            (None, _) => last,
            (Some(totals), Some(before)) if totals == before => return sink.duplicate(),
            (Some(totals), Some(before)) => match totals.since(before) {
                Some(increase) => Some(increase),
                None => {
                    sink.note("the running total fell: the counts of the last answer are used");
                    last.or(Some(totals))
                }
            },
            (Some(totals), None) => match last {
                Some(last) if totals.since(last).is_some_and(|rest| !agents::is_empty(&rest.0)) => {
                    sink.note("the running total starts above the first answer: the rest belongs to another session");
                    Some(last)
                }
                _ => Some(totals),
            },
        };
        self.before = totals.or_else(|| match (self.before, last) {
            (Some(before), Some(last)) => Some(before.plus(last)),
            (before, _) => before,
        });
        if self.is_copy {
            return sink.note("copied from the parent session: counted there");
        }
        let Some(Totals(raw)) = found else { return sink.unread("a token event without counts", entry.line) };
        if agents::is_empty(&raw) {
            return sink.note("a token event without new tokens");
        }
        let time = time_of(line, &["timestamp"]);
        let mut call = Call { line: entry.line, raw, tool_calls: Some(self.tool_calls), ..Call::default() };
        self.tool_calls = 0;
        agents::set_end(&mut call, time);
        self.describe(&mut call);
        // Copies of a rollout have the same session, time and total.
        if let (Some(session), Some((at, _)), Some(totals)) = (&self.session, time, totals) {
            let total = totals.0.total.or(totals.0.input).unwrap_or(0);
            call.id = Some(format!("{session}:{}:{total}", at.timestamp_millis()).into_boxed_str());
            call.id_kind = IdKind::Row;
        }
        self.first_of_turn = self.first_of_turn.or(Some(sink.calls_mut().len()));
        sink.push(call, Keep::First);
    }

    /// Sets the time to the first token, which the end of a turn states for the first answer of the turn.
    fn turn_ended(&mut self, payload: &Object, sink: &mut Sink) {
        let first = self.first_of_turn.take().and_then(|place| sink.calls_mut().get_mut(place));
        if let (Some(call), Some(ms)) = (first, duration(payload.get("time_to_first_token_ms"))) {
            call.ttft_ms = Some(ms);
            call.streamed = Some(true);
        }
    }

    /// The counts of one response.
    fn response(&mut self, line: &Object, payload: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        if self.is_copy {
            return sink.note("copied from the parent session: counted there");
        }
        let Some(usage) = payload.get("usage").and_then(Value::as_object) else {
            return sink.unread("a response without token counts", entry.line);
        };
        let Ok(Totals(raw)) = Totals::of(usage) else { return sink.unread(BAD_COUNT, entry.line) };
        let id = text(payload.get("response_id"));
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Response } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            raw,
            ..Call::default()
        };
        agents::set_end(&mut call, time_of(line, &["timestamp"]));
        self.describe(&mut call);
        call.model_served = name_of(payload, &["model"]);
        self.responses.push(call);
    }

    fn describe(&self, call: &mut Call) {
        call.platform = self.platform.clone();
        call.app = Some(self.app.clone().unwrap_or_else(|| Name::from("Codex")));
        call.model_sent = self.model.clone();
        call.service_tier = self.service_tier.clone();
        call.agent = self.agent.clone();
        call.parent_session = self.parent.clone();
        agents::set_session(call, self.session.as_ref(), self.file.as_ref());
    }

    fn failure(&mut self, line: &Object, payload: &Object, entry: &Entry<'_>, sink: &mut Sink) {
        if self.is_copy {
            return sink.note("copied from the parent session: counted there");
        }
        let message = text_of(payload, &["message", "additional_details"]).unwrap_or_default();
        let info = payload.get("codex_error_info");
        let inner = info.and_then(Value::as_object).and_then(|info| info.iter().next());
        let class = name(info).or_else(|| inner.and_then(|(class, _)| agents::clean(class)));
        let http = inner.and_then(|(_, inner)| agents::http(inner.get("http_status_code")));
        let words = format!("{} {message}", class.as_deref().unwrap_or_default());
        let mut call = Call {
            line: entry.line,
            status: agents::failure(http, &words),
            http,
            error_class: class,
            ..Call::default()
        };
        agents::set_end(&mut call, time_of(line, &["timestamp"]));
        self.describe(&mut call);
        sink.push(call, Keep::First);
    }
}

impl Reader for Rollout {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(line) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        let mut kind = line.get("type").and_then(Value::as_str).unwrap_or_default();
        // Older versions of `codex exec --json` write the same events as messages.
        let message = line.get("msg").and_then(Value::as_object);
        let Some(payload) = line.get("payload").and_then(Value::as_object).or(message) else {
            return sink.note("line without a payload");
        };
        if message.is_some() {
            kind = "event_msg";
        }
        let event = payload.get("type").and_then(Value::as_str).unwrap_or_default();
        let begins_turn =
            kind == "turn_context" || matches!(event, "task_started" | "turn_started" | "user_message");
        self.follow_copy(time_of(line, &["timestamp"]).map(|(at, _)| at), begins_turn);
        match (kind, event) {
            ("session_meta", _) => {
                let meta = payload.get("meta").and_then(Value::as_object).unwrap_or(payload);
                self.session(meta);
            }
            ("token_usage_record", _) => self.response(line, payload, entry, sink),
            ("turn_context", _) => self.model = name_of(payload, &["model"]).or_else(|| self.model.take()),
            ("event_msg", "token_count") => self.tokens(line, payload, entry, sink),
            ("event_msg", "error" | "stream_error") => self.failure(line, payload, entry, sink),
            ("event_msg", "turn_aborted") => sink.note("the user stopped a turn"),
            ("event_msg", "task_started" | "turn_started") => self.first_of_turn = None,
            ("event_msg", "task_complete" | "turn_complete") => self.turn_ended(payload, sink),
            ("event_msg", "thread_settings_applied") => {
                if let Some(settings) = payload.get("thread_settings").and_then(Value::as_object) {
                    self.model = name_of(settings, &["model"]).or_else(|| self.model.take());
                    self.service_tier = name_of(settings, &["service_tier"]);
                }
            }
            ("event_msg", "session_configured" | "model_reroute") => {
                self.model = name(at(payload, &["model"]))
                    .or_else(|| text(payload.get("to_model")).map(Name::from))
                    .or_else(|| self.model.take());
            }
            ("event_msg", _) => {}
            (
                "response_item",
                "function_call" | "custom_tool_call" | "local_shell_call" | "web_search_call",
            ) => {
                self.tool_calls = self.tool_calls.saturating_add(1);
            }
            ("response_item", _) => {}
            ("compacted", _) => sink.note("the context was compacted: a new prefix starts"),
            _ => sink.note(UNKNOWN_TYPE),
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        replace_by_responses(std::mem::take(&mut self.responses), sink);
    }
}

#[cfg(test)]
mod tests;
