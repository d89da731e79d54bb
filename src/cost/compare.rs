//! Compares the endpoints of a model under a workload.

use super::by_time::{self, PeriodCost};
use super::choice::{Choice, ListChoice, LowestList};
use super::endpoint::{BreakEven, Priced, ToWin};
use super::month::MonthlyCost;
use crate::domain::endpoint::PriceTier;
use crate::domain::flag::FlagKind;
use crate::domain::format::usd;
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::session::{CostBasis, SessionCost, unusual_now};
use crate::domain::thresholds::LENS_WINDOW_DAYS;
use crate::domain::tier::Tier;
use crate::domain::workload::{CacheTtl, Room, Workload};
use crate::snapshot::{ModelEntry, Prices, Snapshot};
use crate::wording::price_list::{self, Conclusion, Style};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Most endpoints whose cost by time of the week is a note.
const MOST_BY_TIME: usize = 5;

/// What a session of a workload costs at every endpoint of a model.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CostOfModel {
    /// Public name of the model.
    pub model_id: String,
    /// Canonical slug.
    pub slug: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// The workload.
    pub workload: Workload,
    /// Prompt tokens of a session.
    pub prompt_tokens: f64,
    /// Output tokens of a session.
    pub output_tokens: f64,
    /// Maximum share of the prompt tokens that a cache can hold, 0..1.
    pub reusable_share: f64,
    /// Prompt tokens of the longest turn.
    pub longest_prompt: f64,
    /// The endpoints, cheapest session first; endpoints that are not eligible come last.
    pub endpoints: Vec<EndpointCost>,
    /// Tag of the eligible endpoint with the cheapest session.
    pub cheapest: Option<Tag>,
    /// The result of choosing by list price; null if fewer than two endpoints are eligible.
    pub by_list: Option<ListChoice>,
    /// Caveats on these numbers.
    pub notes: Vec<String>,
    /// What a month costs at each endpoint; null unless the request states a monthly bill or tokens.
    pub monthly: Option<MonthlyCost>,
}

/// What a session costs at one endpoint. Amounts are USD per session.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EndpointCost {
    /// Id of the endpoint.
    #[schema(value_type = String, format = "uuid")]
    pub endpoint_id: Uuid,
    /// Routing name (tag).
    pub tag: Tag,
    /// Base slug of its provider.
    pub provider: ProviderSlug,
    /// Display name, untrusted.
    pub name: String,
    /// Its tier under the lens `cost` and the default workload.
    pub tier: Tier,
    /// List prices now, USD per million tokens.
    pub list: Prices,
    /// The mean list prices of the lens window, by which the session is priced; null if they are unknown.
    pub usual: Option<Prices>,
    /// Cost of the session at the usual list prices; null if prices or caching are unknown.
    pub cost: Option<f64>,
    /// Cost of the session at the list prices of now.
    pub cost_now: Option<f64>,
    /// Cost of the session by time of the week, cheapest input price first; empty if the list prices do not follow it.
    pub by_time: Vec<PeriodCost>,
    /// Lower end of the 90 % interval from the day-to-day variation of its caching, at the lowest list prices of the
    /// lens window; null if too few days are known.
    pub low: Option<f64>,
    /// Upper end of the 90 % interval, at the highest list prices of the lens window.
    pub high: Option<f64>,
    /// The parts of the cost.
    pub parts: Option<SessionCost>,
    /// Cost of the session if nothing were found in the cache.
    pub cold: Option<f64>,
    /// Cost of the session if everything reusable were found, with the observed value of a hit.
    pub warm: Option<f64>,
    /// Hit rate over this workload's prompt tokens that follows from its retention, 0..1.
    pub hit_rate: Option<f64>,
    /// What the cost is based on.
    pub basis: CostBasis,
    /// Whether the retention is measured against the hit rates of other models.
    pub assumed: bool,
    /// Whether the endpoint is eligible for the comparison; if not, `why` gives the reason.
    pub is_choice: bool,
    /// Why the endpoint is not eligible.
    pub why: Option<String>,
    /// Whether its session is the cheapest.
    pub cheapest: bool,
    /// Whether it is the choice of the price list (`by_list`): the input price plus the share of the output price used in
    /// the backtest is the lowest, and among equal ones its session is the cheapest.
    pub cheapest_by_list: bool,
    /// The caching that it needs to be the cheapest.
    pub to_win: ToWin,
    /// The hit rate from which it undercuts the endpoint with the lowest list price, if that endpoint had no caching;
    /// null for that endpoint itself.
    pub break_even: Option<BreakEven>,
}

