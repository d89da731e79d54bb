//! Lasting shifts of single endpoints at known times, and noise within the day like that of recorded half-hourly rates.

use super::config::{EndpointShifts, SimulatorConfig};
use super::noise::{Draw, Noise};
use super::price::CacheKind;
use super::world::{Event, EventKind, Within, World};
use crate::domain::window::midnight;
use chrono::Duration;
use std::f64::consts::TAU;

/// Median over the recorded endpoints of the standard deviation of half-hourly rates within a day, a fraction.
const MEDIAN_DEVIATION: f64 = 0.057;

/// Standard deviation of its logarithm: the 90th percentile is 13.4 points.
const DEVIATION_SPREAD: f64 = 0.667;

/// Correlation of an hour's noise with that of the hour before.
const HOUR_TO_HOUR: f64 = 0.3;

/// Share of the variance within a day that follows the hour of the day.
const CYCLE_SHARE: f64 = 0.2;

/// The means before and after a shift stay within these bounds, so that no clipping hides it.
const ROOM: (f64, f64) = (0.1, 0.9);

/// Gives all endpoints their noise within the day, and shifts some of them once.
pub(super) fn plan(world: &mut World, config: &SimulatorConfig, shifts: &EndpointShifts) {
    for (index, endpoint) in (0_i64..).zip(&mut world.endpoints) {
        let deviation = MEDIAN_DEVIATION * world.noise.at(Draw::Within, [index]).factor(DEVIATION_SPREAD);
        endpoint.within = Some(Within { deviation, is_steady: shifts.is_steady });
    }
    let draw = |part: i64, index: usize| world.noise.at(Draw::ShiftPlan, [part, index as i64]);
    let mut order: Vec<usize> = (0..world.endpoints.len()).collect();
    order.sort_by(|&a, &b| draw(0, a).uniform().total_cmp(&draw(0, b).uniform()));
    let mut planned = Vec::new();
    for index in order {
        let endpoint = &world.endpoints[index];
        let size = shifts.sizes[planned.len() % shifts.sizes.len()];
        let mean = world.mean_hit_rate(endpoint, config.start);
        let by = if mean < 0.5 { size } else { -size };
        let fits = [mean, mean + by].iter().all(|level| (ROOM.0..=ROOM.1).contains(level));
        let is_plain =
            endpoint.variant == "standard" && endpoint.kind == CacheKind::Implicit && !endpoint.idle;
        if planned.len() < shifts.endpoints && fits && is_plain {
            // After a week of history, and at least three days before the end.
            let hours = (i64::from(config.days) - 10).max(1) as usize * 24;
            let hour = 7 * 24 + draw(1, index).index(hours) as i64;
            planned.push((index, midnight(config.start.date_naive()) + Duration::hours(hour), by));
        }
    }
    for (index, at, by) in planned {
        let endpoint = &mut world.endpoints[index];
        endpoint.shift = Some((at, by));
        let (id, provider) = (endpoint.id, world.providers[endpoint.provider].slug.clone());
        world.events.push(Event { at, endpoint: Some(id), provider, kind: EventKind::EndpointShift { by } });
    }
    world.events.sort_by_key(|event| (event.at, event.endpoint));
}

/// The noise of an hour: a daily cycle and autocorrelated noise, with a standard deviation of 1.
pub(super) fn wave(noise: Noise, keys: [i64; 2]) -> f64 {
    let phase = noise.at(Draw::Within, [1, keys[0]]).between(0.0, TAU);
    let cycle = (TAU * keys[1].rem_euclid(24) as f64 / 24.0 + phase).sin() * 2.0_f64.sqrt();
    // An autoregression of order 1, written as the sum of its last terms.
    let terms = (0..6_i64).map(|back| {
        let own = noise.at(Draw::WithinHour, [keys[0], keys[1] - back]).normal();
        own * HOUR_TO_HOUR.powi(i32::try_from(back).unwrap_or(0))
    });
    let rest = terms.sum::<f64>() * (1.0 - HOUR_TO_HOUR * HOUR_TO_HOUR).sqrt();
    cycle * CYCLE_SHARE.sqrt() + rest * (1.0 - CYCLE_SHARE).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_within_the_day_has_the_deviation_and_the_correlation_that_it_states() {
        let noise = Noise::new(3);
        let waves: Vec<f64> = (0..20_000).map(|hour| wave(noise, [7, hour])).collect();
        let squares = waves.iter().map(|wave| wave * wave).sum::<f64>();
        assert!((squares / waves.len() as f64 - 1.0).abs() < 0.05, "{squares}");
        let pairs = waves.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>();
        let expected = CYCLE_SHARE * (TAU / 24.0).cos() + (1.0 - CYCLE_SHARE) * HOUR_TO_HOUR;
        assert!((pairs / squares - expected).abs() < 0.03, "{}", pairs / squares);
    }
}
