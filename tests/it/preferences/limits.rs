//! Tests hard limits with examples, and with random models, modes and limits against an independent model of the
//! router.

use super::router::{keeps, uses};
use super::{Truth, any_endpoint, of, only, provider_schema, warned};
use crate::json_schema::violations;
use crate::sample;
use hitrate::domain::backtest::ExpectedCost;
use hitrate::domain::endpoint::PriceTier;
use hitrate::domain::flag::FlagKind;
use hitrate::domain::limits::Limits;
use hitrate::domain::tier::{Lens, Tier};
use hitrate::domain::units::UsdPerMtok;
use hitrate::domain::workload::Workload;
use hitrate::preferences::{Mode, Preference, PreferenceOptions, TRAFFIC, advise};
use hitrate::snapshot::{Endpoint, ModelEntry, Snapshot};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

const MODES: [Mode; 4] = [Mode::Avoid, Mode::Shortlist, Mode::Pin, Mode::Order];
/// Longest prompt of the workload `coding-agent`, tokens.
fn longest() -> f64 {
    let workloads = Workload::shipped().expect("data/workloads.toml is valid");
    let agent = workloads.iter().find(|workload| workload.name == "coding-agent").expect("shipped");
    let turn = f64::from(agent.turns - 1) * (agent.new_input + agent.output);
    agent.first_prompt + turn + agent.new_input
}

fn limited(snapshot: &Snapshot, model: &str, mode: Mode, limits: Limits) -> Preference {
    let model = snapshot.model(model).expect("a model of the sample");
    let limits = limits.checked().expect("valid limits");
    advise(
        snapshot,
        model,
        &PreferenceOptions { mode, workload: "coding-agent", limits: &limits },
        snapshot.as_of,
    )
}

fn floor(name: &str) -> Limits {
    Limits { quant_floor: Some(name.parse().expect("a format")), ..Limits::default() }
}

/// The sample's `quill`, changed before the request.
fn quill(change: impl Fn(&mut [Endpoint])) -> Snapshot {
    let mut sample = sample::snapshot();
    let quill = sample.models.iter_mut().find(|model| model.model_id == "zephyr/quill-large").expect("quill");
    change(&mut quill.endpoints);
    sample
}

#[test]
fn a_limit_is_kept_by_us_and_handed_to_the_router() {
    let sample = quill(|all| all[0].facts.quantization = Some("fp4".to_owned()));
    let list = limited(&sample, "zephyr/quill-large", Mode::Shortlist, floor("fp8"));
    assert_eq!(only(&list), Some(["quarry", "north-cloud/us-east"].map(str::to_owned).to_vec()));
    let written = serde_json::to_value(list.provider.expect("a preference")).expect("JSON");
    assert_eq!(written["quantizations"], json!(["int8", "fp8", "mxfp8", "fp16", "bf16", "fp32"]));
    let limits = Limits {
        no_training: true,
        zdr: true,
        parameters: vec!["tools".to_owned()],
        max_input: Some(0.6),
        max_output: Some(2.5),
        ..Limits::default()
    };
    let list = limited(&sample, "zephyr/quill-large", Mode::Shortlist, limits);
    let written = serde_json::to_value(list.provider.as_ref().expect("a preference")).expect("JSON");
    assert_eq!(written["max_price"], json!({"prompt": "0.6", "completion": "2.5"}));
    assert_eq!((&written["data_collection"], &written["zdr"]), (&json!("deny"), &json!(true)));
    assert_eq!(written["require_parameters"], true);
    assert!(warned(&list, "keeps its own list"), "{:?}", list.warnings);
}

#[test]
fn what_is_not_known_does_not_keep_a_limit_and_is_counted() {
    let sample = quill(|all| {
        all[0].facts.retains_prompts = None;
        all[1].facts.quantization = Some("unknown".to_owned());
        all[2].facts.quantization = None;
    });
    let limits = Limits { no_retention: true, ..floor("fp8") };
    let pin = limited(&sample, "zephyr/quill-large", Mode::Pin, limits);
    assert!(warned(&pin, "`no_retention`: not published for 1 of 4"), "{:?}", pin.warnings);
    assert!(warned(&pin, "`quant_floor`: not published for 2 of 4"), "{:?}", pin.warnings);
    // The rest is in tier F: it is the best that meets the limits, and a warning says so.
    assert_eq!(only(&pin), Some(vec!["mirage".to_owned()]));
    assert!(warned(&pin, "no endpoint better than tier F"), "{:?}", pin.warnings);
    let nowhere = Limits { region: Some("eu".to_owned()), ..Limits::default() };
    let none = limited(&sample, "zephyr/quill-large", Mode::Avoid, nowhere);
    assert_eq!((none.provider, none.evidence.len()), (None, 0));
    let why = none.reason.expect("a reason");
    assert!(why.contains("violates the limits: region: unknown"), "{why}");
}

