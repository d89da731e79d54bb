//! What an attempt means for a receiver: further attempts, giving up, switching off; and how much waits for it.

use super::schedule::next_attempt;
use super::state::{Off, OffReason, Outgoing, ReceiverRecord};
use crate::alerts::channels::message::Message;
use crate::alerts::channels::outcome::{Effect, SendFailure};
use crate::config::Alerts;
use crate::domain::delivery::DeliveryOutcome;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeSet;

/// Most notices that wait for one receiver; beyond it, the least important ones are dropped.
const MOST_WAITING: usize = 2000;
/// Number of refusals after which a message is given up.
const MOST_REFUSALS: u32 = 3;
/// Failures in a row before a receiver can be switched off, however long it fails.
const LEAST_FAILURES: u32 = 5;

/// Whether a message may be sent to a receiver now. No wait is longer than a day: a later time comes from a clock that was
/// set back since, and does not count.
pub fn may_try(record: &ReceiverRecord, now: DateTime<Utc>) -> bool {
    record.not_before.is_none_or(|at| at <= now || at > now + TimeDelta::days(1))
}

/// Keeps a success: the failures before it are forgotten.
pub fn succeeded(record: &mut ReceiverRecord, now: DateTime<Utc>) {
    record.delivered_at = Some(now);
    record.failing_since = None;
    record.failures = 0;
    record.not_before = None;
}

/// Counts a failure, plans the next attempt, gives the message up or switches the receiver off.
pub fn failed(
    record: &mut ReceiverRecord,
    place: Option<usize>,
    message: &Message,
    failure: &SendFailure,
    settings: &Alerts,
    now: DateTime<Utc>,
) -> DeliveryOutcome {
    record.failures += 1;
    record.not_before = Some(next_attempt(now, &message.id, record.failures, failure.retry_after));
    if failure.effect != Effect::Busy {
        // A clock that was set back leaves a time in the future.
        let since = record.failing_since.unwrap_or(now).min(now);
        record.failing_since = Some(since);
        // A machine that slept for days has failed once before and once after.
        let is_over = record.failures >= LEAST_FAILURES
            && now - since >= TimeDelta::days(i64::from(settings.switch_off_days));
        if is_over || failure.effect == Effect::Gone {
            turn_off(record, OffReason::Failed, now);
            return DeliveryOutcome::GivenUp;
        }
    }
    let Some(place) = place else { return DeliveryOutcome::Failed };
    if failure.effect == Effect::Refused {
        record.messages[place].refusals += 1;
    }
    // Also the messages behind it: an alert of days ago would only confuse once the receiver works again.
    let oldest = now - TimeDelta::hours(i64::from(settings.give_up_hours));
    let is_over = |one: &Outgoing| one.message.created_at <= oldest || one.refusals >= MOST_REFUSALS;
    record.messages.retain(|one| !is_over(one));
    match record.messages.iter().any(|one| one.message.id == message.id) {
        true => DeliveryOutcome::Failed,
        false => DeliveryOutcome::GivenUp,
    }
}

/// Turns a receiver off; what waits for it is dropped.
pub fn turn_off(record: &mut ReceiverRecord, reason: OffReason, now: DateTime<Utc>) {
    record.off = Some(Off { at: now, reason });
    record.waiting.clear();
    record.messages.clear();
}

/// Drops the least important notices beyond the limit, the oldest of them first.
pub fn limit(record: &mut ReceiverRecord, name: &str) {
    let over = record.waiting.len().saturating_sub(MOST_WAITING);
    if over == 0 {
        return;
    }
    let mut places: Vec<usize> = (0..record.waiting.len()).collect();
    places.sort_by_key(|place| (record.waiting[*place].notice.severity, record.waiting[*place].since));
    let dropped: BTreeSet<usize> = places.into_iter().take(over).collect();
    let mut place = 0;
    record.waiting.retain(|_| {
        place += 1;
        !dropped.contains(&(place - 1))
    });
    tracing::warn!(
        receiver = name,
        dropped = over,
        "too many notices wait for the receiver; the least important ones are dropped"
    );
}
