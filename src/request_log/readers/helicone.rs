//! Requests of Helicone: its export as JSON, JSON Lines or CSV, and rows of the table `request_response_rmt` from HQL.

use super::outcome::failure;
use super::plain::BAD_COUNTS;
use crate::request_log::call::{
    Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule, Status,
};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, count, duration, given, money, name, name_of, number,
    object_or_json, text, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// The format.
pub const FORMAT: Format = Format {
    id: "helicone",
    title: "Requests of Helicone",
    rule: Rule { input: InputRule::Excludes, output: OutputRule::ExcludesReasoning },
    total: Total::OfDisjoint,
    states_failures: true,
    recognises,
    reader: |_| Box::new(Helicone::default()),
};

/// Whether the costs of a file can be billionths of a dollar: all are whole, and no row has one in dollars.
#[derive(Default)]
struct Helicone {
    has_fraction: bool,
    has_dollars: bool,
    largest: f64,
}

/// The table keeps cost as whole billionths of a dollar.
const COSTS_PER_DOLLAR: f64 = 1e9;
/// Whole costs up to here may be dollars, if they are the only ones of a file.
const LARGEST_DOLLARS: f64 = 9.0;
/// The reference of a request that is not from Helicone's cache.
const NO_REFERENCE: &str = "00000000-0000-0000-0000-000000000000";

fn is_row(row: &Object) -> bool {
    let has = |key: &str| row.contains_key(key);
    (has("request_id") || has("response_id"))
        && has("request_created_at")
        && ["prompt_tokens", "completion_tokens", "response_status", "delay_ms", "status", "latency"]
            .iter()
            .any(|key| has(key))
}

/// The rows of an entry: itself, or those of an answer `{data: […]}`, or of `{data: {rows: […]}}` of HQL.
fn rows(value: &Value) -> Vec<&Object> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let data = object.get("data");
    let list = data.and_then(Value::as_array).or_else(|| data?.get("rows")?.as_array());
    match list {
        Some(list) if !is_row(object) => list.iter().filter_map(Value::as_object).collect(),
        _ => vec![object],
    }
}

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    if rows(entry.value).first().is_some_and(|row| is_row(row)) { Sure::Certain } else { Sure::No }
}

impl Reader for Helicone {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        if entry.object().is_none() {
            return sink.unread("not a JSON object", entry.line);
        }
        for row in rows(entry.value) {
            if is_row(row) {
                self.see(row);
                self::row(row, entry.line, sink);
            } else {
                sink.unread("not a request of Helicone", entry.line);
            }
        }
    }

    fn finish(&mut self, sink: &mut Sink) {
        if self.has_dollars || self.has_fraction || self.largest <= LARGEST_DOLLARS {
            return;
        }
        for call in sink.calls_mut() {
            call.paid = call.paid.map(|cost| cost / COSTS_PER_DOLLAR);
        }
    }
}

impl Helicone {
    fn see(&mut self, row: &Object) {
        self.has_dollars |= dollars(row).is_some();
        if let Some(cost) = money(row.get("cost")) {
            self.has_fraction |= cost.fract() != 0.0;
            self.largest = self.largest.max(cost);
        }
    }
}

fn dollars(row: &Object) -> Option<f64> {
    money(row.get("costUSD")).or_else(|| money(row.get("cost_usd")))
}

fn counts(row: &Object) -> Result<RawCounts, BadCount> {
    let audio = count(row.get("prompt_audio_tokens"))?.unwrap_or(0);
    let audio_out = count(row.get("completion_audio_tokens"))?.unwrap_or(0);
    let of = |key: &str| count(row.get(key));
    let mut raw = RawCounts {
        input: of("prompt_tokens")?.map(|tokens| tokens.saturating_add(audio)),
        read: of("prompt_cache_read_tokens")?,
        write: of("prompt_cache_write_tokens")?,
        write_5m: of("prompt_cache_write_5m")?,
        write_1h: of("prompt_cache_write_1h")?,
        output: of("completion_tokens")?.map(|tokens| tokens.saturating_add(audio_out)),
        reasoning: of("reasoning_tokens")?,
        total: of("total_tokens")?,
    };
    // The total of the two fields alone does not show whether the input includes cached tokens.
    if raw.total == raw.input.zip(raw.output).map(|(input, output)| input.saturating_add(output)) {
        raw.total = None;
    }
    if raw.write_5m.or(raw.write_1h).is_some() {
        let split = raw.write_5m.unwrap_or(0).saturating_add(raw.write_1h.unwrap_or(0));
        raw.write = raw.write.map(|all| all.saturating_sub(split)).filter(|rest| *rest > 0);
    }
    Ok(raw)
}