#[test]
fn avoiding_leaves_out_what_misses_a_limit() {
    let sample = quill(|all| all[1].facts.context_length = Some(32_000));
    let limits = Limits { context: Some(100_000), ..Limits::default() };
    let avoid = limited(&sample, "zephyr/quill-large", Mode::Avoid, limits);
    let provider = avoid.provider.expect("a preference");
    assert_eq!(provider.ignore, Some(vec!["quarry".to_owned(), "mirage".to_owned()]));
    assert!(avoid.evidence[0].why.contains("context: 32000 tokens"), "{:?}", avoid.evidence);
    assert_eq!(avoid.router_limits, None, "the router does not support a context limit");
    // A limit that all endpoints meet, and no bad endpoint: the limit is the preference.
    let sample = quill(|all| all[3].tier = Tier::B);
    let avoid = limited(&sample, "zephyr/quill-large", Mode::Avoid, floor("fp8"));
    let provider = avoid.provider.clone().expect("a preference");
    assert_eq!((provider.ignore.clone(), Some(provider)), (None, avoid.router_limits));
}

#[test]
fn a_hard_limit_goes_before_a_good_sibling() {
    let mut sample = sample::snapshot();
    let atlas = sample.models.iter_mut().find(|model| model.model_id == "northwind/atlas-3").expect("atlas");
    let north = atlas.endpoints.iter_mut().find(|one| one.tag.as_str() == "north-cloud").expect("there");
    north.facts.retains_prompts = Some(true);
    let eu = atlas.endpoints.iter_mut().find(|one| one.tag.as_str() == "north-cloud/eu-west").expect("there");
    eu.tier = Tier::A;
    let limits = Limits { no_retention: true, ..Limits::default() };
    let avoid = limited(&sample, "northwind/atlas-3", Mode::Avoid, limits);
    let ignore = avoid.provider.clone().and_then(|provider| provider.ignore).expect("a list");
    assert!(ignore.contains(&"north-cloud".to_owned()), "{ignore:?}");
    assert!(warned(&avoid, "also excludes `north-cloud/eu-west`"), "{:?}", avoid.warnings);
}

#[test]
fn a_price_tier_above_the_ceiling_counts_where_the_workload_reaches_it() {
    let tier = |from: i64| PriceTier {
        min_prompt_tokens: Some(from),
        input: Some(UsdPerMtok("9".parse().expect("a price"))),
        ..PriceTier::default()
    };
    let limits = || Limits { max_input: Some(1.0), ..Limits::default() };
    for (from, best) in [(500_000, "lumen/bf16"), (32_000, "quarry")] {
        let sample = quill(|all| all[0].price_tiers = vec![tier(from)]);
        let pin = limited(&sample, "zephyr/quill-large", Mode::Pin, limits());
        assert_eq!(only(&pin), Some(vec![best.to_owned()]), "{from}");
    }
}

#[test]
fn a_context_limit_is_missed_where_only_shorter_prompts_are_taken() {
    let context = |tokens: i64| Limits { context: Some(tokens), ..Limits::default() };
    let sample = quill(|all| all[0].facts.max_prompt_tokens = Some(169_984));
    for (tokens, best) in [(180_000, "quarry"), (169_984, "lumen/bf16")] {
        let pin = limited(&sample, "zephyr/quill-large", Mode::Pin, context(tokens));
        assert_eq!(only(&pin), Some(vec![best.to_owned()]), "{tokens}");
    }
    let avoid = limited(&sample, "zephyr/quill-large", Mode::Avoid, context(180_000));
    let ignore = avoid.provider.clone().and_then(|provider| provider.ignore).expect("a list");
    assert!(ignore.contains(&"lumen/bf16".to_owned()), "{ignore:?}");
    let why = &avoid.evidence.iter().find(|one| one.tag == "lumen/bf16").expect("named").why;
    assert!(why.contains("context: prompts of at most 169984 tokens"), "{why}");
}

