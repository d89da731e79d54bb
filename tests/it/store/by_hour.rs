//! The backtest by the hour on a record made by hand: what it charges, what a choice can see, and what is left out.

use super::{id, ingest, price, reading, run};
use crate::binary::{Ran, hitrate};
use crate::rig::{at, folder, store};
use chrono::NaiveDate;
use hitrate::domain::backtest::{HourlyBacktest, Policy};
use hitrate::domain::reading::{Reading, Usage};
use hitrate::pipeline::backtest_by_hour;
use hitrate::store::Store;
use std::path::Path;
use tempfile::TempDir;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// A summary of an endpoint: millions of tokens since midnight, and their effective input price. Output is free.
fn used(number: u128, tag: &str, millions: f64, effective_input: f64) -> Reading {
    let mut one = reading(id(number), tag);
    one.usage = one.usage.map(|usage| Usage {
        tokens: Some((millions * 1e6) as i64),
        effective_input: Some(effective_input),
        effective_output: Some(0.0),
        ..usage
    });
    one
}

/// The summaries of the two endpoints of the model.
fn both(heron: (f64, f64), crane: (f64, f64)) -> Vec<Reading> {
    vec![used(1, "heron", heron.0, heron.1), used(2, "crane/fp8", crane.0, crane.1)]
}

/// Yesterday: 100 million tokens each, heron is cheaper.
fn yesterday(store: &Store) {
    ingest(store, &run("2026-08-07T22:57:00Z", both((100.0, 0.11), (100.0, 0.12))));
}

/// Just before the first hour of decision.
fn early(store: &Store) {
    ingest(store, &run("2026-08-08T00:57:00Z", both((10.0, 0.10), (20.0, 0.15))));
}

/// The end of the day: crane became cheaper.
fn close(store: &Store) {
    ingest(store, &run("2026-08-08T23:57:00Z", both((110.0, 0.12), (120.0, 0.10))));
}

/// Every price at odds with all others: today's, that of yesterday's chart, and the list.
fn absurd(store: &Store, time: &str) {
    let mut rows = both((60.0, 0.2), (60.0, 0.02));
    rows[0].closing_prices.insert(day("2026-08-07"), (Some(0.2), Some(0.0)));
    rows[1].closing_prices.insert(day("2026-08-07"), (Some(0.02), Some(0.0)));
    rows[0].prices.input = price("0.4");
    ingest(store, &run(time, rows));
}

fn tested(store: &Store) -> HourlyBacktest {
    backtest_by_hour(store, Some(day("2026-08-08")), Some(day("2026-08-08")), &|_, _| ()).expect("readable")
}

fn of(found: &HourlyBacktest, policy: Policy) -> f64 {
    let row = found.policies.iter().find(|row| row.policy == policy).expect("a row");
    assert!((row.equal - row.tokens).abs() < 1e-12, "one choice has one weight");
    row.equal
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-9, "{found}, not {wanted}");
}

/// A folder with the record of the two days.
fn recorded() -> TempDir {
    let data = folder();
    let opened = store(data.path());
    yesterday(&opened);
    early(&opened);
    close(&opened);
    data
}

#[test]
fn a_choice_is_charged_the_rest_of_the_day() {
    let data = recorded();
    let found = tested(&store(data.path()));
    assert_eq!((found.decisions, found.models, found.decision_hours), (1, 1, 1));
    assert_eq!(found.skipped.hours_without_readings, 7);
    // (0.12 x 110 - 0.10 x 10) / 100 and (0.10 x 120 - 0.15 x 20) / 100 million tokens.
    let (heron, crane) = (0.122, 0.09);
    for policy in [Policy::Hitrate, Policy::Yesterday, Policy::HalfLife1d, Policy::EffectiveNow] {
        near(of(&found, policy), heron / crane);
    }
    // Both list the same price, and both had the same traffic.
    near(of(&found, Policy::CheapestList), (heron / crane).sqrt());
    near(of(&found, Policy::TrafficAverage), (heron + crane) / 2.0 / crane);
    near(of(&found, Policy::Oracle), 1.0);
}

