//! Imports the archived history again, into a rebuilt record.

use super::prices::PriceBook;
use super::report::add;
use super::upstream::known_pairs;
use super::{Sink, answered, rows};
use crate::archive::{Archive, Manifest};
use crate::domain::document::Pair;
use crate::domain::imported::{ImportKind, ImportReport};
use crate::pipeline::{Pipeline, PipelineError};
use crate::upstream::Outcome;
use crate::upstream::history::KnownEndpoint;
use std::collections::BTreeMap;

impl Pipeline {
    /// Imports everything that an archive of the past contains. List prices come first, because deriving hit rates needs
    /// them. Nothing happens if there is no such archive, or no record.
    ///
    /// # Errors
    /// [`PipelineError`] if a manifest or a body cannot be read, or if a batch cannot be stored.
    pub fn replay_history(
        &self,
        archive: &Archive,
        sink: &mut Sink<'_>,
    ) -> Result<ImportReport, PipelineError> {
        let mut report = ImportReport::default();
        let manifests = answered::manifests(archive)?;
        let Some(newest) = self.store.newest_run(None)?.filter(|_| !manifests.is_empty()) else {
            return Ok(report);
        };
        let now = self.store.endpoints(newest.run.observed_at)?.rows()?;
        let mut book = PriceBook::of_record(self.store.price_spans()?, &now);
        let known: BTreeMap<Pair, Vec<KnownEndpoint>> =
            known_pairs(now).into_iter().map(|pair| (pair.pair, pair.endpoints)).collect();
        for prices_first in [true, false] {
            for manifest in &manifests {
                let mut each = |outcome: &Outcome<'_>| {
                    let pair = outcome.request.pair.as_ref();
                    let endpoints = pair.and_then(|pair| known.get(pair)).map_or(&[][..], Vec::as_slice);
                    let base = manifest.header.upstream.as_str();
                    let batch = rows::batch(&*self.upstream, base, outcome, endpoints, &mut book);
                    let is_log = |kind: ImportKind| kind == ImportKind::ListedPrices;
                    if let Some(batch) = batch.filter(|batch| is_log(batch.source.kind) == prices_first) {
                        add(&mut report, sink(&batch)?);
                    }
                    Ok(())
                };
                outcomes(archive, manifest, &mut each)?;
            }
        }
        Ok(report)
    }
}

/// Calls a function with each outcome of a manifest.
pub(super) fn outcomes(
    archive: &Archive,
    manifest: &Manifest,
    each: &mut dyn FnMut(&Outcome<'_>) -> Result<(), PipelineError>,
) -> Result<(), PipelineError> {
    let bodies = archive.bodies(manifest)?;
    for (entry, body) in manifest.entries.iter().zip(&bodies) {
        each(&Outcome {
            request: &entry.request,
            status: entry.status,
            error: entry.error.as_deref(),
            fetched_at: entry.fetched_at,
            sha256: entry.body.as_ref().map_or("", |body| body.sha256.as_str()),
            body: body.as_deref().unwrap_or_default(),
        })?;
    }
    Ok(())
}
