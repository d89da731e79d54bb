//! All hourly rates of a time span, for the snapshot.

use super::backtest::endpoint_ids;
use super::columns::{self, each_row, naive, rows};
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
            // The days in the span that are rolled up: whole days, because lists of such a day are as of its end.
            let sql = "SELECT endpoint_no, CAST(sum(tokens) AS BIGINT) AS tokens,
                    CAST(sum(request_seconds) AS BIGINT) AS request_seconds, CAST(sum(counts) AS INTEGER) AS counts
                 FROM request_size_day
                 WHERE day >= CAST(CAST(? AS TIMESTAMP) AS DATE) AND day < CAST(? AS TIMESTAMP)
                 GROUP BY endpoint_no";
            let rolled = rows!(connection, sql, [naive(from), naive(to)], |endpoint_no: i64,
                                                                          tokens: i64,
                                                                          request_seconds: i64,
                                                                          counts: u32| (
                endpoint_no,
                (tokens, request_seconds, counts)
            ));
            for (endpoint_no, (tokens, request_seconds, counts)) in rolled {
                if let Some(id) = ids.get(&endpoint_no) {
                    record.request_sizes.entry(*id).or_default().add_sums(tokens, request_seconds, counts);
                }
            }
            // Endpoint by endpoint, because sorting half a million rows at once takes longer.
            record.stretches.values_mut().for_each(|of_one| of_one.sort_unstable_by_key(|one| one.end));
            Ok(record)
        })
    }
}