#[test]
fn a_choice_sees_nothing_that_was_read_after_its_hour() {
    let known = tested(&store(recorded().path()));
    let with = |time: &str| {
        let data = folder();
        let opened = store(data.path());
        yesterday(&opened);
        early(&opened);
        absurd(&opened, time);
        close(&opened);
        tested(&opened)
    };
    assert_eq!(with("2026-08-08T01:57:00Z"), known, "an hour later it is too late");
    let earlier = with("2026-08-08T00:59:00Z");
    // (0.12 x 110 - 0.2 x 60) / 50 and (0.10 x 120 - 0.02 x 60) / 60 million tokens: crane seems cheaper.
    let (heron, crane) = (0.024, 0.18);
    for policy in [Policy::Hitrate, Policy::Yesterday, Policy::EffectiveNow, Policy::CheapestList] {
        near(of(&earlier, policy), crane / heron);
    }
}

#[test]
fn a_body_counts_from_the_time_it_was_read() {
    let data = folder();
    let opened = store(data.path());
    yesterday(&opened);
    let mut slow = run("2026-08-08T00:57:00Z", both((10.0, 0.10), (20.0, 0.15)));
    for row in &mut slow.readings {
        row.usage =
            row.usage.take().map(|usage| Usage { read_at: Some(at("2026-08-08T01:01:00Z")), ..usage });
    }
    ingest(&opened, &slow);
    close(&opened);
    let found = tested(&opened);
    assert_eq!((found.decisions, found.skipped.hours_without_readings), (0, 8));
    assert!(found.policies.is_empty());
}

#[test]
fn a_body_of_an_earlier_day_is_no_reading_and_the_whole_day_is_charged() {
    let data = folder();
    let opened = store(data.path());
    yesterday(&opened);
    let mut stale = run("2026-08-08T00:57:00Z", both((100.0, 0.11), (100.0, 0.12)));
    for row in &mut stale.readings {
        row.usage = row.usage.take().map(|usage| Usage { day: Some(day("2026-08-07")), ..usage });
    }
    ingest(&opened, &stale);
    close(&opened);
    let found = tested(&opened);
    assert_eq!(found.decisions, 1);
    near(of(&found, Policy::Hitrate), 0.12 / 0.10);
    near(of(&found, Policy::EffectiveNow), 0.12 / 0.10);
}

/// The test, if heron's day ends with these numbers.
fn ending(millions: f64, effective_input: f64) -> HourlyBacktest {
    let data = folder();
    let opened = store(data.path());
    yesterday(&opened);
    early(&opened);
    ingest(&opened, &run("2026-08-08T23:57:00Z", both((millions, effective_input), (120.0, 0.10))));
    tested(&opened)
}

#[test]
fn what_cannot_be_charged_is_left_out_and_counted() {
    let idle = ending(10.9, 0.10);
    assert_eq!((idle.decisions, idle.skipped.idle_endpoints, idle.skipped.lone_endpoint), (0, 1, 1));
    assert_eq!(ending(11.0, 0.10).decisions, 1, "a million tokens are enough");
    // The lowest list price is 0.02, that of a cache hit: (0.0264 x 110 - 1) / 100 million tokens is above 0.95 of it.
    assert_eq!(ending(110.0, 0.0264).decisions, 1);
    let impossible = ending(110.0, 0.026);
    assert_eq!((impossible.decisions, impossible.skipped.impossible_endpoints), (0, 1));
    let negative = ending(110.0, 0.001);
    assert_eq!((negative.decisions, negative.skipped.unpriced_endpoints), (0, 1));

    let data = folder();
    let opened = store(data.path());
    yesterday(&opened);
    early(&opened);
    ingest(&opened, &run("2026-08-08T19:57:00Z", both((110.0, 0.12), (120.0, 0.10))));
    let unclosed = tested(&opened);
    assert_eq!((unclosed.decisions, unclosed.skipped.unclosed_endpoints), (0, 2));
}

/// The decision, if heron's list moves later that day and the sweep at a time is the first to see it.
fn moving(sweep: &str, list: &str) -> HourlyBacktest {
    let data = folder();
    let opened = store(data.path());
    yesterday(&opened);
    early(&opened);
    let listed = |heron, crane| {
        let mut rows = both(heron, crane);
        (rows[0].prices.input, rows[0].prices.cache_read) = (price(list), price(list));
        rows
    };
    let end = ((110.0, 0.0264 * 0.5), (120.0, 0.10));
    if sweep.starts_with("2026-08-09") {
        ingest(&opened, &run("2026-08-08T23:57:00Z", both(end.0, end.1)));
        ingest(&opened, &run(sweep, listed((1.0, 0.01), (1.0, 0.10))));
    } else {
        ingest(&opened, &run(sweep, listed((60.0, 0.016), (60.0, 0.10))));
        ingest(&opened, &run("2026-08-08T23:57:00Z", listed(end.0, end.1)));
    }
    tested(&opened)
}

