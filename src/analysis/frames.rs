//! The column contract of the two frames that the store produces, and the check that reports violations.

use super::AnalysisError;
use crate::domain::tier_list::DayRange;
use polars::prelude::*;

/// The record of the lens window and the newest run.
#[derive(Debug, Clone)]
pub struct Frames {
    /// One row per endpoint and UTC day of the lens window: [`DAYS`].
    pub days: DataFrame,
    /// One row per endpoint of the newest run: [`NEWEST`].
    pub newest: DataFrame,
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// String.
    Text,
    /// Float64.
    Float,
    /// Int64 or Int32.
    Integer,
    /// Int32 or Int64: days since 1970-01-01. Not polars' `Date`, which requires a separate compile-time feature.
    Day,
    /// Boolean.
    Flag,
}

impl ColumnKind {
    fn wanted(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Float => "Float64",
            Self::Integer => "Int64 or Int32",
            Self::Day => "Int32 or Int64, days since 1970-01-01",
            Self::Flag => "Boolean",
        }
    }

    fn takes(self, found: &DataType) -> bool {
        match self {
            Self::Text => *found == DataType::String,
            Self::Float => *found == DataType::Float64,
            Self::Integer | Self::Day => matches!(found, DataType::Int32 | DataType::Int64),
            Self::Flag => *found == DataType::Boolean,
        }
    }
}

/// One column of a frame's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: ColumnKind,
    /// Whether nulls are allowed.
    pub nullable: bool,
}

pub(super) const fn must(name: &'static str, kind: ColumnKind) -> ColumnSpec {
    ColumnSpec { name, kind, nullable: false }
}

pub(super) const fn may(name: &'static str, kind: ColumnKind) -> ColumnSpec {
    ColumnSpec { name, kind, nullable: true }
}

/// `days`: one row per endpoint and UTC day of the lens window. Rates and shares are fractions, prices USD per million
/// tokens, throughput tokens a second. `derived`: the hit rate was derived from the price chart, and `tokens` is null.
/// `coverage`: share of the UTC day that the reading covers. Further columns are ignored.
pub const DAYS: &[ColumnSpec] = &[
    must("endpoint_id", ColumnKind::Text),
    must("model", ColumnKind::Text),
    must("variant", ColumnKind::Text),
    must("provider", ColumnKind::Text),
    must("day", ColumnKind::Day),
    may("hit_rate", ColumnKind::Float),
    must("derived", ColumnKind::Flag),
    may("tokens", ColumnKind::Integer),
    may("effective_input", ColumnKind::Float),
    may("effective_output", ColumnKind::Float),
    may("list_input", ColumnKind::Float),
    may("list_output", ColumnKind::Float),
    may("list_cache_read", ColumnKind::Float),
    may("list_cache_write", ColumnKind::Float),
    must("billed_writes", ColumnKind::Flag),
    must("price_tiers", ColumnKind::Flag),
    may("uptime_1d", ColumnKind::Float),
    may("availability_1d", ColumnKind::Float),
    may("throughput", ColumnKind::Float),
    may("latency_ms", ColumnKind::Float),
    may("coverage", ColumnKind::Float),
    may("list_cache_write_1h", ColumnKind::Float),
];

/// `newest`: one row per endpoint of the newest run, of all variants. Times are seconds since 1970-01-01 UTC;
/// `created_at` is in microseconds. `price_tiers_json` is a JSON list of [`crate::domain::endpoint::PriceTier`], `[]`
/// if there are none. Further columns are ignored.
pub const NEWEST: &[ColumnSpec] = &[
    must("endpoint_id", ColumnKind::Text),
    must("model", ColumnKind::Text),
    must("variant", ColumnKind::Text),
    must("provider", ColumnKind::Text),
    must("provider_name", ColumnKind::Text),
    must("tag", ColumnKind::Text),
    may("model_created_s", ColumnKind::Integer),
    must("observed_s", ColumnKind::Integer),
    must("first_seen_s", ColumnKind::Integer),
    may("hit_rate", ColumnKind::Float),
    may("tokens", ColumnKind::Integer),
    may("effective_input", ColumnKind::Float),
    may("effective_output", ColumnKind::Float),
    may("list_input", ColumnKind::Float),
    may("list_output", ColumnKind::Float),
    may("list_cache_read", ColumnKind::Float),
    may("list_cache_write", ColumnKind::Float),
    must("price_tiers_json", ColumnKind::Text),
    must("billed_writes", ColumnKind::Flag),
    may("uptime_5m", ColumnKind::Float),
    may("uptime_30m", ColumnKind::Float),
    may("uptime_1d", ColumnKind::Float),
    may("availability_1d", ColumnKind::Float),
    may("status", ColumnKind::Integer),
    may("throughput", ColumnKind::Float),
    may("latency_ms", ColumnKind::Float),
    must("restricted", ColumnKind::Flag),
    must("deranked", ColumnKind::Flag),
    must("disabled", ColumnKind::Flag),
    must("window_day_to_date", ColumnKind::Flag),
    may("list_cache_write_1h", ColumnKind::Float),
    may("created_at", ColumnKind::Integer),
    must("price_moved_today", ColumnKind::Flag),
];

