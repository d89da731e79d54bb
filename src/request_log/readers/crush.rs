//! Sessions of Crush: rows of the table `sessions` in its `crush.db`. Their cost is a sum; their token counts are those
//! of the last call, so they are not read.

use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, Rule, SessionKind, Status,
};
use crate::request_log::entry::{Entry, FileContext, Object, money, name, text, time_of};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};

/// The format.
pub const FORMAT: Format = Format {
    id: "crush",
    title: "Sessions of Crush",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::None,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Sessions),
};

struct Sessions;

fn is_session(row: &Object) -> bool {
    ["message_count", "prompt_tokens", "completion_tokens", "cost", "created_at"]
        .iter()
        .all(|key| row.contains_key(*key))
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
            return sink.unread("not a session of Crush", entry.line);
        }
        let started = time_of(row, &["created_at"]);
        let ended = time_of(row, &["updated_at"]);
        let session = name(row.get("id"));
        sink.note(
            "the token counts of a session are those of its last call and are not read; its cost is a sum",
        );
        let call = Call {
            line: entry.line,
            id_kind: if session.is_some() { IdKind::Row } else { IdKind::Position },
            id: text(row.get("id")).map(String::into_boxed_str),
            started_at: started.map(|(at, _)| at),
            ended_at: ended.map(|(at, _)| at),
            zone_known: started.or(ended).is_some_and(|(_, known)| known),
            session_kind: if session.is_some() { SessionKind::Given } else { SessionKind::None },
            session,
            parent_session: name(row.get("parent_session_id")),
            agent: Some(Name::from("crush")),
            app: Some(Name::from("Crush")),
            rule: FORMAT.rule,
            paid: money(row.get("cost")),
            paid_kind: PaidKind::ComputedByTool,
            status: Status::Unknown,
            aggregated: Some(0),
            ..Call::default()
        };
        sink.push(call, Keep::Last);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read_table, recognised};
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_cost_of_a_session_is_a_sum() {
        let row = json!({"id": "s", "parent_session_id": null, "title": "t", "message_count": 9, "prompt_tokens": 1000,
            "completion_tokens": 20, "cost": 0.5, "created_at": 1_790_000_000, "updated_at": 1_790_000_900});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)).1, Sure::Certain);
        let found = read_table(&FORMAT, "sessions", &[row, json!({"id": "x"})]);
        assert_eq!((found.calls.len(), found.unread.len(), found.notes.len()), (1, 1, 1));
        let call = &found.calls[0];
        assert_eq!((call.paid, call.raw.input, call.aggregated), (Some(0.5), None, Some(0)));
    }
}
