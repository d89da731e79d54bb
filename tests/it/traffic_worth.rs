//! What the user's own calls would have cost elsewhere: hand-computed cases, and the contracts of `traffic costs` and
//! `traffic plans`.

mod bill;
mod commands;
mod followed;
mod plans;

use crate::rig::at;
use crate::sample;
use chrono::{DateTime, Utc};
use hitrate::domain::backtest::Listed;
use hitrate::domain::endpoint::{PriceTier, Prices};
use hitrate::domain::ids::Variant;
use hitrate::domain::session::Pricing;
use hitrate::domain::tier::Tier;
use hitrate::domain::units::UsdPerMtok;
use hitrate::request_log::{PaidKind, SessionKind, Status, Tokens};
use hitrate::snapshot::{Endpoint, Snapshot};
use hitrate::store::OwnCall;
use hitrate::traffic::worth::{Costs, HostCost, Lifetimes, ListHistory, costs};
use std::collections::HashMap;

const MODEL: &str = "wren/lark-2";
const SLUG: &str = "wren/lark-2-20260901";

/// An endpoint at 1 USD in, 4 USD out and 0.10 USD for a hit, that finds 80 % (70 to 90 %) of what is reusable.
fn host(tag: &str) -> Endpoint {
    let mut host = sample::endpoint(SLUG, &Variant::standard(), tag, Tier::A, 0.3, 0.72);
    host.list = Prices { input: Some(1.0), output: Some(4.0), cache_read: Some(0.1), ..Prices::default() };
    host.cost_basis.retention = Some(0.8);
    (host.cost_basis.retention_low, host.cost_basis.retention_high) = (Some(0.7), Some(0.9));
    host
}

fn snapshot(endpoints: Vec<Endpoint>) -> Snapshot {
    let mut model = sample::model(MODEL, SLUG, "Wren: Lark 2");
    model.endpoints = endpoints;
    let mut snapshot = sample::snapshot();
    snapshot.models = vec![model];
    snapshot
}

fn minute(minute: i64) -> DateTime<Utc> {
    at("2026-10-01T10:00:00Z") + chrono::Duration::minutes(minute)
}

/// A call without cache counts.
fn call(session: &str, minute_of: i64, prompt: u64, output: u64) -> OwnCall {
    OwnCall {
        at: Some(minute(minute_of)),
        session: Some(session.into()),
        session_kind: SessionKind::Given,
        model: Some(MODEL.into()),
        model_key: Some(SLUG.into()),
        tokens: Tokens { uncached: Some(prompt), output_text: Some(output), ..Tokens::default() },
        ..OwnCall::default()
    }
}

fn billed(call: OwnCall, usd: f64) -> OwnCall {
    OwnCall { paid: Some(usd), paid_kind: PaidKind::Billed, ..call }
}

/// Two turns: the second can reuse the 11,000 tokens of the first prompt and its answer.
fn two_turns() -> Vec<OwnCall> {
    vec![billed(call("s", 0, 10_000, 1_000), 0.03), billed(call("s", 1, 12_000, 500), 0.02)]
}

fn priced(calls: &[OwnCall], snapshot: &Snapshot) -> Costs {
    costs(calls, snapshot, &ListHistory::default(), &Lifetimes::default())
}

fn only(found: &Costs) -> &HostCost {
    &found.models[0].hosts[0]
}

fn close(found: f64, millionths: f64) {
    assert!((found * 1e6 - millionths).abs() < 1e-6, "{} is not {millionths}", found * 1e6);
}

