//! The events of the simulated span, at known times.

use chrono::{DateTime, Duration, Utc};

use super::config::SimulatorConfig;
use super::noise::Draw;
use super::price::CacheKind;
use super::world::{Endpoint, Event, EventKind, World};

/// The change of the hit rate of the provider that gets worse, a fraction.
const SHIFT: f64 = -0.25;

/// The UTC midnight at a share of the span; at least one day after its start.
fn midnight(config: &SimulatorConfig, share: f64) -> DateTime<Utc> {
    let day = ((f64::from(config.days) * share) as i64).max(1);
    super::traffic::midnight(config.start) + Duration::days(day)
}

/// Picks the provider that gets worse, before the endpoints are fitted to its range of effects.
pub(super) fn shift_one_provider(world: &mut World, config: &SimulatorConfig) {
    let at = midnight(config, 0.6) + Duration::hours(6);
    let last = world.providers.len() - 1;
    let chosen = (0..last)
        .filter(|&i| !world.providers[i].cacheless && !world.providers[i].bills_writes)
        .min_by(|&a, &b| {
            let far = |i: usize| (world.providers[i].theta - 0.08).abs();
            far(a).total_cmp(&far(b))
        });
    let Some(chosen) = chosen else { return };
    let provider = &mut world.providers[chosen];
    provider.theta = provider.theta.clamp(0.04, 0.12);
    provider.shift = Some((at, SHIFT));
    let event = Event {
        at,
        endpoint: None,
        provider: provider.slug.clone(),
        kind: EventKind::EffectShift { by: SHIFT },
    };
    world.events.push(event);
}

/// Creates all other events, each for different endpoints.
pub(super) fn happen(world: &mut World, config: &SimulatorConfig) {
    let plain = |e: &Endpoint| e.variant == "standard" && e.kind == CacheKind::Implicit;
    let mut free: Vec<usize> = (0..world.endpoints.len()).filter(|&i| plain(&world.endpoints[i])).collect();
    special_caches(world, config, &mut free);
    comings_and_goings(world, config, &mut free);
    incidents(world, config);
    price_changes(world, config, &free);
    let limited: Vec<String> =
        world.providers.iter().filter(|p| p.limited_ratio > 0.3).map(|p| p.slug.clone()).collect();
    for provider in limited {
        world.events.push(Event { at: config.start, endpoint: None, provider, kind: EventKind::RateLimited });
    }
    world.events.sort_by_key(|event| (event.at, event.endpoint));
}

fn record(world: &mut World, endpoint: usize, at: DateTime<Utc>, kind: EventKind) {
    let e = &world.endpoints[endpoint];
    let provider = world.providers[e.provider].slug.clone();
    world.events.push(Event { at, endpoint: Some(e.id), provider, kind });
}

/// The phantom cache and the cache without a discount: busy endpoints with a hit rate near 0.6.
fn special_caches(world: &mut World, config: &SimulatorConfig, free: &mut Vec<usize>) {
    for (kind, event) in
        [(CacheKind::Phantom, EventKind::Phantom), (CacheKind::NoDiscount, EventKind::NoDiscount)]
    {
        let Some(chosen) = nearest(world, config, free, 0.6) else { return };
        free.retain(|&i| i != chosen);
        let mean = world.mean_hit_rate(&world.endpoints[chosen], config.start);
        let endpoint = &mut world.endpoints[chosen];
        endpoint.kind = kind;
        endpoint.effect += 0.6 - mean;
        endpoint.spread = 0.03;
        endpoint.tokens = endpoint.tokens.max(800e6);
        for (_, prices) in &mut endpoint.prices {
            prices.tier_above = None;
            prices.read = if kind == CacheKind::NoDiscount { None } else { Some(prices.input / 10) };
        }
        record(world, chosen, config.start, event);
    }
}

/// The unused endpoint of an unshifted provider whose mean is closest to a hit rate.
fn nearest(world: &World, config: &SimulatorConfig, free: &[usize], hit_rate: f64) -> Option<usize> {
    let far = |i: usize| (world.mean_hit_rate(&world.endpoints[i], config.start) - hit_rate).abs();
    free.iter()
        .copied()
        .filter(|&i| world.providers[world.endpoints[i].provider].shift.is_none())
        .min_by(|&a, &b| far(a).total_cmp(&far(b)))
}

/// One endpoint appears, one disappears and one is renamed, all in the middle of the span.
fn comings_and_goings(world: &mut World, config: &SimulatorConfig, free: &mut Vec<usize>) {
    let lonely = |world: &World, i: usize| {
        let own = &world.endpoints[i];
        let alike = world.endpoints.iter().filter(|e| e.model == own.model && e.variant == own.variant);
        alike.count() < 3
    };
    let mut take = |world: &World, salt: i64| {
        let choices: Vec<usize> = free.iter().copied().filter(|&i| !lonely(world, i)).collect();
        let chosen = *choices.get(world.noise.at(Draw::Event, [salt]).index(choices.len()))?;
        free.retain(|&i| i != chosen);
        Some(chosen)
    };
    if let Some(chosen) = take(world, 1) {
        let at = midnight(config, 0.5) + Duration::hours(9);
        world.endpoints[chosen].alive_from = at;
        record(world, chosen, at, EventKind::Appears);
    }
    if let Some(chosen) = take(world, 2) {
        let at = midnight(config, 0.67) + Duration::hours(15);
        world.endpoints[chosen].alive_until = at;
        record(world, chosen, at, EventKind::Disappears);
    }
    if let Some(chosen) = take(world, 3) {
        let at = midnight(config, 0.55) + Duration::hours(12);
        let to = format!("{}/turbo", world.providers[world.endpoints[chosen].provider].slug);
        world.endpoints[chosen].tags.push((at, to.clone()));
        record(world, chosen, at, EventKind::TagChange { to });
    }
}

/// About 4 % of the endpoints have an outage for some hours, and as many are degraded for longer.
fn incidents(world: &mut World, config: &SimulatorConfig) {
    for index in 0..world.endpoints.len() {
        let draw = |part: i64| world.noise.at(Draw::Event, [10 + part, index as i64]);
        let roll = draw(0).uniform();
        if roll >= 0.08 {
            continue;
        }
        let from = midnight(config, draw(1).between(0.1, 0.97)) + Duration::hours(draw(2).index(24) as i64);
        let (hours, failing) = match roll < 0.04 {
            true => (3 + draw(3).index(7) as i64, draw(4).between(0.27, 0.5)),
            false => (6 + draw(3).index(9) as i64, draw(4).between(0.075, 0.16)),
        };
        let until = from + Duration::hours(hours);
        world.endpoints[index].incidents.push((from, until, failing));
        let kind = if roll < 0.04 { EventKind::Outage { until } } else { EventKind::Degraded { until } };
        record(world, index, from, kind);
    }
}

/// About a tenth of the endpoints change their list prices once, at a UTC midnight.
fn price_changes(world: &mut World, config: &SimulatorConfig, free: &[usize]) {
    for &index in free {
        let draw = |part: i64| world.noise.at(Draw::Event, [20 + part, index as i64]);
        if draw(0).uniform() >= 0.1 {
            continue;
        }
        let at = midnight(config, draw(1).between(0.15, 0.95));
        let factor =
            if draw(2).uniform() < 0.6 { draw(3).between(0.6, 0.9) } else { draw(3).between(1.1, 1.4) };
        let scaled = world.endpoints[index].prices[0].1.scaled(factor);
        world.endpoints[index].prices.push((at, scaled));
        record(world, index, at, EventKind::PriceChange { factor });
    }
}
