//! Closing hit rates: stored once, distinguished from observed and derived ones, and not visible before they were
//! known.

use super::{id, ingest, reading, run};
use crate::rig::{at, dump, folder, rows, store};
use hitrate::domain::reading::{ClosingRate, RunReadings};
use hitrate::domain::units::HitRate;
use hitrate::domain::window::{Basis, WindowKind};
use hitrate::store::Store;

fn rate(number: u128, day: &str, rate: f64) -> ClosingRate {
    ClosingRate {
        endpoint_id: id(number).expect("given"),
        day: day.parse().expect("a day"),
        hit_rate: HitRate::new(rate).expect("a share"),
    }
}

fn with(mut run: RunReadings, rates: &[ClosingRate]) -> RunReadings {
    run.closing_rates = rates.to_vec();
    run
}

/// Day of the month, hit rate, basis, tokens, and whether a reading covers a part of it.
type Day = (String, Option<f64>, Option<Basis>, Option<i64>, bool);

/// The days of the one endpoint, as known at a time.
fn days(store: &Store, as_of: &str) -> Vec<Day> {
    let (from, to) = ("2026-08-01".parse().expect("a day"), "2026-08-31".parse().expect("a day"));
    let rows = store.days(from, to, at(as_of)).and_then(|days| days.rows()).expect("readable");
    let row = |row: hitrate::store::EndpointDayRow| {
        let d = row.of_day;
        (d.day.format("%d").to_string(), d.hit_rate, d.basis, d.tokens, d.coverage.is_some())
    };
    rows.into_iter().map(row).collect()
}

#[test]
fn closing_rates_are_stored_when_new_or_restated_and_only_for_endpoints_that_were_seen() {
    let data = folder();
    let opened = store(data.path());
    let one = || vec![reading(id(1), "heron")];
    let first = [rate(1, "2026-08-06", 0.4), rate(9, "2026-08-06", 0.9)];
    ingest(&opened, &with(run("2026-08-07T00:57:00Z", one()), &first));
    let told_again = [rate(1, "2026-08-06", 0.4), rate(1, "2026-08-07", 0.5)];
    ingest(&opened, &with(run("2026-08-08T00:57:00Z", one()), &told_again));
    let restated = [rate(1, "2026-08-06", 0.41), rate(1, "2026-08-07", 0.5)];
    ingest(&opened, &with(run("2026-08-09T00:57:00Z", one()), &restated));
    drop(opened);
    let stored = rows(
        data.path(),
        "SELECT CAST(day AS VARCHAR) AS d, hit_rate AS h, run_no AS r FROM closing_rate ORDER BY r, d",
    );
    let expected = [
        "{'d': 2026-08-06, 'h': 0.4, 'r': 1}",
        "{'d': 2026-08-07, 'h': 0.5, 'r': 2}",
        "{'d': 2026-08-06, 'h': 0.41, 'r': 3}",
    ];
    assert_eq!(stored, expected);
    let before = dump(data.path());
    let opened = store(data.path());
    ingest(&opened, &with(run("2026-08-09T00:57:00Z", one()), &[rate(1, "2026-08-06", 0.9)]));
    let sixth =
        |as_of: &str| days(&opened, as_of).into_iter().find(|day| day.0 == "06").and_then(|day| day.1);
    assert_eq!(sixth("2026-08-08T12:00:00Z"), Some(0.4), "as it was known then");
    assert_eq!(sixth("2026-08-09T12:00:00Z"), Some(0.41), "the newest run counts");
    drop(opened);
    assert_eq!(dump(data.path()), before, "the same run twice changes nothing");
}

#[test]
fn a_day_says_what_its_rate_rests_on() {
    let data = folder();
    let opened = store(data.path());
    let mut seen = reading(id(1), "heron");
    // Half cached at a tenth of the price: 0.11 of 0.20 USD. On the fourth a quarter less was paid for.
    for (day, price) in [("2026-08-03", 0.11), ("2026-08-04", 0.11), ("2026-08-05", 0.065)] {
        seen.closing_prices.insert(day.parse().expect("a day"), (Some(price), Some(1.0)));
    }
    let mut evening = run("2026-08-06T20:57:00Z", vec![seen]);
    evening.closing_rates = vec![rate(1, "2026-08-04", 0.45)];
    ingest(&opened, &evening);
    ingest(
        &opened,
        &with(
            run("2026-08-08T00:57:00Z", vec![reading(id(1), "heron")]),
            &[rate(1, "2026-08-06", 0.55), rate(1, "2026-08-07", 0.6)],
        ),
    );
    let (observed, tokens) = (Some(Basis::Observed), Some(1_000_000_000_000));
    let found = days(&opened, "2026-08-08T12:00:00Z");
    let told: Vec<(&str, Option<Basis>, Option<i64>, bool)> = found
        .iter()
        .map(|(day, _, basis, tokens, covered)| (day.as_str(), *basis, *tokens, *covered))
        .collect();
    assert_eq!(
        told,
        [
            ("03", Some(Basis::Derived), None, false),
            ("04", Some(Basis::Comparison), None, false),
            ("05", Some(Basis::Derived), None, false),
            ("06", Some(Basis::Comparison), tokens, true),
            ("07", Some(Basis::Comparison), None, false),
            ("08", observed, tokens, true),
        ]
    );
    let rates: Vec<f64> = found.iter().filter_map(|day| day.1).collect();
    for (rate, expected) in rates.iter().zip([0.5, 0.45, 0.75, 0.55, 0.6, 0.5]) {
        assert!((rate - expected).abs() < 1e-9, "{rates:?}");
    }
    let before = days(&opened, "2026-08-07T12:00:00Z");
    assert_eq!(before.last().map(|day| (day.0.as_str(), day.1, day.2)), Some(("06", Some(0.5), observed)));
    let days = opened.days(
        "2026-08-01".parse().expect("a day"),
        "2026-08-31".parse().expect("a day"),
        at("2026-08-08T12:00:00Z"),
    );
    let published = hitrate::analysis::observed_days(&days.and_then(|days| days.frame()).expect("a frame"))
        .expect("its columns");
    assert_eq!(published, 4, "closing values count like observed days, derived ones do not");
}