#[test]
fn two_turns_cost_what_a_calculator_says() {
    let found = priced(&two_turns(), &snapshot(vec![host("lumen")]));
    let host = only(&found);
    // 10,000 + 4 * 1,000; then 3,200 cold, 8,800 found at a tenth, 4 * 500.
    close(host.usd.expect("priced"), 14_000.0 + 3_200.0 + 880.0 + 2_000.0);
    close(host.cold, 14_000.0 + 14_000.0);
    close(host.warm, 14_000.0 + 1_000.0 + 1_100.0 + 2_000.0);
    close(host.low.expect("an interval"), 14_000.0 + 2_100.0 + 990.0 + 2_000.0);
    close(host.high.expect("an interval"), 14_000.0 + 4_300.0 + 770.0 + 2_000.0);
    let change = host.against_paid.expect("paid");
    assert_eq!((change.calls, change.against_usd, change.low), (2, 0.05, None));
    close(change.fraction.expect("known"), (20_080.0 / 50_000.0 - 1.0) * 1e6);
    let rate = host.hit_rate.expect("known");
    assert!((rate - 8_800.0 / 22_000.0).abs() < 1e-12, "{rate}");
    let model = &found.models[0];
    assert_eq!(
        (model.calls, model.sessions, model.reusable_tokens, model.read_tokens),
        (2, 1, 11_000.0, 0.0)
    );
    assert_eq!(host.own, None, "the log does not say who served them");
    assert_eq!((host.turns_at_present_prices, host.turns_at_prices_of_the_day), (2, 0));
    assert!(found.notes.iter().any(|note| note.contains("present list prices")), "{:?}", found.notes);
    assert!(found.notes.iter().any(|note| note.contains("unknown for some hosts")), "{:?}", found.notes);
}

#[test]
fn a_shorter_prompt_starts_a_new_prefix_and_the_order_is_that_of_the_times() {
    let calls =
        [call("s", 2, 4_000, 0), call("s", 0, 10_000, 0), call("s", 1, 9_000, 0), call("t", 1, 9_000, 0)];
    let found = priced(&calls, &snapshot(vec![host("lumen")]));
    assert_eq!((found.models[0].reusable_tokens, found.models[0].sessions), (0.0, 2));
    let mut read = call("s", 0, 1_000, 10);
    read.tokens.read = Some(3_000);
    let found = priced(&[read], &snapshot(vec![host("lumen")]));
    assert_eq!(found.models[0].reusable_tokens, 3_000.0, "what was read was reusable");
    assert_eq!(found.models[0].prompt_tokens, 4_000.0);
}

#[test]
fn a_subagent_has_a_prompt_of_its_own() {
    let snapshot = snapshot(vec![host("a")]);
    let of = |agent: Option<&str>, minute: i64, prompt: u64| OwnCall {
        agent: agent.map(Into::into),
        ..call("s", minute, prompt, 0)
    };
    // Two prompts of one session grow side by side.
    let calls =
        [of(None, 0, 9000), of(Some("helper"), 1, 2000), of(None, 2, 10_000), of(Some("helper"), 3, 3000)];
    let found = priced(&calls, &snapshot);
    assert_eq!(found.models[0].reusable_tokens, 11_000.0, "9,000 and 2,000 of the previous prompts");
}

#[test]
fn nothing_is_found_after_the_lifetime_of_a_cache() {
    let facts = Lifetimes::read(
        r#"
        [[lifetime]]
        provider = "lumen"
        lost_seconds = 300
        lost_seconds_1h = 3600
        min_tokens = 1024
        from = 2026-01-01
        checked = 2026-09-01
        source = "https://example.org/caching"
    "#,
    )
    .expect("valid");
    let world = snapshot(vec![host("lumen"), host("quarry")]);
    let cost = |pause, hour: bool| {
        let mut calls = vec![call("s", 0, 10_000, 1_000), call("s", pause, 12_000, 500)];
        if hour {
            calls[1].tokens.uncached = Some(11_999);
            calls[1].tokens.write_1h = Some(1);
        }
        let found = costs(&calls, &world, &ListHistory::default(), &facts);
        let of = |tag: &str| found.models[0].hosts.iter().find(|host| host.tag.as_str() == tag).cloned();
        (of("lumen").expect("priced"), of("quarry").expect("priced"))
    };
    let (in_time, other) = cost(5, false);
    close(in_time.usd.expect("priced"), 20_080.0);
    assert_eq!(
        (in_time.expired_turns, in_time.lifetime_seconds, in_time.lifetime_known),
        (0, Some(300), true)
    );
    let (late, same) = cost(6, false);
    close(late.usd.expect("priced"), 28_000.0);
    assert_eq!((late.expired_turns, same.usd), (1, other.usd), "an unknown lifetime stays unknown");
    assert_eq!((same.lifetime_seconds, same.lifetime_known), (None, false));
    let (hour, _) = cost(6, true);
    close(hour.usd.expect("priced"), 20_080.0);
    let short = [call("s", 0, 900, 0), call("s", 1, 2_000, 0)];
    let found = costs(&short, &world, &ListHistory::default(), &facts);
    let lumen = found.models[0].hosts.iter().find(|host| host.tag.as_str() == "lumen").expect("priced");
    close(lumen.usd.expect("priced"), 2_900.0);
}

