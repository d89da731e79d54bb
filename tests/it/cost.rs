//! Session costs: known bills, the comparison of endpoints, break-evens, and the ranking across all models.

use crate::sample;
use hitrate::cost::{
    AcrossFilter, BreakEven, CostOfModel, EndpointCost, OwnNumbers, Quality, ToWin, across, compare, pricing,
};
use hitrate::domain::ids::ProviderSlug;
use hitrate::domain::session::{CostBasis, Pricing, SessionCost, session_cost};
use hitrate::domain::units::UsdPerMtok;
use hitrate::domain::workload::{CacheTtl, Failures, Workload};
use hitrate::snapshot::{Endpoint, ListWindow, Prices, Snapshot};
use hitrate::wording::price_list::{ListVerdict, Style};
use proptest::prelude::*;
use serde_json::Value;
use std::path::Path;

fn workload(turns: u32, first_prompt: f64, new_input: f64, output: f64) -> Workload {
    let shipped = Workload::shipped().expect("shipped workloads").remove(0);
    Workload { turns, first_prompt, new_input, output, output_cached: true, ..shipped }
}

fn priced(pricing: &Pricing, workload: &Workload, retention: f64) -> SessionCost {
    session_cost(pricing, workload, &CostBasis::default().at(retention), sample::as_of()).expect("priced")
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-12 * b.abs().max(1e-6)
}

/// A bill: tokens read from and written to the cache, other prompt tokens, output; prices in USD per million; USD paid.
struct Bill {
    written: f64,
    plain: f64,
    output: f64,
    prices: Pricing,
    premium: f64,
    paid: f64,
}

impl Bill {
    fn holds(&self) {
        let write = priced(&self.prices, &workload(1, 0.0, self.written, self.output), 0.0);
        let unwritten = Pricing { billed_writes: false, ..self.prices.clone() };
        let plain = priced(&unwritten, &workload(1, 0.0, self.plain, 0.0), 0.0);
        assert!(close(write.writes, self.premium), "{write:?}");
        assert!(
            close(write.total() + plain.total(), self.paid),
            "{} {}",
            write.total() + plain.total(),
            self.paid
        );
    }
}

fn writer(input: f64, output: f64) -> Pricing {
    let (read, write) = (Some(input / 10.0), Some(input * 1.25));
    Pricing {
        input: Some(input),
        output: Some(output),
        cache_read: read,
        cache_write: write,
        billed_writes: true,
        ..Pricing::default()
    }
}

/// The average cost of a prompt token at a hit rate, computed from a session with that hit rate.
fn blended(raw: f64, cached: f64, hit_rate: f64) -> f64 {
    let prices =
        Pricing { input: Some(raw), output: Some(0.0), cache_read: Some(cached), ..Pricing::default() };
    let long = workload(100, 10_000.0, 0.0, 0.0);
    priced(&prices, &long, hit_rate / long.reusable_share()).total() * 1e6 / long.prompt_tokens()
}

#[test]
fn bills_worked_out_by_hand_come_out_to_the_last_digit() {
    // 120,000 tokens written at 1.25 times 3 USD, 6 other prompt tokens, 2,000 output tokens at 15 USD.
    let (premium, paid) = (0.09, 0.45 + 0.000_018 + 0.03);
    Bill { written: 120_000.0, plain: 6.0, output: 2_000.0, prices: writer(3.0, 15.0), premium, paid }
        .holds();
    assert!(close(blended(0.5, 0.05, 0.8), 0.14));
    assert!(close(blended(2.0, 2.0, 0.9), 2.0));
    // 400 of 500 requests succeed, so a quarter of the prompts is paid for again.
    let seen = CostBasis { uptime: Some(0.8), ..CostBasis::default() };
    assert!(close(seen.resends(&workload(1, 0.0, 1.0, 0.0)).expect("published"), 0.25));
}

