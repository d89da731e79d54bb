//! Endpoints and their days: frames for the analysis, rows for the snapshot.

use crate::domain::endpoint::{EffectivePrices, EndpointFacts, PriceTier, Prices};
use crate::domain::ids::{ModelSlug, ProviderSlug, Variant};
use crate::domain::reading::Health;
use crate::domain::record::EndpointDay;
use crate::domain::thresholds::LENS_WINDOW_DAYS;
use crate::domain::window::Basis;
use crate::store::columns::{each_row, naive, records};
use crate::store::facts::facts_of;
use crate::store::frame::Answer;
use crate::store::{Store, StoreError, columns};
use chrono::{DateTime, Days, NaiveDate, Utc};
use duckdb::arrow::array::RecordBatch;
use uuid::Uuid;

pub(in crate::store) const DAYS: &str = include_str!("../../../queries/analysis/days.sql");
const NEWEST: &str = include_str!("../../../queries/analysis/newest.sql");

/// An endpoint of the newest run and its known data.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointNow {
    /// Key.
    pub endpoint_id: Uuid,
    /// Its facts.
    pub facts: EndpointFacts,
    /// First seen.
    pub first_seen: DateTime<Utc>,
    /// When its health was last read.
    pub reading_at: DateTime<Utc>,
    /// Hit rate of the newest window.
    pub hit_rate: Option<f64>,
    /// Tokens of the newest window.
    pub tokens: Option<i64>,
    /// Effective prices of the newest window.
    pub effective: EffectivePrices,
    /// List prices.
    pub list: Prices,
    /// Conditional prices.
    pub price_tiers: Vec<PriceTier>,
    /// Its health, without the numbers of requests.
    pub health: Health,
    /// Availability over one day.
    pub availability: Option<f64>,
}

/// One UTC day of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointDayRow {
    /// Key.
    pub endpoint_id: Uuid,
    /// Canonical slug of its model.
    pub model: ModelSlug,
    /// Variant of the model.
    pub variant: Variant,
    /// Provider.
    pub provider: ProviderSlug,
    /// Its numbers.
    pub of_day: EndpointDay,
}

impl Store {
    /// The endpoints of the newest run: as a frame, `newest` of the analysis.
    pub fn endpoints(&self, as_of: DateTime<Utc>) -> Result<Answer<EndpointNow>, StoreError> {
        let from = as_of.date_naive() - Days::new(LENS_WINDOW_DAYS.unsigned_abs() - 1);
        self.read(|connection| Answer::of(connection, NEWEST, [naive(as_of), from.to_string()], endpoints_of))
    }

    /// One row per endpoint and UTC day in `[from, to]`: as a frame, `days` of the analysis.
    pub fn days(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<Answer<EndpointDayRow>, StoreError> {
        let parameters = [from.to_string(), to.to_string(), naive(as_of)];
        self.read(|connection| Answer::of(connection, DAYS, parameters, days_of))
    }
}

fn seconds(seconds: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp(seconds, 0)
        .ok_or_else(|| StoreError::Content { what: "time", detail: seconds.to_string() })
}

fn endpoints_of(batch: &RecordBatch, endpoints: &mut Vec<EndpointNow>) -> Result<(), StoreError> {
    let mut facts = facts_of(batch)?.into_iter();
    let mut health = health_of(batch)?.into_iter();
    each_row!(batch, |endpoint_id: Uuid,
                      first_seen_s: i64,
                      reading_s: i64,
                      hit_rate: Option<f64>,
                      tokens: Option<i64>,
                      effective_input: Option<f64>,
                      effective_output: Option<f64>,
                      list_input: Option<f64>,
                      list_output: Option<f64>,
                      list_cache_read: Option<f64>,
                      list_cache_write: Option<f64>,
                      list_cache_write_1h: Option<f64>,
                      price_tiers_json: Vec<PriceTier>,
                      availability_1d: Option<f64>| {
        let (first_seen, reading_at) = (seconds(first_seen_s)?, seconds(reading_s)?);
        endpoints.extend(facts.next().zip(health.next()).map(|(facts, health)| EndpointNow {
            endpoint_id,
            facts,
            first_seen,
            reading_at,
            hit_rate,
            tokens,
            effective: EffectivePrices { input: effective_input, output: effective_output },
            list: Prices {
                input: list_input,
                output: list_output,
                cache_read: list_cache_read,
                cache_write: list_cache_write,
                cache_write_1h: list_cache_write_1h,
            },
            price_tiers: price_tiers_json,
            health,
            availability: availability_1d,
        }));
    });
    Ok(())
}

/// The health of the endpoints without the numbers of requests, row by row.
fn health_of(batch: &RecordBatch) -> Result<Vec<Health>, StoreError> {
    Ok(records!(
        batch,
        Health { status, uptime_5m, uptime_30m, uptime_1d, throughput, latency_ms, ..Health::default() }
    ))
}

fn days_of(batch: &RecordBatch, days: &mut Vec<EndpointDayRow>) -> Result<(), StoreError> {
    each_row!(batch, |endpoint_id: Uuid,
                      model: ModelSlug,
                      variant: Variant,
                      provider: ProviderSlug,
                      day: NaiveDate,
                      hit_rate: Option<f64>,
                      basis: Option<Basis>,
                      tokens: Option<i64>,
                      effective_input: Option<f64>,
                      effective_output: Option<f64>,
                      coverage: Option<f64>,
                      list_input: Option<f64>,
                      uptime_1d: Option<f64>,
                      throughput: Option<f64>,
                      latency_ms: Option<f64>| {
        let of_day = EndpointDay {
            day,
            hit_rate,
            basis,
            tokens,
            effective_input,
            effective_output,
            coverage,
            list_input,
            uptime: uptime_1d,
            throughput,
            latency_ms,
        };
        days.push(EndpointDayRow { endpoint_id, model, variant, provider, of_day });
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{DAYS, NEWEST};
    use crate::domain::thresholds::{LIST_MOVED_TOLERANCE, READ_PRICE_DISCOUNT};

    /// The queries state the thresholds as numbers, because `days` is also a part of another query.
    #[test]
    fn the_queries_use_the_thresholds() {
        assert!(DAYS.contains(&format!("list_cache_read < {READ_PRICE_DISCOUNT} * list_input")));
        for before in ["input_before", "read_before"] {
            assert!(DAYS.contains(&format!("> {LIST_MOVED_TOLERANCE} * CAST({before} AS DOUBLE)")));
        }
        for price in ["list_input", "list_cache_read"] {
            assert!(NEWEST.contains(&format!("> {LIST_MOVED_TOLERANCE} * CAST(lag(p.{price})")));
            assert!(NEWEST.contains(&format!("> {LIST_MOVED_TOLERANCE} * CAST(q.{price} AS DOUBLE)")));
        }
        assert!(NEWEST.contains(&format!("<= {LIST_MOVED_TOLERANCE} * CAST(q.list_input AS DOUBLE)")));
    }
}
