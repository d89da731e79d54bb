//! Frames from usage alone: hit rates and tokens without prices, uptime or speed. For studies that know the truth and
//! need no upstream.

use super::AnalysisError;
use super::frames::{ColumnSpec, DAYS, Frames, NEWEST};
use chrono::NaiveDate;
use polars::prelude::{Column, DataFrame, DataType};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What one endpoint served on one UTC day.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageDay {
    /// Endpoint.
    pub endpoint: Uuid,
    /// Canonical slug.
    pub model: String,
    /// Variant.
    pub variant: String,
    /// Base slug of the provider.
    pub provider: String,
    /// UTC day.
    pub day: NaiveDate,
    /// Cached prompt tokens divided by all prompt tokens, 0..1; `None` without traffic.
    pub hit_rate: Option<f64>,
    /// Tokens of the day.
    pub tokens: i64,
}

impl Frames {
    /// The frames of an upstream that publishes only usage; each endpoint's last day in `usage` is its newest reading.
    ///
    /// # Errors
    /// [`AnalysisError::Polars`] if the columns do not fit together.
    pub fn of_usage(usage: &[UsageDay]) -> Result<Self, AnalysisError> {
        let rows: Vec<&UsageDay> = usage.iter().collect();
        let mut last: BTreeMap<Uuid, &UsageDay> = BTreeMap::new();
        for row in usage {
            let kept = last.entry(row.endpoint).or_insert(row);
            if row.day > kept.day {
                *kept = row;
            }
        }
        let newest: Vec<&UsageDay> = last.into_values().collect();
        Ok(Self { days: frame(&rows, DAYS)?, newest: frame(&newest, NEWEST)? })
    }
}

fn frame(rows: &[&UsageDay], contract: &[ColumnSpec]) -> Result<DataFrame, AnalysisError> {
    let columns = contract.iter().map(|spec| column(rows, spec.name)).collect();
    Ok(DataFrame::new(rows.len(), columns)?)
}

/// A column of either contract; values that usage does not contain are null.
fn column(rows: &[&UsageDay], name: &'static str) -> Column {
    let texts = |f: fn(&UsageDay) -> String| {
        Column::new(name.into(), rows.iter().map(|row| f(row)).collect::<Vec<_>>())
    };
    let flags = |flag: bool| Column::new(name.into(), vec![flag; rows.len()]);
    // Days since 1970-01-01.
    let days = rows.iter().map(|row| row.day.to_epoch_days());
    match name {
        "endpoint_id" => texts(|row| row.endpoint.to_string()),
        "model" => texts(|row| row.model.clone()),
        "variant" => texts(|row| row.variant.clone()),
        "provider" | "provider_name" | "tag" => texts(|row| row.provider.clone()),
        "price_tiers_json" => texts(|_| "[]".to_owned()),
        "window_day_to_date" => flags(true),
        "derived" | "billed_writes" | "price_tiers" | "restricted" | "deranked" | "disabled"
        | "price_moved_today" | "list_moved" => flags(false),
        "day" => Column::new(name.into(), days.collect::<Vec<_>>()),
        "observed_s" | "first_seen_s" => {
            Column::new(name.into(), days.map(|day| i64::from(day) * 86_400).collect::<Vec<_>>())
        }
        "hit_rate" => Column::new(name.into(), rows.iter().map(|row| row.hit_rate).collect::<Vec<_>>()),
        "tokens" => Column::new(name.into(), rows.iter().map(|row| row.tokens).collect::<Vec<_>>()),
        _ => Column::full_null(name.into(), rows.len(), &DataType::Null),
    }
}
