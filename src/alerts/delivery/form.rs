//! Makes messages of the notices that wait.

use super::schedule::is_due;
use super::state::{Outgoing, ReceiverRecord, Waiting};
use crate::alerts::channels::message::{Message, MessageKind};
use crate::alerts::notice::{Notice, Severity};
use crate::config::{Digest, Receiver};
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};
use std::cmp::Reverse;

/// Most notices of one message.
const MOST_NOTICES: usize = 100;
/// Up to this many notices at once are sent one by one; more become one message.
const MOST_SINGLE: usize = 3;

/// Moves the due notices of a receiver into messages. Once the limit per hour is reached, all but
/// critical ones wait until there is room.
pub fn form(record: &mut ReceiverRecord, receiver: &Receiver, most_per_hour: u32, now: DateTime<Utc>) {
    forget_old_attempts(record, now);
    for waiting in &mut record.waiting {
        // A clock that was set back leaves a time in the future, for which a digest would wait.
        waiting.since = waiting.since.min(now);
    }
    let used = record.attempts.len() + record.messages.len();
    let room = (most_per_hour as usize).saturating_sub(used);
    // Critical notices do not wait for room; those of one moment are one message.
    let may_go = |severity| room > 0 || severity == Severity::Critical;
    let is_due = |waiting: &Waiting| {
        let severity = waiting.notice.severity;
        may_go(severity) && is_due(receiver, severity, waiting.since, now)
    };
    let due_count = record.waiting.iter().filter(|waiting| is_due(waiting)).count();
    if due_count == 0 {
        return;
    }
    let (due, rest): (Vec<Waiting>, Vec<Waiting>) = record.waiting.drain(..).partition(is_due);
    record.waiting = rest;
    let mut notices: Vec<Notice> = due.into_iter().map(|waiting| waiting.notice).collect();
    notices.sort_by_key(|notice| (Reverse(notice.severity), Reverse(notice.at)));
    let is_immediate = receiver.digest() == Some(Digest::Immediate);
    let outgoing = |kind, notices: Vec<Notice>| {
        let message = Message { id: message_id(&receiver.name, &notices), kind, created_at: now, notices };
        Outgoing { message, attempts: 0, refusals: 0 }
    };
    if is_immediate && notices.len() <= MOST_SINGLE.min(room) {
        record.messages.extend(notices.into_iter().map(|one| outgoing(MessageKind::Notice, vec![one])));
    } else if notices.len() == 1 {
        record.messages.push(outgoing(MessageKind::Notice, notices));
    } else {
        let later = notices.split_off(notices.len().min(MOST_NOTICES));
        record.waiting.extend(later.into_iter().map(|notice| Waiting { since: notice.at, notice }));
        record.messages.push(outgoing(MessageKind::Digest, notices));
    }
}

/// Attempts of more than an hour ago no longer count.
pub fn forget_old_attempts(record: &mut ReceiverRecord, now: DateTime<Utc>) {
    let hour_ago = now - TimeDelta::hours(1);
    record.attempts.retain(|at| *at > hour_ago && *at <= now);
}

/// The id of a message: the same notices for the same receiver always have the same one.
fn message_id(receiver: &str, notices: &[Notice]) -> String {
    let mut ids: Vec<&str> = notices.iter().map(|notice| notice.id.as_str()).collect();
    ids.sort_unstable();
    let mut hash = Sha256::new();
    for part in std::iter::once(receiver).chain(ids) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let hex: String = hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("msg_{hex}")
}
