//! A sweep whose meaning moved, or that was cut short, is never published as fact.

use std::sync::Arc;

use chrono::Duration;
use hitrate::archive::Archive;
use hitrate::clock::SystemClock;
use hitrate::pipeline::{AcceptError, CollectOptions, DataDir, Pipeline, PipelineError};
use hitrate::snapshot::Snapshot;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::rig::{config, folder};
use crate::upstream::{Fault, Upstream, collect, day, hundredth, pipeline};

const RATE: &str = "effective_pricing.cacheHitRate";

fn rates(snapshot: &Snapshot) -> Vec<Option<f64>> {
    snapshot.models.iter().flat_map(|model| &model.endpoints).map(|endpoint| endpoint.hit_rate).collect()
}

fn in_memory(folder: &std::path::Path) -> Pipeline {
    Pipeline::open(config(""), DataDir::new(folder), Arc::new(SystemClock)).expect("the folder opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_change_is_kept_back_until_it_is_accepted_by_name() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    assert_eq!(collect(&pipeline, &upstream, day(11)).await.status.as_str(), "ok");
    let good = pipeline.publish().expect("published");

    upstream.set_faults(&[("effective-pricing", Fault::Change(hundredth))]);
    let second = day(11) + Duration::hours(1);
    let report = collect(&pipeline, &upstream, second).await;
    assert_eq!(report.status.as_str(), "suspect", "{report:?}");
    assert_eq!(
        report.findings.first().map(|finding| finding.field.as_str()),
        Some(RATE),
        "{:?}",
        report.findings
    );
    let kept = pipeline.publish().expect("published");
    assert_eq!((kept.as_of, rates(&kept)), (good.as_of, rates(&good)), "the last good numbers are kept");
    let suspect = kept.status.suspect.as_ref().expect("the status names the run");
    assert_eq!((suspect.run_id.as_str(), suspect.observed_at), (report.run_id.as_str(), second));
    assert!(suspect.moved().contains(RATE));
    assert_eq!(kept.status.runs[0].status.as_str(), "suspect");
    assert_eq!(collect(&pipeline, &upstream, second).await.findings, report.findings, "its report is kept");

    let refused = pipeline.accept("20990101T000000Z", None).expect_err("no such run");
    assert!(matches!(refused, PipelineError::Accept(AcceptError::NoSuchRun(_))), "{refused}");
    let first = good.status.runs[0].run_id.clone();
    let refused = pipeline.accept(&first, None).expect_err("not suspect");
    assert!(matches!(refused, PipelineError::Accept(AcceptError::NotSuspect { .. })), "{refused}");
    let refused = pipeline.accept(&report.run_id, Some(&["models".to_owned()])).expect_err("another field");
    assert!(refused.to_string().contains(RATE), "it names what can be accepted: {refused}");
    drop(pipeline);

    // Nothing is forgotten after a restart; a further run is suspect against the same baseline.
    let pipeline = in_memory(data.path());
    assert_eq!(pipeline.current.get().expect("served").as_of, good.as_of);
    let third = collect(&pipeline, &upstream, second + Duration::hours(1)).await;
    assert_eq!(third.status.as_str(), "suspect");

    let moved: Vec<String> = report.findings.iter().map(|finding| finding.field.clone()).collect();
    let accepted = pipeline.accept(&report.run_id, Some(&moved)).expect("accepted");
    assert_eq!((accepted.status.as_str(), accepted.open.len(), accepted.needs_replay), ("ok", 0, false));
    let after = pipeline.current.get().expect("served");
    assert_eq!(after.as_of, second + Duration::hours(1), "the next run matches the new baseline");
    assert!(after.status.suspect.is_none());
    assert!(rates(&after).iter().flatten().all(|rate| *rate <= 0.01));

    // The decision is part of the archive: a replay produces the same record.
    let other = folder();
    let again = in_memory(other.path());
    let replayed = again.replay(&Archive::open(data.path().join("archive")), |_, _| {}).expect("replayed");
    assert_eq!((replayed.runs, replayed.stored), (3, 3));
    assert_eq!(rates(&again.current.get().expect("served")), rates(&after));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_went_away_can_only_be_accepted_by_a_replay() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    upstream.set_faults(&[("effective-pricing", Fault::Change(hundredth))]);
    let report = collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
    upstream.set_faults(&[]);
    assert_eq!(collect(&pipeline, &upstream, day(11) + Duration::hours(2)).await.status.as_str(), "ok");
    let snapshot = pipeline.publish().expect("published");
    assert!(snapshot.status.suspect.is_none(), "the newest run is no longer suspect");
    assert_eq!(snapshot.status.runs[1].status.as_str(), "suspect", "and the suspect one is still listed");
    let accepted = pipeline.accept(&report.run_id, None).expect("kept for later");
    assert!(accepted.needs_replay && accepted.snapshot.is_none());
    assert_eq!(pipeline.store.newest_accepted().expect("readable"), Some(day(11) + Duration::hours(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_is_cut_short_changes_nothing_that_is_published() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    let good = pipeline.publish().expect("published");
    upstream.set_faults(&[("/endpoints", Fault::Status(403))]);
    let cut = collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
    assert_eq!(cut.status.as_str(), "failed", "{:?}", cut.failures);
    assert!(cut.documents > 10, "much of it was answered");
    let kept = pipeline.publish().expect("published");
    assert_eq!((kept.as_of, rates(&kept)), (good.as_of, rates(&good)));
    assert_eq!(kept.status.runs[0].status.as_str(), "failed", "the status of the run is published");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_refused_document_is_a_failure_of_that_document() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    let good = pipeline.publish().expect("published");
    let busiest = upstream.models().remove(0);
    let place = format!("stats/endpoint?permaslug={busiest}&variant=standard");
    upstream.set_faults(&[(&place, Fault::Status(403))]);
    let report = collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
    assert_eq!(report.status.as_str(), "partial", "{:?}", report.failures);
    let snapshot = pipeline.publish().expect("published");
    assert_eq!(snapshot.summary.endpoints, good.summary.endpoints, "its endpoints keep their last reading");
    let of = |snapshot: &Snapshot| {
        let model = snapshot.models.iter().find(|model| model.slug.as_str() == busiest).expect("there");
        let mut rates: Vec<_> =
            model.endpoints.iter().map(|one| (one.endpoint_id, one.hit_rate.is_some())).collect();
        rates.sort_unstable();
        rates
    };
    assert_eq!(of(&snapshot), of(&good), "the same endpoints, still with their rates");
}

/// Removes the summaries, as in an empty body with status 200.
fn emptied(body: &mut Value) {
    *body =
        serde_json::json!({"data": {"providerSummaries": [], "inputChartData": [], "outputChartData": []}});
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_answer_where_there_were_rows_is_a_failure_and_costs_no_number() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    let good = pipeline.publish().expect("published");
    let busiest = upstream.models().remove(0);
    let place = format!("effective-pricing?permaslug={busiest}&");
    upstream.set_faults(&[(&place, Fault::Change(emptied))]);
    let report = collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
    assert_eq!(report.status.as_str(), "partial");
    assert_eq!(report.quarantined.get("empty_answer"), Some(&1));
    assert!(report.failures.iter().any(|line| line.contains(&busiest)), "{:?}", report.failures);
    let kept = pipeline.publish().expect("published");
    assert_eq!(kept.summary.endpoints_with_usage, good.summary.endpoints_with_usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_the_service_stops_leaves_no_trace() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    let archived = pipeline.archive.manifests().expect("listed").len();
    let cancel = CancellationToken::new();
    let options = CollectOptions {
        upstream: Some(upstream.url()),
        at: Some(day(11) + Duration::hours(1)),
        rate: Some(20.0),
        simulated: true,
    };
    // Before the first answer, and in the middle.
    let at_once = CancellationToken::new();
    at_once.cancel();
    assert!(matches!(pipeline.collect(&options, &at_once, |_, _| {}).await, Err(PipelineError::Cancelled)));
    let stop = cancel.clone();
    let stopped = pipeline.collect(&options, &cancel, move |done, _| {
        if done > 5 {
            stop.cancel();
        }
    });
    assert!(matches!(stopped.await, Err(PipelineError::Cancelled)));
    assert_eq!(pipeline.archive.manifests().expect("listed").len(), archived);
    assert_eq!(pipeline.store.newest_time().expect("readable"), Some(day(11)), "the next start catches up");
}
