//! Where the readers put what they find in one file: calls, and the reasons why entries have none.

use super::call::{Call, IdKind, Name};
use chrono::{DateTime, Datelike, Utc};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// Maximum number of tokens in one call: the sums over any number of calls that a database holds fit into 63 bits. Sums
/// over many calls can be larger.
const MOST_TOKENS_OF_A_CALL: u64 = 1_000_000_000;
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

    /// Everything that was found, without calls that are damage.
    pub fn done(mut self) -> Found {
        for (reason, line) in self.calls.iter().filter_map(refused).collect::<Vec<_>>() {
            self.unread(reason, line);
        }
        self.calls.retain(|call| refused(call).is_none());
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

/// Why a call is damage, and its line: no date of the database can hold its time, or no request has that many tokens.
fn refused(call: &Call) -> Option<(&'static str, u64)> {
    let is_time = |at: &DateTime<Utc>| (1970..=9999).contains(&at.year());
    if !call.started_at.iter().chain(&call.ended_at).all(is_time) {
        return Some(("a time outside the years 1970 to 9999", call.line));
    }
    let raw = &call.raw;
    let counts =
        [raw.input, raw.read, raw.write, raw.write_5m, raw.write_1h, raw.output, raw.reasoning, raw.total];
    let is_large = counts.into_iter().flatten().any(|count| count > MOST_TOKENS_OF_A_CALL);
    (call.aggregated.is_none() && is_large).then_some(("a call of more than a billion tokens", call.line))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_log::RawCounts;

    #[test]
    fn times_and_counts_that_are_damage_are_refused_with_their_line() {
        let call = |line, year, input| Call {
            line,
            started_at: DateTime::parse_from_rfc3339("2026-08-10T10:00:00Z")
                .ok()
                .and_then(|at| at.to_utc().with_year(year)),
            raw: RawCounts { input: Some(input), ..RawCounts::default() },
            ..Call::default()
        };
        let mut sink = Sink::default();
        let sum = Call { aggregated: Some(5), ..call(4, 2026, 2_000_000_000) };
        for call in
            [call(1, 2026, 10), call(2, 12_346, 10), call(3, 2026, 2_000_000_000), sum, call(5, -1, 10)]
        {
            sink.push(call, Keep::First);
        }
        let found = sink.done();
        assert_eq!(found.calls.iter().map(|call| call.line).collect::<Vec<_>>(), [1, 4]);
        assert_eq!(found.unread["a time outside the years 1970 to 9999"].first, [2, 5]);
        assert_eq!(found.unread["a call of more than a billion tokens"].first, [3]);
    }
}
