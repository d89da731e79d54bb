//! The endpoints of the newest run as typed rows.

use super::AnalysisError;
use super::frames::Row;
use crate::domain::endpoint::{ListWindow, is_down};
use crate::domain::session::Pricing;
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
    /// Its list prices now.
    pub pricing: Pricing,
    /// Its list prices over the lens window.
    pub list_window: ListWindow,
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
    pub context_length: Option<i64>,
    pub max_prompt_tokens: Option<i64>,
}

impl Latest {
    /// The mean list prices of the lens window, with the conditional prices of now.
    pub fn usual_pricing(&self) -> Pricing {
        Pricing::listed(&self.list_window.usual, self.pricing.tiers.clone())
    }

    /// Whether it is down in the newest run.
    pub fn is_down(&self) -> bool {
        self.disabled || self.status.is_some_and(is_down)
    }
}

/// Reads a row of the frame `newest`, which must have passed its check.
///
/// # Errors
/// An id that is not a UUID, or price tiers that cannot be parsed.
pub(super) fn read(row: Row<'_>) -> Result<Latest, AnalysisError> {
    let id = row.endpoint("newest")?;
    let tiers = serde_json::from_str(row.text("price_tiers_json")?)
        .map_err(|source| AnalysisError::BadPriceTiers { endpoint: id, source })?;
    let seen = ListWindow {
        usual: row.prices("usual")?,
        lowest: row.prices("lowest")?,
        highest: row.prices("highest")?,
        moves: row.integer("list_moves")?.unwrap_or(0),
        returns: row.integer("list_returns")?.unwrap_or(0),
    };
    Ok(Latest {
        id,
        model: row.text("model")?.to_owned(),
        variant: row.text("variant")?.to_owned(),
        provider: row.text("provider")?.to_owned(),
        model_created_s: row.integer("model_created_s")?,
        observed_s: row.integer("observed_s")?.unwrap_or_default(),
        first_seen_s: row.integer("first_seen_s")?.unwrap_or_default(),
        created_s: row.integer("created_at")?.map(|micros| micros.div_euclid(1_000_000)),
        hit_rate: row.float("hit_rate")?,
        tokens: row.integer("tokens")?,
        effective_input: row.float("effective_input")?,
        pricing: Pricing { tiers, ..row.pricing()? },
        list_window: ListWindow::new(&row.prices("list")?, seen),
        uptime_30m: row.float("uptime_30m")?,
        uptime_1d: row.float("uptime_1d")?,
        availability_1d: row.float("availability_1d")?,
        status: row.integer("status")?,
        throughput: row.float("throughput")?,
        latency_ms: row.float("latency_ms")?,
        restricted: row.flag("restricted")?,
        deranked: row.flag("deranked")?,
        disabled: row.flag("disabled")?,
        day_to_date: row.flag("window_day_to_date")?,
        price_moved_today: row.flag("price_moved_today")?,
        context_length: row.integer("context_length")?,
        max_prompt_tokens: row.integer("max_prompt_tokens")?,
    })
}
