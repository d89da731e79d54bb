//! Closed days have one row per endpoint; this does not change anything that can be read.

use super::{id, ingest, reading, run};
use crate::rig::{at, folder, rows, store, tamper};
use hitrate::domain::ids::Variant;
use hitrate::domain::reading::ModelUsage;
use hitrate::domain::units::HitRate;
use hitrate::store::{EndpointDayRow, Store};
use std::path::Path;

const NOON: &str = "2026-08-07T12:00:00Z";
const EVENING: &str = "2026-08-07T23:57:00Z";
const NEXT: &str = "2026-08-08T00:57:00Z";

/// Two runs of one day and one of the next: an endpoint whose rate rises, and one without usage in the evening.
fn filled(folder: &Path) -> Store {
    let store = store(folder);
    for (time, rate) in [(NOON, 0.25), (EVENING, 0.5), (NEXT, 0.75)] {
        let mut one = reading(id(1), "heron");
        one.usage =
            one.usage.map(|usage| hitrate::domain::reading::Usage { hit_rate: HitRate::new(rate), ..usage });
        one.health.uptime_30m = Some(rate);
        let mut other = reading(id(2), "crane/fp8");
        other.usage = other.usage.filter(|_| time == NOON);
        let mut run = run(time, vec![one, other]);
        run.model_usage = vec![ModelUsage {
            model: super::lark(),
            variant: Variant::standard(),
            hit_rate: Some(rate),
            effective_input: None,
            effective_output: None,
        }];
        ingest(&store, &run);
    }
    store
}

fn days(store: &Store, as_of: &str) -> Vec<EndpointDayRow> {
    let day = |text: &str| text.parse().expect("a day");
    store
        .days(day("2026-08-01"), day("2026-08-31"), at(as_of))
        .and_then(|days| days.rows())
        .expect("readable")
}

#[test]
fn a_day_is_closed_by_the_first_run_of_a_later_one() {
    let data = folder();
    let store = filled(data.path());
    let seen = days(&store, NEXT);
    drop(store);
    let closed = rows(
        data.path(),
        "SELECT endpoint_no, hit_rate, tokens IS NULL AS idle, uptime_30m FROM endpoint_day ORDER BY endpoint_no",
    );
    assert_eq!(
        closed,
        [
            "{'endpoint_no': 1, 'hit_rate': 0.5, 'idle': false, 'uptime_30m': 0.375}",
            "{'endpoint_no': 2, 'hit_rate': 0.5, 'idle': false, 'uptime_30m': 0.99}"
        ]
    );
    let rates: Vec<_> = seen.iter().map(|row| (row.of_day.day.to_string(), row.of_day.hit_rate)).collect();
    let expected = [
        ("2026-08-07", Some(0.5)),
        ("2026-08-08", Some(0.75)),
        ("2026-08-07", Some(0.5)),
        ("2026-08-08", None),
    ];
    assert_eq!(rates, expected.map(|(day, rate)| (day.to_owned(), rate)));
}

#[test]
fn a_moment_inside_a_closed_day_is_seen_as_it_was_known_then() {
    let data = folder();
    let store = filled(data.path());
    let seen = days(&store, NOON);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[0].of_day.hit_rate, Some(0.25));
    assert_eq!(seen[0].of_day.coverage, Some(0.5));
}

#[test]
fn closed_days_are_what_their_readings_give() {
    let data = folder();
    let store = filled(data.path());
    let kept = days(&store, NEXT);
    assert_eq!(store.rebuild_days().expect("rebuilt"), 2);
    assert_eq!(days(&store, NEXT), kept);
    drop(store);
    let table = rows(data.path(), "FROM endpoint_day ORDER BY endpoint_no");
    tamper(data.path(), "DELETE FROM endpoint_day");
    let store = crate::rig::store(data.path());
    assert_eq!(days(&store, NEXT), kept, "without the table every day is read hour by hour");
    store.rebuild_days().expect("rebuilt");
    drop(store);
    assert_eq!(rows(data.path(), "FROM endpoint_day ORDER BY endpoint_no"), table);
}

#[test]
fn aggregates_of_a_day_that_is_over_are_those_of_its_last_run() {
    let data = folder();
    drop(filled(data.path()));
    let kept = rows(data.path(), "SELECT run_no AS r, hit_rate AS h FROM model_usage ORDER BY run_no");
    assert_eq!(kept, ["{'r': 2, 'h': 0.5}", "{'r': 3, 'h': 0.75}"]);
}

#[test]
fn readings_come_back_to_the_last_bit() {
    let data = folder();
    let opened = store(data.path());
    let rates = [0.0, 1.0 / 3.0, f64::from_bits(0.5_f64.to_bits() + 1), 1.0];
    // Shares of requests as they are published, and two numbers that are not such shares.
    let uptimes =
        [1.0, 0.0, 77.0 / 79.0 * 100.0 / 100.0, 0.999_710_137_289_520_2, std::f64::consts::FRAC_1_SQRT_2];
    let mut readings = Vec::new();
    for (number, uptime) in uptimes.into_iter().enumerate() {
        let mut one = reading(id(number as u128 + 1), &format!("tag-{number}"));
        one.usage = one.usage.zip(rates.get(number)).map(|(usage, rate)| hitrate::domain::reading::Usage {
            hit_rate: HitRate::new(*rate),
            effective_input: Some(uptime / 3.0),
            ..usage
        });
        one.health.uptime_5m = Some(uptime);
        one.health.uptime_1d = None;
        readings.push(one);
    }
    let run = run(NOON, readings);
    ingest(&opened, &run);
    let back = opened.readings(at("2026-08-07T00:00:00Z"), at("2026-08-08T00:00:00Z")).expect("readable");
    assert_eq!(back.len(), uptimes.len());
    for (row, read) in back.iter().zip(&run.readings) {
        let bits = |value: Option<f64>| value.map(f64::to_bits);
        assert_eq!(bits(row.uptime_5m), bits(read.health.uptime_5m));
        assert_eq!((bits(row.uptime_30m), row.uptime_1d), (bits(read.health.uptime_30m), None));
        assert_eq!(bits(row.hit_rate), bits(read.usage.and_then(|usage| usage.hit_rate).map(HitRate::get)));
        assert_eq!(bits(row.effective_input), bits(read.usage.and_then(|usage| usage.effective_input)));
        assert_eq!(row.tokens, read.usage.and_then(|usage| usage.tokens));
    }
}

