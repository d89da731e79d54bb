//! Hours and closed days from hourly sweeps over HTTP, compared with the true traffic of the simulator.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use hitrate::domain::document::RouteAnswer;
use hitrate::domain::window::{Basis, WindowKind};
use hitrate::snapshot::{Endpoint, Snapshot};

use crate::rig::folder;
use crate::upstream::{Fault, Upstream, collect, day, pipeline, pipeline_with, start, world};

const ROUTE: &str = "stats/cache-hit-rate-comparison";

/// Minute 57 of an hour of a day of the simulated span.
fn sweep_at(day: i64, hour: i64) -> DateTime<Utc> {
    start() + Duration::days(day) + Duration::hours(hour) + Duration::minutes(57)
}

fn date(day: i64) -> NaiveDate {
    (start() + Duration::days(day)).date_naive()
}

fn endpoints(snapshot: &Snapshot) -> impl Iterator<Item = &Endpoint> {
    snapshot.models.iter().flat_map(|model| &model.endpoints)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn differenced_hours_are_what_was_served_in_them() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    let mut times = vec![sweep_at(11, 22), sweep_at(11, 23)];
    // The sweep of 02:57 is missing: a rate over two hours takes its place.
    times.extend([0, 1, 3, 4, 5].map(|hour| sweep_at(12, hour)));
    for time in &times {
        let report = collect(&pipeline, &upstream, *time).await;
        assert_eq!((report.status.as_str(), report.window_kind), ("ok", WindowKind::DayToDate), "{time}");
    }
    let snapshot = pipeline.publish().expect("published");
    let (world, mut compared) = (world(), 0);
    let mut bounds = BTreeSet::new();
    for endpoint in endpoints(&snapshot) {
        for hour in snapshot.hourly.of(endpoint.endpoint_id) {
            let served = world.truth().counters(endpoint.endpoint_id, hour.start, hour.end).expect("known");
            let truth = served.hit_rate().expect("traffic");
            assert!((hour.hit_rate - truth).abs() < 0.001, "{}: {hour:?} is not {truth}", endpoint.tag);
            assert!((hour.tokens - i64::try_from(served.tokens()).expect("fits")).abs() <= 4, "{hour:?}");
            bounds.insert((hour.start, hour.end));
            compared += 1;
        }
    }
    let midnight = |day: i64| start() + Duration::days(day);
    let mut expected =
        BTreeSet::from([(midnight(11), times[0]), (times[0], times[1]), (midnight(12), times[2])]);
    expected.extend(times[2..].windows(2).map(|pair| (pair[0], pair[1])));
    assert_eq!(bounds, expected, "true bounds, and none across midnight");
    assert!(compared > 150, "{compared}");
    let refused: usize = snapshot.hourly.refused.values().sum();
    let with_usage: usize = pipeline
        .store
        .readings(start(), day(30))
        .expect("readable")
        .iter()
        .filter(|r| r.tokens.is_some())
        .count();
    assert_eq!(compared + refused, with_usage, "every reading gives a rate or a reason");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_values_close_observed_days_and_fill_missed_ones() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    let evening = collect(&pipeline, &upstream, sweep_at(11, 23)).await;
    assert_eq!(evening.comparison, Some(RouteAnswer::Answered));
    let before = pipeline.publish().expect("published");
    assert!(
        endpoints(&before)
            .flat_map(|e| &e.days)
            .all(|d| d.day < date(11) || matches!(d.basis, Some(Basis::Observed) | None)),
        "today has no closing value"
    );
    // The twelfth day is missing completely.
    let next = collect(&pipeline, &upstream, sweep_at(13, 0)).await;
    assert_eq!((next.comparison, next.status.as_str()), (Some(RouteAnswer::Answered), "ok"));
    let snapshot = pipeline.publish().expect("published");
    let (world, mut filled, mut closed) = (world(), 0, 0);
    for endpoint in endpoints(&snapshot) {
        let truth = |day| world.truth().true_day_hit_rate(endpoint.endpoint_id, day);
        for told in endpoint.days.iter().filter(|told| told.basis == Some(Basis::Comparison)) {
            let (rate, truth) = (told.hit_rate.expect("told"), truth(told.day).expect("traffic"));
            assert!((rate - truth).abs() < 0.000_06, "{}: {told:?} is not {truth}", endpoint.tag);
            assert!((date(4)..date(13)).contains(&told.day), "{told:?}");
            filled += usize::from(told.day == date(12));
            assert_eq!(told.tokens.is_some(), told.day == date(11), "{told:?}");
        }
        let evening =
            before.models.iter().flat_map(|m| &m.endpoints).find(|e| e.endpoint_id == endpoint.endpoint_id);
        let of = |e: &Endpoint| e.days.iter().find(|d| d.day == date(11)).and_then(|d| d.hit_rate);
        if let (Some(observed), Some(closing)) = (evening.and_then(of), of(endpoint)) {
            assert!((observed - closing).abs() < 0.005, "{}: {observed} and {closing}", endpoint.tag);
            closed += 1;
        }
    }
    assert!(filled > 30 && closed > 30, "{filled} {closed}");
    let status = snapshot.status.comparison.as_ref().expect("requested");
    assert_eq!((status.newest_day, status.asked_at), (Some(date(12)), sweep_at(13, 0)));
    assert_eq!(snapshot.summary.observed_days, 2, "closing values are not observations");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_series_is_asked_for_once_a_day_from_half_an_hour_past_midnight_on() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let asked = |upstream: &Upstream| {
        let addresses = upstream.take_asked();
        (addresses.iter().filter(|a| a.contains(ROUTE)).count(), addresses.len())
    };
    let collecting = pipeline(data.path());
    let early = start() + Duration::days(11) + Duration::minutes(20);
    let report = collect(&collecting, &upstream, early).await;
    assert_eq!((report.comparison, asked(&upstream).0), (None, 0), "the previous day is not settled yet");
    let report = collect(&collecting, &upstream, sweep_at(11, 0)).await;
    let (series, all) = asked(&upstream);
    assert_eq!((report.comparison, report.requests), (Some(RouteAnswer::Answered), all));
    let pairs = pairs_with_endpoints(&collecting);
    assert_eq!(series, pairs, "one request for each pair with endpoints");
    let report = collect(&collecting, &upstream, sweep_at(11, 1)).await;
    assert_eq!((report.comparison, asked(&upstream).0), (None, 0));
    drop(collecting);
    let off = pipeline_with(data.path(), "[upstream]\nhit_rate_comparison = false\n");
    let report = collect(&off, &upstream, sweep_at(12, 0)).await;
    assert_eq!((report.comparison, asked(&upstream).0), (None, 0));
}

