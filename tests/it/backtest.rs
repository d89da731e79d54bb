//! Tests the backtest: every policy computed by hand, no look-ahead, no policy beats the oracle, exclusions are
//! counted.

use chrono::{Days, NaiveDate};
use hitrate::analysis::backtest::{backtest, cost, expected_costs};
use hitrate::domain::backtest::{Backtest, ExpectedCost, Listed, Policy, PricedDay, SoFar, UnderWay};
use hitrate::domain::session::Pricing;
use hitrate::domain::tier_list::DayRange;
use hitrate::domain::window::midnight;
use std::collections::BTreeMap;

/// A day that was not used to tune our settings.
const BASE: Option<NaiveDate> = NaiveDate::from_ymd_opt(2026, 9, 1);

fn day(number: u64) -> NaiveDate {
    BASE.and_then(|base| base.checked_add_days(Days::new(number))).expect("a day")
}

fn only(number: u64) -> DayRange {
    DayRange { from: day(number), to: day(number) }
}

/// An endpoint with prices on consecutive days from day 0; output is free, so the cost is the input price.
fn endpoint(endpoint: i64, model: i64, millions: i64, list: f64, costs: &[f64]) -> Vec<PricedDay> {
    let row = |(number, cost): (usize, &f64)| PricedDay {
        endpoint,
        model,
        day: day(number as u64),
        effective_input: *cost,
        effective_output: 0.0,
        impossible: false,
        list_input: Some(list),
        list_output: Some(0.0),
        tokens: Some(millions * 1_000_000),
    };
    costs.iter().enumerate().map(row).collect()
}

/// Two models with two endpoints each, about which the policies disagree on day 1.
fn panel() -> Vec<PricedDay> {
    [
        endpoint(1, 1, 30, 5.0, &[0.5, 3.0, 2.0]),
        endpoint(2, 1, 10, 4.0, &[2.0, 2.0, 3.0]),
        endpoint(3, 2, 80, 4.0, &[1.6, 2.26, 3.0]),
        endpoint(4, 2, 80, 4.0, &[2.0, 2.0, 2.0]),
    ]
    .concat()
}

/// The expectations at midnight after day 2, when nothing is known of the day under way.
fn at_midnight(panel: &[PricedDay]) -> BTreeMap<i64, ExpectedCost> {
    let under_way = UnderWay { at: midnight(day(3)), readings: Vec::new(), lists: Vec::new() };
    expected_costs(panel, &under_way)
}

fn tested(panel: &[PricedDay], days: DayRange) -> Backtest {
    backtest(panel, days).expect("there are choices")
}

#[test]
fn every_policy_pays_what_the_hand_reckons() {
    let result = tested(&panel(), only(1));
    assert_eq!((result.all.model_days, result.all.models), (2, 2));
    assert_eq!((result.all.from, result.all.to), (day(1), day(1)));
    // Cost relative to the oracle for the two models. For equal list prices the mean of both is charged. The mean with
    // a half-life of two days still prefers endpoint 3; that of the logarithm with a half-life of one day no longer
    // does.
    let by_hand: [(Policy, f64, f64); 7] = [
        (Policy::CheapestList, 1.5, 6.0_f64.sqrt() / 2.0),
        (Policy::TrafficAverage, 2.25 / 2.0, 2.5 / 2.0),
        (Policy::Yesterday, 1.5, 1.0),
        (Policy::HalfLife, 1.0, 1.5),
        (Policy::HalfLife1d, 1.0, 1.0),
        (Policy::Hitrate, 1.0, 1.5),
        (Policy::Oracle, 1.0, 1.0),
    ];
    assert_eq!(result.all.policies.len(), by_hand.len());
    for (policy, first, second) in by_hand {
        let row = result.all.of(policy).expect("a row");
        // 40 and 160 million tokens: the second model has 1, 2 and 4 times the weight of the first.
        for (found, weight) in [(row.equal, 1.0), (row.sqrt_tokens, 2.0), (row.tokens, 4.0)] {
            let mean = ((first.ln() + weight * second.ln()) / (1.0 + weight)).exp();
            assert!((found - mean).abs() < 1e-12, "{} at weight {weight}: {found}, not {mean}", policy);
        }
    }
}

#[test]
fn output_tokens_are_part_of_the_cost() {
    assert!(cost(1.0, 4.0).is_some_and(|cost| (cost - 1.2).abs() < 1e-12));
    assert_eq!(cost(0.0, 0.0), None, "a price of zero has no logarithm");
}

