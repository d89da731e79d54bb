//! The history import from the upstream, over HTTP, against a simulator whose past is known.

mod command;
mod odd;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration as Wait;

use chrono::{DateTime, Duration, Utc};
use hitrate::archive::{Archive, Scope};
use hitrate::clock::ManualClock;
use hitrate::domain::imported::{ImportBatch, ImportKind, ImportReport};
use hitrate::domain::window::{Basis, midnight};
use hitrate::pipeline::{DataDir, ImportOptions, ImportStop, Pipeline, PipelineError, UpstreamImport};
use hitrate::scheduler::CronExpression;
use hitrate::serve::import_history;
use hitrate::simulator::{CacheKind, EventKind, Simulator, SimulatorConfig};
use tokio_util::sync::CancellationToken;

use crate::rig::{config, folder};
use crate::upstream::{Fault, Upstream, collect, day, pipeline, start};

/// A world in which the record can begin after a past of 20 days.
fn long_world() -> Simulator {
    let long = SimulatorConfig {
        models: 14,
        providers: 12,
        endpoints: 64,
        cacheless_providers: 1,
        ..SimulatorConfig::starting_at(start(), 26)
    };
    Simulator::new(long).expect("such a world exists")
}

/// The time at which history is imported: ten minutes after the only run of the record.
fn imported_at() -> DateTime<Utc> {
    day(20) + Duration::minutes(10)
}

fn options(upstream: &Upstream) -> ImportOptions {
    upstream.set_now(imported_at());
    ImportOptions {
        upstream: Some(upstream.url()),
        rate: Some(0.0),
        at: Some(imported_at()),
        ..ImportOptions::default()
    }
}

/// Imports and returns what was passed on.
async fn import_with(
    pipeline: &Pipeline,
    options: &ImportOptions,
    next_sweep: Option<DateTime<Utc>>,
) -> (UpstreamImport, Vec<ImportBatch>) {
    let mut batches = Vec::new();
    let mut sink = |batch: &ImportBatch| {
        batches.push(batch.clone());
        pipeline.keep_imported(batch)
    };
    let next = move |_: DateTime<Utc>| next_sweep;
    let cancel = CancellationToken::new();
    let report = pipeline.import_upstream(options, &next, &mut sink, &cancel, |_, _| {}).await;
    (report.expect("the import has a report"), batches)
}

async fn import(pipeline: &Pipeline, options: &ImportOptions) -> (UpstreamImport, Vec<ImportBatch>) {
    import_with(pipeline, options, None).await
}