#[test]
fn recorded_bills_come_out_to_the_last_digit() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/openrouter/bodies/cost_arithmetic_vectors.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("skipped: the recorded bills ({} does not exist)", path.display());
        return;
    };
    let vectors: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let number = |row: &Value, key: &str| row[key].as_f64().expect("a number");
    let (mut bills, mut blends) = (0, 0);
    for vector in &vectors {
        if vector["usage"].is_number() {
            // The model's list prices at the time: 5, 25 and 6.25 USD for writes.
            let premium = number(vector, "usage_cache");
            let written = (premium / 1.25e-6).round();
            let plain = number(vector, "native_tokens_prompt") - written;
            assert!((0.0..10.0).contains(&plain), "{plain}");
            let (output, paid) = (number(vector, "native_tokens_completion"), number(vector, "usage"));
            Bill { written, plain, output, prices: writer(5.0, 25.0), premium, paid }.holds();
            bills += 1;
        }
        for case in vector["cases"].as_array().into_iter().flatten() {
            let found = blended(number(case, "raw"), number(case, "cached"), 0.9);
            assert!(close(found, number(case, "blended")), "{case}: {found}");
            blends += 1;
        }
    }
    assert!(bills > 0 && blends > 3, "{bills} {blends}");
}

fn snapshot() -> Snapshot {
    let mut snapshot = sample::snapshot();
    // The sample's session costs are made up and do not match its prices.
    for endpoint in snapshot.models.iter_mut().flat_map(|m| &mut m.endpoints) {
        endpoint.session_cost.clear();
    }
    snapshot
}

fn compared(snapshot: &Snapshot, workload: &str) -> CostOfModel {
    let workload = snapshot.workloads.iter().find(|w| w.name == workload).expect("a workload");
    compare(snapshot, snapshot.model("northwind/atlas-3").expect("a model"), workload)
}

fn of<'a>(cost: &'a CostOfModel, tag: &str) -> &'a EndpointCost {
    cost.endpoints.iter().find(|e| e.tag.as_str() == tag).expect("an endpoint")
}

#[test]
fn the_comparison_says_who_is_no_choice_and_why() {
    let mut snapshot = snapshot();
    let cost = compared(&snapshot, "chat");
    assert_eq!(cost.cheapest.as_ref().map(ToString::to_string).as_deref(), Some("quarry/fp8"));
    assert!(of(&cost, "lumen").why.as_deref().is_some_and(|w| w.contains("down")), "{cost:?}");
    assert_eq!((of(&cost, "lumen").is_choice, of(&cost, "lumen").to_win), (false, ToWin::NotCompared));
    assert!(cost.endpoints.iter().take_while(|e| e.is_choice).is_sorted_by_key(|e| e.cost));
    let sure = of(&cost, "quarry/fp8");
    assert!(sure.low < sure.cost && sure.cost < sure.high, "{sure:?}");
    let parts = sure.parts.expect("priced");
    assert!(close(parts.total(), sure.cost.expect("priced")) && parts.failures > 0.0 && parts.writes == 0.0);

    let endpoints =
        &mut snapshot.models.iter_mut().find(|m| m.model_id == "northwind/atlas-3").expect("it").endpoints;
    endpoints[0].facts.context_length = Some(4_000);
    let short = compared(&snapshot, "chat");
    assert!(
        of(&short, "quarry/fp8").why.as_deref().is_some_and(|w| w.contains("context of 4000")),
        "{short:?}"
    );
    for endpoint in
        &mut snapshot.models.iter_mut().find(|m| m.model_id == "northwind/atlas-3").expect("it").endpoints
    {
        endpoint.facts.context_length = Some(4_000);
    }
    let cut = compared(&snapshot, "chat");
    assert!(
        of(&cut, "quarry/fp8").is_choice && cut.notes.iter().any(|n| n.contains("cut")),
        "{:?}",
        cut.notes
    );
}