/// What a policy paid on day 1 for the first model if its two endpoints have these costs on day 2.
fn paid(policy: Policy, tomorrow: [f64; 2]) -> f64 {
    let mut panel = panel();
    panel.retain(|row| row.model == 1);
    for row in panel.iter_mut().filter(|row| row.day == day(2)) {
        row.effective_input = tomorrow[if row.endpoint == 1 { 0 } else { 1 }];
    }
    let row = *tested(&panel, only(1)).all.of(policy).expect("a row");
    row.equal * tomorrow[0].min(tomorrow[1])
}

#[test]
fn what_happens_tomorrow_changes_no_choice_of_today() {
    let choosing = [
        (Policy::CheapestList, 1),
        (Policy::Yesterday, 1),
        (Policy::HalfLife, 0),
        (Policy::HalfLife1d, 0),
        (Policy::Hitrate, 0),
    ];
    for (policy, choice) in choosing {
        for tomorrow in [[2.0, 3.0], [3.0, 2.0], [100.0, 0.01], [0.01, 100.0]] {
            let found = paid(policy, tomorrow);
            assert!(
                (found / tomorrow[choice] - 1.0).abs() < 1e-9,
                "{} paid {found} where tomorrow costs {tomorrow:?}",
                policy
            );
        }
    }
}

#[test]
fn days_after_the_charged_one_change_nothing() {
    let mut longer = panel();
    longer.extend((1..=4).map(|endpoint| PricedDay {
        endpoint,
        model: if endpoint < 3 { 1 } else { 2 },
        day: day(3),
        effective_input: 1000.0 / endpoint as f64,
        effective_output: 0.0,
        impossible: false,
        list_input: Some(endpoint as f64),
        list_output: Some(0.0),
        tokens: Some(1_000_000_000),
    }));
    longer.sort_by_key(|row| (row.endpoint, row.day));
    assert_eq!(tested(&longer, only(1)), tested(&panel(), only(1)));
}

#[test]
fn nobody_beats_the_oracle() {
    // A fixed sequence of made-up prices: 12 endpoints of 4 models over 20 days.
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1_u64 << 24) as f64
    };
    let panel: Vec<PricedDay> = (0..12)
        .flat_map(|number| {
            let costs: Vec<f64> = (0..20).map(|_| 0.1 + next()).collect();
            endpoint(number, number % 4, 20 + number, 1.0 + next(), &costs)
        })
        .collect();
    let result = tested(&panel, DayRange { from: day(0), to: day(30) });
    assert_eq!((result.all.model_days, result.all.to), (4 * 19, day(18)));
    for row in &result.all.policies {
        for ratio in [row.equal, row.sqrt_tokens, row.tokens] {
            match row.policy {
                Policy::Oracle => assert_eq!(ratio, 1.0),
                // With prices without memory, no policy can be right every day.
                policy => assert!(ratio > 1.0, "{}: {ratio}", policy),
            }
        }
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let mut panel = panel();
    // Endpoint 2 is gone on the day that is charged, so model 1 has no choice left.
    panel.retain(|row| (row.endpoint, row.day) != (2, day(2)));
    // A small endpoint and one without a reading are not candidates and are not counted.
    panel.extend(endpoint(5, 2, 9, 0.1, &[0.1, 0.1, 0.1]));
    panel.extend(
        endpoint(6, 2, 9, 0.1, &[0.1, 0.1, 0.1]).into_iter().map(|row| PricedDay { tokens: None, ..row }),
    );
    let result = tested(&panel, only(1));
    assert_eq!((result.all.model_days, result.all.models), (1, 1));
    assert_eq!((result.all.exclusions.gone_next_day, result.all.exclusions.lone_endpoint), (1, 1));
    let oracle = result.all.of(Policy::CheapestList).expect("a row").equal;
    assert!((oracle - 6.0_f64.sqrt() / 2.0).abs() < 1e-12, "the small endpoints are not chosen");
}

#[test]
fn an_impossible_price_is_neither_chosen_by_nor_charged() {
    let mut rows = panel();
    let spoiled = rows.iter_mut().find(|row| row.endpoint == 1 && row.day == day(1)).expect("a row");
    (spoiled.effective_input, spoiled.effective_output, spoiled.impossible) = (1e-6, 0.0, true);
    let mut without = panel();
    without.retain(|row| row.endpoint != 1 || row.day != day(1));
    assert_eq!(tested(&rows, only(0)), tested(&without, only(0)));
    let expected = at_midnight(&rows);
    assert_eq!(expected, at_midnight(&without));
    assert_ne!(expected, at_midnight(&panel()), "the price matters");
}

