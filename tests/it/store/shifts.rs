//! Shifts, outages and lasting statuses from hand-made readings, and what is stored of them.

use super::{id, ingest, reading, run};
use crate::rig::{at, dump, folder, rows, store};
use chrono::{DateTime, Duration, NaiveDate, Utc};
use hitrate::domain::change::{Change, ChangeKind, ChangeValue, ChangedField};
use hitrate::domain::reading::{Health, Reading};
use hitrate::domain::units::HitRate;
use hitrate::domain::window::WindowKind;
use hitrate::pipeline::{examine_shifts, measured_changes};
use hitrate::store::Store;
use uuid::Uuid;

const ENDPOINTS: u128 = 12;
const FIRST: &str = "2026-09-01T00:57:00Z";
/// The shift of endpoint 1: 5 September, 14:00.
const SHIFT_HOUR: i64 = 4 * 24 + 14;

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, number).expect("a day")
}

/// The hit rate of an endpoint in an hour: a level and a fixed irregular deviation of up to 4 points.
fn rate(endpoint: u128, hour: i64) -> f64 {
    let level = if endpoint == 1 && hour >= SHIFT_HOUR { 0.45 } else { 0.7 };
    let mixed = (i64::try_from(endpoint).expect("small") * 7_919 + hour * 104_729 + hour * hour % 37) % 101;
    level + (mixed as f64 / 100.0 - 0.5) * 0.08
}

/// The readings of one hourly run: what each endpoint counted since midnight.
fn hourly(number: i64) -> Vec<Reading> {
    let midnight = number - number % 24;
    let of = |endpoint: u128| {
        let hours = midnight..=number;
        let count = (number - midnight + 1) as f64;
        let mean = hours.map(|hour| rate(endpoint, hour)).sum::<f64>() / count;
        let mut one = reading(id(endpoint), &format!("host-{endpoint}"));
        let usage = one.usage.expect("there");
        one.usage = Some(hitrate::domain::reading::Usage {
            hit_rate: HitRate::new(mean),
            tokens: Some(20_000_000 * (number - midnight + 1)),
            // Input 0.20, cache reads 0.02.
            effective_input: Some(0.2 - 0.18 * mean),
            ..usage
        });
        one
    };
    (1..=ENDPOINTS).map(of).collect()
}

fn collect(store: &Store, hours: std::ops::Range<i64>) {
    for number in hours {
        let time = at(FIRST) + Duration::hours(number);
        let mut one = run(&time.to_rfc3339(), hourly(number));
        one.window_kind = WindowKind::DayToDate;
        ingest(store, &one);
    }
}

fn all(store: &Store, as_of: DateTime<Utc>) -> Vec<Change> {
    measured_changes(store, (at("2026-08-01T00:00:00Z"), at("2026-10-01T00:00:00Z")), as_of).expect("changes")
}

#[test]
fn a_shift_is_found_within_two_days_stored_once_and_read_back_with_its_evidence() {
    let data = folder();
    let store = store(data.path());
    collect(&store, 0..8 * 24);
    examine_shifts(&store, day(9)).expect("examined");
    let as_of = at("2026-09-09T01:00:00Z");
    let changes = all(&store, as_of);
    let hit_rates: Vec<&Change> =
        changes.iter().filter(|change| change.kind == ChangeKind::HitRateShift).collect();
    let [shift] = hit_rates.as_slice() else { panic!("{changes:#?}") };
    assert_eq!(shift.endpoint_id, id(1));
    assert_eq!(
        (shift.field, shift.tag.as_ref().map(|tag| tag.as_str())),
        (Some(ChangedField::HitRate), Some("host-1"))
    );
    assert_eq!(shift.provider.as_ref().map(|slug| slug.as_str()), Some("host-1"));
    assert!(shift.model.is_some() && shift.variant.is_some());
    let true_start = at("2026-09-05T14:00:00Z");
    assert!((shift.at - true_start).num_hours().abs() <= 6, "{}", shift.at);
    let number =
        |value: &Option<ChangeValue>| value.as_ref().and_then(ChangeValue::number).expect("a number");
    assert!((number(&shift.before) - 0.7).abs() < 0.03 && (number(&shift.after) - 0.45).abs() < 0.03);
    assert!((shift.percent.expect("points") + 25.0).abs() < 4.0, "{:?}", shift.percent);
    let evidence = shift.evidence.as_ref().expect("evidence");
    assert!(evidence.p_value <= evidence.q_value && evidence.q_value <= 0.05 && evidence.scatter >= 0.01);
    assert!(evidence.readings_before >= 48 && evidence.readings_after >= 24, "{evidence:?}");
    assert!(shift.why.starts_with("hit rate 7") && shift.why.contains("usual scatter"), "{}", shift.why);
    // The price follows the hit rate at the same list price: a change of its own.
    assert!(changes.iter().any(|change| change.kind == ChangeKind::EffectivePriceShift
        && change.endpoint_id == id(1)
        && number(&change.after) > number(&change.before)));
    assert!(changes.iter().all(|change| change.endpoint_id == id(1)), "{changes:#?}");
    // Not known before the day after, and later days do not report it again.
    assert_eq!(all(&store, at("2026-09-06T23:59:00Z")), []);
    drop(store);
    let found = rows(data.path(), "SELECT DISTINCT day FROM shift");
    assert!(found.len() == 1 && found[0].contains("2026-09-06"), "the end of the second day: {found:?}");
    assert_eq!(rows(data.path(), "SELECT day FROM shift_day").len(), 8);
}

