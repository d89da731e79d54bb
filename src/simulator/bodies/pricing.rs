//! Hit rates, effective prices and token volumes.

use std::collections::BTreeMap;
use std::ops::Add;

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::wire::{Number, envelope, stamp};
use crate::simulator::cache::{self, Window};
use crate::simulator::noise::Draw;
use crate::simulator::traffic::{Counters, full_hour, midnight};
use crate::simulator::world::Pair;
use crate::simulator::{CacheKind, Simulator};

/// Number of UTC days in comparisons, and in charts without a range; the last one is partial.
pub(super) const CHART_DAYS: i64 = 8;

/// Number of UTC days of model activity; the last one is partial.
const ACTIVITY_DAYS: i64 = 31;

/// Largest relative error of an effective price.
const PRICE_ERROR: f64 = 0.0004;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Effective<'a> {
    weighted_input_price: Number,
    weighted_output_price: Number,
    weighted_cache_hit_rate: Number,
    provider_summaries: Vec<Summary<'a>>,
    provider_names: Vec<&'a str>,
    #[serde(flatten)]
    names: Option<Names<'a>>,
    input_chart_data: Vec<Point<'a>>,
    output_chart_data: Vec<Point<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Names<'a> {
    endpoint_names: BTreeMap<Uuid, &'a str>,
    endpoint_raw_names: BTreeMap<Uuid, &'a str>,
    endpoint_provider_slugs: BTreeMap<Uuid, &'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_id: Option<Uuid>,
    provider_name: &'a str,
    provider_slug: &'a str,
    effective_input_price: Number,
    effective_output_price: Number,
    cache_hit_rate: Number,
    total_tokens: u64,
}

#[derive(Serialize)]
struct Point<'a> {
    x: String,
    y: BTreeMap<Key<'a>, Number>,
}

/// The chart key of an endpoint: its id, or its display name before ids were introduced.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(untagged)]
enum Key<'a> {
    Name(&'a str),
    Id(Uuid),
}

/// Counters and prices of one endpoint over a window.
pub(in crate::simulator) struct Paid {
    endpoint: usize,
    counters: Counters,
    hit_rate: f64,
    /// USD per million tokens.
    pub(in crate::simulator) input: f64,
    /// USD per million tokens.
    pub(in crate::simulator) output: f64,
}

