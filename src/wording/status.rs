//! The verdict on the collection, for the status page and `hitrate status`.

use crate::domain::format::{moment, span};
use crate::domain::reading::RunStatus;
use crate::domain::record::Trouble;
use crate::domain::thresholds::STALE_AFTER_HOURS;
use chrono::{DateTime, Duration, Utc};
use std::fmt;

/// The state of the collection.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// The newest run is not published, because the named fields seem to have changed their meaning.
    Suspect {
        /// The fields.
        moved: String,
    },
    /// No data arrived for too long.
    Stale {
        /// The age of the newest data.
        age: String,
    },
    /// The newest run has gaps.
    Partial {
        /// Endpoints that it found.
        endpoints: usize,
        /// Lines of its report on failures.
        failed: usize,
    },
    /// The newest run failed; the numbers are from an earlier one.
    Failed,
    /// The newest run is good, but the archive lacks runs of the record, or the record lacks damaged runs.
    Damaged {
        /// Endpoints of the newest run.
        endpoints: usize,
    },
    /// All is well.
    Well {
        /// Endpoints of the newest run.
        endpoints: usize,
    },
    /// No run is recorded.
    Nothing,
}

/// What the newest run reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// How it ended.
    pub status: RunStatus,
    /// Endpoints that it found.
    pub endpoints: usize,
    /// Lines of its report on failures.
    pub failed: usize,
}

/// How a line on the status page begins if it is about the archive.
pub const ARCHIVE: &str = "archive: ";

impl State {
    /// The state of the collection, the worst finding first: `moved` are the fields of a suspect run, `age` is that of
    /// the newest data, `notes` are the lines on the status page about what is not part of the record.
    pub fn of(moved: Option<String>, age: Duration, newest: Option<Newest>, notes: &[String]) -> Self {
        if let Some(moved) = moved {
            return Self::Suspect { moved };
        }
        if age >= Duration::hours(STALE_AFTER_HOURS) {
            return Self::Stale { age: span(age) };
        }
        let Some(Newest { status, endpoints, failed }) = newest else { return Self::Nothing };
        match status {
            RunStatus::Failed | RunStatus::Suspect => Self::Failed,
            _ if notes.iter().any(|note| note.starts_with(ARCHIVE)) => Self::Damaged { endpoints },
            RunStatus::Partial => Self::Partial { endpoints, failed },
            RunStatus::Ok => Self::Well { endpoints },
        }
    }

    /// Whether no reader has to expect old or missing numbers.
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Well { .. })
    }

    /// Whether someone has to act: all states except a newest run that is complete or has gaps.
    pub fn needs_action(&self) -> bool {
        !matches!(self, Self::Well { .. } | Self::Partial { .. })
    }

    /// The state in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Suspect { .. } => "suspect",
            Self::Stale { .. } => "stale",
            Self::Partial { .. } => "partial",
            Self::Failed => "failed",
            Self::Damaged { .. } => "damaged",
            Self::Well { .. } => "ok",
            Self::Nothing => "no run",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Suspect { moved } => write!(
                f,
                "The newest run is not published: the meaning of {moved} seems to have changed. The numbers are from the \
                 run before it."
            ),
            Self::Stale { age } => {
                write!(f, "The newest data is {age} old: since then no run has succeeded.")
            }
            Self::Partial { endpoints, failed } => {
                let plural = if *failed == 1 { "" } else { "s" };
                write!(
                    f,
                    "Working, with gaps: the newest run read {endpoints} endpoints and reports {failed} failure{plural}. \
                     Endpoints without an answer keep their last reading."
                )
            }
            Self::Failed => f.write_str("The newest run failed. The numbers are from the last good one."),
            Self::Damaged { endpoints } => write!(
                f,
                "The newest run read {endpoints} endpoints, but the archive is not whole: see what is missing."
            ),
            Self::Well { endpoints } => write!(f, "All is well: the newest run read {endpoints} endpoints."),
            Self::Nothing => f.write_str("No run is recorded yet."),
        }
    }
}

/// "The last 3 runs failed, since 2026-08-07 10:57 UTC. The last good run was at 2026-08-07 09:57 UTC. Newest failure: …"
pub fn trouble(of: &Trouble) -> String {
    let verb = match (of.status, of.runs) {
        (RunStatus::Failed, _) => "failed",
        (RunStatus::Suspect, 1) => "is suspect",
        (RunStatus::Suspect, _) => "failed or are suspect",
        (RunStatus::Partial | RunStatus::Ok, _) => "had gaps",
    };
    let series = match of.runs {
        1 => format!("The last run {verb}, at {}.", moment(of.since)),
        runs => format!("The last {runs} runs {verb}, since {}.", moment(of.since)),
    };
    let good = match (of.last_good, of.status.is_accepted()) {
        (Some(time), false) => format!(" The last good run was at {}.", moment(time)),
        (Some(time), true) => format!(" The last complete run was at {}.", moment(time)),
        (None, false) => " There is no good run yet.".to_owned(),
        (None, true) => " There is no complete run yet.".to_owned(),
    };
    let reason = of.reason.as_ref().map(|reason| format!(" Newest failure: {reason}")).unwrap_or_default();
    format!("{series}{good}{reason}")
}

