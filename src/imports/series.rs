//! Rows of series that others recorded.

use super::table::{Row, per_million};
use super::{Contents, DAY_TO_DATE_SINCE, model_and_variant, time};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::imported::{
    ImportedActivity, ImportedDay, ImportedEndpoint, ImportedPrices, ImportedReading, ImportedUptime,
};
use crate::domain::window::{Basis, midnight};
use chrono::{Duration, NaiveDate};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Least hours with a reading that make the mean of a day's speeds.
const LEAST_HOURS: usize = 20;

/// Whether a name is an alias of a model.
fn is_alias(name: &str) -> bool {
    name.starts_with('~')
}

/// Adds a usage summary of a sweep: the day so far.
pub(super) fn add_summary(contents: &mut Contents, row: &Row<'_>) -> Result<(), String> {
    let at = row.required_time("sweep_started_at")?;
    let day = at.date_naive();
    if DAY_TO_DATE_SINCE.is_some_and(|since| day < since) {
        return Err(format!(
            "its numbers cover a short stretch before {}, not the day: summaries cover the day since 2026-07-21",
            at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
        ));
    }
    let variant = row.required("variant")?;
    // A batch endpoint without prices is published with prices of 0.
    let price = |column: &str| {
        row.number(column).map(|price| price.filter(|price| variant != "batch" || *price > 0.0))
    };
    let hit_rate = row.number("cache_hit_rate")?;
    let values = ImportedDay {
        endpoint: ImportedEndpoint {
            model: ModelSlug::new(row.required("permaslug")?),
            variant: Variant::new(variant),
            endpoint_id: row.uuid("endpoint_id")?,
            provider: row.text("provider_slug").map(ProviderSlug::new),
            provider_name: row.text("provider_name").map(str::to_owned),
            tag: None,
        },
        day,
        hit_rate,
        basis: hit_rate.map(|_| Basis::Observed),
        tokens: row.count("total_tokens")?,
        effective_input: price("effective_input_usd_per_mtok")?,
        effective_output: price("effective_output_usd_per_mtok")?,
        uptime: None,
        throughput: None,
        latency_ms: None,
    };
    contents.add_reading(ImportedReading { at, values });
    Ok(())
}

/// Adds the public facts of an endpoint at a moment: its list prices, and its uptime over the half hour before.
pub(super) fn add_snapshot(contents: &mut Contents, row: &Row<'_>) -> Result<(), String> {
    let at = row.required_time("commit_time")?;
    let (public, variant) = model_and_variant(row.required("model_id")?);
    let endpoint = ImportedEndpoint {
        model: row.text("canonical_slug").map_or(public, ModelSlug::new),
        variant,
        endpoint_id: None,
        provider: None,
        provider_name: row.text("provider_name").map(str::to_owned),
        tag: row.text("tag").map(Tag::new),
    };
    let uptime = row.number("uptime_last_30m")?.map(|percent| percent / 100.0);
    let prices = ImportedPrices {
        endpoint: endpoint.clone(),
        at,
        input: row.price_per_token("prompt")?,
        output: row.price_per_token("completion")?,
        cache_read: row.price_per_token("input_cache_read")?,
        cache_write: row.price_per_token("input_cache_write")?,
        discount: row.number("discount")?,
    };
    contents.add_prices(prices);
    if let Some(uptime) = uptime {
        contents.parts.half_hours.push(ImportedUptime { endpoint, hour: at - Duration::minutes(30), uptime });
    }
    Ok(())
}

/// Adds a day of a model. The day on which it was read is not over.
pub(super) fn add_activity(contents: &mut Contents, row: &Row<'_>) -> Result<(), String> {
    let day = row.day("date")?;
    if row.required_time("last_scraped_at")? < midnight(day) + Duration::days(1) {
        return Err("the day was not over when it was read".into());
    }
    let required = |column: &str| row.count(column)?.ok_or_else(|| format!("`{column}` is empty"));
    contents.activity.push(ImportedActivity {
        model: ModelSlug::new(row.required("permaslug")?),
        variant: Variant::new(row.required("variant")?),
        day,
        prompt_tokens: required("total_prompt_tokens")?,
        completion_tokens: required("total_completion_tokens")?,
        cached_tokens: row.count("total_native_tokens_cached")?,
        requests: row.count("request_count")?,
    });
    Ok(())
}

/// Adds a reading of speed, prices and outcomes. The uptime is that of the half hour before, over answered and failed
/// requests, as the upstream computes it.
pub(super) fn add_performance(contents: &mut Contents, row: &Row<'_>) -> Result<(), String> {
    let at = row.required_time("scraped_at")?;
    let model = row.required("permaslug")?;
    // An alias has the endpoints of its target, which are in the series themselves.
    if is_alias(model) {
        return Ok(());
    }
    let endpoint = ImportedEndpoint {
        model: ModelSlug::new(model),
        variant: Variant::new(row.required("variant")?),
        endpoint_id: row.uuid("endpoint_id")?,
        provider: None,
        provider_name: None,
        tag: row.text("provider_slug").map(Tag::new),
    };
    let prices = ImportedPrices {
        endpoint: endpoint.clone(),
        at,
        input: row.price_per_token("price_prompt")?,
        output: row.price_per_token("price_completion")?,
        cache_read: None,
        cache_write: None,
        discount: row.number("discount")?,
    };
    let (throughput, latency_ms) = (row.number("p50_throughput")?, row.number("p50_latency")?);
    let outcomes = row.count("success_count")?.zip(row.count("derankable_error_count")?);
    contents.add_prices(prices);
    if let Some((success, errors)) = outcomes.filter(|(success, errors)| success.saturating_add(*errors) > 0)
    {
        let uptime = success as f64 / (success as f64 + errors as f64);
        let hour = at - Duration::minutes(30);
        contents.parts.half_hours.push(ImportedUptime { endpoint: endpoint.clone(), hour, uptime });
    }
    if throughput.or(latency_ms).is_some() {
        let values = ImportedDay {
            endpoint,
            day: at.date_naive(),
            hit_rate: None,
            basis: None,
            tokens: None,
            effective_input: None,
            effective_output: None,
            uptime: None,
            throughput,
            latency_ms,
        };
        contents.add_reading(ImportedReading { at, values });
    }
    Ok(())
}

