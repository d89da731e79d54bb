//! The expected savings of a preference, compared with the cheapest list price and with the average of the traffic.

use super::judge::Judged;
use super::matching::matches;
use super::openrouter::ProviderObject;
use super::rank::TRAFFIC;
use crate::domain::flag::FlagKind;
use crate::domain::thresholds::{
    BACKTEST_OUTPUT_SHARE, EXPECTED_COST_SPREADS, SAVING_MIN_TRAFFIC, SAVING_SPREADS, TRAFFIC_SCATTER,
};
use crate::snapshot::{Endpoint, Snapshot};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Savings of this size are rounding errors, not gains or losses: they count as 0.
pub const NO_DIFFERENCE: f64 = 1e-9;
/// List prices within this relative difference count as equal; the choice between them is random.
const EQUAL: f64 = 1e-9;
/// An endpoint that affects the comparison by less than this share does not need an interval.
const NEGLIGIBLE: f64 = 0.01;
const NO_OWN_COST: &str = "its cost is unknown";
const NO_COST: &str = "the cost is unknown for endpoints with too much of the traffic";

/// Expected savings from following the preference, within the same limits and among the endpoints that accept the longest
/// turn of the workload. All costs are those at the list prices of now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Saving {
    /// Compared with the endpoint with the lowest list price of now, or with the mean of several equal ones.
    pub against_cheapest_list: Compared,
    /// Compared with the traffic-weighted mean over all endpoints.
    pub against_traffic_average: Compared,
}

/// A comparison of expected session costs. If it is unknown, all fields are null and `why` gives the reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Compared {
    /// Saved fraction of the reference cost; negative if the preference costs more.
    pub fraction: Option<f64>,
    /// Lower end of its 90 % interval.
    pub low: Option<f64>,
    /// Upper end of its 90 % interval.
    pub high: Option<f64>,
    /// Savings, USD per session (under the workload `traffic`: per million prompt tokens).
    pub usd_per_session: Option<f64>,
    /// Lower end of its 90 % interval.
    pub usd_low: Option<f64>,
    /// Upper end of its 90 % interval.
    pub usd_high: Option<f64>,
    /// The reference cost, USD per session.
    pub against_usd: Option<f64>,
    /// Tags of the endpoints that the preference is compared with; null for all of them.
    pub against: Option<Vec<String>>,
    /// Why a figure or its interval is null.
    pub why: Option<String>,
}

impl Saving {
    pub(super) fn unknown(why: &str) -> Self {
        let unknown = Compared { why: Some(why.to_owned()), ..Compared::default() };
        Self { against_cheapest_list: unknown.clone(), against_traffic_average: unknown }
    }
}

/// An endpoint that could be used, with its share of the traffic.
struct Usable<'a> {
    endpoint: &'a Endpoint,
    cost: f64,
    tokens: f64,
}

/// A distribution of requests over the usable endpoints.
struct Spread {
    /// A share for each of them; the shares sum to 1.
    shares: Vec<f64>,
    /// Whether the shares are those of the traffic, which moves; otherwise they are fixed.
    by_traffic: bool,
}

/// The savings of a preference. Requests are distributed over its endpoints in proportion to their traffic; `pin` has
/// one endpoint. The comparison uses expected session costs without charges, at the list prices of now.
pub(super) fn saving(
    snapshot: &Snapshot,
    workload: &str,
    provider: &ProviderObject,
    judged: &[Judged],
) -> Saving {
    let population = population(judged);
    let usable = usable(&population);
    let spread = match by_traffic(&population, &usable, |endpoint| is_used(provider, endpoint)) {
        Ok(spread) => spread,
        Err(why) => return Saving::unknown(&why),
    };
    let (tags, cheapest) = cheapest_list(snapshot, workload, &usable);
    let average = by_traffic(&population, &usable, |_| true);
    Saving {
        against_cheapest_list: match cheapest {
            Some(cheapest) => Compared { against: Some(tags), ..compared(&usable, &spread, &cheapest) },
            None => Compared { why: Some("no list price is known".to_owned()), ..Compared::default() },
        },
        against_traffic_average: match average {
            Ok(average) => compared(&usable, &spread, &average),
            Err(why) => Compared { why: Some(why), ..Compared::default() },
        },
    }
}