#[test]
fn an_endpoint_that_refuses_the_longest_prompt_is_not_recommended() {
    let longest = longest() as i64;
    for (most, best) in [(longest - 1, "quarry"), (longest, "lumen/bf16")] {
        let sample = quill(|all| all[0].facts.max_prompt_tokens = Some(most));
        let pin = limited(&sample, "zephyr/quill-large", Mode::Pin, Limits::default());
        assert_eq!(only(&pin), Some(vec![best.to_owned()]), "{most}");
    }
    // If no endpoint accepts the prompt, sessions are split, and the choice stays the same.
    let sample = quill(|all| all.iter_mut().for_each(|one| one.facts.max_prompt_tokens = Some(longest - 1)));
    let pin = limited(&sample, "zephyr/quill-large", Mode::Pin, Limits::default());
    assert_eq!(only(&pin), Some(vec!["lumen/bf16".to_owned()]));
}

#[test]
fn an_endpoint_that_cannot_take_the_longest_turn_is_not_named() {
    let workloads = Workload::shipped().expect("data/workloads.toml is valid");
    for workload in ["coding-agent", "chat"] {
        let of_name = workloads.iter().find(|one| one.name == workload).expect("shipped");
        let turn = of_name.longest_turn().ceil() as i64;
        for (context, best) in [(turn - 1, "quarry"), (turn, "lumen/bf16")] {
            let sample = quill(|all| all[0].facts.context_length = Some(context));
            for mode in [Mode::Pin, Mode::Shortlist, Mode::Order] {
                let named = only(&of(&sample, "zephyr/quill-large", mode, workload)).expect("a preference");
                assert_eq!(named[0], best, "{workload} in {context} tokens: {mode}");
                assert_eq!(named.contains(&"lumen/bf16".to_owned()), best == "lumen/bf16", "{named:?}");
            }
        }
    }
    // The other endpoints accept the turn, but are de-ranked.
    let sample = quill(|all| {
        all[0].facts.context_length = Some(8_000);
        all[1..].iter_mut().for_each(|one| one.flags = vec![sample::flag(FlagKind::Deranked)]);
    });
    let none = limited(&sample, "zephyr/quill-large", Mode::Pin, Limits::default());
    let why = none.reason.expect("a reason");
    assert!(
        why.contains("lumen/bf16: its context of 8000 tokens is shorter than the session's longest turn"),
        "{why}"
    );
}

#[test]
fn a_deprecated_endpoint_is_warned_of_and_not_recommended_once_it_is_over() {
    let at = |hours: i64| Some(sample::as_of() + chrono::Duration::hours(hours));
    let sample = quill(|all| all[0].facts.deprecation_date = at(50));
    let pin = limited(&sample, "zephyr/quill-large", Mode::Pin, Limits::default());
    assert_eq!(only(&pin), Some(vec!["lumen/bf16".to_owned()]));
    assert!(warned(
        &pin,
        "`lumen/bf16` is deprecated: the upstream stops offering it on 2026-10-07 17:57 UTC"
    ));
    let avoid = limited(&sample, "zephyr/quill-large", Mode::Avoid, Limits::default());
    assert!(warned(&avoid, "`lumen/bf16` is deprecated"), "it is admitted: {:?}", avoid.warnings);
    let over = quill(|all| all[0].facts.deprecation_date = at(0));
    let pin = limited(&over, "zephyr/quill-large", Mode::Pin, Limits::default());
    assert_eq!(only(&pin), Some(vec!["quarry".to_owned()]));
    assert!(!warned(&pin, "deprecated"), "{:?}", pin.warnings);
}

