//! `hitrate alerts check`: what the rules would have reported.

use super::tables::{Column, Report, Table, clean, name, text};
use super::{Common, exit, running};
use crate::alerts::engine::{Past, State, past};
use crate::clock::Clock;
use crate::domain::change::Change;
use crate::domain::format::{counted, moment};
use crate::domain::window;
use crate::pipeline::{oldest_change, recorded_changes};
use crate::table::{Cell, columns, tsv};
use anyhow::{Result, bail};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use clap::Args;
use serde::Serialize;

/// Days that are examined by default.
const DAYS: i64 = 30;

/// Arguments of `alerts check`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
hitrate alerts check\n  \
hitrate alerts check --since 2026-08-01 --rule prices\n  \
hitrate alerts check --json\n\n\
Nothing is sent and nothing is remembered. Changes before the 90 days of a snapshot are read from the record.")]
pub struct CheckArgs {
    /// Examine the changes from this time on: an RFC 3339 time, or a date for the start of that UTC day [default: 30 days
    /// ago].
    #[arg(long, value_name = "TIME", value_parser = window::start)]
    since: Option<DateTime<Utc>>,
    /// Only this rule.
    #[arg(long, value_name = "NAME")]
    rule: Option<String>,
}

/// Runs `hitrate alerts check`.
pub fn run(common: &Common, args: &CheckArgs) -> Result<u8> {
    let config = common.settings()?;
    let mut rules = config.alerts.rules;
    if rules.is_empty() {
        bail!("the settings have no `[[alerts.rules]]`; docs/following-rules.md has examples");
    }
    if let Some(name) = &args.rule {
        let known: Vec<String> = rules.iter().map(|rule| rule.name.clone()).collect();
        rules.retain(|rule| rule.name == *name);
        if rules.is_empty() {
            bail!("there is no rule `{}`; the settings have {}", clean(name), known.join(", "));
        }
    }
    let mut snapshot = common.snapshot()?;
    let since = args.since.unwrap_or_else(|| Common::clock().now() - Duration::days(DAYS));
    if since < oldest_change(snapshot.as_of) {
        snapshot.changes = recorded(common, since)?;
    }
    let found = past(&rules, &snapshot, since, config.serve.public_url.trim_end_matches('/'));
    let state = State::load(&common.data().alerts());
    let last = match &state {
        Ok(state) => Last { as_of: state.as_of, at: state.checked_at, error: state.error.clone() },
        Err(error) => Last { as_of: None, at: None, error: Some(error.to_string()) },
    };
    let answer = Answer { past: &found, last };
    common.report(&answer, || describe(&found, &answer.last).simulated(snapshot.simulated))?;
    Ok(exit::OK)
}

/// The changes of the record since a time, newest first, also those that no snapshot has any more.
fn recorded(common: &Common, since: DateTime<Utc>) -> Result<Vec<Change>> {
    let from = since.to_rfc3339_opts(SecondsFormat::Micros, true);
    let path = format!("/local/changes?from={from}");
    let workloads = common.settings()?.workloads(common.data().path())?;
    let recorded = running::read_or_ask(common, ("a list of changes", &path), |store| {
        Ok(recorded_changes(store, &workloads, (Some(since), None))?)
    })?;
    Ok(recorded.changes)
}

/// The answer in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    past: &'a Past,
    last: Last,
}

/// When the rules were last applied by the server or by `hitrate collect`.
#[derive(Serialize)]
struct Last {
    /// Time of the data.
    as_of: Option<DateTime<Utc>>,
    /// When it was.
    at: Option<DateTime<Utc>>,
    /// Why it failed; null if it did not.
    error: Option<String>,
}

/// A notice as a row.
#[derive(Clone)]
struct Row<'a> {
    at: DateTime<Utc>,
    rule: &'a str,
    severity: &'static str,
    title: &'a str,
}

columns!(Row<'_>, |row| {
    "at": Cell::Time(Some(row.at)),
    "rule": Cell::text(row.rule),
    "severity": Cell::text(row.severity),
    "title": Cell::text(row.title),
});

fn describe(found: &Past, last: &Last) -> Report {
    const COLUMNS: [Column; 4] =
        [text("time (UTC)", 2), name("rule", 3), text("severity", 4), name("notice", 1)];
    let rows: Vec<Row> = found
        .rules
        .iter()
        .flat_map(|checked| &checked.notices)
        .map(|notice| Row {
            at: notice.at,
            rule: &notice.rule,
            severity: notice.severity.as_str(),
            title: &notice.title,
        })
        .collect();
    let mut table = Table::new(&COLUMNS, tsv(rows.iter().cloned()));
    for row in &rows {
        table.row([
            row.at.format("%Y-%m-%d %H:%M").to_string(),
            row.rule.to_owned(),
            row.severity.to_owned(),
            row.title.to_owned(),
        ]);
    }
    let mut lines = vec![format!("{} since {}", counted(rows.len() as u64, "notice"), moment(found.since))];
    for checked in &found.rules {
        lines.push(format!("rule {}: {}", checked.rule, counted(checked.notices.len() as u64, "notice")));
        lines.extend(
            checked.not_checked.iter().map(|why| format!("rule {}: not examined: {why}", checked.rule)),
        );
    }
    lines.extend(found.warnings.iter().cloned());
    match found.known_since {
        Some(known) if known > found.since => {
            lines.push(format!("the known changes begin at {}", moment(known)));
        }
        Some(_) => {}
        None => lines.push("no changes are known yet".to_owned()),
    }
    match (last.at, last.as_of) {
        (Some(at), Some(as_of)) => {
            lines.push(format!("the rules were last applied at {} to data of {}", moment(at), moment(as_of)));
        }
        _ => lines.push("the rules were not applied yet".to_owned()),
    }
    lines.extend(last.error.as_ref().map(|error| format!("the last attempt failed: {error}")));
    let report = if rows.is_empty() { Report::default() } else { Report::default().table(table) };
    lines.into_iter().fold(report, |report, line| report.text(clean(&line)))
}
