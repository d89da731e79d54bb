//! What reading one file of a log results in.

use super::call::{Call, IdKind, Name, SessionKind};
use super::entry::FileContext;
use super::format::Format;
use super::inclusion::Decision;
use super::sink::Found;
use std::collections::HashMap;

/// One file of a log, read.
#[derive(Debug)]
pub struct LogFile {
    /// Path and layout.
    pub context: FileContext,
    /// Its format.
    pub format: &'static Format,
    /// Calls, with their rules applied, and what could not be read.
    pub found: Found,
    /// The rule of each model.
    pub decisions: Vec<Decision>,
    /// SHA-256 of the bytes as they are in the file (before decompression), in hexadecimal.
    pub sha256: String,
    /// Size of the file, bytes.
    pub bytes: u64,
}

/// The calls of several files, each once, and the number of records that repeat one of another file. Of a call in several
/// files, the record with the largest output counts.
pub fn distinct(files: &[LogFile]) -> (Vec<&Call>, u64) {
    let mut kept: Vec<&Call> = Vec::new();
    let mut places: HashMap<(IdKind, &str, &str), usize> = HashMap::new();
    let mut repeated = 0;
    for file in files {
        for call in &file.found.calls {
            let Some(id) = call.id.as_deref() else {
                kept.push(call);
                continue;
            };
            // Rows are numbered by each tool on its own.
            let owner =
                if matches!(call.id_kind, IdKind::Row | IdKind::Position) { file.format.id } else { "" };
            match places.get(&(call.id_kind, owner, id)) {
                Some(&place) => {
                    repeated += 1;
                    if call.raw.output > kept[place].raw.output {
                        kept[place] = call;
                    }
                }
                None => {
                    places.insert((call.id_kind, owner, id), kept.len());
                    kept.push(call);
                }
            }
        }
    }
    (kept, repeated)
}

/// Whether the session ids of calls occur once on nearly every call: then they name requests, as LiteLLM writes them
/// where the caller names no session. One call alone proves nothing. Calls that are stored are judged by
/// [`are_requests`] over all calls of their source instead.
pub(super) fn ids_name_requests<'a>(calls: impl Iterator<Item = &'a Call>) -> bool {
    let is_named = |call: &&Call| {
        call.session_kind == SessionKind::Given && call.aggregated.is_none() && !call.gateway_cache_hit
    };
    let mut counts: HashMap<&Name, u64> = HashMap::new();
    for session in calls.filter(is_named).filter_map(|call| call.session.as_ref()) {
        *counts.entry(session).or_default() += 1;
    }
    let rows: u64 = counts.values().sum();
    let once = counts.values().filter(|count| **count == 1).count() as u64;
    rows >= 2 && are_requests(rows, once)
}

/// Whether ids name requests, of which `once` occur on one call only, and that occur on `calls` calls.
pub const fn are_requests(calls: u64, once: u64) -> bool {
    once.saturating_mul(10) > calls.saturating_mul(9)
}
