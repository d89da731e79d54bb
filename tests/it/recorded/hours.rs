//! The half-hourly readings of the real upstream, with sweeps that take five minutes and run over midnight: no genuine
//! run is suspect, and each day closes on its last reading.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;

use chrono::Duration;
use flate2::read::GzDecoder;
use hitrate::pipeline::{Pipeline, build_snapshot, roll_up};
use serde_json::Value;

use super::{Command, at, collect_from, folder, hitrate, json, pipeline, recordings};
use crate::binary::Server;

/// Whether the whole week runs, as with `make test-week`; otherwise the hours around the first midnight.
fn is_whole() -> bool {
    std::env::var("HITRATE_WEEK").is_ok_and(|which| which == "all")
}

fn readings() -> Option<PathBuf> {
    let kept = recordings()?.join("hourly");
    if !kept.join("data/days.json.gz").is_file() {
        eprintln!("skipped: the half-hourly readings ({} does not exist)", kept.display());
        return None;
    }
    Some(kept)
}

fn packed(path: PathBuf) -> Value {
    serde_json::from_reader(GzDecoder::new(File::open(path).expect("a file"))).expect("JSON")
}

/// The last reading of an endpoint on a day.
struct Last {
    rate: Option<f64>,
    input: Option<f64>,
    tokens: f64,
}

/// The last readings by endpoint and day.
fn last_readings(kept: &std::path::Path) -> HashMap<(String, String), Last> {
    let (days, endpoints) =
        (packed(kept.join("data/days.json.gz")), packed(kept.join("data/endpoints.json.gz")));
    let mut last = HashMap::new();
    for by_day in days["closing"].as_object().expect("models").values() {
        for (day, rows) in by_day.as_object().expect("days") {
            for row in rows.as_array().expect("rows") {
                let number = row[0].as_u64().expect("the number of an endpoint") as usize;
                let id = endpoints[number]["id"].as_str().expect("a UUID").to_owned();
                let tokens = row[4].as_f64().unwrap_or_default();
                last.insert(
                    (id, day.clone()),
                    Last { rate: row[1].as_f64(), input: row[2].as_f64(), tokens },
                );
            }
        }
    }
    last
}

/// Within 1 %, or within the rounding of the published figure.
fn is_close(ours: &Value, truth: Option<f64>, rounding: f64) -> bool {
    truth.is_none_or(|truth| {
        ours.as_f64().is_some_and(|ours| (ours - truth).abs() <= 0.01 * truth.abs() + rounding)
    })
}

/// Rolls up all days but the newest: the lists as of the end of every day stay the same.
fn rolling_up_changes_no_list(pipeline: &Pipeline) {
    let store = &pipeline.store;
    let ends = store
        .run_days(None, chrono::NaiveDate::from_ymd_opt(9999, 12, 31).expect("a date"))
        .expect("readable");
    let lists = || {
        let of = |closing| {
            let workloads = pipeline.workloads().expect("valid");
            build_snapshot(store, Some(closing), workloads, closing).expect("built").tier_lists
        };
        ends.iter().map(|one| of(one.closing)).collect::<Vec<_>>()
    };
    let before = lists();
    let rolled = roll_up(store, 1, false).expect("rolled").expect("a day");
    eprintln!("{} readings are removed, {} are kept", rolled.removed, rolled.kept);
    assert!(rolled.removed > 500, "{rolled:?}");
    assert_eq!(lists(), before);
}

async fn runs_over_midnight(resets: &[&str]) {
    let Some(kept) = readings() else { return };
    let mut serve = Command::new("python3");
    serve.arg(kept.join("serve_hourly.py")).arg("--data").arg(kept.join("data"));
    let server = Server::start(serve.args(["--sweep-seconds", "300"]).args(resets));
    let times = json(&server, "GET", "/_replay/times");
    let times = times["times"].as_array().expect("a list");
    let of = |time: Option<&Value>| at(time.and_then(|time| time["t"].as_str()).expect("a time"));
    let (first, newest) = (of(times.first()), of(times.last()));
    // The first midnight with readings on both sides.
    let midnight = (first.date_naive() + chrono::Days::new(2)).and_time(chrono::NaiveTime::MIN).and_utc();
    let (from, to) = if is_whole() {
        (first.date_naive().and_time(first.time()).and_utc(), newest)
    } else {
        (midnight - Duration::hours(3), midnight + Duration::hours(2))
    };
    let data = folder();
    let (mut runs, mut closed) = (0, Vec::new());
    {
        let pipeline = pipeline(data.path());
        let mut time = from.date_naive().and_hms_opt(0, 57, 0).expect("a time").and_utc();
        while time <= to {
            let text = time.format("%Y-%m-%dT%H:%M:%SZ");
            if time >= from && json(&server, "POST", &format!("/_replay/at/{text}"))["same_day"] == true {
                let report = collect_from(&pipeline, &server.url, time).await;
                assert_ne!(report.status.as_str(), "suspect", "{text}: {:#?}", report.findings);
                assert!(matches!(report.status.as_str(), "ok" | "partial"), "{text}: {report:#?}");
                runs += 1;
                let day = time.date_naive().to_string();
                if closed.last() != Some(&day) {
                    closed.push(day);
                }
            }
            time += Duration::hours(1);
        }
        rolling_up_changes_no_list(&pipeline);
    }
    drop(server);
    // The last day is not over.
    closed.pop();
    assert!(runs >= 5 && !closed.is_empty(), "{runs} runs, {closed:?}");
    let (begin, end) = (closed.first().expect("a day"), closed.last().expect("a day"));
    let exported =
        hitrate(data.path(), &["export", "days", "--from", begin, "--to", end, "--format", "json"]);
    assert_eq!(exported.code, 0, "{}", exported.err);
    let rows: Vec<Value> = serde_json::from_str(&exported.out).expect("rows");
    let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let ours: HashMap<(String, String), &Value> =
        rows.iter().map(|row| ((text(row, "endpoint_id"), text(row, "day")), row)).collect();
    let (mut all, mut off) = (0, Vec::new());
    for ((id, day), last) in last_readings(&kept).iter().filter(|((_, day), _)| closed.contains(day)) {
        all += 1;
        let good = ours.get(&(id.clone(), day.clone())).is_some_and(|row| {
            is_close(&row["tokens"], Some(last.tokens), 0.0)
                && is_close(&row["hit_rate"], last.rate, 1e-4)
                && is_close(&row["effective_input"], last.input, 1e-9)
        });
        if !good {
            off.push(format!("{id} on {day}"));
        }
    }
    eprintln!("{runs} runs, {all} endpoint-days, {} off by more than 1 % {resets:?}", off.len());
    assert!(all > 500 && off.len() * 100 <= all, "{} of {all} are off: {off:#?}", off.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_hourly_runs_are_plausible_and_days_close_on_their_last_reading() {
    runs_over_midnight(&["--early-reset"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_hourly_runs_with_a_late_reset() {
    if !is_whole() {
        eprintln!("skipped: a second week takes minutes; `make test-week` runs it");
        return;
    }
    runs_over_midnight(&[]).await;
}
