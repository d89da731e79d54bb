//! How the traffic divides: tokens by endpoint and provider over time. A signal, not a measure of quality: one large
//! application can move it.

use super::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
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
    /// Whether its tokens are those of the whole day. Figures over several days use only complete ones.
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
    /// Concentration over the last 7 complete days; null without traffic on them.
    pub concentration: Option<Concentration>,
    /// Providers or endpoints, most tokens first.
    pub shares: Vec<ShareRow>,
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
    /// Mean tokens a day over the last 7 complete days.
    pub tokens_per_day: Option<f64>,
    /// Share of the tokens of the last 7 complete days, 0..1.
    pub share: Option<f64>,
    /// Share of the tokens of up to 7 complete days before them; null if there are none.
    pub share_before: Option<f64>,
    /// Share of each day, in the order of the days; null on days without a reading.
    pub by_day: Vec<Option<f64>>,
}

/// Whose share a row is, with its tokens by day.
type Part<'a> = ((&'a ProviderSlug, Option<(&'a EndpointTraffic, Uuid)>), Vec<Option<i64>>);

impl TrafficShare {
    /// The traffic of a model.
    pub fn model(&self, slug: &ModelSlug, variant: &Variant) -> Option<&ModelTraffic> {
        self.models.iter().find(|model| model.slug == *slug && model.variant == *variant)
    }

    /// The shares of the providers in all traffic.
    pub fn of_providers(&self) -> ShareReport {
        let mut parts: Vec<Part<'_>> = Vec::new();
        for endpoint in self.models.iter().flat_map(|model| &model.endpoints) {
            match parts.iter_mut().find(|((provider, _), _)| **provider == endpoint.provider) {
                Some((_, sums)) => add(sums, &endpoint.tokens),
                None => parts.push(((&endpoint.provider, None), endpoint.tokens.clone())),
            }
        }
        self.report(None, parts, self.jumps.clone())
    }

    /// The shares of the endpoints in the traffic of a model.
    pub fn of_model(&self, model_id: &str, slug: &ModelSlug, variant: &Variant) -> ShareReport {
        let its = self.model(slug, variant).map(|model| model.endpoints.as_slice()).unwrap_or_default();
        let parts = its.iter().map(|e| ((&e.provider, Some((e, e.endpoint_id))), e.tokens.clone()));
        let jumps = self.jumps.iter().filter(|jump| jump.slug == *slug && jump.variant == *variant);
        self.report(Some(model_id.to_owned()), parts.collect(), jumps.cloned().collect())
    }

    fn report(&self, model_id: Option<String>, parts: Vec<Part<'_>>, jumps: Vec<TrafficJump>) -> ShareReport {
        let mut all = vec![None; self.days.len()];
        parts.iter().for_each(|(_, tokens)| add(&mut all, tokens));
        let complete: Vec<usize> = (0..self.days.len()).rev().filter(|at| self.days[*at].complete).collect();
        let (recent, earlier) = complete.split_at(complete.len().min(SHARE_DAYS));
        let earlier = &earlier[..earlier.len().min(SHARE_DAYS)];
        let sum = |tokens: &[Option<i64>], days: &[usize]| -> i64 {
            days.iter().filter_map(|at| tokens.get(*at).copied().flatten()).sum()
        };
        let share = |tokens: &[Option<i64>], days: &[usize]| {
            let of_all = sum(&all, days);
            (of_all > 0).then(|| sum(tokens, days) as f64 / of_all as f64)
        };
        let concentration = Concentration::of(parts.iter().map(|(_, tokens)| sum(tokens, recent)));
        let row = |((provider, endpoint), tokens): Part<'_>| ShareRow {
            provider: provider.clone(),
            tag: endpoint.and_then(|(endpoint, _)| endpoint.tag.clone()),
            endpoint_id: endpoint.map(|(_, id)| id),
            tokens_per_day: (!recent.is_empty()).then(|| sum(&tokens, recent) as f64 / recent.len() as f64),
            share: share(&tokens, recent),
            share_before: share(&tokens, earlier),
            by_day: tokens
                .iter()
                .zip(&all)
                .map(|(own, all)| Some((*own)? as f64 / (*all).filter(|all| *all > 0)? as f64))
                .collect(),
        };
        let mut shares: Vec<ShareRow> = parts.into_iter().map(row).collect();
        let newest = |row: &ShareRow| row.by_day.last().copied().flatten().unwrap_or(0.0);
        shares.sort_by(|a, b| {
            let by_share = b.share.unwrap_or(0.0).total_cmp(&a.share.unwrap_or(0.0));
            let by_name = (&a.provider, &a.tag, a.endpoint_id).cmp(&(&b.provider, &b.tag, b.endpoint_id));
            by_share.then(newest(b).total_cmp(&newest(a))).then(by_name)
        });
        ShareReport { model_id, caution: CAUTION, days: self.days.clone(), concentration, shares, jumps }
    }
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
}
