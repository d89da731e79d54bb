//! Calls that two sources of one platform both recorded under different ids.

use chrono::{DateTime, Utc};

/// A file whose calls may be those of another source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// Source of the file.
    pub source: String,
    /// The source that is already imported.
    pub other: String,
    /// The platform of both.
    pub platform: String,
    /// Time of the first call of the file that overlaps.
    pub from: DateTime<Utc>,
    /// Time of the last one.
    pub to: DateTime<Utc>,
    /// Number of calls of the file in that time.
    pub calls: u64,
    /// Number of them that match a call of the other source by time, model and token counts.
    pub matched: u64,
}

impl std::fmt::Display for Overlap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "its {} calls on {} from {} to {} overlap with those of the source `{}`, and {} of them match by time, model and token counts. Nothing of it was imported, because these calls would count twice. Import it with --merge to leave out the calls that match",
            self.calls,
            self.platform,
            self.from.format("%F %H:%M"),
            self.to.format("%F %H:%M UTC"),
            self.other,
            self.matched,
        )
    }
}
