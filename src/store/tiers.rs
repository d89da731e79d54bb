//! The history of tiers: the tiers held at the end of each UTC day.

use super::append::append;
use super::columns::{self, each_row, naive, records, rows, select};
use super::transaction::{of_file, transaction};
use super::{Store, StoreError};
use crate::domain::ids::ProviderSlug;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_history::{EndpointKey, Held, History, ProviderKey, RunDay};
use crate::failpoint;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::arrow::array::RecordBatch;
use duckdb::{Connection, params};
use std::collections::BTreeMap;
use uuid::Uuid;

const PROVIDERS: &str = include_str!("../../queries/tiers/providers.sql");
const ENDPOINTS: &str = include_str!("../../queries/tiers/endpoints.sql");
const RUN_DAYS: &str = include_str!("../../queries/tiers/run_days.sql");
const STAGE: &str = include_str!("../../queries/tiers/stage.sql");
const CHANGES: &str = include_str!("../../queries/tiers/changes.sql");

/// A change of a provider's tier, with the provider's display name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierChangeRow {
    /// Time of the run that closed the day of the change.
    pub at: DateTime<Utc>,
    /// Lens.
    pub lens: Lens,
    /// The provider.
    pub provider: ProviderSlug,
    /// The provider's name, untrusted.
    pub name: String,
    /// The new tier.
    pub tier: Tier,
    /// The previous tier.
    pub previous: Tier,
}

impl Store {
    /// The newest UTC day before `before` whose tiers are stored for the method of this version.
    pub fn newest_closed(
        &self,
        method_version: u32,
        before: NaiveDate,
    ) -> Result<Option<NaiveDate>, StoreError> {
        let sql =
            "SELECT max(day) AS newest FROM tier_day WHERE method_version = ? AND day < CAST(? AS DATE)";
        let parameters = params![method_version, before.to_string()];
        Ok(rows!(self.writer()?, sql, parameters, |newest: Option<NaiveDate>| newest).pop().flatten())
    }

    /// The UTC days with an accepted run, later than `after` and earlier than `before`, in order.
    pub fn run_days(&self, after: Option<NaiveDate>, before: NaiveDate) -> Result<Vec<RunDay>, StoreError> {
        let after = after.map_or_else(|| "0001-01-01".to_owned(), |day| day.to_string());
        let parameters = params![after, before.to_string()];
        select!(self, RUN_DAYS, parameters, RunDay { day, closing })
    }

    /// The tiers held at the end of a day under the method of this version; empty for a day that is not stored.
    pub fn tier_history(&self, method_version: u32, day: NaiveDate) -> Result<History, StoreError> {
        self.read(|connection| {
            let (mut providers, mut endpoints) = (BTreeMap::new(), BTreeMap::new());
            let parameters = params![method_version, day.to_string()];
            for batch in columns::batches(&mut connection.prepare(PROVIDERS)?, parameters)? {
                let batch = batch?;
                let mut held = held_of(&batch)?.into_iter();
                each_row!(&batch, |lens: Lens, workload: String, provider: ProviderSlug| {
                    let workload = (!workload.is_empty()).then_some(workload);
                    providers
                        .extend(held.next().map(|held| (ProviderKey { lens, workload, provider }, held)));
                });
            }
            for batch in columns::batches(&mut connection.prepare(ENDPOINTS)?, parameters)? {
                let batch = batch?;
                let mut held = held_of(&batch)?.into_iter();
                each_row!(&batch, |lens: Lens, endpoint_id: Uuid| {
                    let key = EndpointKey { lens, endpoint: endpoint_id };
                    endpoints.extend(held.next().map(|held| (key, held)));
                });
            }
            Ok(History { providers, endpoints })
        })
    }

    /// Stores the tiers held at the end of a day, in one transaction. A day that is already stored is replaced.
    ///
    /// # Errors
    /// [`StoreError::Query`]; then nothing is changed.
    pub fn close_day(&self, method_version: u32, day: RunDay, history: &History) -> Result<(), StoreError> {
        let connection = self.writer()?;
        transaction(&connection, || {
            write(&connection, method_version, day, history)?;
            failpoint::reach("days.tiers").map_err(of_file(&connection))
        })
    }

    /// The tier changes of providers on days that had ended by `as_of`, newest first.
    pub fn tier_changes(
        &self,
        method_version: u32,
        as_of: DateTime<Utc>,
        workload: &str,
    ) -> Result<Vec<TierChangeRow>, StoreError> {
        let parameters = params![method_version, naive(as_of), workload];
        select!(self, CHANGES, parameters, TierChangeRow { at, lens, provider, name, tier, previous })
    }
}

/// Appends held tiers to a table: the columns of their keys, then those that both tables have in common.
macro_rules! append_held {
    ($connection:expr, $table:literal, $key:ident in $held:expr => { $($column:ident: $value:expr,)+ }) => {
        append!($connection, $table, ($key, held) in $held => {
            $($column: $value,)+
            tier: held.tier.as_str(),
            naive: held.naive.as_str(),
            since: held.since.to_string(),
            previous: held.previous.map(Tier::as_str),
            effect: held.effect,
            capped: held.capped,
            unrated_days: held.unrated_days,
        })
    };
}

fn write(
    connection: &Connection,
    method_version: u32,
    day: RunDay,
    history: &History,
) -> Result<(), StoreError> {
    let date = day.day.to_string();
    for table in ["tier_day", "provider_tier", "endpoint_tier"] {
        connection.execute(
            &format!("DELETE FROM {table} WHERE method_version = ? AND day = CAST(? AS DATE)"),
            params![method_version, date],
        )?;
    }
    append!(connection, "tier_day", () in [()] => {
        method_version: method_version,
        day: date,
        closing: naive(day.closing),
    });
    append_held!(connection, "provider_tier", key in &history.providers => {
        method_version: method_version,
        day: date,
        lens: key.lens.as_str(),
        workload: key.workload.as_deref().unwrap_or_default(),
        provider: key.provider.as_str(),
    });
    connection.execute_batch(STAGE)?;
    append_held!(connection, "stage_endpoint_tier", key in &history.endpoints => {
        lens: key.lens.as_str(),
        endpoint_id: key.endpoint.to_string(),
    });
    // In a fixed order, so that the same history produces the same rows.
    connection.execute(
        "INSERT INTO endpoint_tier
         SELECT ?, CAST(? AS DATE), s.lens, e.endpoint_no, s.* EXCLUDE (lens, endpoint_id)
         FROM stage_endpoint_tier s JOIN endpoint e ON e.endpoint_id = CAST(s.endpoint_id AS UUID)
         ORDER BY s.lens, e.endpoint_no",
        params![method_version, date],
    )?;
    Ok(connection.execute_batch("DROP TABLE stage_endpoint_tier")?)
}

/// The columns that both tier tables have in common, row by row.
fn held_of(batch: &RecordBatch) -> Result<Vec<Held>, StoreError> {
    Ok(records!(batch, Held { tier, naive, since, previous, effect, capped, unrated_days }))
}
