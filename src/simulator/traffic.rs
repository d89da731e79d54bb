//! The hourly traffic of every endpoint, as running counters of each UTC day.

use std::collections::BTreeMap;
use std::ops::{Add, Sub};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, Duration, DurationRound, Utc};

use super::endpoints::bounded;
use super::noise::{Draw, Noise};
use super::price::CacheKind;
use super::shifts;
use super::world::{Endpoint, World};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Number of days in the cache; about 0.4 MB each in the default world.
const DAYS_KEPT: usize = 48;

/// Tokens of an average request.
const TOKENS_PER_REQUEST: f64 = 9_000.0;

/// The counters of an endpoint over a time span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Prompt tokens, including cached ones.
    pub prompt: u64,
    /// Completion tokens.
    pub completion: u64,
    /// Prompt tokens that were found in the cache.
    pub cached: u64,
    /// Requests answered.
    pub success: u64,
    /// Requests that failed through the provider's fault.
    pub failed: u64,
    /// Requests rejected by a rate limit.
    pub limited: u64,
}

impl Counters {
    /// Prompt and completion tokens together, as the upstream publishes them.
    pub fn tokens(&self) -> u64 {
        self.prompt + self.completion
    }

    /// Cached prompt tokens divided by prompt tokens, a fraction; `None` without prompt tokens.
    pub fn hit_rate(&self) -> Option<f64> {
        (self.prompt > 0).then(|| self.cached as f64 / self.prompt as f64)
    }

    /// Percentage of requests answered, without rate-limited ones; `None` without requests.
    pub fn uptime_percent(&self) -> Option<f64> {
        let all = self.success + self.failed;
        (all > 0).then(|| 100.0 * self.success as f64 / all as f64)
    }

    fn zip(self, other: Self, f: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            prompt: f(self.prompt, other.prompt),
            completion: f(self.completion, other.completion),
            cached: f(self.cached, other.cached),
            success: f(self.success, other.success),
            failed: f(self.failed, other.failed),
            limited: f(self.limited, other.limited),
        }
    }
}

impl Add for Counters {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }
}

impl Sub for Counters {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a.saturating_sub(b))
    }
}

/// Running totals of one endpoint's UTC day at each full hour: index 0 is midnight, index 24 is the end of the day.
type Running = [Counters; 25];

/// Computes days on demand and caches the most recently requested ones.
#[derive(Debug, Default)]
pub(super) struct DayBook {
    days: RwLock<BTreeMap<i64, Arc<Vec<Running>>>>,
}

