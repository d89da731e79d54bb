//! Cron expressions against a brute-force implementation of the Unix rules, and the loop on a manual clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use hitrate::clock::ManualClock;
use hitrate::scheduler::{CronError, CronExpression, Scheduler, SchedulerReport, Tick, due};
use proptest::prelude::*;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("a time in the test").to_utc()
}

fn cron(text: &str) -> CronExpression {
    CronExpression::parse(text).expect("a valid expression")
}

/// A field as written by the test, independent of the code under test.
#[derive(Debug, Clone)]
enum Item {
    Star(Option<u32>),
    Value(u32),
    Range(u32, u32, Option<u32>),
}

impl Item {
    fn text(&self) -> String {
        match self {
            Item::Star(None) => "*".to_owned(),
            Item::Star(Some(step)) => format!("*/{step}"),
            Item::Value(value) => value.to_string(),
            Item::Range(from, to, None) => format!("{from}-{to}"),
            Item::Range(from, to, Some(step)) => format!("{from}-{to}/{step}"),
        }
    }

    fn has(&self, value: u32, low: u32) -> bool {
        match *self {
            Item::Star(step) => (value - low).is_multiple_of(step.unwrap_or(1)),
            Item::Value(only) => value == only,
            Item::Range(from, to, step) => {
                (from..=to).contains(&value) && (value - from).is_multiple_of(step.unwrap_or(1))
            }
        }
    }
}

fn item(low: u32, high: u32) -> impl Strategy<Value = Item> {
    prop_oneof![
        2 => Just(Item::Star(None)),
        1 => (1..=(high - low).min(9)).prop_map(|step| Item::Star(Some(step))),
        3 => (low..=high).prop_map(Item::Value),
        2 => (low..=high, low..=high, proptest::option::of(1u32..=4))
            .prop_map(|(a, b, step)| Item::Range(a.min(b), a.max(b), step)),
    ]
}

fn field(low: u32, high: u32) -> impl Strategy<Value = Vec<Item>> {
    proptest::collection::vec(item(low, high), 1..=3)
}

fn text(items: &[Item]) -> String {
    items.iter().map(Item::text).collect::<Vec<_>>().join(",")
}

fn has(items: &[Item], value: u32, low: u32) -> bool {
    items.iter().any(|item| item.has(value, low))
}

type Fields = [Vec<Item>; 5];

/// The Unix rule: if one day field begins with a star, both must match; otherwise either may match.
fn matches(fields: &Fields, time: DateTime<Utc>) -> bool {
    let [minute, hour, day, month, weekday] = fields;
    let sunday_zero = time.weekday().num_days_from_sunday();
    let by_day = has(day, time.day(), 1);
    // 7 is Sunday again; a star does not include it.
    let by_weekday = has(weekday, sunday_zero, 0)
        || (sunday_zero == 0 && weekday.iter().any(|item| !matches!(item, Item::Star(_)) && item.has(7, 0)));
    let starred = |items: &[Item]| matches!(items.first(), Some(Item::Star(_)));
    let days = if starred(day) || starred(weekday) { by_day && by_weekday } else { by_day || by_weekday };
    has(minute, time.minute(), 0) && has(hour, time.hour(), 0) && has(month, time.month(), 1) && days
}

const HORIZON_DAYS: i64 = 40;