/// The endpoints of a pair with traffic in `[from, to)`, a UTC day or the first part of one.
fn paid(simulator: &Simulator, pair: &Pair, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Paid> {
    pair.endpoints.iter().filter_map(|&endpoint| paid_in_day(simulator, endpoint, from, to)).collect()
}

/// What an endpoint cost in `[from, to)`. `bucket` is the number of the window, used for the price error.
fn paid_by(
    simulator: &Simulator,
    endpoint: usize,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    bucket: i64,
) -> Option<Paid> {
    let world = &simulator.world;
    let counters = simulator.book.between(world, endpoint, from, to);
    let hit_rate = counters.hit_rate()?;
    let e = &world.endpoints[endpoint];
    let prices = e.price(to - Duration::milliseconds(1));
    let draw = |part: i64| world.noise.at(Draw::EffectivePrice, [part, endpoint as i64, bucket]);
    let error = draw(0).between(-PRICE_ERROR, PRICE_ERROR);
    let rounding = if endpoint.is_multiple_of(2) { 1.0 } else { 1.0 - 1e-6 * draw(1).uniform() };
    let (input, output) = match e.unpriced() {
        true => (0.0, 0.0),
        false => (prices.effective_input(e.kind, hit_rate, error), prices.usd(prices.output) * rounding),
    };
    Some(Paid { endpoint, counters, hit_rate, input, output })
}

/// What an endpoint cost since a UTC midnight according to the body of that day; `None` without traffic.
pub(in crate::simulator) fn paid_in_day(
    simulator: &Simulator,
    endpoint: usize,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Option<Paid> {
    paid_by(simulator, endpoint, from, to, from.timestamp() / 86_400)
}

/// `stats/effective-pricing` with charts of a number of days: all zeros for an unknown pair and for a pair without
/// traffic.
pub(super) fn effective(
    simulator: &Simulator,
    pair: Option<&Pair>,
    at: DateTime<Utc>,
    chart: i64,
) -> Vec<u8> {
    let with_ids = at >= simulator.config.ids_from;
    let (mut summaries, days) = match pair.zip(pair.and_then(|pair| window(simulator, pair, at))) {
        Some((pair, window)) => {
            (summarised(simulator, pair, window, at), chart_days(simulator, pair, window, chart))
        }
        None => (Vec::new(), Vec::new()),
    };
    summaries.sort_by_key(|paid| (std::cmp::Reverse(paid.counters.tokens()), paid.endpoint));
    let mut named: Vec<usize> = days.iter().flat_map(|(_, paid)| paid).map(|paid| paid.endpoint).collect();
    named.sort_unstable();
    named.dedup();
    let chart = |value: fn(&Paid) -> f64| {
        let key = |paid: &Paid| match with_ids {
            true => Key::Id(simulator.world.endpoints[paid.endpoint].id),
            false => Key::Name(&simulator.prepared.summary_names[paid.endpoint]),
        };
        let point = |(day, paid): &(DateTime<Utc>, Vec<Paid>)| Point {
            x: stamp(*day),
            y: paid.iter().map(|p| (key(p), Number(value(p)))).collect(),
        };
        days.iter().map(point).collect()
    };
    envelope(&Effective {
        weighted_input_price: weighted(&summaries, |p| (p.input, p.counters.prompt)),
        weighted_output_price: weighted(&summaries, |p| (p.output, p.counters.completion)),
        weighted_cache_hit_rate: weighted(&summaries, |p| (p.hit_rate, p.counters.prompt)),
        provider_summaries: summaries.iter().map(|p| summary(simulator, p, with_ids)).collect(),
        provider_names: named.iter().map(|&i| simulator.prepared.summary_names[i].as_str()).collect(),
        names: with_ids.then(|| names(simulator, &named)),
        input_chart_data: chart(|p| p.input),
        output_chart_data: chart(|p| p.output),
    })
}

/// The window of the last chart point. Caches are simulated only for summaries of a UTC day.
fn window(simulator: &Simulator, pair: &Pair, at: DateTime<Utc>) -> Option<Window> {
    match at >= simulator.config.window_switch {
        true => cache::window(simulator, pair, at),
        false => Some(Window::day_to(at)),
    }
}

/// The summaries of a window: the current clock hour, or the UTC day to date. In the first minute of an hour they still
/// cover the previous hour.
fn summarised(simulator: &Simulator, pair: &Pair, window: Window, at: DateTime<Utc>) -> Vec<Paid> {
    if at >= simulator.config.window_switch {
        let Window { from, to, .. } = window;
        return paid(simulator, pair, from, to);
    }
    let hour = full_hour(at);
    let (from, to) = match at - hour < Duration::minutes(1) {
        true => (hour - Duration::hours(1), hour),
        false => (hour, at),
    };
    let bucket = 1_000_000 + from.timestamp() / 3600;
    pair.endpoints.iter().filter_map(|&endpoint| paid_by(simulator, endpoint, from, to, bucket)).collect()
}

/// The days with traffic; the body's own day is the last one.
fn chart_days(
    simulator: &Simulator,
    pair: &Pair,
    window: Window,
    days: i64,
) -> Vec<(DateTime<Utc>, Vec<Paid>)> {
    let day = |back| window.computed_on - Duration::days(back);
    let before = (1..days).rev().map(day).filter(|&from| from < window.from);
    before
        .map(|from| (from, from + Duration::days(1)))
        .chain([(window.from, window.to)])
        .map(|(from, to)| (from, paid(simulator, pair, from, to)))
        .filter(|(_, paid)| !paid.is_empty())
        .collect()
}

fn weighted(all: &[Paid], value: impl Fn(&Paid) -> (f64, u64)) -> Number {
    let mut sum = (0.0, 0.0);
    for (value, weight) in all.iter().map(value) {
        sum = (sum.0 + value * weight as f64, sum.1 + weight as f64);
    }
    Number(if sum.1 > 0.0 { sum.0 / sum.1 } else { 0.0 })
}

fn summary<'a>(simulator: &'a Simulator, paid: &Paid, with_ids: bool) -> Summary<'a> {
    let e = &simulator.world.endpoints[paid.endpoint];
    Summary {
        endpoint_id: with_ids.then_some(e.id),
        provider_name: &simulator.prepared.summary_names[paid.endpoint],
        provider_slug: &simulator.world.providers[e.provider].slug,
        effective_input_price: Number(paid.input),
        effective_output_price: Number(paid.output),
        cache_hit_rate: Number(if e.kind == CacheKind::None { 0.0 } else { paid.hit_rate }),
        total_tokens: paid.counters.tokens(),
    }
}

