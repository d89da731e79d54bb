//! Traffic of a coding agent behind a gateway: sessions whose prompts grow, several models and providers, misses after
//! pauses, and failures. The same seed gives the same calls.

use chrono::{DateTime, TimeDelta, Utc};
use hitrate::config::Config;
use hitrate::pipeline::{DataDir, traffic_options};
use hitrate::request_log::{
    Call, FileContext, Found, IdKind, InputRule, LogFile, OutputRule, PaidKind, RawCounts, Rule, SessionKind,
    Status, format,
};
use hitrate::store::{ImportOptions, Resolved, StoreOptions, TrafficStore};
use serde_json::json;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

/// Calls of a session.
const TURNS: u64 = 25;
/// Sessions at the same time.
const TOGETHER: u64 = 8;
/// Calls that are imported at once.
const CHUNK: u64 = 500_000;
const MODELS: [&str; 6] = [
    "moonshotai/kimi-k2.6",
    "deepseek/deepseek-v4-flash",
    "z-ai/glm-5.2",
    "anthropic/claude-sonnet-5",
    "openai/gpt-5.6-luna",
    "qwen/qwen4-coder",
];
const PROVIDERS: [&str; 5] = ["novita", "deepinfra", "fireworks", "parasail", "baseten"];

/// A call of the generated traffic.
struct One {
    number: u64,
    session: u64,
    at: DateTime<Utc>,
    model: &'static str,
    provider: &'static str,
    prompt: u64,
    cached: u64,
    output: u64,
    is_ok: bool,
    milliseconds: u64,
}

