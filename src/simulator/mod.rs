//! A simulated OpenRouter with a known truth: the real routes and wire formats, with an invented market behind them.
//!
//! Everything is a function of the seed and the time: [`Simulator::body`] returns the body of any route at any time,
//! [`serve`] serves it on loopback, and [`Simulator::truth`] returns what an estimate should find.
//!
//! The hit rate of an endpoint is model level + provider effect + endpoint deviation + slow level changes + daily
//! and hourly noise, calibrated to recorded cells (see `traffic.rs`). Providers that cache badly prefer models that
//! cache well, so that a plain mean over models misranks them.

mod assign;
mod bodies;
mod build;
mod cache;
mod clock;
mod config;
mod endpoints;
mod events;
mod faults;
mod names;
mod noise;
mod own_log;
mod price;
mod server;
mod shifts;
mod traffic;
mod truth;
mod wire;
mod world;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use clock::SweepClock;
pub use config::{EndpointShifts, Habits, SimulatorConfig, SimulatorError};
pub use faults::{Fault, FaultError, FaultPlan};
pub use own_log::{OwnLog, OwnTruth};
pub use price::CacheKind;
pub use server::{SimulatorServer, serve};
pub use traffic::Counters;
pub use truth::{EndpointTruth, ModelTruth, ProviderTruth, Truth};
pub use wire::http_date;
pub use world::{Event, EventKind};

/// A simulated upstream.
#[derive(Debug)]
pub struct Simulator {
    config: SimulatorConfig,
    world: world::World,
    book: traffic::DayBook,
    prepared: bodies::Prepared,
    by_uuid: HashMap<Uuid, usize>,
}

impl Simulator {
    /// Builds the world of a configuration.
    ///
    /// # Errors
    /// [`SimulatorError::Config`] if no such world exists; the message names the bound.
    pub fn new(config: SimulatorConfig) -> Result<Self, SimulatorError> {
        config.validate()?;
        let world = build::build(&config);
        let prepared = bodies::Prepared::new(&world);
        let by_uuid = world.endpoints.iter().enumerate().map(|(i, e)| (e.id, i)).collect();
        Ok(Self { config, world, book: traffic::DayBook::default(), prepared, by_uuid })
    }

    /// The configuration it was built from.
    pub fn config(&self) -> &SimulatorConfig {
        &self.config
    }

    /// The truth behind the published bodies.
    pub fn truth(&self) -> Truth<'_> {
        Truth { simulator: self }
    }

    /// Status and JSON body of a GET at a simulated time. `path` starts with `/api/` and may be percent-encoded,
    /// `query` is the part after the question mark. 404 comes without a body.
    pub fn body(&self, path: &str, query: &str, at: DateTime<Utc>) -> (u16, Option<Vec<u8>>) {
        match bodies::answer(self, path, query, at) {
            Some(body) => (200, Some(body)),
            None => (404, None),
        }
    }
}