/// Replaces the readings of speed by the means of their days. A day with few hours is kept up to its last reading.
pub(super) fn average_performance(contents: &mut Contents) {
    let readings = std::mem::take(&mut contents.parts.readings);
    let mut days: BTreeMap<(ImportedEndpoint, NaiveDate), Vec<ImportedReading>> = BTreeMap::new();
    for reading in readings {
        let key = (reading.values.endpoint.clone(), reading.values.day);
        days.entry(key).or_default().push(reading);
    }
    for ((endpoint, day), readings) in days {
        let mean = |of: fn(&ImportedDay) -> Option<f64>| {
            let values: Vec<f64> = readings.iter().filter_map(|reading| of(&reading.values)).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        };
        let values = ImportedDay {
            endpoint,
            day,
            hit_rate: None,
            basis: None,
            tokens: None,
            effective_input: None,
            effective_output: None,
            uptime: None,
            throughput: mean(|values| values.throughput),
            latency_ms: mean(|values| values.latency_ms),
        };
        let mut hours: Vec<i64> = readings.iter().map(|reading| reading.at.timestamp() / 3600).collect();
        hours.sort_unstable();
        hours.dedup();
        match readings.iter().map(|reading| reading.at).max() {
            Some(at) if hours.len() < LEAST_HOURS => contents.add_reading(ImportedReading { at, values }),
            _ => contents.days.push(values),
        }
    }
}

/// A line of a log of list prices.
#[derive(Deserialize)]
struct Logged {
    t: String,
    id: String,
    event: String,
    canonical_slug: Option<String>,
    #[serde(default)]
    pricing: Option<LoggedPrices>,
}

/// Prices per token, as text or numbers.
#[derive(Deserialize)]
struct LoggedPrices {
    prompt: Option<serde_json::Value>,
    completion: Option<serde_json::Value>,
    input_cache_read: Option<serde_json::Value>,
    input_cache_write: Option<serde_json::Value>,
}

/// Whether a line is one of a log of list prices.
pub(super) fn is_price_log(line: &[u8]) -> bool {
    serde_json::from_slice::<Logged>(line).is_ok()
}

/// Adds the list prices of a model as a whole. A model that is removed has no prices, and an alias repeats its target's.
pub(super) fn add_price(contents: &mut Contents, number: u64, line: &[u8]) {
    if line.is_empty() {
        return;
    }
    if let Err(why) = logged_price(contents, line) {
        contents.refuse(number, why);
    }
}

fn logged_price(contents: &mut Contents, line: &[u8]) -> Result<(), String> {
    let logged: Logged =
        serde_json::from_slice(line).map_err(|error| format!("it cannot be read: {error}"))?;
    let at = time(&logged.t).ok_or_else(|| format!("`t` is `{}`, which is not a time", logged.t))?;
    let Some(pricing) = logged.pricing.filter(|_| logged.event != "remove" && !is_alias(&logged.id)) else {
        return Ok(());
    };
    let price = |value: Option<serde_json::Value>, name: &str| -> Result<Option<f64>, String> {
        let number = match value {
            None | Some(serde_json::Value::Null) => return Ok(None),
            Some(serde_json::Value::String(text)) => text.trim().parse().ok(),
            Some(other) => other.as_f64(),
        };
        let number = number.filter(|number: &f64| number.is_finite());
        number.map(|number| Some(per_million(number))).ok_or_else(|| format!("`{name}` is not a price"))
    };
    let (public, variant) = model_and_variant(&logged.id);
    let mut prices = ImportedPrices {
        endpoint: ImportedEndpoint {
            model: logged.canonical_slug.as_deref().map_or(public, ModelSlug::new),
            variant,
            endpoint_id: None,
            provider: None,
            provider_name: None,
            tag: None,
        },
        at,
        input: price(pricing.prompt, "prompt")?,
        output: price(pricing.completion, "completion")?,
        cache_read: price(pricing.input_cache_read, "input_cache_read")?,
        cache_write: price(pricing.input_cache_write, "input_cache_write")?,
        discount: None,
    };
    // For a month the log has 0 for both cache prices of every model: none is listed.
    if (prices.cache_read, prices.cache_write) == (Some(0.0), Some(0.0)) && prices.input > Some(0.0) {
        (prices.cache_read, prices.cache_write) = (None, None);
    }
    // Routers have no price of their own; the upstream lists -1.
    if prices.input.is_some_and(|price| price < 0.0) {
        return Ok(());
    }
    contents.add_prices(prices);
    Ok(())
}
