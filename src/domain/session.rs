//! The cost of a session at an endpoint (method 4): the single pricing function for tier lists, verdicts, the command
//! line, the API and the pages.

use super::endpoint::{PriceTier, Prices};
use super::thresholds::{IMPOSSIBLE_PRICE_ABOVE, IMPOSSIBLE_PRICE_BELOW, MOST_RESENDS};
use super::workload::{CacheTtl, Workload};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The list prices of an endpoint, USD per million tokens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pricing {
    /// Prompt tokens.
    pub input: Option<f64>,
    /// Completion tokens.
    pub output: Option<f64>,
    /// Prompt tokens found in the cache.
    pub cache_read: Option<f64>,
    /// Prompt tokens written to the cache.
    pub cache_write: Option<f64>,
    /// Prompt tokens written to the cache for an hour.
    pub cache_write_1h: Option<f64>,
    /// Whether writes are billed; writes kept for an hour are billed whenever a price for them is listed.
    pub billed_writes: bool,
    /// Conditional prices; later entries override earlier ones key by key.
    pub tiers: Vec<PriceTier>,
}

/// Source of a model's reference hit rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceBasis {
    /// The model's own endpoints.
    Model,
    /// Assumed: the endpoints of the model's author.
    Author,
    /// Assumed: all endpoints.
    All,
}

impl ReferenceBasis {
    /// Whether the reference is borrowed from other models.
    pub fn is_assumed(self) -> bool {
        self != Self::Model
    }
}

/// The observed caching of an endpoint over the lens window. Together with its list prices, this is sufficient to price
/// any workload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CostBasis {
    /// Share of the reusable prefix that is found in the cache, 0..1: hit rate (among the prompts that use the cache, if
    /// that is known) divided by `reference`, at most 1; null if no hit rate is known.
    pub retention: Option<f64>,
    /// Lower end of the 90 % interval of a day's retention; null if too few days are known.
    pub retention_low: Option<f64>,
    /// Upper end of that interval.
    pub retention_high: Option<f64>,
    /// The hit rate that counts as full retention, 0..1.
    pub reference: Option<f64>,
    /// Which hit rates the reference is a quantile of: `author` and `all` are assumptions.
    pub reference_basis: Option<ReferenceBasis>,
    /// Share of the listed discount that is applied to a hit, 0..1; 1 if it cannot be separated from billed writes or
    /// price tiers, or if nothing contradicts the list.
    pub efficiency: f64,
    /// Share of requests that succeed, not counting rate-limited ones, 0..1; null if not published.
    pub uptime: Option<f64>,
    /// The same with rate-limited requests counted as failures; null if not published.
    pub availability: Option<f64>,
}

impl Default for CostBasis {
    /// No observations: no retention, full efficiency.
    fn default() -> Self {
        Self {
            retention: None,
            retention_low: None,
            retention_high: None,
            reference: None,
            reference_basis: None,
            efficiency: 1.0,
            uptime: None,
            availability: None,
        }
    }
}

impl CostBasis {
    /// The same endpoint with a different retention, 0..1.
    #[must_use]
    pub fn at(&self, retention: f64) -> Self {
        Self { retention: Some(retention), ..self.clone() }
    }

    /// Prompts paid again per successful turn. With an uptime of `u`, errors cause `(1-u)/u`; the rest of the gap to
    /// availability is due to rate-limited requests. At most [`MOST_RESENDS`]; `None` if the workload pays for failures
    /// and neither figure is published.
    pub fn resends(&self, workload: &Workload) -> Option<f64> {
        let paid = workload.failures;
        let odds = |share: f64| (1.0 - share.clamp(1e-9, 1.0)) / share.clamp(1e-9, 1.0);
        let all = self.availability.map(odds);
        let errors = self.uptime.map(odds);
        let refused = all.zip(errors).map(|(all, errors)| (all - errors).max(0.0));
        let paid =
            [(paid.error, errors), (paid.refused, refused)].into_iter().filter(|(weight, _)| *weight > 0.0);
        let published: Vec<f64> = paid.clone().filter_map(|(weight, odds)| Some(weight * odds?)).collect();
        let known = (!published.is_empty() || paid.count() == 0).then(|| published.iter().sum::<f64>());
        known.map(|resends| resends.min(MOST_RESENDS))
    }
}

