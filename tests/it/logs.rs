//! Logs of every format. The samples and the cases that other tools got wrong are read from the shared data, if they exist
//! next to the project; the rest uses made-up rows.

mod damage;
mod documented;

use hitrate::request_log::{
    FitError, Inspection, ReadOptions, Request, fit, inspect, inspect_all, log_paths, read_file, requests,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The right values of the samples. `-` is null, `a or b` accepts both. The columns are: file, calls, failures,
/// aggregates, replays, uncached, read, written, output, reasoning, prompt, hit rate, paid USD, kind of money, sessions.
/// Of several rows of one file, one must hold as a whole.
const SAMPLES: &str = "\
anthropic-admin/usage_report_messages.json | 0 | - | 1 | 0 or - | 1500 | 200 | 1500 | 500 | - | 3200 | 0.0625 | - | any | -
claude-code/projects/-home-user-project/258c7280-ae70-4798-800f-63464d01a85d.jsonl | 152 | 0 | 0 | 0 or - | 180 | 14771617 | 349474 | 38899 | - | 15121271 | 0.9769 | - | any | 1
claude-code/projects/-home-user-project/258c7280-ae70-4798-800f-63464d01a85d/subagents/agent-a881341.jsonl | 3 | 0 | 0 | 0 or - | 15 | 34159 | 42176 | 3 or - | - | 76350 | 0.4474 | - | any | 1
claude-code/projects/-home-user-project/258c7280-ae70-4798-800f-63464d01a85d/subagents/agent-acompact-fffbd0.jsonl | 1 | 0 | 0 | 0 or - | 3 | 166758 | 2487 | 6 or - | - | 169248 | 0.9853 | - | any | 1
cline/1784094124598_rruoq.json | 0 | - | - | - | - | - | - | - | - | - | - | - | any | -
codex/rollout-2026-02-23T12-41-04-019c8a4d-8f45-7010-8b5d-7fad920aa6f9.jsonl | 28 | 0 or - | 0 | 0 or - | 99460 or - | 1651968 | - | 14600 | 4293 | 1751428 | 0.9432 | - | any | 1
gemini-cli/session-2026-05-07T18-28-9534b902.jsonl | 8 | 0 or - | 0 | 0 or - | 23054 or - | 52281 | - | 837 | 439 | 75335 | 0.6940 | - | any | 1
helicone/export.jsonl | 1 | 1 | 0 | 1 | 210 | 11200 | 600 | 200 | 0 | 12010 | 0.9326 | 0.00924 | computed by tool | 1
hermes/sessions.json | 0 | - | 1 or 42 | 0 or - | 18234 | 402118 | 0 | 6120 | 2011 | 420352 | 0.9566 | 0.061 or - | any | 1 or -
langfuse/observations.json | 4 | 0 or - | 0 | 0 or - | 412 or - | 0 or - | - | 2207 | 1168 | 412 | 0.0000 or - | 0.00586755 | computed by tool | - or 3
langfuse/observations.jsonl | 14 | 0 or - | 0 | 0 or - | 1829 or - | 0 or - | - | 2744 | 1168 | 1829 | 0.0000 or - | 0.0108447 | computed by tool | - or 6
litellm/spend_logs.jsonl | 5 | 1 | 0 | 0 | 8153 or - or 31 | 0 or - | 1253 | 1415 | 0 or - | 9406 | 0.0000 or - | 0.0117975 | computed by tool | -
litellm/spend_logs_v1_array.json | 4 | 1 | 0 | 0 | 8122 or - | - | - | 948 | 0 | 8122 | - | 0 or - | any | -
litellm/standard_logging_payload.jsonl | 1 | 0 | 0 | 0 or - | 10 or - | - | - | 20 | - | 10 | - | 0.000225 | computed by tool | -
llm-sqlite/llm-logs.json | 1 | 0 or - | 0 | 0 or - | 8 or - | - or 0 | - or 0 | 12 | - or 0 | 8 | - or 0.0000 | - | any | 1
ollama-cloud/api-balance.json | 0 | - | - | - | - | - | - | - | - | - | - | - | any | -
ollama-cloud/api-usage.json | 0 | - | 1 or 15 | 0 or - | 60000 or - | 46000 | - | 13600 | - | 106000 | 0.4340 | 0.01718 or - | any | -
openai-admin/usage_completions.json | 0 | - | 1 or 5 | 0 or - | 200 or - | 800 | - | 500 | - | 1000 | 0.8000 | - | any | -
opencode/export_ses_1fc4b59e2ffe.json | 4 | 0 or - | 0 | 0 or - | 11669 | 34816 | 0 | 571 | 157 | 46485 | 0.7490 | - or 0 | any | 1
opencode/messages.jsonl | 4 | 0 or - | 0 | 0 or - | 11669 | 34816 | 0 | 571 | 157 | 46485 | 0.7490 | - or 0 | any | 1
openrouter-activity-api/api-v1-activity.json | 0 | - | 1 or 274 | 0 or - | 14993669 or - | - | - | 111935 | 0 | 14993669 | - | 0 | billed | -
openrouter-activity-api/api-v1-analytics-query.json | 0 | - | 1 or 6 | 0 or - | - | - | - | - | - | - | 0.1756 or - | 0.005 | billed | -
openrouter-activity-csv/openrouter_activity_2026-08-24.csv | 37 | - | 0 | 0 or - | 1213954 or - | 3345332 | - | 10204 | 2866 | 4559286 | 0.7337 | 0.343814 | billed | -
openrouter-broadcast/deliveries.ndjson | 3 | 1 | 0 | 0 or - | 5626 or - or 2489 | 0 or - | 0 or - | 1139 | 246 | 5626 | 0.0000 or - | 0.01018558 | billed | - or 1
openrouter-generation/api-v1-generation.json | 1 | 0 or - | 0 | 0 or - | 7 or - | 3 | - | 25 | 5 | 10 | 0.3000 | 0.0015 | billed | -
openrouter-generation/api-v1-generation.jsonl | 1 | 0 or - | 0 | 0 or - | 7 or - | 3 | - | 25 | 5 | 10 | 0.3000 | 0.0015 | billed | -
openrouter-usage/chat-usage.jsonl | 1 | 0 or - | 0 | 0 or - | 6 or - | 9090 | - | 77 | 0 | 9096 | 0.9993 | 0.006825 | billed plus BYOK | -
otel-genai/anthropic-traces.json | 3 | 0 or - | 0 | 0 or - | 33 or - or 11 | 44 | 5 | 35 | - | 82 | 0.5366 | - | any | -
roo/ui_messages.json | 2 | 0 | 0 | 0 or - | 540 | 2080 | 0 | 144 | - | 2620 | 0.7939 | 0.0073 | computed by tool | 1 or -
vercel-ai-sdk/cline-recorded-usage.json | 12 | 0 or - | 0 | 0 or - | 21768 | 38181 | 13070 | 994 | 0 or - | 73019 | 0.5229 | 0.011116693 | any | -
vercel-ai-sdk/cline-recorded-usage.json | 6 | 0 or - | 0 or 6 | 0 or - | 13102 | 15757 | 6535 | 467 | 0 or - | 35394 | 0.4452 | 0.011116693 | any | -
vercel-ai-sdk/cline-recorded-usage.json | 7 | 0 or - | 0 | 0 or - | 13216 | 22424 | 6535 | 537 | 0 or - | 42175 | 0.5317 | 0.011116693 | any | -
";

/// Rows whose file holds no usage: an error is accepted too.
const WITHOUT_USAGE: [&str; 2] = ["cline/1784094124598_rruoq.json", "ollama-cloud/api-balance.json"];

/// A folder of the shared data, or nothing with a message.
fn shared(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(folder);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} does not exist", path.display());
    None
}

