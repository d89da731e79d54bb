//! What a reader of the report should know: what is missing in the logs, and what to do about it.

use super::Report;

/// The notes of a report, most important first.
pub(super) fn notes(report: &Report, has_snapshot: bool, without_time: u64) -> Vec<String> {
    let mut notes = Vec::new();
    let total = &report.total;
    if total.calls == 0 && report.aggregates.is_empty() {
        notes.push(match report.sources.is_empty() {
            true => "Nothing is imported yet: `hitrate traffic import PATH` reads your logs.".to_owned(),
            false => "No imported call matches the limits: `hitrate traffic files` lists what is imported."
                .to_owned(),
        });
        return notes;
    }
    if total.calls == 0 {
        notes.push(
            "The imported sources contain only sums over several requests. They are listed apart; hit rates by call, sessions and misses need a log with single calls."
                .to_owned(),
        );
    }
    let silent: Vec<&str> =
        (report.sources.iter().filter(|source| !source.states_failures && source.calls > 0))
            .map(|source| source.source.as_str())
            .collect();
    if !silent.is_empty() {
        notes.push(format!(
            "Failures are not recorded in: {}. Shares of failures are over the calls of the other sources.",
            silent.join(", ")
        ));
    }
    if without_time > 0 {
        notes.push(format!(
            "{without_time} of {} calls have no time: they are in no month, no pause and no public comparison.",
            total.calls
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
    let ambiguous =
        report.groups.iter().filter(|g| g.public.as_ref().is_some_and(|p| p.is_ambiguous)).count();
    if ambiguous > 0 {
        notes.push(format!(
            "In {ambiguous} of {} groups several endpoints of the provider fit, so the public rate is a range.",
            report.groups.len()
        ));
    }
    if total.replays > 0 {
        notes.push(format!(
            "A gateway replayed {} stored replies: they are neither calls nor hits of a prompt cache.",
            total.replays
        ));
    }
    notes
}
