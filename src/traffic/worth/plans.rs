//! Flat plans against paying per token, for the user's calls or those of a workload.

use super::allowance::{Fit, Outcome, Use, Window, simulate};
use super::host::Basis;
use super::lifetimes::Lifetimes;
use super::lists::{ListHistory, present};
use super::plan_file::{Allowance, Plan, PlanModel};
use super::turns::{LeftOut, ModelTurns, OwnTurn, OwnTurns};
use crate::domain::endpoint::Prices;
use crate::domain::ids::Tag;
use crate::domain::session::{Pricing, TurnTokens};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::store::OwnCall;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;

/// Days in a month.
const MONTH_DAYS: f64 = 365.25 / 12.0;
/// A longer duration is not one of a request, ms: a year.
const MOST_MS: f64 = 3.2e10;

/// What flat plans would have been worth: the document of `hitrate traffic plans --json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlansReport {
    /// First day of the calls, UTC; null without any.
    pub from: Option<NaiveDate>,
    /// Last day, UTC.
    pub to: Option<NaiveDate>,
    /// Number of these days: amounts a month are scaled from them.
    pub days: f64,
    /// Calls with known tokens, model and time.
    pub calls: usize,
    /// Calls of other kinds, by reason.
    pub left_out: LeftOut,
    /// Calls whose log states no time: no window contains them.
    pub undated: usize,
    /// Each plan, cheapest total first; plans without a known total come last.
    pub plans: Vec<PlanReport>,
}

/// One plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    /// The facts.
    pub plan: Plan,
    /// Calls of models that the plan offers and whose use is known.
    pub offered_calls: usize,
    /// Prompt and output tokens of these calls.
    pub offered_tokens: f64,
    /// Calls that the plan cannot serve or whose use is unknown, by model. They are left out, not counted as free.
    pub excluded: Vec<Excluded>,
    /// How the calls fit; null if the limits of the plan are unknown or percentages.
    pub fit: Option<Fit>,
    /// The offered calls at the host with the lowest cost for each model, USD a month; null if no cost is known.
    pub metered_best_usd_month: Option<f64>,
    /// The hosts that this is based on.
    pub best_hosts: Vec<BestHost>,
    /// The offered calls at their present hosts, USD a month: what was paid, otherwise the list price of the endpoint that
    /// served them with the hits of the log. Null if neither is known for any of them.
    pub present_usd_month: Option<f64>,
    /// Offered calls whose cost at the present host is known; `present_usd_month` contains only these.
    pub present_calls: usize,
    /// The plan plus the refused calls at the best hosts, USD a month; null if the fit is unknown.
    pub with_plan_usd_month: Option<f64>,
    /// What the plan saves against the best hosts, USD a month; negative if it costs more.
    pub saving_usd_month: Option<f64>,
    /// From which traffic on the plan is worth its price, at the best hosts.
    pub break_even: Option<BreakEven>,
    /// What a whole month's allowance is worth at the best hosts for calls like these, USD; null if unknown.
    pub full_allowance_usd_month: Option<f64>,
    /// Caveats, in sentences.
    pub notes: Vec<String>,
}

/// Calls that a plan does not cover.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Excluded {
    /// Public name of the model.
    pub model_id: String,
    /// Number of calls.
    pub calls: usize,
    /// The reason.
    pub why: String,
}

/// The host of a model with the lowest cost for these calls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BestHost {
    /// Public name of the model.
    pub model_id: String,
    /// Tag of the endpoint.
    pub tag: Tag,
    /// Cost of the offered calls there, USD over the whole period.
    pub usd: f64,
}

/// From which traffic on a plan is worth its price.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BreakEven {
    /// Calls like these a month.
    pub calls_month: f64,
    /// Prompt and output tokens a month.
    pub tokens_month: f64,
    /// Days of this traffic until paying per token has cost a month's price.
    pub days: f64,
    /// Whether a month of this traffic reaches it.
    pub reached: bool,
    /// Share of a month's allowance that is needed, 0..1; above 1 the plan cannot be worth its price for calls like
    /// these. Null if the allowance is unknown.
    pub allowance_share: Option<f64>,
}