/// The endpoints that the router would choose from without the preference: within the limits, long enough for the
/// workload, and open to everyone.
pub(super) fn population<'a>(judged: &'a [Judged<'a>]) -> Vec<&'a Judged<'a>> {
    let is_offered = |e: &Endpoint| e.why_closed().is_none() && !e.is_flagged(FlagKind::Deranked);
    judged.iter().filter(|j| j.admitted() && !j.too_short && is_offered(j.endpoint)).collect()
}

/// Those of a population whose cost is known.
fn usable<'a>(population: &[&'a Judged<'a>]) -> Vec<Usable<'a>> {
    let with_cost = |j: &&'a Judged<'a>| {
        let tokens = j.endpoint.tokens_per_day.unwrap_or(0.0);
        Some(Usable { endpoint: j.endpoint, cost: j.cost.filter(|cost| *cost > 0.0)?, tokens })
    };
    population.iter().filter_map(with_cost).collect()
}

/// Whether a request with the object may be sent to an endpoint; an `order` goes to its first entry.
pub(super) fn is_used(provider: &ProviderObject, endpoint: &Endpoint) -> bool {
    let named =
        |list: &Option<Vec<String>>| list.as_ref().map(|tags| tags.iter().any(|tag| matches(tag, endpoint)));
    if let Some(first) = provider.order.as_ref().and_then(|order| order.first()) {
        return matches(first, endpoint) && !named(&provider.ignore).unwrap_or(false);
    }
    named(&provider.only).unwrap_or(true) && !named(&provider.ignore).unwrap_or(false)
}

/// Shares by traffic over the endpoints for which `used` is true. If only one is used, its traffic does not matter.
fn by_traffic(
    population: &[&Judged],
    usable: &[Usable],
    used: impl Fn(&Endpoint) -> bool,
) -> Result<Spread, String> {
    let known: Vec<f64> =
        usable.iter().map(|one| if used(one.endpoint) { one.tokens } else { 0.0 }).collect();
    let total: f64 =
        population.iter().filter(|j| used(j.endpoint)).filter_map(|j| j.endpoint.tokens_per_day).sum();
    let sum: f64 = known.iter().sum();
    if population.iter().filter(|j| used(j.endpoint)).count() == 1 {
        let alone: Vec<f64> = usable.iter().map(|one| f64::from(u8::from(used(one.endpoint)))).collect();
        let is_known = alone.contains(&1.0);
        return if is_known {
            Ok(Spread { shares: alone, by_traffic: false })
        } else {
            Err(NO_OWN_COST.to_owned())
        };
    }
    match sum > 0.0 {
        true if sum < SAVING_MIN_TRAFFIC * total => Err(NO_COST.to_owned()),
        true => {
            Ok(Spread { shares: known.into_iter().map(|tokens| tokens / sum).collect(), by_traffic: true })
        }
        false => Err("the traffic by which to distribute the requests is unknown".to_owned()),
    }
}

/// The endpoints with the lowest list price: those that a saving is compared with.
pub(super) fn lowest_list(snapshot: &Snapshot, workload: &str, judged: &[Judged]) -> Vec<Uuid> {
    let usable = usable(&population(judged));
    let (_, lowest) = cheapest_list(snapshot, workload, &usable);
    let shares = lowest.map_or_else(Vec::new, |spread| spread.shares);
    let chosen = usable.iter().zip(shares).filter(|(_, share)| *share > 0.0);
    chosen.map(|(one, _)| one.endpoint.endpoint_id).collect()
}

