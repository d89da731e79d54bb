//! How the traffic divides: tokens by endpoint and provider over time. A signal, not a measure of quality: one large
//! application can move it.

use super::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use utoipa::ToSchema;
use uuid::Uuid;

/// Complete days that the present share covers, and those before it that it is compared with.
pub const SHARE_DAYS: usize = 7;

/// What every presentation of shares states.
pub const CAUTION: &str = "Traffic share is not a measure of quality. One large application can move it from one day to the next, \
     and routers send traffic by price and uptime.";

/// Tokens by provider and endpoint over recent days.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficShare {
    /// The UTC days, oldest first.
    pub days: Vec<ShareDay>,
    /// The models with their endpoints, sorted by slug and variant.
    pub models: Vec<ModelTraffic>,
    /// Days on which the traffic of one endpoint jumped, newest first.
    pub jumps: Vec<TrafficJump>,
}

/// A day of the shares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShareDay {
    /// The UTC day.
    pub day: NaiveDate,
    /// Whether its tokens are those of the whole day. Figures over several days use only complete ones, if there are any.
    pub complete: bool,
    /// Tokens over all endpoints.
    pub tokens: i64,
}

/// The tokens of a model by endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ModelTraffic {
    /// Canonical slug.
    pub slug: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// Its endpoints of these days, also those that no longer exist, most tokens first.
    pub endpoints: Vec<EndpointTraffic>,
}

/// The tokens of an endpoint by day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EndpointTraffic {
    /// Key.
    #[schema(value_type = String, format = "uuid")]
    pub endpoint_id: Uuid,
    /// Base slug of its provider.
    pub provider: ProviderSlug,
    /// Routing name; null if the newest run does not have the endpoint.
    pub tag: Option<Tag>,
    /// Tokens of each day, in the order of the days; null on days without a reading.
    pub tokens: Vec<Option<i64>>,
}

/// A day on which the traffic of one endpoint multiplied or collapsed while the rest of its model stayed: likely one
/// customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrafficJump {
    /// The UTC day after the jump.
    pub day: NaiveDate,
    /// Canonical slug of the model.
    pub slug: ModelSlug,
    /// Variant.
    pub variant: Variant,
    /// The endpoint.
    #[schema(value_type = String, format = "uuid")]
    pub endpoint_id: Uuid,
    /// Base slug of its provider.
    pub provider: ProviderSlug,
    /// Routing name; null if the newest run does not have the endpoint.
    pub tag: Option<Tag>,
    /// Tokens of the day before.
    pub before: i64,
    /// Tokens of the day.
    pub after: i64,
    /// The change in usual standard deviations of the endpoint's daily change (of its logarithm).
    pub z: f64,
    /// Tokens of the other endpoints of the model on the day, divided by those of the day before.
    pub others: f64,
}

impl TrafficJump {
    /// How many times as many tokens the larger of the two days has.
    pub fn factor(&self) -> f64 {
        let (before, after) = (self.before.max(1) as f64, self.after.max(1) as f64);
        (after / before).max(before / after)
    }
}

/// How concentrated traffic is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Concentration {
    /// Number of endpoints (of a model) or providers (over all models) with tokens.
    pub with_traffic: usize,
    /// The smallest number of them that have half of the tokens together.
    pub half: usize,
    /// Herfindahl-Hirschman index: the sum of the squared shares, from 1 divided by their number (equal shares) to 1.
    pub hhi: f64,
}

impl Concentration {
    /// The concentration of these tokens; `None` without any.
    pub fn of(tokens: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut tokens: Vec<f64> = tokens.into_iter().filter(|t| *t > 0).map(|t| t as f64).collect();
        tokens.sort_by(|a, b| b.total_cmp(a));
        let all: f64 = tokens.iter().sum();
        if tokens.is_empty() {
            return None;
        }
        let mut sum = 0.0;
        let before_half = tokens.iter().take_while(|one| {
            let is_before = sum < all / 2.0;
            sum += **one;
            is_before
        });
        let half = before_half.count();
        let hhi = tokens.iter().map(|one| (one / all).powi(2)).sum();
        Some(Self { with_traffic: tokens.len(), half, hhi })
    }
}

/// The shares of the providers in all traffic, or of the endpoints in that of a model.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ShareReport {
    /// Public name of the model; null for all models.
    pub model_id: Option<String>,
    /// What the figures do not say.
    pub caution: &'static str,
    /// The UTC days, oldest first. A day that is not complete is left out of the figures over several days.
    pub days: Vec<ShareDay>,
    /// Whether none of the days is complete. The figures over several days then use all of them, each up to its last
    /// reading.
    pub partial: bool,
    /// Concentration over the last 7 complete days; null without traffic on them.
    pub concentration: Option<Concentration>,
    /// Providers or endpoints, most tokens first.
    pub shares: Vec<ShareRow>,
    /// The same by provider, for a model; empty for all models, whose shares are those of providers.
    pub by_provider: Vec<ShareRow>,
    /// Days on which the traffic of one endpoint jumped while the rest of its model stayed, newest first: likely one
    /// customer.
    pub jumps: Vec<TrafficJump>,
}