impl Frames {
    /// The same frames, with no days but those of a range.
    ///
    /// # Errors
    /// If the column `day` is missing or has a different type.
    pub fn within(self, range: DayRange) -> Result<Self, AnalysisError> {
        let range = i64::from(range.from.to_epoch_days())..=i64::from(range.to.to_epoch_days());
        let days = integers(&self.days, "day")?;
        let kept: Vec<bool> = days.iter().map(|day| day.is_some_and(|day| range.contains(&day))).collect();
        let days = self.days.filter(&BooleanChunked::new("kept".into(), kept))?;
        Ok(Self { days, newest: self.newest })
    }

    /// Checks that both frames conform to [`DAYS`] and [`NEWEST`].
    ///
    /// # Errors
    /// The first column that is missing, has a different type, or contains a forbidden null.
    pub fn check(&self) -> Result<(), AnalysisError> {
        check("days", &self.days, DAYS)?;
        check("newest", &self.newest, NEWEST)
    }
}

/// Checks one frame against a contract; a nullable column without any values may have polars' null type.
pub(super) fn check(
    frame: &'static str,
    data: &DataFrame,
    contract: &'static [ColumnSpec],
) -> Result<(), AnalysisError> {
    for spec in contract {
        let wanted = spec.kind.wanted();
        let Ok(column) = data.column(spec.name) else {
            return Err(AnalysisError::MissingColumn { frame, column: spec.name, wanted });
        };
        let found = column.dtype();
        let empty = spec.nullable && *found == DataType::Null;
        if !(spec.kind.takes(found) || empty) {
            let found = format!("{found:?}");
            return Err(AnalysisError::WrongType { frame, column: spec.name, wanted, found });
        }
        let nulls = column.null_count();
        if nulls > 0 && !spec.nullable {
            return Err(AnalysisError::UnexpectedNull { frame, column: spec.name, nulls });
        }
    }
    Ok(())
}

/// A column of floats; NaN counts as absent.
pub(super) fn floats(data: &DataFrame, name: &str) -> Result<Vec<Option<f64>>, AnalysisError> {
    let series = data.column(name)?.as_materialized_series().cast(&DataType::Float64)?;
    Ok(series.f64()?.iter().map(|value| value.filter(|v| v.is_finite())).collect())
}

/// A column of integers.
pub(super) fn integers(data: &DataFrame, name: &str) -> Result<Vec<Option<i64>>, AnalysisError> {
    let series = data.column(name)?.as_materialized_series().cast(&DataType::Int64)?;
    Ok(series.i64()?.iter().collect())
}

/// A column of texts; null reads as empty.
pub(super) fn texts(data: &DataFrame, name: &str) -> Result<Vec<String>, AnalysisError> {
    let series = data.column(name)?.as_materialized_series().cast(&DataType::String)?;
    Ok(series.str()?.iter().map(|value| value.unwrap_or_default().to_owned()).collect())
}

/// A column of flags; null reads as false.
pub(super) fn flags(data: &DataFrame, name: &str) -> Result<Vec<bool>, AnalysisError> {
    let series = data.column(name)?.as_materialized_series().cast(&DataType::Boolean)?;
    Ok(series.bool()?.iter().map(|value| value.unwrap_or(false)).collect())
}
