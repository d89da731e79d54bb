//! What is still missing from the data, for the status page.

use crate::domain::tier::Lens;
use crate::domain::window::WindowKind;
use std::fmt;

/// Something that the data do not have yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// This many days with a published hit rate until tiers stop being provisional.
    Days(usize),
    /// The usage of the newest run covers another window than the UTC day so far.
    Day(WindowKind),
    /// The upstream offers no daily hit rates of the days before.
    DailySeries,
    /// No provider is rated under the lens.
    Ratings(Lens),
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days(needed) => write!(
                f,
                "{needed} more day{} of collection needed before tiers stop being provisional; until then, days derived \
                 from the price charts are included",
                if *needed == 1 { "" } else { "s" }
            ),
            Self::Day(window) => write!(
                f,
                "usage in the newest run covers `{window}`, not the UTC day so far: daily hit rates come from other runs \
                 or the price charts"
            ),
            Self::DailySeries => f.write_str(
                "the upstream offers no daily series of hit rates: days without a sweep remain gaps",
            ),
            Self::Ratings(lens) => write!(f, "no provider is rated yet under the lens {lens}"),
        }
    }
}