/// "The next run is due at 2026-08-07 13:57 UTC."; `None` if that time is not known or over.
pub fn next_run(at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<String> {
    at.filter(|at| *at > now).map(|at| format!("The next run is due at {}.", moment(at)))
}

/// "70 of the last 72 runs were complete; 1 partial, 1 failed. Longest gap between two runs: 14 hours.", or "The only run
/// was not complete: partial."
pub fn runs(statuses: &[RunStatus], longest_gap: Option<&str>) -> String {
    let count = |status: RunStatus| statuses.iter().filter(|one| **one == status).count();
    let gap = longest_gap.map(|gap| format!(" Longest gap between two runs: {gap}.")).unwrap_or_default();
    let others =
        [(RunStatus::Partial, "partial"), (RunStatus::Suspect, "suspect"), (RunStatus::Failed, "failed")];
    if let [only] = statuses {
        let rest = others.into_iter().find(|(status, _)| status == only);
        return match rest {
            Some((_, word)) => format!("The only run was not complete: {word}.{gap}"),
            None => format!("The only run was complete.{gap}"),
        };
    }
    let others: Vec<String> = others
        .into_iter()
        .map(|(status, word)| (count(status), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let total = statuses.len();
    let rest = if others.is_empty() { String::new() } else { format!("; {}", others.join(", ")) };
    format!("{} of the last {total} runs were complete{rest}.{gap}", count(RunStatus::Ok))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_by_their_outcome() {
        use RunStatus::{Failed, Ok, Partial};
        assert_eq!(
            runs(&[Ok, Ok, Partial, Failed], None),
            "2 of the last 4 runs were complete; 1 partial, 1 failed."
        );
        assert_eq!(
            runs(&[Ok, Ok], Some("14 hours")),
            "2 of the last 2 runs were complete. Longest gap between two runs: 14 hours."
        );
        assert_eq!(runs(&[Ok], None), "The only run was complete.");
        assert_eq!(runs(&[Partial], None), "The only run was not complete: partial.");
        assert_eq!(runs(&[Failed], None), "The only run was not complete: failed.");
    }

    #[test]
    fn trouble_says_what_since_when_and_why() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let mut of = Trouble {
            status: RunStatus::Failed,
            since: at("2026-08-07T10:57:00Z"),
            runs: 3,
            last_good: Some(at("2026-08-07T09:57:00Z")),
            reason: Some("unavailable: the upstream does not respond".to_owned()),
        };
        assert_eq!(
            trouble(&of),
            format!(
                "The last 3 runs failed, since {}. The last good run was at {}. Newest failure: unavailable: the upstream \
                 does not respond",
                moment(of.since),
                moment(at("2026-08-07T09:57:00Z"))
            )
        );
        (of.status, of.runs, of.last_good, of.reason) = (RunStatus::Partial, 1, None, None);
        let gaps = format!("The last run had gaps, at {}. There is no complete run yet.", moment(of.since));
        assert_eq!(trouble(&of), gaps);
        let next = next_run(Some(of.since), at("2026-08-07T10:00:00Z"));
        assert_eq!(next, Some(format!("The next run is due at {}.", moment(of.since))));
        assert_eq!(next_run(Some(of.since), of.since), None, "over");
    }

    #[test]
    fn the_worst_finding_is_the_state() {
        let run = |status| Some(Newest { status, endpoints: 3, failed: 1 });
        let (fresh, old) = (Duration::minutes(179), Duration::hours(STALE_AFTER_HOURS));
        let moved = || Some("cacheHitRate".to_owned());
        let archive =
            vec!["3 more days".to_owned(), format!("{ARCHIVE}1 of the 2 runs of the record is missing")];
        let damaged = |status| State::of(None, fresh, run(status), &archive);
        assert_eq!((damaged(RunStatus::Ok).word(), damaged(RunStatus::Ok).needs_action()), ("damaged", true));
        assert_eq!(damaged(RunStatus::Partial), State::Damaged { endpoints: 3 });
        assert_eq!(damaged(RunStatus::Failed), State::Failed);
        for (moved, age, newest, word, needs_action) in [
            (None, fresh, run(RunStatus::Ok), "ok", false),
            (None, fresh, run(RunStatus::Partial), "partial", false),
            (None, fresh, run(RunStatus::Failed), "failed", true),
            (None, fresh, run(RunStatus::Suspect), "failed", true),
            (None, fresh, None, "no run", true),
            (None, old, run(RunStatus::Failed), "stale", true),
            (moved(), old, run(RunStatus::Ok), "suspect", true),
        ] {
            let state = State::of(moved, age, newest, &archive[..1]);
            assert_eq!(
                (state.word(), state.needs_action(), state.is_well()),
                (word, needs_action, word == "ok")
            );
        }
    }

    #[test]
    fn only_a_complete_and_recent_run_is_well() {
        assert!(State::Well { endpoints: 3 }.is_well());
        for health in [
            State::Failed,
            State::Stale { age: "3 hours".to_owned() },
            State::Partial { endpoints: 3, failed: 1 },
        ] {
            assert!(!health.is_well(), "{health}");
        }
        let gaps = State::Partial { endpoints: 3, failed: 1 }.to_string();
        assert!(gaps.contains("reports 1 failure."), "{gaps}");
    }
}
