//! The endpoints of the newest run as typed rows.

use super::AnalysisError;
use super::frames::{flags, floats, integers, texts};
use crate::domain::endpoint::{PriceTier, is_down};
use crate::domain::session::Pricing;
use polars::prelude::DataFrame;
use uuid::Uuid;

/// One endpoint of the newest run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Latest {
    pub id: Uuid,
    pub model: String,
    pub variant: String,
    pub provider: String,
    pub model_created_s: Option<i64>,
    pub observed_s: i64,
    pub first_seen_s: i64,
    /// When the upstream began to offer it, if published.
    pub created_s: Option<i64>,
    pub hit_rate: Option<f64>,
    pub tokens: Option<i64>,
    pub effective_input: Option<f64>,
    pub pricing: Pricing,
    pub uptime_30m: Option<f64>,
    pub uptime_1d: Option<f64>,
    pub availability_1d: Option<f64>,
    pub status: Option<i64>,
    pub throughput: Option<f64>,
    pub latency_ms: Option<f64>,
    pub restricted: bool,
    pub deranked: bool,
    pub disabled: bool,
    pub day_to_date: bool,
    /// Whether its list prices changed on the day of its usage: then that is billed at more than one list.
    pub price_moved_today: bool,
}

impl Latest {
    /// Whether it is down in the newest run.
    pub fn is_down(&self) -> bool {
        self.disabled || self.status.is_some_and(is_down)
    }
}

/// Reads the frame `newest`, which must have passed its check.
///
/// # Errors
/// An id that is not a UUID, or price tiers that cannot be parsed.
pub(super) fn read(frame: &DataFrame) -> Result<Vec<Latest>, AnalysisError> {
    let ids = endpoint_ids("newest", frame)?;
    let (model, variant, provider) =
        (texts(frame, "model")?, texts(frame, "variant")?, texts(frame, "provider")?);
    let (created, observed) = (integers(frame, "model_created_s")?, integers(frame, "observed_s")?);
    let (first_seen, tokens) = (integers(frame, "first_seen_s")?, integers(frame, "tokens")?);
    let (hit_rate, effective_input) = (floats(frame, "hit_rate")?, floats(frame, "effective_input")?);
    let (uptime, availability) = (floats(frame, "uptime_1d")?, floats(frame, "availability_1d")?);
    let uptime_30m = floats(frame, "uptime_30m")?;
    let (throughput, latency) = (floats(frame, "throughput")?, floats(frame, "latency_ms")?);
    let (status, restricted) = (integers(frame, "status")?, flags(frame, "restricted")?);
    let (deranked, disabled) = (flags(frame, "deranked")?, flags(frame, "disabled")?);
    let day_to_date = flags(frame, "window_day_to_date")?;
    let price_moved = flags(frame, "price_moved_today")?;
    let offered = integers(frame, "created_at")?;
    let pricing = pricings(frame, &ids)?;
    let rows = pricing.into_iter().enumerate().map(|(row, pricing)| Latest {
        id: ids[row],
        model: model[row].clone(),
        variant: variant[row].clone(),
        provider: provider[row].clone(),
        model_created_s: created[row],
        observed_s: observed[row].unwrap_or_default(),
        first_seen_s: first_seen[row].unwrap_or_default(),
        created_s: offered[row].map(|micros| micros.div_euclid(1_000_000)),
        hit_rate: hit_rate[row],
        tokens: tokens[row],
        effective_input: effective_input[row],
        pricing,
        uptime_30m: uptime_30m[row],
        uptime_1d: uptime[row],
        availability_1d: availability[row],
        status: status[row],
        throughput: throughput[row],
        latency_ms: latency[row],
        restricted: restricted[row],
        deranked: deranked[row],
        disabled: disabled[row],
        day_to_date: day_to_date[row],
        price_moved_today: price_moved[row],
    });
    Ok(rows.collect())
}

/// The column `endpoint_id` as UUIDs.
pub(super) fn endpoint_ids(frame: &'static str, data: &DataFrame) -> Result<Vec<Uuid>, AnalysisError> {
    let parse = |value: String| {
        Uuid::parse_str(&value).map_err(|_| AnalysisError::BadEndpointId { frame, value: value.clone() })
    };
    texts(data, "endpoint_id")?.into_iter().map(parse).collect()
}

fn pricings(frame: &DataFrame, ids: &[Uuid]) -> Result<Vec<Pricing>, AnalysisError> {
    let (input, output) = (floats(frame, "list_input")?, floats(frame, "list_output")?);
    let (read, write) = (floats(frame, "list_cache_read")?, floats(frame, "list_cache_write")?);
    let write_1h = floats(frame, "list_cache_write_1h")?;
    let (tiers, billed) = (texts(frame, "price_tiers_json")?, flags(frame, "billed_writes")?);
    let price = |(row, id): (usize, &Uuid)| {
        let tiers: Vec<PriceTier> = serde_json::from_str(&tiers[row])
            .map_err(|source| AnalysisError::BadPriceTiers { endpoint: *id, source })?;
        Ok(Pricing {
            input: input[row],
            output: output[row],
            cache_read: read[row],
            cache_write: write[row],
            cache_write_1h: write_1h[row],
            billed_writes: billed[row],
            tiers,
        })
    };
    ids.iter().enumerate().map(price).collect()
}
