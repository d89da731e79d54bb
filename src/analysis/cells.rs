//! Cells: each cell aggregates the days of one endpoint over the lens window.

use super::AnalysisError;
use super::frames::{DAYS, Row, mask, rows};
use super::newest::Latest;
use super::scatter::HitDays;
use crate::domain::session::Pricing;
use crate::domain::thresholds::{FULL_RECORD_DAYS, LAUNCH_DAYS};
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// One endpoint over the lens window. Means are plain means over its days, ignoring nulls.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Cell {
    /// Endpoint.
    pub endpoint: Uuid,
    /// Canonical slug.
    pub model: String,
    /// Variant.
    pub variant: String,
    /// Base slug of the provider.
    pub provider: String,
    /// Days with a hit rate, observed or derived.
    pub days: usize,
    /// Days with an observed hit rate.
    pub observed: usize,
    /// Mean hit rate, 0..1.
    pub hit_rate: Option<f64>,
    /// Variance of the days' hit rates (n - 1); `None` with fewer than two days.
    pub hit_rate_variance: Option<f64>,
    /// Mean tokens a day over its observed days.
    pub tokens: Option<f64>,
    /// Share of the listed discount that was applied to hits over its observed days without a moved list price: a ratio
    /// of sums weighted by tokens.
    pub efficiency: Option<f64>,
    /// Share of the prompt tokens that were not found and that were written to the cache, 0..1, over the same days, from
    /// the price paid; `None` unless writes are billed above the input price.
    pub written: Option<f64>,
    /// List prices of its last day, without the conditional ones.
    pub pricing: Pricing,
    /// Whether price tiers applied on its last day.
    pub price_tiers: bool,
    /// Mean published uptime over a day, 0..1.
    pub uptime: Option<f64>,
    /// Mean availability over a day, 0..1.
    pub availability: Option<f64>,
    /// Mean output speed, tokens a second.
    pub throughput: Option<f64>,
    /// Mean time to first token, milliseconds.
    pub latency_ms: Option<f64>,
}

impl Cell {
    /// Its hit rate by day, reduced to what the scatter needs.
    pub(super) fn hit_days(&self) -> Option<HitDays> {
        let mean = self.hit_rate.filter(|_| self.days > 0)?;
        Some(HitDays { days: self.days, observed: self.observed, mean, variance: self.hit_rate_variance })
    }
}

/// The cells of a window and their basis.
pub(super) struct Record {
    pub cells: Vec<Cell>,
    pub observed_days: usize,
    /// Whether derived days are included because there are too few observed ones.
    pub provisional: bool,
}

/// The cells of the window. Derived days are used only while the record is young.
pub(super) fn record(days: &DataFrame, latest: &[Latest]) -> Result<Record, AnalysisError> {
    let created = latest
        .iter()
        .filter_map(|l| Some((l.model.clone(), l.model_created_s?.div_euclid(86_400))))
        .collect();
    let observed_days = observed_days(days)?;
    let provisional = observed_days < FULL_RECORD_DAYS;
    Ok(Record { cells: cells(days, &created, provisional)?, observed_days, provisional })
}

/// Number of UTC days in the frame `days` with an observed hit rate.
///
/// # Errors
/// If a column is missing.
pub fn observed_days(days: &DataFrame) -> Result<usize, AnalysisError> {
    let mut seen = BTreeSet::new();
    for row in rows(days) {
        if !row.flag("derived")? && row.float("hit_rate")?.is_some() {
            seen.extend(row.integer("day")?);
        }
    }
    Ok(seen.len())
}

/// Groups the frame `days` by endpoint, ordered by endpoint. The first [`LAUNCH_DAYS`] of a model are excluded:
/// `created` contains the day on which it was listed (days since 1970-01-01). Derived rows are excluded unless
/// `with_derived` is set.
///
/// # Errors
/// If a column is missing or cannot be aggregated, or an endpoint id is not a UUID.
pub fn cells(
    days: &DataFrame,
    created: &BTreeMap<String, i64>,
    with_derived: bool,
) -> Result<Vec<Cell>, AnalysisError> {
    let counts = |row: Row<'_>| -> Result<bool, AnalysisError> {
        let first = created.get(row.text("model")?).copied().unwrap_or(i64::MIN);
        let launched = row.integer("day")?.is_some_and(|day| day >= first.saturating_add(LAUNCH_DAYS));
        Ok(launched && (with_derived || !row.flag("derived")?))
    };
    let mut kept = days.filter(&mask(days, counts)?)?;
    let possible = mask(&kept, has_possible_price)?.with_name("possible_price".into());
    kept.with_column(Column::from(possible.into_series()))?;
    // A column without any values may have the null type.
    let measured = DAYS.iter().filter(|column| column.nullable);
    let cells = kept
        .lazy()
        .with_columns(measured.map(|column| col(column.name).cast(DataType::Float64)).collect::<Vec<_>>())
        .sort(["endpoint_id", "day"], SortMultipleOptions::default())
        .group_by_stable([col("endpoint_id")])
        .agg(aggregates())
        .collect()?;
    rows(&cells).map(read).collect()
}

