//! The panel of the backtest.

use super::ingest::naive;
use super::{Store, StoreError};
use crate::domain::backtest::PricedDay;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::{Row, params};
use std::collections::BTreeMap;
use uuid::Uuid;

const BACKTEST: &str = include_str!("../../queries/analysis/backtest.sql");

impl Store {
    /// Standard endpoints on the priced days of `[from, to]` as known at `as_of`, sorted by endpoint and day.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn priced_days(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<PricedDay>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(BACKTEST)?;
            let rows = statement
                .query_map(params![from.to_string(), to.to_string(), naive(as_of)], |row| {
                    Ok(priced_day(row))
                })?;
            rows.map(|row| row?).collect()
        })
    }

    /// The ids of the endpoints by their key in the panel.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn endpoint_ids(&self) -> Result<BTreeMap<i64, Uuid>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT endpoint_no, CAST(endpoint_id AS VARCHAR) FROM endpoint")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
            let keyed = |row: duckdb::Result<(i64, String)>| {
                let (key, id) = row?;
                let content = || StoreError::Content { what: "endpoint_id", detail: id.clone() };
                Ok((key, id.parse().map_err(|_| content())?))
            };
            rows.map(keyed).collect()
        })
    }
}

fn priced_day(row: &Row<'_>) -> Result<PricedDay, StoreError> {
    let days: i64 = row.get("day")?;
    let day = DateTime::from_timestamp(days * 86_400, 0).map(|midnight| midnight.date_naive());
    Ok(PricedDay {
        endpoint: row.get("endpoint_no")?,
        model: row.get("model_no")?,
        day: day.ok_or_else(|| StoreError::Content { what: "day", detail: days.to_string() })?,
        effective: [row.get("effective_input")?, row.get("effective_output")?],
        list: [row.get("list_input")?, row.get("list_output")?],
        tokens: row.get("tokens")?,
    })
}
