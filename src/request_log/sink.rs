//! Where the readers put what they find in one file: calls, and the reasons why entries have none.

use super::call::{Call, IdKind, Name};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Line numbers kept for each reason.
const LINES_KEPT: usize = 5;

/// Entries that could not be used, for one reason.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// Number of entries.
    pub entries: u64,
    /// Lines of the first five.
    pub first: Vec<u64>,
}

/// Which of several records of one call counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// The first one.
    First,
    /// The last one.
    Last,
    /// The one with the largest output, with the start of the first one: clients write a placeholder before the answer
    /// is complete.
    LargestOutput,
}

/// What was found in one file.
#[derive(Debug, Default)]
pub struct Sink {
    calls: Vec<Call>,
    /// The place of each id, by two hashes: a million ids take half the memory of their texts.
    places: HashMap<(u64, u64), usize>,
    hashers: [RandomState; 2],
    names: HashSet<Name>,
    unread: BTreeMap<String, Unread>,
    notes: BTreeMap<String, u64>,
    duplicates: u64,
}

impl Sink {
    /// Adds a call. If its id occurred before in this file, one of the two records is kept, and a duplicate is counted.
    /// A call without an id is always kept.
    pub fn push(&mut self, mut call: Call, keep: Keep) {
        self.share(&mut call);
        let Some(id) = call.id.as_deref() else { return self.calls.push(call) };
        let key = self.key(call.id_kind, id);
        let Some(&place) = self.places.get(&key) else {
            self.places.insert(key, self.calls.len());
            return self.calls.push(call);
        };
        self.duplicates += 1;
        let before = &mut self.calls[place];
        let better = match keep {
            Keep::First => false,
            Keep::Last => true,
            Keep::LargestOutput => call.raw.output.unwrap_or(0) > before.raw.output.unwrap_or(0),
        };
        if better {
            let start = before.started_at.into_iter().chain(call.started_at).min();
            *before = Call { started_at: start, ..call };
        }
    }

    /// Counts an entry that has no call, with the reason.
    pub fn unread(&mut self, reason: &str, line: u64) {
        let unread = self.unread.entry(reason.to_owned()).or_default();
        unread.entries += 1;
        if unread.first.len() < LINES_KEPT {
            unread.first.push(line);
        }
    }

    /// Counts a record that repeats another one.
    pub fn duplicate(&mut self) {
        self.duplicates += 1;
    }

    /// Counts something that a reader of the report should know and that is not an error, such as an unknown field.
    pub fn note(&mut self, note: &str) {
        *self.notes.entry(note.to_owned()).or_default() += 1;
    }

    /// The call with an id, to complete it from a later entry.
    pub fn call_mut(&mut self, kind: IdKind, id: &str) -> Option<&mut Call> {
        let place = *self.places.get(&self.key(kind, id))?;
        self.calls.get_mut(place)
    }

    /// The last call that was added.
    pub fn last_mut(&mut self) -> Option<&mut Call> {
        self.calls.last_mut()
    }

    /// The calls so far, to complete them at the end of a file.
    pub fn calls_mut(&mut self) -> &mut Vec<Call> {
        &mut self.calls
    }

    fn key(&self, kind: IdKind, id: &str) -> (u64, u64) {
        let [one, other] = &self.hashers;
        (one.hash_one((kind, id)), other.hash_one((kind, id)))
    }

    /// Everything that was found.
    pub fn done(self) -> Found {
        Found { calls: self.calls, unread: self.unread, notes: self.notes, duplicates: self.duplicates }
    }

    /// Calls of one file share the texts that they have in common.
    fn share(&mut self, call: &mut Call) {
        let texts = [
            &mut call.session,
            &mut call.parent_session,
            &mut call.agent,
            &mut call.platform,
            &mut call.model_sent,
            &mut call.model_served,
            &mut call.provider_name,
            &mut call.provider_tag,
            &mut call.endpoint_id,
            &mut call.app,
            &mut call.key,
            &mut call.error_class,
            &mut call.finish,
            &mut call.service_tier,
        ];
        for text in texts.into_iter().flatten() {
            match self.names.get(text) {
                Some(shared) => *text = Arc::clone(shared),
                None => {
                    self.names.insert(Arc::clone(text));
                }
            }
        }
    }
}

/// The content of one file.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Calls, failures, replays and sums, in the order of the file.
    pub calls: Vec<Call>,
    /// Entries that could not be used, by reason.
    pub unread: BTreeMap<String, Unread>,
    /// What a reader of the report should know, with the number of entries.
    pub notes: BTreeMap<String, u64>,
    /// Number of records that repeat another one of the same file.
    pub duplicates: u64,
}
