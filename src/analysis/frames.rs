//! The column contract of the two frames that the store produces, and the check that reports violations.

use super::AnalysisError;
use crate::domain::endpoint::Prices;
use crate::domain::session::Pricing;
use crate::domain::tier_list::DayRange;
use polars::prelude::*;
use uuid::Uuid;

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
/// `coverage`: share of the UTC day that the reading covers. `paid_input`: the effective input price that belongs to the
/// hit rate, from the same source; null for derived rows. `list_moved`: the list price of a prompt token moved within the
/// day. Further columns are ignored.
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
    may("paid_input", ColumnKind::Float),
    must("list_moved", ColumnKind::Flag),
];

/// `newest`: one row per endpoint of the newest run, of all variants. Times are seconds since 1970-01-01 UTC;
/// `created_at` is in microseconds. `price_tiers_json` is a JSON list of [`crate::domain::endpoint::PriceTier`], `[]`
/// if there are none. `usual_`, `lowest_` and `highest_`: mean, lowest and highest list price of the lens window;
/// `list_moves`: how often the list moved in it; `list_returns`: how often the input price returned to an earlier one.
/// Further columns are ignored.
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
    may("context_length", ColumnKind::Integer),
    may("max_prompt_tokens", ColumnKind::Integer),
    may("usual_input", ColumnKind::Float),
    may("usual_output", ColumnKind::Float),
    may("usual_cache_read", ColumnKind::Float),
    may("usual_cache_write", ColumnKind::Float),
    may("usual_cache_write_1h", ColumnKind::Float),
    may("lowest_input", ColumnKind::Float),
    may("lowest_output", ColumnKind::Float),
    may("lowest_cache_read", ColumnKind::Float),
    may("lowest_cache_write", ColumnKind::Float),
    may("lowest_cache_write_1h", ColumnKind::Float),
    may("highest_input", ColumnKind::Float),
    may("highest_output", ColumnKind::Float),
    may("highest_cache_read", ColumnKind::Float),
    may("highest_cache_write", ColumnKind::Float),
    may("highest_cache_write_1h", ColumnKind::Float),
    may("list_moves", ColumnKind::Integer),
    may("list_returns", ColumnKind::Integer),
];

impl Frames {
    /// The same frames, with no days but those of a range.
    ///
    /// # Errors
    /// If a frame with rows lacks the column `day`, or if a day is not an integer.
    pub fn within(self, range: DayRange) -> Result<Self, AnalysisError> {
        let range = i64::from(range.from.to_epoch_days())..=i64::from(range.to.to_epoch_days());
        let within = mask(&self.days, |row| Ok(row.integer("day")?.is_some_and(|day| range.contains(&day))))?;
        let days = self.days.filter(&within)?;
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

/// One row of a frame. A missing column or a value of another type is an error when it is read.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    data: &'a DataFrame,
    at: usize,
}

/// The rows of a frame.
pub(super) fn rows(data: &DataFrame) -> impl Iterator<Item = Row<'_>> {
    (0..data.height()).map(move |at| Row { data, at })
}

/// The result of `holds` for each row.
pub(super) fn mask(
    data: &DataFrame,
    holds: impl Fn(Row<'_>) -> Result<bool, AnalysisError>,
) -> Result<BooleanChunked, AnalysisError> {
    let held = rows(data).map(holds).collect::<Result<Vec<bool>, _>>()?;
    Ok(BooleanChunked::new("mask".into(), held))
}

impl<'a> Row<'a> {
    /// A value as `read` makes it of one that is not null.
    fn value<T>(
        self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(AnyValue<'a>) -> Option<T>,
    ) -> Result<Option<T>, AnalysisError> {
        // A column that holds the same value in all rows lends its text only once it is a series.
        match self.data.column(name)?.as_materialized_series().get(self.at)? {
            AnyValue::Null => Ok(None),
            value => {
                let found = value.dtype();
                let wrong = || polars_err!(SchemaMismatch: "column `{name}` is {found}, wanted is {wanted}");
                Ok(Some(read(value).ok_or_else(wrong)?))
            }
        }
    }

    /// A number; NaN and infinities count as absent.
    pub fn float(self, name: &str) -> Result<Option<f64>, AnalysisError> {
        let number = self
            .value(name, "a number", |value| value.is_primitive_numeric().then(|| value.extract()).flatten());
        Ok(number?.filter(|value: &f64| value.is_finite()))
    }

    /// An integer.
    pub fn integer(self, name: &str) -> Result<Option<i64>, AnalysisError> {
        self.value(name, "an integer", |value| value.is_integer().then(|| value.extract()).flatten())
    }

    /// A text; null reads as empty.
    pub fn text(self, name: &str) -> Result<&'a str, AnalysisError> {
        let text = self.value(name, "a text", |value| match value {
            AnyValue::String(text) => Some(text),
            _ => None,
        });
        Ok(text?.unwrap_or_default())
    }

    /// A flag; null reads as false.
    pub fn flag(self, name: &str) -> Result<bool, AnalysisError> {
        let flag = self.value(name, "a flag", |value| match value {
            AnyValue::Boolean(flag) => Some(flag),
            _ => None,
        });
        Ok(flag?.unwrap_or_default())
    }

    /// The column `endpoint_id`; `frame` is the name of the frame in the error.
    pub fn endpoint(self, frame: &'static str) -> Result<Uuid, AnalysisError> {
        let value = self.text("endpoint_id")?;
        Uuid::parse_str(value).map_err(|_| AnalysisError::BadEndpointId { frame, value: value.to_owned() })
    }

    /// The prices in the columns that begin with a word: `list`, `usual`, `lowest` or `highest`.
    pub fn prices(self, word: &str) -> Result<Prices, AnalysisError> {
        let price = |name: &str| self.float(&format!("{word}_{name}"));
        Ok(Prices {
            input: price("input")?,
            output: price("output")?,
            cache_read: price("cache_read")?,
            cache_write: price("cache_write")?,
            cache_write_1h: price("cache_write_1h")?,
        })
    }

    /// The list prices of an endpoint, without the conditional ones.
    pub fn pricing(self) -> Result<Pricing, AnalysisError> {
        let billed_writes = self.flag("billed_writes")?;
        Ok(Pricing { billed_writes, ..Pricing::listed(&self.prices("list")?, Vec::new()) })
    }
}