/// The cost, in dollars or as the table keeps it; the end of the file decides which.
fn cost(row: &Object) -> Option<f64> {
    dollars(row).or_else(|| money(row.get("cost")))
}

/// The status of a row: an HTTP status, or a negative number for what has none.
fn status(row: &Object) -> (Status, Option<u16>) {
    let code = number(row.get("response_status")).or_else(|| number(row.get("status")));
    match code {
        Some(200.0..400.0) => (Status::Ok, None),
        Some(code @ 400.0..600.0) => (failure(Some(code as u16), ""), Some(code as u16)),
        Some(-1.0) => (Status::Timeout, None),
        Some(-3.0) => (Status::Cancelled, None),
        // Pending.
        Some(-2.0) | None => (Status::Unknown, None),
        // A threat, and what is not known.
        Some(_) => (Status::Error, None),
    }
}

fn row(row: &Object, line: u64, sink: &mut Sink) {
    let Ok(raw) = counts(row) else { return sink.unread(BAD_COUNTS, line) };
    let (status, http) = status(row);
    let has_tokens =
        [raw.input, raw.read, raw.written(), raw.output].iter().any(|count| count.unwrap_or(0) > 0);
    if !status.is_failure() && !has_tokens {
        return sink.unread("a request without tokens: pending, or not to a model of text", line);
    }
    let properties =
        object_or_json(row.get("request_properties")).or_else(|| object_or_json(row.get("properties")));
    let property = |key: &str| properties.as_ref().and_then(|properties| name(properties.get(key)));
    let session = property("Helicone-Session-Id");
    let started = time_of(row, &["request_created_at"]);
    let ended = time_of(row, &["response_created_at"]);
    let id = text(row.get("request_id")).or_else(|| text(row.get("response_id")));
    let is_replay = text(row.get("cache_reference_id")).is_some_and(|reference| reference != NO_REFERENCE);
    let ttft_ms = duration(row.get("time_to_first_token")).filter(|ms| *ms > 0.0);
    let paid = cost(row).filter(|cost| *cost > 0.0);
    let call = Call {
        line,
        id_kind: if id.is_some() { IdKind::Row } else { IdKind::Position },
        id: id.map(String::into_boxed_str),
        started_at: started.map(|(at, _)| at),
        ended_at: ended.map(|(at, _)| at),
        zone_known: started.or(ended).is_some_and(|(_, known)| known),
        session_kind: given(session.as_ref()),
        session,
        platform: text(row.get("provider")).map(|provider| Name::from(provider.to_lowercase())),
        model_sent: name_of(row, &["request_model", "model"]),
        model_served: name_of(row, &["model_override", "response_model", "model"]),
        app: property("Helicone-Session-Name").or_else(|| property("app")),
        key: name(row.get("proxy_key_id")),
        raw: if has_tokens { raw } else { RawCounts::default() },
        rule: FORMAT.rule,
        paid,
        paid_kind: if paid.is_some() { PaidKind::ComputedByTool } else { PaidKind::Unknown },
        latency_ms: duration(row.get("delay_ms")).or_else(|| duration(row.get("latency"))),
        ttft_ms,
        streamed: ttft_ms.is_some().then_some(true),
        status,
        http,
        gateway_cache_hit: is_replay,
        ..Call::default()
    };
    sink.push(call, Keep::Last);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read, recognised};
    use super::*;
    use serde_json::json;

    fn row_with(id: &str, more: &Value) -> Value {
        let mut row = json!({"request_id": id, "response_status": 200, "request_created_at": "2026-08-01T10:00:00Z",
            "response_created_at": "2026-08-01T10:00:04Z", "request_model": "acme-1", "response_model": "acme-1-0801", "provider": "ACME",
            "request_properties": {"Helicone-Session-Id": "s"}, "delay_ms": 4000, "time_to_first_token": 300, "total_tokens": 1110,
            "prompt_tokens": 90, "prompt_cache_write_tokens": 40, "prompt_cache_read_tokens": 900, "completion_tokens": 80,
            "cost": 0.02, "costUSD": 0.02, "cache_reference_id": NO_REFERENCE});
        row.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        row
    }

    #[test]
    fn prompt_tokens_exclude_the_cache() {
        let row = row_with("a", &json!({}));
        assert_eq!(recognised(&FORMAT, std::slice::from_ref(&row)), (Some(FORMAT.id), Sure::Certain));
        let found = read(&FORMAT, &[row, row_with("b", &json!({"total_tokens": 170}))]);
        for call in &found.calls {
            assert_eq!((call.tokens().prompt(), call.tokens().output()), (Some(1030), Some(80)));
        }
        let call = &found.calls[0];
        assert_eq!(
            (call.latency_ms, call.ttft_ms, call.session.as_deref()),
            (Some(4000.0), Some(300.0), Some("s"))
        );
        assert_eq!(
            (call.model_sent.as_deref(), call.model_served.as_deref()),
            (Some("acme-1"), Some("acme-1-0801"))
        );
    }

    #[test]
    fn cost_is_in_dollars_whatever_the_table_keeps() {
        let cost = |more: Value| read(&FORMAT, &[row_with("a", &more)]).calls[0].paid;
        assert_eq!(cost(json!({"costUSD": null, "cost": 20_000_000})), Some(0.02));
        assert_eq!(cost(json!({"costUSD": "", "cost": "20000000"})), Some(0.02));
        assert_eq!(cost(json!({"costUSD": null, "cost": 0.5})), Some(0.5));
        assert_eq!(cost(json!({"costUSD": null, "cost": 50})), Some(0.000_000_05));
        assert_eq!(cost(json!({"costUSD": null, "cost": 0})), None);
    }

    #[test]
    fn replays_failures_and_repeats_are_apart() {
        let none = json!({"prompt_tokens": 0, "completion_tokens": 0, "prompt_cache_read_tokens": 0, "prompt_cache_write_tokens": 0, "total_tokens": 0});
        let failed = |code: i64| {
            let mut more = none.clone();
            more["response_status"] = json!(code);
            more
        };
        let rows = [
            row_with("a", &json!({})),
            row_with("a", &json!({})),
            row_with("b", &json!({"cache_reference_id": "11111111-1111-4111-8111-111111111111"})),
            row_with("c", &failed(429)),
            row_with("d", &failed(-1)),
            row_with("e", &failed(-3)),
            row_with("f", &failed(503)),
            row_with("g", &failed(-2)),
            row_with("h", &json!({"prompt_tokens": "x"})),
            json!({"y": 1}),
        ];
        let found = read(&FORMAT, &rows);
        let statuses: Vec<Status> = found.calls.iter().map(|call| call.status).collect();
        assert_eq!(
            statuses,
            [Status::Ok, Status::Ok, Status::RateLimited, Status::Timeout, Status::Cancelled, Status::Error]
        );
        assert!(found.calls[1].gateway_cache_hit && !found.calls[0].gateway_cache_hit);
        assert_eq!((found.duplicates, found.unread.len()), (1, 3));
        assert_eq!(found.calls[2].raw, RawCounts::default());
    }

    #[test]
    fn rows_of_hql_are_read() {
        let row = json!({"request_id": "a", "request_created_at": "2026-08-01 10:00:00", "status": 200, "latency": 700, "model": "m",
            "prompt_tokens": "5", "prompt_cache_read_tokens": "20", "completion_tokens": "3", "cost": "1500", "properties": "{\"Helicone-Session-Id\":\"s\"}"});
        let found = read(&FORMAT, &[json!({"data": {"rows": [row]}})]);
        let call = &found.calls[0];
        assert_eq!(
            (call.tokens().prompt(), call.latency_ms, call.session.as_deref()),
            (Some(25), Some(700.0), Some("s"))
        );
        assert_eq!(call.paid, Some(1.5e-6));
    }
}
