//! The simulated market: providers, models, endpoints, their events, and the true effects behind them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::noise::Noise;
use super::price::{CacheKind, Prices};

/// Standard deviation of the true effects (calibration: `docs/evidence.md`).
pub(super) const THETA_SD: f64 = 0.145;

/// An event of an endpoint or a provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When it began; for a state that lasts the whole span, the start of the span.
    pub at: DateTime<Utc>,
    /// The endpoint concerned; `None` if a whole provider is concerned.
    pub endpoint: Option<Uuid>,
    /// Base slug of the provider.
    pub provider: String,
    /// Kind of event.
    pub kind: EventKind,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// All list prices are multiplied by `factor`, at midnight.
    PriceChange {
        /// New price over old.
        factor: f64,
    },
    /// Uptime below 80 % until `until`: status -5.
    Outage {
        /// End, exclusive.
        until: DateTime<Utc>,
    },
    /// Uptime between 80 and 95 % until `until`: status -2.
    Degraded {
        /// End, exclusive.
        until: DateTime<Utc>,
    },
    /// A read price is listed but never applied.
    Phantom,
    /// Hits are reported, but no read price is listed.
    NoDiscount,
    /// A provider that rejects many requests while its uptime looks good.
    RateLimited,
    /// The endpoint did not exist before this time.
    Appears,
    /// The endpoint does not exist from this time on.
    Disappears,
    /// The routing name changes.
    TagChange {
        /// New tag.
        to: String,
    },
    /// The provider's true effect changes.
    EffectShift {
        /// The change, a fraction.
        by: f64,
    },
    /// The hit rate of the endpoint changes and stays.
    EndpointShift {
        /// The change, a fraction.
        by: f64,
    },
}

/// A company that serves models.
#[derive(Clone, Debug)]
pub(super) struct Provider {
    pub(super) slug: String,
    /// The upstream's internal name: `NimbusForge`.
    pub(super) internal: String,
    pub(super) display: String,
    pub(super) headquarters: &'static str,
    /// True effect on the hit rate, a fraction; meaningless if `cacheless`.
    pub(super) theta: f64,
    /// The time from which the effect is lower, and the change (a negative fraction).
    pub(super) shift: Option<(DateTime<Utc>, f64)>,
    pub(super) cacheless: bool,
    pub(super) bills_writes: bool,
    /// Number of rejected requests as a multiple of the accepted ones.
    pub(super) limited_ratio: f64,
}

impl Provider {
    pub(super) fn theta_at(&self, at: DateTime<Utc>) -> f64 {
        self.theta + self.shift.filter(|(from, _)| at >= *from).map_or(0.0, |(_, by)| by)
    }

    /// The lowest and the highest effect over time.
    pub(super) fn theta_range(&self) -> (f64, f64) {
        let other = self.theta + self.shift.map_or(0.0, |(_, by)| by);
        (self.theta.min(other), self.theta.max(other))
    }
}

/// One set of weights.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// Public name without variant: `mossgrove/curlew-1-mini`.
    pub(super) id: String,
    /// Canonical slug: the id with a date.
    pub(super) canonical: String,
    pub(super) name: String,
    pub(super) created: i64,
    pub(super) context: u32,
    /// True level of the hit rate, a fraction.
    pub(super) alpha: f64,
    /// Typical prompt price, USD per million tokens.
    pub(super) price: f64,
    /// Whether its providers charge more for long prompts.
    pub(super) tiered: bool,
    /// Natural logarithm of the tokens per day of its typical endpoint.
    pub(super) log_tokens: f64,
}

/// One provider's deployment of one model variant.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) id: Uuid,
    pub(super) model: usize,
    pub(super) variant: &'static str,
    pub(super) provider: usize,
    /// Routing names, each with the time from which it is valid; never empty.
    pub(super) tags: Vec<(DateTime<Utc>, String)>,
    pub(super) display: String,
    pub(super) region: Option<&'static str>,
    pub(super) quantization: Option<&'static str>,
    /// List prices, each with the time from which they are valid; never empty.
    pub(super) prices: Vec<(DateTime<Utc>, Prices)>,
    pub(super) kind: CacheKind,
    /// True deviation from model level plus provider effect, a fraction.
    pub(super) effect: f64,
    /// Standard deviation of its slow level changes, a fraction.
    pub(super) spread: f64,
    /// Mean tokens per day.
    pub(super) tokens: f64,
    /// Prompt tokens divided by all tokens.
    pub(super) prompt_share: f64,
    /// Typical share of requests that fail.
    pub(super) error_rate: f64,
    /// Median tokens per second.
    pub(super) throughput: f64,
    /// Median time to first token, ms.
    pub(super) latency: f64,
    pub(super) hides_stats: bool,
    pub(super) alive_from: DateTime<Utc>,
    pub(super) alive_until: DateTime<Utc>,
    /// Whether its model has traffic only on some days.
    pub(super) idle: bool,
    /// The time from which its hit rate is another one, and the change, a fraction.
    pub(super) shift: Option<(DateTime<Utc>, f64)>,
    /// Its noise within the day; `None` for the small default.
    pub(super) within: Option<Within>,
    /// Half-open time spans with the share of requests that fail in them.
    pub(super) incidents: Vec<(DateTime<Utc>, DateTime<Utc>, f64)>,
}

/// The noise of an endpoint's hit rate within the day, and whether its level is steady from day to day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within {
    /// Standard deviation over the hours of a day, a fraction.
    pub(super) deviation: f64,
    pub(super) is_steady: bool,
}

impl Endpoint {
    pub(super) fn alive(&self, at: DateTime<Utc>) -> bool {
        self.alive_from <= at && at < self.alive_until
    }

    pub(super) fn tag(&self, at: DateTime<Utc>) -> &str {
        let index = self.tags.partition_point(|(from, _)| *from <= at).max(1) - 1;
        &self.tags[index].1
    }

    /// Index of the price sheet that is valid at a time.
    pub(super) fn price_step(&self, at: DateTime<Utc>) -> usize {
        self.prices.partition_point(|(from, _)| *from <= at).max(1) - 1
    }

    pub(super) fn price(&self, at: DateTime<Utc>) -> &Prices {
        &self.prices[self.price_step(at)].1
    }

    /// Whether effective prices are published as 0, as for free and batch variants.
    pub(super) fn unpriced(&self) -> bool {
        matches!(self.variant, "free" | "batch")
    }
}

/// A model variant as `/models` lists it.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) model: usize,
    pub(super) variant: &'static str,
    /// Indices of its endpoints; empty for a variant that no provider serves any more.
    pub(super) endpoints: Vec<usize>,
}

/// The complete truth.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) noise: Noise,
    pub(super) providers: Vec<Provider>,
    pub(super) models: Vec<Model>,
    pub(super) endpoints: Vec<Endpoint>,
    pub(super) pairs: Vec<Pair>,
    pub(super) events: Vec<Event>,
}

impl World {
    /// The true mean hit rate of an endpoint at a time: level plus effects, without noise.
    pub(super) fn mean_hit_rate(&self, endpoint: &Endpoint, at: DateTime<Utc>) -> f64 {
        if endpoint.kind == CacheKind::None {
            return 0.0;
        }
        let shifted = endpoint.shift.filter(|(from, _)| at >= *from).map_or(0.0, |(_, by)| by);
        self.models[endpoint.model].alpha
            + self.providers[endpoint.provider].theta_at(at)
            + endpoint.effect
            + shifted
    }
}
