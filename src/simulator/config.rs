//! What is simulated, and what can go wrong with asking for it.

use std::net::SocketAddr;

use chrono::{DateTime, Duration, TimeZone, Utc};

/// What [`Simulator::new`](super::Simulator::new) and [`serve`](super::serve) can fail with.
#[derive(Debug, thiserror::Error)]
pub enum SimulatorError {
    /// The world asked for cannot be built.
    #[error("simulator configuration: {0}")]
    Config(String),
    /// The simulator answers on loopback only.
    #[error("the simulator listens on loopback only, not on {0}; use 127.0.0.1")]
    NotLoopback(SocketAddr),
    /// The socket could not be opened.
    #[error("the simulator cannot listen on {listen}: {source}; choose a free port, or port 0")]
    Listen {
        /// The address that was asked for.
        listen: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The server's task ended badly.
    #[error("the simulator's server stopped with an error: {0}")]
    Serve(String),
}

/// What the real upstream does with time: it caches its answers, and a sweep of them takes minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Habits {
    /// Longest age of a usage body (`effective-pricing` and the comparison series) during the day. Zero: every body is
    /// computed at the moment it is served.
    pub usage_cache: Duration,
    /// Usage bodies turn over one by one in the 20 minutes after midnight UTC. Until then a body is yesterday's.
    pub slow_midnight: bool,
    /// Standard models with traffic on about one day in three. On the other days their usage body is that of the last
    /// day with traffic. At most a quarter of all models.
    pub idle_models: usize,
    /// Simulated time that a sweep of three documents a model takes. Zero: the clock stands still.
    pub sweep: Duration,
    /// Endpoint lists carry percentiles of latency and throughput, which the upstream shows to callers with an API key.
    pub percentiles: bool,
}

impl Habits {
    /// Bodies turn over after midnight; otherwise the upstream answers at once and computes every answer again. This is
    /// the default: what a test reads is then what the simulator counted up to that moment.
    pub fn exact() -> Self {
        Self {
            usage_cache: Duration::zero(),
            slow_midnight: true,
            idle_models: 0,
            sweep: Duration::zero(),
            percentiles: false,
        }
    }

    /// What was observed: caches of up to 5 minutes, models without traffic, sweeps of 5 minutes.
    pub fn observed() -> Self {
        Self {
            usage_cache: Duration::minutes(5),
            slow_midnight: true,
            idle_models: 2,
            sweep: Duration::minutes(5),
            percentiles: false,
        }
    }
}

/// The size, the span and the traps of a simulated upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatorConfig {
    /// Everything random follows from it.
    pub seed: u64,
    /// Number of models, variants not counted.
    pub models: usize,
    /// Number of providers.
    pub providers: usize,
    /// Number of endpoints over all models and variants.
    pub endpoints: usize,
    /// First moment of the simulated span; its UTC day is day 0. Times outside the span answer too.
    pub start: DateTime<Utc>,
    /// Length of the span in days: the events fall inside it.
    pub days: u32,
    /// Until then summaries cover the current clock hour, from then on the UTC day to date.
    pub window_switch: DateTime<Utc>,
    /// Until then `stats/endpoint` rows carry the raw counters of the last 5 min, 30 min and day.
    pub counters_until: DateTime<Utc>,
    /// From then on summaries carry endpoint ids and charts are keyed by them, not by display name.
    pub ids_from: DateTime<Utc>,
    /// Number of providers without any cache product: no read price, hit rate exactly 0, no true effect.
    pub cacheless_providers: usize,
    /// Standard deviation of the logarithm of how many models a provider serves.
    pub degree_spread: f64,
    /// Price changes, outages, phantom cache, comings and goings, the provider that gets worse.
    pub events: bool,
    /// The first models and providers, with their tags and regions, carry markup, quotes, control characters, overlong and
    /// right-to-left texts, emoji and formulas as names.
    pub hostile_names: bool,
    /// Caches, idle models and slow sweeps.
    pub habits: Habits,
}

impl SimulatorConfig {
    /// The default world over a span that starts at `start` and is `days` long: the window switches after
    /// day 4, the counters go after day 8, the endpoint ids come after day 10.
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
        }
    }

    /// A world of the size and shape of the recorded market, without events: for studies of the method.
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

    /// Whether a world of this shape exists.
    ///
    /// # Errors
    /// [`SimulatorError::Config`] with the bound that is broken.
    pub(super) fn validate(&self) -> Result<(), SimulatorError> {
        let refuse = |what: String| Err(SimulatorError::Config(what));
        if self.models < 5 || self.providers < 4 {
            return refuse(format!(
                "{} models and {} providers; at least 5 and 4 are needed",
                self.models, self.providers
            ));
        }
        let least = (2 * self.models + self.models / 2).max(4 * self.providers);
        let most = self.models * self.providers / 2;
        if self.endpoints < least || self.endpoints > most {
            return refuse(format!(
                "{} endpoints; {} models and {} providers carry {least} to {most}",
                self.endpoints, self.models, self.providers
            ));
        }
        if self.cacheless_providers * 4 > self.providers {
            return refuse(format!(
                "{} providers without a cache; at most a quarter of {} may be",
                self.cacheless_providers, self.providers
            ));
        }
        if self.habits.idle_models * 4 > self.models {
            return refuse(format!(
                "{} idle models; at most a quarter of {} may be",
                self.habits.idle_models, self.models
            ));
        }
        if self.days == 0 {
            return refuse("a span of 0 days; at least 1 is needed".to_owned());
        }
        Ok(())
    }
}

impl Default for SimulatorConfig {
    fn default() -> Self {
        let start = Utc.timestamp_opt(1_788_220_800, 0).single().unwrap_or_default();
        Self::starting_at(start, 30)
    }
}
