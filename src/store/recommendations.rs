//! The record of recommendations: what the default mode of preferences named at the end of each UTC day.

use super::append::{Stored, append};
use super::columns::{self, naive, rows, select};
use super::transaction::{of_file, transaction};
use super::{Store, StoreError};
use crate::domain::ids::{ModelSlug, Variant};
use crate::domain::tier_history::RunDay;
use crate::domain::tier_list::DayRange;
use crate::failpoint;
use chrono::{DateTime, NaiveDate, Utc};
use duckdb::params;
use serde::{Deserialize, Serialize};

const PAST: &str = include_str!("../../queries/recommendations/past.sql");
const DAYS: &str = include_str!("../../queries/recommendations/days.sql");
const CHANGES: &str = include_str!("../../queries/recommendations/changes.sql");

/// How recommendations are made. Only those that are made in the same way are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecommendationKind<'a> {
    /// Version of the method.
    pub method_version: u32,
    /// Mode of the preference.
    pub mode: &'a str,
    /// Workload that it ranks by.
    pub workload: &'a str,
}

/// The recommendation for a model at the end of a UTC day.
#[derive(Debug, Clone, PartialEq)]
pub struct Recommendation {
    /// Canonical slug of the model.
    pub model: ModelSlug,
    /// Its variant.
    pub variant: Variant,
    /// Tags of the endpoints that it names, lowest expected cost first; empty if it was withheld.
    pub endpoints: Vec<String>,
    /// Expected saving against the average of the traffic, as a fraction.
    pub saving: Option<f64>,
    /// Lower end of its 90 % interval.
    pub saving_low: Option<f64>,
    /// Upper end of its 90 % interval.
    pub saving_high: Option<f64>,
}

/// The recorded recommendations for a model. Days on which it was withheld are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRecommendations {
    /// Canonical slug of the model.
    pub model: ModelSlug,
    /// Its variant.
    pub variant: Variant,
    /// Days of the range with a recommendation; at least 1.
    pub days: u32,
    /// Days of the range on which it differs from the one before, which may be older than the range.
    pub changes: u32,
    /// The first day of the last recommendation, which may be older than the range.
    pub since: NaiveDate,
    /// The endpoints that the last recommendation names.
    pub endpoints: Vec<String>,
}

/// A recommendation that differs from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecommendationChange {
    /// Time of the run that closed the day of the change.
    pub at: DateTime<Utc>,
    /// Canonical slug of the model.
    pub model: ModelSlug,
    /// Its variant.
    pub variant: Variant,
    /// Its public name.
    pub model_id: String,
    /// Tags that were named before.
    pub before: Vec<String>,
    /// Tags that are named since then.
    pub after: Vec<String>,
}

/// What was recommended for a model at the end of a UTC day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecommendedDay {
    /// Canonical slug of the model.
    pub model: ModelSlug,
    /// Its variant.
    pub variant: Variant,
    /// The day.
    pub day: NaiveDate,
    /// Tags of the endpoints that it names, lowest expected cost first; empty if it was withheld.
    pub endpoints: Vec<String>,
}

impl Store {
    /// The recorded recommendations of a range of days, by model, variant and day.
    pub fn recommended_days(
        &self,
        kind: RecommendationKind<'_>,
        days: DayRange,
    ) -> Result<Vec<RecommendedDay>, StoreError> {
        let parameters = params![
            kind.method_version,
            kind.mode,
            kind.workload,
            days.from.to_string(),
            days.to.to_string()
        ];
        select!(self, DAYS, parameters, RecommendedDay { model, variant, day, endpoints })
    }

    /// The newest UTC day before `before` whose recommendations are recorded for a version of the method.
    pub fn newest_recommended(
        &self,
        method_version: u32,
        before: NaiveDate,
    ) -> Result<Option<NaiveDate>, StoreError> {
        let sql = "SELECT max(day) AS newest FROM recommendation WHERE method_version = ? AND day < CAST(? AS DATE)";
        let parameters = params![method_version, before.to_string()];
        Ok(rows!(self.writer()?, sql, parameters, |newest: Option<NaiveDate>| newest).pop().flatten())
    }

    /// Records the recommendations of a day, in one transaction. Those of a day that is already recorded are replaced.
    ///
    /// # Errors
    /// [`StoreError::Query`]; then nothing is changed.
    pub fn record_recommendations(
        &self,
        kind: RecommendationKind<'_>,
        day: RunDay,
        recommendations: &[Recommendation],
    ) -> Result<(), StoreError> {
        let connection = self.writer()?;
        let date = day.day.to_string();
        transaction(&connection, || {
            connection.execute(
                "DELETE FROM recommendation WHERE method_version = ? AND day = CAST(? AS DATE)",
                params![kind.method_version, date],
            )?;
            append!(connection, "recommendation", row in recommendations => {
                method_version: kind.method_version,
                day: date,
                closing: naive(day.closing),
                model: row.model.as_str(),
                variant: row.variant.as_str(),
                mode: kind.mode,
                workload: kind.workload,
                endpoints: row.endpoints.stored()?,
                saving: row.saving,
                saving_low: row.saving_low,
                saving_high: row.saving_high,
            });
            failpoint::reach("days.recommendations").map_err(of_file(&connection))
        })
    }

    /// The recorded recommendations for each model with one in a range of days.
    pub fn past_recommendations(
        &self,
        kind: RecommendationKind<'_>,
        days: DayRange,
    ) -> Result<Vec<PastRecommendations>, StoreError> {
        let before = days.to.succ_opt().unwrap_or(days.to);
        let parameters =
            params![kind.method_version, kind.mode, kind.workload, days.from.to_string(), before.to_string()];
        select!(
            self,
            PAST,
            parameters,
            PastRecommendations { model, variant, days, changes, since, endpoints }
        )
    }

    /// The changes of recommendations on days from `from` on that had ended by `as_of`, newest first.
    pub fn recommendation_changes(
        &self,
        kind: RecommendationKind<'_>,
        from: NaiveDate,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<RecommendationChange>, StoreError> {
        let parameters =
            params![kind.method_version, kind.mode, kind.workload, from.to_string(), naive(as_of)];
        select!(
            self,
            CHANGES,
            parameters,
            RecommendationChange { at, model, variant, model_id, before, after }
        )
    }
}
