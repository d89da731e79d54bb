//! The loop: wait for a tick, run the job, count the ticks that were missed meanwhile.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::CronExpression;
use crate::clock::{Clock, later};
use crate::domain::window::end_of_day;

/// The longest single sleep: a changed clock or a machine that wakes up is noticed within this time.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// How late a tick may start if catching up is disabled.
const PUNCTUAL: Duration = Duration::from_secs(120);
/// If the clock is set back by more than this, the scheduler forgets the ticks that it has already handled.
const SET_BACK: TimeDelta = TimeDelta::hours(1);
/// Missed ticks are counted up to this number: after a week of a minutely schedule, the exact number is irrelevant.
const COUNT_AT_MOST: usize = 10_000;

/// When a job runs.
#[derive(Debug, Clone)]
pub struct Scheduler {
    /// The ticks, in UTC.
    pub expression: CronExpression,
    /// Maximum random delay of a tick. The delay is also at most half of the time to the next tick, and at most a third
    /// of the time to the next UTC midnight.
    pub jitter: Duration,
    /// Whether to catch up, once, on ticks that passed while the service was down.
    pub catch_up: bool,
    /// Seed of the jitter; the same seed and tick give the same delay.
    pub seed: u64,
}

/// The information that a job gets when it starts.
#[derive(Debug, Clone)]
pub struct Tick {
    /// The scheduled time of this run, UTC.
    pub scheduled_for: DateTime<Utc>,
    /// Whether this run catches up after a downtime.
    pub catch_up: bool,
    /// Cancelled when the service stops: finish the current step and return.
    pub cancel: CancellationToken,
}

/// Counts of what a scheduler did until it stopped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SchedulerReport {
    /// Jobs started.
    pub runs: usize,
    /// Jobs that returned an error.
    pub failed: usize,
    /// Jobs that panicked.
    pub panicked: usize,
    /// Ticks that passed while a job ran or the machine slept.
    pub skipped: usize,
}

/// The tick to catch up on: the latest one at or before `now`, if the last run is older or there was none. However many
/// ticks were missed, this is a single tick.
pub fn due(
    last_run: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    expression: &CronExpression,
) -> Option<DateTime<Utc>> {
    expression.latest_until(now).filter(|latest| last_run.is_none_or(|last_run| last_run < *latest))
}

enum Wake {
    Run { tick: DateTime<Utc>, missed: usize },
    Drop { until: DateTime<Utc>, missed: usize },
    Sleep(Duration),
    Never,
}

