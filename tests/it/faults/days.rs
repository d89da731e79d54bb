//! Longer times: an upstream that is gone for days, and a clock that jumps.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use hitrate::clock::ManualClock;
use hitrate::domain::reading::RunStatus;
use hitrate::pipeline::{CollectOptions, DataDir, Pipeline};
use hitrate::preferences::{Mode, preference};
use hitrate::serve::collect_and_publish;
use hitrate::simulator::{Fault, FaultPlan};
use tokio_util::sync::CancellationToken;

use super::{QUICK, reached, upstream};
use crate::rig::{config, folder};
use crate::upstream::day;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_is_gone_for_days_is_waited_for() {
    const HOURS: i64 = 50;
    let upstream = upstream().await;
    let data = folder();
    let clock = ManualClock::new(day(11));
    let pipeline =
        Pipeline::open(config(QUICK), DataDir::new(data.path()), Arc::new(clock.clone())).expect("it opens");
    let pipeline = Arc::new(pipeline);
    let cancel = CancellationToken::new();
    let run = async |hour: i64| {
        let time = day(11) + Duration::hours(hour);
        upstream.set_now(time);
        clock.set(time);
        reached(&upstream, hour == 0 || hour > HOURS).await;
        let options = CollectOptions {
            upstream: Some(upstream.base_url()),
            at: Some(time),
            rate: Some(0.0),
            simulated: true,
        };
        collect_and_publish(pipeline.clone(), &options, &cancel).await.expect("a failed run is no error");
        pipeline.current.get().expect("published")
    };
    let good = run(0).await;
    assert_eq!(good.next_run, Some(day(11) + Duration::hours(1)), "by the schedule");
    let gone = FaultPlan { hours: Some((0.5, HOURS as f64 + 0.5)), ..FaultPlan::of(Fault::Gone) };
    upstream.set_faults(vec![gone.from(day(11))]);
    for hour in 1..=HOURS {
        let now = day(11) + Duration::hours(hour);
        let shown = run(hour).await;
        assert_eq!((shown.as_of, &shown.models), (day(11), &good.models), "hour {hour}");
        let trouble = shown.status.trouble.as_ref().expect("it is reported");
        let runs = usize::try_from(hour).expect("positive");
        assert_eq!((trouble.status, trouble.runs), (RunStatus::Failed, runs));
        assert_eq!((trouble.since, trouble.last_good), (day(11) + Duration::hours(1), Some(day(11))));
        assert!(
            trouble.reason.as_ref().is_some_and(|why| why.contains("connect") || why.contains("respond"))
        );
        assert_eq!(shown.next_run, Some(now + Duration::hours(1)));
        let answer = preference(&shown, &shown.models[0], Mode::Avoid, "coding-agent", now);
        let is_stale = answer.reason.as_ref().is_some_and(|why| why.contains("stale"));
        assert_eq!(is_stale, hour > 27, "hour {hour}: {:?}", answer.reason);
    }
    let healed = run(HOURS + 1).await;
    assert_eq!(healed.as_of, day(11) + Duration::hours(HOURS + 1), "the first good run heals");
    assert_eq!(healed.status.trouble, None);
    assert_eq!(healed.summary.endpoints, good.summary.endpoints);
    upstream.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_whose_clock_jumps_changes_no_order_of_runs() {
    // The upstream's clock is an hour ahead, then a day behind; this machine's clock is right.
    for wrong in [Duration::hours(1), Duration::days(-1)] {
        let upstream = upstream().await;
        let data = folder();
        let clock = ManualClock::new(day(11));
        let pipeline = Pipeline::open(config(QUICK), DataDir::new(data.path()), Arc::new(clock.clone()));
        let pipeline = pipeline.expect("it opens");
        let run = async |time: DateTime<Utc>, off: Duration| {
            upstream.set_now(time + off);
            clock.set(time);
            let options = CollectOptions {
                upstream: Some(upstream.base_url()),
                at: None,
                rate: Some(0.0),
                simulated: true,
            };
            let cancel = CancellationToken::new();
            pipeline.collect(&options, &cancel, |_, _| {}).await.expect("the run has an account")
        };
        assert_eq!(run(day(11), Duration::zero()).await.status, RunStatus::Ok);
        let good = pipeline.publish().expect("published");
        let time = day(11) + Duration::hours(1);
        let report = run(time, wrong).await;
        assert_eq!(report.observed_at, time, "the time of a run is that of this machine");
        let shown = pipeline.publish().expect("published");
        assert!(shown.as_of <= time && shown.readings.iter().all(|reading| reading.observed_at <= time));
        let last = run(time + Duration::hours(1), Duration::zero()).await;
        assert_eq!(last.status, RunStatus::Ok, "{wrong}: {:?} {:?}", last.failures, last.findings);
        let healed = pipeline.publish().expect("published");
        assert_eq!(healed.summary.endpoints, good.summary.endpoints);
    }
}
