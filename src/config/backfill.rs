//! Settings of the import of what the upstream still offers of the time before the record.

use super::ConfigError;
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
        let wrong = |key, detail: &str| Err(ConfigError::Value { key, detail: detail.into() });
        if !(0.0..=4.0).contains(&self.rate_per_second) {
            return wrong("backfill.rate_per_second", "expected 0 (unlimited) to 4");
        }
        if !(1..=10_000).contains(&self.requests_per_hour) {
            return wrong("backfill.requests_per_hour", "expected 1 to 10000");
        }
        if self.quiet_minutes > 59 {
            return wrong("backfill.quiet_minutes", "expected 0 to 59");
        }
        Ok(())
    }
}