#[test]
fn written_tokens_are_billed_by_their_lifetime() {
    let mut writer = host("lumen");
    (writer.list.cache_write, writer.list.cache_write_1h) = (Some(1.25), Some(2.0));
    let mut logged = billed(call("s", 0, 1_000, 100), 0.0064);
    logged.tokens.read = Some(5_000);
    (logged.tokens.write_5m, logged.tokens.write_1h) = (Some(2_000), Some(1_000));
    logged.provider_tag = Some("lumen".into());
    let found = priced(&[logged.clone()], &snapshot(vec![writer, host("quarry")]));
    let of = |tag: &str| found.models[0].hosts.iter().find(|host| host.tag.as_str() == tag).expect("priced");
    let own = of("lumen").own.expect("it served the call");
    // 4,000 not found, 5,000 found at a tenth, surcharges of 0.25 and 1 USD, 4 * 100.
    close(own.usd, 4_000.0 + 500.0 + 500.0 + 1_000.0 + 400.0);
    assert_eq!(own.calls, 1);
    let bill = own.against_paid.and_then(|change| change.fraction).expect("paid");
    assert!(bill.abs() < 1e-12, "the bill agrees with the list: {bill}");
    // Elsewhere nothing is known of these hits. The client asks for an hour, so everything not found is written for one.
    close(of("lumen").usd.expect("priced"), 5_000.0 + 400.0 + 5_000.0 + 400.0);
    assert_eq!(of("quarry").own, None);
    logged.provider_tag = None;
    logged.provider_name = Some("Lumen AI".into());
    let by_name = priced(&[logged], &snapshot(vec![host("lumen")]));
    assert!(only(&by_name).own.is_some(), "a provider is also known by its name");
}

#[test]
fn a_price_tier_applies_to_the_whole_request_above_its_bound() {
    let mut tiered = host("lumen");
    tiered.facts.context_length = Some(1_000_000);
    tiered.price_tiers = vec![PriceTier {
        min_prompt_tokens: Some(200_000),
        input: Some(UsdPerMtok("2".parse().expect("a price"))),
        ..PriceTier::default()
    }];
    let world = snapshot(vec![tiered]);
    close(only(&priced(&[call("s", 0, 200_000, 0)], &world)).cold, 200_000.0);
    close(only(&priced(&[call("s", 0, 200_001, 0)], &world)).cold, 400_002.0);
}

#[test]
fn prices_are_those_of_the_day_where_the_record_covers_it() {
    let host = host("lumen");
    let row = |from: &str, input| Listed {
        endpoint: 1,
        after: at(from),
        from: at(from),
        known_at: at(from),
        pricing: Pricing { input: Some(input), output: Some(0.0), ..Pricing::default() },
    };
    let rows = vec![row("2026-10-01T10:01:00Z", 2.0), row("2026-10-01T10:02:00Z", 3.0)];
    let lists = ListHistory::new(rows, &HashMap::from([(1, host.endpoint_id)]));
    let calls = [call("a", 0, 1_000, 0), call("b", 1, 1_000, 0), call("c", 2, 1_000, 0)];
    let found = costs(&calls, &snapshot(vec![host]), &lists, &Lifetimes::default());
    close(only(&found).cold, 1_000.0 + 2_000.0 + 3_000.0);
    assert_eq!((only(&found).turns_at_prices_of_the_day, only(&found).turns_at_present_prices), (2, 1));
    assert!(found.notes.iter().any(|note| note.contains("does not cover")), "{:?}", found.notes);
}

#[test]
fn kinds_of_money_are_not_mixed() {
    let kind = |session: &str, paid, paid_kind| OwnCall { paid, paid_kind, ..call(session, 0, 1_000, 0) };
    let calls = [
        kind("a", Some(0.002), PaidKind::BilledPlusByok),
        kind("b", Some(0.0001), PaidKind::FeeOnly),
        kind("c", Some(0.0), PaidKind::SubscriptionZero),
        kind("d", None, PaidKind::Unknown),
    ];
    let found = priced(&calls, &snapshot(vec![host("lumen")]));
    let change = only(&found).against_paid.expect("one call has a whole price");
    assert_eq!((change.calls, change.against_usd), (1, 0.002));
    close(change.usd, 1_000.0);
    let paid: Vec<_> = found.models[0].paid.iter().map(|sum| (sum.kind, sum.calls, sum.usd)).collect();
    assert_eq!(
        paid,
        [
            (PaidKind::BilledPlusByok, 1, Some(0.002)),
            (PaidKind::FeeOnly, 1, Some(0.0001)),
            (PaidKind::SubscriptionZero, 1, Some(0.0)),
            (PaidKind::Unknown, 1, None),
        ]
    );
}

