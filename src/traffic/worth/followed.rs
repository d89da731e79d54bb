//! What the user's sessions would have cost at the hosts that hitrate recommended, day by day.
//!
//! A call on a day is sent to what was recommended at the end of an earlier day, and pays the list price and the hit rate
//! of its own day: neither was known when the recommendation was made.

use super::host::Basis;
use super::interval::{Change, Pair, Retention, change};
use super::lifetimes::Lifetimes;
use super::record::{FOLLOWED_DAYS, Record};
use super::turns::{ModelTurns, OwnTurn, OwnTurns};
use crate::snapshot::{Endpoint, ModelEntry, Snapshot};
use crate::store::OwnCall;
use chrono::{Days, NaiveDate};
use serde::Serialize;

/// What following the recommendations would have cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Followed {
    /// Share of the prompt tokens of all priced calls for which the cost is known, 0..1; null without any call.
    pub covered_share: Option<f64>,
    /// Against what was paid, over covered calls with a known price.
    pub against_paid: Compared,
    /// Against the endpoint with the lowest list price on the day of each call, over covered calls at which that one is
    /// known.
    pub against_cheapest_list: Compared,
    /// By model.
    pub models: Vec<ModelFollowed>,
    /// Caveats, in sentences.
    pub notes: Vec<String>,
}

/// A comparison; null if no call can be compared.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Compared {
    /// The costs and the difference.
    pub change: Option<Change>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelFollowed {
    /// Public name of the model.
    pub model_id: String,
    /// Calls for which the cost of following is known.
    pub covered_calls: usize,
    /// Calls without a recommendation of the days before.
    pub without_recommendation: usize,
    /// Calls of days before which the recommendation was withheld: the advice was to stay.
    pub withheld: usize,
    /// Calls at whose recommended hosts the rate or price of the day is unknown, or which they could not serve.
    pub without_rate: usize,
    /// Against what was paid.
    pub against_paid: Compared,
    /// Against the endpoint with the lowest list price on the day.
    pub against_cheapest_list: Compared,
}

/// Sums of one model.
#[derive(Default)]
struct Count {
    covered: usize,
    covered_tokens: f64,
    tokens: f64,
    without_recommendation: usize,
    withheld: usize,
    without_rate: usize,
    paid: Vec<Pair>,
    list: Vec<Pair>,
}

/// Prices calls at the recommended hosts of their days.
pub fn followed(calls: &[OwnCall], snapshot: &Snapshot, record: &Record, lifetimes: &Lifetimes) -> Followed {
    let turns = OwnTurns::of(calls, snapshot);
    let basis = Basis { lists: &record.lists, lifetimes, as_of: snapshot.as_of };
    let counts: Vec<(&ModelTurns<'_>, Count)> =
        turns.models.iter().map(|of| (of, count(of, record, &basis))).collect();
    let all = |pick: fn(&Count) -> &Vec<Pair>| -> Compared {
        let pairs: Vec<Pair> = counts.iter().flat_map(|(_, count)| pick(count)).copied().collect();
        compared(&pairs)
    };
    let tokens: f64 = counts.iter().map(|(_, count)| count.tokens).sum();
    let covered: f64 = counts.iter().map(|(_, count)| count.covered_tokens).sum();
    let models = counts.iter().map(|(of, count)| ModelFollowed {
        model_id: of.model.model_id.clone(),
        covered_calls: count.covered,
        without_recommendation: count.without_recommendation,
        withheld: count.withheld,
        without_rate: count.without_rate,
        against_paid: compared(&count.paid),
        against_cheapest_list: compared(&count.list),
    });
    Followed {
        covered_share: (tokens > 0.0).then(|| covered / tokens),
        against_paid: all(|count| &count.paid),
        against_cheapest_list: all(|count| &count.list),
        models: models.collect(),
        notes: notes(record, tokens > 0.0, covered > 0.0),
    }
}

fn compared(pairs: &[Pair]) -> Compared {
    Compared { change: change(pairs, Retention::EXACT) }
}

fn notes(record: &Record, has_calls: bool, is_covered: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(why) = &record.unread {
        notes.push(format!("the record of recommendations was not read: {why}"));
    } else if has_calls && !is_covered {
        notes.push("the record has no recommendation for the days and models of these calls".to_owned());
    }
    if is_covered {
        notes.push(
            "a call is sent to what was recommended at the end of one of the two days before; it pays the price and the hit rate of its \
             own day"
                .to_owned(),
        );
    }
    notes
}

fn count(of: &ModelTurns<'_>, record: &Record, basis: &Basis<'_>) -> Count {
    let mut count = Count::default();
    let output: f64 = of.turns().map(|turn| turn.output).sum();
    let prompt: f64 = of.turns().map(|turn| turn.prompt).sum();
    let share = if prompt > 0.0 { output / prompt } else { 0.0 };
    let day = Day { model: of.model, record, basis, output_share: share };
    for session in &of.sessions {
        let (mut paid, mut list) = (Pair::default(), Pair::default());
        for turn in &session.turns {
            count.tokens += turn.prompt;
            match day.recommended(turn) {
                None => count.without_recommendation += 1,
                Some([]) => count.withheld += 1,
                Some(tags) => match day.at_tags(tags, turn) {
                    None => count.without_rate += 1,
                    Some(usd) => {
                        count.covered += 1;
                        count.covered_tokens += turn.prompt;
                        add(&mut paid, usd, turn.paid());
                        add(&mut list, usd, day.at_lowest_list(turn));
                    }
                },
            }
        }
        count.paid.push(paid);
        count.list.push(list);
    }
    count
}

fn add(pair: &mut Pair, usd: f64, other: Option<f64>) {
    if let Some(other) = other {
        pair.add(usd, other);
    }
}

/// The costs of one model's turns on their days.
struct Day<'a> {
    model: &'a ModelEntry,
    record: &'a Record,
    basis: &'a Basis<'a>,
    /// Output tokens a prompt token of the user's calls.
    output_share: f64,
}

