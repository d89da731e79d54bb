//! The store, and whether archive, store and snapshot agree.

use super::Finding;
use super::facts::StoreFacts;
use crate::domain::format::{self, first_names};
use crate::domain::reading::RunStatus;
use crate::domain::thresholds::STALE_AFTER_HOURS;
use crate::pipeline::{CLOCK_TOLERANCE, DataDir, StoreHealth};
use crate::scheduler::CronExpression;
use crate::snapshot::{self, store::SnapshotError};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// How far the clock may be from that of the upstream, whose header has whole seconds.
const UPSTREAM_TOLERANCE: TimeDelta = TimeDelta::seconds(10);
/// How long after its time by the schedule a run may be stored: the sweep, and what delays it.
const LATE: TimeDelta = TimeDelta::hours(1);

/// Whether the store can be used, and whether runs arrive, by the schedule if it is known.
pub fn store(facts: &StoreFacts, schedule: Option<&CronExpression>, now: DateTime<Utc>) -> Vec<Finding> {
    let mut all = Vec::new();
    let runs = facts.runs.len();
    let opened = format!("it opens, schema {}, {}", facts.schema, format::counted(runs as u64, "run"));
    all.push(match facts.health.as_ref().map(|health| &health.store) {
        Some(StoreHealth::Reopening { since, reason }) => Finding::failed(
            "store",
            format!("DuckDB declared it invalid at {}: {reason}", format::moment(*since)),
            "free space or memory if the reason names it; the server opens the store again by itself, otherwise restart it",
        ),
        Some(StoreHealth::Rebuilding { since, reason, done, total }) => Finding::warning(
            "store",
            format!("it is rebuilt since {} ({done} of {total} runs): {reason}", format::moment(*since)),
            "wait; the last numbers stay in service",
        ),
        Some(StoreHealth::Ok) | None => Finding::ok("store", opened),
    });
    if let Some(health) = &facts.health {
        let problems: Vec<&String> = health.archive_problems.iter().collect();
        if !problems.is_empty() || health.set_aside > 0 {
            all.push(Finding::warning(
                "set aside",
                set_aside(health.set_aside, &problems),
                "compare with a backup; nothing damaged was deleted",
            ));
        }
    }
    all.push(age(facts, schedule, now));
    all
}

/// What is set aside or lost. A lost file is a problem, but nothing is set aside for it.
fn set_aside(count: usize, problems: &[&String]) -> String {
    let counted = match count {
        0 => return first_names(problems),
        1 => "1 file or run is set aside".to_owned(),
        _ => format!("{count} files or runs are set aside"),
    };
    if problems.is_empty() { counted } else { format!("{counted}; {}", first_names(problems)) }
}

/// Whether the newest run is recent and complete.
fn age(facts: &StoreFacts, schedule: Option<&CronExpression>, now: DateTime<Utc>) -> Finding {
    const CHECK: &str = "runs";
    let Some(newest) = facts.runs.first() else {
        return Finding::warning(CHECK, "there is no run yet", "run `hitrate collect`, or start the service");
    };
    let failed = facts.runs.iter().take_while(|run| !run.status.is_accepted()).count();
    let accepted = facts.newest_accepted();
    let age = accepted.map(|at| now - at);
    let shown = age.map_or("never".to_owned(), |age| format!("{} ago", format::span(age)));
    let detail =
        format!("the newest run is {} ({}); the last accepted one was {shown}", newest.run_id, newest.status);
    if accepted.is_none_or(|at| now >= stale_from(at, schedule)) {
        let action = "see `/status` for the reason; start the service if it does not run";
        return Finding::failed(CHECK, detail, action);
    }
    if newest.status == RunStatus::Suspect {
        return Finding::failed(
            CHECK,
            detail,
            "see `hitrate status`; accept the run if the change is genuine",
        );
    }
    if failed > 0 {
        let action = "see `hitrate status` for the failures; the next sweep tries again";
        return Finding::warning(CHECK, detail, action);
    }
    Finding::ok(CHECK, detail)
}

/// When data of a time are stale: by the rule for all readers, but not before the next run by the schedule is late.
fn stale_from(at: DateTime<Utc>, schedule: Option<&CronExpression>) -> DateTime<Utc> {
    let by_rule = at + TimeDelta::hours(STALE_AFTER_HOURS);
    schedule.and_then(|schedule| schedule.next_after(at)).map_or(by_rule, |due| by_rule.max(due + LATE))
}

/// Whether archive and store have the same runs. `before` was listed before the store was read, `after` after it.
pub fn agreement(facts: &StoreFacts, before: &BTreeSet<String>, after: &BTreeSet<String>) -> Finding {
    const CHECK: &str = "agreement";
    let stored: BTreeSet<&String> = facts.runs.iter().map(|run| &run.run_id).collect();
    let lost: Vec<&String> = stored.iter().filter(|id| !after.contains(**id)).copied().collect();
    if !lost.is_empty() {
        return Finding::failed(
            CHECK,
            format!("{} runs of the store are not in the archive: {}", lost.len(), first_names(&lost)),
            "copy archive/ from a backup over this one; without it, a replay does not have these runs",
        );
    }
    let newest = stored.iter().next_back();
    let (pending, late): (Vec<&String>, Vec<&String>) = before
        .iter()
        .filter(|id| !stored.contains(id))
        .partition(|id| newest.is_none_or(|newest| *id > *newest));
    if !late.is_empty() {
        return Finding::warning(
            CHECK,
            format!(
                "{} archived runs are older than the newest stored one and not in the store: {}",
                late.len(),
                first_names(&late)
            ),
            "restart the service: the record is then rebuilt with those that can be read; if one stays out, the log and \
             `/status` give the reason",
        );
    }
    if !pending.is_empty() {
        return Finding::warning(
            CHECK,
            format!("{} archived runs wait to be stored: {}", pending.len(), first_names(&pending)),
            "nothing if a sweep is in progress; otherwise they are stored before the next run or at the next start",
        );
    }
    Finding::ok(CHECK, format!("archive and store have the same {} runs", stored.len()))
}

