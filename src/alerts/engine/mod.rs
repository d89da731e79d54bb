//! The rules: after each publication, they compare the newest snapshot with what they remember, and make notices.
//!
//! A change is reported once for each rule, whatever runs in between and however often the program starts. A rule that is
//! new, or whose conditions changed, first remembers what is there and reports nothing.

mod levels;
mod matching;
mod names;
mod past;
mod standing;
mod state;
mod write;

pub use names::warnings;
pub use past::{Checked, Past, past};
pub use standing::OwnDrop;
pub use state::{State, StateError};

use crate::alerts::delivery::{AlertsError, Outbox};
use crate::alerts::notice::Notice;
use crate::config::{Alerts, Rule};
use crate::domain::change::{Change, ChangeKind};
use crate::failpoint;
use crate::snapshot::Snapshot;
use chrono::{DateTime, Duration, Utc};
use matching::{is_same_read_again, may_be_taken_back, reports};
use state::{RuleState, Seen, fingerprint};
use std::collections::HashMap;
use std::path::Path;
use uuid::Uuid;
use write::{Found, Place, of_changes, of_end, of_taken_back};

/// How long a reported change is remembered beyond the time of the oldest change in a snapshot.
const KEPT: Duration = Duration::days(10);
/// A change that is gone from the snapshot counts as taken back only if it is not older than this.
const TAKEN_BACK_WITHIN: Duration = Duration::days(30);
/// If more remembered changes than this are gone at once, and most of all, none of them counts as taken back.
const MOST_TAKEN_BACK: usize = 5;

/// What the rules are applied to.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The newest snapshot.
    pub snapshot: &'a Snapshot,
    /// Drops of the own hit rate; `None` if they are not known now.
    pub own: Option<&'a [OwnDrop]>,
    /// Public address of the site, without a trailing slash; empty if unknown.
    pub public_url: &'a str,
    /// The time now.
    pub now: DateTime<Utc>,
}

