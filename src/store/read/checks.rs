//! What the checks of a run read: earlier counts and values, and the findings of a run.

use crate::domain::document::Pair;
use crate::domain::finding::{Check, Finding, Findings};
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::record::Counts;
use crate::store::columns::{self, naive, rows, select};
use crate::store::{Store, StoreError};
use chrono::{DateTime, NaiveDate, Utc};
use std::collections::HashMap;
use uuid::Uuid;

const RUN_COUNTS: &str = include_str!("../../../queries/analysis/run_counts.sql");

/// Values of past days that every response reports again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PastValues {
    /// Closing hit rates by endpoint and UTC day, fractions.
    pub closing_rates: HashMap<(Uuid, NaiveDate), f64>,
    /// Prompt and completion tokens by model and UTC day.
    pub activity: HashMap<(Pair, NaiveDate), [i64; 2]>,
}

impl Store {
    /// The counts of the accepted runs in `[from, to)`, oldest first.
    pub fn run_counts(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Counts>, StoreError> {
        select!(
            self,
            RUN_COUNTS,
            [naive(from), naive(to)],
            Counts { observed_at, models, endpoints, readings, tokens }
        )
    }

    /// Values that the comparison series and the activity of models have reported for the past days `[from, to]`.
    pub fn past_values(&self, from: NaiveDate, to: NaiveDate) -> Result<PastValues, StoreError> {
        let days = [from.to_string(), to.to_string()];
        let rates = "SELECT CAST(e.endpoint_id AS VARCHAR) AS id, c.day, max_by(c.hit_rate, c.run_no) AS rate
             FROM closing_rate c JOIN endpoint e USING (endpoint_no)
             WHERE c.day BETWEEN CAST(? AS DATE) AND CAST(? AS DATE) GROUP BY ALL";
        let tokens = "SELECT model, variant, day, max_by(prompt_tokens, run_no) AS prompt,
                max_by(completion_tokens, run_no) AS completion
             FROM activity WHERE day BETWEEN CAST(? AS DATE) AND CAST(? AS DATE) GROUP BY ALL";
        self.read(|connection| {
            let rates =
                rows!(connection, rates, [&days[0], &days[1]], |id: Uuid, day: NaiveDate, rate: f64| (
                    (id, day),
                    rate
                ));
            let tokens = rows!(
                connection,
                tokens,
                [&days[0], &days[1]],
                |model: ModelSlug, variant: Variant, day: NaiveDate, prompt: i64, completion: i64| {
                    ((Pair { model, variant }, day), [prompt, completion])
                }
            );
            Ok(PastValues {
                closing_rates: rates.into_iter().collect(),
                activity: tokens.into_iter().collect(),
            })
        })
    }

    /// The findings against a run: those that make it suspect, and the accepted ones.
    pub fn findings(&self, run_id: &str) -> Result<Findings, StoreError> {
        let sql = "SELECT field, check_name, before, after, detail, accepted
             FROM finding JOIN run USING (run_no) WHERE run_id = ? ORDER BY finding.rowid";
        let all =
            select!(self, sql, [run_id], |field: String,
                                          check_name: String,
                                          before: Option<f64>,
                                          after: Option<f64>,
                                          detail: String,
                                          accepted: bool| {
                // The store of a newer version may contain a check that this version does not know.
                let check = Check::parse(&check_name).unwrap_or(Check::Changed);
                (Finding { field, check, before, after, detail }, accepted)
            })?;
        let mut findings = Findings::default();
        for (finding, accepted) in all {
            if accepted { findings.accepted.push(finding) } else { findings.open.push(finding) }
        }
        Ok(findings)
    }
}
