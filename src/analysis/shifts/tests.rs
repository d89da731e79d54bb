use super::*;
use crate::domain::hourly::Stretch;
use crate::domain::window::midnight;

fn day(number: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, number).expect("a day")
}

/// Hourly rates of endpoint 1, which shifts, and of 60 steady endpoints; the wobble differs by endpoint and hour.
fn market(days: u32, shift_hour: i64, by: f64, tokens: i64) -> Vec<(i64, Stretch)> {
    let first = midnight(day(1));
    let wobble = |endpoint: i64, hour: i64| {
        let mixed = (endpoint * 7_919 + hour * 104_729 + (hour * endpoint) % 31 * 17) % 101;
        (mixed as f64 / 100.0 - 0.5) * 0.08
    };
    let row = |endpoint: i64, hour: i64| {
        let level = if endpoint == 1 && hour >= shift_hour { 0.6 + by } else { 0.6 };
        let start = first + Duration::hours(hour);
        let hit_rate = level + wobble(endpoint, hour);
        (endpoint, Stretch { start, end: start + Duration::hours(1), hit_rate, tokens })
    };
    let hours = 0..i64::from(days) * 24;
    (1..=61).flat_map(|endpoint| hours.clone().map(move |hour| row(endpoint, hour))).collect()
}

fn found(rows: &[(i64, Stretch)], background: &Background, number: u32) -> Found {
    detect(&Readings::of_stretches(rows).expect("a frame"), background, day(number)).expect("an analysis")
}

#[test]
fn one_shift_among_steady_endpoints_is_found_and_reported_once() {
    // 5 September, 14:00.
    let rows = market(6, 4 * 24 + 14, -0.2, 10_000_000);
    let all = found(&rows, &Background::default(), 6);
    assert_eq!(all.examined, 61);
    let [shift] = all.shifts.as_slice() else { panic!("{:?}", all.shifts) };
    assert_eq!((shift.endpoint, shift.field), (1, ChangedField::HitRate));
    let true_start = midnight(day(5)) + Duration::hours(14);
    assert!((shift.at - true_start).num_hours().abs() <= 6, "{shift:?}");
    assert!(shift.from <= shift.at);
    assert!((shift.before - 0.6).abs() < 0.03 && (shift.after - 0.4).abs() < 0.03, "{shift:?}");
    assert!(shift.evidence.q_value >= shift.evidence.p_value && shift.evidence.q_value < 0.05);
    assert_eq!(shift.evidence.readings_before + shift.evidence.readings_after, 6 * 24);
    assert_eq!(shift.hours_before + shift.hours_after, 6 * 24);

    let reported = BTreeMap::from([((1, ChangedField::HitRate), shift.from)]);
    let known = Background { reported, ..Background::default() };
    let longer = market(8, 4 * 24 + 14, -0.2, 10_000_000);
    assert_eq!(found(&longer, &known, 8).shifts, []);
}

#[test]
fn the_same_rows_give_the_same_shifts() {
    let rows = market(6, 4 * 24 + 14, -0.2, 10_000_000);
    let once = found(&rows, &Background::default(), 6);
    assert_eq!(found(&rows, &Background::default(), 6), once);
}

#[test]
fn little_traffic_and_a_day_without_readings_are_not_examined() {
    let thin = market(6, 4 * 24 + 14, -0.2, 300_000);
    assert_eq!(found(&thin, &Background::default(), 6), Found::default());
    let rows = market(6, 4 * 24 + 14, -0.2, 10_000_000);
    assert_eq!(found(&rows, &Background::default(), 7), Found::default());
}

#[test]
fn an_empty_record_has_no_shifts() {
    assert_eq!(found(&[], &Background::default(), 6), Found::default());
}

#[test]
fn an_effective_price_that_follows_its_list_price_is_not_a_second_event() {
    let slot = i64::from(day(5).to_epoch_days()) * PERIODS_A_DAY;
    let of = |number: i64| Period {
        slot: slot + number,
        value: 1.0,
        readings: 6,
        first_s: (slot + number) * SHIFT_PERIOD_HOURS * 3_600 + 3_600,
        last_s: (slot + number + 1) * SHIFT_PERIOD_HOURS * 3_600,
    };
    let series = |field| Series { endpoint: 1, field, periods: (0..12).map(of).collect() };
    let candidate =
        Candidate { split: 8, before: 1.0, after: 2.0, scatter: 0.1, p_value: 1e-9, counts: true };
    let moved = |at: DateTime<Utc>| Background {
        list_moves: BTreeMap::from([(1, vec![at])]),
        ..Background::default()
    };
    let shift = midnight(day(7));
    let follows = |field, at| follows_a_list_price(&series(field), &candidate, &moved(at));
    assert!(follows(ChangedField::EffectiveInput, shift - Duration::hours(20)));
    assert!(follows(ChangedField::EffectiveInput, shift + Duration::hours(20)));
    assert!(!follows(ChangedField::EffectiveInput, shift - Duration::hours(30)));
    assert!(!follows(ChangedField::HitRate, shift));
}
