//! The history of tiers: the tiers held at the end of each UTC day.

use super::columns::naive;
use super::columns::{self, Columns, Flags, Floats, Integers, Texts};
use super::{Store, StoreError};
use crate::domain::ids::ProviderSlug;
use crate::domain::tier::{Lens, Tier};
use crate::domain::tier_history::{EndpointKey, Held, History, ProviderKey, RunDay};
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::{Connection, Row, params};
use std::str::FromStr;

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
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn newest_closed(
        &self,
        method_version: u32,
        before: NaiveDate,
    ) -> Result<Option<NaiveDate>, StoreError> {
        let newest: Option<i64> = self.writer().query_row(
            "SELECT CAST(max(day) - DATE '1970-01-01' AS BIGINT) FROM tier_day WHERE method_version = ? AND day < CAST(? AS DATE)",
            params![method_version, before.to_string()],
            |row| row.get(0),
        )?;
        newest.map(day).transpose()
    }

    /// The UTC days with an accepted run, later than `after` and earlier than `before`, in order.
    ///
    /// # Errors
    /// [`StoreError::Query`].
    pub fn run_days(&self, after: Option<NaiveDate>, before: NaiveDate) -> Result<Vec<RunDay>, StoreError> {
        let after = after.map_or_else(|| "0001-01-01".to_owned(), |day| day.to_string());
        self.read(|connection| {
            let mut statement = connection.prepare(RUN_DAYS)?;
            let rows = statement.query_map(params![after, before.to_string()], |row| {
                Ok((row.get::<_, i64>("day")?, row.get::<_, i64>("closing")?))
            })?;
            rows.map(|row| {
                let (number, micros) = row?;
                Ok(RunDay { day: day(number)?, closing: time(micros)? })
            })
            .collect()
        })
    }

    /// The tiers held at the end of a day under the method of this version; empty for a day that is not stored.
    pub fn tier_history(&self, method_version: u32, day: NaiveDate) -> Result<History, StoreError> {
        self.read(|connection| {
            let asked = params![method_version, day.to_string()];
            let providers = columns::rows(connection, PROVIDERS, asked, provider_rows)?;
            let endpoints = columns::rows(connection, ENDPOINTS, asked, endpoint_rows)?;
            Ok(History {
                providers: providers.into_iter().collect(),
                endpoints: endpoints.into_iter().collect(),
            })
        })
    }

    /// Stores the tiers held at the end of a day, in one transaction. A day that is already stored is replaced.
    ///
    /// # Errors
    /// [`StoreError::Query`]; then nothing is changed.
    pub fn close_day(&self, method_version: u32, day: RunDay, history: &History) -> Result<(), StoreError> {
        let connection = self.writer();
        connection.execute_batch("BEGIN")?;
        match write(&connection, method_version, day, history) {
            Ok(()) => Ok(connection.execute_batch("COMMIT; CHECKPOINT;")?),
            Err(error) => {
                connection.execute_batch("ROLLBACK")?;
                Err(error)
            }
        }
    }

    /// The tier changes of providers on days that had ended by `as_of`, newest first, at most `limit`.
    pub fn tier_changes(
        &self,
        method_version: u32,
        as_of: DateTime<Utc>,
        workload: &str,
        limit: usize,
    ) -> Result<Vec<TierChangeRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(&format!("{CHANGES} LIMIT {limit}"))?;
            let mut rows = statement.query(params![method_version, naive(as_of), workload])?;
            let mut changes = Vec::new();
            while let Some(row) = rows.next()? {
                changes.push(TierChangeRow {
                    at: time(row.get("at")?)?,
                    lens: parsed(row, "lens")?,
                    provider: ProviderSlug::new(row.get::<_, String>("provider")?),
                    name: row.get("name")?,
                    tier: parsed(row, "tier")?,
                    previous: parsed(row, "previous")?,
                });
            }
            Ok(changes)
        })
    }
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
    connection.execute(
        "INSERT INTO tier_day VALUES (?, CAST(? AS DATE), CAST(? AS TIMESTAMP))",
        params![method_version, date, naive(day.closing)],
    )?;
    let mut providers = connection.appender("provider_tier")?;
    for (key, held) in &history.providers {
        let row = HeldRow::of(held);
        providers.append_row(params![
            method_version,
            date,
            key.lens.as_str(),
            key.workload.as_deref().unwrap_or_default(),
            key.provider.as_str(),
            row.tier,
            row.naive,
            row.since,
            row.previous,
            held.effect,
            held.capped,
            row.leaning,
            held.leaning_days,
            held.unrated_days,
        ])?;
    }
    providers.flush()?;
    drop(providers);
    connection.execute_batch(STAGE)?;
    let mut endpoints = connection.appender("stage_endpoint_tier")?;
    for (key, held) in &history.endpoints {
        let row = HeldRow::of(held);
        endpoints.append_row(params![
            key.lens.as_str(),
            key.endpoint.to_string(),
            row.tier,
            row.naive,
            row.since,
            row.previous,
            held.effect,
            held.capped,
            row.leaning,
            held.leaning_days,
            held.unrated_days,
        ])?;
    }
    endpoints.flush()?;
    drop(endpoints);
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

