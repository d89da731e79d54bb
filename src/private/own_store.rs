//! The store of own traffic as the place where received calls go, and as the source of the answers.

use super::answers::Own;
use super::import::{Added, Destination, Failure};
use crate::pipeline::traffic_options;
use crate::request_log::{Call, FileContext, Format, ReadError, ReadOptions, read_bytes};
use crate::store::{ImportOptions, Resolved, StoreError, TrafficStore};
use crate::traffic::catalogue::Catalogue;
use std::path::PathBuf;

/// Name of the source and path of received calls.
const SOURCE: &str = "receiver";

/// The store of own traffic of a data folder. It is opened for each import and closed after it.
pub struct OwnStore(Own);

impl OwnStore {
    /// The store of a data folder.
    pub fn new(own: &Own) -> Self {
        Self(own.clone())
    }
}

impl Destination for OwnStore {
    fn import(&self, lines: &[u8], format: &'static Format) -> Result<Added, Failure> {
        let context = FileContext { path: PathBuf::from(SOURCE), ..FileContext::default() };
        let options = ReadOptions { format: Some(format), ..ReadOptions::default() };
        let file = read_bytes(lines, context, &options).map_err(|error| match error {
            ReadError::Io { .. } => Failure::Store(error.to_string()),
            ReadError::Empty { .. } | ReadError::Container { .. } | ReadError::Unknown { .. } => {
                Failure::Data(error.to_string())
            }
        })?;
        let snapshot = self.0.current.get();
        let catalogue = snapshot.as_deref().map(Catalogue::new);
        let resolve = |call: &Call| {
            catalogue.as_ref().map_or_else(Resolved::default, |catalogue| catalogue.resolve(call))
        };
        // What the data caused would fail again and keep all later calls waiting.
        let failed = |error: StoreError| {
            let reason = error.to_string();
            if error.concerns_content() { Failure::Data(reason) } else { Failure::Store(reason) }
        };
        let store = TrafficStore::open(traffic_options(&self.0.config, &self.0.data)).map_err(failed)?;
        // The same calls may also be in an imported log: those that match one of it are left out.
        let how = ImportOptions { source: Some(SOURCE), merge: true, now: self.0.clock.now() };
        let imported = store.import_with(&file, &how, &resolve).map_err(failed)?;
        Ok(Added { calls: imported.calls, duplicates: imported.duplicates + imported.merged })
    }
}