fn pairs_with_endpoints(pipeline: &hitrate::pipeline::Pipeline) -> usize {
    let now = pipeline.store.endpoints(day(12)).and_then(|now| now.rows()).expect("readable");
    now.iter()
        .map(|e| (e.facts.model.to_string(), e.facts.variant.to_string()))
        .collect::<BTreeSet<_>>()
        .len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_is_not_there_is_no_failure_and_tried_again_the_next_day() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    upstream.set_faults(&[(ROUTE, Fault::Status(404))]);
    let mut tried = Vec::new();
    for time in [sweep_at(11, 0), sweep_at(11, 1), sweep_at(12, 0)] {
        let report = collect(&pipeline, &upstream, time).await;
        assert_eq!((report.status.as_str(), report.failures.len()), ("ok", 0), "{report:?}");
        tried.push((report.comparison, upstream.take_asked().iter().filter(|a| a.contains(ROUTE)).count()));
    }
    let not_offered = Some(RouteAnswer::NotOffered);
    assert_eq!(tried, [(not_offered, 3), (None, 0), (not_offered, 3)]);
    let snapshot = pipeline.publish().expect("published");
    assert_eq!(snapshot.status.comparison.as_ref().map(|c| c.answer), not_offered);
    assert!(snapshot.status.missing.iter().any(|line| line.contains("no daily series")));
    upstream.set_faults(&[]);
    let report = collect(&pipeline, &upstream, sweep_at(13, 0)).await;
    assert_eq!(report.comparison, Some(RouteAnswer::Answered), "it came back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_that_fails_is_a_failure_and_costs_nothing_else() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline(data.path());
    let whole = collect(&pipeline, &upstream, sweep_at(11, 0)).await;
    for (hour, fault, told) in [(0, Fault::Status(500), "status 500"), (1, Fault::Status(403), "refused")] {
        upstream.set_faults(&[(ROUTE, fault)]);
        upstream.take_asked();
        let report = collect(&pipeline, &upstream, sweep_at(12, hour)).await;
        assert_eq!(
            (report.status.as_str(), report.comparison),
            ("partial", Some(RouteAnswer::Failed)),
            "{fault:?}"
        );
        assert!(
            report.failures.iter().any(|f| f.contains(told) && f.contains(ROUTE)),
            "{:?}",
            report.failures
        );
        let addresses: BTreeSet<String> =
            upstream.take_asked().into_iter().filter(|a| a.contains(ROUTE)).collect();
        assert!((1..=3).contains(&addresses.len()), "a few are tried: {addresses:?}");
        assert!(report.readings >= whole.readings - 3, "the rest of the sweep is complete: {report:?}");
    }
    let one = format!("{ROUTE}?permaslug={}&variant=standard", upstream.models()[0]);
    upstream.set_faults(&[(one.as_str(), Fault::Html)]);
    let report = collect(&pipeline, &upstream, sweep_at(12, 2)).await;
    assert_eq!((report.status.as_str(), report.comparison), ("partial", Some(RouteAnswer::Answered)));
    upstream.take_asked();
    let report = collect(&pipeline, &upstream, sweep_at(12, 3)).await;
    assert_eq!(
        (report.status.as_str(), report.comparison),
        ("ok", None),
        "most were answered: not requested again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_values_keep_within_the_budget_of_the_sweep() {
    let upstream = Upstream::serve().await;
    let (data, other) = (folder(), folder());
    let off = pipeline_with(data.path(), "[upstream]\nhit_rate_comparison = false\n");
    let needed = collect(&off, &upstream, sweep_at(11, 0)).await.requests;
    let tight = format!("[fetch]\nrequests_per_sweep = {}\n", needed + 5);
    let report = collect(&pipeline_with(other.path(), &tight), &upstream, sweep_at(11, 0)).await;
    assert_eq!((report.status.as_str(), report.requests), ("ok", needed + 5));
    assert_eq!(report.comparison, Some(RouteAnswer::Answered));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn missing_hours_and_days_stay_gaps_and_a_new_window_is_an_event() {
    let upstream = Upstream::serve().await;
    let data = folder();
    let pipeline = pipeline_with(data.path(), "[upstream]\nhit_rate_comparison = false\n");
    for time in [day(1), day(11), day(13)] {
        collect(&pipeline, &upstream, time).await;
    }
    let first_hour = start() + Duration::days(14) + Duration::minutes(20);
    let report = collect(&pipeline, &upstream, first_hour).await;
    assert_eq!(report.window_kind, WindowKind::DayToDate, "the first hour keeps the last kind");
    let snapshot = pipeline.publish().expect("published");
    let changed: Vec<_> = snapshot.changes.iter().filter(|e| e.kind.as_str() == "window_changed").collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0].at, day(11));
    let observed: BTreeSet<NaiveDate> = endpoints(&snapshot)
        .flat_map(|e| &e.days)
        .filter(|d| d.basis == Some(Basis::Observed))
        .map(|d| d.day)
        .collect();
    assert_eq!(observed, [date(11), date(13), date(14)].into(), "neither the hourly run nor the missed day");
    let spans: BTreeSet<(DateTime<Utc>, DateTime<Utc>)> = endpoints(&snapshot)
        .flat_map(|e| snapshot.hourly.of(e.endpoint_id))
        .map(|h| (h.start, h.end))
        .collect();
    let midnight = |day: i64| start() + Duration::days(day);
    assert_eq!(spans, [(midnight(11), day(11)), (midnight(13), day(13)), (midnight(14), first_hour)].into());
}