#[test]
fn usual_list_prices_are_weighted_by_the_time_that_they_held_in_the_lens_window() {
    let data = folder();
    let opened = store(data.path());
    let listed = |input: &str, read: Option<&str>, write: Option<&str>| {
        let mut one = reading(id(1), "heron");
        one.prices.input = super::price(input);
        one.prices.cache_read = read.and_then(super::price);
        one.prices.cache_write = write.and_then(super::price);
        vec![one]
    };
    // Five days of the window at 0.2, one at 0.1; the price before the window does not count.
    ingest(&opened, &run("2026-07-30T12:00:00Z", listed("0.9", Some("0.02"), None)));
    ingest(&opened, &run("2026-08-01T12:00:00Z", listed("0.2", Some("0.02"), None)));
    ingest(&opened, &run("2026-08-07T00:00:00Z", listed("0.1", None, None)));
    ingest(&opened, &run("2026-08-08T00:00:00Z", listed("0.1", None, Some("0.25"))));
    let seen = |as_of: &str, name: &str| {
        let frame = opened.endpoints(at(as_of)).and_then(|now| now.frame()).expect("a frame");
        frame.column(name).expect("a column").get(0).expect("a row").extract::<f64>()
    };
    let newest = |name: &str| seen("2026-08-08T00:00:00Z", name);
    let mean = newest("usual_input").expect("listed");
    assert!((mean - 1.1 / 6.0).abs() < 1e-12, "{mean}");
    assert_eq!((newest("lowest_input"), newest("highest_input")), (Some(0.1), Some(0.2)));
    // Listed for a part of the window: the mean of that part. Just listed: no time has passed.
    assert_eq!(newest("usual_cache_read"), Some(0.02));
    assert_eq!((newest("usual_cache_write"), newest("highest_cache_write")), (None, Some(0.25)));
    assert_eq!(newest("list_moves"), Some(1.0));
    assert_eq!(seen("2026-08-07T12:00:00Z", "list_moves"), Some(2.0), "that window began earlier");
    assert_eq!(newest("list_returns"), Some(0.0));
}

/// An endpoint of which the sweeps of a day see these input and cache read prices: the moves and returns of the list in
/// the window, whether it moved on that day as the newest reading has it, and the same as the day has it.
fn moves_of(seen: &[(&str, Option<&str>)]) -> (f64, f64, bool, bool) {
    let data = folder();
    let opened = store(data.path());
    for (hour, (input, read)) in seen.iter().enumerate() {
        let mut one = reading(id(1), "heron");
        one.prices.input = super::price(input);
        one.prices.cache_read = read.and_then(super::price);
        ingest(&opened, &run(&format!("2026-08-07T{:02}:57:00Z", hour + 1), vec![one]));
    }
    let as_of = at("2026-08-07T23:59:00Z");
    let newest = opened.endpoints(as_of).and_then(|now| now.frame()).expect("a frame");
    let number = |name: &str| {
        newest.column(name).expect("a column").get(0).expect("a row").extract::<f64>().expect("a number")
    };
    let flag = |frame: &polars::prelude::DataFrame, name: &str| {
        frame.column(name).expect("a column").bool().expect("flags").get(0).expect("never null")
    };
    let day = as_of.date_naive();
    let days = opened.days(day, day, as_of).and_then(|days| days.frame()).expect("a frame");
    (
        number("list_moves"),
        number("list_returns"),
        flag(&newest, "price_moved_today"),
        flag(&days, "list_moved"),
    )
}

#[test]
fn moves_of_the_list_have_one_rule_and_returns_are_counted() {
    let read = Some("0.02");
    assert_eq!(moves_of(&[("0.1", read), ("0.1", read)]), (0.0, 0.0, false, false));
    assert_eq!(moves_of(&[("0.1", read), ("0.10005", read)]), (0.0, 0.0, false, false), "a rounding");
    assert_eq!(moves_of(&[("0.1", read), ("0.2", read)]), (1.0, 0.0, true, true));
    assert_eq!(moves_of(&[("0.1", read), ("0.1", None)]), (1.0, 0.0, true, true), "a price that vanishes");
    assert_eq!(moves_of(&[("0.1", None), ("0.1", read)]), (1.0, 0.0, true, true), "a price that appears");
    assert_eq!(moves_of(&[("0.1", None), ("0.1", None)]), (0.0, 0.0, false, false));
    assert_eq!(moves_of(&[("0.11", read), ("0.14", read), ("0.16", read)]), (2.0, 0.0, true, true));
    assert_eq!(moves_of(&[("0.1", read), ("0.2", read), ("0.10005", read)]), (2.0, 1.0, true, true));
    let alternating = [("0.1", read), ("0.2", read), ("0.1", read), ("0.2", read)];
    assert_eq!(moves_of(&alternating), (3.0, 2.0, true, true));
}