fn read(path: &Path) -> Result<Inspection, String> {
    read_file(path, &ReadOptions::default()).map(|file| inspect(&file)).map_err(|error| error.to_string())
}

/// What is wrong with a value, if none of the accepted ones is it.
fn wrong(what: &str, found: Option<f64>, accepted: &str) -> Option<String> {
    let is_it = |accepted: &str| match (found, accepted.trim()) {
        (None, "-") => true,
        (Some(found), number) => number.parse::<f64>().is_ok_and(|number| {
            // Rates are written with four decimals, money with nine.
            let tolerance = match what {
                "hit rate" => 5.1e-5,
                "paid" => 1e-9,
                _ => 0.0,
            };
            (found - number).abs() <= tolerance
        }),
        (None, _) => false,
    };
    (!accepted.split(" or ").any(is_it)).then(|| format!("{what} is {found:?}, expected {accepted}"))
}

/// The differences between what was found and one row of the table.
fn differences(found: &Inspection, row: &[&str]) -> Vec<String> {
    let count = |value: Option<u64>| value.map(|value| value as f64);
    let tokens = &found.tokens;
    let values = [
        ("calls", count(Some(found.calls))),
        ("failures", count(found.failures)),
        ("aggregates", count(found.aggregates)),
        ("replays", count(found.replays)),
        ("uncached", count(tokens.uncached)),
        ("read", count(tokens.read)),
        ("written", count(tokens.write)),
        ("output", count(tokens.output)),
        ("reasoning", count(tokens.reasoning)),
        ("prompt", count(found.prompt_tokens)),
        ("hit rate", found.hit_rate),
        ("paid", found.paid_usd),
    ];
    let mut wrongs: Vec<String> = values
        .iter()
        .zip(&row[1..])
        .filter_map(|((what, value), accepted)| wrong(what, *value, accepted))
        .collect();
    let kind = match row[13] {
        "billed" => Some("billed"),
        "billed plus BYOK" => Some("billed_plus_byok"),
        "computed by tool" => Some("computed_by_tool"),
        _ => None,
    };
    // Null money has no kind.
    if kind.is_some() && found.paid_usd.is_some() && found.paid_kind.as_deref() != kind {
        wrongs.push(format!("kind is {:?}, expected {}", found.paid_kind, row[13]));
    }
    wrongs.extend(wrong("sessions", count(found.sessions), row[14]));
    wrongs
}

