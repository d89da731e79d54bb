//! Documents of the past as batches of imported rows.

use super::prices::PriceBook;
use crate::archive::{Archive, ArchiveError, Fetched, Manifest, hex_sha256};
use crate::domain::document::Pair;
use crate::domain::imported::{ImportBatch, ImportKind, ImportSource};
use crate::upstream::history::{KnownEndpoint, KnownPair, PastBody};
use crate::upstream::{Outcome, Upstream, caught};
use std::collections::{BTreeMap, HashMap};

/// What reading documents needs besides the documents.
pub(super) struct Reader<'a> {
    upstream: &'a dyn Upstream,
    known: HashMap<&'a Pair, &'a [KnownEndpoint]>,
}

/// The documents of one kind.
struct Documents {
    bodies: Vec<PastBody>,
    source: ImportSource,
    /// Paths and digests of their bodies.
    content: String,
}

impl<'a> Reader<'a> {
    pub(super) fn new(upstream: &'a dyn Upstream, pairs: &'a [KnownPair]) -> Self {
        let known = pairs.iter().map(|known| (&known.pair, known.endpoints.as_slice())).collect();
        Self { upstream, known }
    }

    /// Reads documents that were archived together: adds their list prices to the book, derives hit rates from their
    /// effective prices, and returns one batch for each kind of data.
    pub(super) fn batches(
        &self,
        base_url: &str,
        outcomes: &[Outcome<'_>],
        book: &mut PriceBook,
    ) -> Vec<ImportBatch> {
        let mut kinds: BTreeMap<ImportKind, Documents> = BTreeMap::new();
        for outcome in outcomes {
            let Some(mut body) = self.read(outcome) else { continue };
            book.add(&body.prices);
            if body.is_empty() {
                continue;
            }
            for (place, _) in &mut body.refused {
                *place = format!("{} {place}", outcome.request.path);
            }
            let kind = body.kind;
            let documents = kinds.entry(kind).or_insert_with(|| Documents {
                bodies: Vec::new(),
                source: ImportSource {
                    kind,
                    origin: format!("{base_url}{}", outcome.request.path),
                    sha256: String::new(),
                    fetched_at: outcome.fetched_at,
                },
                content: String::new(),
            });
            documents.source.fetched_at = documents.source.fetched_at.max(outcome.fetched_at);
            documents.content += &format!("{} {}\n", outcome.request.path, hex_sha256(outcome.body));
            documents.bodies.push(body);
        }
        kinds.into_values().map(|documents| documents.batch(book)).collect()
    }

    /// Reads a document. A panic in its decoder costs that document only.
    fn read(&self, outcome: &Outcome<'_>) -> Option<PastBody> {
        let pair = outcome.request.pair.as_ref();
        let known = pair.and_then(|pair| self.known.get(pair)).copied().unwrap_or_default();
        caught(|| self.upstream.read_history(outcome, known)).unwrap_or_else(|panic| {
            tracing::error!(
                path = outcome.request.path,
                panic,
                "the decoder panicked on a document of the past"
            );
            None
        })
    }
}

impl Documents {
    /// One batch of all documents. Its digest is that of their paths and bodies, as several endpoints can have the same
    /// body.
    fn batch(self, book: &PriceBook) -> ImportBatch {
        let Self { bodies, mut source, content } = self;
        if bodies.len() > 1 {
            source.origin += &format!(" and {} more", bodies.len() - 1);
        }
        source.sha256 = hex_sha256(content.as_bytes());
        let is_priced = source.kind == ImportKind::PriceCharts;
        let mut batch = ImportBatch {
            source,
            days: Vec::new(),
            prices: Vec::new(),
            uptimes: Vec::new(),
            activity: Vec::new(),
            refused: Vec::new(),
        };
        for body in bodies {
            let days = body.days.into_iter();
            batch.days.extend(days.map(|day| if is_priced { book.derive(day) } else { day }));
            batch.prices.extend(body.prices);
            batch.uptimes.extend(body.uptimes);
            batch.activity.extend(body.activity);
            batch.refused.extend(body.refused);
        }
        batch
    }
}

/// The outcomes of requests that were just answered.
pub(super) fn outcomes_of(fetched: &[Fetched]) -> Vec<Outcome<'_>> {
    fetched
        .iter()
        .map(|one| Outcome {
            request: &one.request,
            status: one.status,
            error: one.error.as_deref(),
            fetched_at: one.fetched_at,
            sha256: "",
            body: one.body.as_deref().unwrap_or_default(),
        })
        .collect()
}

/// Reads the documents of a manifest as [`Reader::batches`] does.
///
/// # Errors
/// If a body cannot be read.
pub(super) fn archived_batches(
    reader: &Reader<'_>,
    archive: &Archive,
    manifest: &Manifest,
    book: &mut PriceBook,
) -> Result<Vec<ImportBatch>, ArchiveError> {
    let bodies = archive.bodies(manifest)?;
    let outcomes: Vec<Outcome<'_>> = manifest
        .entries
        .iter()
        .zip(&bodies)
        .map(|(entry, body)| Outcome {
            request: &entry.request,
            status: entry.status,
            error: entry.error.as_deref(),
            fetched_at: entry.fetched_at,
            sha256: entry.body.as_ref().map_or("", |body| body.sha256.as_str()),
            body: body.as_deref().unwrap_or_default(),
        })
        .collect();
    Ok(reader.batches(&manifest.header.upstream, &outcomes, book))
}
