//! What a reader of the report should know: what is missing in the logs, and what to do about it.

use super::Report;
use crate::domain::format::counted;

/// Nothing is imported.
pub(in crate::traffic) const NOTHING_IMPORTED: &str =
    "Nothing is imported yet: `hitrate traffic import PATH` reads your logs.";
/// There are calls, but none of them is in the answer.
pub(in crate::traffic) const NO_MATCH: &str =
    "No imported call matches the limits: `hitrate traffic files` lists what is imported.";
/// All imported entries are sums.
pub(in crate::traffic) const ONLY_SUMS: &str = "The imported sources contain only sums over several requests. `hitrate traffic report` lists them apart; hit rates by call, sessions and misses need a log with single calls.";

/// The notes of a report, most important first.
pub(super) fn notes(report: &Report, has_snapshot: bool, without_time: u64) -> Vec<String> {
    let mut notes = Vec::new();
    let total = &report.total;
    if total.calls == 0 && report.aggregates.is_empty() {
        notes.push(match report.sources.is_empty() {
            true => NOTHING_IMPORTED.to_owned(),
            false => NO_MATCH.to_owned(),
        });
        return notes;
    }
    if total.calls == 0 {
        notes.push(ONLY_SUMS.to_owned());
    }
    let silent: Vec<&str> =
        (report.sources.iter().filter(|source| !source.states_failures && source.calls > 0))
            .map(|source| source.source.as_str())
            .collect();
    if !silent.is_empty() {
        let others = match report.sources.iter().any(|source| source.states_failures && source.calls > 0) {
            true => " Shares of failures are over the calls of the other sources.",
            false => "",
        };
        notes.push(format!("Failures are not recorded in: {}.{others}", silent.join(", ")));
    }
    if without_time > 0 {
        notes.push(format!(
            "Without a time: {without_time} of {}. They are in no month, no pause and no public comparison.",
            counted(total.calls, "call")
        ));
    }
    if total.calls > 0 && total.sessions == 0 {
        notes.push(
            "No call has a session, so there are no intervals, no retention and no causes of misses. A log with session ids or times has them."
                .to_owned(),
        );
    }
    if total.calls > 0 && total.hit_rate.rate.is_none() {
        notes.push("No log states the tokens read from the cache, so hit rates are unknown.".to_owned());
    }
    if !has_snapshot {
        notes.push(
            "There is no public snapshot, so public hit rates and prices are unknown: run `hitrate collect`."
                .to_owned(),
        );
    }
    if total.paid.len() > 1 {
        notes.push(
            "The logs contain several kinds of money. They are listed apart and never added up.".to_owned(),
        );
    }
    let ambiguous = report
        .groups
        .iter()
        .filter(|g| g.public.as_ref().is_some_and(|p| p.is_ambiguous && p.rate.is_some()))
        .count();
    if ambiguous > 0 {
        notes.push(format!(
            "In {ambiguous} of {}, several endpoints of the provider fit, so the public rate is a range.",
            counted(report.groups.len() as u64, "group")
        ));
    }
    if total.replays > 0 {
        notes.push(format!(
            "Replayed by a gateway: {}, neither calls nor hits of a prompt cache.",
            match total.replays {
                1 => "1 stored reply".to_owned(),
                replays => format!("{replays} stored replies"),
            }
        ));
    }
    notes
}
