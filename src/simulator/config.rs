//! The configuration of the simulator and its errors.

use std::net::SocketAddr;

use chrono::{DateTime, Duration, TimeZone, Utc};

/// Errors of [`Simulator::new`](super::Simulator::new) and [`serve`](super::serve).
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum SimulatorError {
    /// The requested world cannot be built.
    #[error("simulator configuration: {0}")]
    Config(String),
    /// The simulator listens on loopback only.
    #[error("the simulator listens on loopback only, not on {0}; use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The socket could not be opened.
    #[error("the simulator cannot listen on {listen}: {source}; choose a free port, or port 0")]
    Listen { listen: SocketAddr, source: std::io::Error },
    /// The server's task failed.
    #[error("the simulator's server stopped with an error: {0}")]
    Serve(String),
}

/// Timing of the real upstream: it caches its responses, and a sweep takes minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Habits {
    /// Maximum age of a usage body (`effective-pricing` and the comparison series) during the day. Zero: every body is
    /// computed when it is served.
    pub usage_cache: Duration,
    /// Usage bodies switch to the new day one by one in the 20 minutes after midnight UTC. Until then, a body is
    /// yesterday's.
    pub slow_midnight: bool,
    /// Number of standard models with traffic on about one day in three. On the other days their usage body is that of
    /// the last day with traffic. At most a quarter of all models.
    pub idle_models: usize,
    /// Simulated duration of a sweep of three documents per model. Zero: the clock does not advance.
    pub sweep: Duration,
    /// Endpoint lists contain percentiles of latency and throughput, which the upstream shows to callers with an API
    /// key.
    pub percentiles: bool,
}

impl Habits {
    /// Bodies switch to the new day slowly after midnight; otherwise the upstream computes every response when it is
    /// requested. This is the default: a test then reads exactly what the simulator counted up to that moment.
    pub fn exact() -> Self {
        Self {
            usage_cache: Duration::zero(),
            slow_midnight: true,
            idle_models: 0,
            sweep: Duration::zero(),
            percentiles: false,
        }
    }

    /// The observed behaviour: caches of up to 5 minutes, models without traffic, sweeps of 5 minutes.
    pub fn observed() -> Self {
        let (usage_cache, sweep) = (Duration::minutes(5), Duration::minutes(5));
        Self { usage_cache, idle_models: 2, sweep, ..Self::exact() }
    }
}

/// Lasting shifts of the hit rates of single endpoints, and noise within the day like that of recorded half-hourly rates,
/// for studies of the change-point method.
#[derive(Clone, Debug, PartialEq)]
pub struct EndpointShifts {
    /// Number of endpoints that shift once, at a known time.
    pub endpoints: usize,
    /// Sizes of the shifts, fractions; the endpoints take them in turn.
    pub sizes: Vec<f64>,
    /// Whether the levels of all endpoints are steady apart from these shifts. Otherwise they also change slowly and have
    /// single odd days, as in every other simulated world.
    pub is_steady: bool,
}

/// The size, the time span and the pitfalls of a simulated upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatorConfig {
    /// Seed of everything random.
    pub seed: u64,
    /// Number of models, without variants.
    pub models: usize,
    /// Number of providers.
    pub providers: usize,
    /// Number of endpoints over all models and variants.
    pub endpoints: usize,
    /// Start of the simulated span; its UTC day is day 0. Requests for times outside the span work too.
    pub start: DateTime<Utc>,
    /// Length of the span in days; all events happen within it.
    pub days: u32,
    /// Until this time, summaries cover the current clock hour; from then on, the UTC day to date.
    pub window_switch: DateTime<Utc>,
    /// Until this time, `stats/endpoint` rows contain the raw counters of the last 5 minutes, 30 minutes and day.
    pub counters_until: DateTime<Utc>,
    /// From this time on, summaries contain endpoint ids, and charts use them as keys instead of display names.
    pub ids_from: DateTime<Utc>,
    /// Number of providers without a cache product: no read price, hit rate exactly 0, no true effect.
    pub cacheless_providers: usize,
    /// Standard deviation of the logarithm of the number of models per provider.
    pub degree_spread: f64,
    /// Whether there are price changes, outages, phantom caches, new and removed endpoints, and a provider that gets
    /// worse.
    pub events: bool,
    /// The names, tags and regions of the first models and providers contain markup, quotes, control characters,
    /// overlong and right-to-left texts, emoji and formulas.
    pub hostile_names: bool,
    /// Caching, idle models and slow sweeps.
    pub habits: Habits,
    /// Lasting shifts of single endpoints; `None`: there are none, and the noise within the day is small.
    pub shifts: Option<EndpointShifts>,
}

impl SimulatorConfig {
    /// The default world over a span that starts at `start` and lasts `days` days: the window switches after
    /// day 4, the counters disappear after day 8, and the endpoint ids appear after day 10.
    pub fn starting_at(start: DateTime<Utc>, days: u32) -> Self {
        Self {
            seed: 1,
            models: 60,
            providers: 40,
            endpoints: 300,
            start,
            days,
            window_switch: start + Duration::days(4),
            counters_until: start + Duration::days(8),
            ids_from: start + Duration::days(10),
            cacheless_providers: 2,
            degree_spread: 0.45,
            events: true,
            hostile_names: false,
            habits: Habits::exact(),
            shifts: None,
        }
    }

    /// A world with the size and shape of the recorded market, without events: for studies of the method.
    pub fn recorded_size(seed: u64, start: DateTime<Utc>, days: u32) -> Self {
        Self {
            seed,
            models: 136,
            providers: 57,
            endpoints: 800,
            degree_spread: 1.05,
            events: false,
            ..Self::starting_at(start, days)
        }
    }

    /// A size of a shift that cannot be simulated; 0 if there is none at all.
    fn bad_shift(&self) -> Option<f64> {
        let sizes = &self.shifts.as_ref()?.sizes;
        if sizes.is_empty() {
            return Some(0.0);
        }
        sizes.iter().copied().find(|size| !(*size > 0.0 && *size <= 0.5))
    }

    /// Checks whether a world with this configuration can exist.
    ///
    /// # Errors
    /// [`SimulatorError::Config`], which names the violated bound.
    pub(super) fn validate(&self) -> Result<(), SimulatorError> {
        let Self { models, providers, endpoints, cacheless_providers, .. } = self;
        let idle = self.habits.idle_models;
        let least = (2 * models + models / 2).max(4 * providers);
        let most = models * providers / 2;
        let wrong = if *models < 5 || *providers < 4 {
            format!("{models} models and {providers} providers; at least 5 and 4 are needed")
        } else if *endpoints < least || *endpoints > most {
            format!(
                "{endpoints} endpoints; {models} models and {providers} providers support {least} to {most}"
            )
        } else if cacheless_providers * 4 > *providers {
            format!(
                "{cacheless_providers} providers without a cache; at most a quarter of {providers} is allowed"
            )
        } else if idle * 4 > *models {
            format!("{idle} idle models; at most a quarter of {models} is allowed")
        } else if let Some(size) = self.bad_shift() {
            format!("a shift of {size}; it must be between 0 and 0.5, and at least one size is needed")
        } else if self.days == 0 {
            "a span of 0 days; at least 1 is needed".to_owned()
        } else {
            return Ok(());
        };
        Err(SimulatorError::Config(wrong))
    }
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        let start = Utc.timestamp_opt(1_788_220_800, 0).single().unwrap_or_default();
        Self::starting_at(start, 30)
    }
}