/// The sample with one endpoint of `northwind/atlas-3` changed.
fn changed(tag: &str, change: impl Fn(&mut Endpoint)) -> Snapshot {
    let mut snapshot = snapshot();
    let atlas = snapshot.models.iter_mut().find(|m| m.model_id == "northwind/atlas-3").expect("it");
    change(atlas.endpoints.iter_mut().find(|e| e.tag.as_str() == tag).expect("an endpoint"));
    snapshot
}

#[test]
fn a_session_costs_the_usual_list_price_and_its_interval_contains_the_schedule() {
    let plain = snapshot();
    let before = compared(&plain, "chat");
    let row = of(&before, "quarry/fp8");
    assert_eq!((row.cost_now, row.usual.clone()), (row.cost, None), "nothing is known of its window");
    let times = |prices: &Prices, factor: f64| {
        let price = |price: Option<f64>| price.map(|price| price * factor);
        Prices {
            input: price(prices.input),
            output: price(prices.output),
            cache_read: price(prices.cache_read),
            cache_write: price(prices.cache_write),
            cache_write_1h: price(prices.cache_write_1h),
        }
    };
    let one = |factors: [f64; 3]| {
        let changed = changed("quarry/fp8", |e| {
            let [usual, lowest, highest] = factors.map(|factor| times(&e.list, factor));
            e.price_tiers.clear();
            e.list_window = Some(ListWindow { usual, lowest, highest, moves: 4, returns: 2 });
        });
        of(&compared(&changed, "chat"), "quarry/fp8").clone()
    };
    let flat = one([1.0, 1.0, 1.0]);
    assert_eq!((flat.cost, flat.cost_now), (flat.cost_now, flat.cost));
    assert_eq!(flat.unusual_now(), None);
    let moved = one([2.0, 0.5, 4.0]);
    assert_eq!(moved.unusual_now(), moved.cost_now);
    let dollars = |one: Option<f64>| one.expect("priced");
    assert!(close(dollars(moved.cost), 2.0 * dollars(flat.cost)), "{moved:?}");
    assert_eq!((moved.cost_now, moved.list), (flat.cost, flat.list));
    assert!(close(
        dollars(moved.usual.and_then(|usual| usual.input)),
        2.0 * dollars(input_of_quarry(&plain))
    ));
    assert!(close(dollars(moved.low), 0.5 * dollars(flat.low)));
    assert!(close(dollars(moved.high), 4.0 * dollars(flat.high)));
}

fn input_of_quarry(snapshot: &Snapshot) -> Option<f64> {
    let atlas = snapshot.model("northwind/atlas-3").expect("a model");
    atlas.endpoints.iter().find(|e| e.tag.as_str() == "quarry/fp8").expect("an endpoint").list.input
}

#[test]
fn an_endpoint_that_takes_only_shorter_prompts_is_no_choice() {
    let chat = hitrate::domain::workload::Workload::shipped().expect("shipped").remove(1);
    let longest = chat.longest_prompt();
    for (most, is_choice) in [(longest as i64 - 1, false), (longest.ceil() as i64, true)] {
        let snapshot = changed("quarry/fp8", |e| e.facts.max_prompt_tokens = Some(most));
        let cost = compared(&snapshot, "chat");
        let row = of(&cost, "quarry/fp8");
        assert_eq!(row.is_choice, is_choice, "{most}: {row:?}");
        let why = row.why.as_deref().unwrap_or_default();
        assert_eq!(why.contains(&format!("prompts of at most {most} tokens")), !is_choice, "{why}");
    }
    let snapshot = changed("quarry/fp8", |e| e.facts.max_prompt_tokens = Some(longest as i64 - 1));
    let all = across(&snapshot, &chat, &AcrossFilter::default(), None);
    assert_eq!(all.left_out.context, 1, "{:?}", all.left_out);
    let filter = AcrossFilter { min_context: Some(262_144), ..AcrossFilter::default() };
    let before = across(&self::snapshot(), &chat, &filter, None).left_out.context;
    let snapshot = changed("quarry/fp8", |e| e.facts.max_prompt_tokens = Some(200_000));
    assert_eq!(across(&snapshot, &chat, &filter, None).left_out.context, before + 1);
}

