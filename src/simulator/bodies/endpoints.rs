//! Endpoint rows of the public `/models/{id}/endpoints` and of `stats/endpoint`.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::catalog::{provider_info, with_variant};
use super::wire::{Number, envelope, iso, join, text};
use crate::simulator::Simulator;
use crate::simulator::noise::Draw;
use crate::simulator::traffic::{Counters, full_hour, midnight};
use crate::simulator::world::{Endpoint, Pair, World};

/// The parts of an endpoint's rows that are constant or change only with its price sheet.
#[derive(Debug)]
pub(super) struct Row {
    stats: String,
    public: String,
    /// Per price step: the public `pricing` object, and `pricing` with the raw sheet for statistics rows.
    prices: Vec<(String, String)>,
}

pub(super) fn rows(world: &World) -> Vec<Row> {
    let prices = |e: &Endpoint| {
        let one = |p: &crate::simulator::price::Prices| {
            let pricing = p.wire();
            let public = text(&json!({ "pricing": pricing }));
            (public, text(&json!({"pricing": pricing, "pricing_json": p.wire_sheet()})))
        };
        e.prices.iter().map(|(_, p)| one(p)).collect()
    };
    let row = |(index, e): (usize, &Endpoint)| {
        let rare = Rare::of(world, index);
        Row {
            stats: text(&stats_row(world, e, &rare)),
            public: text(&public_row(world, e, &rare)),
            prices: prices(e),
        }
    };
    world.endpoints.iter().enumerate().map(row).collect()
}

/// Fields that only some rows have. They depend on the index in the world and not on a random draw, so that small
/// worlds have them too.
struct Rare {
    max_prompt_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    created_at: String,
    deprecation_date: Option<String>,
}

impl Rare {
    fn of(world: &World, index: usize) -> Self {
        let e = &world.endpoints[index];
        let model = &world.models[e.model];
        let listed = DateTime::from_timestamp(model.created, 0).unwrap_or_default();
        let later = world.noise.at(Draw::Catalog, [6, index as i64]).between(0.0, 20.0 * 86_400_000.0);
        let created = (listed + Duration::milliseconds(later as i64)).max(e.alive_from);
        // Every second date is the distant one that means "some day".
        let retires = match index % 32 {
            7 => Some("2098-12-31T16:00:00.000Z".to_owned()),
            23 => Some(iso(midnight(listed) + Duration::days(400) + Duration::hours(13))),
            _ => None,
        };
        Self {
            max_prompt_tokens: (index % 12 == 5).then_some(model.context / 8 * 7),
            max_completion_tokens: (index % 9 < 7).then_some([65_536, 32_768, 131_072][index % 3]),
            created_at: iso(created),
            deprecation_date: retires.filter(|_| index % 64 < 32),
        }
    }
}

fn public_row(world: &World, e: &Endpoint, rare: &Rare) -> Value {
    let (model, provider) = (&world.models[e.model], &world.providers[e.provider]);
    json!({
        "name": format!("{} | {}", provider.internal, with_variant(&model.canonical, e.variant)),
        "model_id": with_variant(&model.id, e.variant), "model_name": model.name, "context_length": model.context,
        "provider_name": provider.internal, "quantization": e.quantization, "max_completion_tokens": rare.max_completion_tokens,
        "max_prompt_tokens": rare.max_prompt_tokens, "supported_parameters": ["max_tokens", "temperature", "tools"],
        "supports_implicit_caching": false,
    })
}

fn stats_row(world: &World, e: &Endpoint, rare: &Rare) -> Value {
    let (model, provider) = (&world.models[e.model], &world.providers[e.provider]);
    let policy =
        json!({"training": false, "trainingOpenRouter": false, "retainsPrompts": false, "canPublish": false});
    json!({
        "id": e.id, "name": format!("{} | {}", provider.internal, with_variant(&model.canonical, e.variant)),
        "context_length": model.context,
        "model": {"slug": model.id, "permaslug": model.canonical, "name": model.name, "context_length": model.context,
                  "input_modalities": ["text"], "output_modalities": ["text"], "hidden": false},
        "model_variant_slug": with_variant(&model.id, e.variant),
        "model_variant_permaslug": with_variant(&model.canonical, e.variant),
        "adapter_name": "OpenAIAdapter", "provider_name": provider.internal, "provider_display_name": e.display,
        "provider_info": provider_info(provider), "provider_model_id": model.id, "provider_region": e.region,
        "quantization": e.quantization, "variant": e.variant, "is_free": e.variant == "free", "can_abort": true,
        "max_prompt_tokens": rare.max_prompt_tokens, "max_completion_tokens": rare.max_completion_tokens,
        "supported_parameters": ["max_tokens", "temperature", "tools"], "data_policy": policy,
        "is_hidden": false, "is_private": false, "is_byok_only": false, "is_deranked": false, "is_disabled": false,
        "limit_rpm": null, "limit_rpd": null, "has_chat_completions": true, "deprecation_date": rare.deprecation_date,
        "capacity_tpm": null, "created_at": rare.created_at,
    })
}

