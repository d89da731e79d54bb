//! What a sweep may take, whatever the upstream sends: time, memory, and what is built from its bodies.

use std::sync::Arc;
use std::time::{Duration as Wall, Instant};

use chrono::Duration;
use hitrate::clock::FixedClock;
use hitrate::domain::reading::RunStatus;
use hitrate::fetch::{FetchConfig, FetchError, FetchRequest, Fetcher, SkipReason, SweepReport};
use hitrate::simulator::{Fault, FaultPlan};
use tokio_util::sync::CancellationToken;

use super::{QUICK, collect, upstream};
use crate::rig::folder;
use crate::upstream::{day, pipeline_with};

fn quick() -> FetchConfig {
    FetchConfig {
        rate_per_second: None,
        max_attempts: 1,
        backoff_base: Wall::from_millis(1),
        ..FetchConfig::default()
    }
}

async fn sweep(
    fetcher: &Fetcher,
    base: &str,
    count: usize,
) -> (Vec<(Option<u16>, usize, Option<FetchError>)>, SweepReport) {
    let requests = (0..count).map(|key| FetchRequest { url: format!("{base}/api/v1/models"), key }).collect();
    let mut outcomes = Vec::new();
    let report = fetcher
        .fetch_all_until(&CancellationToken::new(), requests, |outcome| {
            outcomes.push((outcome.status, outcome.body.len(), outcome.error));
        })
        .await;
    (outcomes, report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bodies_of_a_sweep_have_a_limit_together() {
    let upstream = upstream().await;
    upstream.set_now(day(11));
    let length = upstream.simulator().body("/api/v1/models", "", day(11)).1.expect("a body").len();
    let config = FetchConfig { max_total_bytes: 3 * length, max_connections: 1, ..quick() };
    let fetcher = Fetcher::new(config, Arc::new(FixedClock(day(11)))).expect("a client");
    let (outcomes, report) = sweep(&fetcher, &upstream.base_url(), 5).await;
    assert_eq!(report, SweepReport { attempts: 5, stopped: None });
    let kept: Vec<usize> = outcomes.iter().map(|(_, length, _)| *length).collect();
    assert_eq!(kept, [length, length, length, 0, 0]);
    for (status, _, error) in &outcomes[3..] {
        let words = error.as_ref().expect("a failure").to_string();
        assert_eq!(*status, Some(200));
        assert!(words.contains(&format!("{} bytes together", 3 * length)), "{words}");
        assert!(words.contains("fetch.max_sweep_mib"), "{words}");
    }
    // The caller has dropped them.
    fetcher.forget_bodies();
    let (outcomes, _) = sweep(&fetcher, &upstream.base_url(), 1).await;
    assert_eq!(outcomes[0].1, length);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_that_were_not_kept_do_not_count() {
    let upstream = upstream().await;
    upstream.set_now(day(11));
    upstream.set_faults(vec![FaultPlan::of(Fault::HugeBody)]);
    let config =
        FetchConfig { max_body_bytes: 1 << 20, max_total_bytes: 2 << 20, max_connections: 1, ..quick() };
    let fetcher = Fetcher::new(config, Arc::new(FixedClock(day(11)))).expect("a client");
    let (outcomes, _) = sweep(&fetcher, &upstream.base_url(), 4).await;
    for (_, length, error) in outcomes {
        assert!(length == 0 && matches!(error, Some(FetchError::TooLarge { .. })), "{error:?}");
    }
    upstream.set_faults(Vec::new());
    assert_eq!(sweep(&fetcher, &upstream.base_url(), 1).await.0[0].2, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_ends_at_its_time_limit_and_keeps_what_it_has() {
    let upstream = upstream().await;
    upstream.set_now(day(11));
    let config = FetchConfig { max_duration: Some(Wall::from_secs(2)), ..quick() };
    let fetcher = Fetcher::new(config, Arc::new(FixedClock(day(11)))).expect("a client");
    let (outcomes, _) = sweep(&fetcher, &upstream.base_url(), 3).await;
    assert!(outcomes.iter().all(|(_, _, error)| error.is_none()), "{outcomes:?}");
    upstream.set_faults(vec![FaultPlan::of(Fault::Hang)]);
    let begun = Instant::now();
    // The limit counts from the first request of the fetcher.
    let (outcomes, report) = sweep(&fetcher, &upstream.base_url(), 20).await;
    assert!(begun.elapsed() < Wall::from_secs(10), "it took {:?}", begun.elapsed());
    assert_eq!((outcomes.len(), report.stopped), (20, Some(SkipReason::Time)));
    for (_, _, error) in outcomes {
        assert!(matches!(error, Some(FetchError::Skipped { reason: SkipReason::Time, .. })), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_of_a_million_nested_values_is_refused_by_its_shape() {
    for (fault, words) in [(Fault::Nested, "64 levels"), (Fault::ManyValues, "1000000 values")] {
        let upstream = upstream().await;
        let data = folder();
        let pipeline = pipeline_with(
            data.path(),
            &QUICK
                .replace("max_body_mib = 1\n", "max_body_mib = 16\n")
                .replace("max_sweep_mib = 16\n", "max_sweep_mib = 64\n"),
        );
        collect(&pipeline, &upstream, day(11)).await;
        let model = upstream.simulator().truth().models().remove(0).canonical;
        let one = FaultPlan::of(fault).on(&format!("stats/endpoint?permaslug={model}&variant=standard"));
        upstream.set_faults(vec![one]);
        let report = collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
        assert_eq!(report.status, RunStatus::Partial, "{fault}: {:?}", report.failures);
        assert!(report.failures.iter().any(|line| line.contains(words)), "{fault}: {:?}", report.failures);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_waits_longer_than_asked_for() {
    let upstream = upstream().await;
    upstream.set_now(day(11));
    upstream.set_faults(vec![FaultPlan::of(Fault::RateLimitedLong)]);
    let fetcher = Fetcher::new(quick(), Arc::new(FixedClock(day(11)))).expect("a client");
    let begun = Instant::now();
    let (_, report) = sweep(&fetcher, &upstream.base_url(), 5).await;
    assert_eq!(report, SweepReport { attempts: 1, stopped: Some(SkipReason::Refused) });
    assert!(begun.elapsed() < Wall::from_secs(5));
}