impl EndpointCost {
    /// The cost of the session at the list prices of now, USD, if it differs from the usual one by 1 % or more.
    pub fn unusual_now(&self) -> Option<f64> {
        unusual_now(self.cost, self.cost_now)
    }
}

/// Prices a workload at every endpoint of a model, as of the snapshot's newest run.
pub fn compare(snapshot: &Snapshot, model: &ModelEntry, workload: &Workload) -> CostOfModel {
    let room = model.room(workload);
    let too_long = room != Room::of(workload);
    let mut priced: Vec<Priced<'_>> =
        model.endpoints.iter().map(|e| Priced::of(e, workload, room, snapshot.as_of)).collect();
    let cost = |p: &Priced<'_>| p.cost().unwrap_or(f64::INFINITY);
    priced.sort_by(|a, b| {
        let by_cost = b.open.cmp(&a.open).then(cost(a).total_cmp(&cost(b)));
        by_cost.then_with(|| a.endpoint.tag.cmp(&b.endpoint.tag))
    });
    let field = Field::of(&priced, workload, snapshot.as_of);
    let endpoints: Vec<EndpointCost> =
        priced.iter().enumerate().map(|(place, one)| field.row(place, one)).collect();
    CostOfModel {
        model_id: model.model_id.clone(),
        slug: model.slug.clone(),
        variant: model.variant.clone(),
        workload: workload.clone(),
        prompt_tokens: workload.prompt_tokens(),
        output_tokens: workload.output_tokens(),
        reusable_share: workload.reusable_share(),
        longest_prompt: workload.longest_prompt(),
        cheapest: endpoints.iter().find(|e| e.cheapest).map(|e| e.tag.clone()),
        by_list: field.list_choice(),
        notes: notes(snapshot.as_of, &priced, workload, too_long),
        monthly: None,
        endpoints,
    }
}

impl CostOfModel {
    /// Which endpoint is the cheapest in practice, and what the choice by list price costs, in sentences.
    pub fn conclusion(&self, style: &Style) -> String {
        let best = self.endpoints.iter().find(|e| e.cheapest).and_then(|e| Some((e.tag.as_str(), e.cost?)));
        let Some(best) = best else { return price_list::NO_CHOICE.to_owned() };
        let Some(list) = &self.by_list else { return price_list::only_choice(best, style) };
        Conclusion {
            verdict: list.verdict,
            best,
            list: (list.tag.as_str(), list.cost),
            surcharge: list.surcharge,
            hosts: list.hosts,
            most: list.most,
        }
        .in_sentences(style)
    }
}

/// The figures that every row is compared with.
struct Field<'a> {
    workload: &'a Workload,
    as_of: DateTime<Utc>,
    /// The eligible endpoints, cheapest first.
    choices: Vec<Choice<'a>>,
    /// The choice of the price list among them, and the cost of its session without caching, USD.
    by_list: Option<(LowestList, f64)>,
}