/// The three windows for which uptime is published.
struct Health {
    last_5m: Counters,
    last_30m: Counters,
    last_1d: Counters,
}

impl Health {
    fn read(simulator: &Simulator, endpoint: usize, at: DateTime<Utc>) -> Self {
        let last = |span| simulator.book.between(&simulator.world, endpoint, at - span, at);
        Self {
            last_5m: last(Duration::minutes(5)),
            last_30m: last(Duration::minutes(30)),
            last_1d: last(Duration::days(1)),
        }
    }

    /// -5 under 80 % uptime, -2 under 95 %, otherwise 0.
    fn status(&self) -> i32 {
        match self.last_30m.uptime_percent() {
            Some(uptime) if uptime < 80.0 => -5,
            Some(uptime) if uptime < 95.0 => -2,
            _ => 0,
        }
    }
}

#[derive(Serialize)]
struct PublicState<'a> {
    tag: &'a str,
    status: i32,
    uptime_last_5m: Option<Number>,
    uptime_last_30m: Option<Number>,
    uptime_last_1d: Option<Number>,
    latency_last_30m: Option<Percentiles>,
    throughput_last_30m: Option<Percentiles>,
}

/// Figures for callers with an API key; some rows have the plain number of older responses.
#[derive(Serialize)]
#[serde(untagged)]
enum Percentiles {
    Median(Number),
    All { p50: Number, p75: Number, p90: Number, p99: Number },
}

impl Percentiles {
    fn of(index: usize, [p50, p75, p90, p99]: [Number; 4]) -> Self {
        if index % 8 == 3 { Self::Median(p50) } else { Self::All { p50, p75, p90, p99 } }
    }
}

/// `/api/v1/models/{id}/endpoints`; `None` for an unknown id.
pub(super) fn public(simulator: &Simulator, id: &str, at: DateTime<Utc>) -> Option<Vec<u8>> {
    if id == "openrouter/auto" {
        return Some(envelope(&json!({"id": id, "name": "Auto Router", "description": "", "endpoints": []})));
    }
    let world = &simulator.world;
    let pair = &world.pairs[*simulator.prepared.by_id.get(id)?];
    let model = &world.models[pair.model];
    let rows = living(world, pair, at).map(|index| {
        let (e, row) = (&world.endpoints[index], &simulator.prepared.rows[index]);
        let health = Health::read(simulator, index, at);
        let percent = |counters: Counters| counters.uptime_percent().map(Number);
        let keyed = simulator.config.habits.percentiles;
        let speed = speed(simulator, index, &health.last_30m, at).filter(|_| keyed);
        let percentiles =
            |of: fn(&Speed) -> [Number; 4]| speed.as_ref().map(|s| Percentiles::of(index, of(s)));
        let state = PublicState {
            tag: e.tag(at),
            status: health.status(),
            uptime_last_5m: percent(health.last_5m),
            uptime_last_30m: percent(health.last_30m),
            uptime_last_1d: percent(health.last_1d),
            latency_last_30m: percentiles(|s| [s.p50_latency, s.p75_latency, s.p90_latency, s.p99_latency]),
            throughput_last_30m: percentiles(|s| {
                [s.p50_throughput, s.p75_throughput, s.p90_throughput, s.p99_throughput]
            }),
        };
        join(&join(&row.public, &row.prices[e.price_step(at)].0), &text(&state))
    });
    let rows = rows.collect::<Vec<_>>().join(",");
    let head = text(
        &json!({"id": with_variant(&model.id, pair.variant), "name": model.name, "created": model.created,
                            "description": "An invented model of a simulated market."}),
    );
    let body = join(&head, &format!("{{\"endpoints\":[{rows}]}}"));
    Some(format!("{{\"data\":{body}}}").into_bytes())
}

