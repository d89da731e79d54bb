//! Flat plans against paying per token, by hand.

use super::{MODEL, billed, call, host, snapshot};
use hitrate::domain::workload::Workload;
use hitrate::snapshot::Snapshot;
use hitrate::store::OwnCall;
use hitrate::traffic::worth::{
    Lifetimes, ListHistory, Measured, PlanReport, PlansReport, calls_of_workload, plans, read_plans,
};

const MONTH_DAYS: f64 = 365.25 / 12.0;

fn plan(allowance: &str, rest: &str) -> String {
    format!(
        "[[plan]]\nname = \"flat\"\ntitle = \"Flat\"\nusd_month = 20\nfrom = 2026-01-01\nallowance = {{ kind = \"{allowance}\" }}\n{rest}\n"
    )
}

fn report(text: &str, calls: &[OwnCall], measured: Option<f64>) -> PlansReport {
    let all = read_plans(text, "plans.toml").expect("valid");
    let measured = measured.map(|percent| Measured { percent });
    plans(calls, &world(), &ListHistory::default(), &Lifetimes::default(), &all, measured)
}

fn only(text: &str, calls: &[OwnCall]) -> PlanReport {
    report(text, calls, None).plans.remove(0)
}

fn world() -> Snapshot {
    snapshot(vec![host("lumen")])
}

/// Four calls of 1,000 prompt and 250 output tokens on one day: 0.002 USD each by list price.
fn calls() -> Vec<OwnCall> {
    (0..4).map(|n| billed(call(&format!("s{n}"), n * 10, 1_000, 250), 0.003)).collect()
}

fn near(found: Option<f64>, expected: f64) {
    let found = found.expect("known");
    assert!((found / expected - 1.0).abs() < 1e-9, "{found} is not {expected}");
}

const OFFER: &str =
    "model = [{ model = \"wren/lark-2\", factor = 2.0, input = 1.0, cache_read = 0.1, output = 4.0 }]";

#[test]
fn an_allowance_in_dollars_counts_use_with_its_factor() {
    // Each call uses 2 * 0.002 USD; a window of five hours with 0.009 USD holds two of the four.
    let text = plan("usd", &format!("window = [{{ hours = 5, limit = 0.009 }}]\n{OFFER}"));
    let found = only(&text, &calls());
    let fit = found.fit.as_ref().expect("countable");
    assert_eq!((fit.served, fit.over_allowance, fit.refused_share), (2, 2, Some(0.5)));
    assert!((fit.used - 0.008).abs() < 1e-12 && (fit.requested - 0.016).abs() < 1e-12, "{fit:?}");
    near(found.metered_best_usd_month, 0.008 * MONTH_DAYS);
    near(found.present_usd_month, 0.012 * MONTH_DAYS);
    near(found.with_plan_usd_month, 20.0 + 0.004 * MONTH_DAYS);
    near(found.saving_usd_month, 0.004 * MONTH_DAYS - 20.0);
    let at = found.break_even.expect("known");
    near(Some(at.days), 20.0 / 0.008);
    near(Some(at.calls_month), 4.0 * 20.0 / 0.008);
    near(Some(at.tokens_month), 5_000.0 * 20.0 / 0.008);
    assert!(!at.reached);
    // A month has 146.1 windows of 0.009 USD of use, worth half of that at the best host.
    near(found.full_allowance_usd_month, 0.009 * MONTH_DAYS * 24.0 / 5.0 / 2.0);
    assert!(at.allowance_share.is_some_and(|share| share > 1.0), "{at:?}");
    assert!(found.notes.iter().any(|note| note.contains("less than the plan costs")), "{:?}", found.notes);
    assert_eq!((found.best_hosts[0].tag.as_str(), found.offered_calls), ("lumen", 4));
}

#[test]
fn allowances_in_requests_and_tokens_count_them() {
    let window = |limit: &str| format!("window = [{{ hours = 5, limit = {limit} }}]");
    let requests = only(&plan("requests", &window("3")), &calls());
    assert_eq!(requests.fit.as_ref().map(|fit| (fit.served, fit.used)), Some((3, 3.0)));
    let tokens = only(&plan("tokens", &window("2500")), &calls());
    assert_eq!(tokens.fit.as_ref().map(|fit| (fit.served, fit.used)), Some((2, 2_500.0)));
    assert!(tokens.notes.iter().any(|note| note.contains("all are counted")), "{:?}", tokens.notes);
}

