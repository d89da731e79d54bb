//! The panel data of the backtest.

use super::columns::naive;
use super::columns::{self, Columns};
use super::{Store, StoreError};
use crate::domain::backtest::PricedDay;
use crate::domain::endpoint::PriceTier;
use crate::domain::session::Pricing;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::params;
use std::collections::BTreeMap;
use uuid::Uuid;

const BACKTEST: &str = include_str!("../../queries/analysis/backtest.sql");

impl Store {
    /// Standard endpoints on the priced days in `[from, to]` as known at `as_of`, sorted by endpoint and day.
    pub fn priced_days(
        &self,
        from: NaiveDate,
        to: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<PricedDay>, StoreError> {
        self.read(|connection| {
            let parameters = params![from.to_string(), to.to_string(), naive(as_of)];
            columns::rows(connection, BACKTEST, parameters, priced_days)
        })
    }

    /// The ids of the endpoints by their key in the panel.
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

fn priced_days(columns: Columns<'_>, days: &mut Vec<PricedDay>) -> Result<(), StoreError> {
    let (endpoint, model) = (columns.integers("endpoint_no")?, columns.integers("model_no")?);
    let (day, tokens) = (columns.integers("day")?, columns.integers("tokens")?);
    let (input, output) = (columns.floats("effective_input")?, columns.floats("effective_output")?);
    let (list_input, list_output) = (columns.floats("list_input")?, columns.floats("list_output")?);
    let (cache_read, cache_write) = (columns.floats("list_cache_read")?, columns.floats("list_cache_write")?);
    let (cache_write_1h, tiers) =
        (columns.floats("list_cache_write_1h")?, columns.texts("price_tiers_json")?);
    for row in 0..columns.height() {
        // The query excludes days without a price.
        let Some(effective) = input.get(row).zip(output.get(row)) else { continue };
        let pricing = Pricing {
            input: list_input.get(row),
            cache_read: cache_read.get(row),
            cache_write: cache_write.get(row),
            cache_write_1h: cache_write_1h.get(row),
            tiers: price_tiers(tiers.must(row)?)?,
            ..Pricing::default()
        };
        days.push(PricedDay {
            endpoint: endpoint.must(row)?,
            model: model.must(row)?,
            day: day.date(row)?,
            effective: effective.into(),
            impossible: pricing.is_impossible(effective.0),
            list: [list_input.get(row), list_output.get(row)],
            tokens: tokens.get(row),
        });
    }
    Ok(())
}

fn price_tiers(json: &str) -> Result<Vec<PriceTier>, StoreError> {
    // Most endpoints have no conditional prices.
    if json == "[]" {
        return Ok(Vec::new());
    }
    serde_json::from_str(json)
        .map_err(|error| StoreError::Content { what: "price_tiers", detail: error.to_string() })
}
