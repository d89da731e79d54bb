//! The rows of a source in the temporary tables in which they are compared. Values that cannot be true are refused.

use crate::domain::imported::{
    ImportBatch, ImportedActivity, ImportedDay, ImportedEndpoint, ImportedParts, ImportedPrices,
    ImportedUptime,
};
use crate::domain::window::Basis;
use crate::store::StoreError;
use crate::store::append::{Stored, append};
use crate::store::columns::{self, naive, rows};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use duckdb::{Connection, params};
use std::collections::HashMap;

/// Longest name, bytes.
const LONGEST_NAME: usize = 512;
/// Highest price, USD per million tokens.
const HIGHEST_PRICE: f64 = 1e6;
/// Highest speed (tokens a second) and time to first token (milliseconds).
const HIGHEST_SPEED: f64 = 1e7;

/// Rows that are not used: where, and why.
type Refused = Vec<(String, String)>;

const MINUTES_OF_AN_HOUR: i32 = 60;
const MINUTES_OF_HALF_AN_HOUR: i32 = 30;

/// Stages the rows of a batch and returns those that are refused.
pub fn stage(
    connection: &Connection,
    batch: &ImportBatch,
    parts: &ImportedParts,
) -> Result<Refused, StoreError> {
    let mut refused = Refused::new();
    let whole = batch.days.iter().map(|day| (None, day));
    let partial = parts.readings.iter().map(|reading| (Some(reading.at), &reading.values));
    let days: Vec<_> = whole
        .chain(partial)
        .filter(|(at, day)| passes(&mut refused, day_fault(day, *at), &day.endpoint, day.day))
        .collect();
    let prices: Vec<&ImportedPrices> = (batch.prices.iter())
        .filter(|price| passes(&mut refused, price_fault(price), &price.endpoint, price.at))
        .collect();
    let hours = batch.uptimes.iter().map(|hour| (MINUTES_OF_AN_HOUR, hour));
    let halves = parts.half_hours.iter().map(|half| (MINUTES_OF_HALF_AN_HOUR, half));
    let uptimes: Vec<(i32, &ImportedUptime)> = hours
        .chain(halves)
        .filter(|(_, hour)| passes(&mut refused, uptime_fault(hour), &hour.endpoint, hour.hour))
        .collect();
    let activity: Vec<&ImportedActivity> = (batch.activity.iter())
        .filter(|day| match activity_fault(day) {
            None => true,
            Some(fault) => {
                refused.push((format!("{} {} {}", day.model, day.variant, day.day), fault));
                false
            }
        })
        .collect();
    let named = (days.iter().map(|(_, day)| &day.endpoint))
        .chain(prices.iter().map(|price| &price.endpoint))
        .chain(uptimes.iter().map(|(_, hour)| &hour.endpoint));
    let numbers = number_endpoints(connection, named)?;
    let number = |endpoint: &ImportedEndpoint| numbers.get(endpoint).copied();
    append!(connection, "stage_imported_day", (place, (at, day)) in (0_i64..).zip(&days) => {
        place: place,
        imported_no: number(&day.endpoint),
        day: day.day.to_string(),
        read_at: at.stored()?,
        hit_rate: day.hit_rate,
        basis: day.basis.filter(|_| day.hit_rate.is_some()).map(Basis::as_str),
        tokens: day.tokens,
        effective_input: day.effective_input,
        effective_output: day.effective_output,
        uptime: day.uptime,
        throughput: day.throughput,
        latency_ms: day.latency_ms,
    });
    append!(connection, "stage_imported_price", (place, price) in (0_i64..).zip(&prices) => {
        place: place,
        imported_no: number(&price.endpoint),
        since: naive(price.at),
        list_input: price.input,
        list_output: price.output,
        list_cache_read: price.cache_read,
        list_cache_write: price.cache_write,
        discount: price.discount,
    });
    append!(connection, "stage_imported_uptime", (place, (minutes, hour)) in (0_i64..).zip(&uptimes) => {
        place: place,
        imported_no: number(&hour.endpoint),
        start: naive(hour.hour),
        minutes: minutes,
        uptime: hour.uptime,
    });
    append!(connection, "stage_imported_activity", (place, day) in (0_i64..).zip(&activity) => {
        place: place,
        model: day.model.as_str(),
        variant: day.variant.as_str(),
        day: day.day.to_string(),
        prompt_tokens: day.prompt_tokens,
        completion_tokens: day.completion_tokens,
        cached_tokens: day.cached_tokens,
        requests: day.requests,
    });
    // The endpoints are new, so the link to the record is made now.
    connection.execute_batch(
        "DELETE FROM imported_who;
         INSERT INTO imported_who
         SELECT imported_no, endpoint_no,
            CASE WHEN endpoint_no IS NULL THEN concat('=', imported_no) ELSE concat('#', endpoint_no) END
         FROM imported_link",
    )?;
    Ok(refused)
}

/// Whether a row has no fault; otherwise it is added to the refused rows.
fn passes(
    refused: &mut Refused,
    fault: Option<String>,
    endpoint: &ImportedEndpoint,
    when: impl std::fmt::Display,
) -> bool {
    let Some(fault) = fault.or_else(|| name_fault(endpoint)) else { return true };
    let provider = endpoint.provider_name.as_deref();
    let who = endpoint.tag.as_ref().map(|tag| tag.as_str()).or(provider).unwrap_or_default();
    refused.push((format!("{} {} {who} {when}", endpoint.model, endpoint.variant), fault));
    false
}

