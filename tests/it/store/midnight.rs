//! The UTC day of a usage summary is that of its body, and a day closes on its last reading that does not decrease.

use super::{id, ingest, lark, reading, run};
use crate::rig::{at, folder, rows, store, tamper};
use chrono::{DateTime, NaiveDate, Utc};
use hitrate::domain::ids::Variant;
use hitrate::domain::reading::{Reading, Usage};
use hitrate::store::Store;

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

/// A reading of one endpoint with a body of a given day, read at a given time.
fn of_day(of: &str, read_at: &str, tokens: Option<i64>) -> Reading {
    let mut one = reading(id(1), "heron");
    one.usage =
        one.usage.map(|usage| Usage { tokens, day: Some(day(of)), read_at: Some(at(read_at)), ..usage });
    one
}

/// Tokens and coverage by day, as of a time.
fn closing(store: &Store, as_of: &str) -> Vec<(String, Option<i64>, Option<f64>)> {
    let days = store
        .days(day("2026-08-01"), day("2026-08-31"), at(as_of))
        .and_then(|days| days.rows())
        .expect("readable");
    days.iter().map(|row| (row.of_day.day.to_string(), row.of_day.tokens, row.of_day.coverage)).collect()
}

/// Stores a reading of a day with `tokens`, by the run at a time, read three minutes after its start.
fn take(store: &Store, time: &str, of: &str, tokens: Option<i64>) {
    let read_at: DateTime<Utc> = at(time) + chrono::Duration::minutes(3);
    ingest(store, &run(time, vec![of_day(of, &read_at.to_rfc3339(), tokens)]));
}

/// The night from the 7th to the 8th: the last sweep of the 7th reads a body of the 8th, and the first sweep of the 8th
/// reads a body that still belongs to the 7th.
fn night(store: &Store) {
    take(store, "2026-08-07T22:57:00Z", "2026-08-07", Some(1_000));
    take(store, "2026-08-07T23:57:00Z", "2026-08-08", Some(3));
    take(store, "2026-08-08T00:05:00Z", "2026-08-07", Some(1_100));
    take(store, "2026-08-08T01:05:00Z", "2026-08-08", Some(50));
}

#[test]
fn bodies_that_cross_midnight_count_for_their_own_day() {
    let data = folder();
    let opened = store(data.path());
    night(&opened);
    let seventh = |as_of: &str| closing(&opened, as_of)[0].clone();
    assert_eq!(
        seventh("2026-08-07T23:57:00Z"),
        ("2026-08-07".into(), Some(1_000), Some(82_800.0 / 86_400.0))
    );
    let whole = ("2026-08-07".into(), Some(1_100), Some(1.0));
    assert_eq!(seventh("2026-08-08T00:05:00Z"), whole, "what was read after midnight closes the day");
    let now = closing(&opened, "2026-08-08T01:05:00Z");
    assert_eq!(now[0], whole);
    assert_eq!((now[1].1, now.len()), (Some(50), 2));
    let eighth = closing(&opened, "2026-08-08T00:05:00Z");
    assert_eq!(eighth[1].1, Some(3), "the first minutes of a day that the run before it read");
    let newest =
        |as_of: &str| opened.endpoints(at(as_of)).and_then(|now| now.rows()).expect("readable")[0].tokens;
    assert_eq!(newest("2026-08-07T23:57:00Z"), Some(1_000), "three tokens of tomorrow are not today's");
    assert_eq!(newest("2026-08-08T00:05:00Z"), Some(3), "yesterday's are not today's");
    assert_eq!(newest("2026-08-08T01:05:00Z"), Some(50));
}

#[test]
fn a_closed_day_is_the_same_after_it_is_rebuilt_from_its_readings() {
    let data = folder();
    let opened = store(data.path());
    night(&opened);
    take(&opened, "2026-08-09T01:05:00Z", "2026-08-08", Some(900));
    take(&opened, "2026-08-09T02:05:00Z", "2026-08-08", Some(900));
    let seen: Vec<_> = ["2026-08-08T00:05:00Z", "2026-08-09T01:05:00Z", "2026-08-09T02:05:00Z"]
        .map(|as_of| closing(&opened, as_of))
        .into();
    drop(opened);
    let all = "FROM endpoint_day ORDER BY day, known_at";
    let kept = rows(data.path(), all);
    assert_eq!(kept.len(), 4, "each day was closed once and completed once: {kept:?}");
    tamper(data.path(), "DELETE FROM endpoint_day");
    let opened = store(data.path());
    assert_eq!(closing(&opened, "2026-08-09T02:05:00Z"), seen[2], "also hour by hour");
    opened.rebuild_days().expect("rebuilt");
    drop(opened);
    assert_eq!(rows(data.path(), all), kept);
}

