//! Endpoints, in the documented API and in the statistics.

use super::prices::list_prices;
use super::{Found, Reader, Row, clip, wire};
use crate::domain::bounds;
use crate::domain::document::Pair;
use crate::domain::endpoint::{EndpointFacts, PublishedFacts};
use crate::domain::ids::{ModelSlug, ProviderSlug, Tag, Variant};
use crate::domain::reading::{Counters, Health, QuarantineReason, Reading};
use crate::upstream::openrouter::Content;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Facts that are read from a field of another name: the fact, and the field of the statistics.
pub const FACT_FIELDS: &[(&str, &str)] = &[
    ("tag", "provider_slug"),
    ("provider", "provider_info.slug"),
    ("provider_name", "provider_display_name"),
    ("region", "provider_region"),
    ("trains_on_prompts", "data_policy.training"),
    ("retains_prompts", "data_policy.retainsPrompts"),
    ("parameters", "supported_parameters"),
    ("restricted", "is_hidden"),
    ("deranked", "is_deranked"),
    ("disabled", "is_disabled"),
];

/// An endpoint in the statistics.
#[derive(Debug, Clone)]
pub struct StatsEndpoint {
    /// The model that the row says it is of.
    pub model: Option<ModelSlug>,
    /// What the row says, as a reading of the requested model.
    pub reading: Reading,
}

impl Reader<'_> {
    pub(super) fn public_endpoints(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let model: wire::Envelope<wire::PublicModel> = self.envelope(body)?;
        let rows = self.each(&model.data.endpoints, "$.data.endpoints", |wire, row| {
            Ok(Some(public_endpoint(wire, row, &pair)))
        });
        Ok((!rows.is_empty()).then_some(Content::PublicEndpoints(rows)))
    }

    pub(super) fn stats_endpoints(&mut self, body: &[u8]) -> Found<Option<Content>> {
        let pair = self.pair()?;
        let rows = self.rows(body, |wire, row| stats_endpoint(wire, row, &pair))?;
        Ok((!rows.is_empty()).then_some(Content::StatsEndpoints(rows)))
    }
}

/// A time, or midnight UTC of a date. `None` if the field is absent; any other text is refused.
fn time(field: &'static str, text: Option<String>, row: &mut Row) -> Option<DateTime<Utc>> {
    let text = text.filter(|text| !text.is_empty())?;
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    let time = DateTime::parse_from_rfc3339(&text).map(|time| time.to_utc()).ok();
    let time = time.or_else(|| text.parse::<NaiveDate>().ok().map(midnight));
    let time = time.filter(|time| bounds::is_plausible_day(time.date_naive()));
    if time.is_none() {
        let detail = format!("`{}` is not a time from 2015 to 2099", clip(&text));
        row.fault(QuarantineReason::ValueOutOfRange, field, detail);
    }
    time
}

/// A token limit; the upstream uses 0 for "no limit".
fn token_limit(field: &str, tokens: Option<i64>, row: &mut Row) -> Option<i64> {
    row.length(field, tokens.filter(|tokens| *tokens != 0))
}

fn sorted(mut parameters: Vec<String>) -> Vec<String> {
    parameters.sort();
    parameters.dedup();
    parameters
}

/// An endpoint in the documented API as a reading without a UUID. It is named like its provider's internal name.
fn public_endpoint(wire: wire::PublicEndpoint, row: &mut Row, pair: &Pair) -> Reading {
    let median = |of: Option<wire::Percentiles>| of.as_ref().and_then(wire::Percentiles::median);
    let prices = list_prices(wire.pricing, row);
    let tag = Tag::new(wire.tag);
    let provider = ProviderSlug::of_tag(&tag);
    let facts = EndpointFacts {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        tag,
        provider_name: wire.provider_name.unwrap_or_else(|| provider.to_string()),
        provider,
        published: PublishedFacts {
            quantization: wire.quantization,
            context_length: row.length("context_length", wire.context_length),
            max_prompt_tokens: token_limit("max_prompt_tokens", wire.max_prompt_tokens, row),
            max_completion_tokens: row.length("max_completion_tokens", wire.max_completion_tokens),
            parameters: sorted(wire.supported_parameters),
            ..PublishedFacts::default()
        },
        ..EndpointFacts::default()
    };
    let health = Health {
        status: row.small("status", wire.status, &bounds::STATUS),
        uptime_5m: row.percent("uptime_last_5m", wire.uptime_last_5m),
        uptime_30m: row.percent("uptime_last_30m", wire.uptime_last_30m),
        uptime_1d: row.percent("uptime_last_1d", wire.uptime_last_1d),
        latency_ms: row.within("latency_last_30m", median(wire.latency_last_30m), &bounds::LATENCY),
        throughput: row.within("throughput_last_30m", median(wire.throughput_last_30m), &bounds::THROUGHPUT),
        ..Health::default()
    };
    Reading { facts, prices, health, usage: None, closing_prices: BTreeMap::new() }
}

