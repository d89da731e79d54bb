//! What reading one file of a log results in.

use super::call::{Call, IdKind};
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
