//! Tests the analysis from frames to verdicts, compared with plain loops, a plain dense solver and the published table.

use chrono::{DateTime, NaiveDate, Utc};
use hitrate::analysis::*;
use hitrate::domain::flag::{Flag, FlagKind, Shown};
use hitrate::domain::session::ReferenceBasis;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::domain::tier_list::{DayRange, ProviderTier, TierList};
use hitrate::domain::workload::Workload;
use polars::prelude::{Column, DataFrame, NamedFrom, Series};
use proptest::prelude::*;
use std::collections::BTreeMap;
use uuid::Uuid;

mod properties;

/// 2026-07-21 in days since 1970-01-01.
const FIRST_DAY: i32 = 20_655;

/// An endpoint of a small made-up world. It is the same on every day except for the swing of its hit rate.
#[derive(Clone, Debug)]
struct Host {
    model: &'static str,
    variant: &'static str,
    provider: &'static str,
    hit_rate: Option<f64>,
    /// How far its hit rate swings from day to day.
    swing: f64,
    tokens: i64,
    /// Input, output, cache read, cache write.
    prices: [Option<f64>; 4],
    /// Share of the listed discount that is applied.
    efficiency: f64,
    uptime: Option<f64>,
    availability: Option<f64>,
    speed: f64,
    status: i32,
    days: i32,
    derived: bool,
}

fn host(model: &'static str, provider: &'static str, hit_rate: f64) -> Host {
    Host {
        model,
        variant: "standard",
        provider,
        hit_rate: Some(hit_rate),
        swing: 0.0,
        tokens: 400_000_000,
        prices: [Some(1.0), Some(4.0), Some(0.1), None],
        efficiency: 1.0,
        uptime: Some(0.99),
        availability: None,
        speed: 50.0,
        status: 0,
        days: 7,
        derived: false,
    }
}

impl Host {
    fn id(&self) -> Uuid {
        let name = format!("{} {} {}", self.model, self.variant, self.provider);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
    }
    fn rate(&self, day: i32) -> Option<f64> {
        self.hit_rate.map(|rate| (rate + self.swing * f64::from(day * 3 % 5 - 2)).clamp(0.0, 1.0))
    }
    /// The effective price if this many prompt tokens are found in the cache.
    fn paid(&self, hits: Option<f64>) -> Option<f64> {
        let (input, hits) = (self.prices[0]?, hits?);
        Some(input - hits * self.efficiency * (input - self.prices[2].unwrap_or(input)))
    }
}

fn text(name: &str, values: Vec<String>) -> Column {
    Series::new(name.into(), values).into()
}
fn float(name: &str, values: Vec<Option<f64>>) -> Column {
    Series::new(name.into(), values).into()
}
fn integer(name: &str, values: Vec<Option<i64>>) -> Column {
    Series::new(name.into(), values).into()
}
fn flag(name: &str, values: Vec<bool>) -> Column {
    Series::new(name.into(), values).into()
}
fn frame(columns: Vec<Column>) -> DataFrame {
    DataFrame::new_infer_height(columns).expect("columns of one length")
}

fn days(hosts: &[Host]) -> DataFrame {
    let rows: Vec<(&Host, i32)> =
        hosts.iter().flat_map(|h| (0..h.days).map(move |d| (h, FIRST_DAY + d))).collect();
    let texts = |name: &str, f: fn(&Host) -> String| text(name, rows.iter().map(|(h, _)| f(h)).collect());
    let floats =
        |name: &str, f: &dyn Fn(&Host) -> Option<f64>| float(name, rows.iter().map(|(h, _)| f(h)).collect());
    let flags = |name: &str, f: fn(&Host) -> bool| flag(name, rows.iter().map(|(h, _)| f(h)).collect());
    frame(vec![
        texts("endpoint_id", |h| h.id().to_string()),
        texts("model", |h| h.model.to_owned()),
        texts("variant", |h| h.variant.to_owned()),
        texts("provider", |h| h.provider.to_owned()),
        Series::new("day".into(), rows.iter().map(|(_, d)| *d).collect::<Vec<_>>()).into(),
        float("hit_rate", rows.iter().map(|(h, day)| h.rate(*day)).collect()),
        flags("derived", |h| h.derived),
        integer("tokens", rows.iter().map(|(h, _)| (!h.derived).then_some(h.tokens)).collect()),
        float("effective_input", rows.iter().map(|(h, day)| h.paid(h.rate(*day))).collect()),
        floats("effective_output", &|h| h.prices[1]),
        floats("list_input", &|h| h.prices[0]),
        floats("list_output", &|h| h.prices[1]),
        floats("list_cache_read", &|h| h.prices[2]),
        floats("list_cache_write", &|h| h.prices[3]),
        flags("billed_writes", |h| h.prices[3].is_some()),
        flags("price_tiers", |_| false),
        floats("uptime_1d", &|h| h.uptime),
        floats("availability_1d", &|h| h.availability),
        floats("throughput", &|h| Some(h.speed)),
        floats("latency_ms", &|_| Some(800.0)),
        floats("coverage", &|_| Some(0.97)),
        floats("list_cache_write_1h", &|_| None),
        float("paid_input", rows.iter().map(|(h, day)| h.paid(h.rate(*day))).collect()),
        flags("list_moved", |_| false),
    ])
}