/// A percentage that the user read off the plan's own display.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Percentage of the plan's longest window that these calls used, above 0; more than 100 if they used several.
    pub percent: f64,
}

/// A turn with its model's place.
struct Call<'a> {
    model: &'a ModelTurns<'a>,
    turn: &'a OwnTurn<'a>,
    at: DateTime<Utc>,
    best: Option<f64>,
    /// What it cost where it was served, USD.
    present: Option<f64>,
    /// Tokens that the log says were found, or that the best host finds.
    found: f64,
}

/// Compares plans. Of each plan, the row that holds on the last day of the calls is used.
pub fn plans(
    calls: &[OwnCall],
    snapshot: &Snapshot,
    lists: &ListHistory,
    lifetimes: &Lifetimes,
    all: &[Plan],
    measured: Option<Measured>,
) -> PlansReport {
    let turns = OwnTurns::of(calls, snapshot);
    let basis = Basis { lists, lifetimes, as_of: snapshot.as_of };
    let mut undated = 0;
    let mut priced: Vec<Call<'_>> = Vec::new();
    let mut hosts: Vec<(&str, &Endpoint)> = Vec::new();
    for model in &turns.models {
        let best = best_host(model, &basis);
        hosts.extend(best.map(|endpoint| (model.model.model_id.as_str(), endpoint)));
        for turn in model.turns() {
            let Some(at) = turn.call.at else {
                undated += 1;
                continue;
            };
            let cost = best.and_then(|host| {
                let priced = basis.priced(host, &model.model.model_id, turn)?;
                let retention = host.cost_basis.retention?;
                Some((priced.at(retention), retention * priced.reusable))
            });
            let logged = turn.call.tokens.read.map(|_| turn.read);
            let found = logged.or(cost.map(|(_, found)| found)).unwrap_or(0.0);
            let listed = || {
                logged?;
                let host = model.model.endpoints.iter().find(|endpoint| turn.served_by(endpoint))?;
                basis.as_logged(host, turn)
            };
            let present = turn.paid().or_else(listed);
            priced.push(Call { model, turn, at, best: cost.map(|(usd, _)| usd), present, found });
        }
    }
    priced.sort_by_key(|call| call.at);
    let days = priced.first().zip(priced.last()).map(|(a, b)| (a.at.date_naive(), b.at.date_naive()));
    let length = days.map_or(0.0, |(from, to)| (to - from).num_days() as f64 + 1.0);
    let period = Period { days: length, last: days.map_or(snapshot.as_of.date_naive(), |(_, to)| to) };
    let mut rows: Vec<PlanReport> = in_force(all, period.last)
        .into_iter()
        .map(|plan| report(plan, &priced, &hosts, snapshot, period, measured))
        .collect();
    rows.sort_by(|a, b| {
        let total = |row: &PlanReport| row.with_plan_usd_month.unwrap_or(f64::INFINITY);
        total(a).total_cmp(&total(b)).then_with(|| a.plan.usd_month.total_cmp(&b.plan.usd_month))
    });
    PlansReport {
        from: days.map(|(from, _)| from),
        to: days.map(|(_, to)| to),
        days: length,
        calls: priced.len(),
        left_out: turns.left_out.clone(),
        undated,
        plans: rows,
    }
}

/// The period of the calls.
#[derive(Debug, Clone, Copy)]
struct Period {
    days: f64,
    last: NaiveDate,
}

impl Period {
    fn a_month(self, usd: f64) -> f64 {
        usd / self.days * MONTH_DAYS
    }
}