#[test]
fn no_prices_tomorrow_is_no_choice_today() {
    assert_eq!(backtest(&panel(), only(2)), None, "the record ends with the day");
    let mut holed = panel();
    holed.retain(|row| row.day != day(1));
    assert_eq!(backtest(&holed, only(0)), None, "a gap in the record does not count as an absence");
    assert_eq!(backtest(&[], only(0)), None);
}

#[test]
fn days_of_tuning_are_reported_apart() {
    let back = |row: PricedDay| {
        let day = row.day.checked_sub_days(Days::new(36)).expect("a day");
        PricedDay { day, ..row }
    };
    let panel: Vec<PricedDay> = panel().into_iter().map(back).collect();
    let result = tested(&panel, DayRange { from: panel[0].day, to: panel[2].day });
    assert_eq!(result.all.from.to_string(), "2026-07-27");
    assert!(result.tuned_on.to >= result.all.to);
    assert_eq!(result.reported_on, None, "both days of choice were used for tuning");
    let later = tested(&self::panel(), only(1));
    assert_eq!(later.reported_on.as_ref(), Some(&later.all));
}

#[test]
fn its_json_is_the_contract() {
    let json = serde_json::to_value(tested(&panel(), only(1))).expect("it is JSON");
    assert_eq!((&json["from"], &json["model_days"]), (&"2026-09-02".into(), &2.into()));
    let names: Vec<&str> =
        json["policies"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str()).collect();
    assert_eq!(names, Policy::DAILY.map(Policy::as_str));
    let row = json["policies"][0].as_object().expect("a row");
    assert!(["equal", "sqrt_tokens", "tokens"].iter().all(|key| row[*key].is_f64()), "{row:?}");
    assert_eq!(serde_json::from_value::<Backtest>(json).expect("it reads back"), tested(&panel(), only(1)));
}

#[test]
fn a_steady_endpoint_is_expected_to_cost_what_it_cost_and_a_jumpy_one_is_less_sure() {
    let steady = endpoint(1, 1, 1000, 4.0, &[2.0; 10]);
    let jumpy: Vec<f64> = (0..10).map(|day| if day % 2 == 0 { 1.5 } else { 2.5 }).collect();
    let panel = [steady, endpoint(2, 1, 1000, 4.0, &jumpy)].concat();
    let expected = at_midnight(&panel);
    let (steady, jumpy) = (expected[&1], expected[&2]);
    assert_eq!(steady.day, day(9));
    assert!(
        (steady.usd_per_mtok - 2.0).abs() < 1e-12 && (steady.chosen_by - 2.0).abs() < 1e-12,
        "{steady:?}"
    );
    for one in [steady, jumpy] {
        let (low, high) = one.low.zip(one.high).expect("there were forecasts");
        assert!(low < one.usd_per_mtok && one.usd_per_mtok < high, "{one:?}");
        assert!((low * high / one.usd_per_mtok.powi(2) - 1.0).abs() < 1e-9, "even on the log scale: {one:?}");
    }
    let width = |one: ExpectedCost| one.high.zip(one.low).map(|(h, l)| h / l);
    assert!(width(jumpy) > width(steady));
}

#[test]
fn what_is_expected_says_which_day_it_rests_on_and_needs_a_price_then() {
    let mut panel = panel();
    panel.retain(|row| (row.endpoint, row.day) != (2, day(2)));
    let expected = at_midnight(&panel);
    assert_eq!(expected.keys().copied().collect::<Vec<_>>(), [1, 3, 4]);
    assert!(expected.values().all(|one| one.day == day(2)));
    panel.retain(|row| row.day == day(0));
    let first = at_midnight(&panel);
    assert!(first.values().all(|one| one.low.is_none() && one.high.is_none()), "nothing was forecast yet");
    assert!(at_midnight(&[]).is_empty());
}

#[test]
fn the_policy_chooses_by_the_expected_cost() {
    for last in 1..=2 {
        let known: Vec<PricedDay> = panel().into_iter().filter(|row| row.day < day(last)).collect();
        let expected = at_midnight(&known);
        let by = |a: i64, b: i64| if expected[&a].chosen_by < expected[&b].chosen_by { a } else { b };
        let charged = |key: i64| {
            let row = panel().into_iter().find(|row| (row.endpoint, row.day) == (key, day(last)));
            row.expect("priced").effective_input
        };
        let oracle = |a: i64, b: i64| charged(a).min(charged(b));
        let by_hand = charged(by(1, 2)) / oracle(1, 2) * charged(by(3, 4)) / oracle(3, 4);
        let found = tested(&panel(), only(last - 1)).all.of(Policy::Hitrate).expect("a row").equal;
        assert!((found - by_hand.sqrt()).abs() < 1e-12, "{found} {by_hand}");
    }
}

