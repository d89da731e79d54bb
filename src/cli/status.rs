//! `hitrate status`: whether the data are current, and how the last runs went.

use super::tables::{Column, Report, Table, clean, line, name, number, text};
use super::{Common, exit, runtime};
use crate::api::StatusData;
use crate::clock::Clock;
use crate::domain::format::{grouped, moment, span};
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::fetch::get_json_once;
use crate::snapshot::{QuarantineCount, RunSummary, SuspectRun};
use crate::table::{Cell, columns, tsv};
use crate::wording::status::{self, Newest, State};
use anyhow::{Context, Result, bail};
use chrono::{DateTime, Duration, Utc};
use clap::Args;
use serde::Deserialize;

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate status\n  \
hitrate status --url http://127.0.0.1:8080\n  \
hitrate status --runs 0 --table tsv\n\n\
The exit code is 1 if the newest data are stale, or the newest run failed or is suspect.")]
pub struct StatusArgs {
    /// Query the server at this URL on this machine [default: read the saved snapshot].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Number of runs to print, newest first; 0 means all.
    #[arg(long, value_name = "N", default_value_t = 10)]
    runs: usize,
}

/// The part of an answer of `/api/v1/status` that is read here.
#[derive(Deserialize)]
struct Answer {
    data: StatusData,
    meta: Meta,
}

/// What the data were published with.
#[derive(Deserialize)]
struct Meta {
    as_of: DateTime<Utc>,
    simulated: bool,
}

/// Prints the status of the collection, with `--json` as `/api/v1/status` does; exit code 1 if the data are stale, or the
/// newest run failed or is suspect.
pub fn run(common: &Common, args: &StatusArgs) -> Result<u8> {
    let Answer { data, meta } = match &args.url {
        Some(url) => ask(url)?,
        None => {
            let snapshot = common.snapshot()?;
            let meta = Meta { as_of: snapshot.as_of, simulated: snapshot.simulated };
            Answer { data: StatusData::of(&snapshot), meta }
        }
    };
    let age = (Common::clock().now() - meta.as_of).max(Duration::zero());
    let state = state(&data, age);
    common.report(&data, || describe(&data, &meta, &verdict(&data, &meta, &state, age), args.runs))?;
    Ok(if state.needs_action() { exit::ERROR } else { exit::OK })
}

fn ask(base: &str) -> Result<Answer> {
    let url = format!("{}/api/v1/status", base.trim_end_matches('/'));
    let answer = runtime()?.block_on(get_json_once(&url, None, std::time::Duration::from_secs(10)))?;
    if answer.status != 200 {
        bail!(
            "{url} responded with status {}: {}",
            answer.status,
            clean(&String::from_utf8_lossy(&answer.body))
        );
    }
    serde_json::from_slice(&answer.body).with_context(|| format!("the response of {url} is not a status"))
}

/// The state of the collection, by the same rule as on the status page.
fn state(data: &StatusData, age: Duration) -> State {
    let moved = data.status.suspect.as_ref().map(SuspectRun::moved);
    let newest = data.status.runs.first().map(|run| Newest {
        status: run.status,
        endpoints: run.endpoints,
        failed: run.failures.len(),
    });
    State::of(moved, age, newest, &data.status.missing)
}