/// The row of each plan that holds on a day; otherwise its row with the nearest first day.
fn in_force(all: &[Plan], day: NaiveDate) -> Vec<&Plan> {
    let mut found: Vec<&Plan> = Vec::new();
    for plan in all {
        let distance = |plan: &Plan| {
            let holds = plan.from <= day && plan.to.is_none_or(|to| day <= to);
            if holds { -1 } else { (plan.from - day).num_days().abs() }
        };
        match found.iter_mut().find(|one| one.name == plan.name) {
            Some(one) if distance(plan) < distance(one) => *one = plan,
            Some(_) => {}
            None => found.push(plan),
        }
    }
    found
}

/// The endpoint at which the calls of a model cost least, if its caching and prices are known.
fn best_host<'a>(of: &ModelTurns<'a>, basis: &Basis<'_>) -> Option<&'a Endpoint> {
    let costs = of
        .model
        .endpoints
        .iter()
        .filter_map(|endpoint| Some((basis.host(of, endpoint).ok()?.usd?, endpoint)));
    costs.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, endpoint)| endpoint)
}

/// How a plan counts the calls of a model.
struct Offer {
    pricing: Option<Pricing>,
    row: Option<PlanModel>,
}

/// The offer of a plan for a model.
///
/// # Errors
/// Why its calls are left out, in words.
fn offer(plan: &Plan, model: &ModelEntry, snapshot: &Snapshot, assumed: &mut bool) -> Result<Offer, String> {
    let named = |one: &&PlanModel| {
        let found = snapshot.model_written(&one.model).map(|(found, _)| found);
        found.map_or(one.model == model.model_id, |found| {
            found.slug == model.slug && found.variant == model.variant
        })
    };
    let row = plan.model.iter().find(named);
    if row.is_none() && !plan.model.is_empty() {
        return Err("the plan is not known to offer this model".to_owned());
    }
    let counted = |pricing| Offer { pricing, row: row.cloned() };
    if plan.allowance.kind != Allowance::Usd {
        return Ok(counted(None));
    }
    if let Some(row) = row.filter(|row| row.input.is_some()) {
        let list =
            Prices { input: row.input, output: row.output, cache_read: row.cache_read, ..Prices::default() };
        return Ok(counted(Some(Pricing::listed(&list, Vec::new()))));
    }
    let author = model.model_id.split('/').next().unwrap_or_default();
    let own = model.endpoints.iter().find(|endpoint| endpoint.provider.as_str() == author);
    let pricing = own.map(present).filter(|pricing| pricing.input.is_some() && pricing.output.is_some());
    let pricing = pricing.ok_or(
        "its price in the plan is not known, and its author has no endpoint of its own with a list price",
    )?;
    *assumed = true;
    Ok(counted(Some(pricing)))
}