fn name_fault(endpoint: &ImportedEndpoint) -> Option<String> {
    let names = [
        Some(endpoint.model.as_str()),
        Some(endpoint.variant.as_str()),
        endpoint.provider.as_ref().map(|name| name.as_str()),
        endpoint.provider_name.as_deref(),
        endpoint.tag.as_ref().map(|tag| tag.as_str()),
    ];
    names.into_iter().flatten().find_map(text_fault)
}

fn text_fault(name: &str) -> Option<String> {
    if name.is_empty() {
        return Some("a name is empty".into());
    }
    (name.len() > LONGEST_NAME).then(|| format!("a name has more than {LONGEST_NAME} bytes"))
}

fn outside(what: &str, value: Option<f64>, high: f64) -> Option<String> {
    let value = value.filter(|value| !(0.0..=high).contains(value))?;
    Some(format!("{what} {value} is not between 0 and {high}"))
}

fn day_is_possible(day: NaiveDate) -> bool {
    (2020..2200).contains(&day.year())
}

fn day_fault(day: &ImportedDay, at: Option<DateTime<Utc>>) -> Option<String> {
    if !day_is_possible(day.day) {
        return Some(format!("the day {} is not between 2020 and 2199", day.day));
    }
    if at.is_some_and(|at| at.date_naive() != day.day) {
        return Some("it was not read on its day".into());
    }
    if day.hit_rate.is_some() && day.basis.is_none() {
        return Some("the hit rate has no basis".into());
    }
    let has_value = day.hit_rate.or(day.effective_input).or(day.effective_output).or(day.uptime);
    let has_value = has_value.or(day.throughput).or(day.latency_ms).is_some() || day.tokens.is_some();
    if !has_value {
        return Some("it has no value".into());
    }
    outside("hit rate", day.hit_rate, 1.0)
        .or_else(|| outside("effective input price", day.effective_input, HIGHEST_PRICE))
        .or_else(|| outside("effective output price", day.effective_output, HIGHEST_PRICE))
        .or_else(|| outside("uptime", day.uptime, 1.0))
        .or_else(|| outside("output speed", day.throughput, HIGHEST_SPEED))
        .or_else(|| outside("time to first token", day.latency_ms, HIGHEST_SPEED))
        .or_else(|| negative("tokens", day.tokens))
}

fn negative(what: &str, count: Option<i64>) -> Option<String> {
    count.filter(|count| *count < 0).map(|count| format!("{what} {count} is negative"))
}

fn price_fault(price: &ImportedPrices) -> Option<String> {
    if !day_is_possible(price.at.date_naive()) {
        return Some(format!("the time {} is not between 2020 and 2199", price.at));
    }
    let prices = [
        ("list input price", price.input),
        ("list output price", price.output),
        ("list price of cache reads", price.cache_read),
        ("list price of cache writes", price.cache_write),
    ];
    if prices.iter().all(|(_, price)| price.is_none()) {
        return Some("it has no price".into());
    }
    let fault = prices.into_iter().find_map(|(what, price)| outside(what, price, HIGHEST_PRICE));
    fault.or_else(|| outside("discount", price.discount, 1.0))
}

fn uptime_fault(hour: &ImportedUptime) -> Option<String> {
    if !day_is_possible(hour.hour.date_naive()) {
        return Some(format!("the time {} is not between 2020 and 2199", hour.hour));
    }
    outside("uptime", Some(hour.uptime), 1.0)
}

fn activity_fault(day: &ImportedActivity) -> Option<String> {
    if !day_is_possible(day.day) {
        return Some(format!("the day {} is not between 2020 and 2199", day.day));
    }
    text_fault(day.model.as_str())
        .or_else(|| text_fault(day.variant.as_str()))
        .or_else(|| negative("prompt tokens", Some(day.prompt_tokens)))
        .or_else(|| negative("completion tokens", Some(day.completion_tokens)))
        .or_else(|| negative("cached tokens", day.cached_tokens))
        .or_else(|| negative("requests", day.requests))
}

/// The short keys of endpoints; new ones are added to `imported_endpoint`.
fn number_endpoints<'a>(
    connection: &Connection,
    endpoints: impl Iterator<Item = &'a ImportedEndpoint>,
) -> Result<HashMap<ImportedEndpoint, i32>, StoreError> {
    let sql = "SELECT imported_no, model, variant, CAST(endpoint_id AS VARCHAR) AS endpoint_id, provider, provider_name, tag
        FROM imported_endpoint";
    let mut known = HashMap::new();
    for batch in columns::batches(&mut connection.prepare(sql)?, [])? {
        let batch = batch?;
        let endpoints = columns::records!(
            &batch,
            ImportedEndpoint { model, variant, endpoint_id, provider, provider_name, tag }
        );
        let mut numbers = Vec::with_capacity(endpoints.len());
        columns::each_row!(&batch, |imported_no: i32| numbers.push(imported_no));
        known.extend(endpoints.into_iter().zip(numbers));
    }
    let sql = "SELECT coalesce(max(imported_no), 0) + 1 AS next FROM imported_endpoint";
    let mut next = rows!(connection, sql, [], |next: i32| next).pop().unwrap_or(1);
    let mut insert =
        connection.prepare("INSERT INTO imported_endpoint VALUES (?, ?, ?, CAST(? AS UUID), ?, ?, ?)")?;
    for endpoint in endpoints {
        if known.contains_key(endpoint) {
            continue;
        }
        insert.execute(params![
            next,
            endpoint.model.as_str(),
            endpoint.variant.as_str(),
            endpoint.endpoint_id.map(|id| id.to_string()),
            endpoint.provider.as_ref().map(|name| name.as_str()),
            endpoint.provider_name,
            endpoint.tag.as_ref().map(|tag| tag.as_str()),
        ])?;
        known.insert(endpoint.clone(), next);
        next += 1;
    }
    Ok(known)
}
