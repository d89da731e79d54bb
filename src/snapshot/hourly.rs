//! Hourly rates in a compact form, because a snapshot may contain half a million of them.

use crate::domain::hourly::{Refusal, Stretch};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Hourly rates by endpoint, and the number of readings without a rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HourlyRates {
    /// The midnight from which the seconds of the rates count; no rate is older.
    pub from: DateTime<Utc>,
    /// Time of the newest run.
    pub to: DateTime<Utc>,
    /// By endpoint of the newest run, oldest first; hours without a rate are absent.
    pub endpoints: BTreeMap<Uuid, Vec<HourlyRate>>,
    /// Number of readings without a rate, by reason, over all endpoints.
    pub refused: BTreeMap<Refusal, usize>,
}

/// One rate with its exact bounds; in JSON `[start, end, hit rate, tokens]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u32, u32, f64, i64)", into = "(u32, u32, f64, i64)")]
pub struct HourlyRate {
    /// Start, seconds since [`HourlyRates::from`].
    pub start: u32,
    /// End, seconds since [`HourlyRates::from`].
    pub end: u32,
    /// Approximate hit rate, 0..1, to four decimals.
    pub hit_rate: f64,
    /// Tokens between the two.
    pub tokens: i64,
}

impl From<(u32, u32, f64, i64)> for HourlyRate {
    fn from((start, end, hit_rate, tokens): (u32, u32, f64, i64)) -> Self {
        Self { start, end, hit_rate, tokens }
    }
}

impl From<HourlyRate> for (u32, u32, f64, i64) {
    fn from(rate: HourlyRate) -> Self {
        (rate.start, rate.end, rate.hit_rate, rate.tokens)
    }
}

impl HourlyRate {
    /// Packs a rate; a start before `from` is clamped to `from`.
    pub fn new(from: DateTime<Utc>, stretch: &Stretch) -> Self {
        let since = |time: DateTime<Utc>| u32::try_from((time - from).num_seconds()).unwrap_or(0);
        Self {
            start: since(stretch.start),
            end: since(stretch.end),
            hit_rate: (stretch.hit_rate * 1e4).round() / 1e4,
            tokens: stretch.tokens,
        }
    }
}

impl HourlyRates {
    /// The rates of an endpoint, oldest first, unpacked.
    pub fn of(&self, endpoint: Uuid) -> impl Iterator<Item = Stretch> + '_ {
        let at = |seconds: u32| self.from + Duration::seconds(i64::from(seconds));
        self.endpoints.get(&endpoint).into_iter().flatten().map(move |rate| Stretch {
            start: at(rate.start),
            end: at(rate.end),
            hit_rate: rate.hit_rate,
            tokens: rate.tokens,
        })
    }

    /// Number of rates.
    pub fn len(&self) -> usize {
        self.endpoints.values().map(Vec::len).sum()
    }

    /// Whether there are no rates.
    pub fn is_empty(&self) -> bool {
        self.endpoints.values().all(Vec::is_empty)
    }
}