/// The outcomes of a day's requests. A missing counter does not mean zero: all three are needed to compute a share.
fn counters(wire: wire::Counters, row: &mut Row) -> Option<Counters> {
    let mut count =
        |field: &str, value| row.within(&format!("status_heuristics_1d.{field}"), value, &bounds::REQUESTS);
    let success = count("success", wire.success);
    let error = count("derankableError", wire.derankable_error);
    let rate_limited = count("rateLimited", wire.rate_limited);
    Some(Counters { success: success?, error: error?, rate_limited: rate_limited? })
}

/// Whether one of the flags is set. A missing flag is not the same as one that is not set.
fn any_set(flags: [Option<bool>; 3]) -> Option<bool> {
    if flags.contains(&Some(true)) {
        return Some(true);
    }
    (!flags.contains(&None)).then_some(false)
}

fn stats_endpoint(
    wire: wire::StatsEndpoint,
    row: &mut Row,
    pair: &Pair,
) -> Result<Option<StatsEndpoint>, (&'static str, String)> {
    let endpoint_id =
        Uuid::parse_str(&wire.id).map_err(|_| ("id", format!("`{}` is not a UUID", clip(&wire.id))))?;
    let tag = Tag::new(wire.provider_slug);
    // The detailed slug includes regions and brands (`azure/eu`); the provider is the part before the slash.
    let detailed = wire.provider_info.and_then(|info| info.slug).map(Tag::new);
    let provider = ProviderSlug::of_tag(detailed.as_ref().unwrap_or(&tag));
    let policy = wire.data_policy.unwrap_or_default();
    let is = |flag: Option<bool>| flag == Some(true);
    let (throughput, latency_ms, requests_30m) =
        wire.stats.map_or((None, None, None), |s| (s.p50_throughput, s.p50_latency, s.request_count));
    let model = wire.model_variant_permaslug.filter(|name| !name.is_empty());
    let facts = EndpointFacts {
        model: pair.model.clone(),
        variant: pair.variant.clone(),
        endpoint_id: Some(endpoint_id),
        provider_name: wire
            .provider_display_name
            .or(wire.provider_name)
            .unwrap_or_else(|| provider.to_string()),
        tag,
        provider,
        restricted: any_set([wire.is_hidden, wire.is_private, wire.is_byok_only]),
        deranked: is(wire.is_deranked),
        disabled: is(wire.is_disabled),
        published: PublishedFacts {
            region: wire.provider_region,
            quantization: wire.quantization,
            context_length: row.length("context_length", wire.context_length),
            max_prompt_tokens: token_limit("max_prompt_tokens", wire.max_prompt_tokens, row),
            created_at: time("created_at", wire.created_at, row),
            deprecation_date: time("deprecation_date", wire.deprecation_date, row),
            max_completion_tokens: row.length("max_completion_tokens", wire.max_completion_tokens),
            parameters: sorted(wire.supported_parameters),
            trains_on_prompts: policy.training,
            retains_prompts: policy.retains_prompts,
        },
    };
    let prices = list_prices(wire.pricing, row);
    let health = Health {
        status: row.small("status", wire.status, &bounds::STATUS),
        throughput: row.within("stats.p50_throughput", throughput, &bounds::THROUGHPUT),
        latency_ms: row.within("stats.p50_latency", latency_ms, &bounds::LATENCY),
        requests_30m: row.within("stats.request_count", requests_30m, &bounds::REQUESTS),
        counters_1d: wire.status_heuristics_1d.and_then(|wire| counters(wire, row)),
        ..Health::default()
    };
    Ok(Some(StatsEndpoint {
        model: model.map(|name| ModelSlug::new(Variant::split(&name).0)),
        reading: Reading { facts, prices, health, usage: None, closing_prices: BTreeMap::new() },
    }))
}
