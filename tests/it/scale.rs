//! A very small version of the generated record of the bench: it behaves like any other record.

use crate::binary::hitrate;
use crate::rig::{folder, rows, store, tamper};
use hitrate::analysis::METHOD_VERSION;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::domain::workload::Workload;
use hitrate::pipeline::{DataDir, build_snapshot};
use hitrate::store::{EndpointDayRow, Store};
use std::collections::BTreeSet;

#[path = "../../benches/scale/generate.rs"]
mod generate;

use generate::{Scale, begin_tier_history};

const SCALE: Scale = Scale { endpoints: 120, hours: 72, seed: 7 };

fn days(store: &Store) -> Vec<EndpointDayRow> {
    let as_of = store.newest_run(None).expect("readable").expect("a run").run.observed_at;
    let first = as_of.date_naive() - chrono::Days::new(SCALE.days().into());
    store.days(first, as_of.date_naive(), as_of).and_then(|days| days.rows()).expect("readable")
}

fn close(one: Option<f64>, other: Option<f64>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * one.abs().max(1.0),
        (one, other) => one.is_none() && other.is_none(),
    }
}

#[test]
fn the_generated_record_is_checked_published_and_rebuilt_like_any_other() {
    let data = folder();
    drop(store(data.path()));
    let file = DataDir::new(data.path()).store();
    let mut written = 0;
    generate::generate(&file, SCALE, |day| written = day).expect("generated");
    assert_eq!((written, SCALE.readings()), (3, 8640));
    begin_tier_history(&file, METHOD_VERSION).expect("marked");
    assert_eq!(rows(data.path(), "SELECT 1 FROM reading").len(), 8640);

    let opened = store(data.path());
    let hourly = days(&opened);
    assert_eq!(opened.rebuild_days().expect("closed"), 240, "two of three days are closed");
    let closed = days(&opened);
    assert_eq!(hourly.len(), closed.len());
    for (one, other) in hourly.iter().zip(&closed) {
        assert_eq!(one.endpoint_id, other.endpoint_id);
        let (one, other) = (&one.of_day, &other.of_day);
        assert_eq!((one.day, one.tokens), (other.day, other.tokens));
        assert!(
            close(one.hit_rate, other.hit_rate) && close(one.coverage, other.coverage),
            "{one:?} {other:?}"
        );
        assert!(close(one.effective_input, other.effective_input));
        assert!(close(one.effective_output, other.effective_output));
    }
    let newest = opened.newest_run(None).expect("readable").expect("a run");
    let workloads = Workload::shipped().expect("workloads");
    let snapshot = build_snapshot(&opened, None, workloads, newest.run.observed_at).expect("published");
    let list = snapshot.tier_list(Lens::Cache, None).expect("a list");
    let rated = list.providers.iter().filter(|provider| provider.tier != Tier::Unrated).count();
    assert!(rated > 3, "{rated} providers are rated");
    drop(opened);

    let checked = hitrate(data.path(), &["check", "numbers", "--json"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(
        checked.json().as_array().is_some_and(|runs| runs.len() >= 26),
        "two closing runs and the newest day"
    );
}

/// A generated record in a folder, its days not closed yet.
fn generated(scale: Scale) -> tempfile::TempDir {
    let data = folder();
    drop(store(data.path()));
    let file = DataDir::new(data.path()).store();
    generate::generate(&file, scale, |_| ()).expect("generated");
    begin_tier_history(&file, METHOD_VERSION).expect("marked");
    data
}

/// Has enough readings per day for the database to use several threads: sums of floats in varying thread order would
/// differ in their last bits.
#[test]
fn closed_days_have_the_same_bits_however_threads_share_the_readings() {
    let data = generated(Scale { endpoints: 3000, hours: 95, seed: 11 });
    let sums = "SELECT day, endpoint_no, uptime_30m, throughput, latency_ms FROM endpoint_day ORDER BY ALL";
    let mut closed = BTreeSet::new();
    for _ in 0..4 {
        assert_eq!(store(data.path()).rebuild_days().expect("closed"), 9000, "three of four days");
        closed.insert(rows(data.path(), sums));
    }
    assert_eq!(closed.len(), 1);
}

#[test]
fn the_same_record_gives_the_same_snapshot_each_time() {
    let data = generated(Scale { endpoints: 400, hours: 400, seed: 11 });
    let opened = store(data.path());
    let newest = opened.newest_run(None).expect("readable").expect("a run");
    let id = |opened: &Store| {
        let workloads = Workload::shipped().expect("workloads");
        build_snapshot(opened, None, workloads, newest.run.observed_at).expect("published").id
    };
    let of_readings: BTreeSet<String> = (0..2).map(|_| id(&opened)).collect();
    let of_days: BTreeSet<String> = (0..2)
        .map(|_| {
            opened.rebuild_days().expect("closed");
            id(&opened)
        })
        .collect();
    assert_eq!((of_readings.len(), of_days.len()), (1, 1), "{of_readings:?} {of_days:?}");
    assert_eq!(of_readings, of_days, "a day is the same from its readings and once it is closed");
}

#[test]
fn a_generated_uptime_is_a_share_of_requests_in_lowest_terms() {
    let data = folder();
    drop(store(data.path()));
    let file = DataDir::new(data.path()).store();
    generate::generate(&file, Scale { endpoints: 40, hours: 24, seed: 3 }, |_| ()).expect("generated");
    let odd = "SELECT 1 FROM stored_reading
        WHERE len(uptime_30m) > 0 AND gcd(uptime_30m[1].down, uptime_30m[1].total) <> 1";
    assert_eq!(rows(data.path(), odd), Vec::<String>::new());
    assert!(rows(data.path(), "SELECT 1 FROM stored_reading WHERE len(uptime_30m) > 0").len() > 100);
    tamper(data.path(), "DELETE FROM stored_reading");
    assert_eq!(rows(data.path(), "SELECT 1 FROM reading"), Vec::<String>::new());
}