#[test]
fn a_list_that_falls_after_the_choice_explains_the_charge() {
    // (0.0132 x 110 - 1) / 100 million tokens is below the lowest list price at the choice, 0.02.
    let fell = moving("2026-08-08T19:57:00Z", "0.004");
    assert_eq!((fell.decisions, fell.skipped.impossible_endpoints), (1, 0));
    let seen_at_the_next_sweep = moving("2026-08-09T00:57:00Z", "0.004");
    assert_eq!(
        (seen_at_the_next_sweep.decisions, seen_at_the_next_sweep.skipped.impossible_endpoints),
        (1, 0)
    );
    let rose = moving("2026-08-08T19:57:00Z", "0.5");
    assert_eq!((rose.decisions, rose.skipped.impossible_endpoints), (0, 1));
}

#[test]
fn an_endpoint_with_little_traffic_yesterday_is_not_a_candidate() {
    let data = folder();
    let opened = store(data.path());
    ingest(&opened, &run("2026-08-07T22:57:00Z", both((9.9, 0.11), (100.0, 0.12))));
    early(&opened);
    close(&opened);
    let found = tested(&opened);
    assert_eq!((found.decisions, found.skipped.lone_endpoint), (0, 1));
}

fn by_hour(data: &Path, more: &[&str]) -> Ran {
    hitrate(data, &[&["backtest", "--decide", "hourly"], more].concat())
}

#[test]
fn the_command_prints_the_contract_and_a_table() {
    let data = recorded();
    let ran = by_hour(data.path(), &["--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let json = ran.json();
    assert_eq!((&json["decisions"], &json["models"]), (&1.into(), &1.into()));
    let names: Vec<&str> =
        json["policies"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, Policy::HOURLY.map(Policy::as_str));
    let wanted = [
        "hitrate",
        "yesterday",
        "half_life_1d",
        "cheapest_list",
        "traffic_average",
        "effective_now",
        "oracle",
    ];
    assert_eq!(names, wanted);
    for row in json["policies"].as_array().expect("rows") {
        assert!(["equal", "sqrt_tokens", "tokens"].iter().all(|key| row[*key].is_f64()), "{row}");
    }
    let bounded = by_hour(data.path(), &["--json", "--from", "2026-08-08", "--to", "2026-08-08"]);
    assert_eq!(bounded.json()["decisions"], json["decisions"], "both bounds are inclusive");
    let table = by_hour(data.path(), &["--from", "2026-08-08", "--table", "text"]);
    assert_eq!(table.code, 0, "{table:?}");
    for words in
        ["effective_now", "each charged the rest of the day", "Eligible:", "7 hours without a reading"]
    {
        assert!(table.out.contains(words), "{words}: {}", table.out);
    }
}

#[test]
fn the_command_states_what_is_wrong() {
    let data = folder();
    let opened = store(data.path());
    for time in ["2026-08-07T11:30:00Z", "2026-08-08T11:30:00Z"] {
        ingest(&opened, &run(time, both((100.0, 0.11), (100.0, 0.12))));
    }
    drop(opened);
    let says = |more: &[&str], code: i32, words: &str| {
        let ran = by_hour(data.path(), more);
        assert_eq!((ran.code, ran.out.as_str()), (code, ""), "{ran:?}");
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    };
    says(
        &[],
        1,
        "there is no day-to-date reading in the 70 minutes before any of 01, 04, 07, 10, 13, 16, 19 and 22 UTC",
    );
    says(&["--json", "--from", "2026-09-01"], 1, "the record has no run on them");
    says(&["--from", "2026-08-08", "--to", "2026-08-07"], 1, "--from 2026-08-08 is after --to 2026-08-07");
    says(&["--from", "yesterday"], 2, "--from");
    says(&["--to", "2026-02-30"], 2, "--to");
    let unknown = hitrate(data.path(), &["backtest", "--decide", "weekly"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""), "{unknown:?}");
    assert!(unknown.err.contains("daily, hourly"), "{}", unknown.err);
    let empty = folder();
    let ran = by_hour(empty.path(), &[]);
    assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{ran:?}");
    assert!(ran.err.contains("there is no store"), "{}", ran.err);
}