#[test]
fn every_sample_has_its_right_values() {
    let Some(logs) = shared("logs") else { return };
    let mut rows: BTreeMap<&str, Vec<Vec<&str>>> = BTreeMap::new();
    for line in SAMPLES.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        assert_eq!(cells.len(), 15, "{line}");
        rows.entry(cells[0]).or_default().push(cells);
    }
    let mut failed = Vec::new();
    for (file, alternatives) in &rows {
        match read(&logs.join(file)) {
            Ok(found) => {
                let wrongs: Vec<Vec<String>> =
                    alternatives.iter().map(|row| differences(&found, row)).collect();
                if WITHOUT_USAGE.contains(file) && (found.calls, found.prompt_tokens) == (0, None) {
                    continue;
                }
                if !wrongs.iter().any(Vec::is_empty) {
                    failed.push(format!("{file} ({}): {}", found.format, wrongs[0].join("; ")));
                }
            }
            Err(error) if WITHOUT_USAGE.contains(file) => {
                assert!(error.contains("no usage in a known format"), "{error}");
            }
            Err(error) => failed.push(format!("{file}: {error}")),
        }
    }
    assert!(failed.is_empty(), "{} of {} are wrong:\n{}", failed.len(), rows.len(), failed.join("\n"));
}

#[test]
fn the_samples_as_one_folder_are_the_sums_of_their_files() {
    let Some(logs) = shared("logs") else { return };
    let paths = log_paths(&logs).expect("a folder");
    let files: Vec<_> =
        paths.iter().filter_map(|path| read_file(path, &ReadOptions::default()).ok()).collect();
    assert!(files.len() > 25, "{}", files.len());
    let all = inspect_all(Some("logs".to_owned()), &files);
    let calls: u64 = all.files.iter().map(|file| file.calls).sum();
    // Some samples hold the same calls in two forms.
    assert!(all.calls <= calls && all.calls > 200, "{} of {calls}", all.calls);
    assert!(all.files.iter().all(|file| file.path.is_some()));
}

