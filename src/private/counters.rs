//! What the receiver accepted, rejected and imported since the start.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The counters, shared by the receiver and the importer.
#[derive(Debug, Default)]
pub struct Counters(Mutex<Counts>);

/// The counts since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests that were accepted.
    pub accepted_requests: u64,
    /// Spans and log records that were stored.
    pub accepted: u64,
    /// Spans and log records that are not about calls to models, and were not stored.
    pub left_out: u64,
    /// Damaged spans and log records of accepted requests.
    pub damaged: u64,
    /// Rejected requests by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// Segments of the spool that were imported.
    pub imported_segments: u64,
    /// Calls that were imported.
    pub imported_calls: u64,
    /// Records that repeat a call that was already stored.
    pub duplicates: u64,
    /// Segments that could not be imported and were quarantined.
    pub quarantined_segments: u64,
    /// The last error of the importer; it is empty again after the next success.
    pub last_error: Option<String>,
}

impl Counters {
    /// Changes the counts.
    pub fn change(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Counts a rejected request.
    pub fn reject(&self, reason: &'static str) {
        self.change(|counts| *counts.rejected.entry(reason).or_default() += 1);
    }

    /// The counts now.
    pub fn now(&self) -> Counts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
