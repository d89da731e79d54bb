//! Seasons from the record: a planted daily cycle, a list price that moves at noon, and the shares of complete days.

use super::{id, ingest, price, reading, run};
use crate::rig::{at, folder, store};
use chrono::{Duration, Timelike};
use hitrate::domain::reading::Usage;
use hitrate::domain::season::PriceSource;
use hitrate::domain::units::HitRate;
use hitrate::domain::workload::Workload;
use hitrate::pipeline::build_snapshot;

/// Hourly rates: high before noon.
fn rate(hour: u32, day: u32) -> f64 {
    let noise = f64::from((hour * 7 + day * 13) % 11) / 200.0;
    if hour < 12 { 0.7 + noise } else { 0.4 + noise }
}

#[test]
fn the_record_shows_planted_seasons_and_complete_days() {
    let data = folder();
    let store = store(data.path());
    let first = at("2026-08-03T00:57:00Z");
    let mut cached = 0.0;
    for hour in 0..8 * 24 + 2 {
        let time = first + Duration::hours(hour);
        if time.hour() == 0 {
            cached = 0.0;
        }
        cached += rate(time.hour(), (hour / 24) as u32) * 1e8;
        let tokens = i64::from(time.hour() + 1) * 100_000_000;
        let usage = Usage {
            hit_rate: HitRate::new(cached / tokens as f64),
            tokens: Some(tokens),
            ..reading(id(1), "heron").usage.expect("there")
        };
        let mut one = reading(id(1), "heron");
        one.usage = Some(usage);
        one.prices.input = price(if time.hour() < 12 { "0.2" } else { "0.4" });
        let mut flat = reading(id(2), "crane/fp8");
        flat.usage = Some(Usage { tokens: Some(tokens / 4), ..flat.usage.expect("there") });
        ingest(&store, &run(&time.to_rfc3339(), vec![one, flat]));
    }
    let (from, today) = ("2026-08-03".parse().expect("a day"), "2026-08-11".parse().expect("a day"));
    let as_of = first + Duration::hours(8 * 24 + 1);
    let rates = store.daily_rates(from, today, as_of).expect("rates");
    assert_eq!(rates.values().map(std::collections::BTreeMap::len).collect::<Vec<_>>(), [8, 8]);
    let steps = store.list_steps(from, as_of).expect("steps");
    assert_eq!(steps.len(), 1, "only the endpoint whose price moves: {steps:?}");
    assert_eq!(store.run_times(from, as_of).expect("times").len(), 8 * 24 + 2);

    let workloads = Workload::shipped().expect("shipped workloads");
    let snapshot = build_snapshot(&store, None, workloads, as_of).expect("a snapshot");
    let seasons = |number: u128| {
        let endpoints = snapshot.models.iter().flat_map(|model| &model.endpoints);
        let mut found = endpoints.filter(|endpoint| Some(endpoint.endpoint_id) == id(number));
        found.next().expect("the endpoint").seasons.clone()
    };
    let moving = seasons(1).expect("seasons");
    let by_hour = moving.by_hour.expect("a daily cycle");
    assert_eq!((by_hour.days, by_hour.profile.len()), (8, 24));
    assert!(by_hour.high.from < 7 && by_hour.low.from >= 11, "{by_hour:?}");
    assert!(moving.by_weekday.is_none(), "eight days are too few");
    let prices = moving.price_by_time.expect("a schedule");
    let periods: Vec<_> = prices.periods.iter().map(|p| (p.words(), p.list.input, p.now)).collect();
    let expected = [
        ("00:00 to 12:00 UTC".to_owned(), Some(0.2), true),
        ("12:00 to 24:00 UTC".to_owned(), Some(0.4), false),
    ];
    assert_eq!((prices.source, periods), (PriceSource::Observed, expected.to_vec()));
    assert_eq!(seasons(2), None, "nothing follows the clock at the other endpoint");

    let complete = snapshot.share.days.iter().filter(|day| day.complete).count();
    assert_eq!((complete, snapshot.share.days.len()), (8, 9), "the running day does not count");
    let shares: Vec<Option<f64>> = snapshot.share.of_providers().shares.iter().map(|row| row.share).collect();
    assert_eq!(shares, [Some(0.8), Some(0.2)]);
}