/// Whether list prices can explain the price that belongs to the rate of a row. Rows with conditional prices are not checked: the
/// frame does not contain these prices, and the efficiency of such endpoints is not used for costs.
fn has_possible_price(row: Row<'_>) -> Result<bool, AnalysisError> {
    let (paid, pricing) = (row.float("paid_input")?, row.pricing()?);
    Ok(row.flag("price_tiers")? || paid.is_none_or(|paid| !pricing.is_impossible(paid)))
}

/// Price and rate of a day come from one source. A day whose list price moved is billed at more than one list, so it does
/// not count for the efficiency.
fn aggregates() -> Vec<Expr> {
    let observed = col("derived").not();
    let discount = col("list_input") - col("list_cache_read");
    let given = col("list_input") - col("paid_input");
    let listed =
        col("list_cache_read").lt(lit(crate::domain::thresholds::READ_PRICE_DISCOUNT) * col("list_input"));
    let priced = observed
        .clone()
        .and(col("possible_price"))
        .and(col("list_moved").not())
        .and(col("hit_rate").is_not_null())
        .and(col("paid_input").is_not_null());
    let usable = priced.clone().and(listed);
    // What was paid above the price without writes, and what would have been paid if every miss had been written.
    let missed = lit(1.0) - col("hit_rate");
    let premium = col("list_cache_write") - col("list_input");
    let above =
        col("paid_input") - col("hit_rate") * col("list_cache_read") - missed.clone() * col("list_input");
    let writes = priced
        .and(col("billed_writes"))
        .and(col("price_tiers").not())
        .and(col("list_cache_read").is_not_null())
        .and(col("list_cache_write").gt(col("list_input")));
    let last = ["model", "variant", "provider"]
        .into_iter()
        .chain(["list_input", "list_output", "list_cache_read", "list_cache_write", "list_cache_write_1h"])
        .chain(["billed_writes", "price_tiers"]);
    let mean = ["hit_rate", "uptime_1d", "availability_1d", "throughput", "latency_ms"];
    let counted = [
        col("hit_rate").count().cast(DataType::Int64).alias("days"),
        col("hit_rate").filter(observed.clone()).count().cast(DataType::Int64).alias("observed"),
        col("hit_rate").var(1).alias("hit_rate_variance"),
        col("tokens").filter(observed).mean(),
    ];
    let parts = [
        ("given", given, &usable),
        ("promised", col("hit_rate") * discount.clone(), &usable),
        ("discount", discount, &usable),
        ("above", above, &writes),
        ("writable", missed * premium.clone(), &writes),
        ("premium", premium, &writes),
    ];
    let weighted = parts.into_iter().flat_map(|(name, part, days)| {
        let without = days.clone().and(col("tokens").is_null());
        [
            (part.clone() * col("tokens")).filter(days.clone()).sum().alias(name),
            part.filter(without).sum().alias(format!("{name}{WITHOUT_TOKENS}")),
        ]
    });
    let last = last.map(|name| col(name).last());
    last.chain(mean.map(|name| col(name).mean())).chain(counted).chain(weighted).collect()
}

/// Ending of the sums over the days whose tokens are unknown.
const WITHOUT_TOKENS: &str = "_without_tokens";

/// With a smaller share of hits or misses than this, a figure per hit or miss is a quotient of two rounding errors.
const LEAST_SHARE: f64 = 0.01;

fn read(row: Row<'_>) -> Result<Cell, AnalysisError> {
    let count = |name| row.integer(name).map(|count| usize::try_from(count.unwrap_or(0)).unwrap_or(0));
    let days = count("days")?;
    let tokens = row.float("tokens")?;
    // A day without known tokens counts like a mean day; if no day has any, all count alike.
    let sum = |name: &str| -> Result<f64, AnalysisError> {
        let without = row.float(&format!("{name}{WITHOUT_TOKENS}"))?.unwrap_or(0.0);
        Ok(row.float(name)?.unwrap_or(0.0) + without * tokens.unwrap_or(1.0))
    };
    let (given, promised) = (sum("given")?, sum("promised")?);
    let has_hits = promised > LEAST_SHARE * sum("discount")?;
    let (above, writable) = (sum("above")?, sum("writable")?);
    let has_misses = writable > LEAST_SHARE * sum("premium")?;
    Ok(Cell {
        endpoint: row.endpoint("days")?,
        model: row.text("model")?.to_owned(),
        variant: row.text("variant")?.to_owned(),
        provider: row.text("provider")?.to_owned(),
        days,
        observed: count("observed")?,
        hit_rate: row.float("hit_rate")?,
        hit_rate_variance: row.float("hit_rate_variance")?.filter(|_| days > 1),
        tokens,
        efficiency: has_hits.then(|| given / promised),
        written: has_misses.then(|| (above / writable).clamp(0.0, 1.0)),
        pricing: row.pricing()?,
        price_tiers: row.flag("price_tiers")?,
        uptime: row.float("uptime_1d")?,
        availability: row.float("availability_1d")?,
        throughput: row.float("throughput")?,
        latency_ms: row.float("latency_ms")?,
    })
}
