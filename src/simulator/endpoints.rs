//! Creates the endpoints of the market: cells, sibling endpoints of one provider, variants.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::assign::assign;
use super::config::SimulatorConfig;
use super::noise::{Draw, Noise};
use super::price::{CacheKind, Prices};
use super::world::{Endpoint, Pair, THETA_SD, World};

/// Standard deviation of the individual deviation of an endpoint with 500 M tokens per day, before bounds; smaller
/// endpoints deviate more (calibration: `docs/evidence.md`).
const CELL_SD: f64 = 0.105;

/// What distinguishes an endpoint from its siblings.
struct Label {
    suffix: Option<&'static str>,
    display_suffix: &'static str,
    region: Option<&'static str>,
    quantization: Option<&'static str>,
}

/// Adds endpoints and pairs to a world that already has providers and models.
pub(super) fn populate(world: &mut World, config: &SimulatorConfig) {
    let wanted = variants(config.models);
    let extra: usize = wanted.iter().map(|(_, _, count)| count).sum();
    let standard = config.endpoints - extra;
    let cells = cells(world, standard * 22 / 25, config.degree_spread);
    let siblings = standard.saturating_sub(cells.len());
    let stride = (cells.len() / siblings.max(1)).max(1);
    for model in 0..config.models {
        let first = world.endpoints.len();
        for (index, &(provider, _)) in cells.iter().enumerate().filter(|(_, cell)| cell.1 == model) {
            let twins = index % stride == 0 && index / stride < siblings;
            for label in labels(world.noise, index, twins) {
                let label = if config.hostile_names { hostile(label, provider) } else { label };
                add(world, model, "standard", provider, label);
            }
        }
        let endpoints = (first..world.endpoints.len()).collect();
        world.pairs.push(Pair { model, variant: "standard", endpoints });
    }
    for (model, variant, count) in wanted {
        add_variant(world, model, variant, count);
    }
}

/// Model, variant, number of endpoints. One `free` variant is listed but no provider serves it.
fn variants(models: usize) -> Vec<(usize, &'static str, usize)> {
    let mut all = vec![(3, "free", 0), (4, "thinking", 1)];
    all.extend((2..models).step_by(10).map(|m| (m, "free", 1)));
    all.extend((1..models).step_by(6).map(|m| (m, "batch", 1)));
    all
}

fn cells(world: &World, target: usize, spread: f64) -> Vec<(usize, usize)> {
    let taste: Vec<f64> = world
        .providers
        .iter()
        .enumerate()
        .map(|(i, p)| -0.8 * p.theta / THETA_SD + 0.6 * world.noise.at(Draw::Taste, [i as i64]).normal())
        .collect();
    let alpha_z: Vec<f64> = world.models.iter().map(|m| (m.alpha - 0.495) / 0.113).collect();
    assign(world.noise, (target, spread), &taste, &alpha_z)
}

/// One label for a single endpoint, two for twins, which differ by quantization, region or ordinal.
fn labels(noise: Noise, cell: usize, twins: bool) -> Vec<Label> {
    let label =
        |suffix, display_suffix, region, quantization| Label { suffix, display_suffix, region, quantization };
    if !twins {
        let quantization = [Some("fp8"), Some("bf16"), Some("fp4"), Some("unknown"), Some("unknown"), None];
        let quantization = quantization[noise.at(Draw::Catalog, [3, cell as i64]).index(6)];
        let tagged = noise.at(Draw::Catalog, [4, cell as i64]).uniform() < 0.5;
        let suffix = quantization.filter(|q| tagged && *q != "unknown");
        return vec![label(suffix, "", None, quantization)];
    }
    match noise.at(Draw::Shape, [cell as i64]).index(4) {
        0 => vec![label(Some("fp8"), "", None, Some("fp8")), label(Some("bf16"), "", None, Some("bf16"))],
        1 => vec![
            label(None, "", None, Some("unknown")),
            label(Some("eu-west-1"), "", Some("eu-west-1"), Some("unknown")),
        ],
        2 => vec![
            label(None, "", None, Some("unknown")),
            label(Some("eu-west-1"), " (EU)", Some("eu-west-1"), Some("unknown")),
        ],
        _ => vec![label(None, "", None, None), label(Some("2"), " Direct", None, None)],
    }
}

/// The label with a hostile tag and region, for the providers with hostile names. What distinguishes twins is kept.
fn hostile(label: Label, provider: usize) -> Label {
    let Some(text) = super::names::hostile(provider).filter(|_| label.display_suffix.is_empty()) else {
        return label;
    };
    Label { suffix: label.suffix.or(Some(text)), region: label.region.or(Some(text)), ..label }
}

fn add_variant(world: &mut World, model: usize, variant: &'static str, count: usize) {
    let first = world.endpoints.len();
    let mut providers: Vec<usize> =
        world.endpoints.iter().filter(|e| e.model == model).map(|e| e.provider).collect();
    providers.dedup();
    for &provider in providers.iter().take(count) {
        let label = Label { suffix: None, display_suffix: "", region: None, quantization: Some("unknown") };
        add(world, model, variant, provider, label);
    }
    let endpoints = (first..world.endpoints.len()).collect();
    world.pairs.push(Pair { model, variant, endpoints });
}

