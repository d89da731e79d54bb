//! What reading one file of a log results in.

use super::entry::FileContext;
use super::format::Format;
use super::inclusion::Decision;
use super::sink::Found;

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
