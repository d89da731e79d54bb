//! Rows of `hitrate export days` and `hitrate export readings`.

use super::Contents;
use super::table::Row;
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::imported::{
    ImportedDay, ImportedEndpoint, ImportedPrices, ImportedReading, ImportedUptime,
};
use crate::domain::window::{Basis, WindowKind};
use chrono::{DateTime, Duration, Utc};

/// The endpoint of a row of an export. An id that hitrate made up itself fits only the same tag, like the real one.
fn endpoint(row: &Row<'_>) -> Result<ImportedEndpoint, String> {
    Ok(ImportedEndpoint {
        model: ModelSlug::new(row.required("model")?),
        variant: Variant::new(row.required("variant")?),
        endpoint_id: row.uuid("endpoint_id")?,
        provider: row.text("provider").map(ProviderSlug::new),
        provider_name: row.text("provider_name").map(str::to_owned),
        tag: row.text("tag").map(Tag::new),
    })
}

fn prices(row: &Row<'_>, endpoint: &ImportedEndpoint, at: DateTime<Utc>) -> Result<ImportedPrices, String> {
    Ok(ImportedPrices {
        endpoint: endpoint.clone(),
        at,
        input: row.number("list_input")?,
        output: row.number("list_output")?,
        cache_read: row.number("list_cache_read")?,
        cache_write: row.number("list_cache_write")?,
        discount: None,
    })
}

/// Adds a row of `export days`. A day with an observed rate covers the day up to its last reading.
pub(super) fn add_day(contents: &mut Contents, row: &Row<'_>) -> Result<(), String> {
    let basis =
        row.text("basis").map(|name| Basis::parse(name).ok_or_else(|| format!("unknown basis `{name}`")));
    let (basis, day) = (basis.transpose()?, row.day("day")?);
    let values = ImportedDay {
        endpoint: endpoint(row)?,
        day,
        hit_rate: row.number("hit_rate")?,
        basis,
        tokens: row.count("tokens")?,
        effective_input: row.number("effective_input")?,
        effective_output: row.number("effective_output")?,
        uptime: row.number("uptime")?,
        throughput: None,
        latency_ms: None,
    };
    // An export of imported days names this time otherwise.
    let read_at = row.time("last_reading_at")?.or(row.time("read_at")?);
    if let Some(read_at) = read_at {
        contents.add_prices(prices(row, &values.endpoint, read_at)?);
    }
    match read_at.filter(|at| basis == Some(Basis::Observed) && at.date_naive() == day) {
        Some(at) => contents.add_reading(ImportedReading { at, values }),
        // Tokens are those of the last reading: for a whole day they would be too few.
        None => contents.days.push(ImportedDay { tokens: None, ..values }),
    }
    Ok(())
}

/// Adds a row of `export readings`: the numbers of the day so far, the list prices, and the uptime of the half hour before.
pub(super) fn add_reading(contents: &mut Contents, row: &Row<'_>) -> Result<(), String> {
    let observed_at = row.required_time("observed_at")?;
    let kind = row.required("window_kind")?;
    let kind = WindowKind::parse(kind).ok_or_else(|| format!("unknown kind of window `{kind}`"))?;
    let endpoint = endpoint(row)?;
    contents.add_prices(prices(row, &endpoint, observed_at)?);
    if let Some(uptime) = row.number("uptime_30m")? {
        let hour = observed_at - Duration::minutes(30);
        contents.parts.half_hours.push(ImportedUptime { endpoint: endpoint.clone(), hour, uptime });
    }
    let window = row.time("window_start")?.zip(row.time("window_end")?);
    let Some((start, end)) = window.filter(|_| kind == WindowKind::DayToDate) else { return Ok(()) };
    let day = start.date_naive();
    let hit_rate = row.number("hit_rate")?;
    // A reading that ends with the day covers all of it, but its time must be on the day.
    let at = end.min(crate::domain::window::end_of_day(day));
    let values = ImportedDay {
        endpoint,
        day,
        hit_rate,
        basis: hit_rate.map(|_| Basis::Observed),
        tokens: row.count("tokens")?,
        effective_input: row.number("effective_input")?,
        effective_output: row.number("effective_output")?,
        uptime: row.number("uptime_1d")?,
        throughput: None,
        latency_ms: None,
    };
    if values.hit_rate.or(values.effective_input).is_some() || values.tokens.is_some() {
        contents.add_reading(ImportedReading { at, values });
    }
    Ok(())
}