fn newest(hosts: &[Host]) -> DataFrame {
    let texts = |name: &str, f: fn(&Host) -> String| text(name, hosts.iter().map(f).collect());
    let floats = |name: &str, f: &dyn Fn(&Host) -> Option<f64>| float(name, hosts.iter().map(f).collect());
    let integers =
        |name: &str, f: &dyn Fn(&Host) -> Option<i64>| integer(name, hosts.iter().map(f).collect());
    let flags = |name: &str, f: fn(&Host) -> bool| flag(name, hosts.iter().map(f).collect());
    let noon = i64::from(FIRST_DAY + 6) * 86_400 + 43_200;
    let names = ["input", "output", "cache_read", "cache_write", "cache_write_1h"];
    let over_the_window = ["usual", "lowest", "highest"]
        .iter()
        .flat_map(|word| names.map(|name| floats(&format!("{word}_{name}"), &|_| None)));
    let mut columns = vec![
        texts("endpoint_id", |h| h.id().to_string()),
        texts("model", |h| h.model.to_owned()),
        texts("variant", |h| h.variant.to_owned()),
        texts("provider", |h| h.provider.to_owned()),
        texts("provider_name", |h| h.provider.to_owned()),
        texts("tag", |h| h.provider.to_owned()),
        integers("model_created_s", &|h| (h.model == "z/young").then_some(i64::from(FIRST_DAY + 5) * 86_400)),
        integers("observed_s", &|_| Some(noon)),
        integers("first_seen_s", &|h| Some(noon - if h.model == "z/young" { 3600 } else { 900_000 })),
        floats("hit_rate", &|h| h.hit_rate),
        integers("tokens", &|h| h.hit_rate.map(|_| h.tokens)),
        floats("effective_input", &|h| h.paid(h.hit_rate)),
        floats("effective_output", &|h| h.prices[1]),
        floats("list_input", &|h| h.prices[0]),
        floats("list_output", &|h| h.prices[1]),
        floats("list_cache_read", &|h| h.prices[2]),
        floats("list_cache_write", &|h| h.prices[3]),
        texts("price_tiers_json", |_| "[]".to_owned()),
        flags("billed_writes", |h| h.prices[3].is_some()),
        floats("uptime_5m", &|h| h.uptime),
        floats("uptime_30m", &|h| h.uptime),
        floats("uptime_1d", &|h| h.uptime),
        floats("availability_1d", &|h| h.availability),
        integers("status", &|h| Some(i64::from(h.status))),
        floats("throughput", &|h| Some(h.speed)),
        floats("latency_ms", &|_| Some(800.0)),
        flags("restricted", |_| false),
        flags("deranked", |_| false),
        flags("disabled", |_| false),
        flags("window_day_to_date", |_| true),
        flags("price_moved_today", |_| false),
        floats("list_cache_write_1h", &|_| None),
        integers("created_at", &|_| None),
        integers("context_length", &|_| Some(262_144)),
        integers("max_prompt_tokens", &|_| None),
        integers("list_moves", &|_| Some(0)),
        integers("list_returns", &|_| Some(0)),
    ];
    columns.extend(over_the_window);
    frame(columns)
}

fn frames(hosts: &[Host]) -> Frames {
    Frames { days: days(hosts), newest: newest(hosts) }
}

fn as_of() -> DateTime<Utc> {
    "2026-07-27T12:00:00Z".parse().expect("a time")
}

fn parameters() -> Parameters {
    let day = |d| NaiveDate::from_ymd_opt(2026, 7, d).expect("a day");
    Parameters {
        as_of: as_of(),
        window: DayRange { from: day(21), to: day(27) },
        workloads: Workload::shipped().expect("shipped workloads"),
        provider_names: BTreeMap::from([("good".to_owned(), "Good Co".to_owned())]),
        prompt_sizes: BTreeMap::new(),
    }
}

fn run(hosts: &[Host]) -> Analysis {
    analyse(&frames(hosts), &parameters()).expect("frames that conform to the contract")
}

/// The flags of an endpoint but for `constant`, because most rates of the world never move.
fn flags_of(verdicts: &EndpointVerdicts) -> Vec<Flag> {
    verdicts.flags.iter().filter(|flag| flag.kind() != FlagKind::Constant).cloned().collect()
}

fn list(analysis: &Analysis, lens: Lens) -> &TierList {
    analysis.tier_lists.iter().find(|l| l.lens == lens).expect("a list for each lens")
}

fn row<'a>(list: &'a TierList, provider: &str) -> &'a ProviderTier {
    list.providers.iter().find(|p| p.provider.as_str() == provider).expect("the provider is listed")
}

/// Four models with very different levels; `good` serves the ones that cache badly, `poor` the ones that cache well.
fn world() -> Vec<Host> {
    let mut hosts = vec![host("x/easy-1", "poor", 0.80), host("x/easy-2", "poor", 0.78)];
    for (model, level) in [("x/easy-1", 0.9), ("x/easy-2", 0.88), ("y/hard-1", 0.3), ("y/hard-2", 0.25)] {
        hosts.push(host(model, "middle", level));
        hosts.push(host(model, "other", level - 0.02));
    }
    for (model, level) in [("y/hard-1", 0.5), ("y/hard-2", 0.45), ("y/hard-3", 0.4)] {
        hosts.push(host(model, "good", level));
    }
    hosts.push(host("y/hard-3", "poor", 0.1));
    hosts.push(host("y/hard-3", "other", 0.2));
    hosts
}

