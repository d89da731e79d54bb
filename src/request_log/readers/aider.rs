//! aider: the events of `--analytics-log`. One row is one message to the model, and may be several calls if the answer
//! was continued.

use super::agents::{self, BAD_COUNT, NO_OBJECT, NO_PRICE};
use crate::request_log::call::{Call, IdKind, InputRule, Name, OutputRule, RawCounts, Rule};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, count, money, name_of, text_of, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// aider's analytics log.
pub(super) const AIDER: Format = Format {
    id: "aider",
    title: "aider, analytics log",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::OfFields,
    states_failures: true,
    recognises,
    reader: |_| Box::new(Analytics),
};

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(row) = entry.object() else { return Sure::No };
    let Some(properties) = row.get("properties").and_then(Value::as_object) else { return Sure::No };
    let is_ours = properties.contains_key("aider_version") || properties.contains_key("main_model");
    match row.get("event").and_then(Value::as_str) {
        Some("message_send") if properties.contains_key("prompt_tokens") => Sure::Certain,
        Some("launched" | "message_send_starting" | "message_send_exception" | "cli session") => {
            Sure::Certain
        }
        Some(_) if is_ours && row.contains_key("time") => Sure::Likely,
        _ => Sure::No,
    }
}

/// Reads the events.
struct Analytics;

impl Reader for Analytics {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(row) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        match row.get("event").and_then(Value::as_str) {
            Some("message_send") => send(row, entry, sink),
            Some("message_send_exception") => failure(row, entry, sink),
            Some(_) => {}
            None => sink.unread("not an event", entry.line),
        }
    }
}

fn send(row: &Object, entry: &Entry<'_>, sink: &mut Sink) {
    let Some(properties) = row.get("properties").and_then(Value::as_object) else {
        return sink.unread("a message without properties", entry.line);
    };
    let Ok(raw) = counts(properties) else { return sink.unread(BAD_COUNT, entry.line) };
    if agents::is_empty(&raw) {
        return sink.unread("a message without token counts", entry.line);
    }
    sink.note("a message to the model: its counts are a sum if the answer was continued");
    let mut call = call(row, entry);
    // Rows have no id; the log is appended to, so equal rows of two imports are one call. The running total of the
    // cost distinguishes two messages of one second.
    let user = text_of(row, &["user_id"]).unwrap_or_default();
    call.id = call.ended_at.map(|at| {
        let (input, output) = (raw.input.unwrap_or(0), raw.output.unwrap_or(0));
        let spent = text_of(properties, &["total_cost"]).unwrap_or_default();
        format!("{user}:{}:{input}:{output}:{spent}", at.timestamp()).into_boxed_str()
    });
    call.id_kind = if call.id.is_some() { IdKind::Row } else { IdKind::Position };
    call.model_sent = name_of(properties, &["main_model"]);
    call.agent = name_of(properties, &["edit_format"]);
    call.raw = raw;
    if agents::set_computed(&mut call, money(properties.get("cost"))) {
        sink.note(NO_PRICE);
    }
    sink.push(call, Keep::First);
}

fn failure(row: &Object, entry: &Entry<'_>, sink: &mut Sink) {
    let error = row.get("properties").and_then(Value::as_object);
    let error = error.and_then(|error| text_of(error, &["exception"])).unwrap_or_default();
    let mut call = call(row, entry);
    call.status = agents::failure(None, &error);
    sink.push(call, Keep::First);
}

fn call(row: &Object, entry: &Entry<'_>) -> Call {
    let mut call = Call { line: entry.line, app: Some(Name::from("aider")), ..Call::default() };
    agents::set_end(&mut call, time_of(row, &["time"]));
    call
}

fn counts(properties: &Object) -> Result<RawCounts, BadCount> {
    Ok(RawCounts {
        input: count(properties.get("prompt_tokens"))?,
        output: count(properties.get("completion_tokens"))?,
        total: count(properties.get("total_tokens"))?,
        ..RawCounts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, recognised, total};
    use super::*;
    use crate::request_log::call::{PaidKind, Status, Tokens};
    use serde_json::json;

    fn send(time: u64, cost: f64) -> Value {
        json!({"event": "message_send", "user_id": "u-1", "time": time, "properties": {"main_model": "acme/m-1",
            "edit_format": "diff", "prompt_tokens": 3000, "completion_tokens": 150, "total_tokens": 3150,
            "cost": cost, "total_cost": 9.5}})
    }

    #[test]
    fn the_cost_of_a_row_counts_and_the_running_total_does_not() {
        let lines = [
            json!({"event": "launched", "user_id": "u-1", "time": 1, "properties": {}}),
            send(1_780_000_000, 0.02),
            send(1_780_000_100, 0.03),
            send(1_780_000_100, 0.03),
        ];
        assert_eq!(recognised(&file("analytics.jsonl"), &lines), Some("aider"));
        let found = read(&AIDER, &file("analytics.jsonl"), &lines);
        assert_eq!((found.calls.len(), found.duplicates), (2, 1));
        assert_eq!(total(&found, Tokens::prompt), Some(6000));
        let paid: f64 = found.calls.iter().filter_map(|call| call.paid).sum();
        assert!((paid - 0.05).abs() < 1e-12);
        assert!(
            found
                .calls
                .iter()
                .all(|call| call.paid_kind == PaidKind::ComputedByTool && call.raw.read.is_none())
        );
        assert_eq!(found.notes.len(), 1);
    }

    #[test]
    fn messages_of_one_second_are_two_if_the_total_cost_advanced() {
        let mut second = send(1_780_000_000, 0.02);
        second["properties"]["total_cost"] = json!(9.52);
        let lines = [send(1_780_000_000, 0.02), second.clone(), second];
        let found = read(&AIDER, &file("a.jsonl"), &lines);
        assert_eq!((found.calls.len(), found.duplicates), (2, 1));
        assert_eq!(total(&found, Tokens::output), Some(300));
    }

    #[test]
    fn exceptions_are_failures_and_a_cost_of_zero_is_unknown() {
        let exception = json!({"event": "message_send_exception", "time": 2, "properties": {"exception": "Timeout: timed out"}});
        let found = read(&AIDER, &file("a.jsonl"), &[exception, send(1_780_000_000, 0.0)]);
        assert_eq!(found.calls[0].status, Status::Timeout);
        assert_eq!((found.calls[1].paid, found.calls[1].paid_kind), (None, PaidKind::Unknown));
    }

    #[test]
    fn damaged_rows_are_counted() {
        let mut bad = send(1, 0.1);
        bad["properties"]["prompt_tokens"] = json!("lots");
        let found = read(
            &AIDER,
            &file("a.jsonl"),
            &[
                bad,
                json!({"event": "message_send"}),
                json!({"event": "message_send", "properties": {}}),
                json!({"time": 1}),
                json!([]),
            ],
        );
        assert!(found.calls.is_empty());
        assert_eq!(found.unread.len(), 5);
    }
}