#[test]
fn calls_without_tokens_and_unknown_models_are_counted_and_not_priced() {
    let mut calls = two_turns();
    calls.push(OwnCall { tokens: Tokens::default(), ..call("s", 2, 0, 0) });
    calls.push(OwnCall { status: Status::RateLimited, ..call("s", 2, 9, 9) });
    calls.push(OwnCall { gateway_cache_hit: true, ..call("s", 2, 9, 9) });
    calls.push(billed(
        OwnCall { model: Some("wren/other".into()), model_key: None, ..call("s", 2, 9, 9) },
        0.5,
    ));
    calls.push(OwnCall { model: None, model_key: Some("wren/gone".into()), ..call("s", 2, 9, 9) });
    let found = priced(&calls, &snapshot(vec![host("lumen")]));
    close(only(&found).usd.expect("priced"), 20_080.0);
    let left = &found.left_out;
    assert_eq!((left.without_tokens, left.failed, left.replayed, left.calls()), (1, 1, 1, 5));
    let unknown: Vec<_> = left.unknown_models.iter().map(|(name, calls)| (name.as_str(), *calls)).collect();
    assert_eq!(unknown, [("wren/gone", 1), ("wren/other", 1)]);
    assert_eq!((left.paid_usd, found.calls), (0.5, 2));
    let none = priced(&[], &snapshot(vec![host("lumen")]));
    assert_eq!((none.calls, none.from, none.models.len()), (0, None, 0));
}

#[test]
fn endpoints_that_could_not_have_served_the_calls_are_named() {
    let mut short = host("quarry");
    short.facts.context_length = Some(12_499);
    let mut toolless = host("sprout");
    toolless.facts.parameters = vec!["temperature".to_owned()];
    let mut unpriced = host("mirage");
    unpriced.list.output = None;
    let mut idle = host("north-cloud");
    idle.cost_basis.retention = None;
    let mut calls = two_turns();
    calls[1].finish = Some("tool_calls".into());
    let found = priced(&calls, &snapshot(vec![short, idle, toolless, unpriced, host("lumen")]));
    let model = &found.models[0];
    let hosts: Vec<_> = model.hosts.iter().map(|host| (host.tag.as_str(), host.usd.is_some())).collect();
    assert_eq!(hosts, [("lumen", true), ("north-cloud", false)], "unknown caching comes last");
    assert_eq!(model.cheapest.as_ref().map(|tag| tag.as_str()), Some("lumen"));
    let why = |tag: &str| {
        let one = model.not_priced.iter().find(|one| one.tag.as_str() == tag);
        one.map(|one| one.why.clone()).expect(tag)
    };
    assert!(why("quarry").contains("12"), "{}", why("quarry"));
    assert_eq!(why("sprout"), "does not support tools, and 1 of your answers call tools");
    assert_eq!(why("mirage"), "no fixed price is listed");
}

#[test]
fn enough_sessions_give_an_interval_of_the_difference() {
    let calls: Vec<OwnCall> = (0..8)
        .flat_map(|n| {
            let session = format!("s{n}");
            let mut calls = two_turns();
            calls.iter_mut().for_each(|call| call.session = Some(session.as_str().into()));
            calls[0].paid = Some(0.02 + 0.004 * f64::from(n));
            calls
        })
        .collect();
    let found = priced(&calls, &snapshot(vec![host("lumen")]));
    let change = only(&found).against_paid.expect("paid");
    let (low, high) = change.low.zip(change.high).expect("eight sessions");
    let fraction = change.fraction.expect("known");
    assert!(low < fraction && fraction < high && high < 0.0, "{change:?}");
    assert_eq!(
        priced(&calls, &snapshot(vec![host("lumen")])),
        found,
        "the same calls give the same interval"
    );
}