/// The cost of a session by component, USD.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionCost {
    /// Prompt tokens that are not found in the cache, at the input price.
    pub cold_input: f64,
    /// Prompt tokens that are found in the cache, at the observed cost of a hit.
    pub cached_input: f64,
    /// The surcharge of cache writes over the input price, if writes are billed.
    pub writes: f64,
    /// Completion tokens.
    pub output: f64,
    /// Prompts that are paid again after failures.
    pub failures: f64,
}

impl SessionCost {
    /// The whole session, USD.
    pub fn total(&self) -> f64 {
        self.cold_input + self.cached_input + self.writes + self.output + self.failures
    }
}

/// Prices of one turn.
struct Turn {
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    cache_write_1h: Option<f64>,
}

impl Pricing {
    /// The pricing of an endpoint with these list prices and conditional ones.
    pub fn listed(list: &Prices, tiers: Vec<PriceTier>) -> Self {
        Self {
            input: list.input,
            output: list.output,
            cache_read: list.cache_read,
            cache_write: list.cache_write,
            cache_write_1h: list.cache_write_1h,
            billed_writes: list.cache_write.is_some_and(|price| price > 0.0),
            tiers,
        }
    }

    /// Whether both prices are 0.
    pub fn is_free(&self) -> bool {
        self.input == Some(0.0) && self.output == Some(0.0)
    }

    /// The lowest and the highest list price of a prompt token, USD per million: read, plain or written, at any time
    /// and prompt length. `None` if no input price is listed.
    pub fn input_range(&self) -> Option<(f64, f64)> {
        let plain = [Some(self.input?), self.cache_read, self.cache_write, self.cache_write_1h];
        let conditional = self.tiers.iter().flat_map(|tier| {
            [tier.input, tier.cache_read, tier.cache_write, tier.cache_write_1h]
                .map(|p| p.map(|p| p.to_f64()))
        });
        let prices = plain.into_iter().chain(conditional).flatten();
        Some(prices.fold((f64::INFINITY, 0.0), |(low, high), price| (low.min(price), high.max(price))))
    }

    /// Whether no mix of list prices can explain an effective input price (USD per million). Such a price is flagged,
    /// and no cost uses it. The margins allow for rounding. On a day on which the list price changed, the list at the end
    /// of the day may not explain the price either; see [`Self::are_impossible`].
    pub fn is_impossible(&self, effective_input: f64) -> bool {
        Self::are_impossible([self], effective_input)
    }

    /// The same for a price of a time in which all of these lists were in force.
    pub fn are_impossible<'a>(lists: impl IntoIterator<Item = &'a Self>, effective_input: f64) -> bool {
        let ranges = lists.into_iter().filter_map(Self::input_range);
        let range = ranges.reduce(|(low, high), (lower, higher)| (low.min(lower), high.max(higher)));
        range.is_some_and(|(low, high)| {
            effective_input < IMPOSSIBLE_PRICE_BELOW * low || effective_input > IMPOSSIBLE_PRICE_ABOVE * high
        })
    }

    fn turn(&self, prompt: f64, as_of: DateTime<Utc>) -> Option<Turn> {
        let (mut input, mut output) = (self.input?, self.output?);
        let (mut cache_read, mut cache_write) = (self.cache_read, self.cache_write);
        let mut cache_write_1h = self.cache_write_1h;
        for tier in self.tiers.iter().filter(|tier| holds(tier, prompt, as_of)) {
            input = tier.input.map_or(input, |p| p.to_f64());
            output = tier.output.map_or(output, |p| p.to_f64());
            cache_read = tier.cache_read.map(|p| p.to_f64()).or(cache_read);
            cache_write = tier.cache_write.map(|p| p.to_f64()).or(cache_write);
            cache_write_1h = tier.cache_write_1h.map(|p| p.to_f64()).or(cache_write_1h);
        }
        Some(Turn { input, output, cache_read, cache_write, cache_write_1h })
    }

    /// The price of writing a token in a turn, if writes are billed. The price for an hour applies only if it is listed
    /// separately.
    fn write(&self, turn: &Turn, ttl: CacheTtl) -> Option<f64> {
        let shortest = turn.cache_write.filter(|_| self.billed_writes);
        match ttl {
            CacheTtl::FiveMinutes => shortest,
            CacheTtl::OneHour => turn.cache_write_1h.or(shortest),
        }
    }
}