/// The texts and dates of a row.
struct HeldRow {
    tier: &'static str,
    naive: &'static str,
    since: String,
    previous: Option<&'static str>,
    leaning: Option<&'static str>,
}

impl HeldRow {
    fn of(held: &Held) -> Self {
        Self {
            tier: held.tier.as_str(),
            naive: held.naive.as_str(),
            since: held.since.to_string(),
            previous: held.previous.map(Tier::as_str),
            leaning: held.leaning.map(Tier::as_str),
        }
    }
}

fn provider_rows(columns: Columns<'_>, rows: &mut Vec<(ProviderKey, Held)>) -> Result<(), StoreError> {
    let (lens, workload) = (columns.texts("lens")?, columns.texts("workload")?);
    let provider = columns.texts("provider")?;
    let held = HeldColumns::of(columns)?;
    for row in 0..columns.height() {
        let workload = workload.must(row)?;
        let key = ProviderKey {
            lens: word(lens.must(row)?)?,
            workload: (!workload.is_empty()).then(|| workload.to_owned()),
            provider: ProviderSlug::new(provider.must(row)?),
        };
        rows.push((key, held.read(row)?));
    }
    Ok(())
}

fn endpoint_rows(columns: Columns<'_>, rows: &mut Vec<(EndpointKey, Held)>) -> Result<(), StoreError> {
    let (lens, endpoint) = (columns.texts("lens")?, columns.texts("endpoint_id")?);
    let held = HeldColumns::of(columns)?;
    for row in 0..columns.height() {
        let key = EndpointKey { lens: word(lens.must(row)?)?, endpoint: endpoint.uuid(row)? };
        rows.push((key, held.read(row)?));
    }
    Ok(())
}

/// The columns that both tier tables have in common.
struct HeldColumns<'a> {
    tier: Texts<'a>,
    naive: Texts<'a>,
    since: Integers<'a>,
    previous: Texts<'a>,
    effect: Floats<'a>,
    capped: Flags<'a>,
    leaning: Texts<'a>,
    leaning_days: Integers<'a>,
    unrated_days: Integers<'a>,
}

impl<'a> HeldColumns<'a> {
    fn of(columns: Columns<'a>) -> Result<Self, StoreError> {
        Ok(Self {
            tier: columns.texts("tier")?,
            naive: columns.texts("naive")?,
            since: columns.integers("since")?,
            previous: columns.texts("previous")?,
            effect: columns.floats("effect")?,
            capped: columns.flags("capped")?,
            leaning: columns.texts("leaning")?,
            leaning_days: columns.integers("leaning_days")?,
            unrated_days: columns.integers("unrated_days")?,
        })
    }

    fn read(&self, row: usize) -> Result<Held, StoreError> {
        let days = |column: &Integers<'_>| {
            let days = column.must(row)?;
            days.try_into().map_err(|_| content(format!("{days} days")))
        };
        Ok(Held {
            tier: word(self.tier.must(row)?)?,
            naive: word(self.naive.must(row)?)?,
            since: self.since.date(row)?,
            previous: self.previous.get(row).map(word).transpose()?,
            effect: self.effect.get(row),
            capped: self.capped.must(row)?,
            leaning: self.leaning.get(row).map(word).transpose()?,
            leaning_days: days(&self.leaning_days)?,
            unrated_days: days(&self.unrated_days)?,
        })
    }
}

fn content(detail: String) -> StoreError {
    StoreError::Content { what: "row of the tier history", detail }
}

fn word<T: FromStr<Err = String>>(text: &str) -> Result<T, StoreError> {
    text.parse().map_err(content)
}

fn parsed<T: FromStr<Err = String>>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    word(&row.get::<_, String>(column)?)
}

fn day(number: i64) -> Result<NaiveDate, StoreError> {
    let midnight = DateTime::from_timestamp(number.saturating_mul(86_400), 0);
    midnight.map(|time| time.date_naive()).ok_or_else(|| content(format!("day {number}")))
}

fn time(micros: i64) -> Result<DateTime<Utc>, StoreError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| content(format!("time {micros}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_that_is_no_date_is_told() {
        assert_eq!(day(20_668).expect("a date").to_string(), "2026-08-03");
        assert!(day(i64::MAX).is_err());
    }
}