#[derive(Serialize)]
struct StatsState<'a> {
    provider_slug: &'a str,
    status: i32,
    #[serde(flatten)]
    heuristics: Option<Heuristics>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<Speed>,
    #[serde(rename = "statsByTier", skip_serializing_if = "Option::is_none")]
    by_tier: Option<BTreeMap<&'a str, Speed>>,
}

#[derive(Serialize)]
struct Heuristics {
    status_heuristics: Counts,
    status_heuristics_5m: Counts,
    status_heuristics_1d: Counts,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    success: u64,
    derankable_error: u64,
    rate_limited: u64,
}

impl From<Counters> for Counts {
    fn from(c: Counters) -> Self {
        Self { success: c.success, derankable_error: c.failed, rate_limited: c.limited }
    }
}

#[derive(Clone, Copy, Serialize)]
struct Speed {
    endpoint_id: uuid::Uuid,
    p50_throughput: Number,
    p75_throughput: Number,
    p90_throughput: Number,
    p95_throughput: Number,
    p99_throughput: Number,
    p50_latency: Number,
    p75_latency: Number,
    p90_latency: Number,
    p95_latency: Number,
    p99_latency: Number,
    request_count: u64,
    window_minutes: u32,
}

/// `stats/endpoint`; `None` if the pair has no endpoint.
pub(super) fn stats(simulator: &Simulator, pair: &Pair, at: DateTime<Utc>) -> Option<Vec<u8>> {
    let world = &simulator.world;
    let rows: Vec<String> = living(world, pair, at)
        .map(|index| {
            let (e, row) = (&world.endpoints[index], &simulator.prepared.rows[index]);
            let health = Health::read(simulator, index, at);
            let stats = speed(simulator, index, &health.last_30m, at);
            let state = StatsState {
                provider_slug: e.tag(at),
                status: health.status(),
                stats,
                by_tier: stats.map(|speed| BTreeMap::from([("default", speed)])),
                heuristics: (at < simulator.config.counters_until).then(|| Heuristics {
                    status_heuristics: health.last_30m.into(),
                    status_heuristics_5m: health.last_5m.into(),
                    status_heuristics_1d: health.last_1d.into(),
                }),
            };
            join(&join(&row.stats, &row.prices[e.price_step(at)].1), &text(&state))
        })
        .collect();
    (!rows.is_empty()).then(|| format!("{{\"data\":[{}]}}", rows.join(",")).into_bytes())
}

/// Percentiles of the last 30 minutes: tokens per second (the 99th is the fast tail) and ms to the first token.
fn speed(simulator: &Simulator, index: usize, last_30m: &Counters, at: DateTime<Utc>) -> Option<Speed> {
    let e = &simulator.world.endpoints[index];
    let request_count = last_30m.success + last_30m.failed;
    if e.hides_stats || request_count == 0 {
        return None;
    }
    let hour = full_hour(at).timestamp() / 3600;
    let jitter = |part| simulator.world.noise.at(Draw::SpeedHour, [part, index as i64, hour]).factor(0.1);
    let throughput = (e.throughput * jitter(0)).round().max(1.0);
    let latency = (e.latency * jitter(1) * 2.0).round() / 2.0;
    Some(Speed {
        endpoint_id: e.id,
        p50_throughput: Number(throughput),
        p75_throughput: Number((throughput * 1.3).round()),
        p90_throughput: Number((throughput * 1.6).round()),
        p95_throughput: Number(throughput * 1.85),
        p99_throughput: Number(throughput * 2.45),
        p50_latency: Number(latency),
        p75_latency: Number(latency * 1.75),
        p90_latency: Number(latency * 3.2),
        p95_latency: Number(latency * 5.1),
        p99_latency: Number(latency * 11.4),
        request_count,
        window_minutes: 30,
    })
}

/// Indices of a pair's endpoints that exist at a time.
pub(super) fn living<'a>(
    world: &'a World,
    pair: &'a Pair,
    at: DateTime<Utc>,
) -> impl Iterator<Item = usize> + 'a {
    pair.endpoints.iter().copied().filter(move |&i| world.endpoints[i].alive(at))
}
