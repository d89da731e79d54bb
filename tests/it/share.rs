//! Traffic share: complete days, shares, concentration, and the days that are likely one customer.

use crate::sample;
use chrono::{Duration, NaiveDate};
use hitrate::analysis::share::{TokenDay, traffic_share};
use hitrate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use hitrate::domain::share::{CAUTION, TrafficShare};
use std::collections::BTreeMap;
use uuid::Uuid;

const DAYS: i64 = 16;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 8, 7).expect("a day")
}

/// Three endpoints of a model over 15 complete days and the running one; `of` gives the tokens of an endpoint, in
/// millions, on a day counted back from today.
fn share(of: impl Fn(usize, i64) -> i64) -> TrafficShare {
    let rows = (0..3_usize).flat_map(|endpoint| (0..DAYS).map(move |back| (endpoint, back)));
    let row = |(endpoint, back): (usize, i64)| TokenDay {
        endpoint_id: Uuid::from_u128(endpoint as u128 + 1),
        slug: ModelSlug::new("author/model"),
        variant: Variant::new("standard"),
        provider: ProviderSlug::new(["north", "south", "north"][endpoint]),
        day: today() - Duration::days(back),
        tokens: of(endpoint, back) * 1_000_000,
        coverage: if back == 0 { 0.5 } else { 0.98 },
    };
    let tags = BTreeMap::from([(Uuid::from_u128(1), Tag::new("north/fp8"))]);
    traffic_share(&rows.map(row).collect::<Vec<_>>(), today(), &tags)
}

/// Tokens that move a little from day to day.
fn steady(endpoint: usize, back: i64) -> i64 {
    [200, 100, 100][endpoint] * (100 + (back * 37 + endpoint as i64 * 11) % 23) / 100
}

#[test]
fn shares_use_complete_days_and_mark_the_running_one() {
    // Everything of today is of the second endpoint, which must not move its share.
    let found = share(|endpoint, back| match back {
        0 => [0, 9_000, 0][endpoint],
        _ => [200, 100, 100][endpoint],
    });
    let complete: Vec<bool> = found.days.iter().map(|day| day.complete).collect();
    assert_eq!(complete, [[true; 15].as_slice(), &[false]].concat());
    let of_model = found.of_model("author/model", &ModelSlug::new("author/model"), &Variant::new("standard"));
    let shares: Vec<_> =
        of_model.shares.iter().map(|row| (row.provider.as_str(), row.share, row.share_before)).collect();
    let quarter = Some(0.25);
    assert_eq!(
        shares,
        [("north", Some(0.5), Some(0.5)), ("south", quarter, quarter), ("north", quarter, quarter)]
    );
    assert_eq!(of_model.shares[0].tag, Some(Tag::new("north/fp8")));
    assert_eq!(of_model.shares[1].tag, None, "an endpoint that the newest run does not have");
    let concentration = of_model.concentration.expect("traffic");
    assert_eq!((concentration.with_traffic, concentration.half), (3, 1));
    assert!((concentration.hhi - 0.375).abs() < 1e-12);
    let of_all = found.of_providers();
    let shares: Vec<_> = of_all.shares.iter().map(|row| (row.provider.as_str(), row.share)).collect();
    assert_eq!(shares, [("north", Some(0.75)), ("south", quarter)]);
    assert_eq!(of_all.shares[1].by_day.last().copied().flatten(), Some(1.0), "today, marked as incomplete");
    assert_eq!(of_all.caution, CAUTION);
}

#[test]
fn a_day_of_one_customer_is_marked_and_growth_of_all_is_not() {
    let jumped =
        share(|endpoint, back| steady(endpoint, back) * if endpoint == 1 && back == 3 { 20 } else { 1 });
    let days: Vec<_> = jumped.jumps.iter().map(|jump| (jump.day, jump.endpoint_id)).collect();
    let (up, down) = (today() - Duration::days(3), today() - Duration::days(2));
    assert_eq!(days, [(down, Uuid::from_u128(2)), (up, Uuid::from_u128(2))], "up and down again");
    assert!(
        jumped.jumps[1].factor() > 15.0
            && jumped.jumps[1].z > 4.0
            && jumped.jumps[0].after < jumped.jumps[0].before
    );
    assert!(jumped.jumps.iter().all(|jump| (0.6..1.5).contains(&jump.others)));

    let launched = share(|endpoint, back| steady(endpoint, back) * if back <= 3 { 20 } else { 1 });
    assert!(launched.jumps.is_empty(), "all endpoints grew: {:?}", launched.jumps);
    let small = share(
        |endpoint, back| if endpoint == 1 { if back == 3 { 60 } else { 3 } } else { steady(endpoint, back) },
    );
    assert!(small.jumps.is_empty(), "a small endpoint: {:?}", small.jumps);
    let unsteady = share(
        |endpoint, back| if endpoint == 1 { [20, 400][(back % 2) as usize] } else { steady(endpoint, back) },
    );
    assert!(
        unsteady.jumps.len() <= 6,
        "an endpoint that always moves is not marked once it is known: {:?}",
        unsteady.jumps
    );
    assert!(share(steady).jumps.is_empty() && share(|_, _| 0).jumps.is_empty());
    let running =
        share(|endpoint, back| steady(endpoint, back) * if endpoint == 1 && back == 0 { 50 } else { 1 });
    assert!(running.jumps.is_empty(), "the running day does not count");
}

#[test]
fn without_complete_days_there_are_no_shares() {
    let nothing = TrafficShare::default().of_providers();
    assert!(nothing.shares.is_empty() && nothing.concentration.is_none() && nothing.days.is_empty());
    let one = sample::snapshot().share;
    assert_eq!(one.days.iter().filter(|day| !day.complete).count(), 1, "the running day of the sample");
    assert!(!one.jumps.is_empty(), "the sample has a jump");
}