impl Scheduler {
    /// The delay of `tick`: at least zero, less than [`Scheduler::jitter`], less than half of the time to the next tick
    /// and less than a third of the time to the next UTC midnight. It is the same on every call. The last run of a day
    /// closes that day, so most of the remaining time is left to the run itself.
    pub fn delay(&self, tick: DateTime<Utc>) -> Duration {
        let until = |time: DateTime<Utc>| (time - tick).to_std().unwrap_or(Duration::MAX);
        let gap = self.expression.next_after(tick).map_or(Duration::MAX, until);
        let day_left = until(end_of_day(tick.date_naive()));
        let bound = self.jitter.min(gap / 2).min(day_left / 3);
        let bound = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX);
        if bound == 0 {
            return Duration::ZERO;
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ tick.timestamp().cast_unsigned());
        Duration::from_millis(random.random_range(0..bound))
    }

    /// Runs `job` at every tick until `cancel` is cancelled, then waits for a running job and returns the counts.
    ///
    /// `last_run` is the time of the job's last run (UTC), or `None` if it never ran: with `catch_up`, a new
    /// installation runs at once. Jobs never overlap. If a job fails or panics, the error is logged and the next tick
    /// runs as usual. Also returns if the expression has no further tick.
    pub async fn run<C, J, F, E>(
        &self,
        clock: &C,
        last_run: Option<DateTime<Utc>>,
        job: J,
        cancel: CancellationToken,
    ) -> SchedulerReport
    where
        C: Clock + ?Sized,
        J: Fn(Tick) -> F,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let mut report = SchedulerReport::default();
        // All ticks up to this time have been handled.
        let mut handled = clock.now();
        if self.catch_up
            && !cancel.is_cancelled()
            && let Some(tick) = due(last_run, handled, &self.expression)
        {
            tracing::info!(scheduled_for = %tick, "catching up on a missed tick");
            handled = self.start(clock, tick, true, &job, &cancel, &mut report).await;
        }
        while !cancel.is_cancelled() {
            let now = clock.now();
            if now < handled - SET_BACK {
                tracing::warn!(%now, %handled, "the clock was set back; rescheduling from the current time");
                handled = now;
            }
            match self.wake(handled, now) {
                Wake::Run { tick, missed } => {
                    count_skipped(&mut report, missed, "while waiting");
                    handled = self.start(clock, tick, false, &job, &cancel, &mut report).await;
                }
                Wake::Drop { until, missed } => {
                    count_skipped(&mut report, missed, "too late to start");
                    handled = until;
                }
                Wake::Sleep(duration) => tokio::select! {
                    () = cancel.cancelled() => {}
                    () = clock.sleep(duration) => {}
                },
                Wake::Never => {
                    tracing::error!(expression = %self.expression, "the expression has no further tick; the scheduler stops");
                    break;
                }
            }
        }
        report
    }

    fn wake(&self, handled: DateTime<Utc>, now: DateTime<Utc>) -> Wake {
        let Some(first) = self.expression.next_after(handled) else {
            return Wake::Never;
        };
        let start = later(first, self.delay(first));
        if let Ok(wait) = (start - now).to_std()
            && !wait.is_zero()
        {
            return Wake::Sleep(wait.min(LONGEST_SLEEP));
        }
        let tick = self.expression.latest_until(now).unwrap_or(first);
        let missed = self.ticks_between(handled, tick);
        let punctual = later(tick, self.delay(tick) + PUNCTUAL) >= now;
        if self.catch_up || punctual {
            Wake::Run { tick, missed: missed.saturating_sub(1) }
        } else {
            Wake::Drop { until: tick, missed }
        }
    }

    /// Runs one job to its end and returns the time up to which ticks have been handled.
    async fn start<C, J, F, E>(
        &self,
        clock: &C,
        tick: DateTime<Utc>,
        catch_up: bool,
        job: &J,
        cancel: &CancellationToken,
        report: &mut SchedulerReport,
    ) -> DateTime<Utc>
    where
        C: Clock + ?Sized,
        J: Fn(Tick) -> F,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        report.runs += 1;
        let begun = clock.now().max(tick);
        let cancel = cancel.clone();
        match run_apart(|| job(Tick { scheduled_for: tick, catch_up, cancel })).await {
            Some(Ok(())) => {}
            Some(Err(error)) => {
                report.failed += 1;
                tracing::error!(scheduled_for = %tick, %error, "the scheduled job failed; the next tick runs as usual");
            }
            None => {
                report.panicked += 1;
                tracing::error!(scheduled_for = %tick, "the scheduled job panicked; the next tick runs as usual");
            }
        }
        let ended = clock.now().max(tick);
        count_skipped(report, self.ticks_between(begun, ended), "while the job ran");
        ended
    }

    /// The number of ticks in `(after, until]`.
    fn ticks_between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> usize {
        std::iter::successors(self.expression.next_after(after), |tick| self.expression.next_after(*tick))
            .take_while(|tick| *tick <= until)
            .take(COUNT_AT_MOST)
            .count()
    }
}

/// Creates and runs a job, and returns `None` if it panics. Dropping the future aborts the job.
async fn run_apart<F>(job: impl FnOnce() -> F) -> Option<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let work = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).ok()?;
    AbortOnDropHandle::new(tokio::spawn(work)).await.ok()
}

fn count_skipped(report: &mut SchedulerReport, missed: usize, when: &str) {
    if missed > 0 {
        report.skipped += missed;
        tracing::warn!(missed, "skipped ticks that passed {when}");
    }
}
