//! The series of all endpoints, as means over periods: computed in Polars, column by column.

use super::super::AnalysisError;
use super::scan::Period;
use crate::domain::change::ChangedField;
use crate::domain::hourly::Stretch;
use crate::domain::shift::SHIFT_FIELDS;
use crate::domain::thresholds::SHIFT_PERIOD_HOURS;
use polars::prelude::*;
use std::collections::BTreeMap;

/// The readings of the examined days. Times are seconds since 1970.
#[derive(Debug, Clone)]
pub struct Readings {
    /// One row per endpoint and stretch with a rate: `endpoint_no`, `start_s`, `end_s`, `hit_rate`, `tokens`, and
    /// `paid`, the effective input price times the tokens of the stretch, or null.
    pub usage: DataFrame,
    /// One row per endpoint and reading: `endpoint_no`, `at_s`, `throughput`, `latency_ms`, `uptime_30m`, each of which
    /// may be null.
    pub health: DataFrame,
}

impl Readings {
    /// The readings of an upstream that publishes only usage.
    ///
    /// # Errors
    /// [`AnalysisError::Polars`] if the columns do not fit together.
    pub fn of_stretches(rows: &[(i64, Stretch)]) -> Result<Self, AnalysisError> {
        let whole = |name: &str, of: fn(&(i64, Stretch)) -> i64| {
            Column::new(name.into(), rows.iter().map(of).collect::<Vec<_>>())
        };
        let usage = vec![
            whole("endpoint_no", |row| row.0),
            whole("start_s", |row| row.1.start.timestamp()),
            whole("end_s", |row| row.1.end.timestamp()),
            Column::new("hit_rate".into(), rows.iter().map(|row| row.1.hit_rate).collect::<Vec<_>>()),
            whole("tokens", |row| row.1.tokens),
            Column::full_null("paid".into(), rows.len(), &DataType::Float64),
        ];
        let none = |name: &str, kind: DataType| Column::full_null(name.into(), 0, &kind);
        let health = vec![
            none("endpoint_no", DataType::Int64),
            none("at_s", DataType::Int64),
            none("throughput", DataType::Float64),
            none("latency_ms", DataType::Float64),
            none("uptime_30m", DataType::Float64),
        ];
        Ok(Self { usage: DataFrame::new(rows.len(), usage)?, health: DataFrame::new(0, health)? })
    }
}

/// The periods of one field of one endpoint, in the order of time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub endpoint: i64,
    pub field: ChangedField,
    pub periods: Vec<Period>,
}

/// All series, by field and endpoint.
pub(super) fn series(readings: &Readings) -> Result<Vec<Series>, AnalysisError> {
    let mut all = Vec::new();
    for field in SHIFT_FIELDS {
        let rows = match field {
            ChangedField::HitRate => of_usage(&readings.usage, col("hit_rate") * col("tokens"))?,
            ChangedField::EffectiveInput => of_usage(&readings.usage, col("paid"))?,
            ChangedField::Throughput => of_health(&readings.health, "throughput")?,
            ChangedField::LatencyMs => of_health(&readings.health, "latency_ms")?,
            _ => of_health(&readings.health, "uptime_30m")?,
        };
        collect(&rows, field, &mut all)?;
    }
    Ok(all)
}

/// Mean tokens of the UTC days on which each endpoint was read.
pub(super) fn tokens_per_day(readings: &Readings) -> Result<BTreeMap<i64, f64>, AnalysisError> {
    let day = middle().floor_div(lit(2 * 86_400_i64)).cast(DataType::Int64).alias("day");
    let rows = readings
        .usage
        .clone()
        .lazy()
        .with_columns([day])
        .group_by([col("endpoint_no")])
        .agg([(col("tokens").sum().cast(DataType::Float64) / col("day").n_unique().cast(DataType::Float64))
            .alias("tokens")])
        .sort(["endpoint_no"], SortMultipleOptions::default())
        .collect()?;
    let (endpoints, tokens) = (rows.column("endpoint_no")?.i64()?, rows.column("tokens")?.f64()?);
    Ok(endpoints.iter().zip(tokens.iter()).filter_map(|(endpoint, tokens)| endpoint.zip(tokens)).collect())
}

/// Twice the middle of a stretch.
fn middle() -> Expr {
    col("start_s") + col("end_s")
}

/// The number of the period since 1970, from twice the time.
fn slot(twice: Expr) -> Expr {
    twice.floor_div(lit(2 * 3_600 * SHIFT_PERIOD_HOURS)).cast(DataType::Int64).alias("slot")
}

/// Means weighted by tokens. `amount` is the value times the tokens.
fn of_usage(usage: &DataFrame, amount: Expr) -> Result<DataFrame, AnalysisError> {
    let rows = usage.clone().lazy().with_columns([
        slot(middle()),
        amount.cast(DataType::Float64).alias("amount"),
        col("tokens").cast(DataType::Float64).alias("weight"),
        col("end_s").alias("time_s"),
    ]);
    grouped(rows, col("amount").sum() / col("weight").sum())
}

/// Plain means over the readings.
fn of_health(health: &DataFrame, field: &str) -> Result<DataFrame, AnalysisError> {
    let rows = health.clone().lazy().with_columns([
        slot(col("at_s") + col("at_s")),
        col(field).cast(DataType::Float64).alias("amount"),
        col("at_s").alias("time_s"),
    ]);
    grouped(rows, col("amount").mean())
}

/// One row per endpoint and period. The order of the rows is that of the store, so that sums do not depend on threads.
fn grouped(rows: LazyFrame, value: Expr) -> Result<DataFrame, AnalysisError> {
    Ok(rows
        .filter(col("amount").is_not_null())
        .group_by_stable([col("endpoint_no"), col("slot")])
        .agg([
            value.alias("value"),
            col("amount").count().cast(DataType::Int64).alias("readings"),
            col("time_s").min().alias("first_s"),
            col("time_s").max().alias("last_s"),
        ])
        .sort(["endpoint_no", "slot"], SortMultipleOptions::default())
        .collect()?)
}

fn collect(rows: &DataFrame, field: ChangedField, all: &mut Vec<Series>) -> Result<(), AnalysisError> {
    let whole = |name: &str| -> Result<Vec<i64>, AnalysisError> {
        Ok(rows.column(name)?.i64()?.iter().map(Option::unwrap_or_default).collect())
    };
    let (endpoints, slots, counts) = (whole("endpoint_no")?, whole("slot")?, whole("readings")?);
    let (first, last) = (whole("first_s")?, whole("last_s")?);
    for (at, value) in rows.column("value")?.f64()?.iter().enumerate() {
        let Some(value) = value.filter(|value| value.is_finite()) else { continue };
        let period =
            Period { slot: slots[at], value, readings: counts[at], first_s: first[at], last_s: last[at] };
        match all.last_mut().filter(|one| one.endpoint == endpoints[at] && one.field == field) {
            Some(one) => one.periods.push(period),
            None => all.push(Series { endpoint: endpoints[at], field, periods: vec![period] }),
        }
    }
    Ok(())
}
