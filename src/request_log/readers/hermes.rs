//! Sessions of Hermes Agent: rows of the table `sessions` in its `state.db`, or an export of it. Each row is a sum.

use super::plain::BAD_COUNTS;
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, SessionKind, Status,
};
use crate::request_log::entry::{BadCount, Entry, FileContext, Object, count, money, name, text, time_of};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};

/// The format.
pub const FORMAT: Format = Format {
    id: "hermes",
    title: "Sessions of Hermes Agent",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Sessions),
};

struct Sessions;

fn is_session(row: &Object) -> bool {
    let has = |key: &str| row.contains_key(key);
    has("cache_read_tokens")
        && has("input_tokens")
        && has("started_at")
        && ["billing_provider", "estimated_cost_usd", "message_count", "tool_call_count"]
            .iter()
            .any(|key| has(key))
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    if entry.object().is_some_and(is_session) { Sure::Certain } else { Sure::No }
}

impl Reader for Sessions {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(row) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        if entry.table.is_some_and(|table| table != "sessions") {
            return sink.note("rows of other tables than sessions are not read");
        }
        if !is_session(row) {
            return sink.unread("not a session of Hermes Agent", entry.line);
        }
        match sum(row, entry.line) {
            Ok(call) if call.raw.input.is_none() && call.raw.read.is_none() && call.raw.output.is_none() => {
                sink.unread("a session without tokens", entry.line);
            }
            Ok(call) => sink.push(call, Keep::LargestOutput),
            Err(BadCount) => sink.unread(BAD_COUNTS, entry.line),
        }
    }
}

fn sum(row: &Object, line: u64) -> Result<Call, BadCount> {
    let raw = RawCounts {
        input: count(row.get("input_tokens"))?,
        read: count(row.get("cache_read_tokens"))?,
        write: count(row.get("cache_write_tokens"))?,
        output: count(row.get("output_tokens"))?,
        reasoning: count(row.get("reasoning_tokens"))?,
        ..RawCounts::default()
    };
    let is_included = ["cost_status", "billing_mode"]
        .iter()
        .any(|key| text(row.get(*key)).is_some_and(|word| word.contains("included")));
    let (paid, paid_kind) = match (money(row.get("actual_cost_usd")), money(row.get("estimated_cost_usd"))) {
        _ if is_included => (Some(0.0), PaidKind::SubscriptionZero),
        (Some(actual), _) => (Some(actual), PaidKind::Billed),
        (None, Some(estimated)) => (Some(estimated), PaidKind::ComputedByTool),
        (None, None) => (None, PaidKind::Unknown),
    };
    let started = time_of(row, &["started_at"]);
    let ended = time_of(row, &["ended_at"]);
    let session = name(row.get("id"));
    Ok(Call {
        line,
        id_kind: IdKind::Row,
        id: text(row.get("id")).map(String::into_boxed_str),
        started_at: started.map(|(at, _)| at),
        ended_at: ended.map(|(at, _)| at),
        zone_known: started.or(ended).is_some_and(|(_, known)| known),
        session_kind: if session.is_some() { SessionKind::Given } else { SessionKind::None },
        session,
        parent_session: name(row.get("parent_session_id")),
        agent: Some(Name::from("hermes")),
        app: Some(Name::from("Hermes Agent")),
        platform: name(row.get("billing_provider")),
        model_served: name(row.get("model")),
        raw,
        rule: FORMAT.rule,
        paid,
        paid_kind,
        status: Status::Unknown,
        aggregated: Some(count(row.get("api_call_count"))?.unwrap_or(0)),
        ..Call::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_table, recognised};
    use super::*;
    use serde_json::{Value, json};

    fn session(id: &str, more: &Value) -> Value {
        let mut row = json!({"id": id, "source": "cli", "model": "acme-1", "started_at": 1_790_000_000.5, "ended_at": null,
            "message_count": 12, "input_tokens": 300, "output_tokens": 50, "cache_read_tokens": 4000, "cache_write_tokens": 0,
            "reasoning_tokens": 20, "billing_provider": "openrouter", "estimated_cost_usd": 0.25, "actual_cost_usd": null});
        row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        row
    }

    #[test]
    fn a_session_is_a_sum_and_excludes_cached_tokens() {
        let row = session("a", &json!({}));
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)), (Some(FORMAT.id), Sure::Certain));
        let found =
            read(&FORMAT, &[row, session("b", &json!({"api_call_count": 7, "actual_cost_usd": 0.5}))]);
        let call = &found.calls[0];
        assert_eq!(
            (call.tokens().prompt(), call.tokens().output(), call.aggregated),
            (Some(4300), Some(50), Some(0))
        );
        assert_eq!((call.paid, call.paid_kind), (Some(0.25), PaidKind::ComputedByTool));
        let call = &found.calls[1];
        assert_eq!((call.aggregated, call.paid, call.paid_kind), (Some(7), Some(0.5), PaidKind::Billed));
    }

    #[test]
    fn a_subscription_is_zero_and_other_tables_are_left_out() {
        let found = read_table(&FORMAT, "sessions", &[session("a", &json!({"cost_status": "included"}))]);
        assert_eq!((found.calls[0].paid, found.calls[0].paid_kind), (Some(0.0), PaidKind::SubscriptionZero));
        let found = read_table(&FORMAT, "messages", &[json!({"id": 1})]);
        assert_eq!((found.calls.len(), found.notes.len()), (0, 1));
    }

    #[test]
    fn damage_is_counted() {
        let rows = [
            session("a", &json!({"input_tokens": -1})),
            json!({"x": 1}),
            session("b", &json!({"input_tokens": null, "output_tokens": null, "cache_read_tokens": null})),
        ];
        let found = read(&FORMAT, &rows);
        assert_eq!((found.calls.len(), found.unread.len()), (0, 3));
    }
}
