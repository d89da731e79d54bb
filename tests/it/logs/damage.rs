//! Damaged logs: bytes and values of made-up logs are changed in every way, and read by every reader. Nothing may panic,
//! and no count may come out of nowhere.

use hitrate::request_log::{FileContext, Layout, ReadOptions, formats, inspect, read_bytes};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Made-up logs: a name, and the entries or the text.
fn samples() -> Vec<(&'static str, String)> {
    let lines = |rows: &[Value]| rows.iter().map(|row| format!("{row}\n")).collect::<String>();
    let usage = json!({"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940,
        "prompt_tokens_details": {"cached_tokens": 700, "cache_write_tokens": 50}, "cost": 0.01, "is_byok": true,
        "completion_tokens_details": {"reasoning_tokens": 8}, "cost_details": {"upstream_inference_cost": 0.2}});
    let claude = json!({"type": "assistant", "sessionId": "s", "timestamp": "2026-05-01T10:00:00Z", "requestId": "r",
        "isSidechain": false, "uuid": "u", "message": {"id": "m", "model": "acme-1", "stop_reason": "end_turn",
        "usage": {"input_tokens": 4, "output_tokens": 9, "cache_read_input_tokens": 500,
        "cache_creation_input_tokens": 70, "cache_creation": {"ephemeral_5m_input_tokens": 70}}}});
    let span = json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": [{"spans": [{
        "traceId": "a1", "spanId": "b2", "name": "LLM Generation", "startTimeUnixNano": "1785578400000000000",
        "endTimeUnixNano": "1785578401000000000", "status": {"code": 1}, "attributes": [
        {"key": "gen_ai.request.model", "value": {"stringValue": "acme/bolt"}},
        {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "800"}},
        {"key": "gen_ai.usage.output_tokens", "value": {"intValue": 30}},
        {"key": "gen_ai.usage.input_tokens.cached", "value": {"intValue": "600"}}]}]}]}]});
    let counts = json!({"input_tokens": 900, "cached_input_tokens": 700, "output_tokens": 30,
        "reasoning_output_tokens": 5, "total_tokens": 930});
    let codex = [
        json!({"timestamp": "2026-05-01T10:00:00Z", "type": "session_meta", "payload": {"id": "t", "cli_version": "1"}}),
        json!({"timestamp": "2026-05-01T10:00:01Z", "type": "turn_context", "payload": {"model": "acme-1"}}),
        json!({"timestamp": "2026-05-01T10:00:02Z", "type": "event_msg", "payload": {"type": "token_count",
            "info": {"total_token_usage": counts, "last_token_usage": counts, "model_context_window": 100_000}}}),
    ];
    let spend = json!({"request_id": "r", "call_type": "acompletion", "spend": 0.1, "prompt_tokens": 900,
        "completion_tokens": 40, "total_tokens": 940, "startTime": "2026-05-01 10:00:00", "endTime":
        "2026-05-01 10:00:05", "model": "acme-1", "custom_llm_provider": "acme", "cache_hit": "False",
        "session_id": "s", "status": "success", "metadata": json!({"usage_object": usage}).to_string()});
    let observation = json!({"id": "o", "traceId": "t", "type": "GENERATION", "name": "x", "model": "acme-1",
        "startTime": "2026-05-01T10:00:00Z", "endTime": "2026-05-01T10:00:02Z", "usageDetails": {"input": 900,
        "output": 40, "input_cached_tokens": 500, "output_reasoning": 6, "total": 1446}, "costDetails": {"total": 0.2}});
    let helicone = json!({"response_id": "q", "request_id": "r", "response_status": 200, "request_model": "acme-1",
        "request_created_at": "2026-05-01T10:00:00Z", "prompt_tokens": 90, "completion_tokens": 40,
        "prompt_cache_read_tokens": 500, "prompt_cache_write_tokens": 20, "cost": 0.1, "provider": "ACME",
        "request_properties": {"Helicone-Session-Id": "s"}});
    let opencode = json!({"info": {"id": "ses"}, "messages": [{"info": {"id": "m", "sessionID": "ses", "role": "assistant",
        "providerID": "acme", "modelID": "bolt", "cost": 0.1, "tokens": {"input": 90, "output": 40, "reasoning": 6,
        "cache": {"read": 500, "write": 0}}, "time": {"created": 1_785_578_400_000_i64}}, "parts": []}]});
    let cline = json!([{"ts": 1_785_578_400_000_i64, "type": "say", "say": "api_req_started", "text": json!({"request": "x",
        "tokensIn": 90, "tokensOut": 40, "cacheReads": 500, "cacheWrites": 0, "cost": 0.1}).to_string()}]);
    let gemini = json!({"sessionId": "s", "id": "g", "type": "gemini", "model": "acme-1",
        "timestamp": "2026-05-01T10:00:00Z", "tokens": {"input": 900, "output": 40, "cached": 500, "thoughts": 6,
        "tool": 0, "total": 946}});
    let admin = json!({"data": [{"starting_at": "2026-05-01T00:00:00Z", "ending_at": "2026-05-02T00:00:00Z",
        "results": [{"uncached_input_tokens": 90, "cache_creation": {"ephemeral_1h_input_tokens": 5,
        "ephemeral_5m_input_tokens": 6}, "cache_read_input_tokens": 500, "output_tokens": 40}]}], "has_more": false});
    let vercel = json!({"usage": {"inputTokens": 900, "inputTokenDetails": {"noCacheTokens": 100, "cacheReadTokens": 700,
        "cacheWriteTokens": 100}, "outputTokens": 40, "totalTokens": 940}, "finishReason": "stop"});
    let header = "generation_id,created_at,cost_total,cost_cache,tokens_prompt,tokens_completion,tokens_reasoning,\
        tokens_cached,model_permaslug,provider_name,variant,cancelled,streamed,finish_reason_normalized,\
        generation_time_ms,time_to_first_token_ms,app_name";
    let row = "gen-1785578400-x,2026-05-01 10:00:00.5,0.01,-0.002,900,40,5,700,acme/bolt-1,Acme,standard,false,true,stop,\
        900,200,\"An, app\"";
    let chunk = json!({"id": "c", "object": "chat.completion.chunk", "model": "acme/bolt", "usage": usage});
    vec![
        (
            "usage",
            lines(&[
                json!({"id": "g", "model": "acme/bolt", "created": 1_785_578_400, "usage": usage}),
                usage,
            ]),
        ),
        ("claude", lines(&[claude.clone(), claude])),
        ("otlp", lines(&[span])),
        ("codex", lines(&codex)),
        ("spend", json!([spend]).to_string()),
        ("observation", serde_json::to_string_pretty(&observation).expect("JSON")),
        ("helicone", lines(&[helicone])),
        ("opencode", serde_json::to_string_pretty(&opencode).expect("JSON")),
        ("cline", cline.to_string()),
        ("gemini", lines(&[gemini.clone(), gemini])),
        ("admin", serde_json::to_string_pretty(&admin).expect("JSON")),
        ("vercel", json!([vercel]).to_string()),
        ("csv", format!("{header}\n{row}\n{row}\n")),
        ("events", format!("data: {chunk}\n\ndata: [DONE]\n\n")),
    ]
}

