//! Imports the archived history again, into a rebuilt record.

use super::prices::PriceBook;
use super::report::add;
use super::rows::{Reader, archived_batches};
use super::upstream::known_pairs;
use super::{Sink, answered};
use crate::archive::Archive;
use crate::domain::imported::{ImportKind, ImportReport};
use crate::pipeline::{Pipeline, PipelineError};

impl Pipeline {
    /// Imports everything that an archive of the past contains. List prices come first, because deriving hit rates needs
    /// them. Nothing happens if there is no such archive, or no record.
    ///
    /// # Errors
    /// [`PipelineError`] if the folder cannot be read, or if a batch cannot be stored. A batch that cannot be read is logged,
    /// and the rest is imported.
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
        let pairs = known_pairs(now);
        let reader = Reader::new(&*self.upstream, &pairs);
        for takes_prices in [true, false] {
            for manifest in &manifests {
                let batches = archived_batches(&reader, archive, manifest, &mut book);
                let batches = batches.unwrap_or_else(|error| {
                    let run_id = &manifest.header.run_id;
                    tracing::error!(run_id, %error, "importing the history without this batch");
                    Vec::new()
                });
                for batch in batches {
                    if (batch.source.kind == ImportKind::ListedPrices) == takes_prices {
                        add(&mut report, sink(&batch)?);
                    }
                }
            }
        }
        Ok(report)
    }
}
