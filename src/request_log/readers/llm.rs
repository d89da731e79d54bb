//! `llm` of Simon Willison: the rows of its database `logs.db`, and the same rows as JSON (`llm logs --json`).

use super::agents::{self, BAD_COUNT, NO_OBJECT};
use super::api_usage::{self, Family};
use crate::request_log::call::{Call, IdKind, InputRule, Name, OutputRule, PaidKind, RawCounts, Rule};
use crate::request_log::entry::{
    BadCount, Entry, FileContext, Object, at, count, count_of, duration, given, money, name, name_of,
    object_at, object_or_json, text, time_of,
};
use crate::request_log::format::{Format, Reader, Sure, Total};
use crate::request_log::sink::{Keep, Sink};
use serde_json::Value;

/// Logs of `llm`.
pub(super) const LLM: Format = Format {
    id: "llm",
    title: "llm (Simon Willison), logs.db",
    rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
    total: Total::OfDisjoint,
    states_failures: false,
    recognises,
    reader: |_| Box::new(Rows),
};

/// Tables of the database that hold answers; newer versions write `turns`.
pub(super) const TABLES: &[&str] = &["responses", "turns"];

fn recognises(entry: &Entry<'_>, _: &FileContext) -> Sure {
    let Some(row) = entry.object() else { return Sure::No };
    let has = |key: &str| row.contains_key(key);
    let is_ours = has("model") && has("datetime_utc") && has("duration_ms");
    match entry.table {
        Some(table) if !TABLES.contains(&table) => Sure::No,
        _ if is_ours && (has("conversation_id") || has("thread_id") || has("token_details")) => Sure::Certain,
        _ if is_ours => Sure::Likely,
        _ => Sure::No,
    }
}

/// Reads rows.
struct Rows;

impl Reader for Rows {
    fn read(&mut self, entry: &Entry<'_>, sink: &mut Sink) {
        let Some(row) = entry.object() else { return sink.unread(NO_OBJECT, entry.line) };
        if entry.table.is_some_and(|table| !TABLES.contains(&table)) {
            return;
        }
        if !row.contains_key("model") || !row.contains_key("datetime_utc") {
            return sink.unread("not an answer", entry.line);
        }
        let details = object_or_json(row.get("token_details"));
        let response = object_or_json(row.get("response_json"));
        let usage = response.as_ref().and_then(|response| {
            object_at(response, &["usage"]).or_else(|| object_at(response, &["usageMetadata"]))
        });
        let Ok(raw) = counts(row, details.as_ref(), usage) else { return sink.unread(BAD_COUNT, entry.line) };
        if agents::is_empty(&raw) {
            sink.note("the model stated no token counts");
        }
        let id = text(row.get("id"));
        let session = name_of(row, &["conversation_id", "thread_id"]);
        let model = name_of(row, &["model"]);
        let tools = row.get("tool_calls").and_then(Value::as_array).map(Vec::len);
        let mut call = Call {
            line: entry.line,
            id_kind: if id.is_some() { IdKind::Row } else { IdKind::Position },
            id: id.map(String::into_boxed_str),
            session_kind: given(session.as_ref()),
            session,
            platform: model
                .as_deref()
                .filter(|model| model.starts_with("openrouter/"))
                .map(|_| Name::from("openrouter")),
            model_sent: model,
            model_served: name_of(row, &["resolved_model"]),
            usual_rule: usual_rule(&raw, details.as_ref(), usage),
            raw: if agents::is_empty(&raw) { RawCounts::default() } else { raw },
            latency_ms: duration(row.get("duration_ms")),
            tool_calls: tools.and_then(|tools| u32::try_from(tools).ok()),
            finish: response.as_ref().and_then(finish),
            app: Some(Name::from("llm")),
            ..Call::default()
        };
        agents::set_start(&mut call, time_of(row, &["datetime_utc"]));
        if let (Some(start), Some(ms)) = (call.started_at, call.latency_ms) {
            call.ended_at = start.checked_add_signed(chrono::TimeDelta::milliseconds(ms as i64));
        }
        let cost = |usage: &Object| money(usage.get("cost"));
        if let Some(cost) = details.as_ref().and_then(cost).or_else(|| usage.and_then(cost)) {
            call.paid = Some(cost);
            call.paid_kind = PaidKind::Billed;
        }
        sink.push(call, Keep::First);
    }
}

