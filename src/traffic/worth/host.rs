//! What one model's sessions would have cost at one endpoint.

use super::interval::{Change, Pair, Retention, change};
use super::lifetimes::{Lifetime, Lifetimes};
use super::lists::{ListHistory, present};
use super::turns::{ModelTurns, OwnTurn};
use crate::domain::ids::{ProviderSlug, Tag};
use crate::domain::session::{Pricing, TurnTokens};
use crate::snapshot::Endpoint;
use crate::wording::Obstacle;
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// What the same calls would have cost at an endpoint. Amounts are USD over all calls that are priced.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HostCost {
    /// Id of the endpoint.
    pub endpoint_id: Uuid,
    /// Routing name (tag).
    pub tag: Tag,
    /// Base slug of its provider.
    pub provider: ProviderSlug,
    /// Display name, untrusted.
    pub name: String,
    /// Cost with its public caching: the share of the reusable tokens that it finds. Null if its caching is unknown.
    pub usd: Option<f64>,
    /// Cost at the upper end of the 90 % interval of its retention; null if too few days are known.
    pub low: Option<f64>,
    /// Cost at the lower end of that interval.
    pub high: Option<f64>,
    /// Cost if its cache found nothing.
    pub cold: f64,
    /// Cost if its cache found everything that was reusable.
    pub warm: f64,
    /// The calls that it did serve, with the cache hits and writes that it gave them; null if it served none. Hits at
    /// another provider say nothing about it, so there is no such column for the other calls.
    pub own: Option<OwnHits>,
    /// `usd` against what was paid, over the calls with a known price.
    pub against_paid: Option<Change>,
    /// Share of the reusable tokens that it finds, 0..1; null if unknown.
    pub retention: Option<f64>,
    /// The hit rate over these calls that follows, 0..1.
    pub hit_rate: Option<f64>,
    /// Whether its retention is measured against the hit rates of other models.
    pub assumed: bool,
    /// Seconds without use after which its cache loses a prefix, as published; null if unknown.
    pub lifetime_seconds: Option<u64>,
    /// Whether anything is published about how long its cache keeps a prefix.
    pub lifetime_known: bool,
    /// Turns whose pause was longer than that: nothing is found.
    pub expired_turns: usize,
    /// Turns priced at the list prices of their day.
    pub turns_at_prices_of_the_day: usize,
    /// Turns priced at the present list prices, because the record does not cover their day.
    pub turns_at_present_prices: usize,
    /// Turns before the endpoint was offered: it could not have served them, and their cost is only a comparison.
    pub turns_before_it_was_offered: usize,
}

/// The calls that an endpoint did serve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OwnHits {
    /// Number of calls.
    pub calls: usize,
    /// Their cost by list price with the cache hits and writes that the log states, USD.
    pub usd: f64,
    /// The same if everything that was not found was written to the cache, in calls whose log states no writes although
    /// the endpoint bills them; null without such calls. A bill is between the two.
    pub usd_if_written: Option<f64>,
    /// `usd` against what was paid: whether the bill agrees with the list prices.
    pub against_paid: Option<Change>,
    /// `usd_if_written` against what was paid.
    pub against_paid_if_written: Option<Change>,
}

/// What the prices of turns depend on besides the endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Basis<'a> {
    pub lists: &'a ListHistory,
    pub lifetimes: &'a Lifetimes,
    /// The time of the snapshot.
    pub as_of: DateTime<Utc>,
}

/// A turn at an endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Priced {
    /// Cost with nothing and with everything reusable found, USD.
    pub cold: f64,
    pub warm: f64,
    /// Tokens that its cache could find.
    pub reusable: f64,
    pub expired: bool,
    pub of_the_day: bool,
}

impl Priced {
    pub fn at(&self, retention: f64) -> f64 {
        self.cold + retention * (self.warm - self.cold)
    }
}