/// The share of a provider or an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ShareRow {
    /// Base slug of the provider.
    pub provider: ProviderSlug,
    /// Routing name; null for a provider, and for an endpoint that the newest run does not have.
    pub tag: Option<Tag>,
    /// Id of the endpoint; null for a provider.
    #[schema(value_type = Option<String>, format = "uuid")]
    pub endpoint_id: Option<Uuid>,
    /// Mean tokens a day over the last 7 complete days; null if none is complete.
    pub tokens_per_day: Option<f64>,
    /// Share of the tokens of the last 7 complete days, 0..1.
    pub share: Option<f64>,
    /// Share of the tokens of up to 7 complete days before them; null if there are none.
    pub share_before: Option<f64>,
    /// Share of each day, in the order of the days; null on days without a reading.
    pub by_day: Vec<Option<f64>>,
}

/// Whose share a row is, with its tokens by day.
type Part<'a> = ((&'a ProviderSlug, Option<&'a EndpointTraffic>), Vec<Option<i64>>);

impl ShareReport {
    /// The days that the figures over several days may use, oldest first.
    pub fn counted(&self) -> impl Iterator<Item = &ShareDay> {
        self.days.iter().filter(|day| self.counts(day))
    }

    /// Whether the figures over several days may use a day.
    pub fn counts(&self, day: &ShareDay) -> bool {
        self.partial || day.complete
    }
}

impl TrafficShare {
    /// The traffic of a model.
    pub fn model(&self, slug: &ModelSlug, variant: &Variant) -> Option<&ModelTraffic> {
        self.models.iter().find(|model| model.slug == *slug && model.variant == *variant)
    }

    /// The shares of the providers in all traffic.
    pub fn of_providers(&self) -> ShareReport {
        let parts = by_provider(self.models.iter().flat_map(|model| &model.endpoints));
        self.report(None, parts, Vec::new(), self.jumps.clone())
    }

    /// The shares of the endpoints in the traffic of a model.
    pub fn of_model(&self, model_id: &str, slug: &ModelSlug, variant: &Variant) -> ShareReport {
        let its = self.model(slug, variant).map(|model| model.endpoints.as_slice()).unwrap_or_default();
        let parts = its.iter().map(|e| ((&e.provider, Some(e)), e.tokens.clone())).collect();
        let jumps = self.jumps.iter().filter(|jump| jump.slug == *slug && jump.variant == *variant);
        self.report(Some(model_id.to_owned()), parts, by_provider(its), jumps.cloned().collect())
    }

    fn report(
        &self,
        model_id: Option<String>,
        parts: Vec<Part<'_>>,
        providers: Vec<Part<'_>>,
        jumps: Vec<TrafficJump>,
    ) -> ShareReport {
        let mut all = vec![None; self.days.len()];
        parts.iter().for_each(|(_, tokens)| add(&mut all, tokens));
        // Shares of parts of days are still shares; their tokens are not those of a day.
        let partial = self.days.iter().all(|day| !day.complete);
        let counted = |at: &usize| partial || self.days[*at].complete;
        let counted: Vec<usize> = (0..self.days.len()).rev().filter(counted).collect();
        let (recent, earlier) = counted.split_at(counted.len().min(SHARE_DAYS));
        let earlier = &earlier[..earlier.len().min(SHARE_DAYS)];
        let concentration = Concentration::of(parts.iter().map(|(_, tokens)| sum(tokens, recent)));
        let rows = |parts: Vec<Part<'_>>| {
            let mut rows: Vec<ShareRow> =
                parts.into_iter().map(|part| row(part, &all, recent, earlier)).collect();
            rows.iter_mut().filter(|_| partial).for_each(|row| row.tokens_per_day = None);
            rows.sort_by(largest_first);
            rows
        };
        ShareReport {
            model_id,
            caution: CAUTION,
            days: self.days.clone(),
            partial,
            concentration,
            shares: rows(parts),
            by_provider: rows(providers),
            jumps,
        }
    }
}

/// The tokens of these endpoints by provider.
fn by_provider<'a>(endpoints: impl IntoIterator<Item = &'a EndpointTraffic>) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    for endpoint in endpoints {
        match parts.iter_mut().find(|((provider, _), _)| **provider == endpoint.provider) {
            Some((_, sums)) => add(sums, &endpoint.tokens),
            None => parts.push(((&endpoint.provider, None), endpoint.tokens.clone())),
        }
    }
    parts
}

fn sum(tokens: &[Option<i64>], days: &[usize]) -> i64 {
    days.iter().filter_map(|at| tokens.get(*at).copied().flatten()).sum()
}

