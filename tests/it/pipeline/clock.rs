//! Clocks that are wrong, ahead or behind: no run blocks later ones, and no run is collected with a date that contradicts
//! the record.

use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use hitrate::clock::FixedClock;
use hitrate::pipeline::{CollectOptions, CollectReport, DataDir, Pipeline, PipelineError};
use tokio_util::sync::CancellationToken;

use super::recovery::{manifests, stored};
use crate::rig::{at, config, dump, folder, set_aside};
use crate::upstream::{Upstream, day, pipeline};

/// A data folder on a machine whose clock shows a time.
fn opened(folder: &Path, now: DateTime<Utc>) -> Pipeline {
    Pipeline::open(config(""), DataDir::new(folder), Arc::new(FixedClock(now))).expect("the folder opens")
}

/// Collects at the time of the clock, as the service does.
async fn live(pipeline: &Pipeline, upstream: &Upstream) -> Result<CollectReport, PipelineError> {
    let options =
        CollectOptions { upstream: Some(upstream.url()), at: None, rate: Some(0.0), simulated: true };
    pipeline.collect(&options, &CancellationToken::new(), |_, _| {}).await
}

fn id(time: DateTime<Utc>) -> String {
    time.format("%Y%m%dT%H%M%SZ").to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_from_a_clock_that_was_ahead_is_set_aside_and_the_record_goes_on() {
    let upstream = Upstream::serve().await;
    let (first, last) = (day(11), day(11) + Duration::hours(2));
    for ahead in [day(13), at("2099-01-01T00:57:00Z")] {
        let data = folder();
        for (clock, truth) in [(first, first), (ahead, first + Duration::hours(1))] {
            upstream.set_now(truth);
            let pipeline = opened(data.path(), clock);
            live(&pipeline, &upstream).await.expect("the run has an account");
            drop(pipeline.publish());
        }
        assert_eq!(stored(data.path()), [id(first), id(ahead)]);
        // The clock is right again.
        upstream.set_now(last);
        let corrected = opened(data.path(), last);
        let report = live(&corrected, &upstream).await.expect("not blocked");
        assert_eq!(report.run_id, id(last));
        assert_eq!(corrected.publish().expect("published").as_of, last);
        assert!(corrected.health().is_ok(), "{:?}", corrected.health());
        drop(corrected);
        assert_eq!(stored(data.path()), [id(first), id(last)]);
        let place = data.path().join("archive").join(ahead.format("%Y/%m/%d").to_string());
        let aside = set_aside(&place);
        let renamed = format!("{}.manifest.zst.misdated-", id(ahead));
        assert!(aside.len() == 1 && aside[0].starts_with(&renamed), "{aside:?}");
        let reopened = opened(data.path(), last);
        assert_eq!(reopened.health().set_aside, 1);
        assert_eq!(reopened.health().archive_problems, Vec::<String>::new(), "nothing is damaged");
        drop(reopened);
        // A replay has the same record.
        let other = folder();
        let rebuilt = pipeline(other.path());
        rebuilt
            .replay(&hitrate::archive::Archive::open(data.path().join("archive")), |_, _| {})
            .expect("replayed");
        drop(rebuilt);
        assert_eq!(dump(data.path()), dump(other.path()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_was_set_back_or_never_set_collects_nothing_and_changes_nothing() {
    let upstream = Upstream::serve().await;
    let data = folder();
    for hours in 0..3 {
        let time = day(11) + Duration::hours(hours);
        upstream.set_now(time);
        live(&opened(data.path(), time), &upstream).await.expect("collected");
    }
    let before = dump(data.path());
    upstream.take_asked();
    for wrong in [at("1970-01-01T00:05:00Z"), day(11) + Duration::minutes(20), at("2026-02-01T00:00:00Z")] {
        let pipeline = opened(data.path(), wrong);
        let refused = live(&pipeline, &upstream).await.expect_err("refused");
        assert!(matches!(refused, PipelineError::Clock(_)), "{wrong}: {refused}");
        assert!(refused.to_string().contains("correct the clock"), "{refused}");
        assert!(pipeline.health().clock.is_some());
        drop(pipeline);
        assert_eq!(manifests(data.path()).len(), 3);
        assert_eq!(dump(data.path()), before, "{wrong}");
    }
    assert_eq!(upstream.take_asked(), Vec::<String>::new(), "nothing was requested");
    let time = day(11) + Duration::hours(3);
    upstream.set_now(time);
    let pipeline = opened(data.path(), time);
    live(&pipeline, &upstream).await.expect("the clock is right again");
    assert_eq!(pipeline.health().clock, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_from_the_future_gives_no_preference() {
    use hitrate::preferences::{Mode, preference};
    let upstream = Upstream::serve().await;
    let data = folder();
    upstream.set_now(day(11));
    let pipeline = opened(data.path(), day(11));
    live(&pipeline, &upstream).await.expect("collected");
    let snapshot = pipeline.publish().expect("published");
    let model = &snapshot.models[0];
    let asked = |now| preference(&snapshot, model, Mode::Order, snapshot.default_workload(), now);
    let reason = asked(day(11) - Duration::days(300)).reason.expect("none is given");
    assert!(reason.contains("in the future"), "{reason}");
    let reason = asked(day(11) - Duration::minutes(5)).reason.unwrap_or_default();
    assert!(!reason.contains("in the future"), "clocks differ a little: {reason}");
}