/// The counts of a row: its columns, the details (which leave out zeros), or the usage of the response.
fn counts(row: &Object, details: Option<&Object>, usage: Option<&Object>) -> Result<RawCounts, BadCount> {
    let input = count(row.get("input_tokens"))?;
    let output = count(row.get("output_tokens"))?;
    let mut raw = RawCounts { input, output, ..RawCounts::default() };
    if let Some(usage) = usage.filter(|_| input.is_none() && output.is_none()) {
        raw.input = count_of(usage, &["prompt_tokens", "input_tokens", "promptTokenCount"])?;
        raw.output = count_of(usage, &["completion_tokens", "output_tokens", "candidatesTokenCount"])?;
    }
    for part in [details, usage].into_iter().flatten() {
        raw.read = raw.read.map_or_else(|| part_of(part, &READ), |read| Ok(Some(read)))?;
        raw.write = raw.write.map_or_else(|| part_of(part, &WRITTEN), |written| Ok(Some(written)))?;
        raw.reasoning =
            raw.reasoning.map_or_else(|| part_of(part, &REASONING), |reasoning| Ok(Some(reasoning)))?;
    }
    let total = |part: &Object| count_of(part, &["totalTokenCount", "total_tokens"]);
    raw.total = details.map_or(Ok(None), total)?.or(usage.map_or(Ok(None), total)?);
    if let Some(details) = details.filter(|details| family(details) == Some(Family::Anthropic)) {
        let written = api_usage::counts(details, Family::Anthropic)?;
        (raw.write, raw.write_5m, raw.write_1h) = (written.write, written.write_5m, written.write_1h);
    }
    Ok(raw)
}

/// The API that the details of a row come from. Plugins take the input and the output out of the usage, so only the
/// names of the rest are left.
fn family(details: &Object) -> Option<Family> {
    let has = |keys: &[&str]| keys.iter().any(|key| details.contains_key(*key));
    if has(&[
        "prompt_tokens_details",
        "completion_tokens_details",
        "input_tokens_details",
        "output_tokens_details",
    ]) {
        return Some(Family::OpenAi);
    }
    let gemini =
        ["thoughtsTokenCount", "cachedContentTokenCount", "promptTokensDetails", "candidatesTokensDetails"];
    if has(&gemini) {
        return Some(Family::Gemini);
    }
    let anthropic =
        ["cache_read_input_tokens", "cache_creation_input_tokens", "cache_creation", "server_tool_use"];
    if has(&anthropic) { Some(Family::Anthropic) } else { api_usage::family_of(details) }
}

/// The rule of the plugin that wrote a row, by the names of its details or of the usage in its response.
fn usual_rule(raw: &RawCounts, details: Option<&Object>, usage: Option<&Object>) -> Option<Rule> {
    let Some(details) = details.filter(|details| family(details).is_some()) else {
        return usage.and_then(api_usage::family_of).map(Family::rule);
    };
    let family = family(details)?;
    let mut rule = family.rule();
    // Newer versions of llm-gemini add the thoughts to the output and keep the count without them.
    let text = count(details.get("candidatesTokenCount")).ok().flatten().unwrap_or(0);
    let is_whole = raw.output == Some(text.saturating_add(raw.reasoning.unwrap_or(0)));
    if family == Family::Gemini && is_whole {
        rule.output = OutputRule::IncludesReasoning;
    }
    Some(rule)
}