/// The row of a part of `all` tokens: over the recent complete days, those before them, and each day.
fn row(
    ((provider, endpoint), tokens): Part<'_>,
    all: &[Option<i64>],
    recent: &[usize],
    earlier: &[usize],
) -> ShareRow {
    let share = |days: &[usize]| {
        let of_all = sum(all, days);
        (of_all > 0).then(|| sum(&tokens, days) as f64 / of_all as f64)
    };
    let of_day =
        |(own, all): (&Option<i64>, &Option<i64>)| Some((*own)? as f64 / all.filter(|all| *all > 0)? as f64);
    ShareRow {
        provider: provider.clone(),
        tag: endpoint.and_then(|endpoint| endpoint.tag.clone()),
        endpoint_id: endpoint.map(|endpoint| endpoint.endpoint_id),
        tokens_per_day: (!recent.is_empty()).then(|| sum(&tokens, recent) as f64 / recent.len() as f64),
        share: share(recent),
        share_before: share(earlier),
        by_day: tokens.iter().zip(all).map(of_day).collect(),
    }
}

/// By the share of the complete days, then of the newest day, then by name.
fn largest_first(a: &ShareRow, b: &ShareRow) -> Ordering {
    let newest = |row: &ShareRow| row.by_day.last().copied().flatten().unwrap_or(0.0);
    let by_share = b.share.unwrap_or(0.0).total_cmp(&a.share.unwrap_or(0.0));
    let by_name = (&a.provider, &a.tag, a.endpoint_id).cmp(&(&b.provider, &b.tag, b.endpoint_id));
    by_share.then(newest(b).total_cmp(&newest(a))).then(by_name)
}

/// Adds tokens day by day; absent ones add nothing, and a sum of nothing stays absent.
fn add(sums: &mut [Option<i64>], tokens: &[Option<i64>]) {
    for (sum, tokens) in sums.iter_mut().zip(tokens) {
        if let Some(tokens) = tokens {
            *sum = Some(sum.unwrap_or(0).saturating_add(*tokens));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_concentration_is_the_one_worked_out_by_hand() {
        let found = Concentration::of([10, 40, 0, 30, 20]).expect("traffic");
        assert_eq!((found.with_traffic, found.half), (4, 2), "40 is less than half of 100");
        assert!((found.hhi - 0.30).abs() < 1e-12, "0.16 + 0.09 + 0.04 + 0.01");
        assert_eq!(Concentration::of([50, 50]).map(|c| c.half), Some(1));
        assert_eq!(Concentration::of([7]), Some(Concentration { with_traffic: 1, half: 1, hhi: 1.0 }));
        assert_eq!(Concentration::of([0, 0]), None);
    }

    #[test]
    fn without_a_complete_day_the_shares_are_those_of_what_was_read() {
        let day = |day: u32, complete| ShareDay {
            day: NaiveDate::from_ymd_opt(2026, 8, day).expect("a day"),
            complete,
            tokens: 100,
        };
        let endpoint = |provider: &str, tokens: [Option<i64>; 2]| EndpointTraffic {
            endpoint_id: Uuid::from_u128(tokens[1].unwrap_or(0).unsigned_abs().into()),
            provider: ProviderSlug::new(provider),
            tag: None,
            tokens: tokens.to_vec(),
        };
        let endpoints = vec![
            endpoint("a", [Some(70), Some(30)]),
            endpoint("b", [Some(30), Some(50)]),
            endpoint("new", [None, Some(20)]),
        ];
        let model = ModelTraffic { slug: ModelSlug::new("x/y"), variant: Variant::standard(), endpoints };
        let share = |complete: [bool; 2]| TrafficShare {
            days: vec![day(1, complete[0]), day(2, complete[1])],
            models: vec![model.clone()],
            jumps: Vec::new(),
        };
        let rows = |report: &ShareReport| -> Vec<(String, Option<f64>, Option<f64>)> {
            let row = |row: &ShareRow| (row.provider.to_string(), row.share, row.tokens_per_day);
            report.shares.iter().map(row).collect()
        };
        let report = share([false, false]).of_providers();
        let named = |name: &str, share, tokens| (name.to_owned(), Some(share), tokens);
        assert!(report.partial && report.counted().count() == 2);
        let expected = [named("a", 0.5, None), named("b", 0.4, None), named("new", 0.1, None)];
        assert_eq!(rows(&report), expected, "100, 80 and 20 of 200 tokens; tokens a day are not known");
        let report = share([true, false]).of_providers();
        assert!(!report.partial && report.counted().count() == 1);
        let expected =
            [named("a", 0.7, Some(70.0)), named("b", 0.3, Some(30.0)), named("new", 0.0, Some(0.0))];
        assert_eq!(rows(&report), expected, "the running day does not count");
        assert_eq!(
            report.shares.iter().find(|row| row.provider.as_str() == "new").map(|row| row.by_day.clone()),
            Some(vec![None, Some(0.2)])
        );
        let none = TrafficShare::default().of_providers();
        assert_eq!((none.partial, none.concentration, none.shares), (true, None, Vec::new()));
    }
}