#[test]
fn tiers_compare_on_the_same_models_where_the_plain_mean_ranks_the_mix() {
    let analysis = run(&world());
    let cache = list(&analysis, Lens::Cache);
    let (good, poor) = (row(cache, "good"), row(cache, "poor"));
    assert!(good.model_mean < poor.model_mean, "the confounding is in the data");
    assert!(
        good.adjusted > Some(0.1) && poor.adjusted < Some(-0.05),
        "{:?} {:?}",
        good.adjusted,
        poor.adjusted
    );
    assert_eq!((good.name.as_str(), good.models, good.shared_models), ("Good Co", 3, 3));
    assert_eq!(cache.providers[0].provider.as_str(), "good");
    assert_eq!((cache.provisional, cache.note.as_deref()), (false, None));
    let (low, high) = good.low.zip(good.high).expect("an interval for each rated provider");
    assert!(Some(low) < good.adjusted && good.adjusted < Some(high), "{low} {high}");
    let cost = list(&analysis, Lens::Cost);
    assert!(row(cost, "good").adjusted < Some(0.0), "better caching is cheaper at the same prices");
    assert!(row(cost, "good").traffic_mean > Some(0.1), "a session costs dollars");
    let expected = 1 + 4 + 1 + 1 + 4;
    assert_eq!(analysis.tier_lists.len(), expected, "cost and overall once per workload");
}

#[test]
fn who_shares_too_little_is_unrated_with_the_reason() {
    let mut hosts = world();
    hosts.push(host("y/hard-1", "guest", 0.9));
    hosts.push(host("lone/model", "hermit", 0.9));
    for (model, provider) in [("far/1", "isle"), ("far/1", "reef")] {
        hosts.push(host(model, provider, 0.5));
    }
    hosts.push(Host { tokens: 9_000_000, ..host("x/easy-1", "small", 0.5) });
    hosts.push(Host { days: 2, ..host("x/easy-1", "brief", 0.5) });
    let analysis = run(&hosts);
    let cache = list(&analysis, Lens::Cache);
    let reason = |provider: &str| row(cache, provider).reason.clone().unwrap_or_default();
    assert_eq!(reason("guest"), "shares only 1 model with other hosts; 3 are needed");
    assert_eq!(reason("hermit"), "shares no model with others");
    assert_eq!(reason("isle"), "shares no model with others");
    assert_eq!(reason("small"), "no endpoint with 10 M tokens a day");
    assert_eq!(reason("brief"), "no endpoint with 10 M tokens a day");
    assert_eq!(row(cache, "isle").adjusted, None, "other peers: not comparable");
    let unrated: Vec<_> = cache.providers.iter().skip_while(|p| p.tier != Tier::Unrated).collect();
    assert!(unrated.iter().all(|p| p.tier == Tier::Unrated) && unrated.len() == 6);
    assert!(unrated.is_sorted_by_key(|p| p.name.clone()));
}

#[test]
fn an_endpoint_that_cannot_take_the_longest_turn_does_not_count_under_that_workload() {
    let hosts = world();
    // Coding agents need 140,370 tokens; every other workload fits.
    let short_at = |short: &dyn Fn(&Host) -> bool| {
        let mut frames = frames(&hosts);
        let lengths = hosts.iter().map(|h| Some(if short(h) { 100_000 } else { 262_144 })).collect();
        frames.newest.with_column(integer("context_length", lengths)).expect("as many rows");
        analyse(&frames, &parameters()).expect("frames that conform to the contract")
    };
    let under = |analysis: &Analysis, workload: &str, lens: Lens| -> TierList {
        let lists = analysis.tier_lists.iter();
        lists
            .filter(|l| l.lens == lens)
            .find(|l| l.workload.as_deref() == Some(workload))
            .expect("listed")
            .clone()
    };
    let counted = |list: &TierList, provider: &str| row(list, provider).endpoints;
    let all = run(&hosts);
    let (model, other) = ("y/hard-1", host("y/hard-1", "other", 0.0).id());
    let one = short_at(&|h| h.id() == other);
    let cost = under(&one, "coding-agent", Lens::Cost);
    assert_eq!((cost.too_short, counted(&cost, "other")), (1, 4), "of five");
    let note = cost.note.as_deref().expect("a note");
    assert!(note.contains("1 endpoint does not count under cost") && note.contains("tokens"), "{note}");
    assert_eq!(under(&one, "coding-agent", Lens::Overall).too_short, 1);
    let chat = under(&one, "chat", Lens::Cost);
    assert_eq!((chat.too_short, chat.note, counted(&under(&all, "chat", Lens::Cost), "other")), (0, None, 5));
    let verdicts = &one.endpoints[&other];
    let verdict = &verdicts.verdicts[&Lens::Cost];
    assert_eq!((verdict.tier, verdict.value), (Tier::Unrated, None));
    assert!(verdict.why.starts_with("its context of 100000 tokens is shorter"), "{}", verdict.why);
    assert!(verdicts.session_cost.contains_key("coding-agent"), "its cost is still known");
    assert!(verdicts.verdicts[&Lens::Cache].tier != Tier::Unrated, "no other lens asks for lengths");
    // The median is that of the endpoints that count.
    let rival = host("y/hard-1", "good", 0.0).id();
    let value = |analysis: &Analysis| analysis.endpoints[&rival].verdicts[&Lens::Cost].value;
    assert!(value(&one) != value(&all));

    // If no endpoint of a model accepts the turn, its sessions are cut, and its endpoints are compared as before.
    let none = short_at(&|h| h.model == model);
    assert_eq!(value(&none), value(&all));
    assert_eq!(under(&none, "coding-agent", Lens::Cost).too_short, 3);

    let whole = short_at(&|h| h.provider == "poor");
    let list = under(&whole, "coding-agent", Lens::Cost);
    let poor = row(&list, "poor");
    let reason = poor.reason.as_deref();
    assert_eq!(
        (poor.tier, reason),
        (Tier::Unrated, Some("no endpoint accepts the longest turn of the workload"))
    );
}

