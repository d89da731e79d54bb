//! The outbox: accepts notices, sends them when they are due, and keeps what happened.
//!
//! **At least once, with a stable id.** A notice is on disk before [`Outbox::push`] returns. A message gets its id before
//! the first attempt and leaves the disk only after the receiver accepted it. If the process is killed between the two,
//! the message is sent again with the same id, by which the receiver can recognise it. A message whose delivery is on disk
//! is never sent again.

use super::form::{forget_old_attempts, form};
use super::record::{failed, limit, may_try, succeeded, turn_off};
use super::schedule::is_quiet;
use super::state::{AlertsError, Off, OffReason, Outgoing, State, StateFile, Waiting};
use crate::alerts::channels::message::{Message, MessageKind};
use crate::alerts::channels::outcome::SendFailure;
use crate::alerts::channels::{Preview, Sender};
use crate::alerts::notice::{Notice, Severity};
use crate::clock::Clock;
use crate::config::{Alerts, Receiver};
use crate::domain::delivery::{AlertsStatus, Delivery, DeliveryOutcome, ReceiverState, ReceiverStatus};
use crate::wording;
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How long a receiver gets messages in one turn. The next turn begins when all receivers are done.
const TURN: Duration = Duration::from_secs(30);
/// Deliveries on the status page.
const MOST_SHOWN: usize = 20;

/// The outbox of a data folder. Clones share it; the state is on disk.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    file: StateFile,
    base: PathBuf,
    settings: Alerts,
    user_agent: String,
    clock: Arc<dyn Clock>,
    rules_failing_since: Mutex<Option<DateTime<Utc>>>,
}

/// What [`Outbox::run_due`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Messages that were delivered.
    pub delivered: usize,
    /// Attempts that failed.
    pub failed: usize,
}

impl Outbox {
    /// The outbox whose state is in `folder`. Paths of secrets are relative to `base`, the data folder.
    pub fn new(
        folder: PathBuf,
        base: &Path,
        settings: Alerts,
        user_agent: String,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let file = StateFile::new(folder);
        let (base, rules_failing_since) = (base.to_owned(), Mutex::default());
        Self { inner: Arc::new(Inner { file, base, settings, user_agent, clock, rules_failing_since }) }
    }

    /// Whether there is anyone to send to.
    pub fn has_receivers(&self) -> bool {
        !self.inner.settings.receivers.is_empty()
    }

    /// Accepts a notice for receivers, by name; it is on disk afterwards. Names without a receiver are ignored, because the
    /// settings were checked before. A receiver that had a notice with this id gets it only once within the configured
    /// days; a receiver that is off gets nothing, also later. Returns the number of receivers that will get it.
    ///
    /// # Errors
    /// [`AlertsError`] if it cannot be kept.
    pub fn push(&self, notice: &Notice, receivers: &[String]) -> Result<usize, AlertsError> {
        self.push_all(&[(notice.clone(), receivers.to_owned())])
    }

    /// Accepts many notices, each with the names of its receivers, at once: see [`Outbox::push`]. All of them are kept, or
    /// none is.
    ///
    /// # Errors
    /// [`AlertsError`] if they cannot be kept.
    pub fn push_all(&self, notices: &[(Notice, Vec<String>)]) -> Result<usize, AlertsError> {
        if notices.is_empty() {
            return Ok(0);
        }
        let now = self.inner.clock.now();
        let settings = &self.inner.settings;
        let oldest = now - TimeDelta::days(i64::from(settings.dedup_days));
        self.inner.file.update(|state| {
            let mut accepted = 0;
            for (notice, receivers) in notices {
                for name in receivers.iter().filter(|name| settings.receiver(name).is_some()) {
                    let record = state.receivers.entry(name.clone()).or_default();
                    let is_known = record.seen.get(&notice.id).is_some_and(|at| *at > oldest);
                    if record.off.is_some() || is_known {
                        continue;
                    }
                    record.seen.insert(notice.id.clone(), now);
                    record.waiting.push(Waiting { since: now, notice: notice.clone() });
                    accepted += 1;
                }
            }
            for (name, record) in &mut state.receivers {
                record.seen.retain(|_, at| *at > oldest);
                limit(record, name);
            }
            accepted
        })
    }