#[test]
fn an_endpoint_past_its_deprecation_date_is_no_choice() {
    let at = |minutes: i64| sample::as_of() + chrono::Duration::minutes(minutes);
    for (date, is_choice) in [(at(0), false), (at(-600), false), (at(1), true)] {
        let cost = compared(&changed("quarry/fp8", |e| e.facts.deprecation_date = Some(date)), "chat");
        let row = of(&cost, "quarry/fp8");
        assert_eq!(row.is_choice, is_choice, "{date}: {row:?}");
        assert_eq!(row.why.as_deref().is_some_and(|why| why.contains("deprecated")), !is_choice);
    }
}

#[test]
fn a_weekend_price_counts_on_the_weekend_alone() {
    use hitrate::domain::endpoint::{PriceTier, Weekday};
    let weekend = |e: &mut Endpoint| {
        let half = |price: Option<f64>| {
            price.map(|price| UsdPerMtok((price / 2.0).to_string().parse().expect("a price")))
        };
        e.price_tiers = vec![PriceTier {
            utc_days: vec![Weekday::Saturday, Weekday::Sunday],
            input: half(e.list.input),
            output: half(e.list.output),
            cache_read: half(e.list.cache_read),
            ..PriceTier::default()
        }];
    };
    let cost = |time: &str| {
        let mut snapshot = changed("quarry/fp8", weekend);
        snapshot.as_of = time.parse().expect("a time");
        let cost = compared(&snapshot, "chat");
        let note = cost.notes.iter().find(|note| note.contains("day or week")).cloned().expect("a note");
        (of(&cost, "quarry/fp8").cost.expect("priced"), note)
    };
    let (friday, note) = cost("2026-10-02T23:59:59Z");
    assert!(note.ends_with("Friday, 23:59 UTC"), "{note}");
    let base = compared(&snapshot(), "chat");
    assert!(close(friday, of(&base, "quarry/fp8").cost.expect("priced")));
    assert!(close(cost("2026-10-03T00:00:00Z").0, friday / 2.0));
    assert!(close(cost("2026-10-05T00:00:00Z").0, friday));
}

#[test]
fn writes_kept_for_an_hour_cost_more_where_the_workload_asks_for_them() {
    let own = |ttl| OwnNumbers { cache_ttl: Some(ttl), ..OwnNumbers::default() };
    let snapshot = changed("quarry/fp8", |e| {
        let input = e.list.input.expect("listed");
        (e.list.cache_write, e.list.cache_write_1h) = (Some(input * 1.25), Some(input * 2.0));
    });
    let model = snapshot.model("northwind/atlas-3").expect("it");
    let chat = &snapshot.workloads[1];
    let writes = |ttl| {
        let workload = own(ttl).over(chat).expect("valid");
        let cost = compare(&snapshot, model, &workload);
        of(&cost, "quarry/fp8").parts.expect("priced").writes
    };
    let (short, long) = (writes(CacheTtl::FiveMinutes), writes(CacheTtl::OneHour));
    assert!(short > 0.0 && close(long, short * 4.0), "premiums of 0.25 and 1.0: {short} {long}");
    assert_eq!(own(CacheTtl::FiveMinutes).over(chat).expect("valid").name, "chat", "that is the default");
}