#[test]
fn a_day_closes_on_its_last_reading_that_does_not_fall() {
    let data = folder();
    let opened = store(data.path());
    take(&opened, "2026-08-07T20:57:00Z", "2026-08-07", Some(1_000));
    take(&opened, "2026-08-07T21:57:00Z", "2026-08-07", Some(900));
    take(&opened, "2026-08-07T22:57:00Z", "2026-08-07", None);
    let of = |as_of: &str| closing(&opened, as_of)[0].1;
    assert_eq!(of("2026-08-07T22:57:00Z"), Some(1_000));
    take(&opened, "2026-08-08T00:57:00Z", "2026-08-08", Some(5));
    assert_eq!(of("2026-08-08T00:57:00Z"), Some(1_000));
    take(&opened, "2026-08-08T01:57:00Z", "2026-08-07", Some(990));
    assert_eq!(of("2026-08-08T01:57:00Z"), Some(1_000), "a later reading that decreases changes nothing");
}

#[test]
fn a_model_without_traffic_never_counts_as_today() {
    let data = folder();
    let opened = store(data.path());
    take(&opened, "2026-08-09T12:57:00Z", "2026-08-06", Some(700));
    take(&opened, "2026-08-09T13:57:00Z", "2026-08-06", Some(700));
    let found = closing(&opened, "2026-08-09T13:57:00Z");
    assert_eq!(found.len(), 1, "a day without collection remains a gap");
    assert_eq!((found[0].0.as_str(), found[0].1), ("2026-08-09", None));
    assert_eq!(
        opened.endpoints(at("2026-08-09T13:57:00Z")).and_then(|now| now.rows()).expect("readable")[0].tokens,
        None
    );
    drop(opened);
    assert!(rows(data.path(), "SELECT 1 FROM endpoint_day").is_empty());
}

#[test]
fn tokens_that_are_absent_are_not_zero() {
    let data = folder();
    let opened = store(data.path());
    take(&opened, "2026-08-07T12:57:00Z", "2026-08-07", None);
    take(&opened, "2026-08-08T12:57:00Z", "2026-08-08", None);
    let days = opened
        .days(day("2026-08-01"), day("2026-08-31"), at("2026-08-08T12:57:00Z"))
        .and_then(|days| days.rows())
        .expect("readable");
    let told: Vec<_> = days.iter().map(|row| (row.of_day.tokens, row.of_day.hit_rate)).collect();
    assert_eq!(told, [(None, Some(0.5)), (None, Some(0.5))]);
    let now = &opened.endpoints(at("2026-08-08T12:57:00Z")).and_then(|now| now.rows()).expect("readable")[0];
    assert_eq!((now.tokens, now.hit_rate), (None, Some(0.5)));
}

#[test]
fn an_endpoint_that_was_not_answered_keeps_its_last_reading_with_its_time() {
    let data = folder();
    let opened = store(data.path());
    take(&opened, "2026-08-07T12:57:00Z", "2026-08-07", Some(500));
    let mut silent = run("2026-08-07T13:57:00Z", Vec::new());
    silent.unanswered.push((lark(), Variant::standard()));
    ingest(&opened, &silent);
    let now = opened.endpoints(at("2026-08-07T13:57:00Z")).and_then(|now| now.rows()).expect("readable");
    assert_eq!(now.len(), 1);
    assert_eq!((now[0].reading_at, now[0].tokens), (at("2026-08-07T12:57:00Z"), Some(500)));
    // If some rows of a list could not be read, the missing endpoints remain unchanged.
    let mut partly = run("2026-08-07T14:57:00Z", vec![reading(id(2), "crane")]);
    partly.incomplete.push((lark(), Variant::standard()));
    ingest(&opened, &partly);
    let now = opened.endpoints(at("2026-08-07T14:57:00Z")).and_then(|now| now.rows()).expect("readable");
    let times: Vec<_> = now.iter().map(|one| (one.facts.tag.to_string(), one.reading_at)).collect();
    assert_eq!(
        times,
        [("heron".into(), at("2026-08-07T12:57:00Z")), ("crane".into(), at("2026-08-07T14:57:00Z"))]
    );
    for hour in 0..49 {
        let mut silent = run("2026-08-07T15:57:00Z", Vec::new());
        silent.observed_at += chrono::Duration::hours(hour);
        silent.unanswered.push((lark(), Variant::standard()));
        ingest(&opened, &silent);
    }
    assert!(
        opened.endpoints(at("2026-08-31T00:00:00Z")).and_then(|now| now.rows()).expect("readable").is_empty(),
        "after two days it is too old"
    );
}

#[test]
fn a_model_that_two_open_rows_describe_is_healed() {
    let data = folder();
    let opened = store(data.path());
    take(&opened, "2026-08-07T12:57:00Z", "2026-08-07", Some(500));
    drop(opened);
    tamper(data.path(), "INSERT INTO model_history SELECT * FROM model_history");
    let opened = store(data.path());
    assert_eq!(
        opened.endpoints(at("2026-08-07T12:57:00Z")).and_then(|now| now.rows()).expect("readable").len(),
        1,
        "one endpoint stays one"
    );
    let mut twice = run("2026-08-07T13:57:00Z", vec![reading(id(1), "heron")]);
    twice.models.extend(twice.models.clone());
    ingest(&opened, &twice);
    drop(opened);
    assert_eq!(rows(data.path(), "SELECT 1 FROM model_history WHERE valid_to IS NULL").len(), 1);
}
