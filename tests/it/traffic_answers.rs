//! The answers on own traffic: the planted truth of a simulated user, small cases worked out by hand, the coverage of the
//! intervals, and what is missing.

use crate::binary::hitrate;
use crate::rig::{at, config, folder};
use hitrate::pipeline::{DataDir, traffic_options};
use hitrate::request_log::{FileContext, ReadOptions, read_bytes};
use hitrate::simulator::{OwnLog, Simulator, SimulatorConfig};
use hitrate::store::{Resolved, TrafficStore};
use hitrate::traffic::estimate::Sums;
use hitrate::traffic::misses::{Cause, HostLifetime, Misses, misses};
use hitrate::traffic::models::models;
use hitrate::traffic::report::{By, Question, Report, report};
use hitrate::traffic::sessions::sessions;
use hitrate::traffic::status::{StatusFormat, status};
use std::path::Path;

fn store(folder: &Path) -> TrafficStore {
    TrafficStore::open(traffic_options(&config(""), &DataDir::new(folder))).expect("the store opens")
}

/// A store with the rows of a log, one JSON object per line.
fn imported(folder: &Path, log: &str) -> TrafficStore {
    let context = FileContext { path: "log.jsonl".into(), ..FileContext::default() };
    let file = read_bytes(log.as_bytes(), context, &ReadOptions::default()).expect("readable");
    let store = store(folder);
    let now = at("2026-11-30T12:00:00Z");
    store.import(&file, Some("mine"), now, &|_| Resolved::default()).expect("imported");
    store
}

fn simulated() -> OwnLog {
    let start = at("2026-11-01T00:00:00Z");
    let simulator = Simulator::new(SimulatorConfig::starting_at(start, 30)).expect("a world");
    simulator.own_log(at("2026-11-30T12:00:00Z")).expect("a log")
}

fn everything(store: &TrafficStore) -> Report {
    report(store, None, &Question::default(), By::Endpoint).expect("a report")
}

fn all_misses(store: &TrafficStore) -> Misses {
    misses(store, None, &Question::default(), &|_, _, _| None).expect("the misses")
}

#[test]
fn the_planted_truth_is_found_exactly() {
    let OwnLog { text, truth } = simulated();
    let folder = folder();
    let store = imported(folder.path(), &text);
    let found = everything(&store);
    assert_eq!((found.total.calls, found.total.sessions), (truth.calls, truth.sessions));
    assert_eq!(found.total.tokens.prompt, Some(truth.prompt_tokens));
    assert_eq!(found.total.tokens.read, Some(truth.read_tokens));
    let rate = truth.read_tokens as f64 / truth.prompt_tokens as f64;
    assert!((found.total.hit_rate.rate.expect("a rate") - rate).abs() < 1e-12);
    let interval = found.total.hit_rate.interval.expect("an interval");
    assert!(interval.low < rate && rate < interval.high);
    assert_eq!(found.total.failures.all, Some(truth.failures.values().sum::<u64>()));
    for (class, calls) in &truth.failures {
        let seen = found.total.failures.classes.iter().find(|one| one.class == *class);
        assert_eq!(seen.map(|one| one.calls), Some(*calls), "{class}");
    }
    let [regression] = found.regressions.as_slice() else { panic!("{:?}", found.regressions) };
    assert_eq!((regression.model.clone(), regression.provider.clone()), truth.regression);
    assert!(regression.recent < 0.2 && regression.baseline > 0.7, "{regression:?}");

    let missed = all_misses(&store);
    for line in &missed.causes {
        let cause = line.cause.expect("a cause");
        assert_eq!(line.calls, truth.misses.get(cause.name()).copied().unwrap_or(0), "{cause}");
    }
    assert_eq!(missed.misses, truth.misses.values().sum::<u64>());
    assert_eq!(missed.partial.unread_tokens, 0);
    assert_eq!(missed.judged + missed.not_judged, truth.calls);
    let idle = missed.gaps.iter().find(|gap| gap.from_minutes == 10).expect("a class");
    assert_eq!((idle.calls, idle.hits), (truth.misses["idle"], 0));
}

#[test]
fn a_known_lifetime_replaces_the_default() {
    let OwnLog { text, truth } = simulated();
    let folder = folder();
    let store = imported(folder.path(), &text);
    // The default resolution knows no provider of the catalogue, so no lifetime is requested.
    let hour = |_: &str, _: &str, _| Some(HostLifetime { seconds: Some(3600.0), minimum: Some(64) });
    let found = misses(&store, None, &Question::default(), &hour).expect("the misses");
    let idle = found.causes.iter().find(|line| line.cause == Some(Cause::Idle)).expect("a line");
    assert_eq!(idle.calls, truth.misses["idle"]);
    assert!(found.groups.iter().all(|group| !group.lifetime_is_known && group.lifetime_minutes == 10.0));
}