#[test]
fn copies_that_are_compressed_have_the_same_values() {
    let Some(logs) = shared("logs") else { return };
    let folder = crate::rig::folder();
    for name in ["litellm/spend_logs.jsonl", "openrouter-activity-csv/openrouter_activity_2026-08-24.csv"] {
        let plain = std::fs::read(logs.join(name)).expect("read");
        let path = folder.path().join("copy");
        std::fs::write(&path, zstd::encode_all(&plain[..], 1).expect("compressed")).expect("written");
        let (one, other) = (read(&path).expect("read"), read(&logs.join(name)).expect("read"));
        assert_eq!(
            (one.calls, one.tokens, one.paid_usd),
            (other.calls, other.tokens, other.paid_usd),
            "{name}"
        );
    }
}

/// One of the inputs that other tools read wrongly.
fn case(folder: &Path, name: &str) -> (Inspection, Vec<Request>) {
    let file = read_file(&folder.join(name), &ReadOptions::default())
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let found = inspect(&file);
    (found, requests(&[file]).0)
}

fn near(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.expect("a value");
    assert!((found - expected).abs() <= tolerance, "{found}, expected {expected}");
}

#[test]
fn inputs_that_were_read_wrongly_are_right() {
    let Some(cases) = shared("bug-cases") else { return };
    let (streamed, turns) = case(&cases, "01-streamed-rows.jsonl");
    assert_eq!((streamed.calls, streamed.tokens.output), (6, Some(900)));
    assert!(turns.iter().all(|turn| turn.output == 150.0), "{turns:?}");
    let (byok, _) = case(&cases, "02-byok.jsonl");
    near(byok.paid_usd, 0.18, 1e-9);
    assert_eq!((byok.calls, byok.paid_kind.as_deref()), (5, Some("billed_plus_byok")));
    let (_, turns) = case(&cases, "04-litellm-anthropic-messages.jsonl");
    assert_eq!(turns[0].prompt, 2607.0);
    assert!(turns.iter().all(|turn| turn.prompt - turn.cached.unwrap_or(0.0) == 112.0), "{turns:?}");
    for (name, prompt, rate) in [
        ("05-server-tools.jsonl", 2_202_933, 0.581),
        ("06-cached-exceeds-prompt.jsonl", 1_239_328, 0.959),
        ("08-openrouter-writes-inside.jsonl", 193_984, 0.846),
        ("09-responses-writes.jsonl", 28_700, 0.763),
        ("11-litellm-cache-hit-false.jsonl", 438_900, 0.850),
    ] {
        let (found, _) = case(&cases, name);
        assert_eq!(found.prompt_tokens, Some(prompt), "{name}");
        near(found.hit_rate, rate, 5.1e-4);
        assert_eq!(found.replays, Some(0), "{name}");
    }
    for name in ["07-chunks-usage-last.jsonl", "07b-raw-sse.txt"] {
        let (found, _) = case(&cases, name);
        assert_eq!(
            (found.calls, found.prompt_tokens, found.tokens.output),
            (4, Some(1052), Some(532)),
            "{name}"
        );
    }
}

#[test]
fn sums_over_calls_are_never_taken_for_requests() {
    let Some(cases) = shared("bug-cases") else { return };
    let (found, turns) = case(&cases, "12-codex-exec-json.jsonl");
    assert_eq!((found.calls, found.prompt_tokens), (0, Some(182_700)));
    near(found.hit_rate, 0.807, 5.1e-4);
    assert!(found.aggregates > Some(0) && turns.is_empty());
    assert_eq!(fit(&turns, "sums"), Err(FitError::Nothing));
}

#[test]
fn a_session_id_on_every_row_names_requests() {
    let Some(cases) = shared("bug-cases") else { return };
    for (name, with_own_id) in
        [("15-litellm-own-session-each.jsonl", 10), ("15b-same-without-session.jsonl", 0)]
    {
        let (found, turns) = case(&cases, name);
        let fitted = fit(&turns, "grown").expect("a fit");
        assert_eq!((fitted.sessions, fitted.workload.turns, found.sessions), (1, 10, None), "{name}");
        assert_eq!(fitted.grouping.with_own_id, with_own_id, "{name}");
        near(Some(fitted.log.reusable_share()), 0.879, 5.1e-4);
    }
}