fn brute(fields: &Fields, from: DateTime<Utc>, step: TimeDelta, strictly: bool) -> Option<DateTime<Utc>> {
    let whole = from.with_second(0)?.with_nanosecond(0)?;
    let moves = step > TimeDelta::zero() || (strictly && whole == from);
    let mut time = if moves { whole + step } else { whole };
    for _ in 0..HORIZON_DAYS * 24 * 60 {
        if matches(fields, time) {
            return Some(time);
        }
        time += step;
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn ticks_are_those_of_a_minute_by_minute_unix_cron(
        fields in (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)),
        seconds in 0i64..4_000_000_000,
        nanos in prop_oneof![Just(0u32), 0u32..1_000_000_000],
    ) {
        let fields: Fields = [fields.0, fields.1, fields.2, fields.3, fields.4];
        let source = fields.iter().map(|items| text(items)).collect::<Vec<_>>().join(" ");
        let time = DateTime::from_timestamp(seconds, nanos).expect("a time in range");
        let expression = match CronExpression::parse(&source) {
            Ok(expression) => expression,
            // A date such as 30 February: brute force finds nothing either.
            Err(CronError::NeverDue { .. }) => {
                prop_assert_eq!(brute(&fields, time, TimeDelta::minutes(1), true), None);
                return Ok(());
            }
            Err(error) => panic!("{source}: {error}"),
        };
        let horizon = TimeDelta::days(HORIZON_DAYS);
        let next = expression.next_after(time).filter(|next| *next <= time + horizon - TimeDelta::minutes(1));
        let expected = brute(&fields, time, TimeDelta::minutes(1), true).filter(|next| *next <= time + horizon - TimeDelta::minutes(1));
        prop_assert_eq!(next, expected, "next of {} after {}", source, time);
        let latest = expression.latest_until(time).filter(|latest| *latest > time - horizon + TimeDelta::minutes(2));
        let expected = brute(&fields, time, TimeDelta::minutes(-1), false)
            .filter(|latest| *latest > time - horizon + TimeDelta::minutes(2) && latest.timestamp() >= 0);
        prop_assert_eq!(latest, expected, "latest of {} until {}", source, time);
    }
}

