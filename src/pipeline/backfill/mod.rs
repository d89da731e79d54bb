//! Data from before the record: what the upstream still offers. It is archived first, in an archive of its own, so that
//! nothing is requested twice and a replay imports it again.

mod answered;
mod gate;
mod prices;
mod replay;
mod report;
mod rows;
mod upstream;

pub(super) use gate::Sweeps;
pub use report::{HistoryPlan, ImportStop, Progress, UpstreamImport};
pub use upstream::ImportOptions;

use super::{Pipeline, PipelineError};
use crate::domain::imported::{ImportBatch, ImportReport};
use chrono::{DateTime, Utc};

/// The time of the first sweep after a time, if any is planned.
pub type NextSweep<'a> = dyn Fn(DateTime<Utc>) -> Option<DateTime<Utc>> + Send + Sync + 'a;

/// Stores a batch of imported data.
pub type Sink<'a> = dyn FnMut(&ImportBatch) -> Result<ImportReport, PipelineError> + Send + 'a;

impl Pipeline {
    /// Stores a batch of imported data beside the record.
    ///
    /// # Errors
    /// [`PipelineError::Store`].
    pub fn keep_imported(&self, batch: &ImportBatch) -> Result<ImportReport, PipelineError> {
        Ok(self.store.import(batch)?)
    }
}