#[test]
fn a_thin_endpoint_is_chosen_by_more_than_it_is_expected_to_cost() {
    let panel = [endpoint(1, 1, 10_000, 4.0, &[2.0; 4]), endpoint(2, 1, 10, 4.0, &[2.0; 4])].concat();
    let expected = at_midnight(&panel);
    assert!(expected[&1].chosen_by < 2.0 && 2.0 < expected[&2].chosen_by, "{expected:?}");
    // A thousand times the traffic, at a charge of 0.01 for each factor e.
    let ratio = (expected[&2].chosen_by / expected[&1].chosen_by).ln() / 1000_f64.ln();
    assert!((ratio - 0.01).abs() < 1e-12, "{ratio}");
}

#[test]
fn what_is_known_of_today_moves_the_expectation() {
    let panel = [endpoint(1, 1, 1000, 4.0, &[2.0; 3]), endpoint(2, 1, 1000, 4.0, &[2.0; 3])].concat();
    let at = midnight(day(3)) + chrono::Duration::hours(6);
    let listed = |from, input| Listed {
        endpoint: 1,
        after: from,
        from,
        known_at: from,
        pricing: Pricing {
            input: Some(input),
            output: Some(0.0),
            cache_read: Some(0.1),
            ..Pricing::default()
        },
    };
    let read = |endpoint, millions: i64, price| SoFar {
        endpoint,
        read_at: at,
        is_of_day: true,
        tokens: millions * 1_000_000,
        effective_input: price,
        effective_output: 0.0,
    };
    let known = |readings: &[SoFar], lists: &[Listed]| {
        let under_way = UnderWay { at, readings: readings.to_vec(), lists: lists.to_vec() };
        expected_costs(&panel, &under_way)
    };
    let near =
        |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 1e-9, "{found}, not {wanted}");
    // 400 million tokens of today against a tenth of 1000 million: a weight of 20 / (20 + 10).
    let cheaper = known(&[read(1, 400, 1.0), read(2, 1, 2.0)], &[]);
    near(cheaper[&1].usd_per_mtok, 2.0 * 0.5_f64.powf(20.0 / 30.0));
    assert_eq!(cheaper[&1].low, Some(cheaper[&1].usd_per_mtok), "the interval moves with it");
    // Endpoint 2 is at a pace of 4 million tokens a day: 250 times less than yesterday.
    near(cheaper[&2].chosen_by, cheaper[&2].usd_per_mtok * 250_f64.powf(0.01));
    // The list price of today is twice that of the last priced day.
    let lists = [listed(midnight(day(0)), 4.0), listed(at, 8.0)];
    near(known(&[], &lists)[&1].usd_per_mtok, 4.0);
    near(known(&[], &lists)[&2].usd_per_mtok, 2.0);
    // A price that no list of the day explains is ignored, but its tokens count for the pace.
    let impossible = known(&[read(1, 400, 0.01)], &lists[..1]);
    near(impossible[&1].usd_per_mtok, 2.0);
    near(impossible[&1].chosen_by, 2.0);
    // Endpoint 2 was not among those that had traffic; its model was read.
    near(impossible[&2].chosen_by, 2.0 * 1000_f64.powf(0.01));
}

#[test]
fn a_day_on_which_the_list_price_moved_counts_if_both_prices_explain_it() {
    let mut panel = endpoint(1, 1, 1000, 4.0, &[2.0, 2.0, 1.0]);
    panel[2].impossible = true;
    let listed = |hours: i64, input| {
        let from = midnight(day(0)) + chrono::Duration::hours(hours);
        let pricing = Pricing { input: Some(input), output: Some(0.0), ..Pricing::default() };
        Listed { endpoint: 1, after: from, from, known_at: from, pricing }
    };
    let known = |lists: Vec<Listed>| {
        expected_costs(&panel, &UnderWay { at: midnight(day(3)), readings: Vec::new(), lists })
    };
    assert_eq!(known(vec![listed(0, 2.0), listed(60, 0.1)])[&1].day, day(2));
    assert!(known(vec![listed(0, 2.0), listed(73, 0.1)]).is_empty(), "2.0 alone does not explain 1.0");
}
