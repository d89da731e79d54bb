//! A document of the past as a batch of imported rows.

use super::prices::PriceBook;
use crate::archive::hex_sha256;
use crate::domain::imported::{ImportBatch, ImportKind, ImportSource};
use crate::upstream::history::{KnownEndpoint, PastBody};
use crate::upstream::{Outcome, Upstream, caught};

/// Reads a document, derives hit rates from its prices, and names its source. `None` if it has no rows.
pub(super) fn batch(
    upstream: &dyn Upstream,
    base_url: &str,
    outcome: &Outcome<'_>,
    known: &[KnownEndpoint],
    book: &mut PriceBook,
) -> Option<ImportBatch> {
    let body = read(upstream, outcome, known)?;
    book.add(&body.prices);
    if body.is_empty() {
        return None;
    }
    let days = match body.kind {
        ImportKind::PriceCharts => body.days.into_iter().map(|day| book.derive(day)).collect(),
        _ => body.days,
    };
    let origin = format!("{base_url}{}", outcome.request.path);
    // Two endpoints can have the same hours of uptime: a source is the content at an address.
    let sha256 = hex_sha256(&[outcome.request.path.as_bytes(), b"\n", outcome.body].concat());
    Some(ImportBatch {
        source: ImportSource { kind: body.kind, origin, sha256, fetched_at: outcome.fetched_at },
        days,
        prices: body.prices,
        uptimes: body.uptimes,
        activity: body.activity,
        refused: body.refused,
    })
}

/// Reads a document. A panic in its decoder costs that document only.
fn read(upstream: &dyn Upstream, outcome: &Outcome<'_>, known: &[KnownEndpoint]) -> Option<PastBody> {
    caught(|| upstream.read_history(outcome, known)).unwrap_or_else(|panic| {
        tracing::error!(path = outcome.request.path, panic, "the decoder panicked on a document of the past");
        None
    })
}