/// Where plugins put the tokens read from the cache.
const READ: [&[&str]; 6] = [
    &["prompt_tokens_details", "cached_tokens"],
    &["input_tokens_details", "cached_tokens"],
    &["cache_read_input_tokens"],
    &["cachedContentTokenCount"],
    &["prompt_cache_hit_tokens"],
    &["cached_tokens"],
];
/// Where plugins put the tokens written to the cache.
const WRITTEN: [&[&str]; 3] = [
    &["prompt_tokens_details", "cache_write_tokens"],
    &["input_tokens_details", "cache_write_tokens"],
    &["cache_creation_input_tokens"],
];
/// Where plugins put the reasoning tokens.
const REASONING: [&[&str]; 4] = [
    &["completion_tokens_details", "reasoning_tokens"],
    &["output_tokens_details", "reasoning_tokens"],
    &["thoughtsTokenCount"],
    &["reasoning_tokens"],
];

fn part_of<const N: usize>(usage: &Object, paths: &[&[&str]; N]) -> Result<Option<u64>, BadCount> {
    for path in paths {
        if let Some(found) = count(at(usage, path))? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Why the output of a response ended.
fn finish(response: &Object) -> Option<Name> {
    let choice = response
        .get("choices")
        .and_then(|choices| choices.get(0))
        .and_then(|choice| choice.get("finish_reason"));
    agents::finish(choice.or_else(|| response.get("finish_reason")).or_else(|| response.get("stop_reason")))
        .or_else(|| name(response.get("finishReason")))
}

#[cfg(test)]
mod tests {
    use super::super::agents::testing::{file, read, read_rows, recognised, total};
    use super::*;
    use crate::request_log::call::{SessionKind, Tokens};
    use serde_json::json;

    fn row(id: &str) -> Value {
        json!({"id": id, "model": "acme-4", "resolved_model": "acme-4-2026", "prompt": "x", "response": "y",
            "conversation_id": "c-1", "duration_ms": 800, "datetime_utc": "2026-02-01T10:00:00.5", "input_tokens": 5000,
            "output_tokens": 90, "token_details": "{\"prompt_tokens_details\": {\"cached_tokens\": 4000}, \"completion_tokens_details\": {\"reasoning_tokens\": 30}}"})
    }

    #[test]
    fn the_details_of_a_row_state_cached_tokens() {
        assert_eq!(recognised(&file("logs.json"), &[row("r-1")]), Some("llm"));
        let found = read(&LLM, &file("logs.json"), &[row("r-1")]);
        let call = &found.calls[0];
        assert_eq!(
            (call.tokens().prompt(), call.tokens().read, call.tokens().reasoning),
            (Some(5000), Some(4000), Some(30))
        );
        assert_eq!((call.session.as_deref(), call.session_kind), (Some("c-1"), SessionKind::Given));
        assert_eq!((call.latency_ms, call.zone_known), (Some(800.0), false));
        assert_eq!(call.model().map(|model| &**model), Some("acme-4-2026"));
    }

    #[test]
    fn both_tables_hold_the_same_answers() {
        let mut turn = row("r-2");
        turn.as_object_mut().expect("there").remove("conversation_id");
        turn["thread_id"] = json!("c-9");
        let found = read_rows(
            &LLM,
            &file("logs.db"),
            &[
                (Some("responses"), row("r-1")),
                (Some("turns"), row("r-1")),
                (Some("turns"), turn),
                (Some("conversations"), json!({"id": "c-1", "name": "x", "model": "m"})),
            ],
        );
        assert_eq!(found.calls[1].session.as_deref(), Some("c-9"));
        assert!(found.unread.is_empty());
        assert_eq!((found.calls.len(), found.duplicates), (2, 1));
    }

    #[test]
    fn an_exclusive_input_is_proved_by_its_parts() {
        let mut exclusive = row("r-1");
        exclusive["input_tokens"] = json!(12);
        exclusive["token_details"] =
            json!({"cache_read_input_tokens": 4000, "cache_creation_input_tokens": 500});
        let found = read(&LLM, &file("logs.json"), &[exclusive]);
        assert_eq!(found.calls[0].rule.input, InputRule::Excludes);
        assert_eq!(total(&found, Tokens::prompt), Some(4512));
    }

    #[test]
    fn the_names_of_the_details_decide_the_rule_of_a_row() {
        let of = |id: &str, model: &str, input: u64, output: u64, details: Value| {
            let mut row = row(id);
            row["model"] = json!(model);
            row["resolved_model"] = json!(null);
            (row["input_tokens"], row["output_tokens"]) = (json!(input), json!(output));
            row["token_details"] = json!(details.to_string());
            read(&LLM, &file("logs.json"), &[row]).calls[0].tokens()
        };
        // Anthropic's input excludes what was read and written, also if it is larger than both.
        let tokens = of(
            "r-1",
            "anthropic/acme",
            6000,
            90,
            json!({"cache_read_input_tokens": 4000, "cache_creation_input_tokens": 700,
                "cache_creation": {"ephemeral_1h_input_tokens": 700}}),
        );
        assert_eq!(
            (tokens.prompt(), tokens.uncached, tokens.write_1h),
            (Some(10_700), Some(6000), Some(700))
        );
        // OpenAI's names come first: proxies keep Anthropic's beside them.
        let both = json!({"prompt_tokens_details": {"cached_tokens": 4000}, "cache_read_input_tokens": 4000});
        assert_eq!(of("r-2", "proxied", 6000, 90, both).prompt(), Some(6000));
        // Older versions of llm-gemini leave the thoughts out of the output, newer ones add them.
        let older = json!({"thoughtsTokenCount": 30, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 6000}]});
        assert_eq!(of("r-3", "gemini-a", 6000, 90, older).output(), Some(120));
        let newer = json!({"thoughtsTokenCount": 30, "candidatesTokenCount": 60});
        assert_eq!(of("r-4", "gemini-b", 6000, 90, newer).output(), Some(90));
        let kept = json!({"thoughtsTokenCount": 30, "totalTokenCount": 6090});
        assert_eq!(of("r-5", "gemini-c", 6000, 90, kept).output(), Some(90), "the total decides");
        let kept = json!({"thoughtsTokenCount": 30, "totalTokenCount": 6120});
        assert_eq!(of("r-6", "gemini-d", 6000, 90, kept).output(), Some(120));
    }

    #[test]
    fn older_rows_state_usage_in_the_response() {
        let mut old = row("r-1");
        for key in ["input_tokens", "output_tokens", "token_details"] {
            old.as_object_mut().expect("there").remove(key);
        }
        old["response_json"] = json!(
            "{\"usage\": {\"prompt_tokens\": 70, \"completion_tokens\": 8, \"cost\": 0.01}, \"finish_reason\": \"stop\"}"
        );
        let found = read(&LLM, &file("logs.json"), &[old]);
        assert_eq!(total(&found, Tokens::prompt), Some(70));
        assert_eq!((found.calls[0].paid, found.calls[0].paid_kind), (Some(0.01), PaidKind::Billed));
        assert_eq!(found.calls[0].finish.as_deref(), Some("stop"));
    }

    #[test]
    fn answers_without_counts_are_calls_without_counts() {
        let mut bare = row("r-1");
        bare["input_tokens"] = json!(null);
        bare["output_tokens"] = json!(null);
        bare["token_details"] = json!(null);
        let mut bad = row("r-2");
        bad["input_tokens"] = json!(-3);
        let found = read(&LLM, &file("logs.json"), &[bare, bad, json!({"id": "tool"}), json!(1)]);
        assert_eq!(found.calls.len(), 1);
        assert_eq!(found.calls[0].raw, RawCounts::default());
        assert_eq!(found.notes.len(), 1);
        assert_eq!(found.unread.len(), 3);
    }
}