    /// Keeps in memory since when the rules cannot be applied, for the status page; `None` if they can.
    pub fn note_rules(&self, failing_since: Option<DateTime<Utc>>) {
        let mut noted = self.inner.rules_failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = failing_since.map(|at| noted.unwrap_or(at));
    }

    /// Sends what is due: each receiver in its own task, so that a slow one delays no other. Waits are measured by the
    /// clock of the outbox.
    ///
    /// # Errors
    /// [`AlertsError::Busy`] if another process is sending, otherwise if the state cannot be used.
    pub async fn run_due(&self) -> Result<Run, AlertsError> {
        let _sending = self.inner.file.sending()?;
        let now = self.inner.clock.now();
        let settings = &self.inner.settings;
        let due: Vec<Receiver> = self.inner.file.update(|state| {
            let mut due = Vec::new();
            for receiver in &settings.receivers {
                let Some(record) = state.receivers.get_mut(&receiver.name) else { continue };
                if record.off.is_some() {
                    continue;
                }
                form(record, receiver, settings.messages_per_hour, now);
                if !record.messages.is_empty() && may_try(record, now) {
                    due.push(receiver.clone());
                }
            }
            due
        })?;
        let mut tasks = JoinSet::new();
        for receiver in due {
            let outbox = self.clone();
            tasks.spawn(async move { outbox.deliver_to(&receiver).await });
        }
        let mut total = Run::default();
        // All tasks end first: one that is stopped may have sent a message that is not noted yet.
        let mut unusable = None;
        while let Some(done) = tasks.join_next().await {
            match done {
                Ok(Ok(run)) => {
                    total.delivered += run.delivered;
                    total.failed += run.failed;
                }
                Ok(Err(error)) => unusable = Some(error),
                Err(error) => tracing::error!(%error, "a delivery of alerts panicked"),
            }
        }
        unusable.map_or(Ok(total), Err)
    }

    /// Sends the messages of a receiver in order, until one fails, the limit is reached, or its turn is over.
    async fn deliver_to(&self, receiver: &Receiver) -> Result<Run, AlertsError> {
        let mut run = Run::default();
        let mut held: Vec<String> = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < TURN {
            let now = self.inner.clock.now();
            let most = self.inner.settings.messages_per_hour as usize;
            let next = self.inner.file.read()?.receivers.remove(&receiver.name).and_then(|mut record| {
                forget_old_attempts(&mut record, now);
                let (has_room, is_off) = (record.attempts.len() < most, record.off.is_some());
                let may_go = |message: &Message| has_room || message.severity() == Severity::Critical;
                let is_next = |one: &Outgoing| !held.contains(&one.message.id) && may_go(&one.message);
                record.messages.into_iter().find(is_next).filter(|_| !is_off)
            });
            let Some(outgoing) = next else { return Ok(run) };
            let message = outgoing.message;
            if message.severity() != Severity::Critical && is_quiet(receiver, now) {
                held.push(message.id);
                continue;
            }
            self.count_attempt(receiver, &message, now)?;
            let sent = self.sender().send(receiver, &message, now).await;
            let is_delivered = sent.is_ok();
            self.record(receiver, &message, sent)?;
            if !is_delivered {
                run.failed += 1;
                return Ok(run);
            }
            run.delivered += 1;
        }
        Ok(run)
    }

    /// Keeps an attempt before it is made. If the disk is full, nothing is sent, instead of the same message in each turn.
    fn count_attempt(
        &self,
        receiver: &Receiver,
        message: &Message,
        now: DateTime<Utc>,
    ) -> Result<(), AlertsError> {
        self.inner.file.update(|state| {
            let record = state.receivers.entry(receiver.name.clone()).or_default();
            record.attempts.push(now);
            if let Some(one) = record.messages.iter_mut().find(|one| one.message.id == message.id) {
                one.attempts += 1;
            }
        })
    }