fn names<'a>(simulator: &'a Simulator, named: &[usize]) -> Names<'a> {
    let world = &simulator.world;
    let by_id = |name: &dyn Fn(usize) -> &'a str| -> BTreeMap<Uuid, &'a str> {
        named.iter().map(|&i| (world.endpoints[i].id, name(i))).collect()
    };
    Names {
        endpoint_names: by_id(&|i| &simulator.prepared.summary_names[i]),
        endpoint_raw_names: by_id(&|i| &world.endpoints[i].display),
        endpoint_provider_slugs: by_id(&|i| &world.providers[world.endpoints[i].provider].slug),
    }
}

/// `stats/cache-hit-rate-comparison`: percent with two decimals.
pub(super) fn comparison(simulator: &Simulator, pair: Option<&Pair>, at: DateTime<Utc>) -> Vec<u8> {
    let Some((pair, window)) = pair.zip(pair.and_then(|pair| window(simulator, pair, at))) else {
        return envelope(&json!([]));
    };
    let percent = |p: &Paid| Number((p.hit_rate * 10_000.0).round() / 100.0);
    let id = |p: &Paid| Key::Id(simulator.world.endpoints[p.endpoint].id);
    let rows: Vec<Point<'_>> = chart_days(simulator, pair, window, CHART_DAYS)
        .iter()
        .map(|(day, paid)| Point { x: stamp(*day), y: paid.iter().map(|p| (id(p), percent(p))).collect() })
        .collect();
    envelope(&rows)
}

/// `stats/model-activity`: 31 days, newest first, as of the last full hour; the last day ends then.
pub(super) fn activity(simulator: &Simulator, pair: Option<&Pair>, at: DateTime<Utc>) -> Vec<u8> {
    let (world, cached) = (&simulator.world, full_hour(at));
    let day = |pair: &Pair, back: i64| {
        let from = midnight(cached) - Duration::days(back);
        let to = cached.min(from + Duration::days(1));
        let counted =
            pair.endpoints.iter().map(|&endpoint| simulator.book.between(world, endpoint, from, to));
        let sum = counted.fold(Counters::default(), Add::add);
        let slug = &world.models[pair.model].canonical;
        (sum.prompt > 0).then(|| {
            json!({
                "date": stamp(from), "model_permaslug": slug, "variant": pair.variant,
                "variant_permaslug": super::catalog::with_variant(slug, pair.variant),
                "total_prompt_tokens": sum.prompt, "total_completion_tokens": sum.completion,
                "total_native_tokens_reasoning": sum.completion / 2, "total_native_tokens_cached": sum.cached,
                "count": sum.success, "total_tool_calls": sum.success / 5,
                "requests_with_tool_call_errors": sum.success / 250,
            })
        })
    };
    let days = |pair| (0..ACTIVITY_DAYS).filter_map(move |back| day(pair, back));
    let rows: Vec<Value> = pair.into_iter().flat_map(days).collect();
    envelope(&json!({"analytics": rows, "cachedAt": cached.timestamp_millis()}))
}