/// SplitMix64: a number that follows from a seed.
fn random(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The call of a number. `TOGETHER` sessions take turns; calls are in chronological order, three seconds apart.
fn one(number: u64, seed: u64) -> One {
    let round = number / (TURNS * TOGETHER);
    let (turn, lane) = (number / TOGETHER % TURNS, number % TOGETHER);
    let session = round * TOGETHER + lane;
    let of_session = random(seed ^ random(session));
    let chance = random(of_session ^ number);
    let fresh = 2_000 + chance % 3_000;
    let prompt = 12_000 + turn * 3_500 + fresh;
    // The first call of a session finds nothing; one in fifteen later ones misses.
    let is_hit = turn > 0 && !chance.is_multiple_of(15);
    let start = DateTime::from_timestamp(1_760_000_000, 0).unwrap_or_default();
    One {
        number,
        session,
        at: start + TimeDelta::milliseconds(i64::try_from(number * 3_000 + chance % 900).unwrap_or(0)),
        model: MODELS[(of_session % 6) as usize],
        provider: PROVIDERS[(of_session / 7 % 5) as usize],
        prompt,
        cached: if is_hit { prompt - fresh } else { 0 },
        output: 100 + chance / 3 % 900,
        is_ok: !chance.is_multiple_of(40),
        milliseconds: 800 + chance / 5 % 20_000,
    }
}

/// Writes a spend log of LiteLLM. As in a real one, every row has a session id of its own.
pub fn log(path: &Path, rows: u64, seed: u64) -> Result<(), Box<dyn Error>> {
    let unfinished = path.with_extension("part");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    for number in 0..rows {
        let one = one(number, seed);
        let time = |after: u64| {
            let after = TimeDelta::milliseconds(i64::try_from(after).unwrap_or(0));
            (one.at + after).format("%Y-%m-%d %H:%M:%S%.6f").to_string()
        };
        let count = |count: u64| if one.is_ok { count } else { 0 };
        let (prompt, output) = (count(one.prompt), count(one.output));
        let usage = json!({
            "prompt_tokens": prompt, "completion_tokens": output, "total_tokens": prompt + output,
            "prompt_tokens_details": {"cached_tokens": count(one.cached), "audio_tokens": null},
            "completion_tokens_details": {"reasoning_tokens": output / 4}
        });
        let key = format!("{:016x}{:016x}", random(seed), random(seed + 1));
        let row = json!({
            "request_id": format!("chatcmpl-{:016x}{number:08x}", random(number)),
            "call_type": "acompletion", "api_key": key, "spend": prompt as f64 * 3e-7,
            "total_tokens": prompt + output, "prompt_tokens": prompt, "completion_tokens": output,
            "startTime": time(0), "endTime": time(one.milliseconds), "completionStartTime": time(one.milliseconds / 3),
            "model": one.model, "model_id": key, "model_group": one.model, "custom_llm_provider": "openrouter",
            "api_base": "https://gateway.example/api/v1", "user": "default_user_id",
            "metadata": {"user_api_key_alias": "agent", "additional_usage_values": {
                "prompt_tokens_details": {"cached_tokens": count(one.cached)}}, "usage_object": usage,
                "status": if one.is_ok { "success" } else { "failure" }, "proxy_server_request": null},
            "cache_hit": "False", "cache_key": "Cache OFF", "request_tags": ["User-Agent: agent/1.0"],
            "team_id": "", "end_user": "", "requester_ip_address": "", "messages": {}, "response": {},
            "session_id": format!("{:016x}-{number}", random(number ^ seed)),
            "status": if one.is_ok { "success" } else { "failure" }
        });
        writeln!(out, "{row}")?;
    }
    out.flush()?;
    drop(out);
    Ok(std::fs::rename(unfinished, path)?)
}

/// Writes a database of own traffic with the program's own import.
pub fn database(folder: &Path, calls: u64, seed: u64) -> Result<(), Box<dyn Error>> {
    let unfinished = folder.with_extension("part");
    if unfinished.exists() {
        std::fs::remove_dir_all(&unfinished)?;
    }
    let config = Config::parse("", Path::new("hitrate.toml"))?;
    let data = DataDir::new(&unfinished);
    let options = StoreOptions { memory: "1GB".to_owned(), ..traffic_options(&config, &data) };
    let store = TrafficStore::open(options)?;
    let now = one(calls, seed).at;
    for first in (0..calls).step_by(CHUNK as usize) {
        let numbers = first..calls.min(first + CHUNK);
        let file = LogFile {
            context: FileContext { path: format!("generated-{first}").into(), ..FileContext::default() },
            format: format("litellm-spend-logs").ok_or("the format is gone")?,
            found: Found {
                calls: numbers.map(|number| call(&one(number, seed))).collect(),
                ..Found::default()
            },
            decisions: Vec::new(),
            sha256: format!("{seed}-{first}"),
            bytes: 0,
        };
        let options = ImportOptions { source: None, merge: false, now };
        store.import_with(&file, &options, &known)?;
        eprintln!("{} of {calls} calls", calls.min(first + CHUNK));
    }
    drop(store);
    Ok(std::fs::rename(unfinished, folder)?)
}

/// The catalogue knows all generated models.
fn known(call: &Call) -> Resolved {
    Resolved {
        model_key: call.model_served.clone(),
        provider_key: call.provider_name.clone(),
        provider_tag: call.provider_name.clone(),
        endpoint_id: None,
        ambiguous: false,
    }
}

fn call(one: &One) -> Call {
    let counts = RawCounts {
        input: Some(one.prompt),
        read: Some(one.cached),
        output: Some(one.output),
        ..RawCounts::default()
    };
    let milliseconds = one.milliseconds as f64;
    Call {
        line: one.number + 1,
        id: Some(format!("chatcmpl-{:016x}{:08x}", random(one.number), one.number).into()),
        id_kind: IdKind::Response,
        started_at: Some(one.at),
        ended_at: Some(one.at + TimeDelta::milliseconds(i64::try_from(one.milliseconds).unwrap_or(0))),
        zone_known: true,
        session: Some(Arc::from(format!("session-{:012x}", random(one.session) >> 16))),
        session_kind: SessionKind::Given,
        platform: Some("litellm:openrouter".into()),
        model_served: Some(one.model.into()),
        provider_name: Some(one.provider.into()),
        raw: if one.is_ok { counts } else { RawCounts::default() },
        rule: Rule { input: InputRule::IncludesReadAndWritten, output: OutputRule::IncludesReasoning },
        paid: one.is_ok.then_some(one.prompt as f64 * 3e-7),
        paid_kind: PaidKind::ComputedByTool,
        latency_ms: Some(milliseconds),
        ttft_ms: Some(milliseconds / 3.0),
        status: if one.is_ok { Status::Ok } else { Status::RateLimited },
        http: (!one.is_ok).then_some(429),
        finish: one.is_ok.then(|| "stop".into()),
        streamed: Some(true),
        ..Call::default()
    }
}
