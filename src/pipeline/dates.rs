//! Runs with a date that cannot be right, because the clock was wrong. A run is named by its time and the record is kept in
//! the order of time, so one run dated years ahead would block all later ones.

use super::collect::time_of;
use super::{Pipeline, PipelineError};
use crate::archive::run_id_of;
use crate::durable;
use crate::scheduler::CronExpression;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// How far a time may lie beyond the clock: clocks are corrected by small steps all the time.
pub(crate) const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(15);
/// Shortest time between two runs that counts as a pause: one missed sweep of an hourly schedule.
const SHORTEST_PAUSE: TimeDelta = TimeDelta::hours(2);
/// Runs in the future that are set aside without a person. If there are more, the clock may as well have been set back into a
/// pause of the record, so they are only reported.
const MOST_WRONG_RUNS: usize = 24;
/// Ticks of the schedule that are looked at to find its longest step: more than two weeks of hours, for schedules that
/// leave out nights or weekends.
const TICKS: usize = 400;
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
    /// The runs from this time on: they are few, there is a pause before them, and the clock agrees with the runs before it.
    RunsAreWrong {
        /// Time of the first of them.
        from: DateTime<Utc>,
    },
}

/// The longest time between two runs of a schedule if one of them is missed, and at least [`SHORTEST_PAUSE`].
fn shortest_pause(schedule: &str, now: DateTime<Utc>) -> TimeDelta {
    let Ok(schedule) = CronExpression::parse(schedule) else { return SHORTEST_PAUSE };
    let ticks = std::iter::successors(schedule.next_after(now), |tick| schedule.next_after(*tick));
    let ticks: Vec<_> = ticks.take(TICKS).collect();
    let longest = ticks.windows(2).map(|pair| pair[1] - pair[0]).max();
    longest.map_or(SHORTEST_PAUSE, |step| SHORTEST_PAUSE.max(step * 2))
}