impl DayBook {
    /// The counters of an endpoint in `[from, to)`.
    pub(super) fn between(
        &self,
        world: &World,
        endpoint: usize,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Counters {
        let (from, to) = (from.timestamp_millis(), to.timestamp_millis());
        let mut total = Counters::default();
        let mut start = from;
        while start < to {
            let day = start.div_euclid(DAY_MS);
            let end = to.min((day + 1) * DAY_MS);
            let running = self.day(world, day);
            let running = &running[endpoint];
            total = total + (at(running, end - day * DAY_MS) - at(running, start - day * DAY_MS));
            start = end;
        }
        total
    }

    fn day(&self, world: &World, day: i64) -> Arc<Vec<Running>> {
        let known = self.days.read().unwrap_or_else(PoisonError::into_inner).get(&day).cloned();
        if let Some(known) = known {
            return known;
        }
        let endpoints = 0..world.endpoints.len();
        let computed: Arc<Vec<Running>> =
            Arc::new(endpoints.map(|index| compute_endpoint(world, index, day)).collect());
        let mut days = self.days.write().unwrap_or_else(PoisonError::into_inner);
        days.insert(day, Arc::clone(&computed));
        while days.len() > DAYS_KEPT {
            let (first, last) = (days.keys().next().copied(), days.keys().next_back().copied());
            let far = if last.is_some_and(|last| last - day > DAYS_KEPT as i64) { last } else { first };
            match far {
                Some(far) => days.remove(&far),
                None => break,
            };
        }
        computed
    }
}

/// The running totals at a moment of the day: linear within the hour.
fn at(running: &Running, offset_ms: i64) -> Counters {
    let hour = (offset_ms / HOUR_MS) as usize;
    if hour >= 24 {
        return running[24];
    }
    let part = (offset_ms % HOUR_MS) as u64;
    let step = running[hour + 1] - running[hour];
    running[hour] + step.zip(step, |whole, _| whole * part / HOUR_MS as u64)
}

fn compute_endpoint(world: &World, index: usize, day: i64) -> Running {
    let endpoint = &world.endpoints[index];
    let noise = world.noise;
    let key = index as i64;
    let volume = endpoint.tokens * noise.at(Draw::DayVolume, [key, day]).factor(0.25);
    let deviation = day_deviation(noise, endpoint, key, day);
    let mut running = [Counters::default(); 25];
    for hour in 0..24 {
        let step = compute_hour(world, endpoint, [key, day * 24 + hour], volume, deviation);
        running[hour as usize + 1] = running[hour as usize] + step;
    }
    running
}

fn compute_hour(world: &World, endpoint: &Endpoint, keys: [i64; 2], volume: f64, deviation: f64) -> Counters {
    let Some(at) = DateTime::from_timestamp_millis(keys[1] * HOUR_MS) else { return Counters::default() };
    if !endpoint.alive(at) || (endpoint.idle && rests(world.noise, endpoint.model, keys[1])) {
        return Counters::default();
    }
    let incident = endpoint.incidents.iter().find(|(from, until, _)| *from <= at && at < *until);
    let usual = (endpoint.error_rate * world.noise.at(Draw::Errors, keys).factor(0.4)).min(0.045);
    let failing = incident.map_or(usual, |(_, _, failing)| *failing);
    let lost = if incident.is_some() { 0.5 } else { 1.0 };
    let tokens = lost * volume / 24.0
        * diurnal(world.noise, keys)
        * world.noise.at(Draw::HourVolume, keys).factor(0.12);
    let prompt = tokens * endpoint.prompt_share;
    let hit_rate = hour_hit_rate(world, endpoint, keys, at, deviation);
    let requests = (tokens / TOKENS_PER_REQUEST).ceil();
    let failed = (requests * failing).round();
    let limited = requests
        * world.providers[endpoint.provider].limited_ratio
        * world.noise.at(Draw::Limited, keys).factor(0.3);
    Counters {
        prompt: prompt as u64,
        completion: (tokens - prompt) as u64,
        cached: (hit_rate * prompt) as u64,
        success: (requests - failed) as u64,
        failed: failed as u64,
        limited: limited as u64,
    }
}

fn hour_hit_rate(
    world: &World,
    endpoint: &Endpoint,
    keys: [i64; 2],
    at: DateTime<Utc>,
    deviation: f64,
) -> f64 {
    if endpoint.kind == CacheKind::None {
        return 0.0;
    }
    let mean = world.mean_hit_rate(endpoint, at);
    let room = mean.min(0.985 - mean).max(0.004);
    let hourly = match endpoint.within {
        Some(within) => within.deviation * shifts::wave(world.noise, keys),
        None => 0.02 * world.noise.at(Draw::Hour, keys).normal(),
    };
    (mean + bounded(deviation + hourly, room)).clamp(0.0, 1.0)
}

/// Whether an idle model has no traffic in an hour, numbered since 1970: on two days in three, and on the other days in
/// the hours before its first request.
fn rests(noise: Noise, model: usize, hour: i64) -> bool {
    let draw = |part: i64| noise.at(Draw::Idle, [part, model as i64, hour.div_euclid(24)]);
    draw(0).uniform() > 1.0 / 3.0 || hour.rem_euclid(24) < draw(1).index(20) as i64
}

/// The daily cycle: busy in the afternoon, quiet at night, with different hours for each endpoint.
fn diurnal(noise: Noise, keys: [i64; 2]) -> f64 {
    let phase = noise.at(Draw::Phase, [keys[0]]).between(-4.0, 4.0);
    let hour = keys[1].rem_euclid(24) as f64;
    1.0 + 0.5 * (std::f64::consts::TAU * (hour - 9.0 + phase) / 24.0).sin()
}

/// The deviation of a day's hit rate from the endpoint's mean, before bounds.
///
/// Calibrated to recorded cells (median standard deviation within a cell 8.8 points; change from one day to the next 2
/// to 3 points in the median and about 14 at the 90th percentile): a level that lasts for about four days, small daily
/// noise and rare spikes. Seed 1 gives 8.2, 2.0 and 15.3 points. Small endpoints are noisier.
pub(super) fn day_deviation(noise: Noise, endpoint: &Endpoint, key: i64, day: i64) -> f64 {
    if endpoint.within.is_some_and(|within| within.is_steady) {
        return 0.013 * noise.at(Draw::Day, [key, day]).normal();
    }
    let size = (1e9 / endpoint.tokens).powf(0.06).clamp(0.7, 1.4);
    let changes = |d: i64| noise.at(Draw::Regime, [key, d]).uniform() < 0.25;
    let since = (day - 40..=day).rev().find(|&d| changes(d)).unwrap_or(day - 40);
    let level = endpoint.spread * noise.at(Draw::RegimeLevel, [key, since]).normal();
    let spiky = noise.at(Draw::DaySpike, [key, day]).uniform() < 0.1;
    let daily = if spiky { 0.10 } else { 0.013 } * noise.at(Draw::Day, [key, day]).normal();
    size * (level + daily)
}

/// The UTC midnight at or before a time.
pub(super) fn midnight(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(Duration::days(1)).unwrap_or(at)
}

/// The full hour at or before a time.
pub(super) fn full_hour(at: DateTime<Utc>) -> DateTime<Utc> {
    at.duration_trunc(Duration::hours(1)).unwrap_or(at)
}