impl<'a> Field<'a> {
    /// `priced`: eligible endpoints first, cheapest first.
    fn of(priced: &[Priced<'a>], workload: &'a Workload, as_of: DateTime<Utc>) -> Self {
        let choices: Vec<Choice<'a>> = priced.iter().map_while(Choice::of).collect();
        let by_list = LowestList::among(&choices);
        let by_list = by_list.and_then(|list| Some((list, priced[list.place].line?.cold)));
        Self { workload, as_of, choices, by_list }
    }

    fn list_choice(&self) -> Option<ListChoice> {
        let (list, _) = self.by_list.filter(|_| self.choices.len() > 1)?;
        let (chosen, best) = (self.choices[list.place], self.choices[0].cost);
        Some(ListChoice {
            tag: chosen.endpoint.tag.clone(),
            cost: chosen.cost,
            surcharge: (best > 0.0).then(|| chosen.cost / best - 1.0),
            hosts: list.hosts,
            most: list.most,
            verdict: list.verdict,
        })
    }

    fn row(&self, place: usize, one: &Priced<'_>) -> EndpointCost {
        let (endpoint, basis) = (one.endpoint, &one.endpoint.cost_basis);
        let (low, high) = one.interval().unzip();
        let cheapest_by_list = self.by_list.is_some_and(|(list, _)| list.place == place);
        EndpointCost {
            endpoint_id: endpoint.endpoint_id,
            tag: endpoint.tag.clone(),
            provider: endpoint.provider.clone(),
            name: endpoint.name.clone(),
            tier: endpoint.tier,
            list: endpoint.list.clone(),
            usual: endpoint.list_window.as_ref().map(|window| window.usual.clone()),
            cost: one.cost(),
            cost_now: one.now,
            by_time: by_time::by_time(endpoint, self.workload, self.as_of),
            low,
            high,
            parts: one.parts,
            cold: one.line.map(|line| line.cold),
            warm: one.line.map(|line| line.warm),
            hit_rate: basis.retention.map(|q| q * self.workload.reusable_share()),
            basis: basis.clone(),
            assumed: basis.reference_basis.is_some_and(|b| b.is_assumed()),
            is_choice: one.open,
            why: one.why.map(|why| why.to_string()),
            cheapest: one.open && place == 0,
            cheapest_by_list,
            to_win: self.to_win(place, one),
            break_even: self.break_even(one).filter(|_| !cheapest_by_list),
        }
    }

    /// An endpoint without traffic has no cost, but the retention that it would need is still known.
    fn to_win(&self, place: usize, one: &Priced<'_>) -> ToWin {
        let Some(line) = one.line.filter(|_| one.open || one.parts.is_none()) else {
            return ToWin::NotCompared;
        };
        if one.open && place == 0 {
            let rival = self.choices.get(1).and_then(|rival| line.retention_for(rival.cost));
            return ToWin::Cheapest { down_to: rival.filter(|q| *q > 0.0) };
        }
        let Some(best) = self.choices.first() else { return ToWin::NotCompared };
        match line.retention_for(best.cost) {
            Some(retention) => {
                ToWin::Needs { retention, hit_rate: retention * self.workload.reusable_share() }
            }
            None => ToWin::Cannot { at_best: line.warm },
        }
    }

    fn break_even(&self, one: &Priced<'_>) -> Option<BreakEven> {
        let ((_, cold), line) = (self.by_list?, one.line?);
        Some(match line.retention_for(cold) {
            Some(q) => BreakEven::From { hit_rate: q * self.workload.reusable_share() },
            None => BreakEven::Never,
        })
    }
}

fn notes(as_of: DateTime<Utc>, priced: &[Priced<'_>], workload: &Workload, too_long: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if too_long && !priced.is_empty() {
        notes.push(format!(
            "no endpoint accepts the longest turn of {:.0} tokens, so sessions of this length must be cut",
            workload.longest_turn()
        ));
    }
    let all = || priced.iter().filter(|p| p.parts.is_some()).map(|p| p.endpoint);
    if all().any(|e| e.cost_basis.reference_basis.is_some_and(|b| b.is_assumed())) {
        notes.push(
            "full retention is assumed from other models, because this model has too few endpoints with traffic"
                .to_owned(),
        );
    }
    if all().any(|e| e.cost_basis.resends(workload).is_none()) {
        notes.push("if an endpoint publishes no uptime, its cost excludes failed requests".to_owned());
    }
    if all().any(|e| e.price_tiers.iter().any(PriceTier::is_timed)) {
        notes.push(format!(
            "prices that depend on the time of day or week are those of {}",
            as_of.format("%A, %H:%M UTC")
        ));
    }
    let by_time = priced.iter().filter(|p| p.open);
    notes.extend(by_time.filter_map(|p| by_time::note(p.endpoint, workload, as_of)).take(MOST_BY_TIME));
    let scheduled: Vec<String> = priced
        .iter()
        .filter(|p| p.endpoint.is_flagged(FlagKind::ScheduledPrice))
        .filter_map(|p| Some(format!("{} at {}", usd(p.now?), p.endpoint.tag)))
        .collect();
    if !scheduled.is_empty() {
        notes.push(format!(
            "costs use the mean list prices of the last {LENS_WINDOW_DAYS} days; at the prices of now a session costs {}",
            scheduled.join(", ")
        ));
    }
    let hour = workload.cache_ttl == CacheTtl::OneHour;
    if hour && all().any(|e| e.list.cache_write.is_some() && e.list.cache_write_1h.is_none()) {
        notes.push(
            "if an endpoint lists no price for one-hour cache writes, the plain write price is used"
                .to_owned(),
        );
    }
    if workload.reusable_share() <= 0.0 {
        notes.push("nothing is sent twice within this session, so caching makes no difference".to_owned());
    }
    notes
}
