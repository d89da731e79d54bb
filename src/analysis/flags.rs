//! The flags of an endpoint of the newest run, each with the numbers behind it.

use super::derive::{discount, identity_error, predicted_input};
use super::field::Field;
use super::newest::Latest;
use super::scatter::HitDays;
use super::standing::Standing;
use crate::domain::flag::{Flag, Shown};
use crate::domain::thresholds::*;
use crate::domain::workload::Workload;
use crate::wording::flag;
use chrono::{DateTime, Utc};

/// The flags of an endpoint, most important first. Session shares refer to `workload`.
pub(super) fn flags(field: &Field, standing: &Standing, latest: &Latest, workload: &Workload) -> Vec<Flag> {
    let status = latest.status;
    let all = [
        phantom(standing, latest),
        no_discount(standing, latest),
        identity_break(latest),
        impossible_price(latest),
        constant(standing),
        billed_writes(field, standing, latest, workload),
        marked_by_client(standing, latest),
        price_tiers(latest),
        scheduled_price(latest, field.as_of),
        latest.restricted.then_some(Shown::Restricted { status }),
        latest.deranked.then_some(Shown::Deranked { status }),
        down(latest),
        new(latest, field.record_began_s),
    ];
    all.into_iter().flatten().map(flag).collect()
}

fn phantom(standing: &Standing, latest: &Latest) -> Option<Shown> {
    let (list_input, list_cache_read) = discount(&latest.pricing)?;
    standing.is_phantom().then_some(Shown::Phantom {
        hit_rate: standing.hit_rate?,
        tokens_per_day: standing.tokens?,
        days: standing.days.map(|days| days.days),
        list_input,
        list_cache_read,
        effective_input: latest.effective_input,
        efficiency: standing.efficiency?,
        efficiency_bound: PHANTOM_EFFICIENCY,
    })
}

fn no_discount(standing: &Standing, latest: &Latest) -> Option<Shown> {
    let list_input = latest.pricing.input.filter(|price| *price > 0.0)?;
    (standing.has_enough_hits() && discount(&latest.pricing).is_none()).then_some(Shown::NoDiscount {
        hit_rate: standing.hit_rate?,
        tokens_per_day: standing.tokens?,
        days: standing.days.map(|days| days.days),
        list_input,
        list_cache_read: latest.pricing.cache_read,
        discount_bound: READ_PRICE_DISCOUNT,
    })
}

fn identity_break(latest: &Latest) -> Option<Shown> {
    let pricing = &latest.pricing;
    let error = identity_error(latest.hit_rate, latest.tokens, latest.effective_input, pricing)?;
    (error > IDENTITY_TOLERANCE).then_some(Shown::IdentityBreak {
        hit_rate: latest.hit_rate?,
        tokens: latest.tokens?,
        list_input: pricing.input?,
        list_cache_read: pricing.cache_read?,
        predicted_input: predicted_input(latest.hit_rate, latest.tokens, pricing)?,
        effective_input: latest.effective_input?,
        error,
        error_bound: IDENTITY_TOLERANCE,
    })
}

/// Without tokens nothing was paid, and on a day with two price lists either of them may explain the price.
fn impossible_price(latest: &Latest) -> Option<Shown> {
    let says_something = latest.tokens != Some(0) && !latest.price_moved_today;
    let effective_input = latest.effective_input.filter(|_| says_something)?;
    let (lowest_list, highest_list) = latest.pricing.input_range()?;
    latest.pricing.is_impossible(effective_input).then_some(Shown::ImpossiblePrice {
        effective_input,
        tokens: latest.tokens,
        lowest_list,
        highest_list,
    })
}