impl Day<'_> {
    /// The newest recommendation of the days before a turn; `None` if there is none or the time of the turn is unknown.
    fn recommended(&self, turn: &OwnTurn<'_>) -> Option<&[String]> {
        let day = turn.call.at?.date_naive();
        let days = self.record.recommended.get(&(self.model.slug.clone(), self.model.variant.clone()))?;
        let first = day.checked_sub_days(Days::new(FOLLOWED_DAYS))?;
        days.range(first..day).next_back().map(|(_, tags)| tags.as_slice())
    }

    /// The cost at the named endpoints, by their tokens of the day: the router spreads the requests over them. With equal
    /// weights if none has tokens.
    fn at_tags(&self, tags: &[String], turn: &OwnTurn<'_>) -> Option<f64> {
        let named = self.model.endpoints.iter().filter(|one| tags.iter().any(|tag| tag == one.tag.as_str()));
        let costs: Vec<(f64, f64)> = named.filter_map(|endpoint| self.at(endpoint, turn)).collect();
        let tokens: f64 = costs.iter().map(|(_, tokens)| tokens).sum();
        let weight = |of: f64| if tokens > 0.0 { of } else { 1.0 };
        let sum: f64 = costs.iter().map(|(usd, of)| usd * weight(*of)).sum();
        let weights: f64 = costs.iter().map(|(_, of)| weight(*of)).sum();
        (weights > 0.0).then(|| sum / weights)
    }

    /// The cost at the endpoint with the lowest list price on the day of the turn; the mean of equal ones.
    fn at_lowest_list(&self, turn: &OwnTurn<'_>) -> Option<f64> {
        let at = turn.call.at?;
        let listed = |endpoint: &Endpoint| {
            let pricing = self.basis.lists.at(endpoint.endpoint_id, at);
            let (input, output) = match pricing {
                Some(pricing) => (pricing.input?, pricing.output?),
                None => (endpoint.list.input?, endpoint.list.output?),
            };
            let price = input + self.output_share * output;
            (price > 0.0).then_some(price)
        };
        let open = self.model.endpoints.iter().filter(|endpoint| self.serves(endpoint, turn));
        let prices: Vec<(f64, &Endpoint)> = open.filter_map(|one| Some((listed(one)?, one))).collect();
        let lowest = prices.iter().map(|(price, _)| *price).min_by(f64::total_cmp)?;
        let costs: Vec<f64> = prices
            .iter()
            .filter(|(price, _)| *price <= lowest)
            .filter_map(|(_, endpoint)| self.at(endpoint, turn).map(|(usd, _)| usd))
            .collect();
        (!costs.is_empty()).then(|| costs.iter().sum::<f64>() / costs.len() as f64)
    }

    /// The cost of a turn at an endpoint with the hit rate of its day, and the tokens of the endpoint on that day.
    fn at(&self, endpoint: &Endpoint, turn: &OwnTurn<'_>) -> Option<(f64, f64)> {
        let day: NaiveDate = turn.call.at?.date_naive();
        let rate = self.record.rates.get(&(endpoint.endpoint_id, day))?;
        let reference = endpoint.cost_basis.reference.filter(|reference| *reference > 0.0)?;
        let retention = (rate.hit_rate / reference).clamp(0.0, 1.0);
        let priced = self
            .basis
            .priced(endpoint, &self.model.model_id, turn)
            .filter(|_| self.serves(endpoint, turn))?;
        Some((priced.at(retention), rate.tokens))
    }

    fn serves(&self, endpoint: &Endpoint, turn: &OwnTurn<'_>) -> bool {
        let room = crate::domain::workload::Room::new(turn.prompt, turn.prompt + turn.output);
        !endpoint.is_too_short(room)
    }
}