#[test]
fn an_age_counts_from_when_the_upstream_began_to_offer_an_endpoint() {
    let ago = |hours: i64| sample::as_of() - chrono::Duration::hours(hours);
    for (created, first_seen, best) in [
        (Some(ago(23)), ago(900), "quarry"),
        (Some(ago(24)), ago(1), "lumen/bf16"),
        (None, ago(23), "quarry"),
        (None, ago(24), "lumen/bf16"),
    ] {
        let sample = quill(|all| (all[0].facts.created_at, all[0].first_seen) = (created, first_seen));
        let pin = limited(&sample, "zephyr/quill-large", Mode::Pin, Limits::default());
        assert_eq!(only(&pin), Some(vec![best.to_owned()]), "{created:?} {first_seen}");
    }
    // In a young record, the time of first sight says nothing, but the upstream's dates do.
    let young = |created: Option<_>| {
        let mut sample = quill(|all| all.iter_mut().for_each(|one| one.facts.created_at = created));
        sample.summary.first_run = ago(2);
        limited(&sample, "zephyr/quill-large", Mode::Shortlist, Limits::default())
    };
    assert!(warned(&young(None), "younger than a day") && young(None).provider.is_some());
    assert!(!warned(&young(Some(ago(30))), "younger than a day"));
    assert_eq!(young(Some(ago(3))).provider, None, "all of them are new");
}

#[test]
fn an_order_is_given_when_it_is_asked_for_and_says_what_it_costs() {
    assert!(!Mode::OFFERED.contains(&Mode::Order));
    let order = of(&sample::snapshot(), "zephyr/quill-large", Mode::Order, "coding-agent");
    let provider = order.provider.clone().expect("a preference");
    assert_eq!(provider.order, provider.only);
    assert_eq!(provider.order.map(|order| order[0].clone()), Some("lumen/bf16".to_owned()));
    assert!(warned(&order, "disables the router's sticky routing and load balancing"));
    for mode in Mode::OFFERED {
        let given = of(&sample::snapshot(), "zephyr/quill-large", mode, "coding-agent");
        assert_eq!(given.provider.expect("a preference").order, None, "{mode}");
    }
}

#[test]
fn an_endpoint_of_which_nothing_was_read_is_not_named() {
    let unread = |days: usize| {
        let sample = quill(|all| {
            all[0].tokens = None;
            let kept = all[0].days.len() - days;
            all[0].days.truncate(kept);
        });
        only(&of(&sample, "zephyr/quill-large", Mode::Pin, "coding-agent")).expect("a pin")
    };
    assert_eq!(unread(2), ["lumen/bf16"]);
    assert_eq!(unread(3), ["quarry"]);
}

/// Random values for the facts that limits check.
fn any_facts() -> impl Strategy<Value = Endpoint> {
    let quantization =
        prop::sample::select(vec![None, Some("unknown"), Some("fp4"), Some("fp8"), Some("bf16")]);
    let flag = || prop::sample::select(vec![None, Some(false), Some(false), Some(false), Some(true)]);
    let context = prop::sample::select(vec![None, Some(32_000), Some(262_144)]);
    let region = prop::sample::select(vec![None, Some("eu-west-1"), Some("us-east-1"), Some("global")]);
    let price = || prop::option::weighted(0.9, prop::sample::select(vec![0.2, 0.5, 1.0, 3.0]));
    let tier = prop::option::weighted(0.2, prop::sample::select(vec![20_000_i64, 500_000]));
    let parameters = prop::sample::subsequence(vec!["max_tokens", "seed", "tools"], 0..=3);
    let facts = (quantization, flag(), flag(), context, region, (price(), price()), tier, parameters);
    (any_endpoint(), facts).prop_map(|(mut made, facts)| {
        made.facts.quantization = facts.0.map(str::to_owned);
        (made.facts.trains_on_prompts, made.facts.retains_prompts) = (facts.1, facts.2);
        made.facts.context_length = facts.3;
        made.facts.region = facts.4.map(str::to_owned);
        (made.list.input, made.list.output) = facts.5;
        let dear = Some(UsdPerMtok("2".parse().expect("a price")));
        let tier = |from| PriceTier { min_prompt_tokens: Some(from), input: dear, ..PriceTier::default() };
        made.price_tiers = facts.6.map(tier).into_iter().collect();
        made.facts.parameters = facts.7.into_iter().map(str::to_owned).collect();
        made
    })
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let maybe = |some| prop::bool::weighted(some);
    let floor = prop::option::weighted(0.3, prop::sample::select(vec!["fp4", "fp8", "bf16"]));
    let context = prop::option::weighted(0.2, prop::sample::select(vec![10_000_i64, 100_000]));
    let region = prop::option::weighted(0.1, prop::sample::select(vec!["eu", "us"]));
    let ceiling = || prop::option::weighted(0.2, prop::sample::select(vec![0.3, 1.0, 4.0]));
    let availability = prop::option::weighted(0.2, prop::sample::select(vec![0.5, 0.95]));
    let parameters = prop::sample::subsequence(vec!["seed", "tools"], 0..=1);
    let parameters = prop_oneof![3 => Just(Vec::new()), 1 => parameters];
    let rest = (ceiling(), ceiling(), availability, parameters);
    (floor, maybe(0.2), maybe(0.2), maybe(0.1), context, region, rest).prop_map(|all| Limits {
        quant_floor: all.0.map(|name| name.parse().expect("a format")),
        no_training: all.1,
        no_retention: all.2,
        zdr: all.3,
        context: all.4,
        region: all.5.map(str::to_owned),
        max_input: all.6.0,
        max_output: all.6.1,
        min_availability: all.6.2,
        parameters: all.6.3.into_iter().map(str::to_owned).collect(),
    })
}