/// An upstream, and a record of it that has one run, at day 20.
async fn recorded(folder: &std::path::Path) -> (Upstream, Pipeline) {
    let upstream = Upstream::serve_world(long_world()).await;
    let pipeline = pipeline(folder);
    assert_eq!(collect(&pipeline, &upstream, day(20)).await.status.as_str(), "ok");
    upstream.take_asked();
    (upstream, pipeline)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_days_before_the_record_are_those_of_the_simulator() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let (report, batches) = import(&pipeline, &options(&upstream)).await;
    assert_eq!((report.stopped, report.failed), (None, 0), "{report:?}");
    assert_eq!(report.progress.answered, report.progress.planned);
    let simulator = upstream.simulator();
    let truth = simulator.truth();
    let kind = |id| truth.endpoints().into_iter().find(|one| one.id == id).expect("known").kind;
    let today = imported_at().date_naive();

    let (mut derived, mut closing, mut oldest) = (0, 0, today);
    for day in batches.iter().flat_map(|batch| &batch.days) {
        assert!(day.day < today, "{} is not over", day.day);
        let id = day.endpoint.endpoint_id.expect("the upstream publishes ids");
        let (from, to) = (midnight(day.day), midnight(day.day) + Duration::days(1));
        if let Some(input) = day.effective_input {
            oldest = oldest.min(day.day);
            let (known, _) = truth.effective_prices(id, from, to).expect("traffic");
            assert!((input - known).abs() <= 1e-9 * known, "{id} on {}: {input}, not {known}", day.day);
        }
        let Some(rate) = day.hit_rate else {
            assert_eq!(day.basis, None);
            continue;
        };
        let known = truth.true_day_hit_rate(id, day.day).expect("traffic");
        match day.basis {
            Some(Basis::Derived) => {
                derived += 1;
                assert_eq!(kind(id), CacheKind::Implicit, "the identity does not hold for {id}");
                assert!((rate - known).abs() < 0.005, "{id} on {}: {rate}, not {known}", day.day);
            }
            Some(Basis::Comparison) => {
                closing += 1;
                assert!((rate - known).abs() < 0.0001, "{id} on {}: {rate}, not {known}", day.day);
            }
            other => panic!("the basis is {other:?}"),
        }
    }
    assert!(oldest <= start().date_naive() + Duration::days(1), "the oldest day is {oldest}");
    assert!(derived > 200 && closing > 100, "{derived} derived, {closing} closing");

    let prices: Vec<_> = batches.iter().flat_map(|batch| &batch.prices).collect();
    let mut changes = 0;
    for event in truth.events().iter().filter(|event| event.at < imported_at()) {
        if let (EventKind::PriceChange { .. }, Some(id)) = (&event.kind, event.endpoint) {
            changes += 1;
            let found = prices.iter().any(|row| row.endpoint.endpoint_id == Some(id) && row.at == event.at);
            assert!(found, "the change of {id} at {} is missing", event.at);
        }
    }
    assert!(changes > 0);

    let uptimes: Vec<_> = batches.iter().flat_map(|batch| &batch.uptimes).collect();
    for row in &uptimes {
        let id = row.endpoint.endpoint_id.expect("requested by id");
        let counters = truth.counters(id, row.hour, row.hour + Duration::hours(1)).expect("known");
        let known = counters.uptime_percent().expect("requests") / 100.0;
        assert!((row.uptime - known).abs() < 1e-9, "{id} at {}", row.hour);
        assert!(row.hour + Duration::hours(1) <= imported_at());
    }
    assert!(uptimes.len() > 1_000, "{}", uptimes.len());
    assert!(batches.iter().any(|batch| !batch.activity.is_empty()));
    assert_eq!(batches.iter().map(|batch| batch.refused.len()).sum::<usize>(), 0);
    let sources = pipeline.store.import_sources().expect("readable");
    assert_eq!(sources.len(), batches.len(), "each batch is a source");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_was_stopped_requests_only_the_rest() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let all = options(&upstream);
    let plan = pipeline.history_plan(&all).expect("a plan");
    assert_eq!(plan.left.values().sum::<usize>(), plan.progress.planned);
    let (first, _) = import(&pipeline, &ImportOptions { requests: Some(30), ..all.clone() }).await;
    assert_eq!((first.stopped, first.requests), (Some(ImportStop::Requests), 30));
    assert_eq!((first.progress.answered, first.progress.planned), (30, plan.progress.planned));
    let line = format!("history import: 30 of {} requests done", plan.progress.planned);
    let published = pipeline.publish().expect("published");
    assert!(published.status.missing.contains(&line), "{:?}", published.status.missing);
    let before: BTreeSet<String> = upstream.take_asked().into_iter().collect();
    // As after a restart.
    drop(pipeline);
    let pipeline = crate::upstream::pipeline(data.path());
    let (second, _) = import(&pipeline, &all).await;
    assert_eq!(second.stopped, None);
    let after: BTreeSet<String> = upstream.take_asked().into_iter().collect();
    assert_eq!(before.intersection(&after).count(), 0, "something was requested twice");
    assert_eq!(before.len() + after.len(), plan.progress.planned);
    let published = pipeline.publish().expect("published");
    assert!(!published.status.missing.iter().any(|line| line.contains("history import")));
    let (third, batches) = import(&pipeline, &all).await;
    assert_eq!((third.requests, upstream.take_asked().len()), (0, 0));
    let stored: usize = batches.len();
    assert!(stored <= ImportKind::ALL.len(), "only the last archived batch is offered again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_was_archived_but_not_stored_is_stored_by_the_next_call() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let all = options(&upstream);
    let mut fails = |_: &ImportBatch| -> Result<ImportReport, PipelineError> {
        Err(PipelineError::Unknown("the process ends here".to_owned()))
    };
    let cancel = CancellationToken::new();
    let ended = pipeline.import_upstream(&all, &|_| None, &mut fails, &cancel, |_, _| {}).await;
    assert!(ended.expect_err("stopped").to_string().contains("ends here"));
    let asked: BTreeSet<String> = upstream.take_asked().into_iter().collect();
    assert!(!asked.is_empty());
    let (_, batches) = import(&pipeline, &ImportOptions { requests: Some(0), ..all }).await;
    assert!(upstream.take_asked().is_empty());
    assert!(
        batches.iter().any(|batch| batch.source.kind == ImportKind::PriceCharts && !batch.days.is_empty())
    );
    assert!(!pipeline.store.import_sources().expect("readable").is_empty());
}

/// Halves the closing hit rates.
fn halved(body: &mut serde_json::Value) {
    for row in body["data"].as_array_mut().into_iter().flatten() {
        for rate in row["y"].as_object_mut().into_iter().flat_map(|rates| rates.values_mut()) {
            *rate = serde_json::Value::from(rate.as_f64().unwrap_or_default() / 2.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_record_has_counts_and_differences_are_reported() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let rates = ImportOptions { kinds: vec![ImportKind::ClosingRates], ..options(&upstream) };
    let before = pipeline.store.days(day(10).date_naive(), day(20).date_naive(), day(20)).expect("readable");
    upstream.set_faults(&[("cache-hit-rate-comparison", Fault::Change(halved))]);
    let (changed, _) = import(&pipeline, &rates).await;
    assert!(changed.imported.disagreements > 100, "{:?}", changed.imported);
    assert!(!changed.imported.examples.is_empty());
    let after = pipeline.store.days(day(10).date_naive(), day(20).date_naive(), day(20)).expect("readable");
    assert_eq!(before.rows().expect("rows"), after.rows().expect("rows"), "the record is unchanged");
    let (other, same) = (folder(), Upstream::serve_world(long_world()).await);
    let pipeline = crate::upstream::pipeline(other.path());
    collect(&pipeline, &same, day(20)).await;
    let rates = ImportOptions { upstream: Some(same.url()), ..rates };
    same.set_now(imported_at());
    let (unchanged, _) = import(&pipeline, &rates).await;
    assert_eq!(unchanged.imported.disagreements, 0, "{:?}", unchanged.imported);
    assert!(unchanged.imported.known > 100, "{:?}", unchanged.imported);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_imports_by_itself_until_nothing_is_left() {
    let data = folder();
    let upstream = Upstream::serve_world(long_world()).await;
    let settings =
        format!("[upstream]\nbase_url = \"{}\"\n[backfill]\nrate_per_second = 0\n", upstream.url());
    let clock = ManualClock::new(imported_at());
    let folder = DataDir::new(data.path());
    let opened = Pipeline::open(config(&settings), folder, Arc::new(clock.clone())).expect("it opens");
    let pipeline = Arc::new(opened);
    collect(&pipeline, &upstream, day(20)).await;
    upstream.set_now(imported_at());
    upstream.take_asked();
    let schedule = CronExpression::parse("57 * * * *").expect("valid");
    let importing = tokio::spawn(import_history(pipeline.clone(), schedule, CancellationToken::new()));
    while clock.sleepers() == 0 {
        tokio::time::sleep(Wait::from_millis(5)).await;
    }
    assert!(upstream.take_asked().is_empty(), "visitors come first");
    clock.advance(Wait::from_secs(61));
    importing.await.expect("it ends");
    let plan = pipeline.history_plan(&ImportOptions::default()).expect("a plan");
    assert_eq!((plan.left.len(), upstream.take_asked().len()), (0, plan.progress.planned));
    assert!(!pipeline.store.import_sources().expect("readable").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_stops_the_import() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let all = options(&upstream);
    upstream.set_faults(&[("/stats/", Fault::Status(403))]);
    let (report, batches) = import(&pipeline, &all).await;
    assert_eq!((report.stopped, report.failed), (Some(ImportStop::Refused), 1));
    assert_eq!((upstream.take_asked().len(), batches.len()), (1, 0));
    // A refusal is not an answer: the next call sends the request again.
    upstream.set_faults(&[]);
    let (report, _) = import(&pipeline, &all).await;
    assert_eq!((report.stopped, report.progress.answered), (None, report.progress.planned));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_for_people_is_no_answer() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let all = options(&upstream);
    upstream.set_faults(&[("cache-hit-rate-comparison", Fault::Html)]);
    let (report, _) = import(&pipeline, &all).await;
    let pages = report.failed;
    assert!(report.stopped.is_none() && pages > 3, "{report:?}");
    assert!(report.failures[0].ends_with("the body is not JSON"), "{:?}", report.failures);
    upstream.take_asked();
    upstream.set_faults(&[]);
    let (report, batches) = import(&pipeline, &all).await;
    assert_eq!((report.failed, upstream.take_asked().len()), (0, pages), "each is requested again");
    assert!(batches.iter().any(|batch| batch.source.kind == ImportKind::ClosingRates));
    // Where all answers are pages, the rest is not tried.
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let all = options(&upstream);
    upstream.set_faults(&[("/stats/", Fault::Html)]);
    let (report, _) = import(&pipeline, &all).await;
    assert_eq!((report.stopped, report.progress.answered), (Some(ImportStop::Refused), 0));
    assert!(upstream.take_asked().len() <= 50, "a batch at most");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_that_is_refused_and_a_route_that_is_missing_cost_little() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let all = options(&upstream);
    upstream.set_faults(&[("range=all", Fault::Status(400)), ("uptime-hourly", Fault::Status(404))]);
    let (report, batches) = import(&pipeline, &all).await;
    assert_eq!(report.stopped, None, "{report:?}");
    let asked = upstream.take_asked();
    assert!(asked.iter().any(|path| path.contains("effective-pricing") && path.contains("range=1m")));
    let count = |text: &str| asked.iter().filter(|path| path.contains(text)).count();
    assert!(count("uptime-hourly") <= 50, "a batch at most: {}", count("uptime-hourly"));
    assert!(batches.iter().any(|batch| batch.days.iter().any(|day| day.basis == Some(Basis::Derived))));
    let (again, _) = import(&pipeline, &all).await;
    assert_eq!((again.requests, again.progress.answered), (0, again.progress.planned));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_requested_shortly_before_a_sweep_or_beyond_the_budget() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let all = options(&upstream);
    let due = imported_at() + Duration::minutes(4);
    let (report, _) = import_with(&pipeline, &all, Some(due)).await;
    assert_eq!((report.stopped, report.requests), (Some(ImportStop::SweepDue { at: due }), 0));
    assert!(upstream.take_asked().is_empty());
    drop(pipeline);
    let pipeline = crate::upstream::pipeline_with(data.path(), "[backfill]\nrequests_per_hour = 20\n");
    let later = Some(imported_at() + Duration::minutes(47));
    for requests in [20, 0] {
        let (report, _) = import_with(&pipeline, &all, later).await;
        assert_eq!((report.stopped, report.requests), (Some(ImportStop::Budget), requests));
    }
    let next_hour = ImportOptions { at: Some(imported_at() + Duration::hours(1)), ..all };
    assert_eq!(import(&pipeline, &next_hour).await.0.requests, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_begins_interrupts_the_import_which_then_continues() {
    let data = folder();
    let (upstream, pipeline) = recorded(data.path()).await;
    let slow = ImportOptions { kinds: vec![ImportKind::UptimeHours], rate: Some(40.0), ..options(&upstream) };
    let importing = import(&pipeline, &slow);
    let sweeping = async {
        tokio::time::sleep(Wait::from_millis(400)).await;
        collect(&pipeline, &upstream, day(20) + Duration::hours(1)).await
    };
    let ((report, _), collected) = tokio::join!(importing, sweeping);
    assert_eq!((collected.status.as_str(), report.stopped), ("ok", None));
    assert_eq!((report.failed, report.progress.answered), (0, report.progress.planned));
    let asked = upstream.take_asked();
    let is_history = |path: &String| path.contains("uptime-hourly");
    let first = asked.iter().position(|path| !is_history(path)).expect("the sweep");
    let last = asked.iter().rposition(|path| !is_history(path)).expect("the sweep");
    let between = asked[first..last].iter().filter(|path| is_history(path)).count();
    assert!(between <= 1, "{between} requests for history during the sweep");
    assert!(
        first > 0 && last + 1 < asked.len(),
        "before and after the sweep: {first}, {last} of {}",
        asked.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_imports_the_archived_history_again() {
    let (data, other) = (folder(), folder());
    let (upstream, live) = recorded(data.path()).await;
    let (_, batches) = import(&live, &options(&upstream)).await;
    let rebuilt = pipeline(other.path());
    let replayed = rebuilt.replay_with(&live.archive, Some(&live.data), |_, _| {}).expect("replayed");
    assert_eq!(replayed.set_aside, []);
    let names = |pipeline: &Pipeline| -> BTreeSet<String> {
        let sources = pipeline.store.import_sources().expect("readable");
        sources.into_iter().map(|source| source.sha256).collect()
    };
    assert_eq!(names(&rebuilt), names(&live));
    let mut again = Vec::new();
    let mut sink = |batch: &ImportBatch| {
        again.push(batch.clone());
        rebuilt.keep_imported(batch)
    };
    let report = rebuilt.replay_history(&Archive::open(live.data.history()), &mut sink).expect("imported");
    assert!(report.stored == 0 && report.known > 1_000, "the replay has imported it: {report:?}");
    let days = |batches: &[ImportBatch]| -> BTreeSet<String> {
        batches.iter().flat_map(|batch| &batch.days).map(|day| format!("{day:?}")).collect()
    };
    assert_eq!(days(&again), days(&batches));
    let sources = |batches: &[ImportBatch]| -> BTreeSet<String> {
        batches.iter().map(|batch| batch.source.sha256.clone()).collect()
    };
    assert_eq!(sources(&again), sources(&batches));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_batch_is_named_by_a_replay_and_requested_again() {
    let (data, other) = (folder(), folder());
    let (upstream, live) = recorded(data.path()).await;
    import(&live, &options(&upstream)).await;
    let left = || live.history_plan(&options(&upstream)).expect("a plan").left.values().sum::<usize>();
    assert_eq!(left(), 0);
    let manifests = || Archive::open(live.data.history()).manifests().expect("listed");
    let before = manifests();
    let damaged = &before[0];
    std::fs::write(damaged, "damaged").expect("written");
    let rebuilt = pipeline(other.path());
    let replayed = rebuilt.replay_with(&live.archive, Some(&live.data), |_, _| {}).expect("replayed");
    let [aside] = replayed.set_aside.as_slice() else { panic!("one batch, not {:?}", replayed.set_aside) };
    assert_eq!(aside.file, damaged.to_string_lossy());
    assert_eq!(replayed.stored, 1, "the rest is replayed");
    assert!(left() > 0, "its requests count as not answered");
    let (report, _) = import(&live, &options(&upstream)).await;
    assert_eq!((report.stopped, left()), (None, 0));
    assert!(manifests().len() >= before.len(), "no other batch is replaced");
    let verified = Archive::open(live.data.history()).verify(Scope::All, |_, _| {}).expect("listed");
    let paths: BTreeSet<_> = verified.problems.iter().map(|problem| &problem.path).collect();
    assert_eq!(paths, BTreeSet::from([damaged]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_needs_a_record_and_known_models() {
    let data = folder();
    let empty = pipeline(data.path());
    let none = empty.history_plan(&ImportOptions::default()).expect_err("no run");
    assert!(matches!(none, PipelineError::NoRun(_)), "{none}");
    drop(empty);
    let (upstream, pipeline) = recorded(data.path()).await;
    let named = |name: &str| ImportOptions { models: vec![name.to_owned()], ..options(&upstream) };
    let unknown = pipeline.history_plan(&named("no/such")).expect_err("unknown");
    assert!(unknown.to_string().contains("`no/such`"), "{unknown}");
    let model = upstream.models().remove(0);
    let one = pipeline.history_plan(&named(&model)).expect("a plan");
    let all = pipeline.history_plan(&options(&upstream)).expect("a plan");
    assert!(one.progress.planned > 0 && one.progress.planned < all.progress.planned / 2);
}