/// The state of the collection in one line, then what to do about it.
fn verdict(data: &StatusData, meta: &Meta, state: &State, age: Duration) -> String {
    let newest = format!("The newest data are {} old ({}).", span(age), moment(meta.as_of));
    let mut lines = vec![match state {
        State::Well { .. } | State::Stale { .. } => format!("{}: {newest}", state.word()),
        _ => format!("{}: {} {newest}", state.word(), clean(&state.to_string())),
    }];
    if let Some(run) = &data.status.suspect {
        for finding in &run.findings {
            lines.push(format!("suspect: {}: {}", clean(&finding.field), clean(&finding.detail)));
        }
        lines.push(format!(
            "If the changes are right, accept them: hitrate accept {} --all",
            clean(&run.run_id)
        ));
    } else if matches!(state, State::Stale { .. }) {
        lines.push(format!(
            "Data older than {STALE_AFTER_HOURS} h are stale. Check that `hitrate serve` runs and read its log, or run \
             `hitrate collect`."
        ));
    } else if matches!(state, State::Damaged { .. }) {
        lines.push(
            "The lines below say what is missing and how to repair it; `hitrate check` names the files."
                .to_owned(),
        );
    } else if state.needs_action() {
        lines.push("Read the log of `hitrate serve`, or run `hitrate collect`.".to_owned());
    }
    lines.extend(data.status.trouble.as_ref().map(|trouble| line(&status::trouble(trouble))));
    lines.extend(status::next_run(data.next_run, Common::clock().now()));
    lines.extend(data.status.missing.iter().map(|missing| format!("missing: {}", clean(missing))));
    lines.join("\n")
}

columns!(RunSummary, |row| {
    "run_id": Cell::text(&row.run_id),
    "observed_at": Cell::Time(Some(row.observed_at)),
    "status": Cell::text(row.status),
    "window_kind": Cell::text(row.window_kind),
    "requests": Cell::count(row.requests),
    "documents": Cell::count(row.documents),
    "readings": Cell::count(row.readings),
    "endpoints": Cell::count(row.endpoints),
    "quarantined": Cell::count(row.quarantined),
    "drift": Cell::count(row.drift),
    "duration_ms": Cell::Whole(Some(row.duration_ms)),
    "failures": Cell::count(row.failures.len()),
});

columns!(QuarantineCount, |row| {
    "reason": Cell::text(&row.reason),
    "rows": Cell::count(row.rows),
    "tokens": Cell::Whole(Some(row.tokens)),
    "example": Cell::text(&row.example),
});

fn describe(data: &StatusData, meta: &Meta, verdict: &str, most: usize) -> Report {
    const RUNS: [Column; 8] = [
        text("run (UTC)", 1),
        text("result", 1),
        number("readings", 2),
        number("endpoints", 3),
        number("quarantined", 4),
        number("unknown fields", 5),
        number("requests", 6),
        number("took", 5),
    ];
    const QUARANTINE: [Column; 4] =
        [text("quarantined", 1), number("rows", 1), number("tokens", 2), name("example", 3)];
    let shown = if most == 0 { data.status.runs.len() } else { most };
    let runs: Vec<&RunSummary> = data.status.runs.iter().take(shown).collect();
    let mut table = Table::new(&RUNS, tsv(&runs));
    for run in runs {
        table.row([
            run.observed_at.format("%Y-%m-%d %H:%M").to_string(),
            run.status.to_string(),
            grouped(run.readings as u64),
            grouped(run.endpoints as u64),
            grouped(run.quarantined as u64),
            grouped(run.drift as u64),
            grouped(run.requests as u64),
            format!("{:.1} s", run.duration_ms as f64 / 1000.0),
        ]);
    }
    let mut quarantine = Table::new(&QUARANTINE, tsv(&data.status.quarantine));
    for row in &data.status.quarantine {
        let tokens = format!("{:.2} B", row.tokens as f64 / 1e9);
        quarantine.row([row.reason.clone(), grouped(row.rows as u64), tokens, row.example.clone()]);
    }
    let summary = &data.summary;
    let counts = format!(
        "{} models and variants, {} endpoints, {} runs since {}",
        grouped(summary.models as u64),
        grouped(summary.endpoints as u64),
        grouped(summary.runs as u64),
        summary.first_run.format("%Y-%m-%d")
    );
    let report = Report::default().aside(verdict).simulated(meta.simulated);
    let report = report.text(counts).table(table);
    match data.status.quarantine.is_empty() {
        true => report.text("No row of the newest run is quarantined."),
        false => report.text("\n\nRows of the newest run that could not be used").table(quarantine),
    }
}