#[test]
fn an_endpoint_verdict_says_the_numbers() {
    let hosts = world();
    let analysis = run(&hosts);
    let verdicts = &analysis.endpoints[&host("y/hard-1", "good", 0.5).id()];
    let cost = &verdicts.verdicts[&Lens::Cost];
    assert_eq!(verdicts.tier, cost.tier);
    assert!(cost.value < Some(0.0));
    assert!(cost.why.starts_with("a coding-agent session costs $"), "{}", cost.why);
    assert!(cost.why.contains("% below the model's median; hit rate 50 %"), "{}", cost.why);
    let cache = verdicts.verdicts[&Lens::Cache].value.expect("it has peers");
    assert!(
        (cache - (0.5 - (0.3 + 0.28) / 2.0)).abs() < 1e-12,
        "relative to the weighted mean of the others"
    );
    assert!((verdicts.realised_discount.expect("paid") - (1.0 - 0.5 * 0.9)).abs() < 1e-12);
    assert!((verdicts.efficiency.expect("discounted") - 1.0).abs() < 1e-9);
    assert!(verdicts.identity_error.expect("applies") < 1e-9);
    assert_eq!(flags_of(verdicts), []);
    assert_eq!(verdicts.session_cost.len(), 4);
}

#[test]
fn what_cannot_be_compared_says_so() {
    let mut hosts = world();
    let free = [Some(0.0), Some(0.0), None, None];
    hosts.push(Host { variant: "free", prices: free, ..host("x/easy-1", "gift", 0.5) });
    hosts.push(Host { variant: "batch", prices: [None; 4], ..host("x/easy-1", "bulk", 0.5) });
    hosts.push(host("lone/model", "hermit", 0.9));
    hosts.push(Host { hit_rate: None, days: 0, ..host("x/easy-1", "idle", 0.0) });
    hosts.push(Host { tokens: 500_000, ..host("x/easy-1", "small", 0.5) });
    let analysis = run(&hosts);
    let why = |model, variant, provider| {
        let id = Host { variant, ..host(model, provider, 0.0) }.id();
        let verdict = &analysis.endpoints[&id];
        assert_eq!(verdict.tier, Tier::Unrated);
        verdict.why.as_str()
    };
    assert_eq!(why("x/easy-1", "free", "gift"), "free");
    assert_eq!(why("x/easy-1", "batch", "bulk"), "batch prices are not published");
    assert_eq!(why("lone/model", "standard", "hermit"), "no peers");
    assert_eq!(why("x/easy-1", "standard", "idle"), "no traffic");
    assert_eq!(why("x/easy-1", "standard", "small"), "fewer than 1 M tokens a day");
}

#[test]
fn a_phantom_cache_is_flagged_priced_as_it_is_and_capped() {
    let mut hosts = world();
    for h in hosts.iter_mut().filter(|h| h.provider == "good") {
        h.efficiency = 0.05;
        h.speed = 5000.0;
    }
    let analysis = run(&hosts);
    let verdicts = &analysis.endpoints[&host("y/hard-1", "good", 0.5).id()];
    let flags = flags_of(verdicts);
    let [phantom, broken] = flags.as_slice() else { panic!("{:?}", verdicts.flags) };
    let Shown::Phantom { hit_rate, tokens_per_day, days, effective_input, efficiency, .. } = phantom.shown()
    else {
        panic!("{phantom:?}")
    };
    let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-9, "{found}, not {wanted}");
    close(*hit_rate, 0.5);
    close(*tokens_per_day, 400e6);
    close(*efficiency, 0.05);
    close(effective_input.expect("traffic"), 1.0 - 0.5 * 0.05 * 0.9);
    assert_eq!(*days, Some(7));
    assert!(phantom.why().contains("5 % of the discount was applied (threshold 20 %)"), "{}", phantom.why());
    let Shown::IdentityBreak { predicted_input, effective_input: paid, error, .. } = broken.shown() else {
        panic!("{broken:?}")
    };
    close(*predicted_input, 0.5 + 0.5 * 0.1);
    close(*error, paid / predicted_input - 1.0);
    let honest = &analysis.endpoints[&host("y/hard-1", "middle", 0.3).id()];
    assert!(verdicts.session_cost["coding-agent"] > honest.session_cost["coding-agent"]);
    let overall = row(list(&analysis, Lens::Overall), "good");
    assert!(overall.tier >= Tier::C && overall.tier != Tier::Unrated, "{overall:?}");
    assert!(overall.reason.as_deref().is_some_and(|r| r.contains("phantom")), "{overall:?}");
    let likely = overall.tier_probabilities.as_ref().expect("rated");
    assert!(likely.keys().all(|tier| *tier >= Tier::C), "the cap holds for probabilities too: {overall:?}");
    let endpoint = &verdicts.verdicts[&Lens::Overall];
    assert!(endpoint.tier >= Tier::C && endpoint.why.contains("phantom"), "{endpoint:?}");
}

#[test]
fn an_impossible_price_is_flagged_and_no_cost_is_made_of_it() {
    let plain = run(&world());
    let mut hosts = world();
    let id = host("y/hard-1", "good", 0.5).id();
    let spoiled = hosts.iter_mut().find(|h| h.id() == id).expect("a host");
    // Twice the listed discount: below the read price.
    spoiled.efficiency = 2.1;
    let analysis = run(&hosts);
    let verdicts = &analysis.endpoints[&id];
    let shown =
        verdicts.flags.iter().map(Flag::shown).find(|shown| shown.kind() == FlagKind::ImpossiblePrice);
    let Some(Shown::ImpossiblePrice { effective_input, lowest_list, highest_list, .. }) = shown else {
        panic!("{:?}", verdicts.flags)
    };
    assert!(*effective_input < 0.095, "{effective_input}");
    assert_eq!((*lowest_list, *highest_list), (0.1, 1.0));
    assert_eq!((verdicts.efficiency, verdicts.realised_discount), (None, None));
    let expected = &plain.endpoints[&id].session_cost;
    assert_eq!(verdicts.session_cost.len(), expected.len());
    for (workload, cost) in &verdicts.session_cost {
        close(*cost, expected[workload]);
    }
    let flagged = |analysis: &Analysis| {
        let all = analysis.endpoints.values().flat_map(|verdicts| &verdicts.flags);
        all.filter(|flag| flag.kind() == FlagKind::ImpossiblePrice).count()
    };
    assert_eq!((flagged(&plain), flagged(&analysis)), (0, 1));
}

