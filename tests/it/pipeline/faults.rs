//! Upstreams that fail in part, that are down, and that refuse.

use chrono::Duration;
use hitrate::domain::change::ChangeKind;

use crate::rig::{folder, rows};
use crate::upstream::{Fault, Upstream, collect, collect_from, day, nobody, pipeline};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_failures_make_a_run_partial_and_cost_nothing_else() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    let whole = collect(&pipeline, &upstream, day(11)).await;
    let models = upstream.models();
    let stats = |model: &str| format!("stats/endpoint?permaslug={model}&variant=standard");
    let [broken, page, half] = [&models[0], &models[1], &models[2]];
    let half_usage = format!("stats/effective-pricing?permaslug={half}&variant=standard");
    upstream.set_faults(&[
        (stats(broken).as_str(), Fault::Status(500)),
        (stats(page).as_str(), Fault::Html),
        (half_usage.as_str(), Fault::Half),
        ("/api/v1/providers", Fault::BusyOnce),
    ]);
    upstream.take_asked();
    let time = day(11) + Duration::hours(1);
    let report = collect(&pipeline, &upstream, time).await;
    assert_eq!(report.status.as_str(), "partial");
    assert_eq!(report.failures.len(), 3, "{:?}", report.failures);
    let told = |text: &str| report.failures.iter().any(|failure| failure.contains(text));
    assert!(told(&stats(broken)) && told("status 500"), "{:?}", report.failures);
    assert!(
        told("stats_endpoint of ") && told("at $: ") && told("effective_pricing of ") && told("at $.data"),
        "{:?}",
        report.failures
    );
    assert_eq!(report.quarantined.get("undecodable"), Some(&2));
    let asked = upstream.take_asked();
    let times = |address: &str| asked.iter().filter(|one| one.contains(address)).count();
    assert_eq!(times("/api/v1/providers"), 2, "requested again after 429");
    assert!(times(&stats(broken)) > 1, "requested again after 500");
    assert_eq!(times(&stats(page)), 1, "an HTML page is a response, although a useless one");
    assert_eq!(report.requests, asked.len());
    assert!(report.readings < whole.readings && report.readings > whole.readings / 2);

    let sources = pipeline.store.sources(time).expect("readable");
    let failed: Vec<(&str, usize)> = sources.iter().map(|s| (s.source.as_str(), s.failed)).collect();
    assert_eq!(failed, [("openrouter-api", 0), ("openrouter-stats", 3)]);
    let published = pipeline.publish().expect("a partial run is published");
    assert_eq!(published.as_of, time);
    drop(pipeline);
    let lost = rows(
        data.path(),
        &format!(
            "SELECT h.tag AS tag FROM endpoint_history h JOIN endpoint e USING (endpoint_no)
             WHERE e.model IN ('{broken}', '{page}', '{half}') AND h.valid_to IS NOT NULL"
        ),
    );
    assert_eq!(lost, Vec::<String>::new(), "what was not answered remains unchanged");
    let gone = published.changes.iter().filter(|change| change.kind == ChangeKind::EndpointGone);
    assert_eq!(gone.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_is_down_fails_the_run_and_the_snapshot_stays() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    let served = pipeline.publish().expect("published");
    let time = day(11) + Duration::hours(1);
    let down = collect_from(&pipeline, &nobody(), time).await;
    assert_eq!((down.status.as_str(), down.documents, down.endpoints), ("failed", 0, 0));
    assert!(
        down.failures[0].contains("unavailable") || down.failures[0].contains("connect"),
        "{:?}",
        down.failures
    );
    assert_eq!(pipeline.current.get().expect("still served").id, served.id);
    let newest = pipeline.store.newest_run(None).expect("readable").expect("a run");
    assert_eq!(newest.run.observed_at, day(11));
    assert_eq!(
        pipeline.store.endpoints(time).and_then(|now| now.rows()).expect("readable").len(),
        newest.run.endpoints
    );
    let accounts = pipeline.store.runs(time, 9).expect("readable");
    assert_eq!(accounts[0].run.status.as_str(), "failed");

    let retried = collect(&pipeline, &upstream, time).await;
    assert_eq!(retried.status.as_str(), "ok", "a failed run may be tried again under its time");
    assert_eq!(pipeline.publish().expect("published").as_of, time);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_refuses_is_left_alone() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    let whole = collect(&pipeline, &upstream, day(11)).await;
    let endpoints = pipeline.store.endpoints(day(12)).and_then(|now| now.rows()).expect("readable").len();
    upstream.set_faults(&[("/stats/", Fault::Status(403))]);
    upstream.take_asked();
    let report = collect(&pipeline, &upstream, day(11) + Duration::hours(1)).await;
    assert_ne!(report.status.as_str(), "ok");
    assert!(report.failures[0].contains("refused"), "{:?}", report.failures);
    assert!(report.failures.len() <= 21, "too many failures listed: {}", report.failures.len());
    let asked = upstream.take_asked();
    let refused = asked.iter().filter(|address| address.contains("/stats/")).count();
    // Three consecutive refusals stop the sweep; other requests can still be in flight when the third one arrives.
    assert!((3..=18).contains(&refused), "{refused} requests were sent after the upstream refused");
    assert!(asked.len() < whole.requests);
    drop(pipeline);
    let open = rows(data.path(), "SELECT 1 FROM endpoint_history WHERE valid_to IS NULL").len();
    assert_eq!(open, endpoints, "nothing is closed by a refusal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_models_that_cannot_be_read_fails_the_run() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    for (hour, fault) in [Fault::Html, Fault::Half, Fault::Status(404)].into_iter().enumerate() {
        upstream.set_faults(&[("/api/v1/models", fault)]);
        let time = day(11) + Duration::hours(i64::try_from(hour).expect("small"));
        let report = collect(&pipeline, &upstream, time).await;
        assert_eq!((report.status.as_str(), report.endpoints), ("failed", 0), "{fault:?}");
        assert!(!report.failures.is_empty(), "{fault:?}: a failed run states the reason");
    }
    let refused = pipeline.publish().expect_err("there is nothing to publish");
    assert!(refused.to_string().contains("no run yet"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_daily_route_and_a_document_without_an_answer_are_failures_of_their_own() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    let good = pipeline.publish().expect("published");
    let busiest = upstream.models().remove(0);
    let place = format!("stats/endpoint?permaslug={busiest}&variant=standard");
    upstream.set_faults(&[("cache-hit-rate-comparison", Fault::Status(403)), (&place, Fault::Half)]);
    let next_day = day(12) + chrono::Duration::hours(1);
    let report = collect(&pipeline, &upstream, next_day).await;
    assert_eq!(report.status.as_str(), "partial", "{:?}", report.failures);
    assert!(
        report.failures.iter().any(|line| line.contains("cache-hit-rate-comparison")),
        "{:?}",
        report.failures
    );
    let snapshot = pipeline.publish().expect("published");
    assert_eq!(snapshot.as_of, next_day);
    assert_eq!(snapshot.summary.endpoints, good.summary.endpoints, "nothing that was not reached is dropped");
}