impl Basis<'_> {
    pub fn lifetime(&self, endpoint: &Endpoint, model: &str, at: DateTime<Utc>) -> Option<&Lifetime> {
        self.lifetimes.of(endpoint.provider.as_str(), model, at)
    }

    /// The list prices at the time of a turn, and whether they are those of its day.
    fn pricing(&self, endpoint: &Endpoint, at: DateTime<Utc>) -> (Pricing, bool) {
        match self.lists.at(endpoint.endpoint_id, at) {
            Some(listed) => (listed.clone(), true),
            None => (present(endpoint), false),
        }
    }

    /// Prices a turn; `None` if no input or output price is listed.
    pub fn priced(&self, endpoint: &Endpoint, model: &str, turn: &OwnTurn<'_>) -> Option<Priced> {
        let at = turn.at(self.as_of);
        let (pricing, of_the_day) = self.pricing(endpoint, at);
        let fact = self.lifetime(endpoint, model, at);
        let ttl = turn.cache_ttl();
        let lost = fact.and_then(|fact| fact.lost_after(ttl));
        let expired = lost.zip(turn.pause).is_some_and(|(lost, pause)| pause > lost as f64);
        let too_short =
            fact.and_then(|fact| fact.min_tokens).is_some_and(|least| turn.reusable < least as f64);
        let reusable = if expired || too_short { 0.0 } else { turn.reusable };
        let cost = |found: f64| {
            let tokens =
                TurnTokens { prompt: turn.prompt, found, output: turn.output, ..TurnTokens::default() };
            let cost = pricing.turn_cost(&tokens.writing_the_rest(ttl), endpoint.cost_basis.efficiency, at);
            cost.map(|cost| cost.total())
        };
        Some(Priced { cold: cost(0.0)?, warm: cost(reusable)?, reusable, expired, of_the_day })
    }

    /// The list cost of a turn with the hits and writes that the log states.
    pub fn as_logged(&self, endpoint: &Endpoint, turn: &OwnTurn<'_>) -> Option<f64> {
        self.logged(endpoint, turn).map(|(usd, _)| usd)
    }

    /// The same, and what it would be if the rest was written; equal if the log states the writes.
    fn logged(&self, endpoint: &Endpoint, turn: &OwnTurn<'_>) -> Option<(f64, f64)> {
        let at = turn.at(self.as_of);
        let tokens = TurnTokens {
            prompt: turn.prompt,
            found: turn.read,
            written: turn.written,
            written_1h: turn.written_1h,
            output: turn.output,
        };
        let (pricing, _) = self.pricing(endpoint, at);
        let cost = |tokens: &TurnTokens| pricing.turn_cost(tokens, 1.0, at).map(|cost| cost.total());
        let usd = cost(&tokens)?;
        let written = match turn.states_writes() {
            true => usd,
            false => cost(&tokens.writing_the_rest(turn.cache_ttl()))?,
        };
        Some((usd, written))
    }

    /// Prices all turns of a model at an endpoint.
    ///
    /// # Errors
    /// Why the endpoint is not priced, in words.
    pub fn host(&self, of: &ModelTurns<'_>, endpoint: &Endpoint) -> Result<HostCost, String> {
        if let Some(why) = self.cannot_serve(of, endpoint) {
            return Err(why);
        }
        let model = of.model.model_id.as_str();
        let basis = &endpoint.cost_basis;
        let mut sum = Sum::default();
        let (mut pairs, mut own, mut own_if_written) = (Vec::new(), Vec::new(), Vec::new());
        for session in &of.sessions {
            let (mut pair, mut logged, mut written) = (Pair::default(), Pair::default(), Pair::default());
            for turn in &session.turns {
                let priced =
                    self.priced(endpoint, model, turn).ok_or_else(|| Obstacle::NoFixedPrice.to_string())?;
                sum.add(turn, &priced, turn.at(self.as_of) < endpoint.since());
                if let Some(paid) = turn.paid() {
                    pair.calls += 1;
                    pair.cold += priced.cold;
                    pair.warm += priced.warm;
                    pair.other += paid;
                }
                // Without a count of hits, what the call should have cost is unknown.
                let served = turn.call.tokens.read.is_some() && turn.served_by(endpoint);
                if let Some((usd, usd_if_written)) = self.logged(endpoint, turn).filter(|_| served) {
                    sum.own_calls += 1;
                    sum.own_usd += usd;
                    sum.own_usd_if_written += usd_if_written;
                    if let Some(paid) = turn.paid() {
                        logged.add(usd, paid);
                        written.add(usd_if_written, paid);
                    }
                }
            }
            pairs.push(pair);
            own.push(logged);
            own_if_written.push(written);
        }
        let at = |q: f64| sum.cold + q * (sum.warm - sum.cold);
        let ends = basis.retention_low.zip(basis.retention_high);
        let (low, high) = ends.map(|(a, b)| (at(a).min(at(b)), at(a).max(at(b)))).unzip();
        let now = self.lifetime(endpoint, model, self.as_of);
        let retention = basis.retention.map(|mean| Retention { mean, ends });
        let writes_matter = sum.own_usd_if_written > sum.own_usd;
        let own = OwnHits {
            calls: sum.own_calls,
            usd: sum.own_usd,
            usd_if_written: writes_matter.then_some(sum.own_usd_if_written),
            against_paid: change(&own, Retention::EXACT),
            against_paid_if_written: change(&own_if_written, Retention::EXACT).filter(|_| writes_matter),
        };
        Ok(HostCost {
            endpoint_id: endpoint.endpoint_id,
            tag: endpoint.tag.clone(),
            provider: endpoint.provider.clone(),
            name: endpoint.name.clone(),
            usd: basis.retention.map(at),
            low,
            high,
            cold: sum.cold,
            warm: sum.warm,
            own: (own.calls > 0).then_some(own),
            against_paid: retention.and_then(|retention| change(&pairs, retention)),
            retention: basis.retention,
            hit_rate: basis.retention.filter(|_| sum.prompt > 0.0).map(|q| q * sum.reusable / sum.prompt),
            assumed: basis.reference_basis.is_some_and(|basis| basis.is_assumed()),
            lifetime_seconds: now.and_then(|fact| fact.lost_seconds),
            lifetime_known: now.is_some(),
            expired_turns: sum.expired,
            turns_at_prices_of_the_day: sum.of_the_day,
            turns_at_present_prices: sum.turns - sum.of_the_day,
            turns_before_it_was_offered: sum.too_early,
        })
    }

    /// Why an endpoint could not have served the calls.
    fn cannot_serve(&self, of: &ModelTurns<'_>, endpoint: &Endpoint) -> Option<String> {
        let facts = &endpoint.facts;
        let pricing = present(endpoint);
        let tools = of.tool_calls();
        let lists_parameters = !facts.parameters.is_empty();
        if pricing.is_free() {
            Some(Obstacle::Free.to_string())
        } else if let Some(date) = endpoint.ended_by(self.as_of) {
            Some(Obstacle::Deprecated(date).to_string())
        } else if let Some(short) = of.room().lacking(facts.context_length, facts.max_prompt_tokens) {
            Some(Obstacle::TooShort(short).to_string())
        } else if tools > 0 && lists_parameters && !facts.parameters.iter().any(|name| name == "tools") {
            Some(format!("does not support tools, and {tools} of your answers call tools"))
        } else {
            let restricted = endpoint.is_flagged(crate::domain::flag::FlagKind::Restricted);
            restricted.then(|| endpoint.why_closed().unwrap_or("not publicly available").to_owned())
        }
    }
}

/// Sums over the turns.
#[derive(Default)]
struct Sum {
    turns: usize,
    cold: f64,
    warm: f64,
    prompt: f64,
    reusable: f64,
    expired: usize,
    of_the_day: usize,
    too_early: usize,
    own_calls: usize,
    own_usd: f64,
    own_usd_if_written: f64,
}

impl Sum {
    fn add(&mut self, turn: &OwnTurn<'_>, priced: &Priced, too_early: bool) {
        self.turns += 1;
        self.cold += priced.cold;
        self.warm += priced.warm;
        self.prompt += turn.prompt;
        self.reusable += priced.reusable;
        self.expired += usize::from(priced.expired);
        self.of_the_day += usize::from(priced.of_the_day);
        self.too_early += usize::from(too_early);
    }
}
