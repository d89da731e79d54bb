//! What the upstream still offers of the past: longer charts, the log of list prices, and uptime by hour.

use chrono::{DateTime, Duration, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::pricing::CHART_DAYS;
use super::wire::{Number, envelope, iso};
use crate::simulator::Simulator;
use crate::simulator::price::Prices;
use crate::simulator::traffic::{full_hour, midnight};
use crate::simulator::world::{Endpoint, Pair};

/// Number of hours of `stats/uptime-hourly`; the first one is the current hour.
const UPTIME_HOURS: i64 = 72;

/// The number of days of a range, the current one included. Without a range, and for an unknown one, that of the
/// default charts. `all` reaches back to the start of the span.
pub(super) fn chart_days(simulator: &Simulator, range: Option<&str>, at: DateTime<Utc>) -> i64 {
    let all = ((midnight(at) - midnight(simulator.config.start)).num_days() + 1).max(CHART_DAYS);
    match range {
        Some("3d") => 3,
        Some("1m") => 30,
        Some("3m") => all.min(91),
        Some("1y") => all.min(366),
        Some("all") => all,
        _ => CHART_DAYS,
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Series<'a> {
    endpoint_id: Uuid,
    provider_name: &'a str,
    provider_slug: &'a str,
    input: Vec<Value>,
    output: Vec<Value>,
    cache_read: Vec<Value>,
    cache_write: Vec<Value>,
    discount: Vec<Value>,
}

/// `stats/listed-pricing`: the changes of each list price before its discount, USD per million tokens, and of the
/// discount. Only the changes within the range are listed; an unknown pair has no series.
pub(super) fn listed(
    simulator: &Simulator,
    pair: Option<&Pair>,
    range: Option<&str>,
    at: DateTime<Utc>,
) -> Vec<u8> {
    let world = &simulator.world;
    let days = chart_days(simulator, range, at);
    let from = match range {
        Some("all") => simulator.config.start,
        _ => midnight(at) - Duration::days(days - 1),
    };
    let series = |&index: &usize| {
        let e = &world.endpoints[index];
        let begun = e.alive_from.max(simulator.config.start);
        (begun <= at).then(|| Series {
            endpoint_id: e.id,
            provider_name: &simulator.prepared.summary_names[index],
            provider_slug: &world.providers[e.provider].slug,
            input: changes(e, (begun, from, at), |prices| Some(usd(prices.input))),
            output: changes(e, (begun, from, at), |prices| Some(usd(prices.output))),
            cache_read: changes(e, (begun, from, at), |prices| prices.read.map(usd)),
            cache_write: changes(e, (begun, from, at), |prices| prices.write.map(usd)),
            discount: changes(e, (begun, from, at), |prices| {
                Some(f64::from(prices.discount) / 100.0).filter(|discount| *discount > 0.0)
            }),
        })
    };
    let all: Vec<Series<'_>> = pair.iter().flat_map(|pair| &pair.endpoints).filter_map(series).collect();
    envelope(&json!({ "series": all }))
}

fn usd(units: u64) -> f64 {
    units as f64 / 1e6
}

/// The changes of one price of an endpoint in `[from, to]`. A price that goes is null.
fn changes(
    endpoint: &Endpoint,
    (begun, from, to): (DateTime<Utc>, DateTime<Utc>, DateTime<Utc>),
    value: impl Fn(&Prices) -> Option<f64>,
) -> Vec<Value> {
    let (mut last, mut points) = (None, Vec::new());
    for (since, prices) in &endpoint.prices {
        let (at, price) = ((*since).max(begun), value(prices));
        if at > to || price == last {
            continue;
        }
        last = price;
        if at >= from {
            points.push(json!({ "at": iso(at), "value": price.map(Number) }));
        }
    }
    points
}

/// `stats/uptime-hourly`: percent by hour, newest first; empty for an unknown endpoint.
pub(super) fn uptime(simulator: &Simulator, id: Option<&str>, at: DateTime<Utc>) -> Vec<u8> {
    let index = id.and_then(|id| simulator.by_uuid.get(&Uuid::parse_str(id).ok()?).copied());
    let hour = |index: usize, back: i64| {
        let from = full_hour(at) - Duration::hours(back);
        let to = at.min(from + Duration::hours(1));
        let counters = simulator.book.between(&simulator.world, index, from, to);
        json!({ "date": iso(from), "uptime": counters.uptime_percent().map(Number) })
    };
    let hours = |index: usize| (0..UPTIME_HOURS).map(move |back| hour(index, back));
    let history: Vec<Value> = index.into_iter().flat_map(hours).collect();
    envelope(&json!({ "history": history }))
}
