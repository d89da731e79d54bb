//! Sessions of Goose: rows of the table `sessions` in its `sessions.db`, or an export of one. Each is a sum.

use super::plain::BAD_COUNTS;
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, SessionKind, Status,
};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, count, money, name, object_or_json, text, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};

/// The format.
pub const FORMAT: Format = Format {
    id: "goose",
    title: "Sessions of Goose",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::OfFields,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Sessions),
};

struct Sessions;

fn is_session(row: &Object) -> bool {
    row.contains_key("accumulated_input_tokens") || row.contains_key("accumulated_total_tokens")
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    if entry.object().is_some_and(is_session) { Sure::Certain } else { Sure::No }
}

impl Reader for Sessions {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(row) = entry.object() else { return sink.unread("not a JSON object", entry.line) };
        if entry.table.is_some_and(|table| table != "sessions")
            || (row.contains_key("role") && !is_session(row))
        {
            return sink.note("messages have no token counts and are not read");
        }
        if !is_session(row) {
            return sink.unread("not a session of Goose", entry.line);
        }
        match sum(row, entry.line) {
            Ok(call) if call.raw.input.is_none() && call.raw.output.is_none() => {
                sink.unread("a session without tokens", entry.line);
            }
            Ok(call) => sink.push(call, Keep::LargestOutput),
            Err(BadCount) => sink.unread(BAD_COUNTS, entry.line),
        }
    }
}

fn sum(row: &Object, line: u64) -> Result<Call, BadCount> {
    let raw = RawCounts {
        input: count(row.get("accumulated_input_tokens"))?,
        output: count(row.get("accumulated_output_tokens"))?,
        total: count(row.get("accumulated_total_tokens"))?,
        ..RawCounts::default()
    };
    let model =
        object_or_json(row.get("model_config_json")).or_else(|| object_or_json(row.get("model_config")));
    let started = time_of(row, &["created_at"]);
    let ended = time_of(row, &["updated_at"]);
    let session = name(row.get("id"));
    let paid = money(row.get("accumulated_cost"));
    Ok(Call {
        line,
        id_kind: if session.is_some() { IdKind::Row } else { IdKind::Position },
        id: text(row.get("id")).map(String::into_boxed_str),
        started_at: started.map(|(at, _)| at),
        ended_at: ended.map(|(at, _)| at),
        zone_known: started.or(ended).is_some_and(|(_, known)| known),
        session_kind: if session.is_some() { SessionKind::Given } else { SessionKind::None },
        session,
        agent: Some(Name::from("goose")),
        app: Some(Name::from("Goose")),
        platform: name(row.get("provider_name")),
        model_served: model
            .and_then(|model| name(model.get("model_name")))
            .or_else(|| name(row.get("model"))),
        raw,
        rule: FORMAT.rule,
        paid,
        paid_kind: if paid.is_some() { PaidKind::ComputedByTool } else { PaidKind::Unknown },
        status: Status::Unknown,
        aggregated: Some(0),
        ..Call::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, read_table, recognised};
    use super::*;
    use serde_json::json;

    #[test]
    fn accumulated_counts_are_a_sum_of_an_unknown_number_of_requests() {
        let row = json!({"id": "20260801_1", "name": "n", "created_at": "2026-08-01 10:00:00", "updated_at": "2026-08-01 11:00:00",
            "total_tokens": 30, "input_tokens": 20, "output_tokens": 10, "accumulated_total_tokens": 150, "accumulated_input_tokens": 100,
            "accumulated_output_tokens": 50, "provider_name": "openai", "model_config_json": "{\"model_name\":\"acme-1\"}"});
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)).1, Sure::Certain);
        let found = read_table(&FORMAT, "sessions", &[row]);
        let call = &found.calls[0];
        assert_eq!((call.raw.input, call.raw.output, call.aggregated), (Some(100), Some(50), Some(0)));
        assert_eq!((call.model_served.as_deref(), call.raw.read, call.paid), (Some("acme-1"), None, None));
    }

    #[test]
    fn what_has_no_tokens_is_counted() {
        let found = read(
            &FORMAT,
            &[
                json!({"accumulated_total_tokens": null}),
                json!({"accumulated_input_tokens": -2}),
                json!({"x": 1}),
                json!({"role": "user"}),
            ],
        );
        assert_eq!((found.calls.len(), found.unread.len(), found.notes.len()), (0, 3, 1));
    }
}
