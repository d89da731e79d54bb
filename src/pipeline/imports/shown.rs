//! What a snapshot shows of imported data.

use crate::domain::imported::{ImportKind, ImportSummary};
use crate::snapshot::{ImportedPoint, Imports};
use crate::store::{Store, StoreError};
use chrono::{DateTime, Duration, Utc};
use std::collections::HashMap;

/// Number of sources that a snapshot lists; `hitrate import list` prints all.
const SHOWN_SOURCES: usize = 50;
/// Number of examples of each of them.
const SHOWN_EXAMPLES: usize = 3;
/// UTC days before the newest run that a snapshot contains; `hitrate export imported` has all.
const SHOWN_DAYS: i64 = 30;

/// Reads the sources, and the last days that the record does not have.
pub fn shown(store: &Store, as_of: DateTime<Utc>) -> Result<Imports, StoreError> {
    let all = grouped(store.import_sources()?);
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

/// The sources with all batches of one kind from one upstream as one, named like the newest of them.
fn grouped(sources: Vec<ImportSummary>) -> Vec<ImportSummary> {
    let mut groups: Vec<(ImportSummary, usize)> = Vec::new();
    let mut places: HashMap<(ImportKind, String), usize> = HashMap::new();
    for source in sources {
        let Some(upstream) = source.upstream().map(str::to_owned) else {
            groups.push((source, 1));
            continue;
        };
        let place = *places.entry((source.kind, upstream)).or_insert(groups.len());
        match groups.get_mut(place) {
            None => groups.push((source, 1)),
            Some((newest, batches)) => {
                *batches += 1;
                newest.report.stored += source.report.stored;
                newest.report.known += source.report.known;
                newest.report.disagreements += source.report.disagreements;
                newest.report.unmatched += source.report.unmatched;
                newest.report.refused += source.report.refused;
                newest.report.examples.extend(source.report.examples);
            }
        }
    }
    let one = |(mut source, batches): (ImportSummary, usize)| {
        if batches > 1 {
            let upstream = source.upstream().unwrap_or_default();
            source.origin = format!("{upstream} ({batches} batches)");
        }
        source
    };
    groups.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::imported::ImportReport;

    #[test]
    fn batches_of_one_kind_from_one_upstream_are_one_source() {
        let source = |name: &str, kind: ImportKind, origin: &str| ImportSummary {
            name: name.to_owned(),
            kind,
            origin: origin.to_owned(),
            sha256: name.to_owned(),
            fetched_at: DateTime::UNIX_EPOCH,
            report: ImportReport { stored: 2, examples: vec![name.to_owned()], ..ImportReport::default() },
        };
        let found = grouped(vec![
            source("a", ImportKind::PriceCharts, "https://one.example/api/x and 49 more"),
            source("b", ImportKind::Series, "b.csv"),
            source("c", ImportKind::PriceCharts, "https://one.example/api/y"),
        ]);
        let short: Vec<_> =
            found.iter().map(|one| (one.name.as_str(), one.origin.as_str(), one.report.stored)).collect();
        assert_eq!(short, [("a", "https://one.example (2 batches)", 4), ("b", "b.csv", 2)]);
        assert_eq!(found[0].report.examples, ["a", "c"]);
    }
}
