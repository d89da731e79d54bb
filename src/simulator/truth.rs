//! The truth: what an estimate from the published bodies must find.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use uuid::Uuid;

use super::price::CacheKind;
use super::traffic::{Counters, day_deviation, full_hour};
use super::world::Event;
use super::{Simulator, bodies, cache, world};
use crate::domain::window::midnight;

/// The truth of one provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderTruth {
    /// Base slug.
    pub slug: String,
    /// Effect on the hit rate at the start of the span, a fraction; `None` if the provider has no cache product.
    /// Only differences between effects can be estimated: centre both sides before comparing.
    pub theta: Option<f64>,
}

/// The truth of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelTruth {
    /// Public id without variant.
    pub id: String,
    /// Canonical slug.
    pub canonical: String,
    /// Level of the hit rate, a fraction.
    pub alpha: f64,
}

/// The truth of one endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointTruth {
    /// Upstream id.
    pub id: Uuid,
    /// Canonical slug of its model.
    pub model: String,
    /// `standard`, `free`, `batch` or `thinking`.
    pub variant: &'static str,
    /// Base slug of its provider.
    pub provider: String,
    /// How it caches and bills.
    pub kind: CacheKind,
    /// Deviation from model level plus provider effect, a fraction.
    pub effect: f64,
    /// Mean tokens per day.
    pub tokens_per_day: f64,
}

/// A view of a simulator's truth.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'a> {
    pub(super) simulator: &'a Simulator,
}

impl Truth<'_> {
    /// All providers, in the world's order.
    pub fn providers(&self) -> Vec<ProviderTruth> {
        let world = &self.simulator.world;
        let truth = |p: &world::Provider| ProviderTruth {
            slug: p.slug.clone(),
            theta: (!p.cacheless).then_some(p.theta),
        };
        world.providers.iter().map(truth).collect()
    }

    /// All models, in the world's order.
    pub fn models(&self) -> Vec<ModelTruth> {
        let truth = |m: &world::Model| ModelTruth {
            id: m.id.clone(),
            canonical: m.canonical.clone(),
            alpha: m.alpha,
        };
        self.simulator.world.models.iter().map(truth).collect()
    }

    /// All endpoints that ever exist, in the world's order.
    pub fn endpoints(&self) -> Vec<EndpointTruth> {
        let world = &self.simulator.world;
        let truth = |e: &world::Endpoint| EndpointTruth {
            id: e.id,
            model: world.models[e.model].canonical.clone(),
            variant: e.variant,
            provider: world.providers[e.provider].slug.clone(),
            kind: e.kind,
            effect: e.effect,
            tokens_per_day: e.tokens,
        };
        world.endpoints.iter().map(truth).collect()
    }

    /// The events, sorted by time.
    pub fn events(&self) -> &[Event] {
        &self.simulator.world.events
    }

    /// A provider's effect at the start of the span, a fraction; `None` if it is unknown or has no cache product.
    pub fn theta(&self, provider: &str) -> Option<f64> {
        self.theta_at(provider, DateTime::<Utc>::MIN_UTC)
    }

    /// A provider's effect at a time, a fraction; `None` if it is unknown or has no cache product.
    pub fn theta_at(&self, provider: &str, at: DateTime<Utc>) -> Option<f64> {
        let found = self.simulator.world.providers.iter().find(|p| p.slug == provider)?;
        (!found.cacheless).then(|| found.theta_at(at))
    }

    /// The mean hit rate of an endpoint at a time, a fraction, without the noise of days and hours;
    /// `None` if the endpoint is unknown.
    pub fn mean_hit_rate(&self, endpoint: Uuid, at: DateTime<Utc>) -> Option<f64> {
        let index = self.index(endpoint)?;
        let world = &self.simulator.world;
        Some(world.mean_hit_rate(&world.endpoints[index], at))
    }

    /// The level of an endpoint's hit rate on a UTC day, a fraction: the mean with the slow changes and odd days, without
    /// the noise within the day. `None` if the endpoint is unknown.
    pub fn day_level(&self, endpoint: Uuid, day: NaiveDate) -> Option<f64> {
        let index = self.index(endpoint)?;
        let world = &self.simulator.world;
        let number = i64::from(day.to_epoch_days());
        let deviation = day_deviation(world.noise, &world.endpoints[index], index as i64, number);
        Some(self.mean_hit_rate(endpoint, midnight(day) + Duration::hours(12))? + deviation)
    }

    /// The hit rate of an endpoint in the clock hour that contains `hour`, a fraction; `None` without traffic.
    pub fn true_hourly_hit_rate(&self, endpoint: Uuid, hour: DateTime<Utc>) -> Option<f64> {
        let from = full_hour(hour);
        self.counters(endpoint, from, from + Duration::hours(1))?.hit_rate()
    }

    /// The hit rate of an endpoint over a UTC day, a fraction; `None` without traffic.
    pub fn true_day_hit_rate(&self, endpoint: Uuid, day: NaiveDate) -> Option<f64> {
        let from = midnight(day);
        self.counters(endpoint, from, from + Duration::days(1))?.hit_rate()
    }

    /// The window of a model's usage body when it is served at a time: from the midnight of the body's UTC day to the
    /// moment it was computed. `None` if the model is unknown or the body is empty. Meaningless before the window
    /// switch. `model` is the canonical slug.
    pub fn usage_window(
        &self,
        model: &str,
        variant: &str,
        at: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let world = &self.simulator.world;
        let named =
            |pair: &&world::Pair| pair.variant == variant && world.models[pair.model].canonical == model;
        let window = cache::window(self.simulator, world.pairs.iter().find(named)?, at)?;
        Some((window.from, window.to))
    }

    /// Effective input and output price of an endpoint from a UTC midnight to a later moment of that day, in USD per
    /// million tokens, as in the body of the day at that moment; `None` without traffic.
    pub fn effective_prices(
        &self,
        endpoint: Uuid,
        midnight: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Option<(f64, f64)> {
        let paid = bodies::paid_in_day(self.simulator, self.index(endpoint)?, midnight, to)?;
        Some((paid.input, paid.output))
    }

    /// Canonical slugs of the models that have traffic only on some days.
    pub fn idle_models(&self) -> Vec<String> {
        let world = &self.simulator.world;
        let idle = |index: usize| world.endpoints.iter().any(|e| e.model == index && e.idle);
        let models = world.models.iter().enumerate().filter(|(index, _)| idle(*index));
        models.map(|(_, model)| model.canonical.clone()).collect()
    }

    /// The counters of an endpoint in `[from, to)`; `None` if it is unknown.
    pub fn counters(&self, endpoint: Uuid, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Counters> {
        let index = self.index(endpoint)?;
        Some(self.simulator.book.between(&self.simulator.world, index, from, to))
    }

    fn index(&self, endpoint: Uuid) -> Option<usize> {
        self.simulator.by_uuid.get(&endpoint).copied()
    }
}
