//! The way from the upstream to the snapshot, over HTTP, against the simulator.

mod archive;
mod bounds;
mod clock;
mod damage;
mod faults;
mod midnight;
mod recommendations;
mod recovery;
mod schema;
mod suspect;
mod windows;

use std::path::Path;
use std::sync::Arc;

use chrono::Duration;
use hitrate::archive::Archive;
use hitrate::domain::change::ChangeKind;
use hitrate::domain::window::WindowKind;
use hitrate::pipeline::Pipeline;
use hitrate::simulator::serve;
use hitrate::store::ExportFormat;

use crate::rig::{dump, folder, rows};
use crate::upstream::{Upstream, collect, collect_from, day, nobody, pipeline, pipeline_with, start, world};

/// A record over all eras: hourly windows, daily ones, without counters, with ids; a day in hours at the end.
async fn record(pipeline: &Pipeline, upstream: &Upstream) {
    for time in [day(1), day(5), day(9), day(11), day(12), day(12) + Duration::hours(1)] {
        assert_eq!(collect(pipeline, upstream, time).await.status.as_str(), "ok", "{time}");
    }
}

fn exported(pipeline: &Pipeline, format: ExportFormat) -> Vec<u8> {
    let path = pipeline.store.export_readings(start(), day(30), format).expect("exported");
    std::fs::read(path).expect("a file")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_era_of_the_simulator_is_collected_over_http() {
    let upstream = serve(Arc::new(world()), ([127, 0, 0, 1], 0).into()).await.expect("it listens");
    let data = folder();
    let pipeline = pipeline(data.path());
    let truth = world();
    for (time, kind, joined) in [
        (day(1), WindowKind::Hour, false),
        (day(5), WindowKind::DayToDate, false),
        (day(9), WindowKind::DayToDate, false),
        (day(11), WindowKind::DayToDate, true),
    ] {
        upstream.set_now(time);
        let report = collect_from(&pipeline, &upstream.base_url(), time).await;
        assert_eq!(
            (report.status.as_str(), report.window_kind),
            ("ok", kind),
            "{time}: {:?}",
            report.failures
        );
        assert_eq!((report.drift, report.observed_at), (0, time));
        assert!(report.requests > 0 && report.documents <= report.requests);
        assert!(report.readings > 30 && report.readings <= report.endpoints, "{report:?}");
        let reasons: Vec<&str> = report.quarantined.keys().map(String::as_str).collect();
        assert!(reasons.is_empty() || (!joined && reasons == ["ambiguous_name"]), "{time}: {reasons:?}");
    }
    let usage = pipeline.store.readings(day(11), day(12)).expect("readable");
    for reading in usage.iter().filter(|reading| reading.hit_rate.is_some()) {
        let counters = truth.truth().counters(
            reading.endpoint_id,
            day(11).date_naive().and_hms_opt(0, 0, 0).expect("midnight").and_utc(),
            day(11),
        );
        let known = counters.and_then(|counters| counters.hit_rate()).expect("the simulator knows it");
        let found = reading.hit_rate.expect("filtered");
        assert!((known - found).abs() < 1e-6, "{}: {found} is not {known}", reading.tag);
    }
    upstream.stop().await.expect("it stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collecting_the_same_time_twice_asks_nobody_and_changes_nothing() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let first = {
        let pipeline = pipeline(data.path());
        collect(&pipeline, &upstream, day(11)).await
    };
    let before = dump(data.path());
    let archived = Archive::open(data.path().join("archive")).bytes().expect("readable");
    let pipeline = pipeline(data.path());
    let again = collect_from(&pipeline, &nobody(), day(11)).await;
    assert_eq!((again.archive_bytes, again.failures.len()), (0, 0));
    let counted = |report: &hitrate::pipeline::CollectReport| {
        (
            report.run_id.clone(),
            report.status,
            report.requests,
            report.documents,
            report.readings,
            report.endpoints,
        )
    };
    assert_eq!(counted(&again), counted(&first));
    assert_eq!(again.quarantined, first.quarantined);
    drop(pipeline);
    assert_eq!(dump(data.path()), before);
    assert_eq!(Archive::open(data.path().join("archive")).bytes().expect("readable"), archived);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_before_the_newest_is_refused_before_anything_is_asked_or_archived() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    collect(&pipeline, &upstream, day(11)).await;
    upstream.take_asked();
    let options = hitrate::pipeline::CollectOptions {
        upstream: Some(upstream.url()),
        at: Some(day(5)),
        rate: Some(0.0),
        simulated: true,
    };
    let cancel = tokio_util::sync::CancellationToken::new();
    let refused = pipeline.collect(&options, &cancel, |_, _| {}).await.expect_err("refused");
    assert!(refused.to_string().contains("collect in chronological order"), "{refused}");
    assert_eq!(upstream.take_asked(), Vec::<String>::new());
    assert_eq!(pipeline.archive.manifests().expect("readable").len(), 1, "a replay would store it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_of_the_archive_gives_the_same_record_and_the_same_tiers() {
    let upstream = Upstream::serve().await;
    let (data, other) = (folder(), folder());
    let live = pipeline(data.path());
    record(&live, &upstream).await;
    let published = live.publish().expect("published");
    let rebuilt = pipeline(other.path());
    let mut told = Vec::new();
    let report = rebuilt.replay(&live.archive, |done, total| told.push((done, total))).expect("replayed");
    assert_eq!((report.runs, report.stored), (6, 6));
    assert_eq!(told.last(), Some(&(6, 6)));
    for format in [ExportFormat::Csv, ExportFormat::Json] {
        assert_eq!(exported(&live, format), exported(&rebuilt, format), "{format:?}");
    }
    let all = |pipeline: &Pipeline| pipeline.store.readings(start(), day(30)).expect("readable");
    assert_eq!(all(&live), all(&rebuilt));
    let again = rebuilt.current.get().expect("published");
    assert_eq!(again.id, published.id);
    assert_eq!(again.tier_lists, published.tier_lists);
    assert_eq!(again.models, published.models);
    assert_eq!(again.status, published.status);
    let parquet =
        |pipeline: &Pipeline| pipeline.store.export_readings(start(), day(30), ExportFormat::Parquet);
    let files = [parquet(&live).expect("exported"), parquet(&rebuilt).expect("exported")];
    drop((live, rebuilt));
    let [one, two] = files.map(|file| format!("FROM read_parquet('{}')", file.display()));
    assert_eq!(rows(data.path(), &format!("SELECT * {one} EXCEPT ALL SELECT * {two}")), Vec::<String>::new());
    assert_eq!(rows(data.path(), &format!("SELECT * {two} EXCEPT ALL SELECT * {one}")), Vec::<String>::new());
    let [one, two] = [data.path(), other.path()].map(tables_of_the_record);
    assert_eq!(one, two);
}

/// The tables without the data about the collection itself.
fn tables_of_the_record(folder: &Path) -> Vec<(String, Vec<String>)> {
    dump(folder).into_iter().filter(|(table, _)| table != "schema_migration").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_snapshot_that_was_served_is_served_again_after_a_restart() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let published = {
        let pipeline = pipeline(data.path());
        record(&pipeline, &upstream).await;
        pipeline.publish().expect("published")
    };
    let pipeline = pipeline(data.path());
    let served = pipeline.current.get().expect("a restart serves at once");
    assert_eq!(*served, *published);
    assert!(served.simulated && !served.models.is_empty() && !served.tier_lists.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_source_alone_gives_a_record_and_both_meet_in_the_same_endpoints() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let without_stats = {
        let pipeline = pipeline_with(data.path(), "[upstream]\nopenrouter_stats = false\n");
        let report = collect(&pipeline, &upstream, day(11)).await;
        assert_eq!((report.status.as_str(), report.readings), ("ok", 0));
        assert!(upstream.take_asked().iter().all(|address| !address.contains("/frontend/")));
        let again = collect(&pipeline, &upstream, day(11) + Duration::minutes(20)).await;
        assert_eq!(again.status.as_str(), "ok", "{:?}", again.findings);
        let snapshot = pipeline.publish().expect("published");
        assert!(snapshot.models.iter().flat_map(|m| &m.endpoints).all(|e| e.hit_rate.is_none()));
        report.endpoints
    };
    // A source that is switched on or off is an operator's decision: no run after it is suspect, nor the ones that follow.
    for minutes in [60, 80] {
        let with_both =
            collect(&pipeline(data.path()), &upstream, day(11) + Duration::minutes(minutes)).await;
        assert_eq!(with_both.status.as_str(), "ok", "{:?}", with_both.findings);
        assert!(with_both.readings > 0);
    }
    let published = {
        let pipeline = pipeline_with(data.path(), "[upstream]\nopenrouter_api = false\n");
        upstream.take_asked();
        let report = collect(&pipeline, &upstream, day(11) + Duration::hours(2)).await;
        assert_eq!(report.status.as_str(), "ok");
        assert!(report.readings > 0);
        assert!(upstream.take_asked().iter().all(|a| a.contains("/frontend/") || a.ends_with("/models")));
        let again = collect(&pipeline, &upstream, day(11) + Duration::minutes(140)).await;
        assert_eq!(again.status.as_str(), "ok", "{:?}", again.findings);
        pipeline.publish().expect("published")
    };
    let stand_ins = rows(data.path(), "SELECT count(*) AS n FROM endpoint WHERE synthetic");
    assert_eq!(stand_ins, ["{'n': 0}"], "each got its UUID");
    let gone = published.changes.iter().find(|change| change.kind == ChangeKind::EndpointGone);
    assert!(without_stats > 0 && gone.is_none(), "{gone:?}");
}