#[test]
fn models_that_a_plan_does_not_offer_are_named_and_not_free() {
    let other = plan("usd", "window = [{ hours = 5, limit = 1.0 }]\nmodel = [{ model = \"wren/other\" }]");
    let found = only(&other, &calls());
    assert_eq!((found.offered_calls, found.metered_best_usd_month, found.break_even), (0, None, None));
    assert_eq!((found.excluded[0].model_id.as_str(), found.excluded[0].calls), (MODEL, 4));
    assert!(found.excluded[0].why.contains("not known to offer"), "{}", found.excluded[0].why);
    // The author has no endpoint of its own, so the plan's use cannot be counted.
    let unpriced =
        plan("usd", "window = [{ hours = 5, limit = 1.0 }]\nmodel = [{ model = \"wren/lark-2\" }]");
    let found = only(&unpriced, &calls());
    assert!(found.excluded[0].why.contains("no endpoint of its own"), "{}", found.excluded[0].why);
    let all = read_plans(&unpriced, "plans.toml").expect("valid");
    let world = snapshot(vec![host("wren"), host("lumen")]);
    let mut found = plans(&calls(), &world, &ListHistory::default(), &Lifetimes::default(), &all, None);
    let found = found.plans.remove(0);
    assert_eq!(found.fit.as_ref().map(|fit| fit.served), Some(4));
    assert!(found.notes.iter().any(|note| note.contains("models' authors")), "{:?}", found.notes);
}

#[test]
fn percentages_say_nothing_until_they_are_measured() {
    let text = plan("percent", "window = [{ hours = 5 }, { hours = 168 }]");
    let unmeasured = only(&text, &calls());
    assert_eq!(
        (unmeasured.fit, unmeasured.with_plan_usd_month, unmeasured.full_allowance_usd_month),
        (None, None, None)
    );
    assert_eq!(unmeasured.break_even.map(|at| at.allowance_share), Some(None));
    assert!(unmeasured.notes[0].contains("--used-percent"), "{:?}", unmeasured.notes);
    let measured = report(&text, &calls(), Some(4.0)).plans.remove(0);
    // 4 % of a week are worth 0.008 USD.
    let full = 0.008 / 0.04 * MONTH_DAYS / 7.0;
    near(measured.full_allowance_usd_month, full);
    near(measured.break_even.and_then(|at| at.allowance_share), 20.0 / full);
    assert!(measured.notes.iter().any(|note| note.contains("that you measured")), "{:?}", measured.notes);
    let unknown = only(&plan("unknown", ""), &calls());
    assert!(unknown.fit.is_none() && unknown.notes[0].contains("limits of the plan are not known"));
}

#[test]
fn requests_in_flight_are_checked_if_the_log_states_durations() {
    let text = plan("requests", "concurrency = 1\nwindow = [{ hours = 5, limit = 100 }]");
    let unchecked = only(&text, &calls());
    assert!(unchecked.notes.iter().any(|note| note.contains("no durations")), "{:?}", unchecked.notes);
    let mut long = calls();
    long.iter_mut().for_each(|call| call.latency_ms = Some(900_000.0));
    let checked = only(&text, &long);
    let fit = checked.fit.expect("countable");
    assert_eq!((fit.served, fit.over_concurrency, fit.concurrency_checked), (2, 2, true));
    near(checked.with_plan_usd_month, 20.0 + 0.004 * MONTH_DAYS);
}

#[test]
fn the_row_that_holds_on_the_last_day_counts() {
    let row = |from: &str, usd: &str| {
        plan("requests", "window = [{ hours = 5, limit = 100 }]")
            .replace("from = 2026-01-01", from)
            .replace("usd_month = 20", usd)
    };
    let text = row("from = 2026-01-01\nto = 2026-09-30", "usd_month = 20")
        + &row("from = 2026-10-01", "usd_month = 30");
    let found = report(&text, &calls(), None);
    assert_eq!(found.plans.len(), 1);
    assert_eq!(found.plans[0].plan.usd_month, 30.0);
    let later = only(&row("from = 2026-11-01", "usd_month = 20"), &calls());
    assert!(later.notes.iter().any(|note| note.contains("not on the days")), "{:?}", later.notes);
}

#[test]
fn a_workload_needs_no_log() {
    let workload = Workload {
        turns: 2,
        first_prompt: 1_000.0,
        new_input: 0.0,
        output: 250.0,
        ..Workload::shipped().expect("shipped").remove(0)
    };
    let world = world();
    let calls = calls_of_workload(&workload, MODEL, 2.0, world.as_of);
    let text =
        plan("usd", &format!("window = [{{ hours = 730, limit = 60.0, starts = \"period\" }}]\n{OFFER}"));
    let found = report(&text, &calls, None);
    assert_eq!((found.calls, found.days), (120, 30.0));
    let found = &found.plans[0];
    // First turn 2,000; second 250 cold, 0.8 * 1,250 of 1,250 found: 250 + 100 + 1,000.
    near(found.metered_best_usd_month, 60.0 * 3_350e-6 / 30.0 * MONTH_DAYS);
    let fit = found.fit.as_ref().expect("countable");
    near(Some(fit.used), 2.0 * 60.0 * 3_350e-6);
    assert_eq!((found.present_usd_month, fit.refused_share), (None, Some(0.0)));
    let none = report(&text, &[], None);
    assert_eq!(
        (none.calls, none.from, none.plans[0].break_even, none.plans[0].with_plan_usd_month),
        (0, None, None, None)
    );
}