/// Whether a price tier applies: the prompt is strictly longer than its bound, on its days and within its hours.
fn holds(tier: &PriceTier, prompt: f64, as_of: DateTime<Utc>) -> bool {
    tier.min_prompt_tokens.is_none_or(|bound| prompt > bound as f64) && tier.holds_at(as_of)
}

/// Cost of one session, USD, priced turn by turn; `as_of` determines which time-of-day prices apply.
///
/// A hit costs `input - efficiency * (input - cache_read)`, or the input price if no read price is listed. If writes
/// are billed, tokens that are not found also cost the difference between write price and input price. `None` if the
/// input or output price is not listed, or if the retention is unknown.
pub fn session_cost(
    pricing: &Pricing,
    workload: &Workload,
    basis: &CostBasis,
    as_of: DateTime<Utc>,
) -> Option<SessionCost> {
    let retention = basis.retention?.clamp(0.0, 1.0);
    let efficiency = basis.efficiency.clamp(0.0, 1.0);
    let resends = basis.resends(workload).unwrap_or(0.0);
    let mut cost = SessionCost::default();
    for turn in 1..=workload.turns {
        let prompt = workload.prompt_of_turn(turn);
        let found = retention * workload.reusable_of_turn(turn);
        let tokens = TurnTokens { prompt, found, output: workload.output, ..TurnTokens::default() };
        let tokens = tokens.writing_the_rest(workload.cache_ttl);
        let billed = pricing.billed(&tokens, efficiency, as_of)?;
        cost.cold_input += billed.cold / 1e6;
        cost.cached_input += billed.cached / 1e6;
        cost.writes += billed.writes / 1e6;
        cost.output += billed.output / 1e6;
        cost.failures += resends * (billed.cold + billed.cached + billed.writes) / 1e6;
    }
    Some(cost)
}

/// The tokens of one turn as they are billed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TurnTokens {
    /// Prompt tokens, including those that are found in the cache.
    pub prompt: f64,
    /// Prompt tokens that are found in the cache.
    pub found: f64,
    /// Prompt tokens that are written to the cache for five minutes, or for the host's default lifetime.
    pub written: f64,
    /// Prompt tokens that are written to the cache for an hour.
    pub written_1h: f64,
    /// Completion tokens.
    pub output: f64,
}

impl TurnTokens {
    /// The same turn if everything that is not found is written to the cache.
    #[must_use]
    pub fn writing_the_rest(self, ttl: CacheTtl) -> Self {
        let rest = self.prompt - self.found;
        match ttl {
            CacheTtl::FiveMinutes => Self { written: rest, written_1h: 0.0, ..self },
            CacheTtl::OneHour => Self { written: 0.0, written_1h: rest, ..self },
        }
    }
}

/// Parts of a turn's cost in millionths of a dollar.
struct Billed {
    cold: f64,
    cached: f64,
    writes: f64,
    output: f64,
}

impl Pricing {
    /// The price of a turn, the rule of [`session_cost`].
    fn billed(&self, tokens: &TurnTokens, efficiency: f64, as_of: DateTime<Utc>) -> Option<Billed> {
        let price = self.turn(tokens.prompt, as_of)?;
        let read =
            price.cache_read.map_or(price.input, |read| price.input - efficiency * (price.input - read));
        // A write price below the input price (a storage fee) does not appear in effective prices: method 4.
        let premium = |ttl| self.write(&price, ttl).map_or(0.0, |write: f64| (write - price.input).max(0.0));
        Some(Billed {
            cold: (tokens.prompt - tokens.found) * price.input,
            cached: tokens.found * read,
            writes: tokens.written * premium(CacheTtl::FiveMinutes)
                + tokens.written_1h * premium(CacheTtl::OneHour),
            output: tokens.output * price.output,
        })
    }

    /// Cost of one turn with known tokens, USD, without failures; `as_of` determines which time-of-day prices apply.
    /// `efficiency` is the share of the listed discount that is applied to a hit. `None` if the input or output price is
    /// not listed.
    pub fn turn_cost(
        &self,
        tokens: &TurnTokens,
        efficiency: f64,
        as_of: DateTime<Utc>,
    ) -> Option<SessionCost> {
        let billed = self.billed(tokens, efficiency.clamp(0.0, 1.0), as_of)?;
        Some(SessionCost {
            cold_input: billed.cold / 1e6,
            cached_input: billed.cached / 1e6,
            writes: billed.writes / 1e6,
            output: billed.output / 1e6,
            failures: 0.0,
        })
    }
}