#[test]
fn known_expressions_give_known_ticks() {
    // 2026-08-10 is a Monday.
    let cases = [
        ("57 * * * *", "2026-08-10T10:57:00Z", "2026-08-10T11:57:00Z"),
        ("57 * * * *", "2026-08-10T10:56:59Z", "2026-08-10T10:57:00Z"),
        ("*/15 8-9 * * *", "2026-08-10T09:46:00Z", "2026-08-11T08:00:00Z"),
        ("0 0 * * 7", "2026-08-10T00:00:00Z", "2026-08-16T00:00:00Z"),
        ("0 0 * * 0", "2026-08-10T00:00:00Z", "2026-08-16T00:00:00Z"),
        ("0 0 * * fri-sun", "2026-08-15T01:00:00Z", "2026-08-16T00:00:00Z"),
        ("0 0 * * MON", "2026-08-10T00:00:00Z", "2026-08-17T00:00:00Z"),
        ("0 0 13 * fri", "2026-08-10T00:00:00Z", "2026-08-13T00:00:00Z"),
        ("0 0 13 * fri", "2026-08-13T00:00:00Z", "2026-08-14T00:00:00Z"),
        ("0 0 */2 * mon", "2026-08-10T00:00:00Z", "2026-08-17T00:00:00Z"),
        ("0 0 29 feb *", "2026-08-10T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("@hourly", "2026-08-10T10:00:00Z", "2026-08-10T11:00:00Z"),
        ("@Daily", "2026-08-10T10:00:00Z", "2026-08-11T00:00:00Z"),
        ("@weekly", "2026-08-10T10:00:00Z", "2026-08-16T00:00:00Z"),
        ("@monthly", "2026-08-10T10:00:00Z", "2026-09-01T00:00:00Z"),
        ("@yearly", "2026-08-10T10:00:00Z", "2027-01-01T00:00:00Z"),
    ];
    for (expression, after, next) in cases {
        assert_eq!(cron(expression).next_after(at(after)), Some(at(next)), "{expression} after {after}");
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_the_field_at_fault() {
    let cases = [
        ("60 * * * *", "minute"),
        ("* 24 * * *", "hour"),
        ("* * 0 * *", "day of month"),
        ("* * * 13 *", "month"),
        ("* * * * 8", "day of week"),
        ("* * * * 5-1", "is reversed"),
        ("* * * * fry", "day of week"),
        ("*/0 * * * *", "from 1 to 60"),
        ("*/61 * * * *", "from 1 to 60"),
        ("5/15 * * * *", "5-59/15"),
        ("1,,2 * * * *", "minute"),
        ("+5 * * * *", "minute"),
        ("* * L * *", "day of month"),
        ("? * * * *", "minute"),
        ("0 57 * * * *", "6 fields"),
        ("57 * * *", "4 fields"),
        ("", "0 fields"),
        ("@reboot", "@reboot"),
        ("0 0 30 2 *", "never comes due"),
    ];
    for (expression, word) in cases {
        let error = CronExpression::parse(expression).expect_err("must be refused").to_string();
        assert!(error.contains(word), "{expression}: {error}");
    }
}

#[test]
fn a_missed_tick_is_due_once_however_many_were_missed() {
    let hourly = cron("57 * * * *");
    let now = at("2026-08-10T10:58:00Z");
    let tick = at("2026-08-10T10:57:00Z");
    assert_eq!(due(None, now, &hourly), Some(tick));
    assert_eq!(due(Some(at("2026-08-01T00:57:00Z")), now, &hourly), Some(tick));
    assert_eq!(due(Some(at("2026-08-10T10:56:59Z")), now, &hourly), Some(tick));
    assert_eq!(due(Some(tick), now, &hourly), None);
    assert_eq!(due(Some(at("2026-08-10T12:00:00Z")), now, &hourly), None);
    assert_eq!(due(None, tick, &hourly), Some(tick));
}

fn scheduler(catch_up: bool) -> Scheduler {
    Scheduler { expression: cron("57 * * * *"), jitter: Duration::ZERO, catch_up, seed: 7 }
}

#[test]
fn the_jitter_is_bounded_spread_and_the_same_every_time() {
    let jitter = Duration::from_secs(90);
    let scheduler = Scheduler { jitter, ..scheduler(true) };
    let start = at("2026-08-10T10:57:00Z");
    let delays: Vec<Duration> =
        (0..200).map(|hour| scheduler.delay(start + TimeDelta::hours(hour))).collect();
    assert!(delays.iter().all(|delay| *delay < jitter));
    assert!(delays.iter().any(|delay| *delay < jitter / 4));
    assert!(delays.iter().any(|delay| *delay > jitter * 3 / 4));
    assert_eq!(scheduler.delay(start), delays[0]);
    let other = Scheduler { seed: 8, ..scheduler.clone() };
    assert_ne!(other.delay(start), delays[0]);
    let wide = Scheduler { jitter: Duration::from_secs(86_400), ..scheduler };
    assert!((0..200).all(|hour| wide.delay(start + TimeDelta::hours(hour)) < Duration::from_secs(1_800)));
}

#[test]
fn the_jitter_leaves_the_last_run_of_a_day_time_before_midnight() {
    let jitter = Duration::from_secs(600);
    let delays = |expression: &str, tick: &str| -> Vec<Duration> {
        let tick = at(tick);
        (0..300)
            .map(|seed| {
                let scheduler = Scheduler { expression: cron(expression), jitter, catch_up: true, seed };
                scheduler.delay(tick)
            })
            .collect()
    };
    // Expression, tick, and the bound in seconds: a third of the rest of the day, or a tighter rule.
    let cases = [
        ("57 * * * *", "2026-08-10T23:57:00Z", 60),
        ("57 * * * *", "2026-12-31T23:57:00Z", 60),
        ("57 * * * *", "2026-08-10T22:57:00Z", 600),
        ("0 * * * *", "2026-08-11T00:00:00Z", 600),
        ("45 * * * *", "2026-08-10T23:45:00Z", 300),
        ("* * * * *", "2026-08-10T23:58:00Z", 30),
        ("* * * * *", "2026-08-10T23:59:00Z", 20),
    ];
    for (expression, tick, seconds) in cases {
        let bound = Duration::from_secs(seconds);
        let delays = delays(expression, tick);
        assert!(delays.iter().all(|delay| *delay < bound), "{expression} at {tick}: beyond {bound:?}");
        assert!(delays.iter().any(|delay| *delay > bound * 9 / 10), "{expression} at {tick}: cut too short");
    }
}

/// A scheduler on a clock that the test moves, with a job that the test watches.
struct Bench {
    clock: ManualClock,
    cancel: CancellationToken,
    ticks: mpsc::UnboundedReceiver<Tick>,
    release: Arc<Notify>,
    loop_end: tokio::task::JoinHandle<SchedulerReport>,
}

#[derive(Clone, Copy, PartialEq)]
enum Job {
    Quick,
    Held,
    Fails,
    Panics,
}

fn bench(scheduler: Scheduler, now: &str, last_run: Option<&str>, jobs: &[Job]) -> Bench {
    let clock = ManualClock::new(at(now));
    let cancel = CancellationToken::new();
    let (sender, ticks) = mpsc::unbounded_channel();
    let release = Arc::new(Notify::new());
    let plan = Arc::new(Mutex::new(jobs.iter().rev().copied().collect::<Vec<_>>()));
    let job_release = release.clone();
    let job = move |tick: Tick| {
        let kind = plan.lock().expect("not poisoned").pop().unwrap_or(Job::Quick);
        let (sender, release) = (sender.clone(), job_release.clone());
        async move {
            sender.send(tick).expect("the test listens");
            match kind {
                Job::Quick => Ok(()),
                Job::Held => {
                    release.notified().await;
                    Ok(())
                }
                Job::Fails => Err("the disk is full"),
                Job::Panics => panic!("a job that panics on purpose"),
            }
        }
    };
    let last_run = last_run.map(at);
    let (loop_clock, token) = (clock.clone(), cancel.clone());
    let loop_end = tokio::spawn(async move { scheduler.run(&loop_clock, last_run, job, token).await });
    Bench { clock, cancel, ticks, release, loop_end }
}

impl Bench {
    async fn tick(&mut self) -> DateTime<Utc> {
        self.ticks.recv().await.expect("the scheduler runs").scheduled_for
    }

    /// Waits until the scheduler sleeps, when it has started everything that is due.
    async fn asleep(&self) {
        while self.clock.sleepers() == 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn stop(self) -> SchedulerReport {
        self.cancel.cancel();
        self.loop_end.await.expect("the loop ends by itself")
    }
}

#[tokio::test]
async fn ticks_come_at_their_minute_and_not_before() {
    let mut bench = bench(scheduler(false), "2026-08-10T10:56:00Z", None, &[]);
    bench.asleep().await;
    bench.clock.advance(Duration::from_secs(30));
    bench.asleep().await;
    assert!(bench.ticks.try_recv().is_err(), "started half a minute early");
    bench.clock.advance(Duration::from_secs(30));
    assert_eq!(bench.tick().await, at("2026-08-10T10:57:00Z"));
    bench.asleep().await;
    bench.clock.set(at("2026-08-10T11:57:03Z"));
    assert_eq!(bench.tick().await, at("2026-08-10T11:57:00Z"));
    let report = bench.stop().await;
    assert_eq!(report, SchedulerReport { runs: 2, ..SchedulerReport::default() });
}

#[tokio::test]
async fn downtime_is_made_up_for_once_and_only_if_wanted() {
    let last = Some("2026-08-08T00:57:00Z");
    let mut wanted = bench(scheduler(true), "2026-08-10T10:58:00Z", last, &[]);
    let tick = wanted.ticks.recv().await.expect("the scheduler runs");
    assert!(tick.catch_up);
    assert_eq!(tick.scheduled_for, at("2026-08-10T10:57:00Z"));
    wanted.asleep().await;
    assert_eq!(wanted.stop().await.runs, 1);

    let unwanted = bench(scheduler(false), "2026-08-10T10:58:00Z", last, &[]);
    unwanted.asleep().await;
    assert_eq!(unwanted.stop().await.runs, 0);

    let in_time = bench(scheduler(true), "2026-08-10T10:58:00Z", Some("2026-08-10T10:57:20Z"), &[]);
    in_time.asleep().await;
    assert_eq!(in_time.stop().await.runs, 0);
}

#[tokio::test]
async fn ticks_that_pass_while_a_job_runs_are_skipped_and_counted() {
    let mut bench = bench(scheduler(true), "2026-08-10T10:57:00Z", None, &[Job::Held]);
    assert_eq!(bench.tick().await, at("2026-08-10T10:57:00Z"));
    bench.clock.set(at("2026-08-10T13:10:00Z"));
    assert!(bench.ticks.try_recv().is_err(), "a second job beside the first");
    bench.release.notify_one();
    bench.asleep().await;
    bench.clock.set(at("2026-08-10T13:57:00Z"));
    assert_eq!(bench.tick().await, at("2026-08-10T13:57:00Z"));
    let report = bench.stop().await;
    assert_eq!((report.runs, report.skipped), (2, 2));
}

#[tokio::test]
async fn a_job_that_fails_or_panics_does_not_stop_the_next() {
    let jobs = [Job::Fails, Job::Panics, Job::Quick];
    let mut bench = bench(scheduler(true), "2026-08-10T10:57:00Z", None, &jobs);
    bench.tick().await;
    for hour in 11..=12 {
        bench.asleep().await;
        bench.clock.set(at(&format!("2026-08-10T{hour}:57:00Z")));
        bench.tick().await;
    }
    bench.asleep().await;
    let report = bench.stop().await;
    assert_eq!(report, SchedulerReport { runs: 3, failed: 1, panicked: 1, skipped: 0 });
}

#[tokio::test]
async fn stopping_tells_the_running_job_and_waits_for_it() {
    let mut bench = bench(scheduler(true), "2026-08-10T10:57:00Z", None, &[Job::Held]);
    let tick = bench.ticks.recv().await.expect("the scheduler runs");
    assert!(!tick.cancel.is_cancelled());
    bench.cancel.cancel();
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    assert!(tick.cancel.is_cancelled());
    assert!(!bench.loop_end.is_finished(), "the scheduler did not wait for the job");
    bench.release.notify_one();
    assert_eq!(bench.stop().await.runs, 1);
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_runs_one_job_and_counts_the_rest() {
    let mut ahead = bench(scheduler(true), "2026-08-10T10:00:00Z", Some("2026-08-10T09:57:00Z"), &[]);
    ahead.asleep().await;
    ahead.clock.set(at("2026-08-10T14:30:00Z"));
    assert_eq!(ahead.tick().await, at("2026-08-10T13:57:00Z"));
    ahead.asleep().await;
    let report = ahead.stop().await;
    assert_eq!((report.runs, report.skipped), (1, 3));

    let late = bench(scheduler(false), "2026-08-10T10:00:00Z", None, &[]);
    late.asleep().await;
    late.clock.set(at("2026-08-10T14:30:00Z"));
    // Dropped ticks only show in the count: wait until the loop reaches its next sleep.
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    let report = late.stop().await;
    assert_eq!((report.runs, report.skipped), (0, 4));
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_silence_the_schedule() {
    let mut bench = bench(scheduler(true), "2027-08-10T10:57:00Z", None, &[]);
    bench.tick().await;
    bench.asleep().await;
    bench.clock.set(at("2026-08-10T10:30:00Z"));
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    bench.clock.set(at("2026-08-10T10:57:00Z"));
    assert_eq!(bench.tick().await, at("2026-08-10T10:57:00Z"));
    assert_eq!(bench.stop().await.runs, 2);
}