fn report(
    plan: &Plan,
    calls: &[Call<'_>],
    hosts: &[(&str, &Endpoint)],
    snapshot: &Snapshot,
    period: Period,
    measured: Option<Measured>,
) -> PlanReport {
    let mut assumed = false;
    let mut offered: Vec<(&Call<'_>, f64)> = Vec::new();
    let mut excluded: Vec<Excluded> = Vec::new();
    let mut offers: Vec<(&str, Result<Offer, String>)> = Vec::new();
    for call in calls {
        let id = call.model.model.model_id.as_str();
        if !offers.iter().any(|(known, _)| *known == id) {
            offers.push((id, offer(plan, call.model.model, snapshot, &mut assumed)));
        }
        let Some((_, known)) = offers.iter().find(|(known, _)| *known == id) else { continue };
        match known.as_ref().map(|offer| amount(plan.allowance.kind, offer, call)) {
            Ok(Some(amount)) => offered.push((call, amount)),
            Ok(None) => leave_out(&mut excluded, id, "its price in the plan is not known"),
            Err(why) => leave_out(&mut excluded, id, why),
        }
    }
    let tokens: f64 = offered.iter().map(|(call, _)| call.turn.prompt + call.turn.output).sum();
    let (outcomes, fit) = fit(plan, &offered);
    let best = known_sum(offered.iter().map(|(call, _)| call.best));
    let present: Vec<f64> = offered.iter().filter_map(|(call, _)| call.present).collect();
    let rest = outcomes.map(|outcomes| {
        let refused = offered.iter().zip(&outcomes).filter(|(_, outcome)| **outcome != Outcome::Served);
        known_sum(refused.map(|((call, _), _)| call.best)).unwrap_or(0.0)
    });
    let has_calls = !offered.is_empty() && period.days > 0.0;
    let month = |usd: f64| period.a_month(usd);
    let with_plan = rest.filter(|_| has_calls).map(|rest| plan.usd_month + month(rest));
    let best_month = best.filter(|_| has_calls).map(month);
    let full = full_allowance(plan, fit.as_ref(), best, measured);
    PlanReport {
        plan: plan.clone(),
        offered_calls: offered.len(),
        offered_tokens: tokens,
        best_hosts: best_hosts(&offered, hosts),
        metered_best_usd_month: best_month,
        present_usd_month: (has_calls && !present.is_empty()).then(|| month(present.iter().sum())),
        present_calls: present.len(),
        saving_usd_month: best_month.zip(with_plan).map(|(best, with_plan)| best - with_plan),
        with_plan_usd_month: with_plan,
        break_even: best.filter(|best| has_calls && *best > 0.0).map(|best| {
            let periods = plan.usd_month / best;
            BreakEven {
                calls_month: periods * offered.len() as f64,
                tokens_month: periods * tokens,
                days: periods * period.days,
                reached: periods * period.days <= MONTH_DAYS,
                allowance_share: full.map(|full| plan.usd_month / full),
            }
        }),
        full_allowance_usd_month: full,
        notes: notes(plan, fit.as_ref(), assumed, full, period, measured),
        fit,
        excluded,
    }
}

fn leave_out(excluded: &mut Vec<Excluded>, model_id: &str, why: &str) {
    match excluded.iter_mut().find(|one| one.model_id == model_id) {
        Some(one) => one.calls += 1,
        None => excluded.push(Excluded { model_id: model_id.to_owned(), calls: 1, why: why.to_owned() }),
    }
}

/// The sum, if every part is known and there is one.
fn known_sum(parts: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let mut sum = None;
    for part in parts {
        sum = Some(sum.unwrap_or(0.0) + part?);
    }
    sum
}

/// What a call uses of an allowance; `None` if no price applies.
fn amount(kind: Allowance, offer: &Offer, call: &Call<'_>) -> Option<f64> {
    let turn = call.turn;
    let plain = match kind {
        Allowance::Usd => {
            let tokens = TurnTokens {
                prompt: turn.prompt,
                found: call.found,
                output: turn.output,
                ..TurnTokens::default()
            };
            offer.pricing.as_ref()?.turn_cost(&tokens, 1.0, call.at)?.total()
        }
        Allowance::Tokens => turn.prompt + turn.output,
        Allowance::Requests => 1.0,
        Allowance::Percent | Allowance::Unknown => 0.0,
    };
    Some(plain * offer.row.as_ref().map_or(1.0, |row| row.factor_at(call.at)))
}

/// How the calls fit; `None` if the limits of the plan cannot be compared with calls.
fn fit(plan: &Plan, offered: &[(&Call<'_>, f64)]) -> (Option<Vec<Outcome>>, Option<Fit>) {
    if !plan.allowance.kind.is_countable() {
        return (None, None);
    }
    let limited = plan.window.iter().filter_map(|window| {
        Some(Window { hours: window.hours, limit: window.limit?, starts: window.starts })
    });
    let windows: Vec<Window> = limited.collect();
    let uses: Vec<Use> = offered
        .iter()
        .map(|(call, amount)| {
            let latency = call.turn.call.latency_ms.filter(|ms| (0.0..MOST_MS).contains(ms));
            let ends = latency.and_then(|ms| call.at.checked_add_signed(TimeDelta::milliseconds(ms as i64)));
            Use { at: call.at, ends, amount: *amount }
        })
        .collect();
    let (outcomes, fit) = simulate(&uses, &windows, plan.concurrency);
    (Some(outcomes), Some(fit))
}

/// What a month's allowance is worth at the best hosts, USD: by the price of a unit of use, or by a measured percentage.
fn full_allowance(
    plan: &Plan,
    fit: Option<&Fit>,
    best: Option<f64>,
    measured: Option<Measured>,
) -> Option<f64> {
    let windows_a_month = |hours: f64| MONTH_DAYS * 24.0 / hours;
    if let Some(fit) = fit.filter(|fit| fit.requested > 0.0) {
        let monthly =
            plan.window.iter().filter_map(|one| Some(one.limit? * windows_a_month(one.hours).max(1.0)));
        let tightest = monthly.min_by(f64::total_cmp)?;
        return best.map(|best| best / fit.requested * tightest);
    }
    let longest = plan.window.iter().map(|window| window.hours).max_by(f64::total_cmp)?;
    let measured = measured.filter(|_| plan.allowance.kind == Allowance::Percent)?;
    best.map(|best| best / (measured.percent / 100.0) * windows_a_month(longest).max(1.0))
}

fn best_hosts(offered: &[(&Call<'_>, f64)], hosts: &[(&str, &Endpoint)]) -> Vec<BestHost> {
    let of = |(id, endpoint): &(&str, &Endpoint)| {
        let mine = offered.iter().filter(|(call, _)| call.model.model.model_id == *id);
        let usd = known_sum(mine.map(|(call, _)| call.best))?;
        Some(BestHost { model_id: (*id).to_owned(), tag: endpoint.tag.clone(), usd })
    };
    hosts.iter().filter_map(of).collect()
}

fn notes(
    plan: &Plan,
    fit: Option<&Fit>,
    assumed: bool,
    full: Option<f64>,
    period: Period,
    measured: Option<Measured>,
) -> Vec<String> {
    let mut notes: Vec<String> = plan.unknown.iter().map(|unknown| format!("not known: {unknown}")).collect();
    match (plan.allowance.kind, measured) {
        (Allowance::Percent, None) => notes.push(
            "the plan shows only percentages of its windows, so whether the calls fit is unknown; with the percentage that \
             they used (`--used-percent`), the value of its allowance follows"
                .to_owned(),
        ),
        (Allowance::Percent, Some(_)) => {
            notes.push("the value of the allowance is based on the percentage that you measured".to_owned());
        }
        (Allowance::Unknown, _) => {
            notes.push("the limits of the plan are not known, so whether the calls fit is unknown".to_owned());
        }
        _ => {}
    }
    if plan.model.is_empty() {
        notes.push("which models the plan offers is not listed; all are counted".to_owned());
    }
    if assumed {
        notes.push(
            "use is counted at the list prices of the models' authors where the plan's own are not known"
                .to_owned(),
        );
    }
    if plan.concurrency.is_some() && fit.is_some_and(|fit| !fit.concurrency_checked) {
        notes.push(
            "the log states no durations, so the limit of requests in flight is not checked".to_owned(),
        );
    }
    if fit.is_some() && period.days > 0.0 && period.days < MONTH_DAYS {
        let longest = plan.window.iter().map(|window| window.hours / 24.0).fold(0.0, f64::max);
        if longest > period.days {
            notes.push(format!(
                "the calls cover {:.0} days, less than the longest window; a whole one may be used up",
                period.days
            ));
        }
    }
    if let Some(full) = full.filter(|full| *full < plan.usd_month) {
        notes.push(format!(
            "a whole month's allowance is worth ${full:.2} for calls like these, less than the plan costs"
        ));
    }
    if plan.from > period.last || plan.to.is_some_and(|to| to < period.last) {
        notes.push(format!("this row of the plan holds from {}, not on the days of the calls", plan.from));
    }
    notes
}
