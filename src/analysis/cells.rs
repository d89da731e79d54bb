//! Cells: each cell aggregates the days of one endpoint over the lens window.

use super::AnalysisError;
use super::frames::{flags, floats, integers, texts};
use super::newest::{Latest, endpoint_ids};
use super::scatter::HitDays;
use crate::domain::endpoint::Prices;
use crate::domain::session::Pricing;
use crate::domain::thresholds::{FULL_RECORD_DAYS, LAUNCH_DAYS};
use polars::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// One endpoint over the lens window. Means are plain means over its days, ignoring nulls.
#[derive(Debug, Clone, PartialEq)]
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
    /// Share of the listed discount that was applied to hits over its observed days, as a ratio of sums.
    pub efficiency: Option<f64>,
    /// List prices of its last day.
    pub prices: Prices,
    /// Whether writes were billed on its last day.
    pub billed_writes: bool,
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
        Some(HitDays { days: self.days, mean, variance: self.hit_rate_variance })
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
/// If a column is missing or has a different type.
pub fn observed_days(days: &DataFrame) -> Result<usize, AnalysisError> {
    let (day, derived, hits) = (integers(days, "day")?, flags(days, "derived")?, floats(days, "hit_rate")?);
    let seen =
        (0..days.height()).filter(|row| !derived[*row] && hits[*row].is_some()).filter_map(|row| day[row]);
    Ok(seen.collect::<BTreeSet<_>>().len())
}

/// Groups the frame `days` by endpoint, ordered by endpoint. The first [`LAUNCH_DAYS`] of a model are excluded:
/// `created` contains the day on which it was listed (days since 1970-01-01). Derived rows are excluded unless
/// `with_derived` is set.
///
/// # Errors
/// If a column is missing or has a different type, or an endpoint id is not a UUID.
pub fn cells(
    days: &DataFrame,
    created: &BTreeMap<String, i64>,
    with_derived: bool,
) -> Result<Vec<Cell>, AnalysisError> {
    let mut kept = days.filter(&kept_rows(days, created, with_derived)?)?;
    kept.with_column(Column::from(possible_prices(&kept)?.into_series()))?;
    let cells = kept
        .lazy()
        .with_columns(FLOATS.map(|name| col(name).cast(DataType::Float64)))
        .sort(["endpoint_id", "day"], SortMultipleOptions::default())
        .group_by_stable([col("endpoint_id")])
        .agg(aggregates())
        .collect()?;
    read(&cells)
}

const FLOATS: [&str; 12] = [
    "hit_rate",
    "tokens",
    "effective_input",
    "list_input",
    "list_output",
    "list_cache_read",
    "list_cache_write",
    "list_cache_write_1h",
    "uptime_1d",
    "availability_1d",
    "throughput",
    "latency_ms",
];

fn kept_rows(
    days: &DataFrame,
    created: &BTreeMap<String, i64>,
    with_derived: bool,
) -> Result<BooleanChunked, AnalysisError> {
    let (model, day, derived) = (texts(days, "model")?, integers(days, "day")?, flags(days, "derived")?);
    let launched = |row: usize| {
        let first = created.get(&model[row]).copied().unwrap_or(i64::MIN);
        day[row].is_some_and(|day| day >= first.saturating_add(LAUNCH_DAYS))
    };
    let kept: Vec<bool> =
        (0..days.height()).map(|row| launched(row) && (with_derived || !derived[row])).collect();
    Ok(BooleanChunked::new("kept".into(), kept))
}

/// Whether list prices can explain the effective price of a row. Rows with conditional prices are not checked: the
/// frame does not contain these prices, and the efficiency of such endpoints is not used for costs.
fn possible_prices(days: &DataFrame) -> Result<BooleanChunked, AnalysisError> {
    let effective = floats(days, "effective_input")?;
    let (input, read) = (floats(days, "list_input")?, floats(days, "list_cache_read")?);
    let (write, write_1h) = (floats(days, "list_cache_write")?, floats(days, "list_cache_write_1h")?);
    let tiered = flags(days, "price_tiers")?;
    let possible = |row: usize| {
        let pricing = Pricing {
            input: input[row],
            cache_read: read[row],
            cache_write: write[row],
            cache_write_1h: write_1h[row],
            ..Pricing::default()
        };
        tiered[row] || effective[row].is_none_or(|effective| !pricing.is_impossible(effective))
    };
    let possible: Vec<bool> = (0..days.height()).map(possible).collect();
    Ok(BooleanChunked::new("possible_price".into(), possible))
}