    /// Keeps the outcome of an attempt.
    fn record(
        &self,
        receiver: &Receiver,
        message: &Message,
        sent: Result<u16, SendFailure>,
    ) -> Result<(), AlertsError> {
        let now = self.inner.clock.now();
        let settings = &self.inner.settings;
        self.inner.file.update(|state| {
            let record = state.receivers.entry(receiver.name.clone()).or_default();
            let place = record.messages.iter().position(|one| one.message.id == message.id);
            let attempt = place.map_or(1, |place| record.messages[place].attempts);
            let (outcome, status, detail) = match sent {
                Ok(status) => {
                    succeeded(record, now);
                    record.messages.retain(|one| one.message.id != message.id);
                    (DeliveryOutcome::Delivered, Some(status), String::new())
                }
                Err(failure) => {
                    let outcome = failed(record, place, message, &failure, settings, now);
                    tracing::warn!(
                        receiver = receiver.name,
                        status = failure.status,
                        reason = failure.detail,
                        attempt,
                        "an alert was not delivered"
                    );
                    if let Some(off) = record.off.as_ref().filter(|off| off.at == now) {
                        tracing::error!(
                            receiver = receiver.name,
                            since = %record.failing_since.unwrap_or(off.at),
                            "the receiver is switched off; `hitrate alerts enable` turns it on again"
                        );
                    }
                    (outcome, failure.status, failure.detail)
                }
            };
            let notices = message.notices.len();
            let (receiver, message_id) = (receiver.name.clone(), message.id.clone());
            state.note(Delivery { at: now, receiver, message_id, notices, attempt, outcome, status, detail });
        })
    }

    /// Sends a test message to a receiver at once, whatever its digest and quiet hours, and keeps the outcome in the log.
    /// A failure does not count against the receiver.
    ///
    /// # Errors
    /// [`AlertsError`] if there is no such receiver or the log cannot be written.
    pub async fn test(&self, name: &str) -> Result<Delivery, AlertsError> {
        let receiver = self.receiver(name)?;
        let message = self.test_message(receiver);
        let now = self.inner.clock.now();
        let sent = self.sender().send(receiver, &message, now).await;
        let (outcome, status, detail) = match sent {
            Ok(status) => (DeliveryOutcome::Delivered, Some(status), String::new()),
            Err(failure) => (DeliveryOutcome::GivenUp, failure.status, failure.detail),
        };
        let delivery = Delivery {
            at: self.inner.clock.now(),
            receiver: receiver.name.clone(),
            message_id: message.id,
            notices: 1,
            attempt: 1,
            outcome,
            status,
            detail,
        };
        self.inner.file.update(|state| {
            state.note(delivery.clone());
            if delivery.outcome == DeliveryOutcome::Delivered {
                let record = state.receivers.entry(receiver.name.clone()).or_default();
                succeeded(record, delivery.at);
            }
        })?;
        Ok(delivery)
    }

    /// What a test message to a receiver would be, with secrets masked.
    ///
    /// # Errors
    /// [`AlertsError::Unknown`]; the inner error is a secret or an address that cannot be used.
    pub fn preview(&self, name: &str) -> Result<Result<Preview, String>, AlertsError> {
        let receiver = self.receiver(name)?;
        let message = self.test_message(receiver);
        Ok(self.sender().preview(receiver, &message, self.inner.clock.now()))
    }

    fn test_message(&self, receiver: &Receiver) -> Message {
        let now = self.inner.clock.now();
        let id = format!("test-{}", now.timestamp_millis());
        Message {
            id: format!("msg_{id}"),
            kind: MessageKind::Test,
            created_at: now,
            notices: vec![Notice {
                id,
                at: now,
                rule: "test".to_owned(),
                severity: Severity::Info,
                title: "Test message of hitrate".to_owned(),
                lines: vec![
                    format!("The receiver {} works if you can read this.", receiver.name),
                    "Nothing has changed; `hitrate alerts test` sent this message.".to_owned(),
                ],
                url: None,
                changes: Vec::new(),
            }],
        }
    }

    /// Turns a receiver on again; its failures are forgotten, and its messages are sent at once.
    ///
    /// # Errors
    /// [`AlertsError`].
    pub fn enable(&self, name: &str) -> Result<(), AlertsError> {
        let name = &self.receiver(name)?.name;
        self.inner.file.update(|state| {
            let record = state.receivers.entry(name.clone()).or_default();
            record.off = None;
            record.failing_since = None;
            record.failures = 0;
            record.not_before = None;
        })
    }