fn billed_writes(field: &Field, standing: &Standing, latest: &Latest, workload: &Workload) -> Option<Shown> {
    let pricing = &latest.pricing;
    let share = || {
        let parts = standing.cost_parts(workload, field.as_of)?;
        let total = parts.total();
        (total > 0.0).then(|| parts.writes / total)
    };
    let input = pricing.input.filter(|price| *price > 0.0);
    pricing.billed_writes.then(|| Shown::BilledWrites {
        list_cache_write: pricing.cache_write,
        list_input: pricing.input,
        multiple: pricing.cache_write.zip(input).map(|(write, input)| write / input),
        workload: workload.name.clone(),
        session_share: share(),
    })
}

/// A cache that hardly ever finds anything has a rate that hardly moves, and a derived rate moves only with the prices.
fn constant(standing: &Standing) -> Option<Shown> {
    let is_observed = |days: &HitDays| days.observed == days.days && days.days >= CONSTANT_MIN_DAYS;
    let days = standing.days.filter(|days| is_observed(days) && days.mean >= FLAG_MIN_HIT_RATE)?;
    let deviation = days.variance?.max(0.0).sqrt();
    (deviation < CONSTANT_MAX_DEVIATION).then_some(Shown::Constant {
        hit_rate: days.mean,
        days: days.days,
        deviation,
        deviation_bound: CONSTANT_MAX_DEVIATION,
    })
}

fn marked_by_client(standing: &Standing, latest: &Latest) -> Option<Shown> {
    let written_share = standing.written.filter(|share| *share <= MARKED_MAX_SHARE)?;
    let (hit_rate, hit_rate_used) = (standing.hit_rate?, standing.hit_rate_used()?);
    latest.pricing.billed_writes.then_some(Shown::MarkedByClient {
        hit_rate,
        hit_rate_used,
        written_share,
        written_bound: MARKED_MAX_SHARE,
    })
}

fn price_tiers(latest: &Latest) -> Option<Shown> {
    let conditions = &latest.pricing.tiers;
    let mut thresholds: Vec<i64> = conditions.iter().filter_map(|tier| tier.min_prompt_tokens).collect();
    thresholds.sort_unstable();
    thresholds.dedup();
    let count = conditions.len();
    (count > 0).then(|| Shown::PriceTiers { count, thresholds, conditions: conditions.clone() })
}

fn scheduled_price(latest: &Latest, at: DateTime<Utc>) -> Option<Shown> {
    let window = &latest.list_window;
    let (list_input, usual_input) = (latest.pricing.input?, window.usual.input.filter(|price| *price > 0.0)?);
    let deviation = list_input / usual_input - 1.0;
    let is_scheduled = window.returns >= SCHEDULE_MIN_RETURNS && deviation.abs() >= SCHEDULE_MIN_DEVIATION;
    is_scheduled.then_some(Shown::ScheduledPrice {
        list_input,
        usual_input,
        lowest_input: window.lowest.input?,
        highest_input: window.highest.input?,
        deviation,
        deviation_bound: SCHEDULE_MIN_DEVIATION,
        moves: window.moves,
        returns: window.returns,
        returns_bound: SCHEDULE_MIN_RETURNS,
        at,
    })
}

fn down(latest: &Latest) -> Option<Shown> {
    latest.is_down().then_some(Shown::Down {
        status: latest.status,
        disabled: latest.disabled,
        uptime_30m: latest.uptime_30m,
        uptime_1d: latest.uptime_1d,
    })
}

/// The age counts from the time when the upstream began to offer the endpoint. If that is not published, it counts from
/// our first sight; endpoints that already existed at the start of the record (`record_began_s`, seconds since
/// 1970-01-01) are then not new.
fn new(latest: &Latest, record_began_s: i64) -> Option<Shown> {
    let hours = (latest.observed_s - latest.created_s.unwrap_or(latest.first_seen_s)).div_euclid(3600);
    let known = latest.created_s.is_some() || latest.first_seen_s > record_began_s;
    (known && hours < PREFERENCE_MIN_AGE_HOURS).then_some(Shown::New {
        first_seen: DateTime::from_timestamp(latest.first_seen_s, 0)?,
        created_at: latest.created_s.and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
        hours,
        hours_bound: PREFERENCE_MIN_AGE_HOURS,
    })
}