/// The lowest list price of now for the tokens of the workload: the choice of someone who ignores caching.
fn cheapest_list(snapshot: &Snapshot, workload: &str, usable: &[Usable]) -> (Vec<String>, Option<Spread>) {
    let known = snapshot.workload(workload).filter(|_| workload != TRAFFIC);
    let output = known.map_or(BACKTEST_OUTPUT_SHARE, |one| one.output_tokens() / one.prompt_tokens());
    let prices: Vec<Option<f64>> = usable.iter().map(|one| one.endpoint.list.with_output(output)).collect();
    let Some(lowest) = prices.iter().flatten().copied().min_by(f64::total_cmp) else {
        return (Vec::new(), None);
    };
    let is_lowest = |price: &Option<f64>| price.is_some_and(|price| price <= lowest * (1.0 + EQUAL));
    let count = prices.iter().filter(|price| is_lowest(price)).count() as f64;
    let tags = usable.iter().zip(&prices).filter(|(_, price)| is_lowest(price));
    let tags = tags.map(|(one, _)| one.endpoint.tag.to_string()).collect();
    let share = |price: &Option<f64>| if is_lowest(price) { 1.0 / count } else { 0.0 };
    (tags, Some(Spread { shares: prices.iter().map(share).collect(), by_traffic: false }))
}

fn compared(usable: &[Usable], ours: &Spread, theirs: &Spread) -> Compared {
    let mean = |spread: &Spread| -> f64 {
        usable.iter().zip(&spread.shares).map(|(one, share)| share * one.cost).sum()
    };
    let (own, other) = (mean(ours), mean(theirs));
    let saved = |factor: f64| {
        let saved = 1.0 - own / other * factor;
        if saved.abs() < NO_DIFFERENCE { 0.0 } else { saved }
    };
    let fraction = saved(1.0);
    let reach = reach(usable, (ours, own), (theirs, other));
    let end = |sign: f64| reach.as_ref().ok().map(|reach| saved((sign * reach).exp()));
    let (low, high) = (end(1.0), end(-1.0));
    Compared {
        fraction: Some(fraction),
        low,
        high,
        usd_per_session: Some(fraction * other),
        usd_low: low.map(|low| low * other),
        usd_high: high.map(|high| high * other),
        against_usd: Some(other),
        against: None,
        why: reach.err(),
    }
}

/// Half-width of the interval of the log of `own / other`, from two independent errors of every endpoint, each weighted
/// by its effect on that logarithm, so that what is on both sides cancels out: its price differs from the forecast, and
/// its share of the traffic from that of now.
///
/// `half = 1.6 sqrt(sum p^2 s^2 + t^2 sum v^2)` with `p = cost (a / own - b / other)` for the shares `a` and `b`,
/// `v = a (cost / own - 1) - b (cost / other - 1)` for shares that follow the traffic (0 for fixed ones), `s` the root
/// mean square of the forecast errors, and `t` the scatter of the log of the traffic ([`TRAFFIC_SCATTER`]).
fn reach(usable: &[Usable], ours: (&Spread, f64), theirs: (&Spread, f64)) -> Result<f64, String> {
    let mut squares = 0.0;
    for (at, one) in usable.iter().enumerate() {
        let price = |(spread, mean): (&Spread, f64)| spread.shares[at] * one.cost / mean;
        let traffic = |(spread, mean): (&Spread, f64)| {
            if spread.by_traffic { spread.shares[at] * (one.cost / mean - 1.0) } else { 0.0 }
        };
        squares += (TRAFFIC_SCATTER * (traffic(ours) - traffic(theirs))).powi(2);
        let pull = price(ours) - price(theirs);
        let expected = one.endpoint.expected_cost;
        let half = expected.and_then(|e| e.low.zip(e.high)).map(|(low, high)| (high / low).ln() / 2.0);
        match half.filter(|half| half.is_finite()) {
            Some(half) => squares += (pull * half / EXPECTED_COST_SPREADS).powi(2),
            None if pull.abs() < NEGLIGIBLE => {}
            None => return Err(format!("no interval: too few closing prices of `{}`", one.endpoint.tag)),
        }
    }
    Ok(SAVING_SPREADS * squares.sqrt())
}
