//! The recorded agent sessions, if they exist next to the project: fitted by the same code as a user's request log, and
//! compared with sessions that the fit has not seen.

use flate2::read::GzDecoder;
use hitrate::domain::workload::Workload;
use hitrate::request_log::{FileContext, ReadOptions, Request, ReuseFrom, fit, read_bytes, requests};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// Prices of one kind of host, USD per million tokens: input, cache read, output.
const PRICES: [f64; 3] = [1.0, 0.1, 4.0];

struct Recorded {
    trace: String,
    prompt: f64,
    output: f64,
    shared: f64,
    line: String,
}

/// Each recorded request as a log line, as if a cache had found everything reusable.
fn recorded() -> Option<Vec<Recorded>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces/claude_code_requests.jsonl.gz");
    let Ok(file) = File::open(&path) else {
        eprintln!("skipped: the recorded agent sessions ({} does not exist)", path.display());
        return None;
    };
    let lines = BufReader::new(GzDecoder::new(file)).lines();
    let request = |line: String| {
        let row: Value = serde_json::from_str(&line).expect("JSON");
        let number = |key: &str| row[key].as_f64().expect("a number");
        let (prompt, output) = (number("in"), number("out"));
        let shared = number("prefix_reuse_prev").min(prompt);
        let usage = json!({"prompt_tokens": prompt, "completion_tokens": output,
            "prompt_tokens_details": {"cached_tokens": shared}});
        let trace = row["trace"].as_str().expect("a trace").to_owned();
        let line = json!({"session_id": trace, "timestamp": row["t"], "usage": usage}).to_string();
        Recorded { trace, prompt, output, shared, line }
    };
    Some(lines.map(|line| request(line.expect("a line"))).collect())
}

fn log<'a>(recorded: impl Iterator<Item = &'a Recorded>) -> Vec<Request> {
    let lines: Vec<&str> = recorded.map(|r| r.line.as_str()).collect();
    let text = lines.join("\n");
    let file =
        read_bytes(text.as_bytes(), FileContext::default(), &ReadOptions::default()).expect("readable");
    requests(&[file]).0
}

fn is_held_out(request: &Recorded) -> bool {
    let number: u32 = request.trace.rsplit('_').next().and_then(|n| n.parse().ok()).expect("a number");
    number % 2 == 1
}

/// Cost of a million prompt tokens with the output that goes with them, USD.
fn blended(prompt: f64, reused: f64, output: f64) -> f64 {
    let [input, read, out] = PRICES;
    ((prompt - reused) * input + reused * read + output * out) / prompt
}

fn of_workload(workload: &Workload) -> [f64; 2] {
    let (prompt, output) = (workload.prompt_tokens(), workload.output_tokens());
    [prompt / f64::from(workload.turns), blended(prompt, prompt * workload.reusable_share(), output)]
}

#[test]
fn the_shipped_coding_agent_is_the_fit_to_the_recorded_sessions_and_holds_for_unseen_ones() {
    let Some(recorded) = recorded() else { return };
    let all = fit(&log(recorded.iter()), "all").expect("a fit");
    eprintln!("all: {all:#?}");
    assert_eq!((all.requests, all.reuse_from), (recorded.len(), ReuseFrom::Found));
    let train = fit(&log(recorded.iter().filter(|r| !is_held_out(r))), "half").expect("a fit");
    eprintln!("half: {train:#?}");
    let held: Vec<&Recorded> = recorded.iter().filter(|r| is_held_out(r)).collect();
    let unseen = fit(&log(held.iter().copied()), "other").expect("a fit");
    let sum = |part: fn(&Recorded) -> f64| held.iter().map(|r| part(r)).sum::<f64>();
    let (prompt, output) = (sum(|r| r.prompt), sum(|r| r.output));
    let real = [prompt / held.len() as f64, blended(prompt, sum(|r| r.shared), output)];
    let off = |workload: &Workload| {
        let fitted = of_workload(workload);
        [fitted[0] / real[0] - 1.0, fitted[1] / real[1] - 1.0]
    };
    eprintln!("held out, per turn and per prompt token: {real:?}, fit off by {:?}", off(&train.workload));
    let session = train.workload.prompt_tokens() / unseen.log.prompt_tokens - 1.0;
    eprintln!("prompt tokens of a held-out session: off by {session}");
    assert!(off(&train.workload).iter().all(|miss| miss.abs() < 0.1), "{:?}", off(&train.workload));
    assert!(session.abs() < 0.2, "{session}");
    let shipped = Workload::shipped().expect("shipped").remove(0);
    eprintln!("shipped, off by {:?}", off(&shipped));
    let near = |a: f64, b: f64| (a / b - 1.0).abs() < 0.01;
    let (ours, theirs) = (&shipped, &all.workload);
    assert_eq!((ours.turns, ours.output_cached), (theirs.turns, theirs.output_cached));
    for (what, a, b) in [
        ("first prompt", ours.first_prompt, theirs.first_prompt),
        ("new input", ours.new_input, theirs.new_input),
        ("output", ours.output, theirs.output),
    ] {
        assert!(near(a, b), "{what}: shipped {a}, fitted {b}");
    }
}