/// Asserts that two numbers are equal but for rounding.
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} for {expected}");
}

#[test]
fn the_efficiency_weights_days_by_tokens_and_leaves_out_days_with_a_moved_list_price() {
    let hosts = [Host { days: 3, ..host("y/hard-1", "good", 0.5) }];
    let day = |name: &str, values: [f64; 3]| float(name, values.map(Some).to_vec());
    // The whole discount, half of it, and a day that was billed at two lists.
    let paid = day("paid_input", [0.55, 0.775, 1.0]);
    let efficiency = |columns: Vec<Column>| {
        let mut days = days(&hosts);
        for column in columns {
            days.with_column(column).expect("as many rows");
        }
        cells(&days, &BTreeMap::new(), true).expect("the frame conforms to the contract")[0].efficiency
    };
    let moved = || flag("list_moved", vec![false, false, true]);
    let tokens = |tokens: [Option<i64>; 3]| integer("tokens", tokens.to_vec());
    let found = |columns| efficiency(columns).expect("hits");
    let (one, three) = (Some(100_000_000), Some(300_000_000));
    close(found(vec![paid.clone(), moved(), tokens([three, one, one])]), (3.0 + 0.5) / 4.0);
    // An unknown number of tokens counts as the mean of the others, moved days included.
    close(found(vec![paid.clone(), moved(), tokens([None, one, three])]), (2.0 + 0.5) / 3.0);
    close(found(vec![paid.clone(), moved(), tokens([None; 3])]), 0.75);
    close(found(vec![paid.clone(), tokens([one; 3])]), 0.5);
    assert_eq!(efficiency(vec![paid.clone(), flag("list_moved", vec![true; 3])]), None);
    assert_eq!(efficiency(vec![paid.clone(), tokens([Some(0); 3])]), None);
    // A rate whose own price is unknown says nothing, whatever else was paid on that day.
    assert_eq!(efficiency(vec![float("paid_input", vec![None; 3])]), None);
    close(found(vec![paid, day("effective_input", [1.0; 3]), moved(), tokens([one; 3])]), 0.75);
}

#[test]
fn a_day_so_far_with_two_price_lists_has_no_efficiency() {
    let hosts = [Host { days: 0, ..host("y/hard-1", "good", 0.5) }, host("y/hard-1", "poor", 0.4)];
    let efficiency = |moved: bool| {
        let mut frames = frames(&hosts);
        frames.newest.with_column(flag("price_moved_today", vec![moved, false])).expect("as many rows");
        let analysis = analyse(&frames, &parameters()).expect("frames that conform to the contract");
        let verdicts = &analysis.endpoints[&hosts[0].id()];
        (verdicts.efficiency, verdicts.cost_basis.efficiency)
    };
    close(efficiency(false).0.expect("hits"), 1.0);
    assert_eq!(efficiency(true), (None, 1.0), "the list is assumed");
}

#[test]
fn costs_use_the_usual_list_price_and_a_schedule_is_flagged() {
    let hosts = world();
    let id = host("y/hard-1", "good", 0.5).id();
    let place = hosts.iter().position(|h| h.id() == id).expect("a host");
    let plain = run(&hosts);
    let with = |usual: f64, returns: i64| {
        let mut frames = frames(&hosts);
        let at = |value: f64| (0..hosts.len()).map(|n| (n == place).then_some(value)).collect::<Vec<_>>();
        for (word, value) in [("usual", usual), ("lowest", usual.min(1.0)), ("highest", usual.max(1.0))] {
            frames.newest.with_column(float(&format!("{word}_input"), at(value))).expect("as many rows");
        }
        for (name, count) in [("list_moves", 3), ("list_returns", returns)] {
            let counts = (0..hosts.len()).map(|n| Some(if n == place { count } else { 0 })).collect();
            frames.newest.with_column(integer(name, counts)).expect("as many rows");
        }
        analyse(&frames, &parameters()).expect("frames that conform to the contract")
    };
    let analysis = with(2.0, 2);
    let (own, before) = (&analysis.endpoints[&id], &plain.endpoints[&id]);
    assert_eq!(own.session_cost_now, before.session_cost);
    assert_eq!(before.session_cost_now, before.session_cost);
    assert!(own.session_cost["chat"] > before.session_cost["chat"], "{:?}", own.session_cost);
    assert_eq!(own.efficiency, before.efficiency, "readings are compared with the list of their time");
    let flags = flags_of(own);
    let [flag] = flags.as_slice() else { panic!("{:?}", own.flags) };
    let Shown::ScheduledPrice { deviation, usual_input, lowest_input, moves, returns, .. } = flag.shown()
    else {
        panic!("{flag:?}")
    };
    assert_eq!((*deviation, *usual_input, *lowest_input, *moves, *returns), (-0.5, 2.0, 1.0, 3, 2));
    assert!(flag.why().starts_with("50 % below its usual price now (Monday, 12:00 UTC)"), "{}", flag.why());
    let flags = |usual, returns| flags_of(&with(usual, returns).endpoints[&id]).len();
    assert_eq!(flags(2.0, 0), 0, "three moves without a return are not a schedule");
    assert_eq!(flags(1.04, 5), 0, "nor is a small deviation");
    assert_eq!(flags(0.5, 1), 1, "above its usual price");
    assert_eq!(plain.endpoints[&id].list_window.as_ref().and_then(|window| window.usual.input), Some(1.0));
}