    /// Turns a receiver off until it is enabled. What waits for it is dropped.
    ///
    /// # Errors
    /// [`AlertsError`].
    pub fn disable(&self, name: &str) -> Result<(), AlertsError> {
        let name = &self.receiver(name)?.name;
        let now = self.inner.clock.now();
        self.inner.file.update(|state| {
            turn_off(state.receivers.entry(name.clone()).or_default(), OffReason::Operator, now);
        })
    }

    /// Receivers and last deliveries, for the operator: with the reasons of failures.
    ///
    /// # Errors
    /// [`AlertsError`].
    pub fn status(&self) -> Result<AlertsStatus, AlertsError> {
        let state = self.inner.file.read()?;
        let receivers: Vec<ReceiverStatus> =
            self.inner.settings.receivers.iter().map(|receiver| receiver_status(&state, receiver)).collect();
        let is_off =
            |one: &&ReceiverStatus| matches!(one.state, ReceiverState::SwitchedOff | ReceiverState::Disabled);
        Ok(AlertsStatus {
            receivers_total: receivers.len(),
            receivers_off: receivers.iter().filter(is_off).count(),
            receivers,
            deliveries: state.log.into(),
            problems: self.rules_failing().into_iter().collect(),
        })
    }

    /// The same for everyone who can open the status page: without the reasons, with the last deliveries only, and without
    /// names if the settings hide them. `None` if there are no receivers.
    pub fn public_status(&self) -> Option<AlertsStatus> {
        if !self.has_receivers() {
            return None;
        }
        let mut status = match self.status() {
            Ok(status) => status,
            Err(error) => {
                tracing::error!(%error, "the status page cannot show the alerts");
                let problems = [Some(wording::alerts::UNREADABLE.to_owned()), self.rules_failing()];
                return Some(AlertsStatus {
                    receivers_total: self.inner.settings.receivers.len(),
                    problems: problems.into_iter().flatten().collect(),
                    ..AlertsStatus::default()
                });
            }
        };
        if !self.inner.settings.show_receivers {
            status.receivers.clear();
            status.deliveries.clear();
        }
        // A receiver that is no longer in the settings is no longer shown.
        status.deliveries.retain(|one| self.inner.settings.receiver(&one.receiver).is_some());
        status.deliveries.truncate(MOST_SHOWN);
        status.deliveries.iter_mut().for_each(|one| one.detail.clear());
        Some(status)
    }

    /// That the rules cannot be applied, as a sentence; `None` if they can.
    fn rules_failing(&self) -> Option<String> {
        let since = self.inner.rules_failing_since.lock().unwrap_or_else(PoisonError::into_inner);
        since.map(wording::alerts::rules_failing)
    }

    /// The names of all receivers, in the order of the settings.
    pub fn names(&self) -> Vec<String> {
        self.inner.settings.receivers.iter().map(|receiver| receiver.name.clone()).collect()
    }

    fn receiver(&self, name: &str) -> Result<&Receiver, AlertsError> {
        let unknown = || AlertsError::Unknown { name: name.to_owned(), known: self.names() };
        self.inner.settings.receiver(name).ok_or_else(unknown)
    }

    fn sender(&self) -> Sender<'_> {
        Sender { base: &self.inner.base, user_agent: &self.inner.user_agent }
    }
}

fn receiver_status(state: &State, receiver: &Receiver) -> ReceiverStatus {
    let record = state.receivers.get(&receiver.name).cloned().unwrap_or_default();
    let (shown, since) = match &record.off {
        Some(Off { at, reason: OffReason::Failed }) => (ReceiverState::SwitchedOff, Some(*at)),
        Some(Off { at, reason: OffReason::Operator }) => (ReceiverState::Disabled, Some(*at)),
        None if record.failing_since.is_some() => (ReceiverState::Failing, record.failing_since),
        None => (ReceiverState::On, None),
    };
    let in_messages: usize = record.messages.iter().map(|one| one.message.notices.len()).sum();
    ReceiverStatus {
        name: receiver.name.clone(),
        kind: receiver.kind.as_str().to_owned(),
        state: shown,
        since,
        delivered_at: record.delivered_at,
        waiting: record.waiting.len() + in_messages,
    }
}