fn aggregates() -> Vec<Expr> {
    let observed = col("derived").not();
    let discount = col("list_input") - col("list_cache_read");
    let given = col("list_input") - col("effective_input");
    let listed =
        col("list_cache_read").lt(lit(crate::domain::thresholds::READ_PRICE_DISCOUNT) * col("list_input"));
    let usable = observed
        .clone()
        .and(listed)
        .and(col("possible_price"))
        .and(col("hit_rate").is_not_null())
        .and(col("effective_input").is_not_null());
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
        given.filter(usable.clone()).sum().alias("given"),
        (col("hit_rate") * discount.clone()).filter(usable.clone()).sum().alias("promised"),
        discount.filter(usable).sum().alias("discount"),
    ];
    let last = last.map(|name| col(name).last());
    last.chain(mean.map(|name| col(name).mean())).chain(counted).collect()
}

/// With fewer hits than this, the efficiency is a quotient of two rounding errors.
const EFFICIENCY_MIN_HIT_RATE: f64 = 0.01;

fn read(frame: &DataFrame) -> Result<Vec<Cell>, AnalysisError> {
    let ids = endpoint_ids("days", frame)?;
    let (model, variant, provider) =
        (texts(frame, "model")?, texts(frame, "variant")?, texts(frame, "provider")?);
    let (days, observed) = (integers(frame, "days")?, integers(frame, "observed")?);
    let (hit_rate, tokens) = (floats(frame, "hit_rate")?, floats(frame, "tokens")?);
    let (given, promised) = (floats(frame, "given")?, floats(frame, "promised")?);
    let (discount, variance) = (floats(frame, "discount")?, floats(frame, "hit_rate_variance")?);
    let (input, output) = (floats(frame, "list_input")?, floats(frame, "list_output")?);
    let (cache_read, cache_write) = (floats(frame, "list_cache_read")?, floats(frame, "list_cache_write")?);
    let cache_write_1h = floats(frame, "list_cache_write_1h")?;
    let (billed, tiers) = (flags(frame, "billed_writes")?, flags(frame, "price_tiers")?);
    let (uptime, availability) = (floats(frame, "uptime_1d")?, floats(frame, "availability_1d")?);
    let (throughput, latency) = (floats(frame, "throughput")?, floats(frame, "latency_ms")?);
    let count = |value: Option<i64>| usize::try_from(value.unwrap_or(0)).unwrap_or(0);
    let efficiency = |row: usize| {
        let (promised, discount) = (promised[row]?, discount[row]?);
        (promised > EFFICIENCY_MIN_HIT_RATE * discount)
            .then(|| given[row].map(|given| given / promised))
            .flatten()
    };
    let cells = ids.iter().enumerate().map(|(row, endpoint)| Cell {
        endpoint: *endpoint,
        model: model[row].clone(),
        variant: variant[row].clone(),
        provider: provider[row].clone(),
        days: count(days[row]),
        observed: count(observed[row]),
        hit_rate: hit_rate[row],
        hit_rate_variance: variance[row].filter(|_| count(days[row]) > 1),
        tokens: tokens[row],
        efficiency: efficiency(row),
        prices: Prices {
            input: input[row],
            output: output[row],
            cache_read: cache_read[row],
            cache_write: cache_write[row],
            cache_write_1h: cache_write_1h[row],
        },
        billed_writes: billed[row],
        price_tiers: tiers[row],
        uptime: uptime[row],
        availability: availability[row],
        throughput: throughput[row],
        latency_ms: latency[row],
    });
    Ok(cells.collect())
}
