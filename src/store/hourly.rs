//! All hourly rates of a time span, for the snapshot.

use super::columns::naive;
use super::{Store, StoreError};
use crate::domain::hourly::{Refusal, Stretch};
use crate::domain::thresholds::{HOURLY_MIN_TOKENS, HOURLY_TOLERANCE};
use chrono::{DateTime, Utc};
use duckdb::arrow::array::{AsArray, RecordBatch};
use duckdb::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use duckdb::{Connection, params};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

pub(super) const HOURLY: &str = include_str!("../../queries/analysis/hourly.sql");

/// The hourly rates of a time span.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HourlyRecord {
    /// By endpoint, oldest first, without the refused ones.
    pub stretches: HashMap<Uuid, Vec<Stretch>>,
    /// Number of readings without a rate, by reason.
    pub refused: BTreeMap<Refusal, usize>,
}

impl Store {
    /// The hourly rates of the runs in `[from, to)`.
    pub fn hourly(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<HourlyRecord, StoreError> {
        self.read(|connection| {
            let ids = endpoint_ids(connection)?;
            let sql = format!(
                "SELECT endpoint_no, CAST(epoch(window_start) AS BIGINT) AS start_s,
                    CAST(epoch(window_end) AS BIGINT) AS end_s, hit_rate, tokens, refused
                 FROM ({HOURLY})"
            );
            let mut statement = connection.prepare(&sql)?;
            let span = params![naive(from), naive(to), HOURLY_MIN_TOKENS, HOURLY_TOLERANCE];
            let mut record = HourlyRecord::default();
            for batch in statement.query_arrow(span)? {
                take(&batch, &ids, &mut record)?;
            }
            // Endpoint by endpoint, because sorting half a million rows at once takes longer.
            record.stretches.values_mut().for_each(|of_one| of_one.sort_unstable_by_key(|one| one.end));
            Ok(record)
        })
    }
}

fn endpoint_ids(connection: &Connection) -> Result<HashMap<i32, Uuid>, StoreError> {
    let mut statement =
        connection.prepare("SELECT endpoint_no, CAST(endpoint_id AS VARCHAR) FROM endpoint")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, i32>(0)?, row.get::<_, String>(1)?)))?;
    rows.map(|row| {
        let (number, id) = row?;
        let id = Uuid::parse_str(&id)
            .map_err(|error| StoreError::Content { what: "UUID", detail: error.to_string() })?;
        Ok((number, id))
    })
    .collect()
}

/// Reads the batch column by column, because there may be half a million rows.
fn take(batch: &RecordBatch, ids: &HashMap<i32, Uuid>, record: &mut HourlyRecord) -> Result<(), StoreError> {
    let numbers = batch.column(0).as_primitive::<Int32Type>();
    let starts = batch.column(1).as_primitive::<Int64Type>();
    let ends = batch.column(2).as_primitive::<Int64Type>();
    let rates = batch.column(3).as_primitive::<Float64Type>();
    let tokens = batch.column(4).as_primitive::<Int64Type>();
    let refused = batch.column(5).as_string::<i32>();
    let unreadable = |detail: String| StoreError::Content { what: "hourly rate", detail };
    let columns = numbers.iter().zip(starts).zip(ends).zip(rates).zip(tokens).zip(refused);
    for (((((number, start), end), rate), tokens), refused) in columns {
        if let Some(name) = refused {
            let refusal = Refusal::parse(name).ok_or_else(|| unreadable(name.to_owned()))?;
            *record.refused.entry(refusal).or_default() += 1;
            continue;
        }
        let time = |seconds: Option<i64>| seconds.and_then(|s| DateTime::from_timestamp(s, 0));
        let stretch =
            (|| Some(Stretch { start: time(start)?, end: time(end)?, hit_rate: rate?, tokens: tokens? }))();
        let id = number.and_then(|number| ids.get(&number));
        let (Some(stretch), Some(id)) = (stretch, id) else {
            return Err(unreadable(format!("endpoint {number:?}, end {end:?}")));
        };
        record.stretches.entry(*id).or_default().push(stretch);
    }
    Ok(())
}