fn add(world: &mut World, model: usize, variant: &'static str, provider: usize, label: Label) {
    let key = world.endpoints.len() as i64;
    let noise = world.noise;
    let host = &world.providers[provider];
    let kind = match (host.cacheless, host.bills_writes) {
        (true, _) => CacheKind::None,
        (_, true) => CacheKind::WriteBilled,
        _ => CacheKind::Implicit,
    };
    let tag = match label.suffix {
        Some(suffix) => format!("{}/{suffix}", host.slug),
        None => host.slug.clone(),
    };
    let volume = |part, key, sd: f64| sd * noise.at(Draw::Volume, [part, key]).normal();
    let tokens =
        (world.models[model].log_tokens + volume(1, key, 1.35) + volume(2, provider as i64, 1.0)).exp();
    let completions = 0.05 * noise.at(Draw::PromptShare, [key]).factor(0.3);
    world.endpoints.push(Endpoint {
        id: uuid(noise.at(Draw::Id, [key])),
        model,
        variant,
        provider,
        tags: vec![(DateTime::<Utc>::MIN_UTC, tag)],
        display: format!("{}{}", host.display, label.display_suffix),
        region: label.region,
        quantization: label.quantization,
        prices: vec![(DateTime::<Utc>::MIN_UTC, prices(world, model, variant, kind, key))],
        kind,
        effect: effect(world, model, provider, (key, tokens)),
        spread: (0.11 * noise.at(Draw::CellSpread, [key]).factor(0.55)).clamp(0.03, 0.26),
        tokens: tokens.clamp(20e6, 60e9),
        prompt_share: 1.0 / (1.0 + completions),
        error_rate: (0.0025 * noise.at(Draw::Errors, [key]).factor(1.5)).min(0.06),
        throughput: (55.0 * noise.at(Draw::Speed, [0, key]).factor(0.5)).round(),
        latency: (900.0 * noise.at(Draw::Speed, [1, key]).factor(0.6)).round(),
        hides_stats: noise.at(Draw::Catalog, [5, key]).uniform() < 0.12,
        alive_from: DateTime::<Utc>::MIN_UTC,
        alive_until: DateTime::<Utc>::MAX_UTC,
        idle: false,
        shift: None,
        within: None,
        incidents: Vec::new(),
    });
}

/// Marks the standard models with the least traffic as idle.
pub(super) fn idle(world: &mut World, count: usize) {
    let mut tokens = vec![0.0; world.models.len()];
    for e in world.endpoints.iter().filter(|e| e.variant == "standard") {
        tokens[e.model] += e.tokens;
    }
    let mut models: Vec<usize> = (0..world.models.len()).collect();
    models.sort_by(|&a, &b| f64::total_cmp(&tokens[a], &tokens[b]));
    models.truncate(count);
    for e in world.endpoints.iter_mut().filter(|e| e.variant == "standard") {
        e.idle = models.contains(&e.model);
    }
}

/// A deviation that keeps the mean strictly within 0..1, so that no clipping distorts the additive truth.
fn effect(world: &World, model: usize, provider: usize, (key, tokens): (i64, f64)) -> f64 {
    let size = (500e6 / tokens).powf(0.08).clamp(0.6, 1.4);
    let (low, high) = world.providers[provider].theta_range();
    let alpha = world.models[model].alpha;
    let room = (alpha + low - 0.02).min(0.965 - alpha - high).max(0.005);
    bounded(CELL_SD * size * world.noise.at(Draw::Effect, [key]).normal(), room)
}

/// Compresses a symmetric deviation into `(-room, room)`, symmetrically.
pub(super) fn bounded(deviation: f64, room: f64) -> f64 {
    room * (deviation / room).tanh()
}

fn prices(world: &World, model: usize, variant: &str, kind: CacheKind, key: i64) -> Prices {
    if variant == "free" {
        return Prices::default();
    }
    let draw = |part: i64| world.noise.at(Draw::Ratio, [part, key]);
    let half = if variant == "batch" { 0.5 } else { 1.0 };
    let input = world.models[model].price * draw(0).factor(0.25) * half;
    let mut prices = Prices::new(input, input * draw(1).between(3.0, 5.0));
    if draw(2).uniform() < 0.2 {
        prices.output = (prices.output / 1_000_000).max(1) * 1_000_000;
    }
    if kind != CacheKind::None {
        prices.read = Some(Prices::new(input * [0.1, 0.2, 0.25, 0.5][draw(3).index(4)], 0.0).input);
    }
    if kind == CacheKind::WriteBilled {
        prices.write = Some(prices.input + prices.input / 4);
        prices.write_1h = (key % 7 != 3).then_some(prices.input * 2);
    }
    // Conditional prices with cache writes are the most frequent ones of the upstream.
    let tiered = world.models[model].tiered || (kind == CacheKind::WriteBilled && key % 2 == 0);
    prices.tier_above = tiered.then_some(128_000);
    prices.peak = tiered && key % 4 == 0;
    if draw(4).uniform() < 0.06 {
        prices.discount = [10, 25, 39, 50][draw(5).index(4)];
    }
    prices.numeric_sheet = draw(6).uniform() < 0.15;
    prices
}

fn uuid(noise: Noise) -> Uuid {
    let (high, low) = (noise.at(Draw::Id, [0]).bits(), noise.at(Draw::Id, [1]).bits());
    let bytes = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}
