//! The list prices of endpoints over time.

use crate::domain::endpoint::{PriceTier, Prices};
use crate::store::columns::{self, select};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

const PRICE_SPANS: &str = include_str!("../../../queries/analysis/price_spans.sql");

/// The list prices of an endpoint between two runs.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceSpan {
    /// The endpoint.
    pub endpoint_id: Uuid,
    /// The first run that saw them.
    pub from: DateTime<Utc>,
    /// The first run that no longer saw them; `None` if they are still in force.
    pub until: Option<DateTime<Utc>>,
    /// The prices after discount.
    pub list: Prices,
    /// Conditional prices.
    pub tiers: Vec<PriceTier>,
}

impl Store {
    /// The list prices of all endpoints, sorted by endpoint and time.
    ///
    /// # Errors
    /// If the query fails or a value cannot be read.
    pub fn price_spans(&self) -> Result<Vec<PriceSpan>, StoreError> {
        select!(self, PRICE_SPANS, [], |endpoint_id: Uuid,
                                        valid_from: DateTime<Utc>,
                                        valid_to: Option<DateTime<Utc>>,
                                        list_input: Option<f64>,
                                        list_output: Option<f64>,
                                        list_cache_read: Option<f64>,
                                        list_cache_write: Option<f64>,
                                        list_cache_write_1h: Option<f64>,
                                        price_tiers: Vec<PriceTier>| {
            PriceSpan {
                endpoint_id,
                from: valid_from,
                until: valid_to,
                list: Prices {
                    input: list_input,
                    output: list_output,
                    cache_read: list_cache_read,
                    cache_write: list_cache_write,
                    cache_write_1h: list_cache_write_1h,
                },
                tiers: price_tiers,
            }
        })
    }
}
