//! What a snapshot shows of imported data.

use crate::domain::imported::ImportSummary;
use crate::snapshot::{ImportedPoint, Imports};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Duration, Utc};

/// Number of sources that a snapshot lists; `hitrate import list` prints all.
const SHOWN_SOURCES: usize = 50;
/// Number of examples of each of them.
const SHOWN_EXAMPLES: usize = 3;
/// UTC days before the newest run that a snapshot contains; `hitrate export imported` has all.
const SHOWN_DAYS: i64 = 30;

/// Reads the sources, and the last days that the record does not have.
pub fn shown(store: &Store, as_of: DateTime<Utc>) -> Result<Imports, StoreError> {
    let all = store.import_sources()?;
    let count = all.len();
    if count == 0 {
        return Ok(Imports::default());
    }
    let newest = all.into_iter().take(SHOWN_SOURCES).map(|mut source: ImportSummary| {
        source.report.examples.truncate(SHOWN_EXAMPLES);
        source
    });
    let mut imports = Imports { count, sources: newest.collect(), ..Imports::default() };
    let today = as_of.date_naive();
    for row in store.imported_days(today - Duration::days(SHOWN_DAYS), today, as_of)? {
        imports.days.entry(row.endpoint_id).or_default().push(ImportedPoint {
            day: row.day,
            source: row.source,
            kind: row.kind,
            read_at: row.read_at,
            hit_rate: row.hit_rate,
            basis: row.basis,
            tokens: row.tokens,
            effective_input: row.effective_input,
            effective_output: row.effective_output,
            uptime: row.uptime,
            throughput: row.throughput,
            latency_ms: row.latency_ms,
        });
    }
    Ok(imports)
}