#[test]
fn with_the_retention_it_needs_an_endpoint_is_the_cheapest() {
    let snapshot = snapshot();
    for name in ["coding-agent", "chat", "rag"] {
        let cost = compared(&snapshot, name);
        let best = cost.endpoints[0].cost.expect("priced");
        let model = snapshot.model("northwind/atlas-3").expect("a model");
        let mut answered = 0;
        for row in cost.endpoints.iter().filter(|e| e.is_choice) {
            let endpoint = model.endpoints.iter().find(|e| e.tag == row.tag).expect("the same");
            let at = |q: f64| {
                let basis = endpoint.cost_basis.at(q);
                session_cost(&pricing(endpoint), &cost.workload, &basis, snapshot.as_of)
                    .expect("priced")
                    .total()
            };
            match row.to_win {
                ToWin::Needs { retention, .. } => {
                    assert!((at(retention) / best - 1.0).abs() < 1e-9, "{name} {row:?}");
                    answered += 1;
                }
                ToWin::Cannot { at_best } => {
                    assert!(close(at_best, at(1.0)) && at_best > best, "{name} {row:?}");
                    answered += 1;
                }
                ToWin::Cheapest { .. } => assert!(row.cheapest),
                ToWin::NotCompared => panic!("a choice is compared: {row:?}"),
            }
        }
        assert!(answered > 2, "{name}: {answered}");
    }
}

#[test]
fn the_break_even_is_that_of_the_formula() {
    let mut snapshot = snapshot();
    let model = snapshot.models.iter_mut().find(|m| m.model_id == "zephyr/quill-large").expect("a model");
    for endpoint in &mut model.endpoints {
        (endpoint.cost_basis.uptime, endpoint.facts.context_length) = (None, None);
    }
    let model = snapshot.model("zephyr/quill-large").expect("a model");
    let chat = snapshot.workloads.iter().find(|w| w.name == "chat").expect("a workload");
    let cost = compare(&snapshot, model, chat);
    let list = cost.endpoints.iter().find(|e| e.cheapest_by_list).expect("a choice by list");
    let k = cost.output_tokens / cost.prompt_tokens;
    let price = |p: Option<f64>| p.expect("listed");
    let mut checked = 0;
    for row in cost.endpoints.iter().filter(|e| !e.cheapest_by_list) {
        let (a, b) = (&list.list, &row.list);
        let dearer = price(b.input) - price(a.input) + k * (price(b.output) - price(a.output));
        let from = dearer / (price(b.input) - price(b.cache_read));
        match row.break_even.expect("not the list's choice") {
            BreakEven::From { hit_rate } => {
                assert!((hit_rate - from.max(0.0)).abs() < 1e-9, "{hit_rate} {from}")
            }
            BreakEven::Never => assert!(from > cost.reusable_share, "{from}"),
        }
        checked += 1;
    }
    assert_eq!(checked, 3);
}

