//! The lenses as pages show them: their names, their order and their units.

use super::format;
use crate::domain::tier::Lens;

/// The default lens. Visitors want to lower their bill: the cost of a whole session compared with peers on the same
/// models answers that; the hit rate is its cause, one tab away.
pub const DEFAULT_LENS: Lens = Lens::Cost;

pub fn title(lens: Lens) -> &'static str {
    match lens {
        Lens::Cache => "Cache",
        Lens::Cost => "Cost",
        Lens::Reliability => "Reliability",
        Lens::Speed => "Speed",
        Lens::Overall => "Overall",
    }
}

/// All lenses, with the default lens of the front page first.
pub fn all() -> [Lens; 5] {
    let mut lenses = Lens::ALL;
    lenses.sort_by_key(|lens| *lens != DEFAULT_LENS);
    lenses
}

/// The format of a mean in the unit of the lens.
pub fn measure(lens: Lens) -> fn(f64) -> String {
    match lens {
        Lens::Cache => format::percent,
        Lens::Cost => format::usd_fine,
        Lens::Reliability => format::percent_fine,
        Lens::Speed => |value| format!("{value:.0}"),
        Lens::Overall => |value| format::signed(value, 1),
    }
}
