use super::*;

const HIT_RATE: Rule = Rule { least: 0.10, is_relative: false, floor: 0.01, by_days: true };
const PRICE: Rule = Rule { least: 0.20, is_relative: true, floor: 0.02, by_days: true };

/// Hourly readings in periods: the values, and small deviations in a fixed pattern without autocorrelation.
fn periods(values: &[f64]) -> Vec<Period> {
    let wobble = [0.004, -0.006, 0.002, 0.005, -0.003, -0.004, 0.006, -0.001, 0.003, -0.005, 0.001];
    let of = |(at, value): (usize, &f64)| {
        let slot = 80_000 + i64::try_from(at).expect("small");
        let (start, seconds) = (slot * SHIFT_PERIOD_HOURS * 3_600, SHIFT_PERIOD_HOURS * 3_600);
        let value = value * (1.0 + wobble[at % wobble.len()]);
        Period { slot, value, readings: 6, first_s: start + 3_600, last_s: start + seconds }
    };
    values.iter().enumerate().map(of).collect()
}

fn step(before: (usize, f64), after: (usize, f64)) -> Vec<Period> {
    periods(&[vec![before.1; before.0], vec![after.1; after.0]].concat())
}

#[test]
fn a_step_is_found_at_its_place_with_its_levels() {
    let found = scan(&step((20, 0.7), (6, 0.5)), HIT_RATE).expect("enough periods");
    assert_eq!(found.split, 20);
    assert!(found.counts && found.p_value < 1e-6, "{found:?}");
    assert!((found.before - 0.7).abs() < 0.01 && (found.after - 0.5).abs() < 0.01, "{found:?}");
    assert_eq!(found.scatter, 0.01, "the least scatter that is assumed");
}

#[test]
fn a_shift_is_judged_by_its_size_however_clear_it_is() {
    let small = scan(&step((20, 0.70), (6, 0.61)), HIT_RATE).expect("enough periods");
    assert!(small.p_value < 1e-6 && !small.counts, "{small:?}");
    let price = |after| scan(&step((20, 1.0), (6, after)), PRICE).expect("enough periods");
    assert!(!price(0.85).counts && !price(1.15).counts);
    assert!(price(0.75).counts && price(1.25).counts);
    assert!((price(0.75).before - 1.0).abs() < 0.02 && (price(0.75).after - 0.75).abs() < 0.02);
}

#[test]
fn too_few_periods_show_nothing() {
    assert_eq!(scan(&step((7, 0.7), (4, 0.3)), HIT_RATE), None, "11 periods");
    assert_eq!(scan(&[], HIT_RATE), None);
    let short = scan(&step((20, 0.7), (3, 0.3)), HIT_RATE).expect("enough periods");
    assert!(short.split <= 19, "a shift of less than a day is not a split");
}

#[test]
fn a_dip_that_is_over_is_no_lasting_shift() {
    let values = [vec![0.7; 20], vec![0.4; 3], vec![0.7; 4]].concat();
    assert!(!scan(&periods(&values), HIT_RATE).expect("enough periods").counts);
}

#[test]
fn a_shift_of_less_than_a_day_is_not_lasting_yet() {
    let found = scan(&step((21, 0.7), (3, 0.4)), HIT_RATE).expect("enough periods");
    assert_eq!(found.split, 20, "the last split that has a day behind it");
    assert!(!found.counts, "its first period is at the old level: {found:?}");
}

#[test]
fn a_level_that_an_earlier_day_had_is_no_shift() {
    let values = [vec![0.7; 8], vec![0.45; 4], vec![0.7; 8], vec![0.5; 6]].concat();
    assert!(!scan(&periods(&values), HIT_RATE).expect("enough periods").counts);
}

#[test]
fn a_cycle_over_the_day_is_no_shift_and_hides_none() {
    let cycle = [0.12, 0.03, -0.10, -0.05];
    let day = |level: f64| cycle.map(|deviation| level + deviation).to_vec();
    let steady: Vec<f64> = (0..7).flat_map(|_| day(0.6)).collect();
    let found = scan(&periods(&steady), HIT_RATE).expect("enough periods");
    assert!(!found.counts && found.scatter < 0.04, "{found:?}");
    let shifted = [steady, day(0.42), day(0.42)].concat();
    let found = scan(&periods(&shifted), HIT_RATE).expect("enough periods");
    assert!(found.counts && found.split == 28 && found.p_value < 1e-4, "{found:?}");
}

#[test]
fn a_series_that_is_read_once_a_day_is_compared_by_days() {
    let daily = |values: &[f64]| -> Vec<Period> {
        let of = |(day, period): (i64, Period)| {
            let slot = 80_001 + day * PERIODS_A_DAY;
            Period { slot, readings: 1, ..period }
        };
        (0..).zip(periods(values)).map(of).collect()
    };
    let found = scan(&daily(&[0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.2, 0.2]), HIT_RATE).expect("enough days");
    assert!(found.counts && found.split == 6, "{found:?}");
    assert_eq!(scan(&daily(&[0.6, 0.6, 0.6, 0.6, 0.2, 0.2]), HIT_RATE), None, "four days before");
    let half_hours = Rule { by_days: false, ..HIT_RATE };
    assert_eq!(scan(&daily(&[0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.2, 0.2]), half_hours), None);
}

#[test]
fn autocorrelation_makes_a_difference_less_certain() {
    let noise = |at: usize| if at.is_multiple_of(2) { 0.03 } else { -0.03 };
    let slow = |at: usize| if (at / 4).is_multiple_of(2) { 0.03 } else { -0.03 };
    let series = |of: fn(usize) -> f64| -> Vec<Period> {
        let level = |at: usize| if at < 24 { 0.6 } else { 0.48 };
        periods(&(0..32).map(|at| level(at) + of(at)).collect::<Vec<_>>())
    };
    let (quick, slow) = (scan(&series(noise), HIT_RATE), scan(&series(slow), HIT_RATE));
    let (quick, slow) = (quick.expect("enough periods"), slow.expect("enough periods"));
    assert!(quick.p_value < slow.p_value, "{quick:?} {slow:?}");
}

#[test]
fn prices_of_zero_do_not_count() {
    let mut free = step((20, 1.0), (6, 0.5));
    free.iter_mut().for_each(|period| period.value = 0.0);
    assert_eq!(scan(&free, PRICE), None);
}