#[test]
fn readings_of_a_short_stretch_have_no_bounds_and_form_no_day() {
    let data = folder();
    let opened = store(data.path());
    let mut hourly = run("2026-08-07T10:57:00Z", vec![reading(id(1), "heron")]);
    hourly.window_kind = WindowKind::Hour;
    ingest(&opened, &hourly);
    assert_eq!(days(&opened, "2026-08-07T12:00:00Z"), Vec::new());
    let (from, to) = (at("2026-08-07T00:00:00Z"), at("2026-08-08T00:00:00Z"));
    let reading = &opened.readings(from, to).expect("readable")[0];
    assert_eq!((reading.window_start, reading.window_end), (None, None));
    let hours = opened.hourly(from, to).expect("readable");
    assert!(hours.stretches.is_empty());
    assert_eq!(hours.refused.into_values().collect::<Vec<_>>(), [1]);
}

/// The numbers of a column of the days, as known at a time.
fn column(store: &Store, as_of: &str, name: &str) -> Vec<Option<f64>> {
    let (from, to) = ("2026-08-01".parse().expect("a day"), "2026-08-31".parse().expect("a day"));
    let frame = store.days(from, to, at(as_of)).and_then(|days| days.frame()).expect("a frame");
    let column = frame.column(name).expect("a column");
    (0..frame.height()).map(|row| column.get(row).expect("a row").extract::<f64>()).collect()
}

#[test]
fn the_price_of_a_rate_is_never_that_of_another_source() {
    let data = folder();
    let opened = store(data.path());
    // The reading of the fifth and the sixth pays 0.11; the chart of the next day closes the sixth at 0.15.
    for time in ["2026-08-05T16:00:00Z", "2026-08-06T16:00:00Z"] {
        ingest(&opened, &run(time, vec![reading(id(1), "heron")]));
    }
    let paid = |as_of: &str| column(&opened, as_of, "paid_input");
    let mut next = reading(id(1), "heron");
    next.closing_prices.insert("2026-08-06".parse().expect("a day"), (Some(0.15), Some(1.0)));
    ingest(&opened, &run("2026-08-07T00:57:00Z", vec![next]));
    assert_eq!(paid("2026-08-07T12:00:00Z"), [Some(0.11); 3], "the rates are those of readings");
    assert_eq!(column(&opened, "2026-08-07T12:00:00Z", "effective_input")[1], Some(0.15));
    let rates = [rate(1, "2026-08-05", 0.4), rate(1, "2026-08-06", 0.4)];
    ingest(&opened, &with(run("2026-08-07T01:57:00Z", vec![reading(id(1), "heron")]), &rates));
    // A closing rate without a closing price has none.
    assert_eq!(paid("2026-08-07T12:00:00Z"), [None, Some(0.15), Some(0.11)]);
}

#[test]
fn a_day_says_whether_its_list_price_moved_as_far_as_it_was_known() {
    let data = folder();
    let opened = store(data.path());
    let at_price = |input: &str, read: Option<&str>| {
        let mut one = reading(id(1), "heron");
        (one.prices.input, one.prices.cache_read) = (super::price(input), read.and_then(super::price));
        vec![one]
    };
    ingest(&opened, &run("2026-08-05T16:00:00Z", at_price("0.2", Some("0.02"))));
    ingest(&opened, &run("2026-08-06T10:00:00Z", at_price("0.2001", Some("0.02"))));
    ingest(&opened, &run("2026-08-07T10:00:00Z", at_price("0.3", Some("0.02"))));
    ingest(&opened, &run("2026-08-07T20:00:00Z", at_price("0.2001", Some("0.02"))));
    ingest(&opened, &run("2026-08-08T10:00:00Z", at_price("0.2001", None)));
    ingest(&opened, &run("2026-08-09T10:00:00Z", at_price("0.2001", None)));
    let (from, to) = ("2026-08-01".parse().expect("a day"), "2026-08-31".parse().expect("a day"));
    let moved = |as_of: &str| -> Vec<bool> {
        let frame = opened.days(from, to, at(as_of)).and_then(|days| days.frame()).expect("a frame");
        let column = frame.column("list_moved").expect("a column").bool().expect("flags").clone();
        column.iter().map(|moved| moved.expect("never null")).collect()
    };
    // The first price is not a change, a rounding neither; there and back is, and so is a read price that is gone.
    assert_eq!(moved("2026-08-09T12:00:00Z"), [false, false, true, true, false]);
    assert_eq!(moved("2026-08-07T09:00:00Z"), [false, false], "not known yet");
    assert_eq!(moved("2026-08-07T12:00:00Z"), [false, false, true]);
}
