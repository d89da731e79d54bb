//! The panel data of the backtest.

use super::columns::{self, naive, rows, select};
use super::{Store, StoreError};
use crate::domain::backtest::{Closing, Listed, PricedDay, SoFar};
use crate::domain::endpoint::PriceTier;
use crate::domain::session::Pricing;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::{Connection, params};
use std::collections::HashMap;
use uuid::Uuid;

const BACKTEST: &str = include_str!("../../queries/analysis/backtest.sql");
const CLOSINGS: &str = include_str!("../../queries/analysis/closings.sql");
const LISTED: &str = include_str!("../../queries/analysis/listed.sql");
const SO_FAR: &str = include_str!("../../queries/analysis/so_far.sql");

impl Store {
    /// Standard endpoints on the priced days in `[from, to]` as known at `as_of`, sorted by endpoint and day.
    pub fn priced_days(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<PricedDay>, StoreError> {
        let parameters = params![from.to_string(), to.to_string(), naive(as_of)];
        select!(
            self,
            BACKTEST,
            parameters,
            |endpoint_no: i64,
             model_no: i64,
             day: NaiveDate,
             effective_input: f64,
             effective_output: f64,
             list_input: Option<f64>,
             list_output: Option<f64>,
             list_cache_read: Option<f64>,
             list_cache_write: Option<f64>,
             list_cache_write_1h: Option<f64>,
             price_tiers_json: Vec<PriceTier>,
             tokens: Option<i64>| {
                let pricing = Pricing {
                    input: list_input,
                    cache_read: list_cache_read,
                    cache_write: list_cache_write,
                    cache_write_1h: list_cache_write_1h,
                    tiers: price_tiers_json,
                    ..Pricing::default()
                };
                PricedDay {
                    endpoint: endpoint_no,
                    model: model_no,
                    day,
                    effective_input,
                    effective_output,
                    impossible: pricing.is_impossible(effective_input),
                    list_input,
                    list_output,
                    tokens,
                }
            }
        )
    }

    /// Every closing of the days in `[from, to]` with the time at which it was known, sorted by endpoint, day and time.
    pub fn closings(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<Closing>, StoreError> {
        select!(
            self,
            CLOSINGS,
            params![from.to_string(), to.to_string()],
            Closing {
                endpoint: endpoint_no,
                model: model_no,
                day,
                effective_input,
                effective_output,
                tokens,
                known_at,
                is_charted,
            }
        )
    }

    /// The list prices of standard endpoints that runs up to `as_of` saw, sorted by endpoint and time.
    pub fn listed(&self, as_of: DateTime<Utc>) -> Result<Vec<Listed>, StoreError> {
        select!(
            self,
            LISTED,
            params![naive(as_of)],
            |endpoint_no: i64,
             after: DateTime<Utc>,
             valid_from: DateTime<Utc>,
             known_at: DateTime<Utc>,
             list_input: Option<f64>,
             list_output: Option<f64>,
             list_cache_read: Option<f64>,
             list_cache_write: Option<f64>,
             list_cache_write_1h: Option<f64>,
             price_tiers_json: Vec<PriceTier>| {
                let pricing = Pricing {
                    input: list_input,
                    output: list_output,
                    cache_read: list_cache_read,
                    cache_write: list_cache_write,
                    cache_write_1h: list_cache_write_1h,
                    tiers: price_tiers_json,
                    ..Pricing::default()
                };
                Listed { endpoint: endpoint_no, after, from: valid_from, known_at, pricing }
            }
        )
    }

    /// The readings of standard endpoints that cover a UTC day so far, and those of earlier days that were read on it,
    /// from runs up to `as_of`, sorted by endpoint and time.
    pub fn so_far(&self, day: NaiveDate, as_of: DateTime<Utc>) -> Result<Vec<SoFar>, StoreError> {
        select!(
            self,
            SO_FAR,
            params![day.to_string(), naive(as_of)],
            SoFar { endpoint: endpoint_no, read_at, is_of_day, tokens, effective_input, effective_output }
        )
    }

    /// The ids of the endpoints by their key in the panel.
    pub fn endpoint_ids(&self) -> Result<HashMap<i64, Uuid>, StoreError> {
        self.read(endpoint_ids)
    }
}

/// The ids of the endpoints by their short key.
pub(super) fn endpoint_ids(connection: &Connection) -> Result<HashMap<i64, Uuid>, StoreError> {
    let sql = "SELECT endpoint_no, CAST(endpoint_id AS VARCHAR) AS id FROM endpoint";
    Ok(rows!(connection, sql, [], |endpoint_no: i64, id: Uuid| (endpoint_no, id)).into_iter().collect())
}
