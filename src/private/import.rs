//! Imports complete segments of the spool in the background, oldest first. A segment is deleted after its import is
//! committed; after a crash it is imported again, which changes nothing.

use super::counters::Counters;
use super::spool::SpoolReader;
use crate::background;
use crate::request_log::{Entry, FileContext, Format, Layout, recognise};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Pause after a failure, before the same segment is tried again.
const PAUSE: Duration = Duration::from_secs(10);

/// What an import added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Added {
    /// Calls that were added.
    pub calls: u64,
    /// Records that repeat a stored call.
    pub duplicates: u64,
}

/// Why an import failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The data cannot be read; trying again would not help.
    Data(String),
    /// The store is not available now.
    Store(String),
}

/// The store that received calls go to.
pub trait Destination: Send + Sync + 'static {
    /// Imports lines of one format in one transaction; lines that were imported before change nothing.
    ///
    /// # Errors
    /// [`Failure`]; nothing is changed then.
    fn import(&self, lines: &[u8], format: &'static Format) -> Result<Added, Failure>;
}

/// Imports segments as they are completed, until cancelled. Segments that are complete then are imported first.
pub async fn run(
    reader: SpoolReader,
    destination: Arc<dyn Destination>,
    counters: Arc<Counters>,
    cancel: CancellationToken,
) {
    loop {
        let is_last = cancel.is_cancelled();
        let (work, store, counts) = (reader.clone(), destination.clone(), counters.clone());
        let outcome = background::run(move || import_all(&work, store.as_ref(), &counts)).await;
        let error = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error),
            Err(ended) => Some(ended.to_string()),
        };
        if let Some(error) = &error {
            tracing::warn!(error, "received calls wait in the spool and are imported later");
        }
        if is_last {
            return;
        }
        let has_failed = error.is_some();
        counters.change(|counts| counts.last_error = error);
        let again = async {
            if has_failed {
                tokio::time::sleep(PAUSE).await;
            } else {
                reader.completed().await;
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = again => {}
        }
    }
}

/// Imports all complete segments.
///
/// # Errors
/// The first failure of store or disk; the remaining segments stay.
fn import_all(reader: &SpoolReader, store: &dyn Destination, counters: &Counters) -> Result<(), String> {
    for segment in reader.complete().map_err(|error| format!("cannot list the spool: {error}"))? {
        import_one(reader, store, counters, &segment)?;
    }
    Ok(())
}

/// The lines of a segment by format. Each line is a resource of its own, so it has one format.
fn by_format(bytes: &[u8]) -> BTreeMap<Option<&'static str>, (Option<&'static Format>, Vec<u8>)> {
    let context = FileContext { layout: Layout::Lines, ..FileContext::default() };
    let mut groups: BTreeMap<_, (Option<&'static Format>, Vec<u8>)> = BTreeMap::new();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let value: Option<Value> = serde_json::from_slice(line).ok();
        let format = value.as_ref().and_then(|value| {
            let entry = Entry { value, line: 1, table: None };
            recognise(std::slice::from_ref(&entry), &context)
        });
        let (_, lines) = groups.entry(format.map(|format| format.id)).or_insert_with(|| (format, Vec::new()));
        lines.extend_from_slice(line);
        lines.push(b'\n');
    }
    groups
}

fn import_one(
    reader: &SpoolReader,
    store: &dyn Destination,
    counters: &Counters,
    segment: &Path,
) -> Result<(), String> {
    let failed = |error: io::Error| format!("segment {}: {error}", segment.display());
    let bytes = std::fs::read(segment).map_err(failed)?;
    let (mut added, mut unusable) = (Added::default(), Vec::new());
    let mut reasons: Vec<String> = Vec::new();
    for (format, lines) in by_format(&bytes).into_values() {
        let outcome = match format {
            Some(format) => store.import(&lines, format),
            None => Err(Failure::Data("no reader recognises these lines".to_owned())),
        };
        match outcome {
            Ok(more) => {
                added.calls += more.calls;
                added.duplicates += more.duplicates;
            }
            Err(Failure::Store(error)) => return Err(error),
            Err(Failure::Data(reason)) => {
                unusable.extend_from_slice(&lines);
                reasons.push(reason);
            }
        }
    }
    if unusable.is_empty() {
        reader.delete(segment).map_err(failed)?;
    } else {
        let reason = reasons.join("; ");
        let place = reader.quarantine(segment, &unusable, &reason).map_err(failed)?;
        tracing::error!(reason, place = %place.display(), "received telemetry was quarantined");
    }
    counters.change(|counts| {
        counts.imported_segments += 1;
        counts.imported_calls += added.calls;
        counts.duplicates += added.duplicates;
        counts.quarantined_segments += u64::from(!reasons.is_empty());
    });
    Ok(())
}