#[test]
fn billed_writes_show_who_uses_the_cache() {
    let write = [Some(1.0), Some(4.0), Some(0.1), Some(1.25)];
    let mut hosts = world();
    let id = host("y/hard-1", "good", 0.5).id();
    let place = hosts.iter().position(|h| h.id() == id).expect("a host");
    (hosts[place].prices, hosts[place].swing) = (write, 0.01);
    let with = |paid: f64| {
        let mut frames = frames(&hosts);
        let own = frames.days.column("endpoint_id").expect("ids").str().expect("texts").clone();
        let old = frames.days.column("paid_input").expect("prices").f64().expect("numbers").clone();
        let is_own = |name: Option<&str>| name == Some(id.to_string().as_str());
        let prices =
            own.iter().zip(old.iter()).map(|(name, old)| if is_own(name) { Some(paid) } else { old });
        frames.days.with_column(float("paid_input", prices.collect())).expect("as many rows");
        analyse(&frames, &parameters()).expect("frames that conform to the contract")
    };
    let flagged = |analysis: &Analysis| {
        let flags = &analysis.endpoints[&id].flags;
        flags.iter().find(|flag| flag.kind() == FlagKind::MarkedByClient).map(|flag| flag.shown().clone())
    };
    // Half is found at a tenth of the price; of the other half 40 % was written at 1.25.
    let analysis = with(0.5 * 0.1 + 0.5 * (1.0 + 0.4 * 0.25));
    let verdicts = &analysis.endpoints[&id];
    let (written, used) = (verdicts.written_share.expect("known"), verdicts.hit_rate_used.expect("known"));
    let mean = (0..7).filter_map(|day| hosts[place].rate(FIRST_DAY + day)).sum::<f64>() / 7.0;
    assert!((written - 0.4).abs() < 0.05, "{written}");
    close(used, mean / (mean + written * (1.0 - mean)));
    let plain = run(&hosts);
    assert_eq!((plain.endpoints[&id].hit_rate_used, flagged(&plain)), (None, None), "nothing was written");
    assert!(verdicts.cost_basis.reference > plain.endpoints[&id].cost_basis.reference);
    assert!(verdicts.cost_basis.retention_low < verdicts.cost_basis.retention);
    let Some(Shown::MarkedByClient { written_share, hit_rate_used, .. }) = flagged(&analysis) else {
        panic!("{:?}", verdicts.flags)
    };
    assert_eq!((written_share, hit_rate_used), (written, used));
    // Everything was written: every prompt uses the cache. More cannot have been.
    let all = with(0.5 * 0.1 + 0.5 * 1.3);
    assert_eq!((all.endpoints[&id].written_share, flagged(&all)), (Some(1.0), None));
    let other = host("y/hard-1", "other", 0.0).id();
    assert_eq!(analysis.endpoints[&other].written_share, None, "writes are free");
}

#[test]
fn a_rate_that_never_moves_is_flagged() {
    let constant = |swing: f64, days: i32, rate: f64| {
        let mut hosts = world();
        hosts.push(Host { swing, days, ..host("y/hard-1", "steady", rate) });
        let flags = run(&hosts).endpoints[&host("y/hard-1", "steady", rate).id()].flags.clone();
        flags.iter().any(|flag| flag.kind() == FlagKind::Constant)
    };
    assert!(constant(0.0003, 7, 0.65));
    assert!(!constant(0.002, 7, 0.65), "it moves");
    assert!(constant(0.0003, 4, 0.65));
    assert!(!constant(0.0003, 3, 0.65), "three days are too few");
    assert!(constant(0.0, 7, 0.31));
    assert!(!constant(0.0, 7, 0.29), "a low rate hardly moves");
    assert!(!constant(0.0, 7, 0.0), "a cache that finds nothing");
}

#[test]
fn hits_without_a_cheaper_price_are_no_discount() {
    let mut hosts = world();
    hosts[0].prices[2] = None;
    let analysis = run(&hosts);
    let verdicts = &analysis.endpoints[&hosts[0].id()];
    let flags = flags_of(verdicts);
    let [none] = flags.as_slice() else { panic!("{:?}", verdicts.flags) };
    let Shown::NoDiscount { list_input, list_cache_read, .. } = none.shown() else { panic!("{none:?}") };
    assert_eq!((*list_input, *list_cache_read), (1.0, None));
    assert_eq!(verdicts.efficiency, None);
}

#[test]
fn reliability_says_what_it_rests_on_and_never_calls_silence_down() {
    let mut hosts = world();
    for h in &mut hosts {
        h.uptime = Some(if h.provider == "poor" { 0.7 } else { 0.995 });
        h.speed = if h.provider == "good" { 90.0 } else { 50.0 };
    }
    let analysis = run(&hosts);
    let reliability = list(&analysis, Lens::Reliability);
    assert!(row(reliability, "middle").reason.as_deref().is_some_and(|r| r.starts_with("published uptime")));
    assert_eq!(
        reliability.providers.iter().rfind(|p| p.tier != Tier::Unrated).map(|p| p.provider.as_str()),
        Some("poor")
    );
    let capped = row(list(&analysis, Lens::Overall), "poor");
    assert!(
        capped.tier >= Tier::C && capped.reason.as_deref().is_some_and(|r| r.contains("70.0 %")),
        "{capped:?}"
    );

    hosts.iter_mut().for_each(|h| h.availability = Some(0.93));
    let analysis = run(&hosts);
    assert_eq!(
        row(list(&analysis, Lens::Reliability), "good").reason.as_deref(),
        Some("the rated providers do not differ")
    );

    hosts.iter_mut().for_each(|h| (h.availability, h.uptime) = (None, None));
    let analysis = run(&hosts);
    let reliability = list(&analysis, Lens::Reliability);
    assert!(reliability.providers.iter().all(|p| p.tier == Tier::Unrated));
    assert!(reliability.providers.iter().all(|p| p.reason.as_deref() == Some("uptime not published")));
    let overall = list(&analysis, Lens::Overall);
    let good = row(overall, "good");
    assert!(
        good.tier != Tier::Unrated
            && good.reason.as_deref().is_some_and(|r| r.contains("without reliability"))
    );
    assert!(overall.note.as_deref().is_some_and(|n| n.contains("left out")));
}

