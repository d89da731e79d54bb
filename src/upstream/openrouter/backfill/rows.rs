//! The documents that a sweep reads too, here over a longer time: price charts, closing hit rates, activity.

use super::AsDocument;
use super::values::is_settled;
use crate::domain::document::Pair;
use crate::domain::ids::ProviderSlug;
use crate::domain::imported::{ImportedActivity, ImportedDay, ImportedEndpoint};
use crate::domain::window::Basis;
use crate::upstream::Outcome;
use crate::upstream::history::{KnownEndpoint, PastBody};
use crate::upstream::openrouter::{Content, decode};
use chrono::{DateTime, Duration, NaiveDate};
use serde_json::Value;
use uuid::Uuid;

/// How old an answer of the activity may be if it does not say when it was computed.
const ACTIVITY_CACHED: Duration = Duration::hours(2);

/// The decoded content; refused values go to the body.
fn content(document: &AsDocument<'_>, body: &mut PastBody) -> Option<Content> {
    let decoded = decode(&Outcome { request: &document.request, ..*document.of })?;
    body.refused.extend(decoded.quarantined.into_iter().map(|row| (row.path, row.detail)));
    decoded.content
}

/// Price charts. Charts are keyed by id or, in the old shape, by display name.
pub fn charts(document: &AsDocument<'_>, known: &[KnownEndpoint], body: &mut PastBody) {
    let Some(pair) = document.request.pair.as_ref() else { return };
    let Some(Content::Usage(usage)) = content(document, body) else { return };
    let names = Names::of(document.of.body);
    for (key, days) in usage.charts {
        let endpoint = match Uuid::parse_str(&key) {
            Ok(id) => by_id(pair, id, known, &names),
            Err(_) => by_name(pair, key, known),
        };
        for (day, (input, output)) in days {
            // A price of 0 is missing where traffic is billed elsewhere.
            let paid = |price: Option<f64>| {
                price.filter(|price| *price > 0.0 || !pair.variant.zero_price_is_missing())
            };
            let (effective_input, effective_output) = (paid(input), paid(output));
            let is_over = is_settled(day, document.of.fetched_at);
            if is_over && (effective_input.is_some() || effective_output.is_some()) {
                body.days.push(ImportedDay {
                    effective_input,
                    effective_output,
                    ..day_of(endpoint.clone(), day)
                });
            }
        }
    }
}

/// Closing hit rates.
pub fn rates(document: &AsDocument<'_>, known: &[KnownEndpoint], body: &mut PastBody) {
    let Some(pair) = document.request.pair.as_ref() else { return };
    let Some(Content::Comparison(rates)) = content(document, body) else { return };
    for rate in rates {
        if is_settled(rate.day, document.of.fetched_at) {
            let endpoint = by_id(pair, rate.endpoint_id, known, &Names::default());
            body.days.push(ImportedDay {
                hit_rate: Some(rate.hit_rate.get()),
                basis: Some(Basis::Comparison),
                ..day_of(endpoint, rate.day)
            });
        }
    }
}

/// Activity. A day counts if it was over when the upstream computed the answer.
pub fn activity(document: &AsDocument<'_>, body: &mut PastBody) {
    let Some(Content::Activity(days)) = content(document, body) else { return };
    let json: Value = serde_json::from_slice(document.of.body).unwrap_or_default();
    let stated = json["data"]["cachedAt"].as_i64().and_then(DateTime::from_timestamp_millis);
    let computed = stated.unwrap_or(document.of.fetched_at - ACTIVITY_CACHED).min(document.of.fetched_at);
    let over = days.into_iter().filter(|day| is_settled(day.day, computed));
    body.activity.extend(over.map(|day| ImportedActivity {
        model: day.model,
        variant: day.variant,
        day: day.day,
        prompt_tokens: day.prompt_tokens,
        completion_tokens: day.completion_tokens,
        cached_tokens: day.cached_tokens,
        requests: day.requests,
    }));
}

/// A day without figures.
fn day_of(endpoint: ImportedEndpoint, day: NaiveDate) -> ImportedDay {
    ImportedDay {
        endpoint,
        day,
        hit_rate: None,
        basis: None,
        tokens: None,
        effective_input: None,
        effective_output: None,
        uptime: None,
        throughput: None,
        latency_ms: None,
    }
}

/// The names of endpoints in a body: those that the newest run no longer lists are known only from there.
#[derive(Debug, Default)]
pub struct Names(Value);

impl Names {
    fn of(body: &[u8]) -> Self {
        Self(serde_json::from_slice(body).unwrap_or_default())
    }

    fn name(&self, of: &str, id: Uuid) -> Option<String> {
        let text = self.0.get("data")?.get(of)?.get(id.to_string())?.as_str()?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }
}

/// The endpoint of an id.
pub fn by_id(pair: &Pair, id: Uuid, known: &[KnownEndpoint], names: &Names) -> ImportedEndpoint {
    let found = known.iter().find(|known| known.endpoint.endpoint_id == Some(id));
    found.map_or_else(
        || ImportedEndpoint {
            model: pair.model.clone(),
            variant: pair.variant.clone(),
            endpoint_id: Some(id),
            provider: names.name("endpointProviderSlugs", id).map(ProviderSlug::new),
            provider_name: names.name("endpointRawNames", id),
            tag: None,
        },
        |known| known.endpoint.clone(),
    )
}

/// The endpoint of a display name: the one that has it now, if it is the only one; otherwise the name alone.
fn by_name(pair: &Pair, name: String, known: &[KnownEndpoint]) -> ImportedEndpoint {
    let mut named = known.iter().filter(|known| known.endpoint.provider_name.as_ref() == Some(&name));
    match (named.next(), named.next()) {
        (Some(only), None) => only.endpoint.clone(),
        _ => ImportedEndpoint {
            model: pair.model.clone(),
            variant: pair.variant.clone(),
            endpoint_id: None,
            provider: None,
            provider_name: Some(name),
            tag: None,
        },
    }
}