/// Compares the clock with the times of all runs. A `pause` is longer than the time between two runs, even if one is missed.
pub(super) fn judge(now: DateTime<Utc>, times: &[DateTime<Utc>], pause: TimeDelta) -> Verdict {
    let is_future = |time: &&DateTime<Utc>| **time > now + CLOCK_TOLERANCE;
    let future: BTreeSet<_> = times.iter().filter(is_future).copied().collect();
    let ahead = future.first().copied();
    if now < EARLIEST_CLOCK {
        return Verdict::ClockIsWrong { ahead };
    }
    let Some(from) = ahead else { return Verdict::Plausible };
    let past = times.iter().filter(|time| !is_future(time)).max();
    let is_apart = match past {
        Some(past) => from - *past > pause,
        None => from - now > FAR_AHEAD,
    };
    if is_apart && future.len() <= MOST_WRONG_RUNS {
        Verdict::RunsAreWrong { from }
    } else {
        Verdict::ClockIsWrong { ahead: Some(from) }
    }
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
        let verdict = judge(now, &times, shortest_pause(&self.config.schedule.cron, now));
        self.monitor.lock().clock = match &verdict {
            Verdict::ClockIsWrong { ahead } => Some(contradiction(now, *ahead)),
            _ => None,
        };
        match verdict {
            Verdict::Plausible => Ok(()),
            Verdict::ClockIsWrong { ahead } => Err(PipelineError::Clock(contradiction(now, ahead))),
            Verdict::RunsAreWrong { from } => {
                for path in manifests.iter().filter(|path| is_from(&run_id_of(path), from)) {
                    let aside = durable::set_misdated_aside(path, now)
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
        let why = format!("runs from {} on are dated in the future", from.to_rfc3339());
        if self.rebuild(&why, Some(from))? {
            return Ok(());
        }
        if self.store.newest_accepted()?.is_none_or(|newest| newest < from) {
            return Ok(self.store.forget_from(from)?);
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
    let runs = ahead.map(|time| format!(", but the archive has runs from {} on", time.to_rfc3339()));
    format!(
        "the clock of this machine shows {}{}; correct the clock (for example with an NTP client){}. \
         No run is collected until then",
        now.to_rfc3339(),
        runs.unwrap_or_default(),
        if ahead.is_some() {
            ", or move the manifests of these runs out of the archive if the clock is right"
        } else {
            ""
        }
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
        assert_eq!(judge(now, &times, SHORTEST_PAUSE), Verdict::RunsAreWrong { from: ahead });
        assert_eq!(
            judge(now, &[ahead], SHORTEST_PAUSE),
            Verdict::RunsAreWrong { from: ahead },
            "even without another run"
        );
        let tomorrow = at("2026-11-22T01:00:00Z");
        let times = [hourly(), vec![tomorrow]].concat();
        assert_eq!(judge(now, &times, SHORTEST_PAUSE), Verdict::RunsAreWrong { from: tomorrow });
    }

    #[test]
    fn a_clock_that_was_set_back_or_never_set_is_wrong_and_no_run_is() {
        let back = at("2026-11-20T10:00:00Z");
        let ahead = Some(at("2026-11-20T10:57:00Z"));
        assert_eq!(judge(back, &hourly(), SHORTEST_PAUSE), Verdict::ClockIsWrong { ahead });
        let unset = at("1970-01-01T00:03:00Z");
        assert_eq!(
            judge(unset, &hourly(), SHORTEST_PAUSE),
            Verdict::ClockIsWrong { ahead: Some(hourly()[0]) }
        );
        assert_eq!(judge(unset, &[], SHORTEST_PAUSE), Verdict::ClockIsWrong { ahead: None });
        let before = at("2026-10-01T00:00:00Z");
        assert_eq!(
            judge(before, &hourly(), SHORTEST_PAUSE),
            Verdict::ClockIsWrong { ahead: Some(hourly()[0]) }
        );
    }

    #[test]
    fn a_pause_is_longer_than_the_steps_of_the_schedule() {
        let now = at("2026-11-21T00:57:00Z");
        assert_eq!(shortest_pause("57 * * * *", now), TimeDelta::hours(2));
        assert_eq!(shortest_pause("*/5 * * * *", now), TimeDelta::hours(2));
        assert_eq!(shortest_pause("0 */6 * * *", now), TimeDelta::hours(12));
        assert_eq!(shortest_pause("0 8 * * 1-5", now), TimeDelta::hours(2 * 72), "over the weekend");
        assert_eq!(shortest_pause("no schedule", now), TimeDelta::hours(2));
        // A clock that was set back by seven hours, with a run every six hours.
        let times: Vec<_> =
            (0..20).map(|run| at("2026-11-16T00:00:00Z") + TimeDelta::hours(6 * run)).collect();
        let back = at("2026-11-20T11:10:00Z");
        let ahead = Some(at("2026-11-20T12:00:00Z"));
        assert_eq!(judge(back, &times, TimeDelta::hours(12)), Verdict::ClockIsWrong { ahead });
    }

    #[test]
    fn many_runs_after_a_pause_are_left_to_a_person() {
        // The record paused for two days; the clock was set back into the pause.
        let after: Vec<_> = (0..25).map(|hour| at("2026-11-23T00:57:00Z") + TimeDelta::hours(hour)).collect();
        let back = at("2026-11-22T00:00:00Z");
        let ahead = Some(after[0]);
        let times = [hourly(), after].concat();
        assert_eq!(judge(back, &times, SHORTEST_PAUSE), Verdict::ClockIsWrong { ahead });
        assert!(
            contradiction(back, ahead).contains("move the manifests"),
            "what to do if the clock is right"
        );
    }

    #[test]
    fn small_steps_of_the_clock_are_plausible() {
        assert_eq!(judge(at("2026-11-20T23:45:00Z"), &hourly(), SHORTEST_PAUSE), Verdict::Plausible);
        assert_eq!(judge(at("2026-12-20T23:45:00Z"), &hourly(), SHORTEST_PAUSE), Verdict::Plausible);
        assert_eq!(judge(at("2026-12-20T23:45:00Z"), &[], SHORTEST_PAUSE), Verdict::Plausible);
    }
}
