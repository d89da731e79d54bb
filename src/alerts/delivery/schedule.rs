//! When a receiver gets its messages, and when a failed one is sent again.

use crate::alerts::notice::Severity;
use crate::config::{Digest, QuietHours, Receiver};
use chrono::{DateTime, DurationRound, NaiveTime, TimeDelta, Timelike, Utc};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// The first wait after a failure, seconds; it doubles with each further one.
const FIRST_WAIT: i64 = 30;
/// The longest wait between two attempts, seconds.
const LONGEST_WAIT: i64 = 6 * 3600;

/// The wait after a number of failures in a row: 30 s, doubled each time, at most 6 hours, spread by up to a quarter so
/// that not all senders return at once. The same message and attempt always have the same wait.
pub fn backoff(message_id: &str, failures: u32) -> TimeDelta {
    let doubled = FIRST_WAIT << failures.saturating_sub(1).min(12);
    let base = doubled.min(LONGEST_WAIT);
    let digest = Sha256::digest(format!("{message_id} {failures}").as_bytes());
    let share = i64::from(u16::from_be_bytes([digest[0], digest[1]]));
    TimeDelta::seconds(base - base / 4 * share / i64::from(u16::MAX))
}

/// The time of the next attempt: after the backoff, and not before the receiver wants it.
pub fn next_attempt(
    now: DateTime<Utc>,
    message_id: &str,
    failures: u32,
    retry_after: Option<Duration>,
) -> DateTime<Utc> {
    let asked = retry_after.and_then(|wait| TimeDelta::from_std(wait).ok()).unwrap_or_default();
    // A receiver that asks for years is asked again after a day.
    now + backoff(message_id, failures).max(asked.min(TimeDelta::days(1)))
}

/// Whether it is quiet for a receiver: nothing but critical notices is sent.
pub fn is_quiet(receiver: &Receiver, now: DateTime<Utc>) -> bool {
    let Ok(Some(QuietHours { from, to })) = receiver.quiet() else { return false };
    let minute = local_minute(receiver, now);
    if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to }
}

/// Whether a notice that waits since `since` is due.
pub fn is_due(receiver: &Receiver, severity: Severity, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    if severity == Severity::Critical {
        return true;
    }
    if is_quiet(receiver, now) {
        return false;
    }
    match receiver.digest() {
        None | Some(Digest::Immediate) => true,
        Some(Digest::Hourly) => next_hour(since) <= now,
        Some(Digest::Daily(minute)) => next_daily(receiver, minute, since) <= now,
    }
}

fn next_hour(since: DateTime<Utc>) -> DateTime<Utc> {
    let hour = TimeDelta::hours(1);
    since.duration_trunc(hour).map_or(since, |start| start + hour)
}

/// The first time after `since` at which the receiver's clock shows this minute of the day.
fn next_daily(receiver: &Receiver, minute: u32, since: DateTime<Utc>) -> DateTime<Utc> {
    let local = since + offset(receiver);
    let time = NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap_or_default();
    let today = local.date_naive().and_time(time).and_utc();
    let next = if today > local { today } else { today + TimeDelta::days(1) };
    next - offset(receiver)
}

fn local_minute(receiver: &Receiver, now: DateTime<Utc>) -> u32 {
    let local = now + offset(receiver);
    local.hour() * 60 + local.minute()
}

fn offset(receiver: &Receiver) -> TimeDelta {
    TimeDelta::minutes(i64::from(receiver.offset_minutes().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use std::path::Path;

    fn receiver(settings: &str) -> Receiver {
        let text =
            format!("[[alerts.receivers]]\nname = \"r\"\nkind = \"slack\"\nurl_env = \"U\"\n{settings}");
        let config = Config::parse(&text, Path::new("hitrate.toml")).expect("valid");
        config.alerts.receivers.into_iter().next().expect("one")
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn waits_double_up_to_six_hours_and_are_spread() {
        for failures in 1..40 {
            let full = (FIRST_WAIT << (failures - 1).min(12)).min(LONGEST_WAIT);
            let wait = backoff("msg_a", failures).num_seconds();
            assert!(wait <= full && wait >= full * 3 / 4, "{failures}: {wait} of {full}");
        }
        assert_ne!(backoff("msg_a", 8), backoff("msg_b", 8));
        let now = at("2026-01-01T00:00:00Z");
        assert_eq!(next_attempt(now, "m", 1, Some(Duration::from_secs(600))), now + TimeDelta::seconds(600));
        assert_eq!(next_attempt(now, "m", 1, Some(Duration::MAX)) - now, backoff("m", 1));
        assert_eq!(next_attempt(now, "m", 1, Some(Duration::from_secs(9_000_000))), now + TimeDelta::days(1));
    }

    #[test]
    fn quiet_hours_pass_midnight_in_the_time_of_the_receiver() {
        let quiet = receiver("quiet_hours = \"22:00-07:00\"\nutc_offset = \"+02:00\"\n");
        for (time, expected) in
            [("19:59", false), ("20:00", true), ("23:30", true), ("04:59", true), ("05:00", false)]
        {
            assert_eq!(is_quiet(&quiet, at(&format!("2026-01-01T{time}:00Z"))), expected, "{time}");
        }
        let since = at("2026-01-01T21:00:00Z");
        assert!(!is_due(&quiet, Severity::Warning, since, since));
        assert!(is_due(&quiet, Severity::Critical, since, since));
    }

    #[test]
    fn a_digest_waits_for_its_time() {
        let hourly = receiver("digest = \"hourly\"\n");
        let since = at("2026-01-01T10:20:00Z");
        assert!(!is_due(&hourly, Severity::Info, since, at("2026-01-01T10:59:59Z")));
        assert!(is_due(&hourly, Severity::Info, since, at("2026-01-01T11:00:00Z")));
        let daily = receiver("digest = \"daily 08:00\"\nutc_offset = \"-05:00\"\n");
        assert!(!is_due(&daily, Severity::Info, since, at("2026-01-01T12:59:00Z")));
        assert!(is_due(&daily, Severity::Info, since, at("2026-01-01T13:00:00Z")));
        assert!(!is_due(&daily, Severity::Info, at("2026-01-01T13:00:00Z"), at("2026-01-02T12:00:00Z")));
        assert!(is_due(&daily, Severity::Critical, since, since));
    }
}