#[test]
fn hosts_that_share_the_lowest_list_price_are_counted_and_the_list_is_not_blamed() {
    let with = |change: &dyn Fn(usize, &mut Endpoint)| {
        let mut snapshot = snapshot();
        let quill = snapshot.models.iter_mut().find(|m| m.model_id == "zephyr/quill-large").expect("a model");
        quill.endpoints.iter_mut().enumerate().for_each(|(at, endpoint)| change(at, endpoint));
        compare(&snapshot, snapshot.model("zephyr/quill-large").expect("a model"), &snapshot.workloads[0])
    };
    let list_price = |one: &mut Endpoint, input: f64| {
        (one.list.input, one.list.output, one.list.cache_read) =
            (Some(input), Some(4.0 * input), Some(input / 10.0));
    };
    let own = with(&|_, _| {});
    let list = own.by_list.clone().expect("a choice");
    assert_eq!((list.hosts, list.verdict, list.tag.as_str()), (1, ListVerdict::Right, "lumen/bf16"));
    assert_eq!((list.surcharge, Some(list.most)), (Some(0.0), own.endpoints[0].cost));

    let tied = with(&|_, one| list_price(one, 0.5 + 1e-12 * one.hit_rate.unwrap_or(0.0)));
    let list = tied.by_list.clone().expect("a choice");
    assert_eq!((list.hosts, list.verdict, Some(&list.tag)), (4, ListVerdict::Tie, tied.cheapest.as_ref()));
    assert_eq!(Some(list.most), tied.endpoints.last().and_then(|e| e.cost), "all of them share the price");
    assert_eq!(tied.endpoints.iter().filter(|e| e.cheapest_by_list).count(), 1, "the list chooses one");
    let style = Style {
        usd: |amount| format!("{amount:.4}"),
        percent: |share| format!("{share:.3}"),
        tag: str::to_owned,
    };
    let said = tied.conclusion(&style);
    assert!(
        said.contains("does not decide here.") && said.contains("one of 4 hosts at the lowest list price")
    );
    assert!(said.ends_with(&format!("it costs {:.4}.", list.most)), "{said}");

    // Two endpoints of one provider are one host.
    let siblings = with(&|at, one| {
        list_price(one, if at < 2 { 0.5 } else { 0.9 });
        one.provider = ProviderSlug::new("lumen");
    });
    assert_eq!(siblings.by_list.expect("a choice").hosts, 1);

    // The most expensive session has the lowest list price: its cache finds hardly anything.
    let wrong = with(&|at, one| list_price(one, if at == 3 { 0.3 } else { 0.31 }));
    let list = wrong.by_list.clone().expect("a choice");
    assert_eq!((list.hosts, list.verdict, list.tag.as_str()), (1, ListVerdict::Misleads, "mirage"));
    assert!(wrong.conclusion(&style).contains("The price list misleads here."));
    // Without an interval the difference is not certain.
    let unsure = with(&|at, one| {
        list_price(one, if at == 3 { 0.3 } else { 0.31 });
        one.cost_basis.retention_low = None;
    });
    let list = unsure.by_list.clone().expect("a choice");
    assert!(list.surcharge > Some(0.5) && list.verdict == ListVerdict::Uncertain, "{list:?}");
    let said = unsure.conclusion(&style);
    assert!(
        said.contains("may be wrong here.") && said.contains("so the difference is uncertain."),
        "{said}"
    );
}

#[test]
fn the_price_list_chooses_by_the_usual_prices_that_sessions_are_charged_at() {
    let mut snapshot = snapshot();
    let quill = snapshot.models.iter_mut().find(|m| m.model_id == "zephyr/quill-large").expect("a model");
    // Now, the last one has the lowest list price; usually, it has the highest one.
    let usual = quill.endpoints[3].list.clone();
    quill.endpoints[3].list_window = Some(ListWindow { usual, ..ListWindow::default() });
    (quill.endpoints[3].list.input, quill.endpoints[3].list.output) = (Some(0.001), Some(0.004));
    let model = snapshot.model("zephyr/quill-large").expect("a model");
    let cost = compare(&snapshot, model, &snapshot.workloads[0]);
    assert_eq!(cost.by_list.as_ref().map(|list| list.tag.as_str()), Some("lumen/bf16"));
    let mirage = of(&cost, "mirage");
    assert!(!mirage.cheapest_by_list && mirage.cost_now < mirage.cost, "{mirage:?}");
}

#[test]
fn an_endpoint_without_traffic_is_told_what_it_would_have_to_find() {
    let mut snapshot = snapshot();
    let model = snapshot.models.iter_mut().find(|m| m.model_id == "zephyr/quill-large").expect("a model");
    model.endpoints[0].cost_basis = CostBasis::default();
    let model = snapshot.model("zephyr/quill-large").expect("a model");
    let cost = compare(&snapshot, model, &snapshot.workloads[0]);
    let idle = cost.endpoints.last().expect("endpoints");
    assert_eq!((idle.cost, idle.is_choice), (None, false));
    assert!(idle.why.as_deref().is_some_and(|w| w.contains("no traffic")));
    assert!(matches!(idle.to_win, ToWin::Needs { .. }), "{idle:?}");
    assert!(idle.cold > idle.warm);
}