#[test]
fn the_flag_new_counts_from_when_the_upstream_began_to_offer_an_endpoint() {
    let hosts = [host("a/one", "good", 0.9), host("a/one", "poor", 0.1)];
    let noon = i64::from(FIRST_DAY + 6) * 86_400 + 43_200;
    let flags = |created: [Option<i64>; 2], first_seen: [i64; 2]| {
        let mut frames = frames(&hosts);
        let micros = created.map(|hours| hours.map(|hours| (noon - hours * 3600) * 1_000_000));
        frames.newest.with_column(integer("created_at", micros.to_vec())).expect("same length");
        let seen = first_seen.map(|hours| Some(noon - hours * 3600));
        frames.newest.with_column(integer("first_seen_s", seen.to_vec())).expect("same length");
        let analysis = analyse(&frames, &parameters()).expect("frames that conform to the contract");
        hosts.each_ref().map(|host| {
            let flags = &analysis.endpoints[&host.id()].flags;
            flags.iter().find(|flag| flag.kind() == FlagKind::New).map(|flag| flag.why().to_owned())
        })
    };
    let [new, old] = flags([Some(3), Some(30)], [500, 1]);
    assert!(new.is_some_and(|why| why.starts_with("offered since") && why.contains("3 hours")));
    assert_eq!(old, None, "our first sight was late");
    let [unknown, first] = flags([None, None], [5, 500]);
    assert!(unknown.is_some_and(|why| why.starts_with("first seen")));
    assert_eq!(first, None);
}

#[test]
fn derived_days_help_only_a_young_record() {
    let mut hosts = world();
    hosts.iter_mut().for_each(|h| h.derived = true);
    let young = run(&hosts);
    let cache = list(&young, Lens::Cache);
    assert!(cache.provisional && cache.note.as_deref().is_some_and(|n| n.contains("0 of 3 observed days")));
    assert!(row(cache, "good").tier != Tier::Unrated, "the newest run's tokens are used instead");
    assert_eq!(row(cache, "good").tokens_per_day, 3.0 * 400e6);
    hosts.extend(world().into_iter().filter(|h| h.provider != "good"));
    let old = run(&hosts);
    let cache = list(&old, Lens::Cache);
    assert!(!cache.provisional && row(cache, "good").tier == Tier::Unrated, "derived days no longer count");
}

#[test]
fn the_launch_days_of_a_model_are_left_out_and_its_endpoints_marked_new() {
    let mut hosts = world();
    hosts.push(host("z/young", "good", 0.0));
    hosts.push(host("z/young", "poor", 0.9));
    let analysis = run(&hosts);
    assert_eq!(
        row(list(&analysis, Lens::Cache), "good").models,
        3,
        "created five days into a window of seven"
    );
    let verdicts = &analysis.endpoints[&host("z/young", "poor", 0.9).id()];
    assert_eq!(verdicts.flags.iter().map(Flag::kind).collect::<Vec<_>>(), [FlagKind::New]);
}

#[test]
fn a_thin_model_borrows_its_reference_and_says_so() {
    let mut hosts = world();
    hosts.extend([host("x/thin", "good", 0.4), host("x/thin", "poor", 0.2), host("w/alone", "good", 0.4)]);
    let analysis = run(&hosts);
    let reference = |model: &str| {
        let found = analysis.references.iter().find(|r| r.model == model).expect("listed");
        (found.basis, (found.hit_rate * 1e9).round() / 1e9)
    };
    assert_eq!(reference("x/easy-1"), (ReferenceBasis::Model, 0.9));
    assert_eq!(reference("x/thin"), (ReferenceBasis::Author, 0.9));
    assert_eq!(reference("w/alone").0, ReferenceBasis::All);
    let verdict = &analysis.endpoints[&host("x/thin", "good", 0.4).id()];
    assert!(verdict.why.contains("assumed from the author's models"), "{}", verdict.why);
}

#[test]
fn a_frame_that_breaks_its_contract_is_refused_by_column() {
    let good = frames(&world());
    let error = |change: &dyn Fn(&mut Frames)| {
        let mut broken = good.clone();
        change(&mut broken);
        analyse(&broken, &parameters()).expect_err("a broken contract").to_string()
    };
    let missing = error(&|f| f.days = f.days.drop("latency_ms").expect("there"));
    assert!(missing.contains("`days` has no column `latency_ms`"), "{missing}");
    let height = good.newest.height();
    let wrong = error(&|f| {
        f.newest.with_column(text("tokens", vec!["many".to_owned(); height])).expect("same length");
    });
    assert!(wrong.contains("`tokens` of the frame `newest` is String, wanted is Int64"), "{wrong}");
    let null = error(&|f| {
        f.newest.with_column(integer("observed_s", vec![None; height])).expect("same length");
    });
    assert!(null.contains(&format!("`observed_s` of the frame `newest` has {height} null rows")), "{null}");
    let id = error(&|f| {
        f.newest.with_column(text("endpoint_id", vec!["7".to_owned(); height])).expect("same length");
    });
    assert!(id.contains("`7` in column `endpoint_id`"), "{id}");
    let tiers = error(&|f| {
        f.newest.with_column(text("price_tiers_json", vec!["{".to_owned(); height])).expect("same length");
    });
    assert!(tiers.contains("not a list of price tiers"), "{tiers}");
    let none = Parameters { workloads: Vec::new(), ..parameters() };
    assert!(matches!(analyse(&good, &none), Err(AnalysisError::NoWorkload)));
}