/// Both limits combined: never less strict than either.
fn both(a: &Limits, b: &Limits) -> Limits {
    let least = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).min_by(f64::total_cmp);
    let finer = a.quant_floor.into_iter().chain(b.quant_floor).max_by_key(|one| one.bits());
    Limits {
        quant_floor: finer,
        no_training: a.no_training || b.no_training,
        no_retention: a.no_retention || b.no_retention,
        zdr: a.zdr || b.zdr,
        parameters: [a.parameters.clone(), b.parameters.clone()].concat(),
        context: a.context.max(b.context),
        region: a.region.clone().or_else(|| b.region.clone()),
        max_input: least(a.max_input, b.max_input),
        max_output: least(a.max_output, b.max_output),
        min_availability: a.min_availability.into_iter().chain(b.min_availability).max_by(f64::total_cmp),
    }
    .checked()
    .expect("valid limits")
}

fn world(endpoints: Vec<Endpoint>) -> Snapshot {
    let mut snapshot = sample::snapshot();
    let model = sample::model("an/model", "an/model-1", "A model");
    snapshot.models = vec![ModelEntry { endpoints, ..model }];
    snapshot
}

/// Positions of the endpoints that the router would use; `None` if there is no preference, or if all endpoints within
/// the limits are named because fewer would lose.
fn used(snapshot: &Snapshot, mode: Mode, limits: &Limits) -> Option<BTreeSet<usize>> {
    let model = &snapshot.models[0];
    let made = advise(
        snapshot,
        model,
        &PreferenceOptions { mode, workload: "coding-agent", limits },
        snapshot.as_of,
    );
    let provider = made.provider.clone().filter(|_| !warned(&made, "fewer names may be worse than none"))?;
    let all = model.endpoints.iter().enumerate();
    Some(all.filter(|(_, e)| uses(&provider, &limits.parameters, e)).map(|(at, _)| at).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn no_request_reaches_what_misses_a_limit(
        endpoints in prop::collection::vec(any_facts(), 0..10),
        limits in any_limits(),
        mode in prop::sample::select(MODES.to_vec()),
    ) {
        let snapshot = world(endpoints);
        let endpoints = &snapshot.models[0].endpoints;
        let options = PreferenceOptions { mode, workload: "coding-agent", limits: &limits };
        let made = advise(&snapshot, &snapshot.models[0], &options, snapshot.as_of);
        prop_assert_eq!(made.provider.is_none(), made.reason.is_some());
        let Some(provider) = made.provider else { return Ok(()) };
        let schema = provider_schema();
        let written = serde_json::to_value(&provider).expect("JSON");
        prop_assert_eq!(violations(&schema, &schema, &written), Vec::<String>::new());
        let reached: Vec<&Endpoint> =
            endpoints.iter().filter(|e| uses(&provider, &limits.parameters, e)).collect();
        prop_assert!(!reached.is_empty(), "a request would find no endpoint: {:?}", provider);
        for endpoint in &reached {
            prop_assert!(keeps(&limits, endpoint, longest()), "{} under {:?}: {:?}", endpoint.tag, limits, provider);
        }
        let truth = Truth { snapshot: &snapshot, workload: "coding-agent" };
        if mode == Mode::Avoid {
            prop_assert!(reached.iter().any(|e| truth.fit(e) && !truth.avoided(e)));
        } else {
            prop_assert!(reached.iter().all(|e| truth.fit(e)), "{:?}", provider);
        }
        let lists = [&provider.only, &provider.ignore, &provider.order];
        for entry in lists.into_iter().flatten().flatten() {
            prop_assert!(endpoints.iter().any(|e| e.tag.as_str() == entry), "{}", entry);
        }
    }

    #[test]
    fn tighter_limits_add_nothing_that_they_did_not_make_room_for(
        endpoints in prop::collection::vec(any_facts(), 1..10),
        (loose, more) in (any_limits(), any_limits()),
    ) {
        let snapshot = world(endpoints);
        let tight = both(&loose, &more);
        prop_assume!(more.region.is_none() || loose.region.is_none() || more.region == loose.region);
        let keeps_tight = |at: &usize| keeps(&tight, &snapshot.models[0].endpoints[*at], longest());
        for mode in MODES {
            let Some(after) = used(&snapshot, mode, &tight) else { continue };
            let Some(before) = used(&snapshot, mode, &loose) else { continue };
            let added: Vec<usize> = after.difference(&before).copied().collect();
            if mode == Mode::Avoid {
                prop_assert!(added.is_empty(), "{:?} -> {:?}", before, after);
            } else {
                // If a limit excludes an endpoint, a shortlist adds another one and a pin moves to the next one.
                prop_assert!(added.is_empty() || !before.iter().all(keeps_tight), "{}: {:?}", mode, added);
            }
        }
    }

    #[test]
    fn under_the_traffic_the_pin_is_the_choice_of_the_policy(
        endpoints in prop::collection::vec((any_endpoint(), 0.1..5.0_f64, -0.05..0.05_f64), 2..8),
    ) {
        let endpoints: Vec<Endpoint> = endpoints
            .into_iter()
            .enumerate()
            .map(|(at, (mut one, usd, charge))| {
                one.tag = hitrate::domain::ids::Tag::new(format!("host-{at}"));
                (one.uptime_1d, one.uptime_30m) = (None, None);
                let chosen_by = usd * charge.exp();
                let day = sample::as_of().date_naive();
                one.expected_cost =
                    Some(ExpectedCost { day, usd_per_mtok: usd, low: None, high: None, chosen_by });
                one
            })
            .collect();
        let snapshot = world(endpoints);
        let truth = Truth { snapshot: &snapshot, workload: "coding-agent" };
        let score = |e: &&Endpoint| e.expected_cost.map_or(f64::INFINITY, |expected| expected.chosen_by);
        let model = &snapshot.models[0];
        let usd = |e: &Endpoint| e.expected_cost.map_or(f64::INFINITY, |expected| expected.usd_per_mtok);
        let mut rated: Vec<f64> =
            model.endpoints.iter().filter(|e| e.tier != Tier::Unrated).map(usd).collect();
        rated.sort_by(f64::total_cmp);
        prop_assume!(rated.len() > 1);
        let median = (rated[(rated.len() - 1) / 2] + rated[rated.len() / 2]) / 2.0;
        // Only endpoints that may be recommended: the charge for thin traffic affects their rank, but their tier
        // depends on cost alone.
        let good = |e: &Endpoint| matches!(Lens::Cost.tier(usd(e) / median - 1.0), Tier::S | Tier::A | Tier::B);
        let fit = |e: &&Endpoint| {
            truth.fit_at_any_cost(e) && Truth::busy(e) && e.tier != Tier::Unrated && good(e)
        };
        let best = model.endpoints.iter().filter(fit).min_by(|a, b| score(a).total_cmp(&score(b)));
        let options = PreferenceOptions { mode: Mode::Pin, workload: TRAFFIC, limits: &Limits::default() };
        let pin = advise(&snapshot, model, &options, snapshot.as_of);
        if let (Some(named), Some(best)) = (only(&pin), best) {
            prop_assert_eq!(&named[0], best.tag.as_str());
        }
    }
}
