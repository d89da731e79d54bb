//! What seasons are looked for in, besides the hourly rates: rates of closed days, and moves of list prices.

use super::columns::{self, each_row, naive, select};
use super::{Store, StoreError};
use crate::domain::endpoint::Prices;
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

const DAYS: &str = include_str!("../../queries/seasons/days.sql");
const LIST_STEPS: &str = include_str!("../../queries/seasons/list_steps.sql");
const RUN_TIMES: &str = include_str!("../../queries/seasons/run_times.sql");

/// List prices with the first run that saw them.
pub type PricesSince = (DateTime<Utc>, Prices);

impl Store {
    /// The published hit rates of the closed UTC days in `[from, to)`, as known at `as_of`, by endpoint and day.
    pub fn daily_rates(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<BTreeMap<Uuid, BTreeMap<NaiveDate, f64>>, StoreError> {
        self.read(|connection| {
            let mut rates: BTreeMap<Uuid, BTreeMap<NaiveDate, f64>> = BTreeMap::new();
            let parameters = [from.to_string(), to.to_string(), naive(as_of)];
            for batch in columns::batches(&mut connection.prepare(DAYS)?, parameters)? {
                let batch = batch?;
                each_row!(&batch, |endpoint_id: Uuid, day: NaiveDate, hit_rate: f64| {
                    rates.entry(endpoint_id).or_default().insert(day, hit_rate);
                });
            }
            Ok(rates)
        })
    }

    /// The list prices from a day on, oldest first, of the endpoints whose list prices moved at least twice since, each
    /// with the first run that saw them, as known at `as_of`.
    pub fn list_steps(
        &self,
        from: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<BTreeMap<Uuid, Vec<PricesSince>>, StoreError> {
        self.read(|connection| {
            let mut steps: BTreeMap<Uuid, Vec<PricesSince>> = BTreeMap::new();
            let parameters = [from.to_string(), naive(as_of)];
            for batch in columns::batches(&mut connection.prepare(LIST_STEPS)?, parameters)? {
                let batch = batch?;
                each_row!(&batch, |endpoint_id: Uuid,
                                   valid_from_s: i64,
                                   list_input: Option<f64>,
                                   list_output: Option<f64>,
                                   list_cache_read: Option<f64>,
                                   list_cache_write: Option<f64>,
                                   list_cache_write_1h: Option<f64>| {
                    let from = DateTime::from_timestamp(valid_from_s, 0).ok_or_else(|| {
                        StoreError::Content { what: "time", detail: valid_from_s.to_string() }
                    })?;
                    let list = Prices {
                        input: list_input,
                        output: list_output,
                        cache_read: list_cache_read,
                        cache_write: list_cache_write,
                        cache_write_1h: list_cache_write_1h,
                    };
                    steps.entry(endpoint_id).or_default().push((from, list));
                });
            }
            Ok(steps)
        })
    }

    /// The times of the accepted runs from a day on and up to `as_of`, oldest first.
    pub fn run_times(&self, from: NaiveDate, as_of: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, StoreError> {
        select!(self, RUN_TIMES, [from.to_string(), naive(as_of)], |observed_at: DateTime<Utc>| observed_at)
    }
}