#[test]
fn empty_frames_make_empty_lists() {
    let analysis = run(&[]);
    assert!(analysis.endpoints.is_empty());
    assert!(analysis.tier_lists.iter().all(|l| l.providers.is_empty() && l.provisional));
}

#[test]
fn the_known_table_is_reproduced_by_the_model_mean() {
    #[derive(serde::Deserialize)]
    struct Published {
        model: String,
        provider: String,
        cache_hit_rate: f64,
    }
    let path =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/openrouter/published/dirac-full-table-2026-05.json");
    let Ok(body) = std::fs::read(path) else {
        println!("SKIPPED: the published table is not on this machine; looked for {path}");
        return;
    };
    let rows: Vec<Published> = serde_json::from_slice(&body).expect("the published table is JSON");
    let mut labels: BTreeMap<&str, Vec<Share<'_>>> = BTreeMap::new();
    for row in &rows {
        let share = Share { model: &row.model, value: row.cache_hit_rate, tokens: 1.0 };
        labels.entry(&row.provider).or_default().push(share);
    }
    let models: std::collections::BTreeSet<_> = rows.iter().map(|r| &r.model).collect();
    assert_eq!((rows.len(), models.len(), labels.len()), (398, 75, 68));
    let known = [
        ("DeepSeek", 87.0),
        ("StepFun", 86.1),
        ("Moonshot AI", 84.8),
        ("MiniMax", 75.45),
        ("Xiaomi", 74.7),
        ("Z.ai", 71.1),
        ("Anthropic", 53.3),
        ("OpenAI", 53.0),
        ("DeepInfra", 26.1),
        ("Together", 18.9),
        ("Cloudflare", 13.2),
    ];
    for (label, wanted) in known {
        let found = model_mean(&labels[label]).expect("the label has rows");
        assert!((found - wanted).abs() < 0.0501, "{label}: {found}, published {wanted}");
    }
}

#[test]
fn aggregates_and_identities_are_medians_by_run() {
    let id = |n: usize| ["r1", "r1", "r1", "r2"][n].to_owned();
    let data = frame(vec![
        text("run_id", (0..4).map(id).collect()),
        text("model", vec!["a/a".to_owned(), "a/a".to_owned(), "a/b".to_owned(), "a/a".to_owned()]),
        text("variant", vec!["standard".to_owned(); 4]),
        float("hit_rate", vec![Some(0.5), Some(0.9), Some(0.3), Some(0.3)]),
        integer("tokens", vec![Some(30_000_000), Some(10_000_000), Some(1), Some(1)]),
        float("upstream_hit_rate", vec![Some(0.601), Some(0.601), Some(0.9), Some(0.9)]),
        float("effective_input", vec![Some(0.55), Some(0.19 * 1.02), Some(9.0), Some(9.0)]),
        float("list_input", vec![Some(1.0); 4]),
        float("list_cache_read", vec![Some(0.1); 4]),
        float("list_cache_write", vec![None; 4]),
        flag("price_tiers", vec![false; 4]),
    ]);
    let aggregates = numbers::aggregates(&data).expect("the columns are there");
    assert_eq!(
        (aggregates.len(), aggregates[0].models, aggregates[1].models),
        (2, 1, 0),
        "lone endpoints prove nothing"
    );
    assert!((aggregates[0].median_difference.expect("a model") - 0.001).abs() < 1e-12);
    assert_eq!(aggregates[1].median_difference, None);
    let identities = numbers::identities(&data).expect("the columns are there");
    assert_eq!((identities[0].endpoints, identities[1].endpoints), (2, 0));
    assert!((identities[0].median_error.expect("two") - 0.01).abs() < 1e-9);
    assert_eq!((identities[0].within_one_percent, identities[1].median_error), (Some(0.5), None));
}

proptest! {
    #[test]
    fn cells_agree_with_a_plain_loop(
        values in proptest::collection::vec((0..5_usize, proptest::option::of(0.0..1.0), 0..1_000_000_000_i64, any::<bool>()), 1..60)
    ) {
        let names = ["a", "b", "c", "d", "e"];
        let hosts: Vec<Host> = values
            .iter()
            .map(|(name, hits, tokens, derived)| Host {
                hit_rate: *hits, tokens: *tokens, derived: *derived, days: 1, ..host("m/m", names[*name], 0.0)
            })
            .collect();
        let found = cells(&days(&hosts), &BTreeMap::new(), true).expect("the frame conforms to the contract");
        for cell in found {
            let own: Vec<_> = hosts.iter().filter(|h| h.id() == cell.endpoint).collect();
            let hits: Vec<f64> = own.iter().filter_map(|h| h.hit_rate).collect();
            let seen: Vec<_> = own.iter().filter(|h| !h.derived).collect();
            let close = |a: Option<f64>, sum: f64, count: usize| match a {
                Some(a) => (a - sum / count as f64).abs() <= 1e-9 * a.abs().max(1e-3),
                None => count == 0,
            };
            prop_assert!(close(cell.hit_rate, hits.iter().sum(), hits.len()));
            prop_assert!(close(cell.tokens, seen.iter().map(|h| h.tokens as f64).sum(), seen.len()));
            prop_assert_eq!(cell.days, hits.len());
            prop_assert_eq!(cell.observed, seen.iter().filter(|h| h.hit_rate.is_some()).count());
        }
    }
}