#[test]
fn the_ranking_over_all_models_counts_whom_it_leaves_out() {
    let snapshot = snapshot();
    let chat = snapshot.workloads.iter().find(|w| w.name == "chat").expect("a workload");
    let total: usize = snapshot.models.iter().map(|m| m.endpoints.len()).sum();
    let all = across(&snapshot, chat, &AcrossFilter::default(), None);
    assert_eq!(all.rows.len() + all.left_out.total(), total, "every endpoint is counted: {:?}", all.left_out);
    assert!(all.rows.is_sorted_by_key(|r| r.cost) && all.rows[0].rank == 1);
    assert_eq!((all.left_out.variant, all.left_out.not_a_choice), (1, 2), "{:?}", all.left_out);
    assert!(all.quality_note.starts_with("no scores"));

    let quality = Quality::parse("zephyr/quill-large,70\nnorthwind/atlas-3-20260901,40\n").expect("valid");
    let scored = AcrossFilter { min_quality: Some(50.0), best_of_model: true, ..AcrossFilter::default() };
    let best = across(&snapshot, chat, &scored, Some(&quality));
    let found: Vec<(&str, Option<f64>)> =
        best.rows.iter().map(|r| (r.model_id.as_str(), r.quality)).collect();
    assert_eq!(found, [("zephyr/quill-large", Some(70.0))]);
    assert_eq!(best.left_out.not_the_best, 3);
    assert_eq!((best.left_out.under_floor, best.left_out.no_score), (6, 1), "{:?}", best.left_out);
    assert_eq!(best.rows.len() + best.left_out.total(), total);

    let limits = AcrossFilter {
        min_context: Some(1_000_000),
        authors: vec!["zephyr".to_owned()],
        ..AcrossFilter::default()
    };
    let none = across(&snapshot, chat, &limits, None);
    assert_eq!((none.rows.len(), none.left_out.context), (0, 4), "{:?}", none.left_out);
    let picky = AcrossFilter {
        parameters: vec!["telepathy".to_owned()],
        quantizations: vec!["fp4".to_owned()],
        ..AcrossFilter::default()
    };
    assert_eq!(across(&snapshot, chat, &picky, None).left_out.parameters, total - 1);
}

proptest! {
    #[test]
    fn more_retention_never_costs_more_and_parts_add_up(
        input in 0.01f64..20.0, read in 0.0f64..1.0, write in 0.0f64..2.0, output in 0.0f64..80.0,
        efficiency in 0.0f64..1.0, uptime in 0.0f64..1.0, q in 0.0f64..1.0, turns in 1u32..60,
    ) {
        let prices = Pricing {
            input: Some(input), output: Some(output), cache_read: Some(read * input),
            cache_write: Some(write * input), billed_writes: write > 0.0, ..Pricing::default()
        };
        let session = Workload { failures: Failures { error: 1.0, refused: 0.0 }, ..workload(turns, 2000.0, 300.0, 200.0) };
        let basis = CostBasis { efficiency, uptime: Some(uptime), ..CostBasis::default() };
        let at = |q: f64| session_cost(&prices, &session, &basis.at(q), sample::as_of()).expect("priced");
        let (some, all, none) = (at(q), at(1.0), at(0.0));
        prop_assert!(all.total() <= some.total() + 1e-12 && some.total() <= none.total() + 1e-12);
        let line = none.total() + q * (all.total() - none.total());
        prop_assert!((some.total() - line).abs() < 1e-9 * line.max(1e-9), "a straight line over retention");
        for part in [some.cold_input, some.cached_input, some.writes, some.output, some.failures] {
            prop_assert!(part >= 0.0, "{:?}", some);
        }
        prop_assert!(some.failures <= some.cold_input + some.cached_input + some.writes + 1e-12);
    }
}