/// Errors of the rules.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The state of the rules.
    #[error(transparent)]
    State(#[from] StateError),
    /// The outbox.
    #[error(transparent)]
    Outbox(#[from] AlertsError),
}

/// Applies the rules to a snapshot. Returns the notices with the names of their receivers, and changes what the rules
/// remember.
pub fn apply(rules: &Alerts, input: Input<'_>, state: &mut State) -> Vec<(Notice, Vec<String>)> {
    let all: Vec<String> = rules.receivers.iter().map(|receiver| receiver.name.clone()).collect();
    let place = Place { public_url: input.public_url };
    let mut notices = Vec::new();
    for rule in &rules.rules {
        let own = state.rules.entry(rule.name.clone()).or_default();
        let print = fingerprint(rule);
        let is_start = own.fingerprint != print;
        if is_start {
            *own = RuleState { fingerprint: print, ..RuleState::default() };
        }
        let receivers = if rule.receivers.is_empty() { &all } else { &rule.receivers };
        let found = apply_one(rule, input, own, is_start);
        notices
            .extend(found.into_iter().map(|found| (place.notice(rule, found, input.now), receivers.clone())));
    }
    state.rules.retain(|name, _| rules.rules.iter().any(|rule| rule.name == *name));
    state.as_of = Some(input.snapshot.as_of);
    state.checked_at = Some(input.now);
    notices
}

fn apply_one(rule: &Rule, input: Input<'_>, state: &mut RuleState, is_start: bool) -> Vec<Found> {
    let mut found = changed(rule, input.snapshot, state, is_start);
    found.extend(levels::rises(rule, input.snapshot, state, is_start));
    found.extend(standing::preferences(rule, input.snapshot, state, is_start));
    // What is not known now neither begins nor ends.
    if let Some(drops) = input.own {
        found.extend(standing::own(rule, drops, state, is_start));
    }
    found.extend(standing::collection(rule, input.snapshot, input.now, state, is_start));
    found
}

/// What is new among the changes: those that the rule reports, ends of reported outages, and reported changes that later
/// readings took back.
fn changed(rule: &Rule, snapshot: &Snapshot, state: &mut RuleState, is_start: bool) -> Vec<Found> {
    let as_of = snapshot.as_of;
    let by_id: HashMap<Uuid, &Change> = snapshot.changes.iter().map(|change| (change.id(), change)).collect();
    let mut found = Vec::new();
    if !is_start {
        found.extend(follow_up(snapshot, &by_id, state));
    }
    let mut fresh: Vec<&Change> = Vec::new();
    // Oldest first, so that notices are in the order of what happened.
    for change in snapshot.changes.iter().rev().filter(|change| reports(rule, change, as_of)) {
        let id = change.id();
        if state.seen.contains_key(&id) {
            continue;
        }
        // An imported change happened before it was known here: it is remembered, and not reported.
        let is_news = !is_start && change.source.is_none();
        state.seen.insert(id, seen(change, is_news));
        if is_news {
            fresh.push(change);
        }
    }
    if is_start {
        // An outage that is under way at the start would be reported once it is long enough.
        for outage in snapshot.changes.iter().filter(|change| change.kind == ChangeKind::Outage) {
            state.seen.entry(outage.id()).or_insert_with(|| seen(outage, false));
        }
    }
    found.extend(together(fresh).into_iter().map(of_changes));
    let oldest = snapshot.changes.last().map_or(as_of, |change| change.at) - KEPT;
    state.seen.retain(|id, seen| seen.at >= oldest || by_id.contains_key(id));
    found
}

/// Changes of one thing at one moment belong together: input, output and cache prices usually move at once.
fn together(changes: Vec<&Change>) -> Vec<Vec<Change>> {
    let mut groups: Vec<Vec<Change>> = Vec::new();
    for change in changes {
        let is_same = |one: &Change| {
            one.at == change.at
                && one.kind == change.kind
                && one.endpoint_id == change.endpoint_id
                && one.model_id == change.model_id
                && one.provider == change.provider
                && one.tag == change.tag
        };
        match groups.iter_mut().rev().take(100).find(|group| group.first().is_some_and(is_same)) {
            Some(group) => group.push(change.clone()),
            None => groups.push(vec![change.clone()]),
        }
    }
    groups
}

fn seen(change: &Change, is_reported: bool) -> Seen {
    let is_kept = is_reported || may_be_taken_back(change.kind);
    Seen { at: change.at, is_reported, change: is_kept.then(|| change.clone()) }
}

/// What became of changes that are remembered: ends and withdrawals of those that were reported are findings.
fn follow_up(snapshot: &Snapshot, by_id: &HashMap<Uuid, &Change>, state: &mut RuleState) -> Vec<Found> {
    let mut found = Vec::new();
    let known: Vec<(Uuid, Change, bool)> = state
        .seen
        .iter()
        .filter_map(|(id, seen)| Some((*id, seen.change.clone()?, seen.is_reported)))
        .collect();
    let all = known.len();
    let mut gone = Vec::new();
    for (id, before, is_reported) in known {
        match by_id.get(&id) {
            Some(now) => {
                if is_reported && before.until.is_none() && now.until.is_some() {
                    found.push(of_end(now));
                }
                if before != **now {
                    state.seen.insert(id, seen(now, is_reported));
                }
            }
            // Data of an earlier time do not contain what came later.
            None if may_be_taken_back(before.kind)
                && before.at >= snapshot.as_of - TAKEN_BACK_WITHIN
                && before.at <= snapshot.as_of =>
            {
                gone.push((id, before, is_reported));
            }
            None => {}
        }
    }
    if gone.len() > MOST_TAKEN_BACK && gone.len() * 2 > all {
        // More likely the list of changes is incomplete than that most changes were wrong.
        tracing::warn!(
            gone = gone.len(),
            known = all,
            "most known changes are missing; none counts as taken back"
        );
        return found;
    }
    for (id, before, is_reported) in gone {
        state.seen.remove(&id);
        match snapshot.changes.iter().find(|change| is_same_read_again(change, &before)) {
            // The same change with another date: it is known.
            Some(again) => drop(state.seen.insert(again.id(), seen(again, is_reported))),
            None if is_reported => found.push(of_taken_back(&before)),
            None => {}
        }
    }
    found
}

/// Applies the rules to a snapshot and gives the notices to the outbox. The state is saved after the outbox has accepted
/// all of them: after a crash in between they are made again, and the outbox drops those that it has. Returns the number
/// of notices. An error is also kept in the state, as far as that can be written.
///
/// # Errors
/// [`EngineError`].
pub fn run(rules: &Alerts, folder: &Path, outbox: &Outbox, input: Input<'_>) -> Result<usize, EngineError> {
    // Closing the file at the end releases the lock.
    let _applying = State::lock(folder)?;
    let mut state = State::load(folder)?;
    let before = state.clone();
    let notices = apply(rules, input, &mut state);
    if let Err(error) = outbox.push_all(&notices) {
        let failed = State { error: Some(error.to_string()), checked_at: Some(input.now), ..before };
        if let Err(unsaved) = failed.save(folder) {
            tracing::error!(%unsaved, "the state of the alert rules cannot be saved");
        }
        return Err(error.into());
    }
    let failed = |source| StateError::Io { path: folder.to_owned(), source };
    failpoint::reach("alerts.outbox").map_err(failed)?;
    state.error = None;
    state.save(folder)?;
    Ok(notices.len())
}