/// Whether the saved snapshot can be read and is as new as the record.
pub fn snapshot(data: &DataDir, facts: Option<&StoreFacts>) -> Finding {
    const CHECK: &str = "snapshot";
    let rebuild = "restart the service: it builds a new one from the store";
    let (loaded, instead) = match snapshot::store::load_with_reason(&data.snapshots()) {
        Ok(Some(loaded)) => loaded,
        Ok(None) => return Finding::warning(CHECK, "there is no snapshot yet", "run `hitrate collect`"),
        Err(error @ SnapshotError::OtherFormat { .. }) => {
            return Finding::warning(CHECK, error.to_string(), rebuild);
        }
        Err(error) => return Finding::failed(CHECK, error.to_string(), rebuild),
    };
    let as_of = format::moment(loaded.as_of);
    let instead =
        instead.map(|error| format!("{error}; {}, the newest that can be read, is used", loaded.id));
    match (facts.and_then(StoreFacts::newest_accepted), instead) {
        (Some(newest), instead) if newest > loaded.as_of => {
            let of = format!("it is of {as_of}, but the record has a run of {}", format::moment(newest));
            Finding::failed(
                CHECK,
                instead.map_or(of.clone(), |instead| format!("{instead}; {of}")),
                "see the log for the reason; a restart of the service publishes again",
            )
        }
        (_, Some(instead)) => Finding::warning(
            CHECK,
            format!("{instead}; it is of {as_of}"),
            "restart the service: it puts the folder right",
        ),
        (_, None) => Finding::ok(CHECK, format!("it is whole and of {as_of}")),
    }
}

/// Whether the stored numbers reproduce what is known to be true.
pub fn numbers_hold(facts: &StoreFacts) -> Finding {
    const CHECK: &str = "numbers";
    match &facts.numbers {
        Err(error) => Finding::failed(CHECK, error, "run `hitrate check numbers` for the details"),
        Ok(runs) if runs.is_empty() => Finding::skipped(CHECK, "there is no run with usage yet"),
        Ok(runs) => {
            let missed: Vec<&String> =
                runs.iter().filter(|run| !run.agrees()).map(|run| &run.run_id).collect();
            if missed.is_empty() {
                return Finding::ok(
                    CHECK,
                    format!("{} runs agree with the upstream's own figures", runs.len()),
                );
            }
            Finding::failed(
                CHECK,
                format!("{} of {} runs miss a bound: {}", missed.len(), runs.len(), first_names(&missed)),
                "run `hitrate check numbers` for the details",
            )
        }
    }
}

/// Whether the clock of this machine is plausible: not before the newest run, and near the upstream's.
pub fn clock(facts: Option<&StoreFacts>, upstream: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Finding {
    const CHECK: &str = "clock";
    let action =
        "set the clock of this machine, best by NTP; runs that are older than the newest one are refused";
    if let Some(newest) = facts.and_then(|facts| facts.runs.first())
        && newest.observed_at > now + CLOCK_TOLERANCE
    {
        let detail = format!("it is {}, before the newest run {}", format::moment(now), newest.run_id);
        return Finding::failed(CHECK, detail, action);
    }
    let Some(upstream) = upstream else {
        return Finding::ok(
            CHECK,
            "it does not contradict the newest run; the time of the upstream is not known",
        );
    };
    let off = now - upstream;
    if off.abs() > UPSTREAM_TOLERANCE {
        let seconds = off.num_seconds();
        let detail = format!("it differs from the upstream's by {seconds} s");
        return match seconds.abs() {
            ..=120 => Finding::warning(CHECK, detail, action),
            _ => Finding::failed(CHECK, detail, action),
        };
    }
    Finding::ok(CHECK, "it agrees with the upstream's within 10 s and does not contradict the newest run")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_stale_by_the_rule_and_not_before_the_schedule_has_a_run() {
        let at = |text: &str| -> DateTime<Utc> { text.parse().expect("a time") };
        let run = at("2026-08-01T06:57:00Z");
        let from = |cron: &str| stale_from(run, Some(&CronExpression::parse(cron).expect("valid")));
        assert_eq!(stale_from(run, None), at("2026-08-01T09:57:00Z"));
        assert_eq!(from("57 * * * *"), at("2026-08-01T09:57:00Z"), "the rule is longer than a step");
        assert_eq!(from("57 */6 * * *"), at("2026-08-01T13:57:00Z"));
        assert_eq!(from("57 6 * * *"), at("2026-08-02T07:57:00Z"));
    }

    #[test]
    fn only_what_is_set_aside_is_counted_as_that() {
        let lost = "archive: 1 of the 2 runs of the record are missing".to_owned();
        assert_eq!(set_aside(0, &[&lost]), lost);
        assert_eq!(set_aside(1, &[&lost]), format!("1 file or run is set aside; {lost}"));
        assert_eq!(set_aside(2, &[]), "2 files or runs are set aside");
    }
}