#[test]
fn examining_day_by_day_gives_the_same_rows_as_all_days_at_once() {
    let (daily, at_once) = (folder(), folder());
    {
        let store = store(daily.path());
        for number in 1..=8_u32 {
            collect(&store, i64::from(number - 1) * 24..i64::from(number) * 24);
            examine_shifts(&store, day(number + 1)).expect("examined");
        }
        examine_shifts(&store, day(9)).expect("examined again");
    }
    {
        let store = store(at_once.path());
        collect(&store, 0..8 * 24);
        examine_shifts(&store, day(9)).expect("examined");
    }
    assert_eq!(dump(daily.path()), dump(at_once.path()));
}

#[test]
fn an_empty_record_has_no_changes() {
    let data = folder();
    let store = store(data.path());
    examine_shifts(&store, day(9)).expect("nothing to examine");
    assert_eq!(all(&store, at("2026-09-09T01:00:00Z")), []);
}

/// Hourly runs in which each endpoint has the listed uptimes and statuses.
fn health(store: &Store, endpoints: &[Vec<(f64, i32)>]) {
    let count = endpoints.iter().map(Vec::len).max().unwrap_or(0);
    for number in 0..count {
        let time = at(FIRST) + Duration::hours(i64::try_from(number).expect("small"));
        let of = |(endpoint, values): (usize, &Vec<(f64, i32)>)| {
            let (uptime, status) = *values.get(number)?;
            let mut one = reading(id(endpoint as u128 + 1), &format!("host-{}", endpoint + 1));
            one.health = Health { status: Some(status), uptime_30m: Some(uptime), ..one.health };
            Some(one)
        };
        ingest(store, &run(&time.to_rfc3339(), endpoints.iter().enumerate().filter_map(of).collect()));
    }
}

fn hours(number: i64) -> DateTime<Utc> {
    at(FIRST) + Duration::hours(number)
}

#[test]
fn outages_have_a_length_and_few_bad_readings_are_none() {
    let data = folder();
    let store = store(data.path());
    let good = (0.99, 0);
    let mut over = vec![good; 12];
    // Out from hour 2 to hour 6, with one good reading in between.
    for (hour, uptime) in [(2, 0.55), (3, 0.31), (5, 0.6)] {
        over[hour] = (uptime, -5);
    }
    let mut lasts = vec![good; 12];
    lasts[10] = (0.2, -5);
    lasts[11] = (0.1, -5);
    let mut single = vec![good; 12];
    single[4] = (0.0, -5);
    let mut shallow = vec![good; 12];
    shallow[6] = (0.7, -5);
    shallow[7] = (0.3, -5);
    health(&store, &[over, lasts, single, shallow, vec![good; 12]]);

    let outages: Vec<Change> =
        all(&store, hours(11)).into_iter().filter(|change| change.kind == ChangeKind::Outage).collect();
    let [newer, older] = outages.as_slice() else { panic!("{outages:#?}") };
    assert_eq!((newer.endpoint_id, newer.at, newer.until), (Some(Uuid::from_u128(2)), hours(10), None));
    assert_eq!(
        (older.endpoint_id, older.at, older.until),
        (Some(Uuid::from_u128(1)), hours(2), Some(hours(6)))
    );
    assert_eq!(older.after, Some(ChangeValue::Number(0.31)));
    assert_eq!(older.before, Some(ChangeValue::Number(0.99)));
    assert_eq!(older.why, "out for 4 hours: uptime over 30 minutes down to 31.0 % in 3 readings");
    assert!(newer.why.contains("so far"), "{}", newer.why);

    // At hour 3 two readings were known, one of them not below half; at hour 5 the outage, without its end.
    assert!(all(&store, hours(3)).is_empty());
    let early = all(&store, hours(5));
    assert_eq!(early.iter().map(|change| (change.at, change.until)).collect::<Vec<_>>(), [(hours(2), None)]);
}

#[test]
fn a_status_that_lasts_is_reported_and_one_that_flaps_is_not() {
    let data = folder();
    let store = store(data.path());
    let lasting: Vec<(f64, i32)> = (0..24).map(|hour| (0.93, if hour < 10 { 0 } else { -2 })).collect();
    let flapping: Vec<(f64, i32)> = (0..24).map(|hour| (0.93, if hour % 2 == 0 { 0 } else { -2 })).collect();
    let short: Vec<(f64, i32)> =
        (0..24).map(|hour| (0.93, if (10..14).contains(&hour) { -3 } else { 0 })).collect();
    health(&store, &[lasting, flapping, short]);
    let changes = all(&store, hours(23));
    let [one] = changes.as_slice() else { panic!("{changes:#?}") };
    assert_eq!((one.kind, one.endpoint_id, one.at), (ChangeKind::StatusChanged, id(1), hours(10)));
    assert_eq!(
        (one.before.clone(), one.after.clone()),
        (Some(ChangeValue::Number(0.0)), Some(ChangeValue::Number(-2.0)))
    );
    assert_eq!(one.why, "degraded (status -2), before: good (status 0); 14 readings over 13 hours");
    assert!(all(&store, hours(15)).is_empty(), "not lasting yet: 6 readings over 5 hours");
    assert_eq!(all(&store, hours(16)).len(), 1);
}