/// A row of the router's table of traces.
fn row(number: u32, session: &str, minute: u32, prompt: u64, read: u64, more: &str) -> String {
    format!(
        r#"{{"generation_id":"gen-{number}","trace_id":"{number:032x}","span_type":"GENERATION","start_time":"2026-11-10T12:{minute:02}:00Z","session_id":"{session}","model":"wren/lark","provider_name":"Finch","provider_slug":"finch","prompt_tokens":{prompt},"cached_tokens":{read},"completion_tokens":100,"total_cost":0.5,"finish_reason":"stop","status":"OK","duration_ms":{}{more}}}"#,
        1000 * number
    )
}

/// Two sessions: prompts 1000 and 2000 with 0 and 1000 read, and prompts 3000 and 4000 with nothing read.
fn small() -> String {
    [
        row(1, "a", 0, 1000, 0, ""),
        row(2, "a", 1, 2000, 1000, ""),
        row(3, "b", 2, 3000, 0, ""),
        row(4, "b", 3, 4000, 0, r#","first_token_ms":500,"router_latency_ms":20"#),
    ]
    .join("\n")
}

#[test]
fn a_small_report_is_the_one_worked_out_by_hand() {
    let folder = folder();
    let store = imported(folder.path(), &small());
    let found = everything(&store);
    let [group] = found.groups.as_slice() else { panic!("{:?}", found.groups) };
    let rate = &group.hit_rate;
    assert_eq!((group.calls, group.sessions, rate.calls), (4, 2, 4));
    assert_eq!((rate.rate, rate.without_first), (Some(0.1), Some(1000.0 / 6000.0)));
    assert_eq!((rate.any_hit_share, rate.retention), (Some(0.25), Some(0.25)));
    assert_eq!(rate.no_interval.as_deref(), Some("2 sessions, at least 5 are needed"));
    assert_eq!(group.cost[0].usd_per_success, Some(0.5));
    assert_eq!(group.cost[0].usd_per_1000_tokens, Some(5.0));
    let times = &group.times[0];
    assert_eq!((times.from_tokens, times.latency.calls), (0, 4));
    assert_eq!(
        (times.latency.p50_ms, times.latency.p95_ms),
        (Some(2000.0), None),
        "nearest rank; too few for p95"
    );
    assert_eq!((times.ttft.calls, times.ttft.p50_ms), (1, Some(500.0)));
    assert_eq!(found.overheads.len(), 1);
    assert_eq!((found.overheads[0].mean_ms, found.overheads[0].interval), (20.0, None));
    assert_eq!(found.spend.by_month[0].value.as_deref(), Some("2026-11"));
    assert_eq!(found.spend.total[0].usd, 2.0);

    let missed = all_misses(&store);
    let calls = |cause| missed.causes.iter().find(|line| line.cause == Some(cause)).map(|line| line.calls);
    assert_eq!((calls(Cause::FirstCall), calls(Cause::Unknown), missed.misses), (Some(2), Some(1), 3));
    assert_eq!((missed.reusable_tokens, missed.unread_tokens, missed.usd), (4000, 3000, None));

    let listed = sessions(&store, &Question::default(), 1).expect("the sessions");
    assert_eq!((listed.sessions, listed.largest.len()), (2, 1));
    assert_eq!((listed.largest[0].session.as_str(), listed.largest[0].prompt_tokens), ("b", Some(7000)));
    let listed = models(&store, &Question::default()).expect("the models");
    assert_eq!((listed.models.len(), listed.models[0].calls), (1, 4));
    assert_eq!(listed.models[0].providers[0].provider.as_deref(), Some("finch"));

    let from = at("2026-11-10T00:00:00Z");
    let line = status(&store, None, "today", from, at("2026-11-10T13:00:00Z")).expect("the status");
    assert_eq!((line.calls, line.hit_rate, line.saved), (4, Some(0.1), None));
    let nothing = Question { to: Some(from), ..Question::default() };
    let empty = report(&store, None, &nothing, By::Month).expect("a report");
    assert_eq!(empty.total.calls, 0);
    assert!(empty.notes[0].contains("hitrate traffic files"), "{:?}", empty.notes);
}

#[test]
fn a_call_without_cached_counts_says_nothing_about_retention() {
    let folder = folder();
    let line = |number: u32, cached: &str| {
        format!(
            r#"{{"request_id":"r{number}","call_type":"acompletion","spend":0.001,"model":"m","custom_llm_provider":"openai","session_id":"s{}","startTime":"2026-11-02T10:{:02}:00Z","endTime":"2026-11-02T10:{:02}:05Z","prompt_tokens":{},"completion_tokens":5,"metadata":{{"usage_object":{{"prompt_tokens_details":{{{cached}}}}}}}}}"#,
            number / 10,
            number % 10,
            number % 10,
            1_000 + 100 * (number % 10),
        )
    };
    let text: Vec<String> =
        (0..20).map(|n| line(n, if n % 5 == 0 { r#""cached_tokens":0"# } else { "" })).collect();
    let report = everything(&imported(folder.path(), &text.join("\n")));
    assert_eq!((report.total.hit_rate.rate, report.total.hit_rate.retention), (Some(0.0), Some(0.0)));
}

/// Intervals clustered by session cover the true rate: worlds of 10, 20 and 40 sessions and of a number between, each
/// session with a rate of its own around 0.6 and a size of its own, from a fixed seed. Calls of a session are alike, so
/// intervals over calls would be far too narrow.
#[test]
fn intervals_cover_the_truth_about_as_often_as_they_say() {
    let mut seed = 20_261_130_u64;
    let mut uniform = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 11) as f64 / (1_u64 << 53) as f64
    };
    for size in [Some(10), Some(20), Some(40), None] {
        let worlds = 1000;
        let mut covered = 0;
        for _ in 0..worlds {
            let clusters = size.unwrap_or_else(|| 10 + (uniform() * 31.0) as u64);
            let mut sums = Sums { clusters, calls: 10 * clusters, ..Sums::default() };
            for _ in 0..clusters {
                let prompt = 50_000.0 + 100_000.0 * uniform();
                let read = prompt * (0.3 + 0.6 * uniform());
                sums.numerator += read;
                sums.denominator += prompt;
                sums.numerator_squared += read * read;
                sums.product += read * prompt;
                sums.denominator_squared += prompt * prompt;
            }
            let interval = sums.interval().expect("an interval");
            covered += u32::from(interval.low <= 0.6 && 0.6 <= interval.high);
        }
        let share = f64::from(covered) / f64::from(worlds);
        assert!((0.85..=0.95).contains(&share), "{size:?} sessions: {share}");
    }
}

/// Calls of one provider on two days: 20 with 80 % read, then some with 10 % read.
fn drop_of(calls: u32) -> String {
    let days = (1..=20).map(|number| row(number, "a", number, 1000, 800, ""));
    let later = (21..21 + calls)
        .map(|number| row(number, "b", number, 1000, 100, "").replace("2026-11-10T12", "2026-11-11T12"));
    days.chain(later).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_status_line_names_a_regression_from_twenty_calls_on() {
    let format = StatusFormat::parse("{calls}{regression}").expect("a format");
    let now = at("2026-11-11T14:00:00Z");
    for (calls, expected) in [(20, "20 · regression: wren/lark at finch"), (19, "19")] {
        let folder = folder();
        let store = imported(folder.path(), &drop_of(calls));
        let found = status(&store, None, "today", at("2026-11-11T00:00:00Z"), now).expect("the status");
        assert_eq!(format.line(&found), expected);
        assert_eq!(found.regressions, everything(&store).regressions);
    }
}

#[test]
fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
    let folder = folder();
    drop(imported(folder.path(), &small()));
    for verb in ["report", "models", "sessions", "misses"] {
        for (option, value, expected) in [
            (
                "--model",
                "wren/lurk",
                "there is no model `wren/lurk` in your traffic (expected one of wren/lark)",
            ),
            (
                "--provider",
                "finches",
                "there is no provider `finches` in your traffic (expected one of finch)",
            ),
            ("--source", "yours", "there is no source `yours` in your traffic (expected one of mine)"),
        ] {
            let run = hitrate(folder.path(), &["traffic", verb, option, value]);
            assert_eq!(run.code, 1, "{verb}: {run:?}");
            assert!(run.err.contains(expected), "{verb}: {run:?}");
        }
        for (option, value) in [("--model", "wren/lark"), ("--provider", "Finch"), ("--source", "mine")] {
            assert_eq!(hitrate(folder.path(), &["traffic", verb, option, value]).code, 0, "{verb} {option}");
        }
    }
}

#[test]
fn known_names_without_a_match_are_no_error() {
    let folder = folder();
    let store = imported(folder.path(), &small());
    let known = |question: &Question| hitrate::traffic::known::unknown(&store, question).expect("read");
    let later = Question {
        model: Some("wren/lark".to_owned()),
        from: Some(at("2027-01-01T00:00:00Z")),
        ..Question::default()
    };
    assert_eq!(known(&later), None);
    let listed = models(&store, &later).expect("the models");
    assert!(listed.notes[0].starts_with("No imported call matches the limits"), "{:?}", listed.notes);
    assert_eq!(sessions(&store, &later, 5).expect("the sessions").notes, listed.notes);
    let nameless = Question { model: Some("\u{1b}[31m".to_owned()), ..Question::default() };
    assert!(known(&nameless).is_some());
}

#[test]
fn the_column_of_a_group_has_the_name_of_the_grouping() {
    let folder = folder();
    drop(imported(folder.path(), &small()));
    for (by, first) in [
        ("model", "wren/lark"),
        ("provider", "finch"),
        ("platform", "openrouter"),
        ("source", "mine"),
        ("month", "2026-11"),
        ("day", "2026-11-10"),
        ("key", "not recorded"),
    ] {
        let run = hitrate(folder.path(), &["traffic", "report", "--by", by, "--table", "text"]);
        let lines: Vec<&str> = run.out.lines().collect();
        let others = ["model", "provider"].iter().filter(|other| **other != by);
        assert!(lines[1].starts_with(by), "{by}: {run:?}");
        assert!(others.into_iter().all(|other| !lines[1].contains(other)), "{by}: {run:?}");
        assert!(lines[3].starts_with(first), "{by}: {run:?}");
    }
}

#[test]
fn texts_count_one_as_one() {
    let folder = folder();
    drop(imported(folder.path(), &row(1, "a", 0, 1000, 500, "")));
    let text = |verb: &str| hitrate(folder.path(), &["traffic", verb, "--table", "text"]).out;
    let report = text("report");
    assert!(report.starts_with("1 call in 1 session from"), "{report}");
    assert!(
        report.contains("in all: $0.50 (1 call)") && report.contains("1 of 1 answered call successful"),
        "{report}"
    );
    assert!(report.contains("A 90 % interval needs at least 5 sessions that differ"), "{report}");
    let misses = text("misses");
    assert!(misses.starts_with("0 misses in 1 judged call. No call had reusable tokens."), "{misses}");
    assert!(
        text("sessions").contains("1 of 1 session. Median of a session: turns 1"),
        "{}",
        text("sessions")
    );
    for text in [report, misses] {
        assert!(!text.contains("1 calls") && !text.contains("1 sessions"), "{text}");
    }
}

#[test]
fn failures_are_not_recorded_if_no_source_states_them_and_replays_are_no_calls() {
    let folder = folder();
    let usage = r#"{"id":"gen-1","usage":{"prompt_tokens":1000,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":500}}}"#;
    let store = imported(folder.path(), usage);
    let found = everything(&store);
    if found.sources.iter().all(|source| !source.states_failures) {
        assert_eq!((found.total.failures.all, found.total.failures.share), (None, None));
        assert!(found.notes.iter().any(|note| note.starts_with("Failures are not recorded in: mine")));
    }
    assert!(
        found.notes.iter().any(|note| note.contains("Without a time: 1 of 1 call.")),
        "{:?}",
        found.notes
    );
    assert!(found.notes.iter().any(|note| note.contains("run `hitrate collect`")), "{:?}", found.notes);
}

#[test]
fn an_empty_store_says_what_to_do() {
    let folder = folder();
    for verb in ["report", "models", "sessions", "misses", "status"] {
        let run = hitrate(folder.path(), &["traffic", verb]);
        assert_eq!(run.code, 1, "{verb}: {run:?}");
        let said = format!("{run:?}");
        assert!(said.contains("hitrate traffic import PATH"), "{verb}: {said}");
    }
    let store = store(folder.path());
    let found = everything(&store);
    assert_eq!((found.total.calls, found.groups.len(), found.sources.len()), (0, 0, 0));
    assert!(found.notes[0].starts_with("Nothing is imported yet"), "{:?}", found.notes);
    assert!(all_misses(&store).notes[0].contains("hitrate traffic import PATH"));
    assert_eq!(sessions(&store, &Question::default(), 5).expect("the sessions").sessions, 0);
    drop(store);
    let run = hitrate(folder.path(), &["traffic", "status", "--format", "{hitrate}"]);
    assert!(
        format!("{run:?}").contains("unknown placeholder `{hitrate}` (expected {hit_rate}, {saved}"),
        "{run:?}"
    );
}

#[test]
fn the_commands_print_documents_with_the_fields_that_programs_rely_on() {
    let folder = folder();
    drop(imported(folder.path(), &small()));
    let json = |verb: &str| hitrate(folder.path(), &["traffic", verb, "--json"]).json();
    let found = json("report");
    assert_eq!((&found["total"]["calls"], &found["groups"][0]["hit_rate"]["rate"]), (&4.into(), &0.1.into()));
    assert_eq!(json("models")["models"][0]["calls"], 4);
    assert_eq!(json("sessions")["largest"][0]["turns"], 2);
    assert_eq!(json("misses")["causes"][0]["cause"], "first_call");
    let run = hitrate(folder.path(), &["traffic", "report"]);
    assert_eq!(run.code, 0, "{run:?}");
    let line = hitrate(folder.path(), &["traffic", "status", "--since", "30d", "--format", "{calls} calls"]);
    assert_eq!(line.code, 0, "{line:?}");
}
