//! Settings of the import of what the upstream still offers of the time before the record.

use super::ConfigError;
use super::limits::within;
use serde::{Deserialize, Serialize};

/// The history import from the upstream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    /// Whether the service imports history by itself, between its sweeps.
    pub enabled: bool,
    /// Requests per second; 0 means unlimited.
    pub rate_per_second: f64,
    /// Maximum number of requests per hour, including retries.
    pub requests_per_hour: u32,
    /// Minutes before a sweep in which nothing is requested.
    pub quiet_minutes: u32,
}

impl Backfill {
    /// Checks the ranges.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        within("backfill.rate_per_second", self.rate_per_second, 0.0..=4.0)?;
        within("backfill.requests_per_hour", self.requests_per_hour, 1..=10_000)?;
        within("backfill.quiet_minutes", self.quiet_minutes, 0..=59)
    }
}