/// Reads bytes with the format that they show and with every other one; checks what must hold for all of them.
fn check(bytes: &[u8], name: &str) {
    for format in std::iter::once(None).chain(formats().map(Some)) {
        let options = ReadOptions { format, progress: None };
        let context =
            FileContext { path: "folder/log.json".into(), layout: Layout::Lines, beside: Vec::new() };
        let Ok(file) = read_bytes(bytes, context, &options) else { continue };
        let found = inspect(&file);
        let rate = found.hit_rate.unwrap_or(0.5);
        assert!((0.0..=1.0).contains(&rate), "{name} as {}: hit rate {rate}", file.format.id);
        assert!(found.paid_usd.is_none_or(f64::is_finite), "{name} as {}", file.format.id);
        assert_eq!(file.bytes, bytes.len() as u64);
    }
}

#[test]
fn logs_that_are_cut_off_anywhere_are_read() {
    for (name, text) in samples() {
        for end in (0..text.len()).step_by(1 + text.len() / 60) {
            check(&text.as_bytes()[..end], name);
            check(&text.as_bytes()[end..], name);
        }
    }
}

/// The places of all values in a value, as paths.
fn places(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            places(inner, &format!("{path}/{key}"), found);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, inner)| places(inner, &format!("{path}/{at}"), found));
        }
        _ => {}
    }
    found.push(path.to_owned());
}

#[test]
fn every_value_may_be_anything() {
    let others = [
        json!(null),
        json!(-5),
        json!(1e300),
        json!(18_446_744_073_709_551_615_u64),
        json!(2.5),
        json!("\u{202e}<b>x\n"),
        json!("9999999999999999"),
        json!([]),
        json!({}),
        json!([{"a": [null]}]),
        json!(true),
    ];
    for (name, text) in samples() {
        let documents: Vec<Value> = match serde_json::from_str(&text) {
            Ok(whole) => vec![whole],
            Err(_) => text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
        };
        for document in documents {
            let mut all = Vec::new();
            places(&document, "", &mut all);
            for (at, path) in all.iter().enumerate() {
                // Each place gets some of the values, and all values get some of the places.
                for other in others.iter().skip(at % 3).step_by(3) {
                    let mut changed = document.clone();
                    *changed.pointer_mut(path).expect("the place") = other.clone();
                    check(changed.to_string().as_bytes(), name);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_doubled_and_removed_bytes_are_read(
        which in 0_usize..14,
        changes in proptest::collection::vec((0_usize..4, any::<prop::sample::Index>(), any::<u8>(), 1_usize..40), 1..6),
    ) {
        let (name, text) = samples().swap_remove(which);
        let mut bytes = text.into_bytes();
        for (kind, at, byte, length) in changes {
            if bytes.is_empty() {
                break;
            }
            let start = at.index(bytes.len());
            let end = (start + length).min(bytes.len());
            match kind {
                0 => bytes[start] ^= byte | 1,
                1 => drop(bytes.drain(start..end)),
                2 => {
                    let copy = bytes[start..end].to_vec();
                    bytes.splice(start..start, copy);
                }
                _ => bytes.insert(start, byte),
            }
        }
        check(&bytes, name);
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes, "noise");
    }
}
