//! All hourly rates of a time span, for the snapshot.

use super::backtest::endpoint_ids;
use super::columns::{self, each_row, naive};
use super::{Store, StoreError};
use crate::domain::hourly::{Refusal, RequestSize, Stretch};
use crate::domain::thresholds::{HOURLY_MIN_TOKENS, HOURLY_TOLERANCE};
use chrono::{DateTime, Utc};
use duckdb::params;
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
    /// Tokens and requests over these rates, by endpoint.
    pub request_sizes: HashMap<Uuid, RequestSize>,
}

impl Store {
    /// The hourly rates of the runs in `[from, to)`.
    pub fn hourly(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<HourlyRecord, StoreError> {
        self.read(|connection| {
            let ids = endpoint_ids(connection)?;
            let sql = format!(
                "SELECT endpoint_no, CAST(epoch(window_start) AS BIGINT) AS start_s,
                    CAST(epoch(window_end) AS BIGINT) AS end_s, hit_rate, tokens, refused,
                    requests_30m
                 FROM ({HOURLY})"
            );
            let mut statement = connection.prepare(&sql)?;
            let span = params![naive(from), naive(to), HOURLY_MIN_TOKENS, HOURLY_TOLERANCE];
            let mut record = HourlyRecord::default();
            for batch in columns::batches(&mut statement, span)? {
                let batch = batch?;
                each_row!(&batch, |endpoint_no: i64,
                                   start_s: Option<i64>,
                                   end_s: Option<i64>,
                                   hit_rate: Option<f64>,
                                   tokens: Option<i64>,
                                   refused: Option<Refusal>,
                                   requests_30m: Option<i64>| {
                    if let Some(refusal) = refused {
                        *record.refused.entry(refusal).or_default() += 1;
                        continue;
                    }
                    let unreadable = || StoreError::Content {
                        what: "hourly rate",
                        detail: format!("endpoint {endpoint_no}, end {end_s:?}"),
                    };
                    let time = |seconds: Option<i64>| DateTime::from_timestamp(seconds?, 0);
                    let stretch = || {
                        let (start, end) = (time(start_s)?, time(end_s)?);
                        Some(Stretch { start, end, hit_rate: hit_rate?, tokens: tokens? })
                    };
                    let (stretch, id) = stretch().zip(ids.get(&endpoint_no)).ok_or_else(unreadable)?;
                    record.request_sizes.entry(*id).or_default().add(&stretch, requests_30m);
                    record.stretches.entry(*id).or_default().push(stretch);
                });
            }
            // Endpoint by endpoint, because sorting half a million rows at once takes longer.
            record.stretches.values_mut().for_each(|of_one| of_one.sort_unstable_by_key(|one| one.end));
            Ok(record)
        })
    }
}