/// A cost at the prices of now is stated beside the usual one if it differs by this fraction or more.
const NOW_DIFFERS_FROM: f64 = 0.01;

/// The cost of a session at the list prices of now, USD, if it differs from the cost at the usual ones by 1 % or more;
/// otherwise `None`, as if either is unknown.
pub fn unusual_now(usual: Option<f64>, now: Option<f64>) -> Option<f64> {
    let (usual, now) = (usual?, now?);
    (now != usual && (now - usual).abs() >= NOW_DIFFERS_FROM * usual.abs()).then_some(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::endpoint::Weekday;
    use crate::domain::units::UsdPerMtok;
    use rust_decimal::Decimal;

    fn noon() -> DateTime<Utc> {
        "2026-07-21T12:00:00Z".parse().expect("a time")
    }

    fn pricing() -> Pricing {
        Pricing { input: Some(1.0), output: Some(4.0), cache_read: Some(0.1), ..Pricing::default() }
    }

    fn priced(pricing: &Pricing, workload: &Workload, retention: f64, efficiency: f64) -> f64 {
        let basis = CostBasis { efficiency, ..CostBasis::default().at(retention) };
        session_cost(pricing, workload, &basis, noon()).expect("priced").total()
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs().max(1.0)
    }

    #[test]
    fn turn_by_turn_is_the_closed_form() {
        for mut workload in Workload::shipped().expect("shipped workloads") {
            for output_cached in [true, false] {
                workload.output_cached = output_cached;
                let (q, eta) = (0.8, 0.5);
                let read = 1.0 - eta * 0.9;
                let found = q * workload.reusable_share();
                let closed =
                    workload.prompt_tokens() * (found * read + 1.0 - found) + workload.output_tokens() * 4.0;
                let cost = priced(&pricing(), &workload, q, eta);
                assert!(close(cost, closed / 1e6), "{} {cost} {closed}", workload.name);
            }
        }
    }

    #[test]
    fn price_tiers_begin_strictly_above_their_bound_and_later_ones_win() {
        let usd = |n: i64| Some(UsdPerMtok(Decimal::from(n)));
        let mut workload = Workload::shipped().expect("shipped workloads").remove(3);
        (workload.turns, workload.first_prompt, workload.new_input, workload.output) = (1, 0.0, 1000.0, 0.0);
        let above =
            |bound, input| PriceTier { min_prompt_tokens: Some(bound), input, ..PriceTier::default() };
        let cost = |tiers| {
            let pricing = Pricing { tiers, ..pricing() };
            priced(&pricing, &workload, 1.0, 1.0) * 1000.0
        };
        assert!(close(cost(vec![above(1000, usd(5))]), 1.0), "not strictly longer");
        assert!(close(cost(vec![above(999, usd(5))]), 5.0));
        assert!(close(cost(vec![above(10, usd(5)), above(20, usd(7)), above(30, None)]), 7.0));
        let night =
            PriceTier { utc_start: Some(2200), utc_end: Some(600), input: usd(9), ..PriceTier::default() };
        assert!(close(cost(vec![night]), 1.0), "noon is not night");
        let tuesdays = |utc_days: &[Weekday]| PriceTier {
            utc_days: utc_days.to_vec(),
            input: usd(9),
            ..PriceTier::default()
        };
        assert!(close(cost(vec![tuesdays(&[Weekday::Tuesday])]), 9.0), "2026-07-21 is a Tuesday");
        assert!(close(cost(vec![tuesdays(&[Weekday::Saturday, Weekday::Sunday])]), 1.0));
        let day =
            PriceTier { utc_start: Some(1200), utc_end: Some(1300), input: usd(9), ..PriceTier::default() };
        assert!(close(cost(vec![day]), 9.0));
    }

    #[test]
    fn billed_writes_replace_the_input_price_of_what_is_not_reused() {
        let workload = Workload::shipped().expect("shipped workloads").remove(3);
        let billed = Pricing { cache_write: Some(1.25), billed_writes: true, ..pricing() };
        let cost = priced(&billed, &workload, 1.0, 1.0);
        assert!(close(cost, (3000.0 * 1.25 + 500.0 * 4.0) / 1e6));
        let kept = Pricing { cache_write: Some(0.06), ..billed.clone() };
        assert!(close(priced(&kept, &workload, 1.0, 1.0), (3000.0 + 500.0 * 4.0) / 1e6), "no discount");
        let unlisted = Pricing { cache_write: None, ..billed };
        let cost = priced(&unlisted, &workload, 1.0, 1.0);
        assert!(close(cost, (3000.0 + 500.0 * 4.0) / 1e6));
        let unpriced = Pricing { output: None, ..unlisted };
        assert_eq!(session_cost(&unpriced, &workload, &CostBasis::default().at(1.0), noon()), None);
    }

    #[test]
    fn failures_pay_the_prompt_again_and_refusals_do_not() {
        let mut workload = Workload::shipped().expect("shipped workloads").remove(3);
        let seen = CostBasis { uptime: Some(0.8), availability: Some(0.5), ..CostBasis::default().at(0.0) };
        let cost = |workload: &Workload, seen: &CostBasis| {
            session_cost(&pricing(), workload, seen, noon()).expect("priced")
        };
        let paid = cost(&workload, &seen);
        assert!(close(paid.failures, 0.25 * 3000.0 / 1e6), "one error for four that succeed: {paid:?}");
        assert!(close(paid.total(), (1.25 * 3000.0 + 500.0 * 4.0) / 1e6));
        workload.failures.refused = 1.0;
        assert!(close(cost(&workload, &seen).failures, 3000.0 / 1e6), "half of the requests fail");
        workload.failures.error = 0.0;
        assert!(close(cost(&workload, &seen).failures, 0.75 * 3000.0 / 1e6));
        let silent = CostBasis { uptime: None, availability: None, ..seen.clone() };
        assert_eq!((cost(&workload, &silent).failures, silent.resends(&workload)), (0.0, None));
        let dead = CostBasis { uptime: Some(0.0), ..seen };
        workload.failures = super::super::workload::Failures::default();
        assert!(close(cost(&workload, &dead).failures, 3000.0 / 1e6), "never more than one");
    }

    #[test]
    fn writes_kept_for_an_hour_have_their_own_price_where_one_is_listed() {
        let mut workload = Workload::shipped().expect("shipped workloads").remove(3);
        (workload.turns, workload.first_prompt, workload.new_input, workload.output) = (1, 0.0, 1000.0, 0.0);
        let cost = |pricing: &Pricing, ttl| {
            priced(pricing, &Workload { cache_ttl: ttl, ..workload.clone() }, 0.0, 1.0) * 1000.0
        };
        let both =
            Pricing { cache_write: Some(1.25), cache_write_1h: Some(2.0), billed_writes: true, ..pricing() };
        assert!(close(cost(&both, CacheTtl::FiveMinutes), 1.25));
        assert!(close(cost(&both, CacheTtl::OneHour), 2.0));
        let short = Pricing { cache_write_1h: None, ..both.clone() };
        assert!(close(cost(&short, CacheTtl::OneHour), 1.25), "the price there is");
        let long = Pricing { cache_write: None, billed_writes: false, ..both.clone() };
        assert!(close(cost(&long, CacheTtl::OneHour), 2.0) && close(cost(&long, CacheTtl::FiveMinutes), 1.0));
        let usd = |n: i64| Some(UsdPerMtok(Decimal::from(n)));
        let tier = PriceTier { min_prompt_tokens: Some(10), cache_write_1h: usd(4), ..PriceTier::default() };
        let tiered = Pricing { tiers: vec![tier], ..both };
        assert!(close(cost(&tiered, CacheTtl::OneHour), 4.0));
        assert!(close(cost(&tiered, CacheTtl::FiveMinutes), 1.25));
    }

    #[test]
    fn without_a_retention_there_is_no_cost() {
        let workload = Workload::shipped().expect("shipped workloads").remove(0);
        assert_eq!(session_cost(&pricing(), &workload, &CostBasis::default(), noon()), None);
    }

    #[test]
    fn a_cost_now_is_stated_if_it_differs_by_a_percent() {
        let stated = |now| unusual_now(Some(0.2), Some(now));
        assert_eq!([0.2, 0.2019, 0.1981].map(stated), [None; 3]);
        assert_eq!([0.203, 0.197, 0.08].map(stated), [0.203, 0.197, 0.08].map(Some));
        assert_eq!((unusual_now(None, Some(0.2)), unusual_now(Some(0.2), None)), (None, None));
        assert_eq!(unusual_now(Some(0.0), Some(0.0)), None, "free before and now");
    }
}
