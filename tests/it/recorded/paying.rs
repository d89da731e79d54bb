//! Following the numbers pays, and forecasts hold as often as they say, on the recorded days.

use std::collections::HashMap;
use std::path::Path;

use chrono::Days;
use hitrate::analysis::backtest::expected_costs;
use hitrate::domain::backtest::UnderWay;
use hitrate::domain::window::midnight;
use hitrate::snapshot::Snapshot;
use serde_json::Value;

use crate::binary::hitrate;
use crate::rig::store;

/// Our policy beats the others on the days that it was not tuned on, in all weightings. The results of the others match
/// a separate calculation from the public charts.
pub fn following_it_pays(data: &Path) {
    let tested = hitrate(data, &["backtest", "--json"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    let tested = tested.json();
    let of = |days: &Value, name: &str| -> [f64; 3] {
        let rows = days["policies"].as_array().expect("policies");
        let row = rows.iter().find(|row| row["name"] == name).expect("a row");
        ["equal", "sqrt_tokens", "tokens"].map(|weighting| row[weighting].as_f64().expect("a number"))
    };
    assert_eq!(tested["decisions"], tested["model_days"]);
    let untuned = &tested["reported_on"];
    assert!(untuned["from"].as_str() > tested["tuned_on"]["to"].as_str(), "{untuned}");
    assert!(untuned["model_days"].as_u64() > Some(900), "{untuned}");
    let ours = of(untuned, "hitrate");
    for other in ["cheapest_list", "traffic_average", "yesterday", "half_life", "half_life_1d"] {
        for (ours, theirs) in ours.into_iter().zip(of(untuned, other)) {
            assert!(ours < theirs, "{other}: {theirs}, ours {ours}");
        }
    }
    assert!(tested["model_days"].as_u64() > Some(1900) && tested["models"].as_u64() > Some(100), "{tested}");
    let known = [
        ("cheapest_list", [1.115, 1.229, 1.367], 0.02),
        ("traffic_average", [1.258, 1.285, 1.299], 0.02),
        ("yesterday", [1.019, 1.025, 1.028], 0.003),
        ("half_life", [1.018, 1.023, 1.021], 0.003),
        ("half_life_1d", [1.016, 1.021, 1.020], 0.003),
        ("oracle", [1.0; 3], 1e-12),
    ];
    for (name, wanted, tolerance) in known {
        for (found, wanted) in of(&tested, name).into_iter().zip(wanted) {
            assert!((found - wanted).abs() <= tolerance, "{name}: {found}, wanted {wanted}");
        }
    }
}

/// The day of the newest sweep is not in the charts yet, but its figures for the day so far are close to the forecast
/// that was made at its midnight.
pub fn forecasts_hold_as_often_as_they_say(data: &Path, snapshot: &Snapshot) {
    let store = store(data);
    let today = snapshot.as_of.date_naive();
    let panel = store.priced_days(today - Days::new(60), today, snapshot.as_of).expect("readable");
    let known = UnderWay { at: midnight(today), readings: Vec::new(), lists: Vec::new() };
    let expected = expected_costs(&panel, &known);
    let ids = store.endpoint_ids().expect("readable");
    let by_id: HashMap<_, _> = expected.iter().map(|(key, expected)| (ids[key], *expected)).collect();
    let endpoints = snapshot.models.iter().flat_map(|model| &model.endpoints);
    let (mut held, mut all) = (0, 0);
    for endpoint in endpoints.filter(|one| one.tokens.is_some_and(|tokens| tokens >= 10_000_000)) {
        let Some(expected) = by_id.get(&endpoint.endpoint_id) else { continue };
        let Some((input, output)) = endpoint.effective.input.zip(endpoint.effective.output) else { continue };
        let Some((low, high)) = expected.low.zip(expected.high) else { continue };
        all += 1;
        held += usize::from((low..=high).contains(&(input + 0.05 * output)));
    }
    assert!(all > 300, "{all} forecasts");
    let share = held as f64 / all as f64;
    assert!((0.8..0.97).contains(&share), "{share} of {all} forecasts hold");
}
