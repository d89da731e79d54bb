//! Runs with a date that cannot be right, because the clock was wrong. A run is named by its time and the record is kept in
//! the order of time, so one run dated years ahead would block all later ones.

use super::collect::time_of;
use super::{Pipeline, PipelineError};
use crate::archive::run_id_of;
use crate::durable;
use chrono::{DateTime, TimeDelta, Utc};

/// How far a time may lie beyond the clock: clocks are corrected by small steps all the time.
pub(super) const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(15);
/// Longest time between two runs in a record without a pause: one missed sweep.
const LONGEST_STEP: TimeDelta = TimeDelta::hours(2);
/// Without any run in the past of the clock, runs are wrong only if they are further ahead than this.
const FAR_AHEAD: TimeDelta = TimeDelta::days(366);
/// The start of 2026, before which no run can have been collected: a clock before it was never set.
const EARLIEST_CLOCK: DateTime<Utc> = match DateTime::from_timestamp(1_767_225_600, 0) {
    Some(time) => time,
    None => DateTime::<Utc>::MIN_UTC,
};

/// Which of the clock and the runs is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Neither: no run is dated in the future.
    Plausible,
    /// The clock was never set, or it was set back: runs without a pause lead beyond it.
    ClockIsWrong {
        /// Time of the first run in the future, if any.
        ahead: Option<DateTime<Utc>>,
    },
    /// The runs from this time on: there is a gap before them, and the clock agrees with the runs before the gap.
    RunsAreWrong {
        /// Time of the first of them.
        from: DateTime<Utc>,
    },
}

/// Compares the clock with the times of all runs.
pub(super) fn judge(now: DateTime<Utc>, times: &[DateTime<Utc>]) -> Verdict {
    let is_future = |time: &&DateTime<Utc>| **time > now + CLOCK_TOLERANCE;
    let ahead = times.iter().filter(is_future).min().copied();
    if now < EARLIEST_CLOCK {
        return Verdict::ClockIsWrong { ahead };
    }
    let Some(from) = ahead else { return Verdict::Plausible };
    let past = times.iter().filter(|time| !is_future(time)).max();
    let is_apart = match past {
        Some(past) => from - *past > LONGEST_STEP,
        None => from - now > FAR_AHEAD,
    };
    if is_apart { Verdict::RunsAreWrong { from } } else { Verdict::ClockIsWrong { ahead: Some(from) } }
}

impl Pipeline {
    /// Compares the clock with the record before a live sweep. Runs that are dated in the future by mistake are set aside:
    /// their manifests are renamed in the archive, and the record is rebuilt without them. The caller holds the lock for
    /// recording.
    ///
    /// # Errors
    /// [`PipelineError::Clock`] if the clock is wrong, so that no run can be collected; otherwise as
    /// [`Pipeline::replay`].
    pub(super) fn compare_with_clock(&self) -> Result<(), PipelineError> {
        let now = self.clock.now();
        let manifests = self.archive.manifests()?;
        let stored = self.store.run_ids()?;
        let archived = manifests.iter().map(|path| run_id_of(path));
        let times: Vec<_> =
            archived.chain(stored.iter().cloned()).filter_map(|run_id| time_of(&run_id)).collect();
        let verdict = judge(now, &times);
        self.monitor.lock().clock = match &verdict {
            Verdict::ClockIsWrong { ahead } => Some(contradiction(now, *ahead)),
            _ => None,
        };
        match verdict {
            Verdict::Plausible => Ok(()),
            Verdict::ClockIsWrong { ahead } => Err(PipelineError::Clock(contradiction(now, ahead))),
            Verdict::RunsAreWrong { from } => {
                for path in manifests.iter().filter(|path| is_from(&run_id_of(path), from)) {
                    let aside = durable::set_aside(path, now)
                        .map_err(|source| PipelineError::SetAside { path: path.clone(), source })?;
                    tracing::error!(
                        run_id = run_id_of(path),
                        file = %path.display(),
                        set_aside = %aside.display(),
                        clock = now.to_rfc3339(),
                        "a run is dated in the future, so the clock was wrong when it was collected; it was set aside"
                    );
                    self.monitor.lock().set_aside += 1;
                }
                if stored.iter().any(|run_id| is_from(run_id, from)) {
                    self.leave_out_from(from)?;
                }
                Ok(())
            }
        }
    }

    /// Removes the runs from a time on from the record.
    fn leave_out_from(&self, from: DateTime<Utc>) -> Result<(), PipelineError> {
        if self.store.newest_accepted()?.is_none_or(|newest| newest < from) {
            return Ok(self.store.forget_from(from)?);
        }
        let why = format!("runs from {} on are dated in the future", from.to_rfc3339());
        if self.rebuild(&why, Some(from))? {
            return Ok(());
        }
        Err(PipelineError::Clock(format!(
            "{why}, and the record cannot be rebuilt without them because the archive lacks other runs; the log names them. \
             Restore the archive from a backup"
        )))
    }
}

fn is_from(run_id: &str, from: DateTime<Utc>) -> bool {
    time_of(run_id).is_some_and(|time| time >= from)
}

fn contradiction(now: DateTime<Utc>, ahead: Option<DateTime<Utc>>) -> String {
    let runs = ahead.map(|time| format!(", but the archive has runs up to and after {}", time.to_rfc3339()));
    format!(
        "the clock of this machine shows {}{}; correct the clock (for example with an NTP client). \
         No run is collected until then",
        now.to_rfc3339(),
        runs.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    /// Hourly runs of a day.
    fn hourly() -> Vec<DateTime<Utc>> {
        (0..24).map(|hour| at("2026-11-20T00:57:00Z") + TimeDelta::hours(hour)).collect()
    }

    #[test]
    fn a_run_years_ahead_is_wrong_and_the_clock_is_right() {
        let ahead = at("2099-01-01T00:00:00Z");
        let now = at("2026-11-21T00:57:00Z");
        let times = [hourly(), vec![ahead, ahead + TimeDelta::hours(1)]].concat();
        assert_eq!(judge(now, &times), Verdict::RunsAreWrong { from: ahead });
        assert_eq!(judge(now, &[ahead]), Verdict::RunsAreWrong { from: ahead }, "even without another run");
        let tomorrow = at("2026-11-22T01:00:00Z");
        let times = [hourly(), vec![tomorrow]].concat();
        assert_eq!(judge(now, &times), Verdict::RunsAreWrong { from: tomorrow });
    }

    #[test]
    fn a_clock_that_was_set_back_or_never_set_is_wrong_and_no_run_is() {
        let back = at("2026-11-20T10:00:00Z");
        let ahead = Some(at("2026-11-20T10:57:00Z"));
        assert_eq!(judge(back, &hourly()), Verdict::ClockIsWrong { ahead });
        let unset = at("1970-01-01T00:03:00Z");
        assert_eq!(judge(unset, &hourly()), Verdict::ClockIsWrong { ahead: Some(hourly()[0]) });
        assert_eq!(judge(unset, &[]), Verdict::ClockIsWrong { ahead: None });
        let before = at("2026-10-01T00:00:00Z");
        assert_eq!(judge(before, &hourly()), Verdict::ClockIsWrong { ahead: Some(hourly()[0]) });
    }

    #[test]
    fn small_steps_of_the_clock_are_plausible() {
        assert_eq!(judge(at("2026-11-20T23:45:00Z"), &hourly()), Verdict::Plausible);
        assert_eq!(judge(at("2026-12-20T23:45:00Z"), &hourly()), Verdict::Plausible);
        assert_eq!(judge(at("2026-12-20T23:45:00Z"), &[]), Verdict::Plausible);
    }
}
